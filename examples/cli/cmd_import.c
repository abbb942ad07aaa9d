/* ppml import: a network that was trained elsewhere, from an ONNX file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "describe.h"
#include "json.h"
#include "load.h"
#include "score.h"

#define LOGIT_UNIT 65536 /* of float logits as scores */

typedef struct import_request {
  const char *onnx_path, *data_path, *model_path, *class_names, *split;
  float mean[4], std[4];
  uint32_t means, stds; /* how many were given: 1 stands for all channels */
  uint32_t input_bits, weight_bits;
  int is_hwc, json;
} import_request;

/* "0.5" or "0.4,0.5,0.6": a number for all channels, or one for each.  How many, 0 if none. */
static int parse_floats(float out[4], const char *text) {
  int count = 0;
  char *end;
  for (; count < 4; text = end + 1) {
    double value = strtod(text, &end);
    if (end == text || !(fabs(value) < 1e6)) return 0;
    out[count++] = (float)value;
    if (*end == 0) break;
    if (*end != ',' || count == 4) return 0;
  }
  for (int k = count; count == 1 && k < 4; k++) out[k] = out[0];
  return count;
}

static int parse_normalization(import_request *r, const char *mean, const char *std) {
  r->means = (uint32_t)parse_floats(r->mean, mean ? mean : "0");
  if (r->means == 0)
    return cli_fail(CLI_USAGE, "import", "--mean %s (expected a number, or one a channel)", mean);
  int count = parse_floats(r->std, std ? std : "1");
  for (int k = 0; k < count; k++)
    if (!(r->std[k] > 1e-6f)) count = 0;
  if (count == 0)
    return cli_fail(CLI_USAGE, "import", "--std %s (expected a number over 0, or one a channel)",
                    std);
  r->stds = (uint32_t)count;
  return CLI_OK;
}

static int parse(import_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  const char *mean = args_text(&a, "--mean"), *std = args_text(&a, "--std");
  const char *layout = args_text(&a, "--layout");
  memset(r, 0, sizeof *r);
  r->model_path = args_output(&a, "-o");
  r->class_names = args_text(&a, "--class-names");
  r->split = args_text(&a, "--split");
  r->input_bits = (uint32_t)args_number(&a, "--input-bits", 1, 8, 8);
  r->weight_bits = (uint32_t)args_number(&a, "--weight-bits", 2, 8, 8);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 2, 2);
  if (status) return status;
  r->onnx_path = a.value[0];
  r->data_path = a.value[1];
  r->is_hwc = layout && strcmp(layout, "hwc") == 0;
  if (layout && !r->is_hwc && strcmp(layout, "chw") != 0)
    return cli_fail(CLI_USAGE, "import", "--layout %s (expected chw or hwc)", layout);
  return parse_normalization(r, mean, std);
}

/* -------------------------------------------------------------- float network */

/* The first layer's weights for values in the order [height][width][channels], where the network
 * has them as [channels][height][width]. */
static void reorder(float *to, const ppml_float_layer *layer, uint32_t channels) {
  size_t inputs = layer->inputs, pixels = inputs / channels;
  for (size_t j = 0; j < layer->outputs; j++)
    for (size_t i = 0; i < inputs; i++)
      to[j * inputs + i] = layer->weight[j * inputs + i % channels * pixels + i / channels];
}

