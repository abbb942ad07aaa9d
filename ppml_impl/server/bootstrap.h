/* Many bootstraps at once, in one walk over the evaluation key.  In: LWE ciphertexts under the long key, and which
 * table each is looked up by; out: LWE ciphertexts of what the tables hold there.
 *
 *   in -> key switch -> short_lwe -> modulus switch -> exponents -> blind rotation of the table -> acc
 *      -> extraction -> out
 *
 * Every arrow is a stage: split among the caller's threads, with a barrier behind it.  A stage has a structure
 * that names what it reads and writes; buffers between stages are shared by all tasks, scratch is a slice for
 * each.  Next: layers.h, which bootstraps the neurons of a layer; cipher/pbs.h for one sample's mathematics. */
#ifndef PPMLI_SERVER_BOOTSTRAP_H
#define PPMLI_SERVER_BOOTSTRAP_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../cipher/glwe.h"
#include "../cipher/keyswitch.h"
#include "../cipher/keyswitch_apply.h"
#include "../cipher/lwe.h"
#include "../cipher/pbs.h"
#include "../math/params.h"
#include "evalkey.h"

/* What all stages share. */
typedef struct ppmli_bootstrap {
  const ppml_params *params;
  const ppml_eval_key *key;
  size_t tasks;         /* shares that a stage is split into */
  uint32_t *short_lwe;  /* [samples][short words]  behind the key switch */
  uint16_t *exponents;  /* [samples][n + 1]        behind the modulus switch */
  uint64_t *acc;        /* [samples][k + 1][N]     accumulators of the blind rotation */
  ppmli_slices scratch; /* [tasks] */
} ppmli_bootstrap;

/* Which table sample number `sample` is looked up by.
 *   make  table [N]: out */
typedef struct ppmli_tables {
  void (*make)(uint64_t *table, const void *context, size_t sample);
  const void *context;
} ppmli_tables;

/* ------------------------------------------------------------------ sizes */

/* Scratch of the key switch's tasks: the digits of a tile. */
PPMLI_STATIC size_t ppmli_bootstrap_switch_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(PPMLI_PBS_TILE * ppmli_ksk_rows(p) * sizeof(int32_t));
}

/* Scratch of one task, of any stage. */
PPMLI_STATIC size_t ppmli_bootstrap_scratch(const ppml_params *p) {
  size_t rotate =
      ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_pbs_rotate_scratch(p);
  return ppmli_max_size(ppmli_bootstrap_switch_scratch(p), rotate);
}

/* Memory of the buffers, without scratch. */
PPMLI_STATIC size_t ppmli_bootstrap_bytes(const ppml_params *p, size_t samples) {
  size_t acc_words = ppmli_params_long_dim(p) + p->poly_size;
  return ppmli_arena_rounded(samples * ppmli_lwe_short_words(p) * sizeof(uint32_t)) +
         ppmli_arena_rounded(samples * (p->lwe_dim + 1) * sizeof(uint16_t)) +
         ppmli_arena_rounded(samples * acc_words * sizeof(uint64_t));
}

/* Buffers for up to `samples` bootstraps at once.
 *   scratch  bytes of a task: ppmli_bootstrap_scratch(p), or more where the caller has tasks too
 * Memory: ppmli_bootstrap_bytes(p, samples), and tasks times scratch.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_bootstrap_init(ppmli_bootstrap *b, const ppml_eval_key *key, size_t samples,
                                      size_t tasks, size_t scratch, ppml_arena *arena) {
  const ppml_params *p = key->params;
  PPMLI_ALLOC(uint32_t, short_lwe, arena, samples * ppmli_lwe_short_words(p));
  PPMLI_ALLOC(uint16_t, exponents, arena, samples * (p->lwe_dim + 1));
  PPMLI_ALLOC(uint64_t, acc, arena, samples * (ppmli_params_long_dim(p) + p->poly_size));
  b->params = p;
  b->key = key;
  b->tasks = tasks;
  b->short_lwe = short_lwe;
  b->exponents = exponents;
  b->acc = acc;
  return ppmli_slices_init(&b->scratch, tasks, scratch, arena);
}

/* Where in a stage's work a task begins, and how much of it is the task's. */
typedef struct ppmli_share {
  size_t first, count;
} ppmli_share;

