# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Boots of the patched kernels.

# What the job begins with: how to run a test.
boot_setup='run() { ./"$@"; }'

# Long options of scripts/boot.
boot_options=()

# boot_and_run BASE REVISION TEST...: a result for each test. CONFIG is a further
# config fragment; the selftests are those of the revision SELFTESTS, if it is set.
# What the tests print is left in the file boot_output.
boot_and_run()
{
	local base=$1 revision=$2 image tests test log code
	local kernel="$base with $revision${CONFIG:+, $(basename "$CONFIG" .config)}"

	kernel+=$(printf '%s ' "${boot_options[@]}" | sed 's/ *--/, /g; s/ *$//')
	shift 2
	log=$out/boot-${kernel//[^A-Za-z0-9.-]/_}
	boot_output=$log.out
	rm -f "$boot_output"
	# shellcheck disable=SC2086 # a list of tests
	{
		image=$("$TOP/scripts/kernel" build "$base" "$revision") &&
		tests=$(test_dirs "$base" "${SELFTESTS-$revision}") &&
		initramfs=$("$TOP/scripts/initramfs" $tests)
	} 2> >(tee "$log.build" >&2) || {
		result "$kernel: builds" not-ok "$log.build"
		return
	}
	{
		echo "$boot_setup"
		for test; do
			echo "echo '@ run $test'; run $test; echo \"@ exit \$?\""
		done
		echo "dmesg | grep -E 'WARNING:|BUG:|UBSAN:|Oops' && { dmesg; echo '@ splat'; }"
	} > "$log.job"
	"$TOP/scripts/boot" "${boot_options[@]}" -m 5G \
		-t "${boot_timeout:-1500}" -l "$log.console" \
		-a "default_hugepagesz=1G hugepagesz=1G hugepages=2" \
		"$image" "$initramfs" "$log.job" 2>&1 | tee "$log.out" |
		progress "$kernel" test $# || true
	for test; do
		# From the test's own announcement to the next one's.
		sed -n "\|^@ run $test\$|,\|^@ exit|p" "$log.out" > "$log.test"
		code=$(sed -n 's/^@ exit //p' "$log.test")
		case $code in
		0) result "$kernel: $test" ok
			sed -nE 's/^(# )?(.* (allocations failed|wakeups|faults))$/# \2/p' \
				"$log.test" ;;
		4) result "$kernel: $test" skip \
			"$(grep -o 'SKIP.*\|skipping test.*' "$log.test" | head -n 1)" ;;
		*) result "$kernel: $test" not-ok "$log.test" ;;
		esac
	done
	if grep -q '^@ splat' "$log.out"; then
		result "$kernel: no kernel warning" not-ok "$log.out"
	elif ! grep -q '^job: exit code' "$log.console"; then
		result "$kernel: boots and powers off" not-ok "$log.out"
	else
		result "$kernel: boots without a kernel warning" ok
	fi
}

check_boot()
{
	local base

	for base in $(main_bases); do
		check_base "$base"
		CONFIG=$host_config boot_and_run "$base" "$(last_series "$base")" "${boot_tests[@]}"
		[[ " ${boot_tests[*]} " != *" eager_split_test "* ]] ||
			try "eager_split_test skips nothing" skips_nothing "$boot_output"
	done
}

skips_nothing()
{
	sed -n '/^@ run eager_split_test$/,/^@ exit/p' "$1" | grep "^# Totals:.* skip:0 "
}

check_bases()
{
	local base

	for base in $(bases | tail -n +2 | grep -vxF "$(test_bases)"); do
		check_base "$base"
		CONFIG=$host_config
		harness_of_base "$base"
		lint_base "$base"
		main_bases | grep -qx "$base" ||
			boot_and_run "$base" "$(last_series "$base")" "${boot_tests[@]:0:4}"
	done
}

# Others get to run each 50 us while the log is cleared, which is 5 times or more, or
# twice if the MMU lock is kept. Time is a count of instructions: the machine makes no
# difference.
check_lock()
{
	local boot_options=(--icount) boot_timeout=900 base

	base=$(default_base)
	boot_and_run "$base" "$(last_series "$base")" "eager_split_lock_test -a 4"
}

# A vCPU that only reads while its memory is split takes no fault where blocks are
# replaced without a break, and many where they are broken: on another CPU.
#
# The test creates VMs and opens events by the dozen, and with that the kernel patches
# its static keys. With a thread for each CPU, QEMU 7.2 crashed it or hung now and then,
# with and without the series, in code that such a key guards; with one for all it did
# not.
check_reader()
{
	local boot_options=(--one-thread --smp 2) boot_timeout=1500 base

	base=$(default_base)
	boot_and_run "$base" "$(last_series "$base")" "eager_split_reader_test -n 8"
	try "the reader notices that blocks are broken" notices_faults 4 "$boot_output"
	boot_ampereone "$(last_series "$base")" "eager_split_reader_test -a -n 8"
}

# Without 3-no-window, the same CPU's reader takes faults of both kinds: blocks that are
# broken, and pages of old blocks whose Access flag is not set.
check_window()
{
	local boot_options=(--one-thread --smp 2) boot_timeout=1500 base SELFTESTS

	base=$(default_base)
	SELFTESTS=$(last_series "$base")
	boot_ampereone 2-fast-split "eager_split_reader_test -n 8"
	try "all that the reader is to notice, it does notice in 2-fast-split" \
		notices_faults 5 "$boot_output"
}

# boot_ampereone REVISION TEST: with the ID of one, which the kernel has to recognize.
boot_ampereone()
{
	local boot_options=("${boot_options[@]}" --cpu "$AMPEREONE")
	local boot_setup=$boot_setup line

	while read -r line; do
		boot_setup+="; dmesg | grep '$line' || exit 1"
	done <<< "$AMPEREONE_LOG"
	boot_and_run "$base" "$@"
}

# notices_faults NUMBER OUTPUT: in so many parts of the test. There are two ioctls, each
# with two sizes of chunks, and old blocks.
notices_faults()
{
	cat "$2"
	[[ $(grep -cE ': [1-9][0-9]* faults$' "$2") -ge $1 ]]
}

# A real VMM's migration, and that the comparison of the guest's memory finds a bit that
# differs.
check_migrate()
{
	try "QEMU migrates guests" "$TOP/scripts/migrate" -k patched -o check-migrate
	try "a bit that differs after a migration is found" \
		fails "memory differs: ram, MiB 512" "$TOP/scripts/migrate" --corrupt \
		-k patched -c bitmap-1G -o check-corrupt
	try "a migration that was cancelled leaves blocks behind" \
		blocks_are_back "$BUILD/results/check-migrate.json"
}

blocks_are_back()
{
	/usr/bin/python3 - "$1" <<-END
		import json, sys
		for run in json.load(open(sys.argv[1]))["results"][0]["runs"]:
		    if run["case"].startswith("cancel"):
		        print(run["case"], run["blocks"], run["page_tables"])
		        assert 0 < run["blocks"][0] == run["blocks"][1]
		        assert run["page_tables"][2] == run["page_tables"][0]
	END
}
