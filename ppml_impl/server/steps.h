/* The steps of inference one by one, on ciphertexts and keys of noise: for programs that time them, since
 * what a step takes does not depend on its data.  In: an evaluation key, or one that ppmli_eval_key_mimic
 * fills with numbers that mean nothing; out: nothing but the time that passed.  Next: bootstrap.h and
 * products.h, where inference takes the same steps. */
#ifndef PPMLI_SERVER_STEPS_H
#define PPMLI_SERVER_STEPS_H

#include "../base/arena.h"
#include "../cipher/bridge.h"
#include "../cipher/bridge_apply.h"
#include "../cipher/glwe.h"
#include "../cipher/glweswitch.h"
#include "../cipher/glweswitch_apply.h"
#include "../cipher/keyswitch.h"
#include "../cipher/keyswitch_apply.h"
#include "../cipher/lwe.h"
#include "../cipher/pbs.h"
#include "../cipher/tensor.h"
#include "../math/fft.h"
#include "../math/fft/backend.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "../math/wide.h"
#include "evalkey.h"

/* Ciphertexts to work on: of a set with a bootstrap a batch of samples, of a leveled set two
 * ciphertexts and their product. */
typedef struct ppmli_steps {
  uint64_t *lwe;       /* [samples][k N + 1] */
  uint32_t *short_lwe; /* [samples][short words] */
  int32_t *digits;     /* [rows][samples] */
  uint16_t *exponents; /* [samples][n + 1] */
  uint64_t *acc;       /* [samples][k + 1][N] */
  uint64_t *table;     /* [N] */
  uint64_t *factors;   /* [2][mask, body][N] */
  uint64_t *product;   /* [square, mask, body][N] */
  ppml_arena scratch;
} ppmli_steps;

/* ------------------------------------------------------------------ memory */

PPMLI_STATIC size_t ppmli_steps_scratch(const ppml_params *p) {
  if (!ppmli_params_is_leveled(p)) return ppmli_pbs_rotate_scratch(p);
  size_t product = ppmli_tensor_left_bytes(p, 1) +
                   ppmli_max_size(ppmli_tensor_scratch(p, 1), ppmli_wide_scratch(p->poly_size));
  return ppmli_max_size(product, ppmli_max_size(ppmli_trace_scratch(p), ppmli_switch_scratch(p)));
}

/* Samples of a leveled set are not counted: there is one product. */
PPMLI_STATIC size_t ppmli_steps_init_bytes(const ppml_params *p, size_t samples) {
  size_t dim = ppmli_params_long_dim(p), N = p->poly_size;
  size_t bytes =
      ppmli_arena_rounded(sizeof(ppmli_steps)) + ppmli_arena_rounded(ppmli_steps_scratch(p));
  if (ppmli_params_is_leveled(p))
    return bytes + ppmli_arena_rounded(4 * N * 8) + ppmli_arena_rounded(3 * N * 8);
  return bytes + ppmli_arena_rounded(samples * (dim + 1) * 8) +
         ppmli_arena_rounded(samples * ppmli_lwe_short_words(p) * 4) +
         ppmli_arena_rounded(samples * ppmli_ksk_rows(p) * 4) +
         ppmli_arena_rounded(samples * (p->lwe_dim + 1) * 2) +
         ppmli_arena_rounded(samples * (dim + N) * 8) + ppmli_arena_rounded(N * 8);
}

PPMLI_STATIC int ppmli_steps_take_batch(ppmli_steps *s, const ppml_params *p, size_t samples,
                                        ppml_arena *arena) {
  size_t dim = ppmli_params_long_dim(p);
  PPMLI_ALLOC(uint64_t, lwe, arena, samples * (dim + 1));
  PPMLI_ALLOC(uint32_t, short_lwe, arena, samples * ppmli_lwe_short_words(p));
  PPMLI_ALLOC(int32_t, digits, arena, samples * ppmli_ksk_rows(p));
  PPMLI_ALLOC(uint16_t, exponents, arena, samples * (p->lwe_dim + 1));
  PPMLI_ALLOC(uint64_t, acc, arena, samples * (dim + p->poly_size));
  PPMLI_ALLOC(uint64_t, table, arena, p->poly_size);
  s->lwe = lwe;
  s->short_lwe = short_lwe;
  s->digits = digits;
  s->exponents = exponents;
  s->acc = acc;
  s->table = table;
  memset(exponents, 0, samples * (p->lwe_dim + 1) * sizeof *exponents);
  memset(acc, 0, samples * (dim + p->poly_size) * sizeof *acc);
  for (uint32_t i = 0; i < p->poly_size; i++) table[i] = (uint64_t)1 << 61;
  return PPML_OK;
}

