/* The public functions of a server: circuits and evaluation keys that are read, inference.
 * Next: plan.h.  In: files of circuits, keys and images; out: encrypted scores. */
#ifndef PPMLI_API_SERVER_H
#define PPMLI_API_SERVER_H

#include "../math/fft.h"
#include "../math/fft/backend.h"
#include "../server/evalkey.h"
#include "../server/infer.h"
#include "../server/path.h"
#include "../server/steps.h"
#include "../wire/input.h"
#include "../wire/output.h"
#include "call.h"
#include "whole.h"
#ifdef PPML_NO_PLAN
#include "../server/fit.h"
#else
#include "../plan/circuit_check.h"
#endif

PPMLI_STATIC int ppmli_eval_key_is_whole(const ppml_eval_key *key) {
  return key && ppmli_params_is_whole(key->params) && key->fft &&
         (key->stream || ppmli_params_is_keyless(key->params) ||
          (key->bootstrap_key && key->key_switch_key));
}

PPML_API int ppml_circuit_read(ppml_circuit *circuit, ppml_reader *reader,
                               const ppml_limits *limits, ppml_arena *arena) {
#ifdef PPML_NO_PLAN /* nothing to compute its certificate anew with */
  PPMLI_READ(ppmli_circuit_read_trusted, circuit);
#else
  PPMLI_READ(ppmli_circuit_read, circuit);
#endif
}

/* --------------------------------------------------------------------- keys */

PPML_API const char *ppml_backend_name(size_t index) {
  const ppmli_backend *backend = ppmli_backend_by_index(index);
  return backend ? backend->name : NULL;
}

PPML_API size_t ppml_eval_key_memory_bytes(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_eval_key_expanded_bytes(params) : 0;
}

