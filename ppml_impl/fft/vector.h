/* Layer 2: the hooks of a backend, written once for vectors of 2, 4 or 8 doubles.
 *
 * This is a template: avx512.h, avx2.h and neon.h define the type PPMLI_V(f64) with a few
 * operations, and PPMLI_VECTOR (the backend's name), PPMLI_WIDTH (lanes of a vector, W),
 * PPMLI_RADIX (the largest of a pass), PPMLI_KS_TILE (samples that the key switch holds in
 * registers) and PPMLI_TARGET (the attribute that lets a function use the instructions);
 * then they include this file, which has no include guard and undefines the macros.
 *
 * The transform is that of ref.h, several levels of the splitting tree at a time: passes
 * of radix 2, 4 or 8 between whole vectors, then one last pass for each subtree of W x W
 * points that stays in registers: a radix W across vectors, a transposition, and a
 * radix W again, now with a node of the tree in each lane.  Real and imaginary parts
 * have vectors of their own, so that no butterfly shuffles. */

#define PPMLI_V_JOIN(vector, name) ppmli_##vector##_##name
#define PPMLI_V_EXPAND(vector, name) PPMLI_V_JOIN(vector, name)
#define PPMLI_V(name) PPMLI_V_EXPAND(PPMLI_VECTOR, name)
#define PPMLI_V_INLINE PPMLI_INLINE PPMLI_TARGET
#define PPMLI_V_STATIC PPMLI_STATIC PPMLI_TARGET

/* Arrays of vectors become registers only if the loops over them are unrolled early. */
#if defined(__clang__)
#define PPMLI_UNROLL
#else
#define PPMLI_UNROLL _Pragma("GCC unroll 16")
#endif

typedef struct PPMLI_V(complex) {
  PPMLI_V(f64) re, im;
} PPMLI_V(complex);

/* Memory holds a vector of real parts, then `apart` doubles behind it the imaginary ones. */
PPMLI_V_INLINE PPMLI_V(complex) PPMLI_V(load2)(const double *x, size_t apart) {
  PPMLI_V(complex) a = {PPMLI_V(load)(x), PPMLI_V(load)(x + apart)};
  return a;
}

PPMLI_V_INLINE void PPMLI_V(store2)(double *x, size_t apart, PPMLI_V(complex) a) {
  PPMLI_V(store)(x, a.re);
  PPMLI_V(store)(x + apart, a.im);
}

PPMLI_V_INLINE PPMLI_V(complex) PPMLI_V(load_pair)(const double *x) {
  return PPMLI_V(load2)(x, PPMLI_WIDTH);
}

PPMLI_V_INLINE void PPMLI_V(store_pair)(double *x, PPMLI_V(complex) a) {
  PPMLI_V(store2)(x, PPMLI_WIDTH, a);
}

/* ------------------------------------------------------------ butterflies */

PPMLI_V_INLINE PPMLI_V(complex) PPMLI_V(mul)(PPMLI_V(complex) a, PPMLI_V(complex) b) {
  PPMLI_V(complex) c;
  c.re = PPMLI_V(mulsub)(a.im, b.im, a.re * b.re);
  c.im = PPMLI_V(muladd)(a.im, b.re, a.re * b.im);
  return c;
}

/* c + a b */
PPMLI_V_INLINE PPMLI_V(complex) PPMLI_V(add_mul)(PPMLI_V(complex) c, PPMLI_V(complex) a,
                                                 PPMLI_V(complex) b) {
  c.re = PPMLI_V(muladd)(a.re, b.re, c.re);
  c.im = PPMLI_V(muladd)(a.re, b.im, c.im);
  c.re = PPMLI_V(mulsub)(a.im, b.im, c.re);
  c.im = PPMLI_V(muladd)(a.im, b.re, c.im);
  return c;
}

/* a, b = a + z b, a - z b */
PPMLI_V_INLINE void PPMLI_V(split2)(PPMLI_V(complex) *a, PPMLI_V(complex) *b, PPMLI_V(complex) z) {
  PPMLI_V(complex) t = PPMLI_V(mul)(z, *b);
  b->re = a->re - t.re, b->im = a->im - t.im;
  a->re = a->re + t.re, a->im = a->im + t.im;
}

