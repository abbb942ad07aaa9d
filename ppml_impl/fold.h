/* Layer 8: the integers that a shadow stands for.  Normalization disappears in them: if
 * over a sample of images the integer sums S_j = sum_i k_ji x_i of a hidden neuron have mean
 * M and deviation D, its accumulator scale (S - M) / D + bias saturates at 1, so
 *
 *   range_j = D / scale_j,   bias_j = range_j bias - M
 *
 * and a negative scale turns all signs around.  A range of 127 or more is made one of
 * ppmli_digits_range, which the exact mode can carry, and the weights' step changes along: by
 * a few per cent, below 1000 by up to 1.7 times.  A neuron that hardly counts has a scale near
 * 0; its range stays within what the torus holds beside the input's unit. */
#ifndef PPMLI_FOLD_H
#define PPMLI_FOLD_H

#include "digits.h"
#include "trainer.h"

#define PPMLI_FOLD_WIDEST_LOG2 13 /* plus the input's bits: log2 of a range of layer 0, at most */

PPMLI_INLINE int32_t ppmli_train_integer(double x) {
  const double most = PPMLI_TRAIN_INTEGER_MAX, rounded = floor(x + 0.5);
  return (int32_t)(rounded < -most ? -most : rounded > most ? most : rounded);
}

/* The sample's pixels as inputs of layer 0. */
PPMLI_STATIC void ppmli_fold_begin(ppmli_trainer *t) {
  size_t inputs = ppmli_spec_inputs(&t->model.spec), width = ppmli_quant_width(&t->model);
  for (size_t n = 0; n < t->sample_count; n++)
    for (size_t i = 0; i < inputs; i++)
      t->sample_x[n * width + i] =
          ppmli_quant_pixel(t->sample[n * inputs + i], t->model.spec.input_bits);
}

/* Integer weights of neuron j.
 *   weight [inputs]  of the shadow */
PPMLI_STATIC void ppmli_fold_weights(ppmli_trainer *t, uint32_t l, uint32_t j, const float *weight,
                                     double step) {
  const ppml_layer *layer = &t->model.layer[l];
  int8_t *out = t->layer[l].weight + (size_t)j * layer->inputs;
  double most = ppmli_shadow_most(layer->weight_bits);
  for (uint32_t i = 0; i < layer->inputs; i++) {
    double k = floor((double)weight[i] / step + 0.5);
    out[i] = (int8_t)(k < -most ? -most : k > most ? most : k);
  }
}

/* Sums of neuron j over the sample, to sample_z. */
PPMLI_STATIC void ppmli_fold_sums(ppmli_trainer *t, uint32_t l, uint32_t j, double *mean,
                                  double *deviation) {
  const ppml_layer *layer = &t->model.layer[l];
  const int8_t *k = t->layer[l].weight + (size_t)j * layer->inputs;
  size_t width = ppmli_quant_width(&t->model);
  double sum = 0, squares = 0, count = (double)t->sample_count;
  for (size_t n = 0; n < t->sample_count; n++) {
    int32_t z = 0;
    for (uint32_t i = 0; i < layer->inputs; i++) z += k[i] * t->sample_x[n * width + i];
    t->sample_z[n * width + j] = z;
    sum += z; /* whole numbers below 2^53: exact */
    squares += (double)z * z;
  }
  *mean = sum / count;
  double variance = squares / count - *mean * *mean;
  *deviation = variance > 0.25 ? sqrt(variance) : 0.5;
}

/* The range to have where `wanted` is what the weights lead to. */
PPMLI_STATIC int32_t ppmli_fold_range(const ppmli_trainer *t, uint32_t l, double wanted) {
  double widest = ldexp(1, PPMLI_FOLD_WIDEST_LOG2 + (int)t->model.spec.input_bits);
  if (l == 0 && wanted > widest) wanted = widest;
  if (wanted >= PPML_ACTIVATION_MAX) return ppmli_digits_range(wanted);
  int32_t range = ppmli_train_integer(wanted);
  return range < 1 ? 1 : range;
}

/* Neuron j of hidden layer l.
 *   weight [shadow.parameters] */
