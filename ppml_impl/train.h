/* Layer 8: quantization-aware training of small fully connected networks.
 *
 * Gradient descent moves a float network, the shadow.  Before every step its weights are
 * rounded to the integers that inference will have, and the gradient goes straight
 * through the rounding [STE]; accumulators and score get the noise of encryption.  What
 * the shadow calls 1 is where an activation saturates:
 *
 *   z_j = bias_j + step_j sum_i k_ji x_i,   k integer,  x_i = input_unit (q_i - mean_i)
 *
 * so in units of the integer accumulator that range is 1 / (step_j input_unit).
 *
 * Two primitives do nearly all the work: ppmli_train_dot and ppmli_train_add.  Sums run in
 * a fixed order and no libm function but sqrt, floor and ldexp is called, which are exact:
 * a seed gives the same network everywhere. */
#ifndef PPMLI_TRAIN_H
#define PPMLI_TRAIN_H

#include <math.h>

#include "augment.h"
#include "quant.h"

#define PPMLI_TRAIN_BATCH 64
#define PPMLI_TRAIN_RATE 0.002f       /* of Adam, at its highest */
#define PPMLI_TRAIN_WARM_UP 0.02f     /* of all steps, until the rate is reached */
#define PPMLI_TRAIN_AVERAGE 0.002f    /* weight of the newest step in the averaged shadow */
#define PPMLI_TRAIN_OVERSHOOT 2.0f    /* an accumulator beyond this many ranges ... */
#define PPMLI_TRAIN_PULL 0.3f         /* ... is pulled back with this strength */
#define PPMLI_TRAIN_SCORE_NOISE 0.0039f /* x */
#define PPMLI_TRAIN_PEAK_BINS 128     /* of a histogram of accumulators ... */
#define PPMLI_TRAIN_PEAK_PER_RANGE 16 /* ... this fine, hence up to 8 ranges wide */
#define PPMLI_TRAIN_PEAK_SHARE 1000   /* one accumulator in that many may be beyond its peak */
#define PPMLI_TRAIN_INPUTS_MAX 65536
#define PPMLI_TRAIN_NEURONS_MAX 4096
#define PPMLI_TRAIN_HALF_BOUND ((int32_t)1 << 29) /* of a bias, and of all a sum's products */

/* One dense layer of the shadow.  A row of weights ends with the bias, whose input is 1. */
typedef struct ppmli_train_layer {
  uint32_t inputs, outputs, activation;
  float input_unit;             /* what an integer input of 1 is in x */
  size_t offset;                /* of this layer among all parameters */
  float *rounded;               /* [outputs][inputs + 1] weights as the integers will have them */
  float *gradient;              /* [outputs][inputs + 1] */
  float *step;                  /* [outputs] what the integer weight 1 is in rounded */
  float *x;                     /* [inputs + 1], x[inputs] = 1 */
  float *z;                     /* [outputs] accumulators, 1 where the activation saturates */
  float *delta;                 /* [outputs] derivative of the loss by z */
  int8_t *weight;               /* the integer layer's, [outputs][inputs] */
  int32_t *bias, *range, *peak; /* likewise, [outputs]; no range and peak at the end */
  uint32_t *seen;               /* [outputs][PEAK_BINS] how often |z| fell in each bin */
} ppmli_train_layer;

typedef struct ppmli_trainer {
  ppml_model model; /* the integer network, written anew by each export */
  ppmli_train_layer layer[PPML_LAYERS_MAX];
  const ppml_images *train, *validation;
  size_t parameters;
  float *weight;                   /* [parameters] the shadow; the next five alike */
  float *rounded;                  /* rounded from weight, or from average for an export */
  float *gradient;                 /* summed over a batch */
  float *first, *second;           /* moments of the gradient */
  float power_first, power_second; /* decay of the moments, to the power of the steps done */
  float *average;                  /* moving average of weight: what is exported */
  float *best;                     /* the average after the epoch that did best */
  float *mean;                     /* [inputs] of the quantized training images */
  float class_weight[PPML_CLASSES_MAX];
  float noise;     /* std at an accumulator; 2 is the width from -range to range */
  uint32_t *order; /* [train->count] a shuffle of the training images */
  uint8_t *pixels; /* [inputs] an augmented image */
  int32_t *scores; /* [validation->count][outputs] */
  ppml_rng rng;
  ppml_arena *arena;
} ppmli_trainer;

/* ------------------------------------------------------------ arithmetic */

/* sum_i a_i b_i, in sixteen interleaved sums, which a compiler turns into vectors. */
PPMLI_STATIC float ppmli_train_dot(const float *a, const float *b, size_t count) {
  float sum[16] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t k = 0; k < 16; k++) sum[k] += a[i + k] * b[i + k];
  for (size_t k = 1; k < 16; k++) sum[0] += sum[k];
  for (; i < count; i++) sum[0] += a[i] * b[i];
  return sum[0];
}

