#!/usr/bin/env python3
"""ppml for boards, tools/embedded.py's archive, as far as it can be run here:

    PPML=build/ppml tests/embedded.py

Arduino's sketch is built by a C++ compiler with a stand-in for an Arduino core (tests/boards), run on this machine
and under QEMU on a micro:bit, whose generator it uses, and its image is answered by `ppml infer`.  The modules of Zephyr
and ESP-IDF are built by plain CMake with stand-ins for the functions that they call of these systems, and run.  A
program of PlatformIO's for this machine is built, and manifests are read by kconfiglib and the IDF component manager,
where these are installed; none is a Debian package.  Neither Arduino's own builder, nor Zephyr, nor ESP-IDF is run.
What is missing is said with its Debian package."""
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BOARDS, FIRMWARE = os.path.join(ROOT, "tests", "boards"), os.path.join(ROOT, "examples", "firmware")
PPML = os.path.abspath(os.environ.get("PPML", os.path.join(ROOT, "build", "ppml")))
CC, CXX = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")
PACKAGES = {CXX: "g++", "cmake": "cmake", "arm-none-eabi-g++": "gcc-arm-none-eabi",
            "qemu-system-arm": "qemu-system-arm"}
WARNINGS = "-Wall -Wextra -Werror".split()
TIMEOUT_S = 120

passed, problems, skipped = [], [], []


class Failed(Exception):
    pass


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode:
        raise Failed("%s: %s" % (" ".join(command), done.stdout))
    return done.stdout


def expect(is_so, what):
    if not is_so:
        raise Failed(what)


def has(*tools):
    missing = [t for t in tools if shutil.which(t) is None]
    if missing:
        skipped.append(missing[0])
        print("skipped: no %s (Debian package %s)" % (missing[0], PACKAGES[missing[0]]))
    return not missing


def part(name, check, *arguments):
    try:
        check(*arguments)
        passed.append(name)
    except Failed as failed:
        problems.append("%s: %s" % (name, str(failed)[-1000:]))


# ---------------------------------------------------------------------------- archive

def archive(work):
    for folder in ("one", "other"):
        run(sys.executable, os.path.join(ROOT, "tools", "embedded.py"), PPML, os.path.join(work, folder))
    name, = os.listdir(os.path.join(work, "one"))
    one, other = (os.path.join(work, folder, name) for folder in ("one", "other"))
    with zipfile.ZipFile(one) as z:
        z.extractall(work)
    expect(filecmp.cmp(one, other, shallow=False), "made again, it has other bytes")


def versions(folder):
    with open(os.path.join(ROOT, "ppml.h")) as f:
        version = re.search(r'#define PPML_VERSION "([^"]+)"', f.read()).group(1)
    patterns = {"library.properties": r"^version=(.*)$", "library.json": r'"version": "(.*)"',
                "idf_component.yml": r'^version: "(.*)"$'}
    for name, pattern in patterns.items():
        with open(os.path.join(folder, name)) as f:
            told = re.search(pattern, f.read(), re.M).group(1)
        expect(told == version, "%s says %s (expected %s)" % (name, told, version))
    with open(os.path.join(folder, "library.json")) as f:
        json.load(f)


# ---------------------------------------------------------------------------- Arduino

def sketch_unit(folder, work):
    """The sketch as Arduino makes a unit of C++ of it."""
    with open(os.path.join(folder, "examples", "Classify", "Classify.ino")) as f:
        sketch = f.read()
    path = os.path.join(work, "Classify.ino.cpp")
    with open(path, "w") as f:
        f.write("#include <Arduino.h>\n" + sketch)
    return path


def units(folder, work, compiler, options):
    """Objects of the sketch and the stand-in core."""
    sketch = os.path.join(folder, "examples", "Classify")
    out = []
    for source in (sketch_unit(folder, work), os.path.join(sketch, "entropy.cpp"), os.path.join(BOARDS, "arduino.cpp")):
        out.append(os.path.join(work, os.path.basename(source) + ".o"))
        run(compiler, *options, *WARNINGS, "-std=gnu++11", "-I" + BOARDS, "-I" + os.path.join(folder, "src"),
            "-I" + sketch, "-c", source, "-o", out[-1])
    return out


def sketch_on_host(folder, work):
    os.makedirs(work)
    objects = units(folder, work, CXX, ["-O1", "-DARDUINO_ARCH_ESP32"])
    for source in (os.path.join(FIRMWARE, "host.c"), os.path.join(BOARDS, "esp_random.c")):
        objects.append(os.path.join(work, os.path.basename(source) + ".o"))
        run(CC, "-std=c99", *WARNINGS, "-I" + BOARDS, "-c", source, "-o", objects[-1])
    program = os.path.join(work, "sketch")
    run(CXX, *objects, "-o", program)
    converse(folder, work, [program])


