/* test_ciphertext.c - encrypted images and encrypted scores. */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "kat/format_kat.h"

enum { WORDS_MAX = TEST_KEY_BITS_MAX + 1 };

/* The client of the known answers, and its key from seed 5. */
static ppml_rng known_key(ppml_secret_key *key) {
  const ppml_spec spec = {3, 2,   1,   4,         2, 1, 100, {"benign", "malignant"},
                          0, {0}, {0}, {0, 0, 0}, 0};
  ppml_client client;
  ppml_rng rng = test_rng(5);
  memset(&client, 0, sizeof client);
  client.spec = spec;
  client.params = ppml_params_by_name("fast");
  client.score_unit = ((uint64_t)1 << 50) + 12345;
  client.score_noise = (uint64_t)6 << 50;
  client.answer_step = 128;
  client.publish = 100;
  client.renew_after = 1000;
  client.score_peak[0] = 4000;
  for (uint8_t i = 0; i < PPML_ID_BYTES; i++) client.circuit_id[i] = i;
  test_secret_key(key, &client, &rng);
  return rng;
}

static void digest_of(uint8_t out[PPML_ID_BYTES], const uint8_t *bytes, size_t count) {
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, bytes, count);
  ppmli_digest_final(&d, out);
}

/* ------------------------------------------------------------------- kat */

