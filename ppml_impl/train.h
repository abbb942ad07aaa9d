/* Layer 8: quantization-aware training of small fully connected networks: images in, an
 * integer network out.  shadow.h has the gradient descent, augment.h the changed images;
 * here they meet the data, and the shadow becomes the integers that inference has.
 *
 * The shadow's inputs are centered and scaled, x_i = unit (q_i - mean_i) for an integer q_i,
 * and its 1 is an activation's range.  So an integer neuron has
 *
 *   range_j = 1 / (step_j unit),   bias_j = range_j (bias of the shadow) - sum_i k_ji mean_i */
#ifndef PPMLI_TRAIN_H
#define PPMLI_TRAIN_H

#include "quant.h"
#include "shadow.h"

#define PPMLI_TRAIN_BATCH 64
#define PPMLI_TRAIN_RATE 0.002f       /* of Adam, at its highest */
#define PPMLI_TRAIN_WARM_UP 0.02f     /* share of the steps until that is reached */
#define PPMLI_TRAIN_AVERAGED 0.1f     /* share of the steps that the average looks back on */
#define PPMLI_TRAIN_PEAK_SHARE 4000   /* of that many accumulators one may be beyond its peak */
#define PPMLI_TRAIN_PEAK_BINS 128     /* of the histogram that peaks are read from ... */
#define PPMLI_TRAIN_BINS_PER_RANGE 16 /* ... hence eight ranges wide */
#define PPMLI_TRAIN_INPUTS_MAX 65536
#define PPMLI_TRAIN_NEURONS_MAX 4096
#define PPMLI_TRAIN_INTEGER_MAX ((int32_t)1 << 29) /* of a bias, and of a sum without it */

/* The model's arrays, to be written; model.layer has them as const. */
typedef struct ppmli_train_layer {
  int8_t *weight;               /* [outputs][inputs] */
  int32_t *bias, *range, *peak; /* [outputs]; the last layer has a bias only */
  uint32_t *seen;               /* [outputs][PEAK_BINS] how often |z_j| fell in which bin */
  float unit;                   /* what an integer input of 1 is to the shadow */
} ppmli_train_layer;

typedef struct ppmli_trainer {
  ppml_model model; /* the integer network, of the latest export */
  ppmli_shadow shadow;
  ppmli_train_layer layer[PPML_LAYERS_MAX];
  const ppml_images *train, *validation;
  float *best;     /* [shadow.parameters] the average after the epoch that did best */
  float *mean;     /* [inputs] of the quantized training images */
  uint32_t *order; /* [train->count] in which an epoch takes the images */
  uint8_t *pixels; /* [inputs] a changed image */
  int32_t *scores; /* [validation->count][outputs] of the latest export */
  float class_weight[PPML_CLASSES_MAX];
  ppml_rng rng;
  ppml_arena *arena;
} ppmli_trainer;

/* --------------------------------------------------------------- options */

PPMLI_STATIC ppml_train_options ppmli_train_options_default(void) {
  ppml_train_options o;
  memset(&o, 0, sizeof o);
  o.width = o.height = 28;
  o.channels = 1;
  o.classes = 2;
  o.hidden[0] = 16;
  o.hidden_count = 1;
  o.activation = PPML_ACTIVATION_RELU;
  o.input_bits = o.weight_bits = 4;
  o.epochs = 100;
  o.seed = 1;
  o.noise = 0.02;
  return o;
}

/* Inputs of an image, or 0 where there are too many. */
PPMLI_STATIC uint64_t ppmli_train_inputs(const ppml_train_options *o) {
  const uint32_t side = PPMLI_TRAIN_INPUTS_MAX;
  if (o->width > side || o->height > side || o->channels > 4) return 0;
  uint64_t inputs = (uint64_t)o->width * o->height * o->channels;
  return inputs <= PPMLI_TRAIN_INPUTS_MAX ? inputs : 0;
}

