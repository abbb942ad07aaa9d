/* test_api.c - the public functions as a program meets them: arguments, errors, a whole run in
 * files.  Two units that share an implementation: two_units_a.c. */
#define PPML_IMPLEMENTATION
#include "support.h"

static const int errors[] = {
    PPML_OK,           PPML_ERR_NAME,    PPML_ERR_ALIGNMENT, PPML_ERR_CERTIFICATE,
    PPML_ERR_ARG,      PPML_ERR_PARAMS,  PPML_ERR_MISMATCH,  PPML_ERR_REQUEST,
    PPML_ERR_FORMAT,   PPML_ERR_VERSION, PPML_ERR_KIND,      PPML_ERR_TRUNCATED,
    PPML_ERR_CHECKSUM, PPML_ERR_RANGE,   PPML_ERR_TRAILING,  PPML_ERR_NOMEM,
    PPML_ERR_RNG,      PPML_ERR_IO,      PPML_ERR_BUSY,      PPML_ERR_ARITHMETIC};
enum { ERRORS = sizeof errors / sizeof errors[0] };

START_TEST(every_error_has_its_own_line) {
  for (int i = 0; i < ERRORS; i++) {
    const char *text = ppml_strerror(errors[i]);
    ck_assert(text != NULL && strlen(text) > 3 && strchr(text, '\n') == NULL);
    ck_assert_str_ne(text, ppml_strerror(12345));
    for (int j = 0; j < i; j++) ck_assert_str_ne(text, ppml_strerror(errors[j]));
  }
  ck_assert(ppml_strerror(INT32_MIN) != NULL && ppml_strerror(INT32_MAX) != NULL);
}
END_TEST

