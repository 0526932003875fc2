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

	for script in bench-report profile-report matrix-report; do
		try "$script compiles" /usr/bin/python3 -W error -c \
			"compile(open('$TOP/scripts/$script').read(), '$script', 'exec')"
	done
	try "bench-report compares" compare_results
	try "profile-report adds up" profile_adds_up
	try "profile-report checks the sum against the clock" \
		fails "1060 instructions counted, but the clock says 1040" profile 720
	try "profile-report misses an ioctl" fails "but the plugin counted 0" profile
	try "matrix-report finds what is worse" compare_matrix
}

# A run at half the cost of another must come out as -50 %.
compare_results()
{
	local dir=$BUILD/check seconds

	for seconds in 2 1; do
		printf '%s\n' '@ enable anonymous chunk=max mode=6 mib=512' \
			'Testing guest mode: PA-bits:48,  VA-bits:48,  4K pages' \
			"Enabling dirty logging time: $seconds.000000000s (CPU 0.$seconds${seconds}0000000s)" \
			> "$dir/report-$seconds.log"
		"$TOP/scripts/bench-report" --parse time "k$seconds" \
			"$dir/report-$seconds.log" > "$dir/report-$seconds.json"
	done
	"$TOP/scripts/bench" --compare "$dir"/report-{2,1}.json | tee /dev/stderr |
		grep 'enable 4K | 2 000 | 1 000 | -50.0 %' > /dev/null
}

# profile [COUNT]: what the report makes of an ioctl of 1040 instructions, COUNT
# of them in a block of a function, 300 in another one, and 40 in user space.
profile()
{
	local log=$BUILD/check/profile

	printf '%s\n' '@ enable anonymous chunk=max mode=6 mib=512' \
		'Testing guest mode: PA-bits:48,  VA-bits:48,  4K pages' \
		"Enabling dirty logging time: 0.000002000s (CPU 0.000001040s)" > "$log.log"
	printf '%s\n' ${1:+window "ffff800080000010 $1" "ffff8000800000fc 300" "0 40"} |
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

check_errors()
{
	local script tmp=$out/errors image=$out/errors/image

	rm -rf "$tmp"
	mkdir -p "$tmp/not-a-tree"
	for script in kernel boot initramfs bench matrix matrix-report check export deps sparse; do
		try "scripts/$script refuses an unknown option" \
			fails "unknown option.*--nonsense" "$TOP/scripts/$script" --nonsense
	done
	try "no such base" fails "choose from: v" "$TOP/scripts/kernel" fetch v1.0
	try "KDIR does not exist" fails "not a directory" \
		env KDIR="$tmp/none" "$TOP/scripts/kernel" fetch
	try "KDIR is not a kernel tree" fails "not a Linux kernel tree" \
		env KDIR="$tmp/not-a-tree" "$TOP/scripts/kernel" fetch
	try "KDIR is not a git tree" kdir_not_git
	try "KDIR is dirty" kdir_dirty
	try "a patch does not apply: the tree is left as it was" patch_rejected
	try "QEMU is missing" fails "no-such-qemu is missing" \
		env QEMU=no-such-qemu "$TOP/scripts/boot" "$0" "$0" "$0"
	try "the cross compiler is missing" fails "no-such-strip is missing" \
		env CROSS_COMPILE=no-such- "$TOP/scripts/initramfs" "$tmp"
	try "a kernel that panics at boot" kernel_panics
	try "a kernel that hangs" kernel_hangs
	try "a bad size" fails "not a size" "$TOP/scripts/bench" -b many
	try "no such cell" fails "no cell 'clear-8K'" "$TOP/scripts/bench" -c clear-8K
	try "a profile on hardware" fails "under QEMU" "$TOP/scripts/bench" --profile --host
	try "no such cell of the matrix" fails "choose from: 4k-vhe" "$TOP/scripts/matrix" -c 8k-vhe
	try "no test of that name" fails "no test matches" "$TOP/scripts/matrix" -l -t no-such-test
	try "a bad matrix result" fails "not a result file" "$TOP/scripts/matrix-report" --check "$0"
	try "a bad result file" fails "not a result file" \
		"$TOP/scripts/bench" --compare "$0" "$0"
}

# The smallest tree that passes for a kernel's.
small_tree()
{
	rm -rf "$1"
	mkdir -p "$1/arch/arm64/kvm/hyp"
	echo "int x;" > "$1/arch/arm64/kvm/hyp/pgtable.c"
}

commit_small_tree()
{
	small_tree "$1"
	git -C "$1" init -q -b base
	git -C "$1" add .
	git -C "$1" -c user.name=check -c user.email=check@check.invalid commit -q -m base
}

kdir_not_git()
{
	small_tree "$tmp/plain"
	fails "not the top of a git tree" env KDIR="$tmp/plain" "$TOP/scripts/kernel" fetch
}

kdir_dirty()
{
	commit_small_tree "$tmp/dirty"
	echo "int y;" >> "$tmp/dirty/arch/arm64/kvm/hyp/pgtable.c"
	fails "uncommitted changes" env KDIR="$tmp/dirty" "$TOP/scripts/kernel" fetch
	grep -q "int y;" "$tmp/dirty/arch/arm64/kvm/hyp/pgtable.c"
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
