/* The portable backend, in plain C99, and the definition of correct.
 *
 * A polynomial of N real coefficients modulo X^N + 1 = (X^{N/2} - i)(X^{N/2} + i) is
 * folded to N/2 complex ones modulo X^{N/2} - i; the other factor holds the conjugate.
 * Then, as in a number-theoretic transform, each X^{2m} - zeta^2 splits into X^m - zeta
 * and X^m + zeta, down to values at the roots.  No twist before, no reordering after.
 * Source: [Ber01] sections 2 and 4 (tangent-free "twisted" splitting over the complex).
 *
 * In: polynomials; out: a ppmli_backend.  Next: vector.h, the same faster. */
#ifndef PPMLI_FFT_REF_H
#define PPMLI_FFT_REF_H

#include "../../base/stream.h"
#include "backend.h"

/* Splits down the tree.
 *   re, im  [points] in place
 *   zeta    [points][2]  of node 1, 2, ... in breadth-first order */
PPMLI_STATIC void ppmli_ref_split(double *PPMLI_RESTRICT re, double *PPMLI_RESTRICT im,
                                  const double *zeta, uint32_t points) {
  const double *z = zeta + 2;
  for (uint32_t half = points / 2; half >= 1; half /= 2) {
    for (uint32_t start = 0; start < points; start += 2 * half, z += 2) {
      double *PPMLI_RESTRICT r0 = re + start, *PPMLI_RESTRICT r1 = r0 + half;
      double *PPMLI_RESTRICT i0 = im + start, *PPMLI_RESTRICT i1 = i0 + half;
      double zr = z[0], zi = z[1];
      for (uint32_t j = 0; j < half; j++) {
        double tr = zr * r1[j] - zi * i1[j], ti = zr * i1[j] + zi * r1[j];
        r1[j] = r0[j] - tr, i1[j] = i0[j] - ti;
        r0[j] += tr, i0[j] += ti;
      }
    }
  }
}

/* Joins up the tree; undoes ppmli_ref_split but for a factor of points. */
PPMLI_STATIC void ppmli_ref_join(double *PPMLI_RESTRICT re, double *PPMLI_RESTRICT im,
                                 const double *zeta, uint32_t points) {
  for (uint32_t half = 1; half < points; half *= 2) {
    const double *z = zeta + 2 * (size_t)(points / (2 * half));
    for (uint32_t start = 0; start < points; start += 2 * half, z += 2) {
      double *PPMLI_RESTRICT r0 = re + start, *PPMLI_RESTRICT r1 = r0 + half;
      double *PPMLI_RESTRICT i0 = im + start, *PPMLI_RESTRICT i1 = i0 + half;
      double zr = z[0], zi = z[1];
      for (uint32_t j = 0; j < half; j++) {
        double dr = r0[j] - r1[j], di = i0[j] - i1[j];
        r0[j] += r1[j], i0[j] += i1[j];
        r1[j] = zr * dr + zi * di, i1[j] = zr * di - zi * dr;
      }
    }
  }
}

/* Between [re][im] and groups of lanes. */
PPMLI_STATIC void ppmli_ref_scatter(double *out, size_t stride, const double *re, const double *im,
                                    uint32_t points) {
  for (uint32_t g = 0; g < points / PPMLI_LANES; g++) {
    memcpy(out + g * stride, re + g * PPMLI_LANES, PPMLI_LANES * sizeof *out);
    memcpy(out + g * stride + PPMLI_LANES, im + g * PPMLI_LANES, PPMLI_LANES * sizeof *out);
  }
}

PPMLI_STATIC void ppmli_ref_forward_signed(const ppmli_fft *fft, double *out, size_t stride,
                                           const uint64_t *poly, double scale, double *work) {
  for (uint32_t i = 0; i < fft->poly_size; i++)
    work[i] = scale * (double)ppmli_torus_signed(poly[i]);
  ppmli_ref_split(work, work + fft->points, fft->zeta, fft->points);
  ppmli_ref_scatter(out, stride, work, work + fft->points, fft->points);
}

/* A digit becomes a double by way of the bits of 2^52 + digit: exact, and made of
 * operations that every vector unit has. */
