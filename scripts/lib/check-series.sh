# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Checks of the patches, on every base.

# A worktree at REVISION of what the patches and the harness look at, no more.
partial_tree()
{
	local base=$1 revision=$2 work=$3 tree arch

	"$TOP/scripts/kernel" fetch "$base"
	tree=$("$TOP/scripts/kernel" tree "$base")
	rm -rf "$work"
	git -C "$tree" worktree prune
	git -C "$tree" worktree add -q --no-checkout --detach "$work" "$revision"
	arch=/arch/$(base_field "$base" 2)
	git -C "$work" sparse-checkout set --no-cone \
		"$arch/kvm/" "$arch/include/" "/include/trace/" \
		"/tools/" "/Documentation/virt/kvm/" "/MAINTAINERS"
	git -C "$work" checkout -q --detach "$revision"
}

# With plain git am, as anyone else would do it.
apply_plainly()
{
	local base=$1 work=$BUILD/check/apply-$1 series

	partial_tree "$base" base "$work"
	for series in $(all_series "$base"); do
		git -C "$work" -c gc.auto=0 -c user.name=check -c user.email=check@check.invalid \
			am "$(series_dir "$base" "$series")"/*.patch
	done
}

check_apply()
{
	local base

	for base in $(bases); do
		try "series apply to $base" apply_plainly "$base"
	done
}

run_harness()
{
	local base=$1 revision=$2 work=$3

	partial_tree "$base" "$revision" "$work"
	make -C "$TOP/tools/testing/kvm_pgtable" -j"$JOBS" KDIR="$work" O="$work.o"
}

# No walk that the series are not meant to change takes more instructions, in
# arm64 code as the kernel of this base is compiled.
check_insn()
{
	local base series tree

	base=$(bases | head -n 1)
	tree=$BUILD/check/insn-$base
	"$TOP/scripts/kernel" build "$base" > /dev/null
	partial_tree "$base" base "$tree-base"
	for series in $(kernel_series "$base"); do
		partial_tree "$base" "$series" "$tree"
		try "instructions of walks on $base with $series" \
			make -C "$TOP/tools/testing/kvm_pgtable" insn BASE="$tree-base" \
			KDIR="$tree" KOBJ="$BUILD/obj/$(variant "$base")" O="$tree.o"
	done
}

check_harness()
{
	local base revision work trees=()

	base=$(bases | head -n 1)
	"$TOP/scripts/kernel" apply "$base"
	for revision in base $(kernel_series "$base"); do
		work=$BUILD/check/harness-$base-$revision
		try "harness on $base at $revision" run_harness "$base" "$revision" "$work"
		trees+=("$work")
	done
	try "mutations are for a tree of $base" \
		"$TOP/tools/testing/kvm_pgtable/mutate.py" --find "${trees[@]}"
}

# Another base brings the harness if its page-table code is what it is made for.
harness_of_base()
{
	local base=$1 revision

	"$TOP/scripts/kernel" apply "$base"
	revision=$(last_series "$base")
	! git -C "$("$TOP/scripts/kernel" tree "$base")" cat-file -e \
		"$revision:tools/testing/kvm_pgtable" 2> /dev/null ||
		try "harness on $base at $revision" \
			run_harness "$base" "$revision" "$BUILD/check/harness-$base"
}

check_created()
{
	local base

	for base in $(main_bases); do
		try "copies equal the patches of $base" "$TOP/scripts/export" --check "$base"
	done
}

# README's own lines build the test in a patched tree that is like new, up to the
# one that needs the hardware, and that one names the test.
follow_recipe()
{
	local base work=$BUILD/check/recipe tree last test

	base=$(bases | head -n 1)
	last=$(last_series "$base")
	tree=$("$TOP/scripts/kernel" tree "$base")
	"$TOP/scripts/kernel" apply "$base"
	rm -rf "$work"
	git clone -q --shared --no-checkout "$tree" "$work/linux"
	git -C "$work/linux" sparse-checkout set arch/arm64 include scripts tools usr
	git -C "$work/linux" checkout -q --detach "origin/$last"
	cd "$work" || return
	sed -n '/^## .*hardware/,/^## /s/^    //p' "$TOP/README.md" > recipe
	sed '/^sudo/,$d' recipe | LDFLAGS=-static MAKEFLAGS=-j$JOBS bash -ex
	test=$(sed -n 's/^.* --test \([^ ]*\).*/\1/p' recipe)
	grep -q -a -e ' -E: specify the chunk' "$test"
}