/* The same with i z for z. */
PPMLI_V_INLINE void PPMLI_V(split2i)(PPMLI_V(complex) *a, PPMLI_V(complex) *b, PPMLI_V(complex) z) {
  PPMLI_V(complex) t = PPMLI_V(mul)(z, *b);
  b->re = a->re + t.im, b->im = a->im - t.re;
  a->re = a->re - t.im, a->im = a->im + t.re;
}

/* a, b = a + b, (a - b) / z */
PPMLI_V_INLINE void PPMLI_V(join2)(PPMLI_V(complex) *a, PPMLI_V(complex) *b, PPMLI_V(complex) z) {
  PPMLI_V(f64) re = a->re - b->re, im = a->im - b->im;
  a->re = a->re + b->re, a->im = a->im + b->im;
  b->re = PPMLI_V(muladd)(z.im, im, z.re * re);
  b->im = PPMLI_V(mulsub)(z.im, re, z.re * im);
}

/* The same with i z for z: (a - b) / i is (a.im - b.im) + i (b.re - a.re). */
PPMLI_V_INLINE void PPMLI_V(join2i)(PPMLI_V(complex) *a, PPMLI_V(complex) *b, PPMLI_V(complex) z) {
  PPMLI_V(f64) re = a->im - b->im, im = b->re - a->re;
  a->re = a->re + b->re, a->im = a->im + b->im;
  b->re = PPMLI_V(muladd)(z.im, im, z.re * re);
  b->im = PPMLI_V(mulsub)(z.im, re, z.re * im);
}

/* The zetas of a node and of the levels below it that a radix takes: z[0] the node's,
 * z[1] its left child's (the right child's is i z[1]), z[2] and z[3] the left ones of
 * the grandchildren's pairs. */
PPMLI_V_INLINE PPMLI_V(complex) PPMLI_V(zeta)(const double *zeta, size_t node) {
  PPMLI_V(complex) z = {PPMLI_V(broadcast)(zeta[2 * node]), PPMLI_V(broadcast)(zeta[2 * node + 1])};
  return z;
}

PPMLI_V_INLINE void PPMLI_V(zetas)(PPMLI_V(complex) *z, const double *zeta, size_t node,
                                   int radix) {
  z[0] = PPMLI_V(zeta)(zeta, node);
  if (radix >= 4) z[1] = PPMLI_V(zeta)(zeta, 2 * node);
  if (radix >= 8) z[2] = PPMLI_V(zeta)(zeta, 4 * node), z[3] = PPMLI_V(zeta)(zeta, 4 * node + 2);
}

PPMLI_V_INLINE void PPMLI_V(split)(PPMLI_V(complex) *x, const PPMLI_V(complex) *z, int radix) {
  PPMLI_UNROLL
  for (int j = 0; j < radix / 2; j++) PPMLI_V(split2)(x + j, x + j + radix / 2, z[0]);
  if (radix == 4) {
    PPMLI_V(split2)(x + 0, x + 1, z[1]), PPMLI_V(split2i)(x + 2, x + 3, z[1]);
  } else if (radix == 8) {
    PPMLI_V(split2)(x + 0, x + 2, z[1]), PPMLI_V(split2i)(x + 4, x + 6, z[1]);
    PPMLI_V(split2)(x + 1, x + 3, z[1]), PPMLI_V(split2i)(x + 5, x + 7, z[1]);
    PPMLI_V(split2)(x + 0, x + 1, z[2]), PPMLI_V(split2i)(x + 2, x + 3, z[2]);
    PPMLI_V(split2)(x + 4, x + 5, z[3]), PPMLI_V(split2i)(x + 6, x + 7, z[3]);
  }
}

