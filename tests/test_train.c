/* test_train.c - training: augment.h, master.h and train.h, on small made-up images. */
#define PPML_IMPLEMENTATION
#define PPML_API static inline /* what is not used is not compiled */
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
  p->options.activation = PPML_ACTIVATION_RELU;
  p->options.weight_bits = 4;
  p->options.seeds = 1;
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
  ppml_arena arena =
      arena_make(ppml_train_bytes(&p->options, p->train.count, p->validation.count, 1));
  ck_assert_int_eq(ppml_train(model, &p->options, &p->train, &p->validation, NULL, NULL, &arena),
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
    double ratio = (double)ppmli_loss_exp(x) / exp((double)x);
    ck_assert_msg(fabs(ratio - 1) < 1e-5, "e^%g: %g times too large", (double)x, ratio);
  }
  ck_assert(ppmli_loss_exp(0) == 1.0f);
}
END_TEST

START_TEST(the_logarithm_is_that_of_libm) {
  for (float x = 1e-13f; x < 2; x *= 1.07f)
    ck_assert_msg(fabs((double)ppmli_loss_ln(x) - log((double)x)) < 1e-4, "ln %g", (double)x);
}
END_TEST

START_TEST(rounding_is_to_the_nearest_step_and_no_further_than_most) {
  const float weight[] = {0.24f, 0.26f, -0.74f, -0.76f, 9, -9};
  const float expected[] = {0, 0.5f, -0.5f, -1, 3.5f, -3.5f};
  float rounded[6];
  ppmli_master_round_row(rounded, weight, 0.5f, 7, 6);
  for (int i = 0; i < 6; i++) ck_assert(rounded[i] == expected[i]);
}
END_TEST

START_TEST(a_peak_leaves_few_accumulators_above_it) {
  uint32_t seen[PPMLI_TRAIN_PEAK_BINS] = {0};
  uint64_t total = 3 * PPMLI_PEAK_SHARE;
  seen[40] = 3 * PPMLI_PEAK_SHARE - 3;
  seen[60] = 3; /* just as many as may be above */
  ck_assert_int_eq(ppmli_statistics_peak(seen, total, 1600, 9999),
                   41 * 1600 / PPMLI_TRAIN_BINS_PER_RANGE);
  seen[60] = 4;
  ck_assert_int_eq(ppmli_statistics_peak(seen, total, 1600, 9999),
                   61 * 1600 / PPMLI_TRAIN_BINS_PER_RANGE);
  memset(seen, 0, sizeof seen);
  seen[0] = 100;
  ck_assert_int_eq(ppmli_statistics_peak(seen, 100, 7, 9999), 7); /* never below range */
  seen[PPMLI_TRAIN_PEAK_BINS - 1] = 1; /* the last bin ends where it ends */
  ck_assert_int_eq(ppmli_statistics_peak(seen, 101, 100, 12345), 12345);
  ck_assert_int_eq(ppmli_statistics_peak(seen, 101, 100, 790), 800);
}
END_TEST

/* --------------------------------------------------------------------- law */

START_TEST(two_classes_are_learnt_by_every_activation) {
  problem *p = problem_make(2);
  for (uint32_t a = PPML_ACTIVATION_RELU; a <= PPML_ACTIVATION_CLIPPED_SQUARE; a++) {
    p->options.activation = a;
    assert_learnt(p, 0.95);
  }
  free(p);
}
END_TEST

/* The one whose options are those of polynomials. */
static problem *problem_make_square(uint32_t classes) {
  problem *p = problem_make(classes);
  p->options.activation = PPML_ACTIVATION_POLYNOMIAL;
  p->options.weight_bits = 2;
  return p;
}

START_TEST(polynomials_learn) {
  for (uint32_t classes = 2; classes <= 3; classes++) {
    problem *p = problem_make_square(classes);
    assert_learnt(p, 0.95);
    p->options.learn_polynomial = 1;
    assert_learnt(p, 0.95);
    free(p);
  }
}
END_TEST

START_TEST(coefficients_are_learnt_where_asked_for) {
  for (uint32_t learns = 0; learns < 2; learns++) {
    problem *p = problem_make_square(2);
    ppml_model model;
    p->options.learn_polynomial = learns;
    ppml_arena arena = problem_train(&model, p);
    uint32_t squares = 0;
    for (uint32_t j = 0; j < model.layer[0].outputs; j++) {
      squares += model.layer[0].square[j] == 1 && model.layer[0].linear[j] == 0;
      ck_assert_int_le(abs(model.layer[0].square[j]), 3);
    }
    ck_assert_uint_eq(squares, learns ? 0 : model.layer[0].outputs);
    free(arena.memory);
    free(p);
  }
}
END_TEST

