/* image.h - one image from a PGM, PPM, PNG or JPEG file in memory.
 *
 * Read here: PGM and PPM, binary (P5, P6) and plain (P2, P3), of maxval 1 to 255, rescaled to 255;
 * PNG of 8 bits per sample, not interlaced: gray, RGB and palette, with or without alpha, which is
 * dropped.  A palette image becomes RGB.  CRC-32 and Adler-32 are verified.
 * Of JPEG, what jpeg.h has.  PNG and JPEG are turned upright, as their Exif data say (exif.h).
 *
 * Use: image_measure tells memory_bytes, image_read decodes into a block of that size.
 *
 * Errors: functions return NULL when done, or else one static line of English, "what is wrong (what
 * was expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef IMAGE_H
#define IMAGE_H

#include "../../ppml.h"

#include <stddef.h>
#include <stdint.h>

/* Longest side that is read.  It bounds memory_bytes: less than 2^27 and the file's own size. */
#define IMAGE_SIDE_MAX PPML_SIDE_MAX

typedef struct image {
  size_t
      memory_bytes; /* what image_read needs; more than the pixels, as PNG and JPEG decode in steps */
  size_t width;     /* 1 to IMAGE_SIDE_MAX */
  size_t height;    /* likewise */
  unsigned channels;     /* 1 gray, 3 RGB */
  const uint8_t *pixels; /* [height][width][channels], at the start of image_read's memory */
} image;

/* Checks the file's structure and sets all but pixels. */
const char *image_measure(image *out, const void *bytes, size_t count);

/* Decodes the image into memory, which has at least the memory_bytes that image_measure told. */
const char *image_read(image *out, const void *bytes, size_t count, void *memory,
                       size_t memory_bytes);

#endif
