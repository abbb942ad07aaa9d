/* fuzz_learning.c - any bytes as each of the files of learning; see container.h for how they are mended.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE \
 *         -o fuzz_learning fuzz/fuzz_learning.c -lm
 *     mkdir -p /tmp/new && ./fuzz_learning -max_len=16384 /tmp/new fuzz/corpus/learning
 *
 * Corpus alone: fuzz/replay.c beside this file, and no fuzzer among the sanitizers. */
#include "container.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

typedef struct learning_case {
  const uint8_t *bytes;
  size_t count;
  ppml_limits limits;
} learning_case;

static ppml_reader learning_reader(const learning_case *c) {
  return ppml_reader_from_memory(c->bytes, c->count);
}

/* Memory that the header announces. */
static ppml_arena learning_arena(const learning_case *c) {
  ppml_reader reader = learning_reader(c);
  ppml_header header;
  int error = ppml_header_read(&header, &reader, &c->limits);
  return container_arena(error ? 0 : ppml_read_bytes(&header));
}

static int learning_pixels(void *context, size_t index, uint8_t *pixels) {
  memset(pixels, (int)index * 50, *(const size_t *)context);
  return 0;
}

/* Whatever map can be read makes features of images, and a client spec that is one. */
static void learning_use_map(const ppml_features *map) {
  uint8_t labels[2] = {0, 1}, all[2 * PPML_CLASSES_MAX] = {0, 1};
  size_t inputs = ppml_spec_inputs(&map->spec);
  ppml_image_source source = {learning_pixels, &inputs, labels, 2};
  ppml_learn_options options = ppml_learn_options_default();
  ppml_training_plan plan;
  ppml_client client;
  ppml_rng rng;
  if (map->spec.task == PPML_TASK_LABELS) source.labels = all;
  ppml_rng_init_for_tests(&rng, 1);
  ppml_client_from_features(&client, map);
  if (!ppmli_client_is_valid(&client, &(ppml_limits){1 << 20, 1 << 16, 1 << 12, 1, 1 << 30}))
    abort();
  if (inputs > 1 << 10) return;
  options.method = PPML_LEARN_GRAM;
  ppml_arena arena = container_arena(ppml_training_plan_make_bytes(map, &source, &options));
  if (ppml_training_plan_make(&plan, map, &source, &options, &rng, &arena) != PPML_OK) abort();
  ppml_arena scratch = container_arena(ppml_learn_simulate_bytes(&plan, map));
  double *weights = (double *)calloc((size_t)plan.features * plan.outputs, sizeof *weights);
  if (!weights) abort();
  int error = ppml_learn_simulate(weights, &plan, map, &source, &options, 1, NULL, &scratch);
  if (error != PPML_OK && error != PPML_ERR_RANGE) abort();
  free(weights);
  free(scratch.memory);
  free(arena.memory);
}

/* What was read is written as the bytes it was read from. */
static void learning_same(const learning_case *c, const ppml_features *map,
                          const ppml_learnt *learnt) {
  uint8_t *copy = (uint8_t *)malloc(c->count);
  ppml_writer writer = ppml_writer_to_memory(copy, c->count);
  if (!copy) abort();
  int error = map ? ppml_features_write(map, &writer) : ppml_learnt_write(learnt, &writer);
  if (error != PPML_OK || writer.position != c->count) abort();
  if (memcmp(copy, c->bytes, c->count) != 0) abort();
  free(copy);
}

static void learning_try_map(const learning_case *c) {
  ppml_features map;
  ppml_reader reader = learning_reader(c);
  ppml_arena arena = learning_arena(c);
  int error = ppml_features_read(&map, &reader, &c->limits, &arena);
  if (error == PPML_ERR_NOMEM || (error && arena.used_bytes)) abort();
  if (error == PPML_OK) {
    learning_same(c, &map, NULL);
    learning_use_map(&map);
  }
  free(arena.memory);
}

static void learning_try_learnt(const learning_case *c) {
  ppml_learnt learnt;
  ppml_reader reader = learning_reader(c);
  ppml_arena arena = learning_arena(c);
  int error = ppml_learnt_read(&learnt, &reader, &c->limits, &arena);
  if (error == PPML_ERR_NOMEM || (error && arena.used_bytes)) abort();
  if (error == PPML_OK && learnt.params == ppml_learning_params()) learning_same(c, NULL, &learnt);
  free(arena.memory);
}

