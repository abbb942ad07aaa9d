#!/bin/sh
# Installs those of the named Debian packages that are missing, and never removes one for it.
# Says in a line what could not be installed; exit status 1 then.
#
#     sh tools/deps.sh PACKAGE...
set -u

is_there() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=
for package in "$@"; do is_there "$package" || missing="$missing $package"; done
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "tools/deps.sh: no apt-get here; install what Debian calls:$missing" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "tools/deps.sh: neither root nor sudo without a password; have it installed by:" >&2
    echo "  apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  as_root="sudo -n"
fi

# All at once, or one by one where some cannot be had.
install() {
  $as_root apt-get install -y -qq --no-install-recommends --no-remove "$@" >/dev/null 2>&1
}
$as_root apt-get update -qq || echo "tools/deps.sh: the list of packages is not up to date" >&2
# shellcheck disable=SC2086
install $missing && exit 0
left=
for package in $missing; do install "$package" || left="$left $package"; done
[ -z "$left" ] && exit 0
echo "tools/deps.sh: not installed (missing, or others would have to be removed):$left" >&2
exit 1
