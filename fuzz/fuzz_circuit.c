/* fuzz_circuit.c - any bytes as a circuit; see container.h.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_circuit fuzz/fuzz_circuit.c -lm
 *     mkdir -p /tmp/new && ./fuzz_circuit -max_len=4096 /tmp/new fuzz/corpus/circuit
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  return container_fuzz(PPML_KIND_CIRCUIT, bytes, count);
}
