/* export.c - firmware that holds a circuit and a client spec as C arrays, here on one machine.
 *
 *     ppml export c.ppml -o circuit.h && ppml export cl.ppml -o client.h
 *     cc -I. -IWHERE_THE_HEADERS_ARE tests/export.c -lm -o export && ./export c.ppml cl.ppml
 *
 * Says whether the structures serialize to the files they were exported from, then encrypts an
 * image that is bright on its left, infers and decrypts, in memory of just the exported sizes.
 * Prints the class. */
#define PPML_IMPLEMENTATION
#include "ppml.h"

#include "circuit.h"
#include "client.h"

#include <stdio.h>
#include <stdlib.h>

static PPML_ALIGNED unsigned char keygen_memory[CLIENT_KEYGEN_BYTES];
static PPML_ALIGNED unsigned char encrypt_memory[CLIENT_ENCRYPT_BYTES];
static PPML_ALIGNED unsigned char key_memory[CIRCUIT_EVAL_KEY_STREAM_BYTES];
static PPML_ALIGNED unsigned char infer_memory[CIRCUIT_INFER_BYTES];
static PPML_ALIGNED unsigned char decrypt_memory[CLIENT_DECRYPT_BYTES];
static PPML_ALIGNED unsigned char secret_memory[CLIENT_SECRET_KEY_BYTES];
static unsigned char wire[CLIENT_EVAL_KEY_WIRE_BYTES];

static void check(int error, const char *what) {
  if (error == PPML_OK) return;
  fprintf(stderr, "export: %s: %s\n", what, ppml_strerror(error));
  exit(1);
}

static ppml_arena arena_of(unsigned char *memory, size_t bytes) {
  ppml_arena arena;
  check(ppml_arena_init(&arena, memory, bytes), "arena");
  return arena;
}

/* Is this what the file holds, to its last byte? */
static void compare(const char *path, size_t count) {
  static unsigned char file[sizeof wire];
  FILE *stream = fopen(path, "rb");
  size_t read = stream ? fread(file, 1, sizeof file, stream) : 0;
  if (stream) fclose(stream);
  if (read == count && memcmp(file, wire, count) == 0) return;
  fprintf(stderr, "export: %s differs from what was exported\n", path);
  exit(1);
}

static void compare_files(const char *circuit_path, const char *client_path) {
  ppml_circuit circuit;
  ppml_client client;
  ppml_writer writer = ppml_writer_to_memory(wire, sizeof wire);
  check(circuit_init(&circuit), "circuit_init");
  check(ppml_circuit_write(&circuit, &writer), circuit_path);
  compare(circuit_path, writer.position);
  writer = ppml_writer_to_memory(wire, sizeof wire);
  check(client_init(&client), "client_init");
  check(ppml_client_write(&client, &writer), client_path);
  compare(client_path, writer.position);
}

static void classify(void) {
  ppml_circuit circuit;
  ppml_client client;
  ppml_secret_key secret;
  ppml_eval_key eval;
  ppml_input input;
  ppml_request request;
  ppml_answer answer;
  ppml_output output;
  ppml_rng rng;
  ppml_limits limits = ppml_limits_default();
  uint8_t pixels[64];
  ppml_arena arena = arena_of(keygen_memory, sizeof keygen_memory);
  ppml_arena own = arena_of(secret_memory, sizeof secret_memory);
  for (int i = 0; i < 64; i++) pixels[i] = i % 8 < 4 ? 200 : 40;
  check(client_init(&client), "client_init");
  check(circuit_init(&circuit), "circuit_init");
  check(ppml_rng_init(&rng), "rng");
  ppml_writer writer = ppml_writer_to_memory(wire, sizeof wire);
  check(ppml_secret_key_generate(&secret, &client, &rng, &own), "secret key");
  check(ppml_eval_key_generate(&writer, &secret, &rng, NULL, NULL, &arena), "keygen");
  arena = arena_of(encrypt_memory, sizeof encrypt_memory);
  check(ppml_encrypt(&input, &request, &secret, pixels, &rng, &arena), "encrypt");
  ppml_reader reader = ppml_reader_from_memory(wire, writer.position);
  arena = arena_of(key_memory, sizeof key_memory);
  check(ppml_eval_key_stream(&eval, &reader, &limits, &circuit, NULL, 1, &arena), "key");
  arena = arena_of(infer_memory, sizeof infer_memory);
  check(ppml_infer(&output, &circuit, &input, 1, &eval, NULL, &arena), "infer");
  writer = ppml_writer_to_memory(wire, CLIENT_OUTPUT_WIRE_BYTES);
  check(ppml_output_write(&output, &writer), "output");
  reader = ppml_reader_from_memory(wire, writer.position);
  arena = arena_of(decrypt_memory, sizeof decrypt_memory);
  check(ppml_output_read(&output, &reader, &limits, &arena), "answer");
  check(ppml_decrypt(&answer, &output, 0, &request, &secret), "decrypt");
  printf("%s\n", client.spec.class_name[answer.label[0]]);
}

/* What was exported by one build is what another takes, whatever its backends are. */
static void check_sizes(void) {
  ppml_circuit circuit;
  ppml_client client;
  check(client_init(&client), "client_init");
  check(circuit_init(&circuit), "circuit_init");
  if (ppml_infer_bytes(&circuit, 1, 1) == CIRCUIT_INFER_BYTES &&
      ppml_eval_key_read_bytes(circuit.params, 1) == CIRCUIT_EVAL_KEY_BYTES &&
      ppml_eval_key_stream_bytes(circuit.params, 1) == CIRCUIT_EVAL_KEY_STREAM_BYTES &&
      ppml_eval_key_generate_bytes(client.params, 1) == CLIENT_KEYGEN_BYTES &&
      ppml_eval_key_run_make_bytes(client.params) == CLIENT_KEY_RUN_BYTES &&
      ppml_encrypt_bytes(client.params, &client.spec) == CLIENT_ENCRYPT_BYTES &&
      ppml_encrypt_to_bytes(client.params, &client.spec) == CLIENT_ENCRYPT_TO_BYTES)
    return;
  fprintf(stderr, "export: this build takes other memory than was exported\n");
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  check_sizes();
  compare_files(argv[1], argv[2]);
  classify();
  return 0;
}
