/* test_stream.c - what a client makes and reads piece by piece: bytes and answers are those of the calls
 * that hold all at once. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { PREFIX_BYTES = 200000, PIXELS_MAX = 900, IMAGES = 3, OUTPUTS = 3 };

/* A client of any set; images of 30 x 30 pixels, or of 28 x 28 that pooled sets take as latents. */
static ppml_client any_client(const ppml_params *p) {
  ppml_client client;
  memset(&client, 0, sizeof client);
  client.spec.width = client.spec.height = 30, client.spec.channels = 1;
  client.spec.input_bits = 8, client.spec.classes = 3, client.spec.outputs = OUTPUTS;
  client.spec.score_unit = 10;
  for (int c = 0; c < 3; c++) client.spec.class_name[c][0] = (char)('a' + c);
  client.params = p;
  client.score_unit = (uint64_t)1 << 45;
  client.answer_step = 8;
  if (ppmli_params_takes_latents(p)) {
    const ppml_encoder encoder = {PPML_ENCODER_PATCHES, 2, 1, 1, 2, 2, 0, {0}, {0}, {1, 3, -2}};
    client.spec.width = client.spec.height = 28;
    client.spec.encoder = encoder;
  }
  return client;
}

static void any_key(ppml_secret_key *key, const ppml_params *p, ppml_rng *rng) {
  ppml_client client = any_client(p);
  test_secret_key(key, &client, rng);
}

/* ------------------------------------------------------------- encryption */

START_TEST(an_image_is_encrypted_block_by_block_of_every_set) {
  const uint8_t pixels[PIXELS_MAX] = {1, 2, 3, 255};
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    ppml_secret_key key;
    ppml_input input;
    ppml_request whole, open;
    ppml_rng rng = test_rng(34);
    any_key(&key, p, &rng);
    const ppml_spec *spec = &key.client->spec;
    ppml_rng same = rng;
    size_t count = ppml_input_wire_bytes(p, spec), bytes = ppml_encrypt_to_bytes(p, spec);
    ppml_arena all = test_arena(ppml_encrypt_bytes(p, spec)), less = test_arena(bytes);
    uint8_t *expected = test_memory(count), *got = test_memory(count);
    ppml_writer writer = ppml_writer_to_memory(expected, count);
    ck_assert_int_eq(ppml_encrypt(&input, &whole, &key, pixels, &rng, &all), PPML_OK);
    ck_assert_int_eq(ppml_input_write(&input, &writer), PPML_OK);
    writer = ppml_writer_to_memory(got, count);
    ck_assert_int_eq(ppml_encrypt_to(&writer, &open, &key, pixels, &same, &less), PPML_OK);
    ck_assert_uint_eq(writer.position, count);
    ck_assert_mem_eq(got, expected, count);
    ck_assert_mem_eq(&open, &whole, sizeof open);
    ck_assert_uint_eq(less.high_bytes, bytes);
    free(expected), free(got);
    test_arena_free(&all), test_arena_free(&less);
  }
}
END_TEST

#ifndef PPML_NARROW /* which has room for a transform */
/* Two polynomials and a few words of a set with a bootstrap; three of a leveled one, and roots. */
START_TEST(memory_is_a_few_polynomials) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    ppml_client client = any_client(p);
    size_t N = ppmli_params_input_set(p)->poly_size;
    size_t words = ppmli_params_takes_latents(p) || ppmli_params_is_leveled(p) ? 3 * N : 2 * N;
    ck_assert_uint_le(ppml_encrypt_to_bytes(p, &client.spec), 8 * words + 1024);
  }
}
END_TEST
#endif

/* ---------------------------------------------------------- evaluation key */

/* A line that breaks: takes so many bytes more, then fails in the middle of a call. */
typedef struct broken_line {
  uint8_t *bytes;
  size_t count, left;
} broken_line;

static int broken_write(ppml_writer *self, const void *bytes, size_t count) {
  broken_line *line = (broken_line *)self->context;
  size_t take = count < line->left ? count : line->left;
  if (take) memcpy(line->bytes + line->count, bytes, take);
  line->count += take;
  line->left -= take;
  return take < count;
}

/* The first bytes of a key's file, made at once; less where the file is shorter. */
static size_t whole_key(uint8_t *bytes, size_t count, const ppml_secret_key *key, ppml_rng rng) {
  ppml_arena arena = test_arena(ppml_eval_key_generate_bytes(key->client->params, 1));
  ppml_writer writer = {broken_write, NULL, 0, 0};
  broken_line line = {bytes, 0, count};
  writer.context = &line;
  int error = ppml_eval_key_generate(&writer, key, &rng, NULL, NULL, &arena);
  ck_assert(error == PPML_OK || (error == PPML_ERR_IO && line.left == 0));
  test_arena_free(&arena);
  return line.count;
}

