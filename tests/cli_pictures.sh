#!/bin/sh
# Pictures of all kinds through the command: `ppml pack` makes the same data set of a picture as of the
# PGM or PPM file that says what it shows.  Run by make check-cli.
set -u
. tests/cli_support.sh

# pack_of FILE OUT OPTION...: a data set of that picture alone, in all three splits and two classes.
pack_of() {
  picture=$1 out=$2
  shift 2
  printf 'file,label,split\n' >table.csv
  for row in 0,train 1,train 0,val 1,val 0,test 1,test; do # one file, one line
    name=picture_$(echo "$row" | tr , _)
    cp "$picture" "$name" || return 1
    printf '%s,%s\n' "$name" "$row" >>table.csv
  done
  "$PPML" pack table.csv -o "$out" --side 8 "$@" >out 2>err
}

# same NAME FILE EXPECTED OPTION...: both are packed alike, the options being for the first.
same() {
  name=$1 file=$2 expected=$3
  shift 3
  if pack_of "$file" one.npz --rgb "$@" && pack_of "$expected" two.npz --rgb; then
    cmp -s one.npz two.npz && pass || fail "$name: another picture"
  else fail "$name: $(cat err)"; fi
}

# refuses_picture NAME FILE TEXT OPTION...
refuses_picture() {
  name=$1 file=$2 text=$3
  shift 3
  pack_of "$file" one.npz "$@"
  status=$?
  [ $status -eq 65 ] && grep -q -- "$text" err && [ "$(wc -l <err)" -eq 1 ] && pass ||
    fail "$name: status $status, $(cat err)"
}

printf 'P5\n3 2\n255\n\000\062\144\226\310\377' >gray.pgm
same "PGM whose lines end with CR and LF" "$CORPUS/image/pgm_crlf" gray.pgm
same "PNG and bytes behind it" "$CORPUS/image/png_then_newline" gray.pgm
same "PAM" "$CORPUS/image/pam_gray" gray.pgm
printf 'P5 3 1 255 \000\001\377' >dark.pgm
same "PGM of maxval 65535" "$CORPUS/image/pgm_maxval_65535" dark.pgm

# The same picture, made by djpeg -dct int, as make_turbo_kats.py committed it.
same "JPEG as YCbCr, told by Adobe or by nothing" "$CORPUS/jpeg/turbo_color_by_adobe" "$CORPUS/jpeg/turbo_color_unmarked"
same "JPEG with bytes behind it" "$CORPUS/jpeg/after_eoi" "$CORPUS/jpeg/gray_one_block"
same "extended sequential JPEG" "$CORPUS/jpeg/turbo_color_extended" "$CORPUS/jpeg/turbo_color_420"

# DICOM: one picture in every coding, frame by frame, through its own window and another.
for kind in implicit deflated without_preamble rle_8 lossless_8; do
  same "DICOM, $kind" "$CORPUS/dicom/$kind" "$CORPUS/dicom/gray_8"
done
same "DICOM, a frame" "$CORPUS/dicom/rle_two_frames" "$CORPUS/dicom/gray_8" --frame 1
same "DICOM, full range" "$CORPUS/dicom/window_full" "$CORPUS/dicom/gray_12_full" --window full
pack_of "$CORPUS/dicom/signed_rescaled_window" own.npz && pack_of "$CORPUS/dicom/signed_rescaled_window" given.npz --window -500,1500 &&
  cmp -s own.npz given.npz && pass || fail "DICOM, the file's own window given: $(cat err)"
pack_of "$CORPUS/dicom/signed_rescaled_window" given.npz --window 1e3,200.5 && ! cmp -s own.npz given.npz && pass ||
  fail "DICOM, another window: $(cat err)"
refuses_picture "DICOM of several frames" "$CORPUS/dicom/three_frames_second" 'expected --frame N to name one, counted from 1'
refuses_picture "DICOM, a frame that is not there" "$CORPUS/dicom/three_frames_second" 'no such frame' --frame 4
refuses_picture "DICOM of another syntax" "$CORPUS/dicom/bad_jpeg_ls" 'JPEG-LS Lossless .*dcmdjpls IN.dcm OUT.dcm of the Debian package dcmtk'
refuses_picture "a window for a PGM" gray.pgm 'not a DICOM file (expected one for --frame and --window), line 2' --window full
for window in 1 1,0 1,-5 1,x 1,2,3 nan,2 inf,2 1,1e999 0x10,2 ,; do
  pack_of "$CORPUS/dicom/gray_8" one.npz --window "$window"
  [ $? -eq 64 ] && pass || fail "the window $window: $(cat err)"
done

refuses_picture "TIFF" "$CORPUS/image/bad_tiff" 'a TIFF image .*tifftopnm IN.tif > OUT.pnm of the Debian package netpbm'
refuses_picture "an arithmetic JPEG" "$CORPUS/jpeg/bad_arithmetic" 'djpeg IN.jpg > OUT.ppm of the Debian package libjpeg-turbo-progs'

# Nothing of a DICOM file but its pixels is written anywhere: its name, the patient's, is not.
pack_of "$CORPUS/dicom/gray_8" one.npz && ! grep -aq 'Nobody' one.npz out err && pass || fail "a tag is kept"

finish
