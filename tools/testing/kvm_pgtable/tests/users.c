// SPDX-License-Identifier: GPL-2.0
/*
 * Each user of the walker on tables small enough to say exactly what it must
 * do: return values, entries, invalidations, cache maintenance, allocations.
 */
static void test_map(void)
{
	struct leaf l;
	u64 attr, nr;
	int i;

	start(0);
	s2_attr(RWX, &attr);
	check_op(!vm_map(IA, PAGE_SIZE, PA, RWX, 0));
	l = lookup(&vm.pgt, IA);
	check(l.level == 3 && l.pte == leaf_pte(PA, attr, 3));
	check(!lookup(&vm.pgt, IA + PAGE_SIZE).pte && !lookup(&vm.pgt, IA - 1).pte);
	check(hw_stats.cmos == 1);

	/* The same again, and with other permissions: not map's business */
	check_op(vm_map(IA, PAGE_SIZE, PA, RWX, 0) == -EAGAIN);
	check_op(vm_map(IA, PAGE_SIZE, PA, RW, 0) == -EAGAIN);
	check(lookup(&vm.pgt, IA).pte == l.pte);

	/* Software bits alone need no break */
	nr = nr_tlbi();
	check_op(!vm_map(IA, PAGE_SIZE, PA, RWX | KVM_PGTABLE_PROT_SW1, 0));
	check(lookup(&vm.pgt, IA).pte == (l.pte | BIT(56)) && nr_tlbi() == nr);

	/* A table becomes a block */
	nr = hw_nr_pages;
	check_op(!vm_map(IA, L2, PA, RWX, 0));
	l = lookup(&vm.pgt, IA + L2 - 1);
	check(l.level == 2 && l.pte == leaf_pte(PA, attr, 2));
	check(hw_nr_pages == nr - 1);

	/* A page in a block: the rest of the block is left to the next faults */
	check_op(!vm_map(IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, 0));
	check(lookup(&vm.pgt, IA + PAGE_SIZE).level == 3 && !lookup(&vm.pgt, IA).pte);

	/* Blocks need alignment of both addresses */
	check_op(!vm_map(IA + 2 * L2, L2, PA + PAGE_SIZE, RWX, 0));
	check(lookup(&vm.pgt, IA + 2 * L2).level == 3);
	vm_force_pte = true;
	check_op(!vm_map(IA + 4 * L2, L2, PA, RWX, 0));
	check(lookup(&vm.pgt, IA + 4 * L2).level == 3);
	vm_force_pte = false;

	/* What is refused */
	check(vm_map(IA, PAGE_SIZE, PA, RWX | KVM_PGTABLE_PROT_DEVICE, 0) == -EINVAL);
	check(vm_map(IA, PAGE_SIZE, PA, RW | KVM_PGTABLE_PROT_DEVICE |
		     KVM_PGTABLE_PROT_NORMAL_NC, 0) == -EINVAL);
	check(vm_map(IA, PAGE_SIZE, PA, RW | KVM_PGTABLE_PROT_PX, 0) == -EINVAL);
	check(vm_map(BIT(40), PAGE_SIZE, PA, RW, 0) == -ERANGE);
	check(kvm_pgtable_stage2_map(&vm.pgt, IA + 6 * L2, PAGE_SIZE, PA, RW, NULL, 0) == -ENOMEM);

	/* Memory types */
	for (i = 0; i < 4; i++) {
		u64 prot = RW | (i & 1 ? KVM_PGTABLE_PROT_DEVICE : KVM_PGTABLE_PROT_NORMAL_NC);

		hw_caps = i & 2 ? BIT(ARM64_HAS_STAGE2_FWB) : 0;
		check(!vm_map(IA + 10 * L2 + i * PAGE_SIZE, PAGE_SIZE, PA, prot, 0));
		s2_attr(prot, &attr);
		check(lookup(&vm.pgt, IA + 10 * L2 + i * PAGE_SIZE).pte == leaf_pte(PA, attr, 3));
	}
	vm_destroy();
}

