/* Noise of models without hidden layers; docs/NOISE.md "Linear models".  In: a model and the set; out: a
 * deviation.  Next: noise.h. */
#ifndef PPMLI_PLAN_LINEAR_NOISE_H
#define PPMLI_PLAN_LINEAR_NOISE_H

#include <math.h>

#include "../network/linear_set.h"
#include "noise.h"
#include "security.h"

/* A fresh body word as it travels. */
PPMLI_STATIC double ppmli_linear_noise_fresh(const ppml_params *p) {
  return ppmli_square(ppmli_params_noise_std(p->glwe_noise_bound, PPMLI_LINEAR_TORUS_BITS)) +
         ppmli_noise_rounding(p->input_wire_bits);
}

/* Score j, on the torus: encrypted pixels times weights, and the switch to output_bits. */
PPMLI_STATIC double ppmli_linear_noise_score(const ppml_model *m, uint32_t j) {
  const ppml_params *p = ppmli_linear_params();
  const ppml_layer *layer = &m->layer[0];
  double squares = 0;
  for (uint32_t i = 0; i < layer->inputs; i++)
    squares += ppmli_square(layer->weight[(size_t)j * layer->inputs + i]);
  return squares * ppmli_linear_noise_fresh(p) + ppmli_noise_output_switch(p);
}

/* Standard deviation of score j, in units of scores. */
PPMLI_STATIC double ppmli_linear_noise_std(const ppml_model *m, uint32_t j) {
  return sqrt(ppmli_linear_noise_score(m, j)) / ldexp((double)ppmli_linear_unit(m), -64);
}

#endif
