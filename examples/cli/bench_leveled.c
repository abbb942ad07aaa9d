#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "json.h"
#include "measure.h"

#define IMAGE_REPEATS 7 /* of inference, which is long enough alone */

enum { SIDE = 28, INPUTS = SIDE * SIDE, SLOTS = 128 }; /* of the widest set */

/* Of pooled networks: patches of 2 x 2 of an image twice as wide, so that there are SIDE x SIDE
 * latents a channel, up to 4 channels. */
enum { PATCH = 2, PIXELS = PATCH * PATCH * INPUTS, LATENTS = 4 * INPUTS, SQUARES_MAX = 4096 };

typedef struct leveled_result {
  bench_ffts ffts;
  bench_keys keys;
  double switch_us, trace_us, product_us;
  double image_ms[BENCH_BATCHES], image_threads_ms[BENCH_BATCHES];
  double encrypt_ms, decrypt_ms;
  size_t input_bytes, output_bytes;
} leveled_result;

/* ----------------------------------------------------------------- network */

/* A network of random weights, as wide as the set allows. */
typedef struct network {
  ppml_model model;
  int8_t hidden[SLOTS * INPUTS], last[SLOTS];
  int32_t bias[SLOTS], square[SLOTS], linear[SLOTS], shift, peak;
  int8_t pooled_square[SQUARES_MAX];
  int32_t pooled_linear[LATENTS];
  int64_t pooled_bias, pooled_peak;
  uint8_t mean[PATCH * PATCH];
} network;

/* -1, 0 and 1 by the high half of a linear congruence: they need not be secret. */
static void draw_weights(int8_t *weight, size_t count, uint32_t state) {
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    weight[i] = (int8_t)((state >> 16) % 3) - 1;
  }
}

/* Channels, regions and kernel that fill a pooled set: 16, 32 or 64 sub-images. */
static void make_shape(ppml_encoder *e, const ppml_params *p) {
  uint32_t sub_images = p->poly_size / p->slots;
  e->kind = PPML_ENCODER_PATCHES;
  e->patch = PATCH;
  e->standardise = 1;
  e->channels = sub_images == 32 ? 2 : 4;
  e->regions = sub_images == 16 ? 2 : 4;
  e->reach = sub_images == 64 ? 2 : 3;
}

/* A pooled network of random weights, as wide as the set allows. */
static void make_pooled(network *n, const ppml_params *p) {
  const ppml_spec spec = {PATCH * SIDE,  PATCH * SIDE,    1,   5,   2,         1, 1,
                          {"no", "yes"}, PPML_TASK_CLASS, {0}, {0}, {0, 0, 0}, 0};
  n->model.spec = spec;
  n->model.layer_count = 0;
  make_shape(&n->model.spec.encoder, p);
  draw_weights(n->model.spec.encoder.weight, (size_t)PATCH * PATCH * 4, 3);
  draw_weights(n->pooled_square, sizeof n->pooled_square, 4);
  n->pooled_peak = 1 << 18;
  n->model.pooled.square = n->pooled_square;
  n->model.pooled.linear = n->pooled_linear;
  n->model.pooled.bias = &n->pooled_bias;
  n->model.pooled.peak = &n->pooled_peak;
  n->model.pooled.mean = n->mean;
}

static void make_network(network *n, const ppml_params *p) {
  const ppml_spec spec = {SIDE, SIDE, 1,         4, 2, 1, 1, {"no", "yes"}, PPML_TASK_CLASS,
                          {0},  {0},  {0, 0, 0}, 0};
  const ppml_layer layers[] = {
      {INPUTS, p->slots, PPML_ACTIVATION_POLYNOMIAL, 2, n->hidden, n->bias, NULL, NULL, NULL,
       n->square, n->linear},
      {p->slots, 1, PPML_ACTIVATION_NONE, 2, n->last, &n->shift, NULL, &n->peak, NULL, NULL, NULL}};
  memset(n, 0, sizeof *n);
  draw_weights(n->hidden, sizeof n->hidden, 1);
  draw_weights(n->last, sizeof n->last, 2);
  for (uint32_t j = 0; j < SLOTS; j++) n->square[j] = 1;
  n->peak = 1 << 21;
  n->model.spec = spec;
  n->model.layer_count = 2;
  n->model.margin_p05 = 1;
  memcpy(n->model.layer, layers, sizeof layers);
  if (p->kind == PPML_SET_POOLED) make_pooled(n, p);
}

