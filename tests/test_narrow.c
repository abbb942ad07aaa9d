/* test_narrow.c - exact products in words of 32 bits, against their definition. */
#define PPML_IMPLEMENTATION
#include "support.h"

#include <stdlib.h>

enum { N_MAX = 4096, DIGIT = 1 << 15 };

/* r = a b by the transform. */
static void multiply(int32_t *r, const int32_t *a, const int32_t *b, uint32_t N) {
  static int32_t factor[2 * N_MAX], sum[N_MAX];
  static int32_t roots[N_MAX / PPMLI_NARROW_GROUP];
  ppmli_narrow n;
  ppmli_narrow_init(&n, N, roots);
  memcpy(factor + N, b, N * sizeof *b);
  memcpy(r, a, N * sizeof *a);
  ppmli_narrow_forward(factor + N, &n);
  ppmli_narrow_factor(factor, &n);
  ppmli_narrow_forward(r, &n);
  memset(sum, 0, N * sizeof *sum);
  ppmli_narrow_muladd(sum, r, factor, &n);
  ppmli_narrow_multiply(r, factor, &n);
  for (uint32_t i = 0; i < N; i++) ck_assert_int_eq(sum[i], r[i]);
  ppmli_narrow_backward(r, &n);
}

static void check_product(const int32_t *a, const int32_t *b, uint32_t N) {
  static uint64_t wide_a[N_MAX], wide_b[N_MAX], want[N_MAX];
  static int32_t got[N_MAX];
  for (uint32_t i = 0; i < N; i++) {
    wide_a[i] = (uint64_t)(int64_t)a[i];
    wide_b[i] = (uint64_t)(int64_t)b[i];
    want[i] = 0;
  }
  test_multiply_add(want, wide_a, wide_b, N);
  multiply(got, a, b, N);
  for (uint32_t i = 0; i < N; i++) ck_assert_int_eq(got[i], (int64_t)want[i]);
}

START_TEST(a_product_is_that_by_definition_for_every_size) {
  static int32_t a[N_MAX], b[N_MAX];
  ppml_rng rng = test_rng(1);
  for (uint32_t N = 8; N <= N_MAX; N *= 2) {
    for (uint32_t i = 0; i < N; i++) {
      a[i] = (int32_t)(ppmli_rng_u64(&rng) & 0xffff) - DIGIT;
      b[i] = (int32_t)test_within(&rng, 1);
    }
    check_product(a, b, N);
  }
}
END_TEST

/* The largest sums of which a product is exact, at the ends of X^N + 1. */
START_TEST(the_largest_sums_are_exact) {
  static int32_t a[N_MAX], b[N_MAX];
  for (int signs = 0; signs < 4; signs++) {
    for (uint32_t i = 0; i < N_MAX; i++) {
      a[i] = signs & 1 ? -DIGIT : DIGIT;
      b[i] = signs & 2 ? -1 : 1;
    }
    check_product(a, b, N_MAX);
  }
}
END_TEST

/* Whatever digits are transformed, numbers stay below 2^31 on every level and in every leaf. */
START_TEST(no_level_overflows) {
  double most = DIGIT;
  for (int level = 0; level < PPMLI_NARROW_LEVELS_MAX; level++)
    most += most * 0.6 * PPMLI_NARROW_PRIME / 4294967296.0 + PPMLI_NARROW_PRIME / 2.0;
  ck_assert(most < 2147483648.0);
  ck_assert(most * 4 * 0.6 * PPMLI_NARROW_PRIME / 4294967296.0 + PPMLI_NARROW_PRIME +
                262144 /* of the sum that it is added to */
            < 2147483648.0 - 134217728.0);
  static int32_t roots[N_MAX / PPMLI_NARROW_GROUP];
  ppmli_narrow n;
  ppmli_narrow_init(&n, N_MAX, roots);
  for (uint32_t i = 0; i < ppmli_narrow_roots(N_MAX); i++)
    ck_assert(abs(roots[i]) < 0.6 * PPMLI_NARROW_PRIME);
}
END_TEST

START_TEST(digits_are_a_word) {
  ppml_rng rng = test_rng(2);
  const uint64_t edges[] = {
      0, 0x7fff, 0x8000, 0xffff, UINT64_C(0x7fff7fff7fff7fff), PPMLI_NARROW_UNSIGNED, ~(uint64_t)0};
  for (uint32_t i = 0; i < 1000; i++) {
    uint64_t word = i < sizeof edges / sizeof *edges ? edges[i] : ppmli_rng_u64(&rng), sum = 0;
    for (uint32_t d = 0; d < PPMLI_NARROW_DIGITS; d++) {
      int32_t digit = ppmli_narrow_digit(word + PPMLI_NARROW_UNSIGNED, d);
      ck_assert(digit >= -DIGIT && digit < DIGIT);
      sum += (uint64_t)(int64_t)digit << 16 * d;
    }
    ck_assert(sum == word);
  }
}
END_TEST

/* Numbers of smallest magnitude, of all that stand for them. */
START_TEST(numbers_come_back_signed) {
  const int32_t q = PPMLI_NARROW_PRIME, most = PPMLI_NARROW_MOST;
  const int32_t edges[] = {0, 1, -1, most, -most, most - 1, 1 - most};
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
    ck_assert_int_eq(ppmli_narrow_signed(edges[i]), edges[i]);
    ck_assert_int_eq(ppmli_narrow_signed(edges[i] + (edges[i] > 0 ? -q : q)), edges[i]);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("narrow");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  tcase_add_test(law, a_product_is_that_by_definition_for_every_size);
  tcase_add_test(law, digits_are_a_word);
  tcase_add_test(bounds, the_largest_sums_are_exact);
  tcase_add_test(bounds, no_level_overflows);
  tcase_add_test(bounds, numbers_come_back_signed);
  return test_run(suite);
}
