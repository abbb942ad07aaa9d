/* ppml verify --learn and simulate --learn: what learning from encrypted rows gives beside the same
 * learning in the clear.  Models are compared by their answers, as ordinary models of 8 bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "keyring.h"
#include "learning.h"
#include "outputs.h"
#include "pool.h"
#include "predict.h"
#include "score.h"

#define DRAWS_DEFAULT 20

typedef struct verify_request {
  const char *map_path, *backend;
  split_request images; /* that answers are compared on */
  ppml_learn_options options;
  double agreement; /* the least that will do; below 0: any that was predicted */
  size_t threads, draws, orders;
  uint64_t seed;
  int json, encrypted;
} verify_request;

static int parse(verify_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  (void)args_flag(&a, "--learn");
  split_options(&r->images, &a);
  learning_options(&r->options, &a);
  r->backend = r->encrypted ? args_text(&a, "--backend") : NULL;
  r->agreement = args_real(&a, "--agreement", 0, 1, -1);
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  r->draws = args_size(&a, "--draws", 2, 100000, DRAWS_DEFAULT);
  r->orders = r->encrypted ? 1 : args_size(&a, "--orders", 1, 1000, 1);
  r->seed = args_number(&a, "--seed", 0, UINT64_MAX, 1);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 2, 2);
  if (status) return status;
  r->map_path = a.value[0];
  r->images.path = a.value[1];
  return CLI_OK;
}

/* --------------------------------------------------------------------- data */

/* The answers of a model, and what its scores are. */
typedef struct answers {
  score_card card;
  ppml_spec spec;
} answers;

typedef struct study {
  const verify_request *request;
  ppml_features map;
  npz_dataset data;
  npz_split judged;
  learning_images images; /* of training */
  ppml_training_plan plan;
  size_t weights; /* of a model */
  double *clear;  /* [weights] */
  double *drawn;  /* [draws][weights] */
  answers clear_model, simulated, encrypted;
  ppml_expectation changed;
  ppml_interval agreement;
  ppml_arena map_arena, data_arena, plan_arena;
} study;

static int load(study *s, const verify_request *r) {
  const npz_split *judged, *train;
  npz_options options = r->images.options;
  s->request = r;
  int status = load_features(&s->map, r->map_path, &s->map_arena);
  if (status == CLI_OK) dataset_for_network(&options, &s->map.spec);
  options.cuts = 1; /* as encrypt --training has it */
  if (status == CLI_OK) status = load_dataset(&s->data, r->images.path, &options, &s->data_arena);
  if (status == CLI_OK) status = load_check_shape(&s->data, &s->map.spec, r->images.path);
  if (status == CLI_OK) status = load_split(&judged, &s->data, r->images.name);
  if (status == CLI_OK) status = load_split(&train, &s->data, npz_split_name(NPZ_TRAIN));
  if (status) return status;
  s->judged = *judged;
  if (s->judged.count > r->images.count) s->judged.count = r->images.count;
  learning_images_of(&s->images, train->images, train->labels, train->count,
                     ppml_spec_inputs(&s->map.spec));
  s->weights = (size_t)(s->map.count + 1) * s->map.spec.outputs;
  s->clear = (double *)calloc((r->draws + 1) * s->weights, sizeof *s->clear);
  if (s->clear == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for the weights");
  s->drawn = s->clear + s->weights;
  return CLI_OK;
}

static void close_study(study *s) {
  score_card_destroy(&s->clear_model.card);
  score_card_destroy(&s->simulated.card);
  score_card_destroy(&s->encrypted.card);
  free(s->clear);
  cli_arena_destroy(&s->plan_arena);
  cli_arena_destroy(&s->data_arena);
  cli_arena_destroy(&s->map_arena);
}

/* --------------------------------------------------------------------- plan */

static int plan_rows(study *s, uint64_t seed) {
  const verify_request *r = s->request;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, seed); /* of the order of images: they are not secret here */
  cli_arena_destroy(&s->plan_arena);
  int status = cli_arena_create(
      &s->plan_arena, ppml_training_plan_make_bytes(&s->map, &s->images.source, &r->options));
  if (status) return status;
  int error = ppml_training_plan_make(&s->plan, &s->map, &s->images.source, &r->options, &rng,
                                      &s->plan_arena);
  return error ? learning_plan_fail(error, r->images.path) : CLI_OK;
}

