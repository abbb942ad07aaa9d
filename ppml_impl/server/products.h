/* The way of encrypted images through a polynomial circuit; slots.h has the idea.
 *
 *   blocks of pixels -> H and, for each score, V -> trace of H -> for each score: product,
 *   relinearization, extraction
 *
 * Images are independent of one another and shared among the threads.  The evaluation key is walked once,
 * step by step, for all images: the trace's steps, then the relinearization.
 *
 * In: images, circuit and key; out: encrypted scores.  Next: cipher/tensor.h. */
#ifndef PPMLI_SERVER_PRODUCTS_H
#define PPMLI_SERVER_PRODUCTS_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../base/stream.h"
#include "../cipher/glwe.h"
#include "../cipher/glweswitch.h"
#include "../cipher/glweswitch_apply.h"
#include "../cipher/tensor.h"
#include "../math/fft/backend.h"
#include "../math/long.h"
#include "../math/long_apply.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/wide.h"
#include "../network/room.h"
#include "../wire/input.h"
#include "evalkey.h"
#include "slots.h"

#define PPMLI_EVALUATE_COLUMNS 4 /* of a block: mask, high and low part, and body likewise */

typedef struct ppmli_evaluate {
  const ppml_circuit *circuit;
  const ppml_params *params;
  const ppml_eval_key *key;
  const ppml_input *inputs;
  size_t images, sums; /* sums: of an image, H and the Vs */
  size_t tasks;
  ppmli_key_slab slab;
  const double *weights; /* [sums][groups][blocks][GROUP]  transforms */
  uint64_t *glwe;        /* [images][sums][mask, body][N] */
  uint64_t *lwe;         /* [images][outputs][N + 1]  scores */
  ppmli_slices scratch;  /* [tasks] */
} ppmli_evaluate;

/* ------------------------------------------------------------------ sizes */

PPMLI_INLINE size_t ppmli_evaluate_sums(const ppml_circuit *c) {
  return 1 + c->model.spec.outputs;
}

/* Doubles of the weights of all sums, transformed; in 64 bits on any machine, since it grows with
 * scores times pixels. */
PPMLI_STATIC uint64_t ppmli_evaluate_weight_doubles(const ppml_circuit *c) {
  uint64_t blocks = ppmli_input_blocks(c->params, &c->model.spec);
  return ppmli_evaluate_sums(c) * blocks * c->params->poly_size;
}

/* Scratch of the sums of an image: its blocks, transformed, and the products. */
PPMLI_STATIC size_t ppmli_evaluate_sums_scratch(const ppml_circuit *c) {
  size_t N = c->params->poly_size, blocks = ppmli_input_blocks(c->params, &c->model.spec);
  size_t polys = PPMLI_EVALUATE_COLUMNS * (blocks + ppmli_evaluate_sums(c));
  return ppmli_arena_rounded(polys * N * sizeof(double)) +
         ppmli_arena_rounded(ppmli_long_mask_words(c->params) * sizeof(uint64_t)) +
         ppmli_arena_rounded(N * sizeof(uint64_t)) + ppmli_wide_scratch(c->params->poly_size);
}

/* Scratch of the scores of an image: a product's three parts. */
PPMLI_STATIC size_t ppmli_evaluate_scores_scratch(const ppml_params *p) {
  size_t product = ppmli_max_size(ppmli_tensor_scratch(p, 1), ppmli_switch_scratch(p));
  return ppmli_arena_rounded(3 * (size_t)p->poly_size * sizeof(uint64_t)) +
         ppmli_tensor_left_bytes(p, 1) + ppmli_max_size(product, ppmli_wide_scratch(p->poly_size));
}

PPMLI_STATIC size_t ppmli_evaluate_task_scratch(const ppml_circuit *c) {
  size_t steps =
      ppmli_max_size(ppmli_trace_scratch(c->params), ppmli_evaluate_scores_scratch(c->params));
  return ppmli_max_size(ppmli_evaluate_sums_scratch(c), steps);
}

