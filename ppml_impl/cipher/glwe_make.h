/* The client's side of glwe.h: encrypting a polynomial under the GLWE key.  In: a polynomial, the key,
 * streams of mask and noise; out: the body.  Next: glwe_product.h, the same for whom many are to be
 * made; client/block.h. */
#ifndef PPMLI_CIPHER_GLWE_MAKE_H
#define PPMLI_CIPHER_GLWE_MAKE_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/stream.h"
#include "../math/poly.h"

/* body += E, word by word.  CT. */
PPMLI_STATIC void ppmli_glwe_add_noise(uint64_t *body, const ppml_params *p, ppmli_stream *noise) {
  uint64_t random;
  for (uint32_t j = 0; j < p->poly_size; j++) {
    ppmli_stream_u64(noise, &random, 1);
    body[j] += (uint64_t)ppmli_noise(random, p->glwe_noise_bound);
  }
  ppmli_wipe(&random, sizeof random);
}

PPMLI_INLINE size_t ppmli_glwe_encrypt_scratch(const ppml_params *p) {
  return ppmli_poly_binary_muladd_scratch(p->poly_size);
}

/* body += sum_i A_i S_i + E, for the mask that the stream `mask` yields; by additions, in room for one
 * mask polynomial.
 *   body   [N]          in: the message; out: the body of its ciphertext
 *   key    [k N bits]   S
 *   mask   public stream, noise: secret stream
 * Scratch: ppmli_glwe_encrypt_scratch(p) bytes, wiped.  Errors: NOMEM.
 * CT: time depends on p only. */
PPMLI_STATIC int ppmli_glwe_encrypt_body(uint64_t *body, const ppml_params *p, const uint8_t *key,
                                         ppmli_stream *mask, ppmli_stream *noise,
                                         ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, lead, arena, ppmli_poly_lead_words(p->poly_size));
  for (uint32_t i = 0; i < p->glwe_dim; i++) {
    ppmli_stream_u64(mask, lead + PPMLI_POLY_LEAD, p->poly_size);
    ppmli_poly_binary_muladd_here(body, lead, key, (size_t)i * p->poly_size, p->poly_size);
  }
  ppmli_glwe_add_noise(body, p, noise);
  ppmli_wipe(lead, ppmli_poly_lead_words(p->poly_size) * sizeof *lead);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
