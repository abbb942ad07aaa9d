/* image.c - see image.h: which reader is asked. */
#include "image.h"

#include <string.h>

#include "dicom.h"
#include "foreign.h"
#include "jpeg.h"
#include "png.h"
#include "pnm.h"

/* A choice of frame or window is for DICOM files: no other picture passes over it. */
static const char *check_view(const image_view *view) {
  if (view == NULL || (view->frame == 0 && view->window == IMAGE_WINDOW_FILE)) return NULL;
  return "not a DICOM file (expected one for --frame and --window)";
}

const char *image_unpacked_bytes(size_t *out_bytes, const void *bytes, size_t count) {
  *out_bytes = 0;
  return dicom_is(bytes, count) ? dicom_packed_bytes(out_bytes, bytes, count) : NULL;
}

const char *image_unpack(void *out, size_t out_bytes, const void *bytes, size_t count) {
  return dicom_unpack_file(out, out_bytes, bytes, count);
}

const char *image_measure(image *out, const image_view *view, const void *bytes, size_t count) {
  memset(out, 0, sizeof *out);
  if (dicom_is(bytes, count)) return dicom_measure(out, view, bytes, count);
  const char *reason = check_view(view);
  if (reason) return reason;
  if (pnm_is(bytes, count)) return pnm_measure(out, bytes, count);
  if (png_is(bytes, count)) return png_measure(out, bytes, count);
  if (jpeg_is(bytes, count)) return jpeg_measure(out, bytes, count);
  return foreign_reason(bytes, count);
}

const char *image_read(image *out, const image_view *view, const void *bytes, size_t count,
                       void *memory, size_t memory_bytes) {
  memset(out, 0, sizeof *out);
  if (dicom_is(bytes, count)) return dicom_read(out, view, bytes, count, memory, memory_bytes);
  const char *reason = check_view(view);
  if (reason) return reason;
  if (pnm_is(bytes, count)) return pnm_read(out, bytes, count, memory, memory_bytes);
  if (png_is(bytes, count)) return png_read(out, bytes, count, memory, memory_bytes);
  if (jpeg_is(bytes, count)) return jpeg_read(out, bytes, count, memory, memory_bytes);
  return foreign_reason(bytes, count);
}
