#!/bin/sh
# What the readers of pictures make of files, against what other programs do: Debian's
# libjpeg-turbo-progs (djpeg -dct int) and dcmtk (dcmj2pnm), where they are
# installed.  PICTURE is tests/picture.c, built.  More DICOM files may be given: sh tests/pictures.sh FILE...
set -u
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
PICTURE=$(cd "$(dirname "$PICTURE")" && pwd)/$(basename "$PICTURE")
CORPUS=$SOURCE/fuzz/corpus
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT
equal=0
near=0
refused=0
failed=0

# compare NAME: one.pnm and two.pnm, by the largest difference of a byte; cmp prints bytes in octal.
compare() {
  difference=$(cmp -l "$WORK/one.pnm" "$WORK/two.pnm" 2>&1 | awk '
    function value(o) { return 64 * int(o / 100) + 8 * (int(o / 10) % 10) + o % 10 }
    NF != 3 { most = 999; exit }
    { d = value($2) - value($3); if (d < 0) d = -d; if (d > most) most = d }
    END { print most + 0 }')
  if [ "$difference" -eq 0 ]; then equal=$((equal + 1))
  elif [ "$difference" -eq 1 ]; then near=$((near + 1))
  else
    failed=$((failed + 1))
    echo "tests/pictures.sh: FAILED: $1: differs by $difference"
  fi
}

# against FILE COMMAND...: the command prints a picture, or fails.  Counts what both read.
against() {
  file=$1
  shift
  "$PICTURE" "$file" ${view:-} >"$WORK/one.pnm" 2>"$WORK/err" || { refused=$((refused + 1)); return; }
  "$@" >"$WORK/two.pnm" 2>/dev/null && compare "$file" || { refused=$((refused + 1)); return; }
}

report() {
  echo "tests/pictures.sh: $1: $equal equal, $near within one level, $refused not read by both, $failed wrong"
  all_failed=$((${all_failed:-0} + failed))
  equal=0 near=0 refused=0 failed=0
}

# All that cjpeg makes of one drawing, which is as large as a photograph's detail and has odd sides.
jpegs() {
  awk 'BEGIN { w = 181; h = 123; print "P3", w, h, 255
    for (y = 0; y < h; y++) for (x = 0; x < w; x++)
      print int(128 + 127 * sin(x * y / 97)), (x * 7 + y * 3) % 256, (x > 90 && y > 60) ? 255 * ((x + y) % 2) : x }' >"$WORK/draw.ppm"
  for sample in 1x1 2x1 1x2 2x2 4x1 4x2 1x4 3x1 2x2,2x1,1x2 1x1,2x2,1x1; do
    for options in "" "-progressive" "-optimize -restart 3B" "-quality 5" "-quality 100" "-progressive -restart 1"; do
      cjpeg -sample $sample $options "$WORK/draw.ppm" >"$WORK/made.jpg" 2>/dev/null || continue
      against "$WORK/made.jpg" djpeg -dct int -pnm "$WORK/made.jpg"
    done
  done
  cjpeg -rgb "$WORK/draw.ppm" >"$WORK/made.jpg" && against "$WORK/made.jpg" djpeg -dct int -pnm "$WORK/made.jpg"
  cjpeg -grayscale -progressive "$WORK/draw.ppm" >"$WORK/made.jpg" && against "$WORK/made.jpg" djpeg -dct int -pnm "$WORK/made.jpg"
}

# dcmj2pnm writes files only.
dcmtk() {
  dcmj2pnm -O --write-raw-pnm $1 "$2" "$WORK/dcmtk.pnm" >/dev/null 2>&1 && cat "$WORK/dcmtk.pnm"
}

# The file's window where dcmtk finds one there, else its default, full range.
dcmtk_own() {
  dcmtk "+Wi 1 +F $2" "$1" || dcmtk "+F $2" "$1"
}

# Of a rescaling of each frame's own dcmtk knows nothing.
dicoms() {
  for file in "$@"; do
    case $file in */bad_* | */frames_rescaling*) continue ;; esac
    view="--frame 1" against "$file" dcmtk_own "$file" 1
    case $file in
    */corpus/dicom/*frames*) view="--frame 2" against "$file" dcmtk_own "$file" 2 ;;
    */corpus/dicom/gray_12* | */corpus/dicom/signed* | */corpus/dicom/rescaled*) ;;
    */corpus/*) continue ;;
    esac
    view="--frame 1 --window full" against "$file" dcmtk "+F 1" "$file"
    view="--frame 1 --window 50.5,300" against "$file" dcmtk "+F 1 +Ww 50.5 300" "$file"
  done
}

if command -v djpeg >/dev/null && command -v cjpeg >/dev/null; then
  for file in "$CORPUS"/jpeg/turbo_*; do against "$file" djpeg -dct int -pnm "$file"; done
  jpegs
  report "JPEG, against djpeg -dct int"
else echo "tests/pictures.sh: JPEG: skipped, djpeg is not installed (libjpeg-turbo-progs)"; fi

if command -v dcmj2pnm >/dev/null; then
  dicoms "$CORPUS"/dicom/* "$@"
  report "DICOM, against dcmj2pnm"
else echo "tests/pictures.sh: DICOM: skipped, dcmj2pnm is not installed (dcmtk)"; fi

[ "${all_failed:-0}" -eq 0 ]
