// SPDX-License-Identifier: GPL-2.0
/* What a test needs whatever it tests: a way to fail, and random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

static int verbose;
static u64 seed = 1;
static const char *xfail;
static sigjmp_buf test_env;

static void __noreturn __printf(1, 2) test_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "FAIL: ");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	siglongjmp(test_env, 1);
}

/* A defect of the tree that is known; the test passes when it is gone. */
static void test_xfail(const char *what)
{
	xfail = what;
}

#define check(cond)							\
do {									\
	if (!(cond))							\
		test_fail("%s:%d: " #cond, __func__, __LINE__);		\
} while (0)

/* xorshift64*: the same sequence everywhere */
static u64 rnd_state = 1;
static u64 (*rnd_source)(u64 n);	/* instead of it */

static u64 rnd64(u64 n)
{
	if (rnd_source)
		return rnd_source(n);
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
