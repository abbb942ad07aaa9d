/* The client's side of glwe.h: encrypting a polynomial under the GLWE key.  In: a polynomial, the key,
 * streams of mask and noise; out: the body.  Next: ggsw_make.h, client/block.h. */
#ifndef PPMLI_CIPHER_GLWE_MAKE_H
#define PPMLI_CIPHER_GLWE_MAKE_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/stream.h"
#include "../math/poly.h"

PPMLI_INLINE size_t ppmli_glwe_encrypt_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         ppmli_poly_binary_muladd_scratch(p->poly_size);
}

/* body += sum_i A_i S_i + E, for the mask that the stream `mask` yields.
 *   body   [N]          in: the message; out: the body of its ciphertext
 *   key    [k N bits]   S
 *   mask   public stream, noise: secret stream
 * Scratch: ppmli_glwe_encrypt_scratch(p) bytes.  Errors: NOMEM.
 * CT: time depends on p only. */
PPMLI_STATIC int ppmli_glwe_encrypt_body(uint64_t *body, const ppml_params *p, const uint8_t *key,
                                         ppmli_stream *mask, ppmli_stream *noise,
                                         ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, a, arena, p->poly_size);
  PPMLI_ALLOC(uint64_t, twice, arena, 2 * (size_t)p->poly_size);
  for (uint32_t i = 0; i < p->glwe_dim; i++) {
    ppmli_stream_u64(mask, a, p->poly_size);
    ppmli_poly_binary_muladd(body, a, key, (size_t)i * p->poly_size, p->poly_size, twice);
  }
  ppmli_stream_u64(noise, a, p->poly_size);
  for (uint32_t j = 0; j < p->poly_size; j++)
    body[j] += (uint64_t)ppmli_noise(a[j], p->glwe_noise_bound);
  ppmli_wipe(a, p->poly_size * sizeof *a);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
