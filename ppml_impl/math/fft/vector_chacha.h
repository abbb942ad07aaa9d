/* The mask streams of vector.h, a part of that template.
 *
 * A vector of u32 holds one word of as many blocks as it has lanes, so the rounds are those of
 * ppmli_chacha_lanes.  Then words are paired to 64 bits, and squares of pairs and blocks
 * transposed as if they were doubles: moves leave any bits as they are.
 *
 * In: a seed and counters; out: blocks.  Next: masks.h. */
#include "common.h"

#define PPMLI_CHACHA_VECTOR (2 * PPMLI_WIDTH) /* blocks made at a time */

PPMLI_V_INLINE void PPMLI_V(chacha_quarter)(PPMLI_V(u32) * x, int a, int b, int c, int d) {
  x[a] = PPMLI_V(add_u32)(x[a], x[b]), x[d] = PPMLI_V(rotate_u32)(x[d] ^ x[a], 16);
  x[c] = PPMLI_V(add_u32)(x[c], x[d]), x[b] = PPMLI_V(rotate_u32)(x[b] ^ x[c], 12);
  x[a] = PPMLI_V(add_u32)(x[a], x[b]), x[d] = PPMLI_V(rotate_u32)(x[d] ^ x[a], 8);
  x[c] = PPMLI_V(add_u32)(x[c], x[d]), x[b] = PPMLI_V(rotate_u32)(x[b] ^ x[c], 7);
}

/* Ten double rounds.
 *   x  [16]  in place */
PPMLI_V_INLINE void PPMLI_V(chacha_rounds)(PPMLI_V(u32) * x) {
  for (int round = 0; round < 10; round++) {
    PPMLI_UNROLL
    for (int i = 0; i < 4; i++) PPMLI_V(chacha_quarter)(x, i, 4 + i, 8 + i, 12 + i);
    PPMLI_UNROLL
    for (int i = 0; i < 4; i++)
      PPMLI_V(chacha_quarter)(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
}

/* Words as streams have them.  The instructions that interleave work on fours of lanes: the
 * low ones pair the words of blocks 0, 1, 4, 5, ..., the high ones those of 2, 3, 6, 7, ...
 *   out  [CHACHA_VECTOR][8];  x  [16] */
PPMLI_V_INLINE void PPMLI_V(chacha_store)(uint64_t *out, const PPMLI_V(u32) * x) {
  ppmli_vector low[PPMLI_WIDTH], high[PPMLI_WIDTH];
  PPMLI_UNROLL
  for (int pair = 0; pair < 8; pair += PPMLI_WIDTH) {
    PPMLI_UNROLL
    for (int i = 0; i < PPMLI_WIDTH; i++) {
      low[i] = PPMLI_V(interleave_low)(x[2 * (pair + i)], x[2 * (pair + i) + 1]);
      high[i] = PPMLI_V(interleave_high)(x[2 * (pair + i)], x[2 * (pair + i) + 1]);
    }
    PPMLI_V(transpose)(low);
    PPMLI_V(transpose)(high);
    PPMLI_UNROLL
    for (int i = 0; i < PPMLI_WIDTH; i++) {
      int block = i / 2 * 4 + i % 2;
      PPMLI_V(store_u64)(out + 8 * block + pair, low[i]);
      PPMLI_V(store_u64)(out + 8 * (block + 2) + pair, high[i]);
    }
  }
}

/* PPMLI_CHACHA_VECTOR blocks.
 *   out  [CHACHA_VECTOR][8] */
PPMLI_V_STATIC void PPMLI_V(chacha_vector)(uint64_t *out, const uint32_t *state) {
  static const uint32_t count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  PPMLI_V(u32) x[16], counter = PPMLI_V(load_u32)(count);
  PPMLI_UNROLL
  for (int w = 0; w < 16; w++) x[w] = PPMLI_V(broadcast_u32)(state[w]);
  x[12] = PPMLI_V(add_u32)(x[12], counter);
  PPMLI_V(chacha_rounds)(x);
  PPMLI_UNROLL
  for (int w = 0; w < 16; w++) x[w] = PPMLI_V(add_u32)(x[w], PPMLI_V(broadcast_u32)(state[w]));
  x[12] = PPMLI_V(add_u32)(x[12], counter);
  PPMLI_V(chacha_store)(out, x);
}

/* A last vector is made whole, and cut. */
PPMLI_V_STATIC void PPMLI_V(chacha)(uint64_t *out, const uint32_t state[16], size_t blocks) {
  uint32_t s[16];
  uint64_t last[8 * PPMLI_CHACHA_VECTOR];
  memcpy(s, state, sizeof s);
  for (; blocks >= PPMLI_CHACHA_VECTOR; blocks -= PPMLI_CHACHA_VECTOR) {
    PPMLI_V(chacha_vector)(out, s);
    s[12] += PPMLI_CHACHA_VECTOR;
    out += 8 * PPMLI_CHACHA_VECTOR;
  }
  if (blocks == 0) return;
  PPMLI_V(chacha_vector)(last, s);
  memcpy(out, last, 8 * blocks * sizeof *last);
}

#undef PPMLI_CHACHA_VECTOR
