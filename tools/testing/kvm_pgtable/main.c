// SPDX-License-Identifier: GPL-2.0
/*
 * Userspace tests of arch/arm64/kvm/hyp/pgtable.c, which is compiled into this
 * file with all its static functions.
 */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "hw.h"

const void *hw_callback(const struct kvm_pgtable_visit_ctx *ctx,
			enum kvm_pgtable_walk_flags visit);

#include "hyp/pgtable.c"

#ifndef HAVE_SKIP_LEVEL
#define KVM_PGTABLE_WALK_SKIP_LEVEL0	0
#define KVM_PGTABLE_WALK_SKIP_LEVEL1	0
#define KVM_PGTABLE_WALK_SKIP_LEVEL2	0
#define KVM_PGTABLE_WALK_SKIP_LEVEL3	0
#endif
#ifndef HAVE_SKIP_NEW_TABLE
#define KVM_PGTABLE_WALK_SKIP_NEW_TABLE	0
#endif
#ifndef HAVE_CREATE_UNLINKED
#define KVM_PGTABLE_WALK_SKIP_BBM_TLBI	0
#define KVM_PGTABLE_WALK_SKIP_CMO	0
#endif

static int verbose;
static bool shrink = true;
static u64 seed = 1, nr_ops = PAGE_SHIFT == 16 ? 2500 : 20000;
static const char *xfail;
static sigjmp_buf test_env;

/* xorshift64*: the same sequence everywhere */
static u64 rnd_state = 1;

#ifdef FUZZER	/* the name of its entry point */
/* The fuzzer decides instead. */
static const unsigned char *fuzz_data;
static size_t fuzz_size;

static u64 fuzz_rnd(u64 n)
{
	size_t len = n <= 256 ? 1 : n <= 65536 ? 2 : 8;
	u64 v = 0;

	len = min(len, fuzz_size);
	memcpy(&v, fuzz_data, len);
	fuzz_data += len;
	fuzz_size -= len;
	return v % n;
}
#endif

static u64 rnd64(u64 n)
{
#ifdef FUZZER
	if (fuzz_data)
		return fuzz_rnd(n);
#endif
	rnd_state ^= rnd_state >> 12;
	rnd_state ^= rnd_state << 25;
	rnd_state ^= rnd_state >> 27;
	return (rnd_state * 0x2545f4914f6cdd1dULL >> 11) % n;
}

static u32 rnd(u32 n)
{
	return rnd64(n);
}

static void rnd_seed(u64 s)
{
	rnd_state = s * 0x9e3779b97f4a7c15ULL ?: 1;
	rnd64(1);
}

void test_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "FAIL: ");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
#ifdef FUZZER
	abort();
#endif
	siglongjmp(test_env, 1);
}

/* A defect of the tree that is known; the test passes when it is gone. */
static void test_xfail(const char *what)
{
	xfail = what;
}

#include "hw.c"
#include "vm.c"
#include "tests/walk.c"
#include "tests/bbm.c"
#include "tests/model.c"
#include "tests/users.c"
#include "stats.c"

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{ "walk_bounds", test_walk_bounds },
	{ "walk_flags", test_walk_flags },
	{ "walk_ranges", test_walk_ranges },
	{ "walk_actions", test_walk_actions },
	{ "bbm_examples", test_bbm_examples },
	{ "geometry", test_geometry },
	{ "map", test_map },
	{ "map_race", test_map_race },
	{ "unmap", test_unmap },
	{ "attrs", test_attrs },
	{ "wrprotect", test_wrprotect },
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
	{ "failed_allocation", test_failed_allocation },
	{ "split_failures", test_split_failures },
	{ "model", test_model },
};

static bool run_test(u32 i)
{
	xfail = NULL;
	rnd_seed(seed);
	hw_reset(0);
	if (sigsetjmp(test_env, 1)) {
		printf("FAIL  %s %s\n", VARIANT, tests[i].name);
		return false;
	}
	tests[i].fn();
	if (xfail)
		printf("XFAIL %s %s: %s\n", VARIANT, tests[i].name, xfail);
	else if (verbose)
		printf("PASS  %s %s\n", VARIANT, tests[i].name);
	return true;
}

#ifdef FUZZER
int FUZZER(const unsigned char *data, size_t size)
{
	struct op op;
	int i;

	fuzz_data = NULL;
	probe_split();
	fuzz_data = data;
	fuzz_size = size;
	model_start();
	for (i = 0; fuzz_size && i < OPS_PER_RUN; i++) {
		op = random_op();
		model_step(&op);
	}
	model_end();
	return 0;
}
#else
static int usage(const char *name)
{
	printf("Usage: %s [options]\n"
	       "  -t name  only tests whose name starts with that\n"
	       "  -n num   operations of the random model (%llu)\n"
	       "  -s num   seed (%llu)\n"
	       "  -q       do not shrink a failing sequence\n"
	       "  -S       print statistics instead of testing\n"
	       "  -l       list the tests\n"
	       "  -v       print each test, and what the checker finds in bad examples\n",
	       name, (unsigned long long)nr_ops, (unsigned long long)seed);
	return 2;
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
#endif /* FUZZER */
