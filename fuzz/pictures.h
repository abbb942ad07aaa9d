/* pictures.h - what the fuzz targets of pictures hold a reader to. */
#ifndef PPML_FUZZ_PICTURES_H
#define PPML_FUZZ_PICTURES_H

#include <stdlib.h>

#include "../examples/cli/image.h"

static volatile unsigned sink;

/* Reading must agree with measuring, and all pixels must be set. */
static void check_image(const image *measured, const image *got, const uint8_t *memory) {
  size_t pixels = got->width * got->height * got->channels;
  if (got->width != measured->width || got->height != measured->height ||
      got->channels != measured->channels || got->memory_bytes != measured->memory_bytes)
    abort();
  if (got->pixels != memory || pixels == 0 || pixels > got->memory_bytes) abort();
  if (got->channels != 1 && got->channels != 3) abort();
  for (size_t i = 0; i < pixels; i++) sink += got->pixels[i];
}

#endif