def sketch_on_microbit(folder, work):
    os.makedirs(work)
    cpu = "-mcpu=cortex-m0 -mthumb -Os -ffunction-sections -fdata-sections".split()
    plain = "-fno-exceptions -fno-rtti -fno-threadsafe-statics -ffreestanding -DARDUINO_ARCH_NRF5".split()
    objects = units(folder, work, "arm-none-eabi-g++", cpu + plain)
    objects.append(os.path.join(work, "board.o"))
    run("arm-none-eabi-gcc", *cpu, "-std=c99", "-ffreestanding", "-fno-builtin", "-DBOARD_NRF51", "-c",
        os.path.join(FIRMWARE, "board.c"), "-o", objects[-1])
    image = os.path.join(work, "sketch.elf")
    sizes = ["-Wl,--defsym=board_flash_bytes=262144,--defsym=board_ram_bytes=16384,--defsym=board_stack_room=2048"]
    run("arm-none-eabi-gcc", *cpu, "-nostdlib", "-Wl,--gc-sections", "-T", os.path.join(FIRMWARE, "board.ld"), *sizes,
        *objects, "-lgcc", "-o", image)
    converse(folder, work, ["qemu-system-arm", "-M", "microbit", "-nographic", "-monitor", "none", "-serial", "none",
                            "-semihosting-config", "enable=on,target=native", "-kernel", image])


def send(work, name, data):
    with open(os.path.join(work, "tmp"), "wb") as f:
        f.write(data)
    os.rename(os.path.join(work, "tmp"), os.path.join(work, name))


def converse(folder, work, command):
    """The other end of the line: asks for an image, has it answered, and hears what the board reads."""
    sketch = os.path.join(folder, "examples", "Classify")
    with open(os.path.join(sketch, "client.h")) as f:
        image_bytes = int(re.search(r"CLIENT_INPUT_WIRE_BYTES (\d+)", f.read()).group(1))
    image = os.path.join(work, "out0")
    board = subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        send(work, "in0", b"i")
        since = time.time()
        while not (os.path.exists(image) and os.path.getsize(image) == image_bytes):
            expect(board.poll() is None and time.time() - since < TIMEOUT_S, "no image came")
            time.sleep(0.02)
        run(PPML, "infer", os.path.join(sketch, "circuit.ppml"), "out0", "-o", "out.ct", cwd=work)
        with open(os.path.join(work, "out.ct"), "rb") as f:
            send(work, "in1", b"a" + f.read())
        expect(board.wait(TIMEOUT_S) == 0, "it ended with %s" % board.returncode)
    except subprocess.TimeoutExpired:
        raise Failed("the answer was not read")
    finally:
        board.kill()
    with open(os.path.join(work, "out1")) as f:
        said = f.read().strip()
    expect(said == "below", "it read '%s' (expected below)" % said)


