#!/usr/bin/env python3
"""Prints the deepest call chain of the library in bytes of stack, from gcc's call graph.

    gcc -fcallgraph-info=su ... -c unit.c && tools/stack.py unit.ci [LIMIT_BYTES]

A call through a pointer (backend hooks, tasks, readers) is taken to reach the deepest inner
function of the library whose address is used that way.  Exit status 1 above the limit."""
import re
import sys

INDIRECT = re.compile(r"ppmli_(ref|avx2|avx512|neon)_(forward|backward|product|key_switch)|_task$|"
                      r"ppmli_key_(make|expand)_item$|ppmli_memory_|ppmli_simulate_layer")


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


def deepest(name, frames, calls, known, above):
    """(bytes, chain) from a function down; a pointer's targets are not entered twice."""
    if name in known:
        return known[name]
    best = (0, [])
    for target in calls.get(name, ()):
        if target in above:
            continue
        targets = [target]
        if target == "__indirect_call":
            targets = [f for f in frames if INDIRECT.search(short(f)) and f not in above]
        for t in targets:
            below = deepest(t, frames, calls, known, above | {name})
            if below[0] > best[0]:
                best = below
    known[name] = (frames.get(name, 0) + best[0], [short(name)] + best[1])
    return known[name]


def main():
    sys.setrecursionlimit(10000)
    frames, calls = load(sys.argv[1])
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 16384
    known, worst = {}, (0, [])
    for name in frames:
        if short(name).startswith("ppml_"):
            found = deepest(name, frames, calls, known, frozenset())
            print("%7d  %s" % (found[0], short(name)))
            worst = max(worst, found)
    print("deepest: %d bytes of %d: %s" % (worst[0], limit, " > ".join(worst[1])))
    return 1 if worst[0] > limit else 0


sys.exit(main())
