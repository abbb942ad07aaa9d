/* Layer 7: how a network with a polynomial activation is laid out, and how noisy it is.
 *
 * Scores are whole multiples of 1 / T of a turn, T = 2^t with room for all scores that there are
 * where that adds next to no noise, which grows with T^2, else for those beyond what training saw.
 * The pixels come in blocks of B = N / slots, one ciphertext each, pixel i of a
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
#define PPMLI_LEVELED_CHEAP 1e-4 /* answers that noise may change where every score has room */
#define PPMLI_LEVELED_EXACT_MAX 1.1e12 /* 2^40, see ppmli_leveled_is_exact */

/* t: the least that leaves scores of training their room. */
PPMLI_STATIC uint32_t ppmli_leveled_least_log2(const ppml_model *m) {
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  int64_t peak = 1;
  uint32_t t = 1;
  for (uint32_t c = 0; c < last->outputs; c++)
    if (last->peak[c] > peak) peak = last->peak[c];
  while (((int64_t)1 << t) < PPMLI_LEVELED_ROOM_HALVES * peak) t++;
  return t;
}

/* The most and the least of what x and y may add up to. */
typedef struct ppmli_reach {
  int64_t low, high;
} ppmli_reach;

/* Of z_j over all images; pixels are not negative. */
PPMLI_STATIC ppmli_reach ppmli_leveled_reach(const ppml_model *m, uint32_t j) {
  const ppml_layer *layer = &m->layer[0];
  const int8_t *w = layer->weight + (size_t)j * layer->inputs;
  ppmli_reach z = {layer->bias[j], layer->bias[j]};
  for (uint32_t i = 0; i < layer->inputs; i++)
    *(w[i] < 0 ? &z.low : &z.high) += (int64_t)w[i] * ppmli_layer_input_max(m, 0);
  return z;
}

PPMLI_INLINE int64_t ppmli_magnitude(int64_t x) {
  return x < 0 ? -x : x;
}

/* The largest |z (square z + linear)| for z within reach. */
PPMLI_STATIC int64_t ppmli_leveled_activation_bound(ppmli_reach z, int32_t square, int32_t linear) {
  int64_t most = -z.low > z.high ? -z.low : z.high;
  return most * (ppmli_magnitude(square) * most + ppmli_magnitude(linear));
}

/* No image leads to a larger |score|; a valid model's is below 2^62. */
PPMLI_STATIC int64_t ppmli_leveled_bound(const ppml_model *m, uint32_t o) {
  const ppml_layer *hidden = &m->layer[0], *last = &m->layer[1];
  ppmli_reach sum = {0, 0};
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    int32_t w = last->weight[(size_t)o * last->inputs + j];
    int64_t a = ppmli_leveled_activation_bound(ppmli_leveled_reach(m, j), hidden->square[j],
                                               hidden->linear[j]);
    int is_signed = hidden->linear[j] != 0; /* else all activations have square's sign */
    int64_t part = ppmli_magnitude(w) * a;
    if (is_signed || (int64_t)w * hidden->square[j] > 0) sum.high += part;
    if (is_signed || (int64_t)w * hidden->square[j] < 0) sum.low += part;
  }
  return (sum.high > sum.low ? sum.high : sum.low) + ppmli_magnitude(last->bias[o]);
}

/* t: the least that leaves room for every score there is, and a quarter more for noise; beyond
 * what a circuit may have, where that is beyond it. */
PPMLI_STATIC uint32_t ppmli_leveled_whole_log2(const ppml_model *m) {
  uint32_t t = ppmli_leveled_least_log2(m);
  for (uint32_t o = 0; o < m->spec.outputs; o++)
    while (t <= PPMLI_TENSOR_MODULUS_LOG2_MAX &&
           ((int64_t)1 << t) / PPMLI_LEVELED_ROOM_HALVES * 2 <= ppmli_leveled_bound(m, o))
      t++;
  return t;
}

PPMLI_INLINE uint64_t ppmli_leveled_unit(uint32_t modulus_log2) {
  return (uint64_t)1 << (64 - modulus_log2);
}

/* t of a circuit that is laid out. */
PPMLI_STATIC uint32_t ppmli_leveled_modulus_log2(const ppml_circuit *c) {
  uint32_t t = 1;
  while (t < 63 && ppmli_leveled_unit(t) > c->unit[1]) t++;
  return t;
}

/* ---------------------------------------------------------------- weights */

/* What z_j is multiplied by on its way into V of score c. */
PPMLI_INLINE int64_t ppmli_leveled_factor(const ppml_model *m, uint32_t c, uint32_t j) {
  return (int64_t)m->layer[1].weight[(size_t)c * m->layer[1].inputs + j] * m->layer[0].square[j];
}

/* Sums of the squares of the weights of each neuron, and of all of H. */
typedef struct ppmli_leveled_norms {
  double each[PPMLI_LEVELED_SLOTS_MAX], h;
} ppmli_leveled_norms;

/* Of at most SLOTS_MAX neurons. */
PPMLI_STATIC void ppmli_leveled_measure(ppmli_leveled_norms *norms, const ppml_model *m) {
  const ppml_layer *hidden = &m->layer[0];
  norms->h = 0;
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    const int8_t *w = hidden->weight + (size_t)j * hidden->inputs;
    double squares = 0;
    for (uint32_t i = 0; i < hidden->inputs; i++) squares += ppmli_square(w[i]);
    norms->each[j] = squares;
    norms->h += squares;
  }
}

