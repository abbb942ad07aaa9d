/* jpeg.h - one image from a baseline JPEG file in memory (ITU-T T.81).
 *
 * Read here: baseline sequential DCT (SOF0) of 8 bits per sample, gray or YCbCr, sampling factors 1
 * and 2 (4:4:4, 4:2:2, 4:4:0, 4:2:0), one scan or several, restart intervals.  Refused: extended,
 * progressive, lossless, hierarchical and arithmetic JPEG, 12 bits, Adobe's RGB and CMYK.
 *
 * The inverse DCT is that of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) on integers with
 * constants of 13 bits, the one that libjpeg calls "islow": samples are the same, bit for bit.
 * Chroma that was subsampled is repeated, not interpolated (djpeg -nosmooth), and colours become
 * RGB as JFIF has it, with constants of 16 bits.  An orientation in Exif data is applied:
 * width, height and pixels are those of the upright picture (exif.h).
 *
 * Errors: as in image.h.  Time is linear in the file's size. */
#ifndef JPEG_H
#define JPEG_H

#include "image.h"

/* Checks what stands before the first scan and sets all but pixels.  A file too short for the image
 * that it claims is refused here, so memory_bytes is at most 1024 times count. */
const char *jpeg_measure(image *out, const uint8_t *bytes, size_t count);

/* Decodes the image into memory, which has at least the memory_bytes that jpeg_measure told.
 * Refuses data that end early, codes that are not in their table, coefficients outside a block,
 * restart markers out of order, and bytes after the end. */
const char *jpeg_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                      size_t memory_bytes);

#endif
