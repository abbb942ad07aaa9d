/* test_features.c - the feature map, encrypted training sets, and models folded from weights of
 * features. */
#include "learn_support.h"

#include "../ppml_impl/train/linear_fold.h"

/* --------------------------------------------------------------------- map */

/* A map alone, without keys. */
static ppml_features map_make(test_images *images, uint32_t classes, uint32_t task,
                              uint32_t features, ppml_arena *arena) {
  ppml_image_source source = test_source(images);
  ppml_features map;
  ppml_rng rng = test_rng(41);
  memset(&map, 0, sizeof map);
  map.spec.width = map.spec.height = TEST_SIDE, map.spec.channels = 1;
  map.spec.input_bits = 8, map.spec.score_unit = 1;
  map.spec.classes = classes, map.spec.task = task;
  map.spec.outputs = ppmli_task_outputs(task, classes);
  ppmli_spec_name_classes(&map.spec);
  map.count = features, map.batch = TEST_BATCH;
  ck_assert_int_eq(ppmli_features_fit(&map, &source, 300, &rng, arena), PPML_OK);
  return map;
}

START_TEST(frequencies_stand_in_order_and_are_those_of_the_definition) {
  ppmli_frequency f[143];
  ppml_arena arena = test_arena(ppmli_dct_bytes(TEST_SIDE, TEST_SIDE));
  ppmli_dct dct;
  ppml_rng rng = test_rng(1);
  uint8_t pixels[TEST_INPUTS];
  int64_t out[143], sums[TEST_SIDE];
  ck_assert_int_eq(ppmli_dct_init(&dct, TEST_SIDE, TEST_SIDE, 1, &arena), PPML_OK);
  ck_assert_uint_eq(ppmli_dct_frequencies(TEST_SIDE, TEST_SIDE, 1), 143);
  ppmli_dct_lowest(f, 143, TEST_SIDE, TEST_SIDE, 1);
  test_pixels(pixels, sizeof pixels, &rng);
  ppmli_dct_run(out, &dct, f, 143, pixels, sums);
  for (size_t i = 0; i < 143; i++) {
    double sum = 0;
    if (i)
      ck_assert(f[i - 1].u * f[i - 1].u + f[i - 1].v * f[i - 1].v <=
                f[i].u * f[i].u + f[i].v * f[i].v);
    for (int y = 0; y < TEST_SIDE; y++)
      for (int x = 0; x < TEST_SIDE; x++)
        sum += pixels[y * TEST_SIDE + x] * cos(3.14159265358979 * (2 * x + 1) * f[i].u / 24) *
               cos(3.14159265358979 * (2 * y + 1) * f[i].v / 24);
    ck_assert_msg(fabs(ldexp((double)out[i], -8) - sum) < 0.5, "%zu: %g, not %g", i,
                  ldexp((double)out[i], -8), sum);
  }
  ck_assert(f[0].u == 0 && f[0].v == 1);
  test_arena_free(&arena);
}
END_TEST

/* Uncorrelated, with a deviation of 2.5 steps, on images like those of the fit. */
START_TEST(features_of_like_images_are_whitened) {
  test_images images = test_images_make(600, 2, 1), others = test_images_make(1500, 2, 2);
  ppml_arena arena = test_arena((size_t)1 << 20);
  ppml_features map = map_make(&images, 2, PPML_TASK_CLASS, 12, &arena);
  double square[12][12] = {{0}}, sum[12] = {0};
  for (size_t n = 0; n < others.count; n++) {
    int8_t x[13];
    ck_assert_int_eq(ppmli_features_run(x, &map, others.pixels + n * TEST_INPUTS, &arena), PPML_OK);
    ck_assert_int_eq(x[12], PPMLI_FEATURE_ONE);
    for (int i = 0; i < 12; i++) {
      ck_assert(x[i] >= -PPMLI_FEATURE_MOST && x[i] <= PPMLI_FEATURE_MOST);
      sum[i] += x[i] / 1500.0;
      for (int j = 0; j <= i; j++) square[i][j] += x[i] * x[j] / 1500.0;
    }
  }
  for (int i = 0; i < 12; i++) {
    ck_assert_msg(fabs(sum[i]) < 1, "mean of %d is %g", i, sum[i]);
    double deviation = sqrt(square[i][i] - sum[i] * sum[i]);
    ck_assert_msg(deviation > 1.8 && deviation < 3, "deviation of %d is %g", i, deviation);
    for (int j = 0; j < i; j++)
      ck_assert_msg(fabs(square[i][j] - sum[i] * sum[j]) < 1.5, "%d and %d: %g", i, j,
                    square[i][j]);
  }
  test_arena_free(&arena), test_images_free(&images), test_images_free(&others);
}
END_TEST

