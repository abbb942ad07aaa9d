/* Layer 7: how a network with a polynomial activation is laid out, and how noisy it is.
 *
 * Scores are whole multiples of 1 / T of a turn, T = 2^t with room for scores beyond what
 * training saw.  The pixels come in blocks of B = N / slots, one ciphertext each, pixel i of a
 * block at coefficient i.  Two sums over the blocks, each times a polynomial of weights,
 *
 *   H, which has  z_j                               at X^(j B)
 *   V, which has  v_cj (square_j z_j + linear_j)    at X^(-j B), for every score c
 *
 * have dot products there and other sums at all other coefficients.  A trace clears those of H;
 * it multiplies what it keeps by B, so pixels stand at 1 / (B T), and V's weights are B times as
 * large.  The constant coefficient of H V then is score c: what V has elsewhere meets zeros. */
#ifndef PPMLI_LEVELED_H
#define PPMLI_LEVELED_H

#include "circuit.h"

/* Scores may be so many times as large as training hardly ever saw them, in halves. */
#define PPMLI_LEVELED_ROOM_HALVES 5
#define PPMLI_LEVELED_SQUARES_MAX 4294967296.0 /* of a polynomial's weights: exact in the FFT */

/* Blocks of an image. */
PPMLI_INLINE size_t ppmli_leveled_blocks(const ppml_params *p, const ppml_spec *spec) {
  uint32_t block = ppmli_params_block(p);
  return (ppmli_spec_inputs(spec) + block - 1) / block;
}

/* t: the least that leaves scores their room. */
PPMLI_STATIC uint32_t ppmli_leveled_modulus_log2(const ppml_model *m) {
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  int64_t peak = 1;
  uint32_t t = 1;
  for (uint32_t c = 0; c < last->outputs; c++)
    if (last->peak[c] > peak) peak = last->peak[c];
  while (((int64_t)1 << t) < PPMLI_LEVELED_ROOM_HALVES * peak) t++;
  return t;
}

/* ---------------------------------------------------------------- weights */

/* What z_j is multiplied by on its way into V of score c. */
PPMLI_INLINE int64_t ppmli_leveled_factor(const ppml_model *m, uint32_t c, uint32_t j) {
  return (int64_t)m->layer[1].weight[(size_t)c * m->layer[1].inputs + j] * m->layer[0].square[j];
}

/* Sum of the squares of the weights of neuron j. */
PPMLI_STATIC double ppmli_leveled_squares(const ppml_model *m, uint32_t j) {
  const ppml_layer *hidden = &m->layer[0];
  double squares = 0;
  for (uint32_t i = 0; i < hidden->inputs; i++)
    squares += ppmli_square(hidden->weight[(size_t)j * hidden->inputs + i]);
  return squares;
}

/* Of all weights of H, and of V of score o. */
PPMLI_STATIC double ppmli_leveled_h_squares(const ppml_model *m) {
  double squares = 0;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++) squares += ppmli_leveled_squares(m, j);
  return squares;
}

PPMLI_STATIC double ppmli_leveled_v_squares(const ppml_model *m, uint32_t o) {
  double squares = 0;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++)
    squares += ppmli_leveled_squares(m, j) * ppmli_square((double)ppmli_leveled_factor(m, o, j));
  return squares;
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

/* ----------------------------------------------------------------- layout */

/* Why a polynomial network fits no leveled set, as one line, or NULL. */
PPMLI_STATIC const char *ppmli_leveled_refusal(const ppml_model *m) {
  if (m->layer[0].outputs > PPMLI_LEVELED_SLOTS_MAX)
    return "a polynomial activation takes 128 neurons at most";
  if (ppmli_leveled_modulus_log2(m) > PPMLI_TENSOR_MODULUS_LOG2_MAX)
    return "its scores, with room, are beyond 2^30";
  for (uint32_t o = 0; o < m->spec.outputs; o++)
    if (ppmli_leveled_v_squares(m, o) > PPMLI_LEVELED_SQUARES_MAX)
      return "its weights are too large for exact sums";
  return ppmli_leveled_h_squares(m) > PPMLI_LEVELED_SQUARES_MAX
             ? "its weights are too large for exact sums"
             : NULL;
}

/* Units and gains; accumulators are what they are.
 *   gain  [2][outputs]
 * Errors: PARAMS. */
