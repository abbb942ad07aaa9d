/* Bits of security of a parameter set, from its dimensions and its noise: docs/NOISE.md "Security" has the
 * estimates that the lines here are laid through.  In: a parameter set; out: bits.  Next: certificate.h. */
#ifndef PPMLI_PLAN_SECURITY_H
#define PPMLI_PLAN_SECURITY_H

#include <math.h>

#include "../math/params.h"

/* ----------------------------------------------------------- security */

/* Standard deviation of uniform noise on [-bound, bound], relative to a torus of
 * that many bits. */
PPMLI_STATIC double ppmli_params_noise_std(uint32_t bound, int torus_bits) {
  double b = bound;
  return ldexp(sqrt(b * (b + 1) / 3), -torus_bits);
}

/* Bits of security by interpolation between the lines on which the estimate is 128
 * and 132 bits.  The lines are fits that lie above every point of the estimates for
 * dimensions 450 to 2048; of 4096, with ternary keys, the two points themselves are taken.  Where noise is far
 * above both, as there, that falls short of the estimate.  Source: docs/NOISE.md "Security". */
PPMLI_STATIC double ppmli_security_bits(double dim, double noise_std, int block_binary) {
  double log2_std = log2(noise_std);
  double line128 =
      block_binary ? -0.02614 * dim + 4.29 : (-2.2743e-7 * dim - 0.025337) * dim + 2.5650;
  double line132 =
      block_binary ? -0.02525 * dim + 4.25 : (-2.7106e-7 * dim - 0.024467) * dim + 2.5570;
  if (dim > 2048) line128 = -105.00, line132 = -101.95; /* ternary keys, as leveled sets have */
  return 128 + 4 * (log2_std - line128) / (line132 - line128);
}

/* On the torus that keys are made on, which is where noise is least. */
PPMLI_STATIC double ppmli_params_glwe_security_bits(const ppml_params *p) {
  int torus_bits = (int)ppmli_params_torus_bits(p);
  return ppmli_security_bits((double)ppmli_params_long_dim(p),
                             ppmli_params_noise_std(p->glwe_noise_bound, torus_bits), 0);
}

/* A leveled set has no short key; what holds for its only one is said. */
PPMLI_STATIC double ppmli_params_lwe_security_bits(const ppml_params *p) {
  if (p->lwe_dim == 0) return ppmli_params_glwe_security_bits(p);
  return ppmli_security_bits(p->lwe_dim, ppmli_params_noise_std(p->lwe_noise_bound, 32),
                             p->key_block_ones != 0);
}

PPMLI_STATIC double ppmli_params_security_bits(const ppml_params *p) {
  double lwe = ppmli_params_lwe_security_bits(p), glwe = ppmli_params_glwe_security_bits(p);
  return lwe < glwe ? lwe : glwe;
}

#define PPMLI_SECURITY_ESTIMATE                                                                    \
  "lattice-estimator, MATZOV cost, least of usvp, bdd, dual and dual-hybrid; interpolated "        \
  "between "                                                                                       \
  "the 128 and 132 bit lines of docs/NOISE.md"

#define PPMLI_SECURITY_ESTIMATE_BLOCKS                                                             \
  "LWE: a block-aware model, no public estimator, Meet-LWE not covered; GLWE: lattice-estimator; " \
  "docs/NOISE.md"

#define PPMLI_SECURITY_ESTIMATE_LEVELED                                                            \
  "lattice-estimator, MATZOV cost, least of usvp, bdd and dual; at least, going on from the 128 "  \
  "and 132 bit points of docs/NOISE.md in a straight line"

PPMLI_STATIC const char *ppmli_security_estimate(const ppml_params *p) {
  if (ppmli_params_is_leveled(p)) return PPMLI_SECURITY_ESTIMATE_LEVELED;
  return p->key_block_ones ? PPMLI_SECURITY_ESTIMATE_BLOCKS : PPMLI_SECURITY_ESTIMATE;
}

#endif
