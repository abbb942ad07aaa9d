/* ppml bench: what each step costs on this machine.  It times the library's inner
 * functions, hence includes them, as a second copy that is static to this file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../ppml_impl/evalkey.h"

#include "args.h"
#include "cli.h"
#include "json.h"
#include "pool.h"

#define REPEATS 15    /* timings whose median is reported */
#define TIMING_MS 2.0 /* least time of one, so that the clock's grain does not show */
#define PBS_REPEATS 7 /* of a bootstrap, which is long enough alone */
#define BATCH_MAX 32
#define BATCH_COUNT 4

static const size_t batches[BATCH_COUNT] = {1, 8, 16, BATCH_MAX};
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

/* ------------------------------------------------------------------ timing */

static double median(double *values, size_t count) {
  cli_sort(values, count);
  return values[count / 2];
}

/* Milliseconds of one call: after a warm-up, the median over repeats of runs that each
 * last least_ms at least. */
static double time_ms(void (*run)(void *), void *context, double least_ms, size_t repeats) {
  double taken[REPEATS];
  size_t calls = 1;
  run(context);
  for (;;) { /* how many calls make a timing */
    double start = cli_now_ms();
    for (size_t i = 0; i < calls; i++) run(context);
    if (cli_now_ms() - start >= least_ms) break;
    calls *= 2;
  }
  for (size_t r = 0; r < repeats; r++) {
    double start = cli_now_ms();
    for (size_t i = 0; i < calls; i++) run(context);
    taken[r] = (cli_now_ms() - start) / (double)calls;
  }
  return median(taken, repeats);
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
    result->fft_ns[i] = 1e6 * time_ms(run_forward, &b, TIMING_MS, REPEATS);
    for (size_t j = 0; j < N; j++) b.spectrum[j] = 1e-3;
    result->fft_inverse_ns[i] = 1e6 * time_ms(run_backward, &b, TIMING_MS, REPEATS);
    arena->used_bytes = mark;
  }
  return PPML_OK;
}

/* --------------------------------------------------------------- bootstrap */

/* One thread's batch of samples. */
typedef struct pbs_bench {
  const ppml_eval_key *key;
  size_t samples;
  uint64_t *lwe;       /* [samples][k N + 1] */
  uint32_t *short_lwe; /* [samples][short words] */
  int32_t *digits;     /* [rows][samples] */
  uint16_t *exponents; /* [samples][n + 1] */
  uint64_t *acc;       /* [samples][k + 1][N] */
  uint64_t *table;     /* [N] */
  ppml_arena scratch;
} pbs_bench;

static size_t pbs_bench_bytes(const ppml_params *p) {
  size_t long_words = ppmli_params_long_dim(p) + 1, N = p->poly_size;
  return ppmli_arena_rounded(BATCH_MAX * long_words * 8) +
         ppmli_arena_rounded(BATCH_MAX * ppmli_lwe_short_words(p) * 4) +
         ppmli_arena_rounded(BATCH_MAX * ppmli_ksk_rows(p) * 4) +
         ppmli_arena_rounded(BATCH_MAX * (p->lwe_dim + 1) * 2) +
         ppmli_arena_rounded(BATCH_MAX * (long_words - 1 + N) * 8) + ppmli_arena_rounded(N * 8) +
         ppmli_arena_rounded(ppmli_pbs_rotate_scratch(p));
}

static int pbs_bench_init(pbs_bench *b, const ppml_eval_key *key, ppml_arena *arena) {
  const ppml_params *p = key->params;
  size_t long_words = ppmli_params_long_dim(p) + 1;
  ppml_rng rng;
  b->key = key;
  b->lwe = (uint64_t *)ppmli_arena_array(arena, BATCH_MAX * long_words, 8);
  b->short_lwe = (uint32_t *)ppmli_arena_array(arena, BATCH_MAX * ppmli_lwe_short_words(p), 4);
  b->digits = (int32_t *)ppmli_arena_array(arena, BATCH_MAX * ppmli_ksk_rows(p), 4);
  b->exponents = (uint16_t *)ppmli_arena_array(arena, BATCH_MAX * (p->lwe_dim + 1), 2);
  b->acc = (uint64_t *)ppmli_arena_array(arena, BATCH_MAX * (long_words - 1 + p->poly_size), 8);
  b->table = (uint64_t *)ppmli_arena_array(arena, p->poly_size, 8);
  void *scratch = ppmli_arena_alloc(arena, ppmli_pbs_rotate_scratch(p));
  if (scratch == NULL) return PPML_ERR_NOMEM;
  PPMLI_TRY(ppml_arena_init(&b->scratch, scratch, ppmli_pbs_rotate_scratch(p)));
  ppml_rng_init_for_tests(&rng, 1);
  for (size_t i = 0; i < BATCH_MAX * long_words; i++) b->lwe[i] = ppmli_rng_u64(&rng);
  for (size_t i = 0; i < p->poly_size; i++) b->table[i] = (uint64_t)1 << 61;
  return PPML_OK;
}

