/* dicom_rle.c - see dicom_rle.h. */
#include "dicom_rle.h"

#include <string.h>

enum { HEADER_BYTES = 64, SEGMENTS_MAX = 15 };

static const char bad_segments[] =
    "damaged RLE data (expected a segment for each byte of a sample, in order)";

static uint32_t little_endian_32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Where a segment's bytes go: into every step-th sample, as much higher as shift says. */
typedef struct target {
  uint16_t *samples;
  size_t pixels, made;
  unsigned step, shift;
} target;

static void put(target *t, unsigned byte) {
  uint16_t *at = &t->samples[t->made++ * t->step];
  *at = (uint16_t)(*at | byte << t->shift);
}

/* A byte n below 128: so many and one more that follow.  One above it: the next byte 257 - n times.
 * 128 is nothing.  What is behind the last pixel is padding. */
static const char *take_segment(target *t, const uint8_t *at, const uint8_t *end) {
  while (t->made < t->pixels) {
    if (end - at < 2) return "RLE data end early (expected a byte for each pixel)";
    unsigned n = *at++;
    if (n == 128) continue;
    size_t times = n < 128 ? (size_t)n + 1 : 257 - (size_t)n;
    if (times > t->pixels - t->made) return "damaged RLE data (expected no more than the pixels)";
    if (n < 128 && times > (size_t)(end - at)) return "RLE data end early (expected whole runs)";
    for (size_t i = 0; i < times; i++) put(t, n < 128 ? at[i] : at[0]);
    at += n < 128 ? times : 1;
  }
  return NULL;
}

/* Segment i of the frame, whose header has the places of all. */
static const char *segment_at(const uint8_t **at, const uint8_t **end, unsigned i,
                              unsigned segments, const uint8_t *bytes, size_t count) {
  uint32_t begins = little_endian_32(bytes + 4 + 4 * (size_t)i);
  uint64_t ends = i + 1 < segments ? little_endian_32(bytes + 8 + 4 * (size_t)i) : count;
  if (begins < HEADER_BYTES || begins > ends || ends > count) return bad_segments;
  *at = bytes + begins;
  *end = bytes + ends;
  return NULL;
}

const char *dicom_rle_read(uint16_t *samples, size_t pixels, unsigned components,
                           unsigned sample_bytes, const uint8_t *bytes, size_t count) {
  unsigned segments = components * sample_bytes;
  if (count < HEADER_BYTES || segments > SEGMENTS_MAX || little_endian_32(bytes) != segments)
    return bad_segments;
  memset(samples, 0, pixels * components * sizeof *samples);
  for (unsigned i = 0; i < segments; i++) {
    const uint8_t *at = NULL, *end = NULL;
    unsigned shift = 8 * (sample_bytes - 1 - i % sample_bytes); /* the highest byte comes first */
    target t = {samples + i / sample_bytes, pixels, 0, components, shift};
    const char *reason = segment_at(&at, &end, i, segments, bytes, count);
    if (!reason) reason = take_segment(&t, at, end);
    if (reason) return reason;
  }
  return NULL;
}
