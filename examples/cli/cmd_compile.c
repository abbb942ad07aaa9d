/* ppml compile: a model laid out for encryption, and the spec its clients hold. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "load.h"

typedef struct compile_request {
  const char *model_path, *circuit_path, *client_path;
  const ppml_params *params; /* NULL: choose */
  int json;
} compile_request;

static int parse(compile_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  const char *params = args_text(&a, "--params");
  r->circuit_path = args_required(&a, "-o");
  r->client_path = args_required(&a, "--client");
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->model_path = a.value[0];
  r->params = params ? ppml_params_by_name(params) : NULL;
  if (params && r->params == NULL && strcmp(params, "auto") != 0)
    return cli_fail(CLI_USAGE, params,
                    "no such parameter set (expected auto or one of ppml info "
                    "--params)");
  return CLI_OK;
}

/* Writes both files; neither appears unless both were written to their end. */
static int save_both(const compile_request *r, const ppml_circuit *circuit) {
  static file_output outputs[2];
  ppml_client client;
  ppml_client_from_circuit(&client, circuit);
  if (file_create(&outputs[0], r->circuit_path, 0666))
    return save_fail(&outputs[0], r->circuit_path);
  if (file_create(&outputs[1], r->client_path, 0666)) {
    file_abort(&outputs[0]);
    return save_fail(&outputs[1], r->client_path);
  }
  ppml_writer circuit_writer = save_writer(&outputs[0]), client_writer = save_writer(&outputs[1]);
  if (ppml_circuit_write(circuit, &circuit_writer) != PPML_OK) {
    file_abort(&outputs[1]);
    return save_fail(&outputs[0], r->circuit_path);
  }
  if (ppml_client_write(&client, &client_writer) != PPML_OK || file_commit(&outputs[1])) {
    file_abort(&outputs[0]);
    return save_fail(&outputs[1], r->client_path);
  }
  return file_commit(&outputs[0]) ? save_fail(&outputs[0], r->circuit_path) : CLI_OK;
}

/* Says why the set that was asked for does not carry the network. */
static int refuse(const compile_request *r, const ppml_model *model, int error) {
  const char *reason = r->params && r->params->exact ? ppml_exact_refusal(model) : NULL;
  if (reason) return cli_fail(CLI_REFUSED, r->model_path, "%s", reason);
  return cli_fail_ppml(error, r->model_path, "a network that fits the torus");
}

static int compile(const compile_request *r, const ppml_model *model) {
  ppml_arena arena;
  ppml_circuit circuit;
  int status = cli_arena_create(&arena, ppml_compile_bytes(model));
  if (status) return status;
  int error = ppml_compile(&circuit, model, r->params, &arena);
  if (error) status = refuse(r, model, error);
  else status = save_both(r, &circuit);
  if (status == CLI_OK) describe_circuit(&circuit, r->json);
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
