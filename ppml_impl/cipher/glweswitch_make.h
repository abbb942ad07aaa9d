/* The client's side of glweswitch.h: sources, and their rows encrypted for the wire.  In: the ternary
 * key and seeds; out: rows as they travel.  Next: client/path.h. */
#ifndef PPMLI_CIPHER_GLWESWITCH_MAKE_H
#define PPMLI_CIPHER_GLWESWITCH_MAKE_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/long_make.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "glweswitch.h"

/* ---------------------------------------------------------------- sources */

/* source = s^2, or -s(X^g) of an automorphism's step, whose coefficients go to i g modulo 2 N, with
 * X^N = -1.
 *   source [N]  out
 *   step    of a trace, then s^2, then reversal
 * CT. */
PPMLI_STATIC void ppmli_switch_source(uint64_t *source, const ppml_params *p, size_t step,
                                      const uint8_t *planes, const ppmli_long_key *key) {
  const uint32_t N = p->poly_size;
  if (step == ppmli_params_trace_steps(p)) {
    ppmli_long_key_square(source, key, planes);
    return;
  }
  uint32_t g = ppmli_switch_exponent(p, step), at = 0;
  for (uint32_t i = 0; i < N; i++, at = (at + g) & (2 * N - 1)) {
    uint64_t trit = ppmli_long_key_trit(planes, i, N);
    source[at & (N - 1)] = at >= N ? trit : 0 - trit;
  }
}

/* ------------------------------------------------------------- encryption */

/* Encrypts row `row` of the switch of a step; see ppmli_switch_source.
 *   top   [N]  out: the body's tops
 *   tail  [N]  out: its tails
 * Noise: fresh, on the long torus.  CT: time depends on p only. */
PPMLI_STATIC void ppmli_switch_encrypt_row(uint64_t *top, uint64_t *tail, const ppml_params *p,
                                           size_t step, size_t row, const uint8_t *planes,
                                           const ppmli_long_key *key, const ppmli_seeds *seeds) {
  uint64_t index = step * ppmli_switch_levels(p) + row;
  ppmli_mask mask = {seeds->mask, PPMLI_STREAM_BSK_MASK, index};
  ppmli_stream noise;
  uint32_t shift = 64 - ppmli_switch_base_log2(p) * ((uint32_t)row + 1);
  ppmli_switch_source(top, p, step, planes, key);
  for (size_t i = 0; i < p->poly_size; i++) top[i] <<= shift;
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_BSK_NOISE, index);
  ppmli_long_encrypt(top, tail, p, key, &mask, &noise);
  ppmli_stream_wipe(&noise);
}

PPMLI_INLINE size_t ppmli_switch_make_scratch(const ppml_params *p) {
  return 2 * ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
}

/* Encrypts all rows of the switch of a step to the wire: of each all tops, then all tails.
 *   wire  [ppmli_switch_wire_bytes(p)]  out
 * Scratch: ppmli_switch_make_scratch(p) bytes.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_switch_make(uint8_t *wire, const ppml_params *p, size_t step,
                                   const uint8_t *planes, const ppmli_long_key *key,
                                   const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t mark = arena->used_bytes, N = p->poly_size;
  PPMLI_ALLOC(uint64_t, top, arena, N);
  PPMLI_ALLOC(uint64_t, tail, arena, N);
  for (size_t row = 0; row < ppmli_switch_levels(p); row++) {
    ppmli_switch_encrypt_row(top, tail, p, step, row, planes, key, seeds);
    for (size_t i = 0; i < N; i++) ppmli_store64(wire + 8 * i, top[i]);
    for (size_t i = 0; i < N; i++) ppmli_store16(wire + 8 * N + 2 * i, (uint32_t)tail[i]);
    wire += ppmli_switch_row_wire_bytes(p);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
