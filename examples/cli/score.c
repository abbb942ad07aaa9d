#include "score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void score_probabilities(double *probability, const ppml_spec *spec, const int32_t *scores) {
  if (spec->outputs == 1) {
    probability[1] = 1 / (1 + exp(-(double)scores[0] / spec->score_unit));
    probability[0] = 1 - probability[1];
    return;
  }
  double most = scores[0], sum = 0;
  for (uint32_t c = 1; c < spec->outputs; c++) most = scores[c] > most ? scores[c] : most;
  for (uint32_t c = 0; c < spec->outputs; c++)
    sum += probability[c] = exp((scores[c] - most) / spec->score_unit);
  for (uint32_t c = 0; c < spec->outputs; c++) probability[c] /= sum;
}

int score_card_create(score_card *card, const ppml_spec *spec, size_t capacity) {
  card->spec = spec;
  card->count = 0;
  card->capacity = capacity;
  card->probability = (double *)calloc(capacity * spec->classes, sizeof(double));
  card->label = (uint8_t *)calloc(capacity, 1);
  card->answer = (uint8_t *)calloc(capacity, 1);
  if (card->probability && card->label && card->answer) return CLI_OK;
  score_card_destroy(card);
  return cli_fail(CLI_INTERNAL, "memory", "none left for %zu answers", capacity);
}

void score_card_destroy(score_card *card) {
  free(card->probability);
  free(card->label);
  free(card->answer);
  memset(card, 0, sizeof *card);
}

void score_card_add(score_card *card, const int32_t *scores, uint8_t label) {
  size_t i = card->count++;
  score_probabilities(card->probability + i * card->spec->classes, card->spec, scores);
  card->label[i] = label;
  card->answer[i] = (uint8_t)ppml_spec_class(card->spec, scores);
}

double score_accuracy(const score_card *card) {
  size_t right = 0;
  for (size_t i = 0; i < card->count; i++) right += card->answer[i] == card->label[i];
  return (double)right / (double)card->count;
}

/* Area under the curve of one class: the share of (example, other) pairs that the
 * probability puts in the right order, ties counting half. */
static double class_auc(const score_card *card, uint32_t c) {
  size_t classes = card->spec->classes;
  double ordered = 0, pairs = 0;
  for (size_t i = 0; i < card->count; i++) {
    if (card->label[i] != c) continue;
    double p = card->probability[i * classes + c];
    for (size_t j = 0; j < card->count; j++) {
      if (card->label[j] == c) continue;
      double q = card->probability[j * classes + c];
      ordered += p > q ? 1 : p < q ? 0 : 0.5;
      pairs++;
    }
  }
  return pairs > 0 ? ordered / pairs : NAN;
}

double score_auc(const score_card *card) {
  double sum = 0;
  int counted = 0;
  if (card->spec->classes == 2) return class_auc(card, 1);
  for (uint32_t c = 0; c < card->spec->classes; c++) {
    double auc = class_auc(card, c);
    if (isnan(auc)) continue;
    sum += auc;
    counted++;
  }
  return counted ? sum / counted : NAN;
}

double score_agreement(const score_card *a, const score_card *b) {
  size_t same = 0;
  for (size_t i = 0; i < a->count; i++) same += a->answer[i] == b->answer[i];
  return (double)same / (double)a->count;
}
