// SPDX-License-Identifier: GPL-2.0
/*
 * Each user of the walker on tables small enough to say exactly what it must
 * do: return values, entries, invalidations, cache maintenance, allocations.
 */
static struct vm vm;

#define IA		(8 * kvm_granule_size(2))
#define PA		BIT(35)
#define RWX		KVM_PGTABLE_PROT_RWX
#define RW		KVM_PGTABLE_PROT_RW
#define L2		kvm_granule_size(2)

#define check(cond)							\
do {									\
	if (!(cond))							\
		test_fail("%s:%d: " #cond, __func__, __LINE__);		\
} while (0)

/* The op, the TLB maintenance behind it, and what the tables look like then. */
#define check_op(op)							\
do {									\
	check(op);							\
	hw_quiesce();							\
	vm_check(&vm);							\
} while (0)

static void start(unsigned long caps)
{
	hw_reset(caps);
	vm_init(&vm, 40);
}

static void test_map(void)
{
	struct leaf l;
	u64 attr, nr;
	int i;

	start(0);
	model_attr(RWX, &attr);
	check_op(!vm_map(&vm, IA, PAGE_SIZE, PA, RWX, 0));
	l = lookup(&vm.pgt, IA);
	check(l.level == 3 && l.pte == leaf_pte(PA, attr, 3));
	check(!lookup(&vm.pgt, IA + PAGE_SIZE).pte && !lookup(&vm.pgt, IA - 1).pte);
	check(hw_stats.cmos == 1);

	/* The same again, and with other permissions: not map's business */
	check_op(vm_map(&vm, IA, PAGE_SIZE, PA, RWX, 0) == -EAGAIN);
	check_op(vm_map(&vm, IA, PAGE_SIZE, PA, RW, 0) == -EAGAIN);
	check(lookup(&vm.pgt, IA).pte == l.pte);

	/* Software bits alone need no break */
	nr = nr_tlbi();
	check_op(!vm_map(&vm, IA, PAGE_SIZE, PA, RWX | KVM_PGTABLE_PROT_SW1, 0));
	check(lookup(&vm.pgt, IA).pte == (l.pte | BIT(56)) && nr_tlbi() == nr);

	/* A table becomes a block */
	nr = hw_nr_pages;
	check_op(!vm_map(&vm, IA, L2, PA, RWX, 0));
	l = lookup(&vm.pgt, IA + L2 - 1);
	check(l.level == 2 && l.pte == leaf_pte(PA, attr, 2));
	check(hw_nr_pages == nr - 1);

	/* A page in a block: the rest of the block is left to the next faults */
	check_op(!vm_map(&vm, IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, 0));
	check(lookup(&vm.pgt, IA + PAGE_SIZE).level == 3 && !lookup(&vm.pgt, IA).pte);

	/* Blocks need alignment of both addresses */
	check_op(!vm_map(&vm, IA + 2 * L2, L2, PA + PAGE_SIZE, RWX, 0));
	check(lookup(&vm.pgt, IA + 2 * L2).level == 3);
	vm_force_pte = true;
	check_op(!vm_map(&vm, IA + 4 * L2, L2, PA, RWX, 0));
	check(lookup(&vm.pgt, IA + 4 * L2).level == 3);
	vm_force_pte = false;

	/* What is refused */
	check(vm_map(&vm, IA, PAGE_SIZE, PA, RWX | KVM_PGTABLE_PROT_DEVICE, 0) == -EINVAL);
	check(vm_map(&vm, IA, PAGE_SIZE, PA, RW | KVM_PGTABLE_PROT_DEVICE |
		     KVM_PGTABLE_PROT_NORMAL_NC, 0) == -EINVAL);
	check(vm_map(&vm, IA, PAGE_SIZE, PA, RW | KVM_PGTABLE_PROT_PX, 0) == -EINVAL);
	check(vm_map(&vm, BIT(40), PAGE_SIZE, PA, RW, 0) == -ERANGE);
	check(kvm_pgtable_stage2_map(&vm.pgt, IA + 6 * L2, PAGE_SIZE, PA, RW, NULL, 0) == -ENOMEM);

	/* Memory types */
	for (i = 0; i < 4; i++) {
		u64 prot = RW | (i & 1 ? KVM_PGTABLE_PROT_DEVICE : KVM_PGTABLE_PROT_NORMAL_NC);

		hw_caps = i & 2 ? BIT(ARM64_HAS_STAGE2_FWB) : 0;
		check(!vm_map(&vm, IA + 10 * L2 + i * PAGE_SIZE, PAGE_SIZE, PA, prot, 0));
		model_attr(prot, &attr);
		check(lookup(&vm.pgt, IA + 10 * L2 + i * PAGE_SIZE).pte == leaf_pte(PA, attr, 3));
	}
	vm_destroy(&vm);
}

static u64 race_pte;

static void lose_race(u64 *ptep)
{
	hw_race = NULL;
	race_pte = *ptep;
	*ptep = (u64)KVM_INVALID_PTE_TYPE_LOCKED << 60;
}

/* Walks that share the tables give way to whoever was first. */
static void test_map_race(void)
{
	u64 *ptep;

	start(0);
	check_op(!vm_map(&vm, IA, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED));
	check(hw_stats.cmpxchgs);
	ptep = lookup(&vm.pgt, IA + PAGE_SIZE).ptep;

	/* The entry changes under the walk, then is found locked */
	hw_race = lose_race;
	check(vm_map(&vm, IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED) == -EAGAIN);
	check(*ptep >> 60 == KVM_INVALID_PTE_TYPE_LOCKED && !race_pte);
	check(vm_map(&vm, IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED) == -EAGAIN);
	*ptep = 0;
	check_op(!vm_map(&vm, IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED));

	/* The same for a table: the one that was allocated is freed */
	check_op(!vm_map(&vm, IA + L2, L2, PA + L2, RWX, KVM_PGTABLE_WALK_SHARED));
	ptep = lookup(&vm.pgt, IA + L2).ptep;
	hw_race = lose_race;
	check(vm_map(&vm, IA + L2, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED) == -EAGAIN);
	*ptep = race_pte;
	hw_quiesce();
	vm_check(&vm);

	/* Permissions */
	hw_race = lose_race;
	ptep = lookup(&vm.pgt, IA + L2).ptep;
	check(!vm_wrprotect(&vm, IA + L2, L2));
	check(kvm_pgtable_stage2_relax_perms(&vm.pgt, IA + L2, RW, KVM_PGTABLE_WALK_SHARED) ==
	      -EAGAIN);
	*ptep = race_pte;
	vm_destroy(&vm);
}

static void test_unmap(void)
{
	unsigned long caps;
	int i;

	for (i = 0; i < 4; i++) {
		u64 nr;

		caps = (i & 1 ? BIT(ARM64_HAS_STAGE2_FWB) : 0) | (i & 2 ? BIT(HW_TLB_RANGE) : 0);
		start(caps);
		check_op(!vm_map(&vm, IA, L2, PA, RWX, 0));
		check_op(!vm_map(&vm, IA + L2, 4 * PAGE_SIZE, PA + L2 + PAGE_SIZE, RWX, 0));
		nr = hw_nr_pages;
		memset(&hw_stats, 0, sizeof(hw_stats));

		/* All of a block goes, the table only with its last page */
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA + L2 - PAGE_SIZE, 2 * PAGE_SIZE));
		check(!lookup(&vm.pgt, IA).pte && !lookup(&vm.pgt, IA + L2).pte);
		check(lookup(&vm.pgt, IA + L2 + PAGE_SIZE).pte && hw_nr_pages == nr);
		check(hw_stats.cmos == (i & 1 ? 0 : L2 / PAGE_SIZE + 1));
		if (i == 3)	/* one for all */
			check(nr_tlbi() == 1 && hw_stats.tlbi[TLBI_RANGE] == 1);
		else
			check(hw_stats.tlbi[TLBI_IPA] == 2);

		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, 2 * L2));
		check(hw_nr_pages < nr);
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, 0, BIT(40)));
		vm_destroy(&vm);
	}
}

