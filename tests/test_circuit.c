/* test_circuit.c - how a network is laid out on the torus, what noise is predicted, and which
 * parameters are chosen: circuit.h and compile.h. */
#define PPML_IMPLEMENTATION
#include "support.h"

static const uint32_t activations[] = {PPML_ACTIVATION_RELU, PPML_ACTIVATION_SIGN,
                                       PPML_ACTIVATION_CLIPPED_SQUARE, PPML_ACTIVATION_TABLE};

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

/* ----------------------------------------------------------------- choice */

static int plan(bench *b, double agreement, const char *params, ppml_refusal *refusal) {
  ppml_compile_options options = ppml_compile_options_default(&b->net.model.spec);
  options.agreement = agreement;
  options.params = params ? ppml_params_by_name(params) : NULL;
  options.automatic = params == NULL;
  b->arena.used_bytes = 0;
  return ppml_compile(&b->circuit, &b->net.model, &options, refusal, &b->arena);
}

START_TEST(a_wide_margin_chooses_the_fast_set_and_a_narrow_one_another) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3, 9);
  ppml_noise noise;
  b->net.model.margin_p05 = 1u << 30;
  ck_assert_int_eq(plan(b, 0.995, NULL, NULL), PPML_OK);
  ck_assert_str_eq(b->circuit.params->name, "fast");
  ppml_circuit_noise(&noise, &b->circuit);
  ck_assert(noise.changed_answers <= 0.005 && noise.bootstrap > 0 && noise.layer[0] > 0);
  b->net.model.margin_p05 = (uint32_t)(noise.score * 4); /* 0.7 % changed by fast */
  ck_assert_int_eq(plan(b, 0.995, NULL, NULL), PPML_OK);
  ck_assert_str_ne(b->circuit.params->name, "fast");
  ck_assert(b->circuit.params->key_block_ones == 0); /* nor ever a stronger assumption */
  ck_assert(b->circuit.agreement == 0.995);
  bench_free(b);
}
END_TEST

/* Refused by auto, by a set that is named, and not where nothing is promised. */
START_TEST(too_much_noise_is_refused_with_its_reason) {
  bench *b = bench_make(2, PPML_ACTIVATION_RELU, 3, 9);
  ppml_refusal refusal;
  b->net.model.margin_p05 = 1;
  ck_assert_int_eq(plan(b, 0.995, NULL, &refusal), PPML_ERR_PARAMS);
  ck_assert(refusal.params != NULL && refusal.agreement < 0.995 && refusal.layer_noise > 0);
  ck_assert(refusal.layer < 2 && refusal.neuron < 6);
  ck_assert_uint_eq(b->arena.used_bytes, 0);
  ck_assert_int_eq(plan(b, 0.995, "fast", &refusal), PPML_ERR_PARAMS);
  ck_assert_str_eq(refusal.params->name, "fast");
  ck_assert_ptr_nonnull(strstr(refusal.reason, "noise"));
  ck_assert_int_eq(plan(b, 0, "leveled-16", &refusal), PPML_ERR_PARAMS);
  ck_assert_ptr_nonnull(strstr(refusal.reason, "no bootstrap"));
  ck_assert_int_eq(plan(b, 0, "fast", NULL), PPML_OK);
  ck_assert(b->circuit.agreement == 0);
  b->arena.used_bytes = 0;
  ck_assert_int_eq(plan(b, -0.1, NULL, NULL), PPML_ERR_ARG);
  ck_assert_int_eq(plan(b, 1.1, NULL, NULL), PPML_ERR_ARG);
  bench_free(b);
}
END_TEST

/* Ranges that an exact circuit can carry, and a margin that noise always uses up. */
static bench *bench_make_narrow(uint32_t activation, uint64_t seed) {
  bench *b = bench_make(1, activation, 3, seed);
  for (uint32_t j = 0; j < b->net.model.layer[0].outputs; j++) {
    b->net.range[0][j] = PPML_ACTIVATION_MAX;
    if (b->net.peak[0][j] < PPML_ACTIVATION_MAX) b->net.peak[0][j] = PPML_ACTIVATION_MAX;
  }
  b->net.model.margin_p05 = 1;
  return b;
}

