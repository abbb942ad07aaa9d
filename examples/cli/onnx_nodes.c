/* onnx_nodes.c - see onnx_graph.h: what each op does to constants and to what becomes of the image. */
#include <math.h>
#include <string.h>

#include "onnx_graph.h"

/* -------------------------------------------------------------- attributes */

static float number_of(const onnx_node *node, const char *name, float fallback) {
  const onnx_attribute *attribute = onnx_node_attribute(node, name);
  return attribute ? attribute->f : fallback;
}

static int64_t integer_of(const onnx_node *node, const char *name, int64_t fallback) {
  const onnx_attribute *attribute = onnx_node_attribute(node, name);
  return attribute ? attribute->i : fallback;
}

static graph_value *input(const graph_call *call, unsigned i) {
  return i < call->node->inputs ? call->in[i] : NULL;
}

static int is_constant(const graph_value *v) {
  return v && v->kind == GRAPH_CONSTANT;
}

static int is_data(const graph_value *v) {
  return v && v->kind == GRAPH_DATA;
}

/* Whole numbers are held within these, so that a few of them may be multiplied; no side is as large. */
#define WHOLE_MOST 1000000000

/* A whole number of a constant.  NaN counts as the least. */
static int64_t whole_at(const graph_value *v, size_t i) {
  float x = v->value[i];
  return !(x >= -WHOLE_MOST) ? -WHOLE_MOST : x > WHOLE_MOST ? WHOLE_MOST : (int64_t)x;
}

static int64_t hold_whole(int64_t x) {
  return x < -WHOLE_MOST ? -WHOLE_MOST : x > WHOLE_MOST ? WHOLE_MOST : x;
}

/* Whole numbers of an input or, in older files, an attribute of that name. */
typedef struct whole_list {
  size_t count;
  int64_t number[ONNX_RANK_MAX];
  int is_given;
} whole_list;

static const char *read_list(whole_list *list, const graph_call *call, unsigned i,
                             const char *name) {
  const onnx_attribute *attribute = onnx_node_attribute(call->node, name);
  const graph_value *v = input(call, i);
  memset(list, 0, sizeof *list);
  if (v && !is_constant(v))
    return "a shape or axis is computed from the image (expected constants)";
  list->count = v ? v->count : attribute ? attribute->numbers : 0;
  list->is_given = v || attribute;
  if (list->count > ONNX_RANK_MAX) return "more than 8 dimensions (expected fewer)";
  for (size_t k = 0; k < list->count; k++)
    list->number[k] = v ? whole_at(v, k) : hold_whole(attribute->number[k]);
  return NULL;
}

/* Axis counted from the front; -1 if there is none. */
static int axis_of(int64_t axis, unsigned rank) {
  if (axis < 0) axis += rank;
  return axis < 0 || axis >= rank ? -1 : (int)axis;
}

static const char bad_axis[] = "no such axis (expected one of its dimensions)";

/* ------------------------------------------------------------------ shapes */

static void set_shape(graph_value *v, unsigned rank, const size_t *side) {
  v->rank = rank;
  v->count = 1;
  for (unsigned i = 0; i < rank; i++) {
    v->side[i] = side[i];
    v->count *= side[i];
  }
}

/* The same values in another shape. */
static const char *alias(graph_value *out, const graph_value *in, unsigned rank,
                         const size_t *side) {
  size_t count = in->count;
  *out = *in;
  set_shape(out, rank, side);
  return out->count == count ? NULL : "does not fit (expected a shape of as many values)";
}

/* The shape that two make together; 0 if they do not fit one another. */
static int broadcast_shape(graph_value *to, const graph_value *v) {
  unsigned rank = to->rank > v->rank ? to->rank : v->rank;
  size_t side[ONNX_RANK_MAX];
  for (unsigned i = 0; i < rank; i++) {
    size_t a = i + to->rank < rank ? 1 : to->side[i + to->rank - rank];
    size_t b = i + v->rank < rank ? 1 : v->side[i + v->rank - rank];
    if (a != b && a != 1 && b != 1) return 0;
    side[i] = a == 1 ? b : a;
  }
  size_t count = 1;
  for (unsigned i = 0; i < rank; i++) {
    count *= side[i];
    if (count > GRAPH_COUNT_MAX) return 0;
  }
  set_shape(to, rank, side);
  return 1;
}

/* Which value of `from` each value of the larger shape `to` is. */
static uint32_t *broadcast_index(onnx_graph *g, const graph_value *to, const graph_value *from) {
  uint32_t *index = graph_take_index(g, to->count);
  for (size_t i = 0; index && i < to->count; i++) {
    size_t rest = i, at = 0, step = 1;
    for (unsigned k = 0; k < to->rank; k++) {
      size_t side = to->side[to->rank - 1 - k], place = rest % side;
      rest /= side;
      if (k >= from->rank) continue;
      size_t own = from->side[from->rank - 1 - k];
      at += own == 1 ? 0 : place * step;
      step *= own;
    }
    index[i] = (uint32_t)at;
  }
  return index;
}

/* ------------------------------------------------------------------ moving */

static int is_identity(const uint32_t *index, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (index[i] != i) return 0;
  return 1;
}

/* Values index[0], index[1] ... of a step. */
static const char *gather_step(onnx_graph *g, size_t *step, size_t from, const uint32_t *index,
                               size_t count) {
  onnx_step *s = graph_add_step(g, ONNX_OP_GATHER, count, g->step[from].type);
  if (s == NULL) return "more than 4096 steps (expected fewer)";
  s->operands = 1;
  s->in[0] = (onnx_operand){(int)from, NULL, g->step[from].count};
  s->index = index;
  *step = g->steps - 1;
  return graph_pick(g, &g->meaning[*step], &g->meaning[from], index, count);
}

/* Values index[0], index[1] ... of a constant or of data, in a shape. */
static const char *move(onnx_graph *g, graph_value *out, const graph_value *in,
                        const uint32_t *index, unsigned rank, const size_t *side) {
  graph_value shape = *in;
  set_shape(&shape, rank, side);
  if (shape.count == in->count && is_identity(index, shape.count))
    return alias(out, in, rank, side);
  if (is_data(in)) {
    *out = shape;
    return gather_step(g, &out->step, in->step, index, shape.count);
  }
  float *to = graph_make_constant(g, out, in->type, rank, side);
  if (to == NULL) return graph_spent;
  for (size_t i = 0; i < out->count; i++) to[i] = in->value[index[i]];
  return NULL;
}

/* ------------------------------------------------------------ single values */

/* A step of single values: op and its parameters. */
typedef struct single {
  onnx_op op;
  float p[2];
  uint32_t type; /* of the results */
} single;

static const char *fold_single(onnx_graph *g, graph_value *out, const single *f,
                               graph_value *const *x, unsigned count, const graph_value *shape) {
  onnx_step step = {.op = f->op, .p = {f->p[0], f->p[1]}, .type = f->type};
  const uint32_t *index[3] = {NULL, NULL, NULL};
  float *to = graph_make_constant(g, out, f->type, shape->rank, shape->side);
  if (to == NULL) return graph_spent;
  for (unsigned k = 0; k < count; k++) {
    if (x[k]->count == shape->count || x[k]->count == 1) continue;
    index[k] = broadcast_index(g, shape, x[k]);
    if (index[k] == NULL) return graph_spent;
  }
  for (size_t i = 0; i < out->count; i++) {
    float v[3] = {0, 0, 0};
    for (unsigned k = 0; k < count; k++)
      v[k] = x[k]->value[index[k] ? index[k][i] : x[k]->count == 1 ? 0 : i];
    to[i] = onnx_apply(&step, v[0], v[1], v[2]);
  }
  return NULL;
}

