/* test_image.c - PBM, PGM, PPM, PAM and PNG, against the pixels that made them (tests/kat). */
#include "../examples/cli/image.h"
#include "../examples/cli/inflate.h"
#include "kat/image_kat.h"
#include "pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KATS = sizeof image_kats / sizeof image_kats[0], FILE_BYTES_MAX = 2048 };

/* Does the file go on behind its image, or may its last number be shorter? */
static int may_be_shorter(const image_kat *kat) {
  int is_plain = kat->count > 1 && kat->bytes[0] == 'P' && kat->bytes[1] <= '3';
  return is_plain || strstr(kat->name, "_then_") != NULL;
}

static uint32_t crc32_of(const image *i) {
  return inflate_crc32(0, i->pixels, i->width * i->height * i->channels);
}

START_TEST(valid_images_have_their_pixels) {
  for (size_t i = 0; i < KATS; i++) {
    const image_kat *kat = &image_kats[i];
    image got;
    void *memory;
    if (kat->reason) continue;
    const char *reason = load(&got, kat->bytes, kat->count, &memory);
    ck_assert_msg(!reason, "%s: %s", kat->name, reason);
    ck_assert_msg(got.width == kat->width && got.height == kat->height, "%s", kat->name);
    ck_assert_msg(got.channels == kat->channels, "%s", kat->name);
    ck_assert_msg(crc32_of(&got) == kat->crc32, "%s: read wrongly", kat->name);
    free(memory);
  }
}
END_TEST

START_TEST(broken_images_are_refused_for_their_reason) {
  for (size_t i = 0; i < KATS; i++) {
    const image_kat *kat = &image_kats[i];
    image got;
    void *memory;
    if (!kat->reason) continue;
    const char *reason = load(&got, kat->bytes, kat->count, &memory);
    ck_assert_msg(reason, "%s: accepted", kat->name);
    ck_assert_msg(strstr(reason, kat->reason), "%s: refused as: %s", kat->name, reason);
    ck_assert_msg(!got.pixels && !got.width, "%s: not emptied", kat->name);
    free(memory);
  }
}
END_TEST

/* Plain files may end anywhere in their last number, comment or white space. */
START_TEST(images_truncated_at_any_byte_are_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const image_kat *kat = &image_kats[i];
    image got;
    void *memory;
    for (size_t count = 0; !kat->reason && count < kat->count; count++) {
      const char *reason = load(&got, kat->bytes, count, &memory);
      ck_assert_msg(reason || may_be_shorter(kat), "%s: %zu bytes accepted", kat->name, count);
      free(memory);
    }
  }
}
END_TEST

