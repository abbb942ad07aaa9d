/* learn_support.h - what the suites of learning share: a small parameter set, which no build of the
 * library has, keys of it, and images that a linear model can tell apart.  Included first. */
#ifndef PPML_TEST_LEARN_SUPPORT_H
#define PPML_TEST_LEARN_SUPPORT_H

#include "suite.h"

#define PPML_ASSERT(condition) ck_assert(condition)
#define PPML_API static inline
#define PPML_NO_TRAIN

/* Readers look a set up by its number, and calls take no set but those of the table: both find the
 * small one as well. */
#define ppmli_params_by_id ppmli_params_by_id_of_table
#define ppmli_params_by_index ppmli_params_by_index_of_table
#define ppmli_params_by_name ppmli_params_by_name_of_table
#include "../ppml_impl/math/params.h"
#undef ppmli_params_by_id
#undef ppmli_params_by_index
#undef ppmli_params_by_name
#define PPMLI_LEARNING_SET "small"

enum { SMALL_ID = 99 };

TEST_STATIC const ppml_params *test_small(void) {
  static const ppml_params small = {"small", SMALL_ID, 128,   1,      512, 2,  0,  1, 23, 1,
                                    2,       8,        2000u, 69875u, 32,  52, 14, 0, 0,  "none"};
  return &small;
}

TEST_STATIC const ppml_params *ppmli_params_by_id(uint32_t id) {
  return id == SMALL_ID ? test_small() : ppmli_params_by_id_of_table(id);
}

TEST_STATIC const ppml_params *ppmli_params_by_index(size_t index) {
  const size_t count = sizeof ppmli_params_table / sizeof ppmli_params_table[0];
  return index == count ? test_small() : ppmli_params_by_index_of_table(index);
}

TEST_STATIC const ppml_params *ppmli_params_by_name(const char *name) {
  return strcmp(name, "small") == 0 ? test_small() : ppmli_params_by_name_of_table(name);
}

#define PPML_IMPLEMENTATION
#include "support.h"

#include "../ppml_impl/server/checkpoint.h"
#include "../ppml_impl/train/features_fit.h"
#include "../ppml_impl/wire/packing_key.h"
#include "../ppml_impl/client/classify_reveal.h"
#include "../ppml_impl/server/classify.h"
#include "../ppml_impl/server/gram.h"
#include "../ppml_impl/plan/learn_outlook.h"
#include "../ppml_impl/train/features_fit.h"
#include "../ppml_impl/client/reveal.h"
#include "../ppml_impl/client/sums.h"
#include "../ppml_impl/server/sums_add.h"

enum { TEST_SIDE = 12, TEST_INPUTS = TEST_SIDE * TEST_SIDE, TEST_BATCH = 16 };

/* ----------------------------------------------------------------- images */

/* Random smooth images: a class is a slope that they share beside their own. */
typedef struct test_images {
  uint8_t *pixels, *labels;
  size_t count;
} test_images;

TEST_STATIC int test_images_read(void *context, size_t index, uint8_t *pixels) {
  memcpy(pixels, ((const test_images *)context)->pixels + index * TEST_INPUTS, TEST_INPUTS);
  return 0;
}

TEST_STATIC test_images test_images_make(size_t count, uint32_t classes, uint64_t seed) {
  test_images images = {test_memory(count * TEST_INPUTS), test_memory(count), count};
  ppml_rng rng = test_rng(seed);
  for (size_t n = 0; n < count; n++) {
    uint32_t label = images.labels[n] =
        (uint8_t)(test_below(&rng, 3 * classes) % (classes + 1) % classes);
    double a = test_within(&rng, 100) / 20.0 + 4.0 * label, b = test_within(&rng, 100) / 15.0;
    double c = test_within(&rng, 100) / 10.0 - 3.0 * label;
    for (int y = 0; y < TEST_SIDE; y++)
      for (int x = 0; x < TEST_SIDE; x++) {
        double v = 128 + a * (x - 5.5) + b * (y - 5.5) + c * cos(0.9 * x) + test_within(&rng, 30);
        images.pixels[n * TEST_INPUTS + (size_t)(y * TEST_SIDE + x)] = (uint8_t)(v < 0     ? 0
                                                                                 : v > 255 ? 255
                                                                                           : v);
      }
  }
  return images;
}

TEST_STATIC void test_images_free(test_images *images) {
  free(images->pixels), free(images->labels);
}

TEST_STATIC ppml_image_source test_source(test_images *images) {
  ppml_image_source source = {test_images_read, images, images->labels, images->count};
  return source;
}

/* ------------------------------------------------------------------- bench */

typedef struct test_learner {
  const ppml_params *p;
  ppml_features map;
  test_keys keys;
  ppmli_packing_key packing;
  ppml_arena memory; /* of map, packing key and whatever a test makes */
  ppml_rng rng;
} test_learner;

/* A payload as a container. */
TEST_STATIC void test_begin(ppmli_out *out, ppml_writer *writer, const test_learner *t,
                            uint64_t payload) {
  ppml_header h;
  memset(&h, 0, sizeof h);
  h.kind = PPML_KIND_TRAINING;
  h.params = t->p;
  h.payload_bytes = payload;
  memcpy(h.circuit_id, t->map.id, PPML_ID_BYTES);
  memcpy(h.key_id, t->keys.secret.id, PPML_ID_BYTES);
  ppmli_out_begin(out, writer, &h);
}