/* An operand of a step whose results have that shape. */
static const char *set_operand(onnx_graph *g, onnx_operand *to, const graph_value *x,
                               const graph_value *shape) {
  graph_value wide = *x;
  int is_small = x->count == 1 && is_constant(x);
  if (x->count != shape->count && !is_small) {
    const uint32_t *index = broadcast_index(g, shape, x);
    if (index == NULL) return graph_spent;
    const char *reason = move(g, &wide, x, index, shape->rank, shape->side);
    if (reason) return reason;
  }
  *to = (onnx_operand){is_data(x) ? (int)wide.step : -1, wide.value, wide.count};
  return NULL;
}

/* Integers have been quantized, or are the image's bytes; few ops take them as they are. */
static const char *check_integers(const onnx_graph *g, const graph_value *x, onnx_op op) {
  if (!is_data(x) || !graph_is_integer(x->type) || x->type == ONNX_BOOL) return NULL;
  if (op == ONNX_OP_RELU || op == ONNX_OP_CLIP || op == ONNX_OP_DEQUANTIZE || op == ONNX_OP_MAX ||
      op == ONNX_OP_MIN)
    return NULL;
  return g->meaning[x->step].core == 0
             ? "of an input of integers (expected Cast or DequantizeLinear before it)"
             : "of quantized integers (expected DequantizeLinear before it)";
}

/* f of up to three values, each alone. */
static const char *apply_single(onnx_graph *g, graph_call *call, graph_value *out, const single *f,
                                graph_value *const *x, unsigned count) {
  graph_value shape = *x[0];
  int has_data = 0;
  for (unsigned k = 0; k < count; k++) {
    const char *reason = check_integers(g, x[k], f->op);
    if (reason) return reason;
    has_data |= is_data(x[k]);
    if (!broadcast_shape(&shape, x[k]))
      return "shapes do not fit one another (expected those of a layer's values)";
  }
  if (!has_data) return fold_single(g, out, f, x, count, &shape);
  onnx_operand in[3];
  for (unsigned k = 0; k < count; k++) {
    const char *reason = set_operand(g, &in[k], x[k], &shape);
    if (reason) return reason;
  }
  onnx_step *step = graph_add_step(g, f->op, shape.count, f->type);
  if (step == NULL) return "more than 4096 steps (expected fewer)";
  memcpy(step->p, f->p, sizeof step->p);
  step->operands = count;
  memcpy(step->in, in, sizeof in);
  *out = shape;
  out->kind = GRAPH_DATA;
  out->type = f->type;
  out->step = g->steps - 1;
  return graph_derive(g, call->node);
}

/* ------------------------------------------------- ops of single values */

/* Ops that the tables below name, with what they need to know. */
typedef struct operation {
  const char *name;
  const char *(*apply)(onnx_graph *g, graph_call *call, const struct operation *o);
  onnx_op op;
  float p[2];               /* parameters, where no attribute gives them */
  const char *attribute[2]; /* that give them; NULL: none */
} operation;

static const char few_inputs[] = "too few inputs (expected as many as the op takes)";

/* One value. */
static const char *apply_unary(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  if (x == NULL) return few_inputs;
  single f = {o->op, {o->p[0], o->p[1]}, x->type};
  for (int k = 0; k < 2; k++)
    if (o->attribute[k]) f.p[k] = number_of(call->node, o->attribute[k], o->p[k]);
  if (o->op == ONNX_OP_GELU) {
    const onnx_attribute *a = onnx_node_attribute(call->node, "approximate");
    f.p[0] = a && protobuf_is(&a->text, "tanh");
  }
  return apply_single(g, call, &call->out[0], &f, &x, 1);
}

static int is_comparison(onnx_op op) {
  return op >= ONNX_OP_EQUAL && op <= ONNX_OP_OR;
}

/* Two values. */
static const char *apply_binary(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x[2] = {input(call, 0), input(call, 1)};
  if (!x[0] || !x[1]) return few_inputs;
  single f = {o->op, {0, 0}, is_comparison(o->op) ? (uint32_t)ONNX_BOOL : x[0]->type};
  return apply_single(g, call, &call->out[0], &f, x, 2);
}

/* Any number of values, two at a time. */
static const char *apply_all(onnx_graph *g, graph_call *call, const operation *o) {
  if (input(call, 0) == NULL) return few_inputs;
  call->out[0] = *input(call, 0);
  for (unsigned k = 1; k < call->node->inputs; k++) {
    graph_value sum = call->out[0], *x[2] = {&sum, input(call, k)};
    if (x[1] == NULL) return few_inputs;
    single f = {o->op, {0, 0}, sum.type};
    const char *reason = apply_single(g, call, &call->out[0], &f, x, 2);
    if (reason) return reason;
  }
  return NULL;
}

/* A number as a constant without dimensions. */
static const char *make_number(onnx_graph *g, graph_value *out, float value) {
  float *to = graph_make_constant(g, out, ONNX_FLOAT, 0, NULL);
  if (to == NULL) return graph_spent;
  *to = value;
  return NULL;
}

static const char *apply_mean(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value by = {0}, sum, *x[2] = {&sum, &by};
  const char *reason = apply_all(g, call, o);
  if (reason == NULL) reason = make_number(g, &by, (float)call->node->inputs);
  if (reason) return reason;
  sum = call->out[0];
  single f = {ONNX_OP_DIV, {0, 0}, sum.type};
  return apply_single(g, call, &call->out[0], &f, x, 2);
}

static const char *apply_where(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x[3] = {input(call, 0), input(call, 1), input(call, 2)};
  if (!x[0] || !x[1] || !x[2]) return few_inputs;
  single f = {o->op, {0, 0}, x[1]->type};
  return apply_single(g, call, &call->out[0], &f, x, 3);
}

/* A bound: input i, or the attribute of older files. */
static const char *read_bound(const graph_call *call, unsigned i, const char *name, float *bound) {
  const graph_value *v = input(call, i);
  *bound = number_of(call->node, name, *bound);
  if (v == NULL) return NULL;
  if (!is_constant(v) || v->count != 1) return "a bound is computed (expected a constant)";
  *bound = v->value[0];
  return NULL;
}

static const char *apply_clip(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  single f = {o->op, {-INFINITY, INFINITY}, x ? x->type : 0};
  if (x == NULL) return few_inputs;
  const char *reason = read_bound(call, 1, "min", &f.p[0]);
  if (reason == NULL) reason = read_bound(call, 2, "max", &f.p[1]);
  for (int k = 0; k < 2; k++) /* the largest float there is stands for no bound */
    if (fabsf(f.p[k]) > 3.4e38f) f.p[k] = f.p[k] < 0 ? -INFINITY : INFINITY;
  return reason ? reason : apply_single(g, call, &call->out[0], &f, &x, 1);
}

/* ----------------------------------------------------------- normalization */

