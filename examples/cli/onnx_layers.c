/* onnx_layers.c - see onnx_graph.h: which layers the scores are made of.  The way leads back from the
 * scores: a dense layer, the core that it takes, the dense layer of that core, and so on to the image. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "onnx_graph.h"

/* ---------------------------------------------------------- ends of a graph */

/* Are scale and shift the same for all values, and the values in order? */
static int is_plain(const graph_meaning *m, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (graph_scale(m, i) != graph_scale(m, 0) || graph_shift(m, i) != graph_shift(m, 0) ||
        graph_index(m, i) != i)
      return 0;
  return graph_scale(m, 0) > 0;
}

/* An increasing function at 0; 0 if the step is none. */
static int is_increasing(const onnx_step *s, float *centre) {
  *centre = s->op == ONNX_OP_SIGMOID || s->op == ONNX_OP_HARD_SIGMOID ? 0.5f : 0.0f;
  if (s->op == ONNX_OP_HARD_SIGMOID) return s->p[0] > 0 && s->p[1] == 0.5f;
  return s->op == ONNX_OP_SIGMOID || s->op == ONNX_OP_TANH || s->op == ONNX_OP_SOFTSIGN ||
         s->op == ONNX_OP_ERF;
}

/* Do values scale f + shift, f being `centre` at 0, decide for the same class as scale x would? */
static int keeps_classes(const graph_meaning *m, size_t count, float centre) {
  int same_value = 1, same_scale = graph_scale(m, 0) > 0;
  float level = graph_shift(m, 0) + graph_scale(m, 0) * centre;
  if (count == 1 && fabsf(level - centre) > 1e-6f) return 0;
  for (size_t i = 0; i < count; i++) {
    same_value &= graph_index(m, i) == graph_index(m, 0);
    same_scale &= graph_scale(m, i) == graph_scale(m, 0);
    if (fabsf(graph_shift(m, i) + graph_scale(m, i) * centre - level) > 1e-6f) return 0;
  }
  return same_value || same_scale;
}

/* A step that has scale x of the step `from`, values as m picks them. */
static const char *rescale(onnx_graph *g, size_t *step, size_t from, const graph_meaning *m,
                           size_t count) {
  static const float none = 0;
  float *scale = graph_take_floats(g, count);
  uint32_t *index = graph_take_index(g, count);
  if (scale == NULL || index == NULL) return graph_spent;
  for (size_t i = 0; i < count; i++) {
    scale[i] = graph_scale(m, i);
    index[i] = (uint32_t)graph_index(m, i);
  }
  onnx_step *pick = graph_add_step(g, ONNX_OP_GATHER, count, g->step[from].type);
  if (pick == NULL) return graph_spent;
  pick->operands = 1;
  pick->in[0] = (onnx_operand){(int)from, NULL, g->step[from].count};
  pick->index = index;
  size_t picked = g->steps - 1;
  const char *reason = graph_pick(g, &g->meaning[picked], &g->meaning[from], index, count);
  onnx_step *s = reason ? NULL : graph_add_step(g, ONNX_OP_AFFINE, count, ONNX_FLOAT);
  if (s == NULL) return reason ? reason : graph_spent;
  s->operands = 3;
  s->in[0] = (onnx_operand){(int)picked, NULL, count};
  s->in[1] = (onnx_operand){-1, scale, count};
  s->in[2] = (onnx_operand){-1, &none, 1};
  *step = g->steps - 1;
  return graph_derive(g, NULL);
}

static const char *fail_core(onnx_graph *g, const graph_core *core, const char *reason) {
  return core->made_by ? graph_text(g, core->made_by, reason) : reason;
}

