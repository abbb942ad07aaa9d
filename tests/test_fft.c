/* test_fft.c - the portable backend against products by definition, in 64-bit integers.
 *
 * Bounds.  A transform's relative error is some units of 2^-53 of the root mean square; with
 * coefficients below half a turn that is 2^-53 turns = 2^11 of the integers.  Backends that are
 * not portable are compared with this one in test_backend.c. */
#define PPML_IMPLEMENTATION
#include "support.h"

static const uint32_t poly_sizes[] = {256, 512, 1024, 2048, 4096};
enum { SIZES = sizeof poly_sizes / sizeof poly_sizes[0], POLY_SIZE_MAX = 4096 };

static ppmli_fft *make_fft(uint32_t poly_size, ppml_arena *arena) {
  ppmli_fft *fft = NULL;
  *arena = test_arena(ppmli_fft_bytes(poly_size));
  ck_assert_int_eq(ppmli_fft_init(&fft, poly_size, ppmli_backend_ref(), arena), PPML_OK);
  return fft;
}

/* Polynomials of one product, transformed and not. */
typedef struct batch {
  size_t count;
  uint64_t *poly; /* [count][N] */
  double *values; /* [count][N], each one's groups one after the other */
} batch;

static batch make_batch(size_t count, uint32_t poly_size) {
  batch b = {count, test_memory(count * poly_size * sizeof(uint64_t)),
             test_memory(count * poly_size * sizeof(double))};
  return b;
}

static void free_batch(batch *b) {
  free(b->poly);
  free(b->values);
}

/* Random integers in [-most, most], as signed coefficients. */
static void small_poly(uint64_t *poly, uint32_t poly_size, int32_t most, ppml_rng *rng) {
  for (uint32_t i = 0; i < poly_size; i++) poly[i] = (uint64_t)(int64_t)test_within(rng, most);
}

/* Root mean square and largest distance of two polynomials of torus elements, in turns. */
static test_moments compare(const uint64_t *a, const uint64_t *b, size_t count) {
  test_moments m = {0, 0, 0, 0};
  for (size_t i = 0; i < count; i++) test_moments_add(&m, test_turns(a[i] - b[i]));
  return m;
}

/* ------------------------------------------------------------------- law */

static void check_inverse(uint32_t poly_size, ppml_rng *rng) {
  ppml_arena arena;
  ppmli_fft *fft = make_fft(poly_size, &arena);
  static uint64_t poly[POLY_SIZE_MAX], back[POLY_SIZE_MAX];
  static double values[POLY_SIZE_MAX], work[POLY_SIZE_MAX];
  test_random_words(rng, poly, poly_size);
  memset(back, 0, sizeof back);
  fft->backend->forward_signed(fft, values, PPMLI_GROUP, poly, ldexp(1.0 / fft->points, -64), work);
  fft->backend->backward_add(fft, back, values, PPMLI_GROUP, work);
  test_moments m = compare(poly, back, poly_size);
  ck_assert_msg(m.most < exp2(-50), "N = %u: error %g", poly_size, m.most);
  ck_assert_msg(m.squares / poly_size < exp2(-104), "N = %u", poly_size); /* 144 dB below */
  test_arena_free(&arena);
}

START_TEST(fft_inverse_undoes_forward) {
  ppml_rng rng = test_rng(1);
  for (int i = 0; i < SIZES; i++) check_inverse(poly_sizes[i], &rng);
}
END_TEST

START_TEST(backward_adds) {
  ppml_arena arena;
  ppmli_fft *fft = make_fft(512, &arena);
  ppml_rng rng = test_rng(2);
  uint64_t poly[512], start[512], sum[512];
  double values[512], work[512];
  test_random_words(&rng, poly, 512);
  test_random_words(&rng, start, 512);
  memcpy(sum, start, sizeof sum);
  fft->backend->forward_signed(fft, values, PPMLI_GROUP, poly, ldexp(1.0 / 256, -64), work);
  fft->backend->backward_add(fft, sum, values, PPMLI_GROUP, work);
  for (int i = 0; i < 512; i++) start[i] += poly[i];
  ck_assert(compare(sum, start, 512).most < exp2(-50));
  test_arena_free(&arena);
}
END_TEST

