/* onnx_conv.c - see onnx_conv.h.  Every value of the graph behind the convolution is, for each filter, a
 * polynomial of that filter's result z: square z^2 + linear z + constant.  Nodes stand in the order in which
 * they are computed, so one pass works all of them out. */
#include "onnx_conv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "onnx_file.h"

enum { CONSTANTS_MAX = 256, VALUES_MAX = 128, NODES_MAX = 256, FILTERS_MAX = 4096, SIDE_MAX = 8 };

/* Where in the network a value stands. */
typedef enum stage { AT_INPUT, AT_MAP, AT_POOLED, AT_SCORES } stage;

/* A value of the graph. */
typedef struct value {
  protobuf name;
  stage at;
  float *of[3]; /* [filters] square, linear, constant; of a map and of what is pooled */
} value;

typedef struct reader {
  onnx_conv_network *network;
  onnx_tensor constant[CONSTANTS_MAX];
  value value[VALUES_MAX];
  size_t constants, values;
  const onnx_external *external;
  size_t externals;
  unsigned node;
  int has_convolution, is_ended;
  float *dense, *dense_bias;
  unsigned char *memory;
  size_t memory_bytes;
} reader;

enum { SQUARE, LINEAR, CONSTANT };

static const char no_memory[] = "its constants are used too often (expected each used once)";

/* ------------------------------------------------------------------ errors */

