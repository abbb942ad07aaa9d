/* test_keyswitch.c - the switch from the long key to the short one. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum {
  SAMPLES = 1000
}; /* the estimate of a variance is within 4.5 % of it; the tests allow 20 % */

static const ppmli_seeds seeds = {{1}, {2}};

/* A key-switching key and its two secret keys. */
typedef struct bench {
  const ppml_params *p;
  uint8_t lwe_bits[TEST_KEY_BITS_MAX / 8], glwe_bits[TEST_KEY_BITS_MAX / 8];
  uint32_t *key, *mask, *out; /* [blocks][rows][16], [n], [short words] */
  int32_t *digits;            /* [rows] */
  uint64_t *lwe;              /* [k N + 1] */
  ppmli_fft fft;              /* a backend alone */
} bench;

static void bench_make(bench *b, const ppml_params *p, ppml_rng *rng) {
  size_t rows = ppmli_ksk_rows(p);
  b->p = p;
  memset(&b->fft, 0, sizeof b->fft);
  b->fft.backend = ppmli_backend_by_name(test_backend());
  ppmli_client_draw_key(b->lwe_bits, b->glwe_bits, p, rng);
  b->key = test_memory(ppmli_ksk_words(p, rows) * sizeof(uint32_t));
  b->mask = test_memory(p->lwe_dim * sizeof(uint32_t));
  b->out = test_memory(ppmli_lwe_short_words(p) * sizeof(uint32_t));
  b->digits = test_memory(rows * sizeof(int32_t));
  b->lwe = test_memory((ppmli_params_long_dim(p) + 1) * sizeof(uint64_t));
  for (size_t row = 0; row < rows; row++) {
    uint8_t wire[4];
    ppmli_store32(wire, ppmli_ksk_encrypt_row(p, row, b->glwe_bits, b->lwe_bits, &seeds));
    ppmli_ksk_expand_row(&(ppmli_ksk_rows_slab){b->key, rows, 0}, row, wire, p, seeds.mask, b->mask,
                         &b->fft);
  }
}

static void bench_free(bench *b) {
  free(b->key), free(b->mask), free(b->out), free(b->digits), free(b->lwe);
}

/* Switches b->lwe.  The change of its phase in turns. */
static double switched(bench *b) {
  const ppml_params *p = b->p;
  ppmli_keyswitch_start(b->out, b->lwe, p);
  ppmli_keyswitch_digits(b->digits, 1, b->lwe, 0, ppmli_ksk_rows(p), p);
  ppmli_backend_ref()->key_switch(b->out, b->digits, b->key, 1, ppmli_ksk_rows(p),
                                  ppmli_ksk_blocks(p));
  uint32_t after = ppmli_lwe_phase(b->out, b->out[p->lwe_dim], b->lwe_bits, p->lwe_dim);
  uint64_t before = test_phase(b->lwe, b->glwe_bits, ppmli_params_long_dim(p));
  return test_turns(((uint64_t)after << 32) - before);
}

/* The key's noise is the same for all samples and digits have a mean of -1/2, so the mean square
 * is compared, not the variance about the mean. */
static void check_noise(const ppml_params *p, uint64_t seed) {
  bench b;
  test_moments m = {0, 0, 0, 0};
  ppml_rng rng = test_rng(seed);
  bench_make(&b, p, &rng);
  for (int i = 0; i < SAMPLES; i++) {
    test_random_words(&rng, b.lwe, ppmli_params_long_dim(p) + 1);
    test_moments_add(&m, switched(&b));
  }
  double expected = ppmli_noise_keyswitch(p);
  test_assert_near(m.squares / (double)m.count, expected, 0.20);
  ck_assert_msg(m.most < 6 * sqrt(expected), "%s: %g", p->name, m.most);
  bench_free(&b);
}

START_TEST(keyswitch_noise_matches_formula) {
  const ppml_params *p;
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++)
    if (p->kind != PPML_SET_EXACT) check_noise(p, i + 1); /* that set's switch is finest's */
}
END_TEST

START_TEST(a_trivial_ciphertext_is_kept_but_for_rounding) {
  bench b;
  ppml_rng rng = test_rng(7);
  const ppml_params *p = ppml_params_by_index(0);
  bench_make(&b, p, &rng);
  memset(b.lwe, 0, ppmli_params_long_dim(p) * sizeof *b.lwe);
  for (int i = 0; i < 20; i++) {
    b.lwe[ppmli_params_long_dim(p)] = ppmli_rng_u64(&rng);
    ck_assert(fabs(switched(&b)) <= ldexp(0.5, -32));
  }
  bench_free(&b);
}
END_TEST

