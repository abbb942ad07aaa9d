/* A secret key in memory: planes of bits as long as its set needs, in the caller's arena, and the client
 * spec that it refers to.  In: a client spec and an arena; out: a key with room for its bits.
 * Next: client/secret.h, which draws them; wire/secret_key_file.h. */
#ifndef PPMLI_NETWORK_SECRET_KEY_H
#define PPMLI_NETWORK_SECRET_KEY_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "../math/params.h"

/* Memory of the planes of a key. */
PPMLI_STATIC size_t ppmli_secret_key_bytes(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_params_secret_bytes(p));
}

/* A key without bits or id, which refers to a client spec.
 *   key  out; unchanged on an error
 * Memory: ppmli_secret_key_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_secret_key_place(ppml_secret_key *key, const ppml_client *client,
                                        ppml_arena *arena) {
  const ppml_params *p = client->params;
  PPMLI_ALLOC(uint8_t, planes, arena, ppmli_params_secret_bytes(p));
  key->client = client;
  key->bytes = ppmli_params_secret_bytes(p);
  key->glwe_bits = planes;
  key->lwe_bits = planes + ppmli_params_key_bytes(p);
  return PPML_OK;
}

/* Are its planes those of its spec's set?  Both are the caller's to spoil. */
PPMLI_STATIC int ppmli_secret_key_fits(const ppml_secret_key *key) {
  return key->glwe_bits && key->lwe_bits &&
         key->bytes == ppmli_params_secret_bytes(key->client->params);
}

/* The planes first: the spec need not be there any more. */
PPMLI_STATIC void ppmli_secret_key_wipe(ppml_secret_key *key) {
  if (key->glwe_bits) ppmli_wipe(key->glwe_bits, key->bytes);
  ppmli_wipe(key, sizeof *key);
}

#endif
