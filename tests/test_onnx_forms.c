/* test_onnx_forms.c - the forms that exporters give a network: each is read, and its layers answer as the
 * file's own arithmetic does, and as the function does that the form stands for.  Run from the project's root. */
#include "onnx_make.h"

#include "kat/onnx_forms_kat.h"

enum { FLOAT16 = 10, BFLOAT16 = 16, UINT4 = 21, INT4 = 22, INT16 = 5, BOOL = 9 };

/* ---------------------------------------------------------------- comparing */

/* What the layers answer, as ppml_quantize is going to see them. */
static void run_layers(float *value, const loaded *l, const float *image) {
  float x[64], y[64];
  memcpy(x, image, l->network.layer[0].inputs * sizeof *x);
  for (uint32_t n = 0; n < l->network.layer_count; n++) {
    const ppml_float_layer *layer = &l->network.layer[n];
    ck_assert_uint_le(layer->outputs, 64);
    for (uint32_t j = 0; j < layer->outputs; j++) {
      float sum = layer->bias[j];
      for (uint32_t i = 0; i < layer->inputs; i++)
        sum += layer->weight[j * layer->inputs + i] * x[i];
      float low = layer->lows ? layer->lows[j] : layer->low,
            high = layer->highs ? layer->highs[j] : layer->high;
      y[j] = n + 1 == l->network.layer_count              ? sum
             : layer->activation == PPML_ACTIVATION_TABLE ? layer->function(layer->context, sum)
             : layer->activation == PPML_ACTIVATION_SIGN  ? (sum >= 0 ? 1.0f : -1.0f)
             : layer->activation == PPML_ACTIVATION_CLIPPED_SQUARE ? sum * sum
                                                                   : fminf(fmaxf(sum, low), high);
    }
    memcpy(x, y, layer->outputs * sizeof *x);
  }
  memcpy(value, x, l->network.layer[l->network.layer_count - 1].outputs * sizeof *value);
}

/* Image number n of three values around 0. */
static void draw(float image[3], int n) {
  for (int i = 0; i < 3; i++) image[i] = sinf((float)(7 * n + 3 * i + 1)) * 1.3f;
}

/* The layers of a graph and its own arithmetic agree on images; `of`, where it is given, is what both
 * should answer: s f(w x + b). */
static void check_answers(const message *graph, float (*of)(float)) {
  loaded l = load_valid(graph);
  uint32_t outputs = l.network.layer[l.network.layer_count - 1].outputs;
  for (int n = 0; n < 30; n++) {
    float image[3], layers[64], own[64], h[2];
    draw(image, n);
    run_layers(layers, &l, image);
    run_own(own, &l, image);
    for (uint32_t k = 0; k < outputs; k++) ck_assert_float_eq_tol(layers[k], own[k], 2e-4f);
    for (int j = 0; of && j < 2; j++) {
      h[j] = bias[j];
      for (int i = 0; i < 3; i++) h[j] += weights[3 * j + i] * image[i];
      h[j] = of(h[j]);
    }
    if (of) ck_assert_float_eq_tol(own[0], h[0] + 2 * h[1], 2e-3f);
    if (of) ck_assert_float_eq_tol(own[1], 3 * h[0] + 4 * h[1], 4e-3f);
  }
  free(l.memory);
}

/* -------------------------------------------------------------- activations */

/* Constants that activations take; "h" is the dense layer's result, "a" theirs. */
static message activation_begin(void) {
  static const float numbers[] = {0, 1, 2, 3, 0.5f, -0.7f, 0.1f, 6, 0.7071067812f};
  static const char *const names[] = {"zero",  "one",   "two", "three", "half",
                                      "minus", "tenth", "six", "root"};
  static const float slopes[2] = {0.25f, -0.5f}, zeros[2] = {0, 0};
  message g = graph_begin();
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    put_floats(&g, names[i], 0, 0, &numbers[i]);
  put_floats(&g, "slopes", 2, 0, slopes);
  put_floats(&g, "zeros", 1, 2, zeros);
  put_gemm(&g, "x w b", "h");
  return g;
}

/* Ops as text: "Mul h h = t; Add t one = a". */
static void put_ops(message *g, const char *text) {
  while (*text) {
    char op[32], inputs[64] = "", word[32];
    int used;
    ck_assert_int_eq(sscanf(text, " %31s%n", op, &used), 1);
    for (text += used; sscanf(text, " %31s%n", word, &used) == 1 && word[0] != '='; text += used) {
      if (inputs[0]) strcat(inputs, " ");
      strcat(inputs, strcmp(word, "-") == 0 ? "" : word);
    }
    text += used;
    ck_assert_int_eq(sscanf(text, " %31[a-z0-9]%n", word, &used), 1);
    text += used;
    text += *text == ';';
    put_op(g, op, inputs, word);
  }
}

