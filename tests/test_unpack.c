/* test_unpack.c - unpacking a ciphertext into its sub-images, and the reversal. */
#define PPML_IMPLEMENTATION
#include "pooled_support.h"

/* A walk over one ciphertext, and what each node should hold. */
typedef struct bench {
  test_pooled_keys keys;
  uint64_t *message, *node, *phase; /* [N], [2][N], [N] */
  ppml_arena walk;
  uint8_t used[64];
} bench;

static void bench_make(bench *b, uint32_t depth, ppml_rng *rng) {
  const ppml_params *p = test_pooled_params(depth);
  size_t N = p->poly_size;
  test_pooled_keys_make(&b->keys, p, ppmli_backend_by_name(test_backend()), rng);
  b->message = (uint64_t *)test_memory(8 * N);
  b->node = (uint64_t *)test_memory(16 * N);
  b->phase = (uint64_t *)test_memory(8 * N);
  b->walk = test_arena(ppmli_unpacking_bytes(p, depth));
  memset(b->used, 1, sizeof b->used);
  for (size_t i = 0; i < N; i++) b->message[i] = (uint64_t)(int64_t)test_within(rng, 1000) << 30;
  test_pooled_encrypt(b->node, b->message, &b->keys, rng);
}

static void bench_free(bench *b) {
  test_pooled_keys_free(&b->keys);
  test_arena_free(&b->walk);
  free(b->message), free(b->node), free(b->phase);
}

/* The node's error: 2^depth times those sub-images whose number is s modulo 2^depth should stand
 * there, s moved to 0. */
static void check_node(test_moments *m, const bench *b, const ppmli_unpacking *u) {
  uint32_t N = b->keys.params->poly_size, apart = (uint32_t)1 << u->depth;
  test_glwe_phase(b->phase, u->node, b->keys.params, b->keys.bits);
  for (uint32_t i = 0; i < N; i++) {
    uint64_t expected = i % apart ? 0 : b->message[i + u->number] << u->depth;
    test_moments_add(m, test_turns(b->phase[i] - expected));
  }
}

/* Walks and measures the nodes of each depth.  Returns the number of leaves. */
static size_t walk(test_moments *m, bench *b, uint32_t depth) {
  ppmli_unpacking u;
  size_t leaves = 0;
  int is_done = 0;
  ck_assert_int_eq(ppmli_unpacking_begin(
                       &u, b->node,
                       &(ppmli_tree){b->keys.params, b->keys.fft, b->keys.keys, b->used, depth},
                       &b->walk),
                   PPML_OK);
  while (!is_done) {
    check_node(&m[u.depth], b, &u);
    leaves += u.depth == depth;
    if (u.depth == depth) ck_assert(b->used[u.number]);
    ck_assert_int_eq(ppmli_unpacking_next(&u, &is_done, &b->keys.scratch), PPML_OK);
  }
  return leaves;
}

/* Every node, hence every leaf, has what it should; noise is that of docs/NOISE.md. */
START_TEST(a_leaf_is_s_times_its_sub_image) {
  ppml_rng rng = test_rng(1);
  const uint32_t depths[] = {2, 5};
  for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
    test_moments m[7];
    bench b;
    memset(m, 0, sizeof m);
    bench_make(&b, depths[i], &rng);
    ck_assert_uint_eq(walk(m, &b, depths[i]), (size_t)1 << depths[i]);
    for (uint32_t d = 1; d <= depths[i]; d++) {
      double expected = ppmli_noise_unpacked(b.keys.params, d);
      double got = m[d].squares / (double)m[d].count;
      ck_assert_msg(m[d].most < 1e-12, "depth %u: an error of %g", d, m[d].most);
      if (d == depths[i]) test_assert_near(got, expected, test_noise_share(&b.keys));
    }
    bench_free(&b);
  }
}
END_TEST

START_TEST(what_nobody_wants_is_not_unpacked) {
  ppml_rng rng = test_rng(2);
  test_moments m[7];
  bench b;
  memset(m, 0, sizeof m);
  bench_make(&b, 4, &rng);
  memset(b.used, 0, sizeof b.used);
  for (uint32_t channel = 0; channel < 3; channel++) /* three channels of four, regions 0 and 1 */
    b.used[channel] = b.used[channel + 4] = 1;
  ck_assert_uint_eq(walk(m, &b, 4), 6);
  ck_assert_uint_eq(m[2].count / b.keys.params->poly_size, 3);
  bench_free(&b);
}
END_TEST

/* X^i goes to X^-i = -X^(N - i). */
START_TEST(reversal_turns_powers_around) {
  ppml_rng rng = test_rng(3);
  test_moments m = {0, 0, 0, 0};
  bench b;
  bench_make(&b, 6, &rng);
  const ppml_params *p = b.keys.params;
  uint32_t N = p->poly_size;
  uint64_t *out = (uint64_t *)test_memory(16 * (size_t)N);
  size_t step = ppmli_switch_reversal(p);
  ck_assert_uint_eq(step + 1, ppmli_params_steps(p));
  ck_assert_int_eq(ppmli_switch_map(out, b.node, step, b.keys.keys + step * ppmli_switch_doubles(p),
                                    p, b.keys.fft, &b.keys.scratch),
                   PPML_OK);
  test_glwe_phase(b.phase, out, p, b.keys.bits);
  for (uint32_t i = 0; i < N; i++) {
    uint64_t expected = i ? 0 - b.message[N - i] : b.message[0];
    test_moments_add(&m, test_turns(b.phase[i] - expected));
  }
  test_assert_near(m.squares / (double)m.count, ppmli_noise_root(p) + ppmli_noise_automorphism(p),
                   test_noise_share(&b.keys));
  free(out);
  bench_free(&b);
}
END_TEST

START_TEST(memory_is_exactly_what_is_said) {
  ppml_rng rng = test_rng(4);
  ppmli_unpacking u;
  bench b;
  bench_make(&b, 2, &rng);
  const ppml_params *p = b.keys.params;
  for (size_t less = 0; less < 2; less++) {
    ppml_arena walk_arena = test_arena(ppmli_unpacking_bytes(p, 2) - less);
    ppml_arena scratch = test_arena(ppmli_switch_map_scratch(p) - less);
    int error = less ? PPML_ERR_NOMEM : PPML_OK, is_done;
    ck_assert_int_eq(ppmli_unpacking_begin(&u, b.node,
                                           &(ppmli_tree){p, b.keys.fft, b.keys.keys, b.used, 2},
                                           &walk_arena),
                     error);
    if (!less) ck_assert_uint_eq(walk_arena.high_bytes, walk_arena.capacity_bytes);
    b.walk.used_bytes = 0;
    ck_assert_int_eq(ppmli_unpacking_begin(
                         &u, b.node, &(ppmli_tree){p, b.keys.fft, b.keys.keys, b.used, 2}, &b.walk),
                     PPML_OK);
    ck_assert_int_eq(ppmli_unpacking_next(&u, &is_done, &scratch), error);
    if (!less) ck_assert(scratch.high_bytes == scratch.capacity_bytes && scratch.used_bytes == 0);
    test_arena_free(&walk_arena);
    test_arena_free(&scratch);
  }
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("unpack");
  TCase *law = test_case(suite, "law"), *oom = test_case(suite, "oom");
  tcase_add_test(law, a_leaf_is_s_times_its_sub_image);
  tcase_add_test(law, what_nobody_wants_is_not_unpacked);
  tcase_add_test(law, reversal_turns_powers_around);
  tcase_add_test(oom, memory_is_exactly_what_is_said);
  return test_run(suite);
}
