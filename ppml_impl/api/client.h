/* The public functions of a client: what it knows of a circuit, its keys, encryption and
 * decryption.  Includes nothing of the server or the planner.  Next: network.h, server.h.  In: client
 * specs, keys, images and scores of a caller; out: files, ciphertexts and answers. */
#ifndef PPMLI_API_CLIENT_H
#define PPMLI_API_CLIENT_H

#include "../base/ct.h"
#include "../base/rng.h"
#include "../client/decrypt.h"
#include "../client/decrypt_from.h"
#include "../client/encrypt.h"
#include "../client/key_run.h"
#include "../client/keygen.h"
#include "../network/answer.h"
#include "../network/secret_key.h"
#include "../wire/client_file.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "../wire/key_layout.h"
#include "../wire/output.h"
#include "../wire/secret_key_file.h"
#include "call.h"
#include "whole.h"

/* ------------------------------------------------------ what a client knows */

PPML_API void ppml_client_id(uint8_t *id, const ppml_client *client) {
  if (id == NULL) return;
  if (ppmli_client_is_whole(client)) ppmli_client_id(id, client);
  else memset(id, 0, PPML_ID_BYTES);
}

PPML_API int ppml_client_write(const ppml_client *client, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_client_write, client, ppmli_client_is_whole);
}

PPML_API int ppml_client_read(ppml_client *client, ppml_reader *reader, const ppml_limits *limits) {
  PPMLI_READ_FLAT(ppmli_client_read, client);
}

PPML_API int ppml_scores_are_unseen(const int32_t *scores, const int32_t *peaks, uint32_t outputs) {
  return scores && peaks && ppmli_scores_are_unseen(scores, peaks, outputs, 1);
}

/* --------------------------------------------------------------------- keys */

PPML_API size_t ppml_secret_key_generate_bytes(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_secret_key_bytes(params) : 0;
}

PPML_API int ppml_secret_key_generate(ppml_secret_key *key, const ppml_client *client,
                                      ppml_rng *rng, ppml_arena *arena) {
  if (!key) return PPML_ERR_ARG;
  memset(key, 0, sizeof *key); /* so that it may be wiped, whatever comes */
  if (!rng || !ppmli_client_is_whole(client)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_secret_key_generate(key, client, rng, arena);
  return ppmli_call_end(&call, error);
}

PPML_API void ppml_secret_key_wipe(ppml_secret_key *key) {
  if (key) ppmli_secret_key_wipe(key);
}

PPML_API int ppml_secret_key_write(const ppml_secret_key *key, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_secret_key_write, key, ppmli_secret_key_is_whole);
}

PPML_API int ppml_secret_key_read(ppml_secret_key *key, const ppml_client *client,
                                  ppml_reader *reader, const ppml_limits *limits,
                                  ppml_arena *arena) {
  if (!key) return PPML_ERR_ARG;
  memset(key, 0, sizeof *key);
  if (!ppmli_client_is_whole(client) || !ppmli_reader_is_whole(reader) || !limits)
    return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  return ppmli_call_end(&call, ppmli_secret_key_read(key, client, reader, limits, arena));
}

PPML_API int ppml_keyring_write(const ppml_secret_key *key, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_keyring_write, key, ppmli_secret_key_is_whole);
}

