/* fuzz_api.c - any bytes as a sequence of calls of the public functions, over a few objects of a
 * kind: whole ones, zeroed, wiped, of another set or key, and keys in memory, streamed, or of a
 * reader that fails.  A call that fails gives the arena back and leaves outputs unchanged or wiped;
 * memory that a query tells is enough; no mark makes the arena larger.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_api fuzz/fuzz_api.c -lm
 *     mkdir -p /tmp/new && ./fuzz_api -max_len=256 /tmp/new fuzz/corpus/api
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"
#include "network.h"

#include <stdio.h>

enum { API_OBJECTS = 3, API_FILE_BYTES = 1 << 19, API_ARENA_BYTES = 1 << 24, API_CALLS_MAX = 48 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* What the calls are about.  An object whose memory was given back is zeroed at once: end is how
 * much of the arena was used when it was made. */
typedef struct api_world {
  feed f;
  ppml_arena arena;
  network nets[2];
  ppml_model model[API_OBJECTS];
  ppml_circuit circuit[API_OBJECTS];
  ppml_client client[API_OBJECTS];
  ppml_client owner[API_OBJECTS]; /* that the secret key refers to */
  ppml_secret_key secret[API_OBJECTS];
  ppml_eval_key eval[API_OBJECTS];
  ppml_input input[API_OBJECTS];
  ppml_output output[API_OBJECTS];
  size_t model_end[API_OBJECTS], circuit_end[API_OBJECTS], eval_end[API_OBJECTS];
  size_t input_end[API_OBJECTS], output_end[API_OBJECTS], secret_end[API_OBJECTS];
  ppml_request request[API_OBJECTS];
  ppml_rng rng[API_OBJECTS];
  ppml_limits limits;
  size_t file_bytes;
  uint32_t keys_left, runs_left; /* calls that take long, of which a sequence has few */
  ppml_reader streams[API_OBJECTS];
  uint8_t pixels[NETWORK_PIXELS];
} api_world;

static uint8_t api_file[API_FILE_BYTES];

/* An evaluation key of leveled-16 as it travels, made once; of which circuit is mended in. */
static uint8_t *api_wire;
static size_t api_wire_bytes;

/* ---------------------------------------------------------- what calls leave */

static int api_is_wiped(const void *bytes, size_t count) {
  const uint8_t *at = (const uint8_t *)bytes;
  for (size_t i = 0; i < count; i++)
    if (at[i]) return 0;
  return 1;
}

/* Does a call, `error = call`, whose output is object, in arena; and looks at what it left. */
#define API_CALL(error, world, object, call)                                                       \
  do {                                                                                             \
    static uint8_t was[sizeof(object)];                                                            \
    size_t used = (world)->arena.used_bytes;                                                       \
    memcpy(was, &(object), sizeof(object));                                                        \
    (error) = (call);                                                                              \
    if ((error) != PPML_OK) {                                                                      \
      feed_require((world)->arena.used_bytes == used);                                             \
      feed_require(memcmp(was, &(object), sizeof(object)) == 0 ||                                  \
                   api_is_wiped(&(object), sizeof(object)));                                       \
    }                                                                                              \
    feed_require((world)->arena.used_bytes <= (world)->arena.capacity_bytes);                      \
  } while (0)

static uint32_t api_pick(api_world *w) {
  return feed_below(&w->f, API_OBJECTS);
}

/* Sometimes room for `bytes` alone, which must do; sometimes for a little less.  Puts the arena's
 * capacity back with api_unfit. */
static int api_fit(api_world *w, size_t bytes) {
  uint32_t how = feed_below(&w->f, 8);
  if (how > 1 || bytes > w->arena.capacity_bytes - w->arena.used_bytes) return 0;
  if (how == 1 && bytes == 0) return 0;
  w->arena.capacity_bytes = w->arena.used_bytes + bytes - (how == 1 ? PPML_ALIGNMENT : 0);
  return how == 0;
}

