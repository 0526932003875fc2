/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Definitions whose behaviour differs from the kernel's: every access to a
 * descriptor, every barrier and every TLB invalidation is reported to the
 * model of the hardware in hw/, and the CPU's features are variables.
 *
 * With HW_NATIVE (the benchmark) nothing is reported, see native.h.
 */
#ifndef _KVM_PGTABLE_CUSTOM_H
#define _KVM_PGTABLE_CUSTOM_H

enum hw_order { HW_PLAIN, HW_RELEASE };

enum hw_cap {
	ARM64_HAS_STAGE2_FWB,
	ARM64_HAS_XNX,
	ARM64_KVM_HVHE,
	ARM64_WORKAROUND_AMPERE_AC03_CPU_38,
	HW_TLB_RANGE,
	HW_BBML2,
	HW_LPA2,
};

extern unsigned long hw_caps;

#define system_supports_tlb_range()	cpus_have_final_cap(HW_TLB_RANGE)
#define system_supports_bbml2_noabort()	cpus_have_final_cap(HW_BBML2)
#define system_supports_bbml3()		cpus_have_final_cap(HW_BBML2)	/* its name in v7.3 */
#define system_supports_bti_kernel()	false
#define get_vmid_bits(mmfr1)		((void)(mmfr1), 16)
#define kvm_call_hyp(f, ...)		f(__VA_ARGS__)

struct kvm_s2_mmu;
void __kvm_tlb_flush_vmid(struct kvm_s2_mmu *mmu);
void __kvm_tlb_flush_vmid_ipa(struct kvm_s2_mmu *mmu, phys_addr_t ipa, int level);
void __kvm_tlb_flush_vmid_ipa_nsh(struct kvm_s2_mmu *mmu, phys_addr_t ipa, int level);
void __kvm_tlb_flush_vmid_range(struct kvm_s2_mmu *mmu, phys_addr_t start,
				unsigned long pages);

/* Operands of instructions; they make no difference here. */
enum hw_operand { ish, ishst, vae2is, vale2is };

#ifdef HW_NATIVE
#include "native.h"
#else

u64 hw_load(const u64 *ptep);
void hw_store(u64 *ptep, u64 val, enum hw_order order);
u64 hw_cmpxchg(u64 *ptep, u64 old, u64 val);
void hw_barrier(void);
void hw_tlbi_hyp(u64 addr, int level);
void hw_tlbi_sync(void);
void hw_rcu(int inc);
bool hw_rcu_held(void);
void hw_warn(const char *where);

/* Orders what was written before against what is written after. */
#define smp_wmb()			hw_barrier()
#undef smp_store_release
/* The entry becomes visible after what was written before. */
#define smp_store_release(p, v)		hw_store(p, v, HW_RELEASE)
#define cmpxchg(p, o, n)		hw_cmpxchg(p, o, n)
#undef READ_ONCE
#define READ_ONCE(x)			((typeof(x))hw_load(&(x)))
#undef WRITE_ONCE
#define WRITE_ONCE(x, v)		hw_store(&(x), v, HW_PLAIN)
#define __tlbi_sync_s1ish_hyp()		hw_tlbi_sync()

static inline void dsb(enum hw_operand domain)
{
	hw_barrier();
}

static inline void __tlbi_level(enum hw_operand op, u64 addr, int level)
{
	hw_tlbi_hyp(addr, level);
}

/*
 * A call of struct kvm_pgtable_walker's cb, and only that: the name is not
 * followed by a parenthesis anywhere else.
 */
#define cb(ctx, ...)			cb(hw_callback(ctx, __VA_ARGS__), __VA_ARGS__)

#define rcu_read_lock()			hw_rcu(1)
#define rcu_read_unlock()		hw_rcu(-1)
#define rcu_read_lock_held()		hw_rcu_held()

#endif /* HW_NATIVE */

#ifndef cpus_have_final_cap
#define cpus_have_final_cap(cap)	(!!(hw_caps & BIT(cap)))
#ifdef LPA2
#define system_supports_lpa2()		true
#else
#define system_supports_lpa2()		false
#endif
#endif

/* The kernel prints and goes on; here a warning fails the test. */
#undef WARN_ON
#define WARN_ON(cond)							\
({									\
	bool __warn = !!(cond);						\
									\
	if (__warn)							\
		hw_warn(__FILE__ ":" __stringify(__LINE__) ": " #cond);	\
	unlikely(__warn);						\
})
#undef WARN_ON_ONCE
#define WARN_ON_ONCE(cond)		WARN_ON(cond)

#endif
