/* test_evaluate.c - encrypted inference with a polynomial activation, from pixels to scores. */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "unchecked.h"

enum { SIDE = 12, INPUTS = SIDE * SIDE, IMAGES = 5 };

/* A network with one polynomial layer of small weights, and scores that have room. */
static void net_make(test_net *net, uint32_t neurons, uint32_t classes, uint64_t seed) {
  ppml_rng rng = test_rng(seed);
  ppml_model *m = &net->model;
  static int32_t square[64], linear[64];
  test_net_spec(net, SIDE, SIDE, 1, classes);
  m->layer_count = 2;
  for (uint32_t l = 0; l < 2; l++) {
    ppml_layer *layer = &m->layer[l];
    layer->inputs = l ? neurons : INPUTS;
    layer->outputs = l ? m->spec.outputs : neurons;
    layer->activation = l ? PPML_ACTIVATION_NONE : PPML_ACTIVATION_POLYNOMIAL;
    layer->weight_bits = 3;
    layer->weight = net->weight[l];
    layer->bias = net->bias[l];
    for (uint32_t i = 0; i < layer->inputs * layer->outputs; i++)
      net->weight[l][i] = (int8_t)test_within(&rng, l ? 3 : 1);
    for (uint32_t j = 0; j < layer->outputs; j++) net->bias[l][j] = test_within(&rng, 50);
  }
  for (uint32_t j = 0; j < neurons; j++) {
    square[j] = test_within(&rng, 1); /* zero as well: a linear neuron */
    linear[j] = test_within(&rng, 30);
  }
  for (uint32_t c = 0; c < m->spec.outputs; c++) net->peak[1][c] = 1 << 19;
  m->layer[0].square = square;
  m->layer[0].linear = linear;
  m->layer[1].peak = net->peak[1];
  m->margin_p05 = 5000;
  ppmli_model_id(m->id, m);
}

typedef struct run {
  test_net net;
  ppml_circuit circuit;
  ppml_client client;
  test_keys keys;
  ppml_arena arena, work;
  ppml_rng rng;
  uint8_t pixels[IMAGES][INPUTS];
  ppml_input inputs[IMAGES];
  ppml_output output;
} run;

static void encrypt(run *r) {
  for (size_t i = 0; i < IMAGES; i++) {
    test_pixels(r->pixels[i], INPUTS, &r->rng);
    ck_assert_int_eq(ppml_encrypt(&r->inputs[i], &test_request, &r->keys.secret, r->pixels[i],
                                  &r->rng, &r->work),
                     PPML_OK);
  }
}

static run *run_make(uint32_t neurons, uint32_t classes, const char *params, uint64_t seed) {
  run *r = (run *)test_memory(sizeof *r);
  memset(r, 0, sizeof *r);
  net_make(&r->net, neurons, classes, seed);
  r->rng = test_rng(seed + 1);
  r->arena = test_arena((size_t)1 << 22);
  test_circuit_make(&r->circuit, &r->net, params, &r->arena);
  ppml_client_from_circuit(&r->client, &r->circuit);
  test_keys_make(&r->keys, &r->client, seed + 2);
  r->work = test_arena(IMAGES * ppml_encrypt_bytes(r->circuit.params, &r->client.spec));
  for (size_t i = 0; i < IMAGES; i++) {
    test_pixels(r->pixels[i], INPUTS, &r->rng);
    ck_assert_int_eq(ppml_encrypt(&r->inputs[i], &test_request, &r->keys.secret, r->pixels[i],
                                  &r->rng, &r->work),
                     PPML_OK);
  }
  return r;
}

static void run_free(run *r) {
  test_keys_free(&r->keys);
  test_arena_free(&r->arena);
  test_arena_free(&r->work);
  free(r);
}

/* Infers images in memory that is exactly as large as asked for. */
static ppml_arena infer(run *r, size_t images, const ppml_parallel *parallel) {
  ppml_arena arena =
      test_arena(ppml_infer_bytes(&r->circuit, images, ppmli_parallel_threads(parallel)));
  ck_assert_int_eq(
      ppml_infer(&r->output, &r->circuit, r->inputs, images, &r->keys.eval, parallel, &arena),
      PPML_OK);
  ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
  return arena;
}