START_TEST(a_key_is_made_piece_by_piece_of_every_set) {
  const ppml_params *p;
  uint8_t *expected = test_memory(PREFIX_BYTES), *got = test_memory(PREFIX_BYTES);
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    ppml_secret_key key;
    ppml_eval_key_run run;
    ppml_rng rng = test_rng(50);
    any_key(&key, p, &rng);
    if (ppmli_params_is_keyless(p)) {
      ck_assert_int_eq(ppml_eval_key_run_begin(&run, &key, &rng), PPML_ERR_PARAMS);
      ck_assert_uint_eq(ppml_eval_key_run_make_bytes(p), 0);
      continue;
    }
    ck_assert_uint_eq(whole_key(expected, PREFIX_BYTES, &key, rng), PREFIX_BYTES);
    ppml_arena arena = test_arena(ppml_eval_key_run_make_bytes(p));
    ppml_writer writer = ppml_writer_to_memory(got, PREFIX_BYTES);
    ck_assert_int_eq(ppml_eval_key_run_begin(&run, &key, &rng), PPML_OK);
    for (int error = PPML_OK; error == PPML_OK;)
      error = ppml_eval_key_run_make(&writer, &run, &key, 7, &arena);
    ck_assert_uint_gt(writer.position, PREFIX_BYTES / 8);
    ck_assert_mem_eq(got, expected, writer.position);
    ck_assert_uint_eq(ppmli_run_offset(p, run.pieces), ppml_eval_key_wire_bytes(p));
    if (!ppmli_params_has_bridge(p)) /* whose largest rows are not among the first */
      ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
    test_arena_free(&arena);
  }
  free(expected), free(got);
}
END_TEST

/* Over a line that breaks again and again, with a run that was saved and read back each time: the whole
 * file, end and digest, is the one that is made at once. */
static void check_broken(const char *set, size_t bytes_a_time) {
  const ppml_params *p = ppml_params_by_name(set);
  size_t count = ppml_eval_key_wire_bytes(p);
  uint8_t *expected = test_memory(count);
  broken_line line = {test_memory(count), 0, 0};
  ppml_writer writer = {broken_write, &line, 0, 0};
  ppml_arena arena = test_arena(ppml_eval_key_run_make_bytes(p));
  ppml_secret_key key;
  ppml_eval_key_run run, saved;
  ppml_rng rng = test_rng(51);
  any_key(&key, p, &rng);
  ck_assert_uint_eq(whole_key(expected, count, &key, rng), count);
  ck_assert_int_eq(ppml_eval_key_run_begin(&run, &key, &rng), PPML_OK);
  saved = run;
  while (run.next < run.pieces) {
    line.left = bytes_a_time;
    int error = ppml_eval_key_run_make(&writer, &run, &key, UINT64_MAX, &arena);
    if (error == PPML_OK) break;
    ck_assert_int_eq(error, PPML_ERR_IO);
    if (line.count > 5000) line.count -= 3000; /* some of it was lost on its way */
    if (line.count < count / 2) saved = run;   /* an old one will do */
    run = saved;
    ck_assert_int_eq(ppml_eval_key_run_seek(&run, line.count), PPML_OK);
  }
  ck_assert_uint_eq(line.count, count);
  ck_assert_mem_eq(line.bytes, expected, count);
  ck_assert_int_eq(ppml_eval_key_run_make(&writer, &run, &key, 1, &arena), PPML_OK); /* no more */
  ck_assert_uint_eq(line.count, count);
  for (size_t lost = 1; lost < 5000; lost += 10 + lost / 4) { /* though all was written once */
    ck_assert_int_eq(ppml_eval_key_run_seek(&run, count - lost), PPML_OK);
    memset(line.bytes + count - lost, 0, lost);
    line.count = count - lost, line.left = lost;
    ck_assert_int_eq(ppml_eval_key_run_make(&writer, &run, &key, UINT64_MAX, &arena), PPML_OK);
    ck_assert_uint_eq(run.next, run.pieces);
    ck_assert_uint_eq(line.count, count);
    ck_assert_mem_eq(line.bytes, expected, count);
  }
  free(expected), free(line.bytes);
  test_arena_free(&arena);
}

