/* png.h - one image from a PNG file in memory (ISO/IEC 15948).
 *
 * Read here: all colour types and depths, 1 to 16 bits, interlaced or not.  16 bits are scaled to
 * 8; what is transparent, by an alpha channel or a tRNS chunk, is laid on black; a palette becomes
 * RGB: values are those of libpng with png_set_expand, png_set_background of black and
 * png_set_scale_16.  Gamma and colour profiles change nothing, as they change nothing there.  Chunks
 * that may be passed over are, but for eXIf; CRC-32 and Adler-32 are verified.  Bytes behind the IEND
 * chunk are ignored.
 *
 * Errors: as in image.h.  Time is linear in the file's size and the image's. */
#ifndef PNG_H
#define PNG_H

#include "image.h"

/* Do the bytes begin like a PNG file? */
int png_is(const uint8_t *bytes, size_t count);

/* As image_measure and image_read. */
const char *png_measure(image *out, const uint8_t *bytes, size_t count);
const char *png_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                     size_t memory_bytes);

#endif
