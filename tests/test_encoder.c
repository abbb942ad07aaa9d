/* test_encoder.c - latents of pictures and of other programs, and pictures of latents. */
#define PPML_IMPLEMENTATION
#include "support.h"

#include "../ppml_impl/network/decoder.h"
#include "../ppml_impl/train/encoder_train.h"

enum { PIXELS_MAX = 64 * 64 * 3, VALUES_MAX = 16 * 16 * 3 };

typedef struct bench {
  ppmli_encoder e;
  int8_t weight[PPML_LATENT_CHANNELS_MAX * VALUES_MAX];
  int32_t center[PPML_LATENT_CHANNELS_MAX], spread[PPML_LATENT_CHANNELS_MAX];
  uint8_t pixels[PIXELS_MAX], mean[VALUES_MAX];
  int8_t latents[PPML_LATENTS_MAX];
  ppmli_encoder_moments moments[PPML_LATENT_CHANNELS_MAX];
  ppml_arena scratch;
} bench;

static void bench_make(bench *b, uint32_t width, uint32_t height, uint32_t colors, uint32_t patch,
                       uint32_t channels, uint32_t standardise, ppml_rng *rng) {
  memset(b, 0, sizeof *b);
  ppmli_encoder *e = &b->e;
  e->kind = PPML_ENCODER_PATCHES;
  e->width = width, e->height = height, e->colors = colors;
  e->patch = patch, e->channels = channels, e->latent_bits = 5, e->standardise = standardise;
  e->weight = b->weight, e->center = b->center, e->spread = b->spread;
  for (size_t i = 0; i < channels * ppmli_encoder_patch_values(e); i++)
    b->weight[i] = (int8_t)test_within(rng, 127);
  for (size_t c = 0; c < channels; c++) b->center[c] = 1000, b->spread[c] = 4000;
  ck_assert(ppmli_encoder_is_valid(e));
  test_pixels(b->pixels, width * height * colors, rng);
  b->scratch = test_arena(ppmli_encode_scratch(e));
}

static void encode(bench *b) {
  ck_assert_int_eq(ppmli_encode(b->latents, b->moments, &b->e, b->pixels, &b->scratch), PPML_OK);
}

/* A patch's dot product, from its definition. */
static double number_at(const bench *b, uint32_t channel, uint32_t y, uint32_t x) {
  const ppmli_encoder *e = &b->e;
  uint32_t f = e->patch, colors = e->colors;
  double sum = 0;
  for (uint32_t i = 0; i < f; i++)
    for (uint32_t j = 0; j < f; j++)
      for (uint32_t k = 0; k < colors; k++)
        sum += b->weight[((channel * f + i) * f + j) * colors + k] *
               b->pixels[((y * f + i) * e->width + x * f + j) * colors + k];
  return sum;
}

/* What a channel's latents should be, in floating point. */
static void check_channel(const bench *b, uint32_t channel) {
  const ppmli_encoder *e = &b->e;
  uint32_t rows = e->height / e->patch, columns = e->width / e->patch;
  double sum = 0, squares = 0, n = rows * columns, top = (1 << (e->latent_bits - 1)) - 1;
  for (uint32_t y = 0; y < rows; y++)
    for (uint32_t x = 0; x < columns; x++) {
      double z = number_at(b, channel, y, x);
      sum += z, squares += z * z;
    }
  double mean = e->standardise ? sum / n : b->center[channel];
  double deviation = e->standardise ? sqrt(squares / n - sum / n * (sum / n)) : b->spread[channel];
  for (uint32_t y = 0; y < rows; y++)
    for (uint32_t x = 0; x < columns; x++) {
      double z = (number_at(b, channel, y, x) - mean) / deviation;
      double exact = z * ((1 << e->latent_bits) - 1) / (2 * PPMLI_ENCODER_RANGE);
      double clamped = exact > top ? top : exact < -top - 1 ? -top - 1 : exact;
      int8_t got = b->latents[(channel * rows + y) * columns + x];
      ck_assert_msg(fabs(got - clamped) < 0.51, "%d for %g", got, clamped);
    }
}

START_TEST(latents_are_rounded_deviations_from_the_mean) {
  const uint32_t shapes[][5] = {{28, 28, 1, 1, 1},
                                {28, 14, 3, 2, 5},
                                {64, 64, 1, 8, 4},
                                {64, 32, 3, 16, 5},
                                {12, 20, 4, 4, 3}};
  ppml_rng rng = test_rng(1);
  bench *b = (bench *)test_memory(sizeof *b);
  for (size_t i = 0; i < 2 * (sizeof shapes / sizeof shapes[0]); i++) {
    const uint32_t *s = shapes[i / 2];
    bench_make(b, s[0], s[1], s[2], s[3], s[4], i % 2, &rng);
    encode(b);
    for (uint32_t c = 0; c < s[4]; c++) check_channel(b, c);
    ck_assert(b->scratch.high_bytes == b->scratch.capacity_bytes && b->scratch.used_bytes == 0);
    test_arena_free(&b->scratch);
  }
  free(b);
}
END_TEST

