/* Layer 8: what travels between client and server: encrypted images and scores. */
#ifndef PPMLI_CIPHERTEXT_H
#define PPMLI_CIPHERTEXT_H

#include "circuit.h"
#include "ct.h"
#include "glwe.h"
#include "long.h"
#include "seeds.h"
#include "serial.h"

/* ---------------------------------------------------------------- image */

/* Values of an image that a GLWE ciphertext holds, and ciphertexts that hold an image. */
PPMLI_INLINE uint32_t ppmli_input_block(const ppml_params *p) {
  return p->slots ? ppmli_params_block(p) : p->poly_size;
}

PPMLI_STATIC size_t ppmli_input_blocks(const ppml_params *p, const ppml_spec *spec) {
  return (ppmli_spec_inputs(spec) + ppmli_input_block(p) - 1) / ppmli_input_block(p);
}

/* Bits of a word that stand in input.tail, below those in input.body. */
#define PPMLI_INPUT_TAIL_BITS 8

/* What the arrays of that many ciphertexts take. */
PPMLI_STATIC size_t ppmli_input_array_bytes(const ppml_params *p, size_t blocks) {
  return ppmli_arena_rounded(blocks * p->poly_size * sizeof(uint64_t)) +
         (p->slots ? ppmli_arena_rounded(blocks * p->poly_size) : 0);
}

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

/* Memory for the ciphertexts of an image, as ppmli_input_array_bytes has it. */
PPMLI_STATIC int ppmli_input_alloc(uint64_t **body, uint8_t **tail, const ppml_params *p,
                                   size_t blocks, ppml_arena *arena) {
  PPMLI_ALLOC(uint64_t, tops, arena, blocks * p->poly_size);
  *body = tops;
  *tail = NULL;
  if (!p->slots) return PPML_OK;
  PPMLI_ALLOC(uint8_t, tails, arena, blocks * p->poly_size);
  *tail = tails;
  return PPML_OK;
}

/* The digest that an answer must carry: the mask seed is the image's own, drawn anew for each. */
PPMLI_STATIC void ppmli_input_digest(uint8_t *digest, const ppml_input *input) {
  static const char domain[] =
      "ppml request 3"; /* with its zero: what else is hashed begins otherwise */
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, domain, sizeof domain);
  ppmli_digest_update(&d, input->seed, sizeof input->seed);
  ppmli_digest_update(&d, input->circuit_id, sizeof input->circuit_id);
  ppmli_digest_update(&d, input->key_id, sizeof input->key_id);
  ppmli_digest_final(&d, digest);
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

PPMLI_INLINE size_t ppmli_input_block_wire_bytes(const ppml_params *p) {
  return ppmli_packed_bytes(p->poly_size, p->input_wire_bits);
}

PPMLI_INLINE size_t ppmli_input_payload_bytes(const ppml_params *p, size_t blocks) {
  return PPML_SEED_BYTES + 4 + blocks * ppmli_input_block_wire_bytes(p);
}

/* A ciphertext's words pass through a buffer of that many; a multiple of 8, so that
 * every full buffer ends on a byte. */
#define PPMLI_PACK_WORDS 64

/* The ciphertexts of an image, a buffer of words at a time. */
PPMLI_STATIC void ppmli_input_put(ppmli_out *out, const ppml_input *input) {
  const ppml_params *p = input->params;
  uint64_t words[PPMLI_PACK_WORDS];
  uint8_t bytes[8 * PPMLI_PACK_WORDS];
  uint32_t bits = p->slots ? 64 : p->input_wire_bits;
  for (size_t i = 0; i < (size_t)input->blocks * p->poly_size; i += PPMLI_PACK_WORDS) {
    for (size_t j = 0; j < PPMLI_PACK_WORDS; j++)
      words[j] = ppmli_torus_top(input->body[i + j], bits);
    ppmli_pack(bytes, words, PPMLI_PACK_WORDS, bits);
    ppmli_out_bytes(out, bytes, ppmli_packed_bytes(PPMLI_PACK_WORDS, bits));
    if (p->slots) ppmli_out_bytes(out, input->tail + i, PPMLI_PACK_WORDS);
  }
}

/*   body, tail  [blocks][N]  out */
PPMLI_STATIC void ppmli_input_fetch(uint64_t *body, uint8_t *tail, ppmli_in *in, size_t blocks,
                                    const ppml_params *p) {
  uint8_t bytes[8 * PPMLI_PACK_WORDS];
  uint32_t bits = p->slots ? 64 : p->input_wire_bits;
  for (size_t i = 0; i < blocks * p->poly_size; i += PPMLI_PACK_WORDS) {
    ppmli_in_bytes(in, bytes, ppmli_packed_bytes(PPMLI_PACK_WORDS, bits));
    ppmli_unpack(body + i, bytes, PPMLI_PACK_WORDS, bits);
    for (size_t j = 0; j < PPMLI_PACK_WORDS; j++) body[i + j] = ppmli_torus_from(body[i + j], bits);
    if (p->slots) ppmli_in_bytes(in, tail + i, PPMLI_PACK_WORDS);
  }
}

