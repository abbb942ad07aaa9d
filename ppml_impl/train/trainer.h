/* What training keeps: options, data, the master network, and the integer network that it
 * becomes.  integers.h rounds the master network, statistics.h measures what comes of it, train.h has the
 * loop around both.  In: options and images; out: memory, and whether the options make sense. Next:
 * train.h. */
#ifndef PPMLI_TRAIN_TRAINER_H
#define PPMLI_TRAIN_TRAINER_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../math/params.h"
#include "../network/clear.h"
#include "../network/model.h"
#include "../network/spec.h"
#include "master.h"

#define PPMLI_TRAIN_COPIES 3          /* changed copies of each validation image */
#define PPMLI_TRAIN_SAMPLE 512        /* changed training images that normalization is folded by */
#define PPMLI_TRAIN_PEAK_BINS 128     /* of the histogram that peaks are read from ... */
#define PPMLI_TRAIN_BINS_PER_RANGE 16 /* ... hence eight ranges wide */
#define PPMLI_TRAIN_INTEGER_MAX ((int32_t)1 << 29) /* of a bias, and of a sum without it */
#define PPMLI_TRAIN_ROOT_MAX ((int32_t)1 << 19)    /* the same before a polynomial */
#define PPMLI_TRAIN_SCORE_BITS 3                   /* of the weights behind polynomials */

/* The model's arrays, to be written; model.layer has them as const. */
typedef struct ppmli_train_layer {
  int8_t *weight;               /* [outputs][inputs] */
  int32_t *bias, *range, *peak; /* [outputs]; which but bias there are says ppml_layer */
  int32_t *square, *linear;     /* [outputs] of polynomials */
  uint32_t *seen;               /* [outputs][PEAK_BINS] how often |z_j| fell in which bin */
  int32_t *farthest;            /* [outputs] largest |z_j| */
} ppmli_train_layer;

typedef struct ppmli_trainer {
  const ppml_train_options *options;
  const ppml_images *train;
  const ppml_parallel *parallel;
  ppml_model model; /* the integer network, of the latest fold */
  ppmli_master master;
  ppmli_train_layer layer[PPML_LAYERS_MAX];
  ppml_images validation; /* COPIES changed ones of each, in memory of our own */
  float unit;             /* what an integer input of 1 is to the master network */
  double root_unit; /* what an accumulator of 1 is to the master network, before a polynomial */
  float *best;      /* [master.parameters] the average after the epoch that did best */
  double best_validation;
  size_t best_run; /* that found it: of options->seeds */
  float *mean;     /* [inputs] of the quantized training images */
  uint32_t *order; /* [train->count] in which an epoch takes the images */
  uint8_t *pixels; /* [SHARDS][inputs] changed images */
  uint8_t *sample; /* [sample_count][inputs] changed training images */
  size_t sample_count;
  int32_t *sample_x, *sample_z; /* [sample_count][width] inputs and sums of the layer at hand */
  int32_t *scores;              /* [validation.count][outputs] of the latest fold */
  float *class_weight;          /* [classes][2]: of a class, or of a label that is 0 or 1 */
  ppmli_slices scratch;         /* [threads] */
  ppml_rng rng;
  ppml_arena *arena;
} ppmli_trainer;

/* --------------------------------------------------------------- options */

/* Inputs of an image, or 0 where there are too many. */
PPMLI_STATIC uint64_t ppmli_train_inputs(const ppml_train_options *o) {
  if (o->width > PPML_SIDE_MAX || o->height > PPML_SIDE_MAX || o->channels > 4) return 0;
  uint64_t inputs = (uint64_t)o->width * o->height * o->channels;
  return inputs <= PPML_INPUTS_MAX ? inputs : 0;
}

PPMLI_INLINE int ppmli_train_learns_polynomials(const ppml_train_options *o) {
  return o->activation == PPML_ACTIVATION_POLYNOMIAL && o->learn_polynomial;
}

PPMLI_STATIC int ppmli_train_activation_is_valid(const ppml_train_options *o) {
  if (o->activation == PPML_ACTIVATION_POLYNOMIAL)
    return o->hidden_count == 1 && o->learn_polynomial <= 1;
  if (o->learn_polynomial) return 0;
  return o->activation >= PPML_ACTIVATION_RELU && o->activation <= PPML_ACTIVATION_CLIPPED_SQUARE;
}

