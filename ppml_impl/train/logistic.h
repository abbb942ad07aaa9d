/* Logistic regression: the weights that make linear functions of features the best
 * logits, by cross entropy and a penalty on their squares.
 *
 *   loss(W) = mean over samples of weight_n times cross entropy + penalty / 2 sum of W^2
 *
 * The loss is convex, so there is one answer and no luck in finding it.  It is found by L-BFGS
 * [NW06], each step of which starts from the inverse of
 *
 *   curvature (X^T X / samples) + penalty
 *
 * by Cholesky's factorization: features are strongly correlated, and without it a hundred steps
 * would not do.  Sums over samples are made in SHARDS parts and added in one order, so that the
 * number of threads does not show.
 *
 * Features have mean 0 and deviation 1; behind them there is a 1, whose weight is the bias and has
 * no penalty.
 *
 * In: features and labels; out: weights.  Next: pooled_train.h. */
#ifndef PPMLI_TRAIN_LOGISTIC_H
#define PPMLI_TRAIN_LOGISTIC_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../math/cholesky.h"
#include "loss.h"
#include "master.h"

#define PPMLI_LOGISTIC_SHARDS 32
#define PPMLI_LOGISTIC_MEMORY 8       /* steps that L-BFGS looks back on */
#define PPMLI_LOGISTIC_STEPS 60       /* at most */
#define PPMLI_LOGISTIC_TRIES 20       /* halvings of a step */
#define PPMLI_LOGISTIC_CURVATURE 0.08 /* of the cross entropy, typically; at most 1/4 */
#define PPMLI_LOGISTIC_ENOUGH 1e-5    /* a step that gains less of the loss is the last */
#define PPMLI_LOGISTIC_GRAM 6144      /* samples that X^T X is taken over, at most */
#define PPMLI_LOGISTIC_TILE 24 /* features a side of a part of X^T X, which is on the stack */

/* Samples and what is made of them.  n: samples, D: features, O: spec->outputs. */
typedef struct ppmli_logistic {
  const ppml_spec *spec;
  size_t samples, features;
  const float *x;              /* [samples][features] */
  const uint8_t *const *label; /* [samples] answer bytes each */
  const float *class_weight;   /* [classes][2], see ppmli_trainer */
  const ppml_parallel *parallel;
  double penalty;
  double *weight; /* [outputs][features + 1] */

  double *gram;          /* [features][features]  X^T X / n, lower triangle */
  double *factor;        /* [features][features] */
  double *trial, *slope; /* [outputs][features + 1] */
  double *direction;
  double *moved, *turned; /* [MEMORY][outputs][features + 1]  differences of weights, slopes */
  float *rounded;         /* [outputs][features + 1]  the weights on trial */
  float *part;            /* [SHARDS][outputs][features + 1] */
  double *part_loss;      /* [SHARDS] */
} ppmli_logistic;

PPMLI_INLINE size_t ppmli_logistic_parameters(const ppmli_logistic *g) {
  return g->spec->outputs * (g->features + 1);
}

PPMLI_STATIC size_t ppmli_logistic_bytes(size_t features, uint32_t outputs) {
  size_t parameters = outputs * (features + 1);
  return 2 * ppmli_arena_rounded(features * features * sizeof(double)) +
         4 * ppmli_arena_rounded(parameters * sizeof(double)) +
         2 * ppmli_arena_rounded(PPMLI_LOGISTIC_MEMORY * parameters * sizeof(double)) +
         ppmli_arena_rounded(parameters * sizeof(float)) +
         ppmli_arena_rounded(PPMLI_LOGISTIC_SHARDS * parameters * sizeof(float)) +
         ppmli_arena_rounded(PPMLI_LOGISTIC_SHARDS * sizeof(double));
}

