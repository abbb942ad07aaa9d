/* Drawing the coefficients of a secret key: uniform bits, blocks of bits, or -1, 0 and 1.
 * In: a generator; out: planes of bits.  path.h chooses; keygen.h makes the whole key.  Next: encrypt.h. */
#ifndef PPMLI_CLIENT_SECRET_H
#define PPMLI_CLIENT_SECRET_H

#include "../base/ct.h"
#include "../base/rng.h"
#include "../math/params.h"

/* ---------------------------------------------------------- secret key */

/* Draws a key: uniform bits, or one of key_block + 1 equally likely values a block.
 * Rejection sampling: what is rejected says nothing of what is kept, so that a rejection may show.
 * CT otherwise: the remainder of a byte is taken with a product, since the time of a division may
 * depend on what is divided; floor(byte / values) is exact for bytes and values up to 256. */
PPMLI_STATIC uint8_t ppmli_secret_block(ppml_rng *rng, uint32_t key_block) {
  uint8_t byte;
  uint32_t values = key_block + 1, whole = 256 / values * values;
  do ppmli_rng_bytes(rng, &byte, 1);
  while (PPMLI_PUBLIC(byte >= whole));
  uint32_t value = byte - (byte * (65536 / values + 1) >> 16) * values;
  ppmli_wipe(&byte, sizeof byte);
  return (uint8_t)(((uint32_t)1 << value) >> 1); /* 0, or a single 1 */
}

/* Coefficients -1, 0 and 1, equally likely.
 *   planes [2][N bits]  in: zeros; out: where they are 1, and where -1 */
PPMLI_STATIC void ppmli_secret_trits(uint8_t *planes, uint32_t poly_size, ppml_rng *rng) {
  for (uint32_t i = 0; i < poly_size; i++) {
    uint8_t block = ppmli_secret_block(rng, 2); /* 0, 1 or 2: neither bit, or one */
    planes[i / 8] |= (uint8_t)((block & 1) << i % 8);
    planes[(poly_size + i) / 8] |= (uint8_t)((block >> 1) << i % 8);
  }
}

/* Coefficients 0 and 1, equally likely, and the short key: a part of them, or blocks of bits.
 *   lwe_bits, glwe_bits  in: zeros; out */
PPMLI_STATIC void ppmli_secret_bits(uint8_t *lwe_bits, uint8_t *glwe_bits, const ppml_params *p,
                                    ppml_rng *rng) {
  ppmli_rng_bytes(rng, glwe_bits, ppmli_params_long_dim(p) / 8);
  if (p->shared_prefix) {
    memcpy(lwe_bits, glwe_bits, p->lwe_dim / 8);
    return;
  }
  for (uint32_t i = 0; i < p->lwe_dim; i += p->key_block) {
    uint8_t block = ppmli_secret_block(rng, p->key_block);
    for (uint32_t b = 0; b < p->key_block; b++)
      lwe_bits[(i + b) / 8] |= (uint8_t)((block >> b & 1) << ((i + b) % 8));
  }
}

#endif