static size_t map_write(uint8_t *bytes, size_t capacity, const ppml_features *map) {
  ppml_writer writer = ppml_writer_to_memory(bytes, capacity);
  ppml_header h;
  ppmli_out out;
  memset(&h, 0, sizeof h);
  h.kind = PPML_KIND_MODEL;
  h.payload_bytes = ppmli_features_payload_bytes(map);
  ppmli_out_begin(&out, &writer, &h);
  ppmli_features_put(&out, map);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  return writer.position;
}

static int map_read(ppml_features *map, const uint8_t *bytes, size_t count, ppml_arena *arena) {
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin(&in, &h, &reader, &limits));
  PPMLI_TRY(ppmli_features_get(map, &in, &limits, arena));
  return ppmli_in_end(&in);
}

START_TEST(a_map_comes_back_from_its_file) {
  test_images images = test_images_make(300, 3, 3);
  ppml_arena arena = test_arena((size_t)1 << 20);
  ppml_features map = map_make(&images, 3, PPML_TASK_GRADE, 9, &arena), read;
  uint8_t bytes[4096];
  size_t count = map_write(bytes, sizeof bytes, &map);
  ck_assert_uint_eq(count, PPMLI_CONTAINER_BYTES + ppmli_features_payload_bytes(&map));
  ck_assert_int_eq(map_read(&read, bytes, count, &arena), PPML_OK);
  ck_assert_int_eq(memcmp(read.id, map.id, PPML_ID_BYTES), 0);
  for (size_t n = 0; n < 20; n++) {
    int8_t x[10], y[10];
    ck_assert_int_eq(ppmli_features_run(x, &map, images.pixels + n * TEST_INPUTS, &arena), PPML_OK);
    ck_assert_int_eq(ppmli_features_run(y, &read, images.pixels + n * TEST_INPUTS, &arena),
                     PPML_OK);
    ck_assert_int_eq(memcmp(x, y, sizeof x), 0);
  }
  ck_assert_int_eq(map_read(&read, bytes, count - 1, &arena), PPML_ERR_TRUNCATED);
  uint8_t *version = bytes + PPMLI_HEADER_BYTES, *features = version + 4, *batch = version + 8;
  ++*version;
  ck_assert_int_eq(map_read(&read, bytes, count, &arena), PPML_ERR_VERSION);
  --*version, *features = 200; /* more than 12 x 12 pixels have */
  ck_assert_int_eq(map_read(&read, bytes, count, &arena), PPML_ERR_RANGE);
  *features = 9, *batch = 17;
  ck_assert_int_eq(map_read(&read, bytes, count, &arena), PPML_ERR_RANGE);
  *batch = TEST_BATCH, bytes[count - 20] ^= 1;
  ck_assert_int_eq(map_read(&read, bytes, count, &arena), PPML_ERR_CHECKSUM);
  test_arena_free(&arena), test_images_free(&images);
}
END_TEST

START_TEST(images_that_cannot_be_fitted_are_refused) {
  test_images images = test_images_make(20, 2, 4);
  ppml_arena arena = test_arena((size_t)1 << 20);
  ppml_features map = map_make(&images, 2, PPML_TASK_CLASS, 4, &arena);
  ppml_image_source source = test_source(&images);
  ppml_rng rng = test_rng(1);
  source.count = 0;
  ck_assert_int_eq(ppmli_features_fit(&map, &source, 300, &rng, &arena), PPML_ERR_ARG);
  source.count = images.count;
  map.count = 144;
  ck_assert_int_eq(ppmli_features_fit(&map, &source, 300, &rng, &arena), PPML_ERR_RANGE);
  map.count = 4;
  memset(images.pixels, 99, images.count * TEST_INPUTS);
  ck_assert_int_eq(ppmli_features_fit(&map, &source, 300, &rng, &arena), PPML_ERR_RANGE);
  test_arena_free(&arena), test_images_free(&images);
}
END_TEST

/* ---------------------------------------------------------------- training */

