/* An encrypted image in memory and on the wire: how many ciphertexts it has, and their words.  The client
 * makes it (client/encrypt.h), the server reads it.  In and out: a ppml_input.  Next: output.h. */
#ifndef PPMLI_WIRE_INPUT_H
#define PPMLI_WIRE_INPUT_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/digest.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "../network/spec.h"
#include "container.h"
#include "limits.h"

/* ---------------------------------------------------------------- image */

/* Sizes of an image are those of the set that it is encrypted under, ppmli_params_input_set: a bridged
 * set's calls may be made with either. */

/* Ciphertexts that hold an image. */
PPMLI_STATIC size_t ppmli_input_blocks(const ppml_params *p, const ppml_spec *spec) {
  if (ppmli_params_takes_latents(p)) return 1;
  return (ppmli_spec_inputs(spec) + ppmli_params_block(p) - 1) / ppmli_params_block(p);
}

/* Words of an image's bodies that travel: of whole ciphertexts, or of sums alone, which need no more,
 * one for each value. */
PPMLI_STATIC size_t ppmli_input_words(const ppml_params *p, const ppml_spec *spec) {
  if (ppmli_params_is_keyless(p)) return ppmli_spec_inputs(spec);
  return ppmli_input_blocks(p, spec) * ppmli_params_input_set(p)->poly_size;
}

/* What the arrays of that many ciphertexts take. */
PPMLI_STATIC size_t ppmli_input_array_bytes(const ppml_params *params, size_t blocks) {
  const ppml_params *p = ppmli_params_input_set(params);
  return ppmli_arena_rounded(blocks * p->poly_size * sizeof(uint64_t)) +
         (ppmli_params_tail_bits(p) ? ppmli_arena_rounded(blocks * p->poly_size) : 0);
}

