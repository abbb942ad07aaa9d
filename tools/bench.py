#!/usr/bin/env python3
"""Runs `ppml bench` and `ppml verify`, and writes docs/BENCHMARKS.md and docs/benchmarks.svg.

    tools/bench.py build/ppml ../shared/data docs

Every figure is a median that the command itself reports from one run on this machine; the
cost by hidden neurons needs pneumoniamnist.npz and is left out, with a word, without it."""
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile

SETS = ("fast", "balanced", "precise", "fast-block2")
BACKENDS = ("avx512", "avx2", "neon", "ref")
HIDDEN = (4, 8, 16, 32, 64)
VERIFY_IMAGES = 40
COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8d6a9f")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def bench(ppml, **options):
    words = [w for name, value in options.items() for w in ("--" + name, str(value))]
    return json.loads(run(ppml, "bench", "--json", *words))


def has_backend(ppml, backend):
    """A backend that the CPU lacks is refused before anything is timed."""
    done = subprocess.run([ppml, "bench", "--json", "--backend", backend], capture_output=True, text=True)
    return done.returncode == 0


def machine():
    """Model name and caches, as the system tells them."""
    text = {}
    for line in run("lscpu").splitlines():
        name, _, value = line.partition(":")
        text[name.strip()] = value.strip()
    names = ("Model name", "CPU family", "Model", "CPU(s)", "L1d cache", "L2 cache", "L3 cache")
    return ", ".join("%s %s" % (n, text[n]) for n in names if n in text)


def by_hidden(ppml, data):
    """Latency and accuracy by hidden neurons: [(H, params, verify)], one thread."""
    archive = os.path.join(data, "pneumoniamnist.npz")
    if not os.path.exists(archive):
        return []
    rows = []
    with tempfile.TemporaryDirectory() as work:
        at = lambda name: os.path.join(work, name)
        for hidden in HIDDEN:
            run(ppml, "train", archive, "-o", at("m"), "--hidden", str(hidden))
            for params in ("fast", "precise"):
                run(ppml, "compile", at("m"), "-o", at("c"), "--client", at("cl"), "--params", params)
                rows.append((hidden, params, json.loads(run(
                    ppml, "verify", at("c"), archive, "--threads", "1", "--count", str(VERIFY_IMAGES), "--json"))))
    return rows


# ------------------------------------------------------------------- picture

class Panel:
    """One chart: lines over named places on the x axis, from zero up."""
    WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 420, 260, 56, 44, 34

    def __init__(self, title, x_label, places):
        self.title, self.x_label, self.places, self.series = title, x_label, [str(p) for p in places], []

    def add(self, name, values):
        self.series.append((name, values))

    def svg(self, x0, y0):
        most = max(v for _, values in self.series for v in values)
        step = next(s for s in (m * 10.0 ** e for e in range(-3, 7) for m in (1, 2, 5)) if 5 * s >= most)
        top = 1.1 * 5 * step
        x = lambda i: x0 + self.LEFT + (i + 0.5) * (self.WIDTH - self.LEFT - 12) / len(self.places)
        y = lambda v: y0 + self.HEIGHT - self.BOTTOM - v / top * (self.HEIGHT - self.BOTTOM - self.TOP)
        out = ['<text x="%d" y="%d" class="title">%s</text>' % (x0 + 8, y0 + 18, self.title)]
        for tick in range(6):
            v = step * tick
            out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/>'
                       % (x0 + self.LEFT, x0 + self.WIDTH - 12, y(v), y(v)))
            out.append('<text x="%d" y="%.1f" text-anchor="end">%g</text>' % (x0 + self.LEFT - 6, y(v) + 4, v))
        for i, place in enumerate(self.places):
            out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                       % (x(i), y0 + self.HEIGHT - self.BOTTOM + 16, place))
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                   % (x0 + self.WIDTH / 2 + 20, y0 + self.HEIGHT - 8, self.x_label))
        for n, (name, values) in enumerate(self.series):
            colour = COLOURS[n % len(COLOURS)]
            points = " ".join("%.1f,%.1f" % (x(i), y(v)) for i, v in enumerate(values))
            out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (points, colour))
            out += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (x(i), y(v), colour)
                    for i, v in enumerate(values)]
            out.append('<text x="%d" y="%d" text-anchor="end" fill="%s">%s</text>'
                       % (x0 + self.WIDTH - 14, y0 + 34 + 14 * n, colour, name))
        return out


