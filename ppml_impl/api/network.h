/* The public functions of a network in the clear: for all roles but a client's, who has no weight
 * of it.  Next: server.h.  In: a model and images; out: scores, latents, and which field of a hand-made
 * model is wrong. */
#ifndef PPMLI_API_NETWORK_H
#define PPMLI_API_NETWORK_H

#include "../network/clear.h"
#include "../network/decoder.h"
#include "../network/fault.h"
#include "../network/model.h"
#include "../network/pooled_model.h"
#include "../network/spec.h"
#include "../wire/limits.h"
#include "../wire/model_file.h"
#include "call.h"
#include "whole.h"

PPML_API size_t ppml_model_predict_bytes(const ppml_model *model) {
  return ppmli_model_is_whole(model) ? ppmli_quant_forward_scratch(model) : 0;
}

PPML_API int ppml_model_predict(int32_t *scores, const ppml_model *model, const uint8_t *pixels,
                                ppml_arena *arena) {
  if (!scores || !pixels) return PPML_ERR_ARG;
  if (!ppmli_model_is_whole(model)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, scores, model->spec.outputs * sizeof *scores);
  return ppmli_call_end(&call, ppmli_quant_forward(scores, model, pixels, NULL, arena));
}

/* Is there a picture to be made of its latents? */
static int ppmli_may_reconstruct(const ppml_model *model) {
  return ppmli_model_is_whole(model) && ppmli_model_has_latents(model) &&
         model->spec.encoder.kind == PPML_ENCODER_PATCHES;
}

PPML_API size_t ppml_reconstruct_bytes(const ppml_model *model) {
  return ppmli_may_reconstruct(model) ? ppmli_reconstruct_scratch(&model->spec) : 0;
}

PPML_API int ppml_reconstruct(uint8_t *picture, const ppml_model *model, const uint8_t *pixels,
                              ppml_arena *arena) {
  if (!picture || !pixels) return PPML_ERR_ARG;
  if (!ppmli_may_reconstruct(model)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, picture, ppmli_spec_inputs(&model->spec));
  return ppmli_call_end(&call, ppmli_reconstruct(picture, model, pixels, arena));
}

PPML_API int ppml_model_check(const ppml_model *model, ppml_fault *fault) {
  ppmli_place at = {0, 0};
  const char *reason = "is NULL";
  if (model) reason = ppmli_fault_reason(ppmli_model_fault(&at, model, &ppmli_limits));
  if (reason == NULL) return PPML_OK;
  if (fault) {
    fault->reason = reason;
    fault->layer = at.layer;
    fault->index = at.index;
  }
  return PPML_ERR_ARG;
}

PPML_API int ppml_model_write(const ppml_model *model, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_model_write, model, ppmli_model_is_whole);
}

PPML_API int ppml_model_read(ppml_model *model, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) {
  PPMLI_READ(ppmli_model_read, model);
}

#endif
