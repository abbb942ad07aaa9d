/* A convolutional network with polynomials as a pooled one: the same function, in
 * floating point.
 *
 *   z_j     = bias_j + sum over i of kernel_ji * m_i    over each region on its own, zeros around
 *                                                       it, at all (h + k - 1)(w + k - 1) places
 *                                                       that the kernel touches it from
 *   a_jr    = mean over region r of  square_j z_j^2 + linear_j z_j + constant_j
 *   score_c = dense_bias_c + sum over j, r of dense_cjr a_jr
 *
 * Sums of z_j^2 are sums of autocorrelations (autocorr.h): of lag d of channels i and i' there are
 * as many as kernel_ji and kernel_ji' overlap at that lag.
 *
 * In: kernels and dense weights; out: weights of a pooled network.  Next: pooled.h. */
#ifndef PPMLI_NETWORK_CONVOLUTION_H
#define PPMLI_NETWORK_CONVOLUTION_H

#include "autocorr.h"

typedef struct ppmli_convolution {
  ppmli_latent_shape shape; /* reach: the kernel's side k */
  uint32_t filters, outputs;
  const float *unit;                       /* [channels] what a latent of 1 stands for */
  const float *kernel;                     /* [filters][channels][k][k] */
  const float *bias;                       /* [filters] */
  const float *square, *linear, *constant; /* [filters] */
  const float *dense;                      /* [outputs][filters][regions] */
  const float *dense_bias;                 /* [outputs] */
} ppmli_convolution;

/* The weights of a pooled network before they are integers. */
typedef struct ppmli_pooled_floats {
  double *square; /* [outputs][regions][terms] */
  double *linear; /* [outputs][channels][height][width] */
  double *bias;   /* [outputs] */
} ppmli_pooled_floats;

/* A filter's weight for a channel, in units of its latents. */
PPMLI_INLINE double ppmli_convolution_tap(const ppmli_convolution *v, uint32_t j, uint32_t channel,
                                          uint32_t y, uint32_t x) {
  size_t k = v->shape.reach;
  size_t at = ((j * (size_t)v->shape.channels + channel) * k + y) * k + x;
  return (double)v->kernel[at] * (double)v->unit[channel];
}

/* What a filter has in common with itself at a lag: sum over u of kernel_i(u) kernel_i'(u + d).
 * A pair of channels, or of lags, that the terms have once is there twice. */
PPMLI_STATIC double ppmli_convolution_overlap(const ppmli_convolution *v, uint32_t j,
                                              const ppmli_autocorr_term *t) {
  ppmli_autocorr_span rows = ppmli_autocorr_overlap(t->dy, v->shape.reach);
  ppmli_autocorr_span columns = ppmli_autocorr_overlap(t->dx, v->shape.reach);
  int is_alone = t->first == t->second && t->dy == 0 && t->dx == 0;
  double sum = 0;
  for (uint32_t y = rows.begin; y < rows.end; y++)
    for (uint32_t x = columns.begin; x < columns.end; x++)
      sum += ppmli_convolution_tap(v, j, t->first, y, x) *
             ppmli_convolution_tap(v, j, t->second, (uint32_t)((int32_t)y + t->dy),
                                   (uint32_t)((int32_t)x + t->dx));
  return is_alone ? sum : 2 * sum;
}

/* A filter's taps for a channel, added up: what a latent adds to the sum of z_j. */
PPMLI_STATIC double ppmli_convolution_total(const ppmli_convolution *v, uint32_t j,
                                            uint32_t channel) {
  double sum = 0;
  for (uint32_t y = 0; y < v->shape.reach; y++)
    for (uint32_t x = 0; x < v->shape.reach; x++) sum += ppmli_convolution_tap(v, j, channel, y, x);
  return sum;
}

/* Adds what filter j over a region adds to score c. */
PPMLI_STATIC void ppmli_convolution_add(const ppmli_pooled_floats *out, const ppmli_convolution *v,
                                        uint32_t c, uint32_t j, uint32_t region) {
  const ppmli_latent_shape *s = &v->shape;
  uint32_t h = s->height / s->regions, w = s->width / s->regions;
  uint32_t terms = ppmli_autocorr_terms(s), regions = ppmli_latent_region_count(s);
  double places = (double)(h + s->reach - 1) * (w + s->reach - 1), bias = (double)v->bias[j];
  double share = (double)v->dense[(c * (size_t)v->filters + j) * regions + region];
  double square = share * (double)v->square[j] / places;
  double linear = share * (2 * (double)v->square[j] * bias + (double)v->linear[j]) / places;
  double *sums = out->square + (c * (size_t)regions + region) * terms;
  double *latents = out->linear + (size_t)c * ppmli_latent_count(s);
  ppmli_autocorr_term t = ppmli_autocorr_first();
  for (uint32_t n = 0; n < terms; n++, ppmli_autocorr_advance(&t, s))
    sums[n] += square * ppmli_convolution_overlap(v, j, &t);
  for (uint32_t i = 0; i < s->channels; i++) {
    double total = linear * ppmli_convolution_total(v, j, i);
    for (uint32_t y = region / s->regions * h; y < (region / s->regions + 1) * h; y++)
      for (uint32_t x = region % s->regions * w; x < (region % s->regions + 1) * w; x++)
        latents[((size_t)i * s->height + y) * s->width + x] += total;
  }
  out->bias[c] += share * ((double)v->square[j] * bias * bias + (double)v->linear[j] * bias +
                           (double)v->constant[j]);
}

/* The whole network.
 *   out  its arrays are written */
PPMLI_STATIC void ppmli_convolution_fold(const ppmli_pooled_floats *out,
                                         const ppmli_convolution *v) {
  const ppmli_latent_shape *s = &v->shape;
  for (size_t i = 0; i < v->outputs * ppmli_autocorr_sums(s); i++) out->square[i] = 0;
  for (size_t i = 0; i < v->outputs * (size_t)ppmli_latent_count(s); i++) out->linear[i] = 0;
  for (uint32_t c = 0; c < v->outputs; c++) {
    out->bias[c] = (double)v->dense_bias[c];
    for (uint32_t j = 0; j < v->filters; j++)
      for (uint32_t r = 0; r < ppmli_latent_region_count(s); r++)
        ppmli_convolution_add(out, v, c, j, r);
  }
}

#endif
