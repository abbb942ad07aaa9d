#!/bin/sh
# What is installed, and the sources as a subproject, each used by a program that is built and run: pkg-config,
# CMake (find_package, FetchContent, add_subdirectory) and meson.  A tool that is not here is named with its Debian package.
set -u
: "${MAKE:=make}" "${CC:=cc}"
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=tests/packages.sh
. "$root/tests/package_support.sh"

cat >"$work/use.c" <<'USER'
#define PPML_CLIENT_ONLY
#define PPML_IMPLEMENTATION
#include <ppml.h>
#if PPML_VERSION_NUMBER < 200
#error "an older ppml"
#endif
int main(void) {
  ppml_rng rng;
  return ppml_rng_init(&rng) != PPML_OK || ppml_params_by_name("fast") == NULL;
}
USER
cmake_program() {
  mkdir -p "$work/$1" && cp "$work/use.c" "$work/$1/"
  printf 'cmake_minimum_required(VERSION 3.14)\nproject(use C)\n%s\nadd_executable(use use.c)\ntarget_link_libraries(use ppml::ppml)\n' \
    "$2" >"$work/$1/CMakeLists.txt"
  shift 2
}

try "install" $MAKE -C "$root" --no-print-directory install DESTDIR="$work/stage" PREFIX=/opt/ppml
for file in bin/ppml include/ppml.h share/pkgconfig/ppml.pc lib/cmake/ppml/ppml-config.cmake share/doc/ppml/LICENSE \
  share/man/man1/ppml.1 share/man/man1/ppml-train.1 share/man/man3/ppml.3 share/man/man3/ppml_infer.3 \
  share/bash-completion/completions/ppml share/zsh/site-functions/_ppml share/fish/vendor_completions.d/ppml.fish; do
  try "installed: $file" test -f "$work/stage/opt/ppml/$file"
done
try "nothing else is written" test "$(ls "$work/stage")" = opt
try "the command" "$work/stage/opt/ppml/bin/ppml" --version

if has pkg-config pkg-config; then
  flags=$(PKG_CONFIG_PATH="$work/stage/opt/ppml/share/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/stage" \
    pkg-config --define-variable=prefix=/opt/ppml --cflags --libs "ppml >= 0.2")
  try "pkg-config" $CC -std=c99 -D_DEFAULT_SOURCE "$work/use.c" $flags -o "$work/by_pkg_config"
  try "pkg-config: run" "$work/by_pkg_config"
fi
if has cmake cmake; then
  cmake_program find 'find_package(ppml 0.2 REQUIRED)'
  try "find_package" cmake -S "$work/find" -B "$work/find/b" -DCMAKE_PREFIX_PATH="$work/stage/opt/ppml"
  try "find_package: build" cmake --build "$work/find/b"
  try "find_package: run" "$work/find/b/use"
  cmake_program later 'find_package(ppml 0.3 REQUIRED)'
  try "find_package of a later version" sh -c '! cmake -S "$1/later" -B "$1/later/b" -DCMAKE_PREFIX_PATH="$2"' - \
    "$work" "$work/stage/opt/ppml"
  # What is released, fetched as a program would fetch it.
  python3 "$root/tools/dist.py" "$work/dist"
  cmake_program fetched "include(FetchContent)
FetchContent_Declare(ppml URL $(ls "$work"/dist/ppml-*.tar))
FetchContent_MakeAvailable(ppml)"
  try "FetchContent" cmake -S "$work/fetched" -B "$work/fetched/b"
  try "FetchContent: build" cmake --build "$work/fetched/b"
  try "FetchContent: run" "$work/fetched/b/use"
  cmake_program sub "add_subdirectory($root ppml)"
  try "add_subdirectory" cmake -S "$work/sub" -B "$work/sub/b"
  try "add_subdirectory: build" cmake --build "$work/sub/b"
  try "add_subdirectory: run" "$work/sub/b/use"
fi
if has meson meson && has ninja ninja-build; then
  mkdir -p "$work/meson/subprojects" && cp "$work/use.c" "$work/meson/" && ln -s "$root" "$work/meson/subprojects/ppml"
  printf "project('use', 'c', default_options: ['c_std=gnu99'])\nexecutable('use', 'use.c', dependencies: dependency('ppml', version: '>= 0.2', fallback: 'ppml'))\n" \
    >"$work/meson/meson.build"
  try "meson" meson setup "$work/meson/b" "$work/meson"
  try "meson: build" ninja -C "$work/meson/b"
  try "meson: run" "$work/meson/b/use"
fi
finish
