/* exif.h - which way up a picture stands, as a camera writes it into JPEG (APP1) and PNG (eXIf).
 *
 * Only the first directory of the TIFF structure is looked at, and of that the tag Orientation.
 * Metadata are no part of the picture: what is damaged counts as not there.  Time is linear. */
#ifndef EXIF_H
#define EXIF_H

#include <stddef.h>
#include <stdint.h>

/* The orientation, 1 to 8, of a TIFF structure; 1, upright, if it has none that can be read. */
unsigned exif_orientation(const uint8_t *tiff, size_t count);

/* Do the sides change places, so that the upright picture is [width][height]? */
int exif_is_turned(unsigned orientation);

/* Which pixel of the upright picture, counted row by row, is pixel x, y of [height][width] as stored.
 *   orientation   picture as stored shows its upper row at, its left column at
 *   1  top, left        5  left, top
 *   2  top, right       6  right, top
 *   3  bottom, right    7  right, bottom
 *   4  bottom, left     8  left, bottom */
size_t exif_place(unsigned orientation, size_t width, size_t height, size_t x, size_t y);

#endif
