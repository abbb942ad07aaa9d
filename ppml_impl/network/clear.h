/* The network in the clear, integer by integer: pixels in, scores out.  It is the definition that
 * encrypted inference is compared with.  In: a model and pixels; out: scores.  Next: room.h; labels.h. */
#ifndef PPMLI_NETWORK_CLEAR_H
#define PPMLI_NETWORK_CLEAR_H

#include "../base/arena.h"
#include "gates.h"
#include "model.h"
#include "pooled.h"
#include "pooled_model.h"
#include "spec.h"

/* round(numerator / denominator), halves away from zero; denominator > 0. */
PPMLI_INLINE int32_t ppmli_quant_divide(int64_t numerator, int64_t denominator) {
  int64_t twice = 2 * numerator;
  return (int32_t)((twice + (numerator < 0 ? -denominator : denominator)) / (2 * denominator));
}

/* The same for any numerator and denominator that fit. */
PPMLI_INLINE int64_t ppmli_quant_nearest(int64_t numerator, int64_t denominator) {
  int64_t down = numerator / denominator, rest = numerator % denominator;
  if (rest > 0 && rest >= denominator - rest) return down + 1;
  if (rest < 0 && -rest >= denominator + rest) return down - 1;
  return down;
}

PPMLI_INLINE int64_t ppmli_quant_clamp(int64_t z, int64_t bound) {
  return z < -bound ? -bound : z > bound ? bound : z;
}

/* The activation of one neuron.
 *   z      accumulator
 *   range  > 0, where it saturates
 *   table  [PPML_TABLE_SIZE], TABLE only
 * Returns an integer in [-127, 127]. */
PPMLI_STATIC int32_t ppmli_quant_activation(uint32_t activation, int64_t z, int32_t range,
                                            const int8_t *table) {
  int64_t clamped = ppmli_quant_clamp(z, range);
  switch (activation) {
  case PPML_ACTIVATION_SIGN:
    return z >= 0 ? PPML_ACTIVATION_MAX : -PPML_ACTIVATION_MAX;
  case PPML_ACTIVATION_RELU:
    return ppmli_quant_divide(PPML_ACTIVATION_MAX * clamped, range);
  case PPML_ACTIVATION_CLIPPED_SQUARE: {
    double u = (double)clamped / (double)range; /* exact enough: |u| <= 1, 2^-53 */
    return (int32_t)(2 * PPML_ACTIVATION_MAX * u * u + 0.5) - PPML_ACTIVATION_MAX;
  }
  default: { /* TABLE */
    int64_t index = (clamped + range) * (PPML_TABLE_SIZE / 2) / range;
    return table[index < PPML_TABLE_SIZE ? index : PPML_TABLE_SIZE - 1];
  }
  }
}

/* Accumulators of a dense layer.
 *   z [outputs]  out
 *   x [inputs]   pixels or activations */
PPMLI_STATIC void ppmli_quant_dense(int32_t *z, const ppml_layer *layer, const int32_t *x) {
  for (uint32_t j = 0; j < layer->outputs; j++) {
    const int8_t *w = layer->weight + (size_t)j * layer->inputs;
    int32_t sum = layer->bias[j];
    for (uint32_t i = 0; i < layer->inputs; i++) sum += w[i] * x[i];
    z[j] = sum;
  }
}

/* ----------------------------------------------------------- polynomials */

#define PPMLI_QUANT_SCORE_MAX INT32_MAX /* of a score behind polynomials, either way */

/* a_j of neuron j.  In 64 bits, which a valid model does not exceed (model.h). */
PPMLI_INLINE int64_t ppmli_quant_polynomial(const ppml_layer *hidden, uint32_t j, int64_t z) {
  return z * (hidden->square[j] * z + hidden->linear[j]);
}

/* Scores behind a layer of polynomials.
 *   scores [last->outputs]  out; clamped to SCORE_MAX
 *   z      [hidden->outputs] the hidden layer's accumulators */
PPMLI_STATIC void ppmli_quant_polynomial_scores(int32_t *scores, const ppml_layer *last,
                                                const ppml_layer *hidden, const int32_t *z) {
  for (uint32_t c = 0; c < last->outputs; c++) {
    const int8_t *w = last->weight + (size_t)c * last->inputs;
    int64_t sum = last->bias[c];
    for (uint32_t j = 0; j < last->inputs; j++)
      sum += w[j] * ppmli_quant_polynomial(hidden, j, z[j]);
    scores[c] = (int32_t)ppmli_quant_clamp(sum, PPMLI_QUANT_SCORE_MAX);
  }
}

/* ---------------------------------------------------------------- network */

/* Values of the widest layer, inputs included: the size of a row of activations. */
PPMLI_STATIC size_t ppmli_quant_width(const ppml_model *model) {
  size_t width = ppmli_model_has_features(model) ? 1 : ppmli_spec_inputs(&model->spec);
  for (uint32_t l = 0; l < model->layer_count; l++)
    width = ppmli_max_size(width, model->layer[l].outputs);
  return width;
}

