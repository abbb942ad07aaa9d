/* The cross entropy of a task, and its derivative by the logits.  In: logits and labels; out: a loss,
 * derivatives.  Next: train.h. */
#ifndef PPMLI_TRAIN_LOSS_H
#define PPMLI_TRAIN_LOSS_H

#include <math.h>

#include "../network/spec.h"

/* e^x = 2^n e^r with |r| <= ln 2 / 2, where the series to r^6 is 2^-23 off. */
PPMLI_STATIC float ppmli_loss_exp(float x) {
  float clamped = x < -80 ? -80 : x > 80 ? 80 : x;
  float n = floorf(clamped * 1.44269504f + 0.5f), r = clamped - n * 0.693147181f;
  float series = 1 + r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5 * (1 + r / 6)))));
  return ldexpf(series, (int)n);
}

PPMLI_INLINE float ppmli_loss_logistic(float logit) {
  return 1 / (1 + ppmli_loss_exp(-logit));
}

/* Should score c be above its threshold?  Not for a contest of several. */
PPMLI_INLINE int ppmli_loss_is_above(const ppml_spec *spec, const uint8_t *labels, uint32_t c) {
  if (spec->task == PPML_TASK_LABELS) return labels[c];
  return labels[0] > c;
}

PPMLI_STATIC void ppmli_loss_softmax(float *error, const float *logit, uint32_t outputs) {
  float top = logit[0], sum = 0;
  for (uint32_t c = 1; c < outputs; c++) top = logit[c] > top ? logit[c] : top;
  for (uint32_t c = 0; c < outputs; c++) sum += error[c] = ppmli_loss_exp(logit[c] - top);
  for (uint32_t c = 0; c < outputs; c++) error[c] /= sum;
}

/* ln x = n ln 2 + ln m, m in [1/2, 1), by the series of the area tangent; 2^-22 off. */
PPMLI_STATIC float ppmli_loss_ln(float x) {
  int n;
  float m = frexpf(x, &n), s = (m - 0.75f) / (m + 0.75f), q = s * s;
  float series = 2 * s * (1 + q * (1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7 + q / 9))));
  return (float)n * 0.693147181f - 0.287682072f + series;
}

/* Minus the logarithm of the probability that each score gives to what is true, no less
 * than e^-30; of a contest it stands at the true class.
 *   each, logit [spec->outputs]  may be the same */
PPMLI_STATIC void ppmli_loss_of(float *each, const ppml_spec *spec, const float *logit,
                                const uint8_t *labels) {
  int is_contest = ppmli_spec_is_contest(spec);
  if (is_contest) ppmli_loss_softmax(each, logit, spec->outputs);
  for (uint32_t c = 0; c < spec->outputs; c++) {
    int is_true = is_contest ? c == labels[0] : ppmli_loss_is_above(spec, labels, c);
    float probability = is_contest ? each[c] : ppmli_loss_logistic(is_true ? logit[c] : -logit[c]);
    each[c] = is_contest && !is_true ? 0 : -ppmli_loss_ln(probability + 1e-13f);
  }
}

/* Derivative of the cross entropy by the logits: probability less target, which is
 * 1 - smooth for what is true.
 *   error, logit [spec->outputs]  may be the same
 *   labels [answer bytes] */
PPMLI_STATIC void ppmli_loss_error(float *error, const ppml_spec *spec, const float *logit,
                                   const uint8_t *labels, float smooth) {
  uint32_t outputs = spec->outputs;
  if (ppmli_spec_is_contest(spec)) {
    ppmli_loss_softmax(error, logit, outputs);
    for (uint32_t c = 0; c < outputs; c++)
      error[c] -= c == labels[0] ? 1 - smooth : smooth / (float)(outputs - 1);
    return;
  }
  for (uint32_t c = 0; c < outputs; c++)
    error[c] = ppmli_loss_logistic(logit[c]) -
               (ppmli_loss_is_above(spec, labels, c) ? 1 - smooth : smooth);
}

#endif
