/* Encrypted scores in memory and on the wire.  The server makes them (server/infer.h), the client opens
 * them (client/decrypt.h).  In and out: a ppml_output.  Next: client/decrypt.h. */
#ifndef PPMLI_WIRE_OUTPUT_H
#define PPMLI_WIRE_OUTPUT_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../math/params.h"
#include "container.h"
#include "input.h"
#include "limits.h"

/* --------------------------------------------------------------- scores */

PPMLI_INLINE size_t ppmli_output_words(const ppml_params *p) {
  return ppmli_params_long_dim(p) + 1;
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

/* The next words of a ciphertext.
 *   words  [count]  out; PPMLI_OUT_WORDS at a time, or what is left */
PPMLI_STATIC void ppmli_output_fetch_words(uint64_t *words, ppmli_in *in, const ppml_params *p,
                                           size_t count) {
  uint8_t bytes[8 * PPMLI_OUT_WORDS];
  size_t bits = count * p->output_bits, size = ppmli_packed_bytes(count, p->output_bits);
  ppmli_in_bytes(in, bytes, size);
  if (bits % 8 && bytes[size - 1] >> bits % 8) in->error = PPML_ERR_FORMAT; /* padding */
  ppmli_unpack(words, bytes, count, p->output_bits);
}

PPMLI_STATIC void ppmli_output_fetch(uint32_t *lwe, ppmli_in *in, const ppml_params *p) {
  uint64_t words[PPMLI_OUT_WORDS];
  for (size_t i = 0; i < ppmli_output_words(p); i += PPMLI_OUT_WORDS) {
    size_t count = ppmli_min_size(PPMLI_OUT_WORDS, ppmli_output_words(p) - i);
    ppmli_output_fetch_words(words, in, p, count);
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
  ppml_header h = ppmli_header_of(PPML_KIND_OUTPUT, p,
                                  ppmli_output_payload_bytes(p, output->images, output->outputs),
                                  output->circuit_id, output->key_id);
  ppmli_out out;
  if (!ppmli_output_fits(p, output->images, output->outputs, &ppmli_limits)) return PPML_ERR_RANGE;
  ppmli_out_begin(&out, writer, &h);
  ppmli_out_u32(&out, output->images);
  ppmli_out_u32(&out, output->outputs);
  ppmli_out_bytes(&out, output->digest, (size_t)output->images * PPML_ID_BYTES);
  for (size_t i = 0; i < ciphertexts; i++)
    ppmli_output_put(&out, output->lwe + i * ppmli_output_words(p), p);
  return ppmli_out_end(&out);
}

/* How many images and scores of each a file has.  Errors: the input bytes'. */
PPMLI_STATIC int ppmli_output_get_shape(uint32_t *images, uint32_t *outputs, ppmli_in *in,
                                        const ppml_header *h, const ppml_limits *limits) {
  *images = ppmli_in_u32(in);
  *outputs = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (!ppmli_output_fits(h->params, *images, *outputs, limits)) return PPML_ERR_RANGE;
  return h->payload_bytes == ppmli_output_payload_bytes(h->params, *images, *outputs)
             ? PPML_OK
             : PPML_ERR_FORMAT;
}

PPMLI_STATIC int ppmli_output_get(ppml_output *output, ppmli_in *in, const ppml_header *h,
                                  const ppml_limits *limits, ppml_arena *arena) {
  const ppml_params *p = h->params;
  PPMLI_TRY(ppmli_output_get_shape(&output->images, &output->outputs, in, h, limits));
  size_t ciphertexts = (size_t)output->images * output->outputs;
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
