/* dicom_file.h - the data elements of a DICOM file that its picture needs (PS3.5, PS3.10), and where
 * its pixel data are.  No other element is looked at, and none is kept.
 *
 * Errors: as in image.h.  Time is linear in the file's size. */
#ifndef DICOM_FILE_H
#define DICOM_FILE_H

#include <stddef.h>
#include <stdint.h>

typedef enum dicom_coding {
  DICOM_IMPLICIT, /* as they are, in a data set without the elements' types */
  DICOM_EXPLICIT,
  DICOM_DEFLATED, /* the data set is packed: dicom_unpack first */
  DICOM_RLE,
  DICOM_JPEG,
  DICOM_JPEG_LOSSLESS
} dicom_coding;

typedef enum dicom_colours {
  DICOM_COLOURS_MISSING,
  DICOM_MONOCHROME1, /* the least is white */
  DICOM_MONOCHROME2,
  DICOM_PALETTE,
  DICOM_RGB,
  DICOM_YBR_FULL,
  DICOM_YBR_FULL_422
} dicom_colours;

/* How values become gray within the window, PS3.3, C.11.2.1. */
typedef enum dicom_function { DICOM_LINEAR, DICOM_LINEAR_EXACT, DICOM_SIGMOID } dicom_function;

/* What a value means: the lookup table of one colour. */
typedef struct dicom_palette {
  size_t entries; /* 0: none */
  int32_t first;  /* the value that the first entry is for */
  unsigned bits;  /* of an entry, 8 or 16 */
  const uint8_t *data;
  size_t data_bytes;
} dicom_palette;

typedef struct dicom_file {
  const uint8_t *bytes;
  size_t count;
  size_t begin; /* of the data set, behind the file's meta information */
  dicom_coding coding;
  size_t width, height;
  unsigned samples; /* in a pixel */
  dicom_colours colours;
  int is_planar; /* one plane for each colour */
  unsigned bits_allocated, bits_stored, high_bit;
  int is_signed;
  size_t frames;
  double slope, intercept; /* of the rescaling; 1 and 0 where there is none */
  int has_window;
  double center, window_width;
  dicom_function function;
  dicom_palette palette[3];
  const uint8_t *pixels; /* the value, or the fragments' items */
  size_t pixel_bytes;
  int is_encapsulated;
} dicom_file;

/* Do the bytes begin like a DICOM file? */
int dicom_is(const uint8_t *bytes, size_t count);

/* Reads the file's meta information: coding and begin.  Without one, or without a transfer syntax,
 * the data set is taken for uncompressed. */
const char *dicom_open(dicom_file *f, const uint8_t *bytes, size_t count);

/* Reads the data set up to its pixel data, and checks that it is a picture that is read here.
 *   frame  counted from 0: whose rescaling counts, if frames have their own */
const char *dicom_take(dicom_file *f, size_t frame);

/* The bytes of a frame, counted from 0, in one or more fragments. */
typedef struct dicom_fragments {
  const uint8_t *at; /* the first one's item */
  size_t fragments;
  size_t bytes; /* of all values */
} dicom_fragments;

/* Finds an encapsulated frame. */
const char *dicom_find_frame(dicom_fragments *out, const dicom_file *f, size_t frame);

/* Its bytes, in place if there is one fragment, else laid end to end in memory [out->bytes]. */
const uint8_t *dicom_gather(const dicom_fragments *from, uint8_t *memory);

/* Bytes that a deflated file makes with its data set unpacked; out is then an ordinary one. */
const char *dicom_unpacked_bytes(size_t *out_bytes, const dicom_file *f, size_t limit_bytes);
const char *dicom_unpack(uint8_t *out, size_t out_bytes, const dicom_file *f);

#endif
