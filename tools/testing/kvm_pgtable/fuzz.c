// SPDX-License-Identifier: GPL-2.0
/* The random model, for libFuzzer to decide what is done. */
#define main	main_of_tests
#include "main.c"
#undef main

static const u8 *fuzz_data;
static size_t fuzz_size;

static u64 fuzz_rnd(u64 n)
{
	size_t len = min(n <= 256 ? 1 : n <= 65536 ? 2 : sizeof(u64), fuzz_size);
	u64 v = 0;

	memcpy(&v, fuzz_data, len);
	fuzz_data += len;
	fuzz_size -= len;
	return v % n;
}

int fuzz_one(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

int fuzz_one(const u8 *data, size_t size)
{
	struct op op;
	int i;

	if (sigsetjmp(test_env, 1))
		abort();
	rnd_source = NULL;
	probe_split();
	fuzz_data = data;
	fuzz_size = size;
	rnd_source = fuzz_rnd;
	model_start();
	for (i = 0; fuzz_size && i < OPS_PER_RUN; i++) {
		op = random_op();
		model_step(&op);
	}
	model_end();
	return 0;
}
