/* Training of what comes behind pooled features: squeeze and excitation, or a hidden layer.
 *
 *   samples as of pooled_train.h -> logistic regression -> a head that starts from it (head.h), trained by
 *   Adam; of all epochs, the start among them, the one is kept that does best on validation
 *   -> features, gates and weights as integers
 *
 * What is squeezed is a sum of sums of the features, so that it is a pooled feature as well: t of head.h
 * becomes layer 0's accumulators.  Steps of weights are as fine as 8 bits allow and as coarse as the room on
 * the torus wants (network/gates.h, network/room.h).
 *
 * In: images with labels and an encoder; out: a model with layers behind features.  Next: head.h. */
#ifndef PPMLI_TRAIN_HEAD_TRAIN_H
#define PPMLI_TRAIN_HEAD_TRAIN_H

#include <math.h>

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/parallel.h"
#include "../base/rng.h"
#include "../network/augment.h"
#include "../network/clear.h"
#include "../network/encoder.h"
#include "../network/gates.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../plan/noise.h"
#include "adam.h"
#include "head.h"
#include "logistic.h"
#include "loss.h"
#include "master.h"
#include "pooled_train.h"

#define PPMLI_HEAD_SHARDS 8
#define PPMLI_HEAD_BATCH 256
#define PPMLI_HEAD_EPOCHS 24
#define PPMLI_HEAD_RATE 0.003f /* of the steps, at its highest */
#define PPMLI_HEAD_SPREAD 0.5f /* of what channels differ by at the start, beside what they share */
#define PPMLI_HEAD_EXCITE 0.5f /* deviation of the gates' first weights */
#define PPMLI_HEAD_SQUEEZES 4  /* gates to a hidden neuron, as published */
#define PPMLI_HEAD_GATE_BITS                                                                       \
  4                       /* of weights between squeeze and gates: the noise of a bootstrap is times
                                   them, and room is not */
#define PPMLI_HEAD_BITS 8 /* of all other weights */
#define PPMLI_HEAD_TRIES 8 /* steps of a feature's weights until it fits its room */

typedef struct ppmli_head_trainer {
  ppmli_pooled_trainer pooled;
  ppmli_head shape;
  size_t parameters;
  float *weight, *best, *first, *second; /* [parameters]; the last two are Adam's */
  ppmli_adam adam;
  float *part; /* [SHARDS][parameters]  gradients */
  double part_loss[PPMLI_HEAD_SHARDS];
  uint32_t *order;  /* [train.count] */
  size_t at, count; /* the batch at work */
  ppml_rng rng;
  uint32_t features; /* of the pooled network: accumulators of layer 0, then gated ones */
  double *row;       /* [features][features of a sample + 1]  as sums of standardised numbers */
  float *whole;      /* likewise, as integers are */
  float *gate;       /* [gates][samples]  accumulators of gates */
  double scale[PPMLI_HEAD_MAX]; /* an integer feature is so many times the float one */
  ppml_model *model;
  int8_t *weights, *table;
  int32_t *ranges; /* of features that are gated */
} ppmli_head_trainer;

/* ------------------------------------------------------------------- shape */

/* The head that options ask for. */
PPMLI_STATIC ppmli_head ppmli_head_of(const ppml_pooled_options *o, uint32_t outputs,
                                      size_t features) {
  ppmli_head n = {o->gates, o->hidden, outputs, features};
  if (n.gates) n.hidden = (n.gates + PPMLI_HEAD_SQUEEZES - 1) / PPMLI_HEAD_SQUEEZES;
  return n;
}

/* Features of the pooled network. */
PPMLI_INLINE uint32_t ppmli_head_features(const ppmli_head *n) {
  return n->hidden + n->gates;
}

/* Why there is no such head, or NULL. */
PPMLI_STATIC const char *ppmli_head_refusal(const ppml_pooled_options *o, uint32_t outputs) {
  if (o->gates && o->hidden) return "gates or a hidden layer, not both";
  if (o->gates && o->gates < outputs) return "fewer gates than scores";
  if (o->gates > PPML_GATES_MAX || o->hidden > PPML_CLASSES_MAX)
    return "more than 48 gates or 64 hidden neurons";
  ppmli_head n = ppmli_head_of(o, outputs, 0);
  if (ppmli_head_features(&n) > PPMLI_POOLED_OUTPUTS_MAX)
    return "more features than this build has room for (PPML_CLASSES_MAX)";
  return NULL;
}

