/* The seeds of what is encrypted.
 *
 * Two ciphertexts under one pair of seeds subtract to the difference of their messages, with no
 * key.  So a seed does not rest on the generator alone: it is a digest of what the generator
 * draws, which has the machine's fresh entropy in it, of the secret key, and of the message.
 * Even a generator that was copied and whose entropy source gives both copies the same then gives
 * different seeds for different images; the secret key makes seeds something nobody can guess
 * where the generator is known.
 *
 * In: a generator, the secret key and the message; out: a public seed for masks, a secret one for
 * noise.  Next: stream.h, which draws from them. */
#ifndef PPMLI_BASE_SEEDS_H
#define PPMLI_BASE_SEEDS_H

#include "bytes.h"
#include "ct.h"
#include "digest.h"
#include "rng.h"
#include "stream.h"

/* What the seeds are for. */
enum {
  PPMLI_SEEDS_EVAL_KEY = 0x79656b65,
  PPMLI_SEEDS_INPUT = 0x75706e69,
  PPMLI_SEEDS_PACKING_KEY = 0x6b636170,
  PPMLI_SEEDS_ROWS = 0x73776f72,
  PPMLI_SEEDS_SUMS = 0x736d7573
};

typedef struct ppmli_seeds {
  uint8_t mask[PPML_SEED_BYTES];  /* public: it travels */
  uint8_t noise[PPML_SEED_BYTES]; /* secret */
} ppmli_seeds;

PPMLI_STATIC void ppmli_seeds_wipe(ppmli_seeds *seeds) {
  ppmli_wipe(seeds, sizeof *seeds);
}

/* A digest of all that the seeds rest on.  Everything but the key, whose length comes before it, and the
 * message, which comes last, has one length, so that no two lists of arguments are the same bytes. */
PPMLI_STATIC void ppmli_seeds_root(uint8_t root[PPML_SEED_BYTES], const ppmli_seeds *drawn,
                                   uint32_t purpose, const ppml_secret_key *key,
                                   const void *message, size_t message_bytes) {
  ppmli_digest d;
  uint8_t word[8];
  ppmli_store32(word, purpose);
  ppmli_store32(word + 4, (uint32_t)key->bytes);
  ppmli_digest_init_seed(&d);
  ppmli_digest_update(&d, word, sizeof word);
  ppmli_digest_update(&d, drawn, sizeof *drawn);
  ppmli_digest_update(&d, key->client->circuit_id, sizeof key->client->circuit_id);
  ppmli_digest_update(&d, key->id, sizeof key->id);
  ppmli_digest_update(&d, key->glwe_bits, key->bytes);
  ppmli_digest_update(&d, message, message_bytes);
  ppmli_digest_final_seed(&d, root);
  ppmli_digest_wipe(&d);
}

/* Draws the seeds of a ciphertext or of a key that a server gets.  A generator for tests gives what it
 * draws itself, so that its known answers need no digest.
 *   rng      ppmli_rng_begin was called for this use
 *   message  [message_bytes]  what is encrypted: the pixels of an image, say
 * CT: time depends on message_bytes alone. */
PPMLI_STATIC void ppmli_seeds_draw(ppmli_seeds *seeds, uint32_t purpose, const ppml_secret_key *key,
                                   const void *message, size_t message_bytes, ppml_rng *rng) {
  uint8_t root[PPML_SEED_BYTES];
  ppmli_stream s;
  ppmli_rng_bytes(rng, seeds->mask, sizeof seeds->mask);
  ppmli_rng_bytes(rng, seeds->noise, sizeof seeds->noise);
  if (rng->ready == PPMLI_RNG_FOR_TESTS) return;
  ppmli_seeds_root(root, seeds, purpose, key, message, message_bytes);
  ppmli_stream_init(&s, root, PPMLI_STREAM_SEEDS, 0);
  ppmli_stream_bytes(&s, seeds->mask, sizeof seeds->mask);
  ppmli_stream_bytes(&s, seeds->noise, sizeof seeds->noise);
  ppmli_stream_wipe(&s);
  ppmli_wipe(root, sizeof root);
}

#endif