static void api_unfit(api_world *w, int is_exact, int error) {
  if (is_exact) feed_require(error != PPML_ERR_NOMEM);
  w->arena.capacity_bytes = API_ARENA_BYTES;
}

/* ---------------------------------------------------------------- the objects */

static void api_forget(api_world *w) {
  size_t used = w->arena.used_bytes;
  for (int i = 0; i < API_OBJECTS; i++) {
    if (w->model_end[i] > used) memset(&w->model[i], 0, sizeof w->model[i]);
    if (w->circuit_end[i] > used) memset(&w->circuit[i], 0, sizeof w->circuit[i]);
    if (w->eval_end[i] > used) memset(&w->eval[i], 0, sizeof w->eval[i]);
    if (w->input_end[i] > used) memset(&w->input[i], 0, sizeof w->input[i]);
    if (w->output_end[i] > used) memset(&w->output[i], 0, sizeof w->output[i]);
    if (w->secret_end[i] > used) memset(&w->secret[i], 0, sizeof w->secret[i]);
  }
}

static void api_release(api_world *w) {
  static const size_t foreign[] = {SIZE_MAX, API_ARENA_BYTES, 1, 0};
  size_t used = w->arena.used_bytes;
  uint32_t choice = feed_below(&w->f, 8);
  ppml_arena_release(&w->arena, choice < 4 ? foreign[choice] : used / 64 * 8 * (choice - 3));
  feed_require(w->arena.used_bytes <= used);
  w->arena.used_bytes &= ~(size_t)(PPML_ALIGNMENT - 1);
  api_forget(w);
}

/* Zeros, or one half of an object, as code that stopped in the middle leaves them. */
static void api_spoil(api_world *w) {
  uint32_t i = api_pick(w);
  switch (feed_below(&w->f, 12)) {
  case 0:
    memset(&w->model[i], 0, sizeof w->model[i]);
    break;
  case 1:
    memset(&w->circuit[i], 0, sizeof w->circuit[i]);
    break;
  case 2:
    memset(&w->client[i], 0, sizeof w->client[i]);
    memset(&w->owner[i], 0, sizeof w->owner[i]); /* a key that refers to it is none any more */
    break;
  case 3:
    ppml_secret_key_wipe(&w->secret[i]);
    break;
  case 4:
    memset(&w->eval[i], 0, sizeof w->eval[i]);
    break;
  case 5:
    memset(&w->input[i], 0, sizeof w->input[i]);
    break;
  case 6:
    memset(&w->output[i], 0, sizeof w->output[i]);
    break;
  case 7:
    ppml_rng_wipe(&w->rng[i]);
    break;
  case 8:
    memset(&w->request[i], 0, sizeof w->request[i]);
    break;
  case 9:
    w->circuit[i].model.layer[1].weight = NULL;
    break;
  case 10:
    w->client[i].params = NULL;
    break;
  default:
    w->limits.payload_bytes = feed_u32(&w->f);
    break;
  }
}

static void api_rng(api_world *w) {
  uint8_t bytes[40];
  uint32_t i = api_pick(w);
  if (feed_below(&w->f, 2)) ppml_rng_init_for_tests(&w->rng[i], feed_byte(&w->f));
  int ready = w->rng[i].ready != 0;
  feed_require(ppml_rng_bytes(&w->rng[i], bytes, sizeof bytes) == (ready ? 0 : PPML_ERR_RNG));
  feed_require(ppml_rng_mix(&w->rng[i], bytes, 7) == (ready ? 0 : PPML_ERR_RNG));
}

static const ppml_params *api_params(api_world *w) {
  static const char *const names[] = {"leveled-16", "leveled-16", "leveled-16", "leveled-32",
                                      "fast",       "exact",      "none such"};
  return ppml_params_by_name(names[feed_below(&w->f, 7)]);
}

