/* test_params.c - every named set keeps to docs/NOISE.md "Security" and to the limits that the
 * rest of the code relies on. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { SETS_MAX = 16 };

static size_t all_sets(const ppml_params *sets[SETS_MAX]) {
  size_t count = 0;
  while (count < SETS_MAX && (sets[count] = ppml_params_by_index(count)) != NULL) count++;
  return count;
}

#define for_each_set(p)                                                                            \
  const ppml_params *sets[SETS_MAX], *p;                                                           \
  for (size_t set = 0, set_count = all_sets(sets); set < set_count && (p = sets[set]); set++)

#define for_each_bootstrapped(p)                                                                   \
  const ppml_params *p;                                                                            \
  for (size_t set = 0; (p = test_bootstrapped(set)) != NULL; set++)

/* log2 of the least noise, relative to the torus, for a uniform binary key: the column
 * "binary 132" where it has the dimension, else the fit above it; below 768 the fit of "m-opt
 * 132". */
static double binary_line(double dim) {
  static const double column[][2] = {{768, -16.40},  {800, -17.20},  {834, -18.05},  {880, -19.20},
                                     {918, -20.15},  {1024, -22.85}, {1280, -29.25}, {1536, -35.70},
                                     {2048, -48.70}, {3072, -74.70}};
  if (dim < 768) return -0.025283 * dim + 3.254;
  for (size_t i = 0; i < sizeof column / sizeof column[0]; i++)
    if (dim == column[i][0]) return column[i][1];
  return (-2.7106e-7 * dim - 0.024467) * dim + 2.557;
}

static double block2_line(double dim) {
  return -0.02525 * dim + 4.25;
}

START_TEST(noise_is_not_below_the_security_line) {
  for_each_bootstrapped(p) {
    double lwe = log2(ppmli_params_noise_std(p->lwe_noise_bound, 32));
    double glwe = log2(ppmli_params_noise_std(p->glwe_noise_bound, 64));
    double line = p->key_block_ones ? block2_line(p->lwe_dim) : binary_line(p->lwe_dim);
    ck_assert_msg(lwe >= line, "%s: LWE noise %.5f, line %.5f", p->name, lwe, line);
    line = binary_line((double)ppmli_params_long_dim(p));
    ck_assert_msg(glwe >= line, "%s: GLWE noise %.5f, line %.5f", p->name, glwe, line);
  }
}
END_TEST

START_TEST(noise_is_not_far_above_the_security_line) { /* it would be paid for in accuracy */
  for_each_bootstrapped(p) {
    double lwe = log2(ppmli_params_noise_std(p->lwe_noise_bound, 32));
    double line = p->key_block_ones ? block2_line(p->lwe_dim) : binary_line(p->lwe_dim);
    ck_assert_msg(lwe < line + 0.05, "%s: LWE noise %.5f, line %.5f", p->name, lwe, line);
  }
}
END_TEST

START_TEST(every_set_has_128_bits) {
  for_each_bootstrapped(p) {
    double bits = ppml_params_security_bits(p);
    ck_assert_msg(bits >= 128 && bits < 140, "%s: %.2f bits", p->name, bits);
  }
}
END_TEST

/* Points of the table of docs/NOISE.md: the lines lie above them, by at most 0.6 bits. */
START_TEST(the_estimate_is_that_of_the_table) {
  static const double point128[][2] = {{550, -11.45},  {742, -16.40},  {918, -20.90},
                                       {1024, -23.65}, {1536, -36.90}, {2048, -50.30}};
  static const double point132[][2] = {{550, -11.00},  {742, -15.75},  {918, -20.15},
                                       {1024, -22.85}, {1536, -35.70}, {2048, -48.70}};
  for (size_t i = 0; i < sizeof point128 / sizeof point128[0]; i++) {
    double at128 = ppmli_security_bits(point128[i][0], exp2(point128[i][1]), 0);
    double at132 = ppmli_security_bits(point132[i][0], exp2(point132[i][1]), 0);
    ck_assert_msg(at128 <= 128 && at128 > 127.4, "%g: %.2f", point128[i][0], at128);
    ck_assert_msg(at132 <= 132 && at132 > 131.4, "%g: %.2f", point132[i][0], at132);
  }
}
END_TEST

