/* ppml verify: clear, simulated and encrypted answers side by side. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "json.h"
#include "learning.h"
#include "load.h"
#include "plan.h"
#include "predict.h"
#include "session.h"
#include "split.h"

typedef struct verify_request {
  const char *circuit_path, *backend;
  split_request images;
  double agreement; /* the least that will do; below 0: what the circuit promises */
  size_t threads, batch;
  int json;
} verify_request;

static int parse(verify_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  split_options(&r->images, &a);
  r->backend = args_text(&a, "--backend");
  r->agreement = plan_agreement(&a, -1);
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  r->batch = args_size(&a, "--batch", 1, 4096, 1);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 2, 2);
  if (status) return status;
  r->circuit_path = a.value[0];
  r->images.path = a.value[1];
  return CLI_OK;
}

typedef struct measurements {
  prediction predicted; /* with the clear answers */
  score_card encrypted;
  double *latency_ms, *encrypt_ms, *decrypt_ms; /* [images], a batch's share each */
  double error_squares;                         /* of encrypted against clear scores */
  size_t scores, identical;                     /* identical: images with all scores the same */
} measurements;

static int measurements_create(measurements *m, const ppml_spec *spec, size_t images) {
  int status = score_card_create(&m->encrypted, spec, images);
  m->latency_ms = (double *)calloc(3 * images, sizeof(double));
  m->encrypt_ms = m->latency_ms ? m->latency_ms + images : NULL;
  m->decrypt_ms = m->latency_ms ? m->latency_ms + 2 * images : NULL;
  if (status == CLI_OK && m->latency_ms == NULL)
    status = cli_fail(CLI_INTERNAL, "memory", "none left for %zu images", images);
  return status;
}

static void measurements_destroy(measurements *m) {
  prediction_destroy(&m->predicted);
  score_card_destroy(&m->encrypted);
  free(m->latency_ms);
}

/* Encrypted scores of one image beside the clear ones. */
static int compare(measurements *m, const session *s, const int32_t *encrypted,
                   const uint8_t *pixels, ppml_arena *arena) {
  int32_t clear[PPML_CLASSES_MAX];
  uint32_t outputs = s->circuit->model.spec.outputs;
  int error = ppml_model_predict(clear, &s->circuit->model, pixels, arena);
  if (error) return cli_fail_ppml(error, "verify", "a valid network");
  for (uint32_t o = 0; o < outputs; o++) {
    double difference = (double)encrypted[o] - clear[o];
    m->error_squares += difference * difference;
  }
  m->scores += outputs;
  m->identical += memcmp(encrypted, clear, outputs * sizeof *clear) == 0;
  return CLI_OK;
}

