/* Sums of products of integers with more bits than a double has.
 *
 * One operand is split, a = high + low, both are transformed, and each gives a sum of products of its
 * own.  The sums of the high parts are multiples of a known power of two, large beside the FFT's
 * rounding errors; so they are rounded to exactly that.  What errors are left come from the low
 * parts, which are small.
 *
 * In: transforms of both parts; out: sums as torus words.  Next: cipher/tensor.h. */
#ifndef PPMLI_MATH_WIDE_H
#define PPMLI_MATH_WIDE_H

#include "../base/arena.h"
#include "fft/backend.h"

#define PPMLI_WIDE_BITS 32 /* of the high part where the other operand has a few bits */

PPMLI_INLINE size_t ppmli_wide_scratch(uint32_t poly_size) {
  return 2 * ppmli_arena_rounded(poly_size * sizeof(uint64_t)) +
         ppmli_arena_rounded(poly_size * sizeof(double));
}

/* Buffers of one task, see ppmli_wide_scratch. */
typedef struct ppmli_wide {
  uint64_t *high, *low; /* [N] */
  double *work;         /* [N] */
} ppmli_wide;

PPMLI_STATIC int ppmli_wide_init(ppmli_wide *w, uint32_t poly_size, ppml_arena *arena) {
  PPMLI_ALLOC(uint64_t, high, arena, poly_size);
  PPMLI_ALLOC(uint64_t, low, arena, poly_size);
  PPMLI_ALLOC(double, work, arena, poly_size);
  w->high = high;
  w->low = low;
  w->work = work;
  return PPML_OK;
}

/* t rounded to its top bits. */
PPMLI_INLINE uint64_t ppmli_wide_round(uint64_t t, uint32_t bits) {
  uint64_t unit = (uint64_t)1 << (64 - bits);
  return (t + unit / 2) & (0 - unit);
}

/* a = w->high + w->low modulo a turn, high having so many bits.  As signed numbers, which transforms
 * take them for, both add up to a, or to a less a turn where high was rounded up to half a turn:
 * whoever multiplies parts by anything but whole numbers may use nothing else of a. */
PPMLI_STATIC void ppmli_wide_split(const ppmli_wide *w, const uint64_t *a, uint32_t bits,
                                   uint32_t poly_size) {
  for (uint32_t i = 0; i < poly_size; i++) {
    w->high[i] = ppmli_wide_round(a[i], bits);
    w->low[i] = a[i] - w->high[i];
  }
}

/* Transforms of the high and the low part of a, times scale.
 *   out   of the high part, at out[GROUP] of the low one, both at that stride
 *   a     [N] torus
 *   bits  of the high part, 11..53 */
PPMLI_STATIC void ppmli_wide_forward(const ppmli_fft *fft, double *out, size_t stride,
                                     const uint64_t *a, uint32_t bits, double scale,
                                     const ppmli_wide *w) {
  ppmli_wide_split(w, a, bits, fft->poly_size);
  fft->backend->forward_signed(fft, out, stride, w->high, scale, w->work);
  fft->backend->forward_signed(fft, out + PPMLI_GROUP, stride, w->low, scale, w->work);
}

/* poly += the sums of the high parts, which are multiples of 2^-bits of a turn, and those of
 * the low parts.  The high ones are right if the FFT's error stays below 2^-bits / 2.
 *   high, low  transforms divided by N/2, 1 for a turn, at that stride */
PPMLI_STATIC void ppmli_wide_backward_add(const ppmli_fft *fft, uint64_t *poly, const double *high,
                                          const double *low, size_t stride, uint32_t bits,
                                          const ppmli_wide *w) {
  memset(w->high, 0, fft->poly_size * sizeof *w->high);
  fft->backend->backward_add(fft, w->high, high, stride, w->work);
  for (uint32_t i = 0; i < fft->poly_size; i++) poly[i] += ppmli_wide_round(w->high[i], bits);
  fft->backend->backward_add(fft, poly, low, stride, w->work);
}

#endif
