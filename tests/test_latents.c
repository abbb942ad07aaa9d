/* test_latents.c - networks behind an encoder, as a caller has them: latents and pictures of them,
 * scores, and files that hold them or break a rule. */
#define PPML_IMPLEMENTATION
#include "latents_support.h"

/* ----------------------------------------------------------------- latents */

static void encode(int8_t *latents, fixture *f) {
  const ppml_spec *s = &f->model.spec;
  ppml_arena exact = test_arena(ppml_encode_bytes(s));
  ck_assert_int_eq(ppml_encode(latents, s, f->image, &exact), PPML_OK);
  ck_assert(exact.high_bytes == exact.capacity_bytes && exact.used_bytes == 0);
  test_arena_free(&exact);
}

/* Scores by the definition in ppml.h, term by term. */
static int64_t naive_score(const fixture *f, const int8_t *m, uint32_t c) {
  int64_t score = f->bias[c];
  const int8_t *q = f->square + c * SUMS;
  for (int r = 0; r < REGIONS * REGIONS; r++)
    for (int i = 0; i < CHANNELS; i++)
      for (int j = i; j < CHANNELS; j++)
        for (int dy = -1; dy <= 1; dy++)
          for (int dx = -1; dx <= 1; dx++) {
            if (i == j && (dy < 0 || (dy == 0 && dx < 0))) continue;
            int64_t sum = 0;
            for (int y = 0; y < 2; y++)
              for (int x = 0; x < 2; x++) {
                if (y + dy < 0 || y + dy > 1 || x + dx < 0 || x + dx > 1) continue;
                int at = (r / 2 * 2 + y) * 4 + r % 2 * 2 + x;
                sum += m[i * PLANE + at] * m[j * PLANE + at + 4 * dy + dx];
              }
            score += *q++ * sum;
          }
  for (uint32_t l = 0; l < LATENTS; l++) score += (int64_t)f->linear[c * LATENTS + l] * m[l];
  return score;
}

START_TEST(scores_are_those_of_the_definition) {
  fixture f;
  for (uint32_t i = 0; i < 4; i++) {
    int8_t latents[LATENTS];
    int32_t scores[OUTPUTS];
    make(&f, 1 + i / 2, i % 2);
    ppml_latent_shape shape = ppml_spec_latent_shape(&f.model.spec);
    ck_assert(shape.channels == CHANNELS && shape.height == 4 && shape.width == 4);
    ck_assert_int_eq((int)ppml_spec_image_bytes(&f.model.spec), i < 2 ? SIDE * SIDE : 4 * LATENTS);
    encode(latents, &f);
    ppml_arena exact = test_arena(ppml_model_predict_bytes(&f.model));
    ck_assert_int_eq(ppml_model_predict(scores, &f.model, f.image, &exact), PPML_OK);
    ck_assert_uint_eq(exact.high_bytes, exact.capacity_bytes);
    for (uint32_t c = 0; c < OUTPUTS; c++) ck_assert_int_eq(scores[c], naive_score(&f, latents, c));
    test_arena_free(&exact);
    test_arena_free(&f.arena);
  }
}
END_TEST

/* All four values of a patch are told by four latents of enough bits. */
START_TEST(a_picture_comes_back_from_its_latents) {
  fixture f;
  uint8_t picture[SIDE * SIDE];
  static const int8_t weight[16] = {60, 60, 60,  60,  60, -60, 60,  -60,
                                    60, 60, -60, -60, 60, -60, -60, 60};
  make(&f, PPML_ENCODER_PATCHES, 1);
  f.model.spec.encoder.channels = 4;
  f.model.spec.input_bits = 8;
  memcpy(f.model.spec.encoder.weight, weight, sizeof weight);
  ppml_arena exact = test_arena(ppml_reconstruct_bytes(&f.model));
  ck_assert_int_eq(ppml_reconstruct(picture, &f.model, f.image, &exact), PPML_OK);
  ck_assert_uint_eq(exact.high_bytes, exact.capacity_bytes);
  for (size_t i = 0; i < sizeof picture; i++) ck_assert_int_le(abs(picture[i] - f.image[i]), 6);
  make_ready(&f.model.spec);
  ck_assert_uint_eq(ppml_reconstruct_bytes(&f.model), 0);
  ck_assert_int_eq(ppml_reconstruct(picture, &f.model, f.image, &exact), PPML_ERR_ARG);
  test_arena_free(&exact);
  test_arena_free(&f.arena);
}
END_TEST

START_TEST(a_latent_that_is_no_number_is_refused) {
  const float bad[] = {NAN, INFINITY, -INFINITY};
  fixture f;
  make(&f, PPML_ENCODER_READY, 1);
  for (size_t i = 0; i < 3; i++) {
    int32_t scores[OUTPUTS];
    int8_t latents[LATENTS];
    memcpy(f.image + 4 * 17, &bad[i], sizeof bad[i]);
    ck_assert_int_eq(ppml_model_predict(scores, &f.model, f.image, &f.arena), PPML_ERR_RANGE);
    ck_assert_int_eq(ppml_encode(latents, &f.model.spec, f.image, &f.arena), PPML_ERR_RANGE);
    ck_assert_uint_eq(f.arena.used_bytes, 0);
  }
  test_arena_free(&f.arena);
}
END_TEST

