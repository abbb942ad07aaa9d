/* test_dicom.c - DICOM files against the numbers that made them (tests/kat), by way of image.h. */
#include <stdlib.h>
#include <string.h>

#include "../examples/cli/dicom.h"
#include "../examples/cli/image.h"
#include "kat/dicom_kat.h" /* needs image.h */
#include "kat/turbo_kat.h"
#include "suite.h"

enum { KATS = sizeof dicom_kats / sizeof dicom_kats[0], FILE_BYTES_MAX = 2048 };

/* As the command reads a file: unpacked first if it is deflated.  From and into blocks of just the
 * size; *memory is for the caller to free. */
static const char *load(image *out, const image_view *view, const uint8_t *bytes, size_t count,
                        void **memory) {
  size_t unpacked = 0;
  uint8_t *copy = malloc(count > 0 ? count : 1);
  ck_assert(copy);
  if (count > 0) memcpy(copy, bytes, count);
  *memory = NULL;
  memset(out, 0, sizeof *out);
  const char *reason = image_unpacked_bytes(&unpacked, copy, count);
  if (!reason && unpacked > 0) {
    uint8_t *plain = malloc(unpacked);
    ck_assert(plain);
    reason = image_unpack(plain, unpacked, copy, count);
    free(copy);
    copy = plain;
    count = unpacked;
  }
  if (!reason) reason = image_measure(out, view, copy, count);
  if (!reason) {
    size_t memory_bytes = out->memory_bytes;
    *memory = malloc(memory_bytes);
    ck_assert(*memory);
    reason = image_read(out, view, copy, count, *memory, memory_bytes);
  }
  free(copy);
  return reason;
}

static int begins(const char *name, const char *with) {
  return strncmp(name, with, strlen(with)) == 0;
}

START_TEST(valid_files_have_their_pixels) {
  for (size_t i = 0; i < KATS; i++) {
    const dicom_kat *kat = &dicom_kats[i];
    image got;
    void *memory;
    if (kat->reason) continue;
    const char *reason = load(&got, &kat->view, kat->bytes, kat->count, &memory);
    ck_assert_msg(!reason, "%s: %s", kat->name, reason);
    ck_assert_msg(got.width == kat->width && got.height == kat->height, "%s", kat->name);
    ck_assert_msg(got.channels == kat->channels, "%s", kat->name);
    for (size_t k = 0; kat->pixels && k < got.width * got.height * got.channels; k++)
      ck_assert_msg(got.pixels[k] == kat->pixels[k], "%s: value %zu is %d, not %d", kat->name, k,
                    got.pixels[k], kat->pixels[k]);
    free(memory);
  }
}
END_TEST

static const turbo_kat *turbo(const char *name) {
  for (size_t i = 0; i < sizeof turbo_kats / sizeof *turbo_kats; i++)
    if (strcmp(turbo_kats[i].name, name) == 0) return &turbo_kats[i];
  ck_abort_msg("%s is missing", name);
  return NULL;
}

START_TEST(baseline_jpeg_has_the_pixels_of_libjpeg_turbo) {
  size_t seen = 0;
  for (size_t i = 0; i < KATS; i++) {
    const dicom_kat *kat = &dicom_kats[i];
    image got;
    void *memory;
    if (kat->reason || kat->pixels) continue;
    const turbo_kat *expected =
        turbo(begins(kat->name, "jpeg_colour") ? "turbo_color_422" : "turbo_gray");
    ck_assert(!load(&got, &kat->view, kat->bytes, kat->count, &memory));
    ck_assert_mem_eq(got.pixels, expected->pixels, got.width * got.height * got.channels);
    free(memory);
    seen++;
  }
  ck_assert_uint_eq(seen, 3);
}
END_TEST

START_TEST(broken_files_are_refused_for_their_reason) {
  for (size_t i = 0; i < KATS; i++) {
    const dicom_kat *kat = &dicom_kats[i];
    image got;
    void *memory;
    if (!kat->reason) continue;
    const char *reason = load(&got, &kat->view, kat->bytes, kat->count, &memory);
    ck_assert_msg(reason, "%s: accepted", kat->name);
    ck_assert_msg(strstr(reason, kat->reason), "%s: refused as: %s", kat->name, reason);
    free(memory);
  }
}
END_TEST

/* Behind the pixel data nothing is looked at: only of the file "nested" something stands there. */
START_TEST(files_truncated_at_any_byte_are_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const dicom_kat *kat = &dicom_kats[i];
    image got;
    void *memory;
    if (kat->reason || strcmp(kat->name, "nested") == 0 || strcmp(kat->name, "deflated") == 0)
      continue;
    for (size_t count = 0; count < kat->count; count += count < 132 ? 33 : 1 + count % 3) {
      const char *reason = load(&got, &kat->view, kat->bytes, count, &memory);
      ck_assert_msg(reason, "%s: %zu bytes accepted", kat->name, count);
      free(memory);
    }
  }
}
END_TEST