/* Twice the contrast, another exposure: the same latents, up to a pixel's rounding. */
START_TEST(contrast_and_brightness_do_not_show) {
  ppml_rng rng = test_rng(2);
  bench *b = (bench *)test_memory(sizeof *b);
  int8_t before[64];
  bench_make(b, 32, 32, 1, 4, 1, 1, &rng);
  for (size_t i = 0; i < 1024; i++) b->pixels[i] = b->pixels[i] / 4;
  encode(b);
  memcpy(before, b->latents, sizeof before);
  for (size_t i = 0; i < 1024; i++) b->pixels[i] = (uint8_t)(3 * b->pixels[i] + 20);
  encode(b);
  ck_assert_mem_eq(b->latents, before, sizeof before);
  test_arena_free(&b->scratch);
  free(b);
}
END_TEST

START_TEST(a_flat_picture_has_latents_of_zero) {
  ppml_rng rng = test_rng(3);
  bench *b = (bench *)test_memory(sizeof *b);
  bench_make(b, 32, 32, 1, 8, 3, 1, &rng);
  memset(b->pixels, 255, sizeof b->pixels);
  encode(b);
  for (size_t i = 0; i < 48; i++) ck_assert_int_eq(b->latents[i], 0);
  test_arena_free(&b->scratch);
  free(b);
}
END_TEST

/* The largest sums there are: white and black, all weights at their ends. */
START_TEST(the_largest_sums_fit) {
  ppml_rng rng = test_rng(4);
  bench *b = (bench *)test_memory(sizeof *b);
  const uint32_t side = 1024; /* 64 x 64 patches of 16 x 16 */
  uint8_t *pixels = (uint8_t *)test_memory(side * side * 4);
  bench_make(b, 16, 16, 4, 16, 1, 1, &rng);
  memset(b->weight, 127, VALUES_MAX);
  b->e.width = b->e.height = side;
  b->e.colors = 3;
  ck_assert(ppmli_encoder_is_valid(&b->e));
  test_arena_free(&b->scratch);
  b->scratch = test_arena(ppmli_encode_scratch(&b->e));
  for (size_t i = 0; i < side * side * 3; i++) pixels[i] = i / 3 % side < side / 2 ? 0 : 255;
  ck_assert_int_eq(ppmli_encode(b->latents, b->moments, &b->e, pixels, &b->scratch), PPML_OK);
  for (size_t i = 0; i < 4096; i++) /* one deviation is 5.17 steps */
    ck_assert_int_eq(b->latents[i], i % 64 < 32 ? -5 : 5);
  test_arena_free(&b->scratch);
  free(pixels);
  free(b);
}
END_TEST

START_TEST(floats_become_integers_by_their_bits) {
  const float values[] = {0,     1,       -1,     0.5f,    -0.5f, 0.49999997f, 1.5f,    -2.5f,
                          3.14f, -1e-20f, 1e-45f, 8388608, 1e20f, -1e30f,      123.456f};
  const int32_t scales[] = {-40, -3, 0, 1, 7, 20, 40};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
    for (size_t j = 0; j < sizeof scales / sizeof scales[0]; j++) {
      double exact = ldexp((double)values[i], scales[j]), most = 524287;
      double away = exact < 0 ? ceil(exact - 0.5) : floor(exact + 0.5);
      uint32_t word;
      memcpy(&word, &values[i], sizeof word);
      ck_assert_int_eq(ppmli_encoder_fix(word, scales[j], 19), (int32_t)(away > most    ? most
                                                                         : away < -most ? -most
                                                                                        : away));
    }
}
END_TEST

static void ready_make(ppmli_encoder *e, uint32_t side, uint32_t channels) {
  memset(e, 0, sizeof *e);
  e->kind = PPML_ENCODER_READY;
  e->width = e->height = side;
  e->patch = 1, e->channels = channels, e->latent_bits = 6, e->standardise = 1;
  ck_assert(ppmli_encoder_is_valid(e));
}

