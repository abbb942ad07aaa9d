#include "import_conv.h"

#include <math.h>
#include <string.h>

#include "cli.h"
#include "import_answers.h"
#include "dataset.h"
#include "load.h"
#include "onnx_conv.h"
#include "score.h"

/* The network as the library takes it, and what the file makes of images. */
typedef struct convolution {
  const import_conv_request *request;
  onnx_conv_network onnx;
  ppml_convolution net;
  ppml_pooled_options options;
  float *dense, *dense_bias; /* of one score for two classes: the difference of the file's */
  size_t each;               /* bytes of an image */
  float *x;                  /* [channels][height][width] an image as it enters */
  ppml_arena arena;          /* of the file's arrays, and of these three */
} convolution;

/* ------------------------------------------------------------------- shape */

/* Does the network fit the images and their classes? */
static int check_shape(const convolution *v, const npz_dataset *data) {
  const onnx_conv_network *n = &v->onnx;
  const char *path = v->request->onnx_path;
  uint32_t classes = data->classes;
  int has_labels = data->labels_per_image > 1;
  if (n->channels != data->channels || (n->height && n->height != data->height) ||
      (n->width && n->width != data->width))
    return cli_fail(CLI_DATA, path, "an input of %ux%ux%u (expected images of %zux%zux%u)",
                    n->height, n->width, n->channels, data->height, data->width, data->channels);
  if (n->outputs == classes || (n->outputs == 1 && classes == 2 && !has_labels)) return CLI_OK;
  return cli_fail(CLI_DATA, path, "%u outputs (expected one for each of %u classes)", n->outputs,
                  classes);
}

static void set_options(convolution *v, const npz_dataset *data) {
  ppml_pooled_options *o = &v->options;
  const import_conv_request *r = v->request;
  *o = ppml_pooled_options_default();
  o->width = (uint32_t)data->width, o->height = (uint32_t)data->height;
  o->channels = o->latents = data->channels;
  o->classes = data->classes;
  o->task = data->labels_per_image > 1 ? PPML_TASK_LABELS : PPML_TASK_CLASS;
  o->encoder = data->value_bytes > 1 ? PPML_ENCODER_READY : PPML_ENCODER_PATCHES;
  o->patch = 1, o->standardise = 0, o->regions = 1, o->copies = 0;
  o->reach = v->onnx.side;
  o->latent_bits = r->latent_bits < 2 ? 2 : r->latent_bits;
  o->weight_bits = r->weight_bits;
}

/* Of two classes' logits the difference is the score. */
static void set_dense(convolution *v) {
  const onnx_conv_network *n = &v->onnx;
  int is_pair = n->outputs == 2 && v->options.task == PPML_TASK_CLASS;
  uint32_t outputs = is_pair ? 1 : n->outputs;
  for (uint32_t c = 0; c < outputs; c++) {
    v->dense_bias[c] = is_pair ? n->dense_bias[1] - n->dense_bias[0] : n->dense_bias[c];
    for (uint32_t j = 0; j < n->filters; j++)
      v->dense[c * n->filters + j] =
          is_pair ? n->dense[n->filters + j] - n->dense[j] : n->dense[c * n->filters + j];
  }
}

static void set_network(convolution *v) {
  const onnx_conv_network *n = &v->onnx;
  ppml_convolution *net = &v->net;
  net->filters = n->filters;
  net->kernel = n->kernel, net->bias = n->bias;
  net->square = n->square, net->linear = n->linear, net->constant = n->constant;
  net->dense = v->dense, net->dense_bias = v->dense_bias;
  for (uint32_t c = 0; c < n->channels && c < PPML_LATENT_CHANNELS_MAX; c++) {
    net->mean[c] = v->request->mean[c < 4 ? c : 0];
    net->std[c] = v->request->std[c < 4 ? c : 0];
  }
}

/* Why there is no such pooled network: too many values, a kernel too large for them. */
static int check_options(const convolution *v) {
  const ppml_pooled_options *o = &v->options;
  int is_shape;
  const char *reason = ppml_pooled_refusal(o, &is_shape);
  if (reason == NULL) return CLI_OK;
  return cli_fail(is_shape ? CLI_DATA : CLI_REFUSED, v->request->onnx_path,
                  "%ux%ux%u values an image, kernel %u: %s", o->height, o->width, o->channels,
                  o->reach, reason);
}

