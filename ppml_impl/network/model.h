/* A network in integers: what its layers are, the bounds that its numbers keep, and whether a
 * ppml_model that came from outside keeps them.  clear.h computes it, room.h finds it room on the
 * torus. */
#ifndef PPMLI_NETWORK_MODEL_H
#define PPMLI_NETWORK_MODEL_H

#include <math.h>

#include "../math/params.h"
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

/* Is layer l the scores behind polynomials?  These have peaks. */
PPMLI_INLINE int ppmli_model_has_score_peaks(const ppml_model *m, uint32_t l) {
  return l == 1 && ppmli_model_is_polynomial(m);
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

/* Every weight within weight_bits. */
PPMLI_STATIC int ppmli_layer_has_valid_weights(const ppml_layer *layer) {
  if (layer->weight_bits < 2 || layer->weight_bits > 8) return 0;
  int32_t most = (1 << (layer->weight_bits - 1)) - 1;
  for (size_t i = 0; i < (size_t)layer->inputs * layer->outputs; i++)
    if (layer->weight[i] > most || layer->weight[i] < -most) return 0;
  return 1;
}

/* Weights and accumulators within their bounds, ranges and peaks in order, activations in
 * theirs. */
PPMLI_STATIC int ppmli_layer_is_valid(const ppml_layer *layer, int32_t input_max) {
  if (!ppmli_layer_has_valid_weights(layer)) return 0;
  if (layer->activation > PPML_ACTIVATION_POLYNOMIAL) return 0;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    if (ppmli_layer_bound(layer, j, input_max) > PPMLI_ACCUMULATOR_MAX) return 0;
    if (!ppmli_layer_is_clipped(layer)) continue;
    if (layer->range[j] < 1 || layer->peak[j] < layer->range[j]) return 0;
    if (layer->peak[j] > PPMLI_ACCUMULATOR_MAX) return 0;
  }
  for (int i = 0; layer->activation == PPML_ACTIVATION_TABLE && i < PPML_TABLE_SIZE; i++)
    if (layer->table[i] < -PPML_ACTIVATION_MAX) return 0;
  return 1;
}

PPMLI_STATIC int ppmli_layer_has_valid_polynomials(const ppml_layer *layer) {
  for (uint32_t j = 0; j < layer->outputs; j++) {
    if (layer->square[j] > PPMLI_SQUARE_MAX || layer->square[j] < -PPMLI_SQUARE_MAX) return 0;
    if (layer->linear[j] > PPMLI_LINEAR_MAX || layer->linear[j] < -PPMLI_LINEAR_MAX) return 0;
  }
  return 1;
}

/* Do 64 bits hold every sum of polynomials, whatever the input? */
PPMLI_STATIC int ppmli_model_has_bounded_polynomials(const ppml_model *m) {
  const ppml_layer *hidden = &m->layer[0];
  double largest = 0;
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    double z = (double)ppmli_layer_bound(hidden, j, ppmli_layer_input_max(m, 0));
    largest += z * (z * fabs((double)hidden->square[j]) + fabs((double)hidden->linear[j]));
  }
  return largest * (1 << (m->layer[1].weight_bits - 1)) <= ldexp(1, PPMLI_SCORE_SUM_LOG2);
}

/* Scores behind polynomials: what any input can lead to is far above what happens, so it is
 * not held against them. */
PPMLI_STATIC int ppmli_layer_has_valid_score_peaks(const ppml_layer *layer) {
  if (!ppmli_layer_has_valid_weights(layer)) return 0;
  for (uint32_t c = 0; c < layer->outputs; c++) {
    if (layer->bias[c] > PPMLI_ACCUMULATOR_MAX || layer->bias[c] < -PPMLI_ACCUMULATOR_MAX) return 0;
    if (layer->peak[c] < 1 || layer->peak[c] > PPMLI_ACCUMULATOR_MAX) return 0;
  }
  return 1;
}

