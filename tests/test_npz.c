/* test_npz.c - zip, NPY and MedMNIST data sets, against Python's zipfile (tests/kat).
 *
 * Run from the project's root: most seeds are read from fuzz/corpus/npz.  Real data sets are looked
 * for in $PPML_DATA, or else ../shared/data. */
#include "../examples/cli/file.h"
#include "../examples/cli/inflate.h"
#include "../examples/cli/npz.h"
#include "kat/npz_kat.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KATS = sizeof npz_kats / sizeof npz_kats[0], FILE_BYTES_MAX = 2048 };

/* A data set and what belongs to it. */
typedef struct loaded {
  void *memory;
  npz_dataset data;
  char reason[NPZ_MESSAGE_BYTES]; /* "" if it was loaded */
} loaded;

static void set_reason(loaded *l, const char *reason) {
  snprintf(l->reason, sizeof l->reason, "%s", reason ? reason : "");
}

/* As the CLI does it: one allocation, of just what was measured. */
static void load_archive(loaded *l, const zip_archive *archive, const npz_options *options) {
  set_reason(l, npz_dataset_measure(&l->data, archive, options));
  if (l->reason[0]) return;
  size_t memory_bytes = l->data.memory_bytes;
  l->memory = malloc(memory_bytes);
  ck_assert(l->memory);
  set_reason(l, npz_dataset_read(&l->data, archive, options, l->memory, memory_bytes));
  if (!l->reason[0]) ck_assert_uint_eq(l->data.memory_bytes, memory_bytes);
}

static loaded load_by(const uint8_t *bytes, size_t count, const npz_options *options) {
  loaded l = {0};
  zip_archive archive;
  uint8_t *copy = malloc(count > 0 ? count : 1);
  ck_assert(copy);
  if (count > 0) memcpy(copy, bytes, count);
  set_reason(&l, zip_open(&archive, copy, count));
  if (!l.reason[0]) load_archive(&l, &archive, options);
  free(copy);
  return l;
}

static loaded load(const uint8_t *bytes, size_t count) {
  npz_options options = npz_options_default();
  return load_by(bytes, count, &options);
}

/* The bytes of a known answer, from the array or the seed of that name. */
static const uint8_t *kat_bytes(const npz_kat *kat) {
  static uint8_t bytes[FILE_BYTES_MAX];
  file_input input;
  char path[128];
  if (kat->bytes) return kat->bytes;
  snprintf(path, sizeof path, "fuzz/corpus/npz/%s", kat->name);
  const char *reason = file_read(&input, path, sizeof bytes);
  ck_assert_msg(!reason, "%s: %s", path, reason);
  ck_assert_uint_eq(input.count, kat->count);
  memcpy(bytes, input.bytes, input.count);
  file_free(&input);
  return bytes;
}

static const npz_kat *kat_named(const char *name) {
  for (size_t i = 0; i < KATS; i++)
    if (strcmp(npz_kats[i].name, name) == 0) return &npz_kats[i];
  ck_abort_msg("no such case: %s", name);
  return NULL;
}

static uint32_t crc32_of(const npz_dataset *data) {
  uint32_t crc = 0;
  for (int i = 0; i < NPZ_SPLITS; i++) {
    const npz_split *split = &data->split[i];
    size_t image_bytes = data->height * data->width * data->channels;
    crc = inflate_crc32(crc, split->images, split->count * image_bytes);
    crc = inflate_crc32(crc, split->labels, split->count);
  }
  return crc;
}

static void check_valid(const npz_kat *kat, const npz_dataset *data) {
  ck_assert_uint_eq(data->height, kat->height);
  ck_assert_uint_eq(data->width, kat->width);
  ck_assert_uint_eq(data->channels, kat->channels);
  ck_assert_uint_eq(data->classes, 3);
  ck_assert_uint_eq(data->split[NPZ_TRAIN].count, 4);
  ck_assert_uint_eq(data->split[NPZ_VAL].count, 2);
  ck_assert_uint_eq(data->split[NPZ_TEST].count, 3);
  ck_assert_msg(crc32_of(data) == kat->crc32, "%s: read wrongly", kat->name);
}

START_TEST(valid_archives_hold_what_was_put_in) {
  for (size_t i = 0; i < KATS; i++) {
    const npz_kat *kat = &npz_kats[i];
    if (kat->reason) continue; /* "": read by options, below */
    loaded l = load(kat_bytes(kat), kat->count);
    ck_assert_msg(!l.reason[0], "%s: %s", kat->name, l.reason);
    check_valid(kat, &l.data);
    free(l.memory);
  }
}
END_TEST

