/* Layer 4: the key switch from the long key to the short one, down to the 32-bit torus.
 *
 * Row (i, l) of the key encrypts s_i 2^(32 - base_log2 (l + 1)) under the short key, for
 * each coordinate i of the long key that the short key does not share.  Where the short
 * key is a prefix of the long one, its coordinates pass through untouched.
 * Source: [CGGI20] section 4; shared prefix: [BCL+23]. */
#ifndef PPMLI_KEYSWITCH_H
#define PPMLI_KEYSWITCH_H

#include "fft/backend.h"
#include "lwe.h"
#include "masks.h"
#include "params.h"
#include "rng.h"

PPMLI_INLINE size_t ppmli_ksk_rows(const ppml_params *p) {
  return ppmli_params_switched_dim(p) * p->ks_levels;
}

/* Blocks of PPMLI_KS_COLUMNS columns that hold the n mask words and the body. */
PPMLI_INLINE size_t ppmli_ksk_blocks(const ppml_params *p) {
  return (p->lwe_dim + 1 + PPMLI_KS_COLUMNS - 1) / PPMLI_KS_COLUMNS;
}

/* 32-bit words of that many rows in memory, and of one switched ciphertext. */
PPMLI_INLINE size_t ppmli_ksk_words(const ppml_params *p, size_t rows) {
  return rows * ppmli_ksk_blocks(p) * PPMLI_KS_COLUMNS;
}

PPMLI_INLINE size_t ppmli_lwe_short_words(const ppml_params *p) {
  return ppmli_ksk_words(p, 1);
}

/* The long key's coordinate that row r belongs to. */
PPMLI_INLINE size_t ppmli_ksk_coordinate(const ppml_params *p, size_t row) {
  return row / p->ks_levels + (p->shared_prefix ? p->lwe_dim : 0);
}

/* Encrypts row to the wire.
 *   wire      [4]  out: the body
 *   mask      [n]  scratch
 *   long_key  [k N bits], short_key [n bits]
 * Noise: fresh.  CT: time depends on p only. */
PPMLI_STATIC void ppmli_ksk_encrypt_row(uint8_t *wire, const ppml_params *p, size_t row,
                                        const uint8_t *long_key, const uint8_t *short_key,
                                        const uint8_t *mask_seed, const uint8_t *noise_seed,
                                        uint32_t *mask) {
  ppmli_stream masks, noises;
  uint64_t random;
  ppmli_stream_init(&masks, mask_seed, PPMLI_STREAM_KSK_MASK, row);
  ppmli_stream_init(&noises, noise_seed, PPMLI_STREAM_KSK_NOISE, row);
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

/* Expands row `first + r` to row r of a slab of slab_rows rows.
 *   slab  [blocks][slab_rows][16]  out; the columns behind the body are 0
 *   mask  [n]  scratch */
PPMLI_STATIC void ppmli_ksk_expand_row(uint32_t *slab, size_t slab_rows, size_t r, size_t first,
                                       const uint8_t *wire, const ppml_params *p,
                                       const uint8_t *mask_seed, uint32_t *mask,
                                       const ppmli_fft *fft) {
  ppmli_mask_u32(mask, p->lwe_dim, mask_seed, PPMLI_STREAM_KSK_MASK, first + r,
                 fft->backend->chacha);
  for (size_t column = 0; column < ppmli_lwe_short_words(p); column++) {
    size_t block = column / PPMLI_KS_COLUMNS, x = column % PPMLI_KS_COLUMNS;
    uint32_t word = column < p->lwe_dim    ? mask[column]
                    : column == p->lwe_dim ? ppmli_load32(wire)
                                           : 0;
    slab[(block * slab_rows + r) * PPMLI_KS_COLUMNS + x] = word;
  }
}

/* The digits of rows first_row .. first_row + rows - 1, which are coordinates' all levels.
 *   digits  digit of row first_row + r at digits[r * stride]  out
 *   lwe     [k N + 1] */
PPMLI_STATIC void ppmli_keyswitch_digits(int32_t *digits, size_t stride, const uint64_t *lwe,
                                         size_t first_row, size_t rows, const ppml_params *p) {
  ppmli_gadget gadget = ppmli_params_ks_gadget(p);
  for (size_t r = 0; r < rows; r++, digits += stride) {
    uint32_t word = ppmli_torus_switch(lwe[ppmli_ksk_coordinate(p, first_row + r)], 32);
    *digits =
        (int32_t)ppmli_gadget_digit(&gadget, word, (uint32_t)((first_row + r) % p->ks_levels));
  }
}

/* What a word's digits leave over. */
PPMLI_INLINE int32_t ppmli_keyswitch_error(uint32_t word, const ppmli_gadget *gadget) {
  for (uint32_t l = 0, whole = word; l < gadget->levels; l++)
    word -= (uint32_t)(uint64_t)ppmli_gadget_digit(gadget, whole, l)
            << ppmli_gadget_shift(gadget, l);
  return ppmli_torus_signed32(word);
}

/* What a switch starts from: the coordinates that are kept, rounded to 32 bits, and the
 * body less half of the rounding errors to come, which halves their variance as in the
 * centered modulus switch.  The key's rows times the digits are then subtracted.
 *   out  [ppmli_lwe_short_words]  out
 *   lwe  [k N + 1] */
PPMLI_STATIC void ppmli_keyswitch_start(uint32_t *out, const uint64_t *lwe, const ppml_params *p) {
  size_t long_dim = ppmli_params_long_dim(p);
  size_t kept = long_dim - ppmli_params_switched_dim(p);
  ppmli_gadget gadget = ppmli_params_ks_gadget(p);
  int64_t error_sum = 0;
  memset(out, 0, ppmli_lwe_short_words(p) * sizeof *out);
  for (size_t i = 0; i < kept; i++) out[i] = ppmli_torus_switch(lwe[i], 32);
  for (size_t i = kept; i < long_dim; i++)
    error_sum += ppmli_keyswitch_error(ppmli_torus_switch(lwe[i], 32), &gadget);
  out[p->lwe_dim] = ppmli_torus_switch(lwe[long_dim], 32) - (uint32_t)(uint64_t)(error_sum / 2);
}

#endif