/* Few of the images that training saw have scores beyond their peaks, and some come near. */
START_TEST(peaks_of_scores_are_just_above_them) {
  problem *p = problem_make_square(3);
  ppml_model model;
  ppml_arena arena = problem_train(&model, p);
  ppml_arena scratch = arena_make(ppml_model_predict_bytes(&model));
  int32_t scores[3], most[3] = {0};
  for (size_t n = 0; n < TRAIN; n++) {
    const uint8_t *pixels = p->train.pixels + n * INPUTS;
    ck_assert_int_eq(ppml_model_predict(scores, &model, pixels, &scratch), PPML_OK);
    for (int c = 0; c < 3; c++) most[c] = abs(scores[c]) > most[c] ? abs(scores[c]) : most[c];
  }
  for (int c = 0; c < 3; c++) {
    ck_assert_int_ge(model.layer[1].peak[c], most[c]);
    ck_assert_int_le(model.layer[1].peak[c], 3 * most[c]);
  }
  ck_assert(model.layer[0].range == NULL && model.layer[0].peak == NULL);
  free(scratch.memory);
  free(arena.memory);
  free(p);
}
END_TEST

/* Halfway to scores that saturate would be beyond what files have room for. */
START_TEST(thresholds_stay_within_30_bits) {
  uint8_t labels[8] = {1, 0, 0, 0}; /* of label 0 one in two */
  int32_t scores[8] = {(1 << 30) - 1, 0, (1 << 30) - 1, 0, INT32_MAX, 0, INT32_MAX, 0};
  ppml_images train = {NULL, labels, 2};
  ppmli_trainer t;
  memset(&t, 0, sizeof t);
  t.model.spec.task = PPML_TASK_LABELS;
  t.model.spec.classes = t.model.spec.outputs = 2;
  t.train = &train;
  t.validation.count = 4;
  t.scores = scores;
  ck_assert_int_eq(ppmli_statistics_threshold(&t, 0), 1 << 30);
  scores[4] = (1 << 30) + 1;
  ck_assert_int_eq(ppmli_statistics_threshold(&t, 0), 1 << 30); /* halfway */
  scores[4] = scores[6] = (1 << 30) - 1;
  ck_assert_int_eq(ppmli_statistics_threshold(&t, 0), (1 << 30) - 1);
}
END_TEST

