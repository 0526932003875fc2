#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Break the page-table code in one place at a time; the tests have to notice.

Usage: mutate.py KDIR OUT [number ...]
       mutate.py --find KDIR...

With --find, only tells what is in none of the trees, and fails if there is any.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys

FILES = {
    "": "arch/arm64/kvm/hyp/pgtable.c",
    "header": "arch/arm64/include/asm/kvm_pgtable.h",
}
VARIANTS = ("4k", "16k-lpa2", "64k")
MUST_APPLY = 20
CPU_SECONDS = 30
HERE = os.path.dirname(os.path.abspath(__file__))


def read_mutations():
    """Records of (what, file, alternatives of (old text, new text))."""
    mutations = []
    with open(os.path.join(HERE, "mutations"), encoding="ascii") as table:
        text = table.read()
    for record in text.split("\n= ")[1:]:
        what, _, body = record.partition("\n")
        name = ""
        if body.startswith("@"):
            name, _, body = body[1:].partition("\n")
            name = name.strip()
        choices = [choice.partition("\n+") for choice in ("\n" + body).split("\n-")[1:]]
        mutations.append((what, FILES[name],
                          [(old, new.rstrip("\n")) for old, _, new in choices]))
    return mutations


def copy_tree(kdir, tree):
    """As much of the kernel as is built, with copies of what is mutated."""
    shutil.rmtree(tree, ignore_errors=True)
    for path in FILES.values():
        os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
    for path in ("tools", "arch/arm64/kvm/mmu.c"):
        os.symlink(os.path.join(kdir, path), os.path.join(tree, path))
    asm = "arch/arm64/include/asm"
    for name in os.listdir(os.path.join(kdir, asm)):
        os.symlink(os.path.join(kdir, asm, name), os.path.join(tree, asm, name))


def read_source(kdir, path):
    """The text of a file of the kernel."""
    try:
        with open(os.path.join(kdir, path), encoding="utf-8") as source:
            return source.read()
    except OSError as error:
        sys.exit(f"mutate: {error}")


def find(kdirs):
    """Print each text that no tree has any more. Returns whether there are some."""
    sources = {path: [read_source(kdir, path) for kdir in kdirs] for path in FILES.values()}
    stale = [(what, path, old) for what, path, choices in read_mutations()
             for old, _ in choices if not any(old in text for text in sources[path])]
    for what, path, old in stale:
        print(f"mutate: {what}: not in {path} of any tree:\n{old}")
    return bool(stale)


def mutate(kdir, tree, mutation):
    """Write both files, one of them mutated. Returns whether there was anything to."""
    what, target, choices = mutation
    applied = False
    for path in FILES.values():
        text = read_source(kdir, path)
        for old, new in choices if path == target else ():
            if text.count(old) > 1:
                sys.exit(f"mutate: {what}: found {text.count(old)} times in {path}:\n{old}")
            if old in text:
                text = text.replace(old, new)
                applied = True
                break
        copy = os.path.join(tree, path)
        if os.path.lexists(copy):
            os.unlink(copy)
        with open(copy, "w", encoding="utf-8") as out:
            out.write(text)
    return applied


def limit_cpu():
    """What takes longer hangs, however busy the machine is."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def run_tests(tree, out):
    """Returns which test noticed, or None."""
    for variant in VARIANTS:
        binary = os.path.join(out, "test-" + variant)
        build = subprocess.run(
            ["make", "-s", "-C", HERE, "KDIR=" + tree, "O=" + out, "SANITIZE=", "CFLAGS=-O1",
             binary], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if build.returncode:
            sys.exit("mutate: does not build\n" + build.stdout.decode())
        test = subprocess.run([binary, "-q"], stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.DEVNULL, preexec_fn=limit_cpu)
        if test.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return variant + ": hang"
        if test.returncode:
            lines = [l.split()[2] for l in test.stdout.decode().splitlines()
                     if l.startswith("FAIL ") and len(l.split()) > 2]
            return f"{variant}: {lines[0].rstrip(':') if lines else 'crash'}"
    return None


def main():
    """Each mutation in turn, with the tree as it is first."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if sys.argv[1] == "--find":
        return find(sys.argv[2:])
    kdir, out = map(os.path.abspath, sys.argv[1:3])
    tree = os.path.join(out, "tree")
    out = os.path.join(out, "obj")
    mutations = read_mutations()
    only = [int(n) for n in sys.argv[3:]] or range(1, len(mutations) + 1)

    copy_tree(kdir, tree)
    mutate(kdir, tree, ("unchanged", None, ()))
    if run_tests(tree, out):
        sys.exit("mutate: the tests fail on the tree as it is")

    print(f"1..{len(mutations)}", flush=True)
    killed = survived = 0
    for number in only:
        mutation = mutations[number - 1]
        if not mutate(kdir, tree, mutation):
            print(f"ok {number} - {mutation[0]} # SKIP not in this tree", flush=True)
            continue
        killer = run_tests(tree, out)
        killed += bool(killer)
        survived += not killer
        print(f"{'ok' if killer else 'not ok'} {number} - {mutation[0]} # "
              f"{killer or 'survived'}", flush=True)
    applied = killed + survived
    print(f"# {killed} of {applied} mutations killed, "
          f"{len(only) - applied} not in this tree")
    if not sys.argv[3:] and applied < MUST_APPLY:
        sys.exit(f"mutate: less than {MUST_APPLY} mutations are for this tree")
    return bool(survived)


if __name__ == "__main__":
    sys.exit(main())
