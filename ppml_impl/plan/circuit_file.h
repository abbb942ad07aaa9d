/* The file of a circuit: the model, how it is laid out on the torus, and the certificate of what was
 * promised.  A reader recomputes all that the certificate says and refuses a file that promises
 * what its circuit does not keep. */
#ifndef PPMLI_PLAN_CIRCUIT_FILE_H
#define PPMLI_PLAN_CIRCUIT_FILE_H

#include <math.h>

#include "../base/digest.h"
#include "../math/torus.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../wire/container.h"
#include "../wire/limits.h"
#include "../wire/model_file.h"
#include "certificate.h"
#include "fit.h"
#include "layout_exact.h"
#include "layout_leveled.h"

/* -------------------------------------------------------------- circuit */

PPMLI_STATIC size_t ppmli_circuit_wire_bytes(const ppml_circuit *c) {
  size_t bytes = ppmli_model_wire_bytes(&c->model);
  for (uint32_t l = 0; l < c->model.layer_count; l++) bytes += 8 + 4 * c->model.layer[l].outputs;
  return bytes;
}

PPMLI_STATIC void ppmli_circuit_put(ppmli_out *out, const ppml_circuit *c) {
  ppmli_model_put(out, &c->model);
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    ppmli_out_u64(out, c->unit[l]);
    ppmli_out_i32s(out, c->gain[l], c->model.layer[l].outputs);
  }
}

/* Digest of the parameter set and of the payload. */
PPMLI_STATIC void ppmli_circuit_set_id(ppml_circuit *c) {
  ppmli_out out;
  uint8_t params[PPML_ID_BYTES];
  ppmli_params_digest(params, c->params);
  ppmli_out_begin_digest(&out);
  ppmli_out_bytes(&out, params, sizeof params);
  ppmli_circuit_put(&out, c);
  ppmli_digest_final(&out.digest, c->id);
}

/* The client decodes all scores by the gain of the first. */
PPMLI_STATIC int ppmli_circuit_has_one_score_gain(const ppml_circuit *c) {
  uint32_t last = c->model.layer_count - 1;
  for (uint32_t s = 1; s < c->model.layer[last].outputs; s++)
    if (c->gain[last][s] != c->gain[last][0]) return 0;
  return 1;
}

/* Units and gains, beside a model that is valid. */
PPMLI_STATIC int ppmli_circuit_is_valid(const ppml_circuit *c) {
  int is_leveled = c->params->slots != 0; /* ppmli_leveled_check looks at all of such a one */
  if (is_leveled != ppmli_model_is_polynomial(&c->model)) return 0;
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    if (c->unit[l] == 0 || c->unit[l] > PPMLI_TORUS_HALF) return 0;
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) {
      if (c->gain[l][j] < 1 || c->gain[l][j] > PPMLI_GAIN_MAX) return 0;
      if (!is_leveled &&
          ppmli_layer_capacity(&c->model, l, j) / (uint64_t)c->gain[l][j] < c->unit[l])
        return 0;
    }
  }
  if (!ppmli_circuit_has_one_score_gain(c)) return 0;
  if (is_leveled) return ppmli_leveled_check(c) == PPML_OK;
  if (c->unit[0] != ppmli_circuit_input_unit(c->params, &c->model.spec)) return 0;
  return !c->params->exact || ppmli_exact_check(c) == PPML_OK;
}

PPMLI_STATIC int ppmli_circuit_get(ppml_circuit *c, ppmli_in *in, const ppml_params *params,
                                   const ppml_limits *limits, ppml_arena *arena) {
  memset(c, 0, sizeof *c);
  c->params = params;
  PPMLI_TRY(ppmli_model_get(&c->model, in, limits, arena));
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    c->unit[l] = ppmli_in_u64(in);
    PPMLI_TRY(ppmli_layer_get_i32s(&c->gain[l], in, c->model.layer[l].outputs, arena));
  }
  if (!ppmli_circuit_is_valid(c)) return PPML_ERR_RANGE;
  ppmli_circuit_set_id(c);
  return PPML_OK;
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
