#include "measure.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "keyring.h"

#define BATCH_REPEATS 3 /* of a batch of bootstraps */
#define INFER_REPEATS 3 /* of a whole image */

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

/* A step on a number of samples. */
typedef struct timed_step {
  ppml_steps *steps;
  uint32_t step;
  size_t samples;
} timed_step;

static void run_step(void *context) {
  timed_step *t = (timed_step *)context;
  if (ppml_steps_run(t->steps, t->step, t->samples) != PPML_OK) abort();
}

double measure_step_ms(ppml_steps *steps, uint32_t step, size_t samples, size_t repeats) {
  timed_step t = {steps, step, samples};
  return measure_ms(run_step, &t, MEASURE_TIMING_MS, repeats);
}

void measure_infer(void *context) {
  measure_images *m = (measure_images *)context;
  ppml_arena_release(&m->arena, 0);
  if (ppml_infer(&m->output, m->circuit, m->inputs, m->images, m->key, m->parallel, &m->arena) !=
      PPML_OK)
    abort();
}

/* --------------------------------------------------------------- bootstraps */

/* So many bootstraps in batches; a wide one is a multiple of the largest. */
static double batches_ms(ppml_steps *steps, size_t bootstraps, size_t batch) {
  if (bootstraps == 0) return 0;
  size_t samples = batch < MEASURE_BATCH_MAX ? batch : MEASURE_BATCH_MAX;
  double ms = measure_step_ms(steps, PPML_STEP_BOOTSTRAP, samples, BATCH_REPEATS);
  return ms * (double)bootstraps / (double)samples;
}

/* Rounds of an exact circuit, all of the same size. */
static double rounds_ms(ppml_steps *steps, const ppml_circuit *c) {
  size_t rounds = ppml_circuit_pbs_rounds(c), bootstraps = ppml_circuit_pbs_count(c);
  return rounds ? batches_ms(steps, bootstraps, (bootstraps + rounds - 1) / rounds) : 0;
}

/* Hidden layers one by one, each as a batch. */
static double layers_ms(ppml_steps *steps, const ppml_circuit *c) {
  double sum = 0;
  if (c->params->kind == PPML_SET_EXACT) return rounds_ms(steps, c);
  for (uint32_t l = 0; l + 1 < c->model.layer_count; l++)
    sum += batches_ms(steps, c->model.layer[l].outputs, c->model.layer[l].outputs);
  return sum;
}

static double bootstraps_ms(const ppml_circuit *c) {
  ppml_arena arena;
  ppml_eval_key key;
  ppml_steps steps;
  double ms = -1;
  size_t bytes =
      ppml_eval_key_mimic_bytes(c->params) + ppml_steps_init_bytes(c->params, MEASURE_BATCH_MAX);
  if (cli_arena_create(&arena, bytes)) return ms;
  if (ppml_eval_key_mimic(&key, c->params, NULL, &arena) == PPML_OK &&
      ppml_steps_init(&steps, &key, MEASURE_BATCH_MAX, &arena) == PPML_OK)
    ms = layers_ms(&steps, c);
  free(arena.memory); /* nothing in it to wipe */
  return ms;
}

/* ----------------------------------------------------------------- an image */

/* A black image for a key of noise, which goes by its name. */
static int mimic_input(ppml_input *input, ppml_eval_key *key, const ppml_circuit *c,
                       ppml_arena *arena) {
  static keyring k;
  size_t count = ppml_spec_image_bytes(&c->model.spec);
  ppml_rng rng;
  ppml_request request; /* nothing is decrypted */
  uint8_t *pixels = (uint8_t *)ppml_arena_alloc(arena, count);
  if (pixels == NULL) return PPML_ERR_NOMEM;
  memset(pixels, 0, count);
  ppml_rng_init_for_tests(&rng, 1);
  ppml_client_from_circuit(&k.client, c);
  int error = keyring_make(&k, &rng);
  if (error) return error;
  memcpy(key->circuit_id, c->id, PPML_ID_BYTES);
  memcpy(key->key_id, k.secret.id, PPML_ID_BYTES);
  return ppml_encrypt(input, &request, &k.secret, pixels, &rng, arena);
}

static int mimic_images(measure_images *m, ppml_eval_key *key, ppml_input *input,
                        const ppml_circuit *c, ppml_arena *arena) {
  memset(m, 0, sizeof *m);
  m->circuit = c;
  m->key = key;
  m->inputs = input;
  m->images = 1;
  int error = ppml_eval_key_mimic(key, c->params, NULL, arena);
  if (error == PPML_OK) error = mimic_input(input, key, c, arena);
  if (error == PPML_OK) error = ppml_eval_key_prepare(key, c, arena);
  return error ? error : cli_arena_part(&m->arena, ppml_infer_bytes(c, 1, 1), arena);
}

/* An image of noise under a key of noise. */
static double image_ms(const ppml_circuit *c) {
  const ppml_spec *spec = &c->model.spec;
  ppml_arena arena;
  ppml_eval_key key;
  ppml_input input;
  measure_images m;
  double ms = -1;
  size_t bytes = ppml_eval_key_mimic_bytes(c->params) + ppml_eval_key_prepare_bytes(c) +
                 ppml_encrypt_bytes(c->params, spec) +
                 ppml_arena_alloc_bytes(ppml_spec_image_bytes(spec)) +
                 ppml_arena_alloc_bytes(ppml_infer_bytes(c, 1, 1));
  if (cli_arena_create(&arena, bytes)) return ms;
  if (mimic_images(&m, &key, &input, c, &arena) == PPML_OK)
    ms = measure_ms(measure_infer, &m, MEASURE_TIMING_MS, INFER_REPEATS);
  free(arena.memory); /* nothing in it to wipe */
  return ms;
}

double measure_circuit_ms(const ppml_circuit *c) {
  int has_bootstraps = c->params->kind == PPML_SET_ROUNDED || c->params->kind == PPML_SET_EXACT;
  return has_bootstraps ? bootstraps_ms(c) : image_ms(c);
}
