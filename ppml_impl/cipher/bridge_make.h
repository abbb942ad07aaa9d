/* The bridge from a leveled set to one that bootstraps: the client makes its key.  In: the keys of both
 * sets, and seeds; out: rows as they travel.  Next: bridge.h. */
#ifndef PPMLI_CIPHER_BRIDGE_MAKE_H
#define PPMLI_CIPHER_BRIDGE_MAKE_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "bridge.h"
#include "glwe_make.h"

PPMLI_INLINE size_t ppmli_bridge_make_scratch(const ppmli_bridge *b) {
  return ppmli_arena_rounded(b->to->poly_size * sizeof(uint64_t)) +
         ppmli_glwe_encrypt_scratch(b->to);
}

/* Encrypts row (u, l): -s_u g_l, s_u having coefficients u, u + M, .. of the leveled key.
 *   wire    [ppmli_bridge_row_wire_bytes(b)]  out: the body
 *   planes  [2][N bits]  the leveled set's key
 *   bits    [k n bits]   the other set's
 * Scratch: ppmli_bridge_make_scratch(b) bytes, wiped.  Errors: NOMEM.
 * Noise: fresh, of the set `to`.  CT: time depends on b only. */
PPMLI_STATIC int ppmli_bridge_make_row(uint8_t *wire, const ppmli_bridge *b, size_t row,
                                       const uint8_t *planes, const uint8_t *bits,
                                       const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t mark = arena->used_bytes, n = b->to->poly_size, N = b->from->poly_size;
  size_t M = ppmli_bridge_parts(b), u = row / PPMLI_BRIDGE_LEVELS;
  ppmli_gadget gadget = ppmli_bridge_gadget(b);
  uint32_t shift = ppmli_gadget_shift(&gadget, (uint32_t)(row % PPMLI_BRIDGE_LEVELS));
  ppmli_stream masks, noise;
  PPMLI_ALLOC(uint64_t, body, arena, n);
  for (size_t i = 0; i < n; i++)
    body[i] = (ppmli_bit(planes, N + i * M + u) - ppmli_bit(planes, i * M + u)) << shift;
  ppmli_stream_init(&masks, seeds->mask, PPMLI_STREAM_BRIDGE_MASK, row);
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_BRIDGE_NOISE, row);
  int error = ppmli_glwe_encrypt_body(body, b->to, bits, &masks, &noise, arena);
  for (size_t i = 0; i < n && error == PPML_OK; i++) ppmli_store64(wire + 8 * i, body[i]);
  ppmli_wipe(body, n * sizeof *body);
  ppmli_stream_wipe(&noise);
  arena->used_bytes = mark;
  return error;
}

#endif