PPML_API int ppml_keyring_read(ppml_secret_key *key, ppml_client *client, ppml_reader *reader,
                               const ppml_limits *limits, ppml_arena *arena) {
  if (!key) return PPML_ERR_ARG;
  memset(key, 0, sizeof *key);
  if (!client || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  int error = ppmli_keyring_read(key, client, reader, limits, arena);
  if (error) memset(client, 0, sizeof *client);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_eval_key_generate_bytes(const ppml_params *params, size_t threads) {
  if (!ppmli_params_is_whole(params) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_eval_key_generate_bytes(params, threads);
}

PPML_API int ppml_eval_key_generate(ppml_writer *writer, const ppml_secret_key *key, ppml_rng *rng,
                                    const ppml_parallel *parallel, const ppml_progress *progress,
                                    ppml_arena *arena) {
  if (!ppmli_writer_is_whole(writer) || !ppmli_secret_key_is_whole(key) || !rng)
    return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel) || !ppmli_progress_is_whole(progress)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  if (ppmli_params_is_keyless(key->client->params)) return PPML_ERR_PARAMS;
  ppmli_call call = ppmli_call_begin(arena, NULL, 0);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK)
    error = ppmli_eval_key_generate(writer, key, rng, parallel, progress, arena);
  return ppmli_call_end(&call, error);
}

static int ppmli_run_is_whole(const ppml_eval_key_run *run) {
  return run && ppmli_params_is_whole(run->params) && !ppmli_params_is_keyless(run->params) &&
         run->pieces == ppmli_run_pieces(run->params) && run->next <= run->made &&
         run->made <= run->pieces;
}

PPML_API int ppml_eval_key_run_begin(ppml_eval_key_run *run, const ppml_secret_key *key,
                                     ppml_rng *rng) {
  if (!run || !ppmli_secret_key_is_whole(key) || !rng) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, run, sizeof *run);
  if (ppmli_params_is_keyless(key->client->params)) return ppmli_call_end(&call, PPML_ERR_PARAMS);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) ppmli_run_begin(run, key, rng);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_eval_key_run_make_bytes(const ppml_params *params) {
  if (!ppmli_params_is_whole(params) || ppmli_params_is_keyless(params)) return 0;
  return ppmli_run_make_bytes(params);
}

