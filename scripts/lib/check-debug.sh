# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The patched kernel with all of its own checks, and without memory.

# With 'fail=PERCENT' first, so many of the allocations for splitting fail: page
# allocations of the test, while kvm_mmu_split_huge_pages() is on the stack. A
# test during which none did fail has failed. They all are to be survived, and
# KVM has to count that it gave up. With 'traced' first, the tracepoint has to
# tell of the six blocks that the test has split.
# shellcheck disable=SC2016
debug_setup='run()
{
	case $1 in
	fail=*) with_failures "$@" ;;
	traced) shift; traced "$@" ;;
	*) timeout -s KILL 1500 ./"$@" ;;
	esac
}
traced()
{
	tracing=/sys/kernel/tracing
	mount -t tracefs tracefs $tracing
	echo 1 > $tracing/events/kvm/kvm_eager_split/enable
	run "$@"
	code=$?
	echo 0 > $tracing/events/kvm/kvm_eager_split/enable
	cat $tracing/trace
	grep -q "ipa 0x100200000, size 0xc00000, chunk 0x40000000,\
 level 1 blocks 0, level 2 blocks 6, tables 6, TLB flushes 1" $tracing/trace || return 1
	return $code
}
with_failures()
{
	percent=${1#fail=}
	shift
	cd /sys/kernel/debug/fail_page_alloc
	range=$(sort /proc/kallsyms | awk '\''
		start { print start, "0x" $1; exit }
		$3 ~ /^kvm_mmu_split_huge_pages/ { start = "0x" $1 }'\'')
	[ "$range" ] || { echo "no such function"; return 1; }
	echo ${range% *} > require-start
	echo ${range#* } > require-end
	echo 32 > stacktrace-depth
	echo 0 > min-order
	echo N > ignore-gfp-wait
	echo 0 > verbose
	echo Y > task-filter
	echo 1000000 > times
	echo $percent > probability
	cd /tests
	while sleep 0.1; do
		cat /sys/kernel/debug/kvm/eager_split_aborts
	done > /tmp/aborts &
	(echo 1 > /proc/self/make-it-fail; exec timeout -s KILL 900 ./"$@")
	code=$?
	kill $!
	echo 0 > /sys/kernel/debug/fail_page_alloc/probability
	failures=$((1000000 - $(cat /sys/kernel/debug/fail_page_alloc/times)))
	echo "$failures allocations failed"
	[ $failures -gt 0 ] || return 1
	grep -q "[1-9]" /tmp/aborts || { echo "no abort was counted"; return 1; }
	return $code
}'

debug_base()
{
	local base=$1 boot_setup=$debug_setup boot_timeout=3600 boot_options=()

	boot_and_run "$base" "$(last_series "$base")" "${debug_tests[@]}"
	boot_options=(--smp 2)
	boot_and_run "$base" "$(last_series "$base")" "eager_split_stress_test -t 600"
}

check_debug()
{
	local base

	for base in $(main_bases); do
		check_base "$base"
		CONFIG=$TOP/arch/$ARCH/configs/kvm_selftests_debug.config debug_base "$base"
	done
}
