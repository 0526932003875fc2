// SPDX-License-Identifier: GPL-2.0
/* Tables that give way to blocks, and those that don't. */
#ifdef HAVE_COLLAPSE

/* Collapse @size at @ia; expect @nr level-2 and @nr1 level-1 blocks in return. */
static void collapse_range(u64 ia, u64 size, u32 nr, u32 nr1)
{
	u32 nr_blocks[KVM_PGTABLE_LAST_LEVEL] = { [1] = nr1, [2] = nr };

	vm_collapse(ia, size, nr_blocks);
	hw_quiesce();
	vm_check();
}

/* A block of pages, with the attributes that @prot stands for. */
static void map_pages(u64 ia, u64 size, u64 pa, u64 prot)
{
	vm_force_pte = true;
	check_op(!vm_map(ia, size, pa, prot, 0));
	vm_force_pte = false;
	check(lookup(&vm.pgt, ia).level == 3);
}

static void start_collapse(unsigned long caps)
{
	start(caps);
	host.size = BIT(48);
	host.salt = 0;
}

static void test_collapse(void)
{
	u64 prot = RWX | KVM_PGTABLE_PROT_SW0 | KVM_PGTABLE_PROT_SW2, attr, nr;

	start_collapse(BIT(HW_TLB_RANGE));
	s2_attr(prot, &attr);
	nr = hw_nr_pages;
	check_op(!vm_map(IA, 4 * L2, PA, prot, 0));
	vm_fill_cache(4);
	check_op(!vm_split(IA, 4 * L2));

	/* One, and no cache maintenance for it */
	memset(&hw_stats, 0, sizeof(hw_stats));
	collapse_range(IA + L2, L2, 1, 0);
	check(lookup(&vm.pgt, IA + L2).pte == leaf_pte(PA + L2, attr, 2));
	check(lookup(&vm.pgt, IA).level == 3 && lookup(&vm.pgt, IA + 2 * L2).level == 3);
	check(nr_tlbi() == 1 && !hw_stats.cmos);

	/* All that is left, at once; what is a block already stays one */
	memset(&hw_stats, 0, sizeof(hw_stats));
	collapse_range(IA, 4 * L2, 3, 0);
	check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, attr, 2));
	check(lookup(&vm.pgt, IA + 3 * L2).pte == leaf_pte(PA + 3 * L2, attr, 2));
	check(nr_tlbi() == 1 && !hw_stats.cmos);

	/* Nothing to do, and nothing to invalidate */
	memset(&hw_stats, 0, sizeof(hw_stats));
	collapse_range(0, BIT(40), 0, 0);
	check(!hw_stats.stores && !hw_stats.barriers);

	check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, 4 * L2));
	check(hw_nr_pages == nr);
	vm_destroy();
}

/* A level-1 block (4K only), from pages, from blocks, and from both. */
static void test_collapse_level1(void)
{
	u64 size = kvm_granule_size(1), ia = 4 * size, attr, w;
	int tables;

	if (KVM_PGTABLE_MIN_BLOCK_LEVEL > 1)
		return;

	for (tables = 1; tables <= 513; tables += 256) {
		start_collapse(BIT(HW_TLB_RANGE));
		s2_attr(RW, &attr);
		check_op(!vm_map(ia, size, PA, RW, 0));
		vm_fill_cache(tables);
		check_op(vm_split(ia, size) == (tables < 513 ? -ENOMEM : 0));

		/* All of it or nothing */
		collapse_range(ia, size - L2, tables - 1 - (tables == 513), 0);
		check(lookup(&vm.pgt, ia).level == 2);
		collapse_range(ia, size, 0, 1);
		check(lookup(&vm.pgt, ia).pte == leaf_pte(PA, attr, 1));
		vm_destroy();
	}

	/* If the host has level-2 blocks, or one of the pages differs, that is it */
	start_collapse(BIT(HW_TLB_RANGE));
	map_pages(ia, 2 * size, PA, RW);
	check_op(!vm_map(ia + 2 * size - PAGE_SIZE, PAGE_SIZE, PA, RW, 0));
	collapse_range(ia + size, size, 511, 0);
	host.size = L2;
	collapse_range(ia, size, 512, 0);
	host.size = size;
	collapse_range(ia, size, 0, 1);
	vm_destroy();

	/* What one page may be done to, wherever it is */
	for (w = ia; w < ia + size; w += size - PAGE_SIZE) {
		start_collapse(BIT(HW_TLB_RANGE));
		s2_attr(RW, &attr);
		map_pages(ia, size, PA, KVM_PGTABLE_PROT_R);
		kvm_pgtable_stage2_relax_perms(&vm.pgt, w, RW, 0);
		collapse_range(ia, size, 0, 1);
		check(lookup(&vm.pgt, ia).pte == leaf_pte(PA, attr, 1));
		vm_destroy();
	}
}

