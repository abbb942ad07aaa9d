#!/usr/bin/env python3
"""Makes the known answers of the library's core: python3 tests/gen/make_core_kats.py, anywhere.

Writes tests/kat/{digest,rng,format}_kat.h.  Nothing here calls the library: BLAKE2s is Python's,
ChaCha20 is written from RFC 8439, and the containers from the layout in docs/FORMAT.md, encryption
included.  So they also prove that files do not depend on the machine that wrote them.
"""
import hashlib
import os
import struct

KAT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kat")
M32, M64 = 2**32 - 1, 2**64 - 1


def digest(data):
    return hashlib.blake2s(data, digest_size=16).digest()


def seed_digest(data):
    return hashlib.blake2s(data).digest()


# ---------------------------------------------------------------------------------------- C arrays


def c_bytes(name, data):
    lines, line = [], "   "
    for byte in data:
        item = " %d," % byte
        if len(line) + len(item) > 100:
            lines.append(line)
            line = "   "
        line += item
    lines.append(line)
    body = "\n".join(lines).rstrip(",")
    return "static const uint8_t %s[%d] = {\n%s\n};\n" % (name, len(data), body)


def write_header(name, body):
    guard = name.upper() + "_KAT_H"
    with open(os.path.join(KAT, name + "_kat.h"), "w", encoding="ascii") as out:
        out.write("/* %s_kat.h - made by tests/gen/make_core_kats.py; do not edit. */\n" % name)
        out.write("#ifndef %s\n#define %s\n\n#include <stddef.h>\n#include <stdint.h>\n\n" %
                  (guard, guard))
        out.write("/* clang-format off */\n%s/* clang-format on */\n\n#endif\n" % body)


# ------------------------------------------------------------------------------------------ digest


