/* Layer 3: GLWE ciphertexts with one mask polynomial on a torus of 80 bits, under a ternary key.
 *
 * A word is its top 64 bits and a tail of 16 more, both in arrays of their own.  So little noise
 * as 2^-78 is safe in dimension 4096, and 64 bits could not hold it. */
#ifndef PPMLI_LONG_H
#define PPMLI_LONG_H

#include <math.h>

#include "fft/backend.h"
#include "params.h"
#include "poly.h"
#include "rng.h"
#include "wide.h"

#define PPMLI_LONG_TAIL_BITS (PPMLI_LONG_TORUS_BITS - 64)

/* Words of a mask's stream: the tops, then the tails, four a word. */
PPMLI_INLINE size_t ppmli_long_mask_words(const ppml_params *p) {
  return p->poly_size + p->poly_size / 4;
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
  const uint64_t far = (uint64_t)1 << 48; /* makes what is shifted positive */
  for (uint32_t i = 0; i < poly_size; i++) {
    uint64_t carry = ((tail[i] + far) >> PPMLI_LONG_TAIL_BITS) - (far >> PPMLI_LONG_TAIL_BITS);
    top[i] += carry;
    tail[i] &= 0xffff;
  }
}

PPMLI_INLINE size_t ppmli_long_encrypt_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_long_mask_words(p) * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         ppmli_poly_binary_muladd_scratch(p->poly_size);
}

/* Encrypts a message.
 *   top    [N]  in: the message; out: the body's tops
 *   tail   [N]  out: its tails
 *   key    [2][N bits]
 *   mask   public stream, noise: secret stream
 * Scratch: ppmli_long_encrypt_scratch(p) bytes.  Errors: NOMEM.
 * Noise: uniform on +-glwe_noise_bound units of 2^-80.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_long_encrypt(uint64_t *top, uint64_t *tail, const ppml_params *p,
                                    const uint8_t *key, ppmli_stream *mask, ppmli_stream *noise,
                                    ppml_arena *arena) {
  size_t mark = arena->used_bytes, N = p->poly_size;
  PPMLI_ALLOC(uint64_t, words, arena, ppmli_long_mask_words(p));
  PPMLI_ALLOC(uint64_t, tails, arena, N);
  PPMLI_ALLOC(uint64_t, twice, arena, 2 * N);
  ppmli_stream_u64(noise, tails, N);
  for (size_t i = 0; i < N; i++) tail[i] = (uint64_t)ppmli_noise(tails[i], p->glwe_noise_bound);
  ppmli_wipe(tails, N * sizeof *tails);
  ppmli_stream_u64(mask, words, ppmli_long_mask_words(p));
  ppmli_long_mask_tails(tails, words, p->poly_size);
  ppmli_poly_ternary_muladd(top, words, key, p->poly_size, twice);
  ppmli_poly_ternary_muladd(tail, tails, key, p->poly_size, twice);
  ppmli_long_carry(top, tail, p->poly_size);
  arena->used_bytes = mark;
  return PPML_OK;
}

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
