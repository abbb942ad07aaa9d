/* onnx.h - a fully connected network from an ONNX file, as PyTorch, ONNX Runtime, Brevitas, TensorFlow and
 * scikit-learn export it.
 *
 * A file is read if its scores are what dense layers, one behind the other, make of one image, with a
 * function of single values behind each:
 *
 *   Gemm, MatMul, weights on either side, LinearClassifier, LinearRegressor       dense layers
 *   Relu, Clip, Max, Min, what QuantizeLinear lets through                        activations that
 *                                                                                 are clips
 *   LeakyRelu, PRelu, Sigmoid, Tanh, Gelu, Pow, Where, x * x ...: any other       activations that are
 *   composition of arithmetic and functions of one value                          tables
 *   Add, Sub, Mul, Div, Neg, Sum, Mean, BatchNormalization, Scaler, by constants  folded into the
 *                                                                                 layers
 *   Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Slice, Split, Gather,        followed, of
 *   Concat, Expand, Shape, Cast, Identity, Dropout                                constants too
 *   QuantizeLinear, DequantizeLinear, of 4, 8 and 16 bits, by tensor, channel or block
 *   Softmax, LogSoftmax, ArgMax, Sigmoid, HardSigmoid, Tanh, 1 - p, ZipMap        at the end: left away,
 *                                                                                 since they change
 *                                                                                 no class
 *   functions of the file's own                                                   what they hold
 *
 * Anything else is refused by its name and place, if the scores need it.  Rounding to a quantized
 * tensor's integers is not part of the layers: `program` has the file's own arithmetic, for a caller
 * to compare with.
 *
 * Errors: a function returns NULL when done, or else one line of English, "what is wrong (what was
 * expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef ONNX_H
#define ONNX_H

#include "../../ppml.h"
#include "onnx_file.h"
#include "onnx_run.h"

#define ONNX_MESSAGE_BYTES 400

/* What a file says of its input. */
typedef struct onnx_input {
  int is_bytes;      /* it takes 0 to 255, else floats */
  uint32_t rank;     /* as declared; 0: not at all */
  uint32_t shape[4]; /* a side 0: any */
  int is_hwc;        /* 1: channels come last, as a Transpose behind it or the shape tells */
  int is_chw;        /* 1: channels come first, as a Transpose behind it tells */
} onnx_input;

/* The images that it is going to be given. */
typedef struct onnx_image {
  size_t height, width, channels;
  int is_hwc; /* how they enter the input: [height][width][channels], else channels first */
} onnx_image;

typedef struct onnx_network {
  uint32_t layer_count;
  ppml_float_layer layer[PPML_LAYERS_MAX]; /* the first one takes [height][width][channels] */
  int input_is_bytes;
  onnx_program program;             /* the file's own arithmetic, up to the same scores */
  char last_op[16];                 /* Sigmoid, say, that was left away; "" if none was */
  char message[ONNX_MESSAGE_BYTES]; /* holds the reason that onnx_read returned */
} onnx_network;

/* What is read: a file, those beside it, the images' shape, and which output the scores are. */
typedef struct onnx_request {
  const void *bytes;
  size_t count;
  const onnx_external *external; /* [externals], with their bytes */
  size_t externals;
  onnx_image image;
  const char *output; /* NULL: the only one, or that of logits */
} onnx_request;

/* What the file says of its input; of two inputs one is a reason. */
const char *onnx_input_read(onnx_input *input, const void *bytes, size_t count);

/* Memory for reading a file of that size, those beside it included, without looking at it. */
size_t onnx_memory_bytes(size_t file_bytes);

/* Reads a network, whose arrays live in memory [onnx_memory_bytes(count)], aligned as malloc
 * does.  Values are finite. */
const char *onnx_read(onnx_network *network, const onnx_request *request, void *memory,
                      size_t memory_bytes);

#endif