static float relu_of(float x) {
  return x > 0 ? x : 0;
}
static float square_of(float x) {
  return x * x;
}
static float poly_of(float x) {
  return 2 * x * x - 0.7f * x + 3;
}
static float leaky_of(float x) {
  return x > 0 ? x : 0.1f * x;
}
static float leaky_default_of(float x) {
  return x > 0 ? x : 0.01f * x;
}
static float sigmoid_of(float x) {
  return 1 / (1 + expf(-x));
}
static float silu_of(float x) {
  return x * sigmoid_of(x);
}
static float gelu_of(float x) {
  return x / 2 * (1 + erff(x * 0.7071067812f));
}
static float elu_of(float x) {
  return x > 0 ? x : expf(x) - 1;
}
static float softplus_of(float x) {
  return logf(1 + expf(x));
}
static float sign_of(float x) {
  return x > 0 ? 1.0f : -1.0f;
}
static float hard_sigmoid_of(float x) {
  return fminf(fmaxf(0.2f * x + 0.5f, 0), 1);
}
static float hard_swish_of(float x) {
  return x * fminf(fmaxf(x + 3, 0), 6) / 6;
}
static float six_of(float x) {
  return fminf(fmaxf(x, 0), 6);
}
static float absolute_of(float x) {
  return fabsf(x);
}
static float tanh_of(float x) {
  return tanhf(x);
}
static float mish_of(float x) {
  return x * tanhf(softplus_of(x));
}
static float scaled_relu_of(float x) {
  return 2 * relu_of(x) - 0.7f;
}

static const struct {
  const char *ops;
  float (*of)(float);
  uint32_t activation;
} activations[] = {
    {"Relu h = a", relu_of, PPML_ACTIVATION_RELU},
    {"Max h zero = a", relu_of, PPML_ACTIVATION_RELU},
    {"Max zeros h = a", relu_of, PPML_ACTIVATION_RELU},
    {"Clip h zero = a", relu_of, PPML_ACTIVATION_RELU},
    {"Greater h zero = c; Where c h zero = a", relu_of, PPML_ACTIVATION_RELU},
    {"Abs h = t; Add t h = u; Mul u half = a", relu_of, PPML_ACTIVATION_RELU},
    {"Clip h zero six = a", six_of, PPML_ACTIVATION_RELU},
    {"Relu h = t; Min t six = a", six_of, PPML_ACTIVATION_RELU},
    {"Relu h = t; Mul t two = u; Add u minus = a", scaled_relu_of, PPML_ACTIVATION_RELU},
    {"Mul h h = a", square_of, PPML_ACTIVATION_CLIPPED_SQUARE},
    {"Pow h two = a", square_of, PPML_ACTIVATION_CLIPPED_SQUARE},
    {"Mul h two = t; Mul t h = u; Mul h minus = v; Sum u v three = a", poly_of,
     PPML_ACTIVATION_CLIPPED_SQUARE},
    {"LeakyRelu h = a", leaky_default_of, PPML_ACTIVATION_TABLE},
    {"PRelu h tenth = a", leaky_of, PPML_ACTIVATION_TABLE},
    {"Mul h tenth = t; Max h t = a", leaky_of, PPML_ACTIVATION_TABLE},
    {"Less h zero = c; Mul h tenth = t; Where c t h = a", leaky_of, PPML_ACTIVATION_TABLE},
    {"Abs h = a", absolute_of, PPML_ACTIVATION_TABLE},
    {"Sigmoid h = a", sigmoid_of, PPML_ACTIVATION_TABLE},
    {"Neg h = t; Exp t = u; Add one u = v; Reciprocal v = a", sigmoid_of, PPML_ACTIVATION_TABLE},
    {"Tanh h = a", tanh_of, PPML_ACTIVATION_TABLE},
    {"Sigmoid h = t; Mul h t = a", silu_of, PPML_ACTIVATION_TABLE},
    {"Gelu h = a", gelu_of, PPML_ACTIVATION_TABLE},
    {"Mul h root = t; Erf t = u; Add u one = v; Mul h v = w2; Mul w2 half = a", gelu_of,
     PPML_ACTIVATION_TABLE},
    {"Elu h = a", elu_of, PPML_ACTIVATION_TABLE},
    {"Softplus h = a", softplus_of, PPML_ACTIVATION_TABLE},
    {"Softplus h = t; Tanh t = u; Mul h u = a", mish_of, PPML_ACTIVATION_TABLE},
    {"Mish h = a", mish_of, PPML_ACTIVATION_TABLE},
    {"HardSigmoid h = a", hard_sigmoid_of, PPML_ACTIVATION_TABLE},
    {"HardSwish h = a", hard_swish_of, PPML_ACTIVATION_TABLE},
    {"Add h three = t; Clip t zero six = u; Mul h u = v; Div v six = a", hard_swish_of,
     PPML_ACTIVATION_TABLE},
    {"Sign h = a", sign_of, PPML_ACTIVATION_SIGN}};

START_TEST(an_activation_is_read_however_it_is_written) {
  for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
    message g = activation_begin();
    put_ops(&g, activations[i].ops);
    put_gemm(&g, "a s", "y");
    loaded l = load_graph(&g);
    ck_assert_msg(!l.reason[0], "%s: %s", activations[i].ops, l.reason);
    ck_assert_uint_eq(l.network.layer_count, 2);
    ck_assert_msg(l.network.layer[0].activation == activations[i].activation, "%s: kind %u",
                  activations[i].ops, l.network.layer[0].activation);
    free(l.memory);
    check_answers(&g, activations[i].of);
  }
}
END_TEST

/* Slopes, or coefficients, that differ between neurons. */
START_TEST(neurons_may_differ_where_layers_can_tell) {
  message slopes = activation_begin(), squares = slopes;
  put_ops(&slopes, "PRelu h slopes = a");
  put_gemm(&slopes, "a s", "y");
  loaded l = load_valid(&slopes);
  ck_assert_uint_eq(l.network.layer[0].outputs, 4); /* two neurons for each */
  free(l.memory);
  check_answers(&slopes, NULL);
  put_ops(&squares, "Mul h slopes = t; Mul t h = u; Add u h = a");
  put_gemm(&squares, "a s", "y");
  l = load_valid(&squares);
  ck_assert_uint_eq(l.network.layer[0].activation, PPML_ACTIVATION_CLIPPED_SQUARE);
  free(l.memory);
  check_answers(&squares, NULL);
}
END_TEST

