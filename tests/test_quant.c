/* test_quant.c - the quantized network in the clear. */
#define PPML_IMPLEMENTATION
#include "support.h"

/* ------------------------------------------------------------------- kat */

START_TEST(pixels_are_rounded_to_the_input_bits) {
  for (uint32_t bits = 1; bits <= 8; bits++)
    for (int p = 0; p <= 255; p++) {
      double exact = p * ((1 << bits) - 1) / 255.0;
      ck_assert_int_eq(ppmli_quant_pixel((uint8_t)p, bits), (int)floor(exact + 0.5));
    }
  ck_assert_int_eq(ppmli_quant_pixel(255, 4), 15);
  ck_assert_int_eq(ppmli_quant_pixel(200, 8), 200);
}
END_TEST

START_TEST(division_rounds_halves_away_from_zero) {
  ck_assert_int_eq(ppmli_quant_divide(5, 2), 3);
  ck_assert_int_eq(ppmli_quant_divide(-5, 2), -3);
  ck_assert_int_eq(ppmli_quant_divide(4, 3), 1);
  ck_assert_int_eq(ppmli_quant_divide(5, 3), 2);
  ck_assert_int_eq(ppmli_quant_divide(-4, 3), -1);
  ck_assert_int_eq(ppmli_quant_divide(-5, 3), -2);
  ck_assert_int_eq(ppmli_quant_divide(0, 7), 0);
  ck_assert_int_eq(ppmli_quant_divide((int64_t)127 << 30, 1 << 30), 127);
}
END_TEST

/* 3 pixels, 2 hidden neurons, 1 score; the numbers are worked out in the comments. */
START_TEST(a_network_gives_what_was_computed_by_hand) {
  static const int8_t w0[] = {2, -3, 1, -1, 0, 4}, w1[] = {3, -2};
  static const int32_t b0[] = {-10, 5}, range[] = {40, 50}, b1[] = {7};
  test_net *net = test_memory(sizeof *net);
  test_net_spec(net, 3, 1, 1, 2);
  ppml_layer hidden = {3, 2, PPML_ACTIVATION_RELU, 4, w0, b0, range, range, NULL, NULL, NULL};
  ppml_layer last = {2, 1, PPML_ACTIVATION_NONE, 4, w1, b1, NULL, NULL, NULL, NULL, NULL};
  net->model.layer_count = 2;
  net->model.layer[0] = hidden;
  net->model.layer[1] = last;
  const uint8_t pixels[] = {255, 17, 128}; /* 15, 1, 8 (7.53) */
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&net->model));
  int32_t score;
  ck_assert_int_eq(ppml_model_predict(&score, &net->model, pixels, &arena), PPML_OK);
  /* z = (-10 + 30 - 3 + 8, 5 - 15 + 32) = (25, 22); a = (127 * 25/40 = 79.4, 127 * 22/50 = 55.9) */
  ck_assert_int_eq(score, 7 + 3 * 79 - 2 * 56);
  test_arena_free(&arena);
  free(net);
}
END_TEST

/* 3 pixels, 2 polynomials, 2 scores, the same way. */
static ppml_model polynomial_model(void) {
  static const int8_t w0[] = {1, -1, 0, 0, 1, 1}, w1[] = {3, -2, 1, 1};
  static const int32_t b0[] = {-10, 5}, square[] = {2, 0}, linear[] = {-7, 9}, b1[] = {7, -1};
  static const int32_t peak[] = {1000, 1000};
  ppml_model m;
  memset(&m, 0, sizeof m);
  m.spec.width = 3, m.spec.height = m.spec.channels = 1, m.spec.input_bits = 4;
  m.spec.classes = m.spec.outputs = 2;
  m.layer_count = 2;
  m.layer[0].inputs = 3, m.layer[0].outputs = 2, m.layer[0].weight_bits = 2;
  m.layer[0].activation = PPML_ACTIVATION_POLYNOMIAL;
  m.layer[0].weight = w0, m.layer[0].bias = b0;
  m.layer[0].square = square, m.layer[0].linear = linear;
  m.layer[1].inputs = m.layer[1].outputs = 2, m.layer[1].weight_bits = 3;
  m.layer[1].weight = w1, m.layer[1].bias = b1, m.layer[1].peak = peak;
  return m;
}

