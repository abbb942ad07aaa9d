/* test_rng.c - ChaCha20, its streams, the generator and the noise, against tests/kat. */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "kat/rng_kat.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---------------------------------------------------------------- entropy */

static int no_entropy(void *context, void *bytes, size_t count) {
  (void)context;
  memset(bytes, 1, count);
  return -1;
}

/* A key of which every byte is known. */
static void make_secret(ppml_secret_key *key) {
  ppml_client client = test_client("fast");
  ppml_rng rng = test_rng(0);
  test_secret_key(key, &client, &rng);
  for (int i = 0; i < PPML_ID_BYTES; i++) {
    test_client_of(key)->circuit_id[i] = (uint8_t)i;
    key->id[i] = (uint8_t)(100 + i);
  }
  for (size_t i = 0; i < key->bytes; i++) key->glwe_bits[i] = (uint8_t)(7 * i);
}

static ppmli_seeds seeds_of(const ppml_secret_key *key, const uint8_t *pixels, ppml_rng rng) {
  ppmli_seeds seeds;
  ck_assert_int_eq(ppmli_rng_begin(&rng), PPML_OK);
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_INPUT, key, pixels, 784, &rng);
  return seeds;
}

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
  ppmli_rng_bytes(&rng, out, sizeof out);
  ck_assert_mem_eq(out + 200, generator_kat, sizeof generator_kat);
}
END_TEST

START_TEST(each_use_folds_entropy_in_as_specified) {
  static const uint8_t counter[] = {1, 2, 3};
  int byte = 0x5a;
  uint8_t out[64], pixels[784];
  ppml_secret_key key;
  ppml_rng rng = test_constant_rng(&byte);
  ck_assert_int_eq(ppml_rng_bytes(&rng, out, sizeof out), PPML_OK);
  ck_assert_mem_eq(out, folded_kat, sizeof out);
  ck_assert_int_eq(ppml_rng_mix(&rng, counter, sizeof counter), PPML_OK);
  ck_assert_int_eq(ppml_rng_bytes(&rng, out, sizeof out), PPML_OK);
  ck_assert_mem_eq(out, mixed_kat, sizeof out);
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(7 * i + 3 + i / 256);
  make_secret(&key);
  ppmli_seeds seeds = seeds_of(&key, pixels, rng);
  ck_assert_mem_eq(seeds.mask, seeds_kat, sizeof seeds.mask);
  ck_assert_mem_eq(seeds.noise, seeds_kat + 32, sizeof seeds.noise);
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

/* All purposes, in a switch that does not compile where one is left out or two have one number. */
static int purpose_is_known(enum ppmli_stream_purpose purpose) {
  switch (purpose) {
  case PPMLI_STREAM_RNG:
  case PPMLI_STREAM_INPUT_MASK:
  case PPMLI_STREAM_BSK_MASK:
  case PPMLI_STREAM_KSK_MASK:
  case PPMLI_STREAM_BSK_NOISE:
  case PPMLI_STREAM_KSK_NOISE:
  case PPMLI_STREAM_INPUT_NOISE:
  case PPMLI_STREAM_SEEDS:
  case PPMLI_STREAM_FLOOD:
  case PPMLI_STREAM_BRIDGE_MASK:
  case PPMLI_STREAM_BRIDGE_NOISE:
  case PPMLI_STREAM_AUTO_MASK:
  case PPMLI_STREAM_AUTO_NOISE:
  case PPMLI_STREAM_ROW_MASK:
  case PPMLI_STREAM_ROW_NOISE:
  case PPMLI_STREAM_SUMS_MASK:
  case PPMLI_STREAM_SUMS_NOISE:
    return 1;
  }
  return 0;
}

START_TEST(every_seed_purpose_and_index_has_its_own_stream) {
  static const uint64_t indices[] = {0, 1, 2, (uint64_t)1 << 32};
  uint8_t out[2 * (PPMLI_STREAM_SUMS_NOISE + 1) * 4][32];
  size_t count = 0;
  for (uint8_t seed = 0; seed < 2; seed++)
    for (uint32_t purpose = 0; purpose <= PPMLI_STREAM_SUMS_NOISE; purpose++)
      for (size_t i = 0; i < 4 && purpose_is_known((enum ppmli_stream_purpose)purpose); i++)
        first_bytes(out[count++], seed, purpose, indices[i]);
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
    ppmli_rng_bytes(&rng, byte, sizeof byte);
    ck_assert_uint_eq(rng.counter, i + 1);
  }
}
END_TEST