static int verify_batch(measurements *m, session *s, const npz_split *split, size_t first,
                        size_t count, ppml_arena *arena) {
  uint32_t outputs = s->circuit->model.spec.outputs;
  size_t each = ppml_spec_image_bytes(&s->circuit->model.spec);
  int32_t *scores = (int32_t *)calloc(count * outputs, sizeof *scores);
  if (scores == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for scores");
  int status = session_run(s, scores, split->images + first * each, count);
  for (size_t i = 0; i < count && status == CLI_OK; i++) {
    const uint8_t *labels = split->labels + (first + i) * m->encrypted.answer_bytes;
    score_card_add(&m->encrypted, scores + i * outputs, labels);
    m->latency_ms[first + i] = s->infer_ms;
    m->encrypt_ms[first + i] = s->encrypt_ms;
    m->decrypt_ms[first + i] = s->decrypt_ms;
    status = compare(m, s, scores + i * outputs, split->images + (first + i) * each, arena);
  }
  free(scores);
  return status;
}

static int verify_images(measurements *m, session *s, const npz_split *split, size_t images) {
  ppml_arena arena;
  ppml_progress progress = cli_progress("images");
  int status = cli_arena_create(&arena, ppml_model_predict_bytes(&s->circuit->model));
  for (size_t first = 0; first < images && status == CLI_OK; first += s->batch) {
    size_t count = images - first < s->batch ? images - first : s->batch;
    status = verify_batch(m, s, split, first, count, &arena);
    progress.step(progress.context, first + count, images);
  }
  if (arena.memory) cli_arena_destroy(&arena);
  return status;
}

static double agreement(const measurements *m) {
  return score_agreement(&m->predicted.clear, &m->encrypted);
}

static double score_error(const measurements *m) {
  return sqrt(m->error_squares / (double)m->scores);
}

/* Is what was measured what was predicted, and what was promised?  One line if not. */
static int judge(const measurements *m, const ppml_circuit *c, const verify_request *r) {
  const ppml_interval *noise = &m->predicted.score_error, *same = &m->predicted.agreement;
  double wanted = r->agreement < 0 ? c->agreement : r->agreement;
  double least = prediction_least_agreement(wanted, m->predicted.images);
  if (!prediction_holds(noise, score_error(m)))
    return cli_fail(CLI_INTERNAL, r->circuit_path,
                    "score noise %.4g is not as predicted (expected %.4g to %.4g)", score_error(m),
                    noise->low, noise->high);
  if (!prediction_holds(same, agreement(m)))
    return cli_fail(CLI_INTERNAL, r->circuit_path,
                    "agreement %.4f is not as predicted (expected %.4f to %.4f)", agreement(m),
                    same->low, same->high);
  if (agreement(m) < least - 1e-9)
    return cli_fail(CLI_REFUSED, r->circuit_path,
                    "agreement %.4f on %zu images, %.4f wanted (expected at least %.4f)",
                    agreement(m), m->predicted.images, wanted, least);
  return CLI_OK;
}

/* ------------------------------------------------------------------ report */

static double mean(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += values[i];
  return sum / (double)count;
}

/* Value at a share of sorted values, the nearest rank. */
static double quantile(const double *sorted, size_t count, double share) {
  size_t rank = (size_t)ceil(share * (double)count);
  return sorted[rank > 0 ? rank - 1 : 0];
}

static void report_json(const measurements *m, const session *s, size_t threads) {
  const ppml_params *p = s->circuit->params;
  const ppml_spec *spec = &s->circuit->model.spec;
  const prediction *predicted = &m->predicted;
  size_t images = predicted->images;
  ppml_noise noise;
  ppml_circuit_noise(&noise, s->circuit);
  json_begin(NULL, '{');
  json_integer("images", (int64_t)images);
  json_integer("classes", spec->classes);
  json_real("accuracy_clear", score_accuracy(&predicted->clear));
  json_real("accuracy_simulated", predicted->accuracy.expected);
  json_real("accuracy_encrypted", score_accuracy(&m->encrypted));
  json_real("agreement", agreement(m));
  json_real("agreement_simulated", predicted->agreement.expected);
  json_real("auc_clear", score_auc(&predicted->clear));
  json_real("auc_simulated", score_auc(&predicted->simulated));
  json_real("auc_encrypted", score_auc(&m->encrypted));
  json_integer("scores_identical", (int64_t)m->identical);
  json_begin("latency_ms", '{');
  json_real("median", quantile(m->latency_ms, images, 0.5));
  json_real("p95", quantile(m->latency_ms, images, 0.95));
  json_real("mean", mean(m->latency_ms, images));
  json_end('}');
  json_begin("client_ms", '{');
  json_real("encrypt", quantile(m->encrypt_ms, images, 0.5));
  json_real("decrypt", quantile(m->decrypt_ms, images, 0.5));
  json_end('}');
  json_integer("threads", (int64_t)threads);
  json_integer("batch", (int64_t)s->batch);
  json_integer("pbs_per_image", (int64_t)ppml_circuit_pbs_count(s->circuit));
  json_text("params", p->name);
  json_real("security_bits", ppml_params_security_bits(p));
  json_text("assumption", p->assumption);
  json_real("pbs_error_std_log2", log2(noise.bootstrap));
  json_real("score_error_std", score_error(m));
  json_real("score_error_std_predicted", predicted->score_error.expected);
  json_real("agreement_wanted", s->circuit->agreement);
  prediction_json(predicted);
  json_integer("eval_key_bytes", (int64_t)ppml_eval_key_read_bytes(p, threads));
  json_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(p));
  json_integer("input_bytes", (int64_t)ppml_input_wire_bytes(p, spec));
  json_integer("output_bytes", (int64_t)ppml_output_wire_bytes(p, spec, 1));
  json_integer("arena_bytes", (int64_t)(s->key_arena.high_bytes + s->server_arena.high_bytes));
  json_integer("peak_rss_bytes", (int64_t)cli_peak_rss_bytes());
  json_text("backend", s->backend);
  json_end('}');
}