/* y += a x */
PPMLI_STATIC void ppmli_train_add(float *PPMLI_RESTRICT y, float a, const float *PPMLI_RESTRICT x,
                                  size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += a * x[i];
}

/* e^x = 2^n e^r with |r| <= ln 2 / 2, where six terms of the series leave 2^-21. */
PPMLI_STATIC float ppmli_train_exp(float x) {
  float clamped = x < -80 ? -80 : x > 80 ? 80 : x;
  float n = floorf(clamped * 1.44269504f + 0.5f), r = clamped - n * 0.693147181f;
  float series = 1 + r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5 * (1 + r / 6)))));
  return ldexpf(series, (int)n);
}

/* Derivative of the cross entropy by the logits: probability less target, where the
 * target is 1 - smooth for the label.  One logit stands for two classes.
 *   error, logit [outputs]  may be the same */
PPMLI_STATIC void ppmli_train_error(float *error, const float *logit, uint32_t outputs,
                                    uint32_t label, float smooth) {
  float top = logit[0], sum = 0;
  if (outputs == 1) {
    error[0] = 1 / (1 + ppmli_train_exp(-logit[0])) - (label ? 1 - smooth : smooth);
    return;
  }
  for (uint32_t c = 1; c < outputs; c++) top = logit[c] > top ? logit[c] : top;
  for (uint32_t c = 0; c < outputs; c++) sum += error[c] = ppmli_train_exp(logit[c] - top);
  for (uint32_t c = 0; c < outputs; c++)
    error[c] = error[c] / sum - (c == label ? 1 - smooth : smooth / (float)(outputs - 1));
}

/* ---------------------------------------------------------------- shapes */

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
  o.epochs = 60;
  o.seed = 1;
  o.noise = 0.02;
  return o;
}

/* Spec and layers, but for the arrays. */
PPMLI_STATIC void ppmli_train_shape(ppml_model *m, const ppml_train_options *o) {
  memset(m, 0, sizeof *m);
  m->spec.width = o->width;
  m->spec.height = o->height;
  m->spec.channels = o->channels;
  m->spec.input_bits = o->input_bits;
  m->spec.classes = o->classes;
  m->spec.outputs = o->classes == 2 ? 1 : o->classes;
  for (uint32_t c = 0; c < o->classes; c++) { /* its number, until the caller knows better */
    if (c > 9) m->spec.class_name[c][0] = (char)('0' + c / 10);
    m->spec.class_name[c][c > 9] = (char)('0' + c % 10);
  }
  m->layer_count = o->hidden_count + 1;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    int is_last = l == o->hidden_count;
    m->layer[l].inputs = l == 0 ? (uint32_t)ppmli_spec_inputs(&m->spec) : o->hidden[l - 1];
    m->layer[l].outputs = is_last ? m->spec.outputs : o->hidden[l];
    m->layer[l].activation = is_last ? PPML_ACTIVATION_NONE : o->activation;
    m->layer[l].weight_bits = o->weight_bits;
  }
}

PPMLI_INLINE size_t ppmli_train_parameters(const ppml_layer *layer) {
  return (size_t)layer->outputs * (layer->inputs + 1);
}

/* Hidden neurons: those whose accumulators have a range, a peak and a histogram. */
PPMLI_STATIC uint64_t ppmli_train_hidden(const ppml_model *m) {
  uint64_t count = 0;
  for (uint32_t l = 0; l + 1 < m->layer_count; l++) count += m->layer[l].outputs;
  return count;
}

/* Floats that the trainer and its layers hold, all arrays together. */
PPMLI_STATIC uint64_t ppmli_train_floats(const ppml_model *m) {
  uint64_t count = ppmli_spec_inputs(&m->spec); /* mean */
  for (uint32_t l = 0; l < m->layer_count; l++) {
    const ppml_layer *layer = &m->layer[l];
    count += 7 * (uint64_t)ppmli_train_parameters(layer);      /* weight to best */
    count += layer->inputs + 1 + 3 * (uint64_t)layer->outputs; /* x, step, z, delta */
  }
  return count;
}

/* What stays in the arena after training. */
PPMLI_STATIC uint64_t ppmli_train_model_bytes(const ppml_model *m) {
  uint64_t bytes = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    uint32_t arrays = l + 1 < m->layer_count ? 3 : 1; /* bias, range, peak; the last: bias */
    bytes += ppmli_arena_rounded((size_t)m->layer[l].outputs * m->layer[l].inputs);
    bytes += arrays * ppmli_arena_rounded(m->layer[l].outputs * sizeof(int32_t));
  }
  return bytes;
}

