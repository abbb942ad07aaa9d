/* test_onnx.c - protobuf and ONNX: networks made here field by field, and some that PyTorch wrote
 * (tests/gen/make_onnx.py --fixtures).  test_onnx_forms.c has the forms that exporters give the same
 * network.  Run from the project's root. */
#include "onnx_make.h"

/* --------------------------------------------------------------------- kat */

START_TEST(networks_of_pytorch_have_their_layers) {
  static const char *const paths[] = {"tests/data/tiny.onnx", "tests/data/tiny_qdq.onnx"};
  for (int i = 0; i < 2; i++) {
    loaded l = load_file(paths[i]);
    ck_assert_msg(!l.reason[0], "%s: %s", paths[i], l.reason);
    ck_assert_uint_eq(l.network.layer_count, 2);
    ck_assert_uint_eq(l.network.layer[0].inputs, 64);
    ck_assert_uint_eq(l.network.layer[0].outputs, 4);
    ck_assert_uint_eq(l.network.layer[1].outputs, 2);
    ck_assert(l.network.layer[0].low == 0);
    ck_assert(isinf(l.network.layer[0].high) == (i == 0)); /* a quantized ReLU has an end */
    free(l.memory);
  }
}
END_TEST

START_TEST(a_dense_layer_is_read_however_it_is_written) {
  message gemm = graph_begin(), rows = gemm, matmul = gemm, transposed = gemm, constant = gemm;
  put_gemm(&gemm, "x w b", "y");
  check_layer(&gemm, weights, bias);
  put_op(&rows, "Gemm", "x wt b", "y");
  check_layer(&rows, weights, bias);
  put_op(&matmul, "MatMul", "x wt", "h");
  put_op(&matmul, "Add", "b h", "y");
  check_layer(&matmul, weights, bias);
  put_op(&transposed, "Transpose", "w", "wtt");
  put_op(&transposed, "Identity", "b", "bb");
  put_op(&transposed, "Gemm", "x wtt bb", "y");
  check_layer(&transposed, weights, bias);
  message n = node("Constant", "", "c"), t = tensor(FLOAT, 2, 0, bias, 8), a = {{0}, 0};
  put_text(&a, 1, "value");
  put_data(&a, 5, t.bytes, t.count);
  put_data(&n, 5, a.bytes, a.count);
  put_node(&constant, &n);
  put_gemm(&constant, "x w c", "y");
  check_layer(&constant, weights, bias);
}
END_TEST

START_TEST(factors_of_gemm_count) {
  message g = graph_begin(), n = node("Gemm", "x w b", "y");
  float w[6], b[2] = {-0.5f * 0.25f, 2};
  for (int i = 0; i < 6; i++) w[i] = 3 * weights[i];
  put_integer_attribute(&n, "transB", 1);
  put_float_attribute(&n, "alpha", 3);
  put_float_attribute(&n, "beta", -0.5f);
  put_node(&g, &n);
  check_layer(&g, w, b);
}
END_TEST

START_TEST(numbers_come_in_any_field) {
  message typed = graph_begin(), doubles = typed, t = {{0}, 0}, packed = {{0}, 0};
  double wide[2] = {0.25, -4};
  put_data(&packed, 1, "\2", 1); /* dims, packed */
  put_number(&packed, 2, FLOAT);
  put_data(&packed, 4, bias, 8); /* float_data */
  put_tensor(&typed, "c", packed);
  put_gemm(&typed, "x w c", "y");
  check_layer(&typed, weights, bias);
  t = tensor(11, 2, 0, wide, 16);
  put_tensor(&doubles, "c", t);
  put_gemm(&doubles, "x w c", "y");
  check_layer(&doubles, weights, bias);
}
END_TEST

START_TEST(quantized_weights_have_their_values) {
  static const int8_t q[6] = {10, -20, 30, 50, 0, -100};
  static const float scales[2] = {0.1f, 0.01f};
  static const int32_t big[2] = {25, -400};
  static const float unit = 0.01f;
  message g = graph_begin(), n = node("DequantizeLinear", "q scales zeros", "d");
  put_tensor(&g, "q", tensor(INT8, 2, 3, q, 6));
  put_floats(&g, "scales", 2, 0, scales);
  put_tensor(&g, "zeros", tensor(INT8, 2, 0, "\0\0", 2));
  put_tensor(&g, "big", tensor(INT32, 2, 0, big, 8));
  put_floats(&g, "unit", 0, 0, &unit);
  put_integer_attribute(&n, "axis", 0);
  put_node(&g, &n);
  put_op(&g, "DequantizeLinear", "big unit", "e");
  put_gemm(&g, "x d e", "y");
  check_layer(&g, weights, bias);
}
END_TEST

