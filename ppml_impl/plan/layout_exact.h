/* Laying out exact circuits.  In: a model; out: units and gains, or the error that it does not fit.  An exact
 * circuit looks at its accumulators through windows (network/windows.h), so there is little to choose here.
 * Next: failure.h, which says how likely a wrong score is. */
#ifndef PPMLI_PLAN_LAYOUT_EXACT_H
#define PPMLI_PLAN_LAYOUT_EXACT_H

#include "../network/room.h"
#include "../network/windows.h"
#include "failure.h"
#include "layout_rounded.h"

/* Chooses units and gains: accumulators are left as they are, their windows have gains.
 * Errors: PARAMS. */
PPMLI_STATIC int ppmli_exact_scale(ppml_circuit *c, int32_t *const *gain) {
  ppmli_exact_layout layout;
  if (ppmli_exact_refusal(&c->model) != NULL) return PPML_ERR_PARAMS;
  uint32_t neuron;
  if (c->model.layer_count == 1) return ppmli_circuit_scale_layer(c, 0, gain[0], &neuron);
  ppmli_exact_layout_make(&layout, &c->model);
  c->unit[0] = ppmli_circuit_input_unit(c->params, &c->model.spec);
  c->unit[1] = layout.unit;
  for (uint32_t l = 0; l < 2; l++) {
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) gain[l][j] = 1;
    c->gain[l] = gain[l];
  }
  return PPML_OK;
}

/* Is this the layout of the model, does a file hold it, and does it fail seldom enough?
 * Errors: PARAMS. */
PPMLI_STATIC int ppmli_exact_check(const ppml_circuit *c) {
  ppmli_exact_layout layout;
  PPMLI_TRY(ppmli_rounded_check(c));
  if (ppmli_exact_refusal(&c->model) != NULL) return PPML_ERR_PARAMS;
  if (c->model.layer_count == 2) {
    ppmli_exact_layout_make(&layout, &c->model);
    if (c->unit[0] > ppmli_layer_least_capacity(&c->model, 0)) return PPML_ERR_PARAMS;
    if (c->unit[1] != layout.unit) return PPML_ERR_PARAMS;
    for (uint32_t l = 0; l < 2; l++)
      for (uint32_t j = 0; j < c->model.layer[l].outputs; j++)
        if (c->gain[l][j] != 1) return PPML_ERR_PARAMS;
  }
  return ppmli_exact_failure(c) <= PPMLI_EXACT_FAILURE ? PPML_OK : PPML_ERR_PARAMS;
}

#endif
