/* A network that tells its answer in place of its scores.  Layers are put behind the scores, of the kinds
 * that every network has, so nothing else has to know:
 *
 *   scores -> comparisons: the sign of a score less its threshold, or of two scores' difference
 *          -> of more than two scores that are compared, winners: the sign of who beats all others
 *          -> sums of those signs: 127 for what is decided, -127 for what is not
 *
 * A comparison is a row of the last layer less another row, or a feature less another one where the scores
 * are a pooled network's; so the scores themselves are never there.
 *
 * In: a valid model; out: one of spec.decides, or why there is none.  Next: choose.h. */
#ifndef PPMLI_PLAN_DECIDE_H
#define PPMLI_PLAN_DECIDE_H

#include "../base/arena.h"
#include "../network/autocorr.h"
#include "../network/model.h"
#include "../network/pooled.h"
#include "../network/pooled_model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../wire/model_file.h"

/* ------------------------------------------------------------- comparisons */

/* How many; of a contest every two scores. */
PPMLI_STATIC uint32_t ppmli_decide_comparisons(const ppml_spec *s) {
  return ppmli_spec_is_contest(s) ? s->outputs * (s->outputs - 1) / 2 : s->outputs;
}

/* The scores that one is about: is the first at least as large as the second?  Outside contests the
 * second is none, and the first is asked to be beyond its threshold. */
typedef struct ppmli_comparison {
  uint32_t first, second;
  int has_second;
} ppmli_comparison;

/* Comparison i: (0, 1), (0, 2), .. (1, 2), .. */
PPMLI_STATIC ppmli_comparison ppmli_decide_comparison(const ppml_spec *s, uint32_t i) {
  ppmli_comparison c = {i, 0, 0};
  if (!ppmli_spec_is_contest(s)) return c;
  c.first = 0, c.second = i + 1, c.has_second = 1;
  while (c.second >= s->outputs) {
    c.first++;
    c.second = c.second - s->outputs + c.first + 1;
  }
  return c;
}

/* What is added to a comparison: it is 0 or more where it holds. */
PPMLI_INLINE int64_t ppmli_decide_offset(const ppml_spec *s, const ppmli_comparison *c) {
  return c->has_second ? 0 : -(int64_t)s->threshold[c->first] - 1;
}

/* Weight i of a comparison of rows of int8_t, each so many long. */
PPMLI_INLINE int32_t ppmli_decide_weight(const int8_t *rows, size_t per_row,
                                         const ppmli_comparison *c, size_t i) {
  return rows[c->first * per_row + i] - (c->has_second ? rows[c->second * per_row + i] : 0);
}

/* The largest of them, of all comparisons. */
PPMLI_STATIC int32_t ppmli_decide_largest(const ppml_spec *s, const int8_t *rows, size_t per_row) {
  int32_t largest = 0;
  for (uint32_t k = 0; k < ppmli_decide_comparisons(s); k++) {
    ppmli_comparison c = ppmli_decide_comparison(s, k);
    for (size_t i = 0; i < per_row; i++) {
      int32_t w = ppmli_decide_weight(rows, per_row, &c, i);
      if (w > largest || -w > largest) largest = w < 0 ? -w : w;
    }
  }
  return largest;
}

/* --------------------------------------------------------- the last layer */

/* Bias of a comparison of rows of the last layer. */
PPMLI_STATIC int64_t ppmli_decide_bias(const ppml_spec *s, const ppml_layer *last,
                                       const ppmli_comparison *c) {
  int64_t second = c->has_second ? last->bias[c->second] : 0;
  return last->bias[c->first] - second + ppmli_decide_offset(s, c);
}

/* The largest accumulator that any input leads to. */
PPMLI_STATIC int64_t ppmli_decide_bound(const ppml_model *m, const ppmli_comparison *c) {
  uint32_t l = m->layer_count - 1;
  const ppml_layer *last = &m->layer[l];
  int64_t bound = ppmli_magnitude(ppmli_decide_bias(&m->spec, last, c));
  for (uint32_t i = 0; i < last->inputs; i++)
    bound += ppmli_layer_input_max(m, l) *
             ppmli_magnitude(ppmli_decide_weight(last->weight, last->inputs, c, i));
  return bound;
}

/* The peak of a comparison: what training saw where scores have peaks, or else what leaves every accumulator
 * the room that a score has, 7/16 of a turn: at half a turn noise would turn the sign around. */