/* --------------------------------------------------------------------- law */

START_TEST(activations_bound_their_layer) {
  static const float least = -1, most = 6;
  static const struct {
    const char *op, *inputs;
    float low, high;
  } cases[] = {{"Relu", "h", 0, INFINITY},
               {"Clip", "h least most", -1, 6},
               {"Clip", "h  most", -INFINITY, 6},
               {"Clip", "h least", -1, INFINITY}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    message g = graph_begin();
    put_floats(&g, "least", 0, 0, &least);
    put_floats(&g, "most", 0, 0, &most);
    put_gemm(&g, "x w b", "h");
    put_op(&g, cases[i].op, cases[i].inputs, "a");
    put_gemm(&g, "a s", "y");
    loaded l = load_valid(&g);
    ck_assert(l.network.layer[0].low == cases[i].low);
    ck_assert(l.network.layer[0].high == cases[i].high);
    free(l.memory);
  }
}
END_TEST

START_TEST(clip_attributes_of_older_files_count) {
  message g = graph_begin(), n = node("Clip", "h", "a");
  put_gemm(&g, "x w b", "h");
  put_float_attribute(&n, "min", 0);
  put_float_attribute(&n, "max", 6);
  put_node(&g, &n);
  put_gemm(&g, "a s", "y");
  loaded l = load_valid(&g);
  ck_assert(l.network.layer[0].low == 0 && l.network.layer[0].high == 6);
  free(l.memory);
}
END_TEST

START_TEST(what_a_quantized_activation_lets_through_bounds_it) {
  static const float scale = 0.5f;
  message g = graph_begin(), added = g;
  put_floats(&g, "k", 0, 0, &scale);
  put_tensor(&g, "z", tensor(UINT8, 0, 0, "\12", 1));
  put_gemm(&g, "x w b", "h");
  put_op(&g, "QuantizeLinear", "h k z", "q");
  put_op(&g, "DequantizeLinear", "q k z", "d");
  added = g;
  put_gemm(&g, "d s", "y");
  loaded l = load_valid(&g);
  ck_assert(l.network.layer[0].low == -5 && l.network.layer[0].high == 122.5f);
  free(l.memory);
  put_op(&added, "Add", "d b", "e"); /* then they say nothing of the sum */
  put_op(&added, "Relu", "e", "a");
  put_gemm(&added, "a s", "y");
  l = load_valid(&added);
  for (int j = 0; j < 2; j++) { /* -5 to 122.5, then plus b, then above 0 */
    ck_assert_float_eq(l.network.layer[0].lows[j], fmaxf(-5, -bias[j]));
    ck_assert_float_eq(l.network.layer[0].highs[j], 122.5f);
  }
  free(l.memory);
}
END_TEST

/* A graph whose dense layer is quantized with scale 1/2 and zero point -20 in int8; `op` works on
 * the integers.
 *   inputs  of op, "q" the integers */
static message quantized_graph(const char *op, const char *inputs) {
  static const float scale = 0.5f;
  message g = graph_begin();
  put_floats(&g, "k", 0, 0, &scale);
  put_tensor(&g, "z", tensor(INT8, 0, 0, "\xEC", 1));
  put_tensor(&g, "low", tensor(INT8, 0, 0, "\xF0", 1));
  put_tensor(&g, "high", tensor(INT8, 0, 0, "\x0A", 1));
  put_gemm(&g, "x w b", "h");
  put_op(&g, "QuantizeLinear", "h k z", "q");
  put_op(&g, op, inputs, "c");
  return g;
}

/* What the layer lets through, and the file's own answers to x = (1, 0, t), of which the first
 * accumulator is 3 t + 1.25.
 *   least, most  integers that op leaves */