START_TEST(more_noise_and_more_dimensions_are_more_security) {
  for (int block = 0; block < 2; block++)
    for (double dim = 500; dim < 1000; dim += 50) {
      double here = ppmli_security_bits(dim, exp2(-16), block);
      ck_assert(ppmli_security_bits(dim, exp2(-15.5), block) > here);
      ck_assert(ppmli_security_bits(dim + 10, exp2(-16), block) > here);
    }
}
END_TEST

START_TEST(names_and_ids_are_different) {
  for_each_set(p) {
    ck_assert_ptr_eq(ppml_params_by_name(p->name), p);
    ck_assert_ptr_eq(ppmli_params_by_id(p->id), p);
    ck_assert_uint_ne(p->id, 0); /* which stands for none in a header */
    ck_assert(strlen(p->assumption) > 10);
  }
}
END_TEST

START_TEST(a_set_that_is_not_there_is_null) {
  ck_assert_ptr_null(ppml_params_by_name("no such set"));
  ck_assert_ptr_null(ppml_params_by_name(""));
  ck_assert_ptr_null(ppml_params_by_name(NULL));
  ck_assert_ptr_null(ppml_params_by_index(SIZE_MAX));
  ck_assert_ptr_null(ppmli_params_by_id(0));
}
END_TEST

static int is_power_of_2(uint32_t x) {
  return x && (x & (x - 1)) == 0;
}

START_TEST(shapes_are_what_the_code_relies_on) {
  for_each_bootstrapped(p) {
    ck_assert(is_power_of_2(p->poly_size) && p->poly_size >= 256 && p->poly_size <= 4096);
    ck_assert_uint_ge(p->lwe_dim, 450);
    ck_assert_uint_eq(p->lwe_dim % PPMLI_KSK_CHUNK, 0); /* also whole bytes of key */
    ck_assert_uint_eq(p->lwe_dim % p->key_block, 0);
    ck_assert_uint_eq(ppmli_params_steps(p) * p->key_block, p->lwe_dim);
    ck_assert_uint_le(ppmli_params_long_dim(p), TEST_KEY_BITS_MAX);
    ck_assert_uint_le(p->lwe_dim, ppmli_params_long_dim(p));
    ck_assert_uint_eq(p->poly_size % PPMLI_PACK_WORDS, 0);
    ck_assert_uint_le(p->pbs_base_log2 * p->pbs_levels, 52); /* of a double */
    ck_assert_uint_le(p->ks_base_log2 * p->ks_levels, 32);
    ck_assert(!(p->shared_prefix && p->key_block_ones)); /* a prefix is uniform */
  }
}
END_TEST

START_TEST(noise_and_wire_widths_are_in_range) {
  for_each_set(p) {
    ck_assert(p->lwe_noise_bound < 1u << 31 && p->glwe_noise_bound < 1u << 31);
    ck_assert(ppmli_params_noise_std(p->glwe_noise_bound, 64) >= exp2(-62));
    ck_assert(p->output_bits <= 32 && p->kind <= PPML_SET_COMPACT);
    ck_assert(ppmli_params_long_dim(p) <= (size_t)1 << p->output_bits);
    if (p->slots || ppmli_params_has_bridge(p)) continue; /* whose images are another set's */
    ck_assert(p->input_wire_bits >= 20 && p->input_wire_bits <= 64);
    if (ppmli_params_is_keyless(p)) continue;
    ck_assert(p->bsk_wire_bits >= 20 && p->bsk_wire_bits <= 64);
    /* what the wire rounds away is small beside the noise */
    ck_assert(ppmli_noise_rounding(p->bsk_wire_bits) <
              0.05 * ppmli_square(ppmli_params_noise_std(p->glwe_noise_bound, 64)));
  }
}
END_TEST

