/* The client's side of keyswitch.h: encrypting a row of the key.  In: both keys and seeds; out: the body
 * of one row.  Next: client/keygen.h. */
#ifndef PPMLI_CIPHER_KEYSWITCH_MAKE_H
#define PPMLI_CIPHER_KEYSWITCH_MAKE_H

#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "keyswitch.h"
#include "lwe.h"

/* Encrypts row to the wire.
 *   wire      [4]  out: the body
 *   mask      [n]  scratch
 *   long_key  [k N bits], short_key [n bits]
 * Noise: fresh.  CT: time depends on p only. */
PPMLI_STATIC void ppmli_ksk_encrypt_row(uint8_t *wire, const ppml_params *p, size_t row,
                                        const uint8_t *long_key, const uint8_t *short_key,
                                        const ppmli_seeds *seeds, uint32_t *mask) {
  ppmli_stream masks, noises;
  uint64_t random;
  ppmli_stream_init(&masks, seeds->mask, PPMLI_STREAM_KSK_MASK, row);
  ppmli_stream_init(&noises, seeds->noise, PPMLI_STREAM_KSK_NOISE, row);
  ppmli_stream_u32(&masks, mask, p->lwe_dim);
  ppmli_stream_u64(&noises, &random, 1);
  ppmli_gadget gadget = ppmli_params_ks_gadget(p);
  uint32_t g = (uint32_t)1 << ppmli_gadget_shift(&gadget, (uint32_t)(row % p->ks_levels));
  uint32_t bit = (uint32_t)ppmli_ct_mask(ppmli_bit(long_key, ppmli_ksk_coordinate(p, row)));
  uint32_t noise = (uint32_t)(uint64_t)ppmli_noise(random, p->lwe_noise_bound);
  /* phase of (mask, 0) is -<mask, s> */
  ppmli_store32(wire, (g & bit) + noise - ppmli_lwe_phase(mask, 0, short_key, p->lwe_dim));
  ppmli_wipe(&random, sizeof random);
  ppmli_stream_wipe(&noises);
}

#endif
