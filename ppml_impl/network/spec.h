/* What an image and an answer look like, and whether a ppml_spec that came from outside says something
 * that can be.  Next: model.h for the network itself, answer.h for what scores mean. */
#ifndef PPMLI_NETWORK_SPEC_H
#define PPMLI_NETWORK_SPEC_H

#include "encoder.h"
#include "name.h"

PPMLI_INLINE size_t ppmli_spec_inputs(const ppml_spec *spec) {
  return (size_t)spec->width * spec->height * spec->channels;
}

/* Bytes of one image, as ppml_spec_image_bytes has them. */
PPMLI_INLINE size_t ppmli_spec_image_bytes(const ppml_spec *spec) {
  int is_ready = spec->encoder.kind == PPML_ENCODER_READY;
  return ppmli_spec_inputs(spec) * (is_ready ? sizeof(float) : 1);
}

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

/* Two classes may still have two scores, as networks from elsewhere do. */
PPMLI_STATIC int ppmli_spec_task_is_valid(const ppml_spec *s) {
  int is_pair = s->task == PPML_TASK_CLASS && s->classes == 2 && s->outputs == 2;
  if (s->task > PPML_TASK_GRADE) return 0;
  if (s->outputs != ppmli_task_outputs(s->task, s->classes) && !is_pair) return 0;
  for (uint32_t c = 0; c < s->outputs; c++) {
    if (ppmli_spec_is_contest(s) && s->threshold[c] != 0) return 0;
    if (s->threshold[c] > PPMLI_ACCUMULATOR_MAX || s->threshold[c] < -PPMLI_ACCUMULATOR_MAX)
      return 0;
  }
  return 1;
}

/* Sizes that arrays and sums may be made from. */
PPMLI_STATIC int ppmli_spec_has_shape(const ppml_spec *s) {
  const uint32_t side = 1 << 12;
  uint32_t channels = s->encoder.kind == PPML_ENCODER_READY ? PPML_LATENT_CHANNELS_MAX : 4;
  if (s->width == 0 || s->height == 0 || s->channels == 0) return 0;
  if (s->width > side || s->height > side || s->channels > channels) return 0;
  if (s->input_bits < 1 || s->input_bits > 8) return 0;
  if (s->outputs < 1 || s->outputs > PPML_CLASSES_MAX) return 0;
  return s->classes >= 2 && s->classes <= PPML_CLASSES_MAX;
}

/* No encoder, or one that fits the images. */
PPMLI_STATIC int ppmli_spec_has_valid_encoder(const ppml_spec *s) {
  if (s->encoder.kind == PPML_ENCODER_NONE) return 1;
  if (s->encoder.kind == PPML_ENCODER_READY && s->encoder.channels != s->channels) return 0;
  ppmli_encoder e = ppmli_spec_encoder(s);
  if (!ppmli_encoder_is_valid(&e)) return 0;
  ppmli_latent_shape shape = ppmli_encoder_latent_shape(&e);
  return ppmli_latent_shape_is_valid(&shape);
}

PPMLI_STATIC int ppmli_spec_is_valid(const ppml_spec *s, const ppml_limits *limits) {
  if (!ppmli_spec_has_shape(s) || ppmli_spec_inputs(s) > limits->inputs) return 0;
  if (s->score_unit < 1 || !ppmli_spec_task_is_valid(s)) return 0;
  if (!ppmli_spec_has_valid_encoder(s)) return 0;
  for (uint32_t c = 0; c < s->classes; c++)
    if (!ppmli_name_is_valid(s->class_name[c])) return 0;
  return 1;
}

#endif
