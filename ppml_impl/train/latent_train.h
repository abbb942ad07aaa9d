/* Training of a whole pooled model: first the encoder, learnt from the training images, then the
 * network on the latents that it makes, and layers behind it where they are asked for.  In: images with
 * labels; out: a model.  Next: pooled_train.h, head_train.h. */
#ifndef PPMLI_TRAIN_LATENT_TRAIN_H
#define PPMLI_TRAIN_LATENT_TRAIN_H

#include "../base/arena.h"
#include "../network/autocorr.h"
#include "../network/encoder.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"
#include "../network/spec.h"
#include "encoder_train.h"
#include "head.h"
#include "head_train.h"
#include "pooled_train.h"

PPMLI_STATIC ppml_pooled_options ppmli_pooled_options_default(void) {
  ppml_pooled_options o;
  memset(&o, 0, sizeof o);
  o.encoder = PPML_ENCODER_PATCHES;
  o.patch = 8, o.latents = 2, o.latent_bits = 5, o.standardise = 1;
  o.regions = 4, o.reach = 3, o.linear = PPML_POOLED_LINEAR_ALL;
  o.weight_bits = 5, o.copies = 4, o.seed = 1, o.warp = 1, o.balance = 1;
  return o;
}

/* The spec that options ask for, but for what is learnt. */
PPMLI_STATIC void ppmli_latent_spec(ppml_spec *s, const ppml_pooled_options *o) {
  memset(s, 0, sizeof *s);
  s->width = o->width, s->height = o->height, s->channels = o->channels;
  s->input_bits = o->latent_bits;
  s->task = o->task, s->classes = o->classes;
  s->outputs = ppmli_task_outputs(o->task, o->classes);
  s->score_unit = 1;
  s->encoder.kind = o->encoder;
  s->encoder.patch = o->patch, s->encoder.channels = o->latents;
  s->encoder.standardise = o->standardise;
  s->encoder.regions = o->regions, s->encoder.reach = o->reach;
  for (uint32_t c = 0; c < PPML_LATENT_CHANNELS_MAX; c++) s->encoder.spread[c] = 1;
}

/* Why images of that shape have no such encoder, as one line, or NULL. */
PPMLI_STATIC const char *ppmli_latent_shape_refusal(const ppml_pooled_options *o) {
  ppml_spec s;
  ppmli_latent_spec(&s, o);
  int is_ready = o->encoder == PPML_ENCODER_READY;
  if (!is_ready && o->encoder != PPML_ENCODER_PATCHES) return "no such kind of encoder";
  ppmli_encoder e = ppmli_spec_encoder(&s);
  const char *refusal = ppmli_encoder_shape_refusal(&e);
  if (refusal) return refusal;
  if (is_ready && (o->patch != 1 || o->latents != o->channels))
    return "of ready latents there are no patches, and as many channels as they have";
  if (!ppmli_spec_has_shape(&s) || s.task > PPML_TASK_GRADE)
    return "images have 1 to 4 channels, and a data set 2 to 64 classes";
  return ppmli_encoder_is_valid(&e) ? NULL : "latents have 2 to 8 bits";
}

/* Why there is no such network, or none that can be encrypted, as one line, or NULL.
 *   is_shape  out: 1 where encoder and images do not fit each other */
PPMLI_STATIC const char *ppmli_latent_refusal(const ppml_pooled_options *o, int *is_shape) {
  ppml_spec s;
  const char *refusal = ppmli_latent_shape_refusal(o);
  *is_shape = refusal != NULL;
  if (refusal) return refusal;
  ppmli_latent_spec(&s, o);
  ppmli_encoder e = ppmli_spec_encoder(&s);
  ppmli_latent_shape shape = ppmli_pooled_train_shape(&e, o);
  refusal = ppmli_pooled_train_refusal(&e, o);
  if (!refusal) refusal = ppmli_head_refusal(o, s.outputs);
  return refusal ? refusal : ppmli_pooled_shape_refusal(&shape);
}

/* ----------------------------------------------------------------- memory */

/* Does the size of so many images' features and gates fit a size_t? */
PPMLI_STATIC int ppmli_latent_count_fits(const ppmli_encoder *e, const ppml_pooled_options *o,
                                         size_t count) {
  ppmli_latent_shape shape = ppmli_pooled_train_shape(e, o);
  size_t copies = ppmli_max_size(ppmli_pooled_train_copies(o), ppmli_pooled_validation_copies(e));
  size_t numbers = ppmli_pooled_features(&shape, o) + o->gates;
  return count <= SIZE_MAX / 8 / sizeof(float) / copies / numbers;
}

