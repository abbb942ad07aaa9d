/* test_model.c - what the files of model, circuit, client and secret key hold, against tests/kat
 * and against values that break a rule.  Damage to the bytes is for test_serial. */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "unchecked.h"
#include "kat/format_kat.h"

enum { BYTES_MAX = 1 << 16 };

static const int8_t weight[] = {3, -7, 0, 1, 5, -2, -1, 2, 7, -4, 0, 6}, last_weight[] = {7, -3};
static const int32_t bias[] = {10, -20}, range[] = {100, 90}, peak[] = {250, 200};
static const int32_t last_bias[] = {-5};

/* The model of the known answers: 3 x 2 pixels, 2 neurons, 1 score. */
static ppml_model known_model(void) {
  ppml_model m;
  const ppml_spec spec = {3, 2,   1,   4,         2, 1, 100, {"benign", "malignant"},
                          0, {0}, {0}, {0, 0, 0}, 0};
  const ppml_layer hidden = {6,    2,   PPML_ACTIVATION_RELU, 4, weight, bias, range, peak, NULL,
                             NULL, NULL};
  const ppml_layer last = {
      2, 1, PPML_ACTIVATION_NONE, 4, last_weight, last_bias, NULL, NULL, NULL, NULL, NULL};
  memset(&m, 0, sizeof m);
  m.spec = spec;
  m.layer_count = 2;
  m.margin_p05 = 40;
  m.layer[0] = hidden;
  m.layer[1] = last;
  return m;
}

static const int32_t square[] = {1, -127}, linear[] = {0, 1 << 29}, score_peak[] = {123456};

/* The same with polynomials. */
static ppml_model polynomial_model(void) {
  ppml_model m = known_model();
  m.layer[0].activation = PPML_ACTIVATION_POLYNOMIAL;
  m.layer[0].range = m.layer[0].peak = NULL;
  m.layer[0].square = square;
  m.layer[0].linear = linear;
  m.layer[1].peak = score_peak;
  return m;
}

/* ------------------------------------------------------------------- kat */

