/* onnx_file.c - see onnx_file.h.  Field numbers as in onnx.proto, IR versions 3 to 10. */
#include "onnx_file.h"

#include <string.h>

static const char malformed[] = "not an ONNX file, or a damaged one (expected a ModelProto)";
static const char bad_tensor[] = "a tensor's data does not fit its shape (expected one value each)";

/* Fields of TensorProto. */
enum {
  TENSOR_DIMS = 1,
  TENSOR_TYPE = 2,
  TENSOR_FLOATS = 4,
  TENSOR_INT32S = 5,
  TENSOR_INT64S = 7,
  TENSOR_NAME = 8,
  TENSOR_RAW = 9,
  TENSOR_DOUBLES = 10,
  TENSOR_EXTERNAL = 13,
  TENSOR_LOCATION = 14
};

/* ------------------------------------------------------------------- graph */

const char *onnx_graph_find(protobuf *graph, const void *bytes, size_t count) {
  protobuf model = protobuf_of(bytes, count);
  protobuf_field field;
  int found = 0, more;
  while ((more = protobuf_next(&field, &model)) > 0) {
    if (field.number != 7 || field.type != PROTOBUF_BYTES) continue;
    if (found) return "two graphs in one model (expected one)";
    *graph = field.bytes;
    found = 1;
  }
  return more < 0 || !found ? malformed : NULL;
}

/* One dimension: a number, or a name that stands for any. */
static const char *read_side(uint32_t *side, protobuf message) {
  protobuf_field field;
  int more;
  *side = 0;
  while ((more = protobuf_next(&field, &message)) > 0)
    if (field.number == 1 && field.type == PROTOBUF_VARINT)
      *side = field.value < ONNX_ELEMENTS_MAX ? (uint32_t)field.value : 0;
  return more < 0 ? malformed : NULL;
}

/* TensorShapeProto. */
static const char *read_shape(onnx_value *value, protobuf message) {
  protobuf_field field;
  int more;
  value->rank = 0;
  while ((more = protobuf_next(&field, &message)) > 0) {
    if (field.number != 1 || field.type != PROTOBUF_BYTES) continue;
    if (value->rank < 4) {
      const char *reason = read_side(&value->shape[value->rank], field.bytes);
      if (reason) return reason;
    }
    value->rank++;
  }
  if (value->rank > 4) value->rank = 0;
  return more < 0 ? malformed : NULL;
}

/* TypeProto.Tensor: element type and shape. */
static const char *read_tensor_type(onnx_value *value, protobuf message) {
  protobuf_field field;
  int more;
  while ((more = protobuf_next(&field, &message)) > 0) {
    if (field.number == 1 && field.type == PROTOBUF_VARINT)
      value->type = field.value < 64 ? (uint32_t)field.value : 63;
    if (field.number != 2 || field.type != PROTOBUF_BYTES) continue;
    const char *reason = read_shape(value, field.bytes);
    if (reason) return reason;
  }
  return more < 0 ? malformed : NULL;
}

/* TypeProto, of which a tensor is the first kind. */
static const char *read_type(onnx_value *value, protobuf message) {
  protobuf_field field;
  int more;
  while ((more = protobuf_next(&field, &message)) > 0) {
    if (field.number != 1 || field.type != PROTOBUF_BYTES) continue;
    const char *reason = read_tensor_type(value, field.bytes);
    if (reason) return reason;
  }
  return more < 0 ? malformed : NULL;
}

const char *onnx_value_read(onnx_value *value, protobuf message) {
  protobuf_field field;
  const char *reason = NULL;
  int more;
  memset(value, 0, sizeof *value);
  while (reason == NULL && (more = protobuf_next(&field, &message)) != 0) {
    if (more < 0) return malformed;
    if (field.type != PROTOBUF_BYTES) continue;
    if (field.number == 1) value->name = field.bytes;
    if (field.number == 2) reason = read_type(value, field.bytes);
  }
  if (reason) return reason;
  return protobuf_count(&value->name) ? NULL : "an input or output has no name (expected one)";
}

/* -------------------------------------------------------------------- node */

static void add_number(onnx_attribute *attribute, uint64_t value) {
  if (attribute->numbers == 0) attribute->i = (int64_t)value;
  if (attribute->numbers < 4) attribute->number[attribute->numbers] = (int64_t)value;
  attribute->numbers++;
}

