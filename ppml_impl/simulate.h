/* Layer 8: encryption as the noise formulas see it, without keys, and what is to be expected of
 * an encrypted run.
 *
 * A draw goes the way of an encrypted image: accumulators stand on the torus, get the noise of
 * their dense layer and of the two switches, are rounded to one of the 2 N positions, and what
 * the very table of dense.h holds there is the activation, with a bootstrap's noise.  An
 * accumulator beyond its room wraps as it would in a ciphertext.  Rounding is done, not drawn;
 * everything else is Gaussian and independent: docs/NOISE.md "Simulation". */
#ifndef PPMLI_SIMULATE_H
#define PPMLI_SIMULATE_H

#include "dense.h"
#include "leveled.h"
#include "rng.h"

/* ---------------------------------------------------------------- one draw */

PPMLI_INLINE int ppmli_ones(uint64_t x) {
  x -= x >> 1 & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return (int)(x * 0x0101010101010101u >> 56);
}

/* A standard normal number: how many of 64 bits are ones, a binomial number of variance 16,
 * with the gaps filled by a triangular one of variance 1/6.  Fast, and no libm. */
PPMLI_STATIC double ppmli_rng_normal(ppml_rng *rng) {
  const double std = 4.020779361;
  uint64_t fill = ppmli_rng_u64(rng);
  double fraction = ldexp((double)(fill >> 32) + (double)(fill & 0xffffffffu), -32) - 1;
  return (ppmli_ones(ppmli_rng_u64(rng)) - 32 + fraction) / std;
}

typedef struct ppmli_noisy {
  const ppml_circuit *circuit;
  ppml_rng *rng;
  double switch_std;    /* of key switch and modulus switch, less the body's rounding */
  double bootstrap_std; /* of a bootstrap's output; both in turns */
  double *clean;        /* [outputs of layer 0]  accumulators in turns */
  double *clean_std;    /* [outputs of layer 0]  noise they get before they are rounded */
  double *turns;        /* [width]  accumulators of the layer at hand */
  double *x;            /* [width]  activations, in units */
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
  int folded = ppmli_circuit_is_folded(c, l);
  double noise = folded ? 0 : s->bootstrap_std / ldexp((double)c->unit[l + 1], -64);
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
  double variance = layer->outputs == 1 ? layer->inputs * ppmli_square(s->bootstrap_std) : 0;
  if (l + 1 < c->model.layer_count) variance += ppmli_square(s->switch_std);
  for (uint32_t j = 0; j < layer->outputs; j++) {
    const int8_t *w = layer->weight + (size_t)j * layer->inputs;
    double sum = layer->bias[j];
    for (uint32_t i = 0; i < layer->inputs; i++) sum += w[i] * s->x[i];
    s->turns[j] = sum * ppmli_simulate_scale(c, l, j);
    if (variance > 0) s->turns[j] += sqrt(variance) * ppmli_rng_normal(s->rng);
  }
}

/* A score as the client decodes it: switched to output_bits, then the nearest integer. */
PPMLI_STATIC int32_t ppmli_simulate_score(const ppmli_noisy *s, double turns) {
  const ppml_circuit *c = s->circuit;
  double grid = ldexp(1, (int)c->params->output_bits);
  double noisy = turns + sqrt(ppmli_noise_output_switch_mask(c->params)) * ppmli_rng_normal(s->rng);
  double at = floor(noisy * grid + 0.5) / grid;
  double score =
      floor((at - floor(at + 0.5)) / ppmli_simulate_scale(c, c->model.layer_count - 1, 0) + 0.5);
  return (int32_t)(score < -INT32_MAX ? -INT32_MAX : score > INT32_MAX ? INT32_MAX : score);
}