check_recipe()
{
	try "README's recipe for hardware builds the test" follow_recipe
}

# checkpatch asks who maintains each new file: get_maintainer answers, for the
# directories that no commit before has added a file to. It cannot find the commit
# that a Fixes tag names, as the tree is without history.
checkpatch_commit()
{
	local tree=$1 commit=$2 dir list

	git -C "$tree" -c user.name="Eager Split Project" \
		-c user.email=eager-split@project.invalid \
		format-patch -s --stdout -1 "$commit" > "$out/checkpatch.patch"
	# Its helpers need Debian's python3, whatever else is on PATH.
	(cd "$tree" && PATH=/usr/bin:$PATH ./scripts/checkpatch.pl --strict --quiet --show-types \
		--ignore FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID "$out/checkpatch.patch") || return
	git -C "$tree" show "$commit:MAINTAINERS" > "$out/MAINTAINERS"
	git -C "$tree" diff-tree --no-commit-id -r --diff-filter=A --name-only "$commit" |
		xargs -r dirname | sort -u | comm -23 - "$out/maintained" > "$out/new"
	while read -r dir; do
		# The selftests that are of no architecture are KVM's.
		list=$arch_list
		[[ $dir != tools/testing/selftests/kvm ]] || list=kvm@
		printf -- '--- /dev/null\n+++ b/%s/new\n@@ -0,0 +1 @@\n' "$dir" > "$out/file.patch"
		(cd "$tree" && ./scripts/get_maintainer.pl --no-git --no-rolestats \
			--mpath="$out/MAINTAINERS" "$out/file.patch") |
			grep "$list" > /dev/null ||
			{ echo "new files in $dir have no maintainer"; return 1; }
	done < "$out/new"
	sort -o "$out/maintained" -u "$out/maintained" "$out/new"
}

check_checkpatch()
{
	local base tree commit

	for base in $(main_bases); do
		check_base "$base"
		"$TOP/scripts/kernel" apply "$base"
		tree=$("$TOP/scripts/kernel" tree "$base")
		: > "$out/maintained"
		for commit in $(git -C "$tree" rev-list --reverse "base..$(last_series "$base")"); do
			try "checkpatch: $(git -C "$tree" log -1 --format=%s "$commit")" \
				checkpatch_commit "$tree" "$commit"
		done
	done
}

# What kbuild's LLVM= has to be for a clang that can build a tree, if there is one.
find_llvm()
{
	local suffix

	for suffix in -{25..17}; do
		if command -v "ld.lld$suffix" > /dev/null &&
		   "$1/scripts/cc-version.sh" "clang$suffix" > /dev/null 2>&1; then
			echo "$suffix"
			return
		fi
	done
}

# try_lint FROM REVISION WHAT: by gcc and, if it is for the kernel, by clang
try_lint()
{
	try "W=1 and sparse on $base: $3" "$TOP/scripts/kernel" lint "$base" "$2"
	if [[ $llvm ]] && changes_kernel < <(git -C "$tree" diff --name-only "$1" "$2"); then
		LLVM=$llvm try "W=1 and clang$llvm on $base: $3" \
			"$TOP/scripts/kernel" lint "$base" "$2"
	fi
}

# lint_base BASE: what each commit on it changes, and in the end all of KVM, for what
# includes the headers that they change
lint_base()
{
	local base=$1 tree llvm last commit

	"$TOP/scripts/kernel" apply "$base"
	tree=$("$TOP/scripts/kernel" tree "$base")
	llvm=$(find_llvm "$tree")
	last=$(last_series "$base")
	[[ $llvm ]] || result "W=1 and clang on $base" skip "no clang that can build it"
	for commit in $(git -C "$tree" rev-list --reverse "base..$last" \
			-- ':!Documentation' ':!tools/testing/kvm_pgtable'); do
		try_lint "$commit^" "$commit" "$(git -C "$tree" log -1 --format=%s "$commit")"
	done
	try_lint base "$last" "all of KVM with $last"
}

# What the others are made of is compiled by check_bases.
check_lint()
{
	lint_base "$(default_base)"
}
