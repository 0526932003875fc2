// SPDX-License-Identifier: GPL-2.0
/*
 * The checker checked: sequences that the architecture allows, and for each of
 * them those that it does not, which have to be reported.
 */

/* Two adjacent blocks, and a table full of pages that could replace the first. */
static struct leaf bbm_setup(u64 **table)
{
	struct leaf l;
	u64 i;

	vm_init(40);
	if (vm_map(IA, 2 * L2, PA, KVM_PGTABLE_PROT_RWX, 0))
		test_fail("map");
	hw_quiesce();
	l = lookup(&vm.pgt, IA);
	if (table) {
		*table = hw_alloc(PAGE_SIZE);
		for (i = 0; i < PTRS_PER_PTE; i++)
			hw_store(*table + i, (l.pte | 2) + i * PAGE_SIZE, HW_PLAIN);
	}
	return l;
}

static u64 bbm_table_pte(u64 *table)
{
	return kvm_init_table_pte(table, &s2_mm_ops);
}

static void flush_block(u64 ia)
{
	__kvm_tlb_flush_vmid_ipa(&vm.mmu, ia, 2);
}

static void good_break_flush_make(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
	hw_barrier();
}

static void bad_missing_tlbi(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	hw_barrier();
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
}

static void bad_missing_break(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
}

static void bad_tlbi_of_neighbour(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA + L2);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
}

static void bad_tlbi_level(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	__kvm_tlb_flush_vmid_ipa(&vm.mmu, IA, 3);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
}

static void bad_tlbi_local(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	__kvm_tlb_flush_vmid_ipa_nsh(&vm.mmu, IA, 2);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
}

static void bad_tlbi_before_break(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	flush_block(IA);
	hw_store(l.ptep, 0, HW_PLAIN);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
}

static void bad_output_address(void)
{
	struct leaf l = bbm_setup(NULL);

	hw_store(l.ptep, l.pte + L2, HW_PLAIN);
}

static void bad_memory_type(void)
{
	struct leaf l = bbm_setup(NULL);

	hw_store(l.ptep, l.pte ^ BIT(3), HW_PLAIN);
}

/* A table of pages becomes a block: the pages are in the TLB, too. */
static void collapse(u64 size)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
	hw_barrier();

	hw_store(l.ptep, 0, HW_PLAIN);
	__kvm_tlb_flush_vmid_range(&vm.mmu, IA, size / PAGE_SIZE);
	hw_store(l.ptep, l.pte, HW_RELEASE);
	hw_barrier();
	hw_free(table);
}

static void good_collapse(void)
{
	collapse(L2);
}

static void bad_range_too_short(void)
{
	collapse(L2 - PAGE_SIZE);
}

/* The same with FEAT_BBM: no break. The table has @table_diff, the block @diff. */
static void collapse_in_place(u64 table_diff, u64 diff, void (*flush)(void))
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA);
	table[PTRS_PER_PTE - 1] ^= table_diff;
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
	hw_barrier();

	hw_split(0, 0, true);
	hw_store(l.ptep, l.pte ^ diff, HW_RELEASE);
	flush();
	hw_unlock();
	hw_barrier();
	hw_split(0, 0, false);
	hw_free(table);
}

static void flush_all(void)
{
	__kvm_tlb_flush_vmid(&vm.mmu);
}

static void flush_range(void)
{
	__kvm_tlb_flush_vmid_range(&vm.mmu, IA, PTRS_PER_PTE);
}

static void good_collapse_in_place(void)
{
	collapse_in_place(0, 0, flush_all);
}

static void good_collapse_in_place_attrs(void)
{
	collapse_in_place(S2_PERMS | S2_AF, 0, flush_all);
}

static void bad_collapse_in_place_flushed_by_range(void)
{
	collapse_in_place(0, 0, flush_range);
}

static void bad_collapse_in_place_not_flushed(void)
{
	collapse_in_place(0, 0, hw_barrier);
}

static void bad_collapse_in_place_hole(void)
{
	collapse_in_place(KVM_PTE_VALID, 0, flush_all);
}

static void bad_collapse_in_place_page_moved(void)
{
	collapse_in_place(PAGE_SIZE, 0, flush_all);
}

static void bad_collapse_in_place_block_moved(void)
{
	collapse_in_place(0, L2, flush_all);
}

static void bad_collapse_in_place_memory_type(void)
{
	collapse_in_place(BIT(3), 0, flush_all);
}

static void bad_collapse_in_place_broken(void)
{
	collapse_in_place(0, KVM_PTE_VALID, flush_all);
}

/*
 * Two blocks become tables with one invalidation, of which these are the steps;
 * meanwhile the entries are locked, and hold the tables to come.
 */