/* ------------------------------------------------------------------ memory */

/* Weights of all layers: a byte that stands for those of layer 0, which has none, then gates, outputs. */
PPMLI_INLINE size_t ppmli_head_weight_count(const ppmli_head *n) {
  return 1 + (size_t)n->gates * n->hidden + n->outputs * ppmli_head_rows(n);
}

/* Ranges of gated features; bias, range and peak of hidden neurons, and of gates; biases of outputs. */
PPMLI_INLINE size_t ppmli_head_number_count(const ppmli_head *n) {
  return n->gates + 3 * (size_t)n->hidden + 3 * (size_t)n->gates + n->outputs;
}

/* The layers' arrays: weights, a table, numbers. */
PPMLI_STATIC size_t ppmli_head_layers_bytes(const ppmli_head *n) {
  return ppmli_arena_rounded(ppmli_head_weight_count(n)) + ppmli_arena_rounded(PPML_TABLE_SIZE) +
         ppmli_arena_rounded(ppmli_head_number_count(n) * sizeof(int32_t));
}

PPMLI_STATIC size_t ppmli_head_bytes(const ppmli_head *n, size_t samples) {
  size_t parameters = ppmli_head_parameters(n), rows = ppmli_head_features(n) * (n->features + 1);
  return ppmli_head_layers_bytes(n) + 4 * ppmli_arena_rounded(parameters * sizeof(float)) +
         ppmli_arena_rounded(PPMLI_HEAD_SHARDS * parameters * sizeof(float)) +
         ppmli_arena_rounded(samples * sizeof(uint32_t)) +
         ppmli_arena_rounded(rows * sizeof(double)) + ppmli_arena_rounded(rows * sizeof(float)) +
         ppmli_arena_rounded(n->gates * samples * sizeof(float));
}

PPMLI_STATIC int ppmli_head_alloc(ppmli_head_trainer *t, ppml_arena *arena) {
  size_t samples = ppmli_pooled_sample_count(&t->pooled), all = t->parameters;
  size_t rows = t->features * (t->shape.features + 1);
  PPMLI_ALLOC(float, weight, arena, all);
  PPMLI_ALLOC(float, best, arena, all);
  PPMLI_ALLOC(float, first, arena, all);
  PPMLI_ALLOC(float, second, arena, all);
  PPMLI_ALLOC(float, part, arena, PPMLI_HEAD_SHARDS *all);
  PPMLI_ALLOC(uint32_t, order, arena, samples);
  PPMLI_ALLOC(double, row, arena, rows);
  PPMLI_ALLOC(float, whole, arena, rows);
  PPMLI_ALLOC(float, gate, arena, t->shape.gates *samples);
  t->weight = weight, t->best = best, t->first = first, t->second = second, t->part = part;
  t->order = order, t->row = row, t->whole = whole, t->gate = gate;
  memset(first, 0, all * sizeof *first);
  memset(second, 0, all * sizeof *second);
  return PPML_OK;
}

/* The arrays of the model's layers, but for the table zeros so far. */
PPMLI_STATIC int ppmli_head_alloc_layers(ppmli_head_trainer *t, ppml_arena *arena) {
  size_t weight_count = ppmli_head_weight_count(&t->shape);
  size_t number_count = ppmli_head_number_count(&t->shape);
  PPMLI_ALLOC(int8_t, weights, arena, weight_count);
  PPMLI_ALLOC(int8_t, table, arena, PPML_TABLE_SIZE);
  PPMLI_ALLOC(int32_t, numbers, arena, number_count);
  memset(weights, 0, weight_count);
  memset(numbers, 0, number_count * sizeof *numbers);
  t->weights = weights, t->table = table, t->ranges = numbers;
  return PPML_OK;
}

/* ------------------------------------------------------------------- start */

