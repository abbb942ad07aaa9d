/* onnx.c - see onnx.h: the model around a graph.  Nodes stand in the order in which they are computed, so
 * one pass over them works all values out; a function of the file's own is read where it is called. */
#include "onnx.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "onnx_graph.h"

enum {
  FUNCTIONS_MAX = 256,
  OUTPUTS_MAX = 16,
  WORK_PER_BYTE = 16, /* values looked at or made, for a byte of the file */
  WORK_PER_PIXEL = 256,
  MEMORY_PER_BYTE = 20 /* a byte becomes a float, in several orders */
};

/* The model while it is read. */
typedef struct reader {
  onnx_graph graph;
  const onnx_request *request;
  onnx_function *function; /* [FUNCTIONS_MAX] */
  size_t functions;
  protobuf output[OUTPUTS_MAX];
  unsigned outputs;
} reader;

static const char damaged[] = "a damaged ONNX file (expected a GraphProto)";

/* ---------------------------------------------------------------- the input */

enum { LOOKS_MAX = 1 << 20 }; /* at constants, for one name after the other */

/* Is it the name of a constant?  Older files list these among the inputs.
 *   looks  in and out: how often a constant may still be looked at */
static int is_initializer(protobuf graph, const protobuf *name, size_t *looks) {
  protobuf_field field;
  while (*looks > 0 && protobuf_next(&field, &graph) > 0) {
    if (field.number != ONNX_GRAPH_TENSOR || field.type != PROTOBUF_BYTES) continue;
    const protobuf tensor = onnx_tensor_name(field.bytes);
    if (protobuf_same(&tensor, name)) return 1;
    --*looks;
  }
  return 0;
}

/* The first input that is no constant. */
static const char *find_input(onnx_value *value, protobuf graph) {
  protobuf_field field;
  protobuf rest = graph;
  size_t looks = LOOKS_MAX;
  while (protobuf_next(&field, &rest) > 0) {
    if (field.number != ONNX_GRAPH_INPUT || field.type != PROTOBUF_BYTES) continue;
    const char *reason = onnx_value_read(value, field.bytes);
    if (reason) return reason;
    if (is_initializer(graph, &value->name, &looks)) continue;
    return looks ? NULL : "too many inputs that are constants (expected the image first)";
  }
  return "no input (expected an image)";
}

/* There is one input that is no constant, and this is it. */
static const char *check_input(onnx_graph *g, protobuf graph, const onnx_value *input) {
  protobuf_field field;
  onnx_value value;
  while (protobuf_next(&field, &graph) > 0) {
    if (field.number != ONNX_GRAPH_INPUT || field.type != PROTOBUF_BYTES) continue;
    const char *reason = onnx_value_read(&value, field.bytes);
    if (reason) return reason;
    if (!protobuf_same(&value.name, &input->name) && graph_find(g, &value.name) == NULL)
      return "several inputs (expected one, the image)";
  }
  return NULL;
}

/* Does perm take [N,H,W,C] to [N,C,H,W], or that back? */
static int is_perm(const onnx_attribute *perm, int64_t b, int64_t c, int64_t d) {
  return perm && perm->numbers == 4 && perm->number[0] == 0 && perm->number[1] == b &&
         perm->number[2] == c && perm->number[3] == d;
}

/* A Transpose of the input tells where its channels are. */
static void find_layout(onnx_input *input, const protobuf *name, protobuf graph) {
  protobuf_field field;
  onnx_node node;
  while (protobuf_next(&field, &graph) > 0) {
    if (field.number != ONNX_GRAPH_NODE || field.type != PROTOBUF_BYTES) continue;
    if (onnx_node_read(&node, field.bytes)) return; /* told when it is applied */
    if (node.inputs != 1 || !protobuf_same(&node.input[0], name)) continue;
    const onnx_attribute *perm = onnx_node_attribute(&node, "perm");
    if (!protobuf_is(&node.op, "Transpose")) continue;
    if (is_perm(perm, 3, 1, 2)) input->is_hwc = 1;
    if (is_perm(perm, 2, 3, 1)) input->is_chw = 1;
  }
}

/* Whether it takes bytes, or floats. */
static const char *read_type(int *is_bytes, uint32_t type) {
  int is_float = type == 0 || type == ONNX_FLOAT || type == ONNX_DOUBLE || type == ONNX_FLOAT16 ||
                 type == ONNX_BFLOAT16;
  *is_bytes = type == ONNX_UINT8 || type == ONNX_INT32 || type == ONNX_INT64;
  return is_float || *is_bytes
             ? NULL
             : "an input of another element type (expected float, or uint8 for bytes)";
}

