/* latents_support.h - a small network behind an encoder, made by hand, for the suites of those. */
#ifndef PPML_TEST_LATENTS_SUPPORT_H
#define PPML_TEST_LATENTS_SUPPORT_H

#include "support.h"

enum {
  SIDE = 8,
  PATCH = 2,
  CHANNELS = 2,
  REGIONS = 2,
  OUTPUTS = 3,
  PLANE = 16,
  BYTES_MAX = 1 << 14
};
enum { TERMS = 2 * 5 + 9, SUMS = REGIONS * REGIONS * TERMS, LATENTS = CHANNELS * PLANE };

/* Three labels of pictures of 8 x 8, latents of 4 x 4 patches, four regions, lags of one. */
typedef struct fixture {
  ppml_model model;
  int8_t square[OUTPUTS * SUMS];
  int32_t linear[OUTPUTS * LATENTS];
  int64_t bias[OUTPUTS], peak[OUTPUTS];
  uint8_t mean[PATCH * PATCH];
  uint8_t image[SIDE * SIDE * 4];
  ppml_arena arena;
} fixture;

/* Ready latents, too: two channels of 4 x 4 floats. */
TEST_STATIC void make_ready(ppml_spec *s) {
  s->width = s->height = 4;
  s->channels = CHANNELS;
  s->encoder.kind = PPML_ENCODER_READY;
  s->encoder.patch = 1;
  s->encoder.scale_log2 = 12;
}

TEST_STATIC void make(fixture *f, uint32_t kind, uint32_t standardise) {
  ppml_rng rng = test_rng(31);
  ppml_spec *s = &f->model.spec;
  ppml_encoder *e = &s->encoder;
  memset(f, 0, sizeof *f);
  s->width = s->height = SIDE, s->channels = 1;
  s->input_bits = 5, s->classes = s->outputs = OUTPUTS, s->score_unit = 100;
  s->task = PPML_TASK_LABELS;
  for (uint32_t c = 0; c < OUTPUTS; c++) s->class_name[c][0] = (char)('a' + c);
  e->kind = PPML_ENCODER_PATCHES, e->patch = PATCH, e->channels = CHANNELS;
  e->standardise = standardise;
  e->regions = REGIONS, e->reach = 2;
  for (int i = 0; i < CHANNELS; i++) {
    if (!standardise) e->center[i] = 100 * i, e->spread[i] = 3000 + i;
    for (int j = 0; j < 4; j++) e->weight[4 * i + j] = (int8_t)(i == 0 || j % 2 ? 90 + j : -90);
  }
  if (kind == PPML_ENCODER_READY) {
    make_ready(s);
    memset(e->weight, 0, sizeof e->weight);
  }
  for (size_t i = 0; i < sizeof f->square; i++) f->square[i] = (int8_t)test_within(&rng, 15);
  for (size_t i = 0; i < OUTPUTS * LATENTS; i++) f->linear[i] = test_within(&rng, 1000);
  for (size_t i = 0; i < OUTPUTS; i++) f->bias[i] = test_within(&rng, 5000), f->peak[i] = 40000;
  for (size_t i = 0; i < sizeof f->mean; i++) f->mean[i] = 128;
  for (size_t i = 0; i < SIDE * SIDE; i++) f->image[i] = (uint8_t)test_below(&rng, 256);
  for (size_t i = 0; i < LATENTS && kind == PPML_ENCODER_READY; i++) {
    float x = (float)test_within(&rng, 1000) / 300;
    memcpy(f->image + 4 * i, &x, sizeof x);
  }
  ppml_pooled *p = &f->model.pooled;
  p->square = f->square, p->linear = f->linear, p->bias = f->bias, p->peak = f->peak;
  p->mean = kind == PPML_ENCODER_PATCHES ? f->mean : NULL;
  f->arena = test_arena(BYTES_MAX);
}

#endif
