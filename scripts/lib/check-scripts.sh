# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Checks of this repository's own scripts: style, and what they do with bad
# input.

check_shellcheck()
{
	local scripts

	mapfile -t scripts < <(grep -rlE '^#!/bin/bash|^# shellcheck shell' \
			       "$TOP/scripts" "$TOP/.ci")
	try "shellcheck" shellcheck -x "${scripts[@]}"
}

check_python()
{
	local script

	for script in bench-report profile-report matrix-report migrate-report \
		      lib/migrate/driver.py; do
		try "$script compiles" /usr/bin/python3 -W error -c \
			"compile(open('$TOP/scripts/$script').read(), '$script', 'exec')"
	done
	try "bench-report compares" compare_results
	try "profile-report adds up" profile_adds_up
	try "profile-report checks the sum against the clock" \
		fails "1060 instructions counted, but the clock says 1040" profile 720
	try "profile-report misses an ioctl" fails "but the plugin counted 1" profile
	try "matrix-report finds what is worse" compare_matrix
	try "migrate-report compares" compare_migrations
}

# Runs at a half and a quarter of the cost of another must come out as -50 % and
# -75 % of it, and the quarter as -50 % of the half.
compare_results()
{
	local dir=$BUILD/check seconds

	for seconds in 4 2 1; do
		printf '%s\n' '@ enable anonymous chunk=max mode=6 mib=512' \
			'Testing guest mode: PA-bits:48,  VA-bits:48,  4K pages' \
			"Enabling dirty logging time: $seconds.000000000s (CPU 0.$seconds${seconds}0000000s)" \
			"Access time after dirty logging: 0.0${seconds}0000000s" \
			'@ clear64 anonymous chunk=max mode=6 mib=32' \
			'Testing guest mode: PA-bits:48,  VA-bits:48,  4K pages' \
			'Iteration 1 clear dirty log time: 9.000000000s (CPU 9.000000000s)' \
			"Iteration 2 clear dirty log time: 0.${seconds}00000000s (CPU 0.100000000s)" \
			> "$dir/report-$seconds.log"
		"$TOP/scripts/bench-report" --parse time "k$seconds" \
			"$dir/report-$seconds.log" > "$dir/report-$seconds.json"
	done
	"$TOP/scripts/bench" --compare "$dir"/report-{4,2,1}.json | tee /dev/stderr |
		tr -s ' ' | grep -A2 'enable 4K | 4 000 | 2 000 | -50.0 % | 1 000 | -75.0 %' |
		grep -A1 'pass after 4K | 40.0 | 20.0 | -50.0 % | 10.0 | -75.0 %' |
		grep 'clear, 1 in 64 | 400.0 | 200.0 | -50.0 % | 100.0 | -75.0 %' > /dev/null
	"$TOP/scripts/bench" --compare --per-patch "$dir"/report-{4,2,1}.json |
		tee /dev/stderr | grep 'k1 *| 1 000 (-50.0 %)' > /dev/null
}

# profile [COUNT]: what the report makes of an ioctl of 1040 instructions, COUNT
# of them in a block of a function, 300 in another one, and 40 in user space. One of
# 500 follows.
profile()
{
	local log=$BUILD/check/profile

	printf '%s\n' '@ enable anonymous chunk=max mode=6 mib=512' \
		'Testing guest mode: PA-bits:48,  VA-bits:48,  4K pages' \
		"Enabling dirty logging time: 0.000002000s (CPU 0.000001040s)" \
		"Disabling dirty logging time: 0.000001000s (CPU 0.000000500s)" > "$log.log"
	printf '%s\n' ${1:+window "ffff800080000010 $1" "ffff8000800000fc 300" "0 40"} \
		window "ffff800080000000 500" |
		sed '/^$/d' > "$log.counts"
	printf 'ffff8000800000%s\n' "00 T first" "08 t second.isra.0" "08 d data" > "$log.symbols"
	"$TOP/scripts/profile-report" --parse kernel "$log".{log,counts,symbols} > "$log.json" &&
		"$TOP/scripts/profile-report" "$log.json"
}

profile_adds_up()
{
	profile 700 | tee /dev/stderr | grep 'second  *|  *1.0 |  *96.2 %' > /dev/null
}