PPMLI_STATIC int ppmli_leveled_scale(ppml_circuit *c, int32_t *const *gain) {
  const ppml_model *m = &c->model;
  if (!ppmli_model_is_polynomial(m) || ppmli_leveled_refusal(m) != NULL) return PPML_ERR_PARAMS;
  if (m->layer[0].outputs > c->params->slots) return PPML_ERR_PARAMS;
  c->unit[1] = (uint64_t)1 << (64 - ppmli_leveled_modulus_log2(m));
  c->unit[0] = c->unit[1] / ppmli_params_block(c->params);
  for (uint32_t l = 0; l < 2; l++) {
    for (uint32_t j = 0; j < m->layer[l].outputs; j++) gain[l][j] = 1;
    c->gain[l] = gain[l];
  }
  return PPML_OK;
}

/* Is this the layout of the model?  Errors: PARAMS. */
PPMLI_STATIC int ppmli_leveled_check(const ppml_circuit *c) {
  const ppml_model *m = &c->model;
  if (!ppmli_model_is_polynomial(m) || ppmli_leveled_refusal(m) != NULL) return PPML_ERR_PARAMS;
  if (m->layer[0].outputs > c->params->slots) return PPML_ERR_PARAMS;
  if (c->unit[1] != (uint64_t)1 << (64 - ppmli_leveled_modulus_log2(m))) return PPML_ERR_PARAMS;
  if (c->unit[0] != c->unit[1] / ppmli_params_block(c->params)) return PPML_ERR_PARAMS;
  for (uint32_t l = 0; l < 2; l++)
    for (uint32_t j = 0; j < m->layer[l].outputs; j++)
      if (c->gain[l][j] != 1) return PPML_ERR_PARAMS;
  return PPML_OK;
}

/* ------------------------------------------------------------- prediction */

/* The largest |score| that any image leads to, or 2^62. */
PPMLI_STATIC int64_t ppmli_leveled_bound(const ppml_model *m, uint32_t o) {
  const ppml_layer *hidden = &m->layer[0], *last = &m->layer[1];
  double bound = fabs((double)last->bias[o]), most = ldexp(1, 62);
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    double z = (double)ppmli_layer_bound(hidden, j, ppmli_layer_input_max(m, 0));
    double a = z * (fabs((double)hidden->square[j]) * z + fabs((double)hidden->linear[j]));
    bound += fabs((double)last->weight[(size_t)o * last->inputs + j]) * a;
  }
  return bound < most ? (int64_t)bound : (int64_t)most;
}

/* Variances, in turns: of H behind its trace and of V behind its multiplication, on average
 * over coefficients; of the relinearized product. */
typedef struct ppmli_leveled_noise {
  double h, v, product;
} ppmli_leveled_noise;

/* Of score o. */
PPMLI_STATIC void ppmli_leveled_predict(ppmli_leveled_noise *noise, const ppml_circuit *c,
                                        uint32_t o) {
  const ppml_params *p = c->params;
  double fresh = ppmli_noise_fresh(p, p->input_wire_bits);
  noise->h = ppmli_noise_trace(p, ppmli_leveled_h_squares(&c->model) * fresh) +
             ppmli_params_trace_steps(p) * ppmli_noise_automorphism(p); /* meets S again in V */
  noise->v = ppmli_square(ppmli_params_block(p)) * ppmli_leveled_v_squares(&c->model, o) * fresh;
  noise->product =
      ppmli_noise_product(p, ppmli_leveled_modulus_log2(&c->model), noise->h, noise->v) +
      ppmli_noise_relinearization(p);
}

/* The noise of the score that has most. */
PPMLI_STATIC void ppmli_leveled_predict_worst(ppmli_leveled_noise *worst, const ppml_circuit *c) {
  ppmli_leveled_noise noise;
  memset(worst, 0, sizeof *worst);
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) {
    ppmli_leveled_predict(&noise, c, o);
    if (noise.product > worst->product) *worst = noise;
  }
}

/* As ppml_noise has it. */
PPMLI_STATIC void ppmli_leveled_noise_of(ppml_noise *noise, const ppml_circuit *c) {
  ppmli_leveled_noise worst;
  double unit = ldexp((double)c->unit[1], -64);
  int is_contest = ppmli_spec_is_contest(&c->model.spec);
  memset(noise, 0, sizeof *noise);
  ppmli_leveled_predict_worst(&worst, c);
  noise->score = sqrt(worst.product + ppmli_noise_output_switch(c->params)) / unit;
  noise->changed_answers =
      ppmli_circuit_changed_answers(c, noise->score * sqrt(is_contest ? 2.0 : 1.0));
}

#endif