static void check_quantized(message *g, float least, float most) {
  put_op(g, "DequantizeLinear", "c k z", "d");
  put_gemm(g, "d s", "y");
  loaded l = load_valid(g);
  ck_assert_float_eq(l.network.layer[0].low, (least + 20) / 2);
  ck_assert_float_eq(l.network.layer[0].high, (most + 20) / 2);
  for (float t = -40; t < 40; t += 0.37f) {
    float image[3] = {1, 0, t}, value[2], hidden[2] = {3 * t + 1.25f, 0.5f - t - 4};
    for (int j = 0; j < 2; j++) {
      float q = fminf(127, fmaxf(-128, rintf(hidden[j] / 0.5f) - 20));
      hidden[j] = (fminf(most, fmaxf(least, q)) + 20) * 0.5f;
    }
    run_own(value, &l, image);
    ck_assert_float_eq_tol(value[0], hidden[0] + 2 * hidden[1], 1e-3f);
    ck_assert_float_eq_tol(value[1], 3 * hidden[0] + 4 * hidden[1], 1e-3f);
  }
  free(l.memory);
}

START_TEST(activations_of_integers_bound_what_these_stand_for) {
  message relu = quantized_graph("Relu", "q"), clip = quantized_graph("Clip", "q low high");
  check_quantized(&relu, 0, 127); /* above the zero point: (0 + 20) / 2 = 10 */
  check_quantized(&clip, -16, 10);
}
END_TEST

START_TEST(a_file_runs_by_its_own_arithmetic) {
  static const float gain[2] = {2, -3}, shift[2] = {1, 0}, mean[2] = {0.5f, -1}, var[2] = {4, 9};
  message g = graph_begin(), n = node("BatchNormalization", "h gain shift mean var", "y");
  float image[3] = {1, 2, 3}, value[2];
  put_floats(&g, "gain", 2, 0, gain);
  put_floats(&g, "shift", 2, 0, shift);
  put_floats(&g, "mean", 2, 0, mean);
  put_floats(&g, "var", 2, 0, var);
  put_float_attribute(&n, "epsilon", 0);
  put_op(&g, "MatMul", "x wt", "g"); /* 6, -2.5 */
  put_op(&g, "Sub", "b g", "f");     /* -5.75, -1.5 */
  put_op(&g, "Mul", "f gain", "h");  /* -11.5, 4.5 */
  put_node(&g, &n);                  /* 2 (-12) / 2 + 1, -3 5.5 / 3 */
  loaded l = load_valid(&g);
  run_own(value, &l, image);
  ck_assert_float_eq_tol(value[0], -11, 1e-5f);
  ck_assert_float_eq_tol(value[1], -5.5f, 1e-5f);
  free(l.memory);
}
END_TEST

/* What a graph says of its input. */
static onnx_input input_of(const message *graph) {
  message model = {{0}, 0};
  onnx_input input;
  put_data(&model, 7, graph->bytes, graph->count);
  const char *reason = onnx_input_read(&input, model.bytes, model.count);
  ck_assert_msg(!reason, "%s", reason);
  return input;
}

START_TEST(what_is_declared_of_the_input_is_told) {
  static const unsigned first[4] = {0, 3, 1, 1}, last[4] = {0, 1, 2, 3}, other[4] = {0, 5, 2, 3};
  message chw = declared_graph(FLOAT, 4, first), hwc = declared_graph(UINT8, 4, last);
  message nhwc = declared_graph(FLOAT, 4, other), n = node("Transpose", "x", "t");
  onnx_input input = input_of(&chw);
  ck_assert(!input.is_bytes && !input.is_hwc && input.rank == 4);
  ck_assert(input.shape[0] == 0 && input.shape[1] == 3);
  input = input_of(&hwc);
  ck_assert(input.is_bytes && input.shape[3] == 3);
  message perm = {{0}, 0};
  put_text(&perm, 1, "perm");
  for (int i = 0; i < 4; i++) put_number(&perm, 8, (uint64_t) "\0\3\1\2"[i]);
  put_data(&n, 5, perm.bytes, perm.count);
  put_node(&nhwc, &n);
  input = input_of(&nhwc);
  ck_assert(input.is_hwc && !input.is_chw);
}
END_TEST