/* A value is the polynomial at the root that exponent[] names. */
START_TEST(values_are_the_polynomial_at_the_roots) {
  ppml_arena arena;
  ppmli_fft *fft = make_fft(256, &arena);
  ppml_rng rng = test_rng(3);
  uint64_t poly[256];
  double values[256], work[256], most = 0;
  small_poly(poly, 256, 100, &rng);
  fft->backend->forward_signed(fft, values, PPMLI_GROUP, poly, 1, work);
  for (uint32_t i = 0; i < 128; i++) {
    double re = 0, im = 0;
    for (uint32_t j = 0; j < 256; j++) {
      double angle = 3.14159265358979323846 * (fft->exponent[i] * j % 512) / 256;
      re += cos(angle) * (double)ppmli_torus_signed(poly[j]);
      im += sin(angle) * (double)ppmli_torus_signed(poly[j]);
    }
    double *at = values + i / PPMLI_LANES * PPMLI_GROUP + i % PPMLI_LANES;
    most = fmax(most, fmax(fabs(at[0] - re), fabs(at[PPMLI_LANES] - im)));
  }
  ck_assert_msg(most < 1e-9, "%g", most);
  test_arena_free(&arena);
}
END_TEST

START_TEST(exponents_are_those_of_one_half_of_the_roots) {
  for (int s = 0; s < SIZES; s++) {
    ppml_arena arena;
    ppmli_fft *fft = make_fft(poly_sizes[s], &arena);
    uint8_t seen[2 * POLY_SIZE_MAX] = {0};
    for (uint32_t i = 0; i < fft->points; i++) {
      uint32_t e = fft->exponent[i], mirror = (2 * fft->poly_size - e) % (2 * fft->poly_size);
      ck_assert(e % 2 == 1 && e < 2 * fft->poly_size && !seen[e] && !seen[mirror]);
      seen[e] = 1;
    }
    test_arena_free(&arena);
  }
}
END_TEST

START_TEST(forward_is_linear) {
  ppml_arena arena;
  ppmli_fft *fft = make_fft(1024, &arena);
  ppml_rng rng = test_rng(4);
  static uint64_t a[1024], b[1024], sum[1024];
  static double fa[1024], fb[1024], fsum[1024], work[1024];
  double most = 0;
  small_poly(a, 1024, 1000, &rng);
  small_poly(b, 1024, 1000, &rng);
  for (int i = 0; i < 1024; i++) sum[i] = a[i] + 3 * b[i];
  fft->backend->forward_signed(fft, fa, PPMLI_GROUP, a, 1, work);
  fft->backend->forward_signed(fft, fb, PPMLI_GROUP, b, 3, work);
  fft->backend->forward_signed(fft, fsum, PPMLI_GROUP, sum, 1, work);
  for (int i = 0; i < 1024; i++) most = fmax(most, fabs(fa[i] + fb[i] - fsum[i]));
  ck_assert_msg(most < 1e-8, "%g", most); /* values are about 1e5 */
  test_arena_free(&arena);
}
END_TEST

START_TEST(forward_of_a_digit_is_forward_of_its_values) {
  ppml_arena arena;
  ppmli_fft *fft = make_fft(512, &arena);
  ppml_rng rng = test_rng(5);
  uint64_t poly[512], digits[512];
  double by_digit[512], by_value[512], work[512];
  test_random_words(&rng, poly, 512);
  for (uint32_t base = 1; base <= 24; base++)
    for (uint32_t level = 0; level < 2; level++) {
      ppmli_gadget g = ppmli_gadget_make(base, 2, 64);
      for (int i = 0; i < 512; i++) digits[i] = (uint64_t)ppmli_gadget_digit(&g, poly[i], level);
      fft->backend->forward_digit(fft, by_digit, PPMLI_GROUP, poly, &g, level, work);
      fft->backend->forward_signed(fft, by_value, PPMLI_GROUP, digits, 1, work);
      ck_assert_mem_eq(by_digit, by_value, sizeof by_digit);
    }
  test_arena_free(&arena);
}
END_TEST

