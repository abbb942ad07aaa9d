/* Aggregation: each owner adds up the second moments of its rows in the clear and
 * encrypts the sums; the server adds the owners' ciphertexts.  This is not learning from encrypted
 * images: it hides owners from the server, and single ones from the key holder. */
#ifndef PPMLI_CLIENT_SUMS_H
#define PPMLI_CLIENT_SUMS_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../cipher/glwe_make.h"
#include "../cipher/rows.h"
#include "../math/params.h"
#include "../network/features.h"
#include "../network/images.h"
#include "../network/spec.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "training_write.h"

#define PPMLI_SUMS_VERSION 1
#define PPMLI_SUMS_UNIT_LOG2 40 /* a sum of 1 is 2^-40 of a turn */

/* What sums of so many rows are, without ciphertexts. */
PPMLI_STATIC ppmli_learnt ppmli_sums_shape(const ppmli_rows *rows, uint64_t count,
                                           const ppml_params *p) {
  ppmli_learnt shape = {p,
                        PPMLI_METHOD_SUMS,
                        rows->features,
                        rows->outputs,
                        rows->batch,
                        count,
                        0,
                        PPMLI_SUMS_UNIT_LOG2,
                        NULL};
  return shape;
}

PPMLI_INLINE uint64_t ppmli_sums_payload_bytes(const ppmli_learnt *shape) {
  return 24 + PPML_SEED_BYTES +
         ppmli_learnt_ciphertexts(shape) *
             ppmli_packed_bytes(shape->params->poly_size, ppmli_learnt_bits(PPMLI_METHOD_SUMS));
}

/* ------------------------------------------------------------------ owner */

PPMLI_INLINE size_t ppmli_sums_put_scratch(const ppmli_training_plan *plan,
                                           const ppmli_features *map, const ppml_params *p) {
  ppmli_learnt shape = ppmli_sums_shape(&plan->set.rows, plan->set.count, p);
  return ppmli_arena_rounded(ppmli_learnt_values(&shape) * sizeof(int64_t)) +
         ppmli_arena_rounded(2 * ppmli_spec_inputs(&map->spec)) +
         ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         ppmli_max_size(ppmli_features_run_scratch(map), ppmli_glwe_encrypt_scratch(p));
}

/* Adds a row to the sums, in the order of learnt.h. */
PPMLI_STATIC void ppmli_sums_add_row(int64_t *value, const int8_t *x, const int8_t *label,
                                     const ppmli_rows *rows) {
  for (size_t j = 0; j < rows->features; j++)
    for (size_t i = 0; i <= j; i++) *value++ += x[i] * x[j];
  for (size_t c = 0; c < rows->outputs; c++)
    for (size_t i = 0; i < rows->features; i++) *value++ += PPMLI_ROWS_GRAM_LABEL * x[i] * label[c];
}

/* Ciphertext `index` of the values, as its body travels. */
PPMLI_STATIC int ppmli_sums_put_body(ppmli_out *out, const int64_t *value,
                                     const ppmli_learnt *shape, size_t index, const uint8_t *key,
                                     const ppmli_seeds *seeds, ppml_arena *arena) {
  const ppml_params *p = shape->params;
  size_t N = p->poly_size, mark = arena->used_bytes, values = ppmli_learnt_values(shape);
  ppmli_stream mask, noise;
  PPMLI_ALLOC(uint64_t, body, arena, N);
  memset(body, 0, N * sizeof *body);
  for (size_t v = index * N; v < values && v < (index + 1) * N; v++) {
    size_t place = ppmli_learnt_place(p, v);
    uint64_t term = (uint64_t)value[v] << (64 - PPMLI_SUMS_UNIT_LOG2);
    if (place) body[N - place] = 0 - term; /* X^-place = -X^(N - place) */
    else body[0] = term;
  }
  ppmli_stream_init(&mask, seeds->mask, PPMLI_STREAM_SUMS_MASK, index);
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_SUMS_NOISE, index);
  int error = ppmli_glwe_encrypt_body(body, p, key, &mask, &noise, arena);
  if (error == PPML_OK) ppmli_learnt_put_poly(out, body, N, ppmli_learnt_bits(PPMLI_METHOD_SUMS));
  ppmli_stream_wipe(&noise);
  ppmli_wipe(body, N * sizeof *body);
  arena->used_bytes = mark;
  return error;
}

/* Writes the sums over the rows of a plan.
 *   key  the owner's, of the set that the plan was made for
 *   rng  ppmli_rng_begin was called for this use
 * Scratch: ppmli_sums_put_scratch.  Errors: IO, NOMEM; those of writing stick to out. */