/* Deviation of score c of the logistic regression, over training samples. */
PPMLI_STATIC float ppmli_head_deviation(const ppmli_pooled_trainer *t, uint32_t c) {
  double squares = 1e-12;
  float *row = t->fit.rounded;
  for (size_t i = 0; i <= t->features; i++) row[i] = (float)t->best[c * (t->features + 1) + i];
  for (size_t n = 0; n < t->train.count; n++)
    squares +=
        ppmli_square((double)ppmli_master_dot(row, t->train.x + n * t->features, t->features));
  return (float)sqrt(squares / (double)t->train.count);
}

/* The rows of q that belong to score c, which are c, c + outputs, ..: each is so many times the score's best
 * weights, and a part of its own; these parts add up to nothing. */
PPMLI_STATIC void ppmli_head_start_rows(ppmli_head_trainer *t, uint32_t c, float times) {
  const ppmli_pooled_trainer *p = &t->pooled;
  size_t width = p->features + 1;
  uint32_t rows = ppmli_head_rows(&t->shape), outputs = t->shape.outputs;
  const double *best = p->best + c * width;
  float count = 0, spread = PPMLI_HEAD_SPREAD * times;
  for (uint32_t j = c; j < rows; j += outputs) count += 1;
  for (size_t i = 0; i < width; i++) {
    float sum = 0;
    for (uint32_t j = c; j < rows; j += outputs) {
      float own = spread * (float)best[i] * ppmli_rng_normal_float(&t->rng);
      t->weight[j * width + i] = own;
      sum += own;
    }
    for (uint32_t j = c; j < rows; j += outputs)
      t->weight[j * width + i] += times * (float)best[i] - sum / count;
  }
}

/* Output weights with which the head says what the logistic regression does. */
PPMLI_STATIC void ppmli_head_start_outputs(ppmli_head_trainer *t, uint32_t c, float weight) {
  uint32_t rows = ppmli_head_rows(&t->shape), outputs = t->shape.outputs, count = 0;
  float *row = t->weight + ppmli_head_output_at(&t->shape) + c * (rows + (size_t)1);
  for (uint32_t j = c; j < rows; j += outputs) count++;
  for (uint32_t j = 0; j <= rows; j++)
    row[j] = j < rows && j % outputs == c ? weight / (float)count : 0;
}

/* Gates are open by a half at first; a hidden layer is within its straight part. */
PPMLI_STATIC void ppmli_head_start(ppmli_head_trainer *t) {
  const ppmli_head *n = &t->shape;
  size_t from = ppmli_head_squeeze_at(n), to = ppmli_head_output_at(n);
  for (uint32_t c = 0; c < n->outputs; c++) {
    float deviation = ppmli_head_deviation(&t->pooled, c);
    float times = (n->gates ? 1 : 0.4f) / deviation;
    ppmli_head_start_rows(t, c, times);
    ppmli_head_start_outputs(t, c, (n->gates ? 2 : 1) / times);
  }
  for (size_t i = from; i < to; i++)
    t->weight[i] = PPMLI_HEAD_EXCITE * ppmli_rng_normal_float(&t->rng);
}

/* ----------------------------------------------------------------- descent */

/* The gradient and the loss of a shard of the batch at work. */
PPMLI_STATIC void ppmli_head_shard(void *argument, size_t shard) {
  ppmli_head_trainer *t = (ppmli_head_trainer *)argument;
  const ppmli_pooled_trainer *p = &t->pooled;
  float logit[PPML_CLASSES_MAX], each[PPML_CLASSES_MAX] = {0};
  float *part = t->part + shard * t->parameters;
  size_t end = ppmli_parallel_share(t->count, PPMLI_HEAD_SHARDS, shard + 1);
  ppmli_head_state s;
  memset(part, 0, t->parameters * sizeof *part);
  memset(&s, 0, sizeof s);
  for (size_t b = ppmli_parallel_share(t->count, PPMLI_HEAD_SHARDS, shard); b < end; b++) {
    size_t n = t->order[t->at + b];
    const float *x = p->train.x + n * p->features;
    ppmli_head_forward(logit, &s, &t->shape, t->weight, x);
    ppmli_loss_error(each, p->spec, logit, p->train.label[n], 0);
    ppmli_logistic_weigh(each, &p->fit, p->train.label[n]);
    ppmli_head_backward(part, &s, &t->shape, t->weight, x, each);
  }
}

