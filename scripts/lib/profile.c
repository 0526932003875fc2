// SPDX-License-Identifier: GPL-2.0
/*
 * TCG plugin: the instructions that a thread executes between two readings of
 * its CPU clock, by the address of their translation block.
 *
 *   mark=ADDR    entry of the kernel function that reads the clock: the first
 *                call opens a window, the second one closes it, and so on
 *   switch=ADDR  cpu_switch_to(): what other threads execute is not counted
 *   end=ADDR     its end
 *   out=FILE     for each window, the line "window", then "ADDRESS COUNT" lines
 *
 * Both marks are at the same place on the way to the clock, hence a window is
 * as long as the clock says, interrupts included. All that is executed below
 * the kernel's half of the address space goes by address 0.
 *
 * One CPU. A block that faults in its middle counts as a whole.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What this takes of QEMU's plugin API; Debian ships no header for it. */
#define EXPORT		__attribute__((visibility("default")))
#define CB_NO_REGS	0
#define INLINE_ADD_U64	0
#define MEM_RW		3

struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
		void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
		void (*cb)(unsigned int cpu, void *data), int flags, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
		int op, void *ptr, uint64_t value);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
		void (*cb)(unsigned int cpu, uint32_t info, uint64_t addr, void *data),
		int flags, int rw, void *data);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
bool qemu_plugin_mem_is_store(uint32_t info);

EXPORT int qemu_plugin_version = 1;

/* A hash table by address. It does not move: translated code points into it. */
#define NR_BLOCKS	(1u << 18)

static struct block {
	uint64_t addr;
	uint64_t executed;	/* instructions, since boot */
	uint64_t before;	/* of which before the thread got the CPU */
	uint64_t counted;	/* in this window */
	bool used;
} blocks[NR_BLOCKS];

static uint64_t mark, switch_addr, switch_end;
static FILE *out;

static bool window_open;
static bool running;		/* the thread of the window has the CPU */
static uint64_t context;	/* where cpu_switch_to() saved its registers */

static void fail(const char *what)
{
	fprintf(stderr, "profile plugin: %s\n", what);
	exit(1);
}

static struct block *find_block(uint64_t addr)
{
	uint32_t hash = (addr >> 2) * 2654435761u, i;

	for (i = 0; i < NR_BLOCKS; i++) {
		struct block *block = &blocks[(hash + i) % NR_BLOCKS];

		if (!block->used) {
			block->used = true;
			block->addr = addr;
		}
		if (block->addr == addr)
			return block;
	}
	fail("too many translation blocks");
	return NULL;
}

static void run(void)
{
	for (struct block *block = blocks; block < blocks + NR_BLOCKS; block++)
		block->before = block->executed;
	running = true;
}

static void stop(void)
{
	for (struct block *block = blocks; block < blocks + NR_BLOCKS; block++)
		block->counted += block->executed - block->before;
	running = false;
}

static void print_window(void)
{
	fprintf(out, "window\n");
	for (struct block *block = blocks; block < blocks + NR_BLOCKS; block++) {
		if (block->counted)
			fprintf(out, "%llx %llu\n", (unsigned long long)block->addr,
				(unsigned long long)block->counted);
		block->counted = 0;
	}
	if (fflush(out))
		fail("cannot write the counts");
}

static void mark_executed(unsigned int cpu, void *data)
{
	if (!window_open) {
		window_open = true;
		run();
	} else if (running) {
		window_open = false;
		stop();
		print_window();
	} else {
		fail("another thread reads its CPU clock within a window");
	}
}

/*
 * cpu_switch_to() stores the registers of the thread that leaves, then loads
 * those of the one that comes, both beginning with the same register.
 */
static void switch_accesses(unsigned int cpu, uint32_t info, uint64_t addr, void *data)
{
	static bool storing;
	bool store = qemu_plugin_mem_is_store(info);

	if (store == storing)
		return;
	storing = store;
	if (store && running) {
		context = addr;
		stop();
	} else if (!store && window_open && addr == context) {
		run();
	}
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint64_t addr = qemu_plugin_tb_vaddr(tb);
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct block *block = find_block(addr >> 63 ? addr : 0);

	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &block->executed, n);
	if (addr == mark)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, mark_executed, CB_NO_REGS, NULL);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		addr = qemu_plugin_insn_vaddr(insn);
		if (addr >= switch_addr && addr < switch_end)
			qemu_plugin_register_vcpu_mem_cb(insn, switch_accesses,
							 CB_NO_REGS, MEM_RW, NULL);
	}
}

static uint64_t number(const char *arg)
{
	return strtoull(strchr(arg, '=') + 1, NULL, 0);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "mark=", 5))
			mark = number(argv[i]);
		else if (!strncmp(argv[i], "switch=", 7))
			switch_addr = number(argv[i]);
		else if (!strncmp(argv[i], "end=", 4))
			switch_end = number(argv[i]);
		else if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	}
	if (!mark || !switch_addr || switch_end <= switch_addr || !out) {
		fprintf(stderr, "profile plugin: needs mark=, switch=, end= and a writable out=\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
