/* Public masks at the speed of the vector units: the same words that base/stream.h gives, made by
 * the backend's ChaCha20.  In: seed, purpose, index; out: words of a mask.  Next: fft/backend.h. */
#ifndef PPMLI_MATH_MASKS_H
#define PPMLI_MATH_MASKS_H

#include "../base/stream.h"
#include "fft/avx2.h"
#include "fft/avx512.h"
#include "fft/backend.h"
#include "fft/neon.h"
#include "fft/ref.h"

/* The stream of a mask. */
typedef struct ppmli_mask {
  const uint8_t *seed;
  uint32_t purpose;
  uint64_t index;
} ppmli_mask;

#define PPMLI_CHACHA_BLOCK_WORDS (PPMLI_CHACHA_BLOCK_BYTES / 8)
#define PPMLI_MASK_BLOCKS 16 /* a multiple of the lanes of every backend */

/* The chacha hook of this CPU's best backend, and nothing else of it: a client draws masks by
 * it without a transform in its program. */
PPMLI_STATIC ppmli_chacha_hook ppmli_mask_hook(void) {
#if PPMLI_BACKEND_BUILT(PPML_BACKEND_AVX512)
  if (ppmli_avx512_supported()) return ppmli_avx512_chacha;
#endif
#if PPMLI_BACKEND_BUILT(PPML_BACKEND_AVX2)
  if (ppmli_avx2_supported()) return ppmli_avx2_chacha;
#endif
#if PPMLI_BACKEND_BUILT(PPML_BACKEND_NEON)
  if (ppmli_neon_supported()) return ppmli_neon_chacha;
#endif
  return ppmli_ref_chacha;
}

/* Words of the stream, which is public: what ppmli_stream_init and ppmli_stream_u64 give, by every hook.
 *   words  [count]  out
 *   first  the one to begin at, a multiple of PPMLI_CHACHA_BLOCK_WORDS */
PPMLI_STATIC void ppmli_mask_part(uint64_t *words, size_t count, const ppmli_mask *mask,
                                  size_t first, ppmli_chacha_hook chacha) {
  uint32_t state[16];
  uint64_t last[PPMLI_CHACHA_BLOCK_WORDS];
  size_t blocks = count / PPMLI_CHACHA_BLOCK_WORDS, rest = count % PPMLI_CHACHA_BLOCK_WORDS;
  ppmli_chacha_state(state, mask->seed, mask->purpose, mask->index);
  state[12] = (uint32_t)(first / PPMLI_CHACHA_BLOCK_WORDS);
  chacha(words, state, blocks);
  if (rest == 0) return;
  state[12] += (uint32_t)blocks;
  chacha(last, state, 1);
  memcpy(words + blocks * PPMLI_CHACHA_BLOCK_WORDS, last, rest * sizeof *last);
}

/* The first words of the stream (seed, purpose, index). */
PPMLI_STATIC void ppmli_mask_u64(uint64_t *words, size_t count, const uint8_t *seed,
                                 uint32_t purpose, uint64_t index, ppmli_chacha_hook chacha) {
  const ppmli_mask mask = {seed, purpose, index};
  ppmli_mask_part(words, count, &mask, 0, chacha);
}

/* The same as ppmli_stream_u32 gives them, by way of a buffer. */
PPMLI_STATIC void ppmli_mask_u32(uint32_t *words, size_t count, const uint8_t *seed,
                                 uint32_t purpose, uint64_t index, ppmli_chacha_hook chacha) {
  uint32_t state[16];
  uint64_t some[PPMLI_MASK_BLOCKS * PPMLI_CHACHA_BLOCK_WORDS];
  const size_t most = 2 * sizeof some / sizeof *some;
  ppmli_chacha_state(state, seed, purpose, index);
  for (size_t done = 0; done < count; done += most, state[12] += PPMLI_MASK_BLOCKS) {
    size_t take = ppmli_min_size(count - done, most);
    chacha(some, state, (4 * take + PPMLI_CHACHA_BLOCK_BYTES - 1) / PPMLI_CHACHA_BLOCK_BYTES);
    for (size_t i = 0; i < take; i++) words[done + i] = (uint32_t)(some[i / 2] >> 32 * (i % 2));
  }
}

#endif
