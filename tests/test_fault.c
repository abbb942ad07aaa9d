/* test_fault.c - ppml_model_check names the field of a hand-made network that is wrong: each rule that
 * fault.h lists is broken alone, and told in words of its own. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { SIDE = 3, HIDDEN = 4 };

/* The kinds of networks that have rules of their own. */
enum { RELU, TABLE, POLYNOMIAL, POOLED, READY, GATED };

typedef struct world {
  test_net net;
  ppml_model *m;
  ppml_layer *hidden, *last;
  int32_t square[HIDDEN], linear[HIDDEN], score_peak[3];
  int8_t pooled_square[64];
  int32_t pooled_linear[64], pooled_range[HIDDEN];
  int64_t pooled_bias[2 * HIDDEN], pooled_peak[2 * HIDDEN];
  uint8_t mean[4];
} world;

static void make_polynomials(world *w) {
  w->hidden->activation = PPML_ACTIVATION_POLYNOMIAL;
  for (int j = 0; j < HIDDEN; j++) w->square[j] = 1;
  for (int c = 0; c < 3; c++) w->score_peak[c] = 1000;
  w->hidden->square = w->square;
  w->hidden->linear = w->linear;
  w->last->peak = w->score_peak;
}

/* Four patches of 2 x 2, a latent each; or four ready latents. */
static void make_pooled(world *w, int kind) {
  ppml_encoder *e = &w->m->spec.encoder;
  ppml_pooled *p = &w->m->pooled;
  w->m->layer_count = 0;
  w->m->spec.width = w->m->spec.height = kind == READY ? 2 : 4;
  w->m->spec.input_bits = 5;
  e->kind = kind == READY ? PPML_ENCODER_READY : PPML_ENCODER_PATCHES;
  e->patch = kind == READY ? 1 : 2;
  e->channels = e->regions = e->reach = 1;
  e->spread[0] = 1;
  for (int c = 0; c < 2 * HIDDEN; c++) w->pooled_peak[c] = 1000;
  p->square = w->pooled_square, p->linear = w->pooled_linear;
  p->bias = w->pooled_bias, p->peak = w->pooled_peak;
  p->mean = w->mean;
}

/* Features, which layers come behind and gate: the hidden layer's activations are gates for as many. */
static void make_gated(world *w) {
  make_pooled(w, READY);
  w->m->layer_count = 2;
  w->hidden->inputs = 0;
  w->m->pooled.gated = HIDDEN;
  for (int j = 0; j < HIDDEN; j++) w->pooled_range[j] = 1000;
  w->m->pooled.range = w->pooled_range;
}

/* Signs, and a score of each of them but for what is left of the scores' weights. */
static void make_decision(world *w) {
  w->hidden->activation = PPML_ACTIVATION_SIGN;
  w->m->spec.task = PPML_TASK_LABELS;
  w->m->spec.decides = 1;
}

static void make_world(world *w, int kind) {
  const uint32_t hidden[] = {HIDDEN};
  memset(w, 0, sizeof *w);
  test_net_make(&w->net, SIDE, SIDE, hidden, 1,
                kind == TABLE ? PPML_ACTIVATION_TABLE : PPML_ACTIVATION_RELU, 3, 7);
  w->m = &w->net.model;
  w->hidden = &w->m->layer[0];
  w->last = &w->m->layer[1];
  if (kind == POLYNOMIAL) make_polynomials(w);
  if (kind == POOLED || kind == READY) make_pooled(w, kind);
  if (kind == GATED) make_gated(w);
}

