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
        digits[j] =
            (uint64_t)ppmli_gadget_digit(&gadget, in[j], (uint32_t)(row % p->pbs_levels));
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
  ck_assert_int_eq(
      ppmli_pbs_rotate(b.acc, b.exponents, SAMPLES, 0, 1, b.key_values, p, b.fft, &arena), PPML_OK);
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
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++)
    for (size_t j = 0; (backend = ppmli_backend_by_index(j)) != NULL; j++) {
      double constant = fft_constant(p, backend);
      if (getenv("PPML_TEST_LONG")) printf("%s, %s: %.3f\n", p->name, backend->name, constant);
      ck_assert_msg(constant < 1.1 * PPMLI_NOISE_FFT_CONSTANT &&
                        constant > 0.5 * PPMLI_NOISE_FFT_CONSTANT,
                    "%s, %s: %g", p->name, backend->name, constant);
    }
}
END_TEST