def picture(panels):
    rows = (len(panels) + 1) // 2
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="860" height="%d" font-family="sans-serif" '
           'font-size="11" fill="#333">' % (280 * rows + 10),
           "<style>.title{font-size:13px;font-weight:bold}.grid{stroke:#ddd}</style>",
           '<rect width="100%" height="100%" fill="white"/>']
    for i, panel in enumerate(panels):
        out += panel.svg(10 + 430 * (i % 2), 10 + 280 * (i // 2))
    return "\n".join(out + ["</svg>", ""])


# -------------------------------------------------------------------- report

def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])


def main():
    ppml, data, out = sys.argv[1:4]
    cores = os.cpu_count() or 1
    backends = [b for b in BACKENDS if has_backend(ppml, b)]
    sets = {s: bench(ppml, params=s, threads=cores) for s in SETS}
    units = {b: bench(ppml, params="fast", backend=b) for b in backends}
    hidden = by_hidden(ppml, data)
    batches = list(sets["fast"]["pbs_ms"])

    by_batch = Panel("Key switch and bootstrap by batch, ms", "batch, one thread, best backend", batches)
    for s in SETS:
        by_batch.add(s, [sets[s]["pbs_ms"][b] for b in batches])
    by_backend = Panel("Key switch and bootstrap by backend, ms", "set fast, batch of 16, one thread", backends)
    by_backend.add("fast", [units[b]["pbs_ms"]["16"] for b in backends])
    by_threads = Panel("Bootstraps a second by threads", "threads, batch of 16 each", (1, cores))
    for s in SETS:
        by_threads.add(s, [1e3 / sets[s]["pbs_ms"]["16"], 1e3 / sets[s]["pbs_threads_ms"]["16"]])
    panels = [by_batch, by_backend, by_threads]
    if hidden:
        cost = Panel("PneumoniaMNIST: ms an image by hidden neurons", "hidden neurons, one thread", HIDDEN)
        for s in ("fast", "precise"):
            cost.add(s, [v["latency_ms"]["median"] for _, params, v in hidden if params == s])
        panels.append(cost)
    with open(os.path.join(out, "benchmarks.svg"), "w") as f:
        f.write(picture(panels))

    version = run(ppml, "--version").strip()
    compiler = run(os.environ.get("CC", "cc"), "--version").splitlines()[0]
    text = ["# Benchmarks", "",
            "Written by `make bench` on %s: %s, %s, %s." % (datetime.date.today(), version, compiler, platform.system()),
            "Machine: %s; shared and not idle, so read ratios." % machine(),
            "Every figure is a median of one run; bootstraps are with their key switch, amortized over the batch.",
            "", "![time by batch, backend, threads, hidden neurons](benchmarks.svg)", "",
            "## By parameter set (%s, one thread)" % sets["fast"]["backend"], "",
            table(["set", "security"] + ["batch %s, ms" % b for b in batches]
                  + ["%d threads, batch 16, ms" % cores, "key switch, us", "external product, us",
                     "key generation, ms", "key on the wire, MB", "in memory, MB"],
                  [[s, "%.1f" % r["security_bits"]] + ["%.3f" % r["pbs_ms"][b] for b in batches]
                   + ["%.3f" % r["pbs_threads_ms"]["16"], "%.1f" % r["key_switch_us"],
                      "%.2f" % r["external_product_us"], "%.0f" % r["keygen_ms"],
                      "%.2f" % (r["eval_key_wire_bytes"] / 1e6), "%.1f" % (r["eval_key_bytes"] / 1e6)]
                   for s, r in sets.items()]),
            "", "`fast-block2` rests on block-binary keys, a stronger assumption than the others (NOISE.md).", "",
            "## By backend (set fast, one thread)", "",
            table(["backend"] + ["FFT of %s points, ns" % p for p in units[backends[0]]["fft_ns"]]
                  + ["inverse, ns"] + ["batch %s, ms" % b for b in batches],
                  [[b] + ["%.0f" % v for v in r["fft_ns"].values()]
                   + [" / ".join("%.0f" % v for v in r["fft_inverse_ns"].values())]
                   + ["%.3f" % r["pbs_ms"][n] for n in batches] for b, r in units.items()]),
            "", "## By hidden neurons (PneumoniaMNIST, one image at a time, one thread)", ""]
    if hidden:
        text.append(table(
            ["hidden neurons", "set", "ms an image", "first %d test images: clear" % VERIFY_IMAGES, "encrypted", "agreement"],
            [[h, p, "%.1f" % v["latency_ms"]["median"], "%.3f" % v["accuracy_clear"],
              "%.3f" % v["accuracy_encrypted"], "%.3f" % v["agreement"]] for h, p, v in hidden]))
    else:
        text.append("Left out: pneumoniamnist.npz was not there.")
    with open(os.path.join(out, "BENCHMARKS.md"), "w") as f:
        f.write("\n".join(text) + "\n")


main()
