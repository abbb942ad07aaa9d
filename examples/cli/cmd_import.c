/* ppml import: a network that was trained elsewhere, from an ONNX file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "import_answers.h"
#include "import_conv.h"
#include "load.h"
#include "onnx_conv.h"
#include "score.h"

#define AGREEMENT 0.98     /* of the answers, wanted where nothing else is said */
#define CONVOLUTION_BITS 6 /* of latents and weights: noise grows with four to the power of both */
#define ONE_SIDED 0.98     /* of the answers in one class: something is wrong before the network */

typedef struct import_request {
  const char *onnx_path, *data_path, *model_path, *class_names, *split;
  float mean[4], std[4];
  uint32_t means, stds;              /* how many were given: 1 stands for all channels */
  uint32_t input_bits, weight_bits;  /* of layers */
  uint32_t latent_bits, square_bits; /* of a convolution */
  const char *layout;                /* "chw", "hwc", or NULL: what the file says */
  const char *output;                /* of the file; NULL: the only one, or that of logits */
  double agreement;
  npz_options data;
  int has_normalization, json;
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
  memset(r, 0, sizeof *r);
  r->model_path = args_output(&a, "-o");
  r->layout = args_text(&a, "--layout");
  r->output = args_text(&a, "--output");
  r->has_normalization = mean || std;
  r->agreement = args_real(&a, "--agreement", 0, 1, AGREEMENT);
  r->class_names = args_text(&a, "--class-names");
  r->split = args_text(&a, "--split");
  int has_input_bits = args_has(&a, "--input-bits"),
      has_weight_bits = args_has(&a, "--weight-bits");
  r->input_bits = (uint32_t)args_number(&a, "--input-bits", 1, 8, 8);
  r->weight_bits = (uint32_t)args_number(&a, "--weight-bits", 2, 8, 8);
  r->latent_bits = has_input_bits ? r->input_bits : CONVOLUTION_BITS;
  r->square_bits = has_weight_bits ? r->weight_bits : CONVOLUTION_BITS;
  dataset_options(&r->data, &a, DATASET_BY_ITSELF);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 2, 2);
  if (status) return status;
  r->onnx_path = a.value[0];
  r->data_path = a.value[1];
  if (r->layout && strcmp(r->layout, "hwc") != 0 && strcmp(r->layout, "chw") != 0)
    return cli_fail(CLI_USAGE, "import", "--layout %s (expected chw or hwc)", r->layout);
  return parse_normalization(r, mean, std);
}

/* ---------------------------------------------------------- what the file declares */

/* Can declared sides be those?  0 stands for any. */
static int sides_are(const uint32_t *side, size_t a, size_t b, size_t c) {
  return (side[0] == 0 || side[0] == a) && (side[1] == 0 || side[1] == b) &&
         (side[2] == 0 || side[2] == c);
}

/* "[N,28,28,3]" or the like. */
static const char *shape_text(char text[64], const onnx_input *input) {
  int length = snprintf(text, 64, "[N");
  for (uint32_t i = 1; i < input->rank && length < 48; i++)
    length += input->shape[i] ? snprintf(text + length, 64 - (size_t)length, ",%u", input->shape[i])
                              : snprintf(text + length, 64 - (size_t)length, ",?");
  snprintf(text + length, 64 - (size_t)length, "]");
  return text;
}

/* Which layouts of images fit what the file declares? */
static void fit_layouts(int *may_chw, int *may_hwc, const onnx_input *input,
                        const npz_dataset *data) {
  size_t h = data->height, w = data->width, c = data->channels;
  const uint32_t *side = input->shape + 1;
  int is_image = input->rank == 4;
  *may_chw = is_image && sides_are(side, c, h, w);
  *may_hwc = is_image && sides_are(side, h, w, c);
  if (input->rank == 3 && c == 1)
    *may_chw = *may_hwc = (side[0] == 0 || side[0] == h) && (side[1] == 0 || side[1] == w);
  if (input->rank == 2) *may_chw = *may_hwc = side[0] == 0 || side[0] == h * w * c;
  if (input->rank < 2) *may_chw = *may_hwc = 1; /* a row, whose size the first layer checks */
  if (is_image && input->is_hwc && c > 1) *may_chw = *may_chw && !*may_hwc;
  if (is_image && input->is_chw && c > 1) *may_hwc = *may_hwc && !*may_chw;
}

