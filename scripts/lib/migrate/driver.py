#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Migrate guests from one QEMU to another one, in the emulated host.

Prints each case as it begins it, as '@ CASE', and its result as 'result JSON'. Fails
unless the guest's memory is the same on both sides, and the guest goes on.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time

MIB = 1 << 20
# In seconds of the emulated host's clock
PATIENCE = 120
# The guest touches 800 MiB, and fills 256 of them. Each millisecond it writes to 20
# pages of those and checks 64. It writes to all of them in turn, one far from the other,
# or one next to the other.
GUEST = "console=ttyAMA0 quiet panic=-1 rdinit=/init -- 800 256 20 {stride} 64"
FAR, NEXT = 40503, 1
THP = "memory-backend-ram,id=ram,size=1G"
HUGETLB = "memory-backend-memfd,id=ram,size=1G,hugetlb=on,hugetlbsize=1G"
FAULTS = "/sys/kernel/tracing/events/kvm/kvm_guest_fault/enable"
FAULT_COUNT = "/sys/kernel/tracing/per_cpu/cpu0/stats"


def read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def wait(what, condition):
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.1)
    return value


class Qemu:
    """A QEMU with a guest: calling it runs a QMP command."""

    def __init__(self, name, accel, memory, stride, *options):
        self.name, self.events = name, []
        self.serial, self.log = f"/tmp/{name}.serial", f"/tmp/{name}.ioctls"
        write(self.serial, "")
        write(self.log, "")
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=3,memory-backend=ram",
             "-accel", accel, "-cpu", "host", "-m", "1G", "-object", memory,
             "-nodefaults", "-display", "none", "-serial", f"file:{self.serial}",
             "-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "qmp,mode=control",
             "-kernel", "guest-kernel", "-initrd", "guest-initramfs",
             "-append", GUEST.format(stride=stride), *options],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "LD_PRELOAD": os.path.abspath("count-ioctls.so"),
                 "IOCTL_LOG": self.log})
        theirs.close()
        self.qmp = ours.makefile("rw")
        self.qmp.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
        json.dump({"execute": command, "arguments": arguments}, self.qmp)
        self.qmp.flush()
        while line := self.qmp.readline():
            message = json.loads(line)
            if "error" in message:
                raise RuntimeError(f"{self.name}: {command}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]
            self.events.append(message)
        raise RuntimeError(f"{self.name}: {command}: QEMU is gone")

    def wait_for_guest(self, text, times):
        """Until the guest has said so that many times more."""
        before = read(self.serial).count(text)

        def said():
            if "wrong" in read(self.serial):
                raise RuntimeError(f"{self.name}: {read(self.serial)}")
            return read(self.serial).count(text) >= before + times
        wait(f"'{text}' of the {self.name}'s guest", said)

    def ram(self):
        """{name: (address, size)} of what is migrated."""
        blocks = re.findall(r"^ *(\S+) +\S+ KiB +\w+ +(\w+) +\w+ +(\w+) ",
                            self("human-monitor-command", command_line="info ramblock"), re.M)
        return {name: (int(address, 0), int(size, 0)) for name, size, address in blocks}

    def memory(self, mode):
        return open(f"/proc/{self.process.pid}/mem", mode, buffering=0)

    def quit(self):
        self.process.kill()
        self.process.wait()


def page_tables():
    """KiB of the host's page-tables for guests."""
    return int(re.search(r"SecPageTables: +(\d+) kB", read("/proc/meminfo"))[1])


def blocks(qemu):
    """MiB of the guest's memory that are mapped by blocks."""
    vms = [vm for vm in os.listdir("/sys/kernel/debug/kvm")
           if vm.startswith(f"{qemu.process.pid}-")]
    dump = read(f"/sys/kernel/debug/kvm/{vms[0]}/stage2_page_tables")
    return sum(int(end, 16) - int(start, 16) for start, end in
               re.findall(r"^0x(\w+)-0x(\w+) .* BLK", dump, re.M)) // MIB


def faults():
    return sum(map(int, re.findall(r"^(?:entries|overrun): (\d+)", read(FAULT_COUNT), re.M)))


def ioctls(qemu, start):
    """The ioctls since start, summed up by round and name. Round 0 ends with the first
    look at what is dirty, round 1 with the second one, and so on.
    """
    passes = [event["timestamp"]["seconds"] * 10**9 + event["timestamp"]["microseconds"] * 1000
              for event in qemu.events if event["event"] == "MIGRATION_PASS"]
    sums = {}
    for line in read(qemu.log).splitlines():
        when, name, count = line.split()
        if int(when) > start:
            key = (sum(end < int(when) for end in passes), name)
            calls, instructions = sums.get(key, (0, 0))
            sums[key] = (calls + 1, instructions + int(count))
    return [{"round": key[0], "ioctl": key[1], "calls": calls, "instructions": instructions}
            for key, (calls, instructions) in sums.items()]


def compare(source, destination, corrupt):
    """Of both guests, which are stopped."""
    theirs = destination.ram()
    if corrupt:
        with destination.memory("r+b") as memory:
            address = theirs["ram"][0] + theirs["ram"][1] // 2 + 123
            memory.seek(address)
            byte = memory.read(1)[0]
            memory.seek(address)
            memory.write(bytes([byte ^ 1]))
    with source.memory("rb") as left, destination.memory("rb") as right:
        for name, (address, size) in source.ram().items():
            if theirs[name][1] != size:
                raise RuntimeError(f"memory differs in the size of {name}")
            left.seek(address)
            right.seek(theirs[name][0])
            for offset in range(0, size, MIB):
                length = min(MIB, size - offset)
                ours, others = left.read(length), right.read(length)
                if len(ours) != length or ours != others:
                    raise RuntimeError(f"memory differs: {name}, MiB {offset // MIB}")


def migrate(case, corrupt):
    kind, chunk = case.split("-")
    memory = HUGETLB if kind == "hugetlb" else THP
    stride = NEXT if kind == "sweep" else FAR
    accel = "kvm" + (",dirty-ring-size=4096" if kind in ("ring", "sweep") else "") + (
        f",eager-split-size={chunk}" if chunk != "off" else "")

    source = Qemu("source", accel, memory, stride)
    source.wait_for_guest("all pages are right", 1)
    result = {"case": case, "qemu": source("query-version")["package"],
              "page_tables": [page_tables()], "blocks": [blocks(source)]}
    destination = Qemu("destination", accel, memory, stride, "-S", "-incoming", "unix:/tmp/migration")

    # As fast as it can, or, to be cancelled, hardly faster than the guest writes.
    source("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
    source("migrate-set-parameters", downtime_limit=10,
           max_bandwidth=100 * MIB if kind == "cancel" else 0)
    write("/sys/kernel/tracing/trace", "")
    write(FAULTS, "1")
    start, peak = time.time_ns(), 0
    source("migrate", uri="unix:/tmp/migration")

    info = {}

    def over():
        nonlocal peak
        # What is sent is not told once it is cancelled.
        info.update(source("query-migrate"))
        peak = max(peak, page_tables())
        if (kind == "cancel" and info["status"] == "active" and
                info["ram"]["dirty-sync-count"] >= 3):
            source("migrate_cancel")
        return info["status"] in ("completed", "failed", "cancelled")
    wait("the migration", over)
    write(FAULTS, "0")
    if info["status"] != ("cancelled" if kind == "cancel" else "completed"):
        raise RuntimeError(f"the migration has {info['status']}")

    result.update(faults=faults(), rounds=info["ram"]["dirty-sync-count"],
                  pages_sent=info["ram"]["normal"], ms=info["total-time"],
                  downtime_ms=info.get("downtime"))
    if kind != "cancel":
        wait("the destination", lambda: destination("query-status")["status"] != "inmigrate")
        compare(source, destination, corrupt)
        destination("cont")
    # The first time that it says so, it has checked some of the pages before.
    (source if kind == "cancel" else destination).wait_for_guest("all pages are right", 2)
    result.update(ioctls=ioctls(source, start))
    result["page_tables"] += [peak, page_tables()]
    result["blocks"] += [blocks(source)]
    source.quit()
    destination.quit()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true")
    parser.add_argument("cases", nargs="+")
    args = parser.parse_args()

    for case in args.cases:
        print(f"@ {case}", flush=True)
        try:
            print("result", json.dumps(migrate(case, args.corrupt)), flush=True)
        except RuntimeError as error:
            sys.exit(f"{case}: {error}")


if __name__ == "__main__":
    main()
