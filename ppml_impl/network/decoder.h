/* Pictures from latents, to show what latents hold.  No part of inference.
 *
 * A patch is the training images' mean patch plus that combination of the encoder's weights whose
 * dot products with them are the latents' numbers: the smallest change of the mean patch that the
 * encoder would map there.  An encoder that standardises takes brightness and contrast of each
 * channel away; to show a picture, the moments that the client measured are put back.
 *
 * In: latents and moments; out: pixels.  Next: encoder.h. */
#ifndef PPMLI_NETWORK_DECODER_H
#define PPMLI_NETWORK_DECODER_H

#include <math.h>

#include "../base/arena.h"
#include "../math/cholesky.h"
#include "encoder.h"

/* The weights' dot products with one another, factored.
 *   gram  [channels][channels]  out: what ppmli_cholesky_solve takes
 * Errors: RANGE for weights that are linearly dependent. */
PPMLI_STATIC int ppmli_decoder_gram(double *gram, const ppmli_encoder *e) {
  uint32_t values = ppmli_encoder_patch_values(e), channels = e->channels;
  for (uint32_t a = 0; a < channels; a++)
    for (uint32_t b = 0; b <= a; b++) {
      int64_t sum = 0;
      for (uint32_t i = 0; i < values; i++)
        sum += e->weight[a * values + i] * e->weight[b * values + i];
      gram[a * channels + b] = (double)sum;
    }
  return ppmli_cholesky(gram, channels) ? PPML_OK : PPML_ERR_RANGE;
}

/* The number that a latent stands for. */
PPMLI_STATIC double ppmli_decoder_number(const ppmli_encoder *e, const ppmli_encoder_moments *m,
                                         uint32_t channel, int8_t latent) {
  double steps = (double)((1 << e->latent_bits) - 1);
  double distance = latent * 2.0 * PPMLI_ENCODER_RANGE * m->root / steps;
  return ldexp((distance + (double)m->sum) / m->count, (int)ppmli_encoder_shift(e, channel));
}

/* One patch of the picture.
 *   change  [channels]  in: numbers less those of the mean patch
 *   mean    [f][f][colors] */
PPMLI_STATIC void ppmli_decoder_patch(uint8_t *pixels, const ppmli_encoder *e, const double *change,
                                      const uint8_t *mean) {
  uint32_t row = e->patch * e->colors, values = ppmli_encoder_patch_values(e);
  for (uint32_t i = 0; i < values; i++) {
    double value = mean[i];
    for (uint32_t c = 0; c < e->channels; c++) value += change[c] * e->weight[c * values + i];
    size_t at = (size_t)(i / row) * e->width * e->colors + i % row;
    pixels[at] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
  }
}

/* The picture that latents of an image amount to.
 *   pixels   [height][width][colors]  out
 *   latents  [channels][...], moments [channels]  of ppmli_encode, kind PATCHES
 *   mean     [f][f][colors] the training images' mean patch
 * Errors: RANGE for weights that are linearly dependent. */
PPMLI_STATIC int ppmli_decode_image(uint8_t *pixels, const ppmli_encoder *e, const int8_t *latents,
                                    const ppmli_encoder_moments *moments, const uint8_t *mean) {
  double gram[PPML_LATENT_CHANNELS_MAX * PPML_LATENT_CHANNELS_MAX];
  double change[PPML_LATENT_CHANNELS_MAX];
  size_t plane = ppmli_encoder_plane(e), columns = ppmli_encoder_width(e);
  uint32_t values = ppmli_encoder_patch_values(e);
  PPMLI_TRY(ppmli_decoder_gram(gram, e));
  for (size_t p = 0; p < plane; p++) {
    for (uint32_t c = 0; c < e->channels; c++) {
      change[c] = ppmli_decoder_number(e, &moments[c], c, latents[c * plane + p]);
      for (uint32_t i = 0; i < values; i++) change[c] -= e->weight[c * values + i] * mean[i];
    }
    ppmli_cholesky_solve(change, gram, e->channels);
    size_t y = p / columns * e->patch, x = p % columns * e->patch;
    ppmli_decoder_patch(pixels + (y * e->width + x) * e->colors, e, change, mean);
  }
  return PPML_OK;
}

PPMLI_INLINE size_t ppmli_reconstruct_scratch(const ppml_spec *spec) {
  ppmli_encoder e = ppmli_spec_encoder(spec);
  return ppmli_arena_rounded(ppmli_encoder_latents(&e)) + ppmli_encode_scratch(&e);
}

/* The picture that the latents of an image amount to.
 *   picture  [height][width][channels]  out
 *   m        a pooled model with an encoder of PATCHES
 * Scratch: ppmli_reconstruct_scratch(&m->spec).  Errors: NOMEM; as ppmli_decode_image. */
PPMLI_STATIC int ppmli_reconstruct(uint8_t *picture, const ppml_model *m, const uint8_t *pixels,
                                   ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_encoder_moments moments[PPML_LATENT_CHANNELS_MAX];
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  PPMLI_ALLOC(int8_t, latents, arena, ppmli_encoder_latents(&e));
  PPMLI_TRY(ppmli_encode(latents, moments, &e, pixels, arena));
  PPMLI_TRY(ppmli_decode_image(picture, &e, latents, moments, m->pooled.mean));
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
