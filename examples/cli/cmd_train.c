/* ppml train: a network of layers from a MedMNIST data set; train_pooled.c has the others. */
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
#include "train_pooled.h"

#define LINEAR_BITS 8 /* of pixels and weights of models without hidden layers */
#define LINEAR_EPOCHS 20

typedef struct train_request {
  const char *data_path, *model_path, *class_names, *task;
  npz_options data;
  ppml_train_options options;
  size_t threads;
  int has_activation, has_weight_bits, has_input_bits, has_decay; /* they were given */
  int json;
} train_request;

/* "16" or "32,16": neurons of each hidden layer; "0" for none. */
static int parse_hidden(ppml_train_options *options, const char *text) {
  char copy[64];
  if (strlen(text) >= sizeof copy) return 0;
  strcpy(copy, text);
  options->hidden_count = 0;
  if (strcmp(text, "0") == 0) return 1;
  for (char *at = copy; at;) {
    uint64_t neurons;
    char *comma = strchr(at, ',');
    if (comma) *comma = 0;
    if (options->hidden_count == PPML_LAYERS_MAX - 1) return 0;
    if (!args_parse_number(&neurons, at, 1, PPML_NEURONS_MAX)) return 0;
    options->hidden[options->hidden_count++] = (uint32_t)neurons;
    at = comma ? comma + 1 : NULL;
  }
  return 1;
}

/* By the names that --help has. */
static int parse_activation(ppml_train_options *options, const char *text) {
  static const struct {
    const char *name;
    uint32_t activation, learn_polynomial;
  } kinds[] = {{"relu", PPML_ACTIVATION_RELU, 0},
               {"sign", PPML_ACTIVATION_SIGN, 0},
               {"clipped-square", PPML_ACTIVATION_CLIPPED_SQUARE, 0},
               {"square", PPML_ACTIVATION_POLYNOMIAL, 0},
               {"polynomial", PPML_ACTIVATION_POLYNOMIAL, 1}};
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
    if (strcmp(text, kinds[k].name) == 0) {
      options->activation = kinds[k].activation;
      options->learn_polynomial = kinds[k].learn_polynomial;
      return 1;
    }
  return 0;
}

/* "none" or a parameter set's name. */
static int parse_noise(ppml_train_options *o, const char *text) {
  o->noiseless = strcmp(text, "none") == 0;
  o->params = ppml_params_by_name(text);
  return o->params || o->noiseless;
}

/* Weights before squares and polynomials need fewer bits than those before a bootstrap; smooth
 * weights of a linear model need more, or rounding moves its scores. */
static uint32_t default_weight_bits(const ppml_train_options *o) {
  if (o->hidden_count == 0) return LINEAR_BITS;
  return o->activation == PPML_ACTIVATION_POLYNOMIAL ? 2 : 4;
}

/* What a linear model is trained with: no noise, since next to none reaches its scores, and fewer
 * epochs, since there is one best model. */
static void set_linear(ppml_train_options *o) {
  o->input_bits = LINEAR_BITS;
  o->epochs = LINEAR_EPOCHS;
  o->seeds = 1;
  o->params = NULL;
  o->noiseless = 1;
}

static void set_activation(train_request *r, uint32_t activation) {
  r->options.activation = activation;
  if (!r->has_weight_bits) r->options.weight_bits = default_weight_bits(&r->options);
}

/* Is there one hidden layer, and a leveled set with slots for its neurons? */
static int squares_fit(const ppml_train_options *o) {
  const ppml_params *p;
  for (size_t i = 0; o->hidden_count == 1 && (p = ppml_params_by_index(i)) != NULL; i++)
    if (p->kind == PPML_SET_LEVELED && p->slots >= o->hidden[0]) return 1;
  return 0;
}

/* The options that are words. */
static int parse_words(train_request *r, args *a) {
  ppml_train_options *o = &r->options;
  const char *hidden = args_text(a, "--hidden"), *activation = args_text(a, "--activation");
  const char *flip = args_text(a, "--flip"), *noise = args_text(a, "--noise");
  r->task = args_text(a, "--task");
  r->has_activation = activation != NULL;
  if (hidden && !parse_hidden(o, hidden))
    return cli_fail(CLI_USAGE, "train", "--hidden %s (expected 1 to %d sizes, like 32,16)", hidden,
                    PPML_LAYERS_MAX - 1);
  if (o->hidden_count == 0) set_linear(o);
  if (activation && !parse_activation(o, activation))
    return cli_fail(CLI_USAGE, "train",
                    "--activation %s (expected relu, sign, square, polynomial or clipped-square)",
                    activation);
  if (!activation && !squares_fit(o)) o->activation = PPML_ACTIVATION_RELU;
  if (o->activation == PPML_ACTIVATION_POLYNOMIAL && o->hidden_count != 1)
    return cli_fail(CLI_USAGE, "train", "--activation %s with %u hidden layers (expected one)",
                    activation, o->hidden_count);
  if (flip && !train_parse_flip(&o->flip, flip))
    return cli_fail(CLI_USAGE, "train", "--flip %s (expected none, h, v or hv)", flip);
  if (noise && !parse_noise(o, noise))
    return cli_fail(CLI_USAGE, "train", "--noise %s (expected a parameter set, or none)", noise);
  return dataset_parse_task("train", r->task);
}

