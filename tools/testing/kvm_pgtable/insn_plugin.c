// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU plugin: prints how many instructions a program of one thread executes
 * between two calls of clock_gettime(), the system call, to standard error.
 */
#include <stdint.h>
#include <stdio.h>

#include "insn_plugin.h"

EXPORT int qemu_plugin_version = 1;

#define ARM64_CLOCK_GETTIME	113

static uint64_t executed, start;

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &executed,
						 qemu_plugin_tb_n_insns(tb));
}

static void syscalled(uint64_t id, unsigned int vcpu, int64_t num, uint64_t a1, uint64_t a2,
		      uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
		      uint64_t a8)
{
	if (num != ARM64_CLOCK_GETTIME)
		return;
	if (start)
		fprintf(stderr, "instructions: %llu\n",
			(unsigned long long)(executed - start));
	start = start ? 0 : executed;
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_vcpu_syscall_cb(id, syscalled);
	return 0;
}