PPMLI_STATIC int ppmli_sums_put(ppmli_out *out, const ppmli_training_plan *plan,
                                const ppmli_features *map, const ppmli_image_source *source,
                                const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  ppmli_learnt shape = ppmli_sums_shape(&plan->set.rows, plan->set.count, p);
  size_t mark = arena->used_bytes, values = ppmli_learnt_values(&shape);
  int8_t x[PPMLI_FEATURES_MAX + 1], label[PPML_CLASSES_MAX];
  ppmli_seeds seeds;
  int error = PPML_OK;
  PPMLI_ALLOC(int64_t, value, arena, values);
  PPMLI_ALLOC(uint8_t, pixels, arena, 2 * ppmli_spec_inputs(&map->spec));
  memset(value, 0, values * sizeof *value);
  for (uint64_t s = 0; s < plan->set.count && error == PPML_OK; s++) {
    error = ppmli_training_row(x, label, plan, map, source, s, pixels, arena);
    ppmli_sums_add_row(value, x, label, &plan->set.rows);
  }
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_SUMS, key, value, values * sizeof *value, rng);
  ppmli_out_u32(out, PPMLI_SUMS_VERSION);
  ppmli_out_u32(out, shape.features);
  ppmli_out_u32(out, shape.outputs);
  ppmli_out_u32(out, shape.batch);
  ppmli_out_u64(out, shape.rows);
  ppmli_out_bytes(out, seeds.mask, sizeof seeds.mask);
  for (size_t i = 0; i < ppmli_learnt_ciphertexts(&shape) && error == PPML_OK; i++)
    error = ppmli_sums_put_body(out, value, &shape, i, key->glwe_bits, &seeds, arena);
  ppmli_seeds_wipe(&seeds);
  ppmli_wipe(value, values * sizeof *value);
  ppmli_wipe(pixels, 2 * ppmli_spec_inputs(&map->spec));
  arena->used_bytes = mark;
  return error;
}

/* ----------------------------------------------------------------- server */

/* Adds an owner's sums.
 *   l  in and out: with glwe NULL before the first owner; then in arena
 *   p  the header's; that headers agree on map and key is the caller's to check
 * Memory: ppmli_learnt_bytes once, and [2][N] words, which are given back.
 * Errors: the input bytes', MISMATCH (other shapes than before), NOMEM. */
PPMLI_STATIC int ppmli_sums_get(ppmli_learnt *l, ppmli_in *in, const ppml_params *p,
                                ppml_arena *arena) {
  uint8_t seed[PPML_SEED_BYTES];
  uint64_t payload = in->remaining_bytes;
  uint32_t version = ppmli_in_u32(in);
  ppmli_rows rows = ppmli_rows_make(PPMLI_ROWS_GRAM, 0, 0, 1);
  rows.features = ppmli_in_u32(in);
  rows.outputs = ppmli_in_u32(in);
  rows.batch = ppmli_in_u32(in);
  uint64_t count = ppmli_in_u64(in);
  ppmli_in_bytes(in, seed, sizeof seed);
  if (in->error) return in->error;
  if (version != PPMLI_SUMS_VERSION) return PPML_ERR_VERSION;
  ppmli_learnt shape = ppmli_sums_shape(&rows, count, p);
  if (!ppmli_learnt_is_valid(&shape) || !ppmli_params_learns(p)) return PPML_ERR_RANGE;
  if (payload != ppmli_sums_payload_bytes(&shape)) return PPML_ERR_FORMAT;
  if (l->glwe && (l->params != p || l->features != shape.features || l->outputs != shape.outputs))
    return PPML_ERR_MISMATCH;
  if (l->glwe == NULL) {
    PPMLI_TRY(ppmli_learnt_alloc(&shape, arena));
    *l = shape;
    l->rows = 0;
  }
  size_t N = p->poly_size, mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, glwe, arena, 2 * N);
  for (size_t i = 0; i < ppmli_learnt_ciphertexts(l); i++) {
    ppmli_stream mask;
    ppmli_stream_init(&mask, seed, PPMLI_STREAM_SUMS_MASK, i);
    ppmli_stream_u64(&mask, glwe, N);
    ppmli_learnt_get_poly(glwe + N, in, N, ppmli_learnt_bits(PPMLI_METHOD_SUMS));
    for (size_t e = 0; e < 2 * N; e++) l->glwe[2 * N * i + e] += glwe[e];
  }
  l->rows += count;
  arena->used_bytes = mark;
  return in->error;
}

#endif