/* x a + b, where a and b have a value for each channel of x. */
static const char *apply_channels(onnx_graph *g, graph_call *call, graph_value *a, graph_value *b) {
  graph_value *x[3] = {input(call, 0), a, b};
  size_t side[ONNX_RANK_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
  if (x[0] == NULL) return few_inputs;
  unsigned rank = x[0]->rank;
  if (a->count > 1) {
    if (rank < 2 || x[0]->side[1] != a->count)
      return "its constants do not fit (expected one for each channel)";
    side[1] = a->count;
    set_shape(a, rank, side);
    set_shape(b, rank, side);
  }
  single f = {ONNX_OP_AFFINE, {0, 0}, x[0]->type};
  return apply_single(g, call, &call->out[0], &f, x, 3);
}

static const char *apply_batch_norm(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *t[4], a = {0}, b = {0};
  float epsilon = number_of(call->node, "epsilon", 1e-5f);
  (void)o;
  if (integer_of(call->node, "training_mode", 0))
    return "in training mode it depends on the other images (export it after model.eval())";
  for (unsigned i = 0; i < 4; i++) { /* scale, shift, mean, variance */
    t[i] = input(call, i + 1);
    if (!is_constant(t[i]) || t[i]->rank != 1 || t[i]->count != t[0]->count)
      return "its constants do not fit (expected four of one size)";
  }
  if (input(call, 0) == NULL) return few_inputs;
  float *scale = graph_make_constant(g, &a, ONNX_FLOAT, 1, t[0]->side);
  float *shift = graph_make_constant(g, &b, ONNX_FLOAT, 1, t[0]->side);
  if (scale == NULL || shift == NULL) return graph_spent;
  for (size_t i = 0; i < a.count; i++) {
    double variance = (double)t[3]->value[i] + (double)epsilon;
    if (!(variance > 0)) return "a variance is not positive (expected numbers above 0)";
    double by = (double)t[0]->value[i] / sqrt(variance);
    scale[i] = (float)by;
    shift[i] = (float)((double)t[1]->value[i] - by * (double)t[2]->value[i]);
  }
  return apply_channels(g, call, &a, &b);
}

/* Numbers of an attribute as a constant [count]; NULL if it is not there. */
static const char *list_constant(onnx_graph *g, graph_value *out, const onnx_attribute *a) {
  size_t count = a == NULL ? 0 : a->floats ? a->floats : a->numbers;
  if (count == 0) return "an attribute is missing (expected a list of numbers)";
  float *to = graph_make_constant(g, out, a->floats ? ONNX_FLOAT : ONNX_INT64, 1, &count);
  if (to == NULL) return graph_spent;
  onnx_attribute_values(to, a);
  return NULL;
}

/* (x - offset) scale, of scikit-learn. */
static const char *apply_scaler(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value offset = {0}, scale = {0}, centred, *x[2] = {input(call, 0), &offset};
  (void)o;
  if (x[0] == NULL) return few_inputs;
  const char *reason = list_constant(g, &offset, onnx_node_attribute(call->node, "offset"));
  if (reason == NULL) reason = list_constant(g, &scale, onnx_node_attribute(call->node, "scale"));
  single f = {ONNX_OP_SUB, {0, 0}, ONNX_FLOAT};
  if (reason == NULL) reason = apply_single(g, call, &centred, &f, x, 2);
  if (reason) return reason;
  x[0] = &centred, x[1] = &scale;
  f.op = ONNX_OP_MUL;
  return apply_single(g, call, &call->out[0], &f, x, 2);
}

/* ------------------------------------------------------------ quantization */

/* Which scale and zero point a value has: that of its channel along an axis, or of its block. */
typedef struct grid {
  size_t count;         /* of scales */
  size_t inner, side;   /* values behind one place of the axis, and its places */
  size_t block, blocks; /* 0: by channel */
} grid;

static const char *find_grid(grid *f, const graph_value *scale, const graph_value *x, int axis,
                             int64_t block) {
  *f = (grid){scale->count, 1, 1, 0, 0};
  if (scale->count == 1) return NULL;
  if (axis < 0) return bad_axis;
  for (unsigned k = (unsigned)axis + 1; k < x->rank; k++) f->inner *= x->side[k];
  f->side = x->side[axis];
  if (scale->rank == x->rank && x->rank > 1 && block > 0) {
    f->block = (size_t)block;
    f->blocks = scale->side[axis];
  }
  size_t wanted = f->block ? x->count / f->side * f->blocks : f->side;
  if (scale->count == wanted && (!f->block || (f->side + f->block - 1) / f->block <= f->blocks))
    return NULL;
  return "scales do not fit (expected one, or one for each channel or block of axis)";
}

static size_t grid_index(const grid *f, size_t i) {
  size_t at = i / f->inner % f->side;
  if (f->count == 1) return 0;
  if (f->block == 0) return at;
  return (i / f->inner / f->side * f->blocks + at / f->block) * f->inner + i % f->inner;
}

/* Of a constant. */
static const char *fold_grid(onnx_graph *g, graph_value *out, const single *f,
                             graph_value *const *x, const grid *at) {
  onnx_step step = {.op = f->op, .p = {f->p[0], f->p[1]}, .type = f->type};
  float *to = graph_make_constant(g, out, f->type, x[0]->rank, x[0]->side);
  if (to == NULL) return graph_spent;
  for (size_t i = 0; i < out->count; i++) {
    size_t k = grid_index(at, i);
    to[i] = onnx_apply(&step, x[0]->value[i], x[1]->value[k], x[2] ? x[2]->value[k] : 0);
  }
  return NULL;
}

/* A scale or zero point with a value for each value of x. */
static const char *spread_grid(onnx_graph *g, graph_value *out, const graph_value *v,
                               const graph_value *x, const grid *at) {
  *out = *v;
  if (v->count == 1) return NULL;
  uint32_t *index = graph_take_index(g, x->count);
  if (index == NULL) return graph_spent;
  for (size_t i = 0; i < x->count; i++) index[i] = (uint32_t)grid_index(at, i);
  return move(g, out, v, index, x->rank, x->side);
}

/* Which integers a type has. */
static int type_ends(uint32_t type, float *least, float *most) {
  int bits = type == ONNX_INT4 || type == ONNX_UINT4     ? 4
             : type == ONNX_INT8 || type == ONNX_UINT8   ? 8
             : type == ONNX_INT16 || type == ONNX_UINT16 ? 16
                                                         : 0;
  int is_signed = type == ONNX_INT4 || type == ONNX_INT8 || type == ONNX_INT16;
  float count = (float)(1 << bits);
  *least = is_signed ? -count / 2 : 0;
  *most = *least + count - 1;
  return bits > 0;
}

static const char *apply_grid(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0), *s = input(call, 1), *z = input(call, 2), wide[2];
  graph_value *in[3] = {x, s, z};
  grid at;
  int is_quantize = o->op == ONNX_OP_QUANTIZE;
  if (x == NULL || !is_constant(s) || (z && (!is_constant(z) || z->count != s->count)))
    return "scale and zero point do not fit (expected constants)";
  for (size_t i = 0; i < s->count; i++)
    if (!(s->value[i] > 0)) return "a scale is not positive (expected numbers above 0)";
  if (!is_quantize && z && z->type != x->type)
    return "scale, zero point or type (expected those of its QuantizeLinear)";
  int axis = axis_of(integer_of(call->node, "axis", 1), x->rank);
  int64_t block = integer_of(call->node, "block_size", 0);
  uint32_t type = z ? z->type : (uint32_t)integer_of(call->node, "output_dtype", ONNX_UINT8);
  const char *reason = find_grid(&at, s, x, axis, block);
  single f = {o->op, {0, 0}, is_quantize ? type : (uint32_t)ONNX_FLOAT};
  if (reason) return reason;
  if (is_quantize && !type_ends(type, &f.p[0], &f.p[1]))
    return "to another type (expected int8, uint8, or these of 4 or 16 bits)";
  if (is_constant(x)) return fold_grid(g, &call->out[0], &f, in, &at);
  if (is_quantize && graph_is_integer(x->type))
    return "of quantized integers (expected DequantizeLinear before it)";
  reason = spread_grid(g, &wide[0], s, x, &at);
  if (reason == NULL && z) reason = spread_grid(g, &wide[1], z, x, &at);
  in[1] = &wide[0], in[2] = &wide[1];
  return reason ? reason : apply_single(g, call, &call->out[0], &f, in, z ? 3 : 2);
}

static const char *apply_cast(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  int is_like = protobuf_is(&call->node->op, "CastLike") && input(call, 1);
  uint32_t to = is_like ? input(call, 1)->type : (uint32_t)integer_of(call->node, "to", 0);
  single f = {o->op, {0, 0}, to};
  if (x == NULL) return few_inputs;
  if (to == 0) return "not to floats (expected to = 1)";
  if (to == ONNX_STRING && is_data(x)) return "to strings (expected numbers)";
  int is_label = is_data(x) && g->core[g->meaning[x->step].core].kind == CORE_ARGMAX;
  if (is_data(x) && !is_label && graph_is_integer(to))
    return to == x->type ? alias(&call->out[0], x, x->rank, x->side)
                         : "not to floats (expected to = 1)";
  if (is_constant(x) && graph_is_integer(to) && to != ONNX_BOOL)
    return apply_single(g, call, &call->out[0], &f, &x, 1);
  f.op = ONNX_OP_ADD; /* rounded to the type, where that is a small one */
  graph_value none = {0}, *in[2] = {x, &none};
  int is_rounded = to == ONNX_FLOAT16 || to == ONNX_BFLOAT16;
  if (is_rounded && !is_label && !graph_is_integer(x->type)) {
    const char *reason = make_number(g, &none, 0);
    return reason ? reason : apply_single(g, call, &call->out[0], &f, in, 2);
  }
  const char *reason = alias(&call->out[0], x, x->rank, x->side);
  call->out[0].type = to;
  return reason;
}

