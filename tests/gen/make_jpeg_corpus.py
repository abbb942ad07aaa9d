#!/usr/bin/env python3
"""Makes the JPEG test data: python3 tests/gen/make_jpeg_corpus.py, from the root.

Writes fuzz/corpus/jpeg/NAME and tests/kat/jpeg_kat.h.  An encoder of coefficients after ITU-T T.81,
and the pixels they stand for by the definition of the inverse DCT (A.3.3) in floating point and by
JFIF's colours: a decoder on integers may differ by one in a sample, and by three in a colour of them.
What libjpeg-turbo makes of files of its own is in turbo_kat.h (make_turbo_kats.py).
All of it is made up here.
"""
import math
import random
import struct

from make_data_corpus import c_array, c_reason, canonical, exif, write_corpus, write_kat

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))
DC = [2, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10]  # code lengths of 0 to 11 bits
# 9 bits for every other AC symbol, shorter for the end of a block and one bit without a run.
AC = {0x00: 2, 0x01: 2, 0xF0: 5}
AC.update({run << 4 | bits: 9 for run in range(16) for bits in range(1, 11) if (run, bits) != (0, 1)})
AC_SYMBOLS = sorted(AC, key=lambda s: (AC[s], s))


def segment(marker, data=b"", length=None):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2 if length is None else length) + data


def dqt(number, steps, precision=0):
    data = struct.pack(">%dH" % len(steps), *steps) if precision == 1 else bytes(steps)
    return segment(0xDB, bytes([precision << 4 | number]) + data)


def dht(kind, number, lengths, symbols):
    counts = [sum(1 for n in lengths if n == bits) for bits in range(1, 17)]
    return segment(0xC4, bytes([kind << 4 | number] + counts + symbols))


def sof(w, h, parts, marker=0xC0, depth=8):
    data = struct.pack(">BHHB", depth, h, w, len(parts))
    return segment(marker, data + b"".join(bytes([i + 1, p[0] << 4 | p[1], p[2]])
                                           for i, p in enumerate(parts)))


def sos(which, tables=0, end=b"\0\x3f\0"):
    return segment(0xDA, bytes([len(which)]) + b"".join(bytes([i + 1, tables]) for i in which) + end)


