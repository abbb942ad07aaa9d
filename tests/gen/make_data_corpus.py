#!/usr/bin/env python3
"""Makes the test data of the CLI's readers: python3 tests/gen/make_data_corpus.py, from the root.

Writes fuzz/corpus/{inflate,npz,image}/NAME, the seeds of the fuzzers, and tests/kat/ENTRY_kat.h,
the same files as C arrays with what a reader must make of them.  What valid files hold comes from
Python's zlib and zipfile, what broken ones are refused for from the formats' specifications.  All
of it is made up here; nothing is taken from a data set.  Another zlib may pack the same bytes
otherwise: then files change, and the tests still hold.
"""
import io
import os
import struct
import zipfile
import zlib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


# ------------------------------------------------------------------------------------- inflate


class Bits:
    """Writes DEFLATE's bits: numbers lowest bit first, codes highest bit first."""

    def __init__(self):
        self.list = []

    def number(self, value, count):
        self.list += [value >> i & 1 for i in range(count)]
        return self

    def code(self, value, count):
        self.list += [value >> i & 1 for i in reversed(range(count))]
        return self

    def align(self):
        while len(self.list) % 8:
            self.list.append(0)
        return self

    def raw(self, data):
        for byte in data:
            self.number(byte, 8)
        return self

    def bytes(self):
        self.align()
        out = bytearray()
        for i in range(0, len(self.list), 8):
            out.append(sum(bit << j for j, bit in enumerate(self.list[i : i + 8])))
        return bytes(out)


def canonical(lengths):
    """RFC 1951, 3.2.2: the code of each symbol as (value, bits)."""
    codes, value = {}, 0
    for bits in range(1, 16):
        for symbol, length in enumerate(lengths):
            if length == bits:
                codes[symbol] = (value, bits)
                value += 1
        value <<= 1
    return codes


FIXED = canonical([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8)
# Thirteen codes of 4 bits and six of 5 are complete, so any length can be sent.
LENGTHS = [4] * 13 + [5] * 6
ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]


def fixed(*symbols, last=1):
    out = Bits().number(last, 1).number(1, 2)
    for symbol in symbols:
        out.code(*FIXED[symbol])
    return out


def stored(data, last=1, complement=None, claimed=None):
    size = len(data) if claimed is None else claimed
    out = Bits().number(last, 1).number(0, 2).align().number(size, 16)
    return out.number(size ^ 0xFFFF if complement is None else complement, 16).raw(data)


def dynamic_header(literals=257, distances=1, code=LENGTHS):
    out = Bits().number(1, 1).number(2, 2)
    out.number(literals - 257, 5).number(distances - 1, 5).number(15, 4)
    for symbol in ORDER:
        out.number(code[symbol], 3)
    return out


def dynamic(literals, distances, symbols=()):
    """literals: {symbol: length}; distances: [length]."""
    count = max(257, max(literals) + 1)
    lengths = [literals.get(i, 0) for i in range(count)]
    out = dynamic_header(count, len(distances))
    codes = canonical(LENGTHS)
    for length in lengths + distances:
        out.code(*codes[length])
    table = canonical(lengths)
    for symbol in symbols:
        out.code(*table[symbol])
    return out


def compressed(data, level=9, strategy=zlib.Z_DEFAULT_STRATEGY, wbits=-15):
    c = zlib.compressobj(level, zlib.DEFLATED, wbits, 9, strategy)
    return c.compress(data) + c.flush()


def noise(count, seed=1):
    """Bytes that do not compress, the same in every run."""
    out = bytearray()
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(seed >> 16 & 255)
    return bytes(out)


def far_match():
    """Makes 32768 bytes, then repeats the first three of them: the longest distance."""
    out = fixed(65, 66, 67)
    for _ in range(126):
        out.code(*FIXED[285]).code(0, 5)  # 258 bytes
    out.code(*FIXED[284]).number(257 - 227, 5).code(0, 5)  # 257: 32768 = 3 + 126 * 258 + 257
    out.code(*FIXED[257]).code(29, 5).number(32768 - 24577, 13)
    return out.code(*FIXED[256]).bytes()


