/* Quantization-aware training of small fully connected networks: images in, an
 * integer network out.  master.h has the gradient descent, augment.h the changed images,
 * integers.h rounds; here they meet the data.  In: images with labels and options; out: a model. Next:
 * trainer.h. */
#ifndef PPMLI_TRAIN_TRAIN_H
#define PPMLI_TRAIN_TRAIN_H

#include <math.h>

#include "../base/bytes.h"
#include "../base/parallel.h"
#include "../base/rng.h"
#include "../math/params.h"
#include "../network/augment.h"
#include "../network/clear.h"
#include "../network/labels.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../plan/noise.h"
#include "integers.h"
#include "loss.h"
#include "master.h"
#include "statistics.h"
#include "trainer.h"

#define PPMLI_TRAIN_WARM_UP 0.05f    /* share of the steps until the rate is at its highest */
#define PPMLI_TRAIN_AVERAGED 0.1f    /* share of the steps that the average looks back on */
#define PPMLI_TRAIN_RARE 10.0f       /* no class weighs more than this many average ones */
#define PPMLI_TRAIN_LOGIT_REACH 8.0f /* a logit behind polynomials beyond this ... */
#define PPMLI_TRAIN_LOGIT_PULL 0.02f /* ... is pulled back with this strength */
#define PPMLI_TRAIN_SEED 0x70706d6c  /* of validation's changes: the same for every network */

PPMLI_STATIC ppml_train_options ppmli_train_options_default(void) {
  ppml_train_options o;
  memset(&o, 0, sizeof o);
  o.width = o.height = 28;
  o.channels = 1;
  o.classes = 2;
  o.hidden[0] = 16;
  o.hidden_count = 1;
  o.activation = PPML_ACTIVATION_POLYNOMIAL;
  o.input_bits = 4;
  o.weight_bits = 2;
  o.epochs = 60;
  o.seeds = 2; /* squares differ more from seed to seed than relu */
  o.seed = 1;
  o.rate = 0.005;
  o.balance = 1;
  o.warp = 1;
  o.params = ppmli_params_by_name("precise");
  return o;
}

/* ----------------------------------------------------------------- start */

/* The mean of every input, and the unit in which all inputs together have variance 1. */
PPMLI_STATIC void ppmli_train_center(ppmli_trainer *t) {
  size_t inputs = ppmli_spec_inputs(&t->model.spec), count = t->train->count;
  double variance = 0;
  for (size_t i = 0; i < inputs; i++) {
    int64_t sum = 0, squares = 0;
    for (size_t n = 0; n < count; n++) {
      int32_t q = ppmli_quant_pixel(t->train->pixels[n * inputs + i], t->model.spec.input_bits);
      sum += q;
      squares += q * q;
    }
    double mean = (double)sum / (double)count;
    t->mean[i] = (float)mean;
    variance += ((double)squares / (double)count - mean * mean) / (double)inputs;
  }
  t->unit = variance > 1e-6 ? (float)(1 / sqrt(variance)) : 1;
}

/* Weight of one of `kinds` equally wanted kinds of images, of which there are `have` among
 * `count`; balance leads from 1 to that. */
PPMLI_STATIC float ppmli_train_weight(size_t have, size_t count, uint32_t kinds, double balance) {
  double even = have ? (double)count / ((double)kinds * (double)have) : 1;
  double weight = 1 + balance * ((even < PPMLI_TRAIN_RARE ? even : PPMLI_TRAIN_RARE) - 1);
  return (float)weight;
}

PPMLI_STATIC void ppmli_train_balance(ppmli_trainer *t) {
  uint32_t classes = t->model.spec.classes;
  int is_labels = t->model.spec.task == PPML_TASK_LABELS;
  size_t count = t->train->count, have[PPML_CLASSES_MAX] = {0};
  double balance = t->options->balance;
  for (size_t n = 0; n < count; n++)
    for (uint32_t c = 0; c < classes; c++)
      have[c] += is_labels ? t->train->labels[n * classes + c] : t->train->labels[n] == c;
  for (uint32_t c = 0; c < classes; c++) {
    float *weight = t->class_weight + 2 * c;
    weight[1] = ppmli_train_weight(have[c], count, is_labels ? 2 : classes, balance);
    weight[0] = is_labels ? ppmli_train_weight(count - have[c], count, 2, balance) : 0;
  }
}