/* What was handed out is in no leaked state: neither in the buffer nor the new key's output. */
START_TEST(what_was_drawn_is_erased) {
  static const uint8_t zeros[sizeof((ppml_rng *)0)->buffer];
  ppml_rng rng = test_rng(2);
  uint8_t out[100];
  ppmli_rng_bytes(&rng, out, sizeof out);
  ck_assert_mem_eq(rng.buffer, zeros, sizeof out);
  ck_assert_uint_eq(rng.buffered, sizeof rng.buffer - sizeof out);
}
END_TEST

START_TEST(the_generator_does_not_depend_on_how_it_is_read) {
  uint8_t whole[1000], pieces[1000];
  ppml_rng a = test_rng(3), b = test_rng(3), other = test_rng(4);
  ppmli_rng_bytes(&a, whole, sizeof whole);
  for (size_t at = 0; at < sizeof pieces; at += 8) ppmli_rng_bytes(&b, pieces + at, 8);
  ck_assert_mem_eq(whole, pieces, sizeof whole);
  ppmli_rng_bytes(&other, pieces, sizeof pieces);
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

/* A copy of a state, as a snapshot of a virtual machine makes it too. */
START_TEST(copies_of_a_generator_draw_different_numbers) {
  uint8_t out[3][32];
  ppml_rng rng, copy;
  ck_assert_int_eq(ppml_rng_init(&rng), PPML_OK);
  ck_assert_int_eq(ppml_rng_bytes(&rng, out[2], 32), PPML_OK);
  copy = rng;
  ck_assert_int_eq(ppml_rng_bytes(&rng, out[0], 32), PPML_OK);
  ck_assert_int_eq(ppml_rng_bytes(&copy, out[1], 32), PPML_OK);
  ck_assert_mem_ne(out[0], out[1], 32);
}
END_TEST

/* What the child of a fork draws. */
static void bytes_of_child(uint8_t out[32], ppml_rng *rng) {
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  ck_assert(child >= 0);
  if (child == 0) {
    uint8_t bytes[32] = {0};
    int error = ppml_rng_bytes(rng, bytes, sizeof bytes);
    _exit(error || write(ends[1], bytes, sizeof bytes) != sizeof bytes);
  }
  int status = 1;
  ck_assert(read(ends[0], out, 32) == 32 && waitpid(child, &status, 0) == child && status == 0);
  close(ends[0]), close(ends[1]);
}

/* Of the system's entropy, and of a source that gives parent and child the same. */
START_TEST(processes_of_a_fork_draw_different_numbers) {
  int byte = 0x5a;
  ppml_rng rngs[2] = {test_constant_rng(&byte), test_constant_rng(&byte)};
  ck_assert_int_eq(ppml_rng_init(&rngs[1]), PPML_OK);
  for (int i = 0; i < 2; i++) {
    uint8_t parent[32], child[2][32];
    bytes_of_child(child[0], &rngs[i]);
    bytes_of_child(child[1], &rngs[i]);
    ck_assert_int_eq(ppml_rng_bytes(&rngs[i], parent, sizeof parent), PPML_OK);
    ck_assert_mem_ne(parent, child[0], sizeof parent);
    ck_assert_mem_ne(parent, child[1], sizeof parent);
    ck_assert_mem_ne(child[0], child[1], sizeof parent);
  }
}
END_TEST

/* The worst case: a copied state and a source that gives both copies the same. */
START_TEST(seeds_differ_where_images_or_keys_do_even_without_entropy) {
  int byte = 0;
  uint8_t pixels[784] = {0}, others[784] = {0};
  ppml_secret_key key, other_key;
  ppml_rng rng = test_constant_rng(&byte), mixed = rng;
  make_secret(&key);
  test_secret_key_copy(&other_key, &key);
  other_key.lwe_bits[50] ^= 1;
  others[783] = 1;
  ck_assert_int_eq(ppml_rng_mix(&mixed, &byte, sizeof byte), PPML_OK);
  const ppmli_seeds seeds[] = {seeds_of(&key, pixels, rng), seeds_of(&key, others, rng),
                               seeds_of(&other_key, pixels, rng), seeds_of(&key, pixels, mixed)};
  for (int i = 0; i < 4; i++) {
    ck_assert_mem_ne(seeds[i].mask, seeds[i].noise, PPML_SEED_BYTES);
    for (int j = 0; j < i; j++) {
      ck_assert_mem_ne(seeds[i].mask, seeds[j].mask, PPML_SEED_BYTES);
      ck_assert_mem_ne(seeds[i].noise, seeds[j].noise, PPML_SEED_BYTES);
    }
  }
}
END_TEST

START_TEST(wiping_leaves_zeros) {
  static const uint8_t zeros[sizeof(ppml_rng)];
  ppml_rng rng = test_rng(5);
  uint8_t byte;
  ppmli_rng_bytes(&rng, &byte, 1);
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
    if (p->lwe_dim == 0) continue; /* bounds of 0 and 7: tests of their own */
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

START_TEST(a_failing_entropy_source_is_told) {
  ppml_rng rng;
  int byte = 0x5a;
  ck_assert_int_eq(ppml_rng_init_callback(&rng, no_entropy, NULL), PPML_ERR_RNG);
  ck_assert_int_eq(ppml_rng_init_callback(&rng, NULL, NULL), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_rng_init_callback(NULL, test_constant_entropy, &byte), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_rng_init_callback(&rng, test_constant_entropy, &byte), PPML_OK);
  for (int i = 0; i < PPML_SEED_BYTES; i++) ck_assert_uint_eq(rng.key[i], 0x5a);
}
END_TEST

/* Every function that draws, with a generator that gives no numbers.  What it would write is
 * unchanged, or zeros. */
static void check_refused(ppml_rng *rng) {
  static const uint8_t zeros[sizeof(ppml_secret_key)];
  uint8_t bytes[32], pixels[16] = {0};
  ppml_client client = test_client("fast");
  ppml_rng given = test_rng(1);
  ppml_secret_key key, fresh;
  ppml_arena arena = test_arena(ppml_eval_key_generate_bytes(client.params, 1));
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_input input;
  test_secret_key(&key, &client, &given);
  memset(bytes, 7, sizeof bytes);
  memset(&fresh, 0, sizeof fresh);
  ck_assert_int_eq(ppml_rng_bytes(rng, bytes, sizeof bytes), PPML_ERR_RNG);
  ck_assert_int_eq(ppml_secret_key_generate(&fresh, &client, rng, &arena), PPML_ERR_RNG);
  ck_assert_int_eq(ppml_encrypt(&input, &test_request, &key, pixels, rng, &arena), PPML_ERR_RNG);
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &key, rng, NULL, NULL, &arena), PPML_ERR_RNG);
  for (size_t i = 0; i < sizeof bytes; i++) ck_assert_uint_eq(bytes[i], 7);
  ck_assert_mem_eq(&fresh, zeros, sizeof zeros);
  ck_assert_uint_eq(arena.used_bytes + writer.position, 0);
  test_arena_free(&arena);
}

