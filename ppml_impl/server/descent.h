/* Descent on encrypted rows.  schedule.h has what a step computes; here is how.
 *
 *   z   = sum_i X_i w_i                 one product for all rows of a block
 *   r_s = (y_s - z_s) u_r               z_s extracted, bootstrapped by the table -u_r / u_z triangle;
 *                                       packed at every stride-th place; labels added
 *   g_i = constant coefficient of X_i r one product a feature
 *   w_i = w_i + eta g_i                 g_i bootstrapped, then cleared but for its constant
 *                                       coefficient by a trace
 *
 * Bootstraps take nearly all of the time: batch + features of them a step and output.  A run holds
 * one block, w and the mean so far; it may be stopped after any step and go on from there, with
 * the same result bit for bit on the same backend. */
#ifndef PPMLI_SERVER_DESCENT_H
#define PPMLI_SERVER_DESCENT_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../cipher/automorphism.h"
#include "../cipher/glwe.h"
#include "../cipher/packing.h"
#include "../cipher/rows.h"
#include "../math/fft/backend.h"
#include "../math/poly.h"
#include "../network/schedule.h"
#include "../wire/learnt.h"
#include "../wire/training_read.h"
#include "bootstrap.h"
#include "collect.h"
#include "rows_expand.h"

typedef struct ppmli_descent {
  const ppml_params *params;
  const ppmli_fft *fft;
  const ppmli_packing_key *packing;
  const ppml_parallel *parallel;
  ppmli_schedule schedule;
  uint64_t step; /* done */
  uint64_t *w;   /* [outputs][features][2][N]  ciphertexts of constants */
  uint64_t *sum; /* the same: the sum of w over the steps that are averaged */
  ppmli_rows_block block;
  size_t block_rows;
  double *doubles;           /* [ppmli_rows_product_doubles()] */
  uint64_t *glwe, *other;    /* [2][N] */
  ppmli_bootstrap bootstrap; /* out: acc [samples][2][N] */
  uint64_t *lwe;             /* [samples][N + 1]  what is bootstrapped, .. */
  uint64_t *table;           /* [N]  .. all by this table */
  size_t tasks;
  ppmli_slices scratch; /* [tasks]  of traces */
} ppmli_descent;

/* ------------------------------------------------------------------ memory */

/* Bootstraps that are made together: of a batch, or of all features. */
PPMLI_INLINE size_t ppmli_descent_samples(const ppmli_rows *rows) {
  return ppmli_max_size(rows->batch, rows->features);
}

/* Memory of bootstraps: the ciphertexts that go in, their table and what lies between. */
PPMLI_STATIC size_t ppmli_descent_bootstrap_bytes(const ppml_params *p, size_t samples,
                                                  size_t threads) {
  size_t N = p->poly_size;
  return ppmli_arena_rounded(N * sizeof(uint64_t)) +
         ppmli_arena_rounded(samples * (N + 1) * sizeof(uint64_t)) +
         ppmli_bootstrap_bytes(p, samples) +
         ppmli_arena_rounded(threads * ppmli_bootstrap_scratch(p));
}

/* Words of all weights. */
PPMLI_INLINE size_t ppmli_descent_words(const ppmli_rows *rows, const ppml_params *p) {
  return (size_t)rows->outputs * rows->features * 2 * p->poly_size;
}

PPMLI_STATIC size_t ppmli_descent_bytes(const ppmli_rows *rows, const ppml_params *p,
                                        size_t threads) {
  size_t glwe = 2 * (size_t)p->poly_size * sizeof(uint64_t);
  size_t once =
      ppmli_max_size(ppmli_packing_scratch(p, threads), ppmli_collector_bytes(p, threads));
  return 2 * ppmli_arena_rounded(ppmli_descent_words(rows, p) * sizeof(uint64_t)) +
         ppmli_rows_expand_bytes(rows, p) +
         ppmli_arena_rounded(ppmli_rows_product_doubles(rows, p) * sizeof(double)) +
         2 * ppmli_arena_rounded(glwe) +
         ppmli_descent_bootstrap_bytes(p, ppmli_descent_samples(rows), threads) +
         ppmli_arena_rounded(threads * ppmli_auto_scratch_bytes(p)) + once;
}

/* Begins a run at step 0.
 *   schedule  rows as the sets have them, for PPMLI_ROWS_DESCENT
 *   packing   of the same owner as key
 * Memory: ppmli_descent_bytes, of which what single steps need is taken anew by each.
 * Errors: PARAMS, MISMATCH, NOMEM. */
