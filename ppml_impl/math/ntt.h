/* Exact products of integer polynomials modulo X^N + 1, in whole numbers alone.
 *
 * A number-theoretic transform over the prime p = 2^64 - 2^32 + 1.  X^N + 1 splits into
 * X^(N/2) - z and X^(N/2) + z with z^2 = -1, and so on down the tree to N linear factors, as in
 * fft/ref.h.  What comes back are the coefficients modulo p: a product is exact if its
 * coefficients, as integers, lie between -2^62 and 2^62.
 *
 * A client makes its ciphertexts and keys by this: no compiler option and no rounding mode can
 * change what it gives.  CT on machines whose multiplication of 32 by 32 bits is (of 64 by 64,
 * where the compiler has 128-bit integers).
 * Source: [Ber01] section 4; reduction: [Mon85].
 *
 * In: polynomials of integers; out: their product.  Next: long_make.h. */
#ifndef PPMLI_MATH_NTT_H
#define PPMLI_MATH_NTT_H

#include "../base/ct.h"

#define PPMLI_NTT_PRIME UINT64_C(0xffffffff00000001)
#define PPMLI_NTT_LOG2_MAX 12 /* of N */
/* 7^((p - 1) / 2^13) 2^64 modulo p: 7 generates the units, so that is a root of X^4096 + 1. */
#define PPMLI_NTT_ROOT UINT64_C(0x35d17996b4e99746)
#define PPMLI_NTT_ONE UINT64_C(0xffffffff) /* 2^64 modulo p */

/* ------------------------------------------------------------- arithmetic */

/* The machine's own flags are a fifth faster than their formulas; but clang, and gcc where it does not
 * optimize, make branches of them. */
#if defined(__OPTIMIZE__) && defined(__GNUC__) && __GNUC__ >= 5 && !defined(__clang__)
#define PPMLI_NTT_FLAGS
#endif

/* a + b and a - b modulo 2^64; returns the carry, or the borrow.  CT. */
PPMLI_KERNEL int ppmli_ntt_add_carry(uint64_t *sum, uint64_t a, uint64_t b) {
#ifdef PPMLI_NTT_FLAGS
  return __builtin_add_overflow(a, b, sum);
#else
  *sum = a + b;
  return (int)(ppmli_ct_hide((a & b) | ((a | b) & ~*sum)) >> 63);
#endif
}

PPMLI_KERNEL int ppmli_ntt_sub_borrow(uint64_t *difference, uint64_t a, uint64_t b) {
#ifdef PPMLI_NTT_FLAGS
  return __builtin_sub_overflow(a, b, difference);
#else
  *difference = a - b;
  return (int)ppmli_ct_less(a, b);
#endif
}

/* 2^64 modulo p where bit is 1, else 0: what a sum's carry is worth, or a difference's borrow. */
PPMLI_KERNEL uint64_t ppmli_ntt_carry(int bit) {
  return (uint32_t)ppmli_ct_hide((uint32_t)0 - (uint32_t)bit);
}

/* a + b and a - b modulo p, for b below p; a and the result may be any 64 bits.  A sum that has a
 * carry is below p - 1, a difference that borrows above 2^32 - 1: so neither is corrected twice. */
PPMLI_KERNEL uint64_t ppmli_ntt_add(uint64_t a, uint64_t b) {
  uint64_t sum;
  int carry = ppmli_ntt_add_carry(&sum, a, b);
  return sum + ppmli_ntt_carry(carry);
}

PPMLI_KERNEL uint64_t ppmli_ntt_sub(uint64_t a, uint64_t b) {
  uint64_t difference;
  int borrow = ppmli_ntt_sub_borrow(&difference, a, b);
  return difference - ppmli_ntt_carry(borrow);
}

/* x modulo p, below p: less p is plus 2^64 - p, modulo 2^64. */
PPMLI_KERNEL uint64_t ppmli_ntt_reduce(uint64_t x) {
  uint64_t less;
  return x + ppmli_ntt_carry(
                 ppmli_ntt_add_carry(&less, x, PPMLI_NTT_ONE)); /* which carries from p on */
}

/* The upper and the lower half of a b. */
PPMLI_KERNEL void ppmli_ntt_wide_mul(uint64_t *high, uint64_t *low, uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)a * b;
  *low = (uint64_t)product, *high = (uint64_t)(product >> 64);
