/* What a trained model says of itself: the peaks of its accumulators, the unit and
 * the thresholds of its scores, and how close its answers are to others.  In: an integer network and
 * images; out: fields of the model.  Next: train.h. */
#ifndef PPMLI_TRAIN_STATISTICS_H
#define PPMLI_TRAIN_STATISTICS_H

#include "../base/parallel.h"
#include "../network/clear.h"
#include "../network/labels.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "loss.h"
#include "trainer.h"

/* ----------------------------------------------------------------- peaks */

/* What the bins of an accumulator are a part of: its range; for a score what its peak starts
 * from. */
PPMLI_INLINE int32_t ppmli_statistics_range(const ppmli_trainer *t, uint32_t l, uint32_t j) {
  return t->layer[l].range ? t->layer[l].range[j] : t->layer[l].peak[j];
}

/* Scores have no range, so their peaks start from a quarter of the largest of the validation
 * images: then bins lead to twice that. */
PPMLI_STATIC void ppmli_statistics_start_score_peaks(ppmli_trainer *t) {
  uint32_t outputs = t->model.spec.outputs;
  int32_t *peak = t->layer[t->model.layer_count - 1].peak;
  for (uint32_t c = 0; c < outputs; c++) {
    int64_t largest = 0;
    for (size_t n = 0; n < t->validation.count; n++) {
      int64_t score = t->scores[n * outputs + c], size = score < 0 ? -score : score;
      if (size > largest) largest = size;
    }
    peak[c] = (int32_t)(largest / 4 + 1);
  }
}

/* A hook for ppmli_quant_forward: counts accumulators by their size. */
PPMLI_STATIC void ppmli_statistics_watch(void *context, uint32_t l, int32_t *z) {
  ppmli_trainer *t = (ppmli_trainer *)context;
  if (t->layer[l].seen == NULL) return;
  for (uint32_t j = 0; j < t->model.layer[l].outputs; j++) {
    int64_t size = z[j] < 0 ? -(int64_t)z[j] : z[j];
    int64_t bin = size * PPMLI_TRAIN_BINS_PER_RANGE / ppmli_statistics_range(t, l, j);
    size_t at = bin < PPMLI_TRAIN_PEAK_BINS ? (size_t)bin : PPMLI_TRAIN_PEAK_BINS - 1;
    t->layer[l].seen[(size_t)j * PPMLI_TRAIN_PEAK_BINS + at]++;
    if (size > t->layer[l].farthest[j]) t->layer[l].farthest[j] = (int32_t)size;
  }
}

PPMLI_STATIC int ppmli_statistics_watch_images(ppmli_trainer *t, const uint8_t *pixels,
                                               size_t count) {
  int32_t scores[PPML_CLASSES_MAX];
  ppmli_quant_hook hook = {ppmli_statistics_watch, t};
  ppml_arena arena = ppmli_slices_arena(&t->scratch, 0);
  for (size_t n = 0; n < count; n++, pixels += ppmli_spec_inputs(&t->model.spec))
    PPMLI_TRY(ppmli_quant_forward(scores, &t->model, pixels, &hook, &arena));
  return PPML_OK;
}

/* The upper end of the first bin that leaves few enough accumulators above it; that is
 * at least range.  A single odd image would otherwise cost all others resolution.
 *   seen      [PEAK_BINS]
 *   total     their sum
 *   farthest  where the last bin, which has no upper end, ends */
PPMLI_STATIC int32_t ppmli_statistics_peak(const uint32_t *seen, uint64_t total, int32_t range,
                                           int32_t farthest) {
  uint64_t above = 0, most = ppmli_peak_exceptions(total);
  int64_t bins = PPMLI_TRAIN_PEAK_BINS;
  while (bins > PPMLI_TRAIN_BINS_PER_RANGE && above + seen[bins - 1] <= most) above += seen[--bins];
  int64_t peak = (bins * range + PPMLI_TRAIN_BINS_PER_RANGE - 1) / PPMLI_TRAIN_BINS_PER_RANGE;
  if (bins == PPMLI_TRAIN_PEAK_BINS && peak < farthest) peak = farthest;
  return (int32_t)(peak < PPMLI_TRAIN_INTEGER_MAX ? peak : PPMLI_TRAIN_INTEGER_MAX);
}

/* Peaks over the training images as they are, and changed ones of both splits.
 * A score's peak is what its histogram was counted by until it is known, so each is read once. */
PPMLI_STATIC int ppmli_statistics_peaks(ppmli_trainer *t) {
  uint64_t total = (uint64_t)t->train->count + t->sample_count + t->validation.count;
  if (ppmli_model_has_score_peaks(&t->model, t->model.layer_count - 1))
    ppmli_statistics_start_score_peaks(t);
  PPMLI_TRY(ppmli_statistics_watch_images(t, t->train->pixels, t->train->count));
  PPMLI_TRY(ppmli_statistics_watch_images(t, t->sample, t->sample_count));
  PPMLI_TRY(ppmli_statistics_watch_images(t, t->validation.pixels, t->validation.count));
  for (uint32_t l = 0; l < t->model.layer_count; l++) {
    const uint32_t *seen = t->layer[l].seen;
    for (uint32_t j = 0; seen && j < t->model.layer[l].outputs; j++, seen += PPMLI_TRAIN_PEAK_BINS)
      t->layer[l].peak[j] = ppmli_statistics_peak(seen, total, ppmli_statistics_range(t, l, j),
                                                  t->layer[l].farthest[j]);
  }
  return PPML_OK;
}

