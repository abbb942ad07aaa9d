/* What scores in the clear say: which class, labels or grade they stand for, whether two sets of scores say the
 * same, and how far they are from saying something else (their margin).  In: a ppml_spec and scores, of
 * training, planning or a test; for a client's decrypted scores answer.h takes care of time and noise. */
#ifndef PPMLI_NETWORK_LABELS_H
#define PPMLI_NETWORK_LABELS_H

#include "clear.h"
#include "spec.h"

PPMLI_STATIC uint32_t ppmli_spec_largest(const ppml_spec *spec, const int32_t *scores) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < spec->outputs; c++)
    if (scores[c] > scores[best]) best = c;
  return best;
}

/* Labels are made aside and copied: where a caller has one byte for one answer, gcc takes a loop
 * that would write more for one that does, and warns. */
PPMLI_STATIC void ppmli_spec_answer(uint8_t *answer, const ppml_spec *spec, const int32_t *scores) {
  uint8_t all[PPML_CLASSES_MAX] = {0};
  if (spec->task == PPML_TASK_LABELS)
    for (uint32_t c = 0; c < spec->outputs && c < PPML_CLASSES_MAX; c++)
      all[c] = scores[c] > spec->threshold[c];
  else if (ppmli_spec_is_contest(spec)) all[0] = (uint8_t)ppmli_spec_largest(spec, scores);
  else all[0] = ppmli_spec_above(spec, scores);
  memcpy(answer, all, ppmli_spec_answer_bytes(spec));
}

/* Do two sets of scores of an image stand for the same answer? */
PPMLI_STATIC int ppmli_spec_same_answer(const ppml_spec *spec, const int32_t *a, const int32_t *b) {
  uint8_t first[PPML_CLASSES_MAX], second[PPML_CLASSES_MAX];
  ppmli_spec_answer(first, spec, a);
  ppmli_spec_answer(second, spec, b);
  return memcmp(first, second, ppmli_spec_answer_bytes(spec)) == 0;
}

/* How far scores are from standing for another answer. */
PPMLI_STATIC int64_t ppmli_spec_margin(const ppml_spec *spec, const int32_t *scores) {
  int is_contest = ppmli_spec_is_contest(spec);
  uint32_t best = is_contest ? ppmli_spec_largest(spec, scores) : spec->outputs;
  int64_t margin = INT64_MAX;
  for (uint32_t c = 0; c < spec->outputs; c++) {
    int64_t rival = is_contest ? scores[best] : spec->threshold[c], distance = scores[c] - rival;
    if (distance < 0) distance = -distance;
    if (c != best && distance < margin) margin = distance;
  }
  return margin;
}

/* The same, but no more than INT32_MAX. */
PPMLI_STATIC int32_t ppmli_spec_margin32(const ppml_spec *spec, const int32_t *scores) {
  int64_t margin = ppmli_spec_margin(spec, scores);
  return margin < INT32_MAX ? (int32_t)margin : INT32_MAX;
}

/* The largest number that at most 5 % of the margins are below.
 *   margin [count]  >= 0 */
PPMLI_STATIC uint32_t ppmli_spec_margin_p05(const int32_t *margin, size_t count) {
  int32_t p05 = 0;
  for (int32_t bit = (int32_t)1 << 30; bit; bit >>= 1) {
    size_t below = 0;
    for (size_t n = 0; n < count; n++) below += margin[n] < p05 + bit;
    if (below <= count / 20) p05 += bit;
  }
  return (uint32_t)p05;
}

#endif
