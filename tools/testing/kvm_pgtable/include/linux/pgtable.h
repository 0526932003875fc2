/* SPDX-License-Identifier: GPL-2.0 */
/* Shadows <linux/pgtable.h>: the geometry of a table is the tree's own. */
#include <asm/pgtable-hwdef.h>
