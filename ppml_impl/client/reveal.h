/* Decrypting what was learnt, on the key holder's machine.  In: a ppml_learnt and the secret key; out:
 * weights, or second moments solved for weights.  Next: train/linear_fold.h. */
#ifndef PPMLI_CLIENT_REVEAL_H
#define PPMLI_CLIENT_REVEAL_H

#include <math.h>

#include "../base/arena.h"
#include "../cipher/rows.h"
#include "../math/cholesky.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "../network/schedule.h"
#include "../wire/learnt.h"

PPMLI_STATIC size_t ppmli_reveal_bytes(const ppml_learnt *l) {
  size_t F = l->features;
  return ppmli_arena_rounded(l->params->poly_size * sizeof(uint64_t)) +
         ppmli_poly_binary_muladd_scratch(l->params->poly_size) +
         ppmli_arena_rounded(ppmli_learnt_values(l) * sizeof(double)) +
         ppmli_arena_rounded(F * F * sizeof(double));
}

/* All values, in their units, from -2^unit_log2 / 2 on.
 *   value  [ppmli_learnt_values()]  out
 *   key    [N bits]
 * Scratch: of ppmli_reveal_bytes.  Errors: NOMEM.  CT: up to the values. */
PPMLI_STATIC int ppmli_reveal_values(double *value, const ppml_learnt *l, const uint8_t *key,
                                     ppml_arena *arena) {
  size_t N = l->params->poly_size, mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, product, arena, N);
  PPMLI_ALLOC(uint64_t, shifted, arena, ppmli_poly_lead_words((uint32_t)N));
  for (size_t v = 0; v < ppmli_learnt_values(l); v++) {
    const uint64_t *glwe = l->glwe + v / N * 2 * N;
    if (v % N == 0) {
      memset(product, 0, N * sizeof *product);
      ppmli_poly_binary_muladd(product, glwe, key, 0, l->params->poly_size, shifted);
    }
    size_t place = ppmli_learnt_place(l->params, v), at = (N - place) % N;
    uint64_t phase = glwe[N + at] - product[at];
    if (place) phase = 0 - phase; /* X^-place = -X^(N - place) */
    value[v] = ldexp((double)ppmli_torus_signed(phase), (int)l->unit_log2 - 64);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

/* Weights of descent: the mean over the second half.  Its sum may have gone round the torus some
 * times; the last w, which is close to the mean, tells how often.
 *   w  [outputs][features]  out */
PPMLI_STATIC void ppmli_reveal_mean(double *w, const double *value, const ppml_learnt *l) {
  ppmli_schedule s = {ppmli_rows_make(PPMLI_ROWS_DESCENT, l->features, l->outputs, l->batch),
                      l->steps};
  double count = (double)ppmli_schedule_averaged(&s), turn = ldexp(1, (int)l->unit_log2);
  size_t weights = (size_t)l->outputs * l->features;
  for (size_t i = 0; i < weights; i++) {
    double sum = value[weights + i];
    sum += turn * floor((count * value[i] - sum) / turn + 0.5);
    w[i] = sum / count;
  }
}

/* Weights from second moments: least squares with a ridge, in squared deviations of a feature.
 *   w      [outputs][features]  out
 *   a      [features][features]  scratch
 * Errors: RANGE (the moments are no moments). */
PPMLI_STATIC int ppmli_reveal_solve(double *w, const double *value, const ppml_learnt *l,
                                    double ridge, double *a) {
  size_t F = l->features, pairs = ppmli_learnt_pairs(F);
  double rows = (double)l->rows;
  for (size_t j = 0; j < F; j++)
    for (size_t i = 0; i <= j; i++)
      a[j * F + i] =
          value[ppmli_learnt_pair(i, j)] / rows + (i == j ? ridge * PPMLI_SCHEDULE_SQUARE : 0);
  if (!ppmli_cholesky(a, F)) return PPML_ERR_RANGE;
  for (size_t c = 0; c < l->outputs; c++) {
    for (size_t i = 0; i < F; i++)
      w[c * F + i] = value[pairs + c * F + i] / (PPMLI_ROWS_GRAM_LABEL * rows);
    ppmli_cholesky_solve(w + c * F, a, F);
  }
  return PPML_OK;
}

/* The weights of the model that was learnt: a score is their sum times features in steps, 1 and
 * -1 what labels are.
 *   w      [outputs][features]  out
 *   ridge  of gram and sums
 * Scratch: ppmli_reveal_bytes.  Errors: RANGE, NOMEM. */
PPMLI_STATIC int ppmli_reveal(double *w, const ppml_learnt *l, const uint8_t *key, double ridge,
                              ppml_arena *arena) {
  size_t mark = arena->used_bytes, F = l->features;
  int error = PPML_OK;
  PPMLI_ALLOC(double, value, arena, ppmli_learnt_values(l));
  PPMLI_ALLOC(double, a, arena, F *F);
  PPMLI_TRY(ppmli_reveal_values(value, l, key, arena));
  if (l->method == PPML_LEARN_DESCENT) ppmli_reveal_mean(w, value, l);
  else error = ppmli_reveal_solve(w, value, l, ridge, a);
  arena->used_bytes = mark;
  return error;
}

#endif
