/* A pooled network as a ppml_model has it: behind the encoder of its spec, instead of layers or before
 * them.  What it computes is pooled.h's, from latents that are encoder.h's.  In: a ppml_model and an
 * image; out: scores, or the features that layers come behind.  Next: pooled.h; gates.h. */
#ifndef PPMLI_NETWORK_POOLED_MODEL_H
#define PPMLI_NETWORK_POOLED_MODEL_H

#include "../base/arena.h"
#include "autocorr.h"
#include "encoder.h"
#include "pooled.h"
#include "pooled_layout.h"
#include "spec.h"

/* Are the scores those of a pooled network? */
PPMLI_INLINE int ppmli_model_is_pooled(const ppml_model *m) {
  return m->layer_count == 0;
}

/* Is the network layers behind the features of a pooled one? */
PPMLI_INLINE int ppmli_model_has_features(const ppml_model *m) {
  return m->layer_count > 0 && m->spec.encoder.kind != PPML_ENCODER_NONE;
}

/* Is there a pooled network at all? */
PPMLI_INLINE int ppmli_model_has_latents(const ppml_model *m) {
  return ppmli_model_is_pooled(m) || ppmli_model_has_features(m);
}

/* The layer whose accumulators are the scores, even where the network makes decisions of them. */
PPMLI_INLINE uint32_t ppmli_model_score_layer(const ppml_model *m) {
  return m->layer_count - 1 - ppmli_spec_deciding_layers(&m->spec);
}

/* Are activations of layer l gates for features? */
PPMLI_INLINE int ppmli_model_gates(const ppml_model *m, uint32_t l) {
  return ppmli_model_has_features(m) && m->pooled.gated && l + 1 == ppmli_model_score_layer(m);
}

/* Scores, or features: accumulators of layer 0, then what gates multiply. */
PPMLI_INLINE uint32_t ppmli_model_pooled_outputs(const ppml_model *m) {
  return ppmli_model_is_pooled(m) ? m->spec.outputs : m->layer[0].outputs + m->pooled.gated;
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
  net.outputs = ppmli_model_pooled_outputs(m);
  net.square = m->pooled.square, net.linear = m->pooled.linear;
  net.bias = m->pooled.bias, net.peak = m->pooled.peak;
  return net;
}

/* How its latents are laid out in a ciphertext; features stand where those of all circuits do. */
PPMLI_STATIC ppmli_pooled_layout ppmli_model_pooled_layout(const ppml_model *m) {
  ppmli_pooled net = ppmli_model_pooled(m);
  ppmli_pooled_layout l;
  ppmli_pooled_layout_of(&l, &net);
  if (ppmli_model_has_features(m)) l.modulus_log2 = PPMLI_BRIDGED_MODULUS_LOG2;
  return l;
}

/* Latents of the image, their autocorrelations, scores or features. */
PPMLI_STATIC size_t ppmli_model_pooled_scores_scratch(const ppml_model *m) {
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  ppmli_pooled net = ppmli_model_pooled(m);
  return ppmli_arena_rounded(ppmli_encoder_latents(&e)) +
         ppmli_max_size(ppmli_encode_scratch(&e), ppmli_pooled_forward_scratch(&net));
}

/* Scores or features of one image in the clear, in 64 bits.
 *   scores [ppmli_model_pooled_outputs]  out
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