PPMLI_STATIC int ppmli_train_options_are_valid(const ppml_train_options *o) {
  uint64_t inputs = (uint64_t)o->width * o->height;
  if (inputs == 0 || inputs > PPMLI_TRAIN_INPUTS_MAX || o->channels == 0 || o->channels > 4)
    return 0;
  inputs *= o->channels;
  if (inputs > PPMLI_TRAIN_INPUTS_MAX || o->hidden_count >= PPML_LAYERS_MAX) return 0;
  for (uint32_t l = 0; l < o->hidden_count; l++)
    if (o->hidden[l] == 0 || o->hidden[l] > PPMLI_TRAIN_NEURONS_MAX) return 0;
  if (o->classes < 2 || o->classes > PPML_CLASSES_MAX) return 0;
  if (o->activation < PPML_ACTIVATION_RELU || o->activation > PPML_ACTIVATION_SQUARE) return 0;
  if (o->input_bits < 1 || o->input_bits > 8 || o->weight_bits < 2 || o->weight_bits > 8) return 0;
  /* so that no sum of products overflows */
  if (inputs << (o->input_bits + o->weight_bits - 1) > (uint64_t)PPMLI_TRAIN_HALF_BOUND) return 0;
  return o->epochs > 0 && o->noise >= 0 && o->noise < 1;
}

PPMLI_STATIC int ppmli_images_are_valid(const ppml_images *images, uint32_t classes) {
  if (images->count == 0 || images->count > UINT32_MAX) return 0;
  if (images->pixels == NULL || images->labels == NULL) return 0;
  for (size_t i = 0; i < images->count; i++)
    if (images->labels[i] >= classes) return 0;
  return 1;
}

/* Arena bytes of ppmli_train_run, model included; 0 for options that it refuses. */
PPMLI_STATIC size_t ppmli_train_bytes(const ppml_train_options *options, size_t train_count,
                                      size_t validation_count) {
  ppml_model m;
  if (!ppmli_train_options_are_valid(options)) return 0;
  ppmli_train_shape(&m, options);
  const uint64_t arrays[] = {ppmli_train_floats(&m) * sizeof(float),
                             ppmli_train_hidden(&m) * PPMLI_TRAIN_PEAK_BINS * sizeof(uint32_t),
                             (uint64_t)train_count * sizeof(uint32_t), ppmli_spec_inputs(&m.spec),
                             (uint64_t)validation_count * m.spec.outputs * sizeof(int32_t)};
  uint64_t bytes = ppmli_train_model_bytes(&m) + ppmli_quant_forward_scratch(&m);
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    bytes += (arrays[i] + (PPML_ALIGNMENT - 1)) & ~(uint64_t)(PPML_ALIGNMENT - 1);
  return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

/* The integer network's arrays; they outlive the training. */
PPMLI_STATIC int ppmli_train_alloc_model(ppmli_trainer *t) {
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    ppml_layer *m = &t->model.layer[l];
    ppmli_train_layer *layer = &t->layer[l];
    int is_last = l + 1 == t->model.layer_count;
    PPMLI_ALLOC(int8_t, weight, t->arena, (size_t)m->outputs * m->inputs);
    PPMLI_ALLOC(int32_t, bias, t->arena, m->outputs);
    m->weight = layer->weight = weight;
    m->bias = layer->bias = bias;
    if (is_last) continue;
    PPMLI_ALLOC(int32_t, range, t->arena, m->outputs);
    PPMLI_ALLOC(int32_t, peak, t->arena, m->outputs);
    m->range = layer->range = range;
    m->peak = layer->peak = peak;
  }
  return PPML_OK;
}

PPMLI_STATIC float *ppmli_train_take(float **next, size_t count) {
  float *taken = *next;
  *next += count;
  return taken;
}

/* Hands out floats [ppmli_train_floats()], all zero, and seen to the layers. */
PPMLI_STATIC void ppmli_train_carve(ppmli_trainer *t, float *floats, uint32_t *seen) {
  float **arrays[] = {&t->weight, &t->rounded, &t->gradient, &t->first,
                      &t->second, &t->average, &t->best};
  t->parameters = 0;
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    t->layer[l].offset = t->parameters;
    t->parameters += ppmli_train_parameters(&t->model.layer[l]);
  }
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    *arrays[i] = ppmli_train_take(&floats, t->parameters);
  t->mean = ppmli_train_take(&floats, ppmli_spec_inputs(&t->model.spec));
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    ppmli_train_layer *layer = &t->layer[l];
    layer->inputs = t->model.layer[l].inputs;
    layer->outputs = t->model.layer[l].outputs;
    layer->activation = t->model.layer[l].activation;
    layer->rounded = t->rounded + layer->offset;
    layer->gradient = t->gradient + layer->offset;
    layer->x = ppmli_train_take(&floats, (size_t)layer->inputs + 1);
    layer->x[layer->inputs] = 1;
    layer->step = ppmli_train_take(&floats, layer->outputs);
    layer->z = ppmli_train_take(&floats, layer->outputs);
    layer->delta = ppmli_train_take(&floats, layer->outputs);
    layer->seen = seen;
    seen += (size_t)layer->outputs * PPMLI_TRAIN_PEAK_BINS;
  }
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
  ppmli_train_carve(t, floats, seen);
  t->order = order;
  t->pixels = pixels;
  t->scores = scores;
  return PPML_OK;
}

