/* ppml train: a network from a MedMNIST data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "json.h"
#include "load.h"
#include "score.h"

typedef struct train_request {
  const char *data_path, *model_path, *class_names;
  ppml_train_options options;
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
    if (!args_parse_number(&neurons, at, 1, 4096)) return 0;
    options->hidden[options->hidden_count++] = (uint32_t)neurons;
    at = comma ? comma + 1 : NULL;
  }
  return 1;
}

static int parse_activation(uint32_t *activation, const char *text) {
  for (uint32_t a = PPML_ACTIVATION_RELU; a <= PPML_ACTIVATION_SQUARE; a++)
    if (strcmp(text, describe_activation(a)) == 0) {
      *activation = a;
      return 1;
    }
  return 0;
}

static int parse(train_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  ppml_train_options *o = &r->options;
  *o = ppml_train_options_default();
  const char *hidden = args_text(&a, "--hidden"), *activation = args_text(&a, "--activation");
  r->model_path = args_required(&a, "-o");
  r->class_names = args_text(&a, "--class-names");
  o->epochs = (uint32_t)args_number(&a, "--epochs", 1, 10000, o->epochs);
  o->seed = args_number(&a, "--seed", 0, UINT64_MAX, o->seed);
  o->input_bits = (uint32_t)args_number(&a, "--input-bits", 1, 8, o->input_bits);
  o->weight_bits = (uint32_t)args_number(&a, "--weight-bits", 2, 8, o->weight_bits);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->data_path = a.value[0];
  if (hidden && !parse_hidden(o, hidden))
    return cli_fail(CLI_USAGE, "train", "--hidden %s (expected 1 to %d sizes, like 32,16)", hidden,
                    PPML_LAYERS_MAX - 1);
  if (activation && !parse_activation(&o->activation, activation))
    return cli_fail(CLI_USAGE, "train", "--activation %s (expected relu, sign or square)",
                    activation);
  return CLI_OK;
}

/* Answers of the network in the clear to all images of a split. */
static int answer_split(score_card *card, const ppml_model *model, const npz_split *split) {
  ppml_arena arena;
  int32_t scores[PPML_CLASSES_MAX];
  size_t inputs = ppml_spec_inputs(&model->spec);
  int status = score_card_create(card, &model->spec, split->count);
  if (status) return status;
  status = cli_arena_create(&arena, ppml_model_predict_bytes(model));
  for (size_t i = 0; i < split->count && status == CLI_OK; i++) {
    int error = ppml_model_predict(scores, model, split->images + i * inputs, &arena);
    if (error) status = cli_fail_ppml(error, "train", "a valid network");
    score_card_add(card, scores, split->labels + i * card->answer_bytes);
  }
  if (arena.memory) cli_arena_destroy(&arena);
  return status;
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

/* Accuracy and AUC of each split. */
static int report(const train_request *r, const ppml_model *model, const npz_dataset *data) {
  if (r->json) {
    json_begin(NULL, '{');
    report_network(model);
  } else {
    printf("%-6s %8s %9s %7s\n", "split", "images", "accuracy", "AUC");
  }
  for (int s = 0; s < NPZ_SPLITS; s++) {
    score_card card;
    int status = answer_split(&card, model, &data->split[s]);
    if (status) return status;
    if (r->json) {
      json_begin(npz_split_name(s), '{');
      json_integer("images", (int64_t)card.count);
      json_real("accuracy", score_accuracy(&card));
      json_real("auc", score_auc(&card));
      json_end('}');
    } else {
      printf("%-6s %8zu %9.4f %7.4f\n", npz_split_name(s), card.count, score_accuracy(&card),
             score_auc(&card));
    }
    score_card_destroy(&card);
  }
  if (r->json) json_end('}');
  return CLI_OK;
}

static ppml_images images_of(const npz_split *split) {
  ppml_images images = {split->images, split->labels, split->count};
  return images;
}

static int train(const train_request *r, const npz_dataset *data, ppml_arena *arena) {
  ppml_model model;
  ppml_progress progress = cli_progress("training");
  ppml_images training = images_of(&data->split[NPZ_TRAIN]);
  ppml_images validation = images_of(&data->split[NPZ_VAL]);
  int error = ppml_train(&model, &r->options, &training, &validation, &progress, arena);
  if (error) return cli_fail_ppml(error, r->data_path, "images that a network can be trained on");
  if (r->class_names) {
    int status = cli_name_classes("train", &model.spec, r->class_names);
    if (status) return status;
  }
  int status = save_model(&model, r->model_path);
  return status ? status : report(r, &model, data);
}

int cmd_train(int argc, char **argv) {
  train_request r;
  npz_dataset data;
  ppml_arena data_arena, arena;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load_dataset(&data, r.data_path, &data_arena);
  if (status) return status;
  r.options.width = (uint32_t)data.width;
  r.options.height = (uint32_t)data.height;
  r.options.channels = data.channels;
  r.options.classes = data.classes;
  status = cli_arena_create(
      &arena, ppml_train_bytes(&r.options, data.split[NPZ_TRAIN].count, data.split[NPZ_VAL].count));
  if (status == CLI_OK) {
    status = train(&r, &data, &arena);
    cli_arena_destroy(&arena);
  }
  cli_arena_destroy(&data_arena);
  return status;
}
