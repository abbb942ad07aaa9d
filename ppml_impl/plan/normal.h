/* Normal numbers from the generator, fast and without libm: for simulation, never for encryption.  In: a
 * generator; out: doubles.  Next: simulate.h. */
#ifndef PPMLI_PLAN_NORMAL_H
#define PPMLI_PLAN_NORMAL_H

#include <math.h>

#include "../base/rng.h"

/* ---------------------------------------------------------------- one draw */

PPMLI_INLINE int ppmli_ones(uint64_t x) {
  x -= x >> 1 & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return (int)(x * 0x0101010101010101u >> 56);
}

/* A standard normal number: how many of 64 bits are ones, a binomial number of variance 16,
 * with the gaps filled by a triangular one of variance 1/6.  Fast, and no libm. */
PPMLI_STATIC double ppmli_rng_normal(ppml_rng *rng) {
  const double std = 4.020779361;
  uint64_t fill = ppmli_rng_u64(rng);
  double fraction = ldexp((double)(fill >> 32) + (double)(fill & 0xffffffffu), -32) - 1;
  return (ppmli_ones(ppmli_rng_u64(rng)) - 32 + fraction) / std;
}

#endif
