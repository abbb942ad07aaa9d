/* session.h - client and server in one process, for the commands that play both. */
#ifndef SESSION_H
#define SESSION_H

#include "cli.h"
#include "keyring.h"
#include "pool.h"

typedef struct session {
  keyring key; /* first, for its alignment */
  const ppml_circuit *circuit;
  ppml_rng rng;
  ppml_eval_key eval;
  pool threads;
  size_t batch;
  ppml_input *inputs;     /* [batch] */
  ppml_request *requests; /* [batch] */
  ppml_arena key_arena, client_arena, server_arena;
  const char *backend;                     /* the one in use */
  double keygen_ms, load_ms;               /* what making and expanding the key took */
  double encrypt_ms, infer_ms, decrypt_ms; /* of the last batch, per image */
} session;

/* Makes keys for a circuit, passing the evaluation key through its wire format.
 *   backend  NULL for the best.  Returns CLI_OK, or the exit status after one line. */
int session_open(session *s, const ppml_circuit *circuit, size_t threads, size_t batch,
                 const char *backend);

/* Encrypts, infers and decrypts up to batch images.
 *   scores  [count][outputs]  out
 *   pixels  [count][inputs] */
int session_run(session *s, int32_t *scores, const uint8_t *pixels, size_t count);

/* Harmless on a session whose opening failed. */
void session_close(session *s);

#endif
