/* onnx.h - a fully connected network from an ONNX file, as PyTorch and ONNX Runtime export it.
 *
 * Read here: a chain from one input to one output, of
 *
 *   Gemm, or MatMul and Add                      a dense layer
 *   Relu, Clip                                   its activation
 *   Add, Sub, Mul, Div, BatchNormalization       by constants, at the input or after a dense layer:
 *                                                folded into it
 *   Flatten, Reshape (to two dimensions), Identity, Dropout, Cast (of the input), Squeeze
 *   Sigmoid, HardSigmoid, Softmax, LogSoftmax    at the end: left away, since they change no class
 *   QuantizeLinear, DequantizeLinear             around weights: their values; around activations:
 *                                                the range that they and the Relu and Clip between
 *                                                them let through
 *   Constant, Transpose                          of constants; Transpose of an image too
 *
 * Anything else is refused by its name and place.  Rounding to a quantized tensor's integers is not
 * part of the layers: `step` has the file's own arithmetic, for a caller to compare with.
 *
 * Errors: a function returns NULL when done, or else one line of English, "what is wrong (what was
 * expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef ONNX_H
#define ONNX_H

#include "../../ppml.h"
#include "onnx_run.h"

#define ONNX_MESSAGE_BYTES 200

typedef struct onnx_network {
  uint32_t layer_count;
  ppml_float_layer layer[PPML_LAYERS_MAX]; /* inputs in the order of the file */
  float input_scale[4], input_shift[4];    /* channel k enters as scale x + shift */
  uint32_t input_channels;                 /* that those are given for; 0: the same for all */
  int input_is_bytes;                      /* it takes 0 to 255, else floats */
  uint32_t input_rank, input_shape[4];     /* as declared; rank 0: not at all; a side 0: any */
  int transposed;        /* 1: a Transpose makes [H][W][C] to [C][H][W]; -1: that back; 0: none */
  int is_hwc;            /* channels come last, behind that Transpose; told by the shape alone */
  const onnx_step *step; /* [steps]  the file's own arithmetic, up to last_op */
  size_t steps;
  char last_op[16];                 /* Sigmoid, say, that was left away; "" if none was */
  char message[ONNX_MESSAGE_BYTES]; /* holds the reason that onnx_read returned */
} onnx_network;

/* Memory for reading a file of that size, without looking at it. */
size_t onnx_memory_bytes(size_t file_bytes);

/* Reads a network, whose arrays live in memory [onnx_memory_bytes(count)], aligned as malloc
 * does.  Values are finite. */
const char *onnx_read(onnx_network *network, const void *bytes, size_t count, void *memory,
                      size_t memory_bytes);

#endif
