/* test_linear.c - models without hidden layers: encrypted without an evaluation key. */
#define PPML_IMPLEMENTATION
#include "support.h"

#include "../ppml_impl/client/linear_encrypt.h"
#include "../ppml_impl/plan/linear_noise.h"
#include "../ppml_impl/server/linear_score.h"

/* A model, its client's key and a server that has made it ready. */
typedef struct bench {
  test_net net;
  ppml_secret_key key;
  ppmli_linear_model server;
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
  ppmli_linear_client(&client, &b->net.model);
  memset(client.circuit_id, 7, sizeof client.circuit_id);
  test_secret_key_make(&b->key, &client, &rng);
  b->memory = test_arena(ppmli_linear_model_bytes(&b->net.model));
  ck_assert_int_eq(ppmli_linear_model_init(&b->server, &b->net.model,
                                           ppmli_backend_by_name(backend), &b->memory),
                   PPML_OK);
  b->scratch = test_arena((size_t)1 << 24);
  return b;
}

static void bench_free(bench *b) {
  test_arena_free(&b->memory);
  test_arena_free(&b->scratch);
  free(b);
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
    ck_assert_int_eq(ppmli_linear_encrypt_image(&input, &b->key, pixels, rng, &b->scratch),
                     PPML_OK);
    ck_assert_int_eq(ppmli_linear_infer(&output, &b->server, &input, 1, b->key.client.circuit_id,
                                        NULL, &b->scratch),
                     PPML_OK);
    ck_assert_int_eq(ppmli_decrypt_scores(scores, &output, 0, &b->key), PPML_OK);
    clear_scores(clear, b, pixels);
    for (size_t j = 0; j < outputs; j++) test_moments_add(m, scores[j] - clear[j]);
    b->scratch.used_bytes = mark;
  }
  free(pixels);
}

START_TEST(the_set_is_on_the_security_line) {
  const ppml_params *p = ppmli_linear_params();
  double log2_std = log2(ppmli_params_noise_std(p->glwe_noise_bound, PPMLI_LINEAR_TORUS_BITS));
  ck_assert_msg(log2_std >= -22.85 && log2_std < -22.84, "2^%.4f", log2_std);
  ck_assert(ppmli_linear_security_bits(p) > 131.4);
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
      squares += ppmli_square(ppmli_linear_noise_std(&b->net.model, j)) / outputs;
    test_assert_near(sqrt(m.squares / (double)m.count), sqrt(squares), 0.1);
    ck_assert_msg(m.most < 6 * sqrt(squares), "error %g, expected %g", m.most, sqrt(squares));
    bench_free(b);
  }
}
END_TEST

/* The masks of scores against products of integers, word by word. */
START_TEST(products_are_exact) {
  bench *b = bench_make(40, 40, 1, 3, test_backend(), 5);
  const ppml_params *p = b->server.params;
  size_t N = p->poly_size;
  ppml_input input;
  ppmli_linear_scratch s;
  uint64_t *sum = test_memory(8 * N), *a = test_memory(8 * N), *w = test_memory(8 * N);
  uint8_t *pixels = test_memory(1600);
  ppml_rng rng = test_rng(2);
  test_pixels(pixels, 1600, &rng);
  ck_assert_int_eq(ppmli_linear_encrypt_image(&input, &b->key, pixels, &rng, &b->scratch), PPML_OK);
  ck_assert_int_eq(ppmli_linear_scratch_init(&s, &b->server, &b->scratch), PPML_OK);
  ppmli_product shape = {1, 1, b->server.blocks, 3, NULL};
  ppmli_linear_masks(&b->server, &input, &s);
  b->server.fft->backend->product(b->server.fft, s.products, s.masks, b->server.weights, &shape);
  for (uint32_t j = 0; j < 3; j++) {
    ppmli_linear_lwe(&b->server, &input, j, &s);
    memset(sum, 0, 8 * N);
    for (size_t block = 0; block < b->server.blocks; block++) {
      ppmli_stream words;
      ppmli_stream_init(&words, input.seed, PPMLI_STREAM_INPUT_MASK, block);
      ppmli_stream_u32(&words, s.words, N);
      for (size_t i = 0; i < N; i++) a[i] = (uint64_t)s.words[i] << 32;
      ppmli_linear_weight_poly(w, &b->net.model.layer[0], j, block, N);
      test_multiply_add(sum, a, w, N);
    }
    for (size_t i = 0; i < N; i++) ck_assert_uint_eq(s.lwe[i], i ? 0 - sum[N - i] : sum[0]);
  }
  free(sum), free(a), free(w), free(pixels);
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
  ck_assert_int_eq(ppmli_linear_encrypt_image(&input, &b->key, pixels, &rng, &b->scratch), PPML_OK);
  ck_assert_int_eq(
      ppmli_linear_infer(&one, &b->server, &input, 1, b->key.client.circuit_id, NULL, &b->scratch),
      PPML_OK);
  ck_assert_int_eq(ppmli_linear_infer(&other, &best->server, &input, 1, b->key.client.circuit_id,
                                      NULL, &best->scratch),
                   PPML_OK);
  ck_assert_int_eq(memcmp(one.lwe, other.lwe, 4 * ppmli_output_words(one.params) * 4), 0);
  bench_free(b);
  bench_free(best);
}
END_TEST

