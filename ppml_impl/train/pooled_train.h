/* Training of pooled networks: the best weights by logistic regression, as integers.
 *
 *   images, as they are and changed -> latents -> autocorrelations and latents as features
 *   -> weights for a series of penalties, the one kept that does best on validation
 *   -> integers, the bias and the scale of which are fitted to the scores before
 *
 * As for the other networks, validation is by changed copies of its images (train.h).
 *
 * In: images with labels and an encoder; out: weights of a pooled network.  Next: logistic.h. */
#ifndef PPMLI_TRAIN_POOLED_TRAIN_H
#define PPMLI_TRAIN_POOLED_TRAIN_H

#include <math.h>

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/parallel.h"
#include "../base/rng.h"
#include "../network/augment.h"
#include "../network/autocorr.h"
#include "../network/clear.h"
#include "../network/convolution.h"
#include "../network/encoder.h"
#include "../network/pooled.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../plan/noise.h"
#include "logistic.h"
#include "loss.h"
#include "master.h"
#include "statistics.h"
#include "train.h"
#include "trainer.h"

#define PPMLI_POOLED_FEATURES_MAX 6144
#define PPMLI_POOLED_CHUNKS 64    /* of samples, between which progress is told */
#define PPMLI_POOLED_STEPS 80     /* steps of weights that are tried ... */
#define PPMLI_POOLED_FINER 0.95   /* ... each so many times the one before */
#define PPMLI_POOLED_WORSE 1.05   /* times the best loss: penalties beyond are not worth trying */
#define PPMLI_POOLED_CELLS_MAX 64 /* along a side, but for ALL */
#define PPMLI_POOLED_PENALTIES 9  /* that are tried, the largest first */

/* Samples of a split, made features. */
typedef struct ppmli_pooled_samples {
  const ppml_images *images;
  size_t copies;      /* of each image: sample n is of image n % images->count */
  int first_is_plain; /* the first copy is the image as it is */
  uint64_t seed;      /* of the changes of the others */
  ppmli_augmentation how;
  size_t count;          /* copies * images->count */
  float *x;              /* [count][features] */
  const uint8_t **label; /* [count] */
} ppmli_pooled_samples;

typedef struct ppmli_pooled_trainer {
  const ppmli_encoder *encoder;
  const ppml_pooled_options *options;
  const ppml_parallel *parallel;
  const ppml_pooled_watch *watch;
  ppml_spec *spec;
  ppmli_latent_shape shape;
  size_t sums, cells, features; /* features: sums, then cells */
  size_t latents;
  ppmli_pooled_samples train, validation;
  const ppmli_pooled_samples *at_work;
  size_t first, end;   /* samples of the chunk at work */
  float *mean, *scale; /* [features] what features are standardised by */
  float class_weight[2 * PPML_CLASSES_MAX];
  const ppmli_pooled_floats *given; /* weights that are not to be fitted, or NULL */
  ppmli_logistic fit;
  double *best; /* [outputs][features + 1] */
  float *whole; /* [outputs][features + 1] integer weights, for standardised features */
  int8_t *square;
  int32_t *linear, *cell; /* [outputs][latents], and [outputs][cells] that they are made of */
  int64_t *bias, *peak;
  float *value;         /* [samples of both splits] of the sum at work */
  int32_t *scores;      /* [validation.count][outputs] of the integer network */
  uint8_t *answers;     /* [validation.count][answer bytes] its labels in one piece */
  ppmli_slices scratch; /* [threads] */
} ppmli_pooled_trainer;

/* ----------------------------------------------------------------- options */

PPMLI_STATIC ppmli_latent_shape ppmli_pooled_train_shape(const ppmli_encoder *e,
                                                         const ppml_pooled_options *o) {
  ppmli_latent_shape s = {ppmli_encoder_width(e), ppmli_encoder_height(e), e->channels, o->regions,
                          o->reach};
  return s;
}

/* Linear weights of a score that are fitted, behind those of the sums. */
PPMLI_INLINE size_t ppmli_pooled_cells(const ppmli_latent_shape *s, uint32_t linear) {
  if (linear == PPML_POOLED_LINEAR_ALL) return ppmli_latent_count(s);
  return (size_t)s->channels * linear * linear;
}

/* The cell of a latent; linear > 0. */
PPMLI_INLINE size_t ppmli_pooled_cell(const ppmli_latent_shape *s, uint32_t linear, size_t latent) {
  size_t plane = (size_t)s->width * s->height, at = latent % plane;
  if (linear == PPML_POOLED_LINEAR_ALL) return latent;
  size_t row = at / s->width * linear / s->height, column = at % s->width * linear / s->width;
  return (latent / plane * linear + row) * linear + column;
}

