/* The file of a circuit: the model, how it is laid out on the torus, and the certificate of what was
 * promised.  A reader that has the planner recomputes all that the certificate says
 * (plan/circuit_check.h); a server that has none takes it on trust, and checks only that the circuit
 * can be run. */
#ifndef PPMLI_WIRE_CIRCUIT_FILE_H
#define PPMLI_WIRE_CIRCUIT_FILE_H

#include <math.h>

#include "../base/digest.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/windows.h"
#include "container.h"
#include "model_file.h"

/* ---------------------------------------------------------------- circuit */

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

/* Can a server run the circuit, whatever comes of it?  Beside a model that is valid. */
PPMLI_STATIC int ppmli_circuit_runs(const ppml_circuit *c) {
  const ppml_params *p = c->params;
  if (ppmli_params_has_products(p) != ppmli_model_is_polynomial(&c->model)) return 0;
  if (ppmli_params_has_products(p) && c->model.layer[0].outputs > p->slots) return 0;
  if (ppmli_params_is_noiseless(p) && ppmli_exact_refusal(&c->model) != NULL) return 0;
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    if (c->unit[l] == 0 || c->unit[l] > PPMLI_TORUS_HALF) return 0;
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++)
      if (c->gain[l][j] < 1 || c->gain[l][j] > PPMLI_GAIN_MAX) return 0;
  }
  return ppmli_circuit_has_one_score_gain(c);
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
  if (!ppmli_circuit_runs(c)) return PPML_ERR_RANGE;
  ppmli_circuit_set_id(c);
  return PPML_OK;
}

/* ------------------------------------------------------------ certificate */

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

/* ------------------------------------------------------------------- file */

/*   certificate  the circuit's own
 * Errors: IO. */
PPMLI_STATIC int ppmli_circuit_file_write(const ppml_circuit *c,
                                          const ppml_certificate *certificate,
                                          ppml_writer *writer) {
  size_t bytes = ppmli_circuit_wire_bytes(c) + ppmli_certificate_wire_bytes(c->model.layer_count);
  ppml_header h = {PPML_KIND_CIRCUIT, PPML_FORMAT_VERSION, c->params, bytes, {0}, {0}};
  ppmli_out out;
  ppmli_certify_walk walk = {&out, NULL, 0};
  memcpy(h.circuit_id, c->id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_circuit_put(&out, c);
  ppmli_out_u32(&out, (uint32_t)(c->agreement * PPMLI_SHARE_PARTS + 0.5));
  ppmli_out_u32(&out, c->publish);
  ppmli_certify_fields(&walk, certificate);
  return ppmli_out_end(&out);
}

/* A file that is being read, between its circuit and its certificate. */
typedef struct ppmli_circuit_file {
  ppmli_in in;
  ppml_header header;
} ppmli_circuit_file;

/* Reads the circuit, with the agreement it promises and the scores that may be published.
 * Errors: input bytes', NOMEM, IO. */
PPMLI_STATIC int ppmli_circuit_file_begin(ppmli_circuit_file *file, ppml_circuit *c,
                                          ppml_reader *reader, const ppml_limits *limits,
                                          ppml_arena *arena) {
  ppmli_in *in = &file->in;
  PPMLI_TRY(ppmli_in_begin_kind(in, &file->header, PPML_KIND_CIRCUIT, reader, limits));
  PPMLI_TRY(ppmli_circuit_get(c, in, file->header.params, limits, arena));
  uint32_t promise = ppmli_in_u32(in);
  c->publish = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (promise > PPMLI_SHARE_PARTS || c->publish > PPML_PUBLISH_MAX) return PPML_ERR_RANGE;
  c->agreement = promise / (double)PPMLI_SHARE_PARTS;
  return PPML_OK;
}

/* Reads the certificate and the end.
 *   certificate  the one that the file must have; or one whose layer_count alone counts
 *   differs      out: 1 where the file has another one
 * Errors: input bytes', IO. */
PPMLI_STATIC int ppmli_circuit_file_end(int *differs, ppmli_circuit_file *file,
                                        const ppml_circuit *c,
                                        const ppml_certificate *certificate) {
  ppmli_certify_walk walk = {NULL, &file->in, 0};
  ppmli_certify_fields(&walk, certificate);
  if (file->in.error) return file->in.error;
  PPMLI_TRY(ppmli_in_end(&file->in)); /* damage is told as damage, not as a lie */
  if (memcmp(c->id, file->header.circuit_id, PPML_ID_BYTES) != 0) return PPML_ERR_FORMAT;
  *differs = walk.differs;
  return PPML_OK;
}

#endif
