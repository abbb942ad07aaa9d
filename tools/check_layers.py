#!/usr/bin/env python3
"""Checks that ppml_impl keeps to its layers.

The layers are its folders, in the order of FOLDERS.  A header may include headers of its own
folder or of those before it, without cycles; client and server include nothing of each other;
a header uses something of every header that it includes; only api/ defines names that begin
with ppml_; and what kind a parameter set is, only the headers of KINDS ask.  In ppml.h a size
query is named after its call: where there is ppml_X_bytes, there is ppml_X.  The examples, which
show how the library is meant, use ppml.h alone; and no comment or document speaks of a header that
is not there.  A header's opening comment tells what it is for, what comes in and out ("In: ...; out:
...", or "In and out: ...") and which header to read next ("Next: ...").  Prints what breaks this; exit status 1 then.
"""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ppml_impl")
EXAMPLES = os.path.join(ROOT, "..", "examples")
NAME = re.compile(r"\b(?:ppmli|PPMLI)_\w+")
BASE = {"base/base.h"}  # language-level: counts as used everywhere
FOLDERS = ["base", "math", "cipher", "network", "wire", "client", "server", "plan", "train", "api"]
KINDS = {"math/params.h", "client/path.h", "server/path.h", "plan/path.h"}
KIND = re.compile(
    r"\bPPML_SET_\w+|\b(?:params|p)->kind\b|\bslots (?:\?|[!=]= 0)|(?:if|while) \(!?[\w.>-]*->slots\)|!\w+->slots")
APART = {("client", "server"), ("server", "client")}


def headers():
    for folder, _, names in os.walk(ROOT):
        for name in sorted(names):
            if name.endswith(".h"):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def misnamed_queries(api):
    """Size queries of ppml.h that are named after no call; of the readers of files there is one
    for all, wire_bytes and memory_bytes are those of an object, and ppml_spec_X_bytes what an X of
    a network has."""
    calls = set(re.findall(r"\b(ppml_\w+)\(", api))
    queries = re.findall(r"^PPML_API size_t (ppml_\w+)_bytes\(", api, re.M)
    others = re.compile(r"ppml_read|ppml_spec_\w+|\w+_wire|\w+_memory")
    return [q for q in queries if q not in calls and not others.fullmatch(q)]


def inner_uses():
    """Lines of the examples that use what is within the library."""
    for folder, _, names in os.walk(EXAMPLES):
        for path in sorted(os.path.join(folder, n) for n in names if n.endswith((".c", ".h"))):
            for line in strip_comments(open(path).read()).splitlines():
                if "ppml_impl" in line or NAME.search(line):
                    yield "%s: uses %s" % (os.path.relpath(path, EXAMPLES), line.strip())


def stale_names(comments):
    """Headers that a comment or a document speaks of and that are not there."""
    known = set()
    for folder, _, names in os.walk(os.path.join(ROOT, "..")):
        known.update(n for n in names if n.endswith(".h"))
    for where, text in comments:
        for name in sorted(set(re.findall(r"(?<![<\w.])((?:\w+/)*[a-z]\w*\.h)\b", text))):
            if os.path.basename(name) not in known:
                yield "%s: speaks of %s, which is not there" % (where, name)


def documents():
    for name in ["README.md"] + ["docs/" + n for n in sorted(os.listdir(os.path.join(ROOT, "..", "docs")))]:
        if name.endswith(".md"):
            yield name, " ".join(re.findall(r"`[^`\n]*`", open(os.path.join(ROOT, "..", name)).read()))


def main():
    text = {h: open(os.path.join(ROOT, h)).read() for h in headers()}
    code = {h: strip_comments(t) for h, t in text.items()}
    problems = []
    includes, defines = {}, {}
    for h in text:
        if h.split("/")[0] not in FOLDERS:
            problems.append("%s: is in no layer's folder" % h)
        if not text[h].startswith("/* "):
            problems.append("%s: does not begin with what it is for" % h)
        opening = text[h].partition("*/")[0]
        if not re.search(r"\bIn(?: and out)?:", opening) or "Next:" not in opening:
            problems.append("%s: its opening does not tell what comes in and out, and what to read next" % h)
        folder = os.path.dirname(h)
        includes[h] = [i for i in (os.path.normpath(os.path.join(folder, i))
                       for i in re.findall(r'#include "([^"]+)"', code[h])) if i in text]
        defines[h] = set(re.findall(
            r"^(?:PPMLI_STATIC|PPMLI_INLINE|PPMLI_KERNEL|static)\b[^;{}=]*?\b(ppmli_\w+)\s*[\[(=]", code[h], re.M))
        defines[h] |= set(re.findall(r"^#define (PPMLI_\w+)", code[h], re.M))
        defines[h] |= set(re.findall(r"^\s*(PPMLI_\w+)(?: =|,|$)", code[h], re.M))
        defines[h] |= set(re.findall(r"^\} (ppmli_\w+);", code[h], re.M))
    for h in text:
        for i in includes[h]:
            own, other = h.split("/")[0], i.split("/")[0]
            if FOLDERS.index(other) > FOLDERS.index(own) or (own, other) in APART:
                problems.append("%s includes %s" % (h, i))
            reach, todo = set(), [i]
            while todo:
                at = todo.pop()
                if at not in reach:
                    reach.add(at)
                    todo += includes[at]
            if h in reach:
                problems.append("%s: includes itself by way of %s" % (h, i))
            used = set(NAME.findall(code[h])) & defines[i]
            if not used and i not in BASE and not h.startswith("api/"):
                problems.append("%s: includes %s and uses nothing of it" % (h, i))
        if h not in KINDS:
            for found in KIND.findall(code[h]):
                problems.append("%s: asks what kind a set is: %s" % (h, found))
        if not h.startswith("api/"):
            for name in re.findall(r"^(?:PPML_API|PPMLI_\w+|static|int)\b[^;{}]*?\b(ppml_\w+)\(",
                                   code[h], re.M):
                if not re.search(r"\(.*\b%s\b" % name, code[h].split(name)[0][-80:]):
                    problems.append("%s: defines %s" % (h, name))
    api = strip_comments(open(os.path.join(ROOT, "..", "ppml.h")).read())
    problems += ["ppml.h: there is %s_bytes, but no %s" % (q, q) for q in misnamed_queries(api)]
    problems += inner_uses()
    problems += stale_names([(h, " ".join(re.findall(r"/\*.*?\*/", text[h], re.S))) for h in text])
    problems += stale_names(documents())
    for problem in problems:
        print("check_layers: " + problem)
    print("check_layers: %d headers, %d includes, %d problems"
          % (len(text), sum(map(len, includes.values())), len(problems)))
    return 1 if problems else 0


sys.exit(main())
