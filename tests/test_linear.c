/* test_linear.c - models without hidden layers: encrypted without an evaluation key. */
#define PPML_IMPLEMENTATION
#include "support.h"

/* A model, its circuit, its client's key and a server that has made it ready. */
typedef struct bench {
  test_net net;
  ppml_circuit circuit;
  ppml_secret_key key;
  ppml_eval_key none;
  ppml_arena memory, scratch;
} bench;

/* width x height x channels pixels, 8 bits each, and classes. */
static bench *bench_make(uint32_t width, uint32_t height, uint32_t channels, uint32_t classes,
                         const char *backend, uint64_t seed) {
  bench *b = (bench *)test_memory(sizeof *b);
  ppml_rng rng = test_rng(seed);
  ppml_client client;
  test_net_spec(&b->net, width, height, channels, classes);
  b->net.model.spec.input_bits = 8;
  test_net_add(&b->net, b->net.model.spec.outputs, PPML_ACTIVATION_NONE, &rng);
  b->net.model.layer[0].weight_bits = 8;
  size_t weights = (size_t)b->net.model.layer[0].inputs * b->net.model.spec.outputs;
  for (size_t i = 0; i < weights; i++) b->net.weight[0][i] = (int8_t)test_within(&rng, 127);
  double spread =
      sqrt((double)b->net.model.layer[0].inputs) * 73.6 * 147.5; /* of weights, pixels */
  for (uint32_t j = 0; j < b->net.model.spec.outputs; j++)
    b->net.peak[0][j] = (int32_t)(5 * spread) + 1000;
  b->net.model.layer[0].peak = b->net.peak[0];
  const ppml_compile_options options = {ppml_params_by_name("linear"), 0, 0, 0};
  b->memory = test_arena((size_t)1 << 22);
  ck_assert_int_eq(ppml_compile(&b->circuit, &b->net.model, &options, NULL, &b->memory), PPML_OK);
  ppml_client_from_circuit(&client, &b->circuit);
  test_secret_key_make(&b->key, &client, &rng);
  ck_assert_int_eq(ppml_eval_key_none(&b->none, &b->circuit, backend, &b->memory), PPML_OK);
  b->scratch = test_arena((size_t)1 << 24);
  return b;
}

static void bench_free(bench *b) {
  test_arena_free(&b->memory);
  test_arena_free(&b->scratch);
  free(b);
}

static void bench_encrypt(ppml_input *input, bench *b, const uint8_t *pixels, ppml_rng *rng) {
  ppml_request request;
  ck_assert_int_eq(ppml_encrypt(input, &request, &b->key, pixels, rng, &b->scratch), PPML_OK);
}

static void bench_infer(ppml_output *output, bench *b, const ppml_input *inputs, size_t images,
                        const ppml_parallel *parallel) {
  ck_assert_int_eq(ppml_infer(output, &b->circuit, inputs, images, &b->none, parallel, &b->scratch),
                   PPML_OK);
}

static void clear_scores(int32_t *scores, const bench *b, const uint8_t *pixels) {
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&b->net.model));
  ck_assert_int_eq(ppml_model_predict(scores, &b->net.model, pixels, &arena), PPML_OK);
  test_arena_free(&arena);
}

/* Encrypted scores of images against clear ones; errors are added to m. */
static void check_images(test_moments *m, bench *b, size_t images, ppml_rng *rng) {
  size_t inputs = ppmli_spec_inputs(&b->net.model.spec), outputs = b->net.model.spec.outputs;
  uint8_t *pixels = test_memory(inputs);
  int32_t clear[PPML_CLASSES_MAX], scores[PPML_CLASSES_MAX];
  for (size_t n = 0; n < images; n++) {
    ppml_input input;
    ppml_output output;
    size_t mark = b->scratch.used_bytes;
    test_pixels(pixels, inputs, rng);
    bench_encrypt(&input, b, pixels, rng);
    bench_infer(&output, b, &input, 1, NULL);
    ck_assert_int_eq(ppmli_decrypt_scores(scores, &output, 0, &b->key), PPML_OK);
    clear_scores(clear, b, pixels);
    for (size_t j = 0; j < outputs; j++) test_moments_add(m, scores[j] - clear[j]);
    b->scratch.used_bytes = mark;
  }
  free(pixels);
}