static int take_file(convolution *v, const onnx_files *files, const npz_dataset *data) {
  size_t reader_bytes = onnx_conv_memory_bytes(onnx_files_bytes(files));
  size_t pixels = data->height * data->width * data->channels, dense = 64 * 4097;
  int status = cli_arena_create(&v->arena, ppml_arena_alloc_bytes(reader_bytes) +
                                               ppml_arena_alloc_bytes(4 * pixels) +
                                               ppml_arena_alloc_bytes(4 * dense));
  if (status) return status;
  void *block = ppml_arena_alloc(&v->arena, reader_bytes);
  v->x = (float *)ppml_arena_alloc(&v->arena, 4 * pixels);
  v->dense = (float *)ppml_arena_alloc(&v->arena, 4 * dense);
  v->dense_bias = v->dense + 64 * 4096;
  v->each = pixels * data->value_bytes;
  if (onnx_conv_read(&v->onnx, files->file.bytes, files->file.count, files->external,
                     files->externals, block, reader_bytes))
    return cli_fail(CLI_DATA, v->request->onnx_path, "%s", v->onnx.message);
  status = check_shape(v, data);
  if (status) return status;
  set_options(v, data);
  set_dense(v);
  set_network(v);
  return check_options(v);
}

/* ----------------------------------------------- the file's own arithmetic */

/* An image as the network takes it, zeros being its means. */
static void enter(convolution *v, const uint8_t *pixels) {
  const ppml_pooled_options *o = &v->options;
  size_t plane = (size_t)o->height * o->width;
  for (size_t i = 0; i < plane * o->channels; i++) {
    size_t c = i / plane;
    float x;
    if (o->encoder == PPML_ENCODER_READY) memcpy(&x, pixels + 4 * i, sizeof x);
    else x = (float)pixels[i % plane * o->channels + c] / 255.0f;
    v->x[i] = (x - v->net.mean[c]) / v->net.std[c];
  }
}

/* The convolution's result at a place of a filter; places begin k - 1 before the image. */
static float result_at(const convolution *v, uint32_t filter, size_t y, size_t x) {
  const ppml_pooled_options *o = &v->options;
  size_t k = o->reach, h = o->height, w = o->width;
  const float *kernel = v->net.kernel + filter * o->channels * k * k;
  float sum = v->net.bias[filter];
  for (size_t c = 0; c < o->channels; c++, kernel += k * k)
    for (size_t i = 0; i < k; i++)
      for (size_t j = 0; j < k; j++) {
        size_t row = y + i, column = x + j; /* both plus k - 1 */
        if (row < k - 1 || column < k - 1 || row - (k - 1) >= h || column - (k - 1) >= w) continue;
        sum += kernel[i * k + j] * v->x[(c * h + row - (k - 1)) * w + column - (k - 1)];
      }
  return sum;
}

/* The mean of a filter's polynomial. */
static double pooled_of(const convolution *v, uint32_t j) {
  const ppml_pooled_options *o = &v->options;
  size_t rows = o->height + o->reach - 1, columns = o->width + o->reach - 1;
  double sum = 0;
  for (size_t y = 0; y < rows; y++)
    for (size_t x = 0; x < columns; x++) {
      float z = result_at(v, j, y, x);
      sum += (double)((v->net.square[j] * z + v->net.linear[j]) * z + v->net.constant[j]);
    }
  return sum / ((double)rows * (double)columns);
}

/* Scores of one image, in LOGIT_UNIT. */
static void own_scores(int32_t *scores, convolution *v, const uint8_t *pixels, uint32_t outputs) {
  double logit[PPML_CLASSES_MAX];
  enter(v, pixels);
  for (uint32_t c = 0; c < outputs; c++) logit[c] = (double)v->net.dense_bias[c];
  for (uint32_t j = 0; j < v->net.filters; j++) {
    double a = pooled_of(v, j);
    for (uint32_t c = 0; c < outputs; c++)
      logit[c] += a * (double)v->net.dense[c * v->net.filters + j];
  }
  for (uint32_t c = 0; c < outputs; c++)
    scores[c] = (int32_t)(fmin(16000, fmax(-16000, logit[c])) * LOGIT_UNIT);
}

