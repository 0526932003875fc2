// SPDX-License-Identifier: GPL-2.0
/* Descriptors, from the architecture rather than from pgtable.c. */
#define S2_PERMS	(KVM_PTE_LEAF_ATTR_S2_PERMS)
#define S2_AF		KVM_PTE_LEAF_ATTR_LO_S2_AF
#define S2_MEMATTR	KVM_PTE_LEAF_ATTR_LO_S2_MEMATTR
#define SW_BITS		KVM_PTE_LEAF_ATTR_HI_SW

static bool is_table(u64 pte, s8 level)
{
	return (pte & 3) == 3 && level < KVM_PGTABLE_LAST_LEVEL;
}

static bool is_locked(u64 pte)
{
	return !(pte & KVM_PTE_VALID) &&
	       FIELD_GET(KVM_INVALID_PTE_TYPE_MASK, pte) == KVM_INVALID_PTE_TYPE_LOCKED;
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

static u64 s2_normal(void)
{
	return (hw_caps & BIT(ARM64_HAS_STAGE2_FWB) ? 6 : 15) << 2;
}

static int s2_attr(u64 prot, u64 *attr)
{
	bool px = prot & KVM_PGTABLE_PROT_PX, ux = prot & KVM_PGTABLE_PROT_UX;
	bool dev = prot & KVM_PGTABLE_PROT_DEVICE, nc = prot & KVM_PGTABLE_PROT_NORMAL_NC;

	if ((dev && nc) || ((dev || nc) && (px || ux)) ||
	    (px != ux && !(hw_caps & BIT(ARM64_HAS_XNX))))
		return -EINVAL;
	*attr = dev ? 1 << 2 : nc ? 5 << 2 : s2_normal();
	*attr |= (u64)(px ? (ux ? 0 : 3) : ux ? 1 : 2) << 53;
	*attr |= prot & KVM_PGTABLE_PROT_R ? BIT(6) : 0;
	*attr |= prot & KVM_PGTABLE_PROT_W ? BIT(7) : 0;
	*attr |= BIT(10) | (prot & GENMASK(58, 55));
	if (!system_supports_lpa2())
		*attr |= 3 << 8;
	return 0;
}

static u64 pa_bits(u64 pa)
{
	if (system_supports_lpa2())
		return (pa & GENMASK(49, PAGE_SHIFT)) | (pa >> 50 & 3) << 8;
	if (PAGE_SHIFT == 16)
		return (pa & GENMASK(47, 16)) | (pa >> 48 & 15) << 12;
	return pa & GENMASK(47, PAGE_SHIFT);
}

static u64 pa_of(u64 pte)
{
	if (system_supports_lpa2())
		return (pte & GENMASK(49, PAGE_SHIFT)) | (pte >> 8 & 3) << 50;
	if (PAGE_SHIFT == 16)
		return (pte & GENMASK(47, 16)) | (pte >> 12 & 15) << 48;
	return pte & GENMASK(47, PAGE_SHIFT);
}

static u64 leaf_pte(u64 pa, u64 attr, s8 level)
{
	return pa_bits(pa) | attr | (level == 3 ? 3 : 1);
}
