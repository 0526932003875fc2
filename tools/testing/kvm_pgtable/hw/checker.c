// SPDX-License-Identifier: GPL-2.0
/*
 * Break-before-make: nothing that conflicts with what is in the TLB may be made
 * valid, and nothing is left behind when an operation is over.
 */
static u64 unsynced_seq, unsynced_ia;	/* the last change that a barrier is due for */

/* Bits of a leaf that may change while it is valid. */
static u64 mutable_bits(void)
{
	return SW_BITS | (root->mmu ? S2_PERMS | S2_AF : 0);
}

/* The table becomes reachable, or unreachable, with all that is below it. */
static void set_live(u64 *table, s8 level, u64 ia, bool live)
{
	struct page *p = hw_page(table);
	u64 i;

	if (!p)
		return violation(HW_WILD, ia, 1);
	p->live = live;
	p->level = level;
	p->ia = ia;
	for (i = 0; i < PTRS_PER_PTE; i++, ia += kvm_granule_size(level)) {
		if (!(table[i] & KVM_PTE_VALID))
			continue;
		if (!live)
			add_stale(ia, level, table[i], false);
		if (is_table(table[i], level))
			set_live(child_of(table[i]), level + 1, ia, live);
	}
}

static bool all_visible(u64 *table, s8 level)
{
	struct page *p = hw_page(table);
	u64 i;

	if (!p || p->last_store > barrier_seq)
		return false;
	for (i = 0; level < KVM_PGTABLE_LAST_LEVEL && i < PTRS_PER_PTE; i++)
		if (is_table(table[i], level) && !all_visible(child_of(table[i]), level + 1))
			return false;
	return true;
}

static void leaf_changes(u64 ia, s8 level, u64 old, u64 new)
{
	if ((old ^ new) & ~mutable_bits()) {
		if (!root->mmu || (old & S2_AF))
			violation(HW_NO_BREAK, ia, kvm_granule_size(level));
	} else if (root->mmu && s2_perms_reduced(old, new)) {
		add_stale(ia, level, old, false);
	} else if (root->mmu && (old & ~new & S2_AF)) {
		add_stale(ia, level, old, true);
	}
}

/* The parts of a block, but for what may change while they are valid. */
static bool is_alike(u64 *table, s8 level, u64 leaf)
{
	u64 i;

	for (i = 0; i < PTRS_PER_PTE; i++, leaf += kvm_granule_size(level)) {
		if (is_table(table[i], level)) {
			if (!is_alike(child_of(table[i]), level + 1, leaf))
				return false;
		} else if ((table[i] ^ leaf ^ (level == KVM_PGTABLE_LAST_LEVEL ? 3 : 1)) &
			   ~(S2_PERMS | S2_AF)) {
			return false;
		}
	}
	return true;
}

/*
 * FEAT_BBM at level 2: a table may replace a block without a break, or a block a
 * table, if the size is all that changes. The Access flag needs none in any case,
 * and nor do the permissions of pages that become those of a block.
 */
static bool changes_size(s8 level, u64 old, u64 new)
{
	u64 leaf = (is_table(new, level) ? old : new) & ~3ULL;

	if (!root->mmu || !(hw_caps & BIT(HW_BBML2)) ||
	    is_table(old, level) == is_table(new, level))
		return false;
	return is_table(old, level) ? is_alike(child_of(old), level + 1, leaf) :
				      is_complete(child_of(new), level + 1, leaf) ||
				      is_complete(child_of(new), level + 1, leaf | S2_AF);
}

static void link_table(s8 level, u64 ia, u64 new, enum hw_order order)
{
	if (order != HW_RELEASE && !all_visible(child_of(new), level + 1))
		violation(HW_NOT_VISIBLE, ia, kvm_granule_size(level));
	set_live(child_of(new), level + 1, ia, true);
}

/* From here on, the TLB may hold the old size and the new one. */
static void change_size(s8 level, u64 ia, u64 old, u64 new, enum hw_order order)
{
	size_t i = nr_stales;

	add_stale(ia, level, old, false);
	if (is_table(old, level))
		set_live(child_of(old), level + 1, ia, false);
	for (; i < nr_stales; i++)
		stales[i].both = true;
	if (is_table(new, level))
		link_table(level, ia, new, order);
}

static void live_store(struct page *p, u64 ia, u64 old, u64 new, enum hw_order order)
{
	u64 size = kvm_granule_size(p->level);

	log_event(order == HW_RELEASE ? EV_RELEASE : EV_STORE, ia, size, p->level, old, new);
	if (!((old | new) & KVM_PTE_VALID) || old == new)
		return;
	unsynced_seq = seq;
	unsynced_ia = ia;

	if (old & new & KVM_PTE_VALID) {
		if (!is_table(old, p->level) && !is_table(new, p->level))
			return leaf_changes(ia, p->level, old, new);
		if (changes_size(p->level, old, new))
			return change_size(p->level, ia, old, new, order);
		violation(HW_NO_BREAK, ia, size);
	}
	if (old & KVM_PTE_VALID) {
		if (batch.in_place && !(new & KVM_PTE_VALID))
			violation(HW_NEEDLESS_BREAK, ia, size);
		add_stale(ia, p->level, old, false);
		if (is_table(old, p->level))
			set_live(child_of(old), p->level + 1, ia, false);
	}
	if (new & KVM_PTE_VALID) {
		if (is_stale(ia, size))
			violation(HW_NO_TLBI, ia, size);
		if (is_table(new, p->level)) {
			batch.linked = true;
			link_table(p->level, ia, new, order);
		}
	}
}

/* The hardware starts to walk @pgt, or ceases to walk what it does. */
static void hw_root(struct kvm_pgtable *pgt)
{
	struct kvm_pgtable *old = root;
	u64 i, nr, size;

	root = pgt ?: old;
	if (!root)
		return;
	size = kvm_granule_size(root->start_level) * PTRS_PER_PTE;
	nr = DIV_ROUND_UP(BIT(root->ia_bits), size);
	for (i = 0; i < nr; i++)
		set_live(root->pgd + i * PTRS_PER_PTE, root->start_level, i * size, pgt);
	if (!pgt)	/* the VMID is not in use any more */
		__kvm_tlb_flush_vmid(NULL);
	root = pgt;
}

/* The lock may be dropped now, and others change single pages. */
static void hw_unlock(void)
{
	size_t i;

	for (i = 0; i < nr_stales; i++)
		if (stales[i].both)
			return violation(HW_UNLOCKED, stales[i].ia, stales[i].size);
}

static void check_left_over(void)
{
	size_t i;

	if (unsynced_seq > barrier_seq)
		violation(HW_NO_BARRIER, unsynced_ia, 1);
	for (i = 0; i < nr_stales; i++)
		if (!stales[i].af_only)
			return violation(HW_STALE, stales[i].ia, stales[i].size);
}

static void checker_reset(void)
{
	unsynced_seq = 0;
}
