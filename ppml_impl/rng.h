/* Layer 1: random numbers.  ChaCha20 as a stream of public masks, as a generator of
 * secrets with fast key erasure, and the one noise distribution of this library. */
#ifndef PPMLI_RNG_H
#define PPMLI_RNG_H

#include "bytes.h"
#include "ct.h"
#include "digest.h"
#include "entropy.h"

/* -------------------------------------------------------------- ChaCha20 */

#define PPMLI_CHACHA_BLOCK_BYTES 64
#define PPMLI_CHACHA_LANES 8 /* blocks made at a time; a compiler's vectors run across them */

PPMLI_INLINE void ppmli_chacha_quarter(uint32_t x[16][PPMLI_CHACHA_LANES], int a, int b, int c,
                                       int d) {
  for (int i = 0; i < PPMLI_CHACHA_LANES; i++) {
    uint32_t xa = x[a][i], xb = x[b][i], xc = x[c][i], xd = x[d][i];
    xa += xb, xd ^= xa, xd = xd << 16 | xd >> 16;
    xc += xd, xb ^= xc, xb = xb << 12 | xb >> 20;
    xa += xb, xd ^= xa, xd = xd << 8 | xd >> 24;
    xc += xd, xb ^= xc, xb = xb << 7 | xb >> 25;
    x[a][i] = xa, x[b][i] = xb, x[c][i] = xc, x[d][i] = xd;
  }
}

/* What the state of a stream begins with; its counter is 0. */
PPMLI_STATIC void ppmli_chacha_state(uint32_t state[16], const uint8_t seed[PPML_SEED_BYTES],
                                     uint32_t purpose, uint64_t index) {
  static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (int i = 0; i < 4; i++) state[i] = sigma[i];
  for (int i = 0; i < 8; i++) state[4 + i] = ppmli_load32(seed + 4 * i);
  state[12] = 0;
  state[13] = purpose;
  state[14] = (uint32_t)index;
  state[15] = (uint32_t)(index >> 32);
}

/* PPMLI_CHACHA_LANES consecutive blocks of key stream.  Source: [RFC8439] 2.3.  CT.
 *   x      out: word w of block i is x[w][i]
 *   state  [16]  words 0..15 of the RFC's state; word 12 is the first block's counter */
PPMLI_STATIC void ppmli_chacha_lanes(uint32_t x[16][PPMLI_CHACHA_LANES], const uint32_t state[16]) {
  for (int w = 0; w < 16; w++)
    for (int i = 0; i < PPMLI_CHACHA_LANES; i++) x[w][i] = state[w] + (w == 12 ? (uint32_t)i : 0);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 4; i++) ppmli_chacha_quarter(x, i, 4 + i, 8 + i, 12 + i);
    for (int i = 0; i < 4; i++)
      ppmli_chacha_quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  for (int w = 0; w < 16; w++)
    for (int i = 0; i < PPMLI_CHACHA_LANES; i++) x[w][i] += state[w] + (w == 12 ? (uint32_t)i : 0);
}

/* The same as bytes.  CT.
 *   out  [PPMLI_CHACHA_LANES * PPMLI_CHACHA_BLOCK_BYTES] */
PPMLI_STATIC void ppmli_chacha_blocks(uint8_t *out, const uint32_t state[16]) {
  uint32_t x[16][PPMLI_CHACHA_LANES];
  ppmli_chacha_lanes(x, state);
  for (int i = 0; i < PPMLI_CHACHA_LANES; i++)
    for (int w = 0; w < 16; w++) ppmli_store32(out + PPMLI_CHACHA_BLOCK_BYTES * i + 4 * w, x[w][i]);
  ppmli_wipe(x, sizeof x);
}

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

/* ------------------------------------------------------------- generator */

/* Refills the buffer, its first bytes becoming the next key: what a leaked state
 * holds cannot be run backwards.  Source: [FKE]. */
PPMLI_STATIC void ppmli_rng_refill(ppml_rng *rng) {
  ppmli_stream s;
  uint8_t fresh[PPML_SEED_BYTES + sizeof rng->buffer];
  ppmli_stream_init(&s, rng->key, PPMLI_STREAM_RNG, rng->counter++);
  ppmli_stream_bytes(&s, fresh, sizeof fresh);
  memcpy(rng->key, fresh, PPML_SEED_BYTES);
  memcpy(rng->buffer, fresh + PPML_SEED_BYTES, sizeof rng->buffer);
  rng->buffered = sizeof rng->buffer;
  ppmli_wipe(fresh, sizeof fresh);
  ppmli_stream_wipe(&s);
}

/* What rng->ready says, by words that memory which nobody set up hardly holds. */
#define PPMLI_RNG_READY 0x9c41e6d3u     /* has an entropy source */
#define PPMLI_RNG_FOR_TESTS 0x5ab2071eu /* a known seed: the same numbers every time */

