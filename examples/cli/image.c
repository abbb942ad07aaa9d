/* image.c - see image.h: which reader is asked. */
#include "image.h"

#include <string.h>

#include "foreign.h"
#include "jpeg.h"
#include "png.h"
#include "pnm.h"

const char *image_measure(image *out, const image_view *view, const void *bytes, size_t count) {
  (void)view;
  memset(out, 0, sizeof *out);
  if (pnm_is(bytes, count)) return pnm_measure(out, bytes, count);
  if (png_is(bytes, count)) return png_measure(out, bytes, count);
  if (jpeg_is(bytes, count)) return jpeg_measure(out, bytes, count);
  return foreign_reason(bytes, count);
}

const char *image_read(image *out, const image_view *view, const void *bytes, size_t count,
                       void *memory, size_t memory_bytes) {
  (void)view;
  memset(out, 0, sizeof *out);
  if (pnm_is(bytes, count)) return pnm_read(out, bytes, count, memory, memory_bytes);
  if (png_is(bytes, count)) return png_read(out, bytes, count, memory, memory_bytes);
  if (jpeg_is(bytes, count)) return jpeg_read(out, bytes, count, memory, memory_bytes);
  return foreign_reason(bytes, count);
}
