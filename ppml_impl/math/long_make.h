/* Words of 80 bits on the client: a ternary key ready for exact products, and encryption under it.
 * In whole numbers alone (ntt.h), so every machine and every compiler makes the same bytes.
 * Next: cipher/glweswitch_make.h, client/encrypt.h.  In: planes of the key, messages, streams; out:
 * bodies. */
#ifndef PPMLI_MATH_LONG_MAKE_H
#define PPMLI_MATH_LONG_MAKE_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/stream.h"
#include "long.h"
#include "masks.h"
#include "ntt.h"
#include "params.h"
#include "poly.h"

/* -------------------------------------------------------------------- key */

/* A ternary key, transformed for products.  The words of 80 bits that it meets are taken in two
 * limbs of 40: sums of N products of those with -1, 0 and 1 are whole numbers of magnitude at
 * most N (2^40 - 1) < 2^52 for N <= 2^12, far below the 2^62 up to which a product is exact. */
typedef struct ppmli_long_key {
  const ppmli_ntt *ntt;
  uint64_t *values; /* [N], secret */
} ppmli_long_key;

#define PPMLI_LONG_LIMB_BITS (PPMLI_LONG_TORUS_BITS / 2)
#define PPMLI_LONG_HIGH_SHIFT (PPMLI_LONG_LIMB_BITS - PPMLI_LONG_TAIL_BITS) /* of a top's limb */

PPMLI_STATIC size_t ppmli_long_key_bytes(const ppml_params *p) {
  return ppmli_arena_rounded(sizeof(ppmli_ntt)) +
         ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
}

/* Coefficient i of the key as a signed integer.
 *   planes [2][N bits] */
PPMLI_INLINE uint64_t ppmli_long_key_trit(const uint8_t *planes, uint32_t i, uint32_t poly_size) {
  return ppmli_bit(planes, i) - ppmli_bit(planes, (size_t)poly_size + i);
}

/*   planes  [2][N bits]
 * Memory: ppmli_long_key_bytes(p).  Errors: NOMEM.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_long_key_init(ppmli_long_key *key, const ppml_params *p,
                                     const uint8_t *planes, ppml_arena *arena) {
  PPMLI_ALLOC(ppmli_ntt, ntt, arena, 1);
  PPMLI_ALLOC(uint64_t, values, arena, p->poly_size);
  ppmli_ntt_init(ntt, p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++)
    values[i] = ppmli_ntt_from_signed(ppmli_long_key_trit(planes, i, p->poly_size));
  ppmli_ntt_forward(values, ntt);
  ppmli_ntt_prepare(values, ntt);
  key->ntt = ntt;
  key->values = values;
  return PPML_OK;
}

PPMLI_STATIC void ppmli_long_key_wipe(ppmli_long_key *key) {
  ppmli_wipe(key->values, key->ntt->poly_size * sizeof *key->values);
}

/* source = s^2, coefficients of magnitude N at most, modulo 2^64.
 *   source [N]  out.  CT. */
PPMLI_STATIC void ppmli_long_key_square(uint64_t *source, const ppmli_long_key *key,
                                        const uint8_t *planes) {
  uint32_t N = key->ntt->poly_size;
  for (uint32_t i = 0; i < N; i++)
    source[i] = ppmli_ntt_from_signed(ppmli_long_key_trit(planes, i, N));
  ppmli_ntt_forward(source, key->ntt);
  ppmli_ntt_multiply(source, key->values, key->ntt);
  ppmli_ntt_backward(source, key->ntt);
  for (uint32_t i = 0; i < N; i++) source[i] = ppmli_ntt_to_signed(source[i]);
}

/* ------------------------------------------------------------- encryption */

/* limb = limb s as residues below p. */
PPMLI_STATIC void ppmli_long_limb_product(uint64_t *limb, const ppmli_long_key *key) {
  ppmli_ntt_forward(limb, key->ntt);
  ppmli_ntt_multiply(limb, key->values, key->ntt);
  ppmli_ntt_backward(limb, key->ntt);
}

