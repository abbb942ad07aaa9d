/* Products of small odd radices, by which exact inference splits integers into digits.
 *
 * A phase v / r with v in Z_r and r odd never coincides with another one plus half a turn, so one
 * negacyclic blind rotation applies any function to v.  Radices are at most PPMLI_RADIX_MAX, so that
 * neighbours stay far apart beside the noise: docs/NOISE.md "Exact inference".
 *
 * In: an integer; out: its radices.  Next: network/windows.h. */
#ifndef PPMLI_MATH_RADICES_H
#define PPMLI_MATH_RADICES_H

#include "../base/base.h"

#define PPMLI_RADIX_MAX 19
#define PPMLI_RADICES_MAX 4      /* that many radices have products up to 19^4 */
#define PPMLI_DIVISOR_MAX 130321 /* 19^4 */

/* Splits m into the fewest odd radices, the largest first.
 *   radix [PPMLI_RADICES_MAX]  out
 * Returns how many, 0 for m = 1; -1 if m is no such product. */
PPMLI_STATIC int ppmli_radices_factor(uint32_t *radix, int64_t m) {
  int count = 0;
  if (m < 1) return -1;
  while (m > 1) {
    int64_t r = PPMLI_RADIX_MAX;
    while (r > 1 && m % r != 0) r -= 2;
    if (r == 1 || count == PPMLI_RADICES_MAX) return -1;
    radix[count++] = (uint32_t)r;
    m /= r;
  }
  return count;
}

PPMLI_STATIC int ppmli_radices_is_product(int64_t m) {
  uint32_t radix[PPMLI_RADICES_MAX];
  return ppmli_radices_factor(radix, m) >= 0;
}

/* The range that exact inference can carry and that is nearest to `range`, by ratio:
 * 127 m, m a product of at most PPMLI_RADICES_MAX odd radices, 1 among them. */
PPMLI_STATIC int32_t ppmli_radices_range(double range) {
  const double wanted = range / PPML_ACTIVATION_MAX;
  if (!(wanted > 1)) return PPML_ACTIVATION_MAX;
  if (wanted >= PPMLI_DIVISOR_MAX) return PPML_ACTIVATION_MAX * PPMLI_DIVISOR_MAX;
  int32_t below = (int32_t)wanted, above = below + 1;
  while (!ppmli_radices_is_product(below)) below--;
  while (!ppmli_radices_is_product(above)) above++;
  return PPML_ACTIVATION_MAX * (wanted / below <= above / wanted ? below : above);
}

#endif
