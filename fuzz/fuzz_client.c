/* fuzz_client.c - any bytes as a client spec; see container.h.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_client fuzz/fuzz_client.c -lm
 *     mkdir -p /tmp/new && ./fuzz_client -max_len=4096 /tmp/new fuzz/corpus/client
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  return container_fuzz(PPML_KIND_CLIENT, bytes, count);
}