/* Numbers come one by one, or packed. */
static const char *add_numbers(onnx_attribute *attribute, protobuf_field *field) {
  uint64_t value;
  if (field->type == PROTOBUF_VARINT) add_number(attribute, field->value);
  else if (field->type != PROTOBUF_BYTES) return malformed;
  while (protobuf_count(&field->bytes)) {
    if (!protobuf_varint(&value, &field->bytes)) return malformed;
    add_number(attribute, value);
  }
  return NULL;
}

static const char *read_attribute(onnx_attribute *attribute, protobuf message) {
  protobuf_field field;
  const char *reason = NULL;
  int more;
  memset(attribute, 0, sizeof *attribute);
  while (reason == NULL && (more = protobuf_next(&field, &message)) != 0) {
    if (more < 0) return malformed;
    if (field.number == 1 && field.type == PROTOBUF_BYTES) attribute->name = field.bytes;
    if (field.number == 2 && field.type == PROTOBUF_FIXED32)
      attribute->f = protobuf_float((uint32_t)field.value);
    if (field.number == 5 && field.type == PROTOBUF_BYTES) attribute->tensor = field.bytes;
    if (field.number == 3 || field.number == 8) reason = add_numbers(attribute, &field);
  }
  return reason;
}

static const char *add_field(onnx_node *node, const protobuf_field *field) {
  if (field->type != PROTOBUF_BYTES) return NULL;
  int is_name = field->number <= 4;
  if (is_name && protobuf_count(&field->bytes) > ONNX_NAME_BYTES_MAX)
    return "a node has a name of more than 512 bytes (expected less)";
  switch (field->number) {
  case 1:
    if (node->inputs == ONNX_INPUTS_MAX) return "a node has more than 8 inputs (expected fewer)";
    node->input[node->inputs++] = field->bytes;
    return NULL;
  case 2:
    if (node->outputs++ == 0) node->output = field->bytes;
    return NULL;
  case 3:
    node->name = field->bytes;
    return NULL;
  case 4:
    node->op = field->bytes;
    return NULL;
  case 5:
    if (node->attributes == ONNX_ATTRIBUTES_MAX)
      return "a node has more than 8 attributes (expected fewer)";
    return read_attribute(&node->attribute[node->attributes++], field->bytes);
  case 7:
    node->domain = field->bytes;
    return NULL;
  default:
    return NULL;
  }
}

const char *onnx_node_read(onnx_node *node, protobuf message) {
  protobuf_field field;
  int more;
  memset(node, 0, sizeof *node);
  while ((more = protobuf_next(&field, &message)) > 0) {
    const char *reason = add_field(node, &field);
    if (reason) return reason;
  }
  if (more < 0) return malformed;
  if (protobuf_count(&node->op) == 0 || protobuf_count(&node->output) == 0)
    return "a node has no op or no output (expected both)";
  return NULL;
}

const onnx_attribute *onnx_node_attribute(const onnx_node *node, const char *name) {
  for (unsigned i = 0; i < node->attributes; i++)
    if (protobuf_is(&node->attribute[i].name, name)) return &node->attribute[i];
  return NULL;
}

/* ------------------------------------------------------------------ tensor */

static const char *add_dimension(onnx_tensor *tensor, uint64_t side) {
  if (tensor->rank == ONNX_RANK_MAX) return "a tensor has more than 4 dimensions (expected fewer)";
  if (side > ONNX_ELEMENTS_MAX || tensor->count * side > ONNX_ELEMENTS_MAX)
    return "a tensor is too large (expected at most 2^26 values)";
  tensor->shape[tensor->rank++] = (size_t)side;
  tensor->count *= (size_t)side;
  return NULL;
}

static const char *add_dimensions(onnx_tensor *tensor, protobuf_field *field) {
  uint64_t side;
  if (field->type == PROTOBUF_VARINT) return add_dimension(tensor, field->value);
  if (field->type != PROTOBUF_BYTES) return malformed;
  while (protobuf_count(&field->bytes)) {
    if (!protobuf_varint(&side, &field->bytes)) return malformed;
    const char *reason = add_dimension(tensor, side);
    if (reason) return reason;
  }
  return NULL;
}

static const char *add_data(onnx_tensor *tensor, const protobuf_field *field) {
  if (field->type != PROTOBUF_BYTES) return "a tensor's data is not packed (expected packed data)";
  if (protobuf_count(&field->bytes) == 0) return NULL;
  if (tensor->field) return "a tensor has its data twice (expected once)";
  tensor->data = field->bytes;
  tensor->field = field->number;
  return NULL;
}

