/* onnx_meaning.c - see onnx_graph.h: what the values of a step are, of the image or of a dense layer. */
#include <math.h>
#include <string.h>

#include "onnx_graph.h"

static const float one = 1, nothing = 0;

static const char too_many[] = "more than 4096 steps (expected fewer)";

onnx_step *graph_add_step(onnx_graph *g, onnx_op op, size_t count, uint32_t type) {
  if (g->steps == GRAPH_STEPS_MAX || count > GRAPH_COUNT_MAX) return NULL;
  onnx_step *step = &g->step[g->steps];
  graph_meaning plain = {-1, NULL, &one, &nothing, 1, 1};
  memset(step, 0, sizeof *step);
  g->meaning[g->steps++] = plain;
  step->op = op;
  step->count = count;
  step->type = type;
  step->node = g->node;
  return step;
}

graph_core *graph_add_core(onnx_graph *g, graph_core_kind kind, const onnx_node *node,
                           size_t count) {
  if (g->cores == GRAPH_STEPS_MAX) return NULL;
  graph_core *core = &g->core[g->cores];
  memset(core, 0, sizeof *core);
  core->kind = kind;
  core->base = g->cores++;
  core->step = g->steps - 1;
  core->count = count;
  if (node == NULL) return core;
  core->op = node->op;
  core->made_by = graph_refusal(g, node, "");
  return core;
}

float graph_scale(const graph_meaning *m, size_t i) {
  return m->scale[m->scales == 1 ? 0 : i];
}

float graph_shift(const graph_meaning *m, size_t i) {
  return m->shift[m->shifts == 1 ? 0 : i];
}

size_t graph_index(const graph_meaning *m, size_t i) {
  return m->index ? m->index[i] : i;
}

/* ----------------------------------------------------------------- picking */

/* Values index[0], index[1] ... of some that are given one by one; *counts stays 1 if that is so. */
static const char *pick_floats(onnx_graph *g, const float **out, size_t *counts,
                               const float *values, const uint32_t *index, size_t count) {
  *out = values;
  if (*counts == 1) return NULL;
  float *picked = graph_take_floats(g, count);
  if (picked == NULL) return graph_spent;
  for (size_t i = 0; i < count; i++) picked[i] = values[index[i]];
  *counts = count;
  *out = picked;
  return NULL;
}

const char *graph_pick(onnx_graph *g, graph_meaning *out, const graph_meaning *m,
                       const uint32_t *index, size_t count) {
  *out = *m;
  if (index == NULL) return NULL;
  out->index = index;
  if (m->index) {
    uint32_t *through = graph_take_index(g, count);
    if (through == NULL) return graph_spent;
    for (size_t i = 0; i < count; i++) through[i] = m->index[index[i]];
    out->index = through;
  }
  const char *reason = pick_floats(g, &out->scale, &out->scales, m->scale, index, count);
  if (reason) return reason;
  return pick_floats(g, &out->shift, &out->shifts, m->shift, index, count);
}

/* ------------------------------------------------------------------ affine */

/* x -> a x + b, for each value or the same for all. */
typedef struct affine {
  const onnx_step *step;
  unsigned data; /* which operand x is */
} affine;

static float constant_of(const onnx_step *s, unsigned k, size_t i) {
  if (k >= s->operands) return 0;
  return s->in[k].value[s->in[k].count == 1 ? 0 : i];
}

/* a and b of value i; 0 if the step is no such map. */
static int affine_at(const affine *f, size_t i, float *a, float *b) {
  const onnx_step *s = f->step;
  float k = f->data < 2 && s->operands > 1 ? constant_of(s, 1 - f->data, i) : 0;
  *a = 1;
  *b = 0;
  switch (s->op) {
  case ONNX_OP_ADD:
    *b = k;
    return 1;
  case ONNX_OP_SUB:
    *a = f->data == 0 ? 1.0f : -1.0f;
    *b = f->data == 0 ? -k : k;
    return 1;
  case ONNX_OP_MUL:
    *a = k;
    return 1;
  case ONNX_OP_DIV:
    *a = 1 / k;
    return f->data == 0 && k != 0;
  case ONNX_OP_POW:
    return f->data == 0 && k == 1;
  case ONNX_OP_NEG:
    *a = -1;
    return 1;
  case ONNX_OP_AFFINE:
    *a = constant_of(s, 1, i);
    *b = constant_of(s, 2, i);
    return f->data == 0;
  case ONNX_OP_DEQUANTIZE:
    *a = constant_of(s, 1, i);
    *b = -constant_of(s, 2, i) * *a;
    return f->data == 0;
  default:
    return 0;
  }
}

