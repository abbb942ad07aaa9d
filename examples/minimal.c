/* From key generation to the class, on a network small enough to see: eight pixels, two
 * hidden neurons, two classes, "dark" and "bright".
 *
 *     cc -I. examples/minimal.c -lm -o minimal && ./minimal */
#define PPML_IMPLEMENTATION
#include "ppml.h"

#include <stdio.h>

#define MEMORY_BYTES ((size_t)128 << 20)
static PPML_ALIGNED unsigned char memory[MEMORY_BYTES];
static unsigned char key_file[16 << 20];

static const int8_t hidden_weight[2][8] = {{1, 1, 1, 1, 1, 1, 1, 1}, {2, 0, 2, 0, 2, 0, 2, 0}};
static const int32_t hidden_bias[2] = {-60, -60}, range[2] = {40, 40}, peak[2] = {60, 60};
static const int8_t score_weight[1][2] = {{3, 2}};
static const int32_t score_bias[1] = {0};

static const ppml_model model = {
    {8,
     1,
     1,
     4,
     2,
     1,
     100,
     {"dark", "bright"},
     PPML_TASK_CLASS,
     {0}}, /* 8x1 gray, 4 bits a pixel, one score */
    2,
    {{8, 2, PPML_ACTIVATION_RELU, 3, hidden_weight[0], hidden_bias, range, peak, NULL, NULL, NULL},
     {2, 1, PPML_ACTIVATION_NONE, 3, score_weight[0], score_bias, NULL, NULL, NULL, NULL, NULL}},
    100,
    {0}};

static int classify(const uint8_t pixels[8], ppml_answer *answer) {
  ppml_arena arena;
  ppml_circuit circuit;
  ppml_client client;
  ppml_rng rng;
  ppml_secret_key secret;
  ppml_eval_key eval;
  ppml_input input;
  ppml_request request;
  ppml_output output;
  ppml_limits limits = ppml_limits_default();
  int error = ppml_arena_init(&arena, memory, sizeof memory);
  if (!error) error = ppml_rng_init(&rng);

  /* The model's owner lays it out; the client gets no weight of it. */
  const ppml_compile_options options = ppml_compile_options_for(ppml_params_by_name("fast"));
  if (!error) error = ppml_compile(&circuit, &model, &options, NULL, &arena);
  if (error) return error;
  ppml_client_from_circuit(&client, &circuit);

  /* The client makes its keys and encrypts. */
  ppml_writer writer = ppml_writer_to_memory(key_file, sizeof key_file);
  error = ppml_secret_key_generate(&secret, &client, &rng);
  if (!error) error = ppml_eval_key_generate(&writer, &secret, &rng, NULL, NULL, &arena);
  if (!error) error = ppml_encrypt(&input, &request, &secret, pixels, &rng, &arena);

  /* The server sees the evaluation key and the encrypted image alone. */
  ppml_reader reader = ppml_reader_from_memory(key_file, writer.position);
  if (!error) error = ppml_eval_key_read(&eval, &reader, &limits, &circuit, NULL, NULL, &arena);
  if (!error) error = ppml_infer(&output, &circuit, &input, 1, &eval, NULL, &arena);

  /* The client reads the answer to its request, once. */
  if (!error) error = ppml_decrypt(answer, &output, 0, &request, &secret);
  ppml_secret_key_wipe(&secret);
  ppml_rng_wipe(&rng);
  return error;
}

int main(void) {
  const uint8_t pixels[8] = {250, 240, 230, 200, 255, 220, 210, 190};
  ppml_answer answer;
  int error = classify(pixels, &answer);
  if (error) {
    fprintf(stderr, "minimal: %s\n", ppml_strerror(error));
    return 1;
  }
  printf("%s\n", model.spec.class_name[answer.label[0]]);
  return 0;
}
