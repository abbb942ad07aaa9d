/* threads.c - objects that a program may share between threads, used by several at a time: circuit,
 * client spec, secret key, evaluation key in memory, prepared and streamed, encrypted images and
 * scores.  For ThreadSanitizer, which sees a race even where it does no harm; and scores must be
 * those of one thread alone.
 *
 *     cc -fsanitize=thread -I. tests/threads.c -lm -pthread -o threads && ./threads */
#define PPML_IMPLEMENTATION
#define PPML_NO_TRAIN
#include "ppml.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2, INPUTS = 16 };

static void require(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "tests/threads.c: %s\n", what);
  exit(1);
}

static void *take(size_t bytes) {
  void *memory = NULL;
  require(posix_memalign(&memory, PPML_ALIGNMENT, bytes ? bytes : 1) == 0, "out of memory");
  return memory;
}

static ppml_arena arena_of(size_t bytes) {
  ppml_arena arena;
  require(ppml_arena_init(&arena, take(bytes), bytes) == PPML_OK, "arena");
  return arena;
}

/* ---------------------------------------------------------------- network */

static int8_t hidden_weight[2 * INPUTS], last_weight[2] = {3, -2};
static int32_t hidden_bias[2] = {4, -6}, last_bias[1], range[2] = {127, 127}, peak[2] = {500, 500};
static int32_t square[2] = {1, 1}, linear[2], score_peak[1] = {100000};

/* 4 x 4 pixels, two hidden neurons, one score. */
static void make_model(ppml_model *m, int is_polynomial) {
  const ppml_spec spec = {4,   4,   1,         4, 2, 1, 10, {"no", "yes"}, PPML_TASK_CLASS,
                          {0}, {0}, {0, 0, 0}, 0};
  ppml_layer *hidden = &m->layer[0], *last = &m->layer[1];
  memset(m, 0, sizeof *m);
  m->spec = spec;
  m->layer_count = 2;
  m->margin_p05 = 5000;
  for (int i = 0; i < 2 * INPUTS; i++) hidden_weight[i] = (int8_t)(i % 7 - 3);
  hidden->inputs = INPUTS;
  hidden->outputs = last->inputs = 2;
  hidden->weight_bits = last->weight_bits = 4;
  hidden->weight = hidden_weight;
  hidden->bias = hidden_bias;
  hidden->activation = is_polynomial ? PPML_ACTIVATION_POLYNOMIAL : PPML_ACTIVATION_SIGN;
  hidden->range = is_polynomial ? NULL : range;
  hidden->peak = is_polynomial ? NULL : peak;
  hidden->square = is_polynomial ? square : NULL;
  hidden->linear = is_polynomial ? linear : NULL;
  last->outputs = 1;
  last->weight = last_weight;
  last->bias = last_bias;
  last->peak = is_polynomial ? score_peak : NULL;
}

/* ----------------------------------------------------------------- shared */

/* What all threads use at once, made by one. */
typedef struct shared {
  ppml_circuit circuit;
  ppml_client client;
  ppml_secret_key secret;
  ppml_eval_key eval, stream;
  ppml_input input;
  ppml_request request;
  uint8_t pixels[INPUTS], *wire;
  size_t wire_bytes;
  ppml_reader reader;
  int32_t score; /* of one thread */
  ppml_arena arena;
} shared;

static int32_t infer(const shared *s, const ppml_eval_key *key) {
  ppml_arena arena = arena_of(ppml_infer_bytes(&s->circuit, 1, 1));
  ppml_output output;
  ppml_request request = s->request; /* of this thread: one that is answered is closed */
  int32_t score = 0;
  int error = ppml_infer(&output, &s->circuit, &s->input, 1, key, NULL, &arena);
  if (error == PPML_OK)
    error = ppml_decrypt_scores_for_owner(&score, &output, 0, &request, &s->secret);
  free(arena.memory);
  require(error == PPML_OK || (error == PPML_ERR_BUSY && key == &s->stream), "inference failed");
  return error ? INT32_MIN : score;
}