PPMLI_V_INLINE void PPMLI_V(join)(PPMLI_V(complex) *x, const PPMLI_V(complex) *z, int radix) {
  if (radix == 4) {
    PPMLI_V(join2)(x + 0, x + 1, z[1]), PPMLI_V(join2i)(x + 2, x + 3, z[1]);
  } else if (radix == 8) {
    PPMLI_V(join2)(x + 0, x + 1, z[2]), PPMLI_V(join2i)(x + 2, x + 3, z[2]);
    PPMLI_V(join2)(x + 4, x + 5, z[3]), PPMLI_V(join2i)(x + 6, x + 7, z[3]);
    PPMLI_V(join2)(x + 0, x + 2, z[1]), PPMLI_V(join2i)(x + 4, x + 6, z[1]);
    PPMLI_V(join2)(x + 1, x + 3, z[1]), PPMLI_V(join2i)(x + 5, x + 7, z[1]);
  }
  PPMLI_UNROLL
  for (int j = 0; j < radix / 2; j++) PPMLI_V(join2)(x + j, x + j + radix / 2, z[0]);
}

/* ----------------------------------------------------------------- passes */

/* What a forward transform begins with: digits, or signed integers times scale. */
typedef struct PPMLI_V(source) {
  const uint64_t *poly;
  int digits;
  uint64_t offset, mask; /* of digits, see ppmli_gadget_digit */
  uint32_t shift;
  double centre; /* 2^52 + B/2 */
  double scale;
} PPMLI_V(source);

PPMLI_V_INLINE PPMLI_V(f64) PPMLI_V(fetch)(const PPMLI_V(source) *s, size_t i) {
  if (s->digits)
    return PPMLI_V(from_digit)(s->poly + i, s->offset, s->shift, s->mask) -
           PPMLI_V(broadcast)(s->centre);
  return PPMLI_V(from_signed)(s->poly + i) * PPMLI_V(broadcast)(s->scale);
}

/* The top of the tree, from the source into work. */
PPMLI_V_INLINE void PPMLI_V(split_source)(const ppmli_fft *fft, double *work,
                                          const PPMLI_V(source) *source, int radix) {
  size_t points = fft->points, apart = points / (size_t)radix;
  PPMLI_V(complex) x[8], z[4];
  PPMLI_V(zetas)(z, fft->zeta, 1, radix);
  for (size_t j = 0; j < apart; j += PPMLI_WIDTH) {
    PPMLI_UNROLL
    for (int r = 0; r < radix; r++) {
      x[r].re = PPMLI_V(fetch)(source, j + (size_t)r * apart);
      x[r].im = PPMLI_V(fetch)(source, j + (size_t)r * apart + points);
    }
    PPMLI_V(split)(x, z, radix);
    PPMLI_UNROLL
    for (int r = 0; r < radix; r++) {
      PPMLI_V(store_pair)(work + 2 * (j + (size_t)r * apart), x[r]);
    }
  }
}

/* The top of the tree, from work to the torus. */
PPMLI_V_INLINE void PPMLI_V(join_torus)(const ppmli_fft *fft, uint64_t *poly, const double *work,
                                        int radix) {
  size_t points = fft->points, apart = points / (size_t)radix;
  PPMLI_V(complex) x[8], z[4];
  PPMLI_V(zetas)(z, fft->zeta, 1, radix);
  for (size_t j = 0; j < apart; j += PPMLI_WIDTH) {
    PPMLI_UNROLL
    for (int r = 0; r < radix; r++) {
      x[r] = PPMLI_V(load_pair)(work + 2 * (j + (size_t)r * apart));
    }
    PPMLI_V(join)(x, z, radix);
    PPMLI_UNROLL
    for (int r = 0; r < radix; r++) {
      PPMLI_V(add_turns)(poly + j + (size_t)r * apart, x[r].re);
      PPMLI_V(add_turns)(poly + j + (size_t)r * apart + points, x[r].im);
    }
  }
}

/* The nodes first .. 2 first - 1, of one level, and those below them that PPMLI_RADIX takes;
 * down the tree, or up if up is not 0. */
