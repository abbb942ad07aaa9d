/* A network in integers: what its layers are, the bounds that its numbers keep, and whether a
 * ppml_model that came from outside keeps them.  clear.h computes it, room.h finds it room on the
 * torus.  In: a ppml_model; out: bounds, or the first rule that it breaks.  Next: clear.h. */
#ifndef PPMLI_NETWORK_MODEL_H
#define PPMLI_NETWORK_MODEL_H

#include "../math/params.h"
#include "fault.h"
#include "pooled.h"
#include "pooled_model.h"
#include "spec.h"

/* round(p (2^bits - 1) / 255): a byte as the network's input. */
PPMLI_INLINE int32_t ppmli_quant_pixel(uint8_t p, uint32_t input_bits) {
  uint32_t top = (1u << input_bits) - 1;
  return (int32_t)((2 * top * p + 255) / 510);
}

/* Has the network the one hidden layer of polynomials, and scores behind it?  Layers of that
 * activation are valid nowhere else. */
PPMLI_INLINE int ppmli_model_is_polynomial(const ppml_model *m) {
  return m->layer_count == 2 && m->layer[0].activation == PPML_ACTIVATION_POLYNOMIAL;
}

/* Is layer l the scores behind polynomials? */
PPMLI_INLINE int ppmli_model_sums_polynomials(const ppml_model *m, uint32_t l) {
  return l == 1 && ppmli_model_is_polynomial(m);
}

/* Has the network layers, and none of them hidden? */
PPMLI_INLINE int ppmli_model_is_linear(const ppml_model *m) {
  return m->layer_count == 1;
}

/* Is layer l scores that have peaks?  Those behind polynomials must; those of linear models may. */
PPMLI_INLINE int ppmli_model_has_score_peaks(const ppml_model *m, uint32_t l) {
  return ppmli_model_sums_polynomials(m, l) || ppmli_model_is_linear(m);
}

/* Has the layer ranges and peaks of accumulators that saturate? */
PPMLI_INLINE int ppmli_layer_is_clipped(const ppml_layer *layer) {
  return layer->activation != PPML_ACTIVATION_NONE &&
         layer->activation != PPML_ACTIVATION_POLYNOMIAL;
}

/* The largest |z_j| that any input can lead to. */
PPMLI_STATIC int64_t ppmli_layer_bound(const ppml_layer *layer, uint32_t j, int32_t input_max) {
  int64_t bound = layer->bias[j] < 0 ? -(int64_t)layer->bias[j] : layer->bias[j];
  for (uint32_t i = 0; i < layer->inputs; i++) {
    int32_t w = layer->weight[(size_t)j * layer->inputs + i];
    bound += (int64_t)input_max * (w < 0 ? -w : w);
  }
  return bound;
}

PPMLI_INLINE int32_t ppmli_layer_input_max(const ppml_model *m, uint32_t l) {
  return l == 0 ? (int32_t)((1u << m->spec.input_bits) - 1) : PPML_ACTIVATION_MAX;
}

PPMLI_INLINE int64_t ppmli_magnitude(int64_t x) {
  return x < 0 ? -x : x;
}

/* ---------------------------------------------------------------- validity */

/* Each of these returns the first rule that is broken, PPMLI_FAULT_NONE if none is.
 *   at  out: at->index is the neuron, weight or entry that a fault is of */

PPMLI_INLINE int ppmli_is_beyond(int64_t x, int64_t most) {
  return x > most || x < -most;
}

