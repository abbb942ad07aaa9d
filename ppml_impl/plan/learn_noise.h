/* Noise of learning, as variances relative to a turn; docs/NOISE.md "Learning".  In: rows and a set;
 * out: variances and deviations.  Next: learn_simulate.h. */
#ifndef PPMLI_PLAN_LEARN_NOISE_H
#define PPMLI_PLAN_LEARN_NOISE_H

#include <math.h>

#include "../cipher/automorphism.h"
#include "../cipher/rows.h"
#include "../network/schedule.h"
#include "noise.h"
#include "packing_noise.h"

/* A ciphertext times encrypted features, summed over `features` of them: the rows' noise, and what
 * the digits leave over of the ciphertext, centered: (1 + N / 4) times as much with the key, times
 * the rows' values, whose squares are 6.25 on average. */
PPMLI_STATIC double ppmli_noise_features(const ppmli_rows *rows, const ppml_params *p,
                                         double features) {
  double N = p->poly_size, ggsw = (double)ppmli_rows_ggsw(rows);
  double rest = ppmli_noise_rounding(rows->base_log2 * rows->levels) * (1 + N / 4);
  return ppmli_noise_rows(p, ggsw * features, rows->base_log2, rows->row_bits) +
         features * N * PPMLI_SCHEDULE_SQUARE * rest;
}

/* What is looked up in a table: the switches before a blind rotation. */
PPMLI_STATIC double ppmli_noise_lookup(const ppml_params *p) {
  return ppmli_noise_keyswitch(p) + ppmli_noise_modulus_switch(p);
}

/* Standard deviations in a step of descent, in turns. */
typedef struct ppmli_descent_noise {
  double score;    /* of z where it is looked up, besides what the noise of w does to all rows */
  double residual; /* of a packed residual */
  double gradient; /* of g where it is looked up, besides what the residuals' noise adds up to */
  double weight;   /* that a step adds to a weight */
} ppmli_descent_noise;

PPMLI_STATIC void ppmli_descent_noise_of(ppmli_descent_noise *noise, const ppmli_rows *rows,
                                         const ppml_params *p) {
  double bootstrap = ppmli_noise_blind_rotation(p);
  double packing = ppmli_noise_packing_kept(p, ppmli_auto_steps(p));
  noise->score = sqrt(ppmli_noise_features(rows, p, rows->features) + ppmli_noise_lookup(p));
  noise->residual = sqrt(bootstrap + packing);
  noise->gradient = sqrt(ppmli_noise_features(rows, p, 1) + ppmli_noise_lookup(p));
  noise->weight = sqrt(bootstrap + packing);
}

/* A second moment over so many blocks, packed: two levels of digits; the noise of the features
 * that are turned around, 2^up times as large, times the rows; packing, once a block.
 *   up  see ppmli_gram_up */
PPMLI_STATIC double ppmli_noise_gram(const ppmli_rows *rows, const ppml_params *p, double blocks,
                                     uint32_t up) {
  double N = p->poly_size;
  double copy = ppmli_noise_fresh(p, rows->copy_bits) * ldexp(1, 2 * (int)up);
  return blocks * (ppmli_noise_features(rows, p, 1) + N * PPMLI_SCHEDULE_SQUARE * copy +
                   ppmli_noise_packing_kept(p, ppmli_auto_steps(p)));
}

#endif
