/* jpeg_pixels.h - from coefficients to samples, and from planes of samples to pixels. */
#ifndef JPEG_PIXELS_H
#define JPEG_PIXELS_H

#include "jpeg.h"
#include "jpeg_file.h"

/* [64] dequantized coefficients, of 40 bits at most, to 8 by 8 samples, 128 added; block is
 * overwritten. */
void jpeg_idct(uint8_t *samples, size_t stride, int64_t *block);

/* Bytes of rows that jpeg_set_pixels takes. */
size_t jpeg_rows_bytes(const jpeg_file *j);

/* What the components are; NULL, or why that cannot be told. */
const char *jpeg_check_colours(const jpeg_file *j, jpeg_colours colours);

/* Colours for each pixel of the planes, which goes where it is in the upright picture.
 *   pixels  [height][width][1 or 3]
 *   rows    [jpeg_rows_bytes] scratch */
void jpeg_set_pixels(const jpeg_file *j, jpeg_colours colours, uint8_t *pixels, uint8_t *rows);

#endif
