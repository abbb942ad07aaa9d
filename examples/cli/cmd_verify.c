/* ppml verify: clear, simulated and encrypted answers side by side. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "json.h"
#include "load.h"
#include "score.h"
#include "session.h"

typedef struct verify_request {
  const char *circuit_path, *data_path, *split, *backend;
  size_t count, threads, batch;
  int json;
} verify_request;

static int parse(verify_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  const char *split = args_text(&a, "--split");
  r->split = split ? split : "test";
  r->backend = args_text(&a, "--backend");
  r->count = args_number(&a, "--count", 1, SIZE_MAX, SIZE_MAX);
  r->threads = args_number(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  r->batch = args_number(&a, "--batch", 1, 4096, 1);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 2, 2);
  if (status) return status;
  r->circuit_path = a.value[0];
  r->data_path = a.value[1];
  return CLI_OK;
}

typedef struct measurements {
  score_card clear, simulated, encrypted;
  double *latency_ms, *encrypt_ms, *decrypt_ms; /* [images], a batch's share each */
  double error_squares;                         /* of encrypted against clear scores */
  size_t scores;
} measurements;

static int measurements_create(measurements *m, const ppml_spec *spec, size_t images) {
  memset(m, 0, sizeof *m);
  int status = score_card_create(&m->clear, spec, images);
  if (status == CLI_OK) status = score_card_create(&m->simulated, spec, images);
  if (status == CLI_OK) status = score_card_create(&m->encrypted, spec, images);
  m->latency_ms = (double *)calloc(3 * images, sizeof(double));
  m->encrypt_ms = m->latency_ms ? m->latency_ms + images : NULL;
  m->decrypt_ms = m->latency_ms ? m->latency_ms + 2 * images : NULL;
  if (status == CLI_OK && m->latency_ms == NULL)
    status = cli_fail(CLI_INTERNAL, "memory", "none left for %zu images", images);
  return status;
}

static void measurements_destroy(measurements *m) {
  score_card_destroy(&m->clear);
  score_card_destroy(&m->simulated);
  score_card_destroy(&m->encrypted);
  free(m->latency_ms);
}

/* One image without encryption: exact, and with the predicted noise. */
static int answer_clear(measurements *m, const session *s, const int32_t *encrypted,
                        const uint8_t *pixels, const uint8_t *labels, ppml_rng *rng,
                        ppml_arena *arena) {
  int32_t scores[PPML_CLASSES_MAX];
  uint32_t outputs = s->circuit->model.spec.outputs;
  int error = ppml_model_predict(scores, &s->circuit->model, pixels, arena);
  if (error) return cli_fail_ppml(error, "verify", "a valid network");
  score_card_add(&m->clear, scores, labels);
  for (uint32_t o = 0; o < outputs; o++, m->scores++) {
    double difference = (double)encrypted[o] - scores[o];
    m->error_squares += difference * difference;
  }
  error = ppml_simulate(scores, s->circuit, pixels, rng, arena);
  if (error) return cli_fail_ppml(error, "verify", "a valid network");
  score_card_add(&m->simulated, scores, labels);
  return CLI_OK;
}

