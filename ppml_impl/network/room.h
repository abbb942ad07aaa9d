/* How values stand on the torus: one home for all constants of layout.
 *
 * Value x of a layer's input stands at x unit, accumulator z_j of neuron j at z_j unit gain_j.  The larger
 * the gain, the less noise matters; but the accumulator has to stay where its table holds its activation:
 *
 *   RELU, SIGN  up to half a turn less the range, either way.  Beyond a quarter of a turn a table is looked up
 *               from its other end with the other sign, which for these is what they saturate at
 *   others      up to a quarter of a turn, either way: the table holds half a turn
 *
 * That room is for the accumulator's peak, the size that hardly any reached in training, and a quarter more.  Scores of polynomials are whole multiples of 1 / T of a
 * turn.  Next: plan/layout_rounded.h, plan/layout_exact.h, plan/layout_leveled.h, which choose.
 *
 * In: a circuit; out: units, gains and how large they may be. */
#ifndef PPMLI_NETWORK_ROOM_H
#define PPMLI_NETWORK_ROOM_H

#include "../math/params.h"
#include "model.h"
#include "pooled_layout.h"
#include "pooled_model.h"

#define PPMLI_INPUT_SCALE_LOG2 16    /* one unit of a full-scale input is 2^-16 of a turn */
#define PPMLI_EXACT_SCALE_LOG2 30    /* of exact circuits: an input of 1 is 2^-30 of a turn */
#define PPMLI_GAIN_MAX (1 << 15)     /* keeps plaintext polynomials small beside the FFT */
#define PPMLI_SHARE_PARTS 1000000000 /* files have shares in parts of a billion */
#define PPMLI_HIDDEN_GAIN_MAX 64     /* more would not help: the input's noise grows alike */

PPMLI_INLINE int ppmli_activation_is_odd(uint32_t activation) {
  return activation == PPML_ACTIVATION_RELU || activation == PPML_ACTIVATION_SIGN;
}

/* ------------------------------------------------------------------ peaks */

/* The peak of an accumulator or score is what 1 in so many of those that training saw exceeds. */
#define PPMLI_PEAK_SHARE 4000
#define PPMLI_PEAK_DEVIATIONS 3.66 /* that share of normal numbers is farther out, either way */
#define PPMLI_PEAK_QUARTERS 5    /* room on the torus for an accumulator, in quarters of its peak */
#define PPMLI_SCORE_SIXTEENTHS 7 /* of a turn: room for a score, which must never wrap */

/* How many of `count` accumulators may exceed their peak. */
PPMLI_INLINE uint64_t ppmli_peak_exceptions(uint64_t count) {
  return count / PPMLI_PEAK_SHARE;
}

/* A full turn in units of z, where accumulators with that peak and range just fill their room.
 *   peak, range  in units of z, which may be fractions */
PPMLI_INLINE double ppmli_room_turn(uint32_t activation, double peak, double range) {
  double room = PPMLI_PEAK_QUARTERS / 4.0 * peak;
  return ppmli_activation_is_odd(activation) ? 2 * (room + range) : 4 * room;
}

/* A full turn in units of a score that is at most `bound`. */
PPMLI_INLINE double ppmli_room_score_turn(double bound) {
  return bound * 16 / PPMLI_SCORE_SIXTEENTHS;
}

/* ----------------------------------------------------------------- layout */

/* Does layer l + 1 have one output alone?  Then its weights go into layer l's tables. */
PPMLI_INLINE int ppmli_tables_have_weights(const ppml_circuit *c, uint32_t l) {
  return ppmli_params_folds_weights(c->params) && c->model.layer[l + 1].outputs == 1;
}

/* The largest torus value of z_j = 1 that keeps accumulator j where it should be. */
PPMLI_STATIC uint64_t ppmli_layer_capacity(const ppml_model *m, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &m->layer[l];
  if (layer->activation == PPML_ACTIVATION_NONE) {
    uint64_t bound = (uint64_t)ppmli_layer_bound(layer, j, ppmli_layer_input_max(m, l));
    return ((uint64_t)PPMLI_SCORE_SIXTEENTHS << 60) / (bound ? bound : 1);
  }
  uint64_t room = (uint64_t)layer->peak[j] * PPMLI_PEAK_QUARTERS / 4;
  if (ppmli_activation_is_odd(layer->activation))
    return ((uint64_t)1 << 63) / (room + (uint64_t)layer->range[j]);
  return ((uint64_t)1 << 62) / room;
}

PPMLI_STATIC uint64_t ppmli_layer_least_capacity(const ppml_model *m, uint32_t l) {
  uint64_t least = UINT64_MAX;
  for (uint32_t j = 0; j < m->layer[l].outputs; j++) {
    uint64_t capacity = ppmli_layer_capacity(m, l, j);
    if (capacity < least) least = capacity;
  }
  return least;
}

/* What an input of 1 is on the torus, of a bridged set a feature; the same for all circuits of a set, so that a client needs
 * to know nothing of the weights. */
PPMLI_INLINE uint64_t ppmli_circuit_input_unit(const ppml_params *p, const ppml_spec *spec) {
  if (ppmli_params_is_noiseless(p)) return (uint64_t)1 << (64 - PPMLI_EXACT_SCALE_LOG2);
  if (ppmli_params_is_bridged(p)) return ppmli_bridged_unit();
  return (uint64_t)1 << (64 - PPMLI_INPUT_SCALE_LOG2 - spec->input_bits);
}

/* What z_j = 1 is on the torus, as the score or inside layer l. */
PPMLI_INLINE uint64_t ppmli_circuit_scale(const ppml_circuit *c, uint32_t l, uint32_t j) {
  return c->unit[l] * (uint64_t)c->gain[l][j];
}

PPMLI_INLINE uint64_t ppmli_circuit_score_unit(const ppml_circuit *c) {
  if (ppmli_model_is_pooled(&c->model)) return c->unit[0];
  return ppmli_circuit_scale(c, c->model.layer_count - 1, 0);
}

/* As ppml_circuit_score_peak has it. */
PPMLI_INLINE int32_t ppmli_circuit_score_peak(const ppml_circuit *c, uint32_t output) {
  if (ppmli_model_is_pooled(&c->model)) {
    int64_t peak = c->model.pooled.peak[output];
    return peak < INT32_MAX ? (int32_t)peak : INT32_MAX;
  }
  const ppml_layer *last = &c->model.layer[c->model.layer_count - 1];
  int is_known = ppmli_model_has_score_peaks(&c->model, c->model.layer_count - 1);
  int wraps = ppmli_params_has_products(c->params) || ppmli_params_is_keyless(c->params);
  return is_known && wraps && last->peak ? last->peak[output] : INT32_MAX;
}

/* Scores may be so many times as large as training hardly ever saw them, in halves. */
#define PPMLI_LEVELED_ROOM_HALVES 5
#define PPMLI_LEVELED_CHEAP 1e-4 /* answers that noise may change where every score has room */

PPMLI_INLINE uint64_t ppmli_leveled_unit(uint32_t modulus_log2) {
  return (uint64_t)1 << (64 - modulus_log2);
}

/* t of a circuit that is laid out. */
PPMLI_STATIC uint32_t ppmli_leveled_modulus_log2(const ppml_circuit *c) {
  uint32_t t = 1;
  while (t < 63 && ppmli_leveled_unit(t) > c->unit[1]) t++;
  return t;
}

#endif
