/* The master network, the float network that training moves, a batch of images at a time.
 *
 * Before every step its weights are rounded to the integers that inference will have, and
 * the gradient goes straight through the rounding [STE].  The sums of a hidden layer are
 * normalized over the batch [BN], so that 1 can stand for where an activation saturates:
 *
 *   sum_j = step_j sum_i k_ji x_i, k_ji integer
 *   z_j   = scale_j (sum_j - mean_j) / deviation_j + bias_j + noise
 *   x_j   of the next layer = activation(z_j)
 *
 * Polynomials are not clipped, and encryption leaves no room for a scale to each neuron: the
 * integer sums S_j = sum_i k_ji x_i of a layer share one deviation D, their root mean square,
 *
 *   z_j   = SCALE (S_j - mean_j) / D + bias_j,   x_j = z_j (square_j z_j + linear_j)
 *
 * with square_j 1 and linear_j 0, unless they are learnt: then square_j is rounded to halves.
 *
 * A batch is split into shards of images, each with its own gradient and random numbers,
 * which are added up in order: so neither the machine nor the number of threads shows.
 * Sums run in a fixed order, and of libm only what is exact is called (sqrt, floor, ldexp,
 * fabs).  Two primitives do nearly all the work: ppmli_master_dot and ppmli_master_add.
 *
 * In: inputs of a batch and derivatives of the loss; out: logits, then new weights.  Next: integers.h,
 * train.h. */
#ifndef PPMLI_TRAIN_MASTER_H
#define PPMLI_TRAIN_MASTER_H

#include <math.h>

#include "../base/parallel.h"
#include "../base/rng.h"
#include "../network/augment.h"
#include "adam.h"

#define PPMLI_MASTER_BATCH 64
#define PPMLI_MASTER_SHARDS 8
#define PPMLI_MASTER_OVERSHOOT 2.5f   /* an accumulator beyond this many ranges ... */
#define PPMLI_MASTER_PULL 0.05f       /* ... is pulled back with this strength */
#define PPMLI_MASTER_SCALE 0.5f       /* deviation of the accumulators that training starts from */
#define PPMLI_MASTER_SQUARE_STEP 0.5f /* what learnt squares are rounded to ... */
#define PPMLI_MASTER_SQUARE_MOST 3.0f /* ... up to so many of */
#define PPMLI_MASTER_LEAST_VAR 1e-6f  /* of a sum, so that a dead input divides by something */

/* One dense layer.  Its parameters are rows of weights, then scales, then biases; the last
 * layer is not normalized and leaves its scales alone.  Polynomials have squares in place of
 * scales, and linear coefficients behind the biases. */
typedef struct ppmli_master_layer {
  uint32_t inputs, outputs, activation, weight_bits;
  size_t offset;       /* of this layer among all parameters */
  float *rounded;      /* [outputs][inputs] weights as the integers will have them */
  float *step;         /* [outputs] what the integer weight 1 is in rounded */
  float *inverse;      /* [outputs] 1 / deviation over the batch */
  float *square;       /* [outputs] of polynomials, as the integers will have them; ... */
  float *linear;       /* [outputs] ... these are fine enough to be left as they are */
  float *mean_delta;   /* [outputs] over the batch */
  float *mean_product; /* [outputs] of delta and normal, over the batch */
  float *x;            /* [batch][inputs] */
  float *normal;       /* [batch][outputs] sums, then normalized */
  float *z;            /* [batch][outputs] accumulators, 1 where the activation saturates */
  float *delta;        /* [batch][outputs] derivative of the loss by z, then by the sum */
} ppmli_master_layer;

typedef struct ppmli_master {
  ppmli_master_layer layer[PPML_LAYERS_MAX];
  uint32_t layer_count;
  int learns_polynomials; /* 0: squares stay 1, linear coefficients 0 */
  size_t parameters;
  size_t decaying;       /* of these, the first ones: weights that no normalization holds */
  float *weight;         /* [parameters], and so the next three */
  float *first, *second; /* moments of the gradient */
  float *average;        /* moving average of weight: what is exported */
  float *gradient;       /* [shards][parameters] */
  ppmli_adam adam;
  float noise;       /* std at accumulators */
  float table_noise; /* of a bootstrap, relative to the room of a score */
  size_t count;      /* images of the batch at hand */
  uint32_t at;       /* the layer at work */
  ppml_rng rng[PPMLI_MASTER_SHARDS];
} ppmli_master;

