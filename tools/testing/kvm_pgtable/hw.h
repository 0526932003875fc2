/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine under the page-table code: memory for tables, a TLB that may hold
 * whatever was once reachable, and counters.
 */
#ifndef _KVM_PGTABLE_HW_H
#define _KVM_PGTABLE_HW_H

#include <linux/kvm_host.h>
#include <asm/kvm_pgtable.h>

/* What the checker can complain about. */
enum hw_violation {
	HW_NO_BREAK,		/* valid replaced by a conflicting valid entry */
	HW_NO_TLBI,		/* made while a TLB may still hold what was broken */
	HW_EARLY_FREE,		/* table freed while a walker may still use it */
	HW_NOT_VISIBLE,		/* table linked before its contents are visible */
	HW_NO_BARRIER,		/* entry left without a barrier behind it */
	HW_STALE,		/* translation left in the TLB by the operation */
	HW_WILD,		/* access outside of the tables */
	HW_LEFT_VALID,		/* block left in front of one that is broken */
	HW_EARLY_LINK,		/* table linked before the batch is invalidated */
	HW_INCOMPLETE,		/* block broken for a table that is not complete */
	HW_NR_VIOLATIONS,
};

enum hw_tlbi { TLBI_VMID, TLBI_IPA, TLBI_IPA_NSH, TLBI_RANGE, TLBI_HYP, NR_TLBI };

struct hw_stats {
	u64 visits[6];		/* loads of live entries from level -1, [5]: unlinked */
	u64 callbacks[3];	/* LEAF, TABLE_PRE, TABLE_POST */
	u64 loads, stores, releases, cmpxchgs, refs;
	u64 tlbi[NR_TLBI];
	u64 barriers, cmos;
	u64 tables, zeroed, freed;
};

/* Memory for tables; the struct page of the model. */
struct page {
	s32 count;
	u32 nr_stale;		/* table entries to it that a TLB may hold */
	u64 last_store;
	u64 ia;			/* of entry 0, when live */
	s8 level;
	bool live;		/* a hardware walker can get here */
};

extern struct hw_stats hw_stats;
extern u64 hw_nr_pages;		/* allocated and not freed */
extern u64 hw_fail_alloc;	/* fail the n-th allocation from now, 0: none */
extern void (*hw_race)(u64 *ptep);	/* another CPU, just before a cmpxchg */
extern u64 hw_expect;		/* violations expected, as a mask ... */
extern u64 hw_seen;		/* ... and found */
extern bool hw_quiet;

extern struct kvm_pgtable_mm_ops s2_mm_ops, hyp_mm_ops;

void hw_reset(unsigned long caps);
void *hw_alloc(size_t size);
void hw_free(void *va);
void *hw_va(u64 pa);
u64 hw_pa(void *va);
struct page *hw_page(const void *va);

/* The hardware starts (ceases) to walk @pgt. */
void hw_root(struct kvm_pgtable *pgt);
/* Complete the RCU callbacks. */
void hw_rcu_drain(void);
/*
 * Blocks of the range are about to be split with one invalidation for all of
 * them; an empty range: they have been.
 */
void hw_split(u64 start, u64 end);
/* The operation is over, TLB maintenance by its caller included. */
void hw_quiesce(void);

void __noreturn __printf(1, 2) test_fail(const char *fmt, ...);

#endif