/* Does m undo what the step does, which quantizes? */
static int undoes_grid(const onnx_step *s, const graph_meaning *m, size_t count) {
  if (s->op != ONNX_OP_QUANTIZE || s->in[1].count != 1 || !is_plain(m, count)) return 0;
  float zero = s->operands > 2 ? s->in[2].value[0] : 0, by = s->in[1].value[0];
  return fabsf(graph_scale(m, 0) / by - 1) < 1e-5f &&
         fabsf(graph_shift(m, 0) + graph_scale(m, 0) * zero) < 1e-4f * by;
}

/* Are these a dense layer's results, rounded at most: scores that are quantized at the very end? */
static int is_logits(const onnx_graph *g, size_t step) {
  const graph_core *core = &g->core[g->meaning[step].core];
  if (core->kind == CORE_DENSE) return 1;
  return core->kind == CORE_CLIP && protobuf_is(&core->op, "QuantizeLinear");
}

/* Goes one op back from the end: to what a Softmax, ArgMax or Sigmoid is of.
 *   step  in and out */
static const char *unwrap(onnx_graph *g, size_t *step) {
  const graph_meaning m = g->meaning[*step];
  const graph_core core = g->core[m.core];
  const onnx_step *s = &g->step[core.step];
  size_t count = g->step[*step].count, from = core.kind == CORE_CLIP ? 0 : (size_t)s->in[0].step;
  float centre;
  if (core.kind == CORE_IMAGE)
    return "no dense layer at the end (expected Gemm or MatMul, whose results are logits)";
  if (core.kind == CORE_SOFTMAX || core.kind == CORE_ARGMAX) {
    *step = from;
    return is_plain(&m, count)
               ? NULL
               : fail_core(g, &core, ": is calculated with (expected it at the end)");
  }
  if (core.kind == CORE_FUNCTION && undoes_grid(s, &m, count)) {
    *step = from;
    return NULL;
  }
  if (core.kind == CORE_CLIP || !is_increasing(s, &centre))
    return fail_core(g, &core,
                     ": behind the last layer, whose scores it changes (expected logits, or "
                     "Sigmoid, Softmax, Tanh or ArgMax of them)");
  if (!keeps_classes(&m, count, centre))
    return fail_core(g, &core,
                     ": its results are calculated with so that classes may change "
                     "(expected them as they are, or 1 - p)");
  if (!is_plain(&m, count)) return rescale(g, step, from, &m, count);
  *step = from;
  return NULL;
}

int graph_rate_output(onnx_graph *g, const graph_value *output, size_t *scores,
                      const char **reason) {
  int rate = 0;
  *reason = output->kind == GRAPH_BAD    ? output->reason
            : output->kind != GRAPH_DATA ? "does not depend on the image (expected its scores)"
                                         : NULL;
  if (*reason) return -1;
  *scores = output->step;
  g->network->last_op[0] = 0;
  while (!is_logits(g, *scores)) {
    const graph_core *core = &g->core[g->meaning[*scores].core];
    char op[64];
    if (rate == 0)
      snprintf(g->network->last_op, sizeof g->network->last_op, "%.15s",
               graph_shown(op, &core->op));
    rate += core->kind == CORE_ARGMAX ? 16 : 1;
    *reason = unwrap(g, scores);
    if (*reason) return -1;
  }
  return rate;
}

/* --------------------------------------------------- functions of one value */

/* The function of one value of a core, from the dense layer's result to the core. */
typedef struct single_function {
  onnx_program program; /* of one value */
  float *memory;
  float scale, shift; /* the argument is that of the dense layer's result */
} single_function;

/* Is the step one of those that lead from base to the core? */
static void mark_needed(onnx_graph *g, size_t base, size_t to) {
  for (size_t i = base; i <= to; i++) g->step[i].is_needed = i == to;
  for (size_t i = to; i > base; i--)
    for (unsigned k = 0; g->step[i].is_needed && k < g->step[i].operands; k++)
      if (g->step[i].in[k].step >= (int)base) g->step[g->step[i].in[k].step].is_needed = 1;
}

/* The steps that were marked, for value k alone.
 *   copy  [as many as were marked]  out */
