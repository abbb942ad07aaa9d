/* The lowest frequencies of an image, in integers.
 *
 * Frequency (u, v) of a channel is the sum of its pixels times cos(pi (2 x + 1) u / (2 width))
 * cos(pi (2 y + 1) v / (2 height)): the discrete cosine transform, not normalized.  The cosines
 * are rounded to 14 bits, so that every machine gets the same integers.  Low frequencies are the
 * coarse shapes of an image; there are far fewer of them than pixels.
 *
 * In: pixels; out: frequencies.  Next: network/features.h. */
#ifndef PPMLI_MATH_DCT_H
#define PPMLI_MATH_DCT_H

#include <math.h>

#include "../base/arena.h"

#define PPMLI_DCT_SIDE 32 /* frequencies u and v are below that */
#define PPMLI_DCT_COSINE_BITS 14
#define PPMLI_DCT_SHIFT 20 /* of a product of two cosines and a pixel: 8 bits of fraction stay */

typedef struct ppmli_frequency {
  uint8_t u, v, channel;
} ppmli_frequency;

typedef struct ppmli_dct {
  uint32_t width, height, channels;
  int16_t *x, *y; /* [PPMLI_DCT_SIDE][width], [PPMLI_DCT_SIDE][height]  cosines */
} ppmli_dct;

PPMLI_INLINE size_t ppmli_dct_bytes(uint32_t width, uint32_t height) {
  return ppmli_arena_rounded((size_t)PPMLI_DCT_SIDE * width * sizeof(int16_t)) +
         ppmli_arena_rounded((size_t)PPMLI_DCT_SIDE * height * sizeof(int16_t));
}

PPMLI_STATIC void ppmli_dct_cosines(int16_t *out, uint32_t size) {
  const double pi = 3.14159265358979323846;
  for (uint32_t u = 0; u < PPMLI_DCT_SIDE; u++)
    for (uint32_t i = 0; i < size; i++)
      out[u * size + i] = (int16_t)floor(
          ldexp(cos(pi * (2 * i + 1) * u / (2.0 * size)), PPMLI_DCT_COSINE_BITS) + 0.5);
}

/* Memory: ppmli_dct_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_dct_init(ppmli_dct *dct, uint32_t width, uint32_t height, uint32_t channels,
                                ppml_arena *arena) {
  PPMLI_ALLOC(int16_t, x, arena, (size_t)PPMLI_DCT_SIDE * width);
  PPMLI_ALLOC(int16_t, y, arena, (size_t)PPMLI_DCT_SIDE * height);
  ppmli_dct_cosines(x, width);
  ppmli_dct_cosines(y, height);
  ppmli_dct made = {width, height, channels, x, y};
  *dct = made;
  return PPML_OK;
}

/* How high a frequency is, as a square: (u / width)^2 + (v / height)^2, in integers. */
PPMLI_INLINE uint64_t ppmli_dct_height(uint32_t width, uint32_t height, ppmli_frequency f) {
  uint64_t across = (uint64_t)f.u * height, down = (uint64_t)f.v * width;
  return across * across + down * down;
}

/* Does a come before b in the order of frequencies? */
PPMLI_STATIC int ppmli_dct_is_before(uint32_t width, uint32_t height, ppmli_frequency a,
                                     ppmli_frequency b) {
  uint64_t first = ppmli_dct_height(width, height, a), second = ppmli_dct_height(width, height, b);
  if (first != second) return first < second;
  if (a.u != b.u) return a.u < b.u;
  if (a.v != b.v) return a.v < b.v;
  return a.channel < b.channel;
}

/* Frequencies that an image has, but for the means of its channels. */
PPMLI_INLINE size_t ppmli_dct_frequencies(uint32_t width, uint32_t height, uint32_t channels) {
  size_t across = ppmli_min_size(width, PPMLI_DCT_SIDE);
  return (across * ppmli_min_size(height, PPMLI_DCT_SIDE) - 1) * channels;
}

/* The lowest frequencies of an image in their order, all channels alike; the means, u = v = 0, are
 * left out.
 *   out  [count], count <= ppmli_dct_frequencies(); of which as many are found as there are */
PPMLI_STATIC void ppmli_dct_lowest(ppmli_frequency *out, size_t count, uint32_t width,
                                   uint32_t height, uint32_t channels) {
  size_t have = 0;
  for (uint32_t u = 0; u < PPMLI_DCT_SIDE && u < width; u++)
    for (uint32_t v = 0; v < PPMLI_DCT_SIDE && v < height; v++)
      for (uint32_t c = 0; c < channels && u + v > 0; c++) {
        ppmli_frequency f = {(uint8_t)u, (uint8_t)v, (uint8_t)c};
        size_t at = have < count ? have++ : count;
        for (; at > 0 && ppmli_dct_is_before(width, height, f, out[at - 1]); at--)
          if (at < count) out[at] = out[at - 1];
        if (at < count) out[at] = f;
      }
}

/* floor(x / 2^bits), |x| < 2^62. */
PPMLI_INLINE int64_t ppmli_floor_shift(int64_t x, uint32_t bits) {
  const uint64_t offset = (uint64_t)1 << 62;
  return (int64_t)(((uint64_t)x + offset) >> bits) - (int64_t)(offset >> bits);
}

/* Row sums of a channel times the cosines of u.
 *   sums [height]  out */
PPMLI_STATIC void ppmli_dct_rows(int64_t *sums, const ppmli_dct *dct, const uint8_t *pixels,
                                 uint32_t u, uint32_t channel) {
  const int16_t *cosine = dct->x + u * dct->width;
  for (uint32_t y = 0; y < dct->height; y++) {
    const uint8_t *row = pixels + (size_t)y * dct->width * dct->channels + channel;
    int64_t sum = 0;
    for (uint32_t x = 0; x < dct->width; x++) sum += cosine[x] * row[(size_t)x * dct->channels];
    sums[y] = sum;
  }
}

/* Frequencies of an image, with 8 bits of fraction.
 *   out     [count]
 *   pixels  [height][width][channels]
 *   sums    [height]  scratch */
PPMLI_STATIC void ppmli_dct_run(int64_t *out, const ppmli_dct *dct, const ppmli_frequency *f,
                                size_t count, const uint8_t *pixels, int64_t *sums) {
  for (uint32_t channel = 0; channel < dct->channels; channel++)
    for (uint32_t u = 0; u < PPMLI_DCT_SIDE; u++) {
      int is_summed = 0;
      for (size_t i = 0; i < count; i++) {
        if (f[i].u != u || f[i].channel != channel) continue;
        if (!is_summed) ppmli_dct_rows(sums, dct, pixels, u, channel);
        is_summed = 1;
        int64_t sum = 0;
        for (uint32_t y = 0; y < dct->height; y++)
          sum += dct->y[f[i].v * dct->height + y] * sums[y];
        out[i] = ppmli_floor_shift(sum, PPMLI_DCT_SHIFT);
      }
    }
}

#endif
