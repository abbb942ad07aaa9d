/* From key generation to the class, on a network small enough to see: eight pixels, two hidden neurons,
 * two classes, "dark" and "bright".  Client and server have memory of their own, of the size that the
 * library says, and give each other nothing but files.
 *
 *     cc -I. examples/minimal.c -lm -o minimal && ./minimal */
#define PPML_IMPLEMENTATION
#include "ppml.h"

#include <stdio.h>
#include <stdlib.h>

/* ----------------------------------------------------------------- network */

static const int8_t hidden_weight[2][8] = {{1, 1, 1, 1, 1, 1, 1, 1}, {2, 0, 2, 0, 2, 0, 2, 0}};
static const int32_t hidden_bias[2] = {-60, -60}, range[2] = {40, 40}, peak[2] = {60, 60};
static const int8_t score_weight[1][2] = {{3, 2}};
static const int32_t score_bias[1] = {0};

static ppml_model make_model(void) {
  ppml_model model = {0};
  ppml_spec *spec = &model.spec;
  ppml_layer *hidden = &model.layer[0], *scores = &model.layer[1];
  spec->width = 8;
  spec->height = spec->channels = 1;
  spec->input_bits = 4;
  spec->task = PPML_TASK_CLASS;
  spec->classes = 2;
  spec->outputs = 1;
  spec->score_unit = 100;
  memcpy(spec->class_name[0], "dark", 5);
  memcpy(spec->class_name[1], "bright", 7);
  model.layer_count = 2;
  model.margin_p05 = 100;
  hidden->inputs = 8;
  hidden->outputs = scores->inputs = 2;
  hidden->activation = PPML_ACTIVATION_RELU;
  hidden->weight_bits = scores->weight_bits = 3;
  hidden->weight = hidden_weight[0];
  hidden->bias = hidden_bias;
  hidden->range = range;
  hidden->peak = peak;
  scores->outputs = 1;
  scores->activation = PPML_ACTIVATION_NONE;
  scores->weight = score_weight[0];
  scores->bias = score_bias;
  return model;
}

/* ------------------------------------------------------------------ memory */

/* An arena of bytes from malloc, which may not be aligned; and a file of that many bytes at most. */
typedef struct memory {
  void *block;
  ppml_arena arena;
} memory;

typedef struct file {
  void *bytes;
  size_t count;
} file;

static int memory_take(memory *m, size_t bytes) {
  m->block = malloc(bytes + PPML_ALIGNMENT);
  if (m->block == NULL) return PPML_ERR_NOMEM;
  uintptr_t past = (uintptr_t)m->block % PPML_ALIGNMENT;
  return ppml_arena_init(&m->arena, (char *)m->block + (PPML_ALIGNMENT - past), bytes);
}

