/* support.h - what the suites of the library share.  Each defines PPML_IMPLEMENTATION and
 * includes this in place of ppml.h; training has suites of its own. */
#ifndef PPML_TEST_SUPPORT_H
#define PPML_TEST_SUPPORT_H

#include "suite.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !defined(PPML_NO_TRAIN) && !defined(TEST_TRAINS) /* a suite that trains defines it */
#define PPML_NO_TRAIN
#endif
#ifndef PPML_ASSERT
#define PPML_ASSERT(condition) ck_assert(condition)
#endif
#ifndef PPML_API
#define PPML_API static inline /* so that what a suite does not use is not compiled */
#endif
#include "../ppml.h"

/* ---------------------------------------------------------------- memory */

/* A block that is exactly as long as asked for, so that a sanitizer sees a write beyond it. */
TEST_STATIC void *test_memory(size_t bytes) {
  void *memory = NULL;
  ck_assert(posix_memalign(&memory, PPML_ALIGNMENT, bytes ? bytes : 1) == 0);
  return memory;
}

TEST_STATIC ppml_arena test_arena(size_t bytes) {
  ppml_arena arena;
  ck_assert_int_eq(ppml_arena_init(&arena, test_memory(bytes), bytes), PPML_OK);
  return arena;
}

TEST_STATIC void test_arena_free(ppml_arena *arena) {
  free(arena->memory);
  memset(arena, 0, sizeof *arena);
}

/* A block that stays until the suite ends: it is in a list, so that no leak is seen in it. */
TEST_STATIC void *test_lasting(size_t bytes) {
  static void *last;
  void **block = (void **)test_memory(PPML_ALIGNMENT + bytes);
  *block = last;
  last = block;
  return (unsigned char *)block + PPML_ALIGNMENT;
}

/* Of the image that a suite encrypted last, where the request does not matter. */
TEST_STATIC ppml_request test_request;

/* ---------------------------------------------------------------- random */

TEST_STATIC ppml_rng test_rng(uint64_t seed) {
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, seed);
  return rng;
}

TEST_STATIC int test_constant_entropy(void *context, void *bytes, size_t count) {
  memset(bytes, *(const int *)context, count);
  return 0;
}

/* A generator whose entropy source gives the same byte again and again. */
TEST_STATIC ppml_rng test_constant_rng(int *byte) {
  ppml_rng rng;
  ck_assert_int_eq(ppml_rng_init_callback(&rng, test_constant_entropy, byte), PPML_OK);
  return rng;
}

/* 0 .. below - 1 */
TEST_STATIC uint32_t test_below(ppml_rng *rng, uint32_t below) {
  return (uint32_t)(ppmli_rng_u64(rng) % below);
}

/* -most .. most */
TEST_STATIC int32_t test_within(ppml_rng *rng, int32_t most) {
  return (int32_t)test_below(rng, 2 * (uint32_t)most + 1) - most;
}

TEST_STATIC void test_random_words(ppml_rng *rng, uint64_t *words, size_t count) {
  for (size_t i = 0; i < count; i++) words[i] = ppmli_rng_u64(rng);
}

/* ------------------------------------------------------------ statistics */

typedef struct test_moments {
  size_t count;
  double sum, squares, most; /* most: the largest magnitude */
} test_moments;

TEST_STATIC void test_moments_add(test_moments *m, double x) {
  m->count++;
  m->sum += x;
  m->squares += x * x;
  if (fabs(x) > m->most) m->most = fabs(x);
}

TEST_STATIC double test_mean(const test_moments *m) {
  return m->sum / (double)m->count;
}

TEST_STATIC double test_variance(const test_moments *m) {
  return m->squares / (double)m->count - test_mean(m) * test_mean(m);
}

