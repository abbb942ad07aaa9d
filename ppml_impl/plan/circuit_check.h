/* Is a circuit what its file says?  The layout is the one that its set's planner makes, the
 * certificate is the one that follows from the circuit, and the promise is kept.  In: a circuit, or its
 * file; out: the file, or the circuit.  Next: certificate.h. */
#ifndef PPMLI_PLAN_CIRCUIT_CHECK_H
#define PPMLI_PLAN_CIRCUIT_CHECK_H

#include <math.h>

#include "../math/torus.h"
#include "../network/room.h"
#include "../server/fit.h"
#include "../wire/circuit_file.h"
#include "../wire/container.h"
#include "../wire/limits.h"
#include "certificate.h"
#include "leak.h"
#include "path.h"

/* ------------------------------------------------------------ certificate */

/* A certificate's copy in a file.  The same function goes through the fields to write the copy and to compare
 * it, so both have one order. */
typedef struct ppmli_certificate_copy {
  ppmli_out *out; /* NULL: compare */
  ppmli_in *in;
  int differs;
} ppmli_certificate_copy;

/* An integer that may differ by so much. */
PPMLI_STATIC void ppmli_certify_field(ppmli_certificate_copy *copy, int64_t value,
                                      int64_t tolerance) {
  if (copy->out) {
    ppmli_out_u64(copy->out, (uint64_t)value);
    return;
  }
  int64_t low = value - tolerance, got = ppmli_torus_signed(ppmli_in_u64(copy->in));
  if (got < low || got > value + tolerance) copy->differs = 1;
}

/* A count, which is the same on every machine. */
PPMLI_STATIC void ppmli_certify_count(ppmli_certificate_copy *copy, uint64_t value) {
  ppmli_certify_field(copy, (int64_t)value, 0);
}

/* A real number to so many parts; two of them for what one libm and another make of it. */
PPMLI_STATIC void ppmli_certify_real(ppmli_certificate_copy *copy, double value, double parts) {
  ppmli_certify_field(copy, (int64_t)floor(value * parts + 0.5), 2);
}

/* A standard deviation by its binary logarithm; 0 by the least there is. */
PPMLI_STATIC void ppmli_certify_std(ppmli_certificate_copy *copy, double std) {
  ppmli_certify_real(copy, std > 0 ? log2(std) : -1024, 65536);
}

PPMLI_STATIC void ppmli_certify_layer_fields(ppmli_certificate_copy *copy,
                                             const ppml_layer_certificate *layer) {
  ppmli_certify_count(copy, (uint64_t)layer->accumulator_bound);
  ppmli_certify_count(copy, (uint64_t)layer->accumulator_peak);
  ppmli_certify_std(copy, layer->dense_std);
  ppmli_certify_std(copy, layer->key_switch_std);
  ppmli_certify_std(copy, layer->rounding_std);
  ppmli_certify_std(copy, layer->bootstrap_std);
  ppmli_certify_std(copy, layer->relative_std);
  ppmli_certify_real(copy, layer->wrong_activation, PPMLI_SHARE_PARTS);
}

/* Not memory, which is the build's and not the circuit's: a reader tells its own. */
PPMLI_STATIC void ppmli_certify_fields(ppmli_certificate_copy *copy, const ppml_certificate *c) {
  ppmli_certify_real(copy, c->agreement_predicted, PPMLI_SHARE_PARTS);
  ppmli_certify_std(copy, c->score_std);
  ppmli_certify_count(copy, c->score_noise);
  ppmli_certify_count(copy, c->answer_step);
  ppmli_certify_real(copy, c->answer_leak_bits, PPMLI_SHARE_PARTS);
  ppmli_certify_real(copy, c->probability_leak_bits, PPMLI_SHARE_PARTS);
  ppmli_certify_count(copy, c->renew_after);
  ppmli_certify_real(copy, c->lwe_security_bits, 65536);
  ppmli_certify_real(copy, c->glwe_security_bits, 65536);
  ppmli_certify_count(copy, c->bootstraps);
  ppmli_certify_count(copy, c->eval_key_wire_bytes);
  ppmli_certify_count(copy, c->input_wire_bytes);
  ppmli_certify_count(copy, c->output_wire_bytes);
  for (uint32_t l = 0; l < c->layer_count; l++) ppmli_certify_layer_fields(copy, &c->layer[l]);
}

/* ------------------------------------------------------------------- file */

/*   certificate  the circuit's own
 * Errors: IO. */
PPMLI_STATIC int ppmli_circuit_put_file(const ppml_circuit *c, const ppml_certificate *certificate,
                                        ppml_writer *writer) {
  size_t bytes = ppmli_circuit_wire_bytes(c) +
                 ppmli_certificate_wire_bytes(ppmli_certificate_layers(&c->model));
  ppml_header h = {PPML_KIND_CIRCUIT, PPML_FORMAT_VERSION, c->params, bytes, {0}, {0}};
  ppmli_out out;
  ppmli_certificate_copy copy = {&out, NULL, 0};
  memcpy(h.circuit_id, c->id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_circuit_put(&out, c);
  ppmli_out_u32(&out, (uint32_t)(c->agreement * PPMLI_SHARE_PARTS + 0.5));
  ppmli_out_u32(&out, c->publish);
  ppmli_certify_fields(&copy, certificate);
  return ppmli_out_end(&out);
}

/* Errors: RANGE, for what is beyond a reader's limits or no valid circuit; IO. */
PPMLI_STATIC int ppmli_circuit_write(const ppml_circuit *c, ppml_writer *writer) {
  ppml_certificate certificate;
  if (!ppmli_circuit_fits(c, &ppmli_limits) || !ppmli_circuit_runs(c)) return PPML_ERR_RANGE;
  if (ppmli_planner_check(c) != PPML_OK) return PPML_ERR_RANGE;
  ppmli_circuit_certificate(&certificate, c);
  if (!ppmli_leak_may_publish(c, certificate.score_std)) return PPML_ERR_RANGE;
  return ppmli_circuit_put_file(c, &certificate, writer);
}

/* The promise and the budget come from the file, everything else is compared with what the circuit is; and
 * the circuit must keep the promise.  Errors: input bytes', CERTIFICATE, NOMEM, IO. */
PPMLI_STATIC int ppmli_circuit_read(ppml_circuit *c, ppml_reader *reader, const ppml_limits *limits,
                                    ppml_arena *arena) {
  ppmli_circuit_file file;
  ppml_certificate certificate;
  ppmli_certificate_copy copy = {NULL, &file.in, 0};
  PPMLI_TRY(ppmli_circuit_file_begin(&file, c, reader, limits, arena));
  if (ppmli_planner_check(c) != PPML_OK || !ppmli_circuit_fits(c, limits)) return PPML_ERR_RANGE;
  ppmli_circuit_certificate(&certificate, c);
  if (!ppmli_leak_may_publish(c, certificate.score_std)) return PPML_ERR_RANGE;
  ppmli_certify_fields(&copy, &certificate);
  PPMLI_TRY(ppmli_circuit_file_end(&file, c)); /* damage is told as damage, not as a lie */
  double grain = 2.0 / PPMLI_SHARE_PARTS;
  if (certificate.agreement_predicted < c->agreement - grain) return PPML_ERR_CERTIFICATE;
  return copy.differs ? PPML_ERR_CERTIFICATE : PPML_OK;
}

#endif
