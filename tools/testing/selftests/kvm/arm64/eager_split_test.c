// SPDX-License-Identifier: GPL-2.0
/*
 * eager_split_test - Test eager page splitting on arm64.
 *
 * With KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, KVM splits the blocks of a memslot
 * into pages when it starts to log dirty pages, rather than when a vCPU writes
 * to them. When it stops to log them, it maps them by blocks again where it can.
 * Check the capability, which mappings are split and which are left alone, which
 * come back, and that the guest's memory and its dirty log survive it.
 *
 * What looks at the stage-2 page-tables is skipped where KVM doesn't show them
 * in debugfs (CONFIG_PTDUMP_STAGE2_DEBUGFS, as root, in the initial namespace of
 * pids), and what splits a level-1 block where there is no free huge page of that
 * size, which with 4K pages is 1G:
 *
 *  # echo 1 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
 */
#include <ctype.h>
#include <fcntl.h>
#include <unistd.h>
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/mman.h>
#include <linux/sizes.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "cgroup_util.h"
#include "kvm_test_harness.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"
#include "ucall_common.h"

/* In seconds, for machines that are emulated */
#define TIMEOUT		300

/* Chunk size of the variants that have no eager page splitting */
#define OFF		0

/* Guest memory that the tests map and split; guest virtual = physical */
#define AREA_GPA	((u64)SZ_4G)
#define AREA_BLOCKS	8

/* What the guest finds in a page of the area */
#define PATTERN(gpa)	((gpa) ^ 0x5a5a5a5a5a5a5a5aul)

/* Memslot 0 is for the library. Only TEST_SLOT ever logs dirty pages. */
enum {
	LEFT_SLOT = 1,
	TEST_SLOT,
	RIGHT_SLOT,
};

static struct {
	u64 start;
	u64 end;
	u64 stride;
	bool write;
	/* What the data differ in from the pattern */
	u64 flip;
} guest_job;

static void guest_code(void)
{
	u64 addr;

	while (true) {
		for (addr = guest_job.start; addr < guest_job.end; addr += guest_job.stride) {
			u64 *data = (u64 *)addr, value = PATTERN(addr) ^ guest_job.flip;

			if (guest_job.write)
				WRITE_ONCE(*data, value);
			else
				GUEST_ASSERT_EQ(READ_ONCE(*data), value);
		}
		GUEST_SYNC(0);
	}
}

/* Size of a mapping at @level of the stage-2, 0 if KVM doesn't support it. */
static u64 level_size(int level)
{
	u64 sizes = kvm_check_cap(KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES);

	for (; level < 3; level++)
		sizes &= sizes - 1;

	return sizes & -sizes;
}

/*
 * The VM under test. Its area of guest memory and everything in it is addressed
 * by page, with the host's page size, and by level-2 block.
 */
struct split_vm {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	char dump_path[64];
	u64 chunk_size;

	u64 page_size;
	u64 block_pages;
	u64 nr_blocks;
	u64 nr_pages;
	char *mem;

	/* Distance between the pages that hold a pattern */
	u64 stride;

	/* What TEST_SLOT covers, and what its dirty log has to be */
	u64 slot_start;
	u64 slot_end;
	bool manual_protect;
	unsigned long *dirty;

	/* How every block is, and has to be, mapped; see range_code() */
	char *layout;
	char *expected;
	char block_code;
};

/* Protected KVM knows the capability, but can't split. */
static bool is_protected_kvm(void)
{
	int kvm_fd = open_kvm_dev_path_or_exit();
	int vm_fd = __kvm_ioctl(kvm_fd, KVM_CREATE_VM, (void *)KVM_VM_TYPE_ARM_PROTECTED);

	close(kvm_fd);
	if (vm_fd >= 0)
		close(vm_fd);

	return vm_fd >= 0;
}