static const char *add_tensor_field(onnx_tensor *tensor, protobuf_field *field) {
  switch (field->number) {
  case TENSOR_DIMS:
    return add_dimensions(tensor, field);
  case TENSOR_TYPE:
    tensor->type = field->value < 64 ? (uint32_t)field->value : 0;
    return NULL;
  case TENSOR_NAME:
    if (field->type == PROTOBUF_BYTES) tensor->name = field->bytes;
    return NULL;
  case TENSOR_FLOATS:
  case TENSOR_INT32S:
  case TENSOR_INT64S:
  case TENSOR_RAW:
  case TENSOR_DOUBLES:
    return add_data(tensor, field);
  case TENSOR_EXTERNAL:
    return "weights in another file (expected them inside)";
  case TENSOR_LOCATION:
    return field->value ? "weights in another file (expected them inside)" : NULL;
  default:
    return NULL;
  }
}

/* Bytes of an element in raw data, and the field that it may have instead; 0 for types that are
 * not read. */
static size_t element_bytes(uint32_t type, uint32_t *field) {
  *field = type == ONNX_FLOAT    ? TENSOR_FLOATS
           : type == ONNX_DOUBLE ? TENSOR_DOUBLES
           : type == ONNX_INT64  ? TENSOR_INT64S
                                 : TENSOR_INT32S;
  switch (type) {
  case ONNX_UINT8:
  case ONNX_INT8:
    return 1;
  case ONNX_FLOAT:
  case ONNX_INT32:
    return 4;
  case ONNX_INT64:
  case ONNX_DOUBLE:
    return 8;
  default:
    return 0;
  }
}

static const char *check_data(const onnx_tensor *tensor) {
  uint32_t typed;
  if (protobuf_count(&tensor->name) > ONNX_NAME_BYTES_MAX)
    return "a tensor has a name of more than 512 bytes (expected less)";
  size_t bytes = element_bytes(tensor->type, &typed), count = protobuf_count(&tensor->data);
  if (bytes == 0) return "a tensor of an unknown type (expected float, double or int)";
  if (tensor->count == 0) return "an empty tensor (expected values)";
  if (tensor->field == 0) return bad_tensor;
  if (tensor->field != TENSOR_RAW && tensor->field != typed) return bad_tensor;
  if (tensor->field == TENSOR_INT32S || tensor->field == TENSOR_INT64S)
    return count < tensor->count ? bad_tensor : NULL; /* varints */
  return count == tensor->count * bytes ? NULL : bad_tensor;
}

const char *onnx_tensor_read(onnx_tensor *tensor, protobuf message) {
  protobuf_field field;
  int more;
  memset(tensor, 0, sizeof *tensor);
  tensor->count = 1;
  while ((more = protobuf_next(&field, &message)) > 0) {
    const char *reason = add_tensor_field(tensor, &field);
    if (reason) return reason;
  }
  return more < 0 ? malformed : check_data(tensor);
}

/* The value of count little-endian bytes. */
static uint64_t little(const uint8_t *at, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value |= (uint64_t)at[i] << 8 * i;
  return value;
}

/* bits of an element, as its type has them. */
static float element(uint32_t type, uint64_t bits) {
  double wide;
  switch (type) {
  case ONNX_FLOAT:
    return protobuf_float((uint32_t)bits);
  case ONNX_DOUBLE:
    memcpy(&wide, &bits, sizeof wide);
    return wide > 1e38 || wide < -1e38 ? 1e38f : (float)wide; /* too large for a network anyway */
  case ONNX_UINT8:
    return (float)(uint8_t)bits;
  case ONNX_INT8:
    return (float)(int8_t)(uint8_t)bits;
  case ONNX_INT32:
    return (float)(int32_t)(uint32_t)bits;
  default:
    return (float)(int64_t)bits;
  }
}

const char *onnx_tensor_decode(float *values, const onnx_tensor *tensor) {
  uint32_t typed;
  size_t bytes = element_bytes(tensor->type, &typed);
  protobuf data = tensor->data;
  int is_varint = tensor->field == TENSOR_INT32S || tensor->field == TENSOR_INT64S;
  for (size_t i = 0; i < tensor->count; i++) {
    uint64_t bits = 0;
    if (!is_varint) bits = little(tensor->data.at + i * bytes, bytes);
    else if (!protobuf_varint(&bits, &data)) return bad_tensor;
    values[i] = element(tensor->type, bits);
  }
  return is_varint && protobuf_count(&data) ? bad_tensor : NULL;
}
