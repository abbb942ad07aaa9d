/* test_lwe.c - LWE ciphertexts and the switch to exponents. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { DIM_MAX = TEST_KEY_BITS_MAX };

/* A short key and a random ciphertext under it. */
typedef struct sample {
  uint8_t lwe_bits[DIM_MAX / 8], glwe_bits[DIM_MAX / 8];
  uint32_t lwe[DIM_MAX + 1];
  uint16_t exponents[DIM_MAX + 1];
} sample;

static void random_ciphertext(sample *x, const ppml_params *p, ppml_rng *rng) {
  for (uint32_t i = 0; i <= p->lwe_dim; i++) x->lwe[i] = (uint32_t)ppmli_rng_u64(rng);
}

START_TEST(phase_is_body_less_the_masked_key) {
  const uint32_t mask[] = {10, 20, 40, 80, 160, 320, 640, 1280, 7};
  const uint8_t bits[] = {0x85, 0x01}; /* 1, 3, 8 and 9 of the mask */
  ck_assert_uint_eq(ppmli_lwe_phase(mask, 5000, bits, 9), 5000 - 10 - 40 - 1280 - 7);
  ck_assert_uint_eq(ppmli_lwe_phase(mask, 0, bits, 9), (uint32_t)-1337);
  ck_assert_uint_eq(ppmli_lwe_phase(mask, 3, bits, 0), 3);
}
END_TEST

START_TEST(phase_is_linear) {
  ppml_rng rng = test_rng(1);
  static sample x, y;
  const ppml_params *p = ppml_params_by_index(0);
  ppmli_client_draw_key(x.lwe_bits, x.glwe_bits, p, &rng);
  random_ciphertext(&x, p, &rng);
  random_ciphertext(&y, p, &rng);
  uint32_t n = p->lwe_dim, a = ppmli_lwe_phase(x.lwe, x.lwe[n], x.lwe_bits, n);
  uint32_t b = ppmli_lwe_phase(y.lwe, y.lwe[n], x.lwe_bits, n);
  for (uint32_t i = 0; i <= n; i++) x.lwe[i] = 3 * x.lwe[i] - y.lwe[i];
  ck_assert_uint_eq(ppmli_lwe_phase(x.lwe, x.lwe[n], x.lwe_bits, n), 3 * a - b);
}
END_TEST

/* Distance of the exponents' phase from the ciphertext's, in turns. */
static double switch_error(sample *x, const ppml_params *p) {
  uint32_t n = p->lwe_dim, turn = 2 * p->poly_size, phase;
  ppmli_lwe_modulus_switch(x->exponents, x->lwe, p);
  phase = x->exponents[n];
  for (uint32_t i = 0; i < n; i++) phase -= ppmli_bit(x->lwe_bits, i) ? x->exponents[i] : 0;
  phase &= turn - 1;
  uint32_t exact = ppmli_lwe_phase(x->lwe, x->lwe[n], x->lwe_bits, n);
  return test_turns32(phase * (uint32_t)(0x100000000u / turn) - exact);
}

/* 20,000 samples, a key for every four: 5 % is five standard deviations. */
static void check_switch(const ppml_params *p, uint64_t seed) {
  static sample x;
  ppml_rng rng = test_rng(seed);
  test_moments m = {0, 0, 0, 0};
  for (int i = 0; i < 20000; i++) {
    if (i % 4 == 0) ppmli_client_draw_key(x.lwe_bits, x.glwe_bits, p, &rng);
    random_ciphertext(&x, p, &rng);
    test_moments_add(&m, switch_error(&x, p));
  }
  double expected = ppmli_noise_modulus_switch(p);
  ck_assert_msg(fabs(test_mean(&m)) < 5 * sqrt(expected / (double)m.count), "%s: mean %g", p->name,
                test_mean(&m));
  test_assert_near(test_variance(&m), expected, 0.05);
}

START_TEST(modulus_switch_noise_matches_formula) {
  const ppml_params *p;
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++)
    if (p->kind != PPML_SET_EXACT) check_switch(p, i); /* that set's switch is finest's */
}
END_TEST

START_TEST(exponents_stay_below_a_full_turn) {
  static sample x;
  const ppml_params *p;
  ppml_rng rng = test_rng(9);
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++) {
    random_ciphertext(&x, p, &rng);
    for (uint32_t j = 0; j < p->lwe_dim; j += 3)
      x.lwe[j] = UINT32_MAX - j; /* rounds up to a turn */
    x.lwe[p->lwe_dim] = UINT32_MAX;
    ppmli_lwe_modulus_switch(x.exponents, x.lwe, p);
    uint32_t most = 0;
    for (uint32_t j = 0; j <= p->lwe_dim; j++)
      if (x.exponents[j] > most) most = x.exponents[j];
    ck_assert_uint_lt(most, 2 * p->poly_size);
  }
}
END_TEST

START_TEST(what_stands_on_the_grid_is_switched_exactly) {
  static sample x;
  const ppml_params *p = ppml_params_by_index(0);
  ppml_rng rng = test_rng(10);
  uint32_t step = (uint32_t)(0x100000000u / (2 * p->poly_size));
  for (uint32_t i = 0; i <= p->lwe_dim; i++) x.lwe[i] = step * test_below(&rng, 2 * p->poly_size);
  ppmli_lwe_modulus_switch(x.exponents, x.lwe, p);
  for (uint32_t i = 0; i <= p->lwe_dim; i++) ck_assert_uint_eq(x.exponents[i], x.lwe[i] / step);
}
END_TEST

START_TEST(muladd_scales_every_word) {
  ppml_rng rng = test_rng(11);
  uint64_t in[33], out[33], before[33];
  test_random_words(&rng, in, 33);
  test_random_words(&rng, out, 33);
  memcpy(before, out, sizeof out);
  ppmli_lwe_muladd(out, in, (uint64_t)-5, 32);
  for (int i = 0; i < 32; i++) ck_assert(out[i] == before[i] - 5 * in[i]);
  ck_assert(out[32] == before[32]);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("lwe");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *noise = test_case(suite, "noise");
  tcase_add_test(kat, phase_is_body_less_the_masked_key);
  tcase_add_test(law, phase_is_linear);
  tcase_add_test(law, what_stands_on_the_grid_is_switched_exactly);
  tcase_add_test(law, muladd_scales_every_word);
  tcase_add_test(noise, modulus_switch_noise_matches_formula);
  tcase_add_test(bounds, exponents_stay_below_a_full_turn);
  return test_run(suite);
}