PPMLI_INLINE ppmli_share ppmli_bootstrap_share(const ppmli_bootstrap *b, size_t work,
                                               size_t index) {
  size_t first = ppmli_parallel_share(work, b->tasks, index);
  ppmli_share share = {first, ppmli_parallel_share(work, b->tasks, index + 1) - first};
  return share;
}

/* ------------------------------------------------------------- key switch */

typedef struct ppmli_switch_stage {
  const ppmli_bootstrap *work; /* out: short_lwe */
  const uint64_t *in;          /* [samples][k N + 1] */
  size_t samples;
  ppmli_key_slab slab; /* rows of the key */
} ppmli_switch_stage;

/* Begins the key switch of a share of the samples. */
PPMLI_STATIC void ppmli_switch_start_task(void *argument, size_t index) {
  const ppmli_switch_stage *x = (const ppmli_switch_stage *)argument;
  const ppml_params *p = x->work->params;
  ppmli_share share = ppmli_bootstrap_share(x->work, x->samples, index);
  size_t words = ppmli_lwe_short_words(p), long_words = ppmli_params_long_dim(p) + 1;
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_keyswitch_start(x->work->short_lwe + s * words, x->in + s * long_words, p);
}

/* Key-switches a share of the samples by the slab's rows. */
PPMLI_STATIC void ppmli_switch_rows_task(void *argument, size_t index) {
  const ppmli_switch_stage *x = (const ppmli_switch_stage *)argument;
  const ppml_params *p = x->work->params;
  ppml_arena arena = ppmli_slices_arena(&x->work->scratch, index);
  ppmli_share share = ppmli_bootstrap_share(x->work, x->samples, index);
  size_t words = ppmli_lwe_short_words(p), long_words = ppmli_params_long_dim(p) + 1;
  int32_t *digits =
      (int32_t *)ppmli_arena_array(&arena, PPMLI_PBS_TILE * x->slab.count, sizeof *digits);
  PPMLI_ASSERT(digits != NULL);
  for (size_t done = 0; done < share.count; done += PPMLI_PBS_TILE) {
    size_t first = share.first + done, count = ppmli_min_size(PPMLI_PBS_TILE, share.count - done);
    for (size_t s = 0; s < count; s++)
      ppmli_keyswitch_digits(digits + s, count, x->in + (first + s) * long_words, x->slab.first,
                             x->slab.count, p);
    x->work->key->fft->backend->key_switch(x->work->short_lwe + first * words, digits, x->slab.ksk,
                                           count, x->slab.count, ppmli_ksk_blocks(p));
  }
}

/* --------------------------------------------------- table, blind rotation */

typedef struct ppmli_table_stage {
  const ppmli_bootstrap *work; /* in: short_lwe; out: exponents and acc */
  size_t samples;
  ppmli_tables tables;
} ppmli_table_stage;

/* Modulus switch and lookup table: the accumulators of a share of the samples. */
PPMLI_STATIC void ppmli_table_task(void *argument, size_t index) {
  const ppmli_table_stage *x = (const ppmli_table_stage *)argument;
  const ppml_params *p = x->work->params;
  ppml_arena arena = ppmli_slices_arena(&x->work->scratch, index);
  ppmli_share share = ppmli_bootstrap_share(x->work, x->samples, index);
  size_t acc_words = ppmli_params_long_dim(p) + p->poly_size;
  uint64_t *table = (uint64_t *)ppmli_arena_array(&arena, p->poly_size, sizeof *table);
  PPMLI_ASSERT(table != NULL);
  for (size_t s = share.first; s < share.first + share.count; s++) {
    uint16_t *exponents = x->work->exponents + s * (p->lwe_dim + 1);
    ppmli_lwe_modulus_switch(exponents, x->work->short_lwe + s * ppmli_lwe_short_words(p), p);
    x->tables.make(table, x->tables.context, s);
    ppmli_pbs_begin(x->work->acc + s * acc_words, table, exponents, p);
  }
}

