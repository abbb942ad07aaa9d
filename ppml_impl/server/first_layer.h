/* The first layer: encrypted images times the weights of its neurons.  In: images; out: an LWE ciphertext of each
 * neuron's accumulator.
 *
 *   seeds of the images -> masks, drawn and transformed -> times transformed weights -> accumulators
 *
 * Two stages, as in bootstrap.h: masks of all images, then neurons, whose weights are transformed once for all
 * images.  Next: dense.h, what weights are on the torus; layers.h, what follows. */
#ifndef PPMLI_SERVER_FIRST_LAYER_H
#define PPMLI_SERVER_FIRST_LAYER_H

#include <math.h>

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../base/stream.h"
#include "../cipher/glwe.h"
#include "../cipher/pbs.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../wire/input.h"
#include "bootstrap.h"
#include "dense.h"

typedef struct ppmli_first_layer {
  const ppmli_bootstrap *work; /* whose tasks and scratch are used */
  const ppml_circuit *circuit;
  const ppml_input *inputs; /* [images] */
  size_t images;
  double *masks; /* [images][groups][blocks][k][GROUP]  transforms of the inputs' masks */
  uint64_t *out; /* [images][neurons][k N + 1] */
} ppmli_first_layer;

/* Scratch of the first layer's tasks: weights and products of a tile of neurons. */
PPMLI_STATIC size_t ppmli_first_task_scratch(const ppml_circuit *c) {
  const ppml_params *p = c->params;
  size_t N = p->poly_size, blocks = ppmli_input_blocks(p, &c->model.spec);
  return ppmli_arena_rounded(PPMLI_PBS_TILE * blocks * N * sizeof(double)) +
         ppmli_arena_rounded(PPMLI_PBS_TILE * p->glwe_dim * N * sizeof(double)) +
         ppmli_arena_rounded((p->glwe_dim + 1) * N * sizeof(uint64_t)) +
         ppmli_arena_rounded(N * sizeof(double));
}

PPMLI_STATIC size_t ppmli_first_mask_doubles(const ppml_circuit *c, size_t images) {
  return images * ppmli_input_blocks(c->params, &c->model.spec) * ppmli_params_long_dim(c->params);
}

/* Draws and transforms the masks of a share of the images. */
PPMLI_STATIC void ppmli_first_masks_task(void *argument, size_t index) {
  const ppmli_first_layer *x = (const ppmli_first_layer *)argument;
  const ppml_params *p = x->work->params;
  const ppmli_fft *fft = x->work->key->fft;
  ppml_arena arena = ppmli_slices_arena(&x->work->scratch, index);
  ppmli_share share = ppmli_bootstrap_share(x->work, x->images, index);
  size_t N = p->poly_size, k = p->glwe_dim;
  uint64_t *masks = (uint64_t *)ppmli_arena_array(&arena, k * N, sizeof *masks);
  double *work = (double *)ppmli_arena_array(&arena, N, sizeof *work);
  PPMLI_ASSERT(masks != NULL && work != NULL);
  for (size_t i = share.first; i < share.first + share.count; i++) {
    const ppml_input *input = &x->inputs[i];
    double *out = x->masks + i * input->blocks * k * N;
    for (uint32_t b = 0; b < input->blocks; b++) {
      ppmli_mask_u64(masks, k * N, input->seed, PPMLI_STREAM_INPUT_MASK, b, fft->backend->chacha);
      for (size_t m = 0; m < k; m++)
        fft->backend->forward_signed(fft, out + (b * k + m) * PPMLI_GROUP,
                                     input->blocks * k * PPMLI_GROUP, masks + m * N,
                                     ldexp(1.0 / fft->points, -64), work);
    }
  }
}

/* Scratch of the first layer, see ppmli_first_task_scratch. */
typedef struct ppmli_first_scratch {
  double *weights;  /* [tile][groups][blocks][GROUP] */
  double *products; /* [tile][groups][k][GROUP] */
  uint64_t *glwe;   /* [k + 1][N] */
  double *work;     /* [N] */
} ppmli_first_scratch;