static int parse(train_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  ppml_train_options *o = &r->options;
  *o = ppml_train_options_default();
  int status = parse_words(r, &a);
  if (status) return status;
  r->model_path = args_output(&a, "-o");
  r->class_names = args_text(&a, "--class-names");
  o->epochs = (uint32_t)args_number(&a, "--epochs", 1, 10000, o->epochs);
  o->seed = args_number(&a, "--seed", 0, UINT64_MAX, o->seed);
  r->has_input_bits = args_has(&a, "--input-bits");
  r->has_decay = args_has(&a, "--decay");
  o->input_bits = (uint32_t)args_number(&a, "--input-bits", 1, 8, o->input_bits);
  r->has_weight_bits = args_has(&a, "--weight-bits");
  o->weight_bits = (uint32_t)args_number(&a, "--weight-bits", 2, 8, default_weight_bits(o));
  o->seeds = (uint32_t)args_number(&a, "--seeds", 1, 1000, o->seeds);
  o->patience = (uint32_t)args_number(&a, "--patience", 0, 10000, o->patience);
  o->rate = args_real(&a, "--rate", 1e-6, 1, o->rate);
  o->decay = args_real(&a, "--decay", 0, 100, 0);
  o->balance = args_real(&a, "--balance", 0, 1, o->balance);
  o->warp = args_real(&a, "--warp", 0, 3, o->warp);
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  dataset_options(&r->data, &a, DATASET_BY_ITSELF);
  r->data.trains = r->data.cuts = 1;
  r->data.has_columns = r->task && strcmp(r->task, "labels") == 0;
  r->json = args_flag(&a, "--json");
  status = args_end(&a, 1, 1);
  if (status) return status;
  r->data_path = a.value[0];
  return CLI_OK;
}

static void report_network(const ppml_model *model) {
  json_integer("classes", model->spec.classes);
  json_integer("inputs", (int64_t)ppml_spec_inputs(&model->spec));
  json_integer("input_bits", model->spec.input_bits);
  json_begin("layers", '[');
  for (uint32_t l = 0; l < model->layer_count; l++) {
    const ppml_layer *layer = &model->layer[l];
    json_begin(NULL, '{');
    json_text("kind", "dense");
    json_integer("inputs", layer->inputs);
    json_integer("outputs", layer->outputs);
    json_text("activation", describe_activation(layer->activation));
    json_integer("weight_bits", layer->weight_bits);
    json_end('}');
  }
  json_end(']');
}

/* What training went through, epoch by epoch. */
typedef struct train_log {
  ppml_train_epoch *epoch; /* [capacity] */
  size_t count, capacity;
  ppml_progress progress;
} train_log;

static void log_epoch(void *context, const ppml_train_epoch *epoch) {
  train_log *log = (train_log *)context;
  if (log->count < log->capacity) log->epoch[log->count++] = *epoch;
  log->progress.step(log->progress.context, epoch->run * epoch->epochs + epoch->epoch,
                     epoch->runs * epoch->epochs);
}

static double log_best(const train_log *log) {
  double best = log->epoch[0].validation;
  for (size_t i = 1; i < log->count; i++)
    if (log->epoch[i].validation > best) best = log->epoch[i].validation;
  return best;
}

static void report_curve(const train_log *log) {
  json_real("validation", log_best(log));
  json_begin("curve", '[');
  for (size_t i = 0; i < log->count; i++) {
    json_begin(NULL, '{');
    json_integer("seed", (int64_t)log->epoch[i].seed);
    json_integer("epoch", (int64_t)log->epoch[i].epoch);
    json_real("loss", log->epoch[i].loss);
    json_real("validation", log->epoch[i].validation);
    json_end('}');
  }
  json_end(']');
}

static int report(const train_request *r, const ppml_model *model, const npz_dataset *data,
                  const train_log *log) {
  if (!r->json) {
    dataset_report(data, 0);
    printf("%-6s %8s %9s %7s\n", "split", "images", "accuracy", "AUC");
    int status = train_report_splits(model, data, r->json);
    if (status == CLI_OK) printf("changed validation images: %.4f\n", log_best(log));
    return status;
  }
  json_begin(NULL, '{');
  report_network(model);
  dataset_report(data, 1);
  int status = train_report_splits(model, data, r->json);
  if (status) return status;
  report_curve(log);
  json_end('}');
  return CLI_OK;
}

/* Weights of a linear model decay, the more, the fewer images there are to tell noise from shape by:
 * which decay does best is seen on validation, as for everything else. */
