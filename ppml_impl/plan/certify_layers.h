/* The part of a certificate that is about layers: how noisy each step of each layer is, for each kind
 * of circuit. */
#ifndef PPMLI_PLAN_CERTIFY_LAYERS_H
#define PPMLI_PLAN_CERTIFY_LAYERS_H

#include <math.h>

#include "failure.h"
#include "leveled_noise.h"
#include "noise.h"
#include "rounded_noise.h"

/* Noise of what comes behind the dense layer. */
PPMLI_STATIC void ppmli_certify_steps(ppml_layer_certificate *out, const ppml_params *p,
                                      int is_last) {
  out->rounding_std = sqrt(is_last ? ppmli_noise_output_switch(p) : ppmli_noise_modulus_switch(p));
  if (is_last) return;
  out->key_switch_std = sqrt(ppmli_noise_keyswitch(p));
  out->bootstrap_std = sqrt(ppmli_noise_blind_rotation(p));
}

/* Noise of a layer step by step, at its worst accumulators.
 *   before  mean variance of the activations before, in units */
PPMLI_STATIC void ppmli_certify_rounded_layer(ppml_layer_certificate *out, const ppml_circuit *c,
                                              uint32_t l, double before) {
  const ppml_layer *layer = &c->model.layer[l];
  int is_last = l + 1 == c->model.layer_count;
  double dense = 0;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    double variance = ppmli_circuit_dense_variance(c, l, j);
    if (variance > dense) dense = variance;
    if (is_last) continue;
    double wrong = ppmli_circuit_wrong(layer, j, ppmli_circuit_total_variance(c, l, j, before));
    if (wrong > out->wrong_activation) out->wrong_activation = wrong;
  }
  out->dense_std = sqrt(dense);
  ppmli_certify_steps(out, c->params, is_last);
  if (!is_last) out->relative_std = ppmli_circuit_layer_noise(c, l);
}

/* Noise of an exact circuit's layer: of its windows relative to the margins, and all that may
 * go wrong. */
PPMLI_STATIC void ppmli_certify_exact_layer(ppml_layer_certificate *out, const ppml_circuit *c,
                                            uint32_t l, const ppml_noise *noise) {
  int is_last = l + 1 == c->model.layer_count;
  double dense = 0;
  for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) {
    double variance = is_last
                          ? ppmli_exact_score_variance(c, j) - ppmli_noise_output_switch(c->params)
                          : ppmli_exact_accumulator_variance(c, j);
    if (variance > dense) dense = variance;
  }
  out->dense_std = sqrt(dense);
  ppmli_certify_steps(out, c->params, is_last);
  if (is_last) return;
  out->relative_std = noise->layer[l];
  out->wrong_activation = noise->changed_answers;
}

/* Noise of a leveled circuit's layer: of H behind its trace, then of the worst score. */
PPMLI_STATIC void ppmli_certify_leveled_layer(ppml_layer_certificate *out, const ppml_circuit *c,
                                              uint32_t l) {
  ppmli_leveled_noise worst;
  ppmli_leveled_predict_worst(&worst, c);
  out->dense_std = sqrt(l == 0 ? worst.h : worst.product);
  out->key_switch_std =
      sqrt(l == 0 ? ppmli_noise_automorphism(c->params) : ppmli_noise_relinearization(c->params));
  if (l > 0) out->rounding_std = sqrt(ppmli_noise_output_switch(c->params));
}

/* All layers of a circuit of bootstraps, each with the noise that the one before leaves. */
PPMLI_STATIC void ppmli_certify_rounded(ppml_layer_certificate *out, const ppml_circuit *c) {
  double before = 0;
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    ppmli_certify_rounded_layer(&out[l], c, l, before);
    if (l + 1 < c->model.layer_count) before = ppmli_circuit_mean_variance(c, l, before);
  }
}

#endif
