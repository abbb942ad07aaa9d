/* What answers tell of the noise of their scores, hence of the key; the steps that
 * probabilities are rounded to; and noise that lets scores be published.  Formulas of
 * docs/NOISE.md "What an answer tells".  In: a circuit and its noise; out: steps, bits, and the numbers
 * of a client spec.  Next: network/client.h. */
#ifndef PPMLI_PLAN_LEAK_H
#define PPMLI_PLAN_LEAK_H

#include <math.h>

#include "../network/client.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "rounded_noise.h"

/* --------------------------------------------------------- what compile says */

#define PPMLI_LEAK_NOISE_MOST_LOG2 58 /* of a score, that a client spec says: 2^-6 of a turn */

/* Standard deviation of a score's noise, in 2^-64 of a turn: rounded up, and to 12 bits, so that
 * machines whose libm differ in a last bit say the same. */
PPMLI_STATIC uint64_t ppmli_leak_score_noise(const ppml_circuit *c, const ppml_noise *noise) {
  int exponent;
  double std = noise->score * (double)ppmli_circuit_score_unit(c);
  double most = ldexp(1, PPMLI_LEAK_NOISE_MOST_LOG2);
  double top = ldexp(frexp(std < most ? std : most, &exponent), 12);
  return (uint64_t)ldexp(ceil(top), exponent - 12);
}

/* May a circuit have a budget of scores to be published?  A flood is made for the noise that the client spec
 * says and hides no more than that; and decisions are the answer itself, whose noise is a turned sign. */
PPMLI_STATIC int ppmli_leak_may_publish(const ppml_circuit *c, double score_std) {
  double std = score_std * (double)ppmli_circuit_score_unit(c);
  return c->publish == 0 || (!c->model.spec.decides && std <= ldexp(1, PPMLI_LEAK_NOISE_MOST_LOG2));
}

/* Of many classes that are decided the winner's sign may be lost in noise wherever the image lies; then noise
 * alone chooses a class.  What is told is at most the entropy of that.
 *   lost  share of the answers */
PPMLI_STATIC double ppmli_leak_lost_bits(double lost, uint32_t classes) {
  if (!(lost > 0)) return 0;
  if (lost >= 1) return log2(classes);
  return -lost * log2(lost) - (1 - lost) * log2(1 - lost) + lost * log2(classes - 1);
}

/* Bits that a label tells, at most those that it has.  Predicted changes are twice the density of
 * the margin near 0 times std / sqrt(2 pi); what is told is that density times std times the
 * integral of the entropy over the margin's one side. */
PPMLI_STATIC double ppmli_leak_label_bits(const ppml_client *client, const ppml_circuit *c,
                                          const ppml_noise *noise) {
  const ppml_spec *spec = &c->model.spec;
  const double half_normal = 0.39894; /* 1 / sqrt(2 pi) */
  double lost = spec->decides ? ppmli_circuit_winner_errors(c) : 0;
  double near = noise->changed_answers > lost ? noise->changed_answers - lost : 0;
  double bits = near * PPMLI_LEAK_ENTROPY / 2 / half_normal;
  bits += ppmli_leak_lost_bits(lost, spec->classes);
  double most = spec->task == PPML_TASK_LABELS ? spec->outputs : log2(spec->classes);
  if (ppmli_client_is_silent(client)) return 0;
  return bits < most ? bits : most;
}

/* Bits that rounded probabilities, where there are any, tell besides: every step has a border.  Differences of scores
 * that are compared have the noise of two. */
PPMLI_STATIC double ppmli_leak_probability_bits(const ppml_client *client, const ppml_circuit *c,
                                                const ppml_noise *noise) {
  const ppml_spec *spec = &c->model.spec;
  double scores = ppmli_spec_is_contest(spec) ? (spec->outputs - 1) * sqrt(2) : spec->outputs;
  if (ppmli_client_is_silent(client) || spec->decides) return 0;
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