PPMLI_V_STATIC void PPMLI_V(pass)(const ppmli_fft *fft, double *work, size_t first, int up) {
  size_t points = fft->points, apart = points / (first * PPMLI_RADIX);
  PPMLI_V(complex) x[8], z[4];
  for (size_t node = first; node < 2 * first; node++, work += 2 * apart * PPMLI_RADIX) {
    PPMLI_V(zetas)(z, fft->zeta, node, PPMLI_RADIX);
    for (size_t j = 0; j < apart; j += PPMLI_WIDTH) {
      PPMLI_UNROLL
      for (size_t r = 0; r < PPMLI_RADIX; r++) {
        x[r] = PPMLI_V(load_pair)(work + 2 * (j + r * apart));
      }
      if (up) PPMLI_V(join)(x, z, PPMLI_RADIX);
      else PPMLI_V(split)(x, z, PPMLI_RADIX);
      PPMLI_UNROLL
      for (size_t r = 0; r < PPMLI_RADIX; r++) {
        PPMLI_V(store_pair)(work + 2 * (j + r * apart), x[r]);
      }
    }
  }
}

/* Swaps vectors and lanes. */
PPMLI_V_INLINE void PPMLI_V(swap_lanes)(PPMLI_V(complex) *x) {
  PPMLI_V(f64) re[PPMLI_WIDTH], im[PPMLI_WIDTH];
  PPMLI_UNROLL
  for (int r = 0; r < PPMLI_WIDTH; r++) re[r] = x[r].re, im[r] = x[r].im;
  PPMLI_V(transpose)(re);
  PPMLI_V(transpose)(im);
  PPMLI_UNROLL
  for (int r = 0; r < PPMLI_WIDTH; r++) x[r].re = re[r], x[r].im = im[r];
}

/* Zetas of the last radix of a subtree, a node a lane. */
PPMLI_V_INLINE void PPMLI_V(lane_zetas)(PPMLI_V(complex) *z, const double *table) {
  PPMLI_UNROLL
  for (int j = 0; j < PPMLI_WIDTH / 2; j++, table += 2 * PPMLI_WIDTH)
    z[j].re = PPMLI_V(load)(table), z[j].im = PPMLI_V(load)(table + PPMLI_WIDTH);
}

/* Where vector `index` of a transform stands. */
PPMLI_INLINE size_t PPMLI_V(place)(size_t index, size_t stride) {
  size_t at = index * PPMLI_WIDTH;
  return at / PPMLI_LANES * stride + at % PPMLI_LANES;
}

/* The bottom of the tree: subtrees of W x W points, between work and the groups. */
PPMLI_V_INLINE void PPMLI_V(split_leaves)(const ppmli_fft *fft, double *out, size_t stride,
                                          const double *work) {
  const size_t W = PPMLI_WIDTH;
  size_t points = fft->points, trees = points / (W * W);
  PPMLI_V(complex) x[PPMLI_WIDTH], z[4];
  for (size_t t = 0; t < trees; t++, work += 2 * W * W) {
    PPMLI_UNROLL
    for (size_t r = 0; r < PPMLI_WIDTH; r++)
      x[r] = PPMLI_V(load_pair)(work + 2 * r * W);
    PPMLI_V(swap_lanes)(x);
    PPMLI_V(lane_zetas)(z, fft->table + t * W * W);
    PPMLI_V(split)(x, z, PPMLI_WIDTH);
    PPMLI_UNROLL
    for (size_t r = 0; r < PPMLI_WIDTH; r++) {
      double *o = out + PPMLI_V(place)(t * W + r, stride);
      PPMLI_V(store)(o, x[r].re), PPMLI_V(store)(o + PPMLI_LANES, x[r].im);
    }
  }
}

