// SPDX-License-Identifier: GPL-2.0
/*
 * Userspace tests of arch/arm64/kvm/hyp/pgtable.c, which is compiled into this
 * file with all its static functions.
 */
#include <getopt.h>

#include <linux/kvm_host.h>
#include <asm/kvm_pgtable.h>

const void *hw_callback(const struct kvm_pgtable_visit_ctx *ctx,
			enum kvm_pgtable_walk_flags visit);

#include "hyp/pgtable.c"

#include "test.c"
#include "hw/counters.c"
#include "hw/log.c"
#include "hw/mem.c"
#include "hw/mm_ops.c"
#include "hw/desc.c"
#include "hw/batch.c"
#include "hw/tlb.c"
#include "hw/checker.c"
#include "hw/cpu.c"
#include "reader.c"
#include "vm.c"
#include "tests/geometry.c"
#include "tests/walk.c"
#include "tests/bbm.c"
#include "tests/users.c"
#include "tests/split.c"
#include "tests/collapse.c"
#include "tests/model.c"
#include "stats.c"

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{ "geometry", test_geometry },
	{ "walk_bounds", test_walk_bounds },
	{ "walk_flags", test_walk_flags },
	{ "walk_ranges", test_walk_ranges },
	{ "walk_actions", test_walk_actions },
	{ "bbm_examples", test_bbm_examples },
	{ "map", test_map },
	{ "map_race", test_map_race },
	{ "map_failed_allocation", test_map_failed_allocation },
	{ "unmap", test_unmap },
	{ "attrs", test_attrs },
	{ "wrprotect", test_wrprotect },
#ifdef HAVE_WRPROTECT_BITMAP
	{ "wrprotect_bitmap", test_wrprotect_bitmap },
#endif
	{ "flush", test_flush },
	{ "get_leaf", test_get_leaf },
	{ "pte_prot", test_pte_prot },
#ifdef HAVE_CREATE_UNLINKED
	{ "unlinked", test_unlinked },
#endif
	{ "hyp", test_hyp },
	{ "split", test_split },
	{ "split_level1", test_split_level1 },
	{ "split_chunks", test_split_chunks },
	{ "split_invalidations", test_split_invalidations },
	{ "split_inherits", test_split_inherits },
	{ "split_keeps_memtype", test_split_keeps_memtype },
	{ "split_keeps_access_flag", test_split_keeps_access_flag },
	{ "split_makes_young", test_split_makes_young },
	{ "split_failed_allocation", test_split_failed_allocation },
	{ "split_failures", test_split_failures },
#ifdef HAVE_COLLAPSE
	{ "collapse", test_collapse },
	{ "collapse_level1", test_collapse_level1 },
	{ "collapse_refused", test_collapse_refused },
	{ "collapse_attributes", test_collapse_attributes },
	{ "collapse_frees", test_collapse_frees },
#endif
	{ "model", test_model },
};

static bool run_test_with(u32 i, unsigned long caps)
{
	xfail = NULL;
	rnd_seed(seed);
	more_caps = caps;
	hw_reset(0);
	if (sigsetjmp(test_env, 1)) {
		printf("FAIL  %s %s%s\n", VARIANT, tests[i].name,
		       caps ? " with FEAT_BBM" : "");
		return false;
	}
	tests[i].fn();
	if (xfail)
		printf("XFAIL %s %s: %s\n", VARIANT, tests[i].name, xfail);
	else if (verbose)
		printf("PASS  %s %s\n", VARIANT, tests[i].name);
	return true;
}

static int usage(const char *name)
{
	printf("Usage: %s [options]\n"
	       "  -t name  only tests whose name starts with that\n"
	       "  -n num   operations of the random model (%lu)\n"
	       "  -s num   seed (%lu)\n"
	       "  -q       do not shrink a failing sequence\n"
	       "  -S       print statistics instead of testing\n"
	       "  -l       list the tests\n"
	       "  -v       print each test, and what the checker finds in bad examples\n",
	       name, nr_ops, seed);
	return 2;
}

static bool run_test(u32 i)
{
	bool ok = run_test_with(i, 0);

#ifdef HAVE_SPLIT_IN_PLACE
	ok = ok && run_test_with(i, BIT(HW_BBML2));
#endif
	return ok;
}

int main(int argc, char **argv)
{
	u32 i, passed = 0, failed = 0, xfailed = 0;
	const char *only = "";
	int c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt(argc, argv, "t:n:s:qSlv")) != -1) {
		switch (c) {
		case 't':
			only = optarg;
			break;
		case 'n':
			nr_ops = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'q':
			shrink = false;
			break;
		case 'S':
			return stats();
		case 'l':
			for (i = 0; i < ARRAY_SIZE(tests); i++)
				puts(tests[i].name);
			return 0;
		case 'v':
			verbose++;
			break;
		default:
			return usage(argv[0]);
		}
	}

	/* If even that fails, so will a test. */
	if (!sigsetjmp(test_env, 1))
		probe_split();

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strncmp(tests[i].name, only, strlen(only)))
			continue;
		if (!run_test(i))
			failed++;
		else if (xfail)
			xfailed++;
		else
			passed++;
	}
	printf("%-8s %u passed, %u failed, %u expected failures\n", VARIANT, passed, failed,
	       xfailed);
	return !!failed;
}
