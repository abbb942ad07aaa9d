/* Encrypted training rows: how they are laid out.
 *
 * A row is the features of one training image, whole numbers from -7 to 7, and its labels, 1 or
 * -1 (0 in a row that only fills up).  Rows are encrypted N at a time, as a block, feature by
 * feature: X_i(Y) = sum_s x_si Y^position(s).  So that an encrypted number or polynomial can be
 * multiplied by X_i, it is encrypted as a GGSW ciphertext is (ggsw.h), under the GLWE key s:
 *
 *   for each level l, g_l = 2^-(base (l + 1)) of a turn:   encryptions of -s X_i g_l and X_i g_l
 *
 * Of these, as of everything in a block, only bodies travel; masks come from the block's seed.
 * Beside them a block has, for each output of the model, its labels turned around, L(1/Y) = sum_s
 * y_s Y^-position(s) times label_unit; and where second moments are to be computed ("gram"), the
 * features turned around as well, times copy_unit.
 *
 * A batch, the rows of one step of descent, is `batch` rows of one block: row q of batch j stands
 * at Y^(stride q + j), stride = N / batch.  So the residuals of a batch, packed at every stride-th
 * place, need one shift alone to meet their rows.
 *
 * In: numbers of features, outputs and rows; out: sizes and places.  Next: client/rows_encrypt.h,
 * server/rows_expand.h. */
#ifndef PPMLI_CIPHER_ROWS_H
#define PPMLI_CIPHER_ROWS_H

#include <math.h>

#include "../base/bytes.h"
#include "../math/params.h"
#include "../math/torus.h"

/* What rows are for. */
enum { PPMLI_ROWS_DESCENT = 1, PPMLI_ROWS_GRAM = 2 };

#define PPMLI_ROWS_GRAM_LOG2 28 /* copy_unit is 2^-28 of a turn ... */
#define PPMLI_ROWS_GRAM_LABEL 4 /* ... and label_unit that many of it */
#define PPMLI_ROWS_SPREAD 1.875 /* see ppmli_rows_residual_unit: deviation 2.5 times 0.75 */

/* The shape of blocks. */
typedef struct ppmli_rows {
  uint32_t purpose;
  uint32_t features; /* with the constant one */
  uint32_t outputs;  /* labels of a row; 0 where rows are only to be classified */
  uint32_t batch;
  uint32_t base_log2, levels;
  uint32_t row_bits, copy_bits, label_bits; /* of bodies' words, as they travel */
  uint64_t label_unit;                      /* a label of 1 on the torus */
} ppmli_rows;

/* What a residual of 1 is on the torus in the first step of descent: 0.2 / (batch 1.875), so that
 * gradients, sums of batch residuals times features, stay within a quarter turn. */
PPMLI_INLINE uint64_t ppmli_rows_residual_unit(uint32_t batch) {
  return (uint64_t)ldexp(0.2 / (batch * PPMLI_ROWS_SPREAD), 62) * 4;
}

PPMLI_STATIC ppmli_rows ppmli_rows_make(uint32_t purpose, uint32_t features, uint32_t outputs,
                                        uint32_t batch) {
  ppmli_rows descent = {purpose, features, outputs, batch, 22, 1, 40, 0, 40, 0};
  ppmli_rows gram = {purpose, features, outputs, batch, 16, 2, 46, 48, 48, 0};
  descent.label_unit = ppmli_rows_residual_unit(batch);
  gram.label_unit = (uint64_t)PPMLI_ROWS_GRAM_LABEL << (64 - PPMLI_ROWS_GRAM_LOG2);
  return purpose == PPMLI_ROWS_GRAM ? gram : descent;
}

PPMLI_INLINE ppmli_gadget ppmli_rows_gadget(const ppmli_rows *rows) {
  return ppmli_gadget_make(rows->base_log2, rows->levels, 64);
}

/* GGSW rows of a feature: those for the mask, level by level, then those for the body. */
PPMLI_INLINE size_t ppmli_rows_ggsw(const ppmli_rows *rows) {
  return 2 * (size_t)rows->levels;
}

/* Bodies of a block, numbered: GGSW row r of feature i is r features + i; then the features
 * turned around, if there are any; then the labels. */
PPMLI_INLINE size_t ppmli_rows_copies(const ppmli_rows *rows) {
  return rows->copy_bits ? rows->features : 0;
}

PPMLI_INLINE size_t ppmli_rows_first_copy(const ppmli_rows *rows) {
  return ppmli_rows_ggsw(rows) * rows->features;
}

PPMLI_INLINE size_t ppmli_rows_first_label(const ppmli_rows *rows) {
  return ppmli_rows_first_copy(rows) + ppmli_rows_copies(rows);
}

PPMLI_INLINE size_t ppmli_rows_bodies(const ppmli_rows *rows) {
  return ppmli_rows_first_label(rows) + rows->outputs;
}

/* Bits of a word of that body on the wire. */
PPMLI_INLINE uint32_t ppmli_rows_bits(const ppmli_rows *rows, size_t body) {
  if (body < ppmli_rows_first_copy(rows)) return rows->row_bits;
  return body < ppmli_rows_first_label(rows) ? rows->copy_bits : rows->label_bits;
}

/* Where a body stands in a block's bytes, behind the seed. */
PPMLI_INLINE size_t ppmli_rows_offset(const ppmli_rows *rows, const ppml_params *p, size_t body) {
  size_t first_copy = ppmli_rows_first_copy(rows), first_label = ppmli_rows_first_label(rows);
  size_t rows_before = ppmli_min_size(body, first_copy), copies = 0, labels = 0;
  if (body > first_copy) copies = ppmli_min_size(body, first_label) - first_copy;
  if (body > first_label) labels = body - first_label;
  return rows_before * ppmli_packed_bytes(p->poly_size, rows->row_bits) +
         copies * ppmli_packed_bytes(p->poly_size, rows->copy_bits) +
         labels * ppmli_packed_bytes(p->poly_size, rows->label_bits);
}

/* Bytes of a block: its seed and all bodies. */
PPMLI_INLINE size_t ppmli_rows_block_bytes(const ppmli_rows *rows, const ppml_params *p) {
  return PPML_SEED_BYTES + ppmli_rows_offset(rows, p, ppmli_rows_bodies(rows));
}

/* Blocks that hold so many rows. */
PPMLI_INLINE uint64_t ppmli_rows_blocks(const ppml_params *p, uint64_t count) {
  return (count + p->poly_size - 1) / p->poly_size;
}

PPMLI_INLINE uint32_t ppmli_rows_stride(const ppmli_rows *rows, const ppml_params *p) {
  return p->poly_size / rows->batch;
}

/* Where row s of a block stands. */
PPMLI_INLINE size_t ppmli_rows_position(const ppmli_rows *rows, const ppml_params *p, size_t s) {
  return s % rows->batch * ppmli_rows_stride(rows, p) + s / rows->batch;
}

/* Can a parameter set carry such rows?  One mask polynomial, and a block of whole batches. */
PPMLI_STATIC int ppmli_rows_are_valid(const ppmli_rows *rows, const ppml_params *p) {
  if (rows->purpose != PPMLI_ROWS_DESCENT && rows->purpose != PPMLI_ROWS_GRAM) return 0;
  if (!ppmli_params_learns(p)) return 0;
  if (rows->features < 2 || rows->outputs > PPML_CLASSES_MAX) return 0;
  return rows->batch >= 1 && rows->batch <= p->poly_size && p->poly_size % rows->batch == 0;
}

#endif
