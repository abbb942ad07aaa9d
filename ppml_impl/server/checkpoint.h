/* What a run of descent is saved as, so that it can go on after an interruption.
 *
 * A checkpoint belongs to one run: the same sets, schedule, map and key.  It holds ciphertexts
 * alone, whole, so that the run goes on as if nothing had happened. */
#ifndef PPMLI_SERVER_CHECKPOINT_H
#define PPMLI_SERVER_CHECKPOINT_H

#include "../base/bytes.h"
#include "../base/digest.h"
#include "../network/schedule.h"
#include "../wire/container.h"
#include "../wire/learnt.h"
#include "../wire/training_read.h"
#include "../wire/training_set.h"
#include "descent.h"

#define PPMLI_CHECKPOINT_VERSION 1

/* What names a run: a digest of the sets and of the schedule. */
PPMLI_STATIC void ppmli_checkpoint_run_id(uint8_t id[PPML_ID_BYTES], const ppmli_schedule *schedule,
                                          const ppmli_training_files *files) {
  ppmli_out out;
  ppmli_out_begin_digest(&out);
  ppmli_out_u32(&out, PPMLI_CHECKPOINT_VERSION);
  ppmli_out_u64(&out, schedule->steps);
  for (size_t i = 0; i < files->count; i++) {
    ppmli_training_put_begin(&out, &files->file[i].set);
    ppmli_out_bytes(&out, files->file[i].map_id, PPML_ID_BYTES);
    ppmli_out_bytes(&out, files->file[i].key_id, PPML_ID_BYTES);
  }
  ppmli_digest_final(&out.digest, id);
}

PPMLI_INLINE uint64_t ppmli_checkpoint_payload_bytes(const ppmli_descent *d) {
  return 4 + PPML_ID_BYTES + 8 +
         2 * 8 * (uint64_t)ppmli_descent_words(&d->schedule.rows, d->params);
}

PPMLI_STATIC void ppmli_checkpoint_put_words(ppmli_out *out, const uint64_t *words, size_t count) {
  uint8_t bytes[8 * PPMLI_LEARNT_PACK_WORDS];
  for (size_t i = 0; i < count; i += PPMLI_LEARNT_PACK_WORDS) {
    for (size_t j = 0; j < PPMLI_LEARNT_PACK_WORDS; j++) ppmli_store64(bytes + 8 * j, words[i + j]);
    ppmli_out_bytes(out, bytes, sizeof bytes);
  }
}

PPMLI_STATIC void ppmli_checkpoint_get_words(uint64_t *words, ppmli_in *in, size_t count) {
  uint8_t bytes[8 * PPMLI_LEARNT_PACK_WORDS];
  for (size_t i = 0; i < count; i += PPMLI_LEARNT_PACK_WORDS) {
    ppmli_in_bytes(in, bytes, sizeof bytes);
    for (size_t j = 0; j < PPMLI_LEARNT_PACK_WORDS; j++) words[i + j] = ppmli_load64(bytes + 8 * j);
  }
}

PPMLI_STATIC void ppmli_checkpoint_put(ppmli_out *out, const ppmli_descent *d,
                                       const uint8_t run_id[PPML_ID_BYTES]) {
  size_t words = ppmli_descent_words(&d->schedule.rows, d->params);
  ppmli_out_u32(out, PPMLI_CHECKPOINT_VERSION);
  ppmli_out_bytes(out, run_id, PPML_ID_BYTES);
  ppmli_out_u64(out, d->step);
  ppmli_checkpoint_put_words(out, d->w, words);
  ppmli_checkpoint_put_words(out, d->sum, words);
}

/* Writes a checkpoint, under the ids of the run's sets. */
PPMLI_STATIC int ppmli_checkpoint_write(const ppmli_descent *d, const uint8_t run_id[PPML_ID_BYTES],
                                        ppml_writer *writer) {
  const ppml_eval_key *key = d->bootstrap.key;
  ppml_header h = {PPML_KIND_CHECKPOINT,
                   PPML_FORMAT_VERSION,
                   d->params,
                   ppmli_checkpoint_payload_bytes(d),
                   {0},
                   {0}};
  ppmli_out out;
  memcpy(h.circuit_id, key->circuit_id, PPML_ID_BYTES);
  memcpy(h.key_id, key->key_id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_checkpoint_put(&out, d, run_id);
  return ppmli_out_end(&out);
}

/* Goes on from a checkpoint.
 *   d  in: as ppmli_descent_init leaves it; out: as it was when the checkpoint was written.  On an
 *      error it holds nothing: begin again with ppmli_descent_init
 * Errors: the input bytes', MISMATCH (of another run). */
PPMLI_STATIC int ppmli_checkpoint_get(ppmli_descent *d, ppmli_in *in,
                                      const uint8_t run_id[PPML_ID_BYTES]) {
  size_t words = ppmli_descent_words(&d->schedule.rows, d->params);
  uint8_t id[PPML_ID_BYTES];
  uint64_t payload = in->remaining_bytes;
  uint32_t version = ppmli_in_u32(in);
  ppmli_in_bytes(in, id, sizeof id);
  uint64_t step = ppmli_in_u64(in);
  if (in->error) return in->error;
  if (version != PPMLI_CHECKPOINT_VERSION) return PPML_ERR_VERSION;
  if (memcmp(id, run_id, sizeof id) != 0) return PPML_ERR_MISMATCH;
  if (payload != ppmli_checkpoint_payload_bytes(d)) return PPML_ERR_FORMAT;
  if (step > d->schedule.steps) return PPML_ERR_RANGE;
  ppmli_checkpoint_get_words(d->w, in, words);
  ppmli_checkpoint_get_words(d->sum, in, words);
  d->step = step;
  return in->error;
}

#endif
