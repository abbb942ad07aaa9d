/* A pooled network as a ppml_model has it: behind the encoder of its spec, instead of layers.  What
 * it computes is pooled.h's, from latents that are encoder.h's.  In: a ppml_model and an image; out:
 * scores.  Next: pooled.h. */
#ifndef PPMLI_NETWORK_POOLED_MODEL_H
#define PPMLI_NETWORK_POOLED_MODEL_H

#include "../base/arena.h"
#include "autocorr.h"
#include "encoder.h"
#include "pooled.h"

PPMLI_INLINE int ppmli_model_is_pooled(const ppml_model *m) {
  return m->layer_count == 0;
}

/* The latents of a spec with an encoder, cut into regions. */
PPMLI_STATIC ppmli_latent_shape ppmli_model_latents(const ppml_model *m) {
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  return ppmli_encoder_latent_shape(&e);
}

/* The network with its shape; it points to the model's arrays. */
PPMLI_STATIC ppmli_pooled ppmli_model_pooled(const ppml_model *m) {
  ppmli_pooled net;
  net.shape = ppmli_model_latents(m);
  net.latent_bits = m->spec.input_bits;
  net.outputs = m->spec.outputs;
  net.square = m->pooled.square, net.linear = m->pooled.linear;
  net.bias = m->pooled.bias, net.peak = m->pooled.peak;
  return net;
}

/* Latents of the image, their autocorrelations, scores. */
PPMLI_STATIC size_t ppmli_model_pooled_scores_scratch(const ppml_model *m) {
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  ppmli_pooled net = ppmli_model_pooled(m);
  return ppmli_arena_rounded(ppmli_encoder_latents(&e)) +
         ppmli_max_size(ppmli_encode_scratch(&e), ppmli_pooled_forward_scratch(&net));
}

/* Scores of one image in the clear, in 64 bits.
 *   scores [spec.outputs]  out
 * Scratch: ppmli_model_pooled_scores_scratch(m) bytes.  Errors: NOMEM; RANGE for a latent that is not
 * finite. */
PPMLI_STATIC int ppmli_model_pooled_scores(int64_t *scores, const ppml_model *m,
                                           const uint8_t *image, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  ppmli_pooled net = ppmli_model_pooled(m);
  PPMLI_ALLOC(int8_t, latents, arena, ppmli_encoder_latents(&e));
  PPMLI_TRY(ppmli_encode(latents, NULL, &e, image, arena));
  PPMLI_TRY(ppmli_pooled_forward(scores, &net, latents, arena));
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
