/* Layer 9: the public functions.  They check arguments, then call inner code; nothing
 * else defines a ppml_ name. */
#ifndef PPMLI_API_H
#define PPMLI_API_H

#include "certificate.h"
#include "compile.h"
#include "digits.h"
#include "keygen.h"
#include "simulate.h"
#ifndef PPML_NO_TRAIN
#include "calibrate.h"
#include "train.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

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
    return "no entropy";
  case PPML_ERR_IO:
    return "reading or writing failed";
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
  return arena->used_bytes;
}

PPML_API void ppml_arena_release(ppml_arena *arena, size_t mark) {
  PPMLI_ASSERT(mark <= arena->used_bytes);
  arena->used_bytes = mark;
}

/* -------------------------------------------------------- input and output */

static int ppmli_memory_rewind(ppml_reader *self) {
  self->position = 0;
  return 0;
}

static size_t ppmli_memory_read(ppml_reader *self, void *bytes, size_t count) {
  size_t take = ppmli_min_size(count, self->limit - self->position);
  memcpy(bytes, (const uint8_t *)self->context + self->position, take);
  self->position += take;
  return take;
}

static int ppmli_memory_write(ppml_writer *self, const void *bytes, size_t count) {
  if (count > self->limit - self->position) return 1;
  memcpy((uint8_t *)self->context + self->position, bytes, count);
  self->position += count;
  return 0;
}

PPML_API ppml_reader ppml_reader_from_memory(const void *bytes, size_t count) {
  ppml_reader r = {ppmli_memory_read, ppmli_memory_rewind, NULL, 0, 0, count};
  memcpy(&r.context, &bytes, sizeof bytes); /* read only, though context is not const */
  return r;
}

PPML_API ppml_writer ppml_writer_to_memory(void *bytes, size_t capacity) {
  ppml_writer w = {ppmli_memory_write, bytes, 0, capacity};
  return w;
}

PPML_API ppml_limits ppml_limits_default(void) {
  ppml_limits limits = {(uint64_t)64 << 20, 1u << 16, 1u << 12, 1u << 16};
  return limits;
}

/* ------------------------------------------------------------------ random */

PPML_API int ppml_rng_init_callback(ppml_rng *rng,
                                    int (*entropy)(void *context, void *bytes, size_t count),
                                    void *context) {
  uint8_t seed[PPML_SEED_BYTES];
  if (rng == NULL || entropy == NULL) return PPML_ERR_ARG;
  memset(rng, 0, sizeof *rng);
  if (entropy(context, seed, sizeof seed) != 0) return PPML_ERR_RNG;
  ppmli_rng_seed(rng, seed);
  ppmli_wipe(seed, sizeof seed);
  return PPML_OK;
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
  ppmli_store64(bytes, seed);
  ppmli_rng_seed(rng, bytes);
}

PPML_API void ppml_rng_bytes(ppml_rng *rng, void *bytes, size_t count) {
  ppmli_rng_bytes(rng, bytes, count);
}

PPML_API void ppml_rng_wipe(ppml_rng *rng) {
  ppmli_wipe(rng, sizeof *rng);
}

/* -------------------------------------------------------------- parameters */

PPML_API const ppml_params *ppml_params_by_name(const char *name) {
  return name ? ppmli_params_by_name(name) : NULL;
}

PPML_API const ppml_params *ppml_params_by_index(size_t index) {
  return ppmli_params_by_index(index);
}

PPML_API double ppml_params_security_bits(const ppml_params *params) {
  return ppmli_params_security_bits(params);
}

PPML_API const char *ppml_backend_name(size_t index) {
  const ppmli_backend *backend = ppmli_backend_by_index(index);
  return backend ? backend->name : NULL;
}

/* ----------------------------------------------------------------- network */

PPML_API size_t ppml_spec_inputs(const ppml_spec *spec) {
  return ppmli_spec_inputs(spec);
}

PPML_API size_t ppml_spec_answer_bytes(const ppml_spec *spec) {
  return ppmli_spec_answer_bytes(spec);
}

PPML_API void ppml_spec_answer(uint8_t *answer, const ppml_spec *spec, const int32_t *scores) {
  ppmli_spec_answer(answer, spec, scores);
}

PPML_API int ppml_spec_same_answer(const ppml_spec *spec, const int32_t *a, const int32_t *b) {
  return ppmli_spec_same_answer(spec, a, b);
}

