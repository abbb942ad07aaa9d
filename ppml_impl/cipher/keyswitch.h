/* The key switch from the long key to the short one, down to the 32-bit torus: what both sides know.
 *
 * Row (i, l) of the key encrypts s_i 2^(32 - base_log2 (l + 1)) under the short key, for each coordinate i
 * of the long key that the short key does not share.  Where the short key is a prefix of the long
 * one, its coordinates pass through untouched.  keyswitch_make.h encrypts rows, keyswitch_apply.h
 * switches.  Source: [CGGI20] section 4; shared prefix: [BCL+23].
 *
 * In: a parameter set; out: sizes, and the coordinate that a row is of.  Next: keyswitch_make.h. */
#ifndef PPMLI_CIPHER_KEYSWITCH_H
#define PPMLI_CIPHER_KEYSWITCH_H

#include "../math/fft/backend.h"
#include "../math/params.h"

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

#endif
