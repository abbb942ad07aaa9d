/* test_bridged.c - layers behind a pooled network: squeeze and excitation, and clipped ReLU, trained on small
 * pictures, compiled, encrypted, and run with keys in memory, prepared and streamed. */
#define PPML_IMPLEMENTATION
#define TEST_TRAINS
#include "support.h"

#include "../ppml_impl/network/gates.h"

enum { SIDE = 16, TRAIN = 160, VALIDATION = 40, TEST = 128, FILE_MAX = 1 << 16 };

/* ---------------------------------------------------------------- pictures */

/* Noise that is smooth or rough, which no sum of pixels tells apart, with its labels. */
typedef struct pictures {
  uint8_t pixels[TEST + TRAIN][SIDE * SIDE];
  uint8_t labels[TEST + TRAIN];
} pictures;

static void draw(pictures *p, size_t count, ppml_rng *rng) {
  for (size_t n = 0; n < count; n++) {
    int last = 0, keep = (p->labels[n] = (uint8_t)(n % 2)) ? 60 : 90; /* of what a pixel had */
    for (size_t i = 0; i < SIDE * SIDE; i++) {
      last = last * keep / 100 + (int)test_below(rng, 81) - 40;
      p->pixels[n][i] = (uint8_t)(128 + (last < -127 ? -127 : last > 127 ? 127 : last));
    }
  }
}

static ppml_images images_of(const pictures *p, size_t count) {
  ppml_images images = {p->pixels[0], p->labels, count};
  return images;
}

static ppml_pooled_options options_of(uint32_t gates, uint32_t hidden) {
  ppml_pooled_options o = ppml_pooled_options_default();
  o.width = o.height = SIDE, o.channels = 1, o.classes = 2;
  o.patch = 2, o.latents = 2, o.regions = 1, o.reach = 2;
  o.linear = 0, o.copies = 1, o.gates = gates, o.hidden = hidden;
  return o;
}

/* Everything of a network, up to its evaluation key as a file. */
typedef struct world {
  pictures train, test;
  ppml_model model;
  ppml_circuit circuit;
  ppml_client client;
  ppml_secret_key secret;
  uint8_t *file;
  size_t file_bytes;
  ppml_arena arena, scratch;
} world;

static void run_tasks(void *context, size_t tasks, void (*task)(void *argument, size_t index),
                      void *argument) {
  (void)context;
  while (tasks--) task(argument, tasks);
}

static int train(ppml_model *model, const ppml_pooled_options *o, const world *w, size_t threads,
                 ppml_arena *arena) {
  ppml_parallel parallel = {run_tasks, NULL, threads};
  ppml_images training = images_of(&w->train, TRAIN), validation = images_of(&w->test, VALIDATION);
  *arena = test_arena(ppml_train_pooled_bytes(o, TRAIN, VALIDATION, threads));
  return ppml_train_pooled(model, o, &training, &validation, &parallel, NULL, arena);
}

static void train_world(world *w, uint32_t gates, uint32_t hidden) {
  ppml_rng rng = test_rng(61);
  ppml_pooled_options o = options_of(gates, hidden);
  memset(w, 0, sizeof *w);
  draw(&w->train, TRAIN, &rng);
  draw(&w->test, TEST, &rng);
  ck_assert_int_eq(train(&w->model, &o, w, 1, &w->arena), PPML_OK);
  w->scratch = test_arena(1 << 22);
}

static void compile_world(world *w, const char *set, ppml_rng *rng) {
  ppml_compile_options options = ppml_compile_options_for(ppml_params_by_name(set));
  options.agreement = 0.5;
  ck_assert_int_eq(ppml_compile(&w->circuit, &w->model, &options, NULL, &w->scratch), PPML_OK);
  ppml_client_from_circuit(&w->client, &w->circuit);
  test_secret_key(&w->secret, &w->client, rng);
}

static void make_key(world *w, ppml_rng *rng) {
  const ppml_params *p = w->circuit.params;
  ppml_arena exact = test_arena(ppml_eval_key_generate_bytes(p, 1));
  w->file_bytes = ppml_eval_key_wire_bytes(p);
  w->file = (uint8_t *)test_memory(w->file_bytes);
  ppml_writer writer = ppml_writer_to_memory(w->file, w->file_bytes);
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &w->secret, rng, NULL, NULL, &exact), PPML_OK);
  ck_assert_uint_eq(writer.position, w->file_bytes);
  ck_assert_uint_eq(exact.high_bytes, exact.capacity_bytes);
  test_arena_free(&exact);
}

