/* Encrypting an image: pixels in, ciphertexts out, with the request that its answer will be held to.
 * Integers alone, so every machine makes the same bytes.  In: an image, the secret key, a generator;
 * out: a ppml_input or its file.  Next: block.h. */
#ifndef PPMLI_CLIENT_ENCRYPT_H
#define PPMLI_CLIENT_ENCRYPT_H

#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../network/spec.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "path.h"

PPMLI_STATIC size_t ppmli_input_bytes(const ppml_params *p, const ppml_spec *spec) {
  return ppmli_input_array_bytes(p, ppmli_input_blocks(p, spec)) + ppmli_open_key_bytes(p) +
         ppmli_max_size(ppmli_client_block_scratch(p), ppmli_client_message_scratch(p, spec));
}

/* Encrypts one block of an image; on an error the pixels may stand in body.
 *   body  [N]  out
 *   tail  [N]  out, of a set whose words have tails */
PPMLI_STATIC int ppmli_encrypt_nth(uint64_t *body, uint8_t *tail, const ppmli_open_key *key,
                                   const uint8_t *pixels, const ppmli_seeds *seeds, uint32_t block,
                                   ppml_arena *arena) {
  ppmli_mask mask = {seeds->mask, PPMLI_STREAM_INPUT_MASK, block};
  ppmli_stream noise;
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_INPUT_NOISE, block);
  int error = ppmli_client_message(body, &key->secret->client, pixels, block, arena);
  if (error == PPML_OK) error = ppmli_client_encrypt_block(body, tail, key, &mask, &noise, arena);
  ppmli_stream_wipe(&noise);
  return error;
}

/* Encrypts block after block of an image.
 *   body  [blocks][N]  out
 *   tail  [blocks][N]  out, of a set whose words have tails */
PPMLI_STATIC int ppmli_encrypt_blocks(uint64_t *body, uint8_t *tail, const ppml_input *input,
                                      const ppmli_open_key *key, const uint8_t *pixels,
                                      const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t N = ppmli_params_input_set(key->params)->poly_size;
  for (uint32_t b = 0; b < input->blocks; b++)
    PPMLI_TRY(
        ppmli_encrypt_nth(body + b * N, tail ? tail + b * N : NULL, key, pixels, seeds, b, arena));
  return PPML_OK;
}

/* The same with a key that is opened for it. */
PPMLI_STATIC int ppmli_encrypt_image(uint64_t *body, uint8_t *tail, const ppml_input *input,
                                     const ppml_secret_key *key, const uint8_t *pixels,
                                     const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_open_key open;
  int error = ppmli_open_key_init(&open, key, arena);
  if (error == PPML_OK)
    error = ppmli_encrypt_blocks(body, tail, input, &open, pixels, seeds, arena);
  ppmli_open_key_close(&open);
  arena->used_bytes = mark;
  return error;
}

/* Draws the seeds of an image, and what it goes by: its set, ids and mask seed, without ciphertexts.
 *   rng  ppmli_rng_begin was called for this use */
PPMLI_STATIC void ppmli_encrypt_begin(ppml_input *input, ppmli_seeds *seeds,
                                      const ppml_secret_key *key, const uint8_t *pixels,
                                      ppml_rng *rng) {
  const ppml_client *client = &key->client;
  memset(input, 0, sizeof *input);
  ppmli_seeds_draw(seeds, PPMLI_SEEDS_INPUT, key, pixels, ppmli_spec_image_bytes(&client->spec),
                   rng);
  input->params = client->params;
  input->blocks = (uint32_t)ppmli_input_blocks(client->params, &client->spec);
  input->words = (uint32_t)ppmli_input_words(client->params, &client->spec);
  memcpy(input->seed, seeds->mask, sizeof input->seed);
  memcpy(input->circuit_id, client->circuit_id, PPML_ID_BYTES);
  memcpy(input->key_id, key->id, PPML_ID_BYTES);
}

PPMLI_STATIC void ppmli_request_open(ppml_request *request, const ppml_input *input) {
  ppmli_input_digest(request->digest, input);
  request->open = 1;
}

