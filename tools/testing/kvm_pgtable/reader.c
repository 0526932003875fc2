// SPDX-License-Identifier: GPL-2.0
/* A reader of the tables that shares nothing with the walker. */

struct leaf {
	u64 pte;
	u64 *ptep;
	u64 ia;		/* of its first byte */
	s8 level;
};

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

/*
 * Each table below @table that the range touches has one reference for itself
 * and one for each entry in use. Returns their number.
 */
static u64 check_table(u64 *table, s8 level, u64 ia, u64 start, u64 end)
{
	struct page *p = hw_page(table);
	u64 size = kvm_granule_size(level), nr = 1, i;
	int used = 0;

	for (i = 0; i < PTRS_PER_PTE; i++, ia += size) {
		used += !!table[i];
		if (is_locked(table[i]))
			test_fail("entry at ia %#lx left locked", ia);
		if (is_table(table[i], level) &&
		    table[i] != (kvm_phys_to_pte(kvm_pte_to_phys(table[i])) | 3))
			test_fail("table entry at ia %#lx is %#lx", ia, table[i]);
		if (is_table(table[i], level) && ia < end && start < ia + size)
			nr += check_table(child_of(table[i]), level + 1, ia, start, end);
	}
	if (!p || p->count != 1 + used)
		test_fail("level %d table at ia %#lx: %d references, %d entries", level,
			  ia - size * PTRS_PER_PTE, p ? p->count : 0, used);
	return nr;
}

static u64 check_tables(struct kvm_pgtable *pgt, u64 start, u64 end)
{
	u64 size = kvm_granule_size(pgt->start_level) * PTRS_PER_PTE;
	u64 i, nr = 0, roots = DIV_ROUND_UP(BIT(pgt->ia_bits), size);

	for (i = 0; i < roots; i++) {
		if (i * size < end && start < (i + 1) * size)
			nr += check_table(pgt->pgd + i * PTRS_PER_PTE, pgt->start_level,
					  i * size, start, end);
		else
			nr++;
	}
	return nr;
}
