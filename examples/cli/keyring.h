/* keyring.h - a secret key, the client spec that it refers to and the memory of its bits, in one place
 * that can be locked and wiped.  It is not to be copied or moved: the key points into it. */
#ifndef KEYRING_H
#define KEYRING_H

#include "cli.h"

typedef struct keyring {
  ppml_secret_key secret;
  ppml_client client;
  unsigned char planes[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED;
} keyring;

/* Zeros it and locks it; the process holds secrets from then on: secret.h. */
void keyring_hold(keyring *k);

/* Makes a key for k->client, which is set.  Returns an error of the library. */
int keyring_make(keyring *k, ppml_rng *rng);

/* Reads what ppml_keyring_write wrote.  Returns an error of the library. */
int keyring_read(keyring *k, ppml_reader *reader, const ppml_limits *limits);

/* The bits, and what points to them; harmless on zeros. */
void keyring_wipe(keyring *k);

#endif
