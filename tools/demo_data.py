#!/usr/bin/env python3
"""Writes examples/cli/demo_data.h: two trained networks and sample images for `ppml demo`.

    tools/demo_data.py SQUARES.ppml RELU.ppml DATA.npz > examples/cli/demo_data.h

No sample is a patient's image: each is the average of a quarter of the training images
of one class.
"""
import struct
import sys
import zipfile

PARTS = 4  # averages of each class
NAMES = ("normal", "pneumonia")


def load(archive, name):
    """An array of bytes from an .npz: (shape, data)."""
    raw = zipfile.ZipFile(archive).read(name + ".npy")
    header_bytes = struct.unpack_from("<H", raw, 8)[0]
    header = eval(raw[10:10 + header_bytes], {"__builtins__": {}}, {"True": True, "False": False})
    assert header["descr"] == "|u1" and not header["fortran_order"]
    return header["shape"], raw[10 + header_bytes:]


def averages(shape, images, labels, label):
    """PARTS average images of a class, over disjoint quarters of it."""
    size = shape[1] * shape[2]
    of_class = [i for i in range(shape[0]) if labels[i] == label]
    for part in range(PARTS):
        chosen = of_class[part::PARTS]
        sums = [0] * size
        for i in chosen:
            for at, pixel in enumerate(images[i * size:(i + 1) * size]):
                sums[at] += pixel
        yield [(2 * s + len(chosen)) // (2 * len(chosen)) for s in sums]


def rows(values, indent="    "):
    """Values as lines of a C initializer, at most 100 columns."""
    line = indent
    for value in values:
        text = "%d," % value
        if len(line) + len(text) > 100:
            yield line
            line = indent
        line += text
    yield line


def main():
    shape, images = load(sys.argv[3], "train_images")
    _, labels = load(sys.argv[3], "train_labels")
    samples = [(name, label, part, pixels) for label, name in enumerate(NAMES)
               for part, pixels in enumerate(averages(shape, images, labels, label))]
    print("/* Made by tools/demo_data.py; `make demo-data` makes it anew.  Derived from")
    print(" * PneumoniaMNIST (MedMNIST v2, CC BY 4.0): networks trained on it, and averages over")
    print(" * quarters of its training images of each class. */")
    print("#ifndef DEMO_DATA_H\n#define DEMO_DATA_H\n\n#include <stdint.h>\n")
    print("#define DEMO_SAMPLES %d" % len(samples))
    print("#define DEMO_PIXELS %d\n" % (shape[1] * shape[2]))
    print("static const char *const demo_names[DEMO_SAMPLES] = {")
    for name, _, part, _ in samples:
        print('    "average %s %d",' % (name, part + 1))
    print("};\n\nstatic const uint8_t demo_labels[DEMO_SAMPLES] = {")
    print("\n".join(rows(label for _, label, _, _ in samples)))
    print("};\n\n/* clang-format off */")
    print("static const uint8_t demo_pixels[DEMO_SAMPLES][DEMO_PIXELS] = {")
    for _, _, _, pixels in samples:
        print("  {")
        print("\n".join(rows(pixels)))
        print("  },")
    for name, path in (("squares", sys.argv[1]), ("relu", sys.argv[2])):
        print("};\n\nstatic const uint8_t demo_%s[] = {" % name)
        print("\n".join(rows(open(path, "rb").read())))
    print("};\n/* clang-format on */\n\n#endif")


main()
