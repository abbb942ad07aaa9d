/* What learning gives: numbers packed into ciphertexts, under the owner's key.
 *
 * Value v stands in ciphertext v / N, at the constant coefficient's place turned by place(v): as
 * packing leaves them, PPMLI_LEARNT_GROUP at a time.  What the values are depends on the method:
 *
 *   descent  weights [2][outputs][features]: w after the last step; then the sum of w over the
 *            steps that are averaged.  A weight of 1 stands at an eighth of a turn.
 *   gram     second moments of the rows, i <= j, then products of features and labels
 *            [outputs][features]; the number of rows that they are sums over stands beside them
 *   sums     the same, added up by their owners before they were encrypted
 *
 * In and out: a ppml_learnt.  Next: client/reveal.h. */
#ifndef PPMLI_WIRE_LEARNT_H
#define PPMLI_WIRE_LEARNT_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "container.h"

#define PPMLI_LEARNT_VERSION 1
#define PPMLI_LEARNT_GROUP 256 /* values that are packed together, or N where it is smaller */
#define PPMLI_LEARNT_PACK_WORDS 64

/* ----------------------------------------------------------------- values */

/* Second moments i <= j of so many features. */
PPMLI_INLINE size_t ppmli_learnt_pairs(size_t features) {
  return features * (features + 1) / 2;
}

PPMLI_INLINE size_t ppmli_learnt_pair(size_t i, size_t j) {
  return j * (j + 1) / 2 + i;
}

PPMLI_INLINE size_t ppmli_learnt_values(const ppml_learnt *l) {
  size_t products = (size_t)l->outputs * l->features;
  if (l->method == PPML_LEARN_DESCENT) return 2 * products;
  return ppmli_learnt_pairs(l->features) + products;
}

PPMLI_INLINE size_t ppmli_learnt_ciphertexts(const ppml_learnt *l) {
  return (ppmli_learnt_values(l) + l->params->poly_size - 1) / l->params->poly_size;
}

PPMLI_INLINE size_t ppmli_learnt_group(const ppml_params *p) {
  return ppmli_min_size(PPMLI_LEARNT_GROUP, p->poly_size);
}

/* Value v is the constant coefficient of its ciphertext times X^place. */
PPMLI_INLINE uint32_t ppmli_learnt_place(const ppml_params *p, size_t v) {
  size_t group = ppmli_learnt_group(p), at = v % p->poly_size;
  return (uint32_t)(at % group * (p->poly_size / group) + at / group);
}

PPMLI_INLINE size_t ppmli_learnt_bytes(const ppml_learnt *l) {
  return ppmli_arena_rounded(ppmli_learnt_ciphertexts(l) * 2 * l->params->poly_size *
                             sizeof(uint64_t));
}

/* Memory for the ciphertexts, zeros; the other fields are set.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_learnt_alloc(ppml_learnt *l, ppml_arena *arena) {
  size_t words = ppmli_learnt_ciphertexts(l) * 2 * l->params->poly_size;
  PPMLI_ALLOC(uint64_t, glwe, arena, words);
  memset(glwe, 0, words * sizeof *glwe);
  l->glwe = glwe;
  return PPML_OK;
}

/* ------------------------------------------------------------------- file */

/* Bits of a word as it travels: weights need few, sums must come out to a whole number. */
PPMLI_INLINE uint32_t ppmli_learnt_bits(uint32_t method) {
  return method == PPML_LEARN_DESCENT ? 24 : method == PPML_LEARN_GRAM ? 40 : 56;
}

PPMLI_INLINE uint64_t ppmli_learnt_payload_bytes(const ppml_learnt *l) {
  return 24 + 16 +
         ppmli_learnt_ciphertexts(l) * 2 *
             ppmli_packed_bytes(l->params->poly_size, ppmli_learnt_bits(l->method));
}

/* Words of a polynomial, a buffer at a time.  poly [N], N a multiple of 64. */
PPMLI_STATIC void ppmli_learnt_put_poly(ppmli_out *out, const uint64_t *poly, size_t N,
                                        uint32_t bits) {
  uint64_t words[PPMLI_LEARNT_PACK_WORDS];
  uint8_t bytes[8 * PPMLI_LEARNT_PACK_WORDS];
  for (size_t i = 0; i < N; i += PPMLI_LEARNT_PACK_WORDS) {
    for (size_t j = 0; j < PPMLI_LEARNT_PACK_WORDS; j++)
      words[j] = ppmli_torus_top(poly[i + j], bits);
    ppmli_pack(bytes, words, PPMLI_LEARNT_PACK_WORDS, bits);
    ppmli_out_bytes(out, bytes, ppmli_packed_bytes(PPMLI_LEARNT_PACK_WORDS, bits));
  }
}