START_TEST(polynomials_give_what_was_computed_by_hand) {
  const uint8_t pixels[] = {255, 17, 128}; /* 15, 1, 8 (7.53) */
  ppml_model m = polynomial_model();
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&m));
  int32_t scores[2];
  ck_assert_int_eq(ppml_model_predict(scores, &m, pixels, &arena), PPML_OK);
  /* z = (-10 + 15 - 1, 5 + 1 + 8) = (4, 14); a = (4 (8 - 7), 14 * 9) */
  ck_assert_int_eq(scores[0], 7 + 3 * 4 - 2 * 126);
  ck_assert_int_eq(scores[1], -1 + 4 + 126);
  test_arena_free(&arena);
}
END_TEST

/* ------------------------------------------------------------------- law */

static int32_t activation(uint32_t kind, int64_t z, int32_t range) {
  static int8_t table[PPML_TABLE_SIZE];
  for (int i = 0; i < PPML_TABLE_SIZE; i++) table[i] = (int8_t)(i - 128 < -127 ? -127 : i - 128);
  return ppmli_quant_activation(kind, z, range, table);
}

/* The definition in ppml.h, in floating point. */
static double defined(uint32_t kind, double z, double range) {
  double u = fmin(fmax(z / range, -1), 1), index;
  switch (kind) {
  case PPML_ACTIVATION_SIGN:
    return z >= 0 ? 127 : -127;
  case PPML_ACTIVATION_RELU:
    return copysign(floor(fabs(127 * u) + 0.5), u);
  case PPML_ACTIVATION_CLIPPED_SQUARE:
    return floor(254 * u * u + 0.5) - 127;
  default:
    index = fmin(floor(128 * (u + 1)), 255);
    return fmax(index - 128, -127);
  }
}

static const int32_t ranges[] = {1, 2, 3, 7, 64, 100, 127, 128, 1000, 99991};

/* Off by one only where the exact value is within rounding errors of a half. */
static void check_definition(uint32_t kind, int32_t range) {
  for (int64_t z = -2 * (int64_t)range; z <= 2 * (int64_t)range; z += 1 + range / 500) {
    int32_t got = activation(kind, z, range);
    double expected = defined(kind, (double)z, range);
    if (got != (int32_t)expected)
      ck_assert_msg(fabs(defined(kind, (double)z * (1 + 1e-15), range) - got) < 0.5 ||
                        fabs(defined(kind, (double)z * (1 - 1e-15), range) - got) < 0.5,
                    "kind %u, z = %lld, range %d: %d, not %g", kind, (long long)z, range, got,
                    expected);
  }
}

START_TEST(activations_are_those_of_ppml_h) {
  for (uint32_t kind = PPML_ACTIVATION_RELU; kind <= PPML_ACTIVATION_TABLE; kind++)
    for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) check_definition(kind, ranges[r]);
}
END_TEST

START_TEST(relu_is_odd_and_monotonous_and_saturates) {
  for (int64_t z = 0; z < 200; z++) {
    int32_t a = activation(PPML_ACTIVATION_RELU, z, 97);
    ck_assert_int_eq(activation(PPML_ACTIVATION_RELU, -z, 97), -a);
    ck_assert_int_le(a, activation(PPML_ACTIVATION_RELU, z + 1, 97));
    if (z >= 97) ck_assert_int_eq(a, 127);
  }
}
END_TEST

START_TEST(square_is_even_and_the_sign_of_zero_is_plus) {
  for (int64_t z = 0; z < 200; z++)
    ck_assert_int_eq(activation(PPML_ACTIVATION_CLIPPED_SQUARE, z, 97),
                     activation(PPML_ACTIVATION_CLIPPED_SQUARE, -z, 97));
  ck_assert_int_eq(activation(PPML_ACTIVATION_CLIPPED_SQUARE, 0, 97), -127);
  ck_assert_int_eq(activation(PPML_ACTIVATION_CLIPPED_SQUARE, 97, 97), 127);
  ck_assert_int_eq(activation(PPML_ACTIVATION_SIGN, 0, 97), 127);
  ck_assert_int_eq(activation(PPML_ACTIVATION_SIGN, -1, 97), -127);
}
END_TEST

