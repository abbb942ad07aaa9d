/* From weights of features to an ordinary model without hidden layers, on pixels.
 *
 * Feature map and model are both linear, so together they are one weight for each pixel.  These
 * are rounded to 8 bits, each output with a step of its own where outputs are not compared.  The
 * bias is fitted after that: it makes the mean image of the map's frequencies score what it did
 * before rounding.  The features' own rounding and clipping to +-7 is left out, which is what they
 * stand for.  Peaks, the largest scores to be expected, and the margin that one image in twenty is
 * within follow from the features' deviation, as if scores were normal numbers.
 *
 * In: weights of features and the map; out: a model.  Next: statistics.h. */
#ifndef PPMLI_TRAIN_LINEAR_FOLD_H
#define PPMLI_TRAIN_LINEAR_FOLD_H

#include <math.h>

#include "../base/arena.h"
#include "../math/dct.h"
#include "../network/features.h"
#include "../network/linear_set.h"
#include "../network/spec.h"

#define PPMLI_FOLD_PEAK 5.0      /* deviations of a score that are its peak */
#define PPMLI_FOLD_MARGIN 0.0627 /* deviations of a normal number, which 5 % are within */
#define PPMLI_FOLD_LOGIT 0.25 /* a score that is so much larger is one logit surer, of labels +-1 */

typedef struct ppmli_linear_fold {
  const ppml_features *map;
  double *frequency; /* [channels + count]  weight of each, in pixels' units */
  double *pixel;     /* [inputs] */
} ppmli_linear_fold;

/* The arrays that stay with the model. */
PPMLI_STATIC size_t ppmli_linear_fold_model_bytes(const ppml_spec *spec) {
  return ppmli_arena_rounded(ppmli_spec_inputs(spec) * spec->outputs) +
         2 * ppmli_arena_rounded(spec->outputs * sizeof(int32_t));
}

PPMLI_STATIC size_t ppmli_linear_fold_bytes(const ppml_features *map) {
  return ppmli_linear_fold_model_bytes(&map->spec) +
         ppmli_arena_rounded(ppmli_features_frequencies(map) * sizeof(double)) +
         ppmli_arena_rounded(ppmli_spec_inputs(&map->spec) * sizeof(double));
}

/* Weights of frequencies from those of features.
 *   w  [count + 1]  of one output */
PPMLI_STATIC void ppmli_linear_fold_frequencies(ppmli_linear_fold *f, const double *w) {
  const ppml_features *map = f->map;
  const int16_t *weight = map->weight;
  memset(f->frequency, 0, ppmli_features_frequencies(map) * sizeof *f->frequency);
  for (uint32_t i = 0; i < map->count; weight += ++i)
    for (uint32_t j = 0; j <= i; j++)
      f->frequency[map->spec.channels + j] += w[i] * ldexp(weight[j], -(int)map->shift[i]);
}

/* Weights of pixels from those of frequencies. */
PPMLI_STATIC void ppmli_linear_fold_pixels(ppmli_linear_fold *f) {
  const ppmli_dct *dct = f->map->dct;
  size_t channels = dct->channels;
  memset(f->pixel, 0, ppmli_spec_inputs(&f->map->spec) * sizeof *f->pixel);
  for (size_t i = channels; i < ppmli_features_frequencies(f->map); i++) {
    ppmli_frequency at = f->map->frequency[i];
    double scale = ldexp(f->frequency[i], -PPMLI_DCT_SHIFT);
    for (uint32_t y = 0; y < dct->height; y++)
      for (uint32_t x = 0; x < dct->width; x++)
        f->pixel[((size_t)y * dct->width + x) * channels + at.channel] +=
            scale * dct->x[at.u * dct->width + x] * dct->y[at.v * dct->height + y];
  }
}

PPMLI_STATIC double ppmli_linear_fold_largest(const ppmli_linear_fold *f) {
  double largest = 0;
  for (size_t i = 0; i < ppmli_spec_inputs(&f->map->spec); i++)
    if (fabs(f->pixel[i]) > largest) largest = fabs(f->pixel[i]);
  return largest;
}

/* The frequencies of the integer weights at the map's mean: what the mean image scores. */
PPMLI_STATIC double ppmli_linear_fold_mean_score(const ppmli_linear_fold *f, const int8_t *weight) {
  const ppmli_dct *dct = f->map->dct;
  double score = 0;
  for (size_t i = 0; i < ppmli_features_frequencies(f->map); i++) {
    ppmli_frequency at = f->map->frequency[i];
    double product = 0; /* of the weights with this frequency; its square norm is size / 4, 2, 1 */
    double norm = (double)dct->width * dct->height / ((at.u ? 2 : 1) * (at.v ? 2 : 1));
    for (uint32_t y = 0; y < dct->height; y++)
      for (uint32_t x = 0; x < dct->width; x++)
        product += weight[((size_t)y * dct->width + x) * dct->channels + at.channel] *
                   ldexp((double)dct->x[at.u * dct->width + x] * dct->y[at.v * dct->height + y],
                         -2 * PPMLI_DCT_COSINE_BITS);
    score += product / norm * ldexp(f->map->mean[i], PPMLI_DCT_SHIFT - 2 * PPMLI_DCT_COSINE_BITS);
  }
  return score;
}

