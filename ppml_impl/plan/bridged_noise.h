/* How noisy features are that layers come behind, and what gates make of them.  docs/NOISE.md "Bridge" and
 * "Gates" have the formulas.  In: a circuit that is laid out; out: variances.  Next: pooled_noise.h,
 * bridge_noise.h; rounded_noise.h, which goes on. */
#ifndef PPMLI_PLAN_BRIDGED_NOISE_H
#define PPMLI_PLAN_BRIDGED_NOISE_H

#include <math.h>

#include "../network/gates.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/pooled_model.h"
#include "../network/room.h"
#include "noise.h"
#include "pooled_noise.h"

/* Of feature f on the torus, in turns: of the pooled network's product and of the bridge. */
PPMLI_STATIC double ppmli_bridged_feature_variance(const ppml_circuit *c, uint32_t f) {
  ppmli_pooled net = ppmli_model_pooled(&c->model);
  ppmli_pooled_layout layout = ppmli_model_pooled_layout(&c->model);
  ppmli_pooled_noise noise;
  ppmli_pooled_score_noise(&noise, &net, &layout, c->params, f);
  return noise.product;
}

/* Of what a gate's table is looked up by, in gate units, but for the gate's own error. */
PPMLI_STATIC double ppmli_bridged_lookup_variance(const ppml_circuit *c, uint32_t j) {
  double unit = ldexp((double)ppmli_gate_unit(&c->model, j), -64);
  double gain = (double)ppmli_gate_gain(&c->model, j);
  double feature = ppmli_bridged_feature_variance(c, ppmli_gate_feature(&c->model, j));
  return (ppmli_square(gain) * feature + ppmli_noise_blind_rotation(c->params) +
          ppmli_noise_keyswitch(c->params) + ppmli_noise_modulus_switch(c->params)) /
         ppmli_square(unit);
}

/* Mean squares that the product's error is made of: of a feature over its range, which is its peak, taken
 * to be normal; of a gate less a half, taken to be uniform. */
#define PPMLI_GATE_FEATURE_SQUARE (1 / (PPMLI_PEAK_DEVIATIONS * PPMLI_PEAK_DEVIATIONS))
#define PPMLI_GATE_SQUARE (1.0 / 12)

/* Variance of input j of the last layer, in its units, where the gate has that variance in its own: the
 * gate's error times the feature, and two lookups, of slope (2 y + 1) / 4 each. */
PPMLI_STATIC double ppmli_bridged_product_variance(const ppml_circuit *c, uint32_t j, double gate) {
  double slope = 2 * (1 + 4 * (PPMLI_GATE_FEATURE_SQUARE + PPMLI_GATE_SQUARE)) / 16;
  return gate * PPMLI_GATE_FEATURE_SQUARE / 4 +
         ppmli_square(PPML_ACTIVATION_MAX) * slope * ppmli_bridged_lookup_variance(c, j);
}

#endif
