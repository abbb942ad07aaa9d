/* test_bytes.c - little-endian integers and bit strings. */
#define PPML_IMPLEMENTATION
#include "support.h"

START_TEST(integers_are_stored_lowest_byte_first) {
  const uint8_t expected[] = {0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};
  uint8_t bytes[8];
  ppmli_store64(bytes, 0x0102030405060708u);
  ck_assert_mem_eq(bytes, expected, 8);
  ppmli_store32(bytes, 0x05060708u);
  ck_assert_mem_eq(bytes, expected, 4);
  ppmli_store16(bytes, 0x0708u);
  ck_assert_mem_eq(bytes, expected, 2);
}
END_TEST

START_TEST(values_are_packed_lowest_bit_first) {
  const uint64_t three_bits[] = {5, 2, 7}, twelve_bits[] = {0xabc, 0x123};
  const uint8_t three_expected[] = {0xd5, 0x01}, twelve_expected[] = {0xbc, 0x3a, 0x12};
  uint8_t bytes[3];
  ppmli_pack(bytes, three_bits, 3, 3);
  ck_assert_mem_eq(bytes, three_expected, 2);
  ppmli_pack(bytes, twelve_bits, 2, 12);
  ck_assert_mem_eq(bytes, twelve_expected, 3);
}
END_TEST

START_TEST(load_undoes_store) {
  ppml_rng rng = test_rng(1);
  uint8_t bytes[8];
  for (int i = 0; i < 100; i++) {
    uint64_t x = ppmli_rng_u64(&rng);
    ppmli_store64(bytes, x);
    ck_assert(ppmli_load64(bytes) == x);
    ck_assert(ppmli_load32(bytes) == (uint32_t)x);
    ck_assert(ppmli_load16(bytes) == (x & 0xffff));
  }
}
END_TEST

enum { COUNT_MAX = 67 };

/* Random values below 2^width. */
static void random_values(uint64_t *values, size_t count, uint32_t width, ppml_rng *rng) {
  test_random_words(rng, values, count);
  for (size_t i = 0; i < count; i++) values[i] >>= 64 - width;
}

START_TEST(unpack_undoes_pack_for_every_width) {
  ppml_rng rng = test_rng(2);
  uint64_t values[COUNT_MAX], back[COUNT_MAX];
  uint8_t bytes[8 * COUNT_MAX];
  for (uint32_t width = 1; width <= 64; width++)
    for (size_t count = 1; count <= COUNT_MAX; count += 3) {
      random_values(values, count, width, &rng);
      ppmli_pack(bytes, values, count, width);
      ppmli_unpack(back, bytes, count, width);
      ck_assert_mem_eq(back, values, count * sizeof *values);
    }
}
END_TEST

/* What lets a long row be packed a buffer at a time. */
START_TEST(packing_eight_values_at_a_time_is_packing_them_all) {
  ppml_rng rng = test_rng(3);
  uint64_t values[64];
  uint8_t whole[8 * 64], parts[8 * 64];
  for (uint32_t width = 1; width <= 64; width++) {
    random_values(values, 64, width, &rng);
    ppmli_pack(whole, values, 64, width);
    for (size_t i = 0; i < 64; i += 8) ppmli_pack(parts + i / 8 * width, values + i, 8, width);
    ck_assert_mem_eq(whole, parts, ppmli_packed_bytes(64, width));
  }
}
END_TEST

START_TEST(pack_writes_packed_bytes_and_pads_with_zeros) {
  ppml_rng rng = test_rng(4);
  uint64_t values[COUNT_MAX];
  for (uint32_t width = 1; width <= 64; width++)
    for (size_t count = 1; count <= COUNT_MAX; count += 5) {
      size_t used = ppmli_packed_bytes(count, width), bits = count * width;
      uint8_t bytes[8 * COUNT_MAX + 1];
      memset(bytes, 0xee, sizeof bytes);
      random_values(values, count, width, &rng);
      ppmli_pack(bytes, values, count, width);
      ck_assert_uint_eq(bytes[used], 0xee);
      if (bits % 8) ck_assert_int_eq(bytes[used - 1] >> bits % 8, 0);
    }
}
END_TEST

START_TEST(pack_keeps_the_low_bits_of_values_that_are_too_large) {
  const uint64_t large[] = {0xfff5, 0xfff2, 0xffff}, small[] = {5, 2, 15};
  uint8_t a[2], b[2];
  ppmli_pack(a, large, 3, 4);
  ppmli_pack(b, small, 3, 4);
  ck_assert_mem_eq(a, b, 2);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("bytes");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds");
  tcase_add_test(kat, integers_are_stored_lowest_byte_first);
  tcase_add_test(kat, values_are_packed_lowest_bit_first);
  tcase_add_test(law, load_undoes_store);
  tcase_add_test(law, unpack_undoes_pack_for_every_width);
  tcase_add_test(law, packing_eight_values_at_a_time_is_packing_them_all);
  tcase_add_test(bounds, pack_writes_packed_bytes_and_pads_with_zeros);
  tcase_add_test(bounds, pack_keeps_the_low_bits_of_values_that_are_too_large);
  return test_run(suite);
}
