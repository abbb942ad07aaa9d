#!/usr/bin/env python3
"""The client of examples/firmware on emulated microcontrollers, against the command on this machine.

    PPML=build/ppml tests/firmware.py [--table FILE] [NAME...]

Builds each row of ROWS for its board, with the client spec of a network that is trained here; runs it in
QEMU; answers its image with `ppml infer`; compares the class, and where a seed is known every byte, with the
same client built for this machine.  Measures flash, RAM, stack, arena and instructions, and fails where
one is above the row's limit, or is not what the table in README.md says of this compiler.  --table writes
the table into FILE, between the lines BEGIN and END; all rows are run for it.  Needs Debian's gcc-arm-none-eabi and qemu-system-arm, and says so.
Exit status: 0 all passed, 1 not, 77 a package is missing."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
FIRMWARE = os.path.join(ROOT, "examples", "firmware")
PPML = os.path.abspath(os.environ.get("PPML", os.path.join(ROOT, "build/ppml")))
ARM, QEMU, HOST_CC = "arm-none-eabi-gcc", "qemu-system-arm", os.environ.get("CC", "cc")
PACKAGES = {ARM: "gcc-arm-none-eabi", QEMU: "qemu-system-arm"}
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
SIDE, SEED, TIMEOUT_S, KB = 28, 7, 900, 1024
BEGIN, END = "<!-- made by make firmware-table -->", "<!-- end -->"
HEADING = ["| board | compiler | client | flash | RAM | stack | to encrypt | to make the key | key |",
           "|---|---|---|---|---|---|---|---|---|"]

# Name: QEMU's machine, compiler options, bytes of flash and RAM.  Cores with a floating-point unit are built
# without it: a client has no use for one.
BOARDS = {
    "microbit": ("microbit", "-mcpu=cortex-m0 -DBOARD_NRF51", 256 * KB, 16 * KB),
    "m4": ("mps2-an386", "-mcpu=cortex-m4 -mfloat-abi=soft", 512 * KB, 128 * KB),
    "m7": ("mps2-an500", "-mcpu=cortex-m7 -mfloat-abi=soft", 512 * KB, 128 * KB),
}
CORES = {"microbit": "Cortex-M0", "m4": "Cortex-M4F", "m7": "Cortex-M7"}

# Set: how its network is trained, and what its client's build leaves out.
RELU = "--hidden 1 --seeds 1 --epochs 12 --activation relu"
BOOTSTRAPPED = "-DPPML_NO_LEVELED -DPPML_CLASSES_MAX=2 -DPPML_LATENT_CHANNELS_MAX=1 -DPPML_PARAMS_ONLY="
LEVELED = "-DPPML_CLASSES_MAX=2 -DPPML_ENCODER_WEIGHTS_MAX=%d -DPPML_LATENT_CHANNELS_MAX=%d -DPPML_PARAMS_ONLY=%d"
SETS = {
    "fast": (RELU, BOOTSTRAPPED + "1"),
    "precise": (RELU, BOOTSTRAPPED + "2"),
    "leveled-16": ("--hidden 4 --seeds 1 --epochs 60 --activation square", LEVELED % (1, 1, 7)),
    "pooled-16": ("--encoder 4 --latents 2 --regions 1 --kernel 2 --copies 1", LEVELED % (32, 2, 11)),
    "linear": ("--hidden 0 --seeds 1 --epochs 6", "-DPPML_LINEAR_ONLY -DPPML_CLASSES_MAX=2 -DPPML_LATENT_CHANNELS_MAX=1 -DPPML_PARAMS_ONLY=14"),
}

# (board, set, makes its evaluation key, numbers from a known seed, limits).  Limits: bytes of flash, arena,
# stack and all RAM; instructions of the key.
ROWS = [
    ("microbit", "fast", False, True, {"flash": 10 * KB, "arena": 9 * KB, "stack": 1331}),
    ("m4", "precise", False, True, {"flash": 10 * KB, "arena": 17 * KB}),
    ("m4", "leveled-16", False, True, {"flash": 15 * KB, "ram": 104 * KB}),
    ("m4", "pooled-16", False, True, {"flash": 15 * KB, "ram": 104 * KB}),
    ("m7", "leveled-16", False, True, {"flash": 15 * KB, "ram": 104 * KB}),
    ("microbit", "linear", False, False, {"flash": 10 * KB, "arena": 9 * KB}),
    ("m4", "fast", True, True, {"key_instructions": 18 * 10**9, "key_arena": 42 * KB}),
]


def row_name(row):
    return "-".join([row[0], row[1]] + (["keys"] if row[2] else []))


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit("tests/firmware.py: %s\n%s" % (" ".join(command), done.stdout))
    return done.stdout


# ------------------------------------------------------------------ networks


def npy(shape, data):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(data)


def picture(index):
    """Bright above or below, as its number is even or odd; the same every time."""
    state, pixels = index + 1, []
    for i in range(SIDE * SIDE):
        state = (state * 1103515245 + 12345) & 0x7fffffff
        bright = (i >= SIDE * SIDE // 2) == index % 2
        pixels.append((state >> 16) % 90 + (130 if bright else 20))
    return pixels


def write_data(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, first, count in (("train", 0, 80), ("val", 80, 20), ("test", 100, 10)):
            images = [p for i in range(first, first + count) for p in picture(i)]
            labels = [i % 2 for i in range(first, first + count)]
            archive.writestr(name + "_images.npy", npy((count, SIDE, SIDE), images))
            archive.writestr(name + "_labels.npy", npy((count, 1), labels))


def make_network(work, name):
    """circuit and spec.h of a set."""
    folder = os.path.join(work, name)
    model, circuit, client = (os.path.join(folder, f) for f in ("model", "circuit", "client"))
    os.makedirs(folder)
    run([PPML, "train", os.path.join(work, "data.npz"), "-o", model, "--threads", "1",
         "--class-names", "above,below"] + SETS[name][0].split())
    run([PPML, "compile", model, "-o", circuit, "--client", client, "--params", name, "--no-calibration"])
    run([PPML, "export", client, "--name", "spec", "-o", os.path.join(folder, "spec.h")])
    return folder


# -------------------------------------------------------------------- builds


def options_of(row, spec):
    board, name, keys, seeded, _ = row
    flags = ["-std=c99", "-I" + ROOT, "-I" + spec, "-I" + os.path.dirname(spec)] + SETS[name][1].split()
    return flags + (["-DFIRMWARE_KEYS"] if keys else []) + (["-DFIRMWARE_SEED=%d" % SEED] if seeded else [])


def build_board(row, spec, folder):
    """An image for the board; the object's names that are not there."""
    machine, cpu, flash, ram = BOARDS[row[0]]
    target = cpu.split() + ["-mthumb", "-Os", "-ffreestanding", "-ffunction-sections", "-fdata-sections"]
    client, board, image = (os.path.join(folder, f) for f in ("client.o", "board.o", "client.elf"))
    run([ARM] + target + WARNINGS + options_of(row, spec) +
        ["-c", os.path.join(FIRMWARE, "client.c"), "-o", client])
    run([ARM] + target + WARNINGS + ["-std=c99", "-fno-builtin", "-c", os.path.join(FIRMWARE, "board.c"), "-o", board])
    sizes = {"board_flash_bytes": flash, "board_ram_bytes": ram, "board_stack_room": 2 * KB}
    run([ARM] + target + ["-nostdlib", "-Wl,--gc-sections,-Map=" + image + ".map", "-T", os.path.join(FIRMWARE, "board.ld")] +
        ["-Wl,--defsym=%s=%d" % item for item in sizes.items()] + [board, client, "-lgcc", "-o", image])
    names = run(["arm-none-eabi-nm", "-u", client]).split()[1::2]
    return image, [n for n in names if not n.startswith("board_")]