/* ------------------------------------------------------------ arithmetic */

/* sum_i a_i b_i, in sixteen interleaved sums, which a compiler turns into vectors. */
PPMLI_STATIC float ppmli_master_dot(const float *a, const float *b, size_t count) {
  float sum[16] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t k = 0; k < 16; k++) sum[k] += a[i + k] * b[i + k];
  for (size_t k = 1; k < 16; k++) sum[0] += sum[k];
  for (; i < count; i++) sum[0] += a[i] * b[i];
  return sum[0];
}

/* y += a x */
PPMLI_STATIC void ppmli_master_add(float *PPMLI_RESTRICT y, float a, const float *PPMLI_RESTRICT x,
                                   size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += a * x[i];
}

/* ---------------------------------------------------------------- layout */

PPMLI_INLINE uint64_t ppmli_master_layer_parameters(const ppml_layer *layer) {
  uint64_t beside = layer->activation == PPML_ACTIVATION_POLYNOMIAL ? 3 : 2;
  return layer->outputs * (layer->inputs + beside);
}

PPMLI_STATIC uint64_t ppmli_master_parameters(const ppml_model *m) {
  uint64_t count = 0;
  for (uint32_t l = 0; l < m->layer_count; l++)
    count += ppmli_master_layer_parameters(&m->layer[l]);
  return count;
}

/* Floats that the master network of a model takes. */
PPMLI_STATIC uint64_t ppmli_master_floats(const ppml_model *m) {
  uint64_t count = (4 + PPMLI_MASTER_SHARDS) * ppmli_master_parameters(m);
  for (uint32_t l = 0; l < m->layer_count; l++) {
    uint64_t inputs = m->layer[l].inputs, outputs = m->layer[l].outputs;
    count += inputs * outputs + 6 * outputs; /* rounded; step, coefficients, the means */
    count += PPMLI_MASTER_BATCH * (inputs + 3 * outputs); /* x; normal, z, delta */
  }
  return count;
}

PPMLI_INLINE float *ppmli_master_take(float **next, size_t count) {
  float *taken = *next;
  *next += count;
  return taken;
}

/*   floats  where to take the layer's arrays from, moved on */
PPMLI_STATIC void ppmli_master_layer_init(ppmli_master_layer *layer, const ppml_layer *shape,
                                          float **floats) {
  size_t inputs = layer->inputs = shape->inputs, outputs = layer->outputs = shape->outputs;
  layer->activation = shape->activation;
  layer->weight_bits = shape->weight_bits;
  layer->rounded = ppmli_master_take(floats, outputs * inputs);
  layer->step = ppmli_master_take(floats, outputs);
  layer->inverse = ppmli_master_take(floats, outputs);
  layer->square = ppmli_master_take(floats, outputs);
  layer->linear = ppmli_master_take(floats, outputs);
  layer->mean_delta = ppmli_master_take(floats, outputs);
  layer->mean_product = ppmli_master_take(floats, outputs);
  layer->x = ppmli_master_take(floats, PPMLI_MASTER_BATCH * inputs);
  layer->normal = ppmli_master_take(floats, PPMLI_MASTER_BATCH * outputs);
  layer->z = ppmli_master_take(floats, PPMLI_MASTER_BATCH * outputs);
  layer->delta = ppmli_master_take(floats, PPMLI_MASTER_BATCH * outputs);
}

/* The master network of a model's shape.
 *   floats [ppmli_master_floats(m)] */
PPMLI_STATIC void ppmli_master_init(ppmli_master *s, const ppml_model *m, float *floats) {
  memset(s, 0, sizeof *s);
  s->layer_count = m->layer_count;
  s->parameters = (size_t)ppmli_master_parameters(m);
  s->decaying = m->layer_count == 1 ? (size_t)m->layer[0].inputs * m->layer[0].outputs : 0;
  s->weight = ppmli_master_take(&floats, s->parameters);
  s->first = ppmli_master_take(&floats, s->parameters);
  s->second = ppmli_master_take(&floats, s->parameters);
  s->average = ppmli_master_take(&floats, s->parameters);
  s->gradient = ppmli_master_take(&floats, PPMLI_MASTER_SHARDS * s->parameters);
  size_t offset = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    s->layer[l].offset = offset;
    offset += (size_t)ppmli_master_layer_parameters(&m->layer[l]);
    ppmli_master_layer_init(&s->layer[l], &m->layer[l], &floats);
  }
}

