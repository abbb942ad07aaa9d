/* Encrypting an image for a model without hidden layers: the smallest client there is.
 *
 * Integers of 32 bits alone, no multiplication but that of the noise's draw, no FFT.  One
 * coefficient at a time is made and can be sent off at once: a device needs room for a mask and
 * the key's bits spread to words, 8 KB at N = 1024, and not for the ciphertext.
 *
 * In: pixels, the secret key, seeds; out: body words, in turn.  Next: server/linear_score.h. */
#ifndef PPMLI_CLIENT_LINEAR_ENCRYPT_H
#define PPMLI_CLIENT_LINEAR_ENCRYPT_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "../network/linear_set.h"
#include "../network/model.h"
#include "../network/spec.h"
#include "../wire/container.h"

#define PPMLI_LINEAR_RUN 64 /* words that are made and packed at a time; a multiple of 8 */

/* A ciphertext at work. */
typedef struct ppmli_linear_block {
  const ppml_params *params;
  uint32_t unit;
  uint32_t *key;  /* [N]  all bits set where the key's bit is */
  uint32_t *mask; /* [N]  a, the highest coefficient first */
  ppmli_stream noise;
} ppmli_linear_block;

PPMLI_INLINE size_t ppmli_linear_encrypt_scratch(const ppml_params *p) {
  return 2 * ppmli_arena_rounded(p->poly_size * sizeof(uint32_t));
}

/* Memory, and the key's bits as words.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_linear_block_init(ppmli_linear_block *b, const ppml_secret_key *key,
                                         ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  PPMLI_ALLOC(uint32_t, words, arena, p->poly_size);
  PPMLI_ALLOC(uint32_t, mask, arena, p->poly_size);
  b->params = p;
  b->unit = (uint32_t)(key->client.score_unit >> PPMLI_LINEAR_TORUS_BITS);
  b->key = words;
  b->mask = mask;
  for (uint32_t i = 0; i < p->poly_size; i++)
    words[i] = (uint32_t)ppmli_ct_mask(ppmli_bit(key->glwe_bits, i));
  return PPML_OK;
}

/* Goes on to ciphertext number `block` of the image. */
PPMLI_STATIC void ppmli_linear_block_begin(ppmli_linear_block *b, uint32_t block,
                                           const uint8_t *mask_seed, const uint8_t *noise_seed) {
  uint32_t N = b->params->poly_size;
  ppmli_stream words;
  ppmli_stream_init(&words, mask_seed, PPMLI_STREAM_INPUT_MASK, block);
  ppmli_stream_init(&b->noise, noise_seed, PPMLI_STREAM_INPUT_NOISE, block);
  ppmli_stream_u32(&words, b->mask, N);
  for (uint32_t i = 0; i < N / 2; i++) {
    uint32_t low = b->mask[i];
    b->mask[i] = b->mask[N - 1 - i];
    b->mask[N - 1 - i] = low;
  }
}

/* Coefficient j of a s modulo X^N + 1: s_i meets a_(j - i), or -a_(N + j - i) where i > j.
 * CT: time depends on j and N only. */
PPMLI_STATIC uint32_t ppmli_linear_mask_times_key(const ppmli_linear_block *b, uint32_t j) {
  uint32_t N = b->params->poly_size, plus = 0, minus = 0;
  const uint32_t *low = b->mask + (N - 1 - j), *high = b->key + j + 1;
  for (uint32_t i = 0; i <= j; i++) plus += low[i] & b->key[i];
  for (uint32_t i = 0; i < N - 1 - j; i++) minus += b->mask[i] & high[i];
  return plus - minus;
}

/* Body words first .. first + count - 1 of the ciphertext, rounded to what travels.
 *   words   [count]  out: integers of input_wire_bits bits
 *   pixels  [count]  as integers of spec.input_bits bits, see ppmli_quant_pixel
 * Noise: fresh, plus 2^-input_wire_bits / sqrt 12 of rounding.  CT. */
PPMLI_STATIC void ppmli_linear_words(uint64_t *words, ppmli_linear_block *b, uint32_t first,
                                     size_t count, const uint8_t *pixels, uint32_t input_bits) {
  uint32_t lost = PPMLI_LINEAR_TORUS_BITS - b->params->input_wire_bits;
  for (size_t i = 0; i < count; i++) {
    uint64_t random;
    ppmli_stream_u64(&b->noise, &random, 1);
    uint32_t word = ppmli_linear_mask_times_key(b, first + (uint32_t)i);
    word += (uint32_t)(uint64_t)ppmli_noise(random, b->params->glwe_noise_bound);
    word += b->unit * (uint32_t)ppmli_quant_pixel(pixels[i], input_bits);
    words[i] = (uint32_t)(word + ((uint32_t)1 << (lost - 1))) >> lost;
  }
}

/* Where body words go, a run at a time: first counts through the whole image, and is a multiple
 * of PPMLI_LINEAR_RUN. */
typedef struct ppmli_linear_sink {
  void (*take)(void *context, const uint64_t *words, size_t first, size_t count);
  void *context;
} ppmli_linear_sink;