START_TEST(bytes_enter_by_a_cast) {
  static const unsigned row[2] = {0, 3};
  message bare = declared_graph(UINT8, 2, row), cast = bare, ints = declared_graph(INT8, 2, row);
  cast = with_node(&cast, "Cast", "x", "f", "to", FLOAT);
  put_gemm(&cast, "f w", "y");
  loaded l = load_valid(&cast);
  ck_assert(l.network.input_is_bytes);
  free(l.memory);
  put_gemm(&bare, "x w", "y");
  check_refused(&bare, "of an input of integers (expected Cast or DequantizeLinear before it)");
  put_gemm(&ints, "x w", "y");
  check_refused(&ints, "an input of another element type (expected float, or uint8 for bytes)");
}
END_TEST

START_TEST(arithmetic_is_folded_into_the_layer) {
  static const float two = 2;
  message g = graph_begin(), n = node("BatchNormalization", "h gain shift mean variance", "y");
  static const float gain[2] = {3, 1}, shift[2] = {1, 0}, mean[2] = {0.25f, 2},
                     variance[2] = {9, 4};
  /* (2 w x + 2 b - b) gain / sqrt(variance) ... in two steps, both by hand */
  const float w[6] = {2, -4, 6, 0.5f, 0, -1}, b[2] = {0.25f - 0.25f + 1, (-4 - 2) / 2.0f};
  put_floats(&g, "two", 0, 0, &two);
  put_floats(&g, "gain", 2, 0, gain);
  put_floats(&g, "shift", 2, 0, shift);
  put_floats(&g, "mean", 2, 0, mean);
  put_floats(&g, "variance", 2, 0, variance);
  put_gemm(&g, "x w b", "g");
  put_op(&g, "Mul", "two g", "t");
  put_op(&g, "Sub", "t b", "h");
  put_float_attribute(&n, "epsilon", 0);
  put_node(&g, &n);
  check_layer(&g, w, b);
}
END_TEST

START_TEST(arithmetic_on_the_input_is_folded_into_the_first_layer) {
  static const unsigned shape[4] = {0, 3, 1, 1};
  static const float means[3] = {1, 2, 3}, four = 4;
  message g = declared_graph(FLOAT, 4, shape), t = {{0}, 0};
  float w[6], b[2] = {0, 0};
  put_number(&t, 1, 3);
  put_number(&t, 1, 1);
  put_number(&t, 1, 1);
  put_number(&t, 2, FLOAT);
  put_data(&t, 9, means, sizeof means);
  put_tensor(&g, "means", t);
  put_floats(&g, "four", 0, 0, &four);
  put_op(&g, "Sub", "x means", "c");
  put_op(&g, "Div", "c four", "d");
  put_op(&g, "Flatten", "d", "e");
  put_gemm(&g, "e w", "y");
  for (int i = 0; i < 6; i++) {
    w[i] = weights[i] / 4;
    b[i / 3] -= weights[i] * means[i % 3] / 4;
  }
  check_layer(&g, w, b);
}
END_TEST

START_TEST(a_last_softmax_is_left_away) {
  message g = graph_begin();
  put_gemm(&g, "x w b", "h");
  put_op(&g, "Softmax", "h", "y");
  check_layer(&g, weights, bias);
  loaded l = load_graph(&g);
  ck_assert_str_eq(l.network.last_op, "Softmax");
  free(l.memory);
}
END_TEST

START_TEST(casts_to_floats_change_nothing) {
  static const int32_t whole[2] = {3, -4};
  static const float as_floats[2] = {3, -4};
  message g = graph_begin(), input = with_node(&g, "Cast", "x", "f", "to", FLOAT);
  put_gemm(&input, "f w b", "y");
  check_layer(&input, weights, bias);
  put_tensor(&g, "i", tensor(INT32, 2, 0, whole, 8));
  message constant = with_node(&g, "Cast", "i", "c", "to", FLOAT);
  put_gemm(&constant, "x w c", "y");
  check_layer(&constant, weights, as_floats);
}
END_TEST

START_TEST(casts_to_integers_are_refused) {
  message g = graph_begin(), dense = g, none = g, image = g;
  put_gemm(&dense, "x w b", "h");
  put_op(&none, "Cast", "x", "f");
  put_gemm(&none, "f w", "y");
  image = with_node(&image, "Cast", "x", "f", "to", UINT8);
  put_gemm(&image, "f w", "y");
  message casts[3] = {image, with_node(&dense, "Cast", "h", "y", "to", INT32), none};
  for (int i = 0; i < 3; i++) check_refused(&casts[i], "op Cast: not to floats (expected to = 1)");
}
END_TEST

