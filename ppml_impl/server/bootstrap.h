/* A layer of neurons by bootstraps: dense layer, key switch, modulus switch, blind rotation by the
 * activation's table, extraction.
 *
 * A sample is one neuron's accumulator for one image; samples of a layer are ordered [image][neuron].  In an
 * exact circuit the hidden layer takes several rounds of bootstraps (rounds.h), whose samples are
 * [image][job of the round].  Every stage is split among the caller's threads, with a barrier between
 * stages; a stage's buffers are shared, its scratch is a slice for each task. */
#ifndef PPMLI_SERVER_BOOTSTRAP_H
#define PPMLI_SERVER_BOOTSTRAP_H

#include <math.h>

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../base/stream.h"
#include "../cipher/glwe.h"
#include "../cipher/keyswitch.h"
#include "../cipher/keyswitch_apply.h"
#include "../cipher/lwe.h"
#include "../cipher/pbs.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../network/windows.h"
#include "../wire/input.h"
#include "dense.h"
#include "evalkey.h"
#include "window_tables.h"

/* What rounds of bootstraps need beside the samples. */
typedef struct ppmli_digit_work {
  ppmli_exact_count count;
  ppmli_exact_plan *plan; /* [neurons] */
  size_t *first;          /* [neurons]: of all jobs of an image, the neuron's first */
  uint64_t *outputs;      /* [images][jobs of all neurons][k N + 1] */
  uint32_t *neuron, *job; /* [width]: which of them the samples of the round are */
} ppmli_digit_work;

typedef struct ppmli_infer {
  const ppml_circuit *circuit;
  const ppml_params *params;
  const ppml_eval_key *key;
  const ppml_input *inputs;
  size_t images;
  uint32_t layer;         /* the stage's */
  size_t width;           /* samples of an image, in the stage */
  ppmli_digit_work digit; /* of an exact circuit */
  ppmli_key_slab slab;    /* the part of the key that the stage uses */
  size_t tasks;           /* shares that a stage is split into */
  double *masks;          /* [images][groups][blocks][k][GROUP]  transforms of the inputs' masks */
  uint64_t *lwe;          /* [samples][k N + 1]  accumulators, then activations */
  uint64_t *next;         /* [samples][k N + 1]  the next layer's accumulators */
  uint32_t *short_lwe;    /* [samples][short words] */
  uint16_t *exponents;    /* [samples][n + 1] */
  uint64_t *acc;          /* [samples][k + 1][N] */
  ppmli_slices scratch;   /* [tasks] */
} ppmli_infer;

/* ------------------------------------------------------------------ sizes */

PPMLI_INLINE int ppmli_infer_has_digits(const ppml_circuit *c) {
  return ppmli_params_is_noiseless(c->params) && c->model.layer_count > 1;
}

/* Samples of an image in the stage that has most: neurons of the widest layer, or jobs. */
PPMLI_STATIC size_t ppmli_infer_width(const ppml_circuit *c) {
  size_t width = 0;
  if (ppmli_infer_has_digits(c)) /* relu negates its two digits in one round */
    width = ppmli_exact_used(&c->model) *
            (c->model.layer[0].activation == PPML_ACTIVATION_RELU ? 2u : 1u);
  for (uint32_t l = 0; l < c->model.layer_count; l++)
    width = ppmli_max_size(width, c->model.layer[l].outputs);
  return width;
}

/* Scratch of the first layer's tasks: weights and products of a tile of neurons. */
PPMLI_STATIC size_t ppmli_infer_first_scratch(const ppml_circuit *c) {
  const ppml_params *p = c->params;
  size_t N = p->poly_size, blocks = ppmli_input_blocks(p, &c->model.spec);
  return ppmli_arena_rounded(PPMLI_PBS_TILE * blocks * N * sizeof(double)) +
         ppmli_arena_rounded(PPMLI_PBS_TILE * p->glwe_dim * N * sizeof(double)) +
         ppmli_arena_rounded((p->glwe_dim + 1) * N * sizeof(uint64_t)) +
         ppmli_arena_rounded(N * sizeof(double));
}

