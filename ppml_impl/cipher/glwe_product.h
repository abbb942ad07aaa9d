/* Encrypting many polynomials under one GLWE key: the key is transformed once, and products are made by
 * the transform of math/ntt.h, in whole numbers.  The bodies are those of glwe_make.h, bit for bit, in a
 * quarter of the time or less, for k + 4 polynomials of memory in place of one.  PPML_NO_TRANSFORM leaves
 * it out.  In: a polynomial, the key, streams; out: the body.  Next: ggsw_make.h. */
#ifndef PPMLI_CIPHER_GLWE_PRODUCT_H
#define PPMLI_CIPHER_GLWE_PRODUCT_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/stream.h"
#include "../math/masks.h"
#include "../math/narrow.h"
#include "../math/ntt.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "glwe_make.h"

/* A binary key as its products take it. */
typedef struct ppmli_glwe_key {
  const uint8_t *bits; /* [k N bits] */
#ifdef PPMLI_NARROW
  const ppmli_narrow *ntt; /* with values, or both NULL: without a transform */
  int32_t *values;         /* [k][2 N], secret: factors */
#else
  const ppmli_ntt *ntt; /* with values, or both NULL: without a transform */
  uint64_t *values;     /* [k][N], secret */
#endif
} ppmli_glwe_key;

/* -------------------------------------------------------------------- key */

PPMLI_STATIC size_t ppmli_glwe_key_bytes(const ppml_params *p) {
#ifdef PPML_NO_TRANSFORM
  (void)p;
  return 0;
#else
  size_t bytes = ppmli_arena_rounded(sizeof *((ppmli_glwe_key *)0)->ntt) +
                 ppmli_arena_rounded(ppmli_params_long_dim(p) * sizeof(uint64_t));
#ifdef PPMLI_NARROW
  bytes += ppmli_arena_rounded(ppmli_narrow_roots(p->poly_size) * sizeof(int32_t));
#endif
  return bytes;
#endif
}

#ifndef PPML_NO_TRANSFORM
#ifdef PPMLI_NARROW
/* Part i of the key as a factor of products.
 *   values  [2 N]  out */
PPMLI_STATIC void ppmli_glwe_key_part(int32_t *values, const uint8_t *bits, uint32_t i,
                                      const ppmli_narrow *ntt) {
  const size_t N = ntt->poly_size;
  for (size_t j = 0; j < N; j++) values[N + j] = (int32_t)ppmli_bit(bits, i * N + j);
  ppmli_narrow_forward(values + N, ntt);
  ppmli_narrow_factor(values, ntt);
}
#else
PPMLI_STATIC void ppmli_glwe_key_part(uint64_t *values, const uint8_t *bits, uint32_t i,
                                      const ppmli_ntt *ntt) {
  const size_t N = ntt->poly_size;
  for (size_t j = 0; j < N; j++) values[j] = ppmli_bit(bits, i * N + j);
  ppmli_ntt_forward(values, ntt);
  ppmli_ntt_prepare(values, ntt);
}
#endif
#endif

/* Memory: ppmli_glwe_key_bytes(p).  Errors: NOMEM.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_glwe_key_init(ppmli_glwe_key *key, const ppml_params *p, const uint8_t *bits,
                                     ppml_arena *arena) {
  key->bits = bits;
#ifdef PPML_NO_TRANSFORM
  (void)p, (void)arena;
#else
#ifdef PPMLI_NARROW
  PPMLI_ALLOC(ppmli_narrow, ntt, arena, 1);
  PPMLI_ALLOC(int32_t, roots, arena, ppmli_narrow_roots(p->poly_size));
  const size_t words = 2 * (size_t)p->poly_size;
  PPMLI_ALLOC(int32_t, values, arena, words * p->glwe_dim);
  ppmli_narrow_init(ntt, p->poly_size, roots);
#else
  PPMLI_ALLOC(ppmli_ntt, ntt, arena, 1);
  const size_t words = p->poly_size;
  PPMLI_ALLOC(uint64_t, values, arena, words * p->glwe_dim);
  ppmli_ntt_init(ntt, p->poly_size);
#endif
  for (uint32_t i = 0; i < p->glwe_dim; i++) ppmli_glwe_key_part(values + i * words, bits, i, ntt);
  key->ntt = ntt;
  key->values = values;
#endif
  return PPML_OK;
}

PPMLI_STATIC void ppmli_glwe_key_wipe(ppmli_glwe_key *key, const ppml_params *p) {
  if (key->values) ppmli_wipe(key->values, ppmli_params_long_dim(p) * sizeof(uint64_t));
  key->values = NULL;
}

/* --------------------------------------------------------------- products */

#if defined(PPMLI_NARROW) && !defined(PPML_NO_TRANSFORM)
/* Sums of products, transformed, of each digit of words: sums of k N products of 16 signed bits with 0 or 1
 * are at most 2^26 for k N <= 2^11, where a product is exact up to PPMLI_NARROW_MOST. */
typedef struct ppmli_glwe_sums {
  uint64_t *mask; /* [N] */
  int32_t *digit; /* [N] */
  int32_t *sum;   /* [PPMLI_NARROW_DIGITS][N] */
} ppmli_glwe_sums;

PPMLI_STATIC int ppmli_glwe_sums_init(ppmli_glwe_sums *s, size_t N, ppml_arena *arena) {
  PPMLI_ALLOC(uint64_t, mask, arena, N);
  PPMLI_ALLOC(int32_t, digit, arena, N);
  PPMLI_ALLOC(int32_t, sum, arena, PPMLI_NARROW_DIGITS * N);
  memset(sum, 0, PPMLI_NARROW_DIGITS * N * sizeof *sum);
  s->mask = mask, s->digit = digit, s->sum = sum;
  return PPML_OK;
}

