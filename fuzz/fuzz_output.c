/* fuzz_output.c - any bytes as encrypted scores; see container.h.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_output fuzz/fuzz_output.c -lm
 *     mkdir -p /tmp/new && ./fuzz_output -max_len=4096 /tmp/new fuzz/corpus/output
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  return container_fuzz(PPML_KIND_OUTPUT, bytes, count);
}
