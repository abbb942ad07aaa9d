/* feed.h - a fuzzer's bytes taken as numbers, one after the other; zeros once they have ended. */
#ifndef PPML_FUZZ_FEED_H
#define PPML_FUZZ_FEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct feed {
  const uint8_t *bytes;
  size_t count;
} feed;

static inline uint32_t feed_byte(feed *f) {
  if (f->count == 0) return 0;
  f->count--;
  return *f->bytes++;
}

static inline uint32_t feed_u32(feed *f) {
  uint32_t word = 0;
  for (int i = 0; i < 4; i++) word = word << 8 | feed_byte(f);
  return word;
}

/* 0 .. below - 1, below at most 256 */
static inline uint32_t feed_below(feed *f, uint32_t below) {
  return feed_byte(f) % below;
}

/* -most .. most, most at most 127 */
static inline int32_t feed_within(feed *f, int32_t most) {
  return (int32_t)feed_below(f, 2 * (uint32_t)most + 1) - most;
}

/* What a check found wrong ends the program. */
#define feed_require(condition)                                                                    \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition);                          \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

#endif