/* ------------------------------------------------------------------ dense */

/* x W: a new dense layer.
 *   w        [inputs][outputs], or [outputs][inputs] if by_rows
 *   is_left  w stands to the left, and results are a column */
static const char *dense(onnx_graph *g, graph_call *call, graph_value *out, const graph_value *x,
                         const graph_value *w, int by_rows, int is_left, float alpha) {
  if (!is_constant(w) || w->rank != 2)
    return "no matrix (expected constant weights, of two dimensions)";
  size_t outputs = w->side[by_rows ? 0 : 1], inputs = w->side[by_rows ? 1 : 0];
  const char *reason = check_integers(g, x, ONNX_OP_DENSE);
  if (reason) return reason;
  if (x->count != inputs || x->rank < 1 ||
      x->side[is_left && x->rank > 1 ? x->rank - 2 : x->rank - 1] != inputs)
    return "its inputs are not the values before it (expected as many, and Flatten before the "
           "first one)";
  if (inputs > PPML_INPUTS_MAX || outputs > PPML_NEURONS_MAX)
    return "too large (expected at most 65536 inputs and 4096 outputs)";
  if (g->core[g->meaning[x->step].core].kind > CORE_FUNCTION)
    return "behind the last activation (expected none)";
  onnx_step *step = graph_add_step(g, ONNX_OP_DENSE, outputs, x->type);
  if (step == NULL) return "more than 4096 steps (expected fewer)";
  step->operands = 2;
  step->in[0] = (onnx_operand){(int)x->step, NULL, inputs};
  step->in[1] = (onnx_operand){-1, w->value, w->count};
  step->p[0] = alpha;
  step->inputs = inputs;
  step->by_rows = by_rows;
  size_t side[ONNX_RANK_MAX];
  memcpy(side, x->side, sizeof side);
  side[is_left && x->rank > 1 ? x->rank - 2 : x->rank - 1] = outputs;
  *out = *x;
  set_shape(out, x->rank, side);
  out->step = g->steps - 1;
  const graph_meaning m = g->meaning[x->step];
  return graph_begin_core(g, CORE_DENSE, call->node, &m);
}

/* A product of two constant matrices. */
static const char *fold_matmul(onnx_graph *g, graph_value *out, const graph_value *a,
                               const graph_value *b) {
  if (a->rank != 2 || b->rank != 2 || a->side[1] != b->side[0])
    return "of constants that do not fit (expected two matrices)";
  size_t rows = a->side[0], inner = a->side[1], columns = b->side[1], side[2] = {rows, columns};
  float *to = graph_make_constant(g, out, ONNX_FLOAT, 2, side);
  if (to == NULL || inner * out->count > g->work) return graph_spent;
  g->work -= inner * out->count;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) {
      double sum = 0;
      for (size_t k = 0; k < inner; k++)
        sum += (double)a->value[i * inner + k] * (double)b->value[k * columns + j];
      to[i * columns + j] = (float)sum;
    }
  return NULL;
}

static const char *apply_matmul(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *a = input(call, 0), *b = input(call, 1);
  (void)o;
  if (!a || !b) return few_inputs;
  if (is_constant(a) && is_constant(b)) return fold_matmul(g, &call->out[0], a, b);
  if (is_data(a) && is_data(b))
    return "of two values of the image (expected constant weights, no attention)";
  return is_data(a) ? dense(g, call, &call->out[0], a, b, 0, 0, 1)
                    : dense(g, call, &call->out[0], b, a, 1, 1, 1);
}

/* Adds beta c to a dense layer's result. */
static const char *add_bias(onnx_graph *g, graph_call *call, const graph_value *result,
                            graph_value *c, float beta) {
  graph_value factor, scaled, sum = *result, *x[2] = {c, &factor};
  single f = {ONNX_OP_MUL, {0, 0}, result->type};
  if (!is_constant(c)) return "its bias is computed (expected a constant)";
  const char *reason = make_number(g, &factor, beta);
  if (reason == NULL) reason = apply_single(g, call, &scaled, &f, x, 2);
  if (reason) return reason;
  x[0] = &sum;
  x[1] = beta == 1 ? c : &scaled;
  f.op = ONNX_OP_ADD;
  reason = apply_single(g, call, &call->out[0], &f, x, 2);
  if (reason == NULL && call->out[0].count != result->count)
    return "its bias does not fit the layer (expected a value for each output)";
  return reason;
}

static const char *apply_gemm(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *a = input(call, 0), *b = input(call, 1), *c = input(call, 2), result;
  float alpha = number_of(call->node, "alpha", 1), beta = number_of(call->node, "beta", 1);
  int trans_a = integer_of(call->node, "transA", 0) != 0,
      trans_b = integer_of(call->node, "transB", 0) != 0;
  (void)o;
  if (!a || !b) return few_inputs;
  if (!(fabsf(alpha) < 1e6f) || !(fabsf(beta) < 1e6f))
    return "alpha or beta is too large (expected below 10^6)";
  const char *reason;
  if (is_data(a) && is_constant(b)) {
    graph_value row = *a; /* of one image a column is a row, transposed */
    if (trans_a && a->rank == 2) row.side[0] = a->side[1], row.side[1] = a->side[0];
    reason = dense(g, call, &result, &row, b, trans_b, 0, alpha);
  } else if (is_constant(a) && is_data(b)) {
    graph_value column = *b;
    if (trans_b && b->rank == 2) column.side[0] = b->side[1], column.side[1] = b->side[0];
    reason = dense(g, call, &result, &column, a, !trans_a, 1, alpha);
  } else return "not of an image and a matrix (expected constant weights)";
  if (reason) return reason;
  if (c) return add_bias(g, call, &result, c, beta);
  call->out[0] = result;
  return NULL;
}

/* ----------------------------------------------------------------- shapes */

static const char *apply_identity(onnx_graph *g, graph_call *call, const operation *o) {
  (void)g;
  (void)o;
  if (input(call, 0) == NULL) return few_inputs;
  call->out[0] = *input(call, 0);
  return NULL;
}

static const char *apply_flatten(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  size_t side[2] = {1, 1};
  (void)g;
  (void)o;
  if (x == NULL) return few_inputs;
  int64_t axis = integer_of(call->node, "axis", 1);
  if (axis < 0) axis += x->rank;
  if (axis < 0 || axis > x->rank) return bad_axis;
  for (unsigned i = 0; i < x->rank; i++) side[i >= axis] *= x->side[i];
  return alias(&call->out[0], x, 2, side);
}

/* The side that a shape leaves open, as -1. */
static const char *close_shape(size_t *side, const int64_t *number, unsigned rank, size_t count) {
  size_t known = 1;
  int open = -1;
  for (unsigned i = 0; i < rank; i++) {
    if (number[i] < -1 || number[i] > ONNX_ELEMENTS_MAX)
      return "a side is no side (expected -1 or above 0)";
    if (number[i] == -1 && open >= 0) return "two sides are open (expected one -1)";
    if (number[i] == -1) open = (int)i;
    else side[i] = (size_t)number[i], known *= side[i];
    if (known > GRAPH_COUNT_MAX) return "too large (expected fewer values)";
  }
  if (open < 0) return NULL;
  if (known == 0 || count % known) return "does not fit (expected a shape of as many values)";
  side[open] = count / known;
  return NULL;
}

