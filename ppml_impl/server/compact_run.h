/* The way of encrypted images through a pooled network whose scores then leave under a smaller key: a third of
 * the bytes, for one key switch a score.
 *
 *   images -> pooled_run.h: scores, under the latents' set -> bridge -> scores, under the set beyond
 *
 * In: images, circuit and key; out: encrypted scores.  Next: crossing.h. */
#ifndef PPMLI_SERVER_COMPACT_RUN_H
#define PPMLI_SERVER_COMPACT_RUN_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../math/params.h"
#include "crossing.h"
#include "evalkey.h"
#include "pooled_run.h"

/* Memory behind the scores of the latents' set. */
PPMLI_STATIC size_t ppmli_compact_beyond_bytes(const ppml_circuit *c, size_t images,
                                               size_t threads) {
  size_t words = ppmli_params_long_dim(c->params) + 1;
  return ppmli_arena_rounded(images * c->model.spec.outputs * words * sizeof(uint64_t)) +
         ppmli_arena_rounded(threads * ppmli_crossing_scratch(c));
}

PPMLI_STATIC size_t ppmli_compact_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  return ppmli_max_size(ppmli_crossing_pooled_bytes(c, images, threads),
                        ppmli_crossing_latent_bytes(c, images) +
                            ppmli_compact_beyond_bytes(c, images, threads));
}

/* Was all of a key that is streamed read, and undamaged?  What is used of it is in memory since it was opened.
 * Errors: those of a key that is streamed. */
PPMLI_STATIC int ppmli_compact_check_key(const ppml_eval_key *key) {
  PPMLI_TRY(ppmli_key_walk_begin(key));
  return ppmli_key_walk_end(key);
}

/* From images to scores.
 *   lwe  out: [images][outputs][k N + 1], in arena
 * Memory: ppmli_compact_bytes.  Errors: NOMEM; those of a key that is streamed. */
PPMLI_STATIC int ppmli_compact_scores(const uint64_t **lwe, const ppml_circuit *c,
                                      const ppml_input *inputs, size_t images,
                                      const ppml_eval_key *key, const ppml_parallel *parallel,
                                      ppml_arena *arena) {
  ppml_circuit pooled = ppmli_crossing_pooled(c);
  ppml_eval_key pooled_key = ppmli_crossing_key(key);
  size_t mark = arena->used_bytes, count = images * c->model.spec.outputs;
  ppmli_slices scratch;
  ppmli_crossing x = {key, NULL, NULL, count, ppmli_parallel_threads(parallel), &scratch};
  PPMLI_TRY(ppmli_compact_check_key(key));
  PPMLI_TRY(
      ppmli_pooled_run_images(&x.from, &pooled, inputs, images, &pooled_key, parallel, arena));
  arena->used_bytes = mark + ppmli_crossing_latent_bytes(c, images); /* scores alone are kept */
  PPMLI_ALLOC(uint64_t, beyond, arena, count * (ppmli_params_long_dim(c->params) + 1));
  PPMLI_TRY(ppmli_slices_init(&scratch, x.tasks, ppmli_crossing_scratch(c), arena));
  x.to = beyond;
  ppmli_parallel_run(parallel, x.tasks, ppmli_crossing_task, &x);
  *lwe = beyond;
  return PPML_OK;
}

#endif