START_TEST(memory_readers_and_writers_keep_to_their_block) {
  uint8_t block[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, out[10] = {0};
  ppml_reader reader = ppml_reader_from_memory(block, 5);
  ppml_writer writer = ppml_writer_to_memory(out, 5);
  ck_assert_uint_eq(reader.read(&reader, out, 3), 3);
  ck_assert_uint_eq(reader.read(&reader, out + 3, 3), 2);
  ck_assert_uint_eq(reader.read(&reader, out, 1), 0);
  ck_assert_int_eq(reader.failed, 0);
  ck_assert_mem_eq(out, block, 5);
  ck_assert_int_eq(reader.rewind(&reader), 0);
  ck_assert_uint_eq(reader.read(&reader, out, 10), 5);
  ck_assert_int_eq(writer.write(&writer, block + 5, 5), 0);
  ck_assert_int_ne(writer.write(&writer, block, 1), 0);
  ck_assert_uint_eq(writer.position, 5);
  ck_assert_mem_eq(out, block + 5, 5);
}
END_TEST

START_TEST(default_limits_are_those_of_the_header) {
  ppml_limits limits = ppml_limits_default();
  ck_assert_uint_eq(limits.payload_bytes, 64u << 20);
  ck_assert_uint_eq(limits.inputs, 65536);
  ck_assert_uint_eq(limits.neurons, 4096);
  ck_assert_uint_eq(limits.images, 65536);
  for (size_t i = 0; ppml_params_by_index(i); i++)
    ck_assert_uint_lt(ppml_eval_key_wire_bytes(ppml_params_by_index(i)), limits.payload_bytes);
}
END_TEST

START_TEST(backends_have_names_and_end) {
  size_t count = 0;
  while (ppml_backend_name(count)) ck_assert(strlen(ppml_backend_name(count++)) > 0);
  ck_assert_uint_ge(count, 1);
  ck_assert_ptr_null(ppml_backend_name(SIZE_MAX));
}
END_TEST

/* NULL in place of each pointer that must not be. */
START_TEST(missing_arguments_are_told) {
  static ppml_model model;
  static ppml_circuit circuit;
  static ppml_client client;
  static ppml_secret_key key;
  static ppml_eval_key eval;
  static ppml_input input;
  static ppml_output output;
  ppml_arena arena = test_arena(64);
  ppml_limits limits = ppml_limits_default();
  ppml_reader r = ppml_reader_from_memory("", 0);
  ppml_writer w = ppml_writer_to_memory(NULL, 0);
  ppml_header header;
  int32_t score;
  ppml_answer answer;
  uint8_t pixel = 0;
  ppml_rng rng = test_rng(1);
  const int results[] = {ppml_model_predict(NULL, &model, &pixel, &arena),
                         ppml_model_predict(&score, NULL, &pixel, &arena),
                         ppml_model_predict(&score, &model, NULL, &arena),
                         ppml_model_predict(&score, &model, &pixel, NULL),
                         ppml_encrypt(NULL, &test_request, &key, &pixel, &rng, &arena),
                         ppml_encrypt(&input, NULL, &key, &pixel, &rng, &arena),
                         ppml_decrypt(NULL, &output, 0, &test_request, &key),
                         ppml_decrypt(&answer, NULL, 0, &test_request, &key),
                         ppml_decrypt(&answer, &output, 0, NULL, &key),
                         ppml_decrypt(&answer, &output, 0, &test_request, NULL),
                         ppml_decrypt_scores_for_owner(&score, &output, 0, NULL, &key),
                         ppml_decrypt_scores_flooded(&score, &output, 0, NULL, &key, &rng),
                         ppml_decrypt_scores_flooded(&score, &output, 0, &test_request, &key, NULL),
                         ppml_encrypt(&input, &test_request, NULL, &pixel, &rng, &arena),
                         ppml_encrypt(&input, &test_request, &key, NULL, &rng, &arena),
                         ppml_encrypt(&input, &test_request, &key, &pixel, NULL, &arena),
                         ppml_encrypt(&input, &test_request, &key, &pixel, &rng, NULL),
                         ppml_infer(NULL, &circuit, &input, 1, &eval, NULL, &arena),
                         ppml_infer(&output, NULL, &input, 1, &eval, NULL, &arena),
                         ppml_infer(&output, &circuit, NULL, 1, &eval, NULL, &arena),
                         ppml_infer(&output, &circuit, &input, 1, NULL, NULL, &arena),
                         ppml_infer(&output, &circuit, &input, 1, &eval, NULL, NULL),
                         ppml_eval_key_generate(NULL, &key, &rng, NULL, NULL, &arena),
                         ppml_eval_key_generate(&w, NULL, &rng, NULL, NULL, &arena),
                         ppml_eval_key_generate(&w, &key, NULL, NULL, NULL, &arena),
                         ppml_eval_key_generate(&w, &key, &rng, NULL, NULL, NULL),
                         ppml_eval_key_read(NULL, &r, &limits, NULL, NULL, NULL, &arena),
                         ppml_eval_key_read(&eval, NULL, &limits, NULL, NULL, NULL, &arena),
                         ppml_eval_key_read(&eval, &r, NULL, NULL, NULL, NULL, &arena),
                         ppml_eval_key_read(&eval, &r, &limits, NULL, NULL, NULL, NULL),
                         ppml_eval_key_stream(&eval, &r, &limits, NULL, NULL, 0, &arena),
                         ppml_model_write(NULL, &w),
                         ppml_model_write(&model, NULL),
                         ppml_model_read(NULL, &r, &limits, &arena),
                         ppml_model_read(&model, NULL, &limits, &arena),
                         ppml_model_read(&model, &r, NULL, &arena),
                         ppml_model_read(&model, &r, &limits, NULL),
                         ppml_circuit_write(NULL, &w),
                         ppml_circuit_read(NULL, &r, &limits, &arena),
                         ppml_client_write(NULL, &w),
                         ppml_client_read(&client, &r, NULL),
                         ppml_secret_key_write(NULL, &w),
                         ppml_secret_key_read(NULL, &client, &r, &limits, &arena),
                         ppml_secret_key_read(&key, NULL, &r, &limits, &arena),
                         ppml_secret_key_read(&key, &client, &r, &limits, NULL),
                         ppml_keyring_write(NULL, &w),
                         ppml_keyring_read(NULL, &client, &r, &limits, &arena),
                         ppml_keyring_read(&key, NULL, &r, &limits, &arena),
                         ppml_input_write(NULL, &w),
                         ppml_input_read(&input, NULL, &limits, &arena),
                         ppml_output_write(NULL, &w),
                         ppml_output_read(&output, &r, &limits, NULL),
                         ppml_header_read(NULL, &r, &limits),
                         ppml_header_read(&header, &r, NULL),
                         ppml_container_check(&header, NULL, &limits)};
  for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
    ck_assert_msg(results[i] == PPML_ERR_ARG, "call %zu: %d", i, results[i]);
  ck_assert_uint_eq(arena.used_bytes, 0);
  test_arena_free(&arena);
}
END_TEST

/* A name that is none is no argument like others: of a set, and of a backend. */
START_TEST(a_wrong_name_is_told) {
  static ppml_eval_key eval;
  ppml_arena arena = test_arena(64);
  ppml_limits limits = ppml_limits_default();
  ppml_reader r = ppml_reader_from_memory("", 0);
  test_net *net = test_memory(sizeof *net);
  ppml_circuit circuit;
  const uint32_t hidden[] = {2};
  test_net_make(net, 2, 2, hidden, 1, PPML_ACTIVATION_RELU, 2, 1);
  ck_assert_int_eq(test_compile(&circuit, &net->model, ppml_params_by_name("fats"), &arena),
                   PPML_ERR_NAME);
  ck_assert_int_eq(ppml_eval_key_read(&eval, &r, &limits, NULL, "avx3", NULL, &arena),
                   PPML_ERR_NAME);
  ck_assert_int_eq(ppml_eval_key_stream(&eval, &r, &limits, NULL, "avx3", 1, &arena),
                   PPML_ERR_NAME);
  free(net);
  test_arena_free(&arena);
}
END_TEST

START_TEST(the_version_is_a_number_too) {
  unsigned major, minor, patch;
  ck_assert_int_eq(sscanf(PPML_VERSION, "%u.%u.%u", &major, &minor, &patch), 3);
  ck_assert_uint_eq(PPML_VERSION_NUMBER, 10000 * major + 100 * minor + patch);
}
END_TEST

/* Each set has the steps of its kind, which run on as many samples as there are. */
static void check_steps(const char *name, uint32_t first, uint32_t last) {
  const ppml_params *p = ppml_params_by_name(name);
  ppml_arena arena = test_arena(ppml_eval_key_mimic_bytes(p) + ppml_steps_init_bytes(p, 3));
  ppml_eval_key key;
  ppml_steps steps;
  ck_assert_int_eq(ppml_eval_key_mimic(&key, p, NULL, &arena), PPML_OK);
  ck_assert_int_eq(ppml_steps_init(&steps, &key, 3, &arena), PPML_OK);
  for (uint32_t step = 0; step <= PPML_STEP_PRODUCT + 1; step++) {
    int has = step >= first && step <= last;
    ck_assert_int_eq(ppml_steps_run(&steps, step, 2), has ? PPML_OK : PPML_ERR_ARG);
    ck_assert_int_eq(ppml_steps_count(p, step, 2) != 0, has);
    ck_assert_int_eq(ppml_steps_run(&steps, step, 4), PPML_ERR_ARG);
    ck_assert_int_eq(ppml_steps_run(&steps, step, 0), PPML_ERR_ARG);
  }
  test_arena_free(&arena);
}

START_TEST(a_set_has_the_steps_of_its_kind) {
  check_steps("fast-block2", PPML_STEP_KEY_SWITCH, PPML_STEP_EXTERNAL_PRODUCT);
  check_steps("leveled-16", PPML_STEP_GLWE_SWITCH, PPML_STEP_PRODUCT);
}
END_TEST

START_TEST(transforms_have_sizes) {
  ppml_arena arena = test_arena(ppml_transform_init_bytes(128));
  ppml_transform t;
  ck_assert_int_eq(ppml_transform_init(&t, 128, "avx3", &arena), PPML_ERR_NAME);
  ck_assert_int_eq(ppml_transform_init(&t, 64, NULL, &arena), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_transform_init(&t, 4096, NULL, &arena), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_transform_init(&t, 128, NULL, &arena), PPML_OK);
  ck_assert_int_eq(ppml_transform_run(&t, 0), PPML_OK);
  ck_assert_int_eq(ppml_transform_run(&t, 1), PPML_OK);
  test_arena_free(&arena);
}
END_TEST

/* ------------------------------------------------------------ a whole run */

enum { FILE_MAX = 1 << 16 };

/* A file, in memory. */
typedef struct file {
  uint8_t *bytes;
  size_t count;
} file;

static file file_make(size_t capacity) {
  file f = {test_memory(capacity), 0};
  return f;
}

/* What a client has and sends: spec, secret key, evaluation key, image. */
static void client_side(file *secret, file *eval, file *image, const file *spec,
                        const uint8_t *pixels) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(spec->bytes, spec->count);
  ppml_client client;
  ppml_secret_key key;
  ppml_input input;
  ppml_rng rng = test_rng(50);
  ck_assert_int_eq(ppml_client_read(&client, &reader, &limits), PPML_OK);
  test_secret_key(&key, &client, &rng);
  ppml_arena arena = test_arena(ppmli_max_size(ppml_eval_key_generate_bytes(client.params, 1),
                                               ppml_encrypt_bytes(client.params, &client.spec)));
  *eval = file_make(ppml_eval_key_wire_bytes(client.params));
  ppml_writer writer = ppml_writer_to_memory(eval->bytes, ppml_eval_key_wire_bytes(client.params));
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &key, &rng, NULL, NULL, &arena), PPML_OK);
  eval->count = writer.position;
  writer = ppml_writer_to_memory(secret->bytes, FILE_MAX);
  ck_assert_int_eq(ppml_keyring_write(&key, &writer), PPML_OK);
  secret->count = writer.position;
  ck_assert_int_eq(ppml_encrypt(&input, &test_request, &key, pixels, &rng, &arena), PPML_OK);
  writer = ppml_writer_to_memory(image->bytes, FILE_MAX);
  ck_assert_int_eq(ppml_input_write(&input, &writer), PPML_OK);
  image->count = writer.position;
  ppml_secret_key_wipe(&key);
  test_arena_free(&arena);
}

