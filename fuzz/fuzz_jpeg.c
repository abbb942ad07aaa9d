/* fuzz_jpeg.c - any bytes as a JPEG image.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -o fuzz_jpeg fuzz/fuzz_jpeg.c \
 *         examples/cli/jpeg*.c examples/cli/exif.c
 *     mkdir -p /tmp/new && ./fuzz_jpeg -max_len=4096 /tmp/new fuzz/corpus/jpeg
 * AFL++:
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_jpeg fuzz/fuzz_jpeg.c \
 *         examples/cli/jpeg*.c examples/cli/exif.c
 *     afl-fuzz -i fuzz/corpus/jpeg -o /tmp/afl -- ./fuzz_jpeg
 * Corpus alone: fuzz/replay.c in place of the fuzzer. */
#include "../examples/cli/jpeg.h"
#include "pictures.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  image measured, got = {0};
  if (jpeg_measure(&measured, bytes, count)) return 0;
  if (measured.memory_bytes > JPEG_MEMORY_PER_BYTE * count) abort(); /* what jpeg.h promises */
  uint8_t *memory = malloc(measured.memory_bytes);
  if (!memory) return 0;
  if (!jpeg_read(&got, bytes, count, memory, measured.memory_bytes))
    check_image(&measured, &got, memory);
  else if (got.pixels) abort();
  free(memory);
  return 0;
}
