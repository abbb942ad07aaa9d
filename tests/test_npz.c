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
static void load_archive(loaded *l, const npz_archive *archive) {
  set_reason(l, npz_dataset_measure(&l->data, archive, NPZ_MEMORY_DEFAULT));
  if (l->reason[0]) return;
  size_t memory_bytes = l->data.memory_bytes;
  l->memory = malloc(memory_bytes);
  ck_assert(l->memory);
  set_reason(l, npz_dataset_read(&l->data, archive, l->memory, memory_bytes));
  if (!l->reason[0]) ck_assert_uint_eq(l->data.memory_bytes, memory_bytes);
}

static loaded load(const uint8_t *bytes, size_t count) {
  loaded l = {0};
  npz_archive archive;
  uint8_t *copy = malloc(count > 0 ? count : 1);
  ck_assert(copy);
  if (count > 0) memcpy(copy, bytes, count);
  set_reason(&l, npz_open(&archive, copy, count));
  if (!l.reason[0]) load_archive(&l, &archive);
  free(copy);
  return l;
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
    if (kat->reason) continue;
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
    if (!kat->reason) continue;
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
  ck_assert_str_eq(l.reason, "no array test_images (expected a MedMNIST .npz)");
}
END_TEST

START_TEST(a_refused_array_is_named) {
  const npz_kat *kat = kat_named("bad_labels_count");
  loaded l = load(kat_bytes(kat), kat->count);
  ck_assert_str_eq(l.reason, "test_labels: not as many labels as images (expected one for each)");
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
    ck_assert_msg(strstr(l.reason, "CRC-32"), "bit %zu: %s", bit, l.reason);
    free(l.memory);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}
END_TEST

START_TEST(one_byte_less_than_measured_is_refused) {
  const npz_kat *kat = kat_named("gray_deflated");
  npz_archive archive;
  npz_dataset data;
  npz_array array;
  uint8_t memory[FILE_BYTES_MAX];
  ck_assert(!npz_open(&archive, kat->bytes, kat->count));
  ck_assert(!npz_dataset_measure(&data, &archive, NPZ_MEMORY_DEFAULT));
  size_t memory_bytes = data.memory_bytes;
  ck_assert(npz_dataset_read(&data, &archive, memory, memory_bytes - 1));
  ck_assert(!npz_dataset_read(&data, &archive, memory, memory_bytes));
  ck_assert(!npz_array_measure(&array, &archive, "val_images"));
  memory_bytes = array.memory_bytes;
  ck_assert(npz_array_read(&array, &archive, "val_images", memory, memory_bytes - 1));
  ck_assert(!npz_array_read(&array, &archive, "val_images", memory, memory_bytes));
}
END_TEST

START_TEST(an_array_has_its_shape) {
  const npz_kat *kat = kat_named("rgb_deflated");
  const size_t shape[4] = {2, 2, 2, 3};
  npz_archive archive;
  npz_array array;
  uint8_t memory[FILE_BYTES_MAX];
  ck_assert(!npz_open(&archive, kat->bytes, kat->count));
  ck_assert(!npz_array_read(&array, &archive, "val_images", memory, sizeof memory));
  ck_assert_uint_eq(array.rank, 4);
  ck_assert_uint_eq(array.count, 24);
  ck_assert_mem_eq(array.shape, shape, sizeof shape);
  ck_assert_str_eq(npz_array_read(&array, &archive, "val_image", memory, sizeof memory),
                   "no such array");
}
END_TEST

START_TEST(split_names_and_indices_undo_each_other) {
  for (int i = 0; i < NPZ_SPLITS; i++) ck_assert_int_eq(npz_split_index(npz_split_name(i)), i);
  ck_assert_int_eq(npz_split_index("tests"), -1);
  ck_assert_int_eq(npz_split_index(""), -1);
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
  tcase_add_test(law, an_array_has_its_shape);
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
