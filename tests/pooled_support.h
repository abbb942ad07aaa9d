/* pooled_support.h - keys of a pooled set, and random pooled networks, for the suites of those. */
#ifndef PPML_TEST_POOLED_SUPPORT_H
#define PPML_TEST_POOLED_SUPPORT_H

#include "support.h"

#include "../ppml_impl/client/pooled_encode.h"
#include "../ppml_impl/server/pooled_evaluate.h"
#include "../ppml_impl/plan/pooled_noise.h"

/* The least set with room for so many sub-images, 2^depth; NULL if there is none. */
TEST_STATIC const ppml_params *test_pooled_params(uint32_t depth) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppmli_params_by_index(i)) != NULL; i++)
    if (ppmli_pooled_set_holds(p, depth)) return p;
  return NULL;
}

/* --------------------------------------------------------------- networks */

/* A network with random weights. */
typedef struct test_pooled {
  ppmli_pooled net;
  int8_t *square;
  int32_t *linear;
  int64_t bias[PPML_CLASSES_MAX], peak[PPML_CLASSES_MAX];
} test_pooled;

TEST_STATIC ppmli_latent_shape test_shape(uint32_t width, uint32_t height, uint32_t channels,
                                          uint32_t regions, uint32_t reach) {
  ppmli_latent_shape s = {width, height, channels, regions, reach};
  ck_assert(ppmli_latent_shape_is_valid(&s));
  return s;
}

TEST_STATIC void test_pooled_make(test_pooled *t, const ppmli_latent_shape *s, uint32_t outputs,
                                  int64_t peak, ppml_rng *rng) {
  size_t squares = outputs * ppmli_autocorr_sums(s), linears = outputs * ppmli_latent_count(s);
  t->square = (int8_t *)test_memory(squares);
  t->linear = (int32_t *)test_memory(linears * sizeof *t->linear);
  for (size_t i = 0; i < squares; i++) t->square[i] = (int8_t)test_within(rng, 15);
  for (size_t i = 0; i < linears; i++) t->linear[i] = test_within(rng, 500);
  for (uint32_t c = 0; c < outputs; c++) {
    t->bias[c] = test_within(rng, 100000);
    t->peak[c] = peak;
  }
  t->net.shape = *s;
  t->net.latent_bits = 5;
  t->net.outputs = outputs;
  t->net.square = t->square;
  t->net.linear = t->linear;
  t->net.bias = t->bias;
  t->net.peak = t->peak;
  ck_assert(ppmli_pooled_is_valid(&t->net));
}

TEST_STATIC void test_pooled_free(test_pooled *t) {
  free(t->square);
  free(t->linear);
}

/* Latents of 5 bits, both ends among them. */
TEST_STATIC void test_latents(int8_t *latents, const ppmli_latent_shape *s, ppml_rng *rng) {
  for (uint32_t i = 0; i < ppmli_latent_count(s); i++)
    latents[i] = (int8_t)((int)test_below(rng, 32) - 16);
}

/* ------------------------------------------------------------------- keys */

/* A secret key and the switches made from it. */
typedef struct test_pooled_keys {
  const ppml_params *params;
  const ppmli_backend *backend;
  ppmli_fft *fft;
  ppml_arena tables, scratch;
  ppmli_long_key long_key;
  uint8_t bits[TEST_KEY_BITS_MAX / 8];
  double *keys; /* [steps][ppmli_switch_doubles] */
} test_pooled_keys;

static const ppmli_seeds test_seeds = {{1}, {2}};

TEST_STATIC size_t test_pooled_scratch(const ppml_params *p) {
  return ppmli_max_size(ppmli_max_size(ppmli_switch_make_scratch(p), ppmli_switch_map_scratch(p)),
                        ppmli_switch_expand_scratch(p));
}

TEST_STATIC void test_pooled_keys_make(test_pooled_keys *k, const ppml_params *p,
                                       const ppmli_backend *backend, ppml_rng *rng) {
  uint8_t unused[TEST_KEY_BITS_MAX / 8], *wire = (uint8_t *)test_memory(ppmli_switch_wire_bytes(p));
  size_t steps = ppmli_params_steps(p), doubles = ppmli_switch_doubles(p);
  k->params = p;
  k->backend = backend;
  k->tables = test_arena(ppmli_fft_bytes(p->poly_size) + ppmli_long_key_bytes(p) +
                         2 * ppmli_arena_rounded(8 * (size_t)p->poly_size));
  k->scratch = test_arena(test_pooled_scratch(p));
  k->keys = (double *)test_memory(steps * doubles * sizeof *k->keys);
  ck_assert_int_eq(ppmli_fft_init(&k->fft, p->poly_size, backend, &k->tables), PPML_OK);
  ppmli_client_draw_key(unused, k->bits, p, rng);
  ck_assert_int_eq(ppmli_long_key_init(&k->long_key, p, k->bits, &k->tables), PPML_OK);
  for (size_t step = 0; step < steps; step++) {
    ck_assert_int_eq(
        ppmli_switch_make(wire, p, step, k->bits, &k->long_key, &test_seeds, &k->scratch), PPML_OK);
    ck_assert_int_eq(ppmli_switch_expand(k->keys + step * doubles, wire, p, step, test_seeds.mask,
                                         k->fft, &k->scratch),
                     PPML_OK);
  }
  free(wire);
}

/* How far measured variances may be off: the formulas' constant of the FFT is the vector
 * backends', and the portable one, which splits by two, rounds more often. */
TEST_STATIC double test_noise_share(const test_pooled_keys *k) {
  return strcmp(k->backend->name, "ref") == 0 ? 0.6 : 0.2;
}

TEST_STATIC void test_pooled_keys_free(test_pooled_keys *k) {
  test_arena_free(&k->tables);
  test_arena_free(&k->scratch);
  free(k->keys);
}

/* Encrypts a message as a client does, and rounds it as a server does.
 *   glwe     [mask, body][N]  out
 *   message  [N] */
TEST_STATIC void test_pooled_encrypt(uint64_t *glwe, const uint64_t *message,
                                     const test_pooled_keys *k, ppml_rng *rng) {
  const ppml_params *p = k->params;
  size_t N = p->poly_size;
  uint64_t *top = (uint64_t *)test_memory(8 * N), *tail = (uint64_t *)test_memory(8 * N);
  uint64_t *words = (uint64_t *)test_memory(8 * ppmli_long_mask_words(p));
  uint8_t seeds[2][PPML_SEED_BYTES], *rest = (uint8_t *)test_memory(N);
  ppmli_stream noise;
  ppmli_rng_bytes(rng, seeds, sizeof seeds);
  ppmli_mask mask = {seeds[0], PPMLI_STREAM_INPUT_MASK, 0};
  ppmli_stream_init(&noise, seeds[1], PPMLI_STREAM_INPUT_NOISE, 0);
  memcpy(top, message, 8 * N);
  ppmli_long_encrypt(top, tail, p, &k->long_key, &mask, &noise);
  for (size_t i = 0; i < N; i++) rest[i] = (uint8_t)(tail[i] >> 8);
  ppmli_long_draw_mask(words, tail, p, &mask, k->fft);
  ppmli_pooled_round(glwe, words, top, rest, 8, p->poly_size);
  free(top), free(tail), free(words), free(rest);
}

#endif
