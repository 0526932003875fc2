// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test writes of a guest, while its writes are logged, to memory that it shares
 * with somebody else on the host until it writes: the zero page, what fork() or
 * a private mapping of a file leave to copy-on-write.  The guest must get a copy,
 * whoever else has the memory must not see the write, and the log must have it.
 *
 * Once logging is over, the guest must be able to write to all of it again.
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bitmap.h>
#include <linux/sizes.h>

#include "kselftest_harness.h"
#include "kvm_util.h"
#include "test_util.h"
#include "processor.h"
#include "ucall_common.h"

#define TEST_SLOT	1
#define TEST_GVA	0xc0000000ul

#define HOST_VALUE	0x1111111111111111ul
#define GUEST_VALUE	0x2222222222222222ul
#define LAST_VALUE	0x3333333333333333ul

#define MANUAL_PROTECT	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | \
			 KVM_DIRTY_LOG_INITIALLY_SET)

/* What the guest is to do with the first word of each page. */
static bool guest_writes;
static u64 guest_value;

static void guest_code(u64 nr_pages, u64 page_size)
{
	u64 *word;
	u64 i;

	for (;;) {
		for (i = 0; i < nr_pages; i++) {
			word = (u64 *)(TEST_GVA + i * page_size);
			if (guest_writes)
				WRITE_ONCE(*word, guest_value);
			else
				READ_ONCE(*word);
		}
		GUEST_SYNC(0);
	}
}

struct cow_test {
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	unsigned long *bitmap;
	bool manual_protect;
	bool read_before;
	size_t page_size;
	size_t nr_pages;
	size_t size;
	gpa_t gpa;
	void *mem;
};

FIXTURE(dirty_log_cow)
{
	struct cow_test test;
};

FIXTURE_VARIANT(dirty_log_cow)
{
	/* The guest reads the memory before logging starts, or after that. */
	bool read_before;
	/* Pages are write-protected by KVM_CLEAR_DIRTY_LOG. */
	bool manual_protect;
};

FIXTURE_VARIANT_ADD(dirty_log_cow, read_before)
{
	.read_before = true,
};

FIXTURE_VARIANT_ADD(dirty_log_cow, read_during)
{
};

FIXTURE_VARIANT_ADD(dirty_log_cow, read_before_manual_protect)
{
	.read_before = true,
	.manual_protect = true,
};

FIXTURE_VARIANT_ADD(dirty_log_cow, read_during_manual_protect)
{
	.manual_protect = true,
};

FIXTURE_SETUP(dirty_log_cow)
{
	struct cow_test *t = &self->test;

	if (variant->manual_protect &&
	    (kvm_check_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) & MANUAL_PROTECT) !=
	    MANUAL_PROTECT)
		SKIP(return, "the log cannot be initially set");

	t->manual_protect = variant->manual_protect;
	t->read_before = variant->read_before;

	/* A whole huge page, or as much in small ones */
	t->page_size = getpagesize();
	t->size = thp_configured() ? get_trans_hugepagesz() : SZ_2M;
	t->nr_pages = t->size / t->page_size;
	t->bitmap = bitmap_zalloc(t->nr_pages);

	t->vm = __vm_create_with_one_vcpu(&t->vcpu, t->nr_pages, guest_code);
	if (t->manual_protect)
		vm_enable_cap(t->vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, MANUAL_PROTECT);

	t->gpa = align_down((t->vm->max_gfn + 1) * t->vm->page_size - t->size, t->size);
	virt_map(t->vm, TEST_GVA, t->gpa, t->size / t->vm->page_size);
	vcpu_args_set(t->vcpu, 2, t->nr_pages, t->page_size);
}

FIXTURE_TEARDOWN(dirty_log_cow)
{
	kvm_vm_free(self->test.vm);
	free(self->test.bitmap);
}

