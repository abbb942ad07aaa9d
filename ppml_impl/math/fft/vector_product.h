/* The Fourier-domain product of vector.h, a part of that template.
 *
 * Groups of frequencies outside, samples inside: the key of a group stays in the nearest
 * cache for all samples of a walk, while the next group's is on its way.  A sample's
 * digits are multiplied by the monomials, so that one set of sums serves all terms; sums
 * of PPMLI_PAIR samples stay in registers, so that a key element is loaded once for both.
 *
 * In: transformed digits and key; out: sums of products.  Next: vector_chacha.h. */
#include "common.h"

/* X^e - 1 for monomial i of the walk, on the vector at `lane` of a group. */
PPMLI_V_INLINE ppmli_complex PPMLI_V(monomial)(const ppmli_walk *w, size_t i, size_t group,
                                               size_t lane) {
  const ppmli_fft *fft = w->fft;
  uint32_t first = fft->exponent[group * PPMLI_LANES];
  size_t root = w->exponents[i] * first & (2 * fft->poly_size - 1);
  ppmli_complex lanes = PPMLI_V(get)(w->lanes + i * PPMLI_GROUP + lane, PPMLI_LANES);
  ppmli_complex power = PPMLI_V(mul)(PPMLI_V(same)(fft->root, root), lanes);
  power.re = power.re - PPMLI_V(broadcast)(1);
  return power;
}

/* One vector of one group, for `pair` samples and `columns` columns.
 *   a    [pair][stride a_stride][rows][GROUP], at the vector
 *   b    [terms][rows][p->columns][GROUP], at the vector and the first column
 *   out  [pair][stride out_stride][columns][GROUP], likewise; may be a */
PPMLI_V_INLINE void PPMLI_V(product_vector)(const ppmli_walk *w, double *out, const double *a,
                                            const double *b, size_t sample, size_t group,
                                            size_t lane, size_t columns, size_t pair) {
  const ppmli_product *p = w->shape;
  size_t out_stride = w->fft->poly_size * p->columns, a_stride = w->fft->poly_size * p->rows;
  ppmli_complex sum[PPMLI_PAIR][PPMLI_PRODUCT_COLUMNS], factor[PPMLI_PAIR], d[PPMLI_PAIR], key;
  PPMLI_UNROLL
  for (size_t s = 0; s < pair; s++) {
    factor[s].re = factor[s].im = PPMLI_V(broadcast)(0);
    PPMLI_UNROLL
    for (size_t c = 0; c < columns; c++) sum[s][c] = factor[s];
  }
  for (size_t t = 0; t < p->terms; t++) {
    PPMLI_UNROLL
    for (size_t s = 0; s < pair; s++)
      if (w->exponents) factor[s] = PPMLI_V(monomial)(w, (sample + s) * p->terms + t, group, lane);
    for (size_t r = 0; r < p->rows; r++, b += p->columns * PPMLI_GROUP) {
      PPMLI_UNROLL
      for (size_t s = 0; s < pair; s++) {
        d[s] = PPMLI_V(get)(a + s * a_stride + r * PPMLI_GROUP, PPMLI_LANES);
        if (w->exponents) d[s] = PPMLI_V(mul)(d[s], factor[s]);
      }
      PPMLI_UNROLL
      for (size_t c = 0; c < columns; c++) {
        key = PPMLI_V(get)(b + c * PPMLI_GROUP, PPMLI_LANES);
        PPMLI_UNROLL
        for (size_t s = 0; s < pair; s++) sum[s][c] = PPMLI_V(add_mul)(sum[s][c], d[s], key);
      }
    }
  }
  PPMLI_UNROLL
  for (size_t s = 0; s < pair; s++) {
    PPMLI_UNROLL
    for (size_t c = 0; c < columns; c++)
      PPMLI_V(put)(out + s * out_stride + c * PPMLI_GROUP, PPMLI_LANES, sum[s][c]);
  }
}

/* One group of `pair` samples, in vectors and columns that fit in the registers. */
PPMLI_V_INLINE void PPMLI_V(product_group)(const ppmli_walk *w, size_t sample, size_t group,
                                           size_t pair) {
  const ppmli_product *p = w->shape;
  size_t at = sample * w->fft->points / PPMLI_LANES + group;
  const double *a = w->a + at * p->rows * PPMLI_GROUP;
  const double *b = w->b + group * p->terms * p->rows * p->columns * PPMLI_GROUP;
  for (size_t lane = 0; lane < PPMLI_LANES; lane += PPMLI_WIDTH)
    for (size_t c = 0; c < p->columns; c += PPMLI_PRODUCT_COLUMNS) {
      double *out = w->out + (at * p->columns + c) * PPMLI_GROUP + lane;
      const double *x = a + lane, *y = b + c * PPMLI_GROUP + lane;
      size_t left = p->columns - c;
      if (left == 1) PPMLI_V(product_vector)(w, out, x, y, sample, group, lane, 1, pair);
      else if (left == 2) PPMLI_V(product_vector)(w, out, x, y, sample, group, lane, 2, pair);
      else if (left == 3) PPMLI_V(product_vector)(w, out, x, y, sample, group, lane, 3, pair);
      else if (left == 4) PPMLI_V(product_vector)(w, out, x, y, sample, group, lane, 4, pair);
      else PPMLI_V(product_vector)(w, out, x, y, sample, group, lane, 5, pair);
    }
}

PPMLI_V_STATIC void PPMLI_V(product)(const ppmli_fft *fft, double *out, const double *a,
                                     const double *b, const ppmli_product *p) {
  ppmli_walk w;
  w.fft = fft, w.shape = p, w.b = b;
  for (size_t first = 0; first < p->samples; first += w.samples) {
    ppmli_walk_begin(&w, out, a, first);
    for (size_t g = 0; g < fft->points / PPMLI_LANES; g++)
      for (size_t s = 0, pair; s < w.samples; s += pair) {
        pair = ppmli_min_size(PPMLI_PAIR, w.samples - s);
        ppmli_walk_prefetch(&w, g, s, pair);
        if (pair == PPMLI_PAIR) PPMLI_V(product_group)(&w, s, g, PPMLI_PAIR);
        else PPMLI_V(product_group)(&w, s, g, 1);
      }
  }
}
