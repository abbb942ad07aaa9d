/* The weights of a polynomial network as plaintext polynomials.
 *
 * The pixels come in blocks of B = N / slots, one ciphertext each, pixel i of a block at coefficient i.  Two
 * sums over the blocks, each times a polynomial of weights,
 *
 *   H, which has  z_j                               at X^(j B)
 *   V, which has  v_cj (square_j z_j + linear_j)    at X^(-j B), for every score c
 *
 * have dot products there and other sums at all other coefficients.  A trace clears those of H; it
 * multiplies what it keeps by B, so pixels stand at 1 / (B T), and V's weights are B times as large.  The
 * constant coefficient of H V then is score c: what V has elsewhere meets zeros.  Next: products.h.
 *
 * In: a circuit; out: polynomials. */
#ifndef PPMLI_SERVER_SLOTS_H
#define PPMLI_SERVER_SLOTS_H

#include "../math/params.h"

/* ---------------------------------------------------------------- weights */

/* What z_j is multiplied by on its way into V of score c. */
PPMLI_INLINE int64_t ppmli_leveled_factor(const ppml_model *m, uint32_t c, uint32_t j) {
  return (int64_t)m->layer[1].weight[(size_t)c * m->layer[1].inputs + j] * m->layer[0].square[j];
}

/* Adds factor times the weights of neuron j for a block, pixel i at X^(at - i). */
PPMLI_STATIC void ppmli_leveled_add_weights(uint64_t *poly, const ppml_circuit *c, uint32_t j,
                                            size_t block, int64_t factor, uint32_t at) {
  const ppml_layer *layer = &c->model.layer[0];
  uint32_t N = c->params->poly_size, B = ppmli_params_block(c->params);
  for (uint32_t i = 0; i < B && block * B + i < layer->inputs; i++) {
    int64_t w = factor * layer->weight[(size_t)j * layer->inputs + block * B + i];
    if (at >= i) poly[at - i] += (uint64_t)w;
    else poly[at + N - i] -= (uint64_t)w;
  }
}

/* The weights of H for a block.
 *   poly [N]  out */
PPMLI_STATIC void ppmli_leveled_h_weights(uint64_t *poly, const ppml_circuit *c, size_t block) {
  memset(poly, 0, c->params->poly_size * sizeof *poly);
  for (uint32_t j = 0; j < c->model.layer[0].outputs; j++)
    ppmli_leveled_add_weights(poly, c, j, block, 1, j * ppmli_params_block(c->params));
}

/* The weights of V of score o for a block, times B: X^(-j B) is -X^(N - j B). */
PPMLI_STATIC void ppmli_leveled_v_weights(uint64_t *poly, const ppml_circuit *c, uint32_t o,
                                          size_t block) {
  uint32_t N = c->params->poly_size, B = ppmli_params_block(c->params);
  memset(poly, 0, N * sizeof *poly);
  for (uint32_t j = 0; j < c->model.layer[0].outputs; j++) {
    int64_t factor = ppmli_leveled_factor(&c->model, o, j) * B;
    ppmli_leveled_add_weights(poly, c, j, block, j ? -factor : factor, j ? N - j * B : 0);
  }
}

/* What does not depend on the image: added to the body of H, behind the trace. */
PPMLI_STATIC void ppmli_leveled_h_constants(uint64_t *body, const ppml_circuit *c) {
  const ppml_layer *layer = &c->model.layer[0];
  for (uint32_t j = 0; j < layer->outputs; j++)
    body[j * ppmli_params_block(c->params)] += (uint64_t)(int64_t)layer->bias[j] * c->unit[1];
}

/* The same for V of score o. */
PPMLI_STATIC void ppmli_leveled_v_constants(uint64_t *body, const ppml_circuit *c, uint32_t o) {
  const ppml_model *m = &c->model;
  uint32_t N = c->params->poly_size, B = ppmli_params_block(c->params);
  for (uint32_t j = 0; j < m->layer[0].outputs; j++) {
    int64_t linear =
        (int64_t)m->layer[1].weight[(size_t)o * m->layer[1].inputs + j] * m->layer[0].linear[j];
    int64_t constant = ppmli_leveled_factor(m, o, j) * m->layer[0].bias[j] + linear;
    if (j == 0) body[0] += (uint64_t)constant * c->unit[1];
    else body[N - j * B] -= (uint64_t)constant * c->unit[1];
  }
}

#endif