/* By the excess over REACH, and toward 0. */
START_TEST(logits_beyond_their_reach_are_pulled_back) {
  const float logit[] = {-11, -8, 0, 7.9f, 10}, pulled[] = {-3, 0, 0, 0, 2};
  float delta[] = {1, 1, 1, 1, 1};
  ppmli_train_restrain(delta, logit, 5);
  for (int i = 0; i < 5; i++)
    ck_assert(fabsf(delta[i] - (1 + PPMLI_TRAIN_LOGIT_PULL * pulled[i])) < 1e-6f);
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

static void assert_seed_decides(problem *p) {
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

/* How much of a linear model's weights is not the shape that tells the classes apart: all rows of a
 * band are alike. */
static double roughness(const ppml_model *m) {
  const int8_t *w = m->layer[0].weight;
  double within = 0, all = 0;
  for (int band = 0; band < 2; band++) {
    double mean = 0;
    for (int i = 0; i < INPUTS / 2; i++) mean += w[band * INPUTS / 2 + i] / (INPUTS / 2.0);
    for (int i = 0; i < INPUTS / 2; i++) {
      double x = w[band * INPUTS / 2 + i];
      within += (x - mean) * (x - mean);
      all += x * x;
    }
  }
  return within / all;
}

/* From a few noisy images a linear model learns less of the noise where its weights decay; weights that
 * are normalized do not decay. */
START_TEST(weights_of_linear_models_decay) {
  problem *p = problem_make(2);
  ppml_model plain, decayed;
  p->train.count = 60;
  p->options.hidden_count = 0;
  p->options.input_bits = p->options.weight_bits = 8;
  ppml_arena arena = problem_train(&plain, p);
  p->options.decay = 30;
  ppml_arena other = problem_train(&decayed, p);
  ck_assert_msg(roughness(&decayed) < 0.7 * roughness(&plain), "%g and %g", roughness(&decayed),
                roughness(&plain));
  free(arena.memory), free(other.memory);
  p->options.hidden_count = 1;
  p->options.weight_bits = 4;
  arena = problem_train(&decayed, p);
  p->options.decay = 0;
  other = problem_train(&plain, p);
  ck_assert_int_eq(memcmp(plain.id, decayed.id, PPML_ID_BYTES), 0);
  free(arena.memory), free(other.memory), free(p);
}
END_TEST

START_TEST(a_seed_decides_every_byte) {
  assert_seed_decides(problem_make(2));
  assert_seed_decides(problem_make_square(2));
}
END_TEST

/* ---------------------------------------------------------------- gradient */

enum { BATCH = 9 };

/* A small network of hidden layers, one if of polynomials, and a batch for it. */
typedef struct slope {
  ppml_model model;
  ppmli_master master;
  uint8_t labels[BATCH * PPML_CLASSES_MAX];
  float *floats;
} slope;

/* Scales, squares and biases for some accumulators to overshoot. */
static void slope_steepen(ppmli_master *s, const ppmli_master_layer *layer) {
  for (uint32_t j = 0; j < layer->outputs; j++) {
    s->weight[ppmli_master_scales(layer) + j] = j % 2 ? -1.9f : 0.6f;
    s->weight[ppmli_master_biases(layer) + j] = 0.2f;
    if (!ppmli_master_is_polynomial(layer)) continue;
    s->weight[ppmli_master_linears(layer) + j] = 0.7f;
    s->weight[ppmli_master_biases(layer) + j] = 1.6f;
  }
}

static slope *slope_make(uint32_t task, uint32_t classes, uint32_t activation, int learns) {
  slope *x = (slope *)calloc(1, sizeof *x);
  ppml_train_options o = ppml_train_options_default();
  o.weight_bits = 4;
  ppml_rng rng;
  ck_assert(x != NULL);
  o.width = 5, o.height = 1, o.task = task, o.classes = classes, o.activation = activation;
  o.hidden_count = activation == PPML_ACTIVATION_POLYNOMIAL ? 1 : 2;
  o.hidden[0] = 4, o.hidden[1] = 3;
  ppmli_train_shape(&x->model, &o);
  x->floats = (float *)calloc((size_t)ppmli_master_floats(&x->model), sizeof *x->floats);
  ck_assert(x->floats != NULL);
  ppmli_master_init(&x->master, &x->model, x->floats);
  ppml_rng_init_for_tests(&rng, 5);
  ppmli_master_draw(&x->master, &rng);
  x->master.learns_polynomials = learns;
  for (uint32_t l = 0; l < o.hidden_count; l++) slope_steepen(&x->master, &x->master.layer[l]);
  for (uint32_t l = 0; l <= o.hidden_count; l++)
    ppmli_master_round_layer(&x->master, l, x->master.weight);
  x->master.count = BATCH;
  for (int i = 0; i < BATCH * 5; i++) x->master.layer[0].x[i] = ppmli_rng_symmetric(&rng);
  for (size_t i = 0; i < sizeof x->labels; i++)
    x->labels[i] = (uint8_t)(ppmli_rng_u64(&rng) % (task == PPML_TASK_LABELS ? 2 : classes));
  return x;
}

/* Loss of the batch, with what pulls accumulators back; delta of the logits. */
static double slope_loss(slope *x) {
  ppmli_master *s = &x->master;
  uint32_t hidden = s->layer_count - 1;
  ppmli_master_layer *last = &s->layer[hidden];
  size_t bytes = ppmli_spec_answer_bytes(&x->model.spec);
  double loss = 0;
  ppmli_master_forward(s, NULL);
  for (size_t b = 0; b < BATCH; b++) {
    float each[PPML_CLASSES_MAX];
    const float *logit = last->z + b * last->outputs;
    ppmli_loss_of(each, &x->model.spec, logit, x->labels + b * bytes);
    for (uint32_t c = 0; c < last->outputs; c++) loss += (double)each[c];
    ppmli_loss_error(last->delta + b * last->outputs, &x->model.spec, logit, x->labels + b * bytes,
                     0);
  }
  for (uint32_t l = 0; l < hidden; l++)
    for (size_t i = 0; i < BATCH * s->layer[l].outputs; i++) {
      double over = fabs((double)s->layer[l].z[i]) - (double)PPMLI_MASTER_OVERSHOOT;
      if (over > 0) loss += (double)PPMLI_MASTER_PULL * over * over / 2;
    }
  return loss;
}

/* Compares one parameter's gradient with the slope that moving *at finds. */
static void slope_check(slope *x, float *at, double gradient, const char *what) {
  const float h = 1e-3f, kept = *at;
  *at = kept + h;
  double more = slope_loss(x);
  *at = kept - h;
  double found = (more - slope_loss(x)) / (2 * (double)h);
  *at = kept;
  ck_assert_msg(fabs(found - gradient) < 1e-2 + 2e-2 * fabs(found), "%s: slope %g, gradient %g",
                what, found, gradient);
}

static double slope_gradient(const slope *x, size_t parameter) {
  double sum = 0;
  for (size_t shard = 0; shard < PPMLI_MASTER_SHARDS; shard++)
    sum += (double)x->master.gradient[shard * x->master.parameters + parameter];
  return sum;
}

/* Of what a layer has for each neuron beside weights. */
static void slope_check_neurons(slope *x, ppmli_master_layer *layer, int is_last) {
  float *weight = x->master.weight;
  int is_polynomial = ppmli_master_is_polynomial(layer), learns = x->master.learns_polynomials;
  size_t scales = ppmli_master_scales(layer), biases = ppmli_master_biases(layer);
  for (uint32_t j = 0; j < layer->outputs; j++) {
    slope_check(x, &weight[biases + j], slope_gradient(x, biases + j), "bias");
    if (!is_last && !is_polynomial)
      slope_check(x, &weight[scales + j], slope_gradient(x, scales + j), "scale");
    if (!is_polynomial) continue;
    double square = slope_gradient(x, scales + j);
    double linear = slope_gradient(x, ppmli_master_linears(layer) + j);
    if (learns) slope_check(x, &layer->square[j], square, "square");
    if (learns) slope_check(x, &layer->linear[j], linear, "linear");
    if (!learns) ck_assert(square == 0 && linear == 0);
  }
}

static void assert_gradient(uint32_t task, uint32_t classes, uint32_t activation, int learns) {
  slope *x = slope_make(task, classes, activation, learns);
  ppmli_master *s = &x->master;
  slope_loss(x);
  ppmli_master_backward(s, NULL);
  for (uint32_t l = 0; l < s->layer_count; l++) {
    ppmli_master_layer *layer = &s->layer[l];
    for (size_t i = 0; i < (size_t)layer->inputs * layer->outputs; i++)
      slope_check(x, &layer->rounded[i], slope_gradient(x, layer->offset + i), "weight");
    slope_check_neurons(x, layer, l + 1 == s->layer_count);
  }
  free(x->floats);
  free(x);
}

START_TEST(the_gradient_is_the_slope_of_the_loss) {
  assert_gradient(PPML_TASK_CLASS, 2, PPML_ACTIVATION_RELU, 0);
  assert_gradient(PPML_TASK_CLASS, 2, PPML_ACTIVATION_CLIPPED_SQUARE, 0);
  assert_gradient(PPML_TASK_CLASS, 3, PPML_ACTIVATION_RELU, 0);
  assert_gradient(PPML_TASK_LABELS, 3, PPML_ACTIVATION_CLIPPED_SQUARE, 0);
  assert_gradient(PPML_TASK_GRADE, 4, PPML_ACTIVATION_RELU, 0);
  assert_gradient(PPML_TASK_CLASS, 2, PPML_ACTIVATION_POLYNOMIAL, 0);
  assert_gradient(PPML_TASK_LABELS, 3, PPML_ACTIVATION_POLYNOMIAL, 0);
  assert_gradient(PPML_TASK_GRADE, 4, PPML_ACTIVATION_POLYNOMIAL, 1);
}
END_TEST

/* A trainer that is ready for its first batch of 64 images, which are changed by nothing;
 * with scales of both signs, and biases. */
static ppml_arena fold_make(ppmli_trainer *t, problem *p, ppml_images *images) {
  const uint8_t seed[PPML_SEED_BYTES] = {1};
  ppml_arena arena = arena_make(ppml_train_bytes(&p->options, 64, 64, 1));
  memset(t, 0, sizeof *t);
  *images = p->train;
  images->count = 64;
  t->options = &p->options;
  t->train = images;
  t->arena = &arena;
  ppmli_train_shape(&t->model, &p->options);
  ck_assert_int_eq(ppmli_train_alloc_model(t), PPML_OK);
  ck_assert_int_eq(ppmli_train_alloc_scratch(t, 64), PPML_OK);
  ppmli_train_prepare(t, images);
  ppmli_rng_seed(&t->rng, seed);
  ppmli_master_draw(&t->master, &t->rng);
  ppmli_train_draw_sample(t);
  for (size_t j = 0; j < 8; j++) {
    t->master.weight[ppmli_master_scales(&t->master.layer[0]) + j] = j % 2 ? -0.7f : 0.5f;
    t->master.weight[ppmli_master_biases(&t->master.layer[0]) + j] = 0.1f * (float)j - 0.3f;
  }
  t->master.weight[ppmli_master_biases(&t->master.layer[1])] = 0.37f;
  t->master.count = 64;
  t->arena = NULL;
  return arena;
}

/* Integers have the master network's logits, but for a share of them. */
static void assert_folds(problem *p, double share) {
  ppml_images images;
  ppmli_trainer t;
  p->options.input_bits = 8;
  p->options.warp = 0;
  p->options.params = NULL;
  p->options.noiseless = 1;
  ppml_arena arena = fold_make(&t, p, &images);
  ppml_arena scratch = arena_make(ppmli_quant_forward_scratch(&t.model));
  uint32_t order[64];
  double difference = 0, size = 0, unit;
  for (uint32_t n = 0; n < 64; n++) order[n] = n;
  ppmli_train_batch batch = {&t, order};
  for (uint32_t l = 0; l < 2; l++) ppmli_master_round_layer(&t.master, l, t.master.weight);
  for (size_t shard = 0; shard < PPMLI_MASTER_SHARDS; shard++) ppmli_train_load_task(&batch, shard);
  ppmli_master_forward(&t.master, NULL);
  ppmli_integers_run(&t, t.master.weight);
  unit = ppmli_integers_logit(&t);
  for (size_t n = 0; n < 64; n++) {
    int32_t score;
    double logit = (double)t.master.layer[1].z[n];
    ck_assert_int_eq(
        ppmli_quant_forward(&score, &t.model, images.pixels + n * INPUTS, NULL, &scratch), PPML_OK);
    difference += (score * unit - logit) * (score * unit - logit);
    size += logit * logit;
  }
  ck_assert_msg(difference < share * share * size, "%g off, of %g", sqrt(difference), sqrt(size));
  free(scratch.memory);
  free(arena.memory);
  free(p);
}

/* With eight bits everywhere, or where there is nothing to round but biases. */
START_TEST(the_integers_are_what_the_master_network_stands_for) {
  problem *p = problem_make(2);
  p->options.weight_bits = 8;
  assert_folds(p, 0.03);
  assert_folds(problem_make_square(2), 0.003);
  p = problem_make_square(2);
  p->options.learn_polynomial = 1;
  assert_folds(p, 0.003);
}
END_TEST

/* The margins are those of the changed validation images, so only the rough size shows. */
START_TEST(margins_and_units_are_those_of_validation) {
  for (uint32_t classes = 2; classes <= 3; classes++) {
    problem *p = problem_make(classes);
    ppml_model model;
    ppml_arena arena = problem_train(&model, p);
    ppml_arena scratch = arena_make(ppml_model_predict_bytes(&model));
    size_t below = 0;
    for (size_t n = 0; n < VALIDATION; n++) {
      int32_t s[3] = {0};
      const uint8_t *pixels = p->validation.pixels + n * INPUTS;
      ck_assert_int_eq(ppml_model_predict(s, &model, pixels, &scratch), PPML_OK);
      below += ppmli_spec_margin(&model.spec, s) < model.margin_p05;
    }
    ck_assert_uint_le(below, VALIDATION / 8);
    ck_assert_uint_gt(model.margin_p05, 0);
    ck_assert_uint_gt(model.spec.score_unit, 1);
    free(scratch.memory);
    free(arena.memory);
    free(p);
  }
}
END_TEST

/* Label c says whether band c is bright; none, one or several may be. */
static problem *problem_make_labels(void) {
  problem *p = problem_make(3);
  static uint8_t labels[COUNT * 3];
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 9);
  for (size_t n = 0; n < COUNT; n++)
    for (uint32_t i = 0; i < INPUTS; i++) {
      uint32_t band = i / SIDE * 3 / SIDE;
      if (i % (2 * SIDE) == 0) labels[3 * n + band] = (uint8_t)(ppmli_rng_u64(&rng) % 4 == 0);
      p->pixels[n * INPUTS + i] =
          (uint8_t)(30 + ppmli_rng_u64(&rng) % 100 + 90u * labels[3 * n + band]);
    }
  p->options.task = PPML_TASK_LABELS;
  p->train.labels = labels;
  p->validation.labels = labels + 3 * TRAIN;
  p->test.labels = labels + 3 * (TRAIN + VALIDATION);
  return p;
}

START_TEST(several_labels_are_learnt) {
  problem *p = problem_make_labels();
  ppml_model model;
  ppml_arena arena = problem_train(&model, p);
  ppml_arena scratch = arena_make(ppml_model_predict_bytes(&model));
  size_t right = 0;
  ck_assert_uint_eq(model.spec.outputs, 3);
  for (size_t n = 0; n < TEST; n++) {
    int32_t scores[3];
    uint8_t answer[3];
    ck_assert_int_eq(ppml_model_predict(scores, &model, p->test.pixels + n * INPUTS, &scratch),
                     PPML_OK);
    ppml_spec_answer(answer, &model.spec, scores);
    for (int c = 0; c < 3; c++) right += answer[c] == p->test.labels[3 * n + (size_t)c];
  }
  ck_assert_msg(right > 3 * TEST * 9 / 10, "%zu of %d labels", right, 3 * TEST);
  free(scratch.memory);
  free(arena.memory);
  free(p);
}
END_TEST

START_TEST(grades_are_learnt) {
  problem *p = problem_make(4);
  p->options.task = PPML_TASK_GRADE;
  p->options.epochs = 80;
  assert_learnt(p, 0.9);
  free(p);
}
END_TEST

/* Runs tasks one after another, from the last to the first. */
static void run_backwards(void *context, size_t tasks, void (*task)(void *argument, size_t index),
                          void *argument) {
  (void)context;
  while (tasks-- > 0) task(argument, tasks);
}

static void assert_threads_do_not_show(problem *p) {
  ppml_parallel parallel = {run_backwards, NULL, 5};
  ppml_model one, many;
  p->options.epochs = 3;
  p->options.seeds = 2;
  ppml_arena arena = problem_train(&one, p);
  ppml_arena other = arena_make(ppml_train_bytes(&p->options, TRAIN, VALIDATION, 5));
  ck_assert_int_eq(
      ppml_train(&many, &p->options, &p->train, &p->validation, &parallel, NULL, &other), PPML_OK);
  ck_assert(memcmp(one.id, many.id, PPML_ID_BYTES) == 0);
  free(arena.memory);
  free(other.memory);
  free(p);
}

START_TEST(the_number_of_threads_does_not_show) {
  assert_threads_do_not_show(problem_make(3));
  assert_threads_do_not_show(problem_make_square(3));
}
END_TEST

/* Of three seeds the second does best, so that the last sample is not the one it was compared by. */
static problem *problem_make_seeds(void) {
  problem *p = problem_make_labels();
  p->options.epochs = 6;
  p->options.seeds = 3;
  p->options.seed = 3;
  return p;
}

START_TEST(what_is_kept_is_what_was_compared) {
  problem *p = problem_make_seeds();
  ppml_images images;
  ppmli_trainer t;
  ppml_arena arena = fold_make(&t, p, &images);
  ck_assert_int_eq(ppmli_train_all(&t, &images, NULL), PPML_OK);
  ck_assert_uint_eq(t.best_run, 1);
  ck_assert(ppmli_train_validate(&t) == t.best_validation);
  free(arena.memory);
  free(p);
}
END_TEST

START_TEST(the_best_of_several_seeds_is_what_it_is_alone) {
  problem *p = problem_make_seeds();
  ppml_model several, alone;
  ppml_arena arena = problem_train(&several, p);
  p->options.seeds = 1;
  p->options.seed++;
  ppml_arena other = problem_train(&alone, p);
  ck_assert(memcmp(several.id, alone.id, PPML_ID_BYTES) == 0);
  free(arena.memory);
  free(other.memory);
  free(p);
}
END_TEST

/* Ranges that exact inference can carry, wherever they are not tiny. */
START_TEST(ranges_are_products_of_small_odd_radices) {
  problem *p = problem_make(2);
  ppml_model model;
  p->options.input_bits = 8;
  ppml_arena arena = problem_train(&model, p);
  int large = 0;
  for (uint32_t j = 0; j < model.layer[0].outputs; j++) {
    int32_t range = model.layer[0].range[j];
    large += range > 3 * PPML_ACTIVATION_MAX;
    if (range < PPML_ACTIVATION_MAX) continue;
    ck_assert_int_eq(range % PPML_ACTIVATION_MAX, 0);
    ck_assert(ppmli_radices_is_product(range / PPML_ACTIVATION_MAX));
  }
  ck_assert_int_gt(large, 0);
  free(arena.memory);
  free(p);
}
END_TEST

START_TEST(a_flat_image_stays_flat) {
  const ppmli_picture size = {4, 3, 2};
  uint8_t pixels[4 * 3 * 2], out[sizeof pixels];
  ppmli_augmentation how = {1, 3};
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 1);
  for (int n = 0; n < 100; n++) {
    memset(pixels, 10 * (n % 26), sizeof pixels);
    ppmli_augment(out, pixels, &size, &how, &rng);
    for (size_t i = 1; i < sizeof out; i++) ck_assert_int_eq(out[i], out[0]);
    ck_assert_int_le(abs(out[0] - pixels[0]),
                     1 + (int)(PPMLI_AUGMENT_BRIGHTNESS + 128 * PPMLI_AUGMENT_CONTRAST));
  }
}
END_TEST

