/* The transforms of vector.h, a part of that template.
 *
 * It is the splitting tree of ref.h, several levels at a time.  Passes of radix 2, 4 or 8
 * combine whole vectors, which only works down to subtrees of W points, a vector each.
 * Then W such subtrees are taken together, vectors and lanes are swapped, and a radix W
 * goes on as before but with another node of the tree in every lane.  That swap is the
 * only time that a number leaves its lane.
 *
 * Between passes, work holds [points / W][re, im][W].
 *
 * In: coefficients; out: values at the roots, and back.  Next: vector_product.h. */
#include "ref.h"
#include "common.h"

/* ------------------------------------------------------------ butterflies */

/* a, b = a + z b, a - z b */
PPMLI_V_INLINE void PPMLI_V(split2)(ppmli_complex *a, ppmli_complex *b, ppmli_complex z) {
  ppmli_complex t = PPMLI_V(mul)(z, *b);
  b->re = a->re - t.re, b->im = a->im - t.im;
  a->re = a->re + t.re, a->im = a->im + t.im;
}

/* The same with i z for z. */
PPMLI_V_INLINE void PPMLI_V(split2i)(ppmli_complex *a, ppmli_complex *b, ppmli_complex z) {
  ppmli_complex t = PPMLI_V(mul)(z, *b);
  b->re = a->re + t.im, b->im = a->im - t.re;
  a->re = a->re - t.im, a->im = a->im + t.re;
}

/* a, b = a + b, (a - b) / z */
PPMLI_V_INLINE void PPMLI_V(join2)(ppmli_complex *a, ppmli_complex *b, ppmli_complex z) {
  ppmli_vector re = a->re - b->re, im = a->im - b->im;
  a->re = a->re + b->re, a->im = a->im + b->im;
  b->re = PPMLI_V(muladd)(z.im, im, z.re * re);
  b->im = PPMLI_V(mulsub)(z.im, re, z.re * im);
}

/* The same with i z for z: (a - b) / i = (a.im - b.im) + i (b.re - a.re). */
PPMLI_V_INLINE void PPMLI_V(join2i)(ppmli_complex *a, ppmli_complex *b, ppmli_complex z) {
  ppmli_vector re = a->im - b->im, im = b->re - a->re;
  a->re = a->re + b->re, a->im = a->im + b->im;
  b->re = PPMLI_V(muladd)(z.im, im, z.re * re);
  b->im = PPMLI_V(mulsub)(z.im, re, z.re * im);
}

/* One, two or three levels of the tree.
 *   z  [radix / 2]  zeta of the node, of its left child (the right child's is i times it),
 *                   and of the left one of either pair of grandchildren */
PPMLI_V_INLINE void PPMLI_V(split)(ppmli_complex *x, const ppmli_complex *z, size_t radix) {
  PPMLI_UNROLL
  for (size_t j = 0; j < radix / 2; j++) PPMLI_V(split2)(x + j, x + j + radix / 2, z[0]);
  if (radix == 4) {
    PPMLI_V(split2)(x + 0, x + 1, z[1]), PPMLI_V(split2i)(x + 2, x + 3, z[1]);
  } else if (radix == 8) {
    PPMLI_V(split2)(x + 0, x + 2, z[1]), PPMLI_V(split2i)(x + 4, x + 6, z[1]);
    PPMLI_V(split2)(x + 1, x + 3, z[1]), PPMLI_V(split2i)(x + 5, x + 7, z[1]);
    PPMLI_V(split2)(x + 0, x + 1, z[2]), PPMLI_V(split2i)(x + 2, x + 3, z[2]);
    PPMLI_V(split2)(x + 4, x + 5, z[3]), PPMLI_V(split2i)(x + 6, x + 7, z[3]);
  }
}

