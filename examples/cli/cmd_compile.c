/* ppml compile: a model laid out for encryption, and the spec its clients hold. */
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
  int json, calibrates;
} compile_request;

static int parse(compile_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->circuit_path = args_output(&a, "-o");
  r->client_path = args_output(&a, "--client");
  r->json = args_flag(&a, "--json");
  r->calibrates = !args_flag(&a, "--no-calibration");
  int chosen = plan_options(&r->options, &a);
  r->options.publish = plan_publish(&a);
  int status = args_end(&a, 1, 1);
  if (status == CLI_OK) r->model_path = a.value[0];
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

static int compile(const compile_request *r, const ppml_model *model) {
  ppml_arena arena;
  ppml_circuit circuit;
  int status = plan_circuit(&circuit, model, &r->options, r->model_path, &arena);
  if (status) return status;
  status = save_both(r, &circuit);
  if (status == CLI_OK)
    describe_circuit(&circuit, r->calibrates ? measure_circuit_ms(&circuit) : -1, r->json);
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
  status = compile(&r, &model);
  cli_arena_destroy(&arena);
  return status;
}
