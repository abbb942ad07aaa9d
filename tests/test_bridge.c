/* test_bridge.c - ciphertexts of a leveled set that become those of a set that bootstraps. */
#define PPML_IMPLEMENTATION
#include "support.h"

#include "../ppml_impl/cipher/bridge_apply.h"
#include "../ppml_impl/cipher/bridge_make.h"
#include "../ppml_impl/plan/bridge_noise.h"

static const ppmli_seeds seeds = {{1}, {2}};

/* Keys of both sets, and the bridge between. */
typedef struct bench {
  ppmli_bridge b;
  ppmli_fft *fft;
  ppml_arena tables, scratch;
  uint8_t planes[TEST_KEY_BITS_MAX / 8], bits[TEST_KEY_BITS_MAX / 8];
  uint8_t *wire;
  double *key;
  uint64_t *message, *glwe, *out, *phase;
} bench;

static size_t most_scratch(const ppmli_bridge *b) {
  return ppmli_max_size(ppmli_bridge_scratch(b), ppmli_max_size(ppmli_bridge_expand_scratch(b),
                                                                ppmli_bridge_make_scratch(b)));
}

static void bench_make(bench *x, const char *to, ppml_rng *rng) {
  uint8_t unused[TEST_KEY_BITS_MAX / 8];
  x->b.from = ppml_params_by_name("leveled-16");
  x->b.to = ppml_params_by_name(to);
  size_t N = x->b.from->poly_size, n = x->b.to->poly_size;
  x->tables = test_arena(ppmli_fft_bytes(x->b.to->poly_size));
  x->scratch = test_arena(most_scratch(&x->b));
  ck_assert_int_eq(ppmli_fft_init(&x->fft, x->b.to->poly_size,
                                  ppmli_backend_by_name(test_backend()), &x->tables),
                   PPML_OK);
  ppmli_client_draw_key(unused, x->planes, x->b.from, rng);
  ppmli_client_draw_key(unused, x->bits, x->b.to, rng);
  x->wire = (uint8_t *)test_memory(ppmli_bridge_wire_bytes(&x->b));
  x->key = (double *)test_memory(ppmli_bridge_doubles(&x->b) * sizeof(double));
  x->message = (uint64_t *)test_memory(8 * N), x->glwe = (uint64_t *)test_memory(16 * N);
  x->out = (uint64_t *)test_memory(8 * n * (x->b.to->glwe_dim + 1));
  x->phase = (uint64_t *)test_memory(8 * n);
  for (size_t row = 0; row < ppmli_bridge_rows(&x->b); row++) {
    uint8_t *wire = x->wire + row * ppmli_bridge_row_wire_bytes(&x->b);
    ck_assert_int_eq(
        ppmli_bridge_make_row(wire, &x->b, row, x->planes, x->bits, &seeds, &x->scratch), PPML_OK);
    ck_assert_int_eq(
        ppmli_bridge_expand_row(x->key, wire, &x->b, row, seeds.mask, x->fft, &x->scratch),
        PPML_OK);
  }
}

static void bench_free(bench *x) {
  test_arena_free(&x->tables);
  test_arena_free(&x->scratch);
  free(x->wire), free(x->key), free(x->message), free(x->glwe), free(x->out), free(x->phase);
}

/* A leveled ciphertext without noise goes over. */
static void check_switch(test_moments *m, bench *x, ppml_rng *rng) {
  size_t N = x->b.from->poly_size, n = x->b.to->poly_size, M = N / n;
  test_random_words(rng, x->message, N);
  test_random_words(rng, x->glwe, N);
  memcpy(x->glwe + N, x->message, 8 * N);
  test_key_muladd(x->glwe + N, x->glwe, x->b.from, x->planes, 0);
  ck_assert_int_eq(ppmli_bridge_switch(x->out, x->glwe, x->key, &x->b, x->fft, &x->scratch),
                   PPML_OK);
  test_glwe_phase(x->phase, x->out, x->b.to, x->bits);
  for (size_t i = 0; i < n; i++) test_moments_add(m, test_turns(x->phase[i] - x->message[M * i]));
}

/* All sets that bootstrap. */
START_TEST(every_mth_coefficient_comes_over_with_the_noise_of_the_formula) {
  const ppml_params *to;
  ppml_rng rng = test_rng(1);
  for (size_t i = 0; (to = test_bootstrapped(i)) != NULL; i++) {
    test_moments m = {0, 0, 0, 0};
    bench x;
    bench_make(&x, to->name, &rng);
    double expected = ppmli_noise_bridge(&x.b);
    for (int run = 0; run < 4; run++) check_switch(&m, &x, &rng);
    ck_assert_msg(fabs(m.squares / (double)m.count - expected) < 0.2 * expected,
                  "%s: 2^%.2f, expected 2^%.2f", to->name, log2(m.squares / (double)m.count) / 2,
                  log2(expected) / 2);
    bench_free(&x);
  }
}
END_TEST

/* Extraction and the set's own key switch do not notice where a ciphertext comes from. */
START_TEST(the_noise_is_nothing_beside_a_key_switch) {
  const ppml_params *to;
  for (size_t i = 0; (to = test_bootstrapped(i)) != NULL; i++) {
    ppmli_bridge b = {ppml_params_by_name("leveled-16"), to};
    ck_assert(ppmli_noise_bridge(&b) <
              0.01 * (ppmli_noise_keyswitch(to) + ppmli_noise_modulus_switch(to)));
  }
}
END_TEST

START_TEST(scratch_is_exactly_what_is_said) {
  ppml_rng rng = test_rng(2);
  bench x;
  bench_make(&x, "precise", &rng);
  memset(x.glwe, 0, 16 * (size_t)x.b.from->poly_size);
  for (size_t less = 0; less < 2; less++) {
    int error = less ? PPML_ERR_NOMEM : PPML_OK;
    ppml_arena make = test_arena(ppmli_bridge_make_scratch(&x.b) - less);
    ppml_arena expand = test_arena(ppmli_bridge_expand_scratch(&x.b) - less);
    ppml_arena apply = test_arena(ppmli_bridge_scratch(&x.b) - less);
    ck_assert_int_eq(ppmli_bridge_make_row(x.wire, &x.b, 0, x.planes, x.bits, &seeds, &make),
                     error);
    ck_assert_int_eq(ppmli_bridge_expand_row(x.key, x.wire, &x.b, 0, seeds.mask, x.fft, &expand),
                     error);
    ck_assert_int_eq(ppmli_bridge_switch(x.out, x.glwe, x.key, &x.b, x.fft, &apply), error);
    if (!less) ck_assert(make.high_bytes == make.capacity_bytes && make.used_bytes == 0);
    if (!less) ck_assert(expand.high_bytes == expand.capacity_bytes && expand.used_bytes == 0);
    if (!less) ck_assert(apply.high_bytes == apply.capacity_bytes && apply.used_bytes == 0);
    test_arena_free(&make);
    test_arena_free(&expand);
    test_arena_free(&apply);
  }
  bench_free(&x);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("bridge");
  TCase *law = test_case(suite, "law"), *oom = test_case(suite, "oom");
  tcase_add_test(law, every_mth_coefficient_comes_over_with_the_noise_of_the_formula);
  tcase_add_test(law, the_noise_is_nothing_beside_a_key_switch);
  tcase_add_test(oom, scratch_is_exactly_what_is_said);
  return test_run(suite);
}
