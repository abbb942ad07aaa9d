/* The programmable bootstrap, on batches: a noisy phase goes in, and what a lookup table holds there
 * comes out, with noise that does not depend on the input's.
 *
 * A blind rotation multiplies a lookup table by X^{-phase}.  It walks over the key a block of key bits
 * at a time: with GGSW encryptions of "the block has value v" for each nonzero v, and e_v the sum of
 * the exponents that v selects,
 *
 *   acc += sum_v (X^{e_v} - 1) (acc [x] GGSW_v)
 *
 * so that acc is decomposed and transformed once a block, and the monomials are applied in the
 * Fourier domain.  Uniform binary keys taken two bits at a time have three values v, block-binary
 * ones two, single bits one.  The key is the outer loop: each of its blocks is loaded once for all the
 * samples of a tile.  Source: [CGGI20] section 4; unrolling: [ZYL+18]; blocks: [LMSS23].
 *
 * In: phases as exponents, tables and transformed GGSW ciphertexts; out: accumulators, whose constant
 * coefficients are the results.  Next: server/bootstrap.h. */
#ifndef PPMLI_CIPHER_PBS_H
#define PPMLI_CIPHER_PBS_H

#include "../base/arena.h"
#include "../math/fft/backend.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "ggsw.h"

#define PPMLI_PBS_TILE 16 /* samples whose accumulators stay in cache together */

/* Exponents of a step.
 *   out  [terms]  < 2 N
 *   a    [key_block]  switched mask words of the block */
PPMLI_STATIC void ppmli_pbs_exponents(uint16_t *out, const uint16_t *a, const ppml_params *p) {
  for (size_t term = 0; term < ppmli_params_ggsw_per_step(p); term++) {
    uint32_t value = ppmli_pbs_block_value(p, term), sum = 0;
    for (uint32_t b = 0; b < p->key_block; b++) sum += value >> b & 1 ? a[b] : 0;
    out[term] = (uint16_t)(sum & (2 * p->poly_size - 1));
  }
}

/* The accumulator before the first step: X^{-body} times the table, mask zero.
 *   acc        [k + 1][N]  out
 *   table      [N]         the lookup table: f at phase i / 2N for i < N, -f beyond
 *   exponents  [n + 1]     from ppmli_lwe_modulus_switch */
PPMLI_STATIC void ppmli_pbs_begin(uint64_t *acc, const uint64_t *table, const uint16_t *exponents,
                                  const ppml_params *p) {
  size_t masks = ppmli_params_long_dim(p);
  memset(acc, 0, masks * sizeof *acc);
  ppmli_poly_rotate_down(acc + masks, table, exponents[p->lwe_dim], p->poly_size);
}

/* Doubles of a tile's products beside its digits: none where products are taken in place,
 * which leaves more of the cache to the key. */
PPMLI_INLINE size_t ppmli_pbs_sums(const ppml_params *p) {
  size_t columns = p->glwe_dim + 1, in_place = PPMLI_PRODUCT_COLUMNS;
  if (ppmli_params_ggsw_rows(p) == columns && columns <= in_place) return 0;
  return PPMLI_PBS_TILE * ppmli_fft_doubles(p->poly_size, columns);
}

PPMLI_INLINE size_t ppmli_pbs_rotate_scratch(const ppml_params *p) {
  size_t rows = ppmli_params_ggsw_rows(p);
  return ppmli_arena_rounded(p->poly_size * sizeof(double)) +
         ppmli_arena_rounded(PPMLI_PBS_TILE * ppmli_fft_doubles(p->poly_size, rows) *
                             sizeof(double)) +
         ppmli_arena_rounded(ppmli_pbs_sums(p) * sizeof(double)) +
         ppmli_arena_rounded(PPMLI_PBS_TILE * ppmli_params_ggsw_per_step(p) * sizeof(uint16_t));
}

/* Consecutive steps of the bootstrapping key. */
typedef struct ppmli_pbs_steps {
  size_t first, count;
  const double *key; /* [count][ppmli_bsk_step_doubles] */
} ppmli_pbs_steps;