PPMLI_V_INLINE void PPMLI_V(join_leaves)(const ppmli_fft *fft, double *work, const double *in,
                                         size_t stride) {
  const size_t W = PPMLI_WIDTH;
  size_t points = fft->points, trees = points / (W * W);
  PPMLI_V(complex) x[PPMLI_WIDTH], z[4];
  for (size_t t = 0; t < trees; t++, work += 2 * W * W) {
    PPMLI_UNROLL
    for (size_t r = 0; r < PPMLI_WIDTH; r++) {
      const double *i = in + PPMLI_V(place)(t * W + r, stride);
      x[r].re = PPMLI_V(load)(i), x[r].im = PPMLI_V(load)(i + PPMLI_LANES);
    }
    PPMLI_V(lane_zetas)(z, fft->table + t * W * W);
    PPMLI_V(join)(x, z, PPMLI_WIDTH);
    PPMLI_V(swap_lanes)(x);
    PPMLI_UNROLL
    for (size_t r = 0; r < PPMLI_WIDTH; r++)
      PPMLI_V(store_pair)(work + 2 * r * W, x[r]);
  }
}

/* ------------------------------------------------------------- transforms */

/* The radix that the top of the tree is left with when passes of PPMLI_RADIX and the
 * subtrees of W x W points have taken theirs. */
PPMLI_INLINE size_t PPMLI_V(top_radix)(const ppmli_fft *fft) {
  size_t radix = fft->points / PPMLI_WIDTH;
  while (radix > PPMLI_RADIX) radix /= PPMLI_RADIX;
  return radix;
}

PPMLI_V_INLINE void PPMLI_V(forward)(const ppmli_fft *fft, double *out, size_t stride,
                                     const PPMLI_V(source) *source, double *work) {
  size_t radix = PPMLI_V(top_radix)(fft), trees = fft->points / PPMLI_WIDTH;
  if (radix == 8) PPMLI_V(split_source)(fft, work, source, 8);
  else if (radix == 4) PPMLI_V(split_source)(fft, work, source, 4);
  else PPMLI_V(split_source)(fft, work, source, 2);
  for (size_t node = radix; node < trees; node *= PPMLI_RADIX) PPMLI_V(pass)(fft, work, node, 0);
  PPMLI_V(split_leaves)(fft, out, stride, work);
}

PPMLI_V_STATIC void PPMLI_V(forward_signed)(const ppmli_fft *fft, double *out, size_t stride,
                                            const uint64_t *poly, double scale, double *work) {
  PPMLI_V(source) source = {poly, 0, 0, 0, 0, 0, scale};
  PPMLI_V(forward)(fft, out, stride, &source, work);
}

PPMLI_V_STATIC void PPMLI_V(forward_digit)(const ppmli_fft *fft, double *out, size_t stride,
                                           const uint64_t *poly, const ppmli_gadget *gadget,
                                           uint32_t level, double *work) {
  uint64_t mask = ((uint64_t)1 << gadget->base_log2) - 1;
  double centre = 4503599627370496.0 + (double)(mask / 2 + 1);
  PPMLI_V(source)
  source = {poly, 1, gadget->offset, mask, ppmli_gadget_shift(gadget, level), centre, 0};
  PPMLI_V(forward)(fft, out, stride, &source, work);
}

PPMLI_V_STATIC void PPMLI_V(backward_add)(const ppmli_fft *fft, uint64_t *poly, const double *in,
                                          size_t stride, double *work) {
  size_t radix = PPMLI_V(top_radix)(fft), trees = fft->points / PPMLI_WIDTH;
  PPMLI_V(join_leaves)(fft, work, in, stride);
  for (size_t node = trees / PPMLI_RADIX; node >= radix; node /= PPMLI_RADIX)
    PPMLI_V(pass)(fft, work, node, 1);
  if (radix == 8) PPMLI_V(join_torus)(fft, poly, work, 8);
  else if (radix == 4) PPMLI_V(join_torus)(fft, poly, work, 4);
  else PPMLI_V(join_torus)(fft, poly, work, 2);
}

PPMLI_STATIC size_t PPMLI_V(table_doubles)(uint32_t points) {
  return points;
}