START_TEST(a_broken_line_is_gone_on_with) {
  check_broken("leveled-16", 300001);
  check_broken("fast-block2", 700003);
}
END_TEST

START_TEST(a_run_goes_to_any_byte_of_its_file) {
  const ppml_params *p = ppml_params_by_name("fast");
  uint8_t bytes[4000];
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_arena arena = test_arena(ppml_eval_key_run_make_bytes(p));
  ppml_secret_key key, other;
  ppml_eval_key_run run;
  ppml_rng rng = test_rng(52);
  any_key(&key, p, &rng);
  any_key(&other, p, &rng);
  ck_assert_int_eq(ppml_eval_key_run_begin(&run, &key, &rng), PPML_OK);
  ck_assert_int_eq(ppml_eval_key_run_make(&writer, &run, &other, 1, &arena), PPML_ERR_MISMATCH);
  ck_assert_int_eq(ppml_eval_key_run_make(&writer, &run, &key, 2, &arena), PPML_OK);
  ck_assert_uint_eq(writer.position, ppmli_run_offset(p, 2));
  for (size_t byte = 0; byte <= ppml_eval_key_wire_bytes(p); byte += 3 + byte / 9) {
    ck_assert_int_eq(ppml_eval_key_run_seek(&run, byte), PPML_OK);
    ck_assert_uint_eq(ppmli_run_offset(p, run.next) + run.skip, byte);
    ck_assert(run.next == 2 || ppmli_run_offset(p, run.next + 1) > byte);
  }
  ck_assert_int_eq(ppml_eval_key_run_seek(&run, ppml_eval_key_wire_bytes(p) + 1), PPML_ERR_ARG);
  run.made = run.pieces + 1; /* no run at all */
  ck_assert_int_eq(ppml_eval_key_run_seek(&run, 0), PPML_ERR_ARG);
  test_arena_free(&arena);
}
END_TEST

/* The key's transformed parts have gone from the memory of every call. */
START_TEST(making_wipes_its_memory) {
  const ppml_params *p = ppml_params_by_name("fast");
  size_t bytes = ppml_eval_key_run_make_bytes(p), left = 0;
  ppml_arena arena = test_arena(bytes);
  uint8_t out[12000];
  ppml_writer writer = ppml_writer_to_memory(out, sizeof out);
  ppml_secret_key key;
  ppml_eval_key_run run;
  ppml_rng rng = test_rng(53);
  any_key(&key, p, &rng);
  ck_assert_int_eq(ppml_eval_key_run_begin(&run, &key, &rng), PPML_OK);
  ck_assert_int_eq(ppml_eval_key_run_make(&writer, &run, &key, UINT64_MAX, &arena), PPML_ERR_IO);
  for (size_t i = ppmli_open_maker_bytes(p) - 8 * ppmli_params_long_dim(p);
       i < ppmli_open_maker_bytes(p); i++)
    left += arena.memory[i] != 0;
  ck_assert_uint_eq(left, 0);
  test_arena_free(&arena);
}
END_TEST

/* ------------------------------------------------------------- decryption */

typedef struct answers {
  ppml_secret_key key;
  ppml_output output;
  uint8_t digest[IMAGES][PPML_ID_BYTES];
  uint32_t *lwe;
  uint8_t *file;
  size_t file_bytes;
} answers;

/* Random ciphertexts as the scores of some images, and their file. */
static void make_answers(answers *a, const ppml_params *p) {
  ppml_rng rng = test_rng(60);
  any_key(&a->key, p, &rng);
  size_t words = IMAGES * OUTPUTS * ppml_output_lwe_words(p);
  a->lwe = (uint32_t *)test_memory(words * sizeof *a->lwe);
  for (size_t i = 0; i < words; i++)
    a->lwe[i] = (uint32_t)ppmli_rng_u64(&rng) & (((uint32_t)1 << p->output_bits) - 1);
  ppmli_rng_bytes(&rng, a->digest, sizeof a->digest);
  memset(&a->output, 0, sizeof a->output);
  a->output.params = p;
  a->output.images = IMAGES;
  a->output.outputs = OUTPUTS;
  a->output.digest = a->digest[0];
  a->output.lwe = a->lwe;
  memcpy(a->output.key_id, a->key.id, PPML_ID_BYTES);
  a->file_bytes = ppml_output_wire_bytes(p, &a->key.client->spec, IMAGES);
  a->file = (uint8_t *)test_memory(a->file_bytes);
  ppml_writer writer = ppml_writer_to_memory(a->file, a->file_bytes);
  ck_assert_int_eq(ppml_output_write(&a->output, &writer), PPML_OK);
}

