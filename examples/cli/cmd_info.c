/* ppml info: what a file is; never a secret. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "load.h"

static int info_model(const char *path, int json) {
  ppml_model model;
  ppml_arena arena;
  int status = load_model(&model, path, &arena);
  if (status) return status;
  describe_model(&model, json);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

static int info_circuit(const char *path, int json) {
  ppml_circuit circuit;
  ppml_arena arena;
  int status = load_circuit(&circuit, path, &arena);
  if (status) return status;
  describe_circuit(&circuit, -1, json);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

static int info_client(const char *path, int json) {
  ppml_client client;
  int status = load_client(&client, path);
  if (status == CLI_OK) describe_client(&client, PPML_KIND_CLIENT, json);
  return status;
}

/* Of a secret key the client spec alone is shown. */
static int info_secret_key(const char *path, int json) {
  ppml_secret_key key;
  int status = load_secret_key(&key, path);
  if (status == CLI_OK) describe_client(&key.client, PPML_KIND_SECRET_KEY, json);
  ppml_secret_key_wipe(&key);
  return status;
}

static int info_input(const char *path, int json) {
  ppml_input input;
  ppml_arena arena;
  int status = load_input(&input, path, &arena);
  if (status) return status;
  describe_input(&input, json);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

static int info_output(const char *path, int json) {
  ppml_output output;
  ppml_arena arena;
  int status = load_output(&output, path, &arena);
  if (status) return status;
  describe_output(&output, json);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

static int info_eval_key(const ppml_header *header, const char *path, int json) {
  int status = load_check(path, "an evaluation key");
  if (status == CLI_OK) describe_eval_key(header, json);
  return status;
}

static int info_file(const char *path, int json) {
  ppml_header header;
  int status = load_header(&header, path);
  if (status) return status;
  switch (header.kind) {
  case PPML_KIND_MODEL:
    return info_model(path, json);
  case PPML_KIND_CIRCUIT:
    return info_circuit(path, json);
  case PPML_KIND_CLIENT:
    return info_client(path, json);
  case PPML_KIND_SECRET_KEY:
    return info_secret_key(path, json);
  case PPML_KIND_EVAL_KEY:
    return info_eval_key(&header, path, json);
  case PPML_KIND_INPUT:
    return info_input(path, json);
  default:
    return info_output(path, json);
  }
}

int cmd_info(int argc, char **argv) {
  args a = args_make(argc, argv);
  int json = args_flag(&a, "--json"), params = args_flag(&a, "--params");
  int status = args_end(&a, params ? 0 : 1, params ? 0 : 1);
  if (status) return status;
  if (!params) return info_file(a.value[0], json);
  describe_params_table(json);
  return CLI_OK;
}