/* Encrypts one image.
 *   input    out; its body is in arena
 *   request  out; open
 *   pixels   [ppmli_spec_image_bytes()]
 *   rng      ppmli_rng_begin was called for this use
 * Memory: ppmli_input_bytes.  Errors: NOMEM; RANGE for a latent that is not finite.
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
  ppmli_encrypt_begin(input, &seeds, key, pixels, rng);
  int error = ppmli_encrypt_image(body, tail, input, key, pixels, &seeds, arena);
  ppmli_seeds_wipe(&seeds);
  if (error) { /* the image stood in body */
    ppmli_wipe(body, blocks * ppmli_params_input_set(p)->poly_size * sizeof *body);
    arena->used_bytes = mark;
    memset(input, 0, sizeof *input);
    return error;
  }
  input->body = body;
  input->tail = tail;
  ppmli_request_open(request, input);
  return PPML_OK;
}

/* ------------------------------------------------------- block by block */

PPMLI_STATIC size_t ppmli_encrypt_to_bytes(const ppml_params *p, const ppml_spec *spec) {
  return ppmli_input_array_bytes(p, 1) + ppmli_open_key_bytes(p) +
         ppmli_max_size(ppmli_client_block_scratch(p), ppmli_client_message_scratch(p, spec));
}

/* Memory of one ciphertext. */
typedef struct ppmli_input_block {
  uint64_t *body; /* [N] */
  uint8_t *tail;  /* [N], or NULL */
} ppmli_input_block;

/* Encrypts the blocks of an image one after another into the same memory, and writes each.
 *   block  scratch; on an error the pixels may stand in its body */
PPMLI_STATIC int ppmli_encrypt_out(ppmli_out *out, const ppml_input *input,
                                   const ppmli_input_block *block, const ppmli_open_key *key,
                                   const uint8_t *pixels, const ppmli_seeds *seeds,
                                   ppml_arena *arena) {
  ppml_input one = *input;
  size_t N = ppmli_params_input_set(input->params)->poly_size;
  one.blocks = 1;
  one.body = block->body;
  one.tail = block->tail;
  for (uint32_t b = 0; b < input->blocks && out->error == PPML_OK; b++) {
    PPMLI_TRY(ppmli_encrypt_nth(block->body, block->tail, key, pixels, seeds, b, arena));
    one.words = (uint32_t)ppmli_min_size(input->words - (size_t)b * N, N);
    ppmli_input_put(out, &one);
  }
  return ppmli_out_end(out);
}

/* Encrypts one image as its file, the bytes that ppmli_encrypt and ppmli_input_write make of the same
 * numbers of rng, in memory for one ciphertext.
 *   request  out; open once all is written, untouched on an error
 *   rng      ppmli_rng_begin was called for this use
 * Memory: ppmli_encrypt_to_bytes, all of it given back.  Errors: NOMEM, RANGE, IO.
 * CT: as ppmli_encrypt. */
PPMLI_STATIC int ppmli_encrypt_to(ppml_writer *writer, ppml_request *request,
                                  const ppml_secret_key *key, const uint8_t *pixels, ppml_rng *rng,
                                  ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  size_t mark = arena->used_bytes;
  ppml_input input;
  ppmli_seeds seeds;
  ppmli_open_key open;
  ppmli_out out;
  ppmli_input_block block;
  PPMLI_TRY(ppmli_input_alloc(&block.body, &block.tail, p, 1, arena));
  ppmli_encrypt_begin(&input, &seeds, key, pixels, rng);
  int error = ppmli_open_key_init(&open, key, arena);
  if (error == PPML_OK) error = ppmli_input_begin(&out, &input, writer);
  if (error == PPML_OK)
    error = ppmli_encrypt_out(&out, &input, &block, &open, pixels, &seeds, arena);
  ppmli_open_key_close(&open);
  ppmli_seeds_wipe(&seeds);
  ppmli_wipe(block.body, ppmli_params_input_set(p)->poly_size * sizeof *block.body);
  arena->used_bytes = mark;
  if (error == PPML_OK) ppmli_request_open(request, &input);
  return error;
}

#endif