/* Of a last HardSigmoid with that alpha and beta. */
static message hard_sigmoid(float alpha, float beta) {
  message g = graph_begin(), n = node("HardSigmoid", "h", "y");
  put_gemm(&g, "x w b", "h");
  put_float_attribute(&n, "alpha", alpha);
  put_float_attribute(&n, "beta", beta);
  put_node(&g, &n);
  return g;
}

START_TEST(a_last_activation_that_could_change_a_class_is_refused) {
  message g = graph_begin(), kept = hard_sigmoid(0.25f, 0.5f);
  message others[2] = {hard_sigmoid(-1, 0.5f), hard_sigmoid(0.25f, 0.75f)};
  check_layer(&kept, weights, bias);
  for (int i = 0; i < 2; i++) check_refused(&others[i], "op HardSigmoid: behind the last layer");
  put_gemm(&g, "x w b", "h");
  for (uint64_t axis = 0; axis < 3; axis++)
    for (int i = 0; i < 2; i++) {
      message m = with_node(&g, i ? "LogSoftmax" : "Softmax", "h", "y", "axis", axis);
      if (axis == 1) check_layer(&m, weights, bias);
      else check_refused(&m, "axis (expected that of the classes, 1 or -1)");
    }
  message last = with_node(&g, "Softmax", "h", "y", "axis", UINT64_MAX);
  check_layer(&last, weights, bias);
}
END_TEST

/* A layer behind the input in these many columns, and one before them. */
static void make_reshaped(message *input, message *output, int64_t columns) {
  const int64_t shape[2] = {-1, columns};
  message g = graph_begin();
  put_tensor(&g, "shape", tensor(INT64, 2, 0, shape, 16));
  *input = *output = g;
  put_op(input, "Reshape", "x shape", "r");
  put_gemm(input, "r w b", "y");
  put_gemm(output, "x w b", "h");
  put_op(output, "Reshape", "h shape", "y");
}

START_TEST(a_reshape_has_as_many_columns_as_there_are_values) {
  message input, output;
  make_reshaped(&input, &output, -1);
  check_refused(&input, "op Reshape: two sides are open (expected one -1)");
  make_reshaped(&input, &output, 3);
  check_layer(&input, weights, bias);
  check_refused(&output, "op Reshape: does not fit (expected a shape of as many values)");
  make_reshaped(&input, &output, 2);
  check_refused(&input, "op Reshape: does not fit (expected a shape of as many values)");
  check_layer(&output, weights, bias);
  make_reshaped(&input, &output, 0); /* as many as there were */
  check_layer(&input, weights, bias);
}
END_TEST

/* ------------------------------------------------------------------- error */

START_TEST(what_is_not_supported_is_named) {
  message conv = graph_begin(), folded = conv, foreign = conv, unfit = conv, first = conv;
  put_op(&conv, "Conv", "x w", "y");
  check_refused(&conv, "op Conv is not supported (expected Gemm, ");
  put_op(&first, "Relu", "x", "h");
  put_gemm(&first, "h w", "y");
  check_refused(&first, "op Relu: of the image, not behind a dense layer");
  put_op(&folded, "Det", "w", "v");
  put_gemm(&folded, "x v", "y");
  check_refused(&folded, "op Det is not supported");
  message n = node("Gemm\n\x1b", "x w b", "y");
  put_node(&foreign, &n);
  check_refused(&foreign, "op Gemm?? is not supported");
  put_gemm(&unfit, "x w b", "h");
  put_gemm(&unfit, "h w", "y");
  check_refused(&unfit, "its inputs are not the values before it");
}
END_TEST

START_TEST(a_layer_behind_the_end_is_refused) {
  message g = graph_begin();
  static const float square[4] = {1, 2, 3, 4};
  put_floats(&g, "v", 2, 2, square);
  put_gemm(&g, "x w b", "h");
  put_op(&g, "Softmax", "h", "p");
  put_gemm(&g, "p v", "y");
  check_refused(&g, "node 2, y: op Gemm: behind the last activation (expected none)");
}
END_TEST

