#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "json.h"

static const size_t fft_points[BENCH_FFTS] = {256, 512, 1024, 2048};

const size_t bench_batches[BENCH_BATCHES] = {1, 8, 16, MEASURE_BATCH_MAX};

/* --------------------------------------------------------------------- FFT */

static void run_forward(void *context) {
  if (ppml_transform_run((ppml_transform *)context, 0) != PPML_OK) abort();
}

static void run_inverse(void *context) {
  if (ppml_transform_run((ppml_transform *)context, 1) != PPML_OK) abort();
}

size_t bench_fft_bytes(void) {
  return ppml_transform_init_bytes(fft_points[BENCH_FFTS - 1]);
}

int bench_fft(bench_ffts *ffts, const bench_request *r, ppml_arena *arena) {
  for (int i = 0; i < BENCH_FFTS; i++) {
    ppml_transform t;
    size_t mark = ppml_arena_mark(arena);
    int error = ppml_transform_init(&t, fft_points[i], r->backend, arena);
    if (error) return error;
    ffts->forward_ns[i] = 1e6 * measure_ms(run_forward, &t, MEASURE_TIMING_MS, MEASURE_REPEATS);
    ffts->inverse_ns[i] = 1e6 * measure_ms(run_inverse, &t, MEASURE_TIMING_MS, MEASURE_REPEATS);
    ppml_arena_release(arena, mark);
  }
  return PPML_OK;
}

/* -------------------------------------------------------------------- keys */

size_t bench_key_bytes(const bench_request *r) {
  return ppml_arena_alloc_bytes(ppml_eval_key_wire_bytes(r->params)) +
         ppml_eval_key_read_bytes(r->params, r->threads) +
         ppml_eval_key_generate_bytes(r->params, r->threads);
}

int bench_key(bench_keys *times, ppml_eval_key *key, keyring *own, const bench_request *r,
              const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_rng rng;
  ppml_limits limits = ppml_limits_default();
  size_t wire_bytes = ppml_eval_key_wire_bytes(r->params);
  void *wire = ppml_arena_alloc(arena, wire_bytes);
  if (wire == NULL) return PPML_ERR_NOMEM;
  ppml_writer writer = ppml_writer_to_memory(wire, wire_bytes);
  ppml_reader reader = ppml_reader_from_memory(wire, wire_bytes);
  int error = ppml_rng_init(&rng);
  double start = cli_now_ms();
  if (error == PPML_OK) error = keyring_make(own, &rng);
  if (error == PPML_OK)
    error = ppml_eval_key_generate(&writer, &own->secret, &rng, parallel, NULL, arena);
  ppml_rng_wipe(&rng);
  double made = cli_now_ms();
  if (error == PPML_OK)
    error = ppml_eval_key_read(key, &reader, &limits, NULL, r->backend, parallel, arena);
  times->keygen_ms = made - start;
  times->expand_ms = cli_now_ms() - made;
  return error;
}

/* ------------------------------------------------------------------ report */

static const char *backend_name(const bench_request *r) {
  return r->backend ? r->backend : ppml_backend_name(0);
}

static void json_by_size(const char *name, const size_t *size, const double *number, int count) {
  char text[8];
  json_begin(name, '{');
  for (int i = 0; i < count; i++) {
    snprintf(text, sizeof text, "%zu", size[i]);
    json_real(text, number[i]);
  }
  json_end('}');
}

void bench_json_ffts(const bench_ffts *ffts, const bench_request *r) {
  json_text("backend", backend_name(r));
  json_by_size("fft_ns", fft_points, ffts->forward_ns, BENCH_FFTS);
  json_by_size("fft_inverse_ns", fft_points, ffts->inverse_ns, BENCH_FFTS);
}

void bench_json_batches(const char *name, const double ms[BENCH_BATCHES]) {
  json_by_size(name, bench_batches, ms, BENCH_BATCHES);
}

void bench_json_keys(const bench_keys *keys, const bench_request *r) {
  json_real("keygen_ms", keys->keygen_ms);
  json_real("expand_ms", keys->expand_ms);
  json_text("params", r->params->name);
  json_real("security_bits", ppml_params_security_bits(r->params));
  json_text("assumption", r->params->assumption);
  json_integer("eval_key_bytes", (int64_t)ppml_eval_key_memory_bytes(r->params));
  json_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(r->params));
}

void bench_print_ffts(const bench_ffts *ffts, const bench_request *r) {
  printf("parameters %s (%.1f bits of security), backend %s, one thread unless\nsaid otherwise\n\n",
         r->params->name, ppml_params_security_bits(r->params), backend_name(r));
  for (int i = 0; i < BENCH_FFTS; i++)
    printf("FFT of %4zu points            %9.0f ns   inverse %9.0f ns\n", fft_points[i],
           ffts->forward_ns[i], ffts->inverse_ns[i]);
}

void bench_print_keys(const bench_keys *keys, const bench_request *r) {
  printf("key generation               %9.0f ms   %.2f MB on the wire, %zu threads\n",
         keys->keygen_ms, (double)ppml_eval_key_wire_bytes(r->params) / 1e6, r->threads);
  printf("key expansion                %9.0f ms   %.1f MB in memory\n", keys->expand_ms,
         (double)ppml_eval_key_memory_bytes(r->params) / 1e6);
}
