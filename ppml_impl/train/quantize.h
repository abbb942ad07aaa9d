/* From a network in floating point to integers, without training: inputs, weights, ranges and peaks
 * are chosen by watching the network's accumulators on calibration images.
 * In: calibration.h and images.  Out: a ppml_model.  Next: plan/choose.h. */
#ifndef PPMLI_TRAIN_QUANTIZE_H
#define PPMLI_TRAIN_QUANTIZE_H

#include <math.h>

#include "../math/params.h"
#include "../math/radices.h"
#include "../network/clear.h"
#include "../network/labels.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "calibration.h"
#include "float_network.h"

/* ------------------------------------------------------------ weight steps */

PPMLI_INLINE double ppmli_calibrate_round(double x, double most) {
  double rounded = floor(x + 0.5);
  return rounded < -most ? -most : rounded > most ? most : rounded;
}

/* Largest magnitude of a row, not 0. */
PPMLI_STATIC double ppmli_calibrate_largest(const float *row, uint32_t inputs) {
  double largest = 1e-12;
  for (uint32_t i = 0; i < inputs; i++)
    if (fabs((double)row[i]) > largest) largest = fabs((double)row[i]);
  return largest;
}

/* Squared error of y_j that rounding the row to multiples of step leads to, inputs taken as
 * independent; a pixel that never changed counts a little, since it might. */
PPMLI_STATIC double ppmli_calibrate_error(const ppmli_calibration *c, const float *row,
                                          uint32_t inputs, double step, double most) {
  double error = 0;
  for (uint32_t i = 0; i < inputs; i++) {
    double off = row[i] - step * ppmli_calibrate_round(row[i] / step, most);
    error += (c->variance[i] + 0.01) * off * off;
  }
  return error;
}

/* The step of rows [count][inputs], from a third of what their largest weight needs up to it,
 * that does least harm. */
PPMLI_STATIC double ppmli_calibrate_best_step(const ppmli_calibration *c, const float *row,
                                              uint32_t inputs, uint32_t count, double most) {
  double largest = ppmli_calibrate_largest(row, inputs), best = 0, least = 0;
  for (uint32_t j = 1; j < count; j++) {
    double other = ppmli_calibrate_largest(row + (size_t)j * inputs, inputs);
    if (other > largest) largest = other;
  }
  for (int k = 0; k < PPMLI_CALIBRATE_STEPS; k++) {
    double error = 0, step = largest / most * (1 - (2.0 / 3) * k / PPMLI_CALIBRATE_STEPS);
    for (uint32_t j = 0; j < count; j++)
      error += ppmli_calibrate_error(c, row + (size_t)j * inputs, inputs, step, most);
    if (k > 0 && error >= least) continue;
    least = error;
    best = step;
  }
  return best;
}

/* The step of layer 0 at which a neuron just fills its room on the torus with a gain of 1, the
 * input's unit being given (network/room.h).
 *   reach  of y_j, in turns of a torus filled */
PPMLI_INLINE double ppmli_calibrate_least_step(const ppmli_calibration *c, double reach) {
  return reach *
         ldexp((double)ppmli_circuit_input_unit(ppmli_params_by_index(0), &c->model.spec), -64);
}

/* A larger step where the best one would not fit the torus, or would waste much of it because
 * gains are integers. */
PPMLI_STATIC double ppmli_calibrate_fit_step(double step, double least) {
  double gain = floor(step / least + 0.7);
  if (step / least > PPMLI_CALIBRATE_FINE_GAIN) return step;
  if (gain < 1) gain = 1;
  return step > 1.05 * gain * least ? step : 1.05 * gain * least; /* 1.05: ranges are rounded */
}

/* -------------------------------------------------------------- integers */

/* The range of hidden neuron j, one that exact inference can carry; middle, half and step follow
 * it.  Where it is wider than it had to be, the activation widens, unless that would let through
 * what the network does not; where it is narrower, the weights get coarser. */