/* Scratch of the key switch's tasks: the digits of a tile. */
PPMLI_STATIC size_t ppmli_infer_switch_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(PPMLI_PBS_TILE * ppmli_ksk_rows(p) * sizeof(int32_t));
}

PPMLI_STATIC size_t ppmli_infer_rotate_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) + ppmli_pbs_rotate_scratch(p);
}

PPMLI_STATIC size_t ppmli_infer_task_scratch(const ppml_circuit *c) {
  size_t bytes =
      ppmli_max_size(ppmli_infer_first_scratch(c), ppmli_infer_switch_scratch(c->params));
  return ppmli_max_size(bytes, ppmli_infer_rotate_scratch(c->params));
}

PPMLI_STATIC size_t ppmli_infer_masks(const ppml_circuit *c, size_t images) {
  return images * ppmli_input_blocks(c->params, &c->model.spec) * ppmli_params_long_dim(c->params);
}

/* Ciphertexts that the digits of all images and neurons take. */
PPMLI_INLINE size_t ppmli_infer_digits(const ppmli_exact_count *count, size_t images) {
  return images * count->bootstraps;
}

PPMLI_STATIC size_t ppmli_infer_digit_bytes(const ppml_circuit *c, size_t images) {
  size_t long_words = ppmli_params_long_dim(c->params) + 1;
  if (!ppmli_infer_has_digits(c)) return 0;
  ppmli_exact_count count = ppmli_exact_count_of(&c->model);
  return ppmli_arena_rounded(c->model.layer[0].outputs * sizeof(ppmli_exact_plan)) +
         ppmli_arena_rounded(c->model.layer[0].outputs * sizeof(size_t)) +
         ppmli_arena_rounded(ppmli_infer_digits(&count, images) * long_words * sizeof(uint64_t)) +
         2 * ppmli_arena_rounded(ppmli_infer_width(c) * sizeof(uint32_t));
}

/* Memory of the whole way through the layers. */
PPMLI_STATIC size_t ppmli_layers_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  const ppml_params *p = c->params;
  size_t samples = images * ppmli_infer_width(c), long_words = ppmli_params_long_dim(p) + 1;
  return ppmli_arena_rounded(ppmli_infer_masks(c, images) * sizeof(double)) +
         2 * ppmli_arena_rounded(samples * long_words * sizeof(uint64_t)) +
         ppmli_arena_rounded(samples * ppmli_lwe_short_words(p) * sizeof(uint32_t)) +
         ppmli_arena_rounded(samples * (p->lwe_dim + 1) * sizeof(uint16_t)) +
         ppmli_arena_rounded(samples * (long_words - 1 + p->poly_size) * sizeof(uint64_t)) +
         ppmli_infer_digit_bytes(c, images) +
         ppmli_arena_rounded(threads * ppmli_infer_task_scratch(c));
}

/* Memory of an exact circuit, and the plans of its neurons. */
PPMLI_STATIC int ppmli_infer_alloc_digits(ppmli_infer *x, ppml_arena *arena) {
  const ppml_model *m = &x->circuit->model;
  ppmli_exact_layout layout;
  size_t long_words = ppmli_params_long_dim(x->params) + 1, width = ppmli_infer_width(x->circuit);
  x->digit.count = ppmli_exact_count_of(m);
  size_t digits = ppmli_infer_digits(&x->digit.count, x->images), jobs = 0;
  PPMLI_ALLOC(ppmli_exact_plan, plan, arena, m->layer[0].outputs);
  PPMLI_ALLOC(size_t, first, arena, m->layer[0].outputs);
  PPMLI_ALLOC(uint64_t, outputs, arena, digits * long_words);
  PPMLI_ALLOC(uint32_t, neuron, arena, width);
  PPMLI_ALLOC(uint32_t, job, arena, width);
  ppmli_exact_layout_make(&layout, m);
  for (uint32_t j = 0; j < m->layer[0].outputs; j++) {
    ppmli_exact_plan_make(&plan[j], &layout, m, j);
    first[j] = jobs;
    jobs += plan[j].count;
  }
  x->digit.plan = plan;
  x->digit.first = first;
  x->digit.outputs = outputs;
  x->digit.neuron = neuron;
  x->digit.job = job;
  return PPML_OK;
}

