/* The public functions.  They check arguments, then call inner code; nothing else defines a ppml_
 * name. */
#ifndef PPMLI_API_API_H
#define PPMLI_API_API_H

#include <math.h>

#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/entropy.h"
#include "../base/rng.h"
#include "../client/decrypt.h"
#include "../client/encrypt.h"
#include "../client/keygen.h"
#include "../math/dct.h"
#include "../math/fft.h"
#include "../math/fft/backend.h"
#include "../math/params.h"
#include "../network/answer.h"
#include "../network/clear.h"
#include "../network/model.h"
#include "../network/name.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../network/windows.h"
#include "../plan/certificate.h"
#include "../plan/choose.h"
#include "../plan/circuit_check.h"
#include "../plan/layout_exact.h"
#include "../plan/outlook.h"
#include "../plan/path.h"
#include "../plan/security.h"
#include "../plan/simulate.h"
#include "../server/bootstrap.h"
#include "../server/evalkey.h"
#include "../server/infer.h"
#include "../server/products.h"
#include "../wire/client_file.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "../wire/key_layout.h"
#include "../wire/limits.h"
#include "../wire/model_file.h"
#include "../wire/output.h"
#include "whole.h"
#ifndef PPML_NO_TRAIN
#include "../train/float_network.h"
#include "../train/quantize.h"
#include "../train/train.h"
#include "../train/trainer.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function" /* as in ppml.h, of -DPPML_API=static */
#endif

/* ---------------------------------------------------------- a public call */

/* What a call that fails puts back: the arena as it was, the output wiped.  Every public function
 * that takes an arena or fills an output goes through these two, once its arguments are checked. */
typedef struct ppmli_call {
  ppml_arena *arena;
  size_t mark;
  void *output;
  size_t output_bytes;
} ppmli_call;

/*   arena, output  NULL: the function has none */
static ppmli_call ppmli_call_begin(ppml_arena *arena, void *output, size_t output_bytes) {
  ppmli_call call = {arena, arena ? arena->used_bytes : 0, output, output ? output_bytes : 0};
  return call;
}

static int ppmli_call_end(const ppmli_call *call, int error) {
  if (error == PPML_OK) return PPML_OK;
  if (call->arena) call->arena->used_bytes = call->mark;
  if (call->output) ppmli_wipe(call->output, call->output_bytes);
  return error;
}

/* ------------------------------------------------------- errors and memory */

PPML_API const char *ppml_strerror(int error) {
  switch (error) {
  case PPML_OK:
    return "no error";
  case PPML_ERR_ARG:
    return "an argument is out of its documented range";
  case PPML_ERR_PARAMS:
    return "no parameter set of this build fits";
  case PPML_ERR_MISMATCH:
    return "belongs to another circuit or key";
  case PPML_ERR_REQUEST:
    return "answers no open request: it was not asked for, or was answered before";
  case PPML_ERR_FORMAT:
    return "malformed";
  case PPML_ERR_VERSION:
    return "of another format version";
  case PPML_ERR_KIND:
    return "a ppml file of another kind";
  case PPML_ERR_TRUNCATED:
    return "ends early";
  case PPML_ERR_CHECKSUM:
    return "damaged: its checksum does not fit";
  case PPML_ERR_RANGE:
    return "holds a value beyond the limits";
  case PPML_ERR_TRAILING:
    return "has bytes after its end";
  case PPML_ERR_CERTIFICATE:
    return "is not what its certificate says";
  case PPML_ERR_NOMEM:
    return "the arena is too small";
  case PPML_ERR_RNG:
    return "no random numbers: no entropy, or a generator that was not set up";
  case PPML_ERR_IO:
    return "reading or writing failed";
  case PPML_ERR_ARITHMETIC:
    return "this build's floating-point arithmetic is not IEEE's: compiled with -ffast-math or "
           "the like";
  case PPML_ERR_BUSY:
    return "in use by another call";
  default:
    return "unknown error";
  }
}

