# ppml: `make help` lists the targets.

CC ?= cc
CXX ?= c++
CLANG ?= clang
BUILD ?= build
PPML_DATA ?= ../shared/data
SECONDS ?= 60
export PPML_DATA

WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
STD = -std=c99 -ffp-contract=off
CFLAGS ?= -O2 -g1
CPPFLAGS += -I. -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
COMPILE = $(CC) $(STD) $(WARNINGS) $(UNIT_CFLAGS) $(CPPFLAGS)
UNIT_CFLAGS = $(CFLAGS)

# A comma within a call's argument, and whether this compiler takes options.
, := ,
links_with = $(shell echo 'int main(void) { return 0; }' | $(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo '$(1)')

# The unit that holds the library: what of -O3 buys speed there, at three quarters of its time.
# CFLAGS=... is for all units.
ifeq ($(origin CFLAGS),file)
LIBRARY_CFLAGS := $(or $(call links_with,-O2 -fpeel-loops -fvect-cost-model=dynamic),-O3) -g1
else
LIBRARY_CFLAGS = $(CFLAGS)
endif

# Against what an attacker does with a bug: addresses that cannot be guessed, stacks and buffers that
# are watched.  As far as this compiler and libc have it; not under sanitizers, which watch more.
RELRO := $(call links_with,-Wl$(,)-z$(,)relro -Wl$(,)-z$(,)now -Wl$(,)-z$(,)noexecstack)
STATIC := $(firstword $(call links_with,-static-pie) -static) $(RELRO)
PIE := $(call links_with,-pie) $(RELRO)
WATCHED := $(call links_with,-fPIE -fstack-protector-strong)
FORTIFY = $(if $(filter-out -O0,$(filter -O%,$(UNIT_CFLAGS))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN = $(if $(findstring -fsanitize,$(UNIT_CFLAGS)),,$(WATCHED) $(FORTIFY))

# PPML_BACKEND=ref|avx2|avx512|neon builds that vector backend alone.
ifdef PPML_BACKEND
CPPFLAGS += -DPPML_BACKEND_ONLY=PPML_BACKEND_$(shell echo $(PPML_BACKEND) | tr a-z A-Z)
endif

HEADERS = ppml.h $(wildcard ppml_impl/*/*.h ppml_impl/*/*/*.h)
CLI_HEADERS = $(wildcard examples/cli/*.h)
CLI_OBJECTS = $(patsubst examples/cli/%.c,$(BUILD)/cli/%.o,$(wildcard examples/cli/*.c))
READERS = inflate zip npy npz_values npz_labels npz npz_write csv exif jpeg jpeg_file jpeg_scan jpeg_pixels png pnm foreign jpeg_lossless dicom dicom_file dicom_rle image resample file protobuf onnx_file onnx_run onnx_graph onnx_meaning onnx_nodes onnx_layers onnx onnx_conv
READER_OBJECTS = $(READERS:%=$(BUILD)/cli/%.o)

.DEFAULT_GOAL := all
.PHONY: all help demo wasm clean

## Build

all: $(BUILD)/ppml $(BUILD)/minimal $(BUILD)/client ## build the command, build/ppml (static), and the examples

$(BUILD)/cli/%.o: examples/cli/%.c $(HEADERS) $(CLI_HEADERS)
	@mkdir -p $(@D)
	@echo "  cc $@"
	@$(COMPILE) $(HARDEN) -pthread -c $< -o $@

$(BUILD)/cli/ppml.o: UNIT_CFLAGS = $(LIBRARY_CFLAGS)

$(BUILD)/ppml: $(CLI_OBJECTS)
	@echo "  ld $@"
	@$(CC) $(CFLAGS) $(STATIC) -pthread $^ -lm -o $@

# The same, linked dynamically: for valgrind, which replaces libc's functions.
$(BUILD)/ppml-dynamic: $(CLI_OBJECTS)
	@echo "  ld $@"
	@$(CC) $(CFLAGS) $(PIE) -pthread $^ -lm -o $@

$(BUILD)/minimal: examples/minimal.c $(HEADERS)
	@mkdir -p $(@D)
	@echo "  cc $@"
	@$(COMPILE) $< -lm -o $@

# A client alone: without libm.
$(BUILD)/client: examples/client.c $(HEADERS)
	@mkdir -p $(@D)
	@echo "  cc $@"
	@$(COMPILE) $< -o $@

# The client for pages and node, as a package folder: clang, wasm-ld and nothing else.  Of each program one
# with SIMD128, which takes half the time, and one without.  The programs of bootstrapped sets alone are for
# pages that count bytes: what clang inlines and reduces in strength at -Oz too would make them 5 % longer.
WASM = $(BUILD)/wasm
WASM_FILES = ppml.mjs ppml.d.ts worker.mjs package.json README.md
WASM_PROGRAMS = ppml.wasm ppml.simd.wasm bootstrapped.wasm bootstrapped.simd.wasm
WASM_CC = $(CLANG) --target=wasm32 $(STD) $(WARNINGS) -Os -mbulk-memory -ffreestanding -ffunction-sections \
  -fdata-sections -I. -isystem examples/wasm/libc $(WASM_DEFINES)
WASM_SMALL = -Oz $(addprefix -mllvm ,-inline-threshold=-20 -disable-lsr -disable-lftr -enable-pre=0)
WASM_STACK = 65536
WASM_LD = wasm-ld -O2 --no-entry --gc-sections --strip-all --compress-relocations --stack-first -z stack-size=$(WASM_STACK)

wasm: $(WASM_PROGRAMS:%=$(WASM)/%) $(WASM_FILES:%=$(WASM)/%) $(WASM)/errors.mjs $(WASM)/LICENSE ## the client for browsers, a package folder: build/wasm (clang, lld)

$(WASM)/%.simd.wasm: WASM_CC += -msimd128
$(WASM)/bootstrapped.%: WASM_CC += $(WASM_SMALL) -DPPML_SMALL -DPPML_NO_LEVELED
$(WASM)/bootstrapped.%: WASM_STACK = 4096

$(WASM)/%.wasm: examples/wasm/client.c examples/wasm/memory.c $(HEADERS) examples/wasm/libc/string.h
	@mkdir -p $(@D)
	@echo "  clang $@"
	@$(WASM_CC) -c examples/wasm/client.c -o $(@:.wasm=.o)
	@$(WASM_CC) -fno-builtin -c examples/wasm/memory.c -o $(@:.wasm=-memory.o)
	@$(WASM_LD) $(@:.wasm=.o) $(@:.wasm=-memory.o) -o $@
	@rm $(@:.wasm=.o) $(@:.wasm=-memory.o)

$(WASM_FILES:%=$(WASM)/%): $(WASM)/%: examples/wasm/%
	@mkdir -p $(@D)
	@cp $< $@

$(WASM)/errors.mjs: examples/wasm/errors.c $(HEADERS)
	@mkdir -p $(@D)
	@$(CC) $(STD) $(WARNINGS) -D_DEFAULT_SOURCE -I. examples/wasm/errors.c -lm -o $(@:.mjs=)
	@$(@:.mjs=) >$@
	@rm $(@:.mjs=)

$(WASM)/LICENSE: LICENSE
	@mkdir -p $(@D)
	@cp $< $@

demo: $(BUILD)/ppml ## classify encrypted sample images, start to end
	@$(BUILD)/ppml demo

clean: ## remove what was built
	rm -rf $(BUILD) dist compile_commands.json

help: ## list the targets
	@awk -F':.*## ' '/^## /{print "\n" substr($$0, 4)} \
	  /^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

## Test

.PHONY: deps check-tools check check-threads check-suites check-fuzz check-cli check-import check-build check-flags check-cross check-firmware firmware-table check-wasm check-small check-all valgrind fuzz fuzz-afl

# Debian's names of what the tests need beyond cc and make.
DEPS = check pkg-config libsubunit-dev
DEPS_EMULATED = qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf \
  libc6-dev-armhf-cross lib32gcc-12-dev libc6-dev-i386
DEPS_FIRMWARE = gcc-arm-none-eabi qemu-system-arm
DEPS_ALL = $(DEPS) $(DEPS_EMULATED) $(DEPS_FIRMWARE) $(DEPS_PACKAGES) $(DEPS_WASM) libjpeg-turbo-progs dcmtk g++ clang libclang-rt-14-dev valgrind clang-format clang-tidy afl++
# What packages are made and tried with.
DEPS_PACKAGES = g++ pkg-config cmake meson ninja-build mandoc groff man-db zsh fish python3-yaml
DEPS_DEB = dpkg-dev debhelper lintian
DEPS_WASM = clang lld nodejs
# 230 MB that only `make check-cross` uses.
DEPS_CROSS = $(DEPS_EMULATED) gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-s390x-linux-gnu \
  libc6-dev-s390x-cross

deps: ## install what `make check` needs (Debian)
	@sh tools/deps.sh $(DEPS)

deps-all: ## install what `make check-all` needs (Debian); removes nothing, and says what it could not
	@sh tools/deps.sh $(DEPS_ALL)

deps-packages: ## install what `make check-packages` and `make check-deb` need (Debian)
	@sh tools/deps.sh $(DEPS_PACKAGES) $(DEPS_DEB)

deps-wasm: ## install what `make check-wasm` needs (Debian), Chromium and npm too
	@sh tools/deps.sh $(DEPS_WASM) chromium npm

deps-cross: ## install what `make check-cross` needs (Debian)
	@sh tools/deps.sh $(DEPS_CROSS)

HAS_CHECK = printf '\043include <check.h>\n' | $(CC) -E -x c - >/dev/null 2>&1

check-tools:
	@$(HAS_CHECK) || { echo "libcheck is not installed: running make deps"; $(MAKE) deps; }

PROCESSORS = $(shell nproc 2>/dev/null || echo 1)
SUITES = $(patsubst tests/test_%.c,%,$(wildcard tests/test_*.c))
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck -lsubunit -lrt -lm -pthread)
TEST_CFLAGS ?= $(if $(FULL),-O2 -g1,-O1)

$(BUILD)/tests/test_%: tests/test_%.c $(wildcard tests/*.h tests/kat/*.h) $(HEADERS) $(CLI_HEADERS) $(READER_OBJECTS)
	@mkdir -p $(@D)
	@echo "  cc $@"
	@$(CC) $(STD) $(WARNINGS) $(TEST_CFLAGS) $(CPPFLAGS) $< $(READER_OBJECTS) $(CHECK_LIBS) -lm -o $@

# Without FULL=1 the noise statistics, the data sets and most of the other builds are left out.
NOT_ALONE = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(PROCESSORS))

# REPLAY= where the corpora are replayed under sanitizers anyway.
REPLAY = check-fuzz

check: check-tools ## run the tests in six minutes of processor time; FULL=1 runs all of them in sixteen
	@echo "make check: $(if $(FULL),sixteen,six) minutes of processor time, on $(PROCESSORS) processors"
	@ALIVE_NOTE=$(BUILD)/alive sh tests/alive.sh "make check" \
	  $(MAKE) --no-print-directory $(NOT_ALONE) check-suites $(REPLAY) check-build check-cli check-import
	$(if $(FULL),@PPML=$(BUILD)/ppml CC="$(CC)" sh tests/flags.sh few)
	@echo "make check: all passed$(if $(FULL),,; make check-all has the rest)"

# Suites that compute most, or take longest to build; the command line goes the same ways in short.
LONG_SUITES = exact infer keys evaluate pbs noise simulate ggsw glweswitch
CHECKED_SUITES = $(if $(FULL),$(SUITES),$(filter-out $(LONG_SUITES),$(SUITES)))

check-suites: $(CHECKED_SUITES:%=$(BUILD)/tests/test_%)
	@printf '%s\n' $^ | $(if $(FULL),,CK_EXCLUDE_TAGS=noise) xargs -P $(PROCESSORS) -n 1 sh -c \
	  'echo "$$0" >$(BUILD)/alive; said=$$("$$0" 2>&1); ended=$$?; echo "$$said"; exit $$ended'

# The header under other languages, standards and options, and shared by two units.
check-build: $(HEADERS)
	@CC="$(CC)" CXX="$(CXX)" WARNINGS="$(WARNINGS)" FULL="$(FULL)" sh tests/build_matrix.sh

# Options that change arithmetic, of every compiler and machine that is here: right or refused.
check-flags: $(BUILD)/ppml ## keys, ciphertexts and answers under -ffast-math, x87, -m32 and the like
	@PPML=$(BUILD)/ppml CC="$(CC)" sh tests/flags.sh

# Minutes of emulation: not for every change.
check-cross: $(BUILD)/ppml ## i386, aarch64, armhf, riscv64, s390x under qemu; MACHINES="s390x" for less
	@PPML=$(BUILD)/ppml CC="$(CC)" WARNINGS="$(WARNINGS)" ALIVE_NOTE=$(BUILD)/alive \
	  sh tests/alive.sh "make check-cross" sh tests/cross.sh $(MACHINES)

# A client on emulated microcontrollers, in two minutes.
check-firmware: $(BUILD)/ppml ## examples/firmware on a Cortex-M0 with 16 KB, an M4F and an M7, under qemu
	@PPML=$(BUILD)/ppml CC="$(CC)" python3 tests/firmware.py $(FIRMWARE) || [ $$? -eq 77 ]

firmware-table: $(BUILD)/ppml ## run all boards and write their table into README.md
	@PPML=$(BUILD)/ppml CC="$(CC)" python3 tests/firmware.py --table README.md

# The client for browsers in node and, where it is installed, headless Chromium, in a minute; WASM_TEST=node
# leaves Chromium out.
check-wasm: $(BUILD)/ppml ## examples/wasm in node and headless Chromium, against the command
	@PPML=$(BUILD)/ppml CC="$(CC)" MAKE="$(MAKE)" python3 tests/wasm.py $(WASM_TEST) || [ $$? -eq 77 ]

# Where memory is short: fewer threads, not a failure.
check-small: $(BUILD)/ppml ## infer --stream in 16 MB of address space, of every set but exact
	@PPML=$(BUILD)/ppml sh tests/small.sh

$(BUILD)/picture: tests/picture.c $(CLI_HEADERS) $(READER_OBJECTS)
	@echo "  cc $@"
	@$(CC) $(STD) $(WARNINGS) $(TEST_CFLAGS) $(CPPFLAGS) $< $(READER_OBJECTS) -lm -o $@

check-cli: $(BUILD)/ppml $(BUILD)/minimal $(BUILD)/client $(BUILD)/picture
	@PPML=$(BUILD)/ppml MINIMAL=$(BUILD)/minimal CLIENT=$(BUILD)/client CC="$(CC)" FULL="$(FULL)" sh tests/cli.sh
	@PPML=$(BUILD)/ppml sh tests/cli_pictures.sh
	@PICTURE=$(BUILD)/picture sh tests/pictures.sh
	@PPML=$(BUILD)/ppml sh tests/cli_data.sh

# Networks that PyTorch and scikit-learn export here, where they are installed; at 200 MB they are not among DEPS.
check-import: $(BUILD)/ppml
	@PPML=$(BUILD)/ppml sh tests/cli_onnx.sh
	@PPML=$(BUILD)/ppml sh tests/onnx.sh

check-all: ## everything: check, sanitizers, valgrind, other compilers, emulated CPUs
	$(MAKE) check FULL=all
	$(MAKE) check-sanitized
	$(MAKE) check-threads
	CK_EXCLUDE_TAGS= $(MAKE) valgrind VALGRIND_SKIP=
	$(MAKE) check-emulated
	$(MAKE) check-flags
	$(MAKE) check-firmware
	$(MAKE) check-wasm
	$(MAKE) check-small
	$(MAKE) check-dist
	$(MAKE) check-packages
	$(MAKE) check-deb
	$(MAKE) check-cross
	$(MAKE) size
	$(MAKE) lint
	@echo "make check-all: all passed"

SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all

# The noise statistics say nothing new under sanitizers, and take most of the time there; with
# SANITIZED_FULL= the long suites are left out as they are of a short check.
SANITIZED_FULL = 1
SANITIZED_LEVEL = -O1 # -O0 compiles in half the time
check-sanitized: check-tools ## suites but for noise statistics, corpora, under ASan and UBSan
	@mkdir -p $(BUILD)/san
	CK_EXCLUDE_TAGS=noise $(MAKE) BUILD=$(BUILD)/san FULL=$(SANITIZED_FULL) CFLAGS="$(SANITIZED_LEVEL) -g1 $(SANITIZE)" \
	  TEST_CFLAGS="$(SANITIZED_LEVEL) -g1 $(SANITIZE)" check-suites check-fuzz

# Objects that threads may share, under ThreadSanitizer.
check-threads: $(HEADERS) ## what threads may share, under ThreadSanitizer
	@mkdir -p $(BUILD)/tests
	@$(CC) $(STD) $(WARNINGS) -O2 -g1 -fsanitize=thread $(CPPFLAGS) tests/threads.c -pthread -lm -o $(BUILD)/tests/threads
	@$(BUILD)/tests/threads

valgrind: check-tools ## suites and every command on small inputs under memcheck
	@BUILD=$(BUILD)/valgrind CC="$(CC)" $(if $(filter-out undefined,$(origin VALGRIND_SKIP)),VALGRIND_SKIP="$(VALGRIND_SKIP)") \
	  sh tests/valgrind.sh

# Vector units that this machine does not have, under qemu: NEON against ref, and the
# generic x86-64 build on a CPU without AVX.
CROSS ?= aarch64-linux-gnu-
CROSS_32 ?= arm-linux-gnueabihf-
check-emulated: check-narrow ## NEON and an old x86-64 under qemu
	@mkdir -p $(BUILD)/emulated
	$(CROSS)gcc $(STD) $(WARNINGS) -O2 $(CPPFLAGS) -static tests/backend_plain.c -lm \
	  -o $(BUILD)/emulated/backend-aarch64
	qemu-aarch64 $(BUILD)/emulated/backend-aarch64
	$(CROSS)gcc $(STD) $(WARNINGS) -O2 $(CPPFLAGS) -static -pthread examples/cli/*.c -lm \
	  -o $(BUILD)/emulated/ppml-aarch64
	qemu-aarch64 $(BUILD)/emulated/ppml-aarch64 demo --params fast
	$(MAKE) $(BUILD)/ppml
	qemu-x86_64 -cpu Nehalem $(BUILD)/ppml demo --params fast
	PPML=$(BUILD)/ppml sh tests/emulated.sh "qemu-aarch64 $(BUILD)/emulated/ppml-aarch64" \
	  "qemu-x86_64 -cpu Nehalem $(BUILD)/ppml"

# Where size_t is narrower than uint64_t.
check-narrow: ## what a 32-bit compiler says of the library and the command
	$(CROSS_32)gcc $(STD) $(WARNINGS) $(CPPFLAGS) -pthread -fsyntax-only examples/*.c examples/cli/*.c

## Fuzz

FUZZERS = $(filter-out replay,$(patsubst fuzz/%.c,%,$(wildcard fuzz/*.c)))

# A plain main that replays a target's corpus.
# FUZZ_UNITS: what a target needs beside the readers.
$(BUILD)/%/fuzz_ledger: FUZZ_UNITS = examples/cli/args.c
$(BUILD)/%/fuzz_table: FUZZ_UNITS = examples/cli/table.c examples/cli/table_split.c
$(BUILD)/fuzz/fuzz_table $(BUILD)/libfuzzer/fuzz_table $(BUILD)/afl/fuzz_table: examples/cli/table.c examples/cli/table_split.c
$(BUILD)/fuzz/fuzz_ledger $(BUILD)/libfuzzer/fuzz_ledger $(BUILD)/afl/fuzz_ledger: examples/cli/ledger.c

$(BUILD)/fuzz/%: fuzz/%.c fuzz/replay.c $(wildcard fuzz/*.h) $(HEADERS) $(CLI_HEADERS) $(READER_OBJECTS)
	@mkdir -p $(@D)
	@echo "  cc $@"
	@$(CC) $(STD) $(WARNINGS) $(TEST_CFLAGS) $(CPPFLAGS) $< fuzz/replay.c $(FUZZ_UNITS) $(READER_OBJECTS) -lm -o $@

check-fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	@for fuzzer in $(FUZZERS); do echo $$fuzzer >$(BUILD)/alive; $(BUILD)/fuzz/$$fuzzer fuzz/corpus/$${fuzzer#fuzz_} || exit 1; done

FUZZ_FLAGS = -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
  -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

$(BUILD)/libfuzzer/%: fuzz/%.c $(wildcard fuzz/*.h) $(HEADERS) $(CLI_HEADERS)
	@mkdir -p $(@D)
	@echo "  clang $@"
	@$(CLANG) $(STD) $(FUZZ_FLAGS) $(CPPFLAGS) $< $(FUZZ_UNITS) $(READERS:%=examples/cli/%.c) -lm -o $@

fuzz: $(FUZZERS:%=$(BUILD)/libfuzzer/%) ## fuzz every parser with libFuzzer: make fuzz SECONDS=60 each
	@for fuzzer in $(FUZZERS); do \
	  mkdir -p $(BUILD)/found/$$fuzzer; \
	  $(BUILD)/libfuzzer/$$fuzzer -max_total_time=$(SECONDS) -print_final_stats=1 \
	    -artifact_prefix=$(BUILD)/found/$$fuzzer- $(BUILD)/found/$$fuzzer fuzz/corpus/$${fuzzer#fuzz_} \
	    2>$(BUILD)/found/$$fuzzer.log || { tail -40 $(BUILD)/found/$$fuzzer.log; exit 1; }; \
	  echo "$$fuzzer: $$(sed -n 's/stat::number_of_executed_units: *//p' $(BUILD)/found/$$fuzzer.log) runs, nothing found"; \
	done

# The same targets under AFL++, whose compiler has a libFuzzer driver of its own.
AFL_CLANG ?= afl-clang-fast
$(BUILD)/afl/%: fuzz/%.c $(wildcard fuzz/*.h) $(HEADERS) $(CLI_HEADERS)
	@mkdir -p $(@D)
	@echo "  $(AFL_CLANG) $@"
	@AFL_QUIET=1 $(AFL_CLANG) $(STD) -g -O1 -fsanitize=fuzzer -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION \
	  $(CPPFLAGS) $< $(FUZZ_UNITS) $(READERS:%=examples/cli/%.c) -lm -o $@

# Ends with an error where a crash or a hang was saved.
fuzz-afl: $(FUZZERS:%=$(BUILD)/afl/%) ## fuzz every parser with AFL++: make fuzz-afl SECONDS=60 each
	@for fuzzer in $(FUZZERS); do \
	  rm -rf $(BUILD)/found/afl-$$fuzzer; mkdir -p $(BUILD)/found; \
	  AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 \
	    afl-fuzz -V $(SECONDS) -t 20000 -m none -i fuzz/corpus/$${fuzzer#fuzz_} \
	    -o $(BUILD)/found/afl-$$fuzzer -- $(BUILD)/afl/$$fuzzer >$(BUILD)/found/afl-$$fuzzer.log 2>&1; \
	  stats=$(BUILD)/found/afl-$$fuzzer/default/fuzzer_stats; \
	  [ -f $$stats ] || { tail -20 $(BUILD)/found/afl-$$fuzzer.log; exit 1; }; \
	  awk -v fuzzer=$$fuzzer '{ value[$$1] = $$3 } \
	    END { found = value["saved_crashes"] + value["saved_hangs"]; \
	          print fuzzer ": " value["execs_done"] " runs under AFL++, " (found ? found : "nothing") " found"; \
	          exit found > 0 }' $$stats || exit 1; \
	done

## Look after

.PHONY: amalgamate dist man completions embedded install deb check-deb check-dist check-packages deps-packages deps-wasm bench results format lint compdb demo-data size stack-table deps-all deps-cross check-sanitized check-emulated check-narrow

bench: $(BUILD)/ppml ## time every step; writes docs/BENCHMARKS.md and docs/benchmarks.svg
	CC="$(CC)" python3 tools/bench.py $(BUILD)/ppml $(PPML_DATA) docs

results: $(BUILD)/ppml ## train and run networks of all shapes; writes docs/RESULTS.md (hours; RESULTS="--images 50" for less)
	python3 tools/results.py $(BUILD)/ppml $(PPML_DATA) docs $(BUILD)/results --exact 8 $(RESULTS)

SOURCES = $(HEADERS) $(CLI_HEADERS) $(wildcard examples/*.c examples/cli/*.c examples/firmware/*.[ch] examples/wasm/*.c examples/wasm/libc/*.h tests/*.[ch] fuzz/*.[ch]) \
  $(wildcard tests/boards/*.[ch] tests/boards/*.cpp tests/boards/zephyr/random/*.h packaging/embedded/*/*.c packaging/embedded/examples/*/*.ino packaging/embedded/examples/*/*.cpp)

format: ## lay the sources out with clang-format
	clang-format -i $(filter-out examples/cli/demo_data.h,$(SOURCES))

lint: ## layers, constants, versions, layout, clang-tidy
	python3 tools/check_layers.py
	python3 tools/check_constants.py
	python3 tools/check_versions.py
	python3 tools/design.py --check
	clang-format --dry-run -Werror $(filter-out examples/cli/demo_data.h,$(SOURCES))
	printf '%s\n' examples/cli/*.c | xargs -P $(PROCESSORS) -n 1 sh -c 'clang-tidy --quiet "$$0" -- $(STD) $(CPPFLAGS)'

amalgamate: ## write the library as one file, dist/ppml.h
	python3 tools/amalgamate.py dist/ppml.h

dist: ## what is released: dist/ppml.h, the sources, an SPDX list, checksums; the same bytes everywhere
	rm -rf dist
	python3 tools/dist.py dist

PREFIX ?= /usr/local
VERSION = $(shell sed -n 's/^.define PPML_VERSION "\(.*\)"/\1/p' ppml.h)
FILL = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|'
PLACE = $(DESTDIR)$(PREFIX)

# The command whose help is asked for: of a build for another machine, name one of this machine.
PPML_HELP ?= $(BUILD)/ppml

man: $(PPML_HELP) ## man pages of what the command's help says: build/man
	python3 tools/man.py $(PPML_HELP) $(BUILD)/man

completions: $(PPML_HELP) ## completions of it for bash, zsh and fish: build/completions
	python3 tools/completions.py $(PPML_HELP) $(BUILD)/completions

SHARED = $(PLACE)/share
install: $(BUILD)/ppml man completions ## command, library, man pages, completions, pkg-config and CMake files: DESTDIR, PREFIX
	python3 tools/amalgamate.py $(BUILD)/install/ppml.h
	install -d $(PLACE)/bin $(PLACE)/include $(SHARED)/pkgconfig $(PLACE)/lib/cmake/ppml $(SHARED)/doc/ppml \
	  $(SHARED)/man/man1 $(SHARED)/man/man3 $(SHARED)/bash-completion/completions $(SHARED)/zsh/site-functions \
	  $(SHARED)/fish/vendor_completions.d
	install -m 755 $(BUILD)/ppml $(PLACE)/bin/ppml
	install -m 644 $(BUILD)/man/man1/*.1 $(SHARED)/man/man1
	install -m 644 $(BUILD)/man/man3/*.3 $(SHARED)/man/man3
	install -m 644 $(BUILD)/completions/ppml.bash $(SHARED)/bash-completion/completions/ppml
	install -m 644 $(BUILD)/completions/_ppml $(SHARED)/zsh/site-functions/_ppml
	install -m 644 $(BUILD)/completions/ppml.fish $(SHARED)/fish/vendor_completions.d/ppml.fish
	install -m 644 $(BUILD)/install/ppml.h $(PLACE)/include/ppml.h
	install -m 644 LICENSE README.md CHANGELOG.md $(SHARED)/doc/ppml
	$(FILL) packaging/ppml.pc.in >$(SHARED)/pkgconfig/ppml.pc
	$(FILL) packaging/ppml-config.cmake.in >$(PLACE)/lib/cmake/ppml/ppml-config.cmake
	$(FILL) packaging/ppml-config-version.cmake.in >$(PLACE)/lib/cmake/ppml/ppml-config-version.cmake

check-packages: $(BUILD)/ppml man completions ## what is installed, by pkg-config, CMake, meson; man pages; completions; boards
	@sh tests/first.sh
	@MAKE="$(MAKE)" CC="$(CC)" sh tests/packages.sh
	@python3 tests/options.py $(BUILD)/ppml
	@PPML=$(BUILD)/ppml MAN=$(BUILD)/man sh tests/man.sh
	@PPML=$(BUILD)/ppml COMPLETIONS=$(BUILD)/completions sh tests/completions.sh
	@PPML=$(BUILD)/ppml CC="$(CC)" CXX="$(CXX)" python3 tests/embedded.py

embedded: $(PPML_HELP) ## for boards, by Arduino, PlatformIO, Zephyr or ESP-IDF: dist/ppml-embedded-VERSION.zip
	@python3 tools/embedded.py $(PPML_HELP) dist

# A minute of processor time and a compiler's work: not in .ci.
deb: ## Debian packages of the command and the library: dist/*.deb
	@sh tools/deb.sh $(BUILD)/deb dist

check-deb: ## the same by lintian, installed in a folder, used and removed
	@sh tools/deb.sh $(BUILD)/deb dist || { [ $$? -eq 77 ] && exit 0; exit 1; }; DIST=dist CC="$(CC)" sh tests/deb.sh

check-dist: dist check-tools ## the release made twice, and dist/ppml.h as the product
	@DIST=dist CC="$(CC)" CXX="$(CXX)" WARNINGS="$(WARNINGS)" sh tests/dist.sh

# Training keeps two models on the stack, each with an encoder of 4 KB; a client takes 9 KB at most, and with
# PPML_SMALL the 1.4 that make check-firmware measures.
STACK_MAX = 24576

# Call graphs of the whole library, and of a client on a Cortex-M4 where its compiler is there.
BOARD_CC = arm-none-eabi-gcc
$(BUILD)/unit.ci: $(HEADERS)
	@mkdir -p $(BUILD)
	printf '\043define PPML_IMPLEMENTATION\n\043include "ppml.h"\n' >$(BUILD)/unit.c
	$(CC) $(STD) -Os $(CPPFLAGS) -fcallgraph-info=su -c $(BUILD)/unit.c -o $(BUILD)/unit.o

$(BUILD)/board.ci: $(HEADERS)
	@mkdir -p $(BUILD)
	printf '\043define PPML_IMPLEMENTATION\n\043include "ppml.h"\n' >$(BUILD)/board.c
	$(BOARD_CC) $(STD) -Os -I. -mcpu=cortex-m4 -mthumb -mfloat-abi=soft -ffreestanding -DPPML_CLIENT_ONLY -DPPML_SMALL \
	  -DPPML_BACKEND_ONLY=PPML_BACKEND_REF -DPPML_ENTROPY=board_entropy -fcallgraph-info=su -c $(BUILD)/board.c -o $(BUILD)/board.o

size: $(BUILD)/unit.ci ## code bytes, and the deepest stack of every public function
	size $(BUILD)/unit.o
	@if command -v $(BOARD_CC) >/dev/null; then $(MAKE) $(BUILD)/board.ci && \
	  python3 tools/stack.py $(BUILD)/unit.ci --limit $(STACK_MAX) --board $(BUILD)/board.ci --check docs/STACK.md; \
	else echo "make size: the client's column of docs/STACK.md needs the Debian package gcc-arm-none-eabi" && \
	  python3 tools/stack.py $(BUILD)/unit.ci --limit $(STACK_MAX) --check docs/STACK.md; fi

stack-table: $(BUILD)/unit.ci $(BUILD)/board.ci ## write the table of docs/STACK.md
	python3 tools/stack.py $(BUILD)/unit.ci --limit $(STACK_MAX) --board $(BUILD)/board.ci --write docs/STACK.md

compdb: ## write compile_commands.json for editors
	bear -- $(MAKE) -B all

# The networks that `ppml demo` carries: choose by validation, never by test.
DEMO_TRAIN = $(BUILD)/ppml train $(PPML_DATA)/pneumoniamnist.npz --seed 1 --class-names normal,pneumonia

demo-data: $(BUILD)/ppml ## train the demo's networks and write examples/cli/demo_data.h
	$(DEMO_TRAIN) -o $(BUILD)/squares.ppml
	$(DEMO_TRAIN) -o $(BUILD)/relu.ppml --activation relu --seeds 1
	python3 tools/demo_data.py $(BUILD)/squares.ppml $(BUILD)/relu.ppml $(PPML_DATA)/pneumoniamnist.npz \
	  > $(BUILD)/demo_data.h
	mv $(BUILD)/demo_data.h examples/cli/demo_data.h
