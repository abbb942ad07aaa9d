/* test_simulate.c - simulate.h against the clear network, its own intervals and encryption. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { WIDTH = 7, HEIGHT = 6, INPUTS = WIDTH * HEIGHT, IMAGES = 40, DRAWS = 400, SCORES_MAX = 8 };

static const uint32_t hidden[] = {6, 4, 3};

/* A compiled network, images, and memory for one of them. */
typedef struct bench {
  test_net net;
  ppml_circuit circuit;
  uint8_t pixels[IMAGES][INPUTS];
  int32_t clear[IMAGES][SCORES_MAX];
  int32_t scores[DRAWS * SCORES_MAX];
  ppml_arena arena, scratch;
} bench;

static bench *bench_make(size_t layers, uint32_t activation, uint32_t classes) {
  bench *b = test_memory(sizeof *b);
  ppml_rng rng = test_rng(classes);
  test_net_make(&b->net, WIDTH, HEIGHT, hidden, layers, activation, classes, 30 + layers);
  b->arena = test_arena(ppml_compile_bytes(&b->net.model));
  b->scratch = test_arena(ppml_simulate_bytes(&b->net.model));
  test_circuit_make(&b->circuit, &b->net, "fast", &b->arena);
  for (int i = 0; i < IMAGES; i++) {
    test_pixels(b->pixels[i], INPUTS, &rng);
    ck_assert_int_eq(ppml_model_predict(b->clear[i], &b->net.model, b->pixels[i], &b->scratch),
                     PPML_OK);
  }
  return b;
}

static void bench_free(bench *b) {
  test_arena_free(&b->arena);
  test_arena_free(&b->scratch);
  free(b);
}

static const int32_t *simulate(bench *b, int image, size_t draws, ppml_rng *rng) {
  ck_assert_int_eq(ppml_simulate(b->scores, &b->circuit, b->pixels[image], draws, rng, &b->scratch),
                   PPML_OK);
  return b->scores;
}

/* What to expect of all images. */
static ppml_outlook outlook_of(bench *b, ppml_rng *rng) {
  ppml_outlook o;
  memset(&o, 0, sizeof o);
  for (int i = 0; i < IMAGES; i++)
    ppml_outlook_add(&o, &b->net.model.spec, b->clear[i], simulate(b, i, DRAWS, rng), DRAWS);
  return o;
}

static int holds(ppml_interval i, double measured) {
  return measured >= i.low - 1e-9 && measured <= i.high + 1e-9;
}

/* -------------------------------------------------------------------- law */

START_TEST(a_normal_number_is_normal_enough) {
  ppml_rng rng = test_rng(8);
  test_moments m = {0, 0, 0, 0};
  double cubes = 0, fourths = 0;
  int beyond = 0;
  for (int i = 0; i < 200000; i++) {
    double x = ppmli_rng_normal(&rng);
    test_moments_add(&m, x);
    cubes += x * x * x / 200000;
    fourths += x * x * x * x / 200000;
    beyond += fabs(x) > 3;
  }
  ck_assert(fabs(test_mean(&m)) < 0.012 && fabs(cubes) < 0.05);
  test_assert_near(test_variance(&m), 1, 0.015);
  test_assert_near(fourths, 3, 0.05);
  test_assert_near(beyond, 540, 0.2); /* 0.27 % */
}
END_TEST

START_TEST(the_same_seed_gives_the_same_draws) {
  bench *b = bench_make(2, PPML_ACTIVATION_RELU, 3);
  ppml_rng rng = test_rng(1), again = test_rng(1), other = test_rng(2);
  int32_t first[10 * 3];
  memcpy(first, simulate(b, 0, 10, &rng), sizeof first);
  ck_assert_mem_eq(first, simulate(b, 0, 10, &again), sizeof first);
  ck_assert_mem_ne(first, simulate(b, 0, 10, &other), sizeof first);
  bench_free(b);
}
END_TEST

/* A position is looked up as a blind rotation does it. */
START_TEST(activations_are_those_of_the_table) {
  bench *b = bench_make(2, PPML_ACTIVATION_CLIPPED_SQUARE, 3);
  static uint64_t table[512];
  ppmli_dense_table(table, &b->circuit, 1, 2);
  for (uint32_t at = 0; at < 1024; at++) {
    uint64_t entry = at < 512 ? table[at] : 0 - table[at - 512];
    int64_t a = ppmli_dense_activation(&b->circuit, 1, 2, at);
    ck_assert(entry == (uint64_t)a * b->circuit.unit[2]);
    ck_assert_uint_eq(ppmli_simulate_position((double)at / 1024 - 3, 512), at);
  }
  bench_free(b);
}
END_TEST

/* ----------------------------------------------------------------- bounds */

