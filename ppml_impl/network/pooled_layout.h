/* How the latents of a pooled network are laid out in one ciphertext.
 *
 * Each region of each channel is a sub-image of its own; there are S of them, a power of two, and
 * each has P = N / S coefficients, those at X^(s + S p), s its number:
 *
 *   s = channel + channel_slots region      channel_slots: the channels, rounded up to 2^n
 *   p = y stride + x                        stride: a region's width and reach - 1
 *
 * Behind every row there is room for the longest lag, so that neighbours beyond the edge are
 * zeros; behind the last row there must be as much, or the ring would wrap lags around.
 *
 * Scores are whole multiples of 1 / T of a turn, T = 2^modulus_log2 with room for scores beyond
 * what training saw.  Unpacking multiplies a sub-image by S, so a latent of 1 is encrypted as
 * 1 / (S T).
 *
 * In: the shape of latents and the peaks of scores; out: places and units. Next:
 * client/pooled_encode.h, server/pooled_evaluate.h. */
#ifndef PPMLI_NETWORK_POOLED_LAYOUT_H
#define PPMLI_NETWORK_POOLED_LAYOUT_H

#include "../math/params.h"
#include "autocorr.h"
#include "pooled.h"

/* Scores may be so many times as large as training hardly ever saw them, in halves: as those of
 * leveled circuits. */
#define PPMLI_POOLED_ROOM_HALVES 5

typedef struct ppmli_pooled_layout {
  uint32_t channel_depth; /* log2 of channel_slots */
  uint32_t depth;         /* log2 of S */
  uint32_t width, height; /* of a region */
  uint32_t stride;
  uint32_t modulus_log2; /* t */
} ppmli_pooled_layout;

/* t of features that layers come behind: of all circuits, so that a client needs to know nothing of the
 * weights. */
#define PPMLI_BRIDGED_MODULUS_LOG2 20u

/* 1 of such a feature on the torus. */
PPMLI_INLINE uint64_t ppmli_bridged_unit(void) {
  return (uint64_t)1 << (64 - PPMLI_BRIDGED_MODULUS_LOG2);
}

/* ------------------------------------------------------------------- sets */

/* Of the set with most. */
#define PPMLI_POOLED_DEPTH_MAX 6u
#define PPMLI_POOLED_POLY_SIZE 4096u

/* Has a set room for so many sub-images, 2^depth? */
PPMLI_INLINE int ppmli_pooled_set_holds(const ppml_params *p, uint32_t depth) {
  const ppml_params *latents = ppmli_params_input_set(p);
  return ppmli_params_has_latents(latents) && depth <= ppmli_params_trace_steps(latents);
}

/* ----------------------------------------------------------------- layout */

/* Sub-images and coefficients, but for modulus_log2. */
PPMLI_STATIC void ppmli_pooled_lay_out(ppmli_pooled_layout *l, const ppmli_latent_shape *s) {
  memset(l, 0, sizeof *l);
  while ((uint32_t)1 << l->channel_depth < s->channels) l->channel_depth++;
  l->depth = l->channel_depth;
  while ((uint32_t)1 << (l->depth - l->channel_depth) < ppmli_latent_region_count(s)) l->depth++;
  l->width = s->width / s->regions;
  l->height = s->height / s->regions;
  l->stride = l->width + s->reach - 1;
}

/* S. */
PPMLI_INLINE uint32_t ppmli_pooled_sub_images(const ppmli_pooled_layout *l) {
  return (uint32_t)1 << l->depth;
}

/* The sub-image of a region of a channel. */
PPMLI_INLINE uint32_t ppmli_pooled_sub_image(const ppmli_pooled_layout *l, uint32_t channel,
                                             uint32_t region) {
  return channel + (region << l->channel_depth);
}

/* The exponent of a lag: how much further its coefficient stands. */
PPMLI_INLINE int32_t ppmli_pooled_offset(const ppmli_pooled_layout *l, int32_t dy, int32_t dx) {
  return dy * (int32_t)l->stride + dx;
}

/* Coefficients of a sub-image that are in use, and as many as the longest lag reaches beyond. */
PPMLI_STATIC uint32_t ppmli_pooled_extent(const ppmli_pooled_layout *l,
                                          const ppmli_latent_shape *s) {
  uint32_t last = (l->height - 1) * l->stride + l->width - 1;
  return last + (s->reach - 1) * (l->stride + 1) + 1;
}

/* The coefficient of position (y, x) of a whole channel. */
PPMLI_INLINE uint32_t ppmli_pooled_coefficient(const ppmli_pooled_layout *l,
                                               const ppmli_latent_shape *s, uint32_t channel,
                                               uint32_t y, uint32_t x) {
  uint32_t region = y / l->height * s->regions + x / l->width;
  uint32_t position = y % l->height * l->stride + x % l->width;
  return (position << l->depth) + ppmli_pooled_sub_image(l, channel, region);
}

/* t: the least that leaves scores their room. */
PPMLI_STATIC uint32_t ppmli_pooled_modulus_log2(const ppmli_pooled *net) {
  int64_t peak = 1;
  uint32_t t = 1;
  for (uint32_t c = 0; c < net->outputs; c++)
    if (net->peak[c] > peak) peak = net->peak[c];
  while (((int64_t)1 << t) < PPMLI_POOLED_ROOM_HALVES * peak) t++;
  return t;
}

/* Why latents of that shape fit no pooled set, as one line, or NULL.  The shape is valid. */
PPMLI_STATIC const char *ppmli_pooled_shape_refusal(const ppmli_latent_shape *s) {
  ppmli_pooled_layout l;
  ppmli_pooled_lay_out(&l, s);
  if (l.depth > PPMLI_POOLED_DEPTH_MAX)
    return "more regions times channels than 64, rounded up to powers of two";
  if (ppmli_pooled_extent(&l, s) > PPMLI_POOLED_POLY_SIZE >> l.depth)
    return "a region with the reach of its lags does not fit its share of the 4096 coefficients "
           "(fewer latent channels, larger patches or a smaller kernel would)";
  return NULL;
}

/* The layout of a network that is not refused. */
PPMLI_STATIC void ppmli_pooled_layout_of(ppmli_pooled_layout *l, const ppmli_pooled *net) {
  ppmli_pooled_lay_out(l, &net->shape);
  l->modulus_log2 = ppmli_pooled_modulus_log2(net);
}

/* 1 / T, and what a latent of 1 is encrypted as, on the 64-bit torus. */
PPMLI_INLINE uint64_t ppmli_pooled_unit(const ppmli_pooled_layout *l) {
  return (uint64_t)1 << (64 - l->modulus_log2);
}

PPMLI_INLINE uint64_t ppmli_pooled_input_unit(const ppmli_pooled_layout *l) {
  return ppmli_pooled_unit(l) >> l->depth;
}

#endif
