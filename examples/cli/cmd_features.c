/* ppml features: a public map from images to the small numbers that learning is about. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "learning.h"

typedef struct features_request {
  const char *data_path, *public_path, *out_path, *task, *class_names;
  size_t count, fit;
  npz_options data;
  uint64_t seed;
  int json;
} features_request;

static int parse(features_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->out_path = args_output(&a, "-o");
  r->public_path = args_text(&a, "--public");
  r->task = args_text(&a, "--task");
  r->class_names = args_text(&a, "--class-names");
  r->count = args_size(&a, "--count", 1, PPML_FEATURES_MAX, 64);
  r->fit = args_size(&a, "--fit", 2, SIZE_MAX, 500);
  r->seed = args_number(&a, "--seed", 0, UINT64_MAX, 1);
  dataset_options(&r->data, &a, DATASET_BY_ITSELF);
  r->data.trains = r->data.cuts = 1;
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->data_path = a.value[0];
  r->data.has_columns = r->task && strcmp(r->task, "labels") == 0;
  return dataset_parse_task("features", r->task);
}

/* What the data are. */
static int make_spec(ppml_spec *spec, const features_request *r, const npz_dataset *data) {
  memset(spec, 0, sizeof *spec);
  spec->width = (uint32_t)data->width;
  spec->height = (uint32_t)data->height;
  spec->channels = data->channels;
  spec->classes = data->classes;
  if (data->labels_per_image > 1) spec->task = PPML_TASK_LABELS;
  int status = dataset_check_task(data, r->task, r->data_path);
  if (status) return status;
  if (r->task && strcmp(r->task, "grade") == 0) spec->task = PPML_TASK_GRADE;
  dataset_keep(spec, data);
  return r->class_names ? cli_name_classes("features", spec, r->class_names) : CLI_OK;
}

static void report(const ppml_features *map, const features_request *r, const npz_dataset *data,
                   size_t fitted) {
  if (r->json) {
    json_begin(NULL, '{');
    dataset_report(data, 1);
    json_integer("features", map->count);
    json_integer("batch", map->batch);
    json_integer("fitted_on", (int64_t)fitted);
    json_integer("classes", map->spec.classes);
    json_integer("outputs", map->spec.outputs);
    json_end('}');
    return;
  }
  dataset_report(data, 0);
  printf("%u features of images of %ux%ux%u, fitted on %zu of them%s\n", map->count,
         map->spec.width, map->spec.height, map->spec.channels, fitted,
         r->public_path ? " that are public" : "");
  puts("The map is public: it tells the mean and the covariance of their coarse shapes.");
}

/* Fits the map to the training images of a data set. */
static int fit(const features_request *r, const ppml_spec *spec, const npz_dataset *data) {
  const npz_split *train = &data->split[NPZ_TRAIN];
  const char *path = r->public_path ? r->public_path : r->data_path;
  size_t bytes = ppml_features_fit_bytes(spec, (uint32_t)r->count);
  learning_images images;
  ppml_features map;
  ppml_arena arena;
  ppml_rng rng;
  if (bytes == 0)
    return cli_fail(CLI_DATA, path, "images of %ux%ux%u (expected at most %d values)", spec->width,
                    spec->height, spec->channels, PPML_INPUTS_MAX);
  int status = cli_arena_create(&arena, bytes);
  if (status) return status;
  ppml_rng_init_for_tests(&rng, r->seed); /* of warps: nothing secret, and the same map again */
  learning_images_of(&images, train->images, NULL, train->count,
                     (size_t)spec->width * spec->height * spec->channels);
  int error =
      ppml_features_fit(&map, spec, (uint32_t)r->count, &images.source, r->fit, &rng, &arena);
  if (error == PPML_ERR_ARG)
    status = cli_fail(CLI_USAGE, "features", "--count %zu for images of %ux%ux%u (expected less)",
                      r->count, spec->width, spec->height, spec->channels);
  else if (error == PPML_ERR_RANGE)
    status = cli_fail(CLI_DATA, path, "its images are all alike (expected images that differ)");
  else if (error) status = cli_fail_ppml(error, path, "images");
  else status = save_features(&map, r->out_path);
  if (status == CLI_OK && strcmp(r->out_path, "-") != 0)
    report(&map, r, data, r->fit < train->count ? r->fit : train->count);
  cli_arena_destroy(&arena);
  return status;
}

/* Fits it to images that are public, of the same shape. */
static int fit_public(const features_request *r, const ppml_spec *spec) {
  npz_dataset data;
  ppml_arena arena;
  const npz_split *train;
  npz_options options = r->data;
  dataset_for_network(&options, spec); /* values by the same range; labels are of no use here */
  options.trains = options.cuts = options.has_columns = 0;
  options.classes = 0;
  options.relabels = 1;
  int status = load_dataset(&data, r->public_path, &options, &arena);
  if (status) return status;
  if (data.width != spec->width || data.height != spec->height || data.channels != spec->channels)
    status =
        cli_fail(CLI_DATA, r->public_path, "images of %zux%zux%u (expected %ux%ux%u)", data.width,
                 data.height, data.channels, spec->width, spec->height, spec->channels);
  else status = load_split(&train, &data, npz_split_name(NPZ_TRAIN));
  if (status == CLI_OK) status = fit(r, spec, &data);
  cli_arena_destroy(&arena);
  return status;
}

int cmd_features(int argc, char **argv) {
  features_request r;
  npz_dataset data;
  ppml_spec spec;
  ppml_arena arena;
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_dataset(&data, r.data_path, &r.data, &arena);
  if (status) return status;
  status = make_spec(&spec, &r, &data);
  if (status == CLI_OK) status = r.public_path ? fit_public(&r, &spec) : fit(&r, &spec, &data);
  cli_arena_destroy(&arena);
  return status;
}
