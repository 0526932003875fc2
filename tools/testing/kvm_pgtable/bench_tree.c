// SPDX-License-Identifier: GPL-2.0
/*
 * One tree's pgtable.c, compiled as the kernel does it: real accesses, real
 * atomic references, and a memory cache that is zeroed when it is topped up.
 * TLB invalidations and cache maintenance cost nothing here. Built once for
 * each tree, see the Makefile.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include <linux/kvm_host.h>
#include <asm/kvm_pgtable.h>

#include "bench.h"
#include "hyp/pgtable.c"

#define NR_PAGES	(SZ_128M / PAGE_SIZE)
#define PA_BASE		BIT(40)
#define GUEST_PA	BIT(41)
#define RWX		KVM_PGTABLE_PROT_RWX
/* What one word of a dirty bitmap is for */
#define WORD		(64 * PAGE_SIZE)

unsigned long hw_caps = BIT(HW_TLB_RANGE);

static char *arena;
static struct page { int count; u32 next; u64 pad[7]; } pages[NR_PAGES];
static u32 nr_used, free_list;

static struct kvm_pgtable pgt, hyp_pgt;
static struct kvm_s2_mmu mmu;
static struct kvm_mmu_memory_cache fault_cache;
static u64 slot_size;

void __kvm_tlb_flush_vmid(struct kvm_s2_mmu *m) { }
void __kvm_tlb_flush_vmid_ipa(struct kvm_s2_mmu *m, phys_addr_t ipa, int level) { }
void __kvm_tlb_flush_vmid_ipa_nsh(struct kvm_s2_mmu *m, phys_addr_t ipa, int level) { }
void __kvm_tlb_flush_vmid_range(struct kvm_s2_mmu *m, phys_addr_t ipa, unsigned long nr) { }

static struct page *page_of(void *va)
{
	return &pages[((char *)va - arena) >> PAGE_SHIFT];
}

static void *alloc_pages(u32 nr, bool zero)
{
	u32 idx = free_list, i;

	if (nr == 1 && idx) {
		free_list = pages[idx].next;
	} else {
		idx = nr_used + 1;
		nr_used += nr;
		if (nr_used >= NR_PAGES)
			abort();
	}
	for (i = 0; i < nr; i++)
		pages[idx + i].count = 1;
	return zero ? memset(arena + idx * PAGE_SIZE, 0, nr * PAGE_SIZE) :
		      arena + idx * PAGE_SIZE;
}

static void free_page(void *va)
{
	struct page *p = page_of(va);

	p->next = free_list;
	free_list = p - pages;
}

static void topup(struct kvm_mmu_memory_cache *mc, int nr, bool zero)
{
	if (mc->capacity < nr) {
		mc->objects = realloc(mc->objects, nr * sizeof(void *));
		mc->capacity = nr;
	}
	while (mc->nobjs < nr)
		mc->objects[mc->nobjs++] = alloc_pages(1, zero);
}

static void *mm_zalloc_page(void *arg)
{
	struct kvm_mmu_memory_cache *mc = arg;

	return mc ? mc->objects[--mc->nobjs] : alloc_pages(1, true);
}

static void *mm_zalloc_exact(size_t size)
{
	return alloc_pages(size >> PAGE_SHIFT, true);
}

static void mm_free_exact(void *va, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += PAGE_SIZE)
		free_page(va + i);
}

static void mm_free_unlinked(void *va, s8 level);

static void mm_get_page(void *va)
{
	__atomic_add_fetch(&page_of(va)->count, 1, __ATOMIC_RELAXED);
}

#ifdef HAVE_GET_PAGE_NR
static void mm_get_page_nr(void *va, int nr)
{
	__atomic_add_fetch(&page_of(va)->count, nr, __ATOMIC_RELAXED);
}
#endif

static void mm_put_page(void *va)
{
	if (!__atomic_sub_fetch(&page_of(va)->count, 1, __ATOMIC_ACQ_REL))
		free_page(va);
}

#ifdef HAVE_PUT_PAGE_NR
static void mm_put_page_nr(void *va, int nr)
{
	__atomic_sub_fetch(&page_of(va)->count, nr, __ATOMIC_RELAXED);
}
#endif

static int mm_page_count(void *va)
{
	return __atomic_load_n(&page_of(va)->count, __ATOMIC_RELAXED);
}

static void *mm_va(phys_addr_t pa)
{
	return (void *)((u64)arena + pa - PA_BASE);
}

static phys_addr_t mm_pa(void *va)
{
	return (u64)va - (u64)arena + PA_BASE;
}

static void mm_cmo(void *va, size_t size)
{
}

static struct kvm_pgtable_mm_ops mm_ops = {
	.zalloc_page		= mm_zalloc_page,
	.zalloc_pages_exact	= mm_zalloc_exact,
	.free_pages_exact	= mm_free_exact,
	.free_unlinked_table	= mm_free_unlinked,
	.get_page		= mm_get_page,
#ifdef HAVE_GET_PAGE_NR
	.get_page_nr		= mm_get_page_nr,
#endif
	.put_page		= mm_put_page,
#ifdef HAVE_PUT_PAGE_NR
	.put_page_nr		= mm_put_page_nr,
#endif
	.page_count		= mm_page_count,
	.phys_to_virt		= mm_va,
	.virt_to_phys		= mm_pa,
	.dcache_clean_inval_poc	= mm_cmo,
	.icache_inval_pou	= mm_cmo,
};

