#!/bin/sh
# The suites and every command on small inputs under memcheck: no invalid access, no use of
# uninitialised memory, no leak.  Run by `make valgrind`.  VALGRIND_SKIP names suites to leave
# out: by default those that compute much and parse nothing, which the sanitizers see as well;
# `make check-all` leaves none out.
set -eu
: "${CC:=cc}" "${BUILD:=build/valgrind}"
TINY=$(realpath tests/data)
JPEGS=$(realpath fuzz/corpus/jpeg)
: "${VALGRIND_SKIP=backend evaluate exact fft ggsw glweswitch infer keys keyswitch lwe noise pbs simulate tensor}"
export CK_TIMEOUT_MULTIPLIER=20 CK_EXCLUDE_TAGS="${CK_EXCLUDE_TAGS-noise}"
MEMCHECK="valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"

suites=
for file in tests/test_*.c; do
  suite=${file#tests/test_}
  suite=${suite%.c}
  case " $VALGRIND_SKIP " in
  *" $suite "*) echo "valgrind: skipped: the suite $suite (VALGRIND_SKIP)" ;;
  *) suites="$suites $suite" ;;
  esac
done
make --no-print-directory BUILD="$BUILD" CFLAGS="-O1 -g1" TEST_CFLAGS="-O1 -g1" "$BUILD/ppml-dynamic" \
  $(for suite in $suites; do echo "$BUILD/tests/test_$suite"; done)
for suite in $suites; do echo "$BUILD/tests/test_$suite"; done | xargs -P "$(nproc)" -n 1 $MEMCHECK

for compiler in gcc clang; do
  command -v $compiler >/dev/null || { echo "valgrind: skipped: no $compiler"; continue; }
  for level in ${CT_LEVELS--O0 -O1 -O2 -O3 -Os}; do
    $compiler -std=c99 -D_DEFAULT_SOURCE -I. $level -g tests/ct/client.c -lm -o "$BUILD/ct"
    echo "valgrind: secrets undefined, $compiler $level"
    valgrind --quiet --error-exitcode=99 "$BUILD/ct"
  done
  $compiler -std=c99 -D_DEFAULT_SOURCE -DPPML_NO_TRANSFORM -I. -O2 -g tests/ct/client.c -lm -o "$BUILD/ct"
  echo "valgrind: secrets undefined, $compiler -O2, keys by additions"
  valgrind --quiet --error-exitcode=99 "$BUILD/ct"
done

# What the check is worth: a branch on one secret, put into a copy of the library, is found.
#   planted NAME FILE LINE CODE: behind the one line of that header that matches
planted() {
  rm -rf "$BUILD/planted"
  mkdir -p "$BUILD/planted"
  cp -r ppml.h ppml_impl "$BUILD/planted/"
  sed "\\|$3|s|\$| $4|" "ppml_impl/$2" >"$BUILD/planted/ppml_impl/$2"
  cmp -s "ppml_impl/$2" "$BUILD/planted/ppml_impl/$2" && { echo "valgrind: no place for $1" >&2; exit 1; }
  "$CC" -std=c99 -D_DEFAULT_SOURCE "-I$BUILD/planted" -O1 -g tests/ct/client.c -lm -o "$BUILD/ct-planted"
  found=0
  valgrind --quiet --error-exitcode=99 "$BUILD/ct-planted" >/dev/null 2>&1 || found=$?
  [ $found -eq 99 ] || { echo "valgrind: a branch on $1 is not found" >&2; exit 1; }
  echo "valgrind: a planted branch on $1 is found"
}
if [ -n "${CT_PLANTED-1}" ]; then
  PLANT='volatile int planted = 0; if'
  planted "a ternary digit" client/secret.h 'uint8_t block = ppmli_secret_block(rng, 2)' "$PLANT (block == 2) planted = 1; (void)planted;"
  planted "a block of a key" client/secret.h 'uint8_t block = ppmli_secret_block(rng, p->key_block)' "$PLANT (block) planted = 1; (void)planted;"
  planted "a byte that was drawn" client/secret.h 'while (PPMLI_PUBLIC(byte >= whole))' "$PLANT (byte \\& 1) planted = 1; (void)planted;"
  planted "a uniform bit" client/secret.h 'ppmli_rng_bytes(rng, glwe_bits, ' "$PLANT (glwe_bits[0] \\& 1) planted = 1; (void)planted;"
  planted "noise" base/stream.h 'uint64_t low = (random' "$PLANT (low \\& 1) planted = 1; (void)planted;"
