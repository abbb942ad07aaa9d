/* test_ggsw.c - GGSW encryptions of bits, and the external product. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { PRODUCTS = 24 }; /* of a test: 12,288 coefficients or more, 2 % of variance */

/* Everything an external product takes, for one parameter set. */
typedef struct bench {
  const ppml_params *p;
  ppmli_fft *fft;
  ppml_arena tables, scratch;
  uint8_t lwe_bits[TEST_KEY_BITS_MAX / 8], glwe_bits[TEST_KEY_BITS_MAX / 8];
  uint8_t *wire;
  double *key;         /* [groups][rows][columns][GROUP] */
  double *digits;      /* [groups][rows][GROUP] */
  double *sums, *work; /* [groups][columns][GROUP], [N] */
  uint64_t *in, *out, *phase_in, *phase_out;
  ppmli_glwe_key glwe_key;
  ppml_arena keys;
} bench;

static const ppmli_seeds seeds = {{1}, {2}};

static void bench_make(bench *b, const ppml_params *p, ppml_rng *rng) {
  size_t N = p->poly_size, columns = p->glwe_dim + 1;
  b->p = p;
  b->tables = test_arena(ppmli_fft_bytes(p->poly_size));
  ck_assert_int_eq(ppmli_fft_init(&b->fft, p->poly_size, ppmli_backend_ref(), &b->tables), PPML_OK);
  b->scratch =
      test_arena(ppmli_max_size(ppmli_ggsw_encrypt_scratch(p), ppmli_ggsw_expand_scratch(p)));
  b->keys = test_arena(ppmli_glwe_key_bytes(p));
  ppmli_client_draw_key(b->lwe_bits, b->glwe_bits, p, rng);
  ck_assert_int_eq(ppmli_glwe_key_init(&b->glwe_key, p, b->glwe_bits, &b->keys), PPML_OK);
  b->wire = test_memory(ppmli_ggsw_wire_bytes(p));
  b->key = test_memory(ppmli_ggsw_doubles(p) * sizeof(double));
  b->digits = test_memory(ppmli_params_ggsw_rows(p) * N * sizeof(double));
  b->sums = test_memory(columns * N * sizeof(double));
  b->work = test_memory(N * sizeof(double));
  b->in = test_memory(columns * N * sizeof(uint64_t));
  b->out = test_memory(columns * N * sizeof(uint64_t));
  b->phase_in = test_memory(N * sizeof(uint64_t));
  b->phase_out = test_memory(N * sizeof(uint64_t));
}

static void bench_free(bench *b) {
  test_arena_free(&b->tables);
  test_arena_free(&b->keys);
  test_arena_free(&b->scratch);
  free(b->wire), free(b->key), free(b->digits), free(b->sums), free(b->work);
  free(b->in), free(b->out), free(b->phase_in), free(b->phase_out);
}

/* Encrypts bit as GGSW number `index` and expands it. */
static void make_key(bench *b, uint64_t bit, uint64_t index) {
  const ppml_params *p = b->p;
  ck_assert_int_eq(ppmli_ggsw_encrypt(b->wire, p, bit, &b->glwe_key, &seeds, index, &b->scratch),
                   PPML_OK);
  ck_assert_int_eq(
      ppmli_ggsw_expand(b->key, ppmli_params_ggsw_rows(p) * (p->glwe_dim + 1) * PPMLI_GROUP,
                        b->wire, p, &(ppmli_mask){seeds.mask, PPMLI_STREAM_BSK_MASK, index}, b->fft,
                        &b->scratch),
      PPML_OK);
}

/* out = in [x] key, and the phases of both. */
static void multiply(bench *b) {
  const ppml_params *p = b->p;
  size_t rows = ppmli_params_ggsw_rows(p), columns = p->glwe_dim + 1, N = p->poly_size;
  const ppmli_backend *backend = b->fft->backend;
  ppmli_gadget gadget = ppmli_params_pbs_gadget(p);
  ppmli_product shape = {1, 1, rows, columns, NULL};
  for (size_t row = 0; row < rows; row++)
    backend->forward_digit(b->fft, b->digits + row * PPMLI_GROUP, rows * PPMLI_GROUP,
                           b->in + row / p->pbs_levels * N, &gadget,
                           (uint32_t)(row % p->pbs_levels), b->work);
  backend->product(b->fft, b->sums, b->digits, b->key, &shape);
  memset(b->out, 0, columns * N * sizeof *b->out);
  for (size_t c = 0; c < columns; c++)
    backend->backward_add(b->fft, b->out + c * N, b->sums + c * PPMLI_GROUP, columns * PPMLI_GROUP,
                          b->work);
  test_glwe_phase(b->phase_in, b->in, p, b->glwe_bits);
  test_glwe_phase(b->phase_out, b->out, p, b->glwe_bits);
}