START_TEST(the_set_is_on_the_security_line) {
  const ppml_params *p = ppml_params_by_name("linear");
  double log2_std = log2(ppmli_params_noise_std(p->glwe_noise_bound, PPMLI_SHORT_TORUS_BITS));
  ck_assert_msg(log2_std >= -22.85 && log2_std < -22.84, "2^%.4f", log2_std);
  ck_assert(ppml_params_security_bits(p) > 131.4);
  ck_assert_uint_eq(ppml_eval_key_wire_bytes(p), 0);
}
END_TEST

/* Gray, RGB, more pixels than a ciphertext holds, one score and many. */
START_TEST(encrypted_scores_are_the_clear_ones_up_to_the_noise_of_the_formula) {
  static const uint32_t shape[][4] = {
      {28, 28, 1, 2}, {28, 28, 3, 5}, {32, 32, 1, 3}, {40, 30, 1, 14}, {5, 3, 1, 2}};
  ppml_rng rng = test_rng(1);
  for (size_t s = 0; s < sizeof shape / sizeof shape[0]; s++) {
    bench *b = bench_make(shape[s][0], shape[s][1], shape[s][2], shape[s][3], test_backend(), s);
    test_moments m = {0, 0, 0, 0};
    double squares = 0, outputs = b->net.model.spec.outputs;
    check_images(&m, b, (size_t)(360 / outputs), &rng);
    for (uint32_t j = 0; j < b->net.model.spec.outputs; j++)
      squares += ppmli_square(ppmli_circuit_std(&b->circuit, 0, j)) / outputs;
    test_assert_near(sqrt(m.squares / (double)m.count), sqrt(squares), 0.1);
    ck_assert_msg(m.most < 6 * sqrt(squares), "error %g, expected %g", m.most, sqrt(squares));
    bench_free(b);
  }
}
END_TEST

/* The masks of scores against products of integers, word by word. */
START_TEST(products_are_exact) {
  bench *b = bench_make(40, 40, 1, 3, test_backend(), 5);
  const ppml_params *p = b->circuit.params;
  size_t N = p->poly_size, blocks = 2, words = N + 1;
  ppml_input input;
  const uint64_t *lwe;
  uint32_t *mask = test_memory(4 * N);
  uint64_t *sum = test_memory(8 * N), *a = test_memory(8 * N), *w = test_memory(8 * N);
  uint8_t *pixels = test_memory(1600);
  ppml_rng rng = test_rng(2);
  test_pixels(pixels, 1600, &rng);
  bench_encrypt(&input, b, pixels, &rng);
  ck_assert_int_eq(ppmli_linear_scores(&lwe, &b->circuit, &input, 1, &b->none, NULL, &b->scratch),
                   PPML_OK);
  for (uint32_t j = 0; j < 3; j++) {
    memset(sum, 0, 8 * N);
    for (size_t block = 0; block < blocks; block++) {
      ppmli_stream stream;
      ppmli_stream_init(&stream, input.seed, PPMLI_STREAM_INPUT_MASK, block);
      ppmli_stream_u32(&stream, mask, N);
      for (size_t i = 0; i < N; i++) a[i] = (uint64_t)mask[i] << 32;
      ppmli_linear_weight_poly(w, &b->net.model.layer[0], j, block, N);
      test_multiply_add(sum, a, w, N);
    }
    for (size_t i = 0; i < N; i++)
      ck_assert_uint_eq(lwe[j * words + i], i ? 0 - sum[N - i] : sum[0]);
  }
  free(sum), free(a), free(w), free(pixels), free(mask);
  bench_free(b);
}
END_TEST

