/* Encryption as the noise formulas see it, without keys: an image goes in, and the scores of as many draws
 * of the noise come out.
 *
 * A draw goes the way of an encrypted image: accumulators stand on the torus, get the noise of their dense
 * layer and of the two switches, are rounded to one of the 2 N positions, and what the very table of
 * server/dense.h holds there is the activation, with a bootstrap's noise.  An accumulator beyond its room
 * wraps as it would in a ciphertext.  Rounding is done, not drawn; everything else is Gaussian and
 * independent: docs/NOISE.md "Simulation".  Next: outlook.h, what many draws say of a run.
 *
 * In: a circuit, pixels and a generator; out: scores of each draw. */
#ifndef PPMLI_PLAN_SIMULATE_H
#define PPMLI_PLAN_SIMULATE_H

#include <math.h>

#include "../base/arena.h"
#include "../network/clear.h"
#include "../network/gates.h"
#include "../network/model.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/pooled_model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../server/dense.h"
#include "bridged_noise.h"
#include "leveled_noise.h"
#include "noise.h"
#include "normal.h"
#include "pooled_noise.h"
#include "rounded_noise.h"

typedef struct ppmli_noisy {
  const ppml_circuit *circuit;
  ppml_rng *rng;
  double switch_std;    /* of key switch and modulus switch, less the body's rounding */
  double bootstrap_std; /* of a bootstrap's output; both in turns */
  double *clean;        /* [outputs of layer 0]  accumulators in turns */
  double *clean_std;    /* [outputs of layer 0]  noise they get before they are rounded */
  double *turns;        /* [width]  accumulators of the layer at hand */
  double *x;            /* [width]  activations, in units */
  const double *feature, *feature_std; /* [gated]  behind features: in turns, and their noise */
} ppmli_noisy;

/* Neurons of the widest layer. */
PPMLI_STATIC size_t ppmli_simulate_width(const ppml_model *m) {
  size_t width = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) width = ppmli_max_size(width, m->layer[l].outputs);
  return width;
}

PPMLI_INLINE double ppmli_simulate_scale(const ppml_circuit *c, uint32_t l, uint32_t j) {
  return ldexp((double)ppmli_circuit_scale(c, l, j), -64);
}

/* The nearest of the positions of the table, modulo a turn. */
PPMLI_INLINE uint32_t ppmli_simulate_position(double turns, uint32_t poly_size) {
  double grid = 2.0 * poly_size, at = floor((turns - floor(turns)) * grid + 0.5);
  return (uint32_t)at & (2 * poly_size - 1);
}

/* Activations of hidden layer l from its accumulators. */
PPMLI_STATIC void ppmli_simulate_activations(ppmli_noisy *s, uint32_t l) {
  const ppml_circuit *c = s->circuit;
  int folded = ppmli_tables_have_weights(c, l);
  double noise = folded ? 0 : s->bootstrap_std / ldexp((double)c->unit[l + 1], -64);
  if (ppmli_model_gates(&c->model, l)) noise = 0; /* ppmli_simulate_gates adds it */
  for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) {
    uint32_t position = ppmli_simulate_position(s->turns[j], c->params->poly_size);
    s->x[j] = ppmli_dense_activation(c, l, j, position);
    if (noise > 0) s->x[j] += noise * ppmli_rng_normal(s->rng);
  }
}

/* Accumulators of layer l >= 1; those that will be rounded again have the switches' noise,
 * a folded one has all bootstraps' at once. */
PPMLI_STATIC void ppmli_simulate_accumulators(ppmli_noisy *s, uint32_t l) {
  const ppml_circuit *c = s->circuit;
  const ppml_layer *layer = &c->model.layer[l];
  double variance =
      ppmli_tables_have_weights(c, l - 1)
          ? layer->inputs * ppmli_circuit_lookups(c, l) * ppmli_square(s->bootstrap_std)
          : 0;
  if (l + 1 < c->model.layer_count) variance += ppmli_square(s->switch_std);
  for (uint32_t j = 0; j < layer->outputs; j++) {
    const int8_t *w = layer->weight + (size_t)j * layer->inputs;
    double sum = layer->bias[j];
    for (uint32_t i = 0; i < layer->inputs; i++) sum += w[i] * s->x[i];
    s->turns[j] = sum * ppmli_simulate_scale(c, l, j);
    if (variance > 0) s->turns[j] += sqrt(variance) * ppmli_rng_normal(s->rng);
  }
}