START_TEST(the_exact_set_is_chosen_where_no_other_will_do) {
  bench *b = bench_make_narrow(PPML_ACTIVATION_RELU, 9);
  ppml_certificate certificate;
  ck_assert_int_eq(plan(b, 0.9999, "finest", NULL), PPML_ERR_PARAMS);
  ck_assert_int_eq(plan(b, 0.9999, NULL, NULL), PPML_OK);
  ck_assert_str_eq(b->circuit.params->name, "exact");
  ck_assert(b->circuit.agreement == 0.9999 && ppml_circuit_failure_log2(&b->circuit) <= -64);
  ppml_circuit_certificate(&certificate, &b->circuit);
  ck_assert(certificate.agreement_predicted == 1);
  ck_assert_int_eq(plan(b, 1, NULL, NULL), PPML_OK);
  ck_assert_str_eq(b->circuit.params->name, "exact");
  b->net.model.margin_p05 = 1u << 30;
  ck_assert_int_eq(plan(b, 0.995, NULL, NULL), PPML_OK);
  ck_assert_str_eq(b->circuit.params->name, "fast");
  bench_free(b);
}
END_TEST

/* The exact set does not need room for a peak. */
START_TEST(the_exact_set_is_chosen_where_an_accumulator_does_not_fit) {
  bench *b = bench_make_narrow(PPML_ACTIVATION_RELU, 11);
  b->net.peak[0][3] = 1 << 24;
  ck_assert_int_eq(plan(b, 0, "fast", NULL), PPML_ERR_PARAMS);
  ck_assert_int_eq(plan(b, 0, NULL, NULL), PPML_OK);
  ck_assert_str_eq(b->circuit.params->name, "exact");
  bench_free(b);
}
END_TEST

/* The refusal stays that of the closest set with noise. */
START_TEST(what_even_the_exact_set_cannot_do_is_refused) {
  static const uint32_t others[] = {PPML_ACTIVATION_CLIPPED_SQUARE, PPML_ACTIVATION_TABLE};
  for (size_t a = 0; a < 2; a++) {
    bench *b = bench_make_narrow(others[a], 9);
    ppml_refusal refusal;
    ck_assert_int_eq(plan(b, 0.9999, NULL, &refusal), PPML_ERR_PARAMS);
    ck_assert(refusal.params != NULL && refusal.params->kind != PPML_SET_EXACT &&
              refusal.layer_noise > 0);
    ck_assert_ptr_nonnull(ppml_exact_refusal(&b->net.model));
    b->net.peak[0][3] = 1 << 24;
    ck_assert_int_eq(plan(b, 0.9999, NULL, &refusal), PPML_ERR_PARAMS);
    ck_assert(refusal.params == NULL && refusal.layer == 0 && refusal.neuron == 3);
    bench_free(b);
  }
}
END_TEST

/* Twice the peaks are about twice the noise. */
START_TEST(a_certificate_follows_the_noise) {
  bench *b = bench_make(2, PPML_ACTIVATION_RELU, 3, 9);
  ppml_certificate before, after;
  ppml_circuit_certificate(&before, &b->circuit);
  ck_assert_uint_eq(before.bootstraps, 10);
  ck_assert_uint_eq(before.layer_count, 3);
  ck_assert(before.lwe_security_bits >= 128 && before.glwe_security_bits >= 128);
  ck_assert_uint_eq(before.eval_key_bytes, ppml_eval_key_read_bytes(b->circuit.params, 1));
  ck_assert_uint_eq(before.infer_bytes, ppml_infer_bytes(&b->circuit, 1, 1));
  for (int l = 0; l < 2; l++) {
    ck_assert_int_ge(before.layer[l].accumulator_bound, before.layer[l].accumulator_peak);
    for (uint32_t j = 0; j < hidden[l]; j++) b->net.peak[l][j] *= 2;
  }
  ck_assert_int_eq(plan(b, 0, "fast", NULL), PPML_OK);
  ppml_circuit_certificate(&after, &b->circuit);
  for (int l = 0; l < 2; l++) {
    ck_assert(after.layer[l].relative_std > 1.5 * before.layer[l].relative_std);
    ck_assert(after.layer[l].bootstrap_std == before.layer[l].bootstrap_std);
  }
  ck_assert(after.agreement_predicted < before.agreement_predicted);
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
  ppml_refusal refusal;
  b->net.peak[0][3] = 1 << 24; /* an input is 2^-20, and accumulators stay below 1/2 */
  ck_assert_int_eq(plan(b, 0, "fast", &refusal), PPML_ERR_PARAMS);
  ck_assert(refusal.params == NULL && refusal.layer == 0 && refusal.neuron == 3);
  ck_assert_ptr_nonnull(strstr(refusal.reason, "does not fit the torus"));
  bench_free(b);
}
END_TEST