/* DICOM has no checksum: a sanitizer is the judge. */
START_TEST(flipped_bits_stay_within_bounds) {
  for (size_t i = 0; i < KATS; i++) {
    const dicom_kat *kat = &dicom_kats[i];
    uint8_t bytes[FILE_BYTES_MAX];
    ck_assert(kat->count <= sizeof bytes);
    memcpy(bytes, kat->bytes, kat->count);
    for (size_t bit = 8 * 128 + i % 17; bit < 8 * kat->count; bit += 17) {
      image got;
      size_t unpacked = 0;
      void *memory = NULL;
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      int is_small =
          !image_measure(&got, &kat->view, bytes, kat->count) && got.memory_bytes < 1 << 22;
      int is_deflated = !image_unpacked_bytes(&unpacked, bytes, kat->count) && unpacked > 0;
      if (is_small || (is_deflated && unpacked < 1 << 22))
        load(&got, &kat->view, bytes, kat->count, &memory);
      free(memory);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
}
END_TEST

START_TEST(one_byte_less_than_measured_is_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const dicom_kat *kat = &dicom_kats[i];
    static uint8_t memory[1 << 17];
    image got;
    if (kat->reason || strcmp(kat->name, "deflated") == 0) continue;
    ck_assert(!image_measure(&got, &kat->view, kat->bytes, kat->count));
    size_t bytes = got.memory_bytes;
    ck_assert(bytes <= sizeof memory);
    ck_assert(image_read(&got, &kat->view, kat->bytes, kat->count, memory, bytes - 1));
    ck_assert(!image_read(&got, &kat->view, kat->bytes, kat->count, memory, bytes));
    ck_assert_ptr_eq(got.pixels, memory);
  }
}
END_TEST

/* What a few bytes claim is refused before memory is found for it: at most 2^18 bytes, and for each
 * byte of the file those of the pixels that it can be. */
START_TEST(what_claims_more_than_there_is_is_refused_before_memory_is_found) {
  size_t seen = 0;
  for (size_t i = 0; i < KATS; i++) {
    const dicom_kat *kat = &dicom_kats[i];
    image got;
    const char *reason = image_measure(&got, &kat->view, kat->bytes, kat->count);
    seen += (size_t)begins(kat->name, "bad_claims_more");
    ck_assert_msg(reason || got.memory_bytes <= ((size_t)1 << 18) + 4096 * kat->count, "%s: %zu",
                  kat->name, got.memory_bytes);
    ck_assert_msg(reason || !begins(kat->name, "bad_claims_more"), "%s: accepted", kat->name);
  }
  ck_assert_uint_eq(seen, 4);
}
END_TEST

/* 20000 bytes of DEFLATE could be 20 MB: a limit is a limit. */
START_TEST(what_unpacks_to_more_than_the_limit_is_refused) {
  const dicom_kat *kat = dicom_kats;
  while (strcmp(kat->name, "deflated") != 0) kat++;
  dicom_file f;
  size_t bytes = 0;
  ck_assert(!dicom_open(&f, kat->bytes, kat->count));
  ck_assert(!dicom_unpacked_bytes(&bytes, &f, (size_t)1 << 20));
  ck_assert(!dicom_unpacked_bytes(&bytes, &f, bytes));
  ck_assert_str_eq(dicom_unpacked_bytes(&bytes, &f, bytes - 1),
                   "compressed data unpack to more bytes than declared");
}
END_TEST

START_TEST(a_view_is_for_dicom_files_and_for_frames_that_are_there) {
  static const uint8_t pgm[] = "P5 1 1 255 x";
  image got;
  image_view frame = {1, IMAGE_WINDOW_FILE, 0, 0}, window = {0, IMAGE_WINDOW_FULL, 0, 0};
  image_view second = {2, IMAGE_WINDOW_FILE, 0, 0};
  ck_assert(!image_measure(&got, NULL, pgm, 12));
  ck_assert(strstr(image_measure(&got, &frame, pgm, 12), "not a DICOM file"));
  ck_assert(strstr(image_measure(&got, &window, pgm, 12), "not a DICOM file"));
  ck_assert(!image_measure(&got, &frame, dicom_kats[0].bytes, dicom_kats[0].count));
  ck_assert(strstr(image_measure(&got, &second, dicom_kats[0].bytes, dicom_kats[0].count),
                   "no such frame"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("dicom");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, valid_files_have_their_pixels);
  tcase_add_test(kat, baseline_jpeg_has_the_pixels_of_libjpeg_turbo);
  tcase_add_test(law, one_byte_less_than_measured_is_refused);
  tcase_add_test(law, what_claims_more_than_there_is_is_refused_before_memory_is_found);
  tcase_add_test(law, what_unpacks_to_more_than_the_limit_is_refused);
  tcase_add_test(law, a_view_is_for_dicom_files_and_for_frames_that_are_there);
  tcase_add_test(error, broken_files_are_refused_for_their_reason);
  tcase_add_test(error, files_truncated_at_any_byte_are_refused);
  tcase_add_test(error, flipped_bits_stay_within_bounds);
  return test_run(suite);
}