/* The noise of a linear model's scores is what ppml_circuit_noise says; 16,000 scores. */
START_TEST(simulation_has_the_predicted_noise) {
  bench *b = bench_make(0, PPML_ACTIVATION_RELU, 2);
  ppml_noise noise;
  ppml_rng rng = test_rng(7);
  test_moments m = {0, 0, 0, 0};
  ppml_circuit_noise(&noise, &b->circuit);
  for (int i = 0; i < IMAGES; i++) {
    const int32_t *scores = simulate(b, i, DRAWS, &rng);
    for (int d = 0; d < DRAWS; d++) test_moments_add(&m, scores[d] - b->clear[i][0]);
  }
  ck_assert(fabs(test_mean(&m)) < 5 * noise.score / sqrt(IMAGES * DRAWS) + 0.1);
  /* 1/12 more, for the rounding to integers */
  test_assert_near(test_variance(&m), noise.score * noise.score + 1.0 / 12, 0.1);
  bench_free(b);
}
END_TEST

/* An accumulator of which training saw too little wraps: its activation turns round. */
START_TEST(an_accumulator_beyond_its_room_wraps) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3);
  const ppml_layer *last = &b->net.model.layer[1];
  ppml_rng rng = test_rng(9);
  test_moments m = {0, 0, 0, 0};
  int32_t z[6], x[INPUTS], expected = last->bias[0];
  for (int i = 0; i < INPUTS; i++) x[i] = ppmli_quant_pixel(b->pixels[0][i], 4);
  ppmli_quant_dense(z, &b->net.model.layer[0], x);
  int far = 0; /* the neuron that this image drives furthest */
  for (int i = 1; i < 6; i++) far = abs(z[i]) > abs(z[far]) ? i : far;
  b->net.range[0][far] = b->net.peak[0][far] = (int32_t)(abs(z[far]) / 3.375); /* 0.75 turns */
  b->arena.used_bytes = 0;
  test_circuit_make(&b->circuit, &b->net, "fast", &b->arena);
  for (uint32_t j = 0; j < 6; j++) {
    double turns = z[j] * ldexp((double)ppmli_circuit_scale(&b->circuit, 0, j), -64);
    int32_t a = ppmli_dense_activation(&b->circuit, 0, j, ppmli_simulate_position(turns, 512));
    if ((int)j == far) ck_assert_int_eq(a, z[j] < 0 ? 127 : -127);
    expected += last->weight[j] * a;
  }
  const int32_t *scores = simulate(b, 0, DRAWS, &rng);
  for (int d = 0; d < DRAWS; d++) test_moments_add(&m, scores[3 * d] - expected);
  ck_assert_msg(fabs(test_mean(&m)) < 6 * sqrt(test_variance(&m) / DRAWS) + 10, "%g off",
                test_mean(&m));
  bench_free(b);
}
END_TEST

/* Runs of one draw an image stay within intervals made from other draws, as often as these
 * say, and the intervals are not wider than twice what normal sums would need. */
static void check_calibration(size_t layers, uint32_t activation, uint32_t classes) {
  enum { RUNS = 1000 };
  bench *b = bench_make(layers, activation, classes);
  ppml_rng rng = test_rng(40);
  ppml_outlook expected = outlook_of(b, &rng);
  ppml_interval same = ppml_outlook_agreement(&expected, 0.99);
  ppml_interval error = ppml_outlook_score_error(&expected, 0.99);
  int changed_outside = 0, error_outside = 0;
  for (int run = 0; run < RUNS; run++) {
    ppml_outlook o;
    memset(&o, 0, sizeof o);
    for (int i = 0; i < IMAGES; i++)
      ppml_outlook_add(&o, &b->net.model.spec, b->clear[i], simulate(b, i, 1, &rng), 1);
    changed_outside += !holds(same, 1 - o.changed.mean / IMAGES);
    error_outside += !holds(error, sqrt(o.squared_error.mean / (double)o.scores));
  }
  /* 1 % of 1,000 and three standard deviations */
  ck_assert_msg(changed_outside <= 20, "%d of agreement", changed_outside);
  ck_assert_msg(error_outside <= 20, "%d of score noise", error_outside);
  ck_assert(error.high < 2 * error.expected && error.low > error.expected / 2);
  bench_free(b);
}

START_TEST(runs_stay_within_their_intervals) {
  check_calibration(0, PPML_ACTIVATION_RELU, 3);
  check_calibration(1, PPML_ACTIVATION_RELU, 2);
  check_calibration(1, PPML_ACTIVATION_SIGN, 4);
  check_calibration(2, PPML_ACTIVATION_RELU, 5);
}
END_TEST

/* Sums of which the distribution is known: Poisson's, by events of one draw in a hundred. */
START_TEST(intervals_have_room_for_events_that_no_draw_showed) {
  ppml_expectation none;
  memset(&none, 0, sizeof none);
  for (int i = 0; i < 100; i++) {
    for (int d = 0; d < 100; d++) ppml_expectation_draw(&none, 0);
    ppml_expectation_next(&none);
  }
  ppml_interval i = ppml_expectation_interval(&none, 1, 0, 0.9999);
  ck_assert(i.expected == 0 && i.high >= 2 && i.high < 4);
  test_assert_near(ppmli_normal_quantile(0.95), 1.959964, 1e-6);
  test_assert_near(ppmli_normal_quantile(0.9999), 3.890592, 1e-6);
}
END_TEST

/* ------------------------------------------------------------- encryption */