PPMLI_STATIC int ppmli_descent_init(ppmli_descent *d, const ppmli_schedule *schedule,
                                    const ppml_eval_key *key, const ppmli_packing_key *packing,
                                    const ppml_parallel *parallel, ppml_arena *arena) {
  const ppml_params *p = key->params;
  const ppmli_rows *rows = &schedule->rows;
  size_t words = ppmli_descent_words(rows, p), N = p->poly_size;
  if (packing->params != p) return PPML_ERR_MISMATCH;
  if (!ppmli_rows_are_valid(rows, p) || rows->purpose != PPMLI_ROWS_DESCENT || !rows->outputs)
    return PPML_ERR_PARAMS;
  memset(d, 0, sizeof *d);
  PPMLI_ALLOC(uint64_t, w, arena, words);
  PPMLI_ALLOC(uint64_t, sum, arena, words);
  PPMLI_ALLOC(double, doubles, arena, ppmli_rows_product_doubles(rows, p));
  PPMLI_ALLOC(uint64_t, glwe, arena, 2 * N);
  PPMLI_ALLOC(uint64_t, other, arena, 2 * N);
  PPMLI_ALLOC(uint64_t, table, arena, N);
  PPMLI_ALLOC(uint64_t, lwe, arena, ppmli_descent_samples(rows) * (N + 1));
  PPMLI_TRY(ppmli_rows_block_init(&d->block, rows, p, arena));
  d->params = p, d->fft = packing->fft, d->packing = packing, d->parallel = parallel;
  d->schedule = *schedule;
  d->w = (uint64_t *)memset(w, 0, words * sizeof *w);
  d->sum = (uint64_t *)memset(sum, 0, words * sizeof *sum);
  d->doubles = doubles, d->glwe = glwe, d->other = other;
  d->table = table, d->lwe = lwe;
  d->tasks = ppmli_parallel_threads(parallel);
  PPMLI_TRY(ppmli_bootstrap_init(&d->bootstrap, key, ppmli_descent_samples(rows), d->tasks,
                                 ppmli_bootstrap_scratch(p), arena));
  return ppmli_slices_init(&d->scratch, d->tasks, ppmli_auto_scratch_bytes(p), arena);
}

/* --------------------------------------------------------------- bootstrap */

/* The one table of all samples. */
PPMLI_STATIC void ppmli_descent_table(uint64_t *table, const void *context, size_t sample) {
  const ppmli_descent *d = (const ppmli_descent *)context;
  (void)sample;
  memcpy(table, d->table, d->params->poly_size * sizeof *table);
}

/* Bootstraps d->lwe by d->table to d->bootstrap.acc, whose constant coefficients are the results. */
PPMLI_STATIC int ppmli_descent_bootstrap(ppmli_descent *d, size_t samples) {
  ppmli_tables tables = {ppmli_descent_table, d};
  return ppmli_bootstrap_rotate(&d->bootstrap, d->lwe, samples, tables, d->parallel);
}

/* -------------------------------------------------------------- a step */

/* glwe = Y^-shift glwe. */
PPMLI_STATIC void ppmli_descent_turn(ppmli_descent *d, uint64_t *glwe, uint32_t shift) {
  size_t N = d->params->poly_size;
  memcpy(d->other, glwe, 2 * N * sizeof *glwe);
  for (size_t c = 0; c < 2; c++)
    ppmli_poly_rotate_down(glwe + c * N, d->other + c * N, shift, d->params->poly_size);
}

/* The labels of batch `batch` of the block for an output: at d->glwe, row q at Y^(-stride q).
 * Those of the other batches are cleared by the first steps of a trace. */
