/* fuzz_eval_key.c - any bytes as an evaluation key; see container.h.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_eval_key fuzz/fuzz_eval_key.c -lm
 *     mkdir -p /tmp/new && ./fuzz_eval_key -max_len=4096 /tmp/new fuzz/corpus/eval_key
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  return container_fuzz(PPML_KIND_EVAL_KEY, bytes, count);
}