PPMLI_STATIC void ppmli_learnt_get_poly(uint64_t *poly, ppmli_in *in, size_t N, uint32_t bits) {
  uint8_t bytes[8 * PPMLI_LEARNT_PACK_WORDS];
  for (size_t i = 0; i < N; i += PPMLI_LEARNT_PACK_WORDS) {
    ppmli_in_bytes(in, bytes, ppmli_packed_bytes(PPMLI_LEARNT_PACK_WORDS, bits));
    ppmli_unpack(poly + i, bytes, PPMLI_LEARNT_PACK_WORDS, bits);
    for (size_t j = 0; j < PPMLI_LEARNT_PACK_WORDS; j++)
      poly[i + j] = ppmli_torus_from(poly[i + j], bits);
  }
}

PPMLI_STATIC void ppmli_learnt_put(ppmli_out *out, const ppml_learnt *l) {
  ppmli_out_u32(out, PPMLI_LEARNT_VERSION);
  ppmli_out_u32(out, l->method);
  ppmli_out_u32(out, l->features);
  ppmli_out_u32(out, l->outputs);
  ppmli_out_u32(out, l->batch);
  ppmli_out_u32(out, l->unit_log2);
  ppmli_out_u64(out, l->rows);
  ppmli_out_u64(out, l->steps);
  for (size_t i = 0; i < 2 * ppmli_learnt_ciphertexts(l); i++)
    ppmli_learnt_put_poly(out, l->glwe + i * l->params->poly_size, l->params->poly_size,
                          ppmli_learnt_bits(l->method));
}

PPMLI_STATIC int ppmli_learnt_is_valid(const ppml_learnt *l) {
  int is_descent = l->method == PPML_LEARN_DESCENT;
  if (l->method < PPML_LEARN_DESCENT || l->method > PPML_LEARN_SUMS) return 0;
  if (l->features < 2 || l->features > PPML_FEATURES_MAX + 1 || l->outputs < 1 ||
      l->outputs > PPML_CLASSES_MAX)
    return 0;
  if (l->unit_log2 > 63 || l->rows == 0 || l->rows >> 40) return 0;
  return is_descent == (l->steps != 0);
}

/* Reads what learning gave.
 *   l  out; its ciphertexts are in arena
 *   p  the header's
 * Errors: the input bytes', NOMEM. */
PPMLI_STATIC int ppmli_learnt_get(ppml_learnt *l, ppmli_in *in, const ppml_params *p,
                                  ppml_arena *arena) {
  uint64_t payload = in->remaining_bytes;
  memset(l, 0, sizeof *l);
  uint32_t version = ppmli_in_u32(in);
  l->params = p;
  l->method = ppmli_in_u32(in);
  l->features = ppmli_in_u32(in);
  l->outputs = ppmli_in_u32(in);
  l->batch = ppmli_in_u32(in);
  l->unit_log2 = ppmli_in_u32(in);
  l->rows = ppmli_in_u64(in);
  l->steps = ppmli_in_u64(in);
  if (in->error) return in->error;
  if (version != PPMLI_LEARNT_VERSION) return PPML_ERR_VERSION;
  if (!ppmli_learnt_is_valid(l) || !ppmli_params_learns(p)) return PPML_ERR_RANGE;
  if (payload != ppmli_learnt_payload_bytes(l)) return PPML_ERR_FORMAT;
  PPMLI_TRY(ppmli_learnt_alloc(l, arena));
  for (size_t i = 0; i < 2 * ppmli_learnt_ciphertexts(l); i++)
    ppmli_learnt_get_poly(l->glwe + i * p->poly_size, in, p->poly_size,
                          ppmli_learnt_bits(l->method));
  return in->error;
}

PPMLI_STATIC int ppmli_learnt_write(const ppml_learnt *l, ppml_writer *writer) {
  ppml_header h = ppmli_header_of(PPML_KIND_LEARNT, l->params, ppmli_learnt_payload_bytes(l),
                                  l->map_id, l->key_id);
  ppmli_out out;
  ppmli_out_begin(&out, writer, &h);
  ppmli_learnt_put(&out, l);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_learnt_read(ppml_learnt *l, ppml_reader *reader, const ppml_limits *limits,
                                   ppml_arena *arena) {
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_LEARNT, reader, limits));
  PPMLI_TRY(ppmli_learnt_get(l, &in, h.params, arena));
  memcpy(l->map_id, h.circuit_id, PPML_ID_BYTES);
  memcpy(l->key_id, h.key_id, PPML_ID_BYTES);
  return ppmli_in_end(&in);
}

#endif
