/* ppml keygen: a client's secret key, and the evaluation key that goes to the server. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "keyring.h"
#include "learning.h"
#include "load.h"
#include "outputs.h"
#include "pool.h"

typedef struct keygen_request {
  const char *client_path, *secret_path, *eval_path;
  size_t threads;
  int learns; /* keys for a feature map */
} keygen_request;

static int parse(keygen_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  int force = args_flag(&a, "--force");
  r->secret_path = args_key_output(&a, "--secret-key", force);
  r->eval_path = args_has(&a, "--eval-key") ? args_output(&a, "--eval-key") : NULL;
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  int status = args_end(&a, 1, 1);
  if (status == CLI_OK) r->client_path = a.value[0];
  return status;
}

/* Streams the evaluation key to its file as it is made. */
static int write_eval_key(file_output *output, const keygen_request *r, const ppml_secret_key *key,
                          ppml_rng *rng) {
  pool threads;
  ppml_arena arena;
  ppml_writer writer = save_writer(output);
  ppml_progress progress = cli_progress("evaluation key");
  int status = pool_start(&threads, r->threads);
  if (status) return status;
  status = cli_arena_create(&arena, ppml_eval_key_generate_bytes(key->client->params, r->threads));
  if (status == CLI_OK) {
    int error = ppml_eval_key_generate(&writer, key, rng, &threads.parallel, &progress, &arena);
    if (error)
      status = error == PPML_ERR_IO ? save_fail(output, r->eval_path)
                                    : cli_fail_ppml(error, r->eval_path, "memory");
    cli_arena_destroy(&arena);
  }
  pool_stop(&threads);
  return status;
}

/* Both files appear or neither does; the secret key first: a server cannot hold a key that nobody
 * can decrypt for. */
static int write_keys(file_output *outputs, const keygen_request *r, const ppml_secret_key *key,
                      ppml_rng *rng) {
  ppml_writer writer = save_writer(&outputs[0]);
  if (ppml_keyring_write(key, &writer) != PPML_OK) return save_fail(&outputs[0], r->secret_path);
  int status = r->learns ? learning_write_key(&outputs[1], r->eval_path, key, r->threads, rng)
                         : write_eval_key(&outputs[1], r, key, rng);
  const char *const paths[] = {r->secret_path, r->eval_path};
  return status ? status : outputs_commit(outputs, paths, 2);
}

/* The secret key alone. */
static int write_secret_key(file_output *output, const char *path, const ppml_secret_key *key) {
  ppml_writer writer = save_writer(output);
  if (ppml_keyring_write(key, &writer) == PPML_OK) return outputs_commit(output, &path, 1);
  int status = save_fail(output, path);
  file_abort(output);
  return status;
}

static int keygen(const keygen_request *r, const ppml_secret_key *key, ppml_rng *rng) {
  static file_output outputs[2]; /* each some 12 KB */
  int status = outputs_begin(&outputs[0], r->secret_path, 0600);
  if (status) return status;
  if (r->eval_path == NULL) return write_secret_key(&outputs[0], r->secret_path, key);
  status = outputs_begin(&outputs[1], r->eval_path, 0666);
  if (status == CLI_OK) status = write_keys(outputs, r, key, rng);
  file_abort(&outputs[0]);
  file_abort(&outputs[1]);
  return status;
}

/* The client spec that keys are made for: a file of it, or what goes with a feature map. */
static int load_spec(ppml_client *client, keygen_request *r) {
  ppml_header header;
  ppml_features map;
  ppml_arena arena;
  int status = load_header(&header, r->client_path);
  if (status) return status;
  r->learns = header.kind == PPML_KIND_FEATURES;
  if (!r->learns) return load_client(client, r->client_path);
  status = load_features(&map, r->client_path, &arena);
  if (status) return status;
  ppml_client_from_features(client, &map);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

/* Is an evaluation key asked for where there is one, and nowhere else? */
static int check_eval_path(const keygen_request *r, const ppml_client *client) {
  int is_keyless = ppml_eval_key_wire_bytes(client->params) == 0;
  if (is_keyless && r->eval_path)
    return cli_fail(CLI_USAGE, r->client_path,
                    "the set %s needs no evaluation key (expected no --eval-key)",
                    client->params->name);
  if (!is_keyless && !r->eval_path)
    return cli_fail(CLI_USAGE, "keygen", "missing option --eval-key (see ppml keygen --help)");
  return CLI_OK;
}

int cmd_keygen(int argc, char **argv) {
  keygen_request r;
  keyring key;
  ppml_rng rng;
  int status = parse(&r, argc, argv);
  if (status) return status;
  keyring_hold(&key);
  status = load_spec(&key.client, &r);
  if (status == CLI_OK) status = check_eval_path(&r, &key.client);
  if (status == CLI_OK) status = cli_rng(&rng);
  if (status) return status;
  int error = keyring_make(&key, &rng);
  status =
      error ? cli_fail_ppml(error, "key generation", "entropy") : keygen(&r, &key.secret, &rng);
  int prints = strcmp(r.secret_path, "-") != 0 && (!r.eval_path || strcmp(r.eval_path, "-") != 0);
  if (status == CLI_OK && prints) describe_key(&key.secret); /* else standard output is a key */
  keyring_wipe(&key);
  ppml_rng_wipe(&rng);
  return status;
}