/* Takes memory for g, of which spec and features are set; weights start from 0. */
PPMLI_STATIC int ppmli_logistic_alloc(ppmli_logistic *g, ppml_arena *arena) {
  size_t D = g->features, parameters = ppmli_logistic_parameters(g);
  PPMLI_ALLOC(double, gram, arena, D *D);
  PPMLI_ALLOC(double, factor, arena, D *D);
  PPMLI_ALLOC(double, weight, arena, parameters);
  PPMLI_ALLOC(double, trial, arena, parameters);
  PPMLI_ALLOC(double, slope, arena, parameters);
  PPMLI_ALLOC(double, direction, arena, parameters);
  PPMLI_ALLOC(double, moved, arena, PPMLI_LOGISTIC_MEMORY *parameters);
  PPMLI_ALLOC(double, turned, arena, PPMLI_LOGISTIC_MEMORY *parameters);
  PPMLI_ALLOC(float, rounded, arena, parameters);
  PPMLI_ALLOC(float, part, arena, PPMLI_LOGISTIC_SHARDS *parameters);
  PPMLI_ALLOC(double, part_loss, arena, PPMLI_LOGISTIC_SHARDS);
  g->gram = gram, g->factor = factor, g->weight = weight, g->trial = trial, g->slope = slope;
  g->direction = direction, g->moved = moved, g->turned = turned, g->rounded = rounded;
  g->part = part, g->part_loss = part_loss;
  memset(weight, 0, parameters * sizeof *weight);
  return PPML_OK;
}

/* ------------------------------------------------------------------- loss */

/* Times the weight of the sample's class, or of its labels. */
PPMLI_STATIC void ppmli_logistic_weigh(float *each, const ppmli_logistic *g,
                                       const uint8_t *labels) {
  int is_labels = g->spec->task == PPML_TASK_LABELS;
  for (uint32_t c = 0; c < g->spec->outputs; c++)
    each[c] *= is_labels ? g->class_weight[2 * c + labels[c]] : g->class_weight[2 * labels[0] + 1];
}

PPMLI_STATIC void ppmli_logistic_logits(float *logit, const float *weight, const float *x,
                                        size_t features, uint32_t outputs) {
  for (uint32_t c = 0; c < outputs; c++, weight += features + 1)
    logit[c] = ppmli_master_dot(weight, x, features) + weight[features];
}

/* The loss and its slope over a shard of the samples. */
PPMLI_STATIC void ppmli_logistic_shard(void *argument, size_t shard) {
  ppmli_logistic *g = (ppmli_logistic *)argument;
  size_t D = g->features, parameters = ppmli_logistic_parameters(g);
  uint32_t outputs = g->spec->outputs;
  float *part = g->part + shard * parameters;
  float logit[PPML_CLASSES_MAX] = {0}, each[PPML_CLASSES_MAX];
  size_t end = ppmli_parallel_share(g->samples, PPMLI_LOGISTIC_SHARDS, shard + 1);
  memset(part, 0, parameters * sizeof *part);
  g->part_loss[shard] = 0;
  for (size_t n = ppmli_parallel_share(g->samples, PPMLI_LOGISTIC_SHARDS, shard); n < end; n++) {
    const float *x = g->x + n * D;
    ppmli_logistic_logits(logit, g->rounded, x, D, outputs);
    ppmli_loss_of(each, g->spec, logit, g->label[n]);
    ppmli_logistic_weigh(each, g, g->label[n]);
    for (uint32_t c = 0; c < outputs; c++) g->part_loss[shard] += each[c];
    ppmli_loss_error(each, g->spec, logit, g->label[n], 0);
    ppmli_logistic_weigh(each, g, g->label[n]);
    for (uint32_t c = 0; c < outputs; c++) {
      ppmli_master_add(part + c * (D + 1), each[c], x, D);
      part[c * (D + 1) + D] += each[c];
    }
  }
}

/* The loss of weights, and its slope.
 *   slope, weight [outputs][features + 1] */