/* body += sum_i A_i S_i. */
PPMLI_STATIC void ppmli_glwe_sums_run(uint64_t *body, ppmli_glwe_sums *s, const ppml_params *p,
                                      const ppmli_glwe_key *key, const ppmli_mask *mask) {
  const size_t N = p->poly_size;
  for (uint32_t i = 0; i < p->glwe_dim; i++) {
    ppmli_mask_part(s->mask, N, mask, i * N, ppmli_mask_hook());
    for (uint32_t d = 0; d < PPMLI_NARROW_DIGITS; d++) {
      for (size_t j = 0; j < N; j++)
        s->digit[j] = ppmli_narrow_digit(s->mask[j] + PPMLI_NARROW_UNSIGNED, d);
      ppmli_narrow_forward(s->digit, key->ntt);
      ppmli_narrow_muladd(s->sum + d * N, s->digit, key->values + 2 * i * N, key->ntt);
    }
  }
  for (uint32_t d = 0; d < PPMLI_NARROW_DIGITS; d++) {
    ppmli_narrow_backward(s->sum + d * N, key->ntt);
    for (size_t j = 0; j < N; j++) body[j] += (uint64_t)(int64_t)s->sum[d * N + j] << 16 * d;
  }
}
#elif !defined(PPML_NO_TRANSFORM)
/* Sums of products, transformed, of the lower and the upper halves of words: sums of k N products of 32
 * bits with 0 or 1 are below 2^43 for k N <= 2^11, where a product is exact up to 2^62. */
typedef struct ppmli_glwe_sums {
  uint64_t *mask, *half, *low, *high; /* [N] each */
} ppmli_glwe_sums;

PPMLI_STATIC int ppmli_glwe_sums_init(ppmli_glwe_sums *s, size_t N, ppml_arena *arena) {
  uint64_t **const arrays[] = {&s->mask, &s->half, &s->low, &s->high};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
    PPMLI_ALLOC(uint64_t, array, arena, N);
    *arrays[i] = array;
  }
  memset(s->low, 0, N * sizeof *s->low);
  memset(s->high, 0, N * sizeof *s->high);
  return PPML_OK;
}

/* sum += half times a part of the key; half is spoilt.
 *   sum  [N]  below the prime, before and after */
PPMLI_STATIC void ppmli_glwe_sums_add(uint64_t *sum, uint64_t *half, const uint64_t *values,
                                      const ppmli_ntt *ntt) {
  ppmli_ntt_forward(half, ntt);
  ppmli_ntt_multiply(half, values, ntt);
  for (uint32_t j = 0; j < ntt->poly_size; j++)
    sum[j] = ppmli_ntt_reduce(ppmli_ntt_add(sum[j], half[j]));
}

/* body += sum_i A_i S_i. */
PPMLI_STATIC void ppmli_glwe_sums_run(uint64_t *body, ppmli_glwe_sums *s, const ppml_params *p,
                                      const ppmli_glwe_key *key, const ppmli_mask *mask) {
  const size_t N = p->poly_size;
  for (uint32_t i = 0; i < p->glwe_dim; i++) {
    ppmli_mask_part(s->mask, N, mask, i * N, ppmli_mask_hook());
    for (size_t j = 0; j < N; j++) s->half[j] = (uint32_t)s->mask[j], s->mask[j] >>= 32;
    ppmli_glwe_sums_add(s->low, s->half, key->values + i * N, key->ntt);
    ppmli_glwe_sums_add(s->high, s->mask, key->values + i * N, key->ntt);
  }
  ppmli_ntt_backward(s->low, key->ntt);
  ppmli_ntt_backward(s->high, key->ntt);
  for (size_t j = 0; j < N; j++)
    body[j] += ppmli_ntt_to_signed(s->low[j]) + (ppmli_ntt_to_signed(s->high[j]) << 32);
}
#endif

PPMLI_INLINE size_t ppmli_glwe_product_scratch(const ppml_params *p) {
#ifdef PPML_NO_TRANSFORM
  return ppmli_glwe_encrypt_scratch(p);
#elif defined(PPMLI_NARROW)
  const size_t half = p->poly_size * sizeof(int32_t);
  return ppmli_arena_rounded(2 * half) + ppmli_arena_rounded(half) +
         ppmli_arena_rounded(PPMLI_NARROW_DIGITS * half);
#else
  return 4 * ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
#endif
}

/* body += sum_i A_i S_i + E.
 *   body   [N]  in: the message; out: the body of its ciphertext
 *   mask   names the public stream, noise is a secret one
 * Scratch: ppmli_glwe_product_scratch(p) bytes, wiped.  Errors: NOMEM.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_glwe_product_body(uint64_t *body, const ppml_params *p,
                                         const ppmli_glwe_key *key, const ppmli_mask *mask,
                                         ppmli_stream *noise, ppml_arena *arena) {
#ifdef PPML_NO_TRANSFORM
  ppmli_stream words;
  ppmli_stream_init(&words, mask->seed, mask->purpose, mask->index);
  return ppmli_glwe_encrypt_body(body, p, key->bits, &words, noise, arena);
#else
  size_t mark = arena->used_bytes;
  ppmli_glwe_sums sums;
  PPMLI_TRY(ppmli_glwe_sums_init(&sums, p->poly_size, arena));
  ppmli_glwe_sums_run(body, &sums, p, key, mask);
  ppmli_glwe_add_noise(body, p, noise);
  ppmli_wipe(sums.mask, arena->used_bytes - mark); /* with the public mask they tell the key */
  arena->used_bytes = mark;
  return PPML_OK;
#endif
}

#endif