START_TEST(images_are_mirrored_where_that_is_asked_for) {
  const ppmli_picture size = {2, 2, 1};
  const uint8_t pixels[4] = {10, 20, 30, 40}; /* 2x2 */
  const uint8_t mirrored[4][4] = {
      {10, 20, 30, 40}, {20, 10, 40, 30}, {30, 40, 10, 20}, {40, 30, 20, 10}};
  uint8_t out[4];
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 1);
  for (uint32_t flip = 0; flip < 4; flip++) {
    ppmli_augmentation how = {0, flip};
    uint32_t seen = 0;
    for (int n = 0; n < 100; n++) {
      ppmli_augment(out, pixels, &size, &how, &rng);
      for (uint32_t m = 0; m < 4; m++) seen |= memcmp(out, mirrored[m], 4) == 0 ? 1u << m : 0;
    }
    ck_assert_uint_eq(seen, flip == 0 ? 1u : flip == 1 ? 3u : flip == 2 ? 5u : 15u);
  }
}
END_TEST

typedef struct told {
  size_t count;
  double best;
} told;

static void listen(void *context, const ppml_train_epoch *epoch) {
  told *t = (told *)context;
  ck_assert_uint_eq(epoch->run * epoch->epochs + epoch->epoch, ++t->count);
  ck_assert_uint_eq(epoch->runs, 2);
  ck_assert_uint_eq(epoch->seed, 1 + epoch->run);
  ck_assert(epoch->loss > 0);
  if (epoch->validation > t->best) t->best = epoch->validation;
}

