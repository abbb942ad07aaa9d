/* The hidden layer of an exact circuit, in rounds of bootstraps.  In: its accumulators; out: its activations.
 *
 * A neuron has several jobs (network/windows.h): each cuts a window out of the accumulator, less outputs of
 * earlier jobs, and bootstraps it.  Jobs that do not depend on one another make a round:
 *
 *   accumulators, outputs so far -> phases -> bootstrap.h -> outputs;  after the last round -> activations
 *
 * Samples of a round are [image][job of the round]. */
#ifndef PPMLI_SERVER_ROUNDS_H
#define PPMLI_SERVER_ROUNDS_H

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../math/params.h"
#include "../network/windows.h"
#include "bootstrap.h"
#include "window_tables.h"

typedef struct ppmli_rounds {
  ppmli_exact_count count;
  size_t neurons;         /* of the hidden layer */
  ppmli_exact_plan *plan; /* [neurons] */
  size_t *first;          /* [neurons]: of all jobs of an image, the neuron's first */
  uint64_t *outputs;      /* [images][jobs of all neurons][k N + 1] */
  uint32_t *neuron,
      *job; /* [samples of an image]  which job of which neuron, in the round at hand */
} ppmli_rounds;

/* ------------------------------------------------------------------ sizes */

PPMLI_INLINE int ppmli_circuit_has_rounds(const ppml_circuit *c) {
  return ppmli_params_is_noiseless(c->params) && c->model.layer_count > 1;
}

/* Jobs of an image in the round that has most: relu negates its two digits in one round. */
PPMLI_STATIC size_t ppmli_rounds_width(const ppml_circuit *c) {
  if (!ppmli_circuit_has_rounds(c)) return 0;
  int is_relu = c->model.layer[0].activation == PPML_ACTIVATION_RELU;
  return ppmli_exact_used(&c->model) * (is_relu ? 2u : 1u);
}

/* Memory, none where the circuit has no rounds. */
PPMLI_STATIC size_t ppmli_rounds_bytes(const ppml_circuit *c, size_t images) {
  size_t words = ppmli_params_long_dim(c->params) + 1;
  if (!ppmli_circuit_has_rounds(c)) return 0;
  ppmli_exact_count count = ppmli_exact_count_of(&c->model);
  return ppmli_arena_rounded(c->model.layer[0].outputs * sizeof(ppmli_exact_plan)) +
         ppmli_arena_rounded(c->model.layer[0].outputs * sizeof(size_t)) +
         ppmli_arena_rounded(images * count.bootstraps * words * sizeof(uint64_t)) +
         2 * ppmli_arena_rounded(ppmli_rounds_width(c) * sizeof(uint32_t));
}

/* Memory, and the jobs of the neurons.
 * Memory: ppmli_rounds_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_rounds_init(ppmli_rounds *r, const ppml_circuit *c, size_t images,
                                   ppml_arena *arena) {
  const ppml_model *m = &c->model;
  ppmli_exact_layout layout;
  size_t words = ppmli_params_long_dim(c->params) + 1, jobs = 0;
  r->count = ppmli_exact_count_of(m);
  r->neurons = m->layer[0].outputs;
  PPMLI_ALLOC(ppmli_exact_plan, plan, arena, r->neurons);
  PPMLI_ALLOC(size_t, first, arena, r->neurons);
  PPMLI_ALLOC(uint64_t, outputs, arena, images * r->count.bootstraps * words);
  PPMLI_ALLOC(uint32_t, neuron, arena, ppmli_rounds_width(c));
  PPMLI_ALLOC(uint32_t, job, arena, ppmli_rounds_width(c));
  ppmli_exact_layout_make(&layout, m);
  for (uint32_t j = 0; j < r->neurons; j++) {
    ppmli_exact_plan_make(&plan[j], &layout, m, j);
    first[j] = jobs;
    jobs += plan[j].count;
  }
  r->plan = plan;
  r->first = first;
  r->outputs = outputs;
  r->neuron = neuron;
  r->job = job;
  return PPML_OK;
}

/* ------------------------------------------------------------------ stages */

typedef struct ppmli_round {
  const ppmli_bootstrap *work;
  const ppmli_rounds *rounds; /* in and out: outputs */
  size_t images;
  size_t width;                 /* jobs of an image in this round */
  const uint64_t *accumulators; /* [images][neurons][k N + 1] */
  uint64_t *samples;            /* [images][width][k N + 1]: phases, then what they became */
} ppmli_round;

/* Outputs of all jobs of a neuron. */
PPMLI_INLINE uint64_t *ppmli_round_outputs(const ppmli_round *x, size_t image, size_t neuron) {
  const ppmli_rounds *r = x->rounds;
  return r->outputs + (image * r->count.bootstraps + r->first[neuron]) *
                          (ppmli_params_long_dim(x->work->params) + 1);
}

