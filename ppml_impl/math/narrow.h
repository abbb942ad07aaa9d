/* Exact products of integer polynomials modulo X^N + 1 in words of 32 bits: what ntt.h does in words of
 * 64, for machines to which products of 64 by 64 bits are dear, or which multiply four words of 32 at a
 * time.  A client's products are made by one of both: PPML_NARROW.
 *
 * The prime is q = 2^28 + 24577.  Numbers are signed and of magnitude up to 2^31; a product a b / 2^32 modulo
 * q, by Montgomery's reduction, has at most |a b| / 2^32 + q / 2.  What comes back are the coefficients of
 * smallest magnitude: a product is exact if its coefficients, as integers, have at most PPMLI_NARROW_MOST.
 * So words of a torus are taken apart into signed digits of 16 bits, of which 2^12 may be added up.
 *
 * The tree of ntt.h ends at polynomials of four coefficients, modulo X^4 - y: its loops are then all over
 * numbers that lie one after another, four or more of them.  CT on machines whose multiplication of 32
 * by 32 bits is.  Source: [Ber01] section 4; reduction: [Mon85].
 *
 * In: polynomials of integers; out: their product.  Next: ntt.h, long_make.h. */
#ifndef PPMLI_MATH_NARROW_H
#define PPMLI_MATH_NARROW_H

#include "../base/base.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

/* WebAssembly has products of 64 bits, but not their upper halves. */
#if defined(PPML_NARROW) || defined(__wasm__)
#define PPMLI_NARROW
#endif

#define PPMLI_NARROW_PRIME 268460033     /* q */
#define PPMLI_NARROW_INVERSE 0x13ffa001u /* of q, modulo 2^32 */
#define PPMLI_NARROW_MOST 134230016      /* (q - 1) / 2 */
#define PPMLI_NARROW_LEVELS_MAX 10       /* N = 2^12 */
#define PPMLI_NARROW_ROOT 127289006      /* of order 2^11, times 2^32 modulo q */
#define PPMLI_NARROW_ONE (-393232)       /* 2^32 modulo q */
#define PPMLI_NARROW_SQUARE 266886849    /* 2^64 modulo q */
#define PPMLI_NARROW_GROUP 4             /* coefficients that a leaf of the tree has */

/* ------------------------------------------------------------- arithmetic */

/* A vector of numbers, and of their products in full. */
#if defined(__wasm_simd128__)
#define PPMLI_NARROW_LANES 4
typedef v128_t ppmli_narrow_word;
typedef struct ppmli_narrow_wide {
  v128_t low, high; /* two products each */
} ppmli_narrow_wide;

PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_load(const int32_t *a) {
  return wasm_v128_load(a);
}
PPMLI_KERNEL void ppmli_narrow_store(int32_t *a, ppmli_narrow_word x) {
  wasm_v128_store(a, x);
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_all(int32_t x) {
  return wasm_i32x4_splat(x);
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_add(ppmli_narrow_word a, ppmli_narrow_word b) {
  return wasm_i32x4_add(a, b);
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_sub(ppmli_narrow_word a, ppmli_narrow_word b) {
  return wasm_i32x4_sub(a, b);
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_times(ppmli_narrow_word a, ppmli_narrow_word b) {
  return wasm_i32x4_mul(a, b);
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_shift(ppmli_narrow_word a, uint32_t by) {
  return wasm_i32x4_shr(a, by);
}
PPMLI_KERNEL ppmli_narrow_wide ppmli_narrow_wide_mul(ppmli_narrow_word a, ppmli_narrow_word b) {
  ppmli_narrow_wide w = {wasm_i64x2_extmul_low_i32x4(a, b), wasm_i64x2_extmul_high_i32x4(a, b)};
  return w;
}
PPMLI_KERNEL ppmli_narrow_wide ppmli_narrow_wide_add(ppmli_narrow_wide a, ppmli_narrow_wide b) {
  ppmli_narrow_wide w = {wasm_i64x2_add(a.low, b.low), wasm_i64x2_add(a.high, b.high)};
  return w;
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_lower(ppmli_narrow_wide w) {
  return wasm_i32x4_shuffle(w.low, w.high, 0, 2, 4, 6);
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_upper(ppmli_narrow_wide w) {
  return wasm_i32x4_shuffle(w.low, w.high, 1, 3, 5, 7);
}
#else
#define PPMLI_NARROW_LANES 1
typedef int32_t ppmli_narrow_word;
typedef int64_t ppmli_narrow_wide;

PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_load(const int32_t *a) {
  return *a;
}
PPMLI_KERNEL void ppmli_narrow_store(int32_t *a, ppmli_narrow_word x) {
  *a = x;
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_all(int32_t x) {
  return x;
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_add(ppmli_narrow_word a, ppmli_narrow_word b) {
  return a + b;
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_sub(ppmli_narrow_word a, ppmli_narrow_word b) {
  return a - b;
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_times(ppmli_narrow_word a, ppmli_narrow_word b) {
  return (int32_t)((uint32_t)a * (uint32_t)b);
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_shift(ppmli_narrow_word a, uint32_t by) {
  return a >> by;
}
PPMLI_KERNEL ppmli_narrow_wide ppmli_narrow_wide_mul(ppmli_narrow_word a, ppmli_narrow_word b) {
  return (int64_t)a * b;
}
PPMLI_KERNEL ppmli_narrow_wide ppmli_narrow_wide_add(ppmli_narrow_wide a, ppmli_narrow_wide b) {
  return a + b;
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_lower(ppmli_narrow_wide w) {
  return (int32_t)(uint32_t)(uint64_t)w;
}
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_upper(ppmli_narrow_wide w) {
  return (int32_t)(uint32_t)((uint64_t)w >> 32);
}
#endif

/* (w - m q) / 2^32, where m is w / q modulo 2^32: of both the lower halves are equal. */
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_finish(ppmli_narrow_wide w, ppmli_narrow_word m) {
  ppmli_narrow_wide away = ppmli_narrow_wide_mul(m, ppmli_narrow_all(-PPMLI_NARROW_PRIME));
  return ppmli_narrow_upper(ppmli_narrow_wide_add(w, away));
}

/* w / 2^32 modulo q, of magnitude up to |w| / 2^32 + q / 2. */
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_reduce(ppmli_narrow_wide w) {
  ppmli_narrow_word inverse = ppmli_narrow_all((int32_t)PPMLI_NARROW_INVERSE);
  return ppmli_narrow_finish(w, ppmli_narrow_times(ppmli_narrow_lower(w), inverse));
}

/* What one factor is multiplied by again and again, with its quotient by q modulo 2^32. */
typedef struct ppmli_narrow_root {
  ppmli_narrow_word z, quotient;
} ppmli_narrow_root;

PPMLI_KERNEL ppmli_narrow_root ppmli_narrow_root_of(int32_t z) {
  ppmli_narrow_root root = {ppmli_narrow_all(z),
                            ppmli_narrow_all((int32_t)((uint32_t)z * PPMLI_NARROW_INVERSE))};
  return root;
}

/* a z / 2^32 modulo q. */
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_mul(ppmli_narrow_word a,
                                                const ppmli_narrow_root *root) {
  return ppmli_narrow_finish(ppmli_narrow_wide_mul(a, root->z),
                             ppmli_narrow_times(a, root->quotient));
}

/* a modulo q, of magnitude up to 2^27 + 2^18; a up to 2^31 - 2^27.  q is 2^28 and little more. */
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_small(ppmli_narrow_word a) {
  ppmli_narrow_word times = ppmli_narrow_shift(ppmli_narrow_add(a, ppmli_narrow_all(1 << 27)), 28);
  return ppmli_narrow_sub(a, ppmli_narrow_times(times, ppmli_narrow_all(PPMLI_NARROW_PRIME)));
}

/* The number of smallest magnitude that a stands for; a up to q.  CT. */
PPMLI_KERNEL int32_t ppmli_narrow_signed(int32_t a) {
  a += PPMLI_NARROW_PRIME & -(int32_t)((uint32_t)(a + PPMLI_NARROW_MOST) >> 31);
  return a - (PPMLI_NARROW_PRIME & -(int32_t)((uint32_t)(PPMLI_NARROW_MOST - a) >> 31));
}

/* One number at a time, for tables. */
PPMLI_STATIC int32_t ppmli_narrow_one_mul(int32_t a, int32_t b) {
  int64_t w = (int64_t)a * b;
  int32_t m = (int32_t)((uint32_t)(uint64_t)w * PPMLI_NARROW_INVERSE);
  return (int32_t)(uint32_t)((uint64_t)(w - (int64_t)m * PPMLI_NARROW_PRIME) >> 32);
}

/* ------------------------------------------------------------------ roots */

/* As in ntt.h: node i of level l splits by the product of base[t] over the bits t of 2^l + i, with base[t] of
 * order 2^(t + 2).  All times 2^32, and of magnitude below 0.6 q. */
typedef struct ppmli_narrow {
  uint32_t poly_size, levels; /* N = 4 2^levels */
  int32_t *z;                 /* [ppmli_narrow_roots]  of node i of level l at 2^l + i */
} ppmli_narrow;

PPMLI_INLINE size_t ppmli_narrow_roots(uint32_t poly_size) {
  return poly_size / PPMLI_NARROW_GROUP;
}

/*   poly_size  N, a power of two from 8 to 2^12
 *   z          [ppmli_narrow_roots]  out */
PPMLI_STATIC void ppmli_narrow_init(ppmli_narrow *n, uint32_t poly_size, int32_t *z) {
  int32_t base[PPMLI_NARROW_LEVELS_MAX], root = PPMLI_NARROW_ROOT;
  n->poly_size = poly_size;
  n->levels = 0;
  n->z = z;
  while (poly_size >> (n->levels + 3)) n->levels++;
  for (uint32_t t = PPMLI_NARROW_LEVELS_MAX; t-- > 0; root = ppmli_narrow_one_mul(root, root))
    base[t] = root;
  z[0] = PPMLI_NARROW_ONE; /* of no node */
  for (uint32_t t = 0; t < n->levels; t++)
    for (uint32_t i = 0, bit = 1u << t; i < bit; i++)
      z[bit + i] = ppmli_narrow_one_mul(z[i], base[t]);
}

/* ------------------------------------------------------------- transforms */

/* Down the tree: a, b = a + z b, a - z b for the halves of each node.
 *   a  [N] in place; in: of magnitude up to 2^15; out: below 2^31, since each level adds at most
 *      0.036 of it, and q / 2.  CT. */
PPMLI_STATIC void ppmli_narrow_forward(int32_t *a, const ppmli_narrow *n) {
  for (uint32_t l = 0; l < n->levels; l++) {
    uint32_t half = n->poly_size >> (l + 1);
    for (uint32_t i = 0; i < 1u << l; i++) {
      int32_t *x = a + (size_t)2 * half * i, *y = x + half;
      ppmli_narrow_root z = ppmli_narrow_root_of(n->z[(1u << l) + i]);
      for (uint32_t j = 0; j < half; j += PPMLI_NARROW_LANES) {
        ppmli_narrow_word u = ppmli_narrow_load(x + j);
        ppmli_narrow_word t = ppmli_narrow_mul(ppmli_narrow_load(y + j), &z);
        ppmli_narrow_store(x + j, ppmli_narrow_add(u, t));
        ppmli_narrow_store(y + j, ppmli_narrow_sub(u, t));
      }
    }
  }
}

/* Up the tree: a, b = a + b, (b - a) z; undoes ppmli_narrow_forward but for a factor of 2^levels.  The z
 * of nodes i and 2^l - 1 - i have the product -1, so (a - b) / z is (b - a) times the other's.
 *   a  [N] in place, of magnitude up to 1.1 2^27 before and after each level.  CT. */
PPMLI_STATIC void ppmli_narrow_backward(int32_t *a, const ppmli_narrow *n) {
  for (uint32_t l = n->levels; l-- > 0;) {
    uint32_t half = n->poly_size >> (l + 1), last = (1u << l) - 1;
    for (uint32_t i = 0; i <= last; i++) {
      int32_t *x = a + (size_t)2 * half * (last - i), *y = x + half;
      ppmli_narrow_root z = ppmli_narrow_root_of(n->z[(1u << l) + i]);
      for (uint32_t j = 0; j < half; j += PPMLI_NARROW_LANES) {
        ppmli_narrow_word u = ppmli_narrow_load(x + j), v = ppmli_narrow_load(y + j);
        ppmli_narrow_store(x + j, ppmli_narrow_small(ppmli_narrow_add(u, v)));
        ppmli_narrow_store(y + j, ppmli_narrow_mul(ppmli_narrow_sub(v, u), &z));
      }
    }
  }
  for (uint32_t j = 0; j < n->poly_size; j++) a[j] = ppmli_narrow_signed(a[j]);
}

/* ---------------------------------------------------------------- leaves */

/* A product modulo X^4 - y has at k the sum of a_i b_(k - i), or of a_i y b_(4 + k - i) where that is
 * below 0: of a_i times what stands 3 - i + k from the beginning of
 *
 *     y b_1, y b_2, y b_3, b_0, b_1, b_2, b_3
 *
 * as which a factor is held, in eight numbers. */
#define PPMLI_NARROW_FACTOR 8

PPMLI_INLINE size_t ppmli_narrow_factor_words(uint32_t poly_size) {
  return (size_t)poly_size / PPMLI_NARROW_GROUP * PPMLI_NARROW_FACTOR;
}

/* Makes a factor of a polynomial that was transformed, times 2^32 / 2^levels, so that products are what
 * they are when they come back.
 *   f  [ppmli_narrow_factor_words]  in: the polynomial in its second half; out.  CT. */
PPMLI_STATIC void ppmli_narrow_factor(int32_t *f, const ppmli_narrow *n) {
  const int32_t *from = f + n->poly_size;
  int32_t scale = PPMLI_NARROW_SQUARE;
  for (uint32_t l = 0; l < n->levels; l++) /* half of it, modulo q */
    scale = (scale + (scale & 1) * PPMLI_NARROW_PRIME) >> 1;
  for (uint32_t g = 0; g < n->poly_size / PPMLI_NARROW_GROUP; g++) {
    int32_t z = n->z[n->poly_size / 8 + g / 2], y = g % 2 ? -z : z;
    int32_t *to = f + (size_t)PPMLI_NARROW_FACTOR * g; /* up to what was read */
    for (uint32_t i = 0; i < PPMLI_NARROW_GROUP; i++) {
      int32_t b = ppmli_narrow_one_mul(from[PPMLI_NARROW_GROUP * g + i], scale);
      to[3 + i] = b;
      if (i) to[i - 1] = ppmli_narrow_one_mul(b, y);
    }
    to[7] = 0;
  }
}

/* Numbers k and behind of a leaf's product, of magnitude below 2^29 + 2^27.
 *   a  [4]  below 2^31
 *   f  [8]  the factor's */
PPMLI_KERNEL ppmli_narrow_word ppmli_narrow_leaf(const int32_t *a, const int32_t *f, size_t k) {
  const int32_t *b = f + 3 + k;
  ppmli_narrow_wide w = ppmli_narrow_wide_mul(ppmli_narrow_all(a[0]), ppmli_narrow_load(b));
  for (size_t i = 1; i < PPMLI_NARROW_GROUP; i++)
    w = ppmli_narrow_wide_add(
        w, ppmli_narrow_wide_mul(ppmli_narrow_all(a[i]), ppmli_narrow_load(b - i)));
  return ppmli_narrow_reduce(w);
}

/* a = a f, transformed.
 *   a  [N]  in: of magnitude below 2^31; out: up to 2^27 + 2^18.  CT. */
PPMLI_STATIC void ppmli_narrow_multiply(int32_t *a, const int32_t *f, const ppmli_narrow *n) {
  for (size_t g = 0; g < n->poly_size; g += PPMLI_NARROW_GROUP) {
    int32_t in[PPMLI_NARROW_GROUP];
    memcpy(in, a + g, sizeof in);
    for (size_t k = 0; k < PPMLI_NARROW_GROUP; k += PPMLI_NARROW_LANES)
      ppmli_narrow_store(a + g + k, ppmli_narrow_small(ppmli_narrow_leaf(in, f + 2 * g, k)));
  }
}

/* sum += a f, transformed.
 *   sum  [N]  of magnitude up to 2^27 + 2^18, before and after
 *   a    [N]  below 2^31.  CT. */
PPMLI_STATIC void ppmli_narrow_muladd(int32_t *sum, const int32_t *a, const int32_t *f,
                                      const ppmli_narrow *n) {
  for (size_t g = 0; g < n->poly_size; g += PPMLI_NARROW_GROUP)
    for (size_t k = 0; k < PPMLI_NARROW_GROUP; k += PPMLI_NARROW_LANES) {
      int32_t *to = sum + g + k;
      ppmli_narrow_word more = ppmli_narrow_leaf(a + g, f + 2 * g, k);
      ppmli_narrow_store(to, ppmli_narrow_small(ppmli_narrow_add(ppmli_narrow_load(to), more)));
    }
}

/* ----------------------------------------------------------------- digits */

/* Added to a word of 64 bits, modulo 2^64, makes its four digits of 16 bits unsigned. */
#define PPMLI_NARROW_DIGITS 4
#define PPMLI_NARROW_UNSIGNED UINT64_C(0x8000800080008000)

/* Signed digit d of a word to which that was added. */
PPMLI_KERNEL int32_t ppmli_narrow_digit(uint64_t word, uint32_t d) {
  return (int32_t)(word >> 16 * d & 0xffff) - 0x8000;
}

#endif
