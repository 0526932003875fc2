// SPDX-License-Identifier: GPL-2.0
/*
 * The model of the hardware, and the checker of break-before-make.
 *
 * Every entry that a hardware walker could reach is assumed to be in a TLB from
 * the moment it is valid, be it a leaf or a table. Once it changes, what it was
 * is kept as stale until an invalidation covers it, and nothing that conflicts
 * may be made valid before that.
 */
#ifndef __has_feature
#define __has_feature(x)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#endif

#include <sys/mman.h>

/* Each table is followed by a page that belongs to nobody. */
#define NR_SINGLE	(SZ_64M / PAGE_SIZE)
#define NR_PAGES	(2 * NR_SINGLE + 256)
#define HW_PA_BASE	BIT(40)

#define S2_PERMS	(KVM_PTE_LEAF_ATTR_S2_PERMS)
#define S2_AF		KVM_PTE_LEAF_ATTR_LO_S2_AF
#define SW_BITS		KVM_PTE_LEAF_ATTR_HI_SW

struct stale {
	u64 ia, size, val, seq;
	struct page *child;
	s8 level;
	bool af_only;		/* merely old: to be flushed at leisure */
	bool issued;		/* invalidated, but not synchronised */
};

struct event {
	enum { EV_STORE, EV_RELEASE, EV_TLBI, EV_BARRIER, EV_FREE } type;
	u64 ia, size, old, val;
	int level;
};

unsigned long hw_caps;
struct hw_stats hw_stats;
u64 hw_nr_pages, hw_fail_alloc, hw_expect, hw_seen;
void (*hw_race)(u64 *ptep);
bool hw_quiet;

static char *arena;
static struct page pages[NR_PAGES];
static u32 free_single[NR_SINGLE], nr_free_single, next_multi;

static struct kvm_pgtable *root;
static u64 seq, barrier_seq, unsynced_seq, unsynced_ia;
static struct stale *stales;
static size_t nr_stales, max_stales;
static int rcu_depth;
static struct { void *table; s8 level; } *rcu_list;
static size_t nr_rcu, max_rcu;

/* What hw_split() has announced, and what has become of it. */
static struct {
	u64 start, end;
	u64 left_ia;
	bool linked, left;
} batch;

static struct event events[256];
static u64 nr_events;

static void log_event(int type, u64 ia, u64 size, int level, u64 old, u64 val)
{
	events[nr_events++ % ARRAY_SIZE(events)] = (struct event) {
		.type = type, .ia = ia, .size = size, .level = level,
		.old = old, .val = val,
	};
}

static void print_events(u64 ia, u64 size)
{
	static const char * const name[] = {
		"store", "store-release", "tlbi", "barrier", "free",
	};
	u64 i = nr_events > ARRAY_SIZE(events) ? nr_events - ARRAY_SIZE(events) : 0;
	u64 skip = 0, nr = 0, j;
	bool last_barrier = false;

	for (j = i; j < nr_events; j++)
		nr += events[j % ARRAY_SIZE(events)].type == EV_BARRIER ||
		      (events[j % ARRAY_SIZE(events)].ia < ia + size &&
		       ia < events[j % ARRAY_SIZE(events)].ia +
			    events[j % ARRAY_SIZE(events)].size);
	skip = nr > 24 ? nr - 24 : 0;

	for (; i < nr_events; i++) {
		struct event *e = &events[i % ARRAY_SIZE(events)];

		if (e->type != EV_BARRIER && !(e->ia < ia + size && ia < e->ia + e->size))
			continue;
		if (skip) {
			skip--;
			continue;
		}
		if (e->type == EV_BARRIER) {
			if (!last_barrier)
				fprintf(stderr, "\tbarrier\n");
			last_barrier = true;
			continue;
		}
		last_barrier = false;
		fprintf(stderr, "\t%-13s ia %#llx size %#llx", name[e->type],
			(unsigned long long)e->ia, (unsigned long long)e->size);
		if (e->level != TLBI_TTL_UNKNOWN)
			fprintf(stderr, " level %d", e->level);
		if (e->type == EV_STORE || e->type == EV_RELEASE)
			fprintf(stderr, " %#llx -> %#llx", (unsigned long long)e->old,
				(unsigned long long)e->val);
		fputc('\n', stderr);
	}
}