const char *onnx_input_read(onnx_input *input, const void *bytes, size_t count) {
  protobuf graph;
  onnx_value value;
  memset(input, 0, sizeof *input);
  const char *reason = onnx_graph_find(&graph, bytes, count);
  if (reason == NULL) reason = find_input(&value, graph);
  if (reason == NULL) reason = read_type(&input->is_bytes, value.type);
  if (reason) return reason;
  input->rank = value.rank;
  memcpy(input->shape, value.shape, sizeof input->shape);
  /* three channels last, or one, and something else where channels would come first */
  input->is_hwc = value.rank == 4 && (value.shape[3] == 3 || value.shape[3] == 1) &&
                  value.shape[1] != 3 && value.shape[1] != 1;
  find_layout(input, &value.name, graph);
  return NULL;
}

/* The image as the graph's input: one of a batch. */
static const char *add_input(reader *r, const onnx_value *value) {
  onnx_graph *g = &r->graph;
  const onnx_image *image = &r->request->image;
  size_t h = image->height, w = image->width, c = image->channels, count = h * w * c;
  const size_t hwc[4] = {1, h, w, c}, chw[4] = {1, c, h, w};
  const char *reason = read_type(&g->network->input_is_bytes, value->type);
  uint32_t type = value->type ? value->type : (uint32_t)ONNX_FLOAT;
  if (reason) return reason;
  if (count == 0 || count > PPML_INPUTS_MAX)
    return "images of no size, or of too many values (expected at most 65536)";
  graph_value *v = graph_add(g, &value->name, &reason);
  if (v == NULL) return reason;
  if (graph_add_step(g, ONNX_OP_INPUT, count, type) == NULL) return graph_spent;
  graph_core *core = graph_add_core(g, CORE_IMAGE, NULL, count);
  if (core == NULL) return graph_spent;
  g->meaning[0].core = 0;
  v->kind = GRAPH_DATA;
  v->type = type;
  v->count = count;
  v->rank = value->rank ? value->rank : 2;
  memcpy(v->side, image->is_hwc ? hwc : chw, sizeof hwc);
  if (v->rank == 3) v->side[1] = h, v->side[2] = w;
  if (v->rank == 3 && c > 1) return "an input of three dimensions (expected a batch of images)";
  if (v->rank == 2) v->side[1] = count;
  if (v->rank == 1) v->side[0] = count;
  g->batch = value->rank > 1 && value->shape[0] ? value->shape[0] : 1;
  return NULL;
}

/* ---------------------------------------------------------------- constants */

/* All initializers, wherever they stand in the graph; those that nothing takes are not looked at. */
static const char *read_constants(onnx_graph *g, protobuf graph) {
  protobuf_field field;
  const char *reason = NULL;
  int more = 0;
  while (reason == NULL && (more = protobuf_next(&field, &graph)) > 0) {
    if (field.number != ONNX_GRAPH_TENSOR || field.type != PROTOBUF_BYTES) continue;
    const protobuf name = onnx_tensor_name(field.bytes);
    if (protobuf_count(&name) > ONNX_NAME_BYTES_MAX)
      return "a tensor has a name of more than 512 bytes (expected less)";
    if (protobuf_count(&name) == 0) return "a constant has no name (expected one)";
    graph_value *value = graph_add(g, &name, &reason);
    if (value == NULL) return reason;
    value->kind = GRAPH_TENSOR;
    value->tensor = field.bytes;
  }
  return reason || more == 0 ? reason : damaged;
}

/* ------------------------------------------------------------------- nodes */

static void spoil(graph_call *call, const char *reason) {
  for (unsigned k = 0; k < call->node->outputs; k++) {
    call->out[k].kind = GRAPH_BAD;
    call->out[k].reason = reason;
  }
}