PPML_API int ppml_arena_init(ppml_arena *arena, void *memory, size_t capacity_bytes) {
  if (arena == NULL || memory == NULL) return PPML_ERR_ARG;
  if ((uintptr_t)memory % PPML_ALIGNMENT != 0) return PPML_ERR_ARG;
  arena->memory = (unsigned char *)memory;
  arena->capacity_bytes = capacity_bytes;
  arena->used_bytes = arena->high_bytes = 0;
  return PPML_OK;
}

PPML_API size_t ppml_arena_mark(const ppml_arena *arena) {
  return arena ? arena->used_bytes : 0;
}

PPML_API void ppml_arena_release(ppml_arena *arena, size_t mark) {
  if (arena && mark < arena->used_bytes) arena->used_bytes = mark;
}

/* -------------------------------------------------------- input and output */

static int ppmli_memory_rewind(ppml_reader *self) {
  self->position = 0;
  return 0;
}

static size_t ppmli_memory_read(ppml_reader *self, void *bytes, size_t count) {
  size_t take = ppmli_min_size(count, self->limit - self->position);
  if (take == 0) return 0; /* there may be no bytes at all */
  memcpy(bytes, (const uint8_t *)self->context + self->position, take);
  self->position += take;
  return take;
}

static int ppmli_memory_write(ppml_writer *self, const void *bytes, size_t count) {
  if (count > self->limit - self->position) return 1;
  if (count == 0) return 0; /* there may be no memory at all */
  memcpy((uint8_t *)self->context + self->position, bytes, count);
  self->position += count;
  return 0;
}

PPML_API ppml_reader ppml_reader_from_memory(const void *bytes, size_t count) {
  ppml_reader r = {ppmli_memory_read, ppmli_memory_rewind, NULL, 0, 0, bytes ? count : 0};
  memcpy(&r.context, &bytes, sizeof bytes); /* read only, though context is not const */
  return r;
}

PPML_API ppml_writer ppml_writer_to_memory(void *bytes, size_t capacity) {
  ppml_writer w = {ppmli_memory_write, bytes, 0, bytes ? capacity : 0};
  return w;
}

PPML_API ppml_limits ppml_limits_default(void) {
  return ppmli_limits_default();
}

/* ------------------------------------------------------------------ random */

PPML_API int ppml_rng_init_callback(ppml_rng *rng,
                                    int (*entropy)(void *context, void *bytes, size_t count),
                                    void *context) {
  if (rng == NULL || entropy == NULL) return PPML_ERR_ARG;
  return ppmli_rng_init(rng, entropy, context);
}

static int ppmli_entropy_callback(void *context, void *bytes, size_t count) {
  (void)context;
  return ppmli_entropy(bytes, count);
}

PPML_API int ppml_rng_init(ppml_rng *rng) {
  return ppml_rng_init_callback(rng, ppmli_entropy_callback, NULL);
}

PPML_API void ppml_rng_init_for_tests(ppml_rng *rng, uint64_t seed) {
  uint8_t bytes[PPML_SEED_BYTES] = {0};
  if (rng == NULL) return;
  ppmli_store64(bytes, seed);
  ppmli_rng_seed(rng, bytes);
}

PPML_API int ppml_rng_mix(ppml_rng *rng, const void *bytes, size_t count) {
  if (!rng || (!bytes && count)) return PPML_ERR_ARG;
  if (!ppmli_rng_is_ready(rng)) return PPML_ERR_RNG;
  ppmli_rng_fold(rng, bytes, count);
  return PPML_OK;
}

PPML_API int ppml_rng_bytes(ppml_rng *rng, void *bytes, size_t count) {
  if (!rng || (!bytes && count)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_rng_begin(rng));
  ppmli_rng_bytes(rng, bytes, count);
  return PPML_OK;
}

PPML_API void ppml_rng_wipe(ppml_rng *rng) {
  if (rng) ppmli_wipe(rng, sizeof *rng);
}

/* -------------------------------------------------------------- parameters */

PPML_API const ppml_params *ppml_params_by_name(const char *name) {
  return name ? ppmli_params_by_name(name) : NULL;
}

PPML_API const ppml_params *ppml_params_by_index(size_t index) {
  return ppmli_params_by_index(index);
}

PPML_API double ppml_params_security_bits(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_params_security_bits(params) : 0;
}