/* Nothing that can be seen of a set depends on the labels: not how many of which class there are. */
START_TEST(labels_do_not_show_in_sizes_order_or_seeds) {
  test_images images = test_images_make(300, 2, 5);
  test_learner t;
  ppmli_training_plan plan[2];
  test_file file[2];
  test_learner_make(&t, &images, 2, PPML_TASK_CLASS, 4);
  for (int k = 0; k < 2; k++) {
    ppml_rng rng = test_rng(17); /* the same coins */
    for (size_t n = 0; n < images.count; n++) images.labels[n] = n < (k ? 20u : 170u);
    file[k] = test_set_make(&t, &images, PPMLI_ROWS_DESCENT, 1, &plan[k], &rng);
  }
  ck_assert_uint_eq(file[0].count, file[1].count);
  size_t head = PPMLI_HEADER_BYTES + 28; /* up to the set's random id */
  ck_assert_int_eq(memcmp(file[0].bytes, file[1].bytes, head), 0);
  for (int k = 0; k < 2; k++) { /* classes weigh the same, images come as they are first */
    size_t positive = 0, warped = 0;
    for (size_t s = 0; s < plan[k].set.count; s++) {
      positive += plan[k].row[s] / 2 < (k ? 20u : 170u);
      warped += plan[k].row[s] & 1;
    }
    ck_assert_uint_eq(positive, plan[k].set.count / 2);
    ck_assert_uint_eq(warped, plan[k].set.count / 2 * 2 - (k ? 20 + 232 : 170 + 130));
  }
  free(file[0].bytes), free(file[1].bytes);
  test_learner_free(&t), test_images_free(&images);
}
END_TEST

/* The same images twice: seeds and bodies are as good as independent. */
START_TEST(two_encryptions_share_no_byte_beyond_chance) {
  test_images images = test_images_make(200, 2, 6);
  test_learner t;
  ppmli_training_plan plan;
  test_learner_make(&t, &images, 2, PPML_TASK_CLASS, 4);
  test_file one = test_set_make(&t, &images, PPMLI_ROWS_GRAM, 1, &plan, &t.rng);
  test_file two = test_set_make(&t, &images, PPMLI_ROWS_GRAM, 1, &plan, &t.rng);
  size_t first = PPMLI_HEADER_BYTES + PPMLI_TRAINING_BEGIN_BYTES, equal = 0;
  for (size_t i = first; i < one.count; i++) equal += one.bytes[i] == two.bytes[i];
  double expected = (double)(one.count - first) / 256;
  ck_assert_msg(fabs((double)equal - expected) < 5 * sqrt(expected), "%zu, expected %g", equal,
                expected);
  size_t block = ppmli_rows_block_bytes(&plan.set.rows, t.p); /* nor do blocks of one file */
  ck_assert(one.count >= first + block);
  free(one.bytes), free(two.bytes);
  test_learner_free(&t), test_images_free(&images);
}
END_TEST

/* Of a copy of a generator whose entropy source gives all copies the same. */
static ppmli_seeds rows_seeds(const int8_t *feature, const int8_t *label,
                              const ppml_secret_key *key, ppml_rng rng) {
  ppmli_rows rows = ppmli_rows_make(PPMLI_ROWS_DESCENT, 3, 2, TEST_BATCH);
  ppmli_rows_clear clear = {feature, label};
  ppmli_seeds seeds;
  ck_assert_int_eq(ppmli_rng_begin(&rng), PPML_OK);
  ppmli_rows_seeds_draw(&seeds, &rows, &clear, key, &rng);
  return seeds;
}

START_TEST(seeds_differ_where_rows_or_keys_do_even_without_entropy) {
  int byte = 0;
  int8_t x[2][3 * 512] = {{0}}, y[2][2 * 512] = {{0}};
  ppml_secret_key key, other;
  ppml_client client = {0};
  ppml_rng given = test_rng(1);
  client.params = test_small();
  test_secret_key_make(&key, &client, &given);
  memset(key.glwe_bits, 0, key.bytes);
  test_secret_key_copy(&other, &key);
  x[1][3 * 512 - 1] = 1, y[1][2 * 512 - 1] = 1, other.glwe_bits[0] = 1;
  ppml_rng rng = test_constant_rng(&byte);
  const ppmli_seeds seeds[] = {rows_seeds(x[0], y[0], &key, rng), rows_seeds(x[1], y[0], &key, rng),
                               rows_seeds(x[0], y[1], &key, rng),
                               rows_seeds(x[0], y[0], &other, rng)};
  for (int i = 0; i < 4; i++) {
    ck_assert_mem_ne(seeds[i].mask, seeds[i].noise, PPML_SEED_BYTES);
    for (int j = 0; j < i; j++) {
      ck_assert_mem_ne(seeds[i].mask, seeds[j].mask, PPML_SEED_BYTES);
      ck_assert_mem_ne(seeds[i].noise, seeds[j].noise, PPML_SEED_BYTES);
    }
  }
}
END_TEST