/* A batch of a fixed size is one image here. */
static const char *apply_reshape(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  size_t side[ONNX_RANK_MAX];
  whole_list to;
  (void)o;
  const char *reason = x ? read_list(&to, call, 1, "shape") : few_inputs;
  if (reason) return reason;
  int keeps_zero = integer_of(call->node, "allowzero", 0) != 0;
  for (unsigned i = 0; i < to.count; i++)
    if (to.number[i] == 0 && !keeps_zero) {
      if (i >= x->rank) return "a side is no side (expected -1 or above 0)";
      to.number[i] = (int64_t)x->side[i];
    }
  if (is_data(x) && g->batch > 1 && to.count > 0 && to.number[0] == (int64_t)g->batch &&
      x->side[0] == 1)
    to.number[0] = 1;
  reason = close_shape(side, to.number, (unsigned)to.count, x->count);
  return reason ? reason : alias(&call->out[0], x, (unsigned)to.count, side);
}

static const char *apply_squeeze(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  size_t side[ONNX_RANK_MAX];
  int drops[ONNX_RANK_MAX] = {0};
  unsigned rank = 0;
  whole_list axes;
  (void)g;
  (void)o;
  const char *reason = x ? read_list(&axes, call, 1, "axes") : few_inputs;
  if (reason) return reason;
  for (size_t k = 0; k < axes.count; k++) {
    int axis = axis_of(axes.number[k], x->rank);
    if (axis < 0 || x->side[axis] != 1) return "of a side that is not 1 (expected 1)";
    drops[axis] = 1;
  }
  for (unsigned i = 0; i < x->rank; i++)
    if (axes.is_given ? !drops[i] : x->side[i] != 1) side[rank++] = x->side[i];
  return alias(&call->out[0], x, rank, side);
}

static const char *apply_unsqueeze(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  size_t side[ONNX_RANK_MAX];
  int is_new[ONNX_RANK_MAX] = {0};
  whole_list axes;
  (void)g;
  (void)o;
  const char *reason = x ? read_list(&axes, call, 1, "axes") : few_inputs;
  if (reason) return reason;
  unsigned rank = x->rank + (unsigned)axes.count, from = 0;
  if (rank > ONNX_RANK_MAX) return "more than 8 dimensions (expected fewer)";
  for (size_t k = 0; k < axes.count; k++) {
    int axis = axis_of(axes.number[k], rank);
    if (axis < 0 || is_new[axis]) return bad_axis;
    is_new[axis] = 1;
  }
  for (unsigned i = 0; i < rank; i++) side[i] = is_new[i] ? 1 : x->side[from++];
  return alias(&call->out[0], x, rank, side);
}

/* Which value number n of a shape is: `start` and, along side i, step[i] further. */
static size_t strided_index(size_t n, unsigned rank, const size_t *side, const int64_t *step,
                            int64_t start) {
  for (unsigned i = rank; i-- > 0; n /= side[i]) start += (int64_t)(n % side[i]) * step[i];
  return (size_t)start;
}

/* Values of x in another order, or some of them; of a constant without a list of them. */
static const char *stride(onnx_graph *g, graph_value *out, const graph_value *x, const size_t *side,
                          const int64_t *step, int64_t start) {
  unsigned rank = x->rank;
  size_t count = 1;
  for (unsigned i = 0; i < rank; i++) count *= side[i];
  if (is_constant(x)) {
    float *to = graph_make_constant(g, out, x->type, rank, side);
    for (size_t n = 0; to && n < count; n++)
      to[n] = x->value[strided_index(n, rank, side, step, start)];
    return to ? NULL : graph_spent;
  }
  uint32_t *index = graph_take_index(g, count);
  for (size_t n = 0; index && n < count; n++)
    index[n] = (uint32_t)strided_index(n, rank, side, step, start);
  return index ? move(g, out, x, index, rank, side) : graph_spent;
}

/* How far apart neighbours along each side of x are. */
static void strides_of(int64_t *apart, const graph_value *x) {
  int64_t step = 1;
  for (unsigned i = x->rank; i-- > 0;) {
    apart[i] = step;
    step *= (int64_t)x->side[i];
  }
}

static const char *apply_transpose(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  const onnx_attribute *perm = onnx_node_attribute(call->node, "perm");
  size_t side[ONNX_RANK_MAX];
  int64_t apart[ONNX_RANK_MAX], step[ONNX_RANK_MAX];
  unsigned seen = 0;
  (void)o;
  if (x == NULL) return few_inputs;
  if (perm && perm->numbers != x->rank)
    return "perm does not fit (expected a number for each dimension)";
  strides_of(apart, x);
  for (unsigned i = 0; i < x->rank; i++) {
    int axis = perm ? axis_of(perm->number[i], x->rank) : (int)(x->rank - 1 - i);
    if (axis < 0 || seen & 1u << axis) return bad_axis;
    seen |= 1u << axis;
    side[i] = x->side[axis];
    step[i] = apart[axis];
  }
  return stride(g, &call->out[0], x, side, step, 0);
}

static const char *apply_shape(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  (void)o;
  if (x == NULL) return few_inputs;
  int64_t start = integer_of(call->node, "start", 0), end = integer_of(call->node, "end", x->rank);
  if (start < 0) start += x->rank;
  if (end < 0) end += x->rank;
  if (end > x->rank) end = x->rank;
  if (start < 0 || start > end) return bad_axis;
  size_t count = (size_t)(end - start);
  float *to = graph_make_constant(g, &call->out[0], ONNX_INT64, 1, &count);
  if (to == NULL) return graph_spent;
  for (size_t i = 0; i < count; i++) to[i] = (float)x->side[(size_t)start + i];
  return NULL;
}

static const char *apply_size(onnx_graph *g, graph_call *call, const operation *o) {
  (void)o;
  if (input(call, 0) == NULL) return few_inputs;
  const char *reason = make_number(g, &call->out[0], (float)input(call, 0)->count);
  call->out[0].type = ONNX_INT64;
  return reason;
}

static const char *apply_constant_of_shape(onnx_graph *g, graph_call *call, const operation *o) {
  const onnx_attribute *a = onnx_node_attribute(call->node, "value");
  graph_value value = {0};
  size_t side[ONNX_RANK_MAX];
  whole_list to;
  (void)o;
  const char *reason = input(call, 0) ? read_list(&to, call, 0, "") : few_inputs;
  if (reason) return reason;
  value.kind = GRAPH_TENSOR;
  if (a) value.tensor = a->tensor;
  reason = a ? graph_decode(g, &value) : make_number(g, &value, 0);
  if (reason == NULL) reason = close_shape(side, to.number, (unsigned)to.count, 0);
  if (reason) return reason;
  float *out = graph_make_constant(g, &call->out[0], value.type, (unsigned)to.count, side);
  if (out == NULL) return graph_spent;
  for (size_t i = 0; i < call->out[0].count; i++) out[i] = value.value[0];
  return NULL;
}

static const char *apply_expand(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0), shape = {0};
  size_t side[ONNX_RANK_MAX];
  whole_list to;
  (void)o;
  const char *reason = x ? read_list(&to, call, 1, "shape") : few_inputs;
  if (reason) return reason;
  if (is_data(x) && g->batch > 1 && to.count > 0 && to.number[0] == (int64_t)g->batch)
    to.number[0] = 1;
  reason = close_shape(side, to.number, (unsigned)to.count, 0);
  if (reason) return reason;
  set_shape(&shape, (unsigned)to.count, side);
  if (!broadcast_shape(&shape, x)) return "does not fit (expected a shape it can grow to)";
  const uint32_t *index = broadcast_index(g, &shape, x);
  return index ? move(g, &call->out[0], x, index, shape.rank, shape.side) : graph_spent;
}

/* A stretch of x along an axis. */
static const char *cut(onnx_graph *g, graph_value *out, const graph_value *x, unsigned axis,
                       int64_t start, int64_t step, size_t count) {
  size_t side[ONNX_RANK_MAX];
  int64_t apart[ONNX_RANK_MAX];
  memcpy(side, x->side, sizeof side);
  strides_of(apart, x);
  int64_t first = start * apart[axis];
  side[axis] = count;
  apart[axis] *= step;
  if (count == 0) return "leaves nothing (expected values)";
  return stride(g, out, x, side, apart, first);
}