/* What a product's table gives at its nearest position, in units of the layer of the scores.
 *   turns  what it is looked up by */
PPMLI_STATIC double ppmli_simulate_lookup(const ppmli_noisy *s, uint32_t j, double turns) {
  const ppml_params *p = s->circuit->params;
  double step = ldexp(1, 63) / p->poly_size / (double)ppmli_gate_unit(&s->circuit->model, j);
  int behind;
  int64_t at = ppmli_dense_place(&behind, p, ppmli_simulate_position(turns, p->poly_size));
  double entry = ppmli_gate_table((double)at * step);
  return behind ? -entry : entry;
}

/* Gates, in s->x, become products with features: two lookups each, with noise of their own. */
PPMLI_STATIC void ppmli_simulate_gates(ppmli_noisy *s) {
  const ppml_circuit *c = s->circuit;
  uint32_t scores = ppmli_model_score_layer(&c->model);
  int folded = ppmli_tables_have_weights(c, scores - 1);
  double noise = folded ? 0 : s->bootstrap_std / ldexp((double)c->unit[scores], -64);
  for (uint32_t j = 0; j < c->model.pooled.gated; j++) {
    double unit = ldexp((double)ppmli_dense_unit(c, scores - 1, j), -64);
    double gate = s->x[j] * unit + s->bootstrap_std * ppmli_rng_normal(s->rng);
    double feature = s->feature[j] + s->feature_std[j] * ppmli_rng_normal(s->rng);
    double more = gate + feature + s->switch_std * ppmli_rng_normal(s->rng);
    double less = gate - feature + s->switch_std * ppmli_rng_normal(s->rng);
    s->x[j] = ppmli_simulate_lookup(s, j, more) - ppmli_simulate_lookup(s, j, less);
    if (noise > 0) s->x[j] += noise * sqrt(2) * ppmli_rng_normal(s->rng);
  }
}

/* A score as the client decodes it: switched to output_bits, then the nearest integer. */
PPMLI_STATIC int32_t ppmli_simulate_score(const ppmli_noisy *s, double turns) {
  const ppml_circuit *c = s->circuit;
  double grid = ldexp(1, (int)c->params->output_bits);
  double noisy = turns + sqrt(ppmli_noise_output_switch_mask(c->params)) * ppmli_rng_normal(s->rng);
  double at = floor(noisy * grid + 0.5) / grid;
  double score =
      floor((at - floor(at + 0.5)) / ldexp((double)ppmli_circuit_score_unit(c), -64) + 0.5);
  return (int32_t)(score < -INT32_MAX ? -INT32_MAX : score > INT32_MAX ? INT32_MAX : score);
}

PPMLI_STATIC void ppmli_simulate_draw(int32_t *scores, ppmli_noisy *s) {
  const ppml_model *m = &s->circuit->model;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++)
    s->turns[j] = s->clean[j] + s->clean_std[j] * ppmli_rng_normal(s->rng);
  for (uint32_t l = 0; l + 1 < m->layer_count; l++) {
    ppmli_simulate_activations(s, l);
    if (ppmli_model_gates(m, l)) ppmli_simulate_gates(s);
    ppmli_simulate_accumulators(s, l + 1);
  }
  for (uint32_t o = 0; o < m->spec.outputs; o++) scores[o] = ppmli_simulate_score(s, s->turns[o]);
}

/* --------------------------------------------------------------- one image */

/* Accumulators of the first layer on the torus, and the noise that they get.
 *   z [outputs of layer 0] */
