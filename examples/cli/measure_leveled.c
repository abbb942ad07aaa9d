#include "measure_leveled.h"

#include <stdlib.h>
#include <string.h>

#include "../../ppml_impl/base/rng.h"
#include "../../ppml_impl/server/evalkey.h"
#include "cli.h"

#define INFER_REPEATS 3 /* of a whole image */

/* ------------------------------------------------------------------- steps */

static size_t scratch_bytes(const ppml_params *p) {
  size_t product = ppmli_tensor_left_bytes(p, 1) +
                   ppmli_max_size(ppmli_tensor_scratch(p, 1), ppmli_wide_scratch(p->poly_size));
  return ppmli_max_size(product, ppmli_max_size(ppmli_trace_scratch(p), ppmli_switch_scratch(p)));
}

size_t measure_steps_bytes(const ppml_params *p) {
  size_t N = p->poly_size;
  return ppmli_arena_rounded(4 * N * sizeof(uint64_t)) +
         ppmli_arena_rounded(3 * N * sizeof(uint64_t)) + ppmli_arena_rounded(scratch_bytes(p));
}

int measure_steps_init(measure_steps *s, const ppml_eval_key *key, ppml_arena *arena) {
  const ppml_params *p = key->params;
  size_t N = p->poly_size;
  ppml_rng rng;
  s->key = key;
  s->glwe = (uint64_t *)ppmli_arena_array(arena, 4 * N, sizeof *s->glwe);
  s->product = (uint64_t *)ppmli_arena_array(arena, 3 * N, sizeof *s->product);
  void *scratch = ppmli_arena_alloc(arena, scratch_bytes(p));
  if (scratch == NULL) return PPML_ERR_NOMEM;
  PPMLI_TRY(ppml_arena_init(&s->scratch, scratch, scratch_bytes(p)));
  ppml_rng_init_for_tests(&rng, 1);
  for (size_t i = 0; i < 4 * N; i++) s->glwe[i] = ppmli_rng_u64(&rng);
  memset(s->product, 0, 3 * N * sizeof *s->product);
  return PPML_OK;
}

void measure_glwe_switch(void *context) {
  measure_steps *s = (measure_steps *)context;
  size_t N = s->key->params->poly_size;
  if (ppmli_switch_add(s->product + N, s->product + 2 * N, s->glwe, s->key->bootstrap_key,
                       s->key->params, s->key->fft, &s->scratch) != PPML_OK)
    abort(); /* the scratch was sized for it */
}

void measure_trace_step(void *context) {
  measure_steps *s = (measure_steps *)context;
  if (ppmli_trace_step(s->glwe, 0, s->key->bootstrap_key, s->key->params, s->key->fft,
                       &s->scratch) != PPML_OK)
    abort();
}

void measure_product(void *context) {
  measure_steps *s = (measure_steps *)context;
  const ppml_params *p = s->key->params;
  const ppmli_fft *fft = s->key->fft;
  size_t N = p->poly_size, mark = s->scratch.used_bytes;
  const double *key = s->key->bootstrap_key + ppmli_params_trace_steps(p) * ppmli_switch_doubles(p);
  uint64_t *square = s->product, *mask = square + N, *body = mask + N;
  ppmli_tensor_left left;
  if (ppmli_tensor_left_init(&left, s->glwe, 1, p, fft, &s->scratch) != PPML_OK ||
      ppmli_tensor_product(square, mask, body, &left, s->glwe + 2 * N,
                           PPMLI_TENSOR_MODULUS_LOG2_MAX, p, fft, &s->scratch) != PPML_OK)
    abort();
  s->scratch.used_bytes = mark;
  if (ppmli_switch_add(mask, body, square, key, p, fft, &s->scratch) != PPML_OK) abort();
}

/* ------------------------------------------------------------------ images */

void measure_infer(void *context) {
  measure_images *m = (measure_images *)context;
  ppml_arena_release(&m->arena, 0);
  if (ppml_infer(&m->output, m->circuit, m->inputs, m->images, m->key, m->parallel, &m->arena) !=
      PPML_OK)
    abort();
}

/* A black image for a key that goes by the name of a fake one. */
static int fake_input(ppml_input *input, ppml_eval_key *key, const ppml_circuit *c,
                      ppml_arena *arena) {
  static ppml_secret_key secret;
  ppml_rng rng;
  ppml_client client;
  ppml_request request; /* nothing is decrypted */
  PPMLI_ALLOC(uint8_t, pixels, arena, ppml_spec_inputs(&c->model.spec));
  memset(pixels, 0, ppml_spec_inputs(&c->model.spec));
  ppml_rng_init_for_tests(&rng, 1);
  ppml_client_from_circuit(&client, c);
  PPMLI_TRY(ppml_secret_key_generate(&secret, &client, &rng));
  memcpy(key->circuit_id, c->id, PPML_ID_BYTES);
  memcpy(key->key_id, secret.id, PPML_ID_BYTES);
  return ppml_encrypt(input, &request, &secret, pixels, &rng, arena);
}

static int fake_images(measure_images *m, ppml_eval_key *key, ppml_input *input,
                       const ppml_circuit *c, ppml_arena *arena) {
  size_t bytes = ppml_infer_bytes(c, 1, 1);
  memset(m, 0, sizeof *m);
  m->circuit = c;
  m->key = key;
  m->inputs = input;
  m->images = 1;
  PPMLI_TRY(measure_fake_key(key, c->params, arena));
  PPMLI_TRY(fake_input(input, key, c, arena));
  PPMLI_TRY(ppml_eval_key_prepare(key, c, arena));
  void *memory = ppmli_arena_alloc(arena, bytes);
  return memory ? ppml_arena_init(&m->arena, memory, bytes) : PPML_ERR_NOMEM;
}

double measure_leveled_circuit_ms(const ppml_circuit *c) {
  const ppml_spec *spec = &c->model.spec;
  ppml_arena arena;
  ppml_eval_key key;
  ppml_input input;
  measure_images m;
  double ms = -1;
  size_t bytes = ppml_eval_key_bytes(c->params, 1) + ppml_eval_key_prepare_bytes(c) +
                 ppml_input_bytes(c->params, spec) + ppmli_arena_rounded(ppml_spec_inputs(spec)) +
                 ppml_infer_bytes(c, 1, 1);
  if (cli_arena_create(&arena, bytes)) return ms;
  if (fake_images(&m, &key, &input, c, &arena) == PPML_OK)
    ms = measure_ms(measure_infer, &m, MEASURE_TIMING_MS, INFER_REPEATS);
  free(arena.memory); /* nothing in it to wipe */
  return ms;
}
