/* Pooled networks in the clear: the integers that encrypted evaluation computes.
 *
 * A convolution z_j over latents m, a polynomial a_j z_j^2 + b_j z_j of its channels, the mean
 * over regions, and a dense layer make scores that are linear in the latents' autocorrelations
 * (autocorr.h) and in the latents:
 *
 *   score_c = bias_c + sum of square_crt A_rt over regions r and terms t + sum of linear_cl m_l
 *
 * So the weights of a pooled network are square, linear and bias, whatever the number of
 * channels it was made of (convolution.h folds those), and no activation is left in it.
 *
 * In: weights and latents; out: scores.  Next: pooled_layout.h. */
#ifndef PPMLI_NETWORK_POOLED_H
#define PPMLI_NETWORK_POOLED_H

#include "../base/arena.h"
#include "autocorr.h"

#define PPMLI_POOLED_OUTPUTS_MAX PPML_CLASSES_MAX
#define PPMLI_POOLED_SCORE_MAX ((int64_t)1 << 31) /* of a peak or a bias, either way */

typedef struct ppmli_pooled {
  ppmli_latent_shape shape;
  uint32_t latent_bits; /* latents are from -2^(bits - 1) to 2^(bits - 1) - 1; 2..8 */
  uint32_t outputs;
  const int8_t *square;  /* [outputs][regions][terms] */
  const int32_t *linear; /* [outputs][channels][height][width] */
  const int64_t *bias;   /* [outputs] */
  const int64_t *peak;   /* [outputs] the |score| that training hardly ever saw exceeded, >= 1 */
} ppmli_pooled;

/* Do the scores of such a network fit its arithmetic?  Weights are what their types hold. */
PPMLI_STATIC int ppmli_pooled_is_valid(const ppmli_pooled *net) {
  if (!ppmli_latent_shape_is_valid(&net->shape)) return 0;
  if (net->latent_bits < 2 || net->latent_bits > 8) return 0;
  if (net->outputs == 0 || net->outputs > PPMLI_POOLED_OUTPUTS_MAX) return 0;
  for (uint32_t c = 0; c < net->outputs; c++) {
    if (net->peak[c] < 1 || net->peak[c] > PPMLI_POOLED_SCORE_MAX) return 0;
    if (net->bias[c] < -PPMLI_POOLED_SCORE_MAX || net->bias[c] > PPMLI_POOLED_SCORE_MAX) return 0;
  }
  return 1;
}

/* The weights of score c. */
PPMLI_INLINE const int8_t *ppmli_pooled_square(const ppmli_pooled *net, uint32_t c) {
  return net->square + c * ppmli_autocorr_sums(&net->shape);
}

PPMLI_INLINE const int32_t *ppmli_pooled_linear(const ppmli_pooled *net, uint32_t c) {
  return net->linear + (size_t)c * ppmli_latent_count(&net->shape);
}

/* Score c, from the sums of ppmli_autocorr and the latents.  |score| is below 2^52: of fewer than
 * 2^15 terms, the sums over all regions are at most 2^26, times 2^7; 2^12 latents below 2^7 are
 * times 2^31. */
PPMLI_STATIC int64_t ppmli_pooled_score(const ppmli_pooled *net, uint32_t c, const int32_t *sums,
                                        const int8_t *latents) {
  const int8_t *square = ppmli_pooled_square(net, c);
  const int32_t *linear = ppmli_pooled_linear(net, c);
  int64_t score = net->bias[c];
  for (size_t i = 0; i < ppmli_autocorr_sums(&net->shape); i++)
    score += (int64_t)square[i] * sums[i];
  for (size_t i = 0; i < ppmli_latent_count(&net->shape); i++)
    score += (int64_t)linear[i] * latents[i];
  return score;
}

PPMLI_INLINE size_t ppmli_pooled_forward_scratch(const ppmli_pooled *net) {
  return ppmli_arena_rounded(ppmli_autocorr_sums(&net->shape) * sizeof(int32_t));
}

/* Scores of one image.
 *   scores   [outputs]  out
 *   latents  [channels][height][width]
 * Scratch: ppmli_pooled_forward_scratch(net) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_pooled_forward(int64_t *scores, const ppmli_pooled *net,
                                      const int8_t *latents, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(int32_t, sums, arena, ppmli_autocorr_sums(&net->shape));
  ppmli_autocorr(sums, latents, &net->shape);
  for (uint32_t c = 0; c < net->outputs; c++) scores[c] = ppmli_pooled_score(net, c, sums, latents);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
