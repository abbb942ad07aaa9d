#!/usr/bin/env python3
"""The stack of every public function, in bytes of its deepest call chain, from gcc's call graph.

    gcc -fcallgraph-info=su ... -c unit.c && tools/stack.py unit.ci [--limit BYTES] [--board board.ci]
        [--check DOCUMENT | --write DOCUMENT]

Prints them; --board is the call graph of a client for a microcontroller.  --check holds the table of
DOCUMENT to them: every function is in it, and none takes more than it says, or a quarter more, since
compilers differ; --write writes the table, rounded up to 64 bytes.

A call through a pointer is taken to reach the deepest function of the library that is called so:
a vector backend's, a memory reader or writer, a layer of a simulation, or a task of
ppmli_parallel_run, which nothing else calls.  Tasks run on threads and start no tasks: a chain has one of them at most.
Exit status 1 above the limit, or where that is not so."""
import argparse
import re
import sys

HOOK = re.compile(r"ppmli_(ref|avx2|avx512|neon)_|ppmli_memory_|ppmli_simulate_layer$")
TASK = re.compile(r"_task(\.|$)|ppmli_key_(make|expand)_item(\.|$)")
INDIRECT, STARTER = "__indirect_call", "ppmli_parallel_run"
BEGIN, END = "<!-- made by make stack-table -->", "<!-- end -->"
HEADING = ["| call | client, Cortex-M4 | whole library, x86-64 |", "|---|---|---|"]
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


def stacks(path):
    """Bytes of every public function, and the deepest chain."""
    frames, calls = load(path)
    known, worst, found = {}, (0, []), {}
    for name in frames:
        if short(name).startswith("ppml_"):
            chain = deepest(name, False, frames, calls, known)
            found[short(name)] = chain[0]
            worst = max(worst, chain)
    return found, worst


def rounded(count):
    return str(-(-count // 64) * 64) if count is not None else ""


def write_table(path, whole, board):
    before, _, behind = split(path)
    rows = ["| `%s` | %s | %s |" % (name, rounded(board.get(name)), rounded(whole[name])) for name in sorted(whole)]
    with open(path, "w") as f:
        f.write("\n".join(before + HEADING + rows + behind))


def split(path):
    lines = open(path).read().split("\n")
    begin, end = lines.index(BEGIN), lines.index(END)
    return lines[:begin + 1], lines[begin + 1:end], lines[end:]


def check_table(path, whole, board):
    said = {}
    for line in split(path)[1]:
        cells = [c.strip(" `") for c in line.split("|")[1:4]]
        said[cells[0]] = [int(c) if c.isdigit() else None for c in cells[1:]]
    for column, found in ((1, whole), (0, board)):
        for name, count in sorted(found.items()):
            most = said.get(name, (None, None))[column]
            if most is None:
                yield "%s: %s is not there (make stack-table)" % (path, name)
            elif 4 * count > 5 * most:
                yield "%s: %s takes %d bytes, %d are documented (make stack-table)" % (path, name, count, most)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("unit")
    parser.add_argument("--limit", type=int, default=16384)
    for option in ("--board", "--check", "--write"):
        parser.add_argument(option)
    options = parser.parse_args()
    whole, worst = stacks(options.unit)
    board = stacks(options.board)[0] if options.board else {}
    for name, count in whole.items():
        print("%7d %7s  %s" % (count, board.get(name, ""), name))
    print("deepest: %d bytes of %d: %s" % (worst[0], options.limit, " > ".join(worst[1])))
    if options.write:
        write_table(options.write, whole, board)
    problems = list(check_table(options.check, whole, board)) if options.check else []
    for problem in problems:
        print("tools/stack.py: " + problem)
    return 1 if worst[0] > options.limit or problems else 0


sys.exit(main())