PPMLI_INLINE size_t ppmli_pooled_features(const ppmli_latent_shape *s,
                                          const ppml_pooled_options *o) {
  return ppmli_autocorr_sums(s) + ppmli_pooled_cells(s, o->linear);
}

/* Why options and a valid encoder are refused, as one line, or NULL.  Whether the network will
 * fit a ciphertext is for ppmli_pooled_shape_refusal to say. */
PPMLI_STATIC const char *ppmli_pooled_train_refusal(const ppmli_encoder *e,
                                                    const ppml_pooled_options *o) {
  ppmli_latent_shape s = ppmli_pooled_train_shape(e, o);
  if (!ppmli_latent_shape_is_valid(&s))
    return "the regions do not divide the latents' width and height, or the kernel is larger than "
           "8";
  if (o->linear != PPML_POOLED_LINEAR_ALL && o->linear > PPMLI_POOLED_CELLS_MAX)
    return "linear weights are for up to 64 x 64 cells of the latents, or for all of them";
  if (ppmli_pooled_features(&s, o) > PPMLI_POOLED_FEATURES_MAX)
    return "more than 6144 features (fewer regions, channels or a smaller kernel would do)";
  if (o->weight_bits < 2 || o->weight_bits > 8 || o->copies > 31 || o->flip > 3)
    return "weights have 2 to 8 bits, and training images 31 changed copies at most";
  if (e->kind == PPML_ENCODER_READY && o->copies != 0)
    return "of ready latents there are no changed copies";
  return ppmli_train_is_within(o->warp, 3) && ppmli_train_is_within(o->balance, 1)
             ? NULL
             : "the strength of changes is from 0 to 3, balance from 0 to 1";
}

/* ----------------------------------------------------------------- memory */

/* Samples of both splits. */
PPMLI_INLINE size_t ppmli_pooled_sample_count(const ppmli_pooled_trainer *t) {
  return t->train.count + t->validation.count;
}

/* Bytes of an image. */
PPMLI_INLINE size_t ppmli_pooled_pixels(const ppmli_encoder *e) {
  size_t plane = (size_t)e->width * e->height;
  return plane * (e->kind == PPML_ENCODER_READY ? e->channels * sizeof(float) : e->colors);
}

/* Scratch of one task that makes features: a changed image, its latents, its sums. */
PPMLI_STATIC size_t ppmli_pooled_sample_scratch(const ppmli_encoder *e, size_t sums) {
  return ppmli_arena_rounded(ppmli_pooled_pixels(e)) +
         ppmli_arena_rounded(ppmli_encoder_latents(e)) +
         ppmli_arena_rounded(sums * sizeof(int32_t)) + ppmli_encode_scratch(e);
}

PPMLI_INLINE size_t ppmli_pooled_train_copies(const ppml_pooled_options *o) {
  return 1 + (size_t)o->copies;
}

PPMLI_INLINE size_t ppmli_pooled_validation_copies(const ppmli_encoder *e) {
  return e->kind == PPML_ENCODER_READY ? 1 : PPMLI_TRAIN_COPIES;
}

/* What stays: the network's arrays. */
PPMLI_STATIC size_t ppmli_pooled_net_bytes(const ppmli_latent_shape *s, uint32_t outputs) {
  return ppmli_arena_rounded(outputs * ppmli_autocorr_sums(s)) +
         ppmli_arena_rounded(outputs * ppmli_latent_count(s) * sizeof(int32_t)) +
         2 * ppmli_arena_rounded(outputs * sizeof(int64_t));
}

PPMLI_INLINE size_t ppmli_pooled_samples_bytes(size_t count, size_t features) {
  return ppmli_arena_rounded(count * features * sizeof(float)) +
         ppmli_arena_rounded(count * sizeof(const uint8_t *));
}

/*   sums  that the network has: scores, or features that layers come behind */
PPMLI_STATIC size_t ppmli_pooled_train_bytes(const ppmli_encoder *e, const ppml_pooled_options *o,
                                             uint32_t outputs, uint32_t sums, size_t train_count,
                                             size_t validation_count, size_t threads) {
  ppmli_latent_shape s = ppmli_pooled_train_shape(e, o);
  size_t features = ppmli_pooled_features(&s, o), parameters = outputs * (features + 1);
  size_t train = ppmli_pooled_train_copies(o) * train_count;
  size_t validation = ppmli_pooled_validation_copies(e) * validation_count;
  return ppmli_pooled_net_bytes(&s, sums) + ppmli_pooled_samples_bytes(train, features) +
         ppmli_pooled_samples_bytes(validation, features) +
         2 * ppmli_arena_rounded(features * sizeof(float)) +
         ppmli_arena_rounded(parameters * sizeof(double)) +
         ppmli_arena_rounded(parameters * sizeof(float)) +
         ppmli_arena_rounded(sums * ppmli_pooled_cells(&s, o->linear) * sizeof(int32_t)) +
         ppmli_arena_rounded((train + validation) * sizeof(float)) +
         ppmli_arena_rounded(validation * outputs * sizeof(int32_t)) +
         ppmli_arena_rounded(validation * PPML_CLASSES_MAX) +
         ppmli_logistic_bytes(features, outputs) +
         ppmli_arena_rounded(threads * ppmli_pooled_sample_scratch(e, ppmli_autocorr_sums(&s)));
}