/* One step along the batch's gradient. */
PPMLI_STATIC void ppmli_head_descend(ppmli_head_trainer *t, float rate) {
  ppmli_adam_next(&t->adam, rate);
  for (size_t i = 0; i < t->parameters; i++) {
    float g = 0;
    for (size_t s = 0; s < PPMLI_HEAD_SHARDS; s++) g += t->part[s * t->parameters + i];
    g /= (float)t->count;
    ppmli_adam_move(&t->adam, &t->weight[i], &t->first[i], &t->second[i], g);
  }
}

/* All training samples once; the rate falls to nothing over the epochs. */
PPMLI_STATIC void ppmli_head_epoch(ppmli_head_trainer *t, uint32_t epoch) {
  size_t count = t->pooled.train.count, batches = (count + PPMLI_HEAD_BATCH - 1) / PPMLI_HEAD_BATCH;
  ppmli_rng_shuffle(t->order, count, &t->rng);
  for (size_t b = 0; b < batches; b++) {
    float done = ((float)epoch + (float)b / (float)batches) / PPMLI_HEAD_EPOCHS;
    t->at = ppmli_parallel_share(count, batches, b);
    t->count = ppmli_parallel_share(count, batches, b + 1) - t->at;
    ppmli_parallel_run(t->pooled.parallel, PPMLI_HEAD_SHARDS, ppmli_head_shard, t);
    ppmli_head_descend(t, PPMLI_HEAD_RATE * (1 - done));
  }
}

/* Weighted mean cross entropy of the validation samples. */
PPMLI_STATIC double ppmli_head_validate(const ppmli_head_trainer *t) {
  const ppmli_pooled_samples *v = &t->pooled.validation;
  const ppml_spec *spec = t->pooled.spec;
  float logit[PPML_CLASSES_MAX];
  ppmli_head_state s;
  double loss = 0;
  for (size_t n = 0; n < v->count; n++) {
    ppmli_head_forward(logit, &s, &t->shape, t->weight, v->x + n * t->pooled.features);
    ppmli_loss_of(logit, spec, logit, v->label[n]);
    ppmli_logistic_weigh(logit, &t->pooled.fit, v->label[n]);
    for (uint32_t c = 0; c < spec->outputs; c++) loss += (double)logit[c];
  }
  return loss / (double)v->count;
}

/* The epoch that does best on validation, from the start on. */
PPMLI_STATIC void ppmli_head_fit(ppmli_head_trainer *t) {
  ppml_pooled_told told = {0, PPMLI_HEAD_EPOCHS, 0, 0, 0, 1};
  double best = 1e300;
  ppmli_adam_begin(&t->adam);
  for (uint32_t n = 0; n < t->pooled.train.count; n++) t->order[n] = n;
  ppmli_head_start(t);
  for (uint32_t epoch = 0; epoch <= PPMLI_HEAD_EPOCHS; epoch++) {
    told.validation = ppmli_head_validate(t);
    told.done = epoch;
    ppmli_pooled_tell(&t->pooled, &told);
    if (told.validation < best) {
      best = told.validation;
      memcpy(t->best, t->weight, t->parameters * sizeof *t->best);
    }
    if (epoch < PPMLI_HEAD_EPOCHS) ppmli_head_epoch(t, epoch);
  }
}

/* ---------------------------------------------------------------- features */

/* Features as sums of a sample's numbers: t of head.h, then P. */
PPMLI_STATIC void ppmli_head_make_rows(ppmli_head_trainer *t) {
  const ppmli_head *n = &t->shape;
  size_t width = n->features + 1;
  const float *squeeze = t->best + ppmli_head_squeeze_at(n);
  for (uint32_t k = 0; k < n->hidden && n->gates; k++, squeeze += n->gates + 1)
    for (size_t i = 0; i < width; i++) {
      double sum = i < n->features ? 0 : (double)squeeze[n->gates];
      for (uint32_t j = 0; j < n->gates; j++)
        sum += (double)squeeze[j] * (double)t->best[j * width + i];
      t->row[k * width + i] = sum;
    }
  double *rest = t->row + (n->gates ? n->hidden * width : 0);
  for (size_t i = 0; i < ppmli_head_rows(n) * width; i++) rest[i] = (double)t->best[i];
}