static void violation(enum hw_violation kind, u64 ia, u64 size)
{
	static const char * const what[] = {
		[HW_NO_BREAK]	 = "valid entry replaced without a break",
		[HW_NO_TLBI]	 = "entry made before the TLB forgot the old one",
		[HW_EARLY_FREE]	 = "table freed before its invalidation",
		[HW_NOT_VISIBLE] = "table linked before its contents are visible",
		[HW_NO_BARRIER]	 = "change of a live entry without a barrier after it",
		[HW_STALE]	 = "stale translation left behind",
		[HW_WILD]	 = "access outside of a table",
		[HW_LEFT_VALID]	 = "block left valid in front of one that is broken",
		[HW_EARLY_LINK]	 = "table linked before the invalidation of the batch",
		[HW_INCOMPLETE]	 = "block broken for a table that is not complete",
	};

	hw_seen |= BIT(kind);
	if (!hw_quiet && !(hw_expect & hw_seen & ~BIT(kind))) {
		fprintf(stderr, "%s%s at ia %#llx:\n", hw_expect ? "(expected) " : "",
			what[kind], (unsigned long long)ia);
		print_events(ia, size);
	}
	if (!hw_expect)
		test_fail("break-before-make: %s", what[kind]);
}

void hw_warn(const char *where)
{
	test_fail("WARN_ON %s", where);
}

/* -- memory ---------------------------------------------------------------- */

struct page *hw_page(const void *va)
{
	u64 idx = ((char *)va - arena) / PAGE_SIZE;

	if ((char *)va < arena || idx >= NR_PAGES || !pages[idx].count)
		return NULL;
	return &pages[idx];
}

u64 hw_pa(void *va)
{
	return HW_PA_BASE + ((char *)va - arena);
}

/* Guest memory is never touched, any address will do. */
void *hw_va(u64 pa)
{
	return (void *)((u64)arena + pa - HW_PA_BASE);
}

/* The first word behind a table, for plain stores that go too far. */
static u64 __attribute__((no_sanitize("address"))) swap_guard(void *end, u64 val)
{
	u64 old = *(u64 *)end;

	*(u64 *)end = val;
	return old;
}

void *hw_alloc(size_t size)
{
	u32 nr = DIV_ROUND_UP(size, PAGE_SIZE), idx, i;

	if (hw_fail_alloc && !--hw_fail_alloc)
		return NULL;

	if (nr == 1) {
		if (!nr_free_single)
			test_fail("out of memory for tables");
		idx = free_single[--nr_free_single];
	} else {
		idx = next_multi;
		next_multi += nr + 1;
		if (next_multi > NR_PAGES)
			test_fail("out of memory for roots");
	}

	for (i = 0; i < nr; i++)
		pages[idx + i] = (struct page) { .count = 1, .last_store = ++seq };
	hw_nr_pages += nr;
	hw_stats.tables += nr;
	hw_stats.zeroed += nr;
	swap_guard(arena + (idx + nr) * PAGE_SIZE, 0);
	ASAN_UNPOISON_MEMORY_REGION(arena + idx * PAGE_SIZE, nr * PAGE_SIZE);
	return memset(arena + idx * PAGE_SIZE, 0, nr * PAGE_SIZE);
}

