/* test_pooled_infer.c - pooled networks through the public API: compile, keys, images, inference, answers,
 * with keys in memory, prepared and streamed, on one thread and several. */
#define PPML_IMPLEMENTATION
#include "latents_support.h"

enum { IMAGES = 3, KEY_BYTES_MAX = 3 << 19 };

/* Scores as they are, and through the bridge. */
enum { PLAIN, COMPACT, SETS };
static const char *const sets[SETS] = {"pooled-16", "pooled-compact"};

/* Everything of a network, up to its evaluation key as a file. */
typedef struct world {
  fixture f;
  ppml_circuit circuit;
  ppml_client client;
  ppml_secret_key secret;
  uint8_t *file;
  size_t file_bytes;
  ppml_arena arena;
} world;

static void write_key(world *w, ppml_rng *rng) {
  const ppml_params *p = w->circuit.params;
  ppml_arena exact = test_arena(ppml_eval_key_generate_bytes(p, 1));
  w->file = (uint8_t *)test_memory(KEY_BYTES_MAX);
  ppml_writer writer = ppml_writer_to_memory(w->file, KEY_BYTES_MAX);
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &w->secret, rng, NULL, NULL, &exact), PPML_OK);
  w->file_bytes = writer.position;
  ck_assert_uint_eq(w->file_bytes, ppml_eval_key_wire_bytes(p));
  test_arena_free(&exact);
}

static void world_make(world *w, int set, uint32_t kind, uint32_t standardise, ppml_rng *rng) {
  memset(w, 0, sizeof *w);
  make(&w->f, kind, standardise);
  w->arena = test_arena(1 << 20);
  ppml_compile_options options = ppml_compile_options_for(ppml_params_by_name(sets[set]));
  ck_assert_int_eq(ppml_compile(&w->circuit, &w->f.model, &options, NULL, &w->arena), PPML_OK);
  ppml_client_from_circuit(&w->client, &w->circuit);
  test_secret_key(&w->secret, &w->client, rng);
  write_key(w, rng);
}

static void world_free(world *w) {
  free(w->file);
  test_arena_free(&w->arena);
  test_arena_free(&w->f.arena);
}

static void encrypt(ppml_input *input, ppml_request *request, world *w, ppml_rng *rng) {
  ppml_arena exact = test_arena(ppml_encrypt_bytes(w->circuit.params, &w->client.spec));
  ck_assert_int_eq(ppml_encrypt(input, request, &w->secret, w->f.image, rng, &exact), PPML_OK);
  ck_assert_uint_eq(exact.high_bytes, exact.capacity_bytes);
  ck_assert_uint_eq(input->blocks, 1);
}

/* Tasks one by one, the last one first. */
static void run_reversed(void *context, size_t tasks, void (*task)(void *argument, size_t index),
                         void *argument) {
  (void)context;
  while (tasks--) task(argument, tasks);
}

/* How a key is held. */
enum { READ, PREPARED, STREAMED };

/* The scores of images, by a key that is held so. */
static void infer(int32_t *scores, world *w, const ppml_input *inputs, ppml_request *requests,
                  int held, size_t threads, const char *backend) {
  const ppml_params *p = w->circuit.params;
  ppml_limits limits = ppml_limits_default();
  ppml_parallel parallel = {run_reversed, NULL, threads};
  ppml_reader reader = ppml_reader_from_memory(w->file, w->file_bytes);
  ppml_eval_key key;
  ppml_output output;
  ppml_arena keys = test_arena(held == STREAMED ? ppml_eval_key_stream_bytes(p, threads)
                                                : ppml_eval_key_read_bytes(p, threads) +
                                                      ppml_eval_key_prepare_bytes(&w->circuit));
  ppml_arena exact = test_arena(ppml_infer_bytes(&w->circuit, IMAGES, threads));
  int error =
      held == STREAMED
          ? ppml_eval_key_stream(&key, &reader, &limits, &w->circuit, backend, threads, &keys)
          : ppml_eval_key_read(&key, &reader, &limits, &w->circuit, backend, &parallel, &keys);
  ck_assert_int_eq(error, PPML_OK);
  if (held == PREPARED) ck_assert_int_eq(ppml_eval_key_prepare(&key, &w->circuit, &keys), PPML_OK);
  ck_assert_int_eq(ppml_infer(&output, &w->circuit, inputs, IMAGES, &key, &parallel, &exact),
                   PPML_OK);
  if (held == STREAMED) ck_assert_uint_eq(exact.high_bytes, exact.capacity_bytes);
  for (size_t i = 0; i < IMAGES; i++)
    ck_assert_int_eq(
        ppml_decrypt_scores_for_owner(scores + i * OUTPUTS, &output, i, &requests[i], &w->secret),
        PPML_OK);
  test_arena_free(&keys);
  test_arena_free(&exact);
}