static size_t copy_needed(onnx_step *copy, const onnx_graph *g, size_t base, size_t to, size_t k) {
  size_t count = 0;
  for (size_t i = base; i <= to; i++) {
    if (!g->step[i].is_needed && i != base) continue;
    g->step[i].at = count;
    onnx_step *s = &copy[count++];
    *s = g->step[i];
    s->count = 1;
    if (i == base) s->operands = 0;
    for (unsigned j = 0; j < s->operands; j++) {
      onnx_operand *in = &s->in[j];
      if (in->step >= 0) in->step = (int)g->step[in->step].at;
      else if (in->count > 1) in->value += k;
      in->count = 1;
    }
  }
  return count;
}

static float run_single(const single_function *f, float argument) {
  float x = (argument - f->shift) / f->scale;
  return onnx_run(f->memory, &f->program, &x)[0];
}

/* As ppml_float_function has it. */
static float call_single(const void *context, float y) {
  return run_single((const single_function *)context, y);
}

/* ------------------------------------------------------------ recognizing */

/* Arguments that a function is tried at; with their negatives and 0. */
static const float probes[] = {0.0113f, 0.037f, 0.119f, 0.31f, 0.57f, 0.83f, 1.27f,
                               1.9f,    2.7f,   4.1f,   6.3f,  9.7f,  23.1f};
enum { PROBES = sizeof probes / sizeof *probes, POINTS = 2 * PROBES };

static float probe(unsigned i) {
  return i < PROBES ? probes[i] : -probes[i - PROBES];
}

static int is_near(float a, float b, float size) {
  if (!isfinite(a) || !isfinite(b)) return !isfinite(a) && !isfinite(b);
  return fabsf(a - b) <= 1e-4f * fmaxf(size, 1e-3f);
}

/* What a value's function was found to be. */
typedef struct shape {
  float at[POINTS], zero; /* its values, and that at 0 */
  int is_square;          /* a u^2 + b u + c, a not 0 */
  float a, b, c;
  int is_homogeneous;
  float up, down; /* of a homogeneous one: up u for u > 0, down u for u < 0 */
  int is_step;    /* one value below 0, another above */
} shape;

static void find_square(shape *s, const single_function *f) {
  float plus = run_single(f, 1), minus = run_single(f, -1);
  s->c = s->zero;
  s->a = (plus + minus) / 2 - s->c;
  s->b = (plus - minus) / 2;
  s->is_square = fabsf(s->a) > 1e-5f * (fabsf(s->b) + fabsf(s->c)) && s->a != 0;
  for (unsigned i = 0; i < POINTS; i++) {
    float u = probe(i), size = fabsf(s->a) * u * u + fabsf(s->b * u) + fabsf(s->c);
    s->is_square &= isfinite(s->at[i]) && is_near(s->at[i], (s->a * u + s->b) * u + s->c, size);
  }
}

static void find_homogeneous(shape *s) {
  float size = fabsf(s->at[PROBES - 1]) + fabsf(s->at[POINTS - 1]);
  s->up = s->at[PROBES - 1] / probes[PROBES - 1];
  s->down = -s->at[POINTS - 1] / probes[PROBES - 1];
  s->is_homogeneous = isfinite(size) && fabsf(s->zero) <= 1e-6f * size && size > 0;
  for (unsigned i = 0; i < POINTS; i++) {
    float u = probe(i), wanted = (u > 0 ? s->up : s->down) * u;
    s->is_homogeneous &= isfinite(s->at[i]) && is_near(s->at[i], wanted, fabsf(wanted));
  }
}

static void find_step(shape *s) {
  s->is_step = isfinite(s->at[0]) && isfinite(s->at[PROBES]) && s->at[0] != s->at[PROBES];
  for (unsigned i = 0; i < POINTS; i++) s->is_step &= s->at[i] == s->at[i < PROBES ? 0 : PROBES];
}

