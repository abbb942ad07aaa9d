/* Layer 4: key switches of GLWE ciphertexts with one mask polynomial: back to the key s from
 * a polynomial in s that an operation left behind.
 *
 *   automorphism   C(X^g) is a ciphertext under s(X^g):   source -s(X^g), for its mask;
 *                  traces and unpacking have g = 1 + N / 2^t, reversal X -> X^-1 has g = 2 N - 1
 *   tensor product  has a part that s^2 belongs to:       source s^2
 *
 * Row l of a switch encrypts source g_l, g_l = 2^-(base_log2 (l + 1)) of a turn.  Digits of what
 * is multiplied by the source, times the rows, give its product as a ciphertext under s.  Rows
 * stand on a torus of 80 bits, so that their noise is no matter beside that of images: the
 * digits need not be small, and there are few of them.  Source: [BGV12] key switching; raised
 * modulus: [GHS12] section 3.1; automorphisms and traces: [CDKS21]. */
#ifndef PPMLI_GLWESWITCH_H
#define PPMLI_GLWESWITCH_H

#include "fft.h"
#include "long.h"
#include "longfft.h"
#include "params.h"
#include "poly.h"
#include "rng.h"
#include "wide.h"

#define PPMLI_SWITCH_COLUMNS 4 /* mask, high and low part, and body likewise */
/* Words' upper bits, times digits of 15 bits: sums over 4 rows of N = 2^12 are at most 2^55 steps of
 * 2^-28, and of words and digits that are uniform, as key streams are, 2^46.4 in standard
 * deviation; the FFT leaves 3.8 2^-53 of that, 0.04 steps, where half a step would be wrong. */
#define PPMLI_SWITCH_HIGH_BITS 28

/* ------------------------------------------------------------------ sizes */

/* A row has the tops of all its words, then the tails. */
PPMLI_INLINE size_t ppmli_switch_row_wire_bytes(const ppml_params *p) {
  return (size_t)p->poly_size * PPMLI_LONG_TORUS_BITS / 8;
}

PPMLI_INLINE size_t ppmli_switch_wire_bytes(const ppml_params *p) {
  return p->pbs_levels * ppmli_switch_row_wire_bytes(p);
}

/* Doubles of a switch in memory: [group][row][column][GROUP]. */
PPMLI_INLINE size_t ppmli_switch_doubles(const ppml_params *p) {
  return ppmli_fft_doubles(p->poly_size, p->pbs_levels * PPMLI_SWITCH_COLUMNS);
}

/* The automorphism of step t of a trace, X -> X^g; together they fix X^(N / slots). */
PPMLI_INLINE uint32_t ppmli_trace_exponent(const ppml_params *p, size_t step) {
  return 1 + (p->poly_size >> step);
}

/* The step behind s^2, of a pooled network: reversal. */
PPMLI_INLINE size_t ppmli_switch_reversal(const ppml_params *p) {
  return (size_t)ppmli_params_trace_steps(p) + 1;
}

/* The exponent g of an automorphism's step. */
PPMLI_INLINE uint32_t ppmli_switch_exponent(const ppml_params *p, size_t step) {
  return step == ppmli_switch_reversal(p) ? 2 * p->poly_size - 1 : ppmli_trace_exponent(p, step);
}

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

/* Encrypts one row of a switch to the wire.
 *   wire       [ppmli_switch_row_wire_bytes(p)]  out: the body
 *   source     [N]
 *   row        among all rows of the key; names its streams under the seeds
 *   top, tail  [N]  scratch
 * Scratch: ppmli_long_encrypt_scratch(p) bytes.  Errors: NOMEM.
 * Noise: fresh, on the long torus.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_switch_encrypt_row(uint8_t *wire, const ppml_params *p,
                                          const uint64_t *source, const ppmli_long_key *key,
                                          size_t row, const uint8_t *mask_seed,
                                          const uint8_t *noise_seed, uint64_t *top, uint64_t *tail,
                                          ppml_arena *arena) {
  size_t N = p->poly_size;
  ppmli_mask mask = {mask_seed, PPMLI_STREAM_BSK_MASK, row};
  ppmli_stream noise;
  uint32_t shift = 64 - p->pbs_base_log2 * (uint32_t)(row % p->pbs_levels + 1);
  ppmli_stream_init(&noise, noise_seed, PPMLI_STREAM_BSK_NOISE, row);
  for (size_t i = 0; i < N; i++) top[i] = source[i] << shift;
  int error = ppmli_long_encrypt(top, tail, p, key, &mask, &noise, arena);
  ppmli_stream_wipe(&noise);
  for (size_t i = 0; i < N; i++) {
    ppmli_store64(wire + 8 * i, top[i]);
    ppmli_store16(wire + 8 * N + 2 * i, (uint16_t)tail[i]);
  }
  return error;
}

/* Encrypts all rows of the switch of a step; see ppmli_switch_source.
 *   wire  [ppmli_switch_wire_bytes(p)]  out
 * Scratch: ppmli_switch_make_scratch(p) bytes.  Errors: NOMEM.  CT. */
PPMLI_INLINE size_t ppmli_switch_make_scratch(const ppml_params *p) {
  return 3 * ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_long_encrypt_scratch(p);
}

PPMLI_STATIC int ppmli_switch_make(uint8_t *wire, const ppml_params *p, size_t step,
                                   const uint8_t *planes, const ppmli_long_key *key,
                                   const uint8_t *mask_seed, const uint8_t *noise_seed,
                                   ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, source, arena, p->poly_size);
  PPMLI_ALLOC(uint64_t, top, arena, p->poly_size);
  PPMLI_ALLOC(uint64_t, tail, arena, p->poly_size);
  ppmli_switch_source(source, p, step, planes, key, top);
  for (size_t l = 0; l < p->pbs_levels; l++)
    PPMLI_TRY(ppmli_switch_encrypt_row(wire + l * ppmli_switch_row_wire_bytes(p), p, source, key,
                                       step * p->pbs_levels + l, mask_seed, noise_seed, top, tail,
                                       arena));
  ppmli_wipe(source, p->poly_size * sizeof *source);
  arena->used_bytes = mark;
  return PPML_OK;
}

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
  size_t stride = p->pbs_levels * PPMLI_SWITCH_COLUMNS * PPMLI_GROUP;
  ppmli_wide w;
  PPMLI_ALLOC(uint64_t, top, arena, ppmli_long_mask_words(p));
  PPMLI_ALLOC(uint64_t, tail, arena, N);
  PPMLI_TRY(ppmli_wide_init(&w, p->poly_size, arena));
  for (size_t l = 0; l < p->pbs_levels; l++, out += PPMLI_SWITCH_COLUMNS * PPMLI_GROUP) {
    ppmli_mask mask = {mask_seed, PPMLI_STREAM_BSK_MASK, step * p->pbs_levels + l};
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
  size_t polys = p->pbs_levels + PPMLI_SWITCH_COLUMNS;
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
  size_t mark = arena->used_bytes, N = p->poly_size, rows = p->pbs_levels;
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