/* What a circuit asks it for: any accumulator that fits the torus. */
START_TEST(extreme_accumulators_stay_in_range) {
  static const int64_t extremes[] = {INT64_MIN, INT64_MIN / 2, INT64_MAX / 2, INT64_MAX};
  for (uint32_t kind = PPML_ACTIVATION_RELU; kind <= PPML_ACTIVATION_TABLE; kind++)
    for (int i = 0; i < 4; i++) {
      ck_assert_int_le(abs(activation(kind, extremes[i], 1)), 127);
      ck_assert_int_le(abs(activation(kind, extremes[i], INT32_MAX)), 127);
      if (kind == PPML_ACTIVATION_RELU)
        ck_assert_int_eq(activation(kind, extremes[i], INT32_MAX), extremes[i] < 0 ? -127 : 127);
    }
}
END_TEST

/* In 64 bits up to the end: 127 z^2 of z = 2^24 is 2^55, and there are two of them. */
START_TEST(scores_of_polynomials_saturate) {
  const uint8_t pixels[] = {0, 0, 0};
  const int32_t bias[] = {1 << 24, 1 << 24}, square[] = {127, 127}, none[] = {-127, -127};
  const int32_t linear[] = {1 << 29, 1 << 29};
  ppml_model m = polynomial_model();
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&m));
  int32_t scores[2];
  m.layer[0].bias = bias, m.layer[0].square = square, m.layer[0].linear = linear;
  ck_assert_int_eq(ppml_model_predict(scores, &m, pixels, &arena), PPML_OK);
  ck_assert_int_eq(scores[0], INT32_MAX); /* 3 - 2 of them */
  ck_assert_int_eq(scores[1], INT32_MAX);
  m.layer[0].square = none;
  ck_assert_int_eq(ppml_model_predict(scores, &m, pixels, &arena), PPML_OK);
  ck_assert_int_eq(scores[0], -INT32_MAX);
  ck_assert_int_eq(scores[1], -INT32_MAX);
  test_arena_free(&arena);
}
END_TEST

START_TEST(every_entry_of_a_table_is_reached) {
  uint8_t seen[PPML_TABLE_SIZE] = {0};
  int8_t table[PPML_TABLE_SIZE];
  for (int i = 0; i < PPML_TABLE_SIZE; i++) {
    memset(table, 0, sizeof table);
    table[i] = 1;
    for (int64_t z = -300; z <= 300; z++)
      seen[i] |= ppmli_quant_activation(PPML_ACTIVATION_TABLE, z, 256, table) == 1;
    ck_assert_msg(seen[i], "entry %d", i);
  }
}
END_TEST

typedef struct watch {
  uint32_t calls;
  int32_t first[PPML_LAYERS_MAX], change;
} watch;

static void watch_accumulators(void *context, uint32_t layer, int32_t *z) {
  watch *w = context;
  ck_assert_uint_eq(layer, w->calls++);
  w->first[layer] = z[0];
  z[0] += w->change;
}

START_TEST(the_hook_sees_every_layer_and_may_change_it) {
  const uint32_t hidden[] = {3, 4};
  test_net *net = test_memory(sizeof *net);
  test_net_make(net, 3, 3, hidden, 2, PPML_ACTIVATION_RELU, 3, 1);
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&net->model));
  watch w = {0, {0}, 1000};
  ppmli_quant_hook hook = {watch_accumulators, &w};
  const uint8_t pixels[9] = {9, 8, 7, 255, 5, 4, 3, 2, 100};
  int32_t scores[3], plain[3];
  ck_assert_int_eq(ppmli_quant_forward(scores, &net->model, pixels, &hook, &arena), PPML_OK);
  ck_assert_uint_eq(w.calls, 3);
  ck_assert_int_eq(scores[0], w.first[2] + 1000);
  ck_assert_int_eq(ppmli_quant_forward(plain, &net->model, pixels, NULL, &arena), PPML_OK);
  ck_assert_uint_eq(w.calls, 3);
  test_arena_free(&arena);
  free(net);
}
END_TEST

