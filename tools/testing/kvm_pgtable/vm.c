// SPDX-License-Identifier: GPL-2.0
/*
 * A stage-2 and the callers of its page-table code: what arch/arm64/kvm/mmu.c
 * does around each call, without its locks. And a reader of the tables that
 * shares nothing with the walker.
 *
 * Names are short: ia, the input (intermediate physical) address of a guest's
 * page; pa, the output address.
 */
struct vm {
	struct kvm_pgtable pgt;
	struct kvm_s2_mmu mmu;
	struct kvm_mmu_memory_cache mc;		/* of the fault path */
};

struct leaf {
	u64 pte;
	u64 *ptep;
	u64 ia;		/* of its first byte */
	s8 level;
};

static bool vm_force_pte;

static bool force_pte(u64 addr, u64 end, enum kvm_pgtable_prot prot)
{
	return vm_force_pte;
}

static void vm_init(struct vm *vm, u32 ia_bits)
{
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm_force_pte = false;
	vm->mc.capacity = -1;
	vm->mmu.pgt = &vm->pgt;
	vm->mmu.vtcr = kvm_get_vtcr(ID_AA64MMFR0_EL1_PARANGE_52, 0, ia_bits);
	ret = __kvm_pgtable_stage2_init(&vm->pgt, &vm->mmu, &s2_mm_ops, 0, force_pte);
	if (ret)
		test_fail("stage2_init: %d", ret);
	hw_root(&vm->pgt);
}

/* The cache as kvm_mmu_memory_cache: @nr free objects, exactly. */
static void vm_fill_cache(struct vm *vm, int nr)
{
	struct kvm_mmu_memory_cache *mc = &vm->mmu.split_page_cache;
	u64 fail = hw_fail_alloc;

	hw_fail_alloc = 0;
	if (nr > mc->capacity) {
		mc->objects = realloc(mc->objects, nr * sizeof(*mc->objects));
		mc->capacity = nr;
	}
	while (mc->nobjs < nr) {
		mc->objects[mc->nobjs] = hw_alloc(PAGE_SIZE);
#ifndef SPLIT_CACHE_ZEROED
		memset(mc->objects[mc->nobjs], 0xa5, PAGE_SIZE);
		hw_stats.zeroed--;
#endif
		mc->nobjs++;
	}
	while (mc->nobjs > nr)
		hw_free(mc->objects[--mc->nobjs]);
	hw_fail_alloc = fail;
}

static void vm_destroy(struct vm *vm)
{
	hw_quiesce();
	hw_root(NULL);
	kvm_pgtable_stage2_destroy(&vm->pgt);
	vm_fill_cache(vm, 0);
	free(vm->mmu.split_page_cache.objects);
	if (hw_nr_pages)
		test_fail("%llu tables leaked", (unsigned long long)hw_nr_pages);
}

static int vm_map(struct vm *vm, u64 ia, u64 size, u64 pa, u64 prot, int flags)
{
	return kvm_pgtable_stage2_map(&vm->pgt, ia, size, pa, prot, &vm->mc, flags);
}

static struct leaf lookup(struct kvm_pgtable *pgt, u64 ia);

/* Blocks in a range, by level if that is asked for. Returns their number. */
static int count_blocks(struct kvm_pgtable *pgt, u64 ia, u64 end, int *by_level)
{
	int nr = 0;

	while (ia < end) {
		struct leaf leaf = lookup(pgt, ia);

		if (leaf.level < KVM_PGTABLE_LAST_LEVEL && (leaf.pte & KVM_PTE_VALID)) {
			nr++;
			if (by_level)
				by_level[leaf.level]++;
		}
		ia = leaf.ia + kvm_granule_size(leaf.level);
	}
	return nr;
}

/* Returns 0 or an error, and checks the number of blocks where that is told. */
static int wrprotect(struct vm *vm, u64 ia, u64 size)
{
	int ret = kvm_pgtable_stage2_wrprotect(&vm->pgt, ia, size);

#ifdef WRPROTECT_COUNTS
	if (ret >= 0 && ret != count_blocks(&vm->pgt, ia & PAGE_MASK, ia + size, NULL))
		test_fail("write-protect counts %d blocks, not %d", ret,
			  count_blocks(&vm->pgt, ia & PAGE_MASK, ia + size, NULL));
	return min(ret, 0);
#else
	return ret;
#endif
}

static int vm_wrprotect(struct vm *vm, u64 ia, u64 size)
{
	int ret = wrprotect(vm, ia, size);

	kvm_tlb_flush_vmid_range(&vm->mmu, ia, size);
	return ret;
}

static u64 range_end(u64 addr, u64 end, u64 size)
{
	u64 boundary = ALIGN_DOWN(addr + size, size);

	return boundary - 1 < end - 1 ? boundary : end;
}

/* kvm_mmu_split_nr_page_tables() */
static int split_nr_tables(u64 range)
{
	int n = 0;

	if (KVM_PGTABLE_MIN_BLOCK_LEVEL < 2)
		n += DIV_ROUND_UP(range, kvm_granule_size(1));
	return n + DIV_ROUND_UP(range, kvm_granule_size(2));
}

static u64 nr_tlbi(void)
{
	u64 nr = 0;
	int i;

	for (i = 0; i < NR_TLBI; i++)
		nr += hw_stats.tlbi[i];
	return nr;
}

#ifdef HAVE_SPLIT_BATCH
static const bool split_batches = true;
#else
static const bool split_batches;
#endif