/* The node's inputs.  NULL, or why one cannot be read. */
static const char *find_inputs(onnx_graph *g, graph_call *call) {
  const onnx_node *node = call->node;
  for (unsigned i = 0; i < node->inputs; i++) {
    if (protobuf_count(&node->input[i]) == 0) continue;
    graph_value *v = call->in[i] = graph_find(g, &node->input[i]);
    if (v == NULL)
      return graph_refusal(g, node, "takes what no node before it makes (expected nodes in order)");
    if (v->kind == GRAPH_BAD) return v->reason;
    const char *reason = graph_decode(g, v);
    if (g->is_spent) return graph_spent;
    if (reason) return graph_refusal(g, node, reason);
  }
  return NULL;
}

/* Names for what the node made. */
static const char *add_outputs(onnx_graph *g, const graph_call *call) {
  const onnx_node *node = call->node;
  for (unsigned k = 0; k < node->outputs; k++) {
    graph_value value = call->out[k];
    if (protobuf_count(&node->output[k]) == 0) continue;
    if (value.kind == GRAPH_NOTHING) {
      value.kind = GRAPH_BAD;
      value.reason = graph_refusal(g, node, "a further result of it is used (expected its first)");
    }
    const char *reason = graph_bind(g, &node->output[k], &value);
    if (reason) return reason;
  }
  return g->is_spent ? graph_spent : NULL;
}

static const char *apply_node(onnx_graph *g, const onnx_node *node) {
  graph_call call = {.node = node};
  const char *reason = find_inputs(g, &call);
  if (reason) spoil(&call, reason);
  else {
    reason = graph_apply(g, &call);
    if (reason && !g->is_spent) spoil(&call, graph_refusal(g, node, reason));
  }
  return g->is_spent ? graph_spent : add_outputs(g, &call);
}

/* --------------------------------------------------------------- functions */

static const char *read_nodes(reader *r, protobuf message, uint32_t field_number,
                              const onnx_function *inside, const onnx_node *caller, unsigned depth);

static const onnx_function *find_function(const reader *r, const onnx_node *node) {
  for (size_t i = 0; i < r->functions; i++)
    if (protobuf_same(&r->function[i].op, &node->op) &&
        protobuf_same(&r->function[i].domain, &node->domain))
      return &r->function[i];
  return NULL;
}

/* The attribute of that name that a function has where its call gives none; 0 if there is none. */
static int find_default(onnx_attribute *out, const onnx_function *f, const protobuf *name) {
  protobuf message = f->whole;
  protobuf_field field;
  while (protobuf_next(&field, &message) > 0) {
    if (field.number != ONNX_FUNCTION_DEFAULT || field.type != PROTOBUF_BYTES) continue;
    if (onnx_attribute_read(out, field.bytes) == NULL && protobuf_same(&out->name, name)) return 1;
  }
  return 0;
}

/* Inside a function attributes may be those of its call. */
static void resolve_attributes(onnx_node *node, const onnx_function *f, const onnx_node *caller) {
  unsigned kept = 0;
  for (unsigned i = 0; i < node->attributes; i++) {
    onnx_attribute a = node->attribute[i], found;
    const onnx_attribute *given = NULL;
    for (unsigned k = 0; protobuf_count(&a.reference) && k < caller->attributes; k++)
      if (protobuf_same(&caller->attribute[k].name, &a.reference)) given = &caller->attribute[k];
    if (protobuf_count(&a.reference) && given == NULL) {
      if (!find_default(&found, f, &a.reference)) continue;
      given = &found;
    }
    node->attribute[kept] = given ? *given : a;
    node->attribute[kept++].name = a.name;
  }
  node->attributes = kept;
}

/* The caller's values under the names that the function has for them. */
static const char *bind_inputs(onnx_graph *g, const onnx_function *f, const onnx_node *node,
                               uint32_t outside, uint32_t inside) {
  for (unsigned i = 0; i < f->inputs && i < node->inputs; i++) {
    g->scope = outside;
    const graph_value *v = protobuf_count(&node->input[i]) ? graph_find(g, &node->input[i]) : NULL;
    if (v == NULL) continue;
    g->scope = inside;
    const char *reason = graph_bind(g, &f->input[i], v);
    if (reason) return reason;
  }
  return NULL;
}

static const char *bind_outputs(onnx_graph *g, const onnx_function *f, const onnx_node *node,
                                uint32_t outside, uint32_t inside) {
  for (unsigned k = 0; k < f->outputs && k < node->outputs; k++) {
    if (protobuf_count(&node->output[k]) == 0) continue;
    g->scope = inside;
    const graph_value *v = graph_find(g, &f->output[k]);
    g->scope = outside;
    if (v == NULL) continue; /* told by what takes it */
    const char *reason = graph_bind(g, &node->output[k], v);
    if (reason) return reason;
  }
  return NULL;
}