/* The first IDAT chunk's CRC-32 guards its name and data, the IHDR chunk's what comes before. */
START_TEST(any_flipped_bit_of_a_png_is_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const image_kat *kat = &image_kats[i];
    uint8_t bytes[FILE_BYTES_MAX];
    image got;
    void *memory;
    if (kat->reason || kat->bytes[0] != 0x89 || may_be_shorter(kat)) continue;
    memcpy(bytes, kat->bytes, kat->count);
    for (size_t bit = 0; bit < 8 * kat->count; bit++) {
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      const char *reason = load(&got, bytes, kat->count, &memory);
      ck_assert_msg(reason, "%s: bit %zu", kat->name, bit);
      free(memory);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
}
END_TEST

START_TEST(flipped_bits_of_other_images_stay_within_bounds) {
  for (size_t i = 0; i < KATS; i++) {
    const image_kat *kat = &image_kats[i];
    uint8_t bytes[FILE_BYTES_MAX];
    image got;
    void *memory;
    ck_assert(kat->count <= sizeof bytes);
    memcpy(bytes, kat->bytes, kat->count);
    for (size_t bit = 0; bit < 8 * kat->count; bit++) {
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      load(&got, bytes, kat->count, &memory); /* a sanitizer is the judge */
      free(memory);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
}
END_TEST

START_TEST(one_byte_less_than_measured_is_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const image_kat *kat = &image_kats[i];
    uint8_t memory[4096];
    image got;
    if (kat->reason) continue;
    ck_assert(!image_measure(&got, NULL, kat->bytes, kat->count));
    size_t memory_bytes = got.memory_bytes;
    ck_assert(memory_bytes <= sizeof memory);
    ck_assert(image_read(&got, NULL, kat->bytes, kat->count, memory, memory_bytes - 1));
    ck_assert(!image_read(&got, NULL, kat->bytes, kat->count, memory, memory_bytes));
    ck_assert_ptr_eq(got.pixels, memory);
  }
}
END_TEST

START_TEST(every_maxval_maps_its_range_onto_0_to_255_with_rounding) {
  for (int maxval = 1; maxval <= 65535; maxval += maxval < 300 ? 1 : 4321) {
    static uint8_t memory[65536];
    static char text[65536 * 6 + 32];
    image got;
    int width = maxval < 16384 ? maxval + 1 : 16384, step = maxval / (width - 1);
    int length = snprintf(text, sizeof text, "P2 %d 1 %d", width, maxval);
    for (int i = 0; i < width; i++)
      length += snprintf(text + length, sizeof text - (size_t)length, " %d", maxval - step * i);
    ck_assert(!image_read(&got, NULL, text, (size_t)length, memory, sizeof memory));
    ck_assert_uint_eq(got.pixels[0], 255);
    for (int i = 0; i < width; i++) {
      double exact = 255.0 * (maxval - step * i) / maxval;
      ck_assert(got.pixels[i] >= exact - 0.5 && got.pixels[i] <= exact + 0.5);
    }
  }
}
END_TEST

/* The largest there is, 64 MiB of zeros but for the last one. */
START_TEST(the_largest_image_is_read) {
  static const char header[] = "P5 16384 4096 255\n";
  size_t count = sizeof header - 1 + IMAGE_PIXELS_MAX;
  uint8_t *bytes = calloc(count, 1), *memory = malloc(IMAGE_PIXELS_MAX);
  image got;
  ck_assert(bytes && memory);
  memcpy(bytes, header, sizeof header - 1);
  bytes[count - 1] = 77;
  ck_assert(!image_measure(&got, NULL, bytes, count));
  ck_assert_uint_eq(got.memory_bytes, IMAGE_PIXELS_MAX);
  ck_assert(!image_read(&got, NULL, bytes, count, memory, IMAGE_PIXELS_MAX));
  ck_assert_uint_eq(got.pixels[IMAGE_PIXELS_MAX - 1], 77);
  free(bytes);
  free(memory);
}
END_TEST

/* Headers of a few bytes that claim much: nothing is to be found memory for. */
START_TEST(what_claims_more_than_there_is_is_refused_before_memory_is_found) {
  for (size_t i = 0; i < KATS; i++) {
    image got;
    const image_kat *kat = &image_kats[i];
    if (image_measure(&got, NULL, kat->bytes, kat->count)) continue;
    ck_assert_msg(got.memory_bytes <= 16 * 1032 * kat->count, "%s: %zu", kat->name,
                  got.memory_bytes);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("image");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, valid_images_have_their_pixels);
  tcase_add_test(law, every_maxval_maps_its_range_onto_0_to_255_with_rounding);
  tcase_add_test(law, one_byte_less_than_measured_is_refused);
  tcase_add_test(law, the_largest_image_is_read);
  tcase_add_test(law, what_claims_more_than_there_is_is_refused_before_memory_is_found);
  tcase_add_test(error, broken_images_are_refused_for_their_reason);
  tcase_add_test(error, images_truncated_at_any_byte_are_refused);
  tcase_add_test(error, any_flipped_bit_of_a_png_is_refused);
  tcase_add_test(error, flipped_bits_of_other_images_stay_within_bounds);
  return test_run(suite);
}
