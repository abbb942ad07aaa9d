/* Is a circuit within a reader's limits?  Asked by the reader of its file, by the writer,
 * and by compile, so that what is made can be read.  In: a circuit and limits; out: yes or no. Next:
 * plan/choose.h, plan/circuit_check.h. */
#ifndef PPMLI_SERVER_FIT_H
#define PPMLI_SERVER_FIT_H

#include "../wire/circuit_file.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "../wire/model_file.h"
#include "../wire/output.h"
#include "infer.h"
#include "path.h"

/* Memory that one image takes, as ppmli_infer_bytes has it, in 64 bits on any machine: of a leveled
 * set it grows with scores times pixels. */
PPMLI_STATIC uint64_t ppmli_fit_infer_bytes(const ppml_circuit *c) {
  uint64_t weights = ppmli_server_weight_doubles(c) * sizeof(double);
  if (weights > UINT32_MAX) return weights;
  return ppmli_infer_bytes(c, 1, 1);
}

/* An image and its scores are containers too, which the other side must read. */
PPMLI_STATIC int ppmli_circuit_fits(const ppml_circuit *c, const ppml_limits *limits) {
  const ppml_params *p = c->params;
  if (!ppmli_model_fits(&c->model, limits)) return 0;
  if (!ppmli_input_fits(p, ppmli_input_words(p, &c->model.spec), limits)) return 0;
  if (ppmli_output_payload_bytes(p, 1, c->model.spec.outputs) > limits->payload_bytes) return 0;
  return ppmli_fit_infer_bytes(c) <= limits->infer_bytes;
}

/* Reads a circuit whose certificate is taken on trust: what keeps a server safe is checked, what it
 * was promised is not.  Errors: input bytes', NOMEM, IO. */
PPMLI_STATIC int ppmli_circuit_read_trusted(ppml_circuit *c, ppml_reader *reader,
                                            const ppml_limits *limits, ppml_arena *arena) {
  ppmli_circuit_file file;
  PPMLI_TRY(ppmli_circuit_file_begin(&file, c, reader, limits, arena));
  if (!ppmli_circuit_fits(c, limits)) return PPML_ERR_RANGE;
  for (size_t i = PPMLI_CERTIFICATE_PROMISE_BYTES;
       i < ppmli_certificate_wire_bytes(ppmli_certificate_layers(&c->model)); i += 8)
    (void)ppmli_in_u64(&file.in);
  return ppmli_circuit_file_end(&file, c);
}

#endif