/* A turn in units of the feature: what its room wants.
 *   range  of one that is no channel */
PPMLI_STATIC double ppmli_head_turn(const ppmli_head_trainer *t, uint32_t f, double peak,
                                    double range) {
  if (f < t->shape.hidden) return ppmli_room_turn(PPML_ACTIVATION_RELU, peak, range);
  return 4.0 * PPMLI_GATE_PARTS / PPMLI_GATE_UNIT_PARTS * peak;
}

/* Float weights of a row, for ppmli_pooled_values. */
PPMLI_STATIC const float *ppmli_head_floats(ppmli_head_trainer *t, uint32_t f) {
  size_t width = t->shape.features + 1;
  float *row = t->whole + f * width;
  for (size_t i = 0; i < width; i++) row[i] = (float)t->row[f * width + i];
  return row;
}

/* Scale and bias that bring the integer feature nearest to the float one, by least squares, as of
 * ppmli_pooled_refit.  p->value has the float ones.
 * Returns the scale. */
PPMLI_STATIC double ppmli_head_refit(ppmli_head_trainer *t, uint32_t f) {
  const ppmli_pooled_trainer *p = &t->pooled;
  float *whole = t->whole + f * (p->features + 1);
  double n = (double)ppmli_pooled_sample_count(p), y = 0, q = 0, yy = 0, qy = 0;
  for (size_t s = 0; s < ppmli_pooled_sample_count(p); s++) {
    double a = (double)p->value[s];
    double b = (double)ppmli_master_dot(whole, ppmli_pooled_sample_at(p, s), p->features);
    y += a, q += b, yy += a * a, qy += a * b;
  }
  double variance = yy - y * y / n, covariance = qy - q * y / n;
  double scale = variance > 0 && covariance > 0 ? covariance / variance : 1;
  whole[p->features] = (float)((y * scale - q) / n);
  return scale;
}

/* Integer weights of feature f by a step; its scale, bias and peak. */
PPMLI_STATIC void ppmli_head_round_feature(ppmli_head_trainer *t, uint32_t f, double step) {
  ppmli_pooled_trainer *p = &t->pooled;
  size_t width = p->features + 1;
  ppmli_pooled_values(p, ppmli_head_floats(t, f));
  ppmli_pooled_quantize_row(p, t->whole + f * width, t->row + f * width, f, step,
                            (1 << (PPMLI_HEAD_BITS - 1)) - 1);
  t->scale[f] = ppmli_head_refit(t, f);
  ppmli_pooled_fix_bias(p, t->whole + f * width + p->features, f);
  ppmli_pooled_values(p, t->whole + f * width);
  p->peak[f] = ppmli_pooled_peak(p->value, ppmli_pooled_sample_count(p));
}

/* Integer weights of feature f, as large as 8 bits and its room allow. */
PPMLI_STATIC void ppmli_head_quantize(ppmli_head_trainer *t, uint32_t f) {
  ppmli_pooled_trainer *p = &t->pooled;
  double most = (1 << (PPMLI_HEAD_BITS - 1)) - 1, room = ldexp(1, PPMLI_BRIDGED_MODULUS_LOG2);
  double step = ppmli_pooled_choose_step(p, t->row + f * (p->features + 1), 1, most);
  for (int i = 0; i < PPMLI_HEAD_TRIES; i++) {
    ppmli_head_round_feature(t, f, step);
    double turn = ppmli_head_turn(t, f, (double)p->peak[f], t->scale[f]);
    if (turn <= room) return;
    step *= 1.01 * turn / room; /* rounding anew moves the peak by less */
  }
}

/* ------------------------------------------------------------------ layers */

/* Rounds to the nearest integer, of at most so much either way. */
PPMLI_STATIC int32_t ppmli_head_round(double x, double most) {
  double q = floor(x + 0.5);
  return (int32_t)(q > most ? most : q < -most ? -most : q);
}

/* Rounds a row of weights to so many bits.
 *   times  [inputs]  that a weight is multiplied by before, or NULL
 * Returns how many times a float weight an integer is. */
