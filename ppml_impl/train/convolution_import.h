/* A convolutional network with polynomials that was trained elsewhere, as a pooled model: an encoder that
 * does no more than round its input, and the network's own weights, folded (network/convolution.h). */
#ifndef PPMLI_TRAIN_CONVOLUTION_IMPORT_H
#define PPMLI_TRAIN_CONVOLUTION_IMPORT_H

#include <math.h>

#include "../base/arena.h"
#include "../network/autocorr.h"
#include "../network/convolution.h"
#include "../network/encoder.h"
#include "../network/pooled.h"
#include "../network/spec.h"
#include "encoder_train.h"
#include "latent_train.h"
#include "pooled_train.h"

#define PPMLI_IMPORT_WEIGHT 127          /* of the pixel that a latent is of */
#define PPMLI_IMPORT_MOST ((double)1e30) /* of the network's numbers */

/* Are numbers finite, and no larger than products of a few of them may be? */
PPMLI_STATIC int ppmli_import_is_sane(const float *x, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!(fabs((double)x[i]) < PPMLI_IMPORT_MOST)) return 0;
  return 1;
}

/* Has the network its arrays, of numbers, and do options ask for what it is: one region, and latents
 * that are values of the image? */
PPMLI_STATIC int ppmli_import_is_valid(const ppml_convolution *net, const ppml_pooled_options *o) {
  int unread;
  if (net->filters == 0 || net->filters > 4096 || ppmli_latent_refusal(o, &unread)) return 0;
  if (o->patch != 1 || o->latents != o->channels || o->regions != 1 || o->standardise) return 0;
  if (o->linear != PPML_POOLED_LINEAR_ALL || o->copies) return 0;
  if (!net->kernel || !net->bias || !net->square || !net->linear || !net->constant) return 0;
  if (!net->dense || !net->dense_bias) return 0;
  size_t filters = net->filters, outputs = ppmli_task_outputs(o->task, o->classes);
  for (uint32_t c = 0; c < o->channels; c++)
    if (!(fabs((double)net->mean[c]) < 1e6) || !(net->std[c] > 1e-6f)) return 0;
  return ppmli_import_is_sane(net->kernel, filters * o->channels * o->reach * o->reach) &&
         ppmli_import_is_sane(net->bias, filters) && ppmli_import_is_sane(net->square, filters) &&
         ppmli_import_is_sane(net->linear, filters) &&
         ppmli_import_is_sane(net->constant, filters) &&
         ppmli_import_is_sane(net->dense, outputs * filters) &&
         ppmli_import_is_sane(net->dense_bias, outputs);
}

/* ---------------------------------------------------------------- encoder */

/* Numbers of the encoder that an x of 1 is. */
PPMLI_STATIC double ppmli_import_scale(const ppml_spec *s) {
  if (s->encoder.kind == PPML_ENCODER_READY) return ldexp(1, s->encoder.scale_log2);
  return 255.0 * PPMLI_IMPORT_WEIGHT;
}

/* The largest distance of a channel's numbers from its center: of bytes what they can have.
 *   number [plane]  scratch */
PPMLI_STATIC double ppmli_import_reach(int32_t *number, const ppml_spec *s, uint32_t channel,
                                       double center, const ppml_images *images) {
  ppmli_encoder e = ppmli_spec_encoder(s);
  double most = 0, full = ppmli_import_scale(s);
  if (e.kind == PPML_ENCODER_PATCHES) return fmax(fabs(center), fabs(full - center));
  for (size_t n = 0; n < images->count; n++) {
    ppmli_encoder_take(number, &e, channel, images->pixels + n * ppmli_spec_image_bytes(s));
    for (size_t i = 0; i < ppmli_encoder_plane(&e); i++)
      most = fmax(most, fabs(number[i] - center));
  }
  return most;
}

/* A latent of 0 is an x of the channel's mean, which zeros around an image are too; the latents'
 * range is that of the images, so none is cut.
 *   unit  [channels]  out: what a latent of 1 is, in deviations
 * Scratch: a plane of numbers.  Errors: NOMEM; RANGE for a mean that is far off. */