PPMLI_INLINE ppmli_augmentation ppmli_train_changes(const ppml_train_options *o) {
  ppmli_augmentation how = {(float)o->warp, o->flip};
  return how;
}

/* Changed copies of the validation images, the same whatever is trained: strength 1 and
 * the mirrorings that the options allow. */
PPMLI_STATIC void ppmli_train_copy_validation(ppmli_trainer *t, const ppml_images *validation) {
  const ppml_spec *spec = &t->model.spec;
  size_t inputs = ppmli_spec_inputs(spec), labels = ppmli_spec_answer_bytes(spec);
  ppmli_augmentation how = {1, t->options->flip};
  ppmli_picture size = ppmli_picture_of(spec);
  uint8_t *pixels = (uint8_t *)(uintptr_t)t->validation.pixels;
  uint8_t *copied = (uint8_t *)(uintptr_t)t->validation.labels;
  uint8_t seed[PPML_SEED_BYTES] = {0};
  ppml_rng rng;
  ppmli_store64(seed, PPMLI_TRAIN_SEED);
  ppmli_rng_seed(&rng, seed);
  t->validation.count = PPMLI_TRAIN_COPIES * validation->count;
  for (size_t n = 0; n < t->validation.count; n++) {
    size_t from = n % validation->count;
    ppmli_augment(pixels + n * inputs, validation->pixels + from * inputs, &size, &how, &rng);
    memcpy(copied + n * labels, validation->labels + from * labels, labels);
  }
}

PPMLI_STATIC void ppmli_train_draw_sample(ppmli_trainer *t) {
  size_t inputs = ppmli_spec_inputs(&t->model.spec), count = t->train->count;
  ppmli_augmentation how = ppmli_train_changes(t->options);
  ppmli_picture size = ppmli_picture_of(&t->model.spec);
  t->sample_count = ppmli_min_size(count, PPMLI_TRAIN_SAMPLE);
  for (size_t n = 0; n < t->sample_count; n++) {
    size_t from = n * count / t->sample_count;
    ppmli_augment(t->sample + n * inputs, t->train->pixels + from * inputs, &size, &how, &t->rng);
  }
}

/* Noise of accumulators, whose activation saturates at 1, from that of key switch and
 * modulus switch: on the torus accumulators are laid out as if OVERSHOOT ranges
 * were their peak.  That of a bootstrap is relative to a score that fills its room.  Polynomials are computed without a bootstrap,
 * under noise that is nothing beside this. */
PPMLI_STATIC void ppmli_train_set_noise(ppmli_trainer *t) {
  const ppml_params *p = t->options->params;
  if (p == NULL || t->options->activation == PPML_ACTIVATION_POLYNOMIAL) return;
  double turns = sqrt(ppmli_noise_keyswitch(p) + ppmli_noise_modulus_switch(p));
  t->master.noise =
      (float)(turns * ppmli_room_turn(t->options->activation, PPMLI_MASTER_OVERSHOOT, 1));
  t->master.table_noise = (float)ppmli_room_score_turn(sqrt(ppmli_noise_blind_rotation(p)));
}

PPMLI_STATIC void ppmli_train_prepare(ppmli_trainer *t, const ppml_images *validation) {
  ppmli_train_center(t);
  ppmli_train_balance(t);
  ppmli_train_copy_validation(t, validation);
  ppmli_train_set_noise(t);
}

/* ---------------------------------------------------------------- epochs */

/* A batch at work. */
typedef struct ppmli_train_batch {
  ppmli_trainer *trainer;
  const uint32_t *images; /* [master.count] */
} ppmli_train_batch;

