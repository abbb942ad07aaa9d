/* All that a client runs, as one function each: tests/build_matrix.sh looks at the object for
 * instructions on doubles and for names of libm's, and must find none. */
#define PPML_IMPLEMENTATION
#define PPML_NO_TRAIN
#define PPML_API static inline
#define PPML_ENTROPY test_entropy
#include "../ppml.h"

int make_secret(ppml_secret_key *key, ppml_client *client, ppml_reader *reader,
                const ppml_limits *limits, ppml_writer *writer, ppml_rng *rng, ppml_arena *arena);
int read_secret(ppml_secret_key *key, const ppml_client *client, ppml_reader *reader,
                const ppml_limits *limits, ppml_arena *arena);
int make_eval(ppml_writer *writer, const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena);
int send_image(ppml_writer *writer, ppml_request *request, const ppml_secret_key *key,
               const uint8_t *pixels, ppml_rng *rng, ppml_arena *arena);
int read_answer(ppml_answer *answer, ppml_reader *reader, ppml_request *request,
                const ppml_secret_key *key, const ppml_limits *limits, ppml_arena *arena);

int make_secret(ppml_secret_key *key, ppml_client *client, ppml_reader *reader,
                const ppml_limits *limits, ppml_writer *writer, ppml_rng *rng, ppml_arena *arena) {
  PPMLI_TRY(ppml_client_read(client, reader, limits));
  PPMLI_TRY(ppml_secret_key_generate(key, client, rng, arena));
  return ppml_secret_key_write(key, writer);
}

int read_secret(ppml_secret_key *key, const ppml_client *client, ppml_reader *reader,
                const ppml_limits *limits, ppml_arena *arena) {
  return ppml_secret_key_read(key, client, reader, limits, arena);
}

int make_eval(ppml_writer *writer, const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  if (ppml_eval_key_generate_bytes(key->client->params, 1) > arena->capacity_bytes) return 1;
  return ppml_eval_key_generate(writer, key, rng, NULL, NULL, arena);
}

int send_image(ppml_writer *writer, ppml_request *request, const ppml_secret_key *key,
               const uint8_t *pixels, ppml_rng *rng, ppml_arena *arena) {
  ppml_input input;
  if (ppml_encrypt_bytes(key->client->params, &key->client->spec) > arena->capacity_bytes) return 1;
  PPMLI_TRY(ppml_encrypt(&input, request, key, pixels, rng, arena));
  return ppml_input_write(&input, writer);
}

int read_answer(ppml_answer *answer, ppml_reader *reader, ppml_request *request,
                const ppml_secret_key *key, const ppml_limits *limits, ppml_arena *arena) {
  ppml_output output;
  PPMLI_TRY(ppml_output_read(&output, reader, limits, arena));
  return ppml_decrypt(answer, &output, 0, request, key);
}
