/* Why no circuit was made, in words: one line of English for what ppml_refusal has in numbers.  In: a
 * ppml_refusal and the model; out: the line.  Next: choose.h, which refuses. */
#ifndef PPMLI_PLAN_REFUSAL_H
#define PPMLI_PLAN_REFUSAL_H

#include "../math/params.h"
#include "../network/model.h"
#include "../network/pooled_model.h"
#include "layout_bridged.h"
#include "layout_leveled.h"
#include "layout_pooled.h"
#include "path.h"

/* Where the sets that are made for the network were tried.
 *   asked   the set that was asked for, or NULL
 *   wanted  share of the answers to be kept */
PPMLI_STATIC const char *ppmli_refusal_of_layout(const ppml_refusal *r, const ppml_model *m,
                                                 const ppml_params *asked, double wanted) {
  int is_polynomial = ppmli_model_is_polynomial(m), is_pooled = ppmli_model_is_pooled(m);
  const char *reason = asked                         ? ppmli_planner_refusal(asked, m)
                       : is_polynomial               ? ppmli_leveled_refusal(m)
                       : is_pooled                   ? ppmli_pooled_set_refusal(NULL, m)
                       : ppmli_model_has_features(m) ? ppmli_bridged_refusal(m)
                                                     : NULL;
  if (reason) return reason;
  if (r->params == NULL)
    return "a neuron does not fit the torus: its peak is too large beside its weights";
  if (r->agreement >= wanted)
    return "scores are noisier than a client spec can say, so that none of them may be published";
  return "noise is predicted to change too many answers";
}

/*   r  of a plan that was refused with PARAMS */
PPMLI_STATIC const char *ppmli_refusal_reason(const ppml_refusal *r, const ppml_model *m,
                                              const ppml_compile_options *options) {
  const ppml_params *asked = options->params;
  int is_polynomial = ppmli_model_is_polynomial(m);
  if (r->too_large && r->params == NULL)
    return "a circuit, an image or the memory for one would be beyond the default limits";
  if (asked && !ppmli_model_suits(m, asked) && ppmli_model_is_pooled(m))
    return "the set has no latents, which pooled networks need";
  if (asked && ppmli_params_is_bridged(asked) != ppmli_model_has_features(m))
    return ppmli_params_is_bridged(asked) ? "the set is for layers behind a pooled network alone"
                                          : "the set has no bridge from latents to bootstraps";
  if (asked && ppmli_params_carries_pooled(asked) && !ppmli_model_is_pooled(m))
    return "the set is for pooled networks alone";
  if (asked && ppmli_params_has_products(asked) != is_polynomial)
    return is_polynomial ? "the set has no products, which polynomials need"
                         : "the set has no bootstrap, which these activations need";
  return ppmli_refusal_of_layout(r, m, asked, options->agreement);
}

#endif
