/* The file of an encrypted training set: what its payload begins with.
 *
 * The header's circuit id is that of the feature map, its key id that of the owner's key.  Behind
 * the beginning, which tells sizes alone, come the blocks, each with a seed of its own.  A reader
 * goes through them one after the other and holds one of them.
 *
 * In and out: a ppmli_training_set.  Next: training_read.h. */
#ifndef PPMLI_WIRE_TRAINING_SET_H
#define PPMLI_WIRE_TRAINING_SET_H

#include "../cipher/rows.h"
#include "container.h"

#define PPMLI_TRAINING_VERSION 1
#define PPMLI_TRAINING_ROWS_MAX ((uint64_t)1 << 31)
#define PPMLI_TRAINING_BEGIN_BYTES (28 + PPML_ID_BYTES)

typedef struct ppmli_training {
  ppmli_rows rows;
  uint64_t count;            /* rows: whole batches, of which the owner decides how many */
  uint8_t id[PPML_ID_BYTES]; /* random: by it a checkpoint knows the sets of its run */
} ppmli_training;

PPMLI_INLINE uint64_t ppmli_training_payload_bytes(const ppmli_training *t, const ppml_params *p) {
  return PPMLI_TRAINING_BEGIN_BYTES +
         ppmli_rows_blocks(p, t->count) * ppmli_rows_block_bytes(&t->rows, p);
}

PPMLI_INLINE int ppmli_training_is_valid(const ppmli_training *t, const ppml_params *p) {
  return ppmli_rows_are_valid(&t->rows, p) && t->count >= 1 &&
         t->count <= PPMLI_TRAINING_ROWS_MAX &&
         (t->rows.outputs == 0 || t->count % t->rows.batch == 0);
}

PPMLI_STATIC void ppmli_training_put_begin(ppmli_out *out, const ppmli_training *t) {
  ppmli_out_u32(out, PPMLI_TRAINING_VERSION);
  ppmli_out_u32(out, t->rows.purpose);
  ppmli_out_u32(out, t->rows.features);
  ppmli_out_u32(out, t->rows.outputs);
  ppmli_out_u32(out, t->rows.batch);
  ppmli_out_u64(out, t->count);
  ppmli_out_bytes(out, t->id, sizeof t->id);
}

/* Reads the beginning; the payload must then have the blocks that it tells of, no byte more.
 * Errors: the input bytes'. */
PPMLI_STATIC int ppmli_training_get_begin(ppmli_training *t, ppmli_in *in, const ppml_params *p) {
  uint64_t payload = in->remaining_bytes;
  uint32_t version = ppmli_in_u32(in), purpose = ppmli_in_u32(in), features = ppmli_in_u32(in);
  uint32_t outputs = ppmli_in_u32(in), batch = ppmli_in_u32(in);
  t->count = ppmli_in_u64(in);
  ppmli_in_bytes(in, t->id, sizeof t->id);
  if (in->error) return in->error;
  if (version != PPMLI_TRAINING_VERSION) return PPML_ERR_VERSION;
  if (features > PPML_FEATURES_MAX + 1 || batch == 0) return PPML_ERR_RANGE;
  t->rows = ppmli_rows_make(purpose, features, outputs, batch);
  if (!ppmli_training_is_valid(t, p)) return PPML_ERR_RANGE;
  return payload == ppmli_training_payload_bytes(t, p) ? PPML_OK : PPML_ERR_FORMAT;
}

#endif
