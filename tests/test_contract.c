/* test_contract.c - what ppml.h promises of every public function: an object that is NULL, zeroed
 * or wiped is PPML_ERR_ARG; on any error outputs are unchanged or wiped and the arena is given
 * back; sizes are exact.  Every function is a row of a table, whose arguments are spoilt and whose
 * allocations fail one at a time. */
#include "suite.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PPML_ASSERT(condition) ck_assert(condition)
#define PPML_API static inline /* so that what is not called here is not compiled */
#define PPML_IMPLEMENTATION
#include "../ppml.h"

/* ------------------------------------------------------------------ world */

enum { PIXELS = 16, IMAGES = 8, OUT_BYTES = 1 << 16, USED_BYTES = 128, FILL = 0x5a };

/* What a function may be given.  OUT is what it fills. */
enum {
  MODEL,
  PLAN,
  CIRCUIT,
  CLIENT,
  SECRET,
  REQUEST,
  EVAL,
  INPUT,
  OUTPUT,
  RNG,
  PIXEL,
  READER,
  WRITER,
  LIMITS,
  NET,
  IMAGE,
  TRAIN,
  OUT,
  ARGUMENTS,
  NONE = ARGUMENTS
};

/* Objects that belong together, and files of them. */
typedef struct world {
  void *argument[ARGUMENTS]; /* what the next call is given */
  ppml_model model;
  ppml_compile_options plan;
  ppml_circuit circuit;
  ppml_client client;
  ppml_secret_key secret;
  ppml_request asked, request, made; /* as the input is, as a call is given it, and by a call */
  ppml_eval_key eval;
  ppml_input input;
  ppml_output output;
  ppml_rng rng;
  ppml_reader reader;
  ppml_writer writer;
  ppml_limits limits;
  ppml_float_model net;
  ppml_images images;
  ppml_train_options train;
  uint8_t pixels[IMAGES * PIXELS], labels[IMAGES];
  uint8_t out[OUT_BYTES];
  uint8_t *file, *wire; /* the container that is to be read; the evaluation key's */
  size_t file_bytes, wire_bytes;
  ppml_arena arena;
} world;

static void *memory_of(size_t bytes) {
  void *memory = NULL;
  ck_assert(posix_memalign(&memory, PPML_ALIGNMENT, bytes ? bytes : 1) == 0);
  return memory;
}

static ppml_arena arena_of(size_t bytes) {
  ppml_arena arena;
  ck_assert_int_eq(ppml_arena_init(&arena, memory_of(bytes), bytes), PPML_OK);
  return arena;
}

static int8_t weights[2 * PIXELS], last_weights[2] = {3, -2};
static int32_t biases[2] = {4, -6}, last_biases[1], range[2] = {127, 127}, peak[2] = {500, 500};
static int32_t square[2] = {1, 1}, linear[2], score_peak[1] = {100000};
static float float_weights[2 * PIXELS], float_last[2] = {1, -1}, float_biases[2];

static void make_model(ppml_model *m, int is_polynomial) {
  const ppml_spec spec = {4,   4,   1,         4, 2, 1, 10, {"no", "yes"}, PPML_TASK_CLASS,
                          {0}, {0}, {0, 0, 0}, 0};
  ppml_layer hidden = {PIXELS, 2, PPML_ACTIVATION_SIGN, 4, weights, biases, range, peak, 0, 0, 0};
  ppml_layer last = {2, 1, PPML_ACTIVATION_NONE, 4, last_weights, last_biases, 0, 0, 0, 0, 0};
  if (is_polynomial) {
    hidden.activation = PPML_ACTIVATION_POLYNOMIAL;
    hidden.range = hidden.peak = NULL;
    hidden.square = square;
    hidden.linear = linear;
    last.peak = score_peak;
  }
  for (int i = 0; i < 2 * PIXELS; i++) weights[i] = (int8_t)(i % 7 - 3);
  memset(m, 0, sizeof *m);
  m->spec = spec;
  m->layer_count = 2;
  m->layer[0] = hidden;
  m->layer[1] = last;
  m->margin_p05 = 1 << 20;
}

static void make_floats(world *w) {
  const ppml_float_layer hidden = {PIXELS, 2, float_weights, float_biases, -1, 1, NULL,
                                   NULL,   0, NULL,          NULL,         0};
  const ppml_float_layer last = {2,    1,    float_last, float_biases, 0,    0,
                                 NULL, NULL, 0,          NULL,         NULL, 0};
  for (int i = 0; i < 2 * PIXELS; i++) float_weights[i] = (float)(i % 5 - 2) / 8;
  w->net.width = w->net.height = 4;
  w->net.channels = 1;
  w->net.classes = 2;
  w->net.std[0] = 1;
  w->net.layer_count = 2;
  w->net.layer[0] = hidden;
  w->net.layer[1] = last;
  w->images.pixels = w->pixels;
  w->images.labels = w->labels;
  w->images.count = IMAGES;
  w->train = ppml_train_options_default();
  w->train.width = w->train.height = 4;
  w->train.hidden[0] = 2;
  w->train.epochs = 1;
}