/* ----------------------------------------------------------------- start */

/* Mean of every input, and their common deviation as layer 0's unit: what a network
 * trains on is centered and of variance 1. */
PPMLI_STATIC void ppmli_train_center(ppmli_trainer *t) {
  size_t inputs = ppmli_spec_inputs(&t->model.spec), count = t->train->count;
  double variance = 0;
  for (size_t i = 0; i < inputs; i++) {
    double sum = 0, squares = 0;
    for (size_t n = 0; n < count; n++) {
      int32_t q = ppmli_quant_pixel(t->train->pixels[n * inputs + i], t->model.spec.input_bits);
      sum += q;
      squares += (double)q * q;
    }
    double mean = sum / (double)count;
    t->mean[i] = (float)mean;
    variance += squares / (double)count - mean * mean;
  }
  variance /= (double)inputs;
  t->layer[0].input_unit = variance > 1e-6 ? (float)(1 / sqrt(variance)) : 1;
  for (uint32_t l = 1; l < t->model.layer_count; l++)
    t->layer[l].input_unit = 1.0f / PPML_ACTIVATION_MAX;
}

/* Classes weigh the same, however many images each has. */
PPMLI_STATIC void ppmli_train_balance(ppmli_trainer *t) {
  uint32_t classes = t->model.spec.classes;
  size_t images[PPML_CLASSES_MAX] = {0};
  for (size_t n = 0; n < t->train->count; n++) images[t->train->labels[n]]++;
  for (uint32_t c = 0; c < classes; c++) {
    double share = (double)images[c] * classes / (double)t->train->count;
    t->class_weight[c] = images[c] ? (float)(1 / share) : 0;
  }
}

/* Uniform weights that give accumulators a standard deviation of one half. */
PPMLI_STATIC void ppmli_train_start(ppmli_trainer *t) {
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    uint32_t inputs = t->layer[l].inputs;
    float bound = sqrtf(3.0f / (float)inputs) / 2, *row = t->weight + t->layer[l].offset;
    for (uint32_t j = 0; j < t->layer[l].outputs; j++, row += inputs + 1)
      for (uint32_t i = 0; i < inputs; i++) row[i] = bound * ppmli_rng_symmetric(&t->rng);
  }
  memcpy(t->average, t->weight, t->parameters * sizeof *t->weight);
  for (size_t n = 0; n < t->train->count; n++) t->order[n] = (uint32_t)n;
}

/* -------------------------------------------------------------- rounding */

/* Steps at which rounding to 2^bits - 1 levels does least harm to normally distributed
 * weights of deviation 1, for 2 to 8 bits.  Source: [MAX60], between its table's entries. */
PPMLI_STATIC float ppmli_train_best_step(uint32_t weight_bits) {
  static const float step[] = {1.22f, 0.65f, 0.35f, 0.19f, 0.104f, 0.057f, 0.031f};
  return step[weight_bits - 2];
}

/* A step for every neuron, or their mean for all scores, which are compared. */
PPMLI_STATIC void ppmli_train_choose_steps(ppmli_train_layer *layer, const float *weight,
                                           float best_step) {
  float sum = 0;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    const float *row = weight + (size_t)j * (layer->inputs + 1);
    float square = ppmli_train_dot(row, row, layer->inputs) / (float)layer->inputs;
    layer->step[j] = best_step * sqrtf(square) + 1e-6f;
    sum += layer->step[j];
  }
  if (layer->activation != PPML_ACTIVATION_NONE) return;
  for (uint32_t j = 0; j < layer->outputs; j++) layer->step[j] = sum / (float)layer->outputs;
}

/* rounded = step round(weight / step), up to +-most steps; the bias as it is.
 *   rounded, weight [inputs + 1]
 *   most            <= 127 */
PPMLI_STATIC void ppmli_train_round_row(float *PPMLI_RESTRICT rounded,
                                        const float *PPMLI_RESTRICT weight, float step, float most,
                                        size_t inputs) {
  float inverse = 1 / step;
  for (size_t i = 0; i < inputs; i++) {
    float k = weight[i] * inverse;
    k = k < -most ? -most : k > most ? most : k;
    rounded[i] = step * (float)((int32_t)(k + 128.5f) - 128);
  }
  rounded[inputs] = weight[inputs];
}