enum batch_step {
	BREAK_1 = 1, BREAK_2, LINK_1, LINK_2, LINK_2_PLAIN, FLUSH_1, FLUSH_2, FLUSH_BOTH,
	FLUSH_ALL, SPOIL_2, READ_ONLY_2, RETYPE_2, MOVE_2, UNLOCK,
};

static void batch_steps(const u8 *steps)
{
	struct leaf l;
	u64 *table[2], i;
	int n;

	l = bbm_setup(&table[0]);
	table[1] = hw_alloc(PAGE_SIZE);
	for (i = 0; i < PTRS_PER_PTE; i++)
		hw_store(table[1] + i, table[0][i] + L2, HW_PLAIN);
	for (n = 0; n < 2; n++)
		hw_page(table[n])->count += PTRS_PER_PTE;

	hw_split(IA, IA + 2 * L2, hw_caps & BIT(HW_BBML2));
	for (; *steps; steps++) {
		n = *steps == BREAK_2 || *steps == LINK_2 || *steps == LINK_2_PLAIN ||
		    *steps == FLUSH_2;
		switch (*steps) {
		case BREAK_1:
		case BREAK_2:
			hw_store(l.ptep + n, (bbm_table_pte(table[n]) & ~KVM_PTE_VALID) |
				 (u64)KVM_INVALID_PTE_TYPE_LOCKED << 60, HW_PLAIN);
			break;
		case LINK_1:
		case LINK_2:
			hw_store(l.ptep + n, bbm_table_pte(table[n]), HW_RELEASE);
			break;
		case LINK_2_PLAIN:
			hw_store(l.ptep + n, bbm_table_pte(table[n]), HW_PLAIN);
			break;
		case FLUSH_1:
		case FLUSH_2:
			flush_block(IA + n * L2);
			break;
		case FLUSH_BOTH:
			__kvm_tlb_flush_vmid_range(&vm.mmu, IA, 2 * PTRS_PER_PTE);
			break;
		case FLUSH_ALL:
			__kvm_tlb_flush_vmid(&vm.mmu);
			break;
		case SPOIL_2:
			hw_store(table[1] + PTRS_PER_PTE - 1, 0, HW_PLAIN);
			break;
		case READ_ONLY_2:
			l.ptep[1] &= ~KVM_PTE_LEAF_ATTR_LO_S2_S2AP_W;
			break;
		case RETYPE_2:
			table[1][0] ^= BIT(3);
			break;
		case MOVE_2:
			table[1][0] += PAGE_SIZE;
			break;
		case UNLOCK:
			hw_unlock();
			break;
		}
	}
	hw_split(0, 0, false);
	hw_barrier();
}

#define BATCH(name, ...)						\
static void name(void)							\
{									\
	static const u8 steps[] = { __VA_ARGS__, 0 };			\
									\
	batch_steps(steps);						\
}

BATCH(good_batch, BREAK_1, BREAK_2, FLUSH_BOTH, LINK_1, LINK_2)
BATCH(good_batch_flush_all, BREAK_1, BREAK_2, FLUSH_ALL, LINK_2, LINK_1)
BATCH(good_batch_flush_each, BREAK_1, BREAK_2, FLUSH_1, FLUSH_2, LINK_1, LINK_2)
BATCH(good_batch_stops_early, BREAK_1, FLUSH_1, LINK_1)
BATCH(bad_batch_not_flushed, BREAK_1, BREAK_2, LINK_1, LINK_2)
BATCH(bad_batch_ends_early, BREAK_1, BREAK_2, FLUSH_1, LINK_1, LINK_2)
BATCH(bad_batch_starts_late, BREAK_1, BREAK_2, FLUSH_2, LINK_1, LINK_2)
BATCH(bad_batch_broken_after_flush, BREAK_1, FLUSH_BOTH, BREAK_2, LINK_1, LINK_2)
BATCH(bad_batch_linked_first, BREAK_1, BREAK_2, LINK_1, LINK_2, FLUSH_BOTH)
BATCH(bad_batch_one_linked_first, BREAK_1, LINK_1, BREAK_2, FLUSH_BOTH, LINK_2)
BATCH(bad_batch_not_all_broken, BREAK_2, FLUSH_BOTH, LINK_2)
BATCH(bad_batch_not_broken, BREAK_1, FLUSH_BOTH, LINK_1, LINK_2)
BATCH(bad_batch_table_incomplete, SPOIL_2, BREAK_1, BREAK_2, FLUSH_BOTH, LINK_1, LINK_2)

