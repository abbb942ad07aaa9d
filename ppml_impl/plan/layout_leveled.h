/* Laying out polynomial circuits, which need no bootstrap.  In: a model; out: T, a power of two: scores are
 * whole multiples of 1 / T of a turn; or why there is no layout.  server/slots.h says where neurons stand in a
 * ciphertext.  Next: leveled_noise.h, which predicts the noise of the scores. */
#ifndef PPMLI_PLAN_LAYOUT_LEVELED_H
#define PPMLI_PLAN_LAYOUT_LEVELED_H

#include "../math/params.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "leveled_noise.h"
#include "noise.h"

/* t: the least that leaves scores of training their room. */
PPMLI_STATIC uint32_t ppmli_leveled_least_log2(const ppml_model *m) {
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  int64_t peak = 1;
  uint32_t t = 1;
  for (uint32_t c = 0; c < last->outputs; c++)
    if (last->peak[c] > peak) peak = last->peak[c];
  while (((int64_t)1 << t) < PPMLI_LEVELED_ROOM_HALVES * peak) t++;
  return t;
}

/* The most and the least of what x and y may add up to. */
typedef struct ppmli_reach {
  int64_t low, high;
} ppmli_reach;

/* Of z_j over all images; pixels are not negative. */
PPMLI_STATIC ppmli_reach ppmli_leveled_reach(const ppml_model *m, uint32_t j) {
  const ppml_layer *layer = &m->layer[0];
  const int8_t *w = layer->weight + (size_t)j * layer->inputs;
  ppmli_reach z = {layer->bias[j], layer->bias[j]};
  for (uint32_t i = 0; i < layer->inputs; i++)
    *(w[i] < 0 ? &z.low : &z.high) += (int64_t)w[i] * ppmli_layer_input_max(m, 0);
  return z;
}

/* The largest |z (square z + linear)| for z within reach. */
PPMLI_STATIC int64_t ppmli_leveled_activation_bound(ppmli_reach z, int32_t square, int32_t linear) {
  int64_t most = -z.low > z.high ? -z.low : z.high;
  return most * (ppmli_magnitude(square) * most + ppmli_magnitude(linear));
}

/* No image leads to a larger |score|; a valid model's is below 2^62. */
PPMLI_STATIC int64_t ppmli_leveled_bound(const ppml_model *m, uint32_t o) {
  const ppml_layer *hidden = &m->layer[0], *last = &m->layer[1];
  ppmli_reach sum = {0, 0};
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    int32_t w = last->weight[(size_t)o * last->inputs + j];
    int64_t a = ppmli_leveled_activation_bound(ppmli_leveled_reach(m, j), hidden->square[j],
                                               hidden->linear[j]);
    int is_signed = hidden->linear[j] != 0; /* else all activations have square's sign */
    int64_t part = ppmli_magnitude(w) * a;
    if (is_signed || (int64_t)w * hidden->square[j] > 0) sum.high += part;
    if (is_signed || (int64_t)w * hidden->square[j] < 0) sum.low += part;
  }
  return (sum.high > sum.low ? sum.high : sum.low) + ppmli_magnitude(last->bias[o]);
}

/* t: the least that leaves room for every score there is, and a quarter more for noise; beyond
 * what a circuit may have, where that is beyond it. */
PPMLI_STATIC uint32_t ppmli_leveled_whole_log2(const ppml_model *m) {
  uint32_t t = ppmli_leveled_least_log2(m);
  for (uint32_t o = 0; o < m->spec.outputs; o++)
    while (t <= PPMLI_TENSOR_MODULUS_LOG2_MAX &&
           ((int64_t)1 << t) / PPMLI_LEVELED_ROOM_HALVES * 2 <= ppmli_leveled_bound(m, o))
      t++;
  return t;
}

/* ----------------------------------------------------------------- layout */

/* Why a polynomial network fits no leveled set, as one line, or NULL. */
PPMLI_STATIC const char *ppmli_leveled_refusal(const ppml_model *m) {
  ppmli_leveled_norms norms;
  double blocks = (double)ppmli_spec_inputs(&m->spec) / 32; /* of the set with most, 128 slots */
  if (m->layer[0].outputs > PPMLI_LEVELED_SLOTS_MAX)
    return "a polynomial activation takes 128 neurons at most";
  if (ppmli_leveled_least_log2(m) > PPMLI_TENSOR_MODULUS_LOG2_MAX)
    return "its scores, with room, are beyond 2^30";
  ppmli_leveled_measure(&norms, m);
  double most = norms.h;
  for (uint32_t o = 0; o < m->spec.outputs; o++) {
    double norm = ppmli_leveled_v_norm(&norms, m, o);
    if (norm > most) most = norm;
  }
  return ppmli_leveled_is_exact(most, blocks) ? NULL : "its weights are too large for exact sums";
}

PPMLI_STATIC void ppmli_leveled_set_units(ppml_circuit *c, uint32_t modulus_log2) {
  c->unit[1] = ppmli_leveled_unit(modulus_log2);
  c->unit[0] = c->unit[1] / ppmli_params_block(c->params);
}

/* Units and gains; accumulators are what they are.
 *   gain  [2][outputs]
 * Errors: PARAMS. */
PPMLI_STATIC int ppmli_leveled_scale(ppml_circuit *c, int32_t *const *gain) {
  const ppml_model *m = &c->model;
  if (!ppmli_model_is_polynomial(m) || ppmli_leveled_refusal(m) != NULL) return PPML_ERR_PARAMS;
  if (m->layer[0].outputs > c->params->slots) return PPML_ERR_PARAMS;
  uint32_t least = ppmli_leveled_least_log2(m), whole = ppmli_leveled_whole_log2(m);
  ppmli_leveled_set_units(c, whole <= PPMLI_TENSOR_MODULUS_LOG2_MAX ? whole : least);
  if (!ppmli_leveled_is_cheap(c)) ppmli_leveled_set_units(c, least);
  for (uint32_t l = 0; l < 2; l++) {
    for (uint32_t j = 0; j < m->layer[l].outputs; j++) gain[l][j] = 1;
    c->gain[l] = gain[l];
  }
  return PPML_OK;
}

/* Is this the layout of the model?  Errors: PARAMS. */
PPMLI_STATIC int ppmli_leveled_check(const ppml_circuit *c) {
  const ppml_model *m = &c->model;
  if (!ppmli_model_is_polynomial(m) || ppmli_leveled_refusal(m) != NULL) return PPML_ERR_PARAMS;
  if (m->layer[0].outputs > c->params->slots) return PPML_ERR_PARAMS;
  uint32_t t = ppmli_leveled_modulus_log2(c);
  if (t > PPMLI_TENSOR_MODULUS_LOG2_MAX || c->unit[1] != ppmli_leveled_unit(t))
    return PPML_ERR_PARAMS;
  if (t != ppmli_leveled_least_log2(m) && t != ppmli_leveled_whole_log2(m)) return PPML_ERR_PARAMS;
  if (c->unit[0] != c->unit[1] / ppmli_params_block(c->params)) return PPML_ERR_PARAMS;
  for (uint32_t l = 0; l < 2; l++)
    for (uint32_t j = 0; j < m->layer[l].outputs; j++)
      if (c->gain[l][j] != 1) return PPML_ERR_PARAMS;
  return PPML_OK;
}

#endif