/* How images enter the file's input: as it declares, or else as the options have it; its shape must be
 * that of the images. */
static int set_image(onnx_image *to, const import_request *r, const onnx_input *input,
                     const npz_dataset *data) {
  char text[64];
  int may_chw, may_hwc, wants_hwc = r->layout && strcmp(r->layout, "hwc") == 0;
  size_t h = data->height, w = data->width, c = data->channels;
  fit_layouts(&may_chw, &may_hwc, input, data);
  if (!may_chw && !may_hwc)
    return cli_fail(CLI_DATA, r->onnx_path, "an input of %s (expected images of %zux%zux%zu)",
                    shape_text(text, input), h, w, c);
  if (r->layout && c > 1 && !(wants_hwc ? may_hwc : may_chw))
    return cli_fail(CLI_USAGE, "import", "--layout %s (expected %s: %s has an input of %s)",
                    r->layout, may_hwc ? "hwc" : "chw", r->onnx_path, shape_text(text, input));
  to->height = h, to->width = w, to->channels = c;
  to->is_hwc = c == 1 ? !may_chw || input->is_hwc : r->layout ? wants_hwc : !may_chw;
  return CLI_OK;
}

/* Bytes enter as they are, and nothing may be said of their mean. */
static int check_normalization(const import_request *r, const onnx_input *input) {
  if (!input->is_bytes || !r->has_normalization) return CLI_OK;
  return cli_fail(CLI_USAGE, "import",
                  "--mean or --std, but %s takes bytes as they are (expected neither)",
                  r->onnx_path);
}

/* -------------------------------------------------------------- float network */

/* Does the network fit the images and their classes?  Sets the shape. */
static int fit_shape(ppml_float_model *net, const import_request *r, const onnx_network *onnx,
                     const npz_dataset *data) {
  uint32_t outputs = onnx->layer[onnx->layer_count - 1].outputs;
  int has_labels = data->labels_per_image > 1;
  net->width = (uint32_t)data->width;
  net->height = (uint32_t)data->height;
  net->channels = data->channels;
  net->classes = !has_labels && outputs > data->classes ? outputs : data->classes;
  net->task = has_labels ? PPML_TASK_LABELS : PPML_TASK_CLASS;
  if ((r->means != 1 && r->means != data->channels) || (r->stds != 1 && r->stds != data->channels))
    return cli_fail(CLI_USAGE, "import", "--mean or --std (expected one number, or %u)",
                    data->channels);
  if (net->classes <= PPML_CLASSES_MAX &&
      (outputs == net->classes || (outputs == 1 && net->classes == 2 && !has_labels)))
    return CLI_OK;
  return cli_fail(CLI_DATA, r->onnx_path, "%u outputs (expected one for each of %u classes)",
                  outputs, data->classes);
}

/* The network as the library takes it; bytes enter as they are. */
static int make_net(ppml_float_model *net, const import_request *r, const onnx_network *onnx,
                    const npz_dataset *data) {
  memset(net, 0, sizeof *net);
  for (int k = 0; k < 4; k++) {
    net->std[k] = onnx->input_is_bytes ? 1 / 255.0f : r->std[k];
    net->mean[k] = r->mean[k];
  }
  net->layer_count = onnx->layer_count;
  memcpy(net->layer, onnx->layer, sizeof net->layer);
  return fit_shape(net, r, onnx, data);
}

/* -------------------------------------------------------------------- answers */

/* The file's own arithmetic on images. */
typedef struct own_network {
  const import_request *request;
  const onnx_network *onnx;
  const ppml_spec *spec;
  int is_hwc;    /* its input */
  float *image;  /* [inputs] */
  float *memory; /* [floats of the program] */
} own_network;

static int own_network_create(own_network *own, ppml_arena *arena) {
  size_t inputs = ppml_spec_inputs(own->spec);
  int status = cli_arena_create(arena, (inputs + own->onnx->program.floats) * sizeof(float));
  if (status) return status;
  own->image = (float *)(void *)arena->memory;
  own->memory = own->image + inputs;
  return CLI_OK;
}

/* The image as the file's input takes it. */
static void own_input(own_network *own, const uint8_t *pixels) {
  const import_request *r = own->request;
  size_t channels = own->spec->channels, count = ppml_spec_inputs(own->spec);
  for (size_t i = 0; i < count; i++) {
    size_t k = i % channels, at = own->is_hwc ? i : k * (count / channels) + i / channels;
    own->image[at] = own->onnx->input_is_bytes
                         ? (float)pixels[i]
                         : ((float)pixels[i] / 255.0f - r->mean[k]) / r->std[k];
  }
}