/* Are scores of images the clear ones, but for the noise that is predicted? */
static void check_scores(world *w, const int32_t *scores) {
  int32_t clear[OUTPUTS];
  ppml_noise noise;
  ppml_circuit_noise(&noise, &w->circuit);
  ck_assert_int_eq(ppml_model_predict(clear, &w->f.model, w->f.image, &w->f.arena), PPML_OK);
  for (size_t i = 0; i < IMAGES * OUTPUTS; i++)
    ck_assert_msg(fabs((double)scores[i] - clear[i % OUTPUTS]) < 6.5 * noise.score + 0.5,
                  "score %zu: %d for %d, noise %g", i, scores[i], clear[i % OUTPUTS], noise.score);
}

START_TEST(encrypted_scores_are_the_clear_ones) {
  ppml_rng rng = test_rng(41);
  world *w = (world *)test_memory(sizeof *w);
  for (uint32_t n = 0; n < 4 * SETS; n++) {
    uint32_t kind = n % 4;
    ppml_input inputs[IMAGES];
    ppml_request requests[IMAGES];
    int32_t scores[IMAGES * OUTPUTS];
    world_make(w, (int)n / 4, 1 + kind / 2, kind % 2, &rng);
    for (size_t i = 0; i < IMAGES; i++) encrypt(&inputs[i], &requests[i], w, &rng);
    infer(scores, w, inputs, requests, (int)kind % 3, 1 + kind % 2, test_backend());
    check_scores(w, scores);
    for (size_t i = 0; i < IMAGES; i++) free((void *)(uintptr_t)inputs[i].body);
    world_free(w);
  }
  free(w);
}
END_TEST

/* Read, prepared and streamed keys, one thread and two: the same bits. */
START_TEST(keys_and_threads_do_not_show) {
  ppml_rng rng = test_rng(42);
  world *w = (world *)test_memory(sizeof *w);
  for (int set = 0; set < SETS; set++) {
    ppml_input inputs[IMAGES];
    ppml_request requests[IMAGES], again[IMAGES];
    int32_t scores[4][IMAGES * OUTPUTS];
    world_make(w, set, PPML_ENCODER_PATCHES, 1, &rng);
    for (size_t i = 0; i < IMAGES; i++) encrypt(&inputs[i], &requests[i], w, &rng);
    for (int held = 0; held < 4; held++) {
      memcpy(again, requests, sizeof again);
      infer(scores[held], w, inputs, again, held % 3, held == 1 || held == 3 ? 2 : 1,
            test_backend());
      ck_assert_mem_eq(scores[held], scores[0], sizeof scores[0]);
    }
    for (size_t i = 0; i < IMAGES; i++) free((void *)(uintptr_t)inputs[i].body);
    world_free(w);
  }
  free(w);
}
END_TEST

/* A third of the bytes, for a few more of the key. */
START_TEST(scores_through_the_bridge_are_small) {
  const ppml_params *plain = ppml_params_by_name("pooled-64");
  const ppml_params *compact = ppml_params_by_name("pooled-compact");
  const ppml_spec spec = {8,   8,   1,         5, 2, 1, 1, {"no", "yes"}, PPML_TASK_CLASS,
                          {0}, {0}, {0, 0, 0}, 0};
  size_t before = ppml_output_wire_bytes(plain, &spec, 1);
  ck_assert_uint_le(3 * ppml_output_wire_bytes(compact, &spec, 1), before);
  size_t more = ppml_eval_key_wire_bytes(compact) - ppml_eval_key_wire_bytes(plain);
  ck_assert_uint_eq(more, 2 * 2 * 2048 * sizeof(uint64_t));
}
END_TEST

/* The whole of a key that is streamed is read as it is opened, and yet damage at its very end shows, as does
 * damage that comes later. */
