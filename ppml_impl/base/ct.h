/* Code that handles secrets: wiping memory so that the compiler cannot leave it out, and masks that
 * choose without a branch.  "CT" in a comment, in any header, promises that time and memory
 * addresses do not depend on secrets.  In: words that are secret; out: masks and choices of them. Next:
 * rng.h. */
#ifndef PPMLI_BASE_CT_H
#define PPMLI_BASE_CT_H

#include "base.h"

/* Clears secrets.  A compiler could drop that as a dead store; the empty assembly says that the
 * memory is looked at. */
PPMLI_STATIC void ppmli_wipe(void *bytes, size_t count) {
#if defined(__GNUC__)
  memset(bytes, 0, count);
  __asm__ __volatile__("" : : "r"(bytes) : "memory");
#else
  volatile unsigned char *p = (volatile unsigned char *)bytes;
  while (count--) *p++ = 0;
#endif
}

/* A condition that may be known, though secrets went into it: its user says why.  A check of secret
 * memory (tests/ct) defines PPMLI_PUBLIC, so that it reports every other branch on a secret. */
#ifndef PPMLI_PUBLIC
#define PPMLI_PUBLIC(condition) (condition)
#endif

/* All ones where bit is 1, zero where it is 0.  CT. */
PPMLI_INLINE uint64_t ppmli_ct_mask(uint64_t bit) {
  return (uint64_t)0 - bit;
}

/* x, of which a compiler knows nothing: from a bit that it sees to be one it makes branches. */
PPMLI_INLINE uint64_t ppmli_ct_hide(uint64_t x) {
#if defined(__GNUC__)
  __asm__("" : "+r"(x));
  return x;
#else
  volatile uint64_t hidden = x;
  return hidden;
#endif
}

/* 1 if a < b, else 0.  CT. */
PPMLI_INLINE uint64_t ppmli_ct_less(uint64_t a, uint64_t b) {
  return ppmli_ct_hide(((~a & b) | ((~a | b) & (a - b))) >> 63);
}

/* floor(n 2^shift / d) modulo 2^64 and what is left; 0 < d <= 2^63.  Divides a bit at a time: the
 * machine's own division takes a time that tells of n, and of 64 bits is 1 KB of code on small ones.
 *   above  out: bits of the quotient from 2^32 on.  CT. */
PPMLI_STATIC uint64_t ppmli_ct_quotient(uint64_t *above, uint64_t *rest, uint64_t n, uint32_t shift,
                                        uint64_t d) {
  uint64_t quotient = 0, left = 0, overflow = 0;
  for (uint32_t i = 0; i < 64 + shift; i++) {
    left = left << 1 | (i < 64 ? n >> (63 - i) & 1 : 0);
    uint64_t fits = 1 - ppmli_ct_less(left, d);
    left -= d & ppmli_ct_mask(fits);
    quotient = quotient << 1 | fits;
    overflow |= quotient >> 32;
  }
  *above = overflow;
  *rest = left;
  return quotient;
}

/* floor(n / d).  CT. */
PPMLI_STATIC uint64_t ppmli_ct_floor(uint64_t n, uint64_t d) {
  uint64_t above, rest;
  return ppmli_ct_quotient(&above, &rest, n, 0, d);
}

#endif