PPML_API size_t ppml_model_predict_bytes(const ppml_model *model) {
  return ppmli_quant_forward_scratch(model);
}

PPML_API int ppml_model_predict(int32_t *scores, const ppml_model *model, const uint8_t *pixels,
                                ppml_arena *arena) {
  if (!scores || !model || !pixels || !arena) return PPML_ERR_ARG;
  return ppmli_quant_forward(scores, model, pixels, NULL, arena);
}

#ifndef PPML_NO_TRAIN
PPML_API ppml_train_options ppml_train_options_default(void) {
  return ppmli_train_options_default();
}

PPML_API size_t ppml_train_bytes(const ppml_train_options *options, size_t train_count,
                                 size_t validation_count, size_t threads) {
  return ppmli_train_bytes(options, train_count, validation_count, threads);
}

PPML_API int ppml_train(ppml_model *model, const ppml_train_options *options,
                        const ppml_images *train, const ppml_images *validation,
                        const ppml_parallel *parallel, const ppml_train_watch *watch,
                        ppml_arena *arena) {
  if (!model || !options || !train || !validation || !arena) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_train_run(model, options, train, validation, parallel, watch, arena));
  ppmli_model_id(model->id, model);
  return PPML_OK;
}

PPML_API size_t ppml_float_predict_bytes(const ppml_float_model *net) {
  return ppmli_float_forward_scratch(net);
}

PPML_API int ppml_float_predict(float *logits, const ppml_float_model *net, const uint8_t *pixels,
                                ppml_arena *arena) {
  if (!logits || !net || !pixels || !arena || !ppmli_float_is_valid(net)) return PPML_ERR_ARG;
  return ppmli_float_forward(logits, net, pixels, arena);
}

PPML_API size_t ppml_quantize_bytes(const ppml_float_model *net, size_t image_count) {
  return ppmli_calibrate_bytes(net, image_count);
}

PPML_API int ppml_quantize(ppml_model *model, const ppml_float_model *net, uint32_t input_bits,
                           uint32_t weight_bits, const ppml_images *images, ppml_arena *arena) {
  if (!model || !net || !images || !arena) return PPML_ERR_ARG;
  size_t mark = arena->used_bytes;
  int error = ppmli_calibrate_run(model, net, input_bits, weight_bits, images, arena);
  if (error) arena->used_bytes = mark;
  else ppmli_model_id(model->id, model);
  return error;
}
#endif

/* ----------------------------------------------------------------- circuit */

PPML_API ppml_compile_options ppml_compile_options_default(const ppml_spec *spec) {
  return ppmli_compile_options_default(spec);
}

PPML_API int ppml_plan(ppml_circuit *circuit, const ppml_model *model,
                       const ppml_compile_options *options, ppml_refusal *refusal,
                       ppml_arena *arena) {
  ppml_refusal unread;
  if (!circuit || !model || !options || !arena) return PPML_ERR_ARG;
  size_t mark = arena->used_bytes;
  int error = ppmli_plan(circuit, model, options, refusal ? refusal : &unread, arena);
  if (error) arena->used_bytes = mark;
  return error;
}

PPML_API size_t ppml_compile_bytes(const ppml_model *model) {
  return ppmli_compile_bytes(model);
}

PPML_API int ppml_compile(ppml_circuit *circuit, const ppml_model *model, const ppml_params *params,
                          ppml_arena *arena) {
  if (!circuit || !model || !arena) return PPML_ERR_ARG;
  return ppmli_compile(circuit, model, params, arena);
}

PPML_API void ppml_client_from_circuit(ppml_client *client, const ppml_circuit *circuit) {
  ppmli_client_from_circuit(client, circuit);
}

PPML_API size_t ppml_circuit_pbs_count(const ppml_circuit *circuit) {
  return ppmli_circuit_pbs_count(circuit);
}

PPML_API void ppml_circuit_noise(ppml_noise *noise, const ppml_circuit *circuit) {
  ppmli_predict_noise(noise, circuit);
}

PPML_API double ppml_circuit_failure_log2(const ppml_circuit *circuit) {
  const double least = 1e-300; /* below that a double says nothing */
  double failure = circuit->params->exact ? ppmli_exact_failure(circuit) : 1;
  return log2(failure > least ? failure : least);
}

