#include "train_pooled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "json.h"
#include "load.h"
#include "pool.h"
#include "train_report.h"

#define PENALTIES_MAX 64

typedef struct pooled_request {
  const char *data_path, *model_path, *class_names, *task;
  npz_options data;
  size_t threads;
  ppml_pooled_options options;
  int has_encoder, has_copies; /* they were given */
  int json;
} pooled_request;

int train_is_pooled(int argc, char **argv) {
  args a = args_make(argc, argv);
  return args_has(&a, "--encoder") || args_has(&a, "--latents") || args_has(&a, "--regions") ||
         args_has(&a, "--kernel") || args_has(&a, "--se") || args_has(&a, "--head");
}

/* --------------------------------------------------------------- arguments */

/* "all", "none", or cells along a side. */
static int parse_linear(uint32_t *linear, const char *text) {
  uint64_t cells = 0;
  *linear = PPML_POOLED_LINEAR_ALL;
  if (text == NULL || strcmp(text, "all") == 0) return 1;
  if (strcmp(text, "none") != 0 && !args_parse_number(&cells, text, 1, 64)) return 0;
  *linear = (uint32_t)cells;
  return 1;
}

/* The options that are words. */
static int parse_words(pooled_request *r, args *a) {
  const char *linear = args_text(a, "--linear"), *flip = args_text(a, "--flip");
  r->task = args_text(a, "--task");
  if (!parse_linear(&r->options.linear, linear))
    return cli_fail(CLI_USAGE, "train", "--linear %s (expected all, none, or 1 to 64 cells a side)",
                    linear);
  if (flip && !train_parse_flip(&r->options.flip, flip))
    return cli_fail(CLI_USAGE, "train", "--flip %s (expected none, h, v or hv)", flip);
  return dataset_parse_task("train", r->task);
}

static void parse_numbers(pooled_request *r, args *a) {
  ppml_pooled_options *o = &r->options;
  r->has_encoder = args_has(a, "--encoder") || args_has(a, "--latents");
  r->has_copies = args_has(a, "--copies");
  o->patch = (uint32_t)args_number(a, "--encoder", 1, 16, o->patch);
  o->latents = (uint32_t)args_number(a, "--latents", 1, PPML_LATENT_CHANNELS_MAX, o->latents);
  o->latent_bits = (uint32_t)args_number(a, "--latent-bits", 2, 8, o->latent_bits);
  o->regions = (uint32_t)args_number(a, "--regions", 1, 16, o->regions);
  o->reach = (uint32_t)args_number(a, "--kernel", 1, 8, o->reach);
  o->weight_bits = (uint32_t)args_number(a, "--weight-bits", 2, 8, o->weight_bits);
  o->copies = (uint32_t)args_number(a, "--copies", 0, 31, o->copies);
  o->seed = args_number(a, "--seed", 0, UINT64_MAX, o->seed);
  o->warp = args_real(a, "--warp", 0, 3, o->warp);
  o->balance = args_real(a, "--balance", 0, 1, o->balance);
  o->standardise = !args_flag(a, "--absolute");
  o->gates = (uint32_t)args_number(a, "--se", 1, PPML_GATES_MAX, 0);
  o->hidden = (uint32_t)args_number(a, "--head", 1, PPML_CLASSES_MAX, 0);
}

static int parse(pooled_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  memset(r, 0, sizeof *r);
  r->options = ppml_pooled_options_default();
  int status = parse_words(r, &a);
  if (status) return status;
  r->model_path = args_output(&a, "-o");
  r->class_names = args_text(&a, "--class-names");
  parse_numbers(r, &a);
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  dataset_options(&r->data, &a, DATASET_BY_ITSELF);
  r->data.trains = r->data.cuts = 1;
  r->data.has_columns = r->task && strcmp(r->task, "labels") == 0;
  r->data.takes_latents = !r->has_encoder && !(r->has_copies && r->options.copies) &&
                          r->data.range.kind == NPZ_RANGE_TYPE;
  r->json = args_flag(&a, "--json");
  status = args_end(&a, 1, 1);
  if (status == CLI_OK) r->data_path = a.value[0];
  return status;
}

/* What the data ask for. */
static int fit_options(pooled_request *r, const npz_dataset *data) {
  ppml_pooled_options *o = &r->options;
  o->width = (uint32_t)data->width;
  o->height = (uint32_t)data->height;
  o->channels = data->channels;
  o->classes = data->classes;
  if (data->value_bytes > 1) {
    o->encoder = PPML_ENCODER_READY;
    o->patch = 1, o->latents = o->channels, o->copies = 0;
  }
  int status = dataset_check_task(data, r->task, r->data_path);
  if (status) return status;
  if (data->labels_per_image > 1) o->task = PPML_TASK_LABELS;
  else if (r->task && strcmp(r->task, "grade") == 0) o->task = PPML_TASK_GRADE;
  return CLI_OK;
}

/* What is no network, or could not be encrypted, is told before training. */
static int check_options(const pooled_request *r) {
  const ppml_pooled_options *o = &r->options;
  ppml_spec spec;
  int is_shape;
  const char *reason = ppml_pooled_refusal(o, &is_shape);
  if (reason && is_shape)
    return cli_fail(CLI_DATA, r->data_path, "images of %ux%ux%u, --encoder %u --latents %u: %s",
                    o->width, o->height, o->channels, o->patch, o->latents, reason);
  if (reason)
    return cli_fail(CLI_REFUSED, r->data_path, "--latents %u --regions %u --kernel %u: %s",
                    o->latents, o->regions, o->reach, reason);
  memset(&spec, 0, sizeof spec);
  spec.classes = o->classes;
  return r->class_names ? cli_name_classes("train", &spec, r->class_names) : CLI_OK;
}

