/* container.h - any bytes as a container of one kind; what the targets share.
 *
 * Random changes rarely get past a digest, so the bytes are tried as they are, with their digests
 * mended, and with length and ids mended as well; of a circuit also with the certificate that its
 * weights, scales and set deserve.  What can be read must need no more memory than ppml_read_bytes
 * says, must be written as the same bytes, and can be used. */
#ifndef PPML_FUZZ_CONTAINER_H
#define PPML_FUZZ_CONTAINER_H

#include <stdlib.h>

#ifdef PPML_IMPLEMENTATION
#error "container.h includes the implementation itself"
#endif
#ifndef PPML_ASSERT
#define PPML_ASSERT(condition) ((condition) ? (void)0 : abort())
#endif
#define PPML_NO_TRAIN
#define PPML_IMPLEMENTATION
#include "../ppml.h"

enum { CONTAINER_PAYLOAD_MAX = 1 << 16 };

/* One object of any kind. */
typedef struct container_object {
  ppml_model model;
  ppml_circuit circuit;
  ppml_client client;
  ppml_secret_key secret_key; /* refers to client */
  ppml_eval_key eval_key;
  ppml_input input;
  ppml_request request; /* of the input, where it was made here */
  ppml_output output;
} container_object;

PPMLI_UNUSED static int container_get(container_object *o, uint32_t kind, ppml_reader *reader,
                                      const ppml_limits *limits, ppml_arena *arena) {
  switch (kind) {
  case PPML_KIND_MODEL:
    return ppml_model_read(&o->model, reader, limits, arena);
  case PPML_KIND_CIRCUIT:
    return ppml_circuit_read(&o->circuit, reader, limits, arena);
  case PPML_KIND_CLIENT:
    return ppml_client_read(&o->client, reader, limits);
  case PPML_KIND_KEYRING:
    return ppml_keyring_read(&o->secret_key, &o->client, reader, limits, arena);
  case PPML_KIND_SECRET_KEY: /* beside the client spec that is there */
    return ppml_secret_key_read(&o->secret_key, &o->client, reader, limits, arena);
  case PPML_KIND_EVAL_KEY:
    return ppml_eval_key_read(&o->eval_key, reader, limits, NULL, "ref", NULL, arena);
  case PPML_KIND_INPUT:
    return ppml_input_read(&o->input, reader, limits, arena);
  default:
    return ppml_output_read(&o->output, reader, limits, arena);
  }
}

PPMLI_UNUSED static int container_put(const container_object *o, uint32_t kind,
                                      ppml_writer *writer) {
  switch (kind) {
  case PPML_KIND_MODEL:
    return ppml_model_write(&o->model, writer);
  case PPML_KIND_CIRCUIT:
    return ppml_circuit_write(&o->circuit, writer);
  case PPML_KIND_CLIENT:
    return ppml_client_write(&o->client, writer);
  case PPML_KIND_KEYRING:
    return ppml_keyring_write(&o->secret_key, writer);
  case PPML_KIND_SECRET_KEY:
    return ppml_secret_key_write(&o->secret_key, writer);
  case PPML_KIND_INPUT:
    return ppml_input_write(&o->input, writer);
  default:
    return ppml_output_write(&o->output, writer);
  }
}

/* ----------------------------------------------------------------- mending */

static void container_digest(uint8_t out[PPML_ID_BYTES], const uint8_t *a, size_t a_count,
                             const uint8_t *b, size_t b_count) {
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, a, a_count);
  ppmli_digest_update(&d, b, b_count);
  ppmli_digest_final(&d, out);
}

/* Puts the right digests into header and trailer. */
PPMLI_UNUSED static void container_mend_digests(uint8_t *bytes, size_t count) {
  uint8_t digest[PPML_ID_BYTES];
  if (count < PPMLI_CONTAINER_BYTES) return;
  container_digest(digest, bytes, PPMLI_HEADER_HASHED_BYTES, bytes, 0);
  memcpy(bytes + PPMLI_HEADER_HASHED_BYTES, digest, PPMLI_HEADER_BYTES - PPMLI_HEADER_HASHED_BYTES);
  if (ppmli_load64(bytes + 16) > count - PPMLI_CONTAINER_BYTES) return;
  size_t end = PPMLI_HEADER_BYTES + (size_t)ppmli_load64(bytes + 16);
  container_digest(bytes + end, bytes, end, bytes, 0);
}

