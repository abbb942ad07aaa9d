/* test_pooled_train.c - logistic regression, and the training of pooled networks. */
#define PPML_IMPLEMENTATION
#define PPML_API static inline /* what is not used is not compiled */
#define PPML_ASSERT(condition) ck_assert(condition)
#include "suite.h"

#include "../ppml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../ppml_impl/train/encoder_train.h"
#include "../ppml_impl/train/pooled_train.h"

enum { SIDE = 16, INPUTS = SIDE * SIDE, TRAIN = 240, VALIDATION = 60, COUNT = TRAIN + VALIDATION };

static void *memory(size_t bytes) {
  void *block = NULL;
  ck_assert(posix_memalign(&block, PPML_ALIGNMENT, bytes ? bytes : 1) == 0);
  return block;
}

static ppml_arena arena_make(size_t bytes) {
  ppml_arena arena;
  ck_assert_int_eq(ppml_arena_init(&arena, memory(bytes), bytes), PPML_OK);
  return arena;
}

static uint32_t below(ppml_rng *rng, uint32_t end) {
  return (uint32_t)(ppmli_rng_u64(rng) % end);
}

/* -------------------------------------------------------------- regression */

/* Features with much in common, and labels that depend on two of them. */
typedef struct regression {
  ppml_spec spec;
  ppmli_logistic fit;
  float x[200 * 8], class_weight[6];
  uint8_t label[200];
  const uint8_t *where[200];
  ppml_arena arena;
} regression;

static void regression_make(regression *r, uint32_t classes, ppml_rng *rng) {
  memset(r, 0, sizeof *r);
  r->spec.classes = classes;
  r->spec.outputs = ppmli_task_outputs(PPML_TASK_CLASS, classes);
  for (size_t n = 0; n < 200; n++) {
    float common = ppmli_rng_normal_float(rng), *x = r->x + n * 8;
    for (size_t i = 0; i < 8; i++) x[i] = 0.7f * common + 0.7f * ppmli_rng_normal_float(rng);
    float score = x[2] - 0.5f * x[5] + 0.7f * ppmli_rng_normal_float(rng);
    r->label[n] = (uint8_t)(score > 0.5f ? classes - 1 : score > -0.3f ? 1 : 0);
    r->where[n] = r->label + n;
  }
  for (size_t i = 0; i < 6; i++) r->class_weight[i] = i % 2 ? 1.0f + 0.3f * (float)i : 0;
  r->fit.spec = &r->spec;
  r->fit.features = 8;
  r->fit.samples = 200;
  r->fit.x = r->x;
  r->fit.label = r->where;
  r->fit.class_weight = r->class_weight;
  r->arena = arena_make(ppmli_logistic_bytes(8, r->spec.outputs));
  ck_assert_int_eq(ppmli_logistic_alloc(&r->fit, &r->arena), PPML_OK);
  ck_assert_uint_eq(r->arena.high_bytes, r->arena.capacity_bytes);
}

/* Where the loss is least its slope is nothing, and steps along any weight do not lower it. */
START_TEST(the_fit_is_the_minimum) {
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 1);
  for (uint32_t classes = 2; classes <= 3; classes++) {
    regression *r = (regression *)memory(sizeof *r);
    regression_make(r, classes, &rng);
    size_t parameters = ppmli_logistic_parameters(&r->fit);
    r->fit.penalty = 0.01;
    ppmli_logistic_correlate(&r->fit);
    double start = ppmli_logistic_loss(r->fit.slope, &r->fit, r->fit.weight);
    double loss = ppmli_logistic_fit(&r->fit);
    ck_assert(loss > 0 && loss < 0.7 * start);
    for (size_t i = 0; i < parameters; i++) {
      ck_assert_msg(fabs(r->fit.slope[i]) < 5e-3, "slope %zu is %g", i, r->fit.slope[i]);
      for (double step = -0.05; step < 0.1; step += 0.1) {
        memcpy(r->fit.trial, r->fit.weight, parameters * sizeof *r->fit.trial);
        r->fit.trial[i] += step;
        ck_assert(ppmli_logistic_loss(r->fit.direction, &r->fit, r->fit.trial) > loss);
      }
    }
    free(r->arena.memory);
    free(r);
  }
}
END_TEST