static void make_keys(world *w, const ppml_params *p) {
  ppml_arena scratch = arena_of(ppml_eval_key_generate_bytes(p, 1));
  ppml_limits limits = ppml_limits_default();
  w->wire_bytes = ppml_eval_key_wire_bytes(p);
  w->wire = (uint8_t *)memory_of(w->wire_bytes);
  ck_assert(!ppml_secret_key_generate(&w->secret, &w->client, &w->rng, &w->arena));
  ppml_writer writer = ppml_writer_to_memory(w->wire, w->wire_bytes);
  ck_assert(!ppml_eval_key_generate(&writer, &w->secret, &w->rng, NULL, NULL, &scratch));
  ppml_reader reader = ppml_reader_from_memory(w->wire, w->wire_bytes);
  ck_assert(!ppml_eval_key_read(&w->eval, &reader, &limits, NULL, NULL, NULL, &w->arena));
  ck_assert(!ppml_encrypt(&w->input, &w->asked, &w->secret, w->pixels, &w->rng, &w->arena));
  ck_assert(!ppml_infer(&w->output, &w->circuit, &w->input, 1, &w->eval, NULL, &w->arena));
  free(scratch.memory);
}

/* Everything as it should be, for the next call. */
static void reset(world *w) {
  void *all[ARGUMENTS] = {&w->model,  &w->plan,   &w->circuit, &w->client, &w->secret, &w->request,
                          &w->eval,   &w->input,  &w->output,  &w->rng,    w->pixels,  &w->reader,
                          &w->writer, &w->limits, &w->net,     &w->images, &w->train,  w->out};
  memcpy(w->argument, all, sizeof all);
  w->reader = ppml_reader_from_memory(w->file, w->file_bytes);
  w->writer = ppml_writer_to_memory(w->wire, w->wire_bytes);
  w->eval.weights = NULL;
  w->request = w->asked;
  memset(w->out, FILL, sizeof w->out);
}

static world *make_world(const char *params, uint64_t seed) {
  const ppml_params *p = ppml_params_by_name(params);
  world *w = (world *)memory_of(sizeof *w);
  memset(w, 0, sizeof *w);
  make_model(&w->model, p->slots != 0);
  make_floats(w);
  for (int i = 0; i < IMAGES * PIXELS; i++) w->pixels[i] = (uint8_t)(37 * i);
  for (int i = 0; i < IMAGES; i++) w->labels[i] = (uint8_t)(i % 2);
  w->model.layer[1].weight = last_weights;
  w->model.margin_p05 += (uint32_t)seed; /* another circuit */
  w->plan.params = p;
  w->limits = ppml_limits_default();
  w->arena = arena_of(ppml_eval_key_read_bytes(p, 1) + ((size_t)16 << 20));
  ppml_rng_init_for_tests(&w->rng, seed);
  ck_assert(!ppml_compile(&w->circuit, &w->model, &w->plan, NULL, &w->arena));
  ppml_client_from_circuit(&w->client, &w->circuit);
  w->client.publish = 16; /* its signs turn too often for a circuit to say so */
  make_keys(w, p);
  w->file = (uint8_t *)memory_of(w->wire_bytes);
  reset(w);
  return w;
}

static void free_world(world *w) {
  free(w->file);
  free(w->wire);
  free(w->arena.memory);
  free(w);
}

/* ------------------------------------------------------------------ calls */

#define GIVEN(type, name) ((type *)w->argument[name])

static int some_entropy(void *context, void *bytes, size_t count) {
  (void)context;
  memset(bytes, 1, count);
  return 0;
}

static int call_predict(world *w, ppml_arena *arena) {
  return ppml_model_predict(GIVEN(int32_t, OUT), GIVEN(ppml_model, MODEL), GIVEN(uint8_t, PIXEL),
                            arena);
}

static int call_compile(world *w, ppml_arena *arena) {
  return ppml_compile(GIVEN(ppml_circuit, OUT), GIVEN(ppml_model, MODEL),
                      GIVEN(ppml_compile_options, PLAN), NULL, arena);
}

static int call_decide(world *w, ppml_arena *arena) {
  return ppml_decide(GIVEN(ppml_model, OUT), GIVEN(ppml_model, MODEL), NULL, arena);
}

static int call_simulate(world *w, ppml_arena *arena) {
  return ppml_simulate(GIVEN(int32_t, OUT), GIVEN(ppml_circuit, CIRCUIT), GIVEN(uint8_t, PIXEL), 3,
                       GIVEN(ppml_rng, RNG), arena);
}

static int call_float_predict(world *w, ppml_arena *arena) {
  return ppml_float_predict(GIVEN(float, OUT), GIVEN(ppml_float_model, NET), GIVEN(uint8_t, PIXEL),
                            arena);
}

static int call_quantize(world *w, ppml_arena *arena) {
  return ppml_quantize(GIVEN(ppml_model, OUT), GIVEN(ppml_float_model, NET), 4, 4,
                       GIVEN(ppml_images, IMAGE), arena);
}

static int call_train(world *w, ppml_arena *arena) {
  return ppml_train(GIVEN(ppml_model, OUT), GIVEN(ppml_train_options, TRAIN),
                    GIVEN(ppml_images, IMAGE), GIVEN(ppml_images, IMAGE), NULL, NULL, arena);
}

static int call_secret_key(world *w, ppml_arena *arena) {
  return ppml_secret_key_generate(GIVEN(ppml_secret_key, OUT), GIVEN(ppml_client, CLIENT),
                                  GIVEN(ppml_rng, RNG), arena);
}

static int call_eval_key(world *w, ppml_arena *arena) {
  return ppml_eval_key_generate(GIVEN(ppml_writer, WRITER), GIVEN(ppml_secret_key, SECRET),
                                GIVEN(ppml_rng, RNG), NULL, NULL, arena);
}

static int call_eval_key_read(world *w, ppml_arena *arena) {
  return ppml_eval_key_read(GIVEN(ppml_eval_key, OUT), GIVEN(ppml_reader, READER),
                            GIVEN(ppml_limits, LIMITS), NULL, NULL, NULL, arena);
}