def sizes_of(image):
    """Bytes of flash that the client takes, the compiler's functions included, and neither the board nor
    the picture; and static bytes of RAM.  The stack is measured, not what is set aside for it."""
    sections = open(image + ".map").read().split("Linker script and memory map")[1]
    flash, text = 0, re.sub(r"^( \.\S+)\n +0x", r"\1 0x", sections, flags=re.M)  # long names have a line
    for name, _, size, source in re.findall(r"^ (\.(?:text|rodata|data)\S*) +0x(\w+) +0x(\w+) (\S+)", text, re.M):
        if source.endswith("client.o") or "libgcc" in source:
            flash += 0 if name == ".rodata.image" else int(size, 16)
    _, data, bss = map(int, run(["arm-none-eabi-size", image]).splitlines()[1].split()[:3])
    return flash, data + bss - 2 * KB


def build_host(row, spec, folder):
    program = os.path.join(folder, "host")
    keyed = row[:2] + (True,) + row[3:] if row[1] != "linear" else row
    run([HOST_CC, "-O2"] + WARNINGS + options_of(keyed, spec) +
        [os.path.join(FIRMWARE, f) for f in ("client.c", "host.c")] + ["-o", program])
    return program


# ---------------------------------------------------------------------- runs


def answer_image(work, spec, key):
    """What the server sends, whole or not at all."""
    command = [PPML, "infer", os.path.join(spec, "circuit"), os.path.join(work, "image.ct"), "-o",
               os.path.join(work, "answer.tmp"), "--threads", "1"]
    run(command + (["--eval-key", key] if key else []))
    os.rename(os.path.join(work, "answer.tmp"), os.path.join(work, "answer.ct"))