/* Scores of one image, in LOGIT_UNIT; of two classes' logits the difference. */
static void own_scores(int32_t *scores, own_network *own, const uint8_t *pixels) {
  uint32_t outputs = own->onnx->layer[own->onnx->layer_count - 1].outputs;
  int is_pair = outputs == 2 && own->spec->outputs == 1;
  own_input(own, pixels);
  const float *value = onnx_run(own->memory, &own->onnx->program, own->image);
  for (uint32_t k = 0; k < own->spec->outputs; k++) {
    float score = is_pair ? value[1] - value[0] : value[k];
    scores[k] = (int32_t)(fminf(16000, fmaxf(-16000, score)) * LOGIT_UNIT);
  }
}

static int answer_image(import_answers *a, const ppml_model *model, own_network *own,
                        const uint8_t *pixels, const uint8_t *labels, ppml_arena *arena) {
  int32_t scores[PPML_CLASSES_MAX];
  int error = ppml_model_predict(scores, model, pixels, arena);
  if (error) return error;
  score_card_add(&a->integer, scores, labels);
  own_scores(scores, own, pixels);
  score_card_add(&a->own, scores, labels);
  return PPML_OK;
}

static int answer_split(import_answers *a, const ppml_model *model, own_network *own,
                        const npz_split *split) {
  ppml_arena arena = {0};
  size_t inputs = ppml_spec_inputs(&model->spec);
  int status = import_answers_create(a, &model->spec, split->count);
  if (status == CLI_OK) status = cli_arena_create(&arena, ppml_model_predict_bytes(model));
  for (size_t i = 0; i < split->count && status == CLI_OK; i++)
    if (answer_image(a, model, own, split->images + i * inputs,
                     split->labels + i * a->integer.answer_bytes, &arena))
      status = cli_fail(CLI_INTERNAL, "import", "the network cannot be run");
  if (arena.memory) cli_arena_destroy(&arena);
  return status;
}

/* The answers to all splits.
 *   a  [NPZ_SPLITS]  out: to be freed, whatever is returned */
static int answer_all(import_answers *a, const ppml_model *model, own_network *own,
                      const npz_dataset *data) {
  ppml_arena arena = {0};
  memset(a, 0, NPZ_SPLITS * sizeof *a);
  int status = own_network_create(own, &arena);
  for (int s = 0; s < NPZ_SPLITS && status == CLI_OK; s++)
    if (data->split[s].count) status = answer_split(&a[s], model, own, &data->split[s]);
  if (arena.memory) cli_arena_destroy(&arena);
  return status;
}

/* Share of the images whose answer is the one that most have, 1 label an image. */
static double top_share(const uint8_t *answer, size_t count) {
  size_t times[256] = {0}, most = 0;
  for (size_t i = 0; i < count; i++)
    if (++times[answer[i]] > most) most = times[answer[i]];
  return (double)most / (double)count;
}

/* A network that says the same of nearly all images was hardly given what it was trained on. */
static void warn_of_one_class(const import_request *r, const onnx_network *onnx,
                              const import_answers *a) {
  const score_card *card = &a->integer;
  if (card->answer_bytes != 1) return;
  double share = top_share(card->answer, card->count);
  double labels = top_share(card->label, card->count);
  if (share < ONE_SIDED || share <= labels) return;
  fprintf(stderr,
          "ppml: %s: warning: %.2f %% of the answers are one class, of which the labels have "
          "%.2f %%: the images probably enter %s (see %s)\n",
          r->onnx_path, 100 * share, 100 * labels,
          onnx->input_is_bytes ? "as they should not" : "with a wrong mean or deviation",
          onnx->input_is_bytes ? "--layout" : "--mean, --std, --layout");
}

/* ------------------------------------------------------------------------ run */

static int quantize(ppml_model *model, const import_request *r, const ppml_float_model *net,
                    const npz_dataset *data, const npz_split *split, ppml_arena *arena) {
  ppml_images images = {split->images, split->labels, split->count};
  int status = cli_arena_create(arena, ppml_quantize_bytes(net, images.count));
  if (status) return status;
  int error = ppml_quantize(model, net, r->input_bits, r->weight_bits, &images, arena);
  if (error == PPML_ERR_ARG)
    return cli_fail(CLI_DATA, r->onnx_path,
                    "accumulators beyond 30 bits (expected fewer inputs or bits)");
  if (error) return cli_fail_ppml(error, r->onnx_path, "a network that can be quantized");
  dataset_keep(&model->spec, data);
  return r->class_names ? cli_name_classes("import", &model->spec, r->class_names) : CLI_OK;
}