static void find_shape(shape *s, const single_function *f) {
  for (unsigned i = 0; i < POINTS; i++) s->at[i] = run_single(f, probe(i));
  s->zero = run_single(f, 0);
  find_square(s, f);
  find_homogeneous(s);
  find_step(s);
}

static int is_same(const shape *a, const shape *b) {
  for (unsigned i = 0; i < POINTS; i++)
    if (!is_near(a->at[i], b->at[i], fabsf(a->at[i]))) return 0;
  return 1;
}

/* ------------------------------------------------------------------- layers */

/* A layer's activations x_k, and what the core's values are of them:
 * first_k x_k + second_k x_(count + k) + constant_k. */
typedef struct activation {
  size_t count;           /* of the core's values */
  size_t neurons;         /* count, or twice that */
  float *scale, *shift;   /* [neurons]  the activation is of scale y + shift */
  uint32_t *row;          /* [neurons]  of the dense layer's result row_k */
  float *first, *second;  /* [count]; second: NULL where neurons = count */
  float *constant;        /* [count] */
  ppml_float_layer layer; /* what kind it is */
} activation;

static const char *take_activation(onnx_graph *g, activation *a, size_t count, size_t neurons) {
  memset(a, 0, sizeof *a);
  a->count = count;
  a->neurons = neurons;
  a->scale = graph_take_floats(g, neurons);
  a->shift = graph_take_floats(g, neurons);
  a->row = graph_take_index(g, neurons);
  a->first = graph_take_floats(g, count);
  a->second = neurons > count ? graph_take_floats(g, count) : NULL;
  a->constant = graph_take_floats(g, count);
  if (g->is_spent) return graph_spent;
  for (size_t k = 0; k < count; k++) {
    a->first[k] = 1;
    a->constant[k] = 0;
  }
  a->layer.activation = PPML_ACTIVATION_RELU;
  a->layer.low = -INFINITY;
  a->layer.high = INFINITY;
  return NULL;
}

/* Of values scale y + shift of a dense layer. */
static void set_argument(activation *a, const graph_meaning *m) {
  for (size_t k = 0; k < a->count; k++) {
    a->scale[k] = graph_scale(m, k);
    a->shift[k] = graph_shift(m, k);
    a->row[k] = (uint32_t)graph_index(m, k);
  }
}

/* Bounds that are the same for all values are one pair. */
static const char *activate_clip(onnx_graph *g, activation *a, const graph_core *core) {
  const char *reason = take_activation(g, a, core->count, core->count);
  int same = 1;
  if (reason) return reason;
  set_argument(a, &core->arg);
  for (size_t k = 0; k < core->count; k++)
    same &= core->low[k] == core->low[0] && core->high[k] == core->high[0];
  a->layer.low = core->low[0];
  a->layer.high = core->high[0];
  if (same) return NULL;
  a->layer.lows = core->low;
  a->layer.highs = core->high;
  return NULL;
}

/* Squares, completed: a u^2 + b u + c = a (u + b / 2a)^2 + c - b^2 / 4a. */
static void activate_squares(activation *a, const shape *shapes) {
  a->layer.activation = PPML_ACTIVATION_CLIPPED_SQUARE;
  for (size_t k = 0; k < a->count; k++) {
    const shape *s = &shapes[k];
    a->shift[k] += s->b / (2 * s->a);
    a->first[k] = s->a;
    a->constant[k] = s->c - s->b * s->b / (4 * s->a);
  }
}

/* Two values, below 0 and above. */
static void activate_signs(activation *a, const shape *s) {
  a->layer.activation = PPML_ACTIVATION_SIGN;
  for (size_t k = 0; k < a->count; k++) {
    a->first[k] = (s->at[0] - s->at[PROBES]) / 2;
    a->constant[k] = (s->at[0] + s->at[PROBES]) / 2;
  }
}