/* Every weight within weight_bits. */
PPMLI_STATIC int ppmli_layer_weight_fault(ppmli_place *at, const ppml_layer *layer) {
  if (layer->weight_bits < 2 || layer->weight_bits > 8) return PPMLI_FAULT_WEIGHT_BITS;
  int32_t most = (1 << (layer->weight_bits - 1)) - 1;
  for (size_t i = 0; i < (size_t)layer->inputs * layer->outputs; i++) {
    at->index = (uint32_t)i;
    if (ppmli_is_beyond(layer->weight[i], most)) return PPMLI_FAULT_WEIGHT;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

PPMLI_STATIC int ppmli_neuron_fault(const ppml_layer *layer, uint32_t j, int32_t input_max) {
  if (ppmli_layer_bound(layer, j, input_max) > PPMLI_ACCUMULATOR_MAX)
    return PPMLI_FAULT_ACCUMULATOR;
  if (!ppmli_layer_is_clipped(layer)) return PPMLI_FAULT_NONE;
  if (layer->range[j] < 1) return PPMLI_FAULT_RANGE;
  if (layer->peak[j] < layer->range[j]) return PPMLI_FAULT_PEAK_BELOW_RANGE;
  return layer->peak[j] > PPMLI_ACCUMULATOR_MAX ? PPMLI_FAULT_PEAK : PPMLI_FAULT_NONE;
}

/* Weights and accumulators within their bounds, ranges and peaks in order, activations in
 * theirs. */
PPMLI_STATIC int ppmli_layer_fault(ppmli_place *at, const ppml_layer *layer, int32_t input_max) {
  int fault = ppmli_layer_weight_fault(at, layer);
  if (fault) return fault;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    at->index = j;
    fault = ppmli_neuron_fault(layer, j, input_max);
    if (fault) return fault;
  }
  for (uint32_t i = 0; layer->activation == PPML_ACTIVATION_TABLE && i < PPML_TABLE_SIZE; i++) {
    at->index = i;
    if (layer->table[i] < -PPML_ACTIVATION_MAX) return PPMLI_FAULT_TABLE;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

PPMLI_STATIC int ppmli_layer_polynomial_fault(ppmli_place *at, const ppml_layer *layer) {
  for (uint32_t j = 0; j < layer->outputs; j++) {
    at->index = j;
    if (ppmli_is_beyond(layer->square[j], PPMLI_SQUARE_MAX)) return PPMLI_FAULT_SQUARE;
    if (ppmli_is_beyond(layer->linear[j], PPMLI_LINEAR_MAX)) return PPMLI_FAULT_LINEAR;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

/* Do 64 bits hold every sum of polynomials, whatever the input? */
PPMLI_STATIC int ppmli_model_has_bounded_polynomials(const ppml_model *m) {
  const ppml_layer *hidden = &m->layer[0];
  double largest = 0;
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    double z = (double)ppmli_layer_bound(hidden, j, ppmli_layer_input_max(m, 0));
    double square = hidden->square[j], linear = hidden->linear[j];
    largest += z * (z * (square < 0 ? -square : square) + (linear < 0 ? -linear : linear));
  }
  const double most = (double)((uint64_t)1 << PPMLI_SCORE_SUM_LOG2);
  return largest * (1 << (m->layer[1].weight_bits - 1)) <= most;
}

/* Of scores behind polynomials: what any input can lead to is far above what happens, so it is
 * not held against them. */
PPMLI_STATIC int ppmli_layer_score_fault(ppmli_place *at, const ppml_layer *layer) {
  int fault = ppmli_layer_weight_fault(at, layer);
  if (fault) return fault;
  for (uint32_t c = 0; c < layer->outputs; c++) {
    at->index = c;
    if (ppmli_is_beyond(layer->bias[c], PPMLI_ACCUMULATOR_MAX)) return PPMLI_FAULT_BIAS;
    if (layer->peak[c] < 1) return PPMLI_FAULT_PEAK_BELOW_1;
    if (layer->peak[c] > PPMLI_ACCUMULATOR_MAX) return PPMLI_FAULT_PEAK;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

/* Of scores of a linear model, which may have peaks. */
PPMLI_STATIC int ppmli_layer_linear_fault(ppmli_place *at, const ppml_layer *layer) {
  for (uint32_t c = 0; layer->peak && c < layer->outputs; c++) {
    at->index = c;
    if (layer->peak[c] < 1) return PPMLI_FAULT_PEAK_BELOW_1;
    if (layer->peak[c] > PPMLI_ACCUMULATOR_MAX) return PPMLI_FAULT_PEAK;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

PPMLI_STATIC int ppmli_model_layer_fault(ppmli_place *at, const ppml_model *m, uint32_t l,
                                         const ppml_limits *limits) {
  const ppml_layer *layer = &m->layer[l];
  at->layer = l;
  if (layer->inputs > limits->inputs || layer->outputs > limits->neurons) return PPMLI_FAULT_SIZE;
  if (ppmli_model_sums_polynomials(m, l)) {
    int fault = ppmli_layer_score_fault(at, layer);
    if (fault) return fault;
    at->layer = 0; /* whose polynomials are summed */
    return ppmli_model_has_bounded_polynomials(m) ? PPMLI_FAULT_NONE : PPMLI_FAULT_POLYNOMIAL_SUM;
  }
  int fault = ppmli_layer_fault(at, layer, ppmli_layer_input_max(m, l));
  if (fault == PPMLI_FAULT_NONE && ppmli_model_is_linear(m))
    return ppmli_layer_linear_fault(at, layer);
  if (fault || layer->activation != PPML_ACTIVATION_POLYNOMIAL) return fault;
  return ppmli_layer_polynomial_fault(at, layer);
}

/* Are the arrays there that layer l has, and what accumulators are divided by? */
PPMLI_STATIC int ppmli_model_array_fault(ppmli_place *at, const ppml_model *m, uint32_t l) {
  const ppml_layer *layer = &m->layer[l];
  int is_clipped = ppmli_layer_is_clipped(layer);
  int is_polynomial = layer->activation == PPML_ACTIVATION_POLYNOMIAL;
  if (layer->weight == NULL) return PPMLI_FAULT_NO_WEIGHT;
  if (layer->bias == NULL) return PPMLI_FAULT_NO_BIAS;
  if (is_clipped && layer->range == NULL) return PPMLI_FAULT_NO_RANGE;
  if ((is_clipped || ppmli_model_sums_polynomials(m, l)) && layer->peak == NULL)
    return PPMLI_FAULT_NO_PEAK;
  if (layer->activation == PPML_ACTIVATION_TABLE && layer->table == NULL)
    return PPMLI_FAULT_NO_TABLE;
  if (is_polynomial && layer->square == NULL) return PPMLI_FAULT_NO_SQUARE;
  if (is_polynomial && layer->linear == NULL) return PPMLI_FAULT_NO_LINEAR;
  for (uint32_t j = 0; is_clipped && j < layer->outputs; j++) {
    at->index = j;
    if (layer->range[j] < 1) return PPMLI_FAULT_RANGE;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

/* Has the layer the shape and the activation that its place asks for?
 *   inputs  what comes before it */
PPMLI_STATIC int ppmli_model_shape_fault(const ppml_model *m, uint32_t l, size_t inputs) {
  const ppml_layer *layer = &m->layer[l];
  int is_last = l + 1 == m->layer_count;
  if (layer->inputs != inputs) return PPMLI_FAULT_LAYER_INPUTS;
  if (layer->outputs < 1) return PPMLI_FAULT_LAYER_OUTPUTS;
  if (layer->activation > PPML_ACTIVATION_POLYNOMIAL) return PPMLI_FAULT_ACTIVATION;
  if (is_last != (layer->activation == PPML_ACTIVATION_NONE)) return PPMLI_FAULT_NO_ACTIVATION;
  if (layer->activation == PPML_ACTIVATION_POLYNOMIAL &&
      (!ppmli_model_is_polynomial(m) || ppmli_model_has_features(m)))
    return PPMLI_FAULT_POLYNOMIAL;
  return is_last && layer->outputs != m->spec.outputs ? PPMLI_FAULT_SCORES : PPMLI_FAULT_NONE;
}

/* Do the layers fit one another, and the spec, and have their arrays?  They take pixels; behind features
 * the first takes nothing. */
PPMLI_STATIC int ppmli_model_layers_fault(ppmli_place *at, const ppml_model *m) {
  size_t inputs = ppmli_model_has_features(m) ? 0 : ppmli_spec_inputs(&m->spec);
  at->layer = at->index = 0;
  if (m->layer_count > PPML_LAYERS_MAX) return PPMLI_FAULT_LAYER_COUNT;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    at->layer = l;
    int fault = ppmli_model_shape_fault(m, l, inputs);
    if (fault == PPMLI_FAULT_NONE) fault = ppmli_model_array_fault(at, m, l);
    if (fault) return fault;
    inputs = m->layer[l].outputs;
  }
  at->layer = 0;
  return PPMLI_FAULT_NONE;
}

/* Has a pooled network its arrays, behind an encoder?  The spec is valid, or its shape is at least. */
PPMLI_STATIC int ppmli_model_pooled_fault(const ppml_model *m) {
  const ppml_pooled *p = &m->pooled;
  if (m->spec.encoder.kind == PPML_ENCODER_NONE) return PPMLI_FAULT_NO_ENCODER;
  if (p->square == NULL) return PPMLI_FAULT_POOLED_NO_SQUARE;
  if (p->linear == NULL) return PPMLI_FAULT_POOLED_NO_LINEAR;
  if (p->bias == NULL) return PPMLI_FAULT_POOLED_NO_BIAS;
  if (p->peak == NULL) return PPMLI_FAULT_POOLED_NO_PEAK;
  if (m->spec.encoder.kind == PPML_ENCODER_PATCHES && p->mean == NULL)
    return PPMLI_FAULT_POOLED_NO_MEAN;
  return PPMLI_FAULT_NONE;
}

/* Its numbers. */
PPMLI_STATIC int ppmli_model_pooled_number_fault(ppmli_place *at, const ppml_model *m) {
  const ppml_pooled *p = &m->pooled;
  for (uint32_t c = 0; c < ppmli_model_pooled_outputs(m); c++) {
    at->index = c;
    if (ppmli_magnitude(p->bias[c]) > PPMLI_POOLED_SCORE_MAX) return PPMLI_FAULT_POOLED_BIAS;
    if (p->peak[c] < 1 || p->peak[c] > PPMLI_POOLED_SCORE_MAX) return PPMLI_FAULT_POOLED_PEAK;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

/* Are features those that layers and gates take?  Layers have their shapes. */
PPMLI_STATIC int ppmli_model_gates_fault(ppmli_place *at, const ppml_model *m) {
  uint32_t gated = m->pooled.gated, last = ppmli_model_score_layer(m);
  if (m->layer_count < 2) return PPMLI_FAULT_FEATURES_ALONE;
  if (gated > PPMLI_POOLED_OUTPUTS_MAX || m->layer[0].outputs > PPMLI_POOLED_OUTPUTS_MAX - gated)
    return PPMLI_FAULT_FEATURES;
  if (gated == 0) return PPMLI_FAULT_NONE;
  if (last == 0) return PPMLI_FAULT_GATED;
  if (m->layer[last].inputs != gated) return PPMLI_FAULT_GATED;
  if (m->pooled.range == NULL) return PPMLI_FAULT_POOLED_NO_RANGE;
  for (; at->index < gated; at->index++)
    if (m->pooled.range[at->index] < 1) return PPMLI_FAULT_POOLED_RANGE;
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

/* Is a row of so many weights one sign, as it is or turned around? */
PPMLI_STATIC int ppmli_is_one_sign(const int8_t *weight, uint32_t count) {
  uint32_t ones = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (weight[i] < -1 || weight[i] > 1) return 0;
    ones += weight[i] != 0;
  }
  return ones == 1;
}

/* Is each score 127 or -127, and asked for its sign?  What is predicted of a network that decides is nothing of
 * others.
 *   at  out: the score that a fault is of */
PPMLI_STATIC int ppmli_model_decided_fault(ppmli_place *at, const ppml_model *m) {
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  at->layer = m->layer_count - 1;
  for (uint32_t c = 0; c < last->outputs; c++) {
    at->index = c;
    if (!ppmli_is_one_sign(last->weight + (size_t)c * last->inputs, last->inputs) ||
        last->bias[c] != 0 || m->spec.threshold[c] != 0)
      return PPMLI_FAULT_DECIDED;
  }
  at->layer = at->index = 0;
  return PPMLI_FAULT_NONE;
}

/* Are decisions taken, by signs, of which each score is one?
 *   at  out */
PPMLI_STATIC int ppmli_model_decision_fault(ppmli_place *at, const ppml_model *m) {
  uint32_t deciding = ppmli_spec_deciding_layers(&m->spec);
  if (deciding == 0) return PPMLI_FAULT_NONE;
  if (m->layer_count <= deciding) return PPMLI_FAULT_NO_DECISION;
  for (uint32_t l = 0; l < deciding; l++)
    if (m->layer[m->layer_count - 2 - l].activation != PPML_ACTIVATION_SIGN)
      return PPMLI_FAULT_NO_DECISION;
  return ppmli_model_decided_fault(at, m);
}

/* Has the network its layers, its pooled part, or both, with their arrays?
 *   at  out */
PPMLI_STATIC int ppmli_model_network_fault(ppmli_place *at, const ppml_model *m) {
  int fault = PPMLI_FAULT_NONE;
  at->layer = at->index = 0;
  if (!ppmli_model_is_pooled(m)) fault = ppmli_model_layers_fault(at, m);
  if (fault == PPMLI_FAULT_NONE) fault = ppmli_model_decision_fault(at, m);
  if (fault == PPMLI_FAULT_NONE && ppmli_model_has_latents(m)) fault = ppmli_model_pooled_fault(m);
  if (fault == PPMLI_FAULT_NONE && ppmli_model_has_features(m))
    fault = ppmli_model_gates_fault(at, m);
  return fault;
}

/* Are shapes and arrays those of a network: of layers, or a pooled one?  The spec has a shape. */
PPMLI_STATIC int ppmli_model_has_network(const ppml_model *m) {
  ppmli_place unread;
  return ppmli_model_network_fault(&unread, m) == PPMLI_FAULT_NONE &&
         ppmli_spec_encoder_fault(&unread, &m->spec) == PPMLI_FAULT_NONE;
}

/* Is the set of the kind that carries such networks?  Whether it has room is asked elsewhere. */
PPMLI_STATIC int ppmli_model_suits(const ppml_model *m, const ppml_params *p) {
  if (ppmli_model_is_pooled(m) || ppmli_params_carries_pooled(p))
    return ppmli_model_is_pooled(m) && ppmli_params_carries_pooled(p);
  if (ppmli_model_has_features(m) || ppmli_params_is_bridged(p))
    return ppmli_model_has_features(m) && ppmli_params_is_bridged(p);
  if (ppmli_params_is_keyless(p) && !ppmli_model_is_linear(m)) return 0;
  return ppmli_params_has_products(p) == ppmli_model_is_polynomial(m);
}

/* All of it: shapes, that they are within a reader's limits, and that every number is within its
 * bounds.
 *   at  out: the layer too */
PPMLI_STATIC int ppmli_model_fault(ppmli_place *at, const ppml_model *m,
                                   const ppml_limits *limits) {
  int fault = ppmli_spec_fault(at, &m->spec, limits);
  if (fault == PPMLI_FAULT_NONE) fault = ppmli_model_network_fault(at, m);
  if (fault == PPMLI_FAULT_NONE && ppmli_model_has_latents(m))
    fault = ppmli_model_pooled_number_fault(at, m);
  for (uint32_t l = 0; fault == PPMLI_FAULT_NONE && l < m->layer_count; l++)
    fault = ppmli_model_layer_fault(at, m, l, limits);
  return fault;
}

/* Of whatever size. */
PPMLI_STATIC int ppmli_model_is_valid(const ppml_model *m) {
  const ppml_limits any = {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX};
  ppmli_place unread;
  return ppmli_model_fault(&unread, m, &any) == PPMLI_FAULT_NONE;
}

#endif