/* Are the step's constants the same for all values? */
static int is_uniform(const onnx_step *s) {
  for (unsigned k = 0; k < s->operands; k++)
    if (s->in[k].step < 0 && s->in[k].count != 1) return 0;
  return 1;
}

/* Its scale and shift, behind those of m.  0 if it is no affine map; -1 if memory ends. */
static int compose(onnx_graph *g, graph_meaning *out, const graph_meaning *m, const affine *f) {
  int uniform = is_uniform(f->step);
  size_t scales = uniform && m->scales == 1 ? 1 : f->step->count;
  size_t shifts = scales == 1 && m->shifts == 1 ? 1 : f->step->count;
  float a, b;
  if (!affine_at(f, 0, &a, &b)) return 0;
  float *scale = graph_take_floats(g, scales), *shift = graph_take_floats(g, shifts);
  if (scale == NULL || shift == NULL) return -1;
  for (size_t i = 0; i < shifts; i++) {
    if (!affine_at(f, i, &a, &b)) return 0;
    if (i < scales) scale[i] = graph_scale(m, i) * a;
    shift[i] = graph_shift(m, i) * a + b;
  }
  *out = (graph_meaning){m->core, m->index, scale, shift, scales, shifts};
  return 1;
}

/* ------------------------------------------------------------------- clips */

/* What a step lets through of its operand, in that one's units; 0 if it is no clip. */
static int bounds_at(const onnx_step *s, unsigned data, size_t i, float *low, float *high) {
  float k = s->operands > 1 ? constant_of(s, 1 - (data < 2 ? data : 0), i) : 0;
  *low = -INFINITY;
  *high = INFINITY;
  switch (s->op) {
  case ONNX_OP_RELU:
    *low = 0;
    return 1;
  case ONNX_OP_CLIP:
    *low = s->p[0];
    *high = s->p[1];
    return 1;
  case ONNX_OP_MAX:
    *low = k;
    return 1;
  case ONNX_OP_MIN:
    *high = k;
    return 1;
  case ONNX_OP_QUANTIZE:
    *low = (s->p[0] - constant_of(s, 2, i)) * constant_of(s, 1, i);
    *high = (s->p[1] - constant_of(s, 2, i)) * constant_of(s, 1, i);
    return data == 0;
  default:
    return 0;
  }
}

/* Bounds low and high of scale x + shift become bounds of x, which has some already. */
static void narrow(float *low, float *high, float least, float most, float scale, float shift) {
  float from = (least - shift) / scale, to = (most - shift) / scale;
  *low = fmaxf(*low, scale < 0 ? to : from);
  *high = fminf(*high, scale < 0 ? from : to);
}

/* A clip of m, a dense layer's result or a clip of that.  A value that is always the same keeps its
 * bounds and gets a scale of 0. */
