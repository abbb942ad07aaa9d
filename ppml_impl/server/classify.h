/* Encrypted images and a model that is still encrypted, on the server.
 *
 * The images come as rows without labels (training_set.h); a block of N of them is classified by
 * one product an output.  Of a model by descent, w of the last step is used: the sum that the mean
 * is made from may have gone round the torus.  Each output's scores of a block come back as one
 * ciphertext, row s at Y^position(s).
 *
 * In: a model, the packing key and encrypted rows; out: the file of answers. Next:
 * client/classify_reveal.h. */
#ifndef PPMLI_SERVER_CLASSIFY_H
#define PPMLI_SERVER_CLASSIFY_H

#include "../base/arena.h"
#include "../cipher/automorphism.h"
#include "../cipher/packing.h"
#include "../cipher/rows.h"
#include "../math/poly.h"
#include "../wire/classified.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "../wire/training_read.h"
#include "rows_expand.h"

typedef struct ppmli_classifier {
  const ppmli_packing_key *packing;
  ppmli_rows rows; /* of the images: outputs 0 */
  uint32_t outputs;
  uint64_t *w; /* [outputs][features][2][N]  ciphertexts of constants */
  ppmli_rows_block block;
  double *doubles;  /* [ppmli_rows_product_doubles()] */
  uint64_t *scores; /* [2][N] */
} ppmli_classifier;

PPMLI_STATIC size_t ppmli_classifier_bytes(const ppml_learnt *l) {
  const ppml_params *p = l->params;
  ppmli_rows rows = ppmli_rows_make(PPMLI_ROWS_DESCENT, l->features, 0, l->batch);
  size_t glwe = 2 * (size_t)p->poly_size * sizeof(uint64_t);
  return ppmli_arena_rounded((size_t)l->outputs * l->features * glwe) +
         ppmli_arena_rounded(ppmli_rows_product_doubles(&rows, p) * sizeof(double)) +
         ppmli_arena_rounded(glwe) + ppmli_rows_expand_bytes(&rows, p) +
         ppmli_auto_scratch_bytes(p);
}

/* Value v alone, as the constant of a ciphertext.
 *   out  [2][N]  out */
PPMLI_STATIC void ppmli_classifier_weight(uint64_t *out, const ppml_learnt *l, size_t v,
                                          const ppmli_packing_key *key, ppmli_auto_scratch *s) {
  uint32_t N = l->params->poly_size, place = ppmli_learnt_place(l->params, v);
  const uint64_t *from = l->glwe + v / N * 2 * N;
  for (size_t c = 0; c < 2; c++)
    ppmli_poly_rotate_down(out + c * N, from + c * N, (2 * N - place) & (2 * N - 1), N);
  ppmli_packing_keep(out, ppmli_auto_steps(l->params), key, s);
}

/* Makes a model ready.
 *   l  by descent
 * Memory: ppmli_classifier_bytes.  Errors: MISMATCH (not by descent, or another key's set), NOMEM. */
PPMLI_STATIC int ppmli_classifier_init(ppmli_classifier *c, const ppml_learnt *l,
                                       const ppmli_packing_key *key, ppml_arena *arena) {
  const ppml_params *p = l->params;
  size_t words = 2 * (size_t)p->poly_size, weights = (size_t)l->outputs * l->features;
  ppmli_auto_scratch scratch;
  memset(c, 0, sizeof *c);
  if (l->method != PPML_LEARN_DESCENT || key->params != p) return PPML_ERR_MISMATCH;
  c->rows = ppmli_rows_make(PPMLI_ROWS_DESCENT, l->features, 0, l->batch);
  if (!ppmli_rows_are_valid(&c->rows, p)) return PPML_ERR_MISMATCH;
  PPMLI_ALLOC(uint64_t, w, arena, weights * words);
  PPMLI_ALLOC(double, doubles, arena, ppmli_rows_product_doubles(&c->rows, p));
  PPMLI_ALLOC(uint64_t, scores, arena, words);
  PPMLI_TRY(ppmli_rows_block_init(&c->block, &c->rows, p, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_auto_scratch_init(&scratch, p, arena));
  c->packing = key, c->outputs = l->outputs, c->w = w, c->doubles = doubles, c->scores = scores;
  for (size_t v = 0; v < weights; v++) ppmli_classifier_weight(w + v * words, l, v, key, &scratch);
  arena->used_bytes = mark;
  return PPML_OK;
}

/* Classifies a set and writes the answer, block by block.
 *   file  without labels, at its beginning
 * Errors: the input bytes', MISMATCH; those of writing stick to out. */
PPMLI_STATIC int ppmli_classify(ppmli_out *out, ppmli_classifier *c, ppmli_training_file *file) {
  const ppml_params *p = c->packing->params;
  size_t N = p->poly_size, per_output = (size_t)c->rows.features * 2 * N;
  const ppmli_rows *rows = &file->set.rows;
  if (file->params != p || rows->purpose != PPMLI_ROWS_DESCENT || rows->outputs != 0 ||
      rows->features != c->rows.features || rows->batch != c->rows.batch)
    return PPML_ERR_MISMATCH;
  ppmli_out_u32(out, PPMLI_CLASSIFY_VERSION);
  ppmli_out_u32(out, c->outputs);
  ppmli_out_u32(out, rows->batch);
  ppmli_out_u64(out, file->set.count);
  ppmli_out_bytes(out, file->set.id, sizeof file->set.id); /* what the answers are to */
  for (uint64_t b = 0; b < file->blocks; b++) {
    PPMLI_TRY(ppmli_training_next(file, c->block.wire));
    ppmli_rows_expand(&c->block, rows, p, c->packing->fft);
    for (size_t o = 0; o < c->outputs; o++) {
      ppmli_rows_scores(c->scores, &c->block, c->w + o * per_output, rows, p, c->packing->fft,
                        c->doubles);
      for (size_t part = 0; part < 2; part++)
        ppmli_learnt_put_poly(out, c->scores + part * N, N, PPMLI_CLASSIFY_BITS);
    }
  }
  return PPML_OK;
}

#endif