START_TEST(ready_latents_are_standardised_too) {
  ppml_rng rng = test_rng(5);
  ppmli_encoder e;
  float floats[2 * 256];
  int8_t latents[2 * 256];
  ready_make(&e, 16, 2);
  for (size_t i = 0; i < 512; i++) floats[i] = (float)test_within(&rng, 1000) * 1e-5f + 3;
  e.scale_log2 = ppmli_encoder_learn_scale(&e, (const uint8_t *)floats, 512);
  ppml_arena arena = test_arena(ppmli_encode_scratch(&e));
  ck_assert_int_eq(ppmli_encode(latents, NULL, &e, (const uint8_t *)floats, &arena), PPML_OK);
  for (size_t c = 0; c < 2; c++) {
    const float *x = floats + 256 * c;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 256; i++) sum += (double)x[i], squares += (double)x[i] * (double)x[i];
    double mean = sum / 256, deviation = sqrt(squares / 256 - mean * mean);
    for (size_t i = 0; i < 256; i++)
      ck_assert(fabs(latents[256 * c + i] - ((double)x[i] - mean) / deviation * 63 / 6) < 0.52);
  }
  test_arena_free(&arena);
}
END_TEST

START_TEST(what_is_no_number_is_refused) {
  ppmli_encoder e;
  float floats[16] = {0};
  int8_t latents[16];
  ready_make(&e, 4, 1);
  ppml_arena arena = test_arena(ppmli_encode_scratch(&e));
  ck_assert_int_eq(ppmli_encode(latents, NULL, &e, (const uint8_t *)floats, &arena), PPML_OK);
  floats[7] = NAN;
  ck_assert_int_eq(ppmli_encode(latents, NULL, &e, (const uint8_t *)floats, &arena),
                   PPML_ERR_RANGE);
  floats[7] = -INFINITY;
  ck_assert_int_eq(ppmli_encode(latents, NULL, &e, (const uint8_t *)floats, &arena),
                   PPML_ERR_RANGE);
  test_arena_free(&arena);
}
END_TEST

START_TEST(shapes_without_latents_are_refused) {
  ppml_rng rng = test_rng(6);
  bench *b = (bench *)test_memory(sizeof *b);
  const uint32_t bad[][6] = {/* width, height, patch, channels, bits, colors */
                             {7, 28, 8, 1, 5, 1},       {28, 28, 8, 1, 5, 1},  {28, 28, 3, 1, 5, 1},
                             {28, 28, 32, 1, 5, 1},     {28, 28, 2, 17, 5, 1}, {28, 28, 2, 0, 5, 1},
                             {128, 64, 1, 1, 5, 1},     {32, 32, 1, 5, 5, 3},  {28, 28, 1, 2, 5, 1},
                             {1u << 31, 8, 8, 1, 5, 1}, {28, 28, 4, 1, 9, 1},  {28, 28, 4, 1, 1, 1},
                             {28, 28, 4, 1, 5, 0},      {28, 28, 4, 1, 5, 5}};
  bench_make(b, 28, 28, 1, 4, 1, 1, &rng);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ppmli_encoder e = b->e;
    e.width = bad[i][0], e.height = bad[i][1], e.patch = bad[i][2], e.channels = bad[i][3];
    e.latent_bits = bad[i][4], e.colors = bad[i][5];
    ck_assert_msg(!ppmli_encoder_is_valid(&e), "shape %zu is valid", i);
  }
  test_arena_free(&b->scratch);
  free(b);
}
END_TEST

/* ---------------------------------------------------------------- learning */

/* Pictures of four patches, each a multiple of one of two patterns and a constant. */
static void draw_patterns(uint8_t *pixels, size_t count, ppml_rng *rng) {
  for (size_t n = 0; n < count; n++)
    for (size_t patch = 0; patch < 4; patch++) {
      int a = test_within(rng, 60), b = test_within(rng, 20);
      for (size_t i = 0; i < 16; i++) {
        size_t y = patch / 2 * 4 + i / 4, x = patch % 2 * 4 + i % 4;
        int value = 128 + (i % 4 < 2 ? a : -a) + (i / 4 < 2 ? b : -b);
        pixels[n * 64 + y * 8 + x] = (uint8_t)value;
      }
    }
}

