/* The server's one look at what kind a set is: a switch for each of its verbs.  How much memory scores
 * take, compute them, and prepare a key for images to come.  In: a circuit; out: what its kind makes of
 * the verb.  Next: layers.h, products.h, pooled_run.h. */
#ifndef PPMLI_SERVER_PATH_H
#define PPMLI_SERVER_PATH_H

#ifndef PPML_NO_LEVELED
#include "bridged_run.h"
#include "compact_run.h"
#include "crossing.h"
#endif
#include "layers.h"
#include "linear_score.h"
#include "pooled_run.h"
#include "products.h"

/* Memory that the scores of images take, on so many threads. */
PPMLI_STATIC size_t ppmli_server_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  switch (c->params->kind) {
  case PPML_SET_LINEAR:
    return ppmli_linear_bytes(c, images, threads);
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_evaluate_bytes(c, images, threads);
  case PPML_SET_POOLED:
    return ppmli_pooled_run_bytes(c, images, threads);
  case PPML_SET_BRIDGED:
    return ppmli_bridged_bytes(c, images, threads);
  case PPML_SET_COMPACT:
    return ppmli_compact_bytes(c, images, threads);
#endif
  default:
    return ppmli_layers_bytes(c, images, threads);
  }
}

/* Scores of encrypted images.
 *   lwe  out: [images][outputs][k N + 1], in arena
 * Memory: ppmli_server_bytes.  Errors: NOMEM; those of a key that is streamed. */
PPMLI_STATIC int ppmli_server_scores(const uint64_t **lwe, const ppml_circuit *c,
                                     const ppml_input *inputs, size_t images,
                                     const ppml_eval_key *key, const ppml_parallel *parallel,
                                     ppml_arena *arena) {
  switch (c->params->kind) {
  case PPML_SET_LINEAR:
    return ppmli_linear_scores(lwe, c, inputs, images, key, parallel, arena);
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_evaluate_run(lwe, c, inputs, images, key, parallel, arena);
  case PPML_SET_POOLED:
    return ppmli_pooled_run_images(lwe, c, inputs, images, key, parallel, arena);
  case PPML_SET_BRIDGED:
    return ppmli_bridged_scores(lwe, c, inputs, images, key, parallel, arena);
  case PPML_SET_COMPACT:
    return ppmli_compact_scores(lwe, c, inputs, images, key, parallel, arena);
#endif
  default:
    return ppmli_layers_scores(lwe, c, inputs, images, key, parallel, arena);
  }
}

/* Doubles that a circuit's weights take when they are prepared, in 64 bits on any machine. */
PPMLI_STATIC uint64_t ppmli_server_weight_doubles(const ppml_circuit *c) {
  switch (c->params->kind) {
  case PPML_SET_LINEAR:
    return ppmli_linear_weight_doubles(c);
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_evaluate_weight_doubles(c);
  case PPML_SET_POOLED:
    return ppmli_pooled_run_weight_doubles(c);
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return ppmli_crossing_weight_doubles(c);
#endif
  default:
    return 0;
  }
}

/* What ppmli_server_prepare takes: the weights, which stay, and scratch for one thread. */
PPMLI_STATIC size_t ppmli_server_prepare_bytes(const ppml_circuit *c) {
  switch (c->params->kind) {
  case PPML_SET_LINEAR:
    return ppmli_linear_weights_bytes(c) + ppmli_linear_transform_scratch(c->params);
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_evaluate_prepare_bytes(c);
  case PPML_SET_POOLED:
    return ppmli_pooled_prepare_bytes(c);
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return ppmli_crossing_prepare_bytes(c);
#endif
  default:
    return 0;
  }
}

/* Prepares the key with a circuit's weights, for all images to come; nothing where weights need no
 * preparing.  Errors: MISMATCH, NOMEM. */
PPMLI_STATIC int ppmli_server_prepare(ppml_eval_key *key, const ppml_circuit *c,
                                      ppml_arena *arena) {
  if (key->params != c->params || memcmp(key->circuit_id, c->id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  switch (c->params->kind) {
  case PPML_SET_LINEAR:
    return ppmli_linear_prepare(key, c, arena);
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_evaluate_prepare(key, c, arena);
  case PPML_SET_POOLED:
    return ppmli_pooled_prepare(key, c, arena);
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return ppmli_crossing_prepare(key, c, arena);
#endif
  default:
    (void)arena;
    return PPML_OK;
  }
}

#endif