PPMLI_STATIC int ppmli_infer_alloc(ppmli_infer *x, ppml_arena *arena) {
  const ppml_params *p = x->params;
  size_t samples = x->images * ppmli_infer_width(x->circuit);
  size_t long_words = ppmli_params_long_dim(p) + 1;
  PPMLI_ALLOC(double, masks, arena, ppmli_infer_masks(x->circuit, x->images));
  PPMLI_ALLOC(uint64_t, lwe, arena, samples * long_words);
  PPMLI_ALLOC(uint64_t, next, arena, samples * long_words);
  PPMLI_ALLOC(uint32_t, short_lwe, arena, samples * ppmli_lwe_short_words(p));
  PPMLI_ALLOC(uint16_t, exponents, arena, samples * (p->lwe_dim + 1));
  PPMLI_ALLOC(uint64_t, acc, arena, samples * (long_words - 1 + p->poly_size));
  x->masks = masks;
  x->lwe = lwe;
  x->next = next;
  x->short_lwe = short_lwe;
  x->exponents = exponents;
  x->acc = acc;
  if (ppmli_infer_has_digits(x->circuit)) PPMLI_TRY(ppmli_infer_alloc_digits(x, arena));
  return ppmli_slices_init(&x->scratch, x->tasks, ppmli_infer_task_scratch(x->circuit), arena);
}

/* ------------------------------------------------------------ first layer */

/* Where in the stage's work a task begins, and how much of it is the task's. */
typedef struct ppmli_share {
  size_t first, count;
} ppmli_share;

PPMLI_INLINE ppmli_share ppmli_infer_share(const ppmli_infer *x, size_t work, size_t index) {
  size_t first = ppmli_parallel_share(work, x->tasks, index);
  ppmli_share share = {first, ppmli_parallel_share(work, x->tasks, index + 1) - first};
  return share;
}

PPMLI_INLINE size_t ppmli_infer_samples(const ppmli_infer *x) {
  return x->images * x->width;
}

/* Draws and transforms the masks of a share of the images. */
PPMLI_STATIC void ppmli_infer_masks_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  const ppml_params *p = x->params;
  const ppmli_fft *fft = x->key->fft;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  ppmli_share share = ppmli_infer_share(x, x->images, index);
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

/* Scratch of the first layer, see ppmli_infer_first_scratch. */
typedef struct ppmli_first_scratch {
  double *weights;  /* [tile][groups][blocks][GROUP] */
  double *products; /* [tile][groups][k][GROUP] */
  uint64_t *glwe;   /* [k + 1][N] */
  double *work;     /* [N] */
} ppmli_first_scratch;

PPMLI_STATIC void ppmli_infer_first_weights(const ppmli_infer *x, const ppmli_first_scratch *s,
                                            size_t first, size_t count) {
  const ppmli_fft *fft = x->key->fft;
  size_t N = x->params->poly_size, blocks = x->inputs[0].blocks;
  for (size_t j = 0; j < count; j++)
    for (size_t b = 0; b < blocks; b++) {
      ppmli_dense_weight_poly(s->glwe, x->circuit, (uint32_t)(first + j), b);
      fft->backend->forward_signed(fft, s->weights + j * blocks * N + b * PPMLI_GROUP,
                                   blocks * PPMLI_GROUP, s->glwe, 1, s->work);
    }
}

