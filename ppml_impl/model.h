/* Layer 7: what the files of model, circuit, client and secret key hold.  docs/FORMAT.md
 * has every byte; each write function here is that specification, in code. */
#ifndef PPMLI_MODEL_H
#define PPMLI_MODEL_H

#include <math.h>

#include "ct.h"
#include "failure.h"
#include "leak.h"
#include "limits.h"
#include "name.h"
#include "serial.h"

#define PPMLI_ACCUMULATOR_MAX ((int64_t)1 << 30) /* so that 32-bit sums cannot overflow */
#define PPMLI_SQUARE_MAX 127                     /* of a polynomial's coefficients ... */
#define PPMLI_LINEAR_MAX ((int32_t)1 << 29)
#define PPMLI_SCORE_SUM_LOG2 62 /* of sums of polynomials, at most */
#define PPMLI_SCORE_UNIT_MIN ((uint64_t)1 << 31)

/* ----------------------------------------------------------------- spec */

PPMLI_STATIC void ppmli_spec_put(ppmli_out *out, const ppml_spec *s) {
  const uint32_t fields[] = {s->width,   s->height,  s->channels,  s->input_bits,
                             s->classes, s->outputs, s->score_unit};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) ppmli_out_u32(out, fields[i]);
  for (uint32_t c = 0; c < s->classes; c++)
    ppmli_out_bytes(out, s->class_name[c], PPML_CLASS_NAME_BYTES);
  ppmli_out_u32(out, s->task);
  ppmli_out_i32s(out, s->threshold, s->outputs);
}

PPMLI_STATIC size_t ppmli_spec_wire_bytes(const ppml_spec *s) {
  return 8 * 4 + (size_t)s->classes * PPML_CLASS_NAME_BYTES + (size_t)s->outputs * 4;
}

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
  if (s->width == 0 || s->height == 0 || s->channels == 0) return 0;
  if (s->width > side || s->height > side || s->channels > 4) return 0;
  if (s->input_bits < 1 || s->input_bits > 8) return 0;
  if (s->outputs < 1 || s->outputs > PPML_CLASSES_MAX) return 0;
  return s->classes >= 2 && s->classes <= PPML_CLASSES_MAX;
}

PPMLI_STATIC int ppmli_spec_is_valid(const ppml_spec *s, const ppml_limits *limits) {
  if (!ppmli_spec_has_shape(s) || ppmli_spec_inputs(s) > limits->inputs) return 0;
  if (s->score_unit < 1 || !ppmli_spec_task_is_valid(s)) return 0;
  for (uint32_t c = 0; c < s->classes; c++)
    if (!ppmli_name_is_valid(s->class_name[c])) return 0;
  return 1;
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
  return ppmli_spec_is_valid(s, limits) ? PPML_OK : PPML_ERR_RANGE;
}

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
  if (ppmli_layer_is_clipped(layer) || has_score_peaks)
    ppmli_out_i32s(out, layer->peak, layer->outputs);
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

/* Every weight within weight_bits. */
PPMLI_STATIC int ppmli_layer_has_valid_weights(const ppml_layer *layer) {
  if (layer->weight_bits < 2 || layer->weight_bits > 8) return 0;
  int32_t most = (1 << (layer->weight_bits - 1)) - 1;
  for (size_t i = 0; i < (size_t)layer->inputs * layer->outputs; i++)
    if (layer->weight[i] > most || layer->weight[i] < -most) return 0;
  return 1;
}

/* Weights and accumulators within their bounds, ranges and peaks in order, activations in
 * theirs. */
PPMLI_STATIC int ppmli_layer_is_valid(const ppml_layer *layer, int32_t input_max) {
  if (!ppmli_layer_has_valid_weights(layer)) return 0;
  if (layer->activation > PPML_ACTIVATION_POLYNOMIAL) return 0;
  for (uint32_t j = 0; j < layer->outputs; j++) {
    if (ppmli_layer_bound(layer, j, input_max) > PPMLI_ACCUMULATOR_MAX) return 0;
    if (!ppmli_layer_is_clipped(layer)) continue;
    if (layer->range[j] < 1 || layer->peak[j] < layer->range[j]) return 0;
    if (layer->peak[j] > PPMLI_ACCUMULATOR_MAX) return 0;
  }
  for (int i = 0; layer->activation == PPML_ACTIVATION_TABLE && i < PPML_TABLE_SIZE; i++)
    if (layer->table[i] < -PPML_ACTIVATION_MAX) return 0;
  return 1;
}

