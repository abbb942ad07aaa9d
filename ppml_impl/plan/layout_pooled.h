/* Pooled circuits: T, what cannot be laid out, what noise their scores will have, and what is certified
 * of them.  network/pooled_layout.h has the layout, pooled_noise.h the formulas.  In: a model; out: its
 * unit, noise and certificate.  Next: pooled_noise.h. */
#ifndef PPMLI_PLAN_LAYOUT_POOLED_H
#define PPMLI_PLAN_LAYOUT_POOLED_H

#include <math.h>

#include "../math/params.h"
#include "../network/autocorr.h"
#include "../network/model.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/pooled_model.h"
#include "../network/spec.h"
#include "noise.h"
#include "pooled_noise.h"
#include "rounded_noise.h"

/* The unit of the scores.  Errors: PARAMS. */
PPMLI_STATIC int ppmli_pooled_scale(ppml_circuit *c) {
  ppmli_pooled net = ppmli_model_pooled(&c->model);
  ppmli_pooled_layout l;
  if (ppmli_pooled_refusal(&net) != NULL) return PPML_ERR_PARAMS;
  ppmli_pooled_layout_of(&l, &net);
  if (!ppmli_pooled_set_holds(c->params, l.depth)) return PPML_ERR_PARAMS;
  c->unit[0] = ppmli_pooled_unit(&l);
  return PPML_OK;
}

/* Why a pooled network has no layout, as one line, or NULL.
 *   p  the set asked for, or NULL for any */
PPMLI_STATIC const char *ppmli_pooled_set_refusal(const ppml_params *p, const ppml_model *m) {
  ppmli_pooled net = ppmli_model_pooled(m);
  ppmli_pooled_layout l;
  const char *reason = ppmli_pooled_refusal(&net);
  if (reason) return reason;
  ppmli_pooled_layout_of(&l, &net);
  if (p == NULL || ppmli_pooled_set_holds(p, l.depth)) return NULL;
  return "it has more regions times latent channels than the set has room for";
}

/* Is this the layout of the model?  Errors: PARAMS. */
PPMLI_STATIC int ppmli_pooled_check(const ppml_circuit *c) {
  ppml_circuit again = *c;
  PPMLI_TRY(ppmli_pooled_scale(&again));
  return again.unit[0] == c->unit[0] ? PPML_OK : PPML_ERR_PARAMS;
}

/* ------------------------------------------------------------- prediction */

/* The noise of the score that has most. */
PPMLI_STATIC void ppmli_pooled_worst_noise(ppmli_pooled_noise *worst, const ppml_circuit *c) {
  ppmli_pooled net = ppmli_model_pooled(&c->model);
  ppmli_pooled_layout l;
  ppmli_pooled_noise noise;
  ppmli_pooled_layout_of(&l, &net);
  memset(worst, 0, sizeof *worst);
  for (uint32_t o = 0; o < net.outputs; o++) {
    ppmli_pooled_score_noise(&noise, &net, &l, c->params, o);
    if (noise.product > worst->product) *worst = noise;
  }
}

/* As ppml_noise has it. */
PPMLI_STATIC void ppmli_pooled_noise_of(ppml_noise *noise, const ppml_circuit *c) {
  ppmli_pooled_noise worst;
  double unit = ldexp((double)c->unit[0], -64);
  int is_contest = ppmli_spec_is_contest(&c->model.spec);
  memset(noise, 0, sizeof *noise);
  ppmli_pooled_worst_noise(&worst, c);
  noise->score = sqrt(worst.product + ppmli_noise_output_switch(c->params)) / unit;
  noise->changed_answers =
      ppmli_circuit_changed_answers(c, noise->score * sqrt(is_contest ? 2.0 : 1.0));
}

/* ------------------------------------------------------------ certificate */

/* Sums of a term over a region that both of its positions stand in. */
PPMLI_STATIC int64_t ppmli_pooled_term_positions(const ppmli_latent_shape *s,
                                                 const ppmli_autocorr_term *t) {
  ppmli_autocorr_span rows = ppmli_autocorr_overlap(t->dy, s->height / s->regions);
  ppmli_autocorr_span columns = ppmli_autocorr_overlap(t->dx, s->width / s->regions);
  return (int64_t)(rows.end - rows.begin) * (columns.end - columns.begin);
}

/* No image leads to a larger |score| of that output; below 2^53. */
PPMLI_STATIC int64_t ppmli_pooled_bound(const ppmli_pooled *net, uint32_t o) {
  const ppmli_latent_shape *s = &net->shape;
  const int8_t *square = ppmli_pooled_square(net, o);
  const int32_t *linear = ppmli_pooled_linear(net, o);
  int64_t most = (int64_t)1 << (net->latent_bits - 1), bound = ppmli_magnitude(net->bias[o]);
  for (uint32_t r = 0; r < ppmli_latent_region_count(s); r++) {
    ppmli_autocorr_term t = ppmli_autocorr_first();
    for (uint32_t n = 0; n < ppmli_autocorr_terms(s); n++, ppmli_autocorr_advance(&t, s))
      bound += ppmli_magnitude(*square++) * most * most * ppmli_pooled_term_positions(s, &t);
  }
  for (size_t i = 0; i < ppmli_latent_count(s); i++) bound += ppmli_magnitude(linear[i]) * most;
  return bound;
}

/* The network as one layer: its worst score, the switches, the answer's. */
PPMLI_STATIC void ppmli_certify_pooled(ppml_layer_certificate *out, const ppml_circuit *c) {
  ppmli_pooled net = ppmli_model_pooled(&c->model);
  ppmli_pooled_noise worst;
  ppmli_pooled_worst_noise(&worst, c);
  for (uint32_t o = 0; o < net.outputs; o++) {
    int64_t bound = ppmli_pooled_bound(&net, o);
    if (bound > out->accumulator_bound) out->accumulator_bound = bound;
    if (net.peak[o] > out->accumulator_peak) out->accumulator_peak = net.peak[o];
  }
  out->dense_std = sqrt(worst.product);
  out->key_switch_std = sqrt(ppmli_noise_automorphism(ppmli_params_input_set(c->params)));
  out->rounding_std = sqrt(ppmli_noise_output_switch(c->params));
}

#endif
