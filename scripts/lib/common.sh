# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by every script: where things are, how to fail, the table of targets.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$TOP/build
SELF=${0##*/}

# The kernel's makefiles are not part of the make that may have called the script:
# the selftests' one, for one, then thinks that its caller set OUTPUT.
unset MAKELEVEL MAKEFLAGS MFLAGS

JOBS=$(nproc)
QEMU=${QEMU-}

die()
{
	echo "$SELF: $*" >&2
	exit 1
}

say()
{
	echo "$SELF: $*" >&2
}

# use_arch ARCH: have its settings. Those of the environment are for its own ARCH.
use_arch()
{
	[[ -f $TOP/scripts/lib/arch-$1.sh ]] ||
		die "no architecture '$1', see scripts/lib/targets"
	[[ $1 == "$ARCH" ]] || unset CROSS_COMPILE QEMU
	export ARCH=$1
	# shellcheck source=/dev/null
	. "$TOP/scripts/lib/arch-$ARCH.sh"
}

[[ $TOP != *[[:space:]:]* ]] ||
	die "'$TOP' has a space or a colon in it, which kbuild does not allow: move it"

# progress NAME WHAT TOTAL: for each line '@ ...' of standard input, say which of
# all it begins and what, and in the end how long it took.
progress()
{
	local line begun='' number=0 start

	while read -r line; do
		[[ $line == "@ "* && $line != "@ "@(exit|splat)* ]] || continue
		[[ ! $begun ]] || say "$begun took $((SECONDS - start)) s"
		number=$((number + 1)) start=$SECONDS
		begun="$1: $2 $number of $3"
		line=${line#@ }
		say "$begun: ${line#run }"
	done
	[[ ! $begun ]] || say "$begun took $((SECONDS - start)) s"
}

# The comment block at the top of the calling script is its help text: from line
# 4 to the first line that is no comment.
usage()
{
	sed -n '4,${ /^#/!q; s/^# \{0,1\}//p }' "$0"
}

bad_option()
{
	die "unknown option or argument '$1', see $SELF -h"
}

need()
{
	local tool

	for tool; do
		command -v "$tool" > /dev/null ||
			die "$tool is missing: run scripts/deps, or install it and put it on PATH"
	done
}

# choose WHAT LIST VALID...: die unless all of the comma-separated LIST are valid.
choose()
{
	local what=$1 list=$2 item

	shift 2
	for item in ${list//,/ }; do
		[[ " $* " == *" $item "* ]] || die "no $what '$item', choose from: $*"
	done
}

# The names of all, or of those of an architecture.
bases()
{
	awk -v arch="${1-}" '!/^#/ && NF && (arch == "" || $2 == arch) { print $1 }' \
		"$TOP/scripts/lib/targets"
}

# Field 2 to 6 of a base's row, of which '-' is none.
base_field()
{
	awk -v name="$1" -v field="$2" \
		'!/^#/ && $1 == name && $field != "-" { print $field }' "$TOP/scripts/lib/targets"
}

# Those that are there for their selftests alone.
test_bases()
{
	awk '!/^#/ && NF { print $5 }' "$TOP/scripts/lib/targets"
}

# The first base that is made from a Debian source package.
first_of_package()
{
	awk -v package="$1" '!/^#/ && $3 == package { print $1; exit }' \
		"$TOP/scripts/lib/targets"
}

# What is checked in full: the first base of each architecture, or KDIR's tree.
main_bases()
{
	if [[ -n ${KDIR-} ]]; then
		echo kdir
	else
		awk '!/^#/ && NF && !seen[$2]++ { print $1 }' "$TOP/scripts/lib/targets"
	fi
}

default_base()
{
	if [[ -n ${KDIR-} ]]; then
		echo kdir
	else
		bases "$ARCH" | head -n 1
	fi
}

# Die unless there is such a base, and turn to its architecture. KDIR's tree is base
# 'kdir', of the one that ARCH names.
check_base()
{
	local arch

	arch=$(base_field "$1" 2)
	[[ $1 == kdir && -n ${KDIR-} ]] || [[ $arch ]] ||
		die "no base kernel '$1', choose from: $(bases | xargs)"
	use_arch "${arch:-$ARCH}"
}

# The base whose patches KDIR's tree takes: that of its version, or else the first.
kdir_like()
{
	local version

	version=v$(sed -n 's/^\(VERSION\|PATCHLEVEL\) = //p' "$KDIR/Makefile" 2> /dev/null |
		paste -sd .) || true
	{ bases "$ARCH" | grep -x ".*$version" || bases "$ARCH"; } | head -n 1
}

# The patch directories of a base. What the first one does not have comes from
# the next.
patch_dirs()
{
	local base=$1 dir

	[[ $base != kdir ]] || base=$(kdir_like)
	for dir in $(base_field "$base" 4 | tr , ' '); do
		echo "$TOP/$dir"
	done
}

# Lines of a kernel configuration for a base alone.
base_config()
{
	local base=$1

	[[ $base != kdir ]] || base=$(kdir_like)
	base_field "$base" 6 | tr , '\n'
}

# The directory of a series of a base, if there is one.
series_dir()
{
	local dir

	for dir in $(patch_dirs "$1"); do
		[[ ! -d $dir/$2 ]] || { echo "$dir/$2"; return; }
	done
}

# All series of a base, in the order in which they apply.
all_series()
{
	local dirs

	mapfile -t dirs < <(patch_dirs "$1")
	find "${dirs[@]}" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -u
}

# Does the list of files on standard input have any but tools and documentation?
changes_kernel()
{
	grep -v '^tools/\|^Documentation/\|^MAINTAINERS$' > /dev/null
}

# The KVM selftests that they create.
created_tests()
{
	local series

	for series in $(all_series "$1"); do
		sed -n '/^--- \/dev\/null$/ { n; s,^+++ b/tools/testing/selftests/kvm/\(.*/\)\?\(.*_test\)\.c$,\2,p }' \
			"$(series_dir "$1" "$series")"/*.patch
	done | sort
}

# Those that change the kernel.
kernel_series()
{
	local series

	for series in $(all_series "$1"); do
		! sed -n 's,^+++ b/,,p' "$(series_dir "$1" "$series")"/*.patch | changes_kernel ||
			echo "$series"
	done
}

# variant NAME: what a build goes by, its configuration and its compiler: gcc, unless
# kbuild's LLVM= is set.
variant()
{
	echo "$1${CONFIG:+-$(basename "$CONFIG" .config)}${LLVM:+-llvm${LLVM//[^A-Za-z0-9.-]/_}}"
}

# test_dirs BASE [REVISION]: the directories of its selftests at REVISION, and of those
# that measure it.
test_dirs()
{
	local others

	"$TOP/scripts/kernel" selftests "$1" "${2-}" || return
	others=$(base_field "$1" 5)
	[[ ! $others ]] || "$TOP/scripts/kernel" selftests "$others"
}

# pack DIR: print it as an initramfs
pack()
{
	(cd "$1" && find . | cpio -o --quiet -H newc -R 0:0)
}

last_series()
{
	all_series "$1" | tail -n 1
}

use_arch "${ARCH:=arm64}"
