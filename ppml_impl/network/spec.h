/* What an image and an answer look like, and whether a ppml_spec that came from outside says something
 * that can be.  Next: model.h for the network itself, answer.h for what scores mean.  In: a ppml_spec;
 * out: sizes, or the first rule that it breaks. */
#ifndef PPMLI_NETWORK_SPEC_H
#define PPMLI_NETWORK_SPEC_H

#include "autocorr.h"
#include "encoder.h"
#include "fault.h"
#include "name.h"

PPMLI_INLINE size_t ppmli_spec_inputs(const ppml_spec *spec) {
  return (size_t)spec->width * spec->height * spec->channels;
}

/* Are images latents that another encoder has made?  Networks on latents need leveled sets. */
PPMLI_INLINE int ppmli_spec_takes_latents(const ppml_spec *spec) {
#ifdef PPML_NO_LEVELED
  (void)spec;
  return 0;
#else
  return spec->encoder.kind == PPML_ENCODER_READY;
#endif
}

/* Bytes of one image, as ppml_spec_image_bytes has them. */
PPMLI_INLINE size_t ppmli_spec_image_bytes(const ppml_spec *spec) {
  return ppmli_spec_inputs(spec) * (ppmli_spec_takes_latents(spec) ? sizeof(float) : 1);
}

/* Sets that images with an encoder are encrypted under are leveled: a client without them has no encoders. */
#if defined(PPML_CLIENT_ONLY) && defined(PPML_NO_LEVELED)
#define PPMLI_NO_ENCODERS
#endif

/* ---------------------------------------------------------------- answers */

/* A class is called by its number until the caller knows better. */
PPMLI_STATIC void ppmli_spec_name_classes(ppml_spec *spec) {
  for (uint32_t c = 0; c < spec->classes; c++) {
    char *name = spec->class_name[c];
    if (c >= 10) *name++ = (char)('0' + c / 10);
    *name = (char)('0' + c % 10);
  }
}

/* Scores of a task with that many classes. */
PPMLI_INLINE uint32_t ppmli_task_outputs(uint32_t task, uint32_t classes) {
  if (task == PPML_TASK_GRADE) return classes - 1;
  return task == PPML_TASK_CLASS && classes == 2 ? 1 : classes;
}

PPMLI_INLINE size_t ppmli_spec_answer_bytes(const ppml_spec *spec) {
  return spec->task == PPML_TASK_LABELS ? spec->classes : 1;
}

/* Are scores compared with one another, rather than each with its threshold? */
PPMLI_INLINE int ppmli_spec_is_contest(const ppml_spec *spec) {
  return spec->task == PPML_TASK_CLASS && spec->outputs > 1;
}

/* Are scores decisions?  These take bootstraps, so a build of the set linear alone knows the answer. */
PPMLI_INLINE int ppmli_spec_decides(const ppml_spec *spec) {
#ifdef PPML_LINEAR_ONLY
  (void)spec;
  return 0;
#else
  return spec->decides != 0;
#endif
}

/* Layers behind the scores that make decisions of them: a sum of signs; of more than two scores that are
 * compared, first the sign of who beats all others. */
PPMLI_INLINE uint32_t ppmli_spec_deciding_layers(const ppml_spec *spec) {
  if (!ppmli_spec_decides(spec)) return 0;
  return ppmli_spec_is_contest(spec) && spec->outputs > 2 ? 2 : 1;
}

/* A name as structures and files have it: zeros follow, one at least. */
PPMLI_STATIC int ppmli_name_is_valid(const char *name) {
  size_t length = 0;
  while (length < PPML_CLASS_NAME_BYTES && name[length] != 0) length++;
  for (size_t i = length; i < PPML_CLASS_NAME_BYTES; i++)
    if (name[i] != 0) return 0;
  return ppmli_name_refusal(name, length) == NULL;
}

#define PPMLI_ACCUMULATOR_MAX ((int64_t)1 << 30) /* so that 32-bit sums cannot overflow */
#define PPMLI_SQUARE_MAX 127                     /* of a polynomial's coefficients ... */
#define PPMLI_LINEAR_MAX ((int32_t)1 << 29)
#define PPMLI_SCORE_SUM_LOG2 62 /* of sums of polynomials, at most */
#define PPMLI_SCORE_UNIT_MIN ((uint64_t)1 << 31)