static void make_keys(shared *s) {
  const ppml_params *p = s->client.params;
  ppml_rng rng;
  ppml_limits limits = ppml_limits_default();
  ppml_arena scratch = arena_of(ppml_eval_key_generate_bytes(p, 1));
  s->wire_bytes = ppml_eval_key_wire_bytes(p);
  s->wire = (uint8_t *)take(s->wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(s->wire, s->wire_bytes);
  ppml_rng_init_for_tests(&rng, 1);
  require(!ppml_secret_key_generate(&s->secret, &s->client, &rng, &s->arena), "secret key");
  require(!ppml_eval_key_generate(&writer, &s->secret, &rng, NULL, NULL, &scratch), "eval key");
  require(!ppml_encrypt(&s->input, &s->request, &s->secret, s->pixels, &rng, &s->arena), "encrypt");
  ppml_reader reader = ppml_reader_from_memory(s->wire, s->wire_bytes);
  require(!ppml_eval_key_read(&s->eval, &reader, &limits, &s->circuit, NULL, NULL, &s->arena),
          "read");
  s->reader = ppml_reader_from_memory(s->wire, s->wire_bytes);
  require(!ppml_eval_key_stream(&s->stream, &s->reader, &limits, &s->circuit, NULL, 1, &s->arena),
          "stream");
  free(scratch.memory);
}

static void make_shared(shared *s, const char *params, int is_prepared) {
  const ppml_params *p = ppml_params_by_name(params);
  ppml_model model;
  memset(s, 0, sizeof *s);
  make_model(&model, p->slots != 0);
  s->arena = arena_of(ppml_eval_key_read_bytes(p, 1) + ppml_eval_key_stream_bytes(p, 1) +
                      ppml_encrypt_bytes(p, &model.spec) + (1 << 22));
  const ppml_compile_options options = ppml_compile_options_for(p);
  require(!ppml_compile(&s->circuit, &model, &options, NULL, &s->arena), "compile");
  ppml_client_from_circuit(&s->client, &s->circuit);
  for (int i = 0; i < INPUTS; i++) s->pixels[i] = (uint8_t)(37 * i);
  make_keys(s);
  if (is_prepared) require(!ppml_eval_key_prepare(&s->eval, &s->circuit, &s->arena), "prepare");
  s->score = infer(s, &s->eval);
}

/* ---------------------------------------------------------------- threads */

/* All that does not change what is shared. */
static void use_objects(const shared *s, uint64_t seed) {
  ppml_rng rng;
  ppml_input input;
  ppml_request request;
  ppml_certificate certificate;
  ppml_noise noise;
  uint8_t bytes[1 << 16];
  int32_t scores[2];
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_arena arena = arena_of(ppml_encrypt_bytes(s->client.params, &s->client.spec) +
                              ppml_simulate_bytes(&s->circuit.model));
  require(!ppml_rng_init(&rng), "entropy");
  require(!ppml_encrypt(&input, &request, &s->secret, s->pixels, &rng, &arena),
          "encrypt in a thread");
  ppml_rng_init_for_tests(&rng, seed);
  require(!ppml_simulate(scores, &s->circuit, s->pixels, 2, &rng, &arena), "simulate in a thread");
  require(!ppml_circuit_write(&s->circuit, &writer), "write a circuit in a thread");
  writer = ppml_writer_to_memory(bytes, sizeof bytes);
  require(!ppml_secret_key_write(&s->secret, &writer), "write a key in a thread");
  ppml_circuit_certificate(&certificate, &s->circuit);
  ppml_circuit_noise(&noise, &s->circuit);
  free(arena.memory);
}

typedef struct job {
  const shared *s;
  uint64_t seed;
  int refused, served; /* by the streamed key */
} job;

static void *work(void *argument) {
  job *j = (job *)argument;
  use_objects(j->s, j->seed);
  require(infer(j->s, &j->s->eval) == j->s->score, "another score from a key in memory");
  int32_t score = infer(j->s, &j->s->stream);
  require(score == INT32_MIN || score == j->s->score, "another score from a streamed key");
  if (score == INT32_MIN) j->refused++;
  else j->served++;
  return NULL;
}

/* Threads do all of it at once. */
static void check_threads(const shared *s, const char *params) {
  pthread_t threads[THREADS];
  job jobs[THREADS];
  int refused = 0, served = 0;
  for (int i = 0; i < THREADS; i++) {
    jobs[i].s = s;
    jobs[i].seed = (uint64_t)i;
    jobs[i].refused = jobs[i].served = 0;
    require(pthread_create(&threads[i], NULL, work, &jobs[i]) == 0, "thread");
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    refused += jobs[i].refused;
    served += jobs[i].served;
  }
  require(served > 0, "the streamed key served nobody");
  printf("tests/threads.c: %s: %d threads; the streamed key served %d calls and refused %d\n",
         params, THREADS, served, refused);
}

/* ------------------------------------------------------------ in a reading */

/* A reader from whose callback another thread asks for the same key. */
typedef struct nested {
  shared *s;
  ppml_reader inner;
  int asks, refused;
} nested;

static void *ask(void *argument) {
  nested *n = (nested *)argument;
  n->refused += infer(n->s, &n->s->stream) == INT32_MIN;
  return NULL;
}

static size_t nested_read(ppml_reader *self, void *bytes, size_t count) {
  nested *n = (nested *)self->context;
  pthread_t thread;
  if (n->asks > 0) {
    n->asks--;
    ask(n); /* this thread, then another one */
    require(pthread_create(&thread, NULL, ask, n) == 0, "thread");
    pthread_join(thread, NULL);
  }
  return n->inner.read(&n->inner, bytes, count);
}

static int nested_rewind(ppml_reader *self) {
  nested *n = (nested *)self->context;
  return n->inner.rewind(&n->inner);
}

/* A call is refused for as long as another one runs, and no longer. */
static void check_nested(shared *s) {
  ppml_limits limits = ppml_limits_default();
  nested n = {s, ppml_reader_from_memory(s->wire, s->wire_bytes), 0, 0};
  ppml_reader reader = {nested_read, nested_rewind, NULL, 0, 0, 0};
  ppml_arena arena = arena_of(ppml_eval_key_stream_bytes(s->client.params, 1));
  reader.context = &n;
  require(!ppml_eval_key_stream(&s->stream, &reader, &limits, &s->circuit, NULL, 1, &arena),
          "stream");
  for (int run = 0; run < 2; run++) {
    n.asks = 2;
    n.refused = 0;
    require(infer(s, &s->stream) == s->score, "another score where a call was refused");
    require(n.refused == 4, "a streamed key served two calls at a time");
  }
  free(arena.memory);
}

static void check_set(const char *params, int is_prepared) {
  shared *s = (shared *)take(sizeof *s);
  make_shared(s, params, is_prepared);
  check_threads(s, params);
  if (s->client.params->slots) check_nested(s); /* by bootstraps it would take a minute */
  free(s->wire);
  free(s->arena.memory);
  free(s);
}

int main(void) {
  check_set("fast-block2", 0);
  check_set("leveled-16", 0);
  check_set("leveled-16", 1);
  return 0;
}
