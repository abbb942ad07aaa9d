/* Making the evaluation key from the secret key, and writing it as it is made.  In: secret key,
 * generator; out: the file of the key, item by item.  Next: server/evalkey.h, which reads it. */
#ifndef PPMLI_CLIENT_KEYGEN_H
#define PPMLI_CLIENT_KEYGEN_H

#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/parallel.h"
#include "../base/rng.h"
#include "../base/seeds.h"
#include "../cipher/keyswitch_make.h"
#include "../network/secret_key.h"
#include "../wire/container.h"
#include "../wire/key_layout.h"
#include "path.h"

/* Draws a secret key for a client spec.
 *   key  out: both keys, and an id by which files name them; it refers to client
 *   rng  ppmli_rng_begin was called for this use
 * Memory: ppmli_secret_key_bytes.  Errors: NOMEM.
 * CT: time depends on the parameter set, and for block-binary and ternary keys on how many draws are
 * thrown away, which tells nothing of those that are kept. */
PPMLI_STATIC int ppmli_secret_key_generate(ppml_secret_key *key, const ppml_client *client,
                                           ppml_rng *rng, ppml_arena *arena) {
  PPMLI_TRY(ppmli_secret_key_place(key, client, arena));
  ppmli_rng_bytes(rng, key->id, sizeof key->id);
  ppmli_client_draw_key(key->lwe_bits, key->glwe_bits, client->params, rng);
  return PPML_OK;
}

/* Begins the file of an evaluation key: all that comes before its items.  Errors stick to out. */
PPMLI_STATIC void ppmli_eval_key_out_begin(ppmli_out *out, ppml_writer *writer,
                                           const ppml_secret_key *key, const ppmli_seeds *seeds) {
  const ppml_params *p = key->client->params;
  ppml_header h = ppmli_header_of(PPML_KIND_EVAL_KEY, p, ppmli_key_payload_bytes(p),
                                  key->client->circuit_id, key->id);
  ppmli_out_begin(out, writer, &h);
  ppmli_out_bytes(out, seeds->mask, sizeof seeds->mask);
}

/* ----------------------------------------------------------- generation */

/* A key as it is made: items in passes, from an opened secret key. */
typedef struct ppmli_key_generation {
  ppmli_key_pass pass;
  ppmli_open_key key;
  ppmli_seeds seeds;
} ppmli_key_generation;

/* An item of the key-switching key: its rows' bodies. */
PPMLI_STATIC void ppmli_key_make_rows(uint8_t *wire, const ppmli_key_generation *g, size_t item) {
  const ppml_params *p = g->pass.params;
  const ppml_secret_key *secret = g->key.secret;
  for (size_t r = 0; r < ppmli_key_item_rows(p, item); r++)
    ppmli_store32(wire + 4 * r,
                  ppmli_ksk_encrypt_row(p, item * PPMLI_KSK_ITEM_ROWS + r, secret->glwe_bits,
                                        ppmli_secret_short_key(secret), &g->seeds));
}

/* An item of the steps, or of what comes before all rows. */
PPMLI_STATIC void ppmli_key_make_step(uint8_t *wire, const ppmli_key_generation *g,
                                      ppmli_key_place at, ppml_arena *arena) {
  int error;
  if (at.part == PPMLI_KEY_LEAD)
    error = ppmli_client_make_lead(wire, &g->key, at.index, &g->seeds, arena);
  else error = ppmli_client_make_step(wire, &g->key, at.index, &g->seeds, arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
}

/* Item `index` of the pass, whichever part it is of. */
PPMLI_STATIC void ppmli_key_make_item(void *argument, size_t index) {
  const ppmli_key_generation *g = (const ppmli_key_generation *)argument;
  ppml_arena arena = ppmli_slices_arena(&g->pass.scratch, index);
  uint8_t *wire = g->pass.wire + index * g->pass.item_bytes;
  ppmli_key_place at = ppmli_key_place_of(g->pass.params, g->pass.first + index);
  if (at.part == PPMLI_KEY_ROWS) ppmli_key_make_rows(wire, g, at.index);
  else ppmli_key_make_step(wire, g, at, &arena);
}

/* All items, written in order, pass by pass. */
PPMLI_STATIC void ppmli_key_generate_items(ppmli_out *out, ppmli_key_generation *g,
                                           const ppml_parallel *parallel,
                                           const ppml_progress *progress) {
  const ppml_params *p = g->pass.params;
  while (ppmli_key_pass_next(&g->pass) && out->error == PPML_OK) {
    ppmli_parallel_run(parallel, g->pass.count, ppmli_key_make_item, g);
    for (size_t i = 0; i < g->pass.count; i++)
      ppmli_out_bytes(out, g->pass.wire + i * g->pass.item_bytes,
                      ppmli_key_item_wire_bytes(p, g->pass.first + i));
    if (progress)
      progress->step(progress->context, g->pass.first + g->pass.count, ppmli_key_items(p));
  }
}

/* Scratch of one item. */
PPMLI_STATIC size_t ppmli_key_make_scratch(const ppml_params *p) {
  return ppmli_max_size(ppmli_client_step_scratch(p), ppmli_client_lead_scratch(p));
}

PPMLI_STATIC size_t ppmli_eval_key_generate_bytes(const ppml_params *p, size_t threads) {
  return ppmli_open_maker_bytes(p) + ppmli_key_pass_bytes(p, threads, ppmli_key_make_scratch(p));
}

/* Makes an evaluation key and writes it as it goes.
 *   rng  ppmli_rng_begin was called for this use
 * Memory: ppmli_eval_key_generate_bytes(p, threads).  Errors: NOMEM, IO.
 * CT: time depends on p only. */
PPMLI_STATIC int ppmli_eval_key_generate(ppml_writer *writer, const ppml_secret_key *key,
                                         ppml_rng *rng, const ppml_parallel *parallel,
                                         const ppml_progress *progress, ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  size_t mark = arena->used_bytes;
  ppmli_key_generation g;
  ppmli_out out;
  memset(&g, 0, sizeof g);
  int error = ppmli_open_maker_init(&g.key, key, arena);
  if (error == PPML_OK)
    error = ppmli_key_pass_init(&g.pass, p, ppmli_parallel_threads(parallel),
                                ppmli_key_make_scratch(p), arena);
  if (error) {
    ppmli_open_key_close(&g.key);
    arena->used_bytes = mark;
    return error;
  }
  ppmli_seeds_draw(&g.seeds, PPMLI_SEEDS_EVAL_KEY, key, NULL, 0, rng);
  ppmli_eval_key_out_begin(&out, writer, key, &g.seeds);
  ppmli_key_generate_items(&out, &g, parallel, progress);
  ppmli_seeds_wipe(&g.seeds);
  ppmli_open_key_close(&g.key);
  ppmli_wipe(g.pass.scratch.memory, g.pass.capacity * g.pass.scratch.slice_bytes);
  arena->used_bytes = mark;
  return ppmli_out_end(&out);
}

#endif
