// SPDX-License-Identifier: GPL-2.0
/* Events, each counted where it happens. */
enum hw_tlbi { TLBI_VMID, TLBI_IPA, TLBI_IPA_NSH, TLBI_RANGE, TLBI_HYP, NR_TLBI };

static struct hw_stats {
	u64 visits[6];		/* loads of live entries from level -1, [5]: unlinked */
	u64 callbacks[3];	/* LEAF, TABLE_PRE, TABLE_POST */
	u64 stores, releases, cmpxchgs, refs;
	u64 tlbi[NR_TLBI];
	u64 barriers, cmos;
	u64 zeroed;
} hw_stats;

static u64 nr_tlbi(void)
{
	u64 nr = 0;
	int i;

	for (i = 0; i < NR_TLBI; i++)
		nr += hw_stats.tlbi[i];
	return nr;
}

static void counters_reset(void)
{
	memset(&hw_stats, 0, sizeof(hw_stats));
}