static int file_take(ppml_writer *writer, file *f, size_t count) {
  f->bytes = malloc(count);
  *writer = ppml_writer_to_memory(f->bytes, count);
  return f->bytes ? PPML_OK : PPML_ERR_NOMEM;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/* ------------------------------------------------------------------ client */

typedef struct client {
  ppml_client knows;      /* of the circuit: no weight */
  ppml_secret_key secret; /* refers to it; its bits are at the bottom of own */
  ppml_rng rng;
  ppml_request request;
  memory own;
} client;

/* Makes the keys, encrypts, and remembers what was asked. */
static int client_ask(client *c, file *key_file, file *image_file, const uint8_t *pixels) {
  const ppml_params *params = c->knows.params;
  ppml_writer writer;
  int error = memory_take(&c->own, ppml_secret_key_generate_bytes(params) +
                                       larger(ppml_eval_key_generate_bytes(params, 1),
                                              ppml_encrypt_to_bytes(params, &c->knows.spec)));
  if (!error) error = ppml_rng_init(&c->rng);
  if (!error) error = ppml_secret_key_generate(&c->secret, &c->knows, &c->rng, &c->own.arena);

  if (!error) error = file_take(&writer, key_file, ppml_eval_key_wire_bytes(params));
  if (!error)
    error = ppml_eval_key_generate(&writer, &c->secret, &c->rng, NULL, NULL, &c->own.arena);
  if (error) return error;
  key_file->count = writer.position;

  error = file_take(&writer, image_file, ppml_input_wire_bytes(params, &c->knows.spec));
  if (!error)
    error = ppml_encrypt_to(&writer, &c->request, &c->secret, pixels, &c->rng, &c->own.arena);
  if (!error) image_file->count = writer.position;
  return error;
}

/* Reads the answer to its request, once. */
static int client_hear(client *c, ppml_answer *answer, const file *score_file) {
  const ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(score_file->bytes, score_file->count);
  ppml_header header;
  ppml_output output;
  memory m = {NULL, {NULL, 0, 0, 0}};
  int error = ppml_header_read(&header, &reader, &limits);
  if (!error) error = memory_take(&m, ppml_read_bytes(&header));
  if (!error) error = reader.rewind(&reader);
  if (!error) error = ppml_output_read(&output, &reader, &limits, &m.arena);
  if (!error) error = ppml_decrypt(answer, &output, 0, &c->request, &c->secret);
  free(m.block); /* ciphertexts: no secret */
  return error;
}

/* Wipes all that is secret, however far the client came. */
static void client_end(client *c) {
  ppml_secret_key_wipe(&c->secret);
  ppml_rng_wipe(&c->rng);
  free(c->own.block); /* what the library had in it of secrets, it has wiped */
}

/* ------------------------------------------------------------------ server */

/* Sees the evaluation key and the encrypted image alone. */
static int server_infer(file *score_file, const ppml_circuit *circuit, const file *key_file,
                        const file *image_file) {
  const ppml_limits limits = ppml_limits_default();
  ppml_reader key_reader = ppml_reader_from_memory(key_file->bytes, key_file->count);
  ppml_reader image_reader = ppml_reader_from_memory(image_file->bytes, image_file->count);
  ppml_writer writer;
  ppml_header header;
  ppml_eval_key key;
  ppml_input input;
  ppml_output output;
  memory m = {NULL, {NULL, 0, 0, 0}};
  int error = ppml_header_read(&header, &image_reader, &limits);
  if (!error) error = image_reader.rewind(&image_reader);
  if (!error)
    error = memory_take(&m, ppml_eval_key_read_bytes(circuit->params, 1) +
                                ppml_read_bytes(&header) + ppml_infer_bytes(circuit, 1, 1));
  if (!error) error = ppml_eval_key_read(&key, &key_reader, &limits, circuit, NULL, NULL, &m.arena);
  if (!error) error = ppml_input_read(&input, &image_reader, &limits, &m.arena);
  if (!error) error = ppml_infer(&output, circuit, &input, 1, &key, NULL, &m.arena);
  if (!error)
    error = file_take(&writer, score_file,
                      ppml_output_wire_bytes(circuit->params, &circuit->model.spec, 1));
  if (!error) error = ppml_output_write(&output, &writer);
  if (!error) score_file->count = writer.position;
  free(m.block);
  return error;
}

/* --------------------------------------------------------------------- all */

/* The three files go from one side to the other. */
static int classify(ppml_answer *answer, const ppml_circuit *circuit, const uint8_t *pixels) {
  static client c; /* zeros: nothing is secret yet */
  file key = {NULL, 0}, image = {NULL, 0}, scores = {NULL, 0};
  ppml_client_from_circuit(&c.knows, circuit);
  int error = client_ask(&c, &key, &image, pixels);
  if (!error) error = server_infer(&scores, circuit, &key, &image);
  if (!error) error = client_hear(&c, answer, &scores);
  client_end(&c);
  free(key.bytes);
  free(image.bytes);
  free(scores.bytes);
  return error;
}

int main(void) {
  const uint8_t pixels[8] = {250, 240, 230, 200, 255, 220, 210, 190};
  const ppml_compile_options options = ppml_compile_options_for(ppml_params_by_name("fast"));
  const ppml_model model = make_model();
  ppml_fault fault = {"", 0, 0};
  ppml_circuit circuit;
  ppml_answer answer;
  memory m = {NULL, {NULL, 0, 0, 0}};

  /* The network's owner lays it out. */
  int error = ppml_model_check(&model, &fault);
  if (!error) error = memory_take(&m, ppml_compile_bytes(&model));
  if (!error) error = ppml_compile(&circuit, &model, &options, NULL, &m.arena);
  if (!error) error = classify(&answer, &circuit, pixels);
  if (error) fprintf(stderr, "minimal: %s %s\n", ppml_strerror(error), fault.reason);
  else printf("%s\n", model.spec.class_name[answer.label[0]]);
  free(m.block);
  return error ? 1 : 0;
}
