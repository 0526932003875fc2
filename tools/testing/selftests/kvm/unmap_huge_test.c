// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test that a guest loses the memory that the host takes away where that begins or
 * ends in the middle of a huge page: those beside it, too.
 */
#include <sys/mman.h>

#include <linux/sizes.h>

#include "kvm_util.h"
#include "test_util.h"
#include "processor.h"
#include "ucall_common.h"

#define TEST_SLOT	1
#define TEST_ADDR	((u64)SZ_4G)

/* As many huge pages: the host takes away half of the first one, to half of the last */
#define NR_HUGE		4

static u64 guest_page_size, guest_pages;

/* Tell what is in each page */
static void guest_code(void)
{
	u64 i;

	while (true) {
		for (i = 0; i < guest_pages; i++)
			GUEST_SYNC2(i, READ_ONCE(*(u64 *)(TEST_ADDR + i * guest_page_size)));
		GUEST_SYNC2(i, 0);
	}
}

/* The pages from first to end are zero for the guest, the others hold their number. */
static void check_pages(struct kvm_vcpu *vcpu, u64 first, u64 end)
{
	struct ucall uc;
	u64 page, want;

	while (true) {
		vcpu_run(vcpu);
		TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
		page = uc.args[0];
		if (page == guest_pages)
			return;
		want = page >= first && page < end ? 0 : page + 1;
		TEST_ASSERT(uc.args[1] == want, "The guest reads %lu in page %lu, which holds %lu",
			    uc.args[1], page, want);
	}
}

int main(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 page_size = getpagesize(), huge_size, size, i, first, end;
	char *mem;

	TEST_REQUIRE(thp_configured());
	huge_size = get_trans_hugepagesz();
	size = NR_HUGE * huge_size;

	mem = kvm_mmap(size + huge_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mem = align_ptr_up(mem, huge_size);
	kvm_madvise(mem, size, MADV_HUGEPAGE);

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	vm_set_user_memory_region(vm, TEST_SLOT, 0, TEST_ADDR, size, mem);
	virt_map(vm, TEST_ADDR, TEST_ADDR, size / vm->page_size);
	guest_page_size = page_size;
	guest_pages = size / page_size;
	sync_global_to_guest(vm, guest_page_size);
	sync_global_to_guest(vm, guest_pages);

	for (i = 0; i < guest_pages; i++)
		*(u64 *)(mem + i * page_size) = i + 1;
	check_pages(vcpu, 0, 0);

	first = huge_size / page_size / 2;
	end = guest_pages - first;
	kvm_madvise(mem + first * page_size, (end - first) * page_size, MADV_DONTNEED);
	check_pages(vcpu, first, end);

	kvm_vm_free(vm);
	return 0;
}