PPMLI_STATIC size_t ppmli_quant_forward_scratch(const ppml_model *model) {
  size_t rows = 2 * ppmli_arena_rounded(ppmli_quant_width(model) * sizeof(int32_t));
  if (ppmli_model_is_pooled(model)) return ppmli_model_pooled_scores_scratch(model);
  if (ppmli_model_has_features(model)) rows += ppmli_model_pooled_scores_scratch(model);
  return rows;
}

/* Called with the accumulators of a layer before its activation, to watch them or to
 * disturb them as encryption would.  Of the last layer they are the scores. */
typedef struct ppmli_quant_hook {
  void (*accumulators)(void *context, uint32_t layer, int32_t *z);
  void *context;
} ppmli_quant_hook;

/* What the next layer takes of an accumulator: the activation, or z itself where that is a
 * polynomial, which may not fit. */
PPMLI_INLINE int32_t ppmli_quant_next(const ppml_layer *layer, uint32_t j, int32_t z) {
  if (!ppmli_layer_is_clipped(layer)) return z;
  return ppmli_quant_activation(layer->activation, z, layer->range[j], layer->table);
}

/* Scores of a pooled network, clamped to SCORE_MAX. */
PPMLI_STATIC int ppmli_quant_pooled(int32_t *scores, const ppml_model *model, const uint8_t *image,
                                    ppml_arena *arena) {
  int64_t sum[PPML_CLASSES_MAX];
  PPMLI_TRY(ppmli_model_pooled_scores(sum, model, image, arena));
  for (uint32_t c = 0; c < model->spec.outputs; c++)
    scores[c] = (int32_t)ppmli_quant_clamp(sum[c], PPMLI_QUANT_SCORE_MAX);
  return PPML_OK;
}

/* Accumulators of a layer, from activations before it or from features.
 *   z  [outputs]  out */
PPMLI_STATIC void ppmli_quant_accumulate(int32_t *z, const ppml_model *model, uint32_t l,
                                         const int32_t *x, const int64_t *feature) {
  const ppml_layer *layer = &model->layer[l];
  if (ppmli_model_sums_polynomials(model, l)) {
    ppmli_quant_polynomial_scores(z, layer, layer - 1, x);
    return;
  }
  ppmli_quant_dense(z, layer, x);
  for (uint32_t j = 0; l == 0 && feature && j < layer->outputs; j++)
    z[j] = (int32_t)ppmli_quant_clamp(z[j] + feature[j], PPMLI_ACCUMULATOR_MAX);
}

/* Layer after layer.
 *   x        [width]  in: pixels; scratch
 *   z        [width]  out: the scores
 *   feature  [ppmli_model_pooled_outputs], or NULL where layers are behind pixels */
PPMLI_STATIC void ppmli_quant_layers(int32_t *z, int32_t *x, const ppml_model *model,
                                     const int64_t *feature, const ppmli_quant_hook *hook) {
  for (uint32_t l = 0; l < model->layer_count; l++) {
    const ppml_layer *layer = &model->layer[l];
    ppmli_quant_accumulate(z, model, l, x, feature);
    if (hook) hook->accumulators(hook->context, l, z);
    if (layer->activation == PPML_ACTIVATION_NONE) return;
    for (uint32_t j = 0; j < layer->outputs; j++) x[j] = ppmli_quant_next(layer, j, z[j]);
    if (ppmli_model_gates(model, l)) ppmli_gates_apply(x, model, feature);
  }
}

/* Scores of one image in the clear.
 *   scores [spec.outputs]  out
 *   pixels [ppmli_spec_image_bytes()]
 *   hook                   or NULL; a pooled network calls none
 * Scratch: ppmli_quant_forward_scratch(model) bytes.  Errors: NOMEM; RANGE for a latent that is
 * not finite. */
PPMLI_STATIC int ppmli_quant_forward(int32_t *scores, const ppml_model *model,
                                     const uint8_t *pixels, const ppmli_quant_hook *hook,
                                     ppml_arena *arena) {
  size_t mark = arena->used_bytes, width = ppmli_quant_width(model);
  int64_t feature[PPMLI_POOLED_OUTPUTS_MAX];
  int has_features = ppmli_model_has_features(model);
  if (ppmli_model_is_pooled(model)) return ppmli_quant_pooled(scores, model, pixels, arena);
  PPMLI_ALLOC(int32_t, x, arena, width);
  PPMLI_ALLOC(int32_t, z, arena, width);
  if (has_features) PPMLI_TRY(ppmli_model_pooled_scores(feature, model, pixels, arena));
  for (size_t i = 0; !has_features && i < ppmli_spec_inputs(&model->spec); i++)
    x[i] = ppmli_quant_pixel(pixels[i], model->spec.input_bits);
  ppmli_quant_layers(z, x, model, has_features ? feature : NULL, hook);
  memcpy(scores, z, model->spec.outputs * sizeof *scores);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* How many scores are above their thresholds. */
PPMLI_STATIC uint8_t ppmli_spec_above(const ppml_spec *spec, const int32_t *scores) {
  uint32_t above = 0;
  for (uint32_t c = 0; c < spec->outputs; c++) above += scores[c] > spec->threshold[c];
  return (uint8_t)above;
}

#endif