PPMLI_STATIC void ppmli_descent_labels(ppmli_descent *d, uint32_t output, uint32_t batch) {
  const ppml_params *p = d->params;
  uint32_t stride = ppmli_rows_stride(&d->schedule.rows, p), steps = 0;
  uint64_t gain = ppmli_schedule_gain(d->step);
  size_t N = p->poly_size;
  ppml_arena arena = ppmli_slices_arena(&d->scratch, 0);
  ppmli_auto_scratch scratch;
  memset(&scratch, 0, sizeof scratch);
  int error = ppmli_auto_scratch_init(&scratch, p, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
  while (stride >> (steps + 1)) steps++;
  memcpy(d->glwe, d->block.label + (size_t)output * 2 * N, 2 * N * sizeof *d->glwe);
  for (size_t i = 0; i < 2 * N; i++) d->glwe[i] *= gain;
  if (batch) ppmli_descent_turn(d, d->glwe, 2 * p->poly_size - batch);
  ppmli_packing_keep(d->glwe, steps, d->packing, &scratch);
}

/* Residuals of a batch but for their labels: packed at d->bootstrap.acc, row q at
 * Y^(-stride q). */
PPMLI_STATIC int ppmli_descent_scores(ppmli_descent *d, uint32_t output, uint32_t batch,
                                      ppml_arena *arena) {
  const ppml_params *p = d->params;
  const ppmli_rows *rows = &d->schedule.rows;
  size_t N = p->poly_size, per_output = (size_t)rows->features * 2 * N;
  uint32_t stride = ppmli_rows_stride(rows, p);
  ppmli_rows_scores(d->glwe, &d->block, d->w + output * per_output, rows, p, d->fft, d->doubles);
  ppmli_descent_turn(d, d->glwe, batch);
  for (size_t q = 0; q < rows->batch; q++) {
    if (q) ppmli_descent_turn(d, d->glwe, stride);
    ppmli_glwe_extract(d->lwe + q * (N + 1), d->glwe, p);
  }
  ppmli_schedule_table(d->table, ppmli_schedule_residual_scale(&d->schedule, d->step), p);
  PPMLI_TRY(ppmli_descent_bootstrap(d, rows->batch));
  return ppmli_packing_run(d->bootstrap.acc, rows->batch, d->packing, d->parallel, arena);
}

/* A share of the features: what the bootstraps gave, cleared, is added to w; w to the mean. */
typedef struct ppmli_descent_update {
  const ppmli_descent *descent;
  uint32_t output;
} ppmli_descent_update;

PPMLI_STATIC void ppmli_descent_update_task(void *argument, size_t index) {
  const ppmli_descent_update *u = (const ppmli_descent_update *)argument;
  const ppmli_descent *d = u->descent;
  size_t words = 2 * (size_t)d->params->poly_size, features = d->schedule.rows.features;
  size_t end = ppmli_parallel_share(features, d->tasks, index + 1);
  ppml_arena arena = ppmli_slices_arena(&d->scratch, index);
  ppmli_auto_scratch scratch;
  memset(&scratch, 0, sizeof scratch);
  int error = ppmli_auto_scratch_init(&scratch, d->params, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
  for (size_t i = ppmli_parallel_share(features, d->tasks, index); i < end; i++) {
    uint64_t *change = d->bootstrap.acc + i * words;
    uint64_t *w = d->w + (u->output * features + i) * words, *sum = d->sum + (w - d->w);
    ppmli_packing_keep(change, ppmli_auto_steps(d->params), d->packing, &scratch);
    for (size_t e = 0; e < words; e++) w[e] += change[e];
    if (!ppmli_schedule_is_averaged(&d->schedule, d->step)) continue;
    for (size_t e = 0; e < words; e++) sum[e] += w[e];
  }
}

/* Gradients of residuals at d->glwe, and the weights that they move. */
PPMLI_STATIC int ppmli_descent_move(ppmli_descent *d, uint32_t output) {
  const ppml_params *p = d->params;
  const ppmli_rows *rows = &d->schedule.rows;
  ppmli_descent_update update = {d, output};
  ppmli_rows_multiply(d->doubles, &d->block, d->glwe, rows, p, d->fft);
  for (size_t i = 0; i < rows->features; i++) {
    ppmli_rows_product(d->other, d->doubles, i, &d->block, rows, p, d->fft);
    ppmli_glwe_extract(d->lwe + i * (p->poly_size + 1), d->other, p);
  }
  ppmli_schedule_table(d->table, ppmli_schedule_weight_scale(&d->schedule, d->step), p);
  PPMLI_TRY(ppmli_descent_bootstrap(d, rows->features));
  ppmli_parallel_run(d->parallel, d->tasks, ppmli_descent_update_task, &update);
  return PPML_OK;
}

/* One step, by batch `batch` of the block. */
PPMLI_STATIC int ppmli_descent_step(ppmli_descent *d, uint32_t batch, ppml_arena *arena) {
  size_t N = d->params->poly_size;
  for (uint32_t c = 0; c < d->schedule.rows.outputs; c++) {
    const uint64_t *scores = d->bootstrap.acc; /* in step 0 all are 0 */
    if (d->step) PPMLI_TRY(ppmli_descent_scores(d, c, batch, arena));
    ppmli_descent_labels(d, c, batch);
    for (size_t i = 0; i < 2 * N && d->step; i++) d->glwe[i] += scores[i];
    ppmli_descent_turn(d, d->glwe, batch);
    PPMLI_TRY(ppmli_descent_move(d, c));
  }
  d->step++;
  return PPML_OK;
}

/* ------------------------------------------------------------------- run */

/* Told after each step; what it returns, if not PPML_OK, ends the run there.  This is where a
 * checkpoint is written. */
typedef struct ppmli_descent_watch {
  int (*step)(void *context, const ppmli_descent *d);
  void *context;
} ppmli_descent_watch;

/* Steps by the batches of the block, but for those that were done before.
 *   at  in and out: number of the block's first batch in the run */
PPMLI_STATIC int ppmli_descent_block(ppmli_descent *d, uint64_t *at,
                                     const ppmli_descent_watch *watch, ppml_arena *arena) {
  uint32_t batches = (uint32_t)(d->block_rows / d->schedule.rows.batch);
  int is_expanded = 0;
  for (uint32_t j = 0; j < batches && *at < d->schedule.steps; j++, (*at)++) {
    if (*at < d->step) continue;
    if (!is_expanded) ppmli_rows_expand(&d->block, &d->schedule.rows, d->params, d->fft);
    is_expanded = 1;
    PPMLI_TRY(ppmli_descent_step(d, j, arena));
    if (watch) PPMLI_TRY(watch->step(watch->context, d));
  }
  return PPML_OK;
}

/* All steps from d->step on: blocks that were done before are read and passed over, so that the
 * digests of the files are checked whole.
 *   files  at their beginnings
 * Scratch: what ppmli_descent_bytes has left.  Errors: the input bytes', NOMEM, IO, the watch's. */
PPMLI_STATIC int ppmli_descent_run(ppmli_descent *d, ppmli_training_files *files,
                                   const ppmli_descent_watch *watch, ppml_arena *arena) {
  uint64_t at = 0;
  while (at < d->schedule.steps) {
    PPMLI_TRY(ppmli_training_files_next(files, d->block.wire, &d->block_rows));
    PPMLI_TRY(ppmli_descent_block(d, &at, watch, arena));
  }
  return PPML_OK;
}

/* What a run of these sets is: their rows, and the steps of so many passes.
 * Errors: ARG, MISMATCH, PARAMS. */
PPMLI_STATIC int ppmli_descent_schedule(ppmli_schedule *schedule, const ppmli_training_files *files,
                                        uint32_t passes) {
  PPMLI_TRY(ppmli_training_files_check(files));
  schedule->rows = files->file[0].set.rows;
  schedule->steps = ppmli_training_files_rows(files) / schedule->rows.batch * passes;
  if (schedule->rows.purpose != PPMLI_ROWS_DESCENT) return PPML_ERR_MISMATCH;
  return passes && schedule->steps && schedule->steps < UINT32_MAX ? PPML_OK : PPML_ERR_ARG;
}

/* What a run gives, without ciphertexts.
 *   rows  that the sets have */
PPMLI_STATIC ppml_learnt ppmli_descent_shape(const ppmli_schedule *s, const ppml_params *p,
                                             uint64_t rows) {
  ppml_learnt shape = {p,
                       PPML_LEARN_DESCENT,
                       s->rows.features,
                       s->rows.outputs,
                       s->rows.batch,
                       rows,
                       s->steps,
                       PPMLI_SCHEDULE_UNIT_LOG2,
                       NULL,
                       {0},
                       {0}};
  return shape;
}

/* The model: the last w and the sum, packed.
 *   out  in: ppmli_descent_shape, with memory
 * Scratch: what ppmli_descent_bytes has left.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_descent_finish(ppml_learnt *out, const ppmli_descent *d, ppml_arena *arena) {
  size_t words = 2 * (size_t)d->params->poly_size, mark = arena->used_bytes;
  ppmli_collector collector;
  PPMLI_TRY(ppmli_collector_init(&collector, out, d->packing, d->parallel, arena));
  for (size_t v = 0; v < ppmli_learnt_values(out); v++) {
    size_t half = ppmli_learnt_values(out) / 2;
    const uint64_t *from = v < half ? d->w + v * words : d->sum + (v - half) * words;
    memcpy(ppmli_collector_item(&collector), from, words * sizeof *from);
    PPMLI_TRY(ppmli_collector_take(&collector, arena));
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