PPMLI_V_INLINE void PPMLI_V(join)(ppmli_complex *x, const ppmli_complex *z, size_t radix) {
  if (radix == 4) {
    PPMLI_V(join2)(x + 0, x + 1, z[1]), PPMLI_V(join2i)(x + 2, x + 3, z[1]);
  } else if (radix == 8) {
    PPMLI_V(join2)(x + 0, x + 1, z[2]), PPMLI_V(join2i)(x + 2, x + 3, z[2]);
    PPMLI_V(join2)(x + 4, x + 5, z[3]), PPMLI_V(join2i)(x + 6, x + 7, z[3]);
    PPMLI_V(join2)(x + 0, x + 2, z[1]), PPMLI_V(join2i)(x + 4, x + 6, z[1]);
    PPMLI_V(join2)(x + 1, x + 3, z[1]), PPMLI_V(join2i)(x + 5, x + 7, z[1]);
  }
  PPMLI_UNROLL
  for (size_t j = 0; j < radix / 2; j++) PPMLI_V(join2)(x + j, x + j + radix / 2, z[0]);
}

/* The zetas that a radix needs below a node. */
PPMLI_V_INLINE void PPMLI_V(zetas)(ppmli_complex *z, const double *zeta, size_t node,
                                   size_t radix) {
  z[0] = PPMLI_V(same)(zeta, node);
  if (radix >= 4) z[1] = PPMLI_V(same)(zeta, 2 * node);
  if (radix >= 8) z[2] = PPMLI_V(same)(zeta, 4 * node);
  if (radix >= 8) z[3] = PPMLI_V(same)(zeta, 4 * node + 2);
}

/* The same below W nodes, one in each lane. */
PPMLI_V_INLINE void PPMLI_V(lane_zetas)(ppmli_complex *z, const double *table) {
  PPMLI_UNROLL
  for (size_t j = 0; j < PPMLI_WIDTH / 2; j++)
    z[j] = PPMLI_V(get)(table + j * 2 * PPMLI_WIDTH, PPMLI_WIDTH);
}

PPMLI_V_INLINE void PPMLI_V(swap_lanes)(ppmli_complex *x) {
  ppmli_vector re[PPMLI_WIDTH], im[PPMLI_WIDTH];
  PPMLI_UNROLL
  for (size_t r = 0; r < PPMLI_WIDTH; r++) re[r] = x[r].re, im[r] = x[r].im;
  PPMLI_V(transpose)(re);
  PPMLI_V(transpose)(im);
  PPMLI_UNROLL
  for (size_t r = 0; r < PPMLI_WIDTH; r++) x[r].re = re[r], x[r].im = im[r];
}

/* ----------------------------------------------------------------- passes */

PPMLI_V_INLINE ppmli_vector PPMLI_V(fetch)(const ppmli_source *s, size_t i) {
  if (s->is_digits) { /* whose bits are offset by 2^52 + B/2 */
    double centre = 4503599627370496.0 + (double)(s->mask / 2 + 1);
    ppmli_vector digit = PPMLI_V(from_digit)(s->poly + i, s->offset, s->shift, s->mask);
    return digit - PPMLI_V(broadcast)(centre);
  }
  return PPMLI_V(from_signed)(s->poly + i) * PPMLI_V(broadcast)(s->scale);
}

/* x += turns modulo 1, |turns| < 2^51: the sum with 3 * 2^51 is rounded to an integer. */
PPMLI_V_INLINE void PPMLI_V(add_turns)(uint64_t *x, ppmli_vector turns) {
  ppmli_vector big = PPMLI_V(broadcast)(6755399441055744.0), whole = (turns + big) - big;
  PPMLI_V(add_fraction)(x, turns - whole);
}

/* The top of the tree, from source to work. */
PPMLI_V_INLINE void PPMLI_V(split_source)(const ppmli_fft *fft, double *work,
                                          const ppmli_source *source, size_t radix) {
  size_t points = fft->points, apart = points / radix;
  ppmli_complex x[8], z[4];
  PPMLI_V(zetas)(z, fft->zeta, 1, radix);
  for (size_t j = 0; j < apart; j += PPMLI_WIDTH) {
    PPMLI_UNROLL
    for (size_t r = 0; r < radix; r++) {
      x[r].re = PPMLI_V(fetch)(source, j + r * apart);
      x[r].im = PPMLI_V(fetch)(source, j + r * apart + points);
    }
    PPMLI_V(split)(x, z, radix);
    PPMLI_UNROLL
    for (size_t r = 0; r < radix; r++) PPMLI_V(put)(work + 2 * (j + r * apart), PPMLI_WIDTH, x[r]);
  }
}

