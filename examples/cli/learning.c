#include "learning.h"

#include <string.h>

#include "cli.h"
#include "pool.h"

/* ----------------------------------------------------------------- options */

static const char *const method_names[] = {NULL, "descent", "gram", "sums"};

const char *learning_method_name(uint32_t method) {
  return method <= PPML_LEARN_SUMS && method ? method_names[method] : "unknown";
}

uint32_t learning_method(args *a, uint32_t fallback) {
  const char *name = args_text(a, "--method");
  if (name == NULL) return fallback;
  for (uint32_t m = PPML_LEARN_DESCENT; m <= PPML_LEARN_SUMS; m++)
    if (strcmp(name, method_names[m]) == 0) return m;
  if (!a->failed)
    a->failed =
        cli_fail(CLI_USAGE, a->command, "--method %s (expected descent, gram or sums)", name);
  return fallback;
}

void learning_options(ppml_learn_options *o, args *a) {
  *o = ppml_learn_options_default();
  o->method = learning_method(a, o->method);
  o->passes = (uint32_t)args_number(a, "--passes", 1, 1000, o->passes);
  o->copies = args_real(a, "--copies", 0, 100, o->copies);
  o->ridge = args_real(a, "--ridge", 0, 1e6, o->ridge);
}

/* ------------------------------------------------------------------ images */

static int read_image(void *context, size_t index, uint8_t *pixels) {
  const learning_images *images = (const learning_images *)context;
  memcpy(pixels, images->pixels + index * images->inputs, images->inputs);
  return 0;
}

void learning_images_of(learning_images *images, const uint8_t *pixels, const uint8_t *labels,
                        size_t count, size_t inputs) {
  const ppml_image_source source = {read_image, images, labels, count};
  images->source = source;
  images->pixels = pixels;
  images->inputs = inputs;
}

int learning_plan_fail(int error, const char *path) {
  if (error == PPML_ERR_ARG)
    return cli_fail(CLI_DATA, path,
                    "cannot be learnt from (expected images of two classes or more, and no more "
                    "than 2^31 rows)");
  return cli_fail_ppml(error, path, "images to learn from");
}

/* ------------------------------------------------------------------- model */

int learning_model(ppml_model *model, const ppml_features *map, const double *weights,
                   const char *path, ppml_arena *arena) {
  int status = cli_arena_create(arena, ppml_features_model_bytes(map));
  if (status) return status;
  int error = ppml_features_model(model, map, weights, arena);
  if (error == PPML_OK) return CLI_OK;
  cli_arena_destroy(arena);
  if (error == PPML_ERR_ARG)
    return cli_fail(CLI_DATA, path,
                    "holds weights that are no model (expected what was learnt "
                    "from rows of this map)");
  return cli_fail_ppml(error, path, "an encrypted model");
}

/* -------------------------------------------------------------------- keys */

int learning_write_key(file_output *output, const char *path, const ppml_secret_key *key,
                       size_t threads, ppml_rng *rng) {
  pool workers;
  ppml_arena arena;
  ppml_writer writer = save_writer(output);
  ppml_progress progress = cli_progress("learning key");
  int status = pool_start(&workers, threads);
  if (status) return status;
  status = cli_arena_create(&arena, ppml_learning_key_generate_bytes(threads));
  if (status == CLI_OK) {
    int error = ppml_learning_key_generate(&writer, key, rng, &workers.parallel, &progress, &arena);
    if (error)
      status =
          error == PPML_ERR_IO ? save_fail(output, path) : cli_fail_ppml(error, path, "memory");
    cli_arena_destroy(&arena);
  }
  pool_stop(&workers);
  return status;
}

int learning_load_key(ppml_learning_key *key, const char *path, int with_bootstraps,
                      const char *backend, const ppml_parallel *parallel, ppml_arena *arena) {
  stream_file file;
  ppml_limits limits = ppml_limits_default();
  int status = stream_open(&file, path, "a learning key");
  if (status) return status;
  status =
      cli_arena_create(arena, ppml_learning_key_read_bytes(with_bootstraps, parallel->threads));
  if (status == CLI_OK) {
    int error = ppml_learning_key_read(key, &file.reader, &limits, with_bootstraps, backend,
                                       parallel, arena);
    if (error) {
      cli_arena_destroy(arena);
      status = cli_fail_ppml(error, error == PPML_ERR_NAME ? backend : path,
                             error == PPML_ERR_NAME ? "a backend that this CPU has"
                                                    : "a learning key, of ppml keygen MAP");
    }
  }
  stream_close(&file);
  return status;
}
