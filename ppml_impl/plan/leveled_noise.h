/* What noise the scores of a polynomial circuit will have.  In: a circuit that is laid out; out: the noise of a
 * score and the share of answers that it changes.  Formulas: docs/NOISE.md "Leveled sets".
 * Next: noise.h for single steps. */
#ifndef PPMLI_PLAN_LEVELED_NOISE_H
#define PPMLI_PLAN_LEVELED_NOISE_H

#include <math.h>

#include "../math/params.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../server/slots.h"
#include "noise.h"
#include "rounded_noise.h"

/* Sums of the squares of the weights of each neuron, and of all of H. */
typedef struct ppmli_leveled_norms {
  double each[PPMLI_LEVELED_SLOTS_MAX], h;
} ppmli_leveled_norms;

/* Of at most SLOTS_MAX neurons. */
PPMLI_STATIC void ppmli_leveled_measure(ppmli_leveled_norms *norms, const ppml_model *m) {
  const ppml_layer *hidden = &m->layer[0];
  norms->h = 0;
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    const int8_t *w = hidden->weight + (size_t)j * hidden->inputs;
    double squares = 0;
    for (uint32_t i = 0; i < hidden->inputs; i++) squares += ppmli_square(w[i]);
    norms->each[j] = squares;
    norms->h += squares;
  }
}

/* The same sum of V of score o, but for its factor B. */
PPMLI_STATIC double ppmli_leveled_v_norm(const ppmli_leveled_norms *norms, const ppml_model *m,
                                         uint32_t o) {
  double squares = 0;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++)
    squares += norms->each[j] * ppmli_square((double)ppmli_leveled_factor(m, o, j));
  return squares;
}

/* Variances, in turns: of H behind its trace and of V behind its multiplication, on average
 * over coefficients; of the relinearized product. */
typedef struct ppmli_leveled_noise {
  double h, v, product;
} ppmli_leveled_noise;

/* Of score o. */
PPMLI_STATIC void ppmli_leveled_predict(ppmli_leveled_noise *noise, const ppml_circuit *c,
                                        const ppmli_leveled_norms *norms, uint32_t o) {
  const ppml_params *p = c->params;
  double fresh = ppmli_noise_fresh(p, p->input_wire_bits);
  noise->h = ppmli_noise_trace(p, norms->h * fresh) +
             ppmli_params_trace_steps(p) * ppmli_noise_automorphism(p); /* meets S again in V */
  noise->v =
      ppmli_square(ppmli_params_block(p)) * ppmli_leveled_v_norm(norms, &c->model, o) * fresh;
  noise->product = ppmli_noise_product(p, ppmli_leveled_modulus_log2(c), noise->h, noise->v) +
                   ppmli_noise_relinearization(p);
}

/* The noise of the score that has most. */
PPMLI_STATIC void ppmli_leveled_predict_worst(ppmli_leveled_noise *worst, const ppml_circuit *c) {
  ppmli_leveled_noise noise;
  ppmli_leveled_norms norms;
  ppmli_leveled_measure(&norms, &c->model);
  memset(worst, 0, sizeof *worst);
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) {
    ppmli_leveled_predict(&noise, c, &norms, o);
    if (noise.product > worst->product) *worst = noise;
  }
}

/* As ppml_noise has it. */
PPMLI_STATIC void ppmli_leveled_noise_of(ppml_noise *noise, const ppml_circuit *c) {
  ppmli_leveled_noise worst;
  double unit = ldexp((double)c->unit[1], -64);
  int is_contest = ppmli_spec_is_contest(&c->model.spec);
  memset(noise, 0, sizeof *noise);
  ppmli_leveled_predict_worst(&worst, c);
  noise->score = sqrt(worst.product + ppmli_noise_output_switch(c->params)) / unit;
  noise->changed_answers =
      ppmli_circuit_changed_answers(c, noise->score * sqrt(is_contest ? 2.0 : 1.0));
}

/* Does the noise of a circuit change next to no answer, and no more than are allowed? */
PPMLI_STATIC int ppmli_leveled_is_cheap(const ppml_circuit *c) {
  ppml_noise noise;
  ppmli_leveled_noise_of(&noise, c);
  return noise.changed_answers <= PPMLI_LEVELED_CHEAP && noise.changed_answers <= 1 - c->agreement;
}

#endif