static const char *call_function(reader *r, const onnx_function *f, const onnx_node *node,
                                 unsigned depth) {
  onnx_graph *g = &r->graph;
  uint32_t outside = g->scope, inside = ++g->scopes;
  if (depth == GRAPH_DEPTH_MAX)
    return "functions that call one another more than 8 deep (expected fewer)";
  const char *reason = bind_inputs(g, f, node, outside, inside);
  g->scope = inside;
  if (reason == NULL) reason = read_nodes(r, f->whole, ONNX_FUNCTION_NODE, f, node, depth + 1);
  if (reason == NULL) reason = bind_outputs(g, f, node, outside, inside);
  g->scope = outside;
  return reason;
}

/* The nodes of a graph, or of a function that a caller calls. */
static const char *read_nodes(reader *r, protobuf message, uint32_t field_number,
                              const onnx_function *inside, const onnx_node *caller,
                              unsigned depth) {
  onnx_graph *g = &r->graph;
  protobuf_field field;
  unsigned place = 0;
  const char *reason = NULL;
  while (reason == NULL && protobuf_next(&field, &message) > 0) {
    onnx_node node;
    if (field.number != field_number || field.type != PROTOBUF_BYTES) continue;
    if (g->nodes++ == GRAPH_NODES_MAX) return "more than 4096 nodes (expected fewer)";
    if (depth == 0) g->node = place++;
    reason = onnx_node_read(&node, field.bytes);
    if (reason) break;
    if (inside) resolve_attributes(&node, inside, caller);
    const onnx_function *f = find_function(r, &node);
    reason = f ? call_function(r, f, &node, depth) : apply_node(g, &node);
  }
  return reason;
}

static const char *read_functions(reader *r) {
  protobuf model = protobuf_of(r->request->bytes, r->request->count);
  onnx_function f;
  int more;
  while ((more = onnx_function_next(&f, &model)) > 0) {
    if (r->functions == FUNCTIONS_MAX) return "more than 256 functions (expected fewer)";
    r->function[r->functions++] = f;
  }
  return more < 0 ? "a damaged function (expected a FunctionProto)" : NULL;
}

/* ------------------------------------------------------------------ outputs */

static const char *read_outputs(reader *r, protobuf graph) {
  protobuf_field field;
  while (protobuf_next(&field, &graph) > 0) {
    onnx_value value;
    if (field.number != ONNX_GRAPH_OUTPUT || field.type != PROTOBUF_BYTES) continue;
    const char *reason = onnx_value_read(&value, field.bytes);
    if (reason) return reason;
    if (r->outputs == OUTPUTS_MAX) return "more than 16 outputs (expected fewer)";
    r->output[r->outputs++] = value.name;
  }
  return r->outputs ? NULL : "no output (expected scores)";
}

/* The names of all outputs, for a message. */
static const char *list_outputs(reader *r, const char *what) {
  char text[200], name[64];
  size_t length = 0;
  text[0] = 0;
  for (unsigned k = 0; k < r->outputs && length < sizeof text - 70; k++)
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", k ? ", " : "",
                               graph_shown(name, &r->output[k]));
  char *message = r->graph.network->message;
  snprintf(message, ONNX_MESSAGE_BYTES, "%s (expected --output, one of: %s)", what, text);
  return message;
}

/* How far an output is from logits, or -1. */
static int rate_output(reader *r, unsigned k, size_t *scores, const char **reason) {
  const graph_value *v = graph_find(&r->graph, &r->output[k]);
  *reason = "an output that no node makes (expected one that depends on the image)";
  return v ? graph_rate_output(&r->graph, v, scores, reason) : -1;
}

/* What an output was found to be. */
typedef struct candidate {
  int rate; /* -1: not the scores */
  size_t step;
} candidate;

/* Does another output claim as well to be the scores, and has others? */
static int is_tied(const candidate *c, unsigned count, unsigned k) {
  for (unsigned i = 0; i < count; i++)
    if (i != k && c[i].rate == c[k].rate && c[i].step != c[k].step) return 1;
  return 0;
}

/* The output to take: the one that was asked for, the only one, or the one nearest to logits.  Where two
 * are as near, as the columns of probabilities are, it is the next one. */
