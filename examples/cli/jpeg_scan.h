/* jpeg_scan.h - the scans of a DCT JPEG: from codes to samples (ITU-T T.81, F.2 and G.2).
 *
 * Blocks of sequential scans become samples at once, those of progressive ones at the end.
 * Errors: as in image.h. */
#ifndef JPEG_SCAN_H
#define JPEG_SCAN_H

#include "jpeg_file.h"

/* Scans of one image: an encoder makes a dozen.  Each may pass over all blocks with few bytes, and
 * the bound keeps the time linear. */
#define JPEG_SCANS_MAX 100

/* Decodes all scans, from the header that s is to the end of the image, into the planes
 * (component.samples) and, of a progressive image, by way of component.coefficients, zeros at
 * first. */
const char *jpeg_take_scans(jpeg_file *j, jpeg_segment *s);

#endif
