// SPDX-License-Identifier: GPL-2.0
/* What the CPU does for the page-table code, as told by include/custom.h. */
unsigned long hw_caps;

static unsigned long more_caps;		/* that all tests are run with */

static void (*hw_race)(u64 *ptep);	/* another CPU, just before a cmpxchg */
static int rcu_depth;

u64 hw_load(const u64 *ptep)
{
	struct page *p = hw_page(ptep);

	if (!p) {
		violation(HW_WILD, 0, -1ULL);
		return 0;
	}
	hw_stats.visits[p->live ? p->level + 1 : 5]++;
	return __atomic_load_n(ptep, __ATOMIC_RELAXED);
}

static void store(u64 *ptep, u64 val, enum hw_order order)
{
	struct page *p = hw_page(ptep);

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

void hw_store(u64 *ptep, u64 val, enum hw_order order)
{
	hw_stats.stores++;
	hw_stats.releases += order == HW_RELEASE;
	store(ptep, val, order);
}

u64 hw_cmpxchg(u64 *ptep, u64 old, u64 val)
{
	u64 cur;

	if (hw_race)
		hw_race(ptep);
	hw_stats.cmpxchgs++;
	cur = *ptep;
	if (cur == old)
		store(ptep, val, HW_RELEASE);
	return cur;
}

void hw_barrier(void)
{
	hw_stats.barriers++;
	log_event(EV_BARRIER, 0, 0, 0, 0, 0);
	barrier_seq = ++seq;
}

static void tlbi(enum hw_tlbi kind, u64 ia, u64 size, int level)
{
	hw_stats.tlbi[kind]++;
	log_event(EV_TLBI, ia, size, level, 0, 0);
	check_batch(root);
	tlb_invalidate(ia, size, level);
}

/* The raw instructions of the hypervisor's stage-1. */
void hw_tlbi_hyp(u64 addr, int level)
{
	tlbi(TLBI_HYP, addr, 1, level);
}

void hw_tlbi_sync(void)
{
	hw_barrier();
	tlb_sync();
}

/* The kernel's functions have a dsb(ishst) in front, and complete. */
void __kvm_tlb_flush_vmid(struct kvm_s2_mmu *mmu)
{
	hw_barrier();
	tlbi(TLBI_VMID, 0, -1ULL, TLBI_TTL_UNKNOWN);
	tlb_sync();
}

void __kvm_tlb_flush_vmid_ipa(struct kvm_s2_mmu *mmu, phys_addr_t ipa, int level)
{
	hw_barrier();
	tlbi(TLBI_IPA, ipa, 1, level);
	tlb_sync();
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
	tlbi(TLBI_RANGE, start, pages * PAGE_SIZE, TLBI_TTL_UNKNOWN);
	tlb_sync();
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

void hw_warn(const char *where)
{
	test_fail("WARN_ON %s", where);
}

/* The operation is over, TLB maintenance by its caller included. */
static void hw_quiesce(void)
{
	check_left_over();
	if (rcu_depth)
		test_fail("RCU read lock held after a walk");
	rcu_drain();
}

static void hw_reset(unsigned long caps)
{
	hw_caps = caps | more_caps;
	hw_race = NULL;
	rcu_depth = 0;
	counters_reset();
	log_reset();
	mem_reset();
	mm_ops_reset();
	hw_split(0, 0, false);
	tlb_reset();
	checker_reset();
}
