/* The noise of the bridge, docs/NOISE.md "Bridge".  In: a bridge; out: a variance.  Next: noise.h. */
#ifndef PPMLI_PLAN_BRIDGE_NOISE_H
#define PPMLI_PLAN_BRIDGE_NOISE_H

#include <math.h>

#include "../cipher/bridge.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "noise.h"
#include "security.h"

/* Variance that the bridge adds to a coefficient, in turns: the rows' noise, the FFT's rounding,
 * and what the digits leave over times the leveled key. */
PPMLI_STATIC double ppmli_noise_bridge(const ppmli_bridge *b) {
  const ppml_params *to = b->to;
  ppmli_gadget gadget = ppmli_bridge_gadget(b);
  double products = (double)ppmli_bridge_rows(b) * to->poly_size;
  double digits = products * ppmli_noise_digit(gadget.base_log2);
  double key = digits * ppmli_square(ppmli_params_noise_std(to->glwe_noise_bound, 64));
  double fft = ppmli_square(ldexp(PPMLI_NOISE_FFT_CONSTANT, -53)) * digits / 12 *
               (1 + (double)ppmli_params_long_dim(to) / 2);
  double left_over =
      ppmli_noise_key_norm(b->from) * ppmli_noise_rounding(gadget.base_log2 * PPMLI_BRIDGE_LEVELS);
  return key + fft + left_over;
}

#endif
