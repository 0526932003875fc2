// SPDX-License-Identifier: GPL-2.0
/* Memory for tables. Each is followed by a page that belongs to nobody. */
#ifndef __has_feature
#define __has_feature(x)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#endif

#include <sys/mman.h>

#define NR_SINGLE	(SZ_64M / PAGE_SIZE)
#define NR_PAGES	(2 * NR_SINGLE + 256)
#define HW_PA_BASE	BIT(40)

static struct page {
	s32 count;
	u32 nr_stale;		/* table entries to it that a TLB may hold */
	u64 last_store;
	u64 ia;			/* of entry 0, when live */
	s8 level;
	bool live;		/* a hardware walker can get here */
} pages[NR_PAGES];

static u64 hw_nr_pages;		/* allocated and not freed */
static u64 hw_fail_alloc;	/* fail the n-th allocation from now, 0: none */
static u64 seq, barrier_seq;	/* stores, and those that a barrier has made visible */

static char *arena;
static u32 free_single[NR_SINGLE], nr_free_single, next_multi;

static struct page *hw_page(const void *va)
{
	u64 idx = ((char *)va - arena) / PAGE_SIZE;

	if ((char *)va < arena || idx >= NR_PAGES || !pages[idx].count)
		return NULL;
	return &pages[idx];
}

static u64 hw_pa(void *va)
{
	return HW_PA_BASE + ((char *)va - arena);
}

/* Guest memory is never touched, any address will do. */
static void *hw_va(u64 pa)
{
	return (void *)((u64)arena + pa - HW_PA_BASE);
}

/* The first word behind a table, for plain stores that go too far. */
static u64 __attribute__((no_sanitize("address"))) swap_guard(void *end, u64 val)
{
	u64 old = *(u64 *)end;

	*(u64 *)end = val;
	return old;
}

static void *hw_alloc(size_t size)
{
	u32 nr = DIV_ROUND_UP(size, PAGE_SIZE), idx, i;

	if (hw_fail_alloc && !--hw_fail_alloc)
		return NULL;

	if (nr == 1) {
		if (!nr_free_single)
			test_fail("out of memory for tables");
		idx = free_single[--nr_free_single];
	} else {
		idx = next_multi;
		next_multi += nr + 1;
		if (next_multi > NR_PAGES)
			test_fail("out of memory for roots");
	}

	for (i = 0; i < nr; i++)
		pages[idx + i] = (struct page) { .count = 1, .last_store = ++seq };
	hw_nr_pages += nr;
	hw_stats.zeroed += nr;
	swap_guard(arena + (idx + nr) * PAGE_SIZE, 0);
	ASAN_UNPOISON_MEMORY_REGION(arena + idx * PAGE_SIZE, nr * PAGE_SIZE);
	return memset(arena + idx * PAGE_SIZE, 0, nr * PAGE_SIZE);
}

static void hw_free(void *va)
{
	struct page *p = hw_page(va);
	u32 idx = p - pages;

	if (idx < 2 * NR_SINGLE && swap_guard(va + PAGE_SIZE, 0))
		violation(HW_WILD, p->ia, 1);
	if (p->live || p->nr_stale) {
		log_event(EV_FREE, p->ia, kvm_granule_size(p->level), p->level, 0, 0);
		violation(HW_EARLY_FREE, p->ia, kvm_granule_size(p->level));
	}
	p->count = 0;
	hw_nr_pages--;
	ASAN_POISON_MEMORY_REGION(arena + idx * PAGE_SIZE, PAGE_SIZE);
	if (idx < 2 * NR_SINGLE)
		free_single[nr_free_single++] = idx;
}

static void mem_reset(void)
{
	u32 i;

	if (!arena) {
		arena = mmap(NULL, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (arena == MAP_FAILED)
			abort();
	}
	/* Only what the last test left over has to be cleaned up. */
	if (hw_nr_pages || !nr_free_single || next_multi > 2 * NR_SINGLE) {
		memset(pages, 0, sizeof(pages));
		for (i = 0; i < NR_SINGLE; i++)
			free_single[i] = 2 * (NR_SINGLE - 1 - i);
		nr_free_single = NR_SINGLE;
		next_multi = 2 * NR_SINGLE;
		ASAN_POISON_MEMORY_REGION(arena, NR_PAGES * PAGE_SIZE);
	}
	hw_nr_pages = 0;
	hw_fail_alloc = 0;
	seq = 0;
	barrier_seq = 0;
}