START_TEST(threads_change_nothing) {
  ppml_rng rng = test_rng(4);
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 6);
  ppml_parallel parallel = test_parallel(3);
  uint8_t pixels[784];
  ppml_input inputs[7];
  ppml_output one, three;
  for (size_t i = 0; i < 7; i++) {
    test_pixels(pixels, sizeof pixels, &rng);
    ck_assert_int_eq(ppmli_linear_encrypt_image(&inputs[i], &b->key, pixels, &rng, &b->scratch),
                     PPML_OK);
  }
  const uint8_t *id = b->key.client.circuit_id;
  ck_assert_int_eq(ppmli_linear_infer(&one, &b->server, inputs, 7, id, NULL, &b->scratch), PPML_OK);
  ck_assert_int_eq(ppmli_linear_infer(&three, &b->server, inputs, 7, id, &parallel, &b->scratch),
                   PPML_OK);
  ck_assert_int_eq(memcmp(one.lwe, three.lwe, 7 * ppmli_output_words(one.params) * 4), 0);
  inputs[3].key_id[0] ^= 1;
  ck_assert_int_eq(ppmli_linear_infer(&one, &b->server, inputs, 7, id, NULL, &b->scratch),
                   PPML_ERR_MISMATCH);
  bench_free(b);
}
END_TEST

/* ------------------------------------------------------------------- wire */

/* The payload of an encrypted image, as a container of images would carry it. */
static size_t write_image(uint8_t *wire, size_t capacity, bench *b, const uint8_t *pixels,
                          ppml_rng *rng) {
  ppml_header h;
  ppmli_out out;
  ppml_writer writer = ppml_writer_to_memory(wire, capacity);
  memset(&h, 0, sizeof h);
  h.kind = PPML_KIND_MODEL; /* stands for a kind that is not registered yet */
  h.payload_bytes = ppmli_linear_payload_bytes(b->server.params, b->net.model.layer[0].inputs);
  ppmli_out_begin(&out, &writer, &h);
  size_t scratch_bytes = ppmli_linear_encrypt_scratch(b->server.params);
  ppml_arena scratch = test_arena(scratch_bytes);
  ck_assert_int_eq(ppmli_linear_put_encrypted(&out, &b->key, pixels, rng, &scratch), PPML_OK);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  ck_assert_uint_eq(scratch.high_bytes, scratch_bytes);
  test_arena_free(&scratch);
  return writer.position;
}

static int read_image(ppml_input *input, const uint8_t *wire, size_t count, ppml_arena *arena) {
  ppml_reader reader = ppml_reader_from_memory(wire, count);
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin(&in, &h, &reader, &limits));
  PPMLI_TRY(ppmli_linear_input_get(input, &in, &limits, arena));
  return ppmli_in_end(&in);
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
  ck_assert_int_eq(ppmli_linear_encrypt_image(&direct, &b->key, pixels, &again, &b->scratch),
                   PPML_OK);
  ck_assert_int_eq(read_image(&read, wire, count, &b->scratch), PPML_OK);
  ck_assert_int_eq(memcmp(read.seed, direct.seed, PPML_SEED_BYTES), 0);
  ck_assert_int_eq(memcmp(read.body, direct.body, 784 * 8), 0);
  ck_assert_int_eq(read_image(&read, wire, count - 1, &b->scratch), PPML_ERR_TRUNCATED);
  wire[PPMLI_HEADER_BYTES + 32]++; /* one pixel more than the payload has */
  ck_assert_int_eq(read_image(&read, wire, count, &b->scratch), PPML_ERR_FORMAT);
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

START_TEST(what_does_not_fit_is_refused) {
  bench *b = bench_make(28, 28, 1, 2, test_backend(), 9);
  ppmli_linear_model server;
  ppml_arena arena = test_arena(ppmli_linear_model_bytes(&b->net.model));
  const ppmli_backend *backend = ppmli_backend_by_name(test_backend());
  b->net.peak[0][0] = INT32_MAX; /* half as much again is beyond half a turn of 2^-32 */
  ck_assert_int_eq(ppmli_linear_model_init(&server, &b->net.model, backend, &arena),
                   PPML_ERR_PARAMS);
  b->net.peak[0][0] = 1000;
  b->net.model.layer_count = 2;
  ck_assert_int_eq(ppmli_linear_model_init(&server, &b->net.model, backend, &arena),
                   PPML_ERR_PARAMS);
  b->net.model.layer_count = 1;
  arena.capacity_bytes -= PPML_ALIGNMENT;
  ck_assert_int_eq(ppmli_linear_model_init(&server, &b->net.model, backend, &arena),
                   PPML_ERR_NOMEM);
  test_arena_free(&arena);
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
  ck_assert_int_eq(ppmli_linear_encrypt_image(&one, &b->key, pixels, &rng, &b->scratch), PPML_OK);
  pixels[783] = 1;
  ck_assert_int_eq(ppmli_linear_encrypt_image(&two, &b->key, pixels, &copy, &b->scratch), PPML_OK);
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
  tcase_add_test(law, two_encryptions_share_no_byte_beyond_chance);
  tcase_add_test(law, different_images_have_different_seeds_even_without_entropy);
  tcase_add_test(law, a_model_without_peaks_never_wraps);
  tcase_add_test(error, what_does_not_fit_is_refused);
  return test_run(suite);
}
