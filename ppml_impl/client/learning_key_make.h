/* Making the learning key, on its owner's machine: a packing key, then a whole evaluation key.  In: the
 * secret key and a generator; out: the key's file.  Next: keygen.h; server/learning_key.h. */
#ifndef PPMLI_CLIENT_LEARNING_KEY_MAKE_H
#define PPMLI_CLIENT_LEARNING_KEY_MAKE_H

#include "../wire/container.h"
#include "../wire/learning_key.h"
#include "../wire/nested.h"
#include "../wire/packing_key.h"
#include "keygen.h"

PPMLI_STATIC size_t ppmli_learning_key_generate_bytes(const ppml_params *p, size_t threads) {
  return ppmli_max_size(ppmli_packing_put_scratch(p), ppmli_eval_key_generate_bytes(p, threads));
}

/* Makes the key and writes it as it goes.
 *   rng  ppmli_rng_begin was called for this use
 * Scratch: ppmli_learning_key_generate_bytes.  Errors: NOMEM, IO.  CT: time depends on p only. */
PPMLI_STATIC int ppmli_learning_key_generate(ppml_writer *writer, const ppml_secret_key *key,
                                             ppml_rng *rng, const ppml_parallel *parallel,
                                             const ppml_progress *progress, ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  ppml_header h = ppmli_header_of(PPML_KIND_LEARNING_KEY, p, ppmli_learning_key_payload_bytes(p),
                                  key->client->circuit_id, key->id);
  ppmli_out out;
  ppmli_out_begin(&out, writer, &h);
  ppml_writer inner = ppmli_nested_writer(&out);
  PPMLI_TRY(ppmli_packing_put(&out, key, rng, arena));
  PPMLI_TRY(ppmli_eval_key_generate(&inner, key, rng, parallel, progress, arena));
  return ppmli_out_end(&out);
}

#endif
