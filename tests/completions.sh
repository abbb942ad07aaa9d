#!/bin/sh
# Completions as make completions writes them, asked for in real shells: bash, zsh, fish.
#     COMPLETIONS=build/completions sh tests/completions.sh
# A shell that is not here is named with its Debian package.
set -u
: "${PPML:=build/ppml}" "${COMPLETIONS:=build/completions}"
root=$(cd "$(dirname "$0")/.." && pwd)
made=$(cd "$COMPLETIONS" && pwd)
ppml=$(cd "$(dirname "$PPML")" && pwd)/$(basename "$PPML")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
cd "$work" && touch circuit.ppml cigar.txt sk 'my data.npz' && mkdir cinema || exit 1

# What a shell offers for the last word of a line, sorted, on one line.
by_bash() {
  bash --norc -c 'source "$1/ppml.bash"; line=$2; read -ra COMP_WORDS <<<"$line"
    case $line in *" ") COMP_WORDS+=("") ;; esac
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); complete -p ppml >/dev/null && _ppml; printf "%s\n" "${COMPREPLY[@]}"' - "$made" "$1"
}
by_zsh() { timeout 60 zsh -f "$root/tests/complete.zsh" "$made" "$1"; }
by_fish() { HOME=$work fish --no-config -c 'source $argv[1]/ppml.fish; complete -C $argv[2]' "$made" "$1" | cut -f 1; }
offered() { "by_$shell" "$1" 2>&1 | sed 's|/$||' | sort -u | tr '\n' ' ' | sed 's/^ *//; s/ *$//'; }
# offers LINE WORDS: these and no others.
offers() {
  got=$(offered "$1")
  if [ "$got" = "$2" ]; then passed=$((passed + 1))
  else failed=$((failed + 1)); echo "tests/completions.sh: FAILED: $shell: $1: '$got' (expected '$2')"; fi
}

commands=$("$ppml" help | sed -n 's/^  ppml \([a-z]*\) .*/\1/p')
# Options that a command's help has at the beginning of a line or in a form of the call.
options_of() {
  { "$ppml" help "$1" | sed -n "s/^ppml $1 //p" | grep -oE -e '--[a-z-]+'
    "$ppml" help "$1" | sed -n 's/^  \(--[a-z-]*\).*/\1/p'; echo --help; } | sort -u | tr '\n' ' ' | sed 's/ $//'
}

for shell in bash zsh fish; do
  if ! command -v $shell >/dev/null; then
    skipped=$((skipped + 1))
    echo "skipped: no $shell (Debian package $shell)"
    continue
  fi
  offers "ppml tra" "train"
  offers "ppml help le" "learn"
  offers "ppml train --late" "--latent-bits --latents"
  offers "ppml train --activation " "clipped-square polynomial relu sign square"
  offers "ppml import --layout " "chw hwc"
  offers "ppml infer --backend av" "avx2 avx512"
  offers "ppml compile --params fa" "fast fast-block2"
  offers "ppml compile --params a" "auto"
  offers "ppml train --epochs " ""
  offers "ppml keygen --secret-key s" "sk"
  offers "ppml pack --images ci" "cinema"
  for command in $commands; do
    case $shell in # each call of zsh takes a terminal and most of a second
      zsh) case $command in train | encrypt | info) ;; *) continue ;; esac ;;
    esac
    offers "ppml $command --" "$(options_of $command)"
  done
  # Files of the ending that is expected come alone with folders, in fish first.
  case $shell in
    fish) [ "$(by_fish "ppml compile c" | head -1)" = circuit.ppml ] && passed=$((passed + 1)) || {
      failed=$((failed + 1)); echo "tests/completions.sh: FAILED: fish: files: $(by_fish "ppml compile c")"; } ;;
    *) offers "ppml compile ci" "cinema circuit.ppml" ;;
  esac
done
echo "tests/completions.sh: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
