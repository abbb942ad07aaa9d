/* ppml encrypt --training and --features: rows to learn from, and images for an encrypted model. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "learning.h"
#include "ledger.h"
#include "outputs.h"
#include "pool.h"

typedef struct rows_request {
  const char *key_path, *map_path, *data_path, *out_path;
  char ledger_path[FILE_PATH_BYTES];
  split_request images;
  ppml_learn_options options;
  size_t threads;
  int has_labels, from_dataset, fit;
} rows_request;

static int parse(rows_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  const char *training = args_text(&a, "--training"), *features = args_text(&a, "--features");
  r->key_path = args_required(&a, "--secret-key");
  r->out_path = args_output(&a, "-o");
  const char *requests = args_text(&a, "--requests");
  int has_split = args_has(&a, "--split");
  r->fit = args_flag(&a, "--fit");
  load_take_view(&a);
  split_options(&r->images, &a);
  learning_options(&r->options, &a);
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  int status = args_end(&a, 1, 1);
  if (status) return status;
  if (training && features)
    return cli_fail(CLI_USAGE, "encrypt", "--training and --features (expected one of them)");
  r->has_labels = training != NULL;
  r->images.options.cuts = r->has_labels; /* validation images stay out of training */
  r->from_dataset = training || has_split;
  if (training && !has_split) r->images.name = npz_split_name(NPZ_TRAIN);
  r->map_path = training ? training : features;
  r->data_path = r->images.path = a.value[0];
  return ledger_path(r->ledger_path, requests, r->key_path);
}

/* What the rows are made of. */
typedef struct rows_data {
  ppml_features map;
  learning_images images;
  ppml_arena map_arena, images_arena;
  ppml_training_plan plan;
  ppml_arena plan_arena;
} rows_data;

/* The images, with labels where they are to be learnt from. */
static int load_images(rows_data *d, const rows_request *r) {
  const ppml_spec *spec = &d->map.spec;
  const uint8_t *pixels = NULL;
  npz_split split;
  if (r->from_dataset) {
    int status = split_load(&split, &r->images, spec, &d->images_arena);
    if (status) return status;
    learning_images_of(&d->images, split.images, r->has_labels ? split.labels : NULL, split.count,
                       ppml_spec_inputs(spec));
    return CLI_OK;
  }
  int status = load_image(&pixels, r->data_path, spec, r->fit, &d->images_arena);
  if (status == CLI_OK) learning_images_of(&d->images, pixels, NULL, 1, ppml_spec_inputs(spec));
  return status;
}

static int make_plan(rows_data *d, const rows_request *r, ppml_rng *rng) {
  const ppml_image_source *source = &d->images.source;
  int status =
      cli_arena_create(&d->plan_arena, ppml_training_plan_make_bytes(&d->map, source, &r->options));
  if (status) return status;
  int error = ppml_training_plan_make(&d->plan, &d->map, source, &r->options, rng, &d->plan_arena);
  return error ? learning_plan_fail(error, r->data_path) : CLI_OK;
}

/* Images that are to be classified are noted in the ledger before their file appears. */
static int commit(file_output *output, const rows_request *r, const ppml_request *request,
                  const ppml_secret_key *key) {
  char name[LEDGER_NAME_BYTES];
  if (!r->has_labels) {
    if (r->from_dataset) snprintf(name, sizeof name, "%s %s", r->data_path, r->images.name);
    else snprintf(name, sizeof name, "%s", r->data_path);
    int status = ledger_add(r->ledger_path, request, key->id, name);
    if (status) return status;
  }
  return outputs_commit(output, &r->out_path, 1);
}

static int write_rows(file_output *output, ppml_request *request, rows_data *d,
                      const rows_request *r, const ppml_secret_key *key, ppml_rng *rng,
                      const ppml_parallel *parallel) {
  ppml_arena arena;
  ppml_writer writer = save_writer(output);
  ppml_progress progress = cli_progress("encrypting rows");
  int status =
      cli_arena_create(&arena, ppml_training_encrypt_bytes(&d->plan, &d->map, parallel->threads));
  if (status) return status;
  int error = ppml_training_encrypt(&writer, request, &d->plan, &d->map, &d->images.source, key,
                                    rng, parallel, &progress, &arena);
  cli_arena_destroy(&arena);
  if (error == PPML_ERR_IO) return save_fail(output, r->out_path);
  if (error == PPML_ERR_MISMATCH)
    return cli_fail(CLI_REFUSED, r->key_path,
                    "is of another feature map (expected a key of ppml keygen %s)", r->map_path);
  return error ? cli_fail_ppml(error, r->data_path, "images") : CLI_OK;
}

static int encrypt(rows_data *d, const rows_request *r, const ppml_secret_key *key, ppml_rng *rng) {
  static file_output output;
  ppml_request request;
  pool threads;
  int status = make_plan(d, r, rng);
  if (status == CLI_OK) status = pool_start(&threads, r->threads);
  if (status) return status;
  status = outputs_begin(&output, r->out_path, 0666);
  if (status == CLI_OK) status = write_rows(&output, &request, d, r, key, rng, &threads.parallel);
  if (status == CLI_OK) status = commit(&output, r, &request, key);
  file_abort(&output);
  pool_stop(&threads);
  return status;
}

static void report(const rows_data *d, const rows_request *r) {
  size_t images = d->images.source.count, bytes = ppml_training_wire_bytes(&d->plan);
  if (r->has_labels)
    printf("%zu images became %llu rows of %u features for %s:\n%zu bytes, %zu an image\n", images,
           (unsigned long long)d->plan.rows, d->plan.features - 1,
           learning_method_name(d->plan.method), bytes, bytes / images);
  else printf("%zu images of %u features: %zu bytes\n", images, d->plan.features - 1, bytes);
}

static int encrypt_with(const rows_request *r, const ppml_secret_key *key, ppml_rng *rng) {
  rows_data d;
  memset(&d, 0, sizeof d);
  int status = load_features(&d.map, r->map_path, &d.map_arena);
  if (status == CLI_OK) status = load_images(&d, r);
  if (status == CLI_OK) status = encrypt(&d, r, key, rng);
  if (status == CLI_OK && strcmp(r->out_path, "-") != 0) report(&d, r);
  cli_arena_destroy(&d.plan_arena);
  cli_arena_destroy(&d.images_arena);
  cli_arena_destroy(&d.map_arena);
  return status;
}

int learning_encrypt(int argc, char **argv) {
  static rows_request r;
  keyring key;
  ppml_rng rng;
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_secret_key(&key, r.key_path);
  if (status) return status;
  status = cli_rng(&rng);
  if (status == CLI_OK) status = encrypt_with(&r, &key.secret, &rng);
  ppml_rng_wipe(&rng);
  keyring_wipe(&key);
  return status;
}
