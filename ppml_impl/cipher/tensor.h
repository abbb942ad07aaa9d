/* The scale-invariant product of two GLWE ciphertexts with one mask polynomial.
 *
 * Messages are multiples of 1 / T of a turn.  Phases B - A S are x / T + k and y / T + l with
 * whole k and l, so T times their product is x y / T modulo 1.  As polynomials in S that is
 *
 *   T B B'  -  T (A B' + B A') S  +  T A A' S^2
 *
 * a ciphertext with a third part.  Relinearization, a key switch from S^2, takes it away again.
 * Errors of the third part meet S^2, whose coefficients are large; so both factors are split:
 * the product of the top PPMLI_TENSOR_BITS is exact, what is left is small.
 *
 * A sum of products of several pairs costs little more than one: products of transforms add up
 * before anything is transformed back.
 * Source: [FV12] section 4.
 *
 * In: pairs of ciphertexts; out: mask, body and the part of S^2, which is relinearized next. Next:
 * glweswitch_apply.h. */
#ifndef PPMLI_CIPHER_TENSOR_H
#define PPMLI_CIPHER_TENSOR_H

#include <math.h>

#include "../base/arena.h"
#include "../math/fft/backend.h"
#include "../math/wide.h"

#define PPMLI_TENSOR_BITS 20

/* ------------------------------------------------------------ first factor */

/* Transforms of one factor of each of `pairs` products.  Of the first factors, for any number of second ones:
 *   high   [mask, body][group][pair][GROUP]              the top bits
 *   parts  [mask, body][group][pair][high, low][GROUP] */
typedef struct ppmli_tensor_factor {
  double *high, *parts;
  size_t pairs;
} ppmli_tensor_factor;

PPMLI_INLINE size_t ppmli_tensor_left_bytes(const ppml_params *p, size_t pairs) {
  return ppmli_arena_rounded(2 * pairs * p->poly_size * sizeof(double)) +
         ppmli_arena_rounded(4 * pairs * p->poly_size * sizeof(double));
}

/*   glwe  [pairs][mask, body][N]
 * Memory: ppmli_tensor_left_bytes(p, pairs), then ppmli_wide_scratch.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_tensor_left_init(ppmli_tensor_factor *left, const uint64_t *glwe,
                                        size_t pairs, const ppml_params *p, const ppmli_fft *fft,
                                        ppml_arena *arena) {
  const size_t G = PPMLI_GROUP, N = p->poly_size;
  double scale = ldexp(1, -64);
  ppmli_wide w;
  PPMLI_ALLOC(double, high, arena, 2 * pairs * N);
  PPMLI_ALLOC(double, parts, arena, 4 * pairs * N);
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_wide_init(&w, p->poly_size, arena));
  for (size_t i = 0; i < 2 * pairs; i++) {
    size_t pair = i / 2, part = i % 2; /* mask or body */
    ppmli_wide_forward(fft, parts + (part * pairs * N + pair * G) * 2, 2 * pairs * G, glwe + i * N,
                       PPMLI_TENSOR_BITS, scale, &w);
    fft->backend->forward_signed(fft, high + part * pairs * N + pair * G, pairs * G, w.high, scale,
                                 w.work);
  }
  left->high = high;
  left->parts = parts;
  left->pairs = pairs;
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ---------------------------------------------------------- second factor */

/* all = high + low, group by group.  The transform of the words themselves will not do: where
 * a word is close below half a turn its high part is rounded up to it and read as minus half a
 * turn, so the parts add up to the word less a turn.  A turn more or less is nothing to a
 * phase, but it is much between parts that are multiplied by different numbers.
 *   all, low  [groups] at twice that stride;  high  [groups] at that stride */
PPMLI_STATIC void ppmli_tensor_add_parts(double *all, const double *high, const double *low,
                                         size_t stride, size_t poly_size) {
  const size_t G = PPMLI_GROUP;
  for (size_t g = 0; g < poly_size / G; g++)
    for (size_t i = 0; i < G; i++)
      all[g * 2 * stride + i] = high[g * stride + i] + low[g * 2 * stride + i];
}

/* Transforms of the second factor of a pair, times T.
 *   high   [group][pair][mask, body][GROUP]             the top bits, to meet the first's
 *   parts  [group][pair][low, all][mask, body][GROUP]   low to meet high, all to meet low
 *   glwe   [mask, body][N]  of that pair */
