/* Automorphisms of GLWE ciphertexts with one mask polynomial and a binary key, on the
 * torus of 64 bits: what packing.h is made of.
 *
 * X -> X^g turns a ciphertext under s into one of the changed message under s(X^g).  A key
 * switch brings it back to s: row l of its key encrypts -s(X^g) g_l, g_l = 2^-(8 (l + 1)) of a
 * turn, and the digits of the changed mask, times the rows, replace the mask.  A key has one such
 * switch for each step of a trace, g = 1 + N / 2^step, step < log2 N.
 * Source: [CDKS21]; the same on the torus of 80 bits, for leveled sets: glweswitch.h.
 *
 * In: the secret key and seeds, or rows on the wire, or a ciphertext; out: rows, transformed rows, a
 * ciphertext of the changed message.  Next: packing.h. */
#ifndef PPMLI_CIPHER_AUTOMORPHISM_H
#define PPMLI_CIPHER_AUTOMORPHISM_H

#include <math.h>

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "glwe_make.h"
#include "glweswitch.h"

#define PPMLI_AUTO_BASE_LOG2 8
#define PPMLI_AUTO_LEVELS 5
#define PPMLI_AUTO_WIRE_BITS 50 /* of a body's words, as they travel */

/* ------------------------------------------------------------------ sizes */

/* Automorphisms of the key: log2 N. */
PPMLI_INLINE uint32_t ppmli_auto_steps(const ppml_params *p) {
  uint32_t steps = 0;
  while (p->poly_size >> (steps + 1)) steps++;
  return steps;
}

PPMLI_INLINE size_t ppmli_auto_row_wire_bytes(const ppml_params *p) {
  return ppmli_packed_bytes(p->poly_size, PPMLI_AUTO_WIRE_BITS);
}

/* Doubles of one switch in memory: [groups][levels][mask, body][GROUP]. */
PPMLI_INLINE size_t ppmli_auto_doubles(const ppml_params *p) {
  return ppmli_fft_doubles(p->poly_size, 2 * PPMLI_AUTO_LEVELS);
}

PPMLI_INLINE ppmli_gadget ppmli_auto_gadget(void) {
  return ppmli_gadget_make(PPMLI_AUTO_BASE_LOG2, PPMLI_AUTO_LEVELS, 64);
}

/* ------------------------------------------------------------- encryption */

PPMLI_INLINE size_t ppmli_auto_encrypt_scratch(const ppml_params *p) {
  return 2 * ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_glwe_encrypt_scratch(p);
}

/* message = -s(X^g) g_l.
 *   message, s  [N]  out, scratch
 * CT. */
PPMLI_STATIC void ppmli_auto_message(uint64_t *message, const ppml_params *p, const uint8_t *key,
                                     uint32_t step, uint32_t level, uint64_t *s) {
  uint32_t shift = 64 - PPMLI_AUTO_BASE_LOG2 * (level + 1);
  for (uint32_t i = 0; i < p->poly_size; i++) s[i] = ppmli_bit(key, i);
  ppmli_poly_automorphism(message, s, ppmli_trace_exponent(p, step), p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++) message[i] = (0 - message[i]) << shift;
}

/* Encrypts row `level` of the switch of a step to the wire.
 *   wire  [ppmli_auto_row_wire_bytes(p)]  out: the body
 *   key   [N bits]  s
 * Scratch: ppmli_auto_encrypt_scratch(p) bytes.  Errors: NOMEM.
 * Noise: fresh, plus 2^-50 / sqrt 12 of rounding.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_auto_encrypt_row(uint8_t *wire, const ppml_params *p, const uint8_t *key,
                                        uint32_t step, uint32_t level, const ppmli_seeds *seeds,
                                        ppml_arena *arena) {
  size_t mark = arena->used_bytes, row = (size_t)step * PPMLI_AUTO_LEVELS + level;
  ppmli_stream mask, noise;
  PPMLI_ALLOC(uint64_t, body, arena, p->poly_size);
  PPMLI_ALLOC(uint64_t, s, arena, p->poly_size);
  ppmli_stream_init(&mask, seeds->mask, PPMLI_STREAM_AUTO_MASK, row);
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_AUTO_NOISE, row);
  ppmli_auto_message(body, p, key, step, level, s);
  int error = ppmli_glwe_encrypt_body(body, p, key, &mask, &noise, arena);
  for (uint32_t i = 0; i < p->poly_size; i++)
    body[i] = ppmli_torus_top(body[i], PPMLI_AUTO_WIRE_BITS);
  if (error == PPML_OK) ppmli_pack(wire, body, p->poly_size, PPMLI_AUTO_WIRE_BITS);
  ppmli_stream_wipe(&noise);
  ppmli_wipe(s, p->poly_size * sizeof *s);
  ppmli_wipe(body, p->poly_size * sizeof *body);
  arena->used_bytes = mark;
  return error;
}

/* -------------------------------------------------------------- expansion */

