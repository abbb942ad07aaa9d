/* fuzz_secret_key.c - any bytes as a secret key, alone and with its client spec; see container.h.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_secret_key fuzz/fuzz_secret_key.c -lm
 *     mkdir -p /tmp/new && ./fuzz_secret_key -max_len=4096 /tmp/new fuzz/corpus/secret_key
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  container_fuzz(PPML_KIND_SECRET_KEY, bytes, count);
  return container_fuzz(PPML_KIND_KEYRING, bytes, count);
}
