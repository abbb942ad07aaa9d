/* test_torus.c - moves between moduli, and the gadget decomposition. */
#define PPML_IMPLEMENTATION
#include "support.h"

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 (uint64_t)1 << 31,
                                 ((uint64_t)1 << 32) - 1,
                                 (uint64_t)1 << 62,
                                 PPMLI_TORUS_HALF - 1,
                                 PPMLI_TORUS_HALF,
                                 PPMLI_TORUS_HALF + 1,
                                 UINT64_MAX - 1,
                                 UINT64_MAX};
enum { EDGES = sizeof edges / sizeof edges[0], VALUES = EDGES + 60 };

static void make_values(uint64_t values[VALUES]) {
  ppml_rng rng = test_rng(1);
  memcpy(values, edges, sizeof edges);
  test_random_words(&rng, values + EDGES, VALUES - EDGES);
}

/* |a - b| on the torus. */
static uint64_t distance(uint64_t a, uint64_t b) {
  return a - b < PPMLI_TORUS_HALF ? a - b : b - a;
}

START_TEST(switching_is_rounding_to_the_nearest) {
  uint64_t values[VALUES];
  make_values(values);
  for (uint32_t bits = 1; bits <= 32; bits++)
    for (int i = 0; i < VALUES; i++) {
      uint32_t switched = ppmli_torus_switch(values[i], bits);
      ck_assert(switched >> (bits - 1) <= 1);
      ck_assert(distance(ppmli_torus_from(switched, bits), values[i]) <= (uint64_t)1
                                                                             << (63 - bits));
    }
}
END_TEST

START_TEST(switching_undoes_from) {
  ppml_rng rng = test_rng(2);
  for (uint32_t bits = 1; bits <= 32; bits++)
    for (int i = 0; i < 50; i++) {
      uint64_t x = ppmli_rng_u64(&rng) >> (64 - bits);
      ck_assert(ppmli_torus_switch(ppmli_torus_from(x, bits), bits) == x);
      ck_assert(ppmli_torus_top(ppmli_torus_from(x, bits), bits) == x);
    }
}
END_TEST

START_TEST(just_below_a_full_turn_is_none) {
  for (uint32_t bits = 1; bits <= 32; bits++) {
    ck_assert_uint_eq(ppmli_torus_switch(UINT64_MAX, bits), 0);
    ck_assert_uint_eq(ppmli_torus_top(UINT64_MAX, bits), 0);
  }
}
END_TEST

START_TEST(the_top_bits_are_rounded_to_the_nearest) {
  uint64_t values[VALUES];
  make_values(values);
  for (int i = 0; i < VALUES; i++) {
    ck_assert(ppmli_torus_top(values[i], 64) == values[i]);
    for (uint32_t bits = 1; bits <= 63; bits++) {
      uint64_t top = ppmli_torus_top(values[i], bits);
      ck_assert(top >> (bits - 1) <= 1);
      ck_assert(distance(ppmli_torus_from(top, bits), values[i]) <= (uint64_t)1 << (63 - bits));
    }
  }
}
END_TEST

START_TEST(signed_is_twos_complement) {
  uint64_t values[VALUES];
  make_values(values);
  for (int i = 0; i < VALUES; i++) {
    uint32_t low = (uint32_t)values[i];
    ck_assert((uint64_t)ppmli_torus_signed(values[i]) == values[i]);
    ck_assert((uint32_t)ppmli_torus_signed32(low) == low);
    ck_assert((ppmli_torus_signed(values[i]) < 0) == values[i] >> 63);
    ck_assert((ppmli_torus_signed32(low) < 0) == low >> 31);
  }
  ck_assert(ppmli_torus_signed(PPMLI_TORUS_HALF) == INT64_MIN);
  ck_assert(ppmli_torus_signed32(0x80000000u) == INT32_MIN);
}
END_TEST

