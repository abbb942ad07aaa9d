/* Is a circuit what its file says?  The layout is the one that its set's planner makes, the
 * certificate is the one that follows from the circuit, and the promise is kept. */
#ifndef PPMLI_PLAN_CIRCUIT_CHECK_H
#define PPMLI_PLAN_CIRCUIT_CHECK_H

#include "../network/room.h"
#include "../server/fit.h"
#include "../wire/circuit_file.h"
#include "../wire/limits.h"
#include "certificate.h"
#include "path.h"

/* Errors: RANGE, for what is beyond a reader's limits or no valid circuit; IO. */
PPMLI_STATIC int ppmli_circuit_write(const ppml_circuit *c, ppml_writer *writer) {
  const ppml_limits limits = ppmli_limits_default();
  ppml_certificate certificate;
  if (!ppmli_circuit_fits(c, &limits) || !ppmli_circuit_runs(c)) return PPML_ERR_RANGE;
  if (ppmli_planner_check(c) != PPML_OK) return PPML_ERR_RANGE;
  ppmli_circuit_certificate(&certificate, c);
  return ppmli_circuit_file_write(c, &certificate, writer);
}

/* The promise and the budget come from the file, everything else is compared with what the circuit is; and
 * the circuit must keep the promise.  Errors: input bytes', CERTIFICATE, NOMEM, IO. */
PPMLI_STATIC int ppmli_circuit_read(ppml_circuit *c, ppml_reader *reader, const ppml_limits *limits,
                                    ppml_arena *arena) {
  ppmli_circuit_file file;
  ppml_certificate certificate;
  int differs = 0;
  PPMLI_TRY(ppmli_circuit_file_begin(&file, c, reader, limits, arena));
  if (ppmli_planner_check(c) != PPML_OK || !ppmli_circuit_fits(c, limits)) return PPML_ERR_RANGE;
  ppmli_circuit_certificate(&certificate, c);
  PPMLI_TRY(ppmli_circuit_file_end(&differs, &file, c, &certificate));
  double grain = 2.0 / PPMLI_SHARE_PARTS;
  if (certificate.agreement_predicted < c->agreement - grain) return PPML_ERR_CERTIFICATE;
  return differs ? PPML_ERR_CERTIFICATE : PPML_OK;
}

#endif
