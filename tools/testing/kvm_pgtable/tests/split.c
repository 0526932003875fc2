// SPDX-License-Identifier: GPL-2.0
/* Splitting blocks. */

/* All pages of the range mapped as before, by pages. */
static void check_pages(u64 ia, u64 end, u64 pa, u64 attr)
{
	for (; ia < end; ia += PAGE_SIZE, pa += PAGE_SIZE) {
		struct leaf l = lookup(&vm.pgt, ia);

		if (l.level != 3 || l.pte != leaf_pte(pa, attr, 3))
			test_fail("ia %#lx: %#lx at level %d", ia, l.pte, l.level);
	}
}

static void test_split(void)
{
	u64 attr, prot = KVM_PGTABLE_PROT_R | KVM_PGTABLE_PROT_SW0 | KVM_PGTABLE_PROT_SW2, nr;
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;

	start(BIT(HW_TLB_RANGE));
	s2_attr(prot, &attr);
	check_op(!vm_map(IA, 4 * L2, PA, prot, 0));
	check(lookup(&vm.pgt, IA).level == 2);

	/* Nothing to split with: nothing is lost */
	check_op(vm_split(IA, L2) == -ENOMEM);
	check(lookup(&vm.pgt, IA).level == 2);

	/* Any part of a block splits all of it, and no more */
	vm_fill_cache(4);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(IA + L2 + 3 * PAGE_SIZE, PAGE_SIZE));
	check(mc->nobjs == 3 && nr_tlbi() == 1 && hw_stats.tlbi[split_tlbi_one()] == 1);
	check(!hw_stats.cmos && hw_stats.barriers);
	check_pages(IA + L2, IA + 2 * L2, PA + L2, attr);
	check(lookup(&vm.pgt, IA).level == 2 && lookup(&vm.pgt, IA + 2 * L2).level == 2);
	nr = hw_nr_pages;

	/* Again: nothing to do, and level 3 is not for it to look at */
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(IA + L2, L2));
	hw_caps &= ~BIT(HW_TLB_RANGE);
	check_op(!vm_split(IA + L2 + L2 / 2, PAGE_SIZE));
	hw_caps |= BIT(HW_TLB_RANGE);
	check(!hw_stats.stores && !nr_tlbi() && mc->nobjs == 3 && hw_nr_pages == nr);
	check(!split_batches || !hw_stats.barriers);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1] && hw_stats.visits[2 + 1] == 2);
#endif

	/* As many as the cache is good for, in order */
	vm_fill_cache(1);
	check_op(vm_split(IA + L2 / 2, 3 * L2) == -ENOMEM);
	check_pages(IA, IA + 2 * L2, PA, attr);
	check(lookup(&vm.pgt, IA + 2 * L2).level == 2 && !mc->nobjs);

	/* Two at once, by the last page of the one and the first of the other */
	vm_fill_cache(2);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(IA + 3 * L2 - PAGE_SIZE, 2 * PAGE_SIZE));
	check_pages(IA, IA + 4 * L2, PA, attr);
	check(nr_tlbi() == (split_batches ? 1 : 2) && !mc->nobjs);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1]);
#endif

	/* A hole between two blocks stays one */
	check_op(!vm_map(IA + 5 * L2, L2, PA + 5 * L2, prot, 0));
	check_op(!vm_map(IA + 7 * L2, L2, PA + 7 * L2, prot, 0));
	vm_fill_cache(2);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(IA + 4 * L2, 4 * L2));
	check_pages(IA + 5 * L2, IA + 6 * L2, PA + 5 * L2, attr);
	check_pages(IA + 7 * L2, IA + 8 * L2, PA + 7 * L2, attr);
	check(!lookup(&vm.pgt, IA + 4 * L2).pte && !lookup(&vm.pgt, IA + 6 * L2).pte);
	check(nr_tlbi() == (split_batches ? 1 : 2) && !mc->nobjs);

	/* Nor are pages between two blocks looked at */
	check_op(!vm_map(IA + 9 * L2, L2, PA + 9 * L2, prot, 0));
	check_op(!vm_map(IA + 10 * L2, PAGE_SIZE, PA + PAGE_SIZE, prot, 0));
	check_op(!vm_map(IA + 11 * L2, L2, PA + 11 * L2, prot, 0));
	vm_fill_cache(2);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(IA + 9 * L2, 3 * L2));
	check_pages(IA + 11 * L2, IA + 12 * L2, PA + 11 * L2, attr);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1]);
