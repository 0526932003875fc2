# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for those that source this
# What is RISC-V's own.

export CROSS_COMPILE=${CROSS_COMPILE-riscv64-linux-gnu-}
QEMU=${QEMU:-qemu-system-riscv64}

debian_arch=riscv64
machine=riscv64
host_config=''
migrate_config=''

qemu_machine=virt
qemu_deterministic=''
qemu_cpu=rv64,h=true
qemu_console=ttyS0

qemu_modes=(18 19)
default_mode=18
bench_paths=(get clear_each)
bench_rounds=()
# There are no chunks to choose.
chunk_sizes()
{
	echo max
}
# By the page tables of host and guest
matrix_cells=(4k-sv{39,48,57})

arch_packages=(gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-system-misc opensbi)
series_file=arch/riscv/include/asm/kvm_gstage.h
series_mark=KVM_GSTAGE_PTE_HOST_WRITABLE
arch_list=kvm@

# Debian 12's compiler refuses memslot_perf_test.
arch_selftests=(dirty_log_cow_test page_table_leak_test unmap_huge_test dirty_log_test dirty_log_perf_test
		kvm_page_table_test demand_paging_test memslot_modification_stress_test
		dirty_ring_reset_test eager_split_stress_test kvm_binary_stats_test
		access_tracking_perf_test set_memory_region_test)

# Cells of the matrix differ in how the kernel is booted.
cell_config()
{
	:
}

# What the cells need that the others don't: QEMU 8.0, where page tables have as many
# levels as one likes, from the backports of a Debian release that is older.
prepare_cells()
{
	local dir=$BUILD/qemu package

	need "$QEMU"
	[[ $("$QEMU" --version) =~ version\ [1-7]\. ]] || return 0
	QEMU=$dir/qemu-system-riscv64
	[[ ! -x $QEMU ]] || return 0
	# shellcheck source=/dev/null
	. "$TOP/scripts/lib/apt.sh"
	for package in qemu-system-riscv qemu-system-data; do
		fetch_package "$package" "$dir" "$codename-backports"
	done
	printf '#!/bin/sh\nexec %s -L %s -L /usr/share/qemu "$@"\n' \
		"$dir/usr/bin/qemu-system-riscv64" "$dir/usr/share/qemu" > "$QEMU"
	chmod +x "$QEMU"
}

# set_cell CELL: as for arm64
set_cell()
{
	local levels=${1#*-sv}

	boot=(-m 5G -c "rv64,h=true,sv$levels=on"
	      -a "default_hugepagesz=1G hugepagesz=1G hugepages=2 hugepagesz=2M hugepages=32")
	block=2M chunk='' hugetlb=anonymous_hugetlb_1gb mode=''
	says="G-stage page table mode is Sv${levels}x4"
}

# Command lines of the selftests. What is booted of the other bases gets the first four.
boot_tests=(
	"dirty_log_cow_test"
	"page_table_leak_test"
	"unmap_huge_test"
	"dirty_log_test -i 4"
	"kvm_page_table_test -b 64M -s anonymous_thp"
	"eager_split_stress_test -t 20"
)

# Those on the kernel with checks of its own
debug_tests=(
	"${boot_tests[@]}"
	"dirty_log_test -i 3 -s anonymous_thp"
	"dirty_log_test -i 3 -s anonymous_hugetlb_1gb"
	"dirty_log_perf_test -m 18 -b 64M -g -s anonymous_thp"
	"dirty_log_perf_test -m 18 -b 64M -s anonymous_thp"
	"kvm_page_table_test -m 18 -b 1G -s anonymous_hugetlb_1gb"
	"memslot_modification_stress_test -m 18 -b 16M -i 20"
)