static int call_eval_key_stream(world *w, ppml_arena *arena) {
  return ppml_eval_key_stream(GIVEN(ppml_eval_key, OUT), GIVEN(ppml_reader, READER),
                              GIVEN(ppml_limits, LIMITS), NULL, NULL, 1, arena);
}

static int call_prepare(world *w, ppml_arena *arena) {
  return ppml_eval_key_prepare(GIVEN(ppml_eval_key, EVAL), GIVEN(ppml_circuit, CIRCUIT), arena);
}

static int call_encrypt(world *w, ppml_arena *arena) {
  return ppml_encrypt(GIVEN(ppml_input, OUT), &w->made, GIVEN(ppml_secret_key, SECRET),
                      GIVEN(uint8_t, PIXEL), GIVEN(ppml_rng, RNG), arena);
}

static int call_encrypt_to(world *w, ppml_arena *arena) {
  return ppml_encrypt_to(GIVEN(ppml_writer, WRITER), GIVEN(ppml_request, OUT),
                         GIVEN(ppml_secret_key, SECRET), GIVEN(uint8_t, PIXEL),
                         GIVEN(ppml_rng, RNG), arena);
}

static int call_run_begin(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_eval_key_run_begin(GIVEN(ppml_eval_key_run, OUT), GIVEN(ppml_secret_key, SECRET),
                                 GIVEN(ppml_rng, RNG));
}

static int call_run_make(world *w, ppml_arena *arena) {
  ppml_eval_key_run run;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 8);
  ck_assert(!ppml_eval_key_run_begin(&run, &w->secret, &rng));
  return ppml_eval_key_run_make(GIVEN(ppml_writer, WRITER), &run, GIVEN(ppml_secret_key, SECRET),
                                UINT64_MAX, arena);
}

static int call_decrypt_from(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_decrypt_from(GIVEN(ppml_answer, OUT), GIVEN(ppml_reader, READER),
                           GIVEN(ppml_limits, LIMITS), GIVEN(ppml_request, REQUEST),
                           GIVEN(ppml_secret_key, SECRET));
}

static int call_decrypt(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_decrypt(GIVEN(ppml_answer, OUT), GIVEN(ppml_output, OUTPUT), 0,
                      GIVEN(ppml_request, REQUEST), GIVEN(ppml_secret_key, SECRET));
}

static int call_decrypt_for_owner(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_decrypt_scores_for_owner(GIVEN(int32_t, OUT), GIVEN(ppml_output, OUTPUT), 0,
                                       GIVEN(ppml_request, REQUEST),
                                       GIVEN(ppml_secret_key, SECRET));
}

static int call_decrypt_flooded(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_decrypt_scores_flooded(GIVEN(int32_t, OUT), GIVEN(ppml_output, OUTPUT), 0,
                                     GIVEN(ppml_request, REQUEST), GIVEN(ppml_secret_key, SECRET),
                                     GIVEN(ppml_rng, RNG));
}

static int call_infer(world *w, ppml_arena *arena) {
  return ppml_infer(GIVEN(ppml_output, OUT), GIVEN(ppml_circuit, CIRCUIT), GIVEN(ppml_input, INPUT),
                    1, GIVEN(ppml_eval_key, EVAL), NULL, arena);
}

static int call_steps(world *w, ppml_arena *arena) {
  return ppml_steps_init(GIVEN(ppml_steps, OUT), GIVEN(ppml_eval_key, EVAL), 3, arena);
}

static int call_mimic(world *w, ppml_arena *arena) {
  return ppml_eval_key_mimic(GIVEN(ppml_eval_key, OUT), w->client.params, NULL, arena);
}

static int call_transform(world *w, ppml_arena *arena) {
  return ppml_transform_init(GIVEN(ppml_transform, OUT), 256, NULL, arena);
}

static int call_header(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_header_read(GIVEN(ppml_header, OUT), GIVEN(ppml_reader, READER),
                          GIVEN(ppml_limits, LIMITS));
}

static int call_container(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_container_check(GIVEN(ppml_header, OUT), GIVEN(ppml_reader, READER),
                              GIVEN(ppml_limits, LIMITS));
}

static int call_rng_init(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_rng_init(GIVEN(ppml_rng, OUT));
}

static int call_rng_callback(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_rng_init_callback(GIVEN(ppml_rng, OUT), some_entropy, NULL);
}

static int call_rng_bytes(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_rng_bytes(GIVEN(ppml_rng, RNG), w->argument[OUT], 32);
}

static int call_rng_mix(world *w, ppml_arena *arena) {
  (void)arena;
  return ppml_rng_mix(GIVEN(ppml_rng, RNG), w->argument[PIXEL], 4);
}

#define WRITES(kind, type, name)                                                                   \
  static int call_##kind##_write(world *w, ppml_arena *arena) {                                    \
    (void)arena;                                                                                   \
    return ppml_##kind##_write(GIVEN(type, name), GIVEN(ppml_writer, WRITER));                     \
  }
#define READS(kind, type)                                                                          \
  static int call_##kind##_read(world *w, ppml_arena *arena) {                                     \
    return ppml_##kind##_read(GIVEN(type, OUT), GIVEN(ppml_reader, READER),                        \
                              GIVEN(ppml_limits, LIMITS), arena);                                  \
  }
#define READS_FLAT(kind, type)                                                                     \
  static int call_##kind##_read(world *w, ppml_arena *arena) {                                     \
    (void)arena;                                                                                   \
    return ppml_##kind##_read(GIVEN(type, OUT), GIVEN(ppml_reader, READER),                        \
                              GIVEN(ppml_limits, LIMITS));                                         \
  }