#else
  uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0;
  uint64_t mid = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10; /* below 3 2^32 */
  *low = (uint32_t)p00 | mid << 32;
  *high = a1 * b1 + (p01 >> 32) + (p10 >> 32) + (mid >> 32);
#endif
}

/* a b / 2^64 modulo p, below p; a is any 64 bits, b below p.
 *
 * 1 / p = 1 + 2^32 modulo 2^64, so m = low (1 + 2^32) makes m p end in low, and
 * (a b - m p) / 2^64 is high less the upper half of m p, which is m - (m >> 32), less 1 where
 * low (1 + 2^32) had a carry.  Both are below p: what they differ by is, but for a borrow. */
PPMLI_KERNEL uint64_t ppmli_ntt_mul(uint64_t a, uint64_t b) {
  uint64_t high, low, m;
  ppmli_ntt_wide_mul(&high, &low, a, b);
  uint64_t carry = (uint64_t)ppmli_ntt_add_carry(&m, low, low << 32);
  return ppmli_ntt_sub(high, m - (m >> 32) - carry);
}

/* An integer modulo 2^64, of magnitude below 2^62, as its residue below p; and back.  Bit 63 is the
 * sign of either: a negative x is p + x, modulo 2^64 less 2^32 - 1. */
PPMLI_KERNEL uint64_t ppmli_ntt_from_signed(uint64_t x) {
  uint64_t sign = x >> 63;
  return x - ((sign << 32) - sign);
}

PPMLI_KERNEL uint64_t ppmli_ntt_to_signed(uint64_t x) {
  uint64_t sign = x >> 63;
  return x + ((sign << 32) - sign);
}

/* ------------------------------------------------------------------ roots */

/* Node i of level l splits by z = base[l] w(i), with base[l] = psi^(N / 2^(l + 1)), psi a root of
 * X^N + 1, and w(i) the product of base[t] over the bits t of i.  So w for the lower six bits of
 * an index, and for the upper ones, is table enough for all levels; it fits on a stack.  All
 * roots are held times 2^64, for ppmli_ntt_mul. */
#define PPMLI_NTT_LOW_LOG2 6
#define PPMLI_NTT_LOW (1u << PPMLI_NTT_LOW_LOG2)
#define PPMLI_NTT_HIGH (1u << (PPMLI_NTT_LOG2_MAX - 1 - PPMLI_NTT_LOW_LOG2))

typedef struct ppmli_ntt {
  uint32_t poly_size, levels; /* N = 2^levels */
  uint64_t base[PPMLI_NTT_LOG2_MAX];
  uint64_t low[PPMLI_NTT_LOW], high[PPMLI_NTT_HIGH];
} ppmli_ntt;

/*   poly_size  N, a power of two from 2 to 2^LOG2_MAX */
PPMLI_STATIC void ppmli_ntt_init(ppmli_ntt *ntt, uint32_t poly_size) {
  uint64_t psi = PPMLI_NTT_ROOT;
  memset(ntt, 0, sizeof *ntt);
  ntt->poly_size = poly_size;
  while (poly_size >> (ntt->levels + 1)) ntt->levels++;
  for (uint32_t l = ntt->levels; l < PPMLI_NTT_LOG2_MAX; l++) psi = ppmli_ntt_mul(psi, psi);
  for (uint32_t l = ntt->levels; l-- > 0; psi = ppmli_ntt_mul(psi, psi)) ntt->base[l] = psi;
  ntt->low[0] = ntt->high[0] = PPMLI_NTT_ONE;
  for (uint32_t t = 0; t + 1 < ntt->levels; t++) {
    uint64_t *w = t < PPMLI_NTT_LOW_LOG2 ? ntt->low : ntt->high;
    uint32_t bit = 1u << (t < PPMLI_NTT_LOW_LOG2 ? t : t - PPMLI_NTT_LOW_LOG2);
    for (uint32_t i = 0; i < bit; i++) w[bit + i] = ppmli_ntt_mul(w[i], ntt->base[t]);
  }
}

/* ------------------------------------------------------------- transforms */

/* a, b = a + z b, a - z b for the first and the second half of a.
 *   a  [2 half]  any 64 bits */
