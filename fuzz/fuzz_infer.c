/* fuzz_infer.c - a network, an image and a parameter set made of any bytes, run encrypted: compiled,
 * written and read back, simulated, inferred with a key in memory and with the same key streamed,
 * decrypted.  Scores must be what noise of 10 standard deviations can make of the clear ones, of
 * exact sets the clear ones themselves; a hostile image or evaluation key must do no harm.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_infer fuzz/fuzz_infer.c -lm
 *     mkdir -p /tmp/new && ./fuzz_infer -max_len=512 -rss_limit_mb=4096 /tmp/new fuzz/corpus/infer
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"
#include "network.h"

#include <stdio.h>

enum { INFER_SETS_MAX = 16, INFER_SIGMAS = 10 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* --------------------------------------------------------------------- keys */

/* Keys of one set, which are made once and lent to every circuit. */
typedef struct infer_keys {
  const ppml_params *params;
  ppml_client client; /* of the circuit that they are lent to */
  ppml_secret_key secret;
  uint8_t *wire;
  size_t wire_bytes;
  ppml_eval_key read;
} infer_keys;

/* Reads the evaluation key that wire holds, into memory that stays. */
static void infer_keys_read(infer_keys *k) {
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena = container_arena(ppml_eval_key_read_bytes(k->params, 1));
  ppml_reader reader = ppml_reader_from_memory(k->wire, k->wire_bytes);
  limits.payload_bytes = k->wire_bytes;
  feed_require(!ppml_eval_key_read(&k->read, &reader, &limits, NULL, NULL, NULL, &arena));
}

static void infer_keys_make(infer_keys *k, const ppml_client *client) {
  ppml_arena scratch = container_arena(ppml_eval_key_generate_bytes(client->params, 1));
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, client->params->id);
  k->params = client->params;
  k->wire_bytes = ppml_eval_key_wire_bytes(k->params);
  k->wire = (uint8_t *)malloc(k->wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(k->wire, k->wire_bytes);
  k->client = *client;
  ppml_arena own = container_arena(ppml_secret_key_generate_bytes(k->params)); /* it stays */
  feed_require(k->wire && !ppml_secret_key_generate(&k->secret, &k->client, &rng, &own));
  feed_require(!ppml_eval_key_generate(&writer, &k->secret, &rng, NULL, NULL, &scratch));
  free(scratch.memory);
  infer_keys_read(k);
}

/* The set's keys, as keys of this circuit. */
static infer_keys *infer_keys_for(const ppml_circuit *c) {
  static infer_keys all[INFER_SETS_MAX];
  size_t at = 0;
  ppml_client client;
  ppml_client_from_circuit(&client, c);
  while (ppml_params_by_index(at) != c->params) at++;
  infer_keys *k = &all[at];
  if (!k->params) infer_keys_make(k, &client);
  k->client = client;
  memcpy(k->read.circuit_id, c->id, PPML_ID_BYTES);
  k->read.weights = NULL;
  return k;
}

/* ---------------------------------------------------------- what may come out */

/* Where a number may lie. */
typedef struct infer_reach {
  double low, high;
} infer_reach;

static infer_reach infer_wider(infer_reach r, double by) {
  infer_reach wider = {r.low - by, r.high + by};
  return wider;
}

/* Beyond it an accumulator finds the table's other half. */
static double infer_room(const ppml_circuit *c, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &c->model.layer[l];
  double scale = (double)ppmli_circuit_scale(c, l, j);
  if (ppmli_activation_is_odd(layer->activation)) return ldexp(1, 63) / scale - layer->range[j];
  return ldexp(1, 62) / scale;
}

/* All that activation j may be where its accumulator is within z; a table position, and there are
 * 2 N to a turn, rounds it. */
