// SPDX-License-Identifier: GPL-2.0
/*
 * The VM, and what arch/arm64/kvm/mmu.c does with its page-tables, without the
 * locks.
 *
 * Names are short: ia, the input (intermediate physical) address of a guest's
 * page; pa, the output address.
 */
static struct {
	struct kvm_pgtable pgt;
	struct kvm_s2_mmu mmu;
	struct kvm_mmu_memory_cache mc;		/* of the fault path */
} vm;

#define IA		(8 * kvm_granule_size(2))
#define PA		BIT(35)
#define RWX		KVM_PGTABLE_PROT_RWX
#define RW		KVM_PGTABLE_PROT_RW
#define L2		kvm_granule_size(2)

static bool vm_force_pte;

static bool force_pte(u64 addr, u64 end, enum kvm_pgtable_prot prot)
{
	return vm_force_pte;
}

static void vm_init(u32 ia_bits)
{
	int ret;

	memset(&vm, 0, sizeof(vm));
	vm_force_pte = false;
	vm.mc.capacity = -1;
	vm.mmu.pgt = &vm.pgt;
	vm.mmu.vtcr = kvm_get_vtcr(ID_AA64MMFR0_EL1_PARANGE_52, 0, ia_bits);
	ret = __kvm_pgtable_stage2_init(&vm.pgt, &vm.mmu, &s2_mm_ops, 0, force_pte);
	if (ret)
		test_fail("stage2_init: %d", ret);
	hw_root(&vm.pgt);
}

static void start(unsigned long caps)
{
	hw_reset(caps);
	vm_init(40);
}

/* All tables: what was allocated is in use or in the cache. */
static void vm_check(void)
{
	u64 nr = check_tables(&vm.pgt, 0, BIT(vm.pgt.ia_bits));

	if (nr + vm.mmu.split_page_cache.nobjs != hw_nr_pages)
		test_fail("%lu tables allocated, %lu in use and %d cached", hw_nr_pages, nr,
			  vm.mmu.split_page_cache.nobjs);
}

/* The op, the TLB maintenance behind it, and what the tables look like then. */
#define check_op(op)							\
do {									\
	check(op);							\
	hw_quiesce();							\
	vm_check();							\
} while (0)

static int vm_map(u64 ia, u64 size, u64 pa, u64 prot, int flags)
{
	return kvm_pgtable_stage2_map(&vm.pgt, ia, size, pa, prot, &vm.mc, flags);
}

/*
 * Write-protect a range, or those of its pages that are set in a bitmap if there is
 * one. Returns 0 or an error, and checks the number of blocks where that is told.
 */
static int wrprotect_bitmap(u64 ia, u64 size, const unsigned long *bitmap, u64 bit)
{
	int ret;

#ifdef HAVE_WRPROTECT_BITMAP
	if (bitmap)
		ret = kvm_pgtable_stage2_wrprotect_bitmap(&vm.pgt, ia, size, bitmap, bit);
	else
#endif
		ret = kvm_pgtable_stage2_wrprotect(&vm.pgt, ia, size);

#ifdef WRPROTECT_COUNTS
	if (ret >= 0 && ret != count_blocks(&vm.pgt, ia & PAGE_MASK, ia + size, NULL))
		test_fail("write-protect counts %d blocks, not %d", ret,
			  count_blocks(&vm.pgt, ia & PAGE_MASK, ia + size, NULL));
	return min(ret, 0);
#else
	return ret;
#endif
}

static int wrprotect(u64 ia, u64 size)
{
	return wrprotect_bitmap(ia, size, NULL, 0);
}

static int vm_wrprotect_bitmap(u64 ia, u64 size, const unsigned long *bitmap, u64 bit)
{
	int ret = wrprotect_bitmap(ia, size, bitmap, bit);

	kvm_tlb_flush_vmid_range(&vm.mmu, ia, size);
	return ret;
}

static int vm_wrprotect(u64 ia, u64 size)
{
	return vm_wrprotect_bitmap(ia, size, NULL, 0);
}

