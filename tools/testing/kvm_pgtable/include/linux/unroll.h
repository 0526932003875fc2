/* SPDX-License-Identifier: GPL-2.0 */
/* Shadows <linux/unroll.h>: the Makefile defines unrolled_count(). */
