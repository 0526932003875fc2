# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for those that source this
# What is arm64's own.

export CROSS_COMPILE=${CROSS_COMPILE-aarch64-linux-gnu-}
QEMU=${QEMU:-qemu-system-aarch64}

# What Debian calls it
debian_arch=arm64
# What the kernel is configured for, unless something else is asked for
host_config=$TOP/arch/arm64/configs/kvm_selftests_4k.config

# QEMU's machine, what makes each boot of it like the other, its CPU and console
qemu_machine=virt,virtualization=on,gic-version=3
qemu_deterministic=,dtb-randomness=off
qemu_cpu=max
qemu_console=ttyAMA0

# The guest modes that this CPU and a kernel with 4K pages support
qemu_modes=({0..8} {12..14} 16)
# The cells of the boot matrix
matrix_cells=({4k,16k,64k}-{vhe,nvhe,protected,novhe} 4k-ampereone)

# QEMU's CPU with the ID of an AmpereOne, by which the kernel finds its erratum
# AC03_CPU_38, and that block sizes may be changed without a break.
AMPEREONE=max,midr=0xc00fac30
# What the kernel's log says then, one to a line.
AMPEREONE_LOG="detected: BBM Level
detected: AmpereOne erratum AC03_CPU_38"

# Debian packages for all of that, and what tells a tree that has the series
arch_packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm)
series_file=arch/arm64/include/asm/kvm_pgtable.h
series_mark=KVM_PGTABLE_WALK_SKIP_LEVEL
# The selftests that can be built, if not all, and where patches to its KVM go
arch_selftests=()
arch_list=kvmarm@

# Command lines of the selftests. What is booted of the other bases gets the first four.
boot_tests=(
	"eager_split_test"
	"dirty_log_test -m 3 -i 4"
	"dirty_log_test -m 3 -i 4 -E 1G -s anonymous_thp"
	"dirty_log_test -m 3 -i 4 -E 2M -s anonymous_hugetlb_1gb"
	"dirty_log_test -m 3 -i 4 -E 4K -s anonymous_thp"
	"dirty_log_test -m 3 -i 4 -M dirty-ring -E 2M -s anonymous_thp"
	"dirty_ring_reset_test"
	"dirty_log_perf_test -m 3 -b 64M -g -s anonymous_thp"
	"dirty_log_perf_test -m 3 -b 64M -s anonymous_thp"
	"kvm_page_table_test -m 3 -b 64M -s anonymous_thp"
	"memslot_modification_stress_test -m 3 -b 16M -i 20"
)
