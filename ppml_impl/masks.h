/* Layer 2: public masks at the speed of the vector units. */
#ifndef PPMLI_MASKS_H
#define PPMLI_MASKS_H

#include "fft/backend.h"
#include "rng.h"

#define PPMLI_CHACHA_BLOCK_WORDS (PPMLI_CHACHA_BLOCK_BYTES / 8)
#define PPMLI_MASK_BLOCKS 16 /* a multiple of the lanes of every backend */

/* The first words of the stream (seed, purpose, index), which is public: what
 * ppmli_stream_init and ppmli_stream_u64 give, on every backend.
 *   words  [count]  out */
PPMLI_STATIC void ppmli_mask_u64(uint64_t *words, size_t count, const uint8_t *seed,
                                 uint32_t purpose, uint64_t index, const ppmli_fft *fft) {
  uint32_t state[16];
  uint64_t last[PPMLI_CHACHA_BLOCK_WORDS];
  size_t blocks = count / PPMLI_CHACHA_BLOCK_WORDS, rest = count % PPMLI_CHACHA_BLOCK_WORDS;
  ppmli_chacha_state(state, seed, purpose, index);
  fft->backend->chacha(words, state, blocks);
  if (rest == 0) return;
  state[12] += (uint32_t)blocks;
  fft->backend->chacha(last, state, 1);
  memcpy(words + blocks * PPMLI_CHACHA_BLOCK_WORDS, last, rest * sizeof *last);
}

/* The same as ppmli_stream_u32 gives them, by way of a buffer. */
PPMLI_STATIC void ppmli_mask_u32(uint32_t *words, size_t count, const uint8_t *seed,
                                 uint32_t purpose, uint64_t index, const ppmli_fft *fft) {
  uint32_t state[16];
  uint64_t some[PPMLI_MASK_BLOCKS * PPMLI_CHACHA_BLOCK_WORDS];
  const size_t most = 2 * sizeof some / sizeof *some;
  ppmli_chacha_state(state, seed, purpose, index);
  for (size_t done = 0; done < count; done += most, state[12] += PPMLI_MASK_BLOCKS) {
    size_t take = ppmli_min_size(count - done, most);
    fft->backend->chacha(some, state,
                         (4 * take + PPMLI_CHACHA_BLOCK_BYTES - 1) / PPMLI_CHACHA_BLOCK_BYTES);
    for (size_t i = 0; i < take; i++) words[done + i] = (uint32_t)(some[i / 2] >> 32 * (i % 2));
  }
}

#endif
