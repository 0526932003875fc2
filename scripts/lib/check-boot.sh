# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Boots of the patched kernels.

# Command lines of the selftests, as run on the first base.
boot_tests=(
	"eager_split_test"
	"dirty_log_test -m 3 -i 4"
	"dirty_log_test -m 3 -i 4 -E 1G -s anonymous_thp"
	"dirty_log_test -m 3 -i 4 -E 2M -s anonymous_hugetlb_1gb"
	"dirty_log_test -m 3 -i 4 -E 4K -s anonymous_thp"
	"dirty_log_perf_test -m 3 -b 64M -g -s anonymous_thp"
	"dirty_log_perf_test -m 3 -b 64M -s anonymous_thp"
	"kvm_page_table_test -m 3 -b 64M -s anonymous_thp"
	"memslot_modification_stress_test -m 3 -b 16M -i 20"
)

# boot_and_run BASE REVISION TEST...: a result for each test.
boot_and_run()
{
	local base=$1 revision=$2 name=$1-$2 image tests test log code

	shift 2
	log=$out/boot-$name
	{
		image=$("$TOP/scripts/kernel" build "$base" "$revision") &&
		tests=$("$TOP/scripts/kernel" selftests "$base" "$revision") &&
		initramfs=$("$TOP/scripts/initramfs" "$tests")
	} 2> "$log.build" || {
		result "kernel of $base with $revision builds" not-ok "$log.build"
		return
	}
	for test; do
		echo "echo '@ run $test'; ./$test; echo \"@ exit \$?\""
	done > "$log.job"
	echo "dmesg | grep -E 'WARNING:|BUG:|Oops' && echo '@ splat'" >> "$log.job"
	"$TOP/scripts/boot" -m 5G -t 1500 -l "$log.console" \
		-a "default_hugepagesz=1G hugepagesz=1G hugepages=2" \
		"$image" "$initramfs" "$log.job" > "$log.out" 2>&1 || true
	for test; do
		# From the test's own announcement to the next one's.
		sed -n "\|^@ run $test\$|,\|^@ exit|p" "$log.out" > "$log.test"
		code=$(sed -n 's/^@ exit //p' "$log.test")
		case $code in
		0) result "$base with $revision: $test" ok ;;
		4) result "$base with $revision: $test" skip \
			"$(grep -o 'SKIP.*\|skipping test.*' "$log.test" | head -n 1)" ;;
		*) result "$base with $revision: $test" not-ok "$log.test" ;;
		esac
	done
	if grep -q '^@ splat' "$log.out"; then
		result "$base with $revision: no kernel warning" not-ok "$log.out"
	elif ! grep -q '^job: exit code' "$log.console"; then
		result "$base with $revision: boots and powers off" not-ok "$log.out"
	else
		result "$base with $revision: boots without a kernel warning" ok
	fi
}

check_boot()
{
	local base last

	for base in $(bases); do
		last=$(last_series "$base")
		if [[ $base == "$(bases | head -n 1)" ]]; then
			boot_and_run "$base" "$last" "${boot_tests[@]}"
		else
			boot_and_run "$base" "$last" "${boot_tests[0]}"
		fi
	done
}
