/* test_jpeg.c - JPEG against the coefficients that made it (tests/kat), by way of image.h. */
#include "../examples/cli/image.h"
#include "../examples/cli/jpeg.h"
#include "kat/jpeg_kat.h"
#include "kat/turbo_kat.h"
#include "pictures.h"

#include <stdlib.h>
#include <string.h>

enum {
  KATS = sizeof jpeg_kats / sizeof jpeg_kats[0],
  TURBO_KATS = sizeof turbo_kats / sizeof turbo_kats[0],
  FILE_BYTES_MAX = 2048
};

/* A sample may be rounded otherwise, by one; a colour is made of three, whose constants add up to
 * 2.77 at most. */
static void check_pixels(const jpeg_kat *kat, const image *got) {
  int most = kat->channels == 1 ? 1 : 3;
  for (size_t i = 0; i < kat->width * kat->height * kat->channels; i++)
    ck_assert_msg(abs(got->pixels[i] - kat->pixels[i]) <= most, "%s: value %zu is %d, not %d",
                  kat->name, i, got->pixels[i], kat->pixels[i]);
}

/* How many values are not the nearest integers; halves are interpolated up and down by turns. */
static size_t misses(const jpeg_kat *kat, const image *got) {
  size_t count = 0;
  for (size_t i = 0; i < kat->width * kat->height * kat->channels; i++)
    count += got->pixels[i] != kat->pixels[i];
  return count;
}

START_TEST(valid_images_have_their_pixels) {
  size_t missed = 0, values = 0;
  for (size_t i = 0; i < KATS; i++) {
    const jpeg_kat *kat = &jpeg_kats[i];
    image got;
    void *memory;
    if (kat->reason) continue;
    const char *reason = load(&got, kat->bytes, kat->count, &memory);
    ck_assert_msg(!reason, "%s: %s", kat->name, reason);
    ck_assert_msg(got.width == kat->width && got.height == kat->height, "%s", kat->name);
    ck_assert_msg(got.channels == kat->channels, "%s", kat->name);
    check_pixels(kat, &got);
    missed += misses(kat, &got);
    values += kat->width * kat->height * kat->channels;
    free(memory);
  }
  ck_assert_msg(10 * missed < values, "%zu of %zu values are not the nearest", missed, values);
}
END_TEST

/* To the last bit, with all of upsampling, colours and inks. */
START_TEST(images_have_the_pixels_of_libjpeg_turbo) {
  for (size_t i = 0; i < TURBO_KATS; i++) {
    const turbo_kat *kat = &turbo_kats[i];
    image got;
    void *memory;
    const char *reason = load(&got, kat->bytes, kat->count, &memory);
    ck_assert_msg(!reason, "%s: %s", kat->name, reason);
    ck_assert_msg(got.width == kat->width && got.height == kat->height, "%s", kat->name);
    ck_assert_msg(got.channels == kat->channels, "%s", kat->name);
    for (size_t k = 0; k < got.width * got.height * got.channels; k++)
      ck_assert_msg(got.pixels[k] == kat->pixels[k], "%s: value %zu is %d, not %d", kat->name, k,
                    got.pixels[k], kat->pixels[k]);
    free(memory);
  }
}
END_TEST

/* What a progressive image looks like at each byte where it may end. */
START_TEST(libjpeg_turbo_images_truncated_or_with_flipped_bits_stay_within_bounds) {
  for (size_t i = 0; i < TURBO_KATS; i++) {
    const turbo_kat *kat = &turbo_kats[i];
    uint8_t bytes[FILE_BYTES_MAX];
    image got;
    void *memory;
    ck_assert(kat->count <= sizeof bytes);
    memcpy(bytes, kat->bytes, kat->count);
    for (size_t at = 1; at < kat->count; at += 3) {
      ck_assert_msg(load(&got, bytes, at, &memory), "%s: %zu bytes accepted", kat->name, at);
      free(memory);
      bytes[at] ^= (uint8_t)(1 << at % 8);
      load(&got, bytes, kat->count, &memory);
      free(memory);
      bytes[at] ^= (uint8_t)(1 << at % 8);
    }
  }
}
END_TEST

START_TEST(broken_images_are_refused_for_their_reason) {
  for (size_t i = 0; i < KATS; i++) {
    const jpeg_kat *kat = &jpeg_kats[i];
    image got;
    void *memory;
    if (!kat->reason) continue;
    const char *reason = load(&got, kat->bytes, kat->count, &memory);
    ck_assert_msg(reason, "%s: accepted", kat->name);
    ck_assert_msg(strstr(reason, kat->reason), "%s: refused as: %s", kat->name, reason);
    free(memory);
  }
}
END_TEST

START_TEST(images_truncated_at_any_byte_are_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const jpeg_kat *kat = &jpeg_kats[i];
    image got;
    void *memory;
    for (size_t count = 0; !kat->reason && count < kat->count; count++) {
      const char *reason = load(&got, kat->bytes, count, &memory);
      ck_assert_msg(reason || strstr(kat->name, "after_eoi"), "%s: %zu bytes accepted", kat->name,
                    count);
      ck_assert_msg(!reason || !got.pixels, "%s: not emptied", kat->name);
      free(memory);
    }
  }
}
END_TEST

/* JPEG has no checksum: a sanitizer is the judge. */
START_TEST(flipped_bits_stay_within_bounds) {
  for (size_t i = 0; i < KATS; i++) {
    const jpeg_kat *kat = &jpeg_kats[i];
    uint8_t bytes[FILE_BYTES_MAX];
    image got;
    void *memory;
    ck_assert(kat->count <= sizeof bytes);
    memcpy(bytes, kat->bytes, kat->count);
    for (size_t bit = i % 3; bit < 8 * kat->count; bit += 3) {
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      load(&got, bytes, kat->count, &memory);
      free(memory);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
}
END_TEST

START_TEST(one_byte_less_than_measured_is_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const jpeg_kat *kat = &jpeg_kats[i];
    uint8_t memory[32768];
    image got;
    if (kat->reason) continue;
    ck_assert(!image_measure(&got, NULL, kat->bytes, kat->count));
    size_t memory_bytes = got.memory_bytes;
    ck_assert(memory_bytes <= sizeof memory && memory_bytes <= JPEG_MEMORY_PER_BYTE * kat->count);
    ck_assert(image_read(&got, NULL, kat->bytes, kat->count, memory, memory_bytes - 1));
    ck_assert(!image_read(&got, NULL, kat->bytes, kat->count, memory, memory_bytes));
    ck_assert_ptr_eq(got.pixels, memory);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("jpeg");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, valid_images_have_their_pixels);
  tcase_add_test(kat, images_have_the_pixels_of_libjpeg_turbo);
  tcase_add_test(error, libjpeg_turbo_images_truncated_or_with_flipped_bits_stay_within_bounds);
  tcase_add_test(law, one_byte_less_than_measured_is_refused);
  tcase_add_test(error, broken_images_are_refused_for_their_reason);
  tcase_add_test(error, images_truncated_at_any_byte_are_refused);
  tcase_add_test(error, flipped_bits_stay_within_bounds);
  return test_run(suite);
}