/* Checks one value: how many of its digits are out of range, or 1 if their sum is too far off. */
static int gadget_faults(const ppmli_gadget *g, uint64_t x) {
  int64_t half = (int64_t)1 << (g->base_log2 - 1);
  uint32_t kept = g->base_log2 * g->levels, spare = 64 - g->width;
  uint64_t sum = 0;
  int faults = 0;
  for (uint32_t level = 0; level < g->levels; level++) {
    int64_t digit = ppmli_gadget_digit(g, x, level);
    faults += digit < -half || digit >= half;
    sum += (uint64_t)digit << ppmli_gadget_shift(g, level);
  }
  uint64_t off = distance(x << spare, sum << spare);
  uint64_t bound = kept == g->width ? 0 : (uint64_t)1 << (g->width - kept - 1) << spare;
  return faults + (off > bound);
}

START_TEST(digits_sum_up_to_the_value_within_the_bound) {
  uint64_t values[VALUES];
  make_values(values);
  for (uint32_t width = 32; width <= 64; width += 32)
    for (uint32_t base = 1; base <= 24; base++)
      for (uint32_t levels = 1; base * levels <= width; levels++) {
        ppmli_gadget g = ppmli_gadget_make(base, levels, width);
        int faults = 0;
        for (int i = 0; i < VALUES; i++) faults += gadget_faults(&g, values[i] >> (64 - width));
        ck_assert_msg(faults == 0, "%u levels of %u bits of %u", levels, base, width);
      }
}
END_TEST

/* Shifts beyond a word are what digits that do not fit would take. */
START_TEST(digits_that_do_not_fit_are_refused) {
  static const uint32_t refused[][3] = {{17, 4, 64}, {23, 3, 64},         {3, 11, 32},
                                        {33, 1, 64}, {0, 1, 64},          {1, 65, 64},
                                        {32, 2, 32}, {2, 0x80000001u, 64}};
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    ck_assert(ppmli_gadget_make(refused[i][0], refused[i][1], refused[i][2]).levels == 0);
  ck_assert(ppmli_gadget_make(16, 4, 64).levels == 4 && ppmli_gadget_make(32, 2, 64).levels == 2);
}
END_TEST

START_TEST(digits_of_zero_are_zero) {
  for (uint32_t base = 1; base <= 24; base++) {
    ppmli_gadget g = ppmli_gadget_make(base, 2, 64);
    ck_assert(ppmli_gadget_digit(&g, 0, 0) == 0 && ppmli_gadget_digit(&g, 0, 1) == 0);
  }
}
END_TEST

/* What noise.h says of digits and of what is rounded away; 2 * 10^5 values, five deviations. */
START_TEST(digits_and_rounding_have_the_variance_of_the_noise_formulas) {
  ppml_rng rng = test_rng(3);
  ppmli_gadget g = ppmli_gadget_make(3, 4, 32);
  test_moments digits = {0, 0, 0, 0}, rest = {0, 0, 0, 0};
  for (int i = 0; i < 200000; i++) {
    uint32_t x = (uint32_t)ppmli_rng_u64(&rng), sum = 0;
    for (uint32_t level = 0; level < 4; level++) {
      int64_t digit = ppmli_gadget_digit(&g, x, level);
      test_moments_add(&digits, (double)digit);
      sum += (uint32_t)digit << ppmli_gadget_shift(&g, level);
    }
    test_moments_add(&rest, test_turns32(x - sum));
  }
  test_assert_near(digits.squares / (double)digits.count, ppmli_noise_digit(3), 0.01);
  test_assert_near(test_variance(&rest), ppmli_noise_rounding(12), 0.01);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("torus");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  tcase_add_test(law, switching_undoes_from);
  tcase_add_test(law, just_below_a_full_turn_is_none);
  tcase_add_test(law, signed_is_twos_complement);
  tcase_add_test(law, digits_of_zero_are_zero);
  tcase_add_test(bounds, switching_is_rounding_to_the_nearest);
  tcase_add_test(bounds, the_top_bits_are_rounded_to_the_nearest);
  tcase_add_test(bounds, digits_sum_up_to_the_value_within_the_bound);
  tcase_add_test(bounds, digits_that_do_not_fit_are_refused);
  tcase_add_test(bounds, digits_and_rounding_have_the_variance_of_the_noise_formulas);
  return test_run(suite);
}
