/* GLWE ciphertexts: mask polynomials A_1 .. A_k and a body B = sum_i A_i S_i + M + E modulo X^N + 1, on
 * the 64-bit torus.  In memory the mask comes first, [k + 1][N]; on the wire only the body travels,
 * since the mask is drawn from a public seed.  Here is what anyone can do: take a coefficient out as
 * an LWE ciphertext.  Next: glwe_make.h for encryption, ggsw.h for products.  In: a GLWE ciphertext;
 * out: an LWE ciphertext of one coefficient. */
#ifndef PPMLI_CIPHER_GLWE_H
#define PPMLI_CIPHER_GLWE_H

#include "../math/params.h"

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
