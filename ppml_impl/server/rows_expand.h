/* Blocks of training rows on the server: read, expanded, multiplied.  See rows.h.  In: bodies of a
 * block; out: transforms, and products with them.  Next: descent.h, gram.h. */
#ifndef PPMLI_SERVER_ROWS_EXPAND_H
#define PPMLI_SERVER_ROWS_EXPAND_H

#include <math.h>

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/stream.h"
#include "../cipher/rows.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/torus.h"

/* A block in memory.  Features are transformed, GGSW row outermost: read as one matrix of
 * features x rows by 2 columns they sum up over features; as one of rows by 2 features columns
 * they multiply one ciphertext by each feature. */
typedef struct ppmli_rows_block {
  double *feature; /* [groups][GGSW rows][features][mask, body][GROUP] */
  uint64_t *copy;  /* [copies][2][N]  features turned around */
  uint64_t *label; /* [outputs][2][N] */
  uint8_t *wire;   /* [ppmli_rows_block_bytes()]  as it was read: the seed, then bodies */
  uint64_t *glwe;  /* [2][N]  scratch */
  double *work;    /* [N]  scratch */
} ppmli_rows_block;

PPMLI_INLINE size_t ppmli_rows_doubles(const ppmli_rows *rows, const ppml_params *p) {
  return ppmli_fft_doubles(p->poly_size, 2 * ppmli_rows_ggsw(rows) * rows->features);
}

PPMLI_INLINE size_t ppmli_rows_expand_bytes(const ppmli_rows *rows, const ppml_params *p) {
  size_t glwe = 2 * (size_t)p->poly_size * sizeof(uint64_t);
  return ppmli_arena_rounded(ppmli_rows_doubles(rows, p) * sizeof(double)) +
         ppmli_arena_rounded(ppmli_rows_copies(rows) * glwe) +
         ppmli_arena_rounded(rows->outputs * glwe) +
         ppmli_arena_rounded(ppmli_rows_block_bytes(rows, p)) + ppmli_arena_rounded(glwe) +
         ppmli_arena_rounded(p->poly_size * sizeof(double));
}

/* Memory: ppmli_rows_expand_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_rows_block_init(ppmli_rows_block *block, const ppmli_rows *rows,
                                       const ppml_params *p, ppml_arena *arena) {
  size_t words = 2 * (size_t)p->poly_size;
  PPMLI_ALLOC(double, feature, arena, ppmli_rows_doubles(rows, p));
  PPMLI_ALLOC(uint64_t, copy, arena, ppmli_rows_copies(rows) * words);
  PPMLI_ALLOC(uint64_t, label, arena, rows->outputs * words);
  PPMLI_ALLOC(uint8_t, wire, arena, ppmli_rows_block_bytes(rows, p));
  PPMLI_ALLOC(uint64_t, glwe, arena, words);
  PPMLI_ALLOC(double, work, arena, p->poly_size);
  ppmli_rows_block made = {feature, copy, label, wire, glwe, work};
  *block = made;
  return PPML_OK;
}

/* A body as a GLWE ciphertext, with its mask from the block's seed.
 *   glwe  [2][N]  out */
PPMLI_STATIC void ppmli_rows_unpack(uint64_t *glwe, const ppmli_rows *rows, const ppml_params *p,
                                    const uint8_t *wire, size_t body, const ppmli_fft *fft) {
  size_t N = p->poly_size;
  uint32_t bits = ppmli_rows_bits(rows, body);
  ppmli_mask_u64(glwe, N, wire, PPMLI_STREAM_ROW_MASK, body, fft->backend->chacha);
  ppmli_unpack(glwe + N, wire + PPML_SEED_BYTES + ppmli_rows_offset(rows, p, body), N, bits);
  for (size_t i = N; i < 2 * N; i++) glwe[i] = ppmli_torus_from(glwe[i], bits);
}

/* Expands block->wire to the rest of the block. */
PPMLI_STATIC void ppmli_rows_expand(ppmli_rows_block *block, const ppmli_rows *rows,
                                    const ppml_params *p, const ppmli_fft *fft) {
  size_t N = p->poly_size, ggsw = ppmli_rows_first_copy(rows);
  for (size_t body = 0; body < ggsw; body++) {
    ppmli_rows_unpack(block->glwe, rows, p, block->wire, body, fft);
    for (size_t c = 0; c < 2; c++)
      fft->backend->forward_signed(fft, block->feature + (2 * body + c) * PPMLI_GROUP,
                                   2 * ggsw * PPMLI_GROUP, block->glwe + c * N,
                                   ldexp(1.0 / fft->points, -64), block->work);
  }
  for (size_t i = 0; i < ppmli_rows_copies(rows); i++)
    ppmli_rows_unpack(block->copy + 2 * N * i, rows, p, block->wire, ggsw + i, fft);
  for (size_t c = 0; c < rows->outputs; c++)
    ppmli_rows_unpack(block->label + 2 * N * c, rows, p, block->wire,
                      ppmli_rows_first_label(rows) + c, fft);
}

/* --------------------------------------------------------------- products */

