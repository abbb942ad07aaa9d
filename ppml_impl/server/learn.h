/* A whole run of learning: sets are opened, checked against each other and the key, learnt from, and
 * what was learnt is packed.  The methods: descent.h, gram.h, sums_add.h.  In: files and keys; out: a
 * ppml_learnt.  Next: descent.h. */
#ifndef PPMLI_SERVER_LEARN_H
#define PPMLI_SERVER_LEARN_H

#include "../base/arena.h"
#include "../cipher/rows.h"
#include "../network/schedule.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "../wire/sums_file.h"
#include "../wire/training_read.h"
#include "../wire/training_set.h"
#include "checkpoint.h"
#include "descent.h"
#include "gram.h"
#include "sums_add.h"

/* What a run is asked for; see ppml_learn. */
typedef struct ppmli_learn {
  const ppml_learning_key *key;
  const ppml_learn_options *options;
  const ppml_limits *limits;
  ppml_reader *sets, *checkpoint;
  size_t count;
  const ppml_learn_watch *watch;
  const ppml_parallel *parallel;
  ppml_learn_run run;
} ppmli_learn;

/* ------------------------------------------------------------------- sets */

/* What the beginning of a training set or of sums says.  Errors: the input bytes'. */
PPMLI_STATIC int ppmli_training_describe(ppml_training *t, ppml_reader *reader,
                                         const ppml_limits *limits) {
  uint8_t seed[PPML_SEED_BYTES];
  ppmli_training set;
  ppml_learnt sums;
  ppml_header h;
  ppmli_in in;
  memset(t, 0, sizeof *t);
  PPMLI_TRY(ppmli_in_begin(&in, &h, reader, limits));
  if (h.kind == PPML_KIND_SUMS) {
    PPMLI_TRY(ppmli_sums_get_begin(&sums, seed, &in, h.params));
    t->method = PPML_LEARN_SUMS, t->features = sums.features, t->outputs = sums.outputs;
    t->batch = sums.batch, t->rows = sums.rows;
  } else if (h.kind == PPML_KIND_TRAINING) {
    PPMLI_TRY(ppmli_training_get_begin(&set, &in, h.params));
    t->method = set.rows.purpose, t->features = set.rows.features, t->outputs = set.rows.outputs;
    t->batch = set.rows.batch, t->rows = set.count;
    memcpy(t->id, set.id, PPML_ID_BYTES);
  } else return PPML_ERR_KIND;
  memcpy(t->map_id, h.circuit_id, PPML_ID_BYTES);
  memcpy(t->key_id, h.key_id, PPML_ID_BYTES);
  return PPML_OK;
}

/* Opens the sets, which must be of the key's map and owner.
 *   files  out: in arena
 * Errors: the input bytes', MISMATCH, NOMEM, IO. */
PPMLI_STATIC int ppmli_learn_open(ppmli_training_files *files, const ppmli_learn *l,
                                  ppml_arena *arena) {
  PPMLI_ALLOC(ppmli_training_file, file, arena, l->count);
  files->file = file;
  files->count = l->count;
  files->at = 0;
  for (size_t i = 0; i < l->count; i++)
    PPMLI_TRY(
        ppmli_training_open(&file[i], &l->sets[i], l->limits, l->key->map_id, l->key->key_id));
  return ppmli_training_files_check(files);
}

/* ---------------------------------------------------------------- descent */

/* Bootstraps of the steps that are left: step 0 has no scores to bootstrap. */
PPMLI_STATIC uint64_t ppmli_learn_bootstraps_left(const ppmli_schedule *s, uint64_t done) {
  uint64_t residuals = (s->steps - done - (done == 0)) * s->rows.batch;
  return s->rows.outputs * (residuals + (s->steps - done) * s->rows.features);
}

PPMLI_STATIC int ppmli_learn_told(void *context, const ppmli_descent *d) {
  ppmli_learn *l = (ppmli_learn *)context;
  l->run.descent = d;
  l->run.done = d->step;
  l->run.steps = d->schedule.steps;
  l->run.bootstraps_left = ppmli_learn_bootstraps_left(&d->schedule, d->step);
  return l->watch ? l->watch->step(l->watch->context, &l->run) : PPML_OK;
}

/* Goes on from a checkpoint.  Errors: the input bytes', MISMATCH (of another run, or another key's). */
PPMLI_STATIC int ppmli_learn_resume(ppmli_descent *d, const ppmli_learn *l) {
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_CHECKPOINT, l->checkpoint, l->limits));
  if (h.params != d->params) return PPML_ERR_MISMATCH;
  PPMLI_TRY(ppmli_checkpoint_get(d, &in, l->run.run_id));
  return ppmli_in_end(&in);
}