/* Small integers times small multiples of 2^44: what is rounded to 2^44 is exact. */
static void check_product(uint32_t poly_size, ppml_rng *rng) {
  ppml_arena arena;
  ppmli_fft *fft = make_fft(poly_size, &arena);
  ppmli_product shape = {1, 1, 1, 1, NULL};
  batch x = make_batch(4, poly_size);
  uint64_t *a = x.poly, *b = a + poly_size, *got = b + poly_size, *expected = got + poly_size;
  double *fa = x.values, *fb = fa + poly_size, *fc = fb + poly_size, *work = fc + poly_size;
  small_poly(a, poly_size, 200, rng);
  small_poly(b, poly_size, 200, rng);
  for (uint32_t i = 0; i < poly_size; i++) b[i] <<= 44;
  memset(got, 0, 2 * poly_size * sizeof *got);
  fft->backend->forward_signed(fft, fa, PPMLI_GROUP, a, 1, work);
  fft->backend->forward_signed(fft, fb, PPMLI_GROUP, b, ldexp(1.0 / fft->points, -64), work);
  fft->backend->product(fft, fc, fa, fb, &shape);
  fft->backend->backward_add(fft, got, fc, PPMLI_GROUP, work);
  test_multiply_add(expected, a, b, poly_size);
  int wrong = 0;
  for (uint32_t i = 0; i < poly_size; i++)
    wrong += ppmli_torus_top(got[i], 20) << 44 != expected[i];
  ck_assert_msg(wrong == 0, "N = %u: %d coefficients", poly_size, wrong);
  free_batch(&x);
  test_arena_free(&arena);
}

START_TEST(product_equals_the_negacyclic_one_by_definition) {
  ppml_rng rng = test_rng(6);
  for (int i = 0; i < SIZES; i++) check_product(poly_sizes[i], &rng);
}
END_TEST

/* ---------------------------------------------------------------- product */

enum { N = 256, SAMPLES = 3, TERMS = 3, ROWS = 4, COLUMNS = 2, DIGITS = 1 << 10 };

/* All a product takes: a [s][r], b [t][r][c], the latter torus elements. */
typedef struct sum_of_products {
  ppmli_fft *fft;
  ppml_arena arena;
  ppmli_product shape;
  uint16_t exponents[SAMPLES * TERMS];
  uint64_t a[SAMPLES][ROWS][N], b[TERMS][ROWS][COLUMNS][N];
  double fa[SAMPLES * ROWS * N], fb[TERMS * ROWS * COLUMNS * N], out[SAMPLES * COLUMNS * N];
} sum_of_products;

static void make_product(sum_of_products *x, int with_exponents, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  double work[N], scale = ldexp(1.0 / (N / 2), -64);
  ppmli_product shape = {SAMPLES, TERMS, ROWS, COLUMNS, with_exponents ? x->exponents : NULL};
  x->fft = make_fft(N, &x->arena);
  x->shape = shape;
  for (int i = 0; i < SAMPLES * TERMS; i++) x->exponents[i] = (uint16_t)test_below(&rng, 2 * N);
  x->exponents[0] = 0;
  x->exponents[1] = N;
  for (size_t s = 0; s < SAMPLES; s++)
    for (size_t r = 0; r < ROWS; r++) {
      small_poly(x->a[s][r], N, DIGITS, &rng);
      x->fft->backend->forward_signed(x->fft, x->fa + s * ROWS * N + r * PPMLI_GROUP,
                                      ROWS * PPMLI_GROUP, x->a[s][r], 1, work);
    }
  for (size_t t = 0; t < TERMS; t++)
    for (size_t r = 0; r < ROWS; r++)
      for (size_t c = 0; c < COLUMNS; c++) {
        test_random_words(&rng, x->b[t][r][c], N);
        x->fft->backend->forward_signed(
            x->fft, x->fb + ((t * ROWS + r) * COLUMNS + c) * PPMLI_GROUP,
            TERMS * ROWS * COLUMNS * PPMLI_GROUP, x->b[t][r][c], scale, work);
      }
}

/* sum_t (X^e_t - 1) sum_r a_r b_trc, or without the monomials. */
static void expected_product(uint64_t out[N], const sum_of_products *x, size_t s, size_t c) {
  memset(out, 0, N * sizeof *out);
  for (size_t t = 0; t < TERMS; t++) {
    uint64_t sum[N] = {0}, rotated[N];
    for (size_t r = 0; r < ROWS; r++) test_multiply_add(sum, x->a[s][r], x->b[t][r][c], N);
    test_rotate_up(rotated, sum, x->exponents[s * TERMS + t], N);
    for (size_t i = 0; i < N; i++) out[i] += x->shape.exponents ? rotated[i] - sum[i] : sum[i];
  }
}