/* What the steps of one tile work with, see ppmli_pbs_rotate_scratch. */
typedef struct ppmli_pbs_tile {
  const ppml_params *params;
  const ppmli_fft *fft;
  double *work;        /* [N] */
  double *digits;      /* [tile][groups][rows][GROUP] */
  double *sums;        /* [tile][groups][k + 1][GROUP], may be digits */
  uint16_t *exponents; /* [tile][terms] */
} ppmli_pbs_tile;

/* One step for one tile: decompose and transform, multiply, transform back and add. */
PPMLI_STATIC void ppmli_pbs_step(uint64_t *acc, const uint16_t *exponents, size_t samples,
                                 size_t step, const double *key, const ppmli_pbs_tile *tile) {
  const ppml_params *p = tile->params;
  const ppmli_fft *fft = tile->fft;
  uint32_t columns = p->glwe_dim + 1, N = p->poly_size;
  size_t rows = ppmli_params_ggsw_rows(p), terms = ppmli_params_ggsw_per_step(p);
  ppmli_gadget gadget = ppmli_params_pbs_gadget(p);
  for (size_t s = 0; s < samples; s++) {
    double *digits = tile->digits + s * rows * N;
    for (size_t row = 0; row < rows; row++)
      fft->backend->forward_digit(fft, digits + row * PPMLI_GROUP, rows * PPMLI_GROUP,
                                  acc + (s * columns + row / p->pbs_levels) * N, &gadget,
                                  (uint32_t)(row % p->pbs_levels), tile->work);
    ppmli_pbs_exponents(tile->exponents + s * terms,
                        exponents + s * (p->lwe_dim + 1) + step * p->key_block, p);
  }
  ppmli_product shape = {samples, terms, rows, columns, tile->exponents};
  fft->backend->product(fft, tile->sums, tile->digits, key, &shape);
  for (size_t s = 0; s < samples; s++)
    for (uint32_t c = 0; c < columns; c++)
      fft->backend->backward_add(fft, acc + (s * columns + c) * N,
                                 tile->sums + s * columns * N + c * PPMLI_GROUP,
                                 columns * PPMLI_GROUP, tile->work);
}

/* Some steps of the blind rotation of many samples.
 *   acc        [samples][k + 1][N]  in and out
 *   exponents  [samples][n + 1]
 * Scratch: ppmli_pbs_rotate_scratch(p) bytes.  Errors: NOMEM.
 * Noise: docs/NOISE.md "Blind rotation". */
PPMLI_STATIC int ppmli_pbs_rotate(uint64_t *acc, const uint16_t *exponents, size_t samples,
                                  const ppmli_pbs_steps *steps, const ppml_params *p,
                                  const ppmli_fft *fft, ppml_arena *arena) {
  size_t mark = arena->used_bytes, columns = p->glwe_dim + 1, N = p->poly_size;
  PPMLI_ALLOC(double, work, arena, N);
  PPMLI_ALLOC(double, digits, arena, PPMLI_PBS_TILE *ppmli_params_ggsw_rows(p) * N);
  PPMLI_ALLOC(double, sums, arena, ppmli_pbs_sums(p));
  PPMLI_ALLOC(uint16_t, step_exponents, arena, PPMLI_PBS_TILE * ppmli_params_ggsw_per_step(p));
  ppmli_pbs_tile tile = {p, fft, work, digits, ppmli_pbs_sums(p) ? sums : digits, step_exponents};
  for (size_t first = 0; first < samples; first += PPMLI_PBS_TILE) {
    size_t count = ppmli_min_size(PPMLI_PBS_TILE, samples - first);
    for (size_t step = 0; step < steps->count; step++)
      ppmli_pbs_step(acc + first * columns * N, exponents + first * (p->lwe_dim + 1), count,
                     steps->first + step, steps->key + step * ppmli_bsk_step_doubles(p), &tile);
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
