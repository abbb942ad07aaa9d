/* Fitting a feature map to images, without their labels.
 *
 * From the frequencies of some hundred images, as they are and warped as training will warp
 * them: their means, and the triangle L of their correlations, C + ridge = L L^T.  L^-1 makes
 * uncorrelated features of them; each row is then scaled to a deviation of 2.5 steps on the same
 * images, and rounded to weights of 16 bits and a shift.
 *
 * In: images; out: a feature map.  Next: network/features.h. */
#ifndef PPMLI_TRAIN_FEATURES_FIT_H
#define PPMLI_TRAIN_FEATURES_FIT_H

#include <math.h>

#include "../base/arena.h"
#include "../math/cholesky.h"
#include "../math/dct.h"
#include "../network/augment.h"
#include "../network/features.h"
#include "../network/spec.h"
#include "../wire/feature_map_file.h"

#define PPMLI_FIT_COPIES 2   /* of each: as it is, and warped */
#define PPMLI_FIT_RIDGE 0.01 /* added to correlations: what hardly varies is not blown up */

typedef struct ppmli_fit {
  size_t n;          /* frequencies, with the means of the channels */
  double *sum;       /* [n] */
  double *square;    /* [n][n]  sums of products; then correlations; then L */
  double *deviation; /* [n] */
  double *row;       /* [n] */
  int64_t *x;        /* [n] */
  int64_t *sums;     /* [height] */
  uint8_t *pixels, *warped;
} ppmli_fit;

PPMLI_STATIC size_t ppmli_features_fit_scratch(const ppml_spec *spec, size_t count) {
  size_t n = spec->channels + count, inputs = ppmli_spec_inputs(spec);
  return 3 * ppmli_arena_rounded(n * sizeof(double)) + ppmli_arena_rounded(n * n * sizeof(double)) +
         ppmli_arena_rounded(n * sizeof(int64_t)) +
         ppmli_arena_rounded(spec->height * sizeof(int64_t)) + 2 * ppmli_arena_rounded(inputs);
}

PPMLI_STATIC int ppmli_fit_alloc(ppmli_fit *f, const ppml_features *map, ppml_arena *arena) {
  size_t n = ppmli_features_frequencies(map), inputs = ppmli_spec_inputs(&map->spec);
  PPMLI_ALLOC(double, sum, arena, n);
  PPMLI_ALLOC(double, square, arena, n *n);
  PPMLI_ALLOC(double, deviation, arena, n);
  PPMLI_ALLOC(double, row, arena, n);
  PPMLI_ALLOC(int64_t, x, arena, n);
  PPMLI_ALLOC(int64_t, sums, arena, map->spec.height);
  PPMLI_ALLOC(uint8_t, pixels, arena, inputs);
  PPMLI_ALLOC(uint8_t, warped, arena, inputs);
  ppmli_fit made = {n, sum, square, deviation, row, x, sums, pixels, warped};
  *f = made;
  memset(sum, 0, n * sizeof *sum);
  memset(square, 0, n * n * sizeof *square);
  return PPML_OK;
}

/* Adds the frequencies of one image to the sums. */
PPMLI_STATIC void ppmli_fit_add(ppmli_fit *f, const ppml_features *map, const uint8_t *pixels) {
  ppmli_dct_run(f->x, map->dct, map->frequency, f->n, pixels, f->sums);
  for (size_t i = 0; i < f->n; i++) {
    f->sum[i] += (double)f->x[i];
    for (size_t j = 0; j <= i; j++) f->square[i * f->n + j] += (double)f->x[i] * (double)f->x[j];
  }
}

/* Images spread over all there are.  Errors: IO. */
PPMLI_STATIC int ppmli_fit_images(ppmli_fit *f, const ppml_features *map,
                                  const ppml_image_source *source, size_t images, ppml_rng *rng) {
  ppmli_augmentation how = {1, 0};
  ppmli_picture size = ppmli_picture_of(&map->spec);
  for (size_t i = 0; i < images; i++) {
    if (source->read(source->context, i * source->count / images, f->pixels)) return PPML_ERR_IO;
    ppmli_fit_add(f, map, f->pixels);
    ppmli_augment(f->warped, f->pixels, &size, &how, rng);
    ppmli_fit_add(f, map, f->warped);
  }
  return PPML_OK;
}

/* Means to the map; sums of products become correlations of the frequencies behind the means of
 * channels, [count][count], and L in their place.  Errors: RANGE (the images are all alike). */
