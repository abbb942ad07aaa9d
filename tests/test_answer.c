/* test_answer.c - what a client gives out: answers, to open requests alone; what these tell of the
 * key, and what scores would. */
#define PPML_IMPLEMENTATION
#include "support.h"

enum { WORDS = 1537, KEY_BITS = 1536 }; /* of the set fast */

/* For inner loops: libcheck's own assertions write to a pipe each. */
#define must(condition) ((condition) ? (void)0 : ck_abort_msg("%s", #condition))

/* ------------------------------------------------------------- references */

/* Probabilities of the classes or labels, with steps, in doubles. */
static void reference(double *probability, const ppml_client *client, const int32_t *scores) {
  const ppml_spec *spec = &client->spec;
  double step = client->answer_step, unit = spec->score_unit, most = -1e300, total = 0;
  double beyond[PPML_CLASSES_MAX + 2];
  for (uint32_t c = 0; c < spec->outputs; c++) most = fmax(most, scores[c]);
  for (uint32_t c = 0; c < spec->outputs; c++) {
    double middle = (floor((scores[c] - spec->threshold[c] - 1) / step) + 0.5) * step;
    beyond[c + 1] = 1 / (1 + exp(-middle / unit));
    double behind = most - scores[c];
    probability[c] = behind > 0 ? exp(-(floor(behind / step) + 0.5) * step / unit) : 1;
    total += probability[c];
  }
  if (ppmli_spec_is_contest(spec)) { /* a score that equals the best is a step behind it too */
    uint8_t best;
    ppml_spec_answer(&best, spec, scores);
    for (uint32_t c = 0; c < spec->outputs; c++)
      if (c != best && scores[c] >= most) {
        total += exp(-step / 2 / unit) - 1;
        probability[c] = exp(-step / 2 / unit);
      }
    for (uint32_t c = 0; c < spec->outputs; c++) probability[c] /= total;
    return;
  }
  beyond[0] = 1;
  beyond[spec->outputs + 1] = 0;
  for (uint32_t i = 1; i < spec->outputs; i++) /* in order */
    for (uint32_t c = 1; spec->task != PPML_TASK_LABELS && c < spec->outputs; c++)
      if (beyond[c] < beyond[c + 1]) {
        double swap = beyond[c];
        beyond[c] = beyond[c + 1];
        beyond[c + 1] = swap;
      }
  for (uint32_t c = 0; c < spec->classes; c++)
    probability[c] = spec->task == PPML_TASK_LABELS ? beyond[c + 1] : beyond[c] - beyond[c + 1];
}

/* A client of `fast` for a task; its scores are fine, its steps 128 of them. */
static ppml_client client_for(uint32_t task, uint32_t classes, uint32_t outputs) {
  ppml_client client = test_client("fast");
  client.spec.task = task;
  client.spec.classes = classes;
  client.spec.outputs = outputs;
  client.spec.score_unit = 400;
  return client;
}

static const uint32_t tasks[][3] = {{PPML_TASK_CLASS, 2, 1},   {PPML_TASK_CLASS, 2, 2},
                                    {PPML_TASK_CLASS, 7, 7},   {PPML_TASK_LABELS, 14, 14},
                                    {PPML_TASK_GRADE, 5, 4},   {PPML_TASK_CLASS, 64, 64},
                                    {PPML_TASK_LABELS, 64, 64}};
enum { TASKS = sizeof tasks / sizeof tasks[0] };

/* ---------------------------------------------------------------- answers */

/* Labels are those that the scores stand for, probabilities within half of 5 % of the reference. */
static void check_answer(const ppml_client *client, const int32_t *scores) {
  ppml_answer answer;
  uint8_t label[PPML_CLASSES_MAX];
  double probability[PPML_CLASSES_MAX];
  ppml_client_answer(&answer, client, scores);
  ppml_spec_answer(label, &client->spec, scores);
  must(memcmp(answer.label, label, ppml_spec_answer_bytes(&client->spec)) == 0);
  reference(probability, client, scores);
  for (uint32_t c = 0; c < client->spec.classes; c++) {
    must(answer.percent[c] % 5 == 0);
    if (fabs(answer.percent[c] - 100 * probability[c]) >= 2.5 + 0.02)
      ck_abort_msg("task %u, class %u: %u %%, %g", (unsigned)client->spec.task, (unsigned)c,
                   answer.percent[c], probability[c]);
  }
}

START_TEST(an_answer_is_its_scores_rounded) {
  ppml_rng rng = test_rng(1);
  int32_t scores[PPML_CLASSES_MAX];
  for (int t = 0; t < TASKS; t++) {
    ppml_client client = client_for(tasks[t][0], tasks[t][1], tasks[t][2]);
    for (int i = 0; i < 2000; i++) {
      for (uint32_t c = 0; c < client.spec.outputs; c++) {
        scores[c] = test_within(&rng, i % 2 ? 3000 : 200);
        client.spec.threshold[c] =
            ppmli_spec_is_contest(&client.spec) ? 0 : test_within(&rng, 1000);
      }
      check_answer(&client, scores);
    }
  }
}
END_TEST