START_TEST(a_block_has_a_ggsw_for_each_value_but_zero) {
  for_each_bootstrapped(p) {
    size_t values = p->key_block_ones ? p->key_block + 1 : (size_t)1 << p->key_block;
    ck_assert_uint_eq(ppmli_params_ggsw_per_step(p), values - 1);
  }
}
END_TEST

/* No key that a server could use, noise on the line of its dimension, and words of the wire that
 * hold all of an image's torus but what its noise covers. */
START_TEST(the_linear_set_is_what_the_code_relies_on) {
  const ppml_params *p = ppml_params_by_name("linear");
  double noise = ppmli_params_noise_std(p->glwe_noise_bound, PPMLI_SHORT_TORUS_BITS);
  double line = binary_line((double)ppmli_params_long_dim(p));
  ck_assert_msg(log2(noise) >= line && log2(noise) < line + 0.05, "%.5f, %.5f", log2(noise), line);
  ck_assert(ppml_params_security_bits(p) >= 128);
  ck_assert_uint_eq(p->lwe_dim, 0);
  ck_assert_uint_eq(p->bsk_wire_bits, 0);
  ck_assert_uint_eq(ppml_eval_key_wire_bytes(p), 0);
  ck_assert(ppmli_noise_rounding(p->input_wire_bits) < 0.05 * ppmli_square(noise));
}
END_TEST

/* Noise of 4 units on the torus of images and on that of keys, both far above the line; what
 * the FFT and the products rely on. */
START_TEST(leveled_sets_are_what_the_code_relies_on) {
  int count = 0;
  for_each_set(p) {
    if (p->slots == 0) continue;
    count++;
    ck_assert(is_power_of_2(p->slots) &&
              p->slots <= (p->kind == PPML_SET_POOLED ? 256 : PPMLI_LEVELED_SLOTS_MAX));
    ck_assert_uint_eq(p->glwe_dim, 1);
    ck_assert_uint_eq(p->poly_size, 4096);
    ck_assert_uint_eq(ppmli_params_block(p) * p->slots, p->poly_size);
    ck_assert_uint_eq((size_t)1 << ppmli_params_trace_steps(p), ppmli_params_block(p));
    ck_assert_uint_le(p->pbs_base_log2 * p->pbs_levels, 64);
    ck_assert_uint_eq(p->bsk_wire_bits, PPMLI_LONG_TORUS_BITS);
    ck_assert_uint_eq(p->input_wire_bits, 64 + ppmli_params_tail_bits(p));
    ck_assert(log2(ppmli_params_noise_std(p->glwe_noise_bound, PPMLI_LONG_TORUS_BITS)) > -100.9);
    ck_assert(ppml_params_security_bits(p) > 160 && ppml_params_security_bits(p) < 218);
  }
  ck_assert_int_eq(count, 7);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("params");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error");
  tcase_add_test(law, names_and_ids_are_different);
  tcase_add_test(law, more_noise_and_more_dimensions_are_more_security);
  tcase_add_test(law, a_block_has_a_ggsw_for_each_value_but_zero);
  tcase_add_test(bounds, noise_is_not_below_the_security_line);
  tcase_add_test(bounds, noise_is_not_far_above_the_security_line);
  tcase_add_test(bounds, every_set_has_128_bits);
  tcase_add_test(bounds, the_estimate_is_that_of_the_table);
  tcase_add_test(bounds, shapes_are_what_the_code_relies_on);
  tcase_add_test(bounds, noise_and_wire_widths_are_in_range);
  tcase_add_test(bounds, leveled_sets_are_what_the_code_relies_on);
  tcase_add_test(bounds, the_linear_set_is_what_the_code_relies_on);
  tcase_add_test(error, a_set_that_is_not_there_is_null);
  return test_run(suite);
}
