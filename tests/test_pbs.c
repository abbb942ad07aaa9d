/* test_pbs.c - the programmable bootstrap.
 *
 * Noise is measured on all coefficients of the accumulators: they are as good as independent, and
 * the constant one, which extraction takes, is as noisy as the others. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { SETS = 3, BATCH = 640 };

static const char *const names[SETS] = {"fast", "precise", "fast-block2"};
static test_keys keys[SETS];

/* Before the first case; all of them share the keys. */
static void make_keys(void) {
  for (int i = 0; i < SETS && !keys[i].arena.memory; i++) {
    ppml_client client = test_client(names[i]);
    test_keys_make(&keys[i], &client, 100 + (uint64_t)i);
  }
}

static void free_keys(void) {
  for (int i = 0; i < SETS; i++) test_keys_free(&keys[i]);
}

/* Samples on their way through the bootstrap. */
typedef struct bench {
  const test_keys *keys;
  const ppml_params *p;
  size_t samples;
  uint32_t *phase;     /* [samples] of the exponents, < 2 N */
  uint16_t *exponents; /* [samples][n + 1] */
  uint64_t *acc;       /* [samples][k + 1][N] */
  uint64_t *table;     /* [N] */
  ppml_arena arena;
} bench;

static size_t acc_words(const ppml_params *p) {
  return (p->glwe_dim + 1) * (size_t)p->poly_size;
}

/* Random masks; the phase of sample s is phases * s / samples, all over the turn. */
static void bench_make(bench *b, const test_keys *k, size_t samples, uint64_t seed) {
  const ppml_params *p = k->eval.params;
  ppml_rng rng = test_rng(seed);
  b->keys = k;
  b->p = p;
  b->samples = samples;
  b->phase = test_memory(samples * sizeof *b->phase);
  b->exponents = test_memory(samples * (p->lwe_dim + 1) * sizeof *b->exponents);
  b->acc = test_memory(samples * acc_words(p) * sizeof *b->acc);
  b->table = test_memory(p->poly_size * sizeof *b->table);
  b->arena = test_arena(ppmli_pbs_rotate_scratch(p));
  for (size_t s = 0; s < samples; s++) {
    uint16_t *e = b->exponents + s * (p->lwe_dim + 1);
    uint32_t sum = b->phase[s] = test_below(&rng, 2 * p->poly_size);
    for (uint32_t i = 0; i < p->lwe_dim; i++) {
      e[i] = (uint16_t)test_below(&rng, 2 * p->poly_size);
      if (ppmli_bit(k->secret.lwe_bits, i)) sum += e[i];
    }
    e[p->lwe_dim] = (uint16_t)(sum & (2 * p->poly_size - 1));
  }
  test_random_words(&rng, b->table, p->poly_size);
}

static void bench_free(bench *b) {
  free(b->phase), free(b->exponents), free(b->acc), free(b->table);
  test_arena_free(&b->arena);
}

static void begin(bench *b, size_t first, size_t count) {
  for (size_t s = first; s < first + count; s++)
    ppmli_pbs_begin(b->acc + s * acc_words(b->p), b->table, b->exponents + s * (b->p->lwe_dim + 1),
                    b->p);
}

static void rotate(bench *b, size_t first, size_t count) {
  begin(b, first, count);
  ck_assert_int_eq(
      ppmli_pbs_rotate(b->acc + first * acc_words(b->p), b->exponents + first * (b->p->lwe_dim + 1),
                       count,
                       &(ppmli_pbs_steps){0, ppmli_params_steps(b->p), b->keys->eval.bootstrap_key},
                       b->p, b->keys->eval.fft, &b->arena),
      PPML_OK);
}

/* The errors of all coefficients, in turns, and of the constant ones alone. */
static void measure(const bench *b, test_moments *all, test_moments *constant) {
  const ppml_params *p = b->p;
  uint64_t *phase = test_memory(p->poly_size * sizeof *phase);
  uint64_t *expected = test_memory(p->poly_size * sizeof *expected);
  for (size_t s = 0; s < b->samples; s++) {
    test_glwe_phase(phase, b->acc + s * acc_words(p), p, b->keys->secret.glwe_bits);
    ppmli_poly_rotate_down(expected, b->table, b->phase[s], p->poly_size);
    for (uint32_t j = 0; j < p->poly_size; j++)
      test_moments_add(all, test_turns(phase[j] - expected[j]));
    test_moments_add(constant, test_turns(phase[0] - expected[0]));
  }
  free(phase);
  free(expected);
}

/* ------------------------------------------------------------------- law */

