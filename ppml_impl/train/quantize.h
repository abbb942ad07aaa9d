/* From a network in floating point to integers, without training: inputs, weights, ranges and peaks
 * are chosen by watching the network's accumulators on calibration images.
 * In: float_network.h and images.  Out: a ppml_model.  Next: plan/choose.h. */
#ifndef PPMLI_TRAIN_QUANTIZE_H
#define PPMLI_TRAIN_QUANTIZE_H

#include <math.h>

#include "../base/arena.h"
#include "../math/params.h"
#include "../math/radices.h"
#include "../network/clear.h"
#include "../network/labels.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "float_network.h"

/* One layer at a time is at work; the arrays are as large as the largest needs. */
typedef struct ppmli_calibration {
  const ppml_float_model *net;
  const ppml_images *images;
  ppml_model model; /* the layers before the one at work are done */
  int8_t *weight[PPML_LAYERS_MAX];
  int32_t *bias[PPML_LAYERS_MAX], *range[PPML_LAYERS_MAX], *peak[PPML_LAYERS_MAX];
  double *unit, *offset;   /* [inputs] what the layer's integer inputs stand for */
  double *mean, *variance; /* [inputs] of the layer's integer inputs */
  float *row;              /* [outputs][inputs] v */
  double *shift;           /* [outputs] */
  double *least, *most;    /* [outputs] y_j that the images lead to */
  double *middle, *half;   /* [outputs] of the activation */
  double *farthest;        /* [outputs] |y_j - middle| that hardly an image exceeds */
  uint32_t *seen;          /* [outputs][BINS] how often y_j fell in which bin */
  int32_t *x, *z;          /* [width] */
  int32_t *margin;         /* [images] */
} ppmli_calibration;

/* ----------------------------------------------------------------- memory */

PPMLI_INLINE uint32_t ppmli_calibrate_outputs(const ppml_float_model *net, uint32_t l) {
  return ppmli_float_is_pair(net, l) ? 1 : net->layer[l].outputs;
}

/* Weights of the largest layer. */
PPMLI_STATIC size_t ppmli_calibrate_row_count(const ppml_float_model *net) {
  size_t count = 0;
  for (uint32_t l = 0; l < net->layer_count; l++)
    count = ppmli_max_size(count, (size_t)net->layer[l].inputs * net->layer[l].outputs);
  return count;
}

PPMLI_STATIC size_t ppmli_calibrate_bytes(const ppml_float_model *net, size_t image_count) {
  if (!ppmli_float_is_valid(net)) return 0;
  if (image_count > UINT32_MAX || image_count > SIZE_MAX / sizeof(uint32_t)) return 0;
  size_t width = ppmli_float_width(net), bytes = 0;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    size_t outputs = ppmli_calibrate_outputs(net, l);
    bytes += ppmli_arena_rounded(net->layer[l].inputs * outputs);
    bytes += (l + 1 < net->layer_count ? 3 : 1) * ppmli_arena_rounded(outputs * sizeof(int32_t));
  }
  bytes += 10 * ppmli_arena_rounded(width * sizeof(double));
  bytes += ppmli_arena_rounded(ppmli_calibrate_row_count(net) * sizeof(float));
  bytes += ppmli_arena_rounded(width * PPMLI_CALIBRATE_BINS * sizeof(uint32_t));
  bytes += 2 * ppmli_arena_rounded(width * sizeof(int32_t));
  return bytes + ppmli_arena_rounded(image_count * sizeof(uint32_t));
}

/* The model's layers, whose arrays stay. */
PPMLI_STATIC int ppmli_calibrate_alloc_model(ppmli_calibration *c, uint32_t weight_bits,
                                             ppml_arena *arena) {
  c->model.layer_count = c->net->layer_count;
  for (uint32_t l = 0; l < c->net->layer_count; l++) {
    ppml_layer *layer = &c->model.layer[l];
    layer->inputs = c->net->layer[l].inputs;
    layer->outputs = ppmli_calibrate_outputs(c->net, l);
    layer->weight_bits = weight_bits;
    layer->activation = l + 1 < c->net->layer_count ? PPML_ACTIVATION_RELU : PPML_ACTIVATION_NONE;
    PPMLI_ALLOC(int8_t, weight, arena, (size_t)layer->inputs * layer->outputs);
    PPMLI_ALLOC(int32_t, bias, arena, layer->outputs);
    layer->weight = c->weight[l] = weight;
    layer->bias = c->bias[l] = bias;
    if (layer->activation == PPML_ACTIVATION_NONE) continue;
    PPMLI_ALLOC(int32_t, range, arena, layer->outputs);
    PPMLI_ALLOC(int32_t, peak, arena, layer->outputs);
    layer->range = c->range[l] = range;
    layer->peak = c->peak[l] = peak;
  }
  return PPML_OK;
}

