#!/usr/bin/env python3
"""Trains pooled networks behind encoders, runs them encrypted on all test images, and writes the section
of docs/RESULTS.md on latents.

    tools/latents.py build/ppml ../shared/data docs FOLDER

FOLDER keeps what was made: a network that is there with its figures is not made again.  The X-rays of
224x224 pixels are packed from their JPEG files first.  Networks are compared by the cross entropy of
changed validation images; the one that is chosen is the best, and no test figure chooses anything."""
import json
import os
import resource
import subprocess
import sys
import time

MARK = "## Latents and pooled networks\n"
NETWORKS = {
    "X-rays, 224x224": ("xray224.npz", [
        "--encoder 8 --latents 1 --regions 4 --kernel 3",
        "--encoder 8 --latents 2 --regions 4 --kernel 3",
        "--encoder 8 --latents 2 --regions 4 --kernel 3 --latent-bits 4 --weight-bits 4",
    ]),
    "NIH, 64x64, 14 labels": ("nih_chestxray14_64.npz", [
        "--encoder 8 --latents 4 --regions 1 --kernel 3",
        "--encoder 16 --latents 8 --regions 1 --kernel 3",
    ]),
    "PneumoniaMNIST, 28x28": ("pneumoniamnist.npz", [
        "--encoder 1 --latents 1 --regions 4 --kernel 5",
        "--encoder 2 --latents 3 --regions 2 --kernel 3",
        "--encoder 4 --latents 4 --regions 1 --kernel 3",
    ]),
    "RetinaMNIST, 28x28 RGB": ("retinamnist.npz", [
        "--encoder 1 --latents 3 --regions 1 --kernel 3 --absolute --linear none",
        "--encoder 2 --latents 3 --regions 2 --kernel 3 --absolute",
        "--encoder 4 --latents 4 --regions 1 --kernel 3 --absolute --linear none",
    ]),
}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench:
    def __init__(self, ppml, data, folder):
        self.ppml, self.data, self.folder = ppml, data, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        return subprocess.run([self.ppml] + list(arguments), check=True, stdout=subprocess.PIPE).stdout

    def json(self, *arguments):
        return json.loads(self.run(*(arguments + ("--json",))))

    def data_set(self, name):
        path = os.path.join(self.data, name)
        if os.path.exists(path):
            return path
        if not os.path.exists(self.path(name)):
            table = os.path.join(self.data, "chest_xray_pneumonia_224", "labels.csv")
            self.run("pack", table, "-o", self.path(name), "--side", "224")
        return self.path(name)

    def image_cpu_ms(self, circuit, client, data):
        """Processor time of an image on one thread: 60 images more of the same call."""
        sk, ek, image = self.path("sk"), self.path("ek"), self.path("in.ct")
        self.run("keygen", client, "--secret-key", sk, "--eval-key", ek, "--force")
        self.run("encrypt", "--secret-key", sk, data, "--split", "test", "--index", "0", "-o", image)
        times = []
        for count in (10, 70, 10, 70, 10, 70):
            before = cpu_seconds()
            self.run("infer", circuit, "--eval-key", ek, *([image] * count),
                     "-o", self.path("out.ct"), "--threads", "1")
            times.append(cpu_seconds() - before)
        return min(times[1::2]) / 60 * 1e3 - min(times[0::2]) / 60 * 1e3

    def measure(self, data, options):
        model, circuit, client = self.path("model.ppml"), self.path("c.ppml"), self.path("cl.ppml")
        begin, before = time.time(), cpu_seconds()
        trained = self.json("train", data, "-o", model, *options.split())
        row = {"train_s": time.time() - begin, "train_cpu_s": cpu_seconds() - before}
        row["train"] = {k: v for k, v in trained.items() if k != "curve"}
        row["latents"] = self.json("latents", model, data, "-o", self.path("l.npy"))
        row["compile"] = self.json("compile", model, "-o", circuit, "--client", client,
                                   "--agreement", "0")
        row["verify"] = self.json("verify", circuit, data, "--threads", "1")
        row["cpu_ms"] = self.image_cpu_ms(circuit, client, data)
        return row

    def row(self, name, options):
        path = self.path(name + options.replace(" ", "_") + ".json")
        if not os.path.exists(path):
            row = self.measure(self.data_set(name), options)
            with open(path, "w") as out:
                json.dump(row, out)
        with open(path) as file:
            return json.load(file)


def line(options, row, is_chosen):
    v, c, bold = row["verify"], row["compile"], "**" if is_chosen else ""
    shape = row["latents"]
    return "| %s`%s`%s | %dx%dx%d, %.1f dB | %.4g, %.3f | %.4f / %.4f / %.4f | %.4f / %.4f | %.4f | %.3g / %.3g | %s | %.1f | %.2f | %d | %.0f |" % (
        bold, options, bold, shape["latent_height"], shape["latent_width"], shape["latent_channels"],
        shape["psnr_db"], row["train"]["validation"], row["train"]["val"]["auc"],
        v["accuracy_clear"], v["accuracy_simulated"], v["accuracy_encrypted"], v["auc_clear"],
        v["auc_encrypted"], v["agreement"], v["score_error_std"], v["score_error_std_predicted"],
        c["params"]["name"], row["cpu_ms"], v["eval_key_wire_bytes"] / 1e6, v["input_bytes"],
        row["train_cpu_s"])


HEAD = """`ppml train OPTIONS`, `ppml compile`, `ppml verify` on one thread, by `tools/latents.py`: every test image encrypted, one run, one key each. CE is
the cross entropy of changed validation images, by which networks are compared, **bold** the best; AUC beside it is of validation images as they are. PSNR is that of pictures
made of the latents of the test images. "ms" is processor time of one image on one thread, %s. Scores are compared as in the tables above.
"""


def section(bench):
    text = MARK + "\n" + HEAD % bench.machine
    for title, (name, networks) in NETWORKS.items():
        rows = [(o, bench.row(name, o)) for o in networks]
        best = min(r["train"]["validation"] for _, r in rows)
        text += "\n### %s\n\n" % title
        text += ("| network | latents, PSNR | validation CE, AUC | ACC clear / simulated / encrypted | AUC clear / encrypted | "
                 "agreement | score noise measured / predicted | set | ms | key, MB | image, bytes | training, CPU s |\n")
        text += "|---" * 12 + "|\n"
        text += "".join(line(o, r, r["train"]["validation"] == best) + "\n" for o, r in rows)
    return text


def main():
    ppml, data, docs, folder = sys.argv[1:5]
    os.makedirs(folder, exist_ok=True)
    bench = Bench(ppml, data, folder)
    bench.machine = "%s backend" % bench.json("bench", "--params", "pooled-16")["backend"]
    if len(sys.argv) > 5:
        bench.machine += ", " + sys.argv[5]
    path = os.path.join(docs, "RESULTS.md")
    with open(path) as file:
        old = file.read()
    new = section(bench)
    notes = old[old.index("### What they say"):] if "### What they say" in old else ""
    with open(path, "w") as out:
        out.write(old.split(MARK)[0].rstrip() + "\n\n" + new + ("\n" + notes if notes else ""))


main()
