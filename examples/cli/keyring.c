#include "keyring.h"

#include <string.h>

#include "secret.h"

void keyring_hold(keyring *k) {
  memset(k, 0, sizeof *k);
  secret_hold(k, sizeof *k);
}

int keyring_make(keyring *k, ppml_rng *rng) {
  ppml_arena arena;
  int error = ppml_arena_init(&arena, k->planes, sizeof k->planes);
  return error ? error : ppml_secret_key_generate(&k->secret, &k->client, rng, &arena);
}

int keyring_read(keyring *k, ppml_reader *reader, const ppml_limits *limits) {
  ppml_arena arena;
  int error = ppml_arena_init(&arena, k->planes, sizeof k->planes);
  return error ? error : ppml_keyring_read(&k->secret, &k->client, reader, limits, &arena);
}

void keyring_wipe(keyring *k) {
  ppml_secret_key_wipe(&k->secret);
}
