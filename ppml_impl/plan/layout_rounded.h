/* Laying out bootstrapped circuits whose accumulators are rounded.  In: a model; out: the unit of each layer
 * and the gain of each neuron, or the neuron that has no room.  network/room.h has the rule.
 * Next: rounded_noise.h, which predicts the noise of the answers. */
#ifndef PPMLI_PLAN_LAYOUT_ROUNDED_H
#define PPMLI_PLAN_LAYOUT_ROUNDED_H

#include "../network/room.h"

/* Chooses unit and gains of layer l.  Scores are compared, so they share one gain.
 *   neuron  out: the last one looked at
 * Errors: PARAMS (that neuron does not fit the torus). */
PPMLI_STATIC int ppmli_circuit_scale_layer(ppml_circuit *c, uint32_t l, int32_t *gain,
                                           uint32_t *neuron) {
  const ppml_model *m = &c->model;
  uint64_t least = ppmli_layer_least_capacity(m, l);
  uint64_t most = l == 0 ? PPMLI_GAIN_MAX : PPMLI_HIDDEN_GAIN_MAX;
  c->unit[l] = l == 0 ? ppmli_circuit_input_unit(c->params, &m->spec) : least;
  for (uint32_t j = 0; j < m->layer[l].outputs; j++) {
    int is_score = m->layer[l].activation == PPML_ACTIVATION_NONE;
    uint64_t g = (is_score ? least : ppmli_layer_capacity(m, l, j)) / c->unit[l];
    *neuron = j;
    if (g == 0) return PPML_ERR_PARAMS;
    gain[j] = (int32_t)(g < most ? g : most);
  }
  c->gain[l] = gain;
  return PPML_OK;
}

/* Lays out c->model.
 *   gain     [layer_count][outputs]
 *   refusal  out, on an error: the layer and neuron without room, which are the same for all sets
 * Errors: PARAMS. */
PPMLI_STATIC int ppmli_rounded_scale(ppml_circuit *c, int32_t *const *gain, ppml_refusal *refusal) {
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    uint32_t neuron = 0;
    int error = ppmli_circuit_scale_layer(c, l, gain[l], &neuron);
    if (error == PPML_OK) continue;
    if (refusal->params == NULL) { /* else a set without bootstraps had room */
      memset(refusal, 0, sizeof *refusal);
      refusal->layer = l;
      refusal->neuron = neuron;
    }
    return error;
  }
  return PPML_OK;
}

/* Does every accumulator have room, and do inputs stand where clients put them?  Errors: PARAMS. */
PPMLI_STATIC int ppmli_rounded_check(const ppml_circuit *c) {
  for (uint32_t l = 0; l < c->model.layer_count; l++)
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++)
      if (ppmli_layer_capacity(&c->model, l, j) / (uint64_t)c->gain[l][j] < c->unit[l])
        return PPML_ERR_PARAMS;
  return c->unit[0] == ppmli_circuit_input_unit(c->params, &c->model.spec) ? PPML_OK
                                                                           : PPML_ERR_PARAMS;
}

#endif
