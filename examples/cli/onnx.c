/* onnx.c - see onnx.h.  Nodes stand in the order in which they are computed, so one pass over them
 * follows the chain: a node either takes the chain's latest value, or constants alone. */
#include "onnx.h"
#include "onnx_file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
  CONSTANTS_MAX = 512,
  NODES_MAX = 1024,
  WORK_PER_BYTE = 32 /* values looked at or made, for a byte of the file */
};

/* What the chain's latest value is. */
typedef enum stage { AT_INPUT, AT_DENSE, AT_ACTIVATION, AT_END } stage;

typedef struct reader {
  onnx_network *network;
  onnx_tensor *constant; /* [CONSTANTS_MAX] */
  size_t constants;
  float *weight[PPML_LAYERS_MAX], *bias[PPML_LAYERS_MAX];
  protobuf latest; /* its name */
  stage at;
  unsigned node;               /* which one is read, from 0 */
  onnx_step *step;             /* [NODES_MAX] of network->step, to write to */
  int is_flat;                 /* the input was made a row */
  int is_bytes;                /* the latest value is the input's integers */
  int is_quantized;            /* between QuantizeLinear and DequantizeLinear, which have this */
  float grid_scale, grid_zero; /* scale and zero point */
  uint32_t grid_type;
  float columns;             /* of the input's last Reshape; 0: as many as there are */
  float seen_low, seen_high; /* what those two let through, of a dense layer's result */
  unsigned char *memory;     /* handed out from the bottom */
  size_t memory_bytes;
  size_t work; /* values that may still be looked at */
} reader;

/* ------------------------------------------------------------------ errors */

