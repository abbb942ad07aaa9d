/* score.h - how good a set of answers is. */
#ifndef SCORE_H
#define SCORE_H

#include <stddef.h>
#include <stdint.h>

#include "../../ppml.h"

/* Probabilities [spec->classes] that scores stand for: softmax where they are compared,
 * logistic where each has its threshold; a grade's is the difference of its neighbours'. */
void score_probabilities(double *probability, const ppml_spec *spec, const int32_t *scores);

/* How right the answer to an image is, from 0 to 1; accuracy is its mean. */
double score_right(const ppml_spec *spec, const int32_t *scores, const uint8_t *labels);

/* Answers to a run of images, collected one by one. */
typedef struct score_card {
  const ppml_spec *spec;
  size_t answer_bytes; /* of one image, and of its labels */
  double *rank;        /* [capacity][classes] larger: more of that class */
  uint8_t *label;      /* [capacity][answer_bytes] */
  uint8_t *answer;     /* [capacity][answer_bytes] */
  size_t count, capacity;
} score_card;

int score_card_create(score_card *card, const ppml_spec *spec, size_t capacity);
void score_card_destroy(score_card *card);
/*   labels [answer_bytes] of the image */
void score_card_add(score_card *card, const int32_t *scores, const uint8_t *labels);

/* MedMNIST's ACC: share of right answers; of several labels, each is an answer. */
double score_accuracy(const score_card *card);

/* MedMNIST's AUC: of class 1 where there are two classes, else the mean over the classes
 * of one against the rest, or over the labels; classes without examples on both sides left out; not a number
 * where no class is left. */
double score_auc(const score_card *card);

/* Share of the images to which both cards give the same answer, all labels of it. */
double score_agreement(const score_card *a, const score_card *b);

#endif