static const char *choose_output(reader *r, size_t *scores) {
  const char *wanted = r->request->output, *reason = NULL, *first = NULL;
  candidate c[OUTPUTS_MAX];
  int best = -1, possible = 0;
  for (unsigned k = 0; k < r->outputs; k++) {
    c[k].rate = -1;
    if (wanted && !protobuf_is(&r->output[k], wanted)) continue;
    c[k].rate = rate_output(r, k, &c[k].step, &reason);
    if (c[k].rate < 0 && first == NULL) first = reason;
    possible |= c[k].rate >= 0;
  }
  for (unsigned k = 0; k < r->outputs; k++)
    if (c[k].rate >= 0 && !is_tied(c, r->outputs, k) && (best < 0 || c[k].rate < c[best].rate))
      best = (int)k;
  if (!possible) return first ? first : list_outputs(r, "no such output");
  if (best < 0) return list_outputs(r, "several outputs that may be the scores");
  rate_output(r, (unsigned)best, scores, &reason); /* once more, for its last op */
  return r->graph.is_spent ? graph_spent : NULL;
}

/* --------------------------------------------------------------------- run */

size_t onnx_memory_bytes(size_t file_bytes) {
  return 4096 + FUNCTIONS_MAX * sizeof(onnx_function) + GRAPH_NAMES * sizeof(graph_name) +
         GRAPH_VALUES_MAX * sizeof(graph_value) +
         GRAPH_STEPS_MAX * (sizeof(onnx_step) + sizeof(graph_meaning) + sizeof(graph_core)) +
         64 * sizeof(float) * PPML_INPUTS_MAX + MEMORY_PER_BYTE * file_bytes;
}

static int start(reader *r, const onnx_request *request) {
  onnx_graph *g = &r->graph;
  size_t bytes = request->count;
  for (size_t i = 0; i < request->externals; i++)
    bytes += protobuf_count(&request->external[i].bytes);
  g->work = ((size_t)1 << 20) + WORK_PER_BYTE * bytes +
            WORK_PER_PIXEL * request->image.height * request->image.width * request->image.channels;
  g->external = request->external;
  g->externals = request->externals;
  g->batch = 1;
  g->name = (graph_name *)graph_take(g, GRAPH_NAMES * sizeof *g->name);
  g->value = (graph_value *)graph_take(g, GRAPH_VALUES_MAX * sizeof *g->value);
  g->step = (onnx_step *)graph_take(g, GRAPH_STEPS_MAX * sizeof *g->step);
  g->meaning = (graph_meaning *)graph_take(g, GRAPH_STEPS_MAX * sizeof *g->meaning);
  g->core = (graph_core *)graph_take(g, GRAPH_STEPS_MAX * sizeof *g->core);
  r->function = (onnx_function *)graph_take(g, FUNCTIONS_MAX * sizeof *r->function);
  r->request = request;
  if (g->is_spent) return 0;
  memset(g->name, 0, GRAPH_NAMES * sizeof *g->name);
  return 1;
}

static const char *read_model(reader *r) {
  onnx_graph *g = &r->graph;
  onnx_value input;
  protobuf graph;
  size_t scores = 0;
  const char *reason = onnx_graph_find(&graph, r->request->bytes, r->request->count);
  if (reason == NULL) reason = read_constants(g, graph);
  if (reason == NULL) reason = find_input(&input, graph);
  if (reason == NULL) reason = check_input(g, graph, &input);
  if (reason == NULL) reason = add_input(r, &input);
  if (reason == NULL) reason = read_outputs(r, graph);
  if (reason == NULL) reason = read_functions(r);
  if (reason == NULL) reason = read_nodes(r, graph, ONNX_GRAPH_NODE, NULL, NULL, 0);
  if (reason == NULL) reason = choose_output(r, &scores);
  return reason ? reason : graph_make_layers(g, scores, &r->request->image);
}

const char *onnx_read(onnx_network *network, const onnx_request *request, void *memory,
                      size_t memory_bytes) {
  reader r = {.graph = {.network = network,
                        .memory = (unsigned char *)memory,
                        .memory_bytes = memory_bytes}};
  memset(network, 0, sizeof *network);
  const char *reason = start(&r, request) ? read_model(&r) : graph_spent;
  if (reason == NULL) return NULL;
  network->layer_count = 0;
  if (reason != network->message) snprintf(network->message, sizeof network->message, "%s", reason);
  return network->message;
}
