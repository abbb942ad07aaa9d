/* Where randomness begins: the operating system's generator, or the function that PPML_ENTROPY
 * names where there is no operating system.  Out: bytes nobody can guess, or an error.  In: nothing.
 * Next: rng.h. */
#ifndef PPMLI_BASE_ENTROPY_H
#define PPMLI_BASE_ENTROPY_H

#include "base.h"

#if __STDC_HOSTED__ && (defined(__unix__) || defined(__APPLE__))
#define PPMLI_HAS_PROCESSES 1
#include <unistd.h>
#else
#define PPMLI_HAS_PROCESSES 0
#endif

/* A number that a fork changes; 0 where there are no processes. */
PPMLI_STATIC uint64_t ppmli_process(void) {
#if PPMLI_HAS_PROCESSES
  return (uint64_t)getpid();
#else
  return 0;
#endif
}

#if defined(PPML_ENTROPY)
#ifdef __cplusplus
extern "C" {
#endif
int PPML_ENTROPY(void *bytes, size_t count);
#ifdef __cplusplus
}
#endif

PPMLI_STATIC int ppmli_entropy(void *bytes, size_t count) {
  return PPML_ENTROPY(bytes, count) == 0 ? PPML_OK : PPML_ERR_RNG;
}
#elif PPMLI_HAS_PROCESSES
#include <errno.h>
#include <fcntl.h>

/* PPMLI_GETRANDOM(bytes, count): how many bytes it stored, or -1 and errno.  The system call
 * itself, since older C libraries have no function for it.  Tests put their own in its place. */
#if !defined(PPMLI_GETRANDOM) && defined(__linux__)
#include <sys/syscall.h>
#if defined(SYS_getrandom)
#if !defined(__cplusplus) && !defined(_DEFAULT_SOURCE) && !defined(_GNU_SOURCE) &&                 \
    !defined(_BSD_SOURCE)
extern long syscall(long number, ...); /* <unistd.h> keeps it back under strict -std=c99 */
#endif
#define PPMLI_GETRANDOM(bytes, count) syscall(SYS_getrandom, (bytes), (count), 0)
#endif
#endif

#ifndef PPMLI_URANDOM
#define PPMLI_URANDOM "/dev/urandom"
#endif

#define PPMLI_ENTROPY_TRIES 100000 /* in a row that a signal, or a kernel not ready, may end */

/* 1 if a call that failed is worth repeating. */
PPMLI_STATIC int ppmli_entropy_again(int *tries) {
  return (errno == EINTR || errno == EAGAIN) && ++*tries < PPMLI_ENTROPY_TRIES;
}

/* From a kernel that has no getrandom. */
PPMLI_STATIC int ppmli_entropy_urandom(void *bytes, size_t count) {
  int tries = 0, fd;
  do fd = open(PPMLI_URANDOM, O_RDONLY);
  while (fd < 0 && ppmli_entropy_again(&tries));
  if (fd < 0) return PPML_ERR_RNG;
  size_t have = 0;
  for (tries = 0; have < count;) {
    ssize_t got = read(fd, (uint8_t *)bytes + have, count - have);
    if (got > 0) have += (size_t)got, tries = 0;
    else if (got == 0 || !ppmli_entropy_again(&tries)) break;
  }
  close(fd);
  return have == count ? PPML_OK : PPML_ERR_RNG;
}

/* Whoever can make getrandom fail must not choose a weaker source by that: the file is read
 * where the kernel does not know the call, and after no other failure. */
PPMLI_STATIC int ppmli_entropy(void *bytes, size_t count) {
#if defined(PPMLI_GETRANDOM)
  int tries = 0;
  size_t have = 0;
  while (have < count) {
    long got = (long)PPMLI_GETRANDOM((uint8_t *)bytes + have, count - have);
    if (got > 0) have += (size_t)got, tries = 0;
    else if (got < 0 && errno == ENOSYS) return ppmli_entropy_urandom(bytes, count);
    else if (got == 0 || !ppmli_entropy_again(&tries)) return PPML_ERR_RNG;
  }
  return PPML_OK;
#else
  return ppmli_entropy_urandom(bytes, count);
#endif
}
#else
#error "ppml: no entropy source: define PPML_ENTROPY to a function that fills bytes with entropy"
#endif

#endif