/* ---------------------------------------------------------------- scores */

/* Slope of the validation images' cross entropy by 1 / unit, up to a positive factor; of what
 * lies between scores and thresholds, and weighted by classes, not by labels.
 * Targets stay short of 1, as if one image more had gone wrong [PLATT]: otherwise a
 * faultless network would be endlessly sure of itself. */
PPMLI_STATIC double ppmli_statistics_unit_slope(const ppmli_trainer *t, double unit) {
  const ppml_spec *spec = &t->model.spec;
  const uint8_t *labels = t->validation.labels;
  const int32_t *scores = t->scores;
  float smooth = 1 / ((float)t->validation.count + 2), error[PPML_CLASSES_MAX];
  double slope = 0;
  for (size_t n = 0; n < t->validation.count; n++) {
    double weight = spec->task == PPML_TASK_LABELS ? 1 : t->class_weight[2 * labels[0] + 1];
    for (uint32_t c = 0; c < spec->outputs; c++)
      error[c] = (float)(((double)scores[c] - spec->threshold[c]) / unit);
    ppmli_loss_error(error, spec, error, labels, smooth);
    for (uint32_t c = 0; c < spec->outputs; c++)
      slope += weight * error[c] * ((double)scores[c] - spec->threshold[c]);
    scores += spec->outputs;
    labels += ppmli_spec_answer_bytes(spec);
  }
  return slope;
}

/* The unit that makes scores the most truthful logits: there the slope, which falls as
 * units grow, changes its sign. */
PPMLI_STATIC uint32_t ppmli_statistics_score_unit(const ppmli_trainer *t) {
  uint32_t unit = 1;
  for (uint32_t bit = (uint32_t)1 << 28; bit; bit >>= 1)
    if (ppmli_statistics_unit_slope(t, unit + bit) > 0) unit += bit;
  return unit;
}

/* Validation images whose score c is above a threshold. */
PPMLI_STATIC size_t ppmli_statistics_above(const ppmli_trainer *t, uint32_t c, int64_t threshold) {
  size_t above = 0;
  for (size_t n = 0; n < t->validation.count; n++)
    above += t->scores[n * t->model.spec.outputs + c] > threshold;
  return above;
}

/* Halfway from a score, which does not pass, to the next larger one, which does. */
PPMLI_STATIC int32_t ppmli_statistics_between(const ppmli_trainer *t, uint32_t c, int64_t score) {
  int64_t next = INT64_MAX;
  for (size_t n = 0; n < t->validation.count; n++) {
    int64_t other = t->scores[n * t->model.spec.outputs + c];
    if (other > score && other < next) next = other;
  }
  return (int32_t)(next == INT64_MAX ? score : score + (next - score) / 2);
}

/* A threshold of label c, up to 2^30 either way, that at most as large a share of the validation
 * images passes as has the label in training. */
PPMLI_STATIC int32_t ppmli_statistics_threshold(const ppmli_trainer *t, uint32_t c) {
  size_t classes = t->model.spec.classes, have = 0;
  for (size_t n = 0; n < t->train->count; n++) have += t->train->labels[n * classes + c];
  double most = (double)have / (double)t->train->count * (double)t->validation.count;
  int64_t threshold = -((int64_t)1 << 30);
  for (int64_t bit = (int64_t)1 << 30; bit; bit >>= 1)
    if ((double)ppmli_statistics_above(t, c, threshold + bit - 1) > most) threshold += bit;
  return (int32_t)ppmli_quant_clamp(ppmli_statistics_between(t, c, threshold), (int64_t)1 << 30);
}

/* Margins take the place of the validation images' scores, which nobody asks for any more. */
PPMLI_STATIC uint32_t ppmli_statistics_margin_p05(ppmli_trainer *t) {
  const ppml_spec *spec = &t->model.spec;
  for (size_t n = 0; n < t->validation.count; n++)
    t->scores[n] = ppmli_spec_margin32(spec, t->scores + n * spec->outputs);
  return ppmli_spec_margin_p05(t->scores, t->validation.count);
}

/* Of the latest fold, whose validation scores are in t->scores; but for the model's id. */
PPMLI_STATIC int ppmli_statistics_run(ppmli_trainer *t) {
  ppml_spec *spec = &t->model.spec;
  PPMLI_TRY(ppmli_statistics_peaks(t));
  for (uint32_t c = 0; c < spec->outputs && spec->task == PPML_TASK_LABELS; c++)
    spec->threshold[c] = ppmli_statistics_threshold(t, c);
  spec->score_unit = ppmli_statistics_score_unit(t);
  t->model.margin_p05 = ppmli_statistics_margin_p05(t);
  return PPML_OK;
}

#endif