static void free_answers(answers *a) {
  free(a->lwe), free(a->file);
}

static int read_answer(ppml_answer *answer, const answers *a, ppml_request *request) {
  const ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(a->file, a->file_bytes);
  return ppml_decrypt_from(answer, &reader, &limits, request, &a->key);
}

static ppml_request request_of(const answers *a, size_t image) {
  ppml_request request = {{0}, 1};
  memcpy(request.digest, a->digest[image], PPML_ID_BYTES);
  return request;
}

START_TEST(answers_are_those_of_the_whole_output_of_every_set) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    answers a;
    make_answers(&a, p);
    for (size_t image = 0; image < IMAGES; image++) {
      ppml_request one = request_of(&a, image), other = one;
      ppml_answer expected, got;
      ck_assert_int_eq(ppml_decrypt(&expected, &a.output, image, &one, &a.key), PPML_OK);
      ck_assert_int_eq(read_answer(&got, &a, &other), PPML_OK);
      ck_assert_mem_eq(&got, &expected, sizeof got);
      ck_assert_uint_eq(other.open, 0);
      ck_assert_int_eq(read_answer(&got, &a, &other), PPML_ERR_REQUEST); /* once */
    }
    free_answers(&a);
  }
}
END_TEST

/* Nothing is answered before the end of the file was seen, and the request stays open. */
START_TEST(no_answer_of_a_damaged_file) {
  const ppml_answer zeros = {{0}, {0}, 0};
  answers a;
  make_answers(&a, ppml_params_by_name("fast"));
  size_t steps[] = {9, 30, 100, 101, 150, a.file_bytes / 2, a.file_bytes - 17, a.file_bytes - 1};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
    for (int cut = 0; cut < 2; cut++) {
      ppml_request request = request_of(&a, 1), same = request;
      ppml_answer answer;
      size_t all = a.file_bytes;
      memset(&answer, 7, sizeof answer);
      if (cut) a.file_bytes = steps[i];
      else a.file[steps[i]] ^= 4;
      ck_assert_int_ne(read_answer(&answer, &a, &request), PPML_OK);
      ck_assert_mem_eq(&answer, &zeros, sizeof zeros);
      ck_assert_mem_eq(&request, &same, sizeof same);
      if (cut) a.file_bytes = all;
      else a.file[steps[i]] ^= 4;
    }
  free_answers(&a);
}
END_TEST

START_TEST(only_an_open_request_of_one_image_is_answered) {
  answers a;
  ppml_answer answer;
  make_answers(&a, ppml_params_by_name("fast"));
  ppml_request closed = request_of(&a, 0), strange = closed, twice = closed;
  closed.open = 0;
  strange.digest[3] ^= 1;
  ck_assert_int_eq(read_answer(&answer, &a, &closed), PPML_ERR_REQUEST);
  ck_assert_int_eq(read_answer(&answer, &a, &strange), PPML_ERR_REQUEST);
  memcpy(a.digest[2], a.digest[0], PPML_ID_BYTES); /* two images for one request */
  ppml_writer writer = ppml_writer_to_memory(a.file, a.file_bytes);
  ck_assert_int_eq(ppml_output_write(&a.output, &writer), PPML_OK);
  ck_assert_int_eq(read_answer(&answer, &a, &twice), PPML_ERR_REQUEST);
  ppml_request other = request_of(&a, 1);
  a.key.id[0] ^= 1;
  ck_assert_int_eq(read_answer(&answer, &a, &other), PPML_ERR_MISMATCH);
  ck_assert_uint_eq(other.open, 1);
  free_answers(&a);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("stream");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error");
  tcase_add_test(law, an_image_is_encrypted_block_by_block_of_every_set);
  tcase_add_test(law, a_key_is_made_piece_by_piece_of_every_set);
  tcase_add_test(law, a_broken_line_is_gone_on_with);
  tcase_add_test(law, answers_are_those_of_the_whole_output_of_every_set);
#ifndef PPML_NARROW
  tcase_add_test(bounds, memory_is_a_few_polynomials);
#endif
  tcase_add_test(bounds, making_wipes_its_memory);
  tcase_add_test(error, a_run_goes_to_any_byte_of_its_file);
  tcase_add_test(error, no_answer_of_a_damaged_file);
  tcase_add_test(error, only_an_open_request_of_one_image_is_answered);
  return test_run(suite);
}