/* Of a hidden layer's bias, and of a sum without it.  Squares of larger sums than ROOT_MAX would
 * add up to scores beyond 31 bits, whose peaks and thresholds have no place in a file. */
PPMLI_INLINE uint64_t ppmli_train_integer_max(uint32_t activation) {
  int is_root = activation == PPML_ACTIVATION_POLYNOMIAL;
  return (uint64_t)(is_root ? PPMLI_TRAIN_ROOT_MAX : PPMLI_TRAIN_INTEGER_MAX);
}

PPMLI_STATIC int ppmli_train_shape_is_valid(const ppml_train_options *o) {
  uint64_t inputs = ppmli_train_inputs(o);
  if (inputs == 0 || o->classes < 2 || o->classes > PPML_CLASSES_MAX) return 0;
  if (o->task > PPML_TASK_GRADE || o->hidden_count >= PPML_LAYERS_MAX) return 0;
  for (uint32_t l = 0; l < o->hidden_count; l++)
    if (o->hidden[l] == 0 || o->hidden[l] > PPML_NEURONS_MAX) return 0;
  if (!ppmli_train_activation_is_valid(o)) return 0;
  if (o->input_bits < 1 || o->input_bits > 8 || o->weight_bits < 2 || o->weight_bits > 8) return 0;
  return inputs << (o->input_bits + o->weight_bits - 1) <= ppmli_train_integer_max(o->activation);
}

/* Is x from 0 to most, and a number? */
PPMLI_INLINE int ppmli_train_is_within(double x, double most) {
  return x >= 0 && x <= most;
}

PPMLI_STATIC int ppmli_train_options_are_valid(const ppml_train_options *o) {
  if (!ppmli_train_shape_is_valid(o) || o->epochs == 0 || o->seeds == 0 || o->flip > 3) return 0;
  if (o->params && o->params != ppmli_params_by_id(o->params->id)) return 0;
  if (o->activation != PPML_ACTIVATION_POLYNOMIAL && (o->params != NULL) == (o->noiseless != 0))
    return 0; /* no set, and nobody said that there should be none */
  return o->rate > 0 && ppmli_train_is_within(o->rate, 1) && ppmli_train_is_within(o->balance, 1) &&
         ppmli_train_is_within(o->warp, 3) && ppmli_train_is_within(o->decay, 100);
}

/* Labels of an image. */
PPMLI_INLINE size_t ppmli_train_label_bytes(const ppml_train_options *o) {
  return o->task == PPML_TASK_LABELS ? o->classes : 1;
}

PPMLI_STATIC int ppmli_images_are_valid(const ppml_images *images, const ppml_train_options *o) {
  size_t bytes = ppmli_train_label_bytes(o);
  uint32_t most = o->task == PPML_TASK_LABELS ? 1 : o->classes - 1;
  if (images->count == 0 || images->count > UINT32_MAX / PPMLI_TRAIN_COPIES) return 0;
  if (images->pixels == NULL || images->labels == NULL) return 0;
  for (size_t i = 0; i < images->count * bytes; i++)
    if (images->labels[i] > most) return 0;
  return 1;
}

/* ----------------------------------------------------------------- weigh */

/* Losses or errors of the scores of an image, times the weight of its class or labels. */
PPMLI_STATIC void ppmli_train_weigh(float *each, const ppmli_trainer *t, const uint8_t *labels) {
  int is_labels = t->model.spec.task == PPML_TASK_LABELS;
  for (uint32_t c = 0; c < t->model.spec.outputs; c++)
    each[c] *= is_labels ? t->class_weight[2 * c + labels[c]] : t->class_weight[2 * labels[0] + 1];
}

/* ----------------------------------------------------------------- shape */

