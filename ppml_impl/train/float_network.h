/* A network in floating point, as ONNX files bring it: is it well formed, and what it answers.
 * Next: quantize.h, which makes integers of it.  In: a ppml_float_model; out: whether it is valid,
 * logits. */
#ifndef PPMLI_TRAIN_FLOAT_NETWORK_H
#define PPMLI_TRAIN_FLOAT_NETWORK_H

#include "../base/arena.h"
#include "../network/spec.h"

#define PPMLI_CALIBRATE_BINS 1024     /* of the histogram of a neuron's y */
#define PPMLI_CALIBRATE_CLIPPED 10000 /* of that many activations one may be clipped */
#define PPMLI_CALIBRATE_NARROWEST 4 /* an activation is as wide as this share of its y, or wider */
#define PPMLI_CALIBRATE_STEPS 24    /* weight steps that are tried */
#define PPMLI_CALIBRATE_FINE_GAIN 8 /* larger gains lose little by being integers */
#define PPMLI_CALIBRATE_RANGE_MAX (1 << 24)            /* of an activation that is no clip */
#define PPMLI_CALIBRATE_INTEGER_MAX ((int32_t)1 << 29) /* of a bias, and of a sum without it */
#define PPMLI_FLOAT_MAX 1e30f                          /* of a weight or bound that is one */

/* ---------------------------------------------------------- float network */

PPMLI_INLINE int ppmli_float_is_finite(float x) {
  return x >= -PPMLI_FLOAT_MAX && x <= PPMLI_FLOAT_MAX; /* and a number */
}

/* Is the layer's activation a clip? */
PPMLI_INLINE int ppmli_float_is_clip(const ppml_float_layer *layer) {
  return layer->activation == PPML_ACTIVATION_NONE || layer->activation == PPML_ACTIVATION_RELU;
}

PPMLI_INLINE float ppmli_float_low(const ppml_float_layer *layer, uint32_t j) {
  return layer->lows ? layer->lows[j] : layer->low;
}

PPMLI_INLINE float ppmli_float_high(const ppml_float_layer *layer, uint32_t j) {
  return layer->highs ? layer->highs[j] : layer->high;
}

PPMLI_STATIC int ppmli_float_activation_is_valid(const ppml_float_layer *layer) {
  if (layer->activation > PPML_ACTIVATION_TABLE) return 0;
  if (layer->activation == PPML_ACTIVATION_TABLE) return layer->function != NULL;
  for (uint32_t j = 0; ppmli_float_is_clip(layer) && j < layer->outputs; j++)
    if (!(ppmli_float_low(layer, j) < ppmli_float_high(layer, j))) return 0;
  return 1;
}

/* The activation of neuron j. */
PPMLI_STATIC float ppmli_float_activation(const ppml_float_layer *layer, uint32_t j, float y) {
  float low = ppmli_float_low(layer, j), high = ppmli_float_high(layer, j);
  switch (layer->activation) {
  case PPML_ACTIVATION_SIGN:
    return y >= 0 ? 1.0f : -1.0f;
  case PPML_ACTIVATION_CLIPPED_SQUARE:
    return y * y;
  case PPML_ACTIVATION_TABLE:
    return layer->function(layer->context, y);
  default:
    return y < low ? low : y > high ? high : y;
  }
}

PPMLI_STATIC int ppmli_float_layer_is_valid(const ppml_float_layer *layer, int is_last) {
  if (layer->weight == NULL || layer->bias == NULL) return 0;
  if (layer->inputs < 1 || layer->inputs > PPML_INPUTS_MAX) return 0;
  if (layer->outputs < 1 || layer->outputs > PPML_NEURONS_MAX) return 0;
  if (!is_last && !ppmli_float_activation_is_valid(layer)) return 0;
  for (size_t i = 0; i < (size_t)layer->inputs * layer->outputs; i++)
    if (!ppmli_float_is_finite(layer->weight[i])) return 0;
  for (uint32_t j = 0; j < layer->outputs; j++)
    if (!ppmli_float_is_finite(layer->bias[j])) return 0;
  return 1;
}

