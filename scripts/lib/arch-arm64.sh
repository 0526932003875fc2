# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for those that source this
# What is arm64's own.

export CROSS_COMPILE=${CROSS_COMPILE-aarch64-linux-gnu-}
QEMU=${QEMU:-qemu-system-aarch64}

# What Debian and uname call it
debian_arch=arm64
machine=aarch64
# What the kernel is configured for, unless something else is asked for
host_config=$TOP/arch/arm64/configs/kvm_selftests_4k.config
# What a host that migrates guests is configured for, and what runs in it
migrate_config=$TOP/arch/arm64/configs/kvm_migrate.config
migrate_packages=(qemu-system-arm python3-minimal libpython3-stdlib busybox-static)

# QEMU's machine, what makes each boot of it like the other, its CPU and console
qemu_machine=virt,virtualization=on,gic-version=3
qemu_deterministic=,dtb-randomness=off
qemu_cpu=max
qemu_console=ttyAMA0

# The guest modes that this CPU and a kernel with 4K pages support, the selftests' own
# default
qemu_modes=({0..8} {12..14} 16)
default_mode=6
# What scripts/bench runs, and chunk sizes with pages of so many bytes (default: 4096):
# off, the largest, or one of those of blocks
bench_paths=(enable clear)
bench_rounds=(get64 get8 clear64 clear8 reset)
chunk_sizes()
{
	case $1 in
	16384) echo 0 max 16K 32M ;;
	65536) echo 0 max 64K 512M ;;
	*) echo 0 max 4K 2M 1G ;;
	esac
}
# The cells of the boot matrix
matrix_cells=({4k,16k,64k}-{vhe,nvhe,protected,novhe} 4k-ampereone)

# QEMU's CPU with the ID of an AmpereOne, by which the kernel finds its erratum
# AC03_CPU_38, and that block sizes may be changed without a break.
AMPEREONE=max,midr=0xc00fac30
# What the kernel's log says then, one to a line.
AMPEREONE_LOG="detected: BBM Level
detected: AmpereOne erratum AC03_CPU_38"

# What a cell is built from, by its page size
cell_config()
{
	echo "$TOP/arch/arm64/configs/kvm_selftests_$1.config"
}

# What the cells need that the others don't
prepare_cells()
{
	:
}

# set_cell CELL: what it means, as variables of the caller: options for scripts/boot,
# what the kernel says of itself then, line by line, and what stands in its tests for
# sizes, huge pages and the guest mode with its pages.
set_cell()
{
	local huge memory=5G more='' pages

	case $1 in
	# A slot of dirty_log_test in contiguous pages and in contiguous blocks, too.
	4k-*) memory=7G more="hugepagesz=64K hugepages=16385 hugepagesz=32M hugepages=33"
		block=2M chunk=1G hugetlb=anonymous_hugetlb_1gb huge=1G pages=2 mode=6 ;;
	16k-*) block=32M chunk=32M hugetlb=anonymous_hugetlb_32mb huge=32M pages=64 mode=7 ;;
	64k-*) block=512M chunk=512M hugetlb=anonymous_hugetlb_512mb huge=512M pages=4 mode=8 ;;
	esac
	boot=(-m "$memory"
	      -a "default_hugepagesz=$huge hugepagesz=$huge hugepages=$pages $more")
	says="]: VHE mode initialized"
	case ${1#*-} in
	nvhe) boot[3]+=" kvm-arm.mode=nvhe" says="]: Hyp nVHE mode initialized" ;;
	protected) boot[3]+=" kvm-arm.mode=protected" says="]: Protected .*VHE mode initialized" ;;
	novhe) boot+=(-c cortex-a35) says="]: Hyp nVHE mode initialized" ;;
	ampereone) boot+=(-c "$AMPEREONE") says+=$'\n'$AMPEREONE_LOG ;;
	esac
	# QEMU 7.2 takes ten times as long for 16K pages with LPA2.
	[[ $1 != 16k-* || $1 == *-novhe ]] || boot+=(-c "max,lpa2=off")
}

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

# Those on the kernel with checks of its own, as scripts/lib/check-debug.sh runs them
debug_tests=(
	"eager_split_test"
	"traced eager_split_test -r tables.level2_by_level1.enable"
	"dirty_log_test -m 6 -i 3 -E 4K -s anonymous_thp"
	"dirty_log_test -m 6 -i 3 -E 2M -s anonymous_thp"
	"dirty_log_test -m 6 -i 3 -E 2M -s anonymous_hugetlb_1gb"
	"dirty_log_test -m 6 -i 3 -E 1G -s anonymous_hugetlb_1gb"
	"dirty_log_perf_test -m 6 -b 64M -g -s anonymous_thp"
	"dirty_log_perf_test -m 6 -b 64M -s anonymous_thp"
	"kvm_page_table_test -m 6 -b 64M -s anonymous_thp"
	"kvm_page_table_test -m 6 -b 1G -s anonymous_hugetlb_1gb"
	"page_fault_test -m 6"
	"memslot_modification_stress_test -m 6 -b 16M -i 20"
	"fail=100 dirty_log_perf_test -m 6 -b 64M -g -s anonymous_thp"
	"fail=100 dirty_log_test -m 6 -i 3 -M dirty-log -E 2M -s anonymous_thp"
	"fail=10 dirty_log_test -m 6 -i 3 -M clear-log -E 4K -s anonymous_thp"
	"fail=10 dirty_log_test -m 6 -i 3 -M clear-log -E 2M -s anonymous_hugetlb_1gb"
	"fail=1 dirty_log_test -m 6 -i 3 -M clear-log -E 1G -s anonymous_hugetlb_1gb"
	"fail=10 dirty_log_test -m 6 -i 3 -M dirty-ring -E 2M -s anonymous_thp"
)
