/* The public functions of planning: compilation, what is predicted and certified of a circuit,
 * simulation.  Next: train.h.  In: a model and options; out: a circuit, its client spec and certificate,
 * or the reason why there is none. */
#ifndef PPMLI_API_PLAN_H
#define PPMLI_API_PLAN_H

#include <math.h>

#include "../base/rng.h"
#include "../network/room.h"
#include "../network/windows.h"
#include "../plan/certificate.h"
#include "../plan/choose.h"
#include "../plan/circuit_check.h"
#include "../plan/decide.h"
#include "../plan/layout_exact.h"
#include "../plan/layout_leveled.h"
#include "../plan/outlook.h"
#include "../plan/path.h"
#include "../plan/refusal.h"
#include "../plan/security.h"
#include "../plan/simulate.h"
#include "call.h"
#include "whole.h"

PPML_API double ppml_params_security_bits(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_params_security_bits(params) : 0;
}

/* ------------------------------------------------------------------ circuit */

PPML_API ppml_compile_options ppml_compile_options_default(const ppml_spec *spec) {
  ppml_spec none;
  if (ppmli_spec_is_whole(spec)) return ppmli_compile_options_default(spec);
  memset(&none, 0, sizeof none);
  return ppmli_compile_options_default(&none);
}

PPML_API ppml_compile_options ppml_compile_options_for(const ppml_params *params) {
  const ppml_compile_options options = {params, 0, 0, 0};
  return options;
}

PPML_API size_t ppml_decide_bytes(const ppml_model *model) {
  return ppmli_model_is_whole(model) ? ppmli_decide_bytes(model) : 0;
}

PPML_API int ppml_decide(ppml_model *decided, const ppml_model *model, const char **reason,
                         ppml_arena *arena) {
  const char *unread;
  if (!decided || !ppmli_model_is_whole(model)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, decided, sizeof *decided);
  return ppmli_call_end(&call, ppmli_decide(decided, model, reason ? reason : &unread, arena));
}

PPML_API size_t ppml_compile_bytes(const ppml_model *model) {
  return ppmli_model_is_whole(model) ? ppmli_compile_bytes(model) : 0;
}

PPML_API int ppml_compile(ppml_circuit *circuit, const ppml_model *model,
                          const ppml_compile_options *options, ppml_refusal *refusal,
                          ppml_arena *arena) {
  ppml_refusal unread;
  if (!circuit || !model || !options) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  if (!options->params && !options->automatic) return PPML_ERR_NAME;
  if (options->params && !ppmli_params_is_whole(options->params)) return PPML_ERR_PARAMS;
  ppmli_call call = ppmli_call_begin(arena, circuit, sizeof *circuit);
  if (refusal == NULL) refusal = &unread;
  int error = ppmli_compile(circuit, model, options, refusal, arena);
  if (error == PPML_ERR_PARAMS) refusal->reason = ppmli_refusal_reason(refusal, model, options);
  return ppmli_call_end(&call, error);
}

PPML_API int ppml_circuit_write(const ppml_circuit *circuit, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_circuit_write, circuit, ppmli_circuit_is_whole);
}

PPML_API void ppml_client_from_circuit(ppml_client *client, const ppml_circuit *circuit) {
  if (client == NULL) return;
  if (ppmli_circuit_is_whole(circuit)) ppmli_client_from_circuit(client, circuit);
  else memset(client, 0, sizeof *client);
}

PPML_API const char *ppml_exact_refusal(const ppml_model *model) {
  if (!model || !ppmli_model_is_valid(model)) return "not a valid network";
  if (ppmli_model_is_pooled(model)) return "pooled networks have sets of their own";
  return ppmli_exact_refusal(model);
}

PPML_API const char *ppml_leveled_refusal(const ppml_model *model) {
  if (!model || !ppmli_model_is_valid(model)) return "not a valid network";
  if (!ppmli_model_is_polynomial(model)) return "its activations are no polynomials";
  return ppmli_leveled_refusal(model);
}

