/* The noise formulas of docs/NOISE.md, one function a step of a computation, as variances relative to a
 * turn of the torus.  The layouts put them together for a whole network.  In: a parameter set; out: a
 * variance.  Next: rounded_noise.h, failure.h, leveled_noise.h. */
#ifndef PPMLI_PLAN_NOISE_H
#define PPMLI_PLAN_NOISE_H

#include <math.h>

#include "../cipher/glweswitch.h"
#include "../cipher/tensor.h"
#include "../math/params.h"
#include "security.h"

/* Mean square of a coefficient of the GLWE key. */
PPMLI_INLINE double ppmli_params_key_square(const ppml_params *p) {
  return ppmli_params_key_planes(p) > 1 ? 2.0 / 3 : 0.5;
}

/* Rounding errors of the FFT, in units of 2^-53 of a coefficient's magnitude: the largest
 * that tests/test_noise.c measures, over backends and sets; docs/NOISE.md "FFT". */
#define PPMLI_NOISE_FFT_CONSTANT 3.8

PPMLI_INLINE double ppmli_square(double x) {
  return x * x;
}

/* Rounding to that many bits: uniform on +-2^-(bits + 1). */
PPMLI_INLINE double ppmli_noise_rounding(uint32_t bits) {
  return ldexp(1.0 / 12, -2 * (int)bits);
}

/* A fresh GLWE coefficient as the wire carries it. */
PPMLI_STATIC double ppmli_noise_fresh(const ppml_params *p, uint32_t wire_bits) {
  int torus_bits = (int)ppmli_params_torus_bits(p);
  return ppmli_square(ppmli_params_noise_std(p->glwe_noise_bound, torus_bits)) +
         ppmli_noise_rounding(wire_bits);
}

/* Mean square of a balanced digit in base B: (B^2 + 2) / 12. */
PPMLI_INLINE double ppmli_noise_digit(uint32_t base_log2) {
  return (ldexp(1, 2 * (int)base_log2) + 2) / 12;
}

PPMLI_STATIC double ppmli_noise_keyswitch(const ppml_params *p) {
  double coordinates = (double)ppmli_params_switched_dim(p);
  double lwe = ppmli_square(ppmli_params_noise_std(p->lwe_noise_bound, 32));
  return coordinates * p->ks_levels * ppmli_noise_digit(p->ks_base_log2) * lwe +
         coordinates / 4 * ppmli_noise_rounding(p->ks_base_log2 * p->ks_levels);
}

/* Centered: the mask's rounding errors meet key bits less their mean. */
PPMLI_STATIC double ppmli_noise_modulus_switch_mask(const ppml_params *p) {
  double mean = p->key_block_ones ? 1.0 / (p->key_block + 1) : 0.5;
  double grid = 2.0 * p->poly_size;
  return p->lwe_dim * mean * (1 - mean) / 12 / (grid * grid);
}

/* With the body's own rounding, to the nearest position. */
PPMLI_STATIC double ppmli_noise_modulus_switch(const ppml_params *p) {
  double grid = 2.0 * p->poly_size;
  return ppmli_noise_modulus_switch_mask(p) + 1.0 / 12 / (grid * grid);
}

PPMLI_STATIC double ppmli_noise_blind_rotation(const ppml_params *p) {
  double kN = (double)ppmli_params_long_dim(p), steps = (double)ppmli_params_steps(p);
  double terms = (double)ppmli_params_ggsw_per_step(p);
  double products = terms * (double)ppmli_params_ggsw_rows(p) * p->poly_size;
  double nonzero =
      p->key_block_ones ? p->key_block / (p->key_block + 1.0) : 1 - ldexp(1, -(int)p->key_block);
  double key =
      2 * products * ppmli_noise_digit(p->pbs_base_log2) * ppmli_noise_fresh(p, p->bsk_wire_bits);
  double gadget =
      2 * nonzero * (1 + kN / 2) * ppmli_noise_rounding(p->pbs_base_log2 * p->pbs_levels);
  double magnitude = 2 * products * ppmli_noise_digit(p->pbs_base_log2) / 12;
  double fft = ppmli_square(ldexp(PPMLI_NOISE_FFT_CONSTANT, -53)) * magnitude * (1 + kN / 2);
  return steps * (key + gadget + fft);
}