def unknown_board(folder, work):
    """A board whose generator is not known: the sketch is refused, not run with weak numbers."""
    os.makedirs(work)
    done = subprocess.run([CXX, "-c", os.path.join(folder, "examples", "Classify", "entropy.cpp"), "-o", os.devnull],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    expect(done.returncode and "no hardware random number generator" in done.stdout, "it was compiled")


# --------------------------------------------------------------------- Zephyr, ESP-IDF

CMAKE = """cmake_minimum_required(VERSION 3.13)
project(use C)
set(CMAKE_C_STANDARD 99)
include_directories(%(boards)s)
%(settings)s
include(%(boards)s/system.cmake)
add_subdirectory(%(module)s module)
get_property(includes GLOBAL PROPERTY system_includes)
get_property(definitions GLOBAL PROPERTY system_definitions)
add_executable(use %(boards)s/client.c %(sources)s)
target_include_directories(use PRIVATE ${includes} %(sketch)s)
target_compile_definitions(use PRIVATE ${definitions})
target_link_libraries(use system_module)
"""


def module(folder, work, settings, path, sources=""):
    os.makedirs(work)
    with open(os.path.join(work, "CMakeLists.txt"), "w") as f:
        f.write(CMAKE % {"boards": BOARDS, "settings": settings, "module": os.path.join(folder, path),
                         "sources": sources, "sketch": os.path.join(folder, "examples", "Classify")})
    run("cmake", "-S", work, "-B", os.path.join(work, "b"))
    run("cmake", "--build", os.path.join(work, "b"))
    said = run(os.path.join(work, "b", "use"))
    expect(re.fullmatch(r"no error, \d{3,} bytes\n", said), "it said '%s'" % said)


def weak_zephyr(folder, work):
    """Zephyr's numbers for tests: refused."""
    try:
        module(folder, work, "set(CONFIG_PPML y)\nadd_compile_definitions(CONFIG_TEST_CSPRNG_GENERATOR)", "zephyr")
    except Failed as failed:
        expect("protect nothing" in str(failed), str(failed))
        return
    raise Failed("it was built")


def kconfig(folder, work):
    """Settings as Zephyr's own reader of them takes them: off without a generator, off with one for tests."""
    import kconfiglib
    os.makedirs(work)
    for symbols, value in (("CSPRNG_ENABLED", "y"), ("", "n"), ("CSPRNG_ENABLED TEST_CSPRNG_GENERATOR", "n")):
        with open(os.path.join(work, "Kconfig"), "w") as f:
            for name in ("CSPRNG_ENABLED", "TEST_CSPRNG_GENERATOR"):
                f.write("config %s\n\tdef_bool %s\n" % (name, "y" if name in symbols.split() else "n"))
            f.write('source "%s"\n' % os.path.join(folder, "zephyr", "Kconfig"))
        settings = kconfiglib.Kconfig(os.path.join(work, "Kconfig"), warn_to_stderr=False)
        settings.syms["PPML"].set_value("y")
        expect(settings.syms["PPML"].str_value == value, "with %s PPML is not %s" % (symbols or "none", value))
    kconfiglib.Kconfig(os.path.join(folder, "Kconfig"))


def module_yml(folder):
    import yaml
    with open(os.path.join(folder, "zephyr", "module.yml")) as f:
        told = yaml.safe_load(f)
    expect(told == {"name": "ppml", "build": {"cmake": "zephyr", "kconfig": "zephyr/Kconfig"}}, str(told))


def idf_manifest(folder):
    from idf_component_tools.manager import ManifestManager
    ManifestManager(folder, "ppml").load()


def platformio(archive, folder, work):
    """A program of PlatformIO's for this machine, with the archive as its library."""
    os.makedirs(os.path.join(work, "src"))
    with open(os.path.join(work, "platformio.ini"), "w") as f:
        f.write("[env:native]\nplatform = native\nlib_deps = file://%s\nbuild_flags = -std=gnu99 -I%s\n"
                % (archive, os.path.join(folder, "examples", "Classify")))
    with open(os.path.join(BOARDS, "client.c")) as f:
        program = f.read()
    with open(os.path.join(work, "src", "main.c"), "w") as f:
        f.write("#define PPML_CLIENT_ONLY\n#define PPML_IMPLEMENTATION\n" + program)
    run("pio", "run", cwd=work)
    said = run(os.path.join(work, ".pio", "build", "native", "program"))
    expect(said.startswith("no error"), said)


def has_platformio():
    """PlatformIO, and its platform for this machine: both are downloads."""
    core = os.environ.get("PLATFORMIO_CORE_DIR", os.path.expanduser("~/.platformio"))
    if shutil.which("pio") and os.path.isdir(os.path.join(core, "platforms", "native")):
        return True
    skipped.append("pio")
    print("skipped: no PlatformIO with its platform native (pip install platformio; pio pkg install -g -p native)")
    return False


# Of the yaml module, Debian's package is python3-yaml; the others are in none.
PIP = {"yaml": "pyyaml", "kconfiglib": "kconfiglib", "idf_component_tools": "idf-component-manager"}


def has_module(name):
    try:
        __import__(name)
        return True
    except ImportError:
        skipped.append(name)
        print("skipped: no %s for python3 (pip install %s)" % (name, PIP[name]))
        return False


def main():
    with tempfile.TemporaryDirectory() as work:
        folder = os.path.join(work, "ppml")
        def at(name):
            return os.path.join(work, name)
        part("archive", archive, work)
        part("versions", versions, folder)
        if has(CXX):
            part("sketch", sketch_on_host, folder, at("host"))
            part("sketch of an unknown board", unknown_board, folder, at("unknown"))
        if has("arm-none-eabi-g++", "qemu-system-arm"):
            part("sketch on a micro:bit under QEMU", sketch_on_microbit, folder, at("microbit"))
        if has("cmake"):
            part("Zephyr", module, folder, at("zephyr"), "set(CONFIG_PPML y)\nset(CONFIG_PPML_LEVELED y)", "zephyr")
            part("Zephyr with numbers for tests", weak_zephyr, folder, at("weak"))
            part("ESP-IDF", module, folder, at("idf"), "set(ESP_PLATFORM 1)", ".", BOARDS + "/esp_random.c")
        if has_module("yaml"):
            part("Zephyr: module.yml", module_yml, folder)
        if has_module("kconfiglib"):
            part("Zephyr, ESP-IDF: Kconfig", kconfig, folder, at("kconfig"))
        if has_module("idf_component_tools"):
            part("ESP-IDF: idf_component.yml", idf_manifest, folder)
        if has_platformio():
            name, = os.listdir(at("one"))
            part("PlatformIO", platformio, os.path.join(at("one"), name), folder, at("pio"))
    for problem in problems:
        print("tests/embedded.py: FAILED: " + problem)
    print("tests/embedded.py: %d passed, %d failed, %d skipped" % (len(passed), len(problems), len(skipped)))
    return 1 if problems else 0


sys.exit(main())
