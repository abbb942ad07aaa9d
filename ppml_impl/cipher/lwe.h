/* LWE ciphertexts: a mask a of words and one more, the body b = <a, s> + message + noise.  On the 32-bit
 * torus under the short key (n bits), on the 64-bit one under the long key (k N bits, the
 * coefficients of the GLWE key).  Next: glwe.h, whose extraction makes them.  In: words; out: phases,
 * sums, and the modulus switch. */
#ifndef PPMLI_CIPHER_LWE_H
#define PPMLI_CIPHER_LWE_H

#include "../base/ct.h"
#include "../math/poly.h"
#include "../math/torus.h"

/* b - <a, s> modulo 2^32; meaningful for any modulus 2^w, w <= 32, in its low w bits.
 *   a     [dim], 32-bit words
 *   bits  [dim] bits  s
 * CT: time depends on dim only. */
PPMLI_STATIC uint32_t ppmli_lwe_phase(const uint32_t *a, uint32_t b, const uint8_t *bits,
                                      size_t dim) {
  uint32_t sum = 0;
  for (size_t i = 0; i < dim; i++) sum += a[i] & (uint32_t)ppmli_ct_mask(ppmli_bit(bits, i));
  return b - sum;
}

/* Switches to modulus 2 N, in exponents of X.
 *   exponents  [n + 1]  out, < 2 N, the body last
 *   lwe        [n + 1]  on the 32-bit torus, the body last
 * Each mask word leaves a rounding error, which meets its key bit.  Taking the bits'
 * mean off, in the body, leaves only their variance: "centered" switching.
 * Noise: docs/NOISE.md "Modulus switch".  Source: [BJSW24]. */
PPMLI_STATIC void ppmli_lwe_modulus_switch(uint16_t *exponents, const uint32_t *lwe,
                                           const ppml_params *p) {
  uint32_t bits = 1;
  while ((p->poly_size >> (bits - 1)) > 1) bits++; /* 2 N = 2^bits */
  int64_t error_sum = 0;
  for (uint32_t i = 0; i < p->lwe_dim; i++) {
    uint32_t rounded = (lwe[i] + ((uint32_t)1 << (31 - bits))) >> (32 - bits);
    exponents[i] = (uint16_t)(rounded & (2 * p->poly_size - 1));
    error_sum += ppmli_torus_signed32(lwe[i] - (rounded << (32 - bits)));
  }
  int64_t bits_per_one = p->key_block_ones ? (int64_t)p->key_block + 1 : 2; /* 1 / mean */
  uint32_t body = lwe[p->lwe_dim] - (uint32_t)(uint64_t)(error_sum / bits_per_one);
  exponents[p->lwe_dim] =
      (uint16_t)((body + ((uint32_t)1 << (31 - bits))) >> (32 - bits) & (2 * p->poly_size - 1));
}

/* out += factor * in, word by word, on the 64-bit torus; factor any integer as its
 * residue modulo 2^64. */
PPMLI_STATIC void ppmli_lwe_muladd(uint64_t *PPMLI_RESTRICT out, const uint64_t *PPMLI_RESTRICT in,
                                   uint64_t factor, size_t words) {
  for (size_t i = 0; i < words; i++) out[i] += factor * in[i];
}

#endif