PPMLI_STATIC int ppmli_train_options_are_valid(const ppml_train_options *o) {
  uint64_t inputs = ppmli_train_inputs(o);
  if (inputs == 0 || o->classes < 2 || o->classes > PPML_CLASSES_MAX) return 0;
  if (o->hidden_count >= PPML_LAYERS_MAX) return 0;
  for (uint32_t l = 0; l < o->hidden_count; l++)
    if (o->hidden[l] == 0 || o->hidden[l] > PPMLI_TRAIN_NEURONS_MAX) return 0;
  if (o->activation < PPML_ACTIVATION_RELU || o->activation > PPML_ACTIVATION_SQUARE) return 0;
  if (o->input_bits < 1 || o->input_bits > 8 || o->weight_bits < 2 || o->weight_bits > 8) return 0;
  if (inputs << (o->input_bits + o->weight_bits - 1) > PPMLI_TRAIN_INTEGER_MAX) return 0;
  return o->epochs > 0 && o->noise >= 0 && o->noise < 1;
}

PPMLI_STATIC int ppmli_images_are_valid(const ppml_images *images, uint32_t classes) {
  if (images->count == 0 || images->count > UINT32_MAX) return 0;
  if (images->pixels == NULL || images->labels == NULL) return 0;
  for (size_t n = 0; n < images->count; n++)
    if (images->labels[n] >= classes) return 0;
  return 1;
}

/* A class is called by its number until the caller knows better. */
PPMLI_STATIC void ppmli_train_name_class(char *name, uint32_t c) {
  if (c >= 10) *name++ = (char)('0' + c / 10);
  *name = (char)('0' + c % 10);
}

/* Spec and layers, but for the arrays. */
PPMLI_STATIC void ppmli_train_shape(ppml_model *m, const ppml_train_options *o) {
  memset(m, 0, sizeof *m);
  m->spec.width = o->width;
  m->spec.height = o->height;
  m->spec.channels = o->channels;
  m->spec.input_bits = o->input_bits;
  m->spec.classes = o->classes;
  m->spec.outputs = ppmli_task_outputs(PPML_TASK_CLASS, o->classes);
  for (uint32_t c = 0; c < o->classes; c++) ppmli_train_name_class(m->spec.class_name[c], c);
  m->layer_count = o->hidden_count + 1;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    int is_last = l == o->hidden_count;
    m->layer[l].inputs = l == 0 ? (uint32_t)ppmli_spec_inputs(&m->spec) : o->hidden[l - 1];
    m->layer[l].outputs = is_last ? m->spec.outputs : o->hidden[l];
    m->layer[l].activation = is_last ? (uint32_t)PPML_ACTIVATION_NONE : o->activation;
    m->layer[l].weight_bits = o->weight_bits;
  }
}

/* ---------------------------------------------------------------- memory */

/* Floats of shadow, best and mean. */
PPMLI_STATIC uint64_t ppmli_train_floats(const ppml_model *m) {
  uint64_t count = ppmli_shadow_floats(m) + ppmli_spec_inputs(&m->spec);
  for (uint32_t l = 0; l < m->layer_count; l++) count += ppmli_shadow_parameters(&m->layer[l]);
  return count;
}

/* Hidden neurons: those whose accumulators have a range, a peak and a histogram. */
PPMLI_STATIC uint64_t ppmli_train_hidden(const ppml_model *m) {
  uint64_t count = 0;
  for (uint32_t l = 0; l + 1 < m->layer_count; l++) count += m->layer[l].outputs;
  return count;
}

/* What stays in the arena after training. */
PPMLI_STATIC uint64_t ppmli_train_model_bytes(const ppml_model *m) {
  uint64_t bytes = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    uint32_t arrays = l + 1 < m->layer_count ? 3 : 1; /* bias, range, peak */
    bytes += ppmli_arena_rounded((size_t)m->layer[l].outputs * m->layer[l].inputs);
    bytes += arrays * (uint64_t)ppmli_arena_rounded(m->layer[l].outputs * sizeof(int32_t));
  }
  return bytes;
}