PPMLI_STATIC double ppmli_logistic_loss(double *slope, ppmli_logistic *g, const double *weight) {
  size_t D = g->features, parameters = ppmli_logistic_parameters(g);
  double loss = 0, squares = 0, n = (double)g->samples;
  for (size_t i = 0; i < parameters; i++) g->rounded[i] = (float)weight[i];
  ppmli_parallel_run(g->parallel, PPMLI_LOGISTIC_SHARDS, ppmli_logistic_shard, g);
  memset(slope, 0, parameters * sizeof *slope);
  for (size_t s = 0; s < PPMLI_LOGISTIC_SHARDS; s++) {
    loss += g->part_loss[s];
    for (size_t i = 0; i < parameters; i++) slope[i] += (double)g->part[s * parameters + i];
  }
  for (size_t i = 0; i < parameters; i++) {
    int is_bias = i % (D + 1) == D;
    slope[i] = slope[i] / n + (is_bias ? 0 : g->penalty * weight[i]);
    squares += is_bias ? 0 : weight[i] * weight[i];
  }
  return loss / n + g->penalty / 2 * squares;
}

/* ----------------------------------------------------------- X^T X */

/* One tile of X^T X, over evenly spaced samples. */
PPMLI_STATIC void ppmli_logistic_tile(const ppmli_logistic *g, size_t top, size_t left,
                                      size_t samples) {
  size_t D = g->features, T = PPMLI_LOGISTIC_TILE;
  size_t rows = ppmli_min_size(T, D - top), columns = ppmli_min_size(T, D - left);
  float sum[PPMLI_LOGISTIC_TILE][PPMLI_LOGISTIC_TILE];
  memset(sum, 0, sizeof sum);
  for (size_t s = 0; s < samples; s++) {
    const float *x = g->x + s * g->samples / samples * D;
    for (size_t i = 0; i < rows; i++) ppmli_master_add(sum[i], x[top + i], x + left, columns);
  }
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns && left + j <= top + i; j++)
      g->gram[(top + i) * D + left + j] = (double)sum[i][j] / (double)samples;
}

/* A row of tiles, up to the diagonal; the longest first. */
PPMLI_STATIC void ppmli_logistic_gram_task(void *argument, size_t index) {
  const ppmli_logistic *g = (const ppmli_logistic *)argument;
  size_t T = PPMLI_LOGISTIC_TILE, tiles = (g->features + T - 1) / T, row = tiles - 1 - index;
  size_t samples = ppmli_min_size(g->samples, PPMLI_LOGISTIC_GRAM);
  for (size_t column = 0; column <= row; column++)
    ppmli_logistic_tile(g, row * T, column * T, samples);
}

/* X^T X, once for all penalties. */
PPMLI_STATIC void ppmli_logistic_correlate(ppmli_logistic *g) {
  size_t tiles = (g->features + PPMLI_LOGISTIC_TILE - 1) / PPMLI_LOGISTIC_TILE;
  ppmli_parallel_run(g->parallel, tiles, ppmli_logistic_gram_task, g);
}

/* The factor for the penalty. */
PPMLI_STATIC int ppmli_logistic_factor(ppmli_logistic *g) {
  size_t D = g->features;
  for (size_t i = 0; i < D * D; i++) g->factor[i] = PPMLI_LOGISTIC_CURVATURE * g->gram[i];
  for (size_t i = 0; i < D; i++) g->factor[i * (D + 1)] += g->penalty + 1e-6;
  return ppmli_cholesky(g->factor, D) ? PPML_OK : PPML_ERR_RANGE;
}

/* ----------------------------------------------------------------- L-BFGS */

