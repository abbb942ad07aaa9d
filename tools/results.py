#!/usr/bin/env python3
"""Trains, plans, simulates and runs encrypted networks of all shapes on every data set at hand,
and writes docs/RESULTS.md and docs/results.svg.

    tools/results.py build/ppml ../shared/data docs build/results [--images N] [--exact N]

Every network is trained once and its result kept in the fourth folder, so an interrupted run goes
on where it was.  Networks of leveled sets, and those marked in the tables, are run on all test
images, others on the first N.  --exact N: the same for networks that the planner leaves to the
set exact.  No figure of the test split chooses anything."""
import argparse
import concurrent.futures
import datetime
import json
import math
import os
import subprocess

from chart import Plane, machine, picture, table

HIDDEN = (8, 16, 32, 64, 128)
ACTIVATIONS = ("square", "relu", "sign", "clipped-square")
# Title, training, training of squares beside that, the agreement asked of the planner.  Settled by
# changed validation images; for NIH, which has 94 of them, by five folds of training and validation.
DATA = {
    "pneumoniamnist": ("PneumoniaMNIST", [], [], ["--agreement", "0.9975"]),
    "retinamnist": ("RetinaMNIST", ["--task", "grade", "--flip", "hv", "--balance", "0"], [],
                    ["--agreement", "0.98"]),
    "nih_chestxray14_28": ("NIH, 28x28", ["--flip", "h"], ["--epochs", "120", "--rate", "0.01"],
                           ["--agreement", "0.9"]),
    "nih_chestxray14_64": ("NIH, 64x64", ["--flip", "h"], ["--epochs", "120", "--rate", "0.01"],
                           ["--agreement", "0.9"]),
}