/* One nonzero value of a block is the key's, and its exponent is the sum of the key's bits'. */
START_TEST(one_term_of_a_block_selects_the_exponent) {
  for (int i = 0; i < SETS; i++) {
    const ppml_params *p = keys[i].eval.params;
    const uint8_t *bits = keys[i].secret.lwe_bits;
    ppml_rng rng = test_rng(1);
    for (size_t step = 0; step < ppmli_params_steps(p); step++) {
      uint16_t a[4], out[4];
      uint32_t expected = 0, got = 0, ones = 0, block = 0;
      for (uint32_t b = 0; b < p->key_block; b++) {
        uint32_t bit = (uint32_t)ppmli_bit(bits, step * p->key_block + b);
        a[b] = (uint16_t)test_below(&rng, 2 * p->poly_size);
        expected += bit * a[b];
        block += bit;
      }
      ppmli_pbs_exponents(out, a, p);
      for (size_t term = 0; term < ppmli_params_ggsw_per_step(p); term++) {
        uint64_t selected = ppmli_pbs_block_bit(p, bits, step, term);
        ones += (uint32_t)selected;
        got += (uint32_t)selected * out[term];
        ck_assert_uint_lt(out[term], 2 * p->poly_size);
      }
      ck_assert_uint_eq(ones, block > 0);
      ck_assert_uint_eq(got, expected % (2 * p->poly_size));
    }
  }
}
END_TEST

/* Masks of zero leave the accumulator as it is, to the bit. */
START_TEST(a_trivial_input_gives_the_table_exactly) {
  for (int i = 0; i < SETS; i++) {
    bench b;
    bench_make(&b, &keys[i], 3, 2);
    const ppml_params *p = b.p;
    memset(b.exponents, 0, 3 * (p->lwe_dim + 1) * sizeof *b.exponents);
    for (size_t s = 0; s < 3; s++)
      b.exponents[s * (p->lwe_dim + 1) + p->lwe_dim] = (uint16_t)b.phase[s];
    rotate(&b, 0, 3);
    for (size_t s = 0; s < 3; s++) {
      uint64_t at = b.phase[s] % p->poly_size;
      uint64_t expected = b.phase[s] < p->poly_size ? b.table[at] : 0 - b.table[at];
      ck_assert(b.acc[s * acc_words(p) + ppmli_params_long_dim(p)] == expected);
    }
    bench_free(&b);
  }
}
END_TEST

/* Values of a table of 16 steps, far enough apart for the noise. */
static void check_function(int set, uint64_t (*f)(uint32_t sixteenth), uint64_t seed) {
  enum { COUNT = 20 };
  bench b;
  bench_make(&b, &keys[set], COUNT, seed);
  const ppml_params *p = b.p;
  static uint64_t lwe[TEST_KEY_BITS_MAX + 1];
  for (uint32_t i = 0; i < p->poly_size; i++) b.table[i] = f(i * 16 / p->poly_size);
  rotate(&b, 0, COUNT);
  for (size_t s = 0; s < COUNT; s++) {
    uint64_t expected = f(b.phase[s] * 16 / p->poly_size % 16);
    if (b.phase[s] >= p->poly_size) expected = 0 - expected;
    ppmli_glwe_extract(lwe, b.acc + s * acc_words(p), p);
    uint64_t phase = test_phase(lwe, keys[set].secret.glwe_bits, ppmli_params_long_dim(p));
    ck_assert_msg(fabs(test_turns(phase - expected)) < 1.0 / 64, "%s: %g off", p->name,
                  test_turns(phase - expected));
  }
  bench_free(&b);
}

static uint64_t identity(uint32_t sixteenth) {
  return (uint64_t)sixteenth << 59; /* a half turn is the table's length */
}

static uint64_t sign(uint32_t sixteenth) {
  (void)sixteenth;
  return (uint64_t)1 << 61; /* 1/8 in the first half turn, -1/8 in the other */
}

START_TEST(an_encrypted_input_is_mapped_by_the_identity) {
  for (int i = 0; i < SETS; i++) check_function(i, identity, 3);
}
END_TEST

START_TEST(an_encrypted_input_is_mapped_by_the_sign) {
  for (int i = 0; i < SETS; i++) check_function(i, sign, 4);
}
END_TEST

START_TEST(a_batch_gives_what_its_samples_give_alone) {
  enum { COUNT = PPMLI_PBS_TILE + 3 };
  bench b;
  bench_make(&b, &keys[0], COUNT, 5);
  rotate(&b, 0, COUNT);
  uint64_t *together = test_memory(COUNT * acc_words(b.p) * sizeof *together);
  memcpy(together, b.acc, COUNT * acc_words(b.p) * sizeof *together);
  for (size_t s = 0; s < COUNT; s++) rotate(&b, s, 1);
  ck_assert_mem_eq(together, b.acc, COUNT * acc_words(b.p) * sizeof *together);
  free(together);
  bench_free(&b);
}
END_TEST

