#!/usr/bin/env python3
"""Prints the deepest call chain of the library in bytes of stack, from gcc's call graph.

    gcc -fcallgraph-info=su ... -c unit.c && tools/stack.py unit.ci [LIMIT_BYTES]

A call through a pointer is taken to reach the deepest function of the library that is called so:
a vector backend's, a memory reader or writer, a layer of a simulation, or a task of
ppmli_parallel_run, which nothing else calls.  Tasks run on threads and start no tasks: a chain has one of them at most.
Exit status 1 above the limit, or where that is not so."""
import re
import sys

HOOK = re.compile(r"ppmli_(ref|avx2|avx512|neon)_|ppmli_memory_|ppmli_simulate_layer$")
TASK = re.compile(r"_task(\.|$)|ppmli_key_(make|expand)_item(\.|$)")
INDIRECT, STARTER = "__indirect_call", "ppmli_parallel_run"
ONLY = {"ppmli_quant_forward": "ppmli_simulate_layer"}  # by pointer, nothing else


def load(path):
    text = open(path).read()
    frames, calls = {}, {}
    for name, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]+)"', text):
        size = re.search(r"(\d+) bytes", label)
        frames[name] = int(size.group(1)) if size else 0
    for source, target in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
        calls.setdefault(source, set()).add(target)
    return frames, calls


def short(name):
    return name.split(":")[-1]


def targets_of(name, in_task, frames, calls):
    """The functions that a function may call."""
    found = set(calls.get(name, ()))
    if INDIRECT in found:
        found.remove(INDIRECT)
        if short(name) in ONLY:
            return found | {f for f in frames if short(f) == ONLY[short(name)]}
        if not HOOK.search(short(name)):
            found.update(f for f in frames if HOOK.search(short(f)))
        if not in_task and short(name).startswith(STARTER):
            found.update(f for f in frames if TASK.search(short(f)))
    return found


def deepest(name, in_task, frames, calls, known):
    """(bytes, chain) from a function down."""
    in_task = in_task or TASK.search(short(name)) is not None
    if (name, in_task) in known:
        if known[name, in_task] is None:
            sys.exit("tools/stack.py: %s calls itself" % short(name))
        return known[name, in_task]
    known[name, in_task] = None
    if in_task and short(name).startswith(STARTER):
        sys.exit("tools/stack.py: a task calls %s" % STARTER)
    best = (0, [])
    for target in sorted(targets_of(name, in_task, frames, calls)):
        best = max(best, deepest(target, in_task, frames, calls, known))
    known[name, in_task] = (frames.get(name, 0) + best[0], [short(name)] + best[1])
    return known[name, in_task]


def main():
    frames, calls = load(sys.argv[1])
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 16384
    known, worst = {}, (0, [])
    for name in frames:
        if short(name).startswith("ppml_"):
            found = deepest(name, False, frames, calls, known)
            print("%7d  %s" % (found[0], short(name)))
            worst = max(worst, found)
    print("deepest: %d bytes of %d: %s" % (worst[0], limit, " > ".join(worst[1])))
    return 1 if worst[0] > limit else 0


sys.exit(main())
