/* test_packing.c - automorphisms, traces and packing trees on the torus of 64 bits. */
#define PPML_IMPLEMENTATION
#include "support.h"

#include "../ppml_impl/wire/packing_key.h"
#include "../ppml_impl/cipher/packing.h"
#include "../ppml_impl/plan/packing_noise.h"

typedef struct bench {
  const ppml_params *p;
  ppmli_fft *fft;
  ppmli_packing_key key;
  ppmli_auto_scratch scratch;
  uint8_t *wire;
  size_t wire_bytes;
  ppml_arena tables, key_memory, memory;
  ppml_secret_key secret;
  ppml_rng rng;
} bench;

/* A payload in a container of a kind that stands for the evaluation key's. */
static int read_key(bench *b, size_t count) {
  ppml_reader reader = ppml_reader_from_memory(b->wire, count);
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin(&in, &h, &reader, &limits));
  PPMLI_TRY(ppmli_packing_get(&b->key, &in, b->p, b->fft, &b->key_memory));
  return ppmli_in_end(&in);
}

static void bench_make(bench *b, const char *params, uint64_t seed) {
  const ppml_params *p = ppml_params_by_name(params);
  ppml_client client;
  b->p = p;
  b->rng = test_rng(seed);
  b->tables = test_arena(ppmli_fft_bytes(p->poly_size));
  b->key_memory = test_arena(ppmli_packing_key_bytes(p));
  b->memory = test_arena(ppmli_packing_put_scratch(p) + ppmli_packing_scratch(p, 3) +
                         ppmli_auto_scratch_bytes(p));
  ck_assert_int_eq(
      ppmli_fft_init(&b->fft, p->poly_size, ppmli_backend_by_name(test_backend()), &b->tables),
      PPML_OK);
  memset(&client, 0, sizeof client);
  client.params = p;
  test_secret_key_make(&b->secret, &client, &b->rng);
  b->wire_bytes = PPMLI_CONTAINER_BYTES + ppmli_packing_payload_bytes(p);
  b->wire = test_memory(b->wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(b->wire, b->wire_bytes);
  ppml_header h;
  ppmli_out out;
  memset(&h, 0, sizeof h);
  h.kind = PPML_KIND_MODEL;
  h.payload_bytes = ppmli_packing_payload_bytes(p);
  ppmli_out_begin(&out, &writer, &h);
  ck_assert_int_eq(ppmli_packing_put(&out, &b->secret, &b->rng, &b->memory), PPML_OK);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  ck_assert_uint_eq(writer.position, b->wire_bytes);
  ck_assert_int_eq(read_key(b, b->wire_bytes), PPML_OK);
  ck_assert_int_eq(ppmli_auto_scratch_init(&b->scratch, p, &b->memory), PPML_OK);
}

static void bench_free(bench *b) {
  test_arena_free(&b->tables);
  test_arena_free(&b->key_memory);
  test_arena_free(&b->memory);
  free(b->wire);
}

/* A ciphertext of message with no noise. */
static void encrypt(uint64_t *glwe, const uint64_t *message, bench *b) {
  size_t N = b->p->poly_size;
  test_random_words(&b->rng, glwe, N);
  memcpy(glwe + N, message, N * sizeof *glwe);
  test_key_muladd(glwe + N, glwe, b->p, b->secret.glwe_bits, 0);
}

START_TEST(an_automorphism_has_the_noise_of_the_formula) {
  bench b;
  bench_make(&b, "finest", 1);
  size_t N = b.p->poly_size;
  uint64_t *m = test_memory(8 * N), *c = test_memory(16 * N), *d = test_memory(16 * N);
  uint64_t *expected = test_memory(8 * N), *phase = test_memory(8 * N);
  test_moments error = {0, 0, 0, 0};
  for (uint32_t step = 0; step < ppmli_auto_steps(b.p); step++) {
    test_random_words(&b.rng, m, N);
    encrypt(c, m, &b);
    memset(d, 0, 16 * N);
    ppmli_auto_add(d, c, step, ppmli_packing_step(&b.key, step), b.p, b.fft, &b.scratch);
    ppmli_poly_automorphism(expected, m, 1 + (b.p->poly_size >> step), b.p->poly_size);
    test_glwe_phase(phase, d, b.p, b.secret.glwe_bits);
    for (size_t i = 0; i < N; i++) test_moments_add(&error, test_turns(phase[i] - expected[i]));
  }
  test_assert_near(sqrt(error.squares / (double)error.count), sqrt(ppmli_noise_auto(b.p)), 0.2);
  free(m), free(c), free(d), free(expected), free(phase);
  bench_free(&b);
}
END_TEST

/* Errors of kept and of cleared coefficients after a trace. */
static void check_trace(bench *b, uint32_t steps, int runs) {
  size_t N = b->p->poly_size;
  uint64_t *m = test_memory(8 * N), *c = test_memory(16 * N), *phase = test_memory(8 * N);
  test_moments kept = {0, 0, 0, 0}, cleared = {0, 0, 0, 0};
  for (int run = 0; run < runs; run++) {
    test_random_words(&b->rng, m, N);
    encrypt(c, m, b);
    ppmli_packing_keep(c, steps, &b->key, &b->scratch);
    test_glwe_phase(phase, c, b->p, b->secret.glwe_bits);
    for (size_t i = 0; i < N; i++) {
      if (i % ((size_t)1 << steps) == 0) test_moments_add(&kept, test_turns(phase[i] - m[i]));
      else test_moments_add(&cleared, test_turns(phase[i]));
    }
  }
  double expected = ppmli_noise_packing_kept(b->p, steps);
  if (kept.count > 400)
    test_assert_near(sqrt(kept.squares / (double)kept.count), sqrt(expected), 0.2);
  ck_assert_msg(kept.most < 5 * sqrt(expected), "2^%.1f, expected 2^%.1f", log2(kept.most),
                log2(expected) / 2);
  if (steps == ppmli_auto_steps(b->p))
    test_assert_near(sqrt(cleared.squares / (double)cleared.count),
                     sqrt(ppmli_noise_packing_cleared(b->p)), 0.2);
  free(m), free(c), free(phase);
}

START_TEST(a_trace_keeps_values_without_amplifying_them) {
  bench b;
  bench_make(&b, "finest", 2);
  check_trace(&b, ppmli_auto_steps(b.p), 8);
  check_trace(&b, 3, 2);
  bench_free(&b);
}
END_TEST

/* Items of random messages in all coefficients; the constant ones come out in order.
 * Returns a word of the result. */
static uint64_t check_packing(bench *b, size_t count, const ppml_parallel *parallel) {
  size_t N = b->p->poly_size;
  uint64_t *m = test_memory(8 * N), *items = test_memory(16 * N * count);
  uint64_t *value = test_memory(8 * count), *phase = test_memory(8 * N);
  test_moments kept = {0, 0, 0, 0}, cleared = {0, 0, 0, 0};
  b->rng = test_rng(9);
  for (size_t s = 0; s < count; s++) {
    test_random_words(&b->rng, m, N);
    value[s] = m[0];
    encrypt(items + 2 * N * s, m, b);
  }
  ck_assert_int_eq(ppmli_packing_run(items, count, &b->key, parallel, &b->memory), PPML_OK);
  test_glwe_phase(phase, items, b->p, b->secret.glwe_bits);
  for (size_t i = 0; i < N; i++) {
    size_t at = (N - i) % N, s = at * count / N; /* X^-at is -X^(N - at) */
    if (at % (N / count)) test_moments_add(&cleared, test_turns(phase[i]));
    else test_moments_add(&kept, test_turns((i ? 0 - phase[i] : phase[i]) - value[s]));
  }
  double expected = sqrt(ppmli_noise_packing_kept(b->p, ppmli_auto_steps(b->p)));
  ck_assert_msg(kept.most < 5 * expected, "2^%.1f, expected 2^%.1f", log2(kept.most),
                log2(expected));
  if (count >= 128) test_assert_near(sqrt(kept.squares / (double)kept.count), expected, 0.2);
  ck_assert(cleared.most < expected);
  uint64_t word = items[1];
  free(m), free(items), free(value), free(phase);
  return word;
}

START_TEST(packed_values_stand_in_order) {
  bench b;
  ppml_parallel parallel = test_parallel(3);
  bench_make(&b, "finest", 3);
  check_packing(&b, 1, NULL);
  check_packing(&b, 128, NULL);
  ck_assert(check_packing(&b, 8, NULL) == check_packing(&b, 8, &parallel));
  bench_free(&b);
}
END_TEST

START_TEST(division_is_rounded) {
  ppml_params p = *ppml_params_by_name("finest");
  uint64_t words[4] = {UINT64_MAX, 1024, 1023, 3 * 2048 + 5};
  p.poly_size = 2;
  ppmli_packing_divide(words, 11, &p);
  ck_assert(words[0] == (uint64_t)1 << 53 && words[1] == 1 && words[2] == 0 && words[3] == 3);
  words[0] = 77;
  ppmli_packing_divide(words, 0, &p);
  ck_assert(words[0] == 77);
}
END_TEST

START_TEST(a_short_or_damaged_key_is_refused) {
  bench b;
  bench_make(&b, "finest", 5);
  b.key_memory.used_bytes = 0;
  ck_assert_int_eq(read_key(&b, b.wire_bytes - 100), PPML_ERR_TRUNCATED);
  b.key_memory.used_bytes = 0;
  b.wire[PPMLI_HEADER_BYTES + 5000] ^= 1;
  ck_assert_int_eq(read_key(&b, b.wire_bytes), PPML_ERR_CHECKSUM);
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("packing");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, an_automorphism_has_the_noise_of_the_formula);
  tcase_add_test(law, a_trace_keeps_values_without_amplifying_them);
  tcase_add_test(law, packed_values_stand_in_order);
  tcase_add_test(law, division_is_rounded);
  tcase_add_test(error, a_short_or_damaged_key_is_refused);
  return test_run(suite);
}
