/* test_decide.c - networks that tell their answer in place of scores: the same answers in the clear, for
 * every task; what is refused; files; and encrypted, no more changed answers than was promised. */
#define PPML_IMPLEMENTATION
#include "latents_support.h"
#include "unchecked.h"

enum { IMAGES = 150, PIXELS_MAX = 256, SCORES_MAX = 8 };

/* Width and height of the dense networks here, 20 pixels. */
enum { WIDTH = 5, HEIGHT = 4 };

static void decide(ppml_model *decided, const ppml_model *model, ppml_arena *arena) {
  const char *reason = "not looked at";
  *arena = test_arena(ppml_decide_bytes(model));
  ck_assert_int_eq(ppml_decide(decided, model, &reason, arena), PPML_OK);
  ck_assert_ptr_null(reason);
  ck_assert_uint_eq(arena->used_bytes, arena->capacity_bytes);
  ck_assert_int_eq(ppml_model_check(decided, NULL), PPML_OK);
}

static void expect_refusal(const ppml_model *model, const char *words) {
  const char *reason = NULL;
  ppml_model decided;
  ppml_arena arena = test_arena(1 << 20);
  ck_assert_int_eq(ppml_decide(&decided, model, &reason, &arena), PPML_ERR_PARAMS);
  ck_assert_ptr_nonnull(reason);
  ck_assert_msg(strstr(reason, words) != NULL, "%s (expected %s)", reason, words);
  ck_assert_uint_eq(arena.used_bytes, 0);
  test_arena_free(&arena);
}

/* ------------------------------------------------------------------ in the clear */

/* The answer of an image, and that its scores are decisions. */
static void check_image(const ppml_model *model, const ppml_model *decided, const uint8_t *image,
                        ppml_arena *scratch) {
  const ppml_spec *spec = &model->spec;
  int32_t scores[SCORES_MAX], decisions[SCORES_MAX];
  uint8_t answer[SCORES_MAX] = {0}, told[SCORES_MAX] = {0};
  uint32_t held = 0;
  ck_assert_int_eq(ppml_model_predict(scores, model, image, scratch), PPML_OK);
  ck_assert_int_eq(ppml_model_predict(decisions, decided, image, scratch), PPML_OK);
  ppml_spec_answer(answer, spec, scores);
  ppml_spec_answer(told, &decided->spec, decisions);
  ck_assert_mem_eq(told, answer, sizeof told);
  for (uint32_t o = 0; o < spec->outputs; o++) {
    ck_assert_int_eq(abs(decisions[o]), 127);
    held += decisions[o] > 0;
  }
  if (ppmli_spec_is_contest(spec)) ck_assert_uint_eq(held, 1); /* and not who is next */
}

static void check_network(test_net *net, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  ppml_model decided;
  ppml_arena arena, scratch = test_arena(1 << 16);
  decide(&decided, &net->model, &arena);
  for (int i = 0; i < IMAGES; i++) {
    uint8_t pixels[WIDTH * HEIGHT];
    test_pixels(pixels, sizeof pixels, &rng);
    check_image(&net->model, &decided, pixels, &scratch);
  }
  test_arena_free(&arena);
  test_arena_free(&scratch);
}

static void make_net(test_net *net, uint32_t task, uint32_t classes, size_t layers, uint64_t seed) {
  const uint32_t hidden[] = {6, 4};
  test_net_make(net, WIDTH, HEIGHT, hidden, layers, PPML_ACTIVATION_RELU, classes, seed);
  net->model.spec.task = task;
  net->model.spec.outputs = ppmli_task_outputs(task, classes);
  net->model.layer[layers].outputs = net->model.spec.outputs;
  for (uint32_t o = 0; o < net->model.spec.outputs; o++)
    if (!ppmli_spec_is_contest(&net->model.spec))
      net->model.spec.threshold[o] = (int32_t)o * 10 - 5;
}

START_TEST(every_task_is_answered_as_before) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  for (size_t layers = 0; layers <= 2; layers++)
    for (uint32_t task = PPML_TASK_CLASS; task <= PPML_TASK_GRADE; task++)
      for (uint32_t classes = 2; classes <= 6; classes += 2) {
        make_net(net, task, classes, layers, 10 * layers + classes);
        check_network(net, 3);
      }
  free(net);
}
END_TEST