static void api_compile(api_world *w) {
  uint32_t from = api_pick(w), to = api_pick(w);
  ppml_refusal refusal;
  ppml_compile_options options = ppml_compile_options_default(&w->model[from].spec);
  options.params = api_params(w);
  options.agreement = feed_below(&w->f, 3) / 2.0;
  options.publish = feed_below(&w->f, 3) * 40000;
  options.automatic = feed_below(&w->f, 4) == 0;
  int exact = api_fit(w, ppml_compile_bytes(&w->model[from])), error;
  API_CALL(error, w, w->circuit[to],
           ppml_compile(&w->circuit[to], &w->model[from], &options, &refusal, &w->arena));
  api_unfit(w, exact, error);
  w->circuit_end[to] = w->arena.used_bytes;
  if (w->model_end[from] > w->circuit_end[to]) w->circuit_end[to] = w->model_end[from];
}

/* All that a circuit tells of itself, whole or not. */
static void api_tell(api_world *w) {
  const ppml_circuit *c = &w->circuit[api_pick(w)];
  int32_t scores[PPML_CLASSES_MAX], peaks[PPML_CLASSES_MAX];
  ppml_certificate certificate;
  ppml_noise noise;
  ppml_answer answer;
  uint8_t id[PPML_ID_BYTES];
  for (uint32_t i = 0; i < PPML_CLASSES_MAX; i++) {
    scores[i] = (int32_t)feed_u32(&w->f);
    peaks[i] = ppml_circuit_score_peak(c, i);
  }
  ppml_circuit_certificate(&certificate, c);
  ppml_circuit_noise(&noise, c);
  ppml_client_from_circuit(&w->client[api_pick(w)], c);
  ppml_client_id(id, &w->client[api_pick(w)]);
  ppml_client_answer(&answer, &w->client[api_pick(w)], scores);
  int unseen = ppml_scores_are_unseen(scores, peaks, PPML_CLASSES_MAX);
  feed_require(unseen == 0 || unseen == 1);
  feed_require(!ppml_scores_are_unseen(NULL, peaks, 1) && !ppml_scores_are_unseen(peaks, NULL, 1));
  feed_require(ppml_circuit_failure_log2(c) <= 0 && ppml_circuit_pbs_count(c) < 1000);
  const ppml_model *model = &w->model[api_pick(w)];
  const char *refusal = ppml_exact_refusal(model);
  ppml_fault fault = {NULL, 0, 0};
  feed_require(refusal == NULL || refusal[0]);
  feed_require(ppml_model_check(model, &fault) == PPML_OK ? !fault.reason : fault.reason[0] != 0);
  ppml_spec_answer(id, &c->model.spec, scores);
}

static void api_predict(api_world *w) {
  uint32_t i = api_pick(w);
  int32_t scores[PPML_CLASSES_MAX] = {0};
  int exact = api_fit(w, ppml_model_predict_bytes(&w->model[i])), error;
  API_CALL(error, w, scores, ppml_model_predict(scores, &w->model[i], w->pixels, &w->arena));
  api_unfit(w, exact, error);
}

/* ------------------------------------------------------------------------ keys */

static void api_generate(api_world *w) {
  uint32_t to = api_pick(w), from = api_pick(w);
  int exact = api_fit(w, ppml_secret_key_generate_bytes(w->client[from].params)), error;
  w->owner[to] = w->client[from];
  API_CALL(
      error, w, w->secret[to],
      ppml_secret_key_generate(&w->secret[to], &w->owner[to], &w->rng[api_pick(w)], &w->arena));
  api_unfit(w, exact, error);
  w->secret_end[to] = w->arena.used_bytes;
  if (error == PPML_OK) memset(w->secret[to].id, 1 + (int)feed_below(&w->f, 2), PPML_ID_BYTES);
}

/* The ready evaluation key, as one of this circuit and of one of two keys. */
static void api_lend_key(api_world *w, const ppml_circuit *c) {
  memcpy(api_wire + 40, c->id, PPML_ID_BYTES);
  memset(api_wire + 56, 1 + (int)feed_below(&w->f, 2), PPML_ID_BYTES);
  container_mend_digests(api_wire, api_wire_bytes);
}

