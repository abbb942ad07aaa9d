/* The files of the client: its spec (how to encrypt and to read answers, no weight) and its secret key. */
#ifndef PPMLI_WIRE_CLIENT_FILE_H
#define PPMLI_WIRE_CLIENT_FILE_H

#include "../base/ct.h"
#include "../base/digest.h"
#include "../math/params.h"
#include "../network/client.h"
#include "../network/spec.h"
#include "container.h"
#include "limits.h"

/* -------------------------------------------------------------- encoder */

#define PPMLI_SPEC_ENCODER 0x100u /* in the word of the task: an encoder follows the spec */

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

/* ----------------------------------------------------------------- spec */

PPMLI_STATIC void ppmli_spec_put(ppmli_out *out, const ppml_spec *s) {
  const uint32_t fields[] = {s->width,   s->height,  s->channels,  s->input_bits,
                             s->classes, s->outputs, s->score_unit};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) ppmli_out_u32(out, fields[i]);
  for (uint32_t c = 0; c < s->classes; c++)
    ppmli_out_bytes(out, s->class_name[c], PPML_CLASS_NAME_BYTES);
  int has_encoder = s->encoder.kind != PPML_ENCODER_NONE;
  ppmli_out_u32(out, s->task | (has_encoder ? PPMLI_SPEC_ENCODER : 0));
  ppmli_out_i32s(out, s->threshold, s->outputs);
  if (has_encoder) ppmli_encoder_put(out, s);
}

PPMLI_STATIC size_t ppmli_spec_wire_bytes(const ppml_spec *s) {
  return 8 * 4 + (size_t)s->classes * PPML_CLASS_NAME_BYTES + (size_t)s->outputs * 4 +
         ppmli_encoder_wire_bytes(s);
}

PPMLI_STATIC int ppmli_spec_get(ppml_spec *s, ppmli_in *in, const ppml_limits *limits) {
  memset(s, 0, sizeof *s);
  s->width = ppmli_in_u32(in);
  s->height = ppmli_in_u32(in);
  s->channels = ppmli_in_u32(in);
  s->input_bits = ppmli_in_u32(in);
  s->classes = ppmli_in_u32(in);
  s->outputs = ppmli_in_u32(in);
  s->score_unit = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (s->classes > PPML_CLASSES_MAX || s->outputs > PPML_CLASSES_MAX) return PPML_ERR_RANGE;
  for (uint32_t c = 0; c < s->classes; c++)
    ppmli_in_bytes(in, s->class_name[c], PPML_CLASS_NAME_BYTES);
  s->task = ppmli_in_u32(in);
  ppmli_in_i32s(in, s->threshold, s->outputs);
  if (in->error) return in->error;
  if (s->task & PPMLI_SPEC_ENCODER) {
    s->task &= ~PPMLI_SPEC_ENCODER;
    PPMLI_TRY(ppmli_encoder_get(s, in));
  }
  return ppmli_spec_is_valid(s, limits) ? PPML_OK : PPML_ERR_RANGE;
}

/* ------------------------------------------------- client and secret key */

PPMLI_INLINE size_t ppmli_client_wire_bytes(const ppml_client *c) {
  return ppmli_spec_wire_bytes(&c->spec) + 28 + 4 * (size_t)c->spec.outputs;
}

PPMLI_STATIC void ppmli_client_put(ppmli_out *out, const ppml_client *c) {
  ppmli_spec_put(out, &c->spec);
  ppmli_out_u64(out, c->score_unit);
  ppmli_out_u64(out, c->score_noise);
  ppmli_out_u32(out, c->answer_step);
  ppmli_out_u32(out, c->publish);
  ppmli_out_u32(out, c->renew_after);
  ppmli_out_i32s(out, c->score_peak, c->spec.outputs);
}

/* The domain word, then the set's numbers, what the file has, and the circuit. */
PPMLI_STATIC void ppmli_client_id(uint8_t *id, const ppml_client *c) {
  static const char domain[] = "ppml client 3";
  uint8_t params[PPML_ID_BYTES];
  ppmli_out out;
  ppmli_params_digest(params, c->params);
  ppmli_out_begin_digest(&out);
  ppmli_out_bytes(&out, domain, sizeof domain);
  ppmli_out_bytes(&out, params, sizeof params);
  ppmli_out_bytes(&out, c->circuit_id, PPML_ID_BYTES);
  ppmli_client_put(&out, c);
  ppmli_digest_final(&out.digest, id);
}

