/* test_train.c - training: augment.h, shadow.h and train.h, on small made-up images. */
#define PPML_IMPLEMENTATION
#include "../ppml.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  SIDE = 6,
  INPUTS = SIDE * SIDE,
  TRAIN = 320,
  VALIDATION = 80,
  TEST = 200,
  COUNT = TRAIN + VALIDATION + TEST,
  TIMEOUT_S = 300 /* for sanitizers and slow machines */
};

/* Images with one bright band of rows, which is their class, in noise. */
typedef struct problem {
  uint8_t pixels[COUNT * INPUTS], labels[COUNT];
  ppml_train_options options;
  ppml_images train, validation, test;
} problem;

static void problem_draw(uint8_t *pixels, uint32_t label, uint32_t classes, ppml_rng *rng) {
  for (uint32_t i = 0; i < INPUTS; i++) {
    uint32_t noise = (uint32_t)(ppmli_rng_u64(rng) % 100), row = i / SIDE;
    pixels[i] = (uint8_t)(noise + 30 + (row * classes / SIDE == label ? 70 : 0));
  }
}

static ppml_images problem_slice(const problem *p, size_t from, size_t count) {
  ppml_images images = {p->pixels + from * INPUTS, p->labels + from, count};
  return images;
}

static problem *problem_make(uint32_t classes) {
  problem *p = (problem *)calloc(1, sizeof *p);
  ppml_rng rng;
  ck_assert(p != NULL);
  ppml_rng_init_for_tests(&rng, classes);
  for (size_t n = 0; n < COUNT; n++) {
    p->labels[n] = (uint8_t)(ppmli_rng_u64(&rng) % classes);
    problem_draw(p->pixels + n * INPUTS, p->labels[n], classes, &rng);
  }
  p->train = problem_slice(p, 0, TRAIN);
  p->validation = problem_slice(p, TRAIN, VALIDATION);
  p->test = problem_slice(p, TRAIN + VALIDATION, TEST);
  p->options = ppml_train_options_default();
  p->options.width = p->options.height = SIDE;
  p->options.classes = classes;
  p->options.hidden[0] = 8;
  p->options.epochs = 40;
  return p;
}

static ppml_arena arena_make(size_t bytes) {
  ppml_arena arena;
  void *memory = NULL;
  ck_assert(posix_memalign(&memory, PPML_ALIGNMENT, bytes ? bytes : 1) == 0);
  ck_assert_int_eq(ppml_arena_init(&arena, memory, bytes), PPML_OK);
  return arena;
}

/* Trains in an arena that is just as large as it has to be; for the caller to free. */
static ppml_arena problem_train(ppml_model *model, const problem *p) {
  ppml_arena arena = arena_make(ppml_train_bytes(&p->options, p->train.count, p->validation.count));
  ck_assert_int_eq(ppml_train(model, &p->options, &p->train, &p->validation, NULL, &arena),
                   PPML_OK);
  return arena;
}

static uint8_t answer_to(const ppml_spec *spec, const int32_t *scores) {
  uint8_t answer;
  ppml_spec_answer(&answer, spec, scores);
  return answer;
}

static double accuracy(const ppml_model *model, const ppml_images *images) {
  ppml_arena arena = arena_make(ppml_model_predict_bytes(model));
  int32_t scores[PPML_CLASSES_MAX];
  size_t right = 0;
  for (size_t n = 0; n < images->count; n++) {
    ck_assert_int_eq(ppml_model_predict(scores, model, images->pixels + n * INPUTS, &arena),
                     PPML_OK);
    right += answer_to(&model->spec, scores) == images->labels[n];
  }
  free(arena.memory);
  return (double)right / (double)images->count;
}

static void assert_learnt(const problem *p, double least) {
  ppml_model model;
  ppml_arena arena = problem_train(&model, p);
  double share = accuracy(&model, &p->test);
  ck_assert_msg(share >= least, "%g of the test images are right, not %g", share, least);
  free(arena.memory);
}

/* --------------------------------------------------------------------- kat */

START_TEST(the_exponential_is_that_of_libm) {
  for (float x = -80; x <= 80; x += 0.37f) {
    double ratio = (double)ppmli_shadow_exp(x) / exp((double)x);
    ck_assert_msg(fabs(ratio - 1) < 1e-5, "e^%g: %g times too large", (double)x, ratio);
  }
  ck_assert(ppmli_shadow_exp(0) == 1.0f);
}
END_TEST

