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
#include "narrow.h"
#include "ntt.h"
#include "params.h"
#include "poly.h"

/* -------------------------------------------------------------------- key */

/* A ternary key, transformed for products.  The words of 80 bits that it meets are taken in two
 * limbs of 40: sums of N products of those with -1, 0 and 1 are whole numbers of magnitude at
 * most N (2^40 - 1) < 2^52 for N <= 2^12, far below the 2^62 up to which a product is exact.  With
 * PPMLI_NARROW in five signed digits of 16 bits, whose sums are at most N 2^15. */
#ifdef PPMLI_NARROW
typedef struct ppmli_long_key {
  const ppmli_narrow *ntt;
  int32_t *values; /* [2 N], secret: a factor */
} ppmli_long_key;
#else
typedef struct ppmli_long_key {
  const ppmli_ntt *ntt;
  uint64_t *values; /* [N], secret */
} ppmli_long_key;
#endif

#define PPMLI_LONG_LIMB_BITS (PPMLI_LONG_TORUS_BITS / 2)
#define PPMLI_LONG_HIGH_SHIFT (PPMLI_LONG_LIMB_BITS - PPMLI_LONG_TAIL_BITS) /* of a top's limb */

PPMLI_STATIC size_t ppmli_long_key_bytes(const ppml_params *p) {
  size_t bytes = ppmli_arena_rounded(sizeof *((ppmli_long_key *)0)->ntt) +
                 ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
#ifdef PPMLI_NARROW
  bytes += ppmli_arena_rounded(ppmli_narrow_roots(p->poly_size) * sizeof(int32_t));
#endif
  return bytes;
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
  const uint32_t N = p->poly_size;
#ifdef PPMLI_NARROW
  PPMLI_ALLOC(ppmli_narrow, ntt, arena, 1);
  PPMLI_ALLOC(int32_t, roots, arena, ppmli_narrow_roots(N));
  PPMLI_ALLOC(int32_t, values, arena, 2 * (size_t)N);
  ppmli_narrow_init(ntt, N, roots);
  for (uint32_t i = 0; i < N; i++)
    values[N + i] = (int32_t)(uint32_t)ppmli_long_key_trit(planes, i, N);
  ppmli_narrow_forward(values + N, ntt);
  ppmli_narrow_factor(values, ntt);
#else
  PPMLI_ALLOC(ppmli_ntt, ntt, arena, 1);
  PPMLI_ALLOC(uint64_t, values, arena, N);
  ppmli_ntt_init(ntt, N);
  for (uint32_t i = 0; i < N; i++)
    values[i] = ppmli_ntt_from_signed(ppmli_long_key_trit(planes, i, N));
  ppmli_ntt_forward(values, ntt);
  ppmli_ntt_prepare(values, ntt);
#endif
  key->ntt = ntt;
  key->values = values;
  return PPML_OK;
}

PPMLI_STATIC void ppmli_long_key_wipe(ppmli_long_key *key) {
  ppmli_wipe(key->values, key->ntt->poly_size * sizeof(uint64_t));
}

#ifndef PPMLI_NARROW
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
#else
/* a = a s, exactly, for a of digits; in the first half of the words that it is to be.
 *   a  [N]  of magnitude up to 2^15.  CT: time depends on N only. */
PPMLI_STATIC void ppmli_long_digit_product(int32_t *a, const ppmli_long_key *key) {
  ppmli_narrow_forward(a, key->ntt);
  ppmli_narrow_multiply(a, key->values, key->ntt);
  ppmli_narrow_backward(a, key->ntt);
}

/* Makes words of the signed numbers that stand in their first half. */
PPMLI_STATIC void ppmli_long_widen(uint64_t *words, uint32_t poly_size) {
  for (uint32_t i = poly_size; i-- > 0;) {
    int32_t a;
    memcpy(&a, (const uint8_t *)words + i * sizeof a, sizeof a);
    words[i] = (uint64_t)(int64_t)a;
  }
}