START_TEST(an_op_of_another_domain_is_refused) {
  message g = graph_begin(), n = node("Gemm", "x w b", "y");
  put_text(&n, 7, "com.microsoft");
  put_node(&g, &n);
  check_refused(&g, "op Gemm is not supported");
}
END_TEST

START_TEST(values_that_no_node_made_are_refused) {
  message g = graph_begin(), uses[2] = {g, g};
  put_op(&uses[0], "Add", "x h", "h");
  put_gemm(&uses[0], "h w", "y");
  put_op(&uses[1], "Relu", "y", "y");
  for (int i = 0; i < 2; i++) check_refused(&uses[i], "takes what no node before it makes");
}
END_TEST

START_TEST(branches_around_a_layer_are_refused) {
  message g = graph_begin();
  put_gemm(&g, "x w b", "h");
  put_op(&g, "Relu", "h", "a");
  put_gemm(&g, "a s", "d");
  put_op(&g, "Add", "d a", "y");
  check_refused(&g, "node 3, y: op Add: joins values of two layers");
}
END_TEST

START_TEST(anything_but_a_chain_is_refused) {
  message g = graph_begin(), two = g, ends = g, open[2] = {g, g};
  put_gemm(&open[1], "x w b", "h");
  for (int i = 0; i < 2; i++) check_refused(&open[i], "an output that no node makes");
  put_value(&two, 11, "x2");
  check_refused(&two, "several inputs (expected one, the image)");
  put_gemm(&ends, "x w b", "h");
  put_op(&ends, "Relu", "h", "y");
  check_refused(&ends, "node 1, y: op Relu: behind the last layer");
}
END_TEST

START_TEST(one_layer_too_many_is_refused) {
  message g = graph_begin();
  char from[16] = "h0 s", to[16];
  put_gemm(&g, "x w b", "h0");
  for (int i = 1; i <= PPML_LAYERS_MAX; i++) {
    snprintf(to, sizeof to, i < PPML_LAYERS_MAX ? "h%d" : "y", i);
    put_gemm(&g, from, to);
    snprintf(from, sizeof from, "h%d s", i);
  }
  check_refused(&g, "one layer too many");
}
END_TEST

/* A graph that uses t as its bias. */
static void check_bias_refused(message t, const char *reason) {
  message g = graph_begin();
  put_tensor(&g, "c", t);
  put_gemm(&g, "x w c", "y");
  check_refused(&g, reason);
}

START_TEST(tensors_that_do_not_hold_what_they_claim_are_refused) {
  const float three[3] = {1, 2, 3}, bad[2] = {NAN, 1};
  message strange = tensor(FLOAT, 2, 0, bias, 8), external = {{0}, 0}, unpacked = {{0}, 0};
  message varints = {{0}, 0}, wide = strange, negative = strange, huge = {{0}, 0};
  check_bias_refused(tensor(FLOAT, 2, 0, three, 12), "data does not fit");
  check_bias_refused(tensor(FLOAT, 3, 0, three, 12), "shapes do not fit");
  check_bias_refused(tensor(FLOAT, 2, 0, bad, 8), "no number");
  check_bias_refused(tensor(8, 2, 0, bias, 8), "a tensor of strings is used");
  check_bias_refused(tensor(17, 2, 0, bias, 8), "unknown type");
  put_number(&external, 1, 2);
  put_number(&external, 2, FLOAT);
  put_number(&external, 14, 1);
  check_bias_refused(external, "weights in another file");
  put_number(&strange, 1, 7);
  check_bias_refused(strange, "data does not fit");
  put_number(&unpacked, 1, 1);
  put_number(&unpacked, 2, FLOAT);
  put_float(&unpacked, 4, 1);
  check_bias_refused(unpacked, "not packed");
  put_number(&varints, 1, 2);
  put_number(&varints, 2, INT32);
  put_data(&varints, 5, "\x81\x82", 2); /* neither ends */
  check_bias_refused(varints, "data does not fit");
  for (int i = 0; i < 8; i++) put_number(&wide, 1, 1);
  check_bias_refused(wide, "more than 8 dimensions");
  put_number(&negative, 1, UINT64_MAX);
  check_bias_refused(negative, "too large");
  for (int i = 0; i < 3; i++) put_number(&huge, 1, 1 << 24);
  put_number(&huge, 2, FLOAT);
  check_bias_refused(huge, "too large");
}
END_TEST

