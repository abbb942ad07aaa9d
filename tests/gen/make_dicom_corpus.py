#!/usr/bin/env python3
"""Makes the DICOM test data: python3 tests/gen/make_dicom_corpus.py, from the root.

Writes fuzz/corpus/dicom/NAME and tests/kat/dicom_kat.h.  Encoders of data elements, run lengths and
lossless JPEG after DICOM PS3.5 and ITU-T T.81, and the pictures by PS3.3's formulas in real numbers;
baseline JPEG is a file of make_turbo_kats.py.  tests/pictures.sh compares the same files with dcmtk
where that is installed.  All of it is made up here: no file is of a patient.
"""
import math
import os
import struct
import zlib

from make_data_corpus import ROOT, Bits, c_array, c_reason, noise, write_corpus, write_kat
from make_jpeg_corpus import segment

SYNTAX = "1.2.840.10008.1.2"
LONG = ("OB", "OW", "OF", "SQ", "UN", "UT")


def even(data, pad=b"\0"):
    return data + pad * (len(data) % 2)


def element(tag, vr, value, explicit=True, length=None):
    """One data element; numbers are of 16 bits, text is padded."""
    if isinstance(value, str):
        value = even(value.encode(), b"\0" if vr == "UI" else b" ")
    elif isinstance(value, int):
        value = struct.pack("<H", value & 65535)
    elif isinstance(value, (list, tuple)):
        value = b"".join(struct.pack("<H", v & 65535) for v in value)
    length = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 65535)
    if not explicit or tag >> 16 == 0xFFFE:
        return head + struct.pack("<I", length) + value
    if vr in LONG:
        return head + vr.encode() + struct.pack("<HI", 0, length) + value
    return head + vr.encode() + struct.pack("<H", length) + value


def item(data, length=None):
    return element(0xFFFEE000, "", data, length=length)


ITEM_END, SEQUENCE_END = element(0xFFFEE00D, "", b""), element(0xFFFEE0DD, "", b"")
UNDEFINED = 0xFFFFFFFF


def sequence(tag, items, explicit=True, open_ended=False, vr="SQ"):
    if not open_ended:
        return element(tag, vr, b"".join(item(i) for i in items), explicit)
    data = b"".join(item(i, UNDEFINED) + ITEM_END for i in items) + SEQUENCE_END
    return element(tag, vr, data, explicit, UNDEFINED)


def encapsulated(*fragments, table=b""):
    data = b"".join(item(f) for f in (table, *map(even, fragments))) + SEQUENCE_END
    return element(0x7FE00010, "OB", data, length=UNDEFINED)


VR = {0x00280002: "US", 0x00280004: "CS", 0x00280006: "US", 0x00280008: "IS", 0x00280010: "US",
      0x00280011: "US", 0x00280100: "US", 0x00280101: "US", 0x00280102: "US", 0x00280103: "US",
      0x00281050: "DS", 0x00281051: "DS", 0x00281052: "DS", 0x00281053: "DS", 0x00281056: "CS",
      0x00281101: "US", 0x00281102: "US", 0x00281103: "US", 0x00281201: "OW", 0x00281202: "OW",
      0x00281203: "OW", 0x00281221: "OW"}
WORDS = {"samples": 0x00280002, "colours": 0x00280004, "planar": 0x00280006, "frames": 0x00280008,
         "rows": 0x00280010, "columns": 0x00280011, "allocated": 0x00280100, "stored": 0x00280101,
         "high": 0x00280102, "signed": 0x00280103, "center": 0x00281050, "width": 0x00281051,
         "intercept": 0x00281052, "slope": 0x00281053, "function": 0x00281056}


def dicom(w, h, pixels, syntax=".1", explicit=True, colours="MONOCHROME2", allocated=8, extra=b"",
          deflate=False, preamble=True, meta=True, behind=b"", **words):
    words = {"samples": 1 if colours[0] in "MP" else 3, "colours": colours, "rows": h, "columns": w,
             "allocated": allocated, "stored": allocated, "high": words.get("stored", allocated) - 1,
             "signed": 0, **words}
    tags = {WORDS[name]: value for name, value in words.items() if value is not None}
    data = element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7", explicit)
    data += sequence(0x00081140, [element(0x00280010, "US", 9, explicit)], explicit, True)
    data += element(0x00100010, "PN", "Nobody^None", explicit)
    data += b"".join(element(tag, VR[tag], str(v) if VR[tag] in ("IS", "DS") else v, explicit)
                     for tag, v in sorted(tags.items())) + extra
    data += pixels if isinstance(pixels, bytes) and pixels[:4] == b"\xe0\x7f\x10\0" else \
        element(0x7FE00010, "OW" if allocated == 16 else "OB", even(pixels), explicit)
    data += behind
    if deflate:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = even(packer.compress(data) + packer.flush())
    head = element(0x00020010, "UI", SYNTAX + syntax) if syntax is not None else b""
    head = element(0x00020000, "UL", struct.pack("<I", len(head))) + head
    return (bytes(128) + b"DICM" if preamble else b"") + (head if meta else b"") + data


