/* Packing: the constant coefficients of many GLWE ciphertexts become coefficients of one;
 * and traces, which clear all coefficients but some.
 *
 * A trace adds up C and its automorphisms.  That clears, exactly, what is not fixed by them, and
 * multiplies by the number of automorphisms what is kept.  To divide by that number beforehand
 * costs nothing: the WORDS of the ciphertext are divided by N, rounded.  Its phase becomes
 * (m + e + k) / N, with a whole k that nobody knows, and the trace makes m + e + k of it, where k
 * vanishes modulo 1.  The noise e is not amplified; what rounding adds is 2^-64 of a turn.
 *
 * The order of steps matters: a trace may go through them in any order, a packing tree must begin
 * with X -> X^3, which leaves only the finest places apart, and end with X -> X^(1 + N); otherwise
 * later steps move what earlier ones have packed.  Source: [CDKS21].
 *
 * In: ciphertexts and the packing key; out: one ciphertext.  Next: server/collect.h. */
#ifndef PPMLI_CIPHER_PACKING_H
#define PPMLI_CIPHER_PACKING_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../math/fft/backend.h"
#include "../math/poly.h"
#include "automorphism.h"

/* The automorphism keys of a client on the server: the packing key. */
typedef struct ppmli_packing_key {
  const ppml_params *params;
  const ppmli_fft *fft;
  double *steps; /* [ppmli_auto_steps(p)][ppmli_auto_doubles(p)] */
} ppmli_packing_key;

PPMLI_INLINE const double *ppmli_packing_step(const ppmli_packing_key *key, uint32_t step) {
  return key->steps + step * ppmli_auto_doubles(key->params);
}

/* ------------------------------------------------------------------ trace */

/* Divides the words of a ciphertext by 2^bits, bits < 64. */
PPMLI_STATIC void ppmli_packing_divide(uint64_t *glwe, uint32_t bits, const ppml_params *p) {
  uint64_t half = bits ? (uint64_t)1 << (bits - 1) : 0;
  for (size_t i = 0; i < 2 * (size_t)p->poly_size; i++)
    glwe[i] = (glwe[i] >> bits) + (glwe[i] >> (bits ? bits - 1 : 0) & (half != 0));
}

/* Steps 0 .. steps - 1 of a trace, last one first: what is kept, each 2^steps-th coefficient, is
 * multiplied by 2^steps, and the others are cleared.
 *   glwe  [2][N]  in and out */
PPMLI_STATIC void ppmli_packing_trace_steps(uint64_t *glwe, uint32_t steps,
                                            const ppmli_packing_key *key, ppmli_auto_scratch *s) {
  for (uint32_t step = steps; step--;)
    ppmli_auto_add(glwe, glwe, step, ppmli_packing_step(key, step), key->params, key->fft, s);
}

/* Keeps each 2^steps-th coefficient of a ciphertext as it is and clears the others: the constant
 * one alone where steps is ppmli_auto_steps(p).
 *   glwe  [2][N]  in and out
 * Noise: docs/NOISE.md "Packing". */
PPMLI_STATIC void ppmli_packing_keep(uint64_t *glwe, uint32_t steps, const ppmli_packing_key *key,
                                     ppmli_auto_scratch *s) {
  ppmli_packing_divide(glwe, steps, key->params);
  ppmli_packing_trace_steps(glwe, steps, key, s);
}

/* ------------------------------------------------------------------- tree */

/* A level of a tree, as tasks see it. */
typedef struct ppmli_packing_tree {
  const ppmli_packing_key *key;
  uint64_t *items; /* [2 pairs][2][N] */
  size_t pairs, tasks;
  uint32_t step;
  ppmli_slices scratch; /* [tasks] */
} ppmli_packing_tree;

PPMLI_INLINE size_t ppmli_packing_task_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(2 * p->poly_size * sizeof(uint64_t)) + ppmli_auto_scratch_bytes(p);
}

/* a = (a + o) + (a - o)(X^g), o = X^-2^step b.
 *   a, b        [2][N]
 *   difference  [2][N]  scratch */
PPMLI_STATIC void ppmli_packing_pair(uint64_t *a, const uint64_t *b, const ppmli_packing_tree *t,
                                     uint64_t *difference, ppmli_auto_scratch *s) {
  const ppmli_packing_key *key = t->key;
  uint32_t N = key->params->poly_size;
  for (size_t c = 0; c < 2; c++) {
    ppmli_poly_rotate_down(s->mask, b + c * N, (uint32_t)1 << t->step, N);
    for (uint32_t i = 0; i < N; i++) {
      difference[c * N + i] = a[c * N + i] - s->mask[i];
      a[c * N + i] += s->mask[i];
    }
  }
  ppmli_auto_add(a, difference, t->step, ppmli_packing_step(key, t->step), key->params, key->fft,
                 s);
}

PPMLI_STATIC void ppmli_packing_task(void *argument, size_t index) {
  const ppmli_packing_tree *t = (const ppmli_packing_tree *)argument;
  const ppml_params *p = t->key->params;
  ppml_arena arena = ppmli_slices_arena(&t->scratch, index);
  size_t words = 2 * (size_t)p->poly_size;
  size_t end = ppmli_parallel_share(t->pairs, t->tasks, index + 1);
  uint64_t *difference = (uint64_t *)ppmli_arena_array(&arena, words, sizeof(uint64_t));
  ppmli_auto_scratch s;
  memset(&s, 0, sizeof s);
  int error = ppmli_auto_scratch_init(&s, p, &arena);
  PPMLI_ASSERT(difference != NULL && error == PPML_OK);
  (void)error; /* the slice was sized for it */
  for (size_t j = ppmli_parallel_share(t->pairs, t->tasks, index); j < end; j++)
    ppmli_packing_pair(t->items + j * words, t->items + (j + t->pairs) * words, t, difference, &s);
}

PPMLI_INLINE size_t ppmli_packing_scratch(const ppml_params *p, size_t threads) {
  return ppmli_arena_rounded(threads * ppmli_packing_task_scratch(p)) + ppmli_auto_scratch_bytes(p);
}

/* items[0] = a ciphertext of sum_s m_s X^(-s N / count), m_s the constant coefficient of item s;
 * other coefficients are cleared.
 *   items  [count][2][N]  in and out: the others hold nothing afterwards
 *   count  a power of two, at most N
 * Scratch: ppmli_packing_scratch(p, threads) bytes.  Errors: NOMEM.
 * Noise: docs/NOISE.md "Packing". */
PPMLI_STATIC int ppmli_packing_run(uint64_t *items, size_t count, const ppmli_packing_key *key,
                                   const ppml_parallel *parallel, ppml_arena *arena) {
  const ppml_params *p = key->params;
  uint32_t steps = ppmli_auto_steps(p);
  size_t mark = arena->used_bytes, threads = ppmli_parallel_threads(parallel);
  ppmli_packing_tree t = {key, items, count / 2, threads, steps - 1, {NULL, 0}};
  ppmli_auto_scratch s;
  PPMLI_TRY(ppmli_slices_init(&t.scratch, threads, ppmli_packing_task_scratch(p), arena));
  PPMLI_TRY(ppmli_auto_scratch_init(&s, p, arena));
  for (size_t i = 0; i < count; i++) ppmli_packing_divide(items + i * 2 * p->poly_size, steps, p);
  for (; t.pairs; t.pairs /= 2, t.step--)
    ppmli_parallel_run(parallel, threads, ppmli_packing_task, &t);
  ppmli_packing_trace_steps(items, t.step + 1, key, &s);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
