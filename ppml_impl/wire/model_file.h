/* The file of a network in the clear: its spec, then layer after layer, or a pooled network.  Each put function is
 * docs/FORMAT.md in code; each get function checks what it reads.  In and out: a ppml_model. Next:
 * circuit_file.h, which has the same within. */
#ifndef PPMLI_WIRE_MODEL_FILE_H
#define PPMLI_WIRE_MODEL_FILE_H

#include "../base/arena.h"
#include "../base/digest.h"
#include "../math/torus.h"
#include "../network/autocorr.h"
#include "../network/fault.h"
#include "../network/model.h"
#include "../network/pooled.h"
#include "../network/pooled_model.h"
#include "container.h"
#include "limits.h"
#include "spec_file.h"

/* --------------------------------------------------------------- layers */

/*   has_score_peaks  ppmli_model_has_score_peaks(); and so below */
PPMLI_STATIC void ppmli_layer_put(ppmli_out *out, const ppml_layer *layer, int has_score_peaks) {
  ppmli_out_u32(out, layer->inputs);
  ppmli_out_u32(out, layer->outputs);
  ppmli_out_u32(out, layer->activation);
  ppmli_out_u32(out, layer->weight_bits);
  ppmli_out_bytes(out, layer->weight, (size_t)layer->inputs * layer->outputs);
  ppmli_out_i32s(out, layer->bias, layer->outputs);
  if (layer->activation == PPML_ACTIVATION_POLYNOMIAL) {
    ppmli_out_i32s(out, layer->square, layer->outputs);
    ppmli_out_i32s(out, layer->linear, layer->outputs);
  }
  if (ppmli_layer_is_clipped(layer)) ppmli_out_i32s(out, layer->range, layer->outputs);
  if (layer->peak && (ppmli_layer_is_clipped(layer) || has_score_peaks))
    ppmli_out_i32s(out, layer->peak, layer->outputs);
  else
    for (uint32_t j = 0; has_score_peaks && j < layer->outputs; j++) ppmli_out_u32(out, 0);
  if (layer->activation == PPML_ACTIVATION_TABLE)
    ppmli_out_bytes(out, layer->table, PPML_TABLE_SIZE);
}

PPMLI_STATIC size_t ppmli_layer_wire_bytes(const ppml_layer *layer, int has_score_peaks) {
  size_t arrays = layer->activation != PPML_ACTIVATION_NONE ? 3 : has_score_peaks ? 2 : 1;
  size_t table = layer->activation == PPML_ACTIVATION_TABLE ? PPML_TABLE_SIZE : 0;
  return 16 + (size_t)layer->inputs * layer->outputs + 4 * arrays * layer->outputs + table;
}

PPMLI_STATIC int ppmli_layer_get_bytes(const int8_t **out, ppmli_in *in, size_t count,
                                       ppml_arena *arena) {
  if (count > in->remaining_bytes) return PPML_ERR_FORMAT; /* before any memory is taken */
  PPMLI_ALLOC(int8_t, bytes, arena, count);
  ppmli_in_bytes(in, bytes, count);
  *out = bytes;
  return in->error;
}

PPMLI_STATIC int ppmli_layer_get_i32s(const int32_t **out, ppmli_in *in, size_t count,
                                      ppml_arena *arena) {
  if (count > in->remaining_bytes / 4) return PPML_ERR_FORMAT;
  PPMLI_ALLOC(int32_t, words, arena, count);
  ppmli_in_i32s(in, words, count);
  *out = words;
  return in->error;
}

PPMLI_STATIC int ppmli_layer_get(ppml_layer *layer, ppmli_in *in, const ppml_limits *limits,
                                 int has_score_peaks, ppml_arena *arena) {
  layer->inputs = ppmli_in_u32(in);
  layer->outputs = ppmli_in_u32(in);
  layer->activation = ppmli_in_u32(in);
  layer->weight_bits = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (layer->inputs > limits->inputs) return PPML_ERR_RANGE; /* 0 of a layer behind features */
  if (layer->outputs < 1 || layer->outputs > limits->neurons) return PPML_ERR_RANGE;
  if (layer->activation > PPML_ACTIVATION_POLYNOMIAL) return PPML_ERR_RANGE;
  if (has_score_peaks && layer->activation != PPML_ACTIVATION_NONE) return PPML_ERR_RANGE;
  if (layer->weight_bits < 2 || layer->weight_bits > 8) return PPML_ERR_RANGE;
  if (layer->inputs > in->remaining_bytes / layer->outputs) return PPML_ERR_FORMAT;
  size_t weights = (size_t)layer->inputs * layer->outputs;
  PPMLI_TRY(ppmli_layer_get_bytes(&layer->weight, in, weights, arena));
  PPMLI_TRY(ppmli_layer_get_i32s(&layer->bias, in, layer->outputs, arena));
  if (layer->activation == PPML_ACTIVATION_POLYNOMIAL) {
    PPMLI_TRY(ppmli_layer_get_i32s(&layer->square, in, layer->outputs, arena));
    return ppmli_layer_get_i32s(&layer->linear, in, layer->outputs, arena);
  }
  if (ppmli_layer_is_clipped(layer))
    PPMLI_TRY(ppmli_layer_get_i32s(&layer->range, in, layer->outputs, arena));
  if (ppmli_layer_is_clipped(layer) || has_score_peaks)
    PPMLI_TRY(ppmli_layer_get_i32s(&layer->peak, in, layer->outputs, arena));
  if (layer->activation != PPML_ACTIVATION_TABLE) return PPML_OK;
  return ppmli_layer_get_bytes(&layer->table, in, PPML_TABLE_SIZE, arena);
}

