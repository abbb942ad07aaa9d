/* test_resample.c - images made to fit. */
#include "../examples/cli/resample.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static image image_of(const uint8_t *pixels, size_t height, size_t width, unsigned channels) {
  return (image){0, width, height, channels, pixels};
}

static void fill(uint8_t *pixels, size_t count) {
  for (size_t i = 0; i < count; i++) pixels[i] = (uint8_t)(i * i * 7 + i * 31);
}

START_TEST(an_image_that_fits_stays) {
  uint8_t pixels[5 * 7 * 3], out[sizeof pixels];
  fill(pixels, sizeof pixels);
  image in = image_of(pixels, 5, 7, 3);
  resample_fit(out, 5, 7, 3, &in);
  ck_assert_mem_eq(out, pixels, sizeof pixels);
  in = image_of(pixels, 5, 7, 1);
  resample_fit(out, 5, 7, 1, &in);
  ck_assert_mem_eq(out, pixels, 5 * 7);
}
END_TEST

START_TEST(whole_blocks_become_their_rounded_mean) {
  uint8_t pixels[6 * 6], out[2 * 2];
  fill(pixels, sizeof pixels);
  image in = image_of(pixels, 6, 6, 1);
  resample_fit(out, 2, 2, 1, &in);
  for (size_t y = 0; y < 2; y++)
    for (size_t x = 0; x < 2; x++) {
      unsigned sum = 0;
      for (size_t i = 0; i < 9; i++) sum += pixels[(3 * y + i / 3) * 6 + 3 * x + i % 3];
      ck_assert_uint_eq(out[2 * y + x], (2 * sum + 9) / 18);
    }
}
END_TEST

/* The definition in real numbers: overlap of intervals. */
static double shared(double i, double n, double o, double m) {
  double begin = fmax(i / n, o / m), end = fmin((i + 1) / n, (o + 1) / m);
  return end > begin ? (end - begin) * m : 0;
}

START_TEST(areas_are_averaged_whatever_the_sizes) {
  static const size_t sizes[][2] = {{5, 3}, {3, 5}, {7, 2}, {1, 4}, {4, 1}, {9, 8}};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    size_t n = sizes[s][0], m = sizes[s][1];
    uint8_t pixels[81], out[81];
    fill(pixels, n * n);
    image in = image_of(pixels, n, n, 1);
    resample_fit(out, m, m, 1, &in);
    for (size_t o = 0; o < m * m; o++) {
      double sum = 0;
      for (size_t i = 0; i < n * n; i++)
        sum += pixels[i] * shared((double)(i / n), (double)n, (double)(o / m), (double)m) *
               shared((double)(i % n), (double)n, (double)(o % m), (double)m);
      ck_assert_msg(fabs(out[o] - sum) <= 0.5 + 1e-9, "%zu to %zu: %d, not %f", n, m, out[o], sum);
    }
  }
}
END_TEST

START_TEST(the_middle_is_taken_of_what_is_not_square) {
  static const uint8_t wide[2 * 5] = {9, 1, 2, 8, 8, 9, 3, 4, 8, 8};
  static const uint8_t high[4] = {7, 5, 6, 7};
  uint8_t out[4];
  image in = image_of(wide, 2, 5, 1);
  resample_fit(out, 2, 2, 1, &in);
  ck_assert_mem_eq(out, ((uint8_t[]){1, 2, 3, 4}), 4);
  in = image_of(high, 4, 1, 1);
  resample_fit(out, 2, 1, 1, &in);
  ck_assert_mem_eq(out, ((uint8_t[]){5, 6}), 2);
  resample_fit(out, 1, 1, 1, &in);
  ck_assert_uint_eq(out[0], 5);
}
END_TEST

START_TEST(colours_become_gray_and_gray_becomes_rgb) {
  static const uint8_t rgb[4 * 3] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 99, 99, 99};
  uint8_t out[4 * 3];
  image in = image_of(rgb, 2, 2, 3);
  resample_fit(out, 2, 2, 1, &in);
  ck_assert_mem_eq(out, ((uint8_t[]){76, 150, 29, 99}), 4);
  in = image_of(out, 2, 2, 1);
  uint8_t back[4 * 3];
  resample_fit(back, 2, 2, 3, &in);
  for (size_t i = 0; i < sizeof back; i++) ck_assert_uint_eq(back[i], out[i / 3]);
}
END_TEST

START_TEST(the_largest_image_does_not_overflow) {
  size_t width = IMAGE_SIDE_MAX, height = IMAGE_PIXELS_MAX / width;
  uint8_t *pixels = malloc(width * height), out[9];
  ck_assert(pixels);
  memset(pixels, 255, width * height);
  image in = image_of(pixels, height, width, 1);
  resample_fit(out, 3, 3, 1, &in);
  for (size_t i = 0; i < sizeof out; i++) ck_assert_uint_eq(out[i], 255);
  free(pixels);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("resample");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  tcase_add_test(law, an_image_that_fits_stays);
  tcase_add_test(law, whole_blocks_become_their_rounded_mean);
  tcase_add_test(law, areas_are_averaged_whatever_the_sizes);
  tcase_add_test(law, the_middle_is_taken_of_what_is_not_square);
  tcase_add_test(law, colours_become_gray_and_gray_becomes_rgb);
  tcase_add_test(bounds, the_largest_image_does_not_overflow);
  return test_run(suite);
}