/* ------------------------------------------------------------------ report */

/* What training went through, penalty by penalty, then epoch by epoch. */
typedef struct pooled_log {
  ppml_pooled_told penalty[PENALTIES_MAX];
  size_t count;
  ppml_pooled_told head; /* the best epoch of what comes behind, if anything does */
  ppml_progress features, fits, epochs;
} pooled_log;

/* An epoch, the first of which is the start. */
static void log_epoch(pooled_log *log, const ppml_pooled_told *told) {
  if (told->done == 0 || told->validation < log->head.validation) log->head = *told;
  log->epochs.step(log->epochs.context, told->done, told->total);
}

static void log_step(void *context, const ppml_pooled_told *told) {
  pooled_log *log = (pooled_log *)context;
  ppml_progress *bar = told->penalty > 0 ? &log->fits : &log->features;
  if (told->is_head) {
    log_epoch(log, told);
    return;
  }
  if (told->penalty > 0 && log->count < PENALTIES_MAX) log->penalty[log->count++] = *told;
  bar->step(bar->context, told->done, told->total);
}

static const ppml_pooled_told *log_best(const pooled_log *log) {
  size_t best = 0;
  for (size_t i = 1; i < log->count; i++)
    if (log->penalty[i].validation < log->penalty[best].validation) best = i;
  return &log->penalty[best];
}

static void report_curve(const pooled_log *log) {
  json_real("validation", log_best(log)->validation);
  json_real("penalty", log_best(log)->penalty);
  json_begin("curve", '[');
  for (size_t i = 0; i < log->count; i++) {
    json_begin(NULL, '{');
    json_real("penalty", log->penalty[i].penalty);
    json_real("loss", log->penalty[i].loss);
    json_real("validation", log->penalty[i].validation);
    json_end('}');
  }
  json_end(']');
}

static int report(const pooled_request *r, const ppml_model *model, const npz_dataset *data,
                  const pooled_log *log) {
  if (!r->json) {
    dataset_report(data, 0);
    printf("%-6s %8s %9s %7s\n", "split", "images", "accuracy", "AUC");
    int status = train_report_splits(model, data, 0);
    if (status == CLI_OK)
      printf("cross entropy of %svalidation images: %.4f, penalty %g\n",
             r->options.encoder == PPML_ENCODER_READY ? "" : "changed ", log_best(log)->validation,
             log_best(log)->penalty);
    if (status == CLI_OK && log->head.is_head)
      printf("with layers behind: %.4f, epoch %zu of %zu\n", log->head.validation, log->head.done,
             log->head.total);
    return status;
  }
  json_begin(NULL, '{');
  describe_network_json(model);
  dataset_report(data, 1);
  int status = train_report_splits(model, data, 1);
  if (status) return status;
  report_curve(log);
  if (log->head.is_head) {
    json_real("head_validation", log->head.validation);
    json_integer("head_epoch", (int64_t)log->head.done);
  }
  json_end('}');
  return CLI_OK;
}

/* ---------------------------------------------------------------- training */

static int train(const pooled_request *r, const npz_dataset *data, const ppml_parallel *parallel,
                 ppml_arena *arena) {
  static pooled_log log;
  ppml_model model;
  ppml_pooled_watch watch = {log_step, &log};
  ppml_images training = train_images_of(&data->split[NPZ_TRAIN]);
  ppml_images validation = train_images_of(&data->split[NPZ_VAL]);
  log.features = cli_progress("features"), log.fits = cli_progress("fitting");
  log.epochs = cli_progress("epochs");
  int error =
      ppml_train_pooled(&model, &r->options, &training, &validation, parallel, &watch, arena);
  cli_progress_end();
  if (error == PPML_ERR_RANGE)
    return cli_fail(CLI_DATA, r->data_path,
                    "images that are all alike (expected some to learn by)");
  if (error) return cli_fail_ppml(error, r->data_path, "images that a network can be trained on");
  dataset_keep(&model.spec, data);
  int status = r->class_names ? cli_name_classes("train", &model.spec, r->class_names) : CLI_OK;
  if (status == CLI_OK) status = save_model(&model, r->model_path);
  return status ? status : report(r, &model, data, &log);
}

static int train_in_memory(const pooled_request *r, const npz_dataset *data) {
  pool threads;
  ppml_arena arena;
  size_t bytes = ppml_train_pooled_bytes(&r->options, data->split[NPZ_TRAIN].count,
                                         data->split[NPZ_VAL].count, r->threads);
  if (bytes == 0)
    return cli_fail(CLI_DATA, r->data_path, "too many images (expected what fits the memory)");
  int status = pool_start(&threads, r->threads);
  if (status) return status;
  status = cli_arena_create(&arena, bytes);
  if (status == CLI_OK) {
    status = train(r, data, &threads.parallel, &arena);
    cli_arena_destroy(&arena);
  }
  pool_stop(&threads);
  return status;
}

int train_pooled(int argc, char **argv) {
  pooled_request r;
  npz_dataset data;
  ppml_arena data_arena;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load_dataset(&data, r.data_path, &r.data, &data_arena);
  if (status) return status;
  status = fit_options(&r, &data);
  if (status == CLI_OK) status = check_options(&r);
  if (status == CLI_OK) status = train_in_memory(&r, &data);
  cli_arena_destroy(&data_arena);
  return status;
}
