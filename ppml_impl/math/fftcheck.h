/* Does this build's arithmetic of doubles do what the transforms need?
 *
 * They need each operation rounded once, to nearest, and none left out: add_turns and
 * ppmli_ref_torus take (x + big) - big for x rounded to whole numbers, which a compiler that was
 * told to treat doubles as real numbers makes x of, and says so by no macro.  So two products
 * are taken through the hooks that a server uses and compared with whole numbers.  Where doubles
 * are not IEEE's, answers would be wrong by about a turn; a build fails here instead.
 *
 * In: a transform that is set up; out: yes or no.  Next: server/evalkey.h, which asks. */
#ifndef PPMLI_MATH_FFTCHECK_H
#define PPMLI_MATH_FFTCHECK_H

#include <math.h>

#include "../base/arena.h"
#include "fft/backend.h"
#include "torus.h"

#define PPMLI_FFTCHECK_TERMS 3

/* A product of words with a polynomial of three digits: digit[t] at X^at[t]. */
typedef struct ppmli_fftcheck {
  ppmli_gadget gadget;
  int64_t digit[PPMLI_FFTCHECK_TERMS];
  uint32_t at[PPMLI_FFTCHECK_TERMS];
  uint16_t exponent;       /* e: the product is taken times X^e - 1; 0 for 1 */
  uint32_t tolerance_log2; /* of the largest error, in units of 2^-64 of a turn */
} ppmli_fftcheck;

PPMLI_INLINE size_t ppmli_fftcheck_scratch(uint32_t poly_size) {
  return 2 * ppmli_arena_rounded(poly_size * sizeof(uint64_t)) +
         3 * ppmli_arena_rounded(poly_size * sizeof(double));
}

/* Words where conversions and rounding have their edges, among arbitrary ones. */
PPMLI_STATIC void ppmli_fftcheck_words(uint64_t *words, uint32_t poly_size) {
  const uint64_t half = PPMLI_TORUS_HALF,
                 edge[8] = {0, 1, ~(uint64_t)0, half - 1, half, half + 1, half - 512, half / 2};
  for (uint32_t i = 0; i < poly_size; i++)
    words[i] = i % 4 == 0 ? edge[i / 4 % 8] : i * UINT64_C(0x9e3779b97f4a7c15);
}

/* Coefficient i of X^shift a, whole. */
PPMLI_INLINE uint64_t ppmli_fftcheck_shifted(const uint64_t *a, uint32_t i, uint32_t shift,
                                             uint32_t poly_size) {
  uint32_t at = (i + 2 * poly_size - shift) & (2 * poly_size - 1); /* modulo X^2N = 1 */
  return at < poly_size ? a[at] : 0 - a[at - poly_size];
}

/* Coefficient i of the product in whole numbers, in units of 2^-64 of a turn. */
PPMLI_STATIC uint64_t ppmli_fftcheck_exact(const ppmli_fftcheck *c, const uint64_t *words,
                                           uint32_t i, uint32_t poly_size) {
  uint64_t sum = 0;
  for (uint32_t t = 0; t < PPMLI_FFTCHECK_TERMS; t++) {
    uint64_t digit = (uint64_t)c->digit[t];
    uint64_t word = ppmli_fftcheck_shifted(words, i, c->at[t], poly_size);
    if (c->exponent)
      word = ppmli_fftcheck_shifted(words, i, c->at[t] + c->exponent, poly_size) - word;
    sum += digit * word;
  }
  return sum;
}

/* One product by the hooks, beside the exact one.
 *   words  [N]
 * Scratch: ppmli_fftcheck_scratch less the words.  Errors: NOMEM, ARITHMETIC. */
PPMLI_STATIC int ppmli_fftcheck_product(const ppmli_fftcheck *c, const uint64_t *words,
                                        const ppmli_fft *fft, ppml_arena arena) {
  const ppmli_product shape = {1, 1, 1, 1, c->exponent ? &c->exponent : NULL};
  const ppmli_backend *b = fft->backend;
  const uint64_t most = (uint64_t)1 << c->tolerance_log2;
  size_t N = fft->poly_size;
  uint64_t wrong = 0;
  PPMLI_ALLOC(uint64_t, poly, &arena, N);
  PPMLI_ALLOC(double, left, &arena, N);
  PPMLI_ALLOC(double, right, &arena, N);
  PPMLI_ALLOC(double, work, &arena, N);
  memset(poly, 0, N * sizeof *poly);
  for (uint32_t t = 0; t < PPMLI_FFTCHECK_TERMS; t++)
    poly[c->at[t]] = (uint64_t)c->digit[t] << ppmli_gadget_shift(&c->gadget, 0);
  b->forward_digit(fft, left, PPMLI_GROUP, poly, &c->gadget, 0, work);
  b->forward_signed(fft, right, PPMLI_GROUP, words, ldexp(1.0 / fft->points, -64), work);
  b->product(fft, left, left, right, &shape);
  memcpy(poly, words, N * sizeof *poly); /* so that adding to something is checked too */
  b->backward_add(fft, poly, left, PPMLI_GROUP, work);
  for (uint32_t i = 0; i < N; i++) {
    uint64_t error = poly[i] - words[i] - ppmli_fftcheck_exact(c, words, i, fft->poly_size);
    wrong += error + most > 2 * most;
  }
  return wrong ? PPML_ERR_ARITHMETIC : PPML_OK;
}

/* Scratch: ppmli_fftcheck_scratch(fft->poly_size) bytes, given back.
 * Errors: NOMEM, ARITHMETIC.
 *
 * The first product is millions of turns, as a blind rotation's are, the second a few turns and
 * accurate.  The errors of a double are the digits' norm times 3.8 2^-53 times 2^64 / sqrt 12 in
 * standard deviation (docs/NOISE.md "FFT"), 2^33 and 2^12 units; the tolerances are 2^7 of those,
 * and far below a turn, 2^64. */
PPMLI_STATIC int ppmli_fft_check(const ppmli_fft *fft, ppml_arena *arena) {
  const uint32_t N = fft->poly_size;
  const ppmli_fftcheck rotation = {
      ppmli_gadget_make(23, 1, 64), {4194303, -4194304, 2796203}, {0, 3, N - 1}, 0, 40};
  const ppmli_fftcheck monomial = {
      ppmli_gadget_make(3, 1, 64), {3, -4, 1}, {1, N / 2, N - 2}, 77, 20};
  ppml_arena rest = *arena;
  PPMLI_ALLOC(uint64_t, words, &rest, N);
  ppmli_fftcheck_words(words, N);
  PPMLI_TRY(ppmli_fftcheck_product(&rotation, words, fft, rest));
  return ppmli_fftcheck_product(&monomial, words, fft, rest);
}

#endif