/*   outputs  sums that the network has */
PPMLI_STATIC int ppmli_pooled_alloc_net(ppmli_pooled_trainer *t, size_t outputs,
                                        ppml_arena *arena) {
  PPMLI_ALLOC(int8_t, square, arena, outputs * t->sums);
  PPMLI_ALLOC(int32_t, linear, arena, outputs * t->latents);
  PPMLI_ALLOC(int64_t, bias, arena, outputs);
  PPMLI_ALLOC(int64_t, peak, arena, outputs);
  t->square = square, t->linear = linear, t->bias = bias, t->peak = peak;
  return PPML_OK;
}

PPMLI_STATIC int ppmli_pooled_alloc_samples(ppmli_pooled_samples *s, size_t features,
                                            ppml_arena *arena) {
  PPMLI_ALLOC(float, x, arena, s->count *features);
  PPMLI_ALLOC(const uint8_t *, label, arena, s->count);
  s->x = x, s->label = label;
  return PPML_OK;
}

PPMLI_STATIC int ppmli_pooled_alloc(ppmli_pooled_trainer *t, size_t outputs, ppml_arena *arena) {
  size_t parameters = t->spec->outputs * (t->features + 1);
  PPMLI_TRY(ppmli_pooled_alloc_samples(&t->train, t->features, arena));
  PPMLI_TRY(ppmli_pooled_alloc_samples(&t->validation, t->features, arena));
  PPMLI_ALLOC(float, mean, arena, t->features);
  PPMLI_ALLOC(float, scale, arena, t->features);
  PPMLI_ALLOC(double, best, arena, parameters);
  PPMLI_ALLOC(float, whole, arena, parameters);
  PPMLI_ALLOC(int32_t, cell, arena, outputs * t->cells);
  PPMLI_ALLOC(float, value, arena, ppmli_pooled_sample_count(t));
  PPMLI_ALLOC(int32_t, scores, arena, t->validation.count * t->spec->outputs);
  PPMLI_ALLOC(uint8_t, answers, arena, t->validation.count * PPML_CLASSES_MAX);
  t->mean = mean, t->scale = scale, t->best = best, t->whole = whole, t->scores = scores;
  t->answers = answers, t->cell = cell, t->value = value;
  t->fit.spec = t->spec;
  t->fit.features = t->features;
  PPMLI_TRY(ppmli_logistic_alloc(&t->fit, arena));
  return ppmli_slices_init(&t->scratch, ppmli_parallel_threads(t->parallel),
                           ppmli_pooled_sample_scratch(t->encoder, t->sums), arena);
}

/* --------------------------------------------------------------- features */

/* The image of a sample: as it is, as ready latents always are, or changed in a way that its
 * number alone decides.
 *   changed [pixels]  scratch */
PPMLI_STATIC const uint8_t *ppmli_pooled_picture(uint8_t *changed, const ppmli_pooled_trainer *t,
                                                 const ppmli_pooled_samples *s, size_t n) {
  const ppmli_encoder *e = t->encoder;
  const uint8_t *pixels = s->images->pixels + n % s->images->count * ppmli_pooled_pixels(e);
  uint8_t seed[PPML_SEED_BYTES] = {0};
  const ppmli_picture size = {e->width, e->height, e->colors};
  ppml_rng rng;
  if (e->kind == PPML_ENCODER_READY || (s->first_is_plain && n < s->images->count)) return pixels;
  ppmli_store64(seed, s->seed);
  ppmli_store64(seed + 8, n);
  ppmli_rng_seed(&rng, seed);
  ppmli_augment(changed, pixels, &size, &s->how, &rng);
  return changed;
}