def inflate_cases():
    text = b"the lazy dog jumps over the lazy fox, the lazy fox jumps over the lazy dog; " * 4
    every = bytes(range(256))
    ladder = {i: i + 1 for i in range(14)}  # codes of 1 to 15 bits
    ladder[14] = ladder[256] = 15
    good = [
        ("stored_empty", stored(b"").bytes()),
        ("stored", stored(b"stored").bytes()),
        ("stored_twice", stored(b"one ", last=0).bytes() + stored(b"two").bytes()),
        ("fixed_empty", b"\x03\x00"),
        ("fixed_text", compressed(text, 9, zlib.Z_FIXED)),
        ("fixed_then_stored", fixed(97, 256, last=0).number(1, 1).number(0, 2).align().number(1, 16)
         .number(0xFFFE, 16).raw(b"b").bytes()),
        ("dynamic_text", compressed(text + every[32:127])),
        ("huffman_only", compressed(text, 9, zlib.Z_HUFFMAN_ONLY)),
        ("every_byte", compressed(every)),
        ("noise", compressed(noise(300))),
        ("run_of_zeros", compressed(bytes(5000))),
        ("run_of_pairs", compressed(b"ab" * 700, 9, zlib.Z_FIXED)),
        ("run_lengths", compressed(b"".join(bytes([i]) * i for i in range(60)))),
        ("distance_32768", far_match()),
        ("codes_to_15_bits", dynamic(ladder, [0], list(range(15)) + [256]).bytes()),
        ("no_distance_code", dynamic({97: 1, 256: 1}, [0], [97, 97, 256]).bytes()),
        ("one_distance_code", dynamic({97: 1, 256: 2, 257: 2}, [1], [97, 257]).code(0, 1)
         .code(2, 2).bytes()),
    ]
    cases = []
    for name, data in good:
        plain = zlib.decompressobj(-15).decompress(data)
        cases.append((name, data, 0, plain, len(plain), None))

    whole = compressed(text)
    no_code, not_complete = "expected a valid Huffman code", "expected a complete Huffman code"
    bad = [
        ("bad_empty", b"", 0, "end early"),
        ("bad_block_type", Bits().number(7, 3).bytes(), 0, "expected block type"),
        ("bad_stored_complement", stored(b"abc", complement=0xFFFD).bytes(), 3, "length twice"),
        ("bad_stored_short", stored(b"abc", claimed=4).bytes(), 4, "end early"),
        ("bad_stored_no_length", b"\x01\x02", 2, "end early"),
        ("bad_literal_286", fixed(97, 286, 256).bytes(), 1, no_code),
        ("bad_literal_287", fixed(97, 287, 256).bytes(), 1, no_code),
        ("bad_distance_30", fixed(97, 257).code(30, 5).code(0, 7).bytes(), 4, no_code),
        ("bad_distance_31", fixed(97, 257).code(31, 5).code(0, 7).bytes(), 4, no_code),
        ("bad_distance_before_start", fixed(97, 257).code(1, 5).code(0, 7).bytes(), 4,
         "expected distances within"),
        ("bad_distance_first", fixed(257).code(0, 5).code(0, 7).bytes(), 3,
         "expected distances within"),
        ("bad_literals_over_subscribed", dynamic({97: 1, 98: 1, 256: 1}, [1, 1]).bytes(), 1,
         not_complete),
        ("bad_literals_incomplete", dynamic({97: 2, 98: 2, 256: 2}, [1, 1]).bytes(), 1,
         not_complete),
        ("bad_literals_lone_code", dynamic({256: 1}, [0]).number(0, 1).bytes(), 0, not_complete),
        ("bad_no_end_of_block", dynamic({97: 1, 98: 1}, [1, 1]).bytes(), 1, not_complete),
        ("bad_distances_over_subscribed", dynamic({97: 1, 256: 1}, [1, 1, 1]).bytes(), 1,
         not_complete),
        ("bad_distances_incomplete", dynamic({97: 1, 256: 1}, [2, 2]).bytes(), 1, not_complete),
        ("bad_distances_lone_2_bits", dynamic({97: 1, 256: 1}, [2]).bytes(), 1, not_complete),
        ("bad_distance_not_in_code", dynamic({97: 1, 256: 2, 257: 2}, [1], [97, 257]).code(1, 1)
         .code(2, 2).raw(b"\0\0\0").bytes(), 4, no_code),
        ("bad_distance_without_code", dynamic({97: 1, 256: 2, 257: 2}, [0], [97, 257]).code(2, 2)
         .raw(b"\0\0\0").bytes(), 4, no_code),
        ("bad_length_code_over_subscribed", dynamic_header(code=[1] * 19).bytes(), 0, not_complete),
        ("bad_length_code_incomplete", dynamic_header(code=[5] * 19).bytes(), 0, not_complete),
        ("bad_287_literals", dynamic_header(literals=287).bytes(), 0, "at most 286"),
        ("bad_31_distances", dynamic_header(distances=31).bytes(), 0, "at most 286"),
        ("bad_repeat_of_nothing", dynamic_header().code(*canonical(LENGTHS)[16]).number(0, 2)
         .raw(bytes(4)).bytes(), 0, "number of code lengths"),
        ("bad_repeat_too_often", dynamic_header().code(*canonical(LENGTHS)[18]).number(127, 7)
         .code(*canonical(LENGTHS)[18]).number(127, 7).raw(bytes(4)).bytes(), 0,
         "number of code lengths"),
        ("bad_truncated", whole[: len(whole) // 2], len(text), "end early"),
        ("bad_longer_than_declared", whole, len(text) - 1, "more bytes than declared"),
        ("bad_shorter_than_declared", whole, len(text) + 1, "fewer bytes than declared"),
        ("bad_match_longer_than_declared", compressed(bytes(300)), 299, "more bytes than declared"),
        ("bad_stored_longer_than_declared", stored(b"abc").bytes(), 2, "more bytes than declared"),
        ("bad_byte_after_end", whole + b"\0", len(text), "bytes after the end"),
    ]
    cases += [(name, data, 0, b"", size, reason) for name, data, size, reason in bad]

    z = zlib.compress(text, 9)
    cases += [
        ("zlib_text", z, 1, text, len(text), None),
        ("zlib_empty", zlib.compress(b""), 1, b"", 0, None),
        ("zlib_small_window", compressed(text, 9, wbits=9), 1, text, len(text), None),
        ("zlib_adler_wraps", zlib.compress(b"\xff" * 6000, 9), 1, b"\xff" * 6000, 6000, None),
        ("bad_zlib_header_sum", b"\x78\x9d" + z[2:], 1, b"", len(text), "expected a zlib stream"),
        ("bad_zlib_method", b"\x77\x85" + z[2:], 1, b"", len(text), "expected a zlib stream"),
        ("bad_zlib_window", b"\x88\x1c" + z[2:], 1, b"", len(text), "expected a zlib stream"),
        ("bad_zlib_dictionary", b"\x78\xbb" + z[2:], 1, b"", len(text), "preset dictionary"),
        ("bad_zlib_adler", z[:-1] + bytes([z[-1] ^ 1]), 1, b"", len(text), "Adler-32"),
        ("bad_zlib_short", z[:5], 1, b"", len(text), "end early"),
        ("bad_zlib_no_adler", z[:-4], 1, b"", len(text), "end early"),
        ("bad_zlib_byte_after_end", z + b"\0", 1, b"", len(text), "bytes after the end"),
    ]
    return cases


# ----------------------------------------------------------------------------------------- npz


def npy(data, shape, descr="|u1", order="False", version=1, header=None, magic=b"\x93NUMPY"):
    if header is None:
        header = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return magic + bytes([version, 0]) + size + header.encode() + data


NAMES = [s + "_" + k for s in ("train", "val", "test") for k in ("images", "labels")]
COUNTS = {"train": 4, "val": 2, "test": 3}


def arrays(h=2, w=2, c=1, flat=False, **changed):
    """A data set's six arrays, {name: (data, shape)}; changed ones replace those made here."""
    out = {}
    for i, name in enumerate(NAMES):
        n = COUNTS[name.split("_")[0]]
        if name.endswith("images"):
            shape = (n, h, w) if c == 1 else (n, h, w, c)
            out[name] = (noise(n * h * w * c, i), shape)
        else:
            out[name] = (bytes(j % 3 for j in range(n)), (n,) if flat else (n, 1))
    out.update(changed)
    return out


def converted(data, convert):
    """The same data set with its images' bytes, (data, shape), as convert makes them."""
    out = {}
    for name, (plain, shape) in data.items():
        out[name + ".npy"] = convert(plain, shape) if name.endswith("images") else npy(plain, shape)
    return list(out.items())


def numbers(descr, value):
    """Converts each byte p to the number value(p)."""
    order = ">" if descr[0] == ">" else "<"
    code = {"?": "?", "u1": "B", "u2": "H", "u4": "I", "u8": "Q", "i1": "b", "i2": "h", "i4": "i", "i8": "q",
            "f2": "e", "f4": "f", "f8": "d"}[descr.lstrip("<>|=")]
    return lambda plain, shape: npy(struct.pack("%s%d%s" % (order, len(plain), code), *map(value, plain)),
                                    shape, descr)


def fortran(plain, shape):
    """The array with its first dimension fastest."""
    strides, step = [], 1
    for side in reversed(shape):
        strides.insert(0, step)
        step *= side
    order = [0]
    for side, stride in zip(shape, strides):
        order = [a + i * stride for i in range(side) for a in order]
    return npy(bytes(plain[i] for i in order), shape, order="True")


def channels_first(plain, shape):
    n, h, w, c = shape
    at = lambda i, j, y, x: plain[((i * h + y) * w + x) * c + j]
    return npy(bytes(at(i, j, y, x) for i in range(n) for j in range(c) for y in range(h)
                     for x in range(w)), (n, c, h, w))


def labels_as(data, convert):
    """The data set with other label arrays: convert(plain, shape)."""
    return [(n + ".npy", convert(d, s) if n.endswith("labels") else npy(d, s))
            for n, (d, s) in data.items()]


def one_hot(plain, shape):
    return npy(bytes(int(p == c) for p in plain for c in range(3)), (len(plain), 3))


def renamed(data, names):
    return [(names(n), d) for n, d in data]


def keras(name):
    split, kind = name[:-4].split("_")
    return "%s_%s" % ("x" if kind == "images" else "y", split)


def members(data, **npy_options):
    return [(name + ".npy", npy(d, shape, **npy_options)) for name, (d, shape) in data.items()]


def make_zip(files, method=8, flags=0, comment=b"", change=None, end=None):
    """Plain zip writer.  change(name, fields) may alter a member, end(fields) the end."""
    body, directory = b"", b""
    for name, plain in files:
        packed = compressed(plain) if method == 8 else plain
        f = dict(name=name.encode(), packed=packed, packed_bytes=len(packed), extra=b"",
                 plain_bytes=len(plain), crc=zlib.crc32(plain), flags=flags, method=method,
                 local=len(body), local_name=name.encode(), local_method=method, note=b"",
                 local_extra=b"", magic=0x04034B50, directory_magic=0x02014B50)
        if change:
            change(name, f)
        body += struct.pack("<IHHHHHIIIHH", f["magic"], 20, f["flags"], f["local_method"], 0, 33,
                            f["crc"], len(f["packed"]), len(plain), len(f["local_name"]),
                            len(f["local_extra"]))
        body += f["local_name"] + f["local_extra"] + f["packed"]
        directory += struct.pack("<IHHHHHHIIIHHHHHII", f["directory_magic"], 20, 20, f["flags"],
                                 f["method"], 0, 33, f["crc"], f["packed_bytes"], f["plain_bytes"],
                                 len(f["name"]), len(f["extra"]), len(f["note"]), 0, 0, 0,
                                 f["local"])
        directory += f["name"] + f["extra"] + f["note"]
    e = dict(disk=0, first=0, here=len(files), members=len(files), size=len(directory),
             begin=len(body), comment=len(comment))
    if end:
        end(e)
    return body + directory + struct.pack("<IHHHHIIH", 0x06054B50, e["disk"], e["first"], e["here"],
                                          e["members"], e["size"], e["begin"],
                                          e["comment"]) + comment


def python_zip(files, streamed=False, zip64=False):
    """What zipfile makes, as numpy.savez_compressed uses it."""

    class Pipe(io.RawIOBase):  # cannot seek, so sizes follow the data
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, b):
            self.data += bytes(b)
            return len(b)

    out = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, plain in files:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with z.open(info, "w", force_zip64=zip64) as member:
                member.write(plain)
    return out.data if streamed else out.getvalue()


def only(which, **fields):
    def change(name, f):
        if name == which + ".npy":
            f.update(fields)
    return change


def zip64_extra(name, f):
    """Sends all sizes as 64 bits, after another extra field."""
    values = struct.pack("<QQQ", f["plain_bytes"], f["packed_bytes"], f["local"])
    f["extra"] = b"\x0d\0\x02\0hi" + struct.pack("<HH", 1, len(values)) + values
    f["plain_bytes"] = f["packed_bytes"] = f["local"] = 0xFFFFFFFF


def zip64_huge(name, f):
    f["extra"] = struct.pack("<HHQ", 1, 8, 2**63 + 5)
    f["plain_bytes"] = 0xFFFFFFFF


def npz_cases():
    base = arrays()
    files = members(base)
    crossed = "{\"shape\": %s, 'fortran_order':False,\"descr\":\"u1\"}"
    reordered = [(n + ".npy", npy(d, s, header=crossed % (s,))) for n, (d, s) in base.items()]
    other = ("other.npy", npy(b"\0" * 8, (1,), "<f8"))

    gray5 = arrays(5, 3)
    rgb = arrays(c=3)
    python2 = "{u'descr': '<u1',\t'fortran_order': False,\n'shape': (%s), }"
    longs = [(n + ".npy", npy(d, s, header=python2 % ", ".join("%dL" % i for i in s)))
             for n, (d, s) in base.items()]

    def with_array(name, data):
        return [(n, data if n == name + ".npy" else d) for n, d in files]

    def header(text, data=b"\0\1\2"):
        return make_zip(with_array("test_labels", npy(data, None, header=text)))

    good = [
        ("gray_deflated", python_zip(files), base),
        ("gray_zip64_local", python_zip(files, zip64=True), base),
        ("gray_streamed", python_zip(files, streamed=True), base),
        ("gray_stored", make_zip(files, method=0), base),
        ("gray_flat_labels", make_zip(members(arrays(flat=True))), arrays(flat=True)),
        ("rgb_deflated", make_zip(members(arrays(c=3))), arrays(c=3)),
        ("gray_5_by_3", make_zip(members(arrays(5, 3))), arrays(5, 3)),
        ("npy_version_2", make_zip(members(base, version=2)), base),
        ("dtype_little", make_zip(members(base, descr="<u1")), base),
        ("header_reordered", make_zip(reordered), base),
        ("zip_comment", make_zip(files, comment=b"a comment"), base),
        ("zip64_directory", make_zip(files, change=zip64_extra), base),
        ("member_comments", make_zip(files, change=lambda n, f: f.update(note=b"note")), base),
        ("other_arrays", make_zip([other] + files[::-1]), base),
        ("npy_version_3", make_zip(members(base, version=3)), base),
        ("dtype_name", make_zip(members(base, descr="uint8")), base),
        ("dtype_letter", make_zip(members(base, descr="B")), base),
        ("header_python_2", make_zip(longs), base),
        ("images_u2", make_zip(converted(base, numbers("<u2", lambda p: 257 * p))), base),
        ("images_u2_big", make_zip(converted(base, numbers(">u2", lambda p: min(65535, 257 * p + 128)))), base),
        ("images_u4", make_zip(converted(base, numbers("<u4", lambda p: 0x01010101 * p))), base),
        ("images_u8", make_zip(converted(base, numbers(">u8", lambda p: 0x0101010101010101 * p))), base),
        ("images_i1", make_zip(converted(base, numbers("|i1", lambda p: p - 128))), base),
        ("images_i2", make_zip(converted(base, numbers("<i2", lambda p: 257 * p - 32768))), base),
        ("images_i4", make_zip(converted(base, numbers(">i4", lambda p: 0x01010101 * p - 2**31))), base),
        ("images_f2", make_zip(converted(base, numbers("<f2", lambda p: p / 255))), base),
        ("images_f4", make_zip(converted(base, numbers(">f4", lambda p: p / 255))), base),
        ("images_f8", make_zip(converted(base, numbers("<f8", lambda p: p / 255 - 0.001))), base),
        ("images_bool", make_zip(converted(base, numbers("|?", lambda p: p > 127))),
         {n: (bytes(255 * (p > 127) for p in d) if n.endswith("images") else d, s)
          for n, (d, s) in base.items()}),
        ("images_fortran", make_zip(converted(gray5, fortran)), gray5),
        ("images_fortran_rgb", make_zip(converted(rgb, fortran)), rgb),
        ("images_n1hw", make_zip(converted(gray5, lambda d, s: npy(d, (s[0], 1) + s[1:]))), gray5),
        ("images_nhw1", make_zip(converted(gray5, lambda d, s: npy(d, s + (1,)))), gray5),
        ("images_n3hw", make_zip(converted(rgb, channels_first)), rgb),
        ("labels_i8", make_zip(labels_as(base, numbers("<i8", int))), base),
        ("labels_u2_big", make_zip(labels_as(base, numbers(">u2", int))), base),
        ("labels_f2", make_zip(labels_as(base, numbers("<f2", float))), base),
        ("labels_f8", make_zip(labels_as(base, numbers(">f8", float))), base),
        ("labels_one_hot", make_zip(labels_as(base, one_hot)), base),
        ("names_keras", make_zip(renamed(files, keras)), base),
        ("names_upper", make_zip(renamed(files, lambda n: "Data/" + n.upper())), base),
        ("names_valid", make_zip(renamed(files, lambda n: n.replace("val", "validation"))), base),
        ("names_turned", make_zip(renamed(files, lambda n: "_".join(n[:-4].split("_")[::-1]) + ".npy")), base),
        ("names_joined", make_zip(renamed(files, lambda n: n.replace("_", ""))), base),
        ("names_data", make_zip(renamed(files, lambda n: n.replace("images", "data").replace("labels", "target"))), base),
        ("names_and_classes", make_zip([("train_classes.npy", npy(b"a", (1,), "|S1"))] + files
                                       + [("train_data.npy", npy(b"\0", (1,)))]), base),
        ("in_folder", make_zip([("x/", b"")] + [("x/" + n, d) for n, d in files], method=0), base),
    ]
    cases = []
    for name, data, source in good:
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            assert z.testzip() is None
        cases.append((name, data, source, None))

    whole = make_zip(files)
    changed = lambda **f: make_zip(files, change=only("test_labels", **f))
    shapes = lambda **c: make_zip(members(arrays(**c)))
    flipped = bytearray(files[-1][1])
    flipped[-1] ^= 1
    plain_bytes = len(files[-1][1])
    not_zip, bad_zip = "not a zip archive", "damaged zip archive"
    bad_header = "damaged NPY header"
    bad = [
        ("bad_empty", b"", not_zip),
        ("bad_text", b"train_images,train_labels\n", not_zip),
        ("bad_truncated", whole[: len(whole) - 1], "cut short"),
        ("bad_no_members", make_zip([]), "no array train_images"),
        ("bad_missing_array", make_zip(files[:-2] + files[-1:]), "no array test_images"),
        ("bad_array_twice", make_zip(files + files[-1:]), "there twice"),
        ("bad_name_prefix", make_zip([("x" + n, d) for n, d in files]),
         "there are xtrain_images, xtrain_labels,"),
        ("bad_name_of_two", make_zip(files + [("x_train.npy", files[0][1])]), "means the same as"),
        ("bad_name_of_two_weak", make_zip([("train_data.npy", files[0][1]), ("train_target.npy", files[1][1]),
                                           ("train_class.npy", files[1][1])]), "means the same as train_target"),
        ("bad_folder_twice", make_zip(files + [("x/" + files[0][0], files[0][1])]), "there twice"),
        ("bad_disk", make_zip(files, end=lambda e: e.update(disk=1)), "several disks"),
        ("bad_first_disk", make_zip(files, end=lambda e: e.update(first=1)), "several disks"),
        ("bad_members_here", make_zip(files, end=lambda e: e.update(here=5)), "several disks"),
        ("bad_zip64_members", make_zip(files, end=lambda e: e.update(members=0xFFFF)), "zip64"),
        ("bad_zip64_size", make_zip(files, end=lambda e: e.update(size=0xFFFFFFFF)), "zip64"),
        ("bad_zip64_begin", make_zip(files, end=lambda e: e.update(begin=0xFFFFFFFF)), "zip64"),
        ("bad_too_few_members", make_zip(files, end=lambda e: e.update(members=5, here=5)),
         bad_zip),
        ("bad_too_many_members", make_zip(files, end=lambda e: e.update(members=7, here=7)),
         bad_zip),
        ("bad_directory_size", make_zip(files, end=lambda e: e.update(size=e["size"] + 1)),
         bad_zip),
        ("bad_directory_begin", make_zip(files, end=lambda e: e.update(begin=0xFFFFFFFE)), bad_zip),
        ("bad_directory_magic", changed(directory_magic=0), bad_zip),
        ("bad_directory_cut", make_zip(files, end=lambda e: e.update(size=e["size"] - 5)),
         bad_zip),
        ("bad_zip64_no_extra", changed(plain_bytes=0xFFFFFFFF), bad_zip),
        ("bad_zip64_extra_short", changed(plain_bytes=0xFFFFFFFF, extra=b"\1\0\4\0abcd"), bad_zip),
        ("bad_zip64_overflow", make_zip(files, change=zip64_huge), "overflows"),
        ("bad_extra_too_long", changed(extra=b"\2\0\5\0abcd"), bad_zip),
        ("bad_encrypted", make_zip(files, flags=1), "encrypted"),
        ("bad_method", changed(method=12), "unknown zip compression"),
        ("bad_plain_huge", changed(plain_bytes=0xFFFFFFFE), "is false"),
        ("bad_plain_longer", changed(plain_bytes=plain_bytes + 1), "does not fit"),
        ("bad_plain_shorter", changed(plain_bytes=plain_bytes - 1), "does not fit"),
        ("bad_packed_huge", changed(packed_bytes=0xFFFFFFFE), bad_zip),
        ("bad_stored_sizes", make_zip(files, 0, change=only("val_images", plain_bytes=1000)),
         "is false"),
        ("bad_local_offset", changed(local=0xFFFFFFF0), bad_zip),
        ("bad_local_of_another", changed(local=0), bad_zip),
        ("bad_local_magic", changed(magic=0x08074B50), bad_zip),
        ("bad_local_name", changed(local_name=b"best_labels.npy"), bad_zip),
        ("bad_local_method", changed(local_method=0), bad_zip),
        ("bad_crc", changed(crc=1), "CRC-32"),
        ("bad_deflate", changed(packed=b"\7" * 60, packed_bytes=60), "block type"),
        ("bad_data_flip", changed(packed=compressed(bytes(flipped))), "CRC-32"),
        ("bad_npy_short", make_zip(with_array("val_labels", b"\x93NUMPY\1\0\0\0")), bad_header),
        ("bad_npy_magic", make_zip(members(base, magic=b"\x93NUMPX")), "not an NPY array"),
        ("bad_npy_version", make_zip(members(base, version=4)), "unknown NPY version 4.0"),
        ("bad_npy_header_size", make_zip(with_array("val_labels", b"\x93NUMPY\1\0\xff\xff{}  ")),
         bad_header),
        ("bad_dtype_complex", make_zip(members(base, descr="<c8")), "dtype <c8, complex numbers"),
        ("bad_dtype_object", make_zip(members(base, descr="|O")), "dtype |O, pickled objects"),
        ("bad_dtype_text", make_zip(members(base, descr="<U7")), "dtype <U7, texts"),
        ("bad_dtype_long", make_zip(members(base, descr="<f16")), "dtype <f16 (expected bool"),
        ("bad_dtype_void", make_zip(members(base, descr="|V2")), "dtype |V2, bytes of no number"),
        ("bad_dtype_float_short", make_zip(members(base, descr="<f4")), "a shape does not fit"),
        ("bad_dtype_list", header("{'descr': [('x', '|u1')], 'fortran_order': False, "
                                  "'shape': (3, 1), }\n"), "structured dtype [('x', '|u1')]"),
        ("bad_float_nan", make_zip(converted(base, numbers("<f4", lambda p: float("nan")))),
         "a value of float32 that is not finite"),
        ("bad_float_infinite", make_zip(converted(base, numbers("<f2", lambda p: float("-inf")))),
         "a value of float16 that is not finite"),
        ("bad_float_wide", make_zip(converted(base, numbers("<f8", float))), "--range LO,HI"),
        ("bad_values_all_black", make_zip(converted(base, numbers("<i4", int))),
         "--range 0,229, or .astype('uint8')"),
        ("bad_values_i8", make_zip(converted(base, numbers("<i8", int))), ".astype('uint8')"),
        ("bad_values_mixed", make_zip(with_array("val_images", npy(b"\0\1" * 8, (2, 2, 2), "<u2"))),
         "expected one type for all images"),
        ("bad_order_word", make_zip(members(base, order="0")), bad_header),
        ("bad_header_open", header("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1), "),
         bad_header),
        ("bad_header_no_shape", header("{'descr': '|u1', 'fortran_order': False, }"), bad_header),
        ("bad_header_twice", header("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, "
                                    "'shape': (3, 1), }"), bad_header),
        ("bad_header_key", header("{'describe': '|u1', 'fortran_order': False, 'shape': (3, 1), }"),
         bad_header),
        ("bad_header_no_comma", header("{'descr': '|u1' 'fortran_order': False, 'shape': (3, 1)}"),
         bad_header),
        ("bad_header_tail", header("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1), } x"),
         bad_header),
        ("bad_header_string", header("{'descr': '|u1"), bad_header),
        ("bad_shape_not_tuple", header("{'descr': '|u1', 'fortran_order': False, 'shape': (3), }"),
         bad_header),
        ("bad_shape_negative", header("{'descr': '|u1', 'fortran_order': False, 'shape': (-3,), }"),
         bad_header),
        ("bad_shape_open", header("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1"),
         bad_header),
        ("bad_shape_number_huge", header("{'descr': '|u1', 'fortran_order': False, 'shape': "
                                         "(18446744073709551619,), }"), bad_header),
        ("bad_shape_product_huge", header("{'descr': '|u1', 'fortran_order': False, 'shape': "
                                          "(4294967296, 4294967296), }"), "a shape overflows"),
        ("bad_shape_longer", header("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 1), }"),
         "does not fit"),
        ("bad_shape_shorter", header("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }"),
         "does not fit"),
        ("bad_rank_5", shapes(test_images=(bytes(3), (3, 1, 1, 1, 1))), "neither gray nor RGB"),
        ("bad_rank_7", shapes(test_images=(bytes(3), (3, 1, 1, 1, 1, 1, 1))), "more than 6 dim"),
        ("bad_images_flat", shapes(test_images=(bytes(12), (3, 4))), "flat images: (3, 4) of uint8"),
        ("bad_images_2_channels", shapes(train_images=(bytes(32), (4, 2, 2, 2))),
         "neither gray nor RGB"),
        ("bad_images_none", shapes(val_images=(b"", (0, 2, 2)), val_labels=(b"", (0, 1))),
         "no images"),
        ("bad_images_no_side", shapes(train_images=(b"", (4, 0, 2))), "no images"),
        ("bad_images_other_side", shapes(val_images=(bytes(12), (2, 2, 3))), "another shape"),
        ("bad_images_other_channels", shapes(val_images=(bytes(24), (2, 2, 2, 3))),
         "another shape"),
        ("bad_labels_multi", shapes(train_labels=(bytes(8), (4, 2))), "not as many labels an image"),
        ("bad_labels_not_flags", make_zip(labels_as(base, lambda d, s: npy(d * 2, (len(d), 2)))),
         "neither 0 nor 1"),
        ("bad_labels_half", make_zip(labels_as(base, numbers("<f4", lambda p: p / 2))),
         "a label of 0.5 (expected whole numbers)"),
        ("bad_labels_nan", make_zip(labels_as(base, numbers("<f4", lambda p: float("nan")))),
         "expected whole numbers"),
        ("bad_labels_negative", make_zip(labels_as(base, numbers("|i1", lambda p: p - 1))),
         "labels -1, 0, 1 (expected 0, 1 and so on; --relabel"),
        ("bad_labels_rank", shapes(train_labels=(bytes(4), (4, 1, 1))), "labels of a wrong shape"),
        ("bad_labels_none", shapes(train_labels=(b"", (4, 0))), "labels of a wrong shape"),
        ("bad_labels_count", shapes(test_labels=(bytes(4), (4, 1))), "not as many labels"),
        ("bad_labels_64", shapes(val_labels=(b"\1\x40", (2, 1))), "labels 0, 1, 2, 64 (expected"),
        ("bad_one_class", shapes(**{n: (bytes(COUNTS[n.split("_")[0]]), (COUNTS[n.split("_")[0]],))
                                    for n in NAMES[1::2]}), "at least two classes"),
    ]
    return cases + [(name, data, None, reason) for name, data, reason in bad]


def npz_option_seeds():
    """Data sets that are read by options, which tests/test_npz.c sets: (name, data)."""
    flat = converted(arrays(5, 3), lambda d, s: npy(d, (s[0], s[1] * s[2])))
    chw = converted(arrays(c=3), lambda d, s: npy(channels_first(d, s)[-len(d):], (s[0], 12)))
    numbered = {"x_train": (bytes(range(40)), (40, 1, 1)),
                "y_train": (bytes(int(i % 4 != 0) for i in range(40)), (40,)),
                "x_test": (bytes(2), (2, 1, 1)), "y_test": (b"\0\1", (2,))}
    labels = lambda **c: make_zip(members(arrays(**{n: (d, (len(d),)) for n, d in c.items()})))
    return [
        ("images_flat", make_zip(flat)),
        ("images_flat_chw", make_zip(chw)),
        ("no_val", make_zip(members(numbered))),
        ("train_of_one_class", labels(train_labels=b"\1\1\1\1")),
        ("val_of_one_class", labels(val_labels=b"\2\2")),
        ("test_alone", make_zip(members(arrays())[4:])),
        ("gaps", labels(train_labels=b"\0\2\0\2", val_labels=b"\0\2", test_labels=b"\0\2\0")),
    ]


# --------------------------------------------------------------------------------------- image


def chunk(name, data, crc=None):
    crc = zlib.crc32(name + data) if crc is None else crc
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)