START_TEST(rounding_is_to_the_nearest_step_and_no_further_than_most) {
  const float weight[] = {0.24f, 0.26f, -0.74f, -0.76f, 9, -9, 0.3f};
  const float expected[] = {0, 0.5f, -0.5f, -1, 3.5f, -3.5f, 0.3f}; /* the bias as it is */
  float rounded[7];
  ppmli_shadow_round_row(rounded, weight, 0.5f, 7, 6);
  for (int i = 0; i < 7; i++) ck_assert(rounded[i] == expected[i]);
}
END_TEST

START_TEST(a_peak_leaves_few_accumulators_above_it) {
  uint32_t seen[PPMLI_TRAIN_PEAK_BINS] = {0};
  uint64_t total = 3 * PPMLI_TRAIN_PEAK_SHARE;
  seen[40] = 3 * PPMLI_TRAIN_PEAK_SHARE - 3;
  seen[60] = 3; /* just as many as may be above */
  ck_assert_int_eq(ppmli_train_peak(seen, total, 1600), 41 * 1600 / PPMLI_TRAIN_BINS_PER_RANGE);
  seen[60] = 4;
  ck_assert_int_eq(ppmli_train_peak(seen, total, 1600), 61 * 1600 / PPMLI_TRAIN_BINS_PER_RANGE);
  memset(seen, 0, sizeof seen);
  seen[0] = 100;
  ck_assert_int_eq(ppmli_train_peak(seen, 100, 7), 7); /* never below range */
}
END_TEST

/* --------------------------------------------------------------------- law */

START_TEST(two_classes_are_learnt_by_every_activation) {
  problem *p = problem_make(2);
  for (uint32_t a = PPML_ACTIVATION_RELU; a <= PPML_ACTIVATION_SQUARE; a++) {
    p->options.activation = a;
    assert_learnt(p, 0.95);
  }
  free(p);
}
END_TEST

START_TEST(three_classes_are_learnt) {
  problem *p = problem_make(3);
  assert_learnt(p, 0.95);
  free(p);
}
END_TEST

START_TEST(linear_and_deep_networks_learn) {
  problem *p = problem_make(3);
  p->options.hidden_count = 0;
  assert_learnt(p, 0.95);
  p->options.hidden_count = 3;
  p->options.hidden[0] = 12;
  p->options.hidden[1] = p->options.hidden[2] = 8;
  assert_learnt(p, 0.9);
  free(p);
}
END_TEST

START_TEST(a_seed_decides_every_byte) {
  problem *p = problem_make(2);
  ppml_model model[3];
  ppml_arena arena[3];
  p->options.epochs = 5;
  for (int i = 0; i < 3; i++) {
    p->options.seed = i < 2 ? 7 : 8;
    arena[i] = problem_train(&model[i], p);
  }
  ck_assert_uint_eq(arena[0].used_bytes, arena[1].used_bytes);
  ck_assert(memcmp(model[0].id, model[1].id, PPML_ID_BYTES) == 0);
  ck_assert(memcmp(model[0].layer[0].weight, model[1].layer[0].weight, 8 * INPUTS) == 0);
  ck_assert(memcmp(model[0].id, model[2].id, PPML_ID_BYTES) != 0);
  ck_assert(memcmp(model[0].layer[0].weight, model[2].layer[0].weight, 8 * INPUTS) != 0);
  for (int i = 0; i < 3; i++) free(arena[i].memory);
  free(p);
}
END_TEST

/* Cross entropy of the last forward. */
static double loss_of(const ppmli_shadow *s, uint32_t label) {
  const ppmli_shadow_layer *last = &s->layer[s->layer_count - 1];
  double sum = 0, share = (double)last->z[0] / (double)ppmli_shadow_largest(last);
  double logit = ppmli_shadow_is_folded(s)
                     ? (double)PPMLI_SHADOW_SURE * (share + (double)s->score_noise)
                     : (double)last->z[0];
  if (last->outputs == 1) return log(1 + exp(label ? -logit : logit));
  for (uint32_t c = 0; c < last->outputs; c++) sum += exp((double)last->z[c]);
  return log(sum) - (double)last->z[label];
}

