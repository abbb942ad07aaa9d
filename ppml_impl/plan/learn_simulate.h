/* Descent in the clear, and as the noise formulas see it, without keys.  In: rows and a schedule; out:
 * weights.  Next: learn_outlook.h. */
#ifndef PPMLI_PLAN_LEARN_SIMULATE_H
#define PPMLI_PLAN_LEARN_SIMULATE_H

#include <math.h>

#include "../base/arena.h"
#include "../cipher/rows.h"
#include "../network/schedule.h"
#include "learn_noise.h"
#include "normal.h"

/* Rows in the order of the steps. */
typedef struct ppmli_clear_rows {
  const int8_t *feature; /* [count][features] */
  const int8_t *label;   /* [count][outputs] */
  uint64_t count;        /* whole batches */
} ppmli_clear_rows;

/* A run: what is drawn with rng NULL is no noise. */
typedef struct ppmli_descent_trial {
  const ppmli_schedule *schedule;
  const ppmli_clear_rows *rows;
  ppmli_descent_noise noise;
  ppml_rng *rng;
  double *w;        /* [outputs][features]  of the step at hand */
  double *gradient; /* [features] */
} ppmli_descent_trial;

PPMLI_INLINE double ppmli_trial_draw(ppmli_descent_trial *t, double std) {
  return t->rng ? std * ppmli_rng_normal(t->rng) : 0;
}

/* The score of a row, as features in steps and weights. */
PPMLI_STATIC double ppmli_trial_score(const double *w, const int8_t *feature, size_t features) {
  double sum = 0;
  for (size_t i = 0; i < features; i++) sum += w[i] * feature[i];
  return sum;
}

/* A residual as it stands on the torus, from a row's label and score. */
PPMLI_STATIC double ppmli_trial_residual(ppmli_descent_trial *t, uint64_t step, double label,
                                         double score) {
  double unit = ppmli_schedule_residual(t->schedule, step);
  if (step == 0) return label * unit;
  double turns = ldexp(score, -PPMLI_SCHEDULE_UNIT_LOG2) + ppmli_trial_draw(t, t->noise.score);
  return label * unit +
         ppmli_schedule_residual_scale(t->schedule, step) * ppmli_schedule_triangle(turns) +
         ppmli_trial_draw(t, t->noise.residual);
}

/* One step of one output. */
PPMLI_STATIC void ppmli_trial_step(ppmli_descent_trial *t, uint64_t step, uint32_t output) {
  const ppmli_rows *rows = &t->schedule->rows;
  size_t F = rows->features, first = (size_t)(step % (t->rows->count / rows->batch)) * rows->batch;
  double *w = t->w + output * F;
  double scale = ppmli_schedule_rate(t->schedule, step);
  memset(t->gradient, 0, F * sizeof *t->gradient);
  for (size_t s = first; s < first + rows->batch; s++) {
    const int8_t *feature = t->rows->feature + s * F;
    double label = t->rows->label[s * rows->outputs + output];
    double r = ppmli_trial_residual(t, step, label, ppmli_trial_score(w, feature, F));
    for (size_t i = 0; i < F; i++) t->gradient[i] += r * feature[i];
  }
  for (size_t i = 0; i < F; i++) {
    double g = t->gradient[i] + ppmli_trial_draw(t, t->noise.gradient);
    w[i] += scale * ppmli_schedule_triangle(g) +
            ldexp(ppmli_trial_draw(t, t->noise.weight), PPMLI_SCHEDULE_UNIT_LOG2);
  }
}

PPMLI_INLINE size_t ppmli_descent_simulate_bytes(const ppmli_rows *rows) {
  return ppmli_arena_rounded((size_t)rows->outputs * rows->features * sizeof(double)) +
         ppmli_arena_rounded(rows->features * sizeof(double));
}

/* The weights that a run ends with.
 *   mean, last  [outputs][features]  out: the mean over the second half; w of the last step
 *   p           whose noise is drawn
 *   rng         of the noise; NULL: none, the run in the clear
 * Scratch: ppmli_descent_simulate_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_descent_simulate(double *mean, double *last, const ppmli_schedule *schedule,
                                        const ppmli_clear_rows *rows, const ppml_params *p,
                                        ppml_rng *rng, ppml_arena *arena) {
  size_t weights = (size_t)schedule->rows.outputs * schedule->rows.features;
  size_t mark = arena->used_bytes;
  ppmli_descent_trial t;
  PPMLI_ALLOC(double, w, arena, weights);
  PPMLI_ALLOC(double, gradient, arena, schedule->rows.features);
  memset(w, 0, weights * sizeof *w);
  memset(mean, 0, weights * sizeof *mean);
  t.schedule = schedule, t.rows = rows, t.rng = rng, t.w = w, t.gradient = gradient;
  ppmli_descent_noise_of(&t.noise, &schedule->rows, p);
  for (uint64_t step = 0; step < schedule->steps; step++) {
    for (uint32_t c = 0; c < schedule->rows.outputs; c++) ppmli_trial_step(&t, step, c);
    for (size_t i = 0; i < weights && ppmli_schedule_is_averaged(schedule, step); i++)
      mean[i] += w[i] / (double)ppmli_schedule_averaged(schedule);
  }
  memcpy(last, w, weights * sizeof *w);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
