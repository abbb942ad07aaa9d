/* ppml simulate: what encryption would do to a network's answers, from the noise formulas
 * alone. */
#include <stdio.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "json.h"
#include "learning.h"
#include "load.h"
#include "plan.h"
#include "predict.h"
#include "split.h"

typedef struct simulate_request {
  const char *network_path;
  split_request images;
  ppml_compile_options options;
  int has_agreement, has_params; /* they were given */
  size_t draws;
  uint64_t seed;
  int json;
} simulate_request;

static int parse(simulate_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  split_options(&r->images, &a);
  r->draws = args_size(&a, "--draws", 2, 1000000, 0);
  r->seed = args_number(&a, "--seed", 0, UINT64_MAX, 1);
  r->json = args_flag(&a, "--json");
  r->has_agreement = args_has(&a, "--agreement");
  r->has_params = args_has(&a, "--params");
  int chosen = plan_options(&r->options, &a);
  int status = args_end(&a, 2, 2);
  if (status) return status;
  r->network_path = a.value[0];
  r->images.path = a.value[1];
  return chosen;
}

/* The agreement that is asked for: what the options say, else what the circuit promises, else what
 * the planner would have wanted. */
static double wanted(const simulate_request *r, const ppml_circuit *c) {
  if (r->has_agreement) return r->options.agreement;
  return c->agreement > 0 ? c->agreement : ppml_compile_options_default(&c->model.spec).agreement;
}

/* The least that will do.  A promise is about images like those of training; these are some of
 * them, of which chance changes more or fewer, and verify grants it the same. */
static double least(const simulate_request *r, const ppml_circuit *c, size_t images) {
  double agreement = wanted(r, c);
  return r->has_agreement ? agreement : prediction_least_agreement(agreement, images);
}

/* ------------------------------------------------------------------ report */

/* What compile says of the circuit, without images. */
static void formula_json(const ppml_circuit *c) {
  ppml_noise noise;
  ppml_circuit_noise(&noise, c);
  json_real("agreement_formula", 1 - noise.changed_answers);
  json_real("score_error_std_formula", noise.score);
}

static void formula_line(const ppml_circuit *c) {
  ppml_noise noise;
  ppml_circuit_noise(&noise, c);
  printf("by compile's formulas, without images: agreement %.4f, score noise %.4g\n",
         1 - noise.changed_answers, noise.score);
}

static void report_json(const prediction *p, const ppml_circuit *c, const simulate_request *r) {
  json_begin(NULL, '{');
  describe_network_json(&c->model);
  json_text("params", c->params->name);
  json_real("agreement_wanted", wanted(r, c));
  formula_json(c);
  json_begin(r->images.name, '{');
  json_integer("images", (int64_t)p->images);
  json_real("accuracy", p->accuracy.expected);
  json_real("accuracy_clear", score_accuracy(&p->clear));
  json_real("auc", score_auc(&p->simulated));
  json_real("auc_clear", score_auc(&p->clear));
  prediction_json(p);
  json_end('}');
  json_end('}');
}

static void report_lines(const prediction *p, const ppml_circuit *c) {
  printf("%zu images, %zu draws each, parameters %s\n", p->images, p->draws, c->params->name);
  printf("%-12s %9s %7s\n", "", "accuracy", "AUC");
  printf("%-12s %9.4f %7.4f\n", "clear", score_accuracy(&p->clear), score_auc(&p->clear));
  printf("%-12s %9.4f %7.4f\n", "simulated", p->accuracy.expected, score_auc(&p->simulated));
  prediction_lines(p);
  formula_line(c);
}

/* ------------------------------------------------------------------- command */

static int simulate(const simulate_request *r, const ppml_circuit *c, const npz_split *split) {
  prediction p;
  int status = prediction_make(&p, c, split, r->draws, r->seed);
  if (status == CLI_OK && r->json) report_json(&p, c, r);
  if (status == CLI_OK && !r->json) report_lines(&p, c);
  if (status == CLI_OK && p.agreement.expected < least(r, c, p.images))
    status = cli_fail(CLI_REFUSED, r->network_path,
                      "expected agreement %.4f with %s, score noise %.4g (expected at least %.4f)",
                      p.agreement.expected, c->params->name, p.score_error.expected,
                      least(r, c, p.images));
  prediction_destroy(&p);
  return status;
}

static int simulate_data(const simulate_request *r, const ppml_circuit *c) {
  npz_split split;
  ppml_arena arena;
  int status = split_load(&split, &r->images, &c->model.spec, &arena);
  if (status) return status;
  status = simulate(r, c, &split);
  cli_arena_destroy(&arena);
  return status;
}

/* A set that was named is taken as it is: the simulation says whether it will do. */
static int simulate_model(const simulate_request *r) {
  ppml_model model;
  ppml_circuit circuit;
  ppml_arena model_arena, arena;
  ppml_compile_options options = r->options;
  if (options.params) options.agreement = 0;
  int status = load_model(&model, r->network_path, &model_arena);
  if (status) return status;
  status = plan_circuit(&circuit, &model, &options, r->network_path, &arena);
  if (status == CLI_OK) {
    status = simulate_data(r, &circuit);
    cli_arena_destroy(&arena);
  }
  cli_arena_destroy(&model_arena);
  return status;
}

static int simulate_circuit(const simulate_request *r) {
  ppml_circuit circuit;
  ppml_arena arena;
  if (r->has_params)
    return cli_fail(CLI_USAGE, r->network_path, "a circuit has its parameters (expected a model)");
  int status = load_circuit(&circuit, r->network_path, &arena);
  if (status) return status;
  status = simulate_data(r, &circuit);
  cli_arena_destroy(&arena);
  return status;
}

int cmd_simulate(int argc, char **argv) {
  simulate_request r;
  ppml_header header;
  args a = args_make(argc, argv);
  if (args_has(&a, "--learn")) return learning_simulate(argc, argv);
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_header(&header, r.network_path);
  if (status) return status;
  return header.kind == PPML_KIND_CIRCUIT ? simulate_circuit(&r) : simulate_model(&r);
}
