/* jpeg.c - see jpeg.h. */
#include "jpeg.h"

#include <string.h>

#include "exif.h"
#include "jpeg_file.h"
#include "jpeg_pixels.h"
#include "jpeg_scan.h"

int jpeg_is(const uint8_t *bytes, size_t count) {
  return count >= 2 && bytes[0] == 0xFF && bytes[1] == JPEG_SOI;
}

/* A block takes a bit at least, of sequential scans two, a code for its DC and one for its AC
 * coefficients. */
static int data_are_possible(const jpeg_file *j, size_t count) {
  size_t blocks = 0;
  for (unsigned i = 0; i < j->components; i++)
    blocks += j->component[i].width * j->component[i].height;
  return blocks / (j->frame == JPEG_SOF2 ? 8 : 4) <= count;
}

/* Up to the first scan; s is its header. */
static const char *open_jpeg(jpeg_file *j, jpeg_segment *s, jpeg_colours colours,
                             const uint8_t *bytes, size_t count) {
  const char *reason = jpeg_open(j, s, bytes, count);
  if (reason) return reason;
  if (j->frame == JPEG_SOF3)
    return "lossless JPEG image (expected a baseline, extended or progressive one)";
  reason = jpeg_check_colours(j, colours);
  if (reason) return reason;
  return data_are_possible(j, count) ? NULL : jpeg_ends_early;
}

static unsigned channels_of(const jpeg_file *j) {
  return j->components == 1 ? 1 : 3;
}

/* What was measured or read, upright. */
static image upright(const jpeg_file *j, jpeg_colours colours, size_t memory_bytes,
                     const uint8_t *pixels) {
  int is_turned = colours == JPEG_AS_MARKED && exif_is_turned(j->orientation);
  image out = {memory_bytes, is_turned ? j->height : j->width, is_turned ? j->width : j->height,
               channels_of(j), pixels};
  return out;
}

static size_t plane_bytes(const jpeg_component *c) {
  return c->stride * c->rows;
}

/* Pixels, a plane for each component, rows, and of a progressive image its coefficients, of two
 * bytes for each sample of the planes, and a byte to align them. */
static size_t jpeg_memory(const jpeg_file *j) {
  size_t planes = 0, pixels = j->width * j->height * channels_of(j);
  for (unsigned i = 0; i < j->components; i++) planes += plane_bytes(&j->component[i]);
  size_t coefficients = j->frame == JPEG_SOF2 ? 2 * planes + 1 : 0;
  return pixels + planes + jpeg_rows_bytes(j) + coefficients;
}

size_t jpeg_memory_bound(size_t width, size_t height, unsigned components) {
  enum { MCU_MAX = 4 * JPEG_BLOCK }; /* side of the largest one */
  size_t across = (width + MCU_MAX - 1) / MCU_MAX, down = (height + MCU_MAX - 1) / MCU_MAX;
  jpeg_file j = {.width = width, .components = components};
  return components * (width * height + across * down * MCU_MAX * MCU_MAX) + jpeg_rows_bytes(&j);
}

/* Gives each component its part of the memory.  Returns that of the rows. */
static uint8_t *place_planes(jpeg_file *j, uint8_t *memory) {
  uint8_t *at = memory + j->width * j->height * channels_of(j);
  for (unsigned i = 0; i < j->components; i++) {
    j->component[i].samples = at;
    at += plane_bytes(&j->component[i]);
  }
  uint8_t *rows = at;
  at += jpeg_rows_bytes(j);
  at += (uintptr_t)at % 2;
  for (unsigned i = 0; j->frame == JPEG_SOF2 && i < j->components; i++) {
    j->component[i].coefficients = (int16_t *)(void *)at;
    memset(at, 0, 2 * plane_bytes(&j->component[i]));
    at += 2 * plane_bytes(&j->component[i]);
  }
  return rows;
}

const char *jpeg_measure_as(image *out, jpeg_colours colours, const uint8_t *bytes, size_t count) {
  jpeg_file j;
  jpeg_segment s;
  const char *reason = open_jpeg(&j, &s, colours, bytes, count);
  if (reason) return reason;
  *out = upright(&j, colours, jpeg_memory(&j), NULL);
  return NULL;
}

const char *jpeg_read_as(image *out, jpeg_colours colours, const uint8_t *bytes, size_t count,
                         uint8_t *memory, size_t memory_bytes) {
  jpeg_file j;
  jpeg_segment s;
  const char *reason = open_jpeg(&j, &s, colours, bytes, count);
  if (!reason && jpeg_memory(&j) > memory_bytes) reason = "too little memory for the image";
  if (reason) return reason;
  uint8_t *rows = place_planes(&j, memory);
  reason = jpeg_take_scans(&j, &s);
  if (reason) return reason;
  jpeg_set_pixels(&j, colours, memory, rows);
  *out = upright(&j, colours, jpeg_memory(&j), memory);
  return NULL;
}

const char *jpeg_measure(image *out, const uint8_t *bytes, size_t count) {
  return jpeg_measure_as(out, JPEG_AS_MARKED, bytes, count);
}

const char *jpeg_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                      size_t memory_bytes) {
  return jpeg_read_as(out, JPEG_AS_MARKED, bytes, count, memory, memory_bytes);
}
