/* memory.c - the functions that compilers may call, where there is no C library. */
#include <stdint.h>
#include <string.h>

/* Below this a loop is faster than WebAssembly's instruction, which calls out of the program. */
#define FEW 64

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  uint8_t *out = to;
  const uint8_t *in = from;
  if (count >= FEW) return __builtin_memcpy(to, from, count);
  for (; count >= 8; count -= 8, out += 8, in += 8) __builtin_memcpy(out, in, 8);
  while (count--) *out++ = *in++;
  return to;
}

void *memset(void *to, int byte, size_t count) {
  return __builtin_memset(to, byte, count);
}

int memcmp(const void *x, const void *y, size_t count) {
  const uint8_t *a = x, *b = y;
  for (; count--; a++, b++)
    if (*a != *b) return *a < *b ? -1 : 1;
  return 0;
}
