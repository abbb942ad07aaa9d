/* ppml demo: the whole path on built-in data, the leveled and the bootstrapped way side by side;
 * needs no file. */
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "cli.h"
#include "demo_data.h"
#include "json.h"
#include "load.h"
#include "plan.h"
#include "score.h"
#include "session.h"

typedef struct demo_request {
  const ppml_params *params;
  const char *backend, *sample_path;
  size_t threads;
  int json;
} demo_request;

static int parse(demo_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  int chosen = plan_params(&r->params, &a);
  r->backend = args_text(&a, "--backend");
  r->sample_path = args_text(&a, "--write-sample");
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 0, 0);
  return status ? status : chosen;
}

/* ------------------------------------------------------------------- a way */

/* A built-in network. */
typedef struct demo_network {
  const char *name; /* of its activation */
  const uint8_t *model;
  size_t model_bytes;
  int is_leveled;
} demo_network;

static const demo_network demo_networks[] = {
    {"squares", demo_squares, sizeof demo_squares, 1},
    {"relu", demo_relu, sizeof demo_relu, 0},
};

enum { DEMO_WAYS = sizeof demo_networks / sizeof demo_networks[0] };

/* What one network's run over all samples came to. */
typedef struct demo_way {
  const char *name;
  ppml_model model;
  ppml_circuit circuit;
  ppml_arena arena; /* of the two, and of an image in the clear */
  uint8_t clear[DEMO_SAMPLES], encrypted[DEMO_SAMPLES];
  double encrypt_ms[DEMO_SAMPLES], infer_ms[DEMO_SAMPLES];
  double keygen_ms;
  size_t server_bytes, threads;
  const char *backend;
} demo_way;

/* For the set asked for, or the fastest that will do. */
static int compile_demo(ppml_circuit *circuit, const ppml_model *model, const ppml_params *params,
                        ppml_arena *arena) {
  ppml_compile_options options = ppml_compile_options_for(params);
  if (params == NULL) {
    options = ppml_compile_options_default(&model->spec);
    options.automatic = 1;
  }
  return ppml_compile(circuit, model, &options, NULL, arena);
}

/* The network of a way, laid out for params or what the planner takes. */
static int way_open(demo_way *w, const demo_network *network, const ppml_params *params) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(network->model, network->model_bytes);
  w->name = network->name;
  int status = cli_arena_create(&w->arena, 4 * network->model_bytes);
  if (status) return status;
  int error = ppml_model_read(&w->model, &reader, &limits, &w->arena);
  if (error == PPML_OK) error = compile_demo(&w->circuit, &w->model, params, &w->arena);
  return error ? cli_fail_ppml(error, "demo", "a set for the built-in network") : CLI_OK;
}

static int run_sample(demo_way *w, session *s, size_t i) {
  int32_t scores[PPML_CLASSES_MAX];
  int error = ppml_model_predict(scores, &w->model, demo_pixels[i], &w->arena);
  if (error) return cli_fail_ppml(error, "demo", "a valid network");
  ppml_spec_answer(&w->clear[i], &w->model.spec, scores);
  int status = session_run(s, scores, demo_pixels[i], 1);
  if (status) return status;
  ppml_spec_answer(&w->encrypted[i], &w->model.spec, scores);
  w->encrypt_ms[i] = s->encrypt_ms;
  w->infer_ms[i] = s->infer_ms;
  return CLI_OK;
}

/* Makes keys, then encrypts, infers and decrypts every sample. */
static int way_run(demo_way *w, const demo_request *r) {
  session s;
  int status = session_open(&s, &w->circuit, r->threads, 1, r->backend);
  if (status) return status;
  w->keygen_ms = s.keygen_ms + s.load_ms;
  w->server_bytes = s.key_arena.capacity_bytes + s.server_arena.capacity_bytes;
  w->backend = s.backend;
  w->threads = s.threads.parallel.threads;
  for (size_t i = 0; i < DEMO_SAMPLES && status == CLI_OK; i++) status = run_sample(w, &s, i);
  session_close(&s);
  return status;
}

static int right(const demo_way *w) {
  int count = 0;
  for (size_t i = 0; i < DEMO_SAMPLES; i++) count += w->encrypted[i] == demo_labels[i];
  return count;
}

static int same(const demo_way *w) {
  int count = 0;
  for (size_t i = 0; i < DEMO_SAMPLES; i++) count += w->encrypted[i] == w->clear[i];
  return count;
}

/* Of an image, by the samples' median. */
static double median(const double *ms) {
  double sorted[DEMO_SAMPLES];
  for (size_t i = 0; i < DEMO_SAMPLES; i++) sorted[i] = ms[i];
  cli_sort(sorted, DEMO_SAMPLES);
  return sorted[DEMO_SAMPLES / 2];
}

/* ------------------------------------------------------------------ report */

static void print_way(const demo_way *w) {
  const ppml_params *p = w->circuit.params;
  const ppml_spec *spec = &w->model.spec;
  char network[32], set[32];
  snprintf(network, sizeof network, "%u %s", w->model.layer[0].outputs, w->name);
  snprintf(set, sizeof set, "%s", p->name);
  printf("%-10s %-10s %5.1f %5zu %6.2f MB %6.1f KB %5.1f KB %5.0f ms %4.0f MB\n", network, set,
         ppml_params_security_bits(p), ppml_circuit_pbs_count(&w->circuit),
         (double)ppml_eval_key_wire_bytes(p) / 1e6, (double)ppml_input_wire_bytes(p, spec) / 1e3,
         (double)ppml_output_wire_bytes(p, spec, 1) / 1e3, w->keygen_ms,
         (double)w->server_bytes / 1e6);
}

