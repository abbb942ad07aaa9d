/* onnx_make.h - ONNX networks made field by field, and read: for suites about them.  Run from the project's
 * root. */
#ifndef ONNX_MAKE_H
#define ONNX_MAKE_H

#include "../examples/cli/file.h"
#include "../examples/cli/onnx.h"
#include "../examples/cli/onnx_file.h"
#include "suite.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 32768, FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7 };

/* ----------------------------------------------------------------- writing */

typedef struct message {
  uint8_t bytes[MESSAGE_BYTES];
  size_t count;
} message;

TEST_STATIC void put_byte(message *m, unsigned byte) {
  ck_assert_uint_lt(m->count, MESSAGE_BYTES);
  m->bytes[m->count++] = (uint8_t)byte;
}

TEST_STATIC void put_varint(message *m, uint64_t value) {
  for (; value >= 0x80; value >>= 7) put_byte(m, (unsigned)(value & 0x7F) | 0x80);
  put_byte(m, (unsigned)value);
}

TEST_STATIC void put_number(message *m, unsigned field, uint64_t value) {
  put_varint(m, field << 3);
  put_varint(m, value);
}

TEST_STATIC void put_data(message *m, unsigned field, const void *data, size_t count) {
  put_varint(m, field << 3 | 2);
  put_varint(m, count);
  for (size_t i = 0; i < count; i++) put_byte(m, ((const uint8_t *)data)[i]);
}

TEST_STATIC void put_text(message *m, unsigned field, const char *text) {
  put_data(m, field, text, strlen(text));
}

TEST_STATIC void put_float(message *m, unsigned field, float value) {
  uint8_t bytes[4];
  memcpy(bytes, &value, 4); /* little-endian, as the machines these tests run on */
  put_varint(m, field << 3 | 5);
  for (int i = 0; i < 4; i++) put_byte(m, bytes[i]);
}

/* A tensor without its name: rows 0 for a scalar, columns 0 for one dimension. */
TEST_STATIC message tensor(unsigned type, size_t rows, size_t columns, const void *raw,
                           size_t bytes) {
  message m = {{0}, 0};
  if (rows) put_number(&m, 1, rows);
  if (columns) put_number(&m, 1, columns);
  put_number(&m, 2, type);
  put_data(&m, 9, raw, bytes);
  return m;
}

TEST_STATIC void put_tensor(message *graph, const char *name, message t) {
  put_text(&t, 8, name);
  put_data(graph, 5, t.bytes, t.count);
}

TEST_STATIC void put_floats(message *graph, const char *name, size_t rows, size_t columns,
                            const float *values) {
  size_t count = (rows ? rows : 1) * (columns ? columns : 1);
  put_tensor(graph, name, tensor(FLOAT, rows, columns, values, 4 * count));
}

/*   inputs  names with a space between them */
TEST_STATIC message node(const char *op, const char *inputs, const char *output) {
  message m = {{0}, 0};
  while (*inputs) {
    size_t length = strcspn(inputs, " ");
    put_data(&m, 1, inputs, length);
    inputs += length + (inputs[length] == ' ');
  }
  put_text(&m, 2, output);
  put_text(&m, 4, op);
  return m;
}

TEST_STATIC void put_integer_attribute(message *of, const char *name, uint64_t value) {
  message m = {{0}, 0};
  put_text(&m, 1, name);
  put_number(&m, 3, value);
  put_data(of, 5, m.bytes, m.count);
}

TEST_STATIC void put_float_attribute(message *of, const char *name, float value) {
  message m = {{0}, 0};
  put_text(&m, 1, name);
  put_float(&m, 2, value);
  put_data(of, 5, m.bytes, m.count);
}

TEST_STATIC void put_node(message *graph, const message *n) {
  put_data(graph, 1, n->bytes, n->count);
}

TEST_STATIC void put_op(message *graph, const char *op, const char *inputs, const char *output) {
  message n = node(op, inputs, output);
  put_node(graph, &n);
}

TEST_STATIC void put_value(message *graph, unsigned field, const char *name) {
  message m = {{0}, 0};
  put_text(&m, 1, name);
  put_data(graph, field, m.bytes, m.count);
}

/* A graph from "x" to "y" that has the weights w [2][3] and wt [3][2], the bias b [2], and s
 * [2][2], the weights of further layers. */
static TEST_UNUSED const float weights[6] = {1, -2, 3, 0.5f, 0, -1}, bias[2] = {0.25f, -4};

TEST_STATIC message graph_begin(void) {
  message g = {{0}, 0};
  const float transposed[6] = {1, 0.5f, -2, 0, 3, -1}, square[4] = {1, 2, 3, 4};
  put_value(&g, 11, "x");
  put_value(&g, 12, "y");
  put_floats(&g, "w", 2, 3, weights);
  put_floats(&g, "wt", 3, 2, transposed);
  put_floats(&g, "b", 2, 0, bias);
  put_floats(&g, "s", 2, 2, square);
  return g;
}

TEST_STATIC void put_gemm(message *graph, const char *inputs, const char *output) {
  message n = node("Gemm", inputs, output);
  put_integer_attribute(&n, "transB", 1);
  put_node(graph, &n);
}

/* A graph with one node more, which has an integer attribute. */
TEST_STATIC message with_node(const message *graph, const char *op, const char *inputs,
                              const char *output, const char *attribute, uint64_t value) {
  message g = *graph, n = node(op, inputs, output);
  put_integer_attribute(&n, attribute, value);
  put_node(&g, &n);
  return g;
}