/* Has an image so many blocks that a reader takes it? */
PPMLI_STATIC int ppmli_input_fits(const ppml_params *p, size_t blocks, const ppml_limits *limits) {
  return blocks >= 1 && blocks <= limits->inputs / ppmli_input_block(p) + 1 &&
         ppmli_input_payload_bytes(p, blocks) <= limits->payload_bytes;
}

PPMLI_STATIC int ppmli_input_write(const ppml_input *input, ppml_writer *writer) {
  const ppml_params *p = input->params;
  ppml_header h = {PPML_KIND_INPUT,
                   PPML_FORMAT_VERSION,
                   p,
                   ppmli_input_payload_bytes(p, input->blocks),
                   {0},
                   {0}};
  const ppml_limits limits = ppmli_limits_default();
  ppmli_out out;
  if (!ppmli_input_fits(p, input->blocks, &limits)) return PPML_ERR_RANGE;
  memcpy(h.circuit_id, input->circuit_id, PPML_ID_BYTES);
  memcpy(h.key_id, input->key_id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_out_bytes(&out, input->seed, sizeof input->seed);
  ppmli_out_u32(&out, input->blocks);
  ppmli_input_put(&out, input);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_input_get(ppml_input *input, ppmli_in *in, const ppml_header *h,
                                 const ppml_limits *limits, ppml_arena *arena) {
  const ppml_params *p = h->params;
  uint64_t *body;
  uint8_t *tail;
  ppmli_in_bytes(in, input->seed, sizeof input->seed);
  input->blocks = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (!ppmli_input_fits(p, input->blocks, limits)) return PPML_ERR_RANGE;
  if (h->payload_bytes != ppmli_input_payload_bytes(p, input->blocks)) return PPML_ERR_FORMAT;
  PPMLI_TRY(ppmli_input_alloc(&body, &tail, p, input->blocks, arena));
  ppmli_input_fetch(body, tail, in, input->blocks, p);
  input->params = p;
  input->body = body;
  input->tail = tail;
  memcpy(input->circuit_id, h->circuit_id, PPML_ID_BYTES);
  memcpy(input->key_id, h->key_id, PPML_ID_BYTES);
  return ppmli_in_end(in);
}

PPMLI_STATIC int ppmli_input_read(ppml_input *input, ppml_reader *reader, const ppml_limits *limits,
                                  ppml_arena *arena) {
  ppmli_in in;
  ppml_header h;
  memset(input, 0, sizeof *input);
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_INPUT, reader, limits));
  return ppmli_input_get(input, &in, &h, limits, arena);
}

/* --------------------------------------------------------------- scores */

PPMLI_INLINE size_t ppmli_output_words(const ppml_params *p) {
  return ppmli_params_long_dim(p) + 1;
}

/* Switches a long ciphertext down to 2^output_bits, centered as the other switches; the mean of
 * a ternary key is 0 of itself. */
PPMLI_STATIC void ppmli_output_switch(uint32_t *out, const uint64_t *lwe, const ppml_params *p) {
  size_t dim = ppmli_params_long_dim(p);
  uint64_t error_sum = 0; /* modulo 2^64, of numbers below 2^(64 - output_bits - 1) */
  for (size_t i = 0; i < dim; i++) {
    out[i] = ppmli_torus_switch(lwe[i], p->output_bits);
    error_sum += lwe[i] - ppmli_torus_from(out[i], p->output_bits);
  }
  int64_t half =
      p->slots ? 0 : ppmli_torus_signed(error_sum) / 2; /* |sum| < 2^63 as dim <= 2^output_bits */
  out[dim] = ppmli_torus_switch(lwe[dim] - (uint64_t)half, p->output_bits);
}

PPMLI_INLINE size_t ppmli_output_lwe_wire_bytes(const ppml_params *p) {
  return ppmli_packed_bytes(ppmli_output_words(p), p->output_bits);
}

PPMLI_INLINE size_t ppmli_output_payload_bytes(const ppml_params *p, size_t images,
                                               size_t outputs) {
  return 8 + images * (PPML_ID_BYTES + outputs * ppmli_output_lwe_wire_bytes(p));
}

/* Memory for the digests and ciphertexts of so many images. */
PPMLI_STATIC size_t ppmli_output_array_bytes(const ppml_params *p, size_t images,
                                             size_t ciphertexts) {
  return ppmli_arena_rounded(images * PPML_ID_BYTES) +
         ppmli_arena_rounded(ciphertexts * ppmli_output_words(p) * sizeof(uint32_t));
}