/* Arena bytes of ppmli_train_run, model included; 0 for options that it refuses.  In 64
 * bits, so that a 32-bit machine sees what is too much for it. */
PPMLI_STATIC size_t ppmli_train_bytes(const ppml_train_options *options, size_t train_count,
                                      size_t validation_count) {
  ppml_model m;
  if (!ppmli_train_options_are_valid(options)) return 0;
  ppmli_train_shape(&m, options);
  const uint64_t arrays[] = {4 * ppmli_train_floats(&m),
                             4 * PPMLI_TRAIN_PEAK_BINS * ppmli_train_hidden(&m),
                             4 * (uint64_t)train_count, ppmli_spec_inputs(&m.spec),
                             4 * (uint64_t)validation_count * m.spec.outputs};
  uint64_t bytes = ppmli_train_model_bytes(&m) + ppmli_quant_forward_scratch(&m);
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    bytes += (arrays[i] + (PPML_ALIGNMENT - 1)) / PPML_ALIGNMENT * PPML_ALIGNMENT;
  return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

PPMLI_STATIC int ppmli_train_alloc_model(ppmli_trainer *t) {
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    ppml_layer *m = &t->model.layer[l];
    ppmli_train_layer *layer = &t->layer[l];
    PPMLI_ALLOC(int8_t, weight, t->arena, (size_t)m->outputs * m->inputs);
    PPMLI_ALLOC(int32_t, bias, t->arena, m->outputs);
    m->weight = layer->weight = weight;
    m->bias = layer->bias = bias;
    if (m->activation == PPML_ACTIVATION_NONE) continue;
    PPMLI_ALLOC(int32_t, range, t->arena, m->outputs);
    PPMLI_ALLOC(int32_t, peak, t->arena, m->outputs);
    m->range = layer->range = range;
    m->peak = layer->peak = peak;
  }
  return PPML_OK;
}

PPMLI_STATIC int ppmli_train_alloc_scratch(ppmli_trainer *t) {
  size_t float_count = (size_t)ppmli_train_floats(&t->model);
  size_t seen_count = (size_t)ppmli_train_hidden(&t->model) * PPMLI_TRAIN_PEAK_BINS;
  PPMLI_ALLOC(float, floats, t->arena, float_count);
  PPMLI_ALLOC(uint32_t, seen, t->arena, seen_count);
  PPMLI_ALLOC(uint32_t, order, t->arena, t->train->count);
  PPMLI_ALLOC(uint8_t, pixels, t->arena, ppmli_spec_inputs(&t->model.spec));
  PPMLI_ALLOC(int32_t, scores, t->arena, t->validation->count * t->model.spec.outputs);
  for (size_t i = 0; i < float_count; i++) floats[i] = 0;
  memset(seen, 0, seen_count * sizeof *seen);
  ppmli_shadow_init(&t->shadow, &t->model, floats);
  t->best = floats + ppmli_shadow_floats(&t->model);
  t->mean = t->best + t->shadow.parameters;
  t->order = order;
  t->pixels = pixels;
  t->scores = scores;
  for (uint32_t l = 0; l + 1 < t->model.layer_count; l++) {
    t->layer[l].seen = seen;
    seen += (size_t)t->model.layer[l].outputs * PPMLI_TRAIN_PEAK_BINS;
  }
  return PPML_OK;
}

/* ----------------------------------------------------------------- start */

