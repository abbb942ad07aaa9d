#!/usr/bin/env python3
"""Writes docs/design.svg: the way of an image to its score, for each kind of parameter set.

    python3 tools/design.py           writes it
    python3 tools/design.py --check   exit status 1 if the file is not what this script makes

A step is (who, what it makes, how, header that does it).  `make lint` checks the file, and that every
header that the picture names is there."""
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PATH = os.path.join(ROOT, "docs", "design.svg")

CLIENT, SERVER = "#1b6ca8", "#d1495b"
C, S = "client", "server"
# name, what it is for, steps
KINDS = (
    ("rounded", "hidden layers of relu, sign, square or a table: fast, balanced, precise, finest",
     ((C, "encrypted image", "ciphertexts of all pixels", "client/encrypt.h"),
      (S, "accumulators", "weights times pixels", "server/first_layer.h"),
      (S, "activations", "one bootstrap a neuron", "server/bootstrap.h"),
      (S, "accumulators", "dense layer; again", "server/layers.h"),
      (S, "scores", "switched to 14 bits", "server/switch_down.h"),
      (C, "answer", "label, rounded %", "client/decrypt.h"))),
    ("exact", "one hidden layer of relu or sign, scores without an error: exact",
     ((C, "encrypted image", "ciphertexts of all pixels", "client/encrypt.h"),
      (S, "accumulators", "weights times pixels", "server/first_layer.h"),
      (S, "activations", "1 to 11 bootstraps a neuron", "server/rounds.h"),
      (S, "scores", "dense layer", "server/layers.h"),
      (S, "scores", "switched to 26 bits", "server/switch_down.h"),
      (C, "answer", "label, rounded %", "client/decrypt.h"))),
    ("leveled", "one hidden layer of squares, no bootstrap: leveled-16 to leveled-128",
     ((C, "encrypted image", "a ciphertext a pixel block", "client/encrypt.h"),
      (S, "H and V", "weights times blocks", "server/products.h"),
      (S, "H", "trace: only neurons are left", "cipher/glweswitch_apply.h"),
      (S, "H V", "product, relinearized", "cipher/tensor.h"),
      (S, "scores", "one coefficient, 24 bits", "server/switch_down.h"),
      (C, "answer", "label, rounded %", "client/decrypt.h"))),
    ("pooled", "squares of convolutions, averaged over regions: pooled-16 to pooled-64",
     ((C, "latents", "patches by public weights", "network/encoder.h"),
      (C, "ciphertext", "one for all latents", "client/pooled_encode.h"),
      (S, "regions", "unpacked, a ciphertext each", "cipher/unpack.h"),
      (S, "sum of H V", "products, added up", "server/pooled_evaluate.h"),
      (S, "scores", "one coefficient, 24 bits", "server/switch_down.h"),
      (C, "answer", "label, rounded %", "client/decrypt.h"))),
    ("linear", "no hidden layer, no evaluation key: linear",
     ((C, "encrypted image", "a word a pixel, in turn", "client/linear_encrypt.h"),
      (S, "scores", "weighted pixels, 16 bits", "server/linear_score.h"),
      (C, "answer", "label, rounded %", "client/decrypt.h"))),
    ("learning", "a linear model of public features, from encrypted images",
     ((C, "features", "frequencies, whitened", "network/features.h"),
      (C, "rows", "features of many images", "client/rows_encrypt.h"),
      (S, "residuals", "products, a bootstrap each", "server/descent.h"),
      (S, "weights", "a bootstrap a feature; again", "server/descent.h"),
      (S, "model", "packed, still encrypted", "server/collect.h"),
      (C, "model", "decrypted, 8-bit weights", "client/reveal.h"))),
)

WIDE, BOX_W, BOX_H, LEFT, TOP, ROW = 1150, 168, 64, 20, 46, 104
LETTERS = 28  # of a box, in the widest of common fonts


def text(x, y, words, extra=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return '<text x="%d" y="%d"%s>%s</text>' % (x, y, extra, words)


def box(x, y, step):
    who, makes, how, header = step
    colour = CLIENT if who == C else SERVER
    middle = x + BOX_W // 2
    return ['<rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="%s" fill-opacity="0.10" stroke="%s"/>'
            % (x, y, BOX_W, BOX_H, colour, colour),
            text(middle, y + 19, makes, ' text-anchor="middle" font-weight="bold"'),
            text(middle, y + 36, how, ' text-anchor="middle"'),
            text(middle, y + 54, header, ' text-anchor="middle" fill="%s" font-size="10"' % colour)]


def arrow(x, y, room, travels):
    """To the next box; over the network where it crosses from client to server or back."""
    dash = ' stroke-dasharray="4 3"' if travels else ""
    return '<path d="M%d %d h%d" stroke="#333"%s marker-end="url(#tip)"/>' % (x + 2, y, room - 6, dash)


def row(y, kind):
    name, use, steps = kind
    out = [text(LEFT, y, name, ' font-size="14" font-weight="bold"'), text(LEFT + 84, y, use)]
    room = (WIDE - 2 * LEFT - 6 * BOX_W) // 5
    for i, step in enumerate(steps):
        x = LEFT + i * (BOX_W + room)
        out += box(x, y + 10, step)
        if i + 1 < len(steps):
            out.append(arrow(x + BOX_W, y + 10 + BOX_H // 2, room, step[0] != steps[i + 1][0]))
    return out


def picture():
    high = TOP + ROW * len(KINDS)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
           'font-size="11" fill="#333">' % (WIDE, high),
           '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
           'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#333"/></marker></defs>',
           '<rect width="100%" height="100%" fill="white"/>',
           text(LEFT, 20, "client", ' font-weight="bold" fill="%s"' % CLIENT),
           text(LEFT + 56, 20, "server, on ciphertexts", ' font-weight="bold" fill="%s"' % SERVER),
           text(LEFT + 210, 20, "dashed: over the network; under each step the header that does it")]
    for i, kind in enumerate(KINDS):
        out += row(TOP + ROW * i + 6, kind)
    return "\n".join(out) + "\n</svg>\n"


def problems():
    """Headers that are not there, and words too long for a box."""
    for step in sorted({step for kind in KINDS for step in kind[2]}):
        if not os.path.exists(os.path.join(ROOT, "ppml_impl", step[3])):
            yield "no header ppml_impl/" + step[3]
        if max(map(len, step)) > LETTERS:
            yield "too long for a box: " + max(step, key=len)


def main():
    found = list(problems())
    if "--check" not in sys.argv:
        open(PATH, "w").write(picture())
    elif not os.path.exists(PATH) or open(PATH).read() != picture():
        found.append("docs/design.svg is not what tools/design.py makes (run it)")
    for problem in found:
        print("design: " + problem)
    print("design: %d kinds, %d problems" % (len(KINDS), len(found)))
    return 1 if found else 0


sys.exit(main())
