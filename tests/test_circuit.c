/* test_circuit.c - how a network is laid out on the torus, what noise is predicted, and which
 * parameters are chosen: circuit.h and compile.h. */
#define PPML_IMPLEMENTATION
#include "support.h"

static const uint32_t activations[] = {PPML_ACTIVATION_RELU, PPML_ACTIVATION_SIGN,
                                       PPML_ACTIVATION_SQUARE, PPML_ACTIVATION_TABLE};

static const uint32_t hidden[] = {6, 4, 3};

/* A compiled network and its memory. */
typedef struct bench {
  test_net net;
  ppml_circuit circuit;
  ppml_arena arena;
} bench;

static bench *bench_make(size_t layers, uint32_t activation, uint32_t classes, uint64_t seed) {
  bench *b = test_memory(sizeof *b);
  test_net_make(&b->net, 7, 6, hidden, layers, activation, classes, seed);
  b->arena = test_arena(ppml_compile_bytes(&b->net.model));
  test_circuit_make(&b->circuit, &b->net, "fast", &b->arena);
  return b;
}

static void bench_free(bench *b) {
  test_arena_free(&b->arena);
  free(b);
}

/* ----------------------------------------------------------------- bounds */

/* How far accumulator j of layer l may reach, in turns, with a quarter more than the peak. */
static void check_reach(const ppml_circuit *c, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &c->model.layer[l];
  double scale = ldexp((double)ppmli_circuit_scale(c, l, j), -64);
  if (layer->activation == PPML_ACTIVATION_NONE) {
    int64_t bound = ppmli_layer_bound(layer, j, ppmli_layer_input_max(&c->model, l));
    ck_assert((double)bound * scale <= 7.0 / 16);
    return;
  }
  double reach = floor(1.25 * layer->peak[j]) * scale, saturation = layer->range[j] * scale;
  if (ppmli_activation_is_odd(layer->activation)) ck_assert(reach + saturation <= 0.5);
  else ck_assert(reach <= 0.25);
}

START_TEST(gains_keep_accumulators_in_range) {
  for (size_t layers = 0; layers <= 3; layers++)
    for (size_t a = 0; a < 4; a++)
      for (uint32_t classes = 2; classes <= 4; classes++) {
        bench *b = bench_make(layers, activations[a], classes, layers + 10 * a);
        for (uint32_t l = 0; l < b->circuit.model.layer_count; l++)
          for (uint32_t j = 0; j < b->circuit.model.layer[l].outputs; j++) {
            check_reach(&b->circuit, l, j);
            ck_assert_int_ge(b->circuit.gain[l][j], 1);
            ck_assert_int_le(b->circuit.gain[l][j], l ? PPMLI_HIDDEN_GAIN_MAX : PPMLI_GAIN_MAX);
          }
        bench_free(b);
      }
}
END_TEST

/* A gain is the largest that fits, or the most that is allowed. */
START_TEST(one_more_of_a_gain_would_not_fit) {
  bench *b = bench_make(2, PPML_ACTIVATION_RELU, 3, 5);
  const ppml_circuit *c = &b->circuit;
  for (uint32_t l = 0; l < 2; l++)
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) {
      int32_t most = l ? PPMLI_HIDDEN_GAIN_MAX : PPMLI_GAIN_MAX;
      uint64_t more = c->unit[l] * ((uint64_t)c->gain[l][j] + 1);
      ck_assert(c->gain[l][j] == most || more > ppmli_layer_capacity(&c->model, l, j));
    }
  bench_free(b);
}
END_TEST

/* -------------------------------------------------------------------- law */

START_TEST(scores_share_one_gain_and_inputs_one_unit) {
  for (uint32_t classes = 2; classes <= 5; classes++) {
    bench *b = bench_make(1, PPML_ACTIVATION_RELU, classes, classes);
    const ppml_circuit *c = &b->circuit;
    for (uint32_t j = 1; j < c->model.spec.outputs; j++)
      ck_assert_int_eq(c->gain[1][j], c->gain[1][0]);
    ck_assert(c->unit[0] == (uint64_t)1 << (64 - 16 - 4));
    ck_assert(ppmli_circuit_score_unit(c) == c->unit[1] * (uint64_t)c->gain[1][0]);
    bench_free(b);
  }
}
END_TEST

START_TEST(every_hidden_neuron_is_a_bootstrap) {
  static const size_t expected[] = {0, 6, 10, 13};
  for (size_t layers = 0; layers <= 3; layers++) {
    bench *b = bench_make(layers, PPML_ACTIVATION_SIGN, 3, 1);
    ck_assert_uint_eq(ppml_circuit_pbs_count(&b->circuit), expected[layers]);
    bench_free(b);
  }
}
END_TEST

