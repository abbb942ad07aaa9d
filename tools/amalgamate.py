#!/usr/bin/env python3
"""Writes the library as one file: ppml.h with every header of ppml_impl in place of its
include.  Headers without an include guard (templates) are put in each time they are asked for, and
so are those that only a part under #if has asked for before, since that part may be left out.

    tools/amalgamate.py dist/ppml.h"""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
GUARD = re.compile(r"^#ifndef (PPMLI?_\w*H)\n#define \1\n", re.M)
INCLUDE = re.compile(r'^\s*#include "([^"]+)"')


def expand(path, seen):
    """Lines of a header, its local includes expanded; [] where its guard would skip it.
    seen: the headers that are there for certain, each part under #if having its own set."""
    path = os.path.normpath(path)
    text = open(path).read()
    guard = GUARD.search(text)
    if guard and path in seen:
        return []
    seen.add(path)
    out, parts = [], [seen]
    for line in text.splitlines():
        found = INCLUDE.match(line)
        if re.match(r"#\s*if", line) and not (guard and line == "#ifndef " + guard.group(1)):
            parts.append(set(parts[-1]))
        elif re.match(r"#\s*el", line) and len(parts) > 1:
            parts[-1] = set(parts[-2])
        elif re.match(r"#\s*endif", line) and len(parts) > 1:
            parts.pop()
        if not found:
            out.append(line)
        elif os.path.basename(found.group(1)) != "ppml.h":  # which all of them sit in already
            out += expand(os.path.join(os.path.dirname(path), found.group(1)), parts[-1])
    return out


def main():
    lines = expand(os.path.join(ROOT, "ppml.h"), set())
    os.makedirs(os.path.dirname(sys.argv[1]) or ".", exist_ok=True)
    with open(sys.argv[1], "w") as f:
        f.write("\n".join(lines) + "\n")


main()
