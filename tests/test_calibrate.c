/* test_calibrate.c - post-training quantization, against the float network that it starts from. */
#define PPML_IMPLEMENTATION
#define PPML_API static inline /* what is not used is not compiled */
#include "../ppml.h"

#include "support.h"

enum { SIDE = 16, CHANNELS = 2, INPUTS = SIDE * SIDE * CHANNELS, HIDDEN = 12, IMAGES = 400 };

/* A float network drawn at random, and images with a bright spot somewhere. */
typedef struct problem {
  ppml_float_model net;
  float weight[3][INPUTS * HIDDEN], bias[3][HIDDEN];
  uint8_t pixels[IMAGES * INPUTS];
  ppml_images images;
} problem;

static float uniform(ppml_rng *rng, float most) {
  return most * (float)test_within(rng, 1000) / 1000;
}

/* Adds a layer whose results are of the size of its inputs. */
static void problem_add(problem *p, uint32_t outputs, float low, float high, ppml_rng *rng) {
  uint32_t l = p->net.layer_count++, inputs = l ? p->net.layer[l - 1].outputs : INPUTS;
  ppml_float_layer layer = {inputs, outputs, p->weight[l], p->bias[l], low, high, NULL,
                            NULL,   0,       NULL,         NULL,       0};
  for (uint32_t i = 0; i < inputs * outputs; i++)
    p->weight[l][i] = uniform(rng, 3 / sqrtf((float)inputs));
  for (uint32_t j = 0; j < outputs; j++) p->bias[l][j] = uniform(rng, 0.3f);
  p->net.layer[l] = layer;
}

static void problem_draw(uint8_t *pixels, ppml_rng *rng) {
  uint32_t x = test_below(rng, SIDE), y = test_below(rng, SIDE);
  for (uint32_t i = 0; i < INPUTS; i++) {
    uint32_t column = i / CHANNELS % SIDE, row = i / CHANNELS / SIDE;
    int is_near = abs((int)column - (int)x) < 3 && abs((int)row - (int)y) < 3;
    pixels[i] = (uint8_t)(test_below(rng, 100) + (is_near ? 150 : 0));
  }
}

/* hidden layers of HIDDEN ReLU neurons, then outputs. */
static problem *problem_make(uint32_t hidden, uint32_t classes, uint32_t outputs) {
  problem *p = (problem *)calloc(1, sizeof *p);
  ppml_rng rng = test_rng(hidden + 10 * outputs);
  ck_assert(p != NULL);
  p->net.width = p->net.height = SIDE;
  p->net.channels = CHANNELS;
  p->net.classes = classes;
  for (int k = 0; k < 4; k++) {
    p->net.mean[k] = 0.3f + 0.1f * (float)k;
    p->net.std[k] = 0.25f;
  }
  for (uint32_t l = 0; l < hidden; l++) problem_add(p, HIDDEN, 0, INFINITY, &rng);
  problem_add(p, outputs, 0, 0, &rng);
  for (size_t n = 0; n < IMAGES; n++) problem_draw(p->pixels + n * INPUTS, &rng);
  p->images.pixels = p->pixels;
  p->images.count = IMAGES;
  return p;
}

/* Quantizes in an arena that is just as large as it has to be; for the caller to free. */
static ppml_arena problem_quantize(ppml_model *model, const problem *p, uint32_t input_bits,
                                   uint32_t weight_bits) {
  ppml_arena arena = test_arena(ppml_quantize_bytes(&p->net, p->images.count));
  ck_assert_int_eq(ppml_quantize(model, &p->net, input_bits, weight_bits, &p->images, &arena),
                   PPML_OK);
  ck_assert(ppmli_model_is_valid(model));
  for (uint32_t l = 0; l + 1 < model->layer_count; l++) /* ranges that exact inference can carry */
    for (uint32_t j = 0; j < model->layer[l].outputs; j++)
      ck_assert_int_eq(model->layer[l].range[j], ppmli_radices_range(model->layer[l].range[j]));
  return arena;
}

/* Logits of both networks, the integers' as their score unit says. */
static void problem_logits(float *integer, float *real, const ppml_model *model, const problem *p,
                           size_t image) {
  int32_t scores[PPML_CLASSES_MAX];
  const uint8_t *pixels = p->pixels + image * INPUTS;
  ppml_arena arena = test_arena(ppml_model_predict_bytes(model));
  ck_assert_int_eq(ppml_model_predict(scores, model, pixels, &arena), PPML_OK);
  test_arena_free(&arena);
  arena = test_arena(ppml_float_predict_bytes(&p->net));
  ck_assert_int_eq(ppml_float_predict(real, &p->net, pixels, &arena), PPML_OK);
  test_arena_free(&arena);
  for (uint32_t k = 0; k < model->spec.outputs; k++)
    integer[k] = (float)scores[k] / (float)model->spec.score_unit;
}

