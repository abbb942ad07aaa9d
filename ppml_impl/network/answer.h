/* What a client tells of decrypted scores: a label and rounded probabilities, and no more, since a score itself
 * tells of the secret key.  In: a ppml_client and scores; out: a ppml_answer.  All of it is integers, and time
 * does not depend on the scores before they are rounded down to steps.  docs/NOISE.md "What an answer tells"
 * says how wide a step is.  Next: labels.h, for scores that are no secret. */
#ifndef PPMLI_NETWORK_ANSWER_H
#define PPMLI_NETWORK_ANSWER_H

#include "../base/ct.h"
#include "spec.h"

#define PPMLI_ANSWER_PERCENT 5  /* probabilities are multiples of that */
#define PPMLI_ANSWER_LN2 726817 /* round(2^20 ln 2) */
#define PPMLI_ANSWER_ONE ((uint64_t)1 << 30)

/* ------------------------------------------------------------------ steps */

/* Which step a distance is in: floor(distance / step), |distance| < 2^40.  CT. */
PPMLI_STATIC int64_t ppmli_answer_step(int64_t distance, uint32_t step_log2) {
  const uint64_t above = (uint64_t)1 << 40; /* a multiple of every step: nothing is negative */
  return (int64_t)((above + (uint64_t)distance) >> step_log2) - (int64_t)(above >> step_log2);
}

/* The largest score and the first that is so large.  CT. */
PPMLI_STATIC int64_t ppmli_answer_largest(uint32_t *best, const int32_t *scores, uint32_t count) {
  const int64_t shift = (int64_t)1 << 32; /* comparisons are unsigned */
  uint64_t most = (uint64_t)(scores[0] + shift), at = 0;
  for (uint32_t c = 1; c < count; c++) {
    uint64_t score = (uint64_t)(scores[c] + shift);
    uint64_t larger = ppmli_ct_mask(ppmli_ct_less(most, score));
    most ^= (most ^ score) & larger;
    at ^= (at ^ c) & larger;
  }
  *best = (uint32_t)at;
  return (int64_t)most - shift;
}

/* What an answer is made of, and all that it tells. */
typedef struct ppmli_answer_steps {
  uint32_t best;                  /* of scores that are compared; else 0 */
  int64_t step[PPML_CLASSES_MAX]; /* [outputs]: how far each is behind the best (0 or more), or
                                     beyond its threshold: 0 or more where the label applies */
} ppmli_answer_steps;

/* CT. */
PPMLI_STATIC void ppmli_answer_find_steps(ppmli_answer_steps *out, const ppml_client *client,
                                          const int32_t *scores) {
  const ppml_spec *spec = &client->spec;
  int is_contest = ppmli_spec_is_contest(spec);
  uint32_t step_log2 = 0;
  int64_t most = 0;
  memset(out, 0, sizeof *out);
  while (client->answer_step >> step_log2 > 1) step_log2++;
  if (is_contest) most = ppmli_answer_largest(&out->best, scores, spec->outputs);
  for (uint32_t c = 0; c < spec->outputs; c++) {
    int64_t distance = is_contest ? most - scores[c] : (int64_t)scores[c] - spec->threshold[c] - 1;
    out->step[c] = ppmli_answer_step(distance, step_log2);
  }
}

/* ---------------------------------------------------------- probabilities */

/* e^-x, in parts of ONE.
 *   x  in 2^-20 */
PPMLI_STATIC uint64_t ppmli_answer_exp(uint64_t x) {
  uint64_t halvings = ppmli_ct_floor(x, PPMLI_ANSWER_LN2);
  uint64_t rest = (x - halvings * PPMLI_ANSWER_LN2) << 10;
  uint64_t sum = PPMLI_ANSWER_ONE;
  if (halvings > 30) return 0;
  for (uint64_t k = 6; k; k--)
    sum = PPMLI_ANSWER_ONE - (ppmli_ct_floor(rest * sum, k) >> 30); /* 1 - x (1 - x/2 (.. */
  return sum >> halvings;
}

/* How far the middle of a step is from the border between labels, in logits of 2^-20.
 *   step  0 or more: the steps between */
PPMLI_STATIC uint64_t ppmli_answer_logit(int64_t step, const ppml_client *client) {
  uint64_t halves = (2 * (uint64_t)step + 1) * client->answer_step; /* below 2^35 */
  return ppmli_ct_floor(halves << 19, client->spec.score_unit);
}

/* Probability of being beyond a threshold, in parts of ONE. */
PPMLI_STATIC uint64_t ppmli_answer_beyond(int64_t step, const ppml_client *client) {
  int is_beyond = step >= 0;
  uint64_t odds = ppmli_answer_exp(ppmli_answer_logit(is_beyond ? step : -1 - step, client));
  uint64_t less = ppmli_ct_floor(odds * PPMLI_ANSWER_ONE, PPMLI_ANSWER_ONE + odds);
  return is_beyond ? PPMLI_ANSWER_ONE - less : less;
}

