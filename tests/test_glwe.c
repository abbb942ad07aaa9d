/* test_glwe.c - GLWE encryption, its noise, and extraction. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { WORDS_MAX = TEST_KEY_BITS_MAX + 4096 };

/* A key, and one ciphertext with its mask. */
typedef struct sample {
  uint8_t lwe_bits[TEST_KEY_BITS_MAX / 8], glwe_bits[TEST_KEY_BITS_MAX / 8];
  uint64_t glwe[WORDS_MAX], message[4096], phase[4096];
} sample;

static const uint8_t mask_seed[PPML_SEED_BYTES] = {1}, noise_seed[PPML_SEED_BYTES] = {2};

/* Encrypts x->message under the streams of that index. */
static int encrypt(sample *x, const ppml_params *p, uint64_t index, ppml_arena *arena) {
  ppmli_stream mask, noise, again;
  uint64_t *body = x->glwe + ppmli_params_long_dim(p);
  ppmli_stream_init(&mask, mask_seed, PPMLI_STREAM_INPUT_MASK, index);
  ppmli_stream_init(&noise, noise_seed, PPMLI_STREAM_INPUT_NOISE, index);
  again = mask;
  ppmli_stream_u64(&again, x->glwe, ppmli_params_long_dim(p));
  memcpy(body, x->message, p->poly_size * sizeof *body);
  return ppmli_glwe_encrypt_body(body, p, x->glwe_bits, &mask, &noise, arena);
}

/* 40 ciphertexts: more than 20,000 coefficients; 5 % is over five standard deviations of the
 * estimated variance of uniform noise. */
static void check_noise(const ppml_params *p, ppml_rng *rng) {
  static sample x;
  test_moments m = {0, 0, 0, 0};
  ppml_arena arena = test_arena(ppmli_glwe_encrypt_scratch(p));
  ppmli_client_draw_key(x.lwe_bits, x.glwe_bits, p, rng);
  for (uint64_t index = 0; index < 40; index++) {
    test_random_words(rng, x.message, p->poly_size);
    ck_assert_int_eq(encrypt(&x, p, index, &arena), PPML_OK);
    test_glwe_phase(x.phase, x.glwe, p, x.glwe_bits);
    for (uint32_t j = 0; j < p->poly_size; j++)
      test_moments_add(&m, (double)ppmli_torus_signed(x.phase[j] - x.message[j]));
  }
  test_assert_near(test_variance(&m), p->glwe_noise_bound * (p->glwe_noise_bound + 1.0) / 3, 0.05);
  ck_assert(m.most <= p->glwe_noise_bound);
  test_arena_free(&arena);
}

START_TEST(phase_is_the_message_and_the_stated_noise) {
  const ppml_params *p;
  ppml_rng rng = test_rng(1);
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++) check_noise(p, &rng);
}
END_TEST

START_TEST(extraction_takes_the_constant_coefficient) {
  static sample x;
  static uint64_t lwe[TEST_KEY_BITS_MAX + 1];
  const ppml_params *p;
  ppml_rng rng = test_rng(2);
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++) {
    size_t dim = ppmli_params_long_dim(p);
    ppmli_client_draw_key(x.lwe_bits, x.glwe_bits, p, &rng);
    test_random_words(&rng, x.glwe, dim + p->poly_size);
    test_glwe_phase(x.phase, x.glwe, p, x.glwe_bits);
    ppmli_glwe_extract(lwe, x.glwe, p);
    ck_assert(test_phase(lwe, x.glwe_bits, dim) == x.phase[0]);
  }
}
END_TEST

START_TEST(the_same_streams_give_the_same_body_and_others_another) {
  static sample x, y, z;
  const ppml_params *p = ppml_params_by_index(0);
  ppml_rng rng = test_rng(3);
  ppml_arena arena = test_arena(ppmli_glwe_encrypt_scratch(p));
  ppmli_client_draw_key(x.lwe_bits, x.glwe_bits, p, &rng);
  z = y = x;
  ck_assert_int_eq(encrypt(&x, p, 7, &arena), PPML_OK);
  ck_assert_int_eq(encrypt(&y, p, 7, &arena), PPML_OK);
  ck_assert_int_eq(encrypt(&z, p, 8, &arena), PPML_OK);
  ck_assert_mem_eq(x.glwe, y.glwe, sizeof x.glwe);
  ck_assert_mem_ne(x.glwe + ppmli_params_long_dim(p), z.glwe + ppmli_params_long_dim(p), 64);
  test_arena_free(&arena);
}
END_TEST

START_TEST(encryption_takes_exactly_what_is_said) {
  static sample x;
  const ppml_params *p;
  for (size_t i = 0; (p = test_bootstrapped(i)) != NULL; i++) {
    size_t bytes = ppmli_glwe_encrypt_scratch(p);
    ppml_arena exact = test_arena(bytes), less = test_arena(bytes - 1), none = test_arena(0);
    ck_assert_int_eq(encrypt(&x, p, 0, &exact), PPML_OK);
    ck_assert_uint_eq(exact.high_bytes, bytes);
    ck_assert_uint_eq(exact.used_bytes, 0);
    ck_assert_int_eq(encrypt(&x, p, 0, &less), PPML_ERR_NOMEM);
    ck_assert_int_eq(encrypt(&x, p, 0, &none), PPML_ERR_NOMEM);
    test_arena_free(&exact);
    test_arena_free(&less);
    test_arena_free(&none);
  }
}
END_TEST

START_TEST(no_noise_is_left_in_the_scratch) {
  static sample x;
  static const uint64_t zeros[2048];
  const ppml_params *p = ppml_params_by_index(0);
  ppml_arena arena = test_arena(ppmli_glwe_encrypt_scratch(p));
  ck_assert_int_eq(encrypt(&x, p, 0, &arena), PPML_OK);
  ck_assert_mem_eq(arena.memory, zeros, p->poly_size * sizeof *zeros); /* the noise stood here */
  test_arena_free(&arena);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("glwe");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *oom = test_case(suite, "oom");
  tcase_add_test(law, extraction_takes_the_constant_coefficient);
  tcase_add_test(law, the_same_streams_give_the_same_body_and_others_another);
  tcase_add_test(law, no_noise_is_left_in_the_scratch);
  tcase_add_test(bounds, phase_is_the_message_and_the_stated_noise);
  tcase_add_test(oom, encryption_takes_exactly_what_is_said);
  return test_run(suite);
}