/* The top of the tree, from work to the torus. */
PPMLI_V_INLINE void PPMLI_V(join_torus)(const ppmli_fft *fft, uint64_t *poly, const double *work,
                                        size_t radix) {
  size_t points = fft->points, apart = points / radix;
  ppmli_complex x[8], z[4];
  PPMLI_V(zetas)(z, fft->zeta, 1, radix);
  for (size_t j = 0; j < apart; j += PPMLI_WIDTH) {
    PPMLI_UNROLL
    for (size_t r = 0; r < radix; r++) x[r] = PPMLI_V(get)(work + 2 * (j + r * apart), PPMLI_WIDTH);
    PPMLI_V(join)(x, z, radix);
    PPMLI_UNROLL
    for (size_t r = 0; r < radix; r++) {
      PPMLI_V(add_turns)(poly + j + r * apart, x[r].re);
      PPMLI_V(add_turns)(poly + j + r * apart + points, x[r].im);
    }
  }
}

/* Nodes first .. 2 first - 1, a level of the tree, and as many levels as PPMLI_RADIX takes,
 * downwards, or upwards if up is not 0. */
PPMLI_V_INLINE void PPMLI_V(pass)(const ppmli_fft *fft, double *work, size_t first, int up) {
  size_t apart = fft->points / (first * PPMLI_RADIX);
  ppmli_complex x[8], z[4];
  for (size_t node = first; node < 2 * first; node++, work += 2 * PPMLI_RADIX * apart) {
    PPMLI_V(zetas)(z, fft->zeta, node, PPMLI_RADIX);
    for (size_t j = 0; j < apart; j += PPMLI_WIDTH) {
      double *w = work + 2 * j;
      PPMLI_UNROLL
      for (size_t r = 0; r < PPMLI_RADIX; r++) x[r] = PPMLI_V(get)(w + 2 * r * apart, PPMLI_WIDTH);
      if (up) PPMLI_V(join)(x, z, PPMLI_RADIX);
      else PPMLI_V(split)(x, z, PPMLI_RADIX);
      PPMLI_UNROLL
      for (size_t r = 0; r < PPMLI_RADIX; r++) PPMLI_V(put)(w + 2 * r * apart, PPMLI_WIDTH, x[r]);
    }
  }
}

/* Where vector i of a transform stands. */
PPMLI_INLINE size_t PPMLI_V(place)(size_t i, size_t stride) {
  return i * PPMLI_WIDTH / PPMLI_LANES * stride + i * PPMLI_WIDTH % PPMLI_LANES;
}

/* The bottom of the tree, from work to the groups. */
PPMLI_V_INLINE void PPMLI_V(split_leaves)(const ppmli_fft *fft, double *out, size_t stride,
                                          const double *work) {
  const size_t W = PPMLI_WIDTH;
  ppmli_complex x[PPMLI_WIDTH], z[4];
  for (size_t i = 0; i < fft->points / W; i += W) {
    PPMLI_UNROLL
    for (size_t r = 0; r < W; r++) x[r] = PPMLI_V(get)(work + 2 * W * (i + r), W);
    PPMLI_V(swap_lanes)(x);
    PPMLI_V(lane_zetas)(z, fft->table + W * i);
    PPMLI_V(split)(x, z, W);
    PPMLI_UNROLL
    for (size_t r = 0; r < W; r++)
      PPMLI_V(put)(out + PPMLI_V(place)(i + r, stride), PPMLI_LANES, x[r]);
  }
}

PPMLI_V_INLINE void PPMLI_V(join_leaves)(const ppmli_fft *fft, double *work, const double *in,
                                         size_t stride) {
  const size_t W = PPMLI_WIDTH;
  ppmli_complex x[PPMLI_WIDTH], z[4];
  for (size_t i = 0; i < fft->points / W; i += W) {
    PPMLI_UNROLL
    for (size_t r = 0; r < W; r++)
      x[r] = PPMLI_V(get)(in + PPMLI_V(place)(i + r, stride), PPMLI_LANES);
    PPMLI_V(lane_zetas)(z, fft->table + W * i);
    PPMLI_V(join)(x, z, W);
    PPMLI_V(swap_lanes)(x);
    PPMLI_UNROLL
    for (size_t r = 0; r < W; r++) PPMLI_V(put)(work + 2 * W * (i + r), W, x[r]);
  }
}

