/* test_exif.c - pictures that lie on their side or stand on their head: all eight orientations, in
 * JPEG and PNG, and Exif data that are damaged. */
#include <stdlib.h>
#include <string.h>

#include "../examples/cli/exif.h"
#include "../examples/cli/inflate.h"
#include "kat/image_kat.h"
#include "kat/jpeg_kat.h"
#include "pictures.h"

enum { TIFF_BYTES = 8 + 2 + 2 * 12 + 4, FILE_BYTES_MAX = 2048 };

typedef struct bytes {
  uint8_t at[FILE_BYTES_MAX];
  size_t count;
} bytes;

static void put(bytes *b, const void *from, size_t count) {
  ck_assert(b->count + count <= sizeof b->at);
  memcpy(b->at + b->count, from, count);
  b->count += count;
}

/* A number of 2 or 4 bytes. */
static void put_number(bytes *b, uint32_t value, unsigned count, int is_big_endian) {
  for (unsigned i = 0; i < count; i++) {
    unsigned shift = 8 * (is_big_endian ? count - 1 - i : i);
    uint8_t byte = (uint8_t)(value >> shift);
    put(b, &byte, 1);
  }
}

static void put_entry(bytes *b, unsigned tag, unsigned type, uint32_t count, unsigned value,
                      int is_big_endian) {
  put_number(b, tag, 2, is_big_endian);
  put_number(b, type, 2, is_big_endian);
  put_number(b, count, 4, is_big_endian);
  put_number(b, value, 2, is_big_endian);
  put_number(b, 0, 2, is_big_endian);
}

/* A structure whose second entry is an orientation. */
static bytes tiff_of(unsigned orientation, int is_big_endian) {
  bytes b = {{0}, 0};
  put(&b, is_big_endian ? "MM" : "II", 2);
  put_number(&b, 42, 2, is_big_endian);
  put_number(&b, 8, 4, is_big_endian);
  put_number(&b, 2, 2, is_big_endian);
  put_entry(&b, 0x100, 3, 1, 17, is_big_endian); /* ImageWidth */
  put_entry(&b, 0x112, 3, 1, orientation, is_big_endian);
  put_number(&b, 0, 4, is_big_endian);
  ck_assert_uint_eq(b.count, TIFF_BYTES);
  return b;
}

/* A JPEG file with such an APP1 segment behind its SOI. */
static bytes jpeg_with(const jpeg_kat *kat, const bytes *tiff) {
  bytes b = {{0}, 0};
  put(&b, kat->bytes, 2);
  put(&b, "\xFF\xE1", 2);
  put_number(&b, (uint32_t)(2 + 6 + tiff->count), 2, 1);
  put(&b, "Exif\0\0", 6);
  put(&b, tiff->at, tiff->count);
  put(&b, kat->bytes + 2, kat->count - 2);
  return b;
}

/* A PNG file with such an eXIf chunk behind its IHDR. */
static bytes png_with(const image_kat *kat, const bytes *tiff) {
  enum { BEGIN = 8 + 12 + 13 };
  bytes b = {{0}, 0}, chunk = {{0}, 0};
  put(&chunk, "eXIf", 4);
  put(&chunk, tiff->at, tiff->count);
  put(&b, kat->bytes, BEGIN);
  put_number(&b, (uint32_t)tiff->count, 4, 1);
  put(&b, chunk.at, chunk.count);
  put_number(&b, inflate_crc32(0, chunk.at, chunk.count), 4, 1);
  put(&b, kat->bytes + BEGIN, kat->count - BEGIN);
  return b;
}

/* Which pixel x, y of the picture as stored is pixel column, row of the upright one. */
static void find_stored(unsigned orientation, const image *stored, size_t column, size_t row,
                        size_t *x, size_t *y) {
  size_t right = stored->width - 1, bottom = stored->height - 1;
  const size_t from[9][2] = {{0, 0},
                             {column, row},
                             {right - column, row},
                             {right - column, bottom - row},
                             {column, bottom - row},
                             {row, column},
                             {row, bottom - column},
                             {right - row, bottom - column},
                             {right - row, column}};
  *x = from[orientation][0];
  *y = from[orientation][1];
}

static void check_turned(const bytes *file, const image *stored, unsigned orientation) {
  image got;
  void *memory;
  const char *reason = load(&got, file->at, file->count, &memory);
  ck_assert_msg(!reason, "orientation %u: %s", orientation, reason);
  int is_turned = orientation >= 5;
  ck_assert_uint_eq(got.width, is_turned ? stored->height : stored->width);
  ck_assert_uint_eq(got.height, is_turned ? stored->width : stored->height);
  for (size_t row = 0; row < got.height; row++)
    for (size_t column = 0; column < got.width; column++) {
      size_t x, y, channels = stored->channels;
      find_stored(orientation, stored, column, row, &x, &y);
      const uint8_t *wanted = stored->pixels + (y * stored->width + x) * channels;
      ck_assert_msg(memcmp(got.pixels + (row * got.width + column) * channels, wanted, channels) ==
                        0,
                    "orientation %u: pixel %zu, %zu", orientation, column, row);
    }
  free(memory);
}

