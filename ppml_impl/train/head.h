/* Small networks of floats behind features, and their gradients: squeeze and excitation, or a hidden layer.
 *
 * Of features x, that have mean 0 and deviation 1, P_j = q_j . x are sums that a pooled network gives for
 * nothing, whatever the features are.  With gates, J of them, and r hidden neurons,
 *
 *   t = w1 P        h = clamp(t, -1, 1)        g = logistic(w2 h)        logit_c = sum of v_cj g_j P_j
 *
 * where w1 squeezes, w2 excites; w1 and q make t sums of x as well.  Without gates
 *
 *   t = q x         h = clamp(t, -1, 1)        logit_c = sum of v_ck h_k
 *
 * What is clamped is pulled back where it is far beyond (master.h): room on the torus is resolution.
 * Every sum has a bias.  Parameters stand in one array: q, w1, w2, v, rows with their bias behind.
 * Source: [HSS18] squeeze and excitation, [ADAM] the descent.
 *
 * In: features and derivatives of the loss; out: logits, then new parameters.  Next: head_train.h. */
#ifndef PPMLI_TRAIN_HEAD_H
#define PPMLI_TRAIN_HEAD_H

#include <math.h>

#include "loss.h"
#include "master.h"

#define PPMLI_HEAD_MAX PPML_CLASSES_MAX /* of gates and hidden neurons */

typedef struct ppmli_head {
  uint32_t gates, hidden, outputs; /* J, r */
  size_t features;
} ppmli_head;

/* What a sample becomes on its way. */
typedef struct ppmli_head_state {
  float p[PPMLI_HEAD_MAX], t[PPMLI_HEAD_MAX], h[PPMLI_HEAD_MAX], g[PPMLI_HEAD_MAX];
  float y[PPMLI_HEAD_MAX]; /* what logits are sums of: g P, or h */
} ppmli_head_state;

/* ------------------------------------------------------------------- shape */

/* Rows of q: P, or t where there are no gates. */
PPMLI_INLINE uint32_t ppmli_head_rows(const ppmli_head *n) {
  return n->gates ? n->gates : n->hidden;
}

PPMLI_INLINE size_t ppmli_head_squeeze_at(const ppmli_head *n) {
  return ppmli_head_rows(n) * (n->features + 1);
}

PPMLI_INLINE size_t ppmli_head_excite_at(const ppmli_head *n) {
  return ppmli_head_squeeze_at(n) + (n->gates ? n->hidden * (n->gates + (size_t)1) : 0);
}

PPMLI_INLINE size_t ppmli_head_output_at(const ppmli_head *n) {
  return ppmli_head_excite_at(n) + n->gates * (n->hidden + (size_t)1);
}

PPMLI_INLINE size_t ppmli_head_parameters(const ppmli_head *n) {
  return ppmli_head_output_at(n) + n->outputs * (ppmli_head_rows(n) + (size_t)1);
}

/* ----------------------------------------------------------------- forward */

/* out_j = row_j . x + bias_j */
PPMLI_STATIC void ppmli_head_sums(float *out, const float *row, const float *x, size_t inputs,
                                  uint32_t outputs) {
  for (uint32_t j = 0; j < outputs; j++, row += inputs + 1)
    out[j] = ppmli_master_dot(row, x, inputs) + row[inputs];
}

PPMLI_INLINE float ppmli_head_clamp(float t) {
  return t < -1 ? -1 : t > 1 ? 1 : t;
}

/* The logits of a sample.
 *   logit [outputs]  out
 *   s                out
 *   x     [features] */
