/* Scores of a model without hidden layers, on the server, with no evaluation key.
 *
 * The mask of a score is the product of the image's mask and the weights as a polynomial,
 * w_0 - sum w_n X^(N - n), whose constant coefficient is the sum of pixels times weights; its
 * body is that sum alone, of the image's body words.  Weights are transformed once for a circuit;
 * an image costs one transform a block, and a product and an inverse a score.
 *
 * The products are exact: masks of 32 bits, signed, times weights of 8, summed over an image,
 * stay far from the 53 bits of a double for every mask that a seed yields, and what the FFT
 * rounds is taken off again.  So every machine gives the same answer, bit for bit.
 *
 * In: a model and encrypted images; out: a ppml_output.  Next: network/linear_set.h. */
#ifndef PPMLI_SERVER_LINEAR_SCORE_H
#define PPMLI_SERVER_LINEAR_SCORE_H

#include <math.h>

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../base/stream.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "../wire/input.h"
#include "../wire/output.h"

/* Doubles of a circuit's weights, transformed: [groups][blocks][outputs][GROUP]. */
PPMLI_STATIC uint64_t ppmli_linear_weight_doubles(const ppml_circuit *c) {
  return (uint64_t)ppmli_input_blocks(c->params, &c->model.spec) * c->model.spec.outputs *
         c->params->poly_size;
}

PPMLI_STATIC size_t ppmli_linear_weights_bytes(const ppml_circuit *c) {
  return ppmli_arena_rounded((size_t)ppmli_linear_weight_doubles(c) * sizeof(double));
}

PPMLI_STATIC size_t ppmli_linear_transform_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(double));
}

/* The weights of score j for one block of the image, as a polynomial. */
PPMLI_STATIC void ppmli_linear_weight_poly(uint64_t *poly, const ppml_layer *layer, uint32_t j,
                                           size_t block, size_t N) {
  const int8_t *w = layer->weight + (size_t)j * layer->inputs;
  for (size_t n = 0; n < N; n++) {
    size_t i = block * N + n;
    int64_t weight = i < layer->inputs ? w[i] : 0;
    poly[n ? N - n : 0] = (uint64_t)(n ? -weight : weight);
  }
}

/* Transforms the weights of a circuit.
 *   weights  out: in arena
 * Memory: ppmli_linear_weights_bytes; scratch ppmli_linear_transform_scratch.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_linear_transform(double **weights, const ppml_circuit *c,
                                        const ppmli_fft *fft, ppml_arena *arena) {
  const size_t N = c->params->poly_size, outputs = c->model.spec.outputs;
  const size_t blocks = ppmli_input_blocks(c->params, &c->model.spec);
  PPMLI_ALLOC(double, out, arena, (size_t)ppmli_linear_weight_doubles(c));
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, poly, arena, N);
  PPMLI_ALLOC(double, work, arena, N);
  for (size_t b = 0; b < blocks; b++)
    for (uint32_t j = 0; j < outputs; j++) {
      ppmli_linear_weight_poly(poly, &c->model.layer[0], j, b, N);
      fft->backend->forward_signed(fft, out + (b * outputs + j) * PPMLI_GROUP,
                                   blocks * outputs * PPMLI_GROUP, poly, 1, work);
    }
  *weights = out;
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ----------------------------------------------------------------- scores */

/* Scratch of one task. */
typedef struct ppmli_linear_scratch {
  uint32_t *words;  /* [N]  mask of a block */
  uint64_t *poly;   /* [N]  the same, signed; then the mask of a score */
  double *masks;    /* [groups][blocks][GROUP] */
  double *products; /* [groups][outputs][GROUP] */
  double *work;     /* [N] */
} ppmli_linear_scratch;

PPMLI_STATIC size_t ppmli_linear_scratch_bytes(const ppml_circuit *c) {
  size_t N = c->params->poly_size, blocks = ppmli_input_blocks(c->params, &c->model.spec);
  return ppmli_arena_rounded(N * sizeof(uint32_t)) + ppmli_arena_rounded(N * sizeof(uint64_t)) +
         ppmli_arena_rounded(blocks * N * sizeof(double)) +
         ppmli_arena_rounded(c->model.spec.outputs * N * sizeof(double)) +
         ppmli_arena_rounded(N * sizeof(double));
}

PPMLI_STATIC int ppmli_linear_scratch_init(ppmli_linear_scratch *s, const ppml_circuit *c,
                                           ppml_arena *arena) {
  size_t N = c->params->poly_size, blocks = ppmli_input_blocks(c->params, &c->model.spec);
  PPMLI_ALLOC(uint32_t, words, arena, N);
  PPMLI_ALLOC(uint64_t, poly, arena, N);
  PPMLI_ALLOC(double, masks, arena, blocks *N);
  PPMLI_ALLOC(double, products, arena, c->model.spec.outputs *N);
  PPMLI_ALLOC(double, work, arena, N);
  ppmli_linear_scratch made = {words, poly, masks, products, work};
  *s = made;
  return PPML_OK;
}

/* A run over images, as its tasks see it. */
typedef struct ppmli_linear_work {
  const ppml_circuit *circuit;
  const ppmli_fft *fft;
  const double *weights;
  const ppml_input *inputs;
  size_t images, tasks, blocks;
  uint64_t *lwe; /* [images][outputs][N + 1] */
  ppmli_slices scratch;
} ppmli_linear_work;