PPMLI_INLINE int ppmli_master_is_last(const ppmli_master *s, uint32_t l) {
  return l + 1 == s->layer_count;
}

/* Where a layer's scales begin among parameters like `weight`; its biases follow. */
PPMLI_INLINE size_t ppmli_master_scales(const ppmli_master_layer *layer) {
  return layer->offset + (size_t)layer->outputs * layer->inputs;
}

PPMLI_INLINE size_t ppmli_master_biases(const ppmli_master_layer *layer) {
  return ppmli_master_scales(layer) + layer->outputs;
}

/* The same of polynomials: squares stand where others have scales. */
PPMLI_INLINE size_t ppmli_master_squares(const ppmli_master_layer *layer) {
  return ppmli_master_scales(layer);
}

PPMLI_INLINE size_t ppmli_master_linears(const ppmli_master_layer *layer) {
  return ppmli_master_biases(layer) + layer->outputs;
}

PPMLI_INLINE int ppmli_master_is_polynomial(const ppmli_master_layer *layer) {
  return layer->activation == PPML_ACTIVATION_POLYNOMIAL;
}

/* What neuron j's normalized sum is multiplied by. */
PPMLI_INLINE float ppmli_master_scale(const ppmli_master *s, const ppmli_master_layer *layer,
                                      uint32_t j) {
  if (ppmli_master_is_polynomial(layer)) return PPMLI_MASTER_SCALE;
  return s->weight[ppmli_master_scales(layer) + j];
}

/* What the integer square 1 is. */
PPMLI_INLINE float ppmli_master_square_step(const ppmli_master *s) {
  return s->learns_polynomials ? PPMLI_MASTER_SQUARE_STEP : 1;
}

/* Polynomials z^2, or where they are learnt z^2 + z.
 *   weight [parameters] */
PPMLI_STATIC void ppmli_master_draw_polynomials(const ppmli_master *s,
                                                const ppmli_master_layer *layer, float *weight) {
  for (uint32_t j = 0; j < layer->outputs; j++) {
    weight[ppmli_master_squares(layer) + j] = 1;
    weight[ppmli_master_linears(layer) + j] = s->learns_polynomials ? 1 : 0;
  }
}

/* Starts anew: uniform weights of variance 1 over the inputs, everything else at rest. */
PPMLI_STATIC void ppmli_master_draw(ppmli_master *s, ppml_rng *rng) {
  memset(s->first, 0, s->parameters * sizeof *s->first);
  memset(s->second, 0, s->parameters * sizeof *s->second);
  memset(s->weight, 0, s->parameters * sizeof *s->weight);
  memset(s->gradient, 0, PPMLI_MASTER_SHARDS * s->parameters * sizeof *s->gradient);
  ppmli_adam_begin(&s->adam);
  for (uint32_t l = 0; l < s->layer_count; l++) {
    const ppmli_master_layer *layer = &s->layer[l];
    float bound = sqrtf(3.0f / (float)layer->inputs), *weight = s->weight + layer->offset;
    size_t weights = (size_t)layer->outputs * layer->inputs;
    for (size_t i = 0; i < weights; i++) weight[i] = bound * ppmli_rng_symmetric(rng);
    for (uint32_t j = 0; j < layer->outputs; j++) weight[weights + j] = PPMLI_MASTER_SCALE;
    if (ppmli_master_is_polynomial(layer)) ppmli_master_draw_polynomials(s, layer, s->weight);
  }
  memcpy(s->average, s->weight, s->parameters * sizeof *s->weight);
  for (int i = 0; i < PPMLI_MASTER_SHARDS; i++) {
    uint8_t seed[PPML_SEED_BYTES];
    ppmli_rng_bytes(rng, seed, sizeof seed);
    ppmli_rng_seed(&s->rng[i], seed);
  }
}

/* -------------------------------------------------------------- rounding */

