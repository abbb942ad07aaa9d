/* Layer 4: GGSW ciphertexts of bits, and their product with GLWE ciphertexts.
 *
 * Row (i, l) of a GGSW encryption of m encrypts m g_l (-S_i), or m g_l for i = k, with
 * g_l = 2^(64 - base_log2 (l + 1)).  The external product of a GLWE ciphertext C is
 * sum_{i,l} digit_l(C_i) row(i, l): an encryption of m times C's message.
 * Source: [CGGI20] section 3. */
#ifndef PPMLI_GGSW_H
#define PPMLI_GGSW_H

#include "fft.h"
#include "glwe.h"
#include "masks.h"

PPMLI_INLINE size_t ppmli_ggsw_wire_bytes(const ppml_params *p) {
  return ppmli_params_ggsw_rows(p) * ppmli_packed_bytes(p->poly_size, p->bsk_wire_bits);
}

PPMLI_INLINE size_t ppmli_ggsw_doubles(const ppml_params *p) {
  return ppmli_fft_doubles(p->poly_size, ppmli_params_ggsw_rows(p) * (p->glwe_dim + 1));
}

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

PPMLI_INLINE size_t ppmli_ggsw_encrypt_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_glwe_encrypt_scratch(p);
}

/* Encrypts one bit to the wire.
 *   wire   [ppmli_ggsw_wire_bytes(p)]  out: the rows' bodies, packed
 *   key    [k N bits]  S
 *   index  of this GGSW, names its rows' streams under the seeds
 * Scratch: ppmli_ggsw_encrypt_scratch(p) bytes.  Errors: NOMEM.
 * Noise: fresh, plus 2^-bsk_wire_bits / sqrt 12 of rounding.
 * CT: time depends on p only. */
PPMLI_STATIC int ppmli_ggsw_encrypt(uint8_t *wire, const ppml_params *p, uint64_t bit,
                                    const uint8_t *key, const uint8_t *mask_seed,
                                    const uint8_t *noise_seed, uint64_t index, ppml_arena *arena) {
  size_t mark = arena->used_bytes, rows = ppmli_params_ggsw_rows(p);
  PPMLI_ALLOC(uint64_t, body, arena, p->poly_size);
  for (uint32_t row = 0; row < rows; row++) {
    ppmli_stream mask, noise;
    ppmli_stream_init(&mask, mask_seed, PPMLI_STREAM_BSK_MASK, index * rows + row);
    ppmli_stream_init(&noise, noise_seed, PPMLI_STREAM_BSK_NOISE, index * rows + row);
    ppmli_ggsw_row_message(body, p, bit, key, row / p->pbs_levels, row % p->pbs_levels);
    int error = ppmli_glwe_encrypt_body(body, p, key, &mask, &noise, arena);
    ppmli_stream_wipe(&noise);
    if (error) return error;
    for (uint32_t j = 0; j < p->poly_size; j++)
      body[j] = ppmli_torus_top(body[j], p->bsk_wire_bits);
    ppmli_pack(wire, body, p->poly_size, p->bsk_wire_bits);
    wire += ppmli_packed_bytes(p->poly_size, p->bsk_wire_bits);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

PPMLI_INLINE size_t ppmli_ggsw_expand_scratch(const ppml_params *p) {
  return ppmli_arena_rounded((p->glwe_dim + 1) * (size_t)p->poly_size * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(double));
}

/* A row's masks and body, as a GLWE ciphertext in memory.
 *   glwe  [k + 1][N]  out
 *   wire  the row's body, packed
 *   row   of all rows of all GGSW ciphertexts, names the masks' stream */
PPMLI_STATIC void ppmli_ggsw_unpack_row(uint64_t *glwe, const uint8_t *wire, const ppml_params *p,
                                        const uint8_t *mask_seed, uint64_t row,
                                        const ppmli_fft *fft) {
  size_t masks = ppmli_params_long_dim(p);
  uint64_t *body = glwe + masks;
  ppmli_mask_u64(glwe, masks, mask_seed, PPMLI_STREAM_BSK_MASK, row, fft->backend->chacha);
  ppmli_unpack(body, wire, p->poly_size, p->bsk_wire_bits);
  for (uint32_t j = 0; j < p->poly_size; j++) body[j] = ppmli_torus_from(body[j], p->bsk_wire_bits);
}

/* Draws the masks of a GGSW ciphertext from the seed and transforms it.
 *   out    group g, polynomial [row][column] at out + g * stride + (row (k + 1) + column) * GROUP;
 *          scaled for ppmli_backend.backward_add
 *   wire   [ppmli_ggsw_wire_bytes(p)]
 * Scratch: ppmli_ggsw_expand_scratch(p) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_ggsw_expand(double *out, size_t stride, const uint8_t *wire,
                                   const ppml_params *p, const uint8_t *mask_seed, uint64_t index,
                                   const ppmli_fft *fft, ppml_arena *arena) {
  size_t mark = arena->used_bytes, rows = ppmli_params_ggsw_rows(p);
  double scale = ldexp(1.0 / fft->points, -64);
  PPMLI_ALLOC(uint64_t, glwe, arena, (p->glwe_dim + 1) * (size_t)p->poly_size);
  PPMLI_ALLOC(double, work, arena, p->poly_size);
  for (uint32_t row = 0; row < rows; row++) {
    ppmli_ggsw_unpack_row(glwe, wire, p, mask_seed, index * rows + row, fft);
    wire += ppmli_packed_bytes(p->poly_size, p->bsk_wire_bits);
    for (uint32_t column = 0; column <= p->glwe_dim; column++, out += PPMLI_GROUP)
      fft->backend->forward_signed(fft, out, stride, glwe + (size_t)column * p->poly_size, scale,
                                   work);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
