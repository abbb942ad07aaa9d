/* The server's side of keyswitch.h: unpacking rows, and taking a long ciphertext apart into the digits
 * that meet them.  In: rows on the wire, or a long ciphertext; out: rows in the order of the backend, or
 * digits.  Next: pbs.h; server/bootstrap.h. */
#ifndef PPMLI_CIPHER_KEYSWITCH_APPLY_H
#define PPMLI_CIPHER_KEYSWITCH_APPLY_H

#include "../base/bytes.h"
#include "../base/stream.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "keyswitch.h"

/* Consecutive rows of the key in memory. */
typedef struct ppmli_ksk_rows_slab {
  uint32_t *words; /* [blocks][rows][16] */
  size_t rows, first;
} ppmli_ksk_rows_slab;

/* Expands row r of the slab, which is row `first + r` of the key.
 *   slab  its row is written; the columns behind the body are 0
 *   mask  [n]  scratch */
PPMLI_STATIC void ppmli_ksk_expand_row(const ppmli_ksk_rows_slab *slab, size_t r,
                                       const uint8_t *wire, const ppml_params *p,
                                       const uint8_t *mask_seed, uint32_t *mask,
                                       const ppmli_fft *fft) {
  ppmli_mask_u32(mask, p->lwe_dim, mask_seed, PPMLI_STREAM_KSK_MASK, slab->first + r,
                 fft->backend->chacha);
  for (size_t column = 0; column < ppmli_lwe_short_words(p); column++) {
    size_t block = column / PPMLI_KS_COLUMNS, x = column % PPMLI_KS_COLUMNS;
    uint32_t word = column < p->lwe_dim    ? mask[column]
                    : column == p->lwe_dim ? ppmli_load32(wire)
                                           : 0;
    slab->words[(block * slab->rows + r) * PPMLI_KS_COLUMNS + x] = word;
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
