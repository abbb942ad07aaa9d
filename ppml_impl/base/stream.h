/* ChaCha20 as a stream of bytes that a seed, a purpose and an index name, and the noise of fresh
 * ciphertexts drawn from it.  Public masks come from public seeds, noise from secret ones; streams
 * can be made in any order and on any thread.  Next: rng.h, where seeds come from.  In: a seed, a
 * purpose and an index; out: bytes, words, noise. */
#ifndef PPMLI_BASE_STREAM_H
#define PPMLI_BASE_STREAM_H

#include "bytes.h"
#include "ct.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

/* -------------------------------------------------------------- ChaCha20 */

#define PPMLI_CHACHA_BLOCK_BYTES 64

/* Blocks made at a time: a compiler's vectors run across them.  The first option of a build for little
 * stack: each takes 128 bytes. */
#ifndef PPML_CHACHA_LANES
#if defined(PPML_SMALL)
#define PPML_CHACHA_LANES 1
#elif defined(__wasm_simd128__)
#define PPML_CHACHA_LANES 4
#else
#define PPML_CHACHA_LANES 8
#endif
#endif
#define PPMLI_CHACHA_LANES PPML_CHACHA_LANES

/* What the state of a stream begins with; its counter is 0. */
PPMLI_STATIC void ppmli_chacha_state(uint32_t state[16], const uint8_t seed[PPML_SEED_BYTES],
                                     uint32_t purpose, uint64_t index) {
  static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  memcpy(state, sigma, sizeof sigma);
  for (int i = 0; i < 8; i++) state[4 + i] = ppmli_load32(seed + 4 * i);
  state[12] = 0;
  state[13] = purpose;
  state[14] = (uint32_t)index;
  state[15] = (uint32_t)(index >> 32);
}

/* PPMLI_CHACHA_LANES consecutive blocks of key stream.  Source: [RFC8439] 2.3.  CT.
 *   out    [PPMLI_CHACHA_LANES * PPMLI_CHACHA_BLOCK_BYTES]
 *   state  [16]  words 0..15 of the RFC's state; word 12 is the first block's counter */
#if defined(__wasm_simd128__)
/* The state is a square of sixteen words, of which columns are mixed and then diagonals.  Here that is one step,
 * done over and over: the rows are turned so that diagonals become columns, in reverse order, and the same
 * turn makes them columns again. */
typedef struct ppmli_chacha_rows {
  v128_t a, b, c, d;
} ppmli_chacha_rows;

PPMLI_KERNEL v128_t ppmli_chacha_rotate(v128_t x, uint32_t left) {
  return wasm_v128_or(wasm_i32x4_shl(x, left), wasm_u32x4_shr(x, 32 - left));
}

/* Half a quarter round of each column. */
PPMLI_KERNEL void ppmli_chacha_mix(ppmli_chacha_rows *x, uint32_t d_left, uint32_t b_left) {
  x->a = wasm_i32x4_add(x->a, x->b);
  x->d = ppmli_chacha_rotate(wasm_v128_xor(x->d, x->a), d_left);
  x->c = wasm_i32x4_add(x->c, x->d);
  x->b = ppmli_chacha_rotate(wasm_v128_xor(x->b, x->c), b_left);
}

PPMLI_KERNEL void ppmli_chacha_turn(ppmli_chacha_rows *x) {
  x->a = wasm_i32x4_shuffle(x->a, x->a, 0, 3, 2, 1);
  x->b = wasm_i32x4_shuffle(x->b, x->b, 1, 0, 3, 2);
  x->c = wasm_i32x4_shuffle(x->c, x->c, 2, 1, 0, 3);
  x->d = wasm_i32x4_shuffle(x->d, x->d, 3, 2, 1, 0);
}

