/* How an evaluation key is laid out on the wire, and the passes over it.
 *
 * It is a public seed, from which all masks are drawn, and the bodies: those of the key-switching key, row
 * by row, then those of the bootstrapping key, step by step.  A leveled set has GLWE key switches instead of
 * both, one for each step; a bridged set has its latents' GLWE key switches and the bridge's rows before
 * both.  The key is made and read in items that depend on nothing but the seeds and
 * their index, so that threads may share them and memory does not grow with the key.  The client makes
 * items (client/keygen.h), the server expands them (server/evalkey.h).
 *
 * In: a parameter set; out: sizes, and the next items.  Next: client/keygen.h. */
#ifndef PPMLI_WIRE_KEY_LAYOUT_H
#define PPMLI_WIRE_KEY_LAYOUT_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/parallel.h"
#include "../cipher/bridge.h"
#include "../cipher/keyswitch.h"
#include "../math/params.h"
#include "container.h"

#define PPMLI_KSK_ITEM_ROWS 64       /* of the key-switching key make one item */
#define PPMLI_KEY_ITEMS_PER_THREAD 1 /* read or made at a time */

/* ---------------------------------------------------------------- items */

/* Items that come before the rows: of a bridged set. */
PPMLI_INLINE size_t ppmli_key_lead_items(const ppml_params *p) {
  ppmli_bridge bridge = ppmli_bridge_of(p);
  if (!ppmli_params_has_bridge(p)) return 0;
  return ppmli_params_steps(bridge.from) + ppmli_bridge_rows(&bridge);
}

PPMLI_INLINE size_t ppmli_key_ksk_items(const ppml_params *p) {
  return (ppmli_ksk_rows(p) + PPMLI_KSK_ITEM_ROWS - 1) / PPMLI_KSK_ITEM_ROWS;
}

PPMLI_INLINE size_t ppmli_key_items(const ppml_params *p) {
  return ppmli_key_lead_items(p) + ppmli_key_ksk_items(p) + ppmli_params_steps(p);
}

/* The parts of a key, in order, and where in its part an item stands. */
enum { PPMLI_KEY_LEAD, PPMLI_KEY_ROWS, PPMLI_KEY_STEPS };

typedef struct ppmli_key_place {
  int part;
  size_t index;
  size_t end; /* of the part: the item behind its last */
} ppmli_key_place;

PPMLI_INLINE ppmli_key_place ppmli_key_place_of(const ppml_params *p, size_t item) {
  size_t lead = ppmli_key_lead_items(p), rows = lead + ppmli_key_ksk_items(p);
  ppmli_key_place at = {PPMLI_KEY_STEPS, item - rows, ppmli_key_items(p)};
  if (item < lead) at.part = PPMLI_KEY_LEAD, at.index = item, at.end = lead;
  else if (item < rows) at.part = PPMLI_KEY_ROWS, at.index = item - lead, at.end = rows;
  return at;
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

/* Of one of the items that come before the rows. */
PPMLI_INLINE size_t ppmli_key_lead_wire_bytes(const ppml_params *p, size_t index) {
  ppmli_bridge bridge = ppmli_bridge_of(p);
  if (index < ppmli_params_steps(bridge.from)) return ppmli_key_step_wire_bytes(bridge.from);
  return ppmli_bridge_row_wire_bytes(&bridge);
}

PPMLI_INLINE size_t ppmli_key_item_wire_bytes(const ppml_params *p, size_t item) {
  ppmli_key_place at = ppmli_key_place_of(p, item);
  if (at.part == PPMLI_KEY_LEAD) return ppmli_key_lead_wire_bytes(p, at.index);
  return at.part == PPMLI_KEY_ROWS ? 4 * ppmli_key_item_rows(p, at.index)
                                   : ppmli_key_step_wire_bytes(p);
}

/* Of the largest item. */
PPMLI_INLINE size_t ppmli_key_most_wire_bytes(const ppml_params *p) {
  return ppmli_max_size(ppmli_key_step_wire_bytes(p), ppmli_key_item_wire_bytes(p, 0));
}

PPMLI_STATIC size_t ppmli_key_payload_bytes(const ppml_params *p) {
  size_t bytes = PPML_SEED_BYTES + 4 * ppmli_ksk_rows(p) +
                 ppmli_params_steps(p) * ppmli_key_step_wire_bytes(p);
  for (size_t i = 0; i < ppmli_key_lead_items(p); i++) bytes += ppmli_key_lead_wire_bytes(p, i);
  return bytes;
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
  return ppmli_arena_rounded(capacity * ppmli_key_most_wire_bytes(p)) +
         ppmli_arena_rounded(capacity * scratch_bytes);
}

PPMLI_STATIC int ppmli_key_pass_init(ppmli_key_pass *pass, const ppml_params *p, size_t threads,
                                     size_t scratch_bytes, ppml_arena *arena) {
  memset(pass, 0, sizeof *pass);
  pass->params = p;
  pass->capacity = PPMLI_KEY_ITEMS_PER_THREAD * threads;
  pass->item_bytes = ppmli_key_most_wire_bytes(p);
  pass->wire = (uint8_t *)ppmli_arena_array(arena, pass->capacity, pass->item_bytes);
  if (pass->wire == NULL) return PPML_ERR_NOMEM;
  return ppmli_slices_init(&pass->scratch, pass->capacity, scratch_bytes, arena);
}

/* Moves on to the next items, of one part of the key; 0 when there are none left. */
PPMLI_STATIC int ppmli_key_pass_next(ppmli_key_pass *pass) {
  pass->first += pass->count;
  pass->count = ppmli_min_size(pass->capacity,
                               ppmli_key_place_of(pass->params, pass->first).end - pass->first);
  return pass->count != 0;
}

#endif
