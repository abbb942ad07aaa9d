/* Encrypting an image: pixels in, ciphertexts out, with the request that its answer will be held to.
 * Integers alone, so every machine makes the same bytes.  In: an image, the secret key, a generator;
 * out: a ppml_input or its file.  Next: block.h. */
#ifndef PPMLI_CLIENT_ENCRYPT_H
#define PPMLI_CLIENT_ENCRYPT_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../network/spec.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "linear_encrypt.h"
#include "path.h"

/* One ciphertext as it is made. */
typedef struct ppmli_input_block {
  uint64_t *body; /* [N] */
  uint64_t *tail; /* [N], of a set whose words have tails; else NULL */
} ppmli_input_block;

/* Memory that making one takes beside its body: of the message first, then of tail and encryption. */
PPMLI_STATIC size_t ppmli_input_block_scratch(const ppml_params *params, const ppml_spec *spec) {
  const ppml_params *p = ppmli_params_input_set(params);
  size_t tail = ppmli_params_tail_bits(p) ? p->poly_size * sizeof(uint64_t) : 0;
  return ppmli_max_size(ppmli_arena_rounded(tail) + ppmli_client_block_scratch(p),
                        ppmli_client_message_scratch(p, spec));
}

/* Encrypts one block of an image; on an error the pixels may stand in its body.
 *   block  in: its body; out: body and tail, which is in arena
 * Memory: ppmli_input_block_scratch, for the caller to give back. */
PPMLI_STATIC int ppmli_encrypt_nth(ppmli_input_block *block, const ppmli_open_key *key,
                                   const uint8_t *pixels, const ppmli_seeds *seeds, uint32_t index,
                                   ppml_arena *arena) {
  const ppml_params *p = ppmli_params_input_set(key->params);
  ppmli_mask mask = {seeds->mask, PPMLI_STREAM_INPUT_MASK, index};
  ppmli_stream noise;
  block->tail = NULL;
  PPMLI_TRY(ppmli_client_message(block->body, key->secret->client, pixels, index, arena));
  if (ppmli_params_tail_bits(p)) {
    PPMLI_ALLOC(uint64_t, tail, arena, p->poly_size);
    block->tail = tail;
  }
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_INPUT_NOISE, index);
  int error = ppmli_client_encrypt_block(block->body, block->tail, key, &mask, &noise, arena);
  ppmli_stream_wipe(&noise);
  return error;
}

PPMLI_STATIC size_t ppmli_input_bytes(const ppml_params *p, const ppml_spec *spec) {
  return ppmli_input_array_bytes(p, ppmli_input_blocks(p, spec)) + ppmli_open_key_bytes(p) +
         ppmli_input_block_scratch(p, spec);
}

/* Encrypts block after block of an image.
 *   body  [blocks][N]  out
 *   tail  [blocks][N]  out, of a set whose words have tails */
