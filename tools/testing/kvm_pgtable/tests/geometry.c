// SPDX-License-Identifier: GPL-2.0
/* Root tables for guests of each size. */
static void test_geometry(void)
{
	static const u8 bits[] = { 32, 34, 36, 40, 42, 44, 48, 52 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		u64 vtcr, levels, roots;

		if (bits[i] > 48 && PAGE_SHIFT != 16 && !system_supports_lpa2())
			continue;
		hw_reset(0);
		vtcr = kvm_get_vtcr(ID_AA64MMFR0_EL1_PARANGE_52, 0, bits[i]);
		/* Up to 16 root tables, and two levels at least */
		for (levels = 2;; levels++) {
			u32 covered = PAGE_SHIFT + levels * (PAGE_SHIFT - 3);

			if (bits[i] <= covered + 4) {
				roots = bits[i] > covered ? BIT(bits[i] - covered) : 1;
				break;
			}
		}
		check(kvm_pgtable_stage2_pgd_size(vtcr) == roots * PAGE_SIZE);
		vm_init(bits[i]);
		check(vm.pgt.ia_bits == bits[i] && vm.pgt.start_level == 4 - (s8)levels);
		check(hw_nr_pages == roots);
		vm_check();
		vm_destroy();
	}
}
