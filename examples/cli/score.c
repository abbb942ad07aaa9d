#include "score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Of a score being on the far side of its threshold. */
static double logistic(const ppml_spec *spec, const int32_t *scores, uint32_t c) {
  double over = (double)scores[c] - spec->threshold[c];
  return 1 / (1 + exp(-over / spec->score_unit));
}

static void softmax(double *probability, const ppml_spec *spec, const int32_t *scores) {
  double most = scores[0], sum = 0;
  for (uint32_t c = 1; c < spec->outputs; c++) most = scores[c] > most ? scores[c] : most;
  for (uint32_t c = 0; c < spec->outputs; c++)
    sum += probability[c] = exp((scores[c] - most) / spec->score_unit);
  for (uint32_t c = 0; c < spec->outputs; c++) probability[c] /= sum;
}

/* Class c lies between thresholds c - 1 and c. */
static void between(double *probability, const ppml_spec *spec, const int32_t *scores) {
  double reached = 1;
  for (uint32_t c = 0; c < spec->classes; c++) {
    double next = c < spec->outputs ? logistic(spec, scores, c) : 0;
    if (next > reached) next = reached; /* where the scores contradict one another */
    probability[c] = reached - next;
    reached = next;
  }
}

void score_probabilities(double *probability, const ppml_spec *spec, const int32_t *scores) {
  if (spec->task == PPML_TASK_LABELS)
    for (uint32_t c = 0; c < spec->classes; c++) probability[c] = logistic(spec, scores, c);
  else if (spec->outputs == spec->classes) softmax(probability, spec, scores);
  else between(probability, spec, scores);
}

double score_right(const ppml_spec *spec, const int32_t *scores, const uint8_t *labels) {
  uint8_t answer[PPML_CLASSES_MAX];
  size_t right = 0, bytes = ppml_spec_answer_bytes(spec);
  ppml_spec_answer(answer, spec, scores);
  for (size_t i = 0; i < bytes; i++) right += answer[i] == labels[i];
  return (double)right / (double)bytes;
}

int score_card_create(score_card *card, const ppml_spec *spec, size_t capacity) {
  card->spec = spec;
  card->count = 0;
  card->capacity = capacity;
  card->answer_bytes = ppml_spec_answer_bytes(spec);
  card->rank = (double *)calloc(capacity * spec->classes, sizeof(double));
  card->label = (uint8_t *)calloc(capacity, card->answer_bytes);
  card->answer = (uint8_t *)calloc(capacity, card->answer_bytes);
  if (card->rank && card->label && card->answer) return CLI_OK;
  score_card_destroy(card);
  return cli_fail(CLI_INTERNAL, "memory", "none left for %zu answers", capacity);
}

void score_card_destroy(score_card *card) {
  free(card->rank);
  free(card->label);
  free(card->answer);
  memset(card, 0, sizeof *card);
}

/* What orders images by how much they are of a class: the score itself where there is one, of
 * which no probability can come too close to another, else the probability. */
static void rank_classes(double *rank, const ppml_spec *spec, const int32_t *scores) {
  if (spec->task == PPML_TASK_LABELS) {
    for (uint32_t c = 0; c < spec->classes; c++) rank[c] = scores[c];
  } else if (spec->outputs == 1 && spec->classes == 2) {
    rank[1] = scores[0];
    rank[0] = -rank[1];
  } else {
    score_probabilities(rank, spec, scores);
  }
}

void score_card_add(score_card *card, const int32_t *scores, const uint8_t *labels) {
  size_t i = card->count++, bytes = card->answer_bytes;
  rank_classes(card->rank + i * card->spec->classes, card->spec, scores);
  memcpy(card->label + i * bytes, labels, bytes);
  ppml_spec_answer(card->answer + i * bytes, card->spec, scores);
}

double score_accuracy(const score_card *card) {
  size_t right = 0, answers = card->count * card->answer_bytes;
  for (size_t i = 0; i < answers; i++) right += card->answer[i] == card->label[i];
  return (double)right / (double)answers;
}

/* Is image i of class c, or has it that label? */
static int is_positive(const score_card *card, size_t i, uint32_t c) {
  if (card->spec->task == PPML_TASK_LABELS) return card->label[i * card->answer_bytes + c];
  return card->label[i] == c;
}

typedef struct ranked {
  double rank;
  int positive;
} ranked;

static int by_rank(const void *a, const void *b) {
  double x = ((const ranked *)a)->rank, y = ((const ranked *)b)->rank;
  return (x > y) - (x < y);
}

/* Share of the pairs of a positive and a negative that are in the right order, ties counting
 * half; they are sorted by rank. */
static double ordered_share(const ranked *sorted, size_t count) {
  double ordered = 0, negatives = 0, positives = 0;
  for (size_t i = 0, end; i < count; i = end) {
    double tied[2] = {0, 0};
    for (end = i; end < count && sorted[end].rank <= sorted[i].rank; end++)
      tied[sorted[end].positive]++;
    ordered += tied[1] * (negatives + tied[0] / 2);
    negatives += tied[0];
    positives += tied[1];
  }
  return negatives * positives > 0 ? ordered / (negatives * positives) : NAN;
}

/* Area under the curve of one class or label. */
static double class_auc(const score_card *card, uint32_t c) {
  ranked *sorted = (ranked *)calloc(card->count, sizeof *sorted);
  if (sorted == NULL) return NAN;
  for (size_t i = 0; i < card->count; i++) {
    sorted[i].rank = card->rank[i * card->spec->classes + c];
    sorted[i].positive = is_positive(card, i, c) != 0;
  }
  qsort(sorted, card->count, sizeof *sorted, by_rank);
  double auc = ordered_share(sorted, card->count);
  free(sorted);
  return auc;
}

double score_auc(const score_card *card) {
  double sum = 0;
  int counted = 0;
  if (card->spec->classes == 2 && card->answer_bytes == 1) return class_auc(card, 1);
  for (uint32_t c = 0; c < card->spec->classes; c++) {
    double auc = class_auc(card, c);
    if (isnan(auc)) continue;
    sum += auc;
    counted++;
  }
  return counted ? sum / counted : NAN;
}

double score_agreement(const score_card *a, const score_card *b) {
  size_t same = 0, bytes = a->answer_bytes;
  for (size_t i = 0; i < a->count; i++)
    same += memcmp(a->answer + i * bytes, b->answer + i * bytes, bytes) == 0;
  return (double)same / (double)a->count;
}