PPMLI_STATIC uint8_t ppmli_answer_percent(uint64_t share, uint64_t total) {
  const uint64_t parts = 100 / PPMLI_ANSWER_PERCENT;
  return (uint8_t)(PPMLI_ANSWER_PERCENT * ppmli_ct_floor(2 * parts * share + total, 2 * total));
}

/* ----------------------------------------------------------------- answers */

/* Scores that are compared: softmax of how far they are behind. */
PPMLI_STATIC void ppmli_answer_contest(ppml_answer *answer, const ppml_client *client,
                                       const ppmli_answer_steps *steps) {
  uint64_t share[PPML_CLASSES_MAX], total = 0;
  for (uint32_t c = 0; c < client->spec.outputs; c++) {
    share[c] = c == steps->best ? PPMLI_ANSWER_ONE
                                : ppmli_answer_exp(ppmli_answer_logit(steps->step[c], client));
    total += share[c];
  }
  for (uint32_t c = 0; c < client->spec.outputs; c++)
    answer->percent[c] = ppmli_answer_percent(share[c], total);
  answer->label[0] = (uint8_t)steps->best;
}

PPMLI_STATIC void ppmli_answer_labels(ppml_answer *answer, const ppml_client *client,
                                      const ppmli_answer_steps *steps) {
  for (uint32_t c = 0; c < client->spec.outputs; c++) {
    uint64_t beyond = ppmli_answer_beyond(steps->step[c], client);
    answer->label[c] = steps->step[c] >= 0;
    answer->percent[c] = ppmli_answer_percent(beyond, PPMLI_ANSWER_ONE);
  }
}

/* One score, or grades: class c lies between two thresholds, and is as probable as its lower one
 * is passed and its upper one is not.  Where scores contradict one another, the probabilities are
 * put in order, so that the class is the one that ppml_spec_answer counts. */
PPMLI_STATIC void ppmli_answer_between(ppml_answer *answer, const ppml_client *client,
                                       const ppmli_answer_steps *steps) {
  uint64_t beyond[PPML_CLASSES_MAX + 1];
  uint32_t thresholds = client->spec.outputs;
  for (uint32_t c = 0; c < thresholds; c++) {
    uint64_t p = ppmli_answer_beyond(steps->step[c], client);
    uint32_t at = c;
    for (; at > 0 && beyond[at - 1] < p; at--) beyond[at] = beyond[at - 1];
    beyond[at] = p;
    answer->label[0] = (uint8_t)(answer->label[0] + (steps->step[c] >= 0));
  }
  beyond[thresholds] = 0;
  for (uint32_t c = 0; c <= thresholds; c++) {
    uint64_t reached = c ? beyond[c - 1] : PPMLI_ANSWER_ONE;
    answer->percent[c] = ppmli_answer_percent(reached - beyond[c], PPMLI_ANSWER_ONE);
  }
}

/* Is a score beyond its peak, both rounded down to whole steps?  CT: up to the steps.
 *   step  a power of two */
PPMLI_STATIC int ppmli_scores_are_unseen(const int32_t *scores, const int32_t *peaks,
                                         uint32_t outputs, uint32_t step) {
  uint32_t unseen = 0;
  for (uint32_t o = 0; o < outputs; o++) {
    uint32_t sign = (uint32_t)scores[o] >> 31;
    uint32_t magnitude = ((uint32_t)scores[o] ^ (0 - sign)) + sign, whole = 0 - step;
    unseen |= (uint32_t)ppmli_ct_less((uint32_t)peaks[o] & whole, magnitude & whole);
  }
  return (int)unseen;
}

/* CT: up to the steps. */
PPMLI_STATIC void ppmli_client_answer(ppml_answer *answer, const ppml_client *client,
                                      const int32_t *scores) {
  ppmli_answer_steps steps;
  ppmli_answer_find_steps(&steps, client, scores);
  memset(answer, 0, sizeof *answer);
  if (ppmli_spec_is_contest(&client->spec)) ppmli_answer_contest(answer, client, &steps);
  else if (client->spec.task == PPML_TASK_LABELS) ppmli_answer_labels(answer, client, &steps);
  else ppmli_answer_between(answer, client, &steps);
  if (ppmli_spec_decides(&client->spec)) memset(answer->percent, 0, sizeof answer->percent);
  answer->unseen = (uint8_t)ppmli_scores_are_unseen(scores, client->score_peak,
                                                    client->spec.outputs, client->answer_step);
}

#endif