START_TEST(what_differs_between_neurons_otherwise_is_refused) {
  message g = activation_begin();
  put_ops(&g, "Mul h slopes = t; Tanh t = u; Mul u h = a");
  put_gemm(&g, "a s", "y");
  check_refused(&g, "node 3, a: op Mul: a function that differs from value to value");
}
END_TEST

START_TEST(arithmetic_behind_an_activation_goes_into_the_next_layer) {
  static const char *const forms[] = {"Relu h = t; Mul t slopes = u; Sub u b = a",
                                      "Tanh h = t; Div t two = u; Sub one u = a",
                                      "Relu h = t; Sub three t = a",
                                      "Mul h slopes = t; Add t b = u; Sigmoid u = a",
                                      "Mul h slopes = t; Relu t = u; Add u minus = v; Relu v = a",
                                      "Relu h = t; Add t t = u; Sub u t = a",
                                      "Relu h = t; Tanh h = u; Mul t u = a"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    message g = activation_begin();
    put_ops(&g, forms[i]);
    put_gemm(&g, "a s", "y");
    check_answers(&g, NULL);
  }
}
END_TEST

START_TEST(a_normalization_behind_an_activation_is_folded) {
  static const float gain[2] = {2, -3}, shift[2] = {1, 0}, mean[2] = {0.5f, -1}, var[2] = {4, 9};
  message g = activation_begin(), n = node("BatchNormalization", "r gain shift mean var", "a");
  put_floats(&g, "gain", 2, 0, gain);
  put_floats(&g, "shift", 2, 0, shift);
  put_floats(&g, "mean", 2, 0, mean);
  put_floats(&g, "var", 2, 0, var);
  put_op(&g, "Relu", "h", "r");
  message training = g;
  put_node(&g, &n);
  put_gemm(&g, "a s", "y");
  check_answers(&g, NULL);
  put_integer_attribute(&n, "training_mode", 1);
  put_node(&training, &n);
  put_gemm(&training, "a s", "y");
  check_refused(&training, "(export it after model.eval())");
}
END_TEST

/* ------------------------------------------------------------------- layers */

static message transposed(const char *from, const char *to) {
  message n = node("Transpose", from, to), a = {{0}, 0};
  put_text(&a, 1, "perm");
  put_number(&a, 8, 1);
  put_number(&a, 8, 0);
  put_data(&n, 5, a.bytes, a.count);
  return n;
}

START_TEST(weights_may_stand_on_the_left) {
  message g = graph_begin(), n = transposed("x", "xt"), back = transposed("o", "y");
  put_floats(&g, "bc", 2, 1, bias);
  put_node(&g, &n);
  put_op(&g, "MatMul", "w xt", "m");
  put_op(&g, "Add", "m bc", "o");
  put_node(&g, &back);
  check_layer(&g, weights, bias);
}
END_TEST

/* An integer for each of some. */
static void put_integers(message *g, const char *name, size_t count, const int64_t *values) {
  put_tensor(g, name, tensor(INT64, count, 0, values, 8 * count));
}

START_TEST(shapes_that_are_worked_out_amount_to_flattening) {
  static const unsigned shape[4] = {8, 3, 1, 1}; /* a batch of 8 */
  static const int64_t zero = 0, one = 1, open = -1, fixed[2] = {8, 3}, four[4] = {8, 1, 1, 3},
                       rows[4] = {1, 1, 1, 3};
  static const char *const forms[] = {"Shape x = t; Gather t zero = n; Unsqueeze n zeroth = n1; "
                                      "Concat n1 open = r; Reshape x r = f",
                                      "Reshape x fixed = f",
                                      "Reshape x four = t; Squeeze t mid = f",
                                      "Flatten x = f",
                                      "Squeeze x last = f",
                                      "Unsqueeze x last = t; Flatten t = f",
                                      "Identity x = t; Flatten t = f"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    message g = declared_graph(FLOAT, 4, shape);
    static const int64_t mid[2] = {1, 2}, last[2] = {2, 3};
    put_tensor(&g, "zero", tensor(INT64, 0, 0, &zero, 8));
    put_integers(&g, "zeroth", 1, &zero);
    put_integers(&g, "one", 1, &one);
    put_integers(&g, "open", 1, &open);
    put_integers(&g, "fixed", 2, fixed);
    put_integers(&g, "four", 4, four);
    put_integers(&g, "rows", 4, rows);
    put_integers(&g, "mid", 2, mid);
    put_integers(&g, "last", 2, last);
    put_floats(&g, "b", 2, 0, bias);
    message concat = node("Concat", "n1 open", "r");
    put_integer_attribute(&concat, "axis", 0);
    if (i == 0) {
      put_ops(&g, "Shape x = t; Gather t zero = n; Unsqueeze n zeroth = n1");
      put_node(&g, &concat);
      put_op(&g, "Reshape", "x r", "f");
    } else put_ops(&g, forms[i]);
    put_gemm(&g, "f w b", "y");
    check_layer(&g, weights, bias);
  }
}
END_TEST

