#!/usr/bin/env python3
"""Recomputes the constants of the code from the formulas that stand beside them.

  - the noise bounds of ppml_impl/math/params.h, from the log2 sigma in each set's comment, and
    that log2 sigma against the security lines of docs/NOISE.md;
  - the lines themselves, as the code has them, against the table in docs/NOISE.md;
  - the numbers of answers: ln 2, the integral of the entropy, the width of a flood;
  - the initial values of BLAKE2s and ChaCha20;
  - the prime and the roots of the number-theoretic transform;
  - how far out a peak is, and that what is decided in one place is said again in no other.

Exit status 1 if one does not fit."""
import math
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
problems = []
checked = 0


def read(path):
    return open(os.path.join(ROOT, path)).read()


def check(condition, message):
    global checked
    checked += 1
    if not condition:
        problems.append(message)


def security_table():
    """docs/NOISE.md: dimension -> (binary 128, binary 132, m-opt 132)."""
    rows = re.findall(r"^\| (\d+) \| (-[\d.]+) \| (-[\d.]+) \| (-[\d.]+) \|$", read("docs/NOISE.md"), re.M)
    return {int(n): tuple(map(float, r)) for n, *r in rows}


def ternary_points(dim):
    """docs/NOISE.md: the 128 and 132 bit points of uniform ternary keys."""
    row = re.search(r"^Ternary keys, dimension %d: (-[\d.]+) and (-[\d.]+)" % dim, read("docs/NOISE.md"), re.M)
    return tuple(map(float, row.groups()))


def least_sigma(dim, block_ones):
    """The log2 sigma that the project's rule asks of a dimension."""
    if block_ones:
        return -0.02525 * dim + 4.25
    table = security_table()
    column = 1 if dim >= 768 else 2
    if dim in table:
        return table[dim][column]
    if dim < 768:
        return -0.025283 * dim + 3.254
    return -2.7106e-7 * dim * dim - 0.024467 * dim + 2.557


def check_sets():
    text = read("ppml_impl/math/params.h") + read("ppml_impl/plan/security.h")
    rows = re.findall(r'\{"([\w-]+)",([^}]*?)PPMLI_\w+\}\s*,?\s*/\* (-[\d.]+), (-[\d.]+) \*/', text, re.S)
    leveled = re.findall(r'\{"((?:leveled|pooled)-\d+)",([^}]*?)PPMLI_\w+\}', text, re.S)
    keyless = re.findall(r'\{"(linear)",([^}]*?)PPMLI_\w+\}\s*,?\s*/\* (-[\d.]+) of 32 bits \*/', text, re.S)
    answers = re.findall(r'\{"(pooled-compact)",([^}]*?)PPMLI_\w+\}\s*,?\s*/\* (-[\d.]+) \*/', text, re.S)
    check(len(rows) + len(leveled) + len(keyless) + len(answers) == len(re.findall(r'\{"[\w-]+",', text)),
          "params.h: a set without its log2 sigmas")
    for name, numbers in leveled:
        v = [int(x.rstrip("u")) for x in re.findall(r"\d+u?", numbers)]
        dim, bound, torus_bits = v[2] * v[3], v[12], v[14]
        std = math.sqrt(bound * (bound + 1) / 3)
        check(std >= 4, "params.h: %s: noise of less than 4 units" % name)
        check(math.log2(std) - torus_bits >= ternary_points(dim)[1],
              "params.h: %s: noise below the line" % name)
        check("line128 = %.2f, line132 = %.2f" % ternary_points(dim) in text,
              "params.h: the points of dimension %d" % dim)
    for width, sets in ((32, keyless), (64, answers)):  # of one key alone
        for name, numbers, sigma in sets:
            v = [int(x.rstrip("u")) for x in re.findall(r"\d+u?", numbers)]
            dim, bound = v[2] * v[3], v[12]
            wanted = math.ceil(math.sqrt(3) * 2 ** (width + float(sigma)))
            check(wanted == bound, "params.h: %s: bound %d, formula %d" % (name, bound, wanted))
            check(math.log2(math.sqrt(bound * (bound + 1) / 3)) - width >= least_sigma(dim, 0) - 5e-4,
                  "params.h: %s: noise below the line" % name)
    for name, numbers, lwe, glwe in rows:
        v = [int(x.rstrip("u")) for x in re.findall(r"\d+u?", numbers)]
        n, k, N, ones, bound_lwe, bound_glwe = v[1], v[2], v[3], v[5], v[11], v[12]
        for what, dim, width, log2_sigma, bound, block in (
                ("LWE", n, 32, float(lwe), bound_lwe, ones),
                ("GLWE", k * N, 64, float(glwe), bound_glwe, 0)):
            wanted = math.ceil(math.sqrt(3) * 2 ** (width + log2_sigma))
            check(abs(wanted - bound) <= 1 + wanted * 3e-4,
                  "params.h: %s: %s bound %d, formula %d" % (name, what, bound, wanted))
            std = math.log2(math.sqrt(bound * (bound + 1) / 3)) - width
            check(std >= least_sigma(dim, block) - 5e-4,
                  "params.h: %s: %s noise 2^%.3f below the line 2^%.3f"
                  % (name, what, std, least_sigma(dim, block)))


