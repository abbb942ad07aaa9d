/* The server's side of ggsw.h: from bodies on the wire to rows that are transformed, masks drawn anew.
 * In: a public seed and bodies; out: transforms, in the order in which pbs.h multiplies.  Next: pbs.h. */
#ifndef PPMLI_CIPHER_GGSW_APPLY_H
#define PPMLI_CIPHER_GGSW_APPLY_H

#include <math.h>

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/stream.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "ggsw.h"

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
 *   mask   its index is that of the GGSW ciphertext; of its rows are made streams of their own
 * Scratch: ppmli_ggsw_expand_scratch(p) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_ggsw_expand(double *out, size_t stride, const uint8_t *wire,
                                   const ppml_params *p, const ppmli_mask *mask,
                                   const ppmli_fft *fft, ppml_arena *arena) {
  size_t mark = arena->used_bytes, rows = ppmli_params_ggsw_rows(p);
  double scale = ldexp(1.0 / fft->points, -64);
  PPMLI_ALLOC(uint64_t, glwe, arena, (p->glwe_dim + 1) * (size_t)p->poly_size);
  PPMLI_ALLOC(double, work, arena, p->poly_size);
  for (uint32_t row = 0; row < rows; row++) {
    ppmli_ggsw_unpack_row(glwe, wire, p, mask->seed, mask->index * rows + row, fft);
    wire += ppmli_packed_bytes(p->poly_size, p->bsk_wire_bits);
    for (uint32_t column = 0; column <= p->glwe_dim; column++, out += PPMLI_GROUP)
      fft->backend->forward_signed(fft, out, stride, glwe + (size_t)column * p->poly_size, scale,
                                   work);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

/* Prepares all GGSW ciphertexts of a step of a blind rotation.
 *   out   [groups][terms][rows][columns][GROUP]
 *   wire  [terms][ppmli_ggsw_wire_bytes(p)]
 * Scratch: ppmli_ggsw_expand_scratch(p).  Errors: NOMEM. */
PPMLI_STATIC int ppmli_ggsw_expand_step(double *out, const uint8_t *wire, const ppml_params *p,
                                        size_t step, const uint8_t *mask_seed, const ppmli_fft *fft,
                                        ppml_arena *arena) {
  size_t terms = ppmli_params_ggsw_per_step(p);
  size_t groups = ppmli_params_ggsw_rows(p) * (p->glwe_dim + 1) * PPMLI_GROUP;
  for (size_t term = 0; term < terms; term++) {
    ppmli_mask mask = {mask_seed, PPMLI_STREAM_BSK_MASK, step * terms + term};
    PPMLI_TRY(ppmli_ggsw_expand(out + term * groups, terms * groups,
                                wire + term * ppmli_ggsw_wire_bytes(p), p, &mask, fft, arena));
  }
  return PPML_OK;
}

#endif