/* The body of a ciphertext less half of what the digits of its mask leave over, times 1 + Y + ..:
 * the mask's leftovers e meet the key, whose bits are 1/2 on average.  Taking off the average
 * leaves e (s - 1/2), which halves the variance, as in the centered switches; and here it matters
 * more, for the leftovers are then multiplied by rows: where a feature's values have a mean, as the
 * constant one's, its product with the key's mean is many times as large as with the key's spread.
 *   body  [N]  out
 *   glwe  [2][N] */
PPMLI_STATIC void ppmli_rows_center(uint64_t *body, const uint64_t *glwe, const ppmli_rows *rows,
                                    size_t N) {
  uint64_t unit = (uint64_t)1 << (64 - rows->base_log2 * rows->levels), sum = 0;
  for (size_t i = 0; i < N; i++) { /* minus all, then coefficient k has those up to k twice more */
    uint64_t left = glwe[i] - ((glwe[i] + unit / 2) & ~(unit - 1));
    body[i] = left;
    sum -= left;
  }
  for (size_t k = 0; k < N; k++) {
    sum += 2 * body[k];
    body[k] = glwe[N + k] - (uint64_t)(ppmli_torus_signed(sum) / 2);
  }
}

/* Digits of a ciphertext that is to be multiplied by one feature or by each.
 *   out   digit row r at out + r * row_stride, groups `stride` apart
 *   glwe  [2][N], not block->glwe */
PPMLI_STATIC void ppmli_rows_digits(double *out, size_t row_stride, size_t stride,
                                    const uint64_t *glwe, const ppmli_rows *rows,
                                    const ppmli_fft *fft, const ppmli_rows_block *block) {
  ppmli_gadget gadget = ppmli_rows_gadget(rows);
  ppmli_rows_center(block->glwe, glwe, rows, fft->poly_size);
  for (uint32_t row = 0; row < 2 * rows->levels; row++)
    fft->backend->forward_digit(fft, out + row * row_stride, stride,
                                row < rows->levels ? glwe : block->glwe, &gadget,
                                row % rows->levels, block->work);
}

/* Doubles of digits and products in what follows. */
PPMLI_INLINE size_t ppmli_rows_product_doubles(const ppmli_rows *rows, const ppml_params *p) {
  return ppmli_fft_doubles(p->poly_size, (ppmli_rows_ggsw(rows) + 2) * rows->features);
}

/* out = sum_i X_i weight_i: row s gets the score of its features at Y^position(s).
 *   out      [2][N]
 *   weight   [features][2][N]  ciphertexts of constants
 *   doubles  [ppmli_rows_product_doubles()]  scratch
 * Noise: docs/NOISE.md "Learning". */
PPMLI_STATIC void ppmli_rows_scores(uint64_t *out, const ppmli_rows_block *block,
                                    const uint64_t *weight, const ppmli_rows *rows,
                                    const ppml_params *p, const ppmli_fft *fft, double *doubles) {
  const size_t N = p->poly_size, F = rows->features, ggsw = ppmli_rows_ggsw(rows);
  double *sums = doubles + ggsw * F * N;
  ppmli_product shape = {1, 1, ggsw * F, 2, NULL};
  for (size_t i = 0; i < F; i++)
    ppmli_rows_digits(doubles + i * PPMLI_GROUP, F * PPMLI_GROUP, ggsw * F * PPMLI_GROUP,
                      weight + 2 * N * i, rows, fft, block);
  fft->backend->product(fft, sums, doubles, block->feature, &shape);
  memset(out, 0, 2 * N * sizeof *out);
  for (size_t c = 0; c < 2; c++)
    fft->backend->backward_add(fft, out + c * N, sums + c * PPMLI_GROUP, 2 * PPMLI_GROUP,
                               block->work);
}

/* X_i times one ciphertext, for each i, as transforms; see ppmli_rows_product.
 *   doubles  [ppmli_rows_product_doubles()]  out
 *   glwe     [2][N] */
PPMLI_STATIC void ppmli_rows_multiply(double *doubles, const ppmli_rows_block *block,
                                      const uint64_t *glwe, const ppmli_rows *rows,
                                      const ppml_params *p, const ppmli_fft *fft) {
  const size_t ggsw = ppmli_rows_ggsw(rows);
  double *digits = doubles + 2 * rows->features * (size_t)p->poly_size;
  ppmli_product shape = {1, 1, ggsw, 2 * (size_t)rows->features, NULL};
  ppmli_rows_digits(digits, PPMLI_GROUP, ggsw * PPMLI_GROUP, glwe, rows, fft, block);
  fft->backend->product(fft, doubles, digits, block->feature, &shape);
}

/* Product i of ppmli_rows_multiply as a ciphertext.
 *   out  [2][N]  out */
PPMLI_STATIC void ppmli_rows_product(uint64_t *out, const double *doubles, size_t i,
                                     const ppmli_rows_block *block, const ppmli_rows *rows,
                                     const ppml_params *p, const ppmli_fft *fft) {
  size_t N = p->poly_size, stride = 2 * (size_t)rows->features * PPMLI_GROUP;
  memset(out, 0, 2 * N * sizeof *out);
  for (size_t c = 0; c < 2; c++)
    fft->backend->backward_add(fft, out + c * N, doubles + (2 * i + c) * PPMLI_GROUP, stride,
                               block->work);
}

#endif
