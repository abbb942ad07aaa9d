/* The secret key's file: the client's spec, then the bits of both keys.  In and out: a ppml_secret_key, wiped
 * where reading fails.  Next: client/secret.h, which draws the bits. */
#ifndef PPMLI_WIRE_SECRET_KEY_FILE_H
#define PPMLI_WIRE_SECRET_KEY_FILE_H

#include "../base/ct.h"
#include "../math/params.h"
#include "../network/client.h"
#include "client_file.h"
#include "container.h"
#include "limits.h"

PPMLI_STATIC int ppmli_secret_key_write(const ppml_secret_key *key, ppml_writer *writer) {
  const ppml_params *p = key->client.params;
  size_t glwe_bytes = ppmli_params_key_bytes(p), lwe_bytes = ppmli_params_lwe_key_bytes(p);
  ppml_header h = {PPML_KIND_SECRET_KEY,
                   PPML_FORMAT_VERSION,
                   p,
                   ppmli_client_wire_bytes(&key->client) + glwe_bytes + lwe_bytes,
                   {0},
                   {0}};
  const ppml_limits limits = ppmli_limits_default();
  ppmli_out out;
  if (!ppmli_client_is_valid(&key->client, &limits)) return PPML_ERR_RANGE;
  memcpy(h.circuit_id, key->client.circuit_id, PPML_ID_BYTES);
  memcpy(h.key_id, key->id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_client_put(&out, &key->client);
  ppmli_out_bytes(&out, key->glwe_bits, glwe_bytes);
  ppmli_out_bytes(&out, key->lwe_bits, lwe_bytes);
  int error = ppmli_out_end(&out);
  ppmli_wipe(&out, sizeof out);
  return error;
}

/* A secret key read from untrusted bytes is wiped unless all of it was in order. */
PPMLI_STATIC int ppmli_secret_key_get(ppml_secret_key *key, ppmli_in *in, ppml_reader *reader,
                                      const ppml_limits *limits) {
  ppml_header h;
  PPMLI_TRY(ppmli_in_begin_kind(in, &h, PPML_KIND_SECRET_KEY, reader, limits));
  PPMLI_TRY(ppmli_client_get(&key->client, in, &h, limits));
  memcpy(key->id, h.key_id, PPML_ID_BYTES);
  ppmli_in_bytes(in, key->glwe_bits, ppmli_params_key_bytes(h.params));
  ppmli_in_bytes(in, key->lwe_bits, ppmli_params_lwe_key_bytes(h.params));
  return ppmli_in_end(in);
}

PPMLI_STATIC int ppmli_secret_key_read(ppml_secret_key *key, ppml_reader *reader,
                                       const ppml_limits *limits) {
  ppmli_in in;
  memset(key, 0, sizeof *key);
  int error = ppmli_secret_key_get(key, &in, reader, limits);
  ppmli_wipe(&in, sizeof in);
  if (error) ppmli_wipe(key, sizeof *key);
  return error;
}

#endif