/* Deviation of the integers' logits from the float ones, relative to these. */
static double problem_error(const ppml_model *model, const problem *p) {
  float integer[PPML_CLASSES_MAX], real[PPML_CLASSES_MAX];
  test_moments off = {0, 0, 0, 0}, size = {0, 0, 0, 0};
  for (size_t n = 0; n < IMAGES; n++) {
    problem_logits(integer, real, model, p, n);
    for (uint32_t k = 0; k < model->spec.outputs; k++) {
      test_moments_add(&off, (double)integer[k] - (double)real[k]);
      test_moments_add(&size, (double)real[k]);
    }
  }
  return sqrt(off.squares / (double)off.count / test_variance(&size));
}

/* --------------------------------------------------------------------- kat */

START_TEST(a_pixel_at_a_time_is_quantized_by_hand) {
  static const float weight[2] = {2, -1}, last[1] = {1}, bias[1] = {0.5f}, none[1] = {0};
  static const uint8_t pixels[8] = {0, 0, 255, 0, 0, 255, 255, 255};
  ppml_float_model net = {2,
                          1,
                          1,
                          2,
                          PPML_TASK_CLASS,
                          {0},
                          {1, 1, 1, 1},
                          2,
                          {{2, 1, weight, bias, 0, INFINITY, NULL, NULL, 0, NULL, NULL, 0},
                           {1, 1, last, none, 0, 0, NULL, NULL, 0, NULL, NULL, 0}}};
  ppml_images images = {pixels, NULL, 4};
  ppml_arena arena = test_arena(ppml_quantize_bytes(&net, 4));
  ppml_model model;
  ck_assert_int_eq(ppml_quantize(&model, &net, 8, 8, &images, &arena), PPML_OK);
  /* y = 0.5 + 2 a - b is 0.5, 2.5, -0.5 or 1.5, so the activation is open from 0 to 2.5 or, for a
   * range that can be had, a little more */
  const ppml_layer *layer = &model.layer[0];
  const double step = 2.0 / 255 / 127, half = layer->range[0] * step;
  ck_assert_int_eq(layer->weight[0], 127);
  ck_assert_int_le(abs(2 * layer->weight[1] + 127), 1);
  ck_assert_int_eq(layer->range[0], 127 * 165);
  test_assert_near(half, 1.25, 0.05);
  test_assert_near(layer->bias[0] * step, 0.5 - half, 0.02);
  test_assert_near(layer->peak[0] * step, half + 0.5, 0.02); /* of -0.5 */
  test_arena_free(&arena);
}
END_TEST

/* --------------------------------------------------------------------- law */

START_TEST(eight_bits_keep_the_logits) {
  static const double most[3] = {0.01, 0.03, 0.05}; /* rounding, a layer */
  for (uint32_t hidden = 0; hidden < 3; hidden++) {
    problem *p = problem_make(hidden, 5, 5);
    ppml_model model;
    ppml_arena arena = problem_quantize(&model, p, 8, 8);
    double error = problem_error(&model, p);
    ck_assert_msg(error < most[hidden], "%u hidden layers: %g", hidden, error);
    test_arena_free(&arena);
    free(p);
  }
}
END_TEST

START_TEST(more_bits_are_closer) {
  problem *p = problem_make(1, 5, 5);
  double before = 1;
  for (uint32_t bits = 2; bits <= 8; bits += 2) {
    ppml_model model;
    ppml_arena arena = problem_quantize(&model, p, bits, bits);
    double error = problem_error(&model, p);
    ck_assert_msg(error < before, "%u bits: %g, not below %g", bits, error, before);
    before = error;
    test_arena_free(&arena);
  }
  free(p);
}
END_TEST

START_TEST(two_logits_become_one_score) {
  problem *p = problem_make(1, 2, 2);
  ppml_model model;
  ppml_arena arena = problem_quantize(&model, p, 8, 8);
  ck_assert_uint_eq(model.spec.outputs, 1);
  ck_assert_uint_eq(model.layer[1].outputs, 1);
  ck_assert(problem_error(&model, p) < 0.03);
  test_arena_free(&arena);
  free(p);
}
END_TEST

START_TEST(several_labels_keep_their_logits) {
  problem *p = problem_make(1, 2, 2);
  ppml_model model;
  p->net.task = PPML_TASK_LABELS;
  ppml_arena arena = problem_quantize(&model, p, 8, 8);
  ck_assert_uint_eq(model.spec.outputs, 2);
  ck_assert(problem_error(&model, p) < 0.03);
  test_arena_free(&arena);
  free(p);
}
END_TEST