/* Sets and sums: what they say of themselves; sums are added to themselves, in exactly the memory
 * that was told. */
static void learning_try_set(const learning_case *c) {
  ppml_reader reader = learning_reader(c), twice[2] = {learning_reader(c), learning_reader(c)};
  ppml_learn_options options = ppml_learn_options_default();
  ppml_training set;
  ppml_learnt learnt;
  if (ppml_training_read(&set, &reader, &c->limits) != PPML_OK) return;
  if (set.features > PPML_FEATURES_MAX + 1 || set.outputs > PPML_CLASSES_MAX) abort();
  if (set.method != PPML_LEARN_SUMS) return;
  options.method = PPML_LEARN_SUMS;
  ppml_arena arena = container_arena(ppml_learn_bytes(&set, 2, 1));
  int error = ppml_learn(&learnt, twice, 2, NULL, &options, &c->limits, NULL, NULL, NULL, &arena);
  if (error == PPML_ERR_NOMEM || (error && arena.used_bytes)) abort();
  free(arena.memory);
}

static void learning_take(void *context, uint64_t image, const ppml_answer *answer) {
  *(uint64_t *)context = image;
  if (answer->label[0] >= PPML_CLASSES_MAX) abort();
}

/* Answers, opened with a key that claims to be theirs; a learning key's beginning. */
static void learning_try_answers(const learning_case *c) {
  static ppml_client client;
  ppml_secret_key key;
  ppml_reader reader = learning_reader(c);
  ppml_request request = {{0}, 1};
  ppml_header header;
  uint64_t last = 0;
  if (ppml_classified_digest(request.digest, &reader, &c->limits) != PPML_OK) return;
  reader = learning_reader(c);
  if (ppml_header_read(&header, &reader, &c->limits) != PPML_OK) abort();
  if (header.params != ppml_learning_params()) return;
  container_small_client(&client, header.params, 1);
  client.spec.input_bits = 8;
  client.score_unit = (uint64_t)1 << 45;
  memcpy(client.circuit_id, header.circuit_id, PPML_ID_BYTES);
  container_claim_key(&key, &client, header.key_id);
  ppml_arena arena = container_arena(ppml_classified_decrypt_bytes());
  reader = learning_reader(c);
  int error =
      ppml_classified_decrypt(&reader, &c->limits, &request, &key, learning_take, &last, &arena);
  if (error == PPML_ERR_NOMEM) abort();
  free(arena.memory);
}

static void learning_try_key(const learning_case *c) {
  static ppml_arena arena;
  ppml_reader reader = learning_reader(c);
  ppml_learning_key key;
  if (!arena.memory) arena = container_arena(ppml_learning_key_read_bytes(0, 1));
  ppml_arena_release(&arena, 0);
  int error = ppml_learning_key_read(&key, &reader, &c->limits, 0, "ref", NULL, &arena);
  if (error == PPML_OK || error == PPML_ERR_NOMEM || arena.used_bytes) abort();
}

static void learning_try(const uint8_t *bytes, size_t count) {
  learning_case c = {bytes, count, ppml_limits_default()};
  learning_try_map(&c);
  learning_try_learnt(&c);
  learning_try_set(&c);
  learning_try_answers(&c);
  learning_try_key(&c);
}

/* The id that a map's payload has. */
static void learning_mend_map(uint8_t *bytes, size_t count) {
  if (count < PPMLI_CONTAINER_BYTES || ppmli_load16(bytes + 10) != PPML_KIND_FEATURES) return;
  container_digest(bytes + 40, bytes, 0, bytes + PPMLI_HEADER_BYTES, count - PPMLI_CONTAINER_BYTES);
  container_mend_digests(bytes, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  uint8_t *copy = (uint8_t *)calloc(count ? count : 1, 1);
  if (!copy) abort();
  if (count) memcpy(copy, bytes, count);
  learning_try(copy, count);
  container_mend_digests(copy, count);
  learning_try(copy, count);
  container_mend(copy, count);
  learning_mend_map(copy, count);
  learning_try(copy, count);
  free(copy);
  return 0;
}