/* The smallest client spec, of any set. */
static void container_small_client(ppml_client *client, const ppml_params *params,
                                   uint32_t outputs) {
  memset(client, 0, sizeof *client);
  client->params = params;
  client->spec.width = client->spec.height = client->spec.channels = 1;
  client->spec.input_bits = 4;
  client->spec.outputs = outputs;
  client->spec.classes = outputs == 1 ? 2 : outputs;
  client->spec.score_unit = client->answer_step = 1;
  client->score_unit = 1;
}

/* And the length, the set's digest and the id that the payload has, before that.  A secret key alone
 * becomes one of the smallest client spec. */
PPMLI_UNUSED static void container_mend(uint8_t *bytes, size_t count) {
  if (count < PPMLI_CONTAINER_BYTES) return;
  size_t payload_bytes = count - PPMLI_CONTAINER_BYTES;
  uint32_t kind = ppmli_load16(bytes + 10);
  const ppml_params *params = ppmli_params_by_id(ppmli_load32(bytes + 12));
  ppmli_store64(bytes + 16, payload_bytes);
  if (params) ppmli_params_digest(bytes + 24, params);
  if (kind == PPML_KIND_MODEL || kind == PPML_KIND_CIRCUIT)
    container_digest(bytes + 40, bytes + 24, kind == PPML_KIND_CIRCUIT ? PPML_ID_BYTES : 0,
                     bytes + PPMLI_HEADER_BYTES, payload_bytes);
  if (kind == PPML_KIND_SECRET_KEY && params && payload_bytes >= PPML_ID_BYTES) {
    ppml_client client;
    container_small_client(&client, params, 1);
    memcpy(bytes + 40, client.circuit_id, PPML_ID_BYTES);
    ppml_client_id(bytes + PPMLI_HEADER_BYTES, &client);
  }
  container_mend_digests(bytes, count);
}

/* ------------------------------------------------------------------- using */

static ppml_arena container_arena(size_t bytes) {
  ppml_arena arena;
  void *memory = NULL;
  if (posix_memalign(&memory, PPML_ALIGNMENT, bytes ? bytes : 1) != 0) abort();
  if (ppml_arena_init(&arena, memory, bytes) != PPML_OK) abort();
  return arena;
}

static void container_predict(const ppml_model *m) {
  ppml_arena arena = container_arena(ppml_model_predict_bytes(m));
  uint8_t *pixels = (uint8_t *)malloc(ppml_spec_image_bytes(&m->spec));
  int32_t scores[PPML_CLASSES_MAX];
  uint8_t answer[PPML_CLASSES_MAX];
  if (!pixels) abort();
  memset(pixels, m->spec.encoder.kind == PPML_ENCODER_READY ? 0x41 : 255, /* floats of 12.08 */
         ppml_spec_image_bytes(&m->spec));
  if (ppml_model_predict(scores, m, pixels, &arena) != PPML_OK) abort();
  ppml_spec_answer(answer, &m->spec, scores);
  for (size_t i = 0; i < ppml_spec_answer_bytes(&m->spec); i++)
    if (answer[i] >= m->spec.classes) abort();
  free(pixels);
  free(arena.memory);
}

/* Every weight of a pooled network as the polynomial that a server multiplies by. */
static void container_use_pooled(uint64_t *poly, const ppml_circuit *c) {
  ppmli_pooled_circuit x = ppmli_pooled_circuit_of(c);
  ppmli_pooled_server server = {&x.net, &x.layout, x.params, NULL, NULL, NULL};
  uint32_t channels = x.net.shape.channels, regions = ppmli_latent_region_count(&x.net.shape);
  for (uint32_t o = 0; o < x.net.outputs; o++)
    for (uint32_t i = 0; i < channels * channels; i++)
      ppmli_pooled_weight_poly(poly, &server, o, i / channels, i % channels, i % regions);
}

