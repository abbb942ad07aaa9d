/* Least squares from second moments in the clear, and as the noise formula sees those of encrypted
 * rows.  In: rows; out: weights.  Next: learn_simulate.h. */
#ifndef PPMLI_PLAN_MOMENTS_SIMULATE_H
#define PPMLI_PLAN_MOMENTS_SIMULATE_H

#include <math.h>

#include "../base/arena.h"
#include "../cipher/rows.h"
#include "../client/reveal.h"
#include "../server/gram.h"
#include "../wire/learnt.h"
#include "learn_noise.h"
#include "learn_simulate.h"
#include "normal.h"

PPMLI_INLINE size_t ppmli_moments_simulate_bytes(size_t features, size_t outputs) {
  return ppmli_arena_rounded((ppmli_learnt_pairs(features) + outputs * features) * sizeof(double)) +
         ppmli_arena_rounded(features * features * sizeof(double));
}

/* Second moments and products with labels, in the order of learnt.h. */
PPMLI_STATIC void ppmli_moments_clear(double *value, const ppmli_rows *shape,
                                      const ppmli_clear_rows *rows) {
  size_t F = shape->features, C = shape->outputs, pairs = ppmli_learnt_pairs(F);
  memset(value, 0, (pairs + C * F) * sizeof *value);
  for (uint64_t s = 0; s < rows->count; s++) {
    const int8_t *x = rows->feature + s * F, *label = rows->label + s * C;
    for (size_t j = 0; j < F; j++) {
      for (size_t i = 0; i <= j; i++) value[ppmli_learnt_pair(i, j)] += x[i] * x[j];
      for (size_t c = 0; c < C; c++)
        value[pairs + c * F + j] += PPMLI_ROWS_GRAM_LABEL * x[j] * label[c];
    }
  }
}

/* The weights that the key's owner solves for.
 *   w    [outputs][features]  out
 *   rng  of the noise; NULL: none, as sums have next to none
 * Scratch: ppmli_moments_simulate_bytes.  Errors: RANGE, NOMEM. */
PPMLI_STATIC int ppmli_moments_simulate(double *w, const ppmli_rows *shape,
                                        const ppmli_clear_rows *rows, const ppml_params *p,
                                        double ridge, ppml_rng *rng, ppml_arena *arena) {
  size_t F = shape->features, mark = arena->used_bytes;
  size_t values = ppmli_learnt_pairs(F) + (size_t)shape->outputs * F;
  double blocks = (double)ppmli_rows_blocks(p, rows->count);
  int up = ppmli_gram_up(rows->count);
  ppml_learnt l;
  PPMLI_ALLOC(double, value, arena, values);
  PPMLI_ALLOC(double, a, arena, F *F);
  memset(&l, 0, sizeof l);
  l.method = PPML_LEARN_GRAM, l.features = shape->features, l.outputs = shape->outputs;
  l.rows = rows->count;
  ppmli_moments_clear(value, shape, rows);
  if (up < 0) return PPML_ERR_RANGE;
  double std =
      ldexp(sqrt(ppmli_noise_gram(shape, p, blocks, (uint32_t)up)), PPMLI_ROWS_GRAM_LOG2 - up);
  for (size_t v = 0; v < values && rng; v++) value[v] += std * ppmli_rng_normal(rng);
  int error = ppmli_reveal_solve(w, value, &l, ridge, a);
  arena->used_bytes = mark;
  return error;
}

#endif
