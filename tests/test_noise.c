/* test_noise.c - the noise formulas that are not measured beside what they are of (test_lwe,
 * test_keyswitch, test_ggsw, test_pbs), above all the rounding errors of the FFT. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { SAMPLES = 6 }; /* accumulators: 9,216 coefficients or more, 2 % of a variance */

/* One step of a blind rotation with a key of random words, by FFT and by definition. */
typedef struct bench {
  const ppml_params *p;
  ppmli_fft *fft;
  ppml_arena tables;
  uint64_t *key;       /* [terms][rows][columns][N] */
  double *key_values;  /* [groups][terms][rows][columns][GROUP] */
  uint64_t *acc;       /* [samples][columns][N] */
  uint64_t *exact;     /* [samples][columns][N] */
  uint16_t *exponents; /* [samples][n + 1] */
} bench;

static void bench_make(bench *b, const ppml_params *p, const ppmli_backend *backend) {
  size_t columns = p->glwe_dim + 1, N = p->poly_size;
  size_t polys = ppmli_params_ggsw_per_step(p) * ppmli_params_ggsw_rows(p) * columns;
  ppml_rng rng = test_rng(p->id);
  double *work = test_memory(N * sizeof *work);
  b->p = p;
  b->tables = test_arena(ppmli_fft_bytes(p->poly_size));
  ck_assert_int_eq(ppmli_fft_init(&b->fft, p->poly_size, backend, &b->tables), PPML_OK);
  b->key = test_memory(polys * N * sizeof *b->key);
  b->key_values = test_memory(polys * N * sizeof *b->key_values);
  b->acc = test_memory(SAMPLES * columns * N * sizeof *b->acc);
  b->exact = test_memory(SAMPLES * columns * N * sizeof *b->exact);
  b->exponents = test_memory(SAMPLES * (p->lwe_dim + 1) * sizeof *b->exponents);
  test_random_words(&rng, b->key, polys * N);
  test_random_words(&rng, b->acc, SAMPLES * columns * N);
  for (size_t i = 0; i < SAMPLES * (p->lwe_dim + 1); i++)
    b->exponents[i] = (uint16_t)test_below(&rng, 2 * p->poly_size);
  for (size_t i = 0; i < polys; i++)
    backend->forward_signed(b->fft, b->key_values + i * PPMLI_GROUP, polys * PPMLI_GROUP,
                            b->key + i * N, ldexp(1.0 / b->fft->points, -64), work);
  free(work);
}

static void bench_free(bench *b) {
  test_arena_free(&b->tables);
  free(b->key), free(b->key_values), free(b->acc), free(b->exact), free(b->exponents);
}

/* exact += sum_t (X^e_t - 1) sum_r digit_r key_trc for one sample and column. */
static void exact_column(bench *b, size_t sample, size_t column) {
  const ppml_params *p = b->p;
  size_t rows = ppmli_params_ggsw_rows(p), columns = p->glwe_dim + 1, N = p->poly_size;
  uint64_t *digits = test_memory(3 * N * sizeof *digits), *sum = digits + N, *rotated = sum + N;
  uint64_t *out = b->exact + (sample * columns + column) * N;
  ppmli_gadget gadget = ppmli_params_pbs_gadget(p);
  uint16_t exponents[4];
  ppmli_pbs_exponents(exponents, b->exponents + sample * (p->lwe_dim + 1), p);
  for (size_t t = 0; t < ppmli_params_ggsw_per_step(p); t++) {
    memset(sum, 0, N * sizeof *sum);
    for (size_t row = 0; row < rows; row++) {
      const uint64_t *in = b->acc + (sample * columns + row / p->pbs_levels) * N;
      for (size_t j = 0; j < N; j++)
        digits[j] = (uint64_t)ppmli_gadget_digit(&gadget, in[j], (uint32_t)(row % p->pbs_levels));
      test_multiply_add(sum, digits, b->key + ((t * rows + row) * columns + column) * N, N);
    }
    test_rotate_up(rotated, sum, exponents[t], N);
    for (size_t j = 0; j < N; j++) out[j] += rotated[j] - sum[j];
  }
  free(digits);
}

/* The constant of the FFT's rounding errors: their deviation in one step, in units of 2^-53 of
 * the magnitude that ppmli_noise_blind_rotation takes. */
static double fft_constant(const ppml_params *p, const ppmli_backend *backend) {
  bench b;
  test_moments m = {0, 0, 0, 0};
  bench_make(&b, p, backend);
  size_t columns = p->glwe_dim + 1, words = columns * p->poly_size;
  ppml_arena arena = test_arena(ppmli_pbs_rotate_scratch(p));
  memcpy(b.exact, b.acc, SAMPLES * words * sizeof *b.acc);
  for (size_t s = 0; s < SAMPLES; s++)
    for (size_t c = 0; c < columns; c++) exact_column(&b, s, c);
  ck_assert_int_eq(ppmli_pbs_rotate(b.acc, b.exponents, SAMPLES,
                                    &(ppmli_pbs_steps){0, 1, b.key_values}, p, b.fft, &arena),
                   PPML_OK);
  for (size_t i = 0; i < SAMPLES * words; i++)
    test_moments_add(&m, test_turns(b.acc[i] - b.exact[i]));
  double products = (double)(ppmli_params_ggsw_per_step(p) * ppmli_params_ggsw_rows(p));
  double magnitude = 2 * products * p->poly_size * ppmli_noise_digit(p->pbs_base_log2) / 12;
  test_arena_free(&arena);
  bench_free(&b);
  return ldexp(sqrt(m.squares / (double)m.count / magnitude), 53);
}

