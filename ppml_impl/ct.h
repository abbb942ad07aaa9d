/* Layer 0: code whose time does not depend on its data. */
#ifndef PPMLI_CT_H
#define PPMLI_CT_H

#include "base.h"

/* Clears secrets; volatile, so that a compiler cannot drop it as a dead store. */
PPMLI_STATIC void ppmli_wipe(void *bytes, size_t count) {
  volatile unsigned char *p = (volatile unsigned char *)bytes;
  while (count--) *p++ = 0;
}

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

#endif