PPML_API const char *ppml_backend_name(size_t index) {
  const ppmli_backend *backend = ppmli_backend_by_index(index);
  return backend ? backend->name : NULL;
}

/* ----------------------------------------------------------------- network */

PPML_API const char *ppml_class_name_refusal(const char *name, size_t length) {
  return name ? ppmli_name_refusal(name, length) : "is missing";
}

PPML_API const char *ppml_text_refusal(const char *text, size_t length) {
  return text ? ppmli_text_refusal(text, length) : "is missing";
}

PPML_API size_t ppml_spec_inputs(const ppml_spec *spec) {
  return ppmli_spec_is_whole(spec) ? ppmli_spec_inputs(spec) : 0;
}

PPML_API size_t ppml_spec_answer_bytes(const ppml_spec *spec) {
  return ppmli_spec_is_whole(spec) ? ppmli_spec_answer_bytes(spec) : 0;
}

PPML_API void ppml_spec_answer(uint8_t *answer, const ppml_spec *spec, const int32_t *scores) {
  if (answer && ppmli_spec_is_whole(spec) && scores) ppmli_spec_answer(answer, spec, scores);
}

PPML_API int ppml_spec_same_answer(const ppml_spec *spec, const int32_t *a, const int32_t *b) {
  return ppmli_spec_is_whole(spec) && a && b && ppmli_spec_same_answer(spec, a, b);
}

PPML_API size_t ppml_model_predict_bytes(const ppml_model *model) {
  return ppmli_model_is_whole(model) ? ppmli_quant_forward_scratch(model) : 0;
}

PPML_API int ppml_model_predict(int32_t *scores, const ppml_model *model, const uint8_t *pixels,
                                ppml_arena *arena) {
  if (!scores || !pixels) return PPML_ERR_ARG;
  if (!ppmli_model_is_whole(model) || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, scores, model->spec.outputs * sizeof *scores);
  return ppmli_call_end(&call, ppmli_quant_forward(scores, model, pixels, NULL, arena));
}

#ifndef PPML_NO_TRAIN
PPML_API ppml_train_options ppml_train_options_default(void) {
  return ppmli_train_options_default();
}

PPML_API size_t ppml_train_bytes(const ppml_train_options *options, size_t train_count,
                                 size_t validation_count, size_t threads) {
  if (!options || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_train_bytes(options, train_count, validation_count, threads);
}

PPML_API int ppml_train(ppml_model *model, const ppml_train_options *options,
                        const ppml_images *train, const ppml_images *validation,
                        const ppml_parallel *parallel, const ppml_train_watch *watch,
                        ppml_arena *arena) {
  if (!model || !options || !train || !validation) return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel) || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, model, sizeof *model);
  int error = ppmli_train_run(model, options, train, validation, parallel, watch, arena);
  if (error == PPML_OK) ppmli_model_id(model->id, model);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_float_predict_bytes(const ppml_float_model *net) {
  return net && ppmli_float_is_valid(net) ? ppmli_float_forward_scratch(net) : 0;
}

