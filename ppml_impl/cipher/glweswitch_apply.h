/* The server's side of glweswitch.h: rows expanded and transformed, the switch itself, and the steps of
 * a trace, which clears coefficients of a ciphertext.  In: rows on the wire, or a ciphertext; out:
 * transformed rows, or the switched ciphertext.  Next: tensor.h; server/products.h. */
#ifndef PPMLI_CIPHER_GLWESWITCH_APPLY_H
#define PPMLI_CIPHER_GLWESWITCH_APPLY_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/stream.h"
#include "../math/fft/backend.h"
#include "../math/long.h"
#include "../math/long_apply.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "../math/wide.h"
#include "glweswitch.h"

/* -------------------------------------------------------------- expansion */

PPMLI_INLINE size_t ppmli_switch_expand_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_long_mask_words(p) * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_wide_scratch(p->poly_size);
}

/* Draws the masks of a switch from the seed and transforms it.
 *   out   [ppmli_switch_doubles(p)]
 *   wire  [ppmli_switch_wire_bytes(p)]
 * Scratch: ppmli_switch_expand_scratch(p) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_switch_expand(double *out, const uint8_t *wire, const ppml_params *p,
                                     size_t step, const uint8_t *mask_seed, const ppmli_fft *fft,
                                     ppml_arena *arena) {
  size_t mark = arena->used_bytes, N = p->poly_size;
  size_t stride = ppmli_switch_levels(p) * PPMLI_SWITCH_COLUMNS * PPMLI_GROUP;
  ppmli_wide w;
  PPMLI_ALLOC(uint64_t, top, arena, ppmli_long_mask_words(p));
  PPMLI_ALLOC(uint64_t, tail, arena, N);
  PPMLI_TRY(ppmli_wide_init(&w, p->poly_size, arena));
  for (size_t l = 0; l < ppmli_switch_levels(p); l++, out += PPMLI_SWITCH_COLUMNS * PPMLI_GROUP) {
    ppmli_mask mask = {mask_seed, PPMLI_STREAM_BSK_MASK, step * ppmli_switch_levels(p) + l};
    ppmli_long_draw_mask(top, tail, p, &mask, fft);
    ppmli_long_forward(fft, out, stride, top, tail, PPMLI_SWITCH_HIGH_BITS, &w);
    for (size_t i = 0; i < N; i++) {
      top[i] = ppmli_load64(wire + 8 * i);
      tail[i] = ppmli_load16(wire + 8 * N + 2 * i);
    }
    wire += ppmli_switch_row_wire_bytes(p);
    ppmli_long_forward(fft, out + 2 * PPMLI_GROUP, stride, top, tail, PPMLI_SWITCH_HIGH_BITS, &w);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ----------------------------------------------------------------- switch */

PPMLI_INLINE size_t ppmli_switch_scratch(const ppml_params *p) {
  size_t polys = ppmli_switch_levels(p) + PPMLI_SWITCH_COLUMNS;
  return ppmli_arena_rounded(polys * p->poly_size * sizeof(double)) +
         ppmli_wide_scratch(p->poly_size);
}

/* mask and body += a ciphertext of a times the source of the switch.
 *   mask, body  [N]  in and out
 *   a           [N] torus
 *   key         [ppmli_switch_doubles(p)]
 * Scratch: ppmli_switch_scratch(p) bytes.  Errors: NOMEM.
 * Noise: docs/NOISE.md "GLWE key switch". */
PPMLI_STATIC int ppmli_switch_add(uint64_t *mask, uint64_t *body, const uint64_t *a,
                                  const double *key, const ppml_params *p, const ppmli_fft *fft,
                                  ppml_arena *arena) {
  const size_t G = PPMLI_GROUP, stride = PPMLI_SWITCH_COLUMNS * G;
  size_t mark = arena->used_bytes, N = p->poly_size, rows = ppmli_switch_levels(p);
  ppmli_gadget gadget = ppmli_params_pbs_gadget(p);
  ppmli_product shape = {1, 1, rows, PPMLI_SWITCH_COLUMNS, NULL};
  ppmli_wide w;
  PPMLI_ALLOC(double, digits, arena, (rows + PPMLI_SWITCH_COLUMNS) * N);
  double *sums = digits + rows * N;
  PPMLI_TRY(ppmli_wide_init(&w, p->poly_size, arena));
  for (size_t l = 0; l < rows; l++)
    fft->backend->forward_digit(fft, digits + l * G, rows * G, a, &gadget, (uint32_t)l, w.work);
  fft->backend->product(fft, sums, digits, key, &shape);
  ppmli_wide_backward_add(fft, mask, sums, sums + G, stride, PPMLI_SWITCH_HIGH_BITS, &w);
  ppmli_wide_backward_add(fft, body, sums + 2 * G, sums + 3 * G, stride, PPMLI_SWITCH_HIGH_BITS,
                          &w);
  arena->used_bytes = mark;
  return PPML_OK;
}

PPMLI_INLINE size_t ppmli_switch_map_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_switch_scratch(p);
}

/* out = C(X^g) under s, g being the exponent of a step.
 *   out   [mask, body][N]  no alias
 *   glwe  [mask, body][N]
 *   key                    of that step
 * Scratch: ppmli_switch_map_scratch(p) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_switch_map(uint64_t *out, const uint64_t *glwe, size_t step,
                                  const double *key, const ppml_params *p, const ppmli_fft *fft,
                                  ppml_arena *arena) {
  size_t mark = arena->used_bytes, N = p->poly_size;
  uint32_t g = ppmli_switch_exponent(p, step);
  PPMLI_ALLOC(uint64_t, mask, arena, N);
  ppmli_poly_automorphism(mask, glwe, g, p->poly_size);
  ppmli_poly_automorphism(out + N, glwe + N, g, p->poly_size);
  memset(out, 0, N * sizeof *out);
  PPMLI_TRY(ppmli_switch_add(out, out + N, mask, key, p, fft, arena));
  arena->used_bytes = mark;
  return PPML_OK;
}

PPMLI_INLINE size_t ppmli_trace_scratch(const ppml_params *p) {
  return 2 * ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_switch_scratch(p);
}

/* C += C(X^g), a step of a trace.
 *   glwe [2][N]  in and out
 *   key          of that step
 * Scratch: ppmli_trace_scratch(p) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_trace_step(uint64_t *glwe, size_t step, const double *key,
                                  const ppml_params *p, const ppmli_fft *fft, ppml_arena *arena) {
  size_t mark = arena->used_bytes, N = p->poly_size;
  uint32_t g = ppmli_trace_exponent(p, step);
  PPMLI_ALLOC(uint64_t, mask, arena, N);
  PPMLI_ALLOC(uint64_t, body, arena, N);
  ppmli_poly_automorphism(mask, glwe, g, p->poly_size);
  ppmli_poly_automorphism(body, glwe + N, g, p->poly_size);
  for (size_t i = 0; i < N; i++) glwe[N + i] += body[i];
  PPMLI_TRY(ppmli_switch_add(glwe, glwe + N, mask, key, p, fft, arena));
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