START_TEST(lengths_beyond_the_end_are_refused) {
  static const struct {
    const char *bytes;
    size_t count;
  } cases[] = {{"\x3A\x05\x00", 3},                                  /* five bytes of which one */
               {"\x3A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11}, /* 2^64 - 1 */
               {"\x3A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12}, /* a varint too long */
               {"\x3A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 11},     /* and too large */
               {"\x3B", 1},                                              /* a group */
               {"\x00\x00", 2},                                          /* field 0 */
               {"\x09\x01", 2},                                          /* half a fixed64 */
               {"\x3A", 1},
               {"", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    loaded l = load(cases[i].bytes, cases[i].count);
    ck_assert_msg(strstr(l.reason, "not an ONNX file"), "case %zu", i);
    free(l.memory);
  }
}
END_TEST

/* A cut may fall behind the graph, where nothing that matters follows. */
START_TEST(files_truncated_at_any_byte_are_refused_or_the_same) {
  file_input file;
  ck_assert(!file_read(&file, "tests/data/tiny_qdq.onnx", 1 << 20));
  loaded whole = load(file.bytes, file.count);
  ck_assert(!whole.reason[0]);
  for (size_t count = 0; count < file.count; count++) {
    loaded l = load(file.bytes, count);
    ck_assert(l.reason[0] || memcmp(l.network.layer[0].weight, whole.network.layer[0].weight,
                                    64 * 4 * sizeof(float)) == 0);
    free(l.memory);
  }
  free(whole.memory);
  file_free(&file);
}
END_TEST

START_TEST(a_flipped_bit_leaves_numbers_or_is_refused) {
  file_input file;
  ck_assert(!file_read(&file, "fuzz/corpus/onnx/qdq", 1 << 20));
  for (size_t bit = 0; bit < 8 * file.count; bit++) {
    file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    loaded l = load(file.bytes, file.count);
    for (uint32_t k = 0; k < l.network.layer_count; k++)
      ck_assert(fabsf(l.network.layer[k].bias[0]) < 1e30f);
    free(l.memory);
    file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  file_free(&file);
}
END_TEST

START_TEST(integers_go_where_they_can_be_read_alone) {
  message add = quantized_graph("Add", "q b"), gemm = quantized_graph("Gemm", "q s");
  message type = quantized_graph("Relu", "q");
  put_gemm(&add, "c s", "y");
  check_refused(&add, "node 2, c: op Add: of quantized integers");
  put_gemm(&gemm, "c s", "y");
  check_refused(&gemm, "node 2, c: op Gemm: of quantized integers");
  put_tensor(&type, "z2", tensor(UINT8, 0, 0, "\xEC", 1));
  put_op(&type, "DequantizeLinear", "c k z2", "d");
  put_gemm(&type, "d s", "y");
  check_refused(&type, "node 3, d: op DequantizeLinear: scale, zero point or type");
}
END_TEST

START_TEST(scores_may_be_rounded_at_the_end) {
  static const float scale = 0.25f;
  message g = graph_begin();
  put_floats(&g, "k", 0, 0, &scale);
  put_tensor(&g, "z", tensor(UINT8, 0, 0, "\x80", 1));
  put_gemm(&g, "x w b", "h");
  put_op(&g, "QuantizeLinear", "h k z", "q");
  put_op(&g, "DequantizeLinear", "q k z", "y");
  check_layer(&g, weights, bias);
}
END_TEST

START_TEST(a_refusal_names_the_node) {
  message g = graph_begin(), n = node("Conv", "x w", "y");
  put_text(&n, 3, "features.0");
  put_gemm(&g, "x w b", "h");
  put_node(&g, &n);
  check_refused(&g, "node 1, features.0: op Conv is not supported");
}
END_TEST

/* Work is counted: a file of 30 KB cannot have its one large constant turned about 500 times, nor can
 * long names be compared with one another. */
START_TEST(work_is_bounded_by_the_files_size) {
  static float large[4000];
  static message g, unused;
  char from[8] = "big", to[16], name[600];
  g = unused = (message){{0}, 0};
  put_value(&g, 11, "x");
  put_value(&g, 12, "y");
  put_floats(&g, "w", 2, 3, weights);
  put_floats(&g, "big", 4000, 1, large);
  put_op(&g, "Concat", "big big big big big big big big big big", "i0");
  put_op(&g, "Concat", "i0 i0 i0 i0 i0 i0 i0 i0 i0 i0", "i1");
  for (int i = 2; i < 100; i++) {
    snprintf(from, sizeof from, "i%d", i - 1);
    snprintf(to, sizeof to, "i%d", i);
    put_op(&g, "Neg", from, to);
  }
  put_gemm(&g, "x w", "y");
  check_refused(&g, "its constants are used too often");
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;
  unused = graph_begin();
  put_floats(&unused, name, 2, 3, weights);
  put_gemm(&unused, "x w b", "y");
  check_refused(&unused, "a name of more than 512 bytes");
}
END_TEST

START_TEST(too_little_memory_is_refused) {
  message model = {{0}, 0}, g = graph_begin();
  onnx_network network;
  put_gemm(&g, "x w b", "y");
  put_data(&model, 7, g.bytes, g.count);
  const onnx_request request = request_of(model.bytes, model.count);
  size_t bytes = onnx_memory_bytes(model.count), least = 0;
  void *memory = malloc(bytes);
  ck_assert(memory);
  for (size_t step = bytes / 2; step > 0; step /= 2) /* the least that does */
    if (onnx_read(&network, &request, memory, least + step)) least += step;
  ck_assert(onnx_read(&network, &request, memory, least) != NULL);
  ck_assert(onnx_read(&network, &request, memory, least + 16) == NULL);
  ck_assert(onnx_read(&network, &request, memory, 16) != NULL);
  free(memory);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("onnx");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, networks_of_pytorch_have_their_layers);
  tcase_add_test(kat, a_dense_layer_is_read_however_it_is_written);
  tcase_add_test(kat, factors_of_gemm_count);
  tcase_add_test(kat, numbers_come_in_any_field);
  tcase_add_test(kat, quantized_weights_have_their_values);
  tcase_add_test(law, activations_bound_their_layer);
  tcase_add_test(law, clip_attributes_of_older_files_count);
  tcase_add_test(law, what_a_quantized_activation_lets_through_bounds_it);
  tcase_add_test(law, activations_of_integers_bound_what_these_stand_for);
  tcase_add_test(law, a_file_runs_by_its_own_arithmetic);
  tcase_add_test(law, what_is_declared_of_the_input_is_told);
  tcase_add_test(law, bytes_enter_by_a_cast);
  tcase_add_test(law, arithmetic_is_folded_into_the_layer);
  tcase_add_test(law, arithmetic_on_the_input_is_folded_into_the_first_layer);
  tcase_add_test(law, casts_to_floats_change_nothing);
  tcase_add_test(law, a_reshape_has_as_many_columns_as_there_are_values);
  tcase_add_test(law, a_last_softmax_is_left_away);
  tcase_add_test(error, casts_to_integers_are_refused);
  tcase_add_test(error, a_last_activation_that_could_change_a_class_is_refused);
  tcase_add_test(error, what_is_not_supported_is_named);
  tcase_add_test(error, a_layer_behind_the_end_is_refused);
  tcase_add_test(error, an_op_of_another_domain_is_refused);
  tcase_add_test(error, values_that_no_node_made_are_refused);
  tcase_add_test(error, branches_around_a_layer_are_refused);
  tcase_add_test(error, anything_but_a_chain_is_refused);
  tcase_add_test(error, one_layer_too_many_is_refused);
  tcase_add_test(error, tensors_that_do_not_hold_what_they_claim_are_refused);
  tcase_add_test(error, lengths_beyond_the_end_are_refused);
  tcase_add_test(error, files_truncated_at_any_byte_are_refused_or_the_same);
  tcase_add_test(error, a_flipped_bit_leaves_numbers_or_is_refused);
  tcase_add_test(law, scores_may_be_rounded_at_the_end);
  tcase_add_test(error, integers_go_where_they_can_be_read_alone);
  tcase_add_test(error, a_refusal_names_the_node);
  tcase_add_test(error, work_is_bounded_by_the_files_size);
  tcase_add_test(error, too_little_memory_is_refused);
  return test_run(suite);
}
