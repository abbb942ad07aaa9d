/* onnx_file.c - see onnx_file.h.  Field numbers as in onnx.proto, IR versions 3 to 11. */
#include "onnx_file.h"

#include <math.h>
#include <string.h>

static const char malformed[] = "not an ONNX file, or a damaged one (expected a ModelProto)";
static const char bad_external[] =
    "a tensor's data is not in the file beside it (expected location, offset and length in it)";
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
  TENSOR_UINT64S = 11,
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

/* Fields of FunctionProto that name things. */
static const char *add_function_field(onnx_function *f, const protobuf_field *field) {
  if (field->type != PROTOBUF_BYTES) return NULL;
  if (field->number == 1) f->op = field->bytes;
  if (field->number == 10) f->domain = field->bytes;
  if (field->number == 4) {
    if (f->inputs == ONNX_INPUTS_MAX) return malformed;
    f->input[f->inputs++] = field->bytes;
  }
  if (field->number == 5) {
    if (f->outputs == ONNX_OUTPUTS_MAX) return malformed;
    f->output[f->outputs++] = field->bytes;
  }
  return NULL;
}

int onnx_function_next(onnx_function *function, protobuf *model) {
  protobuf_field field;
  int more;
  do more = protobuf_next(&field, model);
  while (more > 0 && (field.number != 25 || field.type != PROTOBUF_BYTES));
  if (more <= 0) return more;
  memset(function, 0, sizeof *function);
  function->whole = field.bytes;
  protobuf message = field.bytes;
  while ((more = protobuf_next(&field, &message)) > 0)
    if (add_function_field(function, &field)) return -1;
  return more < 0 ? -1 : 1;
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
  if (attribute->numbers < ONNX_RANK_MAX) attribute->number[attribute->numbers] = (int64_t)value;
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

/* Floats come one by one, or packed. */
static const char *add_floats(onnx_attribute *attribute, const protobuf_field *field) {
  if (field->type == PROTOBUF_FIXED32) attribute->floats++;
  else if (field->type != PROTOBUF_BYTES || protobuf_count(&field->bytes) % 4) return malformed;
  else attribute->floats += (unsigned)(protobuf_count(&field->bytes) / 4);
  return NULL;
}

const char *onnx_attribute_read(onnx_attribute *attribute, protobuf message) {
  protobuf_field field;
  const char *reason = NULL;
  int more;
  memset(attribute, 0, sizeof *attribute);
  attribute->whole = message;
  while (reason == NULL && (more = protobuf_next(&field, &message)) != 0) {
    if (more < 0) return malformed;
    if (field.number == 1 && field.type == PROTOBUF_BYTES) attribute->name = field.bytes;
    if (field.number == 2 && field.type == PROTOBUF_FIXED32)
      attribute->f = protobuf_float((uint32_t)field.value);
    if (field.number == 4 && field.type == PROTOBUF_BYTES) attribute->text = field.bytes;
    if (field.number == 5 && field.type == PROTOBUF_BYTES) attribute->tensor = field.bytes;
    if (field.number == 21 && field.type == PROTOBUF_BYTES) attribute->reference = field.bytes;
    if (field.number == 3 || field.number == 8) reason = add_numbers(attribute, &field);
    if (field.number == 7) reason = add_floats(attribute, &field);
  }
  return reason;
}

/* The float in four little-endian bytes. */
static float float_at(const uint8_t *at) {
  return protobuf_float((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                        (uint32_t)at[3] << 24);
}

/* Takes the numbers of one field of a list to values. */
static float *take_numbers(float *values, const protobuf_field *field, int are_floats) {
  protobuf left = field->bytes;
  uint64_t value;
  if (field->type == PROTOBUF_FIXED32) *values++ = protobuf_float((uint32_t)field->value);
  if (field->type == PROTOBUF_VARINT) *values++ = (float)(int64_t)field->value;
  if (field->type != PROTOBUF_BYTES) return values;
  for (; are_floats && protobuf_count(&left); left.at += 4) *values++ = float_at(left.at);
  while (protobuf_count(&left) && protobuf_varint(&value, &left)) *values++ = (float)(int64_t)value;
  return values;
}

void onnx_attribute_values(float *values, const onnx_attribute *attribute) {
  protobuf message = attribute->whole;
  protobuf_field field;
  int are_floats = attribute->floats > 0;
  while (protobuf_next(&field, &message) > 0)
    if (are_floats ? field.number == 7 : field.number == 3 || field.number == 8)
      values = take_numbers(values, &field, are_floats);
}

static const char *add_field(onnx_node *node, const protobuf_field *field) {
  if (field->type != PROTOBUF_BYTES) return NULL;
  int is_name = field->number <= 4;
  if (is_name && protobuf_count(&field->bytes) > ONNX_NAME_BYTES_MAX)
    return "a node has a name of more than 512 bytes (expected less)";
  switch (field->number) {
  case 1:
    if (node->inputs == ONNX_INPUTS_MAX) return "a node has more than 16 inputs (expected fewer)";
    node->input[node->inputs++] = field->bytes;
    return NULL;
  case 2:
    if (node->outputs == ONNX_OUTPUTS_MAX) return "a node has more than 8 results (expected fewer)";
    node->output[node->outputs++] = field->bytes;
    return NULL;
  case 3:
    node->name = field->bytes;
    return NULL;
  case 4:
    node->op = field->bytes;
    return NULL;
  case 5:
    if (node->attributes == ONNX_ATTRIBUTES_MAX)
      return "a node has more than 16 attributes (expected fewer)";
    return onnx_attribute_read(&node->attribute[node->attributes++], field->bytes);
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
  if (protobuf_count(&node->op) == 0 || node->outputs == 0)
    return "a node has no op or no output (expected both)";
  return NULL;
}

const onnx_attribute *onnx_node_attribute(const onnx_node *node, const char *name) {
  for (unsigned i = 0; i < node->attributes; i++)
    if (protobuf_is(&node->attribute[i].name, name)) return &node->attribute[i];
  return NULL;
}

/* ------------------------------------------------------------------ tensor */

/* A tensor while it is read. */
typedef struct tensor_reader {
  onnx_tensor *tensor;
  protobuf location; /* of its data outside */
  uint64_t offset, length;
  int is_external, has_length;
} tensor_reader;

static const char *add_dimension(onnx_tensor *tensor, uint64_t side) {
  if (tensor->rank == ONNX_RANK_MAX) return "a tensor has more than 8 dimensions (expected fewer)";
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

/* A number in decimal digits; 0 if it is none. */
static int decimal(uint64_t *value, protobuf text) {
  *value = 0;
  if (protobuf_count(&text) == 0 || protobuf_count(&text) > 18) return 0;
  for (; text.at < text.end; text.at++) {
    if (*text.at < '0' || *text.at > '9') return 0;
    *value = 10 * *value + (*text.at - '0');
  }
  return 1;
}

/* A StringStringEntryProto: location, offset or length; a checksum is not looked at. */
static const char *add_external(tensor_reader *t, protobuf message) {
  protobuf_field field;
  protobuf key = {NULL, NULL}, value = key;
  int more;
  while ((more = protobuf_next(&field, &message)) > 0) {
    if (field.number == 1) key = field.bytes;
    if (field.number == 2) value = field.bytes;
  }
  if (more < 0) return malformed;
  t->is_external = 1;
  if (protobuf_is(&key, "location")) t->location = value;
  if (protobuf_is(&key, "offset") && !decimal(&t->offset, value)) return bad_external;
  if (!protobuf_is(&key, "length")) return NULL;
  t->has_length = 1;
  return decimal(&t->length, value) ? NULL : bad_external;
}

static const char *add_data(onnx_tensor *tensor, const protobuf_field *field) {
  if (field->type != PROTOBUF_BYTES) return "a tensor's data is not packed (expected packed data)";
  if (protobuf_count(&field->bytes) == 0) return NULL;
  if (tensor->field) return "a tensor has its data twice (expected once)";
  tensor->data = field->bytes;
  tensor->field = field->number;
  return NULL;
}

static const char *add_tensor_field(tensor_reader *t, protobuf_field *field) {
  onnx_tensor *tensor = t->tensor;
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
  case TENSOR_UINT64S:
    return add_data(tensor, field);
  case TENSOR_EXTERNAL:
    return field->type == PROTOBUF_BYTES ? add_external(t, field->bytes) : malformed;
  case TENSOR_LOCATION:
    t->is_external |= field->value != 0;
    return NULL;
  default:
    return NULL;
  }
}

/* What is told of element types. */
static const struct {
  const char *name;
  unsigned bits;  /* of an element in raw data; 0: not read */
  uint32_t field; /* that it may be in instead */
} types[] = {{"undefined", 0, 0},
             {"float", 32, TENSOR_FLOATS},
             {"uint8", 8, TENSOR_INT32S},
             {"int8", 8, TENSOR_INT32S},
             {"uint16", 16, TENSOR_INT32S},
             {"int16", 16, TENSOR_INT32S},
             {"int32", 32, TENSOR_INT32S},
             {"int64", 64, TENSOR_INT64S},
             {"string", 0, 0},
             {"bool", 8, TENSOR_INT32S},
             {"float16", 16, TENSOR_INT32S},
             {"double", 64, TENSOR_DOUBLES},
             {"uint32", 32, TENSOR_UINT64S},
             {"uint64", 64, TENSOR_UINT64S},
             {"complex64", 0, 0},
             {"complex128", 0, 0},
             {"bfloat16", 16, TENSOR_INT32S},
             {"float8e4m3fn", 0, 0},
             {"float8e4m3fnuz", 0, 0},
             {"float8e5m2", 0, 0},
             {"float8e5m2fnuz", 0, 0},
             {"uint4", 4, TENSOR_INT32S},
             {"int4", 4, TENSOR_INT32S},
             {"float4e2m1", 0, 0}};

enum { TYPES = sizeof types / sizeof *types };

const char *onnx_type_name(uint32_t type) {
  return type < TYPES ? types[type].name : "unknown";
}

static unsigned element_bits(uint32_t type) {
  return type < TYPES ? types[type].bits : 0;
}

static int is_varint(const onnx_tensor *tensor) {
  return tensor->field == TENSOR_INT32S || tensor->field == TENSOR_INT64S ||
         tensor->field == TENSOR_UINT64S;
}

/* Bytes, or varints, that hold all elements: of 4 bits two share one. */
static size_t units_of(const onnx_tensor *tensor) {
  return element_bits(tensor->type) == 4 ? (tensor->count + 1) / 2 : tensor->count;
}

/* Does data in the tensor's own fields fit its shape? */
static const char *check_data(const onnx_tensor *tensor) {
  unsigned bits = element_bits(tensor->type);
  size_t count = protobuf_count(&tensor->data), unit = bits < 8 ? 1 : bits / 8;
  if (bits == 0)
    return tensor->type == ONNX_STRING
               ? "a tensor of strings is used (expected numbers)"
               : "a tensor of an unknown type (expected float, double, float16, bfloat16 or int)";
  if (tensor->count == 0) return "an empty tensor is used (expected values)";
  if (tensor->field == 0) return bad_tensor;
  if (tensor->field != TENSOR_RAW && tensor->field != types[tensor->type].field) return bad_tensor;
  if (is_varint(tensor)) return count < units_of(tensor) ? bad_tensor : NULL;
  return count == units_of(tensor) * unit ? NULL : bad_tensor;
}

/* The data outside, as raw data. */
static const char *find_external(tensor_reader *t, const onnx_external *external,
                                 size_t externals) {
  size_t i = 0;
  while (i < externals && !protobuf_same(&external[i].location, &t->location)) i++;
  if (i == externals) return "weights in another file (expected it beside this one)";
  size_t count = protobuf_count(&external[i].bytes);
  if (t->offset > count) return bad_external;
  if (!t->has_length) t->length = count - t->offset;
  if (t->length > count - t->offset) return bad_external;
  t->tensor->data = protobuf_of(external[i].bytes.at + t->offset, (size_t)t->length);
  t->tensor->field = TENSOR_RAW;
  return NULL;
}

static const char *read_fields(tensor_reader *t, protobuf message) {
  protobuf_field field;
  int more;
  t->tensor->count = 1;
  while ((more = protobuf_next(&field, &message)) > 0) {
    const char *reason = add_tensor_field(t, &field);
    if (reason) return reason;
  }
  return more < 0 ? malformed : NULL;
}

const char *onnx_tensor_read(onnx_tensor *tensor, protobuf message, const onnx_external *external,
                             size_t externals) {
  tensor_reader t = {.tensor = tensor};
  memset(tensor, 0, sizeof *tensor);
  const char *reason = read_fields(&t, message);
  if (reason == NULL && t.is_external)
    reason = tensor->field ? bad_tensor : find_external(&t, external, externals);
  return reason ? reason : check_data(tensor);
}

protobuf onnx_tensor_name(protobuf message) {
  protobuf name = {NULL, NULL};
  protobuf_field field;
  while (protobuf_next(&field, &message) > 0)
    if (field.number == TENSOR_NAME && field.type == PROTOBUF_BYTES) name = field.bytes;
  return name;
}

/* Adds a location to those that are known. */
static const char *add_location(onnx_external *external, size_t *count, protobuf location) {
  for (size_t i = 0; i < *count; i++)
    if (protobuf_same(&external[i].location, &location)) return NULL;
  if (*count == ONNX_EXTERNALS_MAX)
    return "weights in more than 64 files (expected one, as onnx.save with "
           "all_tensors_to_one_file=True writes it)";
  external[*count].location = location;
  external[*count].bytes.at = external[*count].bytes.end = NULL;
  ++*count;
  return NULL;
}

const char *onnx_externals_find(onnx_external *external, size_t *count, protobuf graph) {
  protobuf_field field;
  *count = 0;
  while (protobuf_next(&field, &graph) > 0) {
    onnx_tensor tensor;
    tensor_reader t = {.tensor = &tensor};
    if (field.number != ONNX_GRAPH_TENSOR || field.type != PROTOBUF_BYTES) continue;
    memset(&tensor, 0, sizeof tensor);
    if (read_fields(&t, field.bytes) || !t.is_external) continue; /* told where it is used */
    const char *reason = add_location(external, count, t.location);
    if (reason) return reason;
  }
  return NULL;
}

/* The value of count little-endian bytes. */
static uint64_t little(const uint8_t *at, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value |= (uint64_t)at[i] << 8 * i;
  return value;
}

/* Sign, five bits of exponent, ten of mantissa. */
static float half(uint32_t bits) {
  int exponent = (int)(bits >> 10 & 31);
  float mantissa = (float)(bits & 1023), sign = bits >> 15 & 1 ? -1.0f : 1.0f;
  if (exponent == 31) return sign * (mantissa > 0 ? NAN : INFINITY);
  if (exponent == 0) return sign * ldexpf(mantissa, -24);
  return sign * ldexpf(1024 + mantissa, exponent - 25);
}

/* bits of an element, as its type has them. */
static float element(uint32_t type, uint64_t bits) {
  double wide;
  switch (type) {
  case ONNX_FLOAT:
    return protobuf_float((uint32_t)bits);
  case ONNX_FLOAT16:
    return half((uint32_t)(bits & 0xFFFF));
  case ONNX_BFLOAT16:
    return protobuf_float((uint32_t)(bits & 0xFFFF) << 16);
  case ONNX_DOUBLE:
    memcpy(&wide, &bits, sizeof wide);
    return wide > 1e38 || wide < -1e38 ? 1e38f : (float)wide; /* too large for a network anyway */
  case ONNX_UINT8:
    return (float)(uint8_t)bits;
  case ONNX_INT8:
    return (float)(int8_t)(uint8_t)bits;
  case ONNX_UINT16:
    return (float)(uint16_t)bits;
  case ONNX_INT16:
    return (float)(int16_t)(uint16_t)bits;
  case ONNX_INT32:
    return (float)(int32_t)(uint32_t)bits;
  case ONNX_UINT32:
    return (float)(uint32_t)bits;
  case ONNX_UINT64:
    return (float)bits;
  case ONNX_BOOL:
    return bits & 0xFF ? 1 : 0;
  case ONNX_UINT4:
    return (float)(bits & 15);
  case ONNX_INT4:
    return (float)((int)(bits & 15) - (bits & 8 ? 16 : 0));
  default:
    return (float)(int64_t)bits;
  }
}

const char *onnx_tensor_decode(float *values, const onnx_tensor *tensor) {
  unsigned width = element_bits(tensor->type), each = width < 8 ? 1 : width / 8;
  size_t units = units_of(tensor), at = 0;
  protobuf data = tensor->data;
  for (size_t i = 0; i < units; i++) {
    uint64_t bits = 0;
    if (!is_varint(tensor)) bits = little(tensor->data.at + i * each, each);
    else if (!protobuf_varint(&bits, &data)) return bad_tensor;
    values[at++] = element(tensor->type, bits);
    if (width == 4 && at < tensor->count) values[at++] = element(tensor->type, bits >> 4);
  }
  return is_varint(tensor) && protobuf_count(&data) ? bad_tensor : NULL;
}
