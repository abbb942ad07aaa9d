#!/usr/bin/env python3
"""Writes ppml for boards as one archive, which Arduino, PlatformIO, Zephyr and ESP-IDF take:

    tools/embedded.py PPML OUT        OUT/ppml-embedded-VERSION.zip

packaging/embedded with the version of ppml.h filled in, the library as one file, the licence, and for the sketch a
network that PPML trains on pictures made here.  The same sources give the same bytes."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
FROM = os.path.join(ROOT, "packaging", "embedded")
SIDE = 16


def read(path):
    with open(path, "rb") as f:
        return f.read()


# -------------------------------------------------------------- the sketch's network

def npy(shape, data):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(data)


def picture(index):
    """Bright above or below, as its number is even or odd; the same every time."""
    state, pixels = index + 1, []
    for i in range(SIDE * SIDE):
        state = (state * 1103515245 + 12345) & 0x7fffffff
        bright = (i >= SIDE * SIDE // 2) == index % 2
        pixels.append((state >> 16) % 90 + (130 if bright else 20))
    return pixels


def write_data(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, first, count in (("train", 0, 80), ("val", 80, 20), ("test", 100, 10)):
            images = [p for i in range(first, first + count) for p in picture(i)]
            archive.writestr(name + "_images.npy", npy((count, SIDE, SIDE), images))
            archive.writestr(name + "_labels.npy", npy((count, 1), [i % 2 for i in range(first, first + count)]))


def network(ppml):
    """Files of the sketch's folder: the circuit for the computer, the client spec and a picture for the board."""
    with tempfile.TemporaryDirectory() as work:
        def run(*words):
            done = subprocess.run([ppml] + list(words), cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                sys.exit("tools/embedded.py: ppml %s: %s" % (" ".join(words), done.stdout.decode()))
        write_data(os.path.join(work, "data.npz"))
        run("train", "data.npz", "-o", "model", "--hidden", "0", "--seeds", "1", "--epochs", "6", "--threads", "1",
            "--class-names", "above,below")
        run("compile", "model", "-o", "circuit.ppml", "--client", "client", "--no-calibration")
        run("export", "client", "-o", "client.h")
        image = ",".join(map(str, picture(101)))
        image = "static const unsigned char image[%d] = {%s};\n" % (SIDE * SIDE, image)
        image = "/* A picture that is bright below. */\n" + image
        return {"circuit.ppml": read(os.path.join(work, "circuit.ppml")),
                "client.h": read(os.path.join(work, "client.h")), "image.h": image.encode()}


# ---------------------------------------------------------------------------- archive

def date():
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if not told:
        done = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%ct"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        told = done.stdout.strip() or os.path.getmtime(os.path.join(ROOT, "ppml.h"))
    return time.gmtime(float(told))[:6]


def files(ppml, version):
    found = {"LICENSE": read(os.path.join(ROOT, "LICENSE"))}
    for folder, _, names in os.walk(FROM):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), FROM)
            data = read(os.path.join(folder, name))
            found[re.sub(r"\.in$", "", path)] = data.replace(b"@VERSION@", version.encode())
    with tempfile.TemporaryDirectory() as work:
        one = os.path.join(work, "ppml.h")
        subprocess.run([sys.executable, os.path.join(ROOT, "tools", "amalgamate.py"), one], check=True)
        found["src/ppml.h"] = read(one)
    for name, data in network(ppml).items():
        found["examples/Classify/" + name] = data
    return found


def main():
    ppml, out = os.path.abspath(sys.argv[1]), sys.argv[2]
    version = re.search(rb'#define PPML_VERSION "([^"]+)"', read(os.path.join(ROOT, "ppml.h"))).group(1).decode()
    os.makedirs(out, exist_ok=True)
    path = os.path.join(out, "ppml-embedded-%s.zip" % version)
    with zipfile.ZipFile(path + ".tmp", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files(ppml, version).items()):
            entry = zipfile.ZipInfo("ppml/" + name, date())
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    shutil.move(path + ".tmp", path)
    print(path)


main()