START_TEST(extreme_scores_have_answers) {
  static const int32_t values[] = {INT32_MAX, -INT32_MAX, 0, 1, -1, 1 << 30, -(1 << 30)};
  static const uint32_t steps[] = {1, 128, 1 << 30}, units[] = {1, 400, UINT32_MAX};
  int32_t scores[PPML_CLASSES_MAX] = {0};
  for (int t = 0; t < TASKS; t++)
    for (int i = 0; i < 7 * 7 * 9; i++) {
      ppml_client client = client_for(tasks[t][0], tasks[t][1], tasks[t][2]);
      client.answer_step = steps[i / 49 % 3];
      client.spec.score_unit = units[i / 147];
      for (uint32_t c = 0; c < client.spec.outputs; c++)
        scores[c] = values[c % 2 ? i % 7 : i / 7 % 7];
      check_answer(&client, scores);
    }
}
END_TEST

/* Above its threshold a label has half or more, below it half or less; of scores that are compared
 * none has more than the best. */
START_TEST(label_and_probability_never_contradict) {
  ppml_answer answer;
  for (int t = 0; t < TASKS; t++) {
    ppml_client client = client_for(tasks[t][0], tasks[t][1], tasks[t][2]);
    int32_t scores[PPML_CLASSES_MAX] = {0};
    for (int32_t score = -3000; score <= 3000; score++) {
      scores[client.spec.outputs - 1] = score;
      ppml_client_answer(&answer, &client, scores);
      for (uint32_t c = 0; c < client.spec.classes; c++) {
        if (client.spec.task == PPML_TASK_LABELS)
          must(answer.label[c] ? answer.percent[c] >= 50 : answer.percent[c] <= 50);
        else if (client.spec.task == PPML_TASK_CLASS)
          must(answer.percent[c] <= answer.percent[answer.label[0]]);
      }
    }
  }
}
END_TEST

/* What an answer is made of changes at multiples of the step from the border alone. */
START_TEST(an_answer_is_the_same_within_a_step) {
  ppml_client client = client_for(PPML_TASK_CLASS, 2, 1);
  ppml_answer first, answer;
  client.spec.threshold[0] = 77;
  for (int32_t step = -20; step < 20; step++)
    for (int32_t i = 0; i < 128; i++) {
      int32_t score = 77 + 1 + 128 * step + i;
      ppml_client_answer(&answer, &client, &score);
      if (i == 0) first = answer;
      must(memcmp(&answer, &first, sizeof answer) == 0);
      must(answer.label[0] == (step >= 0));
    }
}
END_TEST

/* -------------------------------------------------------------- ciphertexts */

/* An honest ciphertext of a phase under the key: a random mask, then the switch to 14 bits.
 *   lwe  [WORDS]  out: before the switch */
static void make_words_from(uint64_t *lwe, uint32_t *words, const ppml_secret_key *key,
                            double phase, ppml_rng *rng) {
  ppmli_stream mask;
  uint8_t seed[PPML_SEED_BYTES];
  ppmli_rng_bytes(rng, seed, sizeof seed);
  ppmli_stream_init(&mask, seed, 0, 0);
  ppmli_stream_u64(&mask, lwe, WORDS);
  lwe[KEY_BITS] = (uint64_t)(int64_t)phase;
  for (size_t i = 0; i < KEY_BITS; i++)
    lwe[KEY_BITS] += lwe[i] & ppmli_ct_mask(ppmli_bit(key->glwe_bits, i));
  ppmli_output_switch(words, lwe, key->client->params);
}

/* The same of a message in score units, with normal noise of this deviation (in 2^-64 of a turn)
 * before the switch. */
static void make_words(uint32_t *words, const ppml_secret_key *key, double message, double noise,
                       ppml_rng *rng) {
  static uint64_t lwe[WORDS];
  double gauss = 0;
  for (int i = 0; i < 12; i++) gauss += ldexp((double)ppmli_rng_u64(rng), -64) - 0.5;
  make_words_from(lwe, words, key, message * (double)key->client->score_unit + gauss * noise, rng);
}

/* Expectation of a normal number of that deviation which lies between low and low + width. */
static double mean_within(double low, double width, double std) {
  double a = low / std, b = (low + width) / std;
  double share = (erfc(a / sqrt(2)) - erfc(b / sqrt(2))) / 2;
  if (share < 1e-12) return 0;
  return std * (exp(-a * a / 2) - exp(-b * b / 2)) / sqrt(2 * acos(-1)) / share;
}