PPMLI_STATIC void ppmli_first_weights(const ppmli_first_layer *x, const ppmli_first_scratch *s,
                                      size_t first, size_t count) {
  const ppmli_fft *fft = x->work->key->fft;
  size_t N = x->work->params->poly_size, blocks = x->inputs[0].blocks;
  for (size_t j = 0; j < count; j++)
    for (size_t b = 0; b < blocks; b++) {
      ppmli_dense_weight_poly(s->glwe, x->circuit, (uint32_t)(first + j), b);
      fft->backend->forward_signed(fft, s->weights + j * blocks * N + b * PPMLI_GROUP,
                                   blocks * PPMLI_GROUP, s->glwe, 1, s->work);
    }
}

/* Accumulator j of one image, from the product of its masks. */
PPMLI_STATIC void ppmli_first_neuron(const ppmli_first_layer *x, const ppmli_first_scratch *s,
                                     const double *product, size_t image, size_t j) {
  const ppml_params *p = x->work->params;
  const ppmli_fft *fft = x->work->key->fft;
  size_t long_dim = ppmli_params_long_dim(p), neurons = x->circuit->model.layer[0].outputs;
  memset(s->glwe, 0, (long_dim + p->poly_size) * sizeof *s->glwe);
  for (uint32_t m = 0; m < p->glwe_dim; m++)
    fft->backend->backward_add(fft, s->glwe + (size_t)m * p->poly_size, product + m * PPMLI_GROUP,
                               p->glwe_dim * PPMLI_GROUP, s->work);
  s->glwe[long_dim] = ppmli_dense_body(x->circuit, (uint32_t)j, x->inputs[image].body);
  ppmli_glwe_extract(x->out + (image * neurons + j) * (long_dim + 1), s->glwe, p);
}

/* A share of the first layer's neurons, for all images: weights are transformed once. */
PPMLI_STATIC void ppmli_first_task(void *argument, size_t index) {
  const ppmli_first_layer *x = (const ppmli_first_layer *)argument;
  ppml_arena arena = ppmli_slices_arena(&x->work->scratch, index);
  ppmli_share share = ppmli_bootstrap_share(x->work, x->circuit->model.layer[0].outputs, index);
  size_t N = x->work->params->poly_size, k = x->work->params->glwe_dim,
         blocks = x->inputs[0].blocks;
  ppmli_first_scratch s;
  s.weights = (double *)ppmli_arena_array(&arena, PPMLI_PBS_TILE * blocks * N, sizeof(double));
  s.products = (double *)ppmli_arena_array(&arena, PPMLI_PBS_TILE * k * N, sizeof(double));
  s.glwe = (uint64_t *)ppmli_arena_array(&arena, (k + 1) * N, sizeof(uint64_t));
  s.work = (double *)ppmli_arena_array(&arena, N, sizeof(double));
  PPMLI_ASSERT(s.work != NULL);
  for (size_t done = 0; done < share.count; done += PPMLI_PBS_TILE) {
    size_t first = share.first + done, count = ppmli_min_size(PPMLI_PBS_TILE, share.count - done);
    ppmli_product shape = {count, 1, blocks, k, NULL};
    ppmli_first_weights(x, &s, first, count);
    for (size_t i = 0; i < x->images; i++) {
      x->work->key->fft->backend->product(x->work->key->fft, s.products, s.weights,
                                          x->masks + i * blocks * k * N, &shape);
      for (size_t j = 0; j < count; j++)
        ppmli_first_neuron(x, &s, s.products + j * k * N, i, first + j);
    }
  }
}

/* Accumulators of all images.
 *   x  all set; masks and out are written */
PPMLI_STATIC void ppmli_first_layer_run(ppmli_first_layer *x, const ppml_parallel *parallel) {
  ppmli_parallel_run(parallel, x->work->tasks, ppmli_first_masks_task, x);
  ppmli_parallel_run(parallel, x->work->tasks, ppmli_first_task, x);
}

#endif
