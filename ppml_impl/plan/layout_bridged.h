/* Laying out layers behind a pooled network: features stand where all circuits have them, layers as those of
 * rounded circuits.  In: a model; out: units and gains, or why there are none.  Next: layout_rounded.h,
 * bridged_noise.h. */
#ifndef PPMLI_PLAN_LAYOUT_BRIDGED_H
#define PPMLI_PLAN_LAYOUT_BRIDGED_H

#include "../network/gates.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/pooled_model.h"
#include "layout_rounded.h"
#include "pooled_noise.h"

/* Why features fit no bridged set, as one line, or NULL. */
PPMLI_STATIC const char *ppmli_bridged_refusal(const ppml_model *m) {
  ppmli_pooled net = ppmli_model_pooled(m);
  const char *refusal = ppmli_pooled_shape_refusal(&net.shape);
  if (refusal) return refusal;
  if (!ppmli_gates_fit(m))
    return "a feature that a gate multiplies has a range beyond its room, 149,796";
  return ppmli_pooled_is_exact(&net) ? NULL : "its weights are too large for exact sums";
}

/* As ppmli_rounded_scale.  Errors: PARAMS. */
PPMLI_STATIC int ppmli_bridged_scale(ppml_circuit *c, int32_t *const *gain, ppml_refusal *refusal) {
  if (ppmli_bridged_refusal(&c->model)) return PPML_ERR_PARAMS;
  return ppmli_rounded_scale(c, gain, refusal);
}

/* As ppmli_rounded_check.  Errors: PARAMS. */
PPMLI_STATIC int ppmli_bridged_check(const ppml_circuit *c) {
  return ppmli_bridged_refusal(&c->model) ? PPML_ERR_PARAMS : ppmli_rounded_check(c);
}

#endif
