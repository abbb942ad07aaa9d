/* The feature map: what of an image is learnt from, in small integers.
 *
 * A feature is a sum of low frequencies of the image (dct.h), less their mean, by weights that
 * make the features of typical images uncorrelated, with a deviation of 2.5 steps ("whitened");
 * rounded to a whole number from -7 to 7.  A constant feature comes last, beside which the model
 * needs no bias.  The map is public: client and server have it, and whoever reads it learns the
 * mean and the covariance of the frequencies of the images that it was fitted on, of no single
 * image.  Everything here is integers: the same image has the same features on every machine.
 *
 * In: pixels and a map; out: features.  Next: schedule.h; client/training_write.h. */
#ifndef PPMLI_NETWORK_FEATURES_H
#define PPMLI_NETWORK_FEATURES_H

#include "../base/arena.h"
#include "../math/dct.h"
#include "clear.h"
#include "spec.h"

#define PPMLI_FEATURES_VERSION 1
#define PPMLI_FEATURE_MOST 7        /* a feature's largest magnitude */
#define PPMLI_FEATURE_DEVIATION 2.5 /* of a feature, in its steps */
#define PPMLI_FEATURE_ONE 2         /* the constant feature */
#define PPMLI_FEATURE_BATCH 256     /* rows of a step of descent, where nothing else is said */
#define PPMLI_FEATURE_SHIFT_MAX 60

/* Frequencies of a map, with the means of the channels. */
PPMLI_INLINE size_t ppmli_features_frequencies(const ppml_features *map) {
  return map->spec.channels + map->count;
}

PPMLI_INLINE size_t ppmli_features_weights(size_t count) {
  return count * (count + 1) / 2;
}

PPMLI_STATIC size_t ppmli_features_bytes(const ppml_spec *spec, size_t count) {
  size_t frequencies = spec->channels + count;
  return ppmli_arena_rounded(frequencies * sizeof(ppmli_frequency)) +
         ppmli_arena_rounded(frequencies * sizeof(int32_t)) + ppmli_arena_rounded(count) +
         ppmli_arena_rounded(ppmli_features_weights(count) * sizeof(int16_t)) +
         ppmli_arena_rounded(sizeof(ppmli_dct)) + ppmli_dct_bytes(spec->width, spec->height);
}

/* Memory of a map, and its frequencies; map->spec, count and batch are set.
 * Memory: ppmli_features_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_features_init(ppml_features *map, ppml_arena *arena) {
  const ppml_spec *s = &map->spec;
  PPMLI_ALLOC(ppmli_frequency, frequency, arena, ppmli_features_frequencies(map));
  PPMLI_ALLOC(int32_t, mean, arena, ppmli_features_frequencies(map));
  PPMLI_ALLOC(uint8_t, shift, arena, map->count);
  PPMLI_ALLOC(int16_t, weight, arena, ppmli_features_weights(map->count));
  PPMLI_ALLOC(ppmli_dct, dct, arena, 1);
  for (uint32_t c = 0; c < s->channels; c++) {
    ppmli_frequency channel_mean = {0, 0, (uint8_t)c};
    frequency[c] = channel_mean;
  }
  ppmli_dct_lowest(frequency + s->channels, map->count, s->width, s->height, s->channels);
  map->frequency = frequency;
  map->mean = mean;
  map->shift = shift;
  map->weight = weight;
  map->dct = dct;
  return ppmli_dct_init(map->dct, s->width, s->height, s->channels, arena);
}

/* What a map may be: of pixels; as many features as the image has frequencies, a batch that a block of 256
 * rows and more is a multiple of. */
PPMLI_STATIC int ppmli_features_shape_is_valid(const ppml_features *map,
                                               const ppml_limits *limits) {
  const ppml_spec *s = &map->spec;
  if (!ppmli_spec_is_valid(s, limits) || s->encoder.kind != PPML_ENCODER_NONE) return 0;
  if (map->count < 1 || map->count > PPML_FEATURES_MAX) return 0;
  if (map->count > ppmli_dct_frequencies(s->width, s->height, s->channels)) return 0;
  return map->batch >= 8 && map->batch <= PPMLI_FEATURE_BATCH &&
         (map->batch & (map->batch - 1)) == 0;
}

/* ---------------------------------------------------------------- apply */

PPMLI_INLINE size_t ppmli_features_run_scratch(const ppml_features *map) {
  return ppmli_arena_rounded(ppmli_features_frequencies(map) * sizeof(int64_t)) +
         ppmli_arena_rounded(map->spec.height * sizeof(int64_t));
}

/* round(x / 2^shift), up to +-7. */
PPMLI_INLINE int8_t ppmli_feature_round(int64_t x, uint32_t shift) {
  int64_t rounded = ppmli_floor_shift(x + ((int64_t)1 << shift >> 1), shift);
  return (int8_t)ppmli_quant_clamp(rounded, PPMLI_FEATURE_MOST);
}

/* Features of an image.
 *   out     [count + 1]  the constant one last
 *   pixels  [height][width][channels]
 * Scratch: ppmli_features_run_scratch(map) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_features_run(int8_t *out, const ppml_features *map, const uint8_t *pixels,
                                    ppml_arena *arena) {
  size_t mark = arena->used_bytes, channels = map->spec.channels;
  const int16_t *weight = map->weight;
  PPMLI_ALLOC(int64_t, x, arena, ppmli_features_frequencies(map));
  PPMLI_ALLOC(int64_t, sums, arena, map->spec.height);
  ppmli_dct_run(x, map->dct, map->frequency + channels, map->count, pixels, sums);
  for (uint32_t i = 0; i < map->count; i++) x[i] -= map->mean[channels + i];
  for (uint32_t i = 0; i < map->count; weight += ++i) {
    int64_t sum = 0;
    for (uint32_t j = 0; j <= i; j++) sum += weight[j] * x[j];
    out[i] = ppmli_feature_round(sum, map->shift[i]);
  }
  out[map->count] = PPMLI_FEATURE_ONE;
  arena->used_bytes = mark;
  return PPML_OK;
}

/* What an image's label is to output c: 1, or -1.
 *   labels  of the image, [ppmli_spec_answer_bytes()] */
PPMLI_STATIC int8_t ppmli_features_label(const ppml_spec *spec, const uint8_t *labels, uint32_t c) {
  if (spec->task == PPML_TASK_LABELS) return labels[c] ? 1 : -1;
  if (spec->task == PPML_TASK_GRADE) return labels[0] > c ? 1 : -1;
  if (spec->outputs == 1) return labels[0] == 1 ? 1 : -1;
  return labels[0] == c ? 1 : -1;
}

#endif