/* Streams of one world all read the bytes that were lent last. */
static void api_read_key(api_world *w) {
  uint32_t to = api_pick(w), of = api_pick(w);
  const ppml_params *p = ppml_params_by_name("leveled-16");
  ppml_limits limits = ppml_limits_default();
  const ppml_circuit *c = feed_below(&w->f, 4) ? &w->circuit[of] : NULL;
  int is_streamed = (int)feed_below(&w->f, 2), error;
  ppml_reader *reader = &w->streams[to];
  if (w->keys_left && !feed_below(&w->f, 4)) {
    w->keys_left--;
    api_lend_key(w, &w->circuit[of]);
    return;
  }
  if (w->keys_left == 0) return;
  w->keys_left--;
  api_lend_key(w, &w->circuit[of]);
  *reader = ppml_reader_from_memory(api_wire, feed_below(&w->f, 8) ? api_wire_bytes : 1 << 16);
  if (!feed_below(&w->f, 8)) reader->rewind = NULL;
  int exact =
      api_fit(w, is_streamed ? ppml_eval_key_stream_bytes(p, 1) : ppml_eval_key_read_bytes(p, 1));
  API_CALL(error, w, w->eval[to],
           is_streamed
               ? ppml_eval_key_stream(&w->eval[to], reader, &limits, c, NULL, 1, &w->arena)
               : ppml_eval_key_read(&w->eval[to], reader, &limits, c, NULL, NULL, &w->arena));
  api_unfit(w, exact, error);
  w->eval_end[to] = w->arena.used_bytes;
}

static void api_prepare(api_world *w) {
  uint32_t to = api_pick(w), of = api_pick(w);
  int exact = api_fit(w, ppml_eval_key_prepare_bytes(&w->circuit[of])), error;
  API_CALL(error, w, w->eval[to], ppml_eval_key_prepare(&w->eval[to], &w->circuit[of], &w->arena));
  api_unfit(w, exact, error);
  if (error == PPML_OK && w->eval[to].weights) w->eval_end[to] = w->arena.used_bytes;
}

/* ----------------------------------------------------------------- ciphertexts */

static void api_encrypt(api_world *w) {
  uint32_t to = api_pick(w), from = api_pick(w);
  const ppml_secret_key *key = &w->secret[from];
  const ppml_client *client = key->client ? key->client : &w->client[from];
  int exact = api_fit(w, ppml_encrypt_bytes(client->params, &client->spec)), error;
  API_CALL(error, w, w->input[to],
           ppml_encrypt(&w->input[to], &w->request[to], key, w->pixels, &w->rng[api_pick(w)],
                        &w->arena));
  api_unfit(w, exact, error);
  w->input_end[to] = w->arena.used_bytes;
  if (error != PPML_OK && error != PPML_ERR_ARG) feed_require(!w->request[to].open);
}

static void api_infer(api_world *w) {
  uint32_t to = api_pick(w), from = api_pick(w), of = api_pick(w), with = api_pick(w);
  const ppml_circuit *c = &w->circuit[of];
  size_t images = 1 + (from + 1 < API_OBJECTS ? feed_below(&w->f, 2) : 0);
  if (c->params && c->params->slots == 0) return; /* no key of such a set is at hand */
  if (w->runs_left == 0) return;
  w->runs_left--;
  int exact = api_fit(w, ppml_infer_bytes(c, images, 1)), error;
  API_CALL(error, w, w->output[to],
           ppml_infer(&w->output[to], c, &w->input[from], images, &w->eval[with], NULL, &w->arena));
  api_unfit(w, exact, error);
  w->output_end[to] = w->arena.used_bytes;
}

