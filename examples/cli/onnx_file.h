/* onnx_file.h - what an ONNX file is made of: a graph of nodes, and constant tensors.
 *
 * Structures point into the file's bytes.  Every length is checked, nothing recurses, and what is
 * read has upper bounds.
 *
 * Errors: functions return NULL when done, or else one line of English, "what is wrong (what was
 * expected)", without the file's name. */
#ifndef ONNX_FILE_H
#define ONNX_FILE_H

#include "protobuf.h"

enum {
  ONNX_INPUTS_MAX = 8, /* of a node, and its attributes */
  ONNX_ATTRIBUTES_MAX = 8,
  ONNX_NAME_BYTES_MAX = 512, /* names are looked for among others, and longer ones cost more */
  ONNX_RANK_MAX = 4,
  ONNX_ELEMENTS_MAX = 1 << 26 /* of a tensor */
};

/* Element types that are read, as TensorProto.DataType numbers them. */
enum {
  ONNX_FLOAT = 1,
  ONNX_UINT8 = 2,
  ONNX_INT8 = 3,
  ONNX_INT32 = 6,
  ONNX_INT64 = 7,
  ONNX_FLOAT16 = 10, /* of an input alone */
  ONNX_DOUBLE = 11
};

typedef struct onnx_tensor {
  protobuf name;
  uint32_t type;
  unsigned rank;
  size_t shape[ONNX_RANK_MAX];
  size_t count; /* product of the shape */
  protobuf data;
  uint32_t field;     /* which field of TensorProto data is */
  const float *value; /* [count] once it is decoded; whoever decodes it sets this */
} onnx_tensor;

typedef struct onnx_attribute {
  protobuf name;
  float f;
  int64_t i;
  protobuf tensor;  /* empty if it is not a tensor */
  unsigned numbers; /* how many i came, the first four of which are in number */
  int64_t number[4];
} onnx_attribute;

/* A graph's input or output. */
typedef struct onnx_value {
  protobuf name;
  uint32_t type;     /* of its elements; 0: not said */
  uint32_t rank;     /* 0: not said, and for ranks above 4 */
  uint32_t shape[4]; /* 0: any */
} onnx_value;

typedef struct onnx_node {
  protobuf op, domain, name, output; /* output: the first one */
  protobuf input[ONNX_INPUTS_MAX];
  onnx_attribute attribute[ONNX_ATTRIBUTES_MAX];
  unsigned inputs, outputs, attributes;
} onnx_node;

/* The fields of GraphProto that matter. */
enum { ONNX_GRAPH_NODE = 1, ONNX_GRAPH_TENSOR = 5, ONNX_GRAPH_INPUT = 11, ONNX_GRAPH_OUTPUT = 12 };

/* The one graph of a model. */
const char *onnx_graph_find(protobuf *graph, const void *bytes, size_t count);

const char *onnx_value_read(onnx_value *value, protobuf message);

const char *onnx_node_read(onnx_node *node, protobuf message);

/* The attribute of that name; NULL if there is none. */
const onnx_attribute *onnx_node_attribute(const onnx_node *node, const char *name);

/* Type, shape and where the data is, which fits them as far as that can be told without decoding. */
const char *onnx_tensor_read(onnx_tensor *tensor, protobuf message);

/* All elements as floats.
 *   values [tensor->count]  out */
const char *onnx_tensor_decode(float *values, const onnx_tensor *tensor);

#endif
