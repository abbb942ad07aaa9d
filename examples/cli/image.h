/* image.h - one image from a picture file in memory: PGM, PPM, PBM and PAM (pnm.h), PNG (png.h),
 * JPEG (jpeg.h), DICOM (dicom.h).
 *
 * What comes out has 8 bits per sample, gray or RGB.  Samples of other depths are scaled to 0 to
 * 255 with rounding, never cut.  What is transparent is laid on black.  PNG and JPEG are turned
 * upright, as their Exif data say (exif.h).  Other formats are refused by their names, with a
 * command that converts them (foreign.h).
 *
 * Use: image_unpacked_bytes tells whether the file is to be unpacked first; image_measure tells
 * memory_bytes, image_read decodes into a block of that size.
 *
 * Errors: functions return NULL when done, or else one static line of English, "what is wrong (what
 * was expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef IMAGE_H
#define IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* The largest picture that is read.  It bounds memory_bytes: at most 16 for each pixel, and the
 * file's own size and 2^23 beside it. */
#define IMAGE_SIDE_MAX 16384
#define IMAGE_PIXELS_MAX ((size_t)1 << 26)

typedef enum image_window {
  IMAGE_WINDOW_FILE, /* the first one that the file has; full range where it has none */
  IMAGE_WINDOW_FULL, /* all values that the stored bits can have */
  IMAGE_WINDOW_GIVEN /* center and width */
} image_window;

/* What of a file is wanted; only DICOM files have a choice. */
typedef struct image_view {
  unsigned frame; /* counted from 1; 0: there must be one alone */
  image_window window;
  double center, width; /* of the window, in the file's units; width 1 or more */
} image_view;

typedef struct image {
  size_t memory_bytes;   /* what image_read needs; more than the pixels, as files decode in steps */
  size_t width;          /* 1 to IMAGE_SIDE_MAX */
  size_t height;         /* likewise; width height <= IMAGE_PIXELS_MAX */
  unsigned channels;     /* 1 gray, 3 RGB */
  const uint8_t *pixels; /* [height][width][channels], at the start of image_read's memory */
} image;

/* How many bytes a deflated DICOM file unpacks to, 0 for any other file. */
const char *image_unpacked_bytes(size_t *out_bytes, const void *bytes, size_t count);

/* Unpacks such a file into out [out_bytes]; it is then an ordinary DICOM file. */
const char *image_unpack(void *out, size_t out_bytes, const void *bytes, size_t count);

/* Checks the file's structure and sets all but pixels.
 *   view  NULL: the only frame, with the file's window */
const char *image_measure(image *out, const image_view *view, const void *bytes, size_t count);

/* Decodes the image into memory, which has at least the memory_bytes that image_measure told of the
 * same view. */
const char *image_read(image *out, const image_view *view, const void *bytes, size_t count,
                       void *memory, size_t memory_bytes);

#endif