/* Peaks that are all 0 are none: nobody trained the model, or looked at images. */
PPMLI_STATIC int ppmli_layer_peaks_are_unknown(const ppml_layer *layer) {
  for (uint32_t j = 0; j < layer->outputs; j++)
    if (layer->peak[j] != 0) return 0;
  return 1;
}

/* --------------------------------------------------------- pooled network */

PPMLI_STATIC void ppmli_out_i64s(ppmli_out *out, const int64_t *x, size_t count) {
  for (size_t i = 0; i < count; i++) ppmli_out_u64(out, (uint64_t)x[i]);
}

/* Bytes of the mean patch. */
PPMLI_INLINE size_t ppmli_pooled_mean_bytes(const ppml_spec *s) {
  return ppmli_encoder_weights(s) / s->encoder.channels;
}

/* What features are for, before the numbers of them. */
PPMLI_STATIC void ppmli_gated_put(ppmli_out *out, const ppml_model *m) {
  ppmli_out_u32(out, m->layer[0].outputs);
  ppmli_out_u32(out, m->pooled.gated);
  ppmli_out_i32s(out, m->pooled.range, m->pooled.gated);
}

PPMLI_STATIC int ppmli_gated_get(ppml_model *m, ppmli_in *in, ppml_arena *arena) {
  m->layer[0].outputs = ppmli_in_u32(in);
  m->pooled.gated = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (m->layer[0].outputs < 1 || m->layer[0].outputs > PPMLI_POOLED_OUTPUTS_MAX ||
      m->pooled.gated > PPMLI_POOLED_OUTPUTS_MAX - m->layer[0].outputs)
    return PPML_ERR_RANGE;
  return ppmli_layer_get_i32s(&m->pooled.range, in, m->pooled.gated, arena);
}

PPMLI_STATIC void ppmli_pooled_put(ppmli_out *out, const ppml_model *m) {
  ppmli_pooled net = ppmli_model_pooled(m);
  if (ppmli_model_has_features(m)) ppmli_gated_put(out, m);
  ppmli_out_bytes(out, net.square, net.outputs * ppmli_autocorr_sums(&net.shape));
  ppmli_out_i32s(out, net.linear, (size_t)net.outputs * ppmli_latent_count(&net.shape));
  ppmli_out_i64s(out, net.bias, net.outputs);
  ppmli_out_i64s(out, net.peak, net.outputs);
  ppmli_out_bytes(out, m->pooled.mean, ppmli_pooled_mean_bytes(&m->spec));
}

PPMLI_STATIC size_t ppmli_pooled_wire_bytes(const ppml_model *m) {
  ppmli_latent_shape s = ppmli_model_latents(m);
  size_t each = ppmli_autocorr_sums(&s) + 4 * (size_t)ppmli_latent_count(&s) + 2 * 8;
  size_t features = ppmli_model_has_features(m) ? 8 + 4 * (size_t)m->pooled.gated : 0;
  return features + ppmli_model_pooled_outputs(m) * each + ppmli_pooled_mean_bytes(&m->spec);
}

PPMLI_STATIC int ppmli_pooled_get_i64s(const int64_t **out, ppmli_in *in, size_t count,
                                       ppml_arena *arena) {
  if (count > in->remaining_bytes / 8) return PPML_ERR_FORMAT;
  PPMLI_ALLOC(int64_t, words, arena, count);
  for (size_t i = 0; i < count; i++) words[i] = ppmli_torus_signed(ppmli_in_u64(in));
  *out = words;
  return in->error;
}

/* The mean patch, of encoders that have one. */
PPMLI_STATIC int ppmli_pooled_get_mean(ppml_pooled *pooled, ppmli_in *in, size_t count,
                                       ppml_arena *arena) {
  if (count == 0) return PPML_OK;
  if (count > in->remaining_bytes) return PPML_ERR_FORMAT;
  PPMLI_ALLOC(uint8_t, mean, arena, count);
  ppmli_in_bytes(in, mean, count);
  pooled->mean = mean;
  return in->error;
}