static infer_reach infer_activation(const ppml_circuit *c, uint32_t l, uint32_t j, infer_reach z) {
  const ppml_layer *layer = &c->model.layer[l];
  const infer_reach any = {-PPML_ACTIVATION_MAX, PPML_ACTIVATION_MAX};
  double position = ldexp(1, 63) / c->params->poly_size / (double)ppmli_circuit_scale(c, l, j);
  double room = infer_room(c, l, j) - position;
  infer_reach a = {PPML_ACTIVATION_MAX, -PPML_ACTIVATION_MAX};
  z = infer_wider(z, position);
  if (z.low < -room || z.high > room) return any;
  double range = layer->range[j], step = range / 1024;
  double low = z.low < -range ? -range - 1 : z.low, high = z.high > range ? range + 1 : z.high;
  for (double at = low;; at += step) {
    double value = at < high ? at : high;
    int32_t y = ppmli_quant_activation(layer->activation, (int64_t)floor(value), layer->range[j],
                                       layer->table);
    int32_t next = ppmli_quant_activation(layer->activation, (int64_t)ceil(value), layer->range[j],
                                          layer->table);
    a.low = fmin(a.low, fmin(y, next));
    a.high = fmax(a.high, fmax(y, next));
    if (at >= high) return infer_wider(a, 1);
  }
}

/* Accumulator j of layer l from what comes before, with noise. */
static infer_reach infer_accumulator(const ppml_circuit *c, uint32_t l, uint32_t j,
                                     const infer_reach *x) {
  const ppml_layer *layer = &c->model.layer[l];
  infer_reach z = {layer->bias[j], layer->bias[j]};
  for (uint32_t i = 0; i < layer->inputs; i++) {
    double w = layer->weight[(size_t)j * layer->inputs + i];
    z.low += w * (w < 0 ? x[i].high : x[i].low);
    z.high += w * (w < 0 ? x[i].low : x[i].high);
  }
  return infer_wider(z, INFER_SIGMAS * ppmli_circuit_std(c, l, j));
}

/* Scores of a circuit with bootstraps.
 *   scores  [outputs]  out */
static void infer_bootstrapped_reach(infer_reach *scores, const ppml_circuit *c,
                                     const uint8_t *pixels) {
  infer_reach x[NETWORK_PIXELS], z[NETWORK_PIXELS];
  for (size_t i = 0; i < ppml_spec_inputs(&c->model.spec); i++)
    x[i].low = x[i].high = ppmli_quant_pixel(pixels[i], c->model.spec.input_bits);
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    const ppml_layer *layer = &c->model.layer[l];
    for (uint32_t j = 0; j < layer->outputs; j++) z[j] = infer_accumulator(c, l, j, x);
    for (uint32_t j = 0; j < layer->outputs && l + 1 < c->model.layer_count; j++)
      x[j] = infer_activation(c, l, j, z[j]);
  }
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) scores[o] = infer_wider(z[o], 2);
}

/* Where the scores of an image may lie; of exact sets, and behind polynomials, around the clear. */
static void infer_reach_make(infer_reach *scores, const ppml_circuit *c, const uint8_t *pixels,
                             const int32_t *clear) {
  ppml_noise noise;
  ppml_circuit_noise(&noise, c);
  double by = c->params->kind == PPML_SET_EXACT ? 0 : INFER_SIGMAS * noise.score + 2;
  if (c->params->kind != PPML_SET_EXACT && !c->params->slots) {
    infer_bootstrapped_reach(scores, c, pixels);
    return;
  }
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) {
    scores[o].low = clear[o] - by;
    scores[o].high = clear[o] + by;
  }
}

/* Scores that may have wrapped say nothing. */
static void infer_check_scores(const int32_t *scores, const infer_reach *reach,
                               const ppml_circuit *c) {
  ppml_certificate certificate;
  ppml_circuit_certificate(&certificate, c);
  double room = (double)certificate.score_room;
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) {
    if (reach[o].low < -room || reach[o].high > room) continue;
    if (reach[o].low <= INT32_MIN + 1.0 || reach[o].high >= INT32_MAX) continue;
    if (scores[o] >= reach[o].low && scores[o] <= reach[o].high) continue;
    fprintf(stderr, "score %u under %s: %d, not within %g and %g\n", (unsigned)o, c->params->name,
            (int)scores[o], reach[o].low, reach[o].high);
    abort();
  }
}

/* -------------------------------------------------------------------- running */

typedef struct infer_run {
  ppml_circuit circuit;
  infer_keys *keys;
  uint8_t pixels[NETWORK_PIXELS];
  int32_t clear[PPML_CLASSES_MAX];
  infer_reach reach[PPML_CLASSES_MAX];
  ppml_input input;
  ppml_request request;
  ppml_output output;
  ppml_rng rng;
  ppml_arena arena; /* of the circuit, then of a run */
} infer_run;

