/* Scores of a model without hidden layers, on the server, with no evaluation key.
 *
 * The mask of a score is the product of the image's mask and the weights as a polynomial,
 * w_0 - sum w_n X^(N - n), whose constant coefficient is the sum of pixels times weights; its
 * body is that sum alone, of the image's body words.  Weights are transformed once for a model;
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
#include "../base/bytes.h"
#include "../base/parallel.h"
#include "../base/stream.h"
#include "../math/fft.h"
#include "../math/fft/backend.h"
#include "../math/masks.h"
#include "../math/torus.h"
#include "../network/linear_set.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "../wire/output.h"
#include "switch_down.h"

/* A model made ready. */
typedef struct ppmli_linear_model {
  const ppml_model *model;
  const ppml_params *params;
  ppmli_fft *fft;
  uint64_t unit;
  size_t blocks;
  double *weights; /* [groups][blocks][outputs][GROUP] */
} ppmli_linear_model;

PPMLI_STATIC size_t ppmli_linear_model_bytes(const ppml_model *m) {
  const ppml_params *p = ppmli_linear_params();
  size_t blocks = ppmli_linear_blocks(p, m->layer[0].inputs), N = p->poly_size;
  return ppmli_fft_bytes(p->poly_size) +
         ppmli_arena_rounded(blocks * m->layer[0].outputs * N * sizeof(double)) +
         ppmli_arena_rounded(N * sizeof(uint64_t)) + ppmli_arena_rounded(N * sizeof(double));
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

/* Makes a model ready.
 *   out      refers to the model; the rest is in arena
 *   backend  from ppmli_backend_by_name
 * Memory: ppmli_linear_model_bytes, of which scratch is given back.
 * Errors: PARAMS (more than one layer, or scores beyond the torus), NOMEM. */
PPMLI_STATIC int ppmli_linear_model_init(ppmli_linear_model *out, const ppml_model *m,
                                         const ppmli_backend *backend, ppml_arena *arena) {
  const ppml_params *p = ppmli_linear_params();
  const size_t N = p->poly_size, outputs = m->layer[0].outputs;
  if (!ppmli_linear_fits(m)) return PPML_ERR_PARAMS;
  memset(out, 0, sizeof *out);
  out->model = m;
  out->params = p;
  out->unit = ppmli_linear_unit(m);
  out->blocks = ppmli_linear_blocks(p, m->layer[0].inputs);
  PPMLI_TRY(ppmli_fft_init(&out->fft, p->poly_size, backend, arena));
  PPMLI_ALLOC(double, weights, arena, out->blocks *outputs *N);
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, poly, arena, N);
  PPMLI_ALLOC(double, work, arena, N);
  out->weights = weights;
  for (size_t b = 0; b < out->blocks; b++)
    for (uint32_t j = 0; j < outputs; j++) {
      ppmli_linear_weight_poly(poly, &m->layer[0], j, b, N);
      backend->forward_signed(out->fft, weights + (b * outputs + j) * PPMLI_GROUP,
                              out->blocks * outputs * PPMLI_GROUP, poly, 1, work);
    }
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ----------------------------------------------------------------- scores */

/* Scratch of one task. */
typedef struct ppmli_linear_scratch {
  uint32_t *words;  /* [N]  mask of a block */
  uint64_t *poly;   /* [N]  the same, signed; then the mask of a score */
  uint64_t *lwe;    /* [N + 1] */
  double *masks;    /* [groups][blocks][GROUP] */
  double *products; /* [groups][outputs][GROUP] */
  double *work;     /* [N] */
} ppmli_linear_scratch;

PPMLI_STATIC size_t ppmli_linear_scratch_bytes(const ppml_params *p, size_t blocks,
                                               size_t outputs) {
  size_t N = p->poly_size;
  return ppmli_arena_rounded(N * sizeof(uint32_t)) + ppmli_arena_rounded(N * sizeof(uint64_t)) +
         ppmli_arena_rounded((N + 1) * sizeof(uint64_t)) +
         ppmli_arena_rounded(blocks * N * sizeof(double)) +
         ppmli_arena_rounded(outputs * N * sizeof(double)) +
         ppmli_arena_rounded(N * sizeof(double));
}

PPMLI_STATIC int ppmli_linear_scratch_init(ppmli_linear_scratch *s, const ppmli_linear_model *m,
                                           ppml_arena *arena) {
  size_t N = m->params->poly_size;
  PPMLI_ALLOC(uint32_t, words, arena, N);
  PPMLI_ALLOC(uint64_t, poly, arena, N);
  PPMLI_ALLOC(uint64_t, lwe, arena, N + 1);
  PPMLI_ALLOC(double, masks, arena, m->blocks *N);
  PPMLI_ALLOC(double, products, arena, m->model->layer[0].outputs *N);
  PPMLI_ALLOC(double, work, arena, N);
  ppmli_linear_scratch made = {words, poly, lwe, masks, products, work};
  *s = made;
  return PPML_OK;
}

/* Draws and transforms the masks of an image, in turns. */
PPMLI_STATIC void ppmli_linear_masks(const ppmli_linear_model *m, const ppml_input *input,
                                     ppmli_linear_scratch *s) {
  const ppmli_fft *fft = m->fft;
  uint32_t N = m->params->poly_size;
  for (size_t b = 0; b < m->blocks; b++) {
    ppmli_mask_u32(s->words, N, input->seed, PPMLI_STREAM_INPUT_MASK, b, fft->backend->chacha);
    for (uint32_t i = 0; i < N; i++)
      s->poly[i] = (uint64_t)(int64_t)ppmli_torus_signed32(s->words[i]);
    fft->backend->forward_signed(fft, s->masks + b * PPMLI_GROUP, m->blocks * PPMLI_GROUP, s->poly,
                                 ldexp(1.0 / fft->points, -PPMLI_LINEAR_TORUS_BITS), s->work);
  }
}

/* Sum of body words times weights, with the bias. */
PPMLI_STATIC uint64_t ppmli_linear_body(const ppmli_linear_model *m, const ppml_input *input,
                                        uint32_t j) {
  const ppml_layer *layer = &m->model->layer[0];
  const int8_t *w = layer->weight + (size_t)j * layer->inputs;
  uint64_t sum = (uint64_t)(int64_t)layer->bias[j] * m->unit;
  for (uint32_t i = 0; i < layer->inputs; i++) sum += (uint64_t)(int64_t)w[i] * input->body[i];
  return sum;
}

/* Score j as an LWE ciphertext on the torus of 32 bits, in the top of 64-bit words.
 *   s->lwe       out
 *   s->products  of the masks and all weights */
PPMLI_STATIC void ppmli_linear_lwe(const ppmli_linear_model *m, const ppml_input *input, uint32_t j,
                                   ppmli_linear_scratch *s) {
  const uint64_t half = (uint64_t)1 << (63 - PPMLI_LINEAR_TORUS_BITS);
  size_t N = m->params->poly_size, outputs = m->model->layer[0].outputs;
  memset(s->poly, 0, N * sizeof *s->poly);
  m->fft->backend->backward_add(m->fft, s->poly, s->products + j * PPMLI_GROUP,
                                outputs * PPMLI_GROUP, s->work);
  for (size_t i = 0; i < N; i++) s->poly[i] = (s->poly[i] + half) & ~(2 * half - 1);
  s->lwe[0] = s->poly[0];
  for (size_t i = 1; i < N; i++) s->lwe[i] = 0 - s->poly[N - i];
  s->lwe[N] = ppmli_linear_body(m, input, j);
}

/* All scores of one image.
 *   lwe  [outputs][N + 1]  out, modulo 2^output_bits */
PPMLI_STATIC void ppmli_linear_image(uint32_t *lwe, const ppmli_linear_model *m,
                                     const ppml_input *input, ppmli_linear_scratch *s) {
  size_t outputs = m->model->layer[0].outputs;
  ppmli_product shape = {1, 1, m->blocks, outputs, NULL};
  ppmli_linear_masks(m, input, s);
  m->fft->backend->product(m->fft, s->products, s->masks, m->weights, &shape);
  for (uint32_t j = 0; j < outputs; j++) {
    ppmli_linear_lwe(m, input, j, s);
    ppmli_output_switch(lwe + j * ppmli_output_words(m->params), s->lwe, m->params);
  }
}

typedef struct ppmli_linear_work {
  const ppmli_linear_model *model;
  const ppml_input *inputs;
  size_t images, tasks;
  uint32_t *lwe;
  ppmli_slices scratch;
} ppmli_linear_work;

PPMLI_STATIC void ppmli_linear_task(void *argument, size_t index) {
  const ppmli_linear_work *x = (const ppmli_linear_work *)argument;
  ppml_arena arena = ppmli_slices_arena(&x->scratch, index);
  size_t words = x->model->model->layer[0].outputs * ppmli_output_words(x->model->params);
  size_t end = ppmli_parallel_share(x->images, x->tasks, index + 1);
  ppmli_linear_scratch s;
  memset(&s, 0, sizeof s);
  int error = ppmli_linear_scratch_init(&s, x->model, &arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
  for (size_t i = ppmli_parallel_share(x->images, x->tasks, index); i < end; i++)
    ppmli_linear_image(x->lwe + i * words, x->model, &x->inputs[i], &s);
}

PPMLI_STATIC size_t ppmli_linear_infer_bytes(const ppml_model *m, size_t images, size_t threads) {
  const ppml_params *p = ppmli_linear_params();
  size_t outputs = m->layer[0].outputs, blocks = ppmli_linear_blocks(p, m->layer[0].inputs);
  return ppmli_arena_rounded(images * outputs * ppmli_output_words(p) * sizeof(uint32_t)) +
         ppmli_arena_rounded(threads * ppmli_linear_scratch_bytes(p, blocks, outputs));
}

/* Do the images belong to one key, and to this circuit? */
PPMLI_STATIC int ppmli_linear_check(const ppmli_linear_model *m, const ppml_input *inputs,
                                    size_t images, const uint8_t *circuit_id) {
  if (images == 0 || images > UINT32_MAX) return PPML_ERR_ARG;
  for (size_t i = 0; i < images; i++)
    if (inputs[i].params != m->params || inputs[i].blocks != m->blocks ||
        memcmp(inputs[i].circuit_id, circuit_id, PPML_ID_BYTES) != 0 ||
        memcmp(inputs[i].key_id, inputs[0].key_id, PPML_ID_BYTES) != 0)
      return PPML_ERR_MISMATCH;
  return PPML_OK;
}

/* Scores of images.
 *   output      out; in arena
 *   circuit_id  of the model's circuit
 * Memory: ppmli_linear_infer_bytes.  Errors: ARG, MISMATCH, NOMEM.
 * Noise: docs/NOISE.md "Linear models". */
PPMLI_STATIC int ppmli_linear_infer(ppml_output *output, const ppmli_linear_model *m,
                                    const ppml_input *inputs, size_t images,
                                    const uint8_t *circuit_id, const ppml_parallel *parallel,
                                    ppml_arena *arena) {
  size_t outputs = m->model->layer[0].outputs, words = ppmli_output_words(m->params);
  size_t threads = ppmli_parallel_threads(parallel);
  PPMLI_TRY(ppmli_linear_check(m, inputs, images, circuit_id));
  PPMLI_ALLOC(uint32_t, lwe, arena, images * outputs * words);
  size_t mark = arena->used_bytes;
  ppmli_linear_work x = {m, inputs, images, threads, lwe, {NULL, 0}};
  PPMLI_TRY(ppmli_slices_init(&x.scratch, threads,
                              ppmli_linear_scratch_bytes(m->params, m->blocks, outputs), arena));
  ppmli_parallel_run(parallel, threads, ppmli_linear_task, &x);
  memset(output, 0, sizeof *output);
  output->params = m->params;
  output->images = (uint32_t)images;
  output->outputs = (uint32_t)outputs;
  output->lwe = lwe;
  memcpy(output->circuit_id, circuit_id, PPML_ID_BYTES);
  memcpy(output->key_id, inputs[0].key_id, PPML_ID_BYTES);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ---------------------------------------------------- encrypted image in */

/* Reads the payload that ppmli_linear_put_encrypted writes.
 *   input  out; body [inputs] in arena; ids are the header's, which the caller fills in
 * Errors: the input bytes', NOMEM. */
PPMLI_STATIC int ppmli_linear_input_get(ppml_input *input, ppmli_in *in, const ppml_limits *limits,
                                        ppml_arena *arena) {
  const ppml_params *p = ppmli_linear_params();
  uint8_t bytes[8 * PPMLI_PACK_WORDS];
  uint64_t payload = in->remaining_bytes;
  memset(input, 0, sizeof *input);
  ppmli_in_bytes(in, input->seed, sizeof input->seed);
  size_t inputs = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (inputs < 1 || inputs > limits->inputs) return PPML_ERR_RANGE;
  if (payload != ppmli_linear_payload_bytes(p, inputs)) return PPML_ERR_FORMAT;
  PPMLI_ALLOC(uint64_t, body, arena, inputs);
  for (size_t done = 0; done < inputs; done += PPMLI_PACK_WORDS) {
    size_t count = ppmli_min_size(PPMLI_PACK_WORDS, inputs - done);
    ppmli_in_bytes(in, bytes, ppmli_packed_bytes(count, p->input_wire_bits));
    ppmli_unpack(body + done, bytes, count, p->input_wire_bits);
    for (size_t i = done; i < done + count; i++)
      body[i] = ppmli_torus_from(body[i], p->input_wire_bits);
  }
  input->params = p;
  input->blocks = (uint32_t)ppmli_linear_blocks(p, inputs);
  input->body = body;
  return in->error;
}

#endif
