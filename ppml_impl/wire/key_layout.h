/* How an evaluation key is laid out on the wire, and the passes over it.
 *
 * It is a public seed, from which all masks are drawn, and the bodies: those of the key-switching key, row
 * by row, then those of the bootstrapping key, step by step.  A leveled set has GLWE key switches instead of
 * both, one for each step.  The key is made and read in items that depend on nothing but the seeds and
 * their index, so that threads may share them and memory does not grow with the key.  The client makes
 * items (client/keygen.h), the server expands them (server/evalkey.h).
 *
 * In: a parameter set; out: sizes, and the next items.  Next: client/keygen.h. */
#ifndef PPMLI_WIRE_KEY_LAYOUT_H
#define PPMLI_WIRE_KEY_LAYOUT_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/parallel.h"
#include "../cipher/keyswitch.h"
#include "../math/params.h"
#include "container.h"

#define PPMLI_KSK_ITEM_ROWS 64       /* of the key-switching key make one item */
#define PPMLI_KEY_ITEMS_PER_THREAD 1 /* read or made at a time */

/* ---------------------------------------------------------------- items */

PPMLI_INLINE size_t ppmli_key_ksk_items(const ppml_params *p) {
  return (ppmli_ksk_rows(p) + PPMLI_KSK_ITEM_ROWS - 1) / PPMLI_KSK_ITEM_ROWS;
}

PPMLI_INLINE size_t ppmli_key_items(const ppml_params *p) {
  return ppmli_key_ksk_items(p) + ppmli_params_steps(p);
}

/* Rows of the key-switching key in an item. */
PPMLI_INLINE size_t ppmli_key_item_rows(const ppml_params *p, size_t item) {
  return ppmli_min_size(PPMLI_KSK_ITEM_ROWS, ppmli_ksk_rows(p) - item * PPMLI_KSK_ITEM_ROWS);
}

/* Polynomials of a step: rows of the GGSW ciphertexts of a block of key bits, or of a switch. */
PPMLI_INLINE size_t ppmli_key_step_rows(const ppml_params *p) {
  if (p->key_block == 0) return p->pbs_levels;
  return ppmli_params_ggsw_per_step(p) * ppmli_params_ggsw_rows(p);
}

PPMLI_INLINE size_t ppmli_key_step_wire_bytes(const ppml_params *p) {
  return ppmli_key_step_rows(p) * ppmli_packed_bytes(p->poly_size, p->bsk_wire_bits);
}

PPMLI_INLINE size_t ppmli_key_item_wire_bytes(const ppml_params *p, size_t item) {
  return item < ppmli_key_ksk_items(p) ? 4 * ppmli_key_item_rows(p, item)
                                       : ppmli_key_step_wire_bytes(p);
}

PPMLI_STATIC size_t ppmli_key_payload_bytes(const ppml_params *p) {
  return PPML_SEED_BYTES + 4 * ppmli_ksk_rows(p) +
         ppmli_params_steps(p) * ppmli_key_step_wire_bytes(p);
}

/* Bytes of an evaluation key's file; 0 of a set that needs no key. */
PPMLI_INLINE size_t ppmli_key_wire_bytes(const ppml_params *p) {
  return ppmli_params_is_keyless(p) ? 0 : PPMLI_CONTAINER_BYTES + ppmli_key_payload_bytes(p);
}

/* Items that one pass over the threads handles: first .. first + count - 1, the wire
 * bytes of each at its own multiple of the largest item. */
typedef struct ppmli_key_pass {
  const ppml_params *params;
  size_t first, count;
  uint8_t *wire; /* [capacity][item_bytes] */
  size_t capacity, item_bytes;
  ppmli_slices scratch; /* [capacity] */
  uint8_t mask_seed[PPML_SEED_BYTES];
} ppmli_key_pass;

/*   scratch_bytes  of one item */
PPMLI_STATIC size_t ppmli_key_pass_bytes(const ppml_params *p, size_t threads,
                                         size_t scratch_bytes) {
  size_t capacity = PPMLI_KEY_ITEMS_PER_THREAD * threads;
  return ppmli_arena_rounded(capacity * ppmli_key_step_wire_bytes(p)) +
         ppmli_arena_rounded(capacity * scratch_bytes);
}

PPMLI_STATIC int ppmli_key_pass_init(ppmli_key_pass *pass, const ppml_params *p, size_t threads,
                                     size_t scratch_bytes, ppml_arena *arena) {
  memset(pass, 0, sizeof *pass);
  pass->params = p;
  pass->capacity = PPMLI_KEY_ITEMS_PER_THREAD * threads;
  pass->item_bytes = ppmli_key_step_wire_bytes(p);
  pass->wire = (uint8_t *)ppmli_arena_array(arena, pass->capacity, pass->item_bytes);
  if (pass->wire == NULL) return PPML_ERR_NOMEM;
  return ppmli_slices_init(&pass->scratch, pass->capacity, scratch_bytes, arena);
}

/* Moves on to the next items, of one of the two keys; 0 when there are none left. */
PPMLI_STATIC int ppmli_key_pass_next(ppmli_key_pass *pass) {
  size_t ksk_items = ppmli_key_ksk_items(pass->params);
  pass->first += pass->count;
  size_t end = pass->first < ksk_items ? ksk_items : ppmli_key_items(pass->params);
  pass->count = ppmli_min_size(pass->capacity, end - pass->first);
  return pass->count != 0;
}

#endif
