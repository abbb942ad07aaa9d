/* zephyr/random/random.h - a stand-in: this machine's generator in place of the system's. */
#ifndef ZEPHYR_RANDOM_H
#define ZEPHYR_RANDOM_H

#include <stddef.h>
#include <stdio.h>

static inline int sys_csrand_get(void *bytes, size_t count) {
  FILE *source = fopen("/dev/urandom", "rb");
  if (source == NULL) return -5;
  size_t got = fread(bytes, 1, count, source);
  fclose(source);
  return got == count ? 0 : -5;
}

#endif