START_TEST(every_backend_gives_the_same_answer) {
  ppml_rng rng = test_rng(3);
  bench *b = bench_make(28, 28, 1, 4, "ref", 5), *best = bench_make(28, 28, 1, 4, NULL, 5);
  uint8_t pixels[784];
  ppml_input input;
  ppml_output one, other;
  test_pixels(pixels, sizeof pixels, &rng);
  bench_encrypt(&input, b, pixels, &rng);
  bench_infer(&one, b, &input, 1, NULL);
  bench_infer(&other, best, &input, 1, NULL);
  ck_assert_int_eq(memcmp(one.lwe, other.lwe, 4 * ppmli_output_words(one.params) * 4), 0);
  bench_free(b);
  bench_free(best);
}
END_TEST

/* Nor does it matter whether weights were made ready; images of two owners are not answered together. */
START_TEST(threads_change_nothing) {
  ppml_rng rng = test_rng(4);
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 6);
  ppml_parallel parallel = test_parallel(3);
  uint8_t pixels[784];
  ppml_input inputs[7];
  ppml_output one, three;
  for (size_t i = 0; i < 7; i++) {
    test_pixels(pixels, sizeof pixels, &rng);
    bench_encrypt(&inputs[i], b, pixels, &rng);
  }
  bench_infer(&one, b, inputs, 7, NULL);
  ck_assert_int_eq(ppml_eval_key_prepare(&b->none, &b->circuit, &b->memory), PPML_OK);
  bench_infer(&three, b, inputs, 7, &parallel);
  ck_assert_int_eq(memcmp(one.lwe, three.lwe, 7 * ppmli_output_words(one.params) * 4), 0);
  ck_assert_mem_eq(one.key_id, b->key.id, PPML_ID_BYTES);
  inputs[3].key_id[0] ^= 1;
  ck_assert_int_eq(ppml_infer(&one, &b->circuit, inputs, 7, &b->none, NULL, &b->scratch),
                   PPML_ERR_MISMATCH);
  bench_free(b);
}
END_TEST

/* ------------------------------------------------------------------- wire */

/* An encrypted image's file, in memory for one ciphertext. */
static size_t write_image(uint8_t *wire, size_t capacity, bench *b, const uint8_t *pixels,
                          ppml_rng *rng) {
  ppml_request request;
  ppml_writer writer = ppml_writer_to_memory(wire, capacity);
  size_t bytes = ppml_encrypt_to_bytes(b->key.client->params, &b->key.client->spec);
  ppml_arena scratch = test_arena(bytes);
  ck_assert_int_eq(ppml_encrypt_to(&writer, &request, &b->key, pixels, rng, &scratch), PPML_OK);
  ck_assert_uint_eq(scratch.high_bytes, bytes);
  test_arena_free(&scratch);
  return writer.position;
}

static int read_image(ppml_input *input, const uint8_t *wire, size_t count, ppml_arena *arena) {
  ppml_reader reader = ppml_reader_from_memory(wire, count);
  ppml_limits limits = ppml_limits_default();
  return ppml_input_read(input, &reader, &limits, arena);
}

START_TEST(an_image_comes_back_from_the_wire_and_has_the_size_that_is_promised) {
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 7);
  uint8_t wire[4096], pixels[784];
  ppml_rng rng = test_rng(5), again = rng;
  ppml_input direct, read;
  test_pixels(pixels, sizeof pixels, &rng);
  test_pixels(pixels, sizeof pixels, &again);
  size_t count = write_image(wire, sizeof wire, b, pixels, &rng);
  ck_assert_uint_eq(count, PPMLI_CONTAINER_BYTES + 32 + 4 + 784 * 3);
  ck_assert_uint_eq(count, ppml_input_wire_bytes(b->circuit.params, &b->net.model.spec));
  bench_encrypt(&direct, b, pixels, &again);
  ck_assert_int_eq(read_image(&read, wire, count, &b->scratch), PPML_OK);
  ck_assert_int_eq(memcmp(read.seed, direct.seed, PPML_SEED_BYTES), 0);
  ck_assert_int_eq(memcmp(read.body, direct.body, 1024 * 8), 0);
  ck_assert_uint_eq(read.words, 784);
  ck_assert_int_eq(read_image(&read, wire, count - 1, &b->scratch), PPML_ERR_TRUNCATED);
  wire[PPMLI_HEADER_BYTES + 32]++; /* one pixel more than the payload has */
  ck_assert_int_eq(read_image(&read, wire, count, &b->scratch), PPML_ERR_FORMAT);
  bench_free(b);
}
END_TEST