START_TEST(a_client_spec_holds_no_more_than_it_needs) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3, 2);
  ppml_client client;
  ppml_client_from_circuit(&client, &b->circuit);
  ck_assert_mem_eq(&client.spec, &b->circuit.model.spec, sizeof client.spec);
  ck_assert_mem_eq(client.circuit_id, b->circuit.id, PPML_ID_BYTES);
  ck_assert_ptr_eq(client.params, b->circuit.params);
  ck_assert(client.score_unit == ppmli_circuit_score_unit(&b->circuit));
  bench_free(b);
}
END_TEST

START_TEST(the_same_model_gives_the_same_circuit) {
  bench *a = bench_make(2, PPML_ACTIVATION_TABLE, 4, 3), *b = bench_make(2, 4, 4, 3);
  bench *other = bench_make(2, PPML_ACTIVATION_TABLE, 4, 4);
  ck_assert_mem_eq(a->circuit.id, b->circuit.id, PPML_ID_BYTES);
  ck_assert_mem_ne(a->circuit.id, other->circuit.id, PPML_ID_BYTES);
  bench_free(a), bench_free(b), bench_free(other);
}
END_TEST

/* What ppml_simulate adds to the scores of a linear model is what ppml_circuit_noise says;
 * 4,000 scores, five standard deviations. */
START_TEST(simulation_has_the_predicted_noise) {
  bench *b = bench_make(0, PPML_ACTIVATION_RELU, 2, 6);
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&b->net.model));
  ppml_noise noise;
  uint8_t pixels[42];
  ppml_rng rng = test_rng(7);
  test_moments m = {0, 0, 0, 0};
  int32_t clear, score;
  test_pixels(pixels, sizeof pixels, &rng);
  ppml_circuit_noise(&noise, &b->circuit);
  ck_assert_int_eq(ppml_model_predict(&clear, &b->net.model, pixels, &arena), PPML_OK);
  for (int i = 0; i < 4000; i++) {
    ck_assert_int_eq(ppml_simulate(&score, &b->circuit, pixels, &rng, &arena), PPML_OK);
    test_moments_add(&m, score - clear);
  }
  ck_assert(fabs(test_mean(&m)) < 5 * noise.score / sqrt(4000) + 0.1);
  /* 1/12 more, for the rounding to integers */
  test_assert_near(test_variance(&m), noise.score * noise.score + 1.0 / 12, 0.12);
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

START_TEST(a_normal_number_is_normal_enough) {
  ppml_rng rng = test_rng(8);
  test_moments m = {0, 0, 0, 0};
  for (int i = 0; i < 100000; i++) test_moments_add(&m, ppmli_rng_normal(&rng));
  ck_assert(fabs(test_mean(&m)) < 0.02);
  test_assert_near(test_variance(&m), 1, 0.03);
}
END_TEST

/* ----------------------------------------------------------------- choice */

START_TEST(a_wide_margin_chooses_the_fast_set_and_a_narrow_one_the_finest) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3, 9);
  ppml_noise noise;
  b->net.model.margin_p05 = 1u << 30;
  b->arena.used_bytes = 0;
  ck_assert_int_eq(ppml_compile(&b->circuit, &b->net.model, NULL, &b->arena), PPML_OK);
  ck_assert_str_eq(b->circuit.params->name, "fast");
  ppml_circuit_noise(&noise, &b->circuit);
  ck_assert(noise.changed_answers <= 0.005 && noise.bootstrap > 0 && noise.layer[0] > 0);
  b->net.model.margin_p05 = 1;
  b->arena.used_bytes = 0;
  ck_assert_int_eq(ppml_compile(&b->circuit, &b->net.model, NULL, &b->arena), PPML_OK);
  ck_assert_str_eq(b->circuit.params->name, "finest"); /* never an exact set */
  bench_free(b);
}
END_TEST

START_TEST(less_margin_is_more_changed_answers) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 2, 10);
  double before = 0;
  for (uint32_t margin = 1u << 20; margin; margin /= 2) {
    ppml_noise noise;
    b->circuit.model.margin_p05 = margin;
    ppml_circuit_noise(&noise, &b->circuit);
    ck_assert(noise.changed_answers >= before && noise.changed_answers <= 1);
    before = noise.changed_answers;
  }
  bench_free(b);
}
END_TEST

