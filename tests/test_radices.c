/* test_digits.c - products of small odd radices. */
#define PPML_IMPLEMENTATION
#include "support.h"

/* Products that the definition asks for, by another way: all of them, marked. */
static unsigned char *test_products(int32_t most) {
  unsigned char *is_product = test_memory((size_t)most + 1);
  memset(is_product, 0, (size_t)most + 1);
  is_product[1] = 1;
  for (int digit = 0; digit < PPMLI_RADICES_MAX; digit++)
    for (int32_t m = most; m >= 1; m--)
      for (int32_t r = 3; is_product[m] && r <= PPMLI_RADIX_MAX && m * r <= most; r += 2)
        is_product[m * r] = 1;
  return is_product;
}

START_TEST(factors_are_odd_radices_with_that_product) {
  uint32_t radix[PPMLI_RADICES_MAX];
  unsigned char *is_product = test_products(PPMLI_DIVISOR_MAX);
  for (int32_t m = 1; m <= 34000; m++) {
    int count = ppmli_radices_factor(radix, m);
    int64_t product = 1;
    ck_assert_int_eq(count >= 0, is_product[m]);
    for (int i = 0; i < count; i++) {
      ck_assert(radix[i] % 2 == 1 && radix[i] >= 3 && radix[i] <= PPMLI_RADIX_MAX);
      ck_assert(i == 0 || radix[i] <= radix[i - 1]);
      product *= radix[i];
    }
    if (count >= 0) ck_assert_int_eq(product, m);
  }
  free(is_product);
}
END_TEST

START_TEST(numbers_that_are_no_products_are_refused) {
  uint32_t radix[PPMLI_RADICES_MAX];
  const int64_t others[] = {INT64_MIN, -1, 0, 2, 23, 46, 19 * 23, PPMLI_DIVISOR_MAX * 3, INT64_MAX};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    ck_assert_int_eq(ppmli_radices_factor(radix, others[i]), -1);
  ck_assert_int_eq(ppmli_radices_factor(radix, 1), 0);
  ck_assert_int_eq(ppmli_radices_factor(radix, PPMLI_DIVISOR_MAX), 4);
}
END_TEST

/* Every range from 127 to 2^22: the result is the nearest of the products. */
START_TEST(ranges_are_the_nearest_products) {
  unsigned char *is_product = test_products(PPMLI_DIVISOR_MAX);
  double worst = 1;
  for (double range = 127; range <= 1 << 22; range *= 1.0007) {
    int32_t found = ppmli_radices_range(range), m = found / 127;
    double ratio = found > range ? found / range : range / found;
    ck_assert(found % 127 == 0 && is_product[m] && m % 2 == 1);
    for (int32_t other = (int32_t)(range / ratio / 127) + 1;
         other * 127. * (1 + 1e-9) < range * ratio; other++)
      ck_assert(other == m || !is_product[other]);
    if (range > 7 * 127 && ratio > worst) worst = ratio;
  }
  ck_assert_double_lt(worst, 1.14); /* sqrt of 9 / 7, the widest gap from there on */
  free(is_product);
}
END_TEST

START_TEST(ranges_that_are_products_stay) {
  uint32_t radix[PPMLI_RADICES_MAX];
  for (int32_t m = 1; m <= 34000; m++)
    if (ppmli_radices_factor(radix, m) >= 0)
      ck_assert_int_eq(ppmli_radices_range(127. * m), 127 * m);
}
END_TEST

START_TEST(ranges_beyond_the_products_are_cut) {
  ck_assert_int_eq(ppmli_radices_range(0), 127);
  ck_assert_int_eq(ppmli_radices_range(-5), 127);
  ck_assert_int_eq(ppmli_radices_range(NAN), 127);
  ck_assert_int_eq(ppmli_radices_range(1e300), 127 * PPMLI_DIVISOR_MAX);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("digits");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  tcase_add_test(law, factors_are_odd_radices_with_that_product);
  tcase_add_test(law, ranges_are_the_nearest_products);
  tcase_add_test(law, ranges_that_are_products_stay);
  tcase_add_test(bounds, numbers_that_are_no_products_are_refused);
  tcase_add_test(bounds, ranges_beyond_the_products_are_cut);
  return test_run(suite);
}