PPMLI_STATIC void ppmli_simulate_draw(int32_t *scores, ppmli_noisy *s) {
  const ppml_model *m = &s->circuit->model;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++)
    s->turns[j] = s->clean[j] + s->clean_std[j] * ppmli_rng_normal(s->rng);
  for (uint32_t l = 0; l + 1 < m->layer_count; l++) {
    ppmli_simulate_activations(s, l);
    ppmli_simulate_accumulators(s, l + 1);
  }
  for (uint32_t o = 0; o < m->spec.outputs; o++) scores[o] = ppmli_simulate_score(s, s->turns[o]);
}

/* --------------------------------------------------------------- one image */

/* The first layer in the clear, once for all draws.
 *   x [inputs], z [outputs of layer 0]  scratch */
PPMLI_STATIC void ppmli_simulate_begin(ppmli_noisy *s, const uint8_t *pixels, int32_t *x,
                                       int32_t *z) {
  const ppml_circuit *c = s->circuit;
  int is_linear = c->model.layer_count == 1;
  for (size_t i = 0; i < ppmli_spec_inputs(&c->model.spec); i++)
    x[i] = ppmli_quant_pixel(pixels[i], c->model.spec.input_bits);
  ppmli_quant_dense(z, &c->model.layer[0], x);
  for (uint32_t j = 0; j < c->model.layer[0].outputs; j++) {
    double variance = ppmli_circuit_dense_variance(c, 0, j);
    s->clean[j] = z[j] * ppmli_simulate_scale(c, 0, j);
    s->clean_std[j] = sqrt(variance + (is_linear ? 0 : ppmli_square(s->switch_std)));
  }
}

PPMLI_STATIC size_t ppmli_simulate_bytes(const ppml_model *m) {
  return ppmli_quant_forward_scratch(m) +
         4 * ppmli_arena_rounded(ppmli_simulate_width(m) * sizeof(double));
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
    ppmli_leveled_predict(&noise, c, &norms, o);
    std[o] = sqrt(noise.product);
  }
  for (size_t d = 0; d < draws; d++, scores += outputs)
    for (uint32_t o = 0; o < outputs; o++)
      scores[o] = ppmli_simulate_score(&s, clear[o] * ppmli_simulate_scale(c, 1, o) +
                                               std[o] * ppmli_rng_normal(rng));
  return PPML_OK;
}

/* Scores of one image under draws of the noise.
 *   scores [draws][spec.outputs]  out
 * Scratch: ppmli_simulate_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_simulate(int32_t *scores, const ppml_circuit *c, const uint8_t *pixels,
                                size_t draws, ppml_rng *rng, ppml_arena *arena) {
  size_t mark = arena->used_bytes, width = ppmli_simulate_width(&c->model);
  ppmli_noisy s;
  if (c->params->exact) return ppmli_simulate_exact(scores, c, pixels, draws, arena);
  if (c->params->slots) return ppmli_simulate_leveled(scores, c, pixels, draws, rng, arena);
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
  ppmli_simulate_begin(&s, pixels, x, z);
  for (size_t d = 0; d < draws; d++) ppmli_simulate_draw(scores + d * c->model.spec.outputs, &s);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ------------------------------------------------------------- expectation */

PPMLI_STATIC void ppmli_expectation_draw(ppml_expectation *e, double value) {
  e->draws++;
  e->sum += value;
  e->squares += value * value;
  e->cubes += value * value * value;
}

/* Ends an image: adds mean, variance and third central moment of its draws. */
PPMLI_STATIC void ppmli_expectation_next(ppml_expectation *e) {
  double n = (double)e->draws, mean = e->sum / n, square = e->squares / n;
  double variance = square - mean * mean;
  if (variance < 1e-12 * square) variance = 0; /* draws all alike, but for rounding */
  e->mean += mean;
  e->variance += e->draws > 1 ? variance * n / (n - 1) : 0;
  if (variance > 0) e->third += e->cubes / n - mean * (3 * square - 2 * mean * mean);
  if (e->least_draws == 0 || e->draws < e->least_draws) e->least_draws = e->draws;
  e->images++;
  e->draws = 0;
  e->sum = e->squares = e->cubes = 0;
}