/* up u above 0 and down u below, where all are 0 on one side: relu of u, or of -u. */
static void activate_relus(activation *a, const shape *shapes) {
  a->layer.low = 0;
  for (size_t k = 0; k < a->count; k++) {
    int is_up = shapes[k].up != 0;
    a->first[k] = is_up ? shapes[k].up : -shapes[k].down;
    if (is_up) continue;
    a->scale[k] = -a->scale[k];
    a->shift[k] = -a->shift[k];
  }
}

/* up u above 0 and down u below are up relu(u) - down relu(-u): two neurons each. */
static const char *activate_pairs(onnx_graph *g, activation *a, const shape *shapes,
                                  const graph_meaning *m) {
  size_t count = a->count;
  if (2 * count > PPML_NEURONS_MAX)
    return ": slopes that differ from value to value take two neurons each (expected at most 2048 "
           "values)";
  const char *reason = take_activation(g, a, count, 2 * count);
  if (reason) return reason;
  set_argument(a, m);
  a->layer.low = 0;
  for (size_t k = 0; k < count; k++) {
    a->scale[count + k] = -a->scale[k];
    a->shift[count + k] = -a->shift[k];
    a->row[count + k] = a->row[k];
    a->first[k] = shapes[k].up;
    a->second[k] = -shapes[k].down;
  }
  return NULL;
}

/* A table of one function for all values. */
static const char *activate_table(onnx_graph *g, activation *a, const single_function *f,
                                  const shape *s) {
  single_function *kept = (single_function *)graph_take(g, sizeof *kept);
  size_t steps = f->program.steps;
  onnx_step *step = (onnx_step *)graph_take(g, steps * sizeof *step);
  if (kept == NULL || step == NULL) return graph_spent;
  *kept = *f;
  memcpy(step, f->program.step, steps * sizeof *step);
  kept->program.step = step;
  kept->memory = graph_take_floats(g, f->program.floats);
  a->layer.activation = PPML_ACTIVATION_TABLE;
  a->layer.function = call_single;
  a->layer.context = kept;
  a->layer.is_homogeneous = s->is_homogeneous;
  return kept->memory ? NULL : graph_spent;
}

/* What all values of a core have in common. */
typedef struct agreement {
  int square, same, one_sided, homogeneous;
} agreement;

static agreement agree(const shape *shapes, size_t count) {
  agreement all = {1, 1, 1, 1};
  for (size_t k = 0; k < count; k++) {
    const shape *s = &shapes[k];
    all.square &= s->is_square;
    all.same &= is_same(&shapes[0], s);
    all.homogeneous &= s->is_homogeneous;
    all.one_sided &= s->is_homogeneous && (s->up == 0 || s->down == 0);
  }
  return all;
}

/* Finds the shape of every value's function.
 *   f  out: that of value 0 */
static const char *find_shapes(onnx_graph *g, single_function *f, shape *shapes, activation *a,
                               const graph_core *core) {
  size_t base = g->core[core->base].step, most = core->step - base + 1;
  onnx_step *copy = (onnx_step *)graph_take(g, most * sizeof *copy);
  f->memory = graph_take_floats(g, most);
  if (copy == NULL || f->memory == NULL) return graph_spent;
  mark_needed(g, base, core->step);
  for (size_t k = core->count; k-- > 0;) { /* 0 is the last one, and stays in copy */
    size_t steps = copy_needed(copy, g, base, core->step, k);
    if (steps * (POINTS + 3) > g->work) return graph_spent;
    g->work -= steps * (POINTS + 3);
    onnx_program_make(&f->program, copy, steps, steps - 1, most);
    if (a->scale[k] == 0) { /* a function of the layer's result itself, then */
      a->scale[k] = 1;
      a->shift[k] = 0;
    }
    f->scale = a->scale[k];
    f->shift = a->shift[k];
    find_shape(&shapes[k], f);
  }
  return NULL;
}