/* Two classes may still have two scores, as networks from elsewhere do.
 *   at  out: the threshold that a fault is of */
PPMLI_STATIC int ppmli_spec_task_fault(ppmli_place *at, const ppml_spec *s) {
  int is_pair = s->task == PPML_TASK_CLASS && s->classes == 2 && s->outputs == 2;
  if (s->task > PPML_TASK_GRADE) return PPMLI_FAULT_TASK;
  if (s->outputs != ppmli_task_outputs(s->task, s->classes) && !is_pair)
    return PPMLI_FAULT_TASK_OUTPUTS;
  for (uint32_t c = 0; c < s->outputs; c++) {
    at->index = c;
    if (ppmli_spec_is_contest(s) && s->threshold[c] != 0) return PPMLI_FAULT_CONTEST;
    if (s->threshold[c] > PPMLI_ACCUMULATOR_MAX || s->threshold[c] < -PPMLI_ACCUMULATOR_MAX)
      return PPMLI_FAULT_THRESHOLD;
  }
  at->index = 0;
  return PPMLI_FAULT_NONE;
}

/* Sizes that arrays and sums may be made from. */
PPMLI_STATIC int ppmli_spec_shape_fault(const ppml_spec *s) {
  uint32_t channels = ppmli_spec_takes_latents(s) ? PPML_LATENT_CHANNELS_MAX : 4;
  if (s->width == 0 || s->width > PPML_SIDE_MAX) return PPMLI_FAULT_WIDTH;
  if (s->height == 0 || s->height > PPML_SIDE_MAX) return PPMLI_FAULT_HEIGHT;
  if (s->channels == 0 || s->channels > channels) return PPMLI_FAULT_CHANNELS;
  if (s->input_bits < 1 || s->input_bits > 8) return PPMLI_FAULT_INPUT_BITS;
  if (s->outputs < 1 || s->outputs > PPML_CLASSES_MAX) return PPMLI_FAULT_OUTPUTS;
  if (s->classes < 2 || s->classes > PPML_CLASSES_MAX) return PPMLI_FAULT_CLASSES;
  return PPMLI_FAULT_NONE;
}

PPMLI_INLINE int ppmli_spec_has_shape(const ppml_spec *s) {
  return ppmli_spec_shape_fault(s) == PPMLI_FAULT_NONE;
}

#ifdef PPMLI_NO_ENCODERS
PPMLI_STATIC int ppmli_spec_encoder_fault(ppmli_place *at, const ppml_spec *s) {
  at->layer = at->index = 0;
  return s->encoder.kind == PPML_ENCODER_NONE ? PPMLI_FAULT_NONE : PPMLI_FAULT_ENCODER_KIND;
}
#else
/* Does an encoder, of a kind that there is, fit the images?  Sizes of its arrays are bounded then. */
PPMLI_STATIC int ppmli_spec_encoder_shape_fault(const ppml_spec *s) {
  const ppml_encoder *e = &s->encoder;
  int is_ready = e->kind == PPML_ENCODER_READY;
  if (!is_ready && e->kind != PPML_ENCODER_PATCHES) return PPMLI_FAULT_ENCODER_KIND;
  if (!ppmli_encoder_is_patch(e->patch) || (is_ready && e->patch != 1))
    return PPMLI_FAULT_ENCODER_PATCH;
  if (s->width % e->patch || s->height % e->patch) return PPMLI_FAULT_ENCODER_PATCH;
  if (e->channels == 0 || e->channels > PPML_LATENT_CHANNELS_MAX)
    return PPMLI_FAULT_ENCODER_CHANNELS;
  uint32_t values = is_ready ? s->channels : e->patch * e->patch * s->channels;
  if (is_ready ? e->channels != values : e->channels > values) return PPMLI_FAULT_ENCODER_CHANNELS;
  if (s->width / e->patch * (s->height / e->patch) > PPML_LATENTS_MAX / e->channels)
    return PPMLI_FAULT_ENCODER_LATENTS;
  if (!is_ready && values * e->channels > PPML_ENCODER_WEIGHTS_MAX)
    return PPMLI_FAULT_ENCODER_WEIGHTS;
  return PPMLI_FAULT_NONE;
}

