/* dicom_rle.h - run lengths of DICOM, PS3.5, Annex G: each byte of the samples in a segment of its
 * own, packed as PackBits packs.
 *
 * Errors: as in image.h.  Time is linear in the bytes that are read and made. */
#ifndef DICOM_RLE_H
#define DICOM_RLE_H

#include <stddef.h>
#include <stdint.h>

/* Decodes a frame into samples [pixels][components], of 1 or 2 bytes each. */
const char *dicom_rle_read(uint16_t *samples, size_t pixels, unsigned components,
                           unsigned sample_bytes, const uint8_t *bytes, size_t count);

#endif
