// SPDX-License-Identifier: GPL-2.0
/*
 * eager_split_reader_test - Count what a reader notices of page splitting on arm64.
 *
 * While one vCPU reads all pages of a memslot round and round, enable dirty logging
 * or clear the dirty log, with eager page splitting. A block that KVM unmaps for a
 * moment is a fault to the reader. On CPUs on which KVM replaces blocks without
 * unmapping them, there must be none: --assert makes a test of that. User space
 * cannot tell these CPUs, but the kernel's log does ("BBM Level"). Elsewhere, or
 * when run by hand, this test only reports the faults.
 *
 * A reader that comes after the split must find no pages that take an Access flag
 * fault each, where their block, which had not been used for a while, took one.
 *
 * Faults are counted by the tracepoint kvm:kvm_guest_fault, as root, for the thread
 * of the vCPU alone.
 */
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <unistd.h>
#include <linux/bitmap.h>
#include <linux/perf_event.h>
#include <linux/sizes.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"
#include "ucall_common.h"

/* Guest memory to read, and the slot that logs it; guest virtual = physical */
#define AREA_GPA	((u64)SZ_4G)
#define AREA_SLOT	1

/* How many ioctls to count the faults of */
static int nr_ioctls = 20;

/* How often to try, as the reader need not get the CPU during an ioctl */
#define MAX_TRIES	(5 * nr_ioctls)

enum ioctl_kind { ENABLE, CLEAR };

/* Shared with the guest */
static u64 guest_page_size;
static u64 area_size;
static u64 nr_reads;
static bool stop;

static int event_fd = -1;
static bool assert_none;

static void read_all(void)
{
	u64 addr;

	for (addr = AREA_GPA; addr < AREA_GPA + area_size; addr += guest_page_size) {
		GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)addr), addr);
		WRITE_ONCE(nr_reads, nr_reads + 1);
	}
}

static void guest_code(void)
{
	u64 addr;

	for (addr = AREA_GPA; addr < AREA_GPA + area_size; addr += guest_page_size)
		WRITE_ONCE(*(u64 *)addr, addr);
	/* Map whatever else it takes. */
	read_all();
	GUEST_SYNC(0);

	while (!READ_ONCE(stop))
		read_all();
	GUEST_DONE();
}

static int tracepoint_id(void)
{
	static const char * const paths[] = {
		"/sys/kernel/tracing/events/kvm/kvm_guest_fault/id",
		"/sys/kernel/debug/tracing/events/kvm/kvm_guest_fault/id",
	};
	int id = -1;
	FILE *file;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(paths) && id < 0; i++) {
		file = fopen(paths[i], "r");
		if (!file)
			continue;
		if (fscanf(file, "%d", &id) != 1)
			id = -1;
		fclose(file);
	}
	return id;
}

/* Count the faults of the calling thread. */
static int open_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tracepoint_id(),
	};

	return syscall(__NR_perf_event_open, &attr, 0, -1, -1, 0);
}

static u64 nr_faults(void)
{
	u64 nr;

	TEST_ASSERT(read(event_fd, &nr, sizeof(nr)) == sizeof(nr), "Can't read the event");
	return nr;
}

static void *run_reader(void *vcpu)
{
	int fd = open_event();

	TEST_ASSERT(fd >= 0, "perf_event_open() failed");
	WRITE_ONCE(event_fd, fd);

	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_DONE);
	return NULL;
}

/* The guest's variable, where the host finds it. */
#define guest_var(vm, var)	((typeof(var) *)addr_gva2hva(vm, (gva_t)&(var)))

static u64 reads_of(struct kvm_vm *vm)
{
	return READ_ONCE(*guest_var(vm, nr_reads));
}

/* All of the memory is mapped, has been written, and read. */
static struct kvm_vm *create_vm(u8 shift, struct kvm_vcpu **vcpu)
{
	struct vm_shape shape = VM_SHAPE_DEFAULT;
	struct kvm_vm *vm;
	u64 nr_pages;

	shape.eager_split_shift = shift;
	vm = __vm_create_shape_with_one_vcpu(shape, vcpu, area_size / MIN_PAGE_SIZE,
					     guest_code);
	guest_page_size = vm->page_size;
	nr_pages = area_size / vm->page_size;
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, AREA_GPA, AREA_SLOT,
				    nr_pages, 0);
	virt_map(vm, AREA_GPA, AREA_GPA, nr_pages);
	sync_global_to_guest(vm, guest_page_size);
	sync_global_to_guest(vm, area_size);
	vcpu_run(*vcpu);
	TEST_ASSERT_EQ(get_ucall(*vcpu, NULL), UCALL_SYNC);
	return vm;
}

/* Returns once all pages have been read. */
static pthread_t start_reader(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	u64 reads = reads_of(vm) + area_size / vm->page_size;
	pthread_t thread;

	event_fd = -1;
	pthread_create(&thread, NULL, run_reader, vcpu);
	while (READ_ONCE(event_fd) < 0 || reads_of(vm) < reads)
		usleep(1000);
	return thread;
}

static void stop_reader(struct kvm_vm *vm, pthread_t thread)
{
	WRITE_ONCE(*guest_var(vm, stop), true);
	pthread_join(thread, NULL);
	close(event_fd);

	/* The faults of what isn't split tell nothing. */
	if (!vm_get_stat(vm, eager_split_level2_blocks))
		ksft_exit_skip("Nothing is split: no huge pages, or protected KVM\n");
}