static void free_world(world *w) {
  free(w->file);
  test_arena_free(&w->arena);
  test_arena_free(&w->scratch);
  free(w);
}

/* --------------------------------------------------------------- inference */

enum { READ, PREPARED, STREAMED, HELD };

static void open_key(ppml_eval_key *key, ppml_reader *reader, world *w, int held, size_t threads,
                     const char *backend, ppml_arena *arena) {
  const ppml_params *p = w->circuit.params;
  ppml_limits limits = ppml_limits_default();
  *reader = ppml_reader_from_memory(w->file, w->file_bytes);
  *arena = test_arena(held == STREAMED ? ppml_eval_key_stream_bytes(p, threads)
                                       : ppml_eval_key_read_bytes(p, threads) +
                                             ppml_eval_key_prepare_bytes(&w->circuit));
  int error = held == STREAMED
                  ? ppml_eval_key_stream(key, reader, &limits, &w->circuit, backend, threads, arena)
                  : ppml_eval_key_read(key, reader, &limits, &w->circuit, backend, NULL, arena);
  ck_assert_int_eq(error, PPML_OK);
  if (held == PREPARED) ck_assert_int_eq(ppml_eval_key_prepare(key, &w->circuit, arena), PPML_OK);
}

/* Scores of the first images, encrypted by one generator. */
static void infer(int32_t *scores, world *w, const ppml_eval_key *key, size_t images,
                  size_t threads, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  ppml_parallel parallel = {run_tasks, NULL, threads};
  ppml_arena exact = test_arena(ppml_infer_bytes(&w->circuit, 1, threads));
  ppml_arena input_arena = test_arena(ppml_encrypt_bytes(w->circuit.params, &w->client.spec));
  for (size_t i = 0; i < images; i++) {
    ppml_input input;
    ppml_request request;
    ppml_output output;
    input_arena.used_bytes = exact.used_bytes = 0;
    ck_assert_int_eq(
        ppml_encrypt(&input, &request, &w->secret, w->test.pixels[i], &rng, &input_arena), PPML_OK);
    ck_assert_int_eq(ppml_infer(&output, &w->circuit, &input, 1, key, &parallel, &exact), PPML_OK);
    ck_assert_int_eq(ppml_decrypt_scores_for_owner(&scores[i], &output, 0, &request, &w->secret),
                     PPML_OK);
  }
  if (key->weights == NULL) ck_assert_uint_eq(exact.high_bytes, exact.capacity_bytes);
  test_arena_free(&input_arena);
  test_arena_free(&exact);
}

static int32_t clear(world *w, size_t image) {
  int32_t score;
  ck_assert_int_eq(ppml_model_predict(&score, &w->model, w->test.pixels[image], &w->scratch),
                   PPML_OK);
  return score;
}

/* Mean square of what simulation makes of an image's score, less the clear one. */
static double simulated_square(world *w, size_t image, ppml_rng *rng) {
  enum { DRAWS = 200 };
  int32_t scores[DRAWS], right = clear(w, image);
  double squares = 0;
  ck_assert_int_eq(
      ppml_simulate(scores, &w->circuit, w->test.pixels[image], DRAWS, rng, &w->scratch), PPML_OK);
  for (int d = 0; d < DRAWS; d++) squares += pow((double)scores[d] - right, 2);
  return squares / DRAWS;
}

/* -------------------------------------------------------------------- gates */

START_TEST(a_product_is_the_difference_of_two_lookups) {
  for (int32_t gate = -127; gate <= 127; gate++)
    for (int32_t feature = -1000; feature <= 1000; feature += 50) {
      double g = (gate + 127) / 254.0, p = feature / 1000.0;
      double product = ppmli_gate_table(p + g - 0.5) - ppmli_gate_table(g - 0.5 - p);
      ck_assert(fabs(product - 127 * g * p) < 1e-9);
      ck_assert(fabs(ppmli_gate_product(gate, feature, 1000) - product) <= 0.5 + 1e-9);
    }
  ck_assert_int_eq(ppmli_gate_product(127, INT64_MAX / 512, 1000), 127);
  ck_assert_int_eq(ppmli_gate_product(127, -INT64_MAX / 512, 1000), -127);
  ck_assert_int_eq(ppmli_gate_product(-127, 900, 1000), 0);
}
END_TEST

/* ----------------------------------------------------------------- training */

