/* Dense layers on ciphertexts, and the lookup tables of their activations: what the weights of a circuit
 * become on the torus.  In: a circuit; out: tables, weight polynomials, sums of ciphertexts. Next:
 * first_layer.h, layers.h. */
#ifndef PPMLI_SERVER_DENSE_H
#define PPMLI_SERVER_DENSE_H

#include <math.h>

#include "../cipher/lwe.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "../network/clear.h"
#include "../network/gates.h"
#include "../network/pooled_model.h"
#include "../network/room.h"

/* --------------------------------------------------------- lookup table */

/* Where a table is looked up for position / 2N of a turn, and *behind: whether it is less half a turn, where the
 * table gives the same with the other sign.
 *   position  < 2 N
 * Returns -N/2 to N/2 - 1, in the same steps. */
PPMLI_INLINE int64_t ppmli_dense_place(int *behind, const ppml_params *p, uint32_t position) {
  int64_t N = p->poly_size, at = position;
  *behind = at >= N / 2 && at < N + N / 2;
  return at - (*behind ? N : at < N ? 0 : 2 * N);
}

/* What the table of neuron j of hidden layer l gives where the accumulator stands at
 * position / 2N of a turn: the activation up to a quarter turn to either side; beyond it
 * -f(x - 1/2), which is f again for an odd f that saturates.
 *   position  < 2 N */
PPMLI_STATIC int32_t ppmli_dense_activation(const ppml_circuit *c, uint32_t l, uint32_t j,
                                            uint32_t position) {
  const ppml_layer *layer = &c->model.layer[l];
  int behind;
  int64_t at = ppmli_dense_place(&behind, c->params, position);
  int64_t scale = (int64_t)ppmli_circuit_scale(c, l, j);
  int64_t step = (int64_t)(PPMLI_TORUS_HALF / (uint64_t)c->params->poly_size);
  int64_t z = ppmli_quant_nearest(at * step, scale);
  int32_t a = ppmli_quant_activation(layer->activation, z, layer->range[j], layer->table);
  return behind ? -a : a;
}

/* What an activation of 1 of that neuron is on the torus: a gate is 1/254 of its unit; folded, it
 * carries the one weight that the next layer has for it. */
PPMLI_STATIC uint64_t ppmli_dense_unit(const ppml_circuit *c, uint32_t l, uint32_t j) {
  if (ppmli_model_gates(&c->model, l))
    return ppmli_gate_unit(&c->model, j) / (2 * PPML_ACTIVATION_MAX);
  if (!ppmli_tables_have_weights(c, l)) return c->unit[l + 1];
  return ppmli_circuit_scale(c, l + 1, 0) * (uint64_t)(int64_t)c->model.layer[l + 1].weight[j];
}

/* The table itself: entry i is the next layer's input at i / 2N of a turn.
 *   table [N]  out */
PPMLI_STATIC void ppmli_dense_table(uint64_t *table, const ppml_circuit *c, uint32_t l,
                                    uint32_t j) {
  uint64_t unit = ppmli_dense_unit(c, l, j);
  for (uint32_t i = 0; i < c->params->poly_size; i++)
    table[i] = (uint64_t)(int64_t)ppmli_dense_activation(c, l, j, i) * unit;
}

/* The table of a gate's product: +-127 f(y) at y gate units, in units of the layer of the scores.
 *   table [N]  out
 *   sign   1 for feature plus gate, -1 for gate less feature */
PPMLI_STATIC void ppmli_dense_gate_table(uint64_t *table, const ppml_circuit *c, uint32_t j,
                                         int sign) {
  uint32_t l = ppmli_model_score_layer(&c->model);
  uint32_t N = c->params->poly_size;
  double step = ldexp(1, 63) / (double)N / (double)ppmli_gate_unit(&c->model, j);
  double unit = (double)c->unit[l] * sign;
  if (ppmli_tables_have_weights(c, l - 1))
    unit *= (double)c->gain[l][0] * c->model.layer[l].weight[j];
  for (uint32_t i = 0; i < N; i++) {
    int behind;
    double y = (double)ppmli_dense_place(&behind, c->params, i) * step;
    double turns = ldexp(unit * ppmli_gate_table(y), -64); /* beyond half a turn it wraps */
    double entry = ldexp(turns - floor(turns + 0.5), 64);  /* +-2^63 at most */
    uint64_t size = (uint64_t)floor(fabs(entry) + 0.5);
    table[i] = (entry < 0) != behind ? 0 - size : size;
  }
}

/* ------------------------------------------------ dense on LWE ciphertexts */

PPMLI_INLINE uint64_t ppmli_dense_bias(const ppml_circuit *c, uint32_t l, uint32_t j) {
  return (uint64_t)(int64_t)c->model.layer[l].bias[j] * ppmli_circuit_scale(c, l, j);
}

/* Accumulator j of layer l >= 1 from the activations of the layer before.
 *   out  [k N + 1]          out; no alias
 *   in   [inputs][k N + 1]  */
PPMLI_STATIC void ppmli_dense_lwe(uint64_t *out, const ppml_circuit *c, uint32_t l, uint32_t j,
                                  const uint64_t *in) {
  const ppml_layer *layer = &c->model.layer[l];
  size_t words = ppmli_params_long_dim(c->params) + 1;
  memset(out, 0, words * sizeof *out);
  for (uint32_t i = 0; i < layer->inputs; i++) {
    int64_t factor = ppmli_tables_have_weights(c, l - 1)
                         ? 1
                         : (int64_t)c->gain[l][j] * layer->weight[(size_t)j * layer->inputs + i];
    ppmli_lwe_muladd(out, in + i * words, (uint64_t)factor, words);
  }
  out[words - 1] += ppmli_dense_bias(c, l, j);
}

/* ------------------------------------------ dense on a GLWE-packed image */

/* Weight gain_j w_ji of pixel i = block N + n, or 0 behind the last one. */
PPMLI_INLINE int64_t ppmli_dense_weight(const ppml_circuit *c, uint32_t j, size_t i) {
  const ppml_layer *layer = &c->model.layer[0];
  if (i >= layer->inputs) return 0;
  return (int64_t)c->gain[0][j] * layer->weight[(size_t)j * layer->inputs + i];
}

/* The plaintext polynomial of neuron j for one block of the image,
 * w_0 - sum_{n > 0} w_n X^{N - n}: times sum_n x_n X^n it has the dot product as its
 * constant coefficient.
 *   poly [N]  out */
PPMLI_STATIC void ppmli_dense_weight_poly(uint64_t *poly, const ppml_circuit *c, uint32_t j,
                                          size_t block) {
  size_t N = c->params->poly_size;
  poly[0] = (uint64_t)ppmli_dense_weight(c, j, block * N);
  for (size_t n = 1; n < N; n++) poly[N - n] = (uint64_t)-ppmli_dense_weight(c, j, block * N + n);
}

/* The constant coefficient alone of weights times body polynomials, with the bias. */
PPMLI_STATIC uint64_t ppmli_dense_body(const ppml_circuit *c, uint32_t j, const uint64_t *body) {
  const ppml_layer *layer = &c->model.layer[0];
  const int8_t *w = layer->weight + (size_t)j * layer->inputs;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < layer->inputs; i++) sum += (uint64_t)(int64_t)w[i] * body[i];
  return sum * (uint64_t)(int64_t)c->gain[0][j] + ppmli_dense_bias(c, 0, j);
}

#endif