/* Of polynomials it changes the accumulators, not their squares; behind them the scores. */
START_TEST(the_hook_comes_before_polynomials) {
  const uint8_t pixels[] = {255, 17, 128};
  ppml_model m = polynomial_model();
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&m));
  watch w = {0, {0}, 2};
  ppmli_quant_hook hook = {watch_accumulators, &w};
  int32_t scores[2];
  ck_assert_int_eq(ppmli_quant_forward(scores, &m, pixels, &hook, &arena), PPML_OK);
  ck_assert_uint_eq(w.calls, 2);
  ck_assert_int_eq(w.first[0], 4);
  ck_assert_int_eq(w.first[1], 7 + 3 * 6 * (12 - 7) - 2 * 126); /* z_0 = 6 */
  ck_assert_int_eq(scores[0], w.first[1] + 2);
  test_arena_free(&arena);
}
END_TEST

static ppml_spec spec_of(uint32_t task, uint32_t classes) {
  ppml_spec spec;
  memset(&spec, 0, sizeof spec);
  spec.task = task;
  spec.classes = classes;
  spec.outputs = ppmli_task_outputs(task, classes);
  spec.width = spec.height = spec.channels = spec.input_bits = spec.score_unit = 1;
  return spec;
}

static uint8_t answer_of(const ppml_spec *spec, const int32_t *scores) {
  uint8_t answer = 99;
  ck_assert_uint_eq(ppml_spec_answer_bytes(spec), 1);
  ppml_spec_answer(&answer, spec, scores);
  return answer;
}

START_TEST(the_class_is_that_of_the_best_score) {
  ppml_spec spec = spec_of(PPML_TASK_CLASS, 2);
  int32_t one[] = {1, 0, -1}, several[] = {-5, 7, 7, 6};
  ck_assert_uint_eq(answer_of(&spec, one), 1);
  ck_assert_uint_eq(answer_of(&spec, one + 1), 0);
  ck_assert_uint_eq(answer_of(&spec, one + 2), 0);
  spec.threshold[0] = -1;
  ck_assert_uint_eq(answer_of(&spec, one + 1), 1);
  spec = spec_of(PPML_TASK_CLASS, 4);
  ck_assert_uint_eq(answer_of(&spec, several), 1); /* the first of equals */
  several[3] = 8;
  ck_assert_uint_eq(answer_of(&spec, several), 3);
}
END_TEST

START_TEST(a_grade_counts_the_thresholds_passed) {
  ppml_spec spec = spec_of(PPML_TASK_GRADE, 4);
  int32_t none[] = {0, -1, -9}, two[] = {5, 1, -3}, all[] = {9, 8, 7};
  ck_assert_uint_eq(spec.outputs, 3);
  ck_assert_uint_eq(answer_of(&spec, none), 0);
  ck_assert_uint_eq(answer_of(&spec, two), 2);
  ck_assert_uint_eq(answer_of(&spec, all), 3);
  spec.threshold[2] = 7;
  ck_assert_uint_eq(answer_of(&spec, all), 2);
}
END_TEST

START_TEST(labels_are_answered_one_by_one) {
  ppml_spec spec = spec_of(PPML_TASK_LABELS, 3);
  int32_t scores[] = {4, 0, -2};
  uint8_t answer[3];
  spec.threshold[0] = 4;
  spec.threshold[2] = -3;
  ck_assert_uint_eq(ppml_spec_answer_bytes(&spec), 3);
  ppml_spec_answer(answer, &spec, scores);
  ck_assert_uint_eq(answer[0], 0);
  ck_assert_uint_eq(answer[1], 0);
  ck_assert_uint_eq(answer[2], 1);
}
END_TEST

/* Any score moved by less than the margin leaves the answer as it is; one by more does not. */
START_TEST(the_margin_is_the_distance_to_another_answer) {
  const uint32_t tasks[] = {PPML_TASK_CLASS, PPML_TASK_LABELS, PPML_TASK_GRADE};
  ppml_rng rng = test_rng(5);
  for (int round = 0; round < 300; round++) {
    ppml_spec spec = spec_of(tasks[round % 3], 2 + test_below(&rng, 4));
    int32_t scores[8];
    uint8_t before[8], after[8];
    for (uint32_t c = 0; c < spec.outputs; c++) {
      scores[c] = test_within(&rng, 50);
      if (!ppmli_spec_is_contest(&spec)) spec.threshold[c] = test_within(&rng, 50);
    }
    int64_t margin = ppmli_spec_margin(&spec, scores);
    int changed = 0;
    ppml_spec_answer(before, &spec, scores);
    for (uint32_t c = 0; c < spec.outputs; c++)
      for (int64_t move = -margin - 1; move <= margin + 1; move++) {
        scores[c] += (int32_t)move;
        ppml_spec_answer(after, &spec, scores);
        scores[c] -= (int32_t)move;
        int differs = memcmp(before, after, ppml_spec_answer_bytes(&spec)) != 0;
        if (move > -margin && move < margin) ck_assert(!differs);
        changed |= differs;
      }
    ck_assert(changed);
  }
}
END_TEST

