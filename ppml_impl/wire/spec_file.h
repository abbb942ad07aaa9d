/* How a spec stands in a file: what images and answers look like, then the encoder and the range, if there are
 * any.  In and out: a ppml_spec.  It has no file of its own; client_file.h and model_file.h begin with it. Next:
 * client_file.h. */
#ifndef PPMLI_WIRE_SPEC_FILE_H
#define PPMLI_WIRE_SPEC_FILE_H

#include "../network/spec.h"
#include "container.h"

/* -------------------------------------------------------------- encoder */

#define PPMLI_SPEC_ENCODER 0x100u /* in the word of the task: an encoder follows the spec */

#ifdef PPMLI_NO_ENCODERS /* a spec with one is refused before it is written */
PPMLI_INLINE void ppmli_encoder_put(ppmli_out *out, const ppml_spec *s) {
  (void)out, (void)s;
}
PPMLI_INLINE size_t ppmli_encoder_wire_bytes(const ppml_spec *s) {
  (void)s;
  return 0;
}
PPMLI_INLINE int ppmli_encoder_get(ppml_spec *s, ppmli_in *in) {
  (void)s, (void)in;
  return PPML_ERR_RANGE;
}
#else
/* Arrays that an encoder has: weights, or none; centers and spreads, or none. */
PPMLI_STATIC size_t ppmli_encoder_weights(const ppml_spec *s) {
  const ppml_encoder *e = &s->encoder;
  if (e->kind != PPML_ENCODER_PATCHES) return 0;
  return (size_t)e->channels * e->patch * e->patch * s->channels;
}

PPMLI_INLINE size_t ppmli_encoder_centers(const ppml_encoder *e) {
  return e->standardise ? 0 : e->channels;
}

PPMLI_STATIC void ppmli_encoder_put(ppmli_out *out, const ppml_spec *s) {
  const ppml_encoder *e = &s->encoder;
  ppmli_out_u32(out, e->kind);
  ppmli_out_u32(out, e->patch);
  ppmli_out_u32(out, e->channels);
  ppmli_out_u32(out, e->standardise);
  ppmli_out_u32(out, e->regions);
  ppmli_out_u32(out, e->reach);
  ppmli_out_i32s(out, &e->scale_log2, 1);
  ppmli_out_i32s(out, e->center, ppmli_encoder_centers(e));
  ppmli_out_i32s(out, e->spread, ppmli_encoder_centers(e));
  ppmli_out_bytes(out, e->weight, ppmli_encoder_weights(s));
}

PPMLI_STATIC size_t ppmli_encoder_wire_bytes(const ppml_spec *s) {
  if (s->encoder.kind == PPML_ENCODER_NONE) return 0;
  return 7 * 4 + 8 * ppmli_encoder_centers(&s->encoder) + ppmli_encoder_weights(s);
}

/* Shapes are checked before arrays of that size are read. */
PPMLI_STATIC int ppmli_encoder_get(ppml_spec *s, ppmli_in *in) {
  ppml_encoder *e = &s->encoder;
  e->kind = ppmli_in_u32(in);
  e->patch = ppmli_in_u32(in);
  e->channels = ppmli_in_u32(in);
  e->standardise = ppmli_in_u32(in);
  e->regions = ppmli_in_u32(in);
  e->reach = ppmli_in_u32(in);
  ppmli_in_i32s(in, &e->scale_log2, 1);
  if (in->error) return in->error;
  if (e->kind == PPML_ENCODER_NONE || !ppmli_spec_has_shape(s)) return PPML_ERR_RANGE;
  if (ppmli_spec_encoder_shape_fault(s) != PPMLI_FAULT_NONE) return PPML_ERR_RANGE;
  ppmli_in_i32s(in, e->center, ppmli_encoder_centers(e));
  ppmli_in_i32s(in, e->spread, ppmli_encoder_centers(e));
  ppmli_in_bytes(in, e->weight, ppmli_encoder_weights(s));
  return in->error;
}
#endif

/* ---------------------------------------------------------------- range */

#define PPMLI_SPEC_RANGE 0x200u /* in the word of the task: a range follows, behind the encoder */
#define PPMLI_RANGE_WIRE_BYTES 20

PPMLI_STATIC void ppmli_range_put(ppmli_out *out, const ppml_range *r) {
  ppmli_out_u32(out, r->kind);
  ppmli_out_u64(out, (uint64_t)r->black);
  ppmli_out_u64(out, (uint64_t)r->white);
}

