/* The way of encrypted images through a pooled network, as a server has them: circuit, evaluation key
 * and containers in, scores out.  pooled_evaluate.h has the steps of one image.
 *
 * Images are independent of one another and shared among the threads.  An image takes the steps of the
 * key in no order and over and over, so a key that is streamed is expanded whole for each call: it is
 * small, 4 MB for 32 sub-images.
 *
 * In: images, circuit and key; out: encrypted scores.  Next: pooled_evaluate.h. */
#ifndef PPMLI_SERVER_POOLED_RUN_H
#define PPMLI_SERVER_POOLED_RUN_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../base/stream.h"
#include "../cipher/glweswitch.h"
#include "../math/long.h"
#include "../math/long_apply.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/pooled_model.h"
#include "evalkey.h"
#include "pooled_evaluate.h"

/* A circuit's network and layout, which weights and images refer to. */
typedef struct ppmli_pooled_circuit {
  const ppml_params *params;
  ppmli_pooled net;
  ppmli_pooled_layout layout;
} ppmli_pooled_circuit;

PPMLI_STATIC ppmli_pooled_circuit ppmli_pooled_circuit_of(const ppml_circuit *c) {
  ppmli_pooled_circuit x;
  x.params = c->params;
  x.net = ppmli_model_pooled(&c->model);
  x.layout = ppmli_model_pooled_layout(&c->model);
  return x;
}

/* ------------------------------------------------------------------ sizes */

PPMLI_INLINE size_t ppmli_pooled_key_doubles(const ppml_params *p) {
  return ppmli_params_steps(p) * ppmli_switch_doubles(p);
}

/* Scratch of the ciphertext of an image, before it is unpacked. */
PPMLI_INLINE size_t ppmli_pooled_take_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_long_mask_words(p) * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
}

PPMLI_STATIC size_t ppmli_pooled_task_scratch(const ppmli_pooled_circuit *c) {
  return ppmli_pooled_image_bytes(&c->net, &c->layout, c->params) +
         ppmli_pooled_take_scratch(c->params);
}

/* What is transformed for all images, in doubles. */
PPMLI_STATIC size_t ppmli_pooled_run_weight_doubles(const ppml_circuit *c) {
  ppmli_pooled_circuit x = ppmli_pooled_circuit_of(c);
  return ppmli_pooled_weights_bytes(&x.net, &x.layout, x.params) / sizeof(double);
}

PPMLI_STATIC size_t ppmli_pooled_run_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  ppmli_pooled_circuit x = ppmli_pooled_circuit_of(c);
  size_t words = x.params->poly_size + (size_t)1;
  return ppmli_arena_rounded(images * x.net.outputs * words * sizeof(uint64_t)) +
         ppmli_arena_rounded(ppmli_pooled_key_doubles(x.params) * sizeof(double)) +
         ppmli_pooled_weights_bytes(&x.net, &x.layout, x.params) +
         ppmli_max_size(ppmli_pooled_weights_scratch(x.params),
                        ppmli_arena_rounded(threads * ppmli_pooled_task_scratch(&x)));
}

/* ---------------------------------------------------------------- weights */

/* What stays, and scratch. */
PPMLI_STATIC size_t ppmli_pooled_prepare_bytes(const ppml_circuit *c) {
  return ppmli_pooled_run_weight_doubles(c) * sizeof(double) +
         ppmli_pooled_weights_scratch(c->params);
}

/* Transforms a circuit's weights for all images to come.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_pooled_prepare(ppml_eval_key *key, const ppml_circuit *c,
                                      ppml_arena *arena) {
  ppmli_pooled_circuit x = ppmli_pooled_circuit_of(c);
  ppmli_pooled_server server = {&x.net, &x.layout, x.params, key->fft, NULL, NULL};
  ppmli_pooled_weights weights;
  PPMLI_TRY(ppmli_pooled_weights_init(&weights, &server, arena));
  key->weights = weights.value;
  return PPML_OK;
}

/* ------------------------------------------------------------------ images */

typedef struct ppmli_pooled_work {
  ppmli_pooled_server server;
  const ppml_input *inputs;
  size_t images, tasks;
  uint64_t *lwe;        /* [images][outputs][N + 1] */
  ppmli_slices scratch; /* [tasks] */
} ppmli_pooled_work;