/* Returns whether the reader was there to notice anything. */
static bool try_ioctl(enum ioctl_kind kind, u8 shift, u64 *faults)
{
	u64 nr_pages = area_size / getpagesize(), reads;
	struct kvm_vcpu *vcpu;
	unsigned long *log;
	struct kvm_vm *vm;
	pthread_t thread;

	vm = create_vm(shift, &vcpu);
	log = bitmap_zalloc(nr_pages);
	TEST_ASSERT(log, "Out of memory");
	bitmap_fill(log, nr_pages);
	if (kind == CLEAR) {
		vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
			      KVM_DIRTY_LOG_INITIALLY_SET);
		vm_mem_region_set_flags(vm, AREA_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	}

	thread = start_reader(vm, vcpu);
	reads = reads_of(vm);
	*faults = nr_faults();
	if (kind == CLEAR)
		kvm_vm_clear_dirty_log(vm, AREA_SLOT, log, 0, nr_pages);
	else
		vm_mem_region_set_flags(vm, AREA_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	reads = reads_of(vm) - reads;
	*faults = nr_faults() - *faults;

	stop_reader(vm, thread);
	free(log);
	kvm_vm_free(vm);
	return reads;
}

static void test_ioctl(enum ioctl_kind kind, u8 shift)
{
	const char *what = kind == CLEAR ? "clear" : "enable";
	u64 mib = BIT_ULL(shift) / SZ_1M, sum = 0, faults;
	int nr = 0, tries = 0;

	while (nr < nr_ioctls) {
		TEST_ASSERT(tries++ < MAX_TRIES, "The reader never runs during an ioctl");
		if (try_ioctl(kind, shift, &faults)) {
			sum += faults;
			nr++;
		}
	}
	ksft_print_msg("%s, chunk of %lu MiB: %lu faults\n", what, mib, sum);
	ksft_test_result(!assert_none || !sum, "%s, chunk of %lu MiB\n", what, mib);
}

/* Clear the Access flag of whatever maps the memory. Returns whether that's done. */
static bool make_old(struct kvm_vm *vm)
{
	int idle_fd = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR);
	int pagemap_fd = open("/proc/self/pagemap", O_RDONLY);
	u64 size = sizeof(u64), gpa, pfn, bit, bits;
	bool done = idle_fd >= 0;

	for (gpa = AREA_GPA; done && gpa < AREA_GPA + area_size; gpa += get_trans_hugepagesz()) {
		u64 hva = (u64)addr_gpa2hva(vm, gpa);

		TEST_ASSERT(pread(pagemap_fd, &pfn, size, hva / getpagesize() * size) == size,
			    "Can't read pagemap");
		pfn &= GENMASK_ULL(54, 0);
		bit = BIT_ULL(pfn % 64);
		TEST_ASSERT(pwrite(idle_fd, &bit, size, pfn / 64 * size) == size,
			    "Can't mark a page idle");
		/* Pages that are not on an LRU list, for one, are passed over. */
		TEST_ASSERT(pread(idle_fd, &bits, size, pfn / 64 * size) == size,
			    "Can't see whether a page is idle");
		done = bits & bit;
	}
	close(pagemap_fd);
	close(idle_fd);
	return done;
}

static void test_old_blocks(u8 shift)
{
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	struct kvm_vm *vm;
	u64 faults;

	vm = create_vm(shift, &vcpu);
	if (!make_old(vm)) {
		ksft_test_result_skip("after splitting old blocks: can't make them old\n");
		kvm_vm_free(vm);
		return;
	}
	vm_mem_region_set_flags(vm, AREA_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	thread = start_reader(vm, vcpu);
	faults = nr_faults();
	stop_reader(vm, thread);
	kvm_vm_free(vm);

	ksft_print_msg("after splitting old blocks: %lu faults\n", faults);
	ksft_test_result(!assert_none || !faults, "after splitting old blocks\n");
}

int main(int argc, char *argv[])
{
	const struct option options[] = {
		{ "assert", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "ioctls", required_argument, NULL, 'n' },
		{ },
	};
	int opt, shift;
	u64 sizes;

	while ((opt = getopt_long(argc, argv, "ahn:", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			assert_none = true;
			break;
		case 'n':
			nr_ioctls = atoi_positive("Number of ioctls", optarg);
			break;
		default:
			printf("usage: %s [-h] [-a|--assert] [-n|--ioctls n]\n\n"
			       " -a: fail if the reader takes a fault\n"
			       " -n: count the faults of n ioctls of each kind (default: %d)\n",
			       argv[0], nr_ioctls);
			exit(opt == 'h' ? 0 : 1);
		}
	}

	__TEST_REQUIRE(eager_split_max_shift(), "No eager page splitting");
	__TEST_REQUIRE(thp_configured(), "No transparent huge pages");
	__TEST_REQUIRE(sysconf(_SC_NPROCESSORS_ONLN) > 1, "Needs two CPUs");
	__TEST_REQUIRE(tracepoint_id() >= 0, "No tracepoint kvm:kvm_guest_fault");

	/* As chunks, the size of a page is no different from that of a level-2 block. */
	sizes = kvm_check_cap(KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES);
	sizes &= sizes - 1;
	area_size = max_t(u64, SZ_128M, 2 * get_trans_hugepagesz());

	ksft_print_header();
	ksft_set_plan(2 * __builtin_popcountll(sizes) + 1);
	for (shift = 0; shift < 64; shift++) {
		if (!(sizes & BIT_ULL(shift)))
			continue;
		test_ioctl(ENABLE, shift);
		test_ioctl(CLEAR, shift);
	}
	test_old_blocks(__builtin_ctzll(sizes));
	ksft_finished();
}