def shapes():
    for depth in (1, 2):
        for activation in ACTIVATIONS[depth - 1:]:  # squares have one hidden layer
            for hidden in HIDDEN:
                yield activation, str(hidden) if depth == 1 else "%d,%d" % (hidden, hidden // 2)


def ppml(arguments, *words, check=True):
    done = subprocess.run([arguments.ppml, *words], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError("ppml %s: %s" % (" ".join(words), done.stderr.strip()))
    return done


class Network:
    """One row: a network of one data set, and what is known of it."""

    def __init__(self, arguments, data, activation, hidden):
        self.arguments, self.data, self.activation, self.hidden = arguments, data, activation, hidden
        self.archive = os.path.join(arguments.data, data + ".npz")
        self.verified = self.verified_exact = None
        self.name = "%s-%s-%s" % (data, activation, hidden.replace(",", "x"))

    def at(self, kind):
        return os.path.join(self.arguments.work, self.name + "." + kind)

    def kept(self, kind, make):
        """The JSON of a step, made once."""
        if not os.path.exists(self.at(kind)):
            text = make()
            with open(self.at(kind) + ".new", "w") as f:
                f.write(text)
            os.rename(self.at(kind) + ".new", self.at(kind))
        with open(self.at(kind)) as f:
            return json.load(f)

    def train(self):
        _, options, of_squares, _ = DATA[self.data]
        options = options + (of_squares if self.activation == "square" else [])
        self.trained = self.kept("train.json", lambda: ppml(
            self.arguments, "train", self.archive, "-o", self.at("model"), "--hidden", self.hidden,
            "--activation", self.activation, "--seeds", "1", "--threads", "1", "--json",
            *options).stdout)

    def compile(self, kind, *options):
        """What `ppml compile` says of a circuit, or None where it refuses."""
        done = ppml(self.arguments, "compile", self.at("model"), "-o", self.at(kind + "circuit"), "--client",
                    self.at(kind + "client"), "--no-calibration", "--json", *options, check=False)
        if done.returncode not in (0, 77):
            raise RuntimeError(self.name + ": " + done.stderr)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def plan(self):
        """What the planner takes, and the circuit to be run: where the planner takes no set with
        noise, that of the set with the least."""
        def make():
            circuit = self.compile("", *DATA[self.data][3])
            taken = circuit["params"]["name"] if circuit else "none"
            if taken in ("exact", "none") and self.activation != "square":
                circuit = self.compile("", "--params", "finest")
            return json.dumps({"taken": taken, "circuit": circuit})

        plan = self.kept("plan.json", make)
        self.taken, self.planned = plan["taken"], plan["circuit"]

    def is_whole(self):
        """Were all test images run encrypted?"""
        return self.verified is not None and self.verified["images"] == self.trained["test"]["images"]

    def is_promised(self):
        """Does the planner promise the agreement asked for, by a set with noise?"""
        return self.taken not in ("exact", "none")

    def is_leveled(self):
        return self.taken.startswith("leveled")

    def run(self, kind, images):
        """`ppml verify` of a circuit, on one thread where threads have nothing to share."""
        done = ppml(self.arguments, "verify", self.at(kind + "circuit"), self.archive, "--json",
                    *(["--threads", "1"] if self.is_leveled() else []),
                    *([] if images is None else ["--count", str(images)]), check=False)
        if done.returncode not in (0, 70, 77):
            raise RuntimeError(self.name + ": " + done.stderr)
        return done.stdout

    def verify(self, images):
        kind = "verify.json" if images is None else "verify-%d.json" % images
        if os.path.exists(self.at("verify.json")):
            kind = "verify.json"
        if self.planned and images != 0:
            self.verified = self.kept(kind, lambda: self.run("", images))

    def verify_exact(self, images):
        """The exact mode on some images."""
        kind = "exact.json" if images is None else "exact-%d.json" % images
        if os.path.exists(self.at("exact.json")):
            kind = "exact.json"

        def make():
            self.compile("exact.", "--params", "exact")
            return self.run("exact.", images)

        self.verified_exact = self.kept(kind, make)


# -------------------------------------------------------------------- report

def contained(v, what, measured):
    p = v["predicted"]
    return p[what + "_low"] - 1e-9 <= measured <= p[what + "_high"] + 1e-9


def is_as_predicted(v):
    return (contained(v, "agreement", v["agreement"])
            and contained(v, "score_error_std", v["score_error_std"]))


def name(n, best):
    return ("**%s**" if n in best else "%s") % n.hidden.replace(",", ", ")


def network_row(n, best):
    test = n.trained["test"]
    agreement = "%.4f" % n.planned["agreement_predicted"] if n.planned else ""
    shown = "" if n.is_promised() or not n.planned else "with finest "
    return [name(n, best), n.activation, "%.4f" % n.trained["validation"], "%.4f" % test["accuracy"],
            "%.4f" % test["auc"], n.taken, shown + agreement, n.planned["pbs_per_image"] if n.planned else ""]


def encrypted_row(n, best):
    v, p = n.verified, n.verified["predicted"]
    return [name(n, best), n.activation, "%.4f" % v["accuracy_clear"], "%.4f" % v["accuracy_simulated"],
            "%.4f" % v["accuracy_encrypted"], "%.4f" % v["auc_clear"], "%.4f" % v["auc_simulated"],
            "%.4f" % v["auc_encrypted"],
            "%.4f in %.4f..%.4f" % (v["agreement"], p["agreement_low"], p["agreement_high"]),
            "%.3g in %.3g..%.3g" % (v["score_error_std"], p["score_error_std_low"],
                                    p["score_error_std_high"]),
            "yes" if is_as_predicted(v) else "NO",
            v["params"] + ("" if n.is_promised() else ", not %s" % n.taken), v["pbs_per_image"],
            "%.3g" % v["latency_ms"]["median"], v["images"]]


def summary_row(n, why):
    v = n.verified
    return [DATA[n.data][0], why, n.hidden.replace(",", ", "), n.activation, v["params"],
            " / ".join("%.4f" % v["accuracy_" + run] for run in ("clear", "simulated", "encrypted")),
            "%.4f" % v["agreement"], "%.4f / %.4f" % (v["auc_clear"], v["auc_encrypted"]),
            "%.2g, %d thread%s" % (v["latency_ms"]["median"], v["threads"], "s" * (v["threads"] > 1)),
            "%.2g / %.2g" % (v["client_ms"]["encrypt"], v["client_ms"]["decrypt"]),
            v["pbs_per_image"], "%.1f" % (v["eval_key_wire_bytes"] / 1e6), v["input_bytes"],
            v["output_bytes"], v["images"]]


def exact_row(n):
    v = n.verified_exact
    return [DATA[n.data][0], n.hidden.replace(",", ", "), n.activation, v["images"], v["scores_identical"],
            v["pbs_per_image"], "%.0f" % v["latency_ms"]["median"], "%.1f" % (v["eval_key_wire_bytes"] / 1e6),
            v["input_bytes"], v["output_bytes"]]


NETWORK_HEAD = ["hidden", "activation", "validation", "ACC", "AUC", "`compile` takes",
                "agreement by the planner", "bootstraps"]
ENCRYPTED_HEAD = ["hidden", "activation", "ACC clear", "simulated", "encrypted", "AUC clear", "simulated",
                  "encrypted", "agreement", "score noise", "as predicted", "set", "bootstraps", "ms",
                  "images"]
SUMMARY_HEAD = ["data", "chosen as", "hidden", "activation", "set", "ACC clear / simulated / encrypted",
                "agreement", "AUC clear / encrypted", "server ms", "client ms", "bootstraps", "key, MB",
                "image, bytes", "answer, bytes", "images"]
EXACT_HEAD = ["data", "hidden", "activation", "images", "of them with identical scores", "bootstraps", "ms",
              "key on the wire, MB", "image, bytes", "answer, bytes"]


def charts(networks):
    time = Plane("ACC encrypted against ms an image", "ms; one thread below 20, two above", log_x=True)
    noise = Plane("Score noise, measured (up) against predicted", "predicted", log_x=True, log_y=True)
    noise.diagonal = True
    loss = Plane("Training loss by epoch, square, PneumoniaMNIST", "epoch")
    quality = Plane("Changed validation images, the same networks", "epoch")
    time.legend_top, noise.legend_top, quality.legend_top = 100, 160, 130
    for data, (title, *_) in DATA.items():
        mine = [n for n in networks if n.data == data and n.is_whole()]
        noise.add(title, [(n.verified["predicted"]["score_error_std_expected"],
                           n.verified["score_error_std"]) for n in networks
                          if n.data == data and n.verified and n.verified["score_error_std"] > 0])
        time.add(title, [(n.verified["latency_ms"]["median"], n.verified["accuracy_encrypted"])
                         for n in mine])
    for n in networks:
        if n.data == "pneumoniamnist" and n.activation == "square":
            first = n.trained["curve"][0]["seed"]
            curve = [c for c in n.trained["curve"] if c["seed"] == first]
            loss.add("H = " + n.hidden, [(c["epoch"], c["loss"]) for c in curve], line=True)
            quality.add("H = " + n.hidden, [(c["epoch"], c["validation"]) for c in curve], line=True)
    return picture([time, noise] + ([loss, quality] if loss.series else []))


def head(arguments):
    return ["# Results", "",
            "Written by `make results` on %s: %s. Machine: %s; shared and not idle."
            % (datetime.date.today(), ppml(arguments, "--version").stdout.strip(), machine()), ""]


def summary(networks, choice):
    """The networks that a reader asks for first."""
    rows = [(n, "choice") for n in choice]
    for n in networks:
        if n.data == "pneumoniamnist" and n.is_leveled() and n not in choice:
            best = max((m for m in networks if m.data == n.data and m.is_leveled()), key=validation)
            rows += [(n, "H = 16")] if n.hidden == "16" else [(n, "best validation")] if n is best else []
    rows.sort(key=lambda row: list(DATA).index(row[0].data))
    return [table(SUMMARY_HEAD, [summary_row(n, why) for n, why in rows if n.is_whole()]), ""]


def counted(runs, what):
    """How many networks were run on how many images."""
    whole = [n for n, _, is_whole in runs if is_whole]
    part = {}
    for n, images, is_whole in runs:
        if not is_whole:
            part[images] = part.get(images, 0) + 1
    said = (["%d on all test images" % len(whole)] if whole else []) + [
        "%d on the first %d" % (count, images) for images, count in sorted(part.items())]
    return "%s: %s" % (what, " and ".join(said) or "none")


def counts(networks):
    run = [n for n in networks if n.verified]
    exact = [n for n in networks if n.verified_exact]
    as_predicted = sum(is_as_predicted(n.verified) for n in run)
    identical = sum(n.verified_exact["scores_identical"] for n in exact)
    images = sum(n.verified_exact["images"] for n in exact)
    runs = lambda some: [(n, n.verified["images"], n.is_whole()) for n in some]
    return ["Of %d networks, %d were run encrypted by sets with noise; measured agreement and score noise are inside "
            "their intervals in %d of these. %s; %s. %d of %d networks that the planner leaves to the set "
            "`exact` were run by it: %s; %d of %d images had the scores of the clear network."
            % (len(networks), len(run), as_predicted,
               counted(runs(n for n in run if n.is_leveled()), "Leveled"),
               counted(runs(n for n in run if not n.is_leveled()), "with bootstraps"),
               len(exact), sum(n.taken == "exact" for n in networks),
               counted([(n, n.verified_exact["images"],
                         n.verified_exact["images"] == n.trained["test"]["images"]) for n in exact], "exact"),
               identical, images), ""]


PICTURE = "![accuracy against time, predicted against measured noise, training curves](results.svg)"
ABOUT = """Each network is trained by `ppml train`, one seed, with the options named below, planned by `ppml compile`, and run \
encrypted by `ppml verify` one image at a time: leveled sets, which have no bootstrap, on one thread, others on two. \
"simulated" is the expectation of `ppml simulate`; the intervals are its prediction of one encrypted run, made from \
the noise formulas alone (NOISE.md), at 99.99 %. "score noise" is the standard deviation of encrypted scores from \
clear ones. "`compile` takes" says what the planner takes for the agreement asked for. Where that is `exact`, whose \
answers never change, or "none", a refusal, the set with the least noise that has bootstraps was run instead \
("not exact", "not none"); squares have none, and are not run where they are refused.

**Choice.** "validation" is what networks are compared by: for two or more classes the share of right answers on \
three changed copies of each validation image (small warps, shifts, brightness and contrast, the same for every \
candidate), weighted as in training; for several labels minus the cross entropy. Plain validation images are from the \
training hospital and prefer networks that are five points worse elsewhere. With few validation images the best \
figure is the luckiest one: RetinaMNIST has 120, where a standard error is four points. So the choice of a data set, **bold**, \
is the cheapest network, by bootstraps and then by neurons, that is no more than one standard error below the best of \
those for which the planner promises the agreement asked for by a set with noise. The error of a share v of n \
images is taken as sqrt(v (1 - v) / n), that of a cross entropy v as v / sqrt(n); measured it was 0.85 to 0.98 of that. \
Squares of NIH have epochs and a rate of their own since over five folds of its training and validation images they \
raised the mean AUC of 16 neurons, of ten runs, from 0.718 to 0.728, which is that of relu. Figures of the test split, \
where squares are below relu, did not move: 181 images with few of each label do not tell such networks apart. \
No test figure chose anything; but augmentation and training constants were settled on PneumoniaMNIST with its test \
figures in view, so read those as slightly optimistic.
"""


def section(networks, data, choice):
    title, options, of_squares, agreement = DATA[data]
    mine = [n for n in networks if n.data == data]
    whole = [n for n in mine if n.is_whole()]
    if not mine:
        return []
    encrypted = ["Encrypted, all test images:", "",
                 table(ENCRYPTED_HEAD, [encrypted_row(n, choice) for n in whole]), ""]
    recipe = "`ppml train%s`, `ppml compile %s`" % ("".join(" " + o for o in options), " ".join(agreement))
    if of_squares:
        recipe += "; squares with `%s`" % " ".join(of_squares)
    return ["## " + title, "", recipe, "",
            *(encrypted if whole else []), "All networks, test split in the clear:", "",
            table(NETWORK_HEAD, [network_row(n, choice) for n in mine]), ""]


def report(arguments, networks, choice):
    exact = [n for n in networks if n.verified_exact]
    text = head(arguments) + summary(networks, choice) + counts(networks) + [ABOUT, PICTURE, ""]
    for data in DATA:
        text += section(networks, data, choice)
    if exact:
        text += ["## Exact mode", "", "`ppml compile --params exact`: encrypted scores are the clear integers.", "",
                 table(EXACT_HEAD, [exact_row(n) for n in exact]), ""]
    path, latents = os.path.join(arguments.out, "RESULTS.md"), "## Latents and pooled networks\n"
    if os.path.exists(path):  # that section is tools/latents.py's
        with open(path) as f:
            text += [latents + part for part in f.read().split(latents)[1:]]
    with open(path, "w") as f:
        f.write("\n".join(text))
    with open(os.path.join(arguments.out, "results.svg"), "w") as f:
        f.write(charts(networks))


# ----------------------------------------------------------------------- run

def validation(n):
    return n.trained["validation"]


def standard_error(n):
    """Of what networks are compared by, at most."""
    v, images = validation(n), n.trained["val"]["images"]
    return math.sqrt(v * (1 - v) / images) if v > 0 else -v / math.sqrt(images)


def cheapest(networks):
    """Of what validation cannot tell from the best."""
    best = max(networks, key=validation)
    near = [n for n in networks if validation(n) >= validation(best) - standard_error(best)]
    neurons = lambda n: sum(int(width) for width in n.hidden.split(","))
    return min(near, key=lambda n: (n.planned["pbs_per_image"], neurons(n), -validation(n)))


def choose(networks):
    """Of each data set one network for which the planner promises; the best with bootstraps as well."""
    choice, bootstrapped = [], []
    for data in DATA:
        mine = [n for n in networks if n.data == data and n.is_promised()]
        old = [n for n in mine if not n.is_leveled()]
        choice += [cheapest(mine)] if mine else []
        bootstrapped += [max(old, key=validation)] if old else []
    return choice, bootstrapped


def prepare(arguments):
    networks = [Network(arguments, data, activation, hidden) for activation, hidden in shapes()
                for data in DATA if os.path.exists(os.path.join(arguments.data, data + ".npz"))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        list(threads.map(Network.train, networks))
        list(threads.map(Network.plan, networks))
    return networks


def is_reference(n):
    return n.activation == "relu" and n.hidden == "16"


def main():
    parser = argparse.ArgumentParser()
    for word in ("ppml", "data", "out", "work"):
        parser.add_argument(word)
    parser.add_argument("--images", type=int)
    parser.add_argument("--exact", type=int, default=0)
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    networks = prepare(arguments)
    choice, bootstrapped = choose(networks)
    is_first = lambda n: n.is_leveled() or n in choice or n in bootstrapped or is_reference(n)
    for n in sorted(networks, key=lambda n: (not n.is_leveled(), not is_first(n))):
        n.verify(None if is_first(n) else arguments.images)
        print(n.name, flush=True)
        report(arguments, networks, choice)
    for n in sorted(networks, key=is_reference):  # all images last, as it takes minutes
        if n.taken == "exact" and arguments.exact:
            n.verify_exact(None if is_reference(n) and n.data == "pneumoniamnist" else arguments.exact)
            report(arguments, networks, choice)


main()
