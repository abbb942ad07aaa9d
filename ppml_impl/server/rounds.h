/* The hidden layer of an exact circuit, in rounds of bootstraps: network/windows.h says which window each
 * one looks at, here they are cut out of the accumulators and put together to activations. */
#ifndef PPMLI_SERVER_ROUNDS_H
#define PPMLI_SERVER_ROUNDS_H

#include "../base/parallel.h"
#include "../math/params.h"
#include "bootstrap.h"
#include "window_tables.h"

/* ----------------------------------------------------------------- digits */

/* Outputs of all jobs of a neuron. */
PPMLI_INLINE uint64_t *ppmli_infer_outputs(const ppmli_infer *x, size_t image, size_t neuron) {
  return x->digit.outputs + (image * x->digit.count.bootstraps + x->digit.first[neuron]) *
                                (ppmli_params_long_dim(x->params) + 1);
}

/* What a share of the round's samples are, from accumulators and outputs so far. */
PPMLI_STATIC void ppmli_infer_phase_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  size_t words = ppmli_params_long_dim(x->params) + 1;
  size_t neurons = x->circuit->model.layer[0].outputs;
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  for (size_t s = share.first; s < share.first + share.count; s++) {
    size_t image = s / x->width, j = x->digit.neuron[s % x->width];
    ppmli_exact_phase(x->lwe + s * words, &x->digit.plan[j].job[x->digit.job[s % x->width]],
                      x->next + (image * neurons + j) * words, ppmli_infer_outputs(x, image, j),
                      words);
  }
}

/* Keeps what the bootstraps of a share of the samples gave. */
PPMLI_STATIC void ppmli_infer_keep_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  size_t words = ppmli_params_long_dim(x->params) + 1;
  ppmli_share share = ppmli_infer_share(x, ppmli_infer_samples(x), index);
  for (size_t s = share.first; s < share.first + share.count; s++) {
    size_t at = s % x->width;
    uint64_t *outputs = ppmli_infer_outputs(x, s / x->width, x->digit.neuron[at]);
    memcpy(outputs + x->digit.job[at] * words, x->lwe + s * words, words * sizeof *outputs);
  }
}

/* The activations of a share of the neurons, from their outputs. */
PPMLI_STATIC void ppmli_infer_activation_task(void *argument, size_t index) {
  const ppmli_infer *x = (const ppmli_infer *)argument;
  size_t words = ppmli_params_long_dim(x->params) + 1;
  size_t neurons = x->circuit->model.layer[0].outputs;
  ppmli_share share = ppmli_infer_share(x, x->images * neurons, index);
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_exact_activation(x->lwe + s * words, &x->digit.plan[s % neurons],
                           ppmli_infer_outputs(x, s / neurons, s % neurons), words);
}

/* Lists the jobs of a round. */
PPMLI_STATIC void ppmli_infer_list_round(ppmli_infer *x, uint32_t round) {
  x->width = 0;
  for (uint32_t j = 0; j < x->circuit->model.layer[0].outputs; j++)
    for (uint32_t i = 0; i < x->digit.plan[j].count; i++) {
      if (x->digit.plan[j].job[i].round != round) continue;
      x->digit.neuron[x->width] = j;
      x->digit.job[x->width++] = i;
    }
}

/* Activations of the hidden layer, exactly.  Accumulators stand in x->next meanwhile. */
PPMLI_STATIC int ppmli_infer_run_digits(ppmli_infer *x, const ppml_parallel *parallel) {
  uint64_t *accumulators = x->lwe;
  x->lwe = x->next;
  x->next = accumulators;
  for (uint32_t round = 0; round < x->digit.count.rounds; round++) {
    ppmli_infer_list_round(x, round);
    ppmli_parallel_run(parallel, x->tasks, ppmli_infer_phase_task, x);
    PPMLI_TRY(ppmli_infer_bootstrap(x, parallel));
    ppmli_parallel_run(parallel, x->tasks, ppmli_infer_keep_task, x);
  }
  ppmli_parallel_run(parallel, x->tasks, ppmli_infer_activation_task, x);
  return PPML_OK;
}

#endif
