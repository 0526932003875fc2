#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Count the instructions of each walk in both trees. Walks that are not meant to
# change may not take more than 0.5 % more than in the base.
#
# usage: insn.sh BENCH           code of this machine, with callgrind
#        insn.sh BENCH PLUGIN    arm64 code, with qemu-aarch64

set -eu
bench=$1 plugin=${2-}
failed=0

count() {
	if [ "$plugin" ]; then
		qemu-aarch64 -plugin "$plugin" "$bench" -i "$1" "$2" 2>&1
	else
		valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
			--toggle-collect=measured "$bench" -i "$1" "$2" 2>&1
	fi | sed -n 's/.*\(instructions\|Collected \): \([0-9]*\).*/\2/p'
}

list() {
	if [ "$plugin" ]; then qemu-aarch64 "$bench" -l; else "$bench" -l; fi
}

echo "Instructions of a walk, $(if [ "$plugin" ]; then echo arm64; else uname -m; fi) code"
printf '%-24s %4s %12s %12s %9s\n' walk of base new change
list | {
	while read -r op may_differ size name; do
		base=$(count base "$op" </dev/null)
		new=$(count new "$op" </dev/null)
		# All walks together cover 1 GiB.
		awk -v base="$base" -v new="$new" -v size="$size" -v name="$name" \
		    -v limit="$([ "$may_differ" = 1 ] || echo 0.5)" 'BEGIN {
			if (!base || !new) {
				print name ": not counted"
				exit 1
			}
			nr = 2 ^ 30 / size
			of = size / 2 ^ 10 "K"
			if (size >= 2 ^ 20)
				of = size / 2 ^ 20 "M"
			if (size >= 2 ^ 30)
				of = "1G"
			change = 100 * (new - base) / base
			slower = limit && change > limit
			printf "%-24s %4s %12.0f %12.0f %+8.2f%%%s\n", name, of, base / nr,
				new / nr, change, slower ? "  slower" : ""
			exit slower
		}' || failed=1
	done
	exit $failed
}