/* The mean of every input, and the unit in which all inputs together have variance 1. */
PPMLI_STATIC void ppmli_train_center(ppmli_trainer *t) {
  size_t inputs = ppmli_spec_inputs(&t->model.spec), count = t->train->count;
  double variance = 0;
  for (size_t i = 0; i < inputs; i++) {
    int64_t sum = 0, squares = 0;
    for (size_t n = 0; n < count; n++) {
      int32_t q = ppmli_quant_pixel(t->train->pixels[n * inputs + i], t->model.spec.input_bits);
      sum += q;
      squares += q * q;
    }
    double mean = (double)sum / (double)count;
    t->mean[i] = (float)mean;
    variance += ((double)squares / (double)count - mean * mean) / (double)inputs;
  }
  t->layer[0].unit = variance > 1e-6 ? (float)(1 / sqrt(variance)) : 1;
  for (uint32_t l = 1; l < t->model.layer_count; l++) t->layer[l].unit = 1.0f / PPML_ACTIVATION_MAX;
}

/* Classes weigh the same, however many images each has. */
PPMLI_STATIC void ppmli_train_balance(ppmli_trainer *t) {
  uint32_t classes = t->model.spec.classes;
  size_t images[PPML_CLASSES_MAX] = {0};
  for (size_t n = 0; n < t->train->count; n++) images[t->train->labels[n]]++;
  for (uint32_t c = 0; c < classes; c++)
    if (images[c])
      t->class_weight[c] = (float)t->train->count / ((float)classes * (float)images[c]);
}

PPMLI_STATIC void ppmli_train_prepare(ppmli_trainer *t, const ppml_train_options *options) {
  uint8_t seed[PPML_SEED_BYTES] = {0};
  ppmli_store64(seed, options->seed);
  ppmli_rng_seed(&t->rng, seed);
  ppmli_train_center(t);
  ppmli_train_balance(t);
  ppmli_shadow_draw(&t->shadow, &t->rng);
  t->shadow.noise = 2 * (float)options->noise; /* the width is 2, from -1 to 1 */
  for (size_t n = 0; n < t->train->count; n++) t->order[n] = (uint32_t)n;
}

/* ---------------------------------------------------------------- epochs */

PPMLI_STATIC void ppmli_train_shuffle(ppmli_trainer *t) {
  for (size_t n = t->train->count; n > 1; n--) {
    size_t other = (size_t)(ppmli_rng_u64(&t->rng) % n);
    uint32_t swapped = t->order[n - 1];
    t->order[n - 1] = t->order[other];
    t->order[other] = swapped;
  }
}

/* A changed training image as the shadow's input. */
PPMLI_STATIC void ppmli_train_load(ppmli_trainer *t, size_t image) {
  const ppml_spec *spec = &t->model.spec;
  size_t inputs = ppmli_spec_inputs(spec);
  float *x = t->shadow.layer[0].x, unit = t->layer[0].unit;
  ppmli_augment(t->pixels, t->train->pixels + image * inputs, spec, &t->rng);
  for (size_t i = 0; i < inputs; i++)
    x[i] = unit * ((float)ppmli_quant_pixel(t->pixels[i], spec->input_bits) - t->mean[i]);
}

/* A short rise, then down along a smooth step.
 *   progress  0..1 */
PPMLI_STATIC float ppmli_train_rate(float progress) {
  float rise = progress < PPMLI_TRAIN_WARM_UP ? progress / PPMLI_TRAIN_WARM_UP : 1;
  return PPMLI_TRAIN_RATE * rise * (1 - progress * progress * (3 - 2 * progress));
}

/* One step along the gradient of count images.
 *   step, steps  done before, and in all */
PPMLI_STATIC void ppmli_train_batch(ppmli_trainer *t, const uint32_t *images, size_t count,
                                    size_t step, size_t steps) {
  float newest = 1 / (PPMLI_TRAIN_AVERAGED * (float)steps);
  ppmli_shadow_round(&t->shadow, t->shadow.weight);
  for (size_t n = 0; n < count; n++) {
    uint32_t label = t->train->labels[images[n]];
    ppmli_train_load(t, images[n]);
    ppmli_shadow_forward(&t->shadow, &t->rng);
    ppmli_shadow_backward(&t->shadow, label, t->class_weight[label]);
  }
  ppmli_shadow_descend(&t->shadow, ppmli_train_rate((float)step / (float)steps),
                       1.0f / (float)count, newest < 1 ? newest : 1);
}