/* A sum of pixels cannot tell the pictures apart; the sums of squares behind can. */
START_TEST(heads_learn_and_threads_do_not_show) {
  const uint32_t gates[] = {2, 0}, hidden[] = {0, 3};
  for (int kind = 0; kind < 2; kind++) {
    world *w = (world *)test_memory(sizeof *w);
    ppml_pooled_options o = options_of(gates[kind], hidden[kind]);
    ppml_model again;
    ppml_arena arena;
    size_t right = 0;
    train_world(w, gates[kind], hidden[kind]);
    ck_assert_int_eq(train(&again, &o, w, 2, &arena), PPML_OK);
    ck_assert_mem_eq(again.id, w->model.id, PPML_ID_BYTES);
    ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
    ck_assert_uint_eq(w->model.layer_count, gates[kind] ? 3 : 2);
    for (size_t i = VALIDATION; i < TEST; i++)
      right += (clear(w, i) > w->model.spec.threshold[0]) == w->test.labels[i];
    ck_assert_msg(right > (TEST - VALIDATION) * 9 / 10, "%zu right", right);
    test_arena_free(&arena);
    free_world(w);
  }
}
END_TEST

START_TEST(options_that_make_no_head_are_refused) {
  ppml_pooled_options o = options_of(2, 3);
  ck_assert_ptr_nonnull(ppml_pooled_refusal(&o, NULL));
  o = options_of(PPML_GATES_MAX + 1, 0);
  ck_assert_ptr_nonnull(ppml_pooled_refusal(&o, NULL));
  o = options_of(2, 0), o.classes = 4; /* four scores, two gates */
  ck_assert_ptr_nonnull(ppml_pooled_refusal(&o, NULL));
  o = options_of(PPML_GATES_MAX, 0);
  ck_assert_ptr_null(ppml_pooled_refusal(&o, NULL));
}
END_TEST

/* ------------------------------------------------------------------ sets */

START_TEST(heads_and_sets_go_together) {
  ppml_rng rng = test_rng(62);
  world *w = (world *)test_memory(sizeof *w);
  ppml_refusal refusal;
  train_world(w, 2, 0);
  ppml_compile_options options = ppml_compile_options_for(ppml_params_by_name("pooled-16"));
  ck_assert_int_eq(ppml_compile(&w->circuit, &w->model, &options, &refusal, &w->scratch),
                   PPML_ERR_PARAMS);
  ck_assert_str_eq(ppmli_refusal_reason(&refusal, &w->model, &options),
                   "the set has no bridge from latents to bootstraps");
  w->model.layer_count = 0; /* features as scores */
  w->model.pooled.gated = 0;
  options = ppml_compile_options_for(ppml_params_by_name("bridged-precise"));
  ck_assert_int_eq(ppml_compile(&w->circuit, &w->model, &options, &refusal, &w->scratch),
                   PPML_ERR_PARAMS);
  free_world(w);
  w = (world *)test_memory(sizeof *w);
  train_world(w, 2, 0);
  int32_t wide[2] = {1 << 20, 1 << 20};
  w->model.pooled.range = wide; /* beyond the room of a feature that is gated */
  ck_assert_int_eq(ppml_compile(&w->circuit, &w->model, &options, &refusal, &w->scratch),
                   PPML_ERR_PARAMS);
  ck_assert_ptr_nonnull(
      strstr(ppmli_refusal_reason(&refusal, &w->model, &options), "beyond its room"));
  (void)rng;
  free_world(w);
}
END_TEST

/* Numbers that break a rule, one at a time. */
START_TEST(a_head_that_breaks_a_rule_is_told) {
  world *w = (world *)test_memory(sizeof *w);
  ppml_fault fault;
  train_world(w, 2, 0);
  ppml_model bad = w->model;
  ck_assert_int_eq(ppml_model_check(&bad, &fault), PPML_OK);
  bad.layer[0].inputs = 1;
  ck_assert_int_ne(ppml_model_check(&bad, &fault), PPML_OK);
  bad = w->model, bad.pooled.gated = 1;
  ck_assert_int_ne(ppml_model_check(&bad, &fault), PPML_OK);
  bad = w->model, bad.pooled.range = NULL;
  ck_assert_int_ne(ppml_model_check(&bad, &fault), PPML_OK);
  bad = w->model, bad.layer_count = 1;
  ck_assert_int_ne(ppml_model_check(&bad, &fault), PPML_OK);
  bad = w->model, bad.pooled.gated = PPML_CLASSES_MAX;
  ck_assert_int_ne(ppml_model_check(&bad, &fault), PPML_OK);
  free_world(w);
}
END_TEST

/* ------------------------------------------------------------------- files */