PPMLI_STATIC int ppmli_layer_get(ppml_layer *layer, ppmli_in *in, const ppml_limits *limits,
                                 int is_behind_polynomials, ppml_arena *arena) {
  layer->inputs = ppmli_in_u32(in);
  layer->outputs = ppmli_in_u32(in);
  layer->activation = ppmli_in_u32(in);
  layer->weight_bits = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (layer->inputs < 1 || layer->inputs > limits->inputs) return PPML_ERR_RANGE;
  if (layer->outputs < 1 || layer->outputs > limits->neurons) return PPML_ERR_RANGE;
  if (layer->activation > PPML_ACTIVATION_POLYNOMIAL) return PPML_ERR_RANGE;
  if (is_behind_polynomials && layer->activation != PPML_ACTIVATION_NONE) return PPML_ERR_RANGE;
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
  if (ppmli_layer_is_clipped(layer) || is_behind_polynomials)
    PPMLI_TRY(ppmli_layer_get_i32s(&layer->peak, in, layer->outputs, arena));
  if (layer->activation != PPML_ACTIVATION_TABLE) return PPML_OK;
  return ppmli_layer_get_bytes(&layer->table, in, PPML_TABLE_SIZE, arena);
}

/* ---------------------------------------------------------------- model */

PPMLI_STATIC size_t ppmli_model_wire_bytes(const ppml_model *m) {
  size_t bytes = ppmli_spec_wire_bytes(&m->spec) + 8;
  for (uint32_t l = 0; l < m->layer_count; l++)
    bytes += ppmli_layer_wire_bytes(&m->layer[l], ppmli_model_has_score_peaks(m, l));
  return bytes;
}

PPMLI_STATIC void ppmli_model_put(ppmli_out *out, const ppml_model *m) {
  ppmli_spec_put(out, &m->spec);
  ppmli_out_u32(out, m->layer_count);
  ppmli_out_u32(out, m->margin_p05);
  for (uint32_t l = 0; l < m->layer_count; l++)
    ppmli_layer_put(out, &m->layer[l], ppmli_model_has_score_peaks(m, l));
}

PPMLI_STATIC void ppmli_model_id(uint8_t id[PPML_ID_BYTES], const ppml_model *m) {
  ppmli_out out;
  ppmli_out_begin_digest(&out);
  ppmli_model_put(&out, m);
  ppmli_digest_final(&out.digest, id);
}

PPMLI_STATIC int ppmli_layer_has_valid_polynomials(const ppml_layer *layer) {
  for (uint32_t j = 0; j < layer->outputs; j++) {
    if (layer->square[j] > PPMLI_SQUARE_MAX || layer->square[j] < -PPMLI_SQUARE_MAX) return 0;
    if (layer->linear[j] > PPMLI_LINEAR_MAX || layer->linear[j] < -PPMLI_LINEAR_MAX) return 0;
  }
  return 1;
}

/* Do 64 bits hold every sum of polynomials, whatever the input? */
PPMLI_STATIC int ppmli_model_has_bounded_polynomials(const ppml_model *m) {
  const ppml_layer *hidden = &m->layer[0];
  double largest = 0;
  for (uint32_t j = 0; j < hidden->outputs; j++) {
    double z = (double)ppmli_layer_bound(hidden, j, ppmli_layer_input_max(m, 0));
    largest += z * (z * fabs((double)hidden->square[j]) + fabs((double)hidden->linear[j]));
  }
  return largest * (1 << (m->layer[1].weight_bits - 1)) <= ldexp(1, PPMLI_SCORE_SUM_LOG2);
}

/* Scores behind polynomials: what any input can lead to is far above what happens, so it is
 * not held against them. */
PPMLI_STATIC int ppmli_layer_has_valid_score_peaks(const ppml_layer *layer) {
  if (!ppmli_layer_has_valid_weights(layer)) return 0;
  for (uint32_t c = 0; c < layer->outputs; c++) {
    if (layer->bias[c] > PPMLI_ACCUMULATOR_MAX || layer->bias[c] < -PPMLI_ACCUMULATOR_MAX) return 0;
    if (layer->peak[c] < 1 || layer->peak[c] > PPMLI_ACCUMULATOR_MAX) return 0;
  }
  return 1;
}

PPMLI_STATIC int ppmli_model_has_valid_layer(const ppml_model *m, uint32_t l) {
  const ppml_layer *layer = &m->layer[l];
  if (ppmli_model_has_score_peaks(m, l))
    return ppmli_layer_has_valid_score_peaks(layer) && ppmli_model_has_bounded_polynomials(m);
  if (!ppmli_layer_is_valid(layer, ppmli_layer_input_max(m, l))) return 0;
  if (layer->activation != PPML_ACTIVATION_POLYNOMIAL) return 1;
  return ppmli_model_is_polynomial(m) && ppmli_layer_has_valid_polynomials(layer);
}