static ppml_output output_of(const ppml_secret_key *key, const uint8_t *digest,
                             const uint32_t *words, uint32_t images) {
  ppml_output output;
  memset(&output, 0, sizeof output);
  output.params = key->client->params;
  output.images = images;
  output.outputs = key->client->spec.outputs;
  output.digest = digest;
  output.lwe = words;
  memcpy(output.circuit_id, key->client->circuit_id, PPML_ID_BYTES);
  memcpy(output.key_id, key->id, PPML_ID_BYTES);
  return output;
}

/* A key of `fast` whose scores are a tenth of the output's grid, as a network's are. */
static void make_key(ppml_secret_key *key, uint64_t seed) {
  ppml_client client = client_for(PPML_TASK_CLASS, 2, 1);
  ppml_rng rng = test_rng(seed);
  client.score_unit = ((uint64_t)1 << 50) / 10;
  client.spec.score_unit = 2000;
  test_client_step(&client);
  test_secret_key(key, &client, &rng);
}

/* ---------------------------------------------------------------- requests */

enum { IMAGES = 3 };

typedef struct exchange {
  ppml_secret_key key;
  uint8_t pixels[16];
  ppml_request request[IMAGES];
  uint8_t digest[IMAGES][PPML_ID_BYTES];
  uint32_t words[IMAGES][WORDS];
  ppml_output output;
  ppml_answer answer;
} exchange;

/* Three images encrypted, and an honest output for them. */
static void exchange_make(exchange *e) {
  ppml_rng rng = test_rng(7);
  memset(e, 0, sizeof *e);
  make_key(&e->key, 8);
  ppml_arena arena = test_arena(ppml_encrypt_bytes(e->key.client->params, &e->key.client->spec));
  for (int i = 0; i < IMAGES; i++) {
    ppml_input input;
    ppml_arena_release(&arena, 0);
    ck_assert_int_eq(ppml_encrypt(&input, &e->request[i], &e->key, e->pixels, &rng, &arena),
                     PPML_OK);
    ppml_input_digest(e->digest[i], &input);
    make_words(e->words[i], &e->key, i % 2 ? -9000 : 9000, 0, &rng);
  }
  e->output = output_of(&e->key, e->digest[0], e->words[0], IMAGES);
  test_arena_free(&arena);
}

static int answer_of(exchange *e, size_t image, ppml_request *request) {
  memset(&e->answer, 0xee, sizeof e->answer);
  return ppml_decrypt(&e->answer, &e->output, image, request, &e->key);
}

START_TEST(a_request_is_answered_once) {
  exchange *e = test_memory(sizeof *e);
  exchange_make(e);
  for (size_t i = 0; i < IMAGES; i++) {
    ck_assert_uint_eq(e->request[i].open, 1);
    ck_assert_int_eq(answer_of(e, i, &e->request[i]), PPML_OK);
    ck_assert_uint_eq(e->answer.label[0], i % 2 == 0);
    ck_assert_uint_eq(e->request[i].open, 0);
    ck_assert_int_eq(answer_of(e, i, &e->request[i]), PPML_ERR_REQUEST);
    ck_assert_uint_eq(e->answer.label[0], 0); /* wiped */
  }
  free(e);
}
END_TEST

/* The answer to one patient's image is not taken for another's. */
START_TEST(swapped_answers_are_refused) {
  exchange *e = test_memory(sizeof *e);
  exchange_make(e);
  ck_assert_int_eq(answer_of(e, 0, &e->request[1]), PPML_ERR_REQUEST);
  ck_assert_int_eq(answer_of(e, 1, &e->request[0]), PPML_ERR_REQUEST);
  ck_assert_uint_eq(e->request[0].open, 1);
  ck_assert_int_eq(answer_of(e, 1, &e->request[1]), PPML_OK);
  free(e);
}
END_TEST

/* One image more under a digest of an open request: neither is answered. */
START_TEST(repeated_answers_are_refused) {
  exchange *e = test_memory(sizeof *e);
  exchange_make(e);
  memcpy(e->digest[2], e->digest[0], PPML_ID_BYTES);
  ck_assert_int_eq(answer_of(e, 0, &e->request[0]), PPML_ERR_REQUEST);
  ck_assert_int_eq(answer_of(e, 2, &e->request[0]), PPML_ERR_REQUEST);
  ck_assert_uint_eq(e->request[0].open, 1);
  ck_assert_int_eq(answer_of(e, 1, &e->request[1]), PPML_OK);
  free(e);
}
END_TEST