PPMLI_STATIC void ppmli_chacha_blocks(uint8_t *out, const uint32_t state[16]) {
  ppmli_chacha_rows
      x[PPMLI_CHACHA_LANES]; /* blocks side by side: of one, each step waits for the last */
  const v128_t *s = (const v128_t *)(const void *)state;
#pragma clang loop unroll(full)
  for (int i = 0; i < PPMLI_CHACHA_LANES; i++) {
    x[i].a = wasm_v128_load(s), x[i].b = wasm_v128_load(s + 1), x[i].c = wasm_v128_load(s + 2);
    x[i].d = wasm_i32x4_add(wasm_v128_load(s + 3), wasm_i32x4_make(i, 0, 0, 0));
  }
  for (int round = 0; round < 20; round++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < PPMLI_CHACHA_LANES; i++) {
      ppmli_chacha_mix(&x[i], 16, 12);
      ppmli_chacha_mix(&x[i], 8, 7);
      ppmli_chacha_turn(&x[i]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < PPMLI_CHACHA_LANES; i++, out += PPMLI_CHACHA_BLOCK_BYTES) {
    v128_t d = wasm_i32x4_add(wasm_v128_load(s + 3), wasm_i32x4_make(i, 0, 0, 0));
    wasm_v128_store(out, wasm_i32x4_add(x[i].a, wasm_v128_load(s)));
    wasm_v128_store(out + 16, wasm_i32x4_add(x[i].b, wasm_v128_load(s + 1)));
    wasm_v128_store(out + 32, wasm_i32x4_add(x[i].c, wasm_v128_load(s + 2)));
    wasm_v128_store(out + 48, wasm_i32x4_add(x[i].d, d));
  }
}
#else
PPMLI_INLINE void ppmli_chacha_quarter(uint32_t x[16][PPMLI_CHACHA_LANES], uint32_t a, uint32_t b,
                                       uint32_t c, uint32_t d) {
  for (int i = 0; i < PPMLI_CHACHA_LANES; i++) {
    uint32_t xa = x[a][i], xb = x[b][i], xc = x[c][i], xd = x[d][i];
    xa += xb, xd ^= xa, xd = xd << 16 | xd >> 16;
    xc += xd, xb ^= xc, xb = xb << 12 | xb >> 20;
    xa += xb, xd ^= xa, xd = xd << 8 | xd >> 24;
    xc += xd, xb ^= xc, xb = xb << 7 | xb >> 25;
    x[a][i] = xa, x[b][i] = xb, x[c][i] = xc, x[d][i] = xd;
  }
}

PPMLI_STATIC void ppmli_chacha_blocks(uint8_t *out, const uint32_t state[16]) {
  uint32_t x[16][PPMLI_CHACHA_LANES]; /* word w of block i is x[w][i] */
  for (int w = 0; w < 16; w++)
    for (int i = 0; i < PPMLI_CHACHA_LANES; i++) x[w][i] = state[w] + (w == 12 ? (uint32_t)i : 0);
  for (int round = 0; round < 10; round++) {
#ifdef PPML_SMALL
    for (uint32_t i = 0; i < 8; i++) { /* columns, then diagonals */
      uint32_t d = i / 4;
      ppmli_chacha_quarter(x, i % 4, 4 + (i + d) % 4, 8 + (i + 2 * d) % 4, 12 + (i + 3 * d) % 4);
    }
#else
    for (uint32_t i = 0; i < 4; i++) ppmli_chacha_quarter(x, i, 4 + i, 8 + i, 12 + i);
    for (uint32_t i = 0; i < 4; i++)
      ppmli_chacha_quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
#endif
  }
  for (int i = 0; i < PPMLI_CHACHA_LANES; i++)
    for (int w = 0; w < 16; w++)
      ppmli_store32(out + PPMLI_CHACHA_BLOCK_BYTES * i + 4 * w,
                    x[w][i] + state[w] + (w == 12 ? (uint32_t)i : 0));
  ppmli_wipe(x, sizeof x);
}
#endif

/* A stream of bytes that a seed, a purpose and an index name: masks are drawn from
 * public seeds, key-generation noise from secret ones.  Streams do not depend on how
 * much of another one was read, so they can be made in any order and on any thread. */
typedef struct ppmli_stream {
  uint32_t state[16];
  uint8_t buffer[PPMLI_CHACHA_LANES * PPMLI_CHACHA_BLOCK_BYTES];
  uint32_t used;
} ppmli_stream;

/* What a stream is for: no two purposes share numbers under one seed. */
enum ppmli_stream_purpose {
  PPMLI_STREAM_RNG = 0,
  PPMLI_STREAM_INPUT_MASK = 1, /* index: GLWE ciphertext of an image */
  PPMLI_STREAM_BSK_MASK = 2,   /* index: GGSW row */
  PPMLI_STREAM_KSK_MASK = 3,   /* index: key-switching row */
  PPMLI_STREAM_BSK_NOISE = 4,
  PPMLI_STREAM_KSK_NOISE = 5,
  PPMLI_STREAM_INPUT_NOISE = 6,
  PPMLI_STREAM_SEEDS = 7,
  PPMLI_STREAM_FLOOD = 8,        /* index: score of an image */
  PPMLI_STREAM_BRIDGE_MASK = 16, /* index: row of a bridge's key */
  PPMLI_STREAM_BRIDGE_NOISE = 17,
  PPMLI_STREAM_AUTO_MASK = 32, /* index: row of a packing key */
  PPMLI_STREAM_AUTO_NOISE = 33,
  PPMLI_STREAM_ROW_MASK = 34, /* index: body of a block of training rows */
  PPMLI_STREAM_ROW_NOISE = 35,
  PPMLI_STREAM_SUMS_MASK = 36, /* index: ciphertext of an owner's sums */
  PPMLI_STREAM_SUMS_NOISE = 37
};

PPMLI_STATIC void ppmli_stream_init(ppmli_stream *s, const uint8_t seed[PPML_SEED_BYTES],
                                    uint32_t purpose, uint64_t index) {
  ppmli_chacha_state(s->state, seed, purpose, index);
  s->used = sizeof s->buffer;
}

PPMLI_STATIC void ppmli_stream_bytes(ppmli_stream *s, void *bytes, size_t count) {
  uint8_t *out = (uint8_t *)bytes;
  while (count) {
    if (s->used == sizeof s->buffer) {
      ppmli_chacha_blocks(s->buffer, s->state);
      s->state[12] += PPMLI_CHACHA_LANES;
      s->used = 0;
    }
    size_t take = ppmli_min_size(count, sizeof s->buffer - s->used);
    memcpy(out, s->buffer + s->used, take);
    s->used += (uint32_t)take;
    out += take;
    count -= take;
  }
}

/* Words are a stream's bytes, lowest first: put in order where they stand, which is nothing
 * to do on most machines. */
PPMLI_STATIC void ppmli_stream_u64(ppmli_stream *s, uint64_t *words, size_t count) {
  ppmli_stream_bytes(s, words, count * sizeof *words);
  for (size_t i = 0; i < count; i++)
    words[i] = ppmli_load64((const uint8_t *)(const void *)(words + i));
}

PPMLI_STATIC void ppmli_stream_u32(ppmli_stream *s, uint32_t *words, size_t count) {
  ppmli_stream_bytes(s, words, count * sizeof *words);
  for (size_t i = 0; i < count; i++)
    words[i] = ppmli_load32((const uint8_t *)(const void *)(words + i));
}

PPMLI_INLINE void ppmli_stream_wipe(ppmli_stream *s) {
  ppmli_wipe(s, sizeof *s);
}

/* ------------------------------------------------------------------ noise */

/* An integer in [-bound, bound], each equally likely up to 2^-32 of its share:
 * standard deviation bound / sqrt 3.  Bounded, and no floats.  A power of two as
 * the bound would be TUniform with whole ends; any integer lets a set sit exactly
 * on the line of docs/NOISE.md "Security".
 *   random  64 uniform bits;  bound < 2^31
 * CT: a product of constant size. */
PPMLI_KERNEL int64_t ppmli_noise(uint64_t random, uint32_t bound) {
  uint64_t count = 2 * (uint64_t)bound + 1;
  uint64_t low = (random & 0xffffffffu) * count >> 32;
  return (int64_t)(((random >> 32) * count + low) >> 32) - (int64_t)bound;
}

#endif