static const char *fail_at(reader *r, const onnx_node *node, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* A name from the file, cut short and made printable. */
static void shown(char *text, size_t size, const protobuf *name) {
  size_t count = protobuf_count(name), i = 0;
  for (; i < size - 1 && i < count; i++)
    text[i] = (char)(name->at[i] >= 0x20 && name->at[i] < 0x7F ? name->at[i] : '?');
  text[i] = 0;
}

/* Which node it is: its place in the graph, and its name or else that of what it makes. */
static const char *fail_at(reader *r, const onnx_node *node, const char *format, ...) {
  char op[24], name[40];
  const protobuf *called = protobuf_count(&node->name) ? &node->name : &node->output[0];
  va_list arguments;
  shown(op, sizeof op, &node->op);
  shown(name, sizeof name, called);
  size_t length = (size_t)snprintf(r->network->message, sizeof r->network->message,
                                   "node %u, %s: op %s: ", r->node, name, op);
  va_start(arguments, format);
  vsnprintf(r->network->message + length, sizeof r->network->message - length, format, arguments);
  va_end(arguments);
  return r->network->message;
}

/* ------------------------------------------------------------------ memory */

size_t onnx_conv_memory_bytes(size_t file_bytes) {
  return sizeof(reader) + 4096 + VALUES_MAX * 3 * FILTERS_MAX * sizeof(float) + 16 * file_bytes;
}

static void *take(reader *r, size_t bytes) {
  size_t rounded = (bytes + 15) & ~(size_t)15;
  if (rounded < bytes || rounded > r->memory_bytes) return NULL;
  void *block = r->memory;
  r->memory += rounded;
  r->memory_bytes -= rounded;
  return block;
}

static float *take_floats(reader *r, size_t count) {
  return (float *)take(r, count * sizeof(float));
}

/* --------------------------------------------------------------- constants */

static const char *add_constant(reader *r, const onnx_tensor *tensor) {
  if (r->constants == CONSTANTS_MAX) return "more than 256 constants (expected fewer)";
  onnx_tensor *to = &r->constant[r->constants++];
  *to = *tensor;
  float *values = take_floats(r, tensor->count);
  if (values == NULL) return no_memory;
  to->value = values;
  return onnx_tensor_decode(values, tensor);
}

/* Input i of a node if it is a constant, or else NULL. */
static const onnx_tensor *constant_input(const reader *r, const onnx_node *node, unsigned i) {
  for (size_t c = 0; i < node->inputs && c < r->constants; c++)
    if (protobuf_same(&r->constant[c].name, &node->input[i])) return &r->constant[c];
  return NULL;
}

static value *value_input(reader *r, const onnx_node *node, unsigned i) {
  for (size_t v = 0; i < node->inputs && v < r->values; v++)
    if (protobuf_same(&r->value[v].name, &node->input[i])) return &r->value[v];
  return NULL;
}

static int64_t attribute_or(const onnx_node *node, const char *name, int64_t fallback) {
  const onnx_attribute *a = onnx_node_attribute(node, name);
  return a ? a->i : fallback;
}

static float attribute_float(const onnx_node *node, const char *name, float fallback) {
  const onnx_attribute *a = onnx_node_attribute(node, name);
  return a ? a->f : fallback;
}

/* Are all numbers of an attribute that one?  Those that are not there are. */
static int are_all(const onnx_node *node, const char *name, int64_t number) {
  const onnx_attribute *a = onnx_node_attribute(node, name);
  for (unsigned i = 0; a && i < a->numbers && i < 4; i++)
    if (a->number[i] != number) return 0;
  return a == NULL || a->numbers <= 4;
}

/* A constant as one number for each filter: one for all, or one along the filters.  NULL if it is
 * neither. */
static const float *by_filter(reader *r, const onnx_tensor *t, unsigned first) {
  size_t filters = r->network->filters;
  float *out = take_floats(r, filters);
  unsigned rank = t->rank, sides = 0;
  for (unsigned i = 0; i < rank; i++) sides += t->shape[i] != 1;
  if (out == NULL || sides > 1 || (t->count != 1 && t->count != filters)) return NULL;
  if (t->count == filters && filters > 1 && rank > first && t->shape[rank - 1 - first] != filters)
    return NULL;
  if (t->count == filters && filters > 1 && rank <= first) return NULL;
  for (size_t j = 0; j < filters; j++) out[j] = t->value[t->count == 1 ? 0 : j];
  return out;
}

/* ------------------------------------------------------------------ values */

/* A new value, the node's result. */
static value *add_value(reader *r, const onnx_node *node, stage at) {
  if (r->values == VALUES_MAX) return NULL;
  value *v = &r->value[r->values];
  v->name = node->output[0];
  v->at = at;
  for (int k = 0; k < 3; k++) {
    v->of[k] = take_floats(r, r->network->filters);
    if (v->of[k] == NULL) return NULL;
    memset(v->of[k], 0, r->network->filters * sizeof(float));
  }
  r->values++;
  return v;
}

static int is_used(const value *v, int degree, uint32_t filters) {
  for (uint32_t j = 0; j < filters; j++)
    if (v->of[degree][j] != 0) return 1;
  return 0;
}

/* Where a constant's filters stand, counted from its last side: before height and width of a map. */
static unsigned filters_side(const value *v) {
  return v->at == AT_MAP ? 2 : 0;
}

/* v times a number for each filter, plus one. */
static const char *affine(reader *r, const onnx_node *node, const value *v, const float *scale,
                          const float *shift) {
  value *to = add_value(r, node, v->at);
  if (to == NULL) return no_memory;
  for (uint32_t j = 0; j < r->network->filters; j++) {
    for (int k = 0; k < 3; k++) to->of[k][j] = v->of[k][j] * (scale ? scale[j] : 1);
    if (shift) to->of[CONSTANT][j] += shift[j];
  }
  return NULL;
}

static const char *multiply(reader *r, const onnx_node *node, const value *a, const value *b) {
  uint32_t filters = r->network->filters;
  int degree_a = is_used(a, SQUARE, filters) ? 2 : is_used(a, LINEAR, filters);
  int degree_b = is_used(b, SQUARE, filters) ? 2 : is_used(b, LINEAR, filters);
  if (a->at != b->at) return fail_at(r, node, "a map times what is pooled (expected two maps)");
  if (a->at == AT_POOLED && degree_a && degree_b)
    return fail_at(r, node, "a product of what is pooled (expected polynomials before the mean)");
  if (degree_a + degree_b > 2)
    return fail_at(r, node, "a polynomial of degree %d (expected 2 at most)", degree_a + degree_b);
  value *to = add_value(r, node, a->at);
  if (to == NULL) return no_memory;
  for (uint32_t j = 0; j < filters; j++) {
    float ca = a->of[CONSTANT][j], cb = b->of[CONSTANT][j];
    to->of[SQUARE][j] =
        a->of[LINEAR][j] * b->of[LINEAR][j] + ca * b->of[SQUARE][j] + cb * a->of[SQUARE][j];
    to->of[LINEAR][j] = ca * b->of[LINEAR][j] + cb * a->of[LINEAR][j];
    to->of[CONSTANT][j] = ca * cb;
  }
  return NULL;
}

static const char *add_values(reader *r, const onnx_node *node, const value *a, const value *b,
                              float sign) {
  if (a->at != b->at) return fail_at(r, node, "a map and what is pooled (expected two maps)");
  value *to = add_value(r, node, a->at);
  if (to == NULL) return no_memory;
  for (uint32_t j = 0; j < r->network->filters; j++)
    for (int k = 0; k < 3; k++) to->of[k][j] = a->of[k][j] + sign * b->of[k][j];
  return NULL;
}

/* ------------------------------------------------------------------- nodes */

static const char *check_convolution(reader *r, const onnx_node *node, const onnx_tensor *w) {
  const onnx_attribute *automatic = onnx_node_attribute(node, "auto_pad");
  int64_t side = (int64_t)w->shape[2];
  if (w->rank != 4 || w->shape[2] != w->shape[3] || side > SIDE_MAX || side < 1)
    return fail_at(r, node, "a kernel that is not square, or larger than 8 (expected k x k)");
  if (w->shape[0] > FILTERS_MAX || w->shape[1] > 16 || w->count == 0)
    return fail_at(r, node, "%zu filters of %zu channels (expected up to 4096 of 16)", w->shape[0],
                   w->shape[1]);
  if (!are_all(node, "strides", 1))
    return fail_at(r, node, "a stride, which a pooled network cannot fold (expected 1)");
  if (!are_all(node, "dilations", 1) || attribute_or(node, "group", 1) != 1)
    return fail_at(r, node, "dilated or grouped (expected neither)");
  const onnx_attribute *pads = onnx_node_attribute(node, "pads");
  int is_padded = side == 1 || (pads && pads->numbers == 4 && are_all(node, "pads", side - 1));
  if (automatic || !is_padded)
    return fail_at(r, node,
                   "padding that drops a rim of the results, which a pooled network has (expected "
                   "pads of %lld all round)",
                   (long long)(side - 1));
  return NULL;
}

static const char *apply_convolution(reader *r, const onnx_node *node) {
  onnx_conv_network *n = r->network;
  const onnx_tensor *w = constant_input(r, node, 1), *b = constant_input(r, node, 2);
  value *input = value_input(r, node, 0);
  if (r->has_convolution || input == NULL || input->at != AT_INPUT || w == NULL)
    return fail_at(r, node,
                   "a second convolution, or one of no constants (expected one, of the "
                   "input)");
  const char *reason = check_convolution(r, node, w);
  if (reason) return reason;
  n->filters = (uint32_t)w->shape[0], n->channels = (uint32_t)w->shape[1];
  n->side = (uint32_t)w->shape[2];
  n->kernel = w->value;
  if (b && b->count != n->filters) return fail_at(r, node, "another number of biases than filters");
  float *bias = take_floats(r, n->filters);
  value *z = add_value(r, node, AT_MAP);
  if (bias == NULL || z == NULL) return no_memory;
  for (uint32_t j = 0; j < n->filters; j++) bias[j] = b ? b->value[j] : 0, z->of[LINEAR][j] = 1;
  n->bias = bias;
  r->has_convolution = 1;
  return NULL;
}

/* Mul, Add, Sub and Div of two values, or of one and a constant. */
static const char *apply_binary(reader *r, const onnx_node *node) {
  value *a = value_input(r, node, 0), *b = value_input(r, node, 1);
  const onnx_tensor *t = constant_input(r, node, a ? 1 : 0);
  int is_mul = protobuf_is(&node->op, "Mul"), is_div = protobuf_is(&node->op, "Div");
  int is_sub = protobuf_is(&node->op, "Sub");
  if (a && b && is_mul) return multiply(r, node, a, b);
  if (a && b && !is_div) return add_values(r, node, a, b, is_sub ? -1 : 1);
  if ((a == NULL && b == NULL) || t == NULL || (is_div && a == NULL))
    return fail_at(r, node, "of what is not the chain's (expected values and constants)");
  const value *v = a ? a : b;
  const float *constant = by_filter(r, t, filters_side(v));
  float *scale = take_floats(r, r->network->filters), *shift = take_floats(r, r->network->filters);
  if (constant == NULL)
    return fail_at(r, node, "a constant of another shape (expected one number, or one a filter)");
  if (scale == NULL || shift == NULL) return no_memory;
  for (uint32_t j = 0; j < r->network->filters; j++) {
    float x = constant[j];
    scale[j] = is_mul ? x : is_div ? 1 / x : is_sub && a == NULL ? -1 : 1;
    shift[j] = is_mul || is_div ? 0 : is_sub && a ? -x : x;
  }
  return affine(r, node, v, scale, shift);
}

static const char *apply_power(reader *r, const onnx_node *node, const value *v) {
  const onnx_tensor *t = constant_input(r, node, 1);
  if (t == NULL || t->count != 1 || (t->value[0] != 1 && t->value[0] != 2))
    return fail_at(r, node, "another power than 2 (expected a polynomial of degree 2)");
  return t->value[0] == 2 ? multiply(r, node, v, v) : affine(r, node, v, NULL, NULL);
}

static const char *apply_normalization(reader *r, const onnx_node *node, const value *v) {
  uint32_t filters = r->network->filters;
  float *scale = take_floats(r, filters), *shift = take_floats(r, filters);
  float epsilon = attribute_float(node, "epsilon", 1e-5f);
  const float *of[4];
  for (unsigned i = 0; i < 4; i++) {
    const onnx_tensor *t = constant_input(r, node, 1 + i);
    if (t == NULL || t->count != filters)
      return fail_at(r, node, "without four constants, one number a filter each");
    of[i] = t->value;
  }
  if (scale == NULL || shift == NULL) return no_memory;
  for (uint32_t j = 0; j < filters; j++) {
    scale[j] = of[0][j] / sqrtf(of[3][j] + epsilon);
    shift[j] = of[1][j] - of[2][j] * scale[j];
  }
  return affine(r, node, v, scale, shift);
}

/* The mean over all places; of ReduceMean the axes are those of height and width. */
static const char *apply_mean(reader *r, const onnx_node *node, const value *v) {
  if (protobuf_is(&node->op, "ReduceMean")) {
    const onnx_tensor *t = constant_input(r, node, 1);
    const onnx_attribute *a = onnx_node_attribute(node, "axes");
    int64_t first = t && t->count == 2     ? (int64_t)t->value[0]
                    : a && a->numbers == 2 ? a->number[0]
                                           : 9;
    int64_t second = t && t->count == 2     ? (int64_t)t->value[1]
                     : a && a->numbers == 2 ? a->number[1]
                                            : 9;
    int is_plane = (first == 2 || first == -2) && (second == 3 || second == -1);
    if (!is_plane) return fail_at(r, node, "over other axes (expected height and width)");
  }
  if (v->at != AT_MAP) return fail_at(r, node, "of what is pooled already");
  value *to = add_value(r, node, AT_POOLED);
  if (to == NULL) return no_memory;
  for (int k = 0; k < 3; k++) memcpy(to->of[k], v->of[k], r->network->filters * sizeof(float));
  return NULL;
}

/* Puts what is pooled into the network: from there on there are scores. */
static const char *begin_scores(reader *r, const onnx_node *node, const value *v,
                                uint32_t outputs) {
  onnx_conv_network *n = r->network;
  n->square = v->of[SQUARE], n->linear = v->of[LINEAR], n->constant = v->of[CONSTANT];
  n->outputs = outputs;
  r->dense = take_floats(r, (size_t)outputs * n->filters);
  r->dense_bias = take_floats(r, outputs);
  n->dense = r->dense, n->dense_bias = r->dense_bias;
  if (r->dense == NULL || r->dense_bias == NULL || r->values == VALUES_MAX) return no_memory;
  memset(r->dense_bias, 0, outputs * sizeof(float));
  value *to = &r->value[r->values++];
  to->name = node->output[0], to->at = AT_SCORES;
  return NULL;
}

/* Gemm or MatMul. */
static const char *apply_dense(reader *r, const onnx_node *node, const value *v) {
  const onnx_tensor *w = constant_input(r, node, 1), *b = constant_input(r, node, 2);
  uint32_t filters = r->network->filters;
  int is_gemm = protobuf_is(&node->op, "Gemm");
  int transposed = is_gemm && attribute_or(node, "transB", 0);
  float alpha = is_gemm ? attribute_float(node, "alpha", 1) : 1;
  float beta = is_gemm ? attribute_float(node, "beta", 1) : 1;
  if (v->at != AT_POOLED) return fail_at(r, node, "before the mean over all places");
  if (w == NULL || w->rank != 2 || w->shape[transposed ? 1 : 0] != filters ||
      w->shape[transposed ? 0 : 1] < 1 || w->shape[transposed ? 0 : 1] > 64)
    return fail_at(r, node, "weights of another shape (expected %u for each of up to 64 scores)",
                   filters);
  uint32_t outputs = (uint32_t)w->shape[transposed ? 0 : 1];
  if (b && b->count != outputs) return fail_at(r, node, "biases of another number than scores");
  const char *reason = begin_scores(r, node, v, outputs);
  for (uint32_t c = 0; !reason && c < outputs; c++) {
    for (uint32_t j = 0; j < filters; j++)
      r->dense[c * filters + j] = alpha * w->value[transposed ? c * filters + j : j * outputs + c];
    if (b) r->dense_bias[c] = beta * b->value[c];
  }
  return reason;
}

/* What may follow scores: a bias, or an activation that changes no class. */
static const char *apply_to_scores(reader *r, const onnx_node *node, const value *v) {
  static const char *const last[] = {"Sigmoid", "Softmax", "LogSoftmax"};
  const onnx_tensor *t = constant_input(r, node, constant_input(r, node, 0) ? 0 : 1);
  uint32_t outputs = r->network->outputs;
  value *to = &r->value[r->values];
  if (r->values == VALUES_MAX) return no_memory;
  to->name = node->output[0], to->at = v->at;
  r->values++;
  for (size_t i = 0; i < sizeof last / sizeof last[0]; i++)
    if (protobuf_is(&node->op, last[i]) && !r->is_ended) {
      r->is_ended = 1;
      snprintf(r->network->last_op, sizeof r->network->last_op, "%s", last[i]);
      return NULL;
    }
  if (!protobuf_is(&node->op, "Add") || t == NULL || t->count != outputs || r->is_ended)
    return fail_at(r, node, "behind the scores (expected their biases, or Sigmoid or Softmax)");
  for (uint32_t c = 0; c < outputs; c++) r->dense_bias[c] += t->value[c];
  return NULL;
}

/* What makes a row of pooled numbers, or nothing at all. */
static int is_reshape(const onnx_node *node) {
  static const char *const ops[] = {"Flatten", "Reshape", "Squeeze", "Identity", "Dropout"};
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
    if (protobuf_is(&node->op, ops[i])) return 1;
  return 0;
}

static int is_arithmetic(const onnx_node *node) {
  return protobuf_is(&node->op, "Mul") || protobuf_is(&node->op, "Add") ||
         protobuf_is(&node->op, "Sub") || protobuf_is(&node->op, "Div");
}

/* Of values behind the convolution and before the scores. */
static const char *apply_polynomial(reader *r, const onnx_node *node, const value *v) {
  if (is_arithmetic(node)) return apply_binary(r, node);
  if (protobuf_is(&node->op, "Pow")) return apply_power(r, node, v);
  if (protobuf_is(&node->op, "BatchNormalization")) return apply_normalization(r, node, v);
  if (protobuf_is(&node->op, "GlobalAveragePool") || protobuf_is(&node->op, "ReduceMean"))
    return apply_mean(r, node, v);
  if (protobuf_is(&node->op, "Gemm") || protobuf_is(&node->op, "MatMul"))
    return apply_dense(r, node, v);
  if (is_reshape(node) && (v->at == AT_POOLED || protobuf_is(&node->op, "Identity") ||
                           protobuf_is(&node->op, "Dropout")))
    return affine(r, node, v, NULL, NULL);
  if (protobuf_is(&node->op, "AveragePool") || protobuf_is(&node->op, "MaxPool"))
    return fail_at(r, node,
                   "pools parts of the convolution's results (expected GlobalAveragePool)");
  return fail_at(r, node,
                 "is not supported behind a convolution (expected polynomials of degree "
                 "2, GlobalAveragePool, Gemm)");
}

static const char *apply(reader *r, const onnx_node *node) {
  value *v = value_input(r, node, 0);
  if (v == NULL) v = value_input(r, node, 1);
  if (protobuf_is(&node->op, "Constant")) {
    onnx_tensor tensor;
    const onnx_attribute *a = onnx_node_attribute(node, "value");
    if (a == NULL || protobuf_count(&a->tensor) == 0)
      return fail_at(r, node, "of no tensor (expected its value)");
    const char *reason = onnx_tensor_read(&tensor, a->tensor, r->external, r->externals);
    tensor.name = node->output[0];
    return reason ? reason : add_constant(r, &tensor);
  }
  if (v == NULL) return fail_at(r, node, "of what is not the chain's (expected one network)");
  if (protobuf_is(&node->op, "Conv")) return apply_convolution(r, node);
  if (v->at == AT_SCORES) return apply_to_scores(r, node, v);
  if (v->at == AT_INPUT)
    return fail_at(r, node,
                   "before the convolution (expected Conv; --mean and --std scale images)");
  return apply_polynomial(r, node, v);
}

/* ------------------------------------------------------------------- graph */

static const char *read_constants(reader *r, protobuf graph) {
  protobuf_field field;
  while (protobuf_next(&field, &graph) > 0) {
    onnx_tensor tensor;
    if (field.number != ONNX_GRAPH_TENSOR || field.type != PROTOBUF_BYTES) continue;
    const char *reason = onnx_tensor_read(&tensor, field.bytes, r->external, r->externals);
    if (reason && tensor.count == 0) continue; /* as exporters leave behind, for nothing */
    if (reason == NULL) reason = add_constant(r, &tensor);
    if (reason) return reason;
  }
  return NULL;
}

static int is_constant_name(const reader *r, const protobuf *name) {
  for (size_t c = 0; c < r->constants; c++)
    if (protobuf_same(&r->constant[c].name, name)) return 1;
  return 0;
}

static const char *read_ends(reader *r, protobuf graph, protobuf *output) {
  protobuf_field field;
  unsigned inputs = 0, outputs = 0;
  while (protobuf_next(&field, &graph) > 0) {
    onnx_value ends;
    if (field.type != PROTOBUF_BYTES) continue;
    if (field.number != ONNX_GRAPH_INPUT && field.number != ONNX_GRAPH_OUTPUT) continue;
    const char *reason = onnx_value_read(&ends, field.bytes);
    if (reason) return reason;
    if (field.number == ONNX_GRAPH_OUTPUT) {
      *output = ends.name;
      outputs++;
    } else if (!is_constant_name(r, &ends.name)) {
      r->value[0].name = ends.name;
      r->value[0].at = AT_INPUT;
      r->values = 1;
      if (ends.rank == 4) r->network->height = ends.shape[2], r->network->width = ends.shape[3];
      inputs++;
    }
  }
  if (inputs == 1 && outputs == 1) return NULL;
  return "not one input and one output (expected an image and its scores)";
}

static const char *read_nodes(reader *r, protobuf graph) {
  protobuf_field field;
  while (protobuf_next(&field, &graph) > 0) {
    onnx_node node;
    if (field.number != ONNX_GRAPH_NODE || field.type != PROTOBUF_BYTES) continue;
    if (r->node == NODES_MAX) return "more than 256 nodes (expected fewer)";
    const char *reason = onnx_node_read(&node, field.bytes);
    if (reason == NULL) reason = apply(r, &node);
    if (reason) return reason;
    r->node++;
  }
  return NULL;
}

/* Folding may have left floats' range. */
static const char *check_numbers(const onnx_conv_network *n) {
  const struct {
    const float *x;
    size_t count;
  } arrays[] = {{n->kernel, (size_t)n->filters * n->channels * n->side * n->side},
                {n->bias, n->filters},
                {n->square, n->filters},
                {n->linear, n->filters},
                {n->constant, n->filters},
                {n->dense, (size_t)n->outputs * n->filters},
                {n->dense_bias, n->outputs}};
  for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; a++)
    for (size_t i = 0; i < arrays[a].count; i++)
      if (!(fabsf(arrays[a].x[i]) < 1e30f))
        return "a weight is no number, or infinite (expected numbers)";
  return NULL;
}

