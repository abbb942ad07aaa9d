#!/usr/bin/env python3
"""Writes tests/data/tiny.npz, tiny_rgb.npz and tiny_labels.npz: data sets in MedMNIST's layout, of made-up
images small enough to train and verify on in a second.

    tests/gen/make_tiny_npz.py tests/data

Class c of tiny is a bright half of an 8x8 image, left or right; of tiny_rgb a 6x6 image
that is bright in colour c; label c of tiny_labels says whether row c of quarters is bright."""
import random
import struct
import sys
import zipfile

SPLITS = (("train", 120), ("val", 40), ("test", 40))


def npy(shape, data):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(data)


def half(rng, label):
    return [rng.randrange(120, 220) if (x >= 4) == label else rng.randrange(20, 120)
            for y in range(8) for x in range(8)]


def colour(rng, label):
    return [rng.randrange(120, 250) if c == label else rng.randrange(10, 140)
            for y in range(6) for x in range(6) for c in range(3)]


def quarters(rng, labels):
    return [rng.randrange(120, 220) if labels[y // 2] else rng.randrange(20, 120)
            for y in range(8) for x in range(8)]


def write(path, shape, classes, draw, several=False):
    rng = random.Random(path.rsplit("/", 1)[-1])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, count in SPLITS:
            labels = [[rng.randrange(2) for c in range(classes)] if several else [i % classes]
                      for i in range(count)]
            images = [p for label in labels for p in draw(rng, label if several else label[0])]
            flat = [value for label in labels for value in label]
            for key, array in (("images", npy((count,) + shape, images)),
                               ("labels", npy((count, len(labels[0])), flat))):
                entry = zipfile.ZipInfo("%s_%s.npy" % (name, key))
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, array)


write(sys.argv[1] + "/tiny.npz", (8, 8), 2, half)
write(sys.argv[1] + "/tiny_rgb.npz", (6, 6, 3), 3, colour)
write(sys.argv[1] + "/tiny_labels.npz", (8, 8), 4, quarters, several=True)