PPMLI_STATIC int ppmli_client_get(ppml_client *c, ppmli_in *in, const ppml_header *h,
                                  const ppml_limits *limits) {
  memset(c, 0, sizeof *c);
  c->params = h->params;
  memcpy(c->circuit_id, h->circuit_id, PPML_ID_BYTES);
  PPMLI_TRY(ppmli_spec_get(&c->spec, in, limits));
  c->score_unit = ppmli_in_u64(in);
  c->score_noise = ppmli_in_u64(in);
  c->answer_step = ppmli_in_u32(in);
  c->publish = ppmli_in_u32(in);
  c->renew_after = ppmli_in_u32(in);
  ppmli_in_i32s(in, c->score_peak, c->spec.outputs);
  if (in->error) return in->error;
  return ppmli_client_is_valid(c, limits) ? PPML_OK : PPML_ERR_RANGE;
}

PPMLI_STATIC int ppmli_client_write(const ppml_client *c, ppml_writer *writer) {
  ppml_header h = {
      PPML_KIND_CLIENT, PPML_FORMAT_VERSION, c->params, ppmli_client_wire_bytes(c), {0}, {0}};
  const ppml_limits limits = ppmli_limits_default();
  ppmli_out out;
  if (!ppmli_client_is_valid(c, &limits)) return PPML_ERR_RANGE;
  memcpy(h.circuit_id, c->circuit_id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_client_put(&out, c);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_client_read(ppml_client *c, ppml_reader *reader, const ppml_limits *limits) {
  ppmli_in in;
  ppml_header h;
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_CLIENT, reader, limits));
  PPMLI_TRY(ppmli_client_get(c, &in, &h, limits));
  return ppmli_in_end(&in);
}

PPMLI_STATIC int ppmli_secret_key_write(const ppml_secret_key *key, ppml_writer *writer) {
  const ppml_params *p = key->client.params;
  size_t glwe_bytes = ppmli_params_key_bytes(p), lwe_bytes = p->lwe_dim / 8;
  ppml_header h = {PPML_KIND_SECRET_KEY,
                   PPML_FORMAT_VERSION,
                   p,
                   ppmli_client_wire_bytes(&key->client) + glwe_bytes + lwe_bytes,
                   {0},
                   {0}};
  const ppml_limits limits = ppmli_limits_default();
  ppmli_out out;
  if (!ppmli_client_is_valid(&key->client, &limits)) return PPML_ERR_RANGE;
  memcpy(h.circuit_id, key->client.circuit_id, PPML_ID_BYTES);
  memcpy(h.key_id, key->id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_client_put(&out, &key->client);
  ppmli_out_bytes(&out, key->glwe_bits, glwe_bytes);
  ppmli_out_bytes(&out, key->lwe_bits, lwe_bytes);
  int error = ppmli_out_end(&out);
  ppmli_wipe(&out, sizeof out);
  return error;
}

/* A secret key read from untrusted bytes is wiped unless all of it was in order. */
PPMLI_STATIC int ppmli_secret_key_get(ppml_secret_key *key, ppmli_in *in, ppml_reader *reader,
                                      const ppml_limits *limits) {
  ppml_header h;
  PPMLI_TRY(ppmli_in_begin_kind(in, &h, PPML_KIND_SECRET_KEY, reader, limits));
  PPMLI_TRY(ppmli_client_get(&key->client, in, &h, limits));
  memcpy(key->id, h.key_id, PPML_ID_BYTES);
  ppmli_in_bytes(in, key->glwe_bits, ppmli_params_key_bytes(h.params));
  ppmli_in_bytes(in, key->lwe_bits, h.params->lwe_dim / 8);
  return ppmli_in_end(in);
}

PPMLI_STATIC int ppmli_secret_key_read(ppml_secret_key *key, ppml_reader *reader,
                                       const ppml_limits *limits) {
  ppmli_in in;
  memset(key, 0, sizeof *key);
  int error = ppmli_secret_key_get(key, &in, reader, limits);
  ppmli_wipe(&in, sizeof in);
  if (error) ppmli_wipe(key, sizeof *key);
  return error;
}

#endif
