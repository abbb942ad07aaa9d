/* What to expect of an encrypted run over a set of images, from simulated draws: the share of answers that
 * stay, the spread of the scores, and the interval that a real run stays in. */
#ifndef PPMLI_PLAN_OUTLOOK_H
#define PPMLI_PLAN_OUTLOOK_H

#include <math.h>

#include "../network/labels.h"
#include "noise.h"

/* ------------------------------------------------------------- expectation */

PPMLI_STATIC void ppmli_expectation_draw(ppml_expectation *e, double value) {
  e->draws++;
  e->sum += value;
  e->squares += value * value;
  e->cubes += value * value * value;
}

/* Ends an image: adds mean, variance and third central moment of its draws. */
PPMLI_STATIC void ppmli_expectation_next(ppml_expectation *e) {
  double n = (double)e->draws, mean = e->sum / n, square = e->squares / n;
  double variance = square - mean * mean;
  if (variance < 1e-12 * square) variance = 0; /* draws all alike, but for rounding */
  e->mean += mean;
  e->variance += e->draws > 1 ? variance * n / (n - 1) : 0;
  if (variance > 0) e->third += e->cubes / n - mean * (3 * square - 2 * mean * mean);
  if (e->least_draws == 0 || e->draws < e->least_draws) e->least_draws = e->draws;
  e->images++;
  e->draws = 0;
  e->sum = e->squares = e->cubes = 0;
}

/* z such that a normal number is within z of its mean with that probability: erfc(z / sqrt 2)
 * = 1 - confidence, by bisection. */
PPMLI_STATIC double ppmli_normal_quantile(double confidence) {
  double low = 0, high = 40;
  for (int i = 0; i < 80; i++) {
    double z = (low + high) / 2;
    if (erfc(z * 0.70710678118654752) > 1 - confidence) low = z;
    else high = z;
  }
  return high;
}

/* Cornish and Fisher's expansion: beyond the normal quantile, the skewness that rare events
 * give, taken for both sides.  An event that no draw showed may still happen: its size is
 * unit.  docs/NOISE.md "Intervals". */
PPMLI_STATIC ppml_interval ppmli_expectation_interval(const ppml_expectation *e, double unit,
                                                      double slack, double confidence) {
  double z = ppmli_normal_quantile(confidence), jump = unit;
  double n = e->least_draws ? (double)e->least_draws : 1;
  double std = sqrt(e->variance * (1 + 1 / n));
  if (e->variance > 0 && fabs(e->third) / e->variance > jump) jump = fabs(e->third) / e->variance;
  double reach = z * std + jump * (z * z + 2) / 6 + slack;
  ppml_interval interval = {e->mean, e->mean - reach, e->mean + reach};
  return interval;
}

/* The same of a sum of events that only add: its lower end is a gamma distribution's of that
 * mean and variance, which Wilson and Hilferty's cube root makes normal. */
PPMLI_STATIC ppml_interval ppmli_expectation_of_events(const ppml_expectation *e, double unit,
                                                       double share, double confidence) {
  ppml_interval i = ppmli_expectation_interval(e, unit, share * e->mean, confidence);
  double z = ppmli_normal_quantile(confidence);
  double ninth = e->mean > 0 ? e->variance / (9 * e->mean * e->mean) : 0;
  double root = 1 - ninth - z * sqrt(ninth);
  i.low = root > 0 ? (1 - share) * e->mean * root * root * root : 0;
  return i;
}

/* Adds an image to what is expected of a run. */
PPMLI_STATIC void ppmli_outlook_add(ppml_outlook *o, const ppml_spec *spec, const int32_t *clear,
                                    const int32_t *scores, size_t draws) {
  for (size_t d = 0; d < draws; d++, scores += spec->outputs) {
    double squares = 0;
    for (uint32_t i = 0; i < spec->outputs; i++)
      squares += ppmli_square((double)scores[i] - clear[i]);
    ppmli_expectation_draw(&o->squared_error, squares);
    ppmli_expectation_draw(&o->changed, !ppmli_spec_same_answer(spec, scores, clear));
  }
  ppmli_expectation_next(&o->squared_error);
  ppmli_expectation_next(&o->changed);
  o->scores += spec->outputs;
}

PPMLI_INLINE double ppmli_between(double least, double x, double most) {
  return x < least ? least : x > most ? most : x;
}

/* Share of the images whose answer stays the same. */
PPMLI_STATIC ppml_interval ppmli_outlook_agreement(const ppml_outlook *o, double confidence) {
  double images = (double)o->changed.images;
  ppml_interval changed =
      ppmli_expectation_of_events(&o->changed, 1, PPML_FORMULA_SHARE, confidence);
  ppml_interval same = {1 - changed.expected / images,
                        ppmli_between(0, 1 - floor(changed.high) / images, 1),
                        ppmli_between(0, 1 - floor(changed.low) / images, 1)};
  return same;
}

/* Standard deviation of scores, from the mean of the squares. */
PPMLI_STATIC ppml_interval ppmli_outlook_score_error(const ppml_outlook *o, double confidence) {
  double scores = (double)o->scores;
  ppml_interval sum =
      ppmli_expectation_of_events(&o->squared_error, 1, 2 * PPML_FORMULA_SHARE, confidence);
  ppml_interval error = {sqrt(sum.expected / scores), sqrt(sum.low / scores),
                         sqrt(sum.high / scores)};
  return error;
}

#endif
