/* The file of an owner's sums: what its payload begins with.  What the sums are: learnt.h. In and out:
 * shape and seed of the sums.  Next: client/sums.h. */
#ifndef PPMLI_WIRE_SUMS_FILE_H
#define PPMLI_WIRE_SUMS_FILE_H

#include "../base/bytes.h"
#include "../cipher/rows.h"
#include "container.h"
#include "learnt.h"

#define PPMLI_SUMS_VERSION 1
#define PPMLI_SUMS_UNIT_LOG2 40 /* a sum of 1 is 2^-40 of a turn */

/* What sums of so many rows are, without ciphertexts. */
PPMLI_STATIC ppml_learnt ppmli_sums_shape(const ppmli_rows *rows, uint64_t count,
                                          const ppml_params *p) {
  ppml_learnt shape = {p, PPML_LEARN_SUMS,      rows->features, rows->outputs, rows->batch, count,
                       0, PPMLI_SUMS_UNIT_LOG2, NULL,           {0},           {0}};
  return shape;
}

PPMLI_INLINE uint64_t ppmli_sums_payload_bytes(const ppml_learnt *shape) {
  return 24 + PPML_SEED_BYTES +
         ppmli_learnt_ciphertexts(shape) *
             ppmli_packed_bytes(shape->params->poly_size, ppmli_learnt_bits(PPML_LEARN_SUMS));
}

/* Shape and seed; ciphertext bodies follow.  Whether they are for a set that this build has sums
 * under is the caller's to check.  Errors: the input bytes'. */
PPMLI_STATIC void ppmli_sums_put_begin(ppmli_out *out, const ppml_learnt *shape,
                                       const uint8_t *mask_seed) {
  ppmli_out_u32(out, PPMLI_SUMS_VERSION);
  ppmli_out_u32(out, shape->features);
  ppmli_out_u32(out, shape->outputs);
  ppmli_out_u32(out, shape->batch);
  ppmli_out_u64(out, shape->rows);
  ppmli_out_bytes(out, mask_seed, PPML_SEED_BYTES);
}

/*   shape      out, without ciphertexts
 *   mask_seed  out
 *   p          the header's
 * Errors: the input bytes'. */
PPMLI_STATIC int ppmli_sums_get_begin(ppml_learnt *shape, uint8_t mask_seed[PPML_SEED_BYTES],
                                      ppmli_in *in, const ppml_params *p) {
  uint64_t payload = in->remaining_bytes;
  uint32_t version = ppmli_in_u32(in);
  ppmli_rows rows = ppmli_rows_make(PPMLI_ROWS_GRAM, 0, 0, 1);
  rows.features = ppmli_in_u32(in);
  rows.outputs = ppmli_in_u32(in);
  rows.batch = ppmli_in_u32(in);
  uint64_t count = ppmli_in_u64(in);
  ppmli_in_bytes(in, mask_seed, PPML_SEED_BYTES);
  if (in->error) return in->error;
  if (version != PPMLI_SUMS_VERSION) return PPML_ERR_VERSION;
  *shape = ppmli_sums_shape(&rows, count, p);
  if (rows.batch == 0 || !ppmli_rows_are_valid(&rows, p)) return PPML_ERR_RANGE;
  if (!ppmli_learnt_is_valid(shape)) return PPML_ERR_RANGE;
  return payload == ppmli_sums_payload_bytes(shape) ? PPML_OK : PPML_ERR_FORMAT;
}

#endif