static void mm_free_unlinked(void *va, s8 level)
{
	kvm_pgtable_stage2_free_unlinked(&mm_ops, va, level);
}

static void map(u64 ia, u64 size)
{
	topup(&fault_cache, 4, true);
	if (kvm_pgtable_stage2_map(&pgt, ia, size, GUEST_PA + ia, RWX, &fault_cache,
				   KVM_PGTABLE_WALK_SHARED))
		abort();
}

static void setup(unsigned long gib, int level)
{
	u64 ia;

	if (!arena) {
		arena = mmap(NULL, (NR_PAGES + 1) * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (arena == MAP_FAILED)
			abort();
	}
	slot_size = gib * SZ_1G;
	mmu.pgt = &pgt;
	mmu.vtcr = kvm_get_vtcr(ID_AA64MMFR0_EL1_PARANGE_48, 0, 40);
	if (__kvm_pgtable_stage2_init(&pgt, &mmu, &mm_ops, 0, NULL) ||
	    kvm_pgtable_hyp_init(&hyp_pgt, 40, &mm_ops))
		abort();
	for (ia = 0; level <= 3 && ia < slot_size; ia += kvm_granule_size(level))
		map(ia, kvm_granule_size(level));
}

static void empty_cache(struct kvm_mmu_memory_cache *mc)
{
	while (mc->nobjs)
		free_page(mc->objects[--mc->nobjs]);
}

static void teardown(void)
{
	if (pgt.pgd)
		kvm_pgtable_stage2_destroy(&pgt);
	kvm_pgtable_hyp_destroy(&hyp_pgt);
	empty_cache(&fault_cache);
	empty_cache(&mmu.split_page_cache);
	nr_used = 0;
	free_list = 0;
}

/* -- the paths of the two ioctls, as in arch/arm64/kvm/mmu.c --------------- */

static u64 range_end(u64 addr, u64 end, u64 size)
{
	u64 boundary = ALIGN_DOWN(addr + size, size);

	return boundary - 1 < end - 1 ? boundary : end;
}

#ifdef SPLIT_CACHE_ZEROED
static const bool split_cache_zeroed = true;
#else
static const bool split_cache_zeroed;
#endif

/* Whether there is anything to split */
static bool wrprotect(u64 ia, u64 end)
{
	int ret, nr_blocks = 0;
	u64 next;

	do {
		next = range_end(ia, end, kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL));
		ret = kvm_pgtable_stage2_wrprotect(&pgt, ia, next - ia);
		if (ret < 0)
			abort();
		nr_blocks += ret;
	} while (ia = next, ia != end);

#ifdef WRPROTECT_COUNTS
	return nr_blocks;
#else
	return true;
#endif
}

static struct bench_holds holds;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void note_hold(double start)
{
	if (start && holds.nr < holds.max)
		holds.us[holds.nr++] = now_us() - start;
}

static int split_chunk(u64 ia, u64 size)
{
#ifdef HAVE_SPLIT_STATS
	struct kvm_pgtable_split_stats stats = {};

	return kvm_pgtable_stage2_split(&pgt, ia, size, &mmu.split_page_cache, &stats);
#else
	return kvm_pgtable_stage2_split(&pgt, ia, size, &mmu.split_page_cache);
#endif
}

static void split(u64 ia, u64 end, u64 chunk)
{
	int capacity = DIV_ROUND_UP(chunk, SZ_1G) + DIV_ROUND_UP(chunk, SZ_2M);
	double start = 0;
	u64 next;

#ifdef SPLIT_STEPS_OVER_BLOCKS
	chunk = max_t(u64, chunk, SZ_2M);
#endif
	do {
		if (mmu.split_page_cache.nobjs < capacity) {
			note_hold(start);
			topup(&mmu.split_page_cache, capacity, split_cache_zeroed);
			start = holds.max ? now_us() : 0;
		}
		next = range_end(ia, end, chunk);
		if (split_chunk(ia, next - ia))
			abort();
	} while (ia = next, ia != end);
	note_hold(start);
}

static void op_enable(unsigned long chunk)
{
	bool blocks = wrprotect(0, slot_size);

	kvm_tlb_flush_vmid_range(&mmu, 0, slot_size);
	if (blocks)
		split(0, slot_size, chunk);
}

static void op_clear(unsigned long chunk)
{
	u64 ia;

#ifdef HAVE_WRPROTECT_BITMAP
	unsigned long bitmap[PTRS_PER_PTE / 64];

	memset(bitmap, 0xff, sizeof(bitmap));
	for (ia = 0; ia < slot_size; ia += SZ_2M) {
		if (kvm_pgtable_stage2_wrprotect_bitmap(&pgt, ia, SZ_2M, bitmap, 0))
			split(ia, ia + SZ_2M, chunk);
	}
#else
	for (ia = 0; ia < slot_size; ia += WORD) {
		if (wrprotect(ia, ia + WORD))
			split(ia, ia + WORD, chunk);
	}
#endif
	kvm_tlb_flush_vmid_range(&mmu, 0, slot_size);
}