static void check_sums(int with_exponents, uint64_t seed) {
  sum_of_products *x = test_memory(sizeof *x);
  test_moments m = {0, 0, 0, 0};
  make_product(x, with_exponents, seed);
  x->fft->backend->product(x->fft, x->out, x->fa, x->fb, &x->shape);
  for (size_t s = 0; s < SAMPLES; s++)
    for (size_t c = 0; c < COLUMNS; c++) {
      uint64_t expected[N], got[N] = {0};
      double work[N];
      x->fft->backend->backward_add(x->fft, got, x->out + s * COLUMNS * N + c * PPMLI_GROUP,
                                    COLUMNS * PPMLI_GROUP, work);
      expected_product(expected, x, s, c);
      for (size_t i = 0; i < N; i++) test_moments_add(&m, test_turns(got[i] - expected[i]));
    }
  /* 2^-53 of sums of 12 * 256 products of 2^10 / sqrt 3 by 1 / sqrt 12, some units of it */
  double magnitude = 2 * TERMS * ROWS * N * ppmli_square(DIGITS) / 3 / 12;
  ck_assert_msg(m.squares / (double)m.count < ppmli_square(ldexp(4, -53)) * magnitude,
                "error %g of %g", sqrt(m.squares / (double)m.count), sqrt(magnitude));
  test_arena_free(&x->arena);
  free(x);
}

START_TEST(products_are_summed_over_rows_and_terms) {
  check_sums(0, 7);
}
END_TEST

START_TEST(monomials_in_the_fourier_domain_are_rotations) {
  check_sums(1, 8);
}
END_TEST

START_TEST(the_monomial_of_exponent_zero_gives_exactly_nothing) {
  sum_of_products *x = test_memory(sizeof *x);
  make_product(x, 1, 9);
  memset(x->exponents, 0, sizeof x->exponents);
  x->fft->backend->product(x->fft, x->out, x->fa, x->fb, &x->shape);
  int wrong = 0;
  for (size_t i = 0; i < SAMPLES * COLUMNS * N; i++) wrong += fabs(x->out[i]) > 0;
  ck_assert_int_eq(wrong, 0);
  test_arena_free(&x->arena);
  free(x);
}
END_TEST

/* -------------------------------------------------------------- key switch */

START_TEST(key_switch_subtracts_digits_times_rows) {
  enum { ROWS_MAX = 21, BLOCKS = 3 };
  ppml_rng rng = test_rng(10);
  uint32_t key[BLOCKS * ROWS_MAX * 16], out[SAMPLES * BLOCKS * 16], before[SAMPLES * BLOCKS * 16];
  int32_t digits[ROWS_MAX * SAMPLES];
  ppmli_rng_bytes(&rng, key, sizeof key);
  ppmli_rng_bytes(&rng, out, sizeof out);
  memcpy(before, out, sizeof out);
  for (int i = 0; i < ROWS_MAX * SAMPLES; i++) digits[i] = test_within(&rng, 4);
  ppmli_backend_ref()->key_switch(out, digits, key, SAMPLES, ROWS_MAX, BLOCKS);
  for (size_t s = 0; s < SAMPLES; s++)
    for (size_t x = 0; x < BLOCKS * 16; x++) {
      uint32_t expected = before[s * BLOCKS * 16 + x];
      for (size_t r = 0; r < ROWS_MAX; r++)
        expected -= (uint32_t)digits[r * SAMPLES + s] * key[(x / 16 * ROWS_MAX + r) * 16 + x % 16];
      ck_assert_uint_eq(out[s * BLOCKS * 16 + x], expected);
    }
}
END_TEST

/* ----------------------------------------------------------------- bounds */

START_TEST(extreme_coefficients_survive) {
  static const uint64_t extremes[] = {0, 1, PPMLI_TORUS_HALF - 1, PPMLI_TORUS_HALF, UINT64_MAX};
  ppml_arena arena;
  ppmli_fft *fft = make_fft(512, &arena);
  for (size_t e = 0; e < 5; e++) {
    uint64_t poly[512], back[512] = {0};
    double values[512], work[512];
    for (int i = 0; i < 512; i++) poly[i] = extremes[e];
    fft->backend->forward_signed(fft, values, PPMLI_GROUP, poly, ldexp(1.0 / 256, -64), work);
    fft->backend->backward_add(fft, back, values, PPMLI_GROUP, work);
    ck_assert(compare(poly, back, 512).most < exp2(-48));
  }
  test_arena_free(&arena);
}
END_TEST