PPMLI_STATIC int ppmli_calibrate_alloc_scratch(ppmli_calibration *c, ppml_arena *arena) {
  size_t width = ppmli_float_width(c->net);
  double **const doubles[] = {&c->unit,  &c->offset, &c->mean,   &c->variance, &c->shift,
                              &c->least, &c->most,   &c->middle, &c->half,     &c->farthest};
  for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
    PPMLI_ALLOC(double, array, arena, width);
    *doubles[i] = array;
  }
  PPMLI_ALLOC(float, row, arena, ppmli_calibrate_row_count(c->net));
  PPMLI_ALLOC(uint32_t, seen, arena, width * PPMLI_CALIBRATE_BINS);
  PPMLI_ALLOC(int32_t, x, arena, width);
  PPMLI_ALLOC(int32_t, z, arena, width);
  PPMLI_ALLOC(int32_t, margin, arena, c->images->count);
  c->row = row;
  c->seen = seen;
  c->x = x;
  c->z = z;
  c->margin = margin;
  return PPML_OK;
}

/* ------------------------------------------------------------ observation */

/* What a pixel's integers stand for. */
PPMLI_STATIC void ppmli_calibrate_start(ppmli_calibration *c) {
  const ppml_float_model *net = c->net;
  double top = (double)((1u << c->model.spec.input_bits) - 1);
  for (uint32_t i = 0; i < net->layer[0].inputs; i++) {
    double std = net->std[i % net->channels];
    c->unit[i] = 1 / (top * std);
    c->offset[i] = -net->mean[i % net->channels] / std;
  }
}

/* v and shift of layer l.  Errors: ARG (the network's numbers grow beyond bounds). */
PPMLI_STATIC int ppmli_calibrate_rows(ppmli_calibration *c, uint32_t l) {
  const ppml_float_layer *layer = &c->net->layer[l];
  int is_pair = ppmli_float_is_pair(c->net, l);
  for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) {
    const float *w = layer->weight + (size_t)j * layer->inputs;
    float *row = c->row + (size_t)j * layer->inputs;
    double shift = is_pair ? (double)layer->bias[1] - layer->bias[0] : layer->bias[j];
    for (uint32_t i = 0; i < layer->inputs; i++) {
      double weight = is_pair ? (double)w[layer->inputs + i] - w[i] : w[i];
      if (!(fabs(weight * c->unit[i]) < PPMLI_FLOAT_MAX)) return PPML_ERR_ARG;
      row[i] = (float)(weight * c->unit[i]);
      shift += weight * c->offset[i];
    }
    if (!(fabs(shift) < PPMLI_FLOAT_MAX)) return PPML_ERR_ARG;
    c->shift[j] = shift;
  }
  return PPML_OK;
}

/* x of layer l for an image, by the integer layers before it. */
PPMLI_STATIC void ppmli_calibrate_inputs(ppmli_calibration *c, uint32_t l, size_t image) {
  const ppml_spec *spec = &c->model.spec;
  size_t inputs = ppmli_spec_inputs(spec);
  const uint8_t *pixels = c->images->pixels + image * inputs;
  for (size_t i = 0; i < inputs; i++) c->x[i] = ppmli_quant_pixel(pixels[i], spec->input_bits);
  for (const ppml_layer *before = c->model.layer; before < &c->model.layer[l]; before++) {
    ppmli_quant_dense(c->z, before, c->x);
    for (uint32_t j = 0; j < before->outputs; j++)
      c->x[j] = ppmli_quant_activation(before->activation, c->z[j], before->range[j], NULL);
  }
}

/* y_j of the x at hand. */
PPMLI_STATIC double ppmli_calibrate_y(const ppmli_calibration *c, uint32_t inputs, uint32_t j) {
  const float *row = c->row + (size_t)j * inputs;
  double sum = c->shift[j];
  for (uint32_t i = 0; i < inputs; i++) sum += (double)row[i] * c->x[i];
  return sum;
}

/* The mean and variance of every x_i, the least and most of every y_j. */
PPMLI_STATIC void ppmli_calibrate_measure(ppmli_calibration *c, uint32_t l) {
  const ppml_layer *layer = &c->model.layer[l];
  double count = (double)c->images->count;
  for (uint32_t i = 0; i < layer->inputs; i++) c->mean[i] = c->variance[i] = 0;
  for (size_t n = 0; n < c->images->count; n++) {
    ppmli_calibrate_inputs(c, l, n);
    for (uint32_t i = 0; i < layer->inputs; i++) {
      c->mean[i] += c->x[i];
      c->variance[i] += (double)c->x[i] * c->x[i];
    }
    for (uint32_t j = 0; j < layer->outputs; j++) {
      double y = ppmli_calibrate_y(c, layer->inputs, j);
      if (n == 0 || y < c->least[j]) c->least[j] = y;
      if (n == 0 || y > c->most[j]) c->most[j] = y;
    }
  }
  for (uint32_t i = 0; i < layer->inputs; i++) {
    c->mean[i] /= count;
    c->variance[i] = c->variance[i] / count - c->mean[i] * c->mean[i];
  }
}

