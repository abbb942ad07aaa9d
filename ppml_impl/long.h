/* Layer 3: GLWE ciphertexts with one mask polynomial on a torus of 80 bits, under a ternary key.
 *
 * A word is its top 64 bits and a tail of 16 more, both in arrays of their own.  So little noise
 * as 2^-78 is safe in dimension 4096, and 64 bits could not hold it. */
#ifndef PPMLI_LONG_H
#define PPMLI_LONG_H

#include "fft.h"
#include "masks.h"
#include "params.h"
#include "poly.h"
#include "rng.h"
#include "wide.h"

#define PPMLI_LONG_TAIL_BITS (PPMLI_LONG_TORUS_BITS - 64)

/* Words of a mask's stream: the tops, then the tails, four a word. */
PPMLI_INLINE size_t ppmli_long_mask_words(const ppml_params *p) {
  return p->poly_size + p->poly_size / 4;
}

/* The stream of a mask. */
typedef struct ppmli_mask {
  const uint8_t *seed;
  uint32_t purpose;
  uint64_t index;
} ppmli_mask;

/*   words [ppmli_long_mask_words]  out */
PPMLI_STATIC void ppmli_long_draw_mask(uint64_t *words, const ppml_params *p,
                                       const ppmli_mask *mask, const ppmli_fft *fft) {
  ppmli_mask_u64(words, ppmli_long_mask_words(p), mask->seed, mask->purpose, mask->index, fft);
}

/*   tail  [N]  out
 *   mask  [ppmli_long_mask_words] */
PPMLI_STATIC void ppmli_long_mask_tails(uint64_t *tail, const uint64_t *mask, uint32_t poly_size) {
  for (uint32_t i = 0; i < poly_size; i++)
    tail[i] = mask[poly_size + i / 4] >> (PPMLI_LONG_TAIL_BITS * (i % 4)) & 0xffff;
}

/* Moves what tails have above their bits to the tops.
 *   tail  [N]  in: signed, below 2^47; out: below 2^16 */
PPMLI_STATIC void ppmli_long_carry(uint64_t *top, uint64_t *tail, uint32_t poly_size) {
  const uint64_t above = (uint64_t)1 << 48; /* makes what is shifted positive */
  for (uint32_t i = 0; i < poly_size; i++) {
    uint64_t carry = ((tail[i] + above) >> PPMLI_LONG_TAIL_BITS) - (above >> PPMLI_LONG_TAIL_BITS);
    top[i] += carry;
    tail[i] &= 0xffff;
  }
}

/* -------------------------------------------------------------------- key */

/* A ternary key, transformed, for products that are exact: words are taken in limbs of 27 bits,
 * whose products with the key are whole numbers below 2^38, and what an FFT gives is rounded to
 * those.  So every machine makes the same ciphertexts. */
typedef struct ppmli_long_key {
  ppmli_fft *fft;
  double *spectrum; /* [groups][GROUP], secret */
} ppmli_long_key;

#define PPMLI_LONG_LIMBS 3
#define PPMLI_LONG_SUM_BITS 40 /* of a product, with its sign */

PPMLI_STATIC size_t ppmli_long_key_bytes(const ppml_params *p) {
  return ppmli_fft_bytes(p->poly_size) + ppmli_arena_rounded(p->poly_size * sizeof(double));
}

/*   planes   [2][N bits]
 *   backend  any: it does not show
 * Memory: ppmli_long_key_bytes(p), then as scratch 2 N words.  Errors: NOMEM.
 * CT: time depends on p only; a digit becomes a double by its bits. */
PPMLI_STATIC int ppmli_long_key_init(ppmli_long_key *key, const ppml_params *p,
                                     const uint8_t *planes, const ppmli_backend *backend,
                                     ppml_arena *arena) {
  const ppmli_gadget trit = ppmli_gadget_make(2, 1, 64);
  size_t N = p->poly_size;
  PPMLI_TRY(ppmli_fft_init(&key->fft, p->poly_size, backend, arena));
  PPMLI_ALLOC(double, spectrum, arena, N);
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, s, arena, N);
  PPMLI_ALLOC(double, work, arena, N);
  for (size_t i = 0; i < N; i++) s[i] = (ppmli_bit(planes, i) - ppmli_bit(planes, N + i)) << 62;
  key->fft->backend->forward_digit(key->fft, spectrum, PPMLI_GROUP, s, &trit, 0, work);
  key->spectrum = spectrum;
  ppmli_wipe(s, N * sizeof *s);
  ppmli_wipe(work, N * sizeof *work);
  arena->used_bytes = mark;
  return PPML_OK;
}

PPMLI_STATIC void ppmli_long_key_wipe(ppmli_long_key *key) {
  ppmli_wipe(key->spectrum, key->fft->poly_size * sizeof *key->spectrum);
}

/* ------------------------------------------------------------- encryption */

PPMLI_INLINE size_t ppmli_long_product_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(PPMLI_LONG_LIMBS * (size_t)p->poly_size * sizeof(double)) +
         ppmli_wide_scratch(p->poly_size);
}

/* Transforms of the limbs of a polynomial: top = l0 2^37 + l1 2^10 + what goes, with the tail,
 * into l2.
 *   out  [LIMBS][N] */