START_TEST(a_damaged_end_of_a_streamed_key_is_told) {
  ppml_rng rng = test_rng(46);
  ppml_limits limits = ppml_limits_default();
  world *w = (world *)test_memory(sizeof *w);
  ppml_input input;
  ppml_request request;
  world_make(w, COMPACT, PPML_ENCODER_PATCHES, 1, &rng);
  encrypt(&input, &request, w, &rng);
  ppml_arena exact = test_arena(ppml_infer_bytes(&w->circuit, 1, 1));
  for (int call = 0; call < 2; call++) { /* damaged before the first call, or the second */
    ppml_arena keys = test_arena(ppml_eval_key_stream_bytes(w->circuit.params, 1));
    ppml_reader reader = ppml_reader_from_memory(w->file, w->file_bytes);
    ppml_eval_key key;
    ppml_output output;
    ck_assert_int_eq(
        ppml_eval_key_stream(&key, &reader, &limits, &w->circuit, test_backend(), 1, &keys),
        PPML_OK);
    if (call == 1)
      ck_assert_int_eq(ppml_infer(&output, &w->circuit, &input, 1, &key, NULL, &exact), PPML_OK);
    exact.used_bytes = 0;
    w->file[w->file_bytes - 1] ^= 1;
    ck_assert_int_eq(ppml_infer(&output, &w->circuit, &input, 1, &key, NULL, &exact),
                     PPML_ERR_CHECKSUM);
    w->file[w->file_bytes - 1] ^= 1;
    test_arena_free(&keys);
  }
  free((void *)(uintptr_t)input.body);
  test_arena_free(&exact);
  world_free(w);
  free(w);
}
END_TEST

/* Files of the circuit, the client, the image: what was written is read, and what breaks the layout
 * is refused. */
START_TEST(files_are_read_back) {
  ppml_rng rng = test_rng(43);
  ppml_limits limits = ppml_limits_default();
  world *w = (world *)test_memory(sizeof *w);
  uint8_t *bytes = (uint8_t *)test_memory(1 << 16);
  ppml_circuit circuit;
  ppml_client client;
  world_make(w, PLAIN, PPML_ENCODER_PATCHES, 0, &rng);
  ppml_writer writer = ppml_writer_to_memory(bytes, 1 << 16);
  ck_assert_int_eq(ppml_circuit_write(&w->circuit, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_circuit_read(&circuit, &reader, &limits, &w->arena), PPML_OK);
  ck_assert_mem_eq(circuit.id, w->circuit.id, PPML_ID_BYTES);
  ck_assert_uint_eq(circuit.unit[0], w->circuit.unit[0]);
  writer = ppml_writer_to_memory(bytes, 1 << 16);
  ck_assert_int_eq(ppml_client_write(&w->client, &writer), PPML_OK);
  reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_client_read(&client, &reader, &limits), PPML_OK);
  ck_assert_mem_eq(&client, &w->client, sizeof client);
  ppml_circuit bad = w->circuit;
  bad.unit[0] /= 2; /* not the unit that the peaks ask for */
  writer = ppml_writer_to_memory(bytes, 1 << 16);
  ck_assert_int_eq(ppml_circuit_write(&bad, &writer), PPML_ERR_RANGE);
  client.spec.encoder.regions = 4, client.spec.encoder.reach = 8; /* beyond pooled-16 */
  writer = ppml_writer_to_memory(bytes, 1 << 16);
  ck_assert_int_eq(ppml_client_write(&client, &writer), PPML_ERR_RANGE);
  client = w->client;
  client.params = ppml_params_by_name("leveled-16"); /* which has no latents */
  ck_assert_int_eq(ppml_client_write(&client, &writer), PPML_ERR_RANGE);
  free(bytes);
  world_free(w);
  free(w);
}
END_TEST

START_TEST(a_latent_that_is_no_number_is_not_encrypted) {
  const float bad = NAN;
  ppml_rng rng = test_rng(44);
  world *w = (world *)test_memory(sizeof *w);
  ppml_input input;
  ppml_request request;
  world_make(w, PLAIN, PPML_ENCODER_READY, 1, &rng);
  memcpy(w->f.image + 4 * 5, &bad, sizeof bad);
  ppml_arena arena = test_arena(ppml_encrypt_bytes(w->circuit.params, &w->client.spec));
  ck_assert_int_eq(ppml_encrypt(&input, &request, &w->secret, w->f.image, &rng, &arena),
                   PPML_ERR_RANGE);
  ck_assert(arena.used_bytes == 0 && request.open == 0 && input.body == NULL);
  test_arena_free(&arena);
  world_free(w);
  free(w);
}
END_TEST

