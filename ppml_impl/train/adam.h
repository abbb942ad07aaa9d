/* Adam: descent by moments of the gradient, a parameter at a time.
 *
 *   first  += 0.1 (g - first)        second += 0.001 (g^2 - second)
 *   weight -= rate first' / (sqrt(second') + 10^-8)
 *
 * In step n, first' is first / (1 - 0.9^n), and second' is second / (1 - 0.999^n), which makes up for the zeros
 * that both begin as.  Source: [ADAM].
 *
 * In: a gradient and a rate; out: moved weights.  Next: master.h, head_train.h. */
#ifndef PPMLI_TRAIN_ADAM_H
#define PPMLI_TRAIN_ADAM_H

#include <math.h>

#include "../base/base.h"

typedef struct ppmli_adam {
  float first_decayed, second_decayed; /* how much of the moments is still their zero start */
  float first_scale, second_scale;     /* of the step at work; the rate is in the former */
} ppmli_adam;

PPMLI_STATIC void ppmli_adam_begin(ppmli_adam *a) {
  memset(a, 0, sizeof *a);
  a->first_decayed = a->second_decayed = 1;
}

/* Begins a step. */
PPMLI_STATIC void ppmli_adam_next(ppmli_adam *a, float rate) {
  a->first_decayed *= 0.9f;
  a->second_decayed *= 0.999f;
  a->first_scale = rate / (1 - a->first_decayed);
  a->second_scale = 1 / (1 - a->second_decayed);
}

/* The step of one parameter.
 *   weight         in and out
 *   first, second  its moments, in and out
 *   g              its gradient */
PPMLI_INLINE void ppmli_adam_move(const ppmli_adam *a, float *weight, float *first, float *second,
                                  float g) {
  *first += 0.1f * (g - *first);
  *second += 0.001f * (g * g - *second);
  *weight -= a->first_scale * *first / (sqrtf(*second * a->second_scale) + 1e-8f);
}

#endif
