// SPDX-License-Identifier: GPL-2.0
/* What each operation costs in events, which are the same on any machine. */
static void print_stats(const char *name, u64 bytes)
{
	const struct hw_stats *s = &hw_stats;
	double per = (double)bytes / SZ_1G;
	u64 tlbi = s->tlbi[TLBI_VMID] + s->tlbi[TLBI_RANGE] + s->tlbi[TLBI_HYP];

	printf("%-26s %8.0f %6.0f %6.0f %8.0f %8.0f %8.0f %8.0f %8.0f %7.0f %6.0f %6.0f %7.0f",
	       name, s->visits[4] / per, s->visits[3] / per, s->visits[2] / per,
	       s->visits[5] / per,
	       (s->callbacks[0] + s->callbacks[1] + s->callbacks[2]) / per,
	       (s->stores - s->releases) / per, s->releases / per, s->refs / per,
	       s->cmpxchgs / per, (s->tlbi[TLBI_IPA] + s->tlbi[TLBI_IPA_NSH]) / per,
	       tlbi / per, s->barriers / per);
	printf(" %7.0f\n", s->zeroed / per);
}

static void stats_op(const char *name, u64 bytes, int (*op)(u64 ia, u64 size, u64 arg), u64 ia,
		     u64 size, u64 arg)
{
	memset(&hw_stats, 0, sizeof(hw_stats));
	op(ia, size, arg);
	print_stats(name, bytes);
	kvm_tlb_flush_vmid_range(&vm.mmu, ia, size);
	hw_quiesce();
}

static int st_unmap(u64 ia, u64 size, u64 arg)
{
	return kvm_pgtable_stage2_unmap(&vm.pgt, ia, size);
}

static int st_wrprotect(u64 ia, u64 size, u64 arg)
{
	return kvm_pgtable_stage2_wrprotect(&vm.pgt, ia, size);
}

static int st_age(u64 ia, u64 size, u64 arg)
{
	return kvm_pgtable_stage2_test_clear_young(&vm.pgt, ia, size, true);
}

static int st_flush(u64 ia, u64 size, u64 arg)
{
	return kvm_pgtable_stage2_flush(&vm.pgt, ia, size);
}

static int st_split(u64 ia, u64 size, u64 chunk)
{
	return vm_split_chunks(ia, ia + size, chunk);
}

#ifdef WRPROTECT_COUNTS
static const bool wrprotect_counts = true;
#else
static const bool wrprotect_counts;
#endif

/*
 * As kvm_arch_mmu_enable_log_dirty_pt_bitmap(), for each table of a bitmap that is
 * set, or, where that is not there yet, for each word
 */
static int st_clear(u64 ia, u64 size, u64 chunk)
{
#ifdef HAVE_WRPROTECT_BITMAP
	const u64 step = PTRS_PER_PTE * PAGE_SIZE;
#else
	const u64 step = 64 * PAGE_SIZE;
#endif
	unsigned long bitmap[PTRS_PER_PTE / 64];
	u64 end = ia + size, next;
	int ret;

	memset(bitmap, 0xff, sizeof(bitmap));
	for (; ia < end; ia = next) {
		next = min(end, ia + step);
#ifdef HAVE_WRPROTECT_BITMAP
		ret = kvm_pgtable_stage2_wrprotect_bitmap(&vm.pgt, ia, next - ia, bitmap, 0);
#else
		ret = kvm_pgtable_stage2_wrprotect(&vm.pgt, ia, next - ia);
#endif
		if (ret || !wrprotect_counts)
			vm_split_chunks(ia, next, chunk);
	}
	return 0;
}

static int stats(void)
{
	u64 size = max_t(u64, kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL), SZ_1G), ia = 4 * size;
	s8 level, chunk;
	char name[64];

	if (sigsetjmp(test_env, 1))
		return 1;

	printf("%s, per GiB\n%-26s %8s %6s %6s %8s %8s %8s %8s %8s %7s %6s %6s %7s %7s\n", VARIANT,
	       "", "level 3", "2", "1", "unlinked", "calls", "stores", "release", "refs",
	       "cmpxchg", "tlbi", "range", "barrier", "zeroed");
	for (level = KVM_PGTABLE_MIN_BLOCK_LEVEL; level <= 3; level++) {
		u64 block = kvm_granule_size(level), i;

		start(BIT(HW_TLB_RANGE) | BIT(ARM64_HAS_STAGE2_FWB));
		snprintf(name, sizeof(name), "level %d: map", level);
		memset(&hw_stats, 0, sizeof(hw_stats));
		for (i = 0; i < size; i += block)
			vm_map(ia + i, block, PA + i, RWX, 0);
		print_stats(name, size);
		snprintf(name, sizeof(name), "level %d: age", level);
		stats_op(name, size, st_age, ia, size, 0);
		snprintf(name, sizeof(name), "level %d: write-protect", level);
		stats_op(name, size, st_wrprotect, ia, size, 0);
		hw_caps = 0;
		snprintf(name, sizeof(name), "level %d: flush", level);
		stats_op(name, size, st_flush, ia, size, 0);
		hw_caps = BIT(HW_TLB_RANGE) | BIT(ARM64_HAS_STAGE2_FWB);
		snprintf(name, sizeof(name), "level %d: unmap", level);
		stats_op(name, size, st_unmap, ia, size, 0);
		vm_destroy();
		for (chunk = KVM_PGTABLE_MIN_BLOCK_LEVEL; chunk <= 3; chunk++) {
			u64 c = kvm_granule_size(chunk);

			start(BIT(HW_TLB_RANGE));
			for (i = 0; i < size; i += block)
				vm_map(ia + i, block, PA + i, RWX, 0);
			snprintf(name, sizeof(name), "level %d: split by %luK", level, c / SZ_1K);
			stats_op(name, size, st_split, ia, size, c);
			vm_destroy();

			start(BIT(HW_TLB_RANGE));
			for (i = 0; i < size; i += block)
				vm_map(ia + i, block, PA + i, RWX, 0);
			snprintf(name, sizeof(name), "level %d: clear by %luK", level, c / SZ_1K);
			stats_op(name, size, st_clear, ia, size, c);
			vm_destroy();
		}
	}
	return 0;
}