def drive(command, work, on_waiting):
    """Runs a client, and gives its lines as {words: number}."""
    os.makedirs(work, exist_ok=True)
    lines = {}
    client = subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(TIMEOUT_S, client.kill)
    watchdog.start()
    try:
        for line in client.stdout:
            words, _, last = line.strip().rpartition(" ")
            lines[words] = last
            if line.strip() == "waiting":
                on_waiting()
        status = client.wait()
    finally:
        watchdog.cancel()
        client.kill()
    if status or "class" not in lines:
        sys.exit("tests/firmware.py: %s ended with %s: %s" % (command[0], status, lines))
    return lines


def qemu(row, image):
    return [QEMU, "-M", BOARDS[row[0]][0], "-nographic", "-monitor", "none", "-serial", "none",
            "-semihosting-config", "enable=on,target=native", "-icount", "shift=0,align=off,sleep=off",
            "-kernel", image]


def same_bytes(one, other, name):
    a, b = (open(os.path.join(folder, name), "rb").read() for folder in (one, other))
    return a == b


def run_row(row, work, problems):
    """Figures of a row; what is wrong goes to problems."""
    board, name, keys, seeded, limits = row
    spec, folder = os.path.join(work, name), os.path.join(work, row_name(row))
    os.makedirs(folder)
    image, lacks = build_board(row, spec, folder)
    floats = [n for n in lacks if not n.startswith(("mem", "__aeabi_l", "__aeabi_u", "__aeabi_i", "__gnu_thumb"))]
    if floats:
        problems.append("%s: a client asks for %s" % (row_name(row), " ".join(floats)))
    on_board, on_host = os.path.join(folder, "board"), os.path.join(folder, "here")
    key = os.path.join(on_host, "eval.key") if name != "linear" else None
    if seeded:  # the same client here makes the key that the server has
        drive([build_host(row, spec, folder)], on_host, lambda: answer_image(on_host, spec, key))
    if keys:
        key = os.path.join(on_board, "eval.key")
    lines = drive(qemu(row, image), on_board, lambda: answer_image(on_board, spec, key))
    if lines["class"] != "below":
        problems.append("%s: class %s" % (row_name(row), lines["class"]))
    for made in ["image.ct"] + (["eval.key"] if keys else []) if seeded else []:
        if not same_bytes(on_board, on_host, made):
            problems.append("%s: %s is not that of this machine" % (row_name(row), made))
    flash, static = sizes_of(image)
    steps = ["encrypt", "decrypt"] + (["key"] if keys else [])
    figures = {"flash": flash, "stack": max(int(lines[s + " stack"], 16) for s in steps),
               "arena": int(lines["encrypt arena"], 16), "instructions": int(lines["encrypt instructions"], 16)}
    figures["ram"] = static + figures["stack"]
    if key:
        figures["key_bytes"] = os.path.getsize(key)
    if keys:
        figures["key_instructions"] = int(lines["key instructions"], 16)
        figures["key_arena"] = int(lines["key arena"], 16)
    for what, most in limits.items():
        if figures[what] > most:
            problems.append("%s: %s is %d, %d at most" % (row_name(row), what, figures[what], most))
    return figures


