/* test_tensor.c - the scale-invariant product of two GLWE ciphertexts. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { RUNS = 24, PAIRS = 3 };

typedef struct bench {
  const ppml_params *p;
  ppmli_fft *fft;
  ppml_arena tables, scratch;
  uint8_t bits[TEST_KEY_BITS_MAX / 8], unused[TEST_KEY_BITS_MAX / 8];
  uint64_t *left, *right;               /* [PAIRS][mask, body][N] */
  uint64_t *square, *glwe, *phase, *s2; /* glwe: mask, then body */
  uint64_t *x, *y;                      /* [PAIRS][N] messages, in multiples of 1 / T */
  uint64_t *xy;                         /* the sum of their products */
} bench;

static uint64_t *words(size_t count) {
  uint64_t *w = (uint64_t *)test_memory(count * sizeof *w);
  memset(w, 0, count * sizeof *w);
  return w;
}

static void bench_make(bench *b, const ppml_params *p, ppml_rng *rng) {
  size_t N = p->poly_size;
  const ppmli_backend *backend = ppmli_backend_by_name(test_backend());
  b->p = p;
  b->tables = test_arena(ppmli_fft_bytes(p->poly_size));
  ck_assert_int_eq(ppmli_fft_init(&b->fft, p->poly_size, backend, &b->tables), PPML_OK);
  b->scratch = test_arena(ppmli_tensor_left_bytes(p, PAIRS) + ppmli_tensor_scratch(p, PAIRS));
  ppmli_client_draw_key(b->unused, b->bits, p, rng);
  b->left = words(2 * N * PAIRS), b->right = words(2 * N * PAIRS);
  b->square = words(N), b->glwe = words(2 * N), b->phase = words(N), b->s2 = words(N);
  b->x = words(N * PAIRS), b->y = words(N * PAIRS), b->xy = words(N);
  uint64_t *s = words(N);
  for (size_t i = 0; i < N; i++) s[i] = ppmli_bit(b->bits, i) - ppmli_bit(b->bits, N + i);
  test_multiply_add(b->s2, s, s, N);
  free(s);
}

static void bench_free(bench *b) {
  test_arena_free(&b->tables);
  test_arena_free(&b->scratch);
  free(b->left), free(b->right), free(b->square), free(b->glwe), free(b->phase);
  free(b->s2), free(b->x), free(b->y), free(b->xy);
}

/* A ciphertext of message / T with noise uniform on [-bound, bound]. */
static void encrypt(uint64_t *glwe, const bench *b, const uint64_t *message, uint32_t t,
                    uint32_t bound, ppml_rng *rng) {
  uint32_t N = b->p->poly_size;
  test_random_words(rng, glwe, N);
  for (uint32_t i = 0; i < N; i++)
    glwe[N + i] = (message[i] << (64 - t)) + (uint64_t)ppmli_noise(ppmli_rng_u64(rng), bound);
  test_key_muladd(glwe + N, glwe, b->p, b->bits, 0);
}

/* The sum of products of `pairs` pairs, as it is without relinearization, to b->phase. */
static void multiply_encrypted(bench *b, size_t pairs, uint32_t t) {
  uint32_t N = b->p->poly_size;
  ppmli_tensor_factor left;
  ck_assert_int_eq(ppmli_tensor_left_init(&left, b->left, pairs, b->p, b->fft, &b->scratch),
                   PPML_OK);
  ck_assert_int_eq(ppmli_tensor_product((ppmli_tensor){b->square, b->glwe, b->glwe + N}, &left,
                                        b->right, t, b->fft, &b->scratch),
                   PPML_OK);
  b->scratch.used_bytes = 0;
  test_glwe_phase(b->phase, b->glwe, b->p, b->bits);
  test_multiply_add(b->phase, b->square, b->s2, N);
}

/* Messages that go around the torus many times: products are right modulo T. */
static void multiply(bench *b, size_t pairs, uint32_t t, uint32_t bound, ppml_rng *rng) {
  uint32_t N = b->p->poly_size;
  memset(b->xy, 0, N * sizeof *b->xy);
  for (size_t i = 0; i < pairs; i++) {
    uint64_t *x = b->x + i * N, *y = b->y + i * N;
    for (uint32_t j = 0; j < N; j++) {
      x[j] = (uint64_t)(int64_t)test_within(rng, 1 << 20);
      y[j] = (uint64_t)(int64_t)test_within(rng, 1 << 20);
    }
    encrypt(b->left + i * 2 * N, b, x, t, bound, rng);
    encrypt(b->right + i * 2 * N, b, y, t, bound, rng);
    test_multiply_add(b->xy, x, y, N);
  }
  multiply_encrypted(b, pairs, t);
}

/* All coefficients, without relinearization.  Of one product they share the two phases, whose
 * size varies, so many are taken. */
