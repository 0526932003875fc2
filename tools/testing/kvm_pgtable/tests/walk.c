// SPDX-License-Identifier: GPL-2.0
/*
 * The walker itself: an oracle, written from the kernel-doc of the flags and
 * ignorant of how the walker moves, predicts each callback of a walk.
 */
#ifndef HAVE_SKIP_LEVEL
#define KVM_PGTABLE_WALK_SKIP_LEVEL0	0
#define KVM_PGTABLE_WALK_SKIP_LEVEL1	0
#define KVM_PGTABLE_WALK_SKIP_LEVEL2	0
#define KVM_PGTABLE_WALK_SKIP_LEVEL3	0
#endif
#ifndef HAVE_SKIP_NEW_TABLE
#define KVM_PGTABLE_WALK_SKIP_NEW_TABLE	0
#endif
#ifndef HAVE_CREATE_UNLINKED
#define KVM_PGTABLE_WALK_SKIP_BBM_TLBI	0
#define KVM_PGTABLE_WALK_SKIP_CMO	0
#endif

struct visit {
	int kind;
	s8 level;
	u64 addr;
	u64 *ptep;
	u64 old;
};

/* What a callback does on the n-th visit. */
enum action {
	ACT_NONE,
	ACT_ERROR,		/* returns -EIO */
	ACT_EAGAIN,		/* returns -EAGAIN */
	ACT_INSTALL,		/* leaf -> table, table -> invalid */
	ACT_INSTALL_EAGAIN,	/* another walker did so */
	NR_ACTIONS,
};

struct walk {
	struct kvm_pgtable pgt;
	int flags;
	u64 start, end;			/* of the walk, as callbacks see it */
	enum action act;
	int act_at, act_step;		/* on visits act_at + n * act_step */

	int nr, max, ret;		/* predicted */
	bool overflow;
	int seen;			/* by the walk */
	struct { u64 *ptep; u64 val; } undo[64];
	int nr_undo;
	u64 spare[4];			/* a small tree for each level to install */
};

#define VISIT_ANY	(KVM_PGTABLE_WALK_LEAF | KVM_PGTABLE_WALK_TABLE_PRE |	\
			 KVM_PGTABLE_WALK_TABLE_POST)
#define MAX_VISITS	40000

static struct visit visits[MAX_VISITS];	/* predicted */

static enum action act_of(struct walk *w, int n)
{
	if (n == w->act_at)
		return w->act;
	if (w->act_step && n > w->act_at && !((n - w->act_at) % w->act_step) &&
	    (n - w->act_at) / w->act_step < (int)ARRAY_SIZE(w->undo))
		return w->act;
	return ACT_NONE;
}

/* The entry a callback leaves behind. */
static u64 act_pte(struct walk *w, enum action act, int kind, s8 level, u64 old)
{
	if (act != ACT_INSTALL && act != ACT_INSTALL_EAGAIN)
		return old;
	if (kind == KVM_PGTABLE_WALK_TABLE_PRE)
		return 0;
	if (kind == KVM_PGTABLE_WALK_LEAF && level >= 0 && level < KVM_PGTABLE_LAST_LEVEL)
		return w->spare[level + 1];
	return old;
}

static int act_ret(enum action act)
{
	return act == ACT_ERROR ? -EIO :
	       act == ACT_EAGAIN || act == ACT_INSTALL_EAGAIN ? -EAGAIN : 0;
}

static bool stops(struct walk *w, int ret)
{
	return ret && !(ret == -EAGAIN && (w->flags & KVM_PGTABLE_WALK_IGNORE_EAGAIN));
}

static int predict(struct walk *w, int kind, s8 level, u64 addr, u64 *ptep, u64 *pte)
{
	enum action act = act_of(w, w->nr);

	if (w->nr == w->max) {
		w->overflow = true;
		return -EIO;
	}
	visits[w->nr++] = (struct visit) { kind, level, addr, ptep, *pte };
	*pte = act_pte(w, act, kind, level, *pte);
	return act_ret(act);
}