/* A graph of the weights w alone, whose input "x" has that type and shape; 0 for a side of any
 * size. */
TEST_STATIC message declared_graph(unsigned type, size_t rank, const unsigned *shape) {
  message g = {{0}, 0}, sides = {{0}, 0}, of = {{0}, 0}, whole = {{0}, 0}, value = {{0}, 0};
  for (size_t i = 0; i < rank; i++) {
    message side = {{0}, 0};
    if (shape[i]) put_number(&side, 1, shape[i]);
    else put_text(&side, 2, "n");
    put_data(&sides, 1, side.bytes, side.count);
  }
  put_number(&of, 1, type);
  put_data(&of, 2, sides.bytes, sides.count);
  put_data(&whole, 1, of.bytes, of.count);
  put_text(&value, 1, "x");
  put_data(&value, 2, whole.bytes, whole.count);
  put_data(&g, 11, value.bytes, value.count);
  put_value(&g, 12, "y");
  put_floats(&g, "w", 2, 3, weights);
  return g;
}

/* ----------------------------------------------------------------- reading */

typedef struct loaded {
  onnx_network network;
  void *memory;
  char reason[ONNX_MESSAGE_BYTES]; /* "" if it was read */
} loaded;

/* The image that a file declares, or one of three values. */
TEST_STATIC onnx_image image_of(const void *bytes, size_t count) {
  onnx_input input;
  onnx_image image = {1, 1, 3, 0};
  if (onnx_input_read(&input, bytes, count) || input.rank != 4) return image;
  for (int i = 1; i < 4; i++) input.shape[i] += input.shape[i] == 0;
  const uint32_t *side = input.shape + 1;
  const onnx_image chw = {side[1], side[2], side[0], 0}, hwc = {side[0], side[1], side[2], 1};
  return input.is_hwc ? hwc : chw;
}

/* What reads it, where nothing else is said. */
TEST_STATIC onnx_request request_of(const void *bytes, size_t count) {
  onnx_request request = {bytes, count, NULL, 0, image_of(bytes, count), NULL};
  return request;
}

/* With memory that is as large as it has to be; bytes are a copy while they are read, so that a
 * sanitizer sees a read beyond them, or after. */
TEST_STATIC loaded load_request(const onnx_request *request) {
  onnx_request own = *request;
  size_t all = request->count;
  for (size_t i = 0; i < request->externals; i++)
    all += protobuf_count(&request->external[i].bytes);
  loaded l = {.memory = malloc(onnx_memory_bytes(all))};
  uint8_t *copy = malloc(request->count ? request->count : 1);
  ck_assert(l.memory && copy);
  if (request->count) memcpy(copy, request->bytes, request->count);
  own.bytes = copy;
  const char *reason = onnx_read(&l.network, &own, l.memory, onnx_memory_bytes(all));
  ck_assert(reason == NULL || reason == l.network.message);
  snprintf(l.reason, sizeof l.reason, "%s", reason ? reason : "");
  free(copy);
  return l;
}

TEST_STATIC loaded load(const void *bytes, size_t count) {
  const onnx_request request = request_of(bytes, count);
  return load_request(&request);
}

TEST_STATIC loaded load_graph(const message *graph) {
  message model = {{0}, 0};
  put_number(&model, 1, 7);
  put_data(&model, 7, graph->bytes, graph->count);
  return load(model.bytes, model.count);
}

TEST_STATIC loaded load_file(const char *path) {
  file_input file;
  const char *reason = file_read(&file, path, 1 << 20);
  ck_assert_msg(!reason, "%s: %s", path, reason);
  loaded l = load(file.bytes, file.count);
  file_free(&file);
  return l;
}

/* The same, which must not be refused. */
TEST_STATIC loaded load_valid(const message *graph) {
  loaded l = load_graph(graph);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  return l;
}

/* One layer with these weights [2][3] and bias [2]. */
TEST_STATIC void check_layer(const message *graph, const float *w, const float *b) {
  loaded l = load_valid(graph);
  const ppml_float_layer *layer = &l.network.layer[0];
  ck_assert_uint_eq(l.network.layer_count, 1);
  ck_assert_uint_eq(layer->inputs, 3);
  ck_assert_uint_eq(layer->outputs, 2);
  for (int i = 0; i < 6; i++) ck_assert_float_eq_tol(layer->weight[i], w[i], 1e-6f);
  for (int j = 0; j < 2; j++) ck_assert_float_eq_tol(layer->bias[j], b[j], 1e-6f);
  free(l.memory);
}

/* Refused for this reason, as far as it is told. */
TEST_STATIC void check_refused(const message *graph, const char *reason) {
  loaded l = load_graph(graph);
  ck_assert_msg(l.reason[0], "accepted, not refused as: %s", reason);
  ck_assert_msg(strstr(l.reason, reason), "refused as: %s, not: %s", l.reason, reason);
  ck_assert_uint_eq(l.network.layer_count, 0);
  free(l.memory);
}

/* The file's own arithmetic on an image; value [outputs] out. */
TEST_STATIC void run_own(float *value, const loaded *l, const float *image) {
  const onnx_program *p = &l->network.program;
  float *memory = malloc((p->floats + 1) * sizeof *memory);
  ck_assert(memory != NULL);
  memcpy(value, onnx_run(memory, p, image), p->step[p->scores].count * sizeof *value);
  free(memory);
}

#endif