WRITES(model, ppml_model, MODEL)
WRITES(circuit, ppml_circuit, CIRCUIT)
WRITES(client, ppml_client, CLIENT)
WRITES(secret_key, ppml_secret_key, SECRET)
WRITES(keyring, ppml_secret_key, SECRET)
WRITES(input, ppml_input, INPUT)
WRITES(output, ppml_output, OUTPUT)
READS(model, ppml_model)
READS(circuit, ppml_circuit)
READS_FLAT(client, ppml_client)
READS(input, ppml_input)
READS(output, ppml_output)

static int call_secret_key_read(world *w, ppml_arena *arena) {
  return ppml_secret_key_read(GIVEN(ppml_secret_key, OUT), GIVEN(ppml_client, CLIENT),
                              GIVEN(ppml_reader, READER), GIVEN(ppml_limits, LIMITS), arena);
}

static int call_keyring_read(world *w, ppml_arena *arena) {
  static ppml_client client;
  return ppml_keyring_read(GIVEN(ppml_secret_key, OUT), &client, GIVEN(ppml_reader, READER),
                           GIVEN(ppml_limits, LIMITS), arena);
}

/* ----------------------------------------------------------------- a table */

/* One public function.
 *   bytes     what the function says that it takes; NULL: it has no arena
 *   argument  those that must not be NULL, then NONE
 *   reads     what writes the container that READER has */
typedef struct contract {
  const char *name;
  int (*call)(world *w, ppml_arena *arena);
  size_t (*bytes)(const world *w);
  int argument[6];
  int (*reads)(world *w, ppml_arena *arena);
} contract;

static size_t predict_bytes(const world *w) {
  return ppml_model_predict_bytes(&w->model);
}
static size_t compile_bytes(const world *w) {
  return ppml_compile_bytes(&w->model);
}
static size_t decide_bytes(const world *w) {
  return ppml_decide_bytes(&w->model);
}
static size_t simulate_bytes(const world *w) {
  return ppml_simulate_bytes(&w->model);
}
static size_t float_bytes(const world *w) {
  return ppml_float_predict_bytes(&w->net);
}
static size_t quantize_bytes(const world *w) {
  return ppml_quantize_bytes(&w->net, IMAGES);
}
static size_t train_bytes(const world *w) {
  return ppml_train_bytes(&w->train, IMAGES, IMAGES, 1);
}
static size_t generate_bytes(const world *w) {
  return ppml_eval_key_generate_bytes(w->client.params, 1);
}
static size_t eval_key_bytes(const world *w) {
  return ppml_eval_key_read_bytes(w->client.params, 1);
}
static size_t stream_bytes(const world *w) {
  return ppml_eval_key_stream_bytes(w->client.params, 1);
}
static size_t prepare_bytes(const world *w) {
  return ppml_eval_key_prepare_bytes(&w->circuit);
}
static size_t input_bytes(const world *w) {
  return ppml_encrypt_bytes(w->client.params, &w->client.spec);
}
static size_t run_bytes(const world *w) {
  return ppml_eval_key_run_make_bytes(w->client.params);
}
static size_t encrypt_to_bytes(const world *w) {
  return ppml_encrypt_to_bytes(w->client.params, &w->client.spec);
}
static size_t infer_bytes(const world *w) {
  return ppml_infer_bytes(&w->circuit, 1, 1);
}
static size_t steps_bytes(const world *w) {
  return ppml_steps_init_bytes(w->client.params, 3);
}
static size_t mimic_bytes(const world *w) {
  return ppml_eval_key_mimic_bytes(w->client.params);
}
static size_t transform_bytes(const world *w) {
  (void)w;
  return ppml_transform_init_bytes(256);
}
static size_t secret_bytes(const world *w) {
  return ppml_secret_key_generate_bytes(w->client.params);
}
static size_t read_bytes(const world *w) {
  ppml_header header;
  ppml_reader reader = ppml_reader_from_memory(w->file, w->file_bytes);
  ck_assert(!ppml_header_read(&header, &reader, &w->limits));
  return ppml_read_bytes(&header);
}