PPMLI_INLINE size_t ppmli_auto_expand_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(2 * p->poly_size * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(double));
}

/* Draws the mask of a row from the seed and transforms it, with its body.
 *   out   [ppmli_auto_doubles(p)] of the step, of which the row's part is written
 *   wire  [ppmli_auto_row_wire_bytes(p)]
 *   row   of all rows of the key: step PPMLI_AUTO_LEVELS + level
 * Scratch: ppmli_auto_expand_scratch(p) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_auto_expand_row(double *out, const uint8_t *wire, const ppml_params *p,
                                       uint32_t row, const uint8_t *mask_seed, const ppmli_fft *fft,
                                       ppml_arena *arena) {
  const size_t N = p->poly_size, stride = 2 * PPMLI_AUTO_LEVELS * PPMLI_GROUP;
  size_t mark = arena->used_bytes, level = row % PPMLI_AUTO_LEVELS;
  PPMLI_ALLOC(uint64_t, glwe, arena, 2 * N);
  PPMLI_ALLOC(double, work, arena, N);
  ppmli_mask_u64(glwe, N, mask_seed, PPMLI_STREAM_AUTO_MASK, row, fft->backend->chacha);
  ppmli_unpack(glwe + N, wire, N, PPMLI_AUTO_WIRE_BITS);
  for (size_t i = N; i < 2 * N; i++) glwe[i] = ppmli_torus_from(glwe[i], PPMLI_AUTO_WIRE_BITS);
  for (size_t c = 0; c < 2; c++)
    fft->backend->forward_signed(fft, out + (2 * level + c) * PPMLI_GROUP, stride, glwe + c * N,
                                 ldexp(1.0 / fft->points, -64), work);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ----------------------------------------------------------------- switch */

/* What the switches of one thread work in. */
typedef struct ppmli_auto_scratch {
  uint64_t *mask; /* [N]  the changed mask */
  uint64_t *body; /* [N]  the changed body */
  double *digits; /* [groups][levels][GROUP] */
  double *sums;   /* [groups][2][GROUP] */
  double *work;   /* [N] */
} ppmli_auto_scratch;

PPMLI_INLINE size_t ppmli_auto_scratch_bytes(const ppml_params *p) {
  size_t N = p->poly_size;
  return 2 * ppmli_arena_rounded(N * sizeof(uint64_t)) +
         ppmli_arena_rounded(PPMLI_AUTO_LEVELS * N * sizeof(double)) +
         ppmli_arena_rounded(2 * N * sizeof(double)) + ppmli_arena_rounded(N * sizeof(double));
}

PPMLI_STATIC int ppmli_auto_scratch_init(ppmli_auto_scratch *s, const ppml_params *p,
                                         ppml_arena *arena) {
  size_t N = p->poly_size;
  PPMLI_ALLOC(uint64_t, mask, arena, N);
  PPMLI_ALLOC(uint64_t, body, arena, N);
  PPMLI_ALLOC(double, digits, arena, PPMLI_AUTO_LEVELS *N);
  PPMLI_ALLOC(double, sums, arena, 2 * N);
  PPMLI_ALLOC(double, work, arena, N);
  ppmli_auto_scratch made = {mask, body, digits, sums, work};
  *s = made;
  return PPML_OK;
}

/* out += in(X^g) of that step, as ciphertexts under s.
 *   out  [2][N]  in and out
 *   in   [2][N]  may be out
 *   key  [ppmli_auto_doubles(p)]  of that step
 * Noise: docs/NOISE.md "Packing". */
PPMLI_STATIC void ppmli_auto_add(uint64_t *out, const uint64_t *in, uint32_t step,
                                 const double *key, const ppml_params *p, const ppmli_fft *fft,
                                 ppmli_auto_scratch *s) {
  const size_t N = p->poly_size;
  uint32_t g = ppmli_trace_exponent(p, step);
  ppmli_gadget gadget = ppmli_auto_gadget();
  ppmli_product shape = {1, 1, PPMLI_AUTO_LEVELS, 2, NULL};
  ppmli_poly_automorphism(s->mask, in, g, p->poly_size);
  ppmli_poly_automorphism(s->body, in + N, g, p->poly_size);
  for (size_t i = 0; i < N; i++) out[N + i] += s->body[i];
  for (uint32_t l = 0; l < PPMLI_AUTO_LEVELS; l++)
    fft->backend->forward_digit(fft, s->digits + l * PPMLI_GROUP, PPMLI_AUTO_LEVELS * PPMLI_GROUP,
                                s->mask, &gadget, l, s->work);
  fft->backend->product(fft, s->sums, s->digits, key, &shape);
  for (size_t c = 0; c < 2; c++)
    fft->backend->backward_add(fft, out + c * N, s->sums + c * PPMLI_GROUP, 2 * PPMLI_GROUP,
                               s->work);
}

#endif