PPMLI_STATIC int ppmli_import_encoder(ppml_spec *s, float *unit, const ppml_convolution *net,
                                      const ppml_images *images, ppml_arena *arena) {
  ppml_encoder *to = &s->encoder;
  ppmli_encoder e = ppmli_spec_encoder(s);
  size_t mark = arena->used_bytes, latents = ppmli_encoder_latents(&e) * images->count;
  double steps = (double)((1 << s->input_bits) - 1);
  PPMLI_ALLOC(int32_t, number, arena, ppmli_encoder_plane(&e));
  if (to->kind == PPML_ENCODER_READY)
    to->scale_log2 = ppmli_encoder_learn_scale(&e, images->pixels, latents);
  for (uint32_t c = 0; c < to->channels; c++) {
    double center = floor((double)net->mean[c] * ppmli_import_scale(s) + 0.5);
    if (fabs(center) > (double)(1 << 28)) return PPML_ERR_RANGE;
    double spread = ceil(ppmli_import_reach(number, s, c, center, images) / PPMLI_ENCODER_RANGE);
    to->center[c] = (int32_t)center;
    to->spread[c] = (int32_t)fmax(spread, 1);
    unit[c] = (float)(2 * PPMLI_ENCODER_RANGE * to->spread[c] / steps / ppmli_import_scale(s) /
                      (double)net->std[c]);
    if (to->kind == PPML_ENCODER_PATCHES) to->weight[c * to->channels + c] = PPMLI_IMPORT_WEIGHT;
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ------------------------------------------------------------------- fold */

PPMLI_STATIC size_t ppmli_import_floats_bytes(const ppmli_latent_shape *s, uint32_t outputs) {
  return ppmli_arena_rounded(outputs * ppmli_autocorr_sums(s) * sizeof(double)) +
         ppmli_arena_rounded(outputs * ppmli_latent_count(s) * sizeof(double)) +
         ppmli_arena_rounded(outputs * sizeof(double));
}

/* The network's weights before they are rounded; in arena. */
PPMLI_STATIC int ppmli_import_fold(ppmli_pooled_floats *out, const ppml_convolution *net,
                                   const ppmli_latent_shape *s, const float *unit, uint32_t outputs,
                                   ppml_arena *arena) {
  ppmli_convolution v;
  PPMLI_ALLOC(double, square, arena, outputs *ppmli_autocorr_sums(s));
  PPMLI_ALLOC(double, linear, arena, outputs *ppmli_latent_count(s));
  PPMLI_ALLOC(double, bias, arena, outputs);
  out->square = square, out->linear = linear, out->bias = bias;
  v.shape = *s;
  v.filters = net->filters, v.outputs = outputs;
  v.unit = unit;
  v.kernel = net->kernel, v.bias = net->bias;
  v.square = net->square, v.linear = net->linear, v.constant = net->constant;
  v.dense = net->dense, v.dense_bias = net->dense_bias;
  ppmli_convolution_fold(out, &v);
  return PPML_OK;
}

PPMLI_STATIC size_t ppmli_import_bytes(const ppml_pooled_options *o, size_t count) {
  ppml_spec s;
  ppmli_latent_spec(&s, o);
  ppmli_encoder e = ppmli_spec_encoder(&s);
  ppmli_latent_shape shape = ppmli_encoder_latent_shape(&e);
  size_t training = ppmli_latent_train_bytes(o, count, count, 1);
  if (training == 0) return 0;
  return training + ppmli_import_floats_bytes(&shape, s.outputs) + ppmli_encoder_center_scratch(&e);
}

/* Arguments as of ppml_quantize_convolution. */
PPMLI_STATIC int ppmli_import_convolution(ppml_model *m, const ppml_convolution *net,
                                          const ppml_pooled_options *o, const ppml_images *images,
                                          ppml_arena *arena) {
  float unit[PPML_LATENT_CHANNELS_MAX];
  ppmli_pooled_floats floats;
  ppmli_pooled pooled;
  if (!ppmli_import_is_valid(net, o) || images->count == 0) return PPML_ERR_ARG;
  memset(m, 0, sizeof *m);
  ppmli_latent_spec(&m->spec, o);
  ppmli_spec_name_classes(&m->spec);
  PPMLI_TRY(ppmli_latent_images_are_valid(&m->spec, images));
  PPMLI_TRY(ppmli_import_encoder(&m->spec, unit, net, images, arena));
  ppmli_encoder e = ppmli_spec_encoder(&m->spec);
  ppmli_latent_shape shape = ppmli_encoder_latent_shape(&e);
  size_t values = e.kind == PPML_ENCODER_PATCHES ? ppmli_encoder_patch_values(&e) : 0;
  PPMLI_ALLOC(uint8_t, mean, arena, values);
  for (size_t i = 0; i < values; i++)
    mean[i] = (uint8_t)fmin(255, fmax(0, 255 * (double)net->mean[i] + 0.5));
  PPMLI_TRY(ppmli_import_fold(&floats, net, &shape, unit, m->spec.outputs, arena));
  PPMLI_TRY(ppmli_pooled_train(&pooled, &m->spec, &m->margin_p05, &e, o, &floats, images, images,
                               NULL, NULL, arena));
  ppmli_latent_take(m, &pooled, values ? mean : NULL);
  return PPML_OK;
}

#endif