PPMLI_STATIC int ppmli_model_has_valid_layer(const ppml_model *m, uint32_t l) {
  const ppml_layer *layer = &m->layer[l];
  if (ppmli_model_has_score_peaks(m, l))
    return ppmli_layer_has_valid_score_peaks(layer) && ppmli_model_has_bounded_polynomials(m);
  if (!ppmli_layer_is_valid(layer, ppmli_layer_input_max(m, l))) return 0;
  if (layer->activation != PPML_ACTIVATION_POLYNOMIAL) return 1;
  return ppmli_model_is_polynomial(m) && ppmli_layer_has_valid_polynomials(layer);
}

/* Are the arrays there that layer l has? */
PPMLI_STATIC int ppmli_model_has_arrays(const ppml_model *m, uint32_t l) {
  const ppml_layer *layer = &m->layer[l];
  int is_clipped = ppmli_layer_is_clipped(layer);
  if (layer->weight == NULL || layer->bias == NULL) return 0;
  if (is_clipped && layer->range == NULL) return 0;
  if ((is_clipped || ppmli_model_has_score_peaks(m, l)) && layer->peak == NULL) return 0;
  if (layer->activation == PPML_ACTIVATION_TABLE && layer->table == NULL) return 0;
  if (layer->activation == PPML_ACTIVATION_POLYNOMIAL && (!layer->square || !layer->linear))
    return 0;
  for (uint32_t j = 0; is_clipped && j < layer->outputs; j++)
    if (layer->range[j] < 1) return 0; /* what accumulators are divided by */
  return 1;
}

/* Do the layers fit one another, and the spec, and have their arrays?  They take pixels. */
PPMLI_STATIC int ppmli_model_has_layers(const ppml_model *m) {
  size_t inputs = ppmli_spec_inputs(&m->spec);
  if (m->layer_count < 1 || m->layer_count > PPML_LAYERS_MAX) return 0;
  if (m->spec.encoder.kind != PPML_ENCODER_NONE) return 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    const ppml_layer *layer = &m->layer[l];
    int is_last = l + 1 == m->layer_count;
    if (layer->inputs != inputs || layer->outputs < 1) return 0;
    if (layer->activation > PPML_ACTIVATION_POLYNOMIAL) return 0;
    if (is_last != (layer->activation == PPML_ACTIVATION_NONE)) return 0;
    if (layer->activation == PPML_ACTIVATION_POLYNOMIAL && !ppmli_model_is_polynomial(m)) return 0;
    if (!ppmli_model_has_arrays(m, l)) return 0;
    inputs = layer->outputs;
  }
  return inputs == m->spec.outputs;
}

/* Are shapes and arrays those of a network: of layers, or a pooled one?  The spec has a valid
 * shape. */
PPMLI_STATIC int ppmli_model_has_network(const ppml_model *m) {
  if (!ppmli_model_is_pooled(m)) return ppmli_model_has_layers(m);
  return ppmli_model_has_pooled_shape(m) && ppmli_model_has_pooled_arrays(m);
}

/* Is the set of the kind that carries such networks?  Whether it has room is asked elsewhere. */
PPMLI_STATIC int ppmli_model_suits(const ppml_model *m, const ppml_params *p) {
  if (ppmli_model_is_pooled(m) || ppmli_params_has_latents(p))
    return ppmli_model_is_pooled(m) && ppmli_params_has_latents(p);
  return ppmli_params_has_products(p) == ppmli_model_is_polynomial(m);
}

/* All of it: shapes, and that every number is within its bounds. */
PPMLI_STATIC int ppmli_model_is_valid(const ppml_model *m) {
  const ppml_limits any = {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX};
  if (!ppmli_spec_is_valid(&m->spec, &any) || !ppmli_model_has_network(m)) return 0;
  if (ppmli_model_is_pooled(m)) {
    ppmli_pooled net = ppmli_model_pooled(m);
    return ppmli_pooled_is_valid(&net);
  }
  for (uint32_t l = 0; l < m->layer_count; l++)
    if (!ppmli_model_has_valid_layer(m, l)) return 0;
  return 1;
}

#endif