/* Peaks stay with the model, in its file as well; where it has none, they are not made up. */
START_TEST(peaks_of_scores_travel_with_the_model) {
  bench *b = bench_make(5, 3, 1, 4, test_backend(), 12);
  uint8_t wire[4096];
  ppml_limits limits = ppml_limits_default();
  for (int has_peaks = 1; has_peaks >= 0; has_peaks--) {
    ppml_model read;
    b->net.model.layer[0].peak = has_peaks ? b->net.peak[0] : NULL;
    ppml_writer writer = ppml_writer_to_memory(wire, sizeof wire);
    ck_assert_int_eq(ppml_model_write(&b->net.model, &writer), PPML_OK);
    ppml_reader reader = ppml_reader_from_memory(wire, writer.position);
    ck_assert_int_eq(ppml_model_read(&read, &reader, &limits, &b->scratch), PPML_OK);
    if (has_peaks) ck_assert_mem_eq(read.layer[0].peak, b->net.peak[0], 4 * sizeof(int32_t));
    else ck_assert_ptr_null(read.layer[0].peak);
  }
  b->net.model.layer[0].peak = b->net.peak[0];
  b->net.peak[0][2] = 0;
  ppml_writer writer = ppml_writer_to_memory(wire, sizeof wire);
  ck_assert_int_eq(ppml_model_write(&b->net.model, &writer), PPML_ERR_RANGE);
  bench_free(b);
}
END_TEST

START_TEST(two_encryptions_share_no_byte_beyond_chance) {
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 8);
  uint8_t one[4096], two[4096], pixels[784] = {0};
  ppml_rng rng = test_rng(6);
  size_t equal = 0, first = PPMLI_HEADER_BYTES, last = first + 32 + 4 + 784 * 3;
  for (int n = 0; n < 20; n++) {
    write_image(one, sizeof one, b, pixels, &rng);
    write_image(two, sizeof two, b, pixels, &rng);
    for (size_t i = first; i < last; i++)
      equal += (i < first + 32 || i >= first + 36) && one[i] == two[i];
  }
  double expected = 20 * (32 + 784 * 3) / 256.0; /* 186, deviation 13.6 */
  ck_assert_msg(fabs((double)equal - expected) < 5 * sqrt(expected), "%zu", equal);
  bench_free(b);
}
END_TEST

