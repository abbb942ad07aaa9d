/* Scores by an encrypted model, decrypted by the key holder. */
#ifndef PPMLI_CLIENT_CLASSIFY_REVEAL_H
#define PPMLI_CLIENT_CLASSIFY_REVEAL_H

#include <math.h>

#include "../base/arena.h"
#include "../cipher/rows.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "../network/schedule.h"
#include "../wire/classified.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "../wire/training_set.h"

/* An answer that is being read. */
typedef struct ppmli_scores {
  const ppml_params *params;
  ppmli_rows rows;
  uint32_t outputs;
  uint64_t count;
} ppmli_scores;

/* Reads the beginning of an answer.  Errors: the input bytes'. */
PPMLI_STATIC int ppmli_scores_begin(ppmli_scores *s, ppmli_in *in, const ppml_params *p) {
  uint64_t payload = in->remaining_bytes;
  uint32_t version = ppmli_in_u32(in);
  s->params = p;
  s->outputs = ppmli_in_u32(in);
  uint32_t batch = ppmli_in_u32(in);
  s->count = ppmli_in_u64(in);
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
  return 2 * ppmli_arena_rounded(2 * p->poly_size * sizeof(uint64_t));
}

/* Scores of the next block.
 *   score  [N][outputs]  out: 1 and -1 are what labels are
 * Scratch: ppmli_scores_scratch(p) bytes.  Errors: the input bytes', NOMEM.
 * CT: up to the scores. */
PPMLI_STATIC int ppmli_scores_next(double *score, const ppmli_scores *s, ppmli_in *in,
                                   const uint8_t *key, ppml_arena *arena) {
  const ppml_params *p = s->params;
  size_t N = p->poly_size, mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, glwe, arena, 2 * N);
  PPMLI_ALLOC(uint64_t, twice, arena, 2 * N);
  for (uint32_t o = 0; o < s->outputs; o++) {
    for (size_t part = 0; part < 2; part++)
      ppmli_learnt_get_poly(glwe + part * N, in, N, PPMLI_CLASSIFY_BITS);
    for (size_t i = 0; i < N; i++) glwe[N + i] = 0 - glwe[N + i];
    ppmli_poly_binary_muladd(glwe + N, glwe, key, 0, p->poly_size, twice);
    for (size_t i = 0; i < N; i++) {
      uint64_t phase = 0 - glwe[N + ppmli_rows_position(&s->rows, p, i)];
      score[i * s->outputs + o] =
          ldexp((double)ppmli_torus_signed(phase), PPMLI_SCHEDULE_UNIT_LOG2 - 64);
    }
  }
  arena->used_bytes = mark;
  return in->error;
}

#endif