/* Does the network fit the images and their classes?  Sets the shape. */
static int fit_shape(ppml_float_model *net, const import_request *r, const onnx_network *onnx,
                     const npz_dataset *data) {
  uint32_t inputs = onnx->layer[0].inputs, outputs = onnx->layer[onnx->layer_count - 1].outputs;
  int has_labels = data->labels_per_image > 1;
  net->width = (uint32_t)data->width;
  net->height = (uint32_t)data->height;
  net->channels = data->channels;
  net->classes = !has_labels && outputs > data->classes ? outputs : data->classes;
  net->task = has_labels ? PPML_TASK_LABELS : PPML_TASK_CLASS;
  if (inputs != data->width * data->height * data->channels)
    return cli_fail(CLI_DATA, r->onnx_path, "%u inputs (expected %zu for images of %zux%zux%u)",
                    inputs, data->width * data->height * data->channels, data->width, data->height,
                    data->channels);
  if (onnx->input_channels && onnx->input_channels != data->channels)
    return cli_fail(CLI_DATA, r->onnx_path, "an input of %u channels (expected %u)",
                    onnx->input_channels, data->channels);
  if ((r->means != 1 && r->means != data->channels) || (r->stds != 1 && r->stds != data->channels))
    return cli_fail(CLI_USAGE, "import", "--mean or --std (expected one number, or %u)",
                    data->channels);
  if (net->classes <= PPML_CLASSES_MAX &&
      (outputs == net->classes || (outputs == 1 && net->classes == 2 && !has_labels)))
    return CLI_OK;
  return cli_fail(CLI_DATA, r->onnx_path, "%u outputs (expected one for each of %u classes)",
                  outputs, data->classes);
}

/* What --mean and --std do to a pixel, and then the network itself. */
static void set_normalization(ppml_float_model *net, const import_request *r,
                              const onnx_network *onnx) {
  for (int k = 0; k < 4; k++) {
    net->std[k] = r->std[k] / onnx->input_scale[k];
    net->mean[k] = r->mean[k] - onnx->input_shift[k] * net->std[k];
  }
}

/* The network as the library takes it.
 *   arena  out: holds the first layer's weights in their new order */
static int make_net(ppml_float_model *net, const import_request *r, const onnx_network *onnx,
                    const npz_dataset *data, ppml_arena *arena) {
  const ppml_float_layer *first = &onnx->layer[0];
  memset(net, 0, sizeof *net);
  memset(arena, 0, sizeof *arena);
  int status = fit_shape(net, r, onnx, data);
  if (status) return status;
  set_normalization(net, r, onnx);
  net->layer_count = onnx->layer_count;
  memcpy(net->layer, onnx->layer, sizeof net->layer);
  if (r->is_hwc || net->channels == 1) return CLI_OK;
  status = cli_arena_create(arena, (size_t)first->inputs * first->outputs * sizeof(float));
  if (status) return status;
  float *weight = (float *)(void *)arena->memory;
  reorder(weight, first, net->channels);
  net->layer[0].weight = weight;
  return CLI_OK;
}

/* --------------------------------------------------------------------- report */

/* Answers to a split: the integer network's and the float network's own. */
typedef struct answers {
  ppml_spec float_spec; /* of scores that are logits in LOGIT_UNIT */
  score_card integer, real;
} answers;

static int answer_image(answers *a, const ppml_model *model, const ppml_float_model *net,
                        const uint8_t *pixels, const uint8_t *labels, ppml_arena *arena) {
  float logits[PPML_CLASSES_MAX];
  int32_t scores[PPML_CLASSES_MAX];
  int error = ppml_model_predict(scores, model, pixels, arena);
  if (error) return error;
  score_card_add(&a->integer, scores, labels);
  error = ppml_float_predict(logits, net, pixels, arena);
  for (uint32_t k = 0; k < model->spec.outputs; k++)
    scores[k] = (int32_t)(fminf(16000, fmaxf(-16000, logits[k])) * LOGIT_UNIT);
  if (error == PPML_OK) score_card_add(&a->real, scores, labels);
  return error;
}

static void answers_free(answers *a) {
  score_card_destroy(&a->integer);
  score_card_destroy(&a->real);
}

static int answer_split(answers *a, const ppml_model *model, const ppml_float_model *net,
                        const npz_split *split) {
  ppml_arena arena = {0};
  size_t inputs = ppml_spec_inputs(&model->spec), integer = ppml_model_predict_bytes(model);
  size_t real = ppml_float_predict_bytes(net);
  memset(a, 0, sizeof *a);
  a->float_spec = model->spec;
  a->float_spec.score_unit = LOGIT_UNIT;
  int status = score_card_create(&a->integer, &model->spec, split->count);
  if (status == CLI_OK) status = score_card_create(&a->real, &a->float_spec, split->count);
  if (status == CLI_OK) status = cli_arena_create(&arena, integer > real ? integer : real);
  for (size_t i = 0; i < split->count && status == CLI_OK; i++)
    if (answer_image(a, model, net, split->images + i * inputs,
                     split->labels + i * a->integer.answer_bytes, &arena))
      status = cli_fail(CLI_INTERNAL, "import", "the network cannot be run");
  if (arena.memory) cli_arena_destroy(&arena);
  if (status) answers_free(a);
  return status;
}

