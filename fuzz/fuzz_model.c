/* fuzz_model.c - any bytes as a model; see container.h.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_model fuzz/fuzz_model.c -lm
 *     mkdir -p /tmp/new && ./fuzz_model -max_len=4096 /tmp/new fuzz/corpus/model
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  return container_fuzz(PPML_KIND_MODEL, bytes, count);
}
