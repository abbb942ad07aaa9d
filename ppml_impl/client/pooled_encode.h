/* The client's side of a pooled network: latents as the message of a ciphertext.
 * What a client must know is the latents' shape, S and T; the weights are not its to know. */
#ifndef PPMLI_CLIENT_POOLED_ENCODE_H
#define PPMLI_CLIENT_POOLED_ENCODE_H

#include "../network/autocorr.h"
#include "../network/pooled_layout.h"

/* Latents as a message polynomial.
 *   top      [N]  out: to be encrypted by ppmli_long_encrypt
 *   latents  [channels][height][width]
 * CT: time and addresses depend on the shape only. */
PPMLI_STATIC void ppmli_pooled_place(uint64_t *top, const int8_t *latents,
                                     const ppmli_latent_shape *s, const ppmli_pooled_layout *l,
                                     uint32_t poly_size) {
  uint64_t unit = ppmli_pooled_input_unit(l);
  memset(top, 0, poly_size * sizeof *top);
  for (uint32_t i = 0; i < s->channels; i++)
    for (uint32_t y = 0; y < s->height; y++)
      for (uint32_t x = 0; x < s->width; x++)
        top[ppmli_pooled_coefficient(l, s, i, y, x)] = (uint64_t)(int64_t)*latents++ * unit;
}

#endif