START_TEST(broken_archives_are_refused_for_their_reason) {
  for (size_t i = 0; i < KATS; i++) {
    const npz_kat *kat = &npz_kats[i];
    if (!kat->reason || !kat->reason[0]) continue;
    loaded l = load(kat_bytes(kat), kat->count);
    ck_assert_msg(l.reason[0], "%s: accepted", kat->name);
    ck_assert_msg(strstr(l.reason, kat->reason), "%s: refused as: %s", kat->name, l.reason);
    ck_assert_msg(!l.data.classes && !l.data.split[0].images, "%s: not emptied", kat->name);
    free(l.memory);
  }
}
END_TEST

START_TEST(a_missing_array_is_named) {
  const npz_kat *kat = kat_named("bad_missing_array");
  loaded l = load(kat_bytes(kat), kat->count);
  ck_assert_str_eq(l.reason,
                   "no array test_images (expected train_images and train_labels, x_train and "
                   "y_train, or images and labels; there are train_images, train_labels, "
                   "val_images, val_labels, test_labels)");
}
END_TEST

START_TEST(a_refused_array_is_named) {
  const npz_kat *kat = kat_named("bad_labels_count");
  loaded l = load(kat_bytes(kat), kat->count);
  ck_assert_str_eq(l.reason,
                   "test_labels: not as many labels as images: (4, 1) (expected one for each)");
  free(l.memory);
}
END_TEST

START_TEST(archives_truncated_at_any_byte_are_refused) {
  static const char *const names[] = {"gray_deflated", "gray_stored", "gray_streamed"};
  for (size_t i = 0; i < 3; i++) {
    const npz_kat *kat = kat_named(names[i]);
    const uint8_t *bytes = kat_bytes(kat);
    for (size_t count = 0; count < kat->count; count++) {
      loaded l = load(bytes, count);
      ck_assert_msg(l.reason[0], "%s: %zu bytes accepted", kat->name, count);
      free(l.memory);
    }
  }
}
END_TEST