PPMLI_STATIC void ppmli_tensor_right(const ppmli_tensor_factor *right, size_t pair,
                                     const uint64_t *glwe, uint32_t modulus_log2,
                                     const ppmli_fft *fft, const ppmli_wide *w) {
  const size_t G = PPMLI_GROUP, N = fft->poly_size, stride = 2 * right->pairs * G;
  const ppmli_backend *b = fft->backend;
  double scale = ldexp(1.0 / fft->points, (int)modulus_log2 - 64);
  double *high = right->high + 2 * pair * G, *parts = right->parts + 4 * pair * G;
  for (size_t i = 0; i < 2; i++, glwe += N) {
    ppmli_wide_split(w, glwe, PPMLI_TENSOR_BITS, fft->poly_size);
    b->forward_signed(fft, high + i * G, stride, w->high, scale, w->work);
    b->forward_signed(fft, parts + i * G, 2 * stride, w->low, scale, w->work);
    ppmli_tensor_add_parts(parts + (2 + i) * G, high + i * G, parts + i * G, stride, N);
  }
}

/* ---------------------------------------------------------------- product */

PPMLI_INLINE size_t ppmli_tensor_scratch(const ppml_params *p, size_t pairs) {
  return ppmli_arena_rounded((8 + 6 * pairs) * p->poly_size * sizeof(double)) +
         ppmli_wide_scratch(p->poly_size);
}

/* Adds the products of mask and body to those of body and mask, which stand crosswise.
 *   products  [mask, body][group][mask, body][GROUP] */
PPMLI_STATIC void ppmli_tensor_add_crosswise(double *products, size_t poly_size) {
  const size_t G = PPMLI_GROUP;
  double *mask_body = products + G, *body_mask = products + 2 * poly_size;
  for (size_t g = 0; g < 2 * poly_size; g += 2 * G)
    for (size_t i = 0; i < G; i++) mask_body[g + i] += body_mask[g + i];
}

/* A product: a ciphertext with a third part, which meets S^2. */
typedef struct ppmli_tensor {
  uint64_t *square, *mask, *body; /* [N] */
} ppmli_tensor;

/* The sum of the products of pairs of ciphertexts, with its part for S^2.
 *   out           its parts are written
 *   glwe          [left->pairs][mask, body][N]  the second factors
 *   modulus_log2  of T, at most PPMLI_TENSOR_MODULUS_LOG2_MAX
 * Scratch: ppmli_tensor_scratch(p, left->pairs) bytes.  Errors: NOMEM.
 * Noise: docs/NOISE.md "Product". */
PPMLI_STATIC int ppmli_tensor_product(ppmli_tensor out, const ppmli_tensor_factor *left,
                                      const uint64_t *glwe, uint32_t modulus_log2,
                                      const ppmli_fft *fft, ppml_arena *arena) {
  const size_t G = PPMLI_GROUP, N = fft->poly_size, pairs = left->pairs;
  size_t mark = arena->used_bytes;
  /* Upper parts are multiples of 2^-20 of a turn of magnitude at most 1/2, so their products are
   * of T 2^-40, and sums of 2 N of them at most T N / 2 <= 2^41 turns: 51 bits, exact in a
   * double but for the FFT's rounding.  That is 3.8 2^-53 sqrt(2 N) T / 12 in standard
   * deviation, 0.007 of half a step, whatever T is; sqrt(pairs) times as much for several. */
  uint32_t bits = 2 * PPMLI_TENSOR_BITS - modulus_log2; /* the exact products' last one */
  ppmli_product exact = {2, 1, pairs, 2, NULL}, rest = {2, 1, 2 * pairs, 2, NULL};
  ppmli_wide w;
  PPMLI_ALLOC(double, highs, arena, (8 + 6 * pairs) * N);
  double *rests = highs + 4 * N, *high = rests + 4 * N;
  ppmli_tensor_factor right = {high, high + 2 * pairs * N, pairs};
  PPMLI_TRY(ppmli_wide_init(&w, fft->poly_size, arena));
  for (size_t i = 0; i < pairs; i++)
    ppmli_tensor_right(&right, i, glwe + i * 2 * N, modulus_log2, fft, &w);
  fft->backend->product(fft, highs, left->high, right.high, &exact);
  fft->backend->product(fft, rests, left->parts, right.parts, &rest);
  ppmli_tensor_add_crosswise(highs, N);
  ppmli_tensor_add_crosswise(rests, N);
  memset(out.square, 0, N * sizeof *out.square);
  memset(out.mask, 0, N * sizeof *out.mask);
  memset(out.body, 0, N * sizeof *out.body);
  ppmli_wide_backward_add(fft, out.square, highs, rests, 2 * G, bits, &w);
  ppmli_wide_backward_add(fft, out.mask, highs + G, rests + G, 2 * G, bits, &w);
  ppmli_wide_backward_add(fft, out.body, highs + 2 * N + G, rests + 2 * N + G, 2 * G, bits, &w);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