/* Also without a lower bound, and with an upper one. */
START_TEST(bounds_hold) {
  problem *p = problem_make(1, 3, 3);
  ppml_model model;
  p->net.layer[0].low = -INFINITY;
  p->net.layer[0].high = 0.5f;
  ppml_arena arena = problem_quantize(&model, p, 8, 8);
  double error = problem_error(&model, p);
  ck_assert_msg(error < 0.03, "%g", error);
  test_arena_free(&arena);
  free(p);
}
END_TEST

static float no_number(const void *context, float y) {
  (void)context;
  return y < 0 ? NAN : y;
}

static float leaky(const void *context, float y) {
  return y > 0 ? y : *(const float *)context * y;
}

static float tanh_of(const void *context, float y) {
  (void)context;
  return tanhf(y);
}

/* Activations that are no clip, after two layers of which the first has 12 neurons of them.  Bounds are
 * a few times what 8 bits of a sampled activation leave. */
START_TEST(functions_keep_the_logits) {
  static const float slope = 0.2f;
  static const struct {
    uint32_t activation;
    ppml_float_function function;
    int is_homogeneous;
    double most;
  } cases[] = {{PPML_ACTIVATION_CLIPPED_SQUARE, NULL, 0, 0.03},
               {PPML_ACTIVATION_TABLE, leaky, 1, 0.03},
               {PPML_ACTIVATION_TABLE, tanh_of, 0, 0.05},
               {PPML_ACTIVATION_SIGN, NULL, 0, 0.2}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    problem *p = problem_make(1, 5, 5);
    ppml_float_layer *layer = &p->net.layer[0];
    layer->activation = cases[i].activation;
    layer->function = cases[i].function;
    layer->is_homogeneous = cases[i].is_homogeneous;
    layer->context = &slope;
    ppml_model model;
    ppml_arena arena = test_arena(ppml_quantize_bytes(&p->net, p->images.count));
    ck_assert_int_eq(ppml_quantize(&model, &p->net, 8, 8, &p->images, &arena), PPML_OK);
    ck_assert(ppmli_model_is_valid(&model));
    ck_assert_uint_eq(model.layer[0].activation, cases[i].activation);
    double error = problem_error(&model, p);
    ck_assert_msg(error < cases[i].most, "case %zu: %g", i, error);
    test_arena_free(&arena);
    free(p);
  }
}
END_TEST

START_TEST(bounds_may_differ_between_neurons) {
  problem *p = problem_make(1, 3, 3);
  float lows[HIDDEN], highs[HIDDEN];
  ppml_model model;
  for (int j = 0; j < HIDDEN; j++) {
    lows[j] = j % 2 ? -0.2f : -INFINITY;
    highs[j] = j % 3 ? 0.5f : INFINITY;
  }
  p->net.layer[0].lows = lows;
  p->net.layer[0].highs = highs;
  ppml_arena arena = problem_quantize(&model, p, 8, 8);
  double error = problem_error(&model, p);
  ck_assert_msg(error < 0.03, "%g", error);
  test_arena_free(&arena);
  free(p);
}
END_TEST

/* A neuron that never fires, one that is constant, and one that knows one image alone. */
START_TEST(odd_neurons_do_no_harm) {
  problem *p = problem_make(1, 3, 3);
  ppml_model model;
  p->bias[0][0] = -100;
  for (int i = 0; i < INPUTS; i++) p->weight[0][INPUTS + i] = 0;
  p->bias[0][1] = 2;
  ppml_arena arena = problem_quantize(&model, p, 8, 8);
  double error = problem_error(&model, p);
  ck_assert_msg(error < 0.03, "%g", error);
  test_arena_free(&arena);
  free(p);
}
END_TEST

START_TEST(the_same_arguments_give_the_same_model) {
  problem *p = problem_make(2, 5, 5);
  ppml_model a, b;
  ppml_arena first = problem_quantize(&a, p, 4, 4), second = problem_quantize(&b, p, 4, 4);
  ck_assert_mem_eq(a.id, b.id, PPML_ID_BYTES);
  test_arena_free(&first);
  test_arena_free(&second);
  free(p);
}
END_TEST