/* Tables, or where there are none weights, of all that a server makes before it sees an image.
 *   poly  [N]  scratch */
static void container_use_layers(uint64_t *poly, const ppml_circuit *c) {
  if (c->params->kind == PPML_SET_POOLED) {
    container_use_pooled(poly, c);
    return;
  }
  if (c->params->slots == 0) {
    for (uint32_t l = 0; l + 1 < c->model.layer_count; l++) ppmli_dense_table(poly, c, l, 0);
    return;
  }
  for (size_t b = 0; b < ppmli_input_blocks(c->params, &c->model.spec); b++) {
    ppmli_leveled_h_weights(poly, c, b);
    ppmli_leveled_h_constants(poly, c);
    for (uint32_t o = 0; o < c->model.spec.outputs; o++) {
      ppmli_leveled_v_weights(poly, c, o, b);
      ppmli_leveled_v_constants(poly, c, o);
    }
  }
}

static void container_use_circuit(const ppml_circuit *c) {
  ppml_arena arena = container_arena(ppml_simulate_bytes(&c->model));
  uint8_t *pixels = (uint8_t *)calloc(ppml_spec_image_bytes(&c->model.spec), 1);
  uint64_t *poly = (uint64_t *)malloc(c->params->poly_size * sizeof *poly);
  int32_t scores[PPML_CLASSES_MAX];
  ppml_noise noise;
  ppml_client client;
  ppml_rng rng;
  if (!pixels || !poly) abort();
  ppml_rng_init_for_tests(&rng, 1);
  ppml_circuit_noise(&noise, c);
  ppml_client_from_circuit(&client, c);
  if (ppml_simulate(scores, c, pixels, 1, &rng, &arena) != PPML_OK) abort();
  container_use_layers(poly, c);
  free(poly);
  free(pixels);
  free(arena.memory);
}

/* For that set, whatever agreement comes of it. */
static int container_compile(ppml_circuit *circuit, const ppml_model *model, const ppml_params *p,
                             ppml_arena *arena) {
  const ppml_compile_options options = ppml_compile_options_for(p);
  return ppml_compile(circuit, model, &options, NULL, arena);
}

/* A model that was read can be compiled for every set, or is told that it does not fit; what is
 * made of polynomials can be used. */
static void container_use_model(const ppml_model *m) {
  ppml_arena arena = container_arena(ppml_compile_bytes(m));
  ppml_circuit circuit;
  container_predict(m);
  for (size_t i = 0; ppml_params_by_index(i); i++) {
    ppml_arena_release(&arena, 0);
    int error = container_compile(&circuit, m, ppml_params_by_index(i), &arena);
    if (error != PPML_OK && error != PPML_ERR_PARAMS) abort();
    if (error == PPML_OK && circuit.params->slots) container_use_circuit(&circuit);
  }
  free(arena.memory);
}

/* Keys can be made for a client spec, and an image encrypted where it is a small one. */
static void container_use_secret_key(const ppml_secret_key *key) {
  const ppml_client *client = key->client;
  size_t bytes = ppml_encrypt_bytes(client->params, &client->spec);
  ppml_input input;
  ppml_request request;
  ppml_rng rng;
  if (ppmli_input_blocks(client->params, &client->spec) > 2) return;
  ppml_arena arena = container_arena(bytes);
  uint8_t *pixels = (uint8_t *)calloc(ppml_spec_image_bytes(&client->spec), 1);
  if (!pixels) abort();
  ppml_rng_init_for_tests(&rng, 1);
  if (ppml_encrypt(&input, &request, key, pixels, &rng, &arena) != PPML_OK) abort();
  free(pixels);
  free(arena.memory);
}