/* Returns 0 or an error, and checks the statistics where there are some. */
static int split(struct vm *vm, u64 ia, u64 size)
{
	struct kvm_mmu_memory_cache *mc = &vm->mmu.split_page_cache;
#ifdef HAVE_SPLIT_STATS
	int level, nr[KVM_PGTABLE_LAST_LEVEL] = {};
	int nr_blocks = count_blocks(&vm->pgt, ia & PAGE_MASK, PAGE_ALIGN(ia + size), nr);
	struct kvm_pgtable_split_stats stats = {};
	int ret = kvm_pgtable_stage2_split(&vm->pgt, ia, size, mc, &stats);
	u32 sum = 0;

	for (level = 0; level < KVM_PGTABLE_LAST_LEVEL; level++) {
		sum += stats.nr_blocks[level];
		if (!ret && stats.nr_blocks[level] != nr[level])
			test_fail("statistics have %u level %d blocks, not %d",
				  stats.nr_blocks[level], level, nr[level]);
	}
	if (sum > nr_blocks || stats.nr_tlb_flushes != !!sum)
		test_fail("statistics have %u of %d blocks, and %u flushes", sum, nr_blocks,
			  stats.nr_tlb_flushes);
	return ret;
#else
	return kvm_pgtable_stage2_split(&vm->pgt, ia, size, mc);
#endif
}

static int vm_split(struct vm *vm, u64 ia, u64 size)
{
	u64 nr = nr_tlbi();
	int ret;

	if (split_batches)
		hw_split(ia & PAGE_MASK, PAGE_ALIGN(ia + size));
	ret = split(vm, ia, size);
	hw_split(0, 0);

	/* One, or as many as it takes for more than one can cover */
	nr = nr_tlbi() - nr;
	if (split_batches && nr > 1 + (size >> PAGE_SHIFT) / MAX_TLBI_RANGE_PAGES)
		test_fail("%llu TLB invalidations in a split", (unsigned long long)nr);
	return ret;
}

/* kvm_mmu_split_huge_pages() */
static int vm_split_chunks(struct vm *vm, u64 ia, u64 end, u64 chunk)
{
	int capacity = split_nr_tables(chunk), ret;
	u64 next;

#ifdef SPLIT_STEPS_OVER_BLOCKS
	chunk = max(chunk, kvm_granule_size(2));
#endif
	do {
		if (vm->mmu.split_page_cache.nobjs < capacity)
			vm_fill_cache(vm, capacity);
		next = range_end(ia, end, chunk);
		ret = vm_split(vm, ia, next - ia);
		if (ret)
			break;
	} while (ia = next, ia != end);

	return ret;
}

static struct leaf lookup(struct kvm_pgtable *pgt, u64 ia)
{
	u64 *table = pgt->pgd;
	s8 level = pgt->start_level;
	u64 idx = ia >> kvm_granule_shift(level), pte;

	/* Concatenated roots are contiguous: one large table. */
	for (;; level++) {
		pte = table[idx];
		if (!is_table(pte, level))
			break;
		table = child_of(pte);
		idx = (ia >> kvm_granule_shift(level + 1)) % PTRS_PER_PTE;
	}
	return (struct leaf) { pte, &table[idx], ALIGN_DOWN(ia, kvm_granule_size(level)), level };
}

/*
 * Each table below @table that the range touches has one reference for itself
 * and one for each entry in use. Returns their number.
 */
static u64 check_tables(u64 *table, s8 level, u64 ia, u64 start, u64 end)
{
	struct page *p = hw_page(table);
	u64 size = kvm_granule_size(level), nr = 1, i;
	int used = 0;

	for (i = 0; i < PTRS_PER_PTE; i++, ia += size) {
		used += !!table[i];
		if (is_locked(table[i]))
			test_fail("entry at ia %#llx left locked", (unsigned long long)ia);
		if (is_table(table[i], level) &&
		    table[i] != (kvm_phys_to_pte(kvm_pte_to_phys(table[i])) | 3))
			test_fail("table entry at ia %#llx is %#llx", (unsigned long long)ia,
				  (unsigned long long)table[i]);
		if (is_table(table[i], level) && ia < end && start < ia + size)
			nr += check_tables(child_of(table[i]), level + 1, ia, start, end);
	}
	if (!p || p->count != 1 + used)
		test_fail("level %d table at ia %#llx: %d references, %d entries", level,
			  (unsigned long long)ia - size * PTRS_PER_PTE,
			  p ? p->count : 0, used);
	return nr;
}

static u64 vm_check_tables(struct vm *vm, u64 start, u64 end)
{
	struct kvm_pgtable *pgt = &vm->pgt;
	u64 size = kvm_granule_size(pgt->start_level) * PTRS_PER_PTE;
	u64 i, nr = 0, roots = DIV_ROUND_UP(BIT(pgt->ia_bits), size);

	for (i = 0; i < roots; i++) {
		if (i * size < end && start < (i + 1) * size)
			nr += check_tables(pgt->pgd + i * PTRS_PER_PTE, pgt->start_level,
					   i * size, start, end);
		else
			nr++;
	}
	return nr;
}

/* All of it: what was allocated is in the tables or in the cache. */
static void vm_check(struct vm *vm)
{
	u64 nr = vm_check_tables(vm, 0, BIT(vm->pgt.ia_bits));

	if (nr + vm->mmu.split_page_cache.nobjs != hw_nr_pages)
		test_fail("%llu tables allocated, %llu in use and %d cached",
			  (unsigned long long)hw_nr_pages, (unsigned long long)nr,
			  vm->mmu.split_page_cache.nobjs);
}
