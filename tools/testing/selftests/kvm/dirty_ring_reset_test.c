// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test that KVM_RESET_DIRTY_RINGS loses no page: in whatever order pages are in
 * the ring, if signals cut it short, and if other entries are nonsense. A page
 * whose entry was reset is write-protected again: if the guest writes to it, it
 * is in the ring anew.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include <asm/barrier.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"
#include "ucall_common.h"

#define TEST_SLOT	1
#define TEST_GVA	0xc0000000ul

/* In pages of the host. The slot's end is in the middle of a word of a bitmap. */
#define NR_PAGES	8150u
#define SPAN		8192u
#define RING_ENTRIES	(2 * SPAN)

enum order {
	FORWARDS,
	BACKWARDS,
	SHUFFLED,	/* runs of four, within 512 pages */
	SCATTERED,
	NR_ORDERS,
};

static const char * const order_names[] = {
	[FORWARDS]	= "forwards",
	[BACKWARDS]	= "backwards",
	[SHUFFLED]	= "shuffled",
	[SCATTERED]	= "scattered",
};

static u64 page_size;
static bool nonsense[NR_PAGES];

/* What is no page's number is left out. */
static u32 nth_page(enum order order, u32 n)
{
	switch (order) {
	case BACKWARDS:
		return NR_PAGES - 1 - n;
	case SHUFFLED:
		return (n & ~511) | (((n >> 2) * 45 + 64) % 128) << 2 | (n & 3);
	case SCATTERED:
		return n * 2654435761u % SPAN;
	default:
		return n;
	}
}

static void guest_code(void)
{
	int order;
	u32 n, page;

	for (order = 0; ; order = (order + 1) % NR_ORDERS) {
		for (n = 0; n < SPAN; n++) {
			page = nth_page(order, n);
			if (page < NR_PAGES)
				WRITE_ONCE(*(u64 *)(TEST_GVA + page * page_size), n);
		}
		GUEST_SYNC(order);
	}
}

static void nop(int signum)
{
}

static void interrupt_each(int us)
{
	struct itimerval timer = {
		.it_interval.tv_usec = us,
		.it_value.tv_usec = us,
	};

	TEST_ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Make it one of no page, in a way that depends on which entry it is. */
static void spoil(struct kvm_dirty_gfn *entry, u32 nr)
{
	nonsense[entry->offset] = true;

	switch (nr % 5) {
	case 0:
		entry->slot = TEST_SLOT + 1;
		break;
	case 1:
		entry->slot = 0xffff;
		break;
	case 2:
		entry->slot |= 0xff << 16;
		break;
	case 3:
		entry->offset = NR_PAGES + entry->offset % (SPAN - NR_PAGES);
		break;
	default:
		entry->offset |= 1ull << 63;
	}
}

/* Take all entries from the ring, and check that each page has one. */
static u32 harvest(struct kvm_vcpu *vcpu, int round, bool spoil_some)
{
	struct kvm_dirty_gfn *entries = vcpu_map_dirty_ring(vcpu), *entry;
	bool *found = calloc(NR_PAGES, sizeof(*found));
	u32 nr, page, nr_missing = 0;

	for (nr = 0; ; nr++) {
		entry = &entries[vcpu->fetch_index % RING_ENTRIES];
		/* What the entry is of may be read only after this. */
		if (smp_load_acquire(&entry->flags) != KVM_DIRTY_GFN_F_DIRTY)
			break;

		TEST_ASSERT_EQ(entry->slot, TEST_SLOT);
		TEST_ASSERT(entry->offset < NR_PAGES,
			    "Offset %llu is beyond the slot's end", entry->offset);
		found[entry->offset] = true;
		if (spoil_some && nr % 7 == 3)
			spoil(entry, nr);
		/* KVM may use the entry again from here on. */
		smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_RESET);
		vcpu->fetch_index++;
	}

	/* Pages of which KVM was not told stay writable. */
	for (page = 0; page < NR_PAGES; page++)
		nr_missing += !found[page] && (spoil_some || !nonsense[page]);
	TEST_ASSERT(!nr_missing, "Round %d, %s: of %u pages, %u are missing in the ring",
		    round, order_names[round % NR_ORDERS], NR_PAGES, nr_missing);
	free(found);
	return nr;
}

/* Return how often signals cut it short. */
static int reset_ring(struct kvm_vm *vm, u32 nr, int us)
{
	int ret, cuts = 0;

	for (interrupt_each(us); nr; nr -= ret) {
		ret = kvm_vm_reset_dirty_ring(vm);
		TEST_ASSERT(ret >= 0 && ret <= nr, "Reset %d of %u entries", ret, nr);
		cuts += ret && ret < nr;
		if (!ret) {
			TEST_ASSERT(us < 500000, "%u entries cannot be reset", nr);
			us *= 2;
			interrupt_each(us);
		}
	}
	interrupt_each(0);

	return cuts;
}

int main(int argc, char *argv[])
{
	const int nr_rounds = 8 * NR_ORDERS;
	int round, cuts = 0;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 guest_pages;
	struct ucall uc;
	u64 gpa;
	u32 nr;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DIRTY_LOG_RING_ACQ_REL) ||
		     kvm_has_cap(KVM_CAP_DIRTY_LOG_RING));

	signal(SIGALRM, nop);
	page_size = getpagesize();

	vm = vm_create(1);
	vm_enable_dirty_ring(vm, RING_ENTRIES * sizeof(struct kvm_dirty_gfn));
	vcpu = vm_vcpu_add(vm, 0, guest_code);
	kvm_arch_vm_finalize_vcpus(vm);

	/* Have the slot begin and end in the middle of a page-table. */
	guest_pages = NR_PAGES * page_size / vm->page_size;
	gpa = align_down((vm->max_gfn - guest_pages) * vm->page_size,
			 SPAN * page_size) - 3 * page_size;
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, gpa, TEST_SLOT,
				    guest_pages, 0);
	virt_map(vm, TEST_GVA, gpa, guest_pages);
	sync_global_to_guest(vm, page_size);

	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);

	/* Some entries of the first of the last rounds are nonsense. */
	for (round = 0; round < nr_rounds + NR_ORDERS; round++) {
		vcpu_run(vcpu);
		TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
		TEST_ASSERT_EQ(uc.args[1], round % NR_ORDERS);

		nr = harvest(vcpu, round, round == nr_rounds);
		cuts += reset_ring(vm, nr, 20 + 7 * round);
	}

	pr_info("%d rounds, resetting entries was cut short %d times\n", round, cuts);

	kvm_vm_free(vm);
	return 0;
}