/* With FEAT_BBM, no break is needed, nor allowed to be seen. */
BATCH(good_in_place, LINK_1, LINK_2, FLUSH_ALL, UNLOCK)
BATCH(bad_in_place_not_flushed, LINK_1, LINK_2, UNLOCK, FLUSH_ALL)
BATCH(bad_in_place_flushed_by_range, LINK_1, LINK_2, FLUSH_BOTH, UNLOCK)
BATCH(bad_in_place_flushed_by_ipa, LINK_1, FLUSH_1, UNLOCK)
BATCH(bad_in_place_flushed_early, LINK_1, FLUSH_ALL, LINK_2, UNLOCK)
BATCH(bad_in_place_broken, BREAK_1, FLUSH_1, LINK_1)
BATCH(bad_in_place_not_visible, LINK_1, LINK_2_PLAIN, FLUSH_ALL, UNLOCK)
BATCH(bad_in_place_incomplete, SPOIL_2, LINK_1, LINK_2, FLUSH_ALL)
BATCH(bad_in_place_permissions, READ_ONLY_2, LINK_1, LINK_2, FLUSH_ALL)
BATCH(bad_in_place_memory_type, RETYPE_2, LINK_1, LINK_2, FLUSH_ALL)
BATCH(bad_in_place_output_address, MOVE_2, LINK_1, LINK_2, FLUSH_ALL)

static void bad_free_before_invalidate(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
	hw_barrier();

	hw_store(l.ptep, 0, HW_PLAIN);
	hw_free(table);
	__kvm_tlb_flush_vmid_range(&vm.mmu, IA, PTRS_PER_PTE);
}

static void bad_free_while_linked(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
	hw_barrier();
	hw_free(table);
}

static void link_one(bool barrier)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA);
	hw_store(table, l.pte | 2, HW_PLAIN);
	if (barrier)
		hw_barrier();
	hw_store(l.ptep, bbm_table_pte(table), HW_PLAIN);
	hw_barrier();
}

static void good_link_after_barrier(void)
{
	link_one(true);
}

static void bad_link_before_fill_is_visible(void)
{
	link_one(false);
}

static void good_permissions(void)
{
	struct leaf l = bbm_setup(NULL);

	hw_store(l.ptep, l.pte & ~KVM_PTE_LEAF_ATTR_LO_S2_S2AP_W, HW_PLAIN);
	flush_block(IA);
	hw_store(l.ptep, l.pte, HW_PLAIN);
	hw_barrier();
}

static void bad_permissions_not_flushed(void)
{
	struct leaf l = bbm_setup(NULL);

	hw_store(l.ptep, l.pte & ~KVM_PTE_LEAF_ATTR_LO_S2_S2AP_W, HW_PLAIN);
	hw_barrier();
}

static void bad_missing_barrier(void)
{
	u64 *table;
	struct leaf l = bbm_setup(&table);

	hw_store(l.ptep, 0, HW_PLAIN);
	flush_block(IA);
	hw_store(l.ptep, bbm_table_pte(table), HW_RELEASE);
}

static void bad_wild_store(void)
{
	u64 *table;

	bbm_setup(&table);
	hw_store(table + PTRS_PER_PTE, 0, HW_PLAIN);
}

/* The raw instructions of the hypervisor's stage-1. */
static void hyp(bool before, bool after)
{
	static struct kvm_pgtable pgt;
	u64 *ptep;

	if (kvm_pgtable_hyp_init(&pgt, 40, &hyp_mm_ops))
		test_fail("hyp_init");
	hw_root(&pgt);
	if (kvm_pgtable_hyp_map(&pgt, IA, PAGE_SIZE, PA, PAGE_HYP))
		test_fail("hyp_map");
	ptep = lookup(&pgt, IA).ptep;

	hw_store(ptep, 0, HW_PLAIN);
	if (before)
		hw_barrier();
	hw_tlbi_hyp(IA, 3);
	if (after)
		hw_tlbi_sync();
}

static void good_hyp_unmap(void)
{
	hyp(true, true);
}

static void bad_hyp_no_barrier_before_tlbi(void)
{
	hyp(false, true);
}

static void bad_hyp_no_sync_after_tlbi(void)
{
	hyp(true, false);
}

#define GOOD(name)		{ #name, name, 0 }
#define BAD(name, kind)		{ #name, name, BIT(kind) }
#define GOOD_BBML2(name)	{ #name, name, 0, BIT(HW_BBML2) }
#define BAD_BBML2(name, kind)	{ #name, name, BIT(kind), BIT(HW_BBML2) }

