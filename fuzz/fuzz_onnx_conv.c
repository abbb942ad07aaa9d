/* fuzz_onnx_conv.c - any bytes as an ONNX file with a convolution.
 *
 * libFuzzer, AFL++: as fuzz_onnx.c has it, with examples/cli/onnx_conv.c, onnx_file.c and protobuf.c.
 * Corpus alone: fuzz/replay.c in place of the fuzzer. */
#include "../examples/cli/onnx_conv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void check_numbers(const float *x, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!(fabsf(x[i]) < 1e30f)) abort();
}

/* What was read is as large as it says. */
static void check_network(const onnx_conv_network *n) {
  if (n->filters == 0 || n->channels == 0 || n->side == 0 || n->side > 8 || n->outputs == 0)
    abort();
  check_numbers(n->kernel, (size_t)n->filters * n->channels * n->side * n->side);
  check_numbers(n->bias, n->filters);
  check_numbers(n->square, n->filters);
  check_numbers(n->linear, n->filters);
  check_numbers(n->constant, n->filters);
  check_numbers(n->dense, (size_t)n->outputs * n->filters);
  check_numbers(n->dense_bias, n->outputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  onnx_conv_network network;
  if (count > FILE_MAX) return 0;
  size_t memory_bytes = onnx_conv_memory_bytes(count);
  void *memory = malloc(memory_bytes);
  if (memory == NULL) abort();
  (void)onnx_conv_is(bytes, count);
  const char *reason = onnx_conv_read(&network, bytes, count, NULL, 0, memory, memory_bytes);
  if (reason == NULL) check_network(&network);
  if (reason && (reason != network.message || strlen(reason) >= ONNX_CONV_MESSAGE_BYTES)) abort();
  free(memory);
  return 0;
}