static int verify_batch(measurements *m, session *s, const npz_split *split, size_t first,
                        size_t count, ppml_rng *rng, ppml_arena *arena) {
  uint32_t outputs = s->circuit->model.spec.outputs;
  size_t inputs = ppml_spec_inputs(&s->circuit->model.spec);
  int32_t *scores = (int32_t *)calloc(count * outputs, sizeof *scores);
  if (scores == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for scores");
  int status = session_run(s, scores, split->images + first * inputs, count);
  for (size_t i = 0; i < count && status == CLI_OK; i++) {
    const uint8_t *labels = split->labels + (first + i) * m->clear.answer_bytes;
    score_card_add(&m->encrypted, scores + i * outputs, labels);
    m->latency_ms[first + i] = s->infer_ms;
    m->encrypt_ms[first + i] = s->encrypt_ms;
    m->decrypt_ms[first + i] = s->decrypt_ms;
    status = answer_clear(m, s, scores + i * outputs, split->images + (first + i) * inputs, labels,
                          rng, arena);
  }
  free(scores);
  return status;
}

static int verify_images(measurements *m, session *s, const npz_split *split, size_t images) {
  ppml_arena arena;
  ppml_rng rng;
  ppml_progress progress = cli_progress("images");
  ppml_rng_init_for_tests(&rng, 1); /* simulated noise protects nothing */
  int status = cli_arena_create(&arena, ppml_model_predict_bytes(&s->circuit->model));
  for (size_t first = 0; first < images && status == CLI_OK; first += s->batch) {
    size_t count = images - first < s->batch ? images - first : s->batch;
    status = verify_batch(m, s, split, first, count, &rng, &arena);
    progress.step(progress.context, first + count, images);
  }
  if (arena.memory) cli_arena_destroy(&arena);
  return status;
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
  size_t images = m->clear.count;
  ppml_noise noise;
  ppml_circuit_noise(&noise, s->circuit);
  json_begin(NULL, '{');
  json_integer("images", (int64_t)images);
  json_integer("classes", spec->classes);
  json_real("accuracy_clear", score_accuracy(&m->clear));
  json_real("accuracy_simulated", score_accuracy(&m->simulated));
  json_real("accuracy_encrypted", score_accuracy(&m->encrypted));
  json_real("agreement", score_agreement(&m->clear, &m->encrypted));
  json_real("agreement_simulated", score_agreement(&m->clear, &m->simulated));
  json_real("auc_clear", score_auc(&m->clear));
  json_real("auc_encrypted", score_auc(&m->encrypted));
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
  json_real("score_error_std", sqrt(m->error_squares / (double)m->scores));
  json_real("score_error_std_predicted", noise.score);
  json_integer("eval_key_bytes", (int64_t)ppml_eval_key_bytes(p, threads));
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
  size_t images = m->clear.count;
  printf("%-12s %9s %7s\n", "", "accuracy", "AUC");
  printf("%-12s %9.4f %7.4f\n", "clear", score_accuracy(&m->clear), score_auc(&m->clear));
  printf("%-12s %9.4f %7.4f\n", "simulated", score_accuracy(&m->simulated),
         score_auc(&m->simulated));
  printf("%-12s %9.4f %7.4f\n", "encrypted", score_accuracy(&m->encrypted),
         score_auc(&m->encrypted));
  printf("agreement of encrypted with clear: %.4f on %zu images\n",
         score_agreement(&m->clear, &m->encrypted), images);
  printf("server %.1f ms an image (median; p95 %.1f), %zu bootstraps, %zu threads, batch %zu, %s\n",
         quantile(m->latency_ms, images, 0.5), quantile(m->latency_ms, images, 0.95),
         ppml_circuit_pbs_count(s->circuit), threads, s->batch, s->backend);
  printf("client %.2f ms to encrypt, %.2f ms to decrypt\n", quantile(m->encrypt_ms, images, 0.5),
         quantile(m->decrypt_ms, images, 0.5));
  printf("parameters %s, %.1f bits of security\n", p->name, ppml_params_security_bits(p));
}

static void report(measurements *m, const session *s, const verify_request *r) {
  size_t images = m->clear.count;
  cli_sort(m->latency_ms, images);
  cli_sort(m->encrypt_ms, images);
  cli_sort(m->decrypt_ms, images);
  if (r->json) report_json(m, s, r->threads);
  else report_lines(m, s, r->threads);
}

static int verify(const verify_request *r, const ppml_circuit *circuit, const npz_split *split) {
  session s;
  measurements m;
  size_t images = r->count < split->count ? r->count : split->count;
  int status = session_open(&s, circuit, r->threads, r->batch, r->backend);
  if (status) return status;
  status = measurements_create(&m, &circuit->model.spec, images);
  if (status == CLI_OK) status = verify_images(&m, &s, split, images);
  if (status == CLI_OK) report(&m, &s, r);
  measurements_destroy(&m);
  session_close(&s);
  return status;
}

int cmd_verify(int argc, char **argv) {
  verify_request r;
  ppml_circuit circuit;
  npz_dataset data;
  const npz_split *split;
  ppml_arena circuit_arena, data_arena;
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_circuit(&circuit, r.circuit_path, &circuit_arena);
  if (status) return status;
  status = load_dataset(&data, r.data_path, &data_arena);
  if (status == CLI_OK) {
    status = load_check_shape(&data, &circuit.model.spec, r.data_path);
    if (status == CLI_OK) status = load_split(&split, &data, r.split);
    if (status == CLI_OK) status = verify(&r, &circuit, split);
    cli_arena_destroy(&data_arena);
  }
  cli_arena_destroy(&circuit_arena);
  return status;
}