/* Of two scores that are equal the first counts; of one at its threshold, no. */
START_TEST(ties_are_decided_as_before) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  make_net(net, PPML_TASK_CLASS, 4, 0, 1);
  for (size_t row = 1; row < 4; row += 2) /* scores 0 and 1 are equal, and scores 2 and 3 */
    memcpy(net->weight[0] + row * WIDTH * HEIGHT, net->weight[0] + (row - 1) * WIDTH * HEIGHT,
           WIDTH * HEIGHT);
  net->bias[0][1] = net->bias[0][0], net->bias[0][3] = net->bias[0][2];
  check_network(net, 4);
  make_net(net, PPML_TASK_LABELS, 3, 0, 2);
  memset(net->weight[0], 0, sizeof net->weight[0]);
  for (int o = 0; o < 3; o++) net->bias[0][o] = net->model.spec.threshold[o] + o - 1;
  check_network(net, 5);
  free(net);
}
END_TEST

/* Networks from elsewhere may have a score for each of two classes. */
START_TEST(a_pair_of_scores_is_one_comparison) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  make_net(net, PPML_TASK_CLASS, 3, 1, 7);
  net->model.spec.classes = net->model.spec.outputs = net->model.layer[1].outputs = 2;
  check_network(net, 6);
  free(net);
}
END_TEST

START_TEST(pooled_networks_are_decided_by_their_features) {
  for (uint32_t task = PPML_TASK_CLASS; task <= PPML_TASK_LABELS; task++) {
    fixture *f = (fixture *)test_memory(sizeof *f);
    ppml_rng rng = test_rng(8);
    ppml_model decided;
    ppml_arena arena;
    make(f, PPML_ENCODER_PATCHES, 1);
    f->model.spec.task = task;
    if (task == PPML_TASK_LABELS) f->model.spec.threshold[1] = 3000;
    decide(&decided, &f->model, &arena);
    ck_assert_uint_eq(decided.layer_count, task == PPML_TASK_CLASS ? 3 : 2);
    for (int i = 0; i < IMAGES; i++) {
      test_pixels(f->image, SIDE * SIDE, &rng);
      check_image(&f->model, &decided, f->image, &f->arena);
    }
    test_arena_free(&arena);
    test_arena_free(&f->arena);
    free(f);
  }
}
END_TEST

/* ---------------------------------------------------------------- refusals */

START_TEST(what_cannot_be_decided_is_refused_by_name) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  static const int32_t square[6] = {1, 1, 1, 1, 1, 1}, linear[6] = {0};
  ppml_model decided;
  ppml_arena arena;
  make_net(net, PPML_TASK_CLASS, 2, 1, 1);
  decide(&decided, &net->model, &arena);
  expect_refusal(&decided, "already");
  test_arena_free(&arena);
  ppml_layer *hidden = &net->model.layer[0];
  hidden->activation = PPML_ACTIVATION_POLYNOMIAL;
  hidden->square = square, hidden->linear = linear;
  net->model.layer[1].peak = net->peak[1];
  net->peak[1][0] = 1000;
  expect_refusal(&net->model, "squares");
  make_net(net, PPML_TASK_CLASS, 3, 1, 1);
  net->model.layer[1].weight_bits = 8;
  net->weight[1][0] = 127, net->weight[1][6] = -127;
  expect_refusal(&net->model, "beyond 8 bits");
  make_net(net, PPML_TASK_CLASS, 3, 0, 1);
  net->model.layer_count = 0;
  ck_assert_uint_eq(ppml_decide_bytes(&net->model), 0); /* no network at all */
  test_net_spec(net, WIDTH, HEIGHT, 1, 3);
  ppml_rng rng = test_rng(1);
  for (int l = 0; l + 1 < PPML_LAYERS_MAX; l++) test_net_add(net, 4, PPML_ACTIVATION_RELU, &rng);
  test_net_add(net, 3, PPML_ACTIVATION_NONE, &rng);
  expect_refusal(&net->model, "too many layers");
  free(net);
}
END_TEST

