/* ppml compile: a model laid out for encryption, and the spec its clients hold. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "load.h"
#include "measure.h"
#include "outputs.h"
#include "plan.h"

typedef struct compile_request {
  const char *model_path, *circuit_path, *client_path;
  ppml_compile_options options;
  int json, calibrates, decides;
} compile_request;

/* Takes --output out: scores, or the class alone. */
static int parse_output(int *decides, args *a) {
  const char *output = args_text(a, "--output");
  *decides = output && strcmp(output, "class") == 0;
  if (*decides || output == NULL || strcmp(output, "scores") == 0) return CLI_OK;
  return cli_fail(CLI_USAGE, "compile", "--output %s (expected scores or class)", output);
}

static int parse(compile_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->circuit_path = args_output(&a, "-o");
  r->client_path = args_output(&a, "--client");
  r->json = args_flag(&a, "--json");
  r->calibrates = !args_flag(&a, "--no-calibration");
  int chosen = plan_options(&r->options, &a);
  if (chosen == CLI_OK) chosen = parse_output(&r->decides, &a);
  r->options.publish = plan_publish(&a);
  int status = args_end(&a, 1, 1);
  if (status == CLI_OK) r->model_path = a.value[0];
  if (status == CLI_OK && chosen == CLI_OK && r->decides && r->options.publish)
    return cli_fail(
        CLI_USAGE, "compile",
        "--publish of a class (expected --output scores: a class alone may be published, "
        "until renew_after)");
  return status ? status : chosen;
}

static int write_both(file_output *outputs, const compile_request *r, const ppml_circuit *circuit) {
  const char *const paths[] = {r->circuit_path, r->client_path};
  ppml_client client;
  ppml_writer circuit_writer = save_writer(&outputs[0]), client_writer = save_writer(&outputs[1]);
  ppml_client_from_circuit(&client, circuit);
  if (ppml_circuit_write(circuit, &circuit_writer) != PPML_OK)
    return save_fail(&outputs[0], r->circuit_path);
  if (ppml_client_write(&client, &client_writer) != PPML_OK)
    return save_fail(&outputs[1], r->client_path);
  return outputs_commit(outputs, paths, 2);
}

/* Writes both files, or neither. */
static int save_both(const compile_request *r, const ppml_circuit *circuit) {
  static file_output outputs[2];
  int status = outputs_begin(&outputs[0], r->circuit_path, 0666);
  if (status) return status;
  status = outputs_begin(&outputs[1], r->client_path, 0666);
  if (status == CLI_OK) status = write_both(outputs, r, circuit);
  file_abort(&outputs[0]);
  file_abort(&outputs[1]);
  return status;
}

/* ---------------------------------------------------------- a slow choice */

/* The last set that auto tries before exact, the slowest by far: ten times what that one takes. */
static const ppml_params *set_before_exact(void) {
  const ppml_params *p, *before = NULL;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL && p->kind != PPML_SET_EXACT; i++)
    if (p->kind == PPML_SET_ROUNDED && p->key_block_ones == 0) before = p;
  return before;
}

/* "about 930 ms an image and a key of 65 MB", without the time where it is not known. */
static void say_cost(char *text, size_t bytes, const ppml_circuit *c, int calibrates) {
  double ms = calibrates ? measure_circuit_ms(c) : -1;
  double key = (double)ppml_eval_key_wire_bytes(c->params) / 1e6;
  if (ms < 0) snprintf(text, bytes, "a key of %.0f MB", key);
  else snprintf(text, bytes, "about %.0f ms an image and a key of %.0f MB", ms, key);
}

/* Where auto had to take the exact set: what that costs beside the set before, and what avoids it. */
static void note_exact(const compile_request *r, const ppml_circuit *c) {
  char now[80], then[80];
  ppml_noise noise;
  ppml_circuit other;
  ppml_arena arena;
  const ppml_params *before = set_before_exact();
  const ppml_compile_options options = ppml_compile_options_for(before);
  if (cli_arena_create(&arena, ppml_compile_bytes(&c->model))) return;
  say_cost(now, sizeof now, c, r->calibrates);
  fprintf(stderr, "ppml: %s: only the set exact will do: %s", r->model_path, now);
  if (ppml_compile(&other, &c->model, &options, NULL, &arena) == PPML_OK) {
    say_cost(then, sizeof then, &other, r->calibrates);
    ppml_circuit_noise(&noise, &other);
    double agreement = floor((1 - noise.changed_answers) * 1e4) / 1e4;
    fprintf(stderr, ", where %s, with %s, keeps %.4f of the answers (--agreement %.4f avoids it, ",
            before->name, then, agreement, agreement);
  } else {
    fprintf(stderr, " (");
  }
  fprintf(stderr, "or squares: train --activation square)\n");
  cli_arena_destroy(&arena);
}

static int compile(const compile_request *r, const ppml_model *model) {
  ppml_arena arena;
  ppml_circuit circuit;
  int status = plan_circuit(&circuit, model, &r->options, r->model_path, &arena);
  if (status) return status;
  status = save_both(r, &circuit);
  if (status == CLI_OK) {
    double ms = r->calibrates ? measure_circuit_ms(&circuit) : -1;
    describe_circuit(&circuit, ms, r->json);
    if (circuit.params->kind == PPML_SET_EXACT && r->options.params == NULL)
      note_exact(r, &circuit);
  }
  cli_arena_destroy(&arena);
  return status;
}

/* The network that tells the class in place of scores. */
static int compile_decided(const compile_request *r, const ppml_model *model) {
  const char *reason;
  ppml_arena arena;
  ppml_model decided;
  int status = cli_arena_create(&arena, ppml_decide_bytes(model));
  if (status) return status;
  int error = ppml_decide(&decided, model, &reason, &arena);
  if (error == PPML_OK) status = compile(r, &decided);
  else if (reason)
    status = cli_fail(CLI_REFUSED, r->model_path, "%s (expected --output scores)", reason);
  else status = cli_fail_ppml(error, r->model_path, "a valid network");
  cli_arena_destroy(&arena);
  return status;
}

int cmd_compile(int argc, char **argv) {
  compile_request r;
  ppml_model model;
  ppml_arena arena;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load_model(&model, r.model_path, &arena);
  if (status) return status;
  status = r.decides ? compile_decided(&r, &model) : compile(&r, &model);
  cli_arena_destroy(&arena);
  return status;
}