/* Write-protect, relax, age: of one block and two pages of the next table. */
static void test_attrs(void)
{
	u64 pte, nr, block;

	start(0);
	check_op(!vm_map(&vm, IA, L2, PA, RWX, 0));
	check_op(!vm_map(&vm, IA + L2, 2 * PAGE_SIZE, PA + PAGE_SIZE, RW, 0));
	block = lookup(&vm.pgt, IA).pte;
	pte = lookup(&vm.pgt, IA + L2).pte;
	nr = hw_nr_pages;

	check_op(!vm_wrprotect(&vm, IA + L2 / 2, L2 / 2 + PAGE_SIZE));
	check(lookup(&vm.pgt, IA).pte == (block & ~BIT(7)));
	check(lookup(&vm.pgt, IA + L2).pte == (pte & ~BIT(7)));
	check(lookup(&vm.pgt, IA + L2 + PAGE_SIZE).pte == pte + PAGE_SIZE);

	/* Of one entry only, with an invalidation of it */
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!kvm_pgtable_stage2_relax_perms(&vm.pgt, IA + L2, RWX, 0));
	check(lookup(&vm.pgt, IA + L2).pte == (pte & ~GENMASK(54, 53)));
	check(hw_stats.tlbi[TLBI_IPA_NSH] == 1);
	check(kvm_pgtable_stage2_relax_perms(&vm.pgt, IA + L2 + 2 * PAGE_SIZE, RW, 0) == -EAGAIN);
	check(kvm_pgtable_stage2_relax_perms(&vm.pgt, IA, RW | KVM_PGTABLE_PROT_SW0, 0) == -EINVAL);
	check(lookup(&vm.pgt, IA).pte == (block & ~BIT(7)));

	check(kvm_pgtable_stage2_test_clear_young(&vm.pgt, IA, 2 * L2, false));
	check(lookup(&vm.pgt, IA).pte & S2_AF);
	check(kvm_pgtable_stage2_test_clear_young(&vm.pgt, IA, L2, true));
	check(!(lookup(&vm.pgt, IA).pte & S2_AF) && (lookup(&vm.pgt, IA + L2).pte & S2_AF));
	check(!kvm_pgtable_stage2_test_clear_young(&vm.pgt, IA, L2, true));
	__kvm_tlb_flush_vmid(&vm.mmu);
	kvm_pgtable_stage2_mkyoung(&vm.pgt, IA, KVM_PGTABLE_WALK_SHARED);
	check_op(lookup(&vm.pgt, IA).pte == (block & ~BIT(7)));
	check(hw_nr_pages == nr);
	vm_destroy(&vm);
}