PPMLI_STATIC void ppmli_train_epoch(ppmli_trainer *t, size_t epoch, size_t epochs) {
  size_t count = t->train->count, batches = (count + PPMLI_TRAIN_BATCH - 1) / PPMLI_TRAIN_BATCH;
  ppmli_train_shuffle(t);
  for (size_t b = 0; b < batches; b++) {
    size_t from = b * PPMLI_TRAIN_BATCH, left = count - from;
    ppmli_train_batch(t, t->order + from, ppmli_min_size(left, PPMLI_TRAIN_BATCH),
                      epoch * batches + b, epochs * batches);
  }
}

/* ---------------------------------------------------------------- export */

PPMLI_INLINE int32_t ppmli_train_integer(double x) {
  const double most = PPMLI_TRAIN_INTEGER_MAX, rounded = floor(x + 0.5);
  return (int32_t)(rounded < -most ? -most : rounded > most ? most : rounded);
}

/* Neuron j of layer l in integers.  Layer 0's bias takes on the centering of the inputs. */
PPMLI_STATIC void ppmli_train_export_neuron(ppmli_trainer *t, uint32_t l, uint32_t j) {
  const ppmli_shadow_layer *from = &t->shadow.layer[l];
  ppmli_train_layer *to = &t->layer[l];
  const float *row = from->rounded + (size_t)j * (from->inputs + 1);
  int8_t *weight = to->weight + (size_t)j * from->inputs;
  double range = 1 / ((double)from->step[j] * to->unit), bias = row[from->inputs] * range;
  for (uint32_t i = 0; i < from->inputs; i++) {
    weight[i] = (int8_t)ppmli_train_integer((double)row[i] / from->step[j]);
    if (l == 0) bias -= (double)t->mean[i] * weight[i];
  }
  to->bias[j] = ppmli_train_integer(bias);
  if (from->activation == PPML_ACTIVATION_NONE) return;
  to->range[j] = range < 1 ? 1 : ppmli_train_integer(range);
  to->peak[j] = to->range[j]; /* until the end, ppmli_train_set_peaks */
}

/* The integer network of a shadow's weights.
 *   weight [shadow.parameters] */
PPMLI_STATIC void ppmli_train_export(ppmli_trainer *t, const float *weight) {
  ppmli_shadow_round(&t->shadow, weight);
  for (uint32_t l = 0; l < t->model.layer_count; l++)
    for (uint32_t j = 0; j < t->model.layer[l].outputs; j++) ppmli_train_export_neuron(t, l, j);
}

/* Scores of the validation images.
 *   right  out, how many classes are */
PPMLI_STATIC int ppmli_train_validate(size_t *right, ppmli_trainer *t) {
  const ppml_spec *spec = &t->model.spec;
  const uint8_t *pixels = t->validation->pixels;
  *right = 0;
  for (size_t n = 0; n < t->validation->count; n++, pixels += ppmli_spec_inputs(spec)) {
    int32_t *scores = t->scores + n * spec->outputs;
    PPMLI_TRY(ppmli_quant_forward(scores, &t->model, pixels, NULL, t->arena));
    uint8_t answer[PPML_CLASSES_MAX];
    ppmli_spec_answer(answer, spec, scores);
    *right += answer[0] == t->validation->labels[n];
  }
  return PPML_OK;
}

/* All epochs.  best is the averaged shadow after the one that gets most validation images
 * right, the latest of equals. */
PPMLI_STATIC int ppmli_train_epochs(ppmli_trainer *t, size_t epochs,
                                    const ppml_progress *progress) {
  size_t right, most = 0;
  for (size_t epoch = 0; epoch < epochs; epoch++) {
    ppmli_train_epoch(t, epoch, epochs);
    ppmli_train_export(t, t->shadow.average);
    PPMLI_TRY(ppmli_train_validate(&right, t));
    if (right >= most) {
      most = right;
      memcpy(t->best, t->shadow.average, t->shadow.parameters * sizeof *t->best);
    }
    if (progress && progress->step) progress->step(progress->context, epoch + 1, epochs);
  }
  return PPML_OK;
}