START_TEST(the_fft_constant_is_what_is_measured) {
  const ppml_params *p;
  const ppmli_backend *backend;
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++)
    for (size_t j = 0; (backend = ppmli_backend_by_index(j)) != NULL; j++) {
      double constant = fft_constant(p, backend);
      if (getenv("PPML_TEST_LONG")) printf("%s, %s: %.3f\n", p->name, backend->name, constant);
      ck_assert_msg(fabs(constant / PPMLI_NOISE_FFT_CONSTANT - 1) < 0.12, "%s, %s: %g", p->name,
                    backend->name, constant);
    }
}
END_TEST

/* log2 of standard deviations, as computed by hand from docs/NOISE.md. */
START_TEST(formulas_give_what_was_computed_by_hand) {
  static const struct {
    const char *name;
    double keyswitch, modulus_switch, blind_rotation, output;
  } kats[] = {
      {"fast", -8.23451206586675, -8.026790520102422, -8.940257637336751, -11.498123932569447},
      {"fast-block2", -7.936144594400134, -8.065960278686479, -9.076615769439764,
       -11.498123932569447}};
  for (size_t i = 0; i < sizeof kats / sizeof kats[0]; i++) {
    const ppml_params *p = ppml_params_by_name(kats[i].name);
    ck_assert_double_eq_tol(log2(ppmli_noise_keyswitch(p)) / 2, kats[i].keyswitch, 1e-6);
    ck_assert_double_eq_tol(log2(ppmli_noise_modulus_switch(p)) / 2, kats[i].modulus_switch, 1e-6);
    ck_assert_double_eq_tol(log2(ppmli_noise_blind_rotation(p)) / 2, kats[i].blind_rotation, 1e-6);
    ck_assert_double_eq_tol(log2(ppmli_noise_output_switch(p)) / 2, kats[i].output, 1e-6);
  }
}
END_TEST

/* Uniform numbers rounded to a grid; 10^5 of them, five standard deviations. */
START_TEST(rounding_noise_is_that_of_rounding) {
  ppml_rng rng = test_rng(1);
  for (uint32_t bits = 2; bits <= 32; bits += 10) {
    test_moments m = {0, 0, 0, 0};
    for (int i = 0; i < 100000; i++) {
      uint64_t t = ppmli_rng_u64(&rng);
      test_moments_add(&m, test_turns(ppmli_torus_from(ppmli_torus_switch(t, bits), bits) - t));
    }
    test_assert_near(test_variance(&m), ppmli_noise_rounding(bits), 0.015);
  }
}
END_TEST

START_TEST(more_levels_of_a_key_switch_round_less_and_add_more) {
  ppml_params p = *ppml_params_by_index(0), more = p;
  more.ks_levels = p.ks_levels + 1;
  double lwe = ppmli_square(ppmli_params_noise_std(p.lwe_noise_bound, 32));
  double digits = (double)ppmli_params_switched_dim(&p) * ppmli_noise_digit(p.ks_base_log2) * lwe;
  double rounding = (double)ppmli_params_switched_dim(&p) / 4;
  double gained = ppmli_noise_keyswitch(&more) - ppmli_noise_keyswitch(&p);
  double lost = rounding * (ppmli_noise_rounding(15) - ppmli_noise_rounding(12));
  test_assert_near(gained - lost, digits, 1e-9);
}
END_TEST

START_TEST(the_precise_set_has_less_noise_everywhere) {
  const ppml_params *fast = ppml_params_by_name("fast"), *precise = ppml_params_by_name("precise");
  ck_assert(ppmli_noise_blind_rotation(precise) < ppmli_noise_blind_rotation(fast) / 100);
  ck_assert(ppmli_noise_modulus_switch(precise) < ppmli_noise_modulus_switch(fast));
  ck_assert(ppmli_noise_keyswitch(precise) < ppmli_noise_keyswitch(fast));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("noise");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds");
  tcase_add_test(kat, formulas_give_what_was_computed_by_hand);
  tcase_add_test(law, more_levels_of_a_key_switch_round_less_and_add_more);
  tcase_add_test(law, the_precise_set_has_less_noise_everywhere);
  tcase_add_test(bounds, the_fft_constant_is_what_is_measured);
  tcase_add_test(bounds, rounding_noise_is_that_of_rounding);
  return test_run(suite);
}