static const char *apply_slice(onnx_graph *g, graph_call *call, const operation *o) {
  whole_list start, end, axes, step;
  graph_value *x = input(call, 0);
  (void)o;
  const char *reason = x ? read_list(&start, call, 1, "starts") : few_inputs;
  if (reason == NULL) reason = read_list(&end, call, 2, "ends");
  if (reason == NULL) reason = read_list(&axes, call, 3, "axes");
  if (reason == NULL) reason = read_list(&step, call, 4, "steps");
  if (reason) return reason;
  call->out[0] = *x;
  for (size_t k = 0; k < start.count; k++) {
    graph_value now = call->out[0];
    int axis = axis_of(k < axes.count ? axes.number[k] : (int64_t)k, x->rank);
    int64_t by = k < step.count ? step.number[k] : 1;
    if (axis < 0 || by < 1 || k >= end.count)
      return "no such part (expected axes, and steps above 0)";
    int64_t side = (int64_t)now.side[axis], from = start.number[k], to = end.number[k];
    if (from < 0) from += side;
    if (to < 0) to += side;
    from = from < 0 ? 0 : from > side ? side : from;
    to = to < from ? from : to > side ? side : to;
    reason =
        cut(g, &call->out[0], &now, (unsigned)axis, from, by, (size_t)((to - from + by - 1) / by));
    if (reason) return reason;
  }
  return NULL;
}

static const char *apply_split(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  whole_list parts;
  (void)o;
  const char *reason = x ? read_list(&parts, call, 1, "split") : few_inputs;
  int axis = x ? axis_of(integer_of(call->node, "axis", 0), x->rank) : -1;
  if (reason) return reason;
  if (axis < 0) return bad_axis;
  unsigned count = call->node->outputs;
  int64_t side = (int64_t)x->side[axis], each = (side + count - 1) / count, at = 0;
  for (unsigned k = 0; k < count; k++) {
    int64_t own = k < parts.count ? parts.number[k] : side - at < each ? side - at : each;
    if (own < 1 || own > side - at) return "parts do not fit (expected those of its side)";
    reason = cut(g, &call->out[k], x, (unsigned)axis, at, 1, (size_t)own);
    if (reason) return reason;
    at += own;
  }
  return NULL;
}

/* Parts of x along an axis, by constant numbers. */
static const char *gather(onnx_graph *g, graph_call *call, const graph_value *x,
                          const graph_value *at, int axis) {
  if (axis < 0 || at->rank + x->rank > ONNX_RANK_MAX + 1) return bad_axis;
  size_t side[ONNX_RANK_MAX], inner = 1, outer = 1, own = x->side[axis];
  unsigned rank = 0;
  for (unsigned i = 0; i < (unsigned)axis; i++) outer *= side[rank++] = x->side[i];
  for (unsigned i = 0; i < at->rank; i++) side[rank++] = at->side[i];
  for (unsigned i = (unsigned)axis + 1; i < x->rank; i++) inner *= side[rank++] = x->side[i];
  if (outer * at->count > GRAPH_COUNT_MAX / (inner ? inner : 1))
    return "too large (expected fewer)";
  uint32_t *index = graph_take_index(g, outer * at->count * inner);
  if (index == NULL) return graph_spent;
  for (size_t i = 0; i < outer * at->count * inner; i++) {
    int64_t k = whole_at(at, i / inner % at->count);
    if (k < 0) k += (int64_t)own;
    if (k < 0 || k >= (int64_t)own) return "beyond the end (expected numbers of its side)";
    index[i] = (uint32_t)((i / inner / at->count * own + (size_t)k) * inner + i % inner);
  }
  return move(g, &call->out[0], x, index, rank, side);
}

/* Class names by the number of the class, which are left away. */
static const char *name_class(const onnx_graph *g, graph_call *call, const graph_value *class) {
  if (g->core[g->meaning[class->step].core].kind != CORE_ARGMAX)
    return "by numbers of the image (expected constants)";
  call->out[0] = *class;
  return NULL;
}

static const char *apply_gather(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0), *at = input(call, 1);
  (void)o;
  if (!x || !at) return few_inputs;
  if (is_data(at)) return name_class(g, call, at);
  return gather(g, call, x, at, axis_of(integer_of(call->node, "axis", 0), x->rank));
}

/* scikit-learn's: along the last axis, and the numbers' own shape does not count. */
static const char *apply_feature_extractor(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0), *at = input(call, 1);
  (void)o;
  if (!x || !at) return few_inputs;
  if (is_data(at)) return name_class(g, call, at);
  graph_value numbers = *at;
  set_shape(&numbers, 1, &at->count);
  return gather(g, call, x, &numbers, (int)x->rank - 1);
}

/* ------------------------------------------------------------------ joining */

/* The meaning of a's values followed by b's, moved about by index. */
static const char *join_meanings(onnx_graph *g, graph_meaning *out, const onnx_step *s) {
  size_t first = s->in[0].count;
  float *scale = graph_take_floats(g, s->count), *shift = graph_take_floats(g, s->count);
  uint32_t *index = graph_take_index(g, s->count);
  if (!scale || !shift || !index) return graph_spent;
  for (size_t i = 0; i < s->count; i++) {
    int is_second = s->index[i] >= first;
    const onnx_operand *in = &s->in[is_second];
    size_t at = s->index[i] - (is_second ? first : 0);
    const graph_meaning *m = in->step < 0 ? NULL : &g->meaning[in->step];
    if (m && out->core >= 0 && m->core != out->core)
      return "joins values of two layers (expected one chain, no branches)";
    if (m) out->core = m->core;
    scale[i] = m ? graph_scale(m, at) : 0;
    shift[i] = m ? graph_shift(m, at) : in->value[at];
    index[i] = m ? (uint32_t)graph_index(m, at) : 0;
  }
  *out = (graph_meaning){out->core, index, scale, shift, s->count, s->count};
  return NULL;
}

/* a and b one behind the other along an axis. */
static const char *join(onnx_graph *g, graph_value *out, const graph_value *a, const graph_value *b,
                        unsigned axis) {
  size_t side[ONNX_RANK_MAX], inner = 1;
  if (a->rank != b->rank) return "shapes do not fit one another (expected as many dimensions)";
  for (unsigned i = 0; i < a->rank; i++) {
    side[i] = a->side[i] + (i == axis ? b->side[i] : 0);
    if (i != axis && a->side[i] != b->side[i])
      return "shapes do not fit one another (expected the same sides)";
    if (i > axis) inner *= a->side[i];
  }
  graph_value shape = *a;
  set_shape(&shape, a->rank, side);
  uint32_t *index = graph_take_index(g, shape.count);
  if (index == NULL) return graph_spent;
  size_t first = a->side[axis] * inner, second = b->side[axis] * inner;
  for (size_t i = 0; i < shape.count; i++) {
    size_t outer = i / (first + second), at = i % (first + second);
    index[i] = (uint32_t)(at < first ? outer * first + at : a->count + outer * second + at - first);
  }
  if (!is_data(a) && !is_data(b)) {
    float *to = graph_make_constant(g, out, a->type, a->rank, side);
    if (to == NULL) return graph_spent;
    for (size_t i = 0; i < shape.count; i++)
      to[i] = index[i] < a->count ? a->value[index[i]] : b->value[index[i] - a->count];
    return NULL;
  }
  onnx_step *step = graph_add_step(g, ONNX_OP_GATHER, shape.count, a->type);
  if (step == NULL) return "more than 4096 steps (expected fewer)";
  step->operands = 2;
  step->in[0] = (onnx_operand){is_data(a) ? (int)a->step : -1, a->value, a->count};
  step->in[1] = (onnx_operand){is_data(b) ? (int)b->step : -1, b->value, b->count};
  step->index = index;
  *out = shape;
  out->kind = GRAPH_DATA;
  out->step = g->steps - 1;
  return join_meanings(g, &g->meaning[g->steps - 1], step);
}