#endif

	/* Holes, ownership and pages are none of its business */
	check_op(!vm_map(IA + 8 * L2, PAGE_SIZE, PA + PAGE_SIZE, prot, 0));
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(0, BIT(40)));
	check(!hw_stats.stores);
	vm_destroy();
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
	s2_attr(RW, &attr);

	start(0);
	check_op(!vm_map(ia, 2 * size, PA, RW, 0));
	check(lookup(&vm.pgt, ia).level == 1);
	vm_fill_cache(513);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(ia + size / 2, PAGE_SIZE));
	check(!mc->nobjs && nr_tlbi() == 1 && lookup(&vm.pgt, ia + size).level == 1);
	check_pages(ia, ia + size, PA, attr);
#ifdef HAVE_SKIP_LEVEL
	check(!hw_stats.visits[3 + 1]);
#endif
	vm_destroy();

	/* All of a block whose tables are not descended into once they are made */
	start(0);
	check_op(!vm_map(ia, size, PA, RW, 0));
	vm_fill_cache(513);
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!vm_split(ia, size));
	check(!mc->nobjs && nr_tlbi() == 1);
#ifdef HAVE_SKIP_NEW_TABLE
	check(!hw_stats.visits[2 + 1]);
#endif
	vm_destroy();

	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		start(0);
		check_op(!vm_map(ia, size, PA, RW, 0));
		vm_fill_cache(caches[i]);
		check_op(!vm_split(ia + L2, L2));
		check(mc->nobjs == caches[i] - 2);
		check_pages(ia + L2, ia + 2 * L2, PA + L2, attr);
		check(lookup(&vm.pgt, ia).level == 2);
		check_op(vm_split(ia, size) == -ENOMEM);
		check(!mc->nobjs);
		vm_destroy();
	}

	/* Two parts of it, by the last page of the one and the first of the other */
	start(0);
	check_op(!vm_map(ia, size, PA, RW, 0));
	vm_fill_cache(3);
	check_op(!vm_split(ia + 2 * L2 - PAGE_SIZE, 2 * PAGE_SIZE));
	check_pages(ia + L2, ia + 3 * L2, PA + L2, attr);
	check(!mc->nobjs && lookup(&vm.pgt, ia).level == 2);
	vm_destroy();

	/* As many blocks as tables: enough for the first, not for the second */
	start(0);
	check_op(!vm_map(ia, 2 * size, PA, RW, 0));
	vm_fill_cache(515);
	check_op(!vm_split(ia + size - PAGE_SIZE, 2 * PAGE_SIZE));
	check(!mc->nobjs && lookup(&vm.pgt, ia + size).level == 3);
	vm_destroy();
}

/* Chunks of every size, of blocks of every size, leave nothing behind. */
static void test_split_chunks(void)
{
	s8 block, chunk;
	u64 attr;

	s2_attr(RW, &attr);
	for (block = KVM_PGTABLE_MIN_BLOCK_LEVEL; block <= 3; block++) {
		for (chunk = KVM_PGTABLE_MIN_BLOCK_LEVEL; chunk <= 3; chunk++) {
			u64 size = kvm_granule_size(block);
			u64 ia = 4 * kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);
			u64 end = min(ia + size, ia + 8 * L2);

			start(0);
			check_op(!vm_map(ia, size, PA, RW, 0));
			check(lookup(&vm.pgt, ia).level == block);
			check_op(!vm_split_chunks(ia, end, kvm_granule_size(chunk)));
			check_pages(ia, end, PA, attr);
			vm_destroy();
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
				check(!vm_map(size + i, L2, PA + i, RW, 0));
			memset(&hw_stats, 0, sizeof(hw_stats));
			check_op(!vm_split_chunks(size, 2 * size, chunk));
			check(nr_tlbi() == size / (split_batches ? chunk : L2));
			check(!split_batches || level == 2 || nr_tlbi() <= 8 * size / SZ_1G);
			if (split_batches && level < 2)
				check(hw_stats.tlbi[split_tlbi_many()] == nr_tlbi());
			else
				check(hw_stats.tlbi[split_tlbi_one()] == nr_tlbi());
			vm_destroy();
		}
	}
}