/* Accumulator j of one image, from the product of its masks. */
PPMLI_STATIC void ppmli_infer_first_neuron(const ppmli_infer *x, const ppmli_first_scratch *s,
                                           const double *product, size_t image, size_t j) {
  const ppml_params *p = x->params;
  const ppmli_fft *fft = x->key->fft;
  size_t long_dim = ppmli_params_long_dim(p), neurons = x->circuit->model.layer[0].outputs;
  memset(s->glwe, 0, (long_dim + p->poly_size) * sizeof *s->glwe);
  for (uint32_t m = 0; m < p->glwe_dim; m++)
    fft->backend->backward_add(fft, s->glwe + (size_t)m * p->poly_size, product + m * PPMLI_GROUP,
                               p->glwe_dim * PPMLI_GROUP, s->work);
  s->glwe[long_dim] = ppmli_dense_body(x->circuit, (uint32_t)j, x->inputs[image].body);
  ppmli_glwe_extract(x->lwe + (image * neurons + j) * (long_dim + 1), s->glwe, p);
}

/* A share of the first layer's neurons, for all images: weights are transformed once. */
PPMLI_STATIC void ppmli_infer_first_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  ppmli_share share = ppmli_infer_share(x, x->circuit->model.layer[0].outputs, index);
  size_t N = x->params->poly_size, k = x->params->glwe_dim, blocks = x->inputs[0].blocks;
  ppmli_first_scratch s;
  s.weights = (double *)ppmli_arena_array(&arena, PPMLI_PBS_TILE * blocks * N, sizeof(double));
  s.products = (double *)ppmli_arena_array(&arena, PPMLI_PBS_TILE * k * N, sizeof(double));
  s.glwe = (uint64_t *)ppmli_arena_array(&arena, (k + 1) * N, sizeof(uint64_t));
  s.work = (double *)ppmli_arena_array(&arena, N, sizeof(double));
  PPMLI_ASSERT(s.work != NULL);
  for (size_t done = 0; done < share.count; done += PPMLI_PBS_TILE) {
    size_t first = share.first + done, count = ppmli_min_size(PPMLI_PBS_TILE, share.count - done);
    ppmli_product shape = {count, 1, blocks, k, NULL};
    ppmli_infer_first_weights(x, &s, first, count);
    for (size_t i = 0; i < x->images; i++) {
      x->key->fft->backend->product(x->key->fft, s.products, s.weights,
                                    x->masks + i * blocks * k * N, &shape);
      for (size_t j = 0; j < count; j++)
        ppmli_infer_first_neuron(x, &s, s.products + j * k * N, i, first + j);
    }
  }
}

/* -------------------------------------------------------------- bootstrap */

/* Begins the key switch of a share of the samples. */
PPMLI_STATIC void ppmli_infer_start_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  size_t words = ppmli_lwe_short_words(x->params),
         long_words = ppmli_params_long_dim(x->params) + 1;
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_keyswitch_start(x->short_lwe + s * words, x->lwe + s * long_words, x->params);
}

/* Key-switches a share of the samples by the slab's rows. */
PPMLI_STATIC void ppmli_infer_switch_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  const ppml_params *p = x->params;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  size_t words = ppmli_lwe_short_words(p), long_words = ppmli_params_long_dim(p) + 1;
  int32_t *digits =
      (int32_t *)ppmli_arena_array(&arena, PPMLI_PBS_TILE * x->slab.count, sizeof *digits);
  PPMLI_ASSERT(digits != NULL);
  for (size_t done = 0; done < share.count; done += PPMLI_PBS_TILE) {
    size_t first = share.first + done, count = ppmli_min_size(PPMLI_PBS_TILE, share.count - done);
    for (size_t s = 0; s < count; s++)
      ppmli_keyswitch_digits(digits + s, count, x->lwe + (first + s) * long_words, x->slab.first,
                             x->slab.count, p);
    x->key->fft->backend->key_switch(x->short_lwe + first * words, digits, x->slab.ksk, count,
                                     x->slab.count, ppmli_ksk_blocks(p));
  }
}