START_TEST(a_decision_without_a_sign_is_no_network) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  ppml_fault fault;
  make_net(net, PPML_TASK_CLASS, 2, 1, 1);
  net->model.spec.decides = 2;
  ck_assert_int_ne(ppml_model_check(&net->model, &fault), PPML_OK);
  ck_assert_ptr_nonnull(strstr(fault.reason, "neither 0 nor 1"));
  net->model.spec.decides = 1;
  ck_assert_int_ne(ppml_model_check(&net->model, &fault), PPML_OK);
  ck_assert_ptr_nonnull(strstr(fault.reason, "no sign"));
  make_net(net, PPML_TASK_CLASS, 2, 0, 1);
  net->model.spec.decides = 1;
  ck_assert_int_ne(ppml_model_check(&net->model, &fault), PPML_OK);
  free(net);
}
END_TEST

/* Sums of signs are scores as others are, whatever a file calls them. */
START_TEST(a_score_that_is_no_sign_is_no_decision) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  for (int fault_of = 0; fault_of < 5; fault_of++) {
    const uint32_t hidden[] = {6};
    ppml_fault fault;
    test_net_make(net, WIDTH, HEIGHT, hidden, 1, PPML_ACTIVATION_SIGN, 3, 1);
    net->model.spec.task = PPML_TASK_LABELS;
    net->model.spec.decides = 1;
    memset(net->weight[1], 0, 3 * 6);
    memset(net->bias[1], 0, sizeof net->bias[1]);
    for (int c = 0; c < 3; c++) net->weight[1][7 * c] = c ? 1 : -1;
    if (fault_of == 0) ck_assert_int_eq(ppml_model_check(&net->model, NULL), PPML_OK);
    if (fault_of == 0) continue;
    if (fault_of == 1) net->weight[1][8] = 1;
    if (fault_of == 2) net->weight[1][7] = 2;
    if (fault_of == 3) net->bias[1][1] = 1;
    if (fault_of == 4) net->model.spec.threshold[1] = 126;
    ck_assert_int_ne(ppml_model_check(&net->model, &fault), PPML_OK);
    ck_assert_ptr_nonnull(strstr(fault.reason, "not one sign"));
    ck_assert_uint_eq(fault.layer, 1);
    ck_assert_uint_eq(fault.index, 1);
  }
  free(net);
}
END_TEST

/* Noise of a decision is a sign that turned, which no flood is made for. */
START_TEST(decisions_are_not_to_be_published) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  static uint8_t bytes[1 << 14];
  ppml_limits limits = ppml_limits_default();
  ppml_compile_options options = ppml_compile_options_for(ppml_params_by_name("precise"));
  ppml_model decided;
  ppml_circuit circuit;
  ppml_client client;
  ppml_arena arena, scratch = test_arena(1 << 16);
  make_net(net, PPML_TASK_CLASS, 2, 1, 1);
  decide(&decided, &net->model, &arena);
  options.publish = 1;
  ck_assert_int_eq(ppml_compile(&circuit, &decided, &options, NULL, &scratch), PPML_ERR_ARG);
  options.publish = 0;
  ck_assert_int_eq(ppml_compile(&circuit, &decided, &options, NULL, &scratch), PPML_OK);
  circuit.publish = 1;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(unchecked_circuit_write(&circuit, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  ppml_circuit read;
  ck_assert_int_eq(ppml_circuit_read(&read, &reader, &limits, &scratch), PPML_ERR_RANGE);
  check_writer_agrees(circuit, &circuit, PPML_ERR_RANGE);
  ppml_client_from_circuit(&client, &circuit);
  ck_assert_int_eq(ppmli_client_is_valid(&client, &limits), 0);
  client.publish = 0;
  ck_assert_int_eq(ppmli_client_is_valid(&client, &limits), 1);
  test_arena_free(&arena);
  test_arena_free(&scratch);
  free(net);
}
END_TEST

/* ------------------------------------------------------------------- files */

START_TEST(circuits_and_clients_are_read_back) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  static uint8_t bytes[1 << 14];
  ppml_limits limits = ppml_limits_default();
  ppml_model decided;
  ppml_circuit circuit, again;
  ppml_client client, client_again;
  ppml_arena arena, scratch = test_arena(1 << 16);
  make_net(net, PPML_TASK_CLASS, 4, 1, 1);
  decide(&decided, &net->model, &arena);
  ck_assert_int_eq(test_compile(&circuit, &decided, ppml_params_by_name("precise"), &scratch),
                   PPML_OK);
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(ppml_circuit_write(&circuit, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_circuit_read(&again, &reader, &limits, &scratch), PPML_OK);
  ck_assert_mem_eq(again.id, circuit.id, PPML_ID_BYTES);
  ck_assert_uint_eq(again.model.spec.decides, 1);
  ppml_client_from_circuit(&client, &circuit);
  writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ck_assert_int_eq(ppml_client_write(&client, &writer), PPML_OK);
  reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_client_read(&client_again, &reader, &limits), PPML_OK);
  ck_assert_uint_eq(client_again.spec.decides, 1);
  test_arena_free(&arena);
  test_arena_free(&scratch);
  free(net);
}
END_TEST