static const char *read_network(reader *r, protobuf graph) {
  protobuf output = graph;
  const char *reason = read_constants(r, graph);
  if (reason == NULL) reason = read_ends(r, graph, &output);
  if (reason == NULL) reason = read_nodes(r, graph);
  if (reason) return reason;
  const value *last = &r->value[r->values - 1];
  if (last->at != AT_SCORES || !protobuf_same(&last->name, &output))
    return "no dense layer at the end (expected Gemm or MatMul behind GlobalAveragePool)";
  return check_numbers(r->network);
}

int onnx_conv_is(const void *bytes, size_t count) {
  protobuf graph;
  protobuf_field field;
  onnx_node node;
  if (onnx_graph_find(&graph, bytes, count)) return 0;
  while (protobuf_next(&field, &graph) > 0)
    if (field.number == ONNX_GRAPH_NODE && field.type == PROTOBUF_BYTES &&
        onnx_node_read(&node, field.bytes) == NULL && protobuf_is(&node.op, "Conv"))
      return 1;
  return 0;
}

const char *onnx_conv_read(onnx_conv_network *network, const void *bytes, size_t count,
                           const onnx_external *external, size_t externals, void *memory,
                           size_t memory_bytes) {
  protobuf graph;
  memset(network, 0, sizeof *network);
  if (memory_bytes < sizeof(reader)) return no_memory;
  reader *r = (reader *)memory;
  memset(r, 0, sizeof *r);
  r->network = network;
  r->external = external;
  r->externals = externals;
  r->memory = (unsigned char *)memory + ((sizeof *r + 15) & ~(size_t)15);
  r->memory_bytes = memory_bytes - ((sizeof *r + 15) & ~(size_t)15);
  const char *reason = onnx_graph_find(&graph, bytes, count);
  if (reason == NULL) reason = read_network(r, graph);
  if (reason && reason != network->message)
    snprintf(network->message, sizeof network->message, "%s", reason);
  return reason ? network->message : NULL;
}