/* ------------------------------------------------------------------- files */

static size_t write_model(uint8_t *bytes, const ppml_model *m) {
  ppml_writer writer = ppml_writer_to_memory(bytes, BYTES_MAX);
  ck_assert_int_eq(ppml_model_write(m, &writer), PPML_OK);
  return writer.position;
}

static int read_model(ppml_model *m, const uint8_t *bytes, size_t count, ppml_arena *arena) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  return ppml_model_read(m, &reader, &limits, arena);
}

START_TEST(what_was_written_is_read) {
  fixture f;
  for (uint32_t i = 0; i < 4; i++) {
    uint8_t bytes[BYTES_MAX], again[BYTES_MAX];
    int32_t scores[OUTPUTS], back[OUTPUTS];
    ppml_model m;
    ppml_header header;
    ppml_limits limits = ppml_limits_default();
    make(&f, 1 + i / 2, i % 2);
    size_t count = write_model(bytes, &f.model);
    ppml_reader reader = ppml_reader_from_memory(bytes, count);
    ck_assert_int_eq(ppml_header_read(&header, &reader, &limits), PPML_OK);
    ppml_arena arena = test_arena(ppml_read_bytes(&header));
    ck_assert_int_eq(read_model(&m, bytes, count, &arena), PPML_OK);
    ck_assert_uint_eq(write_model(again, &m), count);
    ck_assert_mem_eq(again, bytes, count);
    ck_assert_mem_eq(&m.spec, &f.model.spec, sizeof m.spec);
    ck_assert_int_eq(ppml_model_predict(scores, &f.model, f.image, &f.arena), PPML_OK);
    ck_assert_int_eq(ppml_model_predict(back, &m, f.image, &f.arena), PPML_OK);
    ck_assert_mem_eq(scores, back, sizeof scores);
    test_arena_free(&arena);
    test_arena_free(&f.arena);
  }
}
END_TEST

/* docs/FORMAT.md: the tag in the task, the encoder behind the thresholds, then the network. */
START_TEST(bytes_stand_where_the_format_has_them) {
  fixture f;
  uint8_t bytes[BYTES_MAX];
  make(&f, PPML_ENCODER_PATCHES, 0);
  size_t count = write_model(bytes, &f.model), task = 80 + 28 + 24 * OUTPUTS;
  size_t encoder = task + 4 + 4 * OUTPUTS, network = encoder + 28 + 16 + 8;
  ck_assert_uint_eq(ppmli_load32(bytes + task), PPML_TASK_LABELS + 256);
  ck_assert_uint_eq(ppmli_load32(bytes + encoder), PPML_ENCODER_PATCHES);
  ck_assert_uint_eq(ppmli_load32(bytes + encoder + 8), CHANNELS);
  ck_assert_uint_eq(ppmli_load32(bytes + encoder + 28 + 4), 100); /* the second center */
  ck_assert_int_eq((int8_t)bytes[encoder + 44], 90);
  ck_assert_uint_eq(ppmli_load32(bytes + encoder + 16), 2); /* regions */
  ck_assert_uint_eq(ppmli_load32(bytes + network), 0);      /* layers */
  size_t square = network + 8, linear = square + OUTPUTS * SUMS;
  size_t bias = linear + 4 * OUTPUTS * LATENTS, mean = bias + 16 * OUTPUTS;
  ck_assert_mem_eq(bytes + square, f.square, sizeof f.square);
  ck_assert_int_eq((int32_t)ppmli_load32(bytes + linear + 4), f.linear[1]);
  ck_assert_int_eq((int64_t)ppmli_load64(bytes + bias), f.bias[0]);
  ck_assert_uint_eq(bytes[mean], 128);
  ck_assert_uint_eq(count, mean + 4 + 16);
  test_arena_free(&f.arena);
}
END_TEST

/* One field of a valid network made wrong; numbered so that a failure tells which. */
static int break_rule(fixture *f, int rule) {
  ppml_spec *s = &f->model.spec;
  ppml_encoder *e = &s->encoder;
  switch (rule) {
  case 0:
    e->kind = 3;
    return 1;
  case 1:
    e->patch = 3;
    return 1;
  case 2:
    e->patch = 16;
    return 1; /* larger than the image */
  case 3:
    e->patch = 0;
    return 1;
  case 4:
    e->channels = 0;
    return 1;
  case 5:
    e->channels = 5;
    return 1; /* a patch has 4 values */
  case 6:
    e->channels = 17;
    return 1;
  case 7:
    e->standardise = 2;
    return 1;
  case 8:
    e->scale_log2 = 41;
    return 1;
  case 9:
    e->spread[1] = 0;
    return 1;
  case 10:
    s->input_bits = 1;
    return 1;
  case 11:
    s->width = 9;
    return 1; /* that the patch does not divide */
  case 12:
    e->regions = 3;
    return 1;
  case 13:
    e->regions = 0;
    return 1;
  case 14:
    e->reach = 9;
    return 1;
  case 15:
    e->reach = 0;
    return 1;
  case 16:
    f->bias[1] = ((int64_t)1 << 31) + 1;
    return 1;
  case 17:
    f->peak[2] = 0;
    return 1;
  case 18:
    f->model.layer_count = 1;
    return 1;
  case 19:
    e->kind = PPML_ENCODER_NONE;
    return 1; /* a pooled network needs one */
  case 20:
    s->width = s->height = 4096;
    e->patch = 1;
    return 1; /* too many latents */
  default:
    return 0;
  }
}

