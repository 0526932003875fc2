# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Checks over cells of the boot matrix.

# results_of NAME HOW MATRIX-OPTION...: a result for each test of each cell, as
# matrix-report sees it.
results_of()
{
	local name=$1 how=$2 results=$out/$1.tsv status test what

	shift 2
	if ! "$TOP/scripts/matrix" "$@" > "$results" 2> >(tee "$results.log" >&2) ||
	   ! "$TOP/scripts/matrix-report" "--$how" "$results" > "$results.report"; then
		result "$name: all cells were run" not-ok "$results.log"
		return
	fi
	while IFS=$'\t' read -r status test what; do
		case $status in
		ok) result "$name: $test${what:+ ($what)}" ok ;;
		skip) result "$name: $test" skip "$what" ;;
		*) result "$name: $test ($what)" not-ok ;;
		esac
	done < "$results.report"
}

# A few cells that have to pass on the patched kernel, without a base to compare
# it with. v7.2's own pKVM warns of any eager splitting.
check_cells()
{
	local base

	base=$(default_base)
	results_of "$base" alone -k patched -c 4k-novhe \
		-t '^eager_split_test' "$base"
	results_of "$base" alone -k patched -c 4k-ampereone \
		-t '^eager_split_(stress_)?test|^dirty_log_test -m 6 .*thp' "$base"
	results_of "$base" alone -k patched -c 4k-protected \
		-t '^kvm_page_table_test.*thp|^page_fault|^memslot_mod' "$base"
}

check_matrix()
{
	local base=${matrix_base:-$(default_base)} page

	results_of "$base" check ${cells:+-c "$cells"} "$base"
	page=$(series_dir "$base" "$(kernel_series "$base" | tail -n 1)")/matrix-$base.md
	[[ $base != kdir ]] || page=$out/matrix.md
	"$TOP/scripts/matrix-report" --table "$out/$base.tsv" > "$page"
	say "wrote $page"
}