/* How often every y_j fell in which bin between least and most. */
PPMLI_STATIC void ppmli_calibrate_count(ppmli_calibration *c, uint32_t l) {
  const ppml_layer *layer = &c->model.layer[l];
  memset(c->seen, 0, (size_t)layer->outputs * PPMLI_CALIBRATE_BINS * sizeof *c->seen);
  for (size_t n = 0; n < c->images->count; n++) {
    ppmli_calibrate_inputs(c, l, n);
    for (uint32_t j = 0; j < layer->outputs; j++) {
      double width = c->most[j] - c->least[j];
      double at = width > 0 ? (ppmli_calibrate_y(c, layer->inputs, j) - c->least[j]) / width : 0;
      size_t bin = (size_t)(at * PPMLI_CALIBRATE_BINS);
      if (bin >= PPMLI_CALIBRATE_BINS) bin = PPMLI_CALIBRATE_BINS - 1;
      c->seen[(size_t)j * PPMLI_CALIBRATE_BINS + bin]++;
    }
  }
}

/* ------------------------------------------------------------- activation */

/* The lower end of a bin of neuron j. */
PPMLI_INLINE double ppmli_calibrate_edge(const ppmli_calibration *c, uint32_t j, size_t bin) {
  return c->least[j] + (c->most[j] - c->least[j]) * (double)bin / PPMLI_CALIBRATE_BINS;
}

/* What few enough y_j are above. */
PPMLI_STATIC double ppmli_calibrate_upper(const ppmli_calibration *c, uint32_t j) {
  const uint32_t *seen = c->seen + (size_t)j * PPMLI_CALIBRATE_BINS;
  uint64_t above = 0, most = c->images->count / PPMLI_CALIBRATE_CLIPPED;
  size_t bin = PPMLI_CALIBRATE_BINS;
  while (bin > 1 && above + seen[bin - 1] <= most) above += seen[--bin];
  return ppmli_calibrate_edge(c, j, bin);
}

/* What few enough y_j are below. */
PPMLI_STATIC double ppmli_calibrate_lower(const ppmli_calibration *c, uint32_t j) {
  const uint32_t *seen = c->seen + (size_t)j * PPMLI_CALIBRATE_BINS;
  uint64_t below = 0, most = c->images->count / PPMLI_CALIBRATE_CLIPPED;
  size_t bin = 0;
  while (bin + 1 < PPMLI_CALIBRATE_BINS && below + seen[bin] <= most) below += seen[bin++];
  return ppmli_calibrate_edge(c, j, bin);
}

/* The distance from middle that few enough y_j exceed: bins are dropped from the farther end. */
PPMLI_STATIC double ppmli_calibrate_farthest(const ppmli_calibration *c, uint32_t j) {
  const uint32_t *seen = c->seen + (size_t)j * PPMLI_CALIBRATE_BINS;
  uint64_t dropped = 0, most = ppmli_peak_exceptions(c->images->count);
  size_t low = 0, high = PPMLI_CALIBRATE_BINS;
  for (;;) {
    double down = c->middle[j] - ppmli_calibrate_edge(c, j, low);
    double up = ppmli_calibrate_edge(c, j, high) - c->middle[j];
    dropped += up > down ? seen[high - 1] : seen[low];
    if (dropped > most || low + 1 == high) return up > down ? up : down;
    if (up > down) high--;
    else low++;
  }
}

/* Middle, half and farthest of hidden neuron j.  A bound that the network leaves open is where
 * the images' y_j end; one that is never reached does not widen the activation.  A neuron that
 * hardly ever fires gets a width that stays in proportion to its accumulator. */
PPMLI_STATIC void ppmli_calibrate_activation(ppmli_calibration *c, const ppml_float_layer *layer,
                                             uint32_t j) {
  int has_low = layer->low > -PPMLI_FLOAT_MAX, has_high = layer->high < PPMLI_FLOAT_MAX;
  double low = has_low ? layer->low : ppmli_calibrate_lower(c, j);
  double up = c->most[j] - low, down = low - c->least[j];
  double narrowest = (up > down ? up : down) / PPMLI_CALIBRATE_NARROWEST;
  double width = ppmli_calibrate_upper(c, j) - low;
  if (!(width > narrowest)) width = narrowest;
  if (has_high && layer->high > low && layer->high - low < width) width = layer->high - low;
  if (!(width > 1e-9)) width = 1;
  c->half[j] = width / 2;
  c->middle[j] = low + width / 2;
  c->farthest[j] = ppmli_calibrate_farthest(c, j);
}

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
  int32_t range = ppmli_radices_range(c->half[j] / *step);
  double wider = range * *step - c->half[j];
  int has_low = layer->low > -PPMLI_FLOAT_MAX;
  if (wider < 0 || c->middle[j] + c->half[j] + 2 * wider > layer->high) {
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
  for (uint32_t j = 0; j < layer->outputs; j++) {
    ppmli_calibrate_activation(c, &c->net->layer[l], j);
    ppmli_calibrate_neuron(c, l, j);
  }
  for (uint32_t j = 0; j < layer->outputs; j++) { /* the next layer's inputs */
    c->unit[j] = c->half[j] / PPML_ACTIVATION_MAX;
    c->offset[j] = c->middle[j];
  }
  return PPML_OK;
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
