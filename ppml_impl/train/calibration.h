/* What a network's accumulators and activations are on calibration images: how far they reach, and what
 * middle, width and table the activations have.
 * In: float_network.h and images.  Out: a ppmli_calibration.  Next: quantize.h, which makes integers. */
#ifndef PPMLI_TRAIN_CALIBRATION_H
#define PPMLI_TRAIN_CALIBRATION_H

#include <math.h>

#include "../base/arena.h"
#include "../network/clear.h"
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
  int8_t *table[PPML_LAYERS_MAX]; /* [PPML_TABLE_SIZE] of TABLE */
  double *unit, *offset;          /* [inputs] what the layer's integer inputs stand for */
  double *mean, *variance;        /* [inputs] of the layer's integer inputs */
  float *row;                     /* [outputs][inputs] v */
  double *shift;                  /* [outputs] */
  double *least, *most;           /* [outputs] y_j that the images lead to */
  double *middle, *half;          /* [outputs] of the activation */
  double *farthest;               /* [outputs] |y_j - middle| that hardly an image exceeds */
  uint32_t *seen;                 /* [outputs][BINS] how often y_j fell in which bin */
  int32_t *x, *z;                 /* [width] */
  int32_t *margin;                /* [images] */
} ppmli_calibration;

/* ----------------------------------------------------------------- memory */

PPMLI_INLINE uint32_t ppmli_calibrate_outputs(const ppml_float_model *net, uint32_t l) {
  return ppmli_float_is_pair(net, l) ? 1 : net->layer[l].outputs;
}

