/* Collecting values: constant coefficients of ciphertexts, as they are made, into those of
 * learnt.h.  What is collected for the same value again is added.  In: ciphertexts in turn; out: packed
 * ones.  Next: cipher/packing.h. */
#ifndef PPMLI_SERVER_COLLECT_H
#define PPMLI_SERVER_COLLECT_H

#include "../base/arena.h"
#include "../cipher/packing.h"
#include "../math/poly.h"
#include "../wire/learnt.h"

typedef struct ppmli_collector {
  const ppmli_packing_key *key;
  const ppml_parallel *parallel;
  ppml_learnt *out;
  uint64_t *items;  /* [group][2][N] */
  uint64_t *turned; /* [2][N]  scratch */
  size_t next;      /* value that comes next */
} ppmli_collector;

PPMLI_INLINE size_t ppmli_collector_bytes(const ppml_params *p, size_t threads) {
  size_t words = 2 * (size_t)p->poly_size;
  return ppmli_arena_rounded(ppmli_learnt_group(p) * words * sizeof(uint64_t)) +
         ppmli_arena_rounded(words * sizeof(uint64_t)) + ppmli_packing_scratch(p, threads);
}

/* Memory: ppmli_collector_bytes, of which packing takes a part anew each time.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_collector_init(ppmli_collector *c, ppml_learnt *out,
                                      const ppmli_packing_key *key, const ppml_parallel *parallel,
                                      ppml_arena *arena) {
  const ppml_params *p = key->params;
  PPMLI_ALLOC(uint64_t, items, arena, ppmli_learnt_group(p) * 2 * p->poly_size);
  PPMLI_ALLOC(uint64_t, turned, arena, 2 * (size_t)p->poly_size);
  ppmli_collector made = {key, parallel, out, items, turned, 0};
  *c = made;
  return PPML_OK;
}

/* Where the next item goes. */
PPMLI_INLINE uint64_t *ppmli_collector_item(ppmli_collector *c) {
  const ppml_params *p = c->key->params;
  return c->items + c->next % ppmli_learnt_group(p) * 2 * p->poly_size;
}

/* Packs the items so far, a group or less. */
PPMLI_STATIC int ppmli_collector_pack(ppmli_collector *c, ppml_arena *arena) {
  const ppml_params *p = c->key->params;
  size_t N = p->poly_size, group = ppmli_learnt_group(p), first = (c->next - 1) / group * group;
  for (size_t i = c->next - first; i < group; i++)
    memset(c->items + i * 2 * N, 0, 2 * N * sizeof *c->items);
  PPMLI_TRY(ppmli_packing_run(c->items, group, c->key, c->parallel, arena));
  for (size_t part = 0; part < 2; part++)
    ppmli_poly_rotate_down(c->turned + part * N, c->items + part * N, ppmli_learnt_place(p, first),
                           p->poly_size);
  uint64_t *out = c->out->glwe + first / N * 2 * N;
  for (size_t i = 0; i < 2 * N; i++) out[i] += c->turned[i];
  return PPML_OK;
}

/* Takes the item that stands at ppmli_collector_item.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_collector_take(ppmli_collector *c, ppml_arena *arena) {
  size_t group = ppmli_learnt_group(c->key->params);
  c->next++;
  if (c->next % group && c->next < ppmli_learnt_values(c->out)) return PPML_OK;
  PPMLI_TRY(ppmli_collector_pack(c, arena));
  if (c->next == ppmli_learnt_values(c->out)) c->next = 0;
  return PPML_OK;
}

#endif
