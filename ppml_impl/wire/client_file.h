/* The client file: how to encrypt an image and to read an answer, with no weight and no secret in it.
 * In and out: a ppml_client.  Its id is a digest of all of that, for client and server to compare.
 * Next: network/client.h, what a client may be told; secret_key_file.h, whose file begins alike. */
#ifndef PPMLI_WIRE_CLIENT_FILE_H
#define PPMLI_WIRE_CLIENT_FILE_H

#include "../base/digest.h"
#include "../network/client.h"
#include "container.h"
#include "limits.h"
#include "spec_file.h"

PPMLI_INLINE size_t ppmli_client_wire_bytes(const ppml_client *c) {
  return ppmli_spec_wire_bytes(&c->spec) + 28 + 4 * (size_t)c->spec.outputs;
}

PPMLI_STATIC void ppmli_client_put(ppmli_out *out, const ppml_client *c) {
  ppmli_spec_put(out, &c->spec);
  ppmli_out_u64(out, c->score_unit);
  ppmli_out_u64(out, c->score_noise);
  ppmli_out_u32(out, c->answer_step);
  ppmli_out_u32(out, c->publish);
  ppmli_out_u32(out, c->renew_after);
  ppmli_out_i32s(out, c->score_peak, c->spec.outputs);
}

/* The domain word, then the set's numbers, what the file has, and the circuit. */
PPMLI_STATIC void ppmli_client_id(uint8_t *id, const ppml_client *c) {
  static const char domain[] = "ppml client 3";
  uint8_t params[PPML_ID_BYTES];
  ppmli_out out;
  ppmli_params_digest(params, c->params);
  ppmli_out_begin_digest(&out);
  ppmli_out_bytes(&out, domain, sizeof domain);
  ppmli_out_bytes(&out, params, sizeof params);
  ppmli_out_bytes(&out, c->circuit_id, PPML_ID_BYTES);
  ppmli_client_put(&out, c);
  ppmli_digest_final(&out.digest, id);
}

PPMLI_STATIC int ppmli_client_get(ppml_client *c, ppmli_in *in, const ppml_header *h,
                                  const ppml_limits *limits) {
  memset(c, 0, sizeof *c);
  c->params = h->params;
  memcpy(c->circuit_id, h->circuit_id, PPML_ID_BYTES);
  PPMLI_TRY(ppmli_spec_get(&c->spec, in, limits));
  c->score_unit = ppmli_in_u64(in);
  c->score_noise = ppmli_in_u64(in);
  c->answer_step = ppmli_in_u32(in);
  c->publish = ppmli_in_u32(in);
  c->renew_after = ppmli_in_u32(in);
  ppmli_in_i32s(in, c->score_peak, c->spec.outputs);
  if (in->error) return in->error;
  return ppmli_client_is_valid(c, limits) ? PPML_OK : PPML_ERR_RANGE;
}

PPMLI_STATIC int ppmli_client_write(const ppml_client *c, ppml_writer *writer) {
  ppml_header h = {
      PPML_KIND_CLIENT, PPML_FORMAT_VERSION, c->params, ppmli_client_wire_bytes(c), {0}, {0}};
  ppmli_out out;
  if (!ppmli_client_is_valid(c, &ppmli_limits)) return PPML_ERR_RANGE;
  memcpy(h.circuit_id, c->circuit_id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_client_put(&out, c);
  return ppmli_out_end(&out);
}

PPMLI_STATIC int ppmli_client_read(ppml_client *c, ppml_reader *reader, const ppml_limits *limits) {
  ppmli_in in;
  ppml_header h;
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_CLIENT, reader, limits));
  PPMLI_TRY(ppmli_client_get(c, &in, &h, limits));
  return ppmli_in_end(&in);
}

#endif
