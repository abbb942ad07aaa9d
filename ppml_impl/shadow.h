/* Layer 3: the shadow, the float network that training moves.
 *
 * Before every step its weights are rounded to the integers that inference will have, and
 * the gradient goes straight through the rounding [STE]; accumulators and score get the
 * noise of encryption.  What the shadow calls 1 is where an activation saturates:
 *
 *   z_j = bias_j + step_j sum_i k_ji x_i,   k_ji integer
 *
 * Two primitives do nearly all the work: ppmli_shadow_dot and ppmli_shadow_add.  Sums run
 * in a fixed order, and of libm only what is exact is called (sqrt, floor, ldexp, fabs):
 * a seed gives the same network on every machine. */
#ifndef PPMLI_SHADOW_H
#define PPMLI_SHADOW_H

#include <math.h>

#include "augment.h"

#define PPMLI_SHADOW_OVERSHOOT 2.5f /* an accumulator beyond this many ranges ... */
#define PPMLI_SHADOW_PULL 0.1f      /* ... is pulled back with this strength */
#define PPMLI_SHADOW_SURE 8.0f      /* logit of the largest score that the weights allow */
#define PPMLI_SHADOW_TABLE_NOISE (1.0f / 256) /* of a bootstrap, in units of that score */

/* One dense layer.  A row of weights ends with the bias, whose input is 1. */
typedef struct ppmli_shadow_layer {
  uint32_t inputs, outputs, activation;
  size_t offset;   /* of this layer among all parameters */
  float *rounded;  /* [outputs][inputs + 1] weights as the integers will have them */
  float *gradient; /* [outputs][inputs + 1] */
  float *step;     /* [outputs] what the integer weight 1 is in rounded */
  float *x;        /* [inputs + 1] */
  float *z;        /* [outputs] accumulators, 1 where the activation saturates */
  float *delta;    /* [outputs] derivative of the loss by z */
} ppmli_shadow_layer;

typedef struct ppmli_shadow {
  ppmli_shadow_layer layer[PPML_LAYERS_MAX];
  uint32_t layer_count, weight_bits;
  size_t parameters;
  float *weight;                       /* [parameters], and so the next five */
  float *rounded;                      /* of weight, or of average for an export */
  float *gradient;                     /* summed over a batch */
  float *first, *second;               /* moments of the gradient */
  float *average;                      /* moving average of weight: what is exported */
  float first_decayed, second_decayed; /* how much of the moments is still their zero start */
  float noise;                         /* std at accumulators, which are linear in [-1, 1] */
  float score_noise; /* of the last forward, in units of the largest folded score */
} ppmli_shadow;

enum { PPMLI_SHADOW_ARRAYS = 6 }; /* [parameters] */

/* ------------------------------------------------------------ arithmetic */

/* sum_i a_i b_i, in sixteen interleaved sums, which a compiler turns into vectors. */
PPMLI_STATIC float ppmli_shadow_dot(const float *a, const float *b, size_t count) {
  float sum[16] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t k = 0; k < 16; k++) sum[k] += a[i + k] * b[i + k];
  for (size_t k = 1; k < 16; k++) sum[0] += sum[k];
  for (; i < count; i++) sum[0] += a[i] * b[i];
  return sum[0];
}

/* y += a x */
PPMLI_STATIC void ppmli_shadow_add(float *PPMLI_RESTRICT y, float a, const float *PPMLI_RESTRICT x,
                                   size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += a * x[i];
}

/* e^x = 2^n e^r with |r| <= ln 2 / 2, where the series to r^6 is 2^-23 off. */
PPMLI_STATIC float ppmli_shadow_exp(float x) {
  float clamped = x < -80 ? -80 : x > 80 ? 80 : x;
  float n = floorf(clamped * 1.44269504f + 0.5f), r = clamped - n * 0.693147181f;
  float series = 1 + r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5 * (1 + r / 6)))));
  return ldexpf(series, (int)n);
}

/* Derivative of the cross entropy by the logits: probability less target, which is
 * 1 - smooth for the label.  One logit stands for two classes.
 *   error, logit [outputs]  may be the same */
