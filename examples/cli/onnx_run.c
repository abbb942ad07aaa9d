/* onnx_run.c - see onnx_run.h. */
#include "onnx_run.h"

#include <math.h>
#include <string.h>

#include "onnx_file.h"

/* -------------------------------------------------------------- one value */

static float sigmoid(float x) {
  return x >= 0 ? 1 / (1 + expf(-x)) : expf(x) / (1 + expf(x));
}

static float softplus(float x) {
  return x > 20 ? x : log1pf(expf(x));
}

static float gelu(float x, int by_tanh) {
  if (by_tanh) return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
  return 0.5f * x * (1 + erff(x * 0.7071067812f));
}

static float shrink(float x, float lambda, float bias) {
  return x < -lambda ? x + bias : x > lambda ? x - bias : 0;
}

/* What takes two or three values. */
static float apply_several(const onnx_step *s, float x, float a, float b) {
  switch (s->op) {
  case ONNX_OP_ADD:
    return x + a;
  case ONNX_OP_SUB:
    return x - a;
  case ONNX_OP_MUL:
    return x * a;
  case ONNX_OP_DIV:
    return s->type == ONNX_INT64 || s->type == ONNX_INT32 ? truncf(x / a) : x / a;
  case ONNX_OP_AFFINE:
    return x * a + b;
  case ONNX_OP_POW:
    return powf(x, a);
  case ONNX_OP_MAX:
    return fmaxf(x, a);
  case ONNX_OP_MIN:
    return fminf(x, a);
  case ONNX_OP_EQUAL:
    return x == a;
  case ONNX_OP_GREATER:
    return x > a;
  case ONNX_OP_LESS:
    return x < a;
  case ONNX_OP_GREATER_EQUAL:
    return x >= a;
  case ONNX_OP_LESS_EQUAL:
    return x <= a;
  case ONNX_OP_AND:
    return x != 0 && a != 0;
  case ONNX_OP_OR:
    return x != 0 || a != 0;
  case ONNX_OP_PRELU:
    return x < 0 ? x * a : x;
  case ONNX_OP_WHERE:
    return x != 0 ? a : b;
  case ONNX_OP_QUANTIZE:
    return fminf(fmaxf(rintf(x / a) + b, s->p[0]), s->p[1]);
  default: /* DEQUANTIZE */
    return (x - b) * a;
  }
}

/* The activations that have a name. */
static float apply_activation(const onnx_step *s, float x) {
  switch (s->op) {
  case ONNX_OP_CLIP:
    return fminf(fmaxf(x, s->p[0]), s->p[1]);
  case ONNX_OP_RELU:
    return fmaxf(x, 0);
  case ONNX_OP_LEAKY_RELU:
    return x < 0 ? s->p[0] * x : x;
  case ONNX_OP_ELU:
    return x < 0 ? s->p[0] * expm1f(x) : x;
  case ONNX_OP_SELU:
    return s->p[1] * (x < 0 ? s->p[0] * expm1f(x) : x);
  case ONNX_OP_CELU:
    return x < 0 ? s->p[0] * expm1f(x / s->p[0]) : x;
  case ONNX_OP_THRESHOLDED_RELU:
    return x > s->p[0] ? x : 0;
  case ONNX_OP_HARD_SIGMOID:
    return fminf(fmaxf(s->p[0] * x + s->p[1], 0), 1);
  case ONNX_OP_HARD_SWISH:
    return x * fminf(fmaxf(x / 6 + 0.5f, 0), 1);
  case ONNX_OP_SIGMOID:
    return sigmoid(x);
  case ONNX_OP_TANH:
    return tanhf(x);
  case ONNX_OP_SWISH:
    return x * sigmoid(s->p[0] * x);
  case ONNX_OP_GELU:
    return gelu(x, s->p[0] != 0);
  case ONNX_OP_MISH:
    return x * tanhf(softplus(x));
  case ONNX_OP_SOFTPLUS:
    return softplus(x);
  case ONNX_OP_SOFTSIGN:
    return x / (1 + fabsf(x));
  default: /* SHRINK */
    return shrink(x, s->p[0], s->p[1]);
  }
}

/* Other functions of one value. */
static float apply_single(const onnx_step *s, float x) {
  switch (s->op) {
  case ONNX_OP_ERF:
    return erff(x);
  case ONNX_OP_SIGN:
    return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
  case ONNX_OP_ABS:
    return fabsf(x);
  case ONNX_OP_NEG:
    return -x;
  case ONNX_OP_EXP:
    return expf(x);
  case ONNX_OP_LOG:
    return logf(x);
  case ONNX_OP_SQRT:
    return sqrtf(x);
  case ONNX_OP_RECIPROCAL:
    return 1 / x;
  case ONNX_OP_FLOOR:
    return floorf(x);
  case ONNX_OP_CEIL:
    return ceilf(x);
  case ONNX_OP_ROUND:
    return rintf(x);
  case ONNX_OP_SIN:
    return sinf(x);
  case ONNX_OP_COS:
    return cosf(x);
  case ONNX_OP_NOT:
    return x == 0;
  default: /* TRUNCATE */
    return truncf(x);
  }
}