/* Changed training images as the master network's inputs: a shard of the batch. */
PPMLI_STATIC void ppmli_train_load_task(void *argument, size_t shard) {
  const ppmli_train_batch *batch = (const ppmli_train_batch *)argument;
  ppmli_trainer *t = batch->trainer;
  const ppml_spec *spec = &t->model.spec;
  size_t inputs = ppmli_spec_inputs(spec);
  ppmli_augmentation how = ppmli_train_changes(t->options);
  ppmli_picture size = ppmli_picture_of(spec);
  ppmli_master_images images = ppmli_master_shard(&t->master, shard);
  uint8_t *pixels = t->pixels + shard * inputs;
  for (size_t b = images.first; b < images.end; b++) {
    float *x = t->master.layer[0].x + b * inputs;
    ppmli_augment(pixels, t->train->pixels + batch->images[b] * inputs, &size, &how,
                  &t->master.rng[shard]);
    for (size_t i = 0; i < inputs; i++)
      x[i] = t->unit * ((float)ppmli_quant_pixel(pixels[i], spec->input_bits) - t->mean[i]);
  }
}

/* Pulls logits back that say more than is worth knowing: behind polynomials, which nothing
 * clips, their reach is what sets the noise of a score.
 *   delta  derivative of the loss by them */
PPMLI_STATIC void ppmli_train_restrain(float *delta, const float *logit, uint32_t outputs) {
  for (uint32_t c = 0; c < outputs; c++) {
    float over = fabsf(logit[c]) - PPMLI_TRAIN_LOGIT_REACH;
    if (over > 0) delta[c] += PPMLI_TRAIN_LOGIT_PULL * (logit[c] < 0 ? -over : over);
  }
}

/* The loss of the batch; its derivative by the logits to the last layer's delta. */
PPMLI_STATIC double ppmli_train_judge(ppmli_trainer *t, const uint32_t *images) {
  ppmli_master_layer *last = &t->master.layer[t->master.layer_count - 1];
  size_t bytes = ppmli_spec_answer_bytes(&t->model.spec);
  double loss = 0;
  for (size_t b = 0; b < t->master.count; b++) {
    const uint8_t *labels = t->train->labels + images[b] * bytes;
    const float *logit = last->z + b * last->outputs;
    float *delta = last->delta + b * last->outputs, each[PPML_CLASSES_MAX];
    ppmli_loss_of(each, &t->model.spec, logit, labels);
    ppmli_train_weigh(each, t, labels);
    for (uint32_t c = 0; c < last->outputs; c++) loss += each[c];
    ppmli_loss_error(delta, &t->model.spec, logit, labels, 0);
    ppmli_train_weigh(delta, t, labels);
    if (ppmli_model_is_polynomial(&t->model)) ppmli_train_restrain(delta, logit, last->outputs);
  }
  return loss;
}

/* A short rise, then down along a cosine, or the smooth step that is within 1 % of it.
 *   progress  0..1 */
PPMLI_STATIC float ppmli_train_rate(const ppml_train_options *o, float progress) {
  float rise = progress < PPMLI_TRAIN_WARM_UP ? progress / PPMLI_TRAIN_WARM_UP : 1;
  return (float)o->rate * rise * (1 - progress * progress * (3 - 2 * progress));
}

/* One step along the gradient of master.count images.
 *   step, steps  done before, and in all
 * Returns the loss, summed over the images. */
PPMLI_STATIC double ppmli_train_step(ppmli_trainer *t, const uint32_t *images, size_t step,
                                     size_t steps) {
  ppmli_train_batch batch = {t, images};
  float newest = 1 / (PPMLI_TRAIN_AVERAGED * (float)steps);
  for (uint32_t l = 0; l < t->master.layer_count; l++)
    ppmli_master_round_layer(&t->master, l, t->master.weight);
  ppmli_parallel_run(t->parallel, PPMLI_MASTER_SHARDS, ppmli_train_load_task, &batch);
  ppmli_master_forward(&t->master, t->parallel);
  double loss = ppmli_train_judge(t, images);
  ppmli_master_backward(&t->master, t->parallel);
  ppmli_master_descend(&t->master,
                       ppmli_train_rate(t->options, ((float)step + 0.5f) / (float)steps),
                       (float)t->options->decay, newest < 1 ? newest : 1, t->parallel);
  return loss;
}