def check_lines():
    """The two lines of security_bits lie on or above every point up to 2048."""
    text = read("ppml_impl/math/params.h") + read("ppml_impl/plan/security.h")
    lines = [tuple(map(float, m)) for m in
             re.findall(r"\((-[\d.e-]+) \* dim - ([\d.]+)\) \* dim \+ ([\d.]+)", text)]
    check(len(lines) == 2, "params.h: the security lines are not where they were")
    for (a, b, c), column in zip(lines, (0, 1)):
        for n, row in security_table().items():
            if 450 <= n <= 2048:
                gap = (a * n - b) * n + c - row[column]
                check(-5e-3 <= gap <= 0.1, "security line %d at n = %d: %.3f off" % (column, n, gap))


def check_hashes():
    primes = (2, 3, 5, 7, 11, 13, 17, 19)
    iv = [math.isqrt(p << 64) & 0xffffffff for p in primes]  # fractional part of sqrt p
    for value in iv:
        check("0x%08x" % value in read("ppml_impl/base/digest.h"), "digest.h: no 0x%08x" % value)
    for i in range(4):
        word = int.from_bytes(b"expand 32-byte k"[4 * i:4 * i + 4], "little")
        check("0x%08x" % word in read("ppml_impl/base/stream.h"), "stream.h: no 0x%08x" % word)