/* Runs without noise and with draws of it. */
static int simulate_runs(study *s, uint64_t seed) {
  const verify_request *r = s->request;
  ppml_arena arena;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, seed + 0x10000);
  int status = cli_arena_create(&arena, ppml_learn_simulate_bytes(&s->plan, &s->map));
  if (status) return status;
  int error = ppml_learn_simulate(s->clear, &s->plan, &s->map, &s->images.source, &r->options, 1,
                                  NULL, &arena);
  if (error == PPML_OK)
    error = ppml_learn_simulate(s->drawn, &s->plan, &s->map, &s->images.source, &r->options,
                                r->draws, &rng, &arena);
  cli_arena_destroy(&arena);
  return error ? cli_fail_ppml(error, r->images.path, "images to learn from") : CLI_OK;
}

/* ------------------------------------------------------------------ answers */

/* Answers of the ordinary model that weights are, to the images that are judged by. */
static int answer(answers *of, study *s, const double *weights) {
  ppml_model model;
  ppml_arena model_arena, arena;
  int32_t scores[PPML_CLASSES_MAX];
  size_t inputs = ppml_spec_inputs(&s->map.spec), bytes = ppml_spec_answer_bytes(&s->map.spec);
  score_card_destroy(&of->card);
  int status = learning_model(&model, &s->map, weights, s->request->map_path, &model_arena);
  if (status) return status;
  of->spec = model.spec;
  status = cli_arena_create(&arena, ppml_model_predict_bytes(&model));
  if (status == CLI_OK) status = score_card_create(&of->card, &of->spec, s->judged.count);
  for (size_t i = 0; i < s->judged.count && status == CLI_OK; i++) {
    int error = ppml_model_predict(scores, &model, s->judged.images + i * inputs, &arena);
    if (error) status = cli_fail_ppml(error, s->request->map_path, "a model");
    else score_card_add(&of->card, scores, s->judged.labels + i * bytes);
  }
  cli_arena_destroy(&arena);
  cli_arena_destroy(&model_arena);
  return status;
}

/* What is to be expected: draws of whole runs, since one run's answers depend on each other. */
static int predict(study *s) {
  double images = (double)s->judged.count;
  int status = answer(&s->clear_model, s, s->clear);
  memset(&s->changed, 0, sizeof s->changed);
  for (size_t d = s->request->draws; d-- && status == CLI_OK;) {
    status = answer(&s->simulated, s, s->drawn + d * s->weights);
    if (status) return status;
    ppml_expectation_draw(&s->changed,
                          images * (1 - score_agreement(&s->simulated.card, &s->clear_model.card)));
  }
  if (status) return status;
  ppml_expectation_next(&s->changed);
  ppml_interval changed = ppml_expectation_interval(
      &s->changed, 1, PPML_FORMULA_SHARE * s->changed.mean, PREDICT_CONFIDENCE);
  s->agreement.expected = 1 - changed.expected / images;
  s->agreement.low = 1 - changed.high / images;
  s->agreement.high = changed.low > 0 ? 1 - changed.low / images : 1;
  if (s->agreement.low < 0) s->agreement.low = 0;
  return CLI_OK;
}

/* ---------------------------------------------------------------- encrypted */

/* Owner and server in one process. */
typedef struct learn_run {
  keyring own;
  ppml_learning_key key;
  ppml_rng rng;
  pool threads;
  uint8_t *key_wire, *rows_wire;
  size_t key_bytes, rows_bytes;
  double *weights;
  double keygen_ms, encrypt_ms, learn_ms, open_ms;
  double encrypt_cpu_ms, learn_cpu_ms; /* of all threads */
  ppml_learnt learnt;
  ppml_arena key_arena, arena;
  ppml_progress progress;
} learn_run;