def message(count):
    """Byte i is 7 i + 3, with a change at every 256."""
    return bytes((7 * i + 3 + i // 256) & 255 for i in range(count))


def make_digest():
    lengths = [0, 1, 3, 63, 64, 65, 127, 128, 129, 1000, 65536]
    rows = ["    {%d, {%s}},\n" % (n, ", ".join("%d" % b for b in digest(message(n))))
            for n in lengths]
    seeds = ("/* Of the same messages, 32 bytes. */\n"
             "static const uint8_t digest_seed_kats[%d][32] = {\n%s};\n" %
             (len(lengths), "".join("    {%s},\n" % ", ".join("%d" % b for b in seed_digest(message(n)))
                                    for n in lengths)))
    write_header("digest", "/* Byte i of the messages is 7 i + 3 + i / 256. */\n"
                 "static const struct {\n  size_t count;\n  uint8_t digest[16];\n"
                 "} digest_kats[%d] = {\n%s};\n" % (len(lengths), "".join(rows)) + seeds)


# ------------------------------------------------------------------------------------------- ChaCha


def rotl(x, r):
    return (x << r | x >> (32 - r)) & M32


def quarter(x, a, b, c, d):
    x[a] = (x[a] + x[b]) & M32
    x[d] = rotl(x[d] ^ x[a], 16)
    x[c] = (x[c] + x[d]) & M32
    x[b] = rotl(x[b] ^ x[c], 12)
    x[a] = (x[a] + x[b]) & M32
    x[d] = rotl(x[d] ^ x[a], 8)
    x[c] = (x[c] + x[d]) & M32
    x[b] = rotl(x[b] ^ x[c], 7)


def chacha_block(key, counter, nonce):
    """key 32 bytes, nonce three 32-bit words."""
    state = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    state += [counter & M32] + list(nonce)
    x = list(state)
    for _ in range(10):
        quarter(x, 0, 4, 8, 12)
        quarter(x, 1, 5, 9, 13)
        quarter(x, 2, 6, 10, 14)
        quarter(x, 3, 7, 11, 15)
        quarter(x, 0, 5, 10, 15)
        quarter(x, 1, 6, 11, 12)
        quarter(x, 2, 7, 8, 13)
        quarter(x, 3, 4, 9, 14)
    return struct.pack("<16I", *((a + b) & M32 for a, b in zip(x, state)))


def stream(seed, purpose, index, count):
    nonce = (purpose, index & M32, index >> 32)
    blocks = (chacha_block(seed, c, nonce) for c in range((count + 63) // 64))
    return b"".join(blocks)[:count]


class Rng:
    """Fast key erasure: 32 bytes of each refill are the next key."""

    def __init__(self, seed):
        self.key, self.counter, self.buffer = struct.pack("<Q24x", seed), 0, b""

    def fold(self, data):
        self.key, self.buffer = seed_digest(self.key + data), b""

    def bytes(self, count):
        out = b""
        while len(out) < count:
            if not self.buffer:
                fresh = stream(self.key, 0, self.counter, 32 + 256)
                self.key, self.buffer = fresh[:32], fresh[32:]
                self.counter += 1
            take = min(count - len(out), len(self.buffer))
            out += self.buffer[:take]
            self.buffer = self.buffer[take:]
        return out


def noise(random, bound):
    return (random * (2 * bound + 1) >> 64) - bound


def make_seeds():
    """A generator whose entropy source gives 0x5a alone, at first and at each use."""
    rng = Rng(0)
    rng.key = b"\x5a" * 32
    rng.fold(b"\x5a" * 32)
    body = "/* The first use of a generator whose entropy is 0x5a; then mixed with 1, 2, 3. */\n"
    body += c_bytes("folded_kat", rng.bytes(64))
    rng.fold(bytes([1, 2, 3]))
    rng.fold(b"\x5a" * 32)
    body += c_bytes("mixed_kat", rng.bytes(64))
    rng.fold(b"\x5a" * 32)
    circuit_id, key_id = bytes(range(16)), bytes(range(100, 116))
    planes = bytes(7 * i & 255 for i in range((1536 + 736) // 8))
    purpose = b"inpu" + struct.pack("<I", len(planes))
    root = seed_digest(purpose + rng.bytes(64) + circuit_id + key_id + planes + message(784))
    body += "/* Seeds of an image: the third use. */\n"
    return body + c_bytes("seeds_kat", stream(root, SEEDS, 0, 64))


def make_rng():
    key, nonce = bytes(range(32)), struct.unpack("<3I", bytes.fromhex("000000090000004a00000000"))
    blocks = b"".join(chacha_block(key, 1 + i, nonce) for i in range(8))
    assert blocks[:16] == bytes.fromhex("10f1e7e4d13b5915500fdd1fa32071c4")  # RFC 8439 2.3.2
    assert blocks[60:64] == bytes.fromhex("a2503c4e")
    body = "/* RFC 8439 2.3.2: key 00..1f, nonce 000000090000004a00000000, blocks 1 to 8. */\n"
    body += c_bytes("chacha_blocks_kat", blocks)
    body += "/* Bytes 500 to 699 of the stream of that key, purpose 3, index 2^40 + 5. */\n"
    body += c_bytes("stream_kat", stream(key, 3, 2**40 + 5, 700)[500:])
    body += "/* Bytes 200 to 599 of the generator for tests, seed 7. */\n"
    body += c_bytes("generator_kat", Rng(7).bytes(600)[200:])
    body += make_seeds()
    rows = []
    for bound in (1, 2, 177591, 572413022, 2**31 - 1):
        for random in (0, 1, M64, 2**63, 2**63 - 1, 0x0123456789ABCDEF, 0xFEDCBA9876543210,
                       M64 // (2 * bound + 1), M64 // (2 * bound + 1) + 1):
            rows.append("    {0x%016xu, %du, %d},\n" % (random, bound, noise(random, bound)))
    body += ("static const struct {\n  uint64_t random;\n  uint32_t bound;\n  int64_t noise;\n"
             "} noise_kats[%d] = {\n%s};\n" % (len(rows), "".join(rows)))
    write_header("rng", body)


# ------------------------------------------------------------------------------------------- format

FAST = dict(id=1, n=736, k=3, N=512, block=2, ones=0, prefix=1, pbs_base=17, pbs_levels=1,
            ks_base=3, ks_levels=4, lwe_noise=177591, glwe_noise=572413022, input_bits=32,
            bsk_bits=38, output_bits=14)
MODEL, CIRCUIT, CLIENT, KEYRING, EVAL_KEY, INPUT, OUTPUT, SECRET_KEY = range(1, 9)
INPUT_MASK, BSK_MASK, KSK_MASK, BSK_NOISE, KSK_NOISE, INPUT_NOISE, SEEDS = range(1, 8)

PARAMS_DIGEST = digest(struct.pack("<16I", *FAST.values()))
PIXELS = [0, 255, 127, 128, 3, 77]
SIDES = (3, 2, 1)
SCORE_UNIT = 2**50 + 12345


def header(kind, payload_bytes, params, circuit_id, key_id):
    fields = b"\x89PPML\r\n\x1a" + struct.pack("<HHIQ", 3, kind, 1 if params else 0, payload_bytes)
    fields += (PARAMS_DIGEST if params else bytes(16)) + circuit_id + key_id
    return fields + digest(fields)[:8]


def container(kind, payload, params=True, circuit_id=bytes(range(16)), key_id=bytes(16)):
    data = header(kind, len(payload), params, circuit_id, key_id) + payload
    return data + digest(data)


def spec():
    names = b"".join(name.ljust(24, b"\0") for name in (b"benign", b"malignant"))
    return struct.pack("<7I", *SIDES, 4, 2, 1, 100) + names + struct.pack("<Ii", 0, 0)


def pack_bits(values, width):
    total = sum(value << i * width for i, value in enumerate(values))
    return total.to_bytes((len(values) * width + 7) // 8, "little")


def bits_of(data, count):
    return [data[i // 8] >> i % 8 & 1 for i in range(count)]


def words(data, width):
    return [int.from_bytes(data[i:i + width], "little") for i in range(0, len(data), width)]


def multiply(a, s):
    """Of a torus polynomial by a binary one modulo X^N + 1, as one product of integers."""
    N, width = len(a), 80
    product = sum(x << i * width for i, x in enumerate(a))
    product *= sum(x << i * width for i, x in enumerate(s))
    c = [product >> i * width & 2**width - 1 for i in range(2 * N)]
    return [(c[i] - c[i + N]) & M64 for i in range(N)]


def glwe_body(body, key, mask_seed, mask_purpose, noise_seed, noise_purpose, index, p=FAST):
    N = p["N"]
    masks = words(stream(mask_seed, mask_purpose, index, 8 * N * p["k"]), 8)
    for i in range(p["k"]):
        product = multiply(masks[i * N:(i + 1) * N], key[i * N:(i + 1) * N])
        body = [(x + y) & M64 for x, y in zip(body, product)]
    random = words(stream(noise_seed, noise_purpose, index, 8 * N), 8)
    return [(x + noise(r, p["glwe_noise"])) & M64 for x, r in zip(body, random)]


def top(t, bits):
    return (t + 2**(63 - bits) & M64) >> 64 - bits


def pixel(byte, bits):
    return (2 * (2**bits - 1) * byte + 255) // 510


def encrypted_input(key, rng, p=FAST):
    seed, noise_seed = rng.bytes(32), rng.bytes(32)
    unit = 2**(64 - 16 - 4)
    body = [unit * pixel(x, 4) for x in PIXELS] + [0] * (p["N"] - len(PIXELS))
    body = glwe_body(body, key, seed, INPUT_MASK, noise_seed, INPUT_NOISE, 0)
    wire = pack_bits([top(t, p["input_bits"]) for t in body], p["input_bits"])
    return seed + struct.pack("<I", 1) + wire


def ksk_body(row, key, mask_seed, noise_seed, p=FAST):
    mask = words(stream(mask_seed, KSK_MASK, row, 4 * p["n"]), 4)
    coordinate, level = p["n"] + row // p["ks_levels"], row % p["ks_levels"]
    gadget = 2**(32 - p["ks_base"] * (level + 1))
    random = words(stream(noise_seed, KSK_NOISE, row, 8), 8)[0]
    inner = sum(a for a, s in zip(mask, key) if s)  # the short key is a prefix of the long one
    return (inner + key[coordinate] * gadget + noise(random, p["lwe_noise"])) & M32


def ggsw(index, bit, key, mask_seed, noise_seed, p=FAST):
    """One level: row i < k encrypts -bit g S_i, row k bit g."""
    wire, gadget = b"", 2**(64 - p["pbs_base"])
    for i in range(p["k"] + 1):
        body = [-bit * gadget * s & M64 for s in key[i * p["N"]:(i + 1) * p["N"]]]
        if i == p["k"]:
            body = [bit * gadget] + [0] * (p["N"] - 1)
        body = glwe_body(body, key, mask_seed, BSK_MASK, noise_seed, BSK_NOISE,
                         index * (p["k"] + 1) + i)
        wire += pack_bits([top(t, p["bsk_bits"]) for t in body], p["bsk_bits"])
    return wire


def eval_key_begin(key, key_id, rng, p=FAST):
    """Header, seed, key-switching key and the first step's three GGSWs."""
    rows = (p["k"] * p["N"] - p["n"]) * p["ks_levels"]
    ggsw_bytes = (p["k"] + 1) * p["N"] * p["bsk_bits"] // 8
    payload_bytes = 32 + 4 * rows + p["n"] // 2 * 3 * ggsw_bytes
    mask_seed, noise_seed = rng.bytes(32), rng.bytes(32)
    data = header(EVAL_KEY, payload_bytes, True, bytes(range(16)), key_id) + mask_seed
    data += b"".join(struct.pack("<I", ksk_body(r, key, mask_seed, noise_seed))
                     for r in range(rows))
    for term in range(3):  # the values 1, 2, 3 of the first two key bits
        bit = int(key[0] + 2 * key[1] == term + 1)
        data += ggsw(term, bit, key, mask_seed, noise_seed)
    return data


WEIGHTS = [[3, -7, 0, 1, 5, -2], [-1, 2, 7, -4, 0, 6]]
BIAS, RANGE, PEAK = [10, -20], [100, 90], [250, 200]
LAST_WEIGHTS, LAST_BIAS = [7, -3], [-5]


def model():
    data = spec() + struct.pack("<2I", 2, 40)
    data += struct.pack("<4I", 6, 2, 1, 4) + struct.pack("12b", *(WEIGHTS[0] + WEIGHTS[1]))
    data += struct.pack("<6i", *BIAS, *RANGE, *PEAK)
    return data + struct.pack("<4I", 2, 1, 0, 4) + struct.pack("2b", *LAST_WEIGHTS) + struct.pack(
        "<i", *LAST_BIAS)


def circuit():
    """The layout's arithmetic, docs/DESIGN.md "Layout on the torus"."""
    unit = 2**(64 - 16 - 4)
    gains = [min(2**63 // (peak + peak // 4 + rng) // unit, 2**15)
             for peak, rng in zip(PEAK, RANGE)]
    bound = abs(LAST_BIAS[0]) + 127 * sum(abs(w) for w in LAST_WEIGHTS)
    return model() + struct.pack("<Q2i", unit, *gains) + struct.pack("<Qi", 7 * 2**60 // bound, 1)


def make_format():
    rng = Rng(5)
    key_id, glwe_key = rng.bytes(16), rng.bytes(192)
    key = bits_of(glwe_key, 1536)
    client = spec() + struct.pack("<QQIIIi", SCORE_UNIT, 6 * 2**50, 128, 100, 1000, 4000)
    planes = glwe_key + glwe_key[:92]
    keyring = container(KEYRING, client + planes, key_id=key_id)
    image = container(INPUT, encrypted_input(key, rng), key_id=key_id)
    request = digest(b"ppml request 3\0" + image[80:112] + bytes(range(16)) + key_id)
    client_id = digest(b"ppml client 3\0" + PARAMS_DIGEST + bytes(range(16)) + client)
    secret_key = container(SECRET_KEY, client_id + planes, key_id=key_id)
    lwe = [(7 * i * i + 11 * i) % 2**14 for i in range(2 * 1537)]
    scores = struct.pack("<2I", 2, 1) + bytes(range(32)) + pack_bits(lwe[:1537], 14) + pack_bits(lwe[1537:], 14)
    scores = container(OUTPUT, scores, key_id=key_id)
    circuit_id = digest(PARAMS_DIGEST + circuit())
    body = c_bytes("format_params_digest_kat", PARAMS_DIGEST)
    body += c_bytes("format_model_kat", container(MODEL, model(), False, digest(model())))
    body += c_bytes("format_circuit_kat", container(CIRCUIT, circuit(), True, circuit_id))
    body += c_bytes("format_client_kat", container(CLIENT, client))
    body += "/* With its client spec, and alone. */\n"
    body += c_bytes("format_keyring_kat", keyring)
    body += c_bytes("format_secret_key_kat", secret_key)
    body += "/* Of the whole container. */\n"
    body += "enum { FORMAT_INPUT_BYTES = %d, FORMAT_OUTPUT_BYTES = %d };\n" % (len(image),
                                                                               len(scores))
    body += "/* Of what a client uses, and of what an answer to the image carries. */\n"
    body += c_bytes("format_client_id_kat", client_id)
    body += c_bytes("format_request_kat", request)
    body += c_bytes("format_input_digest_kat", digest(image))
    body += c_bytes("format_output_digest_kat", digest(scores))
    begin = eval_key_begin(key, key_id, rng)
    body += "/* Of its first bytes: header, seed, key-switching key, first step. */\n"
    body += "enum { FORMAT_EVAL_KEY_BEGIN_BYTES = %d };\n" % len(begin)
    body += c_bytes("format_eval_key_begin_digest_kat", digest(begin))
    write_header("format", body)


make_digest()
make_rng()
make_format()
