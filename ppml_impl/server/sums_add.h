/* Adding up the owners' sums, on the server.  In: files of sums; out: their sum, still encrypted. Next:
 * learn.h. */
#ifndef PPMLI_SERVER_SUMS_ADD_H
#define PPMLI_SERVER_SUMS_ADD_H

#include "../base/arena.h"
#include "../base/stream.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "../wire/sums_file.h"

/* Adds an owner's sums.
 *   l  in and out: with glwe NULL before the first owner; then in arena
 *   p  the header's; that headers agree on map and key is the caller's to check
 * Memory: ppmli_learnt_bytes once, and [2][N] words, which are given back.
 * Errors: the input bytes', MISMATCH (other shapes than before), NOMEM. */
PPMLI_STATIC int ppmli_sums_get(ppml_learnt *l, ppmli_in *in, const ppml_params *p,
                                ppml_arena *arena) {
  uint8_t seed[PPML_SEED_BYTES];
  ppml_learnt shape;
  PPMLI_TRY(ppmli_sums_get_begin(&shape, seed, in, p));
  if (l->glwe && (l->params != p || l->features != shape.features || l->outputs != shape.outputs ||
                  l->batch != shape.batch))
    return PPML_ERR_MISMATCH;
  if (l->glwe == NULL) {
    PPMLI_TRY(ppmli_learnt_alloc(&shape, arena));
    *l = shape;
    l->rows = 0;
  }
  size_t N = p->poly_size, mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, glwe, arena, 2 * N);
  for (size_t i = 0; i < ppmli_learnt_ciphertexts(l); i++) {
    ppmli_stream mask;
    ppmli_stream_init(&mask, seed, PPMLI_STREAM_SUMS_MASK, i);
    ppmli_stream_u64(&mask, glwe, N);
    ppmli_learnt_get_poly(glwe + N, in, N, ppmli_learnt_bits(PPML_LEARN_SUMS));
    for (size_t e = 0; e < 2 * N; e++) l->glwe[2 * N * i + e] += glwe[e];
  }
  l->rows += shape.rows;
  arena->used_bytes = mark;
  return in->error;
}

#endif