/* The sizes of all arrays follow from the spec, which is valid. */
PPMLI_STATIC int ppmli_pooled_get(ppml_model *m, ppmli_in *in, ppml_arena *arena) {
  ppml_pooled *p = &m->pooled;
  if (m->spec.encoder.kind == PPML_ENCODER_NONE) return PPML_ERR_RANGE;
  if (ppmli_model_has_features(m)) PPMLI_TRY(ppmli_gated_get(m, in, arena));
  size_t outputs = ppmli_model_pooled_outputs(m);
  ppmli_latent_shape s = ppmli_model_latents(m);
  PPMLI_TRY(ppmli_layer_get_bytes(&p->square, in, outputs * ppmli_autocorr_sums(&s), arena));
  PPMLI_TRY(ppmli_layer_get_i32s(&p->linear, in, outputs * ppmli_latent_count(&s), arena));
  PPMLI_TRY(ppmli_pooled_get_i64s(&p->bias, in, outputs, arena));
  PPMLI_TRY(ppmli_pooled_get_i64s(&p->peak, in, outputs, arena));
  return ppmli_pooled_get_mean(p, in, ppmli_pooled_mean_bytes(&m->spec), arena);
}

/* ---------------------------------------------------------------- model */

PPMLI_STATIC size_t ppmli_model_wire_bytes(const ppml_model *m) {
  size_t bytes = ppmli_spec_wire_bytes(&m->spec) + 8;
  if (ppmli_model_has_latents(m)) bytes += ppmli_pooled_wire_bytes(m);
  for (uint32_t l = 0; l < m->layer_count; l++)
    bytes += ppmli_layer_wire_bytes(&m->layer[l], ppmli_model_has_score_peaks(m, l));
  return bytes;
}

PPMLI_STATIC void ppmli_model_put(ppmli_out *out, const ppml_model *m) {
  ppmli_spec_put(out, &m->spec);
  ppmli_out_u32(out, m->layer_count);
  ppmli_out_u32(out, m->margin_p05);
  if (ppmli_model_has_latents(m)) ppmli_pooled_put(out, m);
  for (uint32_t l = 0; l < m->layer_count; l++)
    ppmli_layer_put(out, &m->layer[l], ppmli_model_has_score_peaks(m, l));
}

PPMLI_STATIC void ppmli_model_id(uint8_t id[PPML_ID_BYTES], const ppml_model *m) {
  ppmli_out out;
  ppmli_out_begin_digest(&out);
  ppmli_model_put(&out, m);
  ppmli_digest_final(&out.digest, id);
}

/* Is the model valid, and within a reader's limits? */
PPMLI_STATIC int ppmli_model_fits(const ppml_model *m, const ppml_limits *limits) {
  ppmli_place unread;
  return ppmli_model_fault(&unread, m, limits) == PPMLI_FAULT_NONE;
}

PPMLI_STATIC int ppmli_model_get(ppml_model *m, ppmli_in *in, const ppml_limits *limits,
                                 ppml_arena *arena) {
  memset(m, 0, sizeof *m);
  PPMLI_TRY(ppmli_spec_get(&m->spec, in, limits));
  m->layer_count = ppmli_in_u32(in);
  m->margin_p05 = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (m->layer_count > PPML_LAYERS_MAX) return PPML_ERR_RANGE;
  if (ppmli_model_has_latents(m)) PPMLI_TRY(ppmli_pooled_get(m, in, arena));
  uint32_t features = m->layer[0].outputs; /* that the pooled part was read for */
  for (uint32_t l = 0; l < m->layer_count; l++)
    PPMLI_TRY(ppmli_layer_get(&m->layer[l], in, limits, ppmli_model_has_score_peaks(m, l), arena));
  if (ppmli_model_has_features(m) && m->layer[0].outputs != features) return PPML_ERR_FORMAT;
  if (ppmli_model_is_linear(m) && ppmli_layer_peaks_are_unknown(&m->layer[0]))
    m->layer[0].peak = NULL;
  if (!ppmli_model_fits(m, limits)) return PPML_ERR_RANGE;
  ppmli_model_id(m->id, m);
  return PPML_OK;
}

PPMLI_STATIC int ppmli_model_write(const ppml_model *m, ppml_writer *writer) {
  ppml_header h = {PPML_KIND_MODEL, PPML_FORMAT_VERSION, NULL, ppmli_model_wire_bytes(m), {0}, {0}};
  ppmli_out out;
  if (!ppmli_model_fits(m, &ppmli_limits)) return PPML_ERR_RANGE;
  ppmli_model_id(h.circuit_id, m);
  ppmli_out_begin(&out, writer, &h);
  ppmli_model_put(&out, m);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_model_read(ppml_model *m, ppml_reader *reader, const ppml_limits *limits,
                                  ppml_arena *arena) {
  ppmli_in in;
  ppml_header h;
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_MODEL, reader, limits));
  PPMLI_TRY(ppmli_model_get(m, &in, limits, arena));
  PPMLI_TRY(ppmli_in_end(&in));
  return memcmp(m->id, h.circuit_id, PPML_ID_BYTES) == 0 ? PPML_OK : PPML_ERR_FORMAT;
}

#endif
