/* Words of 80 bits on the torus: the top 64 in one array, the 16 below as a tail in another.  Leveled
 * sets have them, because their noise is finer than 64 bits can hold.  Next: long_make.h, how a
 * client encrypts such words; long_apply.h, how a server takes them into its transforms.  In: a
 * parameter set; out: sizes. */
#ifndef PPMLI_MATH_LONG_H
#define PPMLI_MATH_LONG_H

#include "params.h"

#define PPMLI_LONG_TAIL_BITS (PPMLI_LONG_TORUS_BITS - 64)

/* Words of a mask's stream: the tops, then the tails, four a word. */
PPMLI_INLINE size_t ppmli_long_mask_words(const ppml_params *p) {
  return p->poly_size + p->poly_size / 4;
}

/* Tail i of a mask.
 *   mask  [ppmli_long_mask_words] */
PPMLI_INLINE uint64_t ppmli_long_mask_tail(const uint64_t *mask, uint32_t i, uint32_t poly_size) {
  return mask[poly_size + i / 4] >> (PPMLI_LONG_TAIL_BITS * (i % 4)) & 0xffff;
}

/* Moves what tails have above their bits to the tops.
 *   tail  [N]  in: signed, of magnitude below 2^60; out: below 2^16 */
PPMLI_STATIC void ppmli_long_carry(uint64_t *top, uint64_t *tail, uint32_t poly_size) {
  const uint64_t above = (uint64_t)1 << 60; /* makes what is shifted positive */
  for (uint32_t i = 0; i < poly_size; i++) {
    uint64_t carry = ((tail[i] + above) >> PPMLI_LONG_TAIL_BITS) - (above >> PPMLI_LONG_TAIL_BITS);
    top[i] += carry;
    tail[i] &= 0xffff;
  }
}

#endif
