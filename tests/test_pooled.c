/* test_pooled.c - pooled networks in the clear, and where their latents stand. */
#define PPML_IMPLEMENTATION
#include "pooled_support.h"

/* A latent, zero outside its region. */
static int64_t latent_at(const int8_t *latents, const ppmli_latent_shape *s, uint32_t channel,
                         uint32_t region, int64_t y, int64_t x) {
  uint32_t h = s->height / s->regions, w = s->width / s->regions;
  if (y < 0 || x < 0 || y >= h || x >= w) return 0;
  size_t row = region / s->regions * h + (size_t)y, column = region % s->regions * w + (size_t)x;
  return latents[(channel * s->height + row) * s->width + column];
}

/* A score from its definition: for every weight, all positions of the region. */
static int64_t score_by_definition(const ppmli_pooled *net, uint32_t c, const int8_t *latents) {
  const ppmli_latent_shape *s = &net->shape;
  const int8_t *weight = ppmli_pooled_square(net, c);
  int32_t most = (int32_t)s->reach - 1;
  int64_t score = net->bias[c];
  for (uint32_t i = 0; i < ppmli_latent_count(s); i++)
    score += (int64_t)ppmli_pooled_linear(net, c)[i] * latents[i];
  for (uint32_t r = 0; r < s->regions * s->regions; r++)
    for (uint32_t i = 0; i < s->channels; i++)
      for (uint32_t j = i; j < s->channels; j++)
        for (int32_t dy = -most; dy <= most; dy++)
          for (int32_t dx = -most; dx <= most; dx++) {
            if (i == j && (dy < 0 || (dy == 0 && dx < 0))) continue;
            int64_t sum = 0;
            for (uint32_t y = 0; y < s->height; y++)
              for (uint32_t x = 0; x < s->width; x++)
                sum += latent_at(latents, s, i, r, y, x) *
                       latent_at(latents, s, j, r, (int64_t)y + dy, (int64_t)x + dx);
            score += *weight++ * sum;
          }
  return score;
}

static const uint32_t shapes[][5] = {
    {1, 1, 1, 1, 1}, {6, 4, 2, 2, 3}, {5, 7, 3, 1, 2}, {8, 8, 4, 4, 4}, {12, 6, 1, 3, 8},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static ppmli_latent_shape shape_of(size_t i) {
  const uint32_t *s = shapes[i];
  return test_shape(s[0], s[1], s[2], s[3], s[4]);
}

START_TEST(scores_are_those_of_the_definition) {
  ppml_rng rng = test_rng(1);
  for (size_t i = 0; i < SHAPES; i++) {
    ppmli_latent_shape s = shape_of(i);
    test_pooled t;
    int8_t latents[1024];
    int64_t scores[3];
    test_pooled_make(&t, &s, 3, 1000, &rng);
    test_latents(latents, &s, &rng);
    ppml_arena arena = test_arena(ppmli_pooled_forward_scratch(&t.net));
    ck_assert_int_eq(ppmli_pooled_forward(scores, &t.net, latents, &arena), PPML_OK);
    for (uint32_t c = 0; c < 3; c++)
      ck_assert_int_eq(scores[c], score_by_definition(&t.net, c, latents));
    ck_assert(arena.high_bytes == arena.capacity_bytes && arena.used_bytes == 0);
    test_arena_free(&arena);
    test_pooled_free(&t);
  }
}
END_TEST

START_TEST(terms_are_each_pair_of_channels_at_each_lag_once) {
  for (size_t i = 0; i < SHAPES; i++) {
    ppmli_latent_shape s = shape_of(i);
    ppmli_autocorr_term t = ppmli_autocorr_first();
    uint32_t n = 0;
    for (; t.first < s.channels; n++, ppmli_autocorr_advance(&t, &s)) {
      ck_assert(t.first <= t.second && t.second < s.channels);
      if (t.first == t.second) ck_assert(t.dy > 0 || (t.dy == 0 && t.dx >= 0));
    }
    ck_assert_uint_eq(n, ppmli_autocorr_terms(&s));
  }
}
END_TEST

/* The sum of a term over a region is a coefficient of the product of polynomials, and nothing
 * else falls on it: one number of the message times another, wherever they stand. */
START_TEST(no_lag_wraps_around_a_sub_image) {
  for (size_t i = 0; i < SHAPES; i++) {
    ppmli_latent_shape s = shape_of(i);
    ppmli_pooled_layout l;
    ppmli_pooled_lay_out(&l, &s);
    ck_assert(ppmli_pooled_shape_refusal(&s) == NULL);
    int32_t P = 4096 >> l.depth, most = (int32_t)s.reach - 1;
    int8_t *is_used = (int8_t *)test_memory((size_t)P);
    memset(is_used, 0, (size_t)P);
    for (uint32_t y = 0; y < l.height; y++)
      for (uint32_t x = 0; x < l.width; x++)
        is_used[ppmli_pooled_coefficient(&l, &s, 0, y, x) >> l.depth] = 1;
    for (int32_t dy = -most; dy <= most; dy++)
      for (int32_t dx = -most; dx <= most; dx++)
        for (int32_t y = 0; y < (int32_t)l.height; y++)
          for (int32_t x = 0; x < (int32_t)l.width; x++) {
            int32_t from = ppmli_pooled_offset(&l, y, x);
            int32_t to = (from + ppmli_pooled_offset(&l, dy, dx) + P) % P;
            int is_inside = y + dy >= 0 && y + dy < (int32_t)l.height && x + dx >= 0 &&
                            x + dx < (int32_t)l.width;
            ck_assert_int_eq(is_used[to], is_inside);
          }
    free(is_used);
  }
}
END_TEST

START_TEST(latents_stand_apart) {
  for (size_t i = 0; i < SHAPES; i++) {
    ppmli_latent_shape s = shape_of(i);
    ppmli_pooled_layout l;
    uint8_t seen[4096] = {0};
    ppmli_pooled_lay_out(&l, &s);
    for (uint32_t c = 0; c < s.channels; c++)
      for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 0; x < s.width; x++) {
          uint32_t at = ppmli_pooled_coefficient(&l, &s, c, y, x);
          ck_assert(at < 4096 && !seen[at]);
          seen[at] = 1;
        }
  }
}
END_TEST

