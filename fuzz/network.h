/* network.h - a small valid network made of a fuzzer's bytes, so that mutations need not find one:
 * one to three layers, every activation, every task, peaks tight and wide.  After ppml.h. */
#ifndef PPML_FUZZ_NETWORK_H
#define PPML_FUZZ_NETWORK_H

#include <stdio.h>

#include "feed.h"

enum { NETWORK_LAYERS = 3, NETWORK_PIXELS = 27, NETWORK_NEURONS = 4, NETWORK_WEIGHTS = 128 };

/* A network and all its arrays. */
typedef struct network {
  ppml_model model;
  int8_t weight[NETWORK_LAYERS][NETWORK_WEIGHTS];
  int32_t bias[NETWORK_LAYERS][NETWORK_NEURONS], range[NETWORK_LAYERS][NETWORK_NEURONS];
  int32_t peak[NETWORK_LAYERS][NETWORK_NEURONS];
  int32_t square[NETWORK_NEURONS], linear[NETWORK_NEURONS];
  int8_t table[PPML_TABLE_SIZE];
} network;

static void network_spec(network *n, feed *f) {
  ppml_spec *s = &n->model.spec;
  s->width = 1 + feed_below(f, 3);
  s->height = 1 + feed_below(f, 3);
  s->channels = 1 + feed_below(f, 3);
  s->input_bits = 1 + feed_below(f, 8);
  s->classes = 2 + feed_below(f, 3);
  s->task = feed_below(f, 3);
  s->outputs = ppmli_task_outputs(s->task, s->classes);
  s->score_unit = 1 + feed_below(f, 200);
  for (uint32_t c = 0; c < s->classes; c++)
    snprintf(s->class_name[c], PPML_CLASS_NAME_BYTES, "class %u", (unsigned)c);
  for (uint32_t o = 0; o < s->outputs && !ppmli_spec_is_contest(s); o++)
    s->threshold[o] = 8 * feed_within(f, 127);
}

/* Ranges that exact circuits can have where the byte says so; else from the bound down. */
static int32_t network_range(feed *f, int64_t bound) {
  static const int32_t exact[] = {1, 3, 5, 9, 15, 45};
  uint32_t choice = feed_below(f, 16);
  if (choice < 6) return 127 * exact[choice];
  int64_t range = choice == 15 ? (int64_t)feed_byte(f) : bound >> (choice - 6) / 2;
  return (int32_t)(range < 1 ? 1 : range);
}

/* Arrays behind the weights.
 *   bound  largest |z| of neuron j */
static void network_neuron(network *n, feed *f, uint32_t l, uint32_t j) {
  ppml_layer *layer = &n->model.layer[l];
  int64_t bound = ppmli_layer_bound(layer, j, ppmli_layer_input_max(&n->model, l));
  if (ppmli_model_has_score_peaks(&n->model, l)) n->peak[l][j] = 1 << (4 + feed_below(f, 18));
  if (layer->activation == PPML_ACTIVATION_POLYNOMIAL) {
    n->square[j] = feed_within(f, 8);
    n->linear[j] = 16 * feed_within(f, 127);
  }
  if (!ppmli_layer_is_clipped(layer)) return;
  n->range[l][j] = network_range(f, bound);
  bound >>= feed_below(f, 4); /* 0: no image wraps */
  n->peak[l][j] = (int32_t)(bound > n->range[l][j] ? bound : n->range[l][j]);
}

static void network_arrays(network *n, uint32_t l) {
  ppml_layer *layer = &n->model.layer[l];
  layer->weight = n->weight[l];
  layer->bias = n->bias[l];
  if (ppmli_layer_is_clipped(layer)) layer->range = n->range[l];
  if (ppmli_layer_is_clipped(layer) || ppmli_model_has_score_peaks(&n->model, l))
    layer->peak = n->peak[l];
  if (layer->activation == PPML_ACTIVATION_TABLE) layer->table = n->table;
  if (layer->activation != PPML_ACTIVATION_POLYNOMIAL) return;
  layer->square = n->square;
  layer->linear = n->linear;
}

static void network_layer(network *n, feed *f, uint32_t l, uint32_t activation) {
  ppml_model *m = &n->model;
  ppml_layer *layer = &m->layer[l];
  int is_last = l + 1 == m->layer_count;
  layer->inputs = l ? m->layer[l - 1].outputs : (uint32_t)ppmli_spec_inputs(&m->spec);
  layer->outputs = is_last ? m->spec.outputs : 1 + feed_below(f, NETWORK_NEURONS);
  layer->activation = is_last ? (uint32_t)PPML_ACTIVATION_NONE : activation;
  layer->weight_bits = 2 + feed_below(f, 7);
  network_arrays(n, l);
  int32_t most = (1 << (layer->weight_bits - 1)) - 1;
  for (uint32_t i = 0; i < layer->inputs * layer->outputs; i++)
    n->weight[l][i] = (int8_t)feed_within(f, most);
  for (uint32_t j = 0; j < layer->outputs; j++) n->bias[l][j] = 16 * feed_within(f, 127);
  for (uint32_t j = 0; j < layer->outputs; j++) network_neuron(n, f, l, j);
}

/* A valid network, polynomial or not.  Its pointers are into n, which must stay where it is. */
static void network_make(network *n, feed *f, int is_polynomial) {
  ppml_model *m = &n->model;
  memset(n, 0, sizeof *n);
  network_spec(n, f);
  m->layer_count = is_polynomial ? 2 : 1 + feed_below(f, NETWORK_LAYERS);
  m->margin_p05 = (uint32_t)1 << feed_below(f, 31);
  uint32_t slope = 1 + feed_below(f, 8);
  for (uint32_t i = 0; i < PPML_TABLE_SIZE; i++) n->table[i] = (int8_t)(i * slope % 255 - 127);
  for (uint32_t l = 0; l < m->layer_count; l++)
    network_layer(n, f, l,
                  is_polynomial ? (uint32_t)PPML_ACTIVATION_POLYNOMIAL : 1 + feed_below(f, 4));
  ppmli_model_id(m->id, m);
}

#endif
