/* SPDX-License-Identifier: GPL-2.0 */
/* What this takes of QEMU's plugin API; not every package ships its header. */
#ifndef _KVM_PGTABLE_INSN_PLUGIN_H
#define _KVM_PGTABLE_INSN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT		__attribute__((visibility("default")))
#define INLINE_ADD_U64	0

struct qemu_plugin_tb;

typedef void (*tb_trans_cb)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*syscall_cb)(uint64_t id, unsigned int vcpu, int64_t num,
			   uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
			   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
					      uint64_t value);
void qemu_plugin_register_vcpu_syscall_cb(uint64_t id, syscall_cb cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);

#endif
