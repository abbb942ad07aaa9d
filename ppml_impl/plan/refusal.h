/* Why no circuit was made, in words: one line of English for what ppml_refusal has in numbers. */
#ifndef PPMLI_PLAN_REFUSAL_H
#define PPMLI_PLAN_REFUSAL_H

#include "../network/model.h"
#include "../network/windows.h"
#include "layout_leveled.h"

/* Of a network with bootstraps.  The exact set is refused by its shape, or since it would fail. */
PPMLI_STATIC const char *ppmli_refusal_of_bootstraps(const ppml_refusal *r, const ppml_model *m,
                                                     const ppml_params *asked) {
  if (asked && asked->exact) {
    const char *reason = ppmli_exact_refusal(m);
    return reason ? reason : "with so many neurons or bits exact scores would fail too often";
  }
  if (r->params == NULL)
    return "a neuron does not fit the torus: its peak is too large beside its weights";
  return "noise is predicted to change too many answers";
}

PPMLI_STATIC const char *ppmli_refusal_of_polynomials(const ppml_model *m,
                                                      const ppml_params *asked) {
  const char *reason = ppmli_leveled_refusal(m);
  if (reason) return reason;
  if (asked && m->layer[0].outputs > asked->slots)
    return "it has more hidden neurons than the set has slots";
  return "noise is predicted to change too many answers";
}

/*   r  of a plan that was refused with PARAMS */
PPMLI_STATIC const char *ppmli_refusal_reason(const ppml_refusal *r, const ppml_model *m,
                                              const ppml_compile_options *options) {
  const ppml_params *asked = options->params;
  int is_polynomial = ppmli_model_is_polynomial(m);
  if (r->too_large && r->params == NULL)
    return "a circuit, an image or the memory for one would be beyond the default limits";
  if (asked && (asked->slots != 0) != is_polynomial)
    return is_polynomial ? "the set has no products, which polynomials need"
                         : "the set has no bootstrap, which these activations need";
  return is_polynomial ? ppmli_refusal_of_polynomials(m, asked)
                       : ppmli_refusal_of_bootstraps(r, m, asked);
}

#endif