PPMLI_STATIC void ppmli_head_forward(float *logit, ppmli_head_state *s, const ppmli_head *n,
                                     const float *w, const float *x) {
  uint32_t J = n->gates, r = n->hidden;
  ppmli_head_sums(J ? s->p : s->t, w, x, n->features, ppmli_head_rows(n));
  if (J) ppmli_head_sums(s->t, w + ppmli_head_squeeze_at(n), s->p, J, r);
  for (uint32_t k = 0; k < r; k++) s->h[k] = ppmli_head_clamp(s->t[k]);
  ppmli_head_sums(s->g, w + ppmli_head_excite_at(n), s->h, r, J);
  for (uint32_t j = 0; j < J; j++) s->g[j] = ppmli_loss_logistic(s->g[j]);
  for (uint32_t j = 0; j < ppmli_head_rows(n); j++) s->y[j] = J ? s->g[j] * s->p[j] : s->h[j];
  ppmli_head_sums(logit, w + ppmli_head_output_at(n), s->y, ppmli_head_rows(n), n->outputs);
}

/* ---------------------------------------------------------------- backward */

/* Of sums out = row x + bias: adds to the gradient of the rows, and gives that of x.
 *   by_x  [inputs]  in and out: added to; or NULL
 *   by    [outputs]  the derivatives by the sums */
PPMLI_STATIC void ppmli_head_sums_back(float *gradient, float *by_x, const float *row,
                                       const float *x, const float *by, size_t inputs,
                                       uint32_t outputs) {
  for (uint32_t j = 0; j < outputs; j++, row += inputs + 1, gradient += inputs + 1) {
    ppmli_master_add(gradient, by[j], x, inputs);
    gradient[inputs] += by[j];
    if (by_x) ppmli_master_add(by_x, by[j], row, inputs);
  }
}

/* From derivatives by what logits are sums of to those by P and by t. */
PPMLI_STATIC void ppmli_head_gates_back(float *gradient, float *by_p, float *by_t,
                                        const ppmli_head_state *s, const ppmli_head *n,
                                        const float *w, const float *by_y) {
  float by_gate[PPMLI_HEAD_MAX] = {0};
  uint32_t J = n->gates, r = n->hidden;
  for (uint32_t j = 0; j < J; j++) {
    by_p[j] = by_y[j] * s->g[j];
    by_gate[j] = by_y[j] * s->p[j] * s->g[j] * (1 - s->g[j]);
  }
  ppmli_head_sums_back(gradient + ppmli_head_excite_at(n), by_t, w + ppmli_head_excite_at(n), s->h,
                       by_gate, r, J);
}

/* Adds a sample's gradient.
 *   gradient  [ppmli_head_parameters]  in and out
 *   error     [outputs]  the derivatives by the logits */
PPMLI_STATIC void ppmli_head_backward(float *gradient, const ppmli_head_state *s,
                                      const ppmli_head *n, const float *w, const float *x,
                                      const float *error) {
  float by_y[PPMLI_HEAD_MAX] = {0}, by_p[PPMLI_HEAD_MAX] = {0}, by_t[PPMLI_HEAD_MAX] = {0};
  uint32_t J = n->gates, r = n->hidden;
  size_t out = ppmli_head_output_at(n), squeeze = ppmli_head_squeeze_at(n);
  ppmli_head_sums_back(gradient + out, by_y, w + out, s->y, error, ppmli_head_rows(n), n->outputs);
  if (J) ppmli_head_gates_back(gradient, by_p, by_t, s, n, w, by_y);
  for (uint32_t k = 0; k < r; k++) {
    float over = fabsf(s->t[k]) - PPMLI_MASTER_OVERSHOOT;
    if (!J) by_t[k] = by_y[k];
    if (s->t[k] < -1 || s->t[k] > 1) by_t[k] = 0;
    if (over > 0) by_t[k] += PPMLI_MASTER_PULL * (s->t[k] < 0 ? -over : over);
  }
  if (J) ppmli_head_sums_back(gradient + squeeze, by_p, w + squeeze, s->p, by_t, J, r);
  ppmli_head_sums_back(gradient, NULL, w, x, J ? by_p : by_t, n->features, ppmli_head_rows(n));
}

#endif