/* Steps at which rounding to 2^bits - 1 levels does least harm to normally distributed
 * weights of deviation 1, for 2 to 8 bits.  Source: [MAX60], from its even levels. */
PPMLI_STATIC float ppmli_master_best_step(uint32_t weight_bits) {
  static const float step[] = {1.22f, 0.65f, 0.35f, 0.19f, 0.104f, 0.057f, 0.031f};
  return step[weight_bits - 2];
}

PPMLI_INLINE float ppmli_master_most(uint32_t weight_bits) {
  return (float)((1 << (weight_bits - 1)) - 1);
}

/* rounded = step round(weight / step), up to +-most steps.
 *   rounded, weight [inputs]
 *   most            <= 127 */
PPMLI_STATIC void ppmli_master_round_row(float *PPMLI_RESTRICT rounded,
                                         const float *PPMLI_RESTRICT weight, float step, float most,
                                         size_t inputs) {
  float inverse = 1 / step;
  for (size_t i = 0; i < inputs; i++) {
    float k = weight[i] * inverse;
    k = k < -most ? -most : k > most ? most : k;
    rounded[i] = step * (float)((int32_t)(k + 128.5f) - 128);
  }
}

/* Coefficients of polynomials.
 *   weight [parameters] */
PPMLI_STATIC void ppmli_master_round_polynomials(const ppmli_master *s, ppmli_master_layer *layer,
                                                 const float *weight) {
  ppmli_master_round_row(layer->square, weight + ppmli_master_squares(layer),
                         ppmli_master_square_step(s), PPMLI_MASTER_SQUARE_MOST, layer->outputs);
  memcpy(layer->linear, weight + ppmli_master_linears(layer),
         layer->outputs * sizeof *layer->linear);
}

/* A step for every neuron, or their mean for all scores, which are compared.
 *   weight [parameters]  the master network, or its average */
PPMLI_STATIC void ppmli_master_round_layer(ppmli_master *s, uint32_t l, const float *weight) {
  ppmli_master_layer *layer = &s->layer[l];
  float best = ppmli_master_best_step(layer->weight_bits), sum = 0;
  float most = ppmli_master_most(layer->weight_bits);
  if (ppmli_master_is_polynomial(layer)) ppmli_master_round_polynomials(s, layer, weight);
  weight += layer->offset;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    const float *row = weight + (size_t)j * layer->inputs;
    float square = ppmli_master_dot(row, row, layer->inputs) / (float)layer->inputs;
    layer->step[j] = best * sqrtf(square) + 1e-6f;
    sum += layer->step[j];
  }
  for (uint32_t j = 0; j < layer->outputs; j++) {
    size_t row = (size_t)j * layer->inputs;
    if (ppmli_master_is_last(s, l)) layer->step[j] = sum / (float)layer->outputs;
    ppmli_master_round_row(layer->rounded + row, weight + row, layer->step[j], most, layer->inputs);
  }
}

/* ------------------------------------------------------------ activation */

PPMLI_INLINE float ppmli_master_activation(const ppmli_master_layer *layer, uint32_t j, float z) {
  float u = z < -1 ? -1 : z > 1 ? 1 : z;
  if (ppmli_master_is_polynomial(layer)) return z * (layer->square[j] * z + layer->linear[j]);
  if (layer->activation == PPML_ACTIVATION_SIGN) return z >= 0 ? 1.0f : -1.0f;
  return layer->activation == PPML_ACTIVATION_RELU ? u : 2 * u * u - 1;
}

/* For sign, that of the clipped line: the straight-through estimate. */
PPMLI_INLINE float ppmli_master_slope(const ppmli_master_layer *layer, uint32_t j, float z) {
  if (ppmli_master_is_polynomial(layer)) return 2 * layer->square[j] * z + layer->linear[j];
  if (z < -1 || z > 1) return 0;
  return layer->activation == PPML_ACTIVATION_CLIPPED_SQUARE ? 4 * z : 1;
}

/* --------------------------------------------------------------- forward */

typedef struct ppmli_master_images {
  size_t first, end;
} ppmli_master_images;

/* The images of the batch that are a shard's. */
PPMLI_INLINE ppmli_master_images ppmli_master_shard(const ppmli_master *s, size_t shard) {
  ppmli_master_images images = {ppmli_parallel_share(s->count, PPMLI_MASTER_SHARDS, shard),
                                ppmli_parallel_share(s->count, PPMLI_MASTER_SHARDS, shard + 1)};
  return images;
}