PPML_API int ppml_eval_key_run_make(ppml_writer *writer, ppml_eval_key_run *run,
                                    const ppml_secret_key *key, uint64_t pieces,
                                    ppml_arena *arena) {
  if (!ppmli_writer_is_whole(writer) || !ppmli_run_is_whole(run)) return PPML_ERR_ARG;
  if (!ppmli_secret_key_is_whole(key)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  if (run->params != key->client->params || memcmp(run->key_id, key->id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  ppmli_call call = ppmli_call_begin(arena, NULL, 0); /* the run keeps what it has */
  return ppmli_call_end(&call, ppmli_run_make(writer, run, key, pieces, arena));
}

PPML_API int ppml_eval_key_run_seek(ppml_eval_key_run *run, uint64_t byte) {
  return ppmli_run_is_whole(run) ? ppmli_run_seek(run, byte) : PPML_ERR_ARG;
}

PPML_API void ppml_eval_key_run_wipe(ppml_eval_key_run *run) {
  if (run) ppmli_wipe(run, sizeof *run);
}

PPML_API size_t ppml_eval_key_wire_bytes(const ppml_params *params) {
  if (!ppmli_params_is_whole(params)) return 0;
  return ppmli_key_wire_bytes(params);
}

/* --------------------------------------------------------------- encryption */

PPML_API size_t ppml_encrypt_bytes(const ppml_params *params, const ppml_spec *spec) {
  if (!ppmli_params_is_whole(params) || !ppmli_spec_is_whole(spec)) return 0;
  return ppmli_input_bytes(params, spec);
}

PPML_API int ppml_encrypt(ppml_input *input, ppml_request *request, const ppml_secret_key *key,
                          const uint8_t *pixels, ppml_rng *rng, ppml_arena *arena) {
  if (!input || !request || !pixels || !rng) return PPML_ERR_ARG;
  if (!ppmli_secret_key_is_whole(key)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, input, sizeof *input);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_encrypt(input, request, key, pixels, rng, arena);
  if (error) memset(request, 0, sizeof *request);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_encrypt_to_bytes(const ppml_params *params, const ppml_spec *spec) {
  if (!ppmli_params_is_whole(params) || !ppmli_spec_is_whole(spec)) return 0;
  return ppmli_encrypt_to_bytes(params, spec);
}

PPML_API int ppml_encrypt_to(ppml_writer *writer, ppml_request *request, const ppml_secret_key *key,
                             const uint8_t *pixels, ppml_rng *rng, ppml_arena *arena) {
  if (!ppmli_writer_is_whole(writer) || !request || !pixels || !rng) return PPML_ERR_ARG;
  if (!ppmli_secret_key_is_whole(key)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, request, sizeof *request);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_encrypt_to(writer, request, key, pixels, rng, arena);
  return ppmli_call_end(&call, error);
}

PPML_API void ppml_input_digest(uint8_t *digest, const ppml_input *input) {
  if (digest && input) ppmli_input_digest(digest, input);
}

PPML_API size_t ppml_input_wire_bytes(const ppml_params *params, const ppml_spec *spec) {
  if (!ppmli_params_is_whole(params) || !ppmli_spec_is_whole(spec)) return 0;
  return PPMLI_CONTAINER_BYTES + ppmli_input_payload_bytes(params, ppmli_input_words(params, spec));
}

PPML_API int ppml_input_write(const ppml_input *input, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_input_write, input, ppmli_input_is_whole);
}

/* --------------------------------------------------------------- decryption */

PPML_API size_t ppml_output_lwe_words(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_output_words(params) : 0;
}

PPML_API size_t ppml_output_wire_bytes(const ppml_params *params, const ppml_spec *spec,
                                       size_t images) {
  if (!ppmli_params_is_whole(params) || !ppmli_spec_is_whole(spec)) return 0;
  return PPMLI_CONTAINER_BYTES + ppmli_output_payload_bytes(params, images, spec->outputs);
}

PPML_API int ppml_output_read(ppml_output *output, ppml_reader *reader, const ppml_limits *limits,
                              ppml_arena *arena) {
  PPMLI_READ(ppmli_output_read, output);
}

PPML_API void ppml_client_answer(ppml_answer *answer, const ppml_client *client,
                                 const int32_t *scores) {
  if (answer == NULL) return;
  if (scores && ppmli_client_is_whole(client)) ppmli_client_answer(answer, client, scores);
  else memset(answer, 0, sizeof *answer);
}

/* What all of the three below ask of their arguments. */
static int ppmli_may_decrypt(const ppml_output *output, const ppml_request *request,
                             const ppml_secret_key *key) {
  return request && ppmli_output_is_whole(output) && ppmli_secret_key_is_whole(key);
}

PPML_API int ppml_decrypt(ppml_answer *answer, const ppml_output *output, size_t image,
                          ppml_request *request, const ppml_secret_key *key) {
  if (!answer || !ppmli_may_decrypt(output, request, key)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, answer, sizeof *answer);
  return ppmli_call_end(&call, ppmli_decrypt(answer, output, image, request, key));
}

PPML_API int ppml_decrypt_from(ppml_answer *answer, ppml_reader *reader, const ppml_limits *limits,
                               ppml_request *request, const ppml_secret_key *key) {
  if (!answer || !ppmli_reader_is_whole(reader) || !limits || !request) return PPML_ERR_ARG;
  if (!ppmli_secret_key_is_whole(key)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, answer, sizeof *answer);
  return ppmli_call_end(&call, ppmli_decrypt_from(answer, reader, limits, request, key));
}

PPML_API int ppml_decrypt_scores_for_owner(int32_t *scores, const ppml_output *output, size_t image,
                                           ppml_request *request, const ppml_secret_key *key) {
  if (!scores || !ppmli_may_decrypt(output, request, key)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, scores, key->client->spec.outputs * sizeof *scores);
  return ppmli_call_end(&call, ppmli_decrypt_for_owner(scores, output, image, request, key));
}

PPML_API int ppml_decrypt_scores_flooded(int32_t *scores, const ppml_output *output, size_t image,
                                         ppml_request *request, const ppml_secret_key *key,
                                         ppml_rng *rng) {
  if (!scores || !rng || !ppmli_may_decrypt(output, request, key)) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, scores, key->client->spec.outputs * sizeof *scores);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_decrypt_flooded(scores, output, image, request, key, rng);
  return ppmli_call_end(&call, error);
}

#endif
