/* onnx_run.h - an ONNX file's own arithmetic: its nodes one after the other, as ONNX defines them,
 * integers and rounding included.  onnx.c writes the steps down while it makes layers of the same
 * nodes; what the layers answer is compared with this. */
#ifndef ONNX_RUN_H
#define ONNX_RUN_H

#include <stddef.h>

typedef enum onnx_step_kind {
  ONNX_STEP_DENSE,      /* low x W + high b: Gemm, MatMul */
  ONNX_STEP_ADD,        /* x + a */
  ONNX_STEP_SUB,        /* x - a */
  ONNX_STEP_SUB_FROM,   /* a - x */
  ONNX_STEP_MUL,        /* x a */
  ONNX_STEP_DIV,        /* x / a */
  ONNX_STEP_NORM,       /* a (x - c) / sqrt(d + low) + b: BatchNormalization */
  ONNX_STEP_CLIP,       /* min(max(x, low), high), of integers too */
  ONNX_STEP_QUANTIZE,   /* min(max(rint(x / a) + b, low), high), halves to even */
  ONNX_STEP_DEQUANTIZE, /* (x - b) a */
  ONNX_STEP_TO_CHW,     /* Transpose of an image: [pixels][channels] to [channels][pixels] */
  ONNX_STEP_TO_HWC      /* and back */
} onnx_step_kind;

typedef struct onnx_step {
  onnx_step_kind kind;
  const float *a, *b, *c, *d; /* [count] each, or NULL for zeros */
  size_t count;               /* 1: the same for all values.  Of DENSE: values of b, 0 for none */
  int by_channel;             /* value i of n has constant i / (n / count), else i % count */
  float low, high;
  size_t inputs, outputs; /* DENSE: a is [outputs][inputs] if by_rows, else [inputs][outputs] */
  int by_rows;
} onnx_step;

/* Runs the steps on one image.
 *   value     [width]  in: the input, [inputs] values; out: the results
 *   scratch   [width]
 *   channels  of the image, which divide its values
 * width is the most that any step has.  Returns how many results there are. */
size_t onnx_run(float *value, float *scratch, const onnx_step *step, size_t steps, size_t inputs,
                size_t channels);

#endif