static void check_product(size_t pairs, int runs, uint32_t t, uint32_t bound, ppml_rng *rng) {
  const ppml_params *p = ppml_params_by_name("leveled-64");
  uint32_t N = p->poly_size;
  double fresh = ppmli_square(ppmli_params_noise_std(bound, 64));
  double expected = (double)pairs * ppmli_noise_product(p, t, fresh, fresh);
  test_moments m = {0, 0, 0, 0};
  for (int run = 0; run < runs; run++) {
    bench b;
    bench_make(&b, p, rng);
    multiply(&b, pairs, t, bound, rng);
    for (uint32_t i = 0; i < N; i++)
      test_moments_add(&m, test_turns(b.phase[i] - (b.xy[i] << (64 - t))));
    bench_free(&b);
  }
  double got = m.squares / (double)m.count;
  ck_assert_msg(fabs(got - expected) < 0.2 * expected,
                "%zu pairs, T = 2^%u, noise +-%u: %g, expected %g", pairs, t, bound, sqrt(got),
                sqrt(expected));
}

START_TEST(a_product_is_that_of_the_messages) {
  ppml_rng rng = test_rng(1);
  check_product(1, RUNS, 12, 1u << 24, &rng);
  check_product(1, RUNS, 20, 1u << 20, &rng);
  check_product(1, RUNS, 24, 1u << 14, &rng);
  check_product(1, RUNS, 30, 1u << 6, &rng);
}
END_TEST

START_TEST(products_of_several_pairs_add_up) {
  ppml_rng rng = test_rng(4);
  check_product(PAIRS, RUNS / PAIRS, 20, 1u << 20, &rng);
}
END_TEST

/* A mask word just below half a turn, whose upper bits round to half a turn. */
START_TEST(a_word_just_below_half_a_turn_is_read_as_positive) {
  const ppml_params *p = ppml_params_by_name("leveled-64");
  ppml_rng rng = test_rng(5);
  for (uint32_t t = 12; t <= 24; t += 4) {
    bench b;
    bench_make(&b, p, &rng);
    uint32_t N = p->poly_size;
    for (uint32_t i = 0; i < N; i++) b.x[i] = b.y[i] = 0;
    b.x[0] = 37, b.y[0] = (uint64_t)-11;
    encrypt(b.left, &b, b.x, t, 0, &rng);
    encrypt(b.right, &b, b.y, t, 0, &rng);
    uint64_t *mask = b.right, word = mask[5], *change = words(N), *changed = words(N);
    mask[5] = INT64_MAX;
    change[5] = mask[5] - word;
    test_key_muladd(changed, change, p, b.bits, 0);
    for (uint32_t i = 0; i < N; i++) b.right[N + i] += changed[i];
    multiply_encrypted(&b, 1, t);
    double got = ldexp(test_turns(b.phase[0]), (int)t);
    ck_assert_msg(fabs(got + 37 * 11) < 0.1, "T = 2^%u: %g for %d", t, got, -37 * 11);
    free(change), free(changed);
    bench_free(&b);
  }
}
END_TEST

/* Without noise what is left is the FFT's, about as much as predicted. */
START_TEST(without_noise_a_product_is_nearly_exact) {
  const uint32_t moduli[] = {10, 20, 30};
  const ppml_params *p = ppml_params_by_name("leveled-64");
  ppml_rng rng = test_rng(2);
  for (size_t i = 0; i < sizeof moduli / sizeof moduli[0]; i++) {
    uint32_t N = p->poly_size, t = moduli[i];
    test_moments m = {0, 0, 0, 0};
    bench b;
    bench_make(&b, p, &rng);
    multiply(&b, 1, t, 0, &rng);
    for (uint32_t j = 0; j < N; j++)
      test_moments_add(&m, test_turns(b.phase[j] - (b.xy[j] << (64 - t))));
    double expected = sqrt(ppmli_noise_product(p, t, 0, 0)), got = sqrt(test_variance(&m));
    ck_assert_msg(got < 1.3 * expected, "T = 2^%u: %g, at most %g", t, got, expected);
    bench_free(&b);
  }
}
END_TEST

/* Words where splitting has its edges, for parts of 20 bits and of a few others: 0, half a turn,
 * where rounding carries up to half a turn, beside them, all ones. */
static uint64_t edge_word(uint32_t i) {
  const uint64_t half = (uint64_t)1 << 63, unit = (uint64_t)1 << (64 - PPMLI_TENSOR_BITS);
  const uint64_t edges[] = {0,
                            1,
                            ~(uint64_t)0,
                            half - 1,
                            half,
                            half + 1,
                            half - unit / 2,
                            half - unit / 2 - 1,
                            half - unit / 2 + 1,
                            half - unit,
                            unit / 2,
                            unit / 2 - 1,
                            0 - unit / 2,
                            0 - unit / 2 - 1,
                            half + unit / 2,
                            half + unit / 2 - 1};
  return edges[i % (sizeof edges / sizeof edges[0])];
}

/* A mask, a fourth of its words at edges, and its product with the key.
 *   glwe  [2][N] */
static void edge_mask(uint64_t *glwe, const bench *b, ppml_rng *rng) {
  uint32_t N = b->p->poly_size;
  test_random_words(rng, glwe, N);
  for (uint32_t i = 0; i < N; i += 4) glwe[i] = edge_word(i / 4);
  memset(glwe + N, 0, N * sizeof *glwe);
  test_key_muladd(glwe + N, glwe, b->p, b->bits, 0);
}

