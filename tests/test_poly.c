/* test_poly.c - exact polynomials modulo X^N + 1. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { POLY_SIZE_MAX = 1024 };

static uint64_t a[POLY_SIZE_MAX], got[POLY_SIZE_MAX], expected[POLY_SIZE_MAX];

static void check_muladd(uint32_t poly_size, size_t first, const uint8_t *bits, ppml_rng *rng) {
  static uint64_t s[POLY_SIZE_MAX], shifted[POLY_SIZE_MAX + PPMLI_POLY_LEAD];
  test_random_words(rng, a, poly_size);
  test_random_words(rng, got, poly_size); /* it adds */
  memcpy(expected, got, sizeof got);
  for (uint32_t i = 0; i < poly_size; i++) s[i] = bits[(first + i) / 8] >> (first + i) % 8 & 1;
  ppmli_poly_binary_muladd(got, a, bits, first, poly_size, shifted);
  test_multiply_add(expected, a, s, poly_size);
  ck_assert_mem_eq(got, expected, poly_size * sizeof *got);
}

START_TEST(binary_muladd_equals_the_product_by_definition) {
  ppml_rng rng = test_rng(1);
  uint8_t bits[2 * POLY_SIZE_MAX / 8];
  ppmli_rng_bytes(&rng, bits, sizeof bits);
  for (uint32_t poly_size = 8; poly_size <= POLY_SIZE_MAX; poly_size *= 2) {
    check_muladd(poly_size, 0, bits, &rng);
    check_muladd(poly_size, poly_size, bits, &rng);
    check_muladd(poly_size, 3, bits, &rng);
  }
}
END_TEST

START_TEST(binary_muladd_by_no_bits_and_by_all_bits) {
  ppml_rng rng = test_rng(2);
  uint8_t bits[POLY_SIZE_MAX / 8];
  memset(bits, 0, sizeof bits);
  check_muladd(512, 0, bits, &rng);
  memset(bits, 0xff, sizeof bits);
  check_muladd(512, 0, bits, &rng);
}
END_TEST

START_TEST(rotating_down_is_division_by_a_monomial) {
  ppml_rng rng = test_rng(3);
  test_random_words(&rng, a, 64);
  for (uint32_t shift = 0; shift < 128; shift++) {
    ppmli_poly_rotate_down(got, a, shift, 64);
    test_rotate_up(expected, got, shift, 64);
    ck_assert_mem_eq(expected, a, 64 * sizeof *a);
  }
}
END_TEST

START_TEST(rotations_add_up) {
  ppml_rng rng = test_rng(4);
  uint64_t once[64], twice[64], both[64];
  test_random_words(&rng, a, 64);
  for (uint32_t x = 0; x < 128; x += 7)
    for (uint32_t y = 0; y < 128; y += 5) {
      ppmli_poly_rotate_down(once, a, x, 64);
      ppmli_poly_rotate_down(twice, once, y, 64);
      ppmli_poly_rotate_down(both, a, (x + y) % 128, 64);
      ck_assert_mem_eq(twice, both, sizeof both);
    }
}
END_TEST

START_TEST(rotating_by_the_size_negates) {
  ppml_rng rng = test_rng(5);
  test_random_words(&rng, a, 64);
  ppmli_poly_rotate_down(got, a, 64, 64);
  for (int i = 0; i < 64; i++) ck_assert(got[i] == 0 - a[i]);
}
END_TEST

START_TEST(bits_are_counted_from_the_lowest) {
  const uint8_t bits[] = {0x01, 0x80};
  for (size_t i = 0; i < 16; i++) ck_assert_uint_eq(ppmli_bit(bits, i), i == 0 || i == 15);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("poly");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  tcase_add_test(law, binary_muladd_equals_the_product_by_definition);
  tcase_add_test(law, rotating_down_is_division_by_a_monomial);
  tcase_add_test(law, rotations_add_up);
  tcase_add_test(law, rotating_by_the_size_negates);
  tcase_add_test(law, bits_are_counted_from_the_lowest);
  tcase_add_test(bounds, binary_muladd_by_no_bits_and_by_all_bits);
  return test_run(suite);
}
