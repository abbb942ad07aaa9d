/* jpeg_lossless.h - lossless JPEG, process 14 (ITU-T T.81, Annex H): samples of 2 to 16 bits, each
 * predicted from its neighbours, their differences in Huffman codes.  DICOM files hold such images.
 *
 * Read here: SOF3, selection values 1 to 7, point transforms, restart intervals, one component or
 * three of the same size, in one scan or in one each.
 *
 * Errors: as in image.h.  Time is linear in the file's size and the image's. */
#ifndef JPEG_LOSSLESS_H
#define JPEG_LOSSLESS_H

#include <stddef.h>
#include <stdint.h>

/* Decodes into samples [height][width][components]; refuses an image of another shape than this. */
const char *jpeg_lossless_read(uint16_t *samples, size_t width, size_t height, unsigned components,
                               const uint8_t *bytes, size_t count);

#endif