def check_ntt():
    text = read("ppml_impl/math/ntt.h")
    defined = {n: int(v, 0) for n, v in re.findall(r"#define PPMLI_NTT_(\w+) (?:UINT64_C\()?(\w+)\)?", text)
               if re.fullmatch(r"0x[0-9a-f]+|\d+", v)}
    p, size = defined["PRIME"], 1 << (defined["LOG2_MAX"] + 1)
    check(p == 2 ** 64 - 2 ** 32 + 1, "ntt.h: the prime")
    factors = (2, 3, 5, 17, 257, 65537)  # of p - 1 = 2^32 (2^32 - 1)
    check(all(pow(7, (p - 1) // f, p) != 1 for f in factors), "ntt.h: 7 generates no units")
    check(defined["ROOT"] == pow(7, (p - 1) // size, p) * 2 ** 64 % p, "ntt.h: the root")
    check(defined["ONE"] == 2 ** 64 % p, "ntt.h: one")


def check_narrow():
    text = read("ppml_impl/math/narrow.h")
    defined = {n: int(v, 0) for n, v in re.findall(r"#define PPMLI_NARROW_(\w+) \(?(-?0x[0-9a-f]+|-?\d+)u?\)?(?= )", text)}
    q, word, size = defined["PRIME"], 1 << 32, 1 << (defined["LEVELS_MAX"] + 1)
    check(q == 2 ** 28 + 24577 and all(q % d for d in range(2, 16400)), "narrow.h: the prime")
    check(q * defined["INVERSE"] % word == 1, "narrow.h: the inverse")
    check(defined["MOST"] == (q - 1) // 2, "narrow.h: the largest result")
    check(all(pow(3, (q - 1) // f, q) != 1 for f in (2, 32771)), "narrow.h: 3 generates no units")
    check(defined["ROOT"] % q == pow(3, (q - 1) // size, q) * word % q, "narrow.h: the root")
    check(defined["ONE"] % q == word % q, "narrow.h: one")
    check(defined["SQUARE"] == word * word % q, "narrow.h: the square")


def entropy(x):
    """H2(Phi(x))"""
    p, q = math.erfc(-x / math.sqrt(2)) / 2, math.erfc(x / math.sqrt(2)) / 2
    return -p * math.log2(p) - q * math.log2(q) if p > 0 and q > 0 else 0


def check_answers():
    answer = read("ppml_impl/network/answer.h")
    leak = read("ppml_impl/network/client.h") + read("ppml_impl/plan/leak.h")
    check("LN2 %d " % round(2**20 * math.log(2)) in answer, "answer.h: ln 2")
    integral = sum(entropy(i / 1000) for i in range(-9000, 9001)) / 1000
    check("PPMLI_LEAK_ENTROPY %.5f" % integral in leak, "leak.h: the integral is %.5f" % integral)
    summands = int(re.search(r"FLOOD_SUMMANDS (\d+)", leak).group(1))
    # A sum of k uniform numbers lacks about (1.2 / k)^2 / 48 nats of a normal one's entropy.
    lacks = 65536 * (1.2 / summands)**2 / 48 / math.log(2)
    check(lacks * 1.01 <= 0.175, "leak.h: a sum of %d lacks %.4f bits" % (summands, lacks))
    share = math.ceil(2**32 * 3 / (2 * summands * math.log(2) * (1 - 0.175)))
    check("share = %d;" % share in leak, "leak.h: the flood's share is %d" % share)
    x = 19.9 / 2 / 1.05  # half a unit that tells nothing, in deviations that are 5 % larger
    check(2 * math.exp(-x * x / 2) <= 2**-63.6, "leak.h: a unit of 19.9 deviations")


def check_peaks():
    room = read("ppml_impl/network/room.h")
    share = int(re.search(r"PPMLI_PEAK_SHARE (\d+)", room).group(1))
    deviations = float(re.search(r"PPMLI_PEAK_DEVIATIONS ([\d.]+)", room).group(1))
    beyond = math.erfc(deviations / math.sqrt(2))
    check(abs(beyond * share - 1) < 0.01, "room.h: 1 normal number in %.0f is beyond %.2f deviations"
          % (1 / beyond, deviations))


# What stands in one place alone: words that would say it again, and where they may stand.
HOMES = (("the share of accumulators beyond a peak", r"\b4000\b|\b2\.5e-4\b|\b3\.66", "network/room.h"),
         ("room on the torus for a peak or a score", r"\b1\.25\b|\b16 / 7\b|\b7 << 60|peak\[j\] / 4", "network/room.h"),
         ("whether weights go into the tables before them", r"layer(?:\[\w+\]\.|->)outputs == 1", "network/room.h"),
         ("how many outputs a relu is the sum of", r"RELU \? 5", "network/windows.h"),
         ("the longest side and the widest layer", r"\b1u? << 12\b|(?:SIDE|INPUTS|NEURONS)_MAX \d", "ppml.h"))


def check_homes():
    for folder, _, names in os.walk(os.path.join(ROOT, "ppml_impl")):
        for path in sorted(os.path.join(folder, n) for n in names):
            name = os.path.relpath(path, os.path.join(ROOT, "ppml_impl"))
            code = re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)
            for what, words, home in HOMES:
                if name != home:
                    for found in re.findall(words, code):
                        check(False, "%s: %s is said again: %s (see %s)" % (name, what, found, home))


check_sets()
check_peaks()
check_homes()
check_ntt()
check_narrow()
check_lines()
check_hashes()
check_answers()
for problem in problems:
    print("check_constants: " + problem)
print("check_constants: %d checked, %d problems" % (checked, len(problems)))
sys.exit(1 if problems else 0)