START_TEST(components_are_the_patterns_of_the_patches) {
  enum { COUNT = 300 };
  ppml_rng rng = test_rng(7);
  bench *b = (bench *)test_memory(sizeof *b);
  uint8_t *pixels = (uint8_t *)test_memory(COUNT * 64), back[64];
  draw_patterns(pixels, COUNT, &rng);
  bench_make(b, 8, 8, 1, 4, 2, 1, &rng);
  ppmli_pictures pictures = {pixels, COUNT};
  ppml_arena arena = test_arena(ppmli_encoder_learn_scratch(&b->e));
  ck_assert_int_eq(ppmli_encoder_learn(b->weight, b->mean, &b->e, &pictures, &arena), PPML_OK);
  ck_assert(arena.high_bytes == arena.capacity_bytes && arena.used_bytes == 0);
  int sign[2] = {b->weight[0] > 0 ? 1 : -1, b->weight[16] > 0 ? 1 : -1};
  for (int i = 0; i < 16; i++) { /* left to right first: its variance is larger */
    ck_assert_int_le(abs(sign[0] * b->weight[i] - (i % 4 < 2 ? 127 : -127)), 8);
    ck_assert_int_le(abs(sign[1] * b->weight[16 + i] - (i / 4 < 2 ? 127 : -127)), 8);
    ck_assert_int_le(abs(b->mean[i] - 128), 6);
  }
  b->e.latent_bits = 8;
  memcpy(b->pixels, pixels, 64);
  encode(b);
  ck_assert_int_eq(ppmli_decode_image(back, &b->e, b->latents, b->moments, b->mean), PPML_OK);
  for (size_t i = 0; i < 64; i++) ck_assert_int_le(abs(back[i] - pixels[i]), 3);
  test_arena_free(&arena);
  test_arena_free(&b->scratch);
  free(pixels);
  free(b);
}
END_TEST

START_TEST(center_and_spread_are_those_of_all_images) {
  enum { COUNT = 50 };
  ppml_rng rng = test_rng(8);
  bench *b = (bench *)test_memory(sizeof *b);
  uint8_t *pixels = (uint8_t *)test_memory(COUNT * 64);
  bench_make(b, 8, 8, 1, 4, 1, 0, &rng);
  test_pixels(pixels, COUNT * 64, &rng);
  ppml_arena arena = test_arena(ppmli_encoder_center_scratch(&b->e));
  double sum = 0, squares = 0;
  for (size_t n = 0; n < COUNT; n++) {
    memcpy(b->pixels, pixels + n * 64, 64);
    for (uint32_t i = 0; i < 4; i++) {
      double z = number_at(b, 0, i / 2, i % 2);
      sum += z, squares += z * z;
    }
  }
  ck_assert_int_eq(
      ppmli_encoder_learn_center(b->center, b->spread, &b->e, pixels, 64, COUNT, &arena), PPML_OK);
  double mean = sum / (4 * COUNT), deviation = sqrt(squares / (4 * COUNT) - mean * mean);
  ck_assert(fabs(b->center[0] - mean) < 0.51 && fabs(b->spread[0] - deviation) < 0.51);
  test_arena_free(&arena);
  test_arena_free(&b->scratch);
  free(pixels);
  free(b);
}
END_TEST

START_TEST(equations_are_solved) {
  enum { N = 101 };
  ppml_rng rng = test_rng(9);
  double *a = (double *)test_memory(N * N * sizeof *a), x[N], want[N];
  double *root = (double *)test_memory(N * N * sizeof *root);
  for (size_t i = 0; i < N * N; i++) root[i] = test_within(&rng, 1000) / 1000.0;
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < N; j++) {
      a[i * N + j] = i == j;
      for (size_t k = 0; k < N; k++) a[i * N + j] += root[i * N + k] * root[j * N + k];
    }
  for (size_t i = 0; i < N; i++) want[i] = test_within(&rng, 1000) / 100.0;
  for (size_t i = 0; i < N; i++) {
    x[i] = 0;
    for (size_t j = 0; j < N; j++) x[i] += a[i * N + j] * want[j];
  }
  ck_assert(ppmli_cholesky(a, N));
  ppmli_cholesky_solve(x, a, N);
  for (size_t i = 0; i < N; i++) ck_assert(fabs(x[i] - want[i]) < 1e-9);
  double indefinite[4] = {1, 0, 2, 1};
  ck_assert(!ppmli_cholesky(indefinite, 2));
  free(a), free(root);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("encoder");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error");
  tcase_add_test(law, latents_are_rounded_deviations_from_the_mean);
  tcase_add_test(law, contrast_and_brightness_do_not_show);
  tcase_add_test(law, a_flat_picture_has_latents_of_zero);
  tcase_add_test(law, floats_become_integers_by_their_bits);
  tcase_add_test(law, ready_latents_are_standardised_too);
  tcase_add_test(law, components_are_the_patterns_of_the_patches);
  tcase_add_test(law, center_and_spread_are_those_of_all_images);
  tcase_add_test(law, equations_are_solved);
  tcase_add_test(bounds, the_largest_sums_fit);
  tcase_add_test(error, what_is_no_number_is_refused);
  tcase_add_test(error, shapes_without_latents_are_refused);
  return test_run(suite);
}
