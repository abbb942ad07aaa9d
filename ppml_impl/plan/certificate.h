/* What a circuit promises, computed from the circuit alone: ranges, noise, security, sizes.  A circuit's file
 * carries it (wire/circuit_file.h), and a reader that computes another one refuses the file. */
#ifndef PPMLI_PLAN_CERTIFICATE_H
#define PPMLI_PLAN_CERTIFICATE_H

#include <math.h>

#include "../client/encrypt.h"
#include "../client/keygen.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../server/bootstrap.h"
#include "../server/evalkey.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "../wire/key_layout.h"
#include "../wire/output.h"
#include "layout_exact.h"
#include "layout_leveled.h"
#include "layout_rounded.h"
#include "leak.h"
#include "noise.h"
#include "path.h"
#include "security.h"

/* ----------------------------------------------------------------- contents */

/* Largest |z| of a layer that any input leads to, and that training hardly ever saw exceeded. */
PPMLI_STATIC void ppmli_certify_ranges(ppml_layer_certificate *out, const ppml_model *m,
                                       uint32_t l) {
  const ppml_layer *layer = &m->layer[l];
  for (uint32_t j = 0; j < layer->outputs; j++) {
    int64_t bound = l > 0 && ppmli_model_is_polynomial(m)
                        ? ppmli_leveled_bound(m, j)
                        : ppmli_layer_bound(layer, j, ppmli_layer_input_max(m, l));
    if (bound > out->accumulator_bound) out->accumulator_bound = bound;
    if (layer->peak && layer->peak[j] > out->accumulator_peak)
      out->accumulator_peak = layer->peak[j];
  }
}

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
PPMLI_STATIC void ppmli_certify_noise(ppml_layer_certificate *out, const ppml_circuit *c,
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
PPMLI_STATIC void ppmli_certify_exact_noise(ppml_layer_certificate *out, const ppml_circuit *c,
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
PPMLI_STATIC void ppmli_certify_leveled_noise(ppml_layer_certificate *out, const ppml_circuit *c,
                                              uint32_t l) {
  ppmli_leveled_noise worst;
  ppmli_leveled_predict_worst(&worst, c);
  out->dense_std = sqrt(l == 0 ? worst.h : worst.product);
  out->key_switch_std =
      sqrt(l == 0 ? ppmli_noise_automorphism(c->params) : ppmli_noise_relinearization(c->params));
  if (l > 0) out->rounding_std = sqrt(ppmli_noise_output_switch(c->params));
}

PPMLI_STATIC void ppmli_certify_bytes(ppml_certificate *out, const ppml_circuit *c) {
  const ppml_params *p = c->params;
  const ppml_spec *spec = &c->model.spec;
  out->eval_key_wire_bytes = PPMLI_CONTAINER_BYTES + ppmli_key_payload_bytes(p);
  out->input_wire_bytes =
      PPMLI_CONTAINER_BYTES + ppmli_input_payload_bytes(p, ppmli_input_blocks(p, spec));
  out->output_wire_bytes = PPMLI_CONTAINER_BYTES + ppmli_output_payload_bytes(p, 1, spec->outputs);
  out->eval_key_bytes = ppmli_eval_key_bytes(p, 1);
  out->infer_bytes = ppmli_infer_bytes(c, 1, 1);
  out->keygen_bytes = ppmli_eval_key_generate_bytes(p, 1);
  out->encrypt_bytes = ppmli_input_bytes(p, spec);
}

/* What answers tell, and what it costs to publish scores. */
PPMLI_STATIC void ppmli_certify_answers(ppml_certificate *out, const ppml_circuit *c,
                                        const ppml_noise *noise) {
  ppml_client client;
  ppmli_leak_client(&client, c, noise);
  out->score_noise = client.score_noise;
  out->answer_step = client.answer_step;
  out->publish = client.publish;
  out->renew_after = client.renew_after;
  out->answer_leak_bits = ppmli_leak_label_bits(&client, c, noise);
  out->probability_leak_bits = ppmli_leak_probability_bits(&client, c, noise);
  if (client.publish == 0) return;
  out->flooded_std = ppmli_leak_flooded_std(&client, noise->score);
  out->flooded_agreement = ppmli_leak_flooded_agreement(noise, out->flooded_std);
}

PPMLI_STATIC void ppmli_circuit_certificate(ppml_certificate *out, const ppml_circuit *c) {
  double before = 0;
  ppml_noise noise;
  memset(out, 0, sizeof *out);
  ppmli_predict_noise(&noise, c);
  out->agreement_wanted = c->agreement;
  out->agreement_predicted = 1 - noise.changed_answers;
  out->score_std = noise.score;
  ppmli_certify_answers(out, c, &noise);
  out->lwe_security_bits = ppmli_params_lwe_security_bits(c->params);
  out->glwe_security_bits = ppmli_params_glwe_security_bits(c->params);
  out->security_estimate = ppmli_security_estimate(c->params);
  out->bootstraps = ppmli_circuit_pbs_count(c);
  out->layer_count = c->model.layer_count;
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    ppmli_certify_ranges(&out->layer[l], &c->model, l);
    if (c->params->exact) {
      ppmli_certify_exact_noise(&out->layer[l], c, l, &noise);
      continue;
    }
    if (c->params->slots) {
      ppmli_certify_leveled_noise(&out->layer[l], c, l);
      continue;
    }
    ppmli_certify_noise(&out->layer[l], c, l, before);
    if (l + 1 < c->model.layer_count) before = ppmli_circuit_mean_variance(c, l, before);
  }
  uint64_t unit = ppmli_circuit_score_unit(c); /* 0 in what a writer was handed unchecked */
  out->score_room = unit ? (int64_t)(((uint64_t)INT64_MAX) / unit) : 0;
  ppmli_certify_bytes(out, c);
}

#endif