/* The job that an image's sample number `at` is. */
PPMLI_INLINE const ppmli_exact_job *ppmli_round_job(const ppmli_rounds *r, size_t at) {
  return &r->plan[r->neuron[at]].job[r->job[at]];
}

/* Phases of a share of the round's samples, from accumulators and outputs so far. */
PPMLI_STATIC void ppmli_round_phase_task(void *argument, size_t index) {
  const ppmli_round *x = (const ppmli_round *)argument;
  const ppmli_rounds *r = x->rounds;
  size_t words = ppmli_params_long_dim(x->work->params) + 1;
  ppmli_share share = ppmli_bootstrap_share(x->work, x->images * x->width, index);
  for (size_t s = share.first; s < share.first + share.count; s++) {
    size_t image = s / x->width, at = s % x->width, j = r->neuron[at];
    ppmli_exact_phase(x->samples + s * words, ppmli_round_job(r, at),
                      x->accumulators + (image * r->neurons + j) * words,
                      ppmli_round_outputs(x, image, j), words);
  }
}

/* The table of a sample of the round. */
PPMLI_STATIC void ppmli_round_table(uint64_t *table, const void *context, size_t sample) {
  const ppmli_round *x = (const ppmli_round *)context;
  ppmli_exact_table(table, ppmli_round_job(x->rounds, sample % x->width),
                    x->work->params->poly_size);
}

/* Keeps what the bootstraps of a share of the samples gave. */
PPMLI_STATIC void ppmli_round_keep_task(void *argument, size_t index) {
  const ppmli_round *x = (const ppmli_round *)argument;
  const ppmli_rounds *r = x->rounds;
  size_t words = ppmli_params_long_dim(x->work->params) + 1;
  ppmli_share share = ppmli_bootstrap_share(x->work, x->images * x->width, index);
  for (size_t s = share.first; s < share.first + share.count; s++) {
    size_t at = s % x->width;
    uint64_t *outputs = ppmli_round_outputs(x, s / x->width, r->neuron[at]);
    memcpy(outputs + r->job[at] * words, x->samples + s * words, words * sizeof *outputs);
  }
}

/* The activations of a share of the neurons, from their outputs; they take the samples' place. */
PPMLI_STATIC void ppmli_round_activation_task(void *argument, size_t index) {
  const ppmli_round *x = (const ppmli_round *)argument;
  const ppmli_rounds *r = x->rounds;
  size_t words = ppmli_params_long_dim(x->work->params) + 1;
  ppmli_share share = ppmli_bootstrap_share(x->work, x->images * r->neurons, index);
  for (size_t s = share.first; s < share.first + share.count; s++)
    ppmli_exact_activation(x->samples + s * words, &r->plan[s % r->neurons],
                           ppmli_round_outputs(x, s / r->neurons, s % r->neurons), words);
}

/* --------------------------------------------------------------------- run */

/* Lists the jobs of a round.  Returns how many there are. */
PPMLI_STATIC size_t ppmli_rounds_list(ppmli_rounds *r, uint32_t round) {
  size_t width = 0;
  for (uint32_t j = 0; j < r->neurons; j++)
    for (uint32_t i = 0; i < r->plan[j].count; i++) {
      if (r->plan[j].job[i].round != round) continue;
      r->neuron[width] = j;
      r->job[width++] = i;
    }
  return width;
}

/* Activations of the hidden layer, exactly.
 *   activations   [images][neurons][k N + 1]  out; as long as the samples of the widest round
 *   accumulators  [images][neurons][k N + 1]  no alias
 * Errors: those of a key that is streamed. */
PPMLI_STATIC int ppmli_rounds_run(uint64_t *activations, const uint64_t *accumulators,
                                  size_t images, ppmli_rounds *r, ppmli_bootstrap *work,
                                  const ppml_parallel *parallel) {
  ppmli_round x = {work, r, images, 0, accumulators, activations};
  for (uint32_t round = 0; round < r->count.rounds; round++) {
    x.width = ppmli_rounds_list(r, round);
    ppmli_tables tables = {ppmli_round_table, &x};
    ppmli_parallel_run(parallel, work->tasks, ppmli_round_phase_task, &x);
    PPMLI_TRY(ppmli_bootstrap_run(x.samples, work, x.samples, images * x.width, tables, parallel));
    ppmli_parallel_run(parallel, work->tasks, ppmli_round_keep_task, &x);
  }
  ppmli_parallel_run(parallel, work->tasks, ppmli_round_activation_task, &x);
  return PPML_OK;
}

#endif