START_TEST(whole_turns_vanish_and_halves_do_not_overflow) {
  for (double whole = -1000; whole <= 1000; whole += 100) {
    ck_assert(ppmli_ref_torus(whole) == 0);
    ck_assert(fabs(test_turns(ppmli_ref_torus(whole + 0.25)) - 0.25) < 1e-12);
    ck_assert(fabs(test_turns(ppmli_ref_torus(whole - 0.25)) + 0.25) < 1e-12);
    ck_assert(fabs(fabs(test_turns(ppmli_ref_torus(whole + 0.5))) - 0.5) < 1e-12);
  }
  ck_assert(ppmli_ref_torus(1125899906842624.0) == 0); /* 2^50 */
}
END_TEST

START_TEST(roots_are_on_the_unit_circle_and_symmetric) {
  for (int s = 0; s < SIZES; s++) {
    ppml_arena arena;
    ppmli_fft *fft = make_fft(poly_sizes[s], &arena);
    uint32_t size = fft->poly_size;
    double off = 0;
    for (uint32_t t = 0; t < 2 * size; t++) {
      const double *root = fft->root + 2 * t, *minus = fft->root + 2 * ((t + size) % (2 * size));
      double angle = 3.14159265358979323846 * t / size;
      off = fmax(off, fabs(root[0] - cos(angle)) + fabs(root[1] - sin(angle)));
      ck_assert(root[0] == -minus[0] && root[1] == -minus[1]);
    }
    ck_assert_msg(off < 4e-15, "%g", off); /* the angle itself is rounded up to 2 pi 2^-53 */
    test_arena_free(&arena);
  }
}
END_TEST

/* ------------------------------------------------------------ error and oom */

START_TEST(a_backend_that_is_not_there_is_null) {
  size_t count = 0;
  while (ppmli_backend_by_index(count)) count++;
  ck_assert_uint_ge(count, 1);
  ck_assert_str_eq(ppmli_backend_by_index(count - 1)->name, "ref");
  ck_assert_ptr_null(ppmli_backend_by_name("no such backend"));
  ck_assert_ptr_eq(ppmli_backend_by_name(NULL), ppmli_backend_by_index(0));
  ck_assert_ptr_eq(ppmli_backend_by_name("ref"), ppmli_backend_ref());
}
END_TEST

START_TEST(tables_take_exactly_what_is_said) {
  for (int s = 0; s < SIZES; s++) {
    size_t bytes = ppmli_fft_bytes(poly_sizes[s]);
    ppml_arena arena;
    ppmli_fft *fft = make_fft(poly_sizes[s], &arena);
    ck_assert_uint_eq(arena.used_bytes, bytes);
    test_arena_free(&arena);
    for (size_t less = 0; less < bytes; less += less < bytes - 200 ? 97 : 1) {
      arena = test_arena(less);
      ck_assert_int_eq(ppmli_fft_init(&fft, poly_sizes[s], ppmli_backend_ref(), &arena),
                       PPML_ERR_NOMEM);
      test_arena_free(&arena);
    }
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("fft");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error"), *oom = test_case(suite, "oom");
  tcase_add_test(law, fft_inverse_undoes_forward);
  tcase_add_test(law, backward_adds);
  tcase_add_test(law, values_are_the_polynomial_at_the_roots);
  tcase_add_test(law, exponents_are_those_of_one_half_of_the_roots);
  tcase_add_test(law, forward_is_linear);
  tcase_add_test(law, forward_of_a_digit_is_forward_of_its_values);
  tcase_add_test(law, product_equals_the_negacyclic_one_by_definition);
  tcase_add_test(law, products_are_summed_over_rows_and_terms);
  tcase_add_test(law, monomials_in_the_fourier_domain_are_rotations);
  tcase_add_test(law, the_monomial_of_exponent_zero_gives_exactly_nothing);
  tcase_add_test(law, key_switch_subtracts_digits_times_rows);
  tcase_add_test(bounds, extreme_coefficients_survive);
  tcase_add_test(bounds, whole_turns_vanish_and_halves_do_not_overflow);
  tcase_add_test(bounds, roots_are_on_the_unit_circle_and_symmetric);
  tcase_add_test(error, a_backend_that_is_not_there_is_null);
  tcase_add_test(oom, tables_take_exactly_what_is_said);
  return test_run(suite);
}