/* Returns the mean loss. */
PPMLI_STATIC double ppmli_train_epoch(ppmli_trainer *t, size_t epoch) {
  size_t count = t->train->count;
  size_t batches = (count + PPMLI_MASTER_BATCH - 1) / PPMLI_MASTER_BATCH;
  double loss = 0;
  ppmli_rng_shuffle(t->order, count, &t->rng);
  for (size_t b = 0; b < batches; b++) {
    size_t from = ppmli_parallel_share(count, batches, b); /* all nearly alike */
    t->master.count = ppmli_parallel_share(count, batches, b + 1) - from;
    loss += ppmli_train_step(t, t->order + from, epoch * batches + b, t->options->epochs * batches);
  }
  return loss / (double)count;
}

/* ------------------------------------------------------------ validation */

/* Scores of a share of the validation images. */
PPMLI_STATIC void ppmli_train_score_task(void *argument, size_t index) {
  ppmli_trainer *t = (ppmli_trainer *)argument;
  const ppml_spec *spec = &t->model.spec;
  size_t tasks = ppmli_parallel_threads(t->parallel), inputs = ppmli_spec_inputs(spec);
  size_t end = ppmli_parallel_share(t->validation.count, tasks, index + 1);
  ppml_arena arena = ppmli_slices_arena(&t->scratch, index);
  for (size_t n = ppmli_parallel_share(t->validation.count, tasks, index); n < end; n++) {
    int error = ppmli_quant_forward(t->scores + n * spec->outputs, &t->model,
                                    t->validation.pixels + n * inputs, NULL, &arena);
    PPMLI_ASSERT(error == PPML_OK);
    (void)error; /* the slice was sized for it */
  }
}

/* Of one image: its class' weight if the answer is right. */
PPMLI_STATIC double ppmli_train_merit(const ppmli_trainer *t, const int32_t *scores,
                                      const uint8_t *labels) {
  uint8_t answer[PPML_CLASSES_MAX];
  ppmli_spec_answer(answer, &t->model.spec, scores);
  return answer[0] == labels[0] ? (double)t->class_weight[2 * labels[0] + 1] : 0;
}

/* Of one image with several labels: minus the cross entropy of its scores as logits. */
PPMLI_STATIC double ppmli_train_likelihood(const ppmli_trainer *t, const int32_t *scores,
                                           const uint8_t *labels, double unit) {
  uint32_t outputs = t->model.spec.outputs;
  float logit[PPML_CLASSES_MAX] = {0}, each[PPML_CLASSES_MAX];
  double sum = 0;
  for (uint32_t c = 0; c < outputs; c++) logit[c] = (float)(scores[c] * unit);
  ppmli_loss_of(each, &t->model.spec, logit, labels);
  ppmli_train_weigh(each, t, labels);
  for (uint32_t c = 0; c < outputs; c++) sum -= each[c];
  return sum;
}

/* What the latest fold is worth, larger is better: the share of right answers, or the mean
 * likelihood. */
PPMLI_STATIC double ppmli_train_validate(ppmli_trainer *t) {
  const ppml_spec *spec = &t->model.spec;
  size_t bytes = ppmli_spec_answer_bytes(spec);
  double unit = ppmli_integers_logit(t), merit = 0, most = 0;
  ppmli_parallel_run(t->parallel, ppmli_parallel_threads(t->parallel), ppmli_train_score_task, t);
  for (size_t n = 0; n < t->validation.count; n++) {
    const int32_t *scores = t->scores + n * spec->outputs;
    const uint8_t *labels = t->validation.labels + n * bytes;
    int is_labels = spec->task == PPML_TASK_LABELS;
    merit += is_labels ? ppmli_train_likelihood(t, scores, labels, unit)
                       : ppmli_train_merit(t, scores, labels);
    most += is_labels ? 1 : (double)t->class_weight[2 * labels[0] + 1];
  }
  return merit / most;
}