PPML_API int ppml_float_predict(float *logits, const ppml_float_model *net, const uint8_t *pixels,
                                ppml_arena *arena) {
  if (!logits || !net || !pixels || !ppmli_float_is_valid(net)) return PPML_ERR_ARG;
  if (!ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  size_t outputs = ppmli_calibrate_outputs(net, net->layer_count - 1);
  ppmli_call call = ppmli_call_begin(arena, logits, outputs * sizeof *logits);
  return ppmli_call_end(&call, ppmli_float_forward(logits, net, pixels, arena));
}

PPML_API size_t ppml_quantize_bytes(const ppml_float_model *net, size_t image_count) {
  return net ? ppmli_calibrate_bytes(net, image_count) : 0;
}

PPML_API int ppml_quantize(ppml_model *model, const ppml_float_model *net, uint32_t input_bits,
                           uint32_t weight_bits, const ppml_images *images, ppml_arena *arena) {
  if (!model || !net || !images || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, model, sizeof *model);
  int error = ppmli_calibrate_run(model, net, input_bits, weight_bits, images, arena);
  if (error == PPML_OK) ppmli_model_id(model->id, model);
  return ppmli_call_end(&call, error);
}
#endif

/* ----------------------------------------------------------------- circuit */

PPML_API ppml_compile_options ppml_compile_options_default(const ppml_spec *spec) {
  const ppml_spec none = {0, 0, 0, 0, 0, 0, 0, {{0}}, PPML_TASK_CLASS, {0}};
  return ppmli_compile_options_default(ppmli_spec_is_whole(spec) ? spec : &none);
}

PPML_API int ppml_plan(ppml_circuit *circuit, const ppml_model *model,
                       const ppml_compile_options *options, ppml_refusal *refusal,
                       ppml_arena *arena) {
  ppml_refusal unread;
  if (!circuit || !model || !options || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  if (options->params && !ppmli_params_is_whole(options->params)) return PPML_ERR_PARAMS;
  ppmli_call call = ppmli_call_begin(arena, circuit, sizeof *circuit);
  int error = ppmli_plan(circuit, model, options, refusal ? refusal : &unread, arena);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_compile_bytes(const ppml_model *model) {
  return ppmli_model_is_whole(model) ? ppmli_compile_bytes(model) : 0;
}

PPML_API int ppml_compile(ppml_circuit *circuit, const ppml_model *model, const ppml_params *params,
                          ppml_arena *arena) {
  const ppml_compile_options options = {params, 0, 0, 0};
  return params ? ppml_plan(circuit, model, &options, NULL, arena) : PPML_ERR_ARG;
}

PPML_API void ppml_client_from_circuit(ppml_client *client, const ppml_circuit *circuit) {
  if (client == NULL) return;
  if (ppmli_circuit_is_whole(circuit)) ppmli_client_from_circuit(client, circuit);
  else memset(client, 0, sizeof *client);
}

PPML_API void ppml_client_id(uint8_t *id, const ppml_client *client) {
  if (id == NULL) return;
  if (ppmli_client_is_whole(client)) ppmli_client_id(id, client);
  else memset(id, 0, PPML_ID_BYTES);
}

PPML_API size_t ppml_circuit_pbs_count(const ppml_circuit *circuit) {
  return ppmli_circuit_is_whole(circuit) ? ppmli_planner_bootstraps(circuit) : 0;
}

PPML_API void ppml_circuit_noise(ppml_noise *noise, const ppml_circuit *circuit) {
  if (noise == NULL) return;
  if (ppmli_circuit_is_whole(circuit)) ppmli_planner_noise(noise, circuit);
  else memset(noise, 0, sizeof *noise);
}

PPML_API double ppml_circuit_failure_log2(const ppml_circuit *circuit) {
  const double least = 1e-300; /* below that a double says nothing */
  if (!ppmli_circuit_is_whole(circuit)) return 0;
  double failure = ppmli_planner_failure(circuit);
  return log2(failure > least ? failure : least);
}

PPML_API const char *ppml_exact_refusal(const ppml_model *model) {
  if (!model || !ppmli_model_is_valid(model)) return "not a valid network";
  return ppmli_exact_refusal(model);
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

PPML_API int ppml_scores_are_unseen(const int32_t *scores, const int32_t *peaks, uint32_t outputs) {
  return scores && peaks && ppmli_scores_are_unseen(scores, peaks, outputs, 1);
}

/* -------------------------------------------------------------- simulation */

PPML_API size_t ppml_simulate_bytes(const ppml_model *model) {
  return ppmli_model_is_whole(model) ? ppmli_simulate_bytes(model) : 0;
}

PPML_API int ppml_simulate(int32_t *scores, const ppml_circuit *circuit, const uint8_t *pixels,
                           size_t draws, ppml_rng *rng, ppml_arena *arena) {
  if (!scores || !pixels || !rng || draws > SIZE_MAX / sizeof *scores / PPML_CLASSES_MAX)
    return PPML_ERR_ARG;
  if (!ppmli_circuit_is_whole(circuit) || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
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

/* -------------------------------------------------------------------- keys */

PPML_API int ppml_secret_key_generate(ppml_secret_key *key, const ppml_client *client,
                                      ppml_rng *rng) {
  if (!key || !rng || !ppmli_client_is_whole(client)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, key, sizeof *key);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) ppmli_secret_key_generate(key, client, rng);
  return ppmli_call_end(&call, error);
}

PPML_API void ppml_secret_key_wipe(ppml_secret_key *key) {
  if (key) ppmli_wipe(key, sizeof *key);
}

PPML_API size_t ppml_eval_key_generate_bytes(const ppml_params *params, size_t threads) {
  if (!ppmli_params_is_whole(params) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_eval_key_generate_bytes(params, threads);
}

PPML_API int ppml_eval_key_generate(ppml_writer *writer, const ppml_secret_key *key, ppml_rng *rng,
                                    const ppml_parallel *parallel, const ppml_progress *progress,
                                    ppml_arena *arena) {
  if (!ppmli_writer_is_whole(writer) || !ppmli_secret_key_is_whole(key) || !rng)
    return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel) || !ppmli_progress_is_whole(progress)) return PPML_ERR_ARG;
  if (!ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, NULL, 0);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK)
    error = ppmli_eval_key_generate(writer, key, rng, parallel, progress, arena);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_eval_key_bytes(const ppml_params *params, size_t threads) {
  if (!ppmli_params_is_whole(params) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_eval_key_bytes(params, threads);
}

PPML_API int ppml_eval_key_read(ppml_eval_key *key, ppml_reader *reader, const ppml_limits *limits,
                                const ppml_circuit *circuit, const char *backend,
                                const ppml_parallel *parallel, ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !ppmli_reader_is_whole(reader) || !limits || !found) return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel) || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
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
  if (!key || !ppmli_reader_is_whole(reader) || !limits || !found) return PPML_ERR_ARG;
  if (!ppmli_threads_are_sane(threads) || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  return ppmli_call_end(&call,
                        ppmli_eval_key_stream(key, reader, limits, circuit, found, threads, arena));
}

/* -------------------------------------------------------------- ciphertexts */

PPML_API size_t ppml_input_bytes(const ppml_params *params, const ppml_spec *spec) {
  if (!ppmli_params_is_whole(params) || !ppmli_spec_is_whole(spec)) return 0;
  return ppmli_input_bytes(params, spec);
}

PPML_API size_t ppml_output_lwe_words(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_output_words(params) : 0;
}

PPML_API int ppml_encrypt(ppml_input *input, ppml_request *request, const ppml_secret_key *key,
                          const uint8_t *pixels, ppml_rng *rng, ppml_arena *arena) {
  if (!input || !request || !pixels || !rng) return PPML_ERR_ARG;
  if (!ppmli_secret_key_is_whole(key) || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, input, sizeof *input);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_encrypt(input, request, key, pixels, rng, arena);
  if (error) memset(request, 0, sizeof *request);
  return ppmli_call_end(&call, error);
}

PPML_API void ppml_input_digest(uint8_t *digest, const ppml_input *input) {
  if (digest && input) ppmli_input_digest(digest, input);
}

PPML_API void ppml_client_answer(ppml_answer *answer, const ppml_client *client,
                                 const int32_t *scores) {
  if (answer == NULL) return;
  if (scores && ppmli_client_is_whole(client)) ppmli_client_answer(answer, client, scores);
  else memset(answer, 0, sizeof *answer);
}

/* What all of the three below ask of their arguments. */
static int ppmli_may_decrypt(const ppml_output *output, const ppml_request *request,
                             const ppml_secret_key *key) {
  return request && ppmli_output_is_whole(output) && ppmli_secret_key_is_whole(key);
}

PPML_API int ppml_decrypt(ppml_answer *answer, const ppml_output *output, size_t image,
                          ppml_request *request, const ppml_secret_key *key) {
  if (!answer || !ppmli_may_decrypt(output, request, key)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, answer, sizeof *answer);
  return ppmli_call_end(&call, ppmli_decrypt(answer, output, image, request, key));
}

PPML_API int ppml_decrypt_scores_for_owner(int32_t *scores, const ppml_output *output, size_t image,
                                           ppml_request *request, const ppml_secret_key *key) {
  if (!scores || !ppmli_may_decrypt(output, request, key)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, scores, key->client.spec.outputs * sizeof *scores);
  return ppmli_call_end(&call, ppmli_decrypt_for_owner(scores, output, image, request, key));
}

PPML_API int ppml_decrypt_scores_flooded(int32_t *scores, const ppml_output *output, size_t image,
                                         ppml_request *request, const ppml_secret_key *key,
                                         ppml_rng *rng) {
  if (!scores || !rng || !ppmli_may_decrypt(output, request, key)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, scores, key->client.spec.outputs * sizeof *scores);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_decrypt_flooded(scores, output, image, request, key, rng);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_eval_key_prepare_bytes(const ppml_circuit *circuit) {
  return ppmli_circuit_is_whole(circuit) ? ppmli_server_prepare_bytes(circuit) : 0;
}

PPML_API int ppml_eval_key_prepare(ppml_eval_key *key, const ppml_circuit *circuit,
                                   ppml_arena *arena) {
  if (!ppmli_eval_key_is_whole(key) || !ppmli_circuit_is_whole(circuit)) return PPML_ERR_ARG;
  if (!ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, NULL, 0); /* the key stays what it is */
  return ppmli_call_end(&call, ppmli_server_prepare(key, circuit, arena));
}

PPML_API size_t ppml_infer_bytes(const ppml_circuit *circuit, size_t images, size_t threads) {
  if (!ppmli_circuit_is_whole(circuit) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_infer_bytes(circuit, images, threads);
}

PPML_API int ppml_infer(ppml_output *output, const ppml_circuit *circuit, const ppml_input *inputs,
                        size_t images, const ppml_eval_key *key, const ppml_parallel *parallel,
                        ppml_arena *arena) {
  if (!output || !inputs || !ppmli_circuit_is_whole(circuit) || !ppmli_eval_key_is_whole(key))
    return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel) || !ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;
  for (size_t i = 0; i < images; i++)
    if (!ppmli_input_is_whole(&inputs[i])) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, output, sizeof *output);
  return ppmli_call_end(&call,
                        ppmli_infer_images(output, circuit, inputs, images, key, parallel, arena));
}

/* -------------------------------------------------------------------- files */

/* What a feature map or an encrypted model takes, at most: tables of cosines have a side of 4096
 * values, and words of 24 bits or more become 8 bytes. */
static size_t ppmli_learning_read_bytes(const ppml_header *h) {
  size_t cosines = ppmli_dct_bytes(1 << 12, 1 << 12), payload = (size_t)h->payload_bytes;
  if (h->kind == PPML_KIND_FEATURES) return cosines + 3 * payload + 8 * PPML_ALIGNMENT;
  return h->kind == PPML_KIND_LEARNT ? 3 * payload + PPML_ALIGNMENT : 0;
}

PPML_API const char *ppml_kind_name(uint32_t kind) {
  return ppmli_kind_name(kind);
}

PPML_API int ppml_header_read(ppml_header *header, ppml_reader *reader, const ppml_limits *limits) {
  ppmli_in in;
  if (!header || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, header, sizeof *header);
  int error = ppmli_in_begin(&in, header, reader, limits);
  uint32_t version = header->version;
  ppmli_call_end(&call, error);
  if (error == PPML_ERR_VERSION) header->version = version; /* to be told */
  return error;
}

PPML_API int ppml_container_check(ppml_header *header, ppml_reader *reader,
                                  const ppml_limits *limits) {
  if (!header || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, header, sizeof *header);
  return ppmli_call_end(&call, ppmli_container_check(header, reader, limits));
}

PPML_API size_t ppml_read_bytes(const ppml_header *h) {
  const size_t arrays = 6 * PPML_LAYERS_MAX; /* of a circuit, each rounded up */
  if (!ppmli_header_is_whole(h)) return 0;
  size_t payload = (size_t)h->payload_bytes;
  switch (h->kind) {
  case PPML_KIND_MODEL:
  case PPML_KIND_CIRCUIT:
    return payload + arrays * PPML_ALIGNMENT;
  case PPML_KIND_INPUT:
    return ppmli_input_array_bytes(h->params, payload / ppmli_input_block_wire_bytes(h->params));
  case PPML_KIND_OUTPUT:
    return ppmli_output_array_bytes(
        h->params, payload / (PPML_ID_BYTES + ppmli_output_lwe_wire_bytes(h->params)),
        payload / ppmli_output_lwe_wire_bytes(h->params));
  default:
    return ppmli_learning_read_bytes(h);
  }
}

/* Writes a whole object with fn. */
#define PPMLI_WRITE(fn, object, is_whole)                                                          \
  do {                                                                                             \
    if (!is_whole(object) || !ppmli_writer_is_whole(writer)) return PPML_ERR_ARG;                  \
    return fn((object), writer);                                                                   \
  } while (0)

/* Reads with fn into arena. */
#define PPMLI_READ(fn, object)                                                                     \
  do {                                                                                             \
    if (!(object) || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;               \
    if (!ppmli_arena_is_whole(arena)) return PPML_ERR_ARG;                                         \
    ppmli_call call = ppmli_call_begin(arena, (object), sizeof *(object));                         \
    return ppmli_call_end(&call, fn((object), reader, limits, arena));                             \
  } while (0)

/* The same where there are no arrays to allocate. */
#define PPMLI_READ_FLAT(fn, object)                                                                \
  do {                                                                                             \
    if (!(object) || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;               \
    ppmli_call call = ppmli_call_begin(NULL, (object), sizeof *(object));                          \
    return ppmli_call_end(&call, fn((object), reader, limits));                                    \
  } while (0)

PPML_API int ppml_model_write(const ppml_model *model, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_model_write, model, ppmli_model_is_whole);
}

PPML_API int ppml_model_read(ppml_model *model, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) {
  PPMLI_READ(ppmli_model_read, model);
}

PPML_API int ppml_circuit_write(const ppml_circuit *circuit, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_circuit_write, circuit, ppmli_circuit_is_whole);
}

PPML_API int ppml_circuit_read(ppml_circuit *circuit, ppml_reader *reader,
                               const ppml_limits *limits, ppml_arena *arena) {
  PPMLI_READ(ppmli_circuit_read, circuit);
}

PPML_API int ppml_client_write(const ppml_client *client, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_client_write, client, ppmli_client_is_whole);
}

PPML_API int ppml_client_read(ppml_client *client, ppml_reader *reader, const ppml_limits *limits) {
  PPMLI_READ_FLAT(ppmli_client_read, client);
}

PPML_API int ppml_secret_key_write(const ppml_secret_key *key, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_secret_key_write, key, ppmli_secret_key_is_whole);
}

PPML_API int ppml_secret_key_read(ppml_secret_key *key, ppml_reader *reader,
                                  const ppml_limits *limits) {
  PPMLI_READ_FLAT(ppmli_secret_key_read, key);
}

PPML_API int ppml_input_write(const ppml_input *input, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_input_write, input, ppmli_input_is_whole);
}

PPML_API int ppml_input_read(ppml_input *input, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) {
  PPMLI_READ(ppmli_input_read, input);
}

PPML_API int ppml_output_write(const ppml_output *output, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_output_write, output, ppmli_output_is_whole);
}

PPML_API int ppml_output_read(ppml_output *output, ppml_reader *reader, const ppml_limits *limits,
                              ppml_arena *arena) {
  PPMLI_READ(ppmli_output_read, output);
}

PPML_API size_t ppml_eval_key_wire_bytes(const ppml_params *params) {
  if (!ppmli_params_is_whole(params)) return 0;
  return PPMLI_CONTAINER_BYTES + ppmli_key_payload_bytes(params);
}

PPML_API size_t ppml_input_wire_bytes(const ppml_params *params, const ppml_spec *spec) {
  if (!ppmli_params_is_whole(params) || !ppmli_spec_is_whole(spec)) return 0;
  return PPMLI_CONTAINER_BYTES +
         ppmli_input_payload_bytes(params, ppmli_input_blocks(params, spec));
}

PPML_API size_t ppml_output_wire_bytes(const ppml_params *params, const ppml_spec *spec,
                                       size_t images) {
  if (!ppmli_params_is_whole(params) || !ppmli_spec_is_whole(spec)) return 0;
  return PPMLI_CONTAINER_BYTES + ppmli_output_payload_bytes(params, images, spec->outputs);
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif

#include "learn.h"

#endif