/* Fails unless actual is within share of expected. */
#define test_assert_near(actual, expected, share)                                                  \
  do {                                                                                             \
    double near_actual = (actual), near_expected = (expected);                                     \
    ck_assert_msg(fabs(near_actual - near_expected) <= (share)*fabs(near_expected),                \
                  "%s is %g, not within %g %% of %s = %g", #actual, near_actual, 100 * (share),    \
                  #expected, near_expected);                                                       \
  } while (0)

/* A torus element as a real number in [-1/2, 1/2). */
TEST_STATIC double test_turns(uint64_t t) {
  return ldexp((double)ppmli_torus_signed(t), -64);
}

TEST_STATIC double test_turns32(uint32_t t) {
  return ldexp((double)ppmli_torus_signed32(t), -32);
}

/* ------------------------------------------------------------- decryption */

/* b - <a, s> on the 64-bit torus, for a ciphertext under the long key. */
TEST_STATIC uint64_t test_phase(const uint64_t *lwe, const uint8_t *bits, size_t dim) {
  uint64_t phase = lwe[dim];
  for (size_t i = 0; i < dim; i++)
    if (ppmli_bit(bits, i)) phase -= lwe[i];
  return phase;
}

/* r += a * s for a key with coefficients -1, 0 and 1, in two planes: s is bit i less bit N + i.
 * As ppmli_poly_binary_muladd otherwise. */
TEST_STATIC void test_ternary_muladd(uint64_t *r, const uint64_t *a, const uint8_t *planes,
                                     uint32_t poly_size, uint64_t *shifted) {
  ppmli_poly_binary_muladd(r, a, planes, 0, poly_size, shifted);
  for (uint32_t i = 0; i < poly_size; i++) r[i] = 0 - r[i];
  ppmli_poly_binary_muladd(r, a, planes, poly_size, poly_size, shifted);
  for (uint32_t i = 0; i < poly_size; i++) r[i] = 0 - r[i];
}

/* r += a s for the key of a set. */
TEST_STATIC void test_key_muladd(uint64_t *r, const uint64_t *a, const ppml_params *p,
                                 const uint8_t *bits, size_t first) {
  uint64_t *shifted = test_memory(ppmli_poly_lead_words(p->poly_size) * sizeof *shifted);
  if (p->slots) test_ternary_muladd(r, a, bits, p->poly_size, shifted);
  else ppmli_poly_binary_muladd(r, a, bits, first, p->poly_size, shifted);
  free(shifted);
}

/* Phase polynomial [N] of a GLWE ciphertext [k + 1][N]. */
TEST_STATIC void test_glwe_phase(uint64_t *phase, const uint64_t *glwe, const ppml_params *p,
                                 const uint8_t *bits) {
  uint64_t *minus = test_memory(p->poly_size * sizeof *minus);
  memset(minus, 0, p->poly_size * sizeof *minus);
  for (uint32_t i = 0; i < p->glwe_dim; i++)
    test_key_muladd(minus, glwe + (size_t)i * p->poly_size, p, bits, (size_t)i * p->poly_size);
  for (uint32_t j = 0; j < p->poly_size; j++)
    phase[j] = glwe[ppmli_params_long_dim(p) + j] - minus[j];
  free(minus);
}

/* Encrypts message under bits [dim] with noise uniform on [-bound, bound]. */
TEST_STATIC void test_lwe_encrypt(uint64_t *lwe, uint64_t message, const uint8_t *bits, size_t dim,
                                  uint32_t bound, ppml_rng *rng) {
  test_random_words(rng, lwe, dim);
  lwe[dim] = 0;
  lwe[dim] =
      message + (uint64_t)ppmli_noise(ppmli_rng_u64(rng), bound) - test_phase(lwe, bits, dim);
}

/* r += a b modulo X^N + 1, from its definition. */
TEST_STATIC void test_multiply_add(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t N) {
  for (size_t i = 0; i < N; i++) {
    for (size_t j = 0; j < N - i; j++) r[i + j] += a[i] * b[j];
    for (size_t j = N - i; j < N; j++) r[i + j - N] -= a[i] * b[j];
  }
}

/* r = X^exponent a, exponent < 2 N. */
TEST_STATIC void test_rotate_up(uint64_t *r, const uint64_t *a, size_t exponent, size_t N) {
  for (size_t i = 0; i < N; i++) {
    size_t at = i + exponent;
    r[at % N] = at / N % 2 ? 0 - a[i] : a[i];
  }
}

/* ----------------------------------------------------------------- models */

/* A network and all it holds, built by hand. */
typedef struct test_net {
  ppml_model model;
  int8_t weight[PPML_LAYERS_MAX][64 * 1024];
  int32_t bias[PPML_LAYERS_MAX][64], range[PPML_LAYERS_MAX][64], peak[PPML_LAYERS_MAX][64];
  int8_t table[PPML_TABLE_SIZE];
} test_net;

TEST_STATIC void test_net_spec(test_net *net, uint32_t width, uint32_t height, uint32_t channels,
                               uint32_t classes) {
  ppml_spec *s = &net->model.spec;
  memset(net, 0, sizeof *net);
  s->width = width;
  s->height = height;
  s->channels = channels;
  s->input_bits = 4;
  s->classes = classes;
  s->outputs = classes == 2 ? 1 : classes;
  s->score_unit = 100;
  for (uint32_t c = 0; c < classes; c++)
    snprintf(s->class_name[c], PPML_CLASS_NAME_BYTES, "class %u", (unsigned)c);
  for (int i = 0; i < PPML_TABLE_SIZE; i++) /* even, and not monotonous */
    net->table[i] = (int8_t)(abs(i - 128) * 127 / 128 - (i / 32 % 2 ? 64 : 0));
}

/* Adds a layer of random 4-bit weights; peaks are what no input exceeds, ranges half of it. */
TEST_STATIC void test_net_add(test_net *net, uint32_t outputs, uint32_t activation, ppml_rng *rng) {
  ppml_model *m = &net->model;
  uint32_t l = m->layer_count++;
  ppml_layer *layer = &m->layer[l];
  layer->inputs = l ? m->layer[l - 1].outputs : (uint32_t)ppmli_spec_inputs(&m->spec);
  layer->outputs = outputs;
  layer->activation = activation;
  layer->weight_bits = 4;
  layer->weight = net->weight[l];
  layer->bias = net->bias[l];
  ck_assert_uint_le(layer->inputs * outputs, sizeof net->weight[l]);
  for (uint32_t i = 0; i < layer->inputs * outputs; i++)
    net->weight[l][i] = (int8_t)test_within(rng, 7);
  for (uint32_t j = 0; j < outputs; j++) net->bias[l][j] = test_within(rng, 20);
  if (activation == PPML_ACTIVATION_NONE) return;
  for (uint32_t j = 0; j < outputs; j++) {
    net->peak[l][j] = (int32_t)ppmli_layer_bound(layer, j, ppmli_layer_input_max(m, l));
    net->range[l][j] = (net->peak[l][j] + 1) / 2;
  }
  layer->range = net->range[l];
  layer->peak = net->peak[l];
  if (activation == PPML_ACTIVATION_TABLE) layer->table = net->table;
}

/* width x height gray pixels, hidden layers of these sizes, classes. */
TEST_STATIC void test_net_make(test_net *net, uint32_t width, uint32_t height,
                               const uint32_t *hidden, size_t count, uint32_t activation,
                               uint32_t classes, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  test_net_spec(net, width, height, 1, classes);
  for (size_t l = 0; l < count; l++) test_net_add(net, hidden[l], activation, &rng);
  test_net_add(net, net->model.spec.outputs, PPML_ACTIVATION_NONE, &rng);
  net->model.margin_p05 = 50;
  ppmli_model_id(net->model.id, &net->model);
}

/* ppml_compile for that set, whatever agreement comes of it. */
TEST_STATIC int test_compile(ppml_circuit *circuit, const ppml_model *model, const ppml_params *p,
                             ppml_arena *arena) {
  const ppml_compile_options options = ppml_compile_options_for(p);
  return ppml_compile(circuit, model, &options, NULL, arena);
}

/* A circuit in arena, of which the client alone is of interest to a test of one layer. */
TEST_STATIC void test_circuit_make(ppml_circuit *circuit, const test_net *net, const char *params,
                                   ppml_arena *arena) {
  const ppml_params *p = ppml_params_by_name(params);
  ck_assert(p != NULL);
  ck_assert_int_eq(test_compile(circuit, &net->model, p, arena), PPML_OK);
}

TEST_STATIC void test_pixels(uint8_t *pixels, size_t count, ppml_rng *rng) {
  ppmli_rng_bytes(rng, pixels, count);
}

/* The index-th set that bootstraps, or NULL; leveled ones have suites of their own, and bridged ones the
 * numbers of others. */
TEST_STATIC const ppml_params *test_bootstrapped(size_t index) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++)
    if ((p->kind == PPML_SET_ROUNDED || p->kind == PPML_SET_EXACT) && index-- == 0) return p;
  return NULL;
}