/* A set without keys takes none, and is for linear models whose scores have room. */
START_TEST(what_does_not_fit_is_refused) {
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 9);
  const ppml_compile_options linear = {b->circuit.params, 0, 0, 0};
  const ppml_compile_options fast = {ppml_params_by_name("fast"), 0, 0, 0};
  ppml_compile_options automatic = ppml_compile_options_default(&b->net.model.spec);
  ppml_circuit circuit;
  ppml_eval_key key;
  ppml_writer writer = ppml_writer_to_memory(NULL, 0);
  ppml_rng rng = test_rng(1);
  automatic.automatic = 1;
  automatic.agreement = 0;
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &b->key, &rng, NULL, NULL, &b->scratch),
                   PPML_ERR_PARAMS);
  ck_assert_int_eq(ppml_compile(&circuit, &b->net.model, &automatic, NULL, &b->memory), PPML_OK);
  ck_assert_ptr_eq(circuit.params, b->circuit.params); /* before all sets with keys */
  b->net.peak[0][0] = 1 << 30; /* half as much again has room above 2^-32 of a turn */
  ck_assert_int_eq(ppml_compile(&circuit, &b->net.model, &linear, NULL, &b->memory), PPML_OK);
  ck_assert_uint_eq(circuit.unit[0], (uint64_t)1 << 32);
  circuit.unit[0] *= 2; /* another layout than the planner's */
  uint8_t wire[8192];
  writer = ppml_writer_to_memory(wire, sizeof wire);
  ck_assert_int_eq(ppml_circuit_write(&circuit, &writer), PPML_ERR_RANGE);
  test_net_spec(&b->net, 4, 4, 1, 2);
  test_net_add(&b->net, 1, PPML_ACTIVATION_NONE, &rng);
  ck_assert_int_eq(ppml_compile(&circuit, &b->net.model, &fast, NULL, &b->memory), PPML_OK);
  ck_assert_int_eq(ppml_eval_key_none(&key, &circuit, NULL, &b->memory), PPML_ERR_PARAMS);
  ck_assert_uint_eq(ppml_eval_key_none_bytes(&circuit), 0);
  test_net_spec(&b->net, 4, 4, 1, 2);
  test_net_add(&b->net, 3, PPML_ACTIVATION_RELU, &rng);
  test_net_add(&b->net, 1, PPML_ACTIVATION_NONE, &rng);
  ck_assert_int_eq(ppml_compile(&circuit, &b->net.model, &linear, NULL, &b->memory),
                   PPML_ERR_PARAMS);
  bench_free(b);
}
END_TEST

/* By copies of a generator whose entropy source gives all the same, both ways to encrypt. */
START_TEST(different_images_have_different_seeds_even_without_entropy) {
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 11);
  int byte = 0;
  uint8_t wire[4096], pixels[784] = {0};
  ppml_rng rng = test_constant_rng(&byte), copy = rng, other = rng;
  ppml_input one, two;
  bench_encrypt(&one, b, pixels, &rng);
  pixels[783] = 1;
  bench_encrypt(&two, b, pixels, &copy);
  (void)write_image(wire, sizeof wire, b, pixels, &other);
  ck_assert_mem_ne(one.seed, two.seed, PPML_SEED_BYTES);
  ck_assert_mem_eq(two.seed, wire + PPMLI_HEADER_BYTES, PPML_SEED_BYTES);
  bench_free(b);
}
END_TEST

/* Without peaks the unit is what no image exceeds. */
START_TEST(a_model_without_peaks_never_wraps) {
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 10);
  b->net.model.layer[0].peak = NULL;
  uint64_t room = ppmli_linear_room(&b->net.model, 0), unit = ppmli_linear_unit(&b->net.model);
  ck_assert(room * unit <= PPMLI_TORUS_HALF && 2 * room * unit > PPMLI_TORUS_HALF);
  ck_assert_uint_eq(room, (uint64_t)ppmli_layer_bound(&b->net.model.layer[0], 0, 255) + 1);
  bench_free(b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("linear");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, the_set_is_on_the_security_line);
  tcase_add_test(law, encrypted_scores_are_the_clear_ones_up_to_the_noise_of_the_formula);
  tcase_add_test(law, products_are_exact);
  tcase_add_test(law, every_backend_gives_the_same_answer);
  tcase_add_test(law, threads_change_nothing);
  tcase_add_test(law, an_image_comes_back_from_the_wire_and_has_the_size_that_is_promised);
  tcase_add_test(law, peaks_of_scores_travel_with_the_model);
  tcase_add_test(law, two_encryptions_share_no_byte_beyond_chance);
  tcase_add_test(law, different_images_have_different_seeds_even_without_entropy);
  tcase_add_test(law, a_model_without_peaks_never_wraps);
  tcase_add_test(error, what_does_not_fit_is_refused);
  return test_run(suite);
}