PPML_API double ppml_circuit_failure_log2(const ppml_circuit *circuit) {
  const double least = 1e-300; /* below that a double says nothing */
  if (!ppmli_circuit_is_whole(circuit)) return 0;
  double failure = ppmli_planner_failure(circuit);
  return log2(failure > least ? failure : least);
}

PPML_API size_t ppml_circuit_pbs_count(const ppml_circuit *circuit) {
  return ppmli_circuit_is_whole(circuit) ? ppmli_planner_bootstraps(circuit) : 0;
}

PPML_API size_t ppml_circuit_pbs_rounds(const ppml_circuit *circuit) {
  return ppmli_circuit_is_whole(circuit) ? ppmli_planner_rounds(circuit) : 0;
}

PPML_API void ppml_circuit_noise(ppml_noise *noise, const ppml_circuit *circuit) {
  if (noise == NULL) return;
  if (ppmli_circuit_is_whole(circuit)) ppmli_planner_noise(noise, circuit);
  else memset(noise, 0, sizeof *noise);
}

PPML_API void ppml_circuit_certificate(ppml_certificate *certificate, const ppml_circuit *circuit) {
  if (certificate == NULL) return;
  if (ppmli_circuit_is_whole(circuit)) ppmli_circuit_certificate(certificate, circuit);
  else memset(certificate, 0, sizeof *certificate);
}

PPML_API int32_t ppml_circuit_score_peak(const ppml_circuit *circuit, uint32_t output) {
  if (!ppmli_circuit_is_whole(circuit) || output >= circuit->model.spec.outputs) return INT32_MAX;
  return ppmli_circuit_score_peak(circuit, output);
}

/* --------------------------------------------------------------- simulation */

PPML_API size_t ppml_simulate_bytes(const ppml_model *model) {
  return ppmli_model_is_whole(model) ? ppmli_simulate_bytes(model) : 0;
}

PPML_API int ppml_simulate(int32_t *scores, const ppml_circuit *circuit, const uint8_t *pixels,
                           size_t draws, ppml_rng *rng, ppml_arena *arena) {
  if (!scores || !pixels || !rng || draws > SIZE_MAX / sizeof *scores / PPML_CLASSES_MAX)
    return PPML_ERR_ARG;
  if (!ppmli_circuit_is_whole(circuit)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call =
      ppmli_call_begin(arena, scores, draws * circuit->model.spec.outputs * sizeof *scores);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_planner_simulate(scores, circuit, pixels, draws, rng, arena);
  return ppmli_call_end(&call, error);
}

PPML_API void ppml_expectation_draw(ppml_expectation *expectation, double value) {
  if (expectation) ppmli_expectation_draw(expectation, value);
}

PPML_API void ppml_expectation_next(ppml_expectation *expectation) {
  if (expectation && expectation->draws) ppmli_expectation_next(expectation);
}

PPML_API ppml_interval ppml_expectation_interval(const ppml_expectation *expectation, double unit,
                                                 double slack, double confidence) {
  const ppml_interval none = {0, 0, 0};
  return expectation ? ppmli_expectation_interval(expectation, unit, slack, confidence) : none;
}

PPML_API void ppml_outlook_add(ppml_outlook *outlook, const ppml_spec *spec, const int32_t *clear,
                               const int32_t *scores, size_t draws) {
  if (!outlook || !ppmli_spec_is_whole(spec) || !clear || !scores || !draws) return;
  ppmli_outlook_add(outlook, spec, clear, scores, draws);
}

PPML_API ppml_interval ppml_outlook_agreement(const ppml_outlook *outlook, double confidence) {
  const ppml_interval none = {0, 0, 0};
  if (!outlook || !outlook->changed.images) return none;
  return ppmli_outlook_agreement(outlook, confidence);
}

PPML_API ppml_interval ppml_outlook_score_error(const ppml_outlook *outlook, double confidence) {
  const ppml_interval none = {0, 0, 0};
  if (!outlook || !outlook->scores) return none;
  return ppmli_outlook_score_error(outlook, confidence);
}

#endif