static void *alloc_thp(u64 size, u64 alignment)
{
	char *mem = kvm_mmap(size + alignment, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	mem = align_ptr_up(mem, alignment);
	TEST_ASSERT(!madvise(mem, size, MADV_HUGEPAGE), "madvise(MADV_HUGEPAGE) failed");
	return mem;
}

/* Allocate a single huge page. Return NULL if there's none. */
static void *alloc_hugetlb(u64 size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
		    ilog2(size) << MAP_HUGE_SHIFT;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/*
 * Create a VM that splits by chunks of a level-@chunk_level mapping, and an area
 * that level-@block_level blocks can map, without any memslots. Return NULL, or
 * the reason why that's not possible here.
 */
static const char *create_vm(struct split_vm *t, int chunk_level, int block_level)
{
	struct vm_shape shape = VM_SHAPE_DEFAULT;
	u64 size = level_size(block_level);

	t->chunk_size = chunk_level == OFF ? 0 : level_size(chunk_level);
	if (!size || (chunk_level != OFF && !t->chunk_size))
		return "No such block size";
	if (is_protected_kvm())
		return "Protected KVM";

	if (block_level == 1) {
		t->mem = alloc_hugetlb(size);
		if (!t->mem)
			return "No free huge page";
	} else {
		if (!thp_configured())
			return "No transparent huge pages";
		if (AREA_BLOCKS * size > sysconf(_SC_AVPHYS_PAGES) * getpagesize() / 2)
			return "Not enough memory";
		t->mem = alloc_thp(AREA_BLOCKS * size, size);
		size *= AREA_BLOCKS;
	}

	t->page_size = getpagesize();
	t->block_pages = level_size(2) / t->page_size;
	t->nr_blocks = size / level_size(2);
	t->nr_pages = size / t->page_size;

	/* In a big area, two per level-2 block, every time at another offset */
	t->stride = block_level == 1 ? t->block_pages / 2 - 1 : 1;

	t->dirty = bitmap_zalloc(t->nr_pages);
	t->layout = calloc(2, t->nr_blocks + 1);
	TEST_ASSERT(t->dirty && t->layout, "Out of memory");
	t->expected = t->layout + t->nr_blocks + 1;
	t->block_code = block_level == 1 ? 'G' : 'B';

	shape.eager_split_shift = t->chunk_size ? ilog2(t->chunk_size) : 0;
	t->vm = __vm_create_shape_with_one_vcpu(shape, &t->vcpu, size / MIN_PAGE_SIZE,
						guest_code);

	snprintf(t->dump_path, sizeof(t->dump_path),
		 "/sys/kernel/debug/kvm/%d-%d/stage2_page_tables", getpid(), t->vm->fd);
	return NULL;
}

static void set_slot(struct split_vm *t, int slot, u64 start, u64 end, u32 flags)
{
	if (start == end)
		return;

	vm_set_user_memory_region2(t->vm, slot, flags, AREA_GPA + start * t->page_size,
				   (end - start) * t->page_size,
				   t->mem + start * t->page_size, 0, 0);
}

/* Make TEST_SLOT of the pages [@start, @end) of the area, and add the rest. */
static void add_slots(struct split_vm *t, u64 start, u64 end)
{
	t->slot_start = start;
	t->slot_end = end;

	set_slot(t, LEFT_SLOT, 0, start, 0);
	set_slot(t, TEST_SLOT, start, end, 0);
	set_slot(t, RIGHT_SLOT, end, t->nr_pages, 0);
}

/* Map a page of the area in the guest's own page-table, if it isn't yet. */
static void guest_map(struct kvm_vm *vm, u64 addr)
{
	addr = align_down(addr, vm->page_size);
	if (!sparsebit_is_set(vm->vpages_mapped, addr >> vm->page_shift))
		virt_map(vm, addr, addr, 1);
}

/* Have the guest access every @stride'th page from page @start up to @end. */
static void guest_access(struct split_vm *t, u64 start, u64 end, u64 stride, bool write)
{
	struct ucall uc;
	u64 page;

	for (page = start; page < end; page += stride) {
		guest_map(t->vm, AREA_GPA + page * t->page_size);
		if (write && page >= t->slot_start && page < t->slot_end)
			__set_bit(page - t->slot_start, t->dirty);
	}

	guest_job.start = AREA_GPA + start * t->page_size;
	guest_job.end = AREA_GPA + end * t->page_size;
	guest_job.stride = stride * t->page_size;
	guest_job.write = write;
	sync_global_to_guest(t->vm, guest_job);

	vcpu_run(t->vcpu);
	if (get_ucall(t->vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_SYNC);
}

/* Fill blocks with the pattern, which maps them. */
static void populate(struct split_vm *t, u64 block, u64 nr)
{
	guest_access(t, block * t->block_pages, (block + nr) * t->block_pages,
		     t->stride, true);
}

/* Check the pattern, as the host and as the guest sees it. */
static void check_memory(struct split_vm *t)
{
	u64 page;

	for (page = 0; page < t->nr_pages; page += t->stride) {
		u64 offset = page * t->page_size;

		TEST_ASSERT_EQ(*(u64 *)(t->mem + offset), PATTERN(AREA_GPA + offset));
	}

	guest_access(t, 0, t->nr_pages, t->stride, false);
}

static void enable_manual_protect(struct split_vm *t)
{
	vm_enable_cap(t->vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET);
	t->manual_protect = true;
}

static void enable_logging(struct split_vm *t)
{
	u64 nr = t->slot_end - t->slot_start;

	if (t->manual_protect)
		bitmap_fill(t->dirty, nr);
	else
		bitmap_zero(t->dirty, nr);
	set_slot(t, TEST_SLOT, t->slot_start, t->slot_end, KVM_MEM_LOG_DIRTY_PAGES);
}

static void disable_logging(struct split_vm *t)
{
	set_slot(t, TEST_SLOT, t->slot_start, t->slot_end, 0);
}

/* Clear pages in the dirty log of TEST_SLOT, by a single ioctl. */
static void clear_log(struct split_vm *t, u64 start, u64 nr)
{
	u64 nr_slot_pages = t->slot_end - t->slot_start;
	unsigned long *clear = bitmap_zalloc(nr_slot_pages);
	u64 page;

	for (page = start - t->slot_start; nr--; page++) {
		__set_bit(page, clear);
		__clear_bit(page, t->dirty);
	}
	kvm_vm_clear_dirty_log(t->vm, TEST_SLOT, clear, 0, nr_slot_pages);
	free(clear);
}

static void clear_whole_log(struct split_vm *t)
{
	clear_log(t, t->slot_start, t->slot_end - t->slot_start);
}

/* Check that the dirty log is what it has to be, page by page. */
static void check_log(struct split_vm *t)
{
	u64 nr = t->slot_end - t->slot_start;
	unsigned long *log = bitmap_zalloc(nr);
	u64 page;

	kvm_vm_get_dirty_log(t->vm, TEST_SLOT, log);
	for (page = 0; page < nr; page++)
		TEST_ASSERT(test_bit(page, log) == test_bit(page, t->dirty),
			    "Page %lu is %s, but the log says otherwise", page,
			    test_bit(page, t->dirty) ? "dirty" : "clean");
	free(log);

	if (!t->manual_protect)
		bitmap_zero(t->dirty, nr);
}

/*
 * Letter for a range of the stage-2: how the range is mapped, in upper case if
 * the guest may write to it.
 *
 *  g: level-1 block, b: level-2 block, p: pages, .: not mapped
 */
static char range_code(int level, const char *attributes)
{
	if (!strchr(attributes, 'R'))
		return '.';

	return (strchr(attributes, 'W') ? " GBP" : " gbp")[level];
}

/* Letter for a block, given that of a part of it, and of all parts before. */
static char merge_codes(char before, char part)
{
	if (before == ' ' || before == part)
		return part;

	/* Pages, of which only some are writable */
	if (strchr("Ppx", before) && strchr("Pp", part))
		return 'x';

	return '?';
}

/* Read the stage-2 page-tables, one letter for each block of the area. */
static const char *read_layout(struct split_vm *t)
{
	u64 block_size = t->block_pages * t->page_size;
	u64 area_end = AREA_GPA + t->nr_blocks * block_size;
	FILE *dump = fopen(t->dump_path, "r");
	int level, attributes;
	u64 start, end, addr;
	char line[256];

	TEST_ASSERT(dump, "Can't open %s", t->dump_path);
	memset(t->layout, ' ', t->nr_blocks);

	while (fgets(line, sizeof(line), dump)) {
		if (sscanf(line, "0x%lx-0x%lx %*u%*c %d%n",
			   &start, &end, &level, &attributes) != 3)
			continue;

		end = min(end, area_end);
		for (addr = max(start, AREA_GPA); addr < end;
		     addr = align_down(addr, block_size) + block_size) {
			char *code = &t->layout[(addr - AREA_GPA) / block_size];

			*code = merge_codes(*code, range_code(level, line + attributes));
		}
	}
	fclose(dump);

	/* What is beyond the last mapping need not be in the dump. */
	for (addr = 0; addr < t->nr_blocks; addr++)
		if (t->layout[addr] == ' ')
			t->layout[addr] = '.';

	return t->layout;
}

static bool has_tables(struct split_vm *t)
{
	return !access(t->dump_path, R_OK);
}

static bool is_mapped(struct split_vm *t, const char *layout)
{
	return !strcmp(read_layout(t), layout);
}

static void expect(struct split_vm *t, char code, u64 block, u64 nr)
{
	memset(t->expected + block, code, nr);
}

/* The capability, on a VM that has nothing else */

static int set_chunk_size(struct kvm_vm *vm, u64 size)
{
	return __vm_enable_cap(vm, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, size);
}

static u64 get_chunk_size(struct kvm_vm *vm)
{
	return vm_check_cap(vm, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE);
}

FIXTURE(capability) {
	struct kvm_vm *vm;
	u64 sizes;
};

FIXTURE_SETUP(capability)
{
	self->sizes = kvm_check_cap(KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES);
	if (!self->sizes)
		SKIP(return, "No KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES");

	self->vm = vm_create_barebones();
}

FIXTURE_TEARDOWN(capability)
{
	kvm_vm_free(self->vm);
}

TEST_F(capability, lists_page_and_block_sizes)
{
	ASSERT_EQ(level_size(3), getpagesize());
	ASSERT_NE(level_size(2), 0);
	if (thp_configured())
		ASSERT_EQ(level_size(2), get_trans_hugepagesz());
}

TEST_F(capability, is_off_by_default)
{
	ASSERT_EQ(kvm_check_cap(KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE), 0);
	ASSERT_EQ(get_chunk_size(self->vm), 0);
}

TEST_F(capability, accepts_listed_sizes)
{
	int shift;

	for (shift = 0; shift < 64; shift++) {
		if (!(self->sizes & BIT_ULL(shift)))
			continue;

		ASSERT_EQ(set_chunk_size(self->vm, BIT_ULL(shift)), 0);
		ASSERT_EQ(get_chunk_size(self->vm), BIT_ULL(shift));
	}

	ASSERT_EQ(set_chunk_size(self->vm, 0), 0);
	ASSERT_EQ(get_chunk_size(self->vm), 0);
}

static void refuse(struct __test_metadata *_metadata, struct kvm_vm *vm, u64 size)
{
	u64 before = get_chunk_size(vm);

	ASSERT_EQ(set_chunk_size(vm, size), -1);
	ASSERT_EQ(errno, EINVAL);
	ASSERT_EQ(get_chunk_size(vm), before);
}

TEST_F(capability, refuses_other_sizes)
{
	u64 size = level_size(2);
	int shift;

	ASSERT_EQ(set_chunk_size(self->vm, size), 0);

	for (shift = 0; shift < 64; shift++) {
		if (!(self->sizes & BIT_ULL(shift)))
			refuse(_metadata, self->vm, BIT_ULL(shift));
	}
	refuse(_metadata, self->vm, self->sizes);
	refuse(_metadata, self->vm, size | level_size(3));
	refuse(_metadata, self->vm, size | 1);
	refuse(_metadata, self->vm, size - 1);
	refuse(_metadata, self->vm, ~0ull);
}

TEST_F(capability, is_fixed_while_there_are_memslots)
{
	void *mem = kvm_mmap(getpagesize(), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1);

	ASSERT_EQ(set_chunk_size(self->vm, level_size(2)), 0);

	vm_set_user_memory_region2(self->vm, 0, 0, AREA_GPA, getpagesize(), mem, 0, 0);
	refuse(_metadata, self->vm, 0);
	refuse(_metadata, self->vm, level_size(2));
	refuse(_metadata, self->vm, level_size(3));

	vm_set_user_memory_region2(self->vm, 0, 0, AREA_GPA, 0, mem, 0, 0);
	ASSERT_EQ(set_chunk_size(self->vm, level_size(3)), 0);
	ASSERT_EQ(get_chunk_size(self->vm), level_size(3));
}

/*
 * Whole slots and parts of them: with each chunk size, a few level-2 blocks that
 * have a neighbour on either side, and one level-1 block.
 */
static const char *create_blocks(struct split_vm *t, int chunk_level, int block_level)
{
	const char *error = create_vm(t, chunk_level, block_level);

	if (error)
		return error;

	if (block_level == 1)
		add_slots(t, 0, t->nr_pages);
	else
		add_slots(t, t->block_pages, t->nr_pages - t->block_pages);

	populate(t, 0, t->nr_blocks);
	return NULL;
}

FIXTURE(tables) {
	struct split_vm t;
};

FIXTURE_VARIANT(tables) {
	int chunk_level;
	int block_level;
};

FIXTURE_VARIANT_ADD(tables, level2_off) { OFF, 2 };
FIXTURE_VARIANT_ADD(tables, level2_by_page) { 3, 2 };
FIXTURE_VARIANT_ADD(tables, level2_by_level2) { 2, 2 };
FIXTURE_VARIANT_ADD(tables, level2_by_level1) { 1, 2 };
FIXTURE_VARIANT_ADD(tables, level1_off) { OFF, 1 };
FIXTURE_VARIANT_ADD(tables, level1_by_page) { 3, 1 };
FIXTURE_VARIANT_ADD(tables, level1_by_level2) { 2, 1 };
FIXTURE_VARIANT_ADD(tables, level1_by_level1) { 1, 1 };

FIXTURE_SETUP(tables)
{
	struct split_vm *t = &self->t;
	const char *error = create_blocks(t, variant->chunk_level, variant->block_level);

	if (error)
		SKIP(return, "%s", error);
	if (!has_tables(t))
		SKIP(return, "No stage-2 page-tables in debugfs");

	expect(t, t->block_code, 0, t->nr_blocks);
	if (!is_mapped(t, t->expected))
		SKIP(return, "Not mapped by blocks: %s", t->layout);
}

FIXTURE_TEARDOWN(tables)
{
	kvm_vm_free(self->t.vm);
}

/* Expect that all of TEST_SLOT is write-protected, and split unless that's off. */
static void expect_split_slot(struct split_vm *t)
{
	expect(t, t->chunk_size ? 'p' : tolower(t->block_code),
	       t->slot_start / t->block_pages,
	       (t->slot_end - t->slot_start) / t->block_pages);
}

/*
 * Expect that whatever maps @block is write-protected, and that no more is split
 * than it takes to map @block by pages. The exception is a chunk of the size of
 * a level-1 block: all of that is split into pages.
 */
static void expect_split_block(struct split_vm *t, u64 block)
{
	if (t->expected[block] == 'G') {
		char code = !t->chunk_size ? 'g' :
			    t->chunk_size == level_size(1) ? 'p' : 'b';

		expect(t, code, 0, t->nr_blocks);
	}

	if (t->chunk_size)
		expect(t, 'p', block, 1);
	else
		expect(t, tolower(t->block_code), block, 1);
}

TEST_F_TIMEOUT(tables, enable, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_logging(t);
	expect_split_slot(t);
	ASSERT_STREQ(t->expected, read_layout(t));

	/* Only the page that the guest writes to becomes writable again */
	if (t->chunk_size) {
		guest_access(t, 3 * t->block_pages, 3 * t->block_pages + 1, 1, true);
		expect(t, 'x', 3, 1);
		ASSERT_STREQ(t->expected, read_layout(t));
	}
}

TEST_F_TIMEOUT(tables, clear, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_manual_protect(t);
	enable_logging(t);
	ASSERT_STREQ(t->expected, read_layout(t));

	clear_whole_log(t);
	expect_split_slot(t);
	ASSERT_STREQ(t->expected, read_layout(t));
}

TEST_F_TIMEOUT(tables, clear_parts, TIMEOUT)
{
	struct split_vm *t = &self->t;
	u64 pages = t->block_pages;

	enable_manual_protect(t);
	enable_logging(t);

	/* Up to the end of a block, with blocks on both sides */
	clear_log(t, 3 * pages - 64, 64);
	expect_split_block(t, 2);
	ASSERT_STREQ(t->expected, read_layout(t));

	/* In the middle of a block */
	clear_log(t, 4 * pages + pages / 2 + 5, 9);
	expect_split_block(t, 4);
	ASSERT_STREQ(t->expected, read_layout(t));

	/* From the start of a block, after one that is split already */
	clear_log(t, 5 * pages, 64);
	expect_split_block(t, 5);
	ASSERT_STREQ(t->expected, read_layout(t));

	/* The first and the last page of the slot */
	clear_log(t, t->slot_start, 1);
	expect_split_block(t, t->slot_start / pages);
	ASSERT_STREQ(t->expected, read_layout(t));
	clear_log(t, t->slot_end - 1, 1);
	expect_split_block(t, t->slot_end / pages - 1);
	ASSERT_STREQ(t->expected, read_layout(t));

	/* What's left, amid what's split */
	clear_whole_log(t);
	expect_split_slot(t);
	ASSERT_STREQ(t->expected, read_layout(t));
}

static bool has_stat(struct kvm_vm *vm, const char *name)
{
	struct kvm_binary_stats *stats = &vm->stats;
	struct kvm_stats_desc *desc;
	int i;

	read_stats_header(stats->fd, &stats->header);
	stats->desc = read_stats_descriptors(stats->fd, &stats->header);

	for (i = 0; i < stats->header.num_desc; i++) {
		desc = get_stats_descriptor(stats->desc, i, &stats->header);
		if (!strcmp(desc->name, name))
			return true;
	}

	return false;
}

static bool has_split_stats(struct kvm_vm *vm)
{
	return has_stat(vm, "eager_split_tables");
}

static bool recovers_blocks(struct kvm_vm *vm)
{
	return has_stat(vm, "recover_level2_blocks");
}

/* Expect that all of TEST_SLOT has been split @times, and nothing else. */
static void check_stats(struct __test_metadata *_metadata, struct split_vm *t, int times)
{
	u64 nr_blocks = (t->slot_end - t->slot_start) / t->block_pages;
	u64 level1 = 0, level2 = 0, tables = 0, flushes = 0;

	if (t->chunk_size) {
		level2 = nr_blocks;
		tables = nr_blocks;
		flushes = nr_blocks;

		/* Clearing splits the level-2 blocks one by one, whatever the chunk */
		if (t->chunk_size == level_size(1) && (!t->manual_protect || t->block_code == 'G'))
			flushes = 1;

		/* Split into pages at once, or into level-2 blocks but for the first one */
		if (t->block_code == 'G') {
			level1 = 1;
			level2 = t->chunk_size == level_size(1) ? 0 : nr_blocks - 1;
			tables++;
		}
	}

	ASSERT_EQ(times * level1, vm_get_stat(t->vm, eager_split_level1_blocks));
	ASSERT_EQ(times * level2, vm_get_stat(t->vm, eager_split_level2_blocks));
	ASSERT_EQ(times * tables, vm_get_stat(t->vm, eager_split_tables));
	ASSERT_EQ(times * flushes, vm_get_stat(t->vm, eager_split_tlb_flushes));
	ASSERT_EQ(0, vm_get_stat(t->vm, eager_split_aborts));
}

TEST_F_TIMEOUT(tables, statistics_enable, TIMEOUT)
{
	struct split_vm *t = &self->t;

	if (!has_split_stats(t->vm))
		SKIP(return, "No statistics of eager page splitting");

	enable_logging(t);
	check_stats(_metadata, t, 1);

	/* There is nothing left to split, unless blocks come back */
	disable_logging(t);
	enable_logging(t);
	check_stats(_metadata, t, recovers_blocks(t->vm) ? 2 : 1);
}

TEST_F_TIMEOUT(tables, statistics_clear, TIMEOUT)
{
	struct split_vm *t = &self->t;

	if (!has_split_stats(t->vm))
		SKIP(return, "No statistics of eager page splitting");

	enable_manual_protect(t);
	enable_logging(t);
	clear_whole_log(t);
	check_stats(_metadata, t, 1);

	clear_whole_log(t);
	check_stats(_metadata, t, 1);
}

FIXTURE(memory) {
	struct split_vm t;
};

FIXTURE_VARIANT(memory) {
	int chunk_level;
	int block_level;
};

FIXTURE_VARIANT_ADD(memory, level2_off) { OFF, 2 };
FIXTURE_VARIANT_ADD(memory, level2_by_page) { 3, 2 };
FIXTURE_VARIANT_ADD(memory, level2_by_level2) { 2, 2 };
FIXTURE_VARIANT_ADD(memory, level2_by_level1) { 1, 2 };
FIXTURE_VARIANT_ADD(memory, level1_off) { OFF, 1 };
FIXTURE_VARIANT_ADD(memory, level1_by_page) { 3, 1 };
FIXTURE_VARIANT_ADD(memory, level1_by_level2) { 2, 1 };
FIXTURE_VARIANT_ADD(memory, level1_by_level1) { 1, 1 };

FIXTURE_SETUP(memory)
{
	const char *error = create_blocks(&self->t, variant->chunk_level,
					  variant->block_level);
	struct split_vm *t = &self->t;

	if (error)
		SKIP(return, "%s", error);

	expect(t, t->block_code, 0, t->nr_blocks);
	if (has_tables(t) && !is_mapped(t, t->expected))
		SKIP(return, "Not mapped by blocks: %s", t->layout);
}

FIXTURE_TEARDOWN(memory)
{
	kvm_vm_free(self->t.vm);
}

/* Have the guest write to some pages: of TEST_SLOT, no others get dirty. */
static void check_writes(struct split_vm *t)
{
	guest_access(t, 3, t->nr_pages, t->block_pages - 1, true);
	check_log(t);
}

TEST_F_TIMEOUT(memory, enable, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_logging(t);
	check_log(t);
	check_memory(t);

	/* Twice, as the first look at the log write-protects the pages again */
	check_writes(t);
	check_writes(t);
	check_memory(t);
}

TEST_F_TIMEOUT(memory, clear, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_manual_protect(t);
	enable_logging(t);
	check_log(t);

	clear_whole_log(t);
	check_log(t);
	check_memory(t);

	check_writes(t);
	clear_whole_log(t);
	check_writes(t);
	check_memory(t);
}

TEST_F_TIMEOUT(memory, clear_parts, TIMEOUT)
{
	struct split_vm *t = &self->t;
	u64 first = 3 * t->block_pages - 64;
	u64 second = 4 * t->block_pages + t->block_pages / 2 + 5;

	enable_manual_protect(t);
	enable_logging(t);

	clear_log(t, first, 64);
	clear_log(t, second, 9);
	check_log(t);
	check_memory(t);

	guest_access(t, first + 7, first + 8, 1, true);
	guest_access(t, second + 7, second + 8, 1, true);
	check_log(t);

	clear_whole_log(t);
	check_writes(t);
	check_memory(t);
}

/* What isn't made of whole blocks only: holes, pages, ranges across blocks */

FIXTURE(mixed) {
	struct split_vm t;
};

FIXTURE_VARIANT(mixed) {
	int chunk_level;
};

FIXTURE_VARIANT_ADD(mixed, by_page) { 3 };
FIXTURE_VARIANT_ADD(mixed, by_level2) { 2 };
FIXTURE_VARIANT_ADD(mixed, by_level1) { 1 };

FIXTURE_SETUP(mixed)
{
	const char *error = create_vm(&self->t, variant->chunk_level, 2);

	if (error)
		SKIP(return, "%s", error);
	if (!has_tables(&self->t))
		SKIP(return, "No stage-2 page-tables in debugfs");
}

FIXTURE_TEARDOWN(mixed)
{
	kvm_vm_free(self->t.vm);
}

TEST_F_TIMEOUT(mixed, enable_with_holes, TIMEOUT)
{
	struct split_vm *t = &self->t;

	add_slots(t, t->block_pages, t->nr_pages - t->block_pages);
	populate(t, 0, 2);
	populate(t, 3, 1);
	populate(t, 7, 1);
	if (!is_mapped(t, "BB.B...B"))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	ASSERT_STREQ("Bp.p...B", read_layout(t));

	/* While nothing is logged, KVM maps blocks again */
	disable_logging(t);
	populate(t, 4, 1);
	populate(t, 6, 1);
	if (!is_mapped(t, recovers_blocks(t->vm) ? "Bb.bB.BB" : "Bp.pB.BB"))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	ASSERT_STREQ("Bp.pp.pB", read_layout(t));
}

TEST_F_TIMEOUT(mixed, clear_with_holes, TIMEOUT)
{
	struct split_vm *t = &self->t;

	add_slots(t, t->block_pages, t->nr_pages - t->block_pages);
	populate(t, 0, 2);
	populate(t, 3, 2);
	populate(t, 6, 2);
	if (!is_mapped(t, "BB.BB.BB"))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_manual_protect(t);
	enable_logging(t);

	/* Up to the end of a hole, and of a block before a hole */
	clear_log(t, 3 * t->block_pages - 64, 64);
	ASSERT_STREQ("BB.BB.BB", read_layout(t));
	clear_log(t, 5 * t->block_pages - 64, 64);
	ASSERT_STREQ("BB.Bp.BB", read_layout(t));

	clear_whole_log(t);
	ASSERT_STREQ("Bp.pp.pB", read_layout(t));
}

/*
 * A slot that starts 32 pages before the end of a block, and ends 32 pages after
 * the start of one: KVM maps those two blocks by pages, and the words of the
 * dirty bitmap straddle the boundaries of all blocks.
 */
static bool create_unaligned(struct split_vm *t)
{
	add_slots(t, 2 * t->block_pages - 32, 6 * t->block_pages + 32);
	populate(t, 0, t->nr_blocks);
	return is_mapped(t, "BPBBBBPB");
}

TEST_F_TIMEOUT(mixed, enable_unaligned, TIMEOUT)
{
	struct split_vm *t = &self->t;

	if (!create_unaligned(t))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	ASSERT_STREQ("BxppppxB", read_layout(t));
}

TEST_F_TIMEOUT(mixed, clear_unaligned, TIMEOUT)
{
	struct split_vm *t = &self->t;

	if (!create_unaligned(t))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_manual_protect(t);
	enable_logging(t);

	/* A word of the dirty bitmap: from one block to the next */
	clear_log(t, 4 * t->block_pages - 32, 64);
	ASSERT_STREQ("BPBppBPB", read_layout(t));

	/* From pages to a block, and from a block to pages */
	clear_log(t, t->slot_start, 64);
	ASSERT_STREQ("BxpppBPB", read_layout(t));
	clear_log(t, t->slot_end - 64, 64);
	ASSERT_STREQ("BxppppxB", read_layout(t));

	clear_whole_log(t);
	ASSERT_STREQ("BxppppxB", read_layout(t));
}

/*
 * When logging stops, blocks come back: may the guest write to a page, it may write
 * to all of its block.
 */

FIXTURE(recover) {
	struct split_vm t;
	long page_tables;
};

FIXTURE_VARIANT(recover) {
	int chunk_level;
	int block_level;
};

FIXTURE_VARIANT_ADD(recover, level2_off) { OFF, 2 };
FIXTURE_VARIANT_ADD(recover, level2_by_level2) { 2, 2 };
FIXTURE_VARIANT_ADD(recover, level2_by_level1) { 1, 2 };
FIXTURE_VARIANT_ADD(recover, level1_by_level2) { 2, 1 };
FIXTURE_VARIANT_ADD(recover, level1_by_level1) { 1, 1 };

/* Memory of all page-tables of KVM in the machine, in KiB. */
static long stage2_memory(void)
{
	FILE *refresh = fopen("/proc/sys/vm/stat_refresh", "w");
	FILE *meminfo = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	/* Without it, what CPUs count is a second late */
	TEST_ASSERT(refresh && fputs("1", refresh) >= 0 && !fclose(refresh),
		    "Can't refresh the statistics of memory");
	TEST_ASSERT(meminfo, "Can't open /proc/meminfo");
	while (kib < 0 && fgets(line, sizeof(line), meminfo))
		sscanf(line, "SecPageTables: %ld", &kib);
	fclose(meminfo);
	TEST_ASSERT(kib >= 0, "No SecPageTables in /proc/meminfo");

	return kib;
}

/* Tables that were replaced are freed a little later: wait for @kib to be left. */
static long wait_for_stage2_memory(long kib)
{
	int tries;

	for (tries = 0; tries < 100 && stage2_memory() != kib; tries++)
		usleep(100000);

	return stage2_memory();
}

/* The same for what there was before the test */
static long settled_stage2_memory(void)
{
	long before, kib = stage2_memory();

	do {
		before = kib;
		usleep(300000);
		kib = stage2_memory();
	} while (kib != before);

	return kib;
}

FIXTURE_SETUP(recover)
{
	struct split_vm *t = &self->t;
	const char *error = create_blocks(t, variant->chunk_level, variant->block_level);

	if (error)
		SKIP(return, "%s", error);
	if (!has_tables(t))
		SKIP(return, "No stage-2 page-tables in debugfs");

	expect(t, t->block_code, 0, t->nr_blocks);
	if (!is_mapped(t, t->expected))
		SKIP(return, "Not mapped by blocks: %s", t->layout);
	self->page_tables = settled_stage2_memory();
}

FIXTURE_TEARDOWN(recover)
{
	kvm_vm_free(self->t.vm);
}

static void expect_slot(struct split_vm *t, char code)
{
	expect(t, code, t->slot_start / t->block_pages,
	       (t->slot_end - t->slot_start) / t->block_pages);
}

TEST_F_TIMEOUT(recover, written, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_logging(t);
	guest_access(t, t->slot_start, t->slot_end, t->stride, true);
	check_log(t);
	guest_access(t, t->slot_start, t->slot_end, t->stride, true);
	disable_logging(t);
	ASSERT_STREQ(t->expected, read_layout(t));
	ASSERT_EQ(self->page_tables, wait_for_stage2_memory(self->page_tables));
	check_memory(t);

	/* And again: no write to a block that has come back may get lost */
	enable_logging(t);
	expect_split_slot(t);
	ASSERT_STREQ(t->expected, read_layout(t));
	check_writes(t);
	check_writes(t);
	check_memory(t);
}

TEST_F_TIMEOUT(recover, unwritten, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_logging(t);
	disable_logging(t);
	expect_slot(t, tolower(t->block_code));
	ASSERT_STREQ(t->expected, read_layout(t));
	ASSERT_EQ(self->page_tables, wait_for_stage2_memory(self->page_tables));
	check_memory(t);

	/* The guest may write, if not without a fault */
	populate(t, 0, t->nr_blocks);
	expect_slot(t, t->block_code);
	ASSERT_STREQ(t->expected, read_layout(t));
	check_memory(t);
}

TEST_F_TIMEOUT(recover, partly_written, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_logging(t);
	guest_access(t, t->slot_start + 5, t->slot_end, t->block_pages, true);
	disable_logging(t);

	/* If nothing is split ahead, only what was written is mapped */
	if (!t->chunk_size)
		expect_slot(t, '?');
	ASSERT_STREQ(t->expected, read_layout(t));
	check_memory(t);
}

/* Clearing the log splits, too, and not all at once. */
TEST_F_TIMEOUT(recover, cleared, TIMEOUT)
{
	struct split_vm *t = &self->t;

	enable_manual_protect(t);
	enable_logging(t);
	clear_log(t, 3 * t->block_pages - 64, 64);
	disable_logging(t);
	if (t->block_code == 'G')
		expect(t, 'g', 0, t->nr_blocks);
	else
		expect(t, 'b', 2, 1);
	ASSERT_STREQ(t->expected, read_layout(t));
	check_memory(t);
}

TEST_F_TIMEOUT(recover, time_and_again, TIMEOUT)
{
	struct split_vm *t = &self->t;
	u64 nr_blocks = (t->slot_end - t->slot_start) / t->block_pages;
	int i, times = 50;
	u64 recovered;

	for (i = 0; i < times; i++) {
		enable_logging(t);
		check_writes(t);
		disable_logging(t);
		check_memory(t);
	}
	ASSERT_EQ(self->page_tables, wait_for_stage2_memory(self->page_tables));

	/* If nothing is split ahead, blocks come back by faults on what is not mapped */
	recovered = t->chunk_size ? times : 0;
	if (t->block_code == 'G') {
		ASSERT_EQ(recovered, vm_get_stat(t->vm, recover_level1_blocks));
		ASSERT_EQ(0, vm_get_stat(t->vm, recover_level2_blocks));
	} else {
		ASSERT_EQ(0, vm_get_stat(t->vm, recover_level1_blocks));
		ASSERT_EQ(recovered * nr_blocks, vm_get_stat(t->vm, recover_level2_blocks));
	}
	/* Done in steps of the largest block, each with a flush: are there more than one? */
	if (level_size(1))
		nr_blocks = 1;
	ASSERT_EQ(recovered * nr_blocks, vm_get_stat(t->vm, recover_tlb_flushes));
}

/* What is no block to the host, or not all of it, and what belongs to other slots */

TEST_F_TIMEOUT(mixed, recover_unaligned, TIMEOUT)
{
	struct split_vm *t = &self->t;

	if (!create_unaligned(t))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	guest_access(t, t->slot_start, t->slot_end, 1, true);
	ASSERT_STREQ("BPPPPPPB", read_layout(t));
	disable_logging(t);
	ASSERT_STREQ("BPBBBBPB", read_layout(t));
	check_memory(t);
}

static bool create_blocks_of_slot(struct split_vm *t)
{
	add_slots(t, t->block_pages, t->nr_pages - t->block_pages);
	populate(t, 0, t->nr_blocks);
	return is_mapped(t, "BBBBBBBB");
}

TEST_F_TIMEOUT(mixed, recover_small_pages, TIMEOUT)
{
	struct split_vm *t = &self->t;

	kvm_madvise(t->mem, t->nr_pages * t->page_size, MADV_NOHUGEPAGE);
	add_slots(t, t->block_pages, t->nr_pages - t->block_pages);
	populate(t, 0, t->nr_blocks);
	ASSERT_STREQ("PPPPPPPP", read_layout(t));

	enable_logging(t);
	disable_logging(t);
	ASSERT_STREQ("PppppppP", read_layout(t));
	populate(t, 0, t->nr_blocks);
	ASSERT_STREQ("PPPPPPPP", read_layout(t));
	check_memory(t);
}

TEST_F_TIMEOUT(mixed, recover_partly_mapped, TIMEOUT)
{
	struct split_vm *t = &self->t;

	add_slots(t, t->block_pages, t->nr_pages - t->block_pages);
	populate(t, 0, 3);
	populate(t, 4, 4);
	if (!is_mapped(t, "BBB.BBBB"))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	guest_access(t, 3 * t->block_pages, 4 * t->block_pages - 1, 1, true);
	disable_logging(t);
	ASSERT_STREQ("Bbb?bbbB", read_layout(t));
	populate(t, 0, t->nr_blocks);
	ASSERT_STREQ("BBBBBBBB", read_layout(t));
	check_memory(t);
}

TEST_F_TIMEOUT(mixed, recover_punched, TIMEOUT)
{
	struct split_vm *t = &self->t;
	u64 page = 3 * t->block_pages + 7;

	if (!create_blocks_of_slot(t))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	guest_access(t, t->slot_start, t->slot_end, 1, true);
	kvm_madvise(t->mem + page * t->page_size, t->page_size, MADV_DONTNEED);
	guest_access(t, 3 * t->block_pages, page, 1, false);
	guest_access(t, page + 1, 4 * t->block_pages, 1, true);

	/* First with a hole, then with a page that is not of the huge page */
	disable_logging(t);
	ASSERT_STREQ("BBB?BBBB", read_layout(t));
	enable_logging(t);
	guest_access(t, page, page + 1, 1, true);
	disable_logging(t);
	ASSERT_STREQ("BbbxbbbB", read_layout(t));
	check_memory(t);
}

/* A page that the host maps like the others, but doesn't let anyone write to. */
TEST_F_TIMEOUT(mixed, recover_protected, TIMEOUT)
{
	struct split_vm *t = &self->t;
	u64 page = 3 * t->block_pages + 7;
	void *mem = t->mem + page * t->page_size;

	if (!create_blocks_of_slot(t))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	guest_access(t, t->slot_start, t->slot_end, 1, true);
	TEST_ASSERT(!mprotect(mem, t->page_size, PROT_READ), "mprotect() failed");
	guest_access(t, 3 * t->block_pages, page + 1, 1, false);
	guest_access(t, page + 1, 4 * t->block_pages, 1, true);
	ASSERT_STREQ("BPPxPPPB", read_layout(t));
	disable_logging(t);
	ASSERT_STREQ("BBBxBBBB", read_layout(t));
	check_memory(t);
}

/* What the host maps by blocks still, but shares with a child until it's written to. */
TEST_F_TIMEOUT(mixed, recover_shared, TIMEOUT)
{
	struct split_vm *t = &self->t;
	int fds[2], status;
	u64 page;
	char byte;
	pid_t pid;

	if (!create_blocks_of_slot(t))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	enable_logging(t);
	guest_access(t, t->slot_start, t->slot_end, 1, true);

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_NE(-1, pid);
	if (!pid) {
		/* When the guest has written, nothing may have changed here */
		close(fds[1]);
		if (read(fds[0], &byte, 1))
			_exit(1);
		for (page = 0; page < t->nr_pages; page++)
			if (*(u64 *)(t->mem + page * t->page_size) !=
			    PATTERN(AREA_GPA + page * t->page_size))
				_exit(2);
		_exit(0);
	}
	close(fds[0]);

	guest_access(t, t->slot_start, t->slot_end, 1, false);
	disable_logging(t);
	expect(t, '.', 0, 1);
	expect(t, 'b', 1, 6);
	expect(t, '.', 7, 1);
	ASSERT_STREQ(t->expected, read_layout(t));

	guest_job.flip = ~0ull;
	guest_access(t, t->slot_start, t->slot_end, 1, true);
	guest_access(t, t->slot_start, t->slot_end, 1, false);
	close(fds[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

TEST_F_TIMEOUT(mixed, recover_read_only, TIMEOUT)
{
	struct split_vm *t = &self->t;
	u64 page, start = t->block_pages, end = t->nr_pages - t->block_pages;

	for (page = start; page < end; page++)
		*(u64 *)(t->mem + page * t->page_size) =
			PATTERN(AREA_GPA + page * t->page_size);

	set_slot(t, TEST_SLOT, start, end, KVM_MEM_READONLY);
	guest_access(t, start, end, 1, false);
	if (!is_mapped(t, ".bbbbbb."))
		SKIP(return, "Not mapped by blocks: %s", t->layout);

	set_slot(t, TEST_SLOT, start, end, KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES);
	ASSERT_STREQ(".pppppp.", read_layout(t));
	set_slot(t, TEST_SLOT, start, end, KVM_MEM_READONLY);
	ASSERT_STREQ(".bbbbbb.", read_layout(t));
	guest_access(t, start, end, 1, false);
}

/*
 * A memory cgroup without enough room to split a level-1 block whole: splitting
 * ends before its time, and the VM lives on. The OOM killer has no one else to
 * take but the test.
 */

FIXTURE(full_cgroup) {
	struct split_vm t;
	char name[PATH_MAX];
};

FIXTURE_VARIANT(full_cgroup) {
	int chunk_level;
};

FIXTURE_VARIANT_ADD(full_cgroup, by_page) { 3 };
FIXTURE_VARIANT_ADD(full_cgroup, by_level2) { 2 };
FIXTURE_VARIANT_ADD(full_cgroup, by_level1) { 1 };

FIXTURE_SETUP(full_cgroup)
{
	char root[PATH_MAX / 2];
	const char *error;

	if (cg_find_controller_root(root, sizeof(root), "memory") ||
	    cg_write(root, "cgroup.subtree_control", "+memory"))
		SKIP(return, "No memory cgroups");

	error = create_blocks(&self->t, variant->chunk_level, 1);
	if (error)
		SKIP(return, "%s", error);

	snprintf(self->name, sizeof(self->name), "%s/eager_split_test.%d", root, getpid());
	ASSERT_EQ(0, cg_create(self->name));
	ASSERT_EQ(0, cg_enter_current(self->name));
}

/* The test itself may be dead by then */
FIXTURE_TEARDOWN_PARENT(full_cgroup)
{
	ASSERT_EQ(0, cg_destroy(self->name));
}

TEST_F_TIMEOUT(full_cgroup, enable, TIMEOUT)
{
	struct split_vm *t = &self->t;
	u64 tables = t->nr_blocks * t->page_size;
	long current = cg_read_long(self->name, "memory.current");
	/* When the cgroup is full, it takes too much to open a file */
	int fd = cg_open(self->name, "memory.max", O_WRONLY);

	ASSERT_NE(-1, current);
	ASSERT_NE(-1, fd);
	ASSERT_EQ(0, cg_write_numeric(self->name, "memory.max", current + tables / 4));
	enable_logging(t);

	/* With a chunk as large as that, there is still room for what vCPUs split */
	if (variant->chunk_level == 1)
		guest_access(t, 0, t->nr_pages / 8, t->stride, true);

	ASSERT_EQ(3, write(fd, "max", 3));
	close(fd);

	check_log(t);
	check_writes(t);
	check_memory(t);

	if (has_split_stats(t->vm)) {
		ASSERT_EQ(1, vm_get_stat(t->vm, eager_split_aborts));
		ASSERT_EQ(variant->chunk_level == 1,
			  !vm_get_stat(t->vm, eager_split_tables));
	}
}

TEST_HARNESS_MAIN
