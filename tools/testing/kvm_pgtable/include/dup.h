/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Definitions copied from the kernel because the header that has them drags in
 * too much. Values that end up in a descriptor are the architecture's, so a
 * stale copy would show as a test failure, not hide one.
 */
#ifndef _KVM_PGTABLE_DUP_H
#define _KVM_PGTABLE_DUP_H

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <linux/align.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/stringify.h>
#include <linux/types.h>

/* linux/kvm_types.h, linux/rbtree.h, asm/pgtable-types.h */
typedef u64 kvm_pfn_t;
typedef u64 pteval_t;
struct rb_root_cached { void *p[2]; };

struct kvm_mmu_memory_cache {
	int capacity;
	int nobjs;
	void **objects;
};

/* vdso/page.h, asm/kernel-pgtable.h; PAGE_SHIFT comes from the Makefile */
#define PAGE_SIZE		BIT(PAGE_SHIFT)
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(addr)	ALIGN(addr, PAGE_SIZE)
#define __phys_to_pfn(pa)	((pa) >> PAGE_SHIFT)
#define CONFIG_PGTABLE_LEVELS	4
#define CONFIG_ARM64_HW_AFDBM	1
#define CONFIG_ARM64_CONT_PTE_SHIFT	4
#define CONFIG_ARM64_CONT_PMD_SHIFT	4

/* asm-generic/bitops/builtin-__ffs.h */
#define __ffs(word)		__builtin_ctzl(word)

/* asm/pgtable-prot.h; the memory types of asm/memory.h come from the Makefile */
#define PAGE_S2_MEMATTR(attr)						\
	PTE_S2_MEMATTR(cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) ?	\
		       MT_S2_FWB_ ## attr : MT_S2_ ## attr)

/* asm/tlbflush.h */
#define TLBI_TTL_UNKNOWN	INT_MAX
#define MAX_TLBI_RANGE_PAGES	(32UL << 16)

/* asm/sysreg.h */
#define ID_AA64MMFR0_EL1_PARANGE_SHIFT	0
#define ID_AA64MMFR0_EL1_PARANGE_48	5
#define ID_AA64MMFR0_EL1_PARANGE_52	6

/* asm/kvm_arm.h and the generated <asm/sysreg-defs.h> */
#define VTCR_EL2_T0SZ		GENMASK(5, 0)
#define VTCR_EL2_T0SZ_MASK	VTCR_EL2_T0SZ
#define VTCR_EL2_SL0		GENMASK(7, 6)
#define VTCR_EL2_SL0_MASK	VTCR_EL2_SL0
#define VTCR_EL2_PS		GENMASK(18, 16)
#define VTCR_EL2_VS		BIT(19)
#define VTCR_EL2_HA		BIT(21)
#define VTCR_EL2_DS		BIT(32)
#define VTCR_EL2_FLAGS		BIT(31)
#define VTCR_EL2_TGRAN_SL0_BASE	(PAGE_SHIFT == 12 ? 2UL : 3UL)
#define VTCR_EL2_LVLS_TO_SL0(levels)	\
	FIELD_PREP(VTCR_EL2_SL0, (VTCR_EL2_TGRAN_SL0_BASE - (4 - (levels))))
#define VTCR_EL2_IPA(vtcr)	(64 - FIELD_GET(VTCR_EL2_T0SZ, (vtcr)))

static inline unsigned int cpuid_feature_extract_unsigned_field(u64 reg, int field)
{
	return (reg >> field) & 0xf;
}

/* asm/kvm_host.h: the part that page-tables use */
struct kvm_pgtable;
struct kvm_s2_mmu {
	struct kvm_pgtable		*pgt;
	u64				vtcr;
	struct kvm_mmu_memory_cache	split_page_cache;
	u64				split_page_chunk_size;
};

#endif
