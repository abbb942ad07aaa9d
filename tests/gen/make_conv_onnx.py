#!/usr/bin/env python3
"""Makes ONNX files of convolutions with polynomials, by hand: python3 tests/gen/make_conv_onnx.py, from the
root.  No package is needed: protocol buffers are written field by field.

tests/data/tiny_conv.onnx tells the stripes of tiny_latents.npz, tests/data/tiny_conv_rgb.onnx the colours of
tiny_rgb.npz; fuzz/corpus/onnx_conv has these and what a pooled network cannot express.  tests/kat/
onnx_conv_kat.h has the logits of one input of each, computed here node by node as ONNX defines them."""
import os
import random
import struct

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


# --------------------------------------------------------------------------- protocol buffers

def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def string(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name, shape, values):
    dims = b"".join(number(1, side) for side in shape)
    return dims + number(2, 1) + string(8, name) + string(9, struct.pack("<%df" % len(values), *values))


def integers(name, values):
    return number(1, len(values)) + number(2, 7) + string(8, name) + string(9, struct.pack("<%dq" % len(values), *values))


def ints(name, values):
    return string(1, name) + b"".join(number(8, v) for v in values) + number(20, 7)


def integer(name, value):
    return string(1, name) + number(3, value) + number(20, 2)


def node(op, inputs, output, *attributes):
    return (b"".join(string(1, i) for i in inputs) + string(2, output) + string(3, output) + string(4, op) +
            b"".join(string(5, a) for a in attributes))


def value(name, shape):
    dims = b"".join(string(1, number(1, s) if s else string(2, "N")) for s in shape)
    return string(1, name) + string(2, string(1, number(1, 1) + string(2, dims)))


def model(nodes, constants, shape, outputs):
    graph = b"".join(string(1, n) for n in nodes) + string(2, "g") + b"".join(string(5, c) for c in constants)
    graph += string(11, value("x", [0] + shape)) + string(12, value("y", [0, outputs]))
    return number(1, 8) + string(8, string(1, "") + number(2, 17)) + string(7, graph)


# ------------------------------------------------------------------------------- the networks

def convolve(x, kernel, bias, pad):
    """x [C][H][W], kernel [F][C][k][k]: [F][H + 2 pad - k + 1][..]."""
    C, H, W, k = len(x), len(x[0]), len(x[0][0]), len(kernel[0][0])
    at = lambda c, y, i: x[c][y][i] if 0 <= y < H and 0 <= i < W else 0.0
    return [[[bias[f] + sum(kernel[f][c][a][b] * at(c, y + a - pad, i + b - pad)
                            for c in range(C) for a in range(k) for b in range(k))
              for i in range(W + 2 * pad - k + 1)] for y in range(H + 2 * pad - k + 1)]
            for f in range(len(kernel))]


def flat(x):
    return [v for y in x for v in flat(y)] if isinstance(x, list) else [x]


STRIPES = dict(
    kernel=[[[[0.7, 0.7], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.05]]],
            [[[0.7, 0.0], [0.7, 0.0]], [[0.02, 0.0], [0.0, 0.0]]],
            [[[0.5, -0.5], [0.1, 0.2]], [[0.0, 0.01], [0.0, 0.0]]]],
    bias=[0.05, -0.04, 0.1], gain=[1.2, 0.9, 1.1], shift=[0.1, -0.2, 0.05], mean=[0.02, 0.01, -0.03],
    variance=[0.9, 1.1, 0.8], square=[1.5, 1.4, 0.2], linear=[0.3, -0.2, 0.1],
    dense=[[1.0, -1.1, 0.05], [-1.2, 1.0, 0.02]], dense_bias=[0.1, -0.05])


def stripes_logits(n, x):
    z = convolve(x, n["kernel"], n["bias"], 1)
    a = []
    for f, plane in enumerate(z):
        scale = n["gain"][f] / (n["variance"][f] + 1e-5) ** 0.5
        u = [(v - n["mean"][f]) * scale + n["shift"][f] for v in flat(plane)]
        a.append(sum(n["square"][f] * v * v + n["linear"][f] * v for v in u) / len(u))
    return [b + sum(w * v for w, v in zip(row, a)) for row, b in zip(n["dense"], n["dense_bias"])]


