/* A score's last step: from 64-bit words to the few bits that travel.  In: a score as an LWE ciphertext;
 * out: words of output_bits bits.  Next: infer.h. */
#ifndef PPMLI_SERVER_SWITCH_DOWN_H
#define PPMLI_SERVER_SWITCH_DOWN_H

#include "../math/params.h"
#include "../math/torus.h"

/* Switches a long ciphertext down to 2^output_bits, centered as the other switches; the mean of
 * a ternary key is 0 of itself. */
PPMLI_STATIC void ppmli_output_switch(uint32_t *out, const uint64_t *lwe, const ppml_params *p) {
  size_t dim = ppmli_params_long_dim(p);
  uint64_t error_sum = 0; /* modulo 2^64, of numbers below 2^(64 - output_bits - 1) */
  for (size_t i = 0; i < dim; i++) {
    out[i] = ppmli_torus_switch(lwe[i], p->output_bits);
    error_sum += lwe[i] - ppmli_torus_from(out[i], p->output_bits);
  }
  int is_ternary = ppmli_params_key_planes(p) > 1;
  int64_t half = is_ternary ? 0 : ppmli_torus_signed(error_sum) / 2; /* |sum| < 2^63, as
                                                                        dim <= 2^output_bits */
  out[dim] = ppmli_torus_switch(lwe[dim] - (uint64_t)half, p->output_bits);
}

#endif