PPML_API size_t ppml_eval_key_read_bytes(const ppml_params *params, size_t threads) {
  if (!ppmli_params_is_whole(params) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_eval_key_bytes(params, threads);
}

PPML_API int ppml_eval_key_read(ppml_eval_key *key, ppml_reader *reader, const ppml_limits *limits,
                                const ppml_circuit *circuit, const char *backend,
                                const ppml_parallel *parallel, ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  if (!found) return PPML_ERR_NAME;
  if (!ppmli_parallel_is_whole(parallel)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  return ppmli_call_end(&call,
                        ppmli_eval_key_read(key, reader, limits, circuit, found, parallel, arena));
}

PPML_API size_t ppml_eval_key_stream_bytes(const ppml_params *params, size_t threads) {
  if (!ppmli_params_is_whole(params) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_key_stream_bytes(params, threads);
}

PPML_API int ppml_eval_key_stream(ppml_eval_key *key, ppml_reader *reader,
                                  const ppml_limits *limits, const ppml_circuit *circuit,
                                  const char *backend, size_t threads, ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  if (!found) return PPML_ERR_NAME;
  if (!ppmli_threads_are_sane(threads)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  return ppmli_call_end(&call,
                        ppmli_eval_key_stream(key, reader, limits, circuit, found, threads, arena));
}

PPML_API size_t ppml_eval_key_none_bytes(const ppml_circuit *circuit) {
  if (!ppmli_circuit_is_whole(circuit) || !ppmli_params_is_keyless(circuit->params)) return 0;
  return ppmli_eval_key_none_bytes(circuit->params);
}

PPML_API int ppml_eval_key_none(ppml_eval_key *key, const ppml_circuit *circuit,
                                const char *backend, ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !ppmli_circuit_is_whole(circuit)) return PPML_ERR_ARG;
  if (!found) return PPML_ERR_NAME;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  return ppmli_call_end(&call, ppmli_eval_key_none(key, circuit, found, arena));
}

PPML_API size_t ppml_eval_key_prepare_bytes(const ppml_circuit *circuit) {
  return ppmli_circuit_is_whole(circuit) ? ppmli_server_prepare_bytes(circuit) : 0;
}

PPML_API int ppml_eval_key_prepare(ppml_eval_key *key, const ppml_circuit *circuit,
                                   ppml_arena *arena) {
  if (!ppmli_eval_key_is_whole(key) || !ppmli_circuit_is_whole(circuit)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, NULL, 0); /* the key stays what it is */
  return ppmli_call_end(&call, ppmli_server_prepare(key, circuit, arena));
}

PPML_API int ppml_input_read(ppml_input *input, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) {
  PPMLI_READ(ppmli_input_read, input);
}

PPML_API int ppml_output_write(const ppml_output *output, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_output_write, output, ppmli_output_is_whole);
}

/* ---------------------------------------------------------------- inference */

PPML_API size_t ppml_infer_bytes(const ppml_circuit *circuit, size_t images, size_t threads) {
  if (!ppmli_circuit_is_whole(circuit) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_infer_bytes(circuit, images, threads);
}

PPML_API int ppml_infer(ppml_output *output, const ppml_circuit *circuit, const ppml_input *inputs,
                        size_t images, const ppml_eval_key *key, const ppml_parallel *parallel,
                        ppml_arena *arena) {
  if (!output || !inputs || !ppmli_circuit_is_whole(circuit) || !ppmli_eval_key_is_whole(key))
    return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  for (size_t i = 0; i < images; i++)
    if (!ppmli_input_is_whole(&inputs[i])) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, output, sizeof *output);
  return ppmli_call_end(&call,
                        ppmli_infer_images(output, circuit, inputs, images, key, parallel, arena));
}

/* ---------------------------------------------------------- what steps cost */

/* Batches are of use up to some dozens; what is above this is a mistake, or would overflow. */
#define PPMLI_STEPS_SAMPLES_MAX 65536

PPML_API size_t ppml_steps_init_bytes(const ppml_params *params, size_t samples) {
  if (!ppmli_params_is_whole(params) || samples > PPMLI_STEPS_SAMPLES_MAX) return 0;
  return samples ? ppmli_steps_init_bytes(params, samples) : 0;
}

PPML_API int ppml_steps_init(ppml_steps *steps, const ppml_eval_key *key, size_t samples,
                             ppml_arena *arena) {
  if (!steps || !ppmli_eval_key_is_whole(key) || key->stream) return PPML_ERR_ARG;
  if (samples < 1 || samples > PPMLI_STEPS_SAMPLES_MAX) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, steps, sizeof *steps);
  steps->key = key;
  steps->samples = samples;
  return ppmli_call_end(&call, ppmli_steps_init(&steps->work, key->params, samples, arena));
}

PPML_API size_t ppml_steps_count(const ppml_params *params, uint32_t step, size_t samples) {
  return ppmli_params_is_whole(params) ? ppmli_steps_count(params, step, samples) : 0;
}

PPML_API int ppml_steps_run(ppml_steps *steps, uint32_t step, size_t samples) {
  if (!steps || !steps->work || !ppmli_eval_key_is_whole(steps->key)) return PPML_ERR_ARG;
  if (samples < 1 || samples > steps->samples) return PPML_ERR_ARG;
  if (ppmli_steps_count(steps->key->params, step, 1) == 0) return PPML_ERR_ARG;
  return ppmli_steps_run(steps->work, steps->key, step, samples);
}

PPML_API size_t ppml_eval_key_mimic_bytes(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_eval_key_mimic_bytes(params) : 0;
}

PPML_API int ppml_eval_key_mimic(ppml_eval_key *key, const ppml_params *params, const char *backend,
                                 ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !ppmli_params_is_whole(params)) return PPML_ERR_ARG;
  if (!found) return PPML_ERR_NAME;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  return ppmli_call_end(&call, ppmli_eval_key_mimic(key, params, found, arena));
}

static int ppmli_points_are_valid(size_t points) {
  return points >= 128 && points <= 2048 && (points & (points - 1)) == 0;
}

PPML_API size_t ppml_transform_init_bytes(size_t points) {
  return ppmli_points_are_valid(points) ? ppmli_transform_init_bytes(2 * (uint32_t)points) : 0;
}

PPML_API int ppml_transform_init(ppml_transform *transform, size_t points, const char *backend,
                                 ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!transform || !ppmli_points_are_valid(points)) return PPML_ERR_ARG;
  if (!found) return PPML_ERR_NAME;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, transform, sizeof *transform);
  return ppmli_call_end(&call,
                        ppmli_transform_init(&transform->work, 2 * (uint32_t)points, found, arena));
}

PPML_API int ppml_transform_run(ppml_transform *transform, int is_inverse) {
  if (!transform || !transform->work) return PPML_ERR_ARG;
  ppmli_transform_run(transform->work, is_inverse);
  return PPML_OK;
}

#endif