static void *alloc_memory(size_t size, bool huge)
{
	void *mem;

	mem = kvm_mmap(2 * size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	mem = align_ptr_up(mem, size);
	if (thp_configured())
		kvm_madvise(mem, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return mem;
}

static void fill(struct cow_test *t, void *mem)
{
	size_t i;

	for (i = 0; i < t->nr_pages; i++)
		*(u64 *)(mem + i * t->page_size) = HOST_VALUE;
}

/* How many pages have another value than they should */
static int nr_wrong(struct cow_test *t, void *mem, u64 value)
{
	int nr = 0;
	size_t i;

	for (i = 0; i < t->nr_pages; i++)
		nr += READ_ONCE(*(u64 *)(mem + i * t->page_size)) != value;
	return nr;
}

static void run_guest(struct cow_test *t, bool writes, u64 value)
{
	guest_writes = writes;
	guest_value = value;
	sync_global_to_guest(t->vm, guest_writes);
	sync_global_to_guest(t->vm, guest_value);

	vcpu_run(t->vcpu);
	TEST_ASSERT_EQ(get_ucall(t->vcpu, NULL), UCALL_SYNC);
}

static void set_logging(struct cow_test *t, bool on)
{
	vm_set_user_memory_region(t->vm, TEST_SLOT, on ? KVM_MEM_LOG_DIRTY_PAGES : 0,
				  t->gpa, t->size, t->mem);
}

/* Read the log, and have every page in it write-protected. */
static int sync_log(struct cow_test *t)
{
	int nr_dirty = 0;
	size_t i;

	kvm_vm_get_dirty_log(t->vm, TEST_SLOT, t->bitmap);
	for (i = 0; i < t->nr_pages; i++)
		nr_dirty += test_bit(i, t->bitmap);
	if (t->manual_protect)
		kvm_vm_clear_dirty_log(t->vm, TEST_SLOT, t->bitmap, 0, t->nr_pages);
	return nr_dirty;
}

/* The guest reads @mem, and writes to it, which is logged. */
static void read_and_write(struct cow_test *t, void *mem)
{
	t->mem = mem;
	set_logging(t, false);

	if (t->read_before)
		run_guest(t, false, 0);
	set_logging(t, true);
	sync_log(t);
	if (!t->read_before)
		run_guest(t, false, 0);

	run_guest(t, true, GUEST_VALUE);
}

/* The guest has its own pages: they have what it writes, and so does the log. */
static void check_guest(struct __test_metadata *_metadata, struct cow_test *t)
{
	EXPECT_EQ(0, nr_wrong(t, t->mem, GUEST_VALUE));
	EXPECT_EQ(t->nr_pages, sync_log(t));

	set_logging(t, false);
	run_guest(t, true, LAST_VALUE);
	EXPECT_EQ(0, nr_wrong(t, t->mem, LAST_VALUE));
}

static void test_zero_page(struct __test_metadata *_metadata, struct cow_test *t,
			   bool huge)
{
	void *other = alloc_memory(t->size, huge);
	int nr;

	read_and_write(t, alloc_memory(t->size, huge));

	nr = nr_wrong(t, other, 0);
	/* Nothing on this machine lives long with another value than 0 there. */
	if (nr)
		run_guest(t, true, 0);
	ASSERT_EQ(0, nr);

	check_guest(_metadata, t);
}

TEST_F(dirty_log_cow, zero_page)
{
	test_zero_page(_metadata, &self->test, false);
}

TEST_F(dirty_log_cow, huge_zero_page)
{
	if (!thp_configured())
		SKIP(return, "no transparent huge pages");

	test_zero_page(_metadata, &self->test, true);
}

/* The child keeps what the memory had at fork(), to the end. */
static void test_fork(struct __test_metadata *_metadata, struct cow_test *t,
		      bool huge)
{
	void *mem = alloc_memory(t->size, huge);
	int to_child[2], from_child[2], nr = 0;
	pid_t pid;

	fill(t, mem);
	TEST_ASSERT(!pipe(to_child) && !pipe(from_child), "pipe() failed");
	pid = fork();
	TEST_ASSERT(pid >= 0, __KVM_SYSCALL_ERROR("fork()", pid));
	if (!pid) {
		close(to_child[1]);
		if (read(to_child[0], &nr, sizeof(nr)) == sizeof(nr)) {
			nr = nr_wrong(t, mem, HOST_VALUE);
			test_write(from_child[1], &nr, sizeof(nr));
		}
		_exit(0);
	}

	read_and_write(t, mem);

	test_write(to_child[1], &nr, sizeof(nr));
	test_read(from_child[0], &nr, sizeof(nr));
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, nr);

	check_guest(_metadata, t);
}

TEST_F(dirty_log_cow, fork)
{
	test_fork(_metadata, &self->test, false);
}

TEST_F(dirty_log_cow, fork_thp)
{
	if (!thp_configured())
		SKIP(return, "no transparent huge pages");

	test_fork(_metadata, &self->test, true);
}

TEST_F(dirty_log_cow, private_file)
{
	struct cow_test *t = &self->test;
	void *file, *mem;
	int fd;

	fd = kvm_memfd_alloc(t->size, false);
	file = kvm_mmap(t->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	mem = kvm_mmap(t->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	fill(t, file);

	read_and_write(t, mem);

	EXPECT_EQ(0, nr_wrong(t, file, HOST_VALUE));
	check_guest(_metadata, t);
}

/* Nobody shares this one, but logging splits it. */
TEST_F(dirty_log_cow, thp)
{
	struct cow_test *t = &self->test;
	void *mem;

	if (!thp_configured())
		SKIP(return, "no transparent huge pages");

	mem = alloc_memory(t->size, true);
	fill(t, mem);

	read_and_write(t, mem);
	check_guest(_metadata, t);
}

TEST_HARNESS_MAIN