START_TEST(a_generator_that_was_not_set_up_gives_no_numbers) {
  ppml_rng zeroed, failed, wiped, garbage;
  memset(&zeroed, 0, sizeof zeroed);
  memset(&garbage, 0xa5, sizeof garbage);
  ck_assert_int_eq(ppml_rng_init_callback(&failed, no_entropy, NULL), PPML_ERR_RNG);
  ck_assert_int_eq(ppml_rng_init(&wiped), PPML_OK);
  ppml_rng_wipe(&wiped);
  ppml_rng *rngs[] = {&zeroed, &failed, &wiped, &garbage};
  for (int i = 0; i < 4; i++) {
    check_refused(rngs[i]);
    ck_assert_int_eq(ppml_rng_mix(rngs[i], "x", 1), PPML_ERR_RNG);
  }
}
END_TEST

/* Gives bytes as often as *context says. */
static int scarce_entropy(void *context, void *bytes, size_t count) {
  int *left = (int *)context;
  memset(bytes, 3, count);
  return (*left)-- > 0 ? 0 : -1;
}

START_TEST(entropy_that_fails_later_is_told) {
  int left = 2;
  uint8_t byte;
  ppml_rng rng;
  ck_assert_int_eq(ppml_rng_init_callback(&rng, scarce_entropy, &left), PPML_OK);
  ck_assert_int_eq(ppml_rng_bytes(&rng, &byte, 1), PPML_OK);
  check_refused(&rng);
}
END_TEST