static void add_errors(test_moments *m, run *r, size_t images) {
  int32_t clear[PPML_CLASSES_MAX], scores[PPML_CLASSES_MAX];
  ppml_arena scratch = test_arena(ppml_model_predict_bytes(&r->net.model));
  for (size_t i = 0; i < images; i++) {
    ck_assert_int_eq(ppml_model_predict(clear, &r->net.model, r->pixels[i], &scratch), PPML_OK);
    ck_assert_int_eq(ppmli_decrypt_scores(scores, &r->output, i, &r->keys.secret), PPML_OK);
    for (uint32_t o = 0; o < r->client.spec.outputs; o++) {
      ck_assert_int_ne(clear[o], 0);
      test_moments_add(m, (double)scores[o] - clear[o]);
    }
  }
  test_arena_free(&scratch);
}

static void check_net(uint32_t neurons, uint32_t classes, const char *params) {
  run *r = run_make(neurons, classes, params, 10 * neurons + classes);
  ppml_noise noise;
  test_moments m = {0, 0, 0, 0};
  ppml_arena arena = infer(r, IMAGES, NULL);
  add_errors(&m, r, IMAGES);
  ppml_circuit_noise(&noise, &r->circuit);
  ck_assert_msg(m.most < 6 * noise.score, "%s: %g off, expected %g", params, m.most, noise.score);
  ck_assert(noise.score < 2000); /* of a score's room of 2^19 */
  test_arena_free(&arena);
  run_free(r);
}

START_TEST(scores_are_the_clear_ones_but_for_noise) {
  check_net(16, 2, "leveled-16");
  check_net(5, 3, "leveled-32");
  check_net(40, 2, "leveled-64");
  check_net(1, 4, "leveled-128");
}
END_TEST

/* Some 300 scores of three keys a set; 20 % of a deviation is seven of its own. */
static void check_noise(const char *params, uint32_t neurons) {
  test_moments m = {0, 0, 0, 0};
  ppml_noise noise;
  for (uint64_t key = 0; key < 3; key++) {
    run *r = run_make(neurons, 4, params, 100 + key);
    for (int batch = 0; batch < 5; batch++) {
      r->work.used_bytes = 0;
      encrypt(r);
      ppml_arena arena = infer(r, IMAGES, NULL);
      add_errors(&m, r, IMAGES);
      test_arena_free(&arena);
    }
    ppml_circuit_noise(&noise, &r->circuit);
    run_free(r);
  }
  test_assert_near(sqrt(m.squares / (double)m.count), noise.score, 0.2);
}

START_TEST(noise_is_the_predicted_one) {
  check_noise("leveled-16", 9);
  check_noise("leveled-128", 60);
}
END_TEST

/* ------------------------------------------------------------------ room */

/* The picture that drives neuron j furthest one way: bright where its weights have that sign. */
static void extreme_picture(uint8_t *pixels, const test_net *net, uint32_t j, int sign) {
  for (size_t i = 0; i < ppml_spec_inputs(&net->model.spec); i++)
    pixels[i] = net->weight[0][j * net->model.layer[0].inputs + i] * sign > 0 ? 255 : 0;
}

/* A network of 3 x 3 pixels, which has room for every score. */
static void small_net_make(test_net *net, uint64_t seed) {
  net_make(net, 4, 3, seed);
  net->model.spec.width = net->model.spec.height = 3;
  net->model.layer[0].inputs = 9;
  for (uint32_t c = 0; c < 3; c++) net->peak[1][c] = 300; /* T = 2^11 has room for 1.7 times that */
  net->model.margin_p05 = 200;
  ppmli_model_id(net->model.id, &net->model);
}

/* No |score| of any picture of bright and dark pixels, of which there are 512, is beyond the
 * bound, and some come close. */