static bool skips_level(struct walk *w, s8 level)
{
	return (level == 0 && (w->flags & KVM_PGTABLE_WALK_SKIP_LEVEL0)) ||
	       (level == 1 && (w->flags & KVM_PGTABLE_WALK_SKIP_LEVEL1)) ||
	       (level == 2 && (w->flags & KVM_PGTABLE_WALK_SKIP_LEVEL2)) ||
	       (level == 3 && (w->flags & KVM_PGTABLE_WALK_SKIP_LEVEL3));
}

static int predict_table(struct walk *w, u64 *table, s8 level, u64 addr, u64 end);

static int predict_entry(struct walk *w, u64 *ptep, s8 level, u64 addr, u64 end)
{
	u64 pte = *ptep, boundary = (addr | (kvm_granule_size(level) - 1)) + 1;
	int ret = 0;

	if (is_table(pte, level)) {
		if (w->flags & KVM_PGTABLE_WALK_TABLE_PRE)
			ret = predict(w, KVM_PGTABLE_WALK_TABLE_PRE, level, addr, ptep, &pte);
	} else if (w->flags & KVM_PGTABLE_WALK_LEAF) {
		ret = predict(w, KVM_PGTABLE_WALK_LEAF, level, addr, ptep, &pte);
		if (!stops(w, ret) && (w->flags & KVM_PGTABLE_WALK_SKIP_NEW_TABLE))
			return 0;
	}
	if (stops(w, ret))
		return ret;
	if (!is_table(pte, level))
		return 0;

	ret = skips_level(w, level + 1) ? 0 :
	      predict_table(w, child_of(pte), level + 1, addr, min(end, boundary));
	if (ret)
		return ret;
	if (w->flags & KVM_PGTABLE_WALK_TABLE_POST) {
		ret = predict(w, KVM_PGTABLE_WALK_TABLE_POST, level, addr, ptep, &pte);
		if (stops(w, ret))
			return ret;
	}
	return 0;
}

static int predict_table(struct walk *w, u64 *table, s8 level, u64 addr, u64 end)
{
	int ret = 0;

	while (addr < end && !ret) {
		ret = predict_entry(w, &table[(addr >> kvm_granule_shift(level)) % PTRS_PER_PTE],
				    level, addr, end);
		addr = (addr | (kvm_granule_size(level) - 1)) + 1;
	}
	return ret;
}

static int predict_walk(struct walk *w)
{
	u64 addr = w->start, span = kvm_granule_size(w->pgt.start_level) * PTRS_PER_PTE;
	int ret = 0;

	while (addr < w->end && !ret) {
		ret = predict_table(w, w->pgt.pgd + addr / span * PTRS_PER_PTE,
				    w->pgt.start_level, addr,
				    min(w->end, (addr / span + 1) * span));
		addr = (addr / span + 1) * span;
	}
	return ret;
}

static void print_walk(struct walk *w)
{
	fprintf(stderr, "walk [%#lx, %#lx) from level %d, %u bits, flags %#x, action %d at %d/%d\n",
		w->start, w->end, w->pgt.start_level, w->pgt.ia_bits, w->flags, w->act, w->act_at,
		w->act_step);
}

static int walk_visitor(const struct kvm_pgtable_visit_ctx *ctx,
			enum kvm_pgtable_walk_flags visit)
{
	struct walk *w = ctx->arg;
	enum action act = act_of(w, w->seen);
	struct visit *v = &visits[w->seen++];
	u64 new;