static const contract contracts[] = {
    {"model_predict", call_predict, predict_bytes, {MODEL, PIXEL, OUT, NONE}, NULL},
    {"compile", call_compile, compile_bytes, {MODEL, PLAN, OUT, NONE}, NULL},
    {"decide", call_decide, decide_bytes, {MODEL, OUT, NONE}, NULL},
    {"simulate", call_simulate, simulate_bytes, {CIRCUIT, PIXEL, RNG, OUT, NONE}, NULL},
    {"float_predict", call_float_predict, float_bytes, {NET, PIXEL, OUT, NONE}, NULL},
    {"quantize", call_quantize, quantize_bytes, {NET, IMAGE, OUT, NONE}, NULL},
    {"train", call_train, train_bytes, {TRAIN, IMAGE, OUT, NONE}, NULL},
    {"secret_key_generate", call_secret_key, secret_bytes, {CLIENT, RNG, OUT, NONE}, NULL},
    {"eval_key_generate", call_eval_key, generate_bytes, {WRITER, SECRET, RNG, NONE}, NULL},
    {"eval_key_run_begin", call_run_begin, NULL, {SECRET, RNG, OUT, NONE}, NULL},
    {"eval_key_run_make", call_run_make, run_bytes, {WRITER, SECRET, NONE}, NULL},
    {"eval_key_read",
     call_eval_key_read,
     eval_key_bytes,
     {READER, LIMITS, OUT, NONE},
     call_eval_key},
    {"eval_key_stream",
     call_eval_key_stream,
     stream_bytes,
     {READER, LIMITS, OUT, NONE},
     call_eval_key},
    {"eval_key_prepare", call_prepare, prepare_bytes, {EVAL, CIRCUIT, NONE}, NULL},
    {"encrypt", call_encrypt, input_bytes, {SECRET, PIXEL, RNG, OUT, NONE}, NULL},
    {"encrypt_to",
     call_encrypt_to,
     encrypt_to_bytes,
     {WRITER, SECRET, PIXEL, RNG, OUT, NONE},
     NULL},
    {"decrypt", call_decrypt, NULL, {OUTPUT, REQUEST, SECRET, OUT, NONE}, NULL},
    {"decrypt_from",
     call_decrypt_from,
     NULL,
     {READER, LIMITS, REQUEST, SECRET, OUT, NONE},
     call_output_write},
    {"decrypt_scores_for_owner",
     call_decrypt_for_owner,
     NULL,
     {OUTPUT, REQUEST, SECRET, OUT, NONE},
     NULL},
    {"decrypt_scores_flooded",
     call_decrypt_flooded,
     NULL,
     {OUTPUT, REQUEST, SECRET, RNG, OUT, NONE},
     NULL},
    {"infer", call_infer, infer_bytes, {CIRCUIT, INPUT, EVAL, OUT, NONE}, NULL},
    {"steps_init", call_steps, steps_bytes, {EVAL, OUT, NONE}, NULL},
    {"eval_key_mimic", call_mimic, mimic_bytes, {OUT, NONE}, NULL},
    {"transform_init", call_transform, transform_bytes, {OUT, NONE}, NULL},
    {"header_read", call_header, NULL, {READER, LIMITS, OUT, NONE}, call_client_write},
    {"container_check", call_container, NULL, {READER, LIMITS, OUT, NONE}, call_client_write},
    {"rng_init", call_rng_init, NULL, {OUT, NONE}, NULL},
    {"rng_init_callback", call_rng_callback, NULL, {OUT, NONE}, NULL},
    {"rng_bytes", call_rng_bytes, NULL, {RNG, OUT, NONE}, NULL},
    {"rng_mix", call_rng_mix, NULL, {RNG, PIXEL, NONE}, NULL},
    {"model_write", call_model_write, NULL, {MODEL, WRITER, NONE}, NULL},
    {"circuit_write", call_circuit_write, NULL, {CIRCUIT, WRITER, NONE}, NULL},
    {"client_write", call_client_write, NULL, {CLIENT, WRITER, NONE}, NULL},
    {"secret_key_write", call_secret_key_write, NULL, {SECRET, WRITER, NONE}, NULL},
    {"input_write", call_input_write, NULL, {INPUT, WRITER, NONE}, NULL},
    {"output_write", call_output_write, NULL, {OUTPUT, WRITER, NONE}, NULL},
    {"model_read", call_model_read, read_bytes, {READER, LIMITS, OUT, NONE}, call_model_write},
    {"circuit_read",
     call_circuit_read,
     read_bytes,
     {READER, LIMITS, OUT, NONE},
     call_circuit_write},
    {"client_read", call_client_read, NULL, {READER, LIMITS, OUT, NONE}, call_client_write},
    {"secret_key_read",
     call_secret_key_read,
     read_bytes,
     {CLIENT, READER, LIMITS, OUT, NONE},
     call_secret_key_write},
    {"keyring_write", call_keyring_write, NULL, {SECRET, WRITER, NONE}, NULL},
    {"keyring_read",
     call_keyring_read,
     read_bytes,
     {READER, LIMITS, OUT, NONE},
     call_keyring_write},
    {"input_read", call_input_read, read_bytes, {READER, LIMITS, OUT, NONE}, call_input_write},
    {"output_read", call_output_read, read_bytes, {READER, LIMITS, OUT, NONE}, call_output_write}};
enum { CONTRACTS = sizeof contracts / sizeof contracts[0] };

/* What READER is to read. */
static void make_file(world *w, const contract *c) {
  if (c->reads == NULL) return;
  ppml_arena arena = arena_of(generate_bytes(w));
  reset(w);
  w->writer = ppml_writer_to_memory(w->file, w->wire_bytes);
  ck_assert_msg(c->reads(w, &arena) == PPML_OK, "%s: its file", c->name);
  w->file_bytes = w->writer.position;
  free(arena.memory);
}

/* Nothing but the first bytes were touched, and these are zeros: of a function that failed. */
static int is_unchanged_or_wiped(const uint8_t *bytes, size_t count) {
  size_t zeros = 0;
  while (zeros < count && bytes[zeros] == 0) zeros++;
  for (size_t i = zeros; i < count; i++)
    if (bytes[i] != FILL) return 0;
  return 1;
}

/* Calls, and on an error looks at what it left. */
static int call(world *w, const contract *c, ppml_arena *arena, const char *how) {
  size_t used = arena ? arena->used_bytes : 0;
  int error = c->call(w, arena);
  if (error == PPML_OK) return error;
  ck_assert_msg(!arena || arena->used_bytes == used, "%s, %s: %zu bytes are kept", c->name, how,
                arena ? arena->used_bytes - used : 0);
  ck_assert_msg(is_unchanged_or_wiped(w->out, sizeof w->out), "%s, %s: half an output", c->name,
                how);
  return error;
}

/* ----------------------------------------------------------------- checks */

