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

from chart import Places, machine, picture, run, table

SETS = ("fast", "balanced", "precise", "finest", "exact", "fast-block2")
LEVELED = ("leveled-16", "leveled-32", "leveled-64", "leveled-128")
BACKENDS = ("avx512", "avx2", "neon", "ref")
HIDDEN = (4, 8, 16, 32, 64)
PATHS = {"fast": "relu", "precise": "relu", "leveled": "square"}
VERIFY_IMAGES = 40


def bench(ppml, **options):
    words = [w for name, value in options.items() for w in ("--" + name, str(value))]
    return json.loads(run(ppml, "bench", "--json", *words))


def has_backend(ppml, backend):
    """A backend that the CPU lacks is refused before anything is timed."""
    done = subprocess.run([ppml, "bench", "--json", "--backend", backend], capture_output=True, text=True)
    return done.returncode == 0


def by_hidden(ppml, data):
    """Latency and accuracy by hidden neurons: [(H, path, verify)], one thread; a path is a set,
    or the smallest leveled one that has slots enough."""
    archive = os.path.join(data, "pneumoniamnist.npz")
    if not os.path.exists(archive):
        return []
    rows = []
    with tempfile.TemporaryDirectory() as work:
        at = lambda name: os.path.join(work, name)
        for hidden in HIDDEN:
            for path, activation in PATHS.items():
                run(ppml, "train", archive, "-o", at("m"), "--hidden", str(hidden), "--activation", activation,
                    "--seeds", "1")
                slots = max(16, hidden)
                params = "leveled-%d" % slots if path == "leveled" else path
                run(ppml, "compile", at("m"), "-o", at("c"), "--client", at("cl"), "--params", params)
                rows.append((hidden, path, json.loads(run(
                    ppml, "verify", at("c"), archive, "--threads", "1", "--count", str(VERIFY_IMAGES), "--json"))))
    return rows


def by_leveled_set(sets, cores):
    """A table of leveled sets: [(set, bench)]."""
    batches = list(sets[0][1]["image_ms"])
    return table(
        ["set", "security"] + ["batch %s, ms" % b for b in batches]
        + ["%d threads, batch 16, ms" % cores, "GLWE key switch, us", "trace step, us", "product, us",
           "encryption, ms", "decryption, ms", "key generation, ms", "key on the wire, MB", "in memory, MB",
           "image, KB", "answer, KB"],
        [[s, "%.1f" % r["security_bits"]] + ["%.3f" % r["image_ms"][b] for b in batches]
         + ["%.3f" % r["image_threads_ms"]["16"], "%.1f" % r["glwe_switch_us"], "%.1f" % r["trace_step_us"],
            "%.1f" % r["product_us"], "%.1f" % r["encrypt_ms"], "%.3f" % r["decrypt_ms"], "%.0f" % r["keygen_ms"],
            "%.2f" % (r["eval_key_wire_bytes"] / 1e6), "%.1f" % (r["eval_key_bytes"] / 1e6),
            "%.1f" % (r["input_bytes"] / 1e3), "%.1f" % (r["output_bytes"] / 1e3)]
         for s, r in sets])


# -------------------------------------------------------------------- report

def main():
    ppml, data, out = sys.argv[1:4]
    cores = os.cpu_count() or 1
    backends = [b for b in BACKENDS if has_backend(ppml, b)]
    sets = {s: bench(ppml, params=s, threads=cores) for s in SETS}
    leveled = [(s, bench(ppml, params=s, threads=cores)) for s in LEVELED]
    units = {b: bench(ppml, params="fast", backend=b) for b in backends}
    hidden = by_hidden(ppml, data)
    batches = list(sets["fast"]["pbs_ms"])

    by_batch = Places("Key switch and bootstrap by batch, ms", "batch, one thread, best backend", batches)
    for s in SETS:
        by_batch.add(s, [sets[s]["pbs_ms"][b] for b in batches])
    by_backend = Places("Key switch and bootstrap by backend, ms", "set fast, batch of 16, one thread", backends)
    by_backend.add("fast", [units[b]["pbs_ms"]["16"] for b in backends])
    by_threads = Places("Bootstraps a second by threads", "threads, batch of 16 each", (1, cores))
    for s in SETS:
        by_threads.add(s, [1e3 / sets[s]["pbs_ms"]["16"], 1e3 / sets[s]["pbs_threads_ms"]["16"]])
    panels = [by_batch, by_backend, by_threads]
    if hidden:
        cost = Places("PneumoniaMNIST: ms an image by hidden neurons", "hidden neurons, one thread", HIDDEN)
        for s in PATHS:
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
            "## By leveled set (%s, one thread)" % leveled[0][1]["backend"], "",
            "A whole image of 28x28 pixels, and as many hidden neurons as the set has slots; no bootstraps.", "",
            by_leveled_set(leveled, cores), "",
            "## By backend (set fast, one thread)", "",
            table(["backend"] + ["FFT of %s points, ns" % p for p in units[backends[0]]["fft_ns"]]
                  + ["inverse, ns"] + ["batch %s, ms" % b for b in batches],
                  [[b] + ["%.0f" % v for v in r["fft_ns"].values()]
                   + [" / ".join("%.0f" % v for v in r["fft_inverse_ns"].values())]
                   + ["%.3f" % r["pbs_ms"][n] for n in batches] for b, r in units.items()]),
            "", "## By hidden neurons (PneumoniaMNIST, one image at a time, one thread)", ""]
    if hidden:
        text.append(table(
            ["hidden neurons", "set", "activation", "ms an image", "first %d test images: clear" % VERIFY_IMAGES, "encrypted", "agreement"],
            [[h, v["params"], PATHS[p], "%.2f" % v["latency_ms"]["median"], "%.3f" % v["accuracy_clear"],
              "%.3f" % v["accuracy_encrypted"], "%.3f" % v["agreement"]] for h, p, v in hidden]))
    else:
        text.append("Left out: pneumoniamnist.npz was not there.")
    with open(os.path.join(out, "BENCHMARKS.md"), "w") as f:
        f.write("\n".join(text) + "\n")


main()
