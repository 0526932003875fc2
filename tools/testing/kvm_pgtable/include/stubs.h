/* SPDX-License-Identifier: GPL-2.0 */
/* What has no meaning in userspace. */
#ifndef _KVM_PGTABLE_STUBS_H
#define _KVM_PGTABLE_STUBS_H

#undef __rcu
#define __rcu
#define isb()				do { } while (0)
#define rcu_dereference_raw(p)		(p)
#define rcu_dereference_check(p, c)	((void)(c), (p))

#ifdef HW_NATIVE
#define rcu_read_lock()			do { } while (0)
#define rcu_read_unlock()		do { } while (0)
#define rcu_read_lock_held()		true
#else
#define rcu_read_lock()			hw_rcu(1)
#define rcu_read_unlock()		hw_rcu(-1)
#define rcu_read_lock_held()		hw_rcu_held()
#endif

#endif