/* A body of that mask; a fourth of the messages are such that it is close below half a turn.
 *   message  out: residues modulo T */
static void edge_body(uint64_t *glwe, uint64_t *message, const uint64_t *masked, const bench *b,
                      uint32_t t, uint32_t bound, ppml_rng *rng) {
  uint32_t N = b->p->poly_size;
  const uint64_t below_half = ((uint64_t)1 << 63) - 1;
  memcpy(glwe, masked, N * sizeof *glwe);
  for (uint32_t i = 0; i < N; i++) {
    message[i] = ppmli_rng_u64(rng) >> (64 - t);
    if (i % 4 == 1) message[i] = (below_half - masked[N + i]) >> (64 - t);
    glwe[N + i] =
        masked[N + i] + (message[i] << (64 - t)) + (uint64_t)ppmli_noise(ppmli_rng_u64(rng), bound);
  }
}

/* The coefficients of a product of such ciphertexts, in predicted deviations. */
static void edge_product(test_moments *m, bench *b, const uint64_t *left, const uint64_t *right,
                         uint32_t t, uint32_t bound, ppml_rng *rng) {
  uint32_t N = b->p->poly_size;
  double fresh = ppmli_square(ppmli_params_noise_std(bound, 64));
  double std = sqrt(ppmli_noise_product(b->p, t, fresh, fresh));
  ppmli_tensor_factor first;
  edge_body(b->left, b->x, left, b, t, bound, rng);
  edge_body(b->right, b->y, right, b, t, bound, rng);
  ck_assert_int_eq(ppmli_tensor_left_init(&first, b->left, 1, b->p, b->fft, &b->scratch), PPML_OK);
  ck_assert_int_eq(ppmli_tensor_product((ppmli_tensor){b->square, b->glwe, b->glwe + N}, &first,
                                        b->right, t, b->fft, &b->scratch),
                   PPML_OK);
  b->scratch.used_bytes = 0;
  test_glwe_phase(b->phase, b->glwe, b->p, b->bits);
  test_multiply_add(b->phase, b->square, b->s2, N);
  memset(b->xy, 0, N * sizeof *b->xy);
  test_multiply_add(b->xy, b->x, b->y, N);
  for (uint32_t i = 0; i < N; i++)
    test_moments_add(m, test_turns(b->phase[i] - (b->xy[i] << (64 - t))) / std);
}

/* 12288 products of every modulus: none is further off than six predicted deviations. */
START_TEST(words_at_every_edge_are_multiplied_as_others) {
  ppml_rng rng = test_rng(4);
  bench b;
  bench_make(&b, ppml_params_by_name("leveled-64"), &rng);
  uint64_t *left = words(2 * b.p->poly_size), *right = words(2 * b.p->poly_size);
  edge_mask(left, &b, &rng);
  edge_mask(right, &b, &rng);
  for (uint32_t t = 8; t <= 26; t++) {
    test_moments m = {0, 0, 0, 0};
    for (int run = 0; run < 3; run++) edge_product(&m, &b, left, right, t, 64, &rng);
    ck_assert_msg(m.most < 6, "T = 2^%u: %g predicted deviations off", t, m.most);
  }
  free(left), free(right);
  bench_free(&b);
}
END_TEST

START_TEST(scratch_is_exactly_what_is_said) {
  const ppml_params *p = ppml_params_by_name("leveled-64");
  ppml_rng rng = test_rng(3);
  ppmli_tensor_factor left;
  bench b;
  bench_make(&b, p, &rng);
  ck_assert_int_eq(ppmli_tensor_left_init(&left, b.left, PAIRS, p, b.fft, &b.scratch), PPML_OK);
  for (size_t less = 0; less < 2; less++) {
    ppml_arena arena = test_arena(ppmli_tensor_scratch(p, PAIRS) - less);
    ck_assert_int_eq(ppmli_tensor_product((ppmli_tensor){b.square, b.glwe, b.glwe + p->poly_size},
                                          &left, b.right, 20, b.fft, &arena),
                     less ? PPML_ERR_NOMEM : PPML_OK);
    if (!less) ck_assert(arena.high_bytes == arena.capacity_bytes && arena.used_bytes == 0);
    test_arena_free(&arena);
  }
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("tensor");
  TCase *law = test_case(suite, "law"), *oom = test_case(suite, "oom");
  TCase *noise = test_case(suite, "noise"), *bounds = test_case(suite, "bounds");
  tcase_add_test(noise, a_product_is_that_of_the_messages);
  tcase_add_test(noise, products_of_several_pairs_add_up);
  tcase_add_test(law, a_word_just_below_half_a_turn_is_read_as_positive);
  tcase_add_test(law, without_noise_a_product_is_nearly_exact);
  tcase_add_test(bounds, words_at_every_edge_are_multiplied_as_others);
  tcase_add_test(oom, scratch_is_exactly_what_is_said);
  return test_run(suite);
}