START_TEST(the_slope_is_that_of_the_loss) {
  ppml_rng rng;
  regression *r = (regression *)memory(sizeof *r);
  ppml_rng_init_for_tests(&rng, 2);
  regression_make(r, 3, &rng);
  size_t parameters = ppmli_logistic_parameters(&r->fit);
  r->fit.penalty = 0.1;
  for (size_t i = 0; i < parameters; i++) r->fit.weight[i] = 0.3 * (double)(i % 5) - 0.6;
  ppmli_logistic_loss(r->fit.slope, &r->fit, r->fit.weight);
  for (size_t i = 0; i < parameters; i++) {
    double side[2];
    for (int k = 0; k < 2; k++) {
      memcpy(r->fit.trial, r->fit.weight, parameters * sizeof *r->fit.trial);
      r->fit.trial[i] += k ? 0.01 : -0.01;
      side[k] = ppmli_logistic_loss(r->fit.direction, &r->fit, r->fit.trial);
    }
    ck_assert(fabs((side[1] - side[0]) / 0.02 - r->fit.slope[i]) < 1e-3);
  }
  free(r->arena.memory);
  free(r);
}
END_TEST

/* ---------------------------------------------------------------- training */

/* Pictures whose class is the direction of their stripes, whose contrast and place say nothing. */
typedef struct problem {
  uint8_t pixels[COUNT * INPUTS], labels[COUNT * 3];
  ppmli_encoder encoder;
  int8_t weight[2 * 4];
  uint8_t mean[4];
  ppml_pooled_options options;
  ppml_spec spec;
  ppml_images train, validation;
} problem;

static void draw_stripes(uint8_t *pixels, uint32_t direction, ppml_rng *rng) {
  uint32_t at = below(rng, 4), contrast = 20 + below(rng, 60);
  for (uint32_t i = 0; i < INPUTS; i++) {
    uint32_t y = i / SIDE, x = i % SIDE;
    uint32_t along = direction == 0 ? y : direction == 1 ? x : x + y;
    uint32_t bright = (along + at) / 2 % 2;
    pixels[i] = (uint8_t)(60 + contrast * bright + below(rng, 50));
  }
}

static void problem_make(problem *p, uint32_t task, uint32_t classes) {
  ppml_rng rng;
  size_t answer = task == PPML_TASK_LABELS ? classes : 1;
  memset(p, 0, sizeof *p);
  ppml_rng_init_for_tests(&rng, 3);
  for (size_t n = 0; n < COUNT; n++) {
    uint32_t direction = (uint32_t)n % classes;
    draw_stripes(p->pixels + n * INPUTS, direction, &rng);
    for (uint32_t c = 0; c < answer; c++)
      p->labels[n * answer + c] = (uint8_t)(answer == 1 ? direction : direction == c);
  }
  p->encoder.kind = PPML_ENCODER_PATCHES;
  p->encoder.width = p->encoder.height = SIDE, p->encoder.colors = 1;
  p->encoder.patch = 2, p->encoder.channels = 2, p->encoder.latent_bits = 5;
  p->encoder.standardise = 1;
  ppmli_pictures pictures = {p->pixels, TRAIN};
  ppml_arena arena = arena_make(ppmli_encoder_learn_scratch(&p->encoder));
  ck_assert_int_eq(ppmli_encoder_learn(p->weight, p->mean, &p->encoder, &pictures, &arena),
                   PPML_OK);
  free(arena.memory);
  p->encoder.weight = p->weight;
  p->options = ppml_pooled_options_default();
  p->options.regions = 2, p->options.reach = 2, p->options.copies = 1;
  p->spec.task = task, p->spec.classes = classes;
  p->spec.outputs = ppmli_task_outputs(task, classes);
  ppml_images train = {p->pixels, p->labels, TRAIN};
  ppml_images validation = {p->pixels + TRAIN * INPUTS, p->labels + TRAIN * answer, VALIDATION};
  p->train = train, p->validation = validation;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) == NULL);
}