/* Two channels last, which a Transpose puts first; and pairs of them that cancel. */
START_TEST(transposed_images_are_followed) {
  static const unsigned last[4] = {0, 1, 3, 2}; /* [N][1][3][2]: channels last, but not told so */
  float w[12], expected[12];
  message g = declared_graph(FLOAT, 4, last), n = node("Transpose", "x", "t"), a = {{0}, 0};
  put_text(&a, 1, "perm");
  for (int i = 0; i < 4; i++) put_number(&a, 8, (uint64_t) "\0\3\1\2"[i]);
  put_data(&n, 5, a.bytes, a.count);
  put_node(&g, &n);
  put_op(&g, "Flatten", "t", "f");
  for (int i = 0; i < 12; i++) w[i] = (float)i;
  put_floats(&g, "w6", 2, 6, w);
  put_gemm(&g, "f w6", "y");
  loaded l = load_valid(&g);
  for (int j = 0; j < 2; j++) /* the file's order is c then pixel, the layer's pixel then c */
    for (int p = 0; p < 3; p++)
      for (int c = 0; c < 2; c++) expected[6 * j + 2 * p + c] = w[6 * j + 3 * c + p];
  for (int i = 0; i < 12; i++) ck_assert_float_eq(l.network.layer[0].weight[i], expected[i]);
  free(l.memory);
}
END_TEST

START_TEST(parts_of_the_image_may_be_taken_and_joined) {
  static const int64_t starts = 0, ends = 2, axes = 1, at[1] = {2};
  message g = graph_begin(), concat = node("Concat", "p q", "f");
  message gather = node("Gather", "x at", "q");
  put_integers(&g, "starts", 1, &starts);
  put_integers(&g, "ends", 1, &ends);
  put_integers(&g, "axes", 1, &axes);
  put_integers(&g, "at", 1, at);
  put_op(&g, "Slice", "x starts ends axes", "p");
  put_integer_attribute(&gather, "axis", 1);
  put_node(&g, &gather);
  put_integer_attribute(&concat, "axis", 1);
  put_node(&g, &concat);
  put_gemm(&g, "f w b", "y");
  check_layer(&g, weights, bias);
}
END_TEST

/* Along the last axis, by numbers in whatever shape: columns, as of scikit-learn's ColumnTransformer. */
START_TEST(columns_may_be_taken_by_their_numbers) {
  static const int64_t first[2] = {0, 1}, last = 2;
  message g = graph_begin(), concat = node("Concat", "p q", "f");
  put_integers(&g, "first", 2, first);
  put_tensor(&g, "last", tensor(INT64, 1, 1, &last, 8));
  put_op(&g, "ArrayFeatureExtractor", "x first", "p");
  put_op(&g, "ArrayFeatureExtractor", "x last", "q");
  put_integer_attribute(&concat, "axis", 1);
  put_node(&g, &concat);
  put_gemm(&g, "f w b", "y");
  check_layer(&g, weights, bias);
}
END_TEST

/* A list of one number as an attribute. */
static void put_list(message *n, const char *name, uint64_t number) {
  message a = {{0}, 0};
  put_text(&a, 1, name);
  put_number(&a, 8, number);
  put_data(n, 5, a.bytes, a.count);
}

START_TEST(steps_beyond_all_values_take_the_first) {
  static const int64_t others[2] = {1, 2};
  message g = graph_begin(), slice = node("Slice", "x", "p"), gather = node("Gather", "x at", "q");
  message concat = node("Concat", "p q", "f");
  put_integers(&g, "at", 2, others);
  put_list(&slice, "starts", 0);
  put_list(&slice, "ends", INT64_MAX);
  put_list(&slice, "axes", 1);
  put_list(&slice, "steps", INT64_MAX);
  put_node(&g, &slice);
  put_integer_attribute(&gather, "axis", 1);
  put_node(&g, &gather);
  put_integer_attribute(&concat, "axis", 1);
  put_node(&g, &concat);
  put_gemm(&g, "f w b", "y");
  check_layer(&g, weights, bias);
}
END_TEST

START_TEST(every_pixel_may_have_its_own_normalization) {
  static const float mean[3] = {0.5f, -1, 2}, std[3] = {2, 4, 0.5f};
  float w[6], b[2] = {bias[0], bias[1]};
  message g = graph_begin();
  put_floats(&g, "mean", 1, 3, mean);
  put_floats(&g, "std", 1, 3, std);
  put_ops(&g, "Sub x mean = c; Div c std = d");
  put_gemm(&g, "d w b", "y");
  for (int i = 0; i < 6; i++) {
    w[i] = weights[i] / std[i % 3];
    b[i / 3] -= weights[i] * mean[i % 3] / std[i % 3];
  }
  check_layer(&g, w, b);
}
END_TEST

/* ---------------------------------------------------------------- constants */

START_TEST(numbers_of_16_bits_have_their_values) {
  static const uint16_t halves[6] = {0x3C00, 0xC000, 0x4200, 0x3800, 0, 0xBC00};
  static const uint16_t brains[6] = {0x3F80, 0xC000, 0x4040, 0x3F00, 0, 0xBF80};
  message g = graph_begin(), brain = g;
  put_tensor(&g, "h16", tensor(FLOAT16, 2, 3, halves, 12));
  message cast = with_node(&g, "Cast", "h16", "c", "to", FLOAT);
  put_gemm(&cast, "x c b", "y");
  check_layer(&cast, weights, bias);
  put_tensor(&brain, "b16", tensor(BFLOAT16, 2, 3, brains, 12));
  message bare = with_node(&brain, "Cast", "b16", "c", "to", FLOAT);
  put_gemm(&bare, "x c b", "y");
  check_layer(&bare, weights, bias);
}
END_TEST