START_TEST(an_image_is_encrypted_and_written_as_known) {
  static const uint8_t pixels[] = {0, 255, 127, 128, 3, 77};
  static uint8_t bytes[FORMAT_INPUT_BYTES];
  uint8_t digest[PPML_ID_BYTES];
  ppml_secret_key key;
  ppml_rng rng = known_key(&key);
  ppml_input input;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_arena arena = test_arena(ppml_encrypt_bytes(key.client->params, &key.client->spec));
  ck_assert_int_eq(ppml_encrypt(&input, &test_request, &key, pixels, &rng, &arena), PPML_OK);
  ck_assert_mem_eq(test_request.digest, format_request_kat, PPML_ID_BYTES);
  ck_assert_uint_eq(test_request.open, 1);
  ck_assert_int_eq(ppml_input_write(&input, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, FORMAT_INPUT_BYTES);
  digest_of(digest, bytes, sizeof bytes);
  ck_assert_mem_eq(digest, format_input_digest_kat, sizeof digest);
  test_arena_free(&arena);
}
END_TEST

START_TEST(scores_are_written_as_known) {
  static uint32_t lwe[2 * 1537];
  static uint8_t bytes[FORMAT_OUTPUT_BYTES];
  uint8_t digest[PPML_ID_BYTES], requests[2 * PPML_ID_BYTES];
  ppml_secret_key key;
  ppml_output output;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  known_key(&key);
  memset(&output, 0, sizeof output);
  output.params = key.client->params;
  memcpy(output.circuit_id, key.client->circuit_id, PPML_ID_BYTES);
  memcpy(output.key_id, key.id, PPML_ID_BYTES);
  output.images = 2;
  output.outputs = 1;
  output.digest = requests;
  output.lwe = lwe;
  for (uint8_t i = 0; i < sizeof requests; i++) requests[i] = i;
  for (size_t i = 0; i < 2 * 1537; i++) lwe[i] = (uint32_t)((7 * i * i + 11 * i) & 0x3fff);
  ck_assert_int_eq(ppml_output_write(&output, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, FORMAT_OUTPUT_BYTES);
  digest_of(digest, bytes, sizeof bytes);
  ck_assert_mem_eq(digest, format_output_digest_kat, sizeof digest);
}
END_TEST

/* ------------------------------------------------------------------ images */

/* A key for an image of that shape. */
static void make_key(ppml_secret_key *key, const char *params, uint32_t width, uint32_t height) {
  ppml_client client = test_client(params);
  ppml_rng rng = test_rng(30);
  client.spec.width = width;
  client.spec.height = height;
  test_secret_key(key, &client, &rng);
}

/* Pixels off the phases, in turns; coefficients behind the last pixel encrypt zero. */
static void measure_image(test_moments *m, const ppml_secret_key *key, uint8_t *pixels,
                          ppml_rng *rng) {
  const ppml_params *p = key->client->params;
  size_t inputs = ppml_spec_inputs(&key->client->spec), N = p->poly_size;
  size_t masks = ppmli_params_long_dim(p);
  uint64_t *glwe = test_memory((masks + N) * sizeof *glwe), *phase = test_memory(N * sizeof *phase);
  ppml_input input;
  ppml_arena arena = test_arena(ppml_encrypt_bytes(p, &key->client->spec));
  test_pixels(pixels, inputs, rng);
  ck_assert_int_eq(ppml_encrypt(&input, &test_request, key, pixels, rng, &arena), PPML_OK);
  ck_assert_uint_eq(input.blocks, (inputs + N - 1) / N);
  for (uint32_t b = 0; b < input.blocks; b++) {
    ppmli_stream mask;
    ppmli_stream_init(&mask, input.seed, PPMLI_STREAM_INPUT_MASK, b);
    ppmli_stream_u64(&mask, glwe, masks);
    memcpy(glwe + masks, input.body + b * N, N * sizeof *glwe);
    test_glwe_phase(phase, glwe, p, key->glwe_bits);
    for (size_t j = 0; j < N; j++) {
      size_t at = b * N + j;
      uint64_t x = at < inputs ? (uint64_t)ppmli_quant_pixel(pixels[at], 4) << 44 : 0;
      test_moments_add(m, test_turns(phase[j] - x));
    }
  }
  test_arena_free(&arena);
  free(glwe);
  free(phase);
}

/* 30 images of three blocks: more than 46,000 coefficients. */
START_TEST(an_encrypted_image_is_its_pixels_and_the_stated_noise) {
  static const char *const names[] = {"fast", "precise"};
  for (int i = 0; i < 2; i++) {
    ppml_secret_key key;
    static uint8_t pixels[2200];
    ppml_rng rng = test_rng(31);
    test_moments m = {0, 0, 0, 0};
    make_key(&key, names[i], 44, i ? 50 : 25);
    for (int image = 0; image < 30; image++) measure_image(&m, &key, pixels, &rng);
    double expected = ppmli_noise_fresh(key.client->params, key.client->params->input_wire_bits);
    test_assert_near(m.squares / (double)m.count, expected, 0.05);
    ck_assert(m.most < 3 * sqrt(expected)); /* uniform, after all */
  }
}
END_TEST

START_TEST(every_encryption_is_different) {
  ppml_secret_key key;
  const uint8_t pixels[16] = {1, 2, 3};
  ppml_input a, b;
  ppml_rng rng = test_rng(32);
  make_key(&key, "fast", 4, 4);
  ppml_arena arena = test_arena(2 * ppml_encrypt_bytes(key.client->params, &key.client->spec));
  ck_assert_int_eq(ppml_encrypt(&a, &test_request, &key, pixels, &rng, &arena), PPML_OK);
  ck_assert_int_eq(ppml_encrypt(&b, &test_request, &key, pixels, &rng, &arena), PPML_OK);
  ck_assert_mem_ne(a.seed, b.seed, sizeof a.seed);
  ck_assert_mem_ne(a.body, b.body, 512 * sizeof *a.body);
  ck_assert_mem_eq(a.key_id, key.id, PPML_ID_BYTES);
  ck_assert_mem_eq(a.circuit_id, key.client->circuit_id, PPML_ID_BYTES);
  test_arena_free(&arena);
}
END_TEST

/* Block by block, the file is the one that is made of the whole, whatever the set. */
static void check_writing(const char *params) {
  const uint8_t pixels[900] = {1, 2, 3, 255};
  ppml_secret_key key;
  ppml_input input;
  ppml_request whole, open;
  ppml_rng rng = test_rng(34), same = rng;
  make_key(&key, params, 30, 30);
  const ppml_params *p = key.client->params;
  size_t count = ppml_input_wire_bytes(p, &key.client->spec);
  ppml_arena arena = test_arena(ppml_encrypt_bytes(p, &key.client->spec));
  ppml_arena less = test_arena(ppml_encrypt_to_bytes(p, &key.client->spec));
  uint8_t *expected = test_memory(count), *got = test_memory(count);
  ppml_writer writer = ppml_writer_to_memory(expected, count);
  ck_assert_int_eq(ppml_encrypt(&input, &whole, &key, pixels, &rng, &arena), PPML_OK);
  ck_assert_int_eq(ppml_input_write(&input, &writer), PPML_OK);
  writer = ppml_writer_to_memory(got, count);
  ck_assert_int_eq(ppml_encrypt_to(&writer, &open, &key, pixels, &same, &less), PPML_OK);
  ck_assert_uint_eq(writer.position, count);
  ck_assert_mem_eq(got, expected, count);
  ck_assert_mem_eq(&open, &whole, sizeof open);
  ck_assert_uint_eq(less.used_bytes, 0);
  ck_assert_uint_eq(less.high_bytes, ppml_encrypt_to_bytes(p, &key.client->spec));
  ck_assert_uint_lt(less.high_bytes, arena.high_bytes);
  free(expected);
  free(got);
  test_arena_free(&arena);
  test_arena_free(&less);
}

START_TEST(block_by_block_the_file_is_the_same) {
  check_writing("fast");       /* two blocks, the second one in part */
  check_writing("leveled-16"); /* four blocks of 256 values */
}
END_TEST

/* No request is open for a file that has no end. */
START_TEST(a_file_that_ends_early_opens_no_request) {
  const uint8_t pixels[900] = {1, 2, 3, 255};
  uint8_t bytes[5000];
  ppml_secret_key key;
  make_key(&key, "fast", 30, 30);
  size_t count = ppml_input_wire_bytes(key.client->params, &key.client->spec);
  ppml_arena arena = test_arena(ppml_encrypt_to_bytes(key.client->params, &key.client->spec));
  ck_assert_uint_le(count, sizeof bytes);
  for (size_t room = 0; room < count; room += room < 90 ? 10 : 500) {
    ppml_request request = {{1}, 1};
    const ppml_request closed = {{0}, 0};
    ppml_rng rng = test_rng(35);
    ppml_writer writer = ppml_writer_to_memory(bytes, room);
    ck_assert_int_eq(ppml_encrypt_to(&writer, &request, &key, pixels, &rng, &arena), PPML_ERR_IO);
    ck_assert_mem_eq(&request, &closed, sizeof request);
    ck_assert_uint_eq(arena.used_bytes, 0);
  }
  test_arena_free(&arena);
}
END_TEST

START_TEST(encryption_takes_exactly_what_is_said) {
  static const ppml_input nothing;
  ppml_secret_key key;
  const uint8_t pixels[900] = {1, 2, 3};
  make_key(&key, "fast", 30, 30);
  size_t bytes = ppml_encrypt_bytes(key.client->params, &key.client->spec);
  for (size_t less = 0; less <= bytes; less = less ? 3 * less : 1) {
    ppml_input input;
    ppml_rng rng = test_rng(33);
    ppml_arena arena = test_arena(bytes - less);
    memset(&input, 0xee, sizeof input);
    int error = ppml_encrypt(&input, &test_request, &key, pixels, &rng, &arena);
    ck_assert_int_eq(error, less ? PPML_ERR_NOMEM : PPML_OK);
    if (less) ck_assert_mem_eq(&input, &nothing, sizeof input);
    if (less) ck_assert_uint_eq(arena.used_bytes, 0);
    else ck_assert_uint_eq(arena.high_bytes, bytes);
    test_arena_free(&arena);
  }
}
END_TEST

/* ------------------------------------------------------------------ scores */

/* Switches encryptions of random messages down: the change of phase, in turns. */
START_TEST(output_switch_noise_matches_formula) { /* 3,000 samples: 2.6 % is one deviation */
  static uint64_t lwe[WORDS_MAX];
  static uint32_t out[WORDS_MAX];
  for (int set = 0; set < 2; set++) {
    ppml_secret_key key;
    ppml_rng rng = test_rng(34);
    test_moments m = {0, 0, 0, 0};
    make_key(&key, set ? "precise" : "fast", 4, 4);
    const ppml_params *p = key.client->params;
    size_t dim = ppmli_params_long_dim(p);
    for (int i = 0; i < 3000; i++) {
      test_random_words(&rng, lwe, dim + 1);
      ppmli_output_switch(out, lwe, p);
      uint64_t phase = 0;
      for (size_t j = 0; j < dim; j++) phase -= ppmli_bit(key.glwe_bits, j) ? out[j] : 0;
      phase = ppmli_torus_from(phase + out[dim], p->output_bits);
      test_moments_add(&m, test_turns(phase - test_phase(lwe, key.glwe_bits, dim)));
    }
    ck_assert(fabs(test_mean(&m)) < 5 * sqrt(ppmli_noise_output_switch(p) / 3000));
    test_assert_near(test_variance(&m), ppmli_noise_output_switch(p), 0.15);
  }
}
END_TEST

/* An output of one image whose scores are these, without noise but that of the switch. */
static void make_output(ppml_output *output, uint32_t *words, const ppml_secret_key *key,
                        const int32_t *scores) {
  const ppml_params *p = key->client->params;
  static uint64_t lwe[WORDS_MAX];
  ppml_rng rng = test_rng(35);
  size_t dim = ppmli_params_long_dim(p);
  memset(output, 0, sizeof *output);
  for (uint32_t s = 0; s < key->client->spec.outputs; s++) {
    uint64_t message = (uint64_t)(int64_t)scores[s] * key->client->score_unit;
    test_lwe_encrypt(lwe, message, key->glwe_bits, dim, 1, &rng);
    ppmli_output_switch(words + s * (dim + 1), lwe, p);
  }
  output->params = p;
  output->images = 1;
  output->outputs = key->client->spec.outputs;
  output->lwe = words;
  memcpy(output->circuit_id, key->client->circuit_id, PPML_ID_BYTES);
  memcpy(output->key_id, key->id, PPML_ID_BYTES);
}

START_TEST(scores_are_decrypted) {
  static uint32_t words[4 * WORDS_MAX];
  const int32_t scores[4] = {5, -5, 0, 7};
  int32_t got[4];
  ppml_secret_key key;
  ppml_output output;
  make_key(&key, "fast", 4, 4);
  test_client_of(&key)->spec.classes = test_client_of(&key)->spec.outputs = 4;
  test_client_of(&key)->score_unit = (uint64_t)1 << 60; /* 1/16 of a turn: far above the noise */
  make_output(&output, words, &key, scores);
  ck_assert_int_eq(ppmli_decrypt_scores(got, &output, 0, &key), PPML_OK);
  ck_assert_mem_eq(got, scores, sizeof got);
}
END_TEST

/* round(t / unit) for every phase modulo 2^14, against the definition in 128 bits or so. */
static void check_rounding(uint64_t unit) {
  ppml_client client = test_client("fast");
  client.score_unit = unit;
  for (uint32_t phase = 0; phase < 1u << 14; phase += 7) {
    double t = (phase < 1u << 13 ? phase : (double)phase - (1 << 14)) * exp2(50);
    double exact = fmin(fmax(t / (double)unit, -INT32_MAX), INT32_MAX);
    int32_t got = ppmli_output_score(phase, &client);
    ck_assert_msg(fabs(got - exact) <= 0.5 + 1e-9, "unit %g, phase %u: %d", (double)unit, phase,
                  got);
  }
}

START_TEST(a_score_is_the_nearest_to_the_phase) {
  static const uint64_t units[] = {1,
                                   3,
                                   (uint64_t)1 << 40,
                                   ((uint64_t)1 << 50) + 12345,
                                   (uint64_t)1 << 60,
                                   PPMLI_TORUS_HALF - 1,
                                   PPMLI_TORUS_HALF};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) check_rounding(units[i]);
}
END_TEST

/* ------------------------------------------------------------------- error */

START_TEST(what_does_not_belong_together_is_not_decrypted) {
  static uint32_t words[WORDS_MAX];
  static const uint8_t digest[PPML_ID_BYTES] = {1, 2, 3};
  const int32_t score = 100;
  int32_t got = 77;
  ppml_secret_key key;
  ppml_output output, other;
  ppml_request request = {{1, 2, 3}, 1};
  make_key(&key, "fast", 4, 4);
  make_output(&output, words, &key, &score);
  output.digest = digest;
#define decrypt(output, image)                                                                     \
  ppml_decrypt_scores_for_owner(&got, (output), (image), &request, &key)
  other = output;
  other.key_id[0] ^= 1;
  ck_assert_int_eq(decrypt(&other, 0), PPML_ERR_MISMATCH);
  other = output;
  other.circuit_id[15] ^= 1;
  ck_assert_int_eq(decrypt(&other, 0), PPML_ERR_MISMATCH);
  other = output;
  other.params = ppml_params_by_name("precise");
  ck_assert_int_eq(decrypt(&other, 0), PPML_ERR_MISMATCH);
  other = output;
  other.outputs = 2;
  ck_assert_int_eq(decrypt(&other, 0), PPML_ERR_MISMATCH);
  ck_assert_int_eq(decrypt(&output, 1), PPML_ERR_ARG);
  ck_assert_int_eq(decrypt(NULL, 0), PPML_ERR_ARG);
#undef decrypt
  ck_assert_int_eq(ppml_decrypt_scores_for_owner(NULL, &output, 0, &request, &key), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_decrypt_scores_for_owner(&got, &output, 0, NULL, &key), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_decrypt_scores_for_owner(&got, &output, 0, &request, NULL), PPML_ERR_ARG);
  ck_assert_int_eq(got, 0); /* wiped */
  ck_assert_uint_eq(request.open, 1);
}
END_TEST

/* The wrong key gives noise, not the score: nothing depends on the ids alone. */
START_TEST(another_key_does_not_decrypt) {
  static uint32_t words[4 * WORDS_MAX];
  const int32_t scores[4] = {3, -4, 5, -6};
  int32_t got[4];
  ppml_secret_key key, other;
  ppml_output output;
  ppml_rng rng = test_rng(36);
  make_key(&key, "fast", 4, 4);
  test_client_of(&key)->spec.classes = test_client_of(&key)->spec.outputs = 4;
  test_client_of(&key)->score_unit = (uint64_t)1 << 60;
  make_output(&output, words, &key, scores);
  test_secret_key(&other, key.client, &rng);
  ck_assert_int_eq(ppmli_decrypt_scores(got, &output, 0, &other), PPML_ERR_MISMATCH);
  memcpy(other.id, key.id, PPML_ID_BYTES);
  ck_assert_int_eq(ppmli_decrypt_scores(got, &output, 0, &other), PPML_OK);
  ck_assert_mem_ne(got, scores, sizeof got);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("ciphertext");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *error = test_case(suite, "error");
  TCase *oom = test_case(suite, "oom");
  tcase_add_test(kat, an_image_is_encrypted_and_written_as_known);
  tcase_add_test(kat, scores_are_written_as_known);
  tcase_add_test(law, every_encryption_is_different);
  tcase_add_test(law, block_by_block_the_file_is_the_same);
  tcase_add_test(law, scores_are_decrypted);
  tcase_add_test(bounds, an_encrypted_image_is_its_pixels_and_the_stated_noise);
  tcase_add_test(bounds, output_switch_noise_matches_formula);
  tcase_add_test(bounds, a_score_is_the_nearest_to_the_phase);
  tcase_add_test(error, what_does_not_belong_together_is_not_decrypted);
  tcase_add_test(error, another_key_does_not_decrypt);
  tcase_add_test(error, a_file_that_ends_early_opens_no_request);
  tcase_add_test(oom, encryption_takes_exactly_what_is_said);
  return test_run(suite);
}
