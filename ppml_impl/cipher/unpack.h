/* Unpacking: one ciphertext of 2^depth sub-images becomes one ciphertext for each.
 *
 * Sub-image s is a polynomial in X^S, S = 2^depth, and stands at X^s.  A ciphertext C of a
 * polynomial in X^(2^t) splits in two by the automorphism X -> X^g, g = 1 + N / 2^t, which keeps
 * the even powers of X^(2^t) and negates the odd ones:
 *
 *   even  C + C(X^g)                 twice the even powers, a polynomial in X^(2^(t + 1))
 *   odd   X^(-2^t) (C - C(X^g))      twice the odd powers, moved to even places
 *
 * After `depth` splits, 2^depth - 1 switches in all, a leaf has S times one sub-image.  At the
 * coefficients between, where the message is zero, noise remains.
 *
 * The tree is gone through depth first, so that only the nodes on one path are in memory.  The node at
 * depth t with number s holds the sub-images whose number is s modulo 2^t.
 * Source: [CDKS21] section 3 (the trace, of which this is the whole tree).
 *
 * In: a ciphertext and the switches of a key; out: node after node of the tree. Next:
 * server/pooled_evaluate.h. */
#ifndef PPMLI_CIPHER_UNPACK_H
#define PPMLI_CIPHER_UNPACK_H

#include "../base/arena.h"
#include "../math/fft/backend.h"
#include "../math/poly.h"
#include "glweswitch.h"
#include "glweswitch_apply.h"

#define PPMLI_UNPACK_DEPTH_MAX 12

/* What is unpacked, by which keys. */
typedef struct ppmli_tree {
  const ppml_params *params;
  const ppmli_fft *fft;
  const double *keys; /* [step][ppmli_switch_doubles], from step 0 on */
  const uint8_t
      *used; /* [2^full_depth]  1 for a sub-image that is wanted, one at least; of the sub-images
                          of any node, that with the least number is wanted if one is */
  uint32_t full_depth;
} ppmli_tree;

/* The way through a tree; begin with ppmli_unpacking_begin, then ask for the next node until there is none. */
typedef struct ppmli_unpacking {
  ppmli_tree tree;
  uint64_t *path;                          /* [full_depth][mask, body][N]  odd halves put aside */
  uint32_t aside[PPMLI_UNPACK_DEPTH_MAX];  /* number of the node put aside at that depth, ... */
  uint8_t waiting[PPMLI_UNPACK_DEPTH_MAX]; /* ... if there is one */
  uint64_t *node, *turned;                 /* [mask, body][N]  the node at hand; scratch */
  uint32_t depth, number;                  /* of the node at hand */
} ppmli_unpacking;

PPMLI_INLINE size_t ppmli_unpacking_bytes(const ppml_params *p, uint32_t full_depth) {
  size_t glwe_bytes = 2 * (size_t)p->poly_size * sizeof(uint64_t);
  return ppmli_arena_rounded(full_depth * glwe_bytes) + ppmli_arena_rounded(glwe_bytes);
}

/* Begins at the root.
 *   node  [mask, body][N]  the ciphertext; later nodes take its memory
 * Memory: ppmli_unpacking_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_unpacking_begin(ppmli_unpacking *u, uint64_t *node, const ppmli_tree *tree,
                                       ppml_arena *arena) {
  size_t words = 2 * (size_t)tree->params->poly_size;
  memset(u, 0, sizeof *u);
  PPMLI_ALLOC(uint64_t, path, arena, tree->full_depth * words);
  PPMLI_ALLOC(uint64_t, turned, arena, words);
  u->tree = *tree;
  u->path = path;
  u->node = node;
  u->turned = turned;
  return PPML_OK;
}

/* Is a sub-image of that node wanted? */
PPMLI_STATIC int ppmli_unpacking_is_wanted(const ppmli_unpacking *u, uint32_t depth,
                                           uint32_t number) {
  for (uint32_t s = number; s < (uint32_t)1 << u->tree.full_depth; s += (uint32_t)1 << depth)
    if (u->tree.used[s]) return 1;
  return 0;
}

/* The node's halves: the odd one is put aside, if it is wanted; the even one is at hand. */
PPMLI_STATIC int ppmli_unpacking_split(ppmli_unpacking *u, ppml_arena *arena) {
  uint32_t t = u->depth, N = u->tree.params->poly_size, odd = u->number + ((uint32_t)1 << t);
  uint64_t *aside = u->path + (size_t)t * 2 * N;
  PPMLI_TRY(ppmli_switch_map(u->turned, u->node, t,
                             u->tree.keys + t * ppmli_switch_doubles(u->tree.params),
                             u->tree.params, u->tree.fft, arena));
  u->depth = t + 1;
  u->waiting[t] = (uint8_t)ppmli_unpacking_is_wanted(u, t + 1, odd);
  u->aside[t] = odd;
  for (uint32_t i = 0; i < 2 * N; i++) {
    uint64_t whole = u->node[i], turned = u->turned[i];
    u->node[i] = whole + turned;
    u->turned[i] = whole - turned;
  }
  if (!u->waiting[t]) return PPML_OK;
  ppmli_poly_rotate_down(aside, u->turned, (uint32_t)1 << t, N);
  ppmli_poly_rotate_down(aside + N, u->turned + N, (uint32_t)1 << t, N);
  return PPML_OK;
}

/* Goes on to another node; u->depth, u->number and u->node tell which.  At depth full_depth it
 * is a leaf, S times sub-image u->number.
 *   is_done  out: 1 if all have been seen
 * Scratch: ppmli_switch_map_scratch(p) bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_unpacking_next(ppmli_unpacking *u, int *is_done, ppml_arena *arena) {
  *is_done = 0;
  if (u->depth < u->tree.full_depth) return ppmli_unpacking_split(u, arena);
  uint32_t t = u->tree.full_depth;
  while (t > 0 && !u->waiting[t - 1]) t--;
  *is_done = t == 0;
  if (t == 0) return PPML_OK;
  u->waiting[t - 1] = 0;
  u->depth = t;
  u->number = u->aside[t - 1];
  memcpy(u->node, u->path + (size_t)(t - 1) * 2 * u->tree.params->poly_size,
         2 * (size_t)u->tree.params->poly_size * sizeof *u->node);
  return PPML_OK;
}

#endif
