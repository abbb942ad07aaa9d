/* Second moments of encrypted rows, for least squares that the key holder solves.
 *
 * sum_s x_si x_sj is the constant coefficient of X_i(Y) X_j(1/Y): an encrypted feature times one
 * that is turned around, or times the labels turned around.  No bootstrap is needed, only the
 * packing key.  A block's values are packed and added to those of the blocks before, so memory
 * depends on the number of features, not of rows.  The key holder decrypts second moments and
 * class sums of all rows, not rows.
 *
 * In: files of encrypted rows and the packing key; out: encrypted sums.  Next: learn.h. */
#ifndef PPMLI_SERVER_GRAM_H
#define PPMLI_SERVER_GRAM_H

#include <math.h>

#include "../base/arena.h"
#include "../cipher/packing.h"
#include "../cipher/rows.h"
#include "../math/fft/backend.h"
#include "../wire/learnt.h"
#include "../wire/training_read.h"
#include "collect.h"
#include "rows_expand.h"

#define PPMLI_GRAM_SQUARE 49 /* the largest product of two features */

/* By how much values may be scaled up, as a power of two, before a sum over so many rows could
 * reach half a turn; -1 where even 2^-28 is too much for a row. */
PPMLI_STATIC int ppmli_gram_up(uint64_t rows) {
  int up = -1;
  while (up < PPMLI_ROWS_GRAM_LOG2 &&
         ldexp((double)rows * PPMLI_GRAM_SQUARE, up + 2 - PPMLI_ROWS_GRAM_LOG2) < 1)
    up++;
  return up;
}

/* Told after each block; what it returns, if not PPML_OK, ends the run there. */
typedef struct ppmli_gram_watch {
  int (*block)(void *context, uint64_t done, uint64_t blocks);
  void *context;
} ppmli_gram_watch;

typedef struct ppmli_gram {
  const ppmli_packing_key *packing;
  ppmli_rows rows;
  uint32_t up;
  ppmli_rows_block block;
  ppmli_collector collector;
  double *doubles; /* [ppmli_rows_product_doubles()] */
  uint64_t *right; /* [2][N]  what features are multiplied by */
} ppmli_gram;

PPMLI_STATIC size_t ppmli_gram_bytes(const ppmli_rows *rows, const ppml_params *p, size_t threads) {
  return ppmli_rows_expand_bytes(rows, p) + ppmli_collector_bytes(p, threads) +
         ppmli_arena_rounded(ppmli_rows_product_doubles(rows, p) * sizeof(double)) +
         ppmli_arena_rounded(2 * (size_t)p->poly_size * sizeof(uint64_t));
}

/* Products of all features up to `last` and g->right, to the collector. */
PPMLI_STATIC int ppmli_gram_column(ppmli_gram *g, size_t last, ppml_arena *arena) {
  const ppml_params *p = g->packing->params;
  const ppmli_fft *fft = g->packing->fft;
  ppmli_rows_multiply(g->doubles, &g->block, g->right, &g->rows, p, fft);
  for (size_t i = 0; i <= last; i++) {
    ppmli_rows_product(ppmli_collector_item(&g->collector), g->doubles, i, &g->block, &g->rows, p,
                       fft);
    PPMLI_TRY(ppmli_collector_take(&g->collector, arena));
  }
  return PPML_OK;
}

/* Adds the values of a block. */
PPMLI_STATIC int ppmli_gram_block(ppmli_gram *g, ppml_arena *arena) {
  const ppml_params *p = g->packing->params;
  size_t words = 2 * (size_t)p->poly_size, F = g->rows.features;
  ppmli_rows_expand(&g->block, &g->rows, p, g->packing->fft);
  for (size_t j = 0; j < F + g->rows.outputs; j++) {
    const uint64_t *from = j < F ? g->block.copy + j * words : g->block.label + (j - F) * words;
    for (size_t i = 0; i < words; i++) g->right[i] = from[i] << g->up;
    PPMLI_TRY(ppmli_gram_column(g, j < F ? j : F - 1, arena));
  }
  return PPML_OK;
}

PPMLI_STATIC int ppmli_gram_init(ppmli_gram *g, ppml_learnt *out, const ppmli_packing_key *packing,
                                 const ppml_parallel *parallel, ppml_arena *arena) {
  const ppml_params *p = packing->params;
  PPMLI_ALLOC(double, doubles, arena, ppmli_rows_product_doubles(&g->rows, p));
  PPMLI_ALLOC(uint64_t, right, arena, 2 * (size_t)p->poly_size);
  g->packing = packing;
  g->doubles = doubles;
  g->right = right;
  PPMLI_TRY(ppmli_rows_block_init(&g->block, &g->rows, p, arena));
  return ppmli_collector_init(&g->collector, out, packing, parallel, arena);
}

/* Second moments and class sums of all rows of the sets.
 *   out       out; its ciphertexts are in arena
 *   files     at their beginnings; for PPMLI_ROWS_GRAM, with labels
 *   watch     may be NULL
 * Memory: ppmli_learnt_bytes, and ppmli_gram_bytes, which is given back.
 * Errors: the input bytes', ARG, MISMATCH, PARAMS (too many rows), NOMEM, IO.
 * Noise: docs/NOISE.md "Learning". */
PPMLI_STATIC int ppmli_gram_run(ppml_learnt *out, ppmli_training_files *files,
                                const ppmli_packing_key *packing, const ppml_parallel *parallel,
                                const ppmli_gram_watch *watch, ppml_arena *arena) {
  ppmli_gram g;
  size_t rows, done = 0, blocks = 0;
  PPMLI_TRY(ppmli_training_files_check(files));
  memset(&g, 0, sizeof g);
  g.rows = files->file[0].set.rows;
  uint64_t count = ppmli_training_files_rows(files);
  int up = ppmli_gram_up(count);
  if (g.rows.purpose != PPMLI_ROWS_GRAM || !g.rows.outputs) return PPML_ERR_MISMATCH;
  if (packing->params != files->file[0].params) return PPML_ERR_MISMATCH;
  if (up < 0) return PPML_ERR_PARAMS;
  g.up = (uint32_t)up;
  ppml_learnt made = {packing->params,
                      PPML_LEARN_GRAM,
                      g.rows.features,
                      g.rows.outputs,
                      g.rows.batch,
                      count,
                      0,
                      PPMLI_ROWS_GRAM_LOG2 - g.up,
                      NULL,
                      {0},
                      {0}};
  *out = made;
  PPMLI_TRY(ppmli_learnt_alloc(out, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_gram_init(&g, out, packing, parallel, arena));
  for (size_t i = 0; i < files->count; i++) blocks += (size_t)files->file[i].blocks;
  while (done < blocks) {
    PPMLI_TRY(ppmli_training_files_next(files, g.block.wire, &rows));
    PPMLI_TRY(ppmli_gram_block(&g, arena));
    done++;
    if (watch) PPMLI_TRY(watch->block(watch->context, done, blocks));
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
