/* Layer 7: what answers tell of the noise of their scores, hence of the key; the steps that
 * probabilities are rounded to; and noise that lets scores be published.  Formulas of
 * docs/NOISE.md "What an answer tells". */
#ifndef PPMLI_LEAK_H
#define PPMLI_LEAK_H

#include "circuit.h"

#define PPMLI_LEAK_STEP_NOISES                                                                     \
  16                            /* a step has that many standard deviations of noise at least ... */
#define PPMLI_LEAK_STEP_SHARE 8 /* and that part of a logit, which rounding to 5 % hides anyway */
#define PPMLI_LEAK_ENTROPY 2.60608    /* integral of H2(Phi(x)) over all x, in bits */
#define PPMLI_LEAK_FLOOD_SUMMANDS 128 /* uniform numbers that a flood is the sum of */

/* ------------------------------------------------- integers, for a client */

/* Is a score free of noise, but for a failure?  Then half a unit is 9.49 deviations, these taken
 * to be 5 % larger than predicted: 2 exp(-9.49^2 / 2) = 2^-64.  A unit is 19.9 deviations. */
PPMLI_STATIC int ppmli_client_is_silent(const ppml_client *c) {
  return c->score_noise <= c->score_unit / 199 * 10;
}

/* Are there enough deviations of noise in a step? */
PPMLI_STATIC int ppmli_client_has_valid_step(const ppml_client *c) {
  uint32_t step = c->answer_step;
  if (step == 0 || (step & (step - 1)) != 0 || step > (uint32_t)1 << 30) return 0;
  return c->score_noise <= UINT64_MAX / 2 / PPMLI_LEAK_STEP_NOISES &&
         (c->score_noise * PPMLI_LEAK_STEP_NOISES + step - 1) / step <= c->score_unit;
}

/* A flood of this bound: each of its summands is uniform on [-bound, bound], in 2^-40 of a turn.
 * With N scores to be published, the variance is R^2 that of the noise,
 *
 *   R^2 = N / (2 ln 2 (1 - 0.175)),   bound^2 = 3 R^2 / SUMMANDS = 0.020492 N noise^2
 *
 * 0.175 being what the sum differs from a normal number, for 65,536 scores: see the document.
 * Rounded up, by 2^-13 of itself at most. */
PPMLI_STATIC uint64_t ppmli_client_flood_bound(const ppml_client *c) {
  const uint64_t share = 88016023; /* ceil(2^32 3 / (256 ln 2 (1 - 0.175))) */
  uint64_t noise = (c->score_noise >> 24) + 1;
  return ((ppmli_square_root(c->publish * share) + 1) * noise >> 16) + 1;
}

/* --------------------------------------------------------- what compile says */

/* Standard deviation of a score's noise, in 2^-64 of a turn: rounded up, and to 12 bits, so that
 * machines whose libm differ in a last bit say the same. */
PPMLI_STATIC uint64_t ppmli_leak_score_noise(const ppml_circuit *c, const ppml_noise *noise) {
  int exponent;
  double std = noise->score * (double)ppmli_circuit_score_unit(c), most = ldexp(1, 58);
  double top = ldexp(frexp(std < most ? std : most, &exponent), 12);
  return (uint64_t)ldexp(ceil(top), exponent - 12);
}

/* Bits that a label tells, at most those that it has.  Predicted changes are twice the density of
 * the margin near 0 times std / sqrt(2 pi); what is told is that density times std times the
 * integral of the entropy over the margin's one side. */
PPMLI_STATIC double ppmli_leak_label_bits(const ppml_client *client, const ppml_circuit *c,
                                          const ppml_noise *noise) {
  const ppml_spec *spec = &c->model.spec;
  const double half_normal = 0.39894; /* 1 / sqrt(2 pi) */
  double bits = noise->changed_answers * PPMLI_LEAK_ENTROPY / 2 / half_normal;
  double most = spec->task == PPML_TASK_LABELS ? spec->outputs : log2(spec->classes);
  if (ppmli_client_is_silent(client)) return 0;
  return bits < most ? bits : most;
}

/* Bits that rounded probabilities tell besides: every step has a border.  Differences of scores
 * that are compared have the noise of two. */
PPMLI_STATIC double ppmli_leak_probability_bits(const ppml_client *client, const ppml_circuit *c,
                                                const ppml_noise *noise) {
  const ppml_spec *spec = &c->model.spec;
  double scores = ppmli_spec_is_contest(spec) ? (spec->outputs - 1) * sqrt(2) : spec->outputs;
  if (ppmli_client_is_silent(client)) return 0;
  return scores * PPMLI_LEAK_ENTROPY * noise->score / client->answer_step;
}

/* Answers that tell KEY_LEAK_BITS together. */
PPMLI_STATIC uint32_t ppmli_leak_renew_after(const ppml_client *client, const ppml_circuit *c,
                                             const ppml_noise *noise) {
  double bits = ppmli_leak_label_bits(client, c, noise);
  bits += ppmli_leak_probability_bits(client, c, noise);
  double answers = bits > 0 ? PPML_KEY_LEAK_BITS / bits : UINT32_MAX;
  if (answers >= UINT32_MAX) return UINT32_MAX;
  return answers > 1 ? (uint32_t)(answers + 1e-6) : 1; /* a libm's last bit apart, the same */
}

/* Unit, noise, step and budgets of the client that goes with a circuit. */
PPMLI_STATIC void ppmli_leak_client(ppml_client *client, const ppml_circuit *c,
                                    const ppml_noise *noise) {
  uint64_t least = c->model.spec.score_unit / PPMLI_LEAK_STEP_SHARE;
  client->params = c->params;
  client->score_unit = ppmli_circuit_score_unit(c);
  client->score_noise = ppmli_leak_score_noise(c, noise);
  client->publish = c->publish;
  client->answer_step = 1;
  while (client->answer_step < (uint32_t)1 << 30 &&
         (client->answer_step < least || !ppmli_client_has_valid_step(client)))
    client->answer_step *= 2;
  client->renew_after = ppmli_leak_renew_after(client, c, noise);
  for (uint32_t s = 0; s < c->model.spec.outputs; s++)
    client->score_peak[s] = ppmli_circuit_score_peak(c, s);
}

/* Standard deviation of a flooded score, in units. */
PPMLI_STATIC double ppmli_leak_flooded_std(const ppml_client *client, double noise) {
  double bound = ldexp((double)ppmli_client_flood_bound(client), 24) / (double)client->score_unit;
  if (ppmli_client_is_silent(client)) return noise;
  return sqrt(noise * noise + bound * bound * PPMLI_LEAK_FLOOD_SUMMANDS / 3);
}

/* Share of the answers read off flooded scores that are the clear ones: changes grow with the
 * noise. */
PPMLI_STATIC double ppmli_leak_flooded_agreement(const ppml_noise *noise, double flooded_std) {
  double changed = noise->changed_answers * flooded_std / noise->score;
  return changed < 1 ? 1 - changed : 0;
}

#endif
