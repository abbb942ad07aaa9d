/* Layer 7: how a network is laid out on the torus, and how noisy that is predicted to be.
 *
 * Value x of a layer's input stands at x unit; accumulator j at z_j unit gain_j.  The
 * gain is as large as lets the accumulator stay where its activation is defined:
 *
 *   odd activations (RELU, SIGN)  up to 1/2 - saturation: f(x + 1/2) = -f(x) goes on
 *                                 saturating where hardtanh would
 *   others                        up to 1/4: half a turn for the table
 *
 * for all that training saw, and a quarter more. */
#ifndef PPMLI_CIRCUIT_H
#define PPMLI_CIRCUIT_H

#include "noise.h"
#include "quant.h"
#include "rng.h"

#define PPMLI_INPUT_SCALE_LOG2 16   /* one unit of a full-scale input is 2^-16 of a turn */
#define PPMLI_EXACT_SCALE_LOG2 30   /* of exact circuits: an input of 1 is 2^-30 of a turn */
#define PPMLI_GAIN_MAX (1 << 15)    /* keeps plaintext polynomials small beside the FFT */
#define PPMLI_HIDDEN_GAIN_MAX 64    /* more would not help: the input's noise grows alike */
#define PPMLI_CHANGED_ANSWERS 0.005 /* what choosing a set by itself puts up with */

PPMLI_INLINE int ppmli_activation_is_odd(uint32_t activation) {
  return activation == PPML_ACTIVATION_RELU || activation == PPML_ACTIVATION_SIGN;
}

/* Does layer l + 1 have one output alone?  Then its weights go into layer l's tables. */
PPMLI_INLINE int ppmli_circuit_is_folded(const ppml_circuit *c, uint32_t l) {
  return !c->params->exact && c->model.layer[l + 1].outputs == 1;
}

/* The largest |z_j| that any input can lead to. */
PPMLI_STATIC int64_t ppmli_layer_bound(const ppml_layer *layer, uint32_t j, int32_t input_max) {
  int64_t bound = layer->bias[j] < 0 ? -(int64_t)layer->bias[j] : layer->bias[j];
  for (uint32_t i = 0; i < layer->inputs; i++) {
    int32_t w = layer->weight[(size_t)j * layer->inputs + i];
    bound += (int64_t)input_max * (w < 0 ? -w : w);
  }
  return bound;
}

PPMLI_INLINE int32_t ppmli_layer_input_max(const ppml_model *m, uint32_t l) {
  return l == 0 ? (int32_t)((1u << m->spec.input_bits) - 1) : PPML_ACTIVATION_MAX;
}

/* The largest torus value of z_j = 1 that keeps accumulator j where it should be. */
PPMLI_STATIC uint64_t ppmli_layer_capacity(const ppml_model *m, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &m->layer[l];
  if (layer->activation == PPML_ACTIVATION_NONE) { /* 7/16 of a turn: a score never wraps */
    uint64_t bound = (uint64_t)ppmli_layer_bound(layer, j, ppmli_layer_input_max(m, l));
    return ((uint64_t)7 << 60) / (bound ? bound : 1);
  }
  uint64_t peak = (uint64_t)layer->peak[j] + (uint64_t)layer->peak[j] / 4;
  if (ppmli_activation_is_odd(layer->activation))
    return ((uint64_t)1 << 63) / (peak + (uint64_t)layer->range[j]);
  return ((uint64_t)1 << 62) / peak;
}

PPMLI_STATIC uint64_t ppmli_layer_least_capacity(const ppml_model *m, uint32_t l) {
  uint64_t least = UINT64_MAX;
  for (uint32_t j = 0; j < m->layer[l].outputs; j++) {
    uint64_t capacity = ppmli_layer_capacity(m, l, j);
    if (capacity < least) least = capacity;
  }
  return least;
}

/* What an input of 1 is on the torus; the same for all circuits of a set, so that a client needs
 * to know nothing of the weights. */
PPMLI_INLINE uint64_t ppmli_circuit_input_unit(const ppml_params *p, const ppml_spec *spec) {
  if (p->exact) return (uint64_t)1 << (64 - PPMLI_EXACT_SCALE_LOG2);
  return (uint64_t)1 << (64 - PPMLI_INPUT_SCALE_LOG2 - spec->input_bits);
}

