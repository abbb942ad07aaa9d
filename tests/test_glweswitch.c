/* test_glweswitch.c - GLWE key switches on the long torus, and the trace made of them. */
#define PPML_IMPLEMENTATION
#include "support.h"

/* A key, one switch of it, and a ciphertext to switch. */
typedef struct bench {
  const ppml_params *p;
  ppmli_fft *fft;
  ppml_arena tables, scratch;
  uint8_t bits[TEST_KEY_BITS_MAX / 8], unused[TEST_KEY_BITS_MAX / 8];
  uint8_t *wire;
  double *key;
  uint64_t *glwe, *phase, *a, *source, *product;
  ppml_arena key_arena;
  ppmli_long_key long_key;
} bench;

static const ppmli_seeds seeds = {{1}, {2}};

static void bench_make(bench *b, const ppml_params *p, ppml_rng *rng) {
  size_t N = p->poly_size;
  const ppmli_backend *backend = ppmli_backend_by_name(test_backend());
  b->p = p;
  b->tables = test_arena(ppmli_fft_bytes(p->poly_size));
  ck_assert_int_eq(ppmli_fft_init(&b->fft, p->poly_size, backend, &b->tables), PPML_OK);
  b->scratch = test_arena(
      ppmli_max_size(ppmli_trace_scratch(p),
                     ppmli_max_size(ppmli_switch_make_scratch(p), ppmli_switch_expand_scratch(p))));
  ppmli_client_draw_key(b->unused, b->bits, p, rng);
  b->key_arena = test_arena(ppmli_long_key_bytes(p));
  ck_assert_int_eq(ppmli_long_key_init(&b->long_key, p, b->bits, &b->key_arena), PPML_OK);
  b->wire = test_memory(ppmli_switch_wire_bytes(p));
  b->key = test_memory(ppmli_switch_doubles(p) * sizeof(double));
  b->glwe = test_memory(2 * N * sizeof(uint64_t));
  b->phase = test_memory(N * sizeof(uint64_t));
  b->a = test_memory(N * sizeof(uint64_t));
  b->source = test_memory(N * sizeof(uint64_t));
  b->product = test_memory(N * sizeof(uint64_t));
}

static void bench_free(bench *b) {
  test_arena_free(&b->tables);
  test_arena_free(&b->scratch);
  test_arena_free(&b->key_arena);
  free(b->wire), free(b->key), free(b->glwe), free(b->phase);
  free(b->a), free(b->source), free(b->product);
}

static void make_key(bench *b, size_t step) {
  ck_assert_int_eq(
      ppmli_switch_make(b->wire, b->p, step, b->bits, &b->long_key, &seeds, &b->scratch), PPML_OK);
  ck_assert_int_eq(
      ppmli_switch_expand(b->key, b->wire, b->p, step, seeds.mask, b->fft, &b->scratch), PPML_OK);
}

/* What the key of a step switches from, from its definition. */
static void make_source(bench *b, size_t step) {
  uint32_t N = b->p->poly_size, g = ppmli_trace_exponent(b->p, step);
  uint64_t *s = b->product;
  for (uint32_t i = 0; i < N; i++) s[i] = ppmli_bit(b->bits, i) - ppmli_bit(b->bits, N + i);
  memset(b->source, 0, N * sizeof *b->source);
  if (step == ppmli_params_trace_steps(b->p)) test_multiply_add(b->source, s, s, N);
  else
    for (uint32_t i = 0; i < N; i++) {
      uint32_t at = i * g % (2 * N);
      b->source[at % N] = at < N ? 0 - s[i] : s[i];
    }
}

static void check_switch(const ppml_params *p, size_t step, test_moments *m, ppml_rng *rng) {
  bench b;
  bench_make(&b, p, rng);
  make_key(&b, step);
  make_source(&b, step);
  test_random_words(rng, b.a, p->poly_size);
  memset(b.glwe, 0, 2 * p->poly_size * sizeof *b.glwe);
  ck_assert_int_eq(
      ppmli_switch_add(b.glwe, b.glwe + p->poly_size, b.a, b.key, p, b.fft, &b.scratch), PPML_OK);
  test_glwe_phase(b.phase, b.glwe, p, b.bits);
  memset(b.product, 0, p->poly_size * sizeof *b.product);
  test_multiply_add(b.product, b.a, b.source, p->poly_size);
  for (uint32_t i = 0; i < p->poly_size; i++)
    test_moments_add(m, test_turns(b.phase[i] - b.product[i]));
  bench_free(&b);
}

/* Both kinds of source; errors are those of docs/NOISE.md, whose constant of the FFT is the
 * vector backends': the portable one splits by two, and rounds more often. */