/* source = s^2, coefficients of magnitude N at most, modulo 2^64.
 *   source [N]  out.  CT. */
PPMLI_STATIC void ppmli_long_key_square(uint64_t *source, const ppmli_long_key *key,
                                        const uint8_t *planes) {
  const uint32_t N = key->ntt->poly_size;
  int32_t *a = (int32_t *)(void *)source;
  for (uint32_t i = 0; i < N; i++) a[i] = (int32_t)(uint32_t)ppmli_long_key_trit(planes, i, N);
  ppmli_long_digit_product(a, key);
  ppmli_long_widen(source, N);
}

/* ------------------------------------------------------------- encryption */

/* Words of a mask that are drawn at a time: their tails fill as many blocks as are made at a time. */
#define PPMLI_LONG_CHUNK (4 * PPMLI_CHACHA_BLOCK_WORDS * PPMLI_CHACHA_LANES)
#define PPMLI_LONG_DIGIT_OF_TAIL PPMLI_NARROW_DIGITS

/* A signed digit of a mask's words, and the one above it; or that of their tails, which the stream has
 * behind all tops, four a word.
 *   digit  [2][N], or [N] of tails  out */
PPMLI_STATIC void ppmli_long_digits(int32_t *digit, uint32_t which, const ppmli_mask *mask,
                                    uint32_t poly_size, ppmli_chacha_hook chacha) {
  uint64_t top[PPMLI_LONG_CHUNK], tail[PPMLI_LONG_CHUNK / 4];
  for (uint32_t i = 0; i < poly_size; i++) {
    uint32_t at = i % PPMLI_LONG_CHUNK;
    if (at == 0) {
      size_t count = ppmli_min_size(PPMLI_LONG_CHUNK, poly_size - i);
      ppmli_mask_part(top, count, mask, i, chacha);
      ppmli_mask_part(tail, count / 4, mask, poly_size + i / 4, chacha);
    }
    uint64_t low = tail[at / 4] >> (PPMLI_LONG_TAIL_BITS * (at % 4)) & 0xffff;
    uint64_t word = top[at] + (low >> (PPMLI_LONG_TAIL_BITS - 1)) + PPMLI_NARROW_UNSIGNED;
    if (which == PPMLI_LONG_DIGIT_OF_TAIL) {
      digit[i] = ppmli_narrow_digit(low ^ 0x8000, 0);
      continue;
    }
    digit[i] = ppmli_narrow_digit(word, which);
    digit[poly_size + i] = ppmli_narrow_digit(word, which + 1);
  }
}

/* top += a s, exactly, for the mask a.  The mask is drawn three times, for two digits each, which the room
 * for the tails holds.
 *   top   [N]  in and out
 *   tail  [N]  out: what is below, as signed sums
 * CT: time depends on N only. */
PPMLI_STATIC void ppmli_long_muladd(uint64_t *top, uint64_t *tail, const ppmli_mask *mask,
                                    const ppmli_long_key *key) {
  const uint32_t N = key->ntt->poly_size;
  ppmli_chacha_hook chacha = ppmli_mask_hook();
  int32_t *digit = (int32_t *)(void *)tail;
  for (uint32_t d = 0; d < PPMLI_NARROW_DIGITS; d += 2) {
    ppmli_long_digits(digit, d, mask, N, chacha);
    for (uint32_t half = 0; half < 2; half++) {
      const int32_t *a = digit + (size_t)half * N;
      ppmli_long_digit_product(digit + (size_t)half * N, key);
      for (uint32_t i = 0; i < N; i++) top[i] += (uint64_t)(int64_t)a[i] << 16 * (d + half);
    }
  }
  ppmli_long_digits(digit, PPMLI_LONG_DIGIT_OF_TAIL, mask, N, chacha);
  ppmli_long_digit_product(digit, key);
  ppmli_long_widen(tail, N);
}
#endif

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
