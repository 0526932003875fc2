/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What custom.h has for the tests, for the benchmark: accesses are those of the
 * machine's memory model, and nothing is reported.
 */
#ifndef _KVM_PGTABLE_NATIVE_H
#define _KVM_PGTABLE_NATIVE_H

#undef smp_store_release
/* The entry becomes visible after what was written before. */
#define smp_store_release(p, v)		__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define cmpxchg(p, o, n)		__sync_val_compare_and_swap(p, o, n)
/* Plain accesses as in the kernel, where those of tools/ copy. */
#undef READ_ONCE
#define READ_ONCE(x)			(*(const __volatile__ typeof(x) *)&(x))
#undef WRITE_ONCE
#define WRITE_ONCE(x, v)		(*(__volatile__ typeof(x) *)&(x) = (v))
#define __tlbi_sync_s1ish_hyp()		dsb(ish)

static inline void dsb(enum hw_operand domain)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void __tlbi_level(enum hw_operand op, u64 addr, int level)
{
}

#define rcu_read_lock()			do { } while (0)
#define rcu_read_unlock()		do { } while (0)
#define rcu_read_lock_held()		true

#ifdef __aarch64__
/*
 * Code as the kernel has it, where features are branches that are patched, and
 * warnings are breakpoints. The CPU is one with TLB range operations only.
 */
static __always_inline bool hw_alternative(bool expected)
{
	asm goto("nop" : : : : other);
	return expected;
other:
	return !expected;
}

static __always_inline void hw_warn(const char *where)
{
	asm volatile("brk #0x800");
}

#define cpus_have_final_cap(cap)	\
	(hw_alternative(true) ? hw_alternative((cap) == HW_TLB_RANGE) :	\
				({ hw_warn(""); __builtin_unreachable(); false; }))
#define system_supports_lpa2()		cpus_have_final_cap(HW_LPA2)

#else

static inline void hw_warn(const char *where)
{
	abort();
}

#endif /* __aarch64__ */

#endif
