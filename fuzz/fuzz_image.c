/* fuzz_image.c - any bytes as a picture of any kind.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION \
 *         -o fuzz_image fuzz/fuzz_image.c \
 *         examples/cli/{image,foreign,pnm,png,dicom*,jpeg*,exif,inflate}.c -lm
 *     mkdir -p /tmp/new && ./fuzz_image -max_len=4096 /tmp/new fuzz/corpus/image
 * AFL++ (which defines that macro itself):
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_image fuzz/fuzz_image.c \
 *         examples/cli/{image,foreign,pnm,png,dicom*,jpeg*,exif,inflate}.c -lm
 *     afl-fuzz -i fuzz/corpus/image -o /tmp/afl -- ./fuzz_image
 * Corpus alone: fuzz/replay.c in place of the fuzzer.
 *
 * The macro lets mutations past the CRC-32 and the Adler-32. */
#include "../examples/cli/image.h"
#include "pictures.h"

#include <stdlib.h>

enum { MEMORY_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  image measured, got;
  if (image_measure(&measured, NULL, bytes, count) || measured.memory_bytes > MEMORY_MAX) return 0;
  uint8_t *memory = malloc(measured.memory_bytes);
  if (!memory) return 0;
  if (!image_read(&got, NULL, bytes, count, memory, measured.memory_bytes))
    check_image(&measured, &got, memory);
  else if (got.pixels) abort();
  free(memory);
  return 0;
}
