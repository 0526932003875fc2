// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test that KVM frees the page tables that map guest memory: create VMs whose
 * guest touches memory so sparsely that each page needs a page table of its own,
 * and see whether the host gets its memory back when they are gone.
 */
#include <stdio.h>
#include <sys/mman.h>

#include <linux/sizes.h>

#include "kvm_util.h"
#include "test_util.h"
#include "processor.h"
#include "ucall_common.h"

#define TEST_SLOT	1
#define TEST_GVA	0xc0000000ul

#define NR_TABLES	1024
#define NR_VMS		16
#define NR_TRIES	3

static void guest_code(u64 page_size)
{
	int i;

	for (i = 0; i < NR_TABLES; i++)
		READ_ONCE(*(u64 *)(TEST_GVA + i * page_size));
	GUEST_DONE();
}

/* Memory that nobody uses, in kB */
static long mem_free(void)
{
	char line[128];
	long kb = -1;
	FILE *file;

	file = fopen("/proc/meminfo", "r");
	TEST_ASSERT(file, "cannot read /proc/meminfo");
	while (kb < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "MemFree: %ld", &kb);
	fclose(file);
	TEST_ASSERT(kb >= 0, "no MemFree in /proc/meminfo");
	return kb;
}

static void run_vm(void *mem, size_t stride)
{
	size_t size = stride * NR_TABLES;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	gpa_t gpa;
	int i;

	vm = __vm_create_with_one_vcpu(&vcpu, NR_TABLES, guest_code);

	gpa = align_down((vm->max_gfn + 1) * vm->page_size - size, stride);
	vm_set_user_memory_region(vm, TEST_SLOT, 0, gpa, size, mem);
	for (i = 0; i < NR_TABLES; i++)
		virt_map(vm, TEST_GVA + i * vm->page_size, gpa + i * stride, 1);

	vcpu_args_set(vcpu, 1, vm->page_size);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_DONE);

	kvm_vm_free(vm);
}

int main(void)
{
	size_t page_size = getpagesize();
	/* What a page table at the last level maps */
	size_t stride = page_size * (page_size / sizeof(u64));
	long tables = NR_VMS * NR_TABLES * (page_size / SZ_1K), lost;
	int i, try = 0;
	void *mem;

	mem = kvm_mmap(stride * (NR_TABLES + 1), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	mem = align_ptr_up(mem, stride);
	if (thp_configured())
		kvm_madvise(mem, stride * NR_TABLES, MADV_NOHUGEPAGE);

	/* The first VM also pays for what stays. */
	run_vm(mem, stride);

	/*
	 * Other things use memory as well, and CPUs keep free pages to
	 * themselves, but that is not as much as this, and not each time.
	 */
	do {
		lost = mem_free();
		for (i = 0; i < NR_VMS; i++)
			run_vm(mem, stride);
		lost -= mem_free();
		pr_info("%d VMs: %ld kB of page tables, %ld kB less free memory\n",
			NR_VMS, tables, lost);
	} while (lost >= tables / 2 && ++try < NR_TRIES);

	TEST_ASSERT(try < NR_TRIES, "page tables of VMs that are gone use memory");
	return 0;
}
