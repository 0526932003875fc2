# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for those that source this
# What is RISC-V's own.

export CROSS_COMPILE=${CROSS_COMPILE-riscv64-linux-gnu-}
QEMU=${QEMU:-qemu-system-riscv64}

debian_arch=riscv64
host_config=''

qemu_machine=virt
qemu_deterministic=''
qemu_cpu=rv64,h=true
qemu_console=ttyS0

# Not measured, and no cell of the matrix
qemu_modes=()
matrix_cells=()

arch_packages=(gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-system-misc opensbi)
series_file=arch/riscv/include/asm/kvm_gstage.h
series_mark=KVM_GSTAGE_PTE_HOST_WRITABLE
arch_list=kvm@

# Debian 12's compiler refuses memslot_perf_test.
arch_selftests=(dirty_log_cow_test page_table_leak_test dirty_log_test dirty_log_perf_test
		kvm_page_table_test demand_paging_test memslot_modification_stress_test)

# Command lines of the selftests, of which "scripts/check bases" takes four.
boot_tests=(
	"dirty_log_cow_test"
	"page_table_leak_test"
	"dirty_log_test -i 4"
	"kvm_page_table_test -b 64M -s anonymous_thp"
)