PPMLI_STATIC size_t ppmli_evaluate_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  const ppml_params *p = c->params;
  size_t N = p->poly_size, sums = ppmli_evaluate_sums(c);
  return ppmli_arena_rounded((size_t)ppmli_evaluate_weight_doubles(c) * sizeof(double)) +
         ppmli_arena_rounded(images * sums * 2 * N * sizeof(uint64_t)) +
         ppmli_arena_rounded(images * c->model.spec.outputs * (N + 1) * sizeof(uint64_t)) +
         ppmli_arena_rounded(threads * ppmli_evaluate_task_scratch(c));
}

/* Memory but for the weights. */
PPMLI_STATIC int ppmli_evaluate_alloc(ppmli_evaluate *x, ppml_arena *arena) {
  const ppml_circuit *c = x->circuit;
  size_t N = x->params->poly_size;
  PPMLI_ALLOC(uint64_t, glwe, arena, x->images * x->sums * 2 * N);
  PPMLI_ALLOC(uint64_t, lwe, arena, x->images * c->model.spec.outputs * (N + 1));
  x->glwe = glwe;
  x->lwe = lwe;
  return ppmli_slices_init(&x->scratch, x->tasks, ppmli_evaluate_task_scratch(c), arena);
}

/* ---------------------------------------------------------------- weights */

/* Weights to be transformed, for all images. */
typedef struct ppmli_evaluate_weights {
  const ppml_circuit *circuit;
  const ppmli_fft *fft;
  size_t sums, blocks, tasks;
  double *out;          /* [sums][groups][blocks][GROUP] */
  ppmli_slices scratch; /* [tasks] */
} ppmli_evaluate_weights;

PPMLI_STATIC void ppmli_evaluate_weights_task(void *argument, size_t index) {
  const ppmli_evaluate_weights *x = (const ppmli_evaluate_weights *)argument;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  size_t N = x->circuit->params->poly_size, work_items = x->sums * x->blocks;
  uint64_t *poly = (uint64_t *)ppmli_arena_array(&arena, N, sizeof *poly);
  double *work = (double *)ppmli_arena_array(&arena, N, sizeof *work);
  PPMLI_ASSERT(work != NULL);
  size_t end = ppmli_parallel_share(work_items, x->tasks, index + 1);
  for (size_t i = ppmli_parallel_share(work_items, x->tasks, index); i < end; i++) {
    size_t sum = i / x->blocks, b = i % x->blocks;
    if (sum == 0) ppmli_leveled_h_weights(poly, x->circuit, b);
    else ppmli_leveled_v_weights(poly, x->circuit, (uint32_t)sum - 1, b);
    x->fft->backend->forward_signed(x->fft, x->out + sum * N * x->blocks + b * PPMLI_GROUP,
                                    x->blocks * PPMLI_GROUP, poly, 1, work);
  }
}

PPMLI_INLINE size_t ppmli_evaluate_weights_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(double));
}

/* Transforms all weights.
 *   out      [ppmli_evaluate_weight_doubles(c)]
 *   scratch  a slice for each thread, of ppmli_evaluate_weights_scratch or more */
PPMLI_STATIC void ppmli_evaluate_transform_weights(double *out, const ppml_circuit *c,
                                                   const ppmli_fft *fft,
                                                   const ppmli_slices *scratch,
                                                   const ppml_parallel *parallel) {
  ppmli_evaluate_weights x;
  x.circuit = c;
  x.fft = fft;
  x.sums = ppmli_evaluate_sums(c);
  x.blocks = ppmli_input_blocks(c->params, &c->model.spec);
  x.tasks = ppmli_parallel_threads(parallel);
  x.out = out;
  x.scratch = *scratch;
  ppmli_parallel_run(parallel, x.tasks, ppmli_evaluate_weights_task, &x);
}

/* What stays, and scratch for one thread. */
PPMLI_STATIC size_t ppmli_evaluate_prepare_bytes(const ppml_circuit *c) {
  return ppmli_arena_rounded((size_t)ppmli_evaluate_weight_doubles(c) * sizeof(double)) +
         ppmli_evaluate_weights_scratch(c->params);
}

/* Transforms a circuit's weights for all images to come.
 * Errors: NOMEM. */
PPMLI_STATIC int ppmli_evaluate_prepare(ppml_eval_key *key, const ppml_circuit *c,
                                        ppml_arena *arena) {
  ppmli_slices scratch;
  PPMLI_ALLOC(double, weights, arena, (size_t)ppmli_evaluate_weight_doubles(c));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_slices_init(&scratch, 1, ppmli_evaluate_weights_scratch(c->params), arena));
  ppmli_evaluate_transform_weights(weights, c, key->fft, &scratch, NULL);
  key->weights = weights;
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ------------------------------------------------------------------- sums */