PPMLI_STATIC int ppmli_steps_take_product(ppmli_steps *s, const ppml_params *p, ppml_arena *arena) {
  PPMLI_ALLOC(uint64_t, factors, arena, 4 * (size_t)p->poly_size);
  PPMLI_ALLOC(uint64_t, product, arena, 3 * (size_t)p->poly_size);
  s->factors = factors;
  s->product = product;
  memset(product, 0, 3 * (size_t)p->poly_size * sizeof *product);
  return PPML_OK;
}

/* Words of noise, the same ones every time: they are no secret. */
PPMLI_STATIC void ppmli_steps_fill(uint64_t *words, size_t count) {
  for (size_t i = 0; i < count; i++) words[i] = (i + 1) * 0x9e3779b97f4a7c15u;
}

/* Ciphertexts for steps with a key of set p.
 *   out  in arena
 * Memory: ppmli_steps_init_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_steps_init(ppmli_steps **out, const ppml_params *p, size_t samples,
                                  ppml_arena *arena) {
  int is_leveled = ppmli_params_is_leveled(p);
  PPMLI_ALLOC(ppmli_steps, s, arena, 1);
  memset(s, 0, sizeof *s);
  s->scratch.capacity_bytes = ppmli_steps_scratch(p);
  s->scratch.memory = (unsigned char *)ppmli_arena_alloc(arena, s->scratch.capacity_bytes);
  if (s->scratch.memory == NULL) return PPML_ERR_NOMEM;
  PPMLI_TRY(is_leveled ? ppmli_steps_take_product(s, p, arena)
                       : ppmli_steps_take_batch(s, p, samples, arena));
  if (is_leveled) ppmli_steps_fill(s->factors, 4 * (size_t)p->poly_size);
  else ppmli_steps_fill(s->lwe, samples * (ppmli_params_long_dim(p) + 1));
  *out = s;
  return PPML_OK;
}

/* --------------------------------------------------------------- bootstrap */

PPMLI_STATIC int ppmli_steps_key_switch(ppmli_steps *s, const ppml_eval_key *key, size_t samples) {
  const ppml_params *p = key->params;
  size_t long_words = ppmli_params_long_dim(p) + 1, words = ppmli_lwe_short_words(p);
  for (size_t i = 0; i < samples; i++) {
    ppmli_keyswitch_start(s->short_lwe + i * words, s->lwe + i * long_words, p);
    ppmli_keyswitch_digits(s->digits + i, samples, s->lwe + i * long_words, 0, ppmli_ksk_rows(p),
                           p);
  }
  key->fft->backend->key_switch(s->short_lwe, s->digits, key->key_switch_key, samples,
                                ppmli_ksk_rows(p), ppmli_ksk_blocks(p));
  return PPML_OK;
}

PPMLI_STATIC int ppmli_steps_bootstrap(ppmli_steps *s, const ppml_eval_key *key, size_t samples) {
  const ppml_params *p = key->params;
  size_t dim = ppmli_params_long_dim(p), acc_words = dim + p->poly_size;
  PPMLI_TRY(ppmli_steps_key_switch(s, key, samples));
  for (size_t i = 0; i < samples; i++) {
    uint16_t *exponents = s->exponents + i * (p->lwe_dim + 1);
    ppmli_lwe_modulus_switch(exponents, s->short_lwe + i * ppmli_lwe_short_words(p), p);
    ppmli_pbs_begin(s->acc + i * acc_words, s->table, exponents, p);
  }
  ppmli_pbs_steps all = {0, ppmli_params_steps(p), key->bootstrap_key};
  PPMLI_TRY(ppmli_pbs_rotate(s->acc, s->exponents, samples, &all, p, key->fft, &s->scratch));
  for (size_t i = 0; i < samples; i++)
    ppmli_glwe_extract(s->lwe + i * (dim + 1), s->acc + i * acc_words, p);
  return PPML_OK;
}