START_TEST(no_request_no_answer) {
  exchange *e = test_memory(sizeof *e);
  ppml_request none = {{0}, 0}, zeros = {{0}, 1};
  int32_t score = 77;
  ppml_rng rng = test_rng(1);
  exchange_make(e);
  memcpy(none.digest, e->digest[0], PPML_ID_BYTES);
  ck_assert_int_eq(answer_of(e, 0, &none), PPML_ERR_REQUEST);
  ck_assert_int_eq(answer_of(e, 0, &zeros), PPML_ERR_REQUEST);
  ck_assert_int_eq(answer_of(e, IMAGES, &e->request[0]), PPML_ERR_ARG);
  ck_assert_int_eq(ppml_decrypt_scores_for_owner(&score, &e->output, 0, &none, &e->key),
                   PPML_ERR_REQUEST);
  test_client_of(&e->key)->publish = 1;
  ck_assert_int_eq(ppml_decrypt_scores_flooded(&score, &e->output, 0, &none, &e->key, &rng),
                   PPML_ERR_REQUEST);
  test_client_of(&e->key)->publish = 0;
  ck_assert_int_eq(
      ppml_decrypt_scores_flooded(&score, &e->output, 0, &e->request[0], &e->key, &rng),
      PPML_ERR_ARG);
  ck_assert_uint_eq(e->request[0].open, 1);
  ck_assert_int_eq(score, 0); /* wiped */
  free(e);
}
END_TEST

/* A malicious server's output: image i has half a turn at coordinate i of the mask and a quarter in
 * the body, so that its label is bit i of the key.  None of its images was asked for. */
START_TEST(an_output_that_spells_the_key_is_refused) {
  exchange *e = test_memory(sizeof *e);
  uint32_t *words = test_memory(KEY_BITS * sizeof e->words[0]);
  uint8_t *digest = test_memory(KEY_BITS * PPML_ID_BYTES);
  int right = 0, answered = 0;
  exchange_make(e);
  memset(words, 0, KEY_BITS * sizeof e->words[0]);
  for (size_t i = 0; i < KEY_BITS; i++) {
    words[i * WORDS + i] = 1 << 13;
    words[i * WORDS + KEY_BITS] = 1 << 12;
    memcpy(digest + i * PPML_ID_BYTES, e->digest[i % IMAGES], PPML_ID_BYTES);
  }
  e->output = output_of(&e->key, digest, words, KEY_BITS);
  for (size_t i = 0; i < KEY_BITS; i++) {
    int32_t score;
    ck_assert_int_eq(ppmli_decrypt_scores(&score, &e->output, i, &e->key), PPML_OK);
    right += (score <= 0) == (int)ppmli_bit(e->key.glwe_bits, i);
    for (int r = 0; r < IMAGES; r++)
      answered += answer_of(e, i, &e->request[r]) != PPML_ERR_REQUEST;
  }
  ck_assert_int_eq(right, KEY_BITS); /* without requests the labels are the key */
  ck_assert_int_eq(answered, 0);
  free(words), free(digest), free(e);
}
END_TEST

/* ----------------------------------------------------------------- attacks */

enum { ROW_WORDS = (KEY_BITS + 1 + 63) / 64, EQUATIONS = 1600, PUBLISHED = 16000 };

/* Equations modulo 2 in the bits of the key, in order of their leading unknowns. */
typedef struct equations {
  uint64_t pivot[KEY_BITS][ROW_WORDS];
  uint8_t has[KEY_BITS];
  int rank, contradictions;
} equations;

/* Adds  sum of a_i s_i = right  modulo 2. */
static void equations_add(equations *q, const uint32_t *words, uint32_t right) {
  uint64_t row[ROW_WORDS] = {0};
  for (int i = 0; i < KEY_BITS; i++) row[i / 64] |= (uint64_t)(words[i] & 1) << i % 64;
  row[KEY_BITS / 64] |= (uint64_t)(right & 1) << KEY_BITS % 64;
  for (int i = 0; i < KEY_BITS; i++) {
    if (!(row[i / 64] >> i % 64 & 1)) continue;
    if (!q->has[i]) {
      memcpy(q->pivot[i], row, sizeof row);
      q->has[i] = 1;
      q->rank++;
      return;
    }
    for (int w = i / 64; w < ROW_WORDS; w++) row[w] ^= q->pivot[i][w];
  }
  q->contradictions += (int)(row[KEY_BITS / 64] >> KEY_BITS % 64 & 1);
}

/* Key bits that the equations give which are the key's. */
static int equations_solve(equations *q, const ppml_secret_key *key) {
  uint64_t x[ROW_WORDS] = {0};
  int right = 0;
  x[KEY_BITS / 64] = (uint64_t)1 << KEY_BITS % 64;
  for (int i = KEY_BITS - 1; i >= 0; i--) {
    uint64_t bit = 0;
    for (int w = i / 64; q->has[i] && w < ROW_WORDS; w++) bit ^= q->pivot[i][w] & x[w];
    for (int s = 32; s; s /= 2) bit ^= bit >> s;
    x[i / 64] |= (bit & 1) << i % 64;
    right += (bit & 1) == ppmli_bit(key->glwe_bits, (size_t)i);
  }
  return right;
}