static void report_split(const import_request *r, const char *name, const answers *a) {
  double accuracy = score_accuracy(&a->integer), auc = score_auc(&a->integer);
  double agreement = score_agreement(&a->integer, &a->real);
  if (!r->json) {
    printf("%-6s %8zu %9.4f %7.4f %15.4f %10.4f\n", name, a->integer.count, accuracy, auc,
           score_accuracy(&a->real), agreement);
    return;
  }
  json_begin(name, '{');
  json_integer("images", (int64_t)a->integer.count);
  json_real("accuracy", accuracy);
  json_real("auc", auc);
  json_real("accuracy_float", score_accuracy(&a->real));
  json_real("auc_float", score_auc(&a->real));
  json_real("agreement", agreement);
  json_end('}');
}

/* Accuracy and AUC of each split, beside the float network's own. */
static int report(const import_request *r, const ppml_model *model, const ppml_float_model *net,
                  const char *last_op, const npz_dataset *data) {
  if (r->json) {
    json_begin(NULL, '{');
    describe_network_json(model);
    if (last_op[0]) json_text("left_away", last_op);
  } else {
    if (last_op[0]) printf("the last %s is left away: it does not change the class\n", last_op);
    printf("%-6s %8s %9s %7s %15s %10s\n", "split", "images", "accuracy", "AUC", "float accuracy",
           "agreement");
  }
  for (int s = 0; s < NPZ_SPLITS; s++) {
    answers a;
    int status = answer_split(&a, model, net, &data->split[s]);
    if (status) return status;
    report_split(r, npz_split_name(s), &a);
    answers_free(&a);
  }
  if (r->json) json_end('}');
  return CLI_OK;
}

/* ------------------------------------------------------------------------ run */

static int quantize(ppml_model *model, const import_request *r, const ppml_float_model *net,
                    const npz_split *split, ppml_arena *arena) {
  ppml_images images = {split->images, split->labels, split->count};
  int status = cli_arena_create(arena, ppml_quantize_bytes(net, images.count));
  if (status) return status;
  int error = ppml_quantize(model, net, r->input_bits, r->weight_bits, &images, arena);
  if (error == PPML_ERR_ARG)
    return cli_fail(CLI_DATA, r->onnx_path,
                    "accumulators beyond 30 bits (expected fewer inputs or bits)");
  if (error) return cli_fail_ppml(error, r->onnx_path, "a network that can be quantized");
  return r->class_names ? cli_name_classes("import", &model->spec, r->class_names) : CLI_OK;
}

static int import(const import_request *r, const onnx_network *onnx, const npz_dataset *data) {
  ppml_model model;
  ppml_float_model net;
  const npz_split *split;
  ppml_arena weights, arena = {0};
  int status = load_split(&split, data, r->split ? r->split : "train");
  if (status == CLI_OK) status = make_net(&net, r, onnx, data, &weights);
  if (status) return status;
  status = quantize(&model, r, &net, split, &arena);
  if (status == CLI_OK) status = save_model(&model, r->model_path);
  if (status == CLI_OK) status = report(r, &model, &net, onnx->last_op, data);
  if (arena.memory) cli_arena_destroy(&arena);
  if (weights.memory) cli_arena_destroy(&weights);
  return status;
}

int cmd_import(int argc, char **argv) {
  import_request r;
  onnx_network onnx;
  npz_dataset data;
  ppml_arena onnx_arena, data_arena;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load_onnx(&onnx, r.onnx_path, &onnx_arena);
  if (status) return status;
  status = load_dataset(&data, r.data_path, &data_arena);
  if (status == CLI_OK) {
    status = import(&r, &onnx, &data);
    cli_arena_destroy(&data_arena);
  }
  cli_arena_destroy(&onnx_arena);
  return status;
}