/* -- the others ------------------------------------------------------------ */

static void op_map(unsigned long size)
{
	u64 ia;

	for (ia = 0; ia < slot_size; ia += size)
		map(ia, size);
}

static void op_map_range(unsigned long pages)
{
	fault_cache.nobjs = 0;
	topup(&fault_cache, 1 + slot_size / SZ_2M, true);
	/* not aligned to each other, hence by pages */
	if (kvm_pgtable_stage2_map(&pgt, 0, slot_size, GUEST_PA + PAGE_SIZE, RWX, &fault_cache, 0))
		abort();
}

static void op_unmap(unsigned long unused)
{
	kvm_pgtable_stage2_unmap(&pgt, 0, slot_size);
}

static void op_wrprotect(unsigned long size)
{
	u64 ia;

	for (ia = 0; ia < slot_size; ia += size)
		kvm_pgtable_stage2_wrprotect(&pgt, ia, size);
}

static void op_relax(unsigned long unused)
{
	u64 ia;

	for (ia = 0; ia < slot_size; ia += PAGE_SIZE)
		kvm_pgtable_stage2_relax_perms(&pgt, ia, RWX, KVM_PGTABLE_WALK_SHARED);
}

static void op_mkyoung(unsigned long unused)
{
	u64 ia;

	for (ia = 0; ia < slot_size; ia += PAGE_SIZE)
		kvm_pgtable_stage2_mkyoung(&pgt, ia, KVM_PGTABLE_WALK_SHARED);
}

static void op_age(unsigned long size)
{
	u64 ia;

	for (ia = 0; ia < slot_size; ia += size)
		kvm_pgtable_stage2_test_clear_young(&pgt, ia, size, true);
}

static void op_flush(unsigned long unused)
{
	kvm_pgtable_stage2_flush(&pgt, 0, slot_size);
}

static void op_get_leaf(unsigned long unused)
{
	u64 ia, pte;
	s8 level;

	for (ia = 0; ia < slot_size; ia += PAGE_SIZE)
		kvm_pgtable_get_leaf(&pgt, ia, &pte, &level);
}

static void op_free(unsigned long unused)
{
	kvm_pgtable_stage2_destroy(&pgt);
}

static void op_hyp(unsigned long unused)
{
	kvm_pgtable_hyp_map(&hyp_pgt, 0, SZ_64M, GUEST_PA + PAGE_SIZE, PAGE_HYP);
	kvm_pgtable_hyp_unmap(&hyp_pgt, 0, SZ_64M);
}

static void op_map_page(unsigned long unused)
{
	op_map(PAGE_SIZE);
}

static void op_map_block(unsigned long unused)
{
	op_map(SZ_2M);
}

static void op_wrprotect_all(unsigned long unused)
{
	op_wrprotect(slot_size);
}

static void op_wrprotect_word(unsigned long unused)
{
	op_wrprotect(WORD);
}

static void op_age_all(unsigned long unused)
{
	op_age(slot_size);
}

static void op_age_page(unsigned long unused)
{
	op_age(PAGE_SIZE);
}

static struct bench_op ops[] = {
	{ "enable 4K", op_enable, 3, true },
	{ "enable 2M", op_enable, 2, true },
	{ "enable 1G", op_enable, 1, true },
	{ "clear 4K", op_clear, 3, true },
	{ "clear 2M", op_clear, 2, true },
	{ "clear 1G", op_clear, 1, true },
	{ "map, faults", op_map_page, 4, .size = PAGE_SIZE },
	{ "map, faults", op_map_block, 4, .size = SZ_2M },
	{ "map, by pages", op_map_range, 4 },
	{ "map, blocks over tables", op_map_block, 3, .size = SZ_2M },
	{ "unmap, pages", op_unmap, 3 },
	{ "unmap, blocks", op_unmap, 2 },
	{ "write-protect, pages", op_wrprotect_all, 3 },
	{ "write-protect, pages", op_wrprotect_word, 3, .size = WORD },
	{ "write-protect, blocks", op_wrprotect_all, 2 },
	{ "relax", op_relax, 3, .size = PAGE_SIZE },
	{ "mkyoung", op_mkyoung, 3, .size = PAGE_SIZE },
	{ "age", op_age_all, 3 },
	{ "age", op_age_page, 3, .size = PAGE_SIZE },
	{ "flush", op_flush, 3 },
	{ "get_leaf", op_get_leaf, 3, .size = PAGE_SIZE },
	{ "free, pages", op_free, 3 },
	{ "free, blocks", op_free, 2 },
	{ "hyp map and unmap 64M", op_hyp, 4 },
	{ }
};

const struct bench_tree BENCH_TREE = {
	.setup		= setup,
	.teardown	= teardown,
	.ops		= ops,
	.holds		= &holds,
};
