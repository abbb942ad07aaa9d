#!/bin/sh
# The suites and every command on small inputs under memcheck: no invalid access, no use of
# uninitialised memory, no leak.  Run by `make valgrind`.  VALGRIND_SKIP names suites to leave
# out: by default those that compute much and parse nothing, which the sanitizers see as well;
# `make check-all` leaves none out.
set -eu
: "${CC:=cc}" "${BUILD:=build/valgrind}"
TINY=$(realpath tests/data)
JPEGS=$(realpath fuzz/corpus/jpeg)
: "${VALGRIND_SKIP=backend exact fft ggsw infer keys keyswitch lwe noise pbs simulate}"
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
  for level in -O0 -O1 -O2 -O3 -Os; do
    $compiler -std=c99 -D_DEFAULT_SOURCE -I. $level -g tests/ct/client.c -lm -o "$BUILD/ct"
    echo "valgrind: secrets undefined, $compiler $level"
    valgrind --quiet --error-exitcode=99 "$BUILD/ct"
  done
done

ppml="$MEMCHECK $(realpath "$BUILD/ppml-dynamic")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
run() { echo "valgrind: ppml $1"; $ppml "$@" >out; }
run train "$TINY/tiny.npz" -o m.ppml --hidden 1 --epochs 2
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
run import "$TINY/tiny_qdq.onnx" "$TINY/tiny.npz" -o im.ppml --mean 0.5 --std 0.25
run import "$TINY/tiny_rgb.onnx" "$TINY/tiny_rgb.npz" -o im.ppml --mean 0.5 --std 0.25 --json
for file in m.ppml c.ppml cl.ppml lm.ppml lc.ppml lcl.ppml; do run export $file -o header.h; done
for file in m.ppml c.ppml cl.ppml sk ek in.ct out.ct lc.ppml lsk lek lin.ct lout.ct; do run info $file; done
echo "valgrind: demo"
$ppml demo --backend ref --params fast-block2 >out
echo "tests/valgrind.sh: all clean"
