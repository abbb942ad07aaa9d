/* From a pooled network's set to the one beyond the bridge: the pooled part as a circuit and a key of its own,
 * and the bridge for its scores or features.
 *
 * In: a circuit and key of two sets; out: the pooled part of them, and ciphertexts beyond.  Next:
 * bridged_run.h, compact_run.h. */
#ifndef PPMLI_SERVER_CROSSING_H
#define PPMLI_SERVER_CROSSING_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../cipher/bridge.h"
#include "../cipher/bridge_apply.h"
#include "../cipher/glwe.h"
#include "../math/params.h"
#include "../network/pooled_model.h"
#include "pooled_run.h"

/* ------------------------------------------------------------------ latents */

/* The pooled part as a circuit of the latents' set. */
PPMLI_STATIC ppml_circuit ppmli_crossing_pooled(const ppml_circuit *c) {
  ppml_circuit pooled = *c;
  pooled.params = ppmli_params_input_set(c->params);
  return pooled;
}

/* What of the key is for it. */
PPMLI_STATIC ppml_eval_key ppmli_crossing_key(const ppml_eval_key *key) {
  ppml_eval_key pooled = *key;
  pooled.params = ppmli_params_input_set(key->params);
  pooled.fft = key->latent_fft;
  pooled.bootstrap_key = key->latent_key;
  pooled.stream = NULL;
  return pooled;
}

/* ------------------------------------------------------------------- bridge */

PPMLI_STATIC size_t ppmli_crossing_scratch(const ppml_circuit *c) {
  ppmli_bridge bridge = ppmli_bridge_of(c->params);
  return ppmli_arena_rounded(2 * bridge.from->poly_size * sizeof(uint64_t)) +
         ppmli_arena_rounded((ppmli_params_long_dim(bridge.to) + bridge.to->poly_size) *
                             sizeof(uint64_t)) +
         ppmli_bridge_scratch(&bridge);
}

/* One feature.
 *   out  [k N + 1]
 *   in   [N + 1] */
PPMLI_STATIC int ppmli_crossing_cross(uint64_t *out, const uint64_t *in, const ppml_eval_key *key,
                                      ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_bridge bridge = ppmli_bridge_of(key->params);
  PPMLI_ALLOC(uint64_t, from, arena, 2 * bridge.from->poly_size);
  PPMLI_ALLOC(uint64_t, to, arena, ppmli_params_long_dim(bridge.to) + bridge.to->poly_size);
  ppmli_bridge_embed(from, in, bridge.from->poly_size);
  PPMLI_TRY(ppmli_bridge_switch(to, from, key->bridge_key, &bridge, key->fft, arena));
  ppmli_glwe_extract(out, to, bridge.to);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* What crosses: all images' scores or features, shared among tasks. */
typedef struct ppmli_crossing {
  const ppml_eval_key *key;
  const uint64_t *from; /* [count][N + 1]    under the latents' set */
  uint64_t *to;         /* [count][k N + 1]  under the set beyond */
  size_t count, tasks;
  const ppmli_slices *scratch; /* [tasks] */
} ppmli_crossing;

PPMLI_STATIC void ppmli_crossing_task(void *argument, size_t index) {
  const ppmli_crossing *x = (const ppmli_crossing *)argument;
  ppml_arena arena = ppmli_slices_arena(x->scratch, index);
  size_t words = ppmli_params_long_dim(x->key->params) + 1;
  size_t latent_words = ppmli_params_input_set(x->key->params)->poly_size + (size_t)1;
  size_t end = ppmli_parallel_share(x->count, x->tasks, index + 1);
  int error = PPML_OK;
  for (size_t i = ppmli_parallel_share(x->count, x->tasks, index); i < end && !error; i++)
    error = ppmli_crossing_cross(x->to + i * words, x->from + i * latent_words, x->key, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
}

/* -------------------------------------------------------------------- sizes */

/* Features of images under the latents' set, [images][features][N + 1]. */
PPMLI_STATIC size_t ppmli_crossing_latent_bytes(const ppml_circuit *c, size_t images) {
  size_t words = ppmli_params_input_set(c->params)->poly_size + (size_t)1;
  return ppmli_arena_rounded(images * ppmli_model_pooled_outputs(&c->model) * words *
                             sizeof(uint64_t));
}

/* What the pooled part takes of a key that is in memory, as it is here when the rest is streamed. */
PPMLI_STATIC size_t ppmli_crossing_pooled_bytes(const ppml_circuit *c, size_t images,
                                                size_t threads) {
  ppml_circuit pooled = ppmli_crossing_pooled(c);
  return ppmli_pooled_run_bytes(&pooled, images, threads) -
         ppmli_arena_rounded(ppmli_pooled_key_doubles(pooled.params) * sizeof(double));
}

/* ------------------------------------------------------------------ weights */

PPMLI_STATIC uint64_t ppmli_crossing_weight_doubles(const ppml_circuit *c) {
  ppml_circuit pooled = ppmli_crossing_pooled(c);
  return ppmli_pooled_run_weight_doubles(&pooled);
}

PPMLI_STATIC size_t ppmli_crossing_prepare_bytes(const ppml_circuit *c) {
  ppml_circuit pooled = ppmli_crossing_pooled(c);
  return ppmli_pooled_prepare_bytes(&pooled);
}

/* Transforms the pooled part's weights for all images to come.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_crossing_prepare(ppml_eval_key *key, const ppml_circuit *c,
                                        ppml_arena *arena) {
  ppml_circuit pooled = ppmli_crossing_pooled(c);
  ppml_eval_key pooled_key = ppmli_crossing_key(key);
  PPMLI_TRY(ppmli_pooled_prepare(&pooled_key, &pooled, arena));
  key->weights = pooled_key.weights;
  return PPML_OK;
}

#endif
