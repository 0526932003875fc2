# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by bench: build the TCG plugin that --profile needs, and say where in
# the kernel it counts.

plugin=$BUILD/profile.so

build_plugin()
{
	local source=$TOP/scripts/lib/profile.c

	need gcc "${CROSS_COMPILE}nm"
	[[ $plugin -nt $source ]] && return
	# A QEMU that runs keeps the old one.
	gcc -shared -fPIC -O2 -Wall -o "$plugin.$$" "$source" ||
		die "$source does not compile"
	mv "$plugin.$$" "$plugin"
}

# plugin_options IMAGE LOG: set the options that boot needs to count to
# LOG.counts, by addresses that LOG.symbols resolves
plugin_options()
{
	local symbols=$2.symbols mark switch end

	"${CROSS_COMPILE}nm" -n "${1%/*}/vmlinux" > "$symbols"
	# Nothing but CLOCK_THREAD_CPUTIME_ID is read by the first one.
	mark=$(address thread_cpu_clock_get)
	switch=$(address cpu_switch_to)
	end=$(awk -v from="$switch" '$1 > from { print $1; exit }' "$symbols")
	# shellcheck disable=SC2034 # for the caller
	options=(--plugin "$plugin,mark=0x$mark,switch=0x$switch,end=0x$end,out=$2.counts")
}

address()
{
	awk -v name="$1" '$3 == name { print $1; found = 1 } END { exit !found }' "$symbols" ||
		die "no symbol $1 in the kernel: $TOP/scripts/lib/profile.sh needs another one"
}