/* Phases modulo 2^14 that could have led to this score, and the last of them. */
static int phases_of_score(uint32_t *phase, int32_t score, const ppml_client *client) {
  int count = 0;
  uint32_t near = (uint32_t)lround((double)score * (double)client->score_unit / exp2(50));
  for (uint32_t i = 0; i < 5; i++) {
    uint32_t candidate = (near + i - 2) & 0x3fff;
    if (ppmli_output_score(candidate, client) != score) continue;
    *phase = candidate;
    count++;
  }
  return count;
}

/* Who reads scores that were printed unrounded has an exact equation for each: 1600 of them give
 * all bits of the key. */
START_TEST(unrounded_scores_give_the_key) {
  static uint32_t words[WORDS];
  static equations q;
  ppml_secret_key key;
  ppml_rng rng = test_rng(20);
  make_key(&key, 21);
  for (int n = 0; n < EQUATIONS; n++) {
    int32_t score;
    uint32_t phase = 0;
    make_words(words, &key, test_within(&rng, 20000), exp2(53), &rng);
    ppml_output output = output_of(&key, NULL, words, 1);
    must(ppmli_decrypt_scores(&score, &output, 0, &key) == PPML_OK);
    must(phases_of_score(&phase, score, key.client) == 1);
    equations_add(&q, words, words[KEY_BITS] - phase);
  }
  ck_assert_int_eq(q.rank, KEY_BITS);
  ck_assert_int_eq(q.contradictions, 0);
  ck_assert_int_eq(equations_solve(&q, &key), KEY_BITS);
}
END_TEST

/* The same with ten times the data, of what is published: no answer stands for fewer phases than a
 * step has, and the best guess at each, the step's middle, contradicts itself half the time. */
START_TEST(answers_give_no_equation_in_the_key) {
  static uint32_t words[WORDS];
  static equations q;
  ppml_secret_key key;
  ppml_rng rng = test_rng(22);
  make_key(&key, 23);
  const double step = key.client->answer_step * (double)key.client->score_unit;
  ck_assert(step >= 90 * exp2(50)); /* 16 deviations of the switch's 5.66 */
  for (int n = 0; n < PUBLISHED; n++) {
    int32_t score;
    ppmli_answer_steps steps;
    make_words(words, &key, test_within(&rng, 20000), exp2(53), &rng);
    ppml_output output = output_of(&key, NULL, words, 1);
    must(ppmli_decrypt_scores(&score, &output, 0, &key) == PPML_OK);
    ppmli_answer_find_steps(&steps, key.client, &score);
    double middle = ((double)steps.step[0] + 0.5) * step / exp2(50);
    equations_add(&q, words, words[KEY_BITS] - (uint32_t)lround(middle));
  }
  int chance = (PUBLISHED - KEY_BITS) / 2;
  ck_assert_int_gt(q.contradictions, chance - 300); /* a deviation is 60 */
  int right = equations_solve(&q, &key);
  ck_assert_int_lt(right, KEY_BITS / 2 + 150); /* by chance 768, a deviation is 20 */
}
END_TEST

/* Correlates noise with the roundings of the mask, which the server that made them knows: what is
 * known of the noise is its expectation within the step, for a message that is known too.
 *   answers  that are read; unrounded scores if step is 0
 * Share of the key's bits that are guessed right. */
static double correlate(int answers, double step_grid) {
  static uint64_t lwe[WORDS];
  static uint32_t words[WORDS];
  static double sum[KEY_BITS];
  ppml_secret_key key;
  ppml_rng rng = test_rng(24);
  int right = 0;
  make_key(&key, 25);
  const ppml_params *p = key.client->params;
  const double std = ldexp(sqrt(ppmli_noise_output_switch(p)), (int)p->output_bits);
  memset(sum, 0, sizeof sum);
  for (int n = 0; n < answers; n++) {
    double message = test_within(&rng, 2000);
    make_words_from(lwe, words, &key, message * exp2(50), &rng);
    uint32_t phase = ppmli_output_phase(words, p, key.glwe_bits);
    double at = ldexp((double)ppmli_torus_signed(ppmli_torus_from(phase, p->output_bits)), -50);
    double noise = at - message;
    if (step_grid > 0)
      noise = mean_within(floor(at / step_grid) * step_grid - message, step_grid, std);
    for (int i = 0; i < KEY_BITS; i++) {
      uint64_t rounding = ppmli_torus_from(words[i], p->output_bits) - lwe[i];
      sum[i] += noise * (double)ppmli_torus_signed(rounding);
    }
  }
  for (size_t i = 0; i < KEY_BITS; i++) right += (sum[i] < 0) == (int)ppmli_bit(key.glwe_bits, i);
  return (double)right / KEY_BITS;
}

