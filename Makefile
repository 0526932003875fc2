# SPDX-License-Identifier: GPL-2.0
# Front door: every target is a script, and every script has -h.

.PHONY: help bench migrate check matrix shell deps kernel clean

help:
	@echo 'make bench    measure the series against the base kernel under QEMU'
	@echo 'make migrate  have QEMU migrate guests on base and patched kernel'
	@echo 'make check    run all checks that take minutes'
	@echo 'make matrix   compare patched and base kernel in all KVM modes (an hour)'
	@echo 'make shell    boot the patched kernel to a shell, selftests included'
	@echo 'make deps     install what the others need (they do it themselves)'
	@echo 'make kernel   fetch the base kernel, apply the series, build it'
	@echo 'make clean    remove build/'
	@echo
	@echo 'KDIR=~/src/linux uses that git tree instead of the fetched kernel.'
	@echo 'BASE=NAME chooses another one from scripts/lib/targets. More options:'
	@echo 'scripts/bench -h, scripts/migrate -h, scripts/check -h, scripts/kernel -h.'

bench: deps
	@scripts/bench $(BENCHFLAGS) $(BASE)

migrate: deps
	@scripts/migrate $(BASE)

check: deps
	@scripts/check $(CHECKS)

matrix: deps
	@scripts/check --matrix $(BASE)

deps:
	@scripts/deps $(BASE)

kernel: deps
	@scripts/kernel build $(BASE)

shell: deps
	@image=$$(scripts/kernel build $(BASE)) && \
	tests=$$(scripts/kernel selftests $(BASE)) && \
	initramfs=$$(scripts/initramfs $$tests) && \
	scripts/boot $$image $$initramfs

clean:
	rm -rf build