typedef struct test_file {
  uint8_t *bytes;
  size_t count;
} test_file;

TEST_STATIC test_file test_file_new(size_t payload) {
  test_file file = {NULL, payload + PPMLI_CONTAINER_BYTES};
  file.bytes = test_memory(file.count);
  return file;
}

TEST_STATIC void test_packing_make(test_learner *t) {
  const ppml_params *p = t->p;
  test_file file = test_file_new(ppmli_packing_payload_bytes(p));
  ppml_writer writer = ppml_writer_to_memory(file.bytes, file.count);
  ppml_arena scratch = test_arena(ppmli_packing_put_scratch(p));
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  ppmli_out out;
  ppmli_in in;
  test_begin(&out, &writer, t, ppmli_packing_payload_bytes(p));
  ck_assert_int_eq(ppmli_packing_put(&out, &t->keys.secret, &t->rng, &scratch), PPML_OK);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(file.bytes, file.count);
  ck_assert_int_eq(ppmli_in_begin(&in, &h, &reader, &limits), PPML_OK);
  ck_assert_int_eq(ppmli_packing_get(&t->packing, &in, p, t->keys.eval.fft, &t->memory), PPML_OK);
  test_arena_free(&scratch);
  free(file.bytes);
}

/* A map fitted on images, and all keys. */
TEST_STATIC void test_learner_make(test_learner *t, test_images *images, uint32_t classes,
                                   uint32_t task, uint32_t features) {
  ppml_image_source source = test_source(images);
  ppml_client client;
  memset(t, 0, sizeof *t);
  t->p = test_small();
  t->rng = test_rng(41);
  t->memory = test_arena((size_t)1 << 26);
  ppml_spec *s = &t->map.spec;
  s->width = s->height = TEST_SIDE, s->channels = 1, s->input_bits = 8, s->score_unit = 1;
  s->classes = classes, s->task = task, s->outputs = ppmli_task_outputs(task, classes);
  ppmli_spec_name_classes(s);
  t->map.count = features;
  t->map.batch = TEST_BATCH;
  ck_assert_int_eq(ppmli_features_fit(&t->map, &source, 300, &t->rng, &t->memory), PPML_OK);
  ppml_client_from_features(&client, &t->map);
  test_keys_make(&t->keys, &client, 43);
  test_packing_make(t);
}

TEST_STATIC void test_learner_free(test_learner *t) {
  test_keys_free(&t->keys);
  test_arena_free(&t->memory);
}

/* --------------------------------------------------------------- training */

/* An encrypted set of images; the plan stays in t->memory. */
TEST_STATIC test_file test_set_make(test_learner *t, test_images *images, uint32_t purpose,
                                    int has_labels, ppmli_training_plan *plan, ppml_rng *rng) {
  ppml_image_source source = test_source(images);
  if (!has_labels) source.labels = NULL;
  ck_assert_int_eq(
      ppmli_training_plan_make(plan, &t->map, &source, purpose, 0, t->p, rng, &t->memory), PPML_OK);
  uint64_t payload = ppmli_training_payload_bytes(&plan->set, t->p);
  test_file file = test_file_new((size_t)payload);
  ppml_writer writer = ppml_writer_to_memory(file.bytes, file.count);
  ppmli_out out;
  ppml_arena scratch = test_arena(ppmli_training_write_bytes(&plan->set, &t->map, t->p, 1));
  test_begin(&out, &writer, t, payload);
  ck_assert_int_eq(
      ppmli_training_put(&out, plan, &t->map, &source, &t->keys.secret, rng, NULL, NULL, &scratch),
      PPML_OK);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  ck_assert_uint_eq(writer.position, file.count);
  ck_assert_uint_eq(scratch.high_bytes, scratch.capacity_bytes);
  test_arena_free(&scratch);
  return file;
}

TEST_STATIC int test_set_open(ppmli_training_file *f, ppml_reader *reader, const test_learner *t) {
  ppml_limits limits = ppml_limits_default();
  return ppmli_training_open(f, reader, &limits, t->map.id, t->keys.secret.id);
}

/* The rows of a plan in the clear. */
TEST_STATIC ppmli_clear_rows test_clear_rows(test_learner *t, test_images *images,
                                             const ppmli_training_plan *plan) {
  ppml_image_source source = test_source(images);
  size_t F = plan->set.rows.features, C = plan->set.rows.outputs, count = (size_t)plan->set.count;
  int8_t *x = test_memory(count * F), *y = test_memory(count * C);
  uint8_t pixels[2 * TEST_INPUTS];
  for (size_t s = 0; s < count; s++)
    ck_assert_int_eq(
        ppmli_training_row(x + s * F, y + s * C, plan, &t->map, &source, s, pixels, &t->memory),
        PPML_OK);
  ppmli_clear_rows rows = {x, y, count};
  return rows;
}

TEST_STATIC void test_clear_rows_free(ppmli_clear_rows *rows) {
  free((void *)(uintptr_t)rows->feature), free((void *)(uintptr_t)rows->label);
}

#endif