START_TEST(no_picture_is_beyond_the_bound) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  ppml_arena scratch;
  for (uint64_t seed = 30; seed < 34; seed++) {
    int64_t most[3] = {0, 0, 0};
    small_net_make(net, seed);
    scratch = test_arena(ppml_model_predict_bytes(&net->model));
    for (uint32_t picture = 0; picture < 512; picture++) {
      uint8_t pixels[9];
      int32_t clear[3];
      for (uint32_t i = 0; i < 9; i++) pixels[i] = picture >> i & 1 ? 255 : 0;
      ck_assert_int_eq(ppml_model_predict(clear, &net->model, pixels, &scratch), PPML_OK);
      for (uint32_t c = 0; c < 3; c++)
        if (ppmli_magnitude(clear[c]) > most[c]) most[c] = ppmli_magnitude(clear[c]);
    }
    for (uint32_t c = 0; c < 3; c++) {
      int64_t bound = ppmli_leveled_bound(&net->model, c);
      ck_assert_int_le(most[c], bound);
      ck_assert_int_ge(4 * most[c], bound);
    }
    test_arena_free(&scratch);
  }
  free(net);
}
END_TEST

/* Pictures far from all training are answered as in the clear, since there is room for them. */
START_TEST(pictures_of_weight_signs_do_not_wrap_where_room_is_cheap) {
  run *r = (run *)test_memory(sizeof *r);
  ppml_certificate certificate;
  ppml_input input;
  memset(r, 0, sizeof *r);
  small_net_make(&r->net, 30);
  r->rng = test_rng(31);
  r->arena = test_arena((size_t)1 << 16);
  test_circuit_make(&r->circuit, &r->net, "leveled-16", &r->arena);
  ppml_circuit_certificate(&certificate, &r->circuit);
  ck_assert_int_gt(certificate.score_room, certificate.layer[1].accumulator_bound);
  ppml_client_from_circuit(&r->client, &r->circuit);
  test_keys_make(&r->keys, &r->client, 32);
  r->work = test_arena(ppml_encrypt_bytes(r->circuit.params, &r->client.spec));
  ppml_arena scratch = test_arena(ppml_model_predict_bytes(&r->net.model));
  int unseen = 0;
  for (uint32_t j = 0; j < 4; j++)
    for (int sign = -1; sign <= 1; sign += 2) {
      int32_t clear[3], scores[3], peaks[3] = {300, 300, 300};
      extreme_picture(r->pixels[0], &r->net, j, sign);
      ck_assert_int_eq(ppml_model_predict(clear, &r->net.model, r->pixels[0], &scratch), PPML_OK);
      r->work.used_bytes = 0;
      ck_assert_int_eq(
          ppml_encrypt(&input, &test_request, &r->keys.secret, r->pixels[0], &r->rng, &r->work),
          PPML_OK);
      r->inputs[0] = input;
      ppml_arena arena = infer(r, 1, NULL);
      ck_assert_int_eq(ppmli_decrypt_scores(scores, &r->output, 0, &r->keys.secret), PPML_OK);
      for (int c = 0; c < 3; c++)
        ck_assert_msg(abs(scores[c] - clear[c]) <= 2 + 6 * certificate.score_std, "%d for %d",
                      scores[c], clear[c]);
      unseen += ppml_scores_are_unseen(scores, peaks, 3);
      test_arena_free(&arena);
    }
  ck_assert_int_ge(unseen, 4); /* far from training indeed */
  test_arena_free(&scratch);
  run_free(r);
}
END_TEST

/* Where room for all of them is dear, T stays what scores of training need, and a certificate says
 * that a picture may wrap. */
