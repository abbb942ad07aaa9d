/* The client's side of glweswitch.h: sources, and their rows encrypted for the wire.  In: the ternary
 * key and seeds; out: rows as they travel.  Next: client/path.h. */
#ifndef PPMLI_CIPHER_GLWESWITCH_MAKE_H
#define PPMLI_CIPHER_GLWESWITCH_MAKE_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/long_make.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "glweswitch.h"

/* ---------------------------------------------------------------- sources */

/* source = s^2, or -s(X^g) of an automorphism's step.
 *   source [N]  out;  s [N] scratch
 *   step    of a trace, then s^2, then reversal
 * CT. */
PPMLI_STATIC void ppmli_switch_source(uint64_t *source, const ppml_params *p, size_t step,
                                      const uint8_t *planes, const ppmli_long_key *key,
                                      uint64_t *s) {
  if (step == ppmli_params_trace_steps(p)) {
    ppmli_long_key_square(source, key, planes);
    return;
  }
  for (uint32_t i = 0; i < p->poly_size; i++)
    s[i] = 0 - ppmli_long_key_trit(planes, i, p->poly_size);
  ppmli_poly_automorphism(source, s, ppmli_switch_exponent(p, step), p->poly_size);
}

/* ------------------------------------------------------------- encryption */

PPMLI_INLINE size_t ppmli_switch_row_scratch(const ppml_params *p) {
  return 2 * ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_long_encrypt_scratch(p);
}

/* Encrypts one row of a switch to the wire.
 *   wire       [ppmli_switch_row_wire_bytes(p)]  out: the body
 *   source     [N]
 *   row        among all rows of the key; names its streams under the seeds
 * Scratch: ppmli_switch_row_scratch(p) bytes.  Errors: NOMEM.
 * Noise: fresh, on the long torus.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_switch_encrypt_row(uint8_t *wire, const ppml_params *p,
                                          const uint64_t *source, const ppmli_long_key *key,
                                          size_t row, const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t N = p->poly_size, mark = arena->used_bytes;
  ppmli_mask mask = {seeds->mask, PPMLI_STREAM_BSK_MASK, row};
  ppmli_stream noise;
  uint32_t shift = 64 - ppmli_switch_base_log2(p) * (uint32_t)(row % ppmli_switch_levels(p) + 1);
  PPMLI_ALLOC(uint64_t, top, arena, N);
  PPMLI_ALLOC(uint64_t, tail, arena, N);
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_BSK_NOISE, row);
  for (size_t i = 0; i < N; i++) top[i] = source[i] << shift;
  int error = ppmli_long_encrypt(top, tail, p, key, &mask, &noise, arena);
  ppmli_stream_wipe(&noise);
  for (size_t i = 0; i < N; i++) {
    ppmli_store64(wire + 8 * i, top[i]);
    ppmli_store16(wire + 8 * N + 2 * i, (uint16_t)tail[i]);
  }
  arena->used_bytes = mark;
  return error;
}

PPMLI_INLINE size_t ppmli_switch_make_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_switch_row_scratch(p);
}

/* Encrypts all rows of the switch of a step; see ppmli_switch_source.
 *   wire  [ppmli_switch_wire_bytes(p)]  out
 * Scratch: ppmli_switch_make_scratch(p) bytes.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_switch_make(uint8_t *wire, const ppml_params *p, size_t step,
                                   const uint8_t *planes, const ppmli_long_key *key,
                                   const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, source, arena, p->poly_size);
  size_t rows = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, s, arena, p->poly_size);
  ppmli_switch_source(source, p, step, planes, key, s);
  arena->used_bytes = rows;
  for (size_t l = 0; l < ppmli_switch_levels(p); l++)
    PPMLI_TRY(ppmli_switch_encrypt_row(wire + l * ppmli_switch_row_wire_bytes(p), p, source, key,
                                       step * ppmli_switch_levels(p) + l, seeds, arena));
  ppmli_wipe(source, p->poly_size * sizeof *source);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