/*   weight [parameters]  the shadow, or its average */
PPMLI_STATIC void ppmli_train_round(ppmli_trainer *t, const float *weight) {
  uint32_t bits = t->model.layer[0].weight_bits;
  float most = (float)((1 << (bits - 1)) - 1);
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    ppmli_train_layer *layer = &t->layer[l];
    const float *from = weight + layer->offset;
    ppmli_train_choose_steps(layer, from, ppmli_train_best_step(bits));
    for (uint32_t j = 0; j < layer->outputs; j++) {
      size_t row = (size_t)j * (layer->inputs + 1);
      ppmli_train_round_row(layer->rounded + row, from + row, layer->step[j], most, layer->inputs);
    }
  }
}

/* --------------------------------------------------------------- forward */

PPMLI_INLINE float ppmli_train_activation(uint32_t activation, float z) {
  float u = z < -1 ? -1 : z > 1 ? 1 : z;
  if (activation == PPML_ACTIVATION_SIGN) return z >= 0 ? 1.0f : -1.0f;
  return activation == PPML_ACTIVATION_RELU ? u : 2 * u * u - 1;
}

/* For sign, that of the clipped line: the straight-through estimate. */
PPMLI_INLINE float ppmli_train_slope(uint32_t activation, float z) {
  if (z < -1 || z > 1) return 0;
  return activation == PPML_ACTIVATION_SQUARE ? 4 * z : 1;
}

/* Standard deviation of a folded score's noise.  Each neuron's table holds its share of
 * the score, at most half a turn in all, and each bootstrap adds about 2^-9 of a turn. */
PPMLI_STATIC float ppmli_train_score_noise(const ppmli_train_layer *last) {
  float most = 0;
  for (uint32_t i = 0; i <= last->inputs; i++) most += fabsf(last->rounded[i]);
  return PPMLI_TRAIN_SCORE_NOISE * sqrtf((float)last->inputs) * most;
}

/* From layer 0's x to the scores in the last layer's z, with noise. */
PPMLI_STATIC void ppmli_train_forward(ppmli_trainer *t) {
  uint32_t last = t->model.layer_count - 1;
  for (uint32_t l = 0; l <= last; l++) {
    ppmli_train_layer *layer = &t->layer[l], *next = layer + 1;
    for (uint32_t j = 0; j < layer->outputs; j++) {
      const float *row = layer->rounded + (size_t)j * (layer->inputs + 1);
      layer->z[j] = ppmli_train_dot(row, layer->x, (size_t)layer->inputs + 1);
      if (l == last) continue;
      layer->z[j] += t->noise * ppmli_rng_normal_float(&t->rng);
      next->x[j] = ppmli_train_activation(layer->activation, layer->z[j]);
    }
  }
  if (last > 0 && t->layer[last].outputs == 1)
    t->layer[last].z[0] +=
        ppmli_train_score_noise(&t->layer[last]) * ppmli_rng_normal_float(&t->rng);
}

/* -------------------------------------------------------------- backward */

/* Adds layer's delta x^T to its gradient. */
PPMLI_STATIC void ppmli_train_collect(ppmli_train_layer *layer) {
  for (uint32_t j = 0; j < layer->outputs; j++)
    if (layer->delta[j] != 0)
      ppmli_train_add(layer->gradient + (size_t)j * (layer->inputs + 1), layer->delta[j], layer->x,
                      (size_t)layer->inputs + 1);
}

/* From delta of layer to that of the layer below, through weights and activation; an
 * accumulator that overshoots is pulled back, since the torus would wrap around. */
PPMLI_STATIC void ppmli_train_pull_back(ppmli_train_layer *below, const ppmli_train_layer *layer) {
  for (uint32_t i = 0; i < below->outputs; i++) below->delta[i] = 0;
  for (uint32_t j = 0; j < layer->outputs; j++)
    ppmli_train_add(below->delta, layer->delta[j], layer->rounded + (size_t)j * (layer->inputs + 1),
                    below->outputs);
  for (uint32_t i = 0; i < below->outputs; i++) {
    float z = below->z[i], over = fabsf(z) - PPMLI_TRAIN_OVERSHOOT;
    below->delta[i] *= ppmli_train_slope(below->activation, z);
    if (over > 0) below->delta[i] += PPMLI_TRAIN_PULL * (z < 0 ? -over : over);
  }
}

PPMLI_STATIC void ppmli_train_backward(ppmli_trainer *t, uint32_t label) {
  uint32_t l = t->model.layer_count - 1;
  ppmli_train_layer *top = &t->layer[l];
  ppmli_train_error(top->delta, top->z, top->outputs, label, 0);
  for (uint32_t c = 0; c < top->outputs; c++) top->delta[c] *= t->class_weight[label];
  for (; l > 0; l--) {
    ppmli_train_collect(&t->layer[l]);
    ppmli_train_pull_back(&t->layer[l - 1], &t->layer[l]);
  }
  ppmli_train_collect(&t->layer[0]);
}

/* ------------------------------------------------------------------ steps */

