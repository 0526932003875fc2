/* SPDX-License-Identifier: GPL-2.0 */
/* What one kernel tree offers to the benchmark. */
#ifndef _KVM_PGTABLE_BENCH_H
#define _KVM_PGTABLE_BENCH_H

#include <stdbool.h>

struct bench_tree {
	/* Prepare @gib of memory mapped at @level, and throw it away. */
	void (*setup)(unsigned long gib, int level);
	void (*teardown)(void);
	/* Run by number, until the name is NULL. */
	struct bench_op {
		const char *name;
		void (*fn)(unsigned long chunk);
		int level;		/* what it wants to be mapped */
		bool may_differ;
		unsigned long size;	/* of each walk; 0: of all memory */
	} *ops;
	/*
	 * Have "enable" note how long it would hold the MMU lock for each time
	 * that it splits: until the cache of tables has to be filled again.
	 */
	struct bench_holds {
		int nr, max;
		double *us;
	} *holds;
};

extern const struct bench_tree bench_base, bench_new;

#endif