/* One ciphertext's words, a buffer at a time. */
PPMLI_STATIC void ppmli_output_put(ppmli_out *out, const uint32_t *lwe, const ppml_params *p) {
  uint64_t words[PPMLI_PACK_WORDS];
  uint8_t bytes[8 * PPMLI_PACK_WORDS];
  for (size_t i = 0; i < ppmli_output_words(p); i += PPMLI_PACK_WORDS) {
    size_t count = ppmli_min_size(PPMLI_PACK_WORDS, ppmli_output_words(p) - i);
    for (size_t j = 0; j < count; j++) words[j] = lwe[i + j];
    ppmli_pack(bytes, words, count, p->output_bits);
    ppmli_out_bytes(out, bytes, ppmli_packed_bytes(count, p->output_bits));
  }
}

PPMLI_STATIC void ppmli_output_fetch(uint32_t *lwe, ppmli_in *in, const ppml_params *p) {
  uint64_t words[PPMLI_PACK_WORDS];
  uint8_t bytes[8 * PPMLI_PACK_WORDS];
  for (size_t i = 0; i < ppmli_output_words(p); i += PPMLI_PACK_WORDS) {
    size_t count = ppmli_min_size(PPMLI_PACK_WORDS, ppmli_output_words(p) - i);
    size_t bits = count * p->output_bits, size = ppmli_packed_bytes(count, p->output_bits);
    ppmli_in_bytes(in, bytes, size);
    if (bits % 8 && bytes[size - 1] >> bits % 8) in->error = PPML_ERR_FORMAT; /* padding */
    ppmli_unpack(words, bytes, count, p->output_bits);
    for (size_t j = 0; j < count; j++) lwe[i + j] = (uint32_t)words[j];
  }
}

/* Has an output so many scores that a reader takes it? */
PPMLI_STATIC int ppmli_output_fits(const ppml_params *p, uint32_t images, uint32_t outputs,
                                   const ppml_limits *limits) {
  if (images < 1 || images > limits->images) return 0;
  if (outputs < 1 || outputs > PPML_CLASSES_MAX) return 0;
  return ppmli_output_payload_bytes(p, images, outputs) <= limits->payload_bytes;
}

PPMLI_STATIC int ppmli_output_write(const ppml_output *output, ppml_writer *writer) {
  const ppml_params *p = output->params;
  size_t ciphertexts = (size_t)output->images * output->outputs;
  ppml_header h = {PPML_KIND_OUTPUT,
                   PPML_FORMAT_VERSION,
                   p,
                   ppmli_output_payload_bytes(p, output->images, output->outputs),
                   {0},
                   {0}};
  const ppml_limits limits = ppmli_limits_default();
  ppmli_out out;
  if (!ppmli_output_fits(p, output->images, output->outputs, &limits)) return PPML_ERR_RANGE;
  memcpy(h.circuit_id, output->circuit_id, PPML_ID_BYTES);
  memcpy(h.key_id, output->key_id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_out_u32(&out, output->images);
  ppmli_out_u32(&out, output->outputs);
  ppmli_out_bytes(&out, output->digest, (size_t)output->images * PPML_ID_BYTES);
  for (size_t i = 0; i < ciphertexts; i++)
    ppmli_output_put(&out, output->lwe + i * ppmli_output_words(p), p);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_output_get(ppml_output *output, ppmli_in *in, const ppml_header *h,
                                  const ppml_limits *limits, ppml_arena *arena) {
  const ppml_params *p = h->params;
  output->images = ppmli_in_u32(in);
  output->outputs = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (!ppmli_output_fits(p, output->images, output->outputs, limits)) return PPML_ERR_RANGE;
  size_t ciphertexts = (size_t)output->images * output->outputs;
  if (h->payload_bytes != ppmli_output_payload_bytes(p, output->images, output->outputs))
    return PPML_ERR_FORMAT;
  PPMLI_ALLOC(uint8_t, digest, arena, (size_t)output->images * PPML_ID_BYTES);
  PPMLI_ALLOC(uint32_t, lwe, arena, ciphertexts * ppmli_output_words(p));
  ppmli_in_bytes(in, digest, (size_t)output->images * PPML_ID_BYTES);
  for (size_t i = 0; i < ciphertexts; i++)
    ppmli_output_fetch(lwe + i * ppmli_output_words(p), in, p);
  output->params = p;
  output->digest = digest;
  output->lwe = lwe;
  memcpy(output->circuit_id, h->circuit_id, PPML_ID_BYTES);
  memcpy(output->key_id, h->key_id, PPML_ID_BYTES);
  return ppmli_in_end(in);
}

PPMLI_STATIC int ppmli_output_read(ppml_output *output, ppml_reader *reader,
                                   const ppml_limits *limits, ppml_arena *arena) {
  ppmli_in in;
  ppml_header h;
  memset(output, 0, sizeof *output);
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_OUTPUT, reader, limits));
  return ppmli_output_get(output, &in, &h, limits, arena);
}

#endif