/* Simulated scores have the noise that is predicted, and no bias. */
START_TEST(simulated_noise_is_the_predicted) {
  enum { DRAWS = 4000 };
  ppml_rng rng = test_rng(45);
  world *w = (world *)test_memory(sizeof *w);
  int32_t *scores = (int32_t *)test_memory(DRAWS * OUTPUTS * sizeof *scores), clear[OUTPUTS];
  for (int set = 0; set < SETS; set++) {
    ppml_noise noise;
    double most = 0;
    world_make(w, set, PPML_ENCODER_PATCHES, 1, &rng);
    ppml_circuit_noise(&noise, &w->circuit);
    ck_assert_int_eq(ppml_model_predict(clear, &w->f.model, w->f.image, &w->f.arena), PPML_OK);
    ck_assert_int_eq(ppml_simulate(scores, &w->circuit, w->f.image, DRAWS, &rng, &w->f.arena),
                     PPML_OK);
    for (uint32_t c = 0; c < OUTPUTS; c++) {
      double sum = 0, squares = 0;
      for (size_t d = 0; d < DRAWS; d++) {
        double error = (double)scores[d * OUTPUTS + c] - clear[c];
        sum += error, squares += error * error;
      }
      double std = sqrt(squares / DRAWS);
      ck_assert(fabs(sum / DRAWS) < 5 * std / sqrt(DRAWS));
      if (std > most) most = std;
    }
    double want = hypot(noise.score, sqrt(1.0 / 12)); /* scores are rounded to whole ones */
    ck_assert_msg(fabs(most / want - 1) < 0.1, "%s: %g for %g", sets[set], most, want);
    world_free(w);
  }
  free(scores);
  free(w);
}
END_TEST

/* Encrypted scores have it too: of the smaller answer nearly all is of the switch to 15 bits. */
START_TEST(measured_noise_of_a_compact_answer_is_the_predicted) {
  enum { ROUNDS = 25 };
  ppml_rng rng = test_rng(47);
  world *w = (world *)test_memory(sizeof *w);
  test_moments m = {0, 0, 0, 0};
  int32_t clear[OUTPUTS];
  ppml_noise noise;
  world_make(w, COMPACT, PPML_ENCODER_PATCHES, 1, &rng);
  ppml_circuit_noise(&noise, &w->circuit);
  ck_assert_int_eq(ppml_model_predict(clear, &w->f.model, w->f.image, &w->f.arena), PPML_OK);
  for (int round = 0; round < ROUNDS; round++) {
    ppml_input inputs[IMAGES];
    ppml_request requests[IMAGES];
    int32_t scores[IMAGES * OUTPUTS];
    for (size_t i = 0; i < IMAGES; i++) encrypt(&inputs[i], &requests[i], w, &rng);
    infer(scores, w, inputs, requests, READ, 1, test_backend());
    for (size_t i = 0; i < IMAGES * OUTPUTS; i++)
      test_moments_add(&m, (double)scores[i] - clear[i % OUTPUTS]);
    for (size_t i = 0; i < IMAGES; i++) free((void *)(uintptr_t)inputs[i].body);
  }
  test_assert_near(sqrt(m.squares / (double)m.count), noise.score, 0.2);
  world_free(w);
  free(w);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pooled_infer");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, encrypted_scores_are_the_clear_ones);
  tcase_add_test(law, keys_and_threads_do_not_show);
  tcase_add_test(law, files_are_read_back);
  tcase_add_test(law, simulated_noise_is_the_predicted);
  tcase_add_test(law, scores_through_the_bridge_are_small);
  tcase_add_test(law, measured_noise_of_a_compact_answer_is_the_predicted);
  tcase_add_test(error, a_damaged_end_of_a_streamed_key_is_told);
  tcase_add_test(error, a_latent_that_is_no_number_is_not_encrypted);
  return test_run(suite);
}
