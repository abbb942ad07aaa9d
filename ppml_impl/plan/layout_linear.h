/* Circuits of sums alone: one unit for pixels and scores, the largest that leaves scores room.  What noise
 * they have follows from rounded_noise.h's formulas, of which the last layer's are all there is.
 * In: a model; out: units and gains, or a refusal.  Next: path.h. */
#ifndef PPMLI_PLAN_LAYOUT_LINEAR_H
#define PPMLI_PLAN_LAYOUT_LINEAR_H

#include "../network/linear_set.h"

/* Lays out c->model.
 *   gain  [1][outputs]
 * Errors: PARAMS (hidden layers, or scores beyond the torus). */
PPMLI_STATIC int ppmli_linear_scale(ppml_circuit *c, int32_t *const *gain) {
  if (!ppmli_linear_fits(&c->model)) return PPML_ERR_PARAMS;
  c->unit[0] = ppmli_linear_unit(&c->model);
  for (uint32_t j = 0; j < c->model.spec.outputs; j++) gain[0][j] = 1;
  c->gain[0] = gain[0];
  return PPML_OK;
}

/* Is this the layout that the model has?  Errors: PARAMS. */
PPMLI_STATIC int ppmli_linear_check(const ppml_circuit *c) {
  if (!ppmli_linear_fits(&c->model)) return PPML_ERR_PARAMS;
  for (uint32_t j = 0; j < c->model.spec.outputs; j++)
    if (c->gain[0][j] != 1) return PPML_ERR_PARAMS;
  return c->unit[0] == ppmli_linear_unit(&c->model) ? PPML_OK : PPML_ERR_PARAMS;
}

#endif