/* Leaf d below node v of a subtree comes out in lane v of vector d. */
PPMLI_STATIC void PPMLI_V(prepare)(ppmli_fft *fft) {
  const uint32_t W = PPMLI_WIDTH, down[4] = {1, 2, 4, 4}, right[4] = {0, 0, 0, 2};
  for (uint32_t i = 0; i < fft->points; i++) {
    uint32_t lane = i % W, vector = i / W % W, tree = i / (W * W);
    uint32_t node = fft->points + (tree * W + lane) * W + vector;
    fft->exponent[i] = (uint16_t)ppmli_fft_tree_exponent(node, fft->poly_size);
  }
  for (uint32_t i = 0; i < fft->points / 2; i++) {
    uint32_t lane = i % W, j = i / W % (W / 2), tree = i / (W * W / 2);
    size_t node = (fft->points / W + tree * W + lane) * down[j] + right[j];
    fft->table[i / W * 2 * W + lane] = fft->zeta[2 * node];
    fft->table[i / W * 2 * W + lane + W] = fft->zeta[2 * node + 1];
  }
}

/* ---------------------------------------------------------------- product */

#define PPMLI_WALK_MONOMIALS 48
#define PPMLI_WALK_COLUMNS 4 /* that are held in registers */

/* One walk over the key, for as many samples as there is room for their monomials.
 *
 * In every group the exponents of the lanes are those of group 0 plus a constant, as the
 * bits of an index add up to its exponent.  So X^e on a group is a root times a vector
 * that all groups share. */
typedef struct PPMLI_V(walk) {
  const ppmli_fft *fft;
  const ppmli_product *shape;
  const uint16_t *exponents;                        /* [samples][terms], or NULL */
  double lanes[PPMLI_WALK_MONOMIALS * PPMLI_GROUP]; /* [samples][terms][GROUP] */
} PPMLI_V(walk);

PPMLI_STATIC void PPMLI_V(walk_init)(PPMLI_V(walk) *w, size_t first, size_t samples) {
  const ppmli_fft *fft = w->fft;
  size_t terms = w->shape->terms;
  w->exponents = w->shape->exponents ? w->shape->exponents + first * terms : NULL;
  for (size_t i = 0; w->exponents && i < samples * terms; i++)
    for (size_t lane = 0; lane < PPMLI_LANES; lane++) {
      uint32_t e = (uint32_t)fft->exponent[lane] - fft->exponent[0];
      uint32_t at = w->exponents[i] * e & (2 * fft->poly_size - 1);
      w->lanes[i * PPMLI_GROUP + lane] = fft->root[2 * at];
      w->lanes[i * PPMLI_GROUP + lane + PPMLI_LANES] = fft->root[2 * at + 1];
    }
}

/* X^e - 1 for monomial i of the walk, on the vector at `part` of a group. */
PPMLI_V_INLINE PPMLI_V(complex) PPMLI_V(monomial)(const PPMLI_V(walk) *w, size_t i, size_t group,
                                                  size_t part) {
  const ppmli_fft *fft = w->fft;
  uint32_t e = fft->exponent[group * PPMLI_LANES];
  PPMLI_V(complex) root = PPMLI_V(zeta)(fft->root, w->exponents[i] * e & (2 * fft->poly_size - 1));
  PPMLI_V(complex) lanes = PPMLI_V(load2)(w->lanes + i * PPMLI_GROUP + part, PPMLI_LANES);
  root = PPMLI_V(mul)(root, lanes);
  root.re = root.re - PPMLI_V(broadcast)(1);
  return root;
}

/* One vector of the group of sample i of the walk, and of the next one if samples is 2, so
 * that each load of the key serves both.  b begins at the first of the columns. */