/* Variance of one external product by a bit: the terms of ppmli_noise_blind_rotation without the
 * factor 2 of X^e - 1, and without the FFT's, which is for products with monomials. */
static double product_variance(const ppml_params *p, uint64_t bit) {
  double products = (double)ppmli_params_ggsw_rows(p) * p->poly_size;
  double key =
      products * ppmli_noise_digit(p->pbs_base_log2) * ppmli_noise_fresh(p, p->bsk_wire_bits);
  double rounding = ppmli_noise_rounding(p->pbs_base_log2 * p->pbs_levels);
  return key + (double)bit * (1 + (double)ppmli_params_long_dim(p) / 2) * rounding;
}

/* An upper bound of the FFT's. */
static double fft_variance(const ppml_params *p) {
  double products = (double)ppmli_params_ggsw_rows(p) * p->poly_size;
  return ppmli_square(ldexp(PPMLI_NOISE_FFT_CONSTANT, -53)) * products *
         ppmli_noise_digit(p->pbs_base_log2) / 12 * (1 + (double)ppmli_params_long_dim(p) / 2);
}

static void check_product(const ppml_params *p, uint64_t bit, ppml_rng *rng) {
  bench b;
  test_moments m = {0, 0, 0, 0};
  bench_make(&b, p, rng);
  for (uint64_t i = 0; i < PRODUCTS; i++) {
    test_random_words(rng, b.in, (p->glwe_dim + 1) * p->poly_size);
    make_key(&b, bit, i);
    multiply(&b);
    for (uint32_t j = 0; j < p->poly_size; j++)
      test_moments_add(&m, test_turns(b.phase_out[j] - bit * b.phase_in[j]));
  }
  double expected = product_variance(p, bit), fft = fft_variance(p);
  double got = m.squares / (double)m.count;
  ck_assert_msg(m.most < 7 * sqrt(expected + fft), "%s: error %g, expected %g", p->name, m.most,
                sqrt(expected));
  ck_assert_msg(got > 0.85 * expected && got < 1.15 * (expected + fft), "%s: %g, expected %g + %g",
                p->name, got, expected, fft);
  bench_free(&b);
}

START_TEST(external_product_by_zero_is_zero) {
  const ppml_params *p;
  ppml_rng rng = test_rng(1);
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++) check_product(p, 0, &rng);
}
END_TEST

START_TEST(external_product_by_one_is_the_message) {
  const ppml_params *p;
  ppml_rng rng = test_rng(2);
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++) check_product(p, 1, &rng);
}
END_TEST

/* A digit's row alone, by its definition. */
START_TEST(rows_encrypt_the_bit_times_gadget_and_key) {
  const ppml_params *p = ppml_params_by_index(0);
  static uint64_t poly[2048];
  uint8_t key[TEST_KEY_BITS_MAX / 8];
  ppml_rng rng = test_rng(3);
  uint64_t g = (uint64_t)1 << (64 - p->pbs_base_log2);
  ppmli_rng_bytes(&rng, key, sizeof key);
  for (uint64_t bit = 0; bit < 2; bit++)
    for (uint32_t i = 0; i <= p->glwe_dim; i++) {
      ppmli_ggsw_row_message(poly, p, bit, key, i, 0);
      int wrong = 0;
      for (uint32_t j = 0; j < p->poly_size; j++) {
        uint64_t s = i < p->glwe_dim ? ppmli_bit(key, i * p->poly_size + j) : j == 0;
        wrong += poly[j] != (i < p->glwe_dim ? 0 - bit * s * g : bit * s * g);
      }
      ck_assert_int_eq(wrong, 0);
    }
}
END_TEST

