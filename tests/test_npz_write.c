/* test_npz_write.c - data sets that are written are read again. */
#include "../examples/cli/npz_write.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEIGHT = 3, WIDTH = 2, PIXELS_MAX = 4 * HEIGHT * WIDTH * 3 };

/* A data set of 4, 1 and 2 images. */
static npz_dataset make(uint8_t *pixels, unsigned channels, unsigned labels) {
  static const uint8_t flags[12] = {1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 1};
  npz_dataset d = {.height = HEIGHT, .width = WIDTH, .channels = channels};
  d.labels_per_image = labels;
  for (int i = 0; i < NPZ_SPLITS; i++) {
    static const size_t counts[NPZ_SPLITS] = {4, 1, 2};
    d.split[i] = (npz_split){pixels + i, flags, counts[i]};
  }
  for (size_t i = 0; i < PIXELS_MAX + NPZ_SPLITS; i++) pixels[i] = (uint8_t)(37 * i + 5);
  return d;
}

static file_input write_and_read(const npz_dataset *d) {
  static const char path[] = "/tmp/ppml-test-npz-write";
  char name[64];
  file_output output;
  file_input input;
  snprintf(name, sizeof name, "%s-%ld", path, (long)getpid());
  ck_assert(!file_create(&output, name, 0600));
  ck_assert(!npz_write(&output, d));
  ck_assert(!file_commit(&output));
  ck_assert(!file_read(&input, name, 1 << 20));
  remove(name);
  ck_assert_uint_eq(input.count, npz_write_bytes(d));
  return input;
}

static void check_round_trip(unsigned channels, unsigned labels) {
  uint8_t pixels[PIXELS_MAX + NPZ_SPLITS];
  npz_dataset d = make(pixels, channels, labels), got;
  zip_archive archive;
  file_input file = write_and_read(&d);
  ck_assert(!zip_open(&archive, file.bytes, file.count));
  npz_options options = npz_options_default();
  options.has_columns = 1;
  ck_assert(!npz_dataset_measure(&got, &archive, &options));
  size_t memory_bytes = got.memory_bytes;
  void *memory = malloc(memory_bytes);
  ck_assert(memory);
  const char *reason = npz_dataset_read(&got, &archive, &options, memory, memory_bytes);
  ck_assert_msg(!reason, "%s", reason);
  ck_assert(got.height == HEIGHT && got.width == WIDTH && got.channels == channels);
  ck_assert_uint_eq(got.labels_per_image, labels);
  for (int i = 0; i < NPZ_SPLITS; i++) {
    size_t count = d.split[i].count;
    ck_assert_uint_eq(got.split[i].count, count);
    ck_assert_mem_eq(got.split[i].images, d.split[i].images, count * HEIGHT * WIDTH * channels);
    ck_assert_mem_eq(got.split[i].labels, d.split[i].labels, count * labels);
  }
  free(memory);
  file_free(&file);
}

START_TEST(reading_undoes_writing) {
  check_round_trip(1, 1);
  check_round_trip(3, 1);
  check_round_trip(1, 3);
}
END_TEST

START_TEST(a_split_without_images_is_left_out) {
  uint8_t pixels[PIXELS_MAX + NPZ_SPLITS];
  npz_dataset d = make(pixels, 1, 1), got;
  zip_archive archive;
  npz_options options = npz_options_default();
  d.split[NPZ_VAL].count = 0;
  file_input file = write_and_read(&d);
  ck_assert(!zip_open(&archive, file.bytes, file.count));
  ck_assert(!npz_dataset_measure(&got, &archive, &options));
  ck_assert_uint_eq(got.split[NPZ_TRAIN].count, 4);
  ck_assert_uint_eq(got.split[NPZ_VAL].count, 0);
  ck_assert_uint_eq(got.split[NPZ_TEST].count, 2);
  file_free(&file);
}
END_TEST

START_TEST(the_same_data_make_the_same_bytes) {
  uint8_t pixels[PIXELS_MAX + NPZ_SPLITS];
  npz_dataset d = make(pixels, 3, 1);
  file_input one = write_and_read(&d), two = write_and_read(&d);
  ck_assert_uint_eq(one.count, two.count);
  ck_assert_mem_eq(one.bytes, two.bytes, one.count);
  file_free(&one);
  file_free(&two);
}
END_TEST

START_TEST(four_gibibytes_are_too_many) {
  npz_dataset d = {.height = 4096, .width = 4096, .channels = 1, .labels_per_image = 1};
  d.split[NPZ_TRAIN].count = 253;
  d.split[NPZ_VAL].count = d.split[NPZ_TEST].count = 1;
  ck_assert_uint_gt(npz_write_bytes(&d), 255U << 24);
  d.split[NPZ_TRAIN].count = 254;
  ck_assert_uint_eq(npz_write_bytes(&d), 0);
  d.split[NPZ_TRAIN].count = SIZE_MAX;
  ck_assert_uint_eq(npz_write_bytes(&d), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("npz_write");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  tcase_add_test(law, reading_undoes_writing);
  tcase_add_test(law, a_split_without_images_is_left_out);
  tcase_add_test(law, the_same_data_make_the_same_bytes);
  tcase_add_test(bounds, four_gibibytes_are_too_many);
  return test_run(suite);
}