START_TEST(files_are_read_back) {
  ppml_rng rng = test_rng(63);
  ppml_limits limits = ppml_limits_default();
  world *w = (world *)test_memory(sizeof *w);
  uint8_t *bytes = (uint8_t *)test_memory(FILE_MAX);
  ppml_model model;
  ppml_circuit circuit;
  ppml_secret_key secret;
  train_world(w, 2, 0);
  compile_world(w, "bridged-precise", &rng);
  ppml_writer writer = ppml_writer_to_memory(bytes, FILE_MAX);
  ck_assert_int_eq(ppml_model_write(&w->model, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_model_read(&model, &reader, &limits, &w->scratch), PPML_OK);
  ck_assert_mem_eq(model.id, w->model.id, PPML_ID_BYTES);
  for (size_t cut = 0; cut < writer.position; cut += 97) {
    reader = ppml_reader_from_memory(bytes, cut);
    ck_assert_int_ne(ppml_model_read(&model, &reader, &limits, &w->scratch), PPML_OK);
  }
  writer = ppml_writer_to_memory(bytes, FILE_MAX);
  ck_assert_int_eq(ppml_circuit_write(&w->circuit, &writer), PPML_OK);
  reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_circuit_read(&circuit, &reader, &limits, &w->scratch), PPML_OK);
  ck_assert_mem_eq(circuit.id, w->circuit.id, PPML_ID_BYTES);
  writer = ppml_writer_to_memory(bytes, FILE_MAX);
  ck_assert_int_eq(ppml_secret_key_write(&w->secret, &writer), PPML_OK);
  reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_secret_key_read(&secret, w->secret.client, &reader, &limits, &w->scratch),
                   PPML_OK);
  ck_assert_uint_eq(secret.bytes, PPML_SECRET_KEY_BYTES_MAX);
  ck_assert_uint_eq(secret.bytes, w->secret.bytes);
  ck_assert_mem_eq(secret.glwe_bits, w->secret.glwe_bits, secret.bytes);
  free(bytes);
  free_world(w);
}
END_TEST

/* ------------------------------------------------------------------ scores */

/* Keys read, prepared and streamed, on one thread and two: the same bits, near the clear ones. */
START_TEST(keys_and_threads_do_not_show) {
  enum { IMAGES = 2 };
  const uint32_t gates[] = {2, 0}, hidden[] = {0, 3};
  const char *set[] = {"bridged-precise", "bridged-finest"};
  for (int kind = 0; kind < 2; kind++) {
    ppml_rng rng = test_rng(64);
    world *w = (world *)test_memory(sizeof *w);
    int32_t first[IMAGES], scores[IMAGES];
    train_world(w, gates[kind], hidden[kind]);
    compile_world(w, set[kind], &rng);
    make_key(w, &rng);
    for (int held = 0; held < HELD; held++) {
      ppml_eval_key key;
      ppml_reader reader;
      ppml_arena arena;
      size_t threads = held == PREPARED ? 2 : 1;
      open_key(&key, &reader, w, held, threads, test_backend(), &arena);
      infer(scores, w, &key, IMAGES, threads, 65);
      if (held == READ) memcpy(first, scores, sizeof first);
      ck_assert_mem_eq(scores, first, sizeof scores);
      test_arena_free(&arena);
    }
    for (size_t i = 0; i < IMAGES; i++) {
      double std = sqrt(simulated_square(w, i, &rng));
      ck_assert_msg(fabs((double)scores[i] - clear(w, i)) < 6 * std + 1, "%d for %d, noise %g",
                    scores[i], clear(w, i), std);
    }
    free_world(w);
  }
}
END_TEST

/* A reader that turns one bit of the part before the rows, the first time it reads it. */
typedef struct damaged {
  ppml_reader inner;
  size_t at;
  int times;
} damaged;

static size_t damaged_read(ppml_reader *self, void *bytes, size_t count) {
  damaged *d = (damaged *)self->context;
  size_t from = d->inner.position, got = d->inner.read(&d->inner, bytes, count);
  if (d->times && from <= d->at && d->at < from + got) {
    ((uint8_t *)bytes)[d->at - from] ^= 1;
    d->times--;
  }
  return got;
}

static int damaged_rewind(ppml_reader *self) {
  damaged *d = (damaged *)self->context;
  return d->inner.rewind(&d->inner);
}

