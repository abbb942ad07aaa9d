/* test_infer.c - encrypted inference beside its cleartext twin.
 *
 * Noise may move an accumulator by five of its predicted standard deviations; an interval of
 * scores follows, through every activation, and the decrypted score must lie in it.  One key per
 * parameter set serves all circuits: what it says it belongs to is rewritten. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { SETS = 3, IMAGES = 4, SCORES_MAX = 4, PIXELS_MAX = 2000 };

static const char *const names[SETS] = {"fast", "precise", "fast-block2"};
static test_keys all_keys[SETS];

static void make_keys(void) {
  for (int i = 0; i < SETS && !all_keys[i].arena.memory; i++) {
    ppml_client client = test_client(names[i]);
    test_keys_make(&all_keys[i], &client, 200 + (uint64_t)i);
  }
}

/* A network, its circuit, keys and encrypted images. */
typedef struct bench {
  test_net net;
  ppml_circuit circuit;
  ppml_secret_key secret;
  ppml_eval_key key;
  uint8_t pixels[IMAGES][PIXELS_MAX];
  ppml_input inputs[IMAGES];
  ppml_arena arena;
} bench;

static void bench_encrypt(bench *b, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  size_t bytes = ppml_encrypt_bytes(b->circuit.params, &b->net.model.spec);
  ck_assert_uint_le(ppml_spec_inputs(&b->net.model.spec), PIXELS_MAX);
  for (size_t i = 0; i < IMAGES; i++) {
    size_t mark = ppml_arena_mark(&b->arena);
    test_pixels(b->pixels[i], ppml_spec_inputs(&b->net.model.spec), &rng);
    ck_assert_int_eq(
        ppml_encrypt(&b->inputs[i], &test_request, &b->secret, b->pixels[i], &rng, &b->arena),
        PPML_OK);
    ck_assert_uint_le(b->arena.used_bytes, mark + bytes);
  }
}

/* For b->net, which is there. */
static void bench_finish(bench *b, int set) {
  b->arena = test_arena(1 << 20);
  test_circuit_make(&b->circuit, &b->net, names[set], &b->arena);
  test_secret_key_copy(&b->secret, &all_keys[set].secret);
  ppml_client_from_circuit(test_client_of(&b->secret), &b->circuit);
  b->key = all_keys[set].eval;
  memcpy(b->key.circuit_id, b->circuit.id, PPML_ID_BYTES);
  bench_encrypt(b, 7);
}

static bench *bench_make(int set, uint32_t width, const uint32_t *hidden, size_t layers,
                         uint32_t activation, uint32_t classes) {
  bench *b = test_memory(sizeof *b);
  test_net_make(&b->net, width, 5, hidden, layers, activation, classes, activation + classes);
  bench_finish(b, set);
  return b;
}

static void bench_free(bench *b) {
  test_arena_free(&b->arena);
  free(b);
}

/* ------------------------------------------------------ the cleartext twin */

typedef struct interval {
  double low, high;
} interval;

static interval interval_activation(const ppml_layer *layer, uint32_t j, interval z) {
  interval a = {127, -127};
  for (int64_t x = (int64_t)floor(z.low); x <= (int64_t)ceil(z.high); x++) {
    int32_t y = ppmli_quant_activation(layer->activation, x, layer->range[j], layer->table);
    a.low = fmin(a.low, y);
    a.high = fmax(a.high, y);
  }
  return a;
}

/* Accumulators of layer l, widened by five deviations of its noise. */
static void interval_dense(interval *z, const ppml_circuit *c, uint32_t l, const interval *x) {
  const ppml_layer *layer = &c->model.layer[l];
  for (uint32_t j = 0; j < layer->outputs; j++) {
    double noise = 5 * ppmli_circuit_std(c, l, j);
    z[j].low = layer->bias[j] - noise;
    z[j].high = layer->bias[j] + noise;
    for (uint32_t i = 0; i < layer->inputs; i++) {
      double w = layer->weight[(size_t)j * layer->inputs + i];
      z[j].low += w * (w > 0 ? x[i].low : x[i].high);
      z[j].high += w * (w > 0 ? x[i].high : x[i].low);
    }
  }
}

