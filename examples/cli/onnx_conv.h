/* onnx_conv.h - a network of one convolution with polynomials from an ONNX file.
 *
 * Read here: one input, then
 *
 *   Conv                                         stride 1, one group, padded by the kernel's side less
 *                                                one all round: then sums of squares over all places
 *                                                are sums of autocorrelations of the input
 *   Mul, Pow, Add, Sub, Div, Neg,                polynomials of degree 2 of each filter: of values with
 *   BatchNormalization, Identity, Dropout        one another and with constants
 *   GlobalAveragePool, ReduceMean                the mean over all places
 *   Flatten, Reshape, Squeeze, Gemm, MatMul, Add the dense layer behind
 *   Sigmoid, Softmax, LogSoftmax                 at the end: left away
 *
 * What a pooled network cannot express is refused by its name: strides, "same" padding, which drops a
 * rim of the results, pooling of parts, activations of another degree.
 *
 * Errors: a function returns NULL when done, or else one line of English, as in onnx.h. */
#ifndef ONNX_CONV_H
#define ONNX_CONV_H

#include <stddef.h>
#include <stdint.h>

#include "onnx_file.h"

#define ONNX_CONV_MESSAGE_BYTES 256

typedef struct onnx_conv_network {
  uint32_t channels, filters, side, outputs;      /* side: of the kernel */
  uint32_t height, width;                         /* of the input, as declared; 0: any */
  const float *kernel;                            /* [filters][channels][side][side] */
  const float *bias, *square, *linear, *constant; /* [filters] */
  const float *dense, *dense_bias;                /* [outputs][filters], [outputs] */
  char last_op[16];                               /* Sigmoid, say, that was left away */
  char message[ONNX_CONV_MESSAGE_BYTES];
} onnx_conv_network;

/* Has the file's graph a node Conv?  0 for what is no ONNX file. */
int onnx_conv_is(const void *bytes, size_t count);

/* Memory for reading a file of that size, those beside it included. */
size_t onnx_conv_memory_bytes(size_t file_bytes);

/* Reads a network, whose arrays live in memory [onnx_conv_memory_bytes(count)].
 *   external  [externals]  files beside it, with their bytes */
const char *onnx_conv_read(onnx_conv_network *network, const void *bytes, size_t count,
                           const onnx_external *external, size_t externals, void *memory,
                           size_t memory_bytes);

#endif