# Of each pair of results, only what the patches made worse is not ok.
compare_matrix()
{
	local results=$out/matrix.tsv number=0 base patched expected

	rm -f "$results"
	# Verdict, warnings, notes: of the base, of the patched kernel.
	while read -r base patched expected; do
		number=$((number + 1))
		printf 'v0\tbase\tcell\t%s\t%s\n' "$number" "${base//,/$'\t'}"
		printf 'v0\tpatched\tcell\t%s\t%s\n' "$number" "${patched//,/$'\t'}"
		printf '%s\tcell: %s\n' "$expected" "$number" >&3
	done > "$results" 3> "$results.expected" <<-END
		pass,1,, pass,9,, ok
		fails,1,, pass,1,, ok
		fails,1,, fails,1,, skip
		warns,1,A, warns,1,A, skip
		pass,1,,skip:3 pass,1,,skip:3 ok
		pass,1,, skip,1,, not-ok
		pass,1,, warns,1,A, not-ok
		pass,1,, fails,1,, not-ok
		pass,1,, not-run,0,, not-ok
		fails,1,, dies,1,, not-ok
		fails,1,, fails,1,A, not-ok
		warns,1,A, warns,1,A;B, not-ok
		pass,1,,skip:3 pass,1,,skip:4 not-ok
	END
	"$TOP/scripts/matrix-report" --check "$results" | tee /dev/stderr |
		cut -f 1,2 | diff "$results.expected" -
}

# Three rounds, of which the two after the first one take 3000 instructions, and all
# ioctls 4000, on one kernel, and twice as many on the other one.
compare_migrations()
{
	local log=$out/migrate-report times ioctls round name count

	for times in 2 1; do
		ioctls=''
		while read -r round name count; do
			ioctls+="${ioctls:+, }{\"round\": $round, \"ioctl\": \"$name\","
			ioctls+=" \"calls\": 1, \"instructions\": $((times * count))}"
		done <<-END
			1 clear 500
			2 get 1000
			2 clear 1000
			3 clear 1000
			3 disable 500
		END
		cat > "$log.log" <<-END
			@ cancel-1G
			result {"case": "cancel-1G", "rounds": 3, "faults": 1234, "pages_sent": 5, \
			"downtime_ms": null, "page_tables": [1, 3, 2], "blocks": [9, 8], \
			"ioctls": [$ioctls]}
		END
		"$TOP/scripts/migrate-report" --parse "k$times" "$log.log" > "$log-$times.json"
	done
	"$TOP/scripts/migrate-report" "$log"-{2,1}.json | tee /dev/stderr | tr -s ' ' |
		grep -A 99 'cancel-1G | 8.0 | 4.0 | -50.0 %' |
		grep -A 99 'cancel-1G | 3.0 | 1.5 | -50.0 %' |
		grep 'cancel-1G, k1 | 3 | 5 | 1 234 | - | 1 | 3 | 2 | 9 | 8 |' > /dev/null
}

counts_steps()
{
	printf '@ %s\n' "run one -a" "exit 0 1" "run two" "exit 1 1" | progress k test 2 2>&1 |
		sed 's/[0-9]* s$/N s/' | tee /dev/stderr | diff - <(printf "$SELF: k: test %s\n" \
		"1 of 2: one -a" "1 of 2 took N s" "2 of 2: two" "2 of 2 took N s")
}

# fails WITH COMMAND...: it exits with an error, and says WITH in one line.
fails()
{
	local with=$1 text code=0

	shift
	text=$("$@" 2>&1 < /dev/null) || code=$?
	echo "$text"
	((code)) || { echo "$* succeeded"; return 1; }
	grep -q -e "$with" <<< "$text"
}

# refused WITH COMMAND...: as fails, with exit code 1, no word more, and at once.
refused()
{
	local with=$1 text code=0

	shift
	text=$(timeout 2 "$@" 2>&1 < /dev/null) || code=$?
	echo "$text"
	((code == 1)) || { echo "$*: exit code $code"; return 1; }
	[[ $text != *$'\n'* ]] || { echo "more than one line"; return 1; }
	grep -q -e "$with" <<< "$text"
}

# -h prints the help text, and all of what it prints is help.
explains_itself()
{
	"$1" -h > "$out/help"
	cat "$out/help"
	tail -n 1 "$out/help" | grep -q .
	! grep shellcheck "$out/help" || return 1
}