/* Progress 0..1 to the learning rate: a short rise, then down along a smooth step. */
PPMLI_STATIC float ppmli_train_rate(float progress) {
  float rise = progress < PPMLI_TRAIN_WARM_UP ? progress / PPMLI_TRAIN_WARM_UP : 1;
  return PPMLI_TRAIN_RATE * rise * (1 - progress * progress * (3 - 2 * progress));
}

/* One step of Adam [ADAM] along the gradient, which is cleared, and of the average.
 *   scale  1 / images in the batch */
PPMLI_STATIC void ppmli_train_step(ppmli_trainer *t, float rate, float scale) {
  const float decay_first = 0.9f, decay_second = 0.999f;
  t->power_first *= decay_first;
  t->power_second *= decay_second;
  float bias_first = 1 / (1 - t->power_first), bias_second = 1 / (1 - t->power_second);
  for (size_t i = 0; i < t->parameters; i++) {
    float g = t->gradient[i] * scale;
    t->gradient[i] = 0;
    t->first[i] += (1 - decay_first) * (g - t->first[i]);
    t->second[i] += (1 - decay_second) * (g * g - t->second[i]);
    t->weight[i] -= rate * t->first[i] * bias_first / (sqrtf(t->second[i] * bias_second) + 1e-8f);
    t->average[i] += PPMLI_TRAIN_AVERAGE * (t->weight[i] - t->average[i]);
  }
}

/* An augmented image as layer 0's x. */
PPMLI_STATIC void ppmli_train_load(ppmli_trainer *t, uint32_t image) {
  const ppml_spec *spec = &t->model.spec;
  size_t inputs = ppmli_spec_inputs(spec);
  float *x = t->layer[0].x, unit = t->layer[0].input_unit;
  ppmli_augment(t->pixels, t->train->pixels + image * inputs, spec, &t->rng);
  for (size_t i = 0; i < inputs; i++)
    x[i] = unit * ((float)ppmli_quant_pixel(t->pixels[i], spec->input_bits) - t->mean[i]);
}

PPMLI_STATIC void ppmli_train_shuffle(ppmli_trainer *t) {
  for (size_t n = t->train->count; n > 1; n--) {
    size_t other = (size_t)(ppmli_rng_u64(&t->rng) % n);
    uint32_t swap = t->order[n - 1];
    t->order[n - 1] = t->order[other];
    t->order[other] = swap;
  }
}

PPMLI_STATIC void ppmli_train_epoch(ppmli_trainer *t, size_t epoch, size_t epochs) {
  size_t count = t->train->count, batches = (count + PPMLI_TRAIN_BATCH - 1) / PPMLI_TRAIN_BATCH;
  ppmli_train_shuffle(t);
  for (size_t b = 0; b < batches; b++) {
    size_t from = b * PPMLI_TRAIN_BATCH, to = ppmli_min_size(from + PPMLI_TRAIN_BATCH, count);
    size_t step = epoch * batches + b;
    ppmli_train_round(t, t->weight);
    for (size_t n = from; n < to; n++) {
      ppmli_train_load(t, t->order[n]);
      ppmli_train_forward(t);
      ppmli_train_backward(t, t->train->labels[t->order[n]]);
    }
    float progress = (float)step / (float)(epochs * batches);
    ppmli_train_step(t, ppmli_train_rate(progress), 1.0f / (float)(to - from));
  }
}

/* ---------------------------------------------------------------- export */

PPMLI_INLINE int32_t ppmli_train_integer(double x) {
  double rounded = floor(x + 0.5), most = PPMLI_TRAIN_HALF_BOUND;
  return (int32_t)(rounded < -most ? -most : rounded > most ? most : rounded);
}

/* Neuron j in integers.  Layer 0's bias takes on what centering the inputs took away.
 *   mean [inputs] or NULL */
PPMLI_STATIC void ppmli_train_export_neuron(ppmli_train_layer *layer, uint32_t j,
                                            const float *mean) {
  const float *row = layer->rounded + (size_t)j * (layer->inputs + 1);
  int8_t *weight = layer->weight + (size_t)j * layer->inputs;
  double one = 1 / ((double)layer->step[j] * layer->input_unit), bias = row[layer->inputs] * one;
  for (uint32_t i = 0; i < layer->inputs; i++) {
    weight[i] = (int8_t)ppmli_train_integer((double)row[i] / layer->step[j]);
    if (mean) bias -= (double)mean[i] * weight[i];
  }
  layer->bias[j] = ppmli_train_integer(bias);
  if (layer->activation == PPML_ACTIVATION_NONE) return;
  layer->range[j] = ppmli_train_integer(one);
  if (layer->range[j] < 1) layer->range[j] = 1;
  layer->peak[j] = layer->range[j];
}

/* The integer network of weight [parameters]. */
PPMLI_STATIC void ppmli_train_export(ppmli_trainer *t, const float *weight) {
  ppmli_train_round(t, weight);
  for (uint32_t l = 0; l < t->model.layer_count; l++)
    for (uint32_t j = 0; j < t->layer[l].outputs; j++)
      ppmli_train_export_neuron(&t->layer[l], j, l == 0 ? t->mean : NULL);
}