/* Noise of a single score that the tables make up between them: each brings a bootstrap's,
 * and the largest score that the weights allow takes up the room on the torus. */
PPMLI_STATIC float ppmli_master_score_noise(const ppmli_master *s) {
  const ppmli_master_layer *last = &s->layer[s->layer_count - 1];
  float largest = fabsf(s->weight[ppmli_master_biases(last)]);
  if (s->layer_count < 2 || last->outputs > 1) return 0;
  for (uint32_t i = 0; i < last->inputs; i++) largest += fabsf(last->rounded[i]);
  return s->table_noise * largest * sqrtf((float)last->inputs);
}

/* Accumulators of image b from its normalized sums, and the next layer's inputs; the last
 * layer's are the logits. */
PPMLI_STATIC void ppmli_master_activate(ppmli_master *s, uint32_t l, size_t b, ppml_rng *rng) {
  ppmli_master_layer *layer = &s->layer[l];
  const float *bias = s->weight + ppmli_master_biases(layer);
  const float *normal = layer->normal + b * layer->outputs;
  float *z = layer->z + b * layer->outputs;
  int is_last = ppmli_master_is_last(s, l);
  float noise = is_last ? ppmli_master_score_noise(s) : s->noise;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    z[j] = (is_last ? normal[j] : ppmli_master_scale(s, layer, j) * normal[j]) + bias[j];
    if (noise > 0) z[j] += noise * ppmli_rng_normal_float(rng);
    if (!is_last) layer[1].x[b * layer->outputs + j] = ppmli_master_activation(layer, j, z[j]);
  }
}

/* Sums of the layer at work, for a shard; the layer before is activated first. */
PPMLI_STATIC void ppmli_master_sum_task(void *argument, size_t shard) {
  ppmli_master *s = (ppmli_master *)argument;
  ppmli_master_layer *layer = &s->layer[s->at];
  ppmli_master_images images = ppmli_master_shard(s, shard);
  for (size_t b = images.first; b < images.end && s->at > 0; b++)
    ppmli_master_activate(s, s->at - 1, b, &s->rng[shard]);
  for (uint32_t j = 0; j < layer->outputs; j++)
    for (size_t b = images.first; b < images.end; b++)
      layer->normal[b * layer->outputs + j] = ppmli_master_dot(
          layer->rounded + (size_t)j * layer->inputs, layer->x + b * layer->inputs, layer->inputs);
  for (size_t b = images.first; b < images.end && ppmli_master_is_last(s, s->at); b++)
    ppmli_master_activate(s, s->at, b, &s->rng[shard]);
}

/* Takes the mean over the batch off the sums of neuron j.  Returns their variance. */
PPMLI_STATIC float ppmli_master_center(const ppmli_master *s, ppmli_master_layer *layer,
                                       uint32_t j) {
  uint32_t outputs = layer->outputs;
  float mean = 0, square = 0;
  for (size_t b = 0; b < s->count; b++) mean += layer->normal[b * outputs + j];
  mean /= (float)s->count;
  for (size_t b = 0; b < s->count; b++) {
    float *sum = &layer->normal[b * outputs + j];
    *sum -= mean;
    square += *sum * *sum;
  }
  return square / (float)s->count;
}

/* One deviation for all neurons, in integer sums: 1 / (D step_j) to `inverse`.
 *   inverse [outputs]  the variances before */
PPMLI_STATIC void ppmli_master_share_deviation(ppmli_master_layer *layer) {
  float variance = 0;
  for (uint32_t j = 0; j < layer->outputs; j++)
    variance += layer->inverse[j] / (layer->step[j] * layer->step[j]);
  float shared = 1 / sqrtf(variance / (float)layer->outputs + PPMLI_MASTER_LEAST_VAR);
  for (uint32_t j = 0; j < layer->outputs; j++) layer->inverse[j] = shared / layer->step[j];
}

