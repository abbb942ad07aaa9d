/* How likely a score of an exact circuit is to be wrong.  In: a circuit that is laid out; out: an upper bound
 * of that probability for one image, and the noise that it follows from.  Each bootstrap of each neuron looks
 * at a window (network/windows.h) and is right unless noise passes the window's margin; the bounds of all of
 * them are added up.  Formulas: docs/NOISE.md "Exact inference".  Next: layout_exact.h, which refuses circuits
 * that fail too often. */
#ifndef PPMLI_PLAN_FAILURE_H
#define PPMLI_PLAN_FAILURE_H

#include <math.h>

#include "../math/params.h"
#include "../network/room.h"
#include "../network/windows.h"
#include "noise.h"

#define PPMLI_EXACT_FAILURE 5.42e-20 /* 2^-64: probability of a wrong score, at most */

/* What may go wrong in the whole circuit: all of its plans, added up. */
typedef struct ppmli_exact_risk {
  double failure; /* probability that an activation of an image is not right, at most */
  double noise;   /* largest std of a phase, relative to its margin */
} ppmli_exact_risk;

/* Variance of accumulator j of layer 0 before any gain, in turns. */
PPMLI_STATIC double ppmli_exact_accumulator_variance(const ppml_circuit *c, uint32_t j) {
  const ppml_params *p = c->params;
  double kN = (double)ppmli_params_long_dim(p), squares = 0;
  double fft = ppmli_square(ldexp(PPMLI_NOISE_FFT_CONSTANT, -53)) / 12 * (1 + kN / 2);
  for (uint32_t i = 0; i < c->model.layer[0].inputs; i++)
    squares += ppmli_square(c->model.layer[0].weight[(size_t)j * c->model.layer[0].inputs + i]);
  return squares * (ppmli_noise_fresh(p, p->input_wire_bits) + fft);
}

/* Variance of the phase of a job, in turns, where a table is looked up.
 *   accumulator  ppmli_exact_accumulator_variance of its neuron */
PPMLI_STATIC double ppmli_exact_job_variance(const ppmli_exact_job *job, const ppml_params *p,
                                             double accumulator) {
  double factors = ppmli_square((double)job->factor[0]) + ppmli_square((double)job->factor[1]);
  return ppmli_square((double)job->gain) * accumulator + factors * ppmli_noise_blind_rotation(p) +
         ppmli_noise_keyswitch(p) + ppmli_noise_modulus_switch(p);
}

/* Probability that noise of that deviation passes margin, to either side, at most: what a
 * sub-Gaussian variable has whose deviation the formulas may understate by their share. */
PPMLI_STATIC double ppmli_exact_miss(double margin, double std) {
  double x = margin / (std * (1 + PPML_FORMULA_SHARE));
  return margin > 0 ? 2 * exp(-x * x / 2) : 1;
}

PPMLI_STATIC void ppmli_exact_risk_of(ppmli_exact_risk *risk, const ppml_circuit *c) {
  ppmli_exact_layout layout;
  ppmli_exact_plan plan;
  memset(risk, 0, sizeof *risk);
  if (c->model.layer_count < 2) return;
  ppmli_exact_layout_make(&layout, &c->model);
  for (uint32_t j = 0; j < c->model.layer[0].outputs; j++) {
    double accumulator = ppmli_exact_accumulator_variance(c, j);
    ppmli_exact_plan_make(&plan, &layout, &c->model, j);
    for (uint32_t i = 0; i < plan.count; i++) {
      double std = sqrt(ppmli_exact_job_variance(&plan.job[i], c->params, accumulator));
      risk->failure += ppmli_exact_miss(plan.job[i].margin, std);
      if (!(std <= risk->noise * plan.job[i].margin)) risk->noise = std / plan.job[i].margin;
    }
  }
}

/* Variance of score s as it is decrypted, in turns. */
PPMLI_STATIC double ppmli_exact_score_variance(const ppml_circuit *c, uint32_t s) {
  const ppml_model *m = &c->model;
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  double squares = 0, output = ppmli_noise_output_switch(c->params);
  if (m->layer_count == 1)
    return output + ppmli_square(c->gain[0][s]) * ppmli_exact_accumulator_variance(c, s);
  for (uint32_t j = 0; j < last->inputs; j++)
    squares += ppmli_square(last->weight[(size_t)s * last->inputs + j]);
  double parts = ppmli_exact_scored_parts(m->layer[0].activation);
  return output + squares * parts * ppmli_noise_blind_rotation(c->params);
}

/* Probability that any score of an image differs from the clear one, at most. */
PPMLI_STATIC double ppmli_exact_failure(const ppml_circuit *c) {
  ppmli_exact_risk risk;
  const double half = ldexp((double)ppmli_circuit_score_unit(c), -65);
  ppmli_exact_risk_of(&risk, c);
  for (uint32_t s = 0; s < c->model.spec.outputs; s++)
    risk.failure += ppmli_exact_miss(half, sqrt(ppmli_exact_score_variance(c, s)));
  return risk.failure < 1 ? risk.failure : 1;
}

/* Noise as ppml_noise has it: what is rounded away, and what is left. */
PPMLI_STATIC void ppmli_exact_noise(ppml_noise *noise, const ppml_circuit *c) {
  ppmli_exact_risk risk;
  double unit = ldexp((double)ppmli_circuit_score_unit(c), -64), worst = 0;
  ppmli_exact_risk_of(&risk, c);
  memset(noise, 0, sizeof *noise);
  noise->bootstrap = sqrt(ppmli_noise_blind_rotation(c->params));
  noise->layer[0] = risk.noise;
  for (uint32_t s = 0; s < c->model.spec.outputs; s++) {
    double variance = ppmli_exact_score_variance(c, s);
    if (variance > worst) worst = variance;
  }
  noise->score = sqrt(worst) / unit;
  noise->changed_answers = ppmli_exact_failure(c);
}

#endif
