/* test_pooled_evaluate.c - pooled networks on encrypted latents, beside the same in the clear. */
#define PPML_IMPLEMENTATION
#include "pooled_support.h"

/* A network, its keys and one image at a time. */
typedef struct bench {
  test_pooled t;
  ppmli_pooled_layout layout;
  test_pooled_keys keys;
  ppmli_pooled_weights weights;
  ppmli_pooled_server server;
  ppmli_pooled_image image;
  ppml_arena memory, prepared;
  uint64_t *message, *lwe;
  int8_t latents[PPML_LATENTS_MAX];
} bench;

static size_t prepared_bytes(const bench *b) {
  const ppml_params *p = b->keys.params;
  return ppmli_pooled_weights_bytes(&b->t.net, &b->layout, p) + ppmli_pooled_weights_scratch(p);
}

static void bench_make(bench *b, const ppmli_latent_shape *s, uint32_t outputs, int64_t peak,
                       const ppmli_backend *backend, ppml_rng *rng) {
  test_pooled_make(&b->t, s, outputs, peak, rng);
  ck_assert(ppmli_pooled_refusal(&b->t.net) == NULL);
  ppmli_pooled_layout_of(&b->layout, &b->t.net);
  const ppml_params *p = test_pooled_params(b->layout.depth);
  test_pooled_keys_make(&b->keys, p, backend, rng);
  ppmli_pooled_server server = {&b->t.net, &b->layout, p, b->keys.fft, b->keys.keys, &b->weights};
  b->server = server;
  b->prepared = test_arena(prepared_bytes(b));
  ck_assert_int_eq(ppmli_pooled_weights_init(&b->weights, &b->server, &b->prepared), PPML_OK);
  b->memory = test_arena(ppmli_pooled_image_bytes(&b->t.net, &b->layout, p));
  ck_assert_int_eq(ppmli_pooled_image_alloc(&b->image, &b->server, &b->memory), PPML_OK);
  b->message = (uint64_t *)test_memory(8 * (size_t)p->poly_size);
  b->lwe = (uint64_t *)test_memory(8 * outputs * (p->poly_size + (size_t)1));
}

static void bench_free(bench *b) {
  test_pooled_free(&b->t);
  test_pooled_keys_free(&b->keys);
  test_arena_free(&b->prepared);
  test_arena_free(&b->memory);
  free(b->message), free(b->lwe);
}

/* Encrypts random latents. */
static void encrypt(bench *b, ppml_rng *rng) {
  test_latents(b->latents, &b->t.net.shape, rng);
  ppmli_pooled_place(b->message, b->latents, &b->t.net.shape, &b->layout,
                     b->keys.params->poly_size);
  test_pooled_encrypt(b->image.node, b->message, &b->keys, rng);
}

/* Scores of the ciphertext at hand, in units.
 *   got [outputs]  out */
static void evaluate(double *got, bench *b) {
  size_t N = b->keys.params->poly_size;
  ck_assert_int_eq(ppmli_pooled_scores(b->lwe, &b->image, &b->server, &b->memory), PPML_OK);
  for (uint32_t c = 0; c < b->t.net.outputs; c++) {
    const uint64_t *lwe = b->lwe + c * (N + 1);
    uint64_t phase = lwe[N];
    for (size_t i = 0; i < N; i++)
      phase -= lwe[i] * (ppmli_bit(b->keys.bits, i) - ppmli_bit(b->keys.bits, N + i));
    got[c] = ldexp(test_turns(phase), (int)b->layout.modulus_log2);
  }
}

/* The clear score, as the torus has it: modulo T. */
static double difference(double got, int64_t want, uint32_t modulus_log2) {
  double turns = ldexp(got - (double)want, -(int)modulus_log2);
  return ldexp(turns - floor(turns + 0.5), (int)modulus_log2);
}

/* Evaluates `images` images and measures errors over their predicted deviation. */
static void check_images(test_moments *m, bench *b, size_t images, ppml_rng *rng) {
  double got[PPML_CLASSES_MAX];
  int64_t want[PPML_CLASSES_MAX];
  ppml_arena clear = test_arena(ppmli_pooled_forward_scratch(&b->t.net));
  for (size_t n = 0; n < images; n++) {
    encrypt(b, rng);
    evaluate(got, b);
    ck_assert_int_eq(ppmli_pooled_forward(want, &b->t.net, b->latents, &clear), PPML_OK);
    for (uint32_t c = 0; c < b->t.net.outputs; c++) {
      ppmli_pooled_noise noise;
      ppmli_pooled_noise_parts(&noise, &b->t.net, &b->layout, b->keys.params, c);
      double deviation = ldexp(sqrt(noise.product), (int)b->layout.modulus_log2);
      test_moments_add(m, difference(got[c], want[c], b->layout.modulus_log2) / deviation);
    }
  }
  test_arena_free(&clear);
}

/* Channels and regions that are powers of two or are not, one region and several, one position a
 * region, lags longer than a region, several scores, scores beyond the torus. */
