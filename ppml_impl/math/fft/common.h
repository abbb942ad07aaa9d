/* What the vector backends share that has no vector in it: where a forward
 * transform takes its numbers from, and how a product walks over the key.  In: a polynomial or its
 * digits; out: doubles, one after the other.  Next: vector_fft.h. */
#ifndef PPMLI_FFT_COMMON_H
#define PPMLI_FFT_COMMON_H

#include "backend.h"

/* Arrays of vectors become registers only if the loops over them are unrolled early,
 * which clang does unasked. */
#if defined(__clang__)
#define PPMLI_UNROLL
#else
#define PPMLI_UNROLL _Pragma("GCC unroll 16")
#endif

/* Digits of a polynomial, or its coefficients as signed integers times scale. */
typedef struct ppmli_source {
  const uint64_t *poly;
  int is_digits;
  uint64_t offset, mask; /* of digits, see ppmli_gadget_digit */
  uint32_t shift;
  double scale;
} ppmli_source;

PPMLI_INLINE ppmli_source ppmli_source_signed(const uint64_t *poly, double scale) {
  ppmli_source s = {poly, 0, 0, 0, 0, scale};
  return s;
}

PPMLI_INLINE ppmli_source ppmli_source_digits(const uint64_t *poly, const ppmli_gadget *gadget,
                                              uint32_t level) {
  uint64_t mask = ((uint64_t)1 << gadget->base_log2) - 1;
  ppmli_source s = {poly, 1, gadget->offset, mask, ppmli_gadget_shift(gadget, level), 0};
  return s;
}

#define PPMLI_WALK_MONOMIALS 48

/* One walk over the key, for as many samples as there is room for their monomials.
 *
 * Bits of an index add up to its exponent: within any group, the exponents are that of
 * its first lane plus what the lanes of group 0 have more than its first one.  So X^e on
 * a group is a root of unity times a vector that all groups share. */
typedef struct ppmli_walk {
  const ppmli_fft *fft;
  const ppmli_product *shape;
  double *out;               /* of the walk's first sample, as a and exponents */
  const double *a, *b;       /* see ppmli_product */
  const uint16_t *exponents; /* [samples][terms], or NULL */
  size_t samples;
  double lanes[PPMLI_WALK_MONOMIALS * PPMLI_GROUP]; /* [samples][terms][GROUP] */
} ppmli_walk;

/* Samples that fit in one walk. */
PPMLI_INLINE size_t ppmli_walk_most(const ppmli_product *shape) {
  PPMLI_ASSERT(shape->terms <= PPMLI_WALK_MONOMIALS);
  return shape->exponents ? PPMLI_WALK_MONOMIALS / shape->terms : shape->samples;
}

PPMLI_STATIC void ppmli_walk_monomials(ppmli_walk *w) {
  const ppmli_fft *fft = w->fft;
  for (size_t i = 0; i < w->samples * w->shape->terms; i++)
    for (size_t lane = 0; lane < PPMLI_LANES; lane++) {
      uint32_t more = (uint32_t)fft->exponent[lane] - fft->exponent[0];
      size_t root = w->exponents[i] * more & (2 * fft->poly_size - 1);
      w->lanes[i * PPMLI_GROUP + lane] = fft->root[2 * root];
      w->lanes[i * PPMLI_GROUP + lane + PPMLI_LANES] = fft->root[2 * root + 1];
    }
}

/* The walk that begins with sample first; *w has fft, shape and b. */
PPMLI_STATIC void ppmli_walk_begin(ppmli_walk *w, double *out, const double *a, size_t first) {
  const ppmli_product *p = w->shape;
  w->samples = ppmli_min_size(ppmli_walk_most(p), p->samples - first);
  w->out = out + first * p->columns * w->fft->poly_size;
  w->a = a + first * p->rows * w->fft->poly_size;
  w->exponents = p->exponents ? p->exponents + first * p->terms : NULL;
  if (w->exponents) ppmli_walk_monomials(w);
}

/* Asks for the share of the next group's key that falls to `count` samples from `sample`. */
PPMLI_INLINE void ppmli_walk_prefetch(const ppmli_walk *w, size_t group, size_t sample,
                                      size_t count) {
  size_t key = w->shape->terms * w->shape->rows * w->shape->columns * PPMLI_GROUP;
  const double *next = w->b + (group + 1) * key;
  for (size_t i = key * sample / w->samples; i < key * (sample + count) / w->samples;
       i += PPMLI_LANES)
    __builtin_prefetch(next + i);
}

#endif