/* Threads there are not: the tasks one by one, the last one first. */
static void run_reversed(void *context, size_t tasks, void (*task)(void *argument, size_t index),
                         void *argument) {
  (void)context;
  while (tasks--) task(argument, tasks);
}

static size_t train_bytes(const problem *p, size_t threads) {
  return ppmli_pooled_train_bytes(&p->encoder, &p->options, p->spec.outputs, p->spec.outputs, TRAIN,
                                  VALIDATION, threads);
}

/* What was trained, and its memory. */
typedef struct trained {
  ppmli_pooled net;
  uint32_t margin_p05;
  ppml_arena arena;
} trained;

static void train(trained *t, problem *p, const ppmli_pooled_floats *given, size_t threads) {
  ppml_parallel parallel = {run_reversed, NULL, threads};
  t->arena = arena_make(train_bytes(p, threads));
  ck_assert_int_eq(ppmli_pooled_train(&t->net, &p->spec, &t->margin_p05, &p->encoder, &p->options,
                                      given, &p->train, &p->validation, &parallel, NULL, &t->arena),
                   PPML_OK);
  ck_assert(ppmli_pooled_is_valid(&t->net));
  ck_assert_uint_eq(t->arena.high_bytes, t->arena.capacity_bytes);
}

/* Scores of validation image n, as it is. */
static void score(int32_t *scores, const problem *p, const ppmli_pooled *net, size_t n) {
  int8_t latents[2 * INPUTS];
  int64_t whole[PPML_CLASSES_MAX];
  ppml_arena arena =
      arena_make(ppmli_encode_scratch(&p->encoder) + ppmli_pooled_forward_scratch(net));
  ck_assert_int_eq(
      ppmli_encode(latents, NULL, &p->encoder, p->validation.pixels + n * INPUTS, &arena), PPML_OK);
  ck_assert_int_eq(ppmli_pooled_forward(whole, net, latents, &arena), PPML_OK);
  for (uint32_t c = 0; c < net->outputs; c++) {
    ck_assert(llabs(whole[c]) < 1 << 30);
    scores[c] = (int32_t)whole[c];
  }
  free(arena.memory);
}

/* Share of the validation images whose answer is right. */
static double right(const problem *p, const ppmli_pooled *net) {
  size_t answer = ppmli_spec_answer_bytes(&p->spec), good = 0;
  for (size_t n = 0; n < VALIDATION; n++) {
    int32_t scores[PPML_CLASSES_MAX];
    uint8_t got[PPML_CLASSES_MAX];
    score(scores, p, net, n);
    ppmli_spec_answer(got, &p->spec, scores);
    good += memcmp(got, p->validation.labels + n * answer, answer) == 0;
  }
  return (double)good / VALIDATION;
}

START_TEST(stripes_are_told_apart_in_every_task) {
  const uint32_t tasks[][2] = {
      {PPML_TASK_CLASS, 2}, {PPML_TASK_CLASS, 3}, {PPML_TASK_LABELS, 3}, {PPML_TASK_GRADE, 3}};
  problem *p = (problem *)memory(sizeof *p);
  for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
    trained t;
    problem_make(p, tasks[i][0], tasks[i][1]);
    train(&t, p, NULL, 1);
    ck_assert_msg(right(p, &t.net) > 0.9, "task %zu: %g right", i, right(p, &t.net));
    ck_assert(p->spec.score_unit > 0);
    free(t.arena.memory);
  }
  free(p);
}
END_TEST