/* An arena with something in it, and room for that many bytes more. */
static ppml_arena half_used(uint8_t *memory, size_t bytes) {
  ppml_arena arena;
  ck_assert(!ppml_arena_init(&arena, memory, USED_BYTES + bytes));
  arena.used_bytes = arena.high_bytes = USED_BYTES;
  return arena;
}

/* Is an object of zeros a wrong one, rather than a value like others? */
static int is_wrong_when_zeroed(int argument) {
  return argument != PIXEL && argument != LIMITS && argument != OUT;
}

static void check_argument(world *w, const contract *c, int argument, ppml_arena arena) {
  static uint8_t zeros[1 << 16];
  ppml_arena unset = {NULL, 0, 0, 0}, askew = arena;
  memset(zeros, 0, sizeof zeros);
  reset(w);
  if (argument == ARGUMENTS) { /* the arena's turn */
    ck_assert_msg(call(w, c, NULL, "NULL arena") == PPML_ERR_ARG, "%s: arena NULL", c->name);
    ck_assert_msg(call(w, c, &unset, "zeroed arena") == PPML_ERR_ARG, "%s: arena zeroed", c->name);
    askew.memory++;
    ck_assert_msg(call(w, c, &askew, "misaligned arena") == PPML_ERR_ALIGNMENT, "%s: misaligned",
                  c->name);
    return;
  }
  w->argument[argument] = NULL;
  ck_assert_msg(call(w, c, &arena, "NULL") == PPML_ERR_ARG, "%s: argument %d NULL", c->name,
                argument);
  if (!is_wrong_when_zeroed(argument)) return;
  reset(w);
  w->argument[argument] = zeros;
  int error = call(w, c, &arena, "zeroed");
  int expected = argument == RNG       ? PPML_ERR_RNG
                 : argument == PLAN    ? PPML_ERR_NAME    /* no set, and none is to be chosen */
                 : argument == REQUEST ? PPML_ERR_REQUEST /* one that is not open */
                                       : PPML_ERR_ARG;
  ck_assert_msg(error == expected, "%s: argument %d zeroed: %d", c->name, argument, error);
}

static void check_arguments(const char *params) {
  world *w = make_world(params, 1);
  for (int i = 0; i < CONTRACTS; i++) {
    const contract *c = &contracts[i];
    make_file(w, c);
    size_t bytes = c->bytes ? c->bytes(w) : 0;
    uint8_t *memory = (uint8_t *)memory_of(USED_BYTES + bytes);
    for (int a = 0; c->argument[a] != NONE; a++)
      check_argument(w, c, c->argument[a], half_used(memory, bytes));
    if (c->bytes && bytes) check_argument(w, c, ARGUMENTS, half_used(memory, bytes));
    free(memory);
  }
  free_world(w);
}

START_TEST(null_and_zeroed_arguments_are_refused) {
  check_arguments("leveled-16");
}
END_TEST

/* Calls with room for that many bytes.  Returns the error, and the most that was used. */
static int call_within(world *w, const contract *c, uint8_t *memory, size_t bytes, size_t *high) {
  ppml_arena arena = half_used(memory, bytes);
  reset(w);
  int error = call(w, c, &arena, "short of memory");
  ck_assert_msg(error == PPML_OK || error == PPML_ERR_NOMEM, "%s: %d", c->name, error);
  *high = arena.high_bytes - USED_BYTES;
  return error;
}

/* The least room, beyond `bytes`, with which the call gets further than it did; its end is where
 * the call fails one block short of an allocation. */
static size_t next_allocation(world *w, const contract *c, uint8_t *memory, size_t bytes,
                              size_t most) {
  size_t reached, high, low = bytes / PPML_ALIGNMENT, end = most / PPML_ALIGNMENT;
  (void)call_within(w, c, memory, bytes, &reached);
  while (end - low > 1) { /* short of low it gets no further, and with end it does */
    size_t middle = low + (end - low) / 2;
    int error = call_within(w, c, memory, middle * PPML_ALIGNMENT, &high);
    if (error == PPML_OK || high > reached) end = middle;
    else low = middle;
  }
  return end * PPML_ALIGNMENT;
}

/* Fails at each allocation in turn, one block short of it, and passes with what is said. */
static void check_memory(world *w, const contract *c) {
  size_t most = c->bytes(w), high, bytes = 0;
  uint8_t *memory = (uint8_t *)memory_of(USED_BYTES + most);
  ck_assert_msg(call_within(w, c, memory, most, &high) == PPML_OK, "%s: what it says", c->name);
  int is_bound = c->call == call_model_read || c->call == call_circuit_read ||
                 c->call == call_simulate; /* of any circuit of the model */
  ck_assert_msg(is_bound || high == most, "%s: takes %zu, says %zu", c->name, high, most);
  for (most = high; bytes < most;) {
    ck_assert_msg(call_within(w, c, memory, bytes, &high) == PPML_ERR_NOMEM, "%s: with %zu of %zu",
                  c->name, bytes, most);
    bytes = next_allocation(w, c, memory, bytes, most);
  }
  free(memory);
}

START_TEST(every_allocation_may_fail) {
  world *w = make_world("leveled-16", 1);
  for (int i = 0; i < CONTRACTS; i++) {
    if (contracts[i].bytes == NULL) continue;
    if (contracts[i].call == call_decide) continue; /* which polynomials do not let */
    make_file(w, &contracts[i]);
    check_memory(w, &contracts[i]);
  }
  free_world(w);
}
END_TEST