/* Sums less their mean, over their deviation, of the whole batch. */
PPMLI_STATIC void ppmli_master_normalize(ppmli_master *s, ppmli_master_layer *layer) {
  uint32_t outputs = layer->outputs;
  int is_shared = ppmli_master_is_polynomial(layer);
  for (uint32_t j = 0; j < outputs; j++) {
    float variance = ppmli_master_center(s, layer, j);
    layer->inverse[j] = is_shared ? variance : 1 / sqrtf(variance + PPMLI_MASTER_LEAST_VAR);
  }
  if (is_shared) ppmli_master_share_deviation(layer);
  for (size_t b = 0; b < s->count; b++)
    for (uint32_t j = 0; j < outputs; j++) layer->normal[b * outputs + j] *= layer->inverse[j];
}

/* From layer 0's x of `count` images to the logits in the last layer's z. */
PPMLI_STATIC void ppmli_master_forward(ppmli_master *s, const ppml_parallel *parallel) {
  for (s->at = 0; s->at < s->layer_count; s->at++) {
    ppmli_parallel_run(parallel, PPMLI_MASTER_SHARDS, ppmli_master_sum_task, s);
    if (!ppmli_master_is_last(s, s->at)) ppmli_master_normalize(s, &s->layer[s->at]);
  }
}

/* -------------------------------------------------------------- backward */

/* From the derivative by z to that by the sum, through the batch's mean and deviation. */
PPMLI_STATIC void ppmli_master_unnormalize(const ppmli_master *s, ppmli_master_layer *layer,
                                           size_t b) {
  const float *normal = layer->normal + b * layer->outputs;
  float *delta = layer->delta + b * layer->outputs;
  for (uint32_t j = 0; j < layer->outputs; j++)
    delta[j] = ppmli_master_scale(s, layer, j) * layer->inverse[j] *
               (delta[j] - layer->mean_delta[j] - normal[j] * layer->mean_product[j]);
}

/* The gradient of a layer's coefficients, from the derivatives by image b's activations.
 *   gradient [parameters]
 *   delta    [outputs] */
PPMLI_STATIC void ppmli_master_collect_polynomials(float *gradient, const ppmli_master_layer *layer,
                                                   size_t b, const float *delta) {
  const float *z = layer->z + b * layer->outputs;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    gradient[ppmli_master_squares(layer) + j] += delta[j] * z[j] * z[j];
    gradient[ppmli_master_linears(layer) + j] += delta[j] * z[j];
  }
}

/* delta of the layer below from that of layer l, through weights and activation; an
 * accumulator that overshoots is pulled back, since the torus would wrap around.
 *   gradient [parameters]  of the coefficients below is added to */
PPMLI_STATIC void ppmli_master_pull_back(ppmli_master *s, uint32_t l, size_t b, float *gradient) {
  const ppmli_master_layer *layer = &s->layer[l];
  ppmli_master_layer *below = &s->layer[l - 1];
  const float *delta = layer->delta + b * layer->outputs, *z = below->z + b * below->outputs;
  float *out = below->delta + b * below->outputs;
  for (uint32_t i = 0; i < below->outputs; i++) out[i] = 0;
  for (uint32_t j = 0; j < layer->outputs; j++)
    ppmli_master_add(out, delta[j], layer->rounded + (size_t)j * layer->inputs, below->outputs);
  if (s->learns_polynomials) ppmli_master_collect_polynomials(gradient, below, b, out);
  for (uint32_t i = 0; i < below->outputs; i++) {
    float over = fabsf(z[i]) - PPMLI_MASTER_OVERSHOOT;
    out[i] *= ppmli_master_slope(below, i, z[i]);
    if (over > 0) out[i] += PPMLI_MASTER_PULL * (z[i] < 0 ? -over : over);
  }
}

/* A shard's gradient of the layer at work, and delta of the layer below it. */
PPMLI_STATIC void ppmli_master_collect_task(void *argument, size_t shard) {
  ppmli_master *s = (ppmli_master *)argument;
  ppmli_master_layer *layer = &s->layer[s->at];
  ppmli_master_images images = ppmli_master_shard(s, shard);
  float *gradient = s->gradient + shard * s->parameters;
  for (size_t b = images.first; b < images.end; b++) {
    if (!ppmli_master_is_last(s, s->at)) ppmli_master_unnormalize(s, layer, b);
    for (uint32_t j = 0; j < layer->outputs; j++) {
      float delta = layer->delta[b * layer->outputs + j];
      if (delta != 0)
        ppmli_master_add(gradient + layer->offset + (size_t)j * layer->inputs, delta,
                         layer->x + b * layer->inputs, layer->inputs);
      if (ppmli_master_is_last(s, s->at)) gradient[ppmli_master_biases(layer) + j] += delta;
    }
    if (s->at > 0) ppmli_master_pull_back(s, s->at, b, gradient);
  }
}