static const char *apply_concat(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  (void)o;
  if (x == NULL) return few_inputs;
  int axis = axis_of(integer_of(call->node, "axis", 1), x->rank);
  if (axis < 0) return bad_axis;
  call->out[0] = *x;
  for (unsigned k = 1; k < call->node->inputs; k++) {
    graph_value so_far = call->out[0];
    if (input(call, k) == NULL) return few_inputs;
    const char *reason = join(g, &call->out[0], &so_far, input(call, k), (unsigned)axis);
    if (reason) return reason;
  }
  return NULL;
}

/* --------------------------------------------------------------------- ends */

/* Is the axis the one that classes lie along? */
static const char *check_classes(const graph_value *x, int64_t number) {
  int axis = axis_of(number, x->rank);
  if (axis < 0 || x->side[axis] != x->count) return "axis (expected that of the classes, 1 or -1)";
  return x->count > 1 ? NULL : "of a single value (expected one for each class)";
}

static const char *end_step(onnx_graph *g, graph_call *call, const graph_value *x, onnx_op op,
                            size_t count, uint32_t type) {
  const graph_meaning m = g->meaning[x->step];
  onnx_step *step = graph_add_step(g, op, count, type);
  if (step == NULL) return "more than 4096 steps (expected fewer)";
  step->operands = 1;
  step->in[0] = (onnx_operand){(int)x->step, NULL, x->count};
  call->out[0].step = g->steps - 1;
  call->out[0].type = type;
  return graph_begin_core(g, op == ONNX_OP_ARGMAX ? CORE_ARGMAX : CORE_SOFTMAX, call->node, &m);
}

static const char *apply_softmax(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  (void)o;
  if (x == NULL || !is_data(x)) return "of a constant (expected scores)";
  const char *reason = check_classes(x, integer_of(call->node, "axis", -1));
  if (reason) return reason;
  call->out[0] = *x;
  return end_step(g, call, x, ONNX_OP_SOFTMAX, x->count, x->type);
}

static const char *apply_argmax(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0);
  size_t side[ONNX_RANK_MAX];
  unsigned rank = 0;
  (void)o;
  if (x == NULL || !is_data(x)) return "of a constant (expected scores)";
  int64_t number = integer_of(call->node, "axis", 0);
  const char *reason = check_classes(x, number);
  if (reason) return reason;
  int axis = axis_of(number, x->rank), keeps = integer_of(call->node, "keepdims", 1) != 0;
  for (unsigned i = 0; i < x->rank; i++)
    if ((int)i != axis || keeps) side[rank++] = 1;
  call->out[0] = *x;
  set_shape(&call->out[0], rank, side);
  return end_step(g, call, x, ONNX_OP_ARGMAX, 1, ONNX_INT64);
}

/* scikit-learn's linear models: a dense layer, its scores, and what comes behind. */
static const char *apply_linear(onnx_graph *g, graph_call *call, const operation *o) {
  graph_value *x = input(call, 0), w = {0}, b = {0}, scores, sum, *in[2] = {&scores, &b};
  int is_classifier = o->p[0] != 0;
  if (x == NULL || !is_data(x)) return few_inputs;
  const char *reason = list_constant(g, &w, onnx_node_attribute(call->node, "coefficients"));
  if (reason == NULL) reason = list_constant(g, &b, onnx_node_attribute(call->node, "intercepts"));
  if (reason) return reason;
  if (b.count == 0 || w.count % b.count)
    return "coefficients do not fit (expected rows of one size)";
  size_t side[2] = {b.count, w.count / b.count};
  set_shape(&w, 2, side);
  reason = dense(g, call, &scores, x, &w, 1, 0, 1);
  single f = {ONNX_OP_ADD, {0, 0}, ONNX_FLOAT};
  if (reason == NULL) reason = apply_single(g, call, &sum, &f, in, 2);
  if (reason) return reason;
  call->out[is_classifier ? 1 : 0] = sum;
  if (!is_classifier) return NULL;
  call->out[0] = sum;
  return end_step(g, call, &sum, ONNX_OP_ARGMAX, 1, ONNX_INT64);
}

/* A constant by its attribute. */
static const char *apply_constant(onnx_graph *g, graph_call *call, const operation *o) {
  static const char *const lists[] = {"value_floats", "value_ints"};
  const onnx_attribute *a = onnx_node_attribute(call->node, "value");
  graph_value *out = &call->out[0];
  (void)o;
  if (a) {
    out->kind = GRAPH_TENSOR; /* that somebody may look at */
    out->tensor = a->tensor;
    return NULL;
  }
  for (int k = 0; k < 2; k++) {
    a = onnx_node_attribute(call->node, lists[k]);
    if (a) return list_constant(g, out, a);
  }
  a = onnx_node_attribute(call->node, "value_float");
  if (a) return make_number(g, out, a->f);
  a = onnx_node_attribute(call->node, "value_int");
  if (a == NULL) return "a constant of strings, or sparse (expected numbers)";
  const char *reason = make_number(g, out, (float)a->i);
  out->type = ONNX_INT64;
  return reason;
}

/* ------------------------------------------------------------------- tables */

#define UNARY(name, op)                                                                            \
  {                                                                                                \
    name, apply_unary, op, {0, 0}, {                                                               \
      NULL, NULL                                                                                   \
    }                                                                                              \
  }
#define BINARY(name, op)                                                                           \
  {                                                                                                \
    name, apply_binary, op, {0, 0}, {                                                              \
      NULL, NULL                                                                                   \
    }                                                                                              \
  }
#define OTHER(name, apply, op)                                                                     \
  {                                                                                                \
    name, apply, op, {0, 0}, {                                                                     \
      NULL, NULL                                                                                   \
    }                                                                                              \
  }

