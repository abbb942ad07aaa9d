#!/usr/bin/env python3
"""Writes the library as one file: ppml.h with every header of ppml_impl in place of its
include.  Headers without an include guard (templates) are put in each time they are asked for.

    tools/amalgamate.py dist/ppml.h"""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
INCLUDE = re.compile(r'^\s*#include "([^"]+)"')


def expand(path, seen):
    """Lines of a header, its local includes expanded; [] where its guard would skip it."""
    path = os.path.normpath(path)
    text = open(path).read()
    guarded = re.search(r"^#ifndef (PPMLI?_\w*H)\n#define \1\n", text, re.M)
    if guarded and path in seen:
        return []
    seen.add(path)
    out = []
    for line in text.splitlines():
        found = INCLUDE.match(line)
        if not found:
            out.append(line)
        elif os.path.basename(found.group(1)) != "ppml.h":  # which all of them sit in already
            out += expand(os.path.join(os.path.dirname(path), found.group(1)), seen)
    return out


def main():
    lines = expand(os.path.join(ROOT, "ppml.h"), set())
    os.makedirs(os.path.dirname(sys.argv[1]) or ".", exist_ok=True)
    with open(sys.argv[1], "w") as f:
        f.write("\n".join(lines) + "\n")


main()
