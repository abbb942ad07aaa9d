/* test_wide.c - splits of words into parts, where they have their edges. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { N = 4096 };

/* Word i of those where rounding to `bits` bits has its edges. */
static uint64_t edge_word(uint32_t i, uint32_t bits) {
  const uint64_t half = (uint64_t)1 << 63, unit = (uint64_t)1 << (64 - bits);
  const uint64_t edges[] = {0,
                            1,
                            ~(uint64_t)0,
                            half - 1,
                            half,
                            half + 1,
                            half - unit / 2,
                            half - unit / 2 - 1,
                            half - unit,
                            unit / 2,
                            unit / 2 - 1,
                            0 - unit / 2,
                            0 - unit / 2 - 1,
                            half + unit / 2,
                            half + unit / 2 - 1};
  return edges[i % (sizeof edges / sizeof edges[0])];
}

/* Parts add up to the word modulo a turn; the lower is at most half a unit of the upper; as
 * real numbers they are the word, or it less a turn where it is rounded up to half a turn. */
START_TEST(parts_add_up_to_the_word_at_every_edge) {
  static uint64_t a[N], high[N], low[N];
  ppmli_wide w = {high, low, NULL};
  for (uint32_t bits = 11; bits <= 53; bits++) {
    const int64_t unit = (int64_t)1 << (64 - bits);
    for (uint32_t i = 0; i < N; i++) a[i] = edge_word(i, bits);
    ppmli_wide_split(&w, a, bits, N);
    for (uint32_t i = 0; i < N; i++) {
      int64_t upper = ppmli_torus_signed(high[i]), lower = ppmli_torus_signed(low[i]);
      int is_carried = a[i] >= (uint64_t)INT64_MAX + 1 - (uint64_t)unit / 2 && a[i] <= INT64_MAX;
      ck_assert(high[i] + low[i] == a[i] && upper % unit == 0);
      ck_assert(-(unit / 2) <= lower && lower < unit / 2);
      ck_assert(is_carried ? upper == INT64_MIN : upper + lower == ppmli_torus_signed(a[i]));
    }
  }
}
END_TEST

static ppmli_fft *make_fft(ppml_arena *arena) {
  ppmli_fft *fft;
  *arena = test_arena(ppmli_fft_bytes(N) + ppmli_wide_scratch(N));
  ck_assert_int_eq(ppmli_fft_init(&fft, N, ppmli_backend_by_name(test_backend()), arena), PPML_OK);
  return fft;
}

/* Words of 80 bits at edges, times whole numbers, by their two parts: the whole product, but for
 * an error that the tails are larger than.  So a switch's and an image's words are taken. */
static void check_long_product(uint32_t bits, int32_t most) {
  static uint64_t top[N], tail[N], weight[N], got[N], want[N], want_tail[N];
  static double parts[2 * N], weights[N], work[N];
  ppml_arena arena;
  ppmli_fft *fft = make_fft(&arena);
  ppml_rng rng = test_rng(bits);
  const ppmli_product shape = {1, 1, 1, 2, NULL};
  ppmli_wide w;
  ck_assert_int_eq(ppmli_wide_init(&w, N, &arena), PPML_OK);
  for (uint32_t i = 0; i < N; i++) {
    top[i] = i % 3 ? edge_word(i, bits) : ppmli_rng_u64(&rng);
    tail[i] = i % 2 ? 0xffff : i % 5 * 0x4000 & 0xffff;
    weight[i] = (uint64_t)(int64_t)(i % 7 ? 0 : test_within(&rng, most));
    got[i] = want[i] = want_tail[i] = 0;
  }
  ppmli_long_forward(fft, parts, 2 * PPMLI_GROUP, top, tail, bits, &w);
  fft->backend->forward_signed(fft, weights, PPMLI_GROUP, weight, 1, work);
  static double products[2 * N];
  fft->backend->product(fft, products, weights, parts, &shape);
  ppmli_wide_backward_add(fft, got, products, products + PPMLI_GROUP, 2 * PPMLI_GROUP, bits, &w);
  test_multiply_add(want, top, weight, N);
  test_multiply_add(want_tail, tail, weight, N);
  ppmli_long_carry(want, want_tail, N);
  for (uint32_t i = 0; i < N; i++)
    ck_assert_msg(fabs(test_turns(got[i] - want[i])) < exp2(-58), "%u bits, coefficient %u: %g",
                  bits, i, test_turns(got[i] - want[i]));
  test_arena_free(&arena);
}

START_TEST(long_words_at_every_edge_are_multiplied_as_others) {
  check_long_product(PPMLI_SWITCH_HIGH_BITS, 1 << 14); /* by a switch's digits */
  check_long_product(PPMLI_WIDE_BITS, 127);            /* by weights */
}
END_TEST

/* Digits of the key switch, and what they leave, at edges of 32 bits. */
START_TEST(key_switch_digits_at_every_edge_leave_what_is_said) {
  const ppml_params *p;
  for (size_t s = 0; (p = ppml_params_by_index(s)) != NULL; s++) {
    if (p->lwe_dim == 0) continue; /* no key switch */
    ppmli_gadget gadget = ppmli_params_ks_gadget(p);
    uint32_t kept = gadget.base_log2 * gadget.levels;
    for (uint32_t bits = 11; bits <= 32; bits++)
      for (uint32_t i = 0; i < 15; i++) {
        uint32_t word = ppmli_torus_switch(edge_word(i, bits), 32), sum = 0;
        for (uint32_t l = 0; l < gadget.levels; l++)
          sum += (uint32_t)ppmli_gadget_digit(&gadget, word, l) << ppmli_gadget_shift(&gadget, l);
        int32_t left = ppmli_keyswitch_error(word, &gadget);
        ck_assert(sum + (uint32_t)left == word);
        ck_assert(kept == 32 ? left == 0 : abs(left) <= 1 << (31 - kept));
      }
  }
}
END_TEST

/* A switch to exponents of X, and one to output_bits: each word to its nearest step, half a
 * turn and the last step before a turn among them. */
START_TEST(switches_round_to_the_nearest_at_every_edge) {
  for (uint32_t bits = 11; bits <= 32; bits++)
    for (uint32_t i = 0; i < 15; i++) {
      uint64_t t = edge_word(i, bits), step = (uint64_t)1 << (64 - bits);
      uint64_t back = ppmli_torus_from(ppmli_torus_switch(t, bits), bits);
      int64_t error = ppmli_torus_signed(t - back);
      ck_assert((uint64_t)(error < 0 ? -error : error) <= step / 2);
      if (bits < 32) ck_assert(ppmli_torus_switch(t, bits) >> bits == 0);
    }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("wide");
  TCase *bounds = test_case(suite, "bounds");
  tcase_add_test(bounds, parts_add_up_to_the_word_at_every_edge);
  tcase_add_test(bounds, long_words_at_every_edge_are_multiplied_as_others);
  tcase_add_test(bounds, key_switch_digits_at_every_edge_leave_what_is_said);
  tcase_add_test(bounds, switches_round_to_the_nearest_at_every_edge);
  return test_run(suite);
}
