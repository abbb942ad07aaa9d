/* The client's side of ggsw.h: encrypting key bits for the bootstrapping key.  In: a bit, the GLWE key,
 * two seeds; out: the bodies as they travel.  Next: client/keygen.h. */
#ifndef PPMLI_CIPHER_GGSW_MAKE_H
#define PPMLI_CIPHER_GGSW_MAKE_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "ggsw.h"
#include "glwe_product.h"

/* message g_l (-S_i) or message g_l, the message of row (i, l).  CT. */
PPMLI_STATIC void ppmli_ggsw_row_message(uint64_t *poly, const ppml_params *p, uint64_t bit,
                                         const uint8_t *key, uint32_t i, uint32_t level) {
  uint64_t g = (uint64_t)1 << (64 - p->pbs_base_log2 * (level + 1));
  uint64_t term = (0 - g) & ppmli_ct_mask(bit);
  memset(poly, 0, p->poly_size * sizeof *poly);
  if (i == p->glwe_dim) {
    poly[0] = g & ppmli_ct_mask(bit);
    return;
  }
  for (uint32_t j = 0; j < p->poly_size; j++)
    poly[j] = term & ppmli_ct_mask(ppmli_bit(key, (size_t)i * p->poly_size + j));
}

/* Encrypts row `row` of a GGSW ciphertext of a bit.
 *   body   [N]  out: of which bsk_wire_bits travel
 *   index  of this GGSW, names its rows' streams under the seeds
 * Scratch: ppmli_glwe_product_scratch(p) bytes.  Errors: NOMEM.
 * Noise: fresh, plus 2^-bsk_wire_bits / sqrt 12 of rounding.
 * CT: time depends on p only. */
PPMLI_STATIC int ppmli_ggsw_encrypt_row(uint64_t *body, const ppml_params *p, uint64_t bit,
                                        const ppmli_glwe_key *key, const ppmli_seeds *seeds,
                                        uint64_t index, uint32_t row, ppml_arena *arena) {
  uint64_t stream = index * ppmli_params_ggsw_rows(p) + row;
  ppmli_mask mask = {seeds->mask, PPMLI_STREAM_BSK_MASK, stream};
  ppmli_stream noise;
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_BSK_NOISE, stream);
  ppmli_ggsw_row_message(body, p, bit, key->bits, row / p->pbs_levels, row % p->pbs_levels);
  int error = ppmli_glwe_product_body(body, p, key, &mask, &noise, arena);
  ppmli_stream_wipe(&noise);
  return error;
}

PPMLI_INLINE size_t ppmli_ggsw_encrypt_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_glwe_product_scratch(p);
}

/* Encrypts one bit to the wire.
 *   wire  [ppmli_ggsw_wire_bytes(p)]  out: the rows' bodies, packed
 *   key   S
 * Scratch: ppmli_ggsw_encrypt_scratch(p) bytes.  Errors: NOMEM.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_ggsw_encrypt(uint8_t *wire, const ppml_params *p, uint64_t bit,
                                    const ppmli_glwe_key *key, const ppmli_seeds *seeds,
                                    uint64_t index, ppml_arena *arena) {
  size_t mark = arena->used_bytes, rows = ppmli_params_ggsw_rows(p);
  PPMLI_ALLOC(uint64_t, body, arena, p->poly_size);
  for (uint32_t row = 0; row < rows; row++) {
    PPMLI_TRY(ppmli_ggsw_encrypt_row(body, p, bit, key, seeds, index, row, arena));
    for (uint32_t j = 0; j < p->poly_size; j++)
      body[j] = ppmli_torus_top(body[j], p->bsk_wire_bits);
    ppmli_pack(wire, body, p->poly_size, p->bsk_wire_bits);
    wire += ppmli_packed_bytes(p->poly_size, p->bsk_wire_bits);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

/* 1 if the block of key bits at `step` has the value of term, else 0.  CT. */
PPMLI_STATIC uint64_t ppmli_pbs_block_bit(const ppml_params *p, const uint8_t *lwe_bits,
                                          size_t step, size_t term) {
  uint32_t value = ppmli_pbs_block_value(p, term);
  uint64_t bit = 1;
  for (uint32_t b = 0; b < p->key_block; b++) {
    uint64_t differs = ppmli_bit(lwe_bits, step * p->key_block + b) ^ (value >> b & 1);
    bit &= differs ^ 1;
  }
  return bit;
}

/* Encrypts all GGSW ciphertexts of a step of a blind rotation: one for each value of its block.
 *   wire  [ggsw_per_step][ppmli_ggsw_wire_bytes(p)]  out
 * Scratch: ppmli_ggsw_encrypt_scratch(p).  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_ggsw_make_step(uint8_t *wire, const ppml_params *p, size_t step,
                                      const uint8_t *lwe_bits, const ppmli_glwe_key *key,
                                      const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t terms = ppmli_params_ggsw_per_step(p);
  for (size_t term = 0; term < terms; term++)
    PPMLI_TRY(ppmli_ggsw_encrypt(wire + term * ppmli_ggsw_wire_bytes(p), p,
                                 ppmli_pbs_block_bit(p, lwe_bits, step, term), key, seeds,
                                 step * terms + term, arena));
  return PPML_OK;
}

#endif
