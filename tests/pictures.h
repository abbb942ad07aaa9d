/* pictures.h - what the suites of pictures share. */
#ifndef PPML_TEST_PICTURES_H
#define PPML_TEST_PICTURES_H

#include <stdlib.h>
#include <string.h>

#include "../examples/cli/image.h"
#include "suite.h"

/* Reads from and into blocks of just the size; *memory is for the caller to free. */
TEST_STATIC const char *load(image *out, const uint8_t *bytes, size_t count, void **memory) {
  uint8_t *copy = malloc(count > 0 ? count : 1);
  ck_assert(copy);
  if (count > 0) memcpy(copy, bytes, count);
  *memory = NULL;
  const char *reason = image_measure(out, NULL, copy, count);
  if (!reason) {
    size_t memory_bytes = out->memory_bytes;
    *memory = malloc(memory_bytes);
    ck_assert(*memory);
    reason = image_read(out, NULL, copy, count, *memory, memory_bytes);
  }
  free(copy);
  return reason;
}

#endif