/* Are the arrays there that layer l has? */
PPMLI_STATIC int ppmli_model_has_arrays(const ppml_model *m, uint32_t l) {
  const ppml_layer *layer = &m->layer[l];
  int is_clipped = ppmli_layer_is_clipped(layer);
  if (layer->weight == NULL || layer->bias == NULL) return 0;
  if (is_clipped && layer->range == NULL) return 0;
  if ((is_clipped || ppmli_model_has_score_peaks(m, l)) && layer->peak == NULL) return 0;
  if (layer->activation == PPML_ACTIVATION_TABLE && layer->table == NULL) return 0;
  if (layer->activation == PPML_ACTIVATION_POLYNOMIAL && (!layer->square || !layer->linear))
    return 0;
  for (uint32_t j = 0; is_clipped && j < layer->outputs; j++)
    if (layer->range[j] < 1) return 0; /* what accumulators are divided by */
  return 1;
}

/* Do the layers fit one another, and the spec, and have their arrays? */
PPMLI_STATIC int ppmli_model_has_layers(const ppml_model *m) {
  size_t inputs = ppmli_spec_inputs(&m->spec);
  if (m->layer_count < 1 || m->layer_count > PPML_LAYERS_MAX) return 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    const ppml_layer *layer = &m->layer[l];
    int is_last = l + 1 == m->layer_count;
    if (layer->inputs != inputs || layer->outputs < 1) return 0;
    if (layer->activation > PPML_ACTIVATION_POLYNOMIAL) return 0;
    if (is_last != (layer->activation == PPML_ACTIVATION_NONE)) return 0;
    if (layer->activation == PPML_ACTIVATION_POLYNOMIAL && !ppmli_model_is_polynomial(m)) return 0;
    if (!ppmli_model_has_arrays(m, l)) return 0;
    inputs = layer->outputs;
  }
  return inputs == m->spec.outputs;
}

/* All of it: shapes, and that every number is within its bounds. */
PPMLI_STATIC int ppmli_model_is_valid(const ppml_model *m) {
  const ppml_limits any = {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX};
  if (!ppmli_spec_is_valid(&m->spec, &any) || !ppmli_model_has_layers(m)) return 0;
  for (uint32_t l = 0; l < m->layer_count; l++)
    if (!ppmli_model_has_valid_layer(m, l)) return 0;
  return 1;
}

/* Is the model valid, and within a reader's limits? */
PPMLI_STATIC int ppmli_model_fits(const ppml_model *m, const ppml_limits *limits) {
  if (!ppmli_spec_is_valid(&m->spec, limits) || !ppmli_model_is_valid(m)) return 0;
  for (uint32_t l = 0; l < m->layer_count; l++)
    if (m->layer[l].inputs > limits->inputs || m->layer[l].outputs > limits->neurons) return 0;
  return 1;
}

PPMLI_STATIC int ppmli_model_get(ppml_model *m, ppmli_in *in, const ppml_limits *limits,
                                 ppml_arena *arena) {
  memset(m, 0, sizeof *m);
  PPMLI_TRY(ppmli_spec_get(&m->spec, in, limits));
  m->layer_count = ppmli_in_u32(in);
  m->margin_p05 = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (m->layer_count < 1 || m->layer_count > PPML_LAYERS_MAX) return PPML_ERR_RANGE;
  for (uint32_t l = 0; l < m->layer_count; l++)
    PPMLI_TRY(ppmli_layer_get(&m->layer[l], in, limits, ppmli_model_has_score_peaks(m, l), arena));
  if (!ppmli_model_fits(m, limits)) return PPML_ERR_RANGE;
  ppmli_model_id(m->id, m);
  return PPML_OK;
}

PPMLI_STATIC int ppmli_model_write(const ppml_model *m, ppml_writer *writer) {
  ppml_header h = {PPML_KIND_MODEL, PPML_FORMAT_VERSION, NULL, ppmli_model_wire_bytes(m), {0}, {0}};
  const ppml_limits limits = ppmli_limits_default();
  ppmli_out out;
  if (!ppmli_model_fits(m, &limits)) return PPML_ERR_RANGE;
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

/* -------------------------------------------------------------- circuit */

PPMLI_STATIC size_t ppmli_circuit_wire_bytes(const ppml_circuit *c) {
  size_t bytes = ppmli_model_wire_bytes(&c->model);
  for (uint32_t l = 0; l < c->model.layer_count; l++) bytes += 8 + 4 * c->model.layer[l].outputs;
  return bytes;
}

PPMLI_STATIC void ppmli_circuit_put(ppmli_out *out, const ppml_circuit *c) {
  ppmli_model_put(out, &c->model);
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    ppmli_out_u64(out, c->unit[l]);
    ppmli_out_i32s(out, c->gain[l], c->model.layer[l].outputs);
  }
}