START_TEST(encrypted_scores_are_the_clear_ones) {
  const uint32_t shapes[][7] = {
      /* width, height, channels, regions, reach, outputs, log2 of the peak */
      {28, 28, 2, 4, 3, 1, 18}, {8, 8, 4, 1, 3, 3, 19}, {28, 28, 3, 2, 2, 1, 20},
      {9, 6, 1, 3, 2, 2, 14},   {4, 4, 3, 4, 2, 2, 12}, {1, 1, 1, 1, 1, 1, 8},
  };
  ppml_rng rng = test_rng(1);
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const uint32_t *x = shapes[i];
    ppmli_latent_shape s = test_shape(x[0], x[1], x[2], x[3], x[4]);
    test_moments m = {0, 0, 0, 0};
    bench b;
    bench_make(&b, &s, x[5], (int64_t)1 << x[6], ppmli_backend_by_name(test_backend()), &rng);
    check_images(&m, &b, 1, &rng);
    ck_assert_msg(m.most < 6, "shape %zu: an error of %g deviations", i, m.most);
    bench_free(&b);
  }
}
END_TEST

/* Of many scores: each has its own weights, so noise is drawn anew for each. */
START_TEST(noise_matches_formula) {
  const uint32_t shapes[][6] = {{8, 8, 4, 1, 3, 21}, {28, 28, 2, 4, 3, 20}, {28, 28, 1, 4, 5, 16}};
  ppml_rng rng = test_rng(2);
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const uint32_t *x = shapes[i];
    ppmli_latent_shape s = test_shape(x[0], x[1], x[2], x[3], x[4]);
    test_moments m = {0, 0, 0, 0};
    bench b;
    bench_make(&b, &s, 12, (int64_t)1 << x[5], ppmli_backend_by_name(test_backend()), &rng);
    check_images(&m, &b, 40, &rng);
    test_assert_near(m.squares / (double)m.count, 1.0, test_noise_share(&b.keys));
    bench_free(&b);
  }
}
END_TEST

START_TEST(backends_agree) {
  const ppmli_backend *backend;
  ppmli_latent_shape s = test_shape(6, 6, 3, 2, 2);
  for (size_t n = 0; (backend = ppmli_backend_by_index(n)) != NULL; n++) {
    ppml_rng rng = test_rng(3);
    test_moments m = {0, 0, 0, 0};
    bench b;
    bench_make(&b, &s, 18, 1 << 16, backend, &rng); /* more than one batch of scores */
    check_images(&m, &b, 1, &rng);
    ck_assert_msg(m.most < 6, "%s: an error of %g deviations", backend->name, m.most);
    bench_free(&b);
  }
}
END_TEST

/* The numbers that are kept of a weight's transform are all there is. */
START_TEST(weights_are_spread_from_what_differs) {
  ppml_rng rng = test_rng(4);
  ppmli_latent_shape s = test_shape(28, 28, 2, 4, 3);
  bench b;
  bench_make(&b, &s, 1, 1 << 20, ppmli_backend_by_name(test_backend()), &rng);
  uint32_t N = b.keys.params->poly_size, leaves = 32, leaf = 13; /* channel 1 of region 6 */
  uint64_t *poly = (uint64_t *)test_memory(8 * (size_t)N);
  double *whole = (double *)test_memory(8 * (size_t)N),
         *work = (double *)test_memory(8 * (size_t)N);
  double *spread = (double *)test_memory(8 * (size_t)N * leaves);
  ppmli_pooled_weight_poly(poly, &b.server, 0, 0, 1, 6);
  b.keys.fft->backend->forward_signed(b.keys.fft, whole, PPMLI_GROUP, poly, 1, work);
  ppmli_pooled_spread(spread, &b.weights, b.weights.value, 1, leaves, 0, N / PPMLI_GROUP);
  for (uint32_t i = 0; i < N; i++) {
    double got = spread[(i / PPMLI_GROUP * leaves + leaf) * PPMLI_GROUP + i % PPMLI_GROUP];
    ck_assert_msg(fabs(got - whole[i]) < 1e-9, "%u: %g for %g", i, got, whole[i]);
  }
  free(poly), free(whole), free(work), free(spread);
  bench_free(&b);
}
END_TEST

START_TEST(memory_is_exactly_what_is_said) {
  ppml_rng rng = test_rng(5);
  ppmli_latent_shape s = test_shape(6, 6, 3, 2, 2);
  bench b;
  bench_make(&b, &s, 2, 1 << 16, ppmli_backend_by_name(test_backend()), &rng);
  ck_assert_uint_eq(b.prepared.high_bytes, b.prepared.capacity_bytes);
  encrypt(&b, &rng);
  ck_assert_int_eq(ppmli_pooled_scores(b.lwe, &b.image, &b.server, &b.memory), PPML_OK);
  ck_assert_uint_eq(b.memory.high_bytes, b.memory.capacity_bytes);
  b.memory.capacity_bytes--;
  ck_assert_int_eq(ppmli_pooled_scores(b.lwe, &b.image, &b.server, &b.memory), PPML_ERR_NOMEM);
  b.prepared.used_bytes = 0, b.prepared.capacity_bytes--;
  ck_assert_int_eq(ppmli_pooled_weights_init(&b.weights, &b.server, &b.prepared), PPML_ERR_NOMEM);
  bench_free(&b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pooled_evaluate");
  TCase *law = test_case(suite, "law"), *noise = test_case(suite, "noise");
  TCase *oom = test_case(suite, "oom");
  tcase_add_test(law, encrypted_scores_are_the_clear_ones);
  tcase_add_test(law, backends_agree);
  tcase_add_test(law, weights_are_spread_from_what_differs);
  tcase_add_test(noise, noise_matches_formula);
  tcase_add_test(oom, memory_is_exactly_what_is_said);
  return test_run(suite);
}