/* The circuit in place of itself, written and read. */
static void infer_reread(infer_run *r) {
  static uint8_t bytes[1 << 16];
  ppml_limits limits = ppml_limits_default();
  ppml_circuit again;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  feed_require(!ppml_circuit_write(&r->circuit, &writer));
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  feed_require(!ppml_circuit_read(&again, &reader, &limits, &r->arena));
  feed_require(memcmp(again.id, r->circuit.id, PPML_ID_BYTES) == 0);
  r->circuit = again;
}

static void infer_simulate(infer_run *r) {
  int32_t scores[2 * PPML_CLASSES_MAX];
  ppml_arena arena = container_arena(ppml_simulate_bytes(&r->circuit.model));
  feed_require(!ppml_simulate(scores, &r->circuit, r->pixels, 2, &r->rng, &arena));
  infer_check_scores(scores, r->reach, &r->circuit);
  infer_check_scores(scores + r->circuit.model.spec.outputs, r->reach, &r->circuit);
  free(arena.memory);
}

/* Memory for output is what the query says; the caller frees it. */
static ppml_arena infer_with(ppml_output *output, const infer_run *r, const ppml_eval_key *key) {
  ppml_arena arena = container_arena(ppml_infer_bytes(&r->circuit, 1, 1));
  feed_require(!ppml_infer(output, &r->circuit, &r->input, 1, key, NULL, &arena));
  return arena;
}

/* The request is answered once, and the answer is that of the scores. */
static void infer_decrypt(infer_run *r) {
  const ppml_secret_key *key = &r->keys->secret;
  int32_t scores[PPML_CLASSES_MAX];
  ppml_answer answer, expected;
  ppml_request again = r->request;
  feed_require(!ppml_decrypt_scores_for_owner(scores, &r->output, 0, &again, key));
  infer_check_scores(scores, r->reach, &r->circuit);
  ppml_client_answer(&expected, key->client, scores);
  feed_require(!ppml_decrypt(&answer, &r->output, 0, &r->request, key));
  feed_require(memcmp(&answer, &expected, sizeof answer) == 0);
  feed_require(ppml_decrypt(&answer, &r->output, 0, &r->request, key) == PPML_ERR_REQUEST);
  for (uint32_t i = 0; i < r->circuit.model.spec.classes; i++)
    feed_require(expected.percent[i] <= 100);
}

/* The output again, by the key as it is streamed from its bytes, or with weights prepared. */
static void infer_again(infer_run *r, int is_streamed) {
  infer_keys *k = r->keys;
  ppml_eval_key key = k->read;
  ppml_output other;
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(k->wire, k->wire_bytes);
  size_t words = r->circuit.model.spec.outputs * ppml_output_lwe_words(k->params);
  ppml_arena memory = container_arena(is_streamed ? ppml_eval_key_stream_bytes(k->params, 1)
                                                  : ppml_eval_key_prepare_bytes(&r->circuit));
  if (is_streamed) {
    limits.payload_bytes = k->wire_bytes;
    memcpy(k->wire + 40, r->circuit.id, PPML_ID_BYTES);
    container_mend_digests(k->wire, k->wire_bytes);
    feed_require(!ppml_eval_key_stream(&key, &reader, &limits, &r->circuit, NULL, 1, &memory));
  } else feed_require(!ppml_eval_key_prepare(&key, &r->circuit, &memory));
  ppml_arena arena = infer_with(&other, r, &key);
  feed_require(memcmp(other.lwe, r->output.lwe, 4 * words) == 0);
  feed_require(memcmp(other.digest, r->output.digest, PPML_ID_BYTES) == 0);
  free(arena.memory);
  free(memory.memory);
}

static void infer_honest(infer_run *r, int is_streamed) {
  ppml_arena arena = infer_with(&r->output, r, &r->keys->read);
  infer_again(r, is_streamed);
  infer_decrypt(r);
  free(arena.memory);
}

/* An image that nobody encrypted. */
static void infer_hostile_image(infer_run *r, feed *f) {
  uint64_t *body = (uint64_t *)malloc(r->circuit.params->poly_size * r->input.blocks * 8);
  uint64_t pattern[4];
  ppml_input hostile = r->input;
  feed_require(body != NULL);
  for (int i = 0; i < 4; i++) pattern[i] = (uint64_t)feed_u32(f) << 32 | feed_u32(f);
  for (size_t i = 0; i < (size_t)r->circuit.params->poly_size * r->input.blocks; i++)
    body[i] = pattern[i % 4];
  hostile.body = body;
  r->input = hostile;
  ppml_arena arena = infer_with(&r->output, r, &r->keys->read);
  for (size_t i = 0; i < ppml_output_lwe_words(r->circuit.params); i++)
    feed_require(r->output.lwe[i] >> r->circuit.params->output_bits == 0);
  free(arena.memory);
  free(body);
}