/* Loss at the rounded weights as they are, with the noise of one seed. */
static double loss_at(ppmli_shadow *s, const float *x, uint32_t label) {
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 3);
  memcpy(s->layer[0].x, x, s->layer[0].inputs * sizeof *x);
  ppmli_shadow_forward(s, &rng);
  return loss_of(s, label);
}

/* Of networks of two hidden layers, small enough for single precision. */
static void assert_gradient(uint32_t classes, uint32_t activation) {
  const float x[] = {0.3f, -0.8f, 0.5f, 0.9f, -0.2f}, h = 1e-3f;
  ppml_train_options o = ppml_train_options_default();
  ppml_model m;
  ppmli_shadow s;
  ppml_rng rng;
  o.width = 5, o.height = 1, o.classes = classes, o.activation = activation;
  o.hidden_count = 2, o.hidden[0] = 4, o.hidden[1] = 3;
  ppmli_train_shape(&m, &o);
  float *floats = (float *)calloc((size_t)ppmli_shadow_floats(&m), sizeof *floats);
  ppmli_shadow_init(&s, &m, floats);
  ppml_rng_init_for_tests(&rng, 5);
  ppmli_shadow_draw(&s, &rng);
  ppmli_shadow_round(&s, s.weight);
  loss_at(&s, x, 1);
  ppmli_shadow_backward(&s, 1, 1);
  for (size_t i = 0; i < s.parameters; i++) {
    float kept = s.rounded[i];
    if (kept == 0) continue; /* |w| has no slope there */
    s.rounded[i] = kept + h;
    double more = loss_at(&s, x, 1);
    s.rounded[i] = kept - h;
    double slope = (more - loss_at(&s, x, 1)) / (2 * (double)h);
    s.rounded[i] = kept;
    ck_assert_msg(fabs(slope - (double)s.gradient[i]) < 1e-3 + 1e-2 * fabs(slope),
                  "parameter %zu: slope %g, gradient %g", i, slope, (double)s.gradient[i]);
  }
  free(floats);
}

START_TEST(the_gradient_is_the_slope_of_the_loss) {
  assert_gradient(2, PPML_ACTIVATION_RELU);
  assert_gradient(2, PPML_ACTIVATION_SQUARE);
  assert_gradient(3, PPML_ACTIVATION_RELU);
  assert_gradient(3, PPML_ACTIVATION_SQUARE);
}
END_TEST

/* Of 80 validation images, 4 may have a margin below margin_p05, and one more has not. */
START_TEST(five_percent_of_the_margins_are_below_margin_p05) {
  for (uint32_t classes = 2; classes <= 3; classes++) {
    problem *p = problem_make(classes);
    ppml_model model;
    ppml_arena arena = problem_train(&model, p);
    ppml_arena scratch = arena_make(ppml_model_predict_bytes(&model));
    size_t below = 0, up_to = 0;
    for (size_t n = 0; n < VALIDATION; n++) {
      int32_t s[3] = {0};
      const uint8_t *pixels = p->validation.pixels + n * INPUTS;
      ck_assert_int_eq(ppml_model_predict(s, &model, pixels, &scratch), PPML_OK);
      int64_t margin = ppmli_train_margin(&model.spec, s);
      below += margin < model.margin_p05;
      up_to += margin <= model.margin_p05;
    }
    ck_assert_uint_le(below, VALIDATION / 20);
    ck_assert_uint_gt(up_to, VALIDATION / 20);
    ck_assert_uint_ge(model.spec.score_unit, 1);
    free(scratch.memory);
    free(arena.memory);
    free(p);
  }
}
END_TEST

START_TEST(a_flat_image_stays_flat) {
  ppml_spec spec;
  uint8_t pixels[4 * 3 * 2], out[sizeof pixels];
  ppml_rng rng;
  memset(&spec, 0, sizeof spec);
  spec.width = 4, spec.height = 3, spec.channels = 2;
  ppml_rng_init_for_tests(&rng, 1);
  for (int n = 0; n < 100; n++) {
    memset(pixels, 10 * (n % 26), sizeof pixels);
    ppmli_augment(out, pixels, &spec, &rng);
    for (size_t i = 1; i < sizeof out; i++) ck_assert_int_eq(out[i], out[0]);
    ck_assert_int_le(abs(out[0] - pixels[0]),
                     1 + (int)(PPMLI_AUGMENT_BRIGHTNESS + 128 * PPMLI_AUGMENT_CONTRAST));
  }
}
END_TEST