/* Folds the average of a run and keeps it if it is the best so far, the latest of equals.
 * Returns what it is worth. */
PPMLI_STATIC double ppmli_train_compare(ppmli_trainer *t, size_t run) {
  ppmli_integers_run(t, t->master.average);
  double validation = ppmli_train_validate(t);
  if (validation < t->best_validation) return validation;
  t->best_validation = validation;
  t->best_run = run;
  memcpy(t->best, t->master.average, t->master.parameters * sizeof *t->best);
  return validation;
}

/* What a run starts with, all of it from its seed: the master network, the sample, the order. */
PPMLI_STATIC void ppmli_train_start(ppmli_trainer *t, size_t run) {
  uint8_t seed[PPML_SEED_BYTES] = {0};
  ppmli_store64(seed, t->options->seed + run);
  ppmli_rng_seed(&t->rng, seed);
  ppmli_master_draw(&t->master, &t->rng);
  ppmli_train_draw_sample(t);
  for (size_t n = 0; n < t->train->count; n++) t->order[n] = (uint32_t)n;
}

/* All epochs of one seed. */
PPMLI_STATIC void ppmli_train_seed(ppmli_trainer *t, size_t run, const ppml_train_watch *watch) {
  const ppml_train_options *o = t->options;
  ppml_train_epoch told = {o->seed + run, 0, o->epochs, run, o->seeds, 0, 0};
  size_t since = 0;     /* the last better one */
  double best = -1e300; /* of this seed */
  ppmli_train_start(t, run);
  while (told.epoch < o->epochs && (o->patience == 0 || since < o->patience)) {
    told.loss = ppmli_train_epoch(t, told.epoch++);
    told.validation = ppmli_train_compare(t, run);
    since = told.validation > best ? 0 : since + 1;
    if (told.validation > best) best = told.validation;
    if (watch && watch->epoch) watch->epoch(watch->context, &told);
  }
}

/* ------------------------------------------------------------------- run */

/* The best network again, by the sample of the run that found it, so that it is the one that was
 * compared; its scores of the validation images. */
PPMLI_STATIC void ppmli_train_recall(ppmli_trainer *t) {
  ppmli_train_start(t, t->best_run);
  ppmli_integers_run(t, t->best);
  (void)ppmli_train_validate(t);
}

PPMLI_STATIC int ppmli_train_all(ppmli_trainer *t, const ppml_images *validation,
                                 const ppml_train_watch *watch) {
  ppmli_train_prepare(t, validation);
  t->best_validation = -1e300;
  for (size_t run = 0; run < t->options->seeds; run++) ppmli_train_seed(t, run, watch);
  ppmli_train_recall(t);
  return ppmli_statistics_run(t);
}

/* As ppml_train, but for the model's id, which stays zero.
 *   model  out; its arrays live in arena, which keeps nothing else */
PPMLI_STATIC int ppmli_train_run(ppml_model *model, const ppml_train_options *options,
                                 const ppml_images *train, const ppml_images *validation,
                                 const ppml_parallel *parallel, const ppml_train_watch *watch,
                                 ppml_arena *arena) {
  ppmli_trainer t;
  if (!ppmli_train_options_are_valid(options)) return PPML_ERR_ARG;
  if (!ppmli_images_are_valid(train, options)) return PPML_ERR_ARG;
  if (!ppmli_images_are_valid(validation, options)) return PPML_ERR_ARG;
  if (ppmli_train_bytes(options, train->count, validation->count,
                        ppmli_parallel_threads(parallel)) >
      arena->capacity_bytes - arena->used_bytes)
    return PPML_ERR_NOMEM; /* at once, so that no allocation below can fail */
  memset(&t, 0, sizeof t);
  t.options = options;
  t.train = train;
  t.parallel = parallel;
  t.arena = arena;
  ppmli_train_shape(&t.model, options);
  PPMLI_TRY(ppmli_train_alloc_model(&t));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_train_alloc_scratch(&t, validation->count));
  PPMLI_TRY(ppmli_train_all(&t, validation, watch));
  *model = t.model;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
