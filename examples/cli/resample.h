/* resample.h - an image in the shape that a network has. */
#ifndef RESAMPLE_H
#define RESAMPLE_H

#include "image.h"

/* out = in, made to fit: its largest part of out's proportions, from the middle (the central square
 * for a square), scaled by averaging areas.  A pixel that lies in several is shared among them, and
 * values are rounded once, so an image that has the shape already stays as it is.
 *   out       [height][width][channels]; must not overlap in
 *   height    1 to PPML_SIDE_MAX, as is width
 *   channels  1: gray, of a colour 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601);
 *             3: RGB, of a gray image three times the same */
void resample_fit(uint8_t *out, size_t height, size_t width, unsigned channels, const image *in);

#endif