PPMLI_STATIC int64_t ppmli_decide_peak(const ppml_model *m, const ppmli_comparison *c) {
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  int64_t room = ppmli_decide_bound(m, c) * 8 / PPMLI_SCORE_SIXTEENTHS;
  int64_t peak = room * 4 / PPMLI_PEAK_QUARTERS + 1;
  if (last->peak == NULL) return peak;
  int64_t seen = last->peak[c->first] + ppmli_magnitude(ppmli_decide_offset(&m->spec, c));
  if (c->has_second) seen += last->peak[c->second];
  return seen < peak ? seen : peak;
}

/* ----------------------------------------------------------------- refusal */

PPMLI_STATIC const char *ppmli_decide_layer_refusal(const ppml_model *m) {
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  if (ppmli_decide_largest(&m->spec, last->weight, last->inputs) > INT8_MAX)
    return "differences of its scores have weights beyond 8 bits, which comparing them needs";
  for (uint32_t k = 0; k < ppmli_decide_comparisons(&m->spec); k++) {
    ppmli_comparison c = ppmli_decide_comparison(&m->spec, k);
    if (ppmli_decide_bound(m, &c) > PPMLI_ACCUMULATOR_MAX)
      return "differences of its scores may be beyond 2^30";
  }
  return NULL;
}

/* Sums of a pooled score's squares, and its latents. */
PPMLI_STATIC size_t ppmli_decide_sums(const ppml_model *m) {
  ppmli_latent_shape s = ppmli_model_latents(m);
  return ppmli_autocorr_sums(&s);
}

PPMLI_STATIC size_t ppmli_decide_latents(const ppml_model *m) {
  ppmli_latent_shape s = ppmli_model_latents(m);
  return ppmli_latent_count(&s);
}

PPMLI_STATIC int64_t ppmli_decide_linear(const ppml_pooled *p, size_t latents,
                                         const ppmli_comparison *c, size_t i) {
  int64_t second = c->has_second ? p->linear[c->second * latents + i] : 0;
  return p->linear[c->first * latents + i] - second;
}

PPMLI_STATIC int64_t ppmli_decide_pooled_bias(const ppml_model *m, const ppmli_comparison *c) {
  const ppml_pooled *p = &m->pooled;
  return p->bias[c->first] - (c->has_second ? p->bias[c->second] : 0) +
         ppmli_decide_offset(&m->spec, c);
}

PPMLI_STATIC int64_t ppmli_decide_pooled_peak(const ppml_model *m, const ppmli_comparison *c) {
  const ppml_pooled *p = &m->pooled;
  return p->peak[c->first] + (c->has_second ? p->peak[c->second] : 0) +
         ppmli_magnitude(ppmli_decide_offset(&m->spec, c));
}

PPMLI_STATIC const char *ppmli_decide_pooled_refusal(const ppml_model *m) {
  size_t latents = ppmli_decide_latents(m);
  if (ppmli_decide_comparisons(&m->spec) > PPMLI_POOLED_OUTPUTS_MAX)
    return "its classes make more comparisons than a pooled network may have features";
  if (ppmli_decide_largest(&m->spec, m->pooled.square, ppmli_decide_sums(m)) > INT8_MAX)
    return "differences of its scores have weights beyond 8 bits, which comparing them needs";
  for (uint32_t k = 0; k < ppmli_decide_comparisons(&m->spec); k++) {
    ppmli_comparison c = ppmli_decide_comparison(&m->spec, k);
    if (ppmli_magnitude(ppmli_decide_pooled_bias(m, &c)) > PPMLI_ACCUMULATOR_MAX ||
        ppmli_decide_pooled_peak(m, &c) > PPMLI_ACCUMULATOR_MAX)
      return "differences of its scores may be beyond 2^30";
    for (size_t i = 0; i < latents; i++)
      if (ppmli_magnitude(ppmli_decide_linear(&m->pooled, latents, &c, i)) > INT32_MAX)
        return "differences of its scores have linear weights beyond 2^31";
  }
  return NULL;
}

/* Why the network has none that decides, as one line, or NULL.
 *   m  valid */
PPMLI_STATIC const char *ppmli_decide_refusal(const ppml_model *m) {
  ppml_spec decided = m->spec;
  decided.decides = 1;
  if (m->spec.decides) return "it tells its answer alone already";
  if (ppmli_model_is_polynomial(m))
    return "an answer without scores needs a bootstrap, and its squares go to sets that have none";
  if (m->layer_count + ppmli_spec_deciding_layers(&decided) + (uint32_t)ppmli_model_is_pooled(m) >
      PPML_LAYERS_MAX)
    return "it has too many layers for those that decide behind them";
  return ppmli_model_is_pooled(m) ? ppmli_decide_pooled_refusal(m) : ppmli_decide_layer_refusal(m);
}