/* What was read with damage stays in memory; when the file is read again, whole, that is found. */
START_TEST(damage_that_goes_away_is_not_forgotten) {
  ppml_rng rng = test_rng(70);
  ppml_limits limits = ppml_limits_default();
  world *w = (world *)test_memory(sizeof *w);
  ppml_eval_key key;
  ppml_input input;
  ppml_request request;
  ppml_output output;
  train_world(w, 0, 2);
  compile_world(w, "bridged-precise", &rng);
  make_key(w, &rng);
  damaged d = {ppml_reader_from_memory(w->file, w->file_bytes), 20000, 1};
  ppml_reader reader = d.inner;
  reader.read = damaged_read, reader.rewind = damaged_rewind, reader.context = &d;
  ppml_arena keys = test_arena(ppml_eval_key_stream_bytes(w->circuit.params, 1));
  ppml_arena exact = test_arena(ppml_infer_bytes(&w->circuit, 1, 1));
  ck_assert_int_eq(ppml_eval_key_stream(&key, &reader, &limits, &w->circuit, NULL, 1, &keys),
                   PPML_OK);
  ck_assert_int_eq(ppml_encrypt(&input, &request, &w->secret, w->test.pixels[0], &rng, &w->scratch),
                   PPML_OK);
  ck_assert_int_eq(ppml_infer(&output, &w->circuit, &input, 1, &key, NULL, &exact),
                   PPML_ERR_CHECKSUM);
  exact.used_bytes = 0;
  ck_assert_int_eq(ppml_infer(&output, &w->circuit, &input, 1, &key, NULL, &exact),
                   PPML_ERR_MISMATCH);
  test_arena_free(&keys), test_arena_free(&exact);
  free_world(w);
}
END_TEST

/* The portable backend rounds otherwise, which noise hides: its scores are near the others'. */
START_TEST(backends_agree) {
  enum { IMAGES = 2 };
  ppml_rng rng = test_rng(68);
  world *w = (world *)test_memory(sizeof *w);
  int32_t scores[2][IMAGES];
  train_world(w, 0, 2);
  compile_world(w, "bridged-precise", &rng);
  make_key(w, &rng);
  for (int b = 0; b < 2; b++) {
    ppml_eval_key key;
    ppml_reader reader;
    ppml_arena arena;
    open_key(&key, &reader, w, READ, 1, b ? "ref" : NULL, &arena);
    infer(scores[b], w, &key, IMAGES, 1, 69);
    test_arena_free(&arena);
  }
  for (size_t i = 0; i < IMAGES; i++) {
    double std = sqrt(simulated_square(w, i, &rng));
    ck_assert_msg(fabs((double)scores[0][i] - scores[1][i]) < 6 * std + 1, "%d and %d, noise %g",
                  scores[0][i], scores[1][i], std);
  }
  free_world(w);
}
END_TEST

/* Over many images the noise is the simulated one. */
START_TEST(measured_noise_is_the_simulated) {
  const uint32_t gates[] = {2, 0}, hidden[] = {0, 3};
  for (int kind = 0; kind < 2; kind++) {
    ppml_rng rng = test_rng(66);
    world *w = (world *)test_memory(sizeof *w);
    int32_t *scores = (int32_t *)test_memory(TEST * sizeof *scores);
    double measured = 0, simulated = 0;
    ppml_eval_key key;
    ppml_reader reader;
    ppml_arena arena;
    train_world(w, gates[kind], hidden[kind]);
    compile_world(w, "bridged-precise", &rng);
    make_key(w, &rng);
    open_key(&key, &reader, w, READ, 1, test_backend(), &arena);
    infer(scores, w, &key, TEST, 1, 67);
    for (size_t i = 0; i < TEST; i++) {
      measured += pow((double)scores[i] - clear(w, i), 2);
      simulated += simulated_square(w, i, &rng);
    }
    ck_assert_msg(fabs(sqrt(measured / simulated) - 1) < 0.2, "%g for %g", sqrt(measured / TEST),
                  sqrt(simulated / TEST));
    test_arena_free(&arena);
    free(scores);
    free_world(w);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("bridged");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  TCase *noise = test_case(suite, "noise");
  tcase_add_test(law, a_product_is_the_difference_of_two_lookups);
  tcase_add_test(law, heads_learn_and_threads_do_not_show);
  tcase_add_test(law, files_are_read_back);
  tcase_add_test(law, keys_and_threads_do_not_show);
  tcase_add_test(law, backends_agree);
  tcase_add_test(error, damage_that_goes_away_is_not_forgotten);
  tcase_add_test(error, options_that_make_no_head_are_refused);
  tcase_add_test(error, heads_and_sets_go_together);
  tcase_add_test(error, a_head_that_breaks_a_rule_is_told);
  tcase_add_test(noise, measured_noise_is_the_simulated);
  return test_run(suite);
}