/* Features of a sample, not yet standardised. */
PPMLI_STATIC int ppmli_pooled_sample(const ppmli_pooled_trainer *t, const ppmli_pooled_samples *s,
                                     size_t n, ppml_arena arena) {
  const ppmli_encoder *e = t->encoder;
  const ppml_images *images = s->images;
  size_t answer = ppmli_spec_answer_bytes(t->spec);
  float *x = s->x + n * t->features;
  PPMLI_ALLOC(uint8_t, changed, &arena, ppmli_pooled_pixels(e));
  PPMLI_ALLOC(int8_t, latents, &arena, t->latents);
  PPMLI_ALLOC(int32_t, sums, &arena, t->sums);
  PPMLI_TRY(ppmli_encode(latents, NULL, e, ppmli_pooled_picture(changed, t, s, n), &arena));
  ppmli_autocorr(sums, latents, &t->shape);
  for (size_t i = 0; i < t->sums; i++) x[i] = (float)sums[i];
  for (size_t i = 0; i < t->cells; i++) x[t->sums + i] = 0;
  for (size_t i = 0; i < t->latents && t->cells; i++)
    x[t->sums + ppmli_pooled_cell(&t->shape, t->options->linear, i)] += latents[i];
  s->label[n] = images->labels + n % images->count * answer;
  return PPML_OK;
}

/* A share of the chunk at work. */
PPMLI_STATIC void ppmli_pooled_sample_task(void *argument, size_t index) {
  const ppmli_pooled_trainer *t = (const ppmli_pooled_trainer *)argument;
  size_t tasks = ppmli_parallel_threads(t->parallel), count = t->end - t->first;
  size_t end = t->first + ppmli_parallel_share(count, tasks, index + 1);
  for (size_t n = t->first + ppmli_parallel_share(count, tasks, index); n < end; n++) {
    int error = ppmli_pooled_sample(t, t->at_work, n, ppmli_slices_arena(&t->scratch, index));
    PPMLI_ASSERT(error == PPML_OK);
    (void)error; /* the slice was sized for it, and floats are finite */
  }
}

PPMLI_STATIC void ppmli_pooled_tell(const ppmli_pooled_trainer *t, const ppml_pooled_told *told) {
  if (t->watch && t->watch->step) t->watch->step(t->watch->context, told);
}

/* Features of all samples of a split.
 *   told  in and out */
PPMLI_STATIC void ppmli_pooled_make_features(ppmli_pooled_trainer *t, const ppmli_pooled_samples *s,
                                             ppml_pooled_told *told) {
  t->at_work = s;
  for (size_t chunk = 0; chunk < PPMLI_POOLED_CHUNKS; chunk++) {
    t->first = ppmli_parallel_share(s->count, PPMLI_POOLED_CHUNKS, chunk);
    t->end = ppmli_parallel_share(s->count, PPMLI_POOLED_CHUNKS, chunk + 1);
    if (t->end == t->first) continue;
    ppmli_parallel_run(t->parallel, ppmli_parallel_threads(t->parallel), ppmli_pooled_sample_task,
                       t);
    told->done += t->end - t->first;
    ppmli_pooled_tell(t, told);
  }
}

/* Mean and deviation of each feature over the training samples.  A feature that never changes
 * becomes 0. */
PPMLI_STATIC void ppmli_pooled_measure(ppmli_pooled_trainer *t) {
  double n = (double)t->train.count;
  double *sum = t->fit.trial, *squares = t->fit.direction; /* which nobody uses yet */
  for (size_t i = 0; i < t->features; i++) sum[i] = squares[i] = 0;
  for (size_t s = 0; s < t->train.count; s++)
    for (size_t i = 0; i < t->features; i++) {
      double x = (double)t->train.x[s * t->features + i];
      sum[i] += x;
      squares[i] += x * x;
    }
  for (size_t i = 0; i < t->features; i++) {
    double mean = sum[i] / n, variance = squares[i] / n - mean * mean;
    t->mean[i] = (float)mean;
    t->scale[i] = variance > 1e-6 ? (float)(1 / sqrt(variance)) : 0;
  }
}

PPMLI_STATIC void ppmli_pooled_standardise(const ppmli_pooled_trainer *t,
                                           const ppmli_pooled_samples *s) {
  for (size_t n = 0; n < s->count; n++)
    for (size_t i = 0; i < t->features; i++) {
      float *x = s->x + n * t->features + i;
      *x = (*x - t->mean[i]) * t->scale[i];
    }
}

/* A sample of either split, training's first.
 * Returns its features [features], standardised. */
PPMLI_INLINE const float *ppmli_pooled_sample_at(const ppmli_pooled_trainer *t, size_t n) {
  return n < t->train.count ? t->train.x + n * t->features
                            : t->validation.x + (n - t->train.count) * t->features;
}

/* What a sum of features is for each sample, into t->value.
 *   row  [features + 1]  its weights, then its bias */
