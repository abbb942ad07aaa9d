/* The learning key on the server: automorphisms to pack with, and where descent is asked for,
 * bootstraps.  In: the key's file; out: a key in memory.  Next: learn.h. */
#ifndef PPMLI_SERVER_LEARNING_KEY_H
#define PPMLI_SERVER_LEARNING_KEY_H

#include "../base/arena.h"
#include "../cipher/packing.h"
#include "../math/fft.h"
#include "../math/fft/backend.h"
#include "../math/fftcheck.h"
#include "../wire/container.h"
#include "../wire/learning_key.h"
#include "../wire/nested.h"
#include "../wire/packing_key.h"
#include "evalkey.h"

PPMLI_STATIC size_t ppmli_learning_key_bytes(const ppml_params *p, int with_bootstraps,
                                             size_t threads) {
  return ppmli_arena_rounded(sizeof(ppmli_packing_key)) + ppmli_fft_bytes(p->poly_size) +
         ppmli_packing_key_bytes(p) + (with_bootstraps ? ppmli_eval_key_bytes(p, threads) : 0);
}

/* The evaluation key within the payload; or passes it over, so that the digest is checked. */
PPMLI_STATIC int ppmli_learning_key_bootstraps(ppml_learning_key *key, ppmli_in *in,
                                               const ppml_limits *limits, int with_bootstraps,
                                               const ppmli_backend *backend,
                                               const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_reader inner = ppmli_nested_reader(in);
  uint8_t bytes[256];
  while (!with_bootstraps && in->remaining_bytes && in->error == PPML_OK)
    ppmli_in_bytes(in, bytes, ppmli_min_size(sizeof bytes, (size_t)in->remaining_bytes));
  if (!with_bootstraps) return in->error;
  int error = ppmli_eval_key_read(&key->eval, &inner, limits, NULL, backend, parallel, arena);
  if (error) return in->error ? in->error : error;
  return memcmp(key->eval.circuit_id, key->map_id, PPML_ID_BYTES) == 0 &&
                 memcmp(key->eval.key_id, key->key_id, PPML_ID_BYTES) == 0
             ? PPML_OK
             : PPML_ERR_FORMAT;
}

/* Reads a learning key under the set p.
 * Memory: ppmli_learning_key_bytes.
 * Errors: the input bytes', PARAMS (of another set), NOMEM, ARITHMETIC. */
PPMLI_STATIC int ppmli_learning_key_read(ppml_learning_key *key, ppml_reader *reader,
                                         const ppml_limits *limits, const ppml_params *p,
                                         int with_bootstraps, const ppmli_backend *backend,
                                         const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_header h;
  ppmli_in in;
  ppmli_fft *fft;
  memset(key, 0, sizeof *key);
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_LEARNING_KEY, reader, limits));
  if (h.params != p) return PPML_ERR_PARAMS;
  if (h.payload_bytes != ppmli_learning_key_payload_bytes(p)) return PPML_ERR_FORMAT;
  memcpy(key->map_id, h.circuit_id, PPML_ID_BYTES);
  memcpy(key->key_id, h.key_id, PPML_ID_BYTES);
  PPMLI_ALLOC(ppmli_packing_key, packing, arena, 1);
  key->packing = packing;
  PPMLI_TRY(ppmli_fft_init(&fft, p->poly_size, backend, arena));
  PPMLI_TRY(ppmli_fft_check(fft, arena));
  PPMLI_TRY(ppmli_packing_get(packing, &in, p, fft, arena));
  PPMLI_TRY(
      ppmli_learning_key_bootstraps(key, &in, limits, with_bootstraps, backend, parallel, arena));
  return ppmli_in_end(&in);
}

#endif
