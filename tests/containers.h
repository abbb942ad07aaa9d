/* containers.h - a small valid container of every kind, for suites to break and fuzzers to start
 * from. */
#ifndef PPML_TEST_CONTAINERS_H
#define PPML_TEST_CONTAINERS_H

#include "../fuzz/container.h"

enum { CONTAINERS_BYTES_MAX = 1 << 16, CONTAINERS_PIXELS = 6 };

/* 3 x 2 pixels, two hidden neurons with the activation that has all arrays, one score. */
static void containers_model(ppml_model *model) {
  static const int8_t hidden[] = {3, -7, 0, 1, 5, -2, -1, 2, 7, -4, 0, 6}, last[] = {7, -3};
  static const int32_t bias[] = {10, -20}, range[] = {100, 90}, peak[] = {250, 200}, shift[] = {-5};
  static int8_t table[PPML_TABLE_SIZE];
  const ppml_layer layers[] = {
      {CONTAINERS_PIXELS, 2, PPML_ACTIVATION_TABLE, 4, hidden, bias, range, peak, table, NULL,
       NULL},
      {2, 1, PPML_ACTIVATION_NONE, 4, last, shift, NULL, NULL, NULL, NULL, NULL}};
  const ppml_spec spec = {3, 2,   1,   4,         2, 1, 100, {"benign", "malignant"},
                          0, {0}, {0}, {0, 0, 0}, 0};
  for (int i = 0; i < PPML_TABLE_SIZE; i++) table[i] = (int8_t)(i / 2);
  memset(model, 0, sizeof *model);
  model->spec = spec;
  model->layer_count = 2;
  model->margin_p05 = 40;
  memcpy(model->layer, layers, sizeof layers);
}

/* The same pixels, two neurons of polynomials, one score. */
static void containers_polynomials(ppml_model *model) {
  static const int8_t hidden[] = {1, -1, 0, 1, 1, -1, -1, 0, 1, -1, 0, 1}, last[] = {3, -2};
  static const int32_t bias[] = {4, -6}, square[] = {3, -1}, linear[] = {-50, 20};
  static const int32_t shift[] = {-500}, peak[] = {1 << 16};
  const ppml_layer layers[] = {
      {CONTAINERS_PIXELS, 2, PPML_ACTIVATION_POLYNOMIAL, 2, hidden, bias, NULL, NULL, NULL, square,
       linear},
      {2, 1, PPML_ACTIVATION_NONE, 3, last, shift, NULL, peak, NULL, NULL, NULL}};
  containers_model(model);
  model->margin_p05 = 1 << 14;
  memcpy(model->layer, layers, sizeof layers);
}

/* The same pixels, and their sums for one score. */
static void containers_linear(ppml_model *model) {
  static const int8_t weight[] = {127, -128 + 1, 0, 5, -60, 99};
  static const int32_t bias[] = {-300}, peak[] = {5000};
  const ppml_layer layer = {
      CONTAINERS_PIXELS, 1, PPML_ACTIVATION_NONE, 8, weight, bias, NULL, peak, NULL, NULL, NULL};
  containers_model(model);
  model->layer_count = 1;
  model->layer[0] = layer;
}

/* Four pixels, each a patch with a latent of its own; one region, one square, one score. */
static void containers_pooled(ppml_model *model) {
  static const int8_t square[] = {3};
  static const int32_t linear[] = {5, -7, 11, 2};
  static const int64_t bias[] = {-20}, peak[] = {1 << 12};
  static const uint8_t mean[] = {128};
  containers_model(model);
  model->spec.width = model->spec.height = 2;
  model->spec.input_bits = 5;
  model->spec.encoder.kind = PPML_ENCODER_PATCHES;
  model->spec.encoder.patch = model->spec.encoder.channels = 1;
  model->spec.encoder.standardise = 1;
  model->spec.encoder.regions = model->spec.encoder.reach = 1;
  model->spec.encoder.weight[0] = 100;
  model->layer_count = 0;
  memset(model->layer, 0, sizeof model->layer);
  model->pooled.square = square;
  model->pooled.linear = linear;
  model->pooled.bias = bias;
  model->pooled.peak = peak;
  model->pooled.mean = mean;
}

/* Objects that belong together, all made from seed 1. */
typedef struct containers {
  container_object objects;
  uint32_t *lwe; /* of the output, which answers the image's request */
  ppml_arena arena;
} containers;

/* The others from the model. */
static void containers_make_from(containers *c, const char *params) {
  static const uint8_t pixels[CONTAINERS_PIXELS] = {0, 255, 127, 128, 3, 77};
  container_object *o = &c->objects;
  ppml_rng rng;
  c->arena = container_arena(1 << 20);
  ppml_rng_init_for_tests(&rng, 1);
  if (container_compile(&o->circuit, &o->model, ppml_params_by_name(params), &c->arena)) abort();
  ppml_client_from_circuit(&o->client, &o->circuit);
  if (ppml_secret_key_generate(&o->secret_key, &o->client, &rng, &c->arena)) abort();
  if (ppml_encrypt(&o->input, &o->request, &o->secret_key, pixels, &rng, &c->arena)) abort();
  size_t words = ppml_output_lwe_words(o->client.params);
  c->lwe = (uint32_t *)malloc(words * sizeof *c->lwe);
  if (!c->lwe) abort();
  for (size_t i = 0; i < words; i++) c->lwe[i] = (uint32_t)(i * i & 0x3fff);
  o->output.params = o->client.params;
  memcpy(o->output.circuit_id, o->client.circuit_id, PPML_ID_BYTES);
  memcpy(o->output.key_id, o->secret_key.id, PPML_ID_BYTES);
  o->output.images = o->output.outputs = 1;
  o->output.digest = o->request.digest;
  o->output.lwe = c->lwe;
}

static void containers_make(containers *c) {
  memset(c, 0, sizeof *c);
  containers_model(&c->objects.model);
  containers_make_from(c, "fast");
}

PPMLI_UNUSED static void containers_make_leveled(containers *c) {
  memset(c, 0, sizeof *c);
  containers_polynomials(&c->objects.model);
  containers_make_from(c, "leveled-16");
}

PPMLI_UNUSED static void containers_make_linear(containers *c) {
  memset(c, 0, sizeof *c);
  containers_linear(&c->objects.model);
  containers_make_from(c, "linear");
}

PPMLI_UNUSED static void containers_make_pooled(containers *c) {
  memset(c, 0, sizeof *c);
  containers_pooled(&c->objects.model);
  containers_make_from(c, "pooled-16");
}

static void containers_free(containers *c) {
  free(c->lwe);
  free(c->arena.memory);
}

/* Writes the container of one kind, or the beginning of an evaluation key.  Its length. */
static size_t containers_write(uint8_t *bytes, size_t capacity, const containers *c,
                               uint32_t kind) {
  ppml_writer writer = ppml_writer_to_memory(bytes, capacity);
  if (kind != PPML_KIND_EVAL_KEY) {
    if (container_put(&c->objects, kind, &writer)) abort();
    return writer.position;
  }
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 2);
  ppml_arena arena = container_arena(ppml_eval_key_generate_bytes(c->objects.client.params, 1));
  if (!ppml_eval_key_generate(&writer, &c->objects.secret_key, &rng, NULL, NULL, &arena)) abort();
  free(arena.memory);
  return writer.position;
}

#endif