PPML_API const char *ppml_exact_refusal(const ppml_model *model) {
  return ppmli_model_is_valid(model) ? ppmli_exact_refusal(model) : "not a valid network";
}

PPML_API void ppml_circuit_certificate(ppml_certificate *certificate, const ppml_circuit *circuit) {
  ppmli_circuit_certificate(certificate, circuit);
}

PPML_API int32_t ppml_circuit_score_peak(const ppml_circuit *circuit, uint32_t output) {
  const ppml_model *m = &circuit->model;
  if (!circuit->params->slots || output >= m->spec.outputs) return INT32_MAX;
  return m->layer[m->layer_count - 1].peak[output];
}

PPML_API int ppml_scores_are_unseen(const int32_t *scores, const int32_t *peaks, uint32_t outputs) {
  int unseen = 0;
  for (uint32_t o = 0; o < outputs; o++)
    unseen |= (int64_t)scores[o] > peaks[o] || (int64_t)scores[o] < -(int64_t)peaks[o];
  return unseen;
}

/* -------------------------------------------------------------- simulation */

PPML_API size_t ppml_simulate_bytes(const ppml_model *model) {
  return ppmli_simulate_bytes(model);
}

PPML_API int ppml_simulate(int32_t *scores, const ppml_circuit *circuit, const uint8_t *pixels,
                           size_t draws, ppml_rng *rng, ppml_arena *arena) {
  if (!scores || !circuit || !pixels || !rng || !arena) return PPML_ERR_ARG;
  size_t mark = arena->used_bytes;
  int error = ppmli_simulate(scores, circuit, pixels, draws, rng, arena);
  if (error) arena->used_bytes = mark;
  return error;
}

PPML_API void ppml_expectation_draw(ppml_expectation *expectation, double value) {
  ppmli_expectation_draw(expectation, value);
}

PPML_API void ppml_expectation_next(ppml_expectation *expectation) {
  ppmli_expectation_next(expectation);
}

PPML_API ppml_interval ppml_expectation_interval(const ppml_expectation *expectation, double unit,
                                                 double slack, double confidence) {
  return ppmli_expectation_interval(expectation, unit, slack, confidence);
}

PPML_API void ppml_outlook_add(ppml_outlook *outlook, const ppml_spec *spec, const int32_t *clear,
                               const int32_t *scores, size_t draws) {
  ppmli_outlook_add(outlook, spec, clear, scores, draws);
}

PPML_API ppml_interval ppml_outlook_agreement(const ppml_outlook *outlook, double confidence) {
  return ppmli_outlook_agreement(outlook, confidence);
}

PPML_API ppml_interval ppml_outlook_score_error(const ppml_outlook *outlook, double confidence) {
  return ppmli_outlook_score_error(outlook, confidence);
}

/* -------------------------------------------------------------------- keys */

PPML_API void ppml_secret_key_generate(ppml_secret_key *key, const ppml_client *client,
                                       ppml_rng *rng) {
  memset(key, 0, sizeof *key);
  key->client = *client;
  ppmli_rng_bytes(rng, key->id, sizeof key->id);
  ppmli_secret_bits(key->lwe_bits, key->glwe_bits, client->params, rng);
}

PPML_API void ppml_secret_key_wipe(ppml_secret_key *key) {
  ppmli_wipe(key, sizeof *key);
}

PPML_API size_t ppml_eval_key_generate_bytes(const ppml_params *params, size_t threads) {
  return ppmli_eval_key_generate_bytes(params, threads);
}

PPML_API int ppml_eval_key_generate(ppml_writer *writer, const ppml_secret_key *key, ppml_rng *rng,
                                    const ppml_parallel *parallel, const ppml_progress *progress,
                                    ppml_arena *arena) {
  if (!writer || !key || !rng || !arena) return PPML_ERR_ARG;
  return ppmli_eval_key_generate(writer, key, rng, parallel, progress, arena);
}

PPML_API size_t ppml_eval_key_bytes(const ppml_params *params, size_t threads) {
  return ppmli_eval_key_bytes(params, threads);
}