START_TEST(every_epoch_of_every_seed_is_told) {
  problem *p = problem_make(2);
  ppml_model model;
  told heard = {0, 0};
  ppml_train_watch watch = {listen, &heard};
  p->options.epochs = 3;
  p->options.seeds = 2;
  ppml_arena arena = arena_make(ppml_train_bytes(&p->options, TRAIN, VALIDATION, 1));
  ck_assert_int_eq(ppml_train(&model, &p->options, &p->train, &p->validation, NULL, &watch, &arena),
                   PPML_OK);
  ck_assert_uint_eq(heard.count, 6);
  ck_assert(heard.best > 0);
  free(arena.memory);
  free(p);
}
END_TEST

static void count_epochs(void *context, const ppml_train_epoch *epoch) {
  (void)epoch;
  ++*(size_t *)context;
}

/* Labels that have nothing to do with the images: validation goes up and down by chance. */
START_TEST(patience_ends_training) {
  problem *p = problem_make(2);
  ppml_model model;
  ppml_rng rng;
  size_t epochs = 0;
  ppml_train_watch watch = {count_epochs, &epochs};
  p->options.epochs = 400;
  p->options.patience = 3;
  ppml_rng_init_for_tests(&rng, 4);
  for (size_t n = 0; n < COUNT; n++) p->labels[n] = (uint8_t)(ppmli_rng_u64(&rng) & 1);
  ppml_arena arena = arena_make(ppml_train_bytes(&p->options, TRAIN, VALIDATION, 1));
  ck_assert_int_eq(ppml_train(&model, &p->options, &p->train, &p->validation, NULL, &watch, &arena),
                   PPML_OK);
  ck_assert_uint_ge(epochs, 4);
  ck_assert_uint_lt(epochs, 400);
  free(arena.memory);
  free(p);
}
END_TEST

