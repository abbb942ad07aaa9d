/* ppml bench: what each step costs on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "json.h"
#include "measure.h"
#include "pool.h"

#define PBS_REPEATS 7 /* of a bootstrap, which is long enough alone */
#define BATCH_COUNT 4

static const size_t batches[BATCH_COUNT] = {1, 8, 16, MEASURE_BATCH_MAX};
static const uint32_t fft_points[3] = {256, 512, 1024};

typedef struct bench_request {
  const ppml_params *params;
  const char *backend;
  size_t threads;
  int json;
} bench_request;

typedef struct bench_result {
  double fft_ns[3], fft_inverse_ns[3];
  double external_product_us, key_switch_us;
  double pbs_ms[BATCH_COUNT], pbs_threads_ms[BATCH_COUNT];
  double keygen_ms, expand_ms;
} bench_result;

static int parse(bench_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  const char *params = args_text(&a, "--params");
  r->params = ppml_params_by_name(params ? params : "fast");
  r->backend = args_text(&a, "--backend");
  r->threads = args_number(&a, "--threads", 1, POOL_THREADS_MAX, 1);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 0, 0);
  if (status) return status;
  if (r->params == NULL)
    return cli_fail(CLI_USAGE, params, "no such parameter set (see ppml info --params)");
  if (ppmli_backend_by_name(r->backend) == NULL)
    return cli_fail(CLI_USAGE, r->backend, "no such backend on this CPU");
  return CLI_OK;
}

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

static int bench_fft(bench_result *result, const bench_request *r, ppml_arena *arena) {
  for (int i = 0; i < 3; i++) {
    size_t mark = arena->used_bytes, N = 2 * fft_points[i];
    fft_bench b;
    PPMLI_TRY(ppmli_fft_init(&b.fft, (uint32_t)N, ppmli_backend_by_name(r->backend), arena));
    b.poly = (uint64_t *)ppmli_arena_array(arena, N, sizeof *b.poly);
    b.spectrum = (double *)ppmli_arena_array(arena, N, sizeof *b.spectrum);
    b.work = (double *)ppmli_arena_array(arena, N, sizeof *b.work);
    if (b.work == NULL) return PPML_ERR_NOMEM;
    for (size_t j = 0; j < N; j++) b.poly[j] = j * 0x9e3779b97f4a7c15u;
    result->fft_ns[i] = 1e6 * measure_ms(run_forward, &b, MEASURE_TIMING_MS, MEASURE_REPEATS);
    for (size_t j = 0; j < N; j++) b.spectrum[j] = 1e-3;
    result->fft_inverse_ns[i] =
        1e6 * measure_ms(run_backward, &b, MEASURE_TIMING_MS, MEASURE_REPEATS);
    arena->used_bytes = mark;
  }
  return PPML_OK;
}

/* --------------------------------------------------------------- bootstrap */

/* All threads at once, each on its own batch. */
typedef struct threads_bench {
  pool threads;
  measure_pbs *batch; /* [threads] */
} threads_bench;

static void run_thread(void *argument, size_t index) {
  threads_bench *t = (threads_bench *)argument;
  measure_bootstrap(&t->batch[index]);
}

static void run_threads(void *context) {
  threads_bench *t = (threads_bench *)context;
  const ppml_parallel *parallel = &t->threads.parallel;
  parallel->run(parallel->context, parallel->threads, run_thread, t);
}

static void bench_pbs(bench_result *result, threads_bench *t) {
  const ppml_params *p = t->batch[0].key->params;
  size_t threads = t->threads.parallel.threads;
  for (int i = 0; i < BATCH_COUNT; i++) {
    for (size_t j = 0; j < threads; j++) t->batch[j].samples = batches[i];
    result->pbs_ms[i] =
        measure_ms(measure_bootstrap, &t->batch[0], MEASURE_TIMING_MS, PBS_REPEATS) /
        (double)batches[i];
    result->pbs_threads_ms[i] =
        measure_ms(run_threads, t, MEASURE_TIMING_MS, PBS_REPEATS) / (double)(batches[i] * threads);
  }
  t->batch[0].samples = PPMLI_PBS_TILE;
  result->key_switch_us =
      1e3 * measure_ms(measure_key_switch, &t->batch[0], MEASURE_TIMING_MS, MEASURE_REPEATS) /
      PPMLI_PBS_TILE;
  result->external_product_us =
      1e3 * measure_ms(measure_step, &t->batch[0], MEASURE_TIMING_MS, MEASURE_REPEATS) /
      (double)(PPMLI_PBS_TILE * ppmli_params_ggsw_per_step(p));
}

/* -------------------------------------------------------------------- keys */