DHT = dht(0, 0, DC, list(range(12))) + dht(1, 0, [AC[s] for s in AC_SYMBOLS], AC_SYMBOLS)
DHT_ZEROS = dht(0, 0, [1], [0]) + dht(1, 0, [1], [0])  # a bit for each block: nothing in it
STEPS = [3 + i // 4 for i in range(64)]
DC_CODES = canonical(DC)
AC_CODES = {AC_SYMBOLS[i]: code for i, code in canonical([AC[s] for s in AC_SYMBOLS]).items()}


class Writer:
    def __init__(self):
        self.bits, self.out = "", b""

    def code(self, pair):
        self.bits += format(pair[0], "0%db" % pair[1])

    def signed(self, value, bits):
        if bits:
            self.bits += format(value if value > 0 else value + (1 << bits) - 1, "0%db" % bits)

    def flush(self, marker=b""):
        self.bits += "1" * (-len(self.bits) % 8)
        data = bytes(int(self.bits[i:i + 8], 2) for i in range(0, len(self.bits), 8))
        self.out += data.replace(b"\xff", b"\xff\0") + marker
        self.bits = ""


def block(writer, values, before):
    """values: 64 in zigzag order."""
    bits = abs(values[0] - before).bit_length()
    writer.code(DC_CODES[bits])
    writer.signed(values[0] - before, bits)
    run = 0
    last = max([k for k in range(64) if values[k]] + [0])
    for value in values[1:last + 1]:
        if value == 0:
            run += 1
            continue
        while run > 15:
            writer.code(AC_CODES[0xF0])
            run -= 16
        writer.code(AC_CODES[run << 4 | abs(value).bit_length()])
        writer.signed(value, abs(value).bit_length())
        run = 0
    if last < 63:
        writer.code(AC_CODES[0])


def idct(values):
    c = [math.sqrt(0.5)] + [1.0] * 7
    f = [0] * 64
    for k in range(64):
        f[ZIGZAG[k]] = values[k] * STEPS[k]
    return [[sum(c[u] * c[v] / 4 * f[8 * v + u] * math.cos((2 * x + 1) * u * math.pi / 16)
                 * math.cos((2 * y + 1) * v * math.pi / 16) for u in range(8) for v in range(8))
             for x in range(8)] for y in range(8)]


def clamp(x):
    return min(255, max(0, math.floor(x + 0.5)))


def neighbours(x, count, factor, most, smooth):
    """Which samples of count a pixel's place lies between, and their weights: where there is one for
    two pixels, the nearer has three quarters."""
    if 2 * factor != most or not smooth:
        return [(x * factor // most, 1)]
    far = x // 2 + (1 if x % 2 else -1)
    return [(x // 2, 0.75), (min(max(far, 0), count - 1), 0.25)]


class Picture:
    """Random coefficients for an image, as blocks and as pixels."""

    def __init__(self, w, h, parts, seed, loud=1):
        rng = random.Random(seed)
        self.w, self.h, self.parts = w, h, parts
        self.hmax, self.vmax = max(p[0] for p in parts), max(p[1] for p in parts)
        self.across, self.down = -(-w // (8 * self.hmax)), -(-h // (8 * self.vmax))
        self.blocks = [{(x, y): [rng.randint(-150, 150)]
                        + [rng.choice([0, 0, 0, 0, 0, 1, -1, 2, -7 * loud]) if k < 20 or k > 60 else 0
                           for k in range(1, 64)]
                        for y in range(self.down * p[1]) for x in range(self.across * p[0])}
                       for p in parts]

    def scan(self, which, restart=0):
        writer, mcu = Writer(), 0
        before = [0] * 3
        for i, order in self.mcus(which):
            if restart and mcu and mcu % restart == 0 and order[0]:
                writer.flush(bytes([0xFF, 0xD0 + (mcu // restart - 1) % 8]))
                before = [0] * 3
            block(writer, self.blocks[i][order[1]], before[i])
            before[i] = self.blocks[i][order[1]][0]
            mcu += order[2]
        writer.flush()
        return writer.out

    def mcus(self, which):
        """(component, (is first of its MCU, place, is last of its MCU)) in the order of a scan."""
        if len(which) == 1:
            i = which[0]
            wide = -(-(-(-self.w * self.parts[i][0] // self.hmax)) // 8)
            high = -(-(-(-self.h * self.parts[i][1] // self.vmax)) // 8)
            return [(i, (1, (x, y), 1)) for y in range(high) for x in range(wide)]
        out = []
        for y in range(self.down):
            for x in range(self.across):
                places = [(i, (x * self.parts[i][0] + a, y * self.parts[i][1] + b))
                          for i in which for b in range(self.parts[i][1])
                          for a in range(self.parts[i][0])]
                out += [(i, (n == 0, place, n == len(places) - 1))
                        for n, (i, place) in enumerate(places)]
        return out

    def pixels(self):
        samples = [{place: idct(values) for place, values in blocks.items()}
                   for blocks in self.blocks]
        out = []
        for y in range(self.h):
            for x in range(self.w):
                s = []
                for i, p in enumerate(self.parts):
                    across, down = -(-self.w * p[0] // self.hmax), -(-self.h * p[1] // self.vmax)
                    columns = neighbours(x, across, p[0], self.hmax, across > 2)
                    rows = neighbours(y, down, p[1], self.vmax, p[0] == self.hmax or across > 2)
                    s.append(clamp(sum(
                        f * g * clamp(samples[i][a // 8, b // 8][b % 8][a % 8] + 128)
                        for a, f in columns for b, g in rows)))
                if len(s) == 3:
                    luma, cb, cr = s[0], s[1] - 128, s[2] - 128
                    s = [clamp(luma + 1.402 * cr), clamp(luma - 0.344136 * cb - 0.714136 * cr),
                         clamp(luma + 1.772 * cb)]
                out += s
        return bytes(out)

    def file(self, which=None, restart=0, head=b"", tables=None, frame=None, data=None,
             end=b"\xff\xd9"):
        which = which or [list(range(len(self.parts)))]
        out = b"\xff\xd8" + head + (dqt(0, STEPS) + DHT if tables is None else tables)
        out += sof(self.w, self.h, self.parts) if frame is None else frame
        if restart:
            out += segment(0xDD, struct.pack(">H", restart))
        for scan in which:
            out += sos(scan) + (self.scan(scan, restart) if data is None else data)
        return out + end


def cases():
    gray, c444, c422, c440, c420 = (
        [(1, 1, 0)], [(1, 1, 0)] * 3, [(2, 1, 0), (1, 1, 0), (1, 1, 0)],
        [(1, 2, 0), (1, 1, 0), (1, 1, 0)], [(2, 2, 0), (1, 1, 0), (1, 1, 0)])
    jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")
    one = Picture(8, 8, gray, 1)
    mid = Picture(17, 9, gray, 2)
    c420_picture = Picture(17, 18, c420, 3)
    good = [
        ("gray_one_block", one.file(), one),
        ("gray_jfif", mid.file(head=jfif + segment(0xFE, b"a comment")), mid),
        ("gray_one_pixel", *(lambda p: (p.file(), p))(Picture(1, 1, gray, 4))),
        ("gray_restarts", mid.file(restart=1), mid),
        ("gray_restart_every_4", *(lambda p: (p.file(restart=4), p))(Picture(40, 10, gray, 5))),
        ("gray_factors_2", *(lambda p: (p.file(), p))(Picture(20, 10, [(2, 2, 0)], 6))),
        ("gray_out_of_range", *(lambda p: (p.file(), p))(Picture(16, 8, gray, 7, loud=9))),
        ("ycc_444", *(lambda p: (p.file(head=adobe), p))(Picture(9, 9, c444, 8))),
        ("ycc_422", *(lambda p: (p.file(), p))(Picture(17, 8, c422, 9))),
        ("ycc_440", *(lambda p: (p.file(), p))(Picture(8, 17, c440, 10))),
        ("ycc_420", c420_picture.file(), c420_picture),
        ("ycc_420_restarts", c420_picture.file(restart=1), c420_picture),
        ("ycc_420_three_scans", c420_picture.file(which=[[0], [1], [2]]), c420_picture),
        ("ycc_420_two_scans", c420_picture.file(which=[[1, 2], [0]], restart=2), c420_picture),
        ("ycc_411", *(lambda p: (p.file(), p))(Picture(37, 9, [(4, 1, 0), (1, 1, 0), (1, 1, 0)], 11))),
        ("ycc_441", *(lambda p: (p.file(), p))(Picture(9, 37, [(1, 4, 0), (1, 1, 0), (1, 1, 0)], 12))),
        ("ycc_mixed", *(lambda p: (p.file(), p))(
            Picture(17, 11, [(2, 2, 0), (2, 1, 0), (1, 2, 0)], 13))),
        ("ycc_three_halves", *(lambda p: (p.file(), p))(
            Picture(25, 9, [(3, 1, 0), (2, 1, 0), (1, 1, 0)], 14))),
        ("ycc_chroma_finer", *(lambda p: (p.file(), p))(
            Picture(17, 17, [(1, 1, 0), (2, 2, 0), (1, 1, 0)], 15))),
        ("ycc_420_narrow", *(lambda p: (p.file(), p))(Picture(4, 9, c420, 16))),
        ("extended", mid.file(frame=sof(17, 9, gray, 0xC1)), mid),
        ("quantizer_16_bits", mid.file(tables=dqt(0, STEPS, 1) + DHT), mid),
        ("four_tables", one.file(tables=dqt(3, STEPS) + DHT + dht(0, 3, DC, list(range(12)))
                                 + dht(1, 3, [AC[s] for s in AC_SYMBOLS], AC_SYMBOLS),
                                 frame=sof(8, 8, [(1, 1, 3)])).replace(sos([0]), sos([0], 0x33)), one),
        ("after_eoi", one.file(end=b"\xff\xd9\n"), one),
        ("after_eoi_another", one.file(end=b"\xff\xd9" + one.file()), one),
        ("codes_none", one.file(tables=dqt(0, STEPS) + dht(0, 2, [], []) + DHT), one),
        ("number_of_lines", one.file(end=segment(0xDC, b"\0\x08") + b"\xff\xd9"), one),
        ("fill_bytes", one.file(head=b"\xff\xff\xff", end=b"\xff\xff\xff\xd9"), one),
    ]
    whole, data = one.file(), one.scan([0])
    quant = dqt(0, STEPS)

    def progressive(scans, tables=DHT_ZEROS, data=b"\0"):
        """Scans of the one component and all blocks, as (Ss, Se, Ah, Al)."""
        return (b"\xff\xd8" + quant + tables + sof(8, 8, gray, 0xC2)
                + b"".join(sos([0], end=bytes([s, e, h << 4 | l])) + data for s, e, h, l in scans)
                + b"\xff\xd9")

    restarts = mid.file(restart=1)
    full = dht(0, 0, [1, 1, 1], [0, 1, 2])
    many = segment(0xC4, bytes([0x10] + [0] * 8 + [128] * 2 + [0] * 6) + bytes(range(256)))
    order, codes = "expected whole segments in order", "bad JPEG Huffman table"
    huge = Picture(8, 8, gray, 1)
    huge.w = huge.h = 4096
    bad = [
        ("bad_soi_only", b"\xff\xd8", "ends early"),
        ("bad_no_frame", one.file(frame=b""), order),
        ("bad_no_scan", b"\xff\xd8" + quant + sof(8, 8, gray) + b"\xff\xd9", order),
        ("bad_two_frames", one.file(head=sof(8, 8, gray)), order),
        ("bad_second_soi", one.file(head=b"\xff\xd8"), order),
        ("bad_no_marker", one.file(head=b"\0"), order),
        ("bad_segment_length_1", one.file(head=segment(0xE1, b"", 1)), order),
        ("bad_segment_too_long", one.file(head=segment(0xE1, b"", 65535)), "ends early"),
        ("bad_progressive_of_sequential_scan", one.file(frame=sof(8, 8, gray, 0xC2)), order),
        ("bad_progressive_dc_alone", one.file(frame=sof(8, 8, gray, 0xC2), data=b"\0")
         .replace(b"\0\x3f\0", b"\0\0\0"), "is not whole"),
        ("bad_progressive_bits_twice", progressive([(0, 0, 0, 0)] * 2), "each bit"),
        ("bad_progressive_bit_left_out", progressive([(0, 0, 0, 2), (0, 0, 1, 0)]), "each bit"),
        ("bad_progressive_again_first", progressive([(0, 0, 1, 0)]), "each bit"),
        ("bad_progressive_low_14", progressive([(0, 0, 0, 14)]), order),
        ("bad_progressive_range", progressive([(3, 2, 0, 0)]), order),
        ("bad_progressive_range_64", progressive([(1, 64, 0, 0)]), order),
        ("bad_progressive_dc_and_ac", progressive([(0, 5, 0, 0)]), order),
        ("bad_progressive_101_scans", progressive([(0, 0, 0, 13)] + [(k, k, 0, 1) for k in range(1, 64)]
                                                  + [(k, k, 1, 0) for k in range(1, 40)]),
         "100 scans"),
        ("bad_lossless", one.file(frame=sof(8, 8, gray, 0xC3)), "lossless"),
        ("bad_arithmetic", one.file(frame=sof(8, 8, gray, 0xC9)), "arithmetic"),
        ("bad_arithmetic_tables", one.file(head=segment(0xCC, b"\0\0")), "djpeg IN.jpg"),
        ("bad_12_bits", one.file(frame=sof(8, 8, gray, depth=12)), "another depth"),
        ("bad_hierarchical", one.file(frame=sof(8, 8, gray, 0xC5)), "hierarchical"),
        ("bad_jpeg_ls", one.file(frame=segment(0xF7)), "JPEG-LS"),
        ("bad_width_zero", one.file(frame=sof(0, 8, gray)), "too large"),
        ("bad_height_zero", one.file(frame=sof(8, 0, gray)), "height is told behind"),
        ("bad_width_16385", one.file(frame=sof(16385, 8, gray)), "too large"),
        ("bad_sides_65535", one.file(frame=sof(65535, 65535, gray)), "too large"),
        ("bad_size_is_a_lie", one.file(frame=sof(4096, 4096, gray)), "ends early"),
        ("bad_progressive_size_is_a_lie", one.file(frame=sof(8192, 8192, gray, 0xC2)), "ends early"),
        ("bad_too_many_pixels", one.file(frame=sof(16384, 8192, gray)), "too large"),
        ("bad_higher", one.file(frame=sof(8, 16, gray)), "ends early"),
        ("bad_two_components", one.file(frame=sof(8, 8, gray * 2)), "of 2 or of more than 4"),
        ("bad_four_components", one.file(frame=sof(8, 8, gray * 4)), "without Adobe's marker"),
        ("bad_sampling_0", one.file(frame=sof(8, 8, [(0, 1, 0)])), "sampling"),
        ("bad_component_twice",
         one.file(frame=sof(8, 8, c444).replace(b"\2\x11", b"\1\x11")), order),
        ("bad_frame_length", one.file(frame=segment(0xC0, sof(8, 8, gray)[4:] + b"x")), order),
        ("bad_quantizer_number", one.file(tables=dqt(4, STEPS) + DHT), "quantization table"),
        ("bad_quantizer_short", one.file(tables=dqt(0, STEPS[:63]) + DHT), order),
        ("bad_quantizer_32_bits", one.file(tables=segment(0xDB, b"\x20" + bytes(256)) + DHT),
         "quantization table"),
        ("bad_quantizer_16_bits_short", one.file(tables=dqt(0, STEPS[:63], 1) + DHT), order),
        ("bad_quantizer_missing", one.file(tables=DHT), "quantization table is missing"),
        ("bad_codes_missing", one.file(tables=quant), "Huffman table is missing"),
        ("bad_codes_of_ac_missing", one.file(tables=quant + dht(0, 0, DC, list(range(12)))),
         "Huffman table is missing"),
        ("bad_codes_number", one.file(tables=quant + DHT + dht(0, 4, [2, 2], [0, 1])), codes),
        ("bad_codes_class", one.file(tables=quant + DHT + dht(2, 0, [2, 2], [0, 1])), codes),
        ("bad_codes_too_many", one.file(tables=quant + full + DHT), codes),
        ("bad_codes_257", one.file(tables=quant + DHT + segment(0xC4, bytes(
            [0x10] + [0] * 8 + [129, 128] + [0] * 6) + bytes(257))), codes),
        ("bad_codes_cut", one.file(tables=quant + segment(0xC4, DHT[4:20] + b"\1")), order),
        ("bad_code", one.file(data=b"\xff\0" * 4), "expected codes"),
        ("bad_dc_bits", one.file(tables=quant + DHT + dht(0, 0, [1], [12]), data=bytes(8)),
         "expected codes"),
        ("bad_ac_bits", one.file(tables=quant + DHT + dht(1, 0, [1], [11]), data=bytes(8)),
         "expected codes"),
        ("bad_ac_run", one.file(tables=quant + DHT + dht(1, 0, [1], [0xF0]), data=bytes(8)),
         "expected codes"),
        ("bad_ac_no_bits", one.file(tables=quant + DHT + many, data=b"\2" + bytes(9)),
         "expected codes"),
        ("bad_dc_sum", Picture(8 * 40, 8, gray, 1).file(
            tables=quant + dht(0, 0, [1], [11]) + dht(1, 0, [1], [0]),
            data=b"\x7f\xfd\xff\0\xf7\xff\0\xdf\xff\0\x7f" * 12), "expected codes"),
        ("bad_restart_missing", restarts.replace(b"\xff\xd0", b""), "restart markers"),
        ("bad_restart_order", restarts.replace(b"\xff\xd0", b"\xff\xd1"), "restart markers"),
        ("bad_restart_too_many", mid.file(data=mid.scan([0]) + b"\xff\xd0"), order),
        ("bad_restart_length", one.file(head=segment(0xDD, b"\0")), order),
        ("bad_scan_of_nothing", one.file().replace(b"\xff\xda\0\x08\1", b"\xff\xda\0\x08\0"), order),
        ("bad_scan_of_another", one.file().replace(b"\xff\xda\0\x08\1\1", b"\xff\xda\0\x08\1\2"),
         order),
        ("bad_scan_twice", one.file(which=[[0], [0]]), order),
        ("bad_scan_spectral", whole.replace(b"\0\x3f\0", b"\0\x3e\0"), order),
        ("bad_scan_tables", whole.replace(sos([0]), sos([0], 0x22)), "Huffman table is missing"),
        ("bad_component_without_scan", c420_picture.file(which=[[0], [1]]), "component is missing"),
        ("bad_no_eoi", one.file(end=b""), "ends early"),
        ("bad_half_eoi", one.file(end=b"\xff"), "ends early"),
        ("bad_data_too_long", one.file(data=data + b"\0"), order),
    ]
    return ([(n, d, p.w, p.h, len(p.parts), p.pixels(), None) for n, d, p in good]
            + [(n, d, 0, 0, 0, b"", r) for n, d, r in bad])


def channels(parts):
    return 3 if parts == 3 else 1


def exif_seeds():
    """Pictures with an orientation, for the fuzzer; tests/test_exif.c makes its own."""
    mid = Picture(17, 9, [(1, 1, 0)], 2)
    return [("exif_%d%s" % (value, order[:1]),
             mid.file(head=segment(0xE1, b"Exif\0\0" + exif(value, order))))
            for value in (1, 3, 6, 8) for order in ("little", "big")]


def main():
    made = cases()
    for name, data, *_ in made:
        assert len(data) < 2048, name
    write_corpus("jpeg", [(c[0], c[1]) for c in made] + exif_seeds())
    write_kat("jpeg", "  size_t width;\n  size_t height;\n  unsigned channels;\n"
              "  const uint8_t *pixels; /* rounded from real numbers */\n",
              "".join(c_array("jpeg_" + c[0], c[1]) for c in made)
              + "".join(c_array("jpeg_%s_pixels" % c[0], c[5]) for c in made if c[5]),
              ['"%s", jpeg_%s, %d, %d, %d, %d, %s, %s' %
               (n, n, len(d), w, h, c, "jpeg_%s_pixels" % n if p else "NULL", c_reason(r))
               for n, d, w, h, c, p, r in made])


if __name__ == "__main__":
    main()