PPMLI_STATIC double ppmli_head_round_row(int8_t *out, const float *row, const double *times,
                                         uint32_t inputs, double most, double largest) {
  double scale = largest > 0 ? most / largest : 1;
  for (uint32_t i = 0; i < inputs; i++)
    out[i] = (int8_t)ppmli_head_round((double)row[i] * (times ? times[i] : 1) * scale, most);
  return scale;
}

PPMLI_STATIC double ppmli_head_largest(const float *row, const double *times, uint32_t inputs) {
  double largest = 0;
  for (uint32_t i = 0; i < inputs; i++) {
    double size = fabs((double)row[i] * (times ? times[i] : 1));
    if (size > largest) largest = size;
  }
  return largest;
}

/* The shape and the arrays of the layers, whose numbers are zeros so far. */
PPMLI_STATIC void ppmli_head_shape_layers(ppmli_head_trainer *t) {
  const ppmli_head *n = &t->shape;
  ppml_model *m = t->model;
  uint32_t gates = n->gates, hidden = n->hidden, last = gates ? 2 : 1;
  const int32_t *numbers = t->ranges + gates;
  ppml_layer *layer = m->layer;
  m->layer_count = last + 1;
  m->pooled.gated = gates;
  m->pooled.range = gates ? t->ranges : NULL;
  layer[0].outputs = hidden, layer[0].activation = PPML_ACTIVATION_RELU;
  layer[0].weight_bits = 2, layer[0].weight = t->weights;
  layer[0].bias = numbers, layer[0].range = numbers + hidden, layer[0].peak = numbers + 2 * hidden;
  numbers += 3 * hidden;
  if (gates) {
    layer[1].inputs = hidden, layer[1].outputs = gates;
    layer[1].activation = PPML_ACTIVATION_TABLE, layer[1].table = t->table;
    layer[1].weight_bits = PPMLI_HEAD_GATE_BITS, layer[1].weight = t->weights + 1;
    layer[1].bias = numbers, layer[1].range = numbers + gates, layer[1].peak = numbers + 2 * gates;
    numbers += 3 * gates;
  }
  layer[last].inputs = ppmli_head_rows(n), layer[last].outputs = n->outputs;
  layer[last].activation = PPML_ACTIVATION_NONE, layer[last].weight_bits = PPMLI_HEAD_BITS;
  layer[last].weight = t->weights + 1 + (size_t)gates * hidden, layer[last].bias = numbers;
}

/* Where the numbers of layer l begin in t->ranges, which are the model's own to be written. */
PPMLI_INLINE int32_t *ppmli_head_numbers(ppmli_head_trainer *t, const int32_t *numbers) {
  return t->ranges + (numbers - t->ranges);
}

PPMLI_STATIC void ppmli_head_fill_hidden(ppmli_head_trainer *t) {
  ppml_layer *layer = &t->model->layer[0];
  int32_t *range = ppmli_head_numbers(t, layer->range), *peak = ppmli_head_numbers(t, layer->peak);
  for (uint32_t k = 0; k < layer->outputs; k++) {
    range[k] = ppmli_head_round(t->scale[k], (double)PPMLI_ACCUMULATOR_MAX);
    if (range[k] < 1) range[k] = 1;
    int64_t most = ppmli_quant_clamp(t->pooled.peak[k], PPMLI_ACCUMULATOR_MAX);
    peak[k] = most < range[k] ? range[k] : (int32_t)most;
  }
  for (uint32_t j = 0; j < t->shape.gates; j++) {
    double peak_j = (double)t->pooled.peak[t->shape.hidden + j];
    t->ranges[j] = ppmli_head_round(peak_j, (double)PPMLI_ACCUMULATOR_MAX);
  }
}

/* Integer features of a sample. */
PPMLI_STATIC void ppmli_head_integers(int64_t *feature, const ppmli_head_trainer *t,
                                      const float *x) {
  float values[PPMLI_HEAD_MAX];
  ppmli_head_sums(values, t->whole, x, t->shape.features, t->features);
  for (uint32_t f = 0; f < t->features; f++) feature[f] = (int64_t)floor((double)values[f] + 0.5);
}

