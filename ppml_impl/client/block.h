/* One ciphertext of an image: a message of N coefficients becomes the body that travels, under the
 * mask that a public stream names.  For both tori that sets are made on.  Next: path.h chooses,
 * encrypt.h makes all ciphertexts of an image.  In: a message, the key, streams of mask and noise; out:
 * words of a body. */
#ifndef PPMLI_CLIENT_BLOCK_H
#define PPMLI_CLIENT_BLOCK_H

#include "../base/stream.h"
#include "../cipher/glwe_product.h"
#include "../math/long.h"
#include "../math/long_make.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/torus.h"

/* Encrypts a message on the torus of 64 bits, and keeps of it what travels.
 *   body [N]  in: the message; out: the body
 * Scratch: ppmli_glwe_encrypt_scratch(p), or of a key that is transformed ppmli_glwe_product_scratch(p).
 * Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_encrypt_block(uint64_t *body, const ppml_params *p,
                                     const ppmli_glwe_key *key, const ppmli_mask *mask,
                                     ppmli_stream *noise, ppml_arena *arena) {
#ifdef PPMLI_NARROW
  PPMLI_TRY(ppmli_glwe_product_body(body, p, key, mask, noise, arena));
#else
  ppmli_stream words;
  ppmli_stream_init(&words, mask->seed, mask->purpose, mask->index);
  PPMLI_TRY(ppmli_glwe_encrypt_body(body, p, key->bits, &words, noise, arena));
#endif
  for (uint32_t i = 0; i < p->poly_size; i++)
    body[i] = ppmli_torus_from(ppmli_torus_top(body[i], p->input_wire_bits), p->input_wire_bits);
  return PPML_OK;
}

#ifndef PPML_NO_LEVELED
/* The same on the torus of 80 bits, whose words lose the lower half of their tails.
 *   tail  [N]  out: 8 bits more of each word
 * CT. */
PPMLI_STATIC void ppmli_encrypt_long_block(uint64_t *body, uint64_t *tail, const ppml_params *p,
                                           const ppmli_long_key *key, const ppmli_mask *mask,
                                           ppmli_stream *noise) {
  const uint32_t lost = PPMLI_LONG_TAIL_BITS - ppmli_params_tail_bits(p);
  ppmli_long_encrypt(body, tail, p, key, mask, noise);
  for (uint32_t i = 0; i < p->poly_size; i++) tail[i] += (uint64_t)1 << (lost - 1);
  ppmli_long_carry(body, tail, p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++) tail[i] >>= lost;
}
#endif

#endif