/* Many fields mean nothing to a reader (times, versions); what is read must be right or refused. */
START_TEST(a_flipped_bit_is_refused_or_changes_nothing) {
  static const char *const names[] = {"gray_deflated", "gray_stored", "rgb_deflated"};
  for (size_t i = 0; i < 3; i++) {
    const npz_kat *kat = kat_named(names[i]);
    uint8_t bytes[FILE_BYTES_MAX];
    memcpy(bytes, kat->bytes, kat->count);
    for (size_t bit = 0; bit < 8 * kat->count; bit++) {
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      loaded l = load(bytes, kat->count);
      ck_assert_msg(l.reason[0] || crc32_of(&l.data) == kat->crc32, "%s: bit %zu", kat->name, bit);
      free(l.memory);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
}
END_TEST

/* Where the first member's data are, in an archive without a local extra field. */
static void first_data(const uint8_t *bytes, size_t *begin, size_t *end) {
  *begin = 30 + strlen("train_images.npy");
  *end = *begin + (bytes[18] | (size_t)bytes[19] << 8);
}

START_TEST(any_flipped_bit_of_stored_data_is_refused) {
  const npz_kat *kat = kat_named("gray_stored");
  uint8_t bytes[FILE_BYTES_MAX];
  size_t begin, end;
  memcpy(bytes, kat->bytes, kat->count);
  first_data(bytes, &begin, &end);
  for (size_t bit = 8 * begin; bit < 8 * end; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    loaded l = load(bytes, kat->count);
    int is_header = bit < 8 * (begin + 80); /* which is read before the rest is unpacked */
    ck_assert_msg(l.reason[0] && (is_header || strstr(l.reason, "CRC-32")), "bit %zu: %s", bit,
                  l.reason);
    free(l.memory);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}
END_TEST

START_TEST(one_byte_less_than_measured_is_refused) {
  const npz_kat *kat = kat_named("gray_deflated");
  zip_archive archive;
  npz_dataset data;
  npz_options options = npz_options_default();
  uint8_t memory[FILE_BYTES_MAX];
  ck_assert(!zip_open(&archive, kat->bytes, kat->count));
  ck_assert(!npz_dataset_measure(&data, &archive, &options));
  size_t memory_bytes = data.memory_bytes;
  ck_assert(npz_dataset_read(&data, &archive, &options, memory, memory_bytes - 1));
  ck_assert(!npz_dataset_measure(&data, &archive, &options));
  ck_assert(!npz_dataset_read(&data, &archive, &options, memory, memory_bytes));
}
END_TEST

/* By what options seeds must be read to hold what the first one does. */
static loaded load_seed(const char *name, const npz_options *options) {
  const npz_kat *kat = kat_named(name);
  return load_by(kat_bytes(kat), kat->count, options);
}

START_TEST(a_range_that_is_told_is_the_scale) {
  npz_options options = npz_options_default();
  options.range = (npz_range){NPZ_RANGE_VALUES, 0, 65535};
  loaded told = load_seed("images_u2", &options),
         own = load(kat_bytes(kat_named("gray_stored")), kat_named("gray_stored")->count);
  ck_assert_uint_eq(crc32_of(&told.data), crc32_of(&own.data));
  free(told.memory);
  options.range = (npz_range){NPZ_RANGE_VALUES, 16384, 49152};
  told = load_seed("images_u2", &options);
  ck_assert_msg(!told.reason[0], "%s", told.reason);
  for (size_t i = 0; i < 16; i++) {
    double level = (257 * own.data.split[0].images[i] - 16384) * 255 / 32768.0;
    level = level < 0 ? 0 : level > 255 ? 255 : level;
    ck_assert_int_eq(told.data.split[0].images[i], (int)(level + 0.5));
  }
  free(told.memory);
  free(own.memory);
}
END_TEST

START_TEST(the_range_of_the_data_is_that_of_the_training_images) {
  npz_options options = npz_options_default();
  options.range.kind = NPZ_RANGE_DATA;
  loaded l = load_seed("images_u2", &options);
  uint8_t least = 255, most = 0;
  for (size_t i = 0; i < 16; i++) {
    uint8_t level = l.data.split[0].images[i];
    if (level < least) least = level;
    if (level > most) most = level;
  }
  ck_assert(least == 0 && most == 255);
  ck_assert(l.data.told.range.black >= l.data.told.least &&
            l.data.told.range.white <= l.data.told.most);
  free(l.memory);
}
END_TEST

START_TEST(flat_images_have_the_sides_that_are_told) {
  npz_options options = npz_options_default();
  options.sides = 2, options.side[0] = 5, options.side[1] = 3;
  loaded told = load_seed("images_flat", &options);
  ck_assert_msg(!told.reason[0], "%s", told.reason);
  check_valid(kat_named("gray_5_by_3"), &told.data);
  ck_assert_uint_eq(crc32_of(&told.data), kat_named("gray_5_by_3")->crc32);
  free(told.memory);
  options.side[0] = 4;
  told = load_seed("images_flat", &options);
  ck_assert_msg(strstr(told.reason, "another shape than --shape"), "%s", told.reason);
  options = npz_options_default();
  options.sides = 3, options.side[0] = 3, options.side[1] = options.side[2] = 2;
  told = load_seed("images_flat_chw", &options);
  ck_assert_msg(!told.reason[0], "%s", told.reason);
  ck_assert_uint_eq(crc32_of(&told.data), kat_named("rgb_deflated")->crc32);
  free(told.memory);
}
END_TEST

START_TEST(flat_images_have_the_sides_of_a_network) {
  npz_options options = npz_options_default();
  options.classes = 3, options.channels = 1, options.height = 5, options.width = 3;
  options.is_full_range = 1;
  loaded l = load_seed("images_flat", &options);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert_uint_eq(crc32_of(&l.data), kat_named("gray_5_by_3")->crc32);
  free(l.memory);
  l = load_seed("images_i2", &options);
  ck_assert_msg(strstr(l.reason, "what the network was trained on"), "%s", l.reason);
  free(l.memory);
}
END_TEST

START_TEST(labels_are_numbered_where_that_is_asked_for) {
  npz_options options = npz_options_default();
  options.relabels = 1;
  loaded l = load_seed("bad_labels_negative", &options);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert_uint_eq(crc32_of(&l.data), kat_named("gray_stored")->crc32);
  ck_assert(l.data.told.class_values == 3 && l.data.told.class_value[0] < 0);
  free(l.memory);
  options.classes = 4;
  l = load_seed("bad_labels_negative", &options);
  ck_assert_msg(strstr(l.reason, "one for each class of the network"), "%s", l.reason);
  free(l.memory);
  options.class_values = 4;
  for (int i = 0; i < 4; i++) options.class_value[i] = i - 2;
  l = load_seed("bad_labels_negative", &options);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  for (size_t i = 0; i < 4; i++) ck_assert_uint_eq(l.data.split[0].labels[i], i % 3 + 1);
  free(l.memory);
}
END_TEST

START_TEST(one_hot_columns_are_labels_where_that_is_asked_for) {
  npz_options options = npz_options_default();
  options.has_columns = 1;
  loaded l = load_seed("labels_one_hot", &options);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert(l.data.labels_per_image == 3 && l.data.classes == 3 && l.data.told.columns == 0);
  free(l.memory);
  options.has_columns = 0;
  l = load_seed("labels_one_hot", &options);
  ck_assert(l.data.labels_per_image == 1 && l.data.told.columns == 3);
  free(l.memory);
}
END_TEST

START_TEST(validation_images_are_cut_from_training_images) {
  npz_options options = npz_options_default();
  options.trains = options.cuts = 1;
  loaded l = load_seed("no_val", &options), again = load_seed("no_val", &options);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert_uint_eq(l.data.split[NPZ_TRAIN].count, 36);
  ck_assert_uint_eq(l.data.split[NPZ_VAL].count, 4);
  ck_assert_uint_eq(l.data.told.cut, 4);
  ck_assert_uint_eq(crc32_of(&l.data), crc32_of(&again.data));
  size_t seen[2] = {0, 0}, sum = 0;
  for (size_t i = 0; i < 4; i++) seen[l.data.split[NPZ_VAL].labels[i]]++;
  ck_assert(seen[0] == 1 && seen[1] == 3); /* of 10 and 30 */
  for (int s = 0; s < 2; s++)
    for (size_t i = 0; i < l.data.split[s].count; i++) {
      uint8_t pixel =
          l.data.split[s].images[i]; /* image n is n, and of class 0 where that is 0 modulo 4 */
      ck_assert_uint_eq(l.data.split[s].labels[i], pixel % 4 != 0);
      sum += pixel;
    }
  ck_assert_uint_eq(sum, 39 * 40 / 2);
  free(l.memory);
  free(again.memory);
}
END_TEST

START_TEST(what_cannot_be_trained_on_is_refused) {
  npz_options options = npz_options_default();
  options.trains = options.cuts = 1;
  static const struct {
    const char *name, *reason;
  } cases[] = {{"train_of_one_class", "all labels are 1 (expected at least two classes)"},
               {"val_of_one_class", "val_labels: all labels are 2 (expected at least two"},
               {"test_alone", "no array train_images"},
               {"gaps", "labels 0, 2 (expected 0, 1 and so on; --relabel"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    loaded l = load_seed(cases[i].name, &options);
    ck_assert_msg(strstr(l.reason, cases[i].reason), "%s: %s", cases[i].name, l.reason);
    free(l.memory);
  }
}
END_TEST

START_TEST(what_is_no_training_needs_no_training_images) {
  npz_options options = npz_options_default();
  loaded l = load_seed("test_alone", &options);
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert(l.data.split[NPZ_TRAIN].count == 0 && l.data.split[NPZ_TEST].count == 3);
  free(l.memory);
}
END_TEST

/* One image as an .npy, for a network of 5 x 3 pixels. */
START_TEST(a_single_array_is_read_for_its_network) {
  static const char *const shapes[] = {"(5, 3)",       "(1, 5, 3)", "(5, 3, 1)",
                                       "(1, 1, 5, 3)", "(15,)",     "(1, 15)"};
  npz_options options = npz_options_default();
  options.classes = 2, options.channels = 1, options.height = 5, options.width = 3;
  options.is_full_range = 1;
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    uint8_t file[128 + 30], image[15];
    npz_dataset read;
    memset(file, ' ', 128);
    memcpy(file, "\x93NUMPY\x01\0\x76\0", 10);
    int made = snprintf((char *)file + 10, 118,
                        "{'descr': '<u2', 'fortran_order': False, 'shape': %s}", shapes[i]);
    file[10 + made] = ' ';
    for (unsigned p = 0; p < 15; p++) file[128 + 2 * p] = file[129 + 2 * p] = (uint8_t)(7 * p);
    const char *reason = npz_read_image(image, &read, &options, file, sizeof file);
    ck_assert_msg(!reason, "%s: %s", shapes[i], reason);
    for (unsigned p = 0; p < 15; p++) ck_assert_uint_eq(image[p], 7 * p);
    options.width = 5, options.height = 3;
    reason = npz_read_image(image, &read, &options, file, sizeof file);
    ck_assert_msg(i >= 4 ? !reason : reason && strstr(reason, "of another shape"), "%s", shapes[i]);
    options.width = 3, options.height = 5;
  }
}
END_TEST

START_TEST(split_names_and_indices_undo_each_other) {
  for (int i = 0; i < NPZ_SPLITS; i++) ck_assert_int_eq(npz_split_index(npz_split_name(i)), i);
  ck_assert_int_eq(npz_split_index("tests"), -1);
  ck_assert_int_eq(npz_split_index(""), -1);
  ck_assert_int_eq(npz_split_of_word("VALIDATION", 10), NPZ_VAL);
  ck_assert_int_eq(npz_split_of_word("training", 7), -1);
  ck_assert_str_eq(npz_split_name(3), "?");
}
END_TEST

/* ------------------------------------------------------------------------- real data sets */

/* Reads a real data set; 0, and a line that says so, where there is none. */
static int load_real(loaded *l, const char *name) {
  const char *folder = getenv("PPML_DATA");
  file_input input;
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder ? folder : "../shared/data", name);
  if (file_read(&input, path, (size_t)1 << 30)) {
    printf("skipped: %s: %s\n", path, input.message);
    return 0;
  }
  *l = load(input.bytes, input.count);
  file_free(&input);
  return 1;
}

static void check_split(const npz_split *split, size_t classes, const size_t *counts) {
  size_t seen[NPZ_CLASSES_MAX] = {0};
  for (size_t i = 0; i < split->count; i++) seen[split->labels[i]]++;
  for (size_t i = 0; i < classes; i++) ck_assert_uint_eq(seen[i], counts[i]);
}

START_TEST(pneumoniamnist_has_its_published_counts) {
  static const size_t counts[NPZ_SPLITS][2] = {{1214, 3494}, {135, 389}, {234, 390}};
  loaded l;
  if (!load_real(&l, "pneumoniamnist.npz")) return;
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert_uint_eq(l.data.classes, 2);
  ck_assert_uint_eq(l.data.height, 28);
  ck_assert_uint_eq(l.data.width, 28);
  ck_assert_uint_eq(l.data.channels, 1);
  for (int i = 0; i < NPZ_SPLITS; i++) {
    ck_assert_uint_eq(l.data.split[i].count, counts[i][0] + counts[i][1]);
    check_split(&l.data.split[i], 2, counts[i]);
  }
  free(l.memory);
}
END_TEST

START_TEST(retinamnist_has_its_published_counts) {
  static const size_t counts[NPZ_SPLITS] = {1080, 120, 400};
  loaded l;
  if (!load_real(&l, "retinamnist.npz")) return;
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert_uint_eq(l.data.classes, 5);
  ck_assert_uint_eq(l.data.height, 28);
  ck_assert_uint_eq(l.data.width, 28);
  ck_assert_uint_eq(l.data.channels, 3);
  for (int i = 0; i < NPZ_SPLITS; i++) ck_assert_uint_eq(l.data.split[i].count, counts[i]);
  free(l.memory);
}
END_TEST

START_TEST(a_multi_label_data_set_is_read) {
  loaded l;
  if (!load_real(&l, "nih_chestxray14_28.npz")) return;
  ck_assert_msg(!l.reason[0], "%s", l.reason);
  ck_assert_uint_eq(l.data.classes, 14);
  ck_assert_uint_eq(l.data.labels_per_image, 14);
  ck_assert_uint_eq(l.data.split[NPZ_TEST].count, 181);
  free(l.memory);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("npz");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, valid_archives_hold_what_was_put_in);
  tcase_add_test(kat, pneumoniamnist_has_its_published_counts);
  tcase_add_test(kat, retinamnist_has_its_published_counts);
  tcase_add_test(kat, a_multi_label_data_set_is_read);
  tcase_add_test(law, a_range_that_is_told_is_the_scale);
  tcase_add_test(law, the_range_of_the_data_is_that_of_the_training_images);
  tcase_add_test(law, flat_images_have_the_sides_that_are_told);
  tcase_add_test(law, flat_images_have_the_sides_of_a_network);
  tcase_add_test(law, labels_are_numbered_where_that_is_asked_for);
  tcase_add_test(law, one_hot_columns_are_labels_where_that_is_asked_for);
  tcase_add_test(law, validation_images_are_cut_from_training_images);
  tcase_add_test(law, what_is_no_training_needs_no_training_images);
  tcase_add_test(law, a_single_array_is_read_for_its_network);
  tcase_add_test(error, what_cannot_be_trained_on_is_refused);
  tcase_add_test(law, split_names_and_indices_undo_each_other);
  tcase_add_test(law, one_byte_less_than_measured_is_refused);
  tcase_add_test(error, broken_archives_are_refused_for_their_reason);
  tcase_add_test(error, a_missing_array_is_named);
  tcase_add_test(error, a_refused_array_is_named);
  tcase_add_test(error, archives_truncated_at_any_byte_are_refused);
  tcase_add_test(error, a_flipped_bit_is_refused_or_changes_nothing);
  tcase_add_test(error, any_flipped_bit_of_stored_data_is_refused);
  return test_run(suite);
}
