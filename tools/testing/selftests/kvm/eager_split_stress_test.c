// SPDX-License-Identifier: GPL-2.0
/*
 * eager_split_stress_test - Split blocks while everything else happens to them.
 *
 * vCPUs write to memory that KVM maps by blocks, read and execute it, while dirty
 * logging is toggled and the log harvested, which splits the blocks and maps them
 * again, and while the host takes the memory away, write-protects, migrates and
 * shares it, and makes it huge again. None of them waits for another. What makes
 * it a test is the bookkeeping: every write is announced before it's made and
 * acknowledged after, in memory that vCPUs and host share, hence
 *
 *  - a page holds what was last written to it, or zero if the host has dropped it
 *    since, whoever looks at it;
 *  - a page is in the dirty log if a write to it was announced after the page was
 *    last made clean, and acknowledged before the log was harvested;
 *  - a page isn't in the log if all writes announced before the harvest had been
 *    acknowledged before the page was last made clean.
 *
 * And what the host has made read-only, or shares with a child, doesn't change.
 *
 * That leaves open nothing but what the vCPUs write to at that very moment.
 *
 * The variants with hugetlb are skipped unless enough huge pages are reserved:
 * with 4K pages and the default size, 32 of 2M and one of 1G.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <asm/barrier.h>
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/memfd.h>
#include <linux/sizes.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"
#include "ucall_common.h"

/* Memslot 0 is for the library */
#define TEST_SLOT		1
#define STATE_SLOT		2

/* Addresses are the same in the guest's virtual and physical, and in the host */
#define TEST_ADDR		((u64)SZ_4G)
#define STATE_ADDR		(TEST_ADDR + MAX_TEST_SIZE)
#define MAX_TEST_SIZE		((u64)SZ_2G)

/* Limits how long it takes to look at all pages that the guest accesses */
#define MAX_ACCESSED_PAGES	SZ_32K

/* What write number @seq leaves in a page: never zero */
#define CONTENT(page, seq)	(((u64)(page) + 1) << 32 | (seq))

/*
 * Only one vCPU, its owner, writes to a page. All of these only ever grow, and
 * only the owner changes them, except those that count the host's drops.
 */
struct page_state {
	/* Writes announced and acknowledged */
	u32 begun;
	u32 done;
	/* For the last write: drops done before it, drops begun after it */
	u32 drops_before;
	u32 drops_after;
	/* Drops by the host, announced and acknowledged */
	u32 drop_begun;
	u32 drop_done;
};

static char *const mem = (char *)TEST_ADDR;
static struct page_state *const state = (struct page_state *)STATE_ADDR;

/* Synchronized to the guest */
static struct {
	u64 page_size;
	u64 nr_pages;
	u64 stride;
	u32 nr_vcpus;
	bool execute;
	bool stop;
} guest = { .nr_vcpus = 2 };

static const struct mem_type {
	const char *name;
	int level;
	bool private;
	bool hugetlb;
} mem_types[] = {
	{ "anonymous", .level = 2, .private = true },
	{ "shmem", .level = 2 },
	{ "hugetlb level 2", .level = 2, .hugetlb = true },
	{ "hugetlb level 1", .level = 1, .hugetlb = true },
};

static const struct mem_type *mem_type;
static u64 mem_size, block_size;
static struct kvm_vm *vm;

/* What the writes to a page were before and after the ioctls that concern it */
static struct page_log {
	/* The one that made it clean */
	u32 clean_done;
	u32 clean_begun;
	/* The last one */
	u32 done;
	u32 begun;
} *page_log;

/* Pages that are in the log until they are cleared, if that takes an ioctl */
static unsigned long *dirty;
static unsigned long *bitmap;
static u64 manual_protect;

static pthread_barrier_t barrier;
static bool quit;

static u64 seed;
static u64 main_random;
static struct {
	u64 logs;
	u64 dirty_pages;
	u64 drops;
	u64 collapses;
	u64 compactions;
	u64 protects;
	u64 shares;
} stats;

/* splitmix64: any state will do */
static u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ul;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebul;
	return z ^ (z >> 31);
}

static void random_sleep(u64 *random, u64 max_usecs)
{
	usleep(next_random(random) % max_usecs);
}

/*
 * What vCPUs and host share is loaded and stored in program order: on arm64, not
 * even a store-release and a later load-acquire change places. System calls are
 * ordered after earlier loads and before later stores; order() does the rest.
 */
