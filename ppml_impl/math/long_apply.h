/* Words of 80 bits on the server: polynomials split into a high and a low part, each small enough
 * for transforms of doubles, and masks drawn from their public seed.  Next: cipher/tensor.h.  In: words
 * and a seed; out: transforms and masks. */
#ifndef PPMLI_MATH_LONG_APPLY_H
#define PPMLI_MATH_LONG_APPLY_H

#include <math.h>

#include "fft/backend.h"
#include "long.h"
#include "masks.h"
#include "wide.h"

/* The words of a mask and its tails.
 *   words  [ppmli_long_mask_words]  out
 *   tail   [N]  out */
PPMLI_STATIC void ppmli_long_draw_mask(uint64_t *words, uint64_t *tail, const ppml_params *p,
                                       const ppmli_mask *mask, const ppmli_fft *fft) {
  ppmli_mask_u64(words, ppmli_long_mask_words(p), mask->seed, mask->purpose, mask->index,
                 fft->backend->chacha);
  for (uint32_t i = 0; i < p->poly_size; i++)
    tail[i] = ppmli_long_mask_tail(words, i, p->poly_size);
}

/* Transforms of a polynomial on the long torus, in turns over N/2: of its top bits, and at
 * out[GROUP] of what is left, at that stride.
 *   bits  of the first, 28 or more: what is left, with its tail, is then at most 2^51 + 2^16
 *         units of 2^-80, exact in a double */
PPMLI_STATIC void ppmli_long_forward(const ppmli_fft *fft, double *out, size_t stride,
                                     const uint64_t *top, const uint64_t *tail, uint32_t bits,
                                     const ppmli_wide *w) {
  double scale = ldexp(1.0 / fft->points, -64);
  ppmli_wide_split(w, top, bits, fft->poly_size);
  for (uint32_t i = 0; i < fft->poly_size; i++)
    w->low[i] = (w->low[i] << PPMLI_LONG_TAIL_BITS) + tail[i];
  fft->backend->forward_signed(fft, out, stride, w->high, scale, w->work);
  fft->backend->forward_signed(fft, out + PPMLI_GROUP, stride, w->low,
                               ldexp(scale, -PPMLI_LONG_TAIL_BITS), w->work);
}

#endif