static const char *activate_function(onnx_graph *g, activation *a, const graph_core *core) {
  single_function f;
  size_t count = core->count;
  const char *reason = take_activation(g, a, count, count);
  shape *shapes = (shape *)graph_take(g, count * sizeof *shapes);
  if (reason || shapes == NULL) return graph_spent;
  set_argument(a, &core->arg);
  reason = find_shapes(g, &f, shapes, a, core);
  if (reason) return reason;
  agreement all = agree(shapes, count);
  if (all.square) activate_squares(a, shapes);
  else if (all.one_sided) activate_relus(a, shapes);
  else if (all.same && shapes[0].is_step) activate_signs(a, shapes);
  else if (all.same) return activate_table(g, a, &f, shapes);
  else if (all.homogeneous) return activate_pairs(g, a, shapes, &core->arg);
  else
    return ": a function that differs from value to value (expected one for all values of a "
           "layer)";
  return NULL;
}

/* The activation that a core is. */
static const char *activate(onnx_graph *g, activation *a, const graph_core *core) {
  static const float one = 1, nothing = 0;
  const graph_meaning plain = {0, NULL, &one, &nothing, 1, 1};
  const char *reason;
  if (core->kind == CORE_CLIP) reason = activate_clip(g, a, core);
  else if (core->kind == CORE_FUNCTION) reason = activate_function(g, a, core);
  else { /* none */ reason = take_activation(g, a, core->count, core->count);
    if (reason == NULL) set_argument(a, &plain);
  }
  return reason && reason[0] == ':' ? fail_core(g, core, reason) : reason;
}

/* ------------------------------------------------------------------ weights */

/* What a layer takes: the image, or activations. */
typedef struct source {
  size_t count;        /* of weights in a row */
  const activation *a; /* NULL: the image */
  const onnx_image *image;
} source;

/* Where value i of the image, as the file has it, stands in [height][width][channels]. */
static size_t pixel_of(const onnx_image *image, size_t i) {
  size_t plane = image->height * image->width;
  return image->is_hwc ? i : i % plane * image->channels + i / plane;
}

/* Row j of a dense layer, of what the source has.
 *   row  [source->count]  out */
static float fold_row(float *row, const onnx_step *s, size_t j, const graph_meaning *m,
                      const source *from) {
  double bias = 0;
  const activation *a = from->a;
  memset(row, 0, from->count * sizeof *row);
  for (size_t i = 0; i < s->inputs; i++) {
    float w = s->p[0] * s->in[1].value[s->by_rows ? j * s->inputs + i : i * s->count + j];
    float by = w * graph_scale(m, i);
    size_t at = graph_index(m, i);
    bias += (double)w * (double)graph_shift(m, i);
    if (a == NULL) {
      row[pixel_of(from->image, at)] += by;
      continue;
    }
    bias += (double)by * (double)a->constant[at];
    row[at] += by * a->first[at];
    if (a->second) row[a->count + at] += by * a->second[at];
  }
  return (float)bias;
}

/* Begins a layer whose neurons are scale y + shift of the dense layer's rows. */
static const char *add_layer(onnx_graph *g, const graph_core *dense, const source *from,
                             const activation *a) {
  onnx_network *network = g->network;
  const onnx_step *s = &g->step[dense->step];
  ppml_float_layer layer = a->layer;
  size_t inputs = from->count, outputs = a->neurons;
  if (inputs > PPML_INPUTS_MAX || outputs > PPML_NEURONS_MAX)
    return fail_core(g, dense, ": too large (expected at most 65536 inputs and 4096 outputs)");
  if (s->inputs * outputs > g->work) return graph_spent;
  g->work -= s->inputs * outputs;
  float *weight = graph_take_floats(g, inputs * outputs), *bias = graph_take_floats(g, outputs);
  if (weight == NULL || bias == NULL) return graph_spent;
  for (size_t k = 0; k < outputs; k++) {
    float *row = weight + k * inputs;
    bias[k] = fold_row(row, s, a->row[k], &dense->arg, from) * a->scale[k] + a->shift[k];
    for (size_t i = 0; i < inputs; i++) row[i] *= a->scale[k];
  }
  layer.inputs = (uint32_t)inputs;
  layer.outputs = (uint32_t)outputs;
  layer.weight = weight;
  layer.bias = bias;
  network->layer[network->layer_count++] = layer;
  return NULL;
}