static const char *make_clip(onnx_graph *g, const onnx_node *node, const onnx_step *s,
                             unsigned data, const graph_meaning *m) {
  const graph_core old = g->core[m->core];
  int is_first = old.kind == CORE_DENSE;
  size_t n = s->count, closed = 0;
  graph_meaning *out = &g->meaning[g->steps - 1];
  graph_core *core = graph_add_core(g, CORE_CLIP, node, n);
  float *low = graph_take_floats(g, n), *high = graph_take_floats(g, n);
  float *scale = graph_take_floats(g, n), *shift = graph_take_floats(g, n);
  if (core == NULL) return too_many;
  if (!low || !high || !scale || !shift) return graph_spent;
  core->base = old.base;
  core->low = low, core->high = high;
  if (is_first) core->arg = *m;
  else {
    const char *reason = graph_pick(g, &core->arg, &old.arg, m->index, n);
    if (reason) return reason;
  }
  for (size_t i = 0; i < n; i++) {
    float least, most;
    bounds_at(s, data, i, &least, &most);
    scale[i] = is_first ? 1 : graph_scale(m, i);
    shift[i] = is_first ? 0 : graph_shift(m, i);
    float before_low = low[i] = is_first ? -INFINITY : old.low[graph_index(m, i)];
    float before_high = high[i] = is_first ? INFINITY : old.high[graph_index(m, i)];
    if (scale[i] != 0) narrow(&low[i], &high[i], least, most, scale[i], shift[i]);
    if (scale[i] != 0 && low[i] < high[i]) continue;
    float only = scale[i] == 0 ? shift[i] : scale[i] * fmaxf(before_low, -1e30f) + shift[i];
    if (scale[i] != 0 && low[i] > before_low) only = scale[i] * before_high + shift[i];
    low[i] = before_low, high[i] = before_high;
    shift[i] = fminf(fmaxf(only, least), most);
    scale[i] = 0;
    closed++;
  }
  if (closed == n) return "lets nothing through (expected a lower bound below the upper one)";
  *out = (graph_meaning){g->cores - 1, NULL, scale, shift, n, n};
  return NULL;
}

/* -------------------------------------------------------------- functions */

/* Are these values of a dense layer, in the layer's own order, as a function of single ones needs? */
static int is_in_order(const onnx_graph *g, const graph_meaning *m, size_t count) {
  const graph_core *core = &g->core[m->core];
  const graph_meaning *arg = core->kind == CORE_DENSE ? m : &core->arg;
  return m->index == NULL && arg->index == NULL && core->count == count &&
         g->core[core->base].count == count;
}

/* The operand that tells best what a function is of: one that is a function already. */
static const graph_meaning *argument_of(const onnx_graph *g, const onnx_step *s) {
  const graph_meaning *best = NULL;
  for (unsigned k = 0; k < s->operands; k++) {
    if (s->in[k].step < 0) continue;
    const graph_meaning *m = &g->meaning[s->in[k].step];
    const graph_core *core = &g->core[m->core];
    if (core->kind == CORE_FUNCTION) return &core->arg;
    if (best == NULL) best = core->kind == CORE_CLIP ? &core->arg : m;
  }
  return best;
}

/* Any function of single values. */
static const char *make_function(onnx_graph *g, const onnx_node *node, const onnx_step *s) {
  int base = -1;
  for (unsigned k = 0; k < s->operands; k++) {
    if (s->in[k].step < 0) continue;
    const graph_meaning *m = &g->meaning[s->in[k].step];
    const graph_core *core = &g->core[m->core];
    if (core->kind == CORE_IMAGE)
      return "a function of the image itself, not behind a dense layer (expected Gemm or MatMul "
             "before it)";
    if (core->kind > CORE_FUNCTION) return "behind the last activation (expected none)";
    if (base >= 0 && base != core->base)
      return "joins values of two layers (expected one chain, no branches around a layer)";
    base = core->base;
    if (!is_in_order(g, m, s->count))
      return "joins values of different places of a layer (expected functions of single values)";
  }
  graph_core *core = graph_add_core(g, CORE_FUNCTION, node, s->count);
  if (core == NULL) return too_many;
  core->base = base;
  core->arg = *argument_of(g, s);
  g->meaning[g->steps - 1].core = g->cores - 1;
  return NULL;
}

/* --------------------------------------------------------------- deriving */

