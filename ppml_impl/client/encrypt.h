/* Encrypting an image: pixels in, ciphertexts out, with the request that its answer will be held to.
 * Integers alone, so every machine makes the same bytes. */
#ifndef PPMLI_CLIENT_ENCRYPT_H
#define PPMLI_CLIENT_ENCRYPT_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../cipher/glwe_make.h"
#include "../math/long.h"
#include "../math/long_make.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../wire/input.h"

PPMLI_STATIC size_t ppmli_input_encrypt_scratch(const ppml_params *p) {
  if (!p->slots) return ppmli_glwe_encrypt_scratch(p);
  return ppmli_long_key_bytes(p) + ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         ppmli_long_encrypt_scratch(p);
}

PPMLI_STATIC size_t ppmli_input_bytes(const ppml_params *p, const ppml_spec *spec) {
  return ppmli_input_array_bytes(p, ppmli_input_blocks(p, spec)) + ppmli_input_encrypt_scratch(p);
}

/* What a pixel of 1 is on the torus: the same for all circuits of a set, or of a leveled set
 * what its scores leave. */
PPMLI_STATIC uint64_t ppmli_input_unit(const ppml_client *client) {
  const ppml_params *p = client->params;
  if (p->slots) return client->score_unit / ppmli_params_block(p);
  return ppmli_circuit_input_unit(p, &client->spec);
}

/* The pixels of a block as a message, one a coefficient, then zeros. */
PPMLI_STATIC void ppmli_input_message(uint64_t *poly, const ppml_client *client,
                                      const uint8_t *pixels, size_t block) {
  size_t values = ppmli_input_block(client->params), first = block * values;
  size_t count = ppmli_min_size(values, ppmli_spec_inputs(&client->spec) - first);
  uint64_t unit = ppmli_input_unit(client);
  memset(poly, 0, client->params->poly_size * sizeof *poly);
  for (size_t i = 0; i < count; i++)
    poly[i] = unit * (uint64_t)ppmli_quant_pixel(pixels[first + i], client->spec.input_bits);
}

/* Encrypts the message in body, and keeps of it what travels. */
PPMLI_STATIC int ppmli_encrypt_block(uint64_t *body, const ppml_secret_key *key,
                                     const ppmli_mask *mask, ppmli_stream *noise,
                                     ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  ppmli_stream words;
  ppmli_stream_init(&words, mask->seed, mask->purpose, mask->index);
  PPMLI_TRY(ppmli_glwe_encrypt_body(body, p, key->glwe_bits, &words, noise, arena));
  for (uint32_t i = 0; i < p->poly_size; i++)
    body[i] = ppmli_torus_from(ppmli_torus_top(body[i], p->input_wire_bits), p->input_wire_bits);
  return PPML_OK;
}

/* The same on the long torus, whose words lose the lower half of their tails. */
PPMLI_STATIC int ppmli_encrypt_long_block(uint64_t *body, uint8_t *tail, const ppml_params *p,
                                          const ppmli_long_key *key, const ppmli_mask *mask,
                                          ppmli_stream *noise, ppml_arena *arena) {
  const uint32_t lost = PPMLI_LONG_TAIL_BITS - PPMLI_INPUT_TAIL_BITS;
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, tails, arena, p->poly_size);
  PPMLI_TRY(ppmli_long_encrypt(body, tails, p, key, mask, noise, arena));
  for (uint32_t i = 0; i < p->poly_size; i++) tails[i] += (uint64_t)1 << (lost - 1);
  ppmli_long_carry(body, tails, p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++) tail[i] = (uint8_t)(tails[i] >> lost);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* Encrypts block after block of an image.
 *   body      [blocks][N]  out
 *   tail      [blocks][N]  out, of a leveled set
 *   long_key  of a leveled set */
PPMLI_STATIC int ppmli_encrypt_blocks(uint64_t *body, uint8_t *tail, const ppml_input *input,
                                      const ppml_secret_key *key, const ppmli_long_key *long_key,
                                      const uint8_t *pixels, const uint8_t *noise_seed,
                                      ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  for (uint32_t b = 0; b < input->blocks; b++, body += p->poly_size) {
    ppmli_mask mask = {input->seed, PPMLI_STREAM_INPUT_MASK, b};
    ppmli_stream noise;
    ppmli_stream_init(&noise, noise_seed, PPMLI_STREAM_INPUT_NOISE, b);
    ppmli_input_message(body, &key->client, pixels, b);
    int error = p->slots ? ppmli_encrypt_long_block(body, tail + (size_t)b * p->poly_size, p,
                                                    long_key, &mask, &noise, arena)
                         : ppmli_encrypt_block(body, key, &mask, &noise, arena);
    ppmli_stream_wipe(&noise);
    if (error) return error;
  }
  return PPML_OK;
}

/* The same of a leveled set, whose key is transformed for it. */
PPMLI_STATIC int ppmli_encrypt_long_blocks(uint64_t *body, uint8_t *tail, const ppml_input *input,
                                           const ppml_secret_key *key, const uint8_t *pixels,
                                           const uint8_t *noise_seed, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_long_key long_key;
  PPMLI_TRY(ppmli_long_key_init(&long_key, key->client.params, key->glwe_bits, arena));
  int error = ppmli_encrypt_blocks(body, tail, input, key, &long_key, pixels, noise_seed, arena);
  ppmli_long_key_wipe(&long_key);
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
  int error = p->slots
                  ? ppmli_encrypt_long_blocks(body, tail, input, key, pixels, seeds.noise, arena)
                  : ppmli_encrypt_blocks(body, NULL, input, key, NULL, pixels, seeds.noise, arena);
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