typedef struct ppmli_rotate_stage {
  const ppmli_bootstrap *work; /* in: exponents; in and out: acc */
  size_t samples;
  ppmli_key_slab slab; /* steps of the key */
} ppmli_rotate_stage;

/* Blind rotation of a share of the samples by the slab's steps. */
PPMLI_STATIC void ppmli_rotate_task(void *argument, size_t index) {
  const ppmli_rotate_stage *x = (const ppmli_rotate_stage *)argument;
  const ppmli_bootstrap *work = x->work;
  const ppml_params *p = work->params;
  ppml_arena arena = ppmli_slices_arena(&work->scratch, index);
  ppmli_share share = ppmli_bootstrap_share(work, x->samples, index);
  size_t acc_words = ppmli_params_long_dim(p) + p->poly_size;
  ppmli_pbs_steps steps = {x->slab.first, x->slab.count, x->slab.steps};
  int error = ppmli_pbs_rotate(work->acc + share.first * acc_words,
                               work->exponents + share.first * (p->lwe_dim + 1), share.count,
                               &steps, p, work->key->fft, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
}

typedef struct ppmli_extract_stage {
  const ppmli_bootstrap *work; /* in: acc */
  uint64_t *out;               /* [samples][k N + 1] */
  size_t samples;
} ppmli_extract_stage;

/* Extraction of a share of the samples. */
PPMLI_STATIC void ppmli_extract_task(void *argument, size_t index) {
  const ppmli_extract_stage *x = (const ppmli_extract_stage *)argument;
  const ppml_params *p = x->work->params;
  size_t long_words = ppmli_params_long_dim(p) + 1, acc_words = long_words - 1 + p->poly_size;
  ppmli_share share = ppmli_bootstrap_share(x->work, x->samples, index);
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_glwe_extract(x->out + s * long_words, x->work->acc + s * acc_words, p);
}

/* -------------------------------------------------------------- bootstrap */

/* Bootstraps `in` up to b->acc, whose constant coefficients are the results.
 *   in  [samples][k N + 1]
 * Errors: those of a key that is streamed. */
PPMLI_STATIC int ppmli_bootstrap_rotate(ppmli_bootstrap *b, const uint64_t *in, size_t samples,
                                        ppmli_tables tables, const ppml_parallel *parallel) {
  ppmli_switch_stage key_switch = {b, in, samples, {0, 0, NULL, NULL}};
  ppmli_table_stage table = {b, samples, tables};
  ppmli_rotate_stage rotate = {b, samples, {0, 0, NULL, NULL}};
  PPMLI_TRY(ppmli_key_walk_begin(b->key));
  ppmli_parallel_run(parallel, b->tasks, ppmli_switch_start_task, &key_switch);
  while (ppmli_key_walk_rows(&key_switch.slab, b->key, parallel))
    ppmli_parallel_run(parallel, b->tasks, ppmli_switch_rows_task, &key_switch);
  ppmli_parallel_run(parallel, b->tasks, ppmli_table_task, &table);
  while (ppmli_key_walk_steps(&rotate.slab, b->key, parallel))
    ppmli_parallel_run(parallel, b->tasks, ppmli_rotate_task, &rotate);
  return ppmli_key_walk_end(b->key);
}

/* out = bootstraps of `in`.
 *   out  [samples][k N + 1]  may be in
 *   in   [samples][k N + 1]
 * Errors: those of a key that is streamed. */
PPMLI_STATIC int ppmli_bootstrap_run(uint64_t *out, ppmli_bootstrap *b, const uint64_t *in,
                                     size_t samples, ppmli_tables tables,
                                     const ppml_parallel *parallel) {
  ppmli_extract_stage extract = {b, out, samples};
  PPMLI_TRY(ppmli_bootstrap_rotate(b, in, samples, tables, parallel));
  ppmli_parallel_run(parallel, b->tasks, ppmli_extract_task, &extract);
  return PPML_OK;
}

#endif