static const char *fail(reader *r, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static const char *fail(reader *r, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(r->network->message, sizeof r->network->message, format, arguments);
  va_end(arguments);
  return r->network->message;
}

/* A name from the file, cut short and made printable. */
static const char *shown(char text[32], const protobuf *name) {
  size_t count = protobuf_count(name), i = 0;
  for (; i < 31 && i < count; i++)
    text[i] = (char)(name->at[i] >= 0x20 && name->at[i] < 0x7F ? name->at[i] : '?');
  text[i] = 0;
  return text;
}

/* Which node it is: its place in the graph, and its name or else that of what it makes. */
static const char *fail_at(reader *r, const onnx_node *node, const char *what) {
  char name[32], op[32];
  const protobuf *called = protobuf_count(&node->name) ? &node->name : &node->output;
  return fail(r, "node %u, %s: op %s%s", r->node, shown(name, called), shown(op, &node->op), what);
}

static const char *fail_op(reader *r, const onnx_node *node, const char *what) {
  char reason[ONNX_MESSAGE_BYTES];
  snprintf(reason, sizeof reason, ": %s", what);
  return fail_at(r, node, reason);
}

static const char *fail_unknown(reader *r, const onnx_node *node) {
  return fail_at(r, node, " is not supported (expected Gemm, MatMul, Add, Relu, Flatten, ...)");
}

/* ------------------------------------------------------------------ memory */

static const char no_memory[] = "its constants are used too often (expected each used once)";

size_t onnx_memory_bytes(size_t file_bytes) {
  return CONSTANTS_MAX * sizeof(onnx_tensor) + NODES_MAX * sizeof(onnx_step) + 4096 +
         16 * file_bytes;
}

/* A node may look at all of a constant, and there are many nodes: together they may look at so
 * many values. */
static int spend(reader *r, size_t values) {
  if (values > r->work) return 0;
  r->work -= values;
  return 1;
}

/* A block, or NULL if there is no more: every byte of a file may become four floats. */
static void *take(reader *r, size_t bytes) {
  size_t rounded = (bytes + 15) & ~(size_t)15;
  if (rounded < bytes || rounded > r->memory_bytes) return NULL;
  void *block = r->memory;
  r->memory += rounded;
  r->memory_bytes -= rounded;
  return block;
}

static float *take_floats(reader *r, size_t count) {
  if (!spend(r, count)) return NULL;
  return (float *)take(r, count * sizeof(float));
}

/* --------------------------------------------------------------- constants */

/* Where the constant of that name is; r->constants if there is none. */
static size_t find_constant(const reader *r, const protobuf *name) {
  size_t i = 0;
  while (i < r->constants && !protobuf_same(&r->constant[i].name, name)) i++;
  return i;
}

static int is_constant(const reader *r, const protobuf *name) {
  return find_constant(r, name) < r->constants;
}

/* Input i of a node if it is a constant, or else NULL. */
static const onnx_tensor *constant_input(const reader *r, const onnx_node *node, unsigned i) {
  if (i >= node->inputs || protobuf_count(&node->input[i]) == 0) return NULL;
  size_t at = find_constant(r, &node->input[i]);
  return at < r->constants ? &r->constant[at] : NULL;
}

static const char *add_constant(reader *r, const onnx_tensor *tensor) {
  if (protobuf_count(&tensor->name) == 0) return "a constant has no name (expected one)";
  if (r->constants == CONSTANTS_MAX) return "more than 512 constants (expected fewer)";
  if (is_constant(r, &tensor->name)) return "two constants of one name (expected one)";
  if (!spend(r, tensor->count)) return no_memory;
  for (size_t i = 0; i < tensor->count; i++)
    if (!(fabsf(tensor->value[i]) < 1e30f))
      return "a constant is no number, or infinite (expected numbers)";
  r->constant[r->constants++] = *tensor;
  return NULL;
}

static const char *add_tensor(reader *r, protobuf message, const protobuf *name) {
  onnx_tensor tensor;
  const char *reason = onnx_tensor_read(&tensor, message);
  if (reason) return reason;
  if (name) tensor.name = *name;
  float *value = take_floats(r, tensor.count);
  if (value == NULL) return no_memory;
  reason = onnx_tensor_decode(value, &tensor);
  if (reason) return reason;
  tensor.value = value;
  return add_constant(r, &tensor);
}

/* The first step: all initializers, wherever they stand in the graph. */
static const char *read_constants(reader *r, protobuf graph) {
  protobuf_field field;
  const char *reason = NULL;
  int more = 0;
  while (reason == NULL && (more = protobuf_next(&field, &graph)) > 0)
    if (field.number == ONNX_GRAPH_TENSOR && field.type == PROTOBUF_BYTES)
      reason = add_tensor(r, field.bytes, NULL);
  return reason || more == 0 ? reason : "a damaged ONNX file (expected a GraphProto)";
}

/* ------------------------------------------------------ nodes of constants */

static const char *fold_constant(reader *r, const onnx_node *node) {
  const onnx_attribute *value = onnx_node_attribute(node, "value");
  const onnx_attribute *number = onnx_node_attribute(node, "value_float");
  onnx_tensor scalar = {.name = node->output, .type = ONNX_FLOAT, .count = 1};
  if (value) return add_tensor(r, value->tensor, &node->output);
  if (number == NULL) return fail_op(r, node, "no tensor (expected attribute value)");
  float *f = take_floats(r, 1);
  if (f == NULL) return no_memory;
  *f = number->f;
  scalar.value = f;
  return add_constant(r, &scalar);
}

static const char *fold_transpose(reader *r, const onnx_node *node, onnx_tensor *tensor) {
  const onnx_attribute *perm = onnx_node_attribute(node, "perm");
  const float *from = tensor->value;
  if (tensor->rank != 2) return fail_op(r, node, "not of a matrix (expected two dimensions)");
  if (perm && perm->numbers == 2 && perm->number[0] == 0 && perm->number[1] == 1) return NULL;
  if (perm && (perm->numbers != 2 || perm->number[0] != 1 || perm->number[1] != 0))
    return fail_op(r, node, "perm is not one of a matrix (expected 1, 0)");
  size_t rows = tensor->shape[0], columns = tensor->shape[1];
  float *to = take_floats(r, tensor->count);
  if (to == NULL) return no_memory;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
  tensor->shape[0] = columns;
  tensor->shape[1] = rows;
  tensor->value = to;
  return NULL;
}

/* How QuantizeLinear and DequantizeLinear turn floats into integers and back. */
typedef struct grid {
  const onnx_tensor *scale, *zero; /* zero: NULL for 0 */
  uint32_t type;                   /* of the integers */
  size_t inner, channels;          /* element i belongs to channel i / inner % channels */
} grid;

static const char *read_grid(grid *g, reader *r, const onnx_node *node, const onnx_tensor *of) {
  const onnx_attribute *axis = onnx_node_attribute(node, "axis");
  int64_t at = axis ? axis->i : 1;
  g->scale = constant_input(r, node, 1);
  g->zero = constant_input(r, node, 2);
  g->type = g->zero ? g->zero->type : ONNX_UINT8;
  g->inner = g->channels = 1;
  if (g->scale == NULL || (g->zero && g->zero->count != g->scale->count))
    return fail_op(r, node, "scale and zero point do not fit (expected constants)");
  for (size_t i = 0; i < g->scale->count; i++)
    if (!(g->scale->value[i] > 0))
      return fail_op(r, node, "a scale is not positive (expected numbers above 0)");
  if (g->scale->count == 1) return NULL;
  if (of && at < 0) at += of->rank;
  if (of == NULL || at < 0 || at >= (int64_t)of->rank || of->shape[at] != g->scale->count)
    return fail_op(r, node, "scales do not fit (expected one, or one for each channel of axis)");
  g->channels = g->scale->count;
  for (unsigned i = (unsigned)at + 1; i < of->rank; i++) g->inner *= of->shape[i];
  return NULL;
}

static float grid_scale(const grid *g, size_t i) {
  return g->scale->value[i / g->inner % g->channels];
}

static float grid_zero(const grid *g, size_t i) {
  return g->zero ? g->zero->value[i / g->inner % g->channels] : 0;
}

static void grid_ends(const grid *g, float *least, float *most) {
  *least = g->type == ONNX_INT8 ? -128 : 0;
  *most = g->type == ONNX_INT8 ? 127 : 255;
}

static const char *fold_quantize(reader *r, const onnx_node *node, onnx_tensor *tensor, int back) {
  grid g;
  float least, most;
  const char *reason = read_grid(&g, r, node, tensor);
  if (reason) return reason;
  float *to = take_floats(r, tensor->count);
  if (to == NULL) return no_memory;
  grid_ends(&g, &least, &most);
  for (size_t i = 0; i < tensor->count; i++) {
    float scale = grid_scale(&g, i), zero = grid_zero(&g, i), value = tensor->value[i];
    float q = fminf(most, fmaxf(least, rintf(value / scale) + zero));
    to[i] = back ? (value - zero) * scale : q;
  }
  tensor->type = back ? ONNX_FLOAT : g.type;
  tensor->value = to;
  return NULL;
}

static const char *fold_cast(reader *r, const onnx_node *node, onnx_tensor *tensor) {
  const onnx_attribute *to = onnx_node_attribute(node, "to");
  if (to == NULL || to->i != ONNX_FLOAT) return fail_op(r, node, "not to floats (expected to = 1)");
  tensor->type = ONNX_FLOAT;
  return NULL;
}

/* A node whose inputs are all constants makes another one. */
static const char *fold(reader *r, const onnx_node *node) {
  const char *reason = NULL;
  const onnx_tensor *input = constant_input(r, node, 0);
  if (protobuf_is(&node->op, "Constant")) return fold_constant(r, node);
  if (input == NULL) return fail_unknown(r, node);
  onnx_tensor tensor = *input;
  if (protobuf_is(&node->op, "Transpose")) reason = fold_transpose(r, node, &tensor);
  else if (protobuf_is(&node->op, "QuantizeLinear")) reason = fold_quantize(r, node, &tensor, 0);
  else if (protobuf_is(&node->op, "DequantizeLinear")) reason = fold_quantize(r, node, &tensor, 1);
  else if (protobuf_is(&node->op, "Cast")) reason = fold_cast(r, node, &tensor);
  else if (!protobuf_is(&node->op, "Identity")) return fail_unknown(r, node);
  tensor.name = node->output;
  return reason ? reason : add_constant(r, &tensor);
}

/* ------------------------------------------------------------------ layers */

/* There is one. */
static ppml_float_layer *last_layer(const reader *r) {
  return &r->network->layer[r->network->layer_count - 1];
}

/* Writes down what a node does, as ONNX defines it; NODES_MAX bounds how many there are. */
static onnx_step *add_step(reader *r, onnx_step_kind kind) {
  onnx_step *step = &r->step[r->network->steps++];
  memset(step, 0, sizeof *step);
  step->kind = kind;
  step->count = 1;
  return step;
}

static void add_clip(reader *r, float low, float high) {
  onnx_step *step = add_step(r, ONNX_STEP_CLIP);
  step->low = low;
  step->high = high;
}

/* Lets the latest dense layer's results through from low to high alone. */
static const char *clip(reader *r, const onnx_node *node, float low, float high) {
  if (r->at != AT_DENSE && r->at != AT_ACTIVATION)
    return fail_op(r, node, "not behind a dense layer (expected Gemm or MatMul before it)");
  ppml_float_layer *layer = last_layer(r);
  layer->low = fmaxf(layer->low, low);
  layer->high = fminf(layer->high, high);
  if (layer->low < layer->high) return NULL;
  return fail_op(r, node, "lets nothing through (expected a lower bound below the upper one)");
}

/* What the quantized form of an activation lets through counts if nothing was added since. */
static const char *close_layer(reader *r, const onnx_node *node) {
  if (r->network->layer_count == 0) return NULL;
  float low = r->seen_low, high = r->seen_high;
  r->seen_low = -INFINITY;
  r->seen_high = INFINITY;
  return clip(r, node, low, high);
}

/* Begins a dense layer.
 *   w  [outputs][inputs] if by_rows, or else [inputs][outputs] */
static const char *begin_layer(reader *r, const onnx_node *node, const onnx_tensor *w, int by_rows,
                               float alpha) {
  uint32_t l = r->network->layer_count;
  if (w == NULL || w->rank != 2) return fail_op(r, node, "no matrix (expected constant weights)");
  size_t outputs = w->shape[by_rows ? 0 : 1], inputs = w->shape[by_rows ? 1 : 0];
  if (r->at == AT_END) return fail_op(r, node, "behind the last activation (expected none)");
  if (l == PPML_LAYERS_MAX) return fail_op(r, node, "one layer too many (expected at most 8)");
  if (inputs > PPML_INPUTS_MAX || outputs > PPML_NEURONS_MAX)
    return fail_op(r, node, "too large (expected at most 65536 inputs and 4096 outputs)");
  if (l > 0 && inputs != last_layer(r)->outputs)
    return fail_op(r, node, "its inputs are not the outputs before it (expected as many)");
  if (l == 0 && r->columns > 0 && (float)inputs != r->columns)
    return fail_op(r, node, "its inputs are not what Reshape makes (expected as many)");
  const char *reason = close_layer(r, node);
  if (reason) return reason;
  float *weight = r->weight[l] = take_floats(r, w->count),
        *bias = r->bias[l] = take_floats(r, outputs);
  if (weight == NULL || bias == NULL) return no_memory;
  for (size_t j = 0; j < outputs; j++) {
    bias[j] = 0;
    for (size_t i = 0; i < inputs; i++)
      weight[j * inputs + i] = alpha * w->value[by_rows ? j * inputs + i : i * outputs + j];
  }
  ppml_float_layer layer = {.inputs = (uint32_t)inputs,
                            .outputs = (uint32_t)outputs,
                            .weight = weight,
                            .bias = bias,
                            .low = -INFINITY,
                            .high = INFINITY};
  r->network->layer[r->network->layer_count++] = layer;
  r->at = AT_DENSE;
  onnx_step *step = add_step(r, ONNX_STEP_DENSE);
  step->a = w->value;
  step->count = 0;
  step->low = alpha;
  step->inputs = inputs;
  step->outputs = outputs;
  step->by_rows = by_rows;
  return NULL;
}

/* The latest value's element k, or its channel k at the input, becomes scale x + shift. */
static const char *scale_element(reader *r, size_t k, float scale, float shift) {
  onnx_network *network = r->network;
  if (r->at == AT_INPUT) {
    network->input_scale[k] *= scale;
    network->input_shift[k] = network->input_shift[k] * scale + shift;
    return NULL;
  }
  uint32_t l = network->layer_count - 1, inputs = network->layer[l].inputs;
  if (!spend(r, inputs)) return no_memory;
  for (uint32_t i = 0; i < inputs; i++) r->weight[l][k * inputs + i] *= scale;
  r->bias[l][k] = r->bias[l][k] * scale + shift;
  return NULL;
}

/* Does a constant stand for one value, or for the values of a layer's row? */
static int is_row(const onnx_tensor *k) {
  return k->count == 1 || (k->rank > 0 && k->shape[k->rank - 1] == k->count);
}

/* May that many constants be applied to the latest value?
 *   by_channel  at the input they stand for channels */
static const char *check_elements(reader *r, const onnx_node *node, size_t count, int by_channel) {
  onnx_network *network = r->network;
  if (r->at != AT_INPUT && r->at != AT_DENSE)
    return fail_op(r, node, "behind an activation (expected it at the input or a dense layer)");
  r->seen_low = -INFINITY;
  r->seen_high = INFINITY;
  if (count == 1) return NULL;
  if (r->at == AT_DENSE)
    return count == last_layer(r)->outputs
               ? NULL
               : fail_op(r, node, "does not fit the layer (expected a value for each output)");
  if (!by_channel || count > 4)
    return fail_op(r, node, "does not fit the image (expected one value, or one a channel)");
  if (network->input_channels && network->input_channels != count)
    return fail_op(r, node, "for another number of channels than before (expected the same)");
  network->input_channels = (uint32_t)count;
  return NULL;
}

/* Elements of the latest value, where all channels that an image can have count at the input. */
static size_t elements(const reader *r) {
  return r->at == AT_INPUT ? 4 : last_layer(r)->outputs;
}

/* -------------------------------------------------------------- operations */

static float number_of(const onnx_node *node, const char *name, float fallback) {
  const onnx_attribute *attribute = onnx_node_attribute(node, name);
  return attribute ? attribute->f : fallback;
}

static int64_t integer_of(const onnx_node *node, const char *name, int64_t fallback) {
  const onnx_attribute *attribute = onnx_node_attribute(node, name);
  return attribute ? attribute->i : fallback;
}

static const char *apply_gemm(reader *r, const onnx_node *node, unsigned data) {
  const onnx_tensor *c = constant_input(r, node, 2);
  float alpha = number_of(node, "alpha", 1), beta = number_of(node, "beta", 1);
  if (data != 0 || integer_of(node, "transA", 0) != 0)
    return fail_op(r, node, "transposed data (expected transA = 0)");
  if (!(fabsf(alpha) < 1e6f) || !(fabsf(beta) < 1e6f))
    return fail_op(r, node, "alpha or beta is too large (expected below 10^6)");
  if (node->inputs > 2 && protobuf_count(&node->input[2]) && c == NULL)
    return fail_op(r, node, "its bias is computed (expected a constant)");
  const char *reason =
      begin_layer(r, node, constant_input(r, node, 1), integer_of(node, "transB", 0) != 0, alpha);
  if (reason || c == NULL) return reason;
  if (!is_row(c)) return fail_op(r, node, "its bias does not fit (expected a row)");
  reason = check_elements(r, node, c->count, 0);
  for (size_t k = 0; reason == NULL && k < elements(r); k++)
    reason = scale_element(r, k, 1, beta * c->value[c->count == 1 ? 0 : k]);
  onnx_step *step = &r->step[r->network->steps - 1];
  step->b = c->value;
  step->count = c->count;
  step->high = beta;
  return reason;
}

static const char *apply_matmul(reader *r, const onnx_node *node, unsigned data) {
  if (data != 0) return fail_op(r, node, "data on its right (expected weights)");
  return begin_layer(r, node, constant_input(r, node, 1), 0, 1);
}

/* x + k, x - k, k - x, x k or x / k as scale x + shift; 0 for what is none of them. */
static int arithmetic(const onnx_node *node, int data_is_first, float k, float *scale,
                      float *shift) {
  *scale = 1;
  *shift = 0;
  if (protobuf_is(&node->op, "Add")) *shift = k;
  else if (protobuf_is(&node->op, "Mul")) *scale = k;
  else if (protobuf_is(&node->op, "Sub")) {
    *scale = data_is_first ? 1 : -1;
    *shift = data_is_first ? -k : k;
  } else { /* Div */
    if (!data_is_first || k == 0) return 0;
    *scale = 1 / k;
  }
  return 1;
}

static onnx_step_kind arithmetic_kind(const onnx_node *node, int data_is_first) {
  if (protobuf_is(&node->op, "Add")) return ONNX_STEP_ADD;
  if (protobuf_is(&node->op, "Mul")) return ONNX_STEP_MUL;
  if (protobuf_is(&node->op, "Div")) return ONNX_STEP_DIV;
  return data_is_first ? ONNX_STEP_SUB : ONNX_STEP_SUB_FROM;
}

/* A constant of a value for each channel, of an image whose channels come first or last. */
static int is_by_channel(const reader *r, const onnx_tensor *k) {
  if (r->at != AT_INPUT || r->is_flat || k->count == 1) return 0;
  if (r->network->is_hwc) return is_row(k);
  return k->rank >= 3 && k->shape[k->rank - 1] == 1 && k->shape[k->rank - 2] == 1 &&
         k->shape[k->rank - 3] == k->count;
}

static const char *apply_arithmetic(reader *r, const onnx_node *node, unsigned data) {
  const onnx_tensor *k = constant_input(r, node, 1 - data);
  float scale, shift;
  if (k == NULL) return fail_op(r, node, "not by a constant (expected a chain of layers)");
  int by_channel = is_by_channel(r, k);
  if (r->at == AT_DENSE && !is_row(k))
    return fail_op(r, node, "does not fit the layer (expected a value for each output)");
  const char *reason = check_elements(r, node, k->count, by_channel);
  for (size_t e = 0; reason == NULL && e < elements(r); e++) {
    if (k->count > 1 && e >= k->count) break;
    if (!arithmetic(node, data == 0, k->value[k->count == 1 ? 0 : e], &scale, &shift))
      return fail_op(r, node, "by 0 or of a constant (expected to divide by a number)");
    reason = scale_element(r, e, scale, shift);
    if (reason) return reason;
  }
  onnx_step *step = add_step(r, arithmetic_kind(node, data == 0));
  step->a = k->value;
  step->count = k->count;
  step->by_channel = r->at == AT_INPUT && !r->network->is_hwc;
  return reason;
}

static const char *apply_batch_norm(reader *r, const onnx_node *node, unsigned data) {
  const onnx_tensor *t[4];
  float epsilon = number_of(node, "epsilon", 1e-5f);
  for (unsigned i = 0; i < 4; i++) {
    t[i] = constant_input(r, node, i + 1); /* scale, shift, mean, variance */
    if (data != 0 || t[i] == NULL || t[i]->rank != 1 || t[i]->count != t[0]->count)
      return fail_op(r, node, "its constants do not fit (expected four of one size)");
  }
  if (r->at == AT_INPUT && t[0]->count > 1 && r->network->is_hwc)
    return fail_op(r, node, "channels last (expected them first)");
  const char *reason = check_elements(r, node, t[0]->count, 1);
  for (size_t k = 0; reason == NULL && k < elements(r); k++) {
    size_t from = t[0]->count == 1 ? 0 : k;
    if (from >= t[0]->count) break;
    float variance = t[3]->value[from] + epsilon;
    if (!(variance > 0))
      return fail_op(r, node, "a variance is not positive (expected numbers above 0)");
    float scale = t[0]->value[from] / sqrtf(variance);
    reason = scale_element(r, k, scale, t[1]->value[from] - scale * t[2]->value[from]);
  }
  if (reason) return reason;
  onnx_step step = {
      ONNX_STEP_NORM,    t[0]->value, t[1]->value, t[2]->value, t[3]->value, t[0]->count,
      r->at == AT_INPUT, epsilon,     0,           0,           0,           0};
  *add_step(r, ONNX_STEP_NORM) = step;
  return NULL;
}

/* Bounds of integers are bounds of what these stand for. */
static const char *activate(reader *r, const onnx_node *node, float low, float high) {
  add_clip(r, low, high);
  if (r->is_quantized) {
    low = (low - r->grid_zero) * r->grid_scale;
    high = (high - r->grid_zero) * r->grid_scale;
  }
  const char *reason = clip(r, node, low, high);
  if (reason == NULL) r->at = AT_ACTIVATION;
  return reason;
}

static const char *apply_relu(reader *r, const onnx_node *node, unsigned data) {
  (void)data;
  return activate(r, node, 0, INFINITY);
}

/* A bound: input i, or the attribute of older files. */
static const char *read_bound(reader *r, const onnx_node *node, unsigned i, const char *name,
                              float *bound) {
  const onnx_tensor *tensor = constant_input(r, node, i);
  *bound = number_of(node, name, *bound);
  if (i >= node->inputs || protobuf_count(&node->input[i]) == 0) return NULL;
  if (tensor == NULL || tensor->count != 1)
    return fail_op(r, node, "a bound is computed (expected a constant)");
  *bound = tensor->value[0];
  return NULL;
}

static const char *apply_clip(reader *r, const onnx_node *node, unsigned data) {
  float low = -INFINITY, high = INFINITY;
  const char *reason = data == 0 ? NULL : fail_op(r, node, "data as a bound (expected constants)");
  if (reason == NULL) reason = read_bound(r, node, 1, "min", &low);
  if (reason == NULL) reason = read_bound(r, node, 2, "max", &high);
  return reason ? reason : activate(r, node, low, high);
}

static const char *apply_flatten(reader *r, const onnx_node *node, unsigned data) {
  (void)data;
  r->is_flat = 1;
  return integer_of(node, "axis", 1) == 1 ? NULL : fail_op(r, node, "axis (expected 1)");
}

/* Whether a shape fits the input, the first dense layer tells. */
static const char *apply_reshape(reader *r, const onnx_node *node, unsigned data) {
  const onnx_tensor *shape = constant_input(r, node, 1);
  if (data != 0 || shape == NULL || shape->count != 2 || shape->value[0] > 1 ||
      !(shape->value[1] == -1 || shape->value[1] >= 1))
    return fail_op(r, node, "not to rows of an image each (expected the shape -1, inputs)");
  r->columns = shape->value[1] == -1 ? 0 : shape->value[1];
  r->is_flat = 1;
  if (r->columns == 0 || r->at == AT_INPUT || r->columns == (float)last_layer(r)->outputs)
    return NULL;
  return fail_op(r, node, "does not fit the layer before (expected its outputs, or -1)");
}

static const char *apply_nothing(reader *r, const onnx_node *node, unsigned data) {
  return data == 0 ? NULL : fail_unknown(r, node);
}

/* Casting to floats changes no float, and pixels' values neither. */
static const char *apply_cast(reader *r, const onnx_node *node, unsigned data) {
  if (data == 0 && integer_of(node, "to", 0) == ONNX_FLOAT) {
    r->is_bytes = 0;
    return NULL;
  }
  return fail_op(r, node, "not to floats (expected to = 1)");
}

static const char *apply_squeeze(reader *r, const onnx_node *node, unsigned data) {
  if (data == 0 && (r->at == AT_DENSE || r->at == AT_END)) return NULL;
  return fail_op(r, node, "not at the end (expected it behind the last layer)");
}

/* Does a last activation keep the order of the scores, and a single one's sign about 1/2? */
static const char *check_last(reader *r, const onnx_node *node) {
  if (protobuf_is(&node->op, "HardSigmoid") &&
      !(number_of(node, "alpha", 0.2f) > 0 && number_of(node, "beta", 0.5f) == 0.5f))
    return fail_op(r, node, "alpha or beta (expected alpha above 0 and beta = 0.5)");
  if (protobuf_is(&node->op, "Softmax") || protobuf_is(&node->op, "LogSoftmax")) {
    int64_t axis = integer_of(node, "axis", -1);
    if (axis != 1 && axis != -1) return fail_op(r, node, "axis (expected 1 or -1)");
  }
  return NULL;
}

/* A last activation that changes no class. */
static const char *apply_last(reader *r, const onnx_node *node, unsigned data) {
  char op[32];
  if (data != 0 || r->at != AT_DENSE)
    return fail_op(r, node, "not behind a dense layer (expected Gemm or MatMul before it)");
  const char *reason = check_last(r, node);
  if (reason) return reason;
  snprintf(r->network->last_op, sizeof r->network->last_op, "%.15s", shown(op, &node->op));
  r->at = AT_END;
  return NULL;
}

static onnx_step *add_grid(reader *r, onnx_step_kind kind, const grid *g) {
  onnx_step *step = add_step(r, kind);
  step->a = g->scale->value;
  step->b = g->zero ? g->zero->value : NULL;
  return step;
}

static const char *apply_quantize(reader *r, const onnx_node *node, unsigned data) {
  grid g;
  float least, most;
  const char *reason = read_grid(&g, r, node, NULL);
  if (reason) return reason;
  if (data != 0) return fail_op(r, node, "of a constant (expected floats)");
  r->is_quantized = 1;
  r->grid_scale = grid_scale(&g, 0);
  r->grid_zero = grid_zero(&g, 0);
  r->grid_type = g.type;
  grid_ends(&g, &least, &most);
  onnx_step *step = add_grid(r, ONNX_STEP_QUANTIZE, &g);
  step->low = least;
  step->high = most;
  if (r->at != AT_DENSE && r->at != AT_ACTIVATION) return NULL;
  r->seen_low = fmaxf(r->seen_low, (least - r->grid_zero) * r->grid_scale);
  r->seen_high = fminf(r->seen_high, (most - r->grid_zero) * r->grid_scale);
  return NULL;
}

/* The input's integers become floats. */
static const char *dequantize_input(reader *r, const grid *g) {
  for (size_t k = 0; k < 4; k++)
    scale_element(r, k, grid_scale(g, 0), -grid_zero(g, 0) * grid_scale(g, 0));
  r->is_bytes = 0;
  return NULL;
}

static const char *apply_dequantize(reader *r, const onnx_node *node, unsigned data) {
  grid g;
  if (data != 0 || !(r->is_quantized || r->is_bytes))
    return fail_op(r, node, "without QuantizeLinear before it (expected both)");
  const char *reason = read_grid(&g, r, node, NULL);
  if (reason) return reason;
  add_grid(r, ONNX_STEP_DEQUANTIZE, &g);
  if (r->is_bytes) return dequantize_input(r, &g);
  if (grid_scale(&g, 0) != r->grid_scale || grid_zero(&g, 0) != r->grid_zero ||
      g.type != r->grid_type)
    return fail_op(r, node, "scale, zero point or type (expected those of its QuantizeLinear)");
  r->is_quantized = 0;
  return NULL;
}

/* Does perm take [N,H,W,C] to [N,C,H,W], or that back? */
static int is_perm(const onnx_attribute *perm, int64_t b, int64_t c, int64_t d) {
  return perm && perm->numbers == 4 && perm->number[0] == 0 && perm->number[1] == b &&
         perm->number[2] == c && perm->number[3] == d;
}

static const char *apply_transpose(reader *r, const onnx_node *node, unsigned data) {
  const onnx_attribute *perm = onnx_node_attribute(node, "perm");
  int to_chw = is_perm(perm, 3, 1, 2), to_hwc = is_perm(perm, 2, 3, 1);
  (void)data; /* it has one input */
  if (r->at != AT_INPUT || r->is_flat || (!to_chw && !to_hwc))
    return fail_op(r, node, "not of an image (expected perm 0, 3, 1, 2 or 0, 2, 3, 1)");
  if (r->network->transposed == (to_chw ? 1 : -1)) return fail_op(r, node, "twice (expected one)");
  r->network->transposed += to_chw ? 1 : -1;
  r->network->is_hwc = to_hwc;
  add_step(r, to_chw ? ONNX_STEP_TO_CHW : ONNX_STEP_TO_HWC);
  return NULL;
}

/* ------------------------------------------------------------------- chain */

typedef struct operation {
  const char *op;
  const char *(*apply)(reader *r, const onnx_node *node, unsigned data);
  int takes_integers; /* between QuantizeLinear and DequantizeLinear, and of an input of bytes */
} operation;

static const operation operations[] = {{"Gemm", apply_gemm, 0},
                                       {"MatMul", apply_matmul, 0},
                                       {"Add", apply_arithmetic, 0},
                                       {"Sub", apply_arithmetic, 0},
                                       {"Mul", apply_arithmetic, 0},
                                       {"Div", apply_arithmetic, 0},
                                       {"BatchNormalization", apply_batch_norm, 0},
                                       {"Relu", apply_relu, 1},
                                       {"Clip", apply_clip, 1},
                                       {"Flatten", apply_flatten, 1},
                                       {"Reshape", apply_reshape, 1},
                                       {"Identity", apply_nothing, 1},
                                       {"Dropout", apply_nothing, 0},
                                       {"Transpose", apply_transpose, 1},
                                       {"Cast", apply_cast, 0},
                                       {"Squeeze", apply_squeeze, 1},
                                       {"Sigmoid", apply_last, 0},
                                       {"HardSigmoid", apply_last, 0},
                                       {"Softmax", apply_last, 0},
                                       {"LogSoftmax", apply_last, 0},
                                       {"QuantizeLinear", apply_quantize, 0},
                                       {"DequantizeLinear", apply_dequantize, 1}};

/* Which input of the node is the latest value?  -1: none; -2: not all others are constants. */
static int data_input(const reader *r, const onnx_node *node) {
  int data = -1;
  for (unsigned i = 0; i < node->inputs; i++) {
    if (protobuf_count(&node->input[i]) == 0) continue;
    if (protobuf_same(&node->input[i], &r->latest) && data < 0) data = (int)i;
    else if (!is_constant(r, &node->input[i])) return -2;
  }
  return data;
}

static const char *apply(reader *r, const onnx_node *node) {
  const operation *known = operations, *end = operations + sizeof operations / sizeof *operations;
  if (protobuf_count(&node->domain) && !protobuf_is(&node->domain, "ai.onnx"))
    return fail_unknown(r, node);
  while (known < end && !protobuf_is(&node->op, known->op)) known++;
  int data = data_input(r, node);
  if (data == -1) return fold(r, node);
  if (known == end) return fail_unknown(r, node);
  if (r->is_quantized && !known->takes_integers)
    return fail_op(r, node, "of quantized integers (expected DequantizeLinear before it)");
  if (r->is_bytes && !known->takes_integers && known->apply != apply_cast)
    return fail_op(r, node, "of an input of integers (expected Cast before it)");
  if (data < 0)
    return fail_op(r, node, "takes what is not the latest value (expected one chain, no branches)");
  const char *reason = known->apply(r, node, (unsigned)data);
  r->latest = node->output;
  return reason;
}

/* What the file says of its input.  Integers are a picture's bytes as they are. */
static const char *set_input(reader *r, const onnx_value *value) {
  onnx_network *network = r->network;
  uint32_t type = value->type;
  int is_float = type == 0 || type == ONNX_FLOAT || type == ONNX_DOUBLE || type == ONNX_FLOAT16;
  int is_integer = type == ONNX_UINT8 || type == ONNX_INT32 || type == ONNX_INT64;
  if (!is_float && !is_integer)
    return fail(r, "an input of element type %u (expected float, or uint8 for bytes)", type);
  network->input_is_bytes = is_integer;
  network->input_rank = value->rank;
  memcpy(network->input_shape, value->shape, sizeof network->input_shape);
  /* three channels last, or one, and something else where channels would come first */
  network->is_hwc = value->rank == 4 && (value->shape[3] == 3 || value->shape[3] == 1) &&
                    value->shape[1] != 3 && value->shape[1] != 1;
  r->is_bytes = is_integer;
  r->is_flat = value->rank != 0 && value->rank < 4;
  return NULL;
}

/* The graph's input that is no constant, and its output. */
static const char *read_ends(reader *r, protobuf graph, protobuf *output) {
  protobuf_field field;
  protobuf name;
  unsigned inputs = 0, outputs = 0;
  while (protobuf_next(&field, &graph) > 0) {
    if (field.type != PROTOBUF_BYTES) continue;
    if (field.number != ONNX_GRAPH_INPUT && field.number != ONNX_GRAPH_OUTPUT) continue;
    onnx_value value;
    const char *reason = onnx_value_read(&value, field.bytes);
    if (reason) return reason;
    name = value.name;
    if (field.number == ONNX_GRAPH_OUTPUT) {
      *output = name;
      outputs++;
    } else if (!is_constant(r, &name)) {
      r->latest = name;
      reason = set_input(r, &value);
      if (reason) return reason;
      inputs++;
    }
  }
  if (inputs == 1 && outputs == 1) return NULL;
  return fail(r, "%u inputs and %u outputs (expected one image and its scores)", inputs, outputs);
}

static const char *read_nodes(reader *r, protobuf graph) {
  protobuf_field field;
  onnx_node node;
  unsigned nodes = 0;
  const char *reason = NULL;
  while (reason == NULL && protobuf_next(&field, &graph) > 0) {
    if (field.number != ONNX_GRAPH_NODE || field.type != PROTOBUF_BYTES) continue;
    if (nodes == NODES_MAX) return "more than 1024 nodes (expected fewer)";
    r->node = nodes++;
    reason = onnx_node_read(&node, field.bytes);
    if (reason == NULL) reason = apply(r, &node);
  }
  return reason;
}

/* Folding may have left floats' range. */
static const char *check_values(reader *r) {
  for (uint32_t l = 0; l < r->network->layer_count; l++) {
    const ppml_float_layer *layer = &r->network->layer[l];
    size_t weights = (size_t)layer->inputs * layer->outputs;
    int finite = 1;
    for (size_t i = 0; i < weights; i++) finite &= fabsf(layer->weight[i]) < 1e30f;
    for (uint32_t j = 0; j < layer->outputs; j++) finite &= fabsf(layer->bias[j]) < 1e30f;
    if (!finite) return "a weight is no number, or infinite (expected numbers)";
  }
  for (int k = 0; k < 4; k++)
    if (!(fabsf(r->network->input_scale[k]) < 1e30f) || r->network->input_scale[k] == 0 ||
        !(fabsf(r->network->input_shift[k]) < 1e30f))
      return "the input is scaled by what is no number, or 0 (expected numbers)";
  return NULL;
}

static const char *read_chain(reader *r, protobuf graph) {
  protobuf output = graph;
  const char *reason = read_constants(r, graph);
  if (reason == NULL) reason = read_ends(r, graph, &output);
  if (reason == NULL) reason = read_nodes(r, graph);
  if (reason) return reason;
  if (!protobuf_same(&r->latest, &output))
    return "the last node does not make the output (expected one chain, no branches)";
  if (r->at != AT_DENSE && r->at != AT_END)
    return "no dense layer at the end (expected Gemm or MatMul, whose results are logits)";
  if (r->is_quantized) return "results that are quantized (expected DequantizeLinear at the end)";
  return check_values(r);
}

const char *onnx_read(onnx_network *network, const void *bytes, size_t count, void *memory,
                      size_t memory_bytes) {
  protobuf graph;
  reader r = {.network = network,
              .seen_low = -INFINITY,
              .seen_high = INFINITY,
              .memory = memory,
              .memory_bytes = memory_bytes};
  memset(network, 0, sizeof *network);
  for (int k = 0; k < 4; k++) network->input_scale[k] = 1;
  r.work = 4096 + WORK_PER_BYTE * count;
  r.constant = (onnx_tensor *)take(&r, CONSTANTS_MAX * sizeof *r.constant);
  r.step = (onnx_step *)take(&r, NODES_MAX * sizeof *r.step);
  if (r.constant == NULL || r.step == NULL) return fail(&r, "%s", no_memory);
  network->step = r.step;
  const char *reason = onnx_graph_find(&graph, bytes, count);
  if (reason == NULL) reason = read_chain(&r, graph);
  if (reason == NULL) return NULL;
  if (reason != network->message) fail(&r, "%s", reason);
  network->layer_count = 0;
  return network->message;
}
