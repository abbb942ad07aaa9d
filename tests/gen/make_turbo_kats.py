#!/usr/bin/env python3
"""Makes tests/kat/turbo_kat.h and fuzz/corpus/jpeg/turbo_*: python3 tests/gen/make_turbo_kats.py, from
the root, where Debian's libjpeg-turbo-progs is installed.

JPEG files that cjpeg and jpegtran make of pictures drawn here, and what `djpeg -dct int` makes of
them.  The output is committed; tests/test_jpeg.c holds the decoder to it.
"""
import struct
import subprocess
import tempfile

from make_data_corpus import TURBO, c_array, write_corpus, write_kat


def draw(w, h, channels):
    """Slopes, an edge and a checkered corner, so that every coefficient has something to do."""
    out = bytearray()
    for y in range(h):
        for x in range(w):
            for c in range(channels):
                value = 40 + 5 * x * (c + 1) % 180 + 3 * y * (3 - c)
                if x > w // 2 and y > h // 2:
                    value = 255 * ((x + y + c) % 2)
                if 3 * x + 2 * y < w:
                    value = 255 - 60 * c
                out.append(max(0, min(255, value)))
    return b"P%d %d %d 255\n" % (5 if channels == 1 else 6, w, h) + bytes(out)


def run(command, data):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def cjpeg(w, h, *options, channels=3):
    return run(["cjpeg", "-dct", "int", *options], draw(w, h, channels))


def without_jfif(data):
    """Behind SOI stands the APP0 segment."""
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + struct.unpack(">H", data[4:6])[0]:]


def adobe(data, transform):
    """The file with Adobe's marker in the place of JFIF's."""
    marker = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])
    data = without_jfif(data) if data[2:4] == b"\xff\xe0" else data
    return data[:2] + marker + data[2:]


def four(gray, transform):
    """A gray file's scan as each of four components: scans of their own share its tables."""
    gray = without_jfif(gray)
    sof, sos = gray.index(b"\xff\xc0"), gray.index(b"\xff\xda")
    head, scan = gray[sof + 4:sof + 9], gray[sos + 10:-2]
    frame = b"\xff\xc0\0\x14" + head + b"\4" + b"".join(bytes([i, 0x11, 0]) for i in (1, 2, 3, 4))
    scans = b"".join(b"\xff\xda\0\x08\1" + bytes([i]) + b"\0\0\x3f\0" + scan for i in (1, 2, 3, 4))
    return adobe(gray[:sof] + frame + gray[sof + 13:sos] + scans + b"\xff\xd9", transform)


def cases():
    script = "0: 0-0, 0, 1;\n0: 1-5, 0, 2;\n0: 6-63, 0, 2;\n0: 1-63, 2, 1;\n0: 0-0, 1, 0;\n0: 1-63, 1, 0;\n"
    with tempfile.NamedTemporaryFile("w") as f:
        f.write(script)
        f.flush()
        successive = cjpeg(40, 19, "-grayscale", "-quality", "93", "-scans", f.name)
    gray = cjpeg(21, 11, "-quality", "80", "-grayscale")
    noisy = cjpeg(35, 20, "-quality", "95", "-sample", "2x2")
    return [
        ("gray", gray),
        ("gray_progressive", cjpeg(21, 11, "-grayscale", "-progressive")),
        ("gray_successive", successive),
        ("color_444", cjpeg(17, 13, "-sample", "1x1")),
        ("color_422", cjpeg(17, 13, "-sample", "2x1")),
        ("color_420", noisy),
        ("color_440", cjpeg(17, 13, "-sample", "1x2")),
        ("color_411", cjpeg(35, 9, "-sample", "4x1")),
        ("color_410", cjpeg(35, 19, "-sample", "4x2")),
        ("color_441", cjpeg(9, 35, "-sample", "1x4")),
        ("color_311", cjpeg(25, 9, "-sample", "3x1")),
        ("color_mixed", cjpeg(35, 19, "-sample", "2x2,2x1,1x2")),
        ("color_chroma_finer", cjpeg(19, 19, "-sample", "1x1,2x2,1x1")),
        ("color_420_width_4", cjpeg(4, 9, "-sample", "2x2")),
        ("color_420_width_6", cjpeg(6, 3, "-sample", "2x2")),
        ("color_progressive_420", cjpeg(35, 20, "-quality", "90", "-progressive", "-sample", "2x2")),
        ("color_progressive_restarts", cjpeg(35, 20, "-progressive", "-restart", "1B")),
        ("color_progressive_411", cjpeg(35, 11, "-progressive", "-sample", "4x1")),
        ("color_restarts", cjpeg(35, 20, "-restart", "2B", "-sample", "2x1")),
        ("color_quality_1", cjpeg(17, 9, "-quality", "1")),
        ("color_quality_100", cjpeg(17, 9, "-quality", "100", "-sample", "1x1")),
        ("color_optimized", cjpeg(17, 13, "-optimize")),
        ("color_extended", noisy.replace(b"\xff\xc0", b"\xff\xc1", 1)),
        ("rgb_by_names", cjpeg(17, 13, "-rgb")),
        ("rgb_by_adobe", adobe(without_jfif(cjpeg(17, 13, "-sample", "1x1")), 0)),
        ("color_by_adobe", adobe(cjpeg(17, 13, "-sample", "1x1"), 1)),
        ("color_unmarked", without_jfif(cjpeg(17, 13, "-sample", "1x1"))),
        ("cmyk", four(gray, 0)),
        ("ycck", four(gray, 2)),
    ]


def pixels_of(data):
    out = run(["djpeg", "-dct", "int", "-pnm"], data)
    kind, size, _, pixels = out.split(b"\n", 3)
    w, h = map(int, size.split())
    return w, h, 1 if kind == b"P5" else 3, pixels


def main():
    made = [(TURBO + name, data, *pixels_of(data)) for name, data in cases()]
    write_corpus("jpeg", [(c[0], c[1]) for c in made])
    write_kat("turbo", "  size_t width;\n  size_t height;\n  unsigned channels;\n"
              "  const uint8_t *pixels; /* of djpeg -dct int */\n",
              "".join(c_array(c[0], c[1]) + c_array(c[0] + "_pixels", c[5]) for c in made),
              ['"%s", %s, %d, %d, %d, %d, %s_pixels, NULL' % (n, n, len(d), w, h, c, n)
               for n, d, w, h, c, _ in made])


if __name__ == "__main__":
    main()