/* The switch of a score to the modulus it travels in, centered as well. */
PPMLI_STATIC double ppmli_noise_output_switch_mask(const ppml_params *p) {
  double variance = ppmli_params_key_planes(p) > 1 ? ppmli_params_key_square(p)
                                                   : 0.25; /* of a key's coefficient */
  return (double)ppmli_params_long_dim(p) * variance * ppmli_noise_rounding(p->output_bits);
}

PPMLI_STATIC double ppmli_noise_output_switch(const ppml_params *p) {
  return ppmli_noise_output_switch_mask(p) + ppmli_noise_rounding(p->output_bits);
}

/* ------------------------------------------------------------ leveled sets */

/* Sum of the squares of the key's coefficients, and of those of its square. */
PPMLI_STATIC double ppmli_noise_key_norm(const ppml_params *p) {
  return ppmli_params_key_square(p) * p->poly_size;
}

PPMLI_STATIC double ppmli_noise_key_square_norm(const ppml_params *p) {
  return 2 * ppmli_square(ppmli_noise_key_norm(p));
}

/* A GLWE key switch: the rows' noise; what the FFT leaves of their low parts, whose mask meets
 * the key; and what the digits leave over, times the source.
 *   norm  sum of the squares of the source's coefficients */
PPMLI_STATIC double ppmli_noise_glwe_switch(const ppml_params *p, double norm) {
  double products =
      (double)ppmli_switch_levels(p) * p->poly_size * ppmli_noise_digit(ppmli_switch_base_log2(p));
  double key = ppmli_square(ppmli_params_noise_std(p->glwe_noise_bound, PPMLI_LONG_TORUS_BITS));
  double fft = ppmli_square(ldexp(PPMLI_NOISE_FFT_CONSTANT, -53)) *
               ppmli_noise_rounding(PPMLI_SWITCH_HIGH_BITS) * (1 + ppmli_noise_key_norm(p));
  double gadget = norm * ppmli_noise_rounding(ppmli_switch_base_log2(p) * ppmli_switch_levels(p));
  return products * (key + fft) + gadget;
}

PPMLI_STATIC double ppmli_noise_automorphism(const ppml_params *p) {
  return ppmli_noise_glwe_switch(p, ppmli_noise_key_norm(p));
}

PPMLI_STATIC double ppmli_noise_relinearization(const ppml_params *p) {
  return ppmli_noise_glwe_switch(p, ppmli_noise_key_square_norm(p));
}

/* A trace of a ciphertext with that variance, on average over the coefficients: what is there
 * before a step is doubled where it is kept, in half the coefficients, and gone elsewhere. */
PPMLI_STATIC double ppmli_noise_trace(const ppml_params *p, double variance) {
  double block = ppmli_params_block(p);
  return block * variance + (block - 1) * ppmli_noise_automorphism(p);
}

#define PPMLI_LEVELED_EXACT_MAX 1.1e12 /* 2^40 */

/* Are sums over that many blocks of products with the upper parts of words exact?  Of a step,
 * 2^-32 of a turn, the FFT leaves sqrt(norm (80 + blocks)) 2^-24: at most 1/16, eight deviations
 * from another step.  Measured up to 2048 blocks: rounding of the sum itself grows with them. */
PPMLI_INLINE int ppmli_leveled_is_exact(double norm, double blocks) {
  return norm * (80 + blocks) <= PPMLI_LEVELED_EXACT_MAX;
}

/* Constant coefficient of a product times T = 2^modulus_log2: noise of either factor meets
 * the other's phase, (1 + E[s^2] N) / 12 a coefficient; and the FFT's errors of what is not
 * exact meet S^2, whose squares add up to 2 (E[s^2] N)^2. */
PPMLI_STATIC double ppmli_noise_product(const ppml_params *p, uint32_t modulus_log2, double first,
                                        double second) {
  double N = p->poly_size, T = ldexp(1, (int)modulus_log2);
  double fft = ppmli_square(ldexp(PPMLI_NOISE_FFT_CONSTANT, -53)) * 2 * N / 12 *
               ppmli_noise_rounding(PPMLI_TENSOR_BITS) * ppmli_noise_key_square_norm(p);
  return T * T * (N * (1 + ppmli_noise_key_norm(p)) / 12 * (first + second) + fft);
}

#endif
