#!/usr/bin/env python3
"""Writes tests/data/npz: one small data set in the many ways that people have it.

    tests/gen/make_npz_cases.py tests/data/npz

All but those whose name says otherwise hold the same images and labels, so that a network that is trained
on one of them is the same, byte by byte, as one that is trained on plain.npz.  Images are 8x6 pixels of four levels,
bright on the left or on the right; the first image of test is also there as an .npy of several types."""
import os
import random
import struct
import sys
import zipfile

H, W = 8, 6
SPLITS = (("train", 40), ("val", 10), ("test", 10))
LEVELS = (0, 85, 170, 255)
CODES = {"|b1": "?", "|u1": "B", "<u2": "H", ">u2": "H", "<u4": "I", "<u8": "Q", "|i1": "b", "<i2": "h",
         "<i4": "i", "<i8": "q", ">i8": "q", "<f2": "e", "<f4": "f", ">f4": "f", "<f8": "d"}


def npy(values, shape, descr="|u1", order=False, version=1, name=None):
    size = "<H" if version == 1 else "<I"
    header = "{'descr': '%s', 'fortran_order': %s, 'shape': %r, }" % (name or descr, order, tuple(shape))
    header += " " * (-(len(header) + 9 + struct.calcsize(size)) % 64) + "\n"
    mark = ">" if descr[0] == ">" else "<"
    data = struct.pack("%s%d%s" % (mark, len(values), CODES[descr]), *values)
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(header)) + header.encode() + data


def data_set():
    """{split: (images, labels)}: a list of H*W bytes for each image, and a class for each."""
    rng = random.Random("npz cases")
    out = {}
    for split, count in SPLITS:
        labels = [i % 2 for i in range(count)]
        images = [[LEVELS[rng.randrange(2) + 2 * ((x >= W // 2) == label)] for y in range(H) for x in range(W)]
                  for label in labels]
        out[split] = (images, labels)
    return out


DATA = data_set()


def flat(images):
    return [p for image in images for p in image]


def plain_images(images):
    return npy(flat(images), (len(images), H, W))


def plain_labels(labels):
    return npy(labels, (len(labels), 1))


def scaled(descr, value):
    """Images as numbers of a type."""
    return lambda images: npy([value(p) for p in flat(images)], (len(images), H, W), descr)


def shaped(*shape):
    return lambda images: npy(flat(images), (len(images),) + shape)


def fortran(images):
    n = len(images)
    values = [images[i][y * W + x] for x in range(W) for y in range(H) for i in range(n)]
    return npy(values, (n, H, W), order=True)


def labelled(descr, value=int):
    return lambda labels: npy([value(c) for c in labels], (len(labels), 1), descr)


def one_hot(labels):
    return npy([int(c == k) for c in labels for k in range(2)], (len(labels), 2))


def case(images=plain_images, labels=plain_labels, name="%s_%s", splits=("train", "val", "test")):
    """The members of an archive: name is of split and kind."""
    members = {}
    for split in splits:
        members[name % (split, "images")] = images(DATA[split][0])
        members[name % (split, "labels")] = labels(DATA[split][1])
    return members


def renamed(members, words):
    return {words[name] if name in words else name: data for name, data in members.items()}


KERAS = {"%s_%s" % (s, k): "%s_%s" % (x, s) for s in ("train", "test") for k, x in
         (("images", "x"), ("labels", "y"))}
VERSION_3 = dict(images=lambda images: npy(flat(images), (len(images), H, W), version=3),
                 labels=lambda labels: npy(labels, (len(labels), 1), version=3))

CASES = {
    "plain": case(),
    "images_n1hw": case(shaped(1, H, W)),
    "images_nhw1": case(shaped(H, W, 1)),
    "images_flat": case(shaped(H * W)),
    "images_fortran": case(fortran),
    "images_bool": case(scaled("|b1", lambda p: p > 127)),
    "images_uint16": case(scaled("<u2", lambda p: 257 * p)),
    "images_uint16_big": case(scaled(">u2", lambda p: 257 * p)),
    "images_uint32": case(scaled("<u4", lambda p: 0x01010101 * p)),
    "images_int16": case(scaled("<i2", lambda p: 257 * p - 32768)),
    "images_int16_ct": case(scaled("<i2", lambda p: 16 * p - 1024)),
    "images_int32": case(scaled("<i4", lambda p: p)),
    "images_int64": case(scaled("<i8", lambda p: p)),
    "images_float01": case(scaled("<f4", lambda p: p / 255)),
    "images_float16": case(scaled("<f2", lambda p: p / 255)),
    "images_float32_big": case(scaled(">f4", lambda p: p / 255)),
    "images_float64": case(scaled("<f8", lambda p: p / 255)),
    "images_float255": case(scaled("<f4", float)),
    "images_nan": case(scaled("<f4", lambda p: float("nan") if p == 85 else p / 255)),
    "images_infinite": case(scaled("<f8", lambda p: float("inf") if p == 85 else p / 255)),
    "keras_keys": renamed(case(splits=("train", "test")), KERAS),
    "images_labels_keys": renamed(case(splits=("train",)), {"train_images": "images", "train_labels": "labels"}),
    "no_val": case(splits=("train", "test")),
    "no_test": case(splits=("train", "val")),
    "test_alone": case(splits=("test",)),
    "labels_1based": case(labels=labelled("|u1", lambda c: c + 1)),
    "labels_minus": case(labels=labelled("|i1", lambda c: 2 * c - 1)),
    "labels_gap": case(labels=labelled("|u1", lambda c: 2 * c)),
    "labels_bool": case(labels=labelled("|b1")),
    "labels_int64": case(labels=labelled("<i8")),
    "labels_int64_big": case(labels=labelled(">i8")),
    "labels_float32": case(labels=labelled("<f4", float)),
    "labels_half": case(labels=labelled("<f4", lambda c: c / 2)),
    "labels_onehot": case(labels=one_hot),
    "labels_single_class_0": case(labels=labelled("|u1", lambda c: 0)),
    "labels_single_class_1": case(labels=labelled("|u1", lambda c: 1)),
    "npy_hdr_uint8": case(lambda images: npy(flat(images), (len(images), H, W), name="uint8")),
    "npy_v3": case(**VERSION_3),
    "zip_in_folder": case(name="data/%s_%s"),
    "other_names": case(name="%s_%s_28", splits=("train",)),
}

ARRAYS = {
    "one_uint8": npy(DATA["test"][0][0], (H, W)),
    "one_uint16": npy([257 * p for p in DATA["test"][0][0]], (1, H, W), "<u2"),
    "one_float32": npy([p / 255 for p in DATA["test"][0][0]], (1, 1, H, W), "<f4"),
    "one_int16_ct": npy([16 * p - 1024 for p in DATA["test"][0][0]], (H, W, 1), "<i2"),
    "one_int64": npy(DATA["test"][0][0], (H * W,), "<i8"),
    "one_other": npy(DATA["test"][0][0], (W, H)),
}


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, members in CASES.items():
        with zipfile.ZipFile(os.path.join(folder, name + ".npz"), "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                entry = zipfile.ZipInfo(member + ".npy")
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, data)
    for name, data in ARRAYS.items():
        with open(os.path.join(folder, name + ".npy"), "wb") as f:
            f.write(data)
    with open(os.path.join(folder, "one.pgm"), "wb") as f:
        f.write(b"P5 %d %d 255\n" % (W, H) + bytes(DATA["test"][0][0]))


main()