static void count_step(void *context, size_t done, size_t total) {
  size_t *steps = (size_t *)context;
  ck_assert_uint_eq(done, ++*steps);
  ck_assert_uint_eq(total, 3);
}

START_TEST(progress_is_told_after_every_epoch) {
  problem *p = problem_make(2);
  ppml_model model;
  size_t steps = 0;
  ppml_progress progress = {count_step, &steps};
  p->options.epochs = 3;
  ppml_arena arena = arena_make(ppml_train_bytes(&p->options, TRAIN, VALIDATION));
  ck_assert_int_eq(ppml_train(&model, &p->options, &p->train, &p->validation, &progress, &arena),
                   PPML_OK);
  ck_assert_uint_eq(steps, 3);
  free(arena.memory);
  free(p);
}
END_TEST

/* ------------------------------------------------------------------ bounds */

static void assert_layer_is_bounded(const ppml_layer *layer, uint32_t weight_bits,
                                    int32_t input_max) {
  int32_t most = (1 << (weight_bits - 1)) - 1;
  ck_assert_uint_eq(layer->weight_bits, weight_bits);
  for (size_t i = 0; i < (size_t)layer->inputs * layer->outputs; i++)
    ck_assert_int_le(abs(layer->weight[i]), most);
  for (uint32_t j = 0; j < layer->outputs; j++) {
    ck_assert(ppmli_layer_bound(layer, j, input_max) <= (int64_t)1 << 30);
    if (layer->activation == PPML_ACTIVATION_NONE) continue;
    ck_assert_int_ge(layer->range[j], 1);
    ck_assert_int_ge(layer->peak[j], layer->range[j]);
    ck_assert_int_le(layer->peak[j], 1 << 30);
  }
}

static void assert_bounded(const problem *p) {
  ppml_model model;
  ppml_arena arena = problem_train(&model, p);
  for (uint32_t l = 0; l < model.layer_count; l++)
    assert_layer_is_bounded(&model.layer[l], p->options.weight_bits,
                            ppmli_layer_input_max(&model, l));
  ck_assert(ppmli_model_is_valid(&model));
  free(arena.memory);
}

START_TEST(networks_of_any_precision_are_within_their_bounds) {
  problem *p = problem_make(3);
  p->options.epochs = 2;
  p->options.hidden_count = 2;
  p->options.hidden[1] = 4;
  for (uint32_t bits = 2; bits <= 8; bits++) {
    p->options.weight_bits = bits;
    p->options.input_bits = bits == 2 ? 1 : bits;
    assert_bounded(p);
  }
  free(p);
}
END_TEST

/* One image; all images alike, hence of no variance; one class alone; no time to learn. */
START_TEST(odd_data_make_valid_networks) {
  problem *p = problem_make(3);
  p->options.epochs = 1;
  p->train.count = p->validation.count = 1;
  assert_bounded(p);
  p->train.count = p->validation.count = 50;
  memset(p->pixels, 0, sizeof p->pixels);
  assert_bounded(p);
  memset(p->pixels, 255, sizeof p->pixels);
  memset(p->labels, 2, sizeof p->labels);
  p->options.noise = 0.99;
  assert_bounded(p);
  p->options.width = 1;
  p->options.height = 1;
  assert_bounded(p);
  free(p);
}
END_TEST

/* ------------------------------------------------------------- error, oom */

static void assert_refused(const problem *p, const ppml_train_options *o) {
  ppml_arena arena = arena_make(4096);
  ppml_model model;
  memset(&model, 0x55, sizeof model);
  ppml_model before = model;
  ck_assert_int_eq(ppml_train(&model, o, &p->train, &p->validation, NULL, &arena), PPML_ERR_ARG);
  ck_assert(memcmp(&model, &before, sizeof model) == 0);
  ck_assert_uint_eq(arena.used_bytes, 0);
  free(arena.memory);
}

#define assert_option_refused(p, field, value)                                                     \
  do {                                                                                             \
    ppml_train_options o = (p)->options;                                                           \
    o.field = (value);                                                                             \
    ck_assert_uint_eq(ppml_train_bytes(&o, TRAIN, VALIDATION), 0);                                 \
    assert_refused((p), &o);                                                                       \
  } while (0)