/* ------------------------------------------------------------------ error */

START_TEST(a_network_that_does_not_fit_the_torus_is_told) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 2, 11);
  b->net.peak[0][3] = 1 << 24; /* an input is 2^-20, and accumulators stay below 1/2 */
  b->arena.used_bytes = 0;
  ck_assert_int_eq(ppml_compile(&b->circuit, &b->net.model, NULL, &b->arena), PPML_ERR_PARAMS);
  bench_free(b);
}
END_TEST

#define check_invalid(change)                                                                      \
  do {                                                                                             \
    bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3, 12);                                         \
    ppml_model *m = &b->net.model;                                                                 \
    change;                                                                                        \
    b->arena.used_bytes = 0;                                                                       \
    ck_assert_int_eq(ppml_compile(&b->circuit, m, NULL, &b->arena), PPML_ERR_ARG);                 \
    bench_free(b);                                                                                 \
  } while (0)

START_TEST(a_model_that_breaks_a_rule_is_refused) {
  check_invalid(m->layer_count = 0);
  check_invalid(m->layer_count = PPML_LAYERS_MAX + 1);
  check_invalid(m->layer_count = 1);
  check_invalid(m->layer[0].inputs--);
  check_invalid(m->layer[1].activation = PPML_ACTIVATION_RELU);
  check_invalid(m->layer[0].activation = PPML_ACTIVATION_NONE);
  check_invalid(m->layer[0].activation = PPML_ACTIVATION_TABLE + 1);
  check_invalid(m->layer[0].weight_bits = 3); /* there are weights of 4 bits */
  check_invalid(m->layer[0].weight_bits = 0);
  check_invalid(m->layer[0].weight_bits = 33);
  check_invalid(b->net.range[0][0] = 0);
  check_invalid(b->net.peak[0][0] = b->net.range[0][0] - 1);
  check_invalid(m->spec.outputs = 2);
  check_invalid(m->spec.input_bits = 0);
  check_invalid(m->spec.input_bits = 9);
}
END_TEST

START_TEST(arguments_are_checked) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3, 13);
  uint8_t pixels[42] = {0};
  int32_t scores[3];
  ppml_rng rng = test_rng(1);
  ck_assert_int_eq(ppml_compile(NULL, &b->net.model, NULL, &b->arena), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_compile(&b->circuit, NULL, NULL, &b->arena), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_compile(&b->circuit, &b->net.model, NULL, NULL), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_simulate(scores, &b->circuit, pixels, NULL, &b->arena), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_simulate(NULL, &b->circuit, pixels, &rng, &b->arena), PPML_ERR_ARG);
  bench_free(b);
}
END_TEST

START_TEST(compiling_takes_exactly_what_is_said) {
  for (size_t layers = 0; layers <= 3; layers++) {
    bench *b = bench_make(layers, PPML_ACTIVATION_RELU, 3, 14);
    size_t bytes = ppml_compile_bytes(&b->net.model);
    ck_assert_uint_eq(b->arena.high_bytes, bytes);
    for (size_t less = 1; less <= bytes; less += 64) {
      ppml_arena arena = test_arena(bytes - less);
      ck_assert_int_eq(ppml_compile(&b->circuit, &b->net.model, NULL, &arena), PPML_ERR_NOMEM);
      test_arena_free(&arena);
    }
    bench_free(b);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("circuit");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error"), *oom = test_case(suite, "oom");
  tcase_add_test(law, scores_share_one_gain_and_inputs_one_unit);
  tcase_add_test(law, every_hidden_neuron_is_a_bootstrap);
  tcase_add_test(law, a_client_spec_holds_no_more_than_it_needs);
  tcase_add_test(law, the_same_model_gives_the_same_circuit);
  tcase_add_test(law, a_wide_margin_chooses_the_fast_set_and_a_narrow_one_the_finest);
  tcase_add_test(law, less_margin_is_more_changed_answers);
  tcase_add_test(bounds, gains_keep_accumulators_in_range);
  tcase_add_test(bounds, one_more_of_a_gain_would_not_fit);
  tcase_add_test(bounds, simulation_has_the_predicted_noise);
  tcase_add_test(bounds, a_normal_number_is_normal_enough);
  tcase_add_test(error, a_network_that_does_not_fit_the_torus_is_told);
  tcase_add_test(error, a_model_that_breaks_a_rule_is_refused);
  tcase_add_test(error, arguments_are_checked);
  tcase_add_test(oom, compiling_takes_exactly_what_is_said);
  return test_run(suite);
}
