/* fuzz_onnx.c - any bytes as an ONNX file, which may have weights in a file beside it.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -o fuzz_onnx fuzz/fuzz_onnx.c \
 *         examples/cli/onnx.c examples/cli/onnx_[fglmnr]*.c examples/cli/protobuf.c -lm
 *     mkdir -p /tmp/new && ./fuzz_onnx -max_len=4096 /tmp/new fuzz/corpus/onnx
 * AFL++:
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_onnx fuzz/fuzz_onnx.c \
 *         examples/cli/onnx.c examples/cli/onnx_[fglmnr]*.c examples/cli/protobuf.c -lm
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
    if (layer->inputs == 0 || layer->outputs == 0) abort();
    if (l + 1 < network->layer_count && !(layer->low < layer->high)) abort();
    if (!isfinite(layer->weight[(size_t)layer->inputs * layer->outputs - 1])) abort();
    if (!isfinite(layer->bias[layer->outputs - 1])) abort();
  }
}

/* Functions of single values give something wherever they are looked at. */
static void run_functions(const onnx_network *network) {
  for (uint32_t l = 0; l + 1 < network->layer_count; l++) {
    const ppml_float_layer *layer = &network->layer[l];
    for (int i = -20; i < 20 && layer->function; i++) layer->function(layer->context, (float)i);
  }
}

/* Runs the file's own arithmetic on a picture. */
static void run_network(const onnx_network *network) {
  const onnx_program *p = &network->program;
  uint32_t outputs = network->layer[network->layer_count - 1].outputs;
  float *memory = calloc(p->floats + p->step[0].count, sizeof *memory);
  if (!memory) return;
  if (p->step[p->scores].count != outputs || p->step[0].count != network->layer[0].inputs) abort();
  onnx_run(memory, p, memory + p->floats);
  free(memory);
}

/* The image that the file declares, if it is small, or one of four values. */
static onnx_image image_of(const uint8_t *bytes, size_t count) {
  onnx_input input;
  onnx_image image = {2, 2, 1, 0};
  if (onnx_input_read(&input, bytes, count) || input.rank != 4) return image;
  const uint32_t *side = input.shape + 1;
  for (int i = 0; i < 3; i++)
    if (side[i] < 1 || side[i] > 16) return image;
  const onnx_image chw = {side[1], side[2], side[0], 0}, hwc = {side[0], side[1], side[2], 1};
  return input.is_hwc ? hwc : chw;
}

/* Memory for the reader, which is 20 MB for the least file, from one input to the next: its last bytes, so
 * that a sanitizer sees what goes beyond them. */
static void *take_memory(size_t bytes) {
  static uint8_t *memory;
  static size_t held;
  bytes = (bytes + 15) & ~(size_t)15;
  if (bytes > held) {
    free(memory);
    held = 2 * bytes;
    memory = malloc(held);
    if (!memory) abort();
  }
  return memory + held - bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  static const uint8_t beside[256] = {0};
  onnx_network network;
  onnx_external external[ONNX_EXTERNALS_MAX];
  protobuf graph;
  onnx_request request = {bytes, count, external, 0, image_of(bytes, count), NULL};
  if (onnx_graph_find(&graph, bytes, count) == NULL &&
      onnx_externals_find(external, &request.externals, graph))
    request.externals = 0;
  for (size_t i = 0; i < request.externals; i++)
    external[i].bytes = protobuf_of(beside, sizeof beside);
  size_t memory_bytes = onnx_memory_bytes(count + request.externals * sizeof beside);
  void *memory = take_memory(memory_bytes);
  const char *reason = onnx_read(&network, &request, memory, memory_bytes);
  if (!reason) check_network(&network), run_network(&network), run_functions(&network);
  else if (reason != network.message || strlen(reason) >= ONNX_MESSAGE_BYTES) abort();
  return 0;
}