	if (w->seen > w->nr) {
		print_walk(w);
		test_fail("visit of level %d, address %#lx after the last one expected", ctx->level,
			  ctx->addr);
	}
	if (visit != v->kind || ctx->level != v->level || ctx->addr != v->addr ||
	    ctx->ptep != v->ptep || ctx->old != v->old) {
		print_walk(w);
		test_fail("visit %d: %d level %d addr %#lx old %#lx, not %d %d %#lx %#lx",
			  w->seen - 1, visit, ctx->level, ctx->addr, ctx->old, v->kind, v->level,
			  v->addr, v->old);
	}
	if (ctx->start != w->start || ctx->end != w->end || ctx->flags != w->flags ||
	    ctx->mm_ops != w->pgt.mm_ops)
		test_fail("context of visit %d", w->seen - 1);
	if (hw_rcu_held() != !!(w->flags & KVM_PGTABLE_WALK_SHARED))
		test_fail("RCU read lock in visit %d", w->seen - 1);

	new = act_pte(w, act, visit, ctx->level, ctx->old);
	if (new != ctx->old) {
		w->undo[w->nr_undo].ptep = ctx->ptep;
		w->undo[w->nr_undo++].val = ctx->old;
		*ctx->ptep = new;
	}
	return act_ret(act);
}

static void do_walk(struct walk *w, u64 addr, u64 size)
{
	struct kvm_pgtable_walker walker = {
		.cb	= walk_visitor,
		.arg	= w,
		.flags	= w->flags,
	};
	int ret;

	w->start = addr & PAGE_MASK;
	w->end = (w->start + size + PAGE_SIZE - 1) & PAGE_MASK;
	w->nr = 0;
	w->seen = 0;
	w->nr_undo = 0;
	w->overflow = false;
	w->ret = predict_walk(w);
	if (w->overflow)
		return;

	ret = kvm_pgtable_walk(&w->pgt, addr, size, &walker);
	if (w->seen != w->nr || ret != w->ret) {
		print_walk(w);
		test_fail("walk ended with %d after %d visits, expected %d after %d", ret, w->seen,
			  w->ret, w->nr);
	}
	if (hw_rcu_held())
		test_fail("RCU read lock held after the walk");
	while (w->nr_undo--)
		*w->undo[w->nr_undo].ptep = w->undo[w->nr_undo].val;
}

/* -- shapes ---------------------------------------------------------------- */

static u64 table_pte(void *table)
{
	return kvm_phys_to_pte(hw_pa(table)) | 3;
}

static u64 random_leaf(s8 level)
{
	if (level < KVM_PGTABLE_MIN_BLOCK_LEVEL || rnd(3) == 0)
		return rnd(2) ? (u64)rnd(1 << 20) << 2 : 0;	/* invalid, annotated */
	return (level == KVM_PGTABLE_LAST_LEVEL ? 3 : 1) | 0x7c0;
}

static u64 *random_table(s8 level, int depth)
{
	u64 *table = hw_alloc(PAGE_SIZE);
	int i;

	for (i = 0; i < 10; i++) {
		u64 idx = i < 3 ? i : i < 5 ? PTRS_PER_PTE - (i - 2) : rnd(PTRS_PER_PTE);

		if (table[idx])
			continue;
		if (level < KVM_PGTABLE_LAST_LEVEL && depth && rnd(2))
			table[idx] = table_pte(random_table(level + 1, depth - 1));
		else
			table[idx] = random_leaf(level);
	}
	return table;
}

/* Below, on and above the boundaries of every level, and in between. */
static u64 random_address(struct walk *w)
{
	u64 limit = BIT(w->pgt.ia_bits);
	u64 addr = 0;
	s8 level;

	for (level = w->pgt.start_level; level <= KVM_PGTABLE_LAST_LEVEL; level++) {
		u64 nr = level == w->pgt.start_level ? limit >> kvm_granule_shift(level) :
						       PTRS_PER_PTE;
		u64 idx[] = { 0, 1, 2, nr - 1, nr - 2, nr / 2, PTRS_PER_PTE, rnd(nr) };

		addr += (idx[rnd(ARRAY_SIZE(idx))] % nr) << kvm_granule_shift(level);
		if (!rnd(3))
			break;
	}
	switch (rnd(4)) {
	case 0:
		addr += PAGE_SIZE;
		break;
	case 1:
		addr -= PAGE_SIZE;
		break;
	case 2:
		addr += kvm_granule_size(2) / 2;
		break;
	}
	return addr % limit;
}