START_TEST(every_index_has_its_own_masks_and_noise) {
  const ppml_params *p = ppml_params_by_index(0);
  bench b;
  ppml_rng rng = test_rng(4);
  bench_make(&b, p, &rng);
  make_key(&b, 0, 0);
  uint8_t first[64];
  memcpy(first, b.wire, sizeof first);
  make_key(&b, 0, 1);
  ck_assert_mem_ne(b.wire, first, sizeof first);
  make_key(&b, 0, 0);
  ck_assert_mem_eq(b.wire, first, sizeof first);
  bench_free(&b);
}
END_TEST

/* Products by the transform and products by additions make the same bodies, of every set. */
START_TEST(rows_by_products_are_rows_by_additions) {
  const ppml_params *p;
  ppml_rng rng = test_rng(6);
  const ppmli_mask mask = {seeds.mask, PPMLI_STREAM_BSK_MASK, 3};
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    if (p->key_block == 0 || p->lwe_dim == 0) continue;
    uint8_t unused[TEST_KEY_BITS_MAX / 8], bits[TEST_KEY_BITS_MAX / 8];
    const size_t bytes = p->poly_size * sizeof(uint64_t);
    uint64_t *fast = test_memory(bytes), *plain = test_memory(bytes);
    ppml_arena arena =
        test_arena(ppmli_glwe_key_bytes(p) +
                   ppmli_max_size(ppmli_glwe_product_scratch(p), ppmli_glwe_encrypt_scratch(p)));
    ppmli_glwe_key key;
    ppmli_stream masks, noise;
    ppmli_client_draw_key(unused, bits, p, &rng);
    if (i == 0) memset(bits, 255, sizeof bits); /* the largest sums there are */
    memset(fast, (int)i, bytes);
    memcpy(plain, fast, bytes);
    ck_assert_int_eq(ppmli_glwe_key_init(&key, p, bits, &arena), PPML_OK);
    ppmli_stream_init(&noise, seeds.noise, PPMLI_STREAM_BSK_NOISE, 3);
    ck_assert_int_eq(ppmli_glwe_product_body(fast, p, &key, &mask, &noise, &arena), PPML_OK);
    ppmli_stream_init(&masks, mask.seed, mask.purpose, mask.index);
    ppmli_stream_init(&noise, seeds.noise, PPMLI_STREAM_BSK_NOISE, 3);
    ck_assert_int_eq(ppmli_glwe_encrypt_body(plain, p, bits, &masks, &noise, &arena), PPML_OK);
    ck_assert_mem_eq(fast, plain, bytes);
    free(fast), free(plain);
    test_arena_free(&arena);
  }
}
END_TEST

START_TEST(encryption_and_expansion_take_exactly_what_is_said) {
  const ppml_params *p = ppml_params_by_index(0);
  bench b;
  ppml_rng rng = test_rng(5);
  bench_make(&b, p, &rng);
  for (size_t less = 0; less < 2; less++) {
    ppml_arena make = test_arena(ppmli_ggsw_encrypt_scratch(p) - less);
    ppml_arena expand = test_arena(ppmli_ggsw_expand_scratch(p) - less);
    int error = less ? PPML_ERR_NOMEM : PPML_OK;
    ck_assert_int_eq(ppmli_ggsw_encrypt(b.wire, p, 1, &b.glwe_key, &seeds, 0, &make), error);
    ck_assert_int_eq(ppmli_ggsw_expand(b.key, PPMLI_GROUP * 16, b.wire, p,
                                       &(ppmli_mask){seeds.mask, PPMLI_STREAM_BSK_MASK, 0}, b.fft,
                                       &expand),
                     error);
    if (!less) ck_assert(make.high_bytes == make.capacity_bytes && make.used_bytes == 0);
    if (!less) ck_assert(expand.high_bytes == expand.capacity_bytes && expand.used_bytes == 0);
    test_arena_free(&make);
    test_arena_free(&expand);
  }
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("ggsw");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *oom = test_case(suite, "oom");
  tcase_add_test(law, rows_encrypt_the_bit_times_gadget_and_key);
  tcase_add_test(law, every_index_has_its_own_masks_and_noise);
  tcase_add_test(law, rows_by_products_are_rows_by_additions);
  tcase_add_test(bounds, external_product_by_zero_is_zero);
  tcase_add_test(bounds, external_product_by_one_is_the_message);
  tcase_add_test(oom, encryption_and_expansion_take_exactly_what_is_said);
  return test_run(suite);
}