PPMLI_STATIC void ppmli_ref_forward_digit(const ppmli_fft *fft, double *out, size_t stride,
                                          const uint64_t *poly, const ppmli_gadget *gadget,
                                          uint32_t level, double *work) {
  uint64_t mask = ((uint64_t)1 << gadget->base_log2) - 1, offset = gadget->offset;
  uint32_t shift = ppmli_gadget_shift(gadget, level);
  double centre = 4503599627370496.0 + (double)(mask / 2 + 1); /* 2^52 + B/2 */
  for (uint32_t i = 0; i < fft->poly_size; i++) {
    uint64_t bits = ((poly[i] + offset) >> shift & mask) | (uint64_t)0x433 << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    work[i] = value - centre;
  }
  ppmli_ref_split(work, work + fft->points, fft->zeta, fft->points);
  ppmli_ref_scatter(out, stride, work, work + fft->points, fft->points);
}

/* A real number of turns as a torus element; |turns| < 2^51, as docs/NOISE.md "FFT" shows of every
 * sum.  The sum with 3 * 2^51
 * rounds to an integer; what remains, at most a half, goes in by its top 63 bits so
 * that exactly one half cannot overflow. */
PPMLI_INLINE uint64_t ppmli_ref_torus(double turns) {
  const double round = 6755399441055744.0;
  double fraction = turns - ((turns + round) - round);
  return (uint64_t)(int64_t)(fraction * 9223372036854775808.0 * 0.9999999999999999) << 1;
}

PPMLI_STATIC void ppmli_ref_backward_add(const ppmli_fft *fft, uint64_t *poly, const double *in,
                                         size_t stride, double *work) {
  double *re = work, *im = work + fft->points;
  for (uint32_t g = 0; g < fft->points / PPMLI_LANES; g++) {
    memcpy(re + g * PPMLI_LANES, in + g * stride, PPMLI_LANES * sizeof *re);
    memcpy(im + g * PPMLI_LANES, in + g * stride + PPMLI_LANES, PPMLI_LANES * sizeof *im);
  }
  ppmli_ref_join(re, im, fft->zeta, fft->points);
  for (uint32_t i = 0; i < fft->poly_size; i++) poly[i] += ppmli_ref_torus(work[i]);
}

/* out += a b for one group. */
PPMLI_INLINE void ppmli_ref_group_muladd(double *PPMLI_RESTRICT out, const double *PPMLI_RESTRICT a,
                                         const double *PPMLI_RESTRICT b) {
  for (int i = 0; i < PPMLI_LANES; i++) {
    double ar = a[i], ai = a[i + PPMLI_LANES], br = b[i], bi = b[i + PPMLI_LANES];
    out[i] += ar * br - ai * bi;
    out[i + PPMLI_LANES] += ar * bi + ai * br;
  }
}

/* Factor m of ppmli_product for one group: the transform of X^exponent - 1, or 1. */
PPMLI_INLINE void ppmli_ref_factor(double *out, const ppmli_fft *fft, const ppmli_product *p,
                                   size_t sample, size_t term, size_t group) {
  for (size_t i = 0; i < PPMLI_LANES; i++) {
    out[i] = 1;
    out[i + PPMLI_LANES] = 0;
    if (p->exponents == NULL) continue;
    uint32_t exponent = p->exponents[sample * p->terms + term];
    uint32_t at = exponent * fft->exponent[group * PPMLI_LANES + i] & (2 * fft->poly_size - 1);
    out[i] = fft->root[2 * at] - 1;
    out[i + PPMLI_LANES] = fft->root[2 * at + 1];
  }
}

/* Columns first .. first + count - 1, at most PPMLI_PRODUCT_COLUMNS, of one sample's output
 * in one group.
 *   out  [columns][GROUP];  a  [rows][GROUP];  b  [terms][rows][columns][GROUP] */
