/* Encrypting an image: pixels in, ciphertexts out, with the request that its answer will be held to.
 * Integers alone, so every machine makes the same bytes. */
#ifndef PPMLI_CLIENT_ENCRYPT_H
#define PPMLI_CLIENT_ENCRYPT_H

#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/long.h"
#include "../math/params.h"
#include "../network/model.h"
#include "../network/spec.h"
#include "../wire/input.h"
#include "path.h"

PPMLI_STATIC size_t ppmli_input_bytes(const ppml_params *p, const ppml_spec *spec) {
  return ppmli_input_array_bytes(p, ppmli_input_blocks(p, spec)) + ppmli_open_key_bytes(p) +
         ppmli_client_block_scratch(p);
}

/* The pixels of a block as a message, one a coefficient, then zeros. */
PPMLI_STATIC void ppmli_input_message(uint64_t *poly, const ppml_client *client,
                                      const uint8_t *pixels, size_t block) {
  size_t values = ppmli_params_block(client->params), first = block * values;
  size_t count = ppmli_min_size(values, ppmli_spec_inputs(&client->spec) - first);
  uint64_t unit = ppmli_client_input_unit(client);
  memset(poly, 0, client->params->poly_size * sizeof *poly);
  for (size_t i = 0; i < count; i++)
    poly[i] = unit * (uint64_t)ppmli_quant_pixel(pixels[first + i], client->spec.input_bits);
}

/* Encrypts block after block of an image.
 *   body  [blocks][N]  out
 *   tail  [blocks][N]  out, of a set whose words have tails */
PPMLI_STATIC int ppmli_encrypt_blocks(uint64_t *body, uint8_t *tail, const ppml_input *input,
                                      const ppmli_open_key *key, const uint8_t *pixels,
                                      const uint8_t *noise_seed, ppml_arena *arena) {
  size_t N = key->params->poly_size;
  for (uint32_t b = 0; b < input->blocks; b++, body += N) {
    ppmli_mask mask = {input->seed, PPMLI_STREAM_INPUT_MASK, b};
    ppmli_stream noise;
    ppmli_stream_init(&noise, noise_seed, PPMLI_STREAM_INPUT_NOISE, b);
    ppmli_input_message(body, &key->secret->client, pixels, b);
    int error =
        ppmli_client_encrypt_block(body, tail ? tail + b * N : NULL, key, &mask, &noise, arena);
    ppmli_stream_wipe(&noise);
    if (error) return error;
  }
  return PPML_OK;
}

/* The same with a key that is opened for it. */
PPMLI_STATIC int ppmli_encrypt_image(uint64_t *body, uint8_t *tail, const ppml_input *input,
                                     const ppml_secret_key *key, const uint8_t *pixels,
                                     const uint8_t *noise_seed, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_open_key open;
  int error = ppmli_open_key_init(&open, key, arena);
  if (error == PPML_OK)
    error = ppmli_encrypt_blocks(body, tail, input, &open, pixels, noise_seed, arena);
  ppmli_open_key_close(&open);
  arena->used_bytes = mark;
  return error;
}

/* Encrypts one image.
 *   input    out; its body is in arena
 *   request  out; open
 *   pixels   [inputs]
 *   rng      ppmli_rng_begin was called for this use
 * Memory: ppmli_input_bytes.  Errors: NOMEM.
 * Noise: fresh, plus 2^-input_wire_bits / sqrt 12 of rounding.
 * CT: time depends on the shape of the image only. */
PPMLI_STATIC int ppmli_encrypt(ppml_input *input, ppml_request *request, const ppml_secret_key *key,
                               const uint8_t *pixels, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  ppmli_seeds seeds;
  size_t mark = arena->used_bytes, blocks = ppmli_input_blocks(p, &key->client.spec);
  memset(input, 0, sizeof *input);
  memset(request, 0, sizeof *request);
  uint64_t *body;
  uint8_t *tail;
  if (ppmli_input_alloc(&body, &tail, p, blocks, arena) != PPML_OK) {
    arena->used_bytes = mark;
    return PPML_ERR_NOMEM;
  }
  input->blocks = (uint32_t)blocks;
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_INPUT, key, pixels, ppmli_spec_inputs(&key->client.spec),
                   rng);
  memcpy(input->seed, seeds.mask, sizeof input->seed);
  int error = ppmli_encrypt_image(body, tail, input, key, pixels, seeds.noise, arena);
  ppmli_seeds_wipe(&seeds);
  if (error) { /* the image stood in body */
    ppmli_wipe(body, blocks * p->poly_size * sizeof *body);
    arena->used_bytes = mark;
    memset(input, 0, sizeof *input);
    return error;
  }
  input->params = p;
  input->body = body;
  input->tail = tail;
  memcpy(input->circuit_id, key->client.circuit_id, PPML_ID_BYTES);
  memcpy(input->key_id, key->id, PPML_ID_BYTES);
  ppmli_input_digest(request->digest, input);
  request->open = 1;
  return PPML_OK;
}

#endif
