/* Polynomials modulo X^N + 1 with torus coefficients, in exact integers: products with a secret key of
 * zeros and ones, rotations, and automorphisms X -> X^g.  Exact, so every machine makes the same
 * ciphertexts.  Next: fft.h for products that may be approximate, cipher/glwe.h.  In: torus polynomials;
 * out: torus polynomials. */
#ifndef PPMLI_MATH_POLY_H
#define PPMLI_MATH_POLY_H

#include "../base/arena.h"
#include "../base/ct.h"

/* Bit i of a packed key. */
PPMLI_KERNEL uint64_t ppmli_bit(const uint8_t *bits, size_t i) {
  return bits[i / 8] >> (i % 8) & 1;
}

/* A polynomial that is multiplied where it stands has so many words of room before it. */
#define PPMLI_POLY_LEAD 7

PPMLI_INLINE size_t ppmli_poly_lead_words(uint32_t poly_size) {
  return (size_t)poly_size + PPMLI_POLY_LEAD;
}

PPMLI_INLINE size_t ppmli_poly_binary_muladd_scratch(uint32_t poly_size) {
  return ppmli_arena_rounded(ppmli_poly_lead_words(poly_size) * sizeof(uint64_t));
}

/* a = X^8 a.  What leaves at the top comes back at the bottom, negated, since X^N = -1: all but the first
 * of it stands before a already.
 *   lead  [7 + N]  the negated upper 7 coefficients of a, then a */
PPMLI_STATIC void ppmli_poly_shift(uint64_t *lead, uint32_t poly_size) {
  uint64_t *a = lead + PPMLI_POLY_LEAD, first = 0 - lead[poly_size - 1];
  for (uint32_t j = poly_size; j-- > PPMLI_POLY_LEAD + 1;) a[j] = a[j - PPMLI_POLY_LEAD - 1];
  a[0] = first;
  for (uint32_t j = 0; j < PPMLI_POLY_LEAD; j++) a[j + 1] = lead[j];
}

/* r += a * s mod X^N + 1, in room for a and little more.
 *   r     [N] torus     out; no alias
 *   lead  [N + 7]       in: 7 words of any content, then a; a becomes -a, since X^N = -1
 *   bits  [N] bits      s, from bit `first` of the packed key on; N a multiple of 8
 * Eight shifted copies of a a pass, each masked by its key bit; then a is shifted by as many: exact,
 * the same on every machine, no floats on the client.
 * CT: every bit costs the same masked additions; addresses depend on N only. */
PPMLI_STATIC void ppmli_poly_binary_muladd_here(uint64_t *PPMLI_RESTRICT r,
                                                uint64_t *PPMLI_RESTRICT lead, const uint8_t *bits,
                                                size_t first, uint32_t poly_size) {
  for (uint32_t i = 0; i < poly_size; i += PPMLI_POLY_LEAD + 1) {
    uint64_t m[PPMLI_POLY_LEAD + 1];
    for (uint32_t k = 0; k <= PPMLI_POLY_LEAD; k++)
      m[k] = ppmli_ct_mask(ppmli_bit(bits, first + i + k));
    for (uint32_t k = 0; k < PPMLI_POLY_LEAD; k++) lead[k] = 0 - lead[poly_size + k];
    for (uint32_t j = 0; j < poly_size; j++) {
      const uint64_t *at = lead + j; /* at[7 - k] is coefficient j of X^k a */
#ifdef PPML_SMALL
      for (uint32_t k = 0; k <= PPMLI_POLY_LEAD; k++) r[j] += at[PPMLI_POLY_LEAD - k] & m[k];
#else
      r[j] += (at[7] & m[0]) + (at[6] & m[1]) + (at[5] & m[2]) + (at[4] & m[3]) + (at[3] & m[4]) +
              (at[2] & m[5]) + (at[1] & m[6]) + (at[0] & m[7]);
#endif
    }
    ppmli_poly_shift(lead, poly_size);
  }
}

/* The same of an a that is kept.
 *   a        [N] torus
 *   shifted  [N + 7]  scratch */
PPMLI_STATIC void ppmli_poly_binary_muladd(uint64_t *PPMLI_RESTRICT r, const uint64_t *a,
                                           const uint8_t *bits, size_t first, uint32_t poly_size,
                                           uint64_t *PPMLI_RESTRICT shifted) {
  memcpy(shifted + PPMLI_POLY_LEAD, a, poly_size * sizeof *a);
  ppmli_poly_binary_muladd_here(r, shifted, bits, first, poly_size);
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