/* Stripes are seen by squares alone; cells share one weight. */
START_TEST(linear_weights_are_those_of_cells) {
  const uint32_t linear[] = {0, 1, 3};
  problem *p = (problem *)memory(sizeof *p);
  for (size_t i = 0; i < 3; i++) {
    trained t;
    problem_make(p, PPML_TASK_CLASS, 2);
    p->options.linear = linear[i];
    train(&t, p, NULL, 2);
    ck_assert_msg(right(p, &t.net) > 0.9, "%u cells: %g right", linear[i], right(p, &t.net));
    for (size_t l = 0; l < 128; l++) { /* 8 x 8 latents a channel; rows 0 to 2 make cell row 0 */
      int32_t first = t.net.linear[l / 64 * 64];
      if (linear[i] == 0) ck_assert_int_eq(t.net.linear[l], 0);
      if (linear[i] == 1) ck_assert_int_eq(t.net.linear[l], first);
      if (linear[i] == 3 && l % 64 / 8 < 3 && l % 8 < 3) ck_assert_int_eq(t.net.linear[l], first);
    }
    free(t.arena.memory);
  }
  free(p);
}
END_TEST

START_TEST(threads_do_not_show) {
  problem *p = (problem *)memory(sizeof *p);
  trained first, other;
  problem_make(p, PPML_TASK_CLASS, 3);
  train(&first, p, NULL, 1);
  ppml_spec spec = p->spec;
  train(&other, p, NULL, 5);
  size_t outputs = first.net.outputs;
  ck_assert_mem_eq(first.net.square, other.net.square,
                   outputs * ppmli_autocorr_sums(&first.net.shape));
  ck_assert_mem_eq(first.net.linear, other.net.linear,
                   outputs * ppmli_latent_count(&first.net.shape) * sizeof(int32_t));
  ck_assert_mem_eq(first.net.bias, other.net.bias, outputs * sizeof(int64_t));
  ck_assert_mem_eq(first.net.peak, other.net.peak, outputs * sizeof(int64_t));
  ck_assert(first.margin_p05 == other.margin_p05 && spec.score_unit == p->spec.score_unit);
  free(first.arena.memory), free(other.arena.memory);
  free(p);
}
END_TEST

START_TEST(memory_is_exactly_what_is_said) {
  problem *p = (problem *)memory(sizeof *p);
  trained t;
  problem_make(p, PPML_TASK_CLASS, 2);
  t.arena = arena_make(train_bytes(p, 1) - 1);
  ck_assert_int_eq(ppmli_pooled_train(&t.net, &p->spec, &t.margin_p05, &p->encoder, &p->options,
                                      NULL, &p->train, &p->validation, NULL, NULL, &t.arena),
                   PPML_ERR_NOMEM);
  free(t.arena.memory);
  free(p);
}
END_TEST

START_TEST(options_that_lead_nowhere_are_refused) {
  problem *p = (problem *)memory(sizeof *p);
  problem_make(p, PPML_TASK_CLASS, 2);
  const ppml_pooled_options good = p->options;
  p->options.regions = 3;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) != NULL);
  p->options = good, p->options.reach = 9;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) != NULL);
  p->options = good, p->options.regions = 8, p->options.reach = 8;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) != NULL);
  p->options = good, p->options.linear = 65;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) != NULL);
  p->options = good, p->options.weight_bits = 9;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) != NULL);
  p->options = good, p->options.warp = NAN;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) != NULL);
  p->options = good, p->encoder.kind = PPML_ENCODER_READY;
  ck_assert(ppmli_pooled_train_refusal(&p->encoder, &p->options) != NULL);
  free(p);
}
END_TEST

/* ------------------------------------------------------------- convolution */

enum { FILTERS = 3, OUTPUTS = 2 };

