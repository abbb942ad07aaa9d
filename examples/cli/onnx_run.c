/* onnx_run.c - see onnx_run.h. */
#include "onnx_run.h"

#include <math.h>
#include <string.h>

/* Which of the step's constants value i of n has. */
static size_t constant_of(const onnx_step *s, size_t i, size_t n) {
  if (s->count <= 1) return 0;
  return s->by_channel ? i / (n / s->count) : i % s->count;
}

/* Sums in double: nearer to the exact ones than any order of floats. */
static void run_dense(float *out, const onnx_step *s, const float *in) {
  for (size_t j = 0; j < s->outputs; j++) {
    const float *w = s->a + (s->by_rows ? j * s->inputs : j);
    size_t step = s->by_rows ? 1 : s->outputs;
    double sum = 0;
    for (size_t i = 0; i < s->inputs; i++) sum += (double)in[i] * w[i * step];
    sum *= s->low;
    if (s->count) sum += (double)s->high * s->b[s->count == 1 ? 0 : j];
    out[j] = (float)sum;
  }
}

/* [pixels][channels] to [channels][pixels] where to_chw, else back. */
static void run_transpose(float *out, const float *in, size_t n, size_t channels, int to_chw) {
  size_t pixels = n / channels;
  for (size_t p = 0; p < pixels; p++)
    for (size_t c = 0; c < channels; c++) {
      if (to_chw) out[c * pixels + p] = in[p * channels + c];
      else out[p * channels + c] = in[c * pixels + p];
    }
}

/* A step of one value, whose constants are number k. */
static float run_value(const onnx_step *s, float x, size_t k) {
  switch (s->kind) {
  case ONNX_STEP_ADD:
    return x + s->a[k];
  case ONNX_STEP_SUB:
    return x - s->a[k];
  case ONNX_STEP_SUB_FROM:
    return s->a[k] - x;
  case ONNX_STEP_MUL:
    return x * s->a[k];
  case ONNX_STEP_DIV:
    return x / s->a[k];
  case ONNX_STEP_NORM:
    return s->a[k] * (x - s->c[k]) / sqrtf(s->d[k] + s->low) + s->b[k];
  case ONNX_STEP_CLIP:
    return fminf(fmaxf(x, s->low), s->high);
  case ONNX_STEP_QUANTIZE:
    return fminf(fmaxf(rintf(x / s->a[k]) + (s->b ? s->b[k] : 0), s->low), s->high);
  default: /* DEQUANTIZE */
    return (x - (s->b ? s->b[k] : 0)) * s->a[k];
  }
}

size_t onnx_run(float *value, float *scratch, const onnx_step *step, size_t steps, size_t inputs,
                size_t channels) {
  size_t n = inputs;
  for (const onnx_step *s = step; s < step + steps; s++) {
    int is_transpose = s->kind == ONNX_STEP_TO_CHW || s->kind == ONNX_STEP_TO_HWC;
    if (s->kind == ONNX_STEP_DENSE) {
      run_dense(scratch, s, value);
      n = s->outputs;
    }
    if (is_transpose) run_transpose(scratch, value, n, channels, s->kind == ONNX_STEP_TO_CHW);
    if (is_transpose || s->kind == ONNX_STEP_DENSE) memcpy(value, scratch, n * sizeof *value);
    else
      for (size_t i = 0; i < n; i++) value[i] = run_value(s, value[i], constant_of(s, i, n));
  }
  return n;
}