/* A stronger attack than equations.  16,000 unrounded scores are the key to it.  Of answers there
 * are as many as may be published under a key, all steps being visible: it hardly beats chance,
 * whose deviation is 0.013. */
START_TEST(answers_up_to_the_renewal_hardly_correlate_with_the_key) {
  ppml_secret_key key;
  make_key(&key, 25);
  double step = key.client->answer_step * (double)key.client->score_unit / exp2(50);
  double bits = PPMLI_LEAK_ENTROPY * 5.66 / step;
  ck_assert(correlate(16000, 0) > 0.995);
  ck_assert(correlate((int)(PPML_KEY_LEAK_BITS / bits), step) < 0.58);
}
END_TEST

/* ------------------------------------------------------------------- leaks */

/* Information that events give, each of whose probabilities was estimated by a share of draws; the
 * estimate is too small by what the second term adds. */
static double entropy_of(int hits, int draws) {
  double p = (double)hits / draws, bits = 0.5 / draws / log(2);
  if (hits == 0 || hits == draws) return 0;
  return -p * log2(p) - (1 - p) * log2(1 - p) + bits;
}

enum { PLACES = 64, DRAWS = 300 };

/* Bits that the events "the score is beyond a border" tell of the noise, of messages spread evenly
 * over `width` deviations, from real ciphertexts.
 *   border  in deviations from the message; asked for `borders` multiples of spacing */
static double measure_leak(const ppml_secret_key *key, double noise, double width, double spacing) {
  static uint32_t words[WORDS];
  ppml_rng rng = test_rng(31);
  double unit = (double)key->client->score_unit, bits = 0;
  double std = sqrt(noise * noise + exp2(128) * ppmli_noise_output_switch(key->client->params));
  for (int place = 0; place < PLACES; place++) {
    double at = ((place + 0.5) / PLACES - 0.5) * width * std / unit;
    double border = spacing > 0 ? floor(at / spacing + 0.5) * spacing : 0;
    int hits = 0;
    for (int d = 0; d < DRAWS; d++) {
      int32_t score;
      make_words(words, key, at, noise, &rng);
      ppml_output output = output_of(key, NULL, words, 1);
      must(ppmli_decrypt_scores(&score, &output, 0, key) == PPML_OK);
      hits += score > border;
    }
    bits += entropy_of(hits, DRAWS);
  }
  return bits / PLACES;
}

/* A label tells the density of messages at the border, 1 / width, times noise times the integral
 * of the entropy. */
START_TEST(a_label_tells_what_the_formula_says) { /* 32,000 draws */
  ppml_secret_key key;
  make_key(&key, 30);
  test_assert_near(measure_leak(&key, exp2(52), 10, 0), PPMLI_LEAK_ENTROPY / 10, 0.05);
  test_assert_near(measure_leak(&key, exp2(54), 20, 0), PPMLI_LEAK_ENTROPY / 20, 0.08);
}
END_TEST

/* With borders a step apart, messages being anywhere: a sixteenth of that a step of 16 deviations,
 * the nearest border alone being within reach. */
START_TEST(a_step_tells_what_the_formula_says) {
  ppml_secret_key key;
  ppml_noise noise;
  make_key(&key, 32);
  const ppml_client *c = key.client;
  memset(&noise, 0, sizeof noise);
  noise.score = ldexp(sqrt(ppmli_noise_output_switch(c->params)), 64) / (double)c->score_unit;
  double steps = c->answer_step / noise.score; /* in deviations: 16 to 32 */
  ck_assert(steps >= 16 && steps < 32);
  ppml_circuit circuit;
  memset(&circuit, 0, sizeof circuit);
  circuit.model.spec = c->spec;
  double expected = ppmli_leak_probability_bits(c, &circuit, &noise);
  ck_assert(expected <= PPMLI_LEAK_ENTROPY / 16);
  test_assert_near(measure_leak(&key, 0, steps, c->answer_step), expected, 0.1);
}
END_TEST

START_TEST(the_integral_of_the_entropy_is_as_stated) {
  double sum = 0;
  for (int i = -9000; i <= 9000; i++) {
    double p = 0.5 * erfc(-i / 1000.0 / sqrt(2)), q = 0.5 * erfc(i / 1000.0 / sqrt(2));
    if (p > 0 && q > 0) sum += -(p * log2(p) + q * log2(q)) / 1000;
  }
  test_assert_near(sum, PPMLI_LEAK_ENTROPY, 1e-5);
}
END_TEST