/* Draws and transforms the masks of an image, in turns. */
PPMLI_STATIC void ppmli_linear_masks(const ppmli_linear_work *x, const ppml_input *input,
                                     ppmli_linear_scratch *s) {
  const ppmli_fft *fft = x->fft;
  uint32_t N = x->circuit->params->poly_size;
  for (size_t b = 0; b < x->blocks; b++) {
    ppmli_mask_u32(s->words, N, input->seed, PPMLI_STREAM_INPUT_MASK, b, fft->backend->chacha);
    for (uint32_t i = 0; i < N; i++)
      s->poly[i] = (uint64_t)(int64_t)ppmli_torus_signed32(s->words[i]);
    fft->backend->forward_signed(fft, s->masks + b * PPMLI_GROUP, x->blocks * PPMLI_GROUP, s->poly,
                                 ldexp(1.0 / fft->points, -PPMLI_SHORT_TORUS_BITS), s->work);
  }
}

/* Sum of body words times weights, with the bias. */
PPMLI_STATIC uint64_t ppmli_linear_body(const ppml_circuit *c, const ppml_input *input,
                                        uint32_t j) {
  const ppml_layer *layer = &c->model.layer[0];
  const int8_t *w = layer->weight + (size_t)j * layer->inputs;
  uint64_t sum = (uint64_t)(int64_t)layer->bias[j] * c->unit[0];
  for (uint32_t i = 0; i < layer->inputs; i++) sum += (uint64_t)(int64_t)w[i] * input->body[i];
  return sum;
}

/* Score j as an LWE ciphertext on the torus of 32 bits, in the top of 64-bit words.
 *   lwe          [N + 1]  out
 *   s->products  of the masks and all weights */
PPMLI_STATIC void ppmli_linear_lwe(uint64_t *lwe, const ppmli_linear_work *x,
                                   const ppml_input *input, uint32_t j, ppmli_linear_scratch *s) {
  const uint64_t half = (uint64_t)1 << (63 - PPMLI_SHORT_TORUS_BITS);
  size_t N = x->circuit->params->poly_size, outputs = x->circuit->model.spec.outputs;
  memset(s->poly, 0, N * sizeof *s->poly);
  x->fft->backend->backward_add(x->fft, s->poly, s->products + j * PPMLI_GROUP,
                                outputs * PPMLI_GROUP, s->work);
  for (size_t i = 0; i < N; i++) s->poly[i] = (s->poly[i] + half) & ~(2 * half - 1);
  lwe[0] = s->poly[0];
  for (size_t i = 1; i < N; i++) lwe[i] = 0 - s->poly[N - i];
  lwe[N] = ppmli_linear_body(x->circuit, input, j);
}

PPMLI_STATIC void ppmli_linear_task(void *argument, size_t index) {
  const ppmli_linear_work *x = (const ppmli_linear_work *)argument;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  size_t outputs = x->circuit->model.spec.outputs, words = ppmli_output_words(x->circuit->params);
  size_t end = ppmli_parallel_share(x->images, x->tasks, index + 1);
  ppmli_product shape = {1, 1, x->blocks, outputs, NULL};
  ppmli_linear_scratch s;
  memset(&s, 0, sizeof s);
  int error = ppmli_linear_scratch_init(&s, x->circuit, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
  for (size_t i = ppmli_parallel_share(x->images, x->tasks, index); i < end; i++) {
    ppmli_linear_masks(x, &x->inputs[i], &s);
    x->fft->backend->product(x->fft, s.products, s.masks, x->weights, &shape);
    for (uint32_t j = 0; j < outputs; j++)
      ppmli_linear_lwe(x->lwe + (i * outputs + j) * words, x, &x->inputs[i], j, &s);
  }
}

PPMLI_STATIC size_t ppmli_linear_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  size_t words = ppmli_output_words(c->params), scores = images * c->model.spec.outputs;
  return ppmli_arena_rounded(scores * words * sizeof(uint64_t)) + ppmli_linear_weights_bytes(c) +
         ppmli_max_size(ppmli_linear_transform_scratch(c->params),
                        ppmli_arena_rounded(threads * ppmli_linear_scratch_bytes(c)));
}

/* Scores of images.
 *   lwe  out: [images][outputs][N + 1], in arena
 *   key  of the circuit, without key material: tables, and weights if they were prepared
 * Memory: ppmli_linear_bytes.  Errors: NOMEM.  Noise: docs/NOISE.md "Linear models". */
PPMLI_STATIC int ppmli_linear_scores(const uint64_t **lwe, const ppml_circuit *c,
                                     const ppml_input *inputs, size_t images,
                                     const ppml_eval_key *key, const ppml_parallel *parallel,
                                     ppml_arena *arena) {
  size_t words = ppmli_output_words(c->params), scores = images * c->model.spec.outputs;
  size_t threads = ppmli_parallel_threads(parallel);
  double *weights = NULL;
  PPMLI_ALLOC(uint64_t, wide, arena, scores * words);
  if (key->weights == NULL) PPMLI_TRY(ppmli_linear_transform(&weights, c, key->fft, arena));
  ppmli_linear_work x = {c,        key->fft, key->weights ? key->weights : weights,         inputs,
                         images,   threads,  ppmli_input_blocks(c->params, &c->model.spec), wide,
                         {NULL, 0}};
  PPMLI_TRY(ppmli_slices_init(&x.scratch, threads, ppmli_linear_scratch_bytes(c), arena));
  ppmli_parallel_run(parallel, threads, ppmli_linear_task, &x);
  *lwe = wide;
  return PPML_OK;
}

/* Transforms the weights once, for all images to come. */
PPMLI_STATIC int ppmli_linear_prepare(ppml_eval_key *key, const ppml_circuit *c,
                                      ppml_arena *arena) {
  double *weights;
  PPMLI_TRY(ppmli_linear_transform(&weights, c, key->fft, arena));
  key->weights = weights;
  return PPML_OK;
}

#endif