PPML_API int ppml_eval_key_read(ppml_eval_key *key, ppml_reader *reader, const ppml_limits *limits,
                                const ppml_circuit *circuit, const char *backend,
                                const ppml_parallel *parallel, ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !reader || !limits || !arena || !found) return PPML_ERR_ARG;
  size_t mark = arena->used_bytes;
  int error = ppmli_eval_key_read(key, reader, limits, circuit, found, parallel, arena);
  if (error == PPML_OK) return PPML_OK;
  arena->used_bytes = mark;
  memset(key, 0, sizeof *key);
  return error;
}

PPML_API size_t ppml_eval_key_stream_bytes(const ppml_params *params, size_t threads) {
  return ppmli_key_stream_bytes(params, threads);
}

PPML_API int ppml_eval_key_stream(ppml_eval_key *key, ppml_reader *reader,
                                  const ppml_limits *limits, const ppml_circuit *circuit,
                                  const char *backend, size_t threads, ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !reader || !limits || !arena || !found || !threads) return PPML_ERR_ARG;
  size_t mark = arena->used_bytes;
  int error = ppmli_eval_key_stream(key, reader, limits, circuit, found, threads, arena);
  if (error == PPML_OK) return PPML_OK;
  arena->used_bytes = mark;
  memset(key, 0, sizeof *key);
  return error;
}

/* -------------------------------------------------------------- ciphertexts */

PPML_API size_t ppml_input_bytes(const ppml_params *params, const ppml_spec *spec) {
  return ppmli_input_bytes(params, spec);
}

PPML_API size_t ppml_output_lwe_words(const ppml_params *params) {
  return ppmli_output_words(params);
}

PPML_API int ppml_encrypt(ppml_input *input, const ppml_secret_key *key, const uint8_t *pixels,
                          ppml_rng *rng, ppml_arena *arena) {
  if (!input || !key || !pixels || !rng || !arena) return PPML_ERR_ARG;
  return ppmli_encrypt(input, key, pixels, rng, arena);
}

PPML_API int ppml_decrypt(int32_t *scores, const ppml_output *output, size_t image,
                          const ppml_secret_key *key) {
  if (!scores || !output || !key) return PPML_ERR_ARG;
  return ppmli_decrypt(scores, output, image, key);
}

PPML_API size_t ppml_eval_key_prepare_bytes(const ppml_circuit *circuit) {
  return ppmli_eval_key_prepare_bytes(circuit);
}

PPML_API int ppml_eval_key_prepare(ppml_eval_key *key, const ppml_circuit *circuit,
                                   ppml_arena *arena) {
  if (!key || !circuit || !arena) return PPML_ERR_ARG;
  size_t mark = arena->used_bytes;
  int error = ppmli_eval_key_prepare(key, circuit, arena);
  if (error) arena->used_bytes = mark;
  return error;
}

PPML_API size_t ppml_infer_bytes(const ppml_circuit *circuit, size_t images, size_t threads) {
  return ppmli_infer_bytes(circuit, images, threads);
}

PPML_API int ppml_infer(ppml_output *output, const ppml_circuit *circuit, const ppml_input *inputs,
                        size_t images, const ppml_eval_key *key, const ppml_parallel *parallel,
                        ppml_arena *arena) {
  if (!output || !circuit || !inputs || !key || !arena) return PPML_ERR_ARG;
  size_t mark = arena->used_bytes;
  int error = ppmli_infer_images(output, circuit, inputs, images, key, parallel, arena);
  if (error) arena->used_bytes = mark;
  return error;
}

/* -------------------------------------------------------------------- files */

PPML_API const char *ppml_kind_name(uint32_t kind) {
  return ppmli_kind_name(kind);
}

PPML_API int ppml_header_read(ppml_header *header, ppml_reader *reader, const ppml_limits *limits) {
  ppmli_in in;
  if (!header || !reader || !limits) return PPML_ERR_ARG;
  return ppmli_in_begin(&in, header, reader, limits);
}

PPML_API int ppml_container_check(ppml_header *header, ppml_reader *reader,
                                  const ppml_limits *limits) {
  if (!header || !reader || !limits) return PPML_ERR_ARG;
  return ppmli_container_check(header, reader, limits);
}