static const operation operations[] = {
    OTHER("Gemm", apply_gemm, ONNX_OP_NONE),
    OTHER("MatMul", apply_matmul, ONNX_OP_NONE),
    BINARY("Add", ONNX_OP_ADD),
    BINARY("Sub", ONNX_OP_SUB),
    BINARY("Mul", ONNX_OP_MUL),
    BINARY("Div", ONNX_OP_DIV),
    BINARY("Pow", ONNX_OP_POW),
    BINARY("Equal", ONNX_OP_EQUAL),
    BINARY("Greater", ONNX_OP_GREATER),
    BINARY("Less", ONNX_OP_LESS),
    BINARY("GreaterOrEqual", ONNX_OP_GREATER_EQUAL),
    BINARY("LessOrEqual", ONNX_OP_LESS_EQUAL),
    BINARY("And", ONNX_OP_AND),
    BINARY("Or", ONNX_OP_OR),
    BINARY("PRelu", ONNX_OP_PRELU),
    OTHER("Sum", apply_all, ONNX_OP_ADD),
    OTHER("Max", apply_all, ONNX_OP_MAX),
    OTHER("Min", apply_all, ONNX_OP_MIN),
    OTHER("Mean", apply_mean, ONNX_OP_ADD),
    OTHER("Where", apply_where, ONNX_OP_WHERE),
    OTHER("Clip", apply_clip, ONNX_OP_CLIP),
    UNARY("Relu", ONNX_OP_RELU),
    {"LeakyRelu", apply_unary, ONNX_OP_LEAKY_RELU, {0.01f, 0}, {"alpha", NULL}},
    {"Elu", apply_unary, ONNX_OP_ELU, {1, 0}, {"alpha", NULL}},
    {"Selu", apply_unary, ONNX_OP_SELU, {1.67326319f, 1.05070102f}, {"alpha", "gamma"}},
    {"Celu", apply_unary, ONNX_OP_CELU, {1, 0}, {"alpha", NULL}},
    {"ThresholdedRelu", apply_unary, ONNX_OP_THRESHOLDED_RELU, {1, 0}, {"alpha", NULL}},
    {"HardSigmoid", apply_unary, ONNX_OP_HARD_SIGMOID, {0.2f, 0.5f}, {"alpha", "beta"}},
    UNARY("HardSwish", ONNX_OP_HARD_SWISH),
    UNARY("Sigmoid", ONNX_OP_SIGMOID),
    UNARY("Tanh", ONNX_OP_TANH),
    {"Swish", apply_unary, ONNX_OP_SWISH, {1, 0}, {"alpha", NULL}},
    {"QuickGelu", apply_unary, ONNX_OP_SWISH, {1.702f, 0}, {"alpha", NULL}},
    UNARY("Gelu", ONNX_OP_GELU),
    UNARY("Mish", ONNX_OP_MISH),
    UNARY("Softplus", ONNX_OP_SOFTPLUS),
    UNARY("Softsign", ONNX_OP_SOFTSIGN),
    {"Shrink", apply_unary, ONNX_OP_SHRINK, {0.5f, 0}, {"lambd", "bias"}},
    UNARY("Erf", ONNX_OP_ERF),
    UNARY("Sign", ONNX_OP_SIGN),
    UNARY("Abs", ONNX_OP_ABS),
    UNARY("Neg", ONNX_OP_NEG),
    UNARY("Exp", ONNX_OP_EXP),
    UNARY("Log", ONNX_OP_LOG),
    UNARY("Sqrt", ONNX_OP_SQRT),
    UNARY("Reciprocal", ONNX_OP_RECIPROCAL),
    UNARY("Floor", ONNX_OP_FLOOR),
    UNARY("Ceil", ONNX_OP_CEIL),
    UNARY("Round", ONNX_OP_ROUND),
    UNARY("Sin", ONNX_OP_SIN),
    UNARY("Cos", ONNX_OP_COS),
    UNARY("Not", ONNX_OP_NOT),
    OTHER("BatchNormalization", apply_batch_norm, ONNX_OP_NONE),
    OTHER("Scaler", apply_scaler, ONNX_OP_NONE),
    OTHER("QuantizeLinear", apply_grid, ONNX_OP_QUANTIZE),
    OTHER("DequantizeLinear", apply_grid, ONNX_OP_DEQUANTIZE),
    OTHER("Cast", apply_cast, ONNX_OP_TRUNCATE),
    OTHER("CastLike", apply_cast, ONNX_OP_TRUNCATE),
    OTHER("Identity", apply_identity, ONNX_OP_NONE),
    OTHER("Dropout", apply_identity, ONNX_OP_NONE),
    OTHER("ZipMap", apply_identity, ONNX_OP_NONE),
    OTHER("Flatten", apply_flatten, ONNX_OP_NONE),
    OTHER("Reshape", apply_reshape, ONNX_OP_NONE),
    OTHER("Squeeze", apply_squeeze, ONNX_OP_NONE),
    OTHER("Unsqueeze", apply_unsqueeze, ONNX_OP_NONE),
    OTHER("Transpose", apply_transpose, ONNX_OP_NONE),
    OTHER("Shape", apply_shape, ONNX_OP_NONE),
    OTHER("Size", apply_size, ONNX_OP_NONE),
    OTHER("ConstantOfShape", apply_constant_of_shape, ONNX_OP_NONE),
    OTHER("Expand", apply_expand, ONNX_OP_NONE),
    OTHER("Slice", apply_slice, ONNX_OP_NONE),
    OTHER("Split", apply_split, ONNX_OP_NONE),
    OTHER("Gather", apply_gather, ONNX_OP_NONE),
    OTHER("ArrayFeatureExtractor", apply_feature_extractor, ONNX_OP_NONE),
    OTHER("Concat", apply_concat, ONNX_OP_NONE),
    OTHER("Softmax", apply_softmax, ONNX_OP_NONE),
    OTHER("LogSoftmax", apply_softmax, ONNX_OP_NONE),
    OTHER("ArgMax", apply_argmax, ONNX_OP_NONE),
    {"LinearClassifier", apply_linear, ONNX_OP_NONE, {1, 0}, {NULL, NULL}},
    OTHER("LinearRegressor", apply_linear, ONNX_OP_NONE),
    OTHER("Constant", apply_constant, ONNX_OP_NONE)};

/* What else is met in files, and what its exporter does instead when it is asked to. */
static const struct {
  const char *op, *reason;
} others[] = {
    {"QLinearMatMul", " is of quantization in operators (quantize with QuantFormat.QDQ)"},
    {"QGemm", " is of quantization in operators (quantize with QuantFormat.QDQ)"},
    {"QLinearAdd", " is of quantization in operators (quantize with QuantFormat.QDQ)"},
    {"QLinearConv", " is of quantization in operators (quantize with QuantFormat.QDQ)"},
    {"QLinearSigmoid", " is of quantization in operators (quantize with QuantFormat.QDQ)"},
    {"MatMulInteger", " is of dynamic quantization (use quantize_static with QuantFormat.QDQ)"},
    {"ConvInteger", " is of dynamic quantization (use quantize_static with QuantFormat.QDQ)"},
    {"DynamicQuantizeLinear",
     " is of dynamic quantization (use quantize_static with QuantFormat.QDQ)"},
    {"MatMulNBits", " packs weights as ONNX Runtime does (quantize with QuantFormat.QDQ)"},
    {"FusedGemm", " is fused by ONNX Runtime (take the file from before it was optimized)"},
    {"FusedMatMul", " is fused by ONNX Runtime (take the file from before it was optimized)"},
    {"BiasGelu", " is fused by ONNX Runtime (take the file from before it was optimized)"},
    {"FusedConv", " is fused by ONNX Runtime (take the file from before it was optimized)"},
    {"If", " decides while it runs (export with torch.onnx.export(..., dynamo=True))"},
    {"Loop", " repeats while it runs (export with torch.onnx.export(..., dynamo=True))"},
    {"Scan", " repeats while it runs (export with torch.onnx.export(..., dynamo=True))"},
    {"LayerNormalization", " divides by what each image has itself (train with BatchNorm1d)"},
    {"InstanceNormalization", " divides by what each image has itself (train with BatchNorm1d)"},
    {"GroupNormalization", " divides by what each image has itself (train with BatchNorm1d)"},
    {"Normalizer", " divides by what each image has itself (use StandardScaler)"},
    {"TreeEnsembleClassifier", " is of trees (expected a network: MLPClassifier, say)"},
    {"TreeEnsembleRegressor", " is of trees (expected a network: MLPClassifier, say)"},
    {"TreeEnsemble", " is of trees (expected a network: MLPClassifier, say)"},
    {"SVMClassifier", " is of support vectors (expected a network: MLPClassifier, say)"}};

static const char unknown_op[] =
    " is not supported (expected Gemm, MatMul, Add, an activation, Flatten, ...)";

static int is_standard(const protobuf *domain) {
  return protobuf_count(domain) == 0 || protobuf_is(domain, "ai.onnx") ||
         protobuf_is(domain, "ai.onnx.ml");
}

/* ONNX Runtime's own forms of these few do the same. */
static int is_runtime_form(const onnx_node *node) {
  return protobuf_is(&node->domain, "com.microsoft") &&
         (protobuf_is(&node->op, "QuantizeLinear") || protobuf_is(&node->op, "DequantizeLinear") ||
          protobuf_is(&node->op, "Gelu") || protobuf_is(&node->op, "QuickGelu"));
}

const char *graph_apply(onnx_graph *g, graph_call *call) {
  const onnx_node *node = call->node;
  const operation *o = operations, *end = operations + sizeof operations / sizeof *operations;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (protobuf_is(&node->op, others[i].op)) return others[i].reason;
  if (!is_standard(&node->domain) && !is_runtime_form(node)) return unknown_op;
  while (o < end && !protobuf_is(&node->op, o->name)) o++;
  if (o == end) return unknown_op;
  const char *reason = o->apply(g, call, o);
  return g->is_spent ? graph_spent : reason;
}