/* A network with random filters. */
typedef struct filters {
  ppmli_convolution v;
  float unit[2], kernel[FILTERS * 2 * 9], bias[FILTERS], square[FILTERS], linear[FILTERS];
  float constant[FILTERS], dense[OUTPUTS * FILTERS * 4], dense_bias[OUTPUTS];
} filters;

static void fill(float *values, size_t count, ppml_rng *rng) {
  for (size_t i = 0; i < count; i++) values[i] = ppmli_rng_symmetric(rng);
}

static void filters_make(filters *f, const ppmli_latent_shape *s, ppml_rng *rng) {
  fill(f->unit, 2, rng), fill(f->kernel, FILTERS * 18, rng), fill(f->bias, FILTERS, rng);
  fill(f->square, FILTERS, rng), fill(f->linear, FILTERS, rng), fill(f->constant, FILTERS, rng);
  fill(f->dense, OUTPUTS * FILTERS * 4, rng), fill(f->dense_bias, OUTPUTS, rng);
  ppmli_convolution v = {*s,        FILTERS,   OUTPUTS,     f->unit,  f->kernel,    f->bias,
                         f->square, f->linear, f->constant, f->dense, f->dense_bias};
  f->v = v;
}

/* z of filter j at a place of a region, from the definition. */
static double filter_at(const filters *f, uint32_t j, const int8_t *latents, uint32_t region,
                        int32_t y, int32_t x) {
  const ppmli_latent_shape *s = &f->v.shape;
  int32_t h = (int32_t)(s->height / s->regions), w = (int32_t)(s->width / s->regions);
  int32_t k = (int32_t)s->reach, top = (int32_t)(region / s->regions) * h;
  int32_t left = (int32_t)(region % s->regions) * w;
  double z = (double)f->bias[j];
  for (int32_t i = 0; i < (int32_t)s->channels; i++)
    for (int32_t u = 0; u < k; u++)
      for (int32_t v = 0; v < k; v++) {
        int32_t row = y + u - (k - 1), column = x + v - (k - 1);
        if (row < 0 || column < 0 || row >= h || column >= w) continue;
        size_t at =
            (size_t)((i * (int32_t)s->height + top + row) * (int32_t)s->width + left + column);
        size_t tap = (size_t)((((int32_t)j * (int32_t)s->channels + i) * k + u) * k + v);
        z += (double)f->kernel[tap] * (double)f->unit[i] * latents[at];
      }
  return z;
}

static double convolve(const filters *f, uint32_t c, const int8_t *latents) {
  const ppmli_latent_shape *s = &f->v.shape;
  uint32_t regions = s->regions * s->regions;
  int32_t rows = (int32_t)(s->height / s->regions + s->reach - 1);
  int32_t columns = (int32_t)(s->width / s->regions + s->reach - 1);
  double score = (double)f->dense_bias[c];
  for (uint32_t j = 0; j < FILTERS; j++)
    for (uint32_t r = 0; r < regions; r++) {
      double mean = 0;
      for (int32_t y = 0; y < rows; y++)
        for (int32_t x = 0; x < columns; x++) {
          double z = filter_at(f, j, latents, r, y, x);
          mean += ((double)f->square[j] * z + (double)f->linear[j]) * z + (double)f->constant[j];
        }
      score += (double)f->dense[(c * FILTERS + j) * regions + r] * mean / (rows * columns);
    }
  return score;
}

