/* test_onnx_conv.c - convolutions with polynomials from ONNX files: what is read computes the logits that the
 * file's nodes do, and what a pooled network cannot express is refused by its name. */
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../examples/cli/file.h"
#include "../examples/cli/onnx_conv.h"
#include "kat/onnx_conv_kat.h"

enum { SIDE = 6 };

typedef struct loaded {
  file_input file;
  onnx_conv_network network;
  void *memory;
  const char *reason;
} loaded;

static void load(loaded *l, const char *path) {
  ck_assert_ptr_null(file_read(&l->file, path, 1 << 20));
  size_t bytes = onnx_conv_memory_bytes(l->file.count);
  l->memory = malloc(bytes);
  ck_assert_ptr_nonnull(l->memory);
  ck_assert(onnx_conv_is(l->file.bytes, l->file.count));
  l->reason = onnx_conv_read(&l->network, l->file.bytes, l->file.count, NULL, 0, l->memory, bytes);
}

static void unload(loaded *l) {
  free(l->memory);
  file_free(&l->file);
}

/* The filter's result at a place, the padding being side - 1. */
static double result(const onnx_conv_network *n, const float *x, uint32_t f, int at_y, int at_x) {
  int k = (int)n->side, pad = k - 1;
  double sum = (double)n->bias[f];
  for (uint32_t c = 0; c < n->channels; c++)
    for (int i = 0; i < k; i++)
      for (int j = 0; j < k; j++) {
        int y = at_y + i - pad, column = at_x + j - pad;
        if (y < 0 || column < 0 || y >= SIDE || column >= SIDE) continue;
        float w =
            n->kernel[((f * n->channels + c) * n->side + (uint32_t)i) * n->side + (uint32_t)j];
        sum += (double)w * (double)x[((int)c * SIDE + y) * SIDE + column];
      }
  return sum;
}

static double pooled(const onnx_conv_network *n, const float *x, uint32_t f) {
  int places = SIDE + (int)n->side - 1;
  double sum = 0;
  for (int y = 0; y < places; y++)
    for (int i = 0; i < places; i++) {
      double z = result(n, x, f, y, i);
      sum += ((double)n->square[f] * z + (double)n->linear[f]) * z + (double)n->constant[f];
    }
  return sum / (places * places);
}

static void check_logits(const onnx_conv_network *n, const float *x, const float *want) {
  for (uint32_t c = 0; c < n->outputs; c++) {
    double logit = (double)n->dense_bias[c];
    for (uint32_t f = 0; f < n->filters; f++)
      logit += (double)n->dense[c * n->filters + f] * pooled(n, x, f);
    ck_assert_msg(fabs(logit - (double)want[c]) < 1e-5, "logit %u: %g for %g", c, logit,
                  (double)want[c]);
  }
}

START_TEST(what_is_read_computes_what_the_file_does) {
  loaded l;
  load(&l, "tests/data/tiny_conv.onnx");
  ck_assert_msg(l.reason == NULL, "%s", l.reason);
  ck_assert(l.network.channels == 2 && l.network.filters == 3 && l.network.side == 2);
  ck_assert(l.network.outputs == 2 && l.network.height == SIDE && l.network.width == SIDE);
  check_logits(&l.network, conv_stripes_input, conv_stripes_logits);
  unload(&l);
  load(&l, "tests/data/tiny_conv_rgb.onnx");
  ck_assert_msg(l.reason == NULL, "%s", l.reason);
  ck_assert_str_eq(l.network.last_op, "Softmax");
  check_logits(&l.network, conv_colours_input, conv_colours_logits);
  unload(&l);
}
END_TEST

START_TEST(what_cannot_be_expressed_is_named) {
  for (size_t i = 0; i < sizeof conv_refused / sizeof conv_refused[0]; i++) {
    char path[128];
    loaded l;
    snprintf(path, sizeof path, "fuzz/corpus/onnx_conv/%s", conv_refused[i].name);
    load(&l, path);
    ck_assert_msg(l.reason && strstr(l.reason, conv_refused[i].words), "%s: %s",
                  conv_refused[i].name, l.reason ? l.reason : "read");
    unload(&l);
  }
}
END_TEST

/* A file that ends anywhere is refused, not read beyond its end. */
START_TEST(a_file_that_ends_early_is_refused) {
  loaded l;
  load(&l, "tests/data/tiny_conv.onnx");
  size_t bytes = onnx_conv_memory_bytes(l.file.count);
  for (size_t count = 0; count < l.file.count; count++) {
    uint8_t *cut = (uint8_t *)malloc(count ? count : 1);
    memcpy(cut, l.file.bytes, count);
    ck_assert_ptr_nonnull(onnx_conv_read(&l.network, cut, count, NULL, 0, l.memory, bytes));
    free(cut);
  }
  unload(&l);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("onnx_conv");
  TCase *kat = test_case(suite, "kat"), *error = test_case(suite, "error");
  tcase_add_test(kat, what_is_read_computes_what_the_file_does);
  tcase_add_test(error, what_cannot_be_expressed_is_named);
  tcase_add_test(error, a_file_that_ends_early_is_refused);
  return test_run(suite);
}