PPMLI_STATIC int32_t ppmli_calibrate_range(ppmli_calibration *c, const ppml_float_layer *layer,
                                           uint32_t j, double *step) {
  if (!ppmli_float_is_clip(layer)) { /* exact inference has none of these, or no range of it */
    int32_t wanted = (int32_t)ppmli_calibrate_round(c->half[j] / *step, PPMLI_CALIBRATE_RANGE_MAX);
    *step = c->half[j] / (wanted < 1 ? 1 : wanted);
    return wanted < 1 ? 1 : wanted;
  }
  int32_t range = ppmli_radices_range(c->half[j] / *step);
  double wider = range * *step - c->half[j];
  int has_low = ppmli_float_low(layer, j) > -PPMLI_FLOAT_MAX;
  if (wider < 0 || c->middle[j] + c->half[j] + 2 * wider > ppmli_float_high(layer, j)) {
    *step = c->half[j] / range;
    return range;
  }
  c->half[j] += wider;
  if (has_low) c->middle[j] += wider;
  c->farthest[j] = ppmli_calibrate_farthest(c, j);
  return range;
}

/* Weights and bias of neuron j.
 *   middle  of its activation, 0 for a score */
PPMLI_STATIC void ppmli_calibrate_integers(ppmli_calibration *c, uint32_t l, uint32_t j,
                                           double step, double middle) {
  const ppml_layer *layer = &c->model.layer[l];
  const float *row = c->row + (size_t)j * layer->inputs;
  int8_t *weight = c->weight[l] + (size_t)j * layer->inputs;
  double bias = c->shift[j] - middle, most = (1 << (layer->weight_bits - 1)) - 1;
  for (uint32_t i = 0; i < layer->inputs; i++) {
    weight[i] = (int8_t)ppmli_calibrate_round(row[i] / step, most);
    bias += (row[i] - step * weight[i]) * c->mean[i];
  }
  c->bias[l][j] = (int32_t)ppmli_calibrate_round(bias / step, PPMLI_CALIBRATE_INTEGER_MAX);
}

PPMLI_STATIC void ppmli_calibrate_neuron(ppmli_calibration *c, uint32_t l, uint32_t j) {
  const ppml_layer *layer = &c->model.layer[l];
  const float *row = c->row + (size_t)j * layer->inputs;
  double most = (1 << (layer->weight_bits - 1)) - 1;
  double step = ppmli_calibrate_best_step(c, row, layer->inputs, 1, most);
  if (l == 0)
    step = ppmli_calibrate_fit_step(
        step, ppmli_calibrate_least_step(
                  c, ppmli_room_turn(layer->activation, c->farthest[j], c->half[j])));
  c->range[l][j] = ppmli_calibrate_range(c, &c->net->layer[l], j, &step);
  ppmli_calibrate_integers(c, l, j, step, c->middle[j]);
  int32_t peak = (int32_t)ppmli_calibrate_round(c->farthest[j] / step, PPMLI_CALIBRATE_INTEGER_MAX);
  c->peak[l][j] = peak > c->range[l][j] ? peak : c->range[l][j];
}

/* Scores are compared, so they share one step, whose inverse is what makes them logits. */
PPMLI_STATIC void ppmli_calibrate_scores(ppmli_calibration *c, uint32_t l) {
  const ppml_layer *layer = &c->model.layer[l];
  double most = (1 << (layer->weight_bits - 1)) - 1, top = ppmli_layer_input_max(&c->model, l);
  double step = ppmli_calibrate_best_step(c, c->row, layer->inputs, layer->outputs, most);
  for (uint32_t j = 0; l == 0 && j < layer->outputs; j++) {
    double reach = fabs(c->shift[j]);
    for (uint32_t i = 0; i < layer->inputs; i++)
      reach += top * fabs((double)c->row[(size_t)j * layer->inputs + i]);
    step =
        ppmli_calibrate_fit_step(step, ppmli_calibrate_least_step(c, ppmli_room_score_turn(reach)));
  }
  for (uint32_t j = 0; j < layer->outputs; j++) ppmli_calibrate_integers(c, l, j, step, 0);
  c->model.spec.score_unit =
      (uint32_t)ppmli_calibrate_round(1 / step < 1 ? 1 : 1 / step, PPMLI_CALIBRATE_INTEGER_MAX);
}

