/* The public functions of training, and of quantizing a network that was trained elsewhere. */
#ifndef PPMLI_API_TRAIN_H
#define PPMLI_API_TRAIN_H

#include "../network/model.h"
#include "../train/convolution_import.h"
#include "../train/float_network.h"
#include "../train/latent_train.h"
#include "../train/quantize.h"
#include "../train/train.h"
#include "../train/trainer.h"
#include "../wire/model_file.h"
#include "call.h"
#include "whole.h"

/* ----------------------------------------------------------------- training */

PPML_API ppml_train_options ppml_train_options_default(void) {
  return ppmli_train_options_default();
}

/* A network of bootstraps is trained under a set's noise, or under none: not under that of NULL,
 * which a mistyped name gives. */
static int ppmli_train_lacks_params(const ppml_train_options *o) {
  int has_bootstraps =
      o->activation != PPML_ACTIVATION_NONE && o->activation != PPML_ACTIVATION_POLYNOMIAL;
  return has_bootstraps && o->params == NULL && !o->noiseless;
}

PPML_API size_t ppml_train_bytes(const ppml_train_options *options, size_t train_count,
                                 size_t validation_count, size_t threads) {
  if (!options || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_train_bytes(options, train_count, validation_count, threads);
}

PPML_API int ppml_train(ppml_model *model, const ppml_train_options *options,
                        const ppml_images *train, const ppml_images *validation,
                        const ppml_parallel *parallel, const ppml_train_watch *watch,
                        ppml_arena *arena) {
  if (!model || !options || !train || !validation) return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  if (ppmli_train_lacks_params(options)) return PPML_ERR_NAME;
  ppmli_call call = ppmli_call_begin(arena, model, sizeof *model);
  int error = ppmli_train_run(model, options, train, validation, parallel, watch, arena);
  if (error == PPML_OK) ppmli_model_id(model->id, model);
  return ppmli_call_end(&call, error);
}

/* ---------------------------------------------------------- pooled networks */

PPML_API ppml_pooled_options ppml_pooled_options_default(void) {
  return ppmli_pooled_options_default();
}

PPML_API const char *ppml_pooled_refusal(const ppml_pooled_options *options, int *is_shape) {
  int unread;
  if (options == NULL) return "no options";
  return ppmli_latent_refusal(options, is_shape ? is_shape : &unread);
}

PPML_API size_t ppml_train_pooled_bytes(const ppml_pooled_options *options, size_t train_count,
                                        size_t validation_count, size_t threads) {
  if (ppml_pooled_refusal(options, NULL) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_latent_train_bytes(options, train_count, validation_count, threads);
}

PPML_API int ppml_train_pooled(ppml_model *model, const ppml_pooled_options *options,
                               const ppml_images *train, const ppml_images *validation,
                               const ppml_parallel *parallel, const ppml_pooled_watch *watch,
                               ppml_arena *arena) {
  if (!model || !options || !train || !validation) return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, model, sizeof *model);
  int error = ppmli_latent_train(model, options, train, validation, parallel, watch, arena);
  if (error == PPML_OK) ppmli_model_id(model->id, model);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_quantize_convolution_bytes(const ppml_convolution *net,
                                                const ppml_pooled_options *options,
                                                size_t image_count) {
  if (!net || !options || !ppmli_import_is_valid(net, options)) return 0;
  return ppmli_import_bytes(options, image_count);
}

PPML_API int ppml_quantize_convolution(ppml_model *model, const ppml_convolution *net,
                                       const ppml_pooled_options *options,
                                       const ppml_images *images, ppml_arena *arena) {
  if (!model || !net || !options || !images) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, model, sizeof *model);
  int error = ppmli_import_convolution(model, net, options, images, arena);
  if (error == PPML_OK) ppmli_model_id(model->id, model);
  return ppmli_call_end(&call, error);
}

/* ------------------------------------------------------------- quantization */

PPML_API size_t ppml_float_predict_bytes(const ppml_float_model *net) {
  return net && ppmli_float_is_valid(net) ? ppmli_float_forward_scratch(net) : 0;
}

PPML_API int ppml_float_predict(float *logits, const ppml_float_model *net, const uint8_t *pixels,
                                ppml_arena *arena) {
  if (!logits || !net || !pixels || !ppmli_float_is_valid(net)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  size_t outputs = ppmli_calibrate_outputs(net, net->layer_count - 1);
  ppmli_call call = ppmli_call_begin(arena, logits, outputs * sizeof *logits);
  return ppmli_call_end(&call, ppmli_float_forward(logits, net, pixels, arena));
}

PPML_API size_t ppml_quantize_bytes(const ppml_float_model *net, size_t image_count) {
  return net ? ppmli_calibrate_bytes(net, image_count) : 0;
}

PPML_API int ppml_quantize(ppml_model *model, const ppml_float_model *net, uint32_t input_bits,
                           uint32_t weight_bits, const ppml_images *images, ppml_arena *arena) {
  if (!model || !net || !images) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, model, sizeof *model);
  int error = ppmli_calibrate_run(model, net, input_bits, weight_bits, images, arena);
  if (error == PPML_OK) ppmli_model_id(model->id, model);
  return ppmli_call_end(&call, error);
}

#endif
