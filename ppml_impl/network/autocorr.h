/* The autocorrelations that a pooled network is linear in.
 *
 * An image of latents is cut into R x R regions, everything outside a region being zero.  A term
 * is a pair of channels i <= j and a lag (dy, dx), both parts at most reach - 1 either way; its
 * sum over a region is
 *
 *   sum of m_i(y, x) m_j(y + dy, x + dx)  over all y, x where both stand in the region
 *
 * The pair (j, i) has the same sums at opposite lags, so i <= j is enough, and of i = j one lag
 * of each opposite pair.
 *
 * In: latents; out: sums of all terms.  Next: pooled.h. */
#ifndef PPMLI_NETWORK_AUTOCORR_H
#define PPMLI_NETWORK_AUTOCORR_H

#include "../base/base.h"

#define PPMLI_REGIONS_MAX 16 /* along a side */
#define PPMLI_REACH_MAX 8

/* Latents are bytes [channel][height][width], and what a network looks at in them. */
typedef struct ppmli_latent_shape {
  uint32_t width, height, channels;
  uint32_t regions; /* R: along each side */
  uint32_t reach;   /* k: lags are below it */
} ppmli_latent_shape;

/* Are there latents, no more than a ciphertext can hold, and do the regions divide them? */
PPMLI_STATIC int ppmli_latent_shape_is_valid(const ppmli_latent_shape *s) {
  if (s->width == 0 || s->height == 0 || s->channels == 0) return 0;
  if (s->width > PPML_LATENTS_MAX || s->height > PPML_LATENTS_MAX) return 0;
  if (s->channels > PPML_LATENT_CHANNELS_MAX) return 0;
  if ((uint64_t)s->width * s->height * s->channels > PPML_LATENTS_MAX) return 0;
  if (s->regions == 0 || s->regions > PPMLI_REGIONS_MAX) return 0;
  if (s->reach == 0 || s->reach > PPMLI_REACH_MAX) return 0;
  return s->width % s->regions == 0 && s->height % s->regions == 0;
}

PPMLI_INLINE uint32_t ppmli_latent_count(const ppmli_latent_shape *s) {
  return s->width * s->height * s->channels;
}

PPMLI_INLINE uint32_t ppmli_latent_region_count(const ppmli_latent_shape *s) {
  return s->regions * s->regions;
}

/* ------------------------------------------------------------------ terms */

typedef struct ppmli_autocorr_term {
  uint32_t first, second; /* channels, first <= second */
  int32_t dy, dx;         /* lag of the second */
} ppmli_autocorr_term;

PPMLI_INLINE uint32_t ppmli_autocorr_lags(const ppmli_latent_shape *s) {
  return (2 * s->reach - 1) * (2 * s->reach - 1);
}

/* Terms of a region. */
PPMLI_INLINE uint32_t ppmli_autocorr_terms(const ppmli_latent_shape *s) {
  uint32_t lags = ppmli_autocorr_lags(s), channels = s->channels;
  return channels * (lags + 1) / 2 + channels * (channels - 1) / 2 * lags;
}

/* Sums of all regions. */
PPMLI_INLINE size_t ppmli_autocorr_sums(const ppmli_latent_shape *s) {
  return (size_t)ppmli_latent_region_count(s) * ppmli_autocorr_terms(s);
}

PPMLI_INLINE ppmli_autocorr_term ppmli_autocorr_first(void) {
  ppmli_autocorr_term t = {0, 0, 0, 0};
  return t;
}

/* The term behind t: lags in order of rows, those of i = j from (0, 0) on; then the next j,
 * then the next i. */
PPMLI_STATIC void ppmli_autocorr_advance(ppmli_autocorr_term *t, const ppmli_latent_shape *s) {
  int32_t most = (int32_t)s->reach - 1;
  if (++t->dx <= most) return;
  t->dx = -most;
  if (++t->dy <= most) return;
  if (++t->second == s->channels) t->second = ++t->first;
  t->dy = t->dx = t->first == t->second ? 0 : -most;
}

/* ------------------------------------------------------------------- sums */

/* Positions of a region where a row or column and its neighbour at that lag both exist. */
typedef struct ppmli_autocorr_span {
  uint32_t begin, end;
} ppmli_autocorr_span;

PPMLI_INLINE ppmli_autocorr_span ppmli_autocorr_overlap(int32_t lag, uint32_t side) {
  uint32_t size = (uint32_t)(lag < 0 ? -lag : lag);
  ppmli_autocorr_span all = {0, side > size ? side - size : 0};
  if (lag >= 0) return all;
  all.begin = size < side ? size : side;
  all.end = side;
  return all;
}

/* The sum of one term over a region.
 *   first, second  the region's corner in the two channels, rows `width` apart
 * |sum| <= LATENTS_MAX 2^14 = 2^26. */
PPMLI_STATIC int32_t ppmli_autocorr_sum(const int8_t *first, const int8_t *second,
                                        const ppmli_autocorr_term *t, const ppmli_latent_shape *s) {
  ppmli_autocorr_span rows = ppmli_autocorr_overlap(t->dy, s->height / s->regions);
  ppmli_autocorr_span columns = ppmli_autocorr_overlap(t->dx, s->width / s->regions);
  int32_t sum = 0;
  if (columns.begin == columns.end) return 0;
  for (uint32_t y = rows.begin; y < rows.end; y++) {
    const int8_t *a = first + (size_t)y * s->width + columns.begin;
    const int8_t *b =
        second + (size_t)((int32_t)y + t->dy) * s->width + (size_t)((int32_t)columns.begin + t->dx);
    for (uint32_t x = 0; x < columns.end - columns.begin; x++) sum += a[x] * b[x];
  }
  return sum;
}

/* All sums of an image.
 *   sums     [regions][terms]  out; regions in order of rows
 *   latents  [channels][height][width] */
PPMLI_STATIC void ppmli_autocorr(int32_t *sums, const int8_t *latents,
                                 const ppmli_latent_shape *s) {
  uint32_t terms = ppmli_autocorr_terms(s);
  size_t plane = (size_t)s->width * s->height;
  for (uint32_t r = 0; r < ppmli_latent_region_count(s); r++) {
    size_t corner = (size_t)(r / s->regions) * (s->height / s->regions) * s->width +
                    (size_t)(r % s->regions) * (s->width / s->regions);
    ppmli_autocorr_term t = ppmli_autocorr_first();
    for (uint32_t n = 0; n < terms; n++, ppmli_autocorr_advance(&t, s))
      *sums++ = ppmli_autocorr_sum(latents + t.first * plane + corner,
                                   latents + t.second * plane + corner, &t, s);
  }
}

#endif
