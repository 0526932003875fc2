/* SPDX-License-Identifier: GPL-2.0 */
/* Shadows <asm/memory.h>: the Makefile takes the few constants needed from it. */
