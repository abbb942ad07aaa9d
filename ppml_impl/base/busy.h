/* A flag that one call at a time holds.  In: a flag in an object that calls share; out: whether this
 * call holds it now.  Next: server/evalkey.h, whose streams have one. */
#ifndef PPMLI_BASE_BUSY_H
#define PPMLI_BASE_BUSY_H

#include "base.h"

/* Compilers say where an exchange is an instruction rather than a call of a library that need not
 * be there.  Elsewhere, on a Cortex-M0 say, plain loads and stores refuse a call from inside
 * another one, by a reader's callback or an interrupt; of threads, such a machine's program has to
 * see to it itself that no two use one object. */
#if defined(__GCC_ATOMIC_INT_LOCK_FREE) && __GCC_ATOMIC_INT_LOCK_FREE == 2
#define PPMLI_BUSY_IS_ATOMIC 1
#else
#define PPMLI_BUSY_IS_ATOMIC 0
#endif

/* 0 if some other call holds the flag. */
PPMLI_STATIC int ppmli_busy_take(int *flag) {
#if PPMLI_BUSY_IS_ATOMIC
  return __atomic_exchange_n(flag, 1, __ATOMIC_ACQUIRE) == 0;
#else
  volatile int *seen = flag;
  if (*seen) return 0;
  *seen = 1;
  return 1;
#endif
}

PPMLI_STATIC void ppmli_busy_release(int *flag) {
#if PPMLI_BUSY_IS_ATOMIC
  __atomic_store_n(flag, 0, __ATOMIC_RELEASE);
#else
  volatile int *seen = flag;
  *seen = 0;
#endif
}

#endif