/* What a block can't map, or may not */
static void test_collapse_refused(void)
{
	static const u64 prots[] = {
		RW | KVM_PGTABLE_PROT_SW0, RW | KVM_PGTABLE_PROT_SW3,
		RW | KVM_PGTABLE_PROT_DEVICE, RW | KVM_PGTABLE_PROT_NORMAL_NC,
		KVM_PGTABLE_PROT_W,
	};
	u64 odd[] = { 0, 1, PTRS_PER_PTE / 2, PTRS_PER_PTE - 1 }, page;
	u32 i, n;

	start_collapse(0);

	/* One page that is not like the others */
	for (n = 0; n < ARRAY_SIZE(odd); n++) {
		page = IA + odd[n] * PAGE_SIZE;
		for (i = 0; i < ARRAY_SIZE(prots); i++) {
			map_pages(IA, L2, PA, RW);
			check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, page, PAGE_SIZE));
			check_op(!vm_map(page, PAGE_SIZE, PA + page - IA, prots[i], 0));
			collapse_range(IA, L2, 0, 0);
			check(lookup(&vm.pgt, IA).level == 3);
			check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));
		}

		/* A hole, another page */
		map_pages(IA, L2, PA, RW);
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, page, PAGE_SIZE));
		collapse_range(IA, L2, 0, 0);
		check_op(!vm_map(page, PAGE_SIZE, PA + L2 + page - IA, RW, 0));
		collapse_range(IA, L2, 0, 0);
		check_op(!vm_map(page, PAGE_SIZE, PA + page - IA, RW, 0));
		collapse_range(IA, L2, 1, 0);
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));
	}

	/* Memory that is not aligned */
	map_pages(IA, L2, PA + PAGE_SIZE, RW);
	collapse_range(IA, L2, 0, 0);
	check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

	/* Neither end of the range may lie within the block; nor is the host asked */
	map_pages(IA, L2, PA, RW);
	collapse_range(IA + PAGE_SIZE, 2 * L2, 0, 0);
	collapse_range(IA - L2, 2 * L2 - PAGE_SIZE, 0, 0);

	/* The host says no */
	host.size = L2 / 2;
	collapse_range(IA, L2, 0, 0);
	host.size = L2;
	collapse_range(IA, L2, 1, 0);
	vm_destroy();
}

/* What its pages may differ in, and what becomes of that */
static void test_collapse_attributes(void)
{
	const u64 w = KVM_PTE_LEAF_ATTR_LO_S2_S2AP_W, xn = KVM_PTE_LEAF_ATTR_HI_S2_XN;
	u64 odd[] = { 0, 1, PTRS_PER_PTE - 1 }, page, attr, ro;
	u32 n;

	start_collapse(BIT(ARM64_HAS_XNX));
	s2_attr(RW, &attr);
	s2_attr(KVM_PGTABLE_PROT_R, &ro);
	for (n = 0; n < ARRAY_SIZE(odd); n++) {
		page = IA + odd[n] * PAGE_SIZE;

		/* One is writable, or all but one are */
		map_pages(IA, L2, PA, KVM_PGTABLE_PROT_R);
		kvm_pgtable_stage2_relax_perms(&vm.pgt, page, RW, 0);
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, ro | w, 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

		map_pages(IA, L2, PA, RW);
		check_op(!vm_wrprotect(page, PAGE_SIZE));
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, ro | w, 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

		/* None is */
		map_pages(IA, L2, PA, RW);
		check_op(!vm_wrprotect(IA, L2));
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, ro, 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

		/* One is young, all but one are */
		map_pages(IA, L2, PA, RW);
		kvm_pgtable_stage2_test_clear_young(&vm.pgt, IA, L2, true);
		__kvm_tlb_flush_vmid(&vm.mmu);
		kvm_pgtable_stage2_mkyoung(&vm.pgt, page, 0);
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, attr, 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

		map_pages(IA, L2, PA, RW);
		kvm_pgtable_stage2_test_clear_young(&vm.pgt, page, PAGE_SIZE, true);
		__kvm_tlb_flush_vmid(&vm.mmu);
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, attr, 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

		/* One is executable, all but one are, or in different ways */
		map_pages(IA, L2, PA, RW);
		kvm_pgtable_stage2_relax_perms(&vm.pgt, page, RWX, 0);
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, attr, 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

		map_pages(IA, L2, PA, RWX);
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, page, PAGE_SIZE));
		check_op(!vm_map(page, PAGE_SIZE, PA + page - IA,
				 RW | KVM_PGTABLE_PROT_PX, 0));
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, (attr & ~xn) | BIT(54), 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));

		/* All are, in the same way */
		s2_attr(RWX, &ro);
		map_pages(IA, L2, PA, RWX);
		collapse_range(IA, L2, 1, 0);
		check(lookup(&vm.pgt, IA).pte == leaf_pte(PA, ro, 2));
		check_op(!kvm_pgtable_stage2_unmap(&vm.pgt, IA, L2));
		s2_attr(KVM_PGTABLE_PROT_R, &ro);
	}
	vm_destroy();
}

/* Freeing the tables: no walk of the pages, one drop of all their references. */
static void test_collapse_frees(void)
{
	u64 refs;

	start_collapse(0);
	map_pages(IA, L2, PA, RW);
	refs = hw_stats.refs;
	collapse_range(IA, L2, 1, 0);
	check(hw_stats.refs - refs == 2);
	vm_destroy();
}
#endif