START_TEST(a_margin_beyond_31_bits_is_cut) {
  ppml_spec spec = spec_of(PPML_TASK_CLASS, 2);
  int32_t score = INT32_MAX;
  spec.threshold[0] = -(1 << 30);
  ck_assert_int_eq(ppmli_spec_margin(&spec, &score), (int64_t)INT32_MAX + (1 << 30));
  ck_assert_int_eq(ppmli_spec_margin32(&spec, &score), INT32_MAX);
  score = 5;
  ck_assert_int_eq(ppmli_spec_margin32(&spec, &score), 5 + (1 << 30));
}
END_TEST

START_TEST(few_margins_are_below_the_fifth_percentile) {
  int32_t margin[40];
  for (int i = 0; i < 40; i++) margin[i] = 40 - i; /* 1 and 2 may be below */
  ck_assert_uint_eq(ppmli_spec_margin_p05(margin, 40), 3);
  ck_assert_uint_eq(ppmli_spec_margin_p05(margin, 39), 3); /* of 2 .. 40, one */
  margin[38] = 0;
  ck_assert_uint_eq(ppmli_spec_margin_p05(margin, 19), 22); /* none of 22 .. 40 */
  for (int i = 0; i < 40; i++) margin[i] = INT32_MAX;
  ck_assert_uint_eq(ppmli_spec_margin_p05(margin, 40), INT32_MAX);
}
END_TEST

START_TEST(prediction_takes_exactly_what_is_said) {
  const uint32_t hidden[] = {5};
  test_net *net = test_memory(sizeof *net);
  test_net_make(net, 4, 4, hidden, 1, PPML_ACTIVATION_CLIPPED_SQUARE, 2, 2);
  size_t bytes = ppml_model_predict_bytes(&net->model);
  const uint8_t pixels[16] = {1, 2, 3};
  for (size_t less = 0; less <= bytes; less = less ? 2 * less : 1) {
    ppml_arena arena = test_arena(bytes - less);
    int32_t score = 12345;
    ck_assert_int_eq(ppml_model_predict(&score, &net->model, pixels, &arena),
                     less ? PPML_ERR_NOMEM : PPML_OK);
    if (less) ck_assert_int_eq(score, 0); /* wiped */
    else ck_assert(arena.high_bytes == bytes && arena.used_bytes == 0);
    test_arena_free(&arena);
  }
  free(net);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("quant");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *oom = test_case(suite, "oom");
  tcase_add_test(kat, pixels_are_rounded_to_the_input_bits);
  tcase_add_test(kat, division_rounds_halves_away_from_zero);
  tcase_add_test(kat, a_network_gives_what_was_computed_by_hand);
  tcase_add_test(kat, polynomials_give_what_was_computed_by_hand);
  tcase_add_test(law, activations_are_those_of_ppml_h);
  tcase_add_test(law, relu_is_odd_and_monotonous_and_saturates);
  tcase_add_test(law, square_is_even_and_the_sign_of_zero_is_plus);
  tcase_add_test(law, every_entry_of_a_table_is_reached);
  tcase_add_test(law, the_hook_sees_every_layer_and_may_change_it);
  tcase_add_test(law, the_hook_comes_before_polynomials);
  tcase_add_test(law, the_class_is_that_of_the_best_score);
  tcase_add_test(law, a_grade_counts_the_thresholds_passed);
  tcase_add_test(law, labels_are_answered_one_by_one);
  tcase_add_test(law, the_margin_is_the_distance_to_another_answer);
  tcase_add_test(bounds, a_margin_beyond_31_bits_is_cut);
  tcase_add_test(law, few_margins_are_below_the_fifth_percentile);
  tcase_add_test(bounds, extreme_accumulators_stay_in_range);
  tcase_add_test(bounds, scores_of_polynomials_saturate);
  tcase_add_test(oom, prediction_takes_exactly_what_is_said);
  return test_run(suite);
}