PPMLI_STATIC void ppmli_shadow_error(float *error, const float *logit, uint32_t outputs,
                                     uint32_t label, float smooth) {
  float top = logit[0], sum = 0;
  if (outputs == 1) {
    error[0] = 1 / (1 + ppmli_shadow_exp(-logit[0])) - (label ? 1 - smooth : smooth);
    return;
  }
  for (uint32_t c = 1; c < outputs; c++) top = logit[c] > top ? logit[c] : top;
  for (uint32_t c = 0; c < outputs; c++) sum += error[c] = ppmli_shadow_exp(logit[c] - top);
  for (uint32_t c = 0; c < outputs; c++)
    error[c] = error[c] / sum - (c == label ? 1 - smooth : smooth / (float)(outputs - 1));
}

/* ---------------------------------------------------------------- layout */

PPMLI_INLINE uint64_t ppmli_shadow_parameters(const ppml_layer *layer) {
  return (uint64_t)layer->outputs * (layer->inputs + 1);
}

/* Floats that the shadow of a model takes. */
PPMLI_STATIC uint64_t ppmli_shadow_floats(const ppml_model *m) {
  uint64_t count = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    const ppml_layer *layer = &m->layer[l];
    count += PPMLI_SHADOW_ARRAYS * ppmli_shadow_parameters(layer);
    count += layer->inputs + 1 + 3 * (uint64_t)layer->outputs; /* x, step, z, delta */
  }
  return count;
}

PPMLI_INLINE float *ppmli_shadow_take(float **next, size_t count) {
  float *taken = *next;
  *next += count;
  return taken;
}

/*   floats  where to take the layer's own arrays from, moved on */
PPMLI_STATIC void ppmli_shadow_layer_init(ppmli_shadow_layer *layer, const ppmli_shadow *s,
                                          const ppml_layer *shape, float **floats) {
  layer->inputs = shape->inputs;
  layer->outputs = shape->outputs;
  layer->activation = shape->activation;
  layer->rounded = s->rounded + layer->offset;
  layer->gradient = s->gradient + layer->offset;
  layer->x = ppmli_shadow_take(floats, (size_t)layer->inputs + 1);
  layer->step = ppmli_shadow_take(floats, layer->outputs);
  layer->z = ppmli_shadow_take(floats, layer->outputs);
  layer->delta = ppmli_shadow_take(floats, layer->outputs);
}

/* The shadow of a model's shape.
 *   floats [ppmli_shadow_floats(m)]  all zero */
PPMLI_STATIC void ppmli_shadow_init(ppmli_shadow *s, const ppml_model *m, float *floats) {
  float **array[PPMLI_SHADOW_ARRAYS] = {&s->weight, &s->rounded, &s->gradient,
                                        &s->first,  &s->second,  &s->average};
  memset(s, 0, sizeof *s);
  s->layer_count = m->layer_count;
  s->weight_bits = m->layer[0].weight_bits;
  s->first_decayed = s->second_decayed = 1;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    s->layer[l].offset = s->parameters;
    s->parameters += (size_t)ppmli_shadow_parameters(&m->layer[l]);
  }
  for (int i = 0; i < PPMLI_SHADOW_ARRAYS; i++)
    *array[i] = ppmli_shadow_take(&floats, s->parameters);
  for (uint32_t l = 0; l < m->layer_count; l++)
    ppmli_shadow_layer_init(&s->layer[l], s, &m->layer[l], &floats);
}

/* Uniform weights, such that inputs of variance 1 make accumulators of variance 1/4. */
PPMLI_STATIC void ppmli_shadow_draw(ppmli_shadow *s, ppml_rng *rng) {
  for (uint32_t l = 0; l < s->layer_count; l++) {
    uint32_t inputs = s->layer[l].inputs;
    float bound = sqrtf(3.0f / (float)inputs) / 2, *row = s->weight + s->layer[l].offset;
    for (uint32_t j = 0; j < s->layer[l].outputs; j++, row += inputs + 1)
      for (uint32_t i = 0; i < inputs; i++) row[i] = bound * ppmli_rng_symmetric(rng);
  }
  memcpy(s->average, s->weight, s->parameters * sizeof *s->weight);
}

/* -------------------------------------------------------------- rounding */

/* Steps at which rounding to 2^bits - 1 levels does least harm to normally distributed
 * weights of deviation 1, for 2 to 8 bits.  Source: [MAX60], from its even levels. */
