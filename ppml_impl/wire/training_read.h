/* Encrypted training sets on the server: one or several files under one key, read block
 * by block, as often as there are passes.  In: files; out: blocks.  Next: server/rows_expand.h. */
#ifndef PPMLI_WIRE_TRAINING_READ_H
#define PPMLI_WIRE_TRAINING_READ_H

#include "../cipher/rows.h"
#include "container.h"
#include "training_set.h"

/* A set that is being read. */
typedef struct ppmli_training_file {
  ppml_reader *reader;
  ppml_limits limits;
  const ppml_params *params;
  uint8_t map_id[PPML_ID_BYTES], key_id[PPML_ID_BYTES];
  ppmli_training set;
  ppmli_in in;
  uint64_t blocks, next; /* blocks of the file; the next one that is read */
} ppmli_training_file;

/* Reads the beginning of the file, and takes or checks what it says. */
PPMLI_STATIC int ppmli_training_file_begin(ppmli_training_file *f, ppml_header *h) {
  PPMLI_TRY(ppmli_in_begin_kind(&f->in, h, PPML_KIND_TRAINING, f->reader, &f->limits));
  PPMLI_TRY(ppmli_training_get_begin(&f->set, &f->in, h->params));
  f->next = 0;
  return ppmli_rows_block_bytes(&f->set.rows, h->params) <= f->limits.payload_bytes
             ? PPML_OK
             : PPML_ERR_RANGE;
}

/* Opens a set.  The reader must outlive it, and needs rewind for more than one pass.
 *   map_id, key_id  whose it must be; NULL: what the file says
 * Errors: the input bytes', PARAMS, MISMATCH (another key or map), IO. */
PPMLI_STATIC int ppmli_training_open(ppmli_training_file *f, ppml_reader *reader,
                                     const ppml_limits *limits, const uint8_t *map_id,
                                     const uint8_t *key_id) {
  ppml_header h;
  memset(f, 0, sizeof *f);
  f->reader = reader;
  f->limits = *limits;
  PPMLI_TRY(ppmli_training_file_begin(f, &h));
  if (map_id && memcmp(h.circuit_id, map_id, PPML_ID_BYTES) != 0) return PPML_ERR_MISMATCH;
  if (key_id && memcmp(h.key_id, key_id, PPML_ID_BYTES) != 0) return PPML_ERR_MISMATCH;
  f->params = h.params;
  memcpy(f->map_id, h.circuit_id, PPML_ID_BYTES);
  memcpy(f->key_id, h.key_id, PPML_ID_BYTES);
  f->blocks = ppmli_rows_blocks(h.params, f->set.count);
  return PPML_OK;
}

/* Begins the file anew.  Errors: the input bytes', MISMATCH (it is another one now), IO. */
PPMLI_STATIC int ppmli_training_rewind(ppmli_training_file *f) {
  uint8_t id[PPML_ID_BYTES];
  ppml_header h;
  memcpy(id, f->set.id, sizeof id);
  if (f->reader->rewind == NULL || f->reader->rewind(f->reader) != 0) return PPML_ERR_IO;
  PPMLI_TRY(ppmli_training_file_begin(f, &h));
  return memcmp(id, f->set.id, sizeof id) == 0 && h.params == f->params ? PPML_OK
                                                                        : PPML_ERR_MISMATCH;
}

/* Reads the next block; the last one checks the file's digest, so that a pass that ends well has
 * read undamaged rows alone.
 *   wire  [ppmli_rows_block_bytes()]  out */
PPMLI_STATIC int ppmli_training_next(ppmli_training_file *f, uint8_t *wire) {
  if (f->next == f->blocks) PPMLI_TRY(ppmli_training_rewind(f));
  ppmli_in_bytes(&f->in, wire, ppmli_rows_block_bytes(&f->set.rows, f->params));
  if (f->in.error) return f->in.error;
  return ++f->next == f->blocks ? ppmli_in_end(&f->in) : PPML_OK;
}

/* Rows of the block that was read last. */
PPMLI_INLINE size_t ppmli_training_block_rows(const ppmli_training_file *f) {
  uint64_t before = (f->next - 1) * f->params->poly_size;
  uint64_t left = f->set.count - before;
  return left < f->params->poly_size ? (size_t)left : f->params->poly_size;
}

/* ----------------------------------------------------------- several files */

/* Sets that are learnt from together: in turn a block of each, as long as they have one. */
typedef struct ppmli_training_files {
  ppmli_training_file *file; /* [count] */
  size_t count, at;
} ppmli_training_files;

/* Do the sets belong together: one key, one map, one shape?
 * Errors: ARG (none), MISMATCH. */
PPMLI_STATIC int ppmli_training_files_check(const ppmli_training_files *files) {
  const ppmli_training_file *first = files->file;
  if (files->count == 0) return PPML_ERR_ARG;
  for (size_t i = 1; i < files->count; i++) {
    const ppmli_training_file *f = &files->file[i];
    if (f->params != first->params || f->set.rows.purpose != first->set.rows.purpose ||
        f->set.rows.features != first->set.rows.features ||
        f->set.rows.outputs != first->set.rows.outputs ||
        f->set.rows.batch != first->set.rows.batch ||
        memcmp(f->map_id, first->map_id, PPML_ID_BYTES) != 0 ||
        memcmp(f->key_id, first->key_id, PPML_ID_BYTES) != 0)
      return PPML_ERR_MISMATCH;
  }
  return PPML_OK;
}

PPMLI_STATIC uint64_t ppmli_training_files_rows(const ppmli_training_files *files) {
  uint64_t rows = 0;
  for (size_t i = 0; i < files->count; i++) rows += files->file[i].set.count;
  return rows;
}

PPMLI_STATIC int ppmli_training_files_ended(const ppmli_training_files *files) {
  for (size_t i = 0; i < files->count; i++)
    if (files->file[i].next < files->file[i].blocks) return 0;
  return 1;
}

/* Reads the next block of a pass over all files; behind the last one, the first of the next pass.
 *   wire  [ppmli_rows_block_bytes()]  out
 *   rows  out: of that block */
PPMLI_STATIC int ppmli_training_files_next(ppmli_training_files *files, uint8_t *wire,
                                           size_t *rows) {
  if (ppmli_training_files_ended(files)) {
    for (size_t i = 0; i < files->count; i++) PPMLI_TRY(ppmli_training_rewind(&files->file[i]));
    files->at = 0;
  }
  ppmli_training_file *f;
  do {
    f = &files->file[files->at];
    files->at = (files->at + 1) % files->count;
  } while (f->next == f->blocks);
  PPMLI_TRY(ppmli_training_next(f, wire));
  *rows = ppmli_training_block_rows(f);
  return PPML_OK;
}

#endif
