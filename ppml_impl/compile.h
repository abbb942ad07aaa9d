/* Layer 8: from a model to the circuit a server runs, and the spec its clients hold. */
#ifndef PPMLI_COMPILE_H
#define PPMLI_COMPILE_H

#include "model.h"

PPMLI_STATIC size_t ppmli_compile_bytes(const ppml_model *model) {
  size_t bytes = 0;
  for (uint32_t l = 0; l < model->layer_count; l++)
    bytes += ppmli_arena_rounded(model->layer[l].outputs * sizeof(int32_t));
  return bytes;
}

/* Lays out c->model for c->params.  gain [layer_count][outputs] */
PPMLI_STATIC int ppmli_compile_scale(ppml_circuit *c, int32_t *const *gain) {
  if (c->params->exact) {
    PPMLI_TRY(ppmli_exact_scale(c, gain));
    return ppmli_exact_check(c);
  }
  for (uint32_t l = 0; l < c->model.layer_count; l++)
    PPMLI_TRY(ppmli_circuit_scale_layer(c, l, gain[l]));
  return PPML_OK;
}

/* The first, hence fastest, set of the standard assumption whose noise changes few
 * enough answers; if none does, the last, which has the least noise. */
PPMLI_STATIC const ppml_params *ppmli_compile_choose(ppml_circuit *c) {
  const ppml_params *p, *best = NULL;
  for (size_t i = 0; (p = ppmli_params_by_index(i)) != NULL; i++) {
    ppml_noise noise;
    if (p->key_block_ones || p->exact) continue;
    best = c->params = p;
    ppmli_circuit_noise(&noise, c);
    if (noise.changed_answers <= PPMLI_CHANGED_ANSWERS) break;
  }
  return best;
}

PPMLI_STATIC int ppmli_compile(ppml_circuit *c, const ppml_model *model, const ppml_params *params,
                               ppml_arena *arena) {
  int32_t *gain[PPML_LAYERS_MAX];
  if (params && params != ppmli_params_by_id(params->id)) return PPML_ERR_PARAMS;
  if (!ppmli_model_is_valid(model)) return PPML_ERR_ARG;
  for (uint32_t l = 0; l < model->layer_count; l++) {
    PPMLI_ALLOC(int32_t, gains, arena, model->layer[l].outputs);
    gain[l] = gains;
  }
  memset(c, 0, sizeof *c);
  c->model = *model;
  ppmli_model_id(c->model.id, model);
  c->params = params ? params : ppmli_params_by_index(0);
  PPMLI_TRY(ppmli_compile_scale(c, gain));
  if (params == NULL) c->params = ppmli_compile_choose(c);
  ppmli_circuit_set_id(c);
  return PPML_OK;
}

PPMLI_STATIC void ppmli_client_from_circuit(ppml_client *client, const ppml_circuit *c) {
  memset(client, 0, sizeof *client);
  client->spec = c->model.spec;
  client->params = c->params;
  client->score_unit = ppmli_circuit_score_unit(c);
  memcpy(client->circuit_id, c->id, PPML_ID_BYTES);
}

#endif
