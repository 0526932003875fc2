// SPDX-License-Identifier: GPL-2.0
/*
 * Two trees side by side: the same walks on the same CPU, in turns, so that
 * whatever else disturbs them disturbs both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/compiler.h>

#include "bench.h"

#define NR_CELLS	6
#define MAX_REPS	99
#define MAX_HOLDS	1000000

static const unsigned long chunks[] = { 1UL << 30, 2UL << 20, 4UL << 10 };
#define NR_CHUNKS	3

/* Not static, so that callgrind's --toggle-collect finds the name */
noinline void measured(const struct bench_op *op, unsigned long chunk)
{
	op->fn(chunk);
	__asm__ volatile("" ::: "memory");
}

static double run(const struct bench_tree *tree, int op, unsigned long gib, unsigned long chunk)
{
	struct timespec t0, t1;

	tree->setup(gib, tree->ops[op].level);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
	measured(&tree->ops[op], chunk);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
	tree->teardown();
	return (t1.tv_sec - t0.tv_sec) * 1e3 + (t1.tv_nsec - t0.tv_nsec) / 1e6;
}

static int cmp(const void *a, const void *b)
{
	return *(double *)a < *(double *)b ? -1 : *(double *)a > *(double *)b;
}

static double median(double *v, int nr)
{
	qsort(v, nr, sizeof(*v), cmp);
	return nr % 2 ? v[nr / 2] : (v[nr / 2 - 1] + v[nr / 2]) / 2;
}

static void cell(int op, unsigned long gib, unsigned long chunk, int reps)
{
	double base[MAX_REPS], new[MAX_REPS], ratio[MAX_REPS], b, n;
	int i;

	for (i = 0; i < reps; i++) {
		if (i % 2) {
			new[i] = run(&bench_new, op, gib, chunk);
			base[i] = run(&bench_base, op, gib, chunk);
		} else {
			base[i] = run(&bench_base, op, gib, chunk);
			new[i] = run(&bench_new, op, gib, chunk);
		}
		ratio[i] = new[i] / base[i];
	}
	b = median(base, reps);
	n = median(new, reps);
	printf("%-10s %5luK %4lu %10.3f %10.3f %+8.1f%% %10.3f %10.3f\n",
	       bench_base.ops[op].name, chunk >> 10, gib, b, n,
	       100 * (median(ratio, reps) - 1), b / gib, n / gib);
	fflush(stdout);
}

/* Medians of all holds in all runs */
static void cell_holds(int op, unsigned long gib, unsigned long chunk, int reps)
{
	const struct bench_tree *trees[] = { &bench_base, &bench_new };
	double us[2];
	int i, nr[2];

	for (i = 0; i < 2; i++) {
		trees[i]->holds->nr = 0;
		trees[i]->holds->max = MAX_HOLDS;
		trees[i]->holds->us = malloc(MAX_HOLDS * sizeof(double));
	}
	for (i = 0; i < 2 * reps; i++)
		run(trees[i % 2], op, gib, chunk);
	for (i = 0; i < 2; i++) {
		nr[i] = trees[i]->holds->nr;
		us[i] = median(trees[i]->holds->us, nr[i]);
		free(trees[i]->holds->us);
		trees[i]->holds->max = 0;
	}
	printf("%-10s %5luK %4lu %8d %8d %10.2f %10.2f %+8.1f%%\n",
	       bench_base.ops[op].name, chunk >> 10, gib, nr[0] / reps, nr[1] / reps,
	       us[0], us[1], 100 * (us[1] / us[0] - 1));
	fflush(stdout);
}

static int holds(unsigned long gib, int reps)
{
	int c, op;

	printf("%-10s %6s %4s %8s %8s %10s %10s %9s\n", "cell", "chunk", "GiB", "base", "new",
	       "base us", "new us", "ratio");
	for (c = 0; c < NR_CHUNKS; c++)
		for (op = 1; op < 3; op++)
			cell_holds(op, gib, chunks[c], reps);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long gib = argc > 1 ? strtoul(argv[1], NULL, 0) : 4, size;
	int reps = argc > 2 ? atoi(argv[2]) : 9, op, c;

	/* bench -i base|new op: for a counter of instructions */
	if (argc == 4 && !strcmp(argv[1], "-i")) {
		run(strcmp(argv[2], "base") ? &bench_new : &bench_base, atoi(argv[3]), 1,
		    chunks[0]);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (op = 0; bench_base.ops[op].name; op++)
			printf("%d %d %lu %s\n", op, bench_base.ops[op].may_differ,
			       bench_base.ops[op].size ?: 1UL << 30,
			       bench_base.ops[op].name);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "-H"))
		return holds(1, 9);
	if (!gib || reps < 1 || reps > MAX_REPS) {
		fprintf(stderr, "Usage: %s [GiB [repetitions]]\n", argv[0]);
		return 2;
	}

	printf("%-10s %6s %4s %10s %10s %9s %10s %10s\n", "cell", "chunk", "GiB", "base ms",
	       "new ms", "ratio", "base/GiB", "new/GiB");
	for (c = 0; c < NR_CHUNKS; c++)
		for (op = 0; op < NR_CELLS; op++)
			cell(op, gib, chunks[c], reps);
	for (op = 0; op < NR_CELLS; op++)
		for (size = 1; size <= 16; size *= 2)
			cell(op, size, chunks[0], reps < 5 ? reps : 5);
	return 0;
}