/* What unnormalizing needs of the whole batch; at the same time the gradients of bias and
 * scale.  A deviation that neurons share moves with all of them, and has no scales. */
PPMLI_STATIC void ppmli_master_average_deltas(ppmli_master *s, ppmli_master_layer *layer) {
  float *scale_gradient = s->gradient + ppmli_master_scales(layer);
  uint32_t outputs = layer->outputs;
  int is_shared = ppmli_master_is_polynomial(layer);
  float products = 0;
  for (uint32_t j = 0; j < outputs; j++) {
    float sum = 0, product = 0;
    for (size_t b = 0; b < s->count; b++) {
      sum += layer->delta[b * outputs + j];
      product += layer->delta[b * outputs + j] * layer->normal[b * outputs + j];
    }
    if (!is_shared) scale_gradient[j] += product;
    scale_gradient[outputs + j] += sum;
    layer->mean_delta[j] = sum / (float)s->count;
    layer->mean_product[j] = product / (float)s->count;
    products += layer->mean_product[j] / (float)outputs;
  }
  for (uint32_t j = 0; j < outputs && is_shared; j++) layer->mean_product[j] = products;
}

/* Adds up the gradient of the loss whose derivative by the logits is the last layer's
 * delta. */
PPMLI_STATIC void ppmli_master_backward(ppmli_master *s, const ppml_parallel *parallel) {
  for (uint32_t l = s->layer_count; l-- > 0;) {
    s->at = l;
    if (!ppmli_master_is_last(s, l)) ppmli_master_average_deltas(s, &s->layer[l]);
    ppmli_parallel_run(parallel, PPMLI_MASTER_SHARDS, ppmli_master_collect_task, s);
  }
}

/* --------------------------------------------------------------- descent */

/* The shards' gradients added up, and cleared. */
PPMLI_INLINE float ppmli_master_gradient(ppmli_master *s, size_t i) {
  float sum = 0;
  for (size_t shard = 0; shard < PPMLI_MASTER_SHARDS; shard++) {
    sum += s->gradient[shard * s->parameters + i];
    s->gradient[shard * s->parameters + i] = 0;
  }
  return sum;
}

typedef struct ppmli_master_descent {
  ppmli_master *master;
  float scale;  /* 1 / images that the gradient is summed over */
  float newest; /* weight of this step in the average */
  float decay;  /* share that a decaying weight loses */
} ppmli_master_descent;

/* A share of the parameters' step, then of the average. */
PPMLI_STATIC void ppmli_master_descend_task(void *argument, size_t shard) {
  const ppmli_master_descent *d = (const ppmli_master_descent *)argument;
  ppmli_master *s = d->master;
  size_t end = ppmli_parallel_share(s->parameters, PPMLI_MASTER_SHARDS, shard + 1);
  for (size_t i = ppmli_parallel_share(s->parameters, PPMLI_MASTER_SHARDS, shard); i < end; i++) {
    float g = ppmli_master_gradient(s, i) * d->scale;
    ppmli_adam_move(&s->adam, &s->weight[i], &s->first[i], &s->second[i], g);
    if (i < s->decaying) s->weight[i] -= d->decay * s->weight[i];
    s->average[i] += d->newest * (s->weight[i] - s->average[i]);
  }
}

/* One step along the gradient of `count` images; clears it.
 *   decay  share of itself that a decaying weight loses, of a step of rate 1 */
PPMLI_STATIC void ppmli_master_descend(ppmli_master *s, float rate, float decay, float newest,
                                       const ppml_parallel *parallel) {
  ppmli_master_descent d = {s, 1.0f / (float)s->count, newest, rate * decay};
  ppmli_adam_next(&s->adam, rate);
  ppmli_parallel_run(parallel, PPMLI_MASTER_SHARDS, ppmli_master_descend_task, &d);
}

#endif