/* ------------------------------------------------------------------- keys */

/* The backend that suites of encrypted inference run on: $PPML_TEST_BACKEND, or the best. */
TEST_STATIC const char *test_backend(void) {
  return getenv("PPML_TEST_BACKEND");
}

/* Keys of one client, and the evaluation key as it travels. */
typedef struct test_keys {
  ppml_secret_key secret;
  uint8_t *wire;
  size_t wire_bytes;
  ppml_eval_key eval;
  ppml_arena arena; /* of eval */
} test_keys;

/* The least noise and the least step that go with params and unit. */
TEST_STATIC void test_client_step(ppml_client *client) {
  client->score_noise = ppmli_params_output_noise(client->params);
  client->answer_step = 1;
  while (!ppmli_client_has_valid_step(client)) client->answer_step *= 2;
  client->renew_after = 1000;
  for (uint32_t s = 0; s < PPML_CLASSES_MAX; s++) client->score_peak[s] = INT32_MAX;
}

/* A client that keys can be made for where there is no circuit. */
TEST_STATIC ppml_client test_client(const char *params) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  ppml_client client;
  test_net_spec(net, 4, 4, 1, 2);
  memset(&client, 0, sizeof client);
  client.spec = net->model.spec;
  client.params = ppml_params_by_name(params);
  client.score_unit = (uint64_t)1 << 50;
  test_client_step(&client);
  for (uint8_t i = 0; i < PPML_ID_BYTES; i++) client.circuit_id[i] = i;
  free(net);
  return client;
}