/* ------------------------------------------------------------- measurement */

/* Both sides of the network: who infers, and who asks. */
typedef struct session {
  network net;
  ppml_circuit circuit;
  keyring own;
  ppml_eval_key key;
  ppml_rng rng;
  uint8_t pixels[PIXELS];
  ppml_input input[MEASURE_BATCH_MAX];
  ppml_request request[MEASURE_BATCH_MAX];
  measure_images images;
  ppml_arena encryption;
} session;

static void run_encrypt(void *context) {
  session *s = (session *)context;
  ppml_input input;
  ppml_request request;
  ppml_arena_release(&s->encryption, 0);
  if (ppml_encrypt(&input, &request, &s->own.secret, s->pixels, &s->rng, &s->encryption)) abort();
}

static void run_decrypt(void *context) {
  session *s = (session *)context;
  ppml_answer answer;
  ppml_request request = s->request[0]; /* a copy that is open every time */
  if (ppml_decrypt(&answer, &s->images.output, 0, &request, &s->own.secret) != PPML_OK) abort();
}

static int encrypt_images(session *s, ppml_arena *arena) {
  int error = PPML_OK;
  for (size_t i = 0; i < MEASURE_BATCH_MAX && error == PPML_OK; i++) {
    error = ppml_rng_bytes(&s->rng, s->pixels, sizeof s->pixels);
    if (error == PPML_OK)
      error = ppml_encrypt(&s->input[i], &s->request[i], &s->own.secret, s->pixels, &s->rng, arena);
  }
  return error;
}

static size_t session_bytes(const session *s, const bench_request *r) {
  size_t input_bytes = ppml_encrypt_bytes(r->params, &s->net.model.spec);
  return ppml_arena_alloc_bytes(ppml_infer_bytes(&s->circuit, MEASURE_BATCH_MAX, r->threads)) +
         bench_key_bytes(r) + ppml_eval_key_prepare_bytes(&s->circuit) +
         MEASURE_BATCH_MAX * input_bytes + ppml_arena_alloc_bytes(input_bytes);
}

static int session_init(session *s, leveled_result *result, const bench_request *r,
                        const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_client_from_circuit(&s->own.client, &s->circuit);
  size_t infer_bytes = ppml_infer_bytes(&s->circuit, MEASURE_BATCH_MAX, r->threads);
  int error = bench_key(&result->keys, &s->key, &s->own, r, parallel, arena);
  if (error == PPML_OK) error = ppml_eval_key_prepare(&s->key, &s->circuit, arena);
  if (error == PPML_OK) error = ppml_rng_init(&s->rng);
  if (error == PPML_OK) error = encrypt_images(s, arena);
  if (error == PPML_OK)
    error =
        cli_arena_part(&s->encryption, ppml_encrypt_bytes(r->params, &s->own.client.spec), arena);
  if (error == PPML_OK) error = cli_arena_part(&s->images.arena, infer_bytes, arena);
  s->images.circuit = &s->circuit;
  s->images.key = &s->key;
  s->images.inputs = s->input;
  return error;
}

/* Milliseconds an image of a batch. */
static double image_ms(measure_images *images, size_t batch, const ppml_parallel *parallel) {
  images->images = batch;
  images->parallel = parallel;
  return measure_ms(measure_infer, images, MEASURE_TIMING_MS, IMAGE_REPEATS) / (double)batch;
}

static void bench_images(leveled_result *result, session *s, const ppml_parallel *parallel) {
  for (int i = 0; i < BENCH_BATCHES; i++) {
    result->image_ms[i] = image_ms(&s->images, bench_batches[i], NULL);
    result->image_threads_ms[i] = image_ms(&s->images, bench_batches[i], parallel);
  }
  result->encrypt_ms = measure_ms(run_encrypt, s, MEASURE_TIMING_MS, MEASURE_REPEATS);
  result->decrypt_ms = measure_ms(run_decrypt, s, MEASURE_TIMING_MS, MEASURE_REPEATS);
}

static int bench_steps(leveled_result *result, const ppml_eval_key *key, ppml_arena *arena) {
  ppml_steps steps;
  int error = ppml_steps_init(&steps, key, 1, arena);
  if (error) return error;
  result->switch_us = 1e3 * measure_step_ms(&steps, PPML_STEP_GLWE_SWITCH, 1, MEASURE_REPEATS);
  result->trace_us = 1e3 * measure_step_ms(&steps, PPML_STEP_TRACE, 1, MEASURE_REPEATS);
  result->product_us = 1e3 * measure_step_ms(&steps, PPML_STEP_PRODUCT, 1, MEASURE_REPEATS);
  return PPML_OK;
}