START_TEST(threads_do_not_change_the_file) {
  test_images images = test_images_make(100, 2, 7);
  test_learner t;
  ppmli_training_plan plan;
  ppml_parallel parallel = test_parallel(3);
  test_learner_make(&t, &images, 2, PPML_TASK_CLASS, 3);
  ppml_rng rng = test_rng(5), again;
  ppml_image_source source = test_source(&images);
  ck_assert_int_eq(
      ppmli_training_plan_make(&plan, &t.map, &source, PPMLI_ROWS_DESCENT, 0, t.p, &rng, &t.memory),
      PPML_OK);
  again = rng;
  test_file file[2];
  for (int k = 0; k < 2; k++) {
    uint64_t payload = ppmli_training_payload_bytes(&plan.set, t.p);
    file[k] = test_file_new((size_t)payload);
    ppml_writer writer = ppml_writer_to_memory(file[k].bytes, file[k].count);
    ppmli_out out;
    ppml_arena scratch = test_arena(ppmli_training_write_bytes(&plan.set, &t.map, t.p, 3));
    test_begin(&out, &writer, &t, payload);
    ck_assert_int_eq(ppmli_training_put(&out, &plan, &t.map, &source, &t.keys.secret,
                                        k ? &again : &rng, k ? &parallel : NULL, NULL, &scratch),
                     PPML_OK);
    ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
    test_arena_free(&scratch);
  }
  ck_assert_int_eq(memcmp(file[0].bytes, file[1].bytes, file[0].count), 0);
  free(file[0].bytes), free(file[1].bytes);
  test_learner_free(&t), test_images_free(&images);
}
END_TEST

START_TEST(what_cannot_be_learnt_from_is_refused) {
  test_images images = test_images_make(50, 2, 8);
  ppml_arena arena = test_arena((size_t)1 << 20);
  ppml_features map = map_make(&images, 2, PPML_TASK_CLASS, 4, &arena);
  ppmli_training_plan plan;
  ppml_rng rng = test_rng(1);
  ppml_image_source source = test_source(&images);
  const ppml_params *p = test_small();
  source.count = 0;
  ck_assert_int_eq(
      ppmli_training_plan_make(&plan, &map, &source, PPMLI_ROWS_DESCENT, 0, p, &rng, &arena),
      PPML_ERR_ARG);
  source.count = 50;
  images.labels[7] = 2; /* beyond the classes */
  ck_assert_int_eq(
      ppmli_training_plan_make(&plan, &map, &source, PPMLI_ROWS_DESCENT, 0, p, &rng, &arena),
      PPML_ERR_ARG);
  memset(images.labels, 1, 50); /* one class alone */
  ck_assert_int_eq(
      ppmli_training_plan_make(&plan, &map, &source, PPMLI_ROWS_DESCENT, 0, p, &rng, &arena),
      PPML_ERR_ARG);
  images.labels[0] = 0;
  ck_assert_int_eq(ppmli_training_plan_make(&plan, &map, &source, 3, 0, p, &rng, &arena),
                   PPML_ERR_PARAMS);
  ck_assert_int_eq(ppmli_training_plan_make(&plan, &map, &source, PPMLI_ROWS_DESCENT, 0,
                                            ppml_params_by_name("fast"), &rng, &arena),
                   PPML_ERR_PARAMS); /* four mask polynomials */
  test_arena_free(&arena), test_images_free(&images);
}
END_TEST

/* Reads all blocks of a set, twice. */
static int read_set(const test_file *file, test_learner *t, size_t *rows) {
  ppml_reader reader = ppml_reader_from_memory(file->bytes, file->count);
  ppmli_training_file f;
  PPMLI_TRY(test_set_open(&f, &reader, t));
  uint8_t *wire = test_memory(ppmli_rows_block_bytes(&f.set.rows, t->p));
  int error = PPML_OK;
  *rows = 0;
  for (uint64_t b = 0; b < 2 * f.blocks && error == PPML_OK; b++) {
    error = ppmli_training_next(&f, wire);
    if (error == PPML_OK) *rows += ppmli_training_block_rows(&f);
  }
  free(wire);
  return error;
}