/* The lower limbs of a mask's words: what their upper ones left of the tops, and the tails, which the
 * stream has behind all tops, four a word.
 *   limb  [N]  out */
PPMLI_STATIC void ppmli_long_low_limbs(uint64_t *limb, const ppmli_mask *mask, uint32_t poly_size,
                                       ppmli_chacha_hook chacha) {
  const uint64_t low = ((uint64_t)1 << PPMLI_LONG_HIGH_SHIFT) - 1;
  uint64_t tails[PPMLI_CHACHA_BLOCK_WORDS];
  ppmli_mask_part(limb, poly_size, mask, 0, chacha);
  for (uint32_t i = 0; i < poly_size; i += 4) {
    uint32_t word = i / 4, at = word % PPMLI_CHACHA_BLOCK_WORDS;
    if (at == 0) ppmli_mask_part(tails, PPMLI_CHACHA_BLOCK_WORDS, mask, poly_size + word, chacha);
    for (uint32_t j = 0; j < 4; j++) {
      uint64_t tail = tails[at] >> (PPMLI_LONG_TAIL_BITS * j) & 0xffff;
      limb[i + j] = (limb[i + j] & low) << PPMLI_LONG_TAIL_BITS | tail;
    }
  }
}

/* top += a_1 s 2^24, for the upper limbs a_1 of a mask.
 *   top   [N]  in and out
 *   limb  [N]  in: a_1; spoilt.  CT: time depends on N only. */
PPMLI_STATIC void ppmli_long_muladd_high(uint64_t *top, uint64_t *limb, const ppmli_long_key *key) {
  ppmli_long_limb_product(limb, key);
  for (uint32_t i = 0; i < key->ntt->poly_size; i++)
    top[i] += ppmli_ntt_to_signed(limb[i]) << PPMLI_LONG_HIGH_SHIFT;
}

/* limb = limb s, as signed sums below 2^52: see ppmli_long_carry.  CT: likewise. */
PPMLI_STATIC void ppmli_long_mul_low(uint64_t *limb, const ppmli_long_key *key) {
  ppmli_long_limb_product(limb, key);
  for (uint32_t i = 0; i < key->ntt->poly_size; i++) limb[i] = ppmli_ntt_to_signed(limb[i]);
}

/* top += a s, exactly, for the mask a.  The mask is drawn twice, once for each limb: that takes less
 * time than a product, and no memory.
 *   top   [N]  in and out
 *   tail  [N]  out: what is below, as signed sums
 * CT: time depends on N only. */
PPMLI_STATIC void ppmli_long_muladd(uint64_t *top, uint64_t *tail, const ppmli_mask *mask,
                                    const ppmli_long_key *key) {
  const uint32_t N = key->ntt->poly_size;
  ppmli_chacha_hook chacha = ppmli_mask_hook();
  ppmli_mask_part(tail, N, mask, 0, chacha);
  for (uint32_t i = 0; i < N; i++) tail[i] >>= PPMLI_LONG_HIGH_SHIFT;
  ppmli_long_muladd_high(top, tail, key);
  ppmli_long_low_limbs(tail, mask, N, chacha);
  ppmli_long_mul_low(tail, key);
}

/* Encrypts a message, in no more room than its body.
 *   top    [N]  in: the message; out: the body's tops
 *   tail   [N]  out: its tails
 *   mask   names the public stream, noise is a secret one
 * Noise: uniform on +-glwe_noise_bound units of 2^-80.  CT: time depends on p only. */
PPMLI_STATIC void ppmli_long_encrypt(uint64_t *top, uint64_t *tail, const ppml_params *p,
                                     const ppmli_long_key *key, const ppmli_mask *mask,
                                     ppmli_stream *noise) {
  uint64_t random;
  ppmli_long_muladd(top, tail, mask, key);
  for (uint32_t i = 0; i < p->poly_size; i++) {
    ppmli_stream_u64(noise, &random, 1);
    tail[i] += (uint64_t)ppmli_noise(random, p->glwe_noise_bound);
  }
  ppmli_wipe(&random, sizeof random);
  ppmli_long_carry(top, tail, p->poly_size);
}

#endif
