/* Opening encrypted scores: the phase of each, the score it stands for, and the answer that is given
 * out.  In: encrypted scores and the secret key; out: scores or an answer.  Next: network/answer.h. */
#ifndef PPMLI_CLIENT_DECRYPT_H
#define PPMLI_CLIENT_DECRYPT_H

#include "../base/ct.h"
#include "../base/rng.h"
#include "../base/stream.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "../math/torus.h"
#include "../network/answer.h"
#include "../network/client.h"
#include "../wire/output.h"

/* ------------------------------------------------------------------ scores */

/* round(n 2^shift / d), halves up, but INT32_MAX at most; 0 < d <= 2^63.  CT. */
PPMLI_STATIC uint64_t ppmli_ct_divide(uint64_t n, uint32_t shift, uint64_t d) {
  uint64_t rest, overflow, quotient = ppmli_ct_quotient(&overflow, &rest, n, shift, d);
  quotient += 1 - ppmli_ct_less(rest, d - rest);
  uint64_t most = INT32_MAX, above = 1 - ppmli_ct_less(overflow, 1);
  above |= ppmli_ct_less(most, quotient);
  return quotient ^ ((quotient ^ most) & ppmli_ct_mask(above));
}

/* t 2^shift / unit as an integer score; t is signed, two's complement.  CT. */
PPMLI_STATIC int32_t ppmli_output_decode(uint64_t t, uint32_t shift, uint64_t unit) {
  uint64_t negative = ppmli_ct_mask(ppmli_ct_hide(t >> 63));
  uint64_t score = ppmli_ct_divide((t ^ negative) - negative, shift, unit);
  return (int32_t)((int64_t)score - 2 * (int64_t)(score & negative));
}

/* round(phase / score_unit): a torus element modulo 2^output_bits as an integer score.  CT. */
PPMLI_STATIC int32_t ppmli_output_score(uint32_t phase, const ppml_client *client) {
  uint64_t t = ppmli_torus_from(phase, client->params->output_bits);
  return ppmli_output_decode(t, 0, client->score_unit);
}

/* The phase of one ciphertext of an output, modulo 2^output_bits.  CT. */
PPMLI_STATIC uint32_t ppmli_output_phase(const uint32_t *lwe, const ppml_params *p,
                                         const uint8_t *glwe_bits) {
  size_t dim = ppmli_params_long_dim(p);
  uint32_t phase = lwe[dim];
  for (size_t i = 0; i < dim; i++)
    phase -= lwe[i] & (uint32_t)ppmli_ct_mask(ppmli_bit(glwe_bits, i));
  for (size_t i = 0; ppmli_params_key_planes(p) > 1 && i < dim; i++) /* where the key is -1 */
    phase += lwe[i] & (uint32_t)ppmli_ct_mask(ppmli_bit(glwe_bits, dim + i));
  return phase & (((uint32_t)1 << p->output_bits) - 1);
}

/* Phase of score s of an image. */
PPMLI_STATIC uint32_t ppmli_output_phase_of(const ppml_output *output, size_t image, uint32_t s,
                                            const ppml_secret_key *key) {
  const ppml_params *p = key->client->params;
  const uint32_t *lwe = output->lwe + (image * output->outputs + s) * ppmli_output_words(p);
  return ppmli_output_phase(lwe, p, key->glwe_bits);
}