/* No request is answered twice; one that is refused stays as it was. */
static void api_decrypt(api_world *w) {
  uint32_t from = api_pick(w), by = api_pick(w), how = feed_below(&w->f, 3);
  const ppml_output *output = &w->output[from];
  ppml_request *request = &w->request[api_pick(w)], before = *request;
  const ppml_secret_key *key = &w->secret[by];
  size_t image = feed_below(&w->f, 3);
  int32_t scores[PPML_CLASSES_MAX];
  ppml_answer answer;
  int error;
  memset(&answer, 0, sizeof answer);
  memset(scores, 0, sizeof scores);
  if (how == 0) API_CALL(error, w, answer, ppml_decrypt(&answer, output, image, request, key));
  else {
    ppml_rng *rng = &w->rng[api_pick(w)];
    API_CALL(error, w, scores,
             how == 1 ? ppml_decrypt_scores_for_owner(scores, output, image, request, key)
                      : ppml_decrypt_scores_flooded(scores, output, image, request, key, rng));
  }
  feed_require(error ? memcmp(&before, request, sizeof before) == 0
                     : before.open && !request->open);
}

/* ----------------------------------------------------------------------- files */

static void api_write(api_world *w) {
  uint32_t i = api_pick(w);
  int error;
  ppml_writer writer = ppml_writer_to_memory(api_file, feed_below(&w->f, 8) ? API_FILE_BYTES : 100);
  switch (feed_below(&w->f, 7)) {
  case 0:
    error = ppml_model_write(&w->model[i], &writer);
    break;
  case 1:
    error = ppml_circuit_write(&w->circuit[i], &writer);
    break;
  case 2:
    error = ppml_client_write(&w->client[i], &writer);
    break;
  case 3:
    error = ppml_secret_key_write(&w->secret[i], &writer);
    break;
  case 4:
    error = ppml_input_write(&w->input[i], &writer);
    break;
  case 5:
    error = ppml_keyring_write(&w->secret[i], &writer);
    break;
  default:
    error = ppml_output_write(&w->output[i], &writer);
    break;
  }
  w->file_bytes = error ? 0 : writer.position;
}

static size_t api_damage(api_world *w, size_t count) {
  uint32_t how = feed_below(&w->f, 8);
  if (count == 0 || how > 1) return count;
  if (how == 0) return feed_u32(&w->f) % count;
  api_file[feed_u32(&w->f) % count] ^= (uint8_t)(1u << feed_below(&w->f, 8));
  return count;
}

