/* The planner's one look at what kind a set is: a switch for each of its verbs. */
#ifndef PPMLI_PLAN_PATH_H
#define PPMLI_PLAN_PATH_H

#include "../network/windows.h"
#include "layout_exact.h"
#include "layout_leveled.h"
#include "layout_rounded.h"

/* Bootstraps of one image by a circuit of any kind: one for every hidden neuron, or what its
 * plan has, or none. */
PPMLI_STATIC size_t ppmli_circuit_pbs_count(const ppml_circuit *c) {
  size_t count = 0;
  if (c->params->slots) return 0;
  if (c->params->exact) return ppmli_exact_count_of(&c->model).bootstraps;
  for (uint32_t l = 0; l + 1 < c->model.layer_count; l++) count += c->model.layer[l].outputs;
  return count;
}

/* Rounds of bootstraps, each of which needs the one before: a hidden layer is one, or several where
 * it is exact. */
PPMLI_STATIC size_t ppmli_circuit_pbs_rounds(const ppml_circuit *c) {
  if (c->params->slots) return 0;
  if (c->params->exact) return ppmli_exact_count_of(&c->model).rounds;
  return c->model.layer_count - 1;
}

/* Noise of a circuit of any kind. */
PPMLI_STATIC void ppmli_predict_noise(ppml_noise *noise, const ppml_circuit *c) {
  if (c->params->exact) ppmli_exact_noise(noise, c);
  else if (c->params->slots) ppmli_leveled_noise_of(noise, c);
  else ppmli_circuit_noise(noise, c);
}

#endif
