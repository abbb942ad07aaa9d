/* predict.h - what encryption is expected to do to a network's answers to a set of images. */
#ifndef PREDICT_H
#define PREDICT_H

#include "npz.h"
#include "score.h"

/* The intervals that are printed and checked hold one encrypted run with this probability:
 * so high since a hundred of them are looked at. */
#define PREDICT_CONFIDENCE 0.9999

typedef struct prediction {
  size_t images, draws; /* draws: of each image */
  size_t unseen;        /* images with a score beyond what training saw, of a leveled circuit */
  score_card clear;
  score_card simulated; /* of the first draw alone */
  ppml_outlook outlook;
  ppml_expectation right; /* answers */
  ppml_interval accuracy, agreement, score_error;
} prediction;

/* Simulates the images of a split.
 *   draws  0: as many as make a million with the images, 100 to 1000
 * Returns CLI_OK, or the exit status after one line; harmless to destroy either way. */
int prediction_make(prediction *p, const ppml_circuit *circuit, const npz_split *split,
                    size_t draws, uint64_t seed);
void prediction_destroy(prediction *p);

/* Is a measured value where it was predicted?  To the six digits that are printed. */
int prediction_holds(const ppml_interval *interval, double measured);

/* The least share of equal answers that a circuit which promises `agreement` may show on
 * so many images, chance being what it is. */
double prediction_least_agreement(double agreement, size_t images);

/* The intervals, as a member of the JSON object at hand or as lines for people. */
void prediction_json(const prediction *p);
void prediction_lines(const prediction *p);

#endif