START_TEST(shapes_that_are_none_are_invalid) {
  const ppmli_latent_shape bad[] = {{0, 4, 1, 1, 1},   {4, 0, 1, 1, 1},    {4, 4, 0, 1, 1},
                                    {4, 4, 17, 1, 1},  {4, 4, 1, 0, 1},    {4, 4, 1, 3, 1},
                                    {4, 6, 1, 4, 1},   {4, 4, 1, 1, 0},    {4, 4, 1, 1, 9},
                                    {64, 65, 1, 1, 1}, {34, 34, 1, 17, 1}, {1u << 31, 2, 1, 1, 1},
                                    {4097, 1, 1, 1, 1}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_assert_msg(!ppmli_latent_shape_is_valid(&bad[i]), "shape %zu is valid", i);
}
END_TEST

/* Sizes of docs/DESIGN.md that fit a ciphertext, and their next larger ones that do not. */
START_TEST(what_does_not_fit_is_refused) {
  const ppmli_latent_shape fit[] = {{28, 28, 2, 4, 3}, {28, 28, 4, 2, 3}, {28, 28, 4, 4, 2},
                                    {28, 28, 1, 4, 5}, {28, 28, 3, 1, 3}, {8, 8, 16, 1, 3},
                                    {56, 56, 1, 4, 3}, {14, 14, 8, 2, 3}};
  const ppmli_latent_shape over[] = {{28, 28, 4, 4, 3},
                                     {28, 28, 5, 1, 1},
                                     {64, 64, 1, 1, 2},
                                     {16, 16, 8, 4, 1},
                                     {24, 24, 1, 12, 1}};
  for (size_t i = 0; i < sizeof fit / sizeof fit[0]; i++)
    ck_assert_msg(ppmli_pooled_shape_refusal(&fit[i]) == NULL, "shape %zu is refused", i);
  for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
    ck_assert(ppmli_latent_shape_is_valid(&over[i]));
    ck_assert_msg(ppmli_pooled_shape_refusal(&over[i]) != NULL, "shape %zu fits", i);
  }
}
END_TEST

START_TEST(scores_beyond_the_torus_are_refused) {
  ppml_rng rng = test_rng(2);
  ppmli_latent_shape s = test_shape(8, 8, 2, 2, 3);
  ppmli_pooled_layout l;
  test_pooled t;
  test_pooled_make(&t, &s, 2, 1 << 20, &rng);
  ck_assert(ppmli_pooled_refusal(&t.net) == NULL);
  ppmli_pooled_layout_of(&l, &t.net);
  ck_assert_uint_eq(l.modulus_log2, 23); /* 5 * 2^20 */
  t.peak[1] = (int64_t)1 << 28;
  ck_assert(ppmli_pooled_refusal(&t.net) != NULL);
  t.peak[1] = 0;
  ck_assert(!ppmli_pooled_is_valid(&t.net));
  test_pooled_free(&t);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pooled");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, scores_are_those_of_the_definition);
  tcase_add_test(law, terms_are_each_pair_of_channels_at_each_lag_once);
  tcase_add_test(law, no_lag_wraps_around_a_sub_image);
  tcase_add_test(law, latents_stand_apart);
  tcase_add_test(error, shapes_that_are_none_are_invalid);
  tcase_add_test(error, what_does_not_fit_is_refused);
  tcase_add_test(error, scores_beyond_the_torus_are_refused);
  return test_run(suite);
}
