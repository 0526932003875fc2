// SPDX-License-Identifier: GPL-2.0
/*
 * The TLB. Every entry that a hardware walker could reach is taken to be in it
 * from the moment it is valid, be it a leaf or a table. Once it changes, what it
 * was is kept as stale until an invalidation covers it.
 */
static struct kvm_pgtable *root;	/* what the hardware walks */

static struct stale {
	u64 ia, size, val, seq;
	struct page *child;
	s8 level;
	bool af_only;		/* merely old: to be flushed at leisure */
	bool issued;		/* invalidated, but not synchronised */
	bool both;		/* another size may be in the TLB, too */
} *stales;
static size_t nr_stales, max_stales;

static void add_stale(u64 ia, s8 level, u64 val, bool af_only)
{
	struct page *child = is_table(val, level) ? hw_page(child_of(val)) : NULL;

	if (!child && root->mmu && !(val & S2_AF))
		return;		/* not cached without the Access flag */
	if (nr_stales == max_stales) {
		max_stales = max_stales ? 2 * max_stales : 1024;
		stales = realloc(stales, max_stales * sizeof(*stales));
	}
	if (child)
		child->nr_stale++;
	stales[nr_stales++] = (struct stale) {
		.ia = ia, .size = kvm_granule_size(level), .val = val, .seq = seq,
		.child = child, .level = level, .af_only = af_only,
	};
}

static bool is_stale(u64 ia, u64 size)
{
	size_t i;

	for (i = 0; i < nr_stales; i++)
		if (stales[i].ia < ia + size && ia < stales[i].ia + stales[i].size)
			return true;
	return false;
}

/*
 * What matches is to go; of the stores that a barrier has made visible only. If
 * there are several entries for an address, the invalidation of the whole VMID
 * is the only one that is sure to find them all.
 */
static void tlb_invalidate(u64 ia, u64 size, int level)
{
	size_t i;

	for (i = 0; i < nr_stales; i++) {
		struct stale *s = &stales[i];

		if (s->both && size != -1ULL)
			continue;
		s->issued |= s->ia < ia + size && ia < s->ia + s->size &&
			     s->seq <= barrier_seq &&
			     (level < 0 || level > KVM_PGTABLE_LAST_LEVEL ||
			      (level == s->level && !s->child));
	}
}

/* It has gone. */
static void tlb_sync(void)
{
	size_t i, j;

	for (i = j = 0; i < nr_stales; i++) {
		if (!stales[i].issued)
			stales[j++] = stales[i];
		else if (stales[i].child)
			stales[i].child->nr_stale--;
	}
	nr_stales = j;
}

static void tlb_reset(void)
{
	root = NULL;
	nr_stales = 0;
}