/* The deviation of a score of images like those of the map, in the units of the model. */
PPMLI_STATIC double ppmli_linear_fold_spread(const double *w, size_t features, double scale) {
  double squares = 0;
  for (size_t i = 0; i < features; i++) squares += w[i] * w[i];
  return PPMLI_FEATURE_DEVIATION * sqrt(squares) * scale;
}

/* Integers of one output, with a pixel's weight of 1 as `scale`.
 *   w            [count + 1]
 *   weight       [inputs]  out;  bias, peak  out
 * Errors: ARG (they have no room in an accumulator). */
PPMLI_STATIC int ppmli_linear_fold_round(const ppmli_linear_fold *f, const double *w, double scale,
                                         int8_t *weight, int32_t *bias, int32_t *peak) {
  const int32_t most = 127;
  size_t features = f->map->count;
  for (size_t i = 0; i < ppmli_spec_inputs(&f->map->spec); i++) {
    double k = floor(f->pixel[i] * scale + 0.5);
    weight[i] = (int8_t)(k > most ? most : k < -most ? -most : k);
  }
  /* the features of the mean image are 0, so its score is the constant's weight */
  double mean = w[features] * PPMLI_FEATURE_ONE * scale;
  double shift = floor(mean - ppmli_linear_fold_mean_score(f, weight) + 0.5);
  double largest =
      ceil(PPMLI_FOLD_PEAK * ppmli_linear_fold_spread(w, features, scale) + fabs(mean)) + 1;
  if (!(fabs(shift) < PPMLI_ACCUMULATOR_MAX) || !(largest < PPMLI_ACCUMULATOR_MAX))
    return PPML_ERR_ARG;
  *bias = (int32_t)shift;
  *peak = (int32_t)largest;
  return PPML_OK;
}

/* Largest scale that lets the pixels' weights have 8 bits, over all outputs. */
PPMLI_STATIC double ppmli_linear_fold_scale(ppmli_linear_fold *f, const double *w) {
  double largest = 1e-300;
  for (uint32_t c = 0; c < f->map->spec.outputs; c++) {
    ppmli_linear_fold_frequencies(f, w + (size_t)c * (f->map->count + 1));
    ppmli_linear_fold_pixels(f);
    double one = ppmli_linear_fold_largest(f);
    if (one > largest) largest = one;
  }
  return 127 / largest;
}

PPMLI_STATIC void ppmli_linear_fold_shape(ppml_model *m, const ppml_features *map, double scale) {
  double unit = PPMLI_FOLD_LOGIT * scale;
  memset(m, 0, sizeof *m);
  m->spec = map->spec;
  m->spec.input_bits = 8;
  m->spec.score_unit = unit < 1 ? 1 : unit > (1 << 30) ? 1u << 30 : (uint32_t)unit;
  memset(m->spec.threshold, 0, sizeof m->spec.threshold);
  m->layer_count = 1;
  m->layer[0].inputs = (uint32_t)ppmli_spec_inputs(&map->spec);
  m->layer[0].outputs = map->spec.outputs;
  m->layer[0].activation = PPML_ACTIVATION_NONE;
  m->layer[0].weight_bits = PPMLI_LINEAR_WEIGHT_BITS;
}

/* The margin that 5 % of images are within: of the output that varies least. */
PPMLI_STATIC uint32_t ppmli_linear_fold_margin(const ppml_features *map, const double *w,
                                               double scale) {
  double least = PPMLI_ACCUMULATOR_MAX;
  for (uint32_t c = 0; c < map->spec.outputs; c++, w += map->count + 1) {
    double spread = ppmli_linear_fold_spread(w, map->count, scale);
    if (spread < least) least = spread;
  }
  return (uint32_t)(PPMLI_FOLD_MARGIN * least);
}

/* The model.  Scores of all outputs have one scale, so that they can be compared.
 *   m  out, but for the id; its arrays are in arena
 *   w  [outputs][count + 1]
 * Memory: ppmli_linear_fold_bytes, of which scratch is given back.
 * Errors: ARG (weights that are not finite, or no model has), NOMEM. */
PPMLI_STATIC int ppmli_linear_fold_run(ppml_model *m, const ppml_features *map, const double *w,
                                       ppml_arena *arena) {
  size_t inputs = ppmli_spec_inputs(&map->spec), outputs = map->spec.outputs;
  PPMLI_ALLOC(int8_t, weight, arena, inputs * outputs);
  PPMLI_ALLOC(int32_t, bias, arena, outputs);
  PPMLI_ALLOC(int32_t, peak, arena, outputs);
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(double, frequency, arena, ppmli_features_frequencies(map));
  PPMLI_ALLOC(double, pixel, arena, inputs);
  ppmli_linear_fold f = {map, frequency, pixel};
  for (size_t i = 0; i < outputs * (map->count + 1); i++)
    if (!(fabs(w[i]) < 1e30)) return PPML_ERR_ARG;
  double scale = ppmli_linear_fold_scale(&f, w);
  ppmli_linear_fold_shape(m, map, scale);
  m->margin_p05 = ppmli_linear_fold_margin(map, w, scale);
  for (uint32_t c = 0; c < outputs; c++, w += map->count + 1) {
    ppmli_linear_fold_frequencies(&f, w);
    ppmli_linear_fold_pixels(&f);
    PPMLI_TRY(ppmli_linear_fold_round(&f, w, scale, weight + c * inputs, &bias[c], &peak[c]));
  }
  m->layer[0].weight = weight;
  m->layer[0].bias = bias;
  m->layer[0].peak = peak;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