START_TEST(numbers_of_4_bits_have_their_values) {
  static const uint8_t packed[3] = {0xC2, 0x16, 0xE0}; /* 2 -4, 6 1, 0 -2 */
  static const uint8_t up[3] = {0x4A, 0x9E, 0x68};     /* the same plus 8 */
  static const float half = 0.5f;
  static const uint8_t eight = 8;
  message g = graph_begin(), u = g;
  put_floats(&g, "half", 0, 0, &half);
  put_tensor(&g, "q", tensor(INT4, 2, 3, packed, 3));
  put_op(&g, "DequantizeLinear", "q half", "d");
  put_gemm(&g, "x d b", "y");
  check_layer(&g, weights, bias);
  put_floats(&u, "half", 0, 0, &half);
  put_tensor(&u, "z", tensor(UINT4, 0, 0, &eight, 1));
  put_tensor(&u, "q", tensor(UINT4, 2, 3, up, 3));
  put_op(&u, "DequantizeLinear", "q half z", "d");
  put_gemm(&u, "x d b", "y");
  check_layer(&u, weights, bias);
}
END_TEST

START_TEST(blocks_of_weights_have_their_scales) {
  static const int8_t q[8] = {2, 4, 6, 8, 1, 2, 3, 4};
  static const float scales[4] = {0.5f, 2, 1, 4};
  static const float expected[8] = {1, 2, 12, 16, 1, 2, 12, 16};
  static const unsigned row[2] = {0, 4};
  message g = declared_graph(FLOAT, 2, row), n = node("DequantizeLinear", "q scales", "d");
  message model = {{0}, 0};
  put_tensor(&g, "q", tensor(INT8, 2, 4, q, 8));
  put_floats(&g, "scales", 2, 2, scales);
  put_integer_attribute(&n, "axis", 1);
  put_integer_attribute(&n, "block_size", 2);
  put_node(&g, &n);
  put_gemm(&g, "x d", "y");
  put_data(&model, 7, g.bytes, g.count);
  onnx_request request = request_of(model.bytes, model.count);
  request.image = (onnx_image){1, 4, 1, 0};
  loaded l = load_request(&request);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  for (int i = 0; i < 8; i++) ck_assert_float_eq(l.network.layer[0].weight[i], expected[i]);
  free(l.memory);
}
END_TEST

START_TEST(activations_of_16_bits_are_quantized_so) {
  static const float scale = 0.001f;
  static const int16_t zero = -1000;
  message g = graph_begin();
  put_floats(&g, "k", 0, 0, &scale);
  put_tensor(&g, "z", tensor(INT16, 0, 0, &zero, 2));
  put_gemm(&g, "x w b", "h");
  put_ops(&g, "QuantizeLinear h k z = q; DequantizeLinear q k z = d");
  put_gemm(&g, "d s", "y");
  loaded l = load_valid(&g);
  ck_assert_float_eq_tol(l.network.layer[0].low, -31.768f, 1e-3f);
  ck_assert_float_eq_tol(l.network.layer[0].high, 33.767f, 1e-3f);
  free(l.memory);
}
END_TEST

/* As Brevitas exports: narrow weights, a Relu that is a zero point, and a Clip of the integers. */
START_TEST(narrow_grids_let_through_what_their_clip_does) {
  static const float scale = 0.25f;
  static const uint8_t zero = 0, low = 0, high = 15;
  message g = graph_begin();
  put_floats(&g, "k", 0, 0, &scale);
  put_tensor(&g, "z", tensor(UINT8, 0, 0, &zero, 1));
  put_tensor(&g, "low", tensor(UINT8, 0, 0, &low, 1));
  put_tensor(&g, "high", tensor(UINT8, 0, 0, &high, 1));
  put_gemm(&g, "x w b", "h");
  put_ops(&g, "QuantizeLinear h k z = q; Clip q low high = c; DequantizeLinear c k z = d");
  put_gemm(&g, "d s", "y");
  loaded l = load_valid(&g);
  ck_assert_float_eq(l.network.layer[0].low, 0);
  ck_assert_float_eq(l.network.layer[0].high, 3.75f);
  float image[3] = {1, 0, 1}, own[2]; /* h = 4.25 and -4.5: 15 steps and none */
  run_own(own, &l, image);
  ck_assert_float_eq(own[0], 3.75f);
  ck_assert_float_eq(own[1], 3 * 3.75f);
  free(l.memory);
}
END_TEST

/* Constant with one attribute: kind 'f' floats, 'F' a float, 'i' integers, 'I' an integer. */
static message constant(const char *output, char kind, const float *floats, size_t count) {
  static const char *const names[] = {"value_floats", "value_float", "value_ints", "value_int"};
  message n = node("Constant", "", output), a = {{0}, 0};
  put_text(&a, 1, names[kind == 'f' ? 0 : kind == 'F' ? 1 : kind == 'i' ? 2 : 3]);
  for (size_t i = 0; kind == 'f' && i < count; i++) put_float(&a, 7, floats[i]);
  if (kind == 'F') put_float(&a, 2, floats[0]);
  for (size_t i = 0; kind == 'i' && i < count; i++) put_number(&a, 8, (uint64_t)(int64_t)floats[i]);
  if (kind == 'I') put_number(&a, 3, (uint64_t)(int64_t)floats[0]);
  put_data(&n, 5, a.bytes, a.count);
  return n;
}