#define check_invalid(change)                                                                      \
  do {                                                                                             \
    bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3, 12);                                         \
    ppml_model *m = &b->net.model;                                                                 \
    const ppml_params *p = ppml_params_by_name("fast");                                            \
    change;                                                                                        \
    b->arena.used_bytes = 0;                                                                       \
    ck_assert_int_eq(test_compile(&b->circuit, m, p, &b->arena), PPML_ERR_ARG);                    \
    bench_free(b);                                                                                 \
  } while (0)

START_TEST(a_model_that_breaks_a_rule_is_refused) {
  check_invalid(m->layer_count = 0);
  check_invalid(m->layer_count = PPML_LAYERS_MAX + 1);
  check_invalid(m->layer_count = 1);
  check_invalid(m->layer[0].inputs--);
  check_invalid(m->layer[1].activation = PPML_ACTIVATION_RELU);
  check_invalid(m->layer[0].activation = PPML_ACTIVATION_NONE);
  check_invalid(m->layer[0].activation = PPML_ACTIVATION_POLYNOMIAL + 1);
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
  const ppml_params *p = ppml_params_by_name("fast");
  ck_assert_int_eq(test_compile(NULL, &b->net.model, p, &b->arena), PPML_ERR_ARG);
  ck_assert_int_eq(test_compile(&b->circuit, NULL, p, &b->arena), PPML_ERR_ARG);
  ck_assert_int_eq(test_compile(&b->circuit, &b->net.model, p, NULL), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_compile(&b->circuit, &b->net.model, NULL, NULL, &b->arena), PPML_ERR_ARG);
  bench_free(b);
}
END_TEST

/* NULL is what a mistyped name gives. */
START_TEST(a_set_is_chosen_where_that_is_asked_for_alone) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3, 13);
  const ppml_model *m = &b->net.model;
  const ppml_params *fats = ppml_params_by_name("fats"), *fast = ppml_params_by_name("fast");
  ppml_compile_options options = ppml_compile_options_default(&m->spec);
  b->arena.used_bytes = 0;
  ck_assert_ptr_null(fats);
  ck_assert_int_eq(test_compile(&b->circuit, m, fats, &b->arena), PPML_ERR_NAME);
  options.params = fats;
  ck_assert_int_eq(ppml_compile(&b->circuit, m, &options, NULL, &b->arena), PPML_ERR_NAME);
  options.params = fast;
  options.automatic = 1;
  ck_assert_int_eq(ppml_compile(&b->circuit, m, &options, NULL, &b->arena), PPML_ERR_ARG);
  options.params = NULL;
  options.agreement = 0;
  ck_assert_int_eq(ppml_compile(&b->circuit, m, &options, NULL, &b->arena), PPML_OK);
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
      const ppml_params *p = ppml_params_by_name("fast");
      ck_assert_int_eq(test_compile(&b->circuit, &b->net.model, p, &arena), PPML_ERR_NOMEM);
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
  tcase_add_test(law, a_wide_margin_chooses_the_fast_set_and_a_narrow_one_another);
  tcase_add_test(law, the_exact_set_is_chosen_where_no_other_will_do);
  tcase_add_test(law, the_exact_set_is_chosen_where_an_accumulator_does_not_fit);
  tcase_add_test(law, what_even_the_exact_set_cannot_do_is_refused);
  tcase_add_test(law, too_much_noise_is_refused_with_its_reason);
  tcase_add_test(law, a_certificate_follows_the_noise);
  tcase_add_test(law, less_margin_is_more_changed_answers);
  tcase_add_test(bounds, gains_keep_accumulators_in_range);
  tcase_add_test(bounds, one_more_of_a_gain_would_not_fit);
  tcase_add_test(error, a_network_that_does_not_fit_the_torus_is_told);
  tcase_add_test(error, a_model_that_breaks_a_rule_is_refused);
  tcase_add_test(error, arguments_are_checked);
  tcase_add_test(error, a_set_is_chosen_where_that_is_asked_for_alone);
  tcase_add_test(oom, compiling_takes_exactly_what_is_said);
  return test_run(suite);
}