/* Transforms the blocks of an image.
 *   out   [group][block][COLUMNS][GROUP]
 *   mask  [ppmli_long_mask_words], tail [N]  scratch */
PPMLI_STATIC void ppmli_evaluate_blocks(double *out, const ppmli_evaluate *x, size_t image,
                                        uint64_t *mask, uint64_t *tail, const ppmli_wide *w) {
  const ppml_params *p = x->params;
  const ppmli_fft *fft = x->key->fft;
  const ppml_input *input = &x->inputs[image];
  const size_t G = PPMLI_GROUP, stride = input->blocks * PPMLI_EVALUATE_COLUMNS * G;
  for (uint32_t b = 0; b < input->blocks; b++, out += PPMLI_EVALUATE_COLUMNS * G) {
    size_t at = (size_t)b * p->poly_size;
    ppmli_mask stream = {input->seed, PPMLI_STREAM_INPUT_MASK, b};
    ppmli_long_draw_mask(mask, tail, p, &stream, fft);
    ppmli_long_forward(fft, out, stride, mask, tail, PPMLI_WIDE_BITS, w);
    for (uint32_t i = 0; i < p->poly_size; i++)
      tail[i] = (uint64_t)input->tail[at + i]
                << (PPMLI_LONG_TAIL_BITS - ppmli_params_tail_bits(x->params));
    ppmli_long_forward(fft, out + 2 * G, stride, input->body + at, tail, PPMLI_WIDE_BITS, w);
  }
}

/* H and the Vs of an image, but for the trace of H. */
PPMLI_STATIC void ppmli_evaluate_image_sums(const ppmli_evaluate *x, size_t image,
                                            ppml_arena arena) {
  const ppml_params *p = x->params;
  const ppmli_fft *fft = x->key->fft;
  const size_t G = PPMLI_GROUP, N = p->poly_size, C = PPMLI_EVALUATE_COLUMNS;
  size_t blocks = x->inputs[image].blocks;
  ppmli_product shape = {x->sums, 1, blocks, C, NULL};
  ppmli_wide w;
  double *parts = (double *)ppmli_arena_array(&arena, C * (blocks + x->sums) * N, sizeof *parts);
  double *products = parts + C * blocks * N;
  uint64_t *mask = (uint64_t *)ppmli_arena_array(&arena, ppmli_long_mask_words(p), sizeof *mask);
  uint64_t *tail = (uint64_t *)ppmli_arena_array(&arena, N, sizeof *tail);
  int error = ppmli_wide_init(&w, p->poly_size, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
  ppmli_evaluate_blocks(parts, x, image, mask, tail, &w);
  fft->backend->product(fft, products, x->weights, parts, &shape);
  for (size_t sum = 0; sum < x->sums; sum++, products += C * N) {
    uint64_t *glwe = x->glwe + (image * x->sums + sum) * 2 * N;
    uint32_t bits = PPMLI_WIDE_BITS - (sum > 0 ? ppmli_params_trace_steps(p) : 0); /* V has B */
    memset(glwe, 0, 2 * N * sizeof *glwe);
    for (size_t i = 0; i < 2; i++) {
      const double *high = products + 2 * i * G;
      ppmli_wide_backward_add(fft, glwe + i * N, high, high + G, C * G, bits, &w);
    }
    if (sum > 0) ppmli_leveled_v_constants(glwe + N, x->circuit, (uint32_t)sum - 1);
  }
}

PPMLI_STATIC void ppmli_evaluate_sums_task(void *argument, size_t index) {
  const ppmli_evaluate *x = (const ppmli_evaluate *)argument;
  size_t end = ppmli_parallel_share(x->images, x->tasks, index + 1);
  for (size_t i = ppmli_parallel_share(x->images, x->tasks, index); i < end; i++)
    ppmli_evaluate_image_sums(x, i, ppmli_slices_arena(&x->scratch, index));
}

/* ----------------------------------------------------------------- scores */

/* The scores of an image from H and the Vs.
 *   key  the switch from S^2 */
PPMLI_STATIC int ppmli_evaluate_scores(const ppmli_evaluate *x, size_t image, const double *key,
                                       ppml_arena arena) {
  const ppml_circuit *c = x->circuit;
  const ppml_params *p = x->params;
  size_t N = p->poly_size;
  uint64_t *h = x->glwe + image * x->sums * 2 * N;
  uint32_t t = ppmli_leveled_modulus_log2(c);
  ppmli_tensor_factor left;
  PPMLI_ALLOC(uint64_t, square, &arena, 3 * N);
  uint64_t *mask = square + N, *body = mask + N;
  ppmli_tensor product = {square, mask, body};
  ppmli_leveled_h_constants(h + N, c);
  PPMLI_TRY(ppmli_tensor_left_init(&left, h, 1, p, x->key->fft, &arena));
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) {
    PPMLI_TRY(ppmli_tensor_product(product, &left, h + (1 + o) * 2 * N, t, x->key->fft, &arena));
    PPMLI_TRY(ppmli_switch_add(mask, body, square, key, p, x->key->fft, &arena));
    body[0] += (uint64_t)(int64_t)c->model.layer[1].bias[o] * c->unit[1];
    ppmli_glwe_extract(x->lwe + (image * c->model.spec.outputs + o) * (N + 1), mask, p);
  }
  return PPML_OK;
}

