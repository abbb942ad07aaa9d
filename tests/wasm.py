#!/usr/bin/env python3
"""The client of examples/wasm in node and in headless Chromium, against the command on this machine.

    PPML=build/ppml tests/wasm.py [node]

Builds the package, holds its programs to their sizes, and its bytes of a known seed to those of this machine;
makes keys, encrypts, answers by `ppml infer` and decrypts, of a set of each kind, in node and, unless `node` is
said, in Chromium; and asks npm whether it would pack the folder.  Times are printed, not judged.  What is not
installed is said with its Debian package.  Exit status: 0 all passed, 1 not, 77 a package is missing without
which nothing can be run."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import firmware  # the same networks and pictures

ROOT, PPML, KB = firmware.ROOT, firmware.PPML, 1024
TESTS = os.path.join(ROOT, "tests")
PACKAGES = {"clang": "clang", "wasm-ld": "lld", "node": "nodejs"}
SETS = ["fast", "leveled-16", "pooled-16", "linear"]
SEED = 7
LIMITS = {"ppml.wasm": 42 * KB, "ppml.simd.wasm": 42 * KB, "bootstrapped.wasm": 20 * KB, "bootstrapped.simd.wasm": 20 * KB}


def passes(command, **options):
    return subprocess.run(command, **options).returncode == 0


def build(work):
    """The package, and one whose numbers come from a seed; what wasm_bytes makes of that seed."""
    make = [os.environ.get("MAKE", "make"), "--no-print-directory", "-s", "-C", ROOT, "wasm"]
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    for folder, defines in (("package", ""), ("seeded", "-DWASM_SEED=%d" % SEED)):
        firmware.run(make + ["WASM=" + os.path.join(work, folder), "WASM_DEFINES=" + defines], env=environment)
    program = os.path.join(work, "wasm_bytes")
    firmware.run([firmware.HOST_CC, "-std=c11", "-O2", "-I" + ROOT, "-D_DEFAULT_SOURCE"] + firmware.WARNINGS +
                 [os.path.join(TESTS, "wasm_bytes.c"), "-o", program])
    for name in SETS:
        firmware.make_network(work, name)
        firmware.run([program, str(SEED)] + [os.path.join(work, name, f) for f in ("client", "../image.bin", "sk", "ek", "in.ct")])


def check_sizes(package):
    failures = 0
    for name, most in sorted(LIMITS.items()):
        size = os.path.getsize(os.path.join(package, name))
        print("%-22s %5d bytes, %d at most" % (name, size, most))
        if size > most:
            print("tests/wasm.py: FAILED: %s is too large" % name)
            failures += 1
    return failures


def check_npm(package):
    if shutil.which("npm") is None:
        print("skipped: npm pack (Debian package npm)")
        return 0
    done = subprocess.run(["npm", "pack", "--dry-run", "--offline", "--json"], cwd=package, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    listed = [f for f in LIMITS.keys() | {"ppml.mjs", "ppml.d.ts", "worker.mjs", "README.md", "LICENSE"} if f in done.stdout]
    if done.returncode == 0 and len(listed) == len(LIMITS) + 5:
        return 0
    print("tests/wasm.py: FAILED: npm pack\n" + done.stdout + done.stderr)
    return 1


def main():
    missing = [PACKAGES[tool] for tool in PACKAGES if shutil.which(tool) is None]
    if missing:
        print("skipped: make check-wasm needs the Debian packages (make deps-wasm): " + " ".join(missing))
        return 77
    with tempfile.TemporaryDirectory() as work:
        firmware.write_data(os.path.join(work, "data.npz"))
        with open(os.path.join(work, "image.bin"), "wb") as f:
            f.write(bytes(firmware.picture(101)))
        build(work)
        package = os.path.join(work, "package")
        failures = check_sizes(package) + check_npm(package)
        node = ["node", os.path.join(TESTS, "wasm.mjs"), package, os.path.join(work, "seeded"), work, PPML] + SETS
        failures += not passes(node)
        if "node" not in sys.argv[1:]:
            if shutil.which("chromium") is None:
                print("skipped: Chromium (Debian package chromium; make deps-wasm)")
            else:
                failures += not passes(["node", os.path.join(TESTS, "wasm_page.mjs"), package, work, PPML] + SETS)
    print("tests/wasm.py: %d failures" % failures)
    return 1 if failures else 0


sys.exit(main())
