/* memory.c - the functions that compilers may call, where there is no C library. */
#include <stdint.h>
#include <string.h>

/* Up to this a loop is faster than WebAssembly's instruction, which calls out of the program. */
#define FEW 64

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  uint8_t *out = to;
  const uint8_t *in = from;
  if (count > FEW) return __builtin_memcpy(to, from, count);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) __builtin_memcpy(out + i, in + i, 8);
  for (; i < count; i++) out[i] = in[i];
  return to;
}

void *memset(void *to, int byte, size_t count) {
  return __builtin_memset(to, byte, count);
}

int memcmp(const void *x, const void *y, size_t count) {
  const uint8_t *a = x, *b = y;
  for (size_t i = 0; i < count; i++)
    if (a[i] != b[i]) return a[i] - b[i];
  return 0;
}
