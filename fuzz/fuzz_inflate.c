/* fuzz_inflate.c - any bytes as a DEFLATE and as a zlib stream.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -o fuzz_inflate fuzz/fuzz_inflate.c \
 *         examples/cli/inflate.c
 *     mkdir -p /tmp/new && ./fuzz_inflate -max_len=4096 /tmp/new fuzz/corpus/inflate
 * AFL++:
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_inflate fuzz/fuzz_inflate.c \
 *         examples/cli/inflate.c
 *     afl-fuzz -i fuzz/corpus/inflate -o /tmp/afl -- ./fuzz_inflate
 * Corpus alone: fuzz/replay.c in place of the fuzzer.
 *
 * For libFuzzer add -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION to get past the Adler-32.
 *
 * Input: the size that is to come out, 16 bits little-endian, then the stream. */
#include "../examples/cli/inflate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Of a stream that makes out_bytes: one byte less in, or less or more out, is refused. */
static void check_exact(uint8_t *out, size_t out_bytes, const uint8_t *in, size_t used) {
  size_t again = 0, measured = 0;
  if (inflate_raw_measure(&measured, out_bytes, in, used) || measured != out_bytes) abort();
  if (inflate_raw(out, out_bytes, in, used, &again) || again != used) abort();
  if (!inflate_raw(out, out_bytes, in, used - 1, NULL)) abort();
  if (out_bytes > 0 && !inflate_raw(out, out_bytes - 1, in, used, NULL)) abort();
  if (!inflate_is_possible(out_bytes, used)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  if (count < 2) return 0;
  size_t out_bytes = bytes[0] | (size_t)bytes[1] << 8;
  size_t used = 0;
  uint8_t *out = malloc(out_bytes > 0 ? out_bytes : 1);
  if (!out) return 0;
  if (!inflate_raw(out, out_bytes, bytes + 2, count - 2, &used)) {
    if (used == 0 || used > count - 2) abort();
    check_exact(out, out_bytes, bytes + 2, used);
  }
  if (!inflate_zlib(out, out_bytes, bytes + 2, count - 2) && count < 2 + 6 + 1) abort();
  free(out);
  return 0;
}