/* One field broken, told by these words, and where. */
#define BROKEN(kind, change, words, at_layer, at_index)                                            \
  do {                                                                                             \
    make_world(w, kind);                                                                           \
    ck_assert_int_eq(ppml_model_check(w->m, NULL), PPML_OK);                                       \
    change;                                                                                        \
    ck_assert_int_eq(ppml_model_check(w->m, &fault), PPML_ERR_ARG);                                \
    ck_assert_msg(strstr(fault.reason, words) != NULL, "%s: %s", #change, fault.reason);           \
    ck_assert_msg(fault.layer == (at_layer) && fault.index == (at_index),                          \
                  "%s: layer %u, index %u", #change, fault.layer, fault.index);                    \
    note(w, told);                                                                                 \
  } while (0)

/* Which rule it was: two of them must not have the same words. */
static void note(world *w, int told[PPMLI_FAULT_COUNT]) {
  const ppml_limits limits = ppml_limits_default();
  ppmli_place at;
  told[ppmli_model_fault(&at, w->m, &limits)] = 1;
}

static void break_spec(world *w, int told[PPMLI_FAULT_COUNT]) {
  ppml_fault fault;
  BROKEN(RELU, w->m->spec.width = 0, "spec.width", 0, 0);
  BROKEN(RELU, w->m->spec.height = 4097, "spec.height", 0, 0);
  BROKEN(RELU, w->m->spec.channels = 5, "spec.channels", 0, 0);
  BROKEN(RELU, w->m->spec.input_bits = 9, "spec.input_bits", 0, 0);
  BROKEN(RELU, w->m->spec.outputs = 65, "spec.outputs is not 1 to 64", 0, 0);
  BROKEN(RELU, w->m->spec.classes = 1, "spec.classes", 0, 0);
  BROKEN(RELU, w->m->spec.width = w->m->spec.height = 4096, "65536 values", 0, 0);
  BROKEN(RELU, w->m->spec.score_unit = 0, "spec.score_unit", 0, 0);
  BROKEN(RELU, w->m->spec.task = 3, "spec.task", 0, 0);
  BROKEN(RELU, w->m->spec.outputs = 2, "not what the task has", 0, 0);
  BROKEN(RELU, w->m->spec.threshold[1] = 1, "spec.threshold is not 0", 0, 1);
  BROKEN(RELU, (w->m->spec.task = PPML_TASK_LABELS, w->m->spec.threshold[2] = INT32_MIN),
         "spec.threshold is beyond", 0, 2);
  BROKEN(RELU, w->m->spec.class_name[2][0] = '\n', "spec.class_name", 0, 2);
  BROKEN(RELU, w->m->spec.decides = 2, "neither 0 nor 1", 0, 0);
  BROKEN(RELU, w->m->spec.decides = 1, "no sign", 0, 0);
  BROKEN(RELU, make_decision(w), "is not one sign", 1, 0);
  BROKEN(RELU, w->m->spec.range.kind = 3, "spec.range.kind", 0, 0);
  BROKEN(RELU, w->m->spec.range.white = 1, "spec.range.black", 0, 0);
}

static void break_encoder(world *w, int told[PPMLI_FAULT_COUNT]) {
  ppml_fault fault;
  BROKEN(POOLED, w->m->spec.encoder.kind = 3, "no PPML_ENCODER", 0, 0);
  BROKEN(POOLED, w->m->spec.encoder.patch = 3, "spec.encoder.patch", 0, 0);
  BROKEN(POOLED, w->m->spec.width = 5, "spec.encoder.patch", 0, 0);
  BROKEN(READY, (w->m->spec.encoder.patch = 2), "spec.encoder.patch", 0, 0);
  BROKEN(POOLED, w->m->spec.encoder.channels = 5, "spec.encoder.channels", 0, 0);
  BROKEN(READY, w->m->spec.channels = 2, "spec.encoder.channels", 0, 0);
  BROKEN(READY, w->m->spec.width = 4096, "more than 4096 latents", 0, 0);
  BROKEN(POOLED,
         (w->m->spec.width = w->m->spec.height = 16, w->m->spec.channels = 2,
          w->m->spec.encoder.patch = 16, w->m->spec.encoder.channels = 9),
         "more than 4096 weights", 0, 0);
  BROKEN(POOLED, w->m->spec.input_bits = 1, "of latents", 0, 0);
  BROKEN(POOLED, w->m->spec.encoder.standardise = 2, "spec.encoder.standardise", 0, 0);
  BROKEN(READY, w->m->spec.encoder.scale_log2 = -41, "spec.encoder.scale_log2", 0, 0);
  BROKEN(POOLED, (w->m->spec.encoder.channels = 2, w->m->spec.encoder.spread[1] = 0),
         "spec.encoder.spread", 0, 1);
  BROKEN(POOLED, w->m->spec.encoder.regions = 3, "spec.encoder.regions", 0, 0);
  BROKEN(POOLED, w->m->spec.encoder.reach = 9, "spec.encoder.reach", 0, 0);
  BROKEN(RELU,
         (w->m->spec.encoder.kind = PPML_ENCODER_PATCHES, w->m->spec.encoder.patch = 1,
          w->m->spec.encoder.channels = w->m->spec.encoder.regions = 1,
          w->m->spec.encoder.reach = w->m->spec.encoder.standardise = 1),
         "of layer 0 behind an encoder 0", 0, 0);
  BROKEN(POOLED, w->m->spec.encoder.kind = PPML_ENCODER_NONE, "layer_count is 0", 0, 0);
}

static void break_pooled(world *w, int told[PPMLI_FAULT_COUNT]) {
  ppml_fault fault;
  BROKEN(POOLED, w->m->pooled.square = NULL, "pooled.square", 0, 0);
  BROKEN(POOLED, w->m->pooled.linear = NULL, "pooled.linear", 0, 0);
  BROKEN(POOLED, w->m->pooled.bias = NULL, "pooled.bias is NULL", 0, 0);
  BROKEN(POOLED, w->m->pooled.peak = NULL, "pooled.peak is NULL", 0, 0);
  BROKEN(POOLED, w->m->pooled.mean = NULL, "pooled.mean", 0, 0);
  BROKEN(POOLED, w->pooled_bias[2] = ((int64_t)1 << 31) + 1, "pooled.bias is beyond", 0, 2);
  BROKEN(POOLED, w->pooled_peak[1] = 0, "pooled.peak is not", 0, 1);
  BROKEN(GATED, w->m->pooled.range = NULL, "pooled.range is NULL", 0, 0);
  BROKEN(GATED, w->pooled_range[2] = 0, "pooled.range is less", 0, 2);
  BROKEN(GATED, w->m->pooled.gated--, "how many values the last layer takes", 0, 0);
  BROKEN(GATED, w->m->pooled.gated = PPML_CLASSES_MAX, "more than 64 together", 0, 0);
  BROKEN(
      GATED,
      (w->m->layer_count = 1, w->hidden->activation = PPML_ACTIVATION_NONE, w->hidden->outputs = 3),
      "layer_count is 1 behind an encoder", 0, 0);
}

static void break_shapes(world *w, int told[PPMLI_FAULT_COUNT]) {
  ppml_fault fault;
  BROKEN(RELU, w->m->layer_count = 9, "layer_count", 0, 0);
  BROKEN(RELU, w->last->inputs++, "layer.inputs", 1, 0);
  BROKEN(RELU, w->hidden->outputs = 0, "layer.outputs is 0", 0, 0);
  BROKEN(RELU, w->last->outputs = 2, "last layer is not spec.outputs", 1, 0);
  BROKEN(RELU, w->hidden->activation = 6, "no PPML_ACTIVATION", 0, 0);
  BROKEN(RELU, w->last->activation = PPML_ACTIVATION_SIGN, "NONE", 1, 0);
  BROKEN(RELU, (w->m->layer_count = 3, w->hidden->activation = PPML_ACTIVATION_POLYNOMIAL),
         "POLYNOMIAL", 0, 0);
  BROKEN(RELU, w->hidden->weight = NULL, "layer.weight is NULL", 0, 0);
  BROKEN(RELU, w->last->bias = NULL, "layer.bias is NULL", 1, 0);
  BROKEN(RELU, w->hidden->range = NULL, "layer.range is NULL", 0, 0);
  BROKEN(RELU, w->hidden->peak = NULL, "layer.peak is NULL", 0, 0);
  BROKEN(POLYNOMIAL, w->last->peak = NULL, "layer.peak is NULL", 1, 0);
  BROKEN(TABLE, w->hidden->table = NULL, "layer.table is NULL", 0, 0);
  BROKEN(POLYNOMIAL, w->hidden->square = NULL, "layer.square is NULL", 0, 0);
  BROKEN(POLYNOMIAL, w->hidden->linear = NULL, "layer.linear is NULL", 0, 0);
}

static void break_numbers(world *w, int told[PPMLI_FAULT_COUNT]) {
  ppml_fault fault;
  BROKEN(RELU, w->hidden->weight_bits = 9, "layer.weight_bits is not", 0, 0);
  BROKEN(RELU, w->net.weight[0][SIDE * SIDE + 1] = -128, "layer.weight has more bits", 0,
         SIDE * SIDE + 1);
  BROKEN(RELU, w->net.bias[0][2] = 1 << 30, "a sum beyond 2^30", 0, 2);
  BROKEN(POLYNOMIAL, w->net.bias[1][1] = INT32_MIN, "layer.bias is beyond", 1, 1);
  BROKEN(RELU, w->net.range[0][3] = 0, "layer.range is less", 0, 3);
  BROKEN(RELU, w->net.peak[0][1] = w->net.range[0][1] - 1, "less than layer.range", 0, 1);
  BROKEN(RELU, w->net.peak[0][1] = INT32_MAX, "layer.peak is beyond", 0, 1);
  BROKEN(POLYNOMIAL, w->score_peak[2] = 0, "layer.peak is less than 1", 1, 2);
  BROKEN(TABLE, w->net.table[255] = -128, "layer.table is less", 0, 255);
  BROKEN(POLYNOMIAL, w->square[3] = 128, "layer.square is beyond", 0, 3);
  BROKEN(POLYNOMIAL, w->linear[1] = INT32_MAX, "layer.linear is beyond", 0, 1);
  BROKEN(POLYNOMIAL, (w->square[0] = 127, w->net.bias[0][0] = (1 << 30) - 4000),
         "a score beyond 2^62", 0, 0);
}

START_TEST(each_broken_field_is_named) {
  static world w;
  int told[PPMLI_FAULT_COUNT] = {0};
  break_spec(&w, told);
  break_encoder(&w, told);
  break_pooled(&w, told);
  break_shapes(&w, told);
  break_numbers(&w, told);
  told[PPMLI_FAULT_SIZE] = 1; /* a layer so wide has a test of its own */
  for (int fault = 1; fault < PPMLI_FAULT_COUNT; fault++)
    ck_assert_msg(told[fault], "no test of: %s", ppmli_fault_reason(fault));
}
END_TEST

START_TEST(no_two_faults_have_the_same_words) {
  for (int a = 1; a < PPMLI_FAULT_COUNT; a++) {
    ck_assert_ptr_nonnull(ppmli_fault_reason(a));
    for (int b = 1; b < a; b++) ck_assert_str_ne(ppmli_fault_reason(a), ppmli_fault_reason(b));
  }
  ck_assert_ptr_null(ppmli_fault_reason(PPMLI_FAULT_NONE));
  ck_assert_ptr_null(ppmli_fault_reason(PPMLI_FAULT_COUNT));
}
END_TEST

/* 4097 neurons that all weigh nothing. */
START_TEST(a_layer_beyond_the_limits_is_named) {
  enum { NEURONS = 4097 };
  static int8_t weight[NEURONS * SIDE * SIDE], last_weight[3 * NEURONS];
  static int32_t bias[NEURONS], range[NEURONS];
  static world w;
  ppml_fault fault;
  make_world(&w, RELU);
  for (int j = 0; j < NEURONS; j++) range[j] = 1;
  w.hidden->outputs = w.last->inputs = NEURONS;
  w.hidden->weight = weight;
  w.hidden->bias = bias;
  w.hidden->range = w.hidden->peak = range;
  w.last->weight = last_weight;
  ck_assert_int_eq(ppml_model_check(w.m, &fault), PPML_ERR_ARG);
  ck_assert(strstr(fault.reason, "4096") != NULL && fault.layer == 0);
}
END_TEST

START_TEST(no_network_is_told_too) {
  ppml_fault fault;
  ck_assert_int_eq(ppml_model_check(NULL, &fault), PPML_ERR_ARG);
  ck_assert(strlen(fault.reason) > 0 && fault.layer == 0 && fault.index == 0);
  ck_assert_int_eq(ppml_model_check(NULL, NULL), PPML_ERR_ARG);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("fault");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, no_two_faults_have_the_same_words);
  tcase_add_test(error, each_broken_field_is_named);
  tcase_add_test(error, a_layer_beyond_the_limits_is_named);
  tcase_add_test(error, no_network_is_told_too);
  return test_run(suite);
}
