/* An encoder learnt from pictures: the principal components of their patches, the few
 * directions that a patch is best told by.  Or, of ready latents, the scale at which they become
 * integers.  Sums are whole numbers, so neither threads nor machines change what is learnt.  In: images;
 * out: the encoder of a spec.  Next: latent_train.h. */
#ifndef PPMLI_TRAIN_ENCODER_TRAIN_H
#define PPMLI_TRAIN_ENCODER_TRAIN_H

#include <math.h>

#include "../base/arena.h"
#include "../network/encoder.h"

#define PPMLI_COMPONENT_PATCHES ((size_t)1 << 18) /* looked at, or fewer where patches are large */
#define PPMLI_COMPONENT_WORK ((uint64_t)1 << 31)  /* products in all */
#define PPMLI_COMPONENT_ROUNDS 200                /* of the iteration that finds them */

/* Pictures to learn from. */
typedef struct ppmli_pictures {
  const uint8_t *pixels; /* [count][height][width][colors] */
  size_t count;
} ppmli_pictures;

/* ------------------------------------------------------------- covariance */

/* Copies patch number n of all patches of all pictures.
 *   values  [f][f][colors]  out */
PPMLI_STATIC void ppmli_component_patch(uint8_t *values, const ppmli_encoder *e,
                                        const ppmli_pictures *pictures, size_t n) {
  size_t row = e->patch * (size_t)e->colors, stride = e->width * (size_t)e->colors;
  size_t plane = ppmli_encoder_plane(e), columns = ppmli_encoder_width(e), at = n % plane;
  const uint8_t *from = pictures->pixels + n / plane * stride * e->height +
                        at / columns * e->patch * stride + at % columns * row;
  for (uint32_t y = 0; y < e->patch; y++) memcpy(values + y * row, from + y * stride, row);
}

/* Sums over evenly spaced patches.
 *   sum      [values]          out
 *   product  [values][values]  out: the lower triangle; below 2^18 2^16
 *   patch    [values]          scratch
 * Returns how many patches. */
PPMLI_STATIC size_t ppmli_component_sums(uint64_t *sum, uint64_t *product, uint8_t *patch,
                                         const ppmli_encoder *e, const ppmli_pictures *pictures) {
  size_t values = ppmli_encoder_patch_values(e), all = pictures->count * ppmli_encoder_plane(e);
  uint64_t affordable = PPMLI_COMPONENT_WORK / ((uint64_t)values * values);
  size_t most = ppmli_min_size(PPMLI_COMPONENT_PATCHES, (size_t)affordable);
  size_t count = ppmli_min_size(all, most);
  memset(sum, 0, values * sizeof *sum);
  memset(product, 0, values * values * sizeof *product);
  for (size_t n = 0; n < count; n++) {
    ppmli_component_patch(patch, e, pictures, (size_t)((uint64_t)n * all / count));
    for (size_t i = 0; i < values; i++) {
      uint64_t *row = product + i * values;
      uint32_t x = patch[i];
      sum[i] += x;
      for (size_t j = 0; j <= i; j++) row[j] += x * patch[j];
    }
  }
  return count;
}

/* The covariances, both triangles; and the mean patch, rounded. */
PPMLI_STATIC void ppmli_component_covariance(double *covariance, uint8_t *mean, const uint64_t *sum,
                                             const uint64_t *product, size_t values, size_t count) {
  double n = (double)count;
  for (size_t i = 0; i < values; i++) {
    mean[i] = (uint8_t)((sum[i] + count / 2) / count);
    for (size_t j = 0; j <= i; j++)
      covariance[i * values + j] = covariance[j * values + i] =
          (double)product[i * values + j] / n - (double)sum[i] / n * ((double)sum[j] / n);
  }
}

/* ------------------------------------------------------------- components */

PPMLI_STATIC double ppmli_component_dot(const double *a, const double *b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* Makes vectors orthogonal to those before them and one long.  One that is nearly nothing, as
 * where patches have fewer directions than that, becomes zeros.
 *   vectors [count][size] */
PPMLI_STATIC void ppmli_component_orthogonalize(double *vectors, size_t count, size_t size) {
  for (size_t a = 0; a < count; a++) {
    double *v = vectors + a * size;
    for (size_t b = 0; b < a; b++) {
      double along = ppmli_component_dot(v, vectors + b * size, size);
      for (size_t i = 0; i < size; i++) v[i] -= along * vectors[b * size + i];
    }
    double length = sqrt(ppmli_component_dot(v, v, size));
    for (size_t i = 0; i < size; i++) v[i] = length > 1e-9 ? v[i] / length : 0;
  }
}

/* One vector after another goes through the matrix.
 *   out [count][size] */
PPMLI_STATIC void ppmli_component_multiply(double *out, const double *matrix, const double *vectors,
                                           size_t count, size_t size) {
  for (size_t c = 0; c < count; c++)
    for (size_t i = 0; i < size; i++)
      out[c * size + i] = ppmli_component_dot(matrix + i * size, vectors + c * size, size);
}

/* Starts from numbers without a pattern, the same ones every time. */
PPMLI_STATIC void ppmli_component_start(double *vectors, size_t count) {
  uint32_t state = 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    vectors[i] = (double)(state >> 16) - 32767.5;
  }
}

