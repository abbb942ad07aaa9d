/* exif.c - see exif.h.  TIFF 6.0, section 2; Exif 2.32, 4.6.4 A "Orientation". */
#include "exif.h"

#include <string.h>

enum { HEADER_BYTES = 8, ENTRY_BYTES = 12, TAG_ORIENTATION = 0x112, TYPE_SHORT = 3 };

/* A TIFF structure says which byte of a number comes first. */
typedef struct tiff {
  const uint8_t *at;
  size_t count;
  int is_big_endian;
} tiff;

static unsigned number_16(const tiff *t, size_t at) {
  unsigned first = t->at[at], second = t->at[at + 1];
  return t->is_big_endian ? first << 8 | second : second << 8 | first;
}

static uint32_t number_32(const tiff *t, size_t at) {
  uint32_t first = number_16(t, at), second = number_16(t, at + 2);
  return t->is_big_endian ? first << 16 | second : second << 16 | first;
}

/* The first directory: a count of entries, then the entries.  0 if there is none. */
static size_t find_directory(const tiff *t) {
  if (t->count < HEADER_BYTES || number_16(t, 2) != 42) return 0;
  size_t at = number_32(t, 4);
  return at >= HEADER_BYTES && at <= t->count - 2 ? at : 0;
}

/* An entry is a tag, a type, a count and the value, if that has four bytes or less. */
unsigned exif_orientation(const uint8_t *bytes, size_t count) {
  tiff t = {bytes, count, count >= 2 && memcmp(bytes, "MM", 2) == 0};
  if (!t.is_big_endian && (count < 2 || memcmp(bytes, "II", 2) != 0)) return 1;
  size_t at = find_directory(&t);
  if (at == 0) return 1;
  unsigned entries = number_16(&t, at);
  for (at += 2; entries > 0 && count - at >= ENTRY_BYTES; entries--, at += ENTRY_BYTES) {
    if (number_16(&t, at) != TAG_ORIENTATION) continue;
    unsigned value = number_16(&t, at + 8);
    int is_one_short = number_16(&t, at + 2) == TYPE_SHORT && number_32(&t, at + 4) == 1;
    return is_one_short && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

int exif_is_turned(unsigned orientation) {
  return orientation >= 5;
}

size_t exif_place(unsigned orientation, size_t width, size_t height, size_t x, size_t y) {
  int from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  int from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  if (from_right) x = width - 1 - x;
  if (from_bottom) y = height - 1 - y;
  return exif_is_turned(orientation) ? x * height + y : y * width + x;
}