/* The slab's steps for a share of the images. */
PPMLI_STATIC void ppmli_evaluate_steps_task(void *argument, size_t index) {
  const ppmli_evaluate *x = (const ppmli_evaluate *)argument;
  const ppml_params *p = x->params;
  size_t first = ppmli_parallel_share(x->images, x->tasks, index);
  size_t end = ppmli_parallel_share(x->images, x->tasks, index + 1);
  for (size_t s = 0; s < x->slab.count; s++)
    for (size_t i = first; i < end; i++) {
      const double *key = x->slab.steps + s * ppmli_switch_doubles(p);
      ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
      uint64_t *h = x->glwe + i * x->sums * 2 * p->poly_size;
      int error = x->slab.first + s < ppmli_params_trace_steps(p)
                      ? ppmli_trace_step(h, x->slab.first + s, key, p, x->key->fft, &arena)
                      : ppmli_evaluate_scores(x, i, key, arena);
      PPMLI_ASSERT(error == PPML_OK);
      (void)error; /* the slice was sized for it */
    }
}

/* The weights of a key that is prepared, or transformed now. */
PPMLI_STATIC int ppmli_evaluate_find_weights(ppmli_evaluate *x, const ppml_parallel *parallel,
                                             ppml_arena *arena) {
  x->weights = x->key->weights;
  if (x->weights) return PPML_OK;
  PPMLI_ALLOC(double, weights, arena, (size_t)ppmli_evaluate_weight_doubles(x->circuit));
  ppmli_evaluate_transform_weights(weights, x->circuit, x->key->fft, &x->scratch, parallel);
  x->weights = weights;
  return PPML_OK;
}

/* From images to scores.
 *   lwe  out: [images][outputs][N + 1], in arena
 * Errors: those of a key that is streamed; NOMEM. */
PPMLI_STATIC int ppmli_evaluate_run(const uint64_t **lwe, const ppml_circuit *c,
                                    const ppml_input *inputs, size_t images,
                                    const ppml_eval_key *key, const ppml_parallel *parallel,
                                    ppml_arena *arena) {
  ppmli_evaluate x;
  memset(&x, 0, sizeof x);
  x.circuit = c;
  x.params = c->params;
  x.key = key;
  x.inputs = inputs;
  x.images = images;
  x.sums = ppmli_evaluate_sums(c);
  x.tasks = ppmli_parallel_threads(parallel);
  PPMLI_TRY(ppmli_evaluate_alloc(&x, arena));
  PPMLI_TRY(ppmli_evaluate_find_weights(&x, parallel, arena));
  PPMLI_TRY(ppmli_key_walk_begin(key));
  ppmli_parallel_run(parallel, x.tasks, ppmli_evaluate_sums_task, &x);
  while (ppmli_key_walk_steps(&x.slab, key, parallel))
    ppmli_parallel_run(parallel, x.tasks, ppmli_evaluate_steps_task, &x);
  *lwe = x.lwe;
  return ppmli_key_walk_end(key);
}

#endif