static void count_by_run(void *context, const ppml_train_epoch *epoch) {
  ((size_t *)context)[epoch->run]++;
}

/* The first epoch of a seed is its best so far, however good the seed before was. */
START_TEST(every_seed_has_patience_of_its_own) {
  problem *p = problem_make(2);
  ppml_model model;
  size_t epochs[2] = {0, 0};
  ppml_train_watch watch = {count_by_run, epochs};
  p->options.epochs = 40;
  p->options.patience = 3;
  p->options.seeds = 2;
  ppml_arena arena = arena_make(ppml_train_bytes(&p->options, TRAIN, VALIDATION, 1));
  ck_assert_int_eq(ppml_train(&model, &p->options, &p->train, &p->validation, NULL, &watch, &arena),
                   PPML_OK);
  for (int run = 0; run < 2; run++) {
    ck_assert_uint_gt(epochs[run], 3);
    ck_assert_uint_lt(epochs[run], 40);
  }
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
  for (uint32_t l = 0; l < model.layer_count && !ppmli_model_is_polynomial(&model); l++)
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
static void assert_odd_data_bounded(problem *p) {
  p->options.epochs = 1;
  p->train.count = p->validation.count = 1;
  assert_bounded(p);
  p->train.count = p->validation.count = 50;
  memset(p->pixels, 0, sizeof p->pixels);
  assert_bounded(p);
  memset(p->pixels, 255, sizeof p->pixels);
  memset(p->labels, 2, sizeof p->labels);
  p->options.params = NULL;
  p->options.noiseless = 1;
  assert_bounded(p);
  p->options.width = 1;
  p->options.height = 1;
  assert_bounded(p);
  free(p);
}

START_TEST(odd_data_make_valid_networks) {
  assert_odd_data_bounded(problem_make(3));
  assert_odd_data_bounded(problem_make_square(3));
  problem *p = problem_make_square(3);
  p->options.learn_polynomial = 1;
  assert_odd_data_bounded(p);
}
END_TEST

static void assert_polynomials_bounded(problem *p) {
  p->options.activation = PPML_ACTIVATION_POLYNOMIAL;
  p->options.epochs = 2;
  for (uint32_t bits = 2; bits <= 8; bits++) {
    p->options.learn_polynomial = bits % 2;
    p->options.weight_bits = bits < 7 ? bits : 6;
    p->options.input_bits = bits == 2 ? 1 : bits;
    assert_bounded(p);
  }
  free(p);
}

/* Of labels too, which have thresholds: up to 36 << 13, whose squares have 37 bits. */
START_TEST(polynomials_of_any_precision_are_within_their_bounds) {
  assert_polynomials_bounded(problem_make(3));
  assert_polynomials_bounded(problem_make_labels());
}
END_TEST

/* ------------------------------------------------------------- error, oom */

static void assert_refused(const problem *p, const ppml_train_options *o) {
  ppml_arena arena = arena_make(4096);
  ppml_model model;
  memset(&model, 0x55, sizeof model);
  ppml_model wiped;
  memset(&wiped, 0, sizeof wiped);
  ck_assert_int_eq(ppml_train(&model, o, &p->train, &p->validation, NULL, NULL, &arena),
                   PPML_ERR_ARG);
  ck_assert(memcmp(&model, &wiped, sizeof model) == 0);
  ck_assert_uint_eq(arena.used_bytes, 0);
  free(arena.memory);
}

#define assert_option_refused(p, field, value)                                                     \
  do {                                                                                             \
    ppml_train_options o = (p)->options;                                                           \
    o.field = (value);                                                                             \
    ck_assert_uint_eq(ppml_train_bytes(&o, TRAIN, VALIDATION, 1), 0);                              \
    assert_refused((p), &o);                                                                       \
  } while (0)

START_TEST(bad_options_are_refused) {
  problem *p = problem_make(2);
  assert_option_refused(p, width, 0);
  assert_option_refused(p, height, 0);
  assert_option_refused(p, height, UINT32_MAX);
  assert_option_refused(p, width, 65536);
  assert_option_refused(p, width, 4097);
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
  assert_option_refused(p, decay, -0.1);
  assert_option_refused(p, decay, 101);
  assert_option_refused(p, decay, NAN);
  assert_option_refused(p, epochs, 0);
  assert_option_refused(p, seeds, 0);
  assert_option_refused(p, task, 3);
  assert_option_refused(p, flip, 4);
  assert_option_refused(p, rate, 0);
  assert_option_refused(p, rate, (double)NAN);
  assert_option_refused(p, balance, -0.1);
  assert_option_refused(p, balance, 1.1);
  assert_option_refused(p, warp, 3.5);
  assert_option_refused(p, learn_polynomial, 1); /* of another activation */
  free(p);
  p = problem_make_square(2);
  assert_option_refused(p, learn_polynomial, 2);
  assert_option_refused(p, hidden_count, 0);
  p->options.hidden[1] = 4;
  assert_option_refused(p, hidden_count, 2);
  p->options.input_bits = 8;
  assert_option_refused(p, weight_bits, 8); /* 36 << 15 is beyond 2^19 */
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
  for (uint32_t classes = 2; classes <= 4; classes++) { /* 4: polynomials */
    problem *p = classes == 4 ? problem_make_square(3) : problem_make(classes);
    p->options.epochs = 1;
    size_t bytes = ppml_train_bytes(&p->options, TRAIN, VALIDATION, 1);
    for (size_t less = 0; less <= bytes; less = less ? 2 * less : 1) {
      ppml_arena arena = arena_make(bytes - less);
      ppml_model model;
      memset(&model, 0x55, sizeof model);
      int error = ppml_train(&model, &p->options, &p->train, &p->validation, NULL, NULL, &arena);
      ck_assert_int_eq(error, less ? PPML_ERR_NOMEM : PPML_OK);
      if (less) ck_assert(arena.used_bytes == 0 && model.layer_count == 0);
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
  tcase_add_test(kat, the_logarithm_is_that_of_libm);
  tcase_add_test(kat, rounding_is_to_the_nearest_step_and_no_further_than_most);
  tcase_add_test(kat, a_peak_leaves_few_accumulators_above_it);
  tcase_add_test(law, two_classes_are_learnt_by_every_activation);
  tcase_add_test(law, polynomials_learn);
  tcase_add_test(law, coefficients_are_learnt_where_asked_for);
  tcase_add_test(law, peaks_of_scores_are_just_above_them);
  tcase_add_test(law, logits_beyond_their_reach_are_pulled_back);
  tcase_add_test(law, three_classes_are_learnt);
  tcase_add_test(law, linear_and_deep_networks_learn);
  tcase_add_test(law, weights_of_linear_models_decay);
  tcase_add_test(law, a_seed_decides_every_byte);
  tcase_add_test(law, the_gradient_is_the_slope_of_the_loss);
  tcase_add_test(law, the_integers_are_what_the_master_network_stands_for);
  tcase_add_test(law, margins_and_units_are_those_of_validation);
  tcase_add_test(law, several_labels_are_learnt);
  tcase_add_test(law, grades_are_learnt);
  tcase_add_test(law, the_number_of_threads_does_not_show);
  tcase_add_test(law, what_is_kept_is_what_was_compared);
  tcase_add_test(law, the_best_of_several_seeds_is_what_it_is_alone);
  tcase_add_test(law, ranges_are_products_of_small_odd_radices);
  tcase_add_test(law, a_flat_image_stays_flat);
  tcase_add_test(law, images_are_mirrored_where_that_is_asked_for);
  tcase_add_test(law, every_epoch_of_every_seed_is_told);
  tcase_add_test(law, patience_ends_training);
  tcase_add_test(law, every_seed_has_patience_of_its_own);
  tcase_add_test(bounds, networks_of_any_precision_are_within_their_bounds);
  tcase_add_test(bounds, polynomials_of_any_precision_are_within_their_bounds);
  tcase_add_test(bounds, thresholds_stay_within_30_bits);
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