static void container_use_client(const ppml_client *client) {
  ppml_arena arena = container_arena(ppml_secret_key_generate_bytes(client->params));
  ppml_secret_key key;
  int32_t scores[PPML_CLASSES_MAX];
  uint8_t id[PPML_ID_BYTES];
  ppml_answer answer;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 1);
  for (uint32_t o = 0; o < PPML_CLASSES_MAX; o++)
    scores[o] = o % 3 ? (int32_t)(o * o) : o % 2 ? INT32_MIN : INT32_MAX;
  ppml_client_id(id, client);
  ppml_client_answer(&answer, client, scores);
  for (size_t i = 0; i < ppml_spec_answer_bytes(&client->spec); i++)
    if (answer.label[i] >= client->spec.classes) abort();
  for (uint32_t i = 0; i < client->spec.classes; i++)
    if (answer.percent[i] > 100) abort();
  if (ppml_secret_key_generate(&key, client, &rng, &arena) != PPML_OK) abort();
  container_use_secret_key(&key);
  ppml_secret_key_wipe(&key);
  free(arena.memory);
}

/* A key of some bits that claims to belong to that client spec. */
static void container_claim_key(ppml_secret_key *key, const ppml_client *client,
                                const uint8_t *key_id) {
  static uint8_t planes[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED;
  ppml_arena arena;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 1);
  if (ppml_arena_init(&arena, planes, sizeof planes) != PPML_OK) abort();
  if (ppml_secret_key_generate(key, client, &rng, &arena) != PPML_OK) abort();
  memcpy(key->id, key_id, PPML_ID_BYTES);
}

/* Decrypts with a key that claims to belong to it. */
static void container_use_output(const ppml_output *output) {
  static ppml_client client;
  ppml_secret_key key;
  ppml_request request = {{0}, 1};
  ppml_answer answer;
  int32_t scores[PPML_CLASSES_MAX];
  container_small_client(&client, output->params, output->outputs);
  client.score_unit = PPMLI_TORUS_HALF;
  memcpy(client.circuit_id, output->circuit_id, PPML_ID_BYTES);
  container_claim_key(&key, &client, output->key_id);
  if (ppmli_decrypt_scores(scores, output, output->images - 1, &key) != PPML_OK) abort();
  client.score_unit = 1;
  memcpy(request.digest, output->digest, PPML_ID_BYTES);
  int error = ppml_decrypt(&answer, output, 0, &request, &key);
  if (error != PPML_OK && error != PPML_ERR_REQUEST) abort();
  if (error == PPML_OK && ppml_decrypt(&answer, output, 0, &request, &key) != PPML_ERR_REQUEST)
    abort(); /* it was answered */
}

static void container_use(const container_object *o, uint32_t kind) {
  if (kind == PPML_KIND_MODEL) container_use_model(&o->model);
  if (kind == PPML_KIND_CIRCUIT) container_use_circuit(&o->circuit);
  if (kind == PPML_KIND_CLIENT) container_use_client(&o->client);
  if (kind == PPML_KIND_KEYRING) container_use_secret_key(&o->secret_key);
  if (kind == PPML_KIND_OUTPUT) container_use_output(&o->output);
}

/* ----------------------------------------------------------------- reading */

/* Bytes that are written as they were read: not those of a circuit's certificate, behind its
 * promise and budget, which a reader takes within tolerances and makes anew. */
static size_t container_kept_bytes(const container_object *o, uint32_t kind, size_t count) {
  if (kind != PPML_KIND_CIRCUIT) return count;
  return PPMLI_HEADER_BYTES + ppmli_circuit_wire_bytes(&o->circuit) + 8;
}

/* What was read is written as the bytes it was read from. */
static void container_check_written(const container_object *o, uint32_t kind, const uint8_t *bytes,
                                    size_t count) {
  uint8_t *copy = (uint8_t *)malloc(count);
  if (!copy) abort();
  ppml_writer writer = ppml_writer_to_memory(copy, count);
  if (container_put(o, kind, &writer) != PPML_OK || writer.position != count) abort();
  if (memcmp(copy, bytes, container_kept_bytes(o, kind, count)) != 0) abort();
  free(copy);
}