/* Spec and layers, but for the arrays. */
PPMLI_STATIC void ppmli_train_shape(ppml_model *m, const ppml_train_options *o) {
  memset(m, 0, sizeof *m);
  m->spec.width = o->width;
  m->spec.height = o->height;
  m->spec.channels = o->channels;
  m->spec.input_bits = o->input_bits;
  m->spec.classes = o->classes;
  m->spec.task = o->task;
  m->spec.outputs = ppmli_task_outputs(o->task, o->classes);
  ppmli_spec_name_classes(&m->spec);
  m->layer_count = o->hidden_count + 1;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    int is_last = l == o->hidden_count;
    m->layer[l].inputs = l == 0 ? (uint32_t)ppmli_spec_inputs(&m->spec) : o->hidden[l - 1];
    m->layer[l].outputs = is_last ? m->spec.outputs : o->hidden[l];
    m->layer[l].activation = is_last ? (uint32_t)PPML_ACTIVATION_NONE : o->activation;
    m->layer[l].weight_bits = o->weight_bits;
  }
  if (ppmli_model_is_polynomial(m)) m->layer[1].weight_bits = PPMLI_TRAIN_SCORE_BITS;
}

/* ---------------------------------------------------------------- memory */

/* Have the layer's accumulators peaks?  Then they have a histogram. */
PPMLI_INLINE int ppmli_train_has_peaks(const ppml_model *m, uint32_t l) {
  return ppmli_layer_is_clipped(&m->layer[l]) || ppmli_model_has_score_peaks(m, l);
}

/* Neurons and scores that have peaks. */
PPMLI_STATIC uint64_t ppmli_train_peaks(const ppml_model *m) {
  uint64_t count = 0;
  for (uint32_t l = 0; l < m->layer_count; l++)
    if (ppmli_train_has_peaks(m, l)) count += m->layer[l].outputs;
  return count;
}

/* What stays in the arena after training. */
PPMLI_STATIC uint64_t ppmli_train_model_bytes(const ppml_model *m) {
  uint64_t bytes = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    uint32_t arrays = l + 1 < m->layer_count ? 3 : 1; /* bias; range, peak or square, linear */
    if (ppmli_model_has_score_peaks(m, l)) arrays++;
    bytes += ppmli_arena_rounded((size_t)m->layer[l].outputs * m->layer[l].inputs);
    bytes += arrays * (uint64_t)ppmli_arena_rounded(m->layer[l].outputs * sizeof(int32_t));
  }
  return bytes;
}

/* Bytes of the arrays that training alone needs, in the order in which they are taken. */
enum { PPMLI_TRAIN_ARRAYS = 14 };

PPMLI_STATIC void ppmli_train_arrays(uint64_t bytes[PPMLI_TRAIN_ARRAYS], const ppml_model *m,
                                     uint64_t train_count, uint64_t validation_count) {
  uint64_t inputs = ppmli_spec_inputs(&m->spec), width = ppmli_quant_width(m);
  uint64_t copies = PPMLI_TRAIN_COPIES * validation_count;
  uint64_t sample = train_count < PPMLI_TRAIN_SAMPLE ? train_count : PPMLI_TRAIN_SAMPLE;
  const uint64_t needed[PPMLI_TRAIN_ARRAYS] = {4 * ppmli_master_floats(m),
                                               4 * ppmli_master_parameters(m), /* best */
                                               4 * inputs,                     /* mean */
                                               4 * train_count,                /* order */
                                               PPMLI_MASTER_SHARDS * inputs,   /* pixels */
                                               sample * inputs,
                                               4 * sample * width, /* sample_x */
                                               4 * sample * width, /* sample_z */
                                               copies * inputs,
                                               copies * ppmli_spec_answer_bytes(&m->spec),
                                               4 * copies * m->spec.outputs, /* scores */
                                               8 * (uint64_t)m->spec.classes,
                                               4 * PPMLI_TRAIN_PEAK_BINS * ppmli_train_peaks(m),
                                               4 * ppmli_train_peaks(m)}; /* farthest */
  memcpy(bytes, needed, sizeof needed);
}

/* Arena bytes of ppmli_train_run, model included; 0 for options that it refuses.  In 64
 * bits, so that a 32-bit machine sees what is too much for it. */