static void interval_scores(interval *scores, const ppml_circuit *c, const uint8_t *pixels) {
  static interval x[PIXELS_MAX], z[64];
  for (size_t i = 0; i < ppml_spec_inputs(&c->model.spec); i++)
    x[i].low = x[i].high = ppmli_quant_pixel(pixels[i], c->model.spec.input_bits);
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    interval_dense(z, c, l, x);
    if (c->model.layer[l].activation == PPML_ACTIVATION_NONE) break;
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++)
      x[j] = interval_activation(&c->model.layer[l], j, z[j]);
  }
  memcpy(scores, z, c->model.spec.outputs * sizeof *scores);
}

/* ------------------------------------------------------------------- runs */

static ppml_output infer(const bench *b, size_t first, size_t images, const ppml_eval_key *key,
                         const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_output output;
  size_t threads = parallel ? parallel->threads : 1;
  *arena = test_arena(ppml_infer_bytes(&b->circuit, images, threads));
  ck_assert_int_eq(
      ppml_infer(&output, &b->circuit, b->inputs + first, images, key, parallel, arena), PPML_OK);
  ck_assert_uint_eq(arena->high_bytes, arena->capacity_bytes);
  ck_assert_uint_eq(output.images, images);
  return output;
}

/* Decrypts and compares all images; the mean square of scores less clear ones. */
static double check_scores(const bench *b, const ppml_output *output) {
  uint32_t scores = b->net.model.spec.outputs;
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&b->net.model));
  test_moments m = {0, 0, 0, 0};
  for (size_t i = 0; i < IMAGES; i++) {
    int32_t got[SCORES_MAX], clear[SCORES_MAX];
    interval expected[SCORES_MAX];
    ck_assert_int_eq(ppmli_decrypt_scores(got, output, i, &b->secret), PPML_OK);
    ck_assert_int_eq(ppml_model_predict(clear, &b->net.model, b->pixels[i], &arena), PPML_OK);
    interval_scores(expected, &b->circuit, b->pixels[i]);
    for (uint32_t s = 0; s < scores; s++) {
      ck_assert_msg(got[s] >= expected[s].low - 1 && got[s] <= expected[s].high + 1,
                    "score %d, clear %d, not in %g to %g", got[s], clear[s], expected[s].low,
                    expected[s].high);
      ck_assert(clear[s] >= expected[s].low && clear[s] <= expected[s].high);
      test_moments_add(&m, got[s] - clear[s]);
    }
  }
  test_arena_free(&arena);
  return m.squares / (double)m.count;
}

/* Against the prediction as well, where it is meant for the activation. */
static void check_network(int set, uint32_t width, const uint32_t *hidden, size_t layers,
                          uint32_t activation, uint32_t classes) {
  bench *b = bench_make(set, width, hidden, layers, activation, classes);
  ppml_arena arena;
  ppml_noise noise;
  ppml_output output = infer(b, 0, IMAGES, &b->key, NULL, &arena);
  double error = sqrt(check_scores(b, &output));
  ppml_circuit_noise(&noise, &b->circuit);
  if (activation == PPML_ACTIVATION_RELU)
    ck_assert_msg(error < 3 * noise.score + 1, "%g, predicted %g", error, noise.score);
  test_arena_free(&arena);
  bench_free(b);
}

/* -------------------------------------------------------------------- law */

START_TEST(a_linear_model) {
  check_network(0, 5, NULL, 0, PPML_ACTIVATION_RELU, 2);
  check_network(0, 5, NULL, 0, PPML_ACTIVATION_RELU, 4);
  check_network(0, 250, NULL, 0, PPML_ACTIVATION_RELU, 3); /* three blocks of pixels */
}
END_TEST

START_TEST(one_hidden_layer_and_a_single_score) {
  const uint32_t hidden[] = {6};
  for (uint32_t a = PPML_ACTIVATION_RELU; a <= PPML_ACTIVATION_TABLE; a++)
    check_network(0, 5, hidden, 1, a, 2);
}
END_TEST

START_TEST(two_hidden_layers_and_three_classes) {
  const uint32_t hidden[] = {5, 4};
  for (uint32_t a = PPML_ACTIVATION_RELU; a <= PPML_ACTIVATION_TABLE; a++)
    check_network(0, 5, hidden, 2, a, 3);
}
END_TEST

