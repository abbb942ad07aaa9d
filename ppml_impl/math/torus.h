/* The torus R/Z, on which ciphertexts live: a 64-bit integer t stands for t / 2^64 of a turn, so sums
 * wrap around by themselves.  Here are the moves to fewer bits, and the gadget: the digits into
 * which a word is taken apart before it meets a noisy key.  Next: params.h, poly.h.  In: words of 64
 * bits; out: fewer bits, or digits. */
#ifndef PPMLI_MATH_TORUS_H
#define PPMLI_MATH_TORUS_H

#include "../base/base.h"

#define PPMLI_TORUS_HALF ((uint64_t)1 << 63)

/* round(t * 2^bits / 2^64) mod 2^bits, 1 <= bits <= 32.  Error: uniform, 2^-bits / sqrt 12. */
PPMLI_INLINE uint32_t ppmli_torus_switch(uint64_t t, uint32_t bits) {
  uint64_t rounded = t + ((uint64_t)1 << (63 - bits));
  return (uint32_t)(rounded >> (64 - bits));
}

/* The 64-bit torus element that an element of Z / 2^bits stands for. */
PPMLI_INLINE uint64_t ppmli_torus_from(uint64_t x, uint32_t bits) {
  return x << (64 - bits);
}

/* Keeps the top bits of t, rounded: what the wire carries of a coefficient. */
PPMLI_INLINE uint64_t ppmli_torus_top(uint64_t t, uint32_t bits) {
  if (bits == 64) return t;
  return (t + ((uint64_t)1 << (63 - bits))) >> (64 - bits);
}

/* x as a signed integer; spelled out, as a cast of a large value is not portable C. */
PPMLI_INLINE int64_t ppmli_torus_signed(uint64_t x) {
  return x < PPMLI_TORUS_HALF ? (int64_t)x : -(int64_t)~x - 1;
}

PPMLI_INLINE int32_t ppmli_torus_signed32(uint32_t x) {
  return x < 0x80000000u ? (int32_t)x : -(int32_t)~x - 1;
}

/* A decomposition in base B = 2^base_log2 with digits in [-B/2, B/2), the most
 * significant one first.  Adding offset makes every digit an independent shift and
 * mask, with no carry; the lowest levels are rounded away:
 *
 *   x = sum_{j < levels} digit_j 2^(width - base_log2 (j + 1)) + rounding,
 *   |rounding| <= 2^(width - base_log2 levels - 1)
 */
typedef struct ppmli_gadget {
  uint32_t base_log2, levels;
  uint32_t width; /* of the torus: 32 or 64 */
  uint64_t offset;
} ppmli_gadget;

#define PPMLI_GADGET_BASE_LOG2_MAX 32 /* a digit becomes a double by the bits of 2^52 + digit */

/* Do so many digits fit in a torus of so many bits?  A constant, for constants. */
#define PPMLI_GADGET_FITS(base_log2, levels, width)                                                \
  ((base_log2) <= PPMLI_GADGET_BASE_LOG2_MAX && (base_log2) * (levels) <= (width))

/* Digits that do not fit are refused: a gadget of no levels, which no set has. */
PPMLI_INLINE ppmli_gadget ppmli_gadget_make(uint32_t base_log2, uint32_t levels, uint32_t width) {
  ppmli_gadget g = {base_log2, levels, width, 0}, none = {0, 0, 0, 0};
  if (base_log2 == 0 || !PPMLI_GADGET_FITS(base_log2, (uint64_t)levels, width)) return none;
  for (uint32_t j = 1; j <= levels; j++)
    g.offset += (uint64_t)1 << (width - base_log2 * j + base_log2 - 1);
  if (base_log2 * levels < width) g.offset += (uint64_t)1 << (width - base_log2 * levels - 1);
  return g;
}

/* How far digit level stands from the right, and the digit itself. */
PPMLI_INLINE uint32_t ppmli_gadget_shift(const ppmli_gadget *g, uint32_t level) {
  return g->width - g->base_log2 * (level + 1);
}

PPMLI_INLINE int64_t ppmli_gadget_digit(const ppmli_gadget *g, uint64_t x, uint32_t level) {
  uint64_t mask = ((uint64_t)1 << g->base_log2) - 1;
  uint64_t digit = (x + g->offset) >> ppmli_gadget_shift(g, level) & mask;
  return (int64_t)digit - ((int64_t)1 << (g->base_log2 - 1));
}

#endif
