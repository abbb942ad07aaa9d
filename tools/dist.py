#!/usr/bin/env python3
"""Writes what is released: the library as one file, all sources as a tar archive, an SPDX list of files, checksums.

    tools/dist.py dist

The same sources give the same bytes on every machine: files are in the order of their names, dates are that
of SOURCE_DATE_EPOCH or of the last commit, owners are none, and the archive is not compressed, since compressors
differ.  Files are those that git knows, or of an unpacked archive all."""
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
LEFT_OUT = {"build", "dist", ".git"}


def git(*words):
    done = subprocess.run(["git", "-C", ROOT] + list(words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode() if done.returncode == 0 else ""


def files():
    names = git("ls-files", "-z").split("\0")[:-1]
    for folder, folders, found in os.walk(ROOT) if not names else []:
        folders[:] = [f for f in folders if f not in LEFT_OUT]
        names += [os.path.relpath(os.path.join(folder, name), ROOT) for name in found]
    return sorted(n for n in names if os.path.isfile(os.path.join(ROOT, n)))


def read(name):
    with open(os.path.join(ROOT, name), "rb") as f:
        return f.read()


def archive(names, prefix, date):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            entry = tarfile.TarInfo(prefix + "/" + name)
            data = read(name)
            entry.size, entry.mtime = len(data), date
            entry.mode = 0o755 if os.access(os.path.join(ROOT, name), os.X_OK) else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def spdx(names, version, date, header):
    """SPDX 2.3: one package, MIT, with its files and their checksums."""
    def file_of(name, data):
        sums = [{"algorithm": a.upper(), "checksumValue": hashlib.new(a, data).hexdigest()} for a in ("sha1", "sha256")]
        return {"fileName": "./" + name, "SPDXID": "SPDXRef-" + re.sub("[^A-Za-z0-9.-]", "-", name), "checksums": sums,
                "licenseConcluded": "MIT", "copyrightText": "NOASSERTION"}
    entries = [file_of(name, read(name)) for name in names] + [file_of("dist/ppml.h", header)]
    every = "".join(sorted(e["checksums"][0]["checksumValue"] for e in entries))
    package = {"name": "ppml", "SPDXID": "SPDXRef-ppml", "versionInfo": version, "downloadLocation": "NOASSERTION",
               "filesAnalyzed": True, "licenseConcluded": "MIT", "licenseDeclared": "MIT", "copyrightText": "NOASSERTION",
               "packageVerificationCode": {"packageVerificationCodeValue": hashlib.sha1(every.encode()).hexdigest()}}
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date))
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "ppml-" + version,
            "documentNamespace": "https://spdx.org/spdxdocs/ppml-%s-%s" % (version, hashlib.sha256(header).hexdigest()),
            "creationInfo": {"created": created, "creators": ["Tool: tools/dist.py"]}, "packages": [package],
            "files": entries,
            "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                               "relatedSpdxElement": "SPDXRef-ppml"}] +
                             [{"spdxElementId": "SPDXRef-ppml", "relationshipType": "CONTAINS",
                               "relatedSpdxElement": e["SPDXID"]} for e in entries]}


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    version = re.search(rb'#define PPML_VERSION "([^"]+)"', read("ppml.h")).group(1).decode()
    date = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip() or 0)
    names = files()
    subprocess.run([sys.executable, os.path.join(ROOT, "tools", "amalgamate.py"), os.path.join(folder, "ppml.h")],
                   check=True)
    with open(os.path.join(folder, "ppml.h"), "rb") as f:
        header = f.read()
    made = {"ppml-%s.tar" % version: archive(names, "ppml-" + version, date),
            "ppml-%s.spdx.json" % version: (json.dumps(spdx(names, version, date, header), indent=1, sort_keys=True) + "\n").encode()}
    for name, data in made.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    made["ppml.h"] = header
    with open(os.path.join(folder, "SHA256SUMS"), "w") as f:
        for name in sorted(made):
            f.write("%s  %s\n" % (hashlib.sha256(made[name]).hexdigest(), name))


main()
