/* The client's side of a pooled network: latents as the message of a ciphertext.
 * What a client must know is the latents' shape, S and T; the weights are not its to know.  In: latents;
 * out: the message polynomial.  Next: encrypt.h. */
#ifndef PPMLI_CLIENT_POOLED_ENCODE_H
#define PPMLI_CLIENT_POOLED_ENCODE_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../math/params.h"
#include "../network/autocorr.h"
#include "../network/encoder.h"
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

/* The layout that a client spec tells. */
PPMLI_STATIC ppmli_pooled_layout ppmli_client_layout(const ppml_client *client,
                                                     const ppmli_latent_shape *s) {
  ppmli_pooled_layout l;
  ppmli_pooled_lay_out(&l, s);
  l.modulus_log2 = ppmli_params_is_bridged(client->params) ? PPMLI_BRIDGED_MODULUS_LOG2 : 1;
  if (ppmli_params_is_bridged(client->params)) return l;
  while (l.modulus_log2 < 63 && ppmli_pooled_unit(&l) > client->score_unit) l.modulus_log2++;
  return l;
}

PPMLI_STATIC size_t ppmli_pooled_message_scratch(const ppml_spec *spec) {
  ppmli_encoder e = ppmli_spec_encoder(spec);
  return ppmli_arena_rounded(ppmli_encoder_latents(&e)) + ppmli_encode_scratch(&e);
}

/* An image as a message: encoded, and laid out.
 *   poly   [N]  out
 *   image  [ppmli_spec_image_bytes()]
 * Scratch: ppmli_pooled_message_scratch, wiped.  Errors: NOMEM; RANGE for a latent that is not
 * finite.  CT: as ppmli_encode. */
PPMLI_STATIC int ppmli_pooled_message(uint64_t *poly, const ppml_client *client,
                                      const uint8_t *image, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_encoder e = ppmli_spec_encoder(&client->spec);
  ppmli_latent_shape s = ppmli_encoder_latent_shape(&e);
  ppmli_pooled_layout l = ppmli_client_layout(client, &s);
  PPMLI_ALLOC(int8_t, latents, arena, ppmli_encoder_latents(&e));
  int error = ppmli_encode(latents, NULL, &e, image, arena);
  if (error == PPML_OK)
    ppmli_pooled_place(poly, latents, &s, &l, ppmli_params_input_set(client->params)->poly_size);
  ppmli_wipe(latents, ppmli_encoder_latents(&e));
  arena->used_bytes = mark;
  return error;
}

#endif
