# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Checks of the patches, on every base.

# In a tree of its own, with plain git am, as anyone else would do it.
apply_plainly()
{
	local tree work=$BUILD/check/apply-$1 base=$1 series

	"$TOP/scripts/kernel" fetch "$base"
	tree=$("$TOP/scripts/kernel" tree "$base")
	rm -rf "$work"
	git -C "$tree" worktree prune
	git -C "$tree" worktree add -q --no-checkout --detach "$work" base
	# Only the directories that the patches touch need to be there.
	git -C "$work" sparse-checkout set --no-cone \
		"/arch/arm64/kvm/" "/arch/arm64/include/asm/kvm*" \
		"/Documentation/virt/kvm/" "/tools/testing/" "/MAINTAINERS" "/include/trace/"
	git -C "$work" checkout -q --detach base
	for series in $(all_series "$base"); do
		git -C "$work" -c user.name=check -c user.email=check@check.invalid \
			am "$(patch_dir "$base")/$series"/*.patch || return
	done
	git -C "$tree" worktree remove --force "$work"
}

check_apply()
{
	local base

	for base in $(bases); do
		try "series apply to $base" apply_plainly "$base"
	done
}

check_created()
{
	try "created files equal those in the patches" "$TOP/scripts/export" --check
}

# checkpatch asks who maintains each new file: get_maintainer answers.
checkpatch_commit()
{
	local tree=$1 commit=$2 file

	git -C "$tree" -c user.name="Eager Split Project" \
		-c user.email=eager-split@project.invalid \
		format-patch -s --stdout -1 "$commit" > "$out/checkpatch.patch"
	# Its helpers need Debian's python3, whatever else is on PATH.
	(cd "$tree" && PATH=/usr/bin:$PATH ./scripts/checkpatch.pl --strict --quiet --show-types \
		--ignore FILE_PATH_CHANGES "$out/checkpatch.patch") || return
	git -C "$tree" show "$commit:MAINTAINERS" > "$out/MAINTAINERS"
	for file in $(git -C "$tree" diff-tree --no-commit-id -r --diff-filter=A --name-only "$commit"); do
		printf -- '--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n' "$file" > "$out/file.patch"
		(cd "$tree" && ./scripts/get_maintainer.pl --no-git --no-rolestats \
			--mpath="$out/MAINTAINERS" "$out/file.patch") |
			grep -q 'kvmarm@' || { echo "$file has no maintainer"; return 1; }
	done
}

check_checkpatch()
{
	local base tree commit

	base=$(default_base)
	"$TOP/scripts/kernel" apply "$base"
	tree=$("$TOP/scripts/kernel" tree "$base")
	for commit in $(commits "$base"); do
		try "checkpatch: $(git -C "$tree" log -1 --format=%s "$commit")" \
			checkpatch_commit "$tree" "$commit"
	done
}

# All commits of all series of a base.
commits()
{
	git -C "$("$TOP/scripts/kernel" tree "$1")" rev-list --reverse \
		"base..$(all_series "$1" | tail -n 1)"
}

check_lint()
{
	local base tree commit

	for base in $(bases); do
		"$TOP/scripts/kernel" apply "$base"
		tree=$("$TOP/scripts/kernel" tree "$base")
		for commit in $(commits "$base"); do
			try "W=1 and sparse on $base: $(git -C "$tree" log -1 --format=%s "$commit")" \
				"$TOP/scripts/kernel" lint "$base" "$commit"
		done
	done
}