/* Chooses unit and gains of layer l.  Scores are compared, so they share one gain.
 * Errors: PARAMS (the network does not fit the torus). */
PPMLI_STATIC int ppmli_circuit_scale_layer(ppml_circuit *c, uint32_t l, int32_t *gain) {
  const ppml_model *m = &c->model;
  uint64_t least = ppmli_layer_least_capacity(m, l);
  uint64_t most = l == 0 ? PPMLI_GAIN_MAX : PPMLI_HIDDEN_GAIN_MAX;
  c->unit[l] = l == 0 ? ppmli_circuit_input_unit(c->params, &m->spec) : least;
  for (uint32_t j = 0; j < m->layer[l].outputs; j++) {
    int is_score = m->layer[l].activation == PPML_ACTIVATION_NONE;
    uint64_t g = (is_score ? least : ppmli_layer_capacity(m, l, j)) / c->unit[l];
    if (g == 0) return PPML_ERR_PARAMS;
    gain[j] = (int32_t)(g < most ? g : most);
  }
  c->gain[l] = gain;
  return PPML_OK;
}

/* What z_j = 1 is on the torus, as the score or inside layer l. */
PPMLI_INLINE uint64_t ppmli_circuit_scale(const ppml_circuit *c, uint32_t l, uint32_t j) {
  return c->unit[l] * (uint64_t)c->gain[l][j];
}

PPMLI_INLINE uint64_t ppmli_circuit_score_unit(const ppml_circuit *c) {
  return ppmli_circuit_scale(c, c->model.layer_count - 1, 0);
}

PPMLI_STATIC size_t ppmli_circuit_pbs_count(const ppml_circuit *c) {
  size_t count = 0;
  for (uint32_t l = 0; l + 1 < c->model.layer_count; l++) count += c->model.layer[l].outputs;
  return count;
}

/* ------------------------------------------------------------- prediction */

/* Variance of accumulator j of layer l on the torus, before it is switched and rounded. */
PPMLI_STATIC double ppmli_circuit_dense_variance(const ppml_circuit *c, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &c->model.layer[l];
  double squares = 0, input = l == 0 ? ppmli_noise_fresh(c->params, c->params->input_wire_bits)
                                     : ppmli_noise_blind_rotation(c->params);
  if (l > 0 && layer->outputs == 1) return layer->inputs * input; /* folded into the tables */
  for (uint32_t i = 0; i < layer->inputs; i++)
    squares += ppmli_square(layer->weight[(size_t)j * layer->inputs + i]);
  return squares * ppmli_square(c->gain[l][j]) * input;
}

/* The same where it is used: rounded to the 2 N positions of a table, or on the wire. */
PPMLI_STATIC double ppmli_circuit_variance(const ppml_circuit *c, uint32_t l, uint32_t j) {
  double dense = ppmli_circuit_dense_variance(c, l, j);
  if (l + 1 == c->model.layer_count) return dense + ppmli_noise_output_switch(c->params);
  return dense + ppmli_noise_keyswitch(c->params) + ppmli_noise_modulus_switch(c->params);
}

/* Standard deviation of accumulator j of layer l in units of z. */
PPMLI_STATIC double ppmli_circuit_std(const ppml_circuit *c, uint32_t l, uint32_t j) {
  double scale = ldexp((double)ppmli_circuit_scale(c, l, j), -64);
  return sqrt(ppmli_circuit_variance(c, l, j)) / scale;
}

/* Largest noise of a layer's accumulators, relative to the width of its activation. */
PPMLI_STATIC double ppmli_circuit_layer_noise(const ppml_circuit *c, uint32_t l) {
  const ppml_layer *layer = &c->model.layer[l];
  double worst = 0;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    double width = 2.0 * layer->range[j], noise = ppmli_circuit_std(c, l, j) / width;
    if (noise > worst) worst = noise;
  }
  return worst;
}

/* Variance of score c that the noise of the last hidden layer's accumulators leads to,
 * taking half of its neurons to be where the activation has its slope. */