START_TEST(where_room_is_dear_the_certificate_says_so) {
  test_net *net = (test_net *)test_memory(sizeof *net);
  ppml_circuit circuit;
  ppml_certificate certificate;
  ppml_arena arena = test_arena(1 << 16);
  net_make(net, 16, 2, 40);
  test_circuit_make(&circuit, net, "leveled-16", &arena);
  ppml_circuit_certificate(&certificate, &circuit);
  ck_assert_int_eq(certificate.score_room, (1 << 21) - 1); /* of peaks of 2^19 */
  ck_assert_int_gt(certificate.layer[1].accumulator_bound, certificate.score_room);
  ck_assert_int_eq(ppml_circuit_score_peak(&circuit, 0), 1 << 19);
  test_arena_free(&arena);
  free(net);
}
END_TEST

START_TEST(scores_beyond_a_peak_are_unseen) {
  const int32_t peaks[2] = {100, INT32_MAX};
  const int32_t within[2] = {-100, INT32_MIN + 1}, above[2] = {101, 0}, below[2] = {-101, 0};
  ck_assert(!ppml_scores_are_unseen(within, peaks, 2));
  ck_assert(ppml_scores_are_unseen(above, peaks, 2));
  ck_assert(ppml_scores_are_unseen(below, peaks, 2));
}
END_TEST

/* ------------------------------------------------------------------ same */

static uint32_t *output_of(const run *r, size_t images) {
  size_t count = images * r->output.outputs * ppml_output_lwe_words(r->circuit.params);
  uint32_t *copy = (uint32_t *)test_memory(count * sizeof *copy);
  memcpy(copy, r->output.lwe, count * sizeof *copy);
  return copy;
}

START_TEST(threads_batches_and_streams_do_not_show) {
  run *r = run_make(16, 3, "leveled-16", 7);
  size_t words = 3 * ppml_output_lwe_words(r->circuit.params);
  ppml_parallel parallel = test_parallel(3);
  ppml_arena arena = infer(r, IMAGES, NULL);
  uint32_t *alone = output_of(r, IMAGES);
  test_arena_free(&arena);
  arena = infer(r, IMAGES, &parallel);
  ck_assert_mem_eq(r->output.lwe, alone, IMAGES * words * sizeof *alone);
  test_arena_free(&arena);
  arena = infer(r, 1, &parallel); /* more threads than images */
  ck_assert_mem_eq(r->output.lwe, alone, words * sizeof *alone);
  test_arena_free(&arena);

  ppml_reader reader = ppml_reader_from_memory(r->keys.wire, r->keys.wire_bytes);
  ppml_limits limits = ppml_limits_default();
  ppml_arena streamed = test_arena(ppml_eval_key_stream_bytes(r->circuit.params, 1));
  ppml_eval_key in_memory = r->keys.eval;
  ck_assert_int_eq(ppml_eval_key_stream(&r->keys.eval, &reader, &limits, &r->circuit,
                                        test_backend(), 1, &streamed),
                   PPML_OK);
  ck_assert_uint_eq(streamed.high_bytes, streamed.capacity_bytes);
  for (int again = 0; again < 2; again++) { /* it is rewound */
    arena = infer(r, IMAGES, NULL);
    ck_assert_mem_eq(r->output.lwe, alone, IMAGES * words * sizeof *alone);
    test_arena_free(&arena);
  }
  r->keys.eval = in_memory;
  test_arena_free(&streamed);
  free(alone);
  run_free(r);
}
END_TEST

START_TEST(a_prepared_key_gives_the_same_and_takes_less) {
  run *r = run_make(16, 2, "leveled-16", 12), *other = run_make(16, 2, "leveled-16", 13);
  size_t words = ppml_output_lwe_words(r->circuit.params);
  size_t bytes = ppml_eval_key_prepare_bytes(&r->circuit);
  ppml_arena arena = infer(r, 1, NULL), prepared = test_arena(bytes), less = test_arena(bytes - 1);
  uint32_t *before = output_of(r, 1);
  ck_assert_int_eq(ppml_eval_key_prepare(&r->keys.eval, &other->circuit, &prepared),
                   PPML_ERR_MISMATCH);
  ck_assert_int_eq(ppml_eval_key_prepare(&r->keys.eval, &r->circuit, &less), PPML_ERR_NOMEM);
  ck_assert_uint_eq(less.used_bytes, 0);
  ck_assert_ptr_null(r->keys.eval.weights);
  ck_assert_int_eq(ppml_eval_key_prepare(&r->keys.eval, &r->circuit, &prepared), PPML_OK);
  ck_assert_uint_eq(prepared.high_bytes, bytes);
  arena.used_bytes = arena.high_bytes = 0;
  ck_assert_int_eq(ppml_infer(&r->output, &r->circuit, r->inputs, 1, &r->keys.eval, NULL, &arena),
                   PPML_OK);
  ck_assert_mem_eq(r->output.lwe, before, words * sizeof *before);
  ck_assert_uint_lt(arena.high_bytes, arena.capacity_bytes);
  test_arena_free(&arena);
  test_arena_free(&prepared);
  test_arena_free(&less);
  free(before);
  run_free(r);
  run_free(other);
}
END_TEST

