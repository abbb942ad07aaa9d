/* test_rng.c - ChaCha20, its streams, the generator and the noise, against tests/kat. */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "kat/rng_kat.h"

/* -------------------------------------------------------------------- kat */

static void make_key(uint8_t key[PPML_SEED_BYTES]) {
  for (int i = 0; i < PPML_SEED_BYTES; i++) key[i] = (uint8_t)i;
}

START_TEST(blocks_are_those_of_rfc_8439) {
  uint8_t key[PPML_SEED_BYTES], out[sizeof chacha_blocks_kat];
  ppmli_stream s;
  make_key(key);
  ppmli_stream_init(&s, key, 0, 0);
  s.state[12] = 1;
  s.state[13] = 0x09000000;
  s.state[14] = 0x4a000000;
  s.state[15] = 0;
  ppmli_chacha_blocks(out, s.state);
  ck_assert_mem_eq(out, chacha_blocks_kat, sizeof out);
}
END_TEST

START_TEST(a_stream_is_chacha20_with_purpose_and_index_as_nonce) {
  uint8_t key[PPML_SEED_BYTES], out[700];
  ppmli_stream s;
  make_key(key);
  ppmli_stream_init(&s, key, PPMLI_STREAM_KSK_MASK, ((uint64_t)1 << 40) + 5);
  ppmli_stream_bytes(&s, out, sizeof out);
  ck_assert_mem_eq(out + 500, stream_kat, sizeof stream_kat);
}
END_TEST

START_TEST(the_generator_erases_keys_as_specified) {
  uint8_t out[600];
  ppml_rng rng = test_rng(7);
  ppml_rng_bytes(&rng, out, sizeof out);
  ck_assert_mem_eq(out + 200, generator_kat, sizeof generator_kat);
}
END_TEST

START_TEST(noise_is_the_high_word_of_a_product) {
  for (size_t i = 0; i < sizeof noise_kats / sizeof noise_kats[0]; i++)
    ck_assert_msg(ppmli_noise(noise_kats[i].random, noise_kats[i].bound) == noise_kats[i].noise,
                  "%zu: %lld", i,
                  (long long)ppmli_noise(noise_kats[i].random, noise_kats[i].bound));
}
END_TEST

/* -------------------------------------------------------------------- law */

START_TEST(a_stream_does_not_depend_on_how_it_is_read) {
  uint8_t seed[PPML_SEED_BYTES] = {9}, whole[2048], pieces[2048];
  ppmli_stream s;
  ppmli_stream_init(&s, seed, 1, 2);
  ppmli_stream_bytes(&s, whole, sizeof whole);
  ppmli_stream_init(&s, seed, 1, 2);
  for (size_t at = 0, step = 1; at < sizeof pieces; at += step, step = step * 3 % 601 + 1) {
    step = ppmli_min_size(step, sizeof pieces - at);
    ppmli_stream_bytes(&s, pieces + at, step);
  }
  ck_assert_mem_eq(whole, pieces, sizeof whole);
}
END_TEST

START_TEST(words_of_a_stream_are_its_bytes_lowest_first) {
  uint8_t seed[PPML_SEED_BYTES] = {3}, bytes[8 * 101];
  uint64_t long_words[101];
  uint32_t words[202];
  ppmli_stream s;
  ppmli_stream_init(&s, seed, 0, 0);
  ppmli_stream_bytes(&s, bytes, sizeof bytes);
  ppmli_stream_init(&s, seed, 0, 0);
  ppmli_stream_u64(&s, long_words, 101);
  ppmli_stream_init(&s, seed, 0, 0);
  ppmli_stream_u32(&s, words, 202);
  for (size_t i = 0; i < 101; i++) ck_assert(long_words[i] == ppmli_load64(bytes + 8 * i));
  for (size_t i = 0; i < 202; i++) ck_assert(words[i] == ppmli_load32(bytes + 4 * i));
}
END_TEST

static void first_bytes(uint8_t out[32], uint8_t seed_byte, uint32_t purpose, uint64_t index) {
  uint8_t seed[PPML_SEED_BYTES] = {seed_byte};
  ppmli_stream s;
  ppmli_stream_init(&s, seed, purpose, index);
  ppmli_stream_bytes(&s, out, 32);
}

START_TEST(every_seed_purpose_and_index_has_its_own_stream) {
  static const uint64_t indices[] = {0, 1, 2, (uint64_t)1 << 32};
  uint8_t out[2 * 7 * 4][32];
  size_t count = 0;
  for (uint8_t seed = 0; seed < 2; seed++)
    for (uint32_t purpose = PPMLI_STREAM_RNG; purpose <= PPMLI_STREAM_INPUT_NOISE; purpose++)
      for (size_t i = 0; i < 4; i++) first_bytes(out[count++], seed, purpose, indices[i]);
  for (size_t a = 0; a < count; a++)
    for (size_t b = 0; b < a; b++) ck_assert_mem_ne(out[a], out[b], 32);
}
END_TEST

START_TEST(a_state_of_the_generator_never_comes_again) {
  enum { STATES = 200 };
  static uint8_t keys[STATES][PPML_SEED_BYTES];
  ppml_rng rng = test_rng(1);
  uint8_t byte[sizeof rng.buffer];
  for (size_t i = 0; i < STATES; i++) {
    memcpy(keys[i], rng.key, PPML_SEED_BYTES);
    for (size_t j = 0; j < i; j++) ck_assert_mem_ne(keys[i], keys[j], PPML_SEED_BYTES);
    ppml_rng_bytes(&rng, byte, sizeof byte);
    ck_assert_uint_eq(rng.counter, i + 1);
  }
}
END_TEST