/* What a training takes, or 0 where it is beyond a size_t. */
PPMLI_STATIC size_t ppmli_latent_train_bytes(const ppml_pooled_options *o, size_t train_count,
                                             size_t validation_count, size_t threads) {
  ppml_spec s;
  ppmli_latent_spec(&s, o);
  ppmli_encoder e = ppmli_spec_encoder(&s);
  size_t mean = 0, learning = 0;
  if (!ppmli_latent_count_fits(&e, o, train_count) ||
      !ppmli_latent_count_fits(&e, o, validation_count))
    return 0;
  if (o->encoder == PPML_ENCODER_PATCHES) {
    mean = ppmli_arena_rounded(ppmli_encoder_patch_values(&e));
    learning = ppmli_encoder_learn_scratch(&e);
  }
  if (!o->standardise) learning = ppmli_max_size(learning, ppmli_encoder_center_scratch(&e));
  ppmli_latent_shape shape = ppmli_pooled_train_shape(&e, o);
  ppmli_head head = ppmli_head_of(o, s.outputs, ppmli_pooled_features(&shape, o));
  uint32_t sums = ppmli_head_features(&head);
  size_t samples = ppmli_pooled_train_copies(o) * train_count +
                   ppmli_pooled_validation_copies(&e) * validation_count;
  size_t fitting = ppmli_pooled_train_bytes(&e, o, s.outputs, sums ? sums : s.outputs, train_count,
                                            validation_count, threads);
  if (sums) fitting += ppmli_head_bytes(&head, samples);
  return mean + ppmli_max_size(learning, fitting);
}

/* ---------------------------------------------------------------- encoder */

/* The encoder of m->spec, and the mean patch, from the images.
 *   mean  [patch values]  out, of PATCHES */
PPMLI_STATIC int ppmli_latent_learn(ppml_model *m, uint8_t *mean, const ppml_images *images,
                                    ppml_arena *arena) {
  ppml_encoder *to = &m->spec.encoder;
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  ppmli_pictures pictures = {images->pixels, images->count};
  size_t latents = ppmli_encoder_latents(&e) * images->count;
  if (to->kind == PPML_ENCODER_PATCHES)
    PPMLI_TRY(ppmli_encoder_learn(to->weight, mean, &e, &pictures, arena));
  else e.scale_log2 = to->scale_log2 = ppmli_encoder_learn_scale(&e, images->pixels, latents);
  if (to->standardise) return PPML_OK;
  return ppmli_encoder_learn_center(to->center, to->spread, &e, images->pixels,
                                    ppmli_spec_image_bytes(&m->spec), images->count, arena);
}

/* Are the labels below classes, of several labels 0 or 1, and all ready latents finite? */
PPMLI_STATIC int ppmli_latent_images_are_valid(const ppml_spec *s, const ppml_images *images) {
  size_t answer = ppmli_spec_answer_bytes(s), each = ppmli_spec_image_bytes(s);
  uint32_t below = s->task == PPML_TASK_LABELS ? 2 : s->classes;
  ppmli_encoder e = ppmli_spec_encoder(s);
  for (size_t i = 0; i < images->count * answer; i++)
    if (images->labels[i] >= below) return PPML_ERR_ARG;
  for (size_t n = 0; n < images->count && e.kind == PPML_ENCODER_READY; n++)
    if (!ppmli_encoder_has_numbers(&e, images->pixels + n * each)) return PPML_ERR_RANGE;
  return PPML_OK;
}

/* Makes a network's arrays the model's. */
PPMLI_STATIC void ppmli_latent_take(ppml_model *m, const ppmli_pooled *net, const uint8_t *mean) {
  m->pooled.square = net->square, m->pooled.linear = net->linear;
  m->pooled.bias = net->bias, m->pooled.peak = net->peak;
  m->pooled.mean = mean;
}

/* Arguments as of ppml_train_pooled. */
PPMLI_STATIC int ppmli_latent_train(ppml_model *m, const ppml_pooled_options *o,
                                    const ppml_images *train, const ppml_images *validation,
                                    const ppml_parallel *parallel, const ppml_pooled_watch *watch,
                                    ppml_arena *arena) {
  int is_shape;
  ppmli_pooled net;
  if (ppmli_latent_refusal(o, &is_shape)) return PPML_ERR_ARG;
  if (train->count == 0 || validation->count == 0) return PPML_ERR_ARG;
  memset(m, 0, sizeof *m);
  ppmli_latent_spec(&m->spec, o);
  ppmli_spec_name_classes(&m->spec);
  PPMLI_TRY(ppmli_latent_images_are_valid(&m->spec, train));
  PPMLI_TRY(ppmli_latent_images_are_valid(&m->spec, validation));
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  size_t values = o->encoder == PPML_ENCODER_PATCHES ? ppmli_encoder_patch_values(&e) : 0;
  PPMLI_ALLOC(uint8_t, mean, arena, values);
  PPMLI_TRY(ppmli_latent_learn(m, mean, train, arena));
  e = ppmli_spec_encoder(&m->spec);
  if (o->gates || o->hidden) {
    m->pooled.mean = values ? mean : NULL;
    return ppmli_head_train(m, &e, o, train, validation, parallel, watch, arena);
  }
  PPMLI_TRY(ppmli_pooled_train(&net, &m->spec, &m->margin_p05, &e, o, NULL, train, validation,
                               parallel, watch, arena));
  ppmli_latent_take(m, &net, values ? mean : NULL);
  return PPML_OK;
}

#endif