PPMLI_STATIC void ppmli_pooled_values(ppmli_pooled_trainer *t, const float *row) {
  for (size_t n = 0; n < ppmli_pooled_sample_count(t); n++)
    t->value[n] =
        ppmli_master_dot(row, ppmli_pooled_sample_at(t, n), t->features) + row[t->features];
}

/* The least whole number that all but 1 in PPMLI_PEAK_SHARE magnitudes of value [count] do not reach. */
PPMLI_STATIC int64_t ppmli_pooled_peak(const float *value, size_t count) {
  uint64_t most = ppmli_peak_exceptions(count);
  int64_t peak = 0;
  for (int64_t bit = (int64_t)1 << 30; bit; bit >>= 1) {
    size_t above = 0;
    for (size_t n = 0; n < count; n++) above += (double)fabsf(value[n]) >= (double)(peak + bit);
    if (above > most) peak += bit;
  }
  return peak + 1;
}

/* Weights of classes, or of a label that is 0 or 1. */
PPMLI_STATIC void ppmli_pooled_weigh_classes(ppmli_pooled_trainer *t) {
  uint32_t classes = t->spec->classes;
  int is_labels = t->spec->task == PPML_TASK_LABELS;
  size_t count = t->train.images->count, have[PPML_CLASSES_MAX] = {0};
  const uint8_t *labels = t->train.images->labels;
  for (size_t n = 0; n < count; n++)
    for (uint32_t c = 0; c < classes; c++)
      have[c] += is_labels ? labels[n * classes + c] : labels[n] == c;
  for (uint32_t c = 0; c < classes; c++) {
    float *weight = t->class_weight + 2 * c;
    double balance = t->options->balance;
    weight[1] = ppmli_train_weight(have[c], count, is_labels ? 2 : classes, balance);
    weight[0] = is_labels ? ppmli_train_weight(count - have[c], count, 2, balance) : 0;
  }
}

/* -------------------------------------------------------------- penalties */

/* Weighted mean cross entropy of samples by weights [outputs][features + 1]. */
PPMLI_STATIC double ppmli_pooled_loss(const ppmli_pooled_trainer *t, const ppmli_pooled_samples *s,
                                      const float *weight) {
  float logit[PPML_CLASSES_MAX] = {0};
  double loss = 0;
  for (size_t n = 0; n < s->count; n++) {
    ppmli_logistic_logits(logit, weight, s->x + n * t->features, t->features, t->spec->outputs);
    ppmli_loss_of(logit, t->spec, logit, s->label[n]);
    ppmli_logistic_weigh(logit, &t->fit, s->label[n]);
    for (uint32_t c = 0; c < t->spec->outputs; c++) loss += logit[c];
  }
  return loss / (double)s->count;
}

/* Fits for one penalty after the other, each from where the last one ended, and keeps what does
 * best on validation. */
PPMLI_STATIC int ppmli_pooled_fit(ppmli_pooled_trainer *t) {
  static const double penalties[PPMLI_POOLED_PENALTIES] = {1,     0.3,   0.1,    0.03,  0.01,
                                                           0.003, 0.001, 0.0003, 0.0001};
  size_t parameters = ppmli_logistic_parameters(&t->fit);
  ppml_pooled_told told = {0, PPMLI_POOLED_PENALTIES, 0, 0, 0, 0};
  double best = 1e300;
  ppmli_logistic_correlate(&t->fit);
  while (told.done < PPMLI_POOLED_PENALTIES) {
    told.penalty = t->fit.penalty = penalties[told.done++];
    told.loss = ppmli_logistic_fit(&t->fit);
    if (told.loss < 0) return PPML_ERR_RANGE;
    for (size_t i = 0; i < parameters; i++) t->fit.rounded[i] = (float)t->fit.weight[i];
    told.validation = ppmli_pooled_loss(t, &t->validation, t->fit.rounded);
    ppmli_pooled_tell(t, &told);
    if (told.validation < best) {
      best = told.validation;
      memcpy(t->best, t->fit.weight, parameters * sizeof *t->best);
    }
    if (told.validation > PPMLI_POOLED_WORSE * best) break;
  }
  return PPML_OK;
}

/* Weights that are given, for standardised features. */
PPMLI_STATIC void ppmli_pooled_take_weights(ppmli_pooled_trainer *t) {
  for (uint32_t c = 0; c < t->spec->outputs; c++) {
    double *best = t->best + c * (t->features + 1), bias = t->given->bias[c];
    for (size_t i = 0; i < t->features; i++) {
      double raw = i < t->sums ? t->given->square[c * t->sums + i]
                               : t->given->linear[c * t->latents + i - t->sums];
      best[i] = t->scale[i] > 0 ? raw / (double)t->scale[i] : 0;
      bias += raw * (double)t->mean[i];
    }
    best[t->features] = bias;
  }
}