/* The same sum of V of score o, but for its factor B. */
PPMLI_STATIC double ppmli_leveled_v_norm(const ppmli_leveled_norms *norms, const ppml_model *m,
                                         uint32_t o) {
  double squares = 0;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++)
    squares += norms->each[j] * ppmli_square((double)ppmli_leveled_factor(m, o, j));
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

/* Are sums over that many blocks of products with the upper parts of words exact?  Of a step,
 * 2^-32 of a turn, the FFT leaves sqrt(norm (80 + blocks)) 2^-24: at most 1/16, eight deviations
 * from another step.  Measured up to 2048 blocks: rounding of the sum itself grows with them. */
PPMLI_INLINE int ppmli_leveled_is_exact(double norm, double blocks) {
  return norm * (80 + blocks) <= PPMLI_LEVELED_EXACT_MAX;
}

/* Why a polynomial network fits no leveled set, as one line, or NULL. */
PPMLI_STATIC const char *ppmli_leveled_refusal(const ppml_model *m) {
  ppmli_leveled_norms norms;
  double blocks = (double)ppmli_spec_inputs(&m->spec) / 32; /* of the set with most, 128 slots */
  if (m->layer[0].outputs > PPMLI_LEVELED_SLOTS_MAX)
    return "a polynomial activation takes 128 neurons at most";
  if (ppmli_leveled_least_log2(m) > PPMLI_TENSOR_MODULUS_LOG2_MAX)
    return "its scores, with room, are beyond 2^30";
  ppmli_leveled_measure(&norms, m);
  double most = norms.h;
  for (uint32_t o = 0; o < m->spec.outputs; o++) {
    double norm = ppmli_leveled_v_norm(&norms, m, o);
    if (norm > most) most = norm;
  }
  return ppmli_leveled_is_exact(most, blocks) ? NULL : "its weights are too large for exact sums";
}

PPMLI_STATIC void ppmli_leveled_set_units(ppml_circuit *c, uint32_t modulus_log2) {
  c->unit[1] = ppmli_leveled_unit(modulus_log2);
  c->unit[0] = c->unit[1] / ppmli_params_block(c->params);
}

PPMLI_STATIC int ppmli_leveled_is_cheap(const ppml_circuit *c); /* with "prediction", below */

/* Units and gains; accumulators are what they are.
 *   gain  [2][outputs]
 * Errors: PARAMS. */
PPMLI_STATIC int ppmli_leveled_scale(ppml_circuit *c, int32_t *const *gain) {
  const ppml_model *m = &c->model;
  if (!ppmli_model_is_polynomial(m) || ppmli_leveled_refusal(m) != NULL) return PPML_ERR_PARAMS;
  if (m->layer[0].outputs > c->params->slots) return PPML_ERR_PARAMS;
  uint32_t least = ppmli_leveled_least_log2(m), whole = ppmli_leveled_whole_log2(m);
  ppmli_leveled_set_units(c, whole <= PPMLI_TENSOR_MODULUS_LOG2_MAX ? whole : least);
  if (!ppmli_leveled_is_cheap(c)) ppmli_leveled_set_units(c, least);
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
  uint32_t t = ppmli_leveled_modulus_log2(c);
  if (t > PPMLI_TENSOR_MODULUS_LOG2_MAX || c->unit[1] != ppmli_leveled_unit(t))
    return PPML_ERR_PARAMS;
  if (t != ppmli_leveled_least_log2(m) && t != ppmli_leveled_whole_log2(m)) return PPML_ERR_PARAMS;
  if (c->unit[0] != c->unit[1] / ppmli_params_block(c->params)) return PPML_ERR_PARAMS;
  for (uint32_t l = 0; l < 2; l++)
    for (uint32_t j = 0; j < m->layer[l].outputs; j++)
      if (c->gain[l][j] != 1) return PPML_ERR_PARAMS;
  return PPML_OK;
}

/* ------------------------------------------------------------- prediction */

/* Variances, in turns: of H behind its trace and of V behind its multiplication, on average
 * over coefficients; of the relinearized product. */
typedef struct ppmli_leveled_noise {
  double h, v, product;
} ppmli_leveled_noise;

/* Of score o. */
PPMLI_STATIC void ppmli_leveled_predict(ppmli_leveled_noise *noise, const ppml_circuit *c,
                                        const ppmli_leveled_norms *norms, uint32_t o) {
  const ppml_params *p = c->params;
  double fresh = ppmli_noise_fresh(p, p->input_wire_bits);
  noise->h = ppmli_noise_trace(p, norms->h * fresh) +
             ppmli_params_trace_steps(p) * ppmli_noise_automorphism(p); /* meets S again in V */
  noise->v =
      ppmli_square(ppmli_params_block(p)) * ppmli_leveled_v_norm(norms, &c->model, o) * fresh;
  noise->product = ppmli_noise_product(p, ppmli_leveled_modulus_log2(c), noise->h, noise->v) +
                   ppmli_noise_relinearization(p);
}

/* The noise of the score that has most. */
PPMLI_STATIC void ppmli_leveled_predict_worst(ppmli_leveled_noise *worst, const ppml_circuit *c) {
  ppmli_leveled_noise noise;
  ppmli_leveled_norms norms;
  ppmli_leveled_measure(&norms, &c->model);
  memset(worst, 0, sizeof *worst);
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) {
    ppmli_leveled_predict(&noise, c, &norms, o);
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

/* Does the noise of a circuit change next to no answer, and no more than are allowed? */
PPMLI_STATIC int ppmli_leveled_is_cheap(const ppml_circuit *c) {
  ppml_noise noise;
  ppmli_leveled_noise_of(&noise, c);
  return noise.changed_answers <= PPMLI_LEVELED_CHEAP && noise.changed_answers <= 1 - c->agreement;
}

#endif