PPMLI_STATIC int ppmli_learn_descend(ppml_learnt *out, ppmli_learn *l, ppml_arena *arena) {
  ppmli_training_files files;
  ppmli_schedule schedule;
  ppmli_descent d;
  ppmli_descent_watch watch = {ppmli_learn_told, l};
  PPMLI_TRY(ppmli_learn_open(&files, l, arena));
  PPMLI_TRY(ppmli_descent_schedule(&schedule, &files, l->options->passes));
  if (l->key->eval.params != files.file[0].params || !schedule.rows.outputs)
    return PPML_ERR_MISMATCH;
  ppmli_checkpoint_run_id(l->run.run_id, &schedule, &files);
  ppml_learnt made =
      ppmli_descent_shape(&schedule, files.file[0].params, ppmli_training_files_rows(&files));
  *out = made;
  PPMLI_TRY(ppmli_learnt_alloc(out, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_descent_init(&d, &schedule, &l->key->eval, l->key->packing, l->parallel, arena));
  if (l->checkpoint) PPMLI_TRY(ppmli_learn_resume(&d, l));
  PPMLI_TRY(ppmli_descent_run(&d, &files, &watch, arena));
  PPMLI_TRY(ppmli_descent_finish(out, &d, arena));
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ------------------------------------------------------ the other methods */

PPMLI_STATIC int ppmli_learn_told_part(void *context, uint64_t done, uint64_t parts) {
  ppmli_learn *l = (ppmli_learn *)context;
  l->run.done = done;
  l->run.steps = parts;
  return l->watch ? l->watch->step(l->watch->context, &l->run) : PPML_OK;
}

PPMLI_STATIC int ppmli_learn_gram(ppml_learnt *out, ppmli_learn *l, ppml_arena *arena) {
  ppmli_training_files files;
  ppmli_gram_watch watch = {ppmli_learn_told_part, l};
  PPMLI_TRY(ppmli_learn_open(&files, l, arena));
  return ppmli_gram_run(out, &files, l->key->packing, l->parallel, &watch, arena);
}

/* Sums have no server's key: that they agree with each other is all that can be asked. */
PPMLI_STATIC int ppmli_learn_sums(ppml_learnt *out, ppmli_learn *l, const ppml_params *p,
                                  ppml_arena *arena) {
  ppml_header first, h;
  ppmli_in in;
  memset(out, 0, sizeof *out);
  memset(&first, 0, sizeof first);
  for (size_t i = 0; i < l->count; i++) {
    PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_SUMS, &l->sets[i], l->limits));
    if (h.params != p) return PPML_ERR_PARAMS;
    if (i == 0) first = h;
    if (memcmp(h.circuit_id, first.circuit_id, PPML_ID_BYTES) != 0 ||
        memcmp(h.key_id, first.key_id, PPML_ID_BYTES) != 0)
      return PPML_ERR_MISMATCH;
    PPMLI_TRY(ppmli_sums_get(out, &in, p, arena));
    PPMLI_TRY(ppmli_in_end(&in));
    PPMLI_TRY(ppmli_learn_told_part(l, i + 1, l->count));
  }
  memcpy(out->map_id, first.circuit_id, PPML_ID_BYTES);
  memcpy(out->key_id, first.key_id, PPML_ID_BYTES);
  return PPML_OK;
}

/* -------------------------------------------------------------------- run */

/* Memory of a run over `count` sets like this one. */
PPMLI_STATIC size_t ppmli_learn_bytes(const ppml_training *t, const ppml_params *p, size_t count,
                                      size_t threads) {
  uint32_t purpose = t->method == PPML_LEARN_DESCENT ? PPMLI_ROWS_DESCENT : PPMLI_ROWS_GRAM;
  ppmli_rows rows = ppmli_rows_make(purpose, t->features, t->outputs, t->batch);
  ppml_learnt shape = ppmli_sums_shape(&rows, t->rows, p);
  shape.method = t->method;
  size_t bytes = ppmli_learnt_bytes(&shape);
  if (t->method == PPML_LEARN_SUMS)
    return bytes + ppmli_arena_rounded(2 * (size_t)p->poly_size * sizeof(uint64_t));
  bytes += ppmli_arena_rounded(count * sizeof(ppmli_training_file));
  return bytes + (t->method == PPML_LEARN_DESCENT ? ppmli_descent_bytes(&rows, p, threads)
                                                  : ppmli_gram_bytes(&rows, p, threads));
}

/* Runs the method that the options name.
 *   out  its ciphertexts are all that stays in arena */
PPMLI_STATIC int ppmli_learn_run(ppml_learnt *out, ppmli_learn *l, const ppml_params *p,
                                 ppml_arena *arena) {
  size_t begin = arena->used_bytes;
  if (l->options->method == PPML_LEARN_SUMS) return ppmli_learn_sums(out, l, p, arena);
  if (l->options->method == PPML_LEARN_GRAM) PPMLI_TRY(ppmli_learn_gram(out, l, arena));
  else PPMLI_TRY(ppmli_learn_descend(out, l, arena));
  memcpy(out->map_id, l->key->map_id, PPML_ID_BYTES);
  memcpy(out->key_id, l->key->key_id, PPML_ID_BYTES);
  out->glwe = (uint64_t *)memmove(arena->memory + begin, out->glwe, ppmli_learnt_bytes(out));
  arena->used_bytes = begin + ppmli_learnt_bytes(out);
  return PPML_OK;
}

#endif
