/* One ciphertext of an image for sums alone: the smallest client there is.
 *
 * Integers of 32 bits, no multiplication but that of the noise's draw, and only the words that travel are
 * made: a device needs room for a mask and the key's bits spread to bytes beside the message, 5 KB
 * at N = 1024.  In: a message, the secret key, seeds; out: body words.  Next: path.h, which chooses
 * it, and server/linear_score.h. */
#ifndef PPMLI_CLIENT_LINEAR_ENCRYPT_H
#define PPMLI_CLIENT_LINEAR_ENCRYPT_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../base/stream.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../math/poly.h"

PPMLI_INLINE size_t ppmli_encrypt_short_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(int8_t)) +
         ppmli_arena_rounded(p->poly_size * sizeof(uint32_t));
}

/* Coefficient j of a s modulo X^N + 1: s_i meets a_(j - i), or -a_(N + j - i) where i > j.
 *   mask  [N]  a, the highest coefficient first
 *   key   [N]  -1 where the key's bit is set, else 0
 * CT: time depends on j and N only. */
PPMLI_STATIC uint32_t ppmli_short_mask_times_key(const uint32_t *mask, const int8_t *key,
                                                 uint32_t j, uint32_t N) {
  const uint32_t *low = mask + (N - 1 - j);
  const int8_t *high = key + j + 1;
  uint32_t plus = 0, minus = 0;
  for (uint32_t i = 0; i <= j; i++) {
    uint32_t all_bits = (uint32_t)key[i]; /* or none */
    plus += low[i] & all_bits;
  }
  for (uint32_t i = 0; i < N - 1 - j; i++) {
    uint32_t all_bits = (uint32_t)high[i];
    minus += mask[i] & all_bits;
  }
  return plus - minus;
}

/* The mask, its highest coefficient first. */
PPMLI_STATIC void ppmli_short_mask(uint32_t *mask, const ppmli_mask *from, uint32_t N) {
  ppmli_stream words;
  ppmli_stream_init(&words, from->seed, from->purpose, from->index);
  ppmli_stream_u32(&words, mask, N);
  for (uint32_t i = 0; i < N / 2; i++) {
    uint32_t low = mask[i];
    mask[i] = mask[N - 1 - i];
    mask[N - 1 - i] = low;
  }
}

/* A ciphertext whose body is made word by word. */
typedef struct ppmli_short {
  int8_t *key;    /* [N]  -1 where the key's bit is set, else 0; secret */
  uint32_t *mask; /* [N]  the highest coefficient first */
} ppmli_short;

/* Memory: ppmli_encrypt_short_scratch(p).  Errors: NOMEM.  CT.
 *   key  [N bits] */
PPMLI_STATIC int ppmli_short_open(ppmli_short *s, const ppml_params *p, const uint8_t *key,
                                  const ppmli_mask *mask, ppml_arena *arena) {
  PPMLI_ALLOC(int8_t, spread, arena, p->poly_size);
  PPMLI_ALLOC(uint32_t, reversed, arena, p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++)
    spread[i] = (int8_t)(0 - (int)ppmli_ct_hide(ppmli_bit(key, i)));
  ppmli_short_mask(reversed, mask, p->poly_size);
  s->key = spread;
  s->mask = reversed;
  return PPML_OK;
}

PPMLI_STATIC void ppmli_short_close(ppmli_short *s, const ppml_params *p) {
  ppmli_wipe(s->key, p->poly_size * sizeof *s->key);
}

/* Encrypts the next words of a message on the torus of 32 bits, and keeps of them what travels.
 *   body   [count]  in: the message, in the upper 32 bits; out: the body's words from `first` on
 *   noise  where the words before left it
 * Noise: fresh, plus 2^-input_wire_bits / sqrt 12 of rounding.  CT: time depends on first and count. */
PPMLI_STATIC void ppmli_short_encrypt(uint64_t *body, const ppmli_short *s, const ppml_params *p,
                                      uint32_t first, uint32_t count, ppmli_stream *noise) {
  const uint32_t N = p->poly_size, lost = PPMLI_SHORT_TORUS_BITS - p->input_wire_bits;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t random;
    ppmli_stream_u64(noise, &random, 1);
    uint32_t word = ppmli_short_mask_times_key(s->mask, s->key, first + i, N);
    word += (uint32_t)(uint64_t)ppmli_noise(random, p->glwe_noise_bound);
    word += (uint32_t)(body[i] >> PPMLI_SHORT_TORUS_BITS) + ((uint32_t)1 << (lost - 1));
    body[i] = (uint64_t)(word >> lost) << (64 - p->input_wire_bits);
  }
}

/* Encrypts a message of one ciphertext.
 *   body   [N]  in: the message; out: the body's first `words` words, then zeros
 *   key    [N bits]
 * Scratch: ppmli_encrypt_short_scratch(p) bytes.  Errors: NOMEM.  CT: time depends on words only. */
PPMLI_STATIC int ppmli_encrypt_short_block(uint64_t *body, const ppml_params *p, const uint8_t *key,
                                           const ppmli_mask *mask, ppmli_stream *noise,
                                           uint32_t words, ppml_arena *arena) {
  size_t mark = arena->used_bytes;
  ppmli_short s;
  PPMLI_TRY(ppmli_short_open(&s, p, key, mask, arena));
  ppmli_short_encrypt(body, &s, p, 0, words, noise);
  memset(body + words, 0, (p->poly_size - words) * sizeof *body);
  ppmli_short_close(&s, p);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
