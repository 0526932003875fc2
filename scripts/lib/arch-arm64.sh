# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for those that source this
# What is arm64's own.

export CROSS_COMPILE=${CROSS_COMPILE-aarch64-linux-gnu-}
QEMU=${QEMU:-qemu-system-aarch64}

# What Debian calls it
debian_arch=arm64
# What the kernel is configured for, unless something else is asked for
host_config=$TOP/arch/arm64/configs/kvm_selftests_4k.config

# QEMU's machine, what makes each boot of it like the other, its CPU and console
qemu_machine=virt,virtualization=on,gic-version=3
qemu_deterministic=,dtb-randomness=off
qemu_cpu=max
qemu_console=ttyAMA0

# QEMU's CPU with the ID of an AmpereOne, by which the kernel finds its erratum
# AC03_CPU_38, and that block sizes may be changed without a break.
AMPEREONE=max,midr=0xc00fac30
# What the kernel's log says then, one to a line.
AMPEREONE_LOG="detected: BBM Level
detected: AmpereOne erratum AC03_CPU_38"

# Debian packages for all of that, and what tells a tree that has the series
arch_packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm)
series_file=arch/arm64/include/asm/kvm_pgtable.h
series_mark=KVM_PGTABLE_WALK_SKIP_LEVEL
