#!/usr/bin/env python3
"""Writes tests/data/tiny.npz, tiny_rgb.npz and tiny_labels.npz: data sets in MedMNIST's layout, of made-up
images small enough to train and verify on in a second; tiny_latents.npz and tiny_latents_last.npz, of
latents as another program's encoder would make them, and single ones in tests/data/latents, some of them
broken.

    tests/gen/make_tiny_npz.py tests/data

Class c of tiny is a bright half of an 8x8 image, left or right; of tiny_rgb a 6x6 image
that is bright in colour c; label c of tiny_labels says whether row c of quarters is bright.  Class c of the
latents is the direction of their stripes, which the squares of a pooled network see; tiny_latents has
channels first, tiny_latents_last the same numbers with channels last."""
import os
import random
import struct
import sys
import zipfile

SPLITS = (("train", 120), ("val", 40), ("test", 40))


def npy(shape, data, dtype="|u1"):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (dtype, shape)
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


def stripes(rng, label):
    """Two channels of 6x6: stripes along x or y, at a random place; the second is noise."""
    at = rng.randrange(2)
    first = [(0.8 if ((x if label else y) + at) % 2 else -0.8) + rng.gauss(0, 0.3)
             for y in range(6) for x in range(6)]
    return first + [rng.gauss(0, 2) for i in range(36)]


def floats(values):
    return struct.pack("<%df" % len(values), *values)


def latents(path, names, shape, order):
    rng = random.Random("latents")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for split, count in SPLITS:
            drawn = [stripes(rng, i % 2) for i in range(count)]
            images = floats([x for image in drawn for x in order(image)])
            for name, array in ((names, npy((count,) + shape, images, "<f4")),
                                ("labels", npy((count, 1), [i % 2 for i in range(count)]))):
                entry = zipfile.ZipInfo("%s_%s.npy" % (split, name))
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, array)


def last(image):
    return [image[36 * c + i] for i in range(36) for c in range(2)]


def bad(path, shape, value=1.0):
    """One image a split, of zeros and a last value."""
    count = 1
    for side in shape:
        count *= side
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for split, _ in SPLITS:
            for name, array in (("latents", npy((1,) + shape, floats([0] * (count - 1) + [value]), "<f4")),
                                ("labels", npy((1, 1), [1]))):
                entry = zipfile.ZipInfo("%s_%s.npy" % (split, name))
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, array)


def single(path, shape, values, dtype="<f4"):
    with open(path, "wb") as out:
        out.write(npy(shape, floats(values) if dtype == "<f4" else bytes(values), dtype))


latents(sys.argv[1] + "/tiny_latents.npz", "latents", (2, 6, 6), lambda image: image)
latents(sys.argv[1] + "/tiny_latents_last.npz", "images", (6, 6, 2), last)
folder = sys.argv[1] + "/latents"
os.makedirs(folder, exist_ok=True)
bad(folder + "/nan.npz", (2, 6, 6), float("nan"))
bad(folder + "/infinite.npz", (2, 6, 6), float("inf"))
bad(folder + "/many.npz", (2, 64, 64))
bad(folder + "/wide.npz", (17, 18, 18))
one = stripes(random.Random(1), 1)
single(folder + "/one.npy", (2, 6, 6), one)
single(folder + "/one_last.npy", (6, 6, 2), last(one))
single(folder + "/nan.npy", (2, 6, 6), one[:-1] + [float("nan")])
single(folder + "/infinite.npy", (2, 6, 6), [float("-inf")] + one[1:])
single(folder + "/other.npy", (2, 5, 6), one[:60])
single(folder + "/bytes.npy", (2, 6, 6), [7] * 72, "|u1")
