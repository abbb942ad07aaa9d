/* Opening an answer as its file is read: a few words of a ciphertext at a time, and no memory.  Nothing
 * is given before the whole file was found in order.  In: a reader, the request and the secret key; out:
 * scores.  Next: decrypt.h, which opens a ppml_output. */
#ifndef PPMLI_CLIENT_DECRYPT_FROM_H
#define PPMLI_CLIENT_DECRYPT_FROM_H

#include "../base/ct.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "../network/answer.h"
#include "../wire/container.h"
#include "../wire/output.h"
#include "decrypt.h"

/* The phase of the next ciphertext, modulo 2^output_bits.  CT. */
PPMLI_STATIC uint32_t ppmli_output_phase_next(ppmli_in *in, const ppml_params *p,
                                              const uint8_t *glwe_bits) {
  const size_t dim = ppmli_params_long_dim(p), planes = ppmli_params_key_planes(p);
  uint64_t words[PPMLI_OUT_WORDS];
  uint32_t phase = 0;
  for (size_t i = 0; i <= dim; i += PPMLI_OUT_WORDS) {
    size_t count = ppmli_min_size(PPMLI_OUT_WORDS, dim + 1 - i);
    ppmli_output_fetch_words(words, in, p, count);
    for (size_t j = 0; j < count && i + j < dim; j++) {
      phase -= (uint32_t)words[j] & (uint32_t)ppmli_ct_mask(ppmli_bit(glwe_bits, i + j));
      if (planes > 1) /* where the key is -1 */
        phase += (uint32_t)words[j] & (uint32_t)ppmli_ct_mask(ppmli_bit(glwe_bits, dim + i + j));
    }
    if (i + count > dim) phase += (uint32_t)words[count - 1];
  }
  return phase & (((uint32_t)1 << p->output_bits) - 1);
}

/* Reads all before the ciphertexts.
 *   image   out: the one that answers the request
 *   images  out: how many there are
 * Errors: the input bytes', MISMATCH, REQUEST. */
PPMLI_STATIC int ppmli_decrypt_from_begin(ppmli_in *in, uint32_t *image, uint32_t *images,
                                          ppml_reader *reader, const ppml_limits *limits,
                                          const ppml_request *request, const ppml_secret_key *key) {
  const ppml_client *client = key->client;
  ppml_header h;
  uint8_t digest[PPML_ID_BYTES];
  uint32_t found = 0;
  PPMLI_TRY(ppmli_in_begin_kind(in, &h, PPML_KIND_OUTPUT, reader, limits));
  uint32_t outputs;
  PPMLI_TRY(ppmli_output_get_shape(images, &outputs, in, &h, limits));
  if (h.params != client->params || outputs != client->spec.outputs ||
      memcmp(h.circuit_id, client->circuit_id, PPML_ID_BYTES) != 0 ||
      memcmp(h.key_id, key->id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  for (uint32_t i = 0; i < *images; i++) {
    ppmli_in_bytes(in, digest, sizeof digest);
    if (memcmp(digest, request->digest, sizeof digest) != 0) continue;
    *image = i;
    found++;
  }
  if (in->error) return in->error;
  return request->open == 1 && found == 1 ? PPML_OK : PPML_ERR_REQUEST;
}

/* Scores of the image that a request is of; closes it.
 *   scores  [outputs]  out
 * Errors: the input bytes', IO, MISMATCH, REQUEST; the request then stays as it was.
 * CT: up to the scores. */
PPMLI_STATIC int ppmli_decrypt_scores_from(int32_t *scores, ppml_reader *reader,
                                           const ppml_limits *limits, ppml_request *request,
                                           const ppml_secret_key *key) {
  const ppml_client *client = key->client;
  ppmli_in in;
  uint32_t image = 0, images;
  PPMLI_TRY(ppmli_decrypt_from_begin(&in, &image, &images, reader, limits, request, key));
  for (uint32_t i = 0; i < images; i++)
    for (uint32_t s = 0; s < client->spec.outputs && in.error == PPML_OK; s++) {
      uint32_t phase = ppmli_output_phase_next(&in, client->params, key->glwe_bits);
      if (i == image) scores[s] = ppmli_output_score(phase, client);
    }
  PPMLI_TRY(ppmli_in_end(&in));
  request->open = 0;
  return PPML_OK;
}

/* The answer that those scores stand for.  CT: up to the steps that the scores are in. */
PPMLI_STATIC int ppmli_decrypt_from(ppml_answer *answer, ppml_reader *reader,
                                    const ppml_limits *limits, ppml_request *request,
                                    const ppml_secret_key *key) {
  int32_t scores[PPML_CLASSES_MAX];
  int error = ppmli_decrypt_scores_from(scores, reader, limits, request, key);
  if (error == PPML_OK) ppmli_client_answer(answer, key->client, scores);
  ppmli_wipe(scores, sizeof scores);
  return error;
}

#endif