/* ------------------------------------------------------------------ layers */

/* Arrays of a layer that is being made. */
typedef struct ppmli_new_layer {
  int8_t *weight;
  int32_t *bias, *range, *peak;
} ppmli_new_layer;

PPMLI_STATIC size_t ppmli_decide_layer_bytes(size_t inputs, size_t outputs) {
  return ppmli_arena_rounded(inputs * outputs + 1) +
         3 * ppmli_arena_rounded(outputs * sizeof(int32_t));
}

/* A layer of zeros behind all others; of signs, ranges are 1.  Memory: ppmli_decide_layer_bytes.
 * Errors: NOMEM. */
PPMLI_STATIC int ppmli_decide_append(ppmli_new_layer *made, ppml_model *m, uint32_t inputs,
                                     uint32_t outputs, uint32_t activation, ppml_arena *arena) {
  ppml_layer *layer = &m->layer[m->layer_count++];
  PPMLI_ALLOC(int8_t, weight, arena, (size_t)inputs * outputs + 1); /* an array, even of none */
  PPMLI_ALLOC(int32_t, bias, arena, outputs);
  PPMLI_ALLOC(int32_t, range, arena, outputs);
  PPMLI_ALLOC(int32_t, peak, arena, outputs);
  memset(layer, 0, sizeof *layer);
  memset(weight, 0, (size_t)inputs * outputs + 1);
  memset(bias, 0, outputs * sizeof *bias);
  for (uint32_t j = 0; j < outputs; j++) range[j] = peak[j] = 1;
  layer->inputs = inputs, layer->outputs = outputs;
  layer->activation = activation, layer->weight_bits = 2;
  layer->weight = weight, layer->bias = bias;
  if (activation == PPML_ACTIVATION_SIGN) layer->range = range, layer->peak = peak;
  made->weight = weight, made->bias = bias, made->range = range, made->peak = peak;
  return PPML_OK;
}

/* The last layer makes comparisons in place of scores. */
PPMLI_STATIC int ppmli_decide_compare(ppml_model *out, const ppml_model *m, ppml_arena *arena) {
  const ppml_layer *last = &m->layer[m->layer_count - 1];
  uint32_t count = ppmli_decide_comparisons(&m->spec);
  ppmli_new_layer made;
  out->layer_count--;
  PPMLI_TRY(ppmli_decide_append(&made, out, last->inputs, count, PPML_ACTIVATION_SIGN, arena));
  for (uint32_t k = 0; k < count; k++) {
    ppmli_comparison c = ppmli_decide_comparison(&m->spec, k);
    for (uint32_t i = 0; i < last->inputs; i++)
      made.weight[(size_t)k * last->inputs + i] =
          (int8_t)ppmli_decide_weight(last->weight, last->inputs, &c, i);
    made.bias[k] = (int32_t)ppmli_decide_bias(&m->spec, last, &c);
    made.peak[k] = (int32_t)ppmli_decide_peak(m, &c);
  }
  uint32_t bits = last->weight_bits;
  while (ppmli_decide_largest(&m->spec, last->weight, last->inputs) >= 1 << (bits - 1)) bits++;
  out->layer[out->layer_count - 1].weight_bits = bits;
  return PPML_OK;
}

PPMLI_STATIC size_t ppmli_decide_features_bytes(const ppml_model *m) {
  size_t count = ppmli_decide_comparisons(&m->spec);
  return ppmli_arena_rounded(count * ppmli_decide_sums(m)) +
         ppmli_arena_rounded(count * ppmli_decide_latents(m) * sizeof(int32_t)) +
         2 * ppmli_arena_rounded(count * sizeof(int64_t)) + ppmli_decide_layer_bytes(0, count);
}

