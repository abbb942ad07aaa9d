/* BLAKE2s, a hash: the checksum of files, the ids that say what belongs together, and the way by
 * which seeds are derived from several sources.  As a checksum it finds damage and mix-ups; it does
 * not authenticate, since anyone can compute it.  Source: [RFC7693], unkeyed.  In: any bytes; out: 16 or
 * 32 bytes.  Next: seeds.h, wire/container.h. */
#ifndef PPMLI_BASE_DIGEST_H
#define PPMLI_BASE_DIGEST_H

#include "bytes.h"
#include "ct.h"

typedef struct ppmli_digest {
  uint32_t state[8];
  uint64_t hashed_bytes;
  uint8_t block[64];
  uint32_t block_bytes;
} ppmli_digest;

#define PPMLI_DIGEST_IV                                                                            \
  { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }

PPMLI_INLINE uint32_t ppmli_rotr32(uint32_t x, int r) {
  return x >> r | x << (32 - r);
}

PPMLI_INLINE void ppmli_digest_mix(uint32_t *v, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                   uint32_t x, uint32_t y) {
  v[a] += v[b] + x;
  v[d] = ppmli_rotr32(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = ppmli_rotr32(v[b] ^ v[c], 12);
  v[a] += v[b] + y;
  v[d] = ppmli_rotr32(v[d] ^ v[a], 8);
  v[c] += v[d];
  v[b] = ppmli_rotr32(v[b] ^ v[c], 7);
}

PPMLI_STATIC void ppmli_digest_compress(ppmli_digest *d, uint32_t last) {
  static const uint8_t sigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
  static const uint32_t iv[8] = PPMLI_DIGEST_IV;
  uint32_t v[16], m[16];
  for (int i = 0; i < 16; i++) m[i] = ppmli_load32(d->block + 4 * i);
  memcpy(v, d->state, sizeof d->state);
  memcpy(v + 8, iv, sizeof iv);
  v[12] ^= (uint32_t)d->hashed_bytes;
  v[13] ^= (uint32_t)(d->hashed_bytes >> 32);
  v[14] ^= last;
  for (int round = 0; round < 10; round++) {
    const uint8_t *s = sigma[round];
#ifdef PPML_SMALL
    for (uint32_t i = 0; i < 8; i++) { /* columns, then diagonals */
      uint32_t by = i / 4;
      ppmli_digest_mix(v, i % 4, 4 + (i + by) % 4, 8 + (i + 2 * by) % 4, 12 + (i + 3 * by) % 4,
                       m[s[2 * i]], m[s[2 * i + 1]]);
    }
#else
    for (uint32_t i = 0; i < 4; i++)
      ppmli_digest_mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
    for (uint32_t i = 0; i < 4; i++)
      ppmli_digest_mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                       m[s[9 + 2 * i]]);
#endif
  }
  for (int i = 0; i < 8; i++) d->state[i] ^= v[i] ^ v[i + 8];
  ppmli_wipe(v, sizeof v);
  ppmli_wipe(m, sizeof m);
}

/*   out_bytes  of the digest to be made, at most 32; digests of different lengths have nothing in
 *              common */
PPMLI_STATIC void ppmli_digest_begin(ppmli_digest *d, uint32_t out_bytes) {
  static const uint32_t iv[8] = PPMLI_DIGEST_IV;
  memset(d, 0, sizeof *d);
  memcpy(d->state, iv, sizeof iv);
  d->state[0] ^= 0x01010000u ^ out_bytes; /* no key, that many bytes out */
}

PPMLI_INLINE void ppmli_digest_init(ppmli_digest *d) {
  ppmli_digest_begin(d, PPML_ID_BYTES);
}

PPMLI_INLINE void ppmli_digest_init_seed(ppmli_digest *d) {
  ppmli_digest_begin(d, PPML_SEED_BYTES);
}

PPMLI_STATIC void ppmli_digest_update(ppmli_digest *d, const void *bytes, size_t count) {
  const uint8_t *in = (const uint8_t *)bytes;
  while (count) {
    if (d->block_bytes == sizeof d->block) { /* more follows, so this is not the last block */
      d->hashed_bytes += sizeof d->block;
      ppmli_digest_compress(d, 0);
      d->block_bytes = 0;
    }
    size_t take = ppmli_min_size(count, sizeof d->block - d->block_bytes);
    memcpy(d->block + d->block_bytes, in, take);
    d->block_bytes += (uint32_t)take;
    in += take;
    count -= take;
  }
}

/*   out  [out_bytes of ppmli_digest_begin, a multiple of 4] */
PPMLI_STATIC void ppmli_digest_end(ppmli_digest *d, uint8_t *out, uint32_t out_bytes) {
  memset(d->block + d->block_bytes, 0, sizeof d->block - d->block_bytes);
  d->hashed_bytes += d->block_bytes;
  ppmli_digest_compress(d, 0xffffffffu);
  for (uint32_t i = 0; i < out_bytes / 4; i++) ppmli_store32(out + 4 * i, d->state[i]);
}

PPMLI_INLINE void ppmli_digest_final(ppmli_digest *d, uint8_t out[PPML_ID_BYTES]) {
  ppmli_digest_end(d, out, PPML_ID_BYTES);
}

PPMLI_INLINE void ppmli_digest_final_seed(ppmli_digest *d, uint8_t out[PPML_SEED_BYTES]) {
  ppmli_digest_end(d, out, PPML_SEED_BYTES);
}

PPMLI_INLINE void ppmli_digest_wipe(ppmli_digest *d) {
  ppmli_wipe(d, sizeof *d);
}

#endif