static int bench(leveled_result *result, session *s, const bench_request *r,
                 const ppml_parallel *parallel, ppml_arena *arena) {
  const ppml_spec *spec = &s->net.model.spec;
  int error = bench_fft(&result->ffts, r, arena);
  if (error == PPML_OK) error = session_init(s, result, r, parallel, arena);
  if (error == PPML_OK) error = bench_steps(result, &s->key, arena);
  if (error) return error;
  bench_images(result, s, parallel);
  result->input_bytes = ppml_input_wire_bytes(r->params, spec);
  result->output_bytes = ppml_output_wire_bytes(r->params, spec, 1);
  return PPML_OK;
}

/* ------------------------------------------------------------------ report */

static void report_json(const leveled_result *b, const bench_request *r) {
  json_begin(NULL, '{');
  bench_json_ffts(&b->ffts, r);
  json_real("glwe_switch_us", b->switch_us);
  json_real("trace_step_us", b->trace_us);
  json_real("product_us", b->product_us);
  bench_json_batches("image_ms", b->image_ms);
  json_integer("threads", (int64_t)r->threads);
  bench_json_batches("image_threads_ms", b->image_threads_ms);
  json_real("encrypt_ms", b->encrypt_ms);
  json_real("decrypt_ms", b->decrypt_ms);
  bench_json_keys(&b->keys, r);
  json_integer("input_bytes", (int64_t)b->input_bytes);
  json_integer("output_bytes", (int64_t)b->output_bytes);
  json_end('}');
}

static void report_table(const leveled_result *b, const bench_request *r) {
  bench_print_ffts(&b->ffts, r);
  printf("GLWE key switch              %9.2f us\n", b->switch_us);
  printf("step of a trace              %9.2f us\n", b->trace_us);
  printf("product, relinearized        %9.2f us\n", b->product_us);
  int is_pooled = r->params->kind == PPML_SET_POOLED;
  uint32_t width = is_pooled ? r->params->poly_size / r->params->slots : r->params->slots;
  for (int i = 0; i < BENCH_BATCHES; i++)
    printf("image, %3u %s    %9.3f ms   batch of %2zu   (%zu threads: %.3f ms)\n", width,
           is_pooled ? "sub-images    " : "hidden neurons", b->image_ms[i], bench_batches[i],
           r->threads, b->image_threads_ms[i]);
  printf("encryption of an image       %9.3f ms   %.1f KB on the wire\n", b->encrypt_ms,
         (double)b->input_bytes / 1e3);
  printf("decryption of its score      %9.3f ms   %.1f KB on the wire\n", b->decrypt_ms,
         (double)b->output_bytes / 1e3);
  bench_print_keys(&b->keys, r);
}

/* -------------------------------------------------------------------- run */

/* Compiles the network; its gains are in `gains`. */
static int compile(session *s, const bench_request *r, ppml_arena *gains) {
  make_network(&s->net, r->params);
  int status = cli_arena_create(gains, ppml_compile_bytes(&s->net.model));
  if (status) return status;
  const ppml_compile_options options = ppml_compile_options_for(r->params);
  int error = ppml_compile(&s->circuit, &s->net.model, &options, NULL, gains);
  if (error == PPML_OK) return CLI_OK;
  cli_arena_destroy(gains);
  return cli_fail_ppml(error, "bench", "a network that fits the set");
}

int bench_leveled(const bench_request *r, pool *threads) {
  static session s;
  leveled_result result;
  ppml_arena gains, arena;
  memset(&result, 0, sizeof result);
  int status = compile(&s, r, &gains);
  if (status) return status;
  status = cli_arena_create(&arena, bench_fft_bytes() + session_bytes(&s, r) +
                                        ppml_steps_init_bytes(r->params, 1));
  if (status == CLI_OK) {
    int error = bench(&result, &s, r, &threads->parallel, &arena);
    if (error) status = cli_fail_ppml(error, "bench", "enough memory");
    cli_arena_destroy(&arena);
  }
  keyring_wipe(&s.own);
  ppml_rng_wipe(&s.rng);
  cli_arena_destroy(&gains);
  if (status) return status;
  if (r->json) report_json(&result, r);
  else report_table(&result, r);
  return CLI_OK;
}