check_errors()
{
	local script tmp=$out/errors image=$out/errors/image

	rm -rf "$tmp"
	mkdir -p "$tmp/not-a-tree"
	while read -r script; do
		try "scripts/${script##*/} -h" explains_itself "$script"
	done < <(find "$TOP/scripts" -maxdepth 1 -type f -executable | sort)
	for script in kernel boot initramfs bench migrate matrix matrix-report check export deps sparse range-diff; do
		try "scripts/$script refuses an unknown option" \
			refused "unknown option.*--nonsense" "$TOP/scripts/$script" --nonsense
	done
	try "progress counts and times" counts_steps
	try "no such base" refused "choose from: v" "$TOP/scripts/kernel" fetch v1.0
	try "a path with a space" strange_path "$tmp/a b"
	try "a path with a colon" strange_path "$tmp/a:b"
	try "KDIR does not exist" refused "not a directory" \
		env KDIR="$tmp/none" "$TOP/scripts/bench"
	try "KDIR is not a kernel tree" refused "not a Linux kernel tree" \
		env KDIR="$tmp/not-a-tree" "$TOP/scripts/bench"
	try "KDIR is not a git tree" kdir_not_git
	try "KDIR is dirty" kdir_dirty
	try "KDIR is a bare repository" kdir_bare
	try "KDIR has the series" kdir_patched
	try "KDIR has a space and a colon in its path" kdir_strange_path
	try "a patch does not apply: the tree is left as it was" patch_rejected
	try "QEMU is missing" fails "no-such-qemu is missing" \
		env QEMU=no-such-qemu "$TOP/scripts/boot" "$0" "$0" "$0"
	try "the cross compiler is missing" fails "no-such-strip is missing" \
		env CROSS_COMPILE=no-such- "$TOP/scripts/initramfs" "$tmp"
	try "a QEMU that hangs" qemu_hangs
	try "a kernel that panics at boot" kernel_panics
	try "a kernel that hangs" kernel_hangs
	try "scripts/bench knows the guest modes" guest_modes
	bad_values
}

# What is asked for is checked before anything is installed, built or booted.
bad_values()
{
	local command with

	while IFS='|' read -r command with; do
		# shellcheck disable=SC2086 # a command line
		try "scripts/$command" refused "$with" "$TOP/scripts/"$command
	done <<-END
		bench -E 3M|no chunk size '3M', choose from: 0 max 4K 2M 1G$
		bench -E ,|nothing to measure
		bench -m 99|no guest mode '99', choose from: all 0
		bench -b 3|size 3 is too small
		bench -b many|not a size
		bench -b 1000T|has no .* MiB
		bench -c foo|no cell 'foo', choose from: enable clear enable-4k
		bench -s foo|no series or revision 'foo', choose from: base 1-
		bench -o a/b|takes a name
		bench --test foo|--test is for --host
		bench --profile --host|under QEMU
		bench --host --per-patch|without --series, --per-patch and --cpu
		bench --compare /none /none|none is not a result file
		bench --compare /dev/null /dev/null|not a result file
		migrate -c bitmap-3M|no case 'bitmap-3M', choose from: bitmap-off
		migrate -k foo|no kernel 'foo', choose from: base patched
		migrate -s foo|no series or revision 'foo'
		migrate riscv-v7.3|nothing is migrated on riscv
		migrate-report /dev/null|not a result file
		matrix -c 8k-vhe|no cell '8k-vhe', choose from: 4k-vhe
		matrix -k foo|no kernel 'foo', choose from: base patched
		matrix -t no-such-test|no test matches
		matrix-report --check /etc/passwd|not a result file
		matrix-report --check /none|not a result file
		kernel build v7.2 foo|no series or revision 'foo'
		export --check v7.2 foo|unknown option or argument 'foo'
		initramfs /proc|no KVM selftests in it
		sparse /proc|not a kernel tree
		boot -t soon /none /none|needs seconds
		check foo|no check 'foo'
		check --matrix v7.2 foo|no cell 'foo', choose from: 4k-vhe
		range-diff v7.2 v1.0 1-skip-levels|no base kernel 'v1.0'
		range-diff v7.2 v7.3 foo|no series 'foo', choose from: 1-skip-levels
	END
}

# The smallest tree that passes for a kernel's.
small_tree()
{
	rm -rf "$1"
	mkdir -p "$1/arch/arm64/kvm"
	echo "int x;" > "$1/arch/arm64/kvm/mmu.c"
}

commit_small_tree()
{
	small_tree "$1"
	commit_tree "$1"
}

commit_tree()
{
	git -C "$1" init -q -b base
	git -C "$1" add .
	git -C "$1" -c user.name=check -c user.email=check@check.invalid commit -q -m base
}

