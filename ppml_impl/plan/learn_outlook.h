/* What to expect of descent on encrypted rows: how many answers on other rows will differ
 * from those of the run in the clear, over draws of the noise. */
#ifndef PPMLI_PLAN_LEARN_OUTLOOK_H
#define PPMLI_PLAN_LEARN_OUTLOOK_H

#include <math.h>

#include "../base/arena.h"
#include "../cipher/rows.h"
#include "../network/clear.h"
#include "../network/labels.h"
#include "../network/schedule.h"
#include "../network/spec.h"
#include "learn_simulate.h"
#include "outlook.h"

/* Draws so far.  Begin with zeros. */
typedef struct ppmli_learn_outlook {
  size_t answers; /* that are compared */
  ppml_expectation changed;
} ppmli_learn_outlook;

/* The answer of a row, as ppmli_spec_answer gives it for scores whose thresholds are 0.
 *   answer  [ppml_spec_answer_bytes()]  out
 *   w       [outputs][features] */
PPMLI_STATIC void ppmli_learn_answer(uint8_t *answer, const ppml_spec *spec, const double *w,
                                     const int8_t *feature, size_t features) {
  int32_t scores[PPML_CLASSES_MAX];
  ppml_spec plain = *spec;
  memset(plain.threshold, 0, sizeof plain.threshold);
  for (uint32_t c = 0; c < spec->outputs; c++) {
    double score = ldexp(ppmli_trial_score(w + c * features, feature, features), 20);
    scores[c] = (int32_t)ppmli_quant_clamp((int64_t)floor(score), (int64_t)1 << 30);
  }
  ppmli_spec_answer(answer, &plain, scores);
}

/* Answers on rows that two models give differently: labels one by one where there are several. */
PPMLI_STATIC size_t ppmli_learn_differ(const ppml_spec *spec, const double *w, const double *other,
                                       const ppmli_clear_rows *rows, size_t features) {
  size_t differ = 0, bytes = ppmli_spec_answer_bytes(spec);
  for (uint64_t s = 0; s < rows->count; s++) {
    uint8_t a[PPML_CLASSES_MAX], b[PPML_CLASSES_MAX];
    ppmli_learn_answer(a, spec, w, rows->feature + s * features, features);
    ppmli_learn_answer(b, spec, other, rows->feature + s * features, features);
    for (size_t l = 0; l < bytes; l++) differ += a[l] != b[l];
  }
  return differ;
}

PPMLI_INLINE size_t ppmli_learn_outlook_bytes(const ppmli_rows *rows) {
  return 2 * ppmli_arena_rounded((size_t)rows->outputs * rows->features * sizeof(double)) +
         ppmli_descent_simulate_bytes(rows);
}

/* Adds draws of the noise.
 *   train  rows that are learnt from
 *   judge  rows whose answers are compared; their labels are not looked at
 *   clear  [outputs][features]  the run without noise, ppmli_descent_simulate's mean
 * Scratch: ppmli_learn_outlook_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_learn_outlook_add(ppmli_learn_outlook *o, const ppmli_schedule *schedule,
                                         const ppml_spec *spec, const ppmli_clear_rows *train,
                                         const ppmli_clear_rows *judge, const double *clear,
                                         const ppml_params *p, size_t draws, ppml_rng *rng,
                                         ppml_arena *arena) {
  size_t F = schedule->rows.features, mark = arena->used_bytes;
  PPMLI_ALLOC(double, mean, arena, (size_t)schedule->rows.outputs *F);
  PPMLI_ALLOC(double, last, arena, (size_t)schedule->rows.outputs *F);
  for (size_t i = 0; i < draws; i++) {
    PPMLI_TRY(ppmli_descent_simulate(mean, last, schedule, train, p, rng, arena));
    ppmli_expectation_draw(&o->changed, (double)ppmli_learn_differ(spec, mean, clear, judge, F));
  }
  o->answers = (size_t)judge->count * ppmli_spec_answer_bytes(spec);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* Share of the answers that an encrypted run will give as the run in the clear does.  The answers
 * of one run depend on one another, by the weights that they share, so the spread is that of
 * whole runs. */
PPMLI_STATIC ppml_interval ppmli_learn_outlook_agreement(const ppmli_learn_outlook *o,
                                                         double confidence) {
  ppml_expectation changed = o->changed;
  double answers = (double)o->answers;
  ppmli_expectation_next(&changed);
  ppml_interval i = ppmli_expectation_of_events(&changed, 1, PPML_FORMULA_SHARE, confidence);
  ppml_interval agreement = {1 - i.expected / answers,
                             ppmli_between(0, 1 - floor(i.high) / answers, 1),
                             ppmli_between(0, 1 - floor(i.low) / answers, 1)};
  return agreement;
}

#endif