/* z such that a normal number is within z of its mean with that probability: erfc(z / sqrt 2)
 * = 1 - confidence, by bisection. */
PPMLI_STATIC double ppmli_normal_quantile(double confidence) {
  double low = 0, high = 40;
  for (int i = 0; i < 80; i++) {
    double z = (low + high) / 2;
    if (erfc(z * 0.70710678118654752) > 1 - confidence) low = z;
    else high = z;
  }
  return high;
}

/* Cornish and Fisher's expansion: beyond the normal quantile, the skewness that rare events
 * give, taken for both sides.  An event that no draw showed may still happen: its size is
 * unit.  docs/NOISE.md "Intervals". */
PPMLI_STATIC ppml_interval ppmli_expectation_interval(const ppml_expectation *e, double unit,
                                                      double slack, double confidence) {
  double z = ppmli_normal_quantile(confidence), jump = unit;
  double n = e->least_draws ? (double)e->least_draws : 1;
  double std = sqrt(e->variance * (1 + 1 / n));
  if (e->variance > 0 && fabs(e->third) / e->variance > jump) jump = fabs(e->third) / e->variance;
  double reach = z * std + jump * (z * z + 2) / 6 + slack;
  ppml_interval interval = {e->mean, e->mean - reach, e->mean + reach};
  return interval;
}

/* The same of a sum of events that only add: its lower end is a gamma distribution's of that
 * mean and variance, which Wilson and Hilferty's cube root makes normal. */
PPMLI_STATIC ppml_interval ppmli_expectation_of_events(const ppml_expectation *e, double unit,
                                                       double share, double confidence) {
  ppml_interval i = ppmli_expectation_interval(e, unit, share * e->mean, confidence);
  double z = ppmli_normal_quantile(confidence);
  double ninth = e->mean > 0 ? e->variance / (9 * e->mean * e->mean) : 0;
  double root = 1 - ninth - z * sqrt(ninth);
  i.low = root > 0 ? (1 - share) * e->mean * root * root * root : 0;
  return i;
}

/* Adds an image to what is expected of a run. */
PPMLI_STATIC void ppmli_outlook_add(ppml_outlook *o, const ppml_spec *spec, const int32_t *clear,
                                    const int32_t *scores, size_t draws) {
  for (size_t d = 0; d < draws; d++, scores += spec->outputs) {
    double squares = 0;
    for (uint32_t i = 0; i < spec->outputs; i++)
      squares += ppmli_square((double)scores[i] - clear[i]);
    ppmli_expectation_draw(&o->squared_error, squares);
    ppmli_expectation_draw(&o->changed, !ppmli_spec_same_answer(spec, scores, clear));
  }
  ppmli_expectation_next(&o->squared_error);
  ppmli_expectation_next(&o->changed);
  o->scores += spec->outputs;
}

PPMLI_INLINE double ppmli_between(double least, double x, double most) {
  return x < least ? least : x > most ? most : x;
}

/* Share of the images whose answer stays the same. */
PPMLI_STATIC ppml_interval ppmli_outlook_agreement(const ppml_outlook *o, double confidence) {
  double images = (double)o->changed.images;
  ppml_interval changed =
      ppmli_expectation_of_events(&o->changed, 1, PPML_FORMULA_SHARE, confidence);
  ppml_interval same = {1 - changed.expected / images,
                        ppmli_between(0, 1 - floor(changed.high) / images, 1),
                        ppmli_between(0, 1 - floor(changed.low) / images, 1)};
  return same;
}

/* Standard deviation of scores, from the mean of the squares. */
PPMLI_STATIC ppml_interval ppmli_outlook_score_error(const ppml_outlook *o, double confidence) {
  double scores = (double)o->scores;
  ppml_interval sum =
      ppmli_expectation_of_events(&o->squared_error, 1, 2 * PPML_FORMULA_SHARE, confidence);
  ppml_interval error = {sqrt(sum.expected / scores), sqrt(sum.low / scores),
                         sqrt(sum.high / scores)};
  return error;
}

#endif
