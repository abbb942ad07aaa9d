/* What every header needs of the C language: fixed-size integers, inlining, and PPMLI_TRY, which
 * hands an error on to the caller.  Nothing here knows of encryption.  Next: ct.h, arena.h.  In: a
 * compiler; out: one dialect of C for all headers. */
#ifndef PPMLI_BASE_BASE_H
#define PPMLI_BASE_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../ppml.h"

/* Checks of invariants that no input can break: on in tests and fuzzing. */
#ifdef PPML_ASSERT
#define PPMLI_ASSERT(condition) PPML_ASSERT(condition)
#else
#define PPMLI_ASSERT(condition) ((void)0)
#endif

/* A header-only implementation may leave some functions unused. */
#if defined(__GNUC__)
#define PPMLI_UNUSED __attribute__((unused))
#define PPMLI_KERNEL static inline __attribute__((always_inline, unused))
#else
#define PPMLI_UNUSED
#define PPMLI_KERNEL static inline
#endif
#define PPMLI_STATIC static PPMLI_UNUSED

/* Small functions are inlined, but in a build for little code, whose compiler chooses which; a kernel's steps
 * are inlined in any. */
#ifdef PPML_SMALL
#define PPMLI_INLINE static inline PPMLI_UNUSED
#else
#define PPMLI_INLINE PPMLI_KERNEL
#endif

#if defined(__cplusplus) || !defined(__STDC_VERSION__)
#define PPMLI_RESTRICT __restrict
#else
#define PPMLI_RESTRICT restrict
#endif

/* With -fsingle-precision-constant, constants of doubles have the digits of floats, and noise
 * formulas and transforms go wrong: 2^24 + 1 is no float.  A negative size does not compile. */
typedef char ppmli_constants_are_doubles[(int32_t)16777217.0 == 16777217 ? 1 : -1];

/* Returns the error of a call that failed; the line reads as the call alone. */
#define PPMLI_TRY(call)                                                                            \
  do {                                                                                             \
    int ppmli_error = (call);                                                                      \
    if (ppmli_error != PPML_OK) return ppmli_error;                                                \
  } while (0)

PPMLI_INLINE size_t ppmli_min_size(size_t a, size_t b) {
  return a < b ? a : b;
}

PPMLI_INLINE size_t ppmli_max_size(size_t a, size_t b) {
  return a > b ? a : b;
}

#endif