START_TEST(constants_come_in_all_their_attributes) {
  static const float shape[2] = {-1, 3}, quarter = 0.25f, four = 4;
  message g = graph_begin(), c[] = {constant("c", 'f', bias, 2), constant("r", 'i', shape, 2),
                                    constant("k", 'F', &quarter, 1), constant("n", 'I', &four, 1)};
  for (int i = 0; i < 4; i++) put_node(&g, &c[i]);
  put_op(&g, "Reshape", "x r", "f");
  put_ops(&g, "Mul f k = f1");
  message cast = with_node(&g, "Cast", "n", "nf", "to", FLOAT);
  put_op(&cast, "Mul", "f1 nf", "f2");
  put_gemm(&cast, "f2 w c", "y");
  check_layer(&cast, weights, bias);
}
END_TEST

START_TEST(what_nothing_uses_is_not_looked_at) {
  message g = graph_begin(), empty = {{0}, 0}, strings = {{0}, 0};
  put_number(&empty, 1, 0);
  put_number(&empty, 2, FLOAT);
  put_tensor(&g, "empty", empty);
  put_number(&strings, 2, 8);
  put_text(&strings, 6, "cat");
  put_tensor(&g, "labels", strings);
  put_op(&g, "Unheard", "x", "unused");
  put_gemm(&g, "x w b", "y");
  check_layer(&g, weights, bias);
}
END_TEST

/* ----------------------------------------------------------- beside the file */

/* w at an offset of a file that is called `location`. */
static message external_graph(const char *location, const char *offset, const char *length) {
  static const char *const keys[] = {"location", "offset", "length"};
  const char *values[] = {location, offset, length};
  message g = {{0}, 0}, t = {{0}, 0};
  put_value(&g, 11, "x");
  put_value(&g, 12, "y");
  put_floats(&g, "b", 2, 0, bias);
  put_number(&t, 1, 2);
  put_number(&t, 1, 3);
  put_number(&t, 2, FLOAT);
  for (int i = 0; i < 3; i++) {
    message entry = {{0}, 0};
    if (values[i] == NULL) continue;
    put_text(&entry, 1, keys[i]);
    put_text(&entry, 2, values[i]);
    put_data(&t, 13, entry.bytes, entry.count);
  }
  put_number(&t, 14, 1);
  put_tensor(&g, "w", t);
  put_gemm(&g, "x w b", "y");
  return g;
}

/* Read with a file of that name beside it, which has 8 bytes and then w. */
static loaded load_external(const message *graph, const char *name) {
  uint8_t beside[32] = {0};
  message model = {{0}, 0};
  onnx_external external = {protobuf_of(name, strlen(name)), protobuf_of(beside, sizeof beside)};
  memcpy(beside + 8, weights, sizeof weights);
  put_data(&model, 7, graph->bytes, graph->count);
  onnx_request request = request_of(model.bytes, model.count);
  request.external = &external;
  request.externals = 1;
  return load_request(&request);
}

START_TEST(weights_beside_the_file_are_read) {
  static const struct {
    const char *location, *offset, *length;
    int is_read;
  } cases[] = {{"net.data", "8", "24", 1},  {"net.data", "8", NULL, 1},
               {"net.data", "9", "24", 0},  {"net.data", "8", "23", 0},
               {"net.data", "33", "0", 0},  {"net.data", "99999999999999999999", "24", 0},
               {"net.data", "8", "-24", 0}, {"other.data", "8", "24", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    message g = external_graph(cases[i].location, cases[i].offset, cases[i].length);
    loaded l = load_external(&g, "net.data");
    ck_assert_msg((l.reason[0] == 0) == cases[i].is_read, "case %zu: %s", i, l.reason);
    if (cases[i].is_read) ck_assert_float_eq(l.network.layer[0].weight[5], weights[5]);
    free(l.memory);
  }
}
END_TEST

/* --------------------------------------------------------------------- ends */

/* A graph whose h is one score: w0 x + b0. */
static message score_graph(void) {
  static const float one = 1;
  message g = {{0}, 0};
  put_value(&g, 11, "x");
  put_value(&g, 12, "y");
  put_floats(&g, "w", 1, 3, weights);
  put_floats(&g, "b", 1, 0, bias);
  put_floats(&g, "one", 0, 0, &one);
  put_gemm(&g, "x w b", "h");
  return g;
}

static message concat(const char *inputs, const char *output) {
  message n = node("Concat", inputs, output);
  put_integer_attribute(&n, "axis", 1);
  return n;
}

START_TEST(probabilities_of_two_classes_are_two_scores) {
  message g = score_graph(), turned = g, c = concat("q p", "y"), d = concat("p q", "y");
  put_ops(&g, "Sigmoid h = p; Sub one p = q");
  put_node(&g, &c);
  put_ops(&turned, "Sigmoid h = p; Sub one p = q");
  put_node(&turned, &d);
  for (int k = 0; k < 2; k++) { /* of q, p the second is h, and the first its opposite */
    loaded l = load_valid(k ? &turned : &g);
    const ppml_float_layer *layer = &l.network.layer[0];
    ck_assert_uint_eq(layer->outputs, 2);
    for (int i = 0; i < 3; i++) {
      ck_assert_float_eq(layer->weight[3 * (1 - k) + i], weights[i]);
      ck_assert_float_eq(layer->weight[3 * k + i], -weights[i]);
    }
    ck_assert_str_eq(l.network.last_op, "Sigmoid");
    free(l.memory);
  }
}
END_TEST

START_TEST(ends_that_change_no_class_are_left_away) {
  static const char *const forms[] = {"Softmax h = y",
                                      "LogSoftmax h = y",
                                      "Sigmoid h = y",
                                      "Tanh h = y",
                                      "Softmax h = p; Identity p = y",
                                      "Softmax h = p; ZipMap p = y",
                                      "Softmax h = p; QuantizeLinear p k z = q; "
                                      "DequantizeLinear q k z = y",
                                      "Sigmoid h = p; QuantizeLinear p k z = q; "
                                      "DequantizeLinear q k z = y"};
  static const float k = 1.0f / 256;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    message g = graph_begin();
    put_floats(&g, "k", 0, 0, &k);
    put_tensor(&g, "z", tensor(UINT8, 0, 0, "\0", 1));
    put_gemm(&g, "x w b", "h");
    put_ops(&g, forms[i]);
    check_layer(&g, weights, bias);
  }
  message g = graph_begin();
  put_gemm(&g, "x w b", "h");
  message label = with_node(&g, "ArgMax", "h", "y", "axis", 1);
  check_layer(&label, weights, bias);
}
END_TEST