/* A set's noise in integers is that of the formulas. */
START_TEST(output_noise_is_that_of_the_formula) {
  for (size_t i = 0; ppml_params_by_index(i); i++) {
    const ppml_params *p = ppml_params_by_index(i);
    double std = ldexp(sqrt(ppmli_noise_output_switch(p)), 64);
    double floor_of = (double)ppmli_params_output_noise(p);
    ck_assert_msg(floor_of <= std && floor_of >= std * 0.999, "%s: %g, %g", p->name, floor_of, std);
  }
}
END_TEST

/* ---------------------------------------------------------------- flooding */

START_TEST(a_flood_is_as_wide_as_stated) { /* 20,000 draws: one deviation is 1 % */
  static const uint32_t budgets[] = {1, 100, PPML_PUBLISH_MAX};
  for (int b = 0; b < 3; b++) {
    ppml_secret_key key;
    test_moments m = {0, 0, 0, 0};
    make_key(&key, 40);
    test_client_of(&key)->publish = budgets[b];
    uint64_t bound = ppmli_client_flood_bound(key.client);
    ppmli_stream noise;
    uint8_t seed[PPML_SEED_BYTES] = {4};
    ppmli_stream_init(&noise, seed, PPMLI_STREAM_FLOOD, 0);
    for (int i = 0; i < 20000; i++)
      test_moments_add(&m, ldexp((double)ppmli_torus_signed(ppmli_flood_draw(&noise, bound)), 24));
    double std = (double)key.client->score_noise, wanted = budgets[b] / (2 * log(2) * (1 - 0.175));
    test_assert_near(test_variance(&m), wanted * std * std, 0.06);
    double exact = ldexp((double)bound, 24);
    ck_assert(exact * exact * 128 / 3 >= wanted * std * std * 0.99999);
    ck_assert(exact * exact * 128 / 3 <= wanted * std * std * 1.001);
    /* all of them tell a bit at most: Gaussian channels and what a sum of 128 differs from one */
    double each = 0.5 * log2(1 + std * std / (exact * exact * 128 / 3)) + 2.67e-6;
    ck_assert_msg(each * budgets[b] <= 1, "%u: %g bits", budgets[b], each * budgets[b]);
  }
}
END_TEST

/* Published scores are the score and the flood: unbiased, with the deviation that is certified; what
 * is far beyond a turn does not wrap. */
START_TEST(flooded_scores_are_scores_and_noise) {
  exchange *e = test_memory(sizeof *e);
  ppml_rng rng = test_rng(41);
  test_moments m = {0, 0, 0, 0};
  exchange_make(e);
  test_client_of(&e->key)->publish = 20000;
  ppml_arena arena = test_arena(64);
  double predicted = ppmli_leak_flooded_std(e->key.client, 0);
  for (int i = 0; i < 4000; i++) {
    int32_t score;
    e->request[0].open = 1;
    ck_assert_int_eq(
        ppml_decrypt_scores_flooded(&score, &e->output, 0, &e->request[0], &e->key, &rng), PPML_OK);
    ck_assert_uint_eq(e->request[0].open, 0);
    test_moments_add(&m, score - 9000.0);
  }
  ck_assert(fabs(test_mean(&m)) < 5 * predicted / sqrt(4000));
  test_assert_near(test_variance(&m), predicted * predicted, 0.1);
  test_arena_free(&arena);
  free(e);
}
END_TEST

/* Of scores that are free of noise nothing has to be hidden. */
START_TEST(silent_scores_are_not_flooded) {
  exchange *e = test_memory(sizeof *e);
  ppml_rng rng = test_rng(42);
  int32_t score, flooded;
  exchange_make(e);
  test_client_of(&e->key)->score_unit = (uint64_t)1 << 58;
  test_client_of(&e->key)->publish = 1000;
  ck_assert(ppmli_client_is_silent(e->key.client));
  ck_assert_int_eq(ppmli_decrypt_scores(&score, &e->output, 0, &e->key), PPML_OK);
  ck_assert_int_eq(
      ppml_decrypt_scores_flooded(&flooded, &e->output, 0, &e->request[0], &e->key, &rng), PPML_OK);
  ck_assert_int_eq(flooded, score);
  free(e);
}
END_TEST

/* ------------------------------------------------------------- certificates */

