/* The client spec that goes with a feature map: how its owner reads what an encrypted model answers.
 * In: a feature map; out: a ppml_client.  Next: client/classify_reveal.h. */
#ifndef PPMLI_PLAN_LEARN_CLIENT_H
#define PPMLI_PLAN_LEARN_CLIENT_H

#include <math.h>

#include "../cipher/rows.h"
#include "../math/params.h"
#include "../network/client.h"
#include "../network/schedule.h"
#include "../wire/classified.h"
#include "learn_noise.h"
#include "noise.h"

#define PPMLI_LEARN_SCORE_BITS 16 /* a score of 1, what labels are, is 2^16 units */
#define PPMLI_LEARN_LOGITS 4      /* logits in a score of 1 */
#define PPMLI_LEARN_PEAK 3        /* scores beyond that are unlike those of training */

/* Standard deviation of a score, in turns, by a model that is still encrypted.  A factor of 2 is for
 * the noise of the weights, which all rows share: with it 1.7 to 4.7 % of a score of 1 were
 * measured, where the product alone makes 1.2 %. */
PPMLI_STATIC double ppmli_learn_score_noise(const ppml_features *map, const ppml_params *p) {
  ppmli_rows rows = ppmli_rows_make(PPMLI_ROWS_DESCENT, map->count + 1, 0, map->batch);
  double product = ppmli_noise_features(&rows, p, rows.features);
  double rounding = ppmli_noise_rounding(PPMLI_CLASSIFY_BITS) * (1 + p->poly_size / 2.0);
  return 2 * sqrt(product + rounding);
}

/* Answers that tell PPML_KEY_LEAK_BITS together: each score has a border at every step, and one more
 * where its label changes, at the density that steps of a logit would have. */
PPMLI_STATIC uint32_t ppmli_learn_renew_after(const ppml_client *c) {
  double noise = (double)c->score_noise / (double)c->score_unit;
  double borders = 1.0 / c->answer_step + 1.0 / c->spec.score_unit;
  return (uint32_t)(PPML_KEY_LEAK_BITS / (c->spec.outputs * PPMLI_LEAK_ENTROPY * noise * borders)) +
         1;
}

PPMLI_STATIC void ppmli_learn_client(ppml_client *c, const ppml_features *map,
                                     const ppml_params *p) {
  memset(c, 0, sizeof *c);
  c->spec = map->spec;
  memset(c->spec.threshold, 0, sizeof c->spec.threshold);
  c->spec.score_unit = (1 << PPMLI_LEARN_SCORE_BITS) / PPMLI_LEARN_LOGITS;
  c->params = p;
  c->score_unit = (uint64_t)1 << (64 - PPMLI_SCHEDULE_UNIT_LOG2 - PPMLI_LEARN_SCORE_BITS);
  c->score_noise = (uint64_t)ldexp(ppmli_learn_score_noise(map, p), 64);
  if (c->score_noise < ppmli_params_output_noise(p)) c->score_noise = ppmli_params_output_noise(p);
  c->answer_step = c->spec.score_unit / PPMLI_LEAK_STEP_SHARE;
  while (!ppmli_client_has_valid_step(c)) c->answer_step *= 2;
  c->renew_after = ppmli_learn_renew_after(c);
  for (uint32_t i = 0; i < c->spec.outputs; i++)
    c->score_peak[i] = PPMLI_LEARN_PEAK << PPMLI_LEARN_SCORE_BITS;
  memcpy(c->circuit_id, map->id, PPML_ID_BYTES);
}

#endif
