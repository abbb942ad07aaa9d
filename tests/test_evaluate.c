/* test_evaluate.c - encrypted inference with a polynomial activation, from pixels to scores. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { SIDE = 12, INPUTS = SIDE * SIDE, IMAGES = 5 };

/* A network with one polynomial layer of small weights, and scores that have room. */
static void net_make(test_net *net, uint32_t neurons, uint32_t classes, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  ppml_model *m = &net->model;
  static int32_t square[64], linear[64];
  test_net_spec(net, SIDE, SIDE, 1, classes);
  m->layer_count = 2;
  for (uint32_t l = 0; l < 2; l++) {
    ppml_layer *layer = &m->layer[l];
    layer->inputs = l ? neurons : INPUTS;
    layer->outputs = l ? m->spec.outputs : neurons;
    layer->activation = l ? PPML_ACTIVATION_NONE : PPML_ACTIVATION_POLYNOMIAL;
    layer->weight_bits = 3;
    layer->weight = net->weight[l];
    layer->bias = net->bias[l];
    for (uint32_t i = 0; i < layer->inputs * layer->outputs; i++)
      net->weight[l][i] = (int8_t)test_within(&rng, l ? 3 : 1);
    for (uint32_t j = 0; j < layer->outputs; j++) net->bias[l][j] = test_within(&rng, 50);
  }
  for (uint32_t j = 0; j < neurons; j++) {
    square[j] = test_within(&rng, 1); /* zero as well: a linear neuron */
    linear[j] = test_within(&rng, 30);
  }
  for (uint32_t c = 0; c < m->spec.outputs; c++) net->peak[1][c] = 1 << 19;
  m->layer[0].square = square;
  m->layer[0].linear = linear;
  m->layer[1].peak = net->peak[1];
  m->margin_p05 = 5000;
  ppmli_model_id(m->id, m);
}

typedef struct run {
  test_net net;
  ppml_circuit circuit;
  ppml_client client;
  test_keys keys;
  ppml_arena arena, work;
  ppml_rng rng;
  uint8_t pixels[IMAGES][INPUTS];
  ppml_input inputs[IMAGES];
  ppml_output output;
} run;

static run *run_make(uint32_t neurons, uint32_t classes, const char *params, uint64_t seed) {
  run *r = (run *)test_memory(sizeof *r);
  memset(r, 0, sizeof *r);
  net_make(&r->net, neurons, classes, seed);
  r->rng = test_rng(seed + 1);
  r->arena = test_arena((size_t)1 << 22);
  test_circuit_make(&r->circuit, &r->net, params, &r->arena);
  ppml_client_from_circuit(&r->client, &r->circuit);
  test_keys_make(&r->keys, &r->client, seed + 2);
  r->work = test_arena(IMAGES * ppml_input_bytes(r->circuit.params, &r->client.spec));
  for (size_t i = 0; i < IMAGES; i++) {
    test_pixels(r->pixels[i], INPUTS, &r->rng);
    ck_assert_int_eq(ppml_encrypt(&r->inputs[i], &r->keys.secret, r->pixels[i], &r->rng, &r->work),
                     PPML_OK);
  }
  return r;
}

static void run_free(run *r) {
  test_keys_free(&r->keys);
  test_arena_free(&r->arena);
  test_arena_free(&r->work);
  free(r);
}

/* Infers images in memory that is exactly as large as asked for. */
static ppml_arena infer(run *r, size_t images, const ppml_parallel *parallel) {
  ppml_arena arena =
      test_arena(ppml_infer_bytes(&r->circuit, images, ppmli_parallel_threads(parallel)));
  ck_assert_int_eq(
      ppml_infer(&r->output, &r->circuit, r->inputs, images, &r->keys.eval, parallel, &arena),
      PPML_OK);
  ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
  return arena;
}

static void add_errors(test_moments *m, run *r, size_t images) {
  int32_t clear[PPML_CLASSES_MAX], scores[PPML_CLASSES_MAX];
  ppml_arena scratch = test_arena(ppml_model_predict_bytes(&r->net.model));
  for (size_t i = 0; i < images; i++) {
    ck_assert_int_eq(ppml_model_predict(clear, &r->net.model, r->pixels[i], &scratch), PPML_OK);
    ck_assert_int_eq(ppml_decrypt(scores, &r->output, i, &r->keys.secret), PPML_OK);
    for (uint32_t o = 0; o < r->client.spec.outputs; o++) {
      ck_assert_int_ne(clear[o], 0);
      test_moments_add(m, (double)scores[o] - clear[o]);
    }
  }
  test_arena_free(&scratch);
}

static void check_net(uint32_t neurons, uint32_t classes, const char *params) {
  run *r = run_make(neurons, classes, params, 10 * neurons + classes);
  ppml_noise noise;
  test_moments m = {0, 0, 0, 0};
  ppml_arena arena = infer(r, IMAGES, NULL);
  add_errors(&m, r, IMAGES);
  ppml_circuit_noise(&noise, &r->circuit);
  ck_assert_msg(m.most < 6 * noise.score, "%s: %g off, expected %g", params, m.most, noise.score);
  ck_assert(noise.score < 2000); /* of a score's room of 2^19 */
  test_arena_free(&arena);
  run_free(r);
}

START_TEST(scores_are_the_clear_ones_but_for_noise) {
  check_net(16, 2, "leveled-16");
  check_net(5, 3, "leveled-32");
  check_net(40, 2, "leveled-64");
  check_net(1, 4, "leveled-128");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("evaluate");
  TCase *law = test_case(suite, "law");
  tcase_add_test(law, scores_are_the_clear_ones_but_for_noise);
  return test_run(suite);
}
