/* string.h - what the library needs of a C library, which WebAssembly has none of; memory.c has it. */
#ifndef WASM_STRING_H
#define WASM_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *x, const void *y, size_t count);

#endif
