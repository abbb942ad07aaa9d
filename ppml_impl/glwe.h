/* Layer 3: GLWE ciphertexts: mask polynomials A_1..A_k and a body
 * B = sum_i A_i S_i + M + E modulo X^N + 1, on the 64-bit torus.  In memory the mask
 * comes first, [k + 1][N].  On the wire only the body travels: the mask is drawn from a
 * public seed. */
#ifndef PPMLI_GLWE_H
#define PPMLI_GLWE_H

#include "params.h"
#include "poly.h"
#include "rng.h"

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

/* The LWE ciphertext, under the long key, of the constant coefficient.
 *   lwe   [k N + 1]   out; no alias
 *   glwe  [k + 1][N] */
PPMLI_STATIC void ppmli_glwe_extract(uint64_t *lwe, const uint64_t *glwe, const ppml_params *p) {
  uint32_t N = p->poly_size;
  for (uint32_t i = 0; i < p->glwe_dim; i++) {
    const uint64_t *a = glwe + (size_t)i * N;
    uint64_t *out = lwe + (size_t)i * N;
    out[0] = a[0];
    for (uint32_t j = 1; j < N; j++) out[j] = 0 - a[N - j];
  }
  lwe[ppmli_params_long_dim(p)] = glwe[ppmli_params_long_dim(p)];
}

#endif