/* Scores of all validation images.  Returns how many classes are right. */
PPMLI_STATIC size_t ppmli_train_validate(ppmli_trainer *t) {
  const ppml_images *images = t->validation;
  const ppml_spec *spec = &t->model.spec;
  size_t inputs = ppmli_spec_inputs(spec), right = 0;
  for (size_t n = 0; n < images->count; n++) {
    int32_t *scores = t->scores + n * spec->outputs;
    int error = ppmli_quant_forward(scores, &t->model, images->pixels + n * inputs, NULL, t->arena);
    PPMLI_ASSERT(error == PPML_OK); /* ppmli_train_bytes has room for it */
    (void)error;
    right += ppmli_spec_class(spec, scores) == images->labels[n];
  }
  return right;
}

/* ----------------------------------------------------------------- peaks */

/* A hook for ppmli_quant_forward: counts accumulators by their size. */
PPMLI_STATIC void ppmli_train_watch(void *context, uint32_t l, int32_t *z) {
  ppmli_train_layer *layer = &((ppmli_trainer *)context)->layer[l];
  if (layer->activation == PPML_ACTIVATION_NONE) return;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    int64_t size = z[j] < 0 ? -(int64_t)z[j] : z[j];
    int64_t bin = size * PPMLI_TRAIN_PEAK_PER_RANGE / layer->range[j];
    size_t at = bin < PPMLI_TRAIN_PEAK_BINS ? (size_t)bin : PPMLI_TRAIN_PEAK_BINS - 1;
    layer->seen[(size_t)j * PPMLI_TRAIN_PEAK_BINS + at]++;
  }
}

/* The least multiple of range / PEAK_PER_RANGE that all but a few accumulators are below.
 *   seen  [PEAK_BINS]
 *   total their sum */
PPMLI_STATIC int32_t ppmli_train_peak(const uint32_t *seen, uint64_t total, int32_t range) {
  uint64_t above = 0, bins = PPMLI_TRAIN_PEAK_BINS;
  while (bins > PPMLI_TRAIN_PEAK_PER_RANGE &&
         above + seen[bins - 1] <= total / PPMLI_TRAIN_PEAK_SHARE)
    above += seen[--bins];
  int64_t peak =
      ((int64_t)bins * range + PPMLI_TRAIN_PEAK_PER_RANGE - 1) / PPMLI_TRAIN_PEAK_PER_RANGE;
  return (int32_t)(peak < PPMLI_TRAIN_HALF_BOUND ? peak : PPMLI_TRAIN_HALF_BOUND);
}

/* Runs images through the integer network for their accumulators, augmented or as they are. */
PPMLI_STATIC int ppmli_train_watch_images(ppmli_trainer *t, const ppml_images *images,
                                          int augmented) {
  size_t inputs = ppmli_spec_inputs(&t->model.spec);
  int32_t scores[PPML_CLASSES_MAX];
  ppmli_quant_hook hook = {ppmli_train_watch, t};
  for (size_t n = 0; n < images->count; n++) {
    const uint8_t *pixels = images->pixels + n * inputs;
    if (augmented) ppmli_augment(t->pixels, pixels, &t->model.spec, &t->rng);
    PPMLI_TRY(
        ppmli_quant_forward(scores, &t->model, augmented ? t->pixels : pixels, &hook, t->arena));
  }
  return PPML_OK;
}

PPMLI_STATIC int ppmli_train_set_peaks(ppmli_trainer *t) {
  uint64_t total = 2 * (uint64_t)t->train->count + t->validation->count;
  PPMLI_TRY(ppmli_train_watch_images(t, t->train, 0));
  PPMLI_TRY(ppmli_train_watch_images(t, t->train, 1));
  PPMLI_TRY(ppmli_train_watch_images(t, t->validation, 0));
  for (uint32_t l = 0; l + 1 < t->model.layer_count; l++)
    for (uint32_t j = 0; j < t->layer[l].outputs; j++)
      t->layer[l].peak[j] = ppmli_train_peak(t->layer[l].seen + (size_t)j * PPMLI_TRAIN_PEAK_BINS,
                                             total, t->layer[l].range[j]);
  return PPML_OK;
}

/* ---------------------------------------------------------------- scores */

/* Slope of the validation images' cross entropy by 1 / unit, each class weighing the
 * same.  Targets stay short of 1 as if one image more had gone wrong [PLATT]: otherwise
 * a faultless network would be endlessly sure of itself. */