#ifdef __aarch64__
/* Pairs with store() */
#define load(x)		smp_load_acquire(&(x))
#else
/* Pairs with store(), and comes after any that is earlier */
#define load(x)		({ smp_mb(); smp_load_acquire(&(x)); })
#endif
/* Pairs with load() */
#define store(x, v)	smp_store_release(&(x), v)
/* Between a system call and earlier stores, or later loads */
#define order()		smp_mb()

static u64 *page_data(u64 page)
{
	return (u64 *)(mem + page * guest.page_size);
}

/* Pages that keep what they hold have a function, too, which just returns. */
static u32 *page_code(u64 page)
{
	return (u32 *)(page_data(page) + 1);
}

#ifdef __aarch64__
#define CODE_RET		0xd65f03c0
#else
#define CODE_RET		0x00008067
#endif

/*
 * Check the content of a page, in the guest or in the host, while anything may
 * happen to it. Return what's wrong, or NULL.
 */
static const char *check_page(u64 page, u64 *value)
{
	struct page_state *s = &state[page];
	u32 done = load(s->done);
	u32 drops_before = load(s->drops_before);
	u32 drops_after = load(s->drops_after);
	u32 drop_done = load(s->drop_done);
	u32 drop_begun;

	*value = load(*page_data(page));
	drop_begun = load(s->drop_begun);

	/* Not conclusive if the owner has written to the page meanwhile */
	if (load(s->begun) != done)
		return NULL;

	if (!*value)
		return drop_begun > drops_before ? NULL : "has lost its content";
	if (*value >> 32 != page + 1)
		return "has the content of another page";
	if ((u32)*value != done)
		return "hasn't the content last written";
	return drop_done <= drops_after ? NULL : "has the content from before it was dropped";
}

static void write_page(u64 page)
{
	struct page_state *s = &state[page];
	u32 seq = s->done + 1;

	store(s->begun, seq);
	store(s->drops_before, load(s->drop_done));
	store(*page_data(page), CONTENT(page, seq));
	store(s->drops_after, load(s->drop_begun));
	store(s->done, seq);
}

/*
 * Look at random pages, and write to those that are the vCPU's own: now at a few
 * from all over the memory, now for longer at neighbours that the TLB can hold.
 */
static void guest_code(u32 id, u64 random)
{
	u64 nr = guest.nr_pages / guest.stride;
	u64 first, window, left = 0;
	u64 nth, page, value;
	const char *error;

	while (true) {
		while (!READ_ONCE(guest.stop)) {
			if (!left--) {
				first = next_random(&random) % nr;
				window = next_random(&random) % 2 ? 32 : nr;
				left = next_random(&random) % (window < nr ? 8192 : 128);
			}
			nth = (first + next_random(&random) % window) % nr;
			page = nth * guest.stride;
			error = check_page(page, &value);
			__GUEST_ASSERT(!error, "vCPU %u: page %lu %s: %lx after write %x",
				       id, page, error, value, state[page].done);
			if (nth % guest.nr_vcpus == id)
				write_page(page);
			if (guest.execute)
				((void (*)(void))page_code(page))();
		}
		GUEST_SYNC(0);
	}
}

static void check_memory(void)
{
	const char *error;
	u64 page, value;

	for (page = 0; page < guest.nr_pages; page += guest.stride) {
		error = check_page(page, &value);
		TEST_ASSERT(!error, "Host: page %lu %s: %lx after write %x",
			    page, error, value, state[page].done);
	}
}

