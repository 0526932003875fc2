// SPDX-License-Identifier: GPL-2.0
/*
 * Where a split breaks many blocks, and invalidates the TLB once for all: what
 * is broken holds the table to come, and nothing of the batch is valid yet, or
 * still, when the TLB is invalidated.
 */
static struct {
	u64 start, end;
	u64 left_ia;
	bool linked, left, in_place;
} batch;

/*
 * The range is about to be split that way, or else in place; an empty one: it has
 * been.
 */
static void hw_split(u64 start, u64 end, bool in_place)
{
	memset(&batch, 0, sizeof(batch));
	batch.start = start;
	batch.end = end;
	batch.in_place = in_place;
}

/* The parts of a block in their order, @leaf the first but for its type. */
static bool is_complete(u64 *table, s8 level, u64 leaf)
{
	struct page *p = hw_page(table);
	u64 i;

	if (!p || p->live || p->count != 1 + PTRS_PER_PTE)
		return false;
	for (i = 0; i < PTRS_PER_PTE; i++, leaf += kvm_granule_size(level)) {
		if (is_table(table[i], level)) {
			if (!is_complete(child_of(table[i]), level + 1, leaf))
				return false;
		} else if (table[i] != (leaf | (level == KVM_PGTABLE_LAST_LEVEL ? 3 : 1))) {
			return false;
		}
	}
	return true;
}

static u64 first_leaf(u64 *table, s8 level)
{
	while (hw_page(table) && is_table(*table, level++))
		table = child_of(*table);
	return hw_page(table) ? *table & ~3ULL : 0;
}

static void check_batch_table(u64 *table, s8 level, u64 ia)
{
	u64 size = kvm_granule_size(level), i;

	for (i = 0; i < PTRS_PER_PTE; i++, ia += size) {
		u64 pte = table[i];

		if (ia >= batch.end || ia + size <= batch.start)
			continue;
		if (is_table(pte, level)) {
			if (level + 1 < KVM_PGTABLE_LAST_LEVEL)
				check_batch_table(child_of(pte), level + 1, ia);
		} else if (is_locked(pte)) {
			if (batch.left)
				violation(HW_LEFT_VALID, batch.left_ia, 1);
			if (!is_complete(child_of(pte), level + 1,
					 first_leaf(child_of(pte), level + 1)))
				violation(HW_INCOMPLETE, ia, size);
		} else if (pte & KVM_PTE_VALID && !batch.left) {
			batch.left = true;
			batch.left_ia = ia;
		}
	}
}

static void check_batch(struct kvm_pgtable *pgt)
{
	u64 size = kvm_granule_size(pgt->start_level) * PTRS_PER_PTE, i;

	if (!batch.end)
		return;
	if (batch.linked)
		violation(HW_EARLY_LINK, batch.start, batch.end - batch.start);
	batch.left = false;
	for (i = 0; i < DIV_ROUND_UP(BIT(pgt->ia_bits), size); i++)
		check_batch_table(pgt->pgd + i * PTRS_PER_PTE, pgt->start_level, i * size);
}
