#include "bench.h"

#include <stdio.h>

#include "cli.h"
#include "json.h"
#include "kernels.h"

static const size_t fft_points[BENCH_FFTS] = {256, 512, 1024, 2048};

const size_t bench_batches[BENCH_BATCHES] = {1, 8, 16, MEASURE_BATCH_MAX};

/* --------------------------------------------------------------------- FFT */

typedef struct fft_bench {
  ppmli_fft *fft;
  uint64_t *poly;
  double *spectrum, *work;
} fft_bench;

static void run_forward(void *context) {
  fft_bench *b = (fft_bench *)context;
  ppmli_gadget gadget = ppmli_gadget_make(17, 1, 64);
  b->fft->backend->forward_digit(b->fft, b->spectrum, PPMLI_GROUP, b->poly, &gadget, 0, b->work);
}

static void run_backward(void *context) {
  fft_bench *b = (fft_bench *)context;
  b->fft->backend->backward_add(b->fft, b->poly, b->spectrum, PPMLI_GROUP, b->work);
}

size_t bench_fft_bytes(void) {
  size_t N = 2 * fft_points[BENCH_FFTS - 1];
  return kernels_fft_bytes((uint32_t)N) + 3 * ppmli_arena_rounded(N * sizeof(double));
}

int bench_fft(bench_ffts *ffts, const bench_request *r, ppml_arena *arena) {
  for (int i = 0; i < BENCH_FFTS; i++) {
    size_t mark = arena->used_bytes, N = 2 * fft_points[i];
    fft_bench b;
    PPMLI_TRY(kernels_fft_init(&b.fft, (uint32_t)N, r->backend, arena));
    b.poly = (uint64_t *)ppmli_arena_array(arena, N, sizeof *b.poly);
    b.spectrum = (double *)ppmli_arena_array(arena, N, sizeof *b.spectrum);
    b.work = (double *)ppmli_arena_array(arena, N, sizeof *b.work);
    if (b.work == NULL) return PPML_ERR_NOMEM;
    for (size_t j = 0; j < N; j++) b.poly[j] = j * 0x9e3779b97f4a7c15u;
    ffts->forward_ns[i] = 1e6 * measure_ms(run_forward, &b, MEASURE_TIMING_MS, MEASURE_REPEATS);
    for (size_t j = 0; j < N; j++) b.spectrum[j] = 1e-3;
    ffts->inverse_ns[i] = 1e6 * measure_ms(run_backward, &b, MEASURE_TIMING_MS, MEASURE_REPEATS);
    arena->used_bytes = mark;
  }
  return PPML_OK;
}

/* -------------------------------------------------------------------- keys */

size_t bench_key_bytes(const bench_request *r) {
  return ppmli_arena_rounded(ppml_eval_key_wire_bytes(r->params)) +
         ppml_eval_key_read_bytes(r->params, r->threads) +
         ppml_eval_key_generate_bytes(r->params, r->threads);
}

int bench_key(bench_keys *times, ppml_eval_key *key, ppml_secret_key *secret,
              const ppml_client *client, const bench_request *r, const ppml_parallel *parallel,
              ppml_arena *arena) {
  ppml_rng rng;
  ppml_limits limits = ppml_limits_default();
  size_t wire_bytes = ppml_eval_key_wire_bytes(r->params);
  PPMLI_ALLOC(uint8_t, wire, arena, wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(wire, wire_bytes);
  ppml_reader reader = ppml_reader_from_memory(wire, wire_bytes);
  PPMLI_TRY(ppml_rng_init(&rng));
  double start = cli_now_ms();
  PPMLI_TRY(ppml_secret_key_generate(secret, client, &rng));
  PPMLI_TRY(ppml_eval_key_generate(&writer, secret, &rng, parallel, NULL, arena));
  double made = cli_now_ms();
  PPMLI_TRY(ppml_eval_key_read(key, &reader, &limits, NULL, r->backend, parallel, arena));
  times->keygen_ms = made - start;
  times->expand_ms = cli_now_ms() - made;
  return PPML_OK;
}

/* ------------------------------------------------------------------ report */

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
  json_text("backend", kernels_by_name(r->backend)->name);
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
  json_integer("eval_key_bytes", (int64_t)ppmli_eval_key_expanded_bytes(r->params));
  json_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(r->params));
}

void bench_print_ffts(const bench_ffts *ffts, const bench_request *r) {
  printf("parameters %s (%.1f bits of security), backend %s, one thread unless\nsaid otherwise\n\n",
         r->params->name, ppml_params_security_bits(r->params), kernels_by_name(r->backend)->name);
  for (int i = 0; i < BENCH_FFTS; i++)
    printf("FFT of %4zu points            %9.0f ns   inverse %9.0f ns\n", fft_points[i],
           ffts->forward_ns[i], ffts->inverse_ns[i]);
}

void bench_print_keys(const bench_keys *keys, const bench_request *r) {
  printf("key generation               %9.0f ms   %.2f MB on the wire, %zu threads\n",
         keys->keygen_ms, (double)ppml_eval_key_wire_bytes(r->params) / 1e6, r->threads);
  printf("key expansion                %9.0f ms   %.1f MB in memory\n", keys->expand_ms,
         (double)ppmli_eval_key_expanded_bytes(r->params) / 1e6);
}
