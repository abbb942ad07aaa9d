#include "measure.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "../../ppml_impl/base/rng.h"
#include "../../ppml_impl/cipher/glwe.h"
#include "../../ppml_impl/cipher/pbs.h"
#include "../../ppml_impl/network/windows.h"
#include "../../ppml_impl/plan/layout_exact.h"
#include "../../ppml_impl/server/evalkey.h"
#include "kernels.h"
#include "measure_leveled.h"

/* ------------------------------------------------------------------ timing */

static double median(double *values, size_t count) {
  cli_sort(values, count);
  return values[count / 2];
}

double measure_ms(void (*run)(void *), void *context, double least_ms, size_t repeats) {
  double taken[MEASURE_REPEATS];
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

/* --------------------------------------------------------------- bootstrap */

size_t measure_pbs_bytes(const ppml_params *p) {
  size_t long_words = ppmli_params_long_dim(p) + 1, N = p->poly_size;
  return ppmli_arena_rounded(MEASURE_BATCH_MAX * long_words * 8) +
         ppmli_arena_rounded(MEASURE_BATCH_MAX * ppmli_lwe_short_words(p) * 4) +
         ppmli_arena_rounded(MEASURE_BATCH_MAX * ppmli_ksk_rows(p) * 4) +
         ppmli_arena_rounded(MEASURE_BATCH_MAX * (p->lwe_dim + 1) * 2) +
         ppmli_arena_rounded(MEASURE_BATCH_MAX * (long_words - 1 + N) * 8) +
         ppmli_arena_rounded(N * 8) + ppmli_arena_rounded(ppmli_pbs_rotate_scratch(p));
}

int measure_pbs_init(measure_pbs *b, const ppml_eval_key *key, ppml_arena *arena) {
  const ppml_params *p = key->params;
  size_t long_words = ppmli_params_long_dim(p) + 1;
  ppml_rng rng;
  b->key = key;
  b->lwe = (uint64_t *)ppmli_arena_array(arena, MEASURE_BATCH_MAX * long_words, 8);
  b->short_lwe =
      (uint32_t *)ppmli_arena_array(arena, MEASURE_BATCH_MAX * ppmli_lwe_short_words(p), 4);
  b->digits = (int32_t *)ppmli_arena_array(arena, MEASURE_BATCH_MAX * ppmli_ksk_rows(p), 4);
  b->exponents = (uint16_t *)ppmli_arena_array(arena, MEASURE_BATCH_MAX * (p->lwe_dim + 1), 2);
  b->acc =
      (uint64_t *)ppmli_arena_array(arena, MEASURE_BATCH_MAX * (long_words - 1 + p->poly_size), 8);
  b->table = (uint64_t *)ppmli_arena_array(arena, p->poly_size, 8);
  void *scratch = ppmli_arena_alloc(arena, ppmli_pbs_rotate_scratch(p));
  if (scratch == NULL) return PPML_ERR_NOMEM;
  PPMLI_TRY(ppml_arena_init(&b->scratch, scratch, ppmli_pbs_rotate_scratch(p)));
  ppml_rng_init_for_tests(&rng, 1);
  for (size_t i = 0; i < MEASURE_BATCH_MAX * long_words; i++) b->lwe[i] = ppmli_rng_u64(&rng);
  for (size_t i = 0; i < p->poly_size; i++) b->table[i] = (uint64_t)1 << 61;
  return PPML_OK;
}

void measure_key_switch(void *context) {
  measure_pbs *b = (measure_pbs *)context;
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

void measure_bootstrap(void *context) {
  measure_pbs *b = (measure_pbs *)context;
  const ppml_params *p = b->key->params;
  size_t long_words = ppmli_params_long_dim(p) + 1, acc_words = long_words - 1 + p->poly_size;
  measure_key_switch(b);
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

void measure_step(void *context) {
  measure_pbs *b = (measure_pbs *)context;
  if (ppmli_pbs_rotate(b->acc, b->exponents, b->samples, 0, 1, b->key->bootstrap_key,
                       b->key->params, b->key->fft, &b->scratch) != PPML_OK)
    abort();
}

/* ------------------------------------------------------------- calibration */

int measure_fake_key(ppml_eval_key *key, const ppml_params *p, ppml_arena *arena) {
  size_t doubles = ppmli_params_steps(p) * ppmli_key_step_doubles(p);
  size_t words = ppmli_ksk_words(p, ppmli_ksk_rows(p));
  memset(key, 0, sizeof *key);
  key->params = p;
  PPMLI_TRY(kernels_key_alloc(key, p, arena));
  for (size_t i = 0; i < doubles; i++) key->bootstrap_key[i] = 1e-3;
  for (size_t i = 0; i < words; i++) key->key_switch_key[i] = (uint32_t)(i * 0x9e3779b9u);
  return PPML_OK;
}

/* So many bootstraps in batches; a wide one is a multiple of the largest. */
static double batches_ms(measure_pbs *b, size_t bootstraps, size_t batch) {
  if (bootstraps == 0) return 0;
  b->samples = batch < MEASURE_BATCH_MAX ? batch : MEASURE_BATCH_MAX;
  double ms = measure_ms(measure_bootstrap, b, MEASURE_TIMING_MS, 3);
  return ms * (double)bootstraps / (double)b->samples;
}

/* Rounds of an exact circuit, all of the same size. */
static double rounds_ms(measure_pbs *b, const ppml_circuit *c) {
  ppmli_exact_count count = ppmli_exact_count_of(&c->model);
  size_t rounds = count.rounds > 0 ? count.rounds : 1;
  return batches_ms(b, count.bootstraps, (count.bootstraps + rounds - 1) / rounds);
}

/* Hidden layers one by one, each as a batch. */
static double layers_ms(measure_pbs *b, const ppml_circuit *c) {
  double sum = 0;
  if (c->params->kind == PPML_SET_EXACT) return rounds_ms(b, c);
  for (uint32_t l = 0; l + 1 < c->model.layer_count; l++)
    sum += batches_ms(b, c->model.layer[l].outputs, c->model.layer[l].outputs);
  return sum;
}

double measure_circuit_ms(const ppml_circuit *c) {
  ppml_arena arena;
  ppml_eval_key key;
  measure_pbs b;
  double ms = -1;
  size_t bytes = ppml_eval_key_bytes(c->params, 1) + measure_pbs_bytes(c->params);
  if (c->params->kind == PPML_SET_LEVELED) return measure_leveled_circuit_ms(c);
  if (cli_arena_create(&arena, bytes)) return ms;
  if (measure_fake_key(&key, c->params, &arena) == PPML_OK &&
      measure_pbs_init(&b, &key, &arena) == PPML_OK)
    ms = layers_ms(&b, c);
  free(arena.memory); /* nothing in it to wipe */
  return ms;
}