/* x rounded to multiples of 2^(exponent - bits), halves to even. */
static float round_bits(float x, int bits, int least_exponent) {
  int exponent;
  if (x == 0 || !isfinite(x)) return x;
  frexpf(x, &exponent);
  if (exponent < least_exponent) exponent = least_exponent;
  return ldexpf(rintf(ldexpf(x, bits - exponent)), exponent - bits);
}

float onnx_round_to(uint32_t type, float x) {
  if (type == ONNX_BFLOAT16) return round_bits(x, 8, -125);
  if (type != ONNX_FLOAT16) return x;
  float rounded = round_bits(x, 11, -13);
  return fabsf(rounded) < 65520 ? rounded : copysignf(INFINITY, x);
}

float onnx_apply(const onnx_step *step, float x, float a, float b) {
  float y = step->op < ONNX_OP_CLIP  ? apply_several(step, x, a, b)
            : step->op < ONNX_OP_ERF ? apply_activation(step, x)
                                     : apply_single(step, x);
  return onnx_round_to(step->type, y);
}

/* ------------------------------------------------------------------ steps */

/* Sums in double: nearer to the exact ones than any order of floats. */
static void run_dense(float *out, const onnx_step *s, const float *in) {
  for (size_t j = 0; j < s->count; j++) {
    const float *w = s->in[1].value + (s->by_rows ? j * s->inputs : j);
    size_t step = s->by_rows ? 1 : s->count;
    double sum = 0;
    for (size_t i = 0; i < s->inputs; i++) sum += (double)in[i] * (double)w[i * step];
    out[j] = onnx_round_to(s->type, (float)(sum * (double)s->p[0]));
  }
}

/* The values of operand k; *stride is 0 where one stands for all. */
static const float *operand(const float *memory, const onnx_program *p, const onnx_step *s,
                            unsigned k, size_t *stride) {
  static const float zero = 0;
  *stride = 0;
  if (k >= s->operands) return &zero;
  const onnx_operand *in = &s->in[k];
  *stride = in->count != 1;
  return in->step < 0 ? in->value : memory + p->step[in->step].at;
}

static void run_gather(float *out, const float *memory, const onnx_program *p, const onnx_step *s) {
  size_t stride, first = s->in[0].count;
  const float *a = operand(memory, p, s, 0, &stride), *b = operand(memory, p, s, 1, &stride);
  for (size_t i = 0; i < s->count; i++)
    out[i] = s->index[i] < first ? a[s->index[i]] : b[s->index[i] - first];
}

static void run_step(float *memory, const onnx_program *p, const onnx_step *s) {
  size_t sx, sa, sb;
  float *out = memory + s->at;
  const float *x = operand(memory, p, s, 0, &sx), *a = operand(memory, p, s, 1, &sa),
              *b = operand(memory, p, s, 2, &sb);
  if (s->op == ONNX_OP_DENSE) run_dense(out, s, x);
  else if (s->op == ONNX_OP_GATHER) run_gather(out, memory, p, s);
  else
    for (size_t i = 0; i < s->count; i++) out[i] = onnx_apply(s, x[i * sx], a[i * sa], b[i * sb]);
}

int onnx_program_make(onnx_program *program, onnx_step *step, size_t steps, size_t scores,
                      size_t most) {
  program->step = step;
  program->steps = steps;
  program->scores = scores;
  program->floats = 0;
  for (size_t i = 0; i < steps; i++) step[i].is_needed = i == scores || i == 0;
  for (size_t i = steps; i-- > 0;)
    for (unsigned k = 0; step[i].is_needed && k < step[i].operands; k++)
      if (step[i].in[k].step >= 0) step[step[i].in[k].step].is_needed = 1;
  for (size_t i = 0; i < steps; i++) {
    if (!step[i].is_needed) continue;
    step[i].at = program->floats;
    program->floats += step[i].count;
    if (program->floats > most) return 0;
  }
  return 1;
}

void onnx_run_from(float *memory, const onnx_program *program, size_t from) {
  for (size_t i = from + 1; i < program->steps; i++)
    if (program->step[i].is_needed) run_step(memory, program, &program->step[i]);
}

const float *onnx_run(float *memory, const onnx_program *program, const float *image) {
  memcpy(memory, image, program->step[0].count * sizeof *image);
  onnx_run_from(memory, program, 0);
  return memory + program->step[program->scores].at;
}