START_TEST(a_convolution_folds_into_autocorrelations) {
  const ppmli_latent_shape shapes[] = {{8, 6, 2, 2, 3}, {5, 5, 1, 1, 2}, {2, 2, 2, 1, 3}};
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 5);
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const ppmli_latent_shape *s = &shapes[i];
    filters f;
    int8_t latents[128];
    int32_t sums[512];
    double square[1024], linear[256], bias[OUTPUTS];
    ppmli_pooled_floats out = {square, linear, bias};
    ck_assert(ppmli_autocorr_sums(s) <= 512);
    filters_make(&f, s, &rng);
    ppmli_convolution_fold(&out, &f.v);
    for (uint32_t l = 0; l < ppmli_latent_count(s); l++)
      latents[l] = (int8_t)(below(&rng, 32) - 16);
    ppmli_autocorr(sums, latents, s);
    for (uint32_t c = 0; c < OUTPUTS; c++) {
      double got = bias[c], want = convolve(&f, c, latents);
      for (size_t n = 0; n < ppmli_autocorr_sums(s); n++)
        got += square[c * ppmli_autocorr_sums(s) + n] * sums[n];
      for (size_t l = 0; l < ppmli_latent_count(s); l++)
        got += linear[c * ppmli_latent_count(s) + l] * latents[l];
      ck_assert_msg(fabs(got - want) < 1e-9 * (1 + fabs(want)), "%g for %g", got, want);
    }
  }
}
END_TEST

/* A convolutional network's integers say what it said itself, in multiples of score_unit. */
START_TEST(a_convolution_keeps_its_scores_as_integers) {
  problem *p = (problem *)memory(sizeof *p);
  problem_make(p, PPML_TASK_CLASS, 2);
  p->options.reach = 3, p->options.weight_bits = 8;
  ppmli_latent_shape s = ppmli_pooled_train_shape(&p->encoder, &p->options);
  filters f;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 6);
  filters_make(&f, &s, &rng);
  f.v.outputs = 1;
  double *square = (double *)memory(ppmli_autocorr_sums(&s) * sizeof(double));
  double *linear = (double *)memory(ppmli_latent_count(&s) * sizeof(double)), bias;
  ppmli_pooled_floats given = {square, linear, &bias};
  ppmli_convolution_fold(&given, &f.v);
  trained t;
  train(&t, p, &given, 2);
  double xy = 0, xx = 0, yy = 0, x1 = 0, y1 = 0;
  for (size_t n = 0; n < VALIDATION; n++) {
    int8_t latents[2 * INPUTS];
    int32_t whole;
    ppml_arena arena = arena_make(ppmli_encode_scratch(&p->encoder));
    ck_assert_int_eq(
        ppmli_encode(latents, NULL, &p->encoder, p->validation.pixels + n * INPUTS, &arena),
        PPML_OK);
    score(&whole, p, &t.net, n);
    double x = convolve(&f, 0, latents), y = whole;
    xy += x * y, xx += x * x, yy += y * y, x1 += x, y1 += y;
    free(arena.memory);
  }
  double m = VALIDATION,
         correlation = (xy - x1 * y1 / m) / sqrt((xx - x1 * x1 / m) * (yy - y1 * y1 / m));
  ck_assert_msg(correlation > 0.999, "correlation %g", correlation);
  double shift = y1 / m - x1 / m * (xy - x1 * y1 / m) / (xx - x1 * x1 / m); /* of a score of 0 */
  ck_assert(fabs(shift) < 0.05 * sqrt(yy / m - y1 / m * (y1 / m)));
  free(square), free(linear), free(t.arena.memory);
  free(p);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pooled_train");
  TCase *law = test_case(suite, "law"), *oom = test_case(suite, "oom");
  TCase *error = test_case(suite, "error");
  tcase_add_test(law, the_fit_is_the_minimum);
  tcase_add_test(law, the_slope_is_that_of_the_loss);
  tcase_add_test(law, stripes_are_told_apart_in_every_task);
  tcase_add_test(law, linear_weights_are_those_of_cells);
  tcase_add_test(law, threads_do_not_show);
  tcase_add_test(law, a_convolution_folds_into_autocorrelations);
  tcase_add_test(law, a_convolution_keeps_its_scores_as_integers);
  tcase_add_test(oom, memory_is_exactly_what_is_said);
  tcase_add_test(error, options_that_lead_nowhere_are_refused);
  return test_run(suite);
}