PPMLI_STATIC double ppmli_logistic_dot(const double *a, const double *b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* The step's number in the memory. */
PPMLI_INLINE size_t ppmli_logistic_slot(size_t step) {
  return step % PPMLI_LOGISTIC_MEMORY;
}

/* The start of the inverse curvature, for each output on its own. */
PPMLI_STATIC void ppmli_logistic_precondition(double *v, const ppmli_logistic *g) {
  for (uint32_t c = 0; c < g->spec->outputs; c++, v += g->features + 1) {
    ppmli_cholesky_solve(v, g->factor, g->features);
    v[g->features] /= PPMLI_LOGISTIC_CURVATURE;
  }
}

/* direction = - inverse curvature times slope, by the two loops of L-BFGS.
 *   steps  taken so far */
PPMLI_STATIC void ppmli_logistic_direct(ppmli_logistic *g, size_t steps) {
  size_t parameters = ppmli_logistic_parameters(g);
  size_t first = steps > PPMLI_LOGISTIC_MEMORY ? steps - PPMLI_LOGISTIC_MEMORY : 0;
  double share[PPMLI_LOGISTIC_MEMORY], *d = g->direction;
  for (size_t i = 0; i < parameters; i++) d[i] = -g->slope[i];
  for (size_t s = steps; s-- > first;) {
    const double *moved = g->moved + ppmli_logistic_slot(s) * parameters;
    const double *turned = g->turned + ppmli_logistic_slot(s) * parameters;
    double a =
        ppmli_logistic_dot(moved, d, parameters) / ppmli_logistic_dot(moved, turned, parameters);
    share[ppmli_logistic_slot(s)] = a;
    for (size_t i = 0; i < parameters; i++) d[i] -= a * turned[i];
  }
  ppmli_logistic_precondition(d, g);
  for (size_t s = first; s < steps; s++) {
    const double *moved = g->moved + ppmli_logistic_slot(s) * parameters;
    const double *turned = g->turned + ppmli_logistic_slot(s) * parameters;
    double b =
        ppmli_logistic_dot(turned, d, parameters) / ppmli_logistic_dot(moved, turned, parameters);
    for (size_t i = 0; i < parameters; i++) d[i] += (share[ppmli_logistic_slot(s)] - b) * moved[i];
  }
}

/* One step along the direction, halved until the loss falls enough; remembers it.
 *   loss   in and out
 *   steps  in and out: those in memory
 * Returns what was gained, 0 if nothing. */
PPMLI_STATIC double ppmli_logistic_step(ppmli_logistic *g, double *loss, size_t *steps) {
  size_t parameters = ppmli_logistic_parameters(g), slot = ppmli_logistic_slot(*steps);
  double *moved = g->moved + slot * parameters, *turned = g->turned + slot * parameters;
  double downhill, length = 1, tried = *loss;
  ppmli_logistic_direct(g, *steps);
  downhill = ppmli_logistic_dot(g->direction, g->slope, parameters);
  for (int t = 0; t < PPMLI_LOGISTIC_TRIES; t++, length /= 2) {
    for (size_t i = 0; i < parameters; i++) g->trial[i] = g->weight[i] + length * g->direction[i];
    tried = ppmli_logistic_loss(turned, g, g->trial);
    if (tried <= *loss + 1e-4 * length * downhill) break;
  }
  if (!(tried < *loss)) return 0;
  for (size_t i = 0; i < parameters; i++) {
    double slope = turned[i];
    moved[i] = g->trial[i] - g->weight[i];
    turned[i] = slope - g->slope[i];
    g->weight[i] = g->trial[i];
    g->slope[i] = slope;
  }
  if (ppmli_logistic_dot(moved, turned, parameters) > 0) ++*steps;
  double gained = *loss - tried;
  *loss = tried;
  return gained;
}

/* The best weights for the penalty, from those at hand on.
 *   g  with its X^T X
 * Returns the loss, negative where features cannot be told apart. */
PPMLI_STATIC double ppmli_logistic_fit(ppmli_logistic *g) {
  size_t steps = 0;
  if (ppmli_logistic_factor(g) != PPML_OK) return -1;
  double loss = ppmli_logistic_loss(g->slope, g, g->weight);
  for (int i = 0; i < PPMLI_LOGISTIC_STEPS; i++)
    if (ppmli_logistic_step(g, &loss, &steps) <= PPMLI_LOGISTIC_ENOUGH * loss) break;
  return loss;
}

#endif
