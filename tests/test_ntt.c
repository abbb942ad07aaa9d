/* test_ntt.c - exact products by the number-theoretic transform, against their definition. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { N_MAX = 4096 };

static const uint64_t edges[] = {0,
                                 1,
                                 0xfffffffeu,
                                 0xffffffffu,
                                 UINT64_C(0x100000000),
                                 UINT64_C(0x7fffffff80000000), /* (p - 1) / 2 */
                                 UINT64_C(0x7fffffff80000001),
                                 UINT64_C(0x8000000000000000),
                                 UINT64_C(0xfffffffe00000001),
                                 UINT64_C(0xffffffff00000000), /* p - 1 */
                                 UINT64_C(0xffffffff00000001),
                                 UINT64_C(0xffffffff00000002),
                                 UINT64_C(0xffffffffffffffff)};
enum { EDGES = sizeof edges / sizeof edges[0] };

/* a b modulo p, bit by bit. */
static uint64_t slow_multiply(uint64_t a, uint64_t b) {
  const uint64_t p = PPMLI_NTT_PRIME;
  uint64_t sum = 0;
  a %= p, b %= p;
  for (int bit = 63; bit >= 0; bit--) {
    sum = sum >= p - sum ? sum - (p - sum) : sum + sum;
    if (b >> bit & 1) sum = sum >= p - a ? sum - (p - a) : sum + a;
  }
  return sum;
}

static void check_arithmetic(uint64_t a, uint64_t b) {
  const uint64_t p = PPMLI_NTT_PRIME;
  uint64_t reduced = b % p, product = ppmli_ntt_mul(a, reduced);
  ck_assert(ppmli_ntt_reduce(a) == a % p);
  ck_assert(ppmli_ntt_add(a, reduced) % p == ppmli_ntt_sub(a, (p - reduced) % p) % p);
  ck_assert(ppmli_ntt_sub(ppmli_ntt_add(a, reduced), reduced) % p == a % p);
  ck_assert(product < p);
  ck_assert(slow_multiply(product, PPMLI_NTT_ONE) == slow_multiply(a, reduced));
}

START_TEST(arithmetic_is_that_modulo_p_at_every_edge) {
  ppml_rng rng = test_rng(1);
  for (int i = 0; i < EDGES; i++)
    for (int j = 0; j < EDGES; j++) check_arithmetic(edges[i], edges[j]);
  for (int i = 0; i < 5000; i++) check_arithmetic(ppmli_rng_u64(&rng), ppmli_rng_u64(&rng));
  for (uint64_t x = 0; x < 3; x++) { /* the largest magnitudes, and 0 */
    const uint64_t most = ((uint64_t)1 << 62) - x;
    ck_assert(ppmli_ntt_to_signed(ppmli_ntt_from_signed(x)) == x);
    ck_assert(ppmli_ntt_to_signed(ppmli_ntt_from_signed(0 - x)) == 0 - x);
    ck_assert(ppmli_ntt_to_signed(ppmli_ntt_from_signed(most)) == most);
    ck_assert(ppmli_ntt_to_signed(ppmli_ntt_from_signed(0 - most)) == 0 - most);
    ck_assert(ppmli_ntt_from_signed(0 - most) == PPMLI_NTT_PRIME - most);
  }
}
END_TEST

/* r = a b by the transform. */
static void multiply(uint64_t *r, const uint64_t *a, const uint64_t *b, uint32_t N) {
  static uint64_t factor[N_MAX];
  ppmli_ntt ntt;
  ppmli_ntt_init(&ntt, N);
  for (uint32_t i = 0; i < N; i++) {
    r[i] = ppmli_ntt_from_signed(a[i]);
    factor[i] = ppmli_ntt_from_signed(b[i]);
  }
  ppmli_ntt_forward(factor, &ntt);
  ppmli_ntt_prepare(factor, &ntt);
  ppmli_ntt_forward(r, &ntt);
  ppmli_ntt_multiply(r, factor, &ntt);
  ppmli_ntt_backward(r, &ntt);
  for (uint32_t i = 0; i < N; i++) r[i] = ppmli_ntt_to_signed(r[i]);
}

START_TEST(a_product_is_that_by_definition_for_every_size) {
  static uint64_t a[N_MAX], b[N_MAX], got[N_MAX], want[N_MAX];
  ppml_rng rng = test_rng(2);
  for (uint32_t N = 2; N <= N_MAX; N *= 2) {
    for (uint32_t i = 0; i < N; i++) {
      a[i] = ppmli_rng_u64(&rng) >> 24;
      b[i] = (uint64_t)(int64_t)test_within(&rng, 1);
      want[i] = 0;
    }
    test_multiply_add(want, a, b, N);
    multiply(got, a, b, N);
    ck_assert_mem_eq(got, want, N * sizeof *got);
  }
}
END_TEST

/* The largest sums of which a product is exact, +-2^62, at the ends of X^N + 1. */
START_TEST(the_largest_sums_are_exact) {
  static uint64_t a[N_MAX], b[N_MAX], got[N_MAX], want[N_MAX];
  const uint64_t largest = ((uint64_t)1 << 62) / N_MAX;
  for (int signs = 0; signs < 4; signs++) {
    for (uint32_t i = 0; i < N_MAX; i++) {
      a[i] = signs & 1 ? 0 - largest : largest;
      b[i] = signs & 2 ? ~(uint64_t)0 : 1;
      want[i] = 0;
    }
    test_multiply_add(want, a, b, N_MAX);
    multiply(got, a, b, N_MAX);
    ck_assert_mem_eq(got, want, sizeof got);
  }
}
END_TEST

/* What the transform is fed is reduced lazily: any 64 bits stand for their residues. */
START_TEST(words_above_p_are_their_residues) {
  static uint64_t a[N_MAX], reduced[N_MAX];
  ppmli_ntt ntt;
  ppmli_ntt_init(&ntt, N_MAX);
  for (uint32_t i = 0; i < N_MAX; i++) {
    a[i] = edges[i % EDGES];
    reduced[i] = a[i] % PPMLI_NTT_PRIME;
  }
  ppmli_ntt_forward(a, &ntt);
  ppmli_ntt_forward(reduced, &ntt);
  for (uint32_t i = 0; i < N_MAX; i++)
    ck_assert(a[i] % PPMLI_NTT_PRIME == reduced[i] % PPMLI_NTT_PRIME);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("ntt");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  tcase_add_test(law, a_product_is_that_by_definition_for_every_size);
  tcase_add_test(law, words_above_p_are_their_residues);
  tcase_add_test(bounds, arithmetic_is_that_modulo_p_at_every_edge);
  tcase_add_test(bounds, the_largest_sums_are_exact);
  return test_run(suite);
}
