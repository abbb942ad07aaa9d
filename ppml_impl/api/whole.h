/* Is an object whole?  One that was zeroed, wiped or never set up has no parameter set or
 * no arrays, and on a machine without memory protection address 0 can be read.  These checks look
 * at pointers and shapes, in time that the shape bounds; what bytes from outside mean, parsers
 * check.  All take NULL.  In: a pointer to an object; out: 1 or 0.  Next: call.h. */
#ifndef PPMLI_API_WHOLE_H
#define PPMLI_API_WHOLE_H

#include "../math/params.h"
#include "../network/model.h"
#include "../network/secret_key.h"
#include "../network/spec.h"
#include "../wire/container.h"

/* ------------------------------------------------------ memory and callbacks */

PPMLI_INLINE int ppmli_is_aligned(const void *memory) {
  return (uintptr_t)memory % PPML_ALIGNMENT == 0;
}

/* Errors: ARG, ALIGNMENT. */
PPMLI_STATIC int ppmli_arena_check(const ppml_arena *arena) {
  if (!arena || !arena->memory || arena->used_bytes > arena->capacity_bytes) return PPML_ERR_ARG;
  return ppmli_is_aligned(arena->memory) ? PPML_OK : PPML_ERR_ALIGNMENT;
}

PPMLI_STATIC int ppmli_reader_is_whole(const ppml_reader *reader) {
  return reader && reader->read;
}

PPMLI_STATIC int ppmli_writer_is_whole(const ppml_writer *writer) {
  return writer && writer->write;
}

/* These two may be left out, but not half set up. */
PPMLI_STATIC int ppmli_parallel_is_whole(const ppml_parallel *parallel) {
  return parallel == NULL || (parallel->run && parallel->threads <= PPML_THREADS_MAX);
}

PPMLI_STATIC int ppmli_progress_is_whole(const ppml_progress *progress) {
  return progress == NULL || progress->step;
}

/* --------------------------------------------------------- sets and networks */

/* Is p an entry of this library's table?  It is compared, not looked into. */
PPMLI_STATIC int ppmli_params_is_whole(const ppml_params *p) {
  const ppml_params *entry;
  for (size_t i = 0; (entry = ppmli_params_by_index(i)) != NULL; i++)
    if (entry == p) return 1;
  return 0;
}

PPMLI_STATIC int ppmli_spec_is_whole(const ppml_spec *spec) {
  return spec && ppmli_spec_has_shape(spec);
}

PPMLI_STATIC int ppmli_model_is_whole(const ppml_model *m) {
  return m && ppmli_spec_is_whole(&m->spec) && ppmli_model_has_network(m);
}

PPMLI_STATIC int ppmli_circuit_is_whole(const ppml_circuit *c) {
  if (c == NULL || !ppmli_params_is_whole(c->params) || !ppmli_model_is_whole(&c->model)) return 0;
  if (!ppmli_model_suits(&c->model, c->params)) return 0;
  if (ppmli_model_is_pooled(&c->model)) return c->unit[0] != 0;
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    if (c->unit[l] == 0 || c->gain[l] == NULL) return 0;
    for (uint32_t j = 0; j < c->model.layer[l].outputs; j++)
      if (c->gain[l][j] < 1) return 0;
  }
  return 1;
}

PPMLI_STATIC int ppmli_client_is_whole(const ppml_client *client) {
  return client && ppmli_params_is_whole(client->params) && ppmli_spec_is_whole(&client->spec) &&
         client->score_unit != 0;
}

/* ----------------------------------------------------- keys and ciphertexts */

PPMLI_STATIC int ppmli_secret_key_is_whole(const ppml_secret_key *key) {
  return key && ppmli_client_is_whole(key->client) && ppmli_secret_key_fits(key);
}

PPMLI_STATIC int ppmli_input_is_whole(const ppml_input *input) {
  return input && ppmli_params_is_whole(input->params) && input->body &&
         (input->tail || ppmli_params_tail_bits(ppmli_params_input_set(input->params)) == 0);
}

PPMLI_STATIC int ppmli_output_is_whole(const ppml_output *output) {
  return output && ppmli_params_is_whole(output->params) && output->lwe && output->digest;
}

/* Readers of ciphertexts have shapes from the set that a header names. */
PPMLI_STATIC int ppmli_header_is_whole(const ppml_header *h) {
  if (h == NULL) return 0;
  return ppmli_kind_is_free_of_set(h->kind) || ppmli_params_is_whole(h->params);
}

/* Threads that a size is asked for; more than that no call takes. */
PPMLI_INLINE int ppmli_threads_are_sane(size_t threads) {
  return threads >= 1 && threads <= PPML_THREADS_MAX;
}

#endif