START_TEST(a_damaged_or_foreign_set_is_refused) {
  test_images images = test_images_make(800, 2, 9);
  test_learner t;
  ppmli_training_plan plan;
  size_t rows;
  test_learner_make(&t, &images, 2, PPML_TASK_CLASS, 2);
  test_file file = test_set_make(&t, &images, PPMLI_ROWS_DESCENT, 1, &plan, &t.rng);
  size_t block = ppmli_rows_block_bytes(&plan.set.rows, t.p);
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_OK);
  ck_assert_uint_eq(rows, 2 * plan.set.count);
  file.count -= PPML_ID_BYTES + block; /* cut between two blocks */
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_TRUNCATED);
  file.count += PPML_ID_BYTES + block;
  uint8_t *payload = file.bytes + PPMLI_HEADER_BYTES;
  payload[PPMLI_TRAINING_BEGIN_BYTES + block + 5] ^= 1; /* a seed of the second block */
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_CHECKSUM);
  payload[PPMLI_TRAINING_BEGIN_BYTES + block + 5] ^= 1;
  payload[0]++; /* version */
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_VERSION);
  payload[0]--, payload[4] = 9; /* purpose */
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_RANGE);
  payload[4] = PPMLI_ROWS_DESCENT, payload[16]--; /* a batch that N is no multiple of */
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_RANGE);
  payload[16]++, payload[22]++; /* 65536 rows more than there are */
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_FORMAT);
  payload[22]--;
  t.keys.secret.id[0] ^= 1;
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_MISMATCH);
  t.keys.secret.id[0] ^= 1, t.map.id[0] ^= 1;
  ck_assert_int_eq(read_set(&file, &t, &rows), PPML_ERR_MISMATCH);
  free(file.bytes);
  test_learner_free(&t), test_images_free(&images);
}
END_TEST

/* ------------------------------------------------------------------ models */

/* Scores of the folded model are those of features that are not rounded, up to the rounding of
 * weights; and peaks are above them. */
START_TEST(a_folded_model_scores_as_its_features_do) {
  test_images images = test_images_make(400, 3, 10);
  ppml_arena arena = test_arena((size_t)1 << 20);
  ppml_features map = map_make(&images, 3, PPML_TASK_CLASS, 10, &arena), fine;
  ppml_rng rng = test_rng(3);
  double w[33], scale = 0;
  ppml_model m;
  for (int i = 0; i < 33; i++) w[i] = test_within(&rng, 100) / 300.0;
  ck_assert_int_eq(ppmli_linear_fold_run(&m, &map, w, &arena), PPML_OK);
  ck_assert(ppmli_linear_fits(&m));
  test_moments error = {0, 0, 0, 0}, sizes = {0, 0, 0, 0};
  scale = m.spec.score_unit / PPMLI_FOLD_LOGIT;
  fine = map;
  for (size_t n = 0; n < images.count; n++) {
    const uint8_t *pixels = images.pixels + n * TEST_INPUTS;
    int64_t x[11], sums[TEST_SIDE];
    int32_t scores[3];
    ck_assert_int_eq(ppml_model_predict(scores, &m, pixels, &arena), PPML_OK);
    ppmli_dct_run(x, fine.dct, fine.frequency + 1, 10, pixels, sums);
    for (int c = 0; c < 3; c++) {
      const int16_t *weight = map.weight;
      double score = w[c * 11 + 10] * PPMLI_FEATURE_ONE;
      for (uint32_t i = 0; i < 10; weight += ++i)
        for (uint32_t j = 0; j <= i; j++)
          score += w[(uint32_t)c * 11 + i] * ldexp(weight[j], -(int)map.shift[i]) *
                   (double)(x[j] - map.mean[1 + j]);
      test_moments_add(&error, scores[c] / scale - score);
      test_moments_add(&sizes, score);
      ck_assert(abs(scores[c]) <= m.layer[0].peak[c]);
    }
  }
  double share = sqrt(error.squares / sizes.squares);
  ck_assert_msg(share < 0.02, "off by %g of the scores", share);
  ck_assert_msg(fabs(test_mean(&error)) < 0.01 * sqrt(sizes.squares / (double)sizes.count),
                "mean of the errors %g", test_mean(&error));
  test_arena_free(&arena), test_images_free(&images);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("features");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, frequencies_stand_in_order_and_are_those_of_the_definition);
  tcase_add_test(law, features_of_like_images_are_whitened);
  tcase_add_test(law, a_map_comes_back_from_its_file);
  tcase_add_test(error, images_that_cannot_be_fitted_are_refused);
  tcase_add_test(law, labels_do_not_show_in_sizes_order_or_seeds);
  tcase_add_test(law, two_encryptions_share_no_byte_beyond_chance);
  tcase_add_test(law, seeds_differ_where_rows_or_keys_do_even_without_entropy);
  tcase_add_test(law, threads_do_not_change_the_file);
  tcase_add_test(error, what_cannot_be_learnt_from_is_refused);
  tcase_add_test(error, a_damaged_or_foreign_set_is_refused);
  tcase_add_test(law, a_folded_model_scores_as_its_features_do);
  return test_run(suite);
}