/* The activation of layer l of the model. */
PPMLI_INLINE uint32_t ppmli_calibrate_kind(const ppml_float_model *net, uint32_t l) {
  if (l + 1 == net->layer_count) return PPML_ACTIVATION_NONE;
  if (ppmli_float_is_clip(&net->layer[l])) return PPML_ACTIVATION_RELU;
  return net->layer[l].activation;
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
    if (ppmli_calibrate_kind(net, l) == PPML_ACTIVATION_TABLE)
      bytes += ppmli_arena_rounded(PPML_TABLE_SIZE);
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
    layer->activation = ppmli_calibrate_kind(c->net, l);
    PPMLI_ALLOC(int8_t, weight, arena, (size_t)layer->inputs * layer->outputs);
    PPMLI_ALLOC(int32_t, bias, arena, layer->outputs);
    layer->weight = c->weight[l] = weight;
    layer->bias = c->bias[l] = bias;
    if (layer->activation == PPML_ACTIVATION_NONE) continue;
    PPMLI_ALLOC(int32_t, range, arena, layer->outputs);
    PPMLI_ALLOC(int32_t, peak, arena, layer->outputs);
    layer->range = c->range[l] = range;
    layer->peak = c->peak[l] = peak;
    if (layer->activation != PPML_ACTIVATION_TABLE) continue;
    PPMLI_ALLOC(int8_t, table, arena, PPML_TABLE_SIZE);
    layer->table = c->table[l] = table;
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
      c->x[j] =
          ppmli_quant_activation(before->activation, c->z[j], before->range[j], before->table);
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

/* Of a clip: a bound that the network leaves open is where the images' y_j end; one that is never
 * reached does not widen the activation.  A neuron that hardly ever fires gets a width that stays in
 * proportion to its accumulator. */
PPMLI_STATIC void ppmli_calibrate_clip(ppmli_calibration *c, const ppml_float_layer *layer,
                                       uint32_t j) {
  double least = ppmli_float_low(layer, j), most = ppmli_float_high(layer, j);
  int has_low = least > -PPMLI_FLOAT_MAX, has_high = most < PPMLI_FLOAT_MAX;
  double low = has_low ? least : ppmli_calibrate_lower(c, j);
  double up = c->most[j] - low, down = low - c->least[j];
  double narrowest = (up > down ? up : down) / PPMLI_CALIBRATE_NARROWEST;
  double width = ppmli_calibrate_upper(c, j) - low;
  if (!(width > narrowest)) width = narrowest;
  if (has_high && most > low && most - low < width) width = most - low;
  if (!(width > 1e-9)) width = 1;
  c->half[j] = width / 2;
  c->middle[j] = low + width / 2;
}

/* Of a square, a sign or a homogeneous function: around 0, as wide as the images' y_j are. */
PPMLI_STATIC void ppmli_calibrate_centre(ppmli_calibration *c, uint32_t j) {
  double low = -ppmli_calibrate_lower(c, j), high = ppmli_calibrate_upper(c, j);
  c->middle[j] = 0;
  c->half[j] = low > high ? low : high;
  if (!(c->half[j] > 1e-9)) c->half[j] = 1;
}

/* Where a function is as good as constant it needs no entries of the table, whose ends go on for
 * ever: moves *end towards `other`. */
PPMLI_STATIC void ppmli_calibrate_trim(double *end, double other, const ppml_float_layer *layer,
                                       double flat) {
  double first = *end, step = (other - first) / PPMLI_CALIBRATE_BINS;
  double level = layer->function(layer->context, (float)first);
  for (int i = 1; i < PPMLI_CALIBRATE_BINS / 2; i++) {
    double value = layer->function(layer->context, (float)(first + i * step));
    if (!(fabs(value - level) < flat)) return;
    *end = first + i * step;
  }
}

/* How far a function's values are apart between low and high. */
PPMLI_STATIC double ppmli_calibrate_span(const ppml_float_layer *layer, double low, double high) {
  double least = 0, most = 0;
  for (int i = 0; i <= PPMLI_CALIBRATE_BINS; i++) {
    double at = low + (high - low) * i / PPMLI_CALIBRATE_BINS;
    double value = layer->function(layer->context, (float)at);
    if (i == 0 || value < least) least = value;
    if (i == 0 || value > most) most = value;
  }
  return most - least;
}

/* Of any other function: one middle and one width for all neurons, since they have one table. */
PPMLI_STATIC void ppmli_calibrate_shared(ppmli_calibration *c, const ppml_float_layer *layer) {
  double low = ppmli_calibrate_lower(c, 0), high = ppmli_calibrate_upper(c, 0);
  for (uint32_t j = 1; j < layer->outputs; j++) {
    low = fmin(low, ppmli_calibrate_lower(c, j));
    high = fmax(high, ppmli_calibrate_upper(c, j));
  }
  if (!(high - low > 1e-9)) high = low + 1;
  double flat = ppmli_calibrate_span(layer, low, high) / (4 * PPML_ACTIVATION_MAX);
  ppmli_calibrate_trim(&low, high, layer, flat);
  ppmli_calibrate_trim(&high, low, layer, flat);
  for (uint32_t j = 0; j < layer->outputs; j++) {
    c->half[j] = (high - low) / 2;
    c->middle[j] = (high + low) / 2;
  }
}

/* Middle, half and farthest of all neurons of a hidden layer. */
PPMLI_STATIC void ppmli_calibrate_activations(ppmli_calibration *c, uint32_t l) {
  const ppml_float_layer *layer = &c->net->layer[l];
  int is_table = layer->activation == PPML_ACTIVATION_TABLE && !layer->is_homogeneous;
  if (is_table) ppmli_calibrate_shared(c, layer);
  for (uint32_t j = 0; j < layer->outputs; j++) {
    if (ppmli_float_is_clip(layer)) ppmli_calibrate_clip(c, layer, j);
    else if (!is_table) ppmli_calibrate_centre(c, j);
    c->farthest[j] = ppmli_calibrate_farthest(c, j);
  }
}

/* The table of a function, whose entry i stands for the middle of its stretch of y, and what its
 * integers stand for: unit a + offset.  Errors: ARG (what the function gives is no number). */
PPMLI_STATIC int ppmli_calibrate_table(int8_t *table, const ppml_float_layer *layer, double middle,
                                       double half, double *unit, double *offset) {
  double value[PPML_TABLE_SIZE], least = 0, most = 0;
  for (int i = 0; i < PPML_TABLE_SIZE; i++) {
    double at = middle + half * ((2 * i + 1.0) / PPML_TABLE_SIZE - 1);
    value[i] = layer->function(layer->context, (float)at);
    if (!(fabs(value[i]) < PPMLI_FLOAT_MAX)) return PPML_ERR_ARG;
    if (i == 0 || value[i] < least) least = value[i];
    if (i == 0 || value[i] > most) most = value[i];
  }
  *unit = most > least ? (most - least) / (2 * PPML_ACTIVATION_MAX) : 1;
  *offset = (most + least) / 2;
  for (int i = 0; i < PPML_TABLE_SIZE; i++)
    table[i] = (int8_t)floor((value[i] - *offset) / *unit + 0.5);
  return PPML_OK;
}

/* What the activations of layer l stand for as the next layer's inputs. */
PPMLI_STATIC int ppmli_calibrate_units(ppmli_calibration *c, uint32_t l) {
  const ppml_float_layer *layer = &c->net->layer[l];
  int is_table = layer->activation == PPML_ACTIVATION_TABLE, own = layer->is_homogeneous;
  double unit = 1.0 / PPML_ACTIVATION_MAX, offset = 0; /* of a sign */
  if (is_table)
    PPMLI_TRY(ppmli_calibrate_table(c->table[l], layer, own ? 0 : c->middle[0],
                                    own ? 1 : c->half[0], &unit, &offset));
  for (uint32_t j = 0; j < layer->outputs; j++) {
    double half = c->half[j], by = is_table && own ? half : 1;
    c->unit[j] = unit * by;
    c->offset[j] = offset * by;
    if (layer->activation == PPML_ACTIVATION_CLIPPED_SQUARE) {
      c->unit[j] = half * half / (2 * PPML_ACTIVATION_MAX);
      c->offset[j] = half * half / 2;
    }
    if (!ppmli_float_is_clip(layer)) continue;
    c->unit[j] = half / PPML_ACTIVATION_MAX;
    c->offset[j] = c->middle[j];
  }
  return PPML_OK;
}

#endif