/* Images of this size fill the torus with weights of 8 bits: steps have to yield. */
START_TEST(every_network_can_be_compiled) {
  for (uint32_t hidden = 0; hidden < 3; hidden++) {
    problem *p = problem_make(hidden, 3, 3);
    ppml_model model;
    ppml_circuit circuit;
    for (uint32_t i = 0; i < INPUTS * 3; i++) /* all of one sign: the widest accumulators */
      p->weight[0][i] = fabsf(p->weight[0][i]) + 1;
    ppml_arena arena = problem_quantize(&model, p, 1, 8);
    ppml_arena compiled = test_arena(ppml_compile_bytes(&model));
    ck_assert_int_eq(test_compile(&circuit, &model, ppml_params_by_name("precise"), &compiled),
                     PPML_OK);
    test_arena_free(&compiled);
    test_arena_free(&arena);
    free(p);
  }
}
END_TEST

START_TEST(margins_are_those_of_the_images) {
  problem *p = problem_make(1, 2, 1);
  ppml_model model;
  ppml_arena arena = problem_quantize(&model, p, 8, 8);
  float integer, real;
  size_t below = 0;
  for (size_t n = 0; n < IMAGES; n++) {
    problem_logits(&integer, &real, &model, p, n);
    below += fabsf(integer) * (float)model.spec.score_unit < (float)model.margin_p05;
  }
  ck_assert_uint_le(below, IMAGES / 20);
  ck_assert_uint_ge(below, IMAGES / 40);
  test_arena_free(&arena);
  free(p);
}
END_TEST

/* ------------------------------------------------------------------- error */

static int quantize_error(const problem *p, uint32_t input_bits, uint32_t weight_bits) {
  ppml_model model;
  ppml_arena arena = test_arena(1 << 22);
  int error = ppml_quantize(&model, &p->net, input_bits, weight_bits, &p->images, &arena);
  test_arena_free(&arena);
  return error;
}

START_TEST(what_cannot_be_quantized_is_refused) {
  problem *p = problem_make(1, 3, 3);
  ck_assert_int_eq(quantize_error(p, 8, 8), PPML_OK);
  ck_assert_int_eq(quantize_error(p, 0, 8), PPML_ERR_ARG);
  ck_assert_int_eq(quantize_error(p, 9, 8), PPML_ERR_ARG);
  ck_assert_int_eq(quantize_error(p, 8, 1), PPML_ERR_ARG);
  ck_assert_int_eq(quantize_error(p, 8, 9), PPML_ERR_ARG);
  problem broken = *p;
  broken.net.layer[0].weight = NULL;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken = *p;
  broken.net.layer[0].high = -1;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken = *p;
  broken.net.classes = 4;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken = *p;
  broken.net.std[1] = 0;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken = *p;
  broken.net.width--;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken = *p;
  broken.images.count = 0;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken = *p;
  broken.net.layer[0].activation = PPML_ACTIVATION_TABLE; /* without a function */
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken.net.layer[0].function = no_number;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  broken.net.layer[0].activation = PPML_ACTIVATION_POLYNOMIAL;
  ck_assert_int_eq(quantize_error(&broken, 8, 8), PPML_ERR_ARG);
  p->weight[0][7] = NAN;
  ck_assert_int_eq(quantize_error(p, 8, 8), PPML_ERR_ARG);
  ck_assert_uint_eq(ppml_quantize_bytes(&p->net, IMAGES), 0);
  free(p);
}
END_TEST

START_TEST(one_byte_less_than_told_is_refused) {
  problem *p = problem_make(1, 3, 3);
  ppml_model model;
  ppml_arena arena = test_arena(ppml_quantize_bytes(&p->net, IMAGES));
  arena.capacity_bytes--;
  ck_assert_int_eq(ppml_quantize(&model, &p->net, 8, 8, &p->images, &arena), PPML_ERR_NOMEM);
  arena.capacity_bytes++;
  ck_assert_int_eq(ppml_quantize(&model, &p->net, 8, 8, &p->images, &arena), PPML_OK);
  ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
  test_arena_free(&arena);
  free(p);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("calibrate");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, a_pixel_at_a_time_is_quantized_by_hand);
  tcase_add_test(law, eight_bits_keep_the_logits);
  tcase_add_test(law, more_bits_are_closer);
  tcase_add_test(law, two_logits_become_one_score);
  tcase_add_test(law, several_labels_keep_their_logits);
  tcase_add_test(law, bounds_hold);
  tcase_add_test(law, functions_keep_the_logits);
  tcase_add_test(law, bounds_may_differ_between_neurons);
  tcase_add_test(law, odd_neurons_do_no_harm);
  tcase_add_test(law, the_same_arguments_give_the_same_model);
  tcase_add_test(law, every_network_can_be_compiled);
  tcase_add_test(law, margins_are_those_of_the_images);
  tcase_add_test(error, what_cannot_be_quantized_is_refused);
  tcase_add_test(error, one_byte_less_than_told_is_refused);
  return test_run(suite);
}