PPMLI_STATIC int ppmli_fit_correlate(ppmli_fit *f, ppml_features *map, double images) {
  size_t first = map->spec.channels, d = map->count;
  for (size_t i = 0; i < f->n; i++) {
    f->sum[i] /= images;
    map->mean[i] = (int32_t)floor(f->sum[i] + 0.5);
  }
  for (size_t i = 0; i < d; i++) {
    size_t from = (first + i) * f->n + first;
    double variance = f->square[from + i] / images - f->sum[first + i] * f->sum[first + i];
    if (!(variance > 1)) return PPML_ERR_RANGE;
    f->deviation[i] = sqrt(variance);
    for (size_t j = 0; j <= i; j++) {
      double product = f->square[from + j] / images - f->sum[first + i] * f->sum[first + j];
      f->square[i * d + j] = product / (f->deviation[i] * f->deviation[j]);
    }
    f->square[i * d + i] += PPMLI_FIT_RIDGE;
  }
  return ppmli_cholesky(f->square, d) ? PPML_OK : PPML_ERR_RANGE;
}

/* Row i of L^-1: from L row_i = unit vector i by columns. */
PPMLI_STATIC void ppmli_fit_inverse_row(double *row, const double *l, size_t i, size_t d) {
  memset(row, 0, (i + 1) * sizeof *row);
  row[i] = 1 / l[i * d + i];
  for (size_t j = i; j--;) {
    double sum = 0;
    for (size_t k = j + 1; k <= i; k++) sum += row[k] * l[k * d + j];
    row[j] = -sum / l[j * d + j];
  }
}

/* Variance of a feature: 1 less what the ridge adds to it. */
PPMLI_STATIC double ppmli_fit_variance(const double *row, size_t i) {
  double ridge = 0;
  for (size_t j = 0; j <= i; j++) ridge += row[j] * row[j];
  return 1 - PPMLI_FIT_RIDGE * ridge;
}

/* Weights of feature i as integers.
 *   weight  [i + 1]  out */
PPMLI_STATIC void ppmli_fit_round(int16_t *weight, uint8_t *shift, const ppmli_fit *f, size_t i) {
  double variance = ppmli_fit_variance(f->row, i), largest = 0;
  double scale = PPMLI_FEATURE_DEVIATION / sqrt(variance > 0.01 ? variance : 0.01);
  for (size_t j = 0; j <= i; j++) {
    f->row[j] *= scale / f->deviation[j];
    if (fabs(f->row[j]) > largest) largest = fabs(f->row[j]);
  }
  int bits = 0; /* so that the largest weight has 15 bits */
  while (bits < PPMLI_FEATURE_SHIFT_MAX && ldexp(largest, bits + 1) < 32767) bits++;
  *shift = (uint8_t)bits;
  for (size_t j = 0; j <= i; j++) weight[j] = (int16_t)floor(ldexp(f->row[j], bits) + 0.5);
}

/* Fits a map to images.
 *   map     out, in arena; in: spec, count and batch
 *   images  how many are looked at, at most all
 *   rng     of the warps
 * Memory: ppmli_features_bytes, and ppmli_features_fit_scratch, which is given back.
 * Errors: ARG (no image), RANGE (a shape that cannot be, images all alike), IO, NOMEM. */
PPMLI_STATIC int ppmli_features_fit(ppml_features *map, const ppml_image_source *source,
                                    size_t images, ppml_rng *rng, ppml_arena *arena) {
  ppml_limits limits = {UINT64_MAX, 1 << 16, 1 << 16, 1 << 16, UINT64_MAX};
  ppmli_fit f;
  images = ppmli_min_size(images, source->count);
  if (images == 0) return PPML_ERR_ARG;
  if (!ppmli_features_shape_is_valid(map, &limits)) return PPML_ERR_RANGE;
  PPMLI_TRY(ppmli_features_init(map, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_fit_alloc(&f, map, arena));
  PPMLI_TRY(ppmli_fit_images(&f, map, source, images, rng));
  PPMLI_TRY(ppmli_fit_correlate(&f, map, (double)(PPMLI_FIT_COPIES * images)));
  int16_t *weight = map->weight;
  for (size_t i = 0; i < map->count; weight += ++i) {
    ppmli_fit_inverse_row(f.row, f.square, i, map->count);
    ppmli_fit_round(weight, &map->shift[i], &f, i);
  }
  ppmli_features_set_id(map);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
