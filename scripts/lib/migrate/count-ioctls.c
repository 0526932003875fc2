// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into QEMU: count the instructions of KVM's ioctls for dirty logging.
 *
 * With -icount shift=0, a thread's CPU time in nanoseconds is the number of its
 * instructions. A line for each ioctl goes to the file that IOCTL_LOG names: when it
 * returned, its name, its instructions.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef KVM_SET_USER_MEMORY_REGION2
#define KVM_SET_USER_MEMORY_REGION2	0x40a0ae49
#endif

/* What an ioctl does to dirty logging. Both structures of a memslot begin alike. */
static const char *name(unsigned int request, void *arg)
{
	switch (request) {
	case KVM_SET_USER_MEMORY_REGION:
	case KVM_SET_USER_MEMORY_REGION2:
		return ((struct kvm_userspace_memory_region *)arg)->flags &
			KVM_MEM_LOG_DIRTY_PAGES ? "enable" : "disable";
	case KVM_GET_DIRTY_LOG:
		return "get";
	case KVM_CLEAR_DIRTY_LOG:
		return "clear";
	case KVM_RESET_DIRTY_RINGS:
		return "reset";
	default:
		return NULL;
	}
}

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int, unsigned long, void *);
	static int log = -1;
	int64_t before, after;
	int error, ret;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!next)
		next = dlsym(RTLD_NEXT, "ioctl");
	if (!name(request, arg))
		return next(fd, request, arg);
	if (log < 0)
		log = open(getenv("IOCTL_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	before = now(CLOCK_THREAD_CPUTIME_ID);
	ret = next(fd, request, arg);
	error = errno;
	after = now(CLOCK_THREAD_CPUTIME_ID);
	dprintf(log, "%lld %s %lld\n", (long long)now(CLOCK_REALTIME), name(request, arg),
		(long long)(after - before));
	errno = error;
	return ret;
}
