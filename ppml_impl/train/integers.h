/* The integers that a master network stands for.  Normalization disappears in them: if
 * over a sample of images the integer sums S_j = sum_i k_ji x_i of a hidden neuron have mean
 * M and deviation D, its accumulator scale (S - M) / D + bias saturates at 1, so
 *
 *   range_j = D / scale_j,   bias_j = range_j bias - M
 *
 * and a negative scale turns all signs around.  A range of 127 or more is made one of
 * ppmli_radices_range, which the exact mode can carry, and the weights' step changes along: by
 * a few per cent, below 1000 by up to 1.7 times.  A neuron that hardly counts has a scale near
 * 0; its range stays within what the torus holds beside the input's unit.
 *
 * Before polynomials D is one for the layer, an accumulator of 1 is kappa = SCALE / D to the
 * master network, and bias_j = bias / kappa - M.  Squares are counted in steps sigma, 1 unless learnt, so
 *
 *   square_j = square / sigma,   linear_j = linear / (sigma kappa)
 *
 * make integers that are the master network's activations over sigma kappa^2.
 *
 * In: master weights and a sample of images; out: the integer model.  Next: statistics.h. */
#ifndef PPMLI_TRAIN_INTEGERS_H
#define PPMLI_TRAIN_INTEGERS_H

#include <math.h>

#include "../base/parallel.h"
#include "../math/radices.h"
#include "../network/clear.h"
#include "../network/model.h"
#include "../network/spec.h"
#include "master.h"
#include "trainer.h"

#define PPMLI_INTEGERS_WIDEST_LOG2                                                                 \
  13 /* plus the input's bits: log2 of a range of layer 0, at most */

/* round(x), up to +-most. */
PPMLI_INLINE int32_t ppmli_integers_round(double x, int32_t most) {
  double rounded = floor(x + 0.5);
  return rounded < -most ? -most : rounded > most ? most : (int32_t)rounded;
}

PPMLI_INLINE int32_t ppmli_train_integer(double x) {
  return ppmli_integers_round(x, PPMLI_TRAIN_INTEGER_MAX);
}

/* The sample's pixels as inputs of layer 0. */
PPMLI_STATIC void ppmli_integers_begin(ppmli_trainer *t) {
  size_t inputs = ppmli_spec_inputs(&t->model.spec), width = ppmli_quant_width(&t->model);
  for (size_t n = 0; n < t->sample_count; n++)
    for (size_t i = 0; i < inputs; i++)
      t->sample_x[n * width + i] =
          ppmli_quant_pixel(t->sample[n * inputs + i], t->model.spec.input_bits);
}

/* Integer weights of neuron j.
 *   weight [inputs]  of the master network */
PPMLI_STATIC void ppmli_integers_weights(ppmli_trainer *t, uint32_t l, uint32_t j,
                                         const float *weight, double step) {
  const ppml_layer *layer = &t->model.layer[l];
  int8_t *out = t->layer[l].weight + (size_t)j * layer->inputs;
  double most = ppmli_master_most(layer->weight_bits);
  for (uint32_t i = 0; i < layer->inputs; i++) {
    double k = floor((double)weight[i] / step + 0.5);
    out[i] = (int8_t)(k < -most ? -most : k > most ? most : k);
  }
}

/* Sums of neuron j over the sample, to sample_z. */
PPMLI_STATIC void ppmli_integers_sums(ppmli_trainer *t, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &t->model.layer[l];
  const int8_t *k = t->layer[l].weight + (size_t)j * layer->inputs;
  size_t width = ppmli_quant_width(&t->model);
  for (size_t n = 0; n < t->sample_count; n++) {
    int32_t z = 0;
    for (uint32_t i = 0; i < layer->inputs; i++) z += k[i] * t->sample_x[n * width + i];
    t->sample_z[n * width + j] = z;
  }
}

/* Their mean.  Returns the variance, at least 1/4. */
PPMLI_STATIC double ppmli_integers_moments(const ppmli_trainer *t, uint32_t j, double *mean) {
  size_t width = ppmli_quant_width(&t->model);
  double sum = 0, squares = 0, count = (double)t->sample_count;
  for (size_t n = 0; n < t->sample_count; n++) {
    double z = t->sample_z[n * width + j];
    sum += z; /* whole numbers below 2^53: exact */
    squares += z * z;
  }
  *mean = sum / count;
  double variance = squares / count - *mean * *mean;
  return variance > 0.25 ? variance : 0.25;
}

/* The range to have where `wanted` is what the weights lead to. */
PPMLI_STATIC int32_t ppmli_integers_range(const ppmli_trainer *t, uint32_t l, double wanted) {
  double widest = ldexp(1, PPMLI_INTEGERS_WIDEST_LOG2 + (int)t->model.spec.input_bits);
  if (l == 0 && wanted > widest) wanted = widest;
  if (wanted >= PPML_ACTIVATION_MAX) return ppmli_radices_range(wanted);
  int32_t range = ppmli_train_integer(wanted);
  return range < 1 ? 1 : range;
}

/* Neuron j of hidden layer l.
 *   weight [master.parameters] */