kdir_not_git()
{
	small_tree "$tmp/plain"
	refused "not the top of a git tree" env KDIR="$tmp/plain" "$TOP/scripts/bench"
}

kdir_dirty()
{
	commit_small_tree "$tmp/dirty"
	echo "int y;" >> "$tmp/dirty/arch/arm64/kvm/mmu.c"
	refused "uncommitted changes" env KDIR="$tmp/dirty" "$TOP/scripts/bench"
	grep -q "int y;" "$tmp/dirty/arch/arm64/kvm/mmu.c"
}

kdir_bare()
{
	commit_small_tree "$tmp/small"
	git clone -q --bare "$tmp/small" "$tmp/bare"
	refused "is a bare repository: clone it" env KDIR="$tmp/bare" "$TOP/scripts/bench"
}

kdir_patched()
{
	local header=arch/arm64/include/asm/kvm_pgtable.h

	small_tree "$tmp/patched"
	mkdir -p "$tmp/patched/${header%/*}"
	cat "$TOP"/patches/*/1-skip-levels/*.patch | sed -n 's/^+//p' > "$tmp/patched/$header"
	commit_tree "$tmp/patched"
	refused "has the series already: check out" env KDIR="$tmp/patched" "$TOP/scripts/bench"
}

# The clone is what gets built, and it follows KDIR, wherever that is.
kdir_strange_path()
{
	local clone

	commit_small_tree "$tmp/x:y z"
	cd "$tmp" || return
	export KDIR="x:y z"
	"$TOP/scripts/kernel" fetch
	echo "int y;" >> "$KDIR/arch/arm64/kvm/mmu.c"
	commit_tree "$KDIR"
	"$TOP/scripts/kernel" fetch
	clone=$("$TOP/scripts/kernel" tree)
	grep "int y;" "$clone/arch/arm64/kvm/mmu.c"
	rm -rf "$clone" "$clone.lock"
}

strange_path()
{
	mkdir -p "$1"
	cp -a "$TOP/scripts" "$1"
	refused "a space or a colon" "$1/scripts/bench"
}

# KDIR itself is never written to; its clone must be clean again, too.
patch_rejected()
{
	local clone head

	commit_small_tree "$tmp/other"
	export KDIR=$tmp/other
	fails "does not apply" "$TOP/scripts/kernel" apply
	clone=$("$TOP/scripts/kernel" tree)
	head=$(git -C "$KDIR" rev-parse HEAD)
	[[ $(git -C "$clone" rev-parse HEAD) == "$head" ]]
	[[ -z $(git -C "$clone" status --porcelain) && ! -d $clone/.git/rebase-apply ]]
	[[ -z $(git -C "$KDIR" status --porcelain) ]]
	rm -rf "$clone" "$clone.lock"
}

# It is killed, and what it has said is shown.
qemu_hangs()
{
	printf '%s\n' '#!/bin/sh' 'trap "" TERM' 'echo "last words"' \
		'exec sleep 1000' > "$tmp/qemu"
	chmod +x "$tmp/qemu"
	QEMU=$tmp/qemu fails "timed out after 1 s" \
		timeout 20 "$TOP/scripts/boot" -t 1 "$0" "$0" "$0" > "$tmp/hung"
	cat "$tmp/hung"
	sed -n '/the end of the console/,$p' "$tmp/hung" | grep -q "last words"
}

any_kernel()
{
	image=$("$TOP/scripts/kernel" build)
	initramfs=$("$TOP/scripts/initramfs" "$("$TOP/scripts/kernel" selftests)")
	echo "sleep 1000" > "$tmp/job"
}

kernel_panics()
{
	any_kernel
	fails "Kernel panic" "$TOP/scripts/boot" -t 60 -a "rdinit=/none init=/none" \
		"$image" "$initramfs" "$tmp/job"
}

kernel_hangs()
{
	any_kernel
	fails "timed out after 20 s" "$TOP/scripts/boot" -t 20 "$image" "$initramfs" "$tmp/job"
}

guest_modes()
{
	local modes

	any_kernel
	echo "./dirty_log_perf_test -h" > "$tmp/job"
	"$TOP/scripts/boot" "$image" "$initramfs" "$tmp/job" > "$tmp/modes"
	cat "$tmp/modes"
	modes=$(sed -n 's/^ *\([0-9]*\): .* (supported)$/\1/p' "$tmp/modes" | xargs)
	refused "choose from: all $modes$" "$TOP/scripts/bench" -m none
}
