/* test_digest.c - BLAKE2s, of 16 bytes and of 32, against Python's hashlib (tests/kat). */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "kat/digest_kat.h"

enum { KATS = sizeof digest_kats / sizeof digest_kats[0], MESSAGE_BYTES_MAX = 65536 };

static uint8_t message[MESSAGE_BYTES_MAX];

static void make_message(void) {
  for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(7 * i + 3 + i / 256);
}

/* The digest of count bytes, given to it in pieces of at most step. */
static void digest_of(uint8_t out[PPML_ID_BYTES], size_t count, size_t step) {
  ppmli_digest d;
  ppmli_digest_init(&d);
  for (size_t i = 0; i < count; i += step)
    ppmli_digest_update(&d, message + i, ppmli_min_size(step, count - i));
  ppmli_digest_final(&d, out);
}

START_TEST(digests_are_those_of_blake2s_128) {
  uint8_t out[PPML_ID_BYTES];
  for (size_t i = 0; i < KATS; i++) {
    digest_of(out, digest_kats[i].count, MESSAGE_BYTES_MAX);
    ck_assert_mem_eq(out, digest_kats[i].digest, sizeof out);
  }
}
END_TEST

START_TEST(digests_of_32_bytes_are_those_of_blake2s_256) {
  uint8_t out[PPML_SEED_BYTES];
  ppmli_digest d;
  for (size_t i = 0; i < KATS; i++) {
    ppmli_digest_init_seed(&d);
    ppmli_digest_update(&d, message, digest_kats[i].count);
    ppmli_digest_final_seed(&d, out);
    ck_assert_mem_eq(out, digest_seed_kats[i], sizeof out);
  }
}
END_TEST

START_TEST(pieces_have_the_digest_of_the_whole) {
  static const size_t steps[] = {1, 7, 63, 64, 65, 128, 999};
  uint8_t whole[PPML_ID_BYTES], pieces[PPML_ID_BYTES];
  for (size_t count = 0; count < 300; count += 1 + count / 20) {
    digest_of(whole, count, MESSAGE_BYTES_MAX);
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
      digest_of(pieces, count, steps[s]);
      ck_assert_mem_eq(pieces, whole, sizeof whole);
    }
  }
}
END_TEST

START_TEST(an_empty_piece_changes_nothing) {
  uint8_t with[PPML_ID_BYTES], without[PPML_ID_BYTES];
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, message, 64);
  ppmli_digest_update(&d, message, 0);
  ppmli_digest_final(&d, with);
  digest_of(without, 64, 64);
  ck_assert_mem_eq(with, without, sizeof with);
}
END_TEST

START_TEST(any_flipped_bit_changes_the_digest) {
  uint8_t before[PPML_ID_BYTES], after[PPML_ID_BYTES];
  digest_of(before, 129, 129);
  for (size_t bit = 0; bit < 8 * 129; bit++) {
    message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    digest_of(after, 129, 129);
    message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    ck_assert_mem_ne(before, after, sizeof before);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("digest");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  make_message();
  tcase_add_test(kat, digests_are_those_of_blake2s_128);
  tcase_add_test(kat, digests_of_32_bytes_are_those_of_blake2s_256);
  tcase_add_test(law, pieces_have_the_digest_of_the_whole);
  tcase_add_test(law, an_empty_piece_changes_nothing);
  tcase_add_test(law, any_flipped_bit_changes_the_digest);
  return test_run(suite);
}
