/* Aggregation: each owner adds up the second moments of its rows in the clear and encrypts the sums; the
 * server adds the owners' ciphertexts (server/sums_add.h).  This is not learning from encrypted
 * images: it hides owners from the server, and single ones from the key holder.  In: features and labels
 * of an owner; out: the file of sums.  Next: server/sums_add.h. */
#ifndef PPMLI_CLIENT_SUMS_H
#define PPMLI_CLIENT_SUMS_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../cipher/glwe_make.h"
#include "../cipher/rows.h"
#include "../network/features.h"
#include "../network/spec.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "../wire/sums_file.h"
#include "training_write.h"

PPMLI_INLINE size_t ppmli_sums_put_scratch(const ppmli_training_plan *plan,
                                           const ppml_features *map, const ppml_params *p) {
  ppml_learnt shape = ppmli_sums_shape(&plan->set.rows, plan->set.count, p);
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
PPMLI_STATIC int ppmli_sums_put_body(ppmli_out *out, const int64_t *value, const ppml_learnt *shape,
                                     size_t index, const uint8_t *key, const ppmli_seeds *seeds,
                                     ppml_arena *arena) {
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
  if (error == PPML_OK) ppmli_learnt_put_poly(out, body, N, ppmli_learnt_bits(PPML_LEARN_SUMS));
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
                                const ppml_features *map, const ppml_image_source *source,
                                const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  ppml_learnt shape = ppmli_sums_shape(&plan->set.rows, plan->set.count, p);
  size_t mark = arena->used_bytes, values = ppmli_learnt_values(&shape);
  int8_t x[PPML_FEATURES_MAX + 1], label[PPML_CLASSES_MAX];
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
  ppmli_sums_put_begin(out, &shape, seeds.mask);
  for (size_t i = 0; i < ppmli_learnt_ciphertexts(&shape) && error == PPML_OK; i++)
    error = ppmli_sums_put_body(out, value, &shape, i, key->glwe_bits, &seeds, arena);
  ppmli_seeds_wipe(&seeds);
  ppmli_wipe(value, values * sizeof *value);
  ppmli_wipe(pixels, 2 * ppmli_spec_inputs(&map->spec));
  arena->used_bytes = mark;
  return error;
}

#endif