def stripes_model(n, pads=(1, 1, 1, 1), strides=(1, 1), pool="GlobalAveragePool", power=2.0, extra=()):
    nodes = [node("Conv", ["x", "w", "b"], "z", ints("pads", pads), ints("strides", strides)),
             node("BatchNormalization", ["z", "gain", "shift", "mean", "variance"], "u"),
             node("Pow", ["u", "two"], "uu"), node("Mul", ["uu", "square"], "s"),
             node("Mul", ["linear", "u"], "l"), node("Add", ["s", "l"], "a"), *extra,
             node(pool, ["a"], "p"), node("Flatten", ["p"], "row"),
             node("Gemm", ["row", "dense", "dense_bias"], "y", integer("transB", 1))]
    constants = [tensor("w", (3, 2, 2, 2), flat(n["kernel"])), tensor("b", (3,), n["bias"])]
    constants += [tensor(name, (3,), n[name]) for name in ("gain", "shift", "mean", "variance")]
    constants += [tensor(name, (3, 1, 1), n[name]) for name in ("square", "linear")]
    constants += [tensor("two", (), [power]), tensor("dense", (2, 3), flat(n["dense"])),
                  tensor("dense_bias", (2,), n["dense_bias"])]
    return model(nodes, constants, [2, 6, 6], 2)


COLOURS = dict(
    kernel=[[[[float(f == c)]] for c in range(3)] for f in range(3)], bias=[0.1, 0.0, -0.1],
    half=[0.25], dense=[[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]], dense_bias=[0.0, 0.1, 0.0])


def colours_logits(n, x):
    a = []
    for plane in convolve(x, n["kernel"], n["bias"], 0):
        z = flat(plane)
        a.append(sum(0.25 * v * v + v for v in z) / len(z))
    return [b + sum(n["dense"][j][c] * a[j] for j in range(3)) for c, b in enumerate(n["dense_bias"])]


def colours_model(n):
    nodes = [node("Conv", ["x", "w", "b"], "z"), node("Mul", ["z", "z"], "zz"),
             node("Mul", ["zz", "half"], "s"), node("Add", ["s", "z"], "a"),
             node("ReduceMean", ["a"], "p", ints("axes", (2, 3)), integer("keepdims", 0)),
             node("MatMul", ["p", "dense"], "d"), node("Add", ["d", "dense_bias"], "l"),
             node("Softmax", ["l"], "y")]
    constants = [tensor("w", (3, 3, 1, 1), flat(n["kernel"])), tensor("b", (3,), n["bias"]),
                 tensor("half", (1,), n["half"]), tensor("dense", (3, 3), flat(n["dense"])),
                 tensor("dense_bias", (3,), n["dense_bias"])]
    return model(nodes, constants, [3, 6, 6], 3)


# -------------------------------------------------------------------------------------- files

def write(path, data):
    path = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(data)


def refused(n):
    """What a pooled network cannot express, and the words that it is refused by."""
    relu = [node("Relu", ["a"], "r")]
    cube = [node("Mul", ["a", "u"], "cube")]
    return [
        ("bad_pads_same", stripes_model(n, pads=(0, 0, 1, 1)), "drops a rim"),
        ("bad_pads_none", stripes_model(n, pads=(0, 0, 0, 0)), "drops a rim"),
        ("bad_stride", stripes_model(n, strides=(2, 2)), "a stride"),
        ("bad_pool", stripes_model(n, pool="AveragePool"), "pools parts"),
        ("bad_max_pool", stripes_model(n, pool="MaxPool"), "pools parts"),
        ("bad_cube", stripes_model(n, power=3.0), "another power"),
        ("bad_relu", stripes_model(n, extra=relu), "op Relu"),
        ("bad_degree", stripes_model(n, extra=cube), "degree 3"),
    ]


def c_floats(name, values):
    return "static const float %s[] = {%s};\n" % (name, ", ".join("%.9gf" % v if "." in "%.9g" % v or "e" in "%.9g" % v
                                                                 else "%.9g.0f" % v for v in values))


def main():
    rng = random.Random(7)
    stripes, colours = stripes_model(STRIPES), colours_model(COLOURS)
    write("tests/data/tiny_conv.onnx", stripes)
    write("tests/data/tiny_conv_rgb.onnx", colours)
    write("fuzz/corpus/onnx_conv/stripes", stripes)
    write("fuzz/corpus/onnx_conv/colours", colours)
    for name, data, _ in refused(STRIPES):
        write("fuzz/corpus/onnx_conv/" + name, data)
    x = [[[round(rng.gauss(0, 1), 3) for i in range(6)] for y in range(6)] for c in range(2)]
    rgb = [[[round(rng.gauss(0, 1), 3) for i in range(6)] for y in range(6)] for c in range(3)]
    text = "/* Made by tests/gen/make_conv_onnx.py: an input of each file, and the logits of it. */\n"
    text += c_floats("conv_stripes_input", flat(x)) + c_floats("conv_stripes_logits", stripes_logits(STRIPES, x))
    text += c_floats("conv_colours_input", flat(rgb)) + c_floats("conv_colours_logits", colours_logits(COLOURS, rgb))
    text += "\nstatic const struct {\n  const char *name, *words;\n} conv_refused[] = {\n"
    text += "".join('    {"%s", "%s"},\n' % (name, words) for name, _, words in refused(STRIPES)) + "};\n"
    write("tests/kat/onnx_conv_kat.h", text.encode())


main()