START_TEST(a_model_is_written_as_known) {
  uint8_t bytes[1024];
  ppml_model m = known_model();
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(ppml_model_write(&m, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, sizeof format_model_kat);
  ck_assert_mem_eq(bytes, format_model_kat, sizeof format_model_kat);
}
END_TEST

/* As docs/FORMAT.md has it: coefficients in place of ranges and peaks, the scores' peaks behind
 * their biases. */
START_TEST(polynomials_are_written_as_documented) {
  uint8_t bytes[1024];
  ppml_model m = polynomial_model();
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(ppml_model_write(&m, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, sizeof format_model_kat + 4);
  const uint8_t *hidden = bytes + PPMLI_HEADER_BYTES + ppmli_spec_wire_bytes(&m.spec) + 8;
  ck_assert_uint_eq(ppmli_load32(hidden + 8), 5);
  const uint8_t *coefficients = hidden + 16 + sizeof weight + 4 * 2;
  ck_assert_int_eq((int32_t)ppmli_load32(coefficients + 4), -127);
  ck_assert_int_eq((int32_t)ppmli_load32(coefficients + 12), 1 << 29);
  const uint8_t *scores = coefficients + 16;
  ck_assert_int_eq((int32_t)ppmli_load32(scores + 16 + 2), -5);
  ck_assert_int_eq((int32_t)ppmli_load32(scores + 16 + 2 + 4), 123456);
}
END_TEST

/* Behind thresholds and encoder, where the word of the task says that there is one. */
START_TEST(a_range_is_written_as_documented_and_read) {
  uint8_t bytes[1024];
  ppml_model m = known_model(), back;
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena = test_arena(4096);
  m.spec.range = (ppml_range){PPML_RANGE_VALUES, -((int64_t)1 << 30), (int64_t)1 << 62};
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(ppml_model_write(&m, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, sizeof format_model_kat + 20);
  const uint8_t *task = bytes + PPMLI_HEADER_BYTES + 28 + 2 * PPML_CLASS_NAME_BYTES;
  ck_assert_uint_eq(ppmli_load32(task), 512);
  ck_assert_uint_eq(ppmli_load32(task + 8), PPML_RANGE_VALUES);
  ck_assert(ppmli_load64(task + 12) == (uint64_t) - ((int64_t)1024 << 20));
  ck_assert(ppmli_load64(task + 20) == (uint64_t)1 << 62);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_model_read(&back, &reader, &limits, &arena), PPML_OK);
  ck_assert_mem_eq(&back.spec, &m.spec, sizeof m.spec);
  test_arena_free(&arena);
}
END_TEST

START_TEST(a_range_that_breaks_a_rule_is_refused) {
  static const struct {
    ppml_range range;
    int fault;
  } cases[] = {{{0, 0, 0}, PPMLI_FAULT_NONE},
               {{1, -5, 5}, PPMLI_FAULT_NONE},
               {{2, -((int64_t)1 << 62), (int64_t)1 << 62}, PPMLI_FAULT_NONE},
               {{3, -5, 5}, PPMLI_FAULT_RANGE_KIND},
               {{0, 0, 5}, PPMLI_FAULT_RANGE_VALUES},
               {{1, 5, 5}, PPMLI_FAULT_RANGE_VALUES},
               {{2, 5, -5}, PPMLI_FAULT_RANGE_VALUES},
               {{1, 0, INT64_MAX}, PPMLI_FAULT_RANGE_VALUES},
               {{1, INT64_MIN, 0}, PPMLI_FAULT_RANGE_VALUES}};
  ppml_limits limits = ppml_limits_default();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ppmli_place at;
    ppml_spec spec = known_model().spec;
    spec.range = cases[i].range;
    ck_assert_int_eq(ppmli_spec_fault(&at, &spec, &limits), cases[i].fault);
  }
}
END_TEST

/* All but the certificate, which follows. */
START_TEST(a_circuit_is_laid_out_and_written_as_known) {
  uint8_t bytes[1024];
  ppml_model m = known_model();
  ppml_circuit c;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_arena arena = test_arena(ppml_compile_bytes(&m));
  ck_assert_int_eq(test_compile(&c, &m, ppml_params_by_name("fast"), &arena), PPML_OK);
  ck_assert_int_eq(ppml_circuit_write(&c, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, sizeof format_circuit_kat + ppmli_certificate_wire_bytes(2));
  ck_assert_mem_eq(bytes + 40, format_circuit_kat + 40, PPML_ID_BYTES);
  ck_assert_mem_eq(bytes + PPMLI_HEADER_BYTES, format_circuit_kat + PPMLI_HEADER_BYTES,
                   sizeof format_circuit_kat - PPMLI_CONTAINER_BYTES);
  test_arena_free(&arena);
}
END_TEST

static ppml_client known_client(void) {
  ppml_client client;
  memset(&client, 0, sizeof client);
  client.spec = known_model().spec;
  client.params = ppml_params_by_name("fast");
  client.score_unit = ((uint64_t)1 << 50) + 12345;
  client.score_noise = (uint64_t)6 << 50;
  client.answer_step = 128;
  client.publish = 100;
  client.renew_after = 1000;
  client.score_peak[0] = 4000;
  for (uint8_t i = 0; i < PPML_ID_BYTES; i++) client.circuit_id[i] = i;
  return client;
}

START_TEST(a_client_spec_is_written_and_read_as_known) {
  uint8_t bytes[1024];
  ppml_client client = known_client(), back;
  ppml_limits limits = ppml_limits_default();
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_reader reader = ppml_reader_from_memory(format_client_kat, sizeof format_client_kat);
  ck_assert_int_eq(ppml_client_write(&client, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, sizeof format_client_kat);
  ck_assert_mem_eq(bytes, format_client_kat, sizeof format_client_kat);
  ck_assert_int_eq(ppml_client_read(&back, &reader, &limits), PPML_OK);
  ck_assert_mem_eq(&back.spec, &client.spec, sizeof client.spec);
  ck_assert_mem_eq(back.circuit_id, client.circuit_id, PPML_ID_BYTES);
  ck_assert_ptr_eq(back.params, client.params);
  ck_assert(back.score_unit == client.score_unit);
  ck_assert(back.score_noise == client.score_noise);
  ck_assert_uint_eq(back.answer_step, client.answer_step);
  ck_assert_uint_eq(back.publish, client.publish);
  ck_assert_uint_eq(back.renew_after, client.renew_after);
  ck_assert_int_eq(back.score_peak[0], client.score_peak[0]);
}
END_TEST

START_TEST(the_id_of_a_client_is_known) {
  uint8_t id[PPML_ID_BYTES];
  ppml_client client = known_client();
  ppml_client_id(id, &client);
  ck_assert_mem_eq(id, format_client_id_kat, sizeof id);
}
END_TEST

START_TEST(a_secret_key_is_drawn_and_written_as_known) {
  uint8_t bytes[1024];
  ppml_client client = known_client();
  ppml_rng rng = test_rng(5);
  ppml_secret_key key;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  test_secret_key(&key, &client, &rng);
  ck_assert_int_eq(ppml_secret_key_write(&key, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, sizeof format_secret_key_kat);
  ck_assert_mem_eq(bytes, format_secret_key_kat, sizeof format_secret_key_kat);
  writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(ppml_keyring_write(&key, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, sizeof format_keyring_kat);
  ck_assert_mem_eq(bytes, format_keyring_kat, sizeof format_keyring_kat);
}
END_TEST

/* ------------------------------------------------------------------- law */

static const uint32_t activations[] = {PPML_ACTIVATION_RELU, PPML_ACTIVATION_SIGN,
                                       PPML_ACTIVATION_CLIPPED_SQUARE, PPML_ACTIVATION_TABLE};

/* Writes, reads and writes again. */
static void check_round_trip(const ppml_model *m) {
  static uint8_t first[BYTES_MAX], second[BYTES_MAX];
  ppml_limits limits = ppml_limits_default();
  ppml_writer writer = ppml_writer_to_memory(first, sizeof first);
  ppml_model back;
  ppml_header h;
  ck_assert_int_eq(ppml_model_write(m, &writer), PPML_OK);
  size_t count = writer.position;
  ppml_reader reader = ppml_reader_from_memory(first, count);
  ck_assert_int_eq(ppml_header_read(&h, &reader, &limits), PPML_OK);
  ppml_arena arena = test_arena(ppml_read_bytes(&h));
  reader = ppml_reader_from_memory(first, count);
  ck_assert_int_eq(ppml_model_read(&back, &reader, &limits, &arena), PPML_OK);
  ck_assert_mem_eq(back.id, m->id, PPML_ID_BYTES);
  ck_assert_mem_eq(&back.spec, &m->spec, sizeof m->spec);
  writer = ppml_writer_to_memory(second, sizeof second);
  ck_assert_int_eq(ppml_model_write(&back, &writer), PPML_OK);
  ck_assert_uint_eq(writer.position, count);
  ck_assert_mem_eq(first, second, count);
  test_arena_free(&arena);
}

START_TEST(models_of_all_shapes_survive_writing) {
  const uint32_t hidden[] = {5, 3, 4, 2, 7, 3, 2};
  test_net *net = test_memory(sizeof *net);
  for (size_t layers = 0; layers < PPML_LAYERS_MAX; layers++)
    for (size_t a = 0; a < 4; a++) {
      test_net_make(net, 5, 4, hidden, layers, activations[a], 2 + (uint32_t)a, layers);
      check_round_trip(&net->model);
    }
  free(net);
}
END_TEST

START_TEST(polynomials_survive_writing) {
  ppml_model m = polynomial_model();
  ppmli_model_id(m.id, &m);
  check_round_trip(&m);
}
END_TEST

START_TEST(the_id_depends_on_everything) {
  uint8_t id[PPML_ID_BYTES], other[PPML_ID_BYTES];
  ppml_model m = known_model(), changed = m;
  int8_t w[12];
  int32_t b[2];
  ppmli_model_id(id, &m);
  changed.margin_p05++;
  ppmli_model_id(other, &changed);
  ck_assert_mem_ne(id, other, sizeof id);
  changed = m;
  changed.spec.class_name[1][0] = 'M';
  ppmli_model_id(other, &changed);
  ck_assert_mem_ne(id, other, sizeof id);
  changed = m;
  memcpy(w, weight, sizeof w);
  w[11]++;
  changed.layer[0].weight = w;
  ppmli_model_id(other, &changed);
  ck_assert_mem_ne(id, other, sizeof id);
  changed = m;
  memcpy(b, peak, sizeof b);
  b[1]++;
  changed.layer[0].peak = b;
  ppmli_model_id(other, &changed);
  ck_assert_mem_ne(id, other, sizeof id);
}
END_TEST

START_TEST(the_circuits_id_depends_on_the_parameters) {
  ppml_model m = known_model();
  ppml_circuit a, b;
  ppml_arena arena = test_arena(2 * ppml_compile_bytes(&m));
  ck_assert_int_eq(test_compile(&a, &m, ppml_params_by_name("fast"), &arena), PPML_OK);
  ck_assert_int_eq(test_compile(&b, &m, ppml_params_by_name("precise"), &arena), PPML_OK);
  ck_assert_mem_ne(a.id, b.id, PPML_ID_BYTES);
  ck_assert_mem_eq(a.model.id, b.model.id, PPML_ID_BYTES);
  test_arena_free(&arena);
}
END_TEST

/* ----------------------------------------------------------------- bounds */

/* What reading a model with that spec says. */
static int read_with_spec(const ppml_spec *spec) {
  static uint8_t bytes[BYTES_MAX];
  ppml_limits limits = ppml_limits_default();
  ppml_client client = known_client();
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  client.spec = *spec;
  ck_assert_int_eq(unchecked_client_write(&client, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  ppml_client back;
  int error = ppml_client_read(&back, &reader, &limits);
  check_writer_agrees(client, &client, error);
  return error;
}

#define check_spec(change, expected)                                                               \
  do {                                                                                             \
    ppml_spec s = known_model().spec;                                                              \
    change;                                                                                        \
    ck_assert_int_eq(read_with_spec(&s), expected);                                                \
  } while (0)

START_TEST(a_spec_is_within_its_bounds) {
  check_spec((void)0, PPML_OK);
  check_spec(s.width = 0, PPML_ERR_RANGE);
  check_spec(s.height = 4097, PPML_ERR_RANGE);
  check_spec((s.width = 256, s.height = 256), PPML_OK); /* 65,536 inputs */
  check_spec((s.width = 257, s.height = 256), PPML_ERR_RANGE);
  check_spec(s.channels = 5, PPML_ERR_RANGE);
  check_spec(s.input_bits = 0, PPML_ERR_RANGE);
  check_spec(s.input_bits = 9, PPML_ERR_RANGE);
  check_spec(s.score_unit = 0, PPML_ERR_RANGE);
  check_spec(s.classes = 1, PPML_ERR_RANGE);
  check_spec(s.outputs = 2, PPML_OK);
  check_spec(s.outputs = 3, PPML_ERR_RANGE);
  check_spec(s.outputs = 0, PPML_ERR_RANGE);
}
END_TEST

/* A name in place of the second one. */
static void set_name(ppml_spec *s, const char *name) {
  memset(s->class_name[1], 0, PPML_CLASS_NAME_BYTES);
  memcpy(s->class_name[1], name, strlen(name));
}

START_TEST(a_name_is_printable_and_ends) {
  check_spec(memset(s.class_name[0], 'a', PPML_CLASS_NAME_BYTES), PPML_ERR_RANGE);
  check_spec(memset(s.class_name[0], 'a', PPML_CLASS_NAME_BYTES - 1), PPML_OK);
  check_spec(s.class_name[0][0] = 0, PPML_ERR_RANGE);
  check_spec(s.class_name[0][23] = 'x', PPML_ERR_RANGE); /* behind the end */
  check_spec(s.class_name[1][2] = '\n', PPML_ERR_RANGE);
  check_spec(s.class_name[1][2] = 0x7f, PPML_ERR_RANGE);
  check_spec(s.class_name[1][2] = (char)0xe4, PPML_ERR_RANGE); /* Latin-1 */
}
END_TEST

/* Polynomials of 256 by 256 pixels: the most inputs there may be.  With 128 slots an encrypted image
 * would be beyond the limit of a container, and no circuit may be made that its clients cannot use. */
START_TEST(what_no_reader_would_take_is_not_compiled) {
  const size_t inputs = 65536;
  ppml_model m = polynomial_model();
  ppml_limits limits = ppml_limits_default();
  ppml_compile_options options = {ppml_params_by_name("leveled-128"), 0, 0, 0};
  ppml_refusal refusal;
  ppml_circuit c;
  int8_t *weights = test_memory(2 * inputs);
  memset(weights, 0, 2 * inputs);
  m.spec.width = m.spec.height = 256;
  m.layer[0].inputs = (uint32_t)inputs;
  m.layer[0].weight = weights;
  ppml_arena arena = test_arena(1 << 12);
  ck_assert_uint_gt(ppml_input_wire_bytes(options.params, &m.spec), limits.payload_bytes);
  ck_assert_int_eq(ppml_compile(&c, &m, &options, &refusal, &arena), PPML_ERR_PARAMS);
  ck_assert_ptr_eq(refusal.too_large, options.params);
  ck_assert_ptr_nonnull(strstr(refusal.reason, "limits"));
  options.params = ppml_params_by_name("leveled-64");
  ck_assert_uint_le(ppml_input_wire_bytes(options.params, &m.spec), limits.payload_bytes);
  ck_assert_int_eq(ppml_compile(&c, &m, &options, &refusal, &arena), PPML_OK);
  test_arena_free(&arena);
  free(weights);
}
END_TEST

START_TEST(evaluation_keys_of_all_sets_are_within_the_limits) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++)
    ck_assert_msg(ppml_eval_key_wire_bytes(p) <=
                      ppml_limits_default().payload_bytes + PPMLI_CONTAINER_BYTES,
                  "%s", p->name);
}
END_TEST

START_TEST(a_name_may_be_any_text) {
  static const char *const names[] = {"gut\xC3\xA4rtig",
                                      "\xE8\x82\xBA\xE7\x82\x8E",
                                      "\xD8\xB3\xD9\x84\xDB\x8C\xD9\x85",
                                      "\xF0\x9F\xAB\x81",
                                      "\xC2\xA0",
                                      "\xEF\xBF\xBD",
                                      "\xF4\x8F\xBF\xBF",
                                      "\xED\x9F\xBF",
                                      "\xEE\x80\x80"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    check_spec(set_name(&s, names[i]), PPML_OK);
}
END_TEST

START_TEST(a_name_that_is_no_text_is_refused) {
  static const char *const names[] = {"a\xC3",            /* truncated */
                                      "\xE8\x82",         /* likewise */
                                      "\xF0\x9F\xAB",     /* likewise */
                                      "\xC3\x28",         /* no continuation */
                                      "\x80",             /* nothing but one */
                                      "\xC0\xAF",         /* overlong '/' */
                                      "\xC1\xBF",         /* overlong */
                                      "\xE0\x9F\xBF",     /* overlong */
                                      "\xF0\x8F\xBF\xBF", /* overlong */
                                      "\xED\xA0\x80",     /* a surrogate */
                                      "\xF4\x90\x80\x80", /* beyond 10FFFF */
                                      "\xF8\x88\x80\x80\x80",
                                      "\xFF",
                                      "a\xC2\x85", /* C1: next line */
                                      "\xC2\x9B"
                                      "31m", /* C1: begins a terminal's command */
                                      "\x1B[31m",
                                      "\xE2\x80\xAE"
                                      "abc", /* U+202E, right to left from here */
                                      "\xE2\x81\xA6"
                                      "abc",          /* U+2066, an isolate */
                                      "\xE2\x80\x8F", /* U+200F, a mark */
                                      "\xD8\x9C",     /* U+061C, a mark */
                                      "\xE2\x80\xA8", /* U+2028, a line's end */
                                      "\xEF\xBB\xBF"
                                      "a", /* U+FEFF */
                                      "\t"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    check_spec(set_name(&s, names[i]), PPML_ERR_RANGE);
  ck_assert_str_eq(ppml_class_name_refusal("", 0), "is empty");
  ck_assert_str_eq(ppml_class_name_refusal("123456789012345678901234", 24),
                   "has more than 23 bytes");
  ck_assert_str_eq(ppml_class_name_refusal("\xC3", 1), "is not valid UTF-8");
  ck_assert_str_eq(ppml_class_name_refusal("a\n", 2), "has a control character");
  ck_assert_ptr_null(ppml_class_name_refusal("12345678901234567890123", 23));
}
END_TEST

/* Reading the known client spec with one number changed. */
static int read_client(const ppml_client *client) {
  uint8_t bytes[1024];
  ppml_limits limits = ppml_limits_default();
  ppml_client back;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(unchecked_client_write(client, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  int error = ppml_client_read(&back, &reader, &limits);
  check_writer_agrees(client, client, error);
  return error;
}

START_TEST(a_score_unit_is_at_most_half_a_turn) {
  uint64_t units[] = {0,
                      1,
                      PPMLI_SCORE_UNIT_MIN - 1,
                      PPMLI_SCORE_UNIT_MIN,
                      PPMLI_TORUS_HALF,
                      PPMLI_TORUS_HALF + 1,
                      UINT64_MAX};
  for (int i = 0; i < 7; i++) {
    ppml_client client = known_client();
    client.score_unit = units[i];
    client.answer_step = 1 << 28;
    ck_assert_int_eq(read_client(&client), i == 3 || i == 4 ? PPML_OK : PPML_ERR_RANGE);
  }
}
END_TEST

/* Who sends a client spec cannot make answers tell more of the key than the set allows. */
START_TEST(a_client_whose_answers_would_tell_more_is_refused) {
  ppml_client client = known_client();
  ck_assert_int_eq(read_client(&client), PPML_OK);
  client.score_unit /= 2; /* half the unit, the same step in scores: half of it on the torus */
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client.answer_step *= 2;
  ck_assert_int_eq(read_client(&client), PPML_OK);
  client.answer_step++;
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client = known_client();
  client.answer_step = 0;
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client.answer_step = 64; /* 10.7 deviations */
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client = known_client();
  client.score_noise = ppmli_params_output_noise(client.params) - 1;
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client.score_noise++;
  ck_assert_int_eq(read_client(&client), PPML_OK);
  client.score_noise = UINT64_MAX;
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client = known_client();
  client.publish = PPML_PUBLISH_MAX + 1;
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client = known_client();
  client.renew_after = 0;
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
  client = known_client();
  client.score_peak[0] = -1;
  ck_assert_int_eq(read_client(&client), PPML_ERR_RANGE);
}
END_TEST

/* An exact set's scores are free of noise; a unit that would let it through is refused. */
START_TEST(an_exact_client_with_a_smaller_unit_is_refused) {
  ppml_client client = known_client();
  client.params = ppml_params_by_name("exact");
  client.score_noise = ppmli_params_output_noise(client.params);
  uint64_t least = client.score_noise / 10 * 199;
  client.answer_step = 16;
  for (uint64_t unit = least + 200; unit > 1 << 20; unit /= 2) {
    client.score_unit = unit;
    ck_assert_int_eq(read_client(&client), unit >= least ? PPML_OK : PPML_ERR_RANGE);
  }
}
END_TEST

/* Every number that is read by is part of the id. */
START_TEST(a_client_id_changes_with_all_that_the_client_uses) {
  uint8_t id[10][PPML_ID_BYTES];
  for (int i = 0; i < 10; i++) {
    ppml_client client = known_client();
    if (i == 1) client.score_unit++;
    if (i == 2) client.score_noise++;
    if (i == 3) client.answer_step *= 2;
    if (i == 4) client.publish++;
    if (i == 5) client.circuit_id[15] ^= 1;
    if (i == 6) client.params = ppml_params_by_name("precise");
    if (i == 7) client.spec.threshold[0]++;
    if (i == 9) client.renew_after++;
    if (i == 8) client.spec.class_name[1][0] ^= 1;
    ppml_client_id(id[i], &client);
    for (int j = 0; j < i; j++) ck_assert_mem_ne(id[i], id[j], PPML_ID_BYTES);
  }
}
END_TEST

static int read_model(const ppml_model *m) {
  static uint8_t bytes[BYTES_MAX];
  ppml_limits limits = ppml_limits_default();
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_model back;
  ppml_arena arena = test_arena(BYTES_MAX);
  ck_assert_int_eq(unchecked_model_write(m, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  int error = ppml_model_read(&back, &reader, &limits, &arena);
  test_arena_free(&arena);
  check_writer_agrees(model, m, error);
  return error;
}

/* With one value of an array of the first layer changed. */
#define check_value(type, field, array, at, value, expected)                                       \
  do {                                                                                             \
    ppml_model m = known_model();                                                                  \
    type copy[sizeof(array) / sizeof(array)[0]];                                                   \
    memcpy(copy, array, sizeof copy);                                                              \
    copy[at] = value;                                                                              \
    m.layer[0].field = copy;                                                                       \
    ck_assert_int_eq(read_model(&m), expected);                                                    \
  } while (0)

START_TEST(values_of_a_layer_are_within_their_bounds) {
  check_value(int8_t, weight, weight, 3, 7, PPML_OK);
  check_value(int8_t, weight, weight, 3, 8, PPML_ERR_RANGE); /* of 4 bits */
  check_value(int8_t, weight, weight, 3, -8, PPML_ERR_RANGE);
  check_value(int32_t, range, range, 1, 0, PPML_ERR_RANGE);
  check_value(int32_t, range, range, 1, -1, PPML_ERR_RANGE);
  check_value(int32_t, range, range, 1, 200, PPML_OK);
  check_value(int32_t, range, range, 1, 201, PPML_ERR_RANGE); /* beyond the peak */
  check_value(int32_t, peak, peak, 0, 1 << 30, PPML_OK);
  check_value(int32_t, peak, peak, 0, (1 << 30) + 1, PPML_ERR_RANGE);
  check_value(int32_t, bias, bias, 0, (1 << 30) - 15 * 18, PPML_OK);
  check_value(int32_t, bias, bias, 0, (1 << 30) - 15 * 18 + 1, PPML_ERR_RANGE);
  check_value(int32_t, bias, bias, 0, INT32_MIN, PPML_ERR_RANGE);
}
END_TEST

/* With one value of an array of a layer of polynomials' network changed. */
#define check_polynomial(type, l, field, array, at, value, expected)                               \
  do {                                                                                             \
    ppml_model m = polynomial_model();                                                             \
    type copy[sizeof(array) / sizeof(array)[0]];                                                   \
    memcpy(copy, array, sizeof copy);                                                              \
    copy[at] = value;                                                                              \
    m.layer[l].field = copy;                                                                       \
    ck_assert_int_eq(read_model(&m), expected);                                                    \
  } while (0)

START_TEST(values_of_polynomials_are_within_their_bounds) {
  check_polynomial(int32_t, 0, square, square, 0, 127, PPML_OK);
  check_polynomial(int32_t, 0, square, square, 0, 128, PPML_ERR_RANGE);
  check_polynomial(int32_t, 0, square, square, 0, -128, PPML_ERR_RANGE);
  check_polynomial(int32_t, 0, square, square, 0, INT32_MIN, PPML_ERR_RANGE);
  check_polynomial(int32_t, 0, linear, linear, 0, -(1 << 29), PPML_OK);
  check_polynomial(int32_t, 0, linear, linear, 0, (1 << 29) + 1, PPML_ERR_RANGE);
  check_polynomial(int32_t, 0, linear, linear, 0, INT32_MIN, PPML_ERR_RANGE);
  check_polynomial(int8_t, 0, weight, weight, 3, 8, PPML_ERR_RANGE);
  check_polynomial(int8_t, 1, weight, last_weight, 1, 8, PPML_ERR_RANGE);
  check_polynomial(int32_t, 1, peak, score_peak, 0, 1, PPML_OK);
  check_polynomial(int32_t, 1, peak, score_peak, 0, 0, PPML_ERR_RANGE);
  check_polynomial(int32_t, 1, peak, score_peak, 0, 1 << 30, PPML_OK);
  check_polynomial(int32_t, 1, peak, score_peak, 0, (1 << 30) + 1, PPML_ERR_RANGE);
  check_polynomial(int32_t, 1, bias, last_bias, 0, -(1 << 30), PPML_OK);
  check_polynomial(int32_t, 1, bias, last_bias, 0, (1 << 30) + 1, PPML_ERR_RANGE);
}
END_TEST

/* 127 z^2 8 stays below 2^62 up to z of 2^26: so do accumulators, which might be 2^30. */
START_TEST(polynomials_fit_64_bits) {
  check_polynomial(int32_t, 0, bias, bias, 1, 1 << 25, PPML_OK);
  check_polynomial(int32_t, 0, bias, bias, 1, 1 << 27, PPML_ERR_RANGE);
  check_polynomial(int32_t, 0, bias, bias, 0, 1 << 29, PPML_OK); /* its square is 1 */
  check_polynomial(int32_t, 0, bias, bias, 0, 1 << 30, PPML_ERR_RANGE);
}
END_TEST

START_TEST(polynomials_are_of_one_hidden_layer) {
  ppml_model m = polynomial_model();
  m.layer[1].activation = PPML_ACTIVATION_POLYNOMIAL; /* in place of scores */
  m.layer[1].square = m.layer[1].linear = linear;
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
  m = polynomial_model();
  m.layer_count = 1; /* no scores at all */
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
  m = known_model();
  m.layer_count = 3; /* behind another layer */
  m.layer[2] = polynomial_model().layer[1];
  m.layer[1] = polynomial_model().layer[0];
  m.layer[1].inputs = 2;
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
  m.layer[0] = polynomial_model().layer[0]; /* twice */
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
}
END_TEST

START_TEST(layers_fit_one_another) {
  ppml_model m = known_model();
  m.layer[1].inputs = 1;
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
  m = known_model();
  m.spec.width = 2;
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
  m = known_model();
  m.spec.outputs = 2;
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
  m = known_model();
  m.layer[0].activation = PPML_ACTIVATION_NONE; /* not the last */
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
  m = known_model();
  m.layer_count = 1; /* the last one has an activation */
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
}
END_TEST

START_TEST(a_table_has_no_minus_128) {
  ppml_model m = known_model();
  int8_t table[PPML_TABLE_SIZE] = {0};
  m.layer[0].activation = PPML_ACTIVATION_TABLE;
  m.layer[0].table = table;
  table[200] = -127;
  ck_assert_int_eq(read_model(&m), PPML_OK);
  table[200] = -128;
  ck_assert_int_eq(read_model(&m), PPML_ERR_RANGE);
}
END_TEST

/* Units and gains that would let an accumulator leave its place. */
START_TEST(a_circuit_beyond_its_capacity_is_refused) {
  uint8_t bytes[2048];
  ppml_limits limits = ppml_limits_default();
  ppml_model m = known_model();
  ppml_arena arena = test_arena(1 << 14);
  ppml_circuit c, back;
  ck_assert_int_eq(test_compile(&c, &m, ppml_params_by_name("fast"), &arena), PPML_OK);
  const uint64_t unit = c.unit[1];
  const uint64_t wrong[] = {0, unit + 1, PPMLI_TORUS_HALF, UINT64_MAX, unit};
  for (int i = 0; i < 5; i++) {
    ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
    c.unit[1] = wrong[i];
    ppmli_circuit_set_id(&c);
    ck_assert_int_eq(unchecked_circuit_write(&c, &writer), PPML_OK);
    ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
    int expected = wrong[i] == unit ? PPML_OK : PPML_ERR_RANGE;
    ck_assert_int_eq(ppml_circuit_read(&back, &reader, &limits, &arena), expected);
    check_writer_agrees(circuit, &c, expected);
  }
  test_arena_free(&arena);
}
END_TEST

/* The client decodes every score by the first one's gain. */
START_TEST(scores_of_unequal_gains_are_refused) {
  uint8_t bytes[BYTES_MAX];
  const uint32_t neurons = 3;
  test_net *net = test_memory(sizeof *net);
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena = test_arena(1 << 16);
  ppml_circuit c, back;
  test_net_make(net, 4, 4, &neurons, 1, PPML_ACTIVATION_RELU, 3, 1);
  test_circuit_make(&c, net, "fast", &arena);
  int32_t gain[3] = {2, 2, 2};
  c.gain[1] = gain;
  c.unit[1] /= 2;
  for (int i = 0; i < 2; i++, gain[1]--) { /* all twice what they were, then but one */
    ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
    ppmli_circuit_set_id(&c);
    ck_assert_int_eq(unchecked_circuit_write(&c, &writer), PPML_OK);
    ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
    int expected = i == 0 ? PPML_OK : PPML_ERR_RANGE;
    ck_assert_int_eq(ppml_circuit_read(&back, &reader, &limits, &arena), expected);
    check_writer_agrees(circuit, &c, expected);
  }
  test_arena_free(&arena);
  free(net);
}
END_TEST

/* ------------------------------------------------------------ certificate */

/* Where a circuit's certificate begins in its file, and its fields of 8 bytes behind the
 * promise of 4. */
static size_t certificate_at(const ppml_circuit *c) {
  return PPMLI_HEADER_BYTES + ppmli_circuit_wire_bytes(c);
}

static void mend(uint8_t *bytes, size_t count) {
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, bytes, count - 16);
  ppmli_digest_final(&d, bytes + count - 16);
}

/* A known circuit's file in bytes; its length. */
static size_t write_known(uint8_t *bytes, size_t capacity, ppml_circuit *c, double agreement,
                          ppml_arena *arena) {
  static ppml_model m;
  ppml_compile_options options = {ppml_params_by_name("fast"), agreement, 0, 0};
  ppml_writer writer = ppml_writer_to_memory(bytes, capacity);
  m = known_model();
  m.margin_p05 = 1 << 20;
  ck_assert_int_eq(ppml_compile(c, &m, &options, NULL, arena), PPML_OK);
  ck_assert_int_eq(ppml_circuit_write(c, &writer), PPML_OK);
  return writer.position;
}

static int read_bytes(const uint8_t *bytes, size_t count, ppml_circuit *c) {
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena = test_arena(1 << 14);
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  int error = ppml_circuit_read(c, &reader, &limits, &arena);
  test_arena_free(&arena);
  return error;
}

START_TEST(a_certificate_that_claims_something_else_is_refused) {
  uint8_t bytes[2048], changed[2048];
  ppml_circuit c, back;
  ppml_arena arena = test_arena(1 << 14);
  size_t count = write_known(bytes, sizeof bytes, &c, 0.99, &arena);
  ck_assert_int_eq(read_bytes(bytes, count, &back), PPML_OK);
  ck_assert(fabs(back.agreement - 0.99) < 1e-9);
  for (size_t at = certificate_at(&c) + 8; at < count - 16; at += 8) {
    uint64_t value = ppmli_load64(bytes + at);
    memcpy(changed, bytes, count);
    ppmli_store64(changed + at, value + value / 4 + 100);
    mend(changed, count);
    ck_assert_msg(read_bytes(changed, count, &back) == PPML_ERR_CERTIFICATE, "field at %zu", at);
  }
  test_arena_free(&arena);
}
END_TEST

START_TEST(a_promise_that_the_circuit_cannot_keep_is_refused) {
  uint8_t bytes[2048];
  ppml_circuit c, back;
  ppml_arena arena = test_arena(1 << 14);
  size_t count = write_known(bytes, sizeof bytes, &c, 0, &arena);
  ppmli_store32(bytes + certificate_at(&c), 1000000000);
  mend(bytes, count);
  ck_assert_int_eq(read_bytes(bytes, count, &back), PPML_ERR_CERTIFICATE);
  ppmli_store32(bytes + certificate_at(&c), 1000000001);
  mend(bytes, count);
  ck_assert_int_eq(read_bytes(bytes, count, &back), PPML_ERR_RANGE);
  test_arena_free(&arena);
}
END_TEST

/* With half the gain, accumulators have twice the noise: every digest may be mended, the
 * certificate does not fit. */
START_TEST(a_circuit_with_smaller_gains_than_certified_is_refused) {
  uint8_t bytes[2048], honest[2048];
  ppml_circuit c, back;
  ppml_arena arena = test_arena(1 << 14);
  size_t count = write_known(honest, sizeof honest, &c, 0, &arena), at = certificate_at(&c);
  int32_t gain[2] = {c.gain[0][0] / 2, c.gain[0][1] / 2};
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  c.gain[0] = gain;
  ppmli_circuit_set_id(&c);
  ck_assert_int_eq(ppml_circuit_write(&c, &writer), PPML_OK);
  ck_assert_int_eq(read_bytes(bytes, count, &back), PPML_OK); /* with its own certificate */
  memcpy(bytes + at, honest + at, count - 16 - at);
  mend(bytes, count);
  ck_assert_int_eq(read_bytes(bytes, count, &back), PPML_ERR_CERTIFICATE);
  test_arena_free(&arena);
}
END_TEST

/* No public estimator knows block-binary keys. */
START_TEST(the_security_of_block_keys_is_told_apart) {
  ppml_model m = known_model();
  ppml_circuit c;
  ppml_certificate certificate;
  ppml_arena arena = test_arena(2 * ppml_compile_bytes(&m));
  ck_assert_int_eq(test_compile(&c, &m, ppml_params_by_name("fast"), &arena), PPML_OK);
  ppml_circuit_certificate(&certificate, &c);
  ck_assert_ptr_nonnull(strstr(certificate.security_estimate, "least of usvp"));
  ck_assert_int_eq(test_compile(&c, &m, ppml_params_by_name("fast-block2"), &arena), PPML_OK);
  ppml_circuit_certificate(&certificate, &c);
  ck_assert_ptr_nonnull(strstr(certificate.security_estimate, "no public estimator"));
  test_arena_free(&arena);
}
END_TEST

/* ------------------------------------------------------------------ error */

/* Writes the polynomials' model.  Its length. */
static size_t write_polynomials(uint8_t *bytes, size_t capacity) {
  ppml_model m = polynomial_model();
  ppml_writer writer = ppml_writer_to_memory(bytes, capacity);
  ck_assert_int_eq(ppml_model_write(&m, &writer), PPML_OK);
  return writer.position;
}

/* Reads with as much memory as is said.  On an error nothing of it stays in use. */
static int read_in_said_memory(ppml_model *m, const uint8_t *bytes, size_t count) {
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  int error = ppml_header_read(&h, &reader, &limits);
  if (error) return error;
  ppml_arena arena = test_arena(ppml_read_bytes(&h));
  reader = ppml_reader_from_memory(bytes, count);
  error = ppml_model_read(m, &reader, &limits, &arena);
  if (error) ck_assert_uint_eq(arena.used_bytes, 0);
  test_arena_free(&arena);
  return error;
}

START_TEST(polynomials_cut_at_any_byte_are_truncated) {
  uint8_t bytes[1024];
  ppml_model m;
  size_t count = write_polynomials(bytes, sizeof bytes);
  ck_assert_int_eq(read_in_said_memory(&m, bytes, count), PPML_OK);
  for (size_t cut = 0; cut < count; cut++)
    ck_assert_int_eq(read_in_said_memory(&m, bytes, cut), PPML_ERR_TRUNCATED);
}
END_TEST

/* Of the payload, whose digest is mended: what can still be read is another network, so its id
 * gives it away. */
START_TEST(a_flipped_bit_of_polynomials_is_refused) {
  uint8_t bytes[1024];
  ppml_model m;
  size_t count = write_polynomials(bytes, sizeof bytes);
  for (size_t bit = 8 * PPMLI_HEADER_BYTES; bit < 8 * (count - 16); bit++) {
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    mend(bytes, count);
    int error = read_in_said_memory(&m, bytes, count);
    ck_assert_msg(error == PPML_ERR_RANGE || error == PPML_ERR_FORMAT ||
                      error == PPML_ERR_TRAILING || error == PPML_ERR_TRUNCATED,
                  "bit %zu: %d", bit, error);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  mend(bytes, count);
  ck_assert_int_eq(read_in_said_memory(&m, bytes, count), PPML_OK);
}
END_TEST

START_TEST(an_id_that_is_not_the_payloads_is_refused) {
  uint8_t bytes[sizeof format_model_kat];
  ppml_limits limits = ppml_limits_default();
  ppml_model m;
  ppml_arena arena = test_arena(1 << 14);
  uint8_t digest[PPML_ID_BYTES];
  ppmli_digest d;
  memcpy(bytes, format_model_kat, sizeof bytes);
  bytes[40] ^= 1;
  ppmli_header_digest(digest, bytes);
  memcpy(bytes + 72, digest, 8);
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, bytes, sizeof bytes - 16);
  ppmli_digest_final(&d, bytes + sizeof bytes - 16);
  ppml_reader reader = ppml_reader_from_memory(bytes, sizeof bytes);
  ck_assert_int_eq(ppml_model_read(&m, &reader, &limits, &arena), PPML_ERR_FORMAT);
  ck_assert_uint_eq(arena.used_bytes, 0);
  test_arena_free(&arena);
}
END_TEST

/* Reads a secret key beside a client spec, into memory of that many bytes. */
static int read_secret(ppml_secret_key *key, const ppml_client *client, const uint8_t *bytes,
                       size_t count, ppml_arena *arena) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  return ppml_secret_key_read(key, client, &reader, &limits, arena);
}

/* Neither the structure nor the memory of its planes tells a bit. */
static void check_wiped(const ppml_secret_key *key, const ppml_arena *arena) {
  static const ppml_secret_key zeros;
  ck_assert_mem_eq(key, &zeros, sizeof *key);
  ck_assert_uint_eq(arena->used_bytes, 0);
  for (size_t i = 0; i < arena->high_bytes; i++)
    ck_assert(arena->memory[i] == 0 || arena->memory[i] == 0xee);
}

/* Damage behind the planes, so that all of them were read. */
START_TEST(a_secret_key_that_could_not_be_read_is_wiped) {
  ppml_limits limits = ppml_limits_default();
  uint8_t bytes[sizeof format_keyring_kat];
  ppml_client client = known_client();
  ppml_secret_key key;
  ppml_arena arena = test_arena(ppml_secret_key_generate_bytes(client.params));
  memset(arena.memory, 0xee, arena.capacity_bytes);
  memcpy(bytes, format_secret_key_kat, sizeof format_secret_key_kat);
  bytes[sizeof format_secret_key_kat - 1] ^= 1;
  memset(&key, 0xff, sizeof key);
  ck_assert_int_eq(read_secret(&key, &client, bytes, sizeof format_secret_key_kat, &arena),
                   PPML_ERR_CHECKSUM);
  check_wiped(&key, &arena);
  ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
  memcpy(bytes, format_keyring_kat, sizeof bytes);
  bytes[sizeof bytes - 1] ^= 1;
  ppml_reader reader = ppml_reader_from_memory(bytes, sizeof bytes);
  memset(&key, 0xff, sizeof key);
  ck_assert_int_eq(ppml_keyring_read(&key, &client, &reader, &limits, &arena), PPML_ERR_CHECKSUM);
  check_wiped(&key, &arena);
  ck_assert(client.params == NULL);
  test_arena_free(&arena);
}
END_TEST

/* Another set, another circuit, another network that is as large, another step: a key goes with none. */
START_TEST(a_secret_key_of_another_client_spec_is_refused) {
  ppml_client client = known_client(), others[5];
  ppml_secret_key key;
  ppml_arena arena = test_arena(ppml_secret_key_generate_bytes(ppml_params_by_name("finest")));
  for (int i = 0; i < 5; i++) others[i] = client;
  others[0].params = ppml_params_by_name("finest");
  others[1].circuit_id[3] ^= 1;
  others[2].spec.class_name[0][0] ^= 1;
  others[3].answer_step *= 2;
  others[4].publish++;
  for (int i = 0; i < 5; i++) {
    ck_assert_int_eq(
        read_secret(&key, &others[i], format_secret_key_kat, sizeof format_secret_key_kat, &arena),
        PPML_ERR_MISMATCH);
    check_wiped(&key, &arena);
  }
  ck_assert_int_eq(
      read_secret(&key, &client, format_secret_key_kat, sizeof format_secret_key_kat, &arena),
      PPML_OK);
  ck_assert_ptr_eq(key.client, &client);
  ppml_limits limits = ppml_limits_default(); /* nor is one kind of file the other */
  ppml_reader reader = ppml_reader_from_memory(format_secret_key_kat, sizeof format_secret_key_kat);
  ck_assert_int_eq(ppml_keyring_read(&key, &others[0], &reader, &limits, &arena), PPML_ERR_KIND);
  ck_assert_int_eq(
      read_secret(&key, &client, format_keyring_kat, sizeof format_keyring_kat, &arena),
      PPML_ERR_KIND);
  test_arena_free(&arena);
}
END_TEST

/* What a key does when it is used is checked again: its spec is the caller's to change. */
START_TEST(a_secret_key_beside_a_spec_of_another_set_is_none) {
  ppml_client client = known_client();
  ppml_rng rng = test_rng(5);
  ppml_secret_key key;
  uint8_t bytes[1024];
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  test_secret_key(&key, &client, &rng);
  test_client_of(&key)->params = ppml_params_by_name("finest"); /* with longer planes */
  ck_assert_int_eq(ppml_secret_key_write(&key, &writer), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_keyring_write(&key, &writer), PPML_ERR_ARG);
  memset(test_client_of(&key), 0, sizeof *key.client);
  ck_assert_int_eq(ppml_secret_key_write(&key, &writer), PPML_ERR_ARG);
  ck_assert_uint_eq(writer.position, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("model");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *error = test_case(suite, "error");
  tcase_add_test(kat, a_model_is_written_as_known);
  tcase_add_test(kat, a_range_is_written_as_documented_and_read);
  tcase_add_test(kat, polynomials_are_written_as_documented);
  tcase_add_test(kat, a_circuit_is_laid_out_and_written_as_known);
  tcase_add_test(kat, the_id_of_a_client_is_known);
  tcase_add_test(kat, a_client_spec_is_written_and_read_as_known);
  tcase_add_test(kat, a_secret_key_is_drawn_and_written_as_known);
  tcase_add_test(law, models_of_all_shapes_survive_writing);
  tcase_add_test(law, polynomials_survive_writing);
  tcase_add_test(law, the_id_depends_on_everything);
  tcase_add_test(law, the_circuits_id_depends_on_the_parameters);
  tcase_add_test(bounds, a_spec_is_within_its_bounds);
  tcase_add_test(bounds, a_name_is_printable_and_ends);
  tcase_add_test(bounds, what_no_reader_would_take_is_not_compiled);
  tcase_add_test(bounds, evaluation_keys_of_all_sets_are_within_the_limits);
  tcase_add_test(bounds, a_name_may_be_any_text);
  tcase_add_test(bounds, a_name_that_is_no_text_is_refused);
  tcase_add_test(bounds, a_score_unit_is_at_most_half_a_turn);
  tcase_add_test(bounds, a_client_whose_answers_would_tell_more_is_refused);
  tcase_add_test(bounds, an_exact_client_with_a_smaller_unit_is_refused);
  tcase_add_test(bounds, a_client_id_changes_with_all_that_the_client_uses);
  tcase_add_test(bounds, values_of_a_layer_are_within_their_bounds);
  tcase_add_test(bounds, values_of_polynomials_are_within_their_bounds);
  tcase_add_test(bounds, polynomials_fit_64_bits);
  tcase_add_test(bounds, polynomials_are_of_one_hidden_layer);
  tcase_add_test(bounds, layers_fit_one_another);
  tcase_add_test(bounds, a_table_has_no_minus_128);
  tcase_add_test(bounds, a_circuit_beyond_its_capacity_is_refused);
  tcase_add_test(law, the_security_of_block_keys_is_told_apart);
  tcase_add_test(bounds, scores_of_unequal_gains_are_refused);
  tcase_add_test(error, a_range_that_breaks_a_rule_is_refused);
  tcase_add_test(error, a_certificate_that_claims_something_else_is_refused);
  tcase_add_test(error, a_promise_that_the_circuit_cannot_keep_is_refused);
  tcase_add_test(error, a_circuit_with_smaller_gains_than_certified_is_refused);
  tcase_add_test(error, polynomials_cut_at_any_byte_are_truncated);
  tcase_add_test(error, a_flipped_bit_of_polynomials_is_refused);
  tcase_add_test(error, an_id_that_is_not_the_payloads_is_refused);
  tcase_add_test(error, a_secret_key_that_could_not_be_read_is_wiped);
  tcase_add_test(error, a_secret_key_of_another_client_spec_is_refused);
  tcase_add_test(error, a_secret_key_beside_a_spec_of_another_set_is_none);
  return test_run(suite);
}
