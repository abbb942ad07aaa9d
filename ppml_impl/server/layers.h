/* The way of encrypted images through a network by bootstraps.  In: images; out: encrypted scores.
 *
 *   images -> first layer -> accumulators -> bootstraps -> activations -> dense layer -> accumulators -> ..
 *
 * A sample is one neuron's accumulator, or activation, for one image; samples of a layer are ordered
 * [image][neuron].  The two arrays keep their roles from layer to layer.  Next: first_layer.h, bootstrap.h,
 * rounds.h (exact circuits, whose hidden layer takes several bootstraps a neuron) and dense.h. */
#ifndef PPMLI_SERVER_LAYERS_H
#define PPMLI_SERVER_LAYERS_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../math/params.h"
#include "bootstrap.h"
#include "dense.h"
#include "first_layer.h"
#include "rounds.h"

typedef struct ppmli_layers {
  const ppml_circuit *circuit;
  size_t images;
  ppmli_bootstrap work;
  ppmli_first_layer first;
  ppmli_rounds rounds;    /* of an exact circuit */
  uint64_t *accumulators; /* [samples][k N + 1]  in the end the scores */
  uint64_t *activations;  /* [samples][k N + 1] */
} ppmli_layers;

/* ------------------------------------------------------------------ memory */

/* Samples of an image, in the layer or round that has most. */
PPMLI_STATIC size_t ppmli_layers_width(const ppml_circuit *c) {
  size_t width = ppmli_rounds_width(c);
  for (uint32_t l = 0; l < c->model.layer_count; l++)
    width = ppmli_max_size(width, c->model.layer[l].outputs);
  return width;
}

PPMLI_STATIC size_t ppmli_layers_task_scratch(const ppml_circuit *c) {
  return ppmli_max_size(ppmli_first_task_scratch(c), ppmli_bootstrap_scratch(c->params));
}

/* Memory of the whole way through the layers. */
PPMLI_STATIC size_t ppmli_layers_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  size_t samples = images * ppmli_layers_width(c), words = ppmli_params_long_dim(c->params) + 1;
  return ppmli_arena_rounded(ppmli_first_mask_doubles(c, images) * sizeof(double)) +
         2 * ppmli_arena_rounded(samples * words * sizeof(uint64_t)) +
         ppmli_rounds_bytes(c, images) + ppmli_bootstrap_bytes(c->params, samples) +
         ppmli_arena_rounded(threads * ppmli_layers_task_scratch(c));
}

/* Memory: ppmli_layers_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_layers_init(ppmli_layers *x, const ppml_circuit *c, const ppml_input *inputs,
                                   size_t images, const ppml_eval_key *key, size_t tasks,
                                   ppml_arena *arena) {
  size_t samples = images * ppmli_layers_width(c), words = ppmli_params_long_dim(c->params) + 1;
  memset(x, 0, sizeof *x);
  x->circuit = c;
  x->images = images;
  PPMLI_ALLOC(double, masks, arena, ppmli_first_mask_doubles(c, images));
  PPMLI_ALLOC(uint64_t, accumulators, arena, samples * words);
  PPMLI_ALLOC(uint64_t, activations, arena, samples * words);
  x->accumulators = accumulators;
  x->activations = activations;
  ppmli_first_layer first = {&x->work, c, inputs, images, masks, accumulators};
  x->first = first;
  if (ppmli_circuit_has_rounds(c)) PPMLI_TRY(ppmli_rounds_init(&x->rounds, c, images, arena));
  return ppmli_bootstrap_init(&x->work, key, samples, tasks, ppmli_layers_task_scratch(c), arena);
}

/* ------------------------------------------------------------------ layers */

/* Tables of hidden layer `layer`, whose samples are [image][neuron]. */
typedef struct ppmli_layer_tables {
  const ppml_circuit *circuit;
  uint32_t layer;
} ppmli_layer_tables;

PPMLI_STATIC void ppmli_layer_table(uint64_t *table, const void *context, size_t sample) {
  const ppmli_layer_tables *x = (const ppmli_layer_tables *)context;
  uint32_t neurons = x->circuit->model.layer[x->layer].outputs;
  ppmli_dense_table(table, x->circuit, x->layer, (uint32_t)(sample % neurons));
}

/* Activations of hidden layer l from its accumulators. */
PPMLI_STATIC int ppmli_layers_activate(ppmli_layers *x, uint32_t l, const ppml_parallel *parallel) {
  ppmli_layer_tables context = {x->circuit, l};
  ppmli_tables tables = {ppmli_layer_table, &context};
  if (ppmli_circuit_has_rounds(x->circuit))
    return ppmli_rounds_run(x->activations, x->accumulators, x->images, &x->rounds, &x->work,
                            parallel);
  return ppmli_bootstrap_run(x->activations, &x->work, x->accumulators,
                             x->images * x->circuit->model.layer[l].outputs, tables, parallel);
}

typedef struct ppmli_dense_stage {
  const ppmli_layers *layers; /* in: activations; out: accumulators */
  uint32_t layer;             /* whose accumulators they are */
} ppmli_dense_stage;

/* Accumulators of a share of a layer's samples. */
PPMLI_STATIC void ppmli_dense_task(void *argument, size_t index) {
  const ppmli_dense_stage *stage = (const ppmli_dense_stage *)argument;
  const ppmli_layers *x = stage->layers;
  const ppml_layer *layer = &x->circuit->model.layer[stage->layer];
  size_t words = ppmli_params_long_dim(x->circuit->params) + 1;
  ppmli_share share = ppmli_bootstrap_share(&x->work, x->images * layer->outputs, index);
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_dense_lwe(x->accumulators + s * words, x->circuit, stage->layer,
                    (uint32_t)(s % layer->outputs),
                    x->activations + s / layer->outputs * layer->inputs * words);
}

/* Layer after layer; x->accumulators are the scores then.
 * Errors: those of a key that is streamed. */
PPMLI_STATIC int ppmli_layers_run(ppmli_layers *x, const ppml_parallel *parallel) {
  ppmli_first_layer_run(&x->first, parallel);
  for (uint32_t l = 0; l + 1 < x->circuit->model.layer_count; l++) {
    ppmli_dense_stage dense = {x, l + 1};
    PPMLI_TRY(ppmli_layers_activate(x, l, parallel));
    ppmli_parallel_run(parallel, x->work.tasks, ppmli_dense_task, &dense);
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
  ppmli_layers x;
  PPMLI_TRY(ppmli_layers_init(&x, c, inputs, images, key, ppmli_parallel_threads(parallel), arena));
  PPMLI_TRY(ppmli_layers_run(&x, parallel));
  *lwe = x.accumulators;
  return PPML_OK;
}

#endif