/* What compile says of a network, for every set that takes it. */
START_TEST(a_certificate_says_what_answers_tell) {
  const uint32_t hidden[] = {4};
  test_net *net = test_memory(sizeof *net);
  test_net_make(net, 6, 6, hidden, 1, PPML_ACTIVATION_RELU, 2, 50);
  net->model.margin_p05 = 1000;
  for (size_t i = 0; test_bootstrapped(i); i++) {
    ppml_certificate c;
    ppml_circuit circuit;
    ppml_client client;
    ppml_arena arena = test_arena(ppml_compile_bytes(&net->model));
    ppml_compile_options options = {test_bootstrapped(i), 0, 500, 0};
    if (ppml_compile(&circuit, &net->model, &options, NULL, &arena) == PPML_OK) {
      ppml_circuit_certificate(&c, &circuit);
      ppml_client_from_circuit(&client, &circuit);
      ppml_limits limits = ppml_limits_default();
      ck_assert(ppmli_client_is_valid(&client, &limits));
      ck_assert_uint_eq(client.publish, 500);
      ck_assert(c.score_noise == client.score_noise && c.answer_step == client.answer_step);
      ck_assert_uint_eq(c.renew_after, client.renew_after);
      test_assert_near((double)c.score_noise / (double)client.score_unit, c.score_std, 0.001);
      if (ppmli_client_is_silent(&client)) {
        ck_assert(c.answer_leak_bits == 0 && c.probability_leak_bits == 0);
        ck_assert_uint_eq(c.renew_after, UINT32_MAX);
      } else {
        double margin = 0.05 / 1000 * c.score_std * PPMLI_LEAK_ENTROPY; /* one score: no factor */
        /* At most: the score's noise also counts accumulators that wrap, which tell nothing. */
        ck_assert(c.answer_leak_bits <= 1.001 * fmin(margin, 1) &&
                  c.answer_leak_bits >= fmin(margin, 1) / 3);
        double bits = c.answer_leak_bits + c.probability_leak_bits;
        ck_assert(bits * c.renew_after <= PPML_KEY_LEAK_BITS * 1.0001 &&
                  bits * (c.renew_after + 1) > PPML_KEY_LEAK_BITS);
        ck_assert(c.flooded_std > 20 * c.score_std && c.flooded_agreement < c.agreement_predicted);
      }
      ck_assert_int_eq(circuit.params->kind == PPML_SET_EXACT, ppmli_client_is_silent(&client));
    }
    test_arena_free(&arena);
  }
  free(net);
}
END_TEST

/* A client spec says no more than 2^-6 of a turn, and signs that turn are more noise than that: a flood for
 * less would not hide it. */
START_TEST(what_a_flood_would_not_hide_is_not_published) {
  const uint32_t hidden[] = {4};
  test_net *net = test_memory(sizeof *net);
  ppml_circuit circuit;
  ppml_refusal refusal;
  test_net_make(net, 6, 6, hidden, 1, PPML_ACTIVATION_SIGN, 2, 50);
  ppml_arena arena = test_arena(2 * ppml_compile_bytes(&net->model));
  ppml_compile_options options = {ppml_params_by_name("fast"), 0, 500, 0};
  ck_assert_int_eq(ppml_compile(&circuit, &net->model, &options, &refusal, &arena),
                   PPML_ERR_PARAMS);
  ck_assert_ptr_nonnull(strstr(refusal.reason, "published"));
  options.publish = 0;
  ck_assert_int_eq(ppml_compile(&circuit, &net->model, &options, NULL, &arena), PPML_OK);
  test_arena_free(&arena);
  free(net);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("answer");
  TCase *law = test_case(suite, "law"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error"), *attack = test_case(suite, "attack");
  TCase *leak = test_case(suite, "noise");
  tcase_add_test(law, an_answer_is_its_scores_rounded);
  tcase_add_test(law, an_answer_is_the_same_within_a_step);
  tcase_add_test(law, label_and_probability_never_contradict);
  tcase_add_test(law, a_request_is_answered_once);
  tcase_add_test(law, a_certificate_says_what_answers_tell);
  tcase_add_test(bounds, extreme_scores_have_answers);
  tcase_add_test(bounds, the_integral_of_the_entropy_is_as_stated);
  tcase_add_test(bounds, output_noise_is_that_of_the_formula);
  tcase_add_test(error, swapped_answers_are_refused);
  tcase_add_test(error, repeated_answers_are_refused);
  tcase_add_test(error, no_request_no_answer);
  tcase_add_test(attack, an_output_that_spells_the_key_is_refused);
  tcase_add_test(attack, unrounded_scores_give_the_key);
  tcase_add_test(attack, answers_give_no_equation_in_the_key);
  tcase_add_test(attack, answers_up_to_the_renewal_hardly_correlate_with_the_key);
  tcase_add_test(leak, a_label_tells_what_the_formula_says);
  tcase_add_test(leak, a_step_tells_what_the_formula_says);
  tcase_add_test(leak, a_flood_is_as_wide_as_stated);
  tcase_add_test(leak, flooded_scores_are_scores_and_noise);
  tcase_add_test(leak, silent_scores_are_not_flooded);
  tcase_add_test(bounds, what_a_flood_would_not_hide_is_not_published);
  return test_run(suite);
}
