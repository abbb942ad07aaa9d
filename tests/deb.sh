#!/bin/sh
# The Debian packages that make deb builds: what lintian calls an error, and both of them installed in a folder of
# their own, used and removed.
#     DIST=dist sh tests/deb.sh
# A tool that is not here is named with its Debian package.
set -u
: "${DIST:=dist}" "${CC:=cc}"
root=$(cd "$(dirname "$0")/.." && pwd)
dist=$(cd "$DIST" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=tests/deb.sh
. "$root/tests/package_support.sh"

version=$(sed -n 's/^#define PPML_VERSION "\(.*\)"/\1/p' "$root/ppml.h")
system=$work/system
mkdir -p "$system/var/lib/dpkg/updates" "$system/var/lib/dpkg/info" && : >"$system/var/lib/dpkg/status"
# dpkg of a system that has nothing else.
in_system() { dpkg --root="$system" --log=/dev/null --force-not-root --force-bad-path --force-script-chrootless "$@"; }
left() { find "$system" -path "$system/var" -prune -o -type f -print; }

has lintian lintian && try "lintian" lintian --allow-root --fail-on error "$dist"/*.deb
try "both are of version $version" test -f "$(echo "$dist"/ppml_"$version"_*.deb)" -a -f "$dist/libppml-dev_${version}_all.deb"
try "install" in_system -i "$dist"/ppml_"$version"_*.deb "$dist/libppml-dev_${version}_all.deb"
try "the command" sh -c '[ "$("$1" --version)" = "ppml $2" ]' - "$system/usr/bin/ppml" "$version"
try "the command: it needs no library" sh -c '! readelf -d "$1" | grep NEEDED' - "$system/usr/bin/ppml"
try "the command: keys" "$system/usr/bin/ppml" demo --params leveled-16
for page in man1/ppml.1 man1/ppml-train.1 man3/ppml.3; do
  try "$page" sh -c 'gzip -dc "$1" | grep -q "^\.SH NAME"' - "$system/usr/share/man/$page.gz"
done
try "completions" grep -q ppml "$system/usr/share/bash-completion/completions/ppml" \
  "$system/usr/share/zsh/vendor-completions/_ppml" "$system/usr/share/fish/vendor_completions.d/ppml.fish"
if has pkg-config pkg-config; then
  flags=$(PKG_CONFIG_LIBDIR="$system/usr/share/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$system" \
    PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 pkg-config --cflags --libs "ppml = $version")
  mkdir "$work/example" && cp "$system/usr/share/doc/libppml-dev/examples/minimal.c" "$work/example"
  try "a program" $CC -std=c99 -D_DEFAULT_SOURCE "$work/example/minimal.c" $flags -o "$work/minimal"
  try "a program: run" sh -c '[ "$("$1")" = bright ]' - "$work/minimal"
fi
if has cmake cmake; then
  printf 'cmake_minimum_required(VERSION 3.13)\nproject(use C)\nfind_package(ppml REQUIRED)\nadd_executable(use minimal.c)\ntarget_link_libraries(use ppml::ppml)\n' \
    >"$work/example/CMakeLists.txt"
  try "find_package" cmake -S "$work/example" -B "$work/example/b" -DCMAKE_PREFIX_PATH="$system/usr"
  try "find_package: build" cmake --build "$work/example/b"
fi
try "remove" in_system --purge ppml libppml-dev
try "nothing is left" sh -c '[ -z "$1" ]' - "$(left)"
finish