static const struct {
	const char *name;
	void (*fn)(void);
	u64 expect;
	unsigned long caps;
} examples[] = {
	GOOD(good_break_flush_make),
	BAD(bad_missing_tlbi, HW_NO_TLBI),
	BAD(bad_missing_break, HW_NO_BREAK),
	BAD(bad_tlbi_of_neighbour, HW_NO_TLBI),
	BAD(bad_tlbi_level, HW_NO_TLBI),
	BAD(bad_tlbi_local, HW_NO_TLBI),
	BAD(bad_tlbi_before_break, HW_NO_TLBI),
	BAD(bad_output_address, HW_NO_BREAK),
	BAD(bad_memory_type, HW_NO_BREAK),
	GOOD(good_collapse),
	BAD(bad_range_too_short, HW_NO_TLBI),
	GOOD_BBML2(good_collapse_in_place),
	GOOD_BBML2(good_collapse_in_place_attrs),
	BAD(good_collapse_in_place, HW_NO_BREAK),
	BAD_BBML2(bad_collapse_in_place_not_flushed, HW_UNLOCKED),
	BAD_BBML2(bad_collapse_in_place_not_flushed, HW_EARLY_FREE),
	BAD_BBML2(bad_collapse_in_place_flushed_by_range, HW_UNLOCKED),
	BAD_BBML2(bad_collapse_in_place_hole, HW_NO_BREAK),
	BAD_BBML2(bad_collapse_in_place_page_moved, HW_NO_BREAK),
	BAD_BBML2(bad_collapse_in_place_block_moved, HW_NO_BREAK),
	BAD_BBML2(bad_collapse_in_place_memory_type, HW_NO_BREAK),
	BAD_BBML2(bad_collapse_in_place_broken, HW_NEEDLESS_BREAK),
	GOOD(good_batch),
	GOOD(good_batch_flush_all),
	GOOD(good_batch_flush_each),
	GOOD(good_batch_stops_early),
	BAD(bad_batch_not_flushed, HW_NO_TLBI),
	BAD(bad_batch_ends_early, HW_NO_TLBI),
	BAD(bad_batch_starts_late, HW_NO_TLBI),
	BAD(bad_batch_broken_after_flush, HW_NO_TLBI),
	BAD(bad_batch_linked_first, HW_EARLY_LINK),
	BAD(bad_batch_one_linked_first, HW_EARLY_LINK),
	BAD(bad_batch_not_all_broken, HW_LEFT_VALID),
	BAD(bad_batch_not_broken, HW_NO_BREAK),
	BAD(bad_batch_table_incomplete, HW_INCOMPLETE),
	GOOD_BBML2(good_in_place),
	BAD(good_in_place, HW_NO_BREAK),
	BAD_BBML2(bad_in_place_not_flushed, HW_UNLOCKED),
	BAD_BBML2(bad_in_place_flushed_by_range, HW_UNLOCKED),
	BAD_BBML2(bad_in_place_flushed_by_ipa, HW_UNLOCKED),
	BAD_BBML2(bad_in_place_flushed_early, HW_UNLOCKED),
	BAD_BBML2(bad_in_place_broken, HW_NEEDLESS_BREAK),
	BAD_BBML2(bad_in_place_not_visible, HW_NOT_VISIBLE),
	BAD_BBML2(bad_in_place_incomplete, HW_NO_BREAK),
	BAD_BBML2(bad_in_place_permissions, HW_NO_BREAK),
	BAD_BBML2(bad_in_place_memory_type, HW_NO_BREAK),
	BAD_BBML2(bad_in_place_output_address, HW_NO_BREAK),
	BAD(bad_free_before_invalidate, HW_EARLY_FREE),
	BAD(bad_free_while_linked, HW_EARLY_FREE),
	GOOD(good_link_after_barrier),
	BAD(bad_link_before_fill_is_visible, HW_NOT_VISIBLE),
	GOOD(good_permissions),
	BAD(bad_permissions_not_flushed, HW_STALE),
	BAD(bad_missing_barrier, HW_NO_BARRIER),
	BAD(bad_wild_store, HW_WILD),
	GOOD(good_hyp_unmap),
	BAD(bad_hyp_no_barrier_before_tlbi, HW_STALE),
	BAD(bad_hyp_no_sync_after_tlbi, HW_STALE),
};

static void test_bbm_examples(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		hw_reset(0);
		hw_caps = BIT(HW_TLB_RANGE) | examples[i].caps;
		if (verbose)
			fprintf(stderr, "# %s\n", examples[i].name);
		hw_expect = examples[i].expect;
		hw_quiet = hw_expect && !verbose;
		examples[i].fn();
		hw_quiesce();
		hw_quiet = false;
		if (!(hw_seen & examples[i].expect) != !examples[i].expect)
			test_fail("%s: not reported, but %#lx", examples[i].name, hw_seen);
		hw_expect = 0;
	}
}
