/* The way of encrypted images through a pooled network and the layers behind it.
 *
 *   images -> pooled_run.h: features, under the latents' set -> bridge -> features, under the set that
 *   bootstraps -> accumulators of layer 0 -> bootstraps -> .. -> gates -> products with features -> scores
 *
 * A product is two bootstraps (network/gates.h); all else is layers.h, whose arrays and stages are used.
 *
 * In: images, circuit and key; out: encrypted scores.  Next: pooled_run.h, layers.h. */
#ifndef PPMLI_SERVER_BRIDGED_RUN_H
#define PPMLI_SERVER_BRIDGED_RUN_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../cipher/lwe.h"
#include "../math/params.h"
#include "../network/gates.h"
#include "../network/pooled_model.h"
#include "bootstrap.h"
#include "crossing.h"
#include "dense.h"
#include "layers.h"
#include "pooled_run.h"

typedef struct ppmli_bridged {
  ppmli_layers layers;
  const uint64_t *latent; /* [images][features][N + 1]    under the latents' set */
  uint64_t *feature;      /* [images][features][k N + 1]  under the set that bootstraps */
} ppmli_bridged;

/* Accumulators of layer 0: features times their gains. */
PPMLI_STATIC void ppmli_bridged_accumulate(ppmli_bridged *x) {
  const ppml_circuit *c = x->layers.circuit;
  size_t words = ppmli_params_long_dim(c->params) + 1;
  uint32_t features = ppmli_model_pooled_outputs(&c->model), neurons = c->model.layer[0].outputs;
  for (size_t s = 0; s < x->layers.images * neurons; s++) {
    uint32_t j = (uint32_t)(s % neurons);
    uint64_t *out = x->layers.accumulators + s * words;
    memset(out, 0, words * sizeof *out);
    ppmli_lwe_muladd(out, x->feature + (s / neurons * features + j) * words,
                     (uint64_t)c->gain[0][j], words);
    out[words - 1] += ppmli_dense_bias(c, 0, j);
  }
}

/* -------------------------------------------------------------------- gates */

/* Gate plus feature, and gate less feature: what the two tables of a product are looked up by.
 *   sums  [2][k N + 1]  out */
PPMLI_STATIC void ppmli_bridged_gate_sums(uint64_t *sums, const uint64_t *gate,
                                          const uint64_t *feature, uint64_t gain, size_t words) {
  memcpy(sums, gate, words * sizeof *sums);
  memcpy(sums + words, gate, words * sizeof *sums);
  ppmli_lwe_muladd(sums, feature, gain, words);
  ppmli_lwe_muladd(sums + words, feature, 0 - gain, words);
}

PPMLI_STATIC void ppmli_bridged_gate_table(uint64_t *table, const void *context, size_t sample) {
  const ppml_circuit *c = (const ppml_circuit *)context;
  uint32_t j = (uint32_t)(sample / 2 % c->model.pooled.gated);
  ppmli_dense_gate_table(table, c, j, sample % 2 ? -1 : 1);
}

/* Activations, which are gates, become products with features. */
PPMLI_STATIC int ppmli_bridged_gate(ppmli_bridged *x, const ppml_parallel *parallel) {
  ppmli_layers *l = &x->layers;
  const ppml_circuit *c = l->circuit;
  size_t words = ppmli_params_long_dim(c->params) + 1, gated = c->model.pooled.gated;
  size_t features = ppmli_model_pooled_outputs(&c->model), count = l->images * gated;
  ppmli_tables tables = {ppmli_bridged_gate_table, c};
  for (size_t s = 0; s < count; s++) {
    uint32_t j = (uint32_t)(s % gated);
    size_t f = s / gated * features + ppmli_gate_feature(&c->model, j);
    ppmli_bridged_gate_sums(l->accumulators + 2 * s * words, l->activations + s * words,
                            x->feature + f * words, ppmli_gate_gain(&c->model, j), words);
  }
  PPMLI_TRY(
      ppmli_bootstrap_run(l->activations, &l->work, l->accumulators, 2 * count, tables, parallel));
  for (size_t s = 0; s < count; s++) { /* two to one, in place: what is read lies ahead */
    uint64_t *out = l->activations + s * words;
    const uint64_t *pair = l->activations + 2 * s * words;
    for (size_t i = 0; i < words; i++) out[i] = pair[i] + pair[words + i];
  }
  return PPML_OK;
}

/* --------------------------------------------------------------------- call */

/* Samples of an image, in the stage that has most. */
PPMLI_STATIC size_t ppmli_bridged_width(const ppml_circuit *c) {
  return ppmli_max_size(ppmli_layers_width(c), 2 * (size_t)c->model.pooled.gated);
}