/* Accumulators of layer 1 of a sample. */
PPMLI_STATIC void ppmli_head_gate_sums(int32_t *z, const ppmli_head_trainer *t, const float *x) {
  const ppml_layer *layer = t->model->layer;
  int64_t feature[PPMLI_HEAD_MAX];
  int32_t h[PPMLI_HEAD_MAX] = {0};
  ppmli_head_integers(feature, t, x);
  ppmli_quant_accumulate(z, t->model, 0, h, feature);
  for (uint32_t k = 0; k < layer->outputs; k++) h[k] = ppmli_quant_next(layer, k, z[k]);
  ppmli_quant_dense(z, layer + 1, h);
}

/* Weights and biases of gates, which share a scale.
 * Returns how many times a float accumulator an integer one is. */
PPMLI_STATIC double ppmli_head_round_gates(ppmli_head_trainer *t) {
  const ppmli_head *n = &t->shape;
  const float *row = t->best + ppmli_head_excite_at(n);
  double most = (1 << (PPMLI_HEAD_GATE_BITS - 1)) - 1, largest = 0, scale = 1;
  int32_t *bias = ppmli_head_numbers(t, t->model->layer[1].bias);
  for (uint32_t j = 0; j < n->gates; j++) {
    double size = ppmli_head_largest(row + j * (n->hidden + (size_t)1), NULL, n->hidden);
    if (size > largest) largest = size;
  }
  for (uint32_t j = 0; j < n->gates; j++, row += n->hidden + 1) {
    int8_t *weight = t->weights + 1 + (size_t)j * n->hidden;
    scale = PPML_ACTIVATION_MAX * ppmli_head_round_row(weight, row, NULL, n->hidden, most, largest);
    bias[j] = ppmli_head_round((double)row[n->hidden] * scale, 1 << 20);
  }
  return scale;
}

/* The largest of the peaks of gates' accumulators. */
PPMLI_STATIC int64_t ppmli_head_gates_peak(ppmli_head_trainer *t) {
  size_t samples = ppmli_pooled_sample_count(&t->pooled);
  int32_t z[PPMLI_HEAD_MAX];
  int64_t peak = 1;
  for (size_t n = 0; n < samples; n++) {
    ppmli_head_gate_sums(z, t, ppmli_pooled_sample_at(&t->pooled, n));
    for (uint32_t j = 0; j < t->shape.gates; j++) t->gate[j * samples + n] = (float)z[j];
  }
  for (uint32_t j = 0; j < t->shape.gates; j++) {
    int64_t own = ppmli_pooled_peak(t->gate + j * samples, samples);
    if (own > peak) peak = own;
  }
  return peak;
}

/* The table of gates: the logistic function, from -reach to reach. */
PPMLI_STATIC void ppmli_head_fill_table(int8_t *table, double reach) {
  for (int i = 0; i < PPML_TABLE_SIZE; i++) {
    double at = ((double)i + 0.5) * 2 / PPML_TABLE_SIZE - 1;
    double gate = (double)ppmli_loss_logistic((float)(reach * at));
    table[i] = (int8_t)ppmli_head_round(2 * PPML_ACTIVATION_MAX * gate - PPML_ACTIVATION_MAX,
                                        PPML_ACTIVATION_MAX);
  }
}

/* Gates: all share a scale of their weights, and a table, which reaches as far as the farthest of them. */
PPMLI_STATIC void ppmli_head_fill_gates(ppmli_head_trainer *t) {
  const ppml_layer *layer = &t->model->layer[1];
  int32_t *range = ppmli_head_numbers(t, layer->range), *each = ppmli_head_numbers(t, layer->peak);
  double scale = ppmli_head_round_gates(t);
  int64_t peak = ppmli_head_gates_peak(t);
  for (uint32_t j = 0; j < t->shape.gates; j++) range[j] = each[j] = (int32_t)peak;
  ppmli_head_fill_table(t->table, (double)peak / scale);
}