/*
 * Write-protect some of three tables and a block, which begins or ends anywhere
 * in a table. What is not a page, or not in the range, is left alone.
 */
static void wrprotect_range(u64 first, u64 end)
{
	u64 annotation = (u64)KVM_HOST_INVALID_PTE_TYPE_DONATION << 60 | BIT(7) | BIT(6);
	u64 ia = IA + first * PAGE_SIZE, size = (end - first) * PAGE_SIZE, attr, stores, i;

	start(0);
	model_attr(RWX, &attr);
	vm_force_pte = true;
	check_op(!vm_map(&vm, IA, 3 * L2, PA, RWX, 0));
	vm_force_pte = false;
	check_op(!vm_map(&vm, IA + 3 * L2, L2, PA + 3 * L2, RWX, 0));
	for (i = 5; i < 3 * PTRS_PER_PTE; i += 61) {
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA + i * PAGE_SIZE, 2 * PAGE_SIZE));
		check(!kvm_pgtable_stage2_annotate(&vm.pgt, IA + i * PAGE_SIZE, PAGE_SIZE, &vm.mc,
						   KVM_HOST_INVALID_PTE_TYPE_DONATION,
						   annotation & ~KVM_INVALID_PTE_TYPE_MASK));
	}
	hw_barrier();

	check_op(!vm_wrprotect(&vm, ia, size));
	for (i = 0; i <= 3 * PTRS_PER_PTE; i++) {
		bool block = i == 3 * PTRS_PER_PTE, in = i < end && (block || i >= first);
		u64 pte = lookup(&vm.pgt, IA + i * PAGE_SIZE).pte, expected;

		expected = leaf_pte(PA + i * PAGE_SIZE, in ? attr & ~BIT(7) : attr, block ? 2 : 3);
		if (!block && i % 61 == 5)
			expected = annotation;
		else if (!block && i % 61 == 6)
			expected = 0;
		if (pte != expected)
			test_fail("write-protected [%llu, %llu): page %llu is %#llx, not %#llx",
				  (unsigned long long)first, (unsigned long long)end,
				  (unsigned long long)i, (unsigned long long)pte,
				  (unsigned long long)expected);
	}

	/* Nothing is left to store */
	stores = hw_stats.stores;
	check(!wrprotect(&vm, ia, size));
	check(hw_stats.stores == stores);
	vm_destroy(&vm);
}

static void test_wrprotect(void)
{
	u64 nr = PTRS_PER_PTE, i;
	u64 ranges[][2] = {
		{ 0, 1 }, { 0, 64 }, { 1, 2 }, { 64, 128 }, { nr - 1, nr }, { 0, nr },
		{ nr - 1, nr + 1 }, { 0, nr + 1 }, { nr - 1, 2 * nr }, { 7, nr - 3 },
		{ nr / 2, 2 * nr + 1 }, { nr / 2, nr / 2 + nr }, { nr + 9, 2 * nr - 1 },
		{ 3 * nr - 1, 3 * nr + 1 }, { 3 * nr + 1, 3 * nr + 2 }, { 2 * nr, 4 * nr },
		{ 0, 4 * nr },
	};

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		wrprotect_range(ranges[i][0], ranges[i][1]);

	start(0);
	check(wrprotect(&vm, BIT(40), PAGE_SIZE) == -ERANGE);
	check(wrprotect(&vm, BIT(40) - PAGE_SIZE, 2 * PAGE_SIZE) == -ERANGE);
	check(!wrprotect(&vm, 0, BIT(40)));
	vm_destroy(&vm);
}