/* Each network's answer to a sample and what it took. */
static void print_sample(const demo_way *ways, size_t count, size_t i) {
  const ppml_spec *spec = &ways[0].model.spec;
  printf("%-20s %-9s", demo_names[i], spec->class_name[demo_labels[i]]);
  for (size_t w = 0; w < count; w++)
    printf("   %-9s %8.1f ms", spec->class_name[ways[w].encrypted[i]], ways[w].infer_ms[i]);
  printf("\n");
}

static void print_lines(const demo_way *ways, size_t count) {
  printf("%-10s %-10s %5s %5s %9s %9s %8s %8s %7s\n", "", "", "", "boot-", "evalua-", "image",
         "answer", "keys", "server");
  printf("%-10s %-10s %5s %5s %9s %9s %8s %8s %7s\n", "network", "parameters", "bits", "strap",
         "tion key", "sent", "sent", "made in", "memory");
  for (size_t w = 0; w < count; w++) print_way(&ways[w]);
  printf("\nAnswers under encryption, %zu threads, %s:\n%-20s %-9s", ways[0].threads,
         ways[0].backend, "image", "is");
  for (size_t w = 0; w < count; w++) printf("   %-9s %11s", ways[w].name, "infer");
  printf("\n");
  for (size_t i = 0; i < DEMO_SAMPLES; i++) print_sample(ways, count, i);
  printf("\n");
  for (size_t w = 0; w < count; w++)
    printf("%-8s %d of %d right, %d as in the clear; %.1f ms to encrypt, %.1f ms to infer\n",
           ways[w].name, right(&ways[w]), DEMO_SAMPLES, same(&ways[w]), median(ways[w].encrypt_ms),
           median(ways[w].infer_ms));
}

static void put_way(const demo_way *w) {
  const ppml_params *p = w->circuit.params;
  json_begin(NULL, '{');
  json_text("activation", w->name);
  json_integer("right", right(w));
  json_integer("as_in_the_clear", same(w));
  json_real("infer_ms", median(w->infer_ms));
  json_real("keygen_ms", w->keygen_ms);
  json_text("params", p->name);
  json_real("security_bits", ppml_params_security_bits(p));
  json_integer("pbs_per_image", (int64_t)ppml_circuit_pbs_count(&w->circuit));
  json_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(p));
  json_text("backend", w->backend);
  json_end('}');
}

static void print_json(const demo_way *ways, size_t count) {
  json_begin(NULL, '{');
  json_integer("images", DEMO_SAMPLES);
  json_begin("ways", '[');
  for (size_t w = 0; w < count; w++) put_way(&ways[w]);
  json_end(']');
  json_end('}');
}

/* ------------------------------------------------------------------ sample */

/* One of the built-in images as a PGM: an average, no patient's, to try the other commands on. */
static int write_sample(const char *path) {
  enum { SAMPLE = DEMO_SAMPLES - 1, SIDE = 28 };
  static file_output output;
  static const char header[] = "P5 28 28 255\n";
  if (file_create(&output, path, 0666) != NULL) return save_fail(&output, path);
  (void)file_write(&output, header, sizeof header - 1);
  (void)file_write(&output, demo_pixels[SAMPLE], SIDE * SIDE);
  return file_commit(&output) ? save_fail(&output, path) : CLI_OK;
}

/* ----------------------------------------------------------------- command */

/* A set that no built-in network is for. */
static int refuse_set(const ppml_params *params) {
  return cli_fail(CLI_USAGE, params->name,
                  "no built-in network for a set of latents (expected another, or ppml train)");
}

/* Both networks, or the one that a set is for.
 *   ways   [DEMO_WAYS], zeros
 *   count  out: those that were opened */
static int demo(demo_way *ways, size_t *count, const demo_request *r) {
  int status = CLI_OK, wrong = 0;
  for (size_t n = 0; n < DEMO_WAYS && status == CLI_OK; n++) {
    if (r->params && (r->params->kind == PPML_SET_LEVELED) != demo_networks[n].is_leveled) continue;
    demo_way *w = &ways[(*count)++];
    status = way_open(w, &demo_networks[n], r->params);
    if (status == CLI_OK) status = way_run(w, r);
    wrong += DEMO_SAMPLES - right(w);
  }
  if (status) return status;
  if (r->json) print_json(ways, *count);
  else print_lines(ways, *count);
  return wrong ? cli_fail(CLI_INTERNAL, "demo", "%d answers are wrong", wrong) : CLI_OK;
}

int cmd_demo(int argc, char **argv) {
  demo_request r;
  static demo_way ways[DEMO_WAYS];
  size_t count = 0;
  int status = parse(&r, argc, argv);
  if (status == CLI_OK && r.params &&
      (r.params->kind == PPML_SET_POOLED || r.params->kind == PPML_SET_BRIDGED ||
       r.params->kind == PPML_SET_COMPACT))
    return refuse_set(r.params);
  if (status == CLI_OK && r.sample_path) return write_sample(r.sample_path);
  if (status == CLI_OK) status = demo(ways, &count, &r);
  for (size_t w = 0; w < count; w++)
    if (ways[w].arena.memory) cli_arena_destroy(&ways[w].arena);
  return status;
}