void hw_free(void *va)
{
	struct page *p = hw_page(va);
	u32 idx = p - pages;

	if (idx < 2 * NR_SINGLE && swap_guard(va + PAGE_SIZE, 0))
		violation(HW_WILD, p->ia, 1);
	if (p->live || p->nr_stale) {
		log_event(EV_FREE, p->ia, kvm_granule_size(p->level), p->level, 0, 0);
		violation(HW_EARLY_FREE, p->ia, kvm_granule_size(p->level));
	}
	p->count = 0;
	hw_nr_pages--;
	hw_stats.freed++;
	ASAN_POISON_MEMORY_REGION(arena + idx * PAGE_SIZE, PAGE_SIZE);
	if (idx < 2 * NR_SINGLE)
		free_single[nr_free_single++] = idx;
}

void hw_reset(unsigned long caps)
{
	u32 i;

	if (!arena) {
		arena = mmap(NULL, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (arena == MAP_FAILED)
			abort();
	}
	/* Only what the last test left over has to be cleaned up. */
	if (hw_nr_pages || !nr_free_single || next_multi > 2 * NR_SINGLE) {
		memset(pages, 0, sizeof(pages));
		for (i = 0; i < NR_SINGLE; i++)
			free_single[i] = 2 * (NR_SINGLE - 1 - i);
		nr_free_single = NR_SINGLE;
		next_multi = 2 * NR_SINGLE;
		ASAN_POISON_MEMORY_REGION(arena, NR_PAGES * PAGE_SIZE);
	}
	hw_caps = caps;
	hw_nr_pages = 0;
	hw_fail_alloc = 0;
	hw_expect = 0;
	hw_seen = 0;
	hw_race = NULL;
	root = NULL;
	nr_stales = 0;
	nr_rcu = 0;
	nr_events = 0;
	rcu_depth = 0;
	seq = 0;
	barrier_seq = 0;
	unsynced_seq = 0;
	memset(&batch, 0, sizeof(batch));
	memset(&hw_stats, 0, sizeof(hw_stats));
}

/* -- TLB ------------------------------------------------------------------- */

static bool is_table(u64 pte, s8 level)
{
	return (pte & 3) == 3 && level < KVM_PGTABLE_LAST_LEVEL;
}

static u64 *child_of(u64 pte)
{
	return hw_va(kvm_pte_to_phys(pte));
}

static u64 s2_exec(u64 pte)
{
	u64 xn = FIELD_GET(KVM_PTE_LEAF_ATTR_HI_S2_XN, pte);

	return (xn == 0 || xn == 3) | (xn == 0 || xn == 1) << 1;
}

static bool s2_perms_reduced(u64 old, u64 new)
{
	u64 ap = KVM_PTE_LEAF_ATTR_LO_S2_S2AP_R | KVM_PTE_LEAF_ATTR_LO_S2_S2AP_W;

	return (old & ~new & ap) || (s2_exec(old) & ~s2_exec(new));
}

/* Bits of a leaf that may change while it is valid. */
static u64 mutable_bits(void)
{
	return SW_BITS | (root->mmu ? S2_PERMS | S2_AF : 0);
}

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

/* The entry becomes reachable, or unreachable, with all that is below it. */
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

static void live_store(struct page *p, u64 ia, u64 old, u64 new, enum hw_order order)
{
	u64 size = kvm_granule_size(p->level), i;
	bool table = is_table(new, p->level);

	log_event(order == HW_RELEASE ? EV_RELEASE : EV_STORE, ia, size, p->level, old, new);
	if (!((old | new) & KVM_PTE_VALID) || old == new)
		return;
	unsynced_seq = seq;
	unsynced_ia = ia;

	if (old & new & KVM_PTE_VALID && !table && !is_table(old, p->level)) {
		u64 diff = old ^ new;

		if (diff & ~mutable_bits()) {
			if (!root->mmu || (old & S2_AF))
				violation(HW_NO_BREAK, ia, size);
		} else if (root->mmu && s2_perms_reduced(old, new)) {
			add_stale(ia, p->level, old, false);
		} else if (root->mmu && (old & ~new & S2_AF)) {
			add_stale(ia, p->level, old, true);
		}
		return;
	}

	if (old & new & KVM_PTE_VALID)
		violation(HW_NO_BREAK, ia, size);

	if (old & KVM_PTE_VALID) {
		add_stale(ia, p->level, old, false);
		if (is_table(old, p->level))
			set_live(child_of(old), p->level + 1, ia, false);
	}
	if (new & KVM_PTE_VALID) {
		for (i = 0; i < nr_stales; i++) {
			if (stales[i].ia < ia + size && ia < stales[i].ia + stales[i].size) {
				violation(HW_NO_TLBI, ia, size);
				break;
			}
		}
		if (table) {
			if (order != HW_RELEASE && !all_visible(child_of(new), p->level + 1))
				violation(HW_NOT_VISIBLE, ia, size);
			batch.linked = true;
			set_live(child_of(new), p->level + 1, ia, true);
		}
	}
}

static bool is_locked(u64 pte)
{
	return !(pte & KVM_PTE_VALID) &&
	       FIELD_GET(KVM_INVALID_PTE_TYPE_MASK, pte) == KVM_INVALID_PTE_TYPE_LOCKED;
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

/*
 * Blocks have been broken, and are about to be invalidated. What is broken
 * holds the table to come, and nothing of the batch is valid yet, or still.
 */
static void check_batch(u64 *table, s8 level, u64 ia)
{
	u64 size = kvm_granule_size(level), i;

	for (i = 0; i < PTRS_PER_PTE; i++, ia += size) {
		u64 pte = table[i];

		if (ia >= batch.end || ia + size <= batch.start)
			continue;
		if (is_table(pte, level)) {
			if (level + 1 < KVM_PGTABLE_LAST_LEVEL)
				check_batch(child_of(pte), level + 1, ia);
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

static void check_batches(void)
{
	u64 size = kvm_granule_size(root->start_level) * PTRS_PER_PTE, i;

	if (batch.linked)
		violation(HW_EARLY_LINK, batch.start, batch.end - batch.start);
	batch.left = false;
	for (i = 0; i < DIV_ROUND_UP(BIT(root->ia_bits), size); i++)
		check_batch(root->pgd + i * PTRS_PER_PTE, root->start_level, i * size);
}

/* Forget what matches; of the stores that a barrier has made visible only. */
static void invalidate(enum hw_tlbi kind, u64 ia, u64 size, int level, bool sync)
{
	u64 i, j;

	hw_stats.tlbi[kind]++;
	log_event(EV_TLBI, ia, size, level, 0, 0);
	if (batch.end)
		check_batches();
	for (i = j = 0; i < nr_stales; i++) {
		struct stale *s = &stales[i];
		bool hit = s->ia < ia + size && ia < s->ia + s->size &&
			   s->seq <= barrier_seq &&
			   (level < 0 || level > KVM_PGTABLE_LAST_LEVEL ||
			    (level == s->level && !s->child));

		if (hit && sync) {
			if (s->child)
				s->child->nr_stale--;
			continue;
		}
		s->issued |= hit;
		stales[j++] = *s;
	}
	nr_stales = j;
}

void hw_barrier(void)
{
	hw_stats.barriers++;
	log_event(EV_BARRIER, 0, 0, 0, 0, 0);
	barrier_seq = ++seq;
}

/* The kernel's functions have a dsb(ishst) in front, and complete. */
void __kvm_tlb_flush_vmid(struct kvm_s2_mmu *mmu)
{
	hw_barrier();
	invalidate(TLBI_VMID, 0, -1ULL, TLBI_TTL_UNKNOWN, true);
}

void __kvm_tlb_flush_vmid_ipa(struct kvm_s2_mmu *mmu, phys_addr_t ipa, int level)
{
	hw_barrier();
	invalidate(TLBI_IPA, ipa, 1, level, true);
}

/* No other CPU takes part: enough where only permissions were added. */
void __kvm_tlb_flush_vmid_ipa_nsh(struct kvm_s2_mmu *mmu, phys_addr_t ipa, int level)
{
	hw_barrier();
	hw_stats.tlbi[TLBI_IPA_NSH]++;
}

void __kvm_tlb_flush_vmid_range(struct kvm_s2_mmu *mmu, phys_addr_t start,
				unsigned long pages)
{
	hw_barrier();
	invalidate(TLBI_RANGE, start, pages * PAGE_SIZE, TLBI_TTL_UNKNOWN, true);
}

void hw_tlbi_hyp(u64 addr, int level)
{
	invalidate(TLBI_HYP, addr, 1, level, false);
}

void hw_tlbi_sync(void)
{
	u64 i, j;

	hw_barrier();
	for (i = j = 0; i < nr_stales; i++) {
		if (!stales[i].issued)
			stales[j++] = stales[i];
		else if (stales[i].child)
			stales[i].child->nr_stale--;
	}
	nr_stales = j;
}

/* -- accesses -------------------------------------------------------------- */

u64 hw_load(const u64 *ptep)
{
	struct page *p = hw_page(ptep);

	hw_stats.loads++;
	if (!p) {
		violation(HW_WILD, 0, -1ULL);
		return 0;
	}
	hw_stats.visits[p->live ? p->level + 1 : 5]++;
	return __atomic_load_n(ptep, __ATOMIC_RELAXED);
}

void hw_store(u64 *ptep, u64 val, enum hw_order order)
{
	struct page *p = hw_page(ptep);

	hw_stats.stores++;
	hw_stats.releases += order == HW_RELEASE;
	seq++;
	if (!p)
		return violation(HW_WILD, 0, -1ULL);
	if (p->live)
		live_store(p, p->ia + ((u64)ptep % PAGE_SIZE / 8 << kvm_granule_shift(p->level)),
			   *ptep, val, order);
	else
		p->last_store = seq;
	__atomic_store_n(ptep, val, __ATOMIC_RELAXED);
}

u64 hw_cmpxchg(u64 *ptep, u64 old, u64 val)
{
	u64 cur;

	if (hw_race)
		hw_race(ptep);
	hw_stats.cmpxchgs++;
	cur = *ptep;
	if (cur == old) {
		hw_store(ptep, val, HW_RELEASE);
		hw_stats.stores--;
		hw_stats.releases--;
	}
	return cur;
}

void hw_rcu(int inc)
{
	rcu_depth += inc;
}

bool hw_rcu_held(void)
{
	return rcu_depth > 0;
}

const void *hw_callback(const struct kvm_pgtable_visit_ctx *ctx,
			enum kvm_pgtable_walk_flags visit)
{
	hw_stats.callbacks[ffs(visit) - 1]++;
	return ctx;
}

/* -- the operations -------------------------------------------------------- */

void hw_root(struct kvm_pgtable *pgt)
{
	struct kvm_pgtable *old = root;
	u64 i, nr;

	root = pgt ?: old;
	if (!root)
		return;
	nr = DIV_ROUND_UP(BIT(root->ia_bits), kvm_granule_size(root->start_level - 1));
	for (i = 0; i < nr; i++)
		set_live(root->pgd + i * PTRS_PER_PTE, root->start_level,
			 i * kvm_granule_size(root->start_level - 1), pgt);
	if (!pgt)	/* the VMID is not in use any more */
		__kvm_tlb_flush_vmid(NULL);
	root = pgt;
}

void hw_split(u64 start, u64 end)
{
	memset(&batch, 0, sizeof(batch));
	batch.start = start;
	batch.end = end;
}

void hw_rcu_drain(void)
{
	size_t i;

	for (i = 0; i < nr_rcu; i++)
		kvm_pgtable_stage2_free_unlinked(&s2_mm_ops, rcu_list[i].table,
						 rcu_list[i].level);
	nr_rcu = 0;
}

void hw_quiesce(void)
{
	size_t i;

	if (unsynced_seq > barrier_seq)
		violation(HW_NO_BARRIER, unsynced_ia, 1);
	for (i = 0; i < nr_stales; i++)
		if (!stales[i].af_only)
			return violation(HW_STALE, stales[i].ia, stales[i].size);
	if (rcu_depth)
		test_fail("RCU read lock held after a walk");
	hw_rcu_drain();
}

/* -- mm_ops ---------------------------------------------------------------- */

/* @capacity < 0: as much as is asked for */
static void *mm_zalloc_page(void *arg)
{
	struct kvm_mmu_memory_cache *mc = arg;

	if (!mc || mc->capacity < 0)
		return hw_alloc(PAGE_SIZE);
	if (hw_fail_alloc && !--hw_fail_alloc)
		return NULL;
	if (!mc->nobjs)
		test_fail("allocation from an empty cache");
	return mc->objects[--mc->nobjs];
}

static void *mm_zalloc_pages_exact(size_t size)
{
	return hw_alloc(size);
}

static void mm_free_pages_exact(void *va, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += PAGE_SIZE) {
		if (hw_page(va + i)->count != 1)
			test_fail("root freed with references");
		hw_free(va + i);
	}
}

static void mm_free_unlinked_table(void *va, s8 level)
{
	if (nr_rcu == max_rcu) {
		max_rcu = max_rcu ? 2 * max_rcu : 16;
		rcu_list = realloc(rcu_list, max_rcu * sizeof(*rcu_list));
	}
	rcu_list[nr_rcu].table = va;
	rcu_list[nr_rcu++].level = level;
}

static void mm_get_page(void *va)
{
	struct page *p = hw_page(va);

	hw_stats.refs++;
	if (!p)
		return violation(HW_WILD, 0, -1ULL);
	p->count++;
}

#ifdef HAVE_GET_PAGE_NR
static void mm_get_page_nr(void *va, int nr)
{
	struct page *p = hw_page(va);

	hw_stats.refs++;
	if (!p)
		return violation(HW_WILD, 0, -1ULL);
	p->count += nr;
}
#endif

static void mm_put_page(void *va)
{
	struct page *p = hw_page(va);

	hw_stats.refs++;
	if (!p)
		return violation(HW_WILD, 0, -1ULL);
	if (p->count == 1)
		hw_free((void *)((u64)va & PAGE_MASK));
	else
		p->count--;
}

static int mm_page_count(void *va)
{
	struct page *p = hw_page(va);

	return p ? p->count : 0;
}

static void mm_cmo(void *va, size_t size)
{
	hw_stats.cmos += size >> PAGE_SHIFT;
}

static void mm_icache(void *va, size_t size)
{
}

struct kvm_pgtable_mm_ops s2_mm_ops = {
	.zalloc_page		= mm_zalloc_page,
	.zalloc_pages_exact	= mm_zalloc_pages_exact,
	.free_pages_exact	= mm_free_pages_exact,
	.free_unlinked_table	= mm_free_unlinked_table,
#ifdef HAVE_GET_PAGE_NR
	.get_page_nr		= mm_get_page_nr,
#endif
	.get_page		= mm_get_page,
	.put_page		= mm_put_page,
	.page_count		= mm_page_count,
	.phys_to_virt		= hw_va,
	.virt_to_phys		= hw_pa,
	.dcache_clean_inval_poc	= mm_cmo,
	.icache_inval_pou	= mm_icache,
};

struct kvm_pgtable_mm_ops hyp_mm_ops = {
	.zalloc_page		= mm_zalloc_page,
	.get_page		= mm_get_page,
	.put_page		= mm_put_page,
	.page_count		= mm_page_count,
	.phys_to_virt		= hw_va,
	.virt_to_phys		= hw_pa,
};