/* Their FFTs round differently, by far less than the noise. */
START_TEST(backends_agree) {
  const char *name;
  run *r = run_make(16, 2, "leveled-16", 8);
  int32_t first[IMAGES], scores[1];
  ppml_noise noise;
  ppml_circuit_noise(&noise, &r->circuit);
  for (size_t i = 0; (name = ppml_backend_name(i)) != NULL; i++) {
    test_arena_free(&r->keys.arena);
    test_keys_read(&r->keys, name);
    ppml_arena arena = infer(r, IMAGES, NULL);
    for (size_t image = 0; image < IMAGES; image++) {
      ck_assert_int_eq(ppmli_decrypt_scores(scores, &r->output, image, &r->keys.secret), PPML_OK);
      if (i == 0) first[image] = scores[0];
      ck_assert_msg(abs(scores[0] - first[image]) <= 2 + 4 * noise.score, "%s: %d, %d", name,
                    scores[0], first[image]);
    }
    test_arena_free(&arena);
  }
  run_free(r);
}
END_TEST

/* Ciphertexts are whole numbers, what masked additions of the same words give: with random words
 * and a random key, and with the largest sums there are, of either sign. */
START_TEST(encryption_is_exact) {
  const ppml_params *p = ppml_params_by_name("leveled-64");
  enum { N = 4096 };
  static uint64_t top[N], tail[N], a[N + N / 4], tails[N], want_top[N], want_tail[N];
  static uint64_t shifted[N + PPMLI_POLY_LEAD];
  uint8_t unused[TEST_KEY_BITS_MAX / 8], planes[TEST_KEY_BITS_MAX / 8];
  ppml_rng rng = test_rng(9);
  ppml_arena arena = test_arena(ppmli_long_key_bytes(p));
  ppmli_client_draw_key(unused, planes, p, &rng);
  test_random_words(&rng, a, ppmli_long_mask_words(p));
  for (int extreme = 0; extreme < 3; extreme++) {
    ppmli_long_key key;
    if (extreme) {
      memset(planes, extreme == 1 ? 255 : 0, N / 8);
      memset(planes + N / 8, extreme == 1 ? 0 : 255, N / 8);
      memset(a, 255, sizeof a);
    }
    for (uint32_t i = 0; i < N; i++) tails[i] = ppmli_long_mask_tail(a, i, N);
    memset(want_top, 0, sizeof want_top), memset(want_tail, 0, sizeof want_tail);
    test_ternary_muladd(want_top, a, planes, N, shifted);
    test_ternary_muladd(want_tail, tails, planes, N, shifted);
    ppmli_long_carry(want_top, want_tail, N);
    arena.used_bytes = 0;
    ck_assert_int_eq(ppmli_long_key_init(&key, p, planes, &arena), PPML_OK);
    memset(top, 0, sizeof top);
    for (uint32_t i = 0; i < N; i++) tail[i] = a[i] >> PPMLI_LONG_HIGH_SHIFT;
    ppmli_long_muladd_high(top, tail, &key);
    for (uint32_t i = 0; i < N; i++) tail[i] = (a[i] & 0xffffff) << 16 | tails[i];
    ppmli_long_mul_low(tail, &key);
    ppmli_long_carry(top, tail, N);
    ck_assert_mem_eq(top, want_top, sizeof top);
    ck_assert_mem_eq(tail, want_tail, sizeof tail);
  }
  test_arena_free(&arena);
}
END_TEST