static void test_flush(void)
{
	start(0);
	check_op(!vm_map(&vm, IA, L2, PA, RWX, 0));
	check_op(!vm_map(&vm, IA + L2, PAGE_SIZE, PA, RW | KVM_PGTABLE_PROT_DEVICE, 0));
	check_op(!vm_map(&vm, IA + L2 + PAGE_SIZE, 2 * PAGE_SIZE, PA, RW, 0));
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!kvm_pgtable_stage2_flush(&vm.pgt, IA, L2 + 2 * PAGE_SIZE));
	check(hw_stats.cmos == L2 / PAGE_SIZE + 1 && !hw_stats.stores);
	hw_caps = BIT(ARM64_HAS_STAGE2_FWB);
	check(!kvm_pgtable_stage2_flush(&vm.pgt, 0, BIT(40)));
	check(hw_stats.cmos == L2 / PAGE_SIZE + 1);
	vm_destroy(&vm);
}

/* All pages of the range mapped as before, by pages. */
static void check_pages(u64 ia, u64 end, u64 pa, u64 attr)
{
	for (; ia < end; ia += PAGE_SIZE, pa += PAGE_SIZE) {
		struct leaf l = lookup(&vm.pgt, ia);

		if (l.level != 3 || l.pte != leaf_pte(pa, attr, 3))
			test_fail("ia %#llx: %#llx at level %d", (unsigned long long)ia,
				  (unsigned long long)l.pte, l.level);
	}
}

static void test_split(void)
{
	u64 attr, prot = KVM_PGTABLE_PROT_R | KVM_PGTABLE_PROT_SW0 | KVM_PGTABLE_PROT_SW2, nr;
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;

	start(BIT(HW_TLB_RANGE));
	model_attr(prot, &attr);
	check_op(!vm_map(&vm, IA, 4 * L2, PA, prot, 0));
	check(lookup(&vm.pgt, IA).level == 2);

	/* Nothing to split with: nothing is lost */
	check_op(vm_split(&vm, IA, L2) == -ENOMEM);
	check(lookup(&vm.pgt, IA).level == 2);

	/* Any part of a block splits all of it, and no more */
	vm_fill_cache(&vm, 4);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, IA + L2 + 3 * PAGE_SIZE, PAGE_SIZE));
	check(mc->nobjs == 3 && nr_tlbi() == 1 && hw_stats.tlbi[TLBI_IPA] == 1);
	check(!hw_stats.cmos && hw_stats.barriers);
	check_pages(IA + L2, IA + 2 * L2, PA + L2, attr);
	check(lookup(&vm.pgt, IA).level == 2 && lookup(&vm.pgt, IA + 2 * L2).level == 2);
	nr = hw_nr_pages;

	/* Again: nothing to do, and level 3 is not for it to look at */
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, IA + L2, L2));
	hw_caps = 0;
	check_op(!vm_split(&vm, IA + L2 + L2 / 2, PAGE_SIZE));
	hw_caps = BIT(HW_TLB_RANGE);
	check(!hw_stats.stores && !nr_tlbi() && mc->nobjs == 3 && hw_nr_pages == nr);
	check(!split_batches || !hw_stats.barriers);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1] && hw_stats.visits[2 + 1] == 2);
#endif

	/* As many as the cache is good for, in order */
	vm_fill_cache(&vm, 1);
	check_op(vm_split(&vm, IA + L2 / 2, 3 * L2) == -ENOMEM);
	check_pages(IA, IA + 2 * L2, PA, attr);
	check(lookup(&vm.pgt, IA + 2 * L2).level == 2 && !mc->nobjs);

	/* Two at once, by the last page of the one and the first of the other */
	vm_fill_cache(&vm, 2);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, IA + 3 * L2 - PAGE_SIZE, 2 * PAGE_SIZE));
	check_pages(IA, IA + 4 * L2, PA, attr);
	check(nr_tlbi() == (split_batches ? 1 : 2) && !mc->nobjs);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1]);