PPMLI_STATIC void ppmli_fold_neuron(ppmli_trainer *t, uint32_t l, uint32_t j, const float *weight) {
  const ppmli_shadow_layer *from = &t->shadow.layer[l];
  const float *row = weight + from->offset + (size_t)j * from->inputs;
  double scale = weight[ppmli_shadow_scales(from) + j],
         bias = weight[ppmli_shadow_biases(from) + j];
  double step = from->step[j], least = 1e-3, mean, deviation;
  if (scale < 0) step = -step;
  if (fabs(scale) > least) least = fabs(scale);
  ppmli_fold_weights(t, l, j, row, step);
  ppmli_fold_sums(t, l, j, &mean, &deviation);
  double wanted = deviation / least;
  int32_t range = ppmli_fold_range(t, l, wanted);
  ppmli_fold_weights(t, l, j, row, step * wanted / range);
  ppmli_fold_sums(t, l, j, &mean, &deviation);
  t->layer[l].range[j] = t->layer[l].peak[j] = range; /* the peak until ppmli_finish_peaks */
  t->layer[l].bias[j] = ppmli_train_integer(range * bias - mean);
}

/* Score j.  Without hidden layers the bias takes on the centering of the inputs as well. */
PPMLI_STATIC void ppmli_fold_score(ppmli_trainer *t, uint32_t l, uint32_t j, const float *weight) {
  const ppmli_shadow_layer *from = &t->shadow.layer[l];
  const float *row = weight + from->offset + (size_t)j * from->inputs;
  double unit = l == 0 ? (double)t->unit : 1.0 / PPML_ACTIVATION_MAX;
  double bias = weight[ppmli_shadow_biases(from) + j] / (from->step[j] * unit);
  ppmli_fold_weights(t, l, j, row, from->step[j]);
  const int8_t *k = t->layer[l].weight + (size_t)j * from->inputs;
  for (uint32_t i = 0; i < from->inputs && l == 0; i++) bias -= (double)t->mean[i] * k[i];
  t->layer[l].bias[j] = ppmli_train_integer(bias);
}

/* A layer at work; tasks are shares of its neurons, then of the sample. */
typedef struct ppmli_fold {
  ppmli_trainer *trainer;
  const float *weight;
  uint32_t layer;
  size_t tasks;
} ppmli_fold;

PPMLI_STATIC void ppmli_fold_neurons_task(void *argument, size_t index) {
  const ppmli_fold *f = (const ppmli_fold *)argument;
  const ppml_layer *layer = &f->trainer->model.layer[f->layer];
  size_t end = ppmli_parallel_share(layer->outputs, f->tasks, index + 1);
  for (size_t j = ppmli_parallel_share(layer->outputs, f->tasks, index); j < end; j++) {
    if (layer->activation == PPML_ACTIVATION_NONE)
      ppmli_fold_score(f->trainer, f->layer, (uint32_t)j, f->weight);
    else ppmli_fold_neuron(f->trainer, f->layer, (uint32_t)j, f->weight);
  }
}

/* Activations of the sample: the next layer's inputs. */
PPMLI_STATIC void ppmli_fold_activate_task(void *argument, size_t index) {
  const ppmli_fold *f = (const ppmli_fold *)argument;
  const ppmli_trainer *t = f->trainer;
  const ppml_layer *layer = &t->model.layer[f->layer];
  size_t width = ppmli_quant_width(&t->model);
  size_t end = ppmli_parallel_share(t->sample_count, f->tasks, index + 1);
  for (size_t n = ppmli_parallel_share(t->sample_count, f->tasks, index); n < end; n++)
    for (uint32_t j = 0; j < layer->outputs; j++)
      t->sample_x[n * width + j] = ppmli_quant_activation(
          layer->activation, t->sample_z[n * width + j] + layer->bias[j], layer->range[j], NULL);
}

/* The integer network of a shadow's weights.
 *   weight [shadow.parameters] */
PPMLI_STATIC void ppmli_fold_run(ppmli_trainer *t, const float *weight) {
  ppmli_fold f = {t, weight, 0, ppmli_parallel_threads(t->parallel)};
  ppmli_fold_begin(t);
  for (; f.layer < t->model.layer_count; f.layer++) {
    ppmli_shadow_round_layer(&t->shadow, f.layer, weight);
    ppmli_parallel_run(t->parallel, f.tasks, ppmli_fold_neurons_task, &f);
    if (f.layer + 1 < t->model.layer_count)
      ppmli_parallel_run(t->parallel, f.tasks, ppmli_fold_activate_task, &f);
  }
}

#endif