static void walk_shape(struct walk *w, s8 start_level, u32 ia_bits)
{
	u64 span = kvm_granule_size(start_level) * PTRS_PER_PTE;
	u64 nr = DIV_ROUND_UP(BIT(ia_bits), span), i, j;
	u64 used = min((u64)PTRS_PER_PTE, BIT(ia_bits) >> kvm_granule_shift(start_level));

	hw_reset(0);
	w->pgt.ia_bits = ia_bits;
	w->pgt.start_level = start_level;
	w->pgt.mm_ops = &s2_mm_ops;
	w->pgt.pgd = hw_alloc(nr * PAGE_SIZE);
	for (i = 0; i < nr; i++) {
		if (i > 1 && i < nr - 1 && rnd(4))
			continue;
		for (j = 0; j < 6; j++) {
			u64 idx = j < 2 ? j : j < 4 ? used - (j - 1) : rnd(used);
			u64 *ptep = w->pgt.pgd + i * PTRS_PER_PTE + idx % used;

			if (*ptep)
				continue;
			*ptep = start_level < KVM_PGTABLE_LAST_LEVEL && rnd(4) ?
				table_pte(random_table(start_level + 1, 2)) :
				random_leaf(start_level);
		}
	}
	for (i = 1; i < ARRAY_SIZE(w->spare); i++)
		w->spare[i] = table_pte(random_table(i, 1));
}

static void each_shape(struct walk *w, void (*fn)(struct walk *w))
{
	int max_ia = PAGE_SHIFT == 16 || system_supports_lpa2() ? 52 : 48;
	s8 level;

	for (level = KVM_PGTABLE_FIRST_LEVEL; level <= KVM_PGTABLE_LAST_LEVEL; level++) {
		u32 entry = kvm_granule_shift(level), table = kvm_granule_shift(level - 1);
		u32 bits[] = { entry + 1, table - 1, table, table + 1, table + 4, max_ia };
		u32 i;

		for (i = 0; i < ARRAY_SIZE(bits); i++) {
			if (bits[i] <= entry || bits[i] > max_ia || bits[i] > table + 4 ||
			    (i && bits[i] <= bits[i - 1]))
				continue;
			walk_shape(w, level, bits[i]);
			fn(w);
		}
	}
}

static const int walk_flags[] = {
	KVM_PGTABLE_WALK_LEAF, KVM_PGTABLE_WALK_TABLE_PRE, KVM_PGTABLE_WALK_TABLE_POST,
	KVM_PGTABLE_WALK_SHARED, KVM_PGTABLE_WALK_IGNORE_EAGAIN,
	KVM_PGTABLE_WALK_SKIP_LEVEL0, KVM_PGTABLE_WALK_SKIP_LEVEL1,
	KVM_PGTABLE_WALK_SKIP_LEVEL2, KVM_PGTABLE_WALK_SKIP_LEVEL3,
	KVM_PGTABLE_WALK_SKIP_NEW_TABLE,
	/* No business of the walker's */
	KVM_PGTABLE_WALK_SKIP_BBM_TLBI, KVM_PGTABLE_WALK_SKIP_CMO,
};

#define NR_WALKER_FLAGS	(ARRAY_SIZE(walk_flags) - 2)

static int flags_of(u32 mask)
{
	u32 i;
	int flags = 0;

	for (i = 0; i < ARRAY_SIZE(walk_flags); i++)
		if (mask & BIT(i))
			flags |= walk_flags[i];
	return flags;
}

/* -- tests ----------------------------------------------------------------- */