PPMLI_STATIC void ppmli_integers_neuron(ppmli_trainer *t, uint32_t l, uint32_t j,
                                        const float *weight) {
  const ppmli_master_layer *from = &t->master.layer[l];
  const float *row = weight + from->offset + (size_t)j * from->inputs;
  double scale = weight[ppmli_master_scales(from) + j],
         bias = weight[ppmli_master_biases(from) + j];
  double step = from->step[j], least = 1e-3, mean;
  if (scale < 0) step = -step;
  if (fabs(scale) > least) least = fabs(scale);
  ppmli_integers_weights(t, l, j, row, step);
  ppmli_integers_sums(t, l, j);
  double wanted = sqrt(ppmli_integers_moments(t, j, &mean)) / least;
  int32_t range = ppmli_integers_range(t, l, wanted);
  ppmli_integers_weights(t, l, j, row, step * wanted / range);
  ppmli_integers_sums(t, l, j);
  ppmli_integers_moments(t, j, &mean);
  t->layer[l].range[j] = t->layer[l].peak[j] = range; /* the peak until ppmli_statistics_peaks */
  t->layer[l].bias[j] = ppmli_train_integer(range * bias - mean);
}

/* Weights and sums of neuron j of a layer of polynomials. */
PPMLI_STATIC void ppmli_integers_root(ppmli_trainer *t, uint32_t l, uint32_t j,
                                      const float *weight) {
  const ppmli_master_layer *from = &t->master.layer[l];
  const float *row = weight + from->offset + (size_t)j * from->inputs;
  ppmli_integers_weights(t, l, j, row, from->step[j]);
  ppmli_integers_sums(t, l, j);
}

/* The rest of such a layer, once all sums are known. */
PPMLI_STATIC void ppmli_integers_polynomials(ppmli_trainer *t, uint32_t l, const float *weight) {
  const ppmli_master_layer *from = &t->master.layer[l];
  const float *bias = weight + ppmli_master_biases(from);
  double variance = 0, step = ppmli_master_square_step(&t->master), mean;
  for (uint32_t j = 0; j < from->outputs; j++) variance += ppmli_integers_moments(t, j, &mean);
  t->root_unit = (double)PPMLI_MASTER_SCALE / sqrt(variance / from->outputs);
  for (uint32_t j = 0; j < from->outputs; j++) {
    ppmli_integers_moments(t, j, &mean);
    t->layer[l].bias[j] = ppmli_integers_round(bias[j] / t->root_unit - mean, PPMLI_TRAIN_ROOT_MAX);
    t->layer[l].square[j] = (int32_t)floor(from->square[j] / step + 0.5);
    t->layer[l].linear[j] =
        ppmli_integers_round(from->linear[j] / (step * t->root_unit), PPMLI_TRAIN_ROOT_MAX);
  }
}

/* What a score of 1 is as a logit of the master. */
PPMLI_STATIC double ppmli_integers_logit(const ppmli_trainer *t) {
  uint32_t last = t->model.layer_count - 1;
  double step = t->master.layer[last].step[0];
  if (last == 0) return step * t->unit;
  if (ppmli_model_is_polynomial(&t->model))
    return step * ppmli_master_square_step(&t->master) * t->root_unit * t->root_unit;
  return step * (1.0 / PPML_ACTIVATION_MAX);
}

/* Score j.  Without hidden layers the bias takes on the centering of the inputs as well. */
PPMLI_STATIC void ppmli_integers_score(ppmli_trainer *t, uint32_t l, uint32_t j,
                                       const float *weight) {
  const ppmli_master_layer *from = &t->master.layer[l];
  const float *row = weight + from->offset + (size_t)j * from->inputs;
  double bias = weight[ppmli_master_biases(from) + j] / ppmli_integers_logit(t);
  ppmli_integers_weights(t, l, j, row, from->step[j]);
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

PPMLI_STATIC void ppmli_integers_neurons_task(void *argument, size_t index) {
  const ppmli_fold *f = (const ppmli_fold *)argument;
  const ppml_layer *layer = &f->trainer->model.layer[f->layer];
  size_t end = ppmli_parallel_share(layer->outputs, f->tasks, index + 1);
  for (size_t j = ppmli_parallel_share(layer->outputs, f->tasks, index); j < end; j++) {
    if (layer->activation == PPML_ACTIVATION_NONE)
      ppmli_integers_score(f->trainer, f->layer, (uint32_t)j, f->weight);
    else if (layer->activation == PPML_ACTIVATION_POLYNOMIAL)
      ppmli_integers_root(f->trainer, f->layer, (uint32_t)j, f->weight);
    else ppmli_integers_neuron(f->trainer, f->layer, (uint32_t)j, f->weight);
  }
}

/* Activations of the sample: the next layer's inputs. */
PPMLI_STATIC void ppmli_integers_activate_task(void *argument, size_t index) {
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

/* The integer network of a master network's weights.
 *   weight [master.parameters] */
PPMLI_STATIC void ppmli_integers_run(ppmli_trainer *t, const float *weight) {
  ppmli_fold f = {t, weight, 0, ppmli_parallel_threads(t->parallel)};
  ppmli_integers_begin(t);
  for (; f.layer < t->model.layer_count; f.layer++) {
    ppmli_master_round_layer(&t->master, f.layer, weight);
    ppmli_parallel_run(t->parallel, f.tasks, ppmli_integers_neurons_task, &f);
    if (t->model.layer[f.layer].activation == PPML_ACTIVATION_POLYNOMIAL)
      ppmli_integers_polynomials(t, f.layer, weight);
    else if (f.layer + 1 < t->model.layer_count)
      ppmli_parallel_run(t->parallel, f.tasks, ppmli_integers_activate_task, &f);
  }
}

#endif