/* Shapes that fit one another, and numbers that are numbers. */
PPMLI_STATIC int ppmli_float_is_valid(const ppml_float_model *net) {
  if (net->width - 1 >= PPML_SIDE_MAX || net->height - 1 >= PPML_SIDE_MAX || net->channels - 1 >= 4)
    return 0;
  if (net->classes < 2 || net->classes > PPML_CLASSES_MAX) return 0;
  if (net->layer_count < 1 || net->layer_count > PPML_LAYERS_MAX) return 0;
  for (uint32_t k = 0; k < net->channels; k++)
    if (!ppmli_float_is_finite(net->mean[k]) || !(net->std[k] * net->std[k] > 1e-20f) ||
        !ppmli_float_is_finite(net->std[k]))
      return 0;
  uint64_t inputs = (uint64_t)net->width * net->height * net->channels;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    const ppml_float_layer *layer = &net->layer[l];
    if (layer->inputs != inputs) return 0;
    if (!ppmli_float_layer_is_valid(layer, l + 1 == net->layer_count)) return 0;
    inputs = layer->outputs;
  }
  if (net->task > PPML_TASK_GRADE) return 0;
  return inputs == ppmli_task_outputs(net->task, net->classes) ||
         (inputs == 2 && net->task == PPML_TASK_CLASS && net->classes == 2);
}

/* Are there two logits, of which the difference alone matters? */
PPMLI_INLINE int ppmli_float_is_pair(const ppml_float_model *net, uint32_t l) {
  return l + 1 == net->layer_count && net->task == PPML_TASK_CLASS && net->layer[l].outputs == 2;
}

PPMLI_STATIC size_t ppmli_float_width(const ppml_float_model *net) {
  size_t width = net->layer[0].inputs;
  for (uint32_t l = 0; l < net->layer_count; l++)
    width = ppmli_max_size(width, net->layer[l].outputs);
  return width;
}

PPMLI_STATIC size_t ppmli_float_forward_scratch(const ppml_float_model *net) {
  return 2 * ppmli_arena_rounded(ppmli_float_width(net) * sizeof(float));
}

/*   y [outputs]  out, without its activation
 *   x [inputs]   */
PPMLI_STATIC void ppmli_float_dense(float *y, const ppml_float_layer *layer, const float *x) {
  for (uint32_t j = 0; j < layer->outputs; j++) {
    const float *w = layer->weight + (size_t)j * layer->inputs;
    double sum = layer->bias[j];
    for (uint32_t i = 0; i < layer->inputs; i++) sum += (double)w[i] * x[i];
    y[j] = (float)sum;
  }
}

/* As ppml_float_predict, whose arguments are checked. */
PPMLI_STATIC int ppmli_float_forward(float *logits, const ppml_float_model *net,
                                     const uint8_t *pixels, ppml_arena *arena) {
  size_t mark = arena->used_bytes, width = ppmli_float_width(net);
  const ppml_float_layer *last = &net->layer[net->layer_count - 1];
  PPMLI_ALLOC(float, x, arena, width);
  PPMLI_ALLOC(float, y, arena, width);
  for (uint32_t i = 0; i < net->layer[0].inputs; i++)
    x[i] = ((float)pixels[i] / 255 - net->mean[i % net->channels]) / net->std[i % net->channels];
  for (const ppml_float_layer *layer = net->layer; layer <= last; layer++) {
    ppmli_float_dense(y, layer, x);
    for (uint32_t j = 0; layer < last && j < layer->outputs; j++)
      x[j] = ppmli_float_activation(layer, j, y[j]);
  }
  if (ppmli_float_is_pair(net, net->layer_count - 1)) logits[0] = y[1] - y[0];
  else memcpy(logits, y, last->outputs * sizeof *y);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
