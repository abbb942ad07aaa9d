/* What a circuit promises, computed from the circuit alone: ranges, noise, security, sizes.  A circuit's file
 * carries it (wire/circuit_file.h), and a reader that computes another one refuses the file.  In: a
 * circuit that is laid out; out: a ppml_certificate.  Next: circuit_check.h. */
#ifndef PPMLI_PLAN_CERTIFICATE_H
#define PPMLI_PLAN_CERTIFICATE_H

#include <math.h>

#include "../client/encrypt.h"
#include "../client/keygen.h"
#include "../math/params.h"
#include "../network/model.h"
#include "../network/pooled.h"
#include "../network/pooled_model.h"
#include "../network/room.h"
#include "../server/evalkey.h"
#include "../server/infer.h"
#include "../wire/circuit_file.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "../wire/key_layout.h"
#include "../wire/output.h"
#include "layout_leveled.h"
#include "layout_pooled.h"
#include "leak.h"
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
    if (l == 0 && ppmli_model_has_features(m)) {
      ppmli_pooled net = ppmli_model_pooled(m);
      bound += ppmli_pooled_bound(&net, j);
    }
    if (bound > out->accumulator_bound) out->accumulator_bound = bound;
    if (layer->peak && layer->peak[j] > out->accumulator_peak)
      out->accumulator_peak = layer->peak[j];
  }
}

PPMLI_STATIC void ppmli_certify_bytes(ppml_certificate *out, const ppml_circuit *c) {
  const ppml_params *p = c->params;
  const ppml_spec *spec = &c->model.spec;
  out->eval_key_wire_bytes = ppmli_key_wire_bytes(p);
  out->input_wire_bytes =
      PPMLI_CONTAINER_BYTES + ppmli_input_payload_bytes(p, ppmli_input_words(p, spec));
  out->output_wire_bytes = PPMLI_CONTAINER_BYTES + ppmli_output_payload_bytes(p, 1, spec->outputs);
  out->eval_key_bytes =
      ppmli_params_is_keyless(p) ? ppmli_eval_key_none_bytes(p) : ppmli_eval_key_bytes(p, 1);
  out->infer_bytes = ppmli_infer_bytes(c, 1, 1);
  out->keygen_bytes = ppmli_params_is_keyless(p) ? 0 : ppmli_eval_key_generate_bytes(p, 1);
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
  ppml_noise noise;
  memset(out, 0, sizeof *out);
  ppmli_planner_noise(&noise, c);
  out->agreement_wanted = c->agreement;
  out->agreement_predicted = 1 - noise.changed_answers;
  out->score_std = noise.score;
  ppmli_certify_answers(out, c, &noise);
  out->lwe_security_bits = ppmli_params_lwe_security_bits(c->params);
  out->glwe_security_bits = ppmli_params_glwe_security_bits(c->params);
  out->security_estimate = ppmli_security_estimate(c->params);
  out->bootstraps = ppmli_planner_bootstraps(c);
  out->layer_count = ppmli_certificate_layers(&c->model);
  for (uint32_t l = 0; l < c->model.layer_count; l++)
    ppmli_certify_ranges(&out->layer[l], &c->model, l);
  ppmli_planner_certify(out->layer, c, &noise);
  uint64_t unit = ppmli_circuit_score_unit(c); /* 0 in what a writer was handed unchecked */
  out->score_room = unit ? (int64_t)(((uint64_t)INT64_MAX) / unit) : 0;
  ppmli_certify_bytes(out, c);
}

#endif
