/* From a model to the circuit that a server runs, and the spec that its clients hold: the fastest
 * parameter set whose predicted noise leaves enough answers as they are.  In: a model and options; out:
 * a ppml_circuit, or a ppml_refusal.  Next: refusal.h, certificate.h. */
#ifndef PPMLI_PLAN_CHOOSE_H
#define PPMLI_PLAN_CHOOSE_H

#include "../base/arena.h"
#include "../math/params.h"
#include "../network/model.h"
#include "../network/spec.h"
#include "../server/fit.h"
#include "../wire/circuit_file.h"
#include "../wire/limits.h"
#include "../wire/model_file.h"
#include "leak.h"
#include "path.h"
#include "rounded_noise.h"

#define PPMLI_AGREEMENT 0.995 /* of an answer, wanted where nothing else is said */

PPMLI_STATIC size_t ppmli_compile_bytes(const ppml_model *model) {
  size_t bytes = 0;
  for (uint32_t l = 0; l < model->layer_count; l++)
    bytes += ppmli_arena_rounded(model->layer[l].outputs * sizeof(int32_t));
  return bytes;
}

/* Neither a set nor leave to choose one, of which the caller sets one; agreement of an answer, to the power
 * of the labels of an image; no score to be published. */
PPMLI_STATIC ppml_compile_options ppmli_compile_options_default(const ppml_spec *spec) {
  ppml_compile_options options = {NULL, 1, 0, 0};
  for (size_t i = 0; i < ppmli_spec_answer_bytes(spec); i++) options.agreement *= PPMLI_AGREEMENT;
  return options;
}

/* Writes down that c's set keeps too few answers, and blames the neuron whose noise is largest beside the
 * width of its activation.
 *   agreement  share of the answers that the set is predicted to keep */
PPMLI_STATIC void ppmli_compile_blame(ppml_refusal *refusal, const ppml_circuit *c,
                                      double agreement) {
  const ppml_params *too_large = refusal->too_large;
  memset(refusal, 0, sizeof *refusal);
  refusal->too_large = too_large;
  refusal->params = c->params;
  refusal->agreement = agreement;
  for (uint32_t l = 0; l + 1 < c->model.layer_count; l++) {
    if (!ppmli_layer_is_clipped(&c->model.layer[l])) continue; /* all of its neurons are alike */
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++) {
      double noise = ppmli_circuit_std(c, l, j) / (2.0 * c->model.layer[l].range[j]);
      if (noise <= refusal->layer_noise) continue;
      refusal->layer_noise = noise;
      refusal->layer = l;
      refusal->neuron = j;
    }
  }
}

/* Is p what the options ask for: that set, or one that may be chosen, and made for such networks? */
PPMLI_STATIC int ppmli_compile_may(const ppml_compile_options *options, const ppml_model *m,
                                   const ppml_params *p) {
  if (!ppmli_model_suits(m, p)) return 0;
  if (ppmli_params_has_products(p) && m->layer[0].outputs > p->slots) return 0;
  if (options->params) return p == options->params;
  return p->key_block_ones == 0;
}

/* Lays out c->model for the one set c->params, if that set keeps enough answers.
 *   gain     [layer_count][outputs]  out
 *   wanted   share of the answers to be kept
 *   refusal  in and out: of the sets tried so far, the one that came closest
 * Errors: PARAMS: no room, beyond the default limits, too few answers kept, or more noise than a flood hides.  A
 * layout that cannot be, as of an exact set whose conditions the network breaks, leaves refusal as it is, since
 * no noise is to blame. */
PPMLI_STATIC int ppmli_compile_try(ppml_circuit *c, int32_t *const *gain, double wanted,
                                   ppml_refusal *refusal) {
  ppml_noise noise;
  PPMLI_TRY(ppmli_planner_lay_out(c, gain, refusal));
  if (!ppmli_circuit_fits(c, &ppmli_limits)) {
    refusal->too_large = c->params;
    return PPML_ERR_PARAMS;
  }
  ppmli_planner_noise(&noise, c);
  double agreement = 1 - noise.changed_answers;
  if (agreement >= wanted && ppmli_leak_may_publish(c, noise.score)) return PPML_OK;
  if (refusal->params == NULL || agreement > refusal->agreement)
    ppmli_compile_blame(refusal, c, agreement);
  return PPML_ERR_PARAMS;
}

/* Tries the sets that the options allow, the fastest first, and keeps the first one that will do: of a
 * model without hidden layers the one that needs no key is before all others; the exact set is last among
 * the sets with bootstraps.
 *   gain     [layer_count][outputs]  out
 *   refusal  out on an error: the set that came closest
 * Errors: PARAMS (none will do). */
PPMLI_STATIC int ppmli_compile_choose(ppml_circuit *c, int32_t *const *gain,
                                      const ppml_compile_options *options, ppml_refusal *refusal) {
  const ppml_params *p;
  for (int keyless = 1; keyless >= 0; keyless--)
    for (size_t i = 0; (p = ppmli_params_by_index(i)) != NULL; i++) {
      if (ppmli_params_is_keyless(p) != keyless) continue;
      if (!ppmli_compile_may(options, &c->model, p)) continue;
      c->params = p;
      if (ppmli_compile_try(c, gain, options->agreement, refusal) == PPML_OK) return PPML_OK;
    }
  return PPML_ERR_PARAMS;
}

/* As ppml_compile, whose pointers are checked.
 *   c        out; shares the model's arrays, gains are in arena
 *   refusal  out on PARAMS
 * Errors: ARG, PARAMS, NOMEM. */
PPMLI_STATIC int ppmli_compile(ppml_circuit *c, const ppml_model *model,
                               const ppml_compile_options *options, ppml_refusal *refusal,
                               ppml_arena *arena) {
  int32_t *gain[PPML_LAYERS_MAX];
  const ppml_params *params = options->params;
  memset(refusal, 0, sizeof *refusal);
  if ((params != NULL) == (options->automatic != 0)) return PPML_ERR_ARG;
  if (!(options->agreement >= 0 && options->agreement <= 1)) return PPML_ERR_ARG;
  if (options->publish > PPML_PUBLISH_MAX) return PPML_ERR_ARG;
  if (!ppmli_model_is_valid(model)) return PPML_ERR_ARG;
  if (options->publish && model->spec.decides) return PPML_ERR_ARG;
  for (uint32_t l = 0; l < model->layer_count; l++) {
    PPMLI_ALLOC(int32_t, gains, arena, model->layer[l].outputs);
    gain[l] = gains;
  }
  memset(c, 0, sizeof *c);
  c->model = *model;
  c->agreement = options->agreement;
  c->publish = options->publish;
  ppmli_model_id(c->model.id, model);
  PPMLI_TRY(ppmli_compile_choose(c, gain, options, refusal));
  ppmli_circuit_set_id(c);
  return PPML_OK;
}

/* What the clients of a circuit are told: its spec, the unit and noise of a score, steps of an answer, and
 * after how many answers a key is to be renewed.
 *   client  out */
PPMLI_STATIC void ppmli_client_from_circuit(ppml_client *client, const ppml_circuit *c) {
  ppml_noise noise;
  ppmli_planner_noise(&noise, c);
  memset(client, 0, sizeof *client);
  client->spec = c->model.spec;
  ppmli_leak_client(client, c, &noise);
  memcpy(client->circuit_id, c->id, PPML_ID_BYTES);
}

#endif