static const jpeg_kat *find_jpeg(const char *name) {
  const jpeg_kat *kat = jpeg_kats;
  while (strcmp(kat->name, name) != 0) kat++;
  return kat;
}

static const image_kat *find_png(const char *name) {
  const image_kat *kat = image_kats;
  while (strcmp(kat->name, name) != 0) kat++;
  return kat;
}

START_TEST(all_orientations_stand_upright) {
  const jpeg_kat *jpegs[2] = {find_jpeg("gray_jfif"), find_jpeg("ycc_422")};
  const image_kat *pngs[2] = {find_png("png_filters"), find_png("png_palette")};
  for (int i = 0; i < 2; i++) {
    image jpeg, png;
    void *jpeg_memory, *png_memory;
    ck_assert(!load(&jpeg, jpegs[i]->bytes, jpegs[i]->count, &jpeg_memory));
    ck_assert(!load(&png, pngs[i]->bytes, pngs[i]->count, &png_memory));
    for (unsigned o = 1; o <= 8; o++) {
      bytes tiff = tiff_of(o, (int)(o + (unsigned)i) & 1);
      bytes file = jpeg_with(jpegs[i], &tiff);
      check_turned(&file, &jpeg, o);
      file = png_with(pngs[i], &tiff);
      check_turned(&file, &png, o);
    }
    free(jpeg_memory);
    free(png_memory);
  }
}
END_TEST

START_TEST(the_first_of_two_counts) {
  const jpeg_kat *kat = find_jpeg("gray_jfif");
  bytes six = tiff_of(6, 1), three = tiff_of(3, 0), file = jpeg_with(kat, &three);
  jpeg_kat once = *kat;
  image stored;
  void *memory;
  ck_assert(!load(&stored, kat->bytes, kat->count, &memory));
  once.bytes = file.at;
  once.count = file.count;
  file = jpeg_with(&once, &six);
  check_turned(&file, &stored, 6);
  free(memory);
}
END_TEST

/* Metadata do not keep a picture from being read. */
START_TEST(damaged_exif_counts_as_none) {
  const jpeg_kat *kat = find_jpeg("ycc_422");
  image stored;
  void *memory;
  ck_assert(!load(&stored, kat->bytes, kat->count, &memory));
  for (size_t count = 0; count < TIFF_BYTES - 4; count++) {
    bytes tiff = tiff_of(6, 1);
    tiff.count = count;
    bytes file = jpeg_with(kat, &tiff);
    check_turned(&file, &stored, 1);
  }
  static const struct {
    size_t at;
    uint8_t byte;
  } changes[] = {{0, 'X'},
                 {1, 'X'},
                 {3, 43},
                 {4, 255} /* far beyond */,
                 {7, 7},
                 {7, TIFF_BYTES - 1},
                 {8 + 2 + 12 + 3, 4} /* a long */,
                 {8 + 2 + 12 + 7, 2} /* of two */,
                 {8 + 2 + 12 + 9, 0},
                 {8 + 2 + 12 + 9, 9},
                 {8 + 2 + 12 + 8, 1} /* 256 + 6 */,
                 {9, 1} /* one entry alone */};
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    bytes tiff = tiff_of(6, 1);
    tiff.at[changes[i].at] = changes[i].byte;
    bytes file = jpeg_with(kat, &tiff);
    check_turned(&file, &stored, 1);
  }
  free(memory);
}
END_TEST

/* In a block of just the size, so that a sanitizer sees a read beyond it. */
START_TEST(any_bytes_have_an_orientation) {
  for (int is_big_endian = 0; is_big_endian < 2; is_big_endian++)
    for (size_t bit = 0; bit < 8 * TIFF_BYTES; bit++)
      for (size_t count = 0; count <= TIFF_BYTES; count++) {
        bytes tiff = tiff_of(8, is_big_endian);
        tiff.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        uint8_t *copy = malloc(count ? count : 1);
        ck_assert(copy);
        memcpy(copy, tiff.at, count);
        unsigned orientation = exif_orientation(copy, count);
        ck_assert(orientation >= 1 && orientation <= 8);
        free(copy);
      }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("exif");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, all_orientations_stand_upright);
  tcase_add_test(law, the_first_of_two_counts);
  tcase_add_test(error, damaged_exif_counts_as_none);
  tcase_add_test(error, any_bytes_have_an_orientation);
  return test_run(suite);
}