else echo "valgrind: skipped: planted branches (CT_PLANTED)"
fi

ppml="$MEMCHECK $(realpath "$BUILD/ppml-dynamic")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
run() { echo "valgrind: ppml $1"; $ppml "$@" >out; }
run train "$TINY/tiny.npz" -o m.ppml --hidden 1 --activation relu --epochs 2
run compile m.ppml -o c.ppml --client cl.ppml --params fast-block2 --no-calibration
run simulate c.ppml "$TINY/tiny.npz" --count 2 --draws 10 --agreement 0 --json
run keygen cl.ppml --secret-key sk --eval-key ek --threads 1
run encrypt --secret-key sk "$TINY/tiny.npz" --split test --index 0 -o in.ct
run encrypt --secret-key sk "$JPEGS/ycc_420" --fit -o jpeg.ct
printf 'file,label,split\ngray_jfif,0,train\nycc_420,1,val\nycc_422,1,test\n' >labels.csv
run pack labels.csv --images "$JPEGS" -o set.npz
run infer c.ppml --eval-key ek in.ct -o out.ct --threads 2 --backend ref
run decrypt --secret-key sk out.ct --json
run verify c.ppml "$TINY/tiny.npz" --count 1 --threads 1 --backend ref --json
run train "$TINY/tiny.npz" -o lm.ppml --hidden 2 --epochs 2 --activation square
run compile lm.ppml -o lc.ppml --client lcl.ppml --params leveled-16 --no-calibration
run simulate lc.ppml "$TINY/tiny.npz" --count 2 --draws 10 --agreement 0 --json
run keygen lcl.ppml --secret-key lsk --eval-key lek --threads 1
run encrypt --secret-key lsk "$TINY/tiny.npz" --split test --index 0 -o lin.ct
run infer lc.ppml --eval-key lek lin.ct lin.ct -o lout.ct --threads 2 --backend ref
run infer lc.ppml --eval-key lek lin.ct -o lout.ct --stream --backend ref
run decrypt --secret-key lsk lout.ct --json
run train "$TINY/tiny.npz" -o pm.ppml --encoder 2 --latents 2 --regions 1 --kernel 2 --copies 1
run train "$TINY/tiny_latents.npz" -o rm.ppml --regions 1 --kernel 2 --absolute
run latents pm.ppml "$TINY/tiny.npz" -o l.npy --picture l.pgm --count 2
run compile pm.ppml -o pc.ppml --client pcl.ppml --params pooled-16 --no-calibration
run compile rm.ppml -o rc.ppml --client rcl.ppml --params pooled-16 --no-calibration
run keygen pcl.ppml --secret-key psk --eval-key pek --threads 1
run encrypt --secret-key psk l.pgm -o pin.ct
run infer pc.ppml --eval-key pek pin.ct -o pout.ct --stream --backend ref
run decrypt --secret-key psk pout.ct --json
run keygen rcl.ppml --secret-key rsk --eval-key rek --threads 1
run encrypt --secret-key rsk "$TINY/latents/one_last.npy" -o rin.ct
run import "$TINY/tiny_qdq.onnx" "$TINY/tiny.npz" -o im.ppml --mean 0.5 --std 0.25
run import "$TINY/tiny_rgb.onnx" "$TINY/tiny_rgb.npz" -o im.ppml --mean 0.5 --std 0.25 --json
for file in m.ppml c.ppml cl.ppml lm.ppml lc.ppml lcl.ppml pc.ppml rcl.ppml; do run export $file -o header.h; done
for file in m.ppml c.ppml cl.ppml sk ek in.ct out.ct lc.ppml lsk lek lin.ct lout.ct pc.ppml psk; do run info $file; done
echo "valgrind: demo"
$ppml demo --backend ref --params fast-block2 >out
echo "tests/valgrind.sh: all clean"