/* ----------------------------------------------------------------- answers */

static int answer_images(import_answers *a, const ppml_model *model, convolution *v,
                         const npz_split *split) {
  ppml_arena arena = {0};
  int status = cli_arena_create(&arena, ppml_model_predict_bytes(model));
  for (size_t i = 0; i < split->count && status == CLI_OK; i++) {
    int32_t scores[PPML_CLASSES_MAX];
    const uint8_t *pixels = split->images + i * v->each;
    const uint8_t *labels = split->labels + i * a->integer.answer_bytes;
    if (ppml_model_predict(scores, model, pixels, &arena))
      status = cli_fail(CLI_INTERNAL, "import", "the network cannot be run");
    score_card_add(&a->integer, scores, labels);
    own_scores(scores, v, pixels, model->spec.outputs);
    score_card_add(&a->own, scores, labels);
  }
  if (arena.memory) cli_arena_destroy(&arena);
  return status;
}

static int answer_split(import_answers *a, const ppml_model *model, convolution *v,
                        const npz_split *split) {
  int status = import_answers_create(a, &model->spec, split->count);
  memset(a->own_spec.threshold, 0, sizeof a->own_spec.threshold);
  return status ? status : answer_images(a, model, v, split);
}

/* --------------------------------------------------------------------- run */

/* Compares the network with the file, and saves it if it is the same. */
static int conclude(convolution *v, const ppml_model *model, const npz_dataset *data, int split) {
  import_answers a[NPZ_SPLITS];
  const import_conv_request *r = v->request;
  int status = CLI_OK;
  memset(a, 0, sizeof a);
  for (int s = 0; s < NPZ_SPLITS && status == CLI_OK; s++)
    if (data->split[s].count) status = answer_split(&a[s], model, v, &data->split[s]);
  if (status == CLI_OK) status = import_check_agreement(&a[split], r->onnx_path, r->agreement);
  if (status == CLI_OK) status = save_model(model, r->model_path);
  if (status == CLI_OK) import_report(a, model, data, v->onnx.last_op, r->json);
  for (int s = 0; s < NPZ_SPLITS; s++) import_answers_destroy(&a[s]);
  return status;
}

static int quantize(convolution *v, const npz_dataset *data, int split) {
  const npz_split *calibration = &data->split[split];
  ppml_images images = {calibration->images, calibration->labels, calibration->count};
  ppml_model model;
  ppml_arena arena;
  size_t bytes = ppml_quantize_convolution_bytes(&v->net, &v->options, images.count);
  if (bytes == 0)
    return cli_fail(CLI_DATA, v->request->onnx_path,
                    "numbers beyond what a network has (expected "
                    "numbers below 1e30)");
  int status = cli_arena_create(&arena, bytes);
  if (status) return status;
  int error = ppml_quantize_convolution(&model, &v->net, &v->options, &images, &arena);
  if (error)
    status = cli_fail_ppml(error, v->request->onnx_path, "a network that can be quantized");
  if (status == CLI_OK) dataset_keep(&model.spec, data);
  if (status == CLI_OK && v->request->class_names)
    status = cli_name_classes("import", &model.spec, v->request->class_names);
  if (status == CLI_OK) status = conclude(v, &model, data, split);
  cli_arena_destroy(&arena);
  return status;
}

int import_conv(const import_conv_request *r, const onnx_files *files, const npz_dataset *data) {
  static convolution v;
  int split = npz_split_index(r->split);
  const npz_split *there;
  int missing = load_split(&there, data, r->split);
  if (missing) return missing;
  memset(&v, 0, sizeof v);
  v.request = r;
  int status = take_file(&v, files, data);
  if (status == CLI_OK) status = quantize(&v, data, split);
  if (v.arena.memory) cli_arena_destroy(&v.arena);
  return status;
}