PPMLI_STATIC int ppmli_encrypt_blocks(uint64_t *body, uint8_t *tail, const ppml_input *input,
                                      const ppmli_open_key *key, const uint8_t *pixels,
                                      const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t N = ppmli_params_input_set(key->params)->poly_size, mark = arena->used_bytes;
  for (uint32_t b = 0; b < input->blocks; b++) {
    ppmli_input_block block = {body + b * N, NULL};
    PPMLI_TRY(ppmli_encrypt_nth(&block, key, pixels, seeds, b, arena));
    for (size_t i = 0; block.tail && i < N; i++) tail[b * N + i] = (uint8_t)block.tail[i];
    arena->used_bytes = mark;
  }
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
  const ppml_client *client = key->client;
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
  const ppml_params *p = key->client->params;
  ppmli_seeds seeds;
  size_t mark = arena->used_bytes, blocks = ppmli_input_blocks(p, &key->client->spec);
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

/* Words of a body that are made at a time: all, or of sums alone, which are made word by word, a buffer. */
PPMLI_INLINE size_t ppmli_encrypt_to_words(const ppml_params *p) {
  return ppmli_params_is_keyless(p) ? PPMLI_PACK_WORDS : ppmli_params_input_set(p)->poly_size;
}

PPMLI_STATIC size_t ppmli_encrypt_to_bytes(const ppml_params *p, const ppml_spec *spec) {
  return ppmli_arena_rounded(ppmli_encrypt_to_words(p) * sizeof(uint64_t)) +
         ppmli_open_key_bytes(p) + ppmli_input_block_scratch(p, spec);
}

#ifdef PPMLI_HAS_LINEAR
/* Encrypts one block of values for sums alone, a buffer at a time.
 *   body    [PPMLI_PACK_WORDS]  scratch
 *   pixels  [words]  the block's */
PPMLI_STATIC int ppmli_encrypt_short_out(ppmli_out *out, uint64_t *body, const ppmli_open_key *key,
                                         const uint8_t *pixels, size_t words,
                                         const ppmli_seeds *seeds, uint32_t index,
                                         ppml_arena *arena) {
  const ppml_params *p = key->params;
  ppmli_mask mask = {seeds->mask, PPMLI_STREAM_INPUT_MASK, index};
  ppmli_stream noise;
  ppmli_short s;
  PPMLI_TRY(ppmli_short_open(&s, p, key->secret->glwe_bits, &mask, arena));
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_INPUT_NOISE, index);
  for (size_t i = 0; i < words; i += PPMLI_PACK_WORDS) {
    size_t count = ppmli_input_buffer(words, i);
    ppmli_client_values(body, key->secret->client, pixels + i, count);
    ppmli_short_encrypt(body, &s, p, (uint32_t)i, (uint32_t)count, &noise);
    ppmli_input_put_buffer(out, p, body, NULL, count);
  }
  ppmli_stream_wipe(&noise);
  ppmli_short_close(&s, p);
  return PPML_OK;
}
#endif

/* Writes the words of a block that travel. */
PPMLI_STATIC void ppmli_encrypt_put(ppmli_out *out, const ppml_params *p,
                                    const ppmli_input_block *block, size_t words) {
  uint8_t tail[PPMLI_PACK_WORDS];
  for (size_t i = 0; i < words; i += PPMLI_PACK_WORDS) {
    size_t count = ppmli_input_buffer(words, i);
    for (size_t j = 0; block->tail && j < count; j++) tail[j] = (uint8_t)block->tail[i + j];
    ppmli_input_put_buffer(out, p, block->body + i, tail, count);
  }
}

/* Encrypts the blocks of an image one after another into the same memory, and writes each.
 *   body  [ppmli_encrypt_to_words]  scratch; on an error the pixels may stand in it */
PPMLI_STATIC int ppmli_encrypt_out(ppmli_out *out, const ppml_input *input, uint64_t *body,
                                   const ppmli_open_key *key, const uint8_t *pixels,
                                   const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t N = ppmli_params_input_set(input->params)->poly_size, mark = arena->used_bytes;
  for (uint32_t b = 0; b < input->blocks && out->error == PPML_OK; b++) {
    size_t words = ppmli_min_size(input->words - b * N, N);
    ppmli_input_block block = {body, NULL};
    arena->used_bytes = mark;
#ifdef PPMLI_HAS_LINEAR
    if (ppmli_params_is_keyless(input->params)) {
      PPMLI_TRY(ppmli_encrypt_short_out(out, body, key, pixels + b * N, words, seeds, b, arena));
      continue;
    }
#endif
    PPMLI_TRY(ppmli_encrypt_nth(&block, key, pixels, seeds, b, arena));
    ppmli_encrypt_put(out, input->params, &block, words);
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
  const size_t words = ppmli_encrypt_to_words(key->client->params);
  size_t mark = arena->used_bytes;
  ppml_input input;
  ppmli_seeds seeds;
  ppmli_open_key open;
  ppmli_out out;
  PPMLI_ALLOC(uint64_t, body, arena, words);
  ppmli_encrypt_begin(&input, &seeds, key, pixels, rng);
  int error = ppmli_open_key_init(&open, key, arena);
  if (error == PPML_OK) error = ppmli_input_begin(&out, &input, writer);
  if (error == PPML_OK) error = ppmli_encrypt_out(&out, &input, body, &open, pixels, &seeds, arena);
  ppmli_open_key_close(&open);
  ppmli_seeds_wipe(&seeds);
  ppmli_wipe(body, words * sizeof *body);
  arena->used_bytes = mark;
  if (error == PPML_OK) ppmli_request_open(request, &input);
  return error;
}

#endif