PPMLI_STATIC void ppmli_ref_product_group(const ppmli_fft *fft, double *out, const double *a,
                                          const double *b, const ppmli_product *p, size_t sample,
                                          size_t group, size_t first, size_t count) {
  double sums[PPMLI_PRODUCT_COLUMNS * PPMLI_GROUP] = {0};
  for (size_t t = 0; t < p->terms; t++) {
    double factor[PPMLI_GROUP];
    ppmli_ref_factor(factor, fft, p, sample, t, group);
    for (size_t c = 0; c < count; c++) {
      double sum[PPMLI_GROUP] = {0};
      for (size_t r = 0; r < p->rows; r++)
        ppmli_ref_group_muladd(sum, a + r * PPMLI_GROUP,
                               b + ((t * p->rows + r) * p->columns + first + c) * PPMLI_GROUP);
      ppmli_ref_group_muladd(sums + c * PPMLI_GROUP, sum, factor);
    }
  }
  memcpy(out + first * PPMLI_GROUP, sums, count * PPMLI_GROUP * sizeof *out);
}

PPMLI_STATIC void ppmli_ref_product(const ppmli_fft *fft, double *out, const double *a,
                                    const double *b, const ppmli_product *p) {
  size_t groups = fft->points / PPMLI_LANES;
  for (size_t g = 0; g < groups; g++)
    for (size_t s = 0; s < p->samples; s++)
      for (size_t c = 0; c < p->columns; c += PPMLI_PRODUCT_COLUMNS)
        ppmli_ref_product_group(fft, out + (s * groups + g) * p->columns * PPMLI_GROUP,
                                a + (s * groups + g) * p->rows * PPMLI_GROUP,
                                b + g * p->terms * p->rows * p->columns * PPMLI_GROUP, p, s, g, c,
                                ppmli_min_size(p->columns - c, PPMLI_PRODUCT_COLUMNS));
}

PPMLI_STATIC void ppmli_ref_key_switch(uint32_t *out, const int32_t *digits, const uint32_t *key,
                                       size_t samples, size_t rows, size_t blocks) {
  for (size_t b = 0; b < blocks; b++)
    for (size_t s = 0; s < samples; s++) {
      uint32_t sum[PPMLI_KS_COLUMNS] = {0};
      for (size_t r = 0; r < rows; r++) {
        const uint32_t *row = key + (b * rows + r) * PPMLI_KS_COLUMNS;
        uint32_t digit = (uint32_t)digits[r * samples + s];
        for (int x = 0; x < PPMLI_KS_COLUMNS; x++) sum[x] += digit * row[x];
      }
      uint32_t *o = out + (s * blocks + b) * PPMLI_KS_COLUMNS;
      for (int x = 0; x < PPMLI_KS_COLUMNS; x++) o[x] -= sum[x];
    }
}

PPMLI_STATIC void ppmli_ref_chacha(uint64_t *out, const uint32_t state[16], size_t blocks) {
  ppmli_stream s;
  memcpy(s.state, state, sizeof s.state);
  s.used = sizeof s.buffer;
  ppmli_stream_u64(&s, out, 8 * blocks);
}

PPMLI_STATIC int ppmli_ref_supported(void) {
  return 1;
}

PPMLI_STATIC size_t ppmli_ref_table_doubles(uint32_t points) {
  (void)points;
  return 0;
}

/* exponent[i]: the leaf's zeta as a power of exp(i pi / N).  A node with power e splits
 * into e / 2 and e / 2 + N; the root, i, has N / 2. */
PPMLI_STATIC uint32_t ppmli_fft_tree_exponent(uint32_t node, uint32_t poly_size) {
  uint32_t level = 0, e = poly_size / 2;
  while (node >> (level + 1)) level++;
  while (level--) e = e / 2 + (node >> level & 1 ? poly_size : 0);
  return e;
}

PPMLI_STATIC void ppmli_ref_prepare(ppmli_fft *fft) {
  for (uint32_t i = 0; i < fft->points; i++)
    fft->exponent[i] = (uint16_t)ppmli_fft_tree_exponent(fft->points + i, fft->poly_size);
}

PPMLI_STATIC const ppmli_backend *ppmli_backend_ref(void) {
  static const ppmli_backend backend = {"ref",
                                        ppmli_ref_supported,
                                        ppmli_ref_table_doubles,
                                        ppmli_ref_prepare,
                                        ppmli_ref_forward_signed,
                                        ppmli_ref_forward_digit,
                                        ppmli_ref_backward_add,
                                        ppmli_ref_product,
                                        ppmli_ref_key_switch,
                                        ppmli_ref_chacha};
  return &backend;
}

#endif
