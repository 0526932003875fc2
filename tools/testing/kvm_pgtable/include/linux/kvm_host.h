/* SPDX-License-Identifier: GPL-2.0 */
/* Shadows <linux/kvm_host.h>, from which pgtable.c has all that it uses. */
#include "../dup.h"
#include "../custom.h"
#include "../stubs.h"
#include <asm/pgtable-hwdef.h>
