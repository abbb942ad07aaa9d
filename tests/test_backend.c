/* test_backend.c - every vector backend that this CPU has against the portable one. */
#define PPML_IMPLEMENTATION
#include "support.h"

#include "backend_checks.h"

enum { SWITCHED_MAX = 40 };

/* Test number _i is of backend _i / BACKEND_POLY_SIZES and that polynomial size. */
static const ppmli_backend *backend_of(int i) {
  return ppmli_backend_by_index((size_t)i / BACKEND_POLY_SIZES);
}

static uint32_t poly_size_of(int i) {
  return backend_poly_sizes[i % BACKEND_POLY_SIZES];
}

START_TEST(exponents_are_those_of_the_portable_backend) {
  ck_assert_int_eq(check_exponents(backend_of(_i), poly_size_of(_i)), 0);
}
END_TEST

START_TEST(forward_gives_the_values_of_the_portable_backend) {
  ck_assert_int_eq(check_forward(backend_of(_i), poly_size_of(_i)), 0);
}
END_TEST

START_TEST(fft_inverse_undoes_forward) {
  ck_assert_int_eq(check_round_trip(backend_of(_i), poly_size_of(_i)), 0);
}
END_TEST

START_TEST(whole_turns_vanish) {
  ck_assert_int_eq(check_whole_turns(backend_of(_i), poly_size_of(_i)), 0);
}
END_TEST

START_TEST(products_of_all_shapes_are_those_of_the_portable_backend) {
  ck_assert_int_eq(check_product(backend_of(_i), poly_size_of(_i)), 0);
}
END_TEST

START_TEST(key_switches_of_any_number_of_samples_are_equal) {
  const ppmli_backend *backend;
  for (size_t i = 0; (backend = ppmli_backend_by_index(i)) != NULL; i++)
    for (size_t samples = 1; samples <= SWITCHED_MAX; samples++)
      ck_assert_int_eq(check_key_switch(backend, samples), 0);
}
END_TEST

START_TEST(blocks_of_masks_are_those_of_the_portable_backend) {
  const ppmli_backend *backend;
  for (size_t i = 0; (backend = ppmli_backend_by_index(i)) != NULL; i++)
    for (size_t blocks = 0; blocks <= BACKEND_BLOCKS_MAX; blocks++)
      ck_assert_int_eq(check_chacha(backend, blocks), 0);
}
END_TEST

/* Every count, whole blocks or not; what stands behind stays. */
START_TEST(masks_are_the_words_of_their_stream) {
  enum { WORDS = 8 * BACKEND_BLOCKS_MAX };
  static uint64_t stream[WORDS], words[WORDS + 1];
  static uint32_t halves[2 * WORDS + 1], short_stream[2 * WORDS];
  uint8_t seed[PPML_SEED_BYTES] = {5, 6};
  uint64_t index = ((uint64_t)7 << 32) + 8;
  ppmli_fft fft;
  ppmli_stream s;
  memset(&fft, 0, sizeof fft);
  ppmli_stream_init(&s, seed, PPMLI_STREAM_BSK_MASK, index);
  ppmli_stream_u64(&s, stream, WORDS);
  ppmli_stream_init(&s, seed, PPMLI_STREAM_BSK_MASK, index);
  ppmli_stream_u32(&s, short_stream, 2 * WORDS);
  for (size_t i = 0; (fft.backend = ppmli_backend_by_index(i)) != NULL; i++)
    for (size_t count = 0; count <= WORDS; count++) {
      words[count] = 9;
      ppmli_mask_u64(words, count, seed, PPMLI_STREAM_BSK_MASK, index, fft.backend->chacha);
      ck_assert_mem_eq(words, stream, count * sizeof *words);
      ck_assert(words[count] == 9);
    }
  for (size_t i = 0; (fft.backend = ppmli_backend_by_index(i)) != NULL; i++)
    for (size_t count = 0; count <= 2 * WORDS; count++) {
      halves[count] = 9;
      ppmli_mask_u32(halves, count, seed, PPMLI_STREAM_BSK_MASK, index, fft.backend->chacha);
      ck_assert_mem_eq(halves, short_stream, count * sizeof *halves);
      ck_assert(halves[count] == 9);
    }
}
END_TEST

START_TEST(backends_have_names_of_their_own) {
  const ppmli_backend *backend;
  for (size_t i = 0; (backend = ppmli_backend_by_index(i)) != NULL; i++) {
    ck_assert_ptr_eq(ppmli_backend_by_name(backend->name), backend);
    ck_assert_str_eq(ppml_backend_name(i), backend->name);
  }
}
END_TEST

int main(void) {
  int tests = 0;
  while (ppmli_backend_by_index((size_t)tests)) tests++;
  tests *= BACKEND_POLY_SIZES;
  Suite *suite = suite_create("backend");
  TCase *law = test_case(suite, "law");
  tcase_add_loop_test(law, exponents_are_those_of_the_portable_backend, 0, tests);
  tcase_add_loop_test(law, forward_gives_the_values_of_the_portable_backend, 0, tests);
  tcase_add_loop_test(law, fft_inverse_undoes_forward, 0, tests);
  tcase_add_loop_test(law, whole_turns_vanish, 0, tests);
  tcase_add_loop_test(law, products_of_all_shapes_are_those_of_the_portable_backend, 0, tests);
  tcase_add_test(law, key_switches_of_any_number_of_samples_are_equal);
  tcase_add_test(law, blocks_of_masks_are_those_of_the_portable_backend);
  tcase_add_test(law, masks_are_the_words_of_their_stream);
  tcase_add_test(law, backends_have_names_of_their_own);
  return test_run(suite);
}