PPMLI_STATIC void ppmli_simulate_stand(ppmli_noisy *s, const int32_t *z) {
  const ppml_circuit *c = s->circuit;
  int is_linear = c->model.layer_count == 1;
  for (uint32_t j = 0; j < c->model.layer[0].outputs; j++) {
    double variance = ppmli_circuit_dense_variance(c, 0, j);
    s->clean[j] = z[j] * ppmli_simulate_scale(c, 0, j);
    s->clean_std[j] = sqrt(variance + (is_linear ? 0 : ppmli_square(s->switch_std)));
  }
}

/* The first layer in the clear, once for all draws.
 *   x [inputs], z [outputs of layer 0]  scratch */
PPMLI_STATIC void ppmli_simulate_begin(ppmli_noisy *s, const uint8_t *pixels, int32_t *x,
                                       int32_t *z) {
  const ppml_circuit *c = s->circuit;
  for (size_t i = 0; i < ppmli_spec_inputs(&c->model.spec); i++)
    x[i] = ppmli_quant_pixel(pixels[i], c->model.spec.input_bits);
  ppmli_quant_dense(z, &c->model.layer[0], x);
  ppmli_simulate_stand(s, z);
}

/* Features in the clear, likewise.
 *   turns, std  [gated]  out
 *   z           [outputs of layer 0]  scratch */
PPMLI_STATIC int ppmli_simulate_features(ppmli_noisy *s, double *turns, double *std,
                                         const uint8_t *image, int32_t *z, ppml_arena *arena) {
  const ppml_circuit *c = s->circuit;
  const ppml_model *m = &c->model;
  int64_t feature[PPMLI_POOLED_OUTPUTS_MAX];
  PPMLI_TRY(ppmli_model_pooled_scores(feature, m, image, arena));
  ppmli_quant_accumulate(z, m, 0, NULL, feature);
  ppmli_simulate_stand(s, z);
  for (uint32_t j = 0; j < m->pooled.gated; j++) {
    uint32_t f = ppmli_gate_feature(m, j);
    double gain = (double)ppmli_gate_gain(m, j);
    turns[j] = (double)feature[f] * gain * ldexp((double)c->unit[0], -64);
    std[j] = gain * sqrt(ppmli_bridged_feature_variance(c, f));
  }
  s->feature = turns;
  s->feature_std = std;
  return PPML_OK;
}

PPMLI_STATIC size_t ppmli_simulate_bytes(const ppml_model *m) {
  return ppmli_quant_forward_scratch(m) +
         4 * ppmli_arena_rounded(ppmli_simulate_width(m) * sizeof(double)) +
         2 * ppmli_arena_rounded(m->pooled.gated * sizeof(double));
}

/* Exact circuits round all of the noise away: every draw is the clear one. */
PPMLI_STATIC int ppmli_simulate_exact(int32_t *scores, const ppml_circuit *c, const uint8_t *pixels,
                                      size_t draws, ppml_arena *arena) {
  uint32_t outputs = c->model.spec.outputs;
  if (draws == 0) return PPML_OK;
  PPMLI_TRY(ppmli_quant_forward(scores, &c->model, pixels, NULL, arena));
  for (size_t d = 1; d < draws; d++) memcpy(scores + d * outputs, scores, outputs * sizeof *scores);
  return PPML_OK;
}