def compiler():
    """As the table names it: gcc 12.2, say; other versions make other sizes."""
    version = re.search(r"\d+\.\d+", run([ARM, "-dumpfullversion"])).group(0)
    return "gcc %s `-Os`" % version


def table_line(row, f):
    return "| %s, %s | %s | %s | %.1f KB | %.1f KB | %.1f KB | %s | %s | %s |" % (
        CORES[row[0]], BOARDS[row[0]][0], compiler(), row[1] + (" with its evaluation key" if row[2] else ""),
        f["flash"] / 1000, f["ram"] / 1000, f["stack"] / 1000, "%.1f M" % (f["instructions"] / 1e6),
        "%.1f G" % (f["key_instructions"] / 1e9) if row[2] else "",
        "%.2f MB" % (f["key_bytes"] / 1e6) if "key_bytes" in f else "none")


def table_of(path):
    """The lines before the table in a document, its own, and those behind it."""
    lines = open(path).read().split("\n")
    begin, end = lines.index(BEGIN), lines.index(END)
    return lines[:begin + 1], lines[begin + 1:end], lines[end:]


def check_table(rows, problems):
    """Every row that was run stands in README.md as it was measured, within a hundredth of each number, or its last digit."""
    said = table_of(os.path.join(ROOT, "README.md"))[1]
    for line in rows:
        cells = [c.strip() for c in line.split("|")]
        same = [s for s in said if [c.strip() for c in s.split("|")][1:4] == cells[1:4]]
        if not any(compiler() in s for s in said):
            return print("README.md's table is of another compiler than %s: not compared" % compiler())
        numbers = [[float(n) for n in re.findall(r"\d+\.\d+", " ".join(c.split("|")[4:]))] for c in same + [line]]
        if len(numbers) != 2 or any(abs(x - y) > max(0.1, y / 100) + 1e-9 for x, y in zip(*numbers)):
            problems.append("README.md has %s in place of %s: make firmware-table" % (same, line))


def write_table(path, rows):
    before, _, behind = table_of(path)
    with open(path, "w") as f:
        f.write("\n".join(before + HEADING + rows + behind))


def main():
    missing = [PACKAGES[tool] for tool in PACKAGES if shutil.which(tool) is None]
    if missing:
        print("skipped: make check-firmware needs the Debian packages (make deps-all): " + " ".join(missing))
        return 77
    wanted, problems, table, path = sys.argv[1:], [], [], None
    if wanted[:1] == ["--table"]:
        path, wanted = wanted[1], []
    with tempfile.TemporaryDirectory() as work:
        write_data(os.path.join(work, "data.npz"))
        with open(os.path.join(work, "image.h"), "w") as f:
            f.write("static const unsigned char image[%d] = {%s};\n" % (SIDE * SIDE, ",".join(map(str, picture(101)))))
        rows = [row for row in ROWS if not wanted or row_name(row) in wanted]
        for name in sorted({row[1] for row in rows}):
            make_network(work, name)
        for row in rows:
            since = time.time()
            figures = run_row(row, work, problems)
            table.append(table_line(row, figures))
            print("%s: %s (%.0f s)" % (row_name(row), ", ".join("%s %d" % item for item in sorted(figures.items())),
                                       time.time() - since), flush=True)
    for line in HEADING + table:
        print(line)
    if path:
        write_table(path, table)
    else:
        check_table(table, problems)
    for problem in problems:
        print("tests/firmware.py: FAILED: " + problem)
    print("tests/firmware.py: %d rows, %d failures" % (len(rows), len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
