#!/bin/sh
# Builds the Debian packages of the sources as they would be released, with packaging/debian:
#     sh tools/deb.sh FOLDER OUT        FOLDER to build in, OUT for the .deb files
# The version is that of ppml.h, the date that of SOURCE_DATE_EPOCH or of the last commit.  What is missing
# is said with its Debian package; exit status 77 then.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1" "$2"
folder=$(cd "$1" && pwd) out=$(cd "$2" && pwd)
command -v dpkg-buildpackage >/dev/null || { echo "tools/deb.sh: no dpkg-buildpackage (Debian package dpkg-dev)"; exit 77; }
missing=$(cd "$root" && dpkg-checkbuilddeps packaging/debian/control 2>&1 | sed 's/.*: //; s/debhelper-compat ([^)]*)/debhelper/') || true
[ -z "$missing" ] || { echo "tools/deb.sh: not built: Debian packages missing: $missing"; exit 77; }

rm -rf "$folder"/* && python3 "$root/tools/dist.py" "$folder/dist"
tar -xf "$folder"/dist/ppml-*.tar -C "$folder"
sources=$(echo "$folder"/ppml-*)
version=${sources##*/ppml-}
cp -r "$sources/packaging/debian" "$sources/debian"
date=${SOURCE_DATE_EPOCH:-$(stat -c %Y "$sources/ppml.h")} # of an archive, that of its commit
printf 'ppml (%s) unstable; urgency=medium\n\n  * What changed is in CHANGELOG.md.\n\n -- %s  %s\n' "$version" \
  "$(sed -n 's/^Maintainer: //p' "$sources/debian/control")" "$(date -R -u -d "@$date")" >"$sources/debian/changelog"
cd "$sources"
DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc -b >"$folder/log" 2>&1 ||
  { echo "tools/deb.sh: FAILED: $folder/log ends:"; tail -20 "$folder/log"; exit 1; }
rm -f "$out"/ppml_*.deb "$out"/libppml-dev_*.deb
cp "$folder"/*.deb "$out"
for deb in "$folder"/*.deb; do echo "$2/$(basename "$deb")"; done
