/* The planner's one look at what kind a set is: a switch for each of its verbs.  Lay a network out,
 * check a layout, say why there is none, count bootstraps, predict noise, certify layers, draw scores as noise makes them,
 * and say how likely a wrong score is.  In: a circuit; out: what its kind makes of the verb. Next:
 * choose.h. */
#ifndef PPMLI_PLAN_PATH_H
#define PPMLI_PLAN_PATH_H

#include "../network/windows.h"
#include "certify_layers.h"
#include "failure.h"
#include "layout_bridged.h"
#include "layout_exact.h"
#include "layout_leveled.h"
#include "layout_linear.h"
#include "layout_pooled.h"
#include "layout_rounded.h"
#include "leveled_noise.h"
#include "rounded_noise.h"
#include "simulate.h"

/* Lays out c->model for c->params.
 *   gain     [layer_count][outputs]
 *   refusal  ROUNDED, out on an error: the layer and neuron without room
 * Errors: PARAMS. */
PPMLI_STATIC int ppmli_planner_lay_out(ppml_circuit *c, int32_t *const *gain,
                                       ppml_refusal *refusal) {
  switch (c->params->kind) {
  case PPML_SET_LINEAR:
    return ppmli_linear_scale(c, gain);
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_leveled_scale(c, gain);
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    return ppmli_pooled_scale(c);
  case PPML_SET_BRIDGED:
    return ppmli_bridged_scale(c, gain, refusal);
#endif
  case PPML_SET_EXACT:
    PPMLI_TRY(ppmli_exact_scale(c, gain));
    return ppmli_exact_check(c);
  default:
    return ppmli_rounded_scale(c, gain, refusal);
  }
}

/* Is this a layout that the planner would make?  Errors: PARAMS. */
PPMLI_STATIC int ppmli_planner_check(const ppml_circuit *c) {
  switch (c->params->kind) {
  case PPML_SET_LINEAR:
    return ppmli_linear_check(c);
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_leveled_check(c);
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    return ppmli_pooled_check(c);
  case PPML_SET_BRIDGED:
    return ppmli_bridged_check(c);
#endif
  case PPML_SET_EXACT:
    return ppmli_exact_check(c);
  default:
    return ppmli_rounded_check(c);
  }
}

/* Bootstraps of one image: one for every hidden neuron and two for every gate, or what its windows ask for,
 * or none. */
PPMLI_STATIC size_t ppmli_planner_bootstraps(const ppml_circuit *c) {
  size_t count = 0;
  switch (c->params->kind) {
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    return 0;
  case PPML_SET_EXACT:
    return ppmli_exact_count_of(&c->model).bootstraps;
  default:
    for (uint32_t l = 0; l + 1 < c->model.layer_count; l++) count += c->model.layer[l].outputs;
    return count + 2 * (size_t)c->model.pooled.gated;
  }
}

/* Rounds of bootstraps, each of which needs the one before: a hidden layer is one, or several where
 * it is exact. */
PPMLI_STATIC size_t ppmli_planner_rounds(const ppml_circuit *c) {
  switch (c->params->kind) {
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    return 0;
  case PPML_SET_EXACT:
    return ppmli_exact_count_of(&c->model).rounds;
  default:
    return c->model.layer_count - 1 + (c->model.pooled.gated != 0);
  }
}

/* Why a set that was asked for cannot have a layout of the network, whatever its noise: one line of
 * English, or NULL.
 *   m  of activations that the set computes, and valid */
PPMLI_STATIC const char *ppmli_planner_refusal(const ppml_params *p, const ppml_model *m) {
  const char *reason;
  switch (p->kind) {
  case PPML_SET_LEVELED:
    reason = ppmli_leveled_refusal(m);
    if (reason) return reason;
    return m->layer[0].outputs > p->slots ? "it has more hidden neurons than the set has slots"
                                          : NULL;
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    return ppmli_pooled_set_refusal(p, m);
  case PPML_SET_BRIDGED:
    return ppmli_bridged_refusal(m);
  case PPML_SET_EXACT:
    reason = ppmli_exact_refusal(m);
    return reason ? reason : "with so many neurons or bits exact scores would fail too often";
  default:
    return NULL;
  }
}

PPMLI_STATIC void ppmli_planner_noise(ppml_noise *noise, const ppml_circuit *c) {
  switch (c->params->kind) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    ppmli_leveled_noise_of(noise, c);
    return;
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    ppmli_pooled_noise_of(noise, c);
    return;
#endif
  case PPML_SET_EXACT:
    ppmli_exact_noise(noise, c);
    return;
  default:
    ppmli_circuit_noise(noise, c);
  }
}

/* The noise of each layer's steps.
 *   layer  [ppmli_certificate_layers()]  out
 *   noise  the circuit's */
PPMLI_STATIC void ppmli_planner_certify(ppml_layer_certificate *layer, const ppml_circuit *c,
                                        const ppml_noise *noise) {
  uint32_t count = c->model.layer_count;
  switch (c->params->kind) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    for (uint32_t l = 0; l < count; l++) ppmli_certify_leveled_layer(&layer[l], c, l);
    return;
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    ppmli_certify_pooled(&layer[0], c);
    return;
#endif
  case PPML_SET_EXACT:
    for (uint32_t l = 0; l < count; l++) ppmli_certify_exact_layer(&layer[l], c, l, noise);
    return;
  default:
    ppmli_certify_rounded(layer, c);
  }
}

/* Scores of one image under draws of the noise.
 *   scores [draws][spec.outputs]  out
 * Scratch: ppmli_simulate_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_planner_simulate(int32_t *scores, const ppml_circuit *c,
                                        const uint8_t *pixels, size_t draws, ppml_rng *rng,
                                        ppml_arena *arena) {
  switch (c->params->kind) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return ppmli_simulate_leveled(scores, c, pixels, draws, rng, arena);
  case PPML_SET_POOLED:
  case PPML_SET_COMPACT:
    return ppmli_simulate_pooled(scores, c, pixels, draws, rng, arena);
#endif
  case PPML_SET_EXACT:
    return ppmli_simulate_exact(scores, c, pixels, draws, arena);
  default:
    return ppmli_simulate_rounded(scores, c, pixels, draws, rng, arena);
  }
}

/* Probability that any score of an image differs from the clear one, at most; 1 where nothing is
 * promised. */
PPMLI_STATIC double ppmli_planner_failure(const ppml_circuit *c) {
  switch (c->params->kind) {
  case PPML_SET_EXACT:
    return ppmli_exact_failure(c);
  default:
    return 1;
  }
}

#endif