/* --------------------------------------------------------------- integers */

/* The weight that a feature has in a row of weights before it is standardised. */
PPMLI_INLINE double ppmli_pooled_raw(const ppmli_pooled_trainer *t, const double *row, size_t i) {
  return row[i] * (double)t->scale[i];
}

PPMLI_INLINE double ppmli_pooled_round_weight(double weight, double step, double most) {
  double q = floor(weight / step + 0.5);
  return q > most ? most : q < -most ? -most : q;
}

/* What rounding to a step does to sums of features: squared errors, weighted by the variances.
 *   row  [rows][features + 1]  weights; and below */
PPMLI_STATIC double ppmli_pooled_step_error(const ppmli_pooled_trainer *t, const double *row,
                                            uint32_t rows, double step, double most) {
  double error = 0;
  for (uint32_t c = 0; c < rows; c++, row += t->features + 1)
    for (size_t i = 0; i < t->sums; i++) {
      double raw = ppmli_pooled_raw(t, row, i);
      double off = ppmli_pooled_round_weight(raw, step, most) * step - raw;
      if (t->scale[i] > 0) error += ppmli_square(off / (double)t->scale[i]);
    }
  return error;
}

/* The step of all weights, by which errors are least: first one that clips none, then finer. */
PPMLI_STATIC double ppmli_pooled_choose_step(const ppmli_pooled_trainer *t, const double *row,
                                             uint32_t rows, double most) {
  double largest = 1e-30, best = 1, least = 1e300;
  for (uint32_t c = 0; c < rows; c++)
    for (size_t i = 0; i < t->sums; i++) {
      double raw = fabs(ppmli_pooled_raw(t, row + c * (t->features + 1), i));
      if (raw > largest) largest = raw;
    }
  double step = largest / most;
  for (int i = 0; i < PPMLI_POOLED_STEPS; i++, step *= PPMLI_POOLED_FINER) {
    double error = ppmli_pooled_step_error(t, row, rows, step, most);
    if (error < least) least = error, best = step;
  }
  return best;
}

/* Integer weights of sum c, and what they are for standardised features; but for the bias.
 *   whole  [features + 1]  out */
PPMLI_STATIC void ppmli_pooled_quantize_row(ppmli_pooled_trainer *t, float *whole,
                                            const double *row, uint32_t c, double step,
                                            double most) {
  int32_t *cell = t->cell + c * t->cells, *linear = t->linear + c * t->latents;
  for (size_t i = 0; i < t->features; i++) {
    int is_sum = i < t->sums;
    double q =
        ppmli_pooled_round_weight(ppmli_pooled_raw(t, row, i), step, is_sum ? most : 1 << 30);
    if (is_sum) t->square[c * t->sums + i] = (int8_t)q;
    else cell[i - t->sums] = (int32_t)q;
    whole[i] = t->scale[i] > 0 ? (float)(q / (double)t->scale[i]) : 0;
  }
  whole[t->features] = 0;
  for (size_t i = 0; i < t->latents; i++)
    linear[i] = t->cells ? cell[ppmli_pooled_cell(&t->shape, t->options->linear, i)] : 0;
}

/* All of them, by one step. */
PPMLI_STATIC void ppmli_pooled_quantize(ppmli_pooled_trainer *t) {
  double most = (double)((1 << (t->options->weight_bits - 1)) - 1);
  double step = ppmli_pooled_choose_step(t, t->best, t->spec->outputs, most);
  size_t width = t->features + 1;
  for (uint32_t c = 0; c < t->spec->outputs; c++)
    ppmli_pooled_quantize_row(t, t->whole + c * width, t->best + c * width, c, step, most);
}

/* Of each score, over the training samples: sums of what the float and the integer network say,
 * of squares and products of the latter. */
typedef struct ppmli_pooled_fit_sums {
  double y, t, tt, ty;
} ppmli_pooled_fit_sums;

/* Scale and biases that bring the integer scores nearest to the float ones, by least squares:
 * rounding shrinks scores and moves their mean.
 * Returns the unit: integer scores over it are the float ones. */