# ---------------------------------------------------------------------------------- encoders


def packbits(data):
    out, i = b"", 0
    while i < len(data):
        run = 1
        while i + run < len(data) and run < 128 and data[i + run] == data[i]:
            run += 1
        if run > 1:
            out += bytes([257 - run, data[i]])
            i += run
            continue
        begin = i
        while i < len(data) and i - begin < 128 and (i + 1 == len(data) or data[i + 1] != data[i]):
            i += 1
        out += bytes([i - begin - 1]) + data[begin:i]
    return out


def rle(samples, components, size):
    """samples: one behind the other, pixel by pixel."""
    planes = [packbits(bytes(s >> 8 * (size - 1 - k) & 255 for s in samples[c::components]))
              for c in range(components) for k in range(size)]
    planes = [even(p, b"\x80") for p in planes]
    at, offsets = 64, []
    for plane in planes:
        offsets.append(at)
        at += len(plane)
    return (struct.pack("<I", len(planes)) + struct.pack("<15I", *(offsets + [0] * (15 - len(offsets))))
            + b"".join(planes))


LOSSLESS = [5] * 17  # a code of five bits for each number of bits, 0 to 16


def lossless(samples, w, h, components, precision, selection=1, low=0, restart=0, apart=False,
             marker=0xC3):
    def at(x, y, c):
        return samples[(y * w + x) * components + c] >> low

    def expected(x, y, c, first):
        if y == first:
            return at(x - 1, y, c) if x else 1 << (precision - low - 1)
        if x == 0:
            return at(x, y - 1, c)
        a, b, d = at(x - 1, y, c), at(x, y - 1, c), at(x - 1, y - 1, c)
        return (a, b, d, a + b - d, a + (b - d >> 1), b + (a - d >> 1), a + b >> 1)[selection - 1]

    def scan(which):
        out, bits, rows = b"", "", restart // w

        def flush():
            text = bits + "1" * (-len(bits) % 8)
            return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")
        first = 0
        for y in range(h):
            if rows and y and y % rows == 0:
                out += flush() + bytes([0xFF, 0xD0 + (y // rows - 1) % 8])
                bits, first = "", y
            for x in range(w):
                for c in which:
                    d = (at(x, y, c) - expected(x, y, c, first)) & 65535
                    d -= 65536 if d > 32768 else 0
                    n = 16 if d == 32768 else abs(d).bit_length()
                    bits += format(n, "05b")
                    if 0 < n < 16:
                        bits += format(d if d > 0 else d + (1 << n) - 1, "0%db" % n)
        head = bytes([len(which)]) + b"".join(bytes([c + 1, 0]) for c in which)
        return segment(0xDA, head + bytes([selection, 0, low])) + out + flush()
    table = segment(0xC4, b"\0" + bytes([0] * 4 + [17] + [0] * 11) + bytes(range(17)))
    frame = segment(marker, struct.pack(">BHHB", precision, h, w, components)
                    + b"".join(bytes([c + 1, 0x11, 0]) for c in range(components)))
    scans = [[c] for c in range(components)] if apart else [list(range(components))]
    return (b"\xff\xd8" + table + frame + (segment(0xDD, struct.pack(">H", restart)) if restart else b"")
            + b"".join(map(scan, scans)) + b"\xff\xd9")


# ---------------------------------------------------------------------------------- pictures


def show(value, window, function="LINEAR"):
    center, width = window
    if function == "SIGMOID":
        return 255 / (1 + math.exp(-4 * (value - center) / width))
    if function == "LINEAR_EXACT":
        return 255 * min(1, max(0, (value - center) / width + 0.5))
    if value <= center - 0.5 - (width - 1) / 2:
        return 0
    if value > center - 0.5 + (width - 1) / 2:
        return 255
    return 255 * ((value - center + 0.5) / (width - 1) + 0.5)


def gray(numbers, bits, signed=False, slope=1, intercept=0, window=None, inverse=False,
         function="LINEAR"):
    """Pixels of stored numbers."""
    ends = [slope * n + intercept for n in ((-(1 << bits - 1), (1 << bits - 1) - 1) if signed
                                            else (0, (1 << bits) - 1))]
    out = []
    for number in numbers:
        value = math.trunc(slope * number + intercept)
        shown = show(value, window, function) if window else \
            255 * (value - min(ends)) / (max(ends) - min(ends))
        shown = min(255, max(0, math.floor(shown + 0.5)))
        out.append(255 - shown if inverse else shown)
    return bytes(out)


def words(numbers, shift=0):
    return b"".join(struct.pack("<H", (n << shift) & 65535) for n in numbers)


def turbo(name):
    with open(os.path.join(ROOT, "fuzz", "corpus", "jpeg", name), "rb") as f:
        return f.read()


def good():
    w, h = 7, 5
    n8 = list(noise(w * h, 21))
    n12 = [(a << 8 | b) & 4095 for a, b in zip(noise(w * h, 3), noise(w * h, 4))]
    s12 = [n - 2048 for n in n12]
    n16 = [a << 8 | b for a, b in zip(noise(w * h, 5), noise(w * h, 6))]
    rgb = noise(3 * w * h, 7)
    planes = b"".join(rgb[c::3] for c in range(3))
    ten = {"center": 300, "width": 900}
    out = []

    def add(name, data, pixels, channels=1, frame=0, size=(w, h), view="IMAGE_WINDOW_FILE, 0, 0"):
        out.append((name, data, size[0], size[1], channels, frame, view, pixels, None))

    add("gray_8", dicom(w, h, bytes(n8)), bytes(n8))
    add("implicit", dicom(w, h, bytes(n8), "", explicit=False), bytes(n8))
    add("deflated", dicom(w, h, bytes(n8), ".1.99", deflate=True), bytes(n8))
    add("without_preamble", dicom(w, h, bytes(n8), "", explicit=False, preamble=False, meta=False),
        bytes(n8))
    add("without_preamble_explicit", dicom(w, h, bytes(n8), preamble=False), bytes(n8))
    add("without_syntax", dicom(w, h, bytes(n8), None), bytes(n8))
    add("monochrome_1", dicom(w, h, bytes(n8), colours="MONOCHROME1"), bytes(255 - n for n in n8))
    add("gray_12_full", dicom(w, h, words(n12), allocated=16, stored=12), gray(n12, 12))
    add("gray_12_high_bit_15", dicom(w, h, words(n12, 4), allocated=16, stored=12, high=15), gray(n12, 12))
    add("gray_12_with_overlay_bits", dicom(w, h, words([n | 0xA000 for n in n12]), allocated=16, stored=12),
        gray(n12, 12))
    add("gray_12_window", dicom(w, h, words(n12), allocated=16, stored=12, **ten),
        gray(n12, 12, window=(300, 900)))
    add("gray_12_two_windows", dicom(w, h, words(n12), allocated=16, stored=12, center="300\\7",
                                     width="900 \\8"), gray(n12, 12, window=(300, 900)))
    add("gray_12_window_width_1", dicom(w, h, words(n12), allocated=16, stored=12, center=1999.5, width=1),
        gray(n12, 12, window=(1999.5, 1)))
    add("gray_12_window_width_0", dicom(w, h, words(n12), allocated=16, stored=12, center=9, width=0),
        gray(n12, 12))
    add("gray_12_window_empty", dicom(w, h, words(n12), allocated=16, stored=12, center="", width=""),
        gray(n12, 12))
    add("gray_12_sigmoid", dicom(w, h, words(n12), allocated=16, stored=12, function="SIGMOID", **ten),
        gray(n12, 12, window=(300, 900), function="SIGMOID"))
    add("gray_12_exact", dicom(w, h, words(n12), allocated=16, stored=12, function="LINEAR_EXACT", **ten),
        gray(n12, 12, window=(300, 900), function="LINEAR_EXACT"))
    add("signed_12", dicom(w, h, words([n & 4095 for n in s12]), allocated=16, stored=12, signed=1),
        gray(s12, 12, True))
    add("signed_rescaled_window", dicom(w, h, words([n & 4095 for n in s12]), allocated=16, stored=12,
                                        signed=1, slope=2, intercept=-1024, center=-500, width=1500),
        gray(s12, 12, True, 2, -1024, (-500, 1500)))
    add("rescaled_by_fractions", dicom(w, h, words(n12), allocated=16, stored=12, slope="0.5",
                                       intercept="-1.024E3", center=0, width=1000),
        gray(n12, 12, False, 0.5, -1024, (0, 1000)))
    add("rescaled_downwards", dicom(w, h, words(n12), allocated=16, stored=12, slope=-1, intercept=4095),
        gray(n12, 12, slope=-1, intercept=4095))
    add("gray_16", dicom(w, h, words(n16), allocated=16), gray(n16, 16))
    add("signed_16_inverse", dicom(w, h, words(n16), allocated=16, signed=1, colours="MONOCHROME1",
                                   center=100, width=20000),
        gray([n - 65536 * (n > 32767) for n in n16], 16, True, window=(100, 20000), inverse=True))
    add("window_given", dicom(w, h, words(n12), allocated=16, stored=12, **ten),
        gray(n12, 12, window=(1000.5, 512)), view="IMAGE_WINDOW_GIVEN, 1000.5, 512")
    add("window_full", dicom(w, h, words(n12), allocated=16, stored=12, **ten), gray(n12, 12),
        view="IMAGE_WINDOW_FULL, 0, 0")
    three = [bytes(n8[i:] + n8[:i]) for i in range(3)]
    add("three_frames_second", dicom(w, h, b"".join(three), frames=3), three[1], frame=2)
    add("three_frames_third", dicom(w, h, b"".join(three), frames=3), three[2], frame=3)
    add("rgb", dicom(w, h, rgb, colours="RGB", planar=0), rgb, 3)
    add("rgb_planes", dicom(w, h, planes, colours="RGB", planar=1), rgb, 3)
    add("rgb_16", dicom(w, h, words([257 * n for n in rgb]), colours="RGB", planar=0, allocated=16), rgb, 3)
    table = [noise(8, 30 + c) for c in range(3)]
    palette = b"".join(element(0x00281101 + c, "US", (8, 10, 8)) for c in range(3)) + b"".join(
        element(0x00281201 + c, "OW", table[c]) for c in range(3))
    index = [(n % 12) + 8 for n in n8]
    colours = bytes(table[c][min(7, max(0, n - 10))] for n in index for c in range(3))
    add("palette", dicom(w, h, bytes(index), colours="PALETTE COLOR", extra=palette), colours, 3)
    wide = b"".join(element(0x00281101 + c, "US", (8, 10, 16)) for c in range(3)) + b"".join(
        element(0x00281201 + c, "OW", words([257 * t for t in table[c]])) for c in range(3))
    add("palette_16", dicom(w, h, bytes(index), colours="PALETTE COLOR", extra=wide), colours, 3)
    signed = b"".join(element(0x00281101 + c, "SS", (8, -3, 8)) for c in range(3)) + b"".join(
        element(0x00281201 + c, "OW", words(table[c])) for c in range(3))
    add("palette_signed", dicom(w, h, bytes((n - 13) & 255 for n in index), colours="PALETTE COLOR",
                                signed=1, extra=signed), colours, 3)
    nest = sequence(0x00400555, [sequence(0x00409096, [element(0x00280010, "US", 9)], open_ended=True)] * 2,
                    open_ended=True)
    unknown = sequence(0x00400556, [element(0x00280010, "", 9, False)
                                    + sequence(0x00400557, [b""], False, True)], open_ended=True, vr="UN")
    add("nested", dicom(w, h, bytes(n8), extra=nest + unknown + element(0x0040A730, "SQ", b""),
                        behind=element(0xFFFCFFFC, "OB", b"\0" * 10)), bytes(n8))
    rescaling = element(0x00281052, "DS", "-10 ") + element(0x00281053, "DS", "3 ")
    other = element(0x00281052, "DS", "7 ") + element(0x00281053, "DS", "1 ")
    for open_ended in (0, 1):
        shared = sequence(0x52009229, [sequence(0x00289145, [rescaling], open_ended=open_ended)],
                          open_ended=open_ended)
        each = sequence(0x52009230, [sequence(0x00289145, [r], open_ended=open_ended)
                                     for r in (other, rescaling)], open_ended=open_ended)
        kind = "_open" if open_ended else ""
        add("shared_rescaling" + kind, dicom(w, h, bytes(n8), center=200, width=500, extra=shared),
            gray(n8, 8, False, 3, -10, (200, 500)))
        add("frames_rescaling" + kind, dicom(w, h, bytes(n8) * 2, frames=2, center=200, width=500, extra=each),
            gray(n8, 8, False, 3, -10, (200, 500)), frame=2)
    add("rle_8", dicom(w, h, encapsulated(rle(n8, 1, 1)), ".5"), bytes(n8))
    flat = [0] * 20 + n12[20:]
    add("rle_16", dicom(w, h, encapsulated(rle(flat, 1, 2)), ".5", allocated=16, stored=12), gray(flat, 12))
    add("rle_rgb", dicom(w, h, encapsulated(rle(rgb, 3, 1)), ".5", colours="RGB", planar=1), rgb, 3)
    add("rle_two_frames", dicom(w, h, encapsulated(rle(n8, 1, 1), rle(n8[::-1], 1, 1)), ".5", frames=2),
        bytes(n8[::-1]), frame=2)
    parts = [lossless(n8, w, h, 1, 8), lossless(n8[::-1], w, h, 1, 8)]
    table = struct.pack("<II", 0, len(even(parts[0])) + 16)
    for frame in (1, 2):
        add("table_of_frames_%d" % frame, dicom(w, h, encapsulated(
            parts[0][:40], parts[0][40:], parts[1], table=table), ".4.70", frames=2),
            bytes(n8[::(1, -1)[frame - 1]]), frame=frame)
        add("begun_frames_%d" % frame, dicom(w, h, encapsulated(
            parts[0][:40], parts[0][40:], parts[1]), ".4.70", frames=2),
            bytes(n8[::(1, -1)[frame - 1]]), frame=frame)
    for selection in range(1, 8):
        add("lossless_%d" % selection, dicom(w, h, encapsulated(lossless(n12, w, h, 1, 12, selection)),
                                             ".4.57", allocated=16, stored=12), gray(n12, 12))
    add("lossless_first", dicom(w, h, encapsulated(lossless(n12, w, h, 1, 12)), ".4.70", allocated=16,
                                stored=12), gray(n12, 12))
    add("lossless_8", dicom(w, h, encapsulated(lossless(n8, w, h, 1, 8)), ".4.70"), bytes(n8))
    add("lossless_16", dicom(w, h, encapsulated(lossless(n16, w, h, 1, 16)), ".4.70", allocated=16),
        gray(n16, 16))
    add("lossless_signed", dicom(w, h, encapsulated(lossless(n16, w, h, 1, 16)), ".4.70", allocated=16,
                                 signed=1), gray([n - 65536 * (n > 32767) for n in n16], 16, True))
    add("lossless_restarts", dicom(w, h, encapsulated(lossless(n12, w, h, 1, 12, restart=2 * w)), ".4.70",
                                   allocated=16, stored=12), gray(n12, 12))
    even12 = [n & ~3 for n in n12]
    add("lossless_point_transform", dicom(w, h, encapsulated(lossless(even12, w, h, 1, 12, low=2)), ".4.70",
                                          allocated=16, stored=12), gray(even12, 12))
    add("lossless_rgb", dicom(w, h, encapsulated(lossless(rgb, w, h, 3, 8)), ".4.70", colours="RGB",
                              planar=0), rgb, 3)
    add("lossless_rgb_apart", dicom(w, h, encapsulated(lossless(rgb, w, h, 3, 8, apart=True)), ".4.70",
                                    colours="RGB", planar=0), rgb, 3)
    coded = lossless(n12, w, h, 1, 12)
    add("lossless_two_fragments", dicom(w, h, encapsulated(coded[:40], coded[40:]), ".4.70", allocated=16,
                                        stored=12), gray(n12, 12))
    jpeg = turbo("turbo_gray")
    add("jpeg", dicom(21, 11, encapsulated(jpeg), ".4.50"), None, size=(21, 11))
    add("jpeg_two_fragments", dicom(21, 11, encapsulated(jpeg[:100], jpeg[100:]), ".4.50"), None,
        size=(21, 11))
    add("jpeg_colour", dicom(17, 13, encapsulated(turbo("turbo_color_422")), ".4.50",
                             colours="YBR_FULL_422", planar=0), None, 3, size=(17, 13))
    return out


def bad():
    w, h = 7, 5
    plain, n8 = noise(w * h, 21), list(noise(w * h, 21))
    whole = dicom(w, h, plain)
    deflated = dicom(w, h, plain, ".1.99", deflate=True)
    coded, packed = lossless(n8, w, h, 1, 8), rle(n8, 1, 1)
    deep = b""
    for _ in range(150):
        deep = struct.pack("<HHI", 0x0028, 0x9145, UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000,
                                                                          UNDEFINED) + deep
    other = [("big_endian", ".2", "dcmconv +te IN.dcm"), ("jpeg_extended", ".4.51", "JPEG Extended (Process 2"),
             ("jpeg_ls", ".4.80", "JPEG-LS Lossless"), ("jpeg_2000", ".4.90", "gdcmconv --raw"),
             ("jpeg_2000_lossy", ".4.91", "transfer syntax JPEG 2000 ("), ("mpeg2", ".4.100", "MPEG2"),
             ("h264", ".4.102", "H.264"), ("hevc", ".4.107", "HEVC"), ("htj2k", ".4.201", "High-Throughput"),
             ("unknown", ".9.9", "UID that the standard does not have")]
    return [("bad_" + name, dicom(w, h, plain, uid), reason) for name, uid, reason in other] + [
        ("bad_no_pixels", whole[:-48], "without pixel data"),
        ("bad_pixels_cut", whole[:-1], "ends early"),
        ("bad_nothing", dicom(w, h, b"")[:-12], "without pixel data"),
        ("bad_rows_zero", dicom(w, 0, plain), "empty or too large"),
        ("bad_rows_16385", dicom(w, 16385, plain), "empty or too large"),
        ("bad_claims_more", dicom(16000, 4000, plain), "end early"),
        ("bad_claims_more_rle", dicom(16000, 4000, encapsulated(packed), ".5"), "end early"),
        ("bad_claims_more_jpeg", dicom(16000, 4000, encapsulated(turbo("turbo_gray")), ".4.50"), "end early"),
        ("bad_claims_more_lossless", dicom(16000, 4000, encapsulated(coded), ".4.70"), "end early"),
        ("bad_32_bits", dicom(w, h, plain * 4, allocated=32), "8 or 16 bits allocated"),
        ("bad_1_bit", dicom(w, h, plain, allocated=1), "8 or 16 bits allocated"),
        ("bad_stored_9_of_8", dicom(w, h, plain, stored=9), "within those allocated"),
        ("bad_high_bit", dicom(w, h, plain, high=6), "within those allocated"),
        ("bad_colours", dicom(w, h, plain, colours="MONOCHROME3"), "photometric interpretation"),
        ("bad_colours_missing", dicom(w, h, plain, colours="MONOCHROME2", samples=3), "samples per pixel"),
        ("bad_rgb_of_one_sample", dicom(w, h, plain * 3, colours="RGB", samples=1), "samples per pixel"),
        ("bad_ybr_16", dicom(w, h, plain * 6, colours="YBR_FULL", allocated=16), "YBR of another depth"),
        ("bad_palette_missing", dicom(w, h, plain, colours="PALETTE COLOR"), "DICOM palette"),
        ("bad_palette_segmented", dicom(w, h, plain, colours="PALETTE COLOR",
                                        extra=element(0x00281221, "OW", b"ab")), "in segments"),
        ("bad_palette_short", dicom(w, h, plain, colours="PALETTE COLOR", extra=b"".join(
            element(0x00281101 + c, "US", (0, 0, 16)) for c in range(3))
            + b"".join(element(0x00281201 + c, "OW", bytes(8)) for c in range(3))), "DICOM palette"),
        ("bad_modality_table", dicom(w, h, plain, extra=sequence(0x00283000, [b""])), "modality lookup table"),
        ("bad_float", dicom(w, h, plain)[:-48] + element(0x7FE00008, "OF", bytes(8)), "floating point"),
        ("bad_slope", dicom(w, h, plain, slope="steep"), "decimal number"),
        ("bad_function", dicom(w, h, plain, function="LOGARITHMIC"), "another function"),
        ("bad_frames_text", dicom(w, h, plain, frames="1A"), "number of frames"),
        ("bad_frames_two_of_one", dicom(w, h, plain, frames=2), "--frame N"),
        ("bad_type", whole[:148] + b"\1\2" + whole[150:], "whole data elements"),
        ("bad_deflated_cut", deflated[:-9], "end early"),
        ("bad_deflated_block", deflated[:174] + b"\7" + deflated[175:], "block type"),
        ("bad_encapsulated_without_syntax", dicom(w, h, encapsulated(packed)), "as its transfer syntax"),
        ("bad_native_of_rle", dicom(w, h, plain, ".5"), "as its transfer syntax"),
        ("bad_fragments_of_frames", dicom(w, h, encapsulated(packed), ".5", frames=2), "--frame N"),
        ("bad_no_fragment", dicom(w, h, encapsulated(), ".5"), "fragments for each frame"),
        ("bad_rle_segments", dicom(w, h, encapsulated(packed), ".5", allocated=16), "RLE data"),
        ("bad_rle_offset", dicom(w, h, encapsulated(packed[:4] + b"\xff\xff" + packed[6:]), ".5"), "RLE data"),
        ("bad_rle_short", dicom(w, h, encapsulated(packed[:-8]), ".5"), "RLE data end early"),
        ("bad_rle_run_too_long", dicom(w, h, encapsulated(packed[:64] + b"\x81a" * 9), ".5"),
         "no more than the pixels"),
        ("bad_lossless_size", dicom(w, h + 1, encapsulated(coded), ".4.70"), "another size"),
        ("bad_lossless_process", dicom(21, 11, encapsulated(turbo("turbo_gray")), ".4.70"), "another process"),
        ("bad_lossless_short", dicom(w, h, encapsulated(coded[:-12]), ".4.70"), "ends early"),
        ("bad_lossless_selection", dicom(w, h, encapsulated(coded.replace(
            b"\xff\xda\0\x08\1\1\0\1", b"\xff\xda\0\x08\1\1\0\x08")), ".4.70"), "selection values"),
        ("bad_lossless_restarts", dicom(w, h, encapsulated(coded.replace(
            b"\xff\xc3", b"\xff\xdd\0\4\0\5\xff\xc3")), ".4.70"), "whole rows"),
        ("bad_jpeg_size", dicom(22, 11, encapsulated(turbo("turbo_gray")), ".4.50"), "another size"),
        ("bad_jpeg_colours", dicom(17, 13, encapsulated(turbo("turbo_color_422")), ".4.50"), "another size"),
        ("bad_jpeg_progressive", dicom(40, 19, encapsulated(turbo("turbo_gray_successive")), ".4.50"),
         "progressive JPEG"),
        ("bad_jpeg_lossless", dicom(w, h, encapsulated(coded), ".4.50"), "lossless JPEG"),
        ("bad_nested_deep", dicom(4, 4, bytes(16), extra=struct.pack("<HH2sHI", 0x5200, 0x9229, b"SQ", 0, UNDEFINED)
                                  + struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + deep[:1200]), "whole data elements"),
        ("bad_item_outside", dicom(4, 4, bytes(16), extra=struct.pack("<HH2sHI", 0x0040, 0x0555, b"SQ", 0,
                                                                      UNDEFINED) + bytes(40)), "whole data"),
    ]


def main():
    made = good()
    broken = bad()
    write_corpus("dicom", [(c[0], c[1]) for c in made] + [(n, d) for n, d, _ in broken])
    rows = []
    for n, d, w, h, c, frame, view, pixels, _ in made:
        rows.append('"%s", dicom_of_%s, %d, %d, %d, %d, {%d, %s}, %s, NULL'
                    % (n, n, len(d), w, h, c, frame, view, "dicom_of_%s_pixels" % n if pixels else "NULL"))
    rows += ['"%s", dicom_of_%s, %d, 0, 0, 0, {0, IMAGE_WINDOW_FILE, 0, 0}, NULL, %s' % (n, n, len(d), c_reason(r))
             for n, d, r in broken]
    write_kat("dicom", "  size_t width;\n  size_t height;\n  unsigned channels;\n  image_view view;\n"
              "  const uint8_t *pixels; /* rounded from real numbers; NULL: of baseline JPEG */\n",
              "".join(c_array("dicom_of_" + c[0], c[1]) for c in made + broken)
              + "".join(c_array("dicom_of_%s_pixels" % c[0], c[7]) for c in made if c[7]), rows)


if __name__ == "__main__":
    main()