#endif

	/* A hole between two blocks stays one */
	check_op(!vm_map(&vm, IA + 5 * L2, L2, PA + 5 * L2, prot, 0));
	check_op(!vm_map(&vm, IA + 7 * L2, L2, PA + 7 * L2, prot, 0));
	vm_fill_cache(&vm, 2);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, IA + 4 * L2, 4 * L2));
	check_pages(IA + 5 * L2, IA + 6 * L2, PA + 5 * L2, attr);
	check_pages(IA + 7 * L2, IA + 8 * L2, PA + 7 * L2, attr);
	check(!lookup(&vm.pgt, IA + 4 * L2).pte && !lookup(&vm.pgt, IA + 6 * L2).pte);
	check(nr_tlbi() == (split_batches ? 1 : 2) && !mc->nobjs);

	/* Nor are pages between two blocks looked at */
	check_op(!vm_map(&vm, IA + 9 * L2, L2, PA + 9 * L2, prot, 0));
	check_op(!vm_map(&vm, IA + 10 * L2, PAGE_SIZE, PA + PAGE_SIZE, prot, 0));
	check_op(!vm_map(&vm, IA + 11 * L2, L2, PA + 11 * L2, prot, 0));
	vm_fill_cache(&vm, 2);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, IA + 9 * L2, 3 * L2));
	check_pages(IA + 11 * L2, IA + 12 * L2, PA + 11 * L2, attr);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1]);
#endif

	/* Holes, ownership and pages are none of its business */
	check_op(!vm_map(&vm, IA + 8 * L2, PAGE_SIZE, PA + PAGE_SIZE, prot, 0));
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, 0, BIT(40)));
	check(!hw_stats.stores);
	vm_destroy(&vm);
}

/*
 * A level-1 block (4K only): in one go with a full cache; by way of a table of
 * blocks, that the walk has to descend into, with a short one.
 */
static void test_split_level1(void)
{
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;
	u64 size = kvm_granule_size(1), ia = 4 * size, attr, i;
	static const int caches[] = { 2, 3, 511, 512 };

	if (KVM_PGTABLE_MIN_BLOCK_LEVEL > 1)
		return;
	model_attr(RW, &attr);

	start(0);
	check_op(!vm_map(&vm, ia, 2 * size, PA, RW, 0));
	check(lookup(&vm.pgt, ia).level == 1);
	vm_fill_cache(&vm, 513);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, ia + size / 2, PAGE_SIZE));
	check(!mc->nobjs && nr_tlbi() == 1 && lookup(&vm.pgt, ia + size).level == 1);
	check_pages(ia, ia + size, PA, attr);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1]);
#endif
	vm_destroy(&vm);

	/* All of a block whose tables are not descended into once they are made */
	start(0);
	check_op(!vm_map(&vm, ia, size, PA, RW, 0));
	vm_fill_cache(&vm, 513);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(&vm, ia, size));
	check(!mc->nobjs && nr_tlbi() == 1);
#ifdef HAVE_SKIP_NEW_TABLE
	check(!hw_stats.visits[2 + 1]);
#endif
	vm_destroy(&vm);

	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		start(0);
		check_op(!vm_map(&vm, ia, size, PA, RW, 0));
		vm_fill_cache(&vm, caches[i]);
		check_op(!vm_split(&vm, ia + L2, L2));
		check(mc->nobjs == caches[i] - 2);
		check_pages(ia + L2, ia + 2 * L2, PA + L2, attr);
		check(lookup(&vm.pgt, ia).level == 2);
		check_op(vm_split(&vm, ia, size) == -ENOMEM);
		check(!mc->nobjs);
		vm_destroy(&vm);
	}

	/* Two parts of it, by the last page of the one and the first of the other */
	start(0);
	check_op(!vm_map(&vm, ia, size, PA, RW, 0));
	vm_fill_cache(&vm, 3);
	check_op(!vm_split(&vm, ia + 2 * L2 - PAGE_SIZE, 2 * PAGE_SIZE));
	check_pages(ia + L2, ia + 3 * L2, PA + L2, attr);
	check(!mc->nobjs && lookup(&vm.pgt, ia).level == 2);
	vm_destroy(&vm);

	/* As many blocks as tables: enough for the first, not for the second */
	start(0);
	check_op(!vm_map(&vm, ia, 2 * size, PA, RW, 0));
	vm_fill_cache(&vm, 515);
	check_op(!vm_split(&vm, ia + size - PAGE_SIZE, 2 * PAGE_SIZE));
	check(!mc->nobjs && lookup(&vm.pgt, ia + size).level == 3);
	vm_destroy(&vm);
}