START_TEST(a_network_that_breaks_a_rule_is_not_written) {
  fixture f;
  int rule = 0;
  for (int more = 1; more; rule++) {
    uint8_t bytes[BYTES_MAX];
    ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
    make(&f, PPML_ENCODER_PATCHES, 0);
    more = break_rule(&f, rule);
    int error = ppml_model_write(&f.model, &writer);
    ck_assert_msg((error != PPML_OK) == more, "rule %d: %d", rule, error);
    test_arena_free(&f.arena);
  }
  ck_assert_int_eq(rule, 22);
}
END_TEST

/* Makes the digest at a container's end fit what is before it. */
static void sign(uint8_t *bytes, size_t count) {
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, bytes, count - PPML_ID_BYTES);
  ppmli_digest_final(&d, bytes + count - PPML_ID_BYTES);
}

/* Every word of shape in a file, changed and signed anew, is refused or read as what it then says. */
START_TEST(a_file_that_breaks_a_rule_is_refused) {
  static const struct {
    size_t behind_task; /* which word */
    uint32_t value;
  } words[] = {{0, 0x101 + 2}, {0, 0x201}, {4, 3},  {8, 16}, {12, 17},
               {16, 2},        {28, 99},   {40, 9}, {20, 5}, {24, 0}};
  fixture f;
  make(&f, PPML_ENCODER_PATCHES, 1);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    uint8_t bytes[BYTES_MAX];
    ppml_model m;
    size_t count = write_model(bytes, &f.model), task = 80 + 28 + 24 * OUTPUTS;
    size_t at = task + words[i].behind_task + (words[i].behind_task ? 4 * OUTPUTS : 0);
    ppmli_store32(bytes + at, words[i].value);
    sign(bytes, count);
    int error = read_model(&m, bytes, count, &f.arena);
    ck_assert_msg(error == PPML_ERR_RANGE || error == PPML_ERR_FORMAT, "word %zu: %d", i, error);
    ck_assert_uint_eq(f.arena.used_bytes, 0);
  }
  test_arena_free(&f.arena);
}
END_TEST

/* A set of another kind, or one with too few sub-images, is refused; the planner takes the least. */
START_TEST(pooled_sets_alone_carry_it) {
  fixture f;
  ppml_circuit circuit;
  make(&f, PPML_ENCODER_PATCHES, 1);
  f.model.spec.width = f.model.spec.height = 16;
  f.model.spec.encoder.regions =
      4; /* 32 sub-images; the arrays are not looked at for their length */
  const ppml_params *p, *least = ppml_params_by_name("pooled-32");
  static int8_t square[OUTPUTS * 4 * SUMS];
  static int32_t linear[OUTPUTS * 4 * LATENTS];
  f.model.pooled.square = square, f.model.pooled.linear = linear;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    ppml_compile_options options = ppml_compile_options_for(p);
    int fits =
        p->kind == PPML_SET_COMPACT || (p->kind == PPML_SET_POOLED && p->slots <= least->slots);
    int error = ppml_compile(&circuit, &f.model, &options, NULL, &f.arena);
    ck_assert_msg(error == (fits ? PPML_OK : PPML_ERR_PARAMS), "%s: %d", p->name, error);
  }
  ppml_compile_options options = ppml_compile_options_default(&f.model.spec);
  options.automatic = 1, options.agreement = 0;
  ck_assert_int_eq(ppml_compile(&circuit, &f.model, &options, NULL, &f.arena), PPML_OK);
  ck_assert_ptr_eq(circuit.params, least);
  ck_assert(ppml_exact_refusal(&f.model) != NULL);
  test_arena_free(&f.arena);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("latents");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, scores_are_those_of_the_definition);
  tcase_add_test(law, a_picture_comes_back_from_its_latents);
  tcase_add_test(law, what_was_written_is_read);
  tcase_add_test(law, bytes_stand_where_the_format_has_them);
  tcase_add_test(error, a_latent_that_is_no_number_is_refused);
  tcase_add_test(error, a_network_that_breaks_a_rule_is_not_written);
  tcase_add_test(error, a_file_that_breaks_a_rule_is_refused);
  tcase_add_test(error, pooled_sets_alone_carry_it);
  return test_run(suite);
}
