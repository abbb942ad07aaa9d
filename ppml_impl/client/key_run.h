/* An evaluation key that is made piece by piece: by a device with memory for a few polynomials, by a page
 * that must not stand still, over a line that may break.
 *
 * Pieces are numbered: the file's beginning; of a bridged set the rows before all others, one a piece;
 * groups of rows of the key switch; the rows of all steps, one a piece; the file's end.  All but the end
 * depend on the seeds and their number alone, so they can be made again.  The end is the digest of all
 * before it, which the run has: it grows as they are made for the first time, in their order; a piece that is
 * made again leaves it alone, and so does the end.
 *
 * In: the secret key, a run; out: bytes of the file.  Next: keygen.h, which makes the same file at once. */
#ifndef PPMLI_CLIENT_KEY_RUN_H
#define PPMLI_CLIENT_KEY_RUN_H

#include "../base/digest.h"
#include "../base/seeds.h"
#include "../cipher/bridge.h"
#include "../cipher/keyswitch.h"
#include "../cipher/keyswitch_make.h"
#include "../math/params.h"
#include "../wire/container.h"
#include "../wire/key_layout.h"
#include "keygen.h"
#include "path.h"

/* The digest's room in the public structure is long enough. */
typedef char
    ppmli_run_holds_a_digest[sizeof(ppmli_digest) <= sizeof(((ppml_eval_key_run *)0)->digest) ? 1
                                                                                              : -1];

/* ---------------------------------------------------------------- pieces */

PPMLI_INLINE size_t ppmli_run_rows(const ppml_params *p) {
  return ppmli_params_steps(p) * ppmli_key_step_rows(p);
}

/* Rows of a bridged set's latents' switches, and all rows before those of the key switch. */
PPMLI_INLINE size_t ppmli_run_latent_rows(const ppml_params *p) {
  const ppml_params *latents = ppmli_params_input_set(p);
  return ppmli_params_has_bridge(p) ? ppmli_params_steps(latents) * ppmli_key_step_rows(latents)
                                    : 0;
}

PPMLI_INLINE size_t ppmli_run_lead_rows(const ppml_params *p) {
  if (!ppmli_params_has_bridge(p)) return 0;
  ppmli_bridge bridge = ppmli_bridge_of(p);
  return ppmli_run_latent_rows(p) + ppmli_bridge_rows(&bridge);
}

PPMLI_INLINE uint64_t ppmli_run_pieces(const ppml_params *p) {
  return 2 + (uint64_t)ppmli_run_lead_rows(p) + ppmli_key_ksk_items(p) + ppmli_run_rows(p);
}

/* Bytes of the first so many rows of those before the key switch. */
PPMLI_STATIC uint64_t ppmli_run_lead_bytes(const ppml_params *p, size_t rows) {
  if (!ppmli_params_has_bridge(p)) return 0;
  ppmli_bridge bridge = ppmli_bridge_of(p);
  size_t latents = ppmli_min_size(rows, ppmli_run_latent_rows(p));
  size_t latent_row = ppmli_key_step_wire_bytes(bridge.from) / ppmli_key_step_rows(bridge.from);
  return (uint64_t)latents * latent_row +
         (uint64_t)(rows - latents) * ppmli_bridge_row_wire_bytes(&bridge);
}

/* Where in the file a piece begins; the number of all pieces is where it ends. */
PPMLI_STATIC uint64_t ppmli_run_offset(const ppml_params *p, uint64_t piece) {
  const uint64_t lead = ppmli_run_lead_rows(p), first = PPMLI_HEADER_BYTES + PPML_SEED_BYTES;
  const uint64_t begin = first + ppmli_run_lead_bytes(p, (size_t)lead); /* of the key switch */
  const uint64_t switches = 4 * (uint64_t)ppmli_ksk_rows(p), groups = ppmli_key_ksk_items(p);
  const uint64_t rows = ppmli_run_rows(p), steps = ppmli_params_steps(p);
  const uint64_t row = rows ? steps * ppmli_key_step_wire_bytes(p) / rows : 0;
  if (piece == 0) return 0;
  if (piece - 1 < lead) return first + ppmli_run_lead_bytes(p, (size_t)piece - 1);
  if (piece - 1 - lead < groups) return begin + 4 * PPMLI_KSK_ITEM_ROWS * (piece - 1 - lead);
  if (piece == ppmli_run_pieces(p)) return ppmli_key_wire_bytes(p);
  return begin + switches + row * (piece - 1 - lead - groups);
}

/* The piece that a byte of the file is in.  Behind the last byte: the number of pieces. */
PPMLI_STATIC uint64_t ppmli_run_piece_at(const ppml_params *p, uint64_t byte) {
  uint64_t low = 0, high = ppmli_run_pieces(p);
  while (low < high) { /* the last that begins no later */
    uint64_t middle = low + (high - low + 1) / 2;
    if (ppmli_run_offset(p, middle) <= byte) low = middle;
    else high = middle - 1;
  }
  return low;
}

/* ---------------------------------------------------------------- writing */

/* A writer that leaves out the bytes that are there already. */
typedef struct ppmli_run_writer {
  ppml_writer *to;
  uint64_t skip;
} ppmli_run_writer;

static int ppmli_run_write(ppml_writer *self, const void *bytes, size_t count) {
  ppmli_run_writer *w = (ppmli_run_writer *)self->context;
  size_t skip = w->skip < count ? (size_t)w->skip : count;
  w->skip -= skip;
  if (skip == count) return 0;
  return w->to->write(w->to, (const uint8_t *)bytes + skip, count - skip);
}