START_TEST(bad_options_are_refused) {
  problem *p = problem_make(2);
  assert_option_refused(p, width, 0);
  assert_option_refused(p, height, 0);
  assert_option_refused(p, height, UINT32_MAX);
  assert_option_refused(p, width, 65536);
  assert_option_refused(p, channels, 0);
  assert_option_refused(p, channels, 5);
  assert_option_refused(p, classes, 1);
  assert_option_refused(p, classes, PPML_CLASSES_MAX + 1);
  assert_option_refused(p, hidden[0], 0);
  assert_option_refused(p, hidden[0], 4097);
  assert_option_refused(p, hidden_count, PPML_LAYERS_MAX);
  assert_option_refused(p, activation, PPML_ACTIVATION_NONE);
  assert_option_refused(p, activation, PPML_ACTIVATION_TABLE);
  assert_option_refused(p, input_bits, 0);
  assert_option_refused(p, input_bits, 9);
  assert_option_refused(p, weight_bits, 1);
  assert_option_refused(p, weight_bits, 9);
  assert_option_refused(p, epochs, 0);
  assert_option_refused(p, noise, -0.01);
  assert_option_refused(p, noise, 1);
  assert_option_refused(p, noise, (double)NAN);
  free(p);
}
END_TEST

START_TEST(bad_images_are_refused) {
  problem *p = problem_make(2);
  ppml_images good = p->train;
  p->train.count = 0;
  assert_refused(p, &p->options);
  p->train = good;
  p->validation.pixels = NULL;
  assert_refused(p, &p->options);
  p->validation = good;
  p->labels[TRAIN - 1] = 2; /* of two classes */
  assert_refused(p, &p->options);
  free(p);
}
END_TEST

START_TEST(training_takes_exactly_what_is_said) {
  for (uint32_t classes = 2; classes <= 3; classes++) {
    problem *p = problem_make(classes);
    p->options.epochs = 1;
    size_t bytes = ppml_train_bytes(&p->options, TRAIN, VALIDATION);
    for (size_t less = 0; less <= bytes; less = less ? 2 * less : 1) {
      ppml_arena arena = arena_make(bytes - less);
      ppml_model model;
      memset(&model, 0x55, sizeof model);
      int error = ppml_train(&model, &p->options, &p->train, &p->validation, NULL, &arena);
      ck_assert_int_eq(error, less ? PPML_ERR_NOMEM : PPML_OK);
      if (less) ck_assert(arena.used_bytes == 0 && model.layer_count == 0x55555555);
      else ck_assert(arena.high_bytes == bytes && arena.used_bytes < bytes / 4);
      free(arena.memory);
    }
    free(p);
  }
}
END_TEST

static TCase *add_case(Suite *suite, const char *name) {
  TCase *tcase = tcase_create(name);
  tcase_set_timeout(tcase, TIMEOUT_S);
  suite_add_tcase(suite, tcase);
  return tcase;
}

int main(void) {
  Suite *suite = suite_create("train");
  TCase *kat = add_case(suite, "kat"), *law = add_case(suite, "law");
  TCase *bounds = add_case(suite, "bounds"), *error = add_case(suite, "error");
  TCase *oom = add_case(suite, "oom");
  tcase_add_test(kat, the_exponential_is_that_of_libm);
  tcase_add_test(kat, rounding_is_to_the_nearest_step_and_no_further_than_most);
  tcase_add_test(kat, a_peak_leaves_few_accumulators_above_it);
  tcase_add_test(law, two_classes_are_learnt_by_every_activation);
  tcase_add_test(law, three_classes_are_learnt);
  tcase_add_test(law, linear_and_deep_networks_learn);
  tcase_add_test(law, a_seed_decides_every_byte);
  tcase_add_test(law, the_gradient_is_the_slope_of_the_loss);
  tcase_add_test(law, five_percent_of_the_margins_are_below_margin_p05);
  tcase_add_test(law, a_flat_image_stays_flat);
  tcase_add_test(law, progress_is_told_after_every_epoch);
  tcase_add_test(bounds, networks_of_any_precision_are_within_their_bounds);
  tcase_add_test(bounds, odd_data_make_valid_networks);
  tcase_add_test(error, bad_options_are_refused);
  tcase_add_test(error, bad_images_are_refused);
  tcase_add_test(oom, training_takes_exactly_what_is_said);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