PPMLI_STATIC double ppmli_pooled_refit(ppmli_pooled_trainer *t) {
  ppmli_pooled_fit_sums sum[PPML_CLASSES_MAX];
  float y[PPML_CLASSES_MAX] = {0}, q[PPML_CLASSES_MAX] = {0};
  double n = (double)t->train.count, variance = 0, covariance = 0;
  uint32_t outputs = t->spec->outputs;
  memset(sum, 0, sizeof sum);
  for (size_t i = 0; i < outputs * (t->features + 1); i++) t->fit.rounded[i] = (float)t->best[i];
  for (size_t s = 0; s < t->train.count; s++) {
    const float *x = t->train.x + s * t->features;
    ppmli_logistic_logits(y, t->fit.rounded, x, t->features, outputs);
    ppmli_logistic_logits(q, t->whole, x, t->features, outputs);
    for (uint32_t c = 0; c < outputs; c++) {
      double a = (double)y[c], b = (double)q[c];
      sum[c].y += a, sum[c].t += b, sum[c].tt += b * b, sum[c].ty += b * a;
    }
  }
  for (uint32_t c = 0; c < outputs; c++) {
    variance += sum[c].tt - sum[c].t * sum[c].t / n;
    covariance += sum[c].ty - sum[c].t * sum[c].y / n;
  }
  double unit = covariance > 0 ? variance / covariance : 1;
  for (uint32_t c = 0; c < outputs; c++) /* the integer score of the mean image is 0 so far */
    t->whole[c * (t->features + 1) + t->features] = (float)((sum[c].y * unit - sum[c].t) / n);
  return unit;
}

/* What the integer weights of sum c make of the mean image. */
PPMLI_STATIC double ppmli_pooled_of_mean(const ppmli_pooled_trainer *t, uint32_t c) {
  double mean = 0;
  for (size_t i = 0; i < t->sums; i++)
    mean += (double)t->square[c * t->sums + i] * (double)t->mean[i];
  for (size_t i = 0; i < t->cells; i++)
    mean += (double)t->cell[c * t->cells + i] * (double)t->mean[t->sums + i];
  return mean;
}

/* The bias of raw features, from that of standardised ones, to which it is rounded. */
PPMLI_STATIC void ppmli_pooled_fix_bias(ppmli_pooled_trainer *t, float *bias, uint32_t c) {
  double mean = ppmli_pooled_of_mean(t, c);
  t->bias[c] = (int64_t)floor((double)*bias - mean + 0.5);
  *bias = (float)((double)t->bias[c] + mean);
}

/* ----------------------------------------------------------------- finish */

/* Scores of the validation samples, as ppmli_quant_forward gives them to other networks. */
PPMLI_STATIC void ppmli_pooled_score_validation(ppmli_pooled_trainer *t) {
  uint32_t outputs = t->spec->outputs;
  float score[PPML_CLASSES_MAX] = {0};
  for (size_t n = 0; n < t->validation.count; n++) {
    ppmli_logistic_logits(score, t->whole, t->validation.x + n * t->features, t->features, outputs);
    for (uint32_t c = 0; c < outputs; c++)
      t->scores[n * outputs + c] =
          (int32_t)ppmli_quant_clamp((int64_t)score[c], PPMLI_QUANT_SCORE_MAX);
  }
}

/* Threshold, unit and margin, by the rules of statistics.h.
 * Returns margin_p05. */
PPMLI_STATIC uint32_t ppmli_pooled_finish(ppmli_pooled_trainer *t) {
  ppmli_trainer finish;
  ppml_images images = {NULL, t->train.images->labels, t->train.images->count};
  size_t answer = ppmli_spec_answer_bytes(t->spec);
  memset(&finish, 0, sizeof finish);
  for (size_t n = 0; n < t->validation.count; n++)
    memcpy(t->answers + n * answer, t->validation.label[n], answer);
  finish.model.spec = *t->spec;
  finish.train = &images;
  finish.validation.labels = t->answers;
  finish.validation.count = t->validation.count;
  finish.scores = t->scores;
  finish.class_weight = t->class_weight;
  int is_fitted = t->given == NULL && t->spec->task == PPML_TASK_LABELS; /* else they are 0 */
  for (uint32_t c = 0; c < t->spec->outputs && is_fitted; c++)
    finish.model.spec.threshold[c] = ppmli_statistics_threshold(&finish, c);
  finish.model.spec.score_unit = ppmli_statistics_score_unit(&finish);
  *t->spec = finish.model.spec;
  return ppmli_statistics_margin_p05(&finish);
}

/* ------------------------------------------------------------------- run */