/* ------------------------------------------------------------- transforms */

/* What is left for the top of the tree when passes of PPMLI_RADIX have taken all they can
 * of the way down to subtrees of W points. */
PPMLI_INLINE size_t PPMLI_V(top_radix)(const ppmli_fft *fft) {
  size_t radix = fft->points / PPMLI_WIDTH;
  while (radix > PPMLI_RADIX) radix /= PPMLI_RADIX;
  return radix;
}

PPMLI_V_INLINE void PPMLI_V(forward)(const ppmli_fft *fft, double *out, size_t stride,
                                     const ppmli_source *source, double *work) {
  size_t radix = PPMLI_V(top_radix)(fft);
  if (radix == 8) PPMLI_V(split_source)(fft, work, source, 8);
  else if (radix == 4) PPMLI_V(split_source)(fft, work, source, 4);
  else PPMLI_V(split_source)(fft, work, source, 2);
  for (size_t node = radix; node < fft->points / PPMLI_WIDTH; node *= PPMLI_RADIX)
    PPMLI_V(pass)(fft, work, node, 0);
  PPMLI_V(split_leaves)(fft, out, stride, work);
}

PPMLI_V_STATIC void PPMLI_V(forward_signed)(const ppmli_fft *fft, double *out, size_t stride,
                                            const uint64_t *poly, double scale, double *work) {
  ppmli_source source = ppmli_source_signed(poly, scale);
  PPMLI_V(forward)(fft, out, stride, &source, work);
}

PPMLI_V_STATIC void PPMLI_V(forward_digit)(const ppmli_fft *fft, double *out, size_t stride,
                                           const uint64_t *poly, const ppmli_gadget *gadget,
                                           uint32_t level, double *work) {
  ppmli_source source = ppmli_source_digits(poly, gadget, level);
  PPMLI_V(forward)(fft, out, stride, &source, work);
}

PPMLI_V_STATIC void PPMLI_V(backward_add)(const ppmli_fft *fft, uint64_t *poly, const double *in,
                                          size_t stride, double *work) {
  size_t radix = PPMLI_V(top_radix)(fft);
  PPMLI_V(join_leaves)(fft, work, in, stride);
  for (size_t node = fft->points / PPMLI_WIDTH / PPMLI_RADIX; node >= radix; node /= PPMLI_RADIX)
    PPMLI_V(pass)(fft, work, node, 1);
  if (radix == 8) PPMLI_V(join_torus)(fft, poly, work, 8);
  else if (radix == 4) PPMLI_V(join_torus)(fft, poly, work, 4);
  else PPMLI_V(join_torus)(fft, poly, work, 2);
}

/* ----------------------------------------------------------------- tables */

/* lane_zetas takes W / 2 complex numbers for each of points / W nodes. */
PPMLI_STATIC size_t PPMLI_V(table_doubles)(uint32_t points) {
  return points;
}

/* Leaf d below node v of those that are taken together ends in lane v of vector d. */
PPMLI_STATIC void PPMLI_V(prepare)(ppmli_fft *fft) {
  const uint32_t W = PPMLI_WIDTH, nodes = fft->points / W;
  const uint32_t down[4] = {1, 2, 4, 4}, right[4] = {0, 0, 0, 2}; /* as in zetas */
  for (uint32_t i = 0; i < fft->points; i++) {
    uint32_t v = i % W, d = i / W % W, node = nodes + i / (W * W) * W + v;
    fft->exponent[i] = (uint16_t)ppmli_fft_tree_exponent(node * W + d, fft->poly_size);
  }
  for (uint32_t i = 0; i < nodes; i++)
    for (uint32_t j = 0; j < W / 2; j++) {
      const double *zeta = fft->zeta + 2 * ((nodes + i) * down[j] + right[j]);
      double *table = fft->table + i / W * W * W + j * 2 * W + i % W;
      table[0] = zeta[0], table[W] = zeta[1];
    }
}