/* A key for a network that does not exist: bootstraps do not care. */
static int make_key(ppml_eval_key *key, bench_result *result, const bench_request *r,
                    const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_rng rng;
  ppml_client client;
  ppml_secret_key secret;
  ppml_limits limits = ppml_limits_default();
  size_t wire_bytes = ppml_eval_key_wire_bytes(r->params);
  PPMLI_ALLOC(uint8_t, wire, arena, wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(wire, wire_bytes);
  ppml_reader reader = ppml_reader_from_memory(wire, wire_bytes);
  memset(&client, 0, sizeof client);
  client.params = r->params;
  PPMLI_TRY(ppml_rng_init(&rng));
  double start = cli_now_ms();
  ppml_secret_key_generate(&secret, &client, &rng);
  PPMLI_TRY(ppml_eval_key_generate(&writer, &secret, &rng, parallel, NULL, arena));
  double made = cli_now_ms();
  PPMLI_TRY(ppml_eval_key_read(key, &reader, &limits, NULL, r->backend, parallel, arena));
  result->keygen_ms = made - start;
  result->expand_ms = cli_now_ms() - made;
  ppml_secret_key_wipe(&secret);
  return PPML_OK;
}

/* ------------------------------------------------------------------ report */

static void report_json(const bench_result *b, const bench_request *r) {
  char name[8];
  json_begin(NULL, '{');
  json_text("backend", ppmli_backend_by_name(r->backend)->name);
  json_begin("fft_ns", '{');
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%u", fft_points[i]);
    json_real(name, b->fft_ns[i]);
  }
  json_end('}');
  json_begin("fft_inverse_ns", '{');
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%u", fft_points[i]);
    json_real(name, b->fft_inverse_ns[i]);
  }
  json_end('}');
  json_real("external_product_us", b->external_product_us);
  json_real("key_switch_us", b->key_switch_us);
  json_begin("pbs_ms", '{');
  for (int i = 0; i < BATCH_COUNT; i++) {
    snprintf(name, sizeof name, "%zu", batches[i]);
    json_real(name, b->pbs_ms[i]);
  }
  json_end('}');
  json_integer("threads", (int64_t)r->threads);
  json_begin("pbs_threads_ms", '{');
  for (int i = 0; i < BATCH_COUNT; i++) {
    snprintf(name, sizeof name, "%zu", batches[i]);
    json_real(name, b->pbs_threads_ms[i]);
  }
  json_end('}');
  json_real("keygen_ms", b->keygen_ms);
  json_real("expand_ms", b->expand_ms);
  json_text("params", r->params->name);
  json_real("security_bits", ppml_params_security_bits(r->params));
  json_text("assumption", r->params->assumption);
  json_integer("eval_key_bytes", (int64_t)ppmli_eval_key_expanded_bytes(r->params));
  json_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(r->params));
  json_end('}');
}

static void report_table(const bench_result *b, const bench_request *r) {
  printf("parameters %s (%.1f bits of security), backend %s, one thread unless said otherwise\n\n",
         r->params->name, ppml_params_security_bits(r->params),
         ppmli_backend_by_name(r->backend)->name);
  for (int i = 0; i < 3; i++)
    printf("FFT of %4u points            %9.0f ns   inverse %9.0f ns\n", fft_points[i],
           b->fft_ns[i], b->fft_inverse_ns[i]);
  printf("external product             %9.2f us\n", b->external_product_us);
  printf("key switch, batch of %d      %9.2f us\n", PPMLI_PBS_TILE, b->key_switch_us);
  for (int i = 0; i < BATCH_COUNT; i++)
    printf("key switch and bootstrap     %9.3f ms   batch of %2zu   (%zu threads: %.3f ms)\n",
           b->pbs_ms[i], batches[i], r->threads, b->pbs_threads_ms[i]);
  printf("key generation               %9.0f ms   %.2f MB on the wire, %zu threads\n", b->keygen_ms,
         (double)ppml_eval_key_wire_bytes(r->params) / 1e6, r->threads);
  printf("key expansion                %9.0f ms   %.1f MB in memory\n", b->expand_ms,
         (double)ppmli_eval_key_expanded_bytes(r->params) / 1e6);
}

static int bench(bench_result *result, const bench_request *r, threads_bench *t,
                 ppml_arena *arena) {
  ppml_eval_key key;
  PPMLI_TRY(bench_fft(result, r, arena));
  PPMLI_TRY(make_key(&key, result, r, &t->threads.parallel, arena));
  t->batch = (measure_pbs *)ppmli_arena_array(arena, r->threads, sizeof *t->batch);
  if (t->batch == NULL) return PPML_ERR_NOMEM;
  for (size_t i = 0; i < r->threads; i++) PPMLI_TRY(measure_pbs_init(&t->batch[i], &key, arena));
  bench_pbs(result, t);
  return PPML_OK;
}

static size_t bench_bytes(const bench_request *r) {
  size_t threads = r->threads;
  return ppmli_arena_rounded(ppml_eval_key_wire_bytes(r->params)) +
         ppml_eval_key_bytes(r->params, threads) + threads * measure_pbs_bytes(r->params) +
         ppmli_arena_rounded(threads * sizeof(measure_pbs)) + 4 * ppmli_fft_bytes(2048) +
         ppml_eval_key_generate_bytes(r->params, threads);
}

int cmd_bench(int argc, char **argv) {
  bench_request r;
  bench_result result;
  threads_bench t;
  ppml_arena arena;
  memset(&result, 0, sizeof result);
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = pool_start(&t.threads, r.threads);
  if (status) return status;
  status = cli_arena_create(&arena, bench_bytes(&r));
  if (status == CLI_OK) {
    int error = bench(&result, &r, &t, &arena);
    if (error) status = cli_fail_ppml(error, "bench", "enough memory");
    cli_arena_destroy(&arena);
  }
  pool_stop(&t.threads);
  if (status) return status;
  if (r.json) report_json(&result, &r);
  else report_table(&result, &r);
  return CLI_OK;
}