/* ----------------------------------------------------------------- peaks */

/* A hook for ppmli_quant_forward: counts accumulators by their size. */
PPMLI_STATIC void ppmli_train_watch(void *context, uint32_t l, int32_t *z) {
  ppmli_trainer *t = (ppmli_trainer *)context;
  if (t->model.layer[l].activation == PPML_ACTIVATION_NONE) return;
  for (uint32_t j = 0; j < t->model.layer[l].outputs; j++) {
    int64_t size = z[j] < 0 ? -(int64_t)z[j] : z[j];
    int64_t bin = size * PPMLI_TRAIN_BINS_PER_RANGE / t->layer[l].range[j];
    size_t at = bin < PPMLI_TRAIN_PEAK_BINS ? (size_t)bin : PPMLI_TRAIN_PEAK_BINS - 1;
    t->layer[l].seen[(size_t)j * PPMLI_TRAIN_PEAK_BINS + at]++;
  }
}

/* Watches the accumulators of images, as they are or changed. */
PPMLI_STATIC int ppmli_train_watch_images(ppmli_trainer *t, const ppml_images *images,
                                          int changed) {
  const ppml_spec *spec = &t->model.spec;
  const uint8_t *pixels = images->pixels;
  int32_t scores[PPML_CLASSES_MAX];
  ppmli_quant_hook hook = {ppmli_train_watch, t};
  for (size_t n = 0; n < images->count; n++, pixels += ppmli_spec_inputs(spec)) {
    if (changed) ppmli_augment(t->pixels, pixels, spec, &t->rng);
    PPMLI_TRY(
        ppmli_quant_forward(scores, &t->model, changed ? t->pixels : pixels, &hook, t->arena));
  }
  return PPML_OK;
}

/* The upper end of the first bin that leaves few enough accumulators above it; that is
 * at least range.  A single odd image would otherwise cost all others resolution.
 *   seen   [PEAK_BINS]
 *   total  their sum */
PPMLI_STATIC int32_t ppmli_train_peak(const uint32_t *seen, uint64_t total, int32_t range) {
  uint64_t above = 0, most = total / PPMLI_TRAIN_PEAK_SHARE;
  int64_t bins = PPMLI_TRAIN_PEAK_BINS;
  while (bins > PPMLI_TRAIN_BINS_PER_RANGE && above + seen[bins - 1] <= most) above += seen[--bins];
  int64_t peak = (bins * range + PPMLI_TRAIN_BINS_PER_RANGE - 1) / PPMLI_TRAIN_BINS_PER_RANGE;
  return (int32_t)(peak < PPMLI_TRAIN_INTEGER_MAX ? peak : PPMLI_TRAIN_INTEGER_MAX);
}

PPMLI_STATIC int ppmli_train_set_peaks(ppmli_trainer *t) {
  uint64_t total = 2 * (uint64_t)t->train->count + t->validation->count;
  PPMLI_TRY(ppmli_train_watch_images(t, t->train, 0));
  PPMLI_TRY(ppmli_train_watch_images(t, t->train, 1));
  PPMLI_TRY(ppmli_train_watch_images(t, t->validation, 0));
  for (uint32_t l = 0; l + 1 < t->model.layer_count; l++) {
    const uint32_t *seen = t->layer[l].seen;
    for (uint32_t j = 0; j < t->model.layer[l].outputs; j++, seen += PPMLI_TRAIN_PEAK_BINS)
      t->layer[l].peak[j] = ppmli_train_peak(seen, total, t->layer[l].range[j]);
  }
  return PPML_OK;
}

/* ---------------------------------------------------------------- scores */