PPMLI_STATIC double ppmli_train_unit_slope(const ppmli_trainer *t, double unit) {
  uint32_t outputs = t->model.spec.outputs;
  float smooth = 1 / ((float)t->validation->count + 2), error[PPML_CLASSES_MAX];
  double slope = 0;
  for (size_t n = 0; n < t->validation->count; n++) {
    uint32_t label = t->validation->labels[n];
    const int32_t *scores = t->scores + n * outputs;
    for (uint32_t c = 0; c < outputs; c++) error[c] = (float)(scores[c] / unit);
    ppmli_train_error(error, error, outputs, label, smooth);
    for (uint32_t c = 0; c < outputs; c++)
      slope += (double)t->class_weight[label] * error[c] * scores[c];
  }
  return slope;
}

/* The unit that makes scores the most truthful logits: the slope changes its sign once. */
PPMLI_STATIC uint32_t ppmli_train_score_unit(const ppmli_trainer *t) {
  uint32_t unit = 1;
  for (uint32_t bit = (uint32_t)1 << 28; bit; bit >>= 1)
    if (ppmli_train_unit_slope(t, unit + bit) > 0) unit += bit;
  return unit;
}

/* How far scores are from standing for another class. */
PPMLI_STATIC uint32_t ppmli_train_margin(const ppml_spec *spec, const int32_t *scores) {
  uint32_t best = ppmli_spec_class(spec, scores);
  int64_t margin = INT64_MAX;
  if (spec->outputs == 1) return (uint32_t)(scores[0] < 0 ? -(int64_t)scores[0] : scores[0]);
  for (uint32_t c = 0; c < spec->outputs; c++)
    if (c != best && (int64_t)scores[best] - scores[c] < margin)
      margin = (int64_t)scores[best] - scores[c];
  return (uint32_t)margin;
}

/* The largest number that at most 5 % of the validation images' margins are below. */
PPMLI_STATIC uint32_t ppmli_train_margin_p05(const ppmli_trainer *t) {
  const ppml_spec *spec = &t->model.spec;
  uint32_t margin = 0;
  for (uint32_t bit = (uint32_t)1 << 30; bit; bit >>= 1) {
    size_t below = 0;
    for (size_t n = 0; n < t->validation->count; n++)
      below += ppmli_train_margin(spec, t->scores + n * spec->outputs) < margin + bit;
    if (below <= t->validation->count / 20) margin += bit;
  }
  return margin;
}

/* ------------------------------------------------------------------- run */

PPMLI_STATIC void ppmli_train_prepare(ppmli_trainer *t, const ppml_train_options *options) {
  uint8_t seed[PPML_SEED_BYTES] = {0};
  ppmli_store64(seed, options->seed);
  ppmli_rng_seed(&t->rng, seed);
  t->power_first = t->power_second = 1;
  t->noise = 2 * (float)options->noise;
  ppmli_train_center(t);
  ppmli_train_balance(t);
  ppmli_train_start(t);
}

/* All epochs; best is the averaged shadow after the one with most validation images right,
 * the latest of equals. */
PPMLI_STATIC void ppmli_train_descend(ppmli_trainer *t, size_t epochs,
                                      const ppml_progress *progress) {
  size_t most = 0;
  for (size_t epoch = 0; epoch < epochs; epoch++) {
    ppmli_train_epoch(t, epoch, epochs);
    ppmli_train_export(t, t->average);
    size_t right = ppmli_train_validate(t);
    if (right >= most) memcpy(t->best, t->average, t->parameters * sizeof *t->best);
    if (right >= most) most = right;
    if (progress && progress->step) progress->step(progress->context, epoch + 1, epochs);
  }
}

/* Trains a network; ppml.h has the contract. */
PPMLI_STATIC int ppmli_train_run(ppml_model *model, const ppml_train_options *options,
                                 const ppml_images *train, const ppml_images *validation,
                                 const ppml_progress *progress, ppml_arena *arena) {
  ppmli_trainer t;
  if (!ppmli_train_options_are_valid(options)) return PPML_ERR_ARG;
  if (!ppmli_images_are_valid(train, options->classes)) return PPML_ERR_ARG;
  if (!ppmli_images_are_valid(validation, options->classes)) return PPML_ERR_ARG;
  if (ppmli_train_bytes(options, train->count, validation->count) >
      arena->capacity_bytes - arena->used_bytes)
    return PPML_ERR_NOMEM; /* at once, so that nothing below can fail */
  memset(&t, 0, sizeof t);
  t.train = train;
  t.validation = validation;
  t.arena = arena;
  ppmli_train_shape(&t.model, options);
  PPMLI_TRY(ppmli_train_alloc_model(&t));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_train_alloc_scratch(&t));
  ppmli_train_prepare(&t, options);
  ppmli_train_descend(&t, options->epochs, progress);
  ppmli_train_export(&t, t.best);
  ppmli_train_validate(&t);
  PPMLI_TRY(ppmli_train_set_peaks(&t));
  t.model.spec.score_unit = ppmli_train_score_unit(&t);
  t.model.margin_p05 = ppmli_train_margin_p05(&t);
  *model = t.model;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