PPMLI_STATIC int ppmli_calibrate_layer(ppmli_calibration *c, uint32_t l) {
  const ppml_layer *layer = &c->model.layer[l];
  PPMLI_TRY(ppmli_calibrate_rows(c, l));
  ppmli_calibrate_measure(c, l);
  if (layer->activation == PPML_ACTIVATION_NONE) {
    ppmli_calibrate_scores(c, l);
    return PPML_OK;
  }
  ppmli_calibrate_count(c, l);
  ppmli_calibrate_activations(c, l);
  for (uint32_t j = 0; j < layer->outputs; j++) ppmli_calibrate_neuron(c, l, j);
  return ppmli_calibrate_units(c, l);
}

/* ---------------------------------------------------------------- margins */

PPMLI_STATIC uint32_t ppmli_calibrate_margin_p05(ppmli_calibration *c) {
  const ppml_layer *last = &c->model.layer[c->model.layer_count - 1];
  for (size_t n = 0; n < c->images->count; n++) {
    ppmli_calibrate_inputs(c, c->model.layer_count - 1, n);
    ppmli_quant_dense(c->z, last, c->x);
    c->margin[n] = ppmli_spec_margin32(&c->model.spec, c->z);
  }
  return ppmli_spec_margin_p05(c->margin, c->images->count);
}

/* -------------------------------------------------------------------- run */

PPMLI_STATIC int ppmli_calibrate_is_possible(const ppml_float_model *net, uint32_t input_bits,
                                             uint32_t weight_bits, const ppml_images *images) {
  if (!ppmli_float_is_valid(net)) return 0;
  if (input_bits < 1 || input_bits > 8 || weight_bits < 2 || weight_bits > 8) return 0;
  if ((uint64_t)net->layer[0].inputs << (input_bits + weight_bits - 1) >
      (uint64_t)PPMLI_CALIBRATE_INTEGER_MAX)
    return 0;
  return images->pixels && images->count > 0 && images->count <= UINT32_MAX;
}

PPMLI_STATIC void ppmli_calibrate_spec(ppml_spec *spec, const ppml_float_model *net,
                                       uint32_t input_bits) {
  spec->width = net->width;
  spec->height = net->height;
  spec->channels = net->channels;
  spec->input_bits = input_bits;
  spec->classes = net->classes;
  spec->task = net->task;
  spec->outputs = ppmli_task_outputs(net->task, net->classes);
  ppmli_spec_name_classes(spec);
}

/* As ppml_quantize, but for the model's id, which stays zero. */
PPMLI_STATIC int ppmli_calibrate_run(ppml_model *model, const ppml_float_model *net,
                                     uint32_t input_bits, uint32_t weight_bits,
                                     const ppml_images *images, ppml_arena *arena) {
  ppmli_calibration c;
  if (!ppmli_calibrate_is_possible(net, input_bits, weight_bits, images)) return PPML_ERR_ARG;
  if (ppmli_calibrate_bytes(net, images->count) > arena->capacity_bytes - arena->used_bytes)
    return PPML_ERR_NOMEM; /* at once, so that no allocation below can fail */
  memset(&c, 0, sizeof c);
  c.net = net;
  c.images = images;
  ppmli_calibrate_spec(&c.model.spec, net, input_bits);
  PPMLI_TRY(ppmli_calibrate_alloc_model(&c, weight_bits, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_calibrate_alloc_scratch(&c, arena));
  ppmli_calibrate_start(&c);
  for (uint32_t l = 0; l < net->layer_count; l++) PPMLI_TRY(ppmli_calibrate_layer(&c, l));
  c.model.margin_p05 = ppmli_calibrate_margin_p05(&c);
  *model = c.model;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
