#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "json.h"
#include "session.h"

#define RUNS 31 /* whose median is told */

enum { SIDE = 28, INPUTS = SIDE * SIDE, IMAGES = 64 }; /* images: of a run */

typedef struct linear_result {
  bench_ffts ffts;
  double encrypt_us, infer_us, decrypt_us; /* an image, on one thread */
  double infer_threads_us;
  size_t input_bytes, output_bytes;
} linear_result;

/* A model of random weights: one score of 28x28 pixels. */
typedef struct linear_model {
  ppml_model model;
  int8_t weight[INPUTS];
  int32_t bias, peak;
} linear_model;

static void make_model(linear_model *n) {
  ppml_spec *s = &n->model.spec;
  ppml_layer *layer = &n->model.layer[0];
  uint32_t state = 1;
  memset(n, 0, sizeof *n);
  s->width = s->height = SIDE, s->channels = 1, s->input_bits = 8;
  s->classes = 2, s->outputs = 1, s->score_unit = 1;
  memcpy(s->class_name[0], "0", 2);
  memcpy(s->class_name[1], "1", 2);
  for (size_t i = 0; i < INPUTS; i++) { /* by the high half of a linear congruence */
    state = state * 1664525u + 1013904223u;
    n->weight[i] = (int8_t)((int32_t)((state >> 16) % 255) - 127);
  }
  n->peak = 1 << 21;
  n->model.layer_count = 1;
  layer->inputs = INPUTS, layer->outputs = 1, layer->weight_bits = 8;
  layer->weight = n->weight, layer->bias = &n->bias, layer->peak = &n->peak;
}

/* Medians over runs of 64 images each. */
static int measure(linear_result *result, const ppml_circuit *c, const bench_request *r,
                   size_t threads, double *infer_us) {
  static uint8_t pixels[IMAGES * INPUTS];
  static int32_t scores[IMAGES];
  double encrypt[RUNS], infer[RUNS], decrypt[RUNS];
  session s;
  int status = session_open(&s, c, threads, IMAGES, r->backend);
  for (size_t i = 0; i < RUNS && status == CLI_OK; i++) {
    status = session_run(&s, scores, pixels, IMAGES);
    encrypt[i] = s.encrypt_ms, infer[i] = s.infer_ms, decrypt[i] = s.decrypt_ms;
  }
  session_close(&s);
  if (status) return status;
  cli_sort(encrypt, RUNS), cli_sort(infer, RUNS), cli_sort(decrypt, RUNS);
  *infer_us = 1e3 * infer[RUNS / 2];
  result->encrypt_us = 1e3 * encrypt[RUNS / 2];
  result->decrypt_us = 1e3 * decrypt[RUNS / 2];
  return CLI_OK;
}

static void report_json(const linear_result *b, const bench_request *r) {
  json_begin(NULL, '{');
  bench_json_ffts(&b->ffts, r);
  json_text("params", r->params->name);
  json_real("security_bits", ppml_params_security_bits(r->params));
  json_text("assumption", r->params->assumption);
  json_integer("eval_key_wire_bytes", 0);
  json_real("encrypt_us", b->encrypt_us);
  json_real("image_us", b->infer_us);
  json_real("image_threads_us", b->infer_threads_us);
  json_real("decrypt_us", b->decrypt_us);
  json_integer("input_bytes", (int64_t)b->input_bytes);
  json_integer("output_bytes", (int64_t)b->output_bytes);
  json_integer("threads", (int64_t)r->threads);
  json_end('}');
}

static void report_lines(const linear_result *b, const bench_request *r) {
  bench_print_ffts(&b->ffts, r);
  printf("28x28 pixels, one score, %d images at a time; there is no evaluation key\n", IMAGES);
  printf("encryption                   %9.1f us   %zu bytes\n", b->encrypt_us, b->input_bytes);
  printf("score                        %9.1f us   %zu bytes\n", b->infer_us, b->output_bytes);
  if (r->threads > 1)
    printf("score, %zu threads             %9.1f us\n", r->threads, b->infer_threads_us);
  printf("decryption                   %9.1f us\n", b->decrypt_us);
}

int bench_linear(const bench_request *r) {
  static linear_model n;
  static linear_result b;
  const ppml_compile_options options = {r->params, 0, 0, 0};
  ppml_circuit circuit;
  ppml_arena arena;
  make_model(&n);
  int status = cli_arena_create(&arena, bench_fft_bytes() + ppml_compile_bytes(&n.model));
  if (status) return status;
  int error = bench_fft(&b.ffts, r, &arena);
  if (error == PPML_OK) error = ppml_compile(&circuit, &n.model, &options, NULL, &arena);
  if (error) status = cli_fail_ppml(error, "bench", "memory, and a linear set");
  b.input_bytes = ppml_input_wire_bytes(r->params, &n.model.spec);
  b.output_bytes = ppml_output_wire_bytes(r->params, &n.model.spec, 1);
  if (status == CLI_OK) status = measure(&b, &circuit, r, r->threads, &b.infer_threads_us);
  if (status == CLI_OK) status = measure(&b, &circuit, r, 1, &b.infer_us);
  if (status == CLI_OK && r->json) report_json(&b, r);
  if (status == CLI_OK && !r->json) report_lines(&b, r);
  cli_arena_destroy(&arena);
  return status;
}