/* The cache for splitting: @nr free objects, exactly. */
static void vm_fill_cache(int nr)
{
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;
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

#ifdef HAVE_SPLIT_BATCH
static const bool split_batches = true;
#else
static const bool split_batches;
#endif

/* The tree makes use of FEAT_BBM, and the CPU has it. */
static bool splits_in_place(void)
{
#ifdef HAVE_SPLIT_IN_PLACE
	return hw_caps & BIT(HW_BBML2);
#else
	return false;
#endif
}

/* The invalidation for a split of one block, and of several. */
static enum hw_tlbi split_tlbi_one(void)
{
	return splits_in_place() ? TLBI_VMID : TLBI_IPA;
}

static enum hw_tlbi split_tlbi_many(void)
{
	return hw_caps & BIT(HW_TLB_RANGE) && !splits_in_place() ? TLBI_RANGE : TLBI_VMID;
}

/* Returns 0 or an error, and checks the statistics where there are some. */
static int split(u64 ia, u64 size)
{
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;
#ifdef HAVE_SPLIT_STATS
	int level, nr[KVM_PGTABLE_LAST_LEVEL] = {};
	int nr_blocks = count_blocks(&vm.pgt, ia & PAGE_MASK, PAGE_ALIGN(ia + size), nr);
	struct kvm_pgtable_split_stats stats = {};
	int ret = kvm_pgtable_stage2_split(&vm.pgt, ia, size, mc, &stats);
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
	return kvm_pgtable_stage2_split(&vm.pgt, ia, size, mc);
#endif
}

static int vm_split(u64 ia, u64 size)
{
	u64 nr = nr_tlbi();
	int ret;

	if (split_batches)
		hw_split(ia & PAGE_MASK, PAGE_ALIGN(ia + size), splits_in_place());
	ret = split(ia, size);
	hw_split(0, 0, false);
	hw_unlock();

	/* One, or as many as it takes for more than one can cover */
	nr = nr_tlbi() - nr;
	if (split_batches && nr > 1 + (size >> PAGE_SHIFT) / MAX_TLBI_RANGE_PAGES)
		test_fail("%lu TLB invalidations in a split", nr);
	return ret;
}

/* kvm_mmu_split_huge_pages() */
static int vm_split_chunks(u64 ia, u64 end, u64 chunk)
{
	int capacity = split_nr_tables(chunk), ret;
	u64 next;

#ifdef SPLIT_STEPS_OVER_BLOCKS
	chunk = max(chunk, kvm_granule_size(2));
#endif
	do {
		if (vm.mmu.split_page_cache.nobjs < capacity)
			vm_fill_cache(capacity);
		next = range_end(ia, end, chunk);
		ret = vm_split(ia, next - ia);
		if (ret)
			break;
	} while (ia = next, ia != end);

	return ret;
}

#ifdef HAVE_COLLAPSE
static const bool collapses = true;

/* What the host maps by blocks: no larger ones, and of those that are, not all. */
static struct {
	u64 size, salt;
	u64 start, end;		/* of what it may be asked about */
} host;

static bool host_has_block(u64 ia, u64 size)
{
	return size <= host.size && (!host.salt || (ia / L2 * host.salt >> 20) % 4);
}

static bool map_block(struct kvm_pgtable *pgt, u64 ia, u64 size)
{
	if (pgt != &vm.pgt || ia % size || ia < host.start || ia + size > host.end ||
	    !(lookup(pgt, ia).pte & KVM_PTE_VALID))
		test_fail("asked for a block of %#lx at ia %#lx", size, ia);
	return host_has_block(ia, size);
}

/* What is held against a split holds here, too. @nr_blocks: by level */
static void vm_collapse(u64 ia, u64 size, const u32 *nr_blocks)
{
	u64 tlbi = nr_tlbi(), max = 1 + (size >> PAGE_SHIFT) / MAX_TLBI_RANGE_PAGES;
	struct kvm_pgtable_collapse_stats stats = {};
	bool any = false;
	s8 level;

	host.start = ia;
	host.end = ia + size;
	hw_split(0, 0, splits_in_place());
	hw_rcu(1);
	kvm_pgtable_stage2_collapse(&vm.pgt, ia, size, map_block, &stats);
	hw_rcu(-1);
	hw_split(0, 0, false);
	hw_unlock();

	for (level = 0; level < KVM_PGTABLE_LAST_LEVEL; level++) {
		any |= nr_blocks[level];
		if (stats.nr_blocks[level] != nr_blocks[level])
			test_fail("statistics have %u level %d blocks, not %u",
				  stats.nr_blocks[level], level, nr_blocks[level]);
	}
	tlbi = nr_tlbi() - tlbi;
	if (stats.nr_tlb_flushes != any || tlbi < any || tlbi > any * max)
		test_fail("%lu TLB invalidations, %u in the statistics", tlbi,
			  stats.nr_tlb_flushes);
}
#else
static const bool collapses;
static struct { u64 size, salt; } host;

static bool host_has_block(u64 ia, u64 size)
{
	return false;
}

static void vm_collapse(u64 ia, u64 size, const u32 *nr_blocks)
{
}
#endif

static void vm_destroy(void)
{
	hw_quiesce();
	hw_root(NULL);
	kvm_pgtable_stage2_destroy(&vm.pgt);
	vm_fill_cache(0);
	free(vm.mmu.split_page_cache.objects);
	if (hw_nr_pages)
		test_fail("%lu tables leaked", hw_nr_pages);
}