START_TEST(shared_coordinates_pass_through) {
  bench b;
  ppml_rng rng = test_rng(8);
  const ppml_params *p = ppml_params_by_index(0);
  ck_assert_uint_eq(p->shared_prefix, 1);
  bench_make(&b, p, &rng);
  memset(b.lwe, 0, (ppmli_params_long_dim(p) + 1) * sizeof *b.lwe);
  test_random_words(&rng, b.lwe, p->lwe_dim);
  switched(&b);
  for (uint32_t i = 0; i < p->lwe_dim; i++)
    ck_assert_uint_eq(b.out[i], ppmli_torus_switch(b.lwe[i], 32));
  bench_free(&b);
}
END_TEST

START_TEST(columns_behind_the_body_are_zero) {
  bench b;
  ppml_rng rng = test_rng(9);
  const ppml_params *p = ppml_params_by_index(0);
  bench_make(&b, p, &rng);
  test_random_words(&rng, b.lwe, ppmli_params_long_dim(p) + 1);
  switched(&b);
  for (size_t i = p->lwe_dim + 1; i < ppmli_lwe_short_words(p); i++) ck_assert_uint_eq(b.out[i], 0);
  bench_free(&b);
}
END_TEST

/* Rows of a slab that begins in the middle of the key are those of the whole. */
START_TEST(a_slab_is_a_part_of_the_whole_key) {
  enum { FIRST = 100, ROWS = 5 };
  bench b;
  ppml_rng rng = test_rng(10);
  const ppml_params *p = ppml_params_by_index(0);
  bench_make(&b, p, &rng);
  uint32_t *slab = test_memory(ppmli_ksk_words(p, ROWS) * sizeof *slab);
  for (size_t r = 0; r < ROWS; r++) {
    uint8_t wire[4];
    ppmli_store32(wire, ppmli_ksk_encrypt_row(p, FIRST + r, b.glwe_bits, b.lwe_bits, &seeds));
    ppmli_ksk_expand_row(&(ppmli_ksk_rows_slab){slab, ROWS, FIRST}, r, wire, p, seeds.mask, b.mask,
                         &b.fft);
  }
  for (size_t block = 0; block < ppmli_ksk_blocks(p); block++)
    ck_assert_mem_eq(slab + block * ROWS * 16, b.key + (block * ppmli_ksk_rows(p) + FIRST) * 16,
                     ROWS * 16 * sizeof *slab);
  free(slab);
  bench_free(&b);
}
END_TEST

/* A switch by slabs of whole coordinates, one after the other, is the switch by the whole key. */
START_TEST(a_switch_may_be_done_slab_by_slab) {
  bench b;
  ppml_rng rng = test_rng(11);
  const ppml_params *p = ppml_params_by_index(0);
  bench_make(&b, p, &rng);
  size_t rows = ppmli_ksk_rows(p), step = 40 * p->ks_levels, words = ppmli_lwe_short_words(p);
  uint32_t *whole = test_memory(words * sizeof *whole);
  uint32_t *slab = test_memory(ppmli_ksk_words(p, step) * sizeof *slab);
  test_random_words(&rng, b.lwe, ppmli_params_long_dim(p) + 1);
  switched(&b);
  memcpy(whole, b.out, words * sizeof *whole);
  ppmli_keyswitch_start(b.out, b.lwe, p);
  for (size_t first = 0; first < rows; first += step) {
    size_t count = ppmli_min_size(step, rows - first);
    for (size_t block = 0; block < ppmli_ksk_blocks(p); block++)
      memcpy(slab + block * count * 16, b.key + (block * rows + first) * 16,
             count * 16 * sizeof *slab);
    ppmli_keyswitch_digits(b.digits, 1, b.lwe, first, count, p);
    ppmli_backend_ref()->key_switch(b.out, b.digits, slab, 1, count, ppmli_ksk_blocks(p));
  }
  ck_assert_mem_eq(b.out, whole, words * sizeof *whole);
  free(slab);
  free(whole);
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("keyswitch");
  TCase *law = test_case(suite, "law"), *noise = test_case(suite, "noise");
  tcase_add_test(law, a_trivial_ciphertext_is_kept_but_for_rounding);
  tcase_add_test(law, shared_coordinates_pass_through);
  tcase_add_test(law, columns_behind_the_body_are_zero);
  tcase_add_test(law, a_slab_is_a_part_of_the_whole_key);
  tcase_add_test(law, a_switch_may_be_done_slab_by_slab);
  tcase_add_test(noise, keyswitch_noise_matches_formula);
  return test_run(suite);
}
