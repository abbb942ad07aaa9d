/* Answers by an encrypted model, opened by the key's owner: block by block, as rounded as those of
 * decrypt.h.  In: the file of answers and the secret key; out: answers.  Next: decrypt.h. */
#ifndef PPMLI_CLIENT_CLASSIFY_REVEAL_H
#define PPMLI_CLIENT_CLASSIFY_REVEAL_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../cipher/rows.h"
#include "../math/poly.h"
#include "../network/answer.h"
#include "../wire/classified.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "../wire/training_set.h"
#include "decrypt.h"

/* An answer that is being read. */
typedef struct ppmli_scores {
  const ppml_params *params;
  ppmli_rows rows;
  uint32_t outputs;
  uint64_t count;
  uint8_t id[PPML_ID_BYTES]; /* of the images */
} ppmli_scores;

/* Reads the beginning of an answer.  Errors: the input bytes'. */
PPMLI_STATIC int ppmli_scores_begin(ppmli_scores *s, ppmli_in *in, const ppml_params *p) {
  uint64_t payload = in->remaining_bytes;
  uint32_t version = ppmli_in_u32(in);
  s->params = p;
  s->outputs = ppmli_in_u32(in);
  uint32_t batch = ppmli_in_u32(in);
  s->count = ppmli_in_u64(in);
  ppmli_in_bytes(in, s->id, sizeof s->id);
  if (in->error) return in->error;
  if (version != PPMLI_CLASSIFY_VERSION) return PPML_ERR_VERSION;
  if (s->outputs < 1 || s->outputs > PPML_CLASSES_MAX || batch == 0) return PPML_ERR_RANGE;
  if (s->count < 1 || s->count > PPMLI_TRAINING_ROWS_MAX) return PPML_ERR_RANGE;
  s->rows = ppmli_rows_make(PPMLI_ROWS_DESCENT, 2, 0, batch);
  if (!ppmli_rows_are_valid(&s->rows, p)) return PPML_ERR_RANGE;
  uint64_t blocks = ppmli_rows_blocks(p, s->count);
  return payload == ppmli_classify_payload_bytes(blocks, s->outputs, p) ? PPML_OK : PPML_ERR_FORMAT;
}

PPMLI_INLINE size_t ppmli_scores_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(2 * p->poly_size * sizeof(uint64_t)) +
         ppmli_poly_binary_muladd_scratch(p->poly_size);
}

/* Scores of the next block, in the client's units.
 *   score  [N][outputs]  out
 * Scratch: ppmli_scores_scratch(p) bytes.  Errors: the input bytes', NOMEM.
 * CT: up to the scores. */
PPMLI_STATIC int ppmli_scores_next(int32_t *score, const ppmli_scores *s, ppmli_in *in,
                                   const ppml_secret_key *key, ppml_arena *arena) {
  const ppml_params *p = s->params;
  size_t N = p->poly_size, mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, glwe, arena, 2 * N);
  PPMLI_ALLOC(uint64_t, shifted, arena, ppmli_poly_lead_words((uint32_t)N));
  for (uint32_t o = 0; o < s->outputs; o++) {
    for (size_t part = 0; part < 2; part++)
      ppmli_learnt_get_poly(glwe + part * N, in, N, PPMLI_CLASSIFY_BITS);
    for (size_t i = 0; i < N; i++) glwe[N + i] = 0 - glwe[N + i];
    ppmli_poly_binary_muladd(glwe + N, glwe, key->glwe_bits, 0, p->poly_size, shifted);
    for (size_t i = 0; i < N; i++) {
      uint64_t phase = 0 - glwe[N + ppmli_rows_position(&s->rows, p, i)];
      score[i * s->outputs + o] = ppmli_output_decode(phase, 0, key->client->score_unit);
    }
  }
  ppmli_wipe(glwe, 2 * N * sizeof *glwe);
  ppmli_wipe(shifted, ppmli_poly_lead_words((uint32_t)N) * sizeof *shifted);
  arena->used_bytes = mark;
  return in->error;
}

/* ---------------------------------------------------------------- answers */

/* An answer that is being given; see ppml_classified_decrypt. */
typedef struct ppmli_classified {
  const ppml_secret_key *key;
  void (*take)(void *context, uint64_t image, const ppml_answer *answer);
  void *context;
} ppmli_classified;

PPMLI_INLINE size_t ppmli_classified_bytes(const ppml_params *p) {
  return ppmli_arena_rounded((size_t)p->poly_size * PPML_CLASSES_MAX * sizeof(int32_t)) +
         ppmli_scores_scratch(p);
}

/* Reads the beginning and checks that it is for the key.  Errors: the input bytes', MISMATCH. */
PPMLI_STATIC int ppmli_classified_begin(ppmli_scores *s, ppmli_in *in, ppml_reader *reader,
                                        const ppml_limits *limits, const ppml_secret_key *key) {
  ppml_header h;
  PPMLI_TRY(ppmli_in_begin_kind(in, &h, PPML_KIND_CLASSIFIED, reader, limits));
  if (key == NULL) return ppmli_scores_begin(s, in, h.params);
  if (h.params != key->client->params ||
      memcmp(h.circuit_id, key->client->circuit_id, PPML_ID_BYTES) != 0 ||
      memcmp(h.key_id, key->id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  PPMLI_TRY(ppmli_scores_begin(s, in, h.params));
  return s->outputs == key->client->spec.outputs ? PPML_OK : PPML_ERR_MISMATCH;
}

/* Gives the answers of one block, of which `images` are left.
 *   scores  [N][outputs]  scratch */
PPMLI_STATIC int ppmli_classified_block(const ppmli_classified *c, const ppmli_scores *s,
                                        ppmli_in *in, uint64_t first, int32_t *scores,
                                        ppml_arena *arena) {
  size_t N = s->params->poly_size;
  ppml_answer answer;
  PPMLI_TRY(ppmli_scores_next(scores, s, in, c->key, arena));
  for (size_t i = 0; i < N && first + i < s->count; i++) {
    ppmli_client_answer(&answer, c->key->client, scores + i * s->outputs);
    c->take(c->context, first + i, &answer);
  }
  ppmli_wipe(scores, N * s->outputs * sizeof *scores);
  return PPML_OK;
}

/* All answers, of a file that is known to be in order.
 *   request  closed before the first answer
 * Scratch: ppmli_classified_bytes.  Errors: the input bytes', MISMATCH, REQUEST, NOMEM. */
PPMLI_STATIC int ppmli_classified_give(const ppmli_classified *c, ppml_reader *reader,
                                       const ppml_limits *limits, ppml_request *request,
                                       ppml_arena *arena) {
  const ppml_params *p = c->key->client->params;
  size_t mark = arena->used_bytes;
  ppmli_scores s;
  ppmli_in in;
  PPMLI_TRY(ppmli_classified_begin(&s, &in, reader, limits, c->key));
  if (request->open != 1 || memcmp(request->digest, s.id, PPML_ID_BYTES) != 0)
    return PPML_ERR_REQUEST;
  PPMLI_ALLOC(int32_t, scores, arena, (size_t)p->poly_size * s.outputs);
  request->open = 0;
  for (uint64_t first = 0; first < s.count; first += p->poly_size)
    PPMLI_TRY(ppmli_classified_block(c, &s, &in, first, scores, arena));
  arena->used_bytes = mark;
  return ppmli_in_end(&in);
}

#endif