/* The table of an image's sample number `index`. */
PPMLI_STATIC void ppmli_infer_table(uint64_t *table, const ppmli_infer *x, size_t index) {
  if (ppmli_infer_has_digits(x->circuit))
    ppmli_exact_table(table, &x->digit.plan[x->digit.neuron[index]].job[x->digit.job[index]],
                      x->params->poly_size);
  else ppmli_dense_table(table, x->circuit, x->layer, (uint32_t)index);
}

/* Modulus switch and lookup table: the accumulators of a share of the samples. */
PPMLI_STATIC void ppmli_infer_table_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  const ppml_params *p = x->params;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  size_t acc_words = ppmli_params_long_dim(p) + p->poly_size;
  uint64_t *table = (uint64_t *)ppmli_arena_array(&arena, p->poly_size, sizeof *table);
  PPMLI_ASSERT(table != NULL);
  for (size_t s = share.first; s < share.first + share.count; s++) {
    uint16_t *exponents = x->exponents + s * (p->lwe_dim + 1);
    ppmli_lwe_modulus_switch(exponents, x->short_lwe + s * ppmli_lwe_short_words(p), p);
    ppmli_infer_table(table, x, s % x->width);
    ppmli_pbs_begin(x->acc + s * acc_words, table, exponents, p);
  }
}

/* Blind rotation of a share of the samples by the slab's steps. */
PPMLI_STATIC void ppmli_infer_rotate_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  const ppml_params *p = x->params;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  size_t acc_words = ppmli_params_long_dim(p) + p->poly_size;
  int error = ppmli_pbs_rotate(x->acc + share.first * acc_words,
                               x->exponents + share.first * (p->lwe_dim + 1), share.count,
                               x->slab.first, x->slab.count, x->slab.bsk, p, x->key->fft, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
}

/* Extraction of a share of the samples: the layer's activations. */
PPMLI_STATIC void ppmli_infer_extract_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  size_t long_words = ppmli_params_long_dim(x->params) + 1;
  size_t acc_words = long_words - 1 + x->params->poly_size;
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_glwe_extract(x->lwe + s * long_words, x->acc + s * acc_words, x->params);
}

/* Bootstraps all samples of a stage, in one walk over the key. */
PPMLI_STATIC int ppmli_infer_bootstrap(ppmli_infer *x, const ppml_parallel *parallel) {
  PPMLI_TRY(ppmli_key_walk_begin(x->key));
  ppmli_parallel_run(parallel, x->tasks, ppmli_infer_start_task, x);
  memset(&x->slab, 0, sizeof x->slab);
  while (ppmli_key_walk_rows(&x->slab, x->key, parallel))
    ppmli_parallel_run(parallel, x->tasks, ppmli_infer_switch_task, x);
  ppmli_parallel_run(parallel, x->tasks, ppmli_infer_table_task, x);
  memset(&x->slab, 0, sizeof x->slab);
  while (ppmli_key_walk_steps(&x->slab, x->key, parallel))
    ppmli_parallel_run(parallel, x->tasks, ppmli_infer_rotate_task, x);
  ppmli_parallel_run(parallel, x->tasks, ppmli_infer_extract_task, x);
  return ppmli_key_walk_end(x->key);
}

/* ------------------------------------------------------------ all of it */

/* Accumulators of a share of the next layer's samples. */
PPMLI_STATIC void ppmli_infer_dense_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  const ppml_layer *layer = &x->circuit->model.layer[x->layer];
  size_t long_words = ppmli_params_long_dim(x->params) + 1;
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_dense_lwe(x->next + s * long_words, x->circuit, x->layer, (uint32_t)(s % layer->outputs),
                    x->lwe + s / layer->outputs * layer->inputs * long_words);
}

#endif
