/* What can be wrong with a network that came from outside: a name for every rule, which spec.h and
 * model.h tell, and its words, which ppml_model_check hands out.  The two stand together in one list,
 * so that a rule without words does not compile; and apart from the rules, so that a client, who asks
 * only whether a spec is valid, has no words in its program.  Next: spec.h, model.h.  In: the number of
 * a fault; out: its words. */
#ifndef PPMLI_NETWORK_FAULT_H
#define PPMLI_NETWORK_FAULT_H

#include "../base/base.h"

/* A limit as the digits that ppml.h has of it. */
#define PPMLI_DIGITS_OF(limit) PPMLI_DIGITS_AS_TEXT(limit)
#define PPMLI_DIGITS_AS_TEXT(limit) #limit

/* clang-format off */
#define PPMLI_FAULTS(FAULT)                                                                        \
  FAULT(NONE, NULL)                                                                                \
  FAULT(WIDTH, "spec.width is not 1 to " PPMLI_DIGITS_OF(PPML_SIDE_MAX))                                                      \
  FAULT(HEIGHT, "spec.height is not 1 to " PPMLI_DIGITS_OF(PPML_SIDE_MAX))                                                    \
  FAULT(CHANNELS, "spec.channels is not 1 to 4, of ready latents 1 to " PPMLI_DIGITS_OF(PPML_LATENT_CHANNELS_MAX))                         \
  FAULT(INPUT_BITS, "spec.input_bits is not 1 to 8")                                               \
  FAULT(OUTPUTS, "spec.outputs is not 1 to " PPMLI_DIGITS_OF(PPML_CLASSES_MAX))                                                    \
  FAULT(CLASSES, "spec.classes is not 2 to " PPMLI_DIGITS_OF(PPML_CLASSES_MAX))                                                    \
  FAULT(INPUTS, "spec.width, height and channels make an image beyond " PPMLI_DIGITS_OF(PPML_INPUTS_MAX) " values")                 \
  FAULT(SCORE_UNIT, "spec.score_unit is 0")                                                        \
  FAULT(TASK, "spec.task is no PPML_TASK")                                                         \
  FAULT(TASK_OUTPUTS, "spec.outputs is not what the task has for so many classes")                 \
  FAULT(CONTEST, "spec.threshold is not 0, where scores are compared with one another")            \
  FAULT(THRESHOLD, "spec.threshold is beyond 2^30")                                                \
  FAULT(CLASS_NAME, "spec.class_name is not 1 to 23 bytes of UTF-8 without control characters, then zeros") \
  FAULT(ENCODER_KIND, "spec.encoder.kind is no PPML_ENCODER")                                      \
  FAULT(ENCODER_PATCH, "spec.encoder.patch is not 1, 2, 4, 8 or 16, of READY 1, or does not divide width and height") \
  FAULT(ENCODER_CHANNELS, "spec.encoder.channels is not 1 to 16, of READY spec.channels, or more than a patch has values") \
  FAULT(ENCODER_LATENTS, "spec.encoder makes more than " PPMLI_DIGITS_OF(PPML_LATENTS_MAX) " latents of an image")                  \
  FAULT(ENCODER_WEIGHTS, "spec.encoder.weight has more than " PPMLI_DIGITS_OF(PPML_ENCODER_WEIGHTS_MAX) " weights")                         \
  FAULT(ENCODER_BITS, "spec.input_bits is not 2 to 8, of latents")                                 \
  FAULT(ENCODER_STANDARDISE, "spec.encoder.standardise is not 0 or 1")                             \
  FAULT(ENCODER_SCALE, "spec.encoder.scale_log2 is not -40 to 40")                                 \
  FAULT(ENCODER_SPREAD, "spec.encoder.spread is less than 1")                                      \
  FAULT(ENCODER_REGIONS, "spec.encoder.regions is not 1 to 16, or does not divide the latents")    \
  FAULT(ENCODER_REACH, "spec.encoder.reach is not 1 to 8")                                         \
  FAULT(RANGE_KIND, "spec.range.kind is no PPML_RANGE, or is one of READY latents")                \
  FAULT(RANGE_VALUES, "spec.range.black is not below white, both within 2^62, or of TYPE not 0")    \
  FAULT(DECIDES, "spec.decides is neither 0 nor 1")                                                \
  FAULT(NO_DECISION, "spec.decides is 1, and the layers before the last have no sign")             \
  FAULT(DECIDED, "spec.decides is 1, and a score is not one sign, with a bias and a threshold of 0")  \
  FAULT(NO_ENCODER, "layer_count is 0, and spec.encoder.kind is NONE")                             \
  FAULT(POOLED_NO_SQUARE, "pooled.square is NULL")                                                 \
  FAULT(POOLED_NO_LINEAR, "pooled.linear is NULL")                                                 \
  FAULT(POOLED_NO_BIAS, "pooled.bias is NULL")                                                     \
  FAULT(POOLED_NO_PEAK, "pooled.peak is NULL")                                                     \
  FAULT(POOLED_NO_MEAN, "pooled.mean is NULL")                                                     \
  FAULT(POOLED_BIAS, "pooled.bias is beyond 2^31")                                                 \
  FAULT(POOLED_PEAK, "pooled.peak is not 1 to 2^31")                                               \
  FAULT(POOLED_NO_RANGE, "pooled.range is NULL, and features are gated")                           \
  FAULT(POOLED_RANGE, "pooled.range is less than 1")                                               \
  FAULT(FEATURES, "layer[0].outputs and pooled.gated are more than " PPMLI_DIGITS_OF(PPML_CLASSES_MAX) " together")                \
  FAULT(FEATURES_ALONE, "layer_count is 1 behind an encoder")                                      \
  FAULT(GATED, "pooled.gated is not how many values the last layer takes")                         \
  FAULT(LAYER_COUNT, "layer_count is not 0 to " PPMLI_DIGITS_OF(PPML_LAYERS_MAX))                                                  \
  FAULT(LAYER_INPUTS, "layer.inputs is not how many values the image or the layer before it has, of layer 0 behind an encoder 0")  \
  FAULT(LAYER_OUTPUTS, "layer.outputs is 0")                                                       \
  FAULT(SCORES, "layer.outputs of the last layer is not spec.outputs")                             \
  FAULT(ACTIVATION, "layer.activation is no PPML_ACTIVATION")                                      \
  FAULT(NO_ACTIVATION, "layer.activation is NONE before the last layer, or another in it")         \
  FAULT(POLYNOMIAL, "layer.activation is POLYNOMIAL, and the network has not one hidden layer alone") \
  FAULT(SIZE, "layer.inputs is beyond " PPMLI_DIGITS_OF(PPML_INPUTS_MAX) ", or layer.outputs beyond " PPMLI_DIGITS_OF(PPML_NEURONS_MAX))                        \
  FAULT(NO_WEIGHT, "layer.weight is NULL")                                                         \
  FAULT(NO_BIAS, "layer.bias is NULL")                                                             \
  FAULT(NO_RANGE, "layer.range is NULL")                                                           \
  FAULT(NO_PEAK, "layer.peak is NULL")                                                             \
  FAULT(NO_TABLE, "layer.table is NULL")                                                           \
  FAULT(NO_SQUARE, "layer.square is NULL")                                                         \
  FAULT(NO_LINEAR, "layer.linear is NULL")                                                         \
  FAULT(WEIGHT_BITS, "layer.weight_bits is not 2 to 8")                                            \
  FAULT(WEIGHT, "layer.weight has more bits than layer.weight_bits")                               \
  FAULT(BIAS, "layer.bias is beyond 2^30")                                                         \
  FAULT(ACCUMULATOR, "layer.bias and layer.weight can lead to a sum beyond 2^30")                  \
  FAULT(RANGE, "layer.range is less than 1")                                                       \
  FAULT(PEAK_BELOW_RANGE, "layer.peak is less than layer.range")                                   \
  FAULT(PEAK_BELOW_1, "layer.peak is less than 1")                                                 \
  FAULT(PEAK, "layer.peak is beyond 2^30")                                                         \
  FAULT(TABLE, "layer.table is less than -127")                                                    \
  FAULT(SQUARE, "layer.square is beyond 127")                                                      \
  FAULT(LINEAR, "layer.linear is beyond 2^29")                                                     \
  FAULT(POLYNOMIAL_SUM, "layer.square, layer.linear and the weights can lead to a score beyond 2^62")
/* clang-format on */

enum {
#define PPMLI_FAULT_NAME(name, words) PPMLI_FAULT_##name,
  PPMLI_FAULTS(PPMLI_FAULT_NAME) PPMLI_FAULT_COUNT
#undef PPMLI_FAULT_NAME
};

/* The sizes in words are those of ppml_limits_default(); readers have limits of their own. */

/* Where a fault was found. */
typedef struct ppmli_place {
  uint32_t layer;
  uint32_t index; /* of the class, neuron, weight or entry; 0 where the field has one value */
} ppmli_place;

/*   fault  PPMLI_FAULT_*
 * Returns NULL for NONE. */
PPMLI_STATIC const char *ppmli_fault_reason(int fault) {
  static const char *const words[] = {
#define PPMLI_FAULT_WORDS(name, words) words,
      /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): limits are written into the words */
      PPMLI_FAULTS(PPMLI_FAULT_WORDS)
#undef PPMLI_FAULT_WORDS
  };
  return fault >= 0 && fault < PPMLI_FAULT_COUNT ? words[fault] : NULL;
}

#endif