/* A key of a leveled set that is one pattern throughout, behind right digests. */
static void infer_hostile_key(infer_run *r, feed *f) {
  infer_keys hostile = *r->keys;
  uint8_t pattern[24];
  if (!r->circuit.params->slots) return;
  ppml_arena memory = container_arena(ppml_eval_key_read_bytes(hostile.params, 1));
  ppml_limits limits = ppml_limits_default();
  for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (uint8_t)feed_byte(f);
  hostile.wire = (uint8_t *)malloc(hostile.wire_bytes);
  feed_require(hostile.wire != NULL);
  memcpy(hostile.wire, r->keys->wire, PPMLI_HEADER_BYTES);
  for (size_t i = PPMLI_HEADER_BYTES; i < hostile.wire_bytes; i++)
    hostile.wire[i] = pattern[i % sizeof pattern];
  container_mend_digests(hostile.wire, hostile.wire_bytes);
  ppml_reader reader = ppml_reader_from_memory(hostile.wire, hostile.wire_bytes);
  feed_require(!ppml_eval_key_read(&hostile.read, &reader, &limits, NULL, NULL, NULL, &memory));
  memcpy(hostile.read.circuit_id, r->circuit.id, PPML_ID_BYTES);
  ppml_arena arena = infer_with(&r->output, r, &hostile.read);
  free(arena.memory);
  free(memory.memory);
  free(hostile.wire);
}

static void infer_encrypted(infer_run *r, feed *f) {
  r->keys = infer_keys_for(&r->circuit);
  uint32_t how = feed_below(f, 16);
  ppml_arena arena = container_arena(ppml_encrypt_bytes(r->circuit.params, &r->circuit.model.spec));
  feed_require(!ppml_encrypt(&r->input, &r->request, &r->keys->secret, r->pixels, &r->rng, &arena));
  if (how == 0) infer_hostile_image(r, f);
  else if (how == 1) infer_hostile_key(r, f);
  else infer_honest(r, how % 4 == 2 && r->circuit.params->kind != PPML_SET_EXACT);
  free(arena.memory);
}

/* Leveled sets, which are quick, for most bytes.  Under a fuzzer `fast` stands for all that
 * bootstrap: keys of the others take minutes there. */
static const ppml_params *infer_params(uint32_t byte) {
  static const char *const leveled[] = {"leveled-16", "leveled-32", "leveled-64", "leveled-128"};
  static const char *const others[] = {"fast",    "fast-block2", "balanced",
                                       "precise", "finest",      "exact"};
  if (byte < 240) return ppml_params_by_name(leveled[byte % 4]);
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  return ppml_params_by_name(others[0]);
#else
  return ppml_params_by_name(others[byte % 6]);
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  static network n;
  static infer_run r;
  feed f = {bytes, count};
  const ppml_params *params = infer_params(feed_byte(&f));
  memset(&r, 0, sizeof r);
  network_make(&n, &f, params->slots != 0);
  for (int i = 0; i < NETWORK_PIXELS; i++) r.pixels[i] = (uint8_t)feed_byte(&f);
  feed_require(ppmli_model_is_valid(&n.model));
  ppml_rng_init_for_tests(&r.rng, feed_u32(&f));
  r.arena = container_arena(1 << 16);
  ppml_arena scratch = container_arena(ppml_model_predict_bytes(&n.model));
  feed_require(!ppml_model_predict(r.clear, &n.model, r.pixels, &scratch));
  int error = container_compile(&r.circuit, &n.model, params, &r.arena);
  feed_require(error == PPML_OK || error == PPML_ERR_PARAMS);
  if (error == PPML_OK) {
    infer_reread(&r);
    infer_reach_make(r.reach, &r.circuit, r.pixels, r.clear);
    infer_simulate(&r);
    infer_encrypted(&r, &f);
  }
  free(scratch.memory);
  free(r.arena.memory);
  return 0;
}
