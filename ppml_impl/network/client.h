/* What a client specification must keep to, whoever wrote it: a score unit well above the noise,
 * steps of an answer that hide the noise, and how much noise hides it where scores are published.
 * In integers, since clients have no floating point.  Next: wire/client_file.h.  In: a ppml_client; out:
 * whether it is valid. */
#ifndef PPMLI_NETWORK_CLIENT_H
#define PPMLI_NETWORK_CLIENT_H

#include "../math/params.h"
#include "../math/torus.h"
#include "autocorr.h"
#include "encoder.h"
#include "pooled_layout.h"
#include "spec.h"

#define PPMLI_LEAK_STEP_NOISES                                                                     \
  16                            /* a step has that many standard deviations of noise at least ... */
#define PPMLI_LEAK_STEP_SHARE 8 /* and that part of a logit, which rounding to 5 % hides anyway */
#define PPMLI_LEAK_ENTROPY 2.60608    /* integral of H2(Phi(x)) over all x, in bits */
#define PPMLI_LEAK_FLOOD_SUMMANDS 128 /* uniform numbers that a flood is the sum of */

/* ------------------------------------------------- integers, for a client */

/* Is a score free of noise, but for a failure?  Then half a unit is 9.49 deviations, these taken
 * to be 5 % larger than predicted: 2 exp(-9.49^2 / 2) = 2^-64.  A unit is 19.9 deviations. */
PPMLI_STATIC int ppmli_client_is_silent(const ppml_client *c) {
  return c->score_noise <= c->score_unit / 199 * 10;
}

/* Are there enough deviations of noise in a step? */
PPMLI_STATIC int ppmli_client_has_valid_step(const ppml_client *c) {
  uint32_t step = c->answer_step;
  if (step == 0 || (step & (step - 1)) != 0 || step > (uint32_t)1 << 30) return 0;
  return c->score_noise <= UINT64_MAX / 2 / PPMLI_LEAK_STEP_NOISES &&
         (c->score_noise * PPMLI_LEAK_STEP_NOISES + step - 1) / step <= c->score_unit;
}

/* A flood of this bound: each of its summands is uniform on [-bound, bound], in 2^-40 of a turn.
 * With N scores to be published, the variance is R^2 that of the noise,
 *
 *   R^2 = N / (2 ln 2 (1 - 0.175)),   bound^2 = 3 R^2 / SUMMANDS = 0.020492 N noise^2
 *
 * 0.175 being what the sum differs from a normal number, for 65,536 scores: see the document.
 * Rounded up, by 2^-13 of itself at most. */
PPMLI_STATIC uint64_t ppmli_client_flood_bound(const ppml_client *c) {
  const uint64_t share = 88016023; /* ceil(2^32 3 / (256 ln 2 (1 - 0.175))) */
  uint64_t noise = (c->score_noise >> 24) + 1;
  return ((ppmli_square_root(c->publish * share) + 1) * noise >> 16) + 1;
}

/* Of a leveled set, and of pooled scores, a score is 1 / T of a turn, T a power of two that products can have; of others
 * it has at least what accumulators of 2^30 leave of 7/16 of a turn, less the rounding of a gain. */
PPMLI_STATIC int ppmli_client_has_valid_unit(const ppml_client *c) {
  uint64_t unit = c->score_unit, least = (uint64_t)1 << (64 - PPMLI_TENSOR_MODULUS_LOG2_MAX);
  if (unit > PPMLI_TORUS_HALF || unit < PPMLI_SCORE_UNIT_MIN) return 0;
  if (ppmli_params_is_keyless(c->params))
    return unit >> PPMLI_SHORT_TORUS_BITS && (unit & (unit - 1)) == 0;
  int is_multiple = ppmli_params_has_switches(c->params) || ppmli_params_is_compact(c->params);
  return !is_multiple || (unit >= least && (unit & (unit - 1)) == 0);
}

/* Do the set's ciphertexts hold the latents?  A unit of a latent is the score's over the number of
 * sub-images, which is a whole number of 2^-64 for all units that there are. */
PPMLI_STATIC int ppmli_client_has_valid_layout(const ppml_client *c) {
  ppmli_encoder e = ppmli_spec_encoder(&c->spec);
  ppmli_latent_shape s = ppmli_encoder_latent_shape(&e);
  ppmli_pooled_layout l;
  if (ppmli_pooled_shape_refusal(&s) != NULL) return 0;
  ppmli_pooled_lay_out(&l, &s);
  return ppmli_pooled_set_holds(c->params, l.depth);
}

/* What a client's reader accepts, and its writer writes.  Who sends a client spec must not be able
 * to make answers tell more of the key: a set's own noise is known to the client, and an exact
 * set's scores have none. */
PPMLI_STATIC int ppmli_client_is_valid(const ppml_client *c, const ppml_limits *limits) {
  if (!ppmli_spec_is_valid(&c->spec, limits)) return 0;
  int has_encoder = c->spec.encoder.kind != PPML_ENCODER_NONE;
  if (ppmli_params_takes_latents(c->params) != has_encoder) return 0;
  if (has_encoder && !ppmli_client_has_valid_layout(c)) return 0;
  if (!ppmli_client_has_valid_unit(c) || !ppmli_client_has_valid_step(c)) return 0;
  for (uint32_t s = 0; s < c->spec.outputs; s++)
    if (c->score_peak[s] < 0) return 0;
  if (c->score_noise < ppmli_params_output_noise(c->params)) return 0;
  if (ppmli_params_is_noiseless(c->params) && !ppmli_client_is_silent(c)) return 0;
  if (c->publish && ppmli_spec_decides(&c->spec))
    return 0; /* a flood is not made for what a turned sign is */
  return c->publish <= PPML_PUBLISH_MAX && c->renew_after > 0;
}

#endif
