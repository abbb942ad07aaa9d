/* onnx_file.h - what an ONNX file is made of: a graph of nodes, functions of its own, and constant
 * tensors, whose data may be in files beside it.
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
  ONNX_INPUTS_MAX = 16, /* of a node, and its attributes */
  ONNX_OUTPUTS_MAX = 8,
  ONNX_ATTRIBUTES_MAX = 16,
  ONNX_NAME_BYTES_MAX = 512, /* names are looked for among others, and longer ones cost more */
  ONNX_RANK_MAX = 8,
  ONNX_EXTERNALS_MAX = 64,    /* files beside this one */
  ONNX_ELEMENTS_MAX = 1 << 26 /* of a tensor */
};

/* Element types that are read, as TensorProto.DataType numbers them. */
enum {
  ONNX_FLOAT = 1,
  ONNX_UINT8 = 2,
  ONNX_INT8 = 3,
  ONNX_UINT16 = 4,
  ONNX_INT16 = 5,
  ONNX_INT32 = 6,
  ONNX_INT64 = 7,
  ONNX_STRING = 8, /* named, never read */
  ONNX_BOOL = 9,
  ONNX_FLOAT16 = 10,
  ONNX_DOUBLE = 11,
  ONNX_UINT32 = 12,
  ONNX_UINT64 = 13,
  ONNX_BFLOAT16 = 16,
  ONNX_UINT4 = 21,
  ONNX_INT4 = 22
};

/* A file beside the ONNX file, in which tensors have their data. */
typedef struct onnx_external {
  protobuf location; /* as the ONNX file calls it */
  protobuf bytes;
} onnx_external;

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
  protobuf reference; /* inside a function: the attribute of its call that is meant; or empty */
  float f;
  int64_t i;
  protobuf text;    /* a string; empty if it is none */
  protobuf tensor;  /* empty if it is not a tensor */
  unsigned numbers; /* how many i came, the first eight of which are in number */
  int64_t number[ONNX_RANK_MAX];
  unsigned floats; /* how many f came in a list */
  protobuf whole;  /* the message itself */
} onnx_attribute;

/* A graph's input or output. */
typedef struct onnx_value {
  protobuf name;
  uint32_t type;     /* of its elements; 0: not said */
  uint32_t rank;     /* 0: not said, and for ranks above 4 */
  uint32_t shape[4]; /* 0: any */
} onnx_value;

typedef struct onnx_node {
  protobuf op, domain, name;
  protobuf input[ONNX_INPUTS_MAX], output[ONNX_OUTPUTS_MAX];
  onnx_attribute attribute[ONNX_ATTRIBUTES_MAX];
  unsigned inputs, outputs, attributes;
} onnx_node;

/* The fields of GraphProto that matter. */
enum { ONNX_GRAPH_NODE = 1, ONNX_GRAPH_TENSOR = 5, ONNX_GRAPH_INPUT = 11, ONNX_GRAPH_OUTPUT = 12 };

/* The one graph of a model. */
const char *onnx_graph_find(protobuf *graph, const void *bytes, size_t count);

/* The names of files that the graph's initializers have their data in, each once.
 *   external  [ONNX_EXTERNALS_MAX]  out: their locations
 *   count     out */
const char *onnx_externals_find(onnx_external *external, size_t *count, protobuf graph);

/* A function of the file's own: what stands for its name, inputs and outputs, and its nodes. */
typedef struct onnx_function {
  protobuf op, domain;
  protobuf input[ONNX_INPUTS_MAX], output[ONNX_OUTPUTS_MAX];
  unsigned inputs, outputs;
  protobuf whole; /* FunctionProto, whose nodes are fields ONNX_FUNCTION_NODE */
} onnx_function;

enum { ONNX_FUNCTION_NODE = 7, ONNX_FUNCTION_DEFAULT = 11 }; /* the latter: attributes */

/* The next function of a model: 1, 0 at the end, -1 for a damaged one.
 *   model  what is left of the file */
int onnx_function_next(onnx_function *function, protobuf *model);

const char *onnx_value_read(onnx_value *value, protobuf message);

const char *onnx_node_read(onnx_node *node, protobuf message);

/* The attribute of that name; NULL if there is none. */
const onnx_attribute *onnx_node_attribute(const onnx_node *node, const char *name);

const char *onnx_attribute_read(onnx_attribute *attribute, protobuf message);

/* All its floats, or else all its integers.
 *   values [floats or numbers]  out */
void onnx_attribute_values(float *values, const onnx_attribute *attribute);

/* The name alone, of a tensor of whatever kind; empty where there is none. */
protobuf onnx_tensor_name(protobuf message);

/* Type, shape and where the data is, which fits them as far as that can be told without decoding.
 *   external [externals]  files that the data may be in */
const char *onnx_tensor_read(onnx_tensor *tensor, protobuf message, const onnx_external *external,
                             size_t externals);

/* "int32" or the like; "type 77" would help nobody. */
const char *onnx_type_name(uint32_t type);

/* All elements as floats.
 *   values [tensor->count]  out */
const char *onnx_tensor_decode(float *values, const onnx_tensor *tensor);

#endif