START_TEST(steps_may_be_taken_in_parts) {
  bench b;
  bench_make(&b, &keys[0], 4, 6);
  const ppml_params *p = b.p;
  size_t half = ppmli_params_steps(p) / 2, rest = ppmli_params_steps(p) - half;
  rotate(&b, 0, 4);
  uint64_t *whole = test_memory(4 * acc_words(p) * sizeof *whole);
  memcpy(whole, b.acc, 4 * acc_words(p) * sizeof *whole);
  begin(&b, 0, 4);
  ck_assert_int_eq(ppmli_pbs_rotate(b.acc, b.exponents, 4,
                                    &(ppmli_pbs_steps){0, half, keys[0].eval.bootstrap_key}, p,
                                    keys[0].eval.fft, &b.arena),
                   PPML_OK);
  ck_assert_int_eq(ppmli_pbs_rotate(b.acc, b.exponents, 4,
                                    &(ppmli_pbs_steps){half, rest,
                                                       keys[0].eval.bootstrap_key +
                                                           half * ppmli_bsk_step_doubles(p)},
                                    p, keys[0].eval.fft, &b.arena),
                   PPML_OK);
  ck_assert_mem_eq(whole, b.acc, 4 * acc_words(p) * sizeof *whole);
  free(whole);
  bench_free(&b);
}
END_TEST

/* ----------------------------------------------------------------- bounds */

/* Mean squares within `share` of the formula; the mean itself is not noise-free, as digits have
 * a mean of -1/2, but small.  PPML_TEST_LONG prints what was measured. */
static void check_noise(int set, size_t samples, double share) {
  bench b;
  test_moments all = {0, 0, 0, 0}, constant = {0, 0, 0, 0};
  bench_make(&b, &keys[set], samples, 7 + (uint64_t)set);
  rotate(&b, 0, samples);
  measure(&b, &all, &constant);
  double expected = ppmli_noise_blind_rotation(b.p);
  double got = all.squares / (double)all.count, first = constant.squares / (double)constant.count;
  if (getenv("PPML_TEST_LONG"))
    printf("%s: %zu bootstraps, variance / formula: %.4f of all, %.4f of constant coefficients\n",
           b.p->name, samples, got / expected, first / expected);
  test_assert_near(got, expected, share);
  /* sqrt(2 / samples) is one standard deviation of the other estimate */
  test_assert_near(first, expected, share + 4 * sqrt(2.0 / (double)samples));
  ck_assert_msg(all.most < 7 * sqrt(expected), "%g, expected %g", all.most, sqrt(expected));
  bench_free(&b);
}

static size_t many(size_t samples) {
  return getenv("PPML_TEST_LONG") ? 8 * samples : samples;
}

START_TEST(pbs_noise_matches_formula) { /* 640 samples, 327,680 coefficients */
  check_noise(0, many(BATCH), 0.20);
}
END_TEST

START_TEST(pbs_noise_of_the_precise_set_matches_formula) { /* 48 samples, 49,152 coefficients */
  check_noise(1, many(48), 0.20);
}
END_TEST

START_TEST(pbs_noise_of_the_block_binary_set_matches_formula) { /* 64 samples, 32,768 of them */
  check_noise(2, many(64), 0.20);
}
END_TEST

/* -------------------------------------------------------------------- oom */

START_TEST(rotation_takes_exactly_what_is_said) {
  bench b;
  bench_make(&b, &keys[0], 1, 10);
  begin(&b, 0, 1);
  size_t bytes = ppmli_pbs_rotate_scratch(b.p);
  for (size_t less = 0; less <= bytes; less = less ? less * 3 : 1) {
    ppml_arena arena = test_arena(bytes - less);
    int error = ppmli_pbs_rotate(b.acc, b.exponents, 1,
                                 &(ppmli_pbs_steps){0, 1, keys[0].eval.bootstrap_key}, b.p,
                                 keys[0].eval.fft, &arena);
    ck_assert_int_eq(error, less ? PPML_ERR_NOMEM : PPML_OK);
    if (!less) ck_assert(arena.high_bytes == bytes && arena.used_bytes == 0);
    test_arena_free(&arena);
  }
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pbs");
  TCase *law = test_case(suite, "law"), *noise = test_case(suite, "noise");
  TCase *oom = test_case(suite, "oom");
  tcase_add_test(law, one_term_of_a_block_selects_the_exponent);
  tcase_add_test(law, a_trivial_input_gives_the_table_exactly);
  tcase_add_test(law, an_encrypted_input_is_mapped_by_the_identity);
  tcase_add_test(law, an_encrypted_input_is_mapped_by_the_sign);
  tcase_add_test(law, a_batch_gives_what_its_samples_give_alone);
  tcase_add_test(law, steps_may_be_taken_in_parts);
  tcase_add_test(noise, pbs_noise_matches_formula);
  tcase_add_test(noise, pbs_noise_of_the_precise_set_matches_formula);
  tcase_add_test(noise, pbs_noise_of_the_block_binary_set_matches_formula);
  tcase_add_test(oom, rotation_takes_exactly_what_is_said);
  tcase_add_unchecked_fixture(law, make_keys, NULL);
  tcase_add_unchecked_fixture(noise, make_keys, NULL);
  tcase_add_unchecked_fixture(oom, make_keys, NULL);
  int failed = test_run(suite);
  free_keys();
  return failed;
}