/* One step of a blind rotation. */
PPMLI_STATIC int ppmli_steps_rotate(ppmli_steps *s, const ppml_eval_key *key, size_t samples) {
  ppmli_pbs_steps one = {0, 1, key->bootstrap_key};
  return ppmli_pbs_rotate(s->acc, s->exponents, samples, &one, key->params, key->fft, &s->scratch);
}

/* ----------------------------------------------------------------- leveled */

#ifndef PPML_NO_LEVELED
PPMLI_STATIC int ppmli_steps_glwe_switch(ppmli_steps *s, const ppml_eval_key *key) {
  size_t N = key->params->poly_size;
  return ppmli_switch_add(s->product + N, s->product + 2 * N, s->factors, key->bootstrap_key,
                          key->params, key->fft, &s->scratch);
}

PPMLI_STATIC int ppmli_steps_trace(ppmli_steps *s, const ppml_eval_key *key) {
  return ppmli_trace_step(s->factors, 0, key->bootstrap_key, key->params, key->fft, &s->scratch);
}

/* A product with its relinearization. */
PPMLI_STATIC int ppmli_steps_product(ppmli_steps *s, const ppml_eval_key *key) {
  const ppml_params *p = key->params;
  size_t N = p->poly_size, mark = s->scratch.used_bytes;
  const double *relinearization =
      key->bootstrap_key + ppmli_params_trace_steps(p) * ppmli_switch_doubles(p);
  uint64_t *square = s->product, *mask = square + N, *body = mask + N;
  ppmli_tensor_factor left;
  PPMLI_TRY(ppmli_tensor_left_init(&left, s->factors, 1, p, key->fft, &s->scratch));
  ppmli_tensor product = {square, mask, body};
  PPMLI_TRY(ppmli_tensor_product(product, &left, s->factors + 2 * N, PPMLI_TENSOR_MODULUS_LOG2_MAX,
                                 key->fft, &s->scratch));
  s->scratch.used_bytes = mark;
  return ppmli_switch_add(mask, body, square, relinearization, p, key->fft, &s->scratch);
}

#endif

/* ---------------------------------------------------------------- dispatch */

/* Times that a run does what the step's name says: samples, but for external products, of which a
 * step of a blind rotation has one for each GGSW ciphertext; and 0 where the set has no such step. */
PPMLI_STATIC size_t ppmli_steps_count(const ppml_params *p, uint32_t step, size_t samples) {
  int is_of_leveled = step >= PPML_STEP_GLWE_SWITCH;
  if (step > PPML_STEP_PRODUCT || is_of_leveled != ppmli_params_is_leveled(p)) return 0;
  if (is_of_leveled) return 1;
  return step == PPML_STEP_EXTERNAL_PRODUCT ? samples * ppmli_params_ggsw_per_step(p) : samples;
}

/*   step  that the key's set has */
PPMLI_STATIC int ppmli_steps_run(ppmli_steps *s, const ppml_eval_key *key, uint32_t step,
                                 size_t samples) {
  switch (step) {
  case PPML_STEP_KEY_SWITCH:
    return ppmli_steps_key_switch(s, key, samples);
  case PPML_STEP_BOOTSTRAP:
    return ppmli_steps_bootstrap(s, key, samples);
#ifndef PPML_NO_LEVELED
  case PPML_STEP_GLWE_SWITCH:
    return ppmli_steps_glwe_switch(s, key);
  case PPML_STEP_TRACE:
    return ppmli_steps_trace(s, key);
  case PPML_STEP_PRODUCT:
    return ppmli_steps_product(s, key);
#endif
  default: /* PPML_STEP_EXTERNAL_PRODUCT */
    return ppmli_steps_rotate(s, key, samples);
  }
}

/* --------------------------------------------------------------- any key */