static void report_lines(const measurements *m, const session *s, size_t threads) {
  const ppml_params *p = s->circuit->params;
  const prediction *predicted = &m->predicted;
  size_t images = predicted->images;
  printf("%-12s %9s %9s %9s %7s\n", "", "accuracy", "agreement", "noise", "AUC");
  printf("%-12s %9.4f %9.4f %9.4g %7.4f\n", "clear", score_accuracy(&predicted->clear), 1.0, 0.0,
         score_auc(&predicted->clear));
  printf("%-12s %9.4f %9.4f %9.4g %7.4f\n", "simulated", predicted->accuracy.expected,
         predicted->agreement.expected, predicted->score_error.expected,
         score_auc(&predicted->simulated));
  printf("%-12s %9.4f %9.4f %9.4g %7.4f\n", "encrypted", score_accuracy(&m->encrypted),
         agreement(m), score_error(m), score_auc(&m->encrypted));
  prediction_lines(predicted);
  printf("%zu images, of which %zu have every score as in the clear\n", images, m->identical);
  printf("server %.1f ms an image (median; p95 %.1f), %zu bootstraps\n",
         quantile(m->latency_ms, images, 0.5), quantile(m->latency_ms, images, 0.95),
         ppml_circuit_pbs_count(s->circuit));
  printf("       %zu threads, batch %zu, %s\n", threads, s->batch, s->backend);
  printf("client %.2f ms to encrypt, %.2f ms to decrypt\n", quantile(m->encrypt_ms, images, 0.5),
         quantile(m->decrypt_ms, images, 0.5));
  printf("parameters %s, %.1f bits of security\n", p->name, ppml_params_security_bits(p));
}

static void report(measurements *m, const session *s, const verify_request *r) {
  size_t images = m->predicted.images;
  cli_sort(m->latency_ms, images);
  cli_sort(m->encrypt_ms, images);
  cli_sort(m->decrypt_ms, images);
  if (r->json) report_json(m, s, r->threads);
  else report_lines(m, s, r->threads);
}

/* Encrypted answers beside those that were predicted. */
static int verify_encrypted(measurements *m, const verify_request *r, const ppml_circuit *circuit,
                            const npz_split *split) {
  session s;
  int status = session_open(&s, circuit, r->threads, r->batch, r->backend);
  if (status) return status;
  status = measurements_create(m, &circuit->model.spec, m->predicted.images);
  if (status == CLI_OK) status = verify_images(m, &s, split, m->predicted.images);
  if (status == CLI_OK) report(m, &s, r);
  if (status == CLI_OK) status = judge(m, circuit, r);
  session_close(&s);
  return status;
}

static int verify(const verify_request *r, const ppml_circuit *circuit, const npz_split *split) {
  measurements m;
  memset(&m, 0, sizeof m);
  int status = prediction_make(&m.predicted, circuit, split, 0, 1);
  if (status == CLI_OK) status = verify_encrypted(&m, r, circuit, split);
  measurements_destroy(&m);
  return status;
}

int cmd_verify(int argc, char **argv) {
  verify_request r;
  ppml_circuit circuit;
  npz_split split;
  ppml_arena circuit_arena, data_arena;
  args a = args_make(argc, argv);
  if (args_has(&a, "--learn")) return learning_verify(argc, argv);
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_circuit(&circuit, r.circuit_path, &circuit_arena);
  if (status) return status;
  status = split_load(&split, &r.images, &circuit.model.spec, &data_arena);
  if (status == CLI_OK) {
    status = verify(&r, &circuit, &split);
    cli_arena_destroy(&data_arena);
  }
  cli_arena_destroy(&circuit_arena);
  return status;
}