PPMLI_STATIC double ppmli_circuit_hidden_variance(const ppml_circuit *c, uint32_t score) {
  const ppml_model *m = &c->model;
  double sum = 0;
  if (m->layer_count < 2) return 0;
  uint32_t l = m->layer_count - 2;
  for (uint32_t j = 0; j < m->layer[l].outputs; j++) {
    double slope = PPML_ACTIVATION_MAX / (double)m->layer[l].range[j];
    double w = m->layer[l + 1].weight[(size_t)score * m->layer[l + 1].inputs + j];
    sum += ppmli_square(w * slope * ppmli_circuit_std(c, l, j)) / 2;
  }
  return sum;
}

/* Answers change where the margin m is below the noise: near zero the density of m is
 * 5 % over margin_p05, and the integral of P(noise > m) is std / sqrt(2 pi). */
PPMLI_STATIC double ppmli_circuit_changed_answers(const ppml_circuit *c, double score_std) {
  double pairs = c->model.spec.outputs > 1 ? sqrt(2.0) : 1;
  double margin = c->model.margin_p05 ? c->model.margin_p05 : 1;
  double changed = 0.05 / margin * pairs * score_std * 0.3989;
  return changed < 1 ? changed : 1;
}

PPMLI_STATIC void ppmli_circuit_noise(ppml_noise *noise, const ppml_circuit *c) {
  uint32_t last = c->model.layer_count - 1;
  double worst = 0;
  memset(noise, 0, sizeof *noise);
  noise->bootstrap = sqrt(ppmli_noise_blind_rotation(c->params));
  for (uint32_t l = 0; l < last; l++) noise->layer[l] = ppmli_circuit_layer_noise(c, l);
  for (uint32_t s = 0; s < c->model.spec.outputs; s++) {
    double std = ppmli_circuit_std(c, last, s);
    double variance = std * std + ppmli_circuit_hidden_variance(c, s);
    if (variance > worst) worst = variance;
  }
  noise->score = sqrt(worst);
  noise->changed_answers = ppmli_circuit_changed_answers(c, noise->score);
}

/* ------------------------------------------------------------- simulation */

/* A standard normal number, as a sum of twelve uniform ones. */
PPMLI_STATIC double ppmli_rng_normal(ppml_rng *rng) {
  double sum = -6;
  for (int i = 0; i < 12; i++) sum += ldexp((double)(ppmli_rng_u64(rng) >> 11), -53);
  return sum;
}

typedef struct ppmli_simulation {
  const ppml_circuit *circuit;
  ppml_rng *rng;
} ppmli_simulation;

/* Where a torus value of t turns stands for an odd activation: behind a quarter turn its
 * table has f(t) = f(1/2 - t), so a large overshoot comes down again. */
PPMLI_STATIC double ppmli_simulate_turn(double t) {
  t -= floor(t + 0.5);
  return t > 0.25 ? 0.5 - t : t < -0.25 ? -0.5 - t : t;
}

PPMLI_STATIC void ppmli_simulate_layer(void *context, uint32_t l, int32_t *z) {
  ppmli_simulation *s = (ppmli_simulation *)context;
  const ppml_layer *layer = &s->circuit->model.layer[l];
  const double most = INT32_MAX; /* where noise leaves nothing of z, it must not overflow */
  for (uint32_t j = 0; j < layer->outputs; j++) {
    double scale = ldexp((double)ppmli_circuit_scale(s->circuit, l, j), -64);
    double noisy = z[j] + ppmli_circuit_std(s->circuit, l, j) * ppmli_rng_normal(s->rng);
    if (ppmli_activation_is_odd(layer->activation))
      noisy = ppmli_simulate_turn(noisy * scale) / scale;
    noisy = floor(noisy + 0.5);
    z[j] = (int32_t)(noisy < -most ? -most : noisy > most ? most : noisy);
  }
}

PPMLI_STATIC int ppmli_simulate(int32_t *scores, const ppml_circuit *circuit, const uint8_t *pixels,
                                ppml_rng *rng, ppml_arena *arena) {
  ppmli_simulation s = {circuit, rng};
  ppmli_quant_hook hook = {ppmli_simulate_layer, &s};
  int exact = circuit->params->exact != 0; /* rounding takes all of the noise off */
  return ppmli_quant_forward(scores, &circuit->model, pixels, exact ? NULL : &hook, arena);
}

#endif