/* ----------------------------------------------------------------- error */

START_TEST(what_does_not_fit_is_refused) {
  run *r = run_make(16, 2, "leveled-16", 10), *other = run_make(16, 2, "leveled-16", 20);
  ppml_arena arena = test_arena(ppml_infer_bytes(&r->circuit, 1, 1));
  ppml_input input = r->inputs[0];
  ck_assert_int_eq(ppml_infer(&r->output, &r->circuit, &input, 1, &other->keys.eval, NULL, &arena),
                   PPML_ERR_MISMATCH);
  ck_assert_int_eq(
      ppml_infer(&r->output, &r->circuit, &other->inputs[0], 1, &r->keys.eval, NULL, &arena),
      PPML_ERR_MISMATCH);
  input.blocks--;
  ck_assert_int_eq(ppml_infer(&r->output, &r->circuit, &input, 1, &r->keys.eval, NULL, &arena),
                   PPML_ERR_MISMATCH);
  arena.capacity_bytes -= PPML_ALIGNMENT;
  ck_assert_int_eq(
      ppml_infer(&r->output, &r->circuit, &r->inputs[0], 1, &r->keys.eval, NULL, &arena),
      PPML_ERR_NOMEM);
  test_arena_free(&arena);
  run_free(r);
  run_free(other);
}
END_TEST

static int compile_automatic(ppml_circuit *circuit, const ppml_model *model, ppml_arena *arena) {
  ppml_compile_options options = ppml_compile_options_default(&model->spec);
  options.automatic = 1;
  return ppml_compile(circuit, model, &options, NULL, arena);
}

/* Is the model refused, of a set or of any where p is NULL, with this word in the reason? */
static int is_refused(const ppml_model *model, const ppml_params *p, const char *word,
                      ppml_arena *arena) {
  ppml_compile_options options = ppml_compile_options_for(p);
  ppml_refusal refusal;
  ppml_circuit circuit;
  options.automatic = p == NULL;
  options.agreement = p == NULL ? 0.995 : 0;
  return ppml_compile(&circuit, model, &options, &refusal, arena) == PPML_ERR_PARAMS &&
         strstr(refusal.reason, word) != NULL;
}

START_TEST(networks_without_room_are_refused) {
  test_net net;
  ppml_circuit circuit;
  ppml_arena arena = test_arena(1 << 16);
  const ppml_params *p = ppml_params_by_name("leveled-16");
  net_make(&net, 17, 2, 11);
  ck_assert(is_refused(&net.model, p, "slots", &arena));
  ck_assert_int_eq(compile_automatic(&circuit, &net.model, &arena), PPML_OK);
  ck_assert_str_eq(circuit.params->name, "leveled-32");
  ck_assert(is_refused(&net.model, ppml_params_by_name("precise"), "no products", &arena));
  net.peak[1][0] = 1 << 30; /* with room, beyond 2^30 */
  ck_assert(is_refused(&net.model, NULL, "beyond 2^30", &arena));
  ck_assert_ptr_nonnull(strstr(ppml_leveled_refusal(&net.model), "beyond 2^30"));
  net.peak[1][0] = 1 << 27; /* so large that noise drowns the margin */
  net.model.margin_p05 = 50;
  ck_assert(is_refused(&net.model, NULL, "noise", &arena));
  test_net_make(&net, SIDE, SIDE, (const uint32_t[]){8}, 1, PPML_ACTIVATION_RELU, 2, 12);
  ck_assert(is_refused(&net.model, p, "no bootstrap", &arena));
  test_arena_free(&arena);
}
END_TEST

