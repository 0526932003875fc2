#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Count the instructions of each walk in both trees. Walks that are not meant to
# change may not take more than 1 % more than in the base.

set -eu
bench=$1
failed=0

count() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
		--toggle-collect=measured "$bench" -i "$1" "$2" 2>&1 |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

printf '%-26s %12s %12s %9s\n' 'walk of 1 GiB' base new change
"$bench" -l | {
	while read -r op may_differ name; do
		base=$(count base "$op" </dev/null)
		new=$(count new "$op" </dev/null)
		change=$(awk "BEGIN { printf \"%+.2f\", 100 * ($new - $base) / $base }")
		verdict=
		if [ "$may_differ" = 0 ] && awk "BEGIN { exit !($change > 1) }"; then
			verdict='  slower'
			failed=1
		fi
		printf '%-26s %12s %12s %8s%%%s\n' "$name" "$base" "$new" "$change" "$verdict"
	done
	exit $failed
}