static void check_source(size_t first, size_t end, double expected, ppml_rng *rng) {
  test_moments m = {0, 0, 0, 0};
  for (size_t step = first; step < end; step++)
    check_switch(ppml_params_by_name("leveled-64"), step, &m, rng);
  ck_assert_msg(m.most < 7 * sqrt(expected), "error %g, expected %g", m.most, sqrt(expected));
  const char *backend = test_backend();
  int is_portable = backend && strcmp(backend, "ref") == 0;
  test_assert_near(m.squares / (double)m.count, expected, is_portable ? 0.4 : 0.2);
}

START_TEST(a_switch_multiplies_by_its_source) {
  const ppml_params *p = ppml_params_by_name("leveled-64");
  ppml_rng rng = test_rng(1);
  size_t square = ppmli_params_trace_steps(p);
  check_source(0, square, ppmli_noise_automorphism(p), &rng);
  check_source(square, square + 1, ppmli_noise_relinearization(p), &rng);
}
END_TEST

/* The trace of a message keeps every block-th coefficient, B times as large, and clears the
 * others; noise grows as docs/NOISE.md has it. */
static void check_trace(const ppml_params *p, test_moments *m, ppml_rng *rng) {
  bench b;
  uint32_t N = p->poly_size, B = ppmli_params_block(p);
  bench_make(&b, p, rng);
  for (uint32_t i = 0; i < N; i++) b.a[i] = (uint64_t)test_within(rng, 1000) << 40;
  test_random_words(rng, b.glwe, N);
  memcpy(b.glwe + N, b.a, N * sizeof *b.a);
  test_key_muladd(b.glwe + N, b.glwe, p, b.bits, 0);
  for (size_t step = 0; step < ppmli_params_trace_steps(p); step++) {
    make_key(&b, step);
    ck_assert_int_eq(ppmli_trace_step(b.glwe, step, b.key, p, b.fft, &b.scratch), PPML_OK);
  }
  test_glwe_phase(b.phase, b.glwe, p, b.bits);
  for (uint32_t i = 0; i < N; i++)
    test_moments_add(m, test_turns(b.phase[i] - (i % B == 0 ? B * b.a[i] : 0)));
  bench_free(&b);
}

START_TEST(a_trace_keeps_what_stands_at_multiples) {
  const char *const names[] = {"leveled-16", "leveled-32", "leveled-64", "leveled-128"};
  ppml_rng rng = test_rng(2);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const ppml_params *p = ppml_params_by_name(names[i]);
    test_moments m = {0, 0, 0, 0};
    for (int run = 0; run < 4; run++) check_trace(p, &m, &rng);
    test_assert_near(m.squares / (double)m.count, ppmli_noise_trace(p, 0), 0.4);
  }
}
END_TEST

START_TEST(scratch_is_exactly_what_is_said) {
  const ppml_params *p = ppml_params_by_name("leveled-64");
  bench b;
  ppml_rng rng = test_rng(3);
  bench_make(&b, p, &rng);
  for (size_t less = 0; less < 2; less++) {
    ppml_arena make = test_arena(ppmli_switch_make_scratch(p) - less);
    ppml_arena expand = test_arena(ppmli_switch_expand_scratch(p) - less);
    ppml_arena trace = test_arena(ppmli_trace_scratch(p) - less);
    int error = less ? PPML_ERR_NOMEM : PPML_OK;
    ck_assert_int_eq(ppmli_switch_make(b.wire, p, 0, b.bits, &b.long_key, &seeds, &make), error);
    ck_assert_int_eq(ppmli_switch_expand(b.key, b.wire, p, 0, seeds.mask, b.fft, &expand), error);
    memset(b.glwe, 0, 2 * p->poly_size * sizeof *b.glwe);
    ck_assert_int_eq(ppmli_trace_step(b.glwe, 0, b.key, p, b.fft, &trace), error);
    if (!less) ck_assert(make.high_bytes == make.capacity_bytes && make.used_bytes == 0);
    if (!less) ck_assert(expand.high_bytes == expand.capacity_bytes && expand.used_bytes == 0);
    if (!less) ck_assert(trace.high_bytes == trace.capacity_bytes && trace.used_bytes == 0);
    test_arena_free(&make);
    test_arena_free(&expand);
    test_arena_free(&trace);
  }
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("glweswitch");
  TCase *law = test_case(suite, "law"), *oom = test_case(suite, "oom");
  tcase_add_test(law, a_switch_multiplies_by_its_source);
  tcase_add_test(law, a_trace_keeps_what_stands_at_multiples);
  tcase_add_test(oom, scratch_is_exactly_what_is_said);
  return test_run(suite);
}