PPMLI_STATIC void ppmli_pooled_begin(ppmli_pooled_trainer *t, const ppmli_encoder *e,
                                     const ppml_pooled_options *o, ppml_spec *spec,
                                     const ppml_images *train, const ppml_images *validation) {
  ppmli_augmentation changes = {(float)o->warp, o->flip}, usual = {1, o->flip};
  int is_ready = e->kind == PPML_ENCODER_READY;
  memset(t, 0, sizeof *t);
  t->encoder = e, t->options = o, t->spec = spec;
  t->shape = ppmli_pooled_train_shape(e, o);
  t->sums = ppmli_autocorr_sums(&t->shape);
  t->latents = ppmli_latent_count(&t->shape);
  t->cells = ppmli_pooled_cells(&t->shape, o->linear);
  t->features = t->sums + t->cells;
  t->train.images = train;
  t->train.copies = ppmli_pooled_train_copies(o);
  t->train.first_is_plain = 1;
  t->train.seed = o->seed;
  t->train.how = changes;
  t->train.count = t->train.copies * train->count;
  t->validation.images = validation;
  t->validation.copies = ppmli_pooled_validation_copies(e);
  t->validation.first_is_plain = is_ready;
  t->validation.seed = PPMLI_TRAIN_SEED;
  t->validation.how = usual;
  t->validation.count = t->validation.copies * validation->count;
}

/* Samples of both splits, standardised, and what fitting goes by. */
PPMLI_STATIC void ppmli_pooled_prepare_fit(ppmli_pooled_trainer *t) {
  ppml_pooled_told told = {0, t->train.count + t->validation.count, 0, 0, 0, 0};
  ppmli_pooled_make_features(t, &t->train, &told);
  ppmli_pooled_make_features(t, &t->validation, &told);
  ppmli_pooled_measure(t);
  ppmli_pooled_standardise(t, &t->train);
  ppmli_pooled_standardise(t, &t->validation);
  ppmli_pooled_weigh_classes(t);
  t->fit.samples = t->train.count;
  t->fit.x = t->train.x;
  t->fit.label = t->train.label;
  t->fit.class_weight = t->class_weight;
  t->fit.parallel = t->parallel;
}

/* All but the memory. */
PPMLI_STATIC int ppmli_pooled_run(ppmli_pooled_trainer *t) {
  ppmli_pooled_prepare_fit(t);
  if (t->given) ppmli_pooled_take_weights(t);
  else PPMLI_TRY(ppmli_pooled_fit(t));
  ppmli_pooled_quantize(t);
  (void)ppmli_pooled_refit(t);
  for (uint32_t c = 0; c < t->spec->outputs; c++)
    ppmli_pooled_fix_bias(t, t->whole + c * (t->features + 1) + t->features, c);
  for (uint32_t c = 0; c < t->spec->outputs; c++) {
    ppmli_pooled_values(t, t->whole + c * (t->features + 1));
    t->peak[c] = ppmli_pooled_peak(t->value, ppmli_pooled_sample_count(t));
  }
  ppmli_pooled_score_validation(t);
  return PPML_OK;
}

/* Trains a pooled network on what the encoder makes of images; or makes one of given weights,
 * whose rounding and peaks the images then decide.
 *   net         out; its arrays live in arena, which keeps nothing else
 *   spec        in: classes, outputs, task; out: threshold, score_unit
 *   margin_p05  out
 *   e, o        not refused
 *   given       weights of a network that was trained elsewhere, see convolution.h, or NULL; o
 *               has linear weights on ALL latents then
 *   train, validation  one image at least, labels below spec->classes
 *   parallel, watch    or NULL
 * Memory: ppmli_pooled_train_bytes.  Errors: ARG for given weights and cells; NOMEM; RANGE where
 * the features of all images are alike. */
PPMLI_STATIC int ppmli_pooled_train(ppmli_pooled *net, ppml_spec *spec, uint32_t *margin_p05,
                                    const ppmli_encoder *e, const ppml_pooled_options *o,
                                    const ppmli_pooled_floats *given, const ppml_images *train,
                                    const ppml_images *validation, const ppml_parallel *parallel,
                                    const ppml_pooled_watch *watch, ppml_arena *arena) {
  ppmli_pooled_trainer t;
  if (given && o->linear != PPML_POOLED_LINEAR_ALL) return PPML_ERR_ARG;
  ppmli_pooled_begin(&t, e, o, spec, train, validation);
  t.given = given;
  t.parallel = parallel;
  t.watch = watch;
  PPMLI_TRY(ppmli_pooled_alloc_net(&t, spec->outputs, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_pooled_alloc(&t, spec->outputs, arena));
  PPMLI_TRY(ppmli_pooled_run(&t));
  *margin_p05 = ppmli_pooled_finish(&t);
  net->shape = t.shape;
  net->latent_bits = e->latent_bits;
  net->outputs = spec->outputs;
  net->square = t.square, net->linear = t.linear, net->bias = t.bias, net->peak = t.peak;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
