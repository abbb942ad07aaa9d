/* The bridge from a leveled set to one that bootstraps: the server's side.  In: a leveled ciphertext and
 * the bridge's key; out: a ciphertext of the set that bootstraps.  Next: bridge.h;
 * server/bridged_run.h. */
#ifndef PPMLI_CIPHER_BRIDGE_APPLY_H
#define PPMLI_CIPHER_BRIDGE_APPLY_H

#include <math.h>

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/stream.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/torus.h"
#include "bridge.h"

/* Doubles of the key in memory: [group][row][k + 1][GROUP]. */
PPMLI_INLINE size_t ppmli_bridge_doubles(const ppmli_bridge *b) {
  return ppmli_fft_doubles(b->to->poly_size, ppmli_bridge_rows(b) * (b->to->glwe_dim + 1));
}

/* -------------------------------------------------------------- expansion */

PPMLI_INLINE size_t ppmli_bridge_expand_scratch(const ppmli_bridge *b) {
  return ppmli_arena_rounded((b->to->glwe_dim + 1) * (size_t)b->to->poly_size * sizeof(uint64_t)) +
         ppmli_arena_rounded(b->to->poly_size * sizeof(double));
}

/* Draws the mask of a row from the seed and transforms the row.
 *   key   [ppmli_bridge_doubles(b)]  out: the row's share of it
 *   wire  [ppmli_bridge_row_wire_bytes(b)]
 *   fft   of the set `to`
 * Scratch: ppmli_bridge_expand_scratch(b) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_bridge_expand_row(double *key, const uint8_t *wire, const ppmli_bridge *b,
                                         size_t row, const uint8_t *mask_seed, const ppmli_fft *fft,
                                         ppml_arena *arena) {
  size_t mark = arena->used_bytes, n = b->to->poly_size, k = b->to->glwe_dim;
  size_t stride = ppmli_bridge_rows(b) * (k + 1) * PPMLI_GROUP;
  double *out = key + row * (k + 1) * PPMLI_GROUP, scale = ldexp(1.0 / fft->points, -64);
  PPMLI_ALLOC(uint64_t, words, arena, (k + 1) * n);
  PPMLI_ALLOC(double, work, arena, n);
  ppmli_mask_u64(words, k * n, mask_seed, PPMLI_STREAM_BRIDGE_MASK, row, fft->backend->chacha);
  for (size_t i = 0; i < n; i++) words[k * n + i] = ppmli_load64(wire + 8 * i);
  for (size_t column = 0; column <= k; column++, out += PPMLI_GROUP)
    fft->backend->forward_signed(fft, out, stride, words + column * n, scale, work);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ----------------------------------------------------------------- switch */

/* The mask polynomial that belongs to part u of the key: A_0, or Y A_(M - u).
 *   part  [n]  out
 *   mask  [N]  A */
PPMLI_STATIC void ppmli_bridge_part(uint64_t *part, const uint64_t *mask, const ppmli_bridge *b,
                                    uint32_t u) {
  uint32_t M = ppmli_bridge_parts(b), n = b->to->poly_size, t = (M - u) % M;
  const uint64_t *last = mask + (size_t)(n - 1) * M + t;
  part[0] = u ? 0 - *last : mask[0];
  for (uint32_t i = 1; i < n; i++) part[i] = mask[(size_t)(u ? i - 1 : i) * M + t];
}

PPMLI_INLINE size_t ppmli_bridge_scratch(const ppmli_bridge *b) {
  size_t n = b->to->poly_size;
  return ppmli_arena_rounded(n * sizeof(uint64_t)) +
         ppmli_arena_rounded(ppmli_bridge_rows(b) * n * sizeof(double)) +
         ppmli_arena_rounded((b->to->glwe_dim + 1) * n * sizeof(double)) +
         ppmli_arena_rounded(n * sizeof(double));
}

/* The leveled ciphertext whose constant coefficient an LWE ciphertext is: what extraction made of one, again.
 *   glwe  [mask, body][N]  out; no alias; the body's other coefficients are zeros
 *   lwe   [N + 1] */
PPMLI_STATIC void ppmli_bridge_embed(uint64_t *glwe, const uint64_t *lwe, uint32_t poly_size) {
  glwe[0] = lwe[0];
  for (uint32_t i = 1; i < poly_size; i++) glwe[i] = 0 - lwe[poly_size - i];
  memset(glwe + poly_size, 0, poly_size * sizeof *glwe);
  glwe[poly_size] = lwe[poly_size];
}

/* A ciphertext of the set `to` with coefficients 0, M, 2 M, .. of a leveled ciphertext's message.
 *   out   [k + 1][n]
 *   glwe  [mask, body][N]
 *   key   [ppmli_bridge_doubles(b)]
 *   fft   of the set `to`
 * Scratch: ppmli_bridge_scratch(b) bytes.  Errors: NOMEM.  Noise: docs/NOISE.md "Bridge". */
PPMLI_STATIC int ppmli_bridge_switch(uint64_t *out, const uint64_t *glwe, const double *key,
                                     const ppmli_bridge *b, const ppmli_fft *fft,
                                     ppml_arena *arena) {
  const size_t G = PPMLI_GROUP;
  size_t mark = arena->used_bytes, n = b->to->poly_size, k = b->to->glwe_dim;
  size_t rows = ppmli_bridge_rows(b), M = ppmli_bridge_parts(b);
  ppmli_gadget gadget = ppmli_bridge_gadget(b);
  ppmli_product shape = {1, 1, rows, k + 1, NULL};
  PPMLI_ALLOC(uint64_t, part, arena, n);
  PPMLI_ALLOC(double, digits, arena, rows *n);
  PPMLI_ALLOC(double, sums, arena, (k + 1) * n);
  PPMLI_ALLOC(double, work, arena, n);
  for (size_t row = 0; row < rows; row++) {
    uint32_t level = (uint32_t)(row % PPMLI_BRIDGE_LEVELS);
    if (level == 0) ppmli_bridge_part(part, glwe, b, (uint32_t)(row / PPMLI_BRIDGE_LEVELS));
    fft->backend->forward_digit(fft, digits + row * G, rows * G, part, &gadget, level, work);
  }
  fft->backend->product(fft, sums, digits, key, &shape);
  memset(out, 0, k * n * sizeof *out);
  for (size_t i = 0; i < n; i++) out[k * n + i] = glwe[b->from->poly_size + i * M];
  for (size_t column = 0; column <= k; column++)
    fft->backend->backward_add(fft, out + column * n, sums + column * G, (k + 1) * G, work);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