START_TEST(ends_that_may_change_a_class_are_refused) {
  static const struct {
    const char *form, *reason;
  } cases[] = {{"Sigmoid h = p; Mul p s0 = y", "op Sigmoid: its results are calculated with"},
               {"Softmax h = p; Mul p s0 = y", "op Softmax: is calculated with"},
               {"Exp h = y", "op Exp: behind the last layer"},
               {"Relu h = y", "op Relu: behind the last layer"}};
  static const float uneven[2] = {1, 3};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    message g = graph_begin();
    put_floats(&g, "s0", 2, 0, uneven);
    put_gemm(&g, "x w b", "h");
    put_ops(&g, cases[i].form);
    check_refused(&g, cases[i].reason);
  }
}
END_TEST

/* Two outputs: y, which is h behind a Softmax, and z, another layer's. */
START_TEST(the_output_of_logits_is_taken_or_the_one_that_is_named) {
  message g = graph_begin(), model = {{0}, 0};
  put_value(&g, 12, "h");
  put_value(&g, 12, "z");
  put_gemm(&g, "x w b", "h");
  put_op(&g, "Softmax", "h", "y");
  put_op(&g, "Relu", "h", "z");
  check_layer(&g, weights, bias); /* h */
  put_data(&model, 7, g.bytes, g.count);
  onnx_request request = request_of(model.bytes, model.count);
  static const struct {
    const char *output, *last_op, *reason;
  } cases[] = {{"y", "Softmax", ""},
               {"h", "", ""},
               {"z", "", "behind the last layer"},
               {"w", "", "no such output (expected --output, one of: y, h, z)"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    request.output = cases[i].output;
    loaded l = load_request(&request);
    ck_assert_msg(strstr(l.reason, cases[i].reason), "%s", l.reason);
    if (cases[i].reason[0] == 0) ck_assert_str_eq(l.network.last_op, cases[i].last_op);
    free(l.memory);
  }
}
END_TEST

START_TEST(two_outputs_of_logits_have_to_be_told_apart) {
  message g = graph_begin();
  put_value(&g, 12, "h");
  put_gemm(&g, "x w b", "h");
  put_gemm(&g, "h s", "y");
  check_refused(&g, "several outputs that may be the scores (expected --output, one of: y, h)");
}
END_TEST

/* ----------------------------------------------------------- scikit-learn */

static void put_floats_attribute(message *of, const char *name, const float *values, size_t count) {
  message m = {{0}, 0};
  put_text(&m, 1, name);
  put_data(&m, 7, values, 4 * count); /* packed */
  put_data(of, 5, m.bytes, m.count);
}

START_TEST(a_classifier_behind_a_scaler_is_a_layer) {
  static const float offset[3] = {1, 2, 3}, scale[3] = {0.5f, 2, 1};
  message g = graph_begin(), s = node("Scaler", "x", "c"), n = node("LinearClassifier", "c", "y");
  float w[6], b[2] = {bias[0], bias[1]};
  put_floats_attribute(&s, "offset", offset, 3);
  put_floats_attribute(&s, "scale", scale, 3);
  put_floats_attribute(&n, "coefficients", weights, 6);
  put_floats_attribute(&n, "intercepts", bias, 2);
  put_text(&s, 7, "ai.onnx.ml");
  put_text(&n, 7, "ai.onnx.ml");
  put_text(&n, 2, "p");
  put_value(&g, 12, "p");
  put_node(&g, &s);
  put_node(&g, &n);
  for (int i = 0; i < 6; i++) {
    w[i] = weights[i] * scale[i % 3];
    b[i / 3] -= w[i] * offset[i % 3];
  }
  check_layer(&g, w, b);
}
END_TEST

/* --------------------------------------------------------------- functions */

/* A model of the graph with a function  act(X) = PRelu(X, slope), slope being an attribute. */
static message function_model(const message *graph, int recursive) {
  message model = {{0}, 0}, f = {{0}, 0}, c = node("Constant", "", "k"), a = {{0}, 0};
  put_text(&f, 1, "act");
  put_text(&f, 10, "own");
  put_text(&f, 4, "X");
  put_text(&f, 5, "Y");
  put_text(&f, 6, "slope");
  put_text(&a, 1, "value_float");
  put_text(&a, 21, "slope");
  put_data(&c, 5, a.bytes, a.count);
  put_data(&f, 7, c.bytes, c.count);
  message n = node(recursive ? "act" : "PRelu", recursive ? "X" : "X k", "Y");
  if (recursive) put_text(&n, 7, "own");
  put_data(&f, 7, n.bytes, n.count);
  put_data(&model, 7, graph->bytes, graph->count);
  put_data(&model, 25, f.bytes, f.count);
  return model;
}

START_TEST(functions_of_the_files_own_are_read_where_they_are_called) {
  message g = graph_begin(), n = node("act", "h", "a");
  put_gemm(&g, "x w b", "h");
  put_text(&n, 7, "own");
  put_float_attribute(&n, "slope", 0.5f);
  put_node(&g, &n);
  put_gemm(&g, "a s", "y");
  message model = function_model(&g, 0), endless = function_model(&g, 1);
  loaded l = load(model.bytes, model.count);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  const ppml_float_layer *layer = &l.network.layer[0];
  ck_assert_uint_eq(layer->activation, PPML_ACTIVATION_TABLE);
  ck_assert(layer->is_homogeneous);
  ck_assert_float_eq(layer->function(layer->context, -3), -1.5f);
  free(l.memory);
  l = load(endless.bytes, endless.count);
  ck_assert_msg(strstr(l.reason, "more than 8 deep"), "%s", l.reason);
  free(l.memory);
}
END_TEST

/* ------------------------------------------------------------------- naming */

START_TEST(a_refusal_tells_what_the_exporter_can_do) {
  static const struct {
    const char *op, *reason;
  } cases[] = {{"QLinearMatMul", "QuantFormat.QDQ"},
               {"DynamicQuantizeLinear", "quantize_static"},
               {"If", "dynamo=True"},
               {"LayerNormalization", "BatchNorm1d"},
               {"TreeEnsembleClassifier", "of trees"},
               {"FusedGemm", "before it was optimized"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    message g = graph_begin();
    put_gemm(&g, "x w b", "h");
    put_op(&g, cases[i].op, "h", "t");
    put_gemm(&g, "t s", "y");
    check_refused(&g, cases[i].reason);
    check_refused(&g, "node 1, t: op ");
  }
}
END_TEST

/* ---------------------------------------------------------------------- kat */

/* A network of four values in the forms of tests/gen/make_onnx_forms.py, against ONNX's own evaluator, and
 * its layers against that too: but for rounding inside, which layers have not. */
START_TEST(forms_answer_as_the_reference_evaluator_does) {
  for (size_t i = 0; i < sizeof forms_kat / sizeof *forms_kat; i++) {
    char path[128];
    float own[4], layers[64];
    snprintf(path, sizeof path, "fuzz/corpus/onnx/%s", forms_kat[i].name);
    loaded l = load_file(path);
    ck_assert_msg(!l.reason[0], "%s: %s", path, l.reason);
    run_own(own, &l, forms_image);
    run_layers(layers, &l, forms_image);
    for (int k = 0; k < 2 && !forms_kat[i].is_class; k++) {
      ck_assert_msg(fabsf(own[k] - forms_kat[i].score[k]) < 1e-5f * (1 + fabsf(own[k])),
                    "%s: %g, not %g", path, own[k], forms_kat[i].score[k]);
      ck_assert_msg(fabsf(layers[k] - own[k]) < 0.1f, "%s: layers %g, not %g", path, layers[k],
                    own[k]);
    }
    if (forms_kat[i].is_class) ck_assert_float_eq(own[1] > own[0], forms_kat[i].score[0]);
    free(l.memory);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("onnx_forms");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(test_case(suite, "kat"), forms_answer_as_the_reference_evaluator_does);
  tcase_add_test(law, an_activation_is_read_however_it_is_written);
  tcase_add_test(law, neurons_may_differ_where_layers_can_tell);
  tcase_add_test(law, arithmetic_behind_an_activation_goes_into_the_next_layer);
  tcase_add_test(law, a_normalization_behind_an_activation_is_folded);
  tcase_add_test(law, weights_may_stand_on_the_left);
  tcase_add_test(law, shapes_that_are_worked_out_amount_to_flattening);
  tcase_add_test(law, transposed_images_are_followed);
  tcase_add_test(law, parts_of_the_image_may_be_taken_and_joined);
  tcase_add_test(law, columns_may_be_taken_by_their_numbers);
  tcase_add_test(law, steps_beyond_all_values_take_the_first);
  tcase_add_test(law, every_pixel_may_have_its_own_normalization);
  tcase_add_test(law, numbers_of_16_bits_have_their_values);
  tcase_add_test(law, numbers_of_4_bits_have_their_values);
  tcase_add_test(law, blocks_of_weights_have_their_scales);
  tcase_add_test(law, activations_of_16_bits_are_quantized_so);
  tcase_add_test(law, narrow_grids_let_through_what_their_clip_does);
  tcase_add_test(law, constants_come_in_all_their_attributes);
  tcase_add_test(law, what_nothing_uses_is_not_looked_at);
  tcase_add_test(law, weights_beside_the_file_are_read);
  tcase_add_test(law, probabilities_of_two_classes_are_two_scores);
  tcase_add_test(law, ends_that_change_no_class_are_left_away);
  tcase_add_test(law, the_output_of_logits_is_taken_or_the_one_that_is_named);
  tcase_add_test(law, a_classifier_behind_a_scaler_is_a_layer);
  tcase_add_test(law, functions_of_the_files_own_are_read_where_they_are_called);
  tcase_add_test(error, what_differs_between_neurons_otherwise_is_refused);
  tcase_add_test(error, ends_that_may_change_a_class_are_refused);
  tcase_add_test(error, two_outputs_of_logits_have_to_be_told_apart);
  tcase_add_test(error, a_refusal_tells_what_the_exporter_can_do);
  return test_run(suite);
}
