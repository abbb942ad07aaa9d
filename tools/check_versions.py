#!/usr/bin/env python3
"""Is there one version, that of ppml.h?  Its text and its number are the same, semantic, version; CHANGELOG.md, as
https://keepachangelog.com has it, begins with that; meson.build says it; and what is made for packages
(packaging/) has it filled in and states none of its own."""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
KINDS = ["Security", "Added", "Changed", "Deprecated", "Removed", "Fixed"]


def read(*path):
    with open(os.path.join(ROOT, *path)) as f:
        return f.read()


def found(pattern, text):
    match = re.search(pattern, text, re.M)
    return match.group(1) if match else None


def headings(changelog, version):
    """What is wrong with the headings of the log of changes."""
    first = found(r"^## (.*)$", changelog)
    if not re.fullmatch(r"\[%s\] - (unreleased|\d{4}-\d\d-\d\d)" % re.escape(version), first):
        yield "CHANGELOG.md: begins with %s (expected [%s] and a date, or unreleased)" % (first, version)
    versions = re.findall(r"^## (.*)$", changelog, re.M)
    for heading in versions[1:]:
        if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading):
            yield "CHANGELOG.md: %s (expected [VERSION] - DATE)" % heading
    for kind in re.findall(r"^### (.*)$", changelog, re.M):
        if kind not in KINDS:
            yield "CHANGELOG.md: ### %s (expected one of %s)" % (kind, ", ".join(KINDS))


def stated():
    """Files of packaging/ that state a version instead of having it filled in."""
    for folder, _, names in os.walk(os.path.join(ROOT, "packaging")):
        for path in sorted(os.path.join(folder, n) for n in names):
            text = re.sub(r"cmake_minimum_required.*|Standards-Version.*|Format: .*", "", read(path))
            for line in re.findall(r"^.*\b[Vv]ersion\W{0,3}\d+\.\d+.*$", text, re.M):
                yield "%s: states a version: %s" % (os.path.relpath(path, ROOT), line.strip())


def main():
    header = read("ppml.h")
    version = found(r'^#define PPML_VERSION "(.*)"$', header)
    number = found(r"^#define PPML_VERSION_NUMBER (\d+)", header)
    problems = []
    if not re.fullmatch(r"\d+\.\d{1,2}\.\d{1,2}", version):
        problems.append("ppml.h: %s is no version MAJOR.MINOR.PATCH" % version)
    elif int(number) != sum(int(v) * unit for v, unit in zip(version.split("."), (10000, 100, 1))):
        problems.append("ppml.h: PPML_VERSION_NUMBER is %s (expected that of %s)" % (number, version))
    told = found(r"\bversion: '([^']*)'", read("meson.build"))
    if told != version:
        problems.append("meson.build: version %s (expected %s)" % (told, version))
    problems += list(headings(read("CHANGELOG.md"), version)) + list(stated())
    for problem in problems:
        print("check_versions: " + problem)
    print("check_versions: %s, %d problems" % (version, len(problems)))
    return 1 if problems else 0


sys.exit(main())