/* The longest array of a secret key, in bits. */
#define TEST_KEY_BITS_MAX 8192

/* As ppml_secret_key_generate, of any client: one whose set is of an engine's own, or without a
 * spec.  Key and client spec have memory of their own, so that a test may change them. */
TEST_STATIC void test_secret_key_make(ppml_secret_key *key, const ppml_client *client,
                                      ppml_rng *rng) {
  ppml_client *own = (ppml_client *)test_lasting(sizeof *own);
  ppml_arena arena;
  PPMLI_ASSERT(client->params && ppmli_rng_is_ready(rng));
  size_t bytes = ppmli_secret_key_bytes(client->params);
  *own = *client;
  ck_assert_int_eq(ppml_arena_init(&arena, test_lasting(bytes), bytes), PPML_OK);
  ck_assert_int_eq(ppmli_secret_key_generate(key, own, rng, &arena), PPML_OK);
  ck_assert_uint_eq(arena.used_bytes, bytes);
}

/* The same by the public call, of a client that it takes. */
TEST_STATIC void test_secret_key(ppml_secret_key *key, const ppml_client *client, ppml_rng *rng) {
  ppml_client *own = (ppml_client *)test_lasting(sizeof *own);
  ppml_arena arena;
  size_t bytes = ppml_secret_key_generate_bytes(client->params);
  *own = *client;
  ck_assert_int_eq(ppml_arena_init(&arena, test_lasting(bytes), bytes), PPML_OK);
  ck_assert_int_eq(ppml_secret_key_generate(key, own, rng, &arena), PPML_OK);
  ck_assert_uint_eq(arena.used_bytes, bytes);
}

/* The client spec of such a key, to be changed. */
TEST_STATIC ppml_client *test_client_of(const ppml_secret_key *key) {
  return (ppml_client *)(uintptr_t)key->client;
}

/* Another key, of the same bits and spec. */
TEST_STATIC void test_secret_key_copy(ppml_secret_key *key, const ppml_secret_key *from) {
  ppml_rng rng = test_rng(0);
  test_secret_key_make(key, from->client, &rng);
  memcpy(key->id, from->id, sizeof key->id);
  memcpy(key->glwe_bits, from->glwe_bits, key->bytes);
}

TEST_STATIC void test_keys_read(test_keys *keys, const char *backend) {
  const ppml_params *p = keys->secret.client->params;
  ppml_reader reader = ppml_reader_from_memory(keys->wire, keys->wire_bytes);
  ppml_limits limits = ppml_limits_default();
  keys->arena = test_arena(ppml_eval_key_read_bytes(p, 1));
  ck_assert_int_eq(
      ppml_eval_key_read(&keys->eval, &reader, &limits, NULL, backend, NULL, &keys->arena),
      PPML_OK);
}

TEST_STATIC void test_keys_make(test_keys *keys, const ppml_client *client, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  ppml_arena scratch = test_arena(ppml_eval_key_generate_bytes(client->params, 1));
  keys->wire_bytes = ppml_eval_key_wire_bytes(client->params);
  keys->wire = (uint8_t *)test_memory(keys->wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(keys->wire, keys->wire_bytes);
  test_secret_key(&keys->secret, client, &rng);
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &keys->secret, &rng, NULL, NULL, &scratch),
                   PPML_OK);
  ck_assert_uint_eq(writer.position, keys->wire_bytes);
  test_arena_free(&scratch);
  test_keys_read(keys, test_backend());
}

TEST_STATIC void test_keys_free(test_keys *keys) {
  free(keys->wire);
  test_arena_free(&keys->arena);
}

/* ---------------------------------------------------------------- threads */

/* Threads there are not: runs the tasks one by one, the last one first. */
TEST_STATIC void test_run_reversed(void *context, size_t tasks,
                                   void (*task)(void *argument, size_t index), void *argument) {
  (void)context;
  while (tasks--) task(argument, tasks);
}

TEST_STATIC ppml_parallel test_parallel(size_t threads) {
  ppml_parallel parallel = {test_run_reversed, NULL, threads};
  return parallel;
}

#endif
