/* fuzz_onnx.c - any bytes as an ONNX file.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -o fuzz_onnx fuzz/fuzz_onnx.c \
 *         examples/cli/onnx.c examples/cli/onnx_run.c examples/cli/onnx_file.c \
 *         examples/cli/protobuf.c -lm
 *     mkdir -p /tmp/new && ./fuzz_onnx -max_len=4096 /tmp/new fuzz/corpus/onnx
 * AFL++:
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_onnx fuzz/fuzz_onnx.c examples/cli/onnx.c \
 *         examples/cli/onnx_run.c examples/cli/onnx_file.c examples/cli/protobuf.c -lm
 *     afl-fuzz -i fuzz/corpus/onnx -o /tmp/afl -- ./fuzz_onnx
 * Corpus alone: fuzz/replay.c in place of the fuzzer. */
#include "../examples/cli/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Layers fit one another, and their numbers, the last ones included, are finite. */
static void check_network(const onnx_network *network) {
  if (network->layer_count < 1 || network->layer_count > PPML_LAYERS_MAX) abort();
  for (uint32_t l = 0; l < network->layer_count; l++) {
    const ppml_float_layer *layer = &network->layer[l];
    if (l > 0 && layer->inputs != network->layer[l - 1].outputs) abort();
    if (layer->inputs == 0 || layer->outputs == 0 || !(layer->low < layer->high)) abort();
    if (!isfinite(layer->weight[(size_t)layer->inputs * layer->outputs - 1])) abort();
    if (!isfinite(layer->bias[layer->outputs - 1])) abort();
  }
}

/* Runs the file's own arithmetic on a picture of one channel. */
static void run_network(const onnx_network *network) {
  size_t width = network->layer[0].inputs;
  for (uint32_t l = 0; l < network->layer_count; l++)
    if (network->layer[l].outputs > width) width = network->layer[l].outputs;
  float *value = calloc(2 * width, sizeof *value);
  if (!value) return;
  size_t inputs = network->layer[0].inputs;
  size_t made = onnx_run(value, value + width, network->step, network->steps, inputs, 1);
  if (made != network->layer[network->layer_count - 1].outputs) abort();
  free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  onnx_network network;
  size_t memory_bytes = onnx_memory_bytes(count);
  void *memory = malloc(memory_bytes);
  if (!memory) return 0;
  const char *reason = onnx_read(&network, bytes, count, memory, memory_bytes);
  if (!reason) check_network(&network), run_network(&network);
  else if (reason != network.message || strlen(reason) >= ONNX_MESSAGE_BYTES) abort();
  free(memory);
  return 0;
}