/* A pooled network's features are comparisons in place of scores, and the layer behind is their signs. */
PPMLI_STATIC int ppmli_decide_features(ppml_model *out, const ppml_model *m, ppml_arena *arena) {
  size_t count = ppmli_decide_comparisons(&m->spec), sums = ppmli_decide_sums(m);
  size_t latents = ppmli_decide_latents(m);
  ppmli_new_layer made;
  PPMLI_ALLOC(int8_t, square, arena, count * sums);
  PPMLI_ALLOC(int32_t, linear, arena, count * latents);
  PPMLI_ALLOC(int64_t, bias, arena, count);
  PPMLI_ALLOC(int64_t, peak, arena, count);
  PPMLI_TRY(ppmli_decide_append(&made, out, 0, (uint32_t)count, PPML_ACTIVATION_SIGN, arena));
  for (size_t k = 0; k < count; k++) {
    ppmli_comparison c = ppmli_decide_comparison(&m->spec, (uint32_t)k);
    for (size_t i = 0; i < sums; i++)
      square[k * sums + i] = (int8_t)ppmli_decide_weight(m->pooled.square, sums, &c, i);
    for (size_t i = 0; i < latents; i++)
      linear[k * latents + i] = (int32_t)ppmli_decide_linear(&m->pooled, latents, &c, i);
    bias[k] = ppmli_decide_pooled_bias(m, &c);
    peak[k] = ppmli_decide_pooled_peak(m, &c);
    made.peak[k] = (int32_t)peak[k];
  }
  out->pooled.square = square, out->pooled.linear = linear;
  out->pooled.bias = bias, out->pooled.peak = peak;
  return PPML_OK;
}

/* Of a contest the sign of who wins all its comparisons: 127 (wins - losses) less what the next best may
 * have. */
PPMLI_STATIC int ppmli_decide_winners(ppml_model *out, ppml_arena *arena) {
  uint32_t scores = out->spec.outputs, count = ppmli_decide_comparisons(&out->spec);
  ppmli_new_layer made;
  PPMLI_TRY(ppmli_decide_append(&made, out, count, scores, PPML_ACTIVATION_SIGN, arena));
  for (uint32_t k = 0; k < count; k++) {
    ppmli_comparison c = ppmli_decide_comparison(&out->spec, k);
    made.weight[(size_t)c.first * count + k] = 1;
    made.weight[(size_t)c.second * count + k] = -1;
  }
  for (uint32_t j = 0; j < scores; j++) {
    made.bias[j] = -(int32_t)(scores - 2) * PPML_ACTIVATION_MAX;
    made.peak[j] = (int32_t)(2 * scores - 3) * PPML_ACTIVATION_MAX;
  }
  return PPML_OK;
}

/* The last signs are the scores; of a contest of two, of the one sign that there is. */
PPMLI_STATIC int ppmli_decide_sum(ppml_model *out, ppml_arena *arena) {
  uint32_t scores = out->spec.outputs, signs = out->layer[out->layer_count - 1].outputs;
  ppmli_new_layer made;
  PPMLI_TRY(ppmli_decide_append(&made, out, signs, scores, PPML_ACTIVATION_NONE, arena));
  for (uint32_t j = 0; j < scores; j++)
    made.weight[(size_t)j * signs + (signs < scores ? 0 : j)] = signs < scores && j ? -1 : 1;
  return PPML_OK;
}

/* ----------------------------------------------------------------- network */

PPMLI_STATIC size_t ppmli_decide_bytes(const ppml_model *m) {
  const ppml_spec *s = &m->spec;
  size_t count = ppmli_decide_comparisons(s), scores = s->outputs;
  int has_winners = ppmli_spec_is_contest(s) && scores > 2;
  size_t bytes = ppmli_model_is_pooled(m)
                     ? ppmli_decide_features_bytes(m)
                     : ppmli_decide_layer_bytes(m->layer[m->layer_count - 1].inputs, count);
  if (has_winners) bytes += ppmli_decide_layer_bytes(count, scores);
  return bytes + ppmli_decide_layer_bytes(has_winners ? scores : count, scores);
}

/* As ppml_decide, whose pointers are checked.
 *   out     shares the model's arrays
 *   reason  out: on PARAMS; else NULL
 * Memory: ppmli_decide_bytes.  Errors: ARG, PARAMS, NOMEM. */
PPMLI_STATIC int ppmli_decide(ppml_model *out, const ppml_model *m, const char **reason,
                              ppml_arena *arena) {
  *reason = NULL;
  if (!ppmli_model_is_valid(m)) return PPML_ERR_ARG;
  *reason = ppmli_decide_refusal(m);
  if (*reason) return PPML_ERR_PARAMS;
  *out = *m;
  out->spec.decides = 1;
  memset(out->spec.threshold, 0, sizeof out->spec.threshold);
  PPMLI_TRY(ppmli_model_is_pooled(m) ? ppmli_decide_features(out, m, arena)
                                     : ppmli_decide_compare(out, m, arena));
  if (ppmli_spec_deciding_layers(&out->spec) > 1) PPMLI_TRY(ppmli_decide_winners(out, arena));
  PPMLI_TRY(ppmli_decide_sum(out, arena));
  ppmli_model_id(out->id, out);
  return PPML_OK;
}

#endif