PPML_API size_t ppml_read_bytes(const ppml_header *h) {
  const size_t arrays = 6 * PPML_LAYERS_MAX; /* of a circuit, each rounded up */
  size_t payload = (size_t)h->payload_bytes;
  switch (h->kind) {
  case PPML_KIND_MODEL:
  case PPML_KIND_CIRCUIT:
    return payload + arrays * PPML_ALIGNMENT;
  case PPML_KIND_INPUT:
    return ppmli_input_array_bytes(h->params, payload / ppmli_input_block_wire_bytes(h->params));
  case PPML_KIND_OUTPUT:
    return ppmli_arena_rounded(payload / ppmli_output_lwe_wire_bytes(h->params) *
                               ppmli_output_words(h->params) * sizeof(uint32_t));
  default:
    return 0;
  }
}

/* Reads with fn; on an error, the arena is as it was and *object is zeros. */
#define PPMLI_READ(fn, object)                                                                     \
  do {                                                                                             \
    if (!(object) || !reader || !limits || !arena) return PPML_ERR_ARG;                            \
    size_t mark = arena->used_bytes;                                                               \
    int error = fn((object), reader, limits, arena);                                               \
    if (error == PPML_OK) return PPML_OK;                                                          \
    arena->used_bytes = mark;                                                                      \
    memset((object), 0, sizeof *(object));                                                         \
    return error;                                                                                  \
  } while (0)

PPML_API int ppml_model_write(const ppml_model *model, ppml_writer *writer) {
  if (!model || !writer) return PPML_ERR_ARG;
  return ppmli_model_write(model, writer);
}

PPML_API int ppml_model_read(ppml_model *model, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) {
  PPMLI_READ(ppmli_model_read, model);
}

PPML_API int ppml_circuit_write(const ppml_circuit *circuit, ppml_writer *writer) {
  if (!circuit || !writer) return PPML_ERR_ARG;
  return ppmli_circuit_write(circuit, writer);
}

PPML_API int ppml_circuit_read(ppml_circuit *circuit, ppml_reader *reader,
                               const ppml_limits *limits, ppml_arena *arena) {
  PPMLI_READ(ppmli_circuit_read, circuit);
}

PPML_API int ppml_client_write(const ppml_client *client, ppml_writer *writer) {
  if (!client || !writer) return PPML_ERR_ARG;
  return ppmli_client_write(client, writer);
}

PPML_API int ppml_client_read(ppml_client *client, ppml_reader *reader, const ppml_limits *limits) {
  if (!client || !reader || !limits) return PPML_ERR_ARG;
  int error = ppmli_client_read(client, reader, limits);
  if (error) memset(client, 0, sizeof *client);
  return error;
}

PPML_API int ppml_secret_key_write(const ppml_secret_key *key, ppml_writer *writer) {
  if (!key || !writer) return PPML_ERR_ARG;
  return ppmli_secret_key_write(key, writer);
}

PPML_API int ppml_secret_key_read(ppml_secret_key *key, ppml_reader *reader,
                                  const ppml_limits *limits) {
  if (!key || !reader || !limits) return PPML_ERR_ARG;
  return ppmli_secret_key_read(key, reader, limits);
}

PPML_API int ppml_input_write(const ppml_input *input, ppml_writer *writer) {
  if (!input || !writer) return PPML_ERR_ARG;
  return ppmli_input_write(input, writer);
}

PPML_API int ppml_input_read(ppml_input *input, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) {
  PPMLI_READ(ppmli_input_read, input);
}

PPML_API int ppml_output_write(const ppml_output *output, ppml_writer *writer) {
  if (!output || !writer) return PPML_ERR_ARG;
  return ppmli_output_write(output, writer);
}

PPML_API int ppml_output_read(ppml_output *output, ppml_reader *reader, const ppml_limits *limits,
                              ppml_arena *arena) {
  PPMLI_READ(ppmli_output_read, output);
}

PPML_API size_t ppml_eval_key_wire_bytes(const ppml_params *params) {
  return PPMLI_CONTAINER_BYTES + ppmli_key_payload_bytes(params);
}

PPML_API size_t ppml_input_wire_bytes(const ppml_params *params, const ppml_spec *spec) {
  return PPMLI_CONTAINER_BYTES +
         ppmli_input_payload_bytes(params, ppmli_input_blocks(params, spec));
}

PPML_API size_t ppml_output_wire_bytes(const ppml_params *params, const ppml_spec *spec,
                                       size_t images) {
  return PPMLI_CONTAINER_BYTES + ppmli_output_payload_bytes(params, images * spec->outputs);
}

#ifdef __cplusplus
}
#endif

#endif