/* The same of a set with a bootstrap, but for its large keys. */
START_TEST(every_allocation_may_fail_with_bootstraps) {
  world *w = make_world("fast-block2", 1);
  for (int i = 0; i < CONTRACTS; i++) {
    const contract *c = &contracts[i];
    if (c->bytes == NULL || c->call == call_train || c->call == call_eval_key) continue;
    if (c->call == call_mimic || c->call == call_eval_key_read || c->call == call_infer ||
        c->call == call_prepare)
      continue;
    make_file(w, c);
    check_memory(w, c);
  }
  free_world(w);
}
END_TEST

/* Every reader, with every kind of damage: an end too early at some places, and another kind. */
START_TEST(damaged_files_leave_nothing) {
  world *w = make_world("leveled-16", 1);
  for (int i = 0; i < CONTRACTS; i++) {
    const contract *c = &contracts[i];
    if (c->reads == NULL) continue;
    make_file(w, c);
    size_t bytes = c->bytes ? c->bytes(w) : 0, whole = w->file_bytes;
    uint8_t *memory = (uint8_t *)memory_of(USED_BYTES + bytes);
    for (size_t part = 0; part < 8; part++) {
      ppml_arena arena = half_used(memory, bytes);
      w->file_bytes = whole * part / 8;
      reset(w);
      if (c->call == call_header && w->file_bytes >= PPMLI_HEADER_BYTES) continue;
      if (c->call == call_eval_key_stream && w->file_bytes >= PPMLI_HEADER_BYTES) continue;
      ck_assert_msg(call(w, c, &arena, "cut short") != PPML_OK, "%s: %zu/8", c->name, part);
    }
    free(memory);
  }
  free_world(w);
}
END_TEST

/* Objects of another circuit and another key. */
START_TEST(what_does_not_belong_together_leaves_nothing) {
  static const struct {
    int (*call)(world *w, ppml_arena *arena);
    int argument;
  } pairs[] = {{call_infer, CIRCUIT},  {call_infer, INPUT},    {call_infer, EVAL},
               {call_decrypt, SECRET}, {call_decrypt, OUTPUT}, {call_prepare, CIRCUIT}};
  world *w = make_world("leveled-16", 1), *other = make_world("leveled-16", 2);
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    for (int k = 0; k < CONTRACTS; k++) {
      if (contracts[k].call != pairs[i].call) continue;
      size_t bytes = contracts[k].bytes ? contracts[k].bytes(w) : 0;
      uint8_t *memory = (uint8_t *)memory_of(USED_BYTES + bytes);
      ppml_arena arena = half_used(memory, bytes);
      reset(w);
      w->argument[pairs[i].argument] = other->argument[pairs[i].argument];
      ck_assert_msg(call(w, &contracts[k], &arena, "mismatch") == PPML_ERR_MISMATCH, "%s: pair %zu",
                    contracts[k].name, i);
      free(memory);
    }
  free_world(w);
  free_world(other);
}
END_TEST

/* A refused plan: the set is for the other kind of network. */
START_TEST(a_refused_plan_leaves_nothing) {
  world *w = make_world("leveled-16", 1);
  uint8_t memory[4096] PPML_ALIGNED;
  for (int i = 0; i < CONTRACTS; i++) {
    const contract *c = &contracts[i];
    if (c->call != call_compile) continue;
    ppml_arena arena = half_used(memory, sizeof memory - USED_BYTES);
    reset(w);
    w->plan.params = ppml_params_by_name("precise");
    ck_assert_int_eq(call(w, c, &arena, "refused"), PPML_ERR_PARAMS);
    w->plan.params = w->client.params;
  }
  free_world(w);
}
END_TEST

/* ----------------------------------------------------------- without errors */

/* Functions that return no error, of NULL and of zeros. */
START_TEST(sizes_and_predictions_of_nothing_are_zero) {
  static const world zeros;
  ppml_noise noise;
  ppml_certificate certificate;
  ppml_client client;
  uint8_t answer = FILL;
  const ppml_params *p = ppml_params_by_name("fast");
  for (int is_null = 0; is_null < 2; is_null++) {
    const ppml_model *model = is_null ? NULL : &zeros.model;
    const ppml_circuit *circuit = is_null ? NULL : &zeros.circuit;
    const ppml_spec *spec = is_null ? NULL : &zeros.model.spec;
    const ppml_header header = {0, 0, NULL, 0, {0}, {0}};
    const size_t sizes[] = {ppml_model_predict_bytes(model),
                            ppml_compile_bytes(model),
                            ppml_decide_bytes(model),
                            ppml_simulate_bytes(model),
                            ppml_infer_bytes(circuit, 1, 1),
                            ppml_eval_key_prepare_bytes(circuit),
                            ppml_circuit_pbs_count(circuit),
                            ppml_spec_inputs(spec),
                            ppml_spec_answer_bytes(spec),
                            ppml_encrypt_bytes(p, spec),
                            ppml_encrypt_bytes(NULL, spec),
                            ppml_encrypt_to_bytes(NULL, spec),
                            ppml_input_wire_bytes(p, spec),
                            ppml_output_wire_bytes(p, spec, 1),
                            ppml_eval_key_read_bytes(NULL, 1),
                            ppml_eval_key_memory_bytes(NULL),
                            ppml_eval_key_mimic_bytes(NULL),
                            ppml_steps_init_bytes(NULL, 1),
                            ppml_steps_init_bytes(p, 0),
                            ppml_steps_count(NULL, PPML_STEP_BOOTSTRAP, 1),
                            ppml_transform_init_bytes(100),
                            ppml_params_block(NULL),
                            ppml_circuit_pbs_rounds(circuit),
                            ppml_eval_key_stream_bytes(NULL, 1),
                            ppml_eval_key_generate_bytes(NULL, 1),
                            ppml_eval_key_run_make_bytes(NULL),
                            ppml_eval_key_wire_bytes(NULL),
                            ppml_output_lwe_words(NULL),
                            ppml_read_bytes(is_null ? NULL : &header),
                            ppml_train_bytes(is_null ? NULL : &zeros.train, 1, 1, 1),
                            ppml_float_predict_bytes(is_null ? NULL : &zeros.net),
                            ppml_quantize_bytes(is_null ? NULL : &zeros.net, 1)};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
      ck_assert_msg(sizes[i] == 0, "size %zu: %zu", i, sizes[i]);
    ppml_circuit_noise(&noise, circuit);
    ppml_circuit_certificate(&certificate, circuit);
    ppml_client_from_circuit(&client, circuit);
    ppml_spec_answer(&answer, spec, NULL);
    ck_assert(noise.score == 0 && certificate.layer_count == 0 && client.params == NULL);
    ck_assert(answer == FILL && ppml_circuit_failure_log2(circuit) == 0);
    ck_assert(ppml_leveled_refusal(model) != NULL && ppml_exact_refusal(model) != NULL &&
              !ppml_spec_same_answer(spec, NULL, NULL));
    ck_assert(ppml_compile_options_default(spec).params == NULL);
    ck_assert_int_eq(ppml_circuit_score_peak(circuit, 0), INT32_MAX);
  }
  ck_assert(ppml_params_security_bits(NULL) == 0 && ppml_params_by_name(NULL) == NULL);
}
END_TEST