/* Leveled circuits have one source of noise that matters, the product. */
PPMLI_STATIC int ppmli_simulate_leveled(int32_t *scores, const ppml_circuit *c,
                                        const uint8_t *pixels, size_t draws, ppml_rng *rng,
                                        ppml_arena *arena) {
  uint32_t outputs = c->model.spec.outputs;
  int32_t clear[PPML_CLASSES_MAX];
  double std[PPML_CLASSES_MAX];
  ppmli_leveled_norms norms;
  ppmli_noisy s;
  memset(&s, 0, sizeof s);
  s.circuit = c;
  s.rng = rng;
  PPMLI_TRY(ppmli_quant_forward(clear, &c->model, pixels, NULL, arena));
  ppmli_leveled_measure(&norms, &c->model);
  for (uint32_t o = 0; o < outputs; o++) {
    ppmli_leveled_noise noise;
    ppmli_leveled_noise_parts(&noise, c, &norms, o);
    std[o] = sqrt(noise.product);
  }
  for (size_t d = 0; d < draws; d++, scores += outputs)
    for (uint32_t o = 0; o < outputs; o++)
      scores[o] = ppmli_simulate_score(&s, clear[o] * ppmli_simulate_scale(c, 1, o) +
                                               std[o] * ppmli_rng_normal(rng));
  return PPML_OK;
}

/* The same of pooled circuits. */
PPMLI_STATIC int ppmli_simulate_pooled(int32_t *scores, const ppml_circuit *c, const uint8_t *image,
                                       size_t draws, ppml_rng *rng, ppml_arena *arena) {
  uint32_t outputs = c->model.spec.outputs;
  int64_t clear[PPML_CLASSES_MAX];
  double std[PPML_CLASSES_MAX], unit = ldexp((double)c->unit[0], -64);
  ppmli_pooled net = ppmli_model_pooled(&c->model);
  ppmli_pooled_layout layout;
  ppmli_noisy s;
  memset(&s, 0, sizeof s);
  s.circuit = c;
  s.rng = rng;
  ppmli_pooled_layout_of(&layout, &net);
  PPMLI_TRY(ppmli_model_pooled_scores(clear, &c->model, image, arena));
  for (uint32_t o = 0; o < outputs; o++) {
    ppmli_pooled_noise noise;
    ppmli_pooled_score_noise(&noise, &net, &layout, c->params, o);
    std[o] = sqrt(noise.product);
  }
  for (size_t d = 0; d < draws; d++, scores += outputs)
    for (uint32_t o = 0; o < outputs; o++)
      scores[o] =
          ppmli_simulate_score(&s, (double)clear[o] * unit + std[o] * ppmli_rng_normal(rng));
  return PPML_OK;
}

/* Scores of one image under draws of the noise.
 *   scores [draws][spec.outputs]  out
 * Scratch: ppmli_simulate_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_simulate_rounded(int32_t *scores, const ppml_circuit *c,
                                        const uint8_t *pixels, size_t draws, ppml_rng *rng,
                                        ppml_arena *arena) {
  const ppml_model *m = &c->model;
  size_t mark = arena->used_bytes, width = ppmli_simulate_width(m);
  ppmli_noisy s;
  memset(&s, 0, sizeof s);
  PPMLI_ALLOC(int32_t, x, arena, ppmli_quant_width(&c->model));
  PPMLI_ALLOC(int32_t, z, arena, ppmli_quant_width(&c->model));
  PPMLI_ALLOC(double, clean, arena, width);
  PPMLI_ALLOC(double, clean_std, arena, width);
  PPMLI_ALLOC(double, turns, arena, width);
  PPMLI_ALLOC(double, activations, arena, width);
  s.circuit = c;
  s.rng = rng;
  s.switch_std =
      sqrt(ppmli_noise_keyswitch(c->params) + ppmli_noise_modulus_switch_mask(c->params));
  s.bootstrap_std = sqrt(ppmli_noise_blind_rotation(c->params));
  s.clean = clean;
  s.clean_std = clean_std;
  s.turns = turns;
  s.x = activations;
  if (ppmli_model_has_features(m)) {
    PPMLI_ALLOC(double, feature, arena, m->pooled.gated);
    PPMLI_ALLOC(double, feature_std, arena, m->pooled.gated);
    PPMLI_TRY(ppmli_simulate_features(&s, feature, feature_std, pixels, z, arena));
  } else ppmli_simulate_begin(&s, pixels, x, z);
  for (size_t d = 0; d < draws; d++) ppmli_simulate_draw(scores + d * c->model.spec.outputs, &s);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
