/* The set `linear`, for models that have no hidden layer.
 *
 * Every score of such a model is a sum of pixels times weights, and sums are what LWE
 * ciphertexts can do without any help: the server needs no evaluation key.  An image is
 * encrypted pixel by pixel, as the coefficients of GLWE ciphertexts on a torus of 32 bits:
 *
 *   body_i = (a s)_i + pixel_i unit + e_i,   for the pixels alone: a ciphertext that holds
 *                                            784 of them sends 784 of its 1024 coefficients
 *
 * The mask a comes from a public seed.  A larger image takes several ciphertexts.  Noise is on the torus
 * of 32 bits: its bound is ceil(sqrt 3 2^(32 - 22.85)), docs/NOISE.md "Security", dimension 1024.  A score
 * comes back as one LWE ciphertext modulo 2^16 (ppml_output), which the client decrypts as those
 * of all sets.  A score of 1 stands where a pixel of 1 stands, at `unit`; the client is told so
 * as ppml_client.score_unit.
 *
 * In: a spec; out: the set, units and sizes.  Next: client/linear_encrypt.h, server/linear_score.h. */
#ifndef PPMLI_NETWORK_LINEAR_SET_H
#define PPMLI_NETWORK_LINEAR_SET_H

#include "../math/params.h"
#include "../math/torus.h"
#include "model.h"

#define PPMLI_LINEAR_WEIGHT_BITS 8 /* with 4, rounding moves the scores of smooth weights */

/* The largest score that has room, for score j of a model of one layer: half as much again as
 * training ever saw; where the model does not say (peak is NULL), what no image exceeds. */
PPMLI_STATIC uint64_t ppmli_linear_room(const ppml_model *m, uint32_t j) {
  const ppml_layer *layer = &m->layer[0];
  if (layer->peak) return (uint64_t)layer->peak[j] + (uint64_t)layer->peak[j] / 2 + 1;
  uint64_t most = (1u << m->spec.input_bits) - 1;
  uint64_t bound = (uint64_t)(layer->bias[j] < 0 ? -(int64_t)layer->bias[j] : layer->bias[j]);
  for (uint32_t i = 0; i < layer->inputs; i++) {
    int32_t w = layer->weight[(size_t)j * layer->inputs + i];
    bound += most * (uint64_t)(w < 0 ? -w : w);
  }
  return bound + 1;
}

/* What a pixel of 1, hence a score of 1, is on the torus (of 64 bits): the largest power of two
 * that keeps all scores with room within half a turn.  0 if there is none: the torus has 32 bits. */
PPMLI_STATIC uint64_t ppmli_linear_unit(const ppml_model *m) {
  uint64_t most = 1, unit = PPMLI_TORUS_HALF;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++) {
    uint64_t room = ppmli_linear_room(m, j);
    if (room > most) most = room;
  }
  while (unit > PPMLI_TORUS_HALF / most) unit >>= 1;
  return unit >> PPMLI_SHORT_TORUS_BITS ? unit : 0;
}

/* Can the model be computed so: one layer, weights that a byte holds, scores that fit? */
PPMLI_STATIC int ppmli_linear_fits(const ppml_model *m) {
  return ppmli_model_is_linear(m) && m->layer[0].activation == PPML_ACTIVATION_NONE &&
         m->layer[0].outputs <= PPML_CLASSES_MAX && ppmli_linear_unit(m) != 0;
}

#endif