/* Each allocation fails once: no leak. */
static void test_map_failed_allocation(void)
{
	u64 size = kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);
	int n, ret;

	for (n = 1;; n++) {
		start(0);
		check_op(!vm_map(2 * size, size, PA, RW, 0));
		hw_fail_alloc = n;
		ret = vm_map(3 * size - PAGE_SIZE, 2 * PAGE_SIZE, PA + PAGE_SIZE, RW, 0);
		if (!ret)
			break;
		check_op(ret == -ENOMEM && !hw_fail_alloc);
		vm_destroy();
	}
	check(n > 2);
	hw_fail_alloc = 0;
	vm_destroy();
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
	check_op(!vm_map(IA, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED));
	check(hw_stats.cmpxchgs);
	ptep = lookup(&vm.pgt, IA + PAGE_SIZE).ptep;

	/* The entry changes under the walk, then is found locked */
	hw_race = lose_race;
	check(vm_map(IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED) == -EAGAIN);
	check(*ptep >> 60 == KVM_INVALID_PTE_TYPE_LOCKED && !race_pte);
	check(vm_map(IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED) == -EAGAIN);
	*ptep = 0;
	check_op(!vm_map(IA + PAGE_SIZE, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED));

	/* The same for a table: the one that was allocated is freed */
	check_op(!vm_map(IA + L2, L2, PA + L2, RWX, KVM_PGTABLE_WALK_SHARED));
	ptep = lookup(&vm.pgt, IA + L2).ptep;
	hw_race = lose_race;
	check(vm_map(IA + L2, PAGE_SIZE, PA, RWX, KVM_PGTABLE_WALK_SHARED) == -EAGAIN);
	*ptep = race_pte;
	hw_quiesce();
	vm_check();

	/* Permissions */
	hw_race = lose_race;
	ptep = lookup(&vm.pgt, IA + L2).ptep;
	check(!vm_wrprotect(IA + L2, L2));
	check(kvm_pgtable_stage2_relax_perms(&vm.pgt, IA + L2, RW, KVM_PGTABLE_WALK_SHARED) ==
	      -EAGAIN);
	*ptep = race_pte;
	vm_destroy();
}

static void test_unmap(void)
{
	unsigned long caps;
	int i;

	for (i = 0; i < 4; i++) {
		u64 nr;

		caps = (i & 1 ? BIT(ARM64_HAS_STAGE2_FWB) : 0) | (i & 2 ? BIT(HW_TLB_RANGE) : 0);
		start(caps);
		check_op(!vm_map(IA, L2, PA, RWX, 0));
		check_op(!vm_map(IA + L2, 4 * PAGE_SIZE, PA + L2 + PAGE_SIZE, RWX, 0));
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
		vm_destroy();
	}
}

/* Write-protect, relax, age: of one block and two pages of the next table. */
static void test_attrs(void)
{
	u64 pte, nr, block;

	start(0);
	check_op(!vm_map(IA, L2, PA, RWX, 0));
	check_op(!vm_map(IA + L2, 2 * PAGE_SIZE, PA + PAGE_SIZE, RW, 0));
	block = lookup(&vm.pgt, IA).pte;
	pte = lookup(&vm.pgt, IA + L2).pte;
	nr = hw_nr_pages;

	check_op(!vm_wrprotect(IA + L2 / 2, L2 / 2 + PAGE_SIZE));
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
	vm_destroy();
}

/*
 * Write-protect some of three tables and a block, which begins or ends anywhere
 * in a table, or those of its pages that are set in a bitmap, in which @bit is
 * the first one's. What is not a page, or not in the range, is left alone.
 */
static void wrprotect_range(u64 first, u64 end, const unsigned long *bitmap, u64 bit)
{
	u64 annotation = (u64)KVM_HOST_INVALID_PTE_TYPE_DONATION << 60 | BIT(7) | BIT(6);
	u64 ia = IA + first * PAGE_SIZE, size = (end - first) * PAGE_SIZE;
	u64 attr, pte, expected, stores, i;

	start(0);
	s2_attr(RWX, &attr);
	vm_force_pte = true;
	check_op(!vm_map(IA, 3 * L2, PA, RWX, 0));
	vm_force_pte = false;
	check_op(!vm_map(IA + 3 * L2, L2, PA + 3 * L2, RWX, 0));
	for (i = 5; i < 3 * PTRS_PER_PTE; i += 61) {
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA + i * PAGE_SIZE, 2 * PAGE_SIZE));
		check(!kvm_pgtable_stage2_annotate(&vm.pgt, IA + i * PAGE_SIZE, PAGE_SIZE, &vm.mc,
						   KVM_HOST_INVALID_PTE_TYPE_DONATION,
						   annotation & ~KVM_INVALID_PTE_TYPE_MASK));
	}
	hw_barrier();

	check_op(!vm_wrprotect_bitmap(ia, size, bitmap, bit));
	for (i = 0; i <= 3 * PTRS_PER_PTE; i++) {
		bool block = i == 3 * PTRS_PER_PTE, in = i < end && (block || i >= first);

		if (in && !block && bitmap)
			in = bitmap[(bit + i - first) / 64] & BIT((bit + i - first) % 64);
		pte = lookup(&vm.pgt, IA + i * PAGE_SIZE).pte;
		expected = leaf_pte(PA + i * PAGE_SIZE, in ? attr & ~BIT(7) : attr, block ? 2 : 3);
		if (!block && i % 61 == 5)
			expected = annotation;
		else if (!block && i % 61 == 6)
			expected = 0;
		if (pte != expected)
			test_fail("write-protected [%lu, %lu): page %lu is %#lx, not %#lx", first,
				  end, i, pte, expected);
	}

	/* Nothing is left to store */
	stores = hw_stats.stores;
	check(!vm_wrprotect_bitmap(ia, size, bitmap, bit));
	check(hw_stats.stores == stores);
	vm_destroy();
}