START_TEST(more_neurons_than_a_tile_and_more_pixels_than_a_block) {
  const uint32_t hidden[] = {PPMLI_PBS_TILE + 3};
  check_network(0, 250, hidden, 1, PPML_ACTIVATION_RELU, 3);
}
END_TEST

START_TEST(a_layer_of_one_neuron_between_others) { /* its inputs are folded into tables */
  const uint32_t hidden[] = {4, 1, 3};
  check_network(0, 5, hidden, 3, PPML_ACTIVATION_RELU, 3);
}
END_TEST

START_TEST(the_other_parameter_sets) {
  const uint32_t hidden[] = {5};
  for (int set = 1; set < SETS; set++) {
    check_network(set, 5, hidden, 1, PPML_ACTIVATION_RELU, 2);
    check_network(set, 5, hidden, 1, PPML_ACTIVATION_SIGN, 3);
  }
}
END_TEST

static size_t output_bytes(const bench *b, size_t images) {
  return images * b->net.model.spec.outputs * ppml_output_lwe_words(b->circuit.params) *
         sizeof(uint32_t);
}

START_TEST(the_result_does_not_depend_on_threads_or_batches) {
  const uint32_t hidden[] = {5, 4};
  bench *b = bench_make(0, 5, hidden, 2, PPML_ACTIVATION_RELU, 3);
  ppml_arena arena, other;
  ppml_output whole = infer(b, 0, IMAGES, &b->key, NULL, &arena);
  for (size_t threads = 1; threads <= 7; threads += 3) {
    ppml_parallel parallel = test_parallel(threads);
    ppml_output output = infer(b, 0, IMAGES, &b->key, &parallel, &other);
    ck_assert_mem_eq(output.lwe, whole.lwe, output_bytes(b, IMAGES));
    test_arena_free(&other);
  }
  for (size_t i = 0; i < IMAGES; i++) {
    ppml_output output = infer(b, i, 1, &b->key, NULL, &other);
    ck_assert_mem_eq(output.lwe, (const uint8_t *)whole.lwe + i * output_bytes(b, 1),
                     output_bytes(b, 1));
    test_arena_free(&other);
  }
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

/* ----------------------------------------------------------- key streams */

/* The wire form of the key, with the circuit's id in its header. */
static uint8_t *wire_for(const bench *b, const test_keys *k) {
  uint8_t *bytes = test_memory(k->wire_bytes), digest[PPML_ID_BYTES];
  ppmli_digest d;
  memcpy(bytes, k->wire, k->wire_bytes);
  memcpy(bytes + 40, b->circuit.id, PPML_ID_BYTES);
  ppmli_header_digest(digest, bytes);
  memcpy(bytes + 72, digest, 8);
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, bytes, k->wire_bytes - PPML_ID_BYTES);
  ppmli_digest_final(&d, bytes + k->wire_bytes - PPML_ID_BYTES);
  return bytes;
}

static int open_stream(ppml_eval_key *key, ppml_reader *reader, const bench *b, size_t threads,
                       ppml_arena *arena) {
  ppml_limits limits = ppml_limits_default();
  *arena = test_arena(ppml_eval_key_stream_bytes(b->circuit.params, threads));
  return ppml_eval_key_stream(key, reader, &limits, &b->circuit, test_backend(), threads, arena);
}