PPMLI_STATIC void ppmli_rng_seed(ppml_rng *rng, const uint8_t seed[PPML_SEED_BYTES]) {
  memset(rng, 0, sizeof *rng);
  memcpy(rng->key, seed, PPML_SEED_BYTES);
  rng->ready = PPMLI_RNG_FOR_TESTS;
}

/* Makes what follows depend on these bytes too; a generator gets no worse by it, whatever they
 * are.  CT. */
PPMLI_STATIC void ppmli_rng_fold(ppml_rng *rng, const void *bytes, size_t count) {
  ppmli_digest d;
  ppmli_digest_init_seed(&d);
  ppmli_digest_update(&d, rng->key, sizeof rng->key);
  ppmli_digest_update(&d, bytes, count);
  ppmli_digest_final_seed(&d, rng->key);
  ppmli_digest_wipe(&d);
  ppmli_wipe(rng->buffer, sizeof rng->buffer);
  rng->buffered = 0;
}

PPMLI_STATIC int ppmli_rng_is_ready(const ppml_rng *rng) {
  return (rng->ready == PPMLI_RNG_READY && rng->entropy) || rng->ready == PPMLI_RNG_FOR_TESTS;
}

/* Begins a use of a generator: every public function that draws calls this first.  Folds fresh
 * entropy in, so that no two uses of copies of a state, be it a copied struct, a fork or a virtual
 * machine's snapshot, draw the same; of a fork the process too, should the entropy source be such
 * that it gives both the same.
 * Errors: RNG: nothing set the generator up, its entropy source failed when it was, or fails now. */
PPMLI_STATIC int ppmli_rng_begin(ppml_rng *rng) {
  uint8_t fresh[PPML_SEED_BYTES], process[8];
  if (!ppmli_rng_is_ready(rng)) return PPML_ERR_RNG;
  if (rng->ready == PPMLI_RNG_FOR_TESTS) return PPML_OK;
  int failed = rng->entropy(rng->context, fresh, sizeof fresh);
  if (!failed) ppmli_rng_fold(rng, fresh, sizeof fresh);
  ppmli_wipe(fresh, sizeof fresh);
  if (failed) return PPML_ERR_RNG;
  if (rng->process == ppmli_process()) return PPML_OK;
  rng->process = ppmli_process();
  ppmli_store64(process, rng->process);
  ppmli_rng_fold(rng, process, sizeof process);
  return PPML_OK;
}

/* Sets a generator up from an entropy source, which every use asks again.  Errors: RNG. */
PPMLI_STATIC int ppmli_rng_init(ppml_rng *rng,
                                int (*entropy)(void *context, void *bytes, size_t count),
                                void *context) {
  memset(rng, 0, sizeof *rng);
  if (entropy(context, rng->key, sizeof rng->key) != 0) {
    ppmli_wipe(rng, sizeof *rng);
    return PPML_ERR_RNG;
  }
  rng->entropy = entropy;
  rng->context = context;
  rng->process = ppmli_process();
  rng->ready = PPMLI_RNG_READY;
  return PPML_OK;
}

/* Draws, from a generator that is ready. */
PPMLI_STATIC void ppmli_rng_bytes(ppml_rng *rng, void *bytes, size_t count) {
  uint8_t *out = (uint8_t *)bytes;
  while (count) {
    if (rng->buffered == 0) ppmli_rng_refill(rng);
    size_t take = ppmli_min_size(count, rng->buffered);
    uint8_t *from = rng->buffer + sizeof rng->buffer - rng->buffered;
    memcpy(out, from, take);
    ppmli_wipe(from, take);
    rng->buffered -= (uint32_t)take;
    out += take;
    count -= take;
  }
}

PPMLI_STATIC uint64_t ppmli_rng_u64(ppml_rng *rng) {
  uint8_t b[8];
  ppmli_rng_bytes(rng, b, sizeof b);
  uint64_t x = ppmli_load64(b);
  ppmli_wipe(b, sizeof b);
  return x;
}

/* ------------------------------------------------------------------ noise */

/* An integer in [-bound, bound], each equally likely up to 2^-32 of its share:
 * standard deviation bound / sqrt 3.  Bounded, and no floats.  A power of two as
 * the bound would be TUniform with whole ends; any integer lets a set sit exactly
 * on the line of docs/NOISE.md "Security".
 *   random  64 uniform bits;  bound < 2^31
 * CT: a product of constant size. */
PPMLI_INLINE int64_t ppmli_noise(uint64_t random, uint32_t bound) {
  uint64_t count = 2 * (uint64_t)bound + 1;
  uint64_t low = (random & 0xffffffffu) * count >> 32;
  return (int64_t)(((random >> 32) * count + low) >> 32) - (int64_t)bound;
}

#endif