/* --------------------------------------------------------------- encrypted */

enum { ENCRYPTED = 300 };

/* A linear model of pixels, its threshold in the middle of what images have, its margin and peak measured. */
typedef struct world {
  test_net net;
  ppml_model decided;
  ppml_circuit circuit;
  ppml_arena arena, scratch;
  uint8_t pixels[ENCRYPTED][PIXELS_MAX];
  int32_t scores[ENCRYPTED];
} world;

static int by_size(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static int32_t at_rank(const int32_t *values, size_t rank) {
  int32_t sorted[ENCRYPTED];
  memcpy(sorted, values, sizeof sorted);
  qsort(sorted, ENCRYPTED, sizeof sorted[0], by_size);
  return sorted[rank];
}

static void measure_scores(world *w) {
  ppml_model *m = &w->net.model;
  int32_t distance[ENCRYPTED];
  for (int i = 0; i < ENCRYPTED; i++)
    ck_assert_int_eq(ppml_model_predict(&w->scores[i], m, w->pixels[i], &w->scratch), PPML_OK);
  m->spec.threshold[0] = at_rank(w->scores, ENCRYPTED / 2);
  for (int i = 0; i < ENCRYPTED; i++) distance[i] = abs(w->scores[i] - m->spec.threshold[0]);
  m->margin_p05 = (uint32_t)at_rank(distance, ENCRYPTED / 20);
  w->net.peak[0][0] = at_rank(distance, ENCRYPTED - 1) + abs(m->spec.threshold[0]);
  m->layer[0].peak = w->net.peak[0];
}

static void make_world(world *w) {
  ppml_rng rng = test_rng(9);
  memset(w, 0, sizeof *w);
  w->scratch = test_arena(1 << 16);
  test_net_make(&w->net, 16, 16, NULL, 0, PPML_ACTIVATION_NONE, 2, 11);
  for (int i = 0; i < ENCRYPTED; i++) test_pixels(w->pixels[i], PIXELS_MAX, &rng);
  measure_scores(w);
  decide(&w->decided, &w->net.model, &w->arena);
  ck_assert_int_eq(test_compile(&w->circuit, &w->decided, ppml_params_by_name("fast"), &w->scratch),
                   PPML_OK);
}

/* The answer to one image, which tells its label alone. */
static uint8_t ask(world *w, test_keys *keys, const uint8_t *pixels, ppml_rng *rng) {
  size_t mark = ppml_arena_mark(&w->scratch);
  ppml_arena work = test_arena(ppml_infer_bytes(&w->circuit, 1, 1));
  ppml_input input;
  ppml_output output;
  ppml_answer answer;
  ck_assert_int_eq(ppml_encrypt(&input, &test_request, &keys->secret, pixels, rng, &w->scratch),
                   PPML_OK);
  ck_assert_int_eq(ppml_infer(&output, &w->circuit, &input, 1, &keys->eval, NULL, &work), PPML_OK);
  ck_assert_int_eq(ppml_decrypt(&answer, &output, 0, &test_request, &keys->secret), PPML_OK);
  ck_assert_uint_eq(answer.percent[0] + answer.percent[1], 0);
  ck_assert_uint_eq(answer.unseen, 0);
  test_arena_free(&work);
  ppml_arena_release(&w->scratch, mark);
  return answer.label[0];
}

START_TEST(no_more_answers_change_than_was_promised) {
  world *w = (world *)test_memory(sizeof *w);
  ppml_rng rng = test_rng(12);
  ppml_client client;
  ppml_certificate certificate;
  test_keys keys;
  int changed = 0;
  make_world(w);
  ppml_client_from_circuit(&client, &w->circuit);
  ppml_circuit_certificate(&certificate, &w->circuit);
  ck_assert(certificate.probability_leak_bits == 0);
  ck_assert_uint_eq(certificate.bootstraps, 1);
  test_keys_make(&keys, &client, 13);
  for (int i = 0; i < ENCRYPTED; i++)
    changed += ask(w, &keys, w->pixels[i], &rng) != (w->scores[i] > w->net.model.spec.threshold[0]);
  double promised = ENCRYPTED * (1 - certificate.agreement_predicted);
  ck_assert(promised > 1 && promised < ENCRYPTED / 10); /* so that there is something to see */
  ck_assert_msg(changed <= promised + 3 * sqrt(promised), "%d changed, %.1f promised", changed,
                promised);
  test_keys_free(&keys);
  test_arena_free(&w->arena);
  test_arena_free(&w->scratch);
  free(w);
}
END_TEST

/* Of the layer before, an error that matters must not be averaged with those that do not. */
START_TEST(errors_are_counted_neuron_by_neuron) {
  enum { NEURONS = 16 };
  const uint32_t hidden[] = {NEURONS};
  test_net *net = (test_net *)test_memory(sizeof *net);
  ppml_model decided;
  ppml_circuit circuit;
  ppml_arena arena, scratch = test_arena(1 << 16);
  double changed[2];
  test_net_make(net, WIDTH, HEIGHT, hidden, 1, PPML_ACTIVATION_RELU, 2, 16);
  memset(net->weight[1], 0, NEURONS);
  net->weight[1][0] = 7;
  net->range[0][0] = 60; /* steep, which makes its noise large */
  net->model.margin_p05 = 300;
  decide(&decided, &net->model, &arena);
  for (int i = 0; i < 2; i++) {
    ppml_noise noise;
    ck_assert_int_eq(test_compile(&circuit, i ? &decided : &net->model,
                                  ppml_params_by_name("precise"), &scratch),
                     PPML_OK);
    ppml_circuit_noise(&noise, &circuit);
    changed[i] = noise.changed_answers;
  }
  ck_assert_msg(changed[1] > changed[0] && changed[1] < 0.5, "%g and %g", changed[0], changed[1]);
  test_arena_free(&arena);
  test_arena_free(&scratch);
  free(net);
}
END_TEST

/* Noise of decisions is what their changes make, whatever room comparisons have. */
START_TEST(noise_of_decisions_is_not_more_than_was_promised) {
  world *w = (world *)test_memory(sizeof *w);
  ppml_rng rng = test_rng(17);
  ppml_arena arena;
  ppml_noise noise;
  int32_t score;
  test_moments m = {0, 0, 0, 0};
  make_world(w);
  w->net.model.layer[0].peak = NULL; /* room for every possible score */
  decide(&w->decided, &w->net.model, &arena);
  ck_assert_int_eq(test_compile(&w->circuit, &w->decided, ppml_params_by_name("fast"), &w->scratch),
                   PPML_OK);
  ppml_circuit_noise(&noise, &w->circuit);
  for (int i = 0; i < 20 * ENCRYPTED; i++) {
    int32_t clear = w->scores[i % ENCRYPTED] > w->net.model.spec.threshold[0] ? 127 : -127;
    ck_assert_int_eq(
        ppml_simulate(&score, &w->circuit, w->pixels[i % ENCRYPTED], 1, &rng, &w->scratch),
        PPML_OK);
    test_moments_add(&m, score - clear);
  }
  double measured = sqrt(m.squares / (double)m.count);
  ck_assert_msg(measured < noise.score && noise.score < 3 * measured, "%g for %g", measured,
                noise.score);
  test_arena_free(&arena);
  test_arena_free(&w->arena);
  test_arena_free(&w->scratch);
  free(w);
}
END_TEST

/* Sums of many signs have little room each: of 40 classes noise makes more winners than one, or none, which
 * the formula must know, and of 4 it must not. */
START_TEST(many_classes_are_too_many_for_a_noisy_set) {
  const uint32_t classes[] = {4, 40};
  for (int i = 0; i < 2; i++) {
    test_net *net = (test_net *)test_memory(sizeof *net);
    ppml_model decided;
    ppml_circuit circuit;
    ppml_arena arena, scratch = test_arena(1 << 20);
    test_net_make(net, WIDTH, HEIGHT, NULL, 0, PPML_ACTIVATION_NONE, classes[i], 15);
    decide(&decided, &net->model, &arena);
    ck_assert_int_eq(test_compile(&circuit, &decided, ppml_params_by_name("fast"), &scratch),
                     PPML_OK);
    double errors = ppmli_circuit_winner_errors(&circuit);
    ck_assert_msg(i ? errors > 0.2 : errors < 1e-9, "%u classes: %g", classes[i], errors);
    ppml_certificate certificate;
    ppml_circuit_certificate(&certificate, &circuit);
    double lost = errors < 1 ? errors : 1; /* and then any class, which is log2 of them bits */
    ck_assert(!i || certificate.answer_leak_bits >= lost * log2(classes[i] - 1) - 1e-9);
    ck_assert(i || certificate.answer_leak_bits < 2);
    test_arena_free(&arena);
    test_arena_free(&scratch);
    free(net);
  }
}
END_TEST

/* The largest score that there is, either way, of which noise must not make the other sign. */
START_TEST(a_score_at_its_bound_keeps_its_sign) {
  enum { DRAWS = 400 };
  test_net *net = (test_net *)test_memory(sizeof *net);
  static int32_t scores[DRAWS];
  ppml_model decided;
  ppml_circuit circuit;
  ppml_rng rng = test_rng(14);
  ppml_arena arena, scratch = test_arena(1 << 18);
  uint8_t white[WIDTH * HEIGHT];
  memset(white, 255, sizeof white);
  for (int sign = -1; sign <= 1; sign += 2) {
    make_net(net, PPML_TASK_CLASS, 2, 0, 1);
    for (int i = 0; i < WIDTH * HEIGHT; i++) net->weight[0][i] = (int8_t)(7 * sign);
    net->bias[0][0] = net->model.spec.threshold[0] = 0;
    decide(&decided, &net->model, &arena);
    ck_assert_int_eq(test_compile(&circuit, &decided, ppml_params_by_name("fast"), &scratch),
                     PPML_OK);
    ck_assert_int_eq(ppml_simulate(scores, &circuit, white, DRAWS, &rng, &scratch), PPML_OK);
    for (int d = 0; d < DRAWS; d++) ck_assert_int_eq(scores[d] > 0, sign > 0);
    test_arena_free(&arena);
  }
  test_arena_free(&scratch);
  free(net);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("decide");
  TCase *clear = test_case(suite, "clear"), *file = test_case(suite, "file");
  TCase *encrypted = test_case(suite, "encrypted");
  tcase_add_test(clear, every_task_is_answered_as_before);
  tcase_add_test(clear, ties_are_decided_as_before);
  tcase_add_test(clear, a_pair_of_scores_is_one_comparison);
  tcase_add_test(clear, pooled_networks_are_decided_by_their_features);
  tcase_add_test(clear, what_cannot_be_decided_is_refused_by_name);
  tcase_add_test(clear, a_decision_without_a_sign_is_no_network);
  tcase_add_test(clear, a_score_that_is_no_sign_is_no_decision);
  tcase_add_test(clear, errors_are_counted_neuron_by_neuron);
  tcase_add_test(clear, noise_of_decisions_is_not_more_than_was_promised);
  tcase_add_test(clear, many_classes_are_too_many_for_a_noisy_set);
  tcase_add_test(clear, a_score_at_its_bound_keeps_its_sign);
  tcase_add_test(file, decisions_are_not_to_be_published);
  tcase_add_test(file, circuits_and_clients_are_read_back);
  tcase_add_test(encrypted, no_more_answers_change_than_was_promised);
  return test_run(suite);
}