/* The ciphertext of an image, its mask drawn, into m->node. */
PPMLI_STATIC int ppmli_pooled_take(ppmli_pooled_image *m, const ppmli_pooled_server *x,
                                   const ppml_input *input, ppml_arena *arena) {
  const ppml_params *p = x->params;
  size_t mark = arena->used_bytes;
  ppmli_mask stream = {input->seed, PPMLI_STREAM_INPUT_MASK, 0};
  PPMLI_ALLOC(uint64_t, words, arena, ppmli_long_mask_words(p));
  PPMLI_ALLOC(uint64_t, tail, arena, p->poly_size);
  ppmli_long_draw_mask(words, tail, p, &stream, x->fft);
  ppmli_pooled_round(m->node, words, input->body, input->tail, ppmli_params_tail_bits(p),
                     p->poly_size);
  arena->used_bytes = mark;
  return PPML_OK;
}

PPMLI_STATIC int ppmli_pooled_work_image(const ppmli_pooled_work *w, ppmli_pooled_image *m,
                                         size_t image, ppml_arena *arena) {
  size_t words = w->server.params->poly_size + (size_t)1;
  PPMLI_TRY(ppmli_pooled_take(m, &w->server, &w->inputs[image], arena));
  return ppmli_pooled_scores(w->lwe + image * w->server.net->outputs * words, m, &w->server, arena);
}

/* A share of the images. */
PPMLI_STATIC void ppmli_pooled_task(void *argument, size_t index) {
  const ppmli_pooled_work *w = (const ppmli_pooled_work *)argument;
  ppml_arena arena = ppmli_slices_arena(&w->scratch, index);
  ppmli_pooled_image m;
  size_t end = ppmli_parallel_share(w->images, w->tasks, index + 1);
  int error = ppmli_pooled_image_alloc(&m, &w->server, &arena);
  for (size_t i = ppmli_parallel_share(w->images, w->tasks, index); i < end && !error; i++)
    error = ppmli_pooled_work_image(w, &m, i, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
}

/* ------------------------------------------------------------------- call */

/* The key's steps, all of them: those in memory, or of a stream copied into arena.
 * Errors: NOMEM; those of a key that is streamed. */
PPMLI_STATIC int ppmli_pooled_find_keys(const double **keys, const ppml_eval_key *key,
                                        const ppml_parallel *parallel, ppml_arena *arena) {
  size_t doubles = ppmli_switch_doubles(key->params);
  ppmli_key_slab slab = {0, 0, NULL, NULL};
  *keys = key->bootstrap_key;
  if (key->stream == NULL) return PPML_OK;
  PPMLI_ALLOC(double, all, arena, ppmli_pooled_key_doubles(key->params));
  PPMLI_TRY(ppmli_key_walk_begin(key));
  while (ppmli_key_walk_steps(&slab, key, parallel))
    memcpy(all + slab.first * doubles, slab.steps, slab.count * doubles * sizeof *all);
  *keys = all;
  return ppmli_key_walk_end(key);
}

/* The weights of a key that is prepared, or transformed now. */
PPMLI_STATIC int ppmli_pooled_find_weights(ppmli_pooled_weights *weights,
                                           const ppmli_pooled_server *x, const double *prepared,
                                           ppml_arena *arena) {
  if (prepared == NULL) return ppmli_pooled_weights_init(weights, x, arena);
  ppmli_pooled_weights_at(weights, prepared, x->net, x->layout, x->params);
  return PPML_OK;
}

/* From images to scores.
 *   lwe  out: [images][outputs][N + 1], in arena
 * Memory: ppmli_pooled_run_bytes.  Errors: NOMEM; those of a key that is streamed. */
PPMLI_STATIC int ppmli_pooled_run_images(const uint64_t **lwe, const ppml_circuit *c,
                                         const ppml_input *inputs, size_t images,
                                         const ppml_eval_key *key, const ppml_parallel *parallel,
                                         ppml_arena *arena) {
  ppmli_pooled_circuit x = ppmli_pooled_circuit_of(c);
  ppmli_pooled_weights weights;
  ppmli_pooled_work w;
  memset(&w, 0, sizeof w);
  PPMLI_ALLOC(uint64_t, scores, arena, images * x.net.outputs * (c->params->poly_size + (size_t)1));
  w.server.net = &x.net;
  w.server.layout = &x.layout;
  w.server.params = x.params;
  w.server.fft = key->fft;
  PPMLI_TRY(ppmli_pooled_find_keys(&w.server.keys, key, parallel, arena));
  PPMLI_TRY(ppmli_pooled_find_weights(&weights, &w.server, key->weights, arena));
  w.server.weights = &weights;
  w.inputs = inputs;
  w.images = images;
  w.tasks = ppmli_parallel_threads(parallel);
  w.lwe = scores;
  PPMLI_TRY(ppmli_slices_init(&w.scratch, w.tasks, ppmli_pooled_task_scratch(&x), arena));
  ppmli_parallel_run(parallel, w.tasks, ppmli_pooled_task, &w);
  *lwe = scores;
  return PPML_OK;
}

#endif
