/* Gates: features of a pooled network times what the last hidden layer makes of others, as squeeze and
 * excitation does.
 *
 * A gate G, -127 to 127, stands for g = (G + 127) / 254, from 0 to 1; a feature P for p = P / range.  Two
 * ciphertexts are not multiplied; the product of numbers is the difference of a function's values:
 *
 *   g p = f(p + g - 1/2) - f(g - 1/2 - p),     f(y) = (y^2 + y) / 4
 *
 * |y| is at most 3/2 where p does not saturate.  Encrypted, f is a table and a product is two bootstraps.
 * Source: [HSS18] for the network; the identity is that of quarter squares, moved by a half.
 *
 * In: activations and features; out: the last layer's inputs.  Next: clear.h; server/bridged_run.h. */
#ifndef PPMLI_NETWORK_GATES_H
#define PPMLI_NETWORK_GATES_H

#include "pooled_layout.h"

/* Of a quarter of a turn y = 1 takes 8 parts of 14: so a feature may be a quarter beyond its range, as
 * accumulators are beyond their peaks.  From y = 3/2 on the table is flat. */
#define PPMLI_GATE_PARTS 14
#define PPMLI_GATE_UNIT_PARTS 8 /* y = 1 */

/* Features that gates multiply come behind those of layer 0. */
PPMLI_INLINE uint32_t ppmli_gate_feature(const ppml_model *m, uint32_t j) {
  return m->layer[0].outputs + j;
}

/* round((G + 127) clamp(P) / (2 range)), halves up. */
PPMLI_STATIC int32_t ppmli_gate_product(int32_t gate, int64_t feature, int32_t range) {
  int64_t p = feature > range ? range : feature < -(int64_t)range ? -(int64_t)range : feature;
  int64_t by = 2 * (int64_t)range, sum = (gate + PPML_ACTIVATION_MAX) * p + range;
  return (int32_t)(sum / by - (sum % by < 0));
}

/* The largest whole number of times that a feature fits, as it stands on the torus, into the room of
 * y = 1; 0 where it does not fit. */
PPMLI_STATIC uint64_t ppmli_gate_gain(const ppml_model *m, uint32_t j) {
  uint64_t room = ((uint64_t)1 << 62) / PPMLI_GATE_PARTS * PPMLI_GATE_UNIT_PARTS;
  return room / ppmli_bridged_unit() / (uint64_t)m->pooled.range[j];
}

/* Do all features that gates multiply fit? */
PPMLI_STATIC int ppmli_gates_fit(const ppml_model *m) {
  for (uint32_t j = 0; j < m->pooled.gated; j++)
    if (ppmli_gate_gain(m, j) == 0) return 0;
  return 1;
}

/* y = 1 on the torus. */
PPMLI_INLINE uint64_t ppmli_gate_unit(const ppml_model *m, uint32_t j) {
  return ppmli_gate_gain(m, j) * ppmli_bridged_unit() * (uint64_t)m->pooled.range[j];
}

/* 127 f(y), y no more than 3/2 either way. */
PPMLI_STATIC double ppmli_gate_table(double y) {
  double most = 1.5, at = y > most ? most : y < -most ? -most : y;
  return PPML_ACTIVATION_MAX * (at * at + at) / 4;
}

/* The inputs of the last layer.
 *   x        [gated]  in: gates; out
 *   feature  [ppmli_model_pooled_outputs] */
PPMLI_STATIC void ppmli_gates_apply(int32_t *x, const ppml_model *m, const int64_t *feature) {
  for (uint32_t j = 0; j < m->pooled.gated; j++)
    x[j] = ppmli_gate_product(x[j], feature[ppmli_gate_feature(m, j)], m->pooled.range[j]);
}

#endif
