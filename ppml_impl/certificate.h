/* Layer 8: what a circuit promises, recomputed from the circuit alone, and the circuit's file,
 * which carries it.  A reader recomputes the certificate too, so a file can claim nothing that
 * its weights, scales and parameters do not bear out.  docs/FORMAT.md "Certificate". */
#ifndef PPMLI_CERTIFICATE_H
#define PPMLI_CERTIFICATE_H

#include "fit.h"
#include "infer.h"
#include "keygen.h"
#include "model.h"

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
  if (p->slots) return PPMLI_SECURITY_ESTIMATE_LEVELED;
  return p->key_block_ones ? PPMLI_SECURITY_ESTIMATE_BLOCKS : PPMLI_SECURITY_ESTIMATE;
}

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

/* --------------------------------------------------------------------- file */

/* One walk over a certificate's fields both writes them and compares them with a file's. */
typedef struct ppmli_certify_walk {
  ppmli_out *out; /* NULL: compare */
  ppmli_in *in;
  int differs;
} ppmli_certify_walk;

/* An integer that may differ by so much. */
PPMLI_STATIC void ppmli_certify_field(ppmli_certify_walk *walk, int64_t value, int64_t tolerance) {
  if (walk->out) {
    ppmli_out_u64(walk->out, (uint64_t)value);
    return;
  }
  int64_t low = value - tolerance, got = ppmli_torus_signed(ppmli_in_u64(walk->in));
  if (got < low || got > value + tolerance) walk->differs = 1;
}

/* A count, which is the same on every machine. */
PPMLI_STATIC void ppmli_certify_count(ppmli_certify_walk *walk, uint64_t value) {
  ppmli_certify_field(walk, (int64_t)value, 0);
}

/* A real number to so many parts; two of them for what one libm and another make of it. */
PPMLI_STATIC void ppmli_certify_real(ppmli_certify_walk *walk, double value, double parts) {
  ppmli_certify_field(walk, (int64_t)floor(value * parts + 0.5), 2);
}

/* A standard deviation by its binary logarithm; 0 by the least there is. */
PPMLI_STATIC void ppmli_certify_std(ppmli_certify_walk *walk, double std) {
  ppmli_certify_real(walk, std > 0 ? log2(std) : -1024, 65536);
}

PPMLI_STATIC void ppmli_certify_layer_fields(ppmli_certify_walk *walk,
                                             const ppml_layer_certificate *layer) {
  ppmli_certify_count(walk, (uint64_t)layer->accumulator_bound);
  ppmli_certify_count(walk, (uint64_t)layer->accumulator_peak);
  ppmli_certify_std(walk, layer->dense_std);
  ppmli_certify_std(walk, layer->key_switch_std);
  ppmli_certify_std(walk, layer->rounding_std);
  ppmli_certify_std(walk, layer->bootstrap_std);
  ppmli_certify_std(walk, layer->relative_std);
  ppmli_certify_real(walk, layer->wrong_activation, PPMLI_SHARE_PARTS);
}

/* Not memory, which is the build's and not the circuit's: a reader tells its own. */
PPMLI_STATIC void ppmli_certify_fields(ppmli_certify_walk *walk, const ppml_certificate *c) {
  ppmli_certify_real(walk, c->agreement_predicted, PPMLI_SHARE_PARTS);
  ppmli_certify_std(walk, c->score_std);
  ppmli_certify_count(walk, c->score_noise);
  ppmli_certify_count(walk, c->answer_step);
  ppmli_certify_real(walk, c->answer_leak_bits, PPMLI_SHARE_PARTS);
  ppmli_certify_real(walk, c->probability_leak_bits, PPMLI_SHARE_PARTS);
  ppmli_certify_count(walk, c->renew_after);
  ppmli_certify_real(walk, c->lwe_security_bits, 65536);
  ppmli_certify_real(walk, c->glwe_security_bits, 65536);
  ppmli_certify_count(walk, c->bootstraps);
  ppmli_certify_count(walk, c->eval_key_wire_bytes);
  ppmli_certify_count(walk, c->input_wire_bytes);
  ppmli_certify_count(walk, c->output_wire_bytes);
  for (uint32_t l = 0; l < c->layer_count; l++) ppmli_certify_layer_fields(walk, &c->layer[l]);
}

PPMLI_INLINE size_t ppmli_certificate_wire_bytes(uint32_t layers) {
  return 8 + 8 * (13 + 8 * (size_t)layers);
}

PPMLI_STATIC void ppmli_certificate_put(ppmli_out *out, const ppml_circuit *c) {
  ppml_certificate certificate;
  ppmli_certify_walk walk = {out, NULL, 0};
  ppmli_circuit_certificate(&certificate, c);
  ppmli_out_u32(out, (uint32_t)(c->agreement * PPMLI_SHARE_PARTS + 0.5));
  ppmli_out_u32(out, c->publish);
  ppmli_certify_fields(&walk, &certificate);
}

/* The promise and the budget come from the file, everything else is compared with what the circuit is; and
 * the circuit must keep the promise.  Errors: input bytes', CERTIFICATE. */
PPMLI_STATIC int ppmli_certificate_get(ppml_circuit *c, ppmli_in *in) {
  ppml_certificate certificate;
  ppmli_certify_walk walk = {NULL, in, 0};
  uint32_t promise = ppmli_in_u32(in);
  c->publish = ppmli_in_u32(in);
  if (promise > PPMLI_SHARE_PARTS || c->publish > PPML_PUBLISH_MAX) return PPML_ERR_RANGE;
  c->agreement = promise / (double)PPMLI_SHARE_PARTS;
  ppmli_circuit_certificate(&certificate, c);
  ppmli_certify_fields(&walk, &certificate);
  if (in->error) return in->error;
  double grain = 2.0 / PPMLI_SHARE_PARTS;
  if (certificate.agreement_predicted < c->agreement - grain) return PPML_ERR_CERTIFICATE;
  return walk.differs ? PPML_ERR_CERTIFICATE : PPML_OK;
}

PPMLI_STATIC int ppmli_circuit_write(const ppml_circuit *c, ppml_writer *writer) {
  size_t bytes = ppmli_circuit_wire_bytes(c) + ppmli_certificate_wire_bytes(c->model.layer_count);
  ppml_header h = {PPML_KIND_CIRCUIT, PPML_FORMAT_VERSION, c->params, bytes, {0}, {0}};
  const ppml_limits limits = ppmli_limits_default();
  ppmli_out out;
  if (!ppmli_circuit_fits(c, &limits) || !ppmli_circuit_is_valid(c)) return PPML_ERR_RANGE;
  memcpy(h.circuit_id, c->id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_circuit_put(&out, c);
  ppmli_certificate_put(&out, c);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_circuit_read(ppml_circuit *c, ppml_reader *reader, const ppml_limits *limits,
                                    ppml_arena *arena) {
  ppmli_in in;
  ppml_header h;
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_CIRCUIT, reader, limits));
  PPMLI_TRY(ppmli_circuit_get(c, &in, h.params, limits, arena));
  if (!ppmli_circuit_fits(c, limits)) return PPML_ERR_RANGE;
  int certified = ppmli_certificate_get(c, &in);
  if (certified != PPML_OK && certified != PPML_ERR_CERTIFICATE) return certified;
  PPMLI_TRY(ppmli_in_end(&in)); /* damage is told as damage, not as a lie */
  if (memcmp(c->id, h.circuit_id, PPML_ID_BYTES) != 0) return PPML_ERR_FORMAT;
  return certified;
}

#endif
