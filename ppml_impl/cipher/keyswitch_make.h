/* The client's side of keyswitch.h: encrypting a row of the key.  In: both keys and seeds; out: the body
 * of one row.  Next: client/keygen.h. */
#ifndef PPMLI_CIPHER_KEYSWITCH_MAKE_H
#define PPMLI_CIPHER_KEYSWITCH_MAKE_H

#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/poly.h"
#include "keyswitch.h"
#include "lwe.h"

#define PPMLI_KSK_CHUNK 16 /* words of a mask that are drawn at a time */

/* <a, s> of the mask that a stream yields, a few words at a time.  CT. */
PPMLI_STATIC uint32_t ppmli_ksk_mask_times_key(ppmli_stream *masks, const uint8_t *short_key,
                                               uint32_t lwe_dim) {
  uint32_t sum = 0, a[PPMLI_KSK_CHUNK];
  for (uint32_t i = 0; i < lwe_dim; i += PPMLI_KSK_CHUNK) { /* n of every set is a multiple of it */
    ppmli_stream_u32(masks, a, PPMLI_KSK_CHUNK);
    sum -= ppmli_lwe_phase(a, 0, short_key + i / 8, PPMLI_KSK_CHUNK);
  }
  return sum;
}

/* The body of a row.
 *   long_key  [k N bits], short_key [n bits]
 * Noise: fresh.  CT: time depends on p only. */
PPMLI_STATIC uint32_t ppmli_ksk_encrypt_row(const ppml_params *p, size_t row,
                                            const uint8_t *long_key, const uint8_t *short_key,
                                            const ppmli_seeds *seeds) {
  ppmli_stream stream;
  uint64_t random;
  ppmli_stream_init(&stream, seeds->mask, PPMLI_STREAM_KSK_MASK, row);
  uint32_t body = ppmli_ksk_mask_times_key(&stream, short_key, p->lwe_dim);
  ppmli_stream_init(&stream, seeds->noise, PPMLI_STREAM_KSK_NOISE, row);
  ppmli_stream_u64(&stream, &random, 1);
  body += (uint32_t)(uint64_t)ppmli_noise(random, p->lwe_noise_bound);
  uint32_t g = (uint32_t)1 << (32 - p->ks_base_log2 * ((uint32_t)(row % p->ks_levels) + 1));
  body += g & (uint32_t)ppmli_ct_mask(ppmli_bit(long_key, ppmli_ksk_coordinate(p, row)));
  ppmli_wipe(&random, sizeof random);
  ppmli_stream_wipe(&stream);
  return body;
}

#endif