/* Chunks of every size, of blocks of every size, leave nothing behind. */
static void test_split_chunks(void)
{
	s8 block, chunk;
	u64 attr;

	model_attr(RW, &attr);
	for (block = KVM_PGTABLE_MIN_BLOCK_LEVEL; block <= 3; block++) {
		for (chunk = KVM_PGTABLE_MIN_BLOCK_LEVEL; chunk <= 3; chunk++) {
			u64 size = kvm_granule_size(block);
			u64 ia = 4 * kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);
			u64 end = min(ia + size, ia + 8 * L2);

			start(0);
			check_op(!vm_map(&vm, ia, size, PA, RW, 0));
			check(lookup(&vm.pgt, ia).level == block);
			check_op(!vm_split_chunks(&vm, ia, end, kvm_granule_size(chunk)));
			check_pages(ia, end, PA, attr);
			vm_destroy(&vm);
		}
	}
}

/* How often a GiB of blocks has to be invalidated. */
static void test_split_invalidations(void)
{
	u64 size = max_t(u64, SZ_1G, kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL)), i, chunk;
	s8 level;
	int caps;

	for (caps = 0; caps < 2; caps++) {
		for (level = KVM_PGTABLE_MIN_BLOCK_LEVEL; level <= 2; level++) {
			chunk = kvm_granule_size(level);
			start(caps ? BIT(HW_TLB_RANGE) : 0);
			for (i = 0; i < size; i += L2)
				check(!vm_map(&vm, size + i, L2, PA + i, RW, 0));
			memset(&hw_stats, 0, sizeof(hw_stats));
			check_op(!vm_split_chunks(&vm, size, 2 * size, chunk));
			check(nr_tlbi() == size / (split_batches ? chunk : L2));
			check(!split_batches || level == 2 || nr_tlbi() <= 8 * size / SZ_1G);
			if (split_batches && level < 2)
				check(hw_stats.tlbi[caps ? TLBI_RANGE : TLBI_VMID] == nr_tlbi());
			else
				check(hw_stats.tlbi[TLBI_IPA] == nr_tlbi());
			vm_destroy(&vm);
		}
	}
}

static u64 split_one(u64 prot, bool old)
{
	u64 pte, ret;

	start(BIT(ARM64_HAS_STAGE2_FWB));
	check_op(!vm_map(&vm, IA, L2, PA, prot, 0));
	if (old)
		kvm_pgtable_stage2_test_clear_young(&vm.pgt, IA, L2, true);
	__kvm_tlb_flush_vmid(&vm.mmu);
	pte = lookup(&vm.pgt, IA).pte;
	vm_fill_cache(&vm, 1);
	check_op(!vm_split(&vm, IA, L2));
	check(lookup(&vm.pgt, IA).level == 3);
	ret = lookup(&vm.pgt, IA).pte ^ pte ^ 2;
	vm_destroy(&vm);
	return ret;
}

/*
 * Pages ought to have all the attributes of their block. Where they are made
 * from permissions, the memory type gets lost in kvm_pgtable_stage2_pte_prot(),
 * unnoticed as long as memory that is not Normal cannot have its dirty pages
 * logged; and an old block has young pages. What the tree does is found out
 * here, for the model to follow.
 */
static void probe_split(void)
{
	split_keeps.memtype = !split_one(RW | KVM_PGTABLE_PROT_DEVICE, false) &&
			      !split_one(RW | KVM_PGTABLE_PROT_NORMAL_NC, false);
	split_keeps.af = !split_one(RW, true);
}

static void test_split_inherits(void)
{
	static const u64 prots[] = {
		0, KVM_PGTABLE_PROT_R, KVM_PGTABLE_PROT_W, RW, RWX, KVM_PGTABLE_PROT_X,
		RW | KVM_PGTABLE_PROT_SW0, RW | KVM_PGTABLE_PROT_SW1,
		RW | KVM_PGTABLE_PROT_SW2, RW | KVM_PGTABLE_PROT_SW3,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(prots); i++)
		if (split_one(prots[i], false))
			test_fail("prot %#llx changes in a split", (unsigned long long)prots[i]);
}

/* Known of trees that make the pages anew, with the function for that. */
static void split_loses(const char *what)
{
#ifdef HAVE_CREATE_UNLINKED
	test_xfail(what);
#else
	test_fail("%s", what);
#endif
}

static void test_split_keeps_memtype(void)
{
	if (!split_keeps.memtype)
		split_loses("pages of a Device or Normal-NC block come out as Normal");
}

static void test_split_keeps_access_flag(void)
{
	if (!split_keeps.af)
		split_loses("pages of an old block come out young");
}