/* Does the output belong to the key, and has it this image?  Errors: ARG, MISMATCH. */
PPMLI_STATIC int ppmli_decrypt_check(const ppml_output *output, size_t image,
                                     const ppml_secret_key *key) {
  if (output->params != key->client->params || output->outputs != key->client->spec.outputs ||
      memcmp(output->circuit_id, key->client->circuit_id, PPML_ID_BYTES) != 0 ||
      memcmp(output->key_id, key->id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  return image < output->images ? PPML_OK : PPML_ERR_ARG;
}

/* Scores of an image, whatever was asked for.
 *   scores  [outputs]  out
 * Errors: ARG, MISMATCH.  CT: up to the scores. */
PPMLI_STATIC int ppmli_decrypt_scores(int32_t *scores, const ppml_output *output, size_t image,
                                      const ppml_secret_key *key) {
  PPMLI_TRY(ppmli_decrypt_check(output, image, key));
  for (uint32_t s = 0; s < output->outputs; s++)
    scores[s] = ppmli_output_score(ppmli_output_phase_of(output, image, s, key), key->client);
  return PPML_OK;
}

/* ---------------------------------------------------------------- requests */

/* Closes the request that the image answers, if it is open.
 * Errors: ARG, MISMATCH, REQUEST; then it stays as it was. */
PPMLI_STATIC int ppmli_request_close(ppml_request *request, const ppml_output *output, size_t image,
                                     const ppml_secret_key *key) {
  PPMLI_TRY(ppmli_decrypt_check(output, image, key));
  const uint8_t *digest = output->digest + image * PPML_ID_BYTES;
  if (request->open != 1 || memcmp(digest, request->digest, PPML_ID_BYTES) != 0)
    return PPML_ERR_REQUEST;
  for (size_t i = 0; i < output->images; i++) /* two images for one request: neither is answered */
    if (i != image && memcmp(output->digest + i * PPML_ID_BYTES, digest, PPML_ID_BYTES) == 0)
      return PPML_ERR_REQUEST;
  request->open = 0;
  return PPML_OK;
}

PPMLI_STATIC int ppmli_decrypt_for_owner(int32_t *scores, const ppml_output *output, size_t image,
                                         ppml_request *request, const ppml_secret_key *key) {
  PPMLI_TRY(ppmli_request_close(request, output, image, key));
  return ppmli_decrypt_scores(scores, output, image, key);
}

/* CT: up to the steps that the scores are in. */
PPMLI_STATIC int ppmli_decrypt(ppml_answer *answer, const ppml_output *output, size_t image,
                               ppml_request *request, const ppml_secret_key *key) {
  int32_t scores[PPML_CLASSES_MAX];
  PPMLI_TRY(ppmli_decrypt_for_owner(scores, output, image, request, key));
  ppmli_client_answer(answer, key->client, scores);
  ppmli_wipe(scores, sizeof scores);
  return PPML_OK;
}

/* ---------------------------------------------------------------- flooding */

/* floor(a b / 2^64), b below 2^47.  CT. */
PPMLI_INLINE uint64_t ppmli_flood_scale(uint64_t a, uint64_t b) {
  uint64_t low = (a & 0xffffffff) * (b & 0xffffffff), high = (a >> 32) * (b >> 32);
  uint64_t middle = (a >> 32) * (b & 0xffffffff) + (low >> 32);
  uint64_t cross = (a & 0xffffffff) * (b >> 32) + (middle & 0xffffffff);
  return high + (middle >> 32) + (cross >> 32);
}

/* A sum of uniform numbers on [-bound, bound], in two's complement.  CT. */
PPMLI_STATIC uint64_t ppmli_flood_draw(ppmli_stream *noise, uint64_t bound) {
  uint64_t sum = 0, word;
  for (int i = 0; i < PPMLI_LEAK_FLOOD_SUMMANDS; i++) {
    ppmli_stream_u64(noise, &word, 1);
    sum += ppmli_flood_scale(word, 2 * bound + 1) - bound;
  }
  ppmli_wipe(&word, sizeof word);
  return sum;
}

/* phase / score_unit with a flood, which goes beyond a turn without wrapping: both in 2^-40 of
 * a turn, on whose grid every phase is.  CT. */
PPMLI_STATIC int32_t ppmli_flood_score(uint32_t phase, const ppml_client *client, uint64_t flood) {
  uint64_t t = ppmli_torus_from(phase, client->params->output_bits);
  uint64_t sign = ppmli_ct_mask(ppmli_ct_hide(t >> 63)) << 40;
  return ppmli_output_decode((t >> 24 | sign) + flood, 24, client->score_unit);
}

/* Scores of an image with noise from a seed.  CT: up to the scores. */
PPMLI_STATIC void ppmli_flood_scores(int32_t *scores, const ppml_output *output, size_t image,
                                     const ppml_secret_key *key, const uint8_t *seed) {
  const ppml_client *client = key->client;
  uint64_t bound = ppmli_client_flood_bound(client);
  ppmli_stream noise;
  for (uint32_t s = 0; s < output->outputs; s++) {
    ppmli_stream_init(&noise, seed, PPMLI_STREAM_FLOOD, s);
    uint64_t flood = ppmli_client_is_silent(client) ? 0 : ppmli_flood_draw(&noise, bound);
    scores[s] = ppmli_flood_score(ppmli_output_phase_of(output, image, s, key), client, flood);
  }
  ppmli_stream_wipe(&noise);
}

PPMLI_STATIC int ppmli_decrypt_flooded(int32_t *scores, const ppml_output *output, size_t image,
                                       ppml_request *request, const ppml_secret_key *key,
                                       ppml_rng *rng) {
  uint8_t seed[PPML_SEED_BYTES];
  if (key->client->publish == 0) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_decrypt_check(output, image, key));
  ppmli_rng_bytes(rng, seed, sizeof seed); /* before the request is closed: it may fail */
  int error = ppmli_request_close(request, output, image, key);
  if (error == PPML_OK) ppmli_flood_scores(scores, output, image, key, seed);
  ppmli_wipe(seed, sizeof seed);
  return error;
}

#endif
