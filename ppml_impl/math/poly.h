/* Polynomials modulo X^N + 1 with torus coefficients, in exact integers: products with a secret key of
 * zeros and ones, rotations, and automorphisms X -> X^g.  Exact, so every machine makes the same
 * ciphertexts.  Next: fft.h for products that may be approximate, cipher/glwe.h.  In: torus polynomials;
 * out: torus polynomials. */
#ifndef PPMLI_MATH_POLY_H
#define PPMLI_MATH_POLY_H

#include "../base/arena.h"
#include "../base/ct.h"

/* Bit i of a packed key. */
PPMLI_INLINE uint64_t ppmli_bit(const uint8_t *bits, size_t i) {
  return bits[i / 8] >> (i % 8) & 1;
}

PPMLI_INLINE size_t ppmli_poly_binary_muladd_scratch(uint32_t poly_size) {
  return ppmli_arena_rounded(2 * (size_t)poly_size * sizeof(uint64_t));
}

/* r += a * s mod X^N + 1.
 *   r     [N] torus     out; no alias
 *   a     [N] torus
 *   bits  [N] bits      s, from bit `first` of the packed key on; N a multiple of 4
 *   twice [2 N]         scratch
 * Four shifted copies of a a pass, each masked by its key bit: exact, the same on every
 * machine, no floats on the client.
 * CT: every bit costs the same masked additions; addresses depend on N only. */
PPMLI_STATIC void ppmli_poly_binary_muladd(uint64_t *PPMLI_RESTRICT r, const uint64_t *a,
                                           const uint8_t *bits, size_t first, uint32_t poly_size,
                                           uint64_t *PPMLI_RESTRICT twice) {
  for (uint32_t i = 0; i < poly_size; i++) /* X^i a = twice[N - i ..], with X^N = -1 */
    twice[i] = 0 - a[i], twice[poly_size + i] = a[i];
  for (uint32_t i = 0; i < poly_size; i += 4) {
    const uint64_t *shifted = twice + poly_size - i;
    uint64_t m0 = ppmli_ct_mask(ppmli_bit(bits, first + i));
    uint64_t m1 = ppmli_ct_mask(ppmli_bit(bits, first + i + 1));
    uint64_t m2 = ppmli_ct_mask(ppmli_bit(bits, first + i + 2));
    uint64_t m3 = ppmli_ct_mask(ppmli_bit(bits, first + i + 3));
    for (uint32_t j = 0; j < poly_size; j++)
      r[j] += (shifted[(int32_t)j] & m0) + (shifted[(int32_t)j - 1] & m1) +
              (shifted[(int32_t)j - 2] & m2) + (shifted[(int32_t)j - 3] & m3);
  }
}

/* r = X^-shift * a, 0 <= shift < 2 N.  r [N], a [N], no alias. */
PPMLI_STATIC void ppmli_poly_rotate_down(uint64_t *r, const uint64_t *a, uint32_t shift,
                                         uint32_t poly_size) {
  uint64_t sign = 0;
  if (shift >= poly_size) shift -= poly_size, sign = ~(uint64_t)0;
  for (uint32_t i = 0; i < poly_size - shift; i++) r[i] = (a[i + shift] ^ sign) - sign;
  sign = ~sign;
  for (uint32_t i = poly_size - shift; i < poly_size; i++)
    r[i] = (a[i + shift - poly_size] ^ sign) - sign;
}

/* r = a(X^g), g odd and below 2 N.  r [N], a [N], no alias. */
PPMLI_STATIC void ppmli_poly_automorphism(uint64_t *PPMLI_RESTRICT r,
                                          const uint64_t *PPMLI_RESTRICT a, uint32_t g,
                                          uint32_t poly_size) {
  uint32_t at = 0; /* i g modulo 2 N; beyond N, X^N = -1 */
  for (uint32_t i = 0; i < poly_size; i++, at = (at + g) & (2 * poly_size - 1)) {
    uint64_t sign = 0 - (uint64_t)(at >= poly_size);
    r[at & (poly_size - 1)] = (a[i] ^ sign) - sign;
  }
}

#endif