PPMLI_STATIC size_t ppmli_bridged_task_scratch(const ppml_circuit *c) {
  return ppmli_max_size(ppmli_crossing_scratch(c), ppmli_bootstrap_scratch(c->params));
}

/* Memory behind the features of the latents' set. */
PPMLI_STATIC size_t ppmli_bridged_layers_bytes(const ppml_circuit *c, size_t images,
                                               size_t threads) {
  size_t samples = images * ppmli_bridged_width(c), words = ppmli_params_long_dim(c->params) + 1;
  size_t features = images * ppmli_model_pooled_outputs(&c->model);
  return ppmli_arena_rounded(features * words * sizeof(uint64_t)) +
         2 * ppmli_arena_rounded(samples * words * sizeof(uint64_t)) +
         ppmli_bootstrap_bytes(c->params, samples) +
         ppmli_arena_rounded(threads * ppmli_bridged_task_scratch(c));
}

PPMLI_STATIC size_t ppmli_bridged_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  return ppmli_max_size(ppmli_crossing_pooled_bytes(c, images, threads),
                        ppmli_crossing_latent_bytes(c, images) +
                            ppmli_bridged_layers_bytes(c, images, threads));
}

/* Memory: ppmli_bridged_layers_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_bridged_init(ppmli_bridged *x, const ppml_circuit *c, size_t images,
                                    const ppml_eval_key *key, size_t tasks, ppml_arena *arena) {
  size_t samples = images * ppmli_bridged_width(c), words = ppmli_params_long_dim(c->params) + 1;
  memset(&x->layers, 0, sizeof x->layers);
  PPMLI_ALLOC(uint64_t, feature, arena, images * ppmli_model_pooled_outputs(&c->model) * words);
  PPMLI_ALLOC(uint64_t, accumulators, arena, samples * words);
  PPMLI_ALLOC(uint64_t, activations, arena, samples * words);
  x->feature = feature;
  x->layers.circuit = c;
  x->layers.images = images;
  x->layers.accumulators = accumulators;
  x->layers.activations = activations;
  return ppmli_bootstrap_init(&x->layers.work, key, samples, tasks, ppmli_bridged_task_scratch(c),
                              arena);
}

/* Layer after layer, from features. */
PPMLI_STATIC int ppmli_bridged_run(ppmli_bridged *x, const ppml_parallel *parallel) {
  const ppml_model *m = &x->layers.circuit->model;
  const ppmli_bootstrap *work = &x->layers.work;
  size_t count = x->layers.images * ppmli_model_pooled_outputs(m);
  ppmli_crossing crossing = {work->key, x->latent, x->feature, count, work->tasks, &work->scratch};
  ppmli_parallel_run(parallel, work->tasks, ppmli_crossing_task, &crossing);
  ppmli_bridged_accumulate(x);
  for (uint32_t l = 0; l + 1 < m->layer_count; l++) {
    ppmli_dense_stage dense = {&x->layers, l + 1};
    PPMLI_TRY(ppmli_layers_activate(&x->layers, l, parallel));
    if (ppmli_model_gates(m, l)) PPMLI_TRY(ppmli_bridged_gate(x, parallel));
    ppmli_parallel_run(parallel, x->layers.work.tasks, ppmli_dense_task, &dense);
  }
  return PPML_OK;
}

/* From images to scores.
 *   lwe  out: [images][outputs][k N + 1], in arena
 * Memory: ppmli_bridged_bytes.  Errors: NOMEM; those of a key that is streamed. */
PPMLI_STATIC int ppmli_bridged_scores(const uint64_t **lwe, const ppml_circuit *c,
                                      const ppml_input *inputs, size_t images,
                                      const ppml_eval_key *key, const ppml_parallel *parallel,
                                      ppml_arena *arena) {
  ppml_circuit pooled = ppmli_crossing_pooled(c);
  ppml_eval_key pooled_key = ppmli_crossing_key(key);
  size_t mark = arena->used_bytes;
  ppmli_bridged x;
  PPMLI_TRY(
      ppmli_pooled_run_images(&x.latent, &pooled, inputs, images, &pooled_key, parallel, arena));
  arena->used_bytes = mark + ppmli_crossing_latent_bytes(c, images); /* features alone are kept */
  PPMLI_TRY(ppmli_bridged_init(&x, c, images, key, ppmli_parallel_threads(parallel), arena));
  PPMLI_TRY(ppmli_bridged_run(&x, parallel));
  *lwe = x.layers.accumulators;
  return PPML_OK;
}

#endif
