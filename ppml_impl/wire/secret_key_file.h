/* The files of a secret key: alone, naming its client spec by the id; and the keyring, which has the spec
 * before the key.  In and out: a ppml_secret_key, whose planes are wiped where reading fails.
 * Next: client/secret.h, which draws the bits. */
#ifndef PPMLI_WIRE_SECRET_KEY_FILE_H
#define PPMLI_WIRE_SECRET_KEY_FILE_H

#include "../base/ct.h"
#include "../network/client.h"
#include "../network/secret_key.h"
#include "client_file.h"
#include "container.h"
#include "limits.h"

/* Begins a file of either kind.
 *   before_bytes  of the payload, before the planes */
PPMLI_STATIC void ppmli_secret_key_begin(ppmli_out *out, ppml_writer *writer, uint32_t kind,
                                         const ppml_secret_key *key, size_t before_bytes) {
  ppml_header h = ppmli_header_of(kind, key->client->params, before_bytes + key->bytes,
                                  key->client->circuit_id, key->id);
  ppmli_out_begin(out, writer, &h);
}

/* Ends it with the planes; the buffers of the digest have seen them. */
PPMLI_STATIC int ppmli_secret_key_finish(ppmli_out *out, const ppml_secret_key *key) {
  ppmli_out_bytes(out, key->glwe_bits, key->bytes);
  int error = ppmli_out_end(out);
  ppmli_wipe(out, sizeof *out);
  return error;
}

/* Places a key and reads its planes, the rest of the file; wiped unless all of it was in order.
 * Memory: ppmli_secret_key_bytes.  Errors: input bytes', NOMEM. */
PPMLI_STATIC int ppmli_secret_key_get(ppml_secret_key *key, const ppml_client *client, ppmli_in *in,
                                      const ppml_header *h, ppml_arena *arena) {
  PPMLI_TRY(ppmli_secret_key_place(key, client, arena));
  memcpy(key->id, h->key_id, PPML_ID_BYTES);
  ppmli_in_bytes(in, key->glwe_bits, key->bytes);
  int error = ppmli_in_end(in);
  if (error) ppmli_secret_key_wipe(key);
  return error;
}

/* ------------------------------------------------------------------ alone */

PPMLI_STATIC int ppmli_secret_key_write(const ppml_secret_key *key, ppml_writer *writer) {
  uint8_t id[PPML_ID_BYTES];
  ppmli_out out;
  ppmli_client_id(id, key->client);
  ppmli_secret_key_begin(&out, writer, PPML_KIND_SECRET_KEY, key, sizeof id);
  ppmli_out_bytes(&out, id, sizeof id);
  return ppmli_secret_key_finish(&out, key);
}

/* Is what follows the key of this client spec?  The header has said of which set and circuit.
 * Errors: input bytes', MISMATCH. */
PPMLI_STATIC int ppmli_secret_key_check(ppmli_in *in, const ppml_header *h,
                                        const ppml_client *client) {
  uint8_t named[PPML_ID_BYTES], id[PPML_ID_BYTES];
  ppmli_in_bytes(in, named, sizeof named);
  if (in->error) return in->error;
  if (h->params != client->params || memcmp(h->circuit_id, client->circuit_id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  ppmli_client_id(id, client);
  return memcmp(named, id, sizeof id) == 0 ? PPML_OK : PPML_ERR_MISMATCH;
}

PPMLI_STATIC int ppmli_secret_key_read(ppml_secret_key *key, const ppml_client *client,
                                       ppml_reader *reader, const ppml_limits *limits,
                                       ppml_arena *arena) {
  ppmli_in in;
  ppml_header h;
  int error = ppmli_in_begin_kind(&in, &h, PPML_KIND_SECRET_KEY, reader, limits);
  if (error == PPML_OK) error = ppmli_secret_key_check(&in, &h, client);
  if (error == PPML_OK) error = ppmli_secret_key_get(key, client, &in, &h, arena);
  ppmli_wipe(&in, sizeof in);
  return error;
}

/* ---------------------------------------------------------------- keyring */

PPMLI_STATIC int ppmli_keyring_write(const ppml_secret_key *key, ppml_writer *writer) {
  ppmli_out out;
  if (!ppmli_client_is_valid(key->client, &ppmli_limits)) return PPML_ERR_RANGE;
  ppmli_secret_key_begin(&out, writer, PPML_KIND_KEYRING, key,
                         ppmli_client_wire_bytes(key->client));
  ppmli_client_put(&out, key->client);
  return ppmli_secret_key_finish(&out, key);
}

/*   client  out; the key refers to it */
PPMLI_STATIC int ppmli_keyring_read(ppml_secret_key *key, ppml_client *client, ppml_reader *reader,
                                    const ppml_limits *limits, ppml_arena *arena) {
  ppmli_in in;
  ppml_header h;
  int error = ppmli_in_begin_kind(&in, &h, PPML_KIND_KEYRING, reader, limits);
  if (error == PPML_OK) error = ppmli_client_get(client, &in, &h, limits);
  if (error == PPML_OK) error = ppmli_secret_key_get(key, client, &in, &h, arena);
  ppmli_wipe(&in, sizeof in);
  return error;
}

#endif
