/* The steps of descent: what server, simulation and key holder have to agree on.
 *
 * A linear model scores z = sum_i w_i x_i; descent moves w against the gradient of the squared
 * distance between scores and labels, a batch of rows at a time:
 *
 *   r_s = (y_s - z_s) u_r      for the rows of the batch: residuals
 *   g_i = sum_s x_si r_s       gradients
 *   w_i = w_i + eta_k g_i
 *
 * On the torus a weight of 1 stands at u_z, an eighth of a turn, so that scores have room; a
 * residual of 1 at u_r, which is small, so that sums of a batch of them have.  Bootstraps lead from
 * one to the other.  eta_k falls along a line to a tenth; the model is the mean of w over the second
 * half of the steps, which averages the noise of the batches away.  No constant comes from data:
 * a whitened feature's second moment has eigenvalues around 1, and 2 is taken for the largest.
 *
 * In: shapes and a step; out: scales, gains and tables.  Next: server/descent.h. */
#ifndef PPMLI_NETWORK_SCHEDULE_H
#define PPMLI_NETWORK_SCHEDULE_H

#include <math.h>

#include "../cipher/rows.h"

#define PPMLI_SCHEDULE_UNIT_LOG2 3    /* u_z = 2^-3 of a turn */
#define PPMLI_SCHEDULE_EIGENVALUE 2.0 /* of the largest, in squared deviations of a feature */
#define PPMLI_SCHEDULE_FALL 0.9       /* eta at the end is less than at first by that share */
#define PPMLI_SCHEDULE_GAIN 3         /* u_r is that many times label_unit but in step 0 ... */
#define PPMLI_SCHEDULE_SQUARE 6.25    /* (2.5)^2: the square of a feature's deviation */

typedef struct ppmli_schedule {
  ppmli_rows rows;
  uint64_t steps; /* batches of all sets times passes over them */
} ppmli_schedule;

/* Residuals in units of label_unit: in step 0 all are 1, later ones are smaller. */
PPMLI_INLINE uint64_t ppmli_schedule_gain(uint64_t step) {
  return step ? PPMLI_SCHEDULE_GAIN : 1;
}

/* u_r, in turns. */
PPMLI_INLINE double ppmli_schedule_residual(const ppmli_schedule *s, uint64_t step) {
  return ldexp((double)(s->rows.label_unit * ppmli_schedule_gain(step)), -64);
}

/* What a gradient of one turn moves a weight by. */
PPMLI_INLINE double ppmli_schedule_rate(const ppmli_schedule *s, uint64_t step) {
  double fall = 1 - PPMLI_SCHEDULE_FALL * (double)step / (double)s->steps;
  return fall / (s->rows.batch * PPMLI_SCHEDULE_SQUARE * PPMLI_SCHEDULE_EIGENVALUE *
                 ppmli_schedule_residual(s, step));
}

/* Is the w that step k leaves a part of the mean?  How many are. */
PPMLI_INLINE int ppmli_schedule_is_averaged(const ppmli_schedule *s, uint64_t step) {
  return step >= s->steps / 2;
}

PPMLI_INLINE uint64_t ppmli_schedule_averaged(const ppmli_schedule *s) {
  return s->steps - s->steps / 2;
}

/* What a blind rotation makes of x turns without a padding bit: x within a quarter turn to
 * either side, falling back to 0 at half a turn.  Odd, and f(x + 1/2) = -f(x). */
PPMLI_STATIC double ppmli_schedule_triangle(double x) {
  x -= floor(x + 0.5);
  if (x > 0.25) return 0.5 - x;
  return x < -0.25 ? -0.5 - x : x;
}

/* The lookup table of scale times the triangle.
 *   table  [N]  out;  |scale| < 2 */
PPMLI_STATIC void ppmli_schedule_table(uint64_t *table, double scale, const ppml_params *p) {
  for (uint32_t i = 0; i < p->poly_size; i++) {
    double value = scale * ppmli_schedule_triangle((double)i / (2.0 * p->poly_size));
    table[i] = (uint64_t)(int64_t)floor(ldexp(value, 63) + 0.5) * 2;
  }
}

/* Residuals from scores: what the table is scaled by in step k; and weights from gradients. */
PPMLI_INLINE double ppmli_schedule_residual_scale(const ppmli_schedule *s, uint64_t step) {
  return -ldexp(ppmli_schedule_residual(s, step), PPMLI_SCHEDULE_UNIT_LOG2);
}

PPMLI_INLINE double ppmli_schedule_weight_scale(const ppmli_schedule *s, uint64_t step) {
  return ldexp(ppmli_schedule_rate(s, step), -PPMLI_SCHEDULE_UNIT_LOG2);
}

#endif