/* What was written is read into any object of its kind, or of another. */
static void api_read(api_world *w) {
  uint32_t i = api_pick(w);
  int error;
  ppml_header header = {0, 0, NULL, 0, {0}, {0}};
  size_t count = api_damage(w, w->file_bytes);
  ppml_reader reader = ppml_reader_from_memory(api_file, count);
  API_CALL(error, w, header, ppml_header_read(&header, &reader, &w->limits));
  uint32_t kind = feed_below(&w->f, 4) && !error ? header.kind : 1 + feed_below(&w->f, 8);
  int exact = api_fit(w, error || header.kind != kind ? 0 : ppml_read_bytes(&header));
  reader = ppml_reader_from_memory(api_file, count);
#define API_READ(object)                                                                           \
  API_CALL(error, w, w->object[i],                                                                 \
           ppml_##object##_read(&w->object[i], &reader, &w->limits, &w->arena));                   \
  w->object##_end[i] = w->arena.used_bytes
#define API_READ_FLAT(object, kind)                                                                \
  API_CALL(error, w, w->object[i], ppml_##kind##_read(&w->object[i], &reader, &w->limits))
  switch (kind) {
  case PPML_KIND_MODEL:
    API_READ(model);
    break;
  case PPML_KIND_CIRCUIT:
    API_READ(circuit);
    break;
  case PPML_KIND_CLIENT:
    API_READ_FLAT(client, client);
    break;
  case PPML_KIND_SECRET_KEY:
    w->owner[i] = w->client[api_pick(w)];
    API_CALL(error, w, w->secret[i],
             ppml_secret_key_read(&w->secret[i], &w->owner[i], &reader, &w->limits, &w->arena));
    w->secret_end[i] = w->arena.used_bytes;
    break;
  case PPML_KIND_KEYRING:
    API_CALL(error, w, w->secret[i],
             ppml_keyring_read(&w->secret[i], &w->owner[i], &reader, &w->limits, &w->arena));
    w->secret_end[i] = w->arena.used_bytes;
    break;
  case PPML_KIND_INPUT:
    API_READ(input);
    break;
  case PPML_KIND_OUTPUT:
    API_READ(output);
    break;
  default:
    API_CALL(error, w, header, ppml_container_check(&header, &reader, &w->limits));
    break;
  }
  api_unfit(w, exact && error != PPML_ERR_NOMEM, error);
}

/* ------------------------------------------------------------------------ runs */

static void api_step(api_world *w) {
  static void (*const calls[])(api_world *) = {
      api_compile, api_tell,    api_generate, api_encrypt, api_read_key, api_infer, api_decrypt,
      api_prepare, api_predict, api_write,    api_read,    api_release,  api_spoil, api_rng};
  calls[feed_below(&w->f, sizeof calls / sizeof calls[0])](w);
}

/* A polynomial network, and one that bootstraps, as the models of the world: of one byte, so that
 * the others are left for calls. */
static void api_make_models(api_world *w) {
  uint8_t numbers[1 << 10];
  uint32_t state = feed_byte(&w->f);
  for (size_t i = 0; i < sizeof numbers; i++) {
    state = state * 1664525 + 1013904223;
    numbers[i] = (uint8_t)(state >> 24);
  }
  for (int i = 0; i < 2; i++) {
    feed f = {numbers + 16 * i, sizeof numbers - 16};
    network_make(&w->nets[i], &f, i == 0);
    w->model[i] = w->nets[i].model;
  }
}

/* One evaluation key serves all: what it decrypts to does not matter. */
static void api_make_key(api_world *w) {
  ppml_client client;
  ppml_secret_key key;
  const uint8_t none[PPML_ID_BYTES] = {0};
  const ppml_params *p = ppml_params_by_name("leveled-16");
  ppml_arena scratch = container_arena(ppml_eval_key_generate_bytes(p, 1));
  container_small_client(&client, p, 1);
  container_claim_key(&key, &client, none);
  api_wire_bytes = ppml_eval_key_wire_bytes(p);
  api_wire = (uint8_t *)malloc(api_wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(api_wire, api_wire_bytes);
  feed_require(api_wire != NULL);
  feed_require(!ppml_eval_key_generate(&writer, &key, &w->rng[0], NULL, NULL, &scratch));
  free(scratch.memory);
}

/* One of everything that belongs together, where the network fits its set. */
static void api_make(api_world *w) {
  for (uint64_t i = 0; i < API_OBJECTS; i++) ppml_rng_init_for_tests(&w->rng[i], i);
  w->limits = ppml_limits_default();
  w->limits.payload_bytes = API_FILE_BYTES;
  api_make_models(w);
  if (!api_wire) api_make_key(w);
  if (container_compile(&w->circuit[0], &w->model[0], ppml_params_by_name("leveled-16"), &w->arena))
    return;
  w->circuit_end[0] = w->arena.used_bytes;
  ppml_client_from_circuit(&w->client[0], &w->circuit[0]);
  w->owner[0] = w->client[0];
  feed_require(!ppml_secret_key_generate(&w->secret[0], &w->owner[0], &w->rng[0], &w->arena));
  w->secret_end[0] = w->arena.used_bytes;
  memset(w->secret[0].id, 1, PPML_ID_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  static api_world w;
  static void *memory;
  if (!memory) memory = container_arena(API_ARENA_BYTES).memory;
  memset(&w, 0, sizeof w);
  w.f.bytes = bytes;
  w.f.count = count;
  w.keys_left = w.runs_left = 3;
  feed_require(!ppml_arena_init(&w.arena, memory, API_ARENA_BYTES));
  api_make(&w);
  for (int i = 0; i < API_CALLS_MAX && w.f.count; i++) api_step(&w);
  return 0;
}