PPMLI_KERNEL void ppmli_ntt_split(uint64_t *a, uint32_t half, uint64_t z) {
  for (uint32_t j = 0; j < half; j++) {
    uint64_t t = ppmli_ntt_mul(a[half + j], z);
    a[half + j] = ppmli_ntt_sub(a[j], t), a[j] = ppmli_ntt_add(a[j], t);
  }
}

/* a, b = a + b, (b - a) z, likewise.
 *   a  [2 half]  below p */
PPMLI_KERNEL void ppmli_ntt_join(uint64_t *a, uint32_t half, uint64_t z) {
  for (uint32_t j = 0; j < half; j++) {
    uint64_t sum = ppmli_ntt_add(a[j], a[half + j]), less = ppmli_ntt_sub(a[half + j], a[j]);
    a[j] = ppmli_ntt_reduce(sum), a[half + j] = ppmli_ntt_mul(less, z);
  }
}

/* Down the tree, nodes of a level 64 at a time.
 *   a  [N] in place, any 64 bits.  CT. */
PPMLI_STATIC void ppmli_ntt_forward(uint64_t *a, const ppmli_ntt *ntt) {
  for (uint32_t l = 0; l < ntt->levels; l++) {
    uint32_t half = ntt->poly_size >> (l + 1), nodes = 1u << l;
    for (uint32_t first = 0; first < nodes; first += PPMLI_NTT_LOW) {
      uint64_t high = ppmli_ntt_mul(ntt->base[l], ntt->high[first / PPMLI_NTT_LOW]);
      for (uint32_t i = 0; i < PPMLI_NTT_LOW && first + i < nodes; i++)
        ppmli_ntt_split(a + (size_t)2 * half * (first + i), half, ppmli_ntt_mul(high, ntt->low[i]));
    }
  }
}

/* Up the tree; undoes ppmli_ntt_forward but for a factor of N.  The z of nodes i and
 * 2^l - 1 - i have the product psi^N = -1, so (a - b) / z is (b - a) times the other's.
 *   a  [N] in place, below p.  CT. */
PPMLI_STATIC void ppmli_ntt_backward(uint64_t *a, const ppmli_ntt *ntt) {
  for (uint32_t l = ntt->levels; l-- > 0;) {
    uint32_t half = ntt->poly_size >> (l + 1), nodes = 1u << l;
    for (uint32_t first = 0; first < nodes; first += PPMLI_NTT_LOW) {
      uint64_t high = ppmli_ntt_mul(ntt->base[l], ntt->high[first / PPMLI_NTT_LOW]);
      for (uint32_t i = 0; i < PPMLI_NTT_LOW && first + i < nodes; i++)
        ppmli_ntt_join(a + (size_t)2 * half * (nodes - 1 - first - i), half,
                       ppmli_ntt_mul(high, ntt->low[i]));
    }
  }
}

/* a = a b / 2^64 in the transformed domain, below p.
 *   a  [N] any 64 bits;  b  [N] below p.  CT. */
PPMLI_STATIC void ppmli_ntt_multiply(uint64_t *a, const uint64_t *b, const ppmli_ntt *ntt) {
  for (uint32_t i = 0; i < ntt->poly_size; i++) a[i] = ppmli_ntt_mul(a[i], b[i]);
}

/* a times 2^64 / N, below p: of a factor, so that ppmli_ntt_multiply and ppmli_ntt_backward give
 * the product itself.  1 / N = p - (p - 1) / N; 2^128 modulo p is (2^32 - 1)^2 - p.
 *   a  [N] any 64 bits.  CT. */
PPMLI_STATIC void ppmli_ntt_prepare(uint64_t *a, const ppmli_ntt *ntt) {
  const uint64_t square = PPMLI_NTT_ONE * PPMLI_NTT_ONE; /* 2^128 modulo p, below p */
  uint64_t inverse = PPMLI_NTT_PRIME - (PPMLI_NTT_PRIME - 1) / ntt->poly_size;
  uint64_t factor = ppmli_ntt_mul(ppmli_ntt_mul(square, square), inverse); /* 2^128 / N */
  for (uint32_t i = 0; i < ntt->poly_size; i++) a[i] = ppmli_ntt_mul(a[i], factor);
}

#endif
