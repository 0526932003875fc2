// SPDX-License-Identifier: GPL-2.0
/*
 * eager_split_lock_test - Test that the MMU lock is dropped on arm64.
 *
 * To clear the dirty log of a large memslot, or to get it, takes KVM long, and
 * nobody else gets at the CPU, or at the MMU lock, while KVM holds the latter.
 * Count how often a real-time thread, which wakes up every so often on the same
 * CPU, gets to run in the middle of it.
 *
 * The count means something only where time is a count of instructions, as under
 * QEMU with -icount and a single CPU. It comes out the same there every time, or
 * differs by one if random numbers do, and --assert makes a test of it. Elsewhere,
 * it depends on how fast the machine is and what else it has to do: run by hand,
 * this test only reports it.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <linux/bitmap.h>
#include <linux/sizes.h>

#include "kselftest.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"
#include "ucall_common.h"

/* Guest memory to log, and the slot that logs it; guest virtual = physical */
#define AREA_GPA	((u64)SZ_4G)
#define AREA_SIZE	((u64)SZ_512M)
#define AREA_SLOT	1

/* With 4K pages, four pages for each word of the dirty log */
#define GUEST_STRIDE	SZ_64K

#define WAKEUP_NS	50000

static unsigned long nr_wakeups;
static unsigned int min_wakeups;

static void guest_code(void)
{
	u64 addr;

	while (true) {
		for (addr = AREA_GPA; addr < AREA_GPA + AREA_SIZE; addr += GUEST_STRIDE)
			WRITE_ONCE(*(u64 *)addr, addr);
		GUEST_SYNC(0);
	}
}

static void *wake_up(void *arg)
{
	const struct timespec period = { .tv_nsec = WAKEUP_NS };

	while (true) {
		nanosleep(&period, NULL);
		WRITE_ONCE(nr_wakeups, nr_wakeups + 1);
	}
	return NULL;
}

/* Preempts, when it wakes up, whatever runs on this thread's CPU. */
static void start_waker(void)
{
	struct sched_param param = { .sched_priority = 1 };
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pin_self_to_any_cpu();

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	ret = pthread_create(&thread, &attr, wake_up, NULL);
	__TEST_REQUIRE(!ret, "No real-time thread, not root?");
	pthread_attr_destroy(&attr);
}

static void run_guest(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
}

/* Create a VM with a slot that is mapped by blocks, if there are huge pages. */
static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu)
{
	struct vm_shape shape = VM_SHAPE_DEFAULT;
	struct kvm_vm *vm;
	u64 nr_pages;

	shape.eager_split_shift = eager_split_max_shift();
	vm = __vm_create_shape_with_one_vcpu(shape, vcpu, AREA_SIZE / MIN_PAGE_SIZE,
					     guest_code);
	nr_pages = AREA_SIZE / vm->page_size;
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, AREA_GPA, AREA_SLOT,
				    nr_pages, 0);
	virt_map(vm, AREA_GPA, AREA_GPA, nr_pages);
	run_guest(*vcpu);
	return vm;
}

/*
 * Clear, or else get, the dirty log, and tell how often others could run. The time
 * includes theirs: CPU time won't do, as the scheduler charges to a thread that it
 * switches to late what the one before it has used since the wakeup.
 */
static void test_log(struct kvm_vm *vm, bool clear, const char *what)
{
	u64 nr_pages = AREA_SIZE / getpagesize();
	unsigned long *log = bitmap_zalloc(nr_pages);
	struct timespec start, elapsed;
	unsigned long nr;

	TEST_ASSERT(log, "Out of memory");
	bitmap_fill(log, nr_pages);

	nr = READ_ONCE(nr_wakeups);
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (clear)
		kvm_vm_clear_dirty_log(vm, AREA_SLOT, log, 0, nr_pages);
	else
		kvm_vm_get_dirty_log(vm, AREA_SLOT, log);
	elapsed = timespec_elapsed(start);
	nr = READ_ONCE(nr_wakeups) - nr;
	free(log);

	ksft_print_msg("%s: %ld ns, %lu wakeups\n", what, timespec_to_ns(elapsed), nr);
	ksft_test_result(nr >= min_wakeups, "%s\n", what);
}

int main(int argc, char *argv[])
{
	const struct option options[] = {
		{ "assert", required_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int opt;

	while ((opt = getopt_long(argc, argv, "a:h", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			min_wakeups = atoi_positive("Number of wakeups", optarg);
			break;
		default:
			printf("usage: %s [-h] [-a|--assert N]\n\n"
			       " -a: fail if there are fewer than N wakeups during an ioctl\n",
			       argv[0]);
			exit(opt == 'h' ? 0 : 1);
		}
	}

	__TEST_REQUIRE(eager_split_max_shift(), "No eager page splitting");
	__TEST_REQUIRE(thp_configured(), "No transparent huge pages");

	ksft_print_header();
	ksft_set_plan(3);
	start_waker();

	vm = create_vm(&vcpu);
	vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET);
	vm_mem_region_set_flags(vm, AREA_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	test_log(vm, true, "Clear the log, blocks to split");
	run_guest(vcpu);
	test_log(vm, true, "Clear the log, nothing to split");
	kvm_vm_free(vm);

	vm = create_vm(&vcpu);
	vm_mem_region_set_flags(vm, AREA_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	run_guest(vcpu);
	test_log(vm, false, "Get the log, without manual protection");
	kvm_vm_free(vm);

	ksft_finished();
}
