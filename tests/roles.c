/* roles.c - the library without what a role does not need: tests/build_matrix.sh builds this file with
 * one of PPML_CLIENT_ONLY, PPML_NO_SERVER, PPML_NO_PLAN, and with PPML_NO_LEVELED or without, and hands
 * files from one program to the next.
 *
 *     roles plan DIR SET     circuit and client spec             (not PPML_NO_PLAN)
 *     roles key DIR          keys, an encrypted image            (a client)
 *     roles infer DIR        encrypted scores                    (not PPML_NO_SERVER)
 *     roles answer DIR       prints the answer's class           (a client) */
#define PPML_IMPLEMENTATION
#include "../ppml.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIXELS = 64, FILE_BYTES = 1 << 24, MEMORY_BYTES = 1 << 28 };

static unsigned char memory[MEMORY_BYTES] PPML_ALIGNED;
static unsigned char bytes[FILE_BYTES];
static ppml_arena arena;
static char path[512];

/* ------------------------------------------------------------------ files */

static void check(int error, const char *what) {
  if (error == PPML_OK) return;
  fprintf(stderr, "roles: %s: %s\n", what, ppml_strerror(error));
  exit(1);
}

static FILE *open_file(const char *folder, const char *name, const char *mode) {
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, mode);
  if (file == NULL) check(PPML_ERR_IO, path);
  return file;
}

static ppml_reader read_file(const char *folder, const char *name) {
  FILE *file = open_file(folder, name, "rb");
  size_t count = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  return ppml_reader_from_memory(bytes, count);
}

static void write_file(const char *folder, const char *name, size_t count) {
  FILE *file = open_file(folder, name, "wb");
  size_t written = fwrite(bytes, 1, count, file);
  check(fclose(file) || written != count ? PPML_ERR_IO : PPML_OK, path);
}

static ppml_writer writer_of_bytes(void) {
  return ppml_writer_to_memory(bytes, sizeof bytes);
}

/* ------------------------------------------------------------------ roles */

#ifndef PPML_NO_PLAN
/* One neuron that adds up all pixels; the class is whether the image is bright. */
static void plan(const char *folder, const char *set) {
  static int8_t ones[PIXELS];
  static const int8_t last[1] = {1};
  static const int32_t bias[1] = {-480}, score_bias[1] = {0}, range[1] = {400}, peak[1] = {480};
  static const int32_t square[1] = {0}, linear[1] = {1}, score_peak[1] = {480};
  ppml_model model;
  ppml_circuit circuit;
  ppml_client client;
  const ppml_params *params = ppml_params_by_name(set);
  check(params ? PPML_OK : PPML_ERR_NAME, set);
  int has_products = params->kind == PPML_SET_LEVELED;
  memset(&model, 0, sizeof model);
  memset(ones, 1, sizeof ones);
  model.spec.width = model.spec.height = 8;
  model.spec.channels = model.spec.outputs = 1;
  model.spec.input_bits = 4;
  model.spec.classes = 2;
  model.spec.score_unit = model.margin_p05 = 100;
  memcpy(model.spec.class_name[0], "dark", 5);
  memcpy(model.spec.class_name[1], "bright", 7);
  model.layer_count = 2;
  model.layer[0].inputs = PIXELS;
  model.layer[0].outputs = model.layer[1].inputs = model.layer[1].outputs = 1;
  model.layer[0].activation = has_products ? PPML_ACTIVATION_POLYNOMIAL : PPML_ACTIVATION_SIGN;
  model.layer[0].weight_bits = model.layer[1].weight_bits = 2;
  model.layer[0].weight = ones;
  model.layer[1].weight = last;
  model.layer[0].bias = bias;
  model.layer[1].bias = score_bias;
  if (has_products) {
    model.layer[0].square = square;
    model.layer[0].linear = linear;
    model.layer[1].peak = score_peak;
  } else {
    model.layer[0].range = range;
    model.layer[0].peak = peak;
  }
  const ppml_compile_options options = ppml_compile_options_for(params);
  check(ppml_compile(&circuit, &model, &options, NULL, &arena), "compile");
  ppml_client_from_circuit(&client, &circuit);
  ppml_writer writer = writer_of_bytes();
  check(ppml_circuit_write(&circuit, &writer), "circuit");
  write_file(folder, "circuit.ppml", writer.position);
  writer = writer_of_bytes();
  check(ppml_client_write(&client, &writer), "client spec");
  write_file(folder, "client.ppml", writer.position);
}
#endif

