/* What noise the answers of a rounded circuit will have.  In: a circuit that is laid out; out: the noise of
 * accumulators, activations and scores, and the share of answers that it changes.  No image is at hand, so
 * accumulators are taken to be normal, as wide as their peaks say.  Formulas: docs/NOISE.md "Network".
 * Next: noise.h for single steps, simulate.h for what images do. */
#ifndef PPMLI_PLAN_ROUNDED_NOISE_H
#define PPMLI_PLAN_ROUNDED_NOISE_H

#include <math.h>

#include "../math/params.h"
#include "../network/pooled_model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "bridged_noise.h"
#include "noise.h"

/* Bootstraps that an input of layer l >= 1 is the sum of. */
PPMLI_INLINE double ppmli_circuit_lookups(const ppml_circuit *c, uint32_t l) {
  return l > 0 && ppmli_model_gates(&c->model, l - 1) ? 2 : 1;
}

/* Variance of accumulator j of layer l on the torus, before it is switched and rounded. */
PPMLI_STATIC double ppmli_circuit_dense_variance(const ppml_circuit *c, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &c->model.layer[l];
  if (l == 0 && ppmli_params_is_bridged(c->params))
    return ppmli_square(c->gain[0][j]) * ppmli_bridged_feature_variance(c, j);
  double squares = 0, input = l == 0 ? ppmli_noise_fresh(c->params, c->params->input_wire_bits)
                                     : ppmli_noise_blind_rotation(c->params);
  if (l > 0 && ppmli_tables_have_weights(c, l - 1))
    return layer->inputs * input * ppmli_circuit_lookups(c, l);
  for (uint32_t i = 0; i < layer->inputs; i++)
    squares += ppmli_square(layer->weight[(size_t)j * layer->inputs + i]);
  return squares * ppmli_square(c->gain[l][j]) * input * ppmli_circuit_lookups(c, l);
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

/* What an error of an accumulator is to its activation. */
typedef struct ppmli_response {
  double gain;  /* mean square of the slope, activation over z, where it has one */
  double share; /* of the accumulators that are there */
} ppmli_response;

/* Standard deviation of accumulator j, taken to be normal: its peak says how far 1 in
 * PPMLI_PEAK_SHARE is out. */
PPMLI_INLINE double ppmli_circuit_spread(const ppml_layer *layer, uint32_t j) {
  return layer->peak[j] / PPMLI_PEAK_DEVIATIONS;
}

/* A flat stretch has no slope: of relu beyond the range; of square, slope is 4 MAX z / range^2
 * inside; of a table, that between its entries. */
PPMLI_STATIC ppmli_response ppmli_circuit_response(const ppml_layer *layer, uint32_t j) {
  double range = layer->range[j], spread = ppmli_circuit_spread(layer, j), at = range / spread;
  ppmli_response r = {ppmli_square(PPML_ACTIVATION_MAX / range), erf(at * 0.70710678)};
  if (layer->activation == PPML_ACTIVATION_CLIPPED_SQUARE) {
    double inside = r.share - at * 0.79788456 * exp(-at * at / 2); /* E[z^2; inside] / spread^2 */
    if (inside < 0) inside = 0; /* by rounding, where the range is next to nothing */
    r.gain = ppmli_square(4 * PPML_ACTIVATION_MAX * spread / (range * range)) * inside / r.share;
  }
  if (layer->activation == PPML_ACTIVATION_TABLE) {
    r.gain = 0;
    for (int i = 1; i < PPML_TABLE_SIZE; i++)
      r.gain +=
          ppmli_square((layer->table[i] - layer->table[i - 1]) * (PPML_TABLE_SIZE / 2) / range);
    r.gain /= PPML_TABLE_SIZE - 1;
  }
  return r;
}

/* Does noise of variance var turn the sign of a normal number of that spread? */
PPMLI_INLINE double ppmli_circuit_flips(double spread, double variance) {
  return atan(sqrt(variance) / spread) / 3.14159265358979;
}

/* Variance of activation j, in units, where its accumulator has that variance in units of z. */
PPMLI_STATIC double ppmli_circuit_activation_variance(const ppml_layer *layer, uint32_t j,
                                                      double variance) {
  if (layer->activation == PPML_ACTIVATION_SIGN)
    return ppmli_square(2 * PPML_ACTIVATION_MAX) *
           ppmli_circuit_flips(ppmli_circuit_spread(layer, j), variance);
  ppmli_response r = ppmli_circuit_response(layer, j);
  double most = ppmli_square(PPML_ACTIVATION_MAX), squares = r.gain * r.share * variance;
  return squares < most ? squares : most;
}

/* Share of the accumulators that are beyond their room on the torus: images from elsewhere are taken to
 * reach as far beyond the room as training images reach beyond the peak, docs/NOISE.md "Network". */
#define PPMLI_CIRCUIT_WRAPS (1.0 / PPMLI_PEAK_SHARE)

/* Mean square of the error of an activation whose accumulator is beyond its room.  It finds the table's
 * other half, where the activation has the other sign; an odd activation passes through all values on
 * the way there. */
PPMLI_INLINE double ppmli_circuit_wrap_square(const ppml_model *m, uint32_t l) {
  const ppml_layer *layer = &m->layer[l];
  double most = ppmli_square(2 * PPML_ACTIVATION_MAX);
  if (ppmli_model_gates(m, l))
    most *= PPMLI_GATE_FEATURE_SQUARE / 4; /* times what it is a gate for */
  return ppmli_activation_is_odd(layer->activation) ? most / 2 : most;
}

/* Probability that activation j is off by more than PPML_ACTIVATION_WRONG. */
PPMLI_STATIC double ppmli_circuit_wrong(const ppml_layer *layer, uint32_t j, double variance) {
  if (layer->activation == PPML_ACTIVATION_SIGN)
    return ppmli_circuit_flips(ppmli_circuit_spread(layer, j), variance);
  ppmli_response r = ppmli_circuit_response(layer, j);
  double std = sqrt(r.gain * variance);
  return std > 0 ? r.share * erfc(PPML_ACTIVATION_WRONG / (std * 1.41421356)) : 0;
}

/* Variance of accumulator j of layer l in units of z: its own noise, and what the errors of
 * the activations before, `before` on average, bring along. */
PPMLI_STATIC double ppmli_circuit_total_variance(const ppml_circuit *c, uint32_t l, uint32_t j,
                                                 double before) {
  const ppml_layer *layer = &c->model.layer[l];
  double squares = 0;
  for (uint32_t i = 0; l > 0 && i < layer->inputs; i++)
    squares += ppmli_square(layer->weight[(size_t)j * layer->inputs + i]);
  return ppmli_square(ppmli_circuit_std(c, l, j)) + squares * before;
}

/* Variance of activation j of layer l, from that of the layer before; of a gate, of what it is multiplied
 * into. */
PPMLI_STATIC double ppmli_circuit_next_variance(const ppml_circuit *c, uint32_t l, uint32_t j,
                                                double before) {
  double accumulator = ppmli_circuit_total_variance(c, l, j, before);
  double error = ppmli_circuit_activation_variance(&c->model.layer[l], j, accumulator);
  return ppmli_model_gates(&c->model, l) ? ppmli_bridged_product_variance(c, j, error) : error;
}

/* The mean of them. */
PPMLI_STATIC double ppmli_circuit_mean_variance(const ppml_circuit *c, uint32_t l, double before) {
  uint32_t outputs = c->model.layer[l].outputs;
  double sum = 0;
  for (uint32_t j = 0; j < outputs; j++) sum += ppmli_circuit_next_variance(c, l, j, before);
  return sum / outputs;
}

/* What the error of an activation before layer l is to the scores, which that layer has: the mean square
 * of its weights; and to a margin, which for scores that are compared is the mean square of
 * the differences of its weights, all pairs alike: 2 / (outputs - 1) times the squares about
 * the mean.  Of a layer that is compared already it is the same for both. */
typedef struct ppmli_pull {
  double score, margin;
} ppmli_pull;

PPMLI_STATIC ppmli_pull ppmli_circuit_pull(const ppml_model *m, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &m->layer[l];
  double sum = 0, squares = 0, n = layer->outputs;
  for (uint32_t o = 0; o < layer->outputs; o++) {
    double w = layer->weight[(size_t)o * layer->inputs + j];
    sum += w;
    squares += w * w;
  }
  ppmli_pull pull = {squares / n, squares / n};
  if (ppmli_spec_is_contest(&m->spec) && !m->spec.decides)
    pull.margin = 2 * (squares - sum * sum / n) / (n - 1);
  return pull;
}

/* Noise that a score has of itself, in its units: the switch to output_bits, and bootstraps
 * or encrypted pixels where their weights do not tell the scores apart. */
PPMLI_STATIC double ppmli_circuit_own_variance(const ppml_circuit *c) {
  uint32_t last = c->model.layer_count - 1;
  int all = last == 0 || ppmli_tables_have_weights(c, last - 1);
  double variance = ppmli_noise_output_switch(c->params);
  double dense = 0; /* of the worst score */
  for (uint32_t j = 0; all && j < c->model.layer[last].outputs; j++) {
    double one = ppmli_circuit_dense_variance(c, last, j);
    if (one > dense) dense = one;
  }
  variance += dense;
  return variance / ppmli_square(ldexp((double)ppmli_circuit_score_unit(c), -64));
}

/* Variance of a score, and of the margin between two, or between one and its threshold, but for
 * accumulators of the last hidden layer that wrap, of which a margin's noise has none.
 *   before  mean variance of the activations two layers before the scores */
PPMLI_STATIC ppmli_pull ppmli_circuit_score_variance(const ppml_circuit *c, double before) {
  const ppml_model *m = &c->model;
  double own = ppmli_circuit_own_variance(c);
  ppmli_pull sum = {own, ppmli_spec_is_contest(&m->spec) ? 2 * own : own};
  if (m->layer_count < 2) return sum;
  uint32_t l = m->layer_count - 2;
  double unit = ldexp((double)c->unit[l + 1], -64), bootstrap = 0;
  if (!ppmli_tables_have_weights(c, l))
    bootstrap = ppmli_noise_blind_rotation(c->params) / ppmli_square(unit);
  for (uint32_t j = 0; j < m->layer[l].outputs; j++) {
    ppmli_pull pull = ppmli_circuit_pull(m, l + 1, j);
    double error = ppmli_circuit_next_variance(c, l, j, before);
    error += bootstrap * ppmli_circuit_lookups(c, l + 1);
    sum.score += pull.score * (error + PPMLI_CIRCUIT_WRAPS * ppmli_circuit_wrap_square(m, l));
    sum.margin += pull.margin * error;
  }
  return sum;
}

/* Density of the margin near zero: 5 % over margin_p05.  Twice that, for images less like those of
 * training have more small margins. */
PPMLI_INLINE double ppmli_circuit_margin_density(const ppml_model *m) {
  return 2 * 0.05 / (m->margin_p05 ? m->margin_p05 : 1);
}

/* Answers change where the margin m is below its noise: the integral of P(noise > m) is
 * std / sqrt(2 pi). */
PPMLI_INLINE double ppmli_circuit_margin_changes(const ppml_circuit *c, double margin_std) {
  return ppmli_circuit_margin_density(&c->model) * margin_std * 0.3989;
}

/* A share of the answers. */
PPMLI_STATIC double ppmli_circuit_changed_answers(const ppml_circuit *c, double margin_std) {
  double changed = ppmli_circuit_margin_changes(c, margin_std);
  return changed < 1 ? changed : 1;
}

/* Answers that an accumulator changes that wraps: it moves the margin one way or the other, and
 * what is closer than that on one of the two sides changes. */
PPMLI_STATIC double ppmli_circuit_wrapped_answers(const ppml_circuit *c) {
  const ppml_model *m = &c->model;
  uint32_t scores = ppmli_model_score_layer(m);
  double changed =
      m->spec.decides ? PPMLI_CIRCUIT_WRAPS : 0; /* of what is decided, to its opposite */
  if (scores == 0) return changed;
  for (uint32_t j = 0; j < m->layer[scores - 1].outputs; j++) {
    double moved =
        sqrt(ppmli_circuit_pull(m, scores, j).margin * ppmli_circuit_wrap_square(m, scores - 1));
    double share = ppmli_circuit_margin_density(m) * moved / 2;
    changed += PPMLI_CIRCUIT_WRAPS * (share < 0.5 ? share : 0.5);
  }
  return changed;
}

/* Mean variance of the activations before layer l. */
PPMLI_STATIC double ppmli_circuit_variance_before(const ppml_circuit *c, uint32_t l) {
  double before = 0;
  for (uint32_t i = 0; i < l; i++) before = ppmli_circuit_mean_variance(c, i, before);
  return before;
}

/* Mean variance of what signs decide, comparisons of scores, where they are looked up: that of the margin.  As
 * of scores, it has the errors of the layer before neuron by neuron. */
PPMLI_STATIC double ppmli_circuit_decision_variance(const ppml_circuit *c) {
  const ppml_model *m = &c->model;
  uint32_t scores = ppmli_model_score_layer(m);
  double sum = 0;
  for (uint32_t j = 0; j < m->layer[scores].outputs; j++)
    sum += ppmli_square(ppmli_circuit_std(c, scores, j)) / m->layer[scores].outputs;
  if (scores == 0) return sum;
  double before = ppmli_circuit_variance_before(c, scores - 1);
  for (uint32_t j = 0; j < m->layer[scores - 1].outputs; j++)
    sum += ppmli_circuit_pull(m, scores, j).margin *
           ppmli_circuit_next_variance(c, scores - 1, j, before);
  return sum;
}

/* Probability that a sign of who wins is wrong where all comparisons are right: the winner's sum is one
 * activation above 0, the next one's as far below, and the others' are farther. */
PPMLI_STATIC double ppmli_circuit_winner_errors(const ppml_circuit *c) {
  uint32_t winners = ppmli_model_score_layer(&c->model) + 1;
  if (ppmli_spec_deciding_layers(&c->model.spec) < 2) return 0;
  return erfc(PPML_ACTIVATION_MAX / (ppmli_circuit_std(c, winners, 0) * 1.41421356));
}

/* Variance of a score that is a decision, on average.  A changed answer is one sign that turned; of scores that
 * are compared two, the winner's and the next one's.
 *   changed  answers, as predicted: where an answer is several signs, what they are together, 1 or more too */
PPMLI_STATIC double ppmli_circuit_turned_variance(const ppml_circuit *c, double changed) {
  const ppml_spec *spec = &c->model.spec;
  uint32_t last = c->model.layer_count - 1;
  double unit = ldexp((double)c->unit[last], -64), variance = ppmli_circuit_own_variance(c);
  if (!ppmli_tables_have_weights(c, last - 1))
    variance += ppmli_noise_blind_rotation(c->params) / ppmli_square(unit);
  double turned = changed * (ppmli_spec_is_contest(spec) ? 2 : 1) / spec->outputs;
  return variance + ppmli_square(2 * PPML_ACTIVATION_MAX) * (turned < 1 ? turned : 1);
}

PPMLI_STATIC void ppmli_circuit_noise(ppml_noise *noise, const ppml_circuit *c) {
  uint32_t hidden = c->model.layer_count - 1;
  memset(noise, 0, sizeof *noise);
  noise->bootstrap = sqrt(ppmli_noise_blind_rotation(c->params));
  for (uint32_t l = 0; l < hidden; l++) noise->layer[l] = ppmli_circuit_layer_noise(c, l);
  double before = ppmli_circuit_variance_before(c, hidden ? hidden - 1 : 0);
  ppmli_pull variance = ppmli_circuit_score_variance(c, before);
  if (c->model.spec.decides) variance.margin = ppmli_circuit_decision_variance(c);
  double changed =
      ppmli_circuit_margin_changes(c, sqrt(variance.margin)) + ppmli_circuit_wrapped_answers(c);
  changed += ppmli_circuit_winner_errors(c);
  if (c->model.spec.decides) variance.score = ppmli_circuit_turned_variance(c, changed);
  noise->score = sqrt(variance.score);
  noise->changed_answers = changed < 1 ? changed : 1;
}

#endif