/* Encrypts, infers and decrypts all images: what was measured, as an outlook of one draw. */
static ppml_outlook encrypted(const bench *b, const ppml_circuit *c, const test_keys *keys) {
  ppml_outlook o;
  ppml_rng rng = test_rng(50);
  ppml_arena arena =
      test_arena(ppml_infer_bytes(c, 1, 1) + ppml_encrypt_bytes(c->params, &c->model.spec));
  memset(&o, 0, sizeof o);
  for (int i = 0; i < IMAGES; i++) {
    ppml_input input;
    ppml_output output;
    int32_t scores[SCORES_MAX];
    arena.used_bytes = 0;
    ck_assert_int_eq(ppml_encrypt(&input, &test_request, &keys->secret, b->pixels[i], &rng, &arena),
                     PPML_OK);
    ck_assert_int_eq(ppml_infer(&output, c, &input, 1, &keys->eval, NULL, &arena), PPML_OK);
    ck_assert_int_eq(ppmli_decrypt_scores(scores, &output, 0, &keys->secret), PPML_OK);
    ppml_outlook_add(&o, &c->model.spec, b->clear[i], scores, 1);
  }
  test_arena_free(&arena);
  return o;
}

/* A circuit as compiled does what is predicted; one that has half of everything does not. */
START_TEST(encryption_does_what_is_predicted_and_no_worse_goes_unseen) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3);
  ppml_circuit noisy = b->circuit;
  int32_t gain[6];
  test_keys keys;
  ppml_client client;
  ppml_rng rng = test_rng(51);
  ppml_client_from_circuit(&client, &b->circuit);
  test_keys_make(&keys, &client, 52);
  ppml_outlook expected = outlook_of(b, &rng);
  ppml_interval error = ppml_outlook_score_error(&expected, 0.9999);
  ppml_outlook measured = encrypted(b, &b->circuit, &keys);
  double got = sqrt(measured.squared_error.mean / (double)measured.scores);
  ck_assert_msg(holds(error, got), "%g, not %g to %g", got, error.low, error.high);
  ck_assert(holds(ppml_outlook_agreement(&expected, 0.9999), 1 - measured.changed.mean / IMAGES));
  for (int j = 0; j < 6; j++) gain[j] = b->circuit.gain[0][j] / 2;
  noisy.gain[0] = gain;
  noisy.unit[1] /= 2;
  test_client_of(&keys.secret)->score_unit = ppmli_circuit_score_unit(&noisy);
  measured = encrypted(b, &noisy, &keys);
  got = sqrt(measured.squared_error.mean / (double)measured.scores);
  ck_assert_msg(got > error.high, "%g, still within %g to %g", got, error.low, error.high);
  test_keys_free(&keys);
  bench_free(b);
}
END_TEST

/* ------------------------------------------------------------------ error */

START_TEST(arguments_are_checked) {
  bench *b = bench_make(1, PPML_ACTIVATION_RELU, 3);
  ppml_rng rng = test_rng(1);
  ck_assert_int_eq(ppml_simulate(b->scores, &b->circuit, b->pixels[0], 1, NULL, &b->scratch),
                   PPML_ERR_ARG);
  ck_assert_int_eq(ppml_simulate(NULL, &b->circuit, b->pixels[0], 1, &rng, &b->scratch),
                   PPML_ERR_ARG);
  bench_free(b);
}
END_TEST

START_TEST(simulating_takes_exactly_what_is_said) {
  bench *b = bench_make(2, PPML_ACTIVATION_RELU, 3);
  ppml_rng rng = test_rng(1);
  size_t bytes = ppml_simulate_bytes(&b->net.model);
  b->scratch.high_bytes = 0;
  simulate(b, 0, 2, &rng);
  ck_assert_uint_eq(b->scratch.high_bytes, bytes);
  for (size_t less = 1; less <= bytes; less += 64) {
    ppml_arena arena = test_arena(bytes - less);
    ck_assert_int_eq(ppml_simulate(b->scores, &b->circuit, b->pixels[0], 2, &rng, &arena),
                     PPML_ERR_NOMEM);
    ck_assert_uint_eq(arena.used_bytes, 0);
    test_arena_free(&arena);
  }
  bench_free(b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("simulate");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *noise = test_case(suite, "noise");
  TCase *error = test_case(suite, "error"), *oom = test_case(suite, "oom");
  tcase_add_test(law, a_normal_number_is_normal_enough);
  tcase_add_test(law, the_same_seed_gives_the_same_draws);
  tcase_add_test(law, activations_are_those_of_the_table);
  tcase_add_test(noise, simulation_has_the_predicted_noise);
  tcase_add_test(bounds, an_accumulator_beyond_its_room_wraps);
  tcase_add_test(noise, runs_stay_within_their_intervals);
  tcase_add_test(bounds, intervals_have_room_for_events_that_no_draw_showed);
  tcase_add_test(noise, encryption_does_what_is_predicted_and_no_worse_goes_unseen);
  tcase_add_test(error, arguments_are_checked);
  tcase_add_test(oom, simulating_takes_exactly_what_is_said);
  return test_run(suite);
}
