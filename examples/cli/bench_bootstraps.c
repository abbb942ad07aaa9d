#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "json.h"

#define PBS_REPEATS 7 /* of a bootstrap, which is long enough alone */

enum { STEP_BATCH = 16 }; /* samples of a key switch and of an external product */

typedef struct bench_result {
  bench_ffts ffts;
  bench_keys keys;
  double external_product_us, key_switch_us;
  double pbs_ms[BENCH_BATCHES], pbs_threads_ms[BENCH_BATCHES];
} bench_result;

/* --------------------------------------------------------------- bootstrap */

/* All threads at once, each on its own batch. */
typedef struct threads_bench {
  pool *threads;
  ppml_steps *steps; /* [threads] */
  size_t samples;
} threads_bench;

static void run_thread(void *argument, size_t index) {
  threads_bench *t = (threads_bench *)argument;
  if (ppml_steps_run(&t->steps[index], PPML_STEP_BOOTSTRAP, t->samples) != PPML_OK) abort();
}

static void run_threads(void *context) {
  threads_bench *t = (threads_bench *)context;
  const ppml_parallel *parallel = &t->threads->parallel;
  parallel->run(parallel->context, parallel->threads, run_thread, t);
}

/* Milliseconds of one of what a step does. */
static double one_ms(ppml_steps *steps, uint32_t step, size_t samples, size_t repeats) {
  return measure_step_ms(steps, step, samples, repeats) /
         (double)ppml_steps_count(steps->key->params, step, samples);
}

static void bench_pbs(bench_result *result, threads_bench *t) {
  ppml_steps *steps = &t->steps[0];
  size_t threads = t->threads->parallel.threads;
  for (int i = 0; i < BENCH_BATCHES; i++) {
    t->samples = bench_batches[i];
    result->pbs_ms[i] = one_ms(steps, PPML_STEP_BOOTSTRAP, t->samples, PBS_REPEATS);
    result->pbs_threads_ms[i] =
        measure_ms(run_threads, t, MEASURE_TIMING_MS, PBS_REPEATS) / (double)(t->samples * threads);
  }
  result->key_switch_us = 1e3 * one_ms(steps, PPML_STEP_KEY_SWITCH, STEP_BATCH, MEASURE_REPEATS);
  result->external_product_us =
      1e3 * one_ms(steps, PPML_STEP_EXTERNAL_PRODUCT, STEP_BATCH, MEASURE_REPEATS);
}

/* A key for a network that does not exist: bootstraps do not care. */
static int make_key(ppml_eval_key *key, bench_result *result, const bench_request *r,
                    const ppml_parallel *parallel, ppml_arena *arena) {
  static keyring own;
  ppml_client *client = &own.client;
  memset(&own, 0, sizeof own);
  client->params = r->params;
  client->spec.width = client->spec.height = client->spec.channels = 1;
  client->spec.outputs = client->spec.score_unit = client->spec.input_bits = 1;
  client->spec.classes = 2;
  client->score_unit = (uint64_t)1 << 50;
  int error = bench_key(&result->keys, key, &own, r, parallel, arena);
  keyring_wipe(&own);
  return error;
}

static size_t bench_bytes(const bench_request *r) {
  return bench_fft_bytes() + bench_key_bytes(r) +
         r->threads * ppml_steps_init_bytes(r->params, MEASURE_BATCH_MAX) +
         ppml_arena_alloc_bytes(r->threads * sizeof(ppml_steps));
}

static int bench(bench_result *result, const bench_request *r, threads_bench *t,
                 ppml_arena *arena) {
  ppml_eval_key key;
  int error = bench_fft(&result->ffts, r, arena);
  if (error == PPML_OK) error = make_key(&key, result, r, &t->threads->parallel, arena);
  t->steps = (ppml_steps *)ppml_arena_alloc(arena, r->threads * sizeof *t->steps);
  if (error == PPML_OK && t->steps == NULL) error = PPML_ERR_NOMEM;
  for (size_t i = 0; i < r->threads && error == PPML_OK; i++)
    error = ppml_steps_init(&t->steps[i], &key, MEASURE_BATCH_MAX, arena);
  if (error == PPML_OK) bench_pbs(result, t);
  return error;
}

/* ------------------------------------------------------------------ report */

static void report_json(const bench_result *b, const bench_request *r) {
  json_begin(NULL, '{');
  bench_json_ffts(&b->ffts, r);
  json_real("external_product_us", b->external_product_us);
  json_real("key_switch_us", b->key_switch_us);
  bench_json_batches("pbs_ms", b->pbs_ms);
  json_integer("threads", (int64_t)r->threads);
  bench_json_batches("pbs_threads_ms", b->pbs_threads_ms);
  bench_json_keys(&b->keys, r);
  json_end('}');
}

static void report_table(const bench_result *b, const bench_request *r) {
  bench_print_ffts(&b->ffts, r);
  printf("external product             %9.2f us\n", b->external_product_us);
  printf("key switch, batch of %d      %9.2f us\n", STEP_BATCH, b->key_switch_us);
  for (int i = 0; i < BENCH_BATCHES; i++)
    printf("key switch and bootstrap     %9.3f ms   batch of %2zu   (%zu threads: %.3f ms)\n",
           b->pbs_ms[i], bench_batches[i], r->threads, b->pbs_threads_ms[i]);
  bench_print_keys(&b->keys, r);
}

int bench_bootstraps(const bench_request *r, pool *threads) {
  bench_result result;
  threads_bench t = {threads, NULL, 0};
  ppml_arena arena;
  memset(&result, 0, sizeof result);
  int status = cli_arena_create(&arena, bench_bytes(r));
  if (status) return status;
  int error = bench(&result, r, &t, &arena);
  cli_arena_destroy(&arena);
  if (error) return cli_fail_ppml(error, "bench", "enough memory");
  if (r->json) report_json(&result, r);
  else report_table(&result, r);
  return CLI_OK;
}