/* A range is written where it is not TYPE, so that a spec has one form alone. */
PPMLI_STATIC int ppmli_range_get(ppml_range *r, ppmli_in *in) {
  r->kind = ppmli_in_u32(in);
  r->black = (int64_t)ppmli_in_u64(in);
  r->white = (int64_t)ppmli_in_u64(in);
  return in->error ? in->error : r->kind == PPML_RANGE_TYPE ? PPML_ERR_RANGE : PPML_OK;
}

/* ----------------------------------------------------------------- spec */

/* In the word of the task: scores are decisions.  A build that has none sees a task that there is not. */
#ifdef PPML_LINEAR_ONLY
#define PPMLI_SPEC_DECIDES 0u
#else
#define PPMLI_SPEC_DECIDES 0x400u
#endif

/* Numbers that a spec begins with, here and in memory: from width to score_unit. */
#define PPMLI_SPEC_FIELDS 7

typedef char ppmli_spec_fields_are_in_order
    [offsetof(ppml_spec, score_unit) == 4 * (PPMLI_SPEC_FIELDS - 1) ? 1 : -1];

PPMLI_STATIC void ppmli_spec_put(ppmli_out *out, const ppml_spec *s) {
  uint32_t fields[PPMLI_SPEC_FIELDS];
  memcpy(fields, s, sizeof fields);
  for (size_t i = 0; i < PPMLI_SPEC_FIELDS; i++) ppmli_out_u32(out, fields[i]);
  for (uint32_t c = 0; c < s->classes; c++)
    ppmli_out_bytes(out, s->class_name[c], PPML_CLASS_NAME_BYTES);
  int has_encoder = s->encoder.kind != PPML_ENCODER_NONE;
  int has_range = s->range.kind != PPML_RANGE_TYPE;
  ppmli_out_u32(out, s->task | (has_encoder ? PPMLI_SPEC_ENCODER : 0) |
                         (has_range ? PPMLI_SPEC_RANGE : 0) |
                         (s->decides ? PPMLI_SPEC_DECIDES : 0));
  ppmli_out_i32s(out, s->threshold, s->outputs);
  if (has_encoder) ppmli_encoder_put(out, s);
  if (has_range) ppmli_range_put(out, &s->range);
}

PPMLI_STATIC size_t ppmli_spec_wire_bytes(const ppml_spec *s) {
  return 8 * 4 + (size_t)s->classes * PPML_CLASS_NAME_BYTES + (size_t)s->outputs * 4 +
         ppmli_encoder_wire_bytes(s) +
         (s->range.kind != PPML_RANGE_TYPE ? PPMLI_RANGE_WIRE_BYTES : 0);
}

PPMLI_STATIC int ppmli_spec_get(ppml_spec *s, ppmli_in *in, const ppml_limits *limits) {
  uint32_t fields[PPMLI_SPEC_FIELDS];
  memset(s, 0, sizeof *s);
  for (size_t i = 0; i < PPMLI_SPEC_FIELDS; i++) fields[i] = ppmli_in_u32(in);
  memcpy(s, fields, sizeof fields);
  if (in->error) return in->error;
  if (s->classes > PPML_CLASSES_MAX || s->outputs > PPML_CLASSES_MAX) return PPML_ERR_RANGE;
  for (uint32_t c = 0; c < s->classes; c++)
    ppmli_in_bytes(in, s->class_name[c], PPML_CLASS_NAME_BYTES);
  s->task = ppmli_in_u32(in);
  ppmli_in_i32s(in, s->threshold, s->outputs);
  if (in->error) return in->error;
  uint32_t parts = s->task & (PPMLI_SPEC_ENCODER | PPMLI_SPEC_RANGE | PPMLI_SPEC_DECIDES);
  s->task &= ~parts;
  if (parts & PPMLI_SPEC_DECIDES) s->decides = 1;
  if (parts & PPMLI_SPEC_ENCODER) PPMLI_TRY(ppmli_encoder_get(s, in));
  if (parts & PPMLI_SPEC_RANGE) PPMLI_TRY(ppmli_range_get(&s->range, in));
  return ppmli_spec_is_valid(s, limits) ? PPML_OK : PPML_ERR_RANGE;
}

#endif
