/* fuzz_quantize.c - a network of floats and images made of any bytes, quantized: what is accepted
 * becomes a valid network, which every parameter set compiles or refuses.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_quantize fuzz/fuzz_quantize.c -lm
 *     mkdir -p /tmp/new && ./fuzz_quantize -max_len=1024 /tmp/new fuzz/corpus/quantize
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PPML_ASSERT(condition) ((condition) ? (void)0 : abort())
#define PPML_IMPLEMENTATION
#include "../ppml.h"

#include "feed.h"

enum { QUANTIZE_PIXELS = 27, QUANTIZE_NEURONS = 6, QUANTIZE_IMAGES = 20, QUANTIZE_LAYERS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

typedef struct quantize_net {
  ppml_float_model model;
  float weight[QUANTIZE_LAYERS][QUANTIZE_PIXELS * QUANTIZE_NEURONS];
  float bias[QUANTIZE_LAYERS][QUANTIZE_NEURONS];
  uint8_t choice[QUANTIZE_LAYERS];
} quantize_net;

static ppml_arena quantize_arena(size_t bytes) {
  ppml_arena arena;
  void *memory = NULL;
  feed_require(posix_memalign(&memory, PPML_ALIGNMENT, bytes ? bytes : 1) == 0);
  feed_require(!ppml_arena_init(&arena, memory, bytes));
  return arena;
}

/* Numbers around 1 for most bytes; else the least, the largest, and none. */
static float quantize_float(feed *f) {
  static const float extreme[] = {0,      -0.0f, 1e30f,  -1e30f, 1e-30f,   1e-45f, 1e10f,
                                  -1e20f, 3e38f, -3e38f, 65536,  INFINITY, NAN,    1};
  uint32_t byte = feed_byte(f);
  if (byte < 240) return ((float)byte - 120) / 64;
  return byte < 254 ? extreme[byte - 240] : ldexpf(1, (int)feed_byte(f) - 128);
}

/* Functions of all manners: context is the byte that chooses one. */
static float quantize_function(const void *context, float y) {
  uint8_t byte = *(const uint8_t *)context;
  if (byte < 64) return y > 0 ? y : y * byte / 64;
  if (byte < 128) return tanhf(y * byte / 64);
  if (byte < 192) return 1; /* constant */
  return byte < 224 ? expf(y) : logf(y);
}

static void quantize_layer(quantize_net *n, feed *f, uint32_t l, uint32_t inputs) {
  ppml_float_model *m = &n->model;
  ppml_float_layer *layer = &m->layer[l];
  int is_last = l + 1 == m->layer_count;
  layer->inputs = inputs;
  layer->outputs =
      is_last ? ppmli_task_outputs(m->task, m->classes) : 1 + feed_below(f, QUANTIZE_NEURONS);
  if (is_last && m->task == PPML_TASK_CLASS && m->classes == 2) layer->outputs += feed_below(f, 2);
  layer->weight = n->weight[l];
  layer->bias = n->bias[l];
  layer->low = feed_below(f, 3) ? 0 : quantize_float(f);
  layer->high = feed_below(f, 3) ? INFINITY : quantize_float(f);
  for (uint32_t i = 0; i < inputs * layer->outputs; i++) n->weight[l][i] = quantize_float(f);
  n->choice[l] = (uint8_t)feed_byte(f);
  layer->activation = feed_below(f, 6);
  layer->function = quantize_function;
  layer->context = &n->choice[l];
  layer->is_homogeneous = n->choice[l] < 64;
  for (uint32_t j = 0; j < layer->outputs; j++) n->bias[l][j] = quantize_float(f);
}

static void quantize_make(quantize_net *n, feed *f) {
  ppml_float_model *m = &n->model;
  memset(n, 0, sizeof *n);
  m->width = 1 + feed_below(f, 3);
  m->height = 1 + feed_below(f, 3);
  m->channels = 1 + feed_below(f, 3);
  m->task = feed_below(f, 3);
  m->classes = 2 + feed_below(f, 4);
  m->layer_count = 1 + feed_below(f, QUANTIZE_LAYERS);
  uint32_t inputs = m->width * m->height * m->channels;
  for (uint32_t k = 0; k < m->channels; k++) {
    m->mean[k] = feed_below(f, 4) ? 0.5f : quantize_float(f);
    m->std[k] = feed_below(f, 4) ? 0.25f : quantize_float(f);
  }
  for (uint32_t l = 0; l < m->layer_count; l++) {
    quantize_layer(n, f, l, inputs);
    inputs = m->layer[l].outputs;
  }
}

static void quantize_compile(const ppml_model *m) {
  ppml_arena arena = quantize_arena(ppml_compile_bytes(m));
  ppml_circuit circuit;
  for (size_t i = 0; ppml_params_by_index(i); i++) {
    ppml_arena_release(&arena, 0);
    ppml_compile_options options = ppml_compile_options_for(ppml_params_by_index(i));
    int error = ppml_compile(&circuit, m, &options, NULL, &arena);
    feed_require(error == PPML_OK || error == PPML_ERR_PARAMS);
  }
  free(arena.memory);
}

static void quantize_predict(const ppml_model *m, const uint8_t *pixels) {
  int32_t scores[PPML_CLASSES_MAX];
  ppml_arena arena = quantize_arena(ppml_model_predict_bytes(m));
  feed_require(!ppml_model_predict(scores, m, pixels, &arena));
  free(arena.memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  static quantize_net n;
  uint8_t pixels[QUANTIZE_IMAGES * QUANTIZE_PIXELS];
  float logits[PPML_CLASSES_MAX];
  feed f = {bytes, count};
  ppml_model model;
  ppml_images images = {pixels, NULL, 1 + feed_below(&f, QUANTIZE_IMAGES)};
  uint32_t input_bits = 1 + feed_below(&f, 8), weight_bits = 2 + feed_below(&f, 7);
  quantize_make(&n, &f);
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(feed_byte(&f) + 29 * i);
  size_t needed = ppml_quantize_bytes(&n.model, images.count);
  ppml_arena arena = quantize_arena(needed);
  int error = ppml_quantize(&model, &n.model, input_bits, weight_bits, &images, &arena);
  feed_require(needed ? error == PPML_OK || error == PPML_ERR_ARG : error == PPML_ERR_ARG);
  feed_require(error == PPML_OK || arena.used_bytes == 0);
  if (error == PPML_OK) {
    feed_require(ppmli_model_is_valid(&model));
    quantize_predict(&model, pixels);
    quantize_compile(&model);
    ppml_arena scratch = quantize_arena(ppml_float_predict_bytes(&n.model));
    feed_require(!ppml_float_predict(logits, &n.model, pixels, &scratch));
    free(scratch.memory);
  }
  free(arena.memory);
  return 0;
}
