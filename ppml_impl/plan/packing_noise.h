/* Noise of automorphisms and packing; docs/NOISE.md "Packing".  In: a set; out: variances. Next:
 * learn_noise.h. */
#ifndef PPMLI_PLAN_PACKING_NOISE_H
#define PPMLI_PLAN_PACKING_NOISE_H

#include <math.h>

#include "../cipher/automorphism.h"
#include "../math/params.h"
#include "noise.h"

/* What a product of `rows` transformed digits with rows of fresh ciphertexts adds: the rows'
 * noise, and what the FFT rounds, which in the mask meets the key.
 *   wire_bits  of the rows' bodies */
PPMLI_STATIC double ppmli_noise_rows(const ppml_params *p, double rows, uint32_t base_log2,
                                     uint32_t wire_bits) {
  double products = rows * p->poly_size * ppmli_noise_digit(base_log2);
  double fft = ppmli_square(ldexp(PPMLI_NOISE_FFT_CONSTANT, -53)) / 12 *
               (1 + 0.5 * (double)ppmli_params_long_dim(p));
  return products * (ppmli_noise_fresh(p, wire_bits) + fft);
}

/* An automorphism: its rows, and what the digits leave over of the mask, which meets the key. */
PPMLI_STATIC double ppmli_noise_auto(const ppml_params *p) {
  return ppmli_noise_rows(p, PPMLI_AUTO_LEVELS, PPMLI_AUTO_BASE_LOG2, PPMLI_AUTO_WIRE_BITS) +
         p->poly_size / 2.0 * ppmli_noise_rounding(PPMLI_AUTO_BASE_LOG2 * PPMLI_AUTO_LEVELS);
}

/* What a trace or a tree of that many steps adds to a coefficient that is kept: each step's noise
 * is doubled by every later one. */
PPMLI_STATIC double ppmli_noise_packing_kept(const ppml_params *p, uint32_t steps) {
  return (ldexp(1, 2 * (int)steps) - 1) / 3 * ppmli_noise_auto(p);
}

/* What a whole trace leaves in the coefficients that it clears, on average over them: one of
 * valuation v (there are N / 2^(v + 1)) is cleared at step v, whose noise and that of the steps
 * to come, v of them, is doubled by each later one. */
PPMLI_STATIC double ppmli_noise_packing_cleared(const ppml_params *p) {
  double sum = 0;
  for (uint32_t v = 0; v < ppmli_auto_steps(p); v++)
    sum += ldexp(1, -(int)v - 1) * ppmli_noise_packing_kept(p, v + 1);
  return sum;
}

#endif