/* What splitting does to bits it ought to keep, see probe_split() */
static struct { bool memtype, af, af_of_software; } split_keeps;

static u64 split_one(u64 prot, bool old, unsigned long caps)
{
	u64 pte, ret;

	start(BIT(ARM64_HAS_STAGE2_FWB) | caps);
	check_op(!vm_map(IA, L2, PA, prot, 0));
	if (old)
		kvm_pgtable_stage2_test_clear_young(&vm.pgt, IA, L2, true);
	__kvm_tlb_flush_vmid(&vm.mmu);
	pte = lookup(&vm.pgt, IA).pte;
	vm_fill_cache(1);
	check_op(!vm_split(IA, L2));
	check(lookup(&vm.pgt, IA).level == 3);
	ret = lookup(&vm.pgt, IA).pte ^ pte ^ 2;
	vm_destroy();
	return ret;
}

/*
 * Pages ought to have all the attributes of their block. Where they are made
 * from permissions, the memory type gets lost in kvm_pgtable_stage2_pte_prot(),
 * unnoticed as long as memory that is not Normal cannot have its dirty pages
 * logged; and an old block has young pages. What the tree does is found out
 * here, for the model to follow. Where software has to set the Access flag, it is
 * as well that the pages are young.
 */
static void probe_split(void)
{
	split_keeps.memtype = !split_one(RW | KVM_PGTABLE_PROT_DEVICE, false, 0) &&
			      !split_one(RW | KVM_PGTABLE_PROT_NORMAL_NC, false, 0);
	split_keeps.af = !split_one(RW, true, 0);
	split_keeps.af_of_software =
		!split_one(RW, true, BIT(ARM64_WORKAROUND_AMPERE_AC03_CPU_38));
}

static bool split_keeps_af(void)
{
	return hw_caps & BIT(ARM64_WORKAROUND_AMPERE_AC03_CPU_38) ?
	       split_keeps.af_of_software : split_keeps.af;
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
		if (split_one(prots[i], false, 0))
			test_fail("prot %#lx changes in a split", prots[i]);
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

/* A fault for each page is what it takes where hardware does not set the flag. */
static void test_split_makes_young(void)
{
#ifdef HAVE_SPLIT_IN_PLACE
	check(!split_keeps.af_of_software);
#endif
}

/* Each allocation fails once. */
static void test_split_failed_allocation(void)
{
	u64 attr, size = kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);
	struct kvm_mmu_memory_cache *mc = &vm.mmu.split_page_cache;
	int n, nr = split_nr_tables(size);
	u64 addr;
	s8 level;

	s2_attr(RW, &attr);
	for (n = 1; n <= nr; n = n < 4 || n > nr - 3 ? n + 1 : min(2 * n, nr - 2)) {
		start(0);
		check_op(!vm_map(2 * size, size, PA, RW, 0));
		vm_fill_cache(nr);
		hw_fail_alloc = n;
		check_op(vm_split(2 * size, size) == -ENOMEM);
		/* Split as far as there were tables, or not at all */
		for (addr = 2 * size; addr < 3 * size; addr += kvm_granule_size(level)) {
			level = lookup(&vm.pgt, addr).level;
			check(level == KVM_PGTABLE_MIN_BLOCK_LEVEL || n > 1);
			check(lookup(&vm.pgt, addr).pte ==
			      leaf_pte(PA + addr - 2 * size, attr, level));
		}
		check(mc->nobjs == nr - n + 1);
		vm_destroy();
	}
}