PPMLI_STATIC float ppmli_shadow_best_step(uint32_t weight_bits) {
  static const float step[] = {1.22f, 0.65f, 0.35f, 0.19f, 0.104f, 0.057f, 0.031f};
  return step[weight_bits - 2];
}

/* A step for every neuron, or their mean for all scores, which are compared.
 *   weight [outputs][inputs + 1] */
PPMLI_STATIC void ppmli_shadow_choose_steps(ppmli_shadow_layer *layer, const float *weight,
                                            float best_step) {
  float sum = 0;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    const float *row = weight + (size_t)j * (layer->inputs + 1);
    float square = ppmli_shadow_dot(row, row, layer->inputs) / (float)layer->inputs;
    layer->step[j] = best_step * sqrtf(square) + 1e-6f;
    sum += layer->step[j];
  }
  if (layer->activation != PPML_ACTIVATION_NONE) return;
  for (uint32_t j = 0; j < layer->outputs; j++) layer->step[j] = sum / (float)layer->outputs;
}

/* rounded = step round(weight / step), up to +-most steps; the bias as it is.
 *   rounded, weight [inputs + 1]
 *   most            <= 127 */
PPMLI_STATIC void ppmli_shadow_round_row(float *PPMLI_RESTRICT rounded,
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
PPMLI_STATIC void ppmli_shadow_round(ppmli_shadow *s, const float *weight) {
  float most = (float)((1 << (s->weight_bits - 1)) - 1);
  for (uint32_t l = 0; l < s->layer_count; l++) {
    ppmli_shadow_layer *layer = &s->layer[l];
    const float *from = weight + layer->offset;
    ppmli_shadow_choose_steps(layer, from, ppmli_shadow_best_step(s->weight_bits));
    for (uint32_t j = 0; j < layer->outputs; j++) {
      size_t row = (size_t)j * (layer->inputs + 1);
      ppmli_shadow_round_row(layer->rounded + row, from + row, layer->step[j], most, layer->inputs);
    }
  }
}

/* --------------------------------------------------------------- forward */

PPMLI_INLINE float ppmli_shadow_activation(uint32_t activation, float z) {
  float u = z < -1 ? -1 : z > 1 ? 1 : z;
  if (activation == PPML_ACTIVATION_SIGN) return z >= 0 ? 1.0f : -1.0f;
  return activation == PPML_ACTIVATION_RELU ? u : 2 * u * u - 1;
}

/* For sign, that of the clipped line: the straight-through estimate. */
PPMLI_INLINE float ppmli_shadow_slope(uint32_t activation, float z) {
  if (z < -1 || z > 1) return 0;
  return activation == PPML_ACTIVATION_SQUARE ? 4 * z : 1;
}

/* Is there one score, which the hidden neurons' tables make up between them? */
PPMLI_INLINE int ppmli_shadow_is_folded(const ppmli_shadow *s) {
  return s->layer_count > 1 && s->layer[s->layer_count - 1].outputs == 1;
}

/* The largest |score| that the last layer's weights allow. */
PPMLI_STATIC float ppmli_shadow_largest(const ppmli_shadow_layer *last) {
  float sum = 0;
  for (uint32_t i = 0; i <= last->inputs; i++) sum += fabsf(last->rounded[i]);
  return sum > 1e-6f ? sum : 1e-6f;
}

/* From layer 0's x to the scores in the last layer's z, with noise at the accumulators; and
 * the noise of a folded score, which takes up half a turn: every table that it is added up
 * from brings a bootstrap's 2^-9 of a turn. */
PPMLI_STATIC void ppmli_shadow_forward(ppmli_shadow *s, ppml_rng *rng) {
  ppmli_shadow_layer *last = &s->layer[s->layer_count - 1];
  for (ppmli_shadow_layer *layer = s->layer; layer <= last; layer++) {
    layer->x[layer->inputs] = 1;
    for (uint32_t j = 0; j < layer->outputs; j++) {
      const float *row = layer->rounded + (size_t)j * (layer->inputs + 1);
      layer->z[j] = ppmli_shadow_dot(row, layer->x, (size_t)layer->inputs + 1);
      if (layer == last) continue;
      layer->z[j] += s->noise * ppmli_rng_normal_float(rng);
      layer[1].x[j] = ppmli_shadow_activation(layer->activation, layer->z[j]);
    }
  }
  s->score_noise =
      PPMLI_SHADOW_TABLE_NOISE * sqrtf((float)last->inputs) * ppmli_rng_normal_float(rng);
}

/* -------------------------------------------------------------- backward */

/* delta of a folded score.  Its logit is SURE times its share of the largest score that
 * the weights allow: since the noise is relative to that one, scores should fill their
 * range.  A share falls as |w_i| grows, whatever x_i; so, for the gradient alone, x_i
 * becomes x_i - share sign(w_i). */
PPMLI_STATIC void ppmli_shadow_folded_delta(ppmli_shadow_layer *last, float noise, uint32_t label) {
  float largest = ppmli_shadow_largest(last), share = last->z[0] / largest;
  float logit = PPMLI_SHADOW_SURE * (share + noise);
  ppmli_shadow_error(last->delta, &logit, 1, label, 0);
  last->delta[0] *= PPMLI_SHADOW_SURE / largest;
  for (uint32_t i = 0; i <= last->inputs; i++)
    if (last->rounded[i] != 0) last->x[i] -= last->rounded[i] < 0 ? -share : share;
}

/* Adds delta x^T to the gradient. */
PPMLI_STATIC void ppmli_shadow_collect(ppmli_shadow_layer *layer) {
  size_t row = (size_t)layer->inputs + 1;
  for (uint32_t j = 0; j < layer->outputs; j++)
    if (layer->delta[j] != 0)
      ppmli_shadow_add(layer->gradient + j * row, layer->delta[j], layer->x, row);
}

/* From delta of a layer to that of the layer below, through weights and activation; an
 * accumulator that overshoots is pulled back, since the torus would wrap around. */
PPMLI_STATIC void ppmli_shadow_pull_back(ppmli_shadow_layer *below,
                                         const ppmli_shadow_layer *layer) {
  size_t row = (size_t)layer->inputs + 1;
  for (uint32_t i = 0; i < below->outputs; i++) below->delta[i] = 0;
  for (uint32_t j = 0; j < layer->outputs; j++)
    ppmli_shadow_add(below->delta, layer->delta[j], layer->rounded + j * row, below->outputs);
  for (uint32_t i = 0; i < below->outputs; i++) {
    float z = below->z[i], over = fabsf(z) - PPMLI_SHADOW_OVERSHOOT;
    below->delta[i] *= ppmli_shadow_slope(below->activation, z);
    if (over > 0) below->delta[i] += PPMLI_SHADOW_PULL * (z < 0 ? -over : over);
  }
}

/* Adds the gradient of the last forward's loss, times weight. */
PPMLI_STATIC void ppmli_shadow_backward(ppmli_shadow *s, uint32_t label, float weight) {
  uint32_t l = s->layer_count - 1;
  ppmli_shadow_layer *last = &s->layer[l];
  if (ppmli_shadow_is_folded(s)) ppmli_shadow_folded_delta(last, s->score_noise, label);
  else ppmli_shadow_error(last->delta, last->z, last->outputs, label, 0);
  for (uint32_t c = 0; c < last->outputs; c++) last->delta[c] *= weight;
  ppmli_shadow_collect(last);
  for (; l > 0; l--) {
    ppmli_shadow_pull_back(&s->layer[l - 1], &s->layer[l]);
    ppmli_shadow_collect(&s->layer[l - 1]);
  }
}

/* One step of Adam [ADAM], then one of the average; clears the gradient.
 *   scale  1 / images that the gradient is summed over
 *   newest weight of this step in the average */
PPMLI_STATIC void ppmli_shadow_descend(ppmli_shadow *s, float rate, float scale, float newest) {
  const float first_decay = 0.9f, second_decay = 0.999f;
  s->first_decayed *= first_decay;
  s->second_decayed *= second_decay;
  float first_scale = rate / (1 - s->first_decayed), second_scale = 1 / (1 - s->second_decayed);
  for (size_t i = 0; i < s->parameters; i++) {
    float g = s->gradient[i] * scale;
    s->gradient[i] = 0;
    s->first[i] += (1 - first_decay) * (g - s->first[i]);
    s->second[i] += (1 - second_decay) * (g * g - s->second[i]);
    s->weight[i] -= first_scale * s->first[i] / (sqrtf(s->second[i] * second_scale) + 1e-8f);
    s->average[i] += newest * (s->weight[i] - s->average[i]);
  }
}

#endif
