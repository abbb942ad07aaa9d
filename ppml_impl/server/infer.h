/* From encrypted images to encrypted scores: do images, key and circuit belong together, then the way of
 * their kind (path.h), then the switch down to the few bits of an answer.  In: a circuit, a key and
 * images; out: a ppml_output.  Next: path.h. */
#ifndef PPMLI_SERVER_INFER_H
#define PPMLI_SERVER_INFER_H

#include "../base/arena.h"
#include "../math/params.h"
#include "../wire/input.h"
#include "../wire/output.h"
#include "evalkey.h"
#include "path.h"
#include "switch_down.h"

PPMLI_STATIC size_t ppmli_infer_bytes(const ppml_circuit *c, size_t images, size_t threads) {
  return ppmli_output_array_bytes(c->params, images, images * c->model.spec.outputs) +
         ppmli_server_bytes(c, images, threads);
}

/* Whose images they must be: the key's owner's, or where there is no key, all one owner's. */
PPMLI_INLINE const uint8_t *ppmli_infer_owner(const ppml_input *inputs, const ppml_eval_key *key) {
  return ppmli_params_is_keyless(key->params) ? inputs[0].key_id : key->key_id;
}

/* Do images, key and circuit belong together? */
PPMLI_STATIC int ppmli_infer_check(const ppml_circuit *c, const ppml_input *inputs, size_t images,
                                   const ppml_eval_key *key) {
  if (images == 0 || images > UINT32_MAX) return PPML_ERR_ARG;
  if (images > SIZE_MAX / ppmli_infer_bytes(c, 1, 1)) return PPML_ERR_NOMEM;
  if (key->params != c->params || memcmp(key->circuit_id, c->id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  for (size_t i = 0; i < images; i++) {
    if (inputs[i].params != c->params || memcmp(inputs[i].circuit_id, c->id, PPML_ID_BYTES) != 0 ||
        memcmp(inputs[i].key_id, ppmli_infer_owner(inputs, key), PPML_ID_BYTES) != 0 ||
        inputs[i].blocks != ppmli_input_blocks(c->params, &c->model.spec) ||
        inputs[i].words != ppmli_input_words(c->params, &c->model.spec))
      return PPML_ERR_MISMATCH;
  }
  return PPML_OK;
}

PPMLI_STATIC int ppmli_infer_images(ppml_output *output, const ppml_circuit *c,
                                    const ppml_input *inputs, size_t images,
                                    const ppml_eval_key *key, const ppml_parallel *parallel,
                                    ppml_arena *arena) {
  size_t words = ppmli_output_words(c->params), scores = images * c->model.spec.outputs;
  const uint64_t *wide = NULL;
  PPMLI_TRY(ppmli_infer_check(c, inputs, images, key));
  PPMLI_ALLOC(uint8_t, digest, arena, images * PPML_ID_BYTES);
  PPMLI_ALLOC(uint32_t, lwe, arena, scores * words);
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_eval_key_take(key));
  int error = ppmli_server_scores(&wide, c, inputs, images, key, parallel, arena);
  ppmli_eval_key_release(key);
  if (error) return error;
  for (size_t s = 0; s < scores; s++)
    ppmli_output_switch(lwe + s * words, wide + s * words, c->params);
  for (size_t i = 0; i < images; i++) ppmli_input_digest(digest + i * PPML_ID_BYTES, &inputs[i]);
  memset(output, 0, sizeof *output);
  output->params = c->params;
  output->digest = digest;
  output->images = (uint32_t)images;
  output->outputs = c->model.spec.outputs;
  output->lwe = lwe;
  memcpy(output->circuit_id, c->id, PPML_ID_BYTES);
  memcpy(output->key_id, ppmli_infer_owner(inputs, key), PPML_ID_BYTES);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