/* What was handed out is in no leaked state: neither in the buffer nor the new key's output. */
START_TEST(what_was_drawn_is_erased) {
  static const uint8_t zeros[sizeof((ppml_rng *)0)->buffer];
  ppml_rng rng = test_rng(2);
  uint8_t out[100];
  ppml_rng_bytes(&rng, out, sizeof out);
  ck_assert_mem_eq(rng.buffer, zeros, sizeof out);
  ck_assert_uint_eq(rng.buffered, sizeof rng.buffer - sizeof out);
}
END_TEST

START_TEST(the_generator_does_not_depend_on_how_it_is_read) {
  uint8_t whole[1000], pieces[1000];
  ppml_rng a = test_rng(3), b = test_rng(3), other = test_rng(4);
  ppml_rng_bytes(&a, whole, sizeof whole);
  for (size_t at = 0; at < sizeof pieces; at += 8) ppml_rng_bytes(&b, pieces + at, 8);
  ck_assert_mem_eq(whole, pieces, sizeof whole);
  ppml_rng_bytes(&other, pieces, sizeof pieces);
  ck_assert_mem_ne(whole, pieces, 32);
}
END_TEST

START_TEST(entropy_is_different_every_time) {
  ppml_rng a, b;
  ck_assert_int_eq(ppml_rng_init(&a), PPML_OK);
  ck_assert_int_eq(ppml_rng_init(&b), PPML_OK);
  ck_assert_mem_ne(a.key, b.key, sizeof a.key);
}
END_TEST

START_TEST(wiping_leaves_zeros) {
  static const uint8_t zeros[sizeof(ppml_rng)];
  ppml_rng rng = test_rng(5);
  uint8_t byte;
  ppml_rng_bytes(&rng, &byte, 1);
  ppml_rng_wipe(&rng);
  ck_assert_mem_eq(&rng, zeros, sizeof zeros);
}
END_TEST

/* ----------------------------------------------------------------- bounds */

/* 10^6 samples: the variance of the estimate of a uniform variance is 0.8 / count of its
 * square, so 0.5 % is more than five standard deviations. */
static void check_noise(uint32_t bound, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  test_moments m = {0, 0, 0, 0};
  double variance = (double)bound * (bound + 1.0) / 3;
  for (int i = 0; i < 1000000; i++)
    test_moments_add(&m, (double)ppmli_noise(ppmli_rng_u64(&rng), bound));
  test_assert_near(test_variance(&m), variance, 0.005);
  ck_assert(fabs(test_mean(&m)) < 5 * sqrt(variance / (double)m.count));
  ck_assert(m.most <= bound && m.most > 0.9999 * bound);
}

START_TEST(noise_is_bounded_and_has_its_variance) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    if (p->slots) continue; /* a bound of 7 has its own test */
    check_noise(p->lwe_noise_bound, 2 * i);
    check_noise(p->glwe_noise_bound, 2 * i + 1);
  }
}
END_TEST

/* Chi squared of 11 bins, 10 degrees of freedom: above 45 with probability 2e-6. */
START_TEST(every_noise_value_is_as_likely_as_any_other) {
  enum { SAMPLES = 1100000 };
  size_t bins[11] = {0};
  double chi = 0, expected = SAMPLES / 11.0;
  ppml_rng rng = test_rng(6);
  for (int i = 0; i < SAMPLES; i++) bins[ppmli_noise(ppmli_rng_u64(&rng), 5) + 5]++;
  for (int b = 0; b < 11; b++) chi += ppmli_square((double)bins[b] - expected) / expected;
  ck_assert_msg(chi < 45, "chi squared %g", chi);
}
END_TEST

/* ------------------------------------------------------------------ error */

static int no_entropy(void *context, void *bytes, size_t count) {
  (void)context;
  memset(bytes, 1, count);
  return -1;
}

static int given_entropy(void *context, void *bytes, size_t count) {
  memset(bytes, *(const int *)context, count);
  return 0;
}

START_TEST(a_failing_entropy_source_is_told) {
  ppml_rng rng;
  int byte = 0x5a;
  ck_assert_int_eq(ppml_rng_init_callback(&rng, no_entropy, NULL), PPML_ERR_RNG);
  ck_assert_int_eq(ppml_rng_init_callback(&rng, NULL, NULL), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_rng_init_callback(NULL, given_entropy, &byte), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_rng_init_callback(&rng, given_entropy, &byte), PPML_OK);
  for (int i = 0; i < PPML_SEED_BYTES; i++) ck_assert_uint_eq(rng.key[i], 0x5a);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("rng");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *error = test_case(suite, "error");
  tcase_add_test(kat, blocks_are_those_of_rfc_8439);
  tcase_add_test(kat, a_stream_is_chacha20_with_purpose_and_index_as_nonce);
  tcase_add_test(kat, the_generator_erases_keys_as_specified);
  tcase_add_test(kat, noise_is_the_high_word_of_a_product);
  tcase_add_test(law, a_stream_does_not_depend_on_how_it_is_read);
  tcase_add_test(law, words_of_a_stream_are_its_bytes_lowest_first);
  tcase_add_test(law, every_seed_purpose_and_index_has_its_own_stream);
  tcase_add_test(law, a_state_of_the_generator_never_comes_again);
  tcase_add_test(law, what_was_drawn_is_erased);
  tcase_add_test(law, the_generator_does_not_depend_on_how_it_is_read);
  tcase_add_test(law, entropy_is_different_every_time);
  tcase_add_test(law, wiping_leaves_zeros);
  tcase_add_test(bounds, noise_is_bounded_and_has_its_variance);
  tcase_add_test(bounds, every_noise_value_is_as_likely_as_any_other);
  tcase_add_test(error, a_failing_entropy_source_is_told);
  return test_run(suite);
}