PPMLI_V_INLINE void PPMLI_V(product_vector)(const PPMLI_V(walk) *w, double *out, const double *a,
                                            const double *b, size_t i, size_t group, size_t part,
                                            int columns, int samples) {
  const ppmli_product *p = w->shape;
  size_t groups = w->fft->points / PPMLI_LANES;
  size_t out_stride = groups * p->columns * PPMLI_GROUP, a_stride = groups * p->rows * PPMLI_GROUP;
  PPMLI_V(complex) sum[2][PPMLI_WALK_COLUMNS], factor[2], d[2], key;
  PPMLI_UNROLL
  for (int c = 0; c < columns; c++)
    sum[0][c].re = sum[0][c].im = sum[1][c].re = sum[1][c].im = PPMLI_V(broadcast)(0);
  for (size_t t = 0; t < p->terms; t++) {
    if (w->exponents) {
      factor[0] = PPMLI_V(monomial)(w, i * p->terms + t, group, part);
      if (samples == 2) factor[1] = PPMLI_V(monomial)(w, (i + 1) * p->terms + t, group, part);
    }
    for (size_t r = 0; r < p->rows; r++, b += p->columns * PPMLI_GROUP) {
      d[0] = PPMLI_V(load2)(a + r * PPMLI_GROUP, PPMLI_LANES);
      if (samples == 2) d[1] = PPMLI_V(load2)(a + a_stride + r * PPMLI_GROUP, PPMLI_LANES);
      if (w->exponents) {
        d[0] = PPMLI_V(mul)(d[0], factor[0]);
        if (samples == 2) d[1] = PPMLI_V(mul)(d[1], factor[1]);
      }
      PPMLI_UNROLL
      for (int c = 0; c < columns; c++) {
        key = PPMLI_V(load2)(b + c * PPMLI_GROUP, PPMLI_LANES);
        sum[0][c] = PPMLI_V(add_mul)(sum[0][c], d[0], key);
        if (samples == 2) sum[1][c] = PPMLI_V(add_mul)(sum[1][c], d[1], key);
      }
    }
  }
  PPMLI_UNROLL
  for (int c = 0; c < columns; c++) {
    PPMLI_V(store2)(out + c * PPMLI_GROUP, PPMLI_LANES, sum[0][c]);
    if (samples == 2) PPMLI_V(store2)(out + out_stride + c * PPMLI_GROUP, PPMLI_LANES, sum[1][c]);
  }
}

/* One group of one or two samples, in vectors and columns that fit in the registers. */
PPMLI_V_INLINE void PPMLI_V(product_group)(const PPMLI_V(walk) *w, double *out, const double *a,
                                           const double *b, size_t i, size_t group, int samples) {
  size_t columns = w->shape->columns;
  for (size_t part = 0; part < PPMLI_LANES; part += PPMLI_WIDTH)
    for (size_t c = 0; c < columns; c += PPMLI_WALK_COLUMNS) {
      double *o = out + c * PPMLI_GROUP + part;
      const double *x = a + part, *y = b + c * PPMLI_GROUP + part;
      switch (ppmli_min_size(columns - c, PPMLI_WALK_COLUMNS)) {
      case 4:
        PPMLI_V(product_vector)(w, o, x, y, i, group, part, 4, samples);
        break;
      case 3:
        PPMLI_V(product_vector)(w, o, x, y, i, group, part, 3, samples);
        break;
      case 2:
        PPMLI_V(product_vector)(w, o, x, y, i, group, part, 2, samples);
        break;
      default:
        PPMLI_V(product_vector)(w, o, x, y, i, group, part, 1, samples);
      }
    }
}

/* Groups outside, samples inside: the key of a group stays in the nearest cache for all
 * samples of a walk, each of which fetches its share of what lies behind, the next group's. */
PPMLI_V_STATIC void PPMLI_V(product)(const ppmli_fft *fft, double *out, const double *a,
                                     const double *b, const ppmli_product *p) {
  size_t groups = fft->points / PPMLI_LANES;
  size_t key = p->terms * p->rows * p->columns * PPMLI_GROUP;
  size_t most = p->exponents ? PPMLI_WALK_MONOMIALS / p->terms : p->samples;
  PPMLI_V(walk) w;
  w.fft = fft, w.shape = p;
  PPMLI_ASSERT(most > 0);
  for (size_t first = 0, count; first < p->samples; first += count) {
    count = ppmli_min_size(most, p->samples - first);
    PPMLI_V(walk_init)(&w, first, count);
    for (size_t g = 0; g < groups; g++)
      for (size_t s = 0, step; s < count; s += step) {
        size_t at = (first + s) * groups + g;
        double *o = out + at * p->columns * PPMLI_GROUP;
        const double *x = a + at * p->rows * PPMLI_GROUP, *y = b + g * key;
        step = ppmli_min_size(PPMLI_WALK_SAMPLES, count - s);
        for (size_t f = key * s / count; f < key * (s + step) / count; f += PPMLI_LANES)
          __builtin_prefetch(y + key + f);
        if (step == 2) PPMLI_V(product_group)(&w, o, x, y, s, g, 2);
        else PPMLI_V(product_group)(&w, o, x, y, s, g, 1);
      }
  }
}