PPMLI_STATIC size_t ppmli_train_bytes(const ppml_train_options *options, size_t train_count,
                                      size_t validation_count, size_t threads) {
  ppml_model m;
  uint64_t arrays[PPMLI_TRAIN_ARRAYS];
  if (!ppmli_train_options_are_valid(options)) return 0;
  if (threads == 0) threads = 1;
  ppmli_train_shape(&m, options);
  ppmli_train_arrays(arrays, &m, train_count, validation_count);
  uint64_t bytes =
      ppmli_train_model_bytes(&m) + ppmli_arena_rounded(threads * ppmli_quant_forward_scratch(&m));
  for (int i = 0; i < PPMLI_TRAIN_ARRAYS; i++)
    bytes += (arrays[i] + (PPML_ALIGNMENT - 1)) / PPML_ALIGNMENT * PPML_ALIGNMENT;
  return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

/* Ranges, peaks, coefficients: those that layer l has. */
PPMLI_STATIC int ppmli_train_alloc_activation(ppmli_trainer *t, uint32_t l) {
  ppml_layer *m = &t->model.layer[l];
  ppmli_train_layer *layer = &t->layer[l];
  if (m->activation == PPML_ACTIVATION_POLYNOMIAL) {
    PPMLI_ALLOC(int32_t, square, t->arena, m->outputs);
    PPMLI_ALLOC(int32_t, linear, t->arena, m->outputs);
    m->square = layer->square = square;
    m->linear = layer->linear = linear;
  }
  if (ppmli_layer_is_clipped(m)) {
    PPMLI_ALLOC(int32_t, range, t->arena, m->outputs);
    m->range = layer->range = range;
  }
  if (ppmli_train_has_peaks(&t->model, l)) {
    PPMLI_ALLOC(int32_t, peak, t->arena, m->outputs);
    m->peak = layer->peak = peak;
  }
  return PPML_OK;
}

PPMLI_STATIC int ppmli_train_alloc_model(ppmli_trainer *t) {
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    ppml_layer *m = &t->model.layer[l];
    ppmli_train_layer *layer = &t->layer[l];
    PPMLI_ALLOC(int8_t, weight, t->arena, (size_t)m->outputs * m->inputs);
    PPMLI_ALLOC(int32_t, bias, t->arena, m->outputs);
    m->weight = layer->weight = weight;
    m->bias = layer->bias = bias;
    PPMLI_TRY(ppmli_train_alloc_activation(t, l));
  }
  return PPML_OK;
}

PPMLI_STATIC void ppmli_train_share_histogram(ppmli_trainer *t, uint32_t *seen, int32_t *farthest) {
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    if (!ppmli_train_has_peaks(&t->model, l)) continue;
    t->layer[l].seen = seen;
    t->layer[l].farthest = farthest;
    seen += (size_t)t->model.layer[l].outputs * PPMLI_TRAIN_PEAK_BINS;
    farthest += t->model.layer[l].outputs;
  }
}

/* All of ppmli_train_arrays; validation_count images are about to be copied. */
PPMLI_STATIC int ppmli_train_alloc_scratch(ppmli_trainer *t, size_t validation_count) {
  uint64_t bytes[PPMLI_TRAIN_ARRAYS];
  void *array[PPMLI_TRAIN_ARRAYS];
  size_t threads = ppmli_parallel_threads(t->parallel);
  ppmli_train_arrays(bytes, &t->model, t->train->count, validation_count);
  for (int i = 0; i < PPMLI_TRAIN_ARRAYS; i++) {
    PPMLI_ALLOC(uint8_t, taken, t->arena, (size_t)bytes[i]);
    array[i] = memset(taken, 0, (size_t)bytes[i]);
  }
  ppmli_master_init(&t->master, &t->model, (float *)array[0]);
  t->master.learns_polynomials = ppmli_train_learns_polynomials(t->options);
  t->best = (float *)array[1];
  t->mean = (float *)array[2];
  t->order = (uint32_t *)array[3];
  t->pixels = (uint8_t *)array[4];
  t->sample = (uint8_t *)array[5];
  t->sample_x = (int32_t *)array[6];
  t->sample_z = (int32_t *)array[7];
  t->validation.pixels = (uint8_t *)array[8];
  t->validation.labels = (uint8_t *)array[9];
  t->scores = (int32_t *)array[10];
  t->class_weight = (float *)array[11];
  ppmli_train_share_histogram(t, (uint32_t *)array[12], (int32_t *)array[13]);
  return ppmli_slices_init(&t->scratch, threads, ppmli_quant_forward_scratch(&t->model), t->arena);
}

#endif
