/* pnm.h - one image from a PBM, PGM, PPM or PAM file in memory, as in Netpbm's manual.
 *
 * Read here: P1 to P6, plain and binary, and P7 of BLACKANDWHITE, GRAYSCALE and RGB, with _ALPHA or
 * without; maxval 1 to 65535, scaled to 255; comments wherever the header may have them; lines that
 * end with LF, CR or both; white space behind the samples.  What is transparent is laid on black.
 *
 * Errors: as in image.h.  Time is linear in the file's size. */
#ifndef PNM_H
#define PNM_H

#include "image.h"

/* Do the bytes begin like such a file? */
int pnm_is(const uint8_t *bytes, size_t count);

/* As image_measure and image_read. */
const char *pnm_measure(image *out, const uint8_t *bytes, size_t count);
const char *pnm_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                     size_t memory_bytes);

#endif