/* Tells the reader's verdict. */
static int container_read(uint32_t kind, const uint8_t *bytes, size_t count) {
  static container_object o;
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  ppml_header header;
  limits.payload_bytes = CONTAINER_PAYLOAD_MAX;
  size_t memory_bytes =
      ppml_header_read(&header, &reader, &limits) == PPML_OK ? ppml_read_bytes(&header) : 0;
  ppml_arena arena = container_arena(memory_bytes);
  reader = ppml_reader_from_memory(bytes, count);
  if (kind == PPML_KIND_SECRET_KEY && header.params)
    container_small_client(&o.client, header.params, 1);
  int error = container_get(&o, kind, &reader, &limits, &arena);
  if (error == PPML_ERR_NOMEM || (error && arena.used_bytes)) abort();
  if (error == PPML_OK) {
    container_check_written(&o, kind, bytes, count);
    container_use(&o, kind);
  }
  free(arena.memory);
  return error;
}

/* The evaluation key is too long for a fuzzer: its memory is reserved once, and untouched where
 * the key ends early. */
static void container_read_eval_key(const uint8_t *bytes, size_t count) {
  static ppml_arena arena;
  static container_object o;
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  ppml_header header;
  if (ppml_header_read(&header, &reader, &limits) != PPML_OK || !header.params) return;
  if (!arena.memory) {
    size_t most = 0;
    for (size_t i = 0; ppml_params_by_index(i); i++)
      most = ppmli_max_size(most, ppml_eval_key_read_bytes(ppml_params_by_index(i), 1));
    arena = container_arena(most);
  }
  reader = ppml_reader_from_memory(bytes, count);
  ppml_arena_release(&arena, 0);
  int error = container_get(&o, PPML_KIND_EVAL_KEY, &reader, &limits, &arena);
  if (error == PPML_OK || error == PPML_ERR_NOMEM || arena.used_bytes) abort();
}

static void container_try(uint32_t kind, const uint8_t *bytes, size_t count) {
  (void)container_read(kind, bytes, count);
  if (kind == PPML_KIND_EVAL_KEY) container_read_eval_key(bytes, count);
}

/* The circuit before the certificate, if there is one, with a certificate of its own: a writer
 * either refuses it or writes what a reader takes. */
static void container_try_certified(const uint8_t *bytes, size_t count) {
  static ppml_circuit circuit;
  const ppml_params *params = ppmli_params_by_id(ppmli_load32(bytes + 12));
  ppml_limits limits = ppml_limits_default();
  ppmli_in in;
  size_t payload_bytes = count - PPMLI_CONTAINER_BYTES, room = count + (1 << 11);
  ppml_arena arena = container_arena(payload_bytes + 6 * PPML_LAYERS_MAX * PPML_ALIGNMENT);
  ppml_reader reader = ppml_reader_from_memory(bytes + PPMLI_HEADER_BYTES, payload_bytes);
  uint8_t *written = (uint8_t *)malloc(room);
  ppml_writer writer = ppml_writer_to_memory(written, room);
  if (!written) abort();
  in.reader = &reader;
  in.error = PPML_OK;
  in.remaining_bytes = payload_bytes;
  ppmli_digest_init(&in.digest);
  int error = ppmli_circuit_get(&circuit, &in, params, &limits, &arena);
  circuit.publish = ppmli_in_u32(&in) % (PPML_PUBLISH_MAX + 1);
  if (error == PPML_OK) error = ppml_circuit_write(&circuit, &writer);
  if (error == PPML_OK && container_read(PPML_KIND_CIRCUIT, written, writer.position) != PPML_OK)
    abort();
  free(written);
  free(arena.memory);
}

PPMLI_UNUSED static int container_fuzz(uint32_t kind, const uint8_t *bytes, size_t count) {
  uint8_t *copy = (uint8_t *)calloc(count ? count : 1, 1);
  if (!copy) abort();
  if (count) memcpy(copy, bytes, count);
  container_try(kind, copy, count);
  container_mend_digests(copy, count);
  container_try(kind, copy, count);
  container_mend(copy, count);
  container_try(kind, copy, count);
  if (kind == PPML_KIND_CIRCUIT && count >= PPMLI_CONTAINER_BYTES &&
      ppmli_params_by_id(ppmli_load32(copy + 12)))
    container_try_certified(copy, count);
  free(copy);
  return 0;
}

#endif
