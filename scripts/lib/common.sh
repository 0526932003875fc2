# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by every script: where things are, how to fail, the table of bases.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$TOP/build
SELF=${0##*/}

export ARCH=${ARCH:-arm64}
export CROSS_COMPILE=${CROSS_COMPILE-aarch64-linux-gnu-}
QEMU=${QEMU:-qemu-system-aarch64}
JOBS=$(nproc)

die()
{
	echo "$SELF: $*" >&2
	exit 1
}

say()
{
	echo "$SELF: $*" >&2
}

# The comment block at the top of the calling script is its help text.
usage()
{
	sed -n '3,/^[^#]/{ s/^# \{0,1\}//p }' "$0"
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

bases()
{
	awk '!/^#/ && NF { print $1 }' "$TOP/scripts/lib/bases"
}

# Field 2 or 3 of a base's row.
base_field()
{
	awk -v name="$1" -v field="$2" \
		'!/^#/ && $1 == name { print $field }' "$TOP/scripts/lib/bases"
}

default_base()
{
	if [[ -n ${KDIR-} ]]; then
		echo kdir
	else
		bases | head -n 1
	fi
}

# KDIR's tree, as base 'kdir', takes the patches of the first base.
check_base()
{
	[[ $1 == kdir && -n ${KDIR-} ]] || [[ -n $(base_field "$1" 2) ]] ||
		die "no base kernel '$1', choose from: $(bases | xargs)"
}

patch_dir()
{
	local base=$1

	[[ $base != kdir ]] || base=$(bases | head -n 1)
	echo "$TOP/$(base_field "$base" 3)"
}

# All series of a base, in the order in which they apply.
all_series()
{
	local dir

	for dir in "$(patch_dir "$1")"/*/; do
		basename "$dir"
	done
}

last_series()
{
	all_series "$1" | tail -n 1
}