/* A group of rows of the key switch. */
PPMLI_STATIC void ppmli_run_put_group(ppmli_out *out, const ppml_secret_key *key, size_t item,
                                      const ppmli_seeds *seeds) {
  const ppml_params *p = key->client->params;
  for (size_t r = 0; r < ppmli_key_item_rows(p, item); r++)
    ppmli_out_u32(out, ppmli_ksk_encrypt_row(p, item * PPMLI_KSK_ITEM_ROWS + r, key->glwe_bits,
                                             ppmli_secret_short_key(key), seeds));
}

/* Any piece.  Errors: NOMEM; those of writing stick to out. */
PPMLI_STATIC int ppmli_run_put_piece(ppmli_out *out, ppml_writer *writer, uint64_t piece,
                                     const ppmli_open_key *key, const ppmli_seeds *seeds,
                                     ppml_arena *arena) {
  const ppml_params *p = key->params;
  size_t mark = arena->used_bytes, groups = ppmli_key_ksk_items(p), lead = ppmli_run_lead_rows(p);
  size_t row = (size_t)piece - 1, at = row - lead;
  int error = PPML_OK;
  if (piece == 0) ppmli_eval_key_out_begin(out, writer, key->secret, seeds);
  else if (row < lead) error = ppmli_client_put_lead_row(out, key, row, seeds, arena);
  else if (at < groups) ppmli_run_put_group(out, key->secret, at, seeds);
  else if (piece + 1 < ppmli_run_pieces(p))
    error = ppmli_client_put_row(out, key, at - groups, seeds, arena);
  else (void)ppmli_out_end(out);
  arena->used_bytes = mark;
  return error;
}

/* -------------------------------------------------------------------- run */

/* Draws the seeds of a key.
 *   rng  ppmli_rng_begin was called for this use */
PPMLI_STATIC void ppmli_run_begin(ppml_eval_key_run *run, const ppml_secret_key *key,
                                  ppml_rng *rng) {
  ppmli_seeds seeds;
  memset(run, 0, sizeof *run);
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_EVAL_KEY, key, NULL, 0, rng);
  memcpy(run->mask_seed, seeds.mask, sizeof run->mask_seed);
  memcpy(run->noise_seed, seeds.noise, sizeof run->noise_seed);
  memcpy(run->key_id, key->id, sizeof run->key_id);
  run->params = key->client->params;
  run->pieces = ppmli_run_pieces(run->params);
  ppmli_seeds_wipe(&seeds);
}

/* Makes the next piece.  Errors: NOMEM, IO: the run stays where it is. */
PPMLI_STATIC int ppmli_run_step(ppml_writer *writer, ppml_eval_key_run *run,
                                const ppmli_open_key *key, const ppmli_seeds *seeds,
                                ppml_arena *arena) {
  ppmli_run_writer left = {writer, run->skip};
  ppml_writer through = {ppmli_run_write, &left, 0, 0};
  int is_new = run->next == run->made, is_end = run->next + 1 == run->pieces;
  ppmli_out out;
  ppmli_out_begin_digest(&out);
  out.writer = &through;
  if (is_new || is_end) memcpy(&out.digest, run->digest, sizeof out.digest);
  PPMLI_TRY(ppmli_run_put_piece(&out, &through, run->next, key, seeds, arena));
  if (out.error) return out.error;
  if (is_new && !is_end) memcpy(run->digest, &out.digest, sizeof out.digest);
  if (is_new) run->made++;
  run->next++;
  run->skip = left.skip;
  return PPML_OK;
}

PPMLI_STATIC size_t ppmli_run_make_bytes(const ppml_params *p) {
  return ppmli_open_maker_bytes(p) + ppmli_client_row_scratch(p);
}

/* Makes up to so many pieces.
 * Memory: ppmli_run_make_bytes, given back and wiped.  Errors: NOMEM, IO.  CT: time depends on the set
 * and the pieces alone. */
PPMLI_STATIC int ppmli_run_make(ppml_writer *writer, ppml_eval_key_run *run,
                                const ppml_secret_key *key, uint64_t pieces, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_open_key open;
  ppmli_seeds seeds;
  memcpy(seeds.mask, run->mask_seed, sizeof seeds.mask);
  memcpy(seeds.noise, run->noise_seed, sizeof seeds.noise);
  int error = ppmli_open_maker_init(&open, key, arena);
  for (; pieces && run->next < run->pieces && error == PPML_OK; pieces--)
    error = ppmli_run_step(writer, run, &open, &seeds, arena);
  ppmli_open_key_close(&open);
  ppmli_seeds_wipe(&seeds);
  arena->used_bytes = mark;
  return error;
}

/* Goes to a byte of the file.  Pieces before it that the run has never made, since it was saved before they
 * were, are then made for the digest alone and not written.  Errors: ARG (a byte beyond the file). */
PPMLI_STATIC int ppmli_run_seek(ppml_eval_key_run *run, uint64_t byte) {
  if (byte > ppmli_key_wire_bytes(run->params)) return PPML_ERR_ARG;
  uint64_t piece = ppmli_run_piece_at(run->params, byte);
  run->next = piece < run->made ? piece : run->made;
  run->skip = byte - ppmli_run_offset(run->params, run->next);
  return PPML_OK;
}

#endif