/* Is there no encoder, or a valid one?
 *   at  out: the channel that a fault is of */
PPMLI_STATIC int ppmli_spec_encoder_fault(ppmli_place *at, const ppml_spec *s) {
  const ppml_encoder *e = &s->encoder;
  at->layer = at->index = 0;
  if (e->kind == PPML_ENCODER_NONE) return PPMLI_FAULT_NONE;
  int fault = ppmli_spec_encoder_shape_fault(s);
  if (fault) return fault;
  if (s->input_bits < 2) return PPMLI_FAULT_ENCODER_BITS;
  if (e->standardise > 1) return PPMLI_FAULT_ENCODER_STANDARDISE;
  if (e->scale_log2 < -PPMLI_ENCODER_SCALE_MAX || e->scale_log2 > PPMLI_ENCODER_SCALE_MAX)
    return PPMLI_FAULT_ENCODER_SCALE;
  for (; at->index < e->channels && !e->standardise; at->index++)
    if (e->spread[at->index] < 1) return PPMLI_FAULT_ENCODER_SPREAD;
  at->index = 0;
  if (e->reach == 0 || e->reach > PPMLI_REACH_MAX) return PPMLI_FAULT_ENCODER_REACH;
  if (e->regions == 0 || e->regions > PPMLI_REGIONS_MAX) return PPMLI_FAULT_ENCODER_REGIONS;
  uint32_t side = e->patch * e->regions;
  return s->width % side || s->height % side ? PPMLI_FAULT_ENCODER_REGIONS : PPMLI_FAULT_NONE;
}
#endif

PPMLI_STATIC int ppmli_spec_range_fault(const ppml_spec *s) {
  const ppml_range *r = &s->range;
  const int64_t most = (int64_t)1 << 62;
  if (r->kind > PPML_RANGE_BYTES) return PPMLI_FAULT_RANGE_KIND;
  if (r->kind != PPML_RANGE_TYPE && ppmli_spec_takes_latents(s)) return PPMLI_FAULT_RANGE_KIND;
  if (r->kind == PPML_RANGE_TYPE)
    return r->black || r->white ? PPMLI_FAULT_RANGE_VALUES : PPMLI_FAULT_NONE;
  int is_range = -most <= r->black && r->black < r->white && r->white <= most;
  return is_range ? PPMLI_FAULT_NONE : PPMLI_FAULT_RANGE_VALUES;
}

/*   at  out: the class or threshold that a fault is of
 * Returns the first rule that the spec breaks. */
PPMLI_STATIC int ppmli_spec_fault(ppmli_place *at, const ppml_spec *s, const ppml_limits *limits) {
  int fault = ppmli_spec_shape_fault(s);
  at->layer = at->index = 0;
  if (fault) return fault;
  if (ppmli_spec_inputs(s) > limits->inputs) return PPMLI_FAULT_INPUTS;
  if (s->score_unit < 1) return PPMLI_FAULT_SCORE_UNIT;
  if (ppmli_spec_decides(s) && s->decides != 1) return PPMLI_FAULT_DECIDES;
  fault = ppmli_spec_task_fault(at, s);
  if (fault) return fault;
  for (uint32_t c = 0; c < s->classes; c++) {
    at->index = c;
    if (!ppmli_name_is_valid(s->class_name[c])) return PPMLI_FAULT_CLASS_NAME;
  }
  fault = ppmli_spec_encoder_fault(at, s);
  return fault ? fault : ppmli_spec_range_fault(s);
}

PPMLI_STATIC int ppmli_spec_is_valid(const ppml_spec *s, const ppml_limits *limits) {
  ppmli_place unread;
  return ppmli_spec_fault(&unread, s, limits) == PPMLI_FAULT_NONE;
}

#endif