/* 6000 shuffles of three numbers: each of the 6 orders comes 1000 times but for 5 deviations. */
START_TEST(a_shuffle_gives_every_order_alike) {
  const uint8_t seed[PPML_SEED_BYTES] = {7};
  int seen[27] = {0}, orders = 0;
  ppml_rng rng;
  ppmli_rng_seed(&rng, seed);
  for (int i = 0; i < 6000; i++) {
    uint32_t x[3] = {0, 1, 2};
    ppmli_rng_shuffle(x, 3, &rng);
    seen[9 * x[0] + 3 * x[1] + x[2]]++;
  }
  for (int i = 0; i < 27; i++)
    if (seen[i]) {
      ck_assert_int_ge(seen[i], 1000 - 5 * 29);
      ck_assert_int_le(seen[i], 1000 + 5 * 29);
      orders++;
    }
  ck_assert_int_eq(orders, 6); /* no number is lost: others would make a seventh */
  ppmli_rng_shuffle(NULL, 0, &rng);
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
  tcase_add_test(kat, each_use_folds_entropy_in_as_specified);
  tcase_add_test(law, copies_of_a_generator_draw_different_numbers);
  tcase_add_test(law, processes_of_a_fork_draw_different_numbers);
  tcase_add_test(law, seeds_differ_where_images_or_keys_do_even_without_entropy);
  tcase_add_test(error, a_generator_that_was_not_set_up_gives_no_numbers);
  tcase_add_test(error, entropy_that_fails_later_is_told);
  tcase_add_test(law, a_stream_does_not_depend_on_how_it_is_read);
  tcase_add_test(law, words_of_a_stream_are_its_bytes_lowest_first);
  tcase_add_test(law, every_seed_purpose_and_index_has_its_own_stream);
  tcase_add_test(law, a_state_of_the_generator_never_comes_again);
  tcase_add_test(law, what_was_drawn_is_erased);
  tcase_add_test(law, the_generator_does_not_depend_on_how_it_is_read);
  tcase_add_test(law, entropy_is_different_every_time);
  tcase_add_test(law, wiping_leaves_zeros);
  tcase_add_test(bounds, noise_is_bounded_and_has_its_variance);
  tcase_add_test(bounds, a_shuffle_gives_every_order_alike);
  tcase_add_test(bounds, every_noise_value_is_as_likely_as_any_other);
  tcase_add_test(error, a_failing_entropy_source_is_told);
  return test_run(suite);
}