/* a + b or a - b of two values of one core. */
static int combine(onnx_graph *g, graph_meaning *out, const onnx_step *s) {
  const graph_meaning *a = &g->meaning[s->in[0].step], *b = &g->meaning[s->in[1].step];
  if (s->op != ONNX_OP_ADD && s->op != ONNX_OP_SUB) return 0;
  if (a->core != b->core) return 0;
  for (size_t i = 0; i < s->count; i++)
    if (graph_index(a, i) != graph_index(b, i)) return 0;
  float sign = s->op == ONNX_OP_ADD ? 1.0f : -1.0f;
  float *scale = graph_take_floats(g, s->count), *shift = graph_take_floats(g, s->count);
  if (scale == NULL || shift == NULL) return -1;
  for (size_t i = 0; i < s->count; i++) {
    scale[i] = graph_scale(a, i) + sign * graph_scale(b, i);
    shift[i] = graph_shift(a, i) + sign * graph_shift(b, i);
  }
  *out = (graph_meaning){a->core, a->index, scale, shift, s->count, s->count};
  return 1;
}

/* Which operands are data: how many, and the first. */
static unsigned data_operands(const onnx_step *s, unsigned *first) {
  unsigned count = 0;
  for (unsigned k = s->operands; k-- > 0;)
    if (s->in[k].step >= 0) {
      *first = k;
      count++;
    }
  return count;
}

/* What clips or rounds the image as it enters, or rounds probabilities, is taken to let all through; the
 * comparison with the file's own arithmetic tells of the image if it does not. */
static const char *pass_through(graph_meaning *out, const onnx_step *s, const graph_meaning *m) {
  int is_closed = s->op == ONNX_OP_QUANTIZE ||
                  (s->op == ONNX_OP_CLIP && isfinite(s->p[0]) && isfinite(s->p[1]));
  *out = *m;
  return is_closed ? NULL
                   : "of the image, not behind a dense layer (expected Gemm or MatMul before it)";
}

/* Between QuantizeLinear and DequantizeLinear values are x / scale + zero. */
static int quantized(onnx_graph *g, const onnx_step *s) {
  onnx_step grid = *s;
  float *scale = graph_take_floats(g, s->in[1].count);
  if (scale == NULL) return -1;
  for (size_t i = 0; i < s->in[1].count; i++) scale[i] = 1 / s->in[1].value[i];
  grid.op = ONNX_OP_AFFINE;
  grid.in[1].value = scale;
  const affine f = {&grid, 0};
  graph_meaning m = g->meaning[g->steps - 1];
  return compose(g, &g->meaning[g->steps - 1], &m, &f);
}

/* Of one operand that is data. */
static const char *derive_single(onnx_graph *g, const onnx_node *node, unsigned data) {
  const onnx_step *s = &g->step[g->steps - 1];
  const graph_meaning m = g->meaning[s->in[data].step];
  const affine f = {s, data};
  graph_core_kind kind = g->core[m.core].kind;
  float low, high;
  int done = compose(g, &g->meaning[g->steps - 1], &m, &f);
  if (done) return done > 0 ? NULL : graph_spent;
  int passes = kind == CORE_IMAGE || (kind == CORE_SOFTMAX && s->op == ONNX_OP_QUANTIZE);
  if (!bounds_at(s, data, 0, &low, &high) || (kind >= CORE_FUNCTION && !passes))
    return make_function(g, node, s);
  const char *reason =
      passes ? pass_through(&g->meaning[g->steps - 1], s, &m) : make_clip(g, node, s, data, &m);
  if (reason || s->op != ONNX_OP_QUANTIZE) return reason;
  return quantized(g, s) > 0 ? NULL : graph_spent;
}

const char *graph_derive(onnx_graph *g, const onnx_node *node) {
  const onnx_step *s = &g->step[g->steps - 1];
  unsigned first = 0, count = data_operands(s, &first);
  if (count == 1) return derive_single(g, node, first);
  int done = count == 2 && s->operands == 2 ? combine(g, &g->meaning[g->steps - 1], s) : 0;
  if (done) return done > 0 ? NULL : graph_spent;
  return make_function(g, node, s);
}

const char *graph_begin_core(onnx_graph *g, graph_core_kind kind, const onnx_node *node,
                             const graph_meaning *m) {
  graph_core *core = graph_add_core(g, kind, node, g->step[g->steps - 1].count);
  if (core == NULL) return too_many;
  core->arg = *m;
  if (kind != CORE_DENSE) core->base = g->core[m->core].base;
  g->meaning[g->steps - 1].core = g->cores - 1;
  return NULL;
}
