/* ppml decrypt -o: an encrypted model becomes an ordinary one; and ppml infer by one that stays
 * encrypted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "learning.h"
#include "outputs.h"
#include "pool.h"

/* -------------------------------------------------------------------- open */

typedef struct open_request {
  const char *key_path, *map_path, *learnt_path, *out_path;
  double ridge;
} open_request;

static int parse(open_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->key_path = args_required(&a, "--secret-key");
  r->map_path = args_required(&a, "--features");
  r->out_path = args_output(&a, "-o");
  r->ridge = args_real(&a, "--ridge", 0, 1e6, ppml_learn_options_default().ridge);
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->learnt_path = a.value[0];
  return CLI_OK;
}

/* The weights of an encrypted model.
 *   weights  out: the caller frees them */
static int open_weights(double **weights, const ppml_learnt *learnt, const open_request *r,
                        const ppml_secret_key *key) {
  ppml_arena arena;
  int status = cli_arena_create(&arena, ppml_learnt_weights_bytes(learnt));
  if (status) return status;
  *weights = (double *)calloc((size_t)learnt->outputs * learnt->features, sizeof **weights);
  int error =
      *weights ? ppml_learnt_weights(*weights, learnt, key, r->ridge, &arena) : PPML_ERR_NOMEM;
  cli_arena_destroy(&arena);
  if (error == PPML_ERR_RANGE)
    return cli_fail(CLI_DATA, r->learnt_path,
                    "holds moments that cannot be solved for weights (expected those of rows "
                    "under this key, or a larger --ridge)");
  return error ? cli_fail_ppml(error, r->learnt_path, "an encrypted model under this secret key")
               : CLI_OK;
}

static int open_model(const open_request *r, const ppml_features *map, const ppml_learnt *learnt,
                      const ppml_secret_key *key) {
  double *weights = NULL;
  ppml_model model;
  ppml_arena arena;
  if (memcmp(map->id, learnt->map_id, PPML_ID_BYTES) != 0)
    return cli_fail(CLI_REFUSED, r->map_path, "is another feature map (expected the one of %s)",
                    r->learnt_path);
  int status = open_weights(&weights, learnt, r, key);
  if (status == CLI_OK) status = learning_model(&model, map, weights, r->learnt_path, &arena);
  if (status == CLI_OK) {
    status = save_model(&model, r->out_path);
    cli_arena_destroy(&arena);
  }
  free(weights);
  if (status == CLI_OK && strcmp(r->out_path, "-") != 0)
    printf("learnt by %s from %llu rows\n", learning_method_name(learnt->method),
           (unsigned long long)learnt->rows);
  return status;
}

int learning_open(int argc, char **argv) {
  open_request r;
  ppml_features map;
  ppml_learnt learnt;
  keyring key;
  ppml_arena map_arena = {0}, arena = {0};
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_secret_key(&key, r.key_path);
  if (status) return status;
  status = load_features(&map, r.map_path, &map_arena);
  if (status == CLI_OK) status = load_learnt(&learnt, r.learnt_path, &arena);
  if (status == CLI_OK) status = open_model(&r, &map, &learnt, &key.secret);
  cli_arena_destroy(&arena);
  cli_arena_destroy(&map_arena);
  keyring_wipe(&key);
  return status;
}

/* ------------------------------------------------------------------- infer */

static int classify(const ppml_learnt *learnt, const ppml_learning_key *key, stream_file *images,
                    const char *images_path, const char *out_path) {
  static file_output output;
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena;
  int status = cli_arena_create(&arena, ppml_classify_bytes(learnt));
  if (status) return status;
  status = outputs_begin(&output, out_path, 0666);
  ppml_writer writer = save_writer(&output);
  if (status == CLI_OK) {
    int error = ppml_classify(&writer, learnt, &images->reader, key, &limits, &arena);
    if (error)
      status = output.status ? save_fail(&output, out_path)
                             : cli_fail_ppml(error, images_path,
                                             "images encrypted for this model's map and key");
  }
  if (status == CLI_OK) status = outputs_commit(&output, &out_path, 1);
  file_abort(&output);
  cli_arena_destroy(&arena);
  return status;
}

/* By descent alone, and all of one key. */
static int check_model(const ppml_learnt *learnt, const ppml_learning_key *key,
                       const char *model_path, const char *key_path) {
  if (learnt->method != PPML_LEARN_DESCENT)
    return cli_fail(CLI_REFUSED, model_path,
                    "holds second moments, no weights (expected a model by --method descent)");
  if (memcmp(learnt->map_id, key->map_id, PPML_ID_BYTES) != 0 ||
      memcmp(learnt->key_id, key->key_id, PPML_ID_BYTES) != 0)
    return cli_fail(CLI_REFUSED, key_path,
                    "belongs to another map or secret key than %s (expected the learning key that "
                    "it was learnt with)",
                    model_path);
  return CLI_OK;
}

int learning_infer(const char *model_path, const char *key_path, const char *images_path,
                   const char *out_path, const char *backend, size_t threads) {
  ppml_learnt learnt;
  ppml_learning_key key;
  ppml_arena arena = {0}, key_arena = {0};
  stream_file images;
  pool workers;
  memset(&images, 0, sizeof images);
  int status = load_learnt(&learnt, model_path, &arena);
  if (status == CLI_OK) status = pool_start(&workers, threads);
  if (status) return status;
  status = learning_load_key(&key, key_path, 0, backend, &workers.parallel, &key_arena);
  if (status == CLI_OK) status = check_model(&learnt, &key, model_path, key_path);
  if (status == CLI_OK) status = stream_open(&images, images_path, "encrypted images");
  if (status == CLI_OK) status = classify(&learnt, &key, &images, images_path, out_path);
  stream_close(&images);
  cli_arena_destroy(&key_arena);
  cli_arena_destroy(&arena);
  pool_stop(&workers);
  return status;
}
