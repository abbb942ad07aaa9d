/* dicom.h - one frame of a DICOM file as a picture (PS3.3, PS3.5, PS3.10).
 *
 * Read here: implicit and explicit VR little endian, deflated; uncompressed pixel data, RLE, baseline
 * JPEG, lossless JPEG (process 14).  MONOCHROME1 and 2 of 8 or 16 bits allocated, 1 to 16 stored,
 * signed or not; PALETTE COLOR; RGB, and YBR_FULL and YBR_FULL_422 of 8 bits.  Other transfer syntaxes
 * are refused by their names, with the command that converts them where Debian has one.
 *
 * Gray values are rescaled (slope and intercept), then shown through a window, and inverted where
 * MONOCHROME1 says so.  The window is the file's first, of the data set itself, or the one that is
 * given, by the file's function (LINEAR, LINEAR_EXACT or SIGMOID); full range is that of all values which the stored bits can have.  Presentation states, VOI
 * tables, overlays, aspect ratios and the windows of functional groups change nothing; a rescaling
 * there counts.
 *
 * Of all other elements, the patient's among them, none is kept or written anywhere.
 *
 * Errors: as in image.h.  Time is linear in the file's size and the frame's. */
#ifndef DICOM_H
#define DICOM_H

#include "dicom_file.h"
#include "image.h"

/* As image_unpacked_bytes and image_unpack. */
const char *dicom_packed_bytes(size_t *out_bytes, const uint8_t *bytes, size_t count);
const char *dicom_unpack_file(uint8_t *out, size_t out_bytes, const uint8_t *bytes, size_t count);

/* As image_measure and image_read. */
const char *dicom_measure(image *out, const image_view *view, const uint8_t *bytes, size_t count);
const char *dicom_read(image *out, const image_view *view, const uint8_t *bytes, size_t count,
                       uint8_t *memory, size_t memory_bytes);

#endif