/* What a server has, gets and answers: circuit; evaluation key and image; scores. */
static void server_side(file *scores, const file *circuit_file, const file *eval_file,
                        const file *image) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(circuit_file->bytes, circuit_file->count);
  ppml_arena arena = test_arena((size_t)256 << 20);
  ppml_circuit circuit;
  ppml_eval_key eval;
  ppml_input input;
  ppml_output output;
  ck_assert_int_eq(ppml_circuit_read(&circuit, &reader, &limits, &arena), PPML_OK);
  reader = ppml_reader_from_memory(eval_file->bytes, eval_file->count);
  ck_assert_int_eq(ppml_eval_key_read(&eval, &reader, &limits, &circuit, NULL, NULL, &arena),
                   PPML_OK);
  reader = ppml_reader_from_memory(image->bytes, image->count);
  ck_assert_int_eq(ppml_input_read(&input, &reader, &limits, &arena), PPML_OK);
  ck_assert_int_eq(ppml_infer(&output, &circuit, &input, 1, &eval, NULL, &arena), PPML_OK);
  ppml_writer writer = ppml_writer_to_memory(scores->bytes, FILE_MAX);
  ck_assert_int_eq(ppml_output_write(&output, &writer), PPML_OK);
  scores->count = writer.position;
  test_arena_free(&arena);
}