/* Memory for the ciphertexts of an image, as ppmli_input_array_bytes has it. */
PPMLI_STATIC int ppmli_input_alloc(uint64_t **body, uint8_t **tail, const ppml_params *params,
                                   size_t blocks, ppml_arena *arena) {
  const ppml_params *p = ppmli_params_input_set(params);
  PPMLI_ALLOC(uint64_t, tops, arena, blocks * p->poly_size);
  *body = tops;
  *tail = NULL;
  if (ppmli_params_tail_bits(p) == 0) return PPML_OK;
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

PPMLI_INLINE size_t ppmli_input_payload_bytes(const ppml_params *p, size_t words) {
  return PPML_SEED_BYTES + 4 + ppmli_packed_bytes(words, p->input_wire_bits);
}

/* Ciphertexts that a payload of so many bytes has words of. */
PPMLI_INLINE size_t ppmli_input_blocks_of(const ppml_params *params, uint64_t payload_bytes) {
  const ppml_params *p = ppmli_params_input_set(params);
  uint64_t begin = PPML_SEED_BYTES + 4, bits = payload_bytes > begin ? payload_bytes - begin : 0;
  uint64_t words =
      bits / p->input_wire_bits * 8 + bits % p->input_wire_bits * 8 / p->input_wire_bits;
  return (size_t)((words + p->poly_size - 1) / p->poly_size);
}

/* A ciphertext's words pass through a buffer of that many; a multiple of 8, so that
 * every full buffer ends on a byte. */
#define PPMLI_PACK_WORDS 64

/* Words of a buffer that begins at word i of so many. */
PPMLI_INLINE size_t ppmli_input_buffer(size_t words, size_t i) {
  return ppmli_min_size(PPMLI_PACK_WORDS, words - i);
}

/* A buffer of words as they travel: all tops, then all tails.
 *   tail  [count]  of a set whose words have tails */
PPMLI_STATIC void ppmli_input_put_buffer(ppmli_out *out, const ppml_params *params,
                                         const uint64_t *body, const uint8_t *tail, size_t count) {
  const ppml_params *p = ppmli_params_input_set(params);
  uint32_t tail_bits = ppmli_params_tail_bits(p);
  ppmli_out_torus(out, body, count, p->input_wire_bits - tail_bits);
  if (tail_bits) ppmli_out_bytes(out, tail, count);
}

/* The words of an image that travel, a buffer at a time. */
PPMLI_STATIC void ppmli_input_put(ppmli_out *out, const ppml_input *input) {
  for (size_t i = 0; i < input->words; i += PPMLI_PACK_WORDS)
    ppmli_input_put_buffer(out, input->params, input->body + i,
                           input->tail ? input->tail + i : NULL,
                           ppmli_input_buffer(input->words, i));
}

/*   body, tail  [blocks][N]  out: zeros behind the last word that travels */
PPMLI_STATIC void ppmli_input_fetch(uint64_t *body, uint8_t *tail, ppmli_in *in,
                                    const ppml_input *input) {
  const ppml_params *p = ppmli_params_input_set(input->params);
  uint8_t bytes[8 * PPMLI_PACK_WORDS];
  uint32_t tail_bits = ppmli_params_tail_bits(p), bits = p->input_wire_bits - tail_bits;
  size_t all = (size_t)input->blocks * p->poly_size;
  for (size_t i = 0; i < input->words; i += PPMLI_PACK_WORDS) {
    size_t count = ppmli_input_buffer(input->words, i);
    ppmli_in_bytes(in, bytes, ppmli_packed_bytes(count, bits));
    ppmli_unpack(body + i, bytes, count, bits);
    for (size_t j = 0; j < count; j++) body[i + j] = ppmli_torus_from(body[i + j], bits);
    if (tail_bits) ppmli_in_bytes(in, tail + i, count);
  }
  memset(body + input->words, 0, (all - input->words) * sizeof *body);
}

/* Has an image so many words that a reader takes it? */
PPMLI_STATIC int ppmli_input_fits(const ppml_params *params, size_t words,
                                  const ppml_limits *limits) {
  const ppml_params *p = ppmli_params_input_set(params);
  size_t blocks = words / p->poly_size, most = limits->inputs / ppmli_params_block(p) + 1;
  if (ppmli_params_is_keyless(p)) return words >= 1 && words <= limits->inputs;
  return blocks >= 1 && blocks <= most && words % p->poly_size == 0 &&
         ppmli_input_payload_bytes(p, words) <= limits->payload_bytes;
}

/* The number that an image's file begins with: of its ciphertexts, or of its words where not all of
 * them travel. */
PPMLI_INLINE uint32_t ppmli_input_count(const ppml_input *input) {
  return ppmli_params_is_keyless(input->params) ? input->words : input->blocks;
}

/* Sizes from that number.  Errors: RANGE. */
PPMLI_STATIC int ppmli_input_take_count(ppml_input *input, uint32_t count,
                                        const ppml_limits *limits) {
  const ppml_params *p = ppmli_params_input_set(input->params);
  uint64_t words = ppmli_params_is_keyless(p) ? count : (uint64_t)count * p->poly_size;
  if (words > UINT32_MAX || !ppmli_input_fits(p, (size_t)words, limits)) return PPML_ERR_RANGE;
  input->words = (uint32_t)words;
  input->blocks = (uint32_t)((words + p->poly_size - 1) / p->poly_size);
  return PPML_OK;
}

/* Begins the file of an image: all that comes before its ciphertexts.  Errors: RANGE. */
PPMLI_STATIC int ppmli_input_begin(ppmli_out *out, const ppml_input *input, ppml_writer *writer) {
  const ppml_params *p = input->params;
  ppml_header h = ppmli_header_of(PPML_KIND_INPUT, p, ppmli_input_payload_bytes(p, input->words),
                                  input->circuit_id, input->key_id);
  if (!ppmli_input_fits(p, input->words, &ppmli_limits)) return PPML_ERR_RANGE;
  ppmli_out_begin(out, writer, &h);
  ppmli_out_bytes(out, input->seed, sizeof input->seed);
  ppmli_out_u32(out, ppmli_input_count(input));
  return out->error;
}

PPMLI_STATIC int ppmli_input_write(const ppml_input *input, ppml_writer *writer) {
  ppmli_out out;
  PPMLI_TRY(ppmli_input_begin(&out, input, writer));
  ppmli_input_put(&out, input);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_input_get(ppml_input *input, ppmli_in *in, const ppml_header *h,
                                 const ppml_limits *limits, ppml_arena *arena) {
  const ppml_params *p = h->params;
  uint64_t *body;
  uint8_t *tail;
  ppmli_in_bytes(in, input->seed, sizeof input->seed);
  uint32_t count = ppmli_in_u32(in);
  if (in->error) return in->error;
  input->params = p;
  PPMLI_TRY(ppmli_input_take_count(input, count, limits));
  if (h->payload_bytes != ppmli_input_payload_bytes(p, input->words)) return PPML_ERR_FORMAT;
  PPMLI_TRY(ppmli_input_alloc(&body, &tail, p, input->blocks, arena));
  ppmli_input_fetch(body, tail, in, input);
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

#endif
