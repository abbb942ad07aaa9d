#include "session.h"

#include <stdlib.h>
#include <string.h>

/* Makes the evaluation key into wire_bytes of memory. */
static int make_key(session *s, uint8_t *wire, size_t wire_bytes) {
  const ppml_params *p = s->circuit->params;
  ppml_arena arena;
  ppml_writer writer = ppml_writer_to_memory(wire, wire_bytes);
  ppml_progress progress = cli_progress("evaluation key");
  double start = cli_now_ms();
  int status =
      cli_arena_create(&arena, ppml_eval_key_generate_bytes(p, s->threads.parallel.threads));
  if (status) return status;
  ppml_client_from_circuit(&s->key.client, s->circuit);
  int error = keyring_make(&s->key, &s->rng);
  if (error == PPML_OK)
    error = ppml_eval_key_generate(&writer, &s->key.secret, &s->rng, &s->threads.parallel,
                                   &progress, &arena);
  cli_arena_destroy(&arena);
  s->keygen_ms = cli_now_ms() - start;
  return error ? cli_fail_ppml(error, "key generation", "enough memory and entropy") : CLI_OK;
}

/* Expands it as a server does. */
static int expand_key(session *s, const uint8_t *wire, size_t wire_bytes, const char *backend) {
  size_t threads = s->threads.parallel.threads;
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(wire, wire_bytes);
  double start = cli_now_ms();
  size_t bytes = ppml_eval_key_read_bytes(s->circuit->params, threads);
  int status = cli_arena_create(&s->key_arena, bytes + ppml_eval_key_prepare_bytes(s->circuit));
  if (status) return status;
  int error = ppml_eval_key_read(&s->eval, &reader, &limits, s->circuit, backend,
                                 &s->threads.parallel, &s->key_arena);
  if (!error) error = ppml_eval_key_prepare(&s->eval, s->circuit, &s->key_arena);
  s->load_ms = cli_now_ms() - start;
  return error ? cli_fail_ppml(error, "evaluation key", "a backend that this CPU has") : CLI_OK;
}

/* What takes a key's place where none is needed. */
static int make_no_key(session *s, const char *backend) {
  double start = cli_now_ms();
  ppml_client_from_circuit(&s->key.client, s->circuit);
  int error = keyring_make(&s->key, &s->rng);
  if (error) return cli_fail_ppml(error, "key generation", "entropy");
  s->keygen_ms = cli_now_ms() - start;
  size_t bytes = ppml_eval_key_none_bytes(s->circuit) + ppml_eval_key_prepare_bytes(s->circuit);
  int status = cli_arena_create(&s->key_arena, bytes);
  if (status) return status;
  error = ppml_eval_key_none(&s->eval, s->circuit, backend, &s->key_arena);
  if (!error) error = ppml_eval_key_prepare(&s->eval, s->circuit, &s->key_arena);
  s->load_ms = cli_now_ms() - start - s->keygen_ms;
  return error ? cli_fail_ppml(error, "tables", "a backend that this CPU has") : CLI_OK;
}

static int exchange_keys(session *s, const char *backend) {
  if (ppml_eval_key_wire_bytes(s->circuit->params) == 0) return make_no_key(s, backend);
  size_t wire_bytes = ppml_eval_key_wire_bytes(s->circuit->params);
  uint8_t *wire = (uint8_t *)malloc(wire_bytes);
  if (wire == NULL) return cli_fail(CLI_INTERNAL, "memory", "no %zu bytes left", wire_bytes);
  int status = make_key(s, wire, wire_bytes);
  if (status == CLI_OK) status = expand_key(s, wire, wire_bytes, backend);
  free(wire);
  return status;
}

int session_open(session *s, const ppml_circuit *circuit, size_t threads, size_t batch,
                 const char *backend) {
  memset(s, 0, sizeof *s);
  keyring_hold(&s->key);
  s->circuit = circuit;
  s->batch = batch;
  s->backend = backend ? backend : ppml_backend_name(0);
  int status = pool_start(&s->threads, threads);
  if (status) return status;
  status = cli_rng(&s->rng);
  if (status == CLI_OK) status = exchange_keys(s, backend);
  if (status == CLI_OK)
    status = cli_arena_create(&s->client_arena,
                              batch * ppml_encrypt_bytes(circuit->params, &circuit->model.spec));
  if (status == CLI_OK)
    status = cli_arena_create(&s->server_arena, ppml_infer_bytes(circuit, batch, threads));
  s->inputs = (ppml_input *)calloc(batch, sizeof *s->inputs);
  s->requests = (ppml_request *)calloc(batch, sizeof *s->requests);
  if (status == CLI_OK && (s->inputs == NULL || s->requests == NULL))
    status = cli_fail(CLI_INTERNAL, "memory", "none left for %zu images", batch);
  if (status) session_close(s);
  return status;
}

static int encrypt(session *s, const uint8_t *pixels, size_t count) {
  size_t each = ppml_spec_image_bytes(&s->circuit->model.spec);
  for (size_t i = 0; i < count; i++) {
    int error = ppml_encrypt(&s->inputs[i], &s->requests[i], &s->key.secret, pixels + i * each,
                             &s->rng, &s->client_arena);
    if (error) return cli_fail_ppml(error, "encryption", "enough memory");
  }
  return CLI_OK;
}

/* The scores stay in this process, which has the key. */
static int decrypt(int32_t *scores, session *s, const ppml_output *output) {
  for (size_t i = 0; i < output->images; i++) {
    int error = ppml_decrypt_scores_for_owner(scores + i * output->outputs, output, i,
                                              &s->requests[i], &s->key.secret);
    if (error) return cli_fail_ppml(error, "decryption", "scores for this key");
  }
  return CLI_OK;
}

int session_run(session *s, int32_t *scores, const uint8_t *pixels, size_t count) {
  ppml_output output;
  double begun = cli_now_ms();
  int status = encrypt(s, pixels, count);
  double encrypted = cli_now_ms();
  if (status) return status;
  int error = ppml_infer(&output, s->circuit, s->inputs, count, &s->eval, &s->threads.parallel,
                         &s->server_arena);
  double inferred = cli_now_ms();
  if (error) return cli_fail_ppml(error, "inference", "enough memory");
  status = decrypt(scores, s, &output);
  s->encrypt_ms = (encrypted - begun) / (double)count;
  s->infer_ms = (inferred - encrypted) / (double)count;
  s->decrypt_ms = (cli_now_ms() - inferred) / (double)count;
  ppml_arena_release(&s->client_arena, 0);
  ppml_arena_release(&s->server_arena, 0);
  return status;
}

void session_close(session *s) {
  cli_arena_destroy(&s->key_arena);
  cli_arena_destroy(&s->client_arena);
  cli_arena_destroy(&s->server_arena);
  free(s->inputs);
  s->inputs = NULL;
  free(s->requests);
  s->requests = NULL;
  keyring_wipe(&s->key);
  ppml_rng_wipe(&s->rng);
  pool_stop(&s->threads);
}