static void decrypt_side(int32_t *scores, const file *output_file, const file *secret) {
  ppml_client client;
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(secret->bytes, secret->count);
  ppml_secret_key key;
  ppml_output output;
  ppml_arena arena = test_arena(FILE_MAX);
  ck_assert_int_eq(ppml_keyring_read(&key, &client, &reader, &limits, &arena), PPML_OK);
  reader = ppml_reader_from_memory(output_file->bytes, output_file->count);
  ck_assert_int_eq(ppml_output_read(&output, &reader, &limits, &arena), PPML_OK);
  ck_assert_int_eq(ppml_decrypt_scores_for_owner(scores, &output, 0, &test_request, &key), PPML_OK);
  test_arena_free(&arena);
}

/* Owner, client and server share nothing but files. */
START_TEST(parties_that_share_files_alone_get_the_clear_scores) {
  const uint32_t hidden[] = {6};
  const uint8_t pixels[42] = {0, 255, 100, 3, 77, 200, 201, 9};
  test_net *net = test_memory(sizeof *net);
  file spec = file_make(FILE_MAX), circuit_file = file_make(FILE_MAX), secret = file_make(FILE_MAX);
  file image = file_make(FILE_MAX), scores = file_make(FILE_MAX), eval;
  ppml_circuit circuit;
  ppml_client client;
  ppml_noise noise;
  int32_t clear[3], got[3];
  test_net_make(net, 7, 6, hidden, 1, PPML_ACTIVATION_RELU, 3, 51);
  ppml_arena arena = test_arena(FILE_MAX);
  test_circuit_make(&circuit, net, "fast", &arena);
  ppml_client_from_circuit(&client, &circuit);
  ppml_writer writer = ppml_writer_to_memory(spec.bytes, FILE_MAX);
  ck_assert_int_eq(ppml_client_write(&client, &writer), PPML_OK);
  spec.count = writer.position;
  writer = ppml_writer_to_memory(circuit_file.bytes, FILE_MAX);
  ck_assert_int_eq(ppml_circuit_write(&circuit, &writer), PPML_OK);
  circuit_file.count = writer.position;
  client_side(&secret, &eval, &image, &spec, pixels);
  server_side(&scores, &circuit_file, &eval, &image);
  decrypt_side(got, &scores, &secret);
  ck_assert_int_eq(ppml_model_predict(clear, &net->model, pixels, &arena), PPML_OK);
  ppml_circuit_noise(&noise, &circuit);
  for (int s = 0; s < 3; s++)
    ck_assert_msg(abs(got[s] - clear[s]) < 5 * noise.score, "score %d: %d, clear %d, noise %g", s,
                  got[s], clear[s], noise.score);
  test_arena_free(&arena);
  free(spec.bytes), free(circuit_file.bytes), free(secret.bytes), free(image.bytes);
  free(scores.bytes), free(eval.bytes), free(net);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("api");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error");
  tcase_add_test(law, parties_that_share_files_alone_get_the_clear_scores);
  tcase_add_test(law, backends_have_names_and_end);
  tcase_add_test(bounds, memory_readers_and_writers_keep_to_their_block);
  tcase_add_test(bounds, default_limits_are_those_of_the_header);
  tcase_add_test(error, every_error_has_its_own_line);
  tcase_add_test(error, missing_arguments_are_told);
  tcase_add_test(error, a_wrong_name_is_told);
  tcase_add_test(error, a_set_has_the_steps_of_its_kind);
  tcase_add_test(error, transforms_have_sizes);
  tcase_add_test(error, the_version_is_a_number_too);
  return test_run(suite);
}