static int choose_decay(train_request *r, const npz_dataset *data, train_log *log,
                        const ppml_parallel *parallel, ppml_arena *arena) {
  static const double decays[] = {0.1, 1, 10, 30};
  ppml_train_watch watch = {log_epoch, log};
  ppml_images training = train_images_of(&data->split[NPZ_TRAIN]);
  ppml_images validation = train_images_of(&data->split[NPZ_VAL]);
  double best = 0, decay = decays[0];
  for (size_t i = 0; i < sizeof decays / sizeof decays[0]; i++) {
    ppml_model model;
    log->count = 0;
    r->options.decay = decays[i];
    int error = ppml_train(&model, &r->options, &training, &validation, parallel, &watch, arena);
    ppml_arena_release(arena, 0);
    if (error) return cli_fail_ppml(error, r->data_path, "images that a network can be trained on");
    if (i == 0 || log_best(log) > best) best = log_best(log), decay = decays[i];
  }
  log->count = 0;
  r->options.decay = decay;
  return CLI_OK;
}

static int train(const train_request *r, const npz_dataset *data, train_log *log,
                 const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_model model;
  ppml_train_watch watch = {log_epoch, log};
  ppml_images training = train_images_of(&data->split[NPZ_TRAIN]);
  ppml_images validation = train_images_of(&data->split[NPZ_VAL]);
  int error = ppml_train(&model, &r->options, &training, &validation, parallel, &watch, arena);
  cli_progress_end();
  if (error) return cli_fail_ppml(error, r->data_path, "images that a network can be trained on");
  dataset_keep(&model.spec, data);
  if (r->class_names) {
    int status = cli_name_classes("train", &model.spec, r->class_names);
    if (status) return status;
  }
  int status = save_model(&model, r->model_path);
  return status ? status : report(r, &model, data, log);
}

/* The threads, the log and the memory of training. */
static int train_in_memory(train_request *r, const npz_dataset *data) {
  pool threads;
  ppml_arena arena;
  train_log log = {NULL, 0, (size_t)r->options.epochs * r->options.seeds, cli_progress("training")};
  int status = pool_start(&threads, r->threads);
  if (status) return status;
  log.epoch = (ppml_train_epoch *)calloc(log.capacity, sizeof *log.epoch);
  if (log.epoch == NULL) status = cli_fail(CLI_INTERNAL, "memory", "none left for the log");
  if (status == CLI_OK)
    status = cli_arena_create(&arena, ppml_train_bytes(&r->options, data->split[NPZ_TRAIN].count,
                                                       data->split[NPZ_VAL].count, r->threads));
  if (status == CLI_OK) {
    int chooses = r->options.hidden_count == 0 && !r->has_decay;
    if (chooses) status = choose_decay(r, data, &log, &threads.parallel, &arena);
    if (status == CLI_OK) status = train(r, data, &log, &threads.parallel, &arena);
    cli_arena_destroy(&arena);
  }
  free(log.epoch);
  pool_stop(&threads);
  return status;
}

/* A mistake in --class-names is told before training, not after. */
static int check_names(const train_request *r) {
  ppml_spec spec;
  memset(&spec, 0, sizeof spec);
  spec.classes = r->options.classes;
  return r->class_names ? cli_name_classes("train", &spec, r->class_names) : CLI_OK;
}

/* The task and the shapes that the data ask for. */
static int fit_options(train_request *r, const npz_dataset *data) {
  ppml_train_options *o = &r->options;
  o->width = (uint32_t)data->width;
  o->height = (uint32_t)data->height;
  o->channels = data->channels;
  o->classes = data->classes;
  int status = dataset_check_task(data, r->task, r->data_path);
  if (status) return status;
  if (data->labels_per_image > 1) o->task = PPML_TASK_LABELS;
  else if (r->task && strcmp(r->task, "grade") == 0) o->task = PPML_TASK_GRADE;
  while (o->hidden_count == 0 && !r->has_input_bits && o->input_bits > 1 &&
         ppml_train_bytes(o, 1, 1, 1) == 0)
    o->input_bits--; /* of a large image, whose sums have to fit */
  if (!r->has_activation && ppml_train_bytes(o, 1, 1, 1) == 0)
    set_activation(r, PPML_ACTIVATION_RELU); /* with more values than squares have room for */
  if (ppml_train_bytes(o, 1, 1, 1) == 0)
    return cli_fail(CLI_USAGE, "train",
                    "images of %zu x %zu with %u and %u bits (expected less of "
                    "them)",
                    data->height, data->width, o->input_bits, o->weight_bits);
  return check_names(r);
}

int cmd_train(int argc, char **argv) {
  train_request r;
  npz_dataset data;
  ppml_arena data_arena;
  if (train_is_pooled(argc, argv)) return train_pooled(argc, argv);
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load_dataset(&data, r.data_path, &r.data, &data_arena);
  if (status) return status;
  status = fit_options(&r, &data);
  if (status == CLI_OK) status = train_in_memory(&r, &data);
  cli_arena_destroy(&data_arena);
  return status;
}