def exif(orientation, order):
    """A TIFF structure that has one entry, the orientation."""
    n = lambda value, count: value.to_bytes(count, order)
    return ((b"II" if order == "little" else b"MM") + n(42, 2) + n(8, 4) + n(1, 2) + n(0x112, 2)
            + n(3, 2) + n(1, 4) + n(orientation, 2) + n(0, 2) + n(0, 4))


SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def ihdr(w, h, kind, depth=8, method=0, filtering=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, method, filtering, interlace))


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(rows, filters, step):
    """PNG's filters, forward: each row becomes its filter's number and its differences."""
    out, above = b"", bytes(len(rows[0]))
    for row, kind in zip(rows, filters):
        line = bytearray([kind])
        for i, x in enumerate(row):
            a = row[i - step] if i >= step else 0
            c = above[i - step] if i >= step else 0
            b = above[i]
            line.append((x - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) & 255)
        out += bytes(line)
        above = row
    return out


def png(w, h, kind, data=None, filters=None, palette=None, cuts=(), before=b"", between=b"",
        after=b"", packed=None, header=None):
    samples = SAMPLES[kind]
    data = noise(w * h * samples, w + h) if data is None else data
    rows = [data[i * w * samples : (i + 1) * w * samples] for i in range(h)]
    if packed is None:
        packed = zlib.compress(filtered(rows, filters or [0] * h, samples), 9)
    edges = [0, *cuts, len(packed)]
    idat = between.join(chunk(b"IDAT", packed[a:b]) for a, b in zip(edges, edges[1:]))
    plte = b"" if palette is None else chunk(b"PLTE", palette)
    return (SIGNATURE + (ihdr(w, h, kind) if header is None else header) + before + plte + idat
            + after + chunk(b"IEND", b""))


DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2))


def round_ratio(a, b):
    return (2 * a + b) // (2 * b)


def on_black(sample, alpha, most):
    """Laid on black at the samples' own depth, then scaled: what libpng does."""
    return round_ratio(255 * round_ratio(sample * alpha, most), most)


def packed_row(samples, depth):
    bits = "".join(format(sample, "0%db" % depth) for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def deep_png(w, h, kind, depth, interlaced=False, trns=None, palette=None, seed=3,
             behind=b""):
    """Any PNG of random samples, and its pixels.  behind: colours that no sample has.  trns: of a palette its alphas, else a colour that
    some pixels have."""
    n, most = SAMPLES[kind], (1 << depth) - 1
    random = noise(2 * w * h * n, seed)
    values = [random[2 * i] << 8 | random[2 * i + 1] for i in range(w * h * n)]
    values = [v & most if kind != 3 else v % (len(palette) // 3) for v in values]
    pixel = {(x, y): tuple(values[(y * w + x) * n:(y * w + x) * n + n])
             for y in range(h) for x in range(w)}
    if trns and kind != 3:
        pixel[0, 0] = pixel[w - 1, h - 1] = trns
    packed = b""
    for left, top, right, down in (ADAM7 if interlaced else ((0, 0, 1, 1),)):
        rows = [packed_row([s for x in range(left, w, right) for s in pixel[x, y]], depth)
                for y in range(top, h, down)]
        if left < w and rows:
            packed += filtered(rows, [(i + seed) % 5 for i in range(len(rows))],
                               max(1, n * depth // 8))
    before, pixels = b"", []
    if trns:
        before = chunk(b"tRNS", bytes(trns) if kind == 3 else struct.pack(">%dH" % n, *trns))
    for y in range(h):
        for x in range(w):
            p = pixel[x, y]
            if kind == 3:
                alpha = trns[p[0]] if trns and p[0] < len(trns) else 255
                pixels += [on_black(c, alpha, 255) for c in palette[3 * p[0]:3 * p[0] + 3]]
                continue
            alpha = p[-1] if kind >= 4 else 0 if p == trns else most
            pixels += [on_black(c, alpha, most) for c in (p[:-1] if kind >= 4 else p)]
    plte = b"" if palette is None else chunk(b"PLTE", palette + behind)
    data = (SIGNATURE + ihdr(w, h, kind, depth, interlace=int(interlaced)) + plte + before
            + chunk(b"IDAT", zlib.compress(packed, 9)) + chunk(b"IEND", b""))
    return data, w, h, 1 if kind in (0, 4) else 3, bytes(pixels)


def deep_pngs():
    out = []
    for kind, depths in DEPTHS.items():
        for depth in depths:
            colours = noise(3 << min(depth, 4), 11) if kind == 3 else None
            name = "png_type_%d_depth_%d" % (kind, depth)
            out.append((name, *deep_png(9, 5, kind, depth, palette=colours)))
            out.append((name + "_interlaced", *deep_png(9, 9, kind, depth, True, palette=colours)))
    out += [("png_interlaced_%dx%d" % (w, h), *deep_png(w, h, 0, 4, True))
            for w, h in ((1, 1), (2, 3), (4, 1), (5, 5), (1, 9))]
    out += [("png_transparent_gray_%d" % depth, *deep_png(7, 4, 0, depth, trns=(1,)))
            for depth in (1, 4, 8, 16)]
    out += [("png_transparent_rgb_%d" % depth, *deep_png(5, 3, 2, depth, trns=(9, 200, 77)))
            for depth in (8, 16)]
    out.append(("png_palette_beyond_depth", *deep_png(7, 7, 3, 2, palette=noise(12, 4),
                                                      behind=noise(30, 5))))
    out.append(("png_transparent_palette", *deep_png(7, 7, 3, 2, trns=(0, 128, 255),
                                                     palette=noise(12, 4))))
    return out


def image_cases():
    gray = bytes([0, 50, 100, 150, 200, 255])
    rgb = noise(18)
    five = noise(7 * 5, 5)
    colours = noise(12, 9)
    text = chunk(b"tEXt", b"Comment\0made up")
    whole_after = png(1, 1, 0, b"\0")

    def lay_on_black(data, step):
        return bytes(on_black(data[i + k], data[i + step - 1], 255)
                     for i in range(0, len(data), step) for k in range(step - 1))

    def scaled(most, *samples):
        return bytes(round_ratio(255 * sample, most) for sample in samples)

    good = [
        ("pgm_binary", b"P5\n3 2\n255\n" + gray, 3, 2, 1, gray),
        ("pgm_plain", b"P2\n3 2\n255\n0 50 100\n150 200 255\n", 3, 2, 1, gray),
        ("pgm_plain_no_newline", b"P2 3 2 255 0 50 100 150 200 255", 3, 2, 1, gray),
        ("pgm_comments", b"P5 # a\n#b\n 3#c\n\t2\r\n255\n" + gray, 3, 2, 1, gray),
        ("pgm_plain_comments", b"P2\n# a\n3 2 # b\n255\n0 50#c\n100 150 200 255 # end", 3, 2, 1,
         gray),
        ("pgm_first_sample_newline", b"P5 2 1 255\n\n#", 2, 1, 1, b"\n#"),
        ("pgm_maxval_1", b"P5 3 1 1 \0\1\1", 3, 1, 1, b"\0\xff\xff"),
        ("pgm_maxval_15", b"P2 4 1 15 0 1 7 15", 4, 1, 1, bytes([0, 17, 119, 255])),
        ("pgm_maxval_100", b"P2 5 1 100 0 1 50 99 100", 5, 1, 1, bytes([0, 3, 128, 252, 255])),
        ("pgm_maxval_256", b"P5 3 1 256 \0\0\1\0\0\x80", 3, 1, 1, scaled(256, 0, 256, 128)),
        ("pgm_maxval_4095", b"P5\n4 1\n4095\n" + struct.pack(">4H", 0, 8, 9, 4095), 4, 1, 1,
         scaled(4095, 0, 8, 9, 4095)),
        ("pgm_maxval_65535", b"P5 3 1 65535 " + struct.pack(">3H", 128, 129, 65535), 3, 1, 1,
         bytes([0, 1, 255])),
        ("pgm_plain_maxval_65535", b"P2 3 1 65535 0 65535 32768", 3, 1, 1, bytes([0, 255, 128])),
        ("ppm_maxval_1023", b"P6 1 1 1023 " + struct.pack(">3H", 1, 2, 1023), 1, 1, 3,
         scaled(1023, 1, 2, 1023)),
        ("pgm_crlf", b"P5\r\n3 2\r\n255\r\n" + gray, 3, 2, 1, gray),
        ("pgm_crlf_then_newline", b"P5\r\n3 2\r\n255\r\n" + gray + b"\r\n", 3, 2, 1, gray),
        ("pgm_cr_sample_newline", b"P5\r2 1\r255\r\n#", 2, 1, 1, b"\n#"),
        ("pgm_one_line_crlf_then_samples", b"P5 3 2 255\r\n" + gray, 3, 2, 1, gray),
        ("pgm_then_newline", b"P5 3 2 255 " + gray + b"\n", 3, 2, 1, gray),
        ("pgm_comment_behind_maxval", b"P5 3 2 255# of eight bits\n" + gray, 3, 2, 1, gray),
        ("pbm_binary", b"P4\n10 2\n" + bytes([0xA5, 0x40, 0xFF, 0xBF]), 10, 2, 1,
         bytes(255 * (1 - int(c)) for c in "10100101011111111110")),
        ("pbm_plain", b"P1\n# a\n4 2\n0110 1 0\n0#b\n1", 4, 2, 1,
         bytes(255 * (1 - int(c)) for c in "01101001")),
        ("pam_gray", b"P7\nWIDTH 3\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n"
         + gray, 3, 2, 1, gray),
        ("pam_then_newline", b"P7\n#a\nMAXVAL 1\nDEPTH 1\n\nHEIGHT 1\n WIDTH 3 \n"
         b"TUPLTYPE BLACKANDWHITE\nENDHDR\n\0\1\1\n", 3, 1, 1, b"\0\xff\xff"),
        ("pam_rgb_without_name", b"P7\r\nWIDTH 2\r\nHEIGHT 3\r\nDEPTH 3\r\nMAXVAL 255\r\nENDHDR\r\n"
         + rgb, 2, 3, 3, rgb),
        ("pam_rgb_alpha", b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\n"
         b"ENDHDR\n" + struct.pack(">8H", 1, 300, 65535, 65535, 65535, 65535, 9, 32768), 2, 1, 3,
         bytes(on_black(c, a, 65535) for c, a in ((1, 65535), (300, 65535), (65535, 65535),
                                                  (65535, 32768), (65535, 32768), (9, 32768)))),
        ("pam_gray_alpha", b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 100\nTUPLTYPE GRAYSCALE_ALPHA\n"
         b"ENDHDR\n\x64\x32\x10\x64", 2, 1, 1, bytes([on_black(100, 50, 100), on_black(16, 100, 100)])),
        ("ppm_binary", b"P6\n3 2\n255\n" + rgb, 3, 2, 3, rgb),
        ("ppm_plain", b"P3 1 2 255 1 2 3 4 5 6\n", 1, 2, 3, bytes([1, 2, 3, 4, 5, 6])),
        ("png_gray", png(3, 2, 0, gray), 3, 2, 1, gray),
        ("png_filters", png(7, 5, 0, five, [0, 1, 2, 3, 4]), 7, 5, 1, five),
        ("png_filters_first_row_4", png(7, 5, 0, five, [4, 4, 3, 2, 1]), 7, 5, 1, five),
        ("png_filters_first_row_3", png(7, 5, 0, five, [3, 3, 1, 2, 4]), 7, 5, 1, five),
        ("png_filters_first_row_2", png(7, 5, 0, five, [2, 4, 4, 3, 3]), 7, 5, 1, five),
        ("png_rgb", png(3, 2, 2, rgb, [1, 4]), 3, 2, 3, rgb),
        ("png_gray_alpha", png(2, 3, 4, noise(12), [0, 3, 4]), 2, 3, 1, lay_on_black(noise(12), 2)),
        ("png_rgba", png(2, 3, 6, noise(24), [1, 2, 4]), 2, 3, 3, lay_on_black(noise(24), 4)),
        ("png_palette", png(2, 2, 3, b"\0\3\2\1", palette=colours), 2, 2, 3,
         colours[:3] + colours[9:12] + colours[6:9] + colours[3:6]),
        ("png_rgb_palette", png(1, 1, 2, b"abc", palette=colours), 1, 1, 3, b"abc"),
        ("png_three_idat", png(7, 5, 0, five, [4] * 5, cuts=(1, 20, 20)), 7, 5, 1, five),
        ("png_ancillary", png(3, 2, 0, gray, before=text, after=text), 3, 2, 1, gray),
        ("png_one_pixel", png(1, 1, 0, b"\x2a"), 1, 1, 1, b"\x2a"),
        ("png_then_newline", png(3, 2, 0, gray) + b"\n", 3, 2, 1, gray),
        ("png_then_bytes", png(3, 2, 0, gray) + whole_after, 3, 2, 1, gray),
        *deep_pngs(),
    ]
    packed = zlib.compress(filtered([gray[:3], gray[3:]], [0, 0], 1), 9)
    whole = png(3, 2, 0, gray)
    plte = chunk(b"PLTE", b"abc")
    order = "expected whole chunks in order"
    bad = [
        ("bad_empty", b"", "an empty file"),
        ("bad_jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", "JPEG image ends early"),
        ("bad_pgm_header_only", b"P5", "damaged PBM, PGM"),
        ("bad_pgm_no_space", b"P53 2 255 " + gray, "damaged PBM, PGM"),
        ("bad_pgm_width_zero", b"P5 0 2 255 ", "image is empty"),
        ("bad_pgm_width_16385", b"P5 16385 1 255 " + bytes(9), "bad width"),
        ("bad_pgm_width_huge", b"P5 99999999999999999999 1 255 ", "bad width"),
        ("bad_pgm_width_sign", b"P5 -3 2 255 " + gray, "bad width"),
        ("bad_pgm_width_letter", b"P5 3x 2 255 " + gray, "bad width"),
        ("bad_pgm_height_missing", b"P5 3", "bad width"),
        ("bad_pgm_maxval_zero", b"P5 3 2 0 " + gray, "bad maxval"),
        ("bad_pgm_no_samples", b"P5 3 2 255", "damaged PBM, PGM"),
        ("bad_pgm_short", b"P5 3 2 255 " + gray[:5], "ends early"),
        ("bad_pgm_long", b"P5 3 2 255 " + gray + b"x", "bytes after the end"),
        ("bad_pgm_second_image", b"P5 3 2 255 " + gray + b"P5 3 2 255 " + gray,
         "bytes after the end"),
        ("bad_pgm_maxval_65536", b"P5 3 2 65536 " + gray * 2, "bad maxval"),
        ("bad_pgm_16_bits_short", b"P5 3 2 256 " + bytes(11), "ends early"),
        ("bad_pgm_sample_257_of_256", b"P5 1 1 256 \1\1", "bad sample"),
        ("bad_pgm_too_many_pixels", b"P5 16384 4097 255 ", "too large"),
        ("bad_pgm_crlf_short", b"P5\r\n3 2\r\n255\r\n" + gray[:5], "ends early"),
        ("bad_pbm_short", b"P4 9 1 a", "ends early"),
        ("bad_pbm_plain_2", b"P1 3 1 012", "bad sample"),
        ("bad_pam_depth_5", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 9\nENDHDR\n12345",
         "other tuples"),
        ("bad_pam_depth_of_another", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 9\n"
         b"TUPLTYPE GRAYSCALE\nENDHDR\n123", "other tuples"),
        ("bad_pam_alpha_without_name", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 9\nENDHDR\n12",
         "other tuples"),
        ("bad_pam_two_names", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 9\nTUPLTYPE GRAYSCALE\n"
         b"TUPLTYPE RGB\nENDHDR\n1", "other tuples"),
        ("bad_pam_word", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 9\nCOLOUR 1\nENDHDR\n1", "header"),
        ("bad_pam_without_height", b"P7\nWIDTH 1\nDEPTH 1\nMAXVAL 9\nENDHDR\n1", "header"),
        ("bad_pam_without_end", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 9\n", "header"),
        ("bad_pam_maxval", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 65536\nENDHDR\n1", "bad maxval"),
        ("bad_tiff", b"II*\0" + bytes(9), "tifftopnm IN.tif > OUT.pnm of the Debian package netpbm"),
        ("bad_tiff_big_endian", b"MM\0*" + bytes(9), "a TIFF image"),
        ("bad_webp", b"RIFF" + bytes(4) + b"WEBPVP8 ", "dwebp IN.webp -o OUT.png"),
        ("bad_bmp", b"BM" + bytes(8) + b"\x36\0\0\0\x28\0\0\0" + bytes(9), "bmptopnm"),
        ("bad_gif", b"GIF89a" + bytes(9), "giftopnm"),
        ("bad_jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(9), "opj_decompress"),
        ("bad_j2k", b"\xff\x4f\xff\x51" + bytes(9), "a JPEG 2000 image"),
        ("bad_heic", b"\0\0\0\x18ftypheic" + bytes(9), "heif-convert"),
        ("bad_nifti", bytes(344) + b"n+1\0", "a NIfTI volume"),
        ("bad_gzip", b"\x1f\x8b\x08" + bytes(9), "gunzip"),
        ("bad_text", b"file,label,split\n", "not a picture"),
        ("bad_pgm_sample_above_maxval", b"P5 2 1 100 \0\x65", "bad sample"),
        ("bad_pgm_plain_sample_256", b"P2 3 1 255 0 256 0", "bad sample"),
        ("bad_pgm_plain_sample_letter", b"P2 3 1 255 0 1a 0", "bad sample"),
        ("bad_pgm_plain_short", b"P2 3 1 255 00001 2", "bad sample"),
        ("bad_pgm_plain_long", b"P2 2 1 255 1 2 3", "bytes after the end"),
        ("bad_png_signature", b"\x89PNG\n\x1a\n" + whole[7:], order),
        ("bad_png_signature_only", SIGNATURE, "ends early"),
        ("bad_png_no_ihdr", SIGNATURE + chunk(b"IEND", b""), order),
        ("bad_png_ihdr_size", png(3, 2, 0, gray, header=chunk(b"IHDR", bytes(12))), order),
        ("bad_png_two_ihdr", png(3, 2, 0, gray, before=ihdr(3, 2, 0)), order),
        ("bad_png_depth_3", png(3, 2, 0, gray, header=ihdr(3, 2, 0, depth=3)), "colour type"),
        ("bad_png_depth_0", png(3, 2, 0, gray, header=ihdr(3, 2, 0, depth=0)), "colour type"),
        ("bad_png_depth_64", png(3, 2, 0, gray, header=ihdr(3, 2, 0, depth=64)), "colour type"),
        ("bad_png_rgb_depth_4", png(3, 2, 2, rgb, header=ihdr(3, 2, 2, depth=4)), "colour type"),
        ("bad_png_palette_depth_16", png(3, 2, 3, gray, header=ihdr(3, 2, 3, depth=16)),
         "colour type"),
        ("bad_png_interlace_2", png(3, 2, 0, gray, header=ihdr(3, 2, 0, interlace=2)), order),
        ("bad_png_16_bits_short", png(3, 2, 0, gray, header=ihdr(3, 2, 0, depth=16)),
         "fewer bytes"),
        ("bad_png_interlaced_short", png(3, 2, 0, gray, header=ihdr(3, 2, 0, interlace=1)),
         "fewer bytes"),
        ("bad_png_colour_type_5", png(3, 2, 0, gray, header=ihdr(3, 2, 5)), "colour type"),
        ("bad_png_colour_type_7", png(3, 2, 0, gray, header=ihdr(3, 2, 7)), "colour type"),
        ("bad_png_width_16385", png(3, 2, 0, gray, header=ihdr(16385, 2, 0)), "too large"),
        ("bad_png_too_many_pixels", png(3, 2, 0, gray, header=ihdr(8193, 8192, 0)), "too large"),
        ("bad_png_trns_twice", png(3, 2, 0, gray, before=chunk(b"tRNS", b"\0\1") * 2),
         "transparency"),
        ("bad_png_trns_size", png(3, 2, 0, gray, before=chunk(b"tRNS", b"\0\1\0")),
         "transparency"),
        ("bad_png_trns_of_alpha", png(2, 3, 4, noise(12), before=chunk(b"tRNS", b"\0\1")),
         "transparency"),
        ("bad_png_trns_before_palette", png(2, 2, 3, b"\0\3\2\1", palette=colours,
                                            before=chunk(b"tRNS", b"\0")), "transparency"),
        ("bad_png_method", png(3, 2, 0, gray, header=ihdr(3, 2, 0, method=1)), order),
        ("bad_png_filter_method", png(3, 2, 0, gray, header=ihdr(3, 2, 0, filtering=1)), order),
        ("bad_png_width_zero", png(3, 2, 0, gray, header=ihdr(0, 2, 0)), "too large"),
        ("bad_png_height_huge", png(3, 2, 0, gray, header=ihdr(3, 2**31 - 1, 0)), "too large"),
        ("bad_png_size_is_a_lie", png(3, 2, 0, gray, header=ihdr(4096, 4096, 6)), "ends early"),
        ("bad_png_wider", png(3, 2, 0, gray, header=ihdr(4, 2, 0)), "fewer bytes"),
        ("bad_png_lower", png(3, 2, 0, gray, header=ihdr(3, 1, 0)), "more bytes"),
        ("bad_png_no_palette", png(3, 2, 3, gray), "palette is missing"),
        ("bad_png_palette_size", png(3, 2, 3, gray, palette=bytes(4)), "bad PNG palette"),
        ("bad_png_palette_empty", png(3, 2, 3, gray, palette=b""), "bad PNG palette"),
        ("bad_png_palette_257", png(3, 2, 3, gray, palette=bytes(771)), "bad PNG palette"),
        ("bad_png_palette_twice", png(3, 2, 3, gray, palette=bytes(3), before=plte),
         "bad PNG palette"),
        ("bad_png_palette_late", png(3, 2, 2, rgb, after=plte), "bad PNG palette"),
        ("bad_png_colour_not_in_palette", png(2, 2, 3, b"\0\4\2\1", palette=colours),
         "colours of its palette"),
        ("bad_png_filter_5", png(3, 2, 0, packed=zlib.compress(b"\0abc\5def")), "filters 0 to 4"),
        ("bad_png_no_idat", SIGNATURE + ihdr(3, 2, 0) + chunk(b"IEND", b""), order),
        ("bad_png_idat_empty", png(3, 2, 0, packed=b""), "end early"),
        ("bad_png_idat_apart", png(3, 2, 0, gray, cuts=(5,), between=text), order),
        ("bad_png_critical_chunk", png(3, 2, 0, gray, before=chunk(b"ABCD", b"")), order),
        ("bad_png_iend_data", whole[:-12] + chunk(b"IEND", b"x"), order),
        ("bad_png_no_iend", whole[:-12], "ends early"),
        ("bad_png_chunk_size", whole[:33] + b"\xff" + whole[34:], "chunk ends early"),
        ("bad_png_ihdr_crc", whole[:29] + b"abcd" + whole[33:], "CRC-32"),
        ("bad_png_idat_crc", SIGNATURE + ihdr(3, 2, 0) + chunk(b"IDAT", packed, 1)
         + chunk(b"IEND", b""), "CRC-32"),
        ("bad_png_adler", png(3, 2, 0, packed=packed[:-1] + bytes([packed[-1] ^ 1])), "Adler-32"),
        ("bad_png_deflate", png(3, 2, 0, packed=packed[:2] + b"\7" + packed[3:]), "block type"),
    ]
    cases = [(name, data, w, h, c, pixels, None) for name, data, w, h, c, pixels in good]
    return cases + [(name, data, 0, 0, 0, b"", reason) for name, data, reason in bad]


# -------------------------------------------------------------------------------------- output


# The .npz seeds are too long to have them all as C arrays.
NPZ_ARRAYS = ("gray_deflated", "gray_stored", "rgb_deflated")


def c_array(name, data):
    if not data:
        return "static const uint8_t %s[1] = {0}; /* empty */\n" % name
    lines, line = [], "   "
    for i, byte in enumerate(data):
        item = " %d%s" % (byte, "," if i + 1 < len(data) else "")
        if len(line) + len(item) > 100:
            lines.append(line)
            line = "   "
        line += item
    return "static const uint8_t %s[%d] = {\n%s};\n" % (name, len(data), "\n".join(lines + [line]))


def c_reason(reason):
    return "NULL" if reason is None else '"%s"' % reason


def write_kat(entry, fields, arrays_text, rows):
    with open(os.path.join(ROOT, "tests", "kat", entry + "_kat.h"), "w") as f:
        f.write("/* %s_kat.h - made by tests/gen/make_data_corpus.py; do not edit. */\n" % entry)
        f.write("#ifndef %s_KAT_H\n#define %s_KAT_H\n\n" % (entry.upper(), entry.upper()))
        f.write("#include <stddef.h>\n#include <stdint.h>\n\n/* clang-format off */\n")
        f.write(arrays_text)
        f.write("\ntypedef struct %s_kat {\n  const char *name;\n  const uint8_t *bytes;\n"
                "  size_t count;\n%s  const char *reason; /* part of it; NULL: the file is valid */"
                "\n} %s_kat;\n\n" % (entry, fields, entry))
        f.write("static const %s_kat %s_kats[%d] = {\n" % (entry, entry, len(rows)))
        f.write("".join("    {%s},\n" % row for row in rows))
        f.write("};\n/* clang-format on */\n\n#endif\n")


TURBO = "turbo_"  # seeds of make_turbo_kats.py begin so


def write_corpus(entry, files):
    """In the place of what was there: seeds of the one generator do not touch the other's."""
    folder = os.path.join(ROOT, "fuzz", "corpus", entry)
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        if old.startswith(TURBO) == files[0][0].startswith(TURBO):
            os.remove(os.path.join(folder, old))
    for name, data in files:
        assert len(data) < 2048, (entry, name, len(data))
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


def latent_seeds():
    """What make_tiny_npz.py made of latents: archives and single files."""
    folder = os.path.join(ROOT, "tests", "data", "latents")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            kind = "latents_" if name in ("one.npy", "one_last.npy") else "bad_latents_"
            yield kind + name.replace(".", "_"), f.read()


def main():
    cases = inflate_cases()
    write_corpus("inflate", [(n, struct.pack("<H", size) + d) for n, d, _, _, size, _ in cases])
    write_kat("inflate", "  int zlib; /* with zlib's header and Adler-32 */\n"
              "  size_t plain_bytes;\n  uint32_t plain_crc32;\n",
              "".join(c_array("inflate_" + c[0], c[1]) for c in cases),
              ['"%s", inflate_%s, %d, %d, %d, 0x%08X, %s' %
               (n, n, len(d), z, size, zlib.crc32(p), c_reason(r))
               for n, d, z, p, size, r in cases])

    cases = npz_cases()
    by_options = npz_option_seeds()
    write_corpus("npz", [(c[0], c[1]) for c in cases] + by_options + list(latent_seeds()))
    rows = ['"%s", NULL, %d, 0, 0, 0, 0, ""' % (name, len(data)) for name, data in by_options]
    for n, d, source, r in cases:
        shape, crc = (0, 0, 0), 0
        if source:
            s = source["train_images"][1]
            shape = (s[1], s[2], 3 if len(s) == 4 else 1)
            crc = zlib.crc32(b"".join(source[name][0] for name in NAMES))
        rows.append('"%s", %s, %d, %d, %d, %d, 0x%08X, %s' %
                    (n, "npz_" + n if n in NPZ_ARRAYS else "NULL", len(d), *shape, crc,
                     c_reason(r)))
    write_kat("npz", "  size_t height;\n  size_t width;\n  unsigned channels;\n"
              "  uint32_t crc32; /* of the six arrays: train, val, test; images, labels */\n",
              "/* Where bytes is NULL they are those of fuzz/corpus/npz/NAME. */\n"
              + "".join(c_array("npz_" + c[0], c[1]) for c in cases if c[0] in NPZ_ARRAYS), rows)

    cases = image_cases()
    seeds = [("png_exif_%d" % o, png(2, 3, 0, bytes(6), before=chunk(b"eXIf", exif(o, order))))
             for o, order in ((6, "big"), (3, "little"))]
    write_corpus("image", [(c[0], c[1]) for c in cases] + seeds)
    write_kat("image", "  size_t width;\n  size_t height;\n  unsigned channels;\n"
              "  uint32_t crc32; /* of the pixels */\n",
              "".join(c_array("image_" + c[0], c[1]) for c in cases),
              ['"%s", image_%s, %d, %d, %d, %d, 0x%08X, %s' %
               (n, n, len(d), w, h, c, zlib.crc32(p), c_reason(r))
               for n, d, w, h, c, p, r in cases])


if __name__ == "__main__":
    main()
