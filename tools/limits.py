#!/usr/bin/env python3
"""Makes each reader's worst files of 1 MB and 64 MB and measures what reading them takes.

    python3 tools/limits.py [WORK] > table.md

Builds tools/read_file.c with $CC into WORK (build/limits).  CPU seconds are user and system time of
the process, memory is its peak resident size (VmHWM), which includes the file itself.
"""
import glob
import hashlib
import os
import struct
import subprocess
import sys
import zlib

MB = 1000000
# An empty block of a dynamic code, 115 bits: tests/test_limits.c has it field by field.
FIELDS = ([(4, 3), (0, 5), (0, 5), (14, 4)]
          + [({2: 2, 3: 2, 17: 1}.get(i, 0), 3) for i in range(18)]
          + [(0, 1), (3, 2), (127, 7), (3, 2), (106, 7), (0, 1), (1, 2), (1, 1)])


def packed(fields, times):
    """Fields, the lowest bit first, so many times over, in whole bytes: times is a multiple of 8."""
    text = "".join(bin(value | 1 << count)[3:][::-1] for value, count in fields) * 8
    return bytes(int(text[i:i + 8][::-1], 2) for i in range(0, len(text), 8)) * (times // 8)


def deflate(size, fields):
    bits = sum(count for _, count in fields)
    return packed(fields, size // bits * 8)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, chunks):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunks + chunk(b"IEND", b"")


def png_of_blocks(size, fields):
    raw = b"\0\x80"
    last = b"\x01" + struct.pack("<HH", len(raw), 0xFFFF ^ len(raw)) + raw
    return png(1, 1, chunk(b"IDAT", b"\x78\x01" + deflate(size, fields) + last
                           + struct.pack(">I", zlib.adler32(raw))))


def png_largest(size):
    data = zlib.compress(bytes(8193 * 8192), 1 if size > MB else 9)
    rest = chunk(b"tEXt", b"\0") * ((size - len(data)) // 13)
    return png(8192, 8192, rest + chunk(b"IDAT", data))


def jpeg_tables(size):
    table = b"\xff\xc4" + struct.pack(">H", 19 + 1) + b"\0" + bytes([1] + [0] * 15) + b"\0"
    return b"\xff\xd8" + table * (size // len(table)) + b"\xff\xd9"


def jpeg_largest(size):
    """8192 by 8192 pixels in gray, two bits a block; the rest of the file is comments."""
    dht = b"".join(b"\xff\xc4" + struct.pack(">H", 20) + bytes([kind]) + bytes([1] + [0] * 15) + b"\0"
                   for kind in (0, 16))
    data = b"\xff\xdb\0\x43\0" + b"\1" * 64 + dht
    data += b"\xff\xc0\0\x0b\x08\x20\x00\x20\x00\1\1\x11\0" + b"\xff\xda\0\x08\1\1\0\0\x3f\0"
    data += bytes(1024 * 1024 // 4) + b"\xff\xd9"
    return with_comments(data, size)


def with_comments(data, size):
    """A JPEG file with as many comments before its data as make it so large."""
    return b"\xff\xd8" + b"\xff\xfe\0\x02" * max(0, (size - len(data)) // 4) + data


def jpeg_progressive(size):
    """8192 by 8192 pixels in gray and all scans that there can be: each passes over all coefficients
    of all blocks, and the blocks end by the ten thousand, in 15 bits."""
    blocks = 1024 * 1024
    dht = b"\xff\xc4\0\x14\0" + bytes([1] + [0] * 15) + b"\0"
    dht += b"\xff\xc4\0\x14\x10" + bytes([1] + [0] * 15) + b"\xe0"
    data = b"\xff\xdb\0\x43\0" + b"\1" * 64 + dht
    data += b"\xff\xc2\0\x0b\x08\x20\x00\x20\x00\1\1\x11\0"
    data += b"\xff\xda\0\x08\1\1\0\0\0\0" + bytes(blocks // 8)
    end_of_blocks = "0" * 15  # a code of one bit, and 14 bits: 16384 blocks
    bits = end_of_blocks * (blocks // 16384)
    ends = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    for high, low in [(0, 13)] + [(i + 1, i) for i in reversed(range(13))]:
        data += b"\xff\xda\0\x08\1\1\0\1\x3f" + bytes([high << 4 | low]) + ends
    return with_comments(data + b"\xff\xd9", size)


def dicom(size):
    """Sequences within sequences, of which none says its length, and 1 by 1 pixel behind them."""
    head = bytes(128) + b"DICM" + b"\2\0\x10\0UI\x12\0" + b"1.2.840.10008.1.2\0"
    deep = (size - 400) // 32
    opened = b"\x40\0\x55\5\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
    closed = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    short = lambda tag, value: struct.pack("<HHIH", 0x28, tag, 2, value)
    text = lambda tag, value: struct.pack("<HHI", 0x28, tag, len(value)) + value
    words = short(2, 1) + text(4, b"MONOCHROME2 ") + short(0x10, 1) + short(0x11, 1)
    words += short(0x100, 8) + short(0x101, 8) + short(0x102, 7) + short(0x103, 0)
    pixels = struct.pack("<HHI", 0x7FE0, 0x10, 2) + b"\1\0"
    return head + words + opened * deep + closed * deep + pixels


def pnm(size):
    return b"P2 #" + b"\n#" * (size // 2 - 40) + b"\n1 1 255 0\n"


def npz(size):
    """The directory is nearly all of the file, and every member's name is nearly one of those that
    are looked for."""
    count = min(65534, size // 57)
    extra = max(0, min(60000, size // count - 46 - 16))
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, 0, 0, 0, 0, 0, 0, 0, 16, extra, 0,
                        0, 0, 0, 0) + b"train_imagez.npy" + (b"\7\0\0\0" * (extra // 4 + 1))[:extra]
    directory = entry * count
    return directory + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, count, count, len(directory), 0, 0)


def npz_deflated(size):
    """Six members, the images of which unpack 1000 to 1, within 2 GiB."""
    out, directory, count = b"", b"", min(int(size * 1000), 1900 * MB) // 3 // 785
    plain = {}
    for split in ("train", "val", "test"):
        for kind, shape, each in (("images", "(%d, 28, 28)" % count, 784), ("labels", "(%d, 1)" % count, 1)):
            if kind not in plain:
                text = "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }" % shape
                text += " " * (-(len(text) + 11) % 64) + "\n"
                head = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()
                packer = zlib.compressobj(9, zlib.DEFLATED, -15)
                body = b"\1" + bytes(MB)
                data, crc, left = packer.compress(head), zlib.crc32(head), each * count
                while left:
                    part = body[:left] if left == each * count else bytes(min(left, MB))
                    crc, left = zlib.crc32(part, crc), left - len(part)
                    data += packer.compress(part)
                plain[kind] = (data + packer.flush(), crc, len(head) + each * count)
            data, crc, length = plain[kind]
            name = ("%s_%s.npy" % (split, kind)).encode()
            shared = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(data), length, len(name), 0)
            directory += (struct.pack("<IH", 0x02014b50, 20) + shared + struct.pack("<HHHII", 0, 0, 0, 0, len(out))
                          + name)
            out += struct.pack("<I", 0x04034b50) + shared + name + data
    pad = size - len(out) - len(directory) - 22
    out += bytes(max(0, pad))
    return out + directory + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 6, 6, len(directory), len(out), 0)


def csv(size):
    return b"a,b\n" + b"\n" * (size // 2) + b"a,b\n" * (size // 8)


def field(number, data):
    length, out = len(data), b""
    while length >= 128:
        out, length = out + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + out + bytes([length]) + data


def onnx(size):
    """One constant of bytes, which 500 nodes hand on, and that is quantized again and again."""
    rows = size // 1000
    tensor = b"\x08" + varint(rows) + b"\x08" + varint(1000) + b"\x10\3" + field(8, b"big")
    graph = field(11, field(1, b"x")) + field(12, field(1, b"y"))
    graph += field(5, tensor + field(9, bytes(rows * 1000)))
    latest = b"big"
    for i in range(500):
        made = b"i%d" % i
        graph += field(1, field(1, latest) + field(2, made) + field(4, b"Transpose" if i % 2 else b"Identity"))
        latest = made
    return field(7, graph)


def varint(value):
    out = b""
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def digest(data):
    return hashlib.blake2s(data, digest_size=16).digest()


def container(kind, set_id, set_digest, ident, payload):
    head = b"\x89PPML\r\n\x1a" + struct.pack("<HHIQ", VERSION, kind, set_id, len(payload))
    head += set_digest + ident + bytes(16)
    data = head + digest(head)[:8] + payload
    return data + digest(data)


def model_payload(size, inputs, side):
    """A hidden layer of relu, all weights 0, and one score."""
    neurons = min(4096, (size - 400) // (inputs + 18))
    spec = struct.pack("<7I", side, inputs // side, 1, 4, 2, 1, 10)
    spec += b"a".ljust(24, b"\0") + b"b".ljust(24, b"\0") + struct.pack("<Ii", 0, 0)
    hidden = struct.pack("<4I", inputs, neurons, 1, 4) + bytes(inputs * neurons) + bytes(4 * neurons)
    hidden += struct.pack("<i", 127) * neurons + struct.pack("<i", 1000) * neurons
    last = struct.pack("<4I", neurons, 1, 0, 4) + b"\1" * neurons + bytes(4)
    return spec + struct.pack("<II", 2, 40) + hidden + last, neurons


def model(size):
    payload, _ = model_payload(size, 60000, 300)
    return container(1, 0, bytes(16), digest(payload), payload)


def circuit(size):
    """Valid but for its certificate, which is what a reader computes before it can tell."""
    payload, neurons = model_payload(size, 20000, 200)
    fast = (1, 736, 3, 512, 2, 0, 1, 17, 1, 3, 4, 177591, 572413022, 32, 38, 14)
    set_digest = digest(b"".join(struct.pack("<I", word) for word in fast))
    payload += struct.pack("<Q", 1 << (64 - 16 - 4)) + struct.pack("<i", 1) * neurons
    payload += struct.pack("<Qi", 1 << 40, 1)
    payload += bytes(4 + 8 * (12 + 8 * 2))
    return container(2, 1, set_digest, bytes(16), payload)


FILES = [("PNG, empty blocks of the fixed code", "image", lambda n: png_of_blocks(n, [(2, 3), (0, 7)])),
         ("PNG, empty blocks of codes of their own", "image", lambda n: png_of_blocks(n, FIELDS)),
         ("PNG, 8192 x 8192 of zeros, many chunks", "image", png_largest),
         ("JPEG, Huffman tables", "image", jpeg_tables),
         ("JPEG, 8192 x 8192, comments", "image", jpeg_largest),
         ("JPEG, 8192 x 8192, progressive", "image", jpeg_progressive),
         ("DICOM, sequences within sequences", "image", dicom),
         ("PGM, comments", "image", pnm),
         (".npz, a directory of near names", "npz", npz),
         (".npz, zeros 1000 to 1, below 2 GiB", "npz", npz_deflated),
         ("table, empty lines and short ones", "csv", csv),
         ("ONNX, a constant handed on 500 times", "onnx", onnx),
         ("model, one wide layer", "container", model),
         ("circuit, one wide layer", "container", circuit),
         ("encrypted image", "container", "make-input"),
         ("encrypted scores", "container", "make-output")]


def build(work):
    tool = os.path.join(work, "read_file")
    sources = [s for s in glob.glob("examples/cli/*.c") if os.path.basename(s)[:-2] in
               ("inflate", "zip", "npy", "npz_values", "npz_labels", "npz", "csv", "exif", "jpeg", "jpeg_file",
                "jpeg_scan", "jpeg_pixels", "jpeg_lossless", "dicom", "dicom_file", "dicom_rle", "png", "pnm", "foreign", "image", "file", "protobuf", "onnx_file",
                "onnx_run", "onnx_graph", "onnx_meaning", "onnx_nodes", "onnx_layers", "onnx")]
    subprocess.run([os.environ.get("CC", "cc"), "-std=c99", "-O2", "-ffp-contract=off", "-I.",
                    "-D_DEFAULT_SOURCE", "-D_POSIX_C_SOURCE=200809L", "tools/read_file.c"] + sources
                   + ["-lm", "-o", tool], check=True)
    return tool


def measure(tool, kind, path):
    """CPU seconds, the least of three unless they are many; peak memory in MB; what was said."""
    best, runs = None, 0
    while runs < 3 and (best is None or best < 2):
        runs += 1
        process = subprocess.Popen([tool, kind, path], stdout=subprocess.PIPE, text=True)
        said = process.stdout.read().strip()
        _, _, usage = os.wait4(process.pid, 0)
        seconds = usage.ru_utime + usage.ru_stime
        best = seconds if best is None else min(best, seconds)
    peak_kb, said = said.split(" ", 1)
    return best, int(peak_kb) * 1024 / MB, said


def main():
    global VERSION
    work = sys.argv[1] if len(sys.argv) > 1 else "build/limits"
    os.makedirs(work, exist_ok=True)
    text = open("ppml.h").read()
    VERSION = int(text.split("#define PPML_FORMAT_VERSION ")[1].split()[0])
    tool = build(work)
    print("| file | 1 MB: CPU s | 64 MB: CPU s | 1 MB: memory, MB | 64 MB: memory, MB | 64 MB: what is said |")
    print("|---|---|---|---|---|---|")
    for name, kind, maker in FILES:
        results = []
        for size in (MB, 64 * MB):
            path = os.path.join(work, "file")
            if isinstance(maker, str):
                subprocess.run([tool, maker, path, str(size)], check=True)
            else:
                open(path, "wb").write(maker(size))
            results.append(measure(tool, kind, path))
        (s1, m1, _), (s64, m64, said) = results
        print("| %s | %.3f | %.3f | %.0f | %.0f | %s |" % (name, s1, s64, m1, m64, said), flush=True)


main()
