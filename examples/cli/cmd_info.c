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
  keyring key;
  int status = load_secret_key(&key, path);
  if (status == CLI_OK) describe_client(&key.client, PPML_KIND_KEYRING, json);
  keyring_wipe(&key);
  return status;
}

static int info_lone_key(const ppml_header *header, const char *path, int json) {
  int status = load_check(path, "a secret key");
  if (status == CLI_OK) describe_lone_key(header, json);
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

static int info_features(const char *path, int json) {
  ppml_features map;
  ppml_arena arena;
  int status = load_features(&map, path, &arena);
  if (status) return status;
  describe_features(&map, json);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

static int info_learnt(const char *path, int json) {
  ppml_learnt learnt;
  ppml_arena arena;
  int status = load_learnt(&learnt, path, &arena);
  if (status) return status;
  describe_learnt(&learnt, json);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

/* Training sets and sums are read through, and never held. */
static int info_training(const ppml_header *header, const char *path, int json) {
  ppml_limits limits = ppml_limits_default();
  ppml_training training;
  stream_file file;
  int status = load_check(path, "a training set");
  if (status == CLI_OK) status = stream_open(&file, path, "a training set");
  if (status) return status;
  int error = ppml_training_read(&training, &file.reader, &limits);
  stream_close(&file);
  if (error) return cli_fail_ppml(error, path, "a training set");
  describe_training(&training, header->kind, json);
  return CLI_OK;
}

static int info_of_learning(const ppml_header *header, const char *path, int json) {
  int status = load_check(path, "a ppml file");
  if (status == CLI_OK) describe_of_learning(header, json);
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
  case PPML_KIND_KEYRING:
    return info_secret_key(path, json);
  case PPML_KIND_SECRET_KEY:
    return info_lone_key(&header, path, json);
  case PPML_KIND_EVAL_KEY:
    return info_eval_key(&header, path, json);
  case PPML_KIND_INPUT:
    return info_input(path, json);
  case PPML_KIND_OUTPUT:
    return info_output(path, json);
  case PPML_KIND_FEATURES:
    return info_features(path, json);
  case PPML_KIND_TRAINING:
  case PPML_KIND_SUMS:
    return info_training(&header, path, json);
  case PPML_KIND_LEARNT:
    return info_learnt(path, json);
  default:
    return info_of_learning(&header, path, json);
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