static void make_key(const char *folder) {
  uint8_t pixels[PIXELS];
  ppml_limits limits = ppml_limits_default();
  ppml_client client;
  ppml_secret_key key;
  ppml_request request;
  ppml_input input;
  ppml_rng rng;
  ppml_reader reader = read_file(folder, "client.ppml");
  check(ppml_client_read(&client, &reader, &limits), "client spec");
  check(ppml_rng_init(&rng), "entropy");
  check(ppml_secret_key_generate(&key, &client, &rng, &arena), "secret key");
  ppml_writer writer = writer_of_bytes();
  check(ppml_eval_key_generate(&writer, &key, &rng, NULL, NULL, &arena), "evaluation key");
  write_file(folder, "key.ppml", writer.position);
  memset(pixels, 200, sizeof pixels);
  check(ppml_encrypt(&input, &request, &key, pixels, &rng, &arena), "encrypt");
  writer = writer_of_bytes();
  check(ppml_input_write(&input, &writer), "image");
  write_file(folder, "image.ppml", writer.position);
  writer = writer_of_bytes();
  check(ppml_secret_key_write(&key, &writer), "secret key");
  write_file(folder, "secret.ppml", writer.position);
  memcpy(bytes, &request, sizeof request);
  write_file(folder, "request", sizeof request);
  ppml_secret_key_wipe(&key);
  ppml_rng_wipe(&rng);
}

#ifndef PPML_NO_SERVER
static void infer(const char *folder) {
  ppml_limits limits = ppml_limits_default();
  ppml_circuit circuit;
  ppml_eval_key key;
  ppml_input input;
  ppml_output output;
  ppml_reader reader = read_file(folder, "circuit.ppml");
  check(ppml_circuit_read(&circuit, &reader, &limits, &arena), "circuit");
  reader = read_file(folder, "key.ppml");
  check(ppml_eval_key_read(&key, &reader, &limits, &circuit, NULL, NULL, &arena), "evaluation key");
  reader = read_file(folder, "image.ppml");
  check(ppml_input_read(&input, &reader, &limits, &arena), "image");
  check(ppml_infer(&output, &circuit, &input, 1, &key, NULL, &arena), "infer");
  ppml_writer writer = writer_of_bytes();
  check(ppml_output_write(&output, &writer), "scores");
  write_file(folder, "scores.ppml", writer.position);
}
#endif

static void answer(const char *folder) {
  ppml_limits limits = ppml_limits_default();
  ppml_client client;
  ppml_secret_key key;
  ppml_request request;
  ppml_output output;
  ppml_answer out;
  ppml_reader reader = read_file(folder, "client.ppml");
  check(ppml_client_read(&client, &reader, &limits), "client spec");
  reader = read_file(folder, "secret.ppml");
  check(ppml_secret_key_read(&key, &client, &reader, &limits, &arena), "secret key");
  (void)read_file(folder, "request");
  memcpy(&request, bytes, sizeof request);
  reader = read_file(folder, "scores.ppml");
  check(ppml_output_read(&output, &reader, &limits, &arena), "scores");
  check(ppml_decrypt(&out, &output, 0, &request, &key), "decrypt");
  printf("%s\n", client.spec.class_name[out.label[0]]);
  ppml_secret_key_wipe(&key);
}

int main(int count, char **argument) {
  const char *step = count > 2 ? argument[1] : "", *folder = count > 2 ? argument[2] : "";
  check(ppml_arena_init(&arena, memory, sizeof memory), "memory");
#ifndef PPML_NO_PLAN
  if (strcmp(step, "plan") == 0 && count == 4) return plan(folder, argument[3]), 0;
#endif
#ifndef PPML_NO_SERVER
  if (strcmp(step, "infer") == 0) return infer(folder), 0;
#endif
  if (strcmp(step, "key") == 0) return make_key(folder), 0;
  if (strcmp(step, "answer") == 0) return answer(folder), 0;
  fprintf(stderr, "roles: this build has no step %s\n", step);
  return 64;
}