#define NR PTRS_PER_PTE
static const u64 wrprotect_ranges[][2] = {
	{ 0, 1 }, { 0, 64 }, { 1, 2 }, { 64, 128 }, { NR - 1, NR }, { 0, NR },
	{ NR - 1, NR + 1 }, { 0, NR + 1 }, { NR - 1, 2 * NR }, { 7, NR - 3 },
	{ NR / 2, 2 * NR + 1 }, { NR / 2, NR / 2 + NR }, { NR + 9, 2 * NR - 1 },
	{ 3 * NR - 1, 3 * NR + 1 }, { 3 * NR + 1, 3 * NR + 2 }, { 2 * NR, 4 * NR },
	{ 0, 4 * NR },
};

static void test_wrprotect(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(wrprotect_ranges); i++)
		wrprotect_range(wrprotect_ranges[i][0], wrprotect_ranges[i][1], NULL, 0);

	start(0);
	check(wrprotect(BIT(40), PAGE_SIZE) == -ERANGE);
	check(wrprotect(BIT(40) - PAGE_SIZE, 2 * PAGE_SIZE) == -ERANGE);
	check(!wrprotect(0, BIT(40)));
	vm_destroy();
}

#ifdef HAVE_WRPROTECT_BITMAP
/* Bits are set in runs, of which a word may have many, or which span many words. */
static void test_wrprotect_bitmap(void)
{
	static const u32 runs[] = { 1, 3, 200, 3000 };
	unsigned long bitmap[4 * NR / 64 + 4];
	const u32 nr_bits = 8 * sizeof(bitmap);
	u32 bit, run;
	int i, r;

	for (r = 0; r < ARRAY_SIZE(runs); r++) {
		for (i = 0; i < ARRAY_SIZE(wrprotect_ranges); i++) {
			memset(bitmap, 0, sizeof(bitmap));
			for (bit = rnd(runs[r]); bit < nr_bits; bit += rnd(2 * runs[r])) {
				run = rnd(2 * runs[r]) + 1;
				for (; run && bit < nr_bits; run--, bit++)
					bitmap[bit / 64] |= BIT(bit % 64);
			}
			wrprotect_range(wrprotect_ranges[i][0], wrprotect_ranges[i][1], bitmap,
					rnd(4 * 64));
		}
	}
}
#endif

static void test_flush(void)
{
	start(0);
	check_op(!vm_map(IA, L2, PA, RWX, 0));
	check_op(!vm_map(IA + L2, PAGE_SIZE, PA, RW | KVM_PGTABLE_PROT_DEVICE, 0));
	check_op(!vm_map(IA + L2 + PAGE_SIZE, 2 * PAGE_SIZE, PA, RW, 0));
	memset(&hw_stats, 0, sizeof(hw_stats));
	check_op(!kvm_pgtable_stage2_flush(&vm.pgt, IA, L2 + 2 * PAGE_SIZE));
	check(hw_stats.cmos == L2 / PAGE_SIZE + 1 && !hw_stats.stores);
	hw_caps = BIT(ARM64_HAS_STAGE2_FWB);
	check(!kvm_pgtable_stage2_flush(&vm.pgt, 0, BIT(40)));
	check(hw_stats.cmos == L2 / PAGE_SIZE + 1);
	vm_destroy();
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
		check_op(!vm_map(IA + i * PAGE_SIZE, PAGE_SIZE, PA, prots[i], 0));
		check(kvm_pgtable_stage2_pte_prot(lookup(&vm.pgt, IA + i * PAGE_SIZE).pte) ==
		      prots[i]);
	}
	check(!kvm_pgtable_stage2_pte_prot(0));
	vm_destroy();
}

static void test_get_leaf(void)
{
	u64 pte;
	s8 level;

	start(0);
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA, &pte, &level) && !pte);
	check(level == vm.pgt.start_level);
	check(!vm_map(IA, L2, PA, RW, 0) && !vm_map(IA + L2, PAGE_SIZE, PA, RW, 0));
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA + L2 - 1, &pte, &level));
	check(level == 2 && pte == lookup(&vm.pgt, IA).pte);
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA + L2 + 5, &pte, &level));
	check(level == 3 && pte == lookup(&vm.pgt, IA + L2).pte);
	check(!kvm_pgtable_get_leaf(&vm.pgt, IA, NULL, NULL));
	check(kvm_pgtable_get_leaf(&vm.pgt, BIT(40), &pte, &level) == -ERANGE);
	vm_destroy();
}

#ifdef HAVE_CREATE_UNLINKED
static void test_unlinked(void)
{
	u64 attr, *table, i;

	start(0);
	s2_attr(RW, &attr);
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
	vm_destroy();
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