START_TEST(nothing_is_done_to_nothing) {
  const ppml_interval none = ppml_expectation_interval(NULL, 1, 0, 0.9);
  const ppml_outlook nothing = {{0, 0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0, 0}, 0};
  ck_assert(none.expected == 0 && ppml_outlook_agreement(NULL, 0.9).high == 0);
  ck_assert(ppml_outlook_agreement(&nothing, 0.9).high == 0);
  ck_assert(ppml_outlook_score_error(&nothing, 0.9).high == 0);
  ppml_expectation_draw(NULL, 1);
  ppml_expectation_next(NULL);
  ppml_outlook_add(NULL, NULL, NULL, NULL, 1);
  ppml_circuit_noise(NULL, NULL);
  ppml_circuit_certificate(NULL, NULL);
  ppml_client_from_circuit(NULL, NULL);
  ppml_secret_key_wipe(NULL);
  ppml_eval_key_run_wipe(NULL);
  ck_assert_int_eq(ppml_eval_key_run_seek(NULL, 0), PPML_ERR_ARG);
  ppml_rng_wipe(NULL);
  ppml_rng_init_for_tests(NULL, 1);
  const int32_t score = INT32_MAX, seen = 1;
  ck_assert(!ppml_scores_are_unseen(NULL, &seen, 1) && !ppml_scores_are_unseen(&score, NULL, 1));
  ck_assert(ppml_scores_are_unseen(&score, &seen, 1));
  ppml_reader reader = ppml_reader_from_memory(NULL, 5);
  ppml_writer writer = ppml_writer_to_memory(NULL, 5);
  uint8_t byte;
  ck_assert_uint_eq(reader.read(&reader, &byte, 1), 0);
  ck_assert_int_ne(writer.write(&writer, &byte, 1), 0);
}
END_TEST

START_TEST(an_arena_never_gives_more_than_it_has) {
  uint8_t memory[256] PPML_ALIGNED;
  ppml_arena arena = half_used(memory, 128);
  ppml_arena_release(&arena, 4096); /* a mark of another one */
  ck_assert_uint_eq(arena.used_bytes, USED_BYTES);
  ck_assert_ptr_null(ppmli_arena_alloc(&arena, 1 << 20));
  ppml_arena_release(NULL, 0);
  ck_assert_uint_eq(ppml_arena_mark(NULL), 0);
  arena.used_bytes = 1024; /* by another hand */
  ck_assert_ptr_null(ppmli_arena_alloc(&arena, 64));
}
END_TEST

START_TEST(absurd_numbers_of_threads_are_refused) {
  const ppml_params *p = ppml_params_by_name("fast");
  ck_assert_uint_eq(ppml_eval_key_read_bytes(p, SIZE_MAX / 1000), 0);
  ck_assert_uint_eq(ppml_eval_key_generate_bytes(p, SIZE_MAX / 4), 0);
  ck_assert_uint_eq(ppml_eval_key_stream_bytes(p, PPML_THREADS_MAX + 1), 0);
  ck_assert_uint_gt(ppml_eval_key_stream_bytes(p, PPML_THREADS_MAX), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("contract");
  TCase *error = test_case(suite, "error"), *oom = test_case(suite, "oom");
  tcase_add_test(error, null_and_zeroed_arguments_are_refused);
  tcase_add_test(error, damaged_files_leave_nothing);
  tcase_add_test(error, what_does_not_belong_together_leaves_nothing);
  tcase_add_test(error, a_refused_plan_leaves_nothing);
  tcase_add_test(error, sizes_and_predictions_of_nothing_are_zero);
  tcase_add_test(error, nothing_is_done_to_nothing);
  tcase_add_test(error, an_arena_never_gives_more_than_it_has);
  tcase_add_test(error, absurd_numbers_of_threads_are_refused);
  tcase_add_test(oom, every_allocation_may_fail);
  tcase_add_test(oom, every_allocation_may_fail_with_bootstraps);
  return test_run(suite);
}