static void *vcpu_worker(void *vcpu)
{
	struct ucall uc;

	while (!READ_ONCE(quit)) {
		/* A write to what the host has write-protected is made once it may be */
		while (_vcpu_run(vcpu)) {
			TEST_ASSERT(errno == EFAULT, "KVM_RUN failed, errno %d", errno);
			/* RISC-V's KVM has the kernel's log tell each time. */
			usleep(2000);
		}
		if (get_ucall(vcpu, &uc) == UCALL_ABORT)
			REPORT_GUEST_ASSERT(uc);
		TEST_ASSERT_EQ(uc.cmd, UCALL_SYNC);

		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* Returns once all vCPUs have stopped, or are about to run. */
static void stop_vcpus(bool stop)
{
	guest.stop = stop;
	sync_global_to_guest(vm, guest.stop);
	pthread_barrier_wait(&barrier);
}

/*
 * Take pages away, which unmaps them from the guest. Private memory comes back
 * as zeroes, shared memory as it was.
 */
static void drop(u64 first, u64 nr)
{
	u64 page, end = mem_type->private ? first + nr : first;

	for (page = first; page < end; page++)
		store(state[page].drop_begun, state[page].drop_begun + 1);
	order();
	kvm_madvise(page_data(first), nr * guest.page_size, MADV_DONTNEED);
	for (page = first; page < end; page++)
		store(state[page].drop_done, state[page].drop_begun);
	stats.drops++;
}

/* May fail, as pages may be in use, or memory fragmented. */
static bool collapse(void *block)
{
	return !madvise(block, block_size, MADV_COLLAPSE);
}

static u64 sum_pages(u64 first, u64 nr)
{
	u64 page, sum = 0;

	for (page = first; page < first + nr; page += guest.stride)
		sum = sum * 31 + load(*page_data(page));
	return sum;
}

/* Look at pages that nobody may write to, twice. Return whether they have changed. */
static bool pages_change(u64 first, u64 nr)
{
	u64 before = sum_pages(first, nr);

	usleep(6000);
	return sum_pages(first, nr) != before;
}

static void protect(u64 first, u64 nr)
{
	void *start = page_data(first);
	size_t size = nr * guest.page_size;

	TEST_ASSERT(!mprotect(start, size, PROT_READ), "mprotect() failed, errno %d", errno);
	TEST_ASSERT(!pages_change(first, nr), "The guest writes to read-only memory");
	TEST_ASSERT(!mprotect(start, size, PROT_READ | PROT_WRITE),
		    "mprotect() failed, errno %d", errno);
	stats.protects++;
}

/* A child has the pages as they were. */
static void share(u64 first, u64 nr)
{
	int status;
	pid_t pid = fork();

	TEST_ASSERT(pid >= 0, "fork() failed, errno %d", errno);
	if (!pid)
		_exit(pages_change(first, nr));
	TEST_ASSERT(waitpid(pid, &status, 0) == pid && !status,
		    "The guest writes to memory of another process");
	stats.shares++;
}

/* Have pages migrate to where they leave the most room. */
static bool compact(void)
{
	FILE *file = fopen("/proc/sys/vm/compact_memory", "w");

	if (!file)
		return false;
	fputs("1", file);
	return !fclose(file);
}

static void *churn_worker(void *unused)
{
	u64 block_pages = block_size / guest.page_size;
	u64 nr_blocks = mem_size / block_size;
	u64 first, offset, nr, random = seed - 1;

	while (!READ_ONCE(quit)) {
		first = next_random(&random) % nr_blocks * block_pages;
		offset = next_random(&random) % block_pages;

		switch (next_random(&random) % (mem_type->hugetlb ? 2 : 10)) {
		case 0:
			drop(first, block_pages);
			break;
		case 1:
			protect(first, block_pages);
			break;
		case 2:
			protect(first + offset, 1);
			break;
		case 3:
			nr = next_random(&random) % (2 * block_pages) + 1;
			drop(first + offset, min(nr, guest.nr_pages - first - offset));
			break;
		case 4:
			if (mem_type->private)
				share(first, block_pages);
			break;
		case 5:
			stats.compactions += compact();
			break;
		case 6:
			/* Let the block come back by pages */
			kvm_madvise(page_data(first), block_size, MADV_NOHUGEPAGE);
			drop(first, block_pages);
			random_sleep(&random, 5000);
			kvm_madvise(page_data(first), block_size, MADV_HUGEPAGE);
			break;
		default:
			stats.collapses += collapse(page_data(first));
		}
		/* Leave the guest some time to use what it has got */
		random_sleep(&random, nr_blocks > 1 ? 3000 : 100000);
	}
	return NULL;
}

static void look_before(void)
{
	u64 page;

	for (page = 0; page < guest.nr_pages; page++)
		page_log[page].done = load(state[page].done);
}

static void look_after(void)
{
	u64 page;

	order();
	for (page = 0; page < guest.nr_pages; page++)
		page_log[page].begun = load(state[page].begun);
}

/* The ioctl between look_before() and look_after() has made @pages clean. */
static void mark_clean(unsigned long *pages)
{
	u64 page;

	for (page = 0; page < guest.nr_pages; page++) {
		if (!test_bit(page, pages))
			continue;
		page_log[page].clean_done = page_log[page].done;
		page_log[page].clean_begun = page_log[page].begun;
		__clear_bit(page, dirty);
	}
}

static void set_logging(bool enable)
{
	look_before();
	/* RISC-V refuses while the host has write-protected some of the memory. */
	while (__vm_set_user_memory_region2(vm, TEST_SLOT, enable ? KVM_MEM_LOG_DIRTY_PAGES : 0,
					    TEST_ADDR, mem_size, mem, 0, 0))
		TEST_ASSERT(errno == EPERM, "KVM_SET_USER_MEMORY_REGION2 failed, errno %d", errno);
	look_after();
	bitmap_fill(bitmap, guest.nr_pages);
	mark_clean(bitmap);
	if (manual_protect & KVM_DIRTY_LOG_INITIALLY_SET)
		bitmap_fill(dirty, guest.nr_pages);
}

static void check_log(void)
{
	u64 page;

	for (page = 0; page < guest.nr_pages; page++) {
		struct page_log *l = &page_log[page];
		bool stays = test_bit(page, dirty);

		if (test_bit(page, bitmap)) {
			TEST_ASSERT(stays || l->begun > l->clean_done,
				    "Page %lu is in the log, but clean since write %x",
				    page, l->clean_done);
			stats.dirty_pages++;
		} else {
			TEST_ASSERT(!stays && l->done <= l->clean_begun,
				    "Page %lu is not in the log, but had write %x after %x%s",
				    page, l->done, l->clean_begun,
				    stays ? ", and was in it before" : "");
		}
	}
	stats.logs++;
}

/* Clear all of the log, or some pages in some part of it. */
static void clear_log(bool all)
{
	u64 nr_words = guest.nr_pages / BITS_PER_LONG;
	u64 first = all ? 0 : next_random(&main_random) % nr_words;
	u64 nr = all ? nr_words : next_random(&main_random) % (nr_words - first) + 1;
	u64 i;

	bitmap_zero(bitmap, guest.nr_pages);
	for (i = first; i < first + nr; i++) {
		bitmap[i] = dirty[i];
		if (!all && next_random(&main_random) % 2)
			bitmap[i] &= next_random(&main_random) & next_random(&main_random);
	}

	look_before();
	kvm_vm_clear_dirty_log(vm, TEST_SLOT, bitmap + first, first * BITS_PER_LONG,
			       nr * BITS_PER_LONG);
	look_after();
	mark_clean(bitmap);
}

static void harvest_log(bool all)
{
	look_before();
	kvm_vm_get_dirty_log(vm, TEST_SLOT, bitmap);
	look_after();
	check_log();

	if (!manual_protect) {
		mark_clean(bitmap);
		return;
	}

	bitmap_copy(dirty, bitmap, guest.nr_pages);
	do {
		clear_log(all);
	} while (!all && next_random(&main_random) % 4);
}

static void run_round(void)
{
	u64 nr = next_random(&main_random) % 8;

	vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, manual_protect);

	/* While logging is off, KVM maps blocks again. */
	random_sleep(&main_random, 50000);
	set_logging(true);
	while (nr--) {
		random_sleep(&main_random, 20000);
		harvest_log(false);
	}

	/* With no write underway, the second log has to be empty. */
	stop_vcpus(true);
	harvest_log(true);
	harvest_log(true);
	check_memory();
	stop_vcpus(false);

	random_sleep(&main_random, 5000);
	set_logging(false);
}

/* Map the memory in the host, by huge pages. Return NULL, or why that failed. */
static const char *map_mem(void)
{
	int flags = mem_type->private ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	u64 huge_flags = MFD_HUGETLB | (u64)ilog2(block_size) << MFD_HUGE_SHIFT;
	int nr_huge = 0, fd = -1;
	u64 offset;
	void *p;

	if (!mem_type->private) {
		fd = memfd_create("eager_split", mem_type->hugetlb ? huge_flags : 0);
		if (fd < 0)
			return "no huge pages of that size";
		kvm_ftruncate(fd, mem_size);
	}
	p = mmap(mem, mem_size, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return mem_type->hugetlb ? "too few huge pages reserved" : strerror(errno);
	if (mem_type->hugetlb)
		return NULL;

	if (thp_configured()) {
		kvm_madvise(mem, mem_size, MADV_HUGEPAGE);
		kvm_madvise(mem, mem_size, MADV_POPULATE_WRITE);
		for (offset = 0; offset < mem_size; offset += block_size)
			nr_huge += collapse(mem + offset);
	}
	if (nr_huge)
		return NULL;
	kvm_munmap(mem, mem_size);
	return "no transparent huge pages";
}

static void create_vm(struct kvm_vcpu **vcpus, u8 eager_split_shift)
{
	struct vm_shape shape = VM_SHAPE_DEFAULT;
	u64 page, addr, state_size;
	void *p;
	int i;

	shape.eager_split_shift = eager_split_shift;
	vm = __vm_create_with_vcpus(shape, guest.nr_vcpus, mem_size / MIN_PAGE_SIZE, guest_code,
				    vcpus);
	for (i = 0; i < guest.nr_vcpus; i++)
		vcpu_args_set(vcpus[i], 2, i, seed + i);

	guest.page_size = getpagesize();
	guest.nr_pages = mem_size / guest.page_size;
	guest.stride = guest.nr_pages / MAX_ACCESSED_PAGES | 1;
	guest.execute = !mem_type->private;
	sync_global_to_guest(vm, guest);

	vm_set_user_memory_region2(vm, TEST_SLOT, 0, TEST_ADDR, mem_size, mem, 0, 0);
	for (page = 0; page < guest.nr_pages; page += guest.stride) {
		addr = align_down((u64)page_data(page), vm->page_size);
		if (!sparsebit_is_set(vm->vpages_mapped, addr >> vm->page_shift))
			virt_map(vm, addr, addr, 1);
		if (guest.execute) {
			*page_code(page) = CODE_RET;
			__builtin___clear_cache((char *)page_code(page),
						(char *)(page_code(page) + 1));
		}
	}

	state_size = align_up(guest.nr_pages * sizeof(*state), SZ_64K);
	p = mmap(state, state_size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	TEST_ASSERT(p == state, "Can't map %lu bytes at %p", state_size, state);
	vm_set_user_memory_region2(vm, STATE_SLOT, 0, STATE_ADDR, state_size, state, 0, 0);
	virt_map(vm, STATE_ADDR, STATE_ADDR, state_size / vm->page_size);
	/* As long as nothing was written, pages are zero: as if they were dropped. */
	for (page = 0; page < guest.nr_pages; page++) {
		state[page].drop_begun = 1;
		state[page].drop_done = 1;
	}
}

/* Run three rounds at least, one for each way to harvest the dirty log. */
static void run_vm(u8 eager_split_shift, double seconds)
{
	static const u64 protects[] = {
		0,
		KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET,
		KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
	};
	pthread_t threads[guest.nr_vcpus + 1];
	struct kvm_vcpu *vcpus[guest.nr_vcpus];
	u64 nr_rounds = 0, nr_writes = 0, page;
	struct timespec start;
	int i;

	create_vm(vcpus, eager_split_shift);
	page_log = calloc(guest.nr_pages, sizeof(*page_log));
	dirty = bitmap_zalloc(guest.nr_pages);
	bitmap = bitmap_zalloc(guest.nr_pages);
	TEST_ASSERT(page_log && dirty && bitmap, "Out of memory");
	memset(&stats, 0, sizeof(stats));

	pthread_barrier_init(&barrier, NULL, guest.nr_vcpus + 1);
	for (i = 0; i < guest.nr_vcpus; i++)
		pthread_create(&threads[i], NULL, vcpu_worker, vcpus[i]);
	pthread_create(&threads[i], NULL, churn_worker, NULL);

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		manual_protect = protects[nr_rounds++ % ARRAY_SIZE(protects)];
		run_round();
	} while (nr_rounds < ARRAY_SIZE(protects) ||
		 timespec_to_ns(timespec_elapsed(start)) < seconds * NSEC_PER_SEC);

	stop_vcpus(true);
	quit = true;
	stop_vcpus(false);
	for (i = 0; i <= guest.nr_vcpus; i++)
		pthread_join(threads[i], NULL);
	quit = false;

	for (page = 0; page < guest.nr_pages; page++)
		nr_writes += state[page].done;
	pr_info("%s, chunk %luK: %lu rounds, %lu writes, %lu drops, %lu protects, %lu shares, %lu collapses, %lu compactions, %lu dirty pages in %lu logs\n",
		mem_type->name, (1ul << eager_split_shift) / SZ_1K, nr_rounds, nr_writes,
		stats.drops, stats.protects, stats.shares, stats.collapses, stats.compactions,
		stats.dirty_pages, stats.logs);

	pthread_barrier_destroy(&barrier);
	kvm_vm_free(vm);
	free(page_log);
	free(dirty);
	free(bitmap);
}

/*
 * Sizes of chunks that can be chosen, as bits, and that of a mapping at @level of
 * the guest's page-tables, 0 if KVM doesn't support it.
 */
#ifdef __aarch64__
static u64 chunk_sizes(void)
{
	int kvm_fd = open_kvm_dev_path_or_exit();
	int vm_fd = __kvm_ioctl(kvm_fd, KVM_CREATE_VM, (void *)KVM_VM_TYPE_ARM_PROTECTED);

	/* Protected KVM knows the capability, but can't split. */
	close(kvm_fd);
	return vm_fd < 0 ? kvm_check_cap(KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES) : 0;
}

static u64 level_size(int level)
{
	u64 sizes = kvm_check_cap(KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES);

	for (; level < 3; level++)
		sizes &= sizes - 1;

	return sizes & -sizes;
}
#else
static u64 chunk_sizes(void)
{
	/* KVM splits whatever it finds. */
	return BIT_ULL(0);
}

static u64 level_size(int level)
{
	return level == 1 ? SZ_1G : SZ_2M;
}
#endif

/* Return whether there is such memory. */
static bool run_mem_type(const struct mem_type *type, u64 size, u64 chunks, double seconds)
{
	const char *error = "no such block size";
	int shift;

	mem_type = type;
	block_size = level_size(type->level);
	for (shift = 0; shift < 64; shift++) {
		if (!(chunks & BIT_ULL(shift)))
			continue;
		if (block_size) {
			mem_size = align_up(size, block_size);
			error = mem_size > MAX_TEST_SIZE ? "too big" : map_mem();
		}
		if (error) {
			pr_info("%s: skipped, %s\n", type->name, error);
			return false;
		}
		run_vm(shift, seconds);
		kvm_munmap(mem, mem_size);
	}
	return true;
}

static void help(char *name, u64 size)
{
	printf("usage: %s [-h] [-b memory] [-E chunk] [-r seed] [-t seconds] [-v vcpus]\n"
	       " -b: size of the memory, rounded up to huge pages (default: %luM)\n"
	       " -E: chunk size of eager page splitting, 0 for none (arm64 only, default: all\n"
	       "     sizes that are supported, one after the other)\n"
	       " -r: seed of all random decisions (default: the time)\n"
	       " -t: duration, if all types of memory are there (default: 10)\n"
	       " -v: number of vCPUs (default: %u)\n",
	       name, size / SZ_1M, guest.nr_vcpus);
	exit(0);
}

int main(int argc, char *argv[])
{
	u64 chunks = chunk_sizes(), size = SZ_64M;
	u32 seconds = 10;
	bool ran = false;
	int opt, i;

	__TEST_REQUIRE(chunks, "No eager page splitting");

	seed = time(NULL);
	while ((opt = getopt(argc, argv, "b:E:hr:t:v:")) != -1) {
		switch (opt) {
		case 'b':
			size = parse_size(optarg);
			break;
		case 'E':
			chunks = BIT_ULL(parse_eager_split_shift(optarg));
			break;
		case 'r':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 't':
			seconds = atoi_positive("Seconds", optarg);
			break;
		case 'v':
			guest.nr_vcpus = atoi_positive("Number of vCPUs", optarg);
			break;
		default:
			help(argv[0], size);
		}
	}

	pr_info("Seed %lu, %u vCPUs\n", seed, guest.nr_vcpus);
	main_random = seed - 2;
	/* A vCPU that gets nowhere would be waited for. */
	alarm(10 * seconds + 600);

	for (i = 0; i < ARRAY_SIZE(mem_types); i++)
		ran |= run_mem_type(&mem_types[i], size, chunks, (double)seconds /
				    ARRAY_SIZE(mem_types) / __builtin_popcountll(chunks));

	__TEST_REQUIRE(ran, "No huge pages");
	return 0;
}
