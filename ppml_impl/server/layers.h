/* The way of encrypted images through a network by bootstraps, layer after layer.  bootstrap.h has the
 * stages of a layer; rounds.h those of an exact circuit's hidden layer. */
#ifndef PPMLI_SERVER_LAYERS_H
#define PPMLI_SERVER_LAYERS_H

#include "../base/parallel.h"
#include "bootstrap.h"
#include "rounds.h"

/* Layer after layer: accumulators, then activations by bootstraps.
 * Errors: those of a key that is streamed. */
PPMLI_STATIC int ppmli_layers_run(ppmli_infer *x, const ppml_parallel *parallel) {
  ppmli_parallel_run(parallel, x->tasks, ppmli_infer_masks_task, x);
  ppmli_parallel_run(parallel, x->tasks, ppmli_infer_first_task, x);
  for (x->layer = 0; x->layer + 1 < x->circuit->model.layer_count;) {
    x->width = x->circuit->model.layer[x->layer].outputs;
    PPMLI_TRY(ppmli_infer_has_digits(x->circuit) ? ppmli_infer_run_digits(x, parallel)
                                                 : ppmli_infer_bootstrap(x, parallel));
    x->width = x->circuit->model.layer[++x->layer].outputs;
    ppmli_parallel_run(parallel, x->tasks, ppmli_infer_dense_task, x);
    uint64_t *activations = x->lwe;
    x->lwe = x->next;
    x->next = activations;
  }
  return PPML_OK;
}

/* Scores of images by bootstraps.
 *   lwe  out: [images][outputs][k N + 1], in arena
 * Memory: ppmli_layers_bytes.  Errors: NOMEM; those of a key that is streamed. */
PPMLI_STATIC int ppmli_layers_scores(const uint64_t **lwe, const ppml_circuit *c,
                                     const ppml_input *inputs, size_t images,
                                     const ppml_eval_key *key, const ppml_parallel *parallel,
                                     ppml_arena *arena) {
  ppmli_infer x;
  memset(&x, 0, sizeof x);
  x.circuit = c;
  x.params = c->params;
  x.key = key;
  x.inputs = inputs;
  x.images = images;
  x.tasks = ppmli_parallel_threads(parallel);
  PPMLI_TRY(ppmli_infer_alloc(&x, arena));
  PPMLI_TRY(ppmli_layers_run(&x, parallel));
  *lwe = x.lwe;
  return PPML_OK;
}

#endif