/* Compares the network with the file, and saves it if it is the same. */
static int conclude(const import_request *r, const ppml_model *model, own_network *own,
                    const npz_dataset *data, const npz_split *calibration) {
  import_answers a[NPZ_SPLITS];
  const import_answers *calibrated = &a[calibration - data->split];
  int status = answer_all(a, model, own, data);
  if (status == CLI_OK) status = import_check_agreement(calibrated, r->onnx_path, r->agreement);
  if (status == CLI_OK) status = save_model(model, r->model_path);
  if (status == CLI_OK) {
    warn_of_one_class(r, own->onnx, calibrated);
    import_report(a, model, data, own->onnx->last_op, r->json);
  }
  for (int s = 0; s < NPZ_SPLITS; s++) import_answers_destroy(&a[s]);
  return status;
}

static int import(const import_request *r, const onnx_network *onnx, const onnx_image *shape,
                  const npz_dataset *data) {
  ppml_model model;
  ppml_float_model net;
  const npz_split *split;
  ppml_arena arena = {0};
  own_network own = {r, onnx, &model.spec, shape->is_hwc, NULL, NULL};
  int status = load_split(&split, data, r->split ? r->split : "train");
  if (status == CLI_OK) status = make_net(&net, r, onnx, data);
  if (status == CLI_OK) status = quantize(&model, r, &net, data, split, &arena);
  if (status == CLI_OK) status = conclude(r, &model, &own, data, split);
  if (arena.memory) cli_arena_destroy(&arena);
  return status;
}

/* A network of layers. */
static int import_layers(const import_request *r, const onnx_files *files,
                         const npz_dataset *data) {
  onnx_network onnx;
  onnx_input input;
  onnx_image shape;
  ppml_arena arena;
  const char *reason = onnx_input_read(&input, files->file.bytes, files->file.count);
  if (reason) return cli_fail(CLI_DATA, r->onnx_path, "%s", reason);
  if (data->value_bytes > 1)
    return cli_fail(CLI_DATA, r->data_path, "latents of floats (expected pictures)");
  int status = set_image(&shape, r, &input, data);
  if (status == CLI_OK) status = check_normalization(r, &input);
  if (status == CLI_OK) status = load_onnx(&onnx, files, r->onnx_path, &shape, r->output, &arena);
  if (status) return status;
  status = import(r, &onnx, &shape, data);
  cli_arena_destroy(&arena);
  return status;
}

/* A network with a convolution. */
static int import_convolution(const import_request *r, const onnx_files *files,
                              const npz_dataset *data) {
  const char *split = r->split ? r->split : "train";
  const import_conv_request request = {r->onnx_path,   r->data_path, r->model_path, r->class_names,
                                       split,          r->mean,      r->std,        r->latent_bits,
                                       r->square_bits, r->agreement, r->json};
  if (r->layout && strcmp(r->layout, "chw") != 0)
    return cli_fail(CLI_USAGE, "import", "--layout %s (expected chw of a convolution)", r->layout);
  if (r->output) return cli_fail(CLI_USAGE, "import", "--output (expected none of a convolution)");
  return import_conv(&request, files, data);
}

/* The file is read before the data set is. */
static int import_files(const import_request *r, const onnx_files *files) {
  npz_dataset data;
  ppml_arena arena;
  npz_options options = r->data;
  options.takes_latents =
      onnx_conv_is(files->file.bytes, files->file.count) && options.range.kind == NPZ_RANGE_TYPE;
  int status = load_dataset(&data, r->data_path, &options, &arena);
  if (status) return status;
  status = onnx_conv_is(files->file.bytes, files->file.count) ? import_convolution(r, files, &data)
                                                              : import_layers(r, files, &data);
  cli_arena_destroy(&arena);
  return status;
}

int cmd_import(int argc, char **argv) {
  static onnx_files files;
  import_request r;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = load_onnx_files(&files, r.onnx_path);
  if (status == CLI_OK) status = import_files(&r, &files);
  onnx_files_free(&files);
  return status;
}