/* Digest of the parameter set and of the payload. */
PPMLI_STATIC void ppmli_circuit_set_id(ppml_circuit *c) {
  ppmli_out out;
  uint8_t params[PPML_ID_BYTES];
  ppmli_params_digest(params, c->params);
  ppmli_out_begin_digest(&out);
  ppmli_out_bytes(&out, params, sizeof params);
  ppmli_circuit_put(&out, c);
  ppmli_digest_final(&out.digest, c->id);
}

/* The client decodes all scores by the gain of the first. */
PPMLI_STATIC int ppmli_circuit_has_one_score_gain(const ppml_circuit *c) {
  uint32_t last = c->model.layer_count - 1;
  for (uint32_t s = 1; s < c->model.layer[last].outputs; s++)
    if (c->gain[last][s] != c->gain[last][0]) return 0;
  return 1;
}

/* Units and gains, beside a model that is valid. */
PPMLI_STATIC int ppmli_circuit_is_valid(const ppml_circuit *c) {
  int is_leveled = c->params->slots != 0; /* ppmli_leveled_check looks at all of such a one */
  if (is_leveled != ppmli_model_is_polynomial(&c->model)) return 0;
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    if (c->unit[l] == 0 || c->unit[l] > PPMLI_TORUS_HALF) return 0;
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) {
      if (c->gain[l][j] < 1 || c->gain[l][j] > PPMLI_GAIN_MAX) return 0;
      if (!is_leveled &&
          ppmli_layer_capacity(&c->model, l, j) / (uint64_t)c->gain[l][j] < c->unit[l])
        return 0;
    }
  }
  if (!ppmli_circuit_has_one_score_gain(c)) return 0;
  if (is_leveled) return ppmli_leveled_check(c) == PPML_OK;
  if (c->unit[0] != ppmli_circuit_input_unit(c->params, &c->model.spec)) return 0;
  return !c->params->exact || ppmli_exact_check(c) == PPML_OK;
}

PPMLI_STATIC int ppmli_circuit_get(ppml_circuit *c, ppmli_in *in, const ppml_params *params,
                                   const ppml_limits *limits, ppml_arena *arena) {
  memset(c, 0, sizeof *c);
  c->params = params;
  PPMLI_TRY(ppmli_model_get(&c->model, in, limits, arena));
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    c->unit[l] = ppmli_in_u64(in);
    PPMLI_TRY(ppmli_layer_get_i32s(&c->gain[l], in, c->model.layer[l].outputs, arena));
  }
  if (!ppmli_circuit_is_valid(c)) return PPML_ERR_RANGE;
  ppmli_circuit_set_id(c);
  return PPML_OK;
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

/* Of a leveled set a score is 1 / T of a turn, T a power of two that products can have; of others
 * it has at least what accumulators of 2^30 leave of 7/16 of a turn, less the rounding of a gain. */
PPMLI_STATIC int ppmli_client_has_valid_unit(const ppml_client *c) {
  uint64_t unit = c->score_unit, least = (uint64_t)1 << (64 - PPMLI_TENSOR_MODULUS_LOG2_MAX);
  if (unit > PPMLI_TORUS_HALF || unit < PPMLI_SCORE_UNIT_MIN) return 0;
  return c->params->slots == 0 || (unit >= least && (unit & (unit - 1)) == 0);
}

/* What a client's reader accepts, and its writer writes.  Who sends a client spec must not be able
 * to make answers tell more of the key: a set's own noise is known to the client, and an exact
 * set's scores have none. */
PPMLI_STATIC int ppmli_client_is_valid(const ppml_client *c, const ppml_limits *limits) {
  if (!ppmli_spec_is_valid(&c->spec, limits)) return 0;
  if (!ppmli_client_has_valid_unit(c) || !ppmli_client_has_valid_step(c)) return 0;
  for (uint32_t s = 0; s < c->spec.outputs; s++)
    if (c->score_peak[s] < 0) return 0;
  if (c->score_noise < ppmli_params_output_noise(c->params)) return 0;
  if (c->params->exact && !ppmli_client_is_silent(c)) return 0;
  return c->publish <= PPML_PUBLISH_MAX && c->renew_after > 0;
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