START_TEST(a_streamed_key_gives_the_same_result) {
  const uint32_t hidden[] = {5, 4};
  bench *b = bench_make(0, 5, hidden, 2, PPML_ACTIVATION_RELU, 3);
  uint8_t *bytes = wire_for(b, &all_keys[0]);
  ppml_arena arena, other, stream;
  ppml_output whole = infer(b, 0, IMAGES, &b->key, NULL, &arena);
  for (size_t threads = 1; threads <= 3; threads += 2) {
    ppml_parallel parallel = test_parallel(threads);
    ppml_reader reader = ppml_reader_from_memory(bytes, all_keys[0].wire_bytes);
    ppml_eval_key key;
    ck_assert_int_eq(open_stream(&key, &reader, b, threads, &stream), PPML_OK);
    ck_assert_uint_eq(stream.high_bytes, stream.capacity_bytes);
    for (int again = 0; again < 2; again++) {
      ppml_output output = infer(b, 0, IMAGES, &key, &parallel, &other);
      ck_assert_mem_eq(output.lwe, whole.lwe, output_bytes(b, IMAGES));
      test_arena_free(&other);
    }
    test_arena_free(&stream);
  }
  free(bytes);
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

/* Damage that a stream meets on its way, after the header was accepted. */
START_TEST(a_streamed_key_that_is_damaged_gives_no_result) {
  const uint32_t hidden[] = {3};
  bench *b = bench_make(0, 5, hidden, 1, PPML_ACTIVATION_RELU, 2);
  size_t count = all_keys[0].wire_bytes, places[] = {90, 200, count / 2, count - 1};
  uint8_t *bytes = wire_for(b, &all_keys[0]);
  ppml_arena stream, arena = test_arena(ppml_infer_bytes(&b->circuit, 1, 1));
  for (size_t i = 0; i < 5; i++) {
    ppml_reader reader = ppml_reader_from_memory(bytes, i < 4 ? count : count / 3);
    ppml_eval_key key;
    ppml_output output;
    memset(&output, 0, sizeof output);
    ck_assert_int_eq(open_stream(&key, &reader, b, 1, &stream), PPML_OK);
    if (i < 4) bytes[places[i]] ^= 1;
    ck_assert_int_eq(ppml_infer(&output, &b->circuit, b->inputs, 1, &key, NULL, &arena),
                     i < 4 ? PPML_ERR_CHECKSUM : PPML_ERR_TRUNCATED);
    if (i < 4) bytes[places[i]] ^= 1;
    ck_assert_ptr_null(output.lwe);
    ck_assert_uint_eq(arena.used_bytes, 0);
    test_arena_free(&stream);
  }
  free(bytes);
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

START_TEST(a_stream_that_cannot_be_rewound_serves_one_layer) {
  const uint32_t hidden[] = {3};
  bench *b = bench_make(0, 5, hidden, 1, PPML_ACTIVATION_RELU, 2);
  uint8_t *bytes = wire_for(b, &all_keys[0]);
  ppml_reader reader = ppml_reader_from_memory(bytes, all_keys[0].wire_bytes);
  ppml_eval_key key;
  ppml_output output;
  ppml_arena stream, arena = test_arena(ppml_infer_bytes(&b->circuit, 1, 1));
  reader.rewind = NULL;
  ck_assert_int_eq(open_stream(&key, &reader, b, 1, &stream), PPML_OK);
  ck_assert_int_eq(ppml_infer(&output, &b->circuit, b->inputs, 1, &key, NULL, &arena), PPML_OK);
  ppml_arena_release(&arena, 0);
  ck_assert_int_eq(ppml_infer(&output, &b->circuit, b->inputs, 1, &key, NULL, &arena), PPML_ERR_IO);
  test_arena_free(&stream);
  test_arena_free(&arena);
  free(bytes);
  bench_free(b);
}
END_TEST

/* ------------------------------------------------------------------ error */

/* What inference says once one byte of one of the three parties is another. */
#define check_mismatch(change, expected)                                                           \
  do {                                                                                             \
    bench *b = bench_make(0, 5, NULL, 0, PPML_ACTIVATION_RELU, 2);                                 \
    ppml_arena arena = test_arena(ppml_infer_bytes(&b->circuit, IMAGES, 1));                       \
    size_t images = IMAGES;                                                                        \
    ppml_output output;                                                                            \
    change;                                                                                        \
    ck_assert_int_eq(ppml_infer(&output, &b->circuit, b->inputs, images, &b->key, NULL, &arena),   \
                     expected);                                                                    \
    if (expected != PPML_OK) ck_assert_uint_eq(arena.used_bytes, 0);                               \
    test_arena_free(&arena);                                                                       \
    bench_free(b);                                                                                 \
  } while (0)

START_TEST(what_does_not_belong_together_is_refused) {
  check_mismatch((void)0, PPML_OK);
  check_mismatch(b->key.circuit_id[3] ^= 1, PPML_ERR_MISMATCH);
  check_mismatch(b->key.key_id[3] ^= 1, PPML_ERR_MISMATCH);
  check_mismatch(b->key.params = ppml_params_by_name("precise"), PPML_ERR_MISMATCH);
  check_mismatch(b->circuit.id[0] ^= 1, PPML_ERR_MISMATCH);
  check_mismatch(b->inputs[IMAGES - 1].circuit_id[15] ^= 1, PPML_ERR_MISMATCH);
  check_mismatch(b->inputs[IMAGES - 1].key_id[15] ^= 1, PPML_ERR_MISMATCH);
  check_mismatch(b->inputs[1].blocks++, PPML_ERR_MISMATCH);
  check_mismatch(b->inputs[1].params = ppml_params_by_name("precise"), PPML_ERR_MISMATCH);
  check_mismatch(images = 0, PPML_ERR_ARG);
}
END_TEST

/* ------------------------------------------------------------------- oom */

START_TEST(inference_takes_exactly_what_is_said) {
  const uint32_t hidden[] = {3};
  bench *b = bench_make(0, 5, hidden, 1, PPML_ACTIVATION_RELU, 2);
  for (size_t threads = 1; threads <= 3; threads++) {
    ppml_parallel parallel = test_parallel(threads);
    size_t bytes = ppml_infer_bytes(&b->circuit, 2, threads);
    for (size_t less = 1; less <= bytes; less = 3 * less + 61) {
      ppml_output output;
      ppml_arena arena = test_arena(bytes - less);
      memset(&output, 0, sizeof output);
      ck_assert_int_eq(ppml_infer(&output, &b->circuit, b->inputs, 2, &b->key, &parallel, &arena),
                       PPML_ERR_NOMEM);
      ck_assert_uint_eq(arena.used_bytes, 0);
      ck_assert_ptr_null(output.lwe);
      test_arena_free(&arena);
    }
  }
  bench_free(b);
}
END_TEST

START_TEST(a_stream_takes_exactly_what_is_said) {
  const uint32_t hidden[] = {3};
  bench *b = bench_make(0, 5, hidden, 1, PPML_ACTIVATION_RELU, 2);
  uint8_t *wire = wire_for(b, &all_keys[0]);
  ppml_limits limits = ppml_limits_default();
  size_t bytes = ppml_eval_key_stream_bytes(b->circuit.params, 2);
  for (size_t less = 1; less <= bytes; less = 3 * less + 61) {
    ppml_reader reader = ppml_reader_from_memory(wire, all_keys[0].wire_bytes);
    ppml_eval_key key;
    ppml_arena arena = test_arena(bytes - less);
    ck_assert_int_eq(ppml_eval_key_stream(&key, &reader, &limits, &b->circuit, NULL, 2, &arena),
                     PPML_ERR_NOMEM);
    ck_assert_uint_eq(arena.used_bytes, 0);
    test_arena_free(&arena);
  }
  free(wire);
  bench_free(b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("infer");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  TCase *oom = test_case(suite, "oom"), *cases[] = {law, error, oom};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    tcase_add_unchecked_fixture(cases[i], make_keys, NULL);
  tcase_add_test(law, a_linear_model);
  tcase_add_test(law, one_hidden_layer_and_a_single_score);
  tcase_add_test(law, two_hidden_layers_and_three_classes);
  tcase_add_test(law, more_neurons_than_a_tile_and_more_pixels_than_a_block);
  tcase_add_test(law, a_layer_of_one_neuron_between_others);
  tcase_add_test(law, the_other_parameter_sets);
  tcase_add_test(law, the_result_does_not_depend_on_threads_or_batches);
  tcase_add_test(law, a_streamed_key_gives_the_same_result);
  tcase_add_test(error, a_streamed_key_that_is_damaged_gives_no_result);
  tcase_add_test(error, a_stream_that_cannot_be_rewound_serves_one_layer);
  tcase_add_test(error, what_does_not_belong_together_is_refused);
  tcase_add_test(oom, inference_takes_exactly_what_is_said);
  tcase_add_test(oom, a_stream_takes_exactly_what_is_said);
  int failed = test_run(suite);
  for (int i = 0; i < SETS; i++) test_keys_free(&all_keys[i]);
  return failed;
}