/* Slope of the validation images' cross entropy by 1 / unit, up to a positive factor.
 * Targets stay short of 1, as if one image more had gone wrong [PLATT]: otherwise a
 * faultless network would be endlessly sure of itself. */
PPMLI_STATIC double ppmli_train_unit_slope(const ppmli_trainer *t, double unit) {
  uint32_t outputs = t->model.spec.outputs;
  float smooth = 1 / ((float)t->validation->count + 2), error[PPML_CLASSES_MAX];
  const int32_t *scores = t->scores;
  double slope = 0;
  for (size_t n = 0; n < t->validation->count; n++, scores += outputs) {
    uint32_t label = t->validation->labels[n];
    for (uint32_t c = 0; c < outputs; c++) error[c] = (float)(scores[c] / unit);
    ppmli_shadow_error(error, error, outputs, label, smooth);
    for (uint32_t c = 0; c < outputs; c++)
      slope += (double)t->class_weight[label] * error[c] * scores[c];
  }
  return slope;
}

/* The unit that makes scores the most truthful logits: there the slope, which falls as
 * units grow, changes its sign. */
PPMLI_STATIC uint32_t ppmli_train_score_unit(const ppmli_trainer *t) {
  uint32_t unit = 1;
  for (uint32_t bit = (uint32_t)1 << 28; bit; bit >>= 1)
    if (ppmli_train_unit_slope(t, unit + bit) > 0) unit += bit;
  return unit;
}

/* The largest number that at most 5 % of the validation images' margins are below. */
PPMLI_STATIC uint32_t ppmli_train_margin_p05(const ppmli_trainer *t) {
  const ppml_spec *spec = &t->model.spec;
  uint32_t p05 = 0;
  for (uint32_t bit = (uint32_t)1 << 30; bit; bit >>= 1) {
    size_t below = 0;
    for (size_t n = 0; n < t->validation->count; n++)
      below += ppmli_spec_margin(spec, t->scores + n * spec->outputs) < (int64_t)p05 + bit;
    if (below <= t->validation->count / 20) p05 += bit;
  }
  return p05;
}

/* ------------------------------------------------------------------- run */

/* From the best epoch to all that the model says of itself, but for its id. */
PPMLI_STATIC int ppmli_train_finish(ppmli_trainer *t) {
  size_t right;
  ppmli_train_export(t, t->best);
  PPMLI_TRY(ppmli_train_set_peaks(t));
  PPMLI_TRY(ppmli_train_validate(&right, t));
  t->model.spec.score_unit = ppmli_train_score_unit(t);
  t->model.margin_p05 = ppmli_train_margin_p05(t);
  return PPML_OK;
}

/* As ppml_train, but for the model's id, which stays zero.
 *   model  out; its arrays live in arena, which keeps nothing else */
PPMLI_STATIC int ppmli_train_run(ppml_model *model, const ppml_train_options *options,
                                 const ppml_images *train, const ppml_images *validation,
                                 const ppml_progress *progress, ppml_arena *arena) {
  ppmli_trainer t;
  if (!ppmli_train_options_are_valid(options)) return PPML_ERR_ARG;
  if (!ppmli_images_are_valid(train, options->classes)) return PPML_ERR_ARG;
  if (!ppmli_images_are_valid(validation, options->classes)) return PPML_ERR_ARG;
  if (ppmli_train_bytes(options, train->count, validation->count) >
      arena->capacity_bytes - arena->used_bytes)
    return PPML_ERR_NOMEM; /* at once, so that no allocation below can fail */
  memset(&t, 0, sizeof t);
  t.train = train;
  t.validation = validation;
  t.arena = arena;
  ppmli_train_shape(&t.model, options);
  PPMLI_TRY(ppmli_train_alloc_model(&t));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_train_alloc_scratch(&t));
  ppmli_train_prepare(&t, options);
  PPMLI_TRY(ppmli_train_epochs(&t, options->epochs, progress));
  PPMLI_TRY(ppmli_train_finish(&t));
  *model = t.model;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