/* ------------------------------------------------------------- key switch */

/* One vector of columns for `count` samples, whose sums stay in registers. */
PPMLI_V_INLINE void PPMLI_V(key_switch_vector)(uint32_t *out, size_t stride, const int32_t *digits,
                                               size_t samples, const uint32_t *key, size_t rows,
                                               int count) {
  PPMLI_V(u32) sum[PPMLI_KS_TILE];
  PPMLI_UNROLL
  for (int s = 0; s < count; s++) sum[s] = PPMLI_V(load_u32)(out + (size_t)s * stride);
  for (size_t r = 0; r < rows; r++, digits += samples, key += PPMLI_KS_COLUMNS) {
    PPMLI_V(u32) k = PPMLI_V(load_u32)(key);
    PPMLI_UNROLL
    for (int s = 0; s < count; s++) sum[s] = PPMLI_V(mulsub_u32)(k, digits[s], sum[s]);
  }
  PPMLI_UNROLL
  for (int s = 0; s < count; s++) PPMLI_V(store_u32)(out + (size_t)s * stride, sum[s]);
}

PPMLI_V_STATIC void PPMLI_V(key_switch)(uint32_t *out, const int32_t *digits, const uint32_t *key,
                                        size_t samples, size_t rows, size_t blocks) {
  size_t stride = blocks * PPMLI_KS_COLUMNS, s;
  for (size_t b = 0; b < blocks; b++, key += rows * PPMLI_KS_COLUMNS)
    for (size_t x = 0; x < PPMLI_KS_COLUMNS; x += 2 * PPMLI_WIDTH) {
      uint32_t *o = out + b * PPMLI_KS_COLUMNS + x;
      for (s = 0; s + PPMLI_KS_TILE <= samples; s += PPMLI_KS_TILE)
        PPMLI_V(key_switch_vector)(o + s * stride, stride, digits + s, samples, key + x, rows,
                                   PPMLI_KS_TILE);
      for (; s + 4 <= samples; s += 4)
        PPMLI_V(key_switch_vector)(o + s * stride, stride, digits + s, samples, key + x, rows, 4);
      for (; s < samples; s++)
        PPMLI_V(key_switch_vector)(o + s * stride, stride, digits + s, samples, key + x, rows, 1);
    }
}

/* ------------------------------------------------------------------ table */

#define PPMLI_V_STRING(vector) #vector
#define PPMLI_V_QUOTE(vector) PPMLI_V_STRING(vector)

PPMLI_STATIC const ppmli_backend *PPMLI_V(backend)(void) {
  static const ppmli_backend backend = {PPMLI_V_QUOTE(PPMLI_VECTOR),
                                        PPMLI_V(supported),
                                        PPMLI_V(table_doubles),
                                        PPMLI_V(prepare),
                                        PPMLI_V(forward_signed),
                                        PPMLI_V(forward_digit),
                                        PPMLI_V(backward_add),
                                        PPMLI_V(product),
                                        PPMLI_V(key_switch)};
  return &backend;
}

#undef PPMLI_V_JOIN
#undef PPMLI_V_EXPAND
#undef PPMLI_V
#undef PPMLI_V_INLINE
#undef PPMLI_V_STATIC
#undef PPMLI_V_STRING
#undef PPMLI_V_QUOTE
#undef PPMLI_UNROLL
#undef PPMLI_WALK_MONOMIALS
#undef PPMLI_WALK_COLUMNS
#undef PPMLI_WALK_SAMPLES
#undef PPMLI_VECTOR
#undef PPMLI_WIDTH
#undef PPMLI_RADIX
#undef PPMLI_KS_TILE
#undef PPMLI_TARGET