/* A component as weights: the largest magnitude becomes 127, and positive. */
PPMLI_STATIC void ppmli_component_round(int8_t *weight, const double *vector, size_t size) {
  double most = 0;
  for (size_t i = 0; i < size; i++)
    if (fabs(vector[i]) > fabs(most)) most = vector[i];
  for (size_t i = 0; i < size; i++)
    weight[i] = (int8_t)(most != 0 ? floor(127 * (vector[i] / most) + 0.5) : 0);
}

PPMLI_STATIC size_t ppmli_encoder_learn_scratch(const ppmli_encoder *e) {
  size_t values = ppmli_encoder_patch_values(e), channels = e->channels;
  return ppmli_arena_rounded(values * sizeof(uint64_t)) +
         ppmli_arena_rounded(values * values * sizeof(uint64_t)) + ppmli_arena_rounded(values) +
         ppmli_arena_rounded(values * values * sizeof(double)) +
         2 * ppmli_arena_rounded(channels * values * sizeof(double));
}

/* The weights of an encoder of pictures, and the mean patch, which decoder.h shows pictures by.
 *   weight  [channels][f][f][colors]  out
 *   mean    [f][f][colors]            out
 *   e       a valid shape of kind PATCHES; its weight is not looked at
 * Scratch: ppmli_encoder_learn_scratch(e) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_encoder_learn(int8_t *weight, uint8_t *mean, const ppmli_encoder *e,
                                     const ppmli_pictures *pictures, ppml_arena *arena) {
  size_t mark = arena->used_bytes, values = ppmli_encoder_patch_values(e), channels = e->channels;
  PPMLI_ALLOC(uint64_t, sum, arena, values);
  PPMLI_ALLOC(uint64_t, product, arena, values * values);
  PPMLI_ALLOC(uint8_t, patch, arena, values);
  PPMLI_ALLOC(double, covariance, arena, values *values);
  PPMLI_ALLOC(double, vectors, arena, channels *values);
  PPMLI_ALLOC(double, next, arena, channels *values);
  size_t count = ppmli_component_sums(sum, product, patch, e, pictures);
  ppmli_component_covariance(covariance, mean, sum, product, values, count);
  ppmli_component_start(vectors, channels * values);
  for (int round = 0; round < PPMLI_COMPONENT_ROUNDS; round++) {
    ppmli_component_multiply(next, covariance, vectors, channels, values);
    ppmli_component_orthogonalize(next, channels, values);
    memcpy(vectors, next, channels * values * sizeof *vectors);
  }
  for (size_t c = 0; c < channels; c++)
    ppmli_component_round(weight + c * values, vectors + c * values, values);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* --------------------------------------------------------- ready latents */

/* The scale at which the largest of ready latents becomes an integer that just fits; 0 if there
 * is none but zeros.
 *   floats [count]  finite, at any address */
PPMLI_STATIC int32_t ppmli_encoder_learn_scale(const ppmli_encoder *e, const uint8_t *floats,
                                               size_t count) {
  int32_t bits = (int32_t)ppmli_encoder_ready_bits(e), exponent;
  float most = 0;
  for (size_t i = 0; i < count; i++) {
    float x;
    memcpy(&x, floats + i * sizeof x, sizeof x);
    if (x < 0) x = -x;
    if (x > most) most = x;
  }
  if (most == 0) return 0;
  (void)frexpf(most, &exponent); /* most < 2^exponent */
  int32_t scale = bits - exponent;
  if (scale > PPMLI_ENCODER_SCALE_MAX) return PPMLI_ENCODER_SCALE_MAX;
  return scale < -PPMLI_ENCODER_SCALE_MAX ? -PPMLI_ENCODER_SCALE_MAX : scale;
}

/* ----------------------------------------------------------- not standardised */

PPMLI_INLINE size_t ppmli_encoder_center_scratch(const ppmli_encoder *e) {
  return ppmli_arena_rounded(ppmli_encoder_plane(e) * sizeof(int32_t));
}

/* Means and deviations of the numbers of all images, for an encoder that does not standardise.
 *   center, spread  [channels]  out
 *   images          [count] of the encoder's kind, image_bytes each
 * Scratch: ppmli_encoder_center_scratch(e) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_encoder_learn_center(int32_t *center, int32_t *spread,
                                            const ppmli_encoder *e, const uint8_t *images,
                                            size_t image_bytes, size_t count, ppml_arena *arena) {
  size_t mark = arena->used_bytes, plane = ppmli_encoder_plane(e);
  double total = (double)count * (double)plane;
  PPMLI_ALLOC(int32_t, number, arena, plane);
  for (uint32_t c = 0; c < e->channels; c++) {
    double sum = 0, squares = 0;
    for (size_t n = 0; n < count; n++) {
      ppmli_encoder_numbers(number, e, c, images + n * image_bytes);
      for (size_t i = 0; i < plane; i++) {
        sum += number[i];
        squares += (double)number[i] * number[i];
      }
    }
    double mean = sum / total, variance = squares / total - mean * mean;
    center[c] = (int32_t)floor(mean + 0.5);
    spread[c] = (int32_t)floor(sqrt(variance > 0 ? variance : 0) + 0.5);
    if (spread[c] < 1) spread[c] = 1;
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