/* Each allocation of each user fails once: no leak, no change beyond reason. */
static void test_failed_allocation(void)
{
	u64 attr, size = kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;
	int n, nr = split_nr_tables(size), ret;
	u64 addr;
	s8 level;

	model_attr(RW, &attr);
	for (n = 1;; n++) {
		start(0);
		check_op(!vm_map(&vm, 2 * size, size, PA, RW, 0));
		hw_fail_alloc = n;
		ret = vm_map(&vm, 3 * size - PAGE_SIZE, 2 * PAGE_SIZE, PA + PAGE_SIZE, RW, 0);
		if (!ret)
			break;
		check_op(ret == -ENOMEM && !hw_fail_alloc);
		vm_destroy(&vm);
	}
	check(n > 2);
	hw_fail_alloc = 0;
	vm_destroy(&vm);

	for (n = 1; n <= nr; n = n < 4 || n > nr - 3 ? n + 1 : min(2 * n, nr - 2)) {
		start(0);
		check_op(!vm_map(&vm, 2 * size, size, PA, RW, 0));
		vm_fill_cache(&vm, nr);
		hw_fail_alloc = n;
		check_op(vm_split(&vm, 2 * size, size) == -ENOMEM);
		/* Split as far as there were tables, or not at all */
		for (addr = 2 * size; addr < 3 * size; addr += kvm_granule_size(level)) {
			level = lookup(&vm.pgt, addr).level;
			check(level == KVM_PGTABLE_MIN_BLOCK_LEVEL || n > 1);
			check(lookup(&vm.pgt, addr).pte ==
			      leaf_pte(PA + addr - 2 * size, attr, level));
		}
		check(mc->nobjs == nr - n + 1);
		vm_destroy(&vm);
	}
}

/* The permissions of a descriptor, which map makes the same one of. */
static void test_pte_prot(void)
{
	u64 prots[] = {
		KVM_PGTABLE_PROT_R, KVM_PGTABLE_PROT_W, RW, RWX, KVM_PGTABLE_PROT_X,
		RW | KVM_PGTABLE_PROT_SW0, RW | KVM_PGTABLE_PROT_SW1,
		RW | KVM_PGTABLE_PROT_SW2, RW | KVM_PGTABLE_PROT_SW3,
		RW | KVM_PGTABLE_PROT_PX, RW | KVM_PGTABLE_PROT_UX,
	};
	u64 i;

	start(BIT(ARM64_HAS_XNX));
	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		check_op(!vm_map(&vm, IA + i * PAGE_SIZE, PAGE_SIZE, PA, prots[i], 0));
		check(kvm_pgtable_stage2_pte_prot(lookup(&vm.pgt, IA + i * PAGE_SIZE).pte) ==
		      prots[i]);
	}
	check(!kvm_pgtable_stage2_pte_prot(0));
	vm_destroy(&vm);
}

static void test_get_leaf(void)
{
	u64 pte;
	s8 level;

	start(0);
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA, &pte, &level) && !pte);
	check(level == vm.pgt.start_level);
	check(!vm_map(&vm, IA, L2, PA, RW, 0) && !vm_map(&vm, IA + L2, PAGE_SIZE, PA, RW, 0));
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA + L2 - 1, &pte, &level));
	check(level == 2 && pte == lookup(&vm.pgt, IA).pte);
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA + L2 + 5, &pte, &level));
	check(level == 3 && pte == lookup(&vm.pgt, IA + L2).pte);
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA, NULL, NULL));
	check(kvm_pgtable_get_leaf(&vm.pgt, BIT(40), &pte, &level) == -ERANGE);
	vm_destroy(&vm);
}

#ifdef HAVE_CREATE_UNLINKED
static void test_unlinked(void)
{
	u64 attr, *table, i;

	start(0);
	model_attr(RW, &attr);
	table = kvm_pgtable_stage2_create_unlinked(&vm.pgt, PA, 2, RW, &vm.mc, true);
	check(!IS_ERR(table));
	for (i = 0; i < PTRS_PER_PTE; i++)
		check(table[i] == leaf_pte(PA + i * PAGE_SIZE, attr, 3));
	check(hw_page(table)->count == 1 + PTRS_PER_PTE && !nr_tlbi() && !hw_stats.cmos);
	kvm_pgtable_stage2_free_unlinked(&s2_mm_ops, table, 2);
	check(PTR_ERR(kvm_pgtable_stage2_create_unlinked(&vm.pgt, PA + PAGE_SIZE, 2, RW, &vm.mc,
							 true)) == -EINVAL);
	hw_fail_alloc = 1;
	check(PTR_ERR(kvm_pgtable_stage2_create_unlinked(&vm.pgt, PA, 2, RW, &vm.mc,
							 true)) == -ENOMEM);
	if (KVM_PGTABLE_MIN_BLOCK_LEVEL < 2) {
		table = kvm_pgtable_stage2_create_unlinked(&vm.pgt, 0, 1, RW, &vm.mc, false);
		check(!IS_ERR(table) && table[1] == leaf_pte(L2, attr, 2));
		kvm_pgtable_stage2_free_unlinked(&s2_mm_ops, table, 1);
	}
	vm_destroy(&vm);
}
#endif