/* Of what was measured to be wrong and right, docs/NOISE.md "Leveled sets". */
START_TEST(sums_that_are_not_exact_are_refused) {
  ck_assert(!ppmli_leveled_is_exact(exp2(31.18), 1800));
  ck_assert(!ppmli_leveled_is_exact(exp2(34), 25));
  ck_assert(ppmli_leveled_is_exact(exp2(32), 25));
  ck_assert(ppmli_leveled_is_exact(exp2(27.2), 2048));
}
END_TEST

/* The arena is given back, however little of it there is. */
START_TEST(encryption_without_memory_takes_none) {
  run *r = run_make(16, 2, "leveled-16", 14);
  size_t bytes = ppml_encrypt_bytes(r->circuit.params, &r->client.spec);
  ppml_input input;
  for (size_t less = 64; less <= bytes; less += bytes / 97) {
    ppml_arena arena = test_arena(bytes - less);
    ck_assert_int_eq(
        ppml_encrypt(&input, &test_request, &r->keys.secret, r->pixels[0], &r->rng, &arena),
        PPML_ERR_NOMEM);
    ck_assert_uint_eq(arena.used_bytes, 0);
    test_arena_free(&arena);
  }
  run_free(r);
}
END_TEST

/* An answer is marked where a score is a whole step beyond its peak, on either side. */
START_TEST(an_answer_beyond_the_peak_is_marked) {
  const int32_t scores[] = {0, 4000, 4095, 4096, -4095, -4096, INT32_MAX, -INT32_MAX};
  ppml_client client = test_client("leveled-16");
  client.answer_step = 128;
  client.score_peak[0] = 4000;
  for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
    ppml_answer answer;
    int is_beyond = i == 3 || i >= 5;
    ppml_client_answer(&answer, &client, &scores[i]);
    ck_assert_msg(answer.unseen == is_beyond, "%d", scores[i]);
  }
  client.score_peak[0] = INT32_MAX;
  ppml_answer answer;
  ppml_client_answer(&answer, &client, &scores[6]);
  ck_assert_uint_eq(answer.unseen, 0);
}
END_TEST

START_TEST(a_client_with_another_unit_is_refused) {
  const uint64_t units[] = {1, (uint64_t)1 << 33, ((uint64_t)1 << 40) + 1, (uint64_t)1 << 40};
  ppml_client client = test_client("leveled-16"), again;
  ppml_limits limits = ppml_limits_default();
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    uint8_t bytes[1024];
    ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
    client.score_unit = units[i];
    client.answer_step = 1 << 24;
    ck_assert_int_eq(unchecked_client_write(&client, &writer), PPML_OK);
    ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
    ck_assert_int_eq(ppml_client_read(&again, &reader, &limits), i < 3 ? PPML_ERR_RANGE : PPML_OK);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("evaluate");
  TCase *law = test_case(suite, "law"), *noise = test_case(suite, "noise");
  TCase *same = test_case(suite, "same"), *error = test_case(suite, "error");
  tcase_add_test(law, scores_are_the_clear_ones_but_for_noise);
  tcase_add_test(law, encryption_is_exact);
  tcase_add_test(law, no_picture_is_beyond_the_bound);
  tcase_add_test(law, pictures_of_weight_signs_do_not_wrap_where_room_is_cheap);
  tcase_add_test(law, where_room_is_dear_the_certificate_says_so);
  tcase_add_test(law, scores_beyond_a_peak_are_unseen);
  tcase_add_test(noise, noise_is_the_predicted_one);
  tcase_add_test(same, threads_batches_and_streams_do_not_show);
  tcase_add_test(same, a_prepared_key_gives_the_same_and_takes_less);
  tcase_add_test(same, backends_agree);
  tcase_add_test(error, what_does_not_fit_is_refused);
  tcase_add_test(error, networks_without_room_are_refused);
  tcase_add_test(error, sums_that_are_not_exact_are_refused);
  tcase_add_test(error, encryption_without_memory_takes_none);
  tcase_add_test(error, a_client_with_another_unit_is_refused);
  tcase_add_test(law, an_answer_beyond_the_peak_is_marked);
  return test_run(suite);
}
