/* SPDX-License-Identifier: GPL-2.0 */
/* What has no meaning in userspace. */
#ifndef _KVM_PGTABLE_STUBS_H
#define _KVM_PGTABLE_STUBS_H

#undef __rcu
#define __rcu
#define isb()				do { } while (0)
#define rcu_dereference_raw(p)		(p)
#define rcu_dereference_check(p, c)	((void)(c), (p))

#endif
