/* The packing key as bytes: the client writes it step by step, the server reads and transforms it.
 * cipher/packing.h says what it is for.  In and out: a ppmli_packing_key.  Next: cipher/packing.h. */
#ifndef PPMLI_WIRE_PACKING_KEY_H
#define PPMLI_WIRE_PACKING_KEY_H

#include "../base/arena.h"
#include "../base/seeds.h"
#include "../cipher/automorphism.h"
#include "../cipher/packing.h"
#include "../math/fft/backend.h"
#include "container.h"

/* ---------------------------------------------------- the key in a file */

/* Bytes of the key: its seed, then the rows' bodies, step by step. */
PPMLI_INLINE size_t ppmli_packing_payload_bytes(const ppml_params *p) {
  return PPML_SEED_BYTES +
         (size_t)ppmli_auto_steps(p) * PPMLI_AUTO_LEVELS * ppmli_auto_row_wire_bytes(p);
}

PPMLI_INLINE size_t ppmli_packing_put_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_auto_row_wire_bytes(p)) + ppmli_auto_encrypt_scratch(p);
}

/* Makes the key and writes it as it goes: a part of the evaluation key, behind the bootstrapping
 * key.  The seed is its own.
 *   rng  ppmli_rng_begin was called for this use
 * Scratch: ppmli_packing_put_scratch(p) bytes.  Errors: NOMEM; those of writing stick to out.
 * CT: time depends on p only. */
PPMLI_STATIC int ppmli_packing_put(ppmli_out *out, const ppml_secret_key *key, ppml_rng *rng,
                                   ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  ppmli_seeds seeds;
  size_t mark = arena->used_bytes, bytes = ppmli_auto_row_wire_bytes(p);
  int error = PPML_OK;
  PPMLI_ALLOC(uint8_t, wire, arena, bytes);
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_PACKING_KEY, key, NULL, 0, rng);
  ppmli_out_bytes(out, seeds.mask, sizeof seeds.mask);
  for (uint32_t step = 0; step < ppmli_auto_steps(p); step++)
    for (uint32_t l = 0; l < PPMLI_AUTO_LEVELS && error == PPML_OK; l++) {
      error = ppmli_auto_encrypt_row(wire, p, key->glwe_bits, step, l, &seeds, arena);
      if (error == PPML_OK) ppmli_out_bytes(out, wire, bytes);
    }
  ppmli_seeds_wipe(&seeds);
  arena->used_bytes = mark;
  return error;
}

PPMLI_INLINE size_t ppmli_packing_key_bytes(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_auto_steps(p) * ppmli_auto_doubles(p) * sizeof(double)) +
         ppmli_arena_rounded(ppmli_auto_row_wire_bytes(p)) + ppmli_auto_expand_scratch(p);
}

/* Reads and expands what ppmli_packing_put writes.
 *   key  out; its steps are in arena, which gets the rest back
 *   fft  of p's ring
 * Memory: ppmli_packing_key_bytes(p).  Errors: the input bytes', NOMEM. */
PPMLI_STATIC int ppmli_packing_get(ppmli_packing_key *key, ppmli_in *in, const ppml_params *p,
                                   const ppmli_fft *fft, ppml_arena *arena) {
  uint8_t mask_seed[PPML_SEED_BYTES];
  size_t bytes = ppmli_auto_row_wire_bytes(p);
  PPMLI_ALLOC(double, steps, arena, ppmli_auto_steps(p) * ppmli_auto_doubles(p));
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint8_t, wire, arena, bytes);
  ppmli_in_bytes(in, mask_seed, sizeof mask_seed);
  for (uint32_t step = 0; step < ppmli_auto_steps(p); step++)
    for (uint32_t l = 0; l < PPMLI_AUTO_LEVELS; l++) {
      ppmli_in_bytes(in, wire, bytes);
      if (in->error) return in->error;
      PPMLI_TRY(ppmli_auto_expand_row(steps + step * ppmli_auto_doubles(p), wire, p,
                                      step * PPMLI_AUTO_LEVELS + l, mask_seed, fft, arena));
    }
  key->params = p;
  key->fft = fft;
  key->steps = steps;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
