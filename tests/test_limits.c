/* test_limits.c - what a reader may cost: steps for a byte that is read, and memory, counted and not
 * timed.  docs/LIMITS.md has the times. */
#include <stdlib.h>
#include <string.h>

#include "../examples/cli/file.h"
#include "../examples/cli/npz.h"
#include "suite.h"

/* A second inflate, which counts. */
static size_t steps;
#define INFLATE_STEPS(count) (steps += (count))
#define inflate_raw counted_raw
#define inflate_raw_measure counted_raw_measure
#define inflate_zlib counted_zlib
#define inflate_begin counted_begin
#define inflate_is_possible counted_is_possible
#define inflate_crc32 counted_crc32
#define inflate_adler32 counted_adler32
#define inflate_checksum_matches counted_checksum_matches
#include "../examples/cli/inflate.c"

enum { STEPS_PER_BYTE = 64, BLOCKS = 2000 };

/* -------------------------------------------------------------------- bits */

typedef struct bits {
  uint8_t bytes[65536];
  size_t count;
} bits;

/* Appends a number, its lowest bit first. */
static void put(bits *b, unsigned value, unsigned count) {
  ck_assert(b->count + count <= 8 * sizeof b->bytes);
  for (unsigned i = 0; i < count; i++, b->count++)
    b->bytes[b->count / 8] |= (uint8_t)((value >> i & 1) << b->count % 8);
}

/* A last block that is stored and empty. */
static size_t finish(bits *b) {
  put(b, 1, 3);
  b->count = (b->count + 7) / 8 * 8;
  put(b, 0, 16);
  put(b, 0xFFFF, 16);
  return b->count / 8;
}

/* Steps that reading the blocks, which make nothing, takes for a byte. */
static size_t steps_per_byte(bits *b) {
  uint8_t none;
  size_t count = finish(b);
  steps = 0;
  const char *reason = inflate_raw(&none, 0, b->bytes, count, NULL);
  ck_assert_msg(!reason, "%s", reason);
  return steps / count;
}

/* ------------------------------------------------------------------ blocks */

/* An empty block of the fixed code: its kind, and seven zeros for its end. */
static void put_fixed(bits *b) {
  put(b, 1 << 1, 3);
  put(b, 0, 7);
}

/* An empty block of a code of its own, as short as there is: two lengths of one bit, for a literal
 * and the end, and no distances.  Lengths are sent as 1 (code 0), 0 (code 10) and 18 (code 11). */
static void put_dynamic(bits *b) {
  put(b, 2 << 1, 3);
  put(b, 0, 5);      /* 257 literals */
  put(b, 0, 5);      /* 1 distance */
  put(b, 18 - 4, 4); /* lengths of the lengths' code, in its own order: */
  for (int i = 0; i < 18; i++) put(b, i == 2 || i == 3 ? 2 : i == 17 ? 1 : 0, 3); /* 18, 0, 1 */
  put(b, 0, 1); /* literal 0: 1 bit */
  put(b, 3, 2); /* 138 zeros */
  put(b, 127, 7);
  put(b, 3, 2); /* 117 zeros */
  put(b, 117 - 11, 7);
  put(b, 0, 1); /* the end: 1 bit */
  put(b, 1, 2); /* no distance */
  put(b, 1, 1); /* the end */
}

/* The code of a code's table is 512 entries: a block must not be able to have it filled for a dozen
 * bytes. */
START_TEST(empty_blocks_take_few_steps_a_byte) {
  static bits fixed, dynamic;
  for (int i = 0; i < BLOCKS; i++) put_fixed(&fixed);
  for (int i = 0; i < BLOCKS; i++) put_dynamic(&dynamic);
  size_t of_fixed = steps_per_byte(&fixed), of_dynamic = steps_per_byte(&dynamic);
  ck_assert_msg(of_fixed <= STEPS_PER_BYTE, "fixed: %zu steps a byte", of_fixed);
  ck_assert_msg(of_dynamic <= STEPS_PER_BYTE, "dynamic: %zu steps a byte", of_dynamic);
}
END_TEST

/* ------------------------------------------------------------------ memory */

/* The limit counts the file and all of its arrays, to the byte. */
START_TEST(a_data_set_beyond_the_memory_limit_is_refused_before_it_is_unpacked) {
  zip_archive archive;
  npz_dataset data;
  file_input file;
  ck_assert(!file_read(&file, "tests/data/tiny.npz", 1 << 20));
  ck_assert(!zip_open(&archive, file.bytes, file.count));
  npz_options options = npz_options_default();
  ck_assert(!npz_dataset_measure(&data, &archive, &options));
  size_t needed = data.memory_bytes + file.count;
  options.limit_bytes = needed;
  ck_assert(!npz_dataset_measure(&data, &archive, &options));
  options.limit_bytes = needed - 1;
  const char *reason = npz_dataset_measure(&data, &archive, &options);
  ck_assert_msg(reason && strstr(reason, "MiB of memory"), "%s", reason ? reason : "accepted");
  ck_assert_uint_eq(data.memory_bytes, 0);
  file_free(&file);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("limits");
  TCase *bounds = test_case(suite, "bounds");
  tcase_add_test(bounds, empty_blocks_take_few_steps_a_byte);
  tcase_add_test(bounds, a_data_set_beyond_the_memory_limit_is_refused_before_it_is_unpacked);
  return test_run(suite);
}
