/* jpeg.h - one image from a JPEG file in memory (ITU-T T.81).
 *
 * Read here: baseline, extended sequential (SOF0, SOF1) and progressive DCT (SOF2) of 8 bits per
 * sample with Huffman codes; gray, YCbCr and RGB, and CMYK and YCCK where Adobe's marker says which;
 * sampling factors 1 to 4; quantization tables of 8 and 16 bits; one scan or several; restart
 * intervals.  Refused: 12 bits, lossless, hierarchical and arithmetic JPEG, and a progressive image
 * some of whose scans are not there.  Bytes behind the EOI marker are ignored.
 *
 * Samples are those of libjpeg-turbo's accurate decoding, `djpeg -dct int`: its inverse DCT on
 * integers ("islow"), its interpolation of samples that are 1:2 ("fancy"), repetition of those of
 * other ratios, its colours.  CMYK becomes RGB as C K / 255, M K / 255, Y K / 255, for Adobe's inks
 * are inverted.  An orientation in Exif data is applied: width, height and pixels are those of the
 * upright picture (exif.h).
 *
 * Errors: as in image.h.  Time is linear in the file's size and the image's: at most 100 scans. */
#ifndef JPEG_H
#define JPEG_H

#include "image.h"

/* Memory that an image needs at most for each byte of its file: a block takes a bit at least, and
 * each of its 64 samples three bytes and up to three in pixels; planes of whole MCUs may be four
 * times as wide as a narrow image needs. */
#define JPEG_MEMORY_PER_BYTE 8192

/* Do the bytes begin like a JPEG file? */
int jpeg_is(const uint8_t *bytes, size_t count);

/* Checks what stands before the first scan and sets all but pixels.  A file too short for the image
 * that it claims is refused here: memory_bytes is at most JPEG_MEMORY_PER_BYTE times count. */
const char *jpeg_measure(image *out, const uint8_t *bytes, size_t count);

/* Decodes the image into memory, which has at least the memory_bytes that jpeg_measure told.
 * Refuses data that end early, codes that are not in their table, coefficients outside a block and
 * restart markers out of order. */
const char *jpeg_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                      size_t memory_bytes);

/* What three components are, where that is known from elsewhere: DICOM says it, and no marker of
 * the JPEG data counts then, nor an orientation. */
typedef enum jpeg_colours { JPEG_AS_MARKED, JPEG_AS_YCC, JPEG_AS_RGB } jpeg_colours;

/* Memory that an image of these sides needs at most, if it is not progressive. */
size_t jpeg_memory_bound(size_t width, size_t height, unsigned components);

/* As jpeg_measure and jpeg_read. */
const char *jpeg_measure_as(image *out, jpeg_colours colours, const uint8_t *bytes, size_t count);
const char *jpeg_read_as(image *out, jpeg_colours colours, const uint8_t *bytes, size_t count,
                         uint8_t *memory, size_t memory_bytes);

#endif
