/* onnx_graph.c - see onnx_graph.h: memory, names and constants. */
#include "onnx_graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ memory */

const char graph_spent[] =
    "its constants are used too often, or it is too large (expected each used once)";

void *graph_take(onnx_graph *g, size_t bytes) {
  size_t rounded = (bytes + 15) & ~(size_t)15;
  if (rounded < bytes || rounded > g->memory_bytes) {
    g->is_spent = 1;
    return NULL;
  }
  void *block = g->memory;
  g->memory += rounded;
  g->memory_bytes -= rounded;
  return block;
}

/* A node may look at all of a constant, and there are many nodes: together they may look at so many
 * values. */
static int spend(onnx_graph *g, size_t values) {
  if (values > g->work) {
    g->is_spent = 1;
    return 0;
  }
  g->work -= values;
  return 1;
}

float *graph_take_floats(onnx_graph *g, size_t count) {
  if (!spend(g, count)) return NULL;
  return (float *)graph_take(g, count * sizeof(float));
}

uint32_t *graph_take_index(onnx_graph *g, size_t count) {
  if (!spend(g, count)) return NULL;
  return (uint32_t *)graph_take(g, count * sizeof(uint32_t));
}

/* ------------------------------------------------------------------- names */

/* FNV-1a over the scope and the name; never 0. */
static uint64_t hash_of(uint32_t scope, const protobuf *name) {
  uint64_t hash = 14695981039346656037U ^ scope;
  for (const uint8_t *at = name->at; at < name->end; at++) hash = (hash ^ *at) * 1099511628211U;
  hash ^= hash >> 32;
  return hash ? hash : 1;
}

/* The place of a name, or the free one where it would go. */
static graph_name *place_of(const onnx_graph *g, const protobuf *name) {
  uint64_t hash = hash_of(g->scope, name);
  for (uint64_t i = hash;; i++) {
    graph_name *at = &g->name[i % GRAPH_NAMES];
    if (at->hash == 0) return at;
    if (at->hash == hash && at->scope == g->scope && protobuf_same(&at->name, name)) return at;
  }
}

graph_value *graph_find(onnx_graph *g, const protobuf *name) {
  const graph_name *at = place_of(g, name);
  return at->hash ? &g->value[at->value] : NULL;
}

static const char *put_name(onnx_graph *g, const protobuf *name, size_t value) {
  graph_name *at = place_of(g, name);
  if (at->hash) return "two values of one name (expected one)";
  at->hash = hash_of(g->scope, name);
  at->scope = g->scope;
  at->name = *name;
  at->value = (uint32_t)value;
  return NULL;
}

graph_value *graph_add(onnx_graph *g, const protobuf *name, const char **reason) {
  *reason = "more than 8192 values (expected fewer)";
  if (g->values == GRAPH_VALUES_MAX) return NULL;
  *reason = put_name(g, name, g->values);
  if (*reason) return NULL;
  graph_value *value = &g->value[g->values++];
  memset(value, 0, sizeof *value);
  return value;
}

const char *graph_bind(onnx_graph *g, const protobuf *name, const graph_value *value) {
  const char *reason;
  graph_value copy = *value, *to = graph_add(g, name, &reason);
  if (to == NULL) return reason;
  *to = copy;
  return NULL;
}

const char *graph_shown(char text[64], const protobuf *name) {
  size_t count = protobuf_count(name), i = 0;
  for (; i < 63 && i < count; i++)
    text[i] = (char)(name->at[i] >= 0x20 && name->at[i] < 0x7F ? name->at[i] : '?');
  text[i] = 0;
  return text;
}

const char *graph_refusal(onnx_graph *g, const onnx_node *node, const char *reason) {
  char text[ONNX_MESSAGE_BYTES], name[64], op[64];
  const protobuf *called = protobuf_count(&node->name) ? &node->name : &node->output[0];
  snprintf(text, sizeof text, "node %u, %s: op %.40s%s%s", g->node, graph_shown(name, called),
           graph_shown(op, &node->op), reason[0] == ' ' || reason[0] == 0 ? "" : ": ", reason);
  return graph_text(g, text, "");
}

const char *graph_text(onnx_graph *g, const char *text, const char *more) {
  size_t first = strlen(text), second = strlen(more);
  char *kept = (char *)graph_take(g, first + second + 1);
  if (kept == NULL) return graph_spent;
  snprintf(kept, first + second + 1, "%s%s", text, more);
  return kept;
}

/* ------------------------------------------------------------------ values */

int graph_is_integer(uint32_t type) {
  return type != ONNX_FLOAT && type != ONNX_DOUBLE && type != ONNX_FLOAT16 && type != ONNX_BFLOAT16;
}

const char *graph_decode(onnx_graph *g, graph_value *value) {
  onnx_tensor tensor;
  if (value->kind != GRAPH_TENSOR) return NULL;
  const char *reason = onnx_tensor_read(&tensor, value->tensor, g->external, g->externals);
  if (reason) return reason;
  float *numbers = graph_take_floats(g, tensor.count);
  if (numbers == NULL) return graph_spent;
  reason = onnx_tensor_decode(numbers, &tensor);
  if (reason) return reason;
  for (size_t i = 0; i < tensor.count; i++)
    if (isnan(numbers[i])) return "a constant is no number (expected numbers)";
  value->kind = GRAPH_CONSTANT;
  value->type = tensor.type;
  value->rank = tensor.rank;
  memcpy(value->side, tensor.shape, sizeof value->side);
  value->count = tensor.count;
  value->value = numbers;
  return NULL;
}

float *graph_make_constant(onnx_graph *g, graph_value *out, uint32_t type, unsigned rank,
                           const size_t *side) {
  out->kind = GRAPH_CONSTANT;
  out->type = type;
  out->rank = rank;
  out->count = 1;
  for (unsigned i = 0; i < rank; i++) {
    out->side[i] = side[i];
    if (side[i] > ONNX_ELEMENTS_MAX) {
      g->is_spent = 1;
      return NULL;
    }
    out->count *= side[i];
  }
  float *value = graph_take_floats(g, out->count);
  out->value = value;
  return value;
}