static void run_key_switch(void *context) {
  pbs_bench *b = (pbs_bench *)context;
  const ppml_params *p = b->key->params;
  size_t long_words = ppmli_params_long_dim(p) + 1, words = ppmli_lwe_short_words(p);
  for (size_t s = 0; s < b->samples; s++) {
    ppmli_keyswitch_start(b->short_lwe + s * words, b->lwe + s * long_words, p);
    ppmli_keyswitch_digits(b->digits + s, b->samples, b->lwe + s * long_words, 0, ppmli_ksk_rows(p),
                           p);
  }
  b->key->fft->backend->key_switch(b->short_lwe, b->digits, b->key->key_switch_key, b->samples,
                                   ppmli_ksk_rows(p), ppmli_ksk_blocks(p));
}

/* A key switch, a modulus switch and a bootstrap of every sample. */
static void run_pbs(void *context) {
  pbs_bench *b = (pbs_bench *)context;
  const ppml_params *p = b->key->params;
  size_t long_words = ppmli_params_long_dim(p) + 1, acc_words = long_words - 1 + p->poly_size;
  run_key_switch(b);
  for (size_t s = 0; s < b->samples; s++) {
    uint16_t *exponents = b->exponents + s * (p->lwe_dim + 1);
    ppmli_lwe_modulus_switch(exponents, b->short_lwe + s * ppmli_lwe_short_words(p), p);
    ppmli_pbs_begin(b->acc + s * acc_words, b->table, exponents, p);
  }
  if (ppmli_pbs_rotate(b->acc, b->exponents, b->samples, 0, ppmli_params_steps(p),
                       b->key->bootstrap_key, p, b->key->fft, &b->scratch) != PPML_OK)
    abort(); /* the scratch was sized for it */
  for (size_t s = 0; s < b->samples; s++)
    ppmli_glwe_extract(b->lwe + s * long_words, b->acc + s * acc_words, p);
}

/* An external product with its transforms, both ways, of one GLWE ciphertext: what a
 * step takes of each sample, divided among its GGSW ciphertexts. */
static void run_step(void *context) {
  pbs_bench *b = (pbs_bench *)context;
  if (ppmli_pbs_rotate(b->acc, b->exponents, b->samples, 0, 1, b->key->bootstrap_key,
                       b->key->params, b->key->fft, &b->scratch) != PPML_OK)
    abort();
}

/* All threads at once, each on its own batch. */
typedef struct threads_bench {
  pool threads;
  pbs_bench *batch; /* [threads] */
} threads_bench;

static void run_thread(void *argument, size_t index) {
  threads_bench *t = (threads_bench *)argument;
  run_pbs(&t->batch[index]);
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
    result->pbs_ms[i] = time_ms(run_pbs, &t->batch[0], TIMING_MS, PBS_REPEATS) / (double)batches[i];
    result->pbs_threads_ms[i] =
        time_ms(run_threads, t, TIMING_MS, PBS_REPEATS) / (double)(batches[i] * threads);
  }
  t->batch[0].samples = PPMLI_PBS_TILE;
  result->key_switch_us =
      1e3 * time_ms(run_key_switch, &t->batch[0], TIMING_MS, REPEATS) / PPMLI_PBS_TILE;
  result->external_product_us = 1e3 * time_ms(run_step, &t->batch[0], TIMING_MS, REPEATS) /
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
  t->batch = (pbs_bench *)ppmli_arena_array(arena, r->threads, sizeof *t->batch);
  if (t->batch == NULL) return PPML_ERR_NOMEM;
  for (size_t i = 0; i < r->threads; i++) PPMLI_TRY(pbs_bench_init(&t->batch[i], &key, arena));
  bench_pbs(result, t);
  return PPML_OK;
}

static size_t bench_bytes(const bench_request *r) {
  size_t threads = r->threads;
  return ppmli_arena_rounded(ppml_eval_key_wire_bytes(r->params)) +
         ppml_eval_key_bytes(r->params, threads) + threads * pbs_bench_bytes(r->params) +
         ppmli_arena_rounded(threads * sizeof(pbs_bench)) + 4 * ppmli_fft_bytes(2048) +
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
