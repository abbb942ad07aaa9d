/* GGSW ciphertexts of bits, which multiply GLWE ciphertexts.
 *
 * Row (i, l) of a GGSW encryption of m encrypts m g_l (-S_i), or m g_l for i = k, with
 * g_l = 2^(64 - base_log2 (l + 1)).  The external product of a GLWE ciphertext C is
 * sum_{i,l} digit_l(C_i) row(i, l): an encryption of m times C's message.  Here are the sizes; ggsw_make.h
 * encrypts, ggsw_apply.h prepares rows for the server, pbs.h multiplies.  Source: [CGGI20] section 3.
 *
 * In: a parameter set; out: sizes.  Next: ggsw_make.h. */
#ifndef PPMLI_CIPHER_GGSW_H
#define PPMLI_CIPHER_GGSW_H

#include "../base/bytes.h"
#include "../math/fft/backend.h"
#include "../math/params.h"

PPMLI_INLINE size_t ppmli_ggsw_wire_bytes(const ppml_params *p) {
  return ppmli_params_ggsw_rows(p) * ppmli_packed_bytes(p->poly_size, p->bsk_wire_bits);
}

PPMLI_INLINE size_t ppmli_ggsw_doubles(const ppml_params *p) {
  return ppmli_fft_doubles(p->poly_size, ppmli_params_ggsw_rows(p) * (p->glwe_dim + 1));
}

/* Doubles of the key of one step: [group][term][row][column][GROUP]. */
PPMLI_INLINE size_t ppmli_bsk_step_doubles(const ppml_params *p) {
  return ppmli_params_ggsw_per_step(p) * ppmli_ggsw_doubles(p);
}

/* Value v of the block that term stands for: bit b of v is key bit b of the block. */
PPMLI_INLINE uint32_t ppmli_pbs_block_value(const ppml_params *p, size_t term) {
  return p->key_block_ones ? (uint32_t)1 << term : (uint32_t)term + 1;
}

#endif