/* Folding may have left floats' range. */
static const char *check_values(const onnx_network *network) {
  for (uint32_t l = 0; l < network->layer_count; l++) {
    const ppml_float_layer *layer = &network->layer[l];
    size_t weights = (size_t)layer->inputs * layer->outputs;
    int finite = 1;
    for (size_t i = 0; i < weights; i++) finite &= fabsf(layer->weight[i]) < 1e30f;
    for (uint32_t j = 0; j < layer->outputs; j++) finite &= fabsf(layer->bias[j]) < 1e30f;
    if (!finite) return "a weight is no number, or infinite (expected numbers)";
  }
  return NULL;
}

/* ------------------------------------------------------------------- chain */

/* The cores from the scores back to the image: dense[0] is the last layer's. */
static const char *find_chain(const onnx_graph *g, int *dense, unsigned *layers, int core) {
  for (*layers = 0; g->core[core].kind != CORE_IMAGE; core = g->core[core].arg.core) {
    core = g->core[core].base;
    if (*layers == PPML_LAYERS_MAX) return "one layer too many (expected at most 8)";
    dense[(*layers)++] = core;
  }
  return NULL;
}

static const char *make_chain(onnx_graph *g, const int *dense, unsigned layers,
                              const graph_meaning *scores, size_t outputs,
                              const onnx_image *image) {
  activation a[2];
  source from = {g->core[0].count, NULL, image};
  for (unsigned l = layers; l-- > 0;) {
    const graph_core *core = &g->core[dense[l]];
    activation *now = &a[l % 2];
    const char *reason;
    if (l > 0) reason = activate(g, now, &g->core[g->core[dense[l - 1]].arg.core]);
    else {
      reason = take_activation(g, now, outputs, outputs);
      if (reason == NULL) set_argument(now, scores);
    }
    if (reason == NULL) reason = add_layer(g, core, &from, now);
    if (reason) return reason;
    from.count = now->neurons;
    from.a = now;
  }
  return check_values(g->network);
}

/* Scores that are rounded at the very end, without the rounding. */
static const char *open_scores(onnx_graph *g, graph_meaning *m, size_t count) {
  const graph_core *core = &g->core[m->core];
  graph_meaning arg;
  if (core->kind == CORE_DENSE) return NULL;
  const char *reason = graph_pick(g, &arg, &core->arg, m->index, count);
  float *scale = graph_take_floats(g, count), *shift = graph_take_floats(g, count);
  if (reason || scale == NULL || shift == NULL) return graph_spent;
  for (size_t i = 0; i < count; i++) {
    scale[i] = graph_scale(m, i) * graph_scale(&arg, i);
    shift[i] = graph_scale(m, i) * graph_shift(&arg, i) + graph_shift(m, i);
  }
  *m = (graph_meaning){arg.core, arg.index, scale, shift, count, count};
  return NULL;
}

const char *graph_make_layers(onnx_graph *g, size_t scores, const onnx_image *image) {
  int dense[PPML_LAYERS_MAX];
  unsigned layers;
  graph_meaning m = g->meaning[scores];
  const char *reason = open_scores(g, &m, g->step[scores].count);
  if (reason == NULL) reason = find_chain(g, dense, &layers, m.core);
  if (reason) return reason;
  reason = make_chain(g, dense, layers, &m, g->step[scores].count, image);
  if (reason) return reason;
  if (!onnx_program_make(&g->network->program, g->step, g->steps, scores, 1 << 24))
    return "too large (expected fewer values)";
  return NULL;
}