PPMLI_STATIC size_t ppmli_eval_key_mimic_bytes(const ppml_params *p) {
  return ppmli_fft_bytes(p->poly_size) + ppmli_eval_key_expanded_bytes(p);
}

/* What a bridged set's key has before its rows. */
PPMLI_STATIC int ppmli_key_mimic_lead(ppml_eval_key *key, const ppml_params *p,
                                      const ppmli_backend *backend, ppml_arena *arena) {
  ppmli_key_lead lead;
  PPMLI_TRY(ppmli_key_lead_alloc(key, &lead, p, backend, arena));
#ifndef PPML_NO_LEVELED
  ppmli_bridge bridge = ppmli_bridge_of(p);
  if (!ppmli_params_has_bridge(p)) return PPML_OK;
  size_t switches = ppmli_params_steps(bridge.from) * ppmli_switch_doubles(bridge.from);
  for (size_t i = 0; i < switches; i++) lead.switches[i] = 1e-3;
  for (size_t i = 0; i < ppmli_bridge_doubles(&bridge); i++) lead.bridge[i] = 1e-3;
#endif
  return PPML_OK;
}

/* Memory: ppmli_eval_key_mimic_bytes.  Errors: NOMEM, ARITHMETIC. */
PPMLI_STATIC int ppmli_eval_key_mimic(ppml_eval_key *key, const ppml_params *p,
                                      const ppmli_backend *backend, ppml_arena *arena) {
  size_t doubles = ppmli_params_steps(p) * ppmli_key_step_doubles(p);
  size_t words = ppmli_ksk_words(p, ppmli_ksk_rows(p));
  memset(key, 0, sizeof *key);
  key->params = p;
  PPMLI_TRY(ppmli_eval_key_alloc(key, p, backend, arena));
  for (size_t i = 0; i < doubles; i++) key->bootstrap_key[i] = 1e-3;
  for (size_t i = 0; i < words; i++) key->key_switch_key[i] = (uint32_t)(i * 0x9e3779b9u);
  return ppmli_key_mimic_lead(key, p, backend, arena);
}

/* -------------------------------------------------------------- transforms */

/* A polynomial and its spectrum, with the tables of their size. */
typedef struct ppmli_transform {
  ppmli_fft *fft;
  uint64_t *poly;          /* [N] */
  double *spectrum, *work; /* [N] */
} ppmli_transform;

PPMLI_STATIC size_t ppmli_transform_init_bytes(uint32_t poly_size) {
  return ppmli_arena_rounded(sizeof(ppmli_transform)) + ppmli_fft_bytes(poly_size) +
         3 * ppmli_arena_rounded(poly_size * sizeof(double));
}

/*   out  in arena
 * Memory: ppmli_transform_init_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_transform_init(ppmli_transform **out, uint32_t poly_size,
                                      const ppmli_backend *backend, ppml_arena *arena) {
  PPMLI_ALLOC(ppmli_transform, t, arena, 1);
  PPMLI_TRY(ppmli_fft_init(&t->fft, poly_size, backend, arena));
  PPMLI_ALLOC(uint64_t, poly, arena, poly_size);
  PPMLI_ALLOC(double, spectrum, arena, poly_size);
  PPMLI_ALLOC(double, work, arena, poly_size);
  ppmli_steps_fill(poly, poly_size);
  for (uint32_t i = 0; i < poly_size; i++) spectrum[i] = 1e-3;
  t->poly = poly;
  t->spectrum = spectrum;
  t->work = work;
  *out = t;
  return PPML_OK;
}

/* A polynomial's digit into a spectrum of its own, or a spectrum onto a polynomial. */
PPMLI_STATIC void ppmli_transform_run(ppmli_transform *t, int is_inverse) {
  const ppmli_gadget gadget = ppmli_gadget_make(17, 1, 64);
  const ppmli_backend *backend = t->fft->backend;
  if (is_inverse) backend->backward_add(t->fft, t->poly, t->spectrum, PPMLI_GROUP, t->work);
  else backend->forward_digit(t->fft, t->spectrum, PPMLI_GROUP, t->poly, &gadget, 0, t->work);
}

#endif
