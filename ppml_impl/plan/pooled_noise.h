/* How noisy the scores of a pooled network are, and which networks are refused.
 * docs/NOISE.md "Pooled networks" has the formulas.  In: a network and its layout; out: a deviation, or
 * a refusal.  Next: layout_pooled.h. */
#ifndef PPMLI_PLAN_POOLED_NOISE_H
#define PPMLI_PLAN_POOLED_NOISE_H

#include <math.h>

#include "../cipher/bridge.h"
#include "../math/params.h"
#include "../network/autocorr.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "bridge_noise.h"
#include "noise.h"

/* ----------------------------------------------------------------- limits */

/* Adds up the squares of the weights of V of score c and channel i; all of them, over i, too.
 *   each  [channels]  out */
PPMLI_STATIC void ppmli_pooled_norms(double *each, const ppmli_pooled *net, uint32_t c) {
  const int8_t *square = ppmli_pooled_square(net, c);
  uint32_t terms = ppmli_autocorr_terms(&net->shape);
  for (uint32_t i = 0; i < net->shape.channels; i++) each[i] = 0;
  for (uint32_t r = 0; r < ppmli_latent_region_count(&net->shape); r++) {
    ppmli_autocorr_term t = ppmli_autocorr_first();
    for (uint32_t n = 0; n < terms; n++, ppmli_autocorr_advance(&t, &net->shape))
      each[t.first] += ppmli_square(*square++);
  }
}

/* Are the sums of weights times sub-images exact, by the rule of leveled circuits? */
PPMLI_STATIC int ppmli_pooled_is_exact(const ppmli_pooled *net) {
  double each[PPML_LATENT_CHANNELS_MAX];
  double leaves = (double)net->shape.channels * ppmli_latent_region_count(&net->shape);
  for (uint32_t c = 0; c < net->outputs; c++) {
    ppmli_pooled_norms(each, net, c);
    for (uint32_t i = 0; i < net->shape.channels; i++)
      if (!ppmli_leveled_is_exact(each[i], leaves)) return 0;
  }
  return 1;
}

/* Why a valid pooled network fits no set, as one line, or NULL. */
PPMLI_STATIC const char *ppmli_pooled_refusal(const ppmli_pooled *net) {
  const char *refusal = ppmli_pooled_shape_refusal(&net->shape);
  if (refusal) return refusal;
  if (ppmli_pooled_modulus_log2(net) > PPMLI_TENSOR_MODULUS_LOG2_MAX)
    return "its scores, with room, are beyond 2^30";
  return ppmli_pooled_is_exact(net) ? NULL : "its weights are too large for exact sums";
}

/* ------------------------------------------------------------------ noise */

/* Variances, in turns, on average over coefficients; of score c the product's, relinearized. */
typedef struct ppmli_pooled_noise {
  double root;    /* of the ciphertext, cut to 64 bits */
  double leaf;    /* of an unpacked sub-image */
  double h;       /* of a channel, reversed */
  double v;       /* of all V of a score, added up */
  double product; /* with the bridge, of a score as it leaves */
} ppmli_pooled_noise;

/* A fresh ciphertext whose words are rounded to 64 bits: what is lost of the mask meets S. */
PPMLI_STATIC double ppmli_noise_root(const ppml_params *p) {
  return ppmli_noise_fresh(p, p->input_wire_bits) +
         (1 + ppmli_noise_key_norm(p)) * ppmli_noise_rounding(64);
}

/* A node of unpacking at that depth. */
PPMLI_STATIC double ppmli_noise_unpacked(const ppml_params *p, uint32_t depth) {
  double count = ldexp(1, (int)depth);
  return count * ppmli_noise_root(p) + (count - 1) * ppmli_noise_automorphism(p);
}

/* As ppmli_noise_unpacked, of what enters a product: errors of a mask are shaped by S, and so is
 * the phase of the other factor; docs/NOISE.md "Leveled sets", trace. */
PPMLI_STATIC double ppmli_noise_unpacked_factor(const ppml_params *p, uint32_t depth) {
  return ppmli_noise_unpacked(p, depth) + depth * ppmli_noise_automorphism(p);
}

PPMLI_STATIC void ppmli_pooled_noise_parts(ppmli_pooled_noise *noise, const ppmli_pooled *net,
                                           const ppmli_pooled_layout *l, const ppml_params *p,
                                           uint32_t c) {
  double each[PPML_LATENT_CHANNELS_MAX], norm = 0, channels = net->shape.channels;
  double scale = ldexp(1, (int)(l->depth - l->channel_depth)); /* of H, to the leaves' S */
  ppmli_pooled_norms(each, net, c);
  for (uint32_t i = 0; i < net->shape.channels; i++) norm += each[i];
  noise->root = ppmli_noise_root(p);
  noise->leaf = ppmli_noise_unpacked_factor(p, l->depth);
  noise->h = ppmli_square(scale) * ppmli_noise_unpacked_factor(p, l->channel_depth) +
             ppmli_noise_automorphism(p);
  noise->v = norm * noise->leaf;
  noise->product = ppmli_noise_product(p, l->modulus_log2, channels * noise->h, noise->v) +
                   ppmli_noise_relinearization(p);
}

/* The same of score c as it leaves its set: through the bridge, where there is one. */
PPMLI_STATIC void ppmli_pooled_score_noise(ppmli_pooled_noise *noise, const ppmli_pooled *net,
                                           const ppmli_pooled_layout *l, const ppml_params *p,
                                           uint32_t c) {
  ppmli_bridge bridge = ppmli_bridge_of(p);
  ppmli_pooled_noise_parts(noise, net, l, bridge.from, c);
  if (ppmli_params_has_bridge(p)) noise->product += ppmli_noise_bridge(&bridge);
}

#endif