/* Encrypts an image.
 *   pixels  [inputs] bytes
 * Scratch: ppmli_linear_encrypt_scratch(p) bytes.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_linear_encrypt(const ppmli_linear_sink *sink, const ppml_secret_key *key,
                                      const uint8_t *pixels, const ppmli_seeds *seeds,
                                      ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  size_t mark = arena->used_bytes, inputs = ppmli_spec_inputs(&key->client.spec);
  uint64_t words[PPMLI_LINEAR_RUN];
  ppmli_linear_block b;
  PPMLI_TRY(ppmli_linear_block_init(&b, key, arena));
  for (size_t done = 0; done < inputs; done += PPMLI_LINEAR_RUN) {
    size_t count = ppmli_min_size(PPMLI_LINEAR_RUN, inputs - done);
    uint32_t first = (uint32_t)(done % p->poly_size);
    if (first == 0)
      ppmli_linear_block_begin(&b, (uint32_t)(done / p->poly_size), seeds->mask, seeds->noise);
    ppmli_linear_words(words, &b, first, count, pixels + done, key->client.spec.input_bits);
    sink->take(sink->context, words, done, count);
  }
  ppmli_wipe(b.key, p->poly_size * sizeof *b.key);
  ppmli_stream_wipe(&b.noise);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ----------------------------------------------------------- into a file */

PPMLI_STATIC void ppmli_linear_take_out(void *context, const uint64_t *words, size_t first,
                                        size_t count) {
  uint8_t bytes[4 * PPMLI_LINEAR_RUN];
  const uint32_t bits = ppmli_linear_params()->input_wire_bits;
  (void)first;
  ppmli_pack(bytes, words, count, bits);
  ppmli_out_bytes((ppmli_out *)context, bytes, ppmli_packed_bytes(count, bits));
}

/* Encrypts an image straight to the payload of a file: a device keeps nothing of it.
 *   rng  ppmli_rng_begin was called for this use
 * Scratch: ppmli_linear_encrypt_scratch(p) bytes.  Errors: NOMEM; those of writing stick to out. */
PPMLI_STATIC int ppmli_linear_put_encrypted(ppmli_out *out, const ppml_secret_key *key,
                                            const uint8_t *pixels, ppml_rng *rng,
                                            ppml_arena *arena) {
  ppmli_linear_sink sink = {ppmli_linear_take_out, out};
  ppmli_seeds seeds;
  size_t inputs = ppmli_spec_inputs(&key->client.spec);
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_INPUT, key, pixels, inputs, rng);
  ppmli_out_bytes(out, seeds.mask, sizeof seeds.mask);
  ppmli_out_u32(out, (uint32_t)inputs);
  int error = ppmli_linear_encrypt(&sink, key, pixels, &seeds, arena);
  ppmli_seeds_wipe(&seeds);
  return error;
}

/* ---------------------------------------------------------- into memory */

PPMLI_STATIC void ppmli_linear_take_memory(void *context, const uint64_t *words, size_t first,
                                           size_t count) {
  uint64_t *body = (uint64_t *)context;
  for (size_t i = 0; i < count; i++)
    body[first + i] = ppmli_torus_from(words[i], ppmli_linear_params()->input_wire_bits);
}

PPMLI_INLINE size_t ppmli_linear_input_bytes(const ppml_params *p, const ppml_spec *spec) {
  return ppmli_arena_rounded(ppmli_spec_inputs(spec) * sizeof(uint64_t)) +
         ppmli_linear_encrypt_scratch(p);
}

/* Encrypts an image.
 *   input  out; body [inputs] is in arena: not [blocks][N] as in the other sets
 *   rng    ppmli_rng_begin was called for this use
 * Memory: ppmli_linear_input_bytes.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_linear_encrypt_image(ppml_input *input, const ppml_secret_key *key,
                                            const uint8_t *pixels, ppml_rng *rng,
                                            ppml_arena *arena) {
  size_t inputs = ppmli_spec_inputs(&key->client.spec), mark = arena->used_bytes;
  ppmli_seeds seeds;
  memset(input, 0, sizeof *input);
  PPMLI_ALLOC(uint64_t, body, arena, inputs);
  ppmli_linear_sink sink = {ppmli_linear_take_memory, body};
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_INPUT, key, pixels, inputs, rng);
  int error = ppmli_linear_encrypt(&sink, key, pixels, &seeds, arena);
  memcpy(input->seed, seeds.mask, sizeof input->seed);
  ppmli_seeds_wipe(&seeds);
  if (error) {
    arena->used_bytes = mark;
    memset(input, 0, sizeof *input);
    return error;
  }
  input->params = key->client.params;
  input->blocks = (uint32_t)ppmli_linear_blocks(input->params, inputs);
  input->body = body;
  memcpy(input->circuit_id, key->client.circuit_id, PPML_ID_BYTES);
  memcpy(input->key_id, key->id, PPML_ID_BYTES);
  return PPML_OK;
}

#endif