static int make_keys(learn_run *u, study *s) {
  ppml_arena arena;
  ppml_limits limits = ppml_limits_default();
  int with_bootstraps = s->plan.method == PPML_LEARN_DESCENT;
  size_t threads = u->threads.parallel.threads;
  double start = cli_now_ms();
  u->key_bytes = ppml_learning_key_wire_bytes();
  u->key_wire = (uint8_t *)malloc(u->key_bytes);
  if (u->key_wire == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for a key");
  int status = cli_arena_create(&arena, ppml_learning_key_generate_bytes(threads));
  if (status) return status;
  ppml_client_from_features(&u->own.client, &s->map);
  ppml_writer writer = ppml_writer_to_memory(u->key_wire, u->key_bytes);
  ppml_progress progress = cli_progress("learning key");
  int error = keyring_make(&u->own, &u->rng);
  if (error == PPML_OK)
    error = ppml_learning_key_generate(&writer, &u->own.secret, &u->rng, &u->threads.parallel,
                                       &progress, &arena);
  cli_arena_destroy(&arena);
  u->keygen_ms = cli_now_ms() - start;
  if (error) return cli_fail_ppml(error, "key generation", "enough memory and entropy");
  status = cli_arena_create(&u->key_arena, ppml_learning_key_read_bytes(with_bootstraps, threads));
  if (status) return status;
  ppml_reader reader = ppml_reader_from_memory(u->key_wire, u->key_bytes);
  error = ppml_learning_key_read(&u->key, &reader, &limits, with_bootstraps, s->request->backend,
                                 &u->threads.parallel, &u->key_arena);
  return error ? cli_fail_ppml(error, "learning key", "a backend that this CPU has") : CLI_OK;
}

static int encrypt_rows(learn_run *u, study *s) {
  ppml_arena arena;
  size_t threads = u->threads.parallel.threads;
  u->rows_bytes = ppml_training_wire_bytes(&s->plan);
  u->rows_wire = (uint8_t *)malloc(u->rows_bytes);
  if (u->rows_wire == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for the rows");
  int status = cli_arena_create(&arena, ppml_training_encrypt_bytes(&s->plan, &s->map, threads));
  if (status) return status;
  ppml_writer writer = ppml_writer_to_memory(u->rows_wire, u->rows_bytes);
  ppml_progress progress = cli_progress("encrypting rows");
  double start = cli_now_ms(), cpu = cli_cpu_ms();
  int error =
      ppml_training_encrypt(&writer, NULL, &s->plan, &s->map, &s->images.source, &u->own.secret,
                            &u->rng, &u->threads.parallel, &progress, &arena);
  u->encrypt_ms = cli_now_ms() - start;
  u->encrypt_cpu_ms = cli_cpu_ms() - cpu;
  cli_arena_destroy(&arena);
  return error ? cli_fail_ppml(error, s->request->images.path, "images") : CLI_OK;
}

static int tell(void *context, const ppml_learn_run *run) {
  const learn_run *u = (const learn_run *)context;
  u->progress.step(u->progress.context, (size_t)run->done, (size_t)run->steps);
  return PPML_OK;
}

static int learn_rows(learn_run *u, study *s) {
  ppml_limits limits = ppml_limits_default();
  ppml_learn_watch watch = {tell, u};
  ppml_training set;
  ppml_reader reader = ppml_reader_from_memory(u->rows_wire, u->rows_bytes);
  int error = ppml_training_read(&set, &reader, &limits);
  if (error) return cli_fail_ppml(error, "rows", "a training set");
  int status = cli_arena_create(&u->arena, ppml_learn_bytes(&set, 1, u->threads.parallel.threads));
  if (status) return status;
  reader = ppml_reader_from_memory(u->rows_wire, u->rows_bytes);
  u->progress = cli_progress("learning");
  double start = cli_now_ms(), cpu = cli_cpu_ms();
  error = ppml_learn(&u->learnt, &reader, 1, &u->key, &s->request->options, &limits, NULL, &watch,
                     &u->threads.parallel, &u->arena);
  u->learn_ms = cli_now_ms() - start;
  u->learn_cpu_ms = cli_cpu_ms() - cpu;
  return error ? cli_fail_ppml(error, "learning", "rows of this key") : CLI_OK;
}

static int open_weights(learn_run *u, study *s) {
  ppml_arena arena;
  u->weights = (double *)calloc(s->weights, sizeof *u->weights);
  if (u->weights == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for the weights");
  int status = cli_arena_create(&arena, ppml_learnt_weights_bytes(&u->learnt));
  if (status) return status;
  double start = cli_now_ms();
  int error = ppml_learnt_weights(u->weights, &u->learnt, &u->own.secret, s->request->options.ridge,
                                  &arena);
  u->open_ms = cli_now_ms() - start;
  cli_arena_destroy(&arena);
  return error ? cli_fail_ppml(error, "opening", "an encrypted model") : CLI_OK;
}

static int run_encrypted(learn_run *u, study *s) {
  memset(u, 0, sizeof *u);
  keyring_hold(&u->own);
  int status = pool_start(&u->threads, s->request->threads);
  if (status) return status;
  status = cli_rng(&u->rng);
  if (status == CLI_OK) status = make_keys(u, s);
  if (status == CLI_OK) status = encrypt_rows(u, s);
  if (status == CLI_OK) status = learn_rows(u, s);
  if (status == CLI_OK) status = open_weights(u, s);
  if (status == CLI_OK) status = answer(&s->encrypted, s, u->weights);
  return status;
}

static void close_run(learn_run *u) {
  if (u->threads.parallel.threads) pool_stop(&u->threads);
  keyring_wipe(&u->own);
  ppml_rng_wipe(&u->rng);
  free(u->key_wire);
  free(u->rows_wire);
  free(u->weights);
  cli_arena_destroy(&u->arena);
  cli_arena_destroy(&u->key_arena);
}

/* The distance of two models, as a share of the first one's length. */
static double distance(const double *a, const double *b, size_t count) {
  double off = 0, norm = 0;
  for (size_t i = 0; i < count; i++) off += (a[i] - b[i]) * (a[i] - b[i]), norm += a[i] * a[i];
  return norm > 0 ? sqrt(off / norm) : 0;
}

/* ------------------------------------------------------------------- report */

static void cards_json(const study *s, int encrypted) {
  json_real("accuracy_clear", score_accuracy(&s->clear_model.card));
  json_real("accuracy_simulated", score_accuracy(&s->simulated.card));
  if (encrypted) json_real("accuracy_encrypted", score_accuracy(&s->encrypted.card));
  json_real("auc_clear", score_auc(&s->clear_model.card));
  json_real("auc_simulated", score_auc(&s->simulated.card));
  if (encrypted) json_real("auc_encrypted", score_auc(&s->encrypted.card));
  if (encrypted) json_real("agreement", score_agreement(&s->encrypted.card, &s->clear_model.card));
  json_real("agreement_expected", s->agreement.expected);
  json_real("agreement_low", s->agreement.low);
  json_real("agreement_high", s->agreement.high);
}

static void study_json(const study *s) {
  json_text("method", learning_method_name(s->plan.method));
  json_integer("images", (int64_t)s->judged.count);
  json_integer("training_images", (int64_t)s->images.source.count);
  json_integer("rows", (int64_t)s->plan.rows);
  json_integer("features", s->plan.features - 1);
  json_integer("outputs", s->plan.outputs);
  json_integer("passes", s->request->options.passes);
}

static void verify_json(const study *s, const learn_run *u) {
  double images = (double)s->images.source.count;
  json_begin(NULL, '{');
  study_json(s);
  cards_json(s, 1);
  json_real("weights_distance", distance(s->clear, u->weights, s->weights));
  json_real("learn_s", u->learn_ms / 1e3);
  json_real("learn_cpu_s", u->learn_cpu_ms / 1e3);
  json_real("keygen_ms", u->keygen_ms);
  json_real("encrypt_ms_per_image", u->encrypt_ms / images);
  json_real("encrypt_cpu_ms_per_image", u->encrypt_cpu_ms / images);
  json_real("open_ms", u->open_ms);
  json_real("input_bytes_per_image", (double)u->rows_bytes / images);
  json_integer("rows_bytes", (int64_t)u->rows_bytes);
  json_integer("eval_key_wire_bytes", (int64_t)u->key_bytes);
  json_integer("arena_bytes", (int64_t)u->arena.high_bytes);
  json_integer("peak_rss_bytes", (int64_t)cli_peak_rss_bytes());
  json_integer("threads", (int64_t)s->request->threads);
  json_text("backend", s->request->backend ? s->request->backend : ppml_backend_name(0));
  json_end('}');
}

static void card_line(const char *name, const score_card *card) {
  printf("%-12s %9.4f %7.4f\n", name, score_accuracy(card), score_auc(card));
}

static void study_lines(const study *s) {
  printf("%zu training images, %llu rows of %u features, by %s\n", s->images.source.count,
         (unsigned long long)s->plan.rows, s->plan.features - 1,
         learning_method_name(s->plan.method));
  printf("%-12s %9s %7s  (%zu images of %s)\n", "", "accuracy", "AUC", s->judged.count,
         s->request->images.name);
  card_line("clear", &s->clear_model.card);
  card_line("simulated", &s->simulated.card);
}

static void expected_line(const study *s) {
  printf("agreement expected %.4f, %.4f to %.4f\n", s->agreement.expected, s->agreement.low,
         s->agreement.high);
}

static void verify_lines(const study *s, const learn_run *u) {
  double images = (double)s->images.source.count;
  study_lines(s);
  card_line("encrypted", &s->encrypted.card);
  printf("agreement %.4f\n", score_agreement(&s->encrypted.card, &s->clear_model.card));
  expected_line(s);
  printf("learning %.1f s on %zu threads; encryption %.3f ms and %.0f bytes an image\n",
         u->learn_ms / 1e3, s->request->threads, u->encrypt_ms / images,
         (double)u->rows_bytes / images);
}

/* ----------------------------------------------------------------- commands */

static int judge(const study *s, double measured) {
  const verify_request *r = s->request;
  if (r->agreement >= 0 && measured < r->agreement)
    return cli_fail(CLI_REFUSED, r->map_path, "agreement %.4f (expected at least %.4f)", measured,
                    r->agreement);
  if (!prediction_holds(&s->agreement, measured))
    return cli_fail(CLI_INTERNAL, r->map_path, "agreement %.4f (expected %.4f to %.4f)", measured,
                    s->agreement.low, s->agreement.high);
  return CLI_OK;
}

int learning_verify(int argc, char **argv) {
  static verify_request r;
  static study s;
  static learn_run u;
  r.encrypted = 1;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load(&s, &r);
  if (status == CLI_OK) status = plan_rows(&s, r.seed);
  if (status == CLI_OK) status = simulate_runs(&s, r.seed);
  if (status == CLI_OK) status = predict(&s);
  if (status == CLI_OK) status = run_encrypted(&u, &s);
  if (status == CLI_OK && r.json) verify_json(&s, &u);
  if (status == CLI_OK && !r.json) verify_lines(&s, &u);
  if (status == CLI_OK) status = judge(&s, score_agreement(&s.encrypted.card, &s.clear_model.card));
  close_run(&u);
  close_study(&s);
  return status;
}

/* One order of the images. */
static int simulate_order(study *s, uint64_t seed) {
  int status = plan_rows(s, seed);
  if (status == CLI_OK) status = simulate_runs(s, seed);
  if (status == CLI_OK) status = predict(s);
  if (status) return status;
  if (s->request->json) {
    json_begin(NULL, '{');
    json_integer("seed", (int64_t)seed);
    cards_json(s, 0);
    json_end('}');
  } else {
    study_lines(s);
    expected_line(s);
  }
  return CLI_OK;
}

int learning_simulate(int argc, char **argv) {
  static verify_request r;
  static study s;
  double expected = 0;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load(&s, &r);
  if (status == CLI_OK) status = plan_rows(&s, r.seed);
  if (status == CLI_OK && r.json) {
    json_begin(NULL, '{');
    study_json(&s);
    json_begin("orders", '[');
  }
  for (size_t i = 0; i < r.orders && status == CLI_OK; i++) {
    status = simulate_order(&s, r.seed + i);
    expected += s.agreement.expected / (double)r.orders;
  }
  if (status == CLI_OK && r.json) {
    json_end(']');
    json_end('}');
  }
  if (status == CLI_OK && r.agreement >= 0 && expected < r.agreement)
    status = cli_fail(CLI_REFUSED, r.map_path, "expected agreement %.4f (expected at least %.4f)",
                      expected, r.agreement);
  close_study(&s);
  return status;
}
