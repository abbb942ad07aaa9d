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
  ppmli_ntt ntt;
  uint64_t *values; /* [N], secret */
} ppmli_long_key;

#define PPMLI_LONG_LIMB_BITS (PPMLI_LONG_TORUS_BITS / 2)
#define PPMLI_LONG_HIGH_SHIFT (PPMLI_LONG_LIMB_BITS - PPMLI_LONG_TAIL_BITS) /* of a top's limb */

PPMLI_STATIC size_t ppmli_long_key_bytes(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
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
  PPMLI_ALLOC(uint64_t, values, arena, p->poly_size);
  ppmli_ntt_init(&key->ntt, p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++)
    values[i] = ppmli_ntt_from_signed(ppmli_long_key_trit(planes, i, p->poly_size));
  ppmli_ntt_forward(values, &key->ntt);
  ppmli_ntt_prepare(values, &key->ntt);
  key->values = values;
  return PPML_OK;
}

PPMLI_STATIC void ppmli_long_key_wipe(ppmli_long_key *key) {
  ppmli_wipe(key->values, key->ntt.poly_size * sizeof *key->values);
}

/* source = s^2, coefficients of magnitude N at most, modulo 2^64.
 *   source [N]  out.  CT. */
PPMLI_STATIC void ppmli_long_key_square(uint64_t *source, const ppmli_long_key *key,
                                        const uint8_t *planes) {
  uint32_t N = key->ntt.poly_size;
  for (uint32_t i = 0; i < N; i++)
    source[i] = ppmli_ntt_from_signed(ppmli_long_key_trit(planes, i, N));
  ppmli_ntt_forward(source, &key->ntt);
  ppmli_ntt_multiply(source, key->values, &key->ntt);
  ppmli_ntt_backward(source, &key->ntt);
  for (uint32_t i = 0; i < N; i++) source[i] = ppmli_ntt_to_signed(source[i]);
}

/* ------------------------------------------------------------- encryption */

PPMLI_INLINE size_t ppmli_long_product_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
}

/* The lower halves of words of 80 bits, whose tails stand four together.
 *   limb  [N]  out
 *   a     [ppmli_long_mask_words] */
PPMLI_STATIC void ppmli_long_low_limbs(uint64_t *limb, const uint64_t *a, uint32_t poly_size) {
  const uint64_t mask = ((uint64_t)1 << PPMLI_LONG_HIGH_SHIFT) - 1;
  for (uint32_t i = 0; i < poly_size; i += 4) {
    uint64_t tails = a[poly_size + i / 4];
    for (uint32_t j = 0; j < 4; j++, tails >>= PPMLI_LONG_TAIL_BITS)
      limb[i + j] = (a[i + j] & mask) << PPMLI_LONG_TAIL_BITS | (tails & 0xffff);
  }
}

/* limb = limb s as residues below p. */
PPMLI_STATIC void ppmli_long_limb_product(uint64_t *limb, const ppmli_long_key *key) {
  ppmli_ntt_forward(limb, &key->ntt);
  ppmli_ntt_multiply(limb, key->values, &key->ntt);
  ppmli_ntt_backward(limb, &key->ntt);
}

/* top and tail += a s, exactly.
 *   top, tail  [N]  in and out; tail gets signed sums below 2^52, see ppmli_long_carry
 *   a          [ppmli_long_mask_words]  no alias
 * Scratch: ppmli_long_product_scratch(p) bytes, wiped: with the public a it tells s.
 * Errors: NOMEM.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_long_muladd(uint64_t *top, uint64_t *tail, const uint64_t *a,
                                   const ppmli_long_key *key, ppml_arena *arena) {
  const uint32_t N = key->ntt.poly_size, shift = PPMLI_LONG_HIGH_SHIFT;
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, limb, arena, N);
  for (uint32_t i = 0; i < N; i++) limb[i] = a[i] >> shift;
  ppmli_long_limb_product(limb, key);
  for (uint32_t i = 0; i < N; i++) top[i] += ppmli_ntt_to_signed(limb[i]) << shift;
  ppmli_long_low_limbs(limb, a, N);
  ppmli_long_limb_product(limb, key);
  for (uint32_t i = 0; i < N; i++) tail[i] += ppmli_ntt_to_signed(limb[i]);
  ppmli_wipe(limb, N * sizeof *limb);
  arena->used_bytes = mark;
  return PPML_OK;
}

PPMLI_INLINE size_t ppmli_long_encrypt_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_long_mask_words(p) * sizeof(uint64_t)) +
         ppmli_long_product_scratch(p);
}

/* Encrypts a message.
 *   top    [N]  in: the message; out: the body's tops
 *   tail   [N]  out: its tails
 *   mask   names the public stream, noise is a secret one
 * Scratch: ppmli_long_encrypt_scratch(p) bytes.  Errors: NOMEM.
 * Noise: uniform on +-glwe_noise_bound units of 2^-80.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_long_encrypt(uint64_t *top, uint64_t *tail, const ppml_params *p,
                                    const ppmli_long_key *key, const ppmli_mask *mask,
                                    ppmli_stream *noise, ppml_arena *arena) {
  size_t mark = arena->used_bytes, count = ppmli_long_mask_words(p);
  PPMLI_ALLOC(uint64_t, words, arena, count);
  ppmli_mask_u64(words, count, mask->seed, mask->purpose, mask->index, ppmli_mask_hook());
  ppmli_stream_u64(noise, tail, p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++)
    tail[i] = (uint64_t)ppmli_noise(tail[i], p->glwe_noise_bound);
  PPMLI_TRY(ppmli_long_muladd(top, tail, words, key, arena));
  ppmli_long_carry(top, tail, p->poly_size);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