/* The last layer: its inputs stand for so much of what logits are sums of. */
PPMLI_STATIC void ppmli_head_fill_outputs(ppmli_head_trainer *t) {
  const ppmli_head *n = &t->shape;
  uint32_t inputs = ppmli_head_rows(n);
  double times[PPMLI_HEAD_MAX], largest = 0, most = (1 << (PPMLI_HEAD_BITS - 1)) - 1, scale = 1;
  const float *row = t->best + ppmli_head_output_at(n);
  ppml_layer *layer = &t->model->layer[t->model->layer_count - 1];
  int8_t *weight = t->weights + 1 + (size_t)n->gates * n->hidden;
  int32_t *bias = ppmli_head_numbers(t, layer->bias);
  for (uint32_t i = 0; i < inputs; i++)
    times[i] = n->gates ? t->ranges[i] / t->scale[n->hidden + i] : 1;
  for (uint32_t c = 0; c < n->outputs; c++) {
    double size = ppmli_head_largest(row + c * (inputs + (size_t)1), times, inputs);
    if (size > largest) largest = size;
  }
  for (uint32_t c = 0; c < n->outputs; c++, row += inputs + 1) {
    scale = ppmli_head_round_row(weight + c * inputs, row, times, inputs, most, largest);
    bias[c] = ppmli_head_round((double)row[inputs] * PPML_ACTIVATION_MAX * scale, 1 << 24);
  }
}

/* ------------------------------------------------------------------ finish */

/* Scores of the integer network for the validation samples. */
PPMLI_STATIC void ppmli_head_score_validation(ppmli_head_trainer *t) {
  ppmli_pooled_trainer *p = &t->pooled;
  int32_t x[PPMLI_HEAD_MAX] = {0}, z[PPMLI_HEAD_MAX] = {0};
  int64_t feature[PPMLI_HEAD_MAX];
  for (size_t n = 0; n < p->validation.count; n++) {
    ppmli_head_integers(feature, t, p->validation.x + n * p->features);
    ppmli_quant_layers(z, x, t->model, feature, NULL);
    memcpy(p->scores + n * t->shape.outputs, z, t->shape.outputs * sizeof *z);
  }
}

PPMLI_STATIC void ppmli_head_make_model(ppmli_head_trainer *t) {
  ppmli_head_make_rows(t);
  for (uint32_t f = 0; f < t->features; f++) ppmli_head_quantize(t, f);
  ppmli_head_shape_layers(t);
  ppmli_head_fill_hidden(t);
  if (t->shape.gates) ppmli_head_fill_gates(t);
  ppmli_head_fill_outputs(t);
  ppmli_head_score_validation(t);
}

/* As ppmli_pooled_train, of a model with layers behind features, whose spec has the encoder.
 *   m  in: spec; out: layers, pooled but for the mean patch, margin
 * Memory: ppmli_pooled_train_bytes and ppmli_head_bytes.  Errors: NOMEM; RANGE where the features of all images are alike. */
PPMLI_STATIC int ppmli_head_train(ppml_model *m, const ppmli_encoder *e,
                                  const ppml_pooled_options *o, const ppml_images *train,
                                  const ppml_images *validation, const ppml_parallel *parallel,
                                  const ppml_pooled_watch *watch, ppml_arena *arena) {
  ppmli_head_trainer t;
  uint8_t seed[PPML_SEED_BYTES] = {0};
  memset(&t, 0, sizeof t);
  ppmli_pooled_begin(&t.pooled, e, o, &m->spec, train, validation);
  t.pooled.parallel = parallel, t.pooled.watch = watch;
  t.shape = ppmli_head_of(o, m->spec.outputs, t.pooled.features);
  t.parameters = ppmli_head_parameters(&t.shape);
  t.features = ppmli_head_features(&t.shape);
  t.model = m;
  ppmli_store64(seed, o->seed);
  ppmli_rng_seed(&t.rng, seed);
  PPMLI_TRY(ppmli_pooled_alloc_net(&t.pooled, t.features, arena));
  PPMLI_TRY(ppmli_head_alloc_layers(&t, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_pooled_alloc(&t.pooled, t.features, arena));
  PPMLI_TRY(ppmli_head_alloc(&t, arena));
  ppmli_pooled_prepare_fit(&t.pooled);
  PPMLI_TRY(ppmli_pooled_fit(&t.pooled));
  ppmli_head_fit(&t);
  ppmli_head_make_model(&t);
  m->margin_p05 = ppmli_pooled_finish(&t.pooled);
  m->pooled.square = t.pooled.square, m->pooled.linear = t.pooled.linear;
  m->pooled.bias = t.pooled.bias, m->pooled.peak = t.pooled.peak;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
