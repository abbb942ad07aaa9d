/* The file of a circuit: the model, how it is laid out on the torus, and the certificate of what was
 * promised.  A reader that has the planner recomputes all that the certificate says
 * (plan/circuit_check.h); a server that has none takes it on trust, and checks only that the circuit
 * can be run.  In and out: a ppml_circuit.  Next: plan/circuit_check.h. */
#ifndef PPMLI_WIRE_CIRCUIT_FILE_H
#define PPMLI_WIRE_CIRCUIT_FILE_H

#include "../base/digest.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "../network/gates.h"
#include "../network/model.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/pooled_model.h"
#include "../network/room.h"
#include "../network/windows.h"
#include "container.h"
#include "model_file.h"

/* ---------------------------------------------------------------- circuit */

PPMLI_STATIC size_t ppmli_circuit_wire_bytes(const ppml_circuit *c) {
  size_t bytes = ppmli_model_wire_bytes(&c->model);
  if (ppmli_model_is_pooled(&c->model)) bytes += 8;
  for (uint32_t l = 0; l < c->model.layer_count; l++) bytes += 8 + 4 * c->model.layer[l].outputs;
  return bytes;
}

PPMLI_STATIC void ppmli_circuit_put(ppmli_out *out, const ppml_circuit *c) {
  ppmli_model_put(out, &c->model);
  if (ppmli_model_is_pooled(&c->model)) ppmli_out_u64(out, c->unit[0]);
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

/* The same of a pooled network: has its set room, and are its scores whole multiples of the unit? */
PPMLI_STATIC int ppmli_circuit_runs_pooled(const ppml_circuit *c) {
  ppmli_pooled net = ppmli_model_pooled(&c->model);
  ppmli_pooled_layout l;
  if (ppmli_pooled_shape_refusal(&net.shape) != NULL) return 0;
  ppmli_pooled_layout_of(&l, &net);
  return l.modulus_log2 <= PPMLI_TENSOR_MODULUS_LOG2_MAX && c->unit[0] == ppmli_pooled_unit(&l) &&
         ppmli_pooled_set_holds(c->params, l.depth);
}

/* The same of layers behind a pooled network: has its set room, do features stand where clients put them,
 * and do those that are gated fit? */
PPMLI_STATIC int ppmli_circuit_runs_bridged(const ppml_circuit *c) {
  ppmli_pooled net = ppmli_model_pooled(&c->model);
  ppmli_pooled_layout l;
  if (ppmli_pooled_shape_refusal(&net.shape) != NULL) return 0;
  ppmli_pooled_lay_out(&l, &net.shape);
  return ppmli_pooled_set_holds(c->params, l.depth) && ppmli_gates_fit(&c->model) &&
         c->unit[0] == ppmli_circuit_input_unit(c->params, &c->model.spec);
}

/* Can a server run the circuit, whatever comes of it?  Beside a model that is valid. */
PPMLI_STATIC int ppmli_circuit_runs(const ppml_circuit *c) {
  const ppml_params *p = c->params;
  if (!ppmli_model_suits(&c->model, p)) return 0;
  if (ppmli_model_is_pooled(&c->model)) return ppmli_circuit_runs_pooled(c);
  if (ppmli_model_has_features(&c->model) && !ppmli_circuit_runs_bridged(c)) return 0;
  if (ppmli_params_has_products(p) && c->model.layer[0].outputs > p->slots) return 0;
  if (ppmli_params_is_noiseless(p) && ppmli_exact_refusal(&c->model) != NULL) return 0;
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    if (c->unit[l] == 0 || c->unit[l] > PPMLI_TORUS_HALF) return 0;
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++)
      if (c->gain[l][j] < 1 || c->gain[l][j] > PPMLI_GAIN_MAX ||
          c->unit[l] > PPMLI_TORUS_HALF / (uint64_t)c->gain[l][j])
        return 0;
  }
  return ppmli_circuit_has_one_score_gain(c);
}

PPMLI_STATIC int ppmli_circuit_get(ppml_circuit *c, ppmli_in *in, const ppml_params *params,
                                   const ppml_limits *limits, ppml_arena *arena) {
  memset(c, 0, sizeof *c);
  c->params = params;
  PPMLI_TRY(ppmli_model_get(&c->model, in, limits, arena));
  if (ppmli_model_is_pooled(&c->model)) c->unit[0] = ppmli_in_u64(in);
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    c->unit[l] = ppmli_in_u64(in);
    PPMLI_TRY(ppmli_layer_get_i32s(&c->gain[l], in, c->model.layer[l].outputs, arena));
  }
  if (!ppmli_circuit_runs(c)) return PPML_ERR_RANGE;
  ppmli_circuit_set_id(c);
  return PPML_OK;
}

/* ------------------------------------------------------------------- file */

#define PPMLI_CERTIFICATE_PROMISE_BYTES 8 /* what ppmli_circuit_file_begin reads of it */

/* Layers that a certificate tells of; a pooled network is one. */
PPMLI_INLINE uint32_t ppmli_certificate_layers(const ppml_model *m) {
  return ppmli_model_is_pooled(m) ? 1 : m->layer_count;
}

PPMLI_INLINE size_t ppmli_certificate_wire_bytes(uint32_t layers) {
  return PPMLI_CERTIFICATE_PROMISE_BYTES + 8 * (13 + 8 * (size_t)layers);
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

/* Reads the end, behind the certificate.  Errors: input bytes', IO. */
PPMLI_STATIC int ppmli_circuit_file_end(ppmli_circuit_file *file, const ppml_circuit *c) {
  if (file->in.error) return file->in.error;
  PPMLI_TRY(ppmli_in_end(&file->in));
  return memcmp(c->id, file->header.circuit_id, PPML_ID_BYTES) ? PPML_ERR_FORMAT : PPML_OK;
}

#endif