/* The hypervisor's own stage-1. */
static void test_hyp(void)
{
	static struct kvm_pgtable pgt;
	u64 prot, nr, i;
	s8 level;

	hw_reset(0);
	check(!kvm_pgtable_hyp_init(&pgt, 40, &hyp_mm_ops));
	hw_root(&pgt);
	check(!kvm_pgtable_hyp_map(&pgt, IA, L2, PA, PAGE_HYP));
	hw_quiesce();
	check(lookup(&pgt, IA).level == 2);
	check(!kvm_pgtable_hyp_map(&pgt, IA + L2, 3 * PAGE_SIZE, PA, PAGE_HYP_EXEC));
	hw_quiesce();
	for (i = 0; i < 3; i++) {
		struct leaf l = lookup(&pgt, IA + L2 + i * PAGE_SIZE);

		check(l.level == 3 && kvm_pte_to_phys(l.pte) == PA + i * PAGE_SIZE);
		check(kvm_pgtable_hyp_pte_prot(l.pte) ==
		      (KVM_PGTABLE_PROT_R | KVM_PGTABLE_PROT_PX));
	}
	check(kvm_pgtable_hyp_map(&pgt, IA, PAGE_SIZE, PA, KVM_PGTABLE_PROT_W) == -EINVAL);
	check(kvm_pgtable_hyp_map(&pgt, IA, PAGE_SIZE, PA, KVM_PGTABLE_PROT_RWX) == -EINVAL);

	/* Unmap of a page frees no table, of the last one does */
	nr = hw_nr_pages;
	check(kvm_pgtable_hyp_unmap(&pgt, IA + L2, PAGE_SIZE) == PAGE_SIZE);
	hw_quiesce();
	check(hw_nr_pages == nr && !lookup(&pgt, IA + L2).pte);
	check(kvm_pgtable_hyp_unmap(&pgt, IA + L2 + PAGE_SIZE, 2 * PAGE_SIZE) == 2 * PAGE_SIZE);
	hw_quiesce();
	check(hw_nr_pages == nr - 1);
	check(!kvm_pgtable_hyp_unmap(&pgt, IA + L2, PAGE_SIZE));
	check(!kvm_pgtable_get_leaf(&pgt, IA, &prot, &level) && level == 2);
	check(kvm_pgtable_hyp_unmap(&pgt, IA, L2) == L2);
	hw_quiesce();

	for (i = 1; i < 5; i++) {
		hw_fail_alloc = i;
		if (!kvm_pgtable_hyp_map(&pgt, IA, 2 * PAGE_SIZE, PA, PAGE_HYP))
			break;
	}
	hw_fail_alloc = 0;
	hw_root(NULL);
	kvm_pgtable_hyp_destroy(&pgt);
	check(!hw_nr_pages);
}

static void test_geometry(void)
{
	static const u8 bits[] = { 32, 34, 36, 40, 42, 44, 48, 52 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		struct vm v = {};
		u64 vtcr, levels, roots;

		if (bits[i] > 48 && PAGE_SHIFT != 16 && !system_supports_lpa2())
			continue;
		hw_reset(0);
		vtcr = kvm_get_vtcr(ID_AA64MMFR0_EL1_PARANGE_52, 0, bits[i]);
		/* Up to 16 root tables, and two levels at least */
		for (levels = 2;; levels++) {
			u32 covered = PAGE_SHIFT + levels * (PAGE_SHIFT - 3);

			if (bits[i] <= covered + 4) {
				roots = bits[i] > covered ? BIT(bits[i] - covered) : 1;
				break;
			}
		}
		check(kvm_pgtable_stage2_pgd_size(vtcr) == roots * PAGE_SIZE);
		vm_init(&v, bits[i]);
		check(v.pgt.ia_bits == bits[i] && v.pgt.start_level == 4 - (s8)levels);
		check(hw_nr_pages == roots);
		vm_destroy(&v);
	}
}