PPMLI_STATIC void ppmli_long_limbs(double *out, const uint64_t *top, const uint64_t *tail,
                                   const ppmli_fft *fft, const ppmli_wide *w) {
  size_t N = fft->poly_size;
  double scale = ldexp(1.0 / fft->points, -PPMLI_LONG_SUM_BITS);
  ppmli_wide_split(w, top, 27, fft->poly_size);
  fft->backend->forward_signed(fft, out, PPMLI_GROUP, w->high, ldexp(scale, -37), w->work);
  ppmli_wide_split(w, w->low, 54, fft->poly_size);
  fft->backend->forward_signed(fft, out + N, PPMLI_GROUP, w->high, ldexp(scale, -10), w->work);
  for (size_t i = 0; i < N; i++) w->low[i] = (w->low[i] << PPMLI_LONG_TAIL_BITS) + tail[i];
  fft->backend->forward_signed(fft, out + 2 * N, PPMLI_GROUP, w->low, scale, w->work);
}

/* r += the whole numbers of a product, times 2^shift.
 *   product  [N]  a transform over N/2, of sums times 2^-SUM_BITS */
PPMLI_STATIC void ppmli_long_add_sums(uint64_t *r, const double *product, uint32_t shift,
                                      const ppmli_fft *fft, const ppmli_wide *w) {
  const uint64_t sign = (uint64_t)1 << (PPMLI_LONG_SUM_BITS - 1);
  memset(w->high, 0, fft->poly_size * sizeof *w->high);
  fft->backend->backward_add(fft, w->high, product, PPMLI_GROUP, w->work);
  for (uint32_t i = 0; i < fft->poly_size; i++) {
    uint64_t sum = ppmli_torus_top(w->high[i], PPMLI_LONG_SUM_BITS) & (2 * sign - 1);
    r[i] += ((sum ^ sign) - sign) << shift;
  }
}

/* top and tail += a s, exactly.
 *   top, tail    [N]  in and out; tail gets signed sums, see ppmli_long_carry
 *   a_top, a_tail [N]
 * Scratch: ppmli_long_product_scratch(p) bytes, wiped: with the public a they tell s.
 * Errors: NOMEM.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_long_muladd(uint64_t *top, uint64_t *tail, const uint64_t *a_top,
                                   const uint64_t *a_tail, const ppmli_long_key *key,
                                   ppml_arena *arena) {
  const ppmli_fft *fft = key->fft;
  const ppmli_product shape = {PPMLI_LONG_LIMBS, 1, 1, 1, NULL};
  size_t mark = arena->used_bytes, N = fft->poly_size;
  ppmli_wide w;
  PPMLI_ALLOC(double, limbs, arena, PPMLI_LONG_LIMBS *N);
  PPMLI_TRY(ppmli_wide_init(&w, fft->poly_size, arena));
  ppmli_long_limbs(limbs, a_top, a_tail, fft, &w);
  fft->backend->product(fft, limbs, limbs, key->spectrum, &shape);
  ppmli_long_add_sums(top, limbs, 37, fft, &w);
  ppmli_long_add_sums(top, limbs + N, 10, fft, &w);
  ppmli_long_add_sums(tail, limbs + 2 * N, 0, fft, &w);
  ppmli_wipe(limbs, PPMLI_LONG_LIMBS * N * sizeof *limbs);
  ppmli_wipe(w.high, N * sizeof *w.high);
  ppmli_wipe(w.work, N * sizeof *w.work);
  arena->used_bytes = mark;
  return PPML_OK;
}

PPMLI_INLINE size_t ppmli_long_encrypt_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_long_mask_words(p) * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_long_product_scratch(p);
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
  size_t mark = arena->used_bytes, N = p->poly_size;
  PPMLI_ALLOC(uint64_t, words, arena, ppmli_long_mask_words(p));
  PPMLI_ALLOC(uint64_t, tails, arena, N);
  ppmli_stream_u64(noise, tails, N);
  for (size_t i = 0; i < N; i++) tail[i] = (uint64_t)ppmli_noise(tails[i], p->glwe_noise_bound);
  ppmli_wipe(tails, N * sizeof *tails);
  ppmli_long_draw_mask(words, p, mask, key->fft);
  ppmli_long_mask_tails(tails, words, p->poly_size);
  PPMLI_TRY(ppmli_long_muladd(top, tail, words, tails, key, arena));
  ppmli_long_carry(top, tail, p->poly_size);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ------------------------------------------------------------- evaluation */

/* Transforms of a polynomial on the long torus, in turns over N/2: of its top bits, and at
 * out[GROUP] of what is left, at that stride.
 *   bits  of the first, 26 or more: the others then fit in a double */
PPMLI_STATIC void ppmli_long_forward(const ppmli_fft *fft, double *out, size_t stride,
                                     const uint64_t *top, const uint64_t *tail, uint32_t bits,
                                     const ppmli_wide *w) {
  double scale = ldexp(1.0 / fft->points, -64);
  ppmli_wide_split(w, top, bits, fft->poly_size);
  for (uint32_t i = 0; i < fft->poly_size; i++)
    w->low[i] = (w->low[i] << PPMLI_LONG_TAIL_BITS) + tail[i];
  fft->backend->forward_signed(fft, out, stride, w->high, scale, w->work);
  fft->backend->forward_signed(fft, out + PPMLI_GROUP, stride, w->low,
                               ldexp(scale, -PPMLI_LONG_TAIL_BITS), w->work);
}

#endif