/* Each combination of flags over a few ranges, from each root. */
static void walk_flags_fn(struct walk *w)
{
	u32 mask;

	w->max = 600;
	w->act = ACT_NONE;
	for (mask = 0; mask < BIT(NR_WALKER_FLAGS); mask++) {
		u64 addr = random_address(w), size = 1 + rnd64(4 * kvm_granule_size(2));

		w->flags = flags_of(mask | rnd(4) << NR_WALKER_FLAGS);
		if (rnd(8) == 0)
			size = BIT(w->pgt.ia_bits);
		do_walk(w, addr, min(size, BIT(w->pgt.ia_bits) - addr));
	}
}

static void test_walk_flags(void)
{
	struct walk w = {};

	each_shape(&w, walk_flags_fn);
}

/* All alignments of start and end, for the flags that make a difference. */
static void walk_ranges_fn(struct walk *w)
{
	int i;

	w->act = ACT_NONE;
	for (i = 0; i < 1500; i++) {
		u64 a = random_address(w), b = random_address(w);

		if (rnd(2))	/* a short walk, across whatever is there */
			b = a + (rnd(5) << kvm_granule_shift(rnd(3) ? 3 : 2)) +
			    (rnd(3) - 1) * PAGE_SIZE + 1;
		if (a > b || b > BIT(w->pgt.ia_bits))
			continue;
		w->max = rnd(100) ? 800 : MAX_VISITS;
		w->flags = flags_of(rnd(1 << ARRAY_SIZE(walk_flags))) |
			   (rnd(2) ? KVM_PGTABLE_WALK_LEAF : 0);
		/* the offset within a page is ignored */
		do_walk(w, a + (rnd(2) ? rnd(PAGE_SIZE) : 0), (b & PAGE_MASK) - (a & PAGE_MASK));
	}
}

static void test_walk_ranges(void)
{
	struct walk w = {};

	each_shape(&w, walk_ranges_fn);
}

/* Errors, lost races and callbacks that change the entry, on any visit. */
static void walk_actions_fn(struct walk *w)
{
	int i;

	w->max = 600;
	for (i = 0; i < 2000; i++) {
		u64 a = random_address(w), size = 1 + rnd64(6 * kvm_granule_size(rnd(4) ? 2 : 1));

		w->flags = flags_of(rnd(1 << ARRAY_SIZE(walk_flags)));
		if (rnd(4))
			w->flags |= walk_flags[rnd(3)];
		w->act = rnd(NR_ACTIONS);
		w->act_at = rnd(rnd(2) ? 4 : 40);
		w->act_step = rnd(3) ? 0 : 1 + rnd(7);
		do_walk(w, a, min(size, BIT(w->pgt.ia_bits) - a));
	}
	w->act = ACT_NONE;
}

static void test_walk_actions(void)
{
	struct walk w = {};

	each_shape(&w, walk_actions_fn);
}

/* Ranges that are refused, and those that are empty. */
static void test_walk_bounds(void)
{
	struct walk w = { .flags = VISIT_ANY };
	struct kvm_pgtable_walker walker = {
		.cb	= walk_visitor,
		.arg	= &w,
		.flags	= VISIT_ANY,
	};
	u64 limit;

	walk_shape(&w, 2, kvm_granule_shift(1));
	limit = BIT(w.pgt.ia_bits);
	if (kvm_pgtable_walk(&w.pgt, limit + PAGE_SIZE, PAGE_SIZE, &walker) != -ERANGE ||
	    kvm_pgtable_walk(&w.pgt, limit - PAGE_SIZE, 2 * PAGE_SIZE, &walker) != -ERANGE ||
	    kvm_pgtable_walk(&w.pgt, limit, 1, &walker) != -ERANGE)
		test_fail("walk out of range");
	if (kvm_pgtable_walk(&w.pgt, limit, 0, &walker) ||
	    kvm_pgtable_walk(&w.pgt, 0, 0, &walker))
		test_fail("empty walk");
	w.pgt.pgd = NULL;
	if (kvm_pgtable_walk(&w.pgt, 0, PAGE_SIZE, &walker) != -EINVAL)
		test_fail("walk without a root");
}
